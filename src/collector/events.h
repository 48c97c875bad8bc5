/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * events - the log of everything that happened, and those who follow it.
 *
 * An event is added in a transaction: it is in the store then, those who subscribed inside the
 * collector have been told (they may add to the same transaction), and after the commit it goes to
 * the streams. A stream that begins with an id first gets what is in the store after it. The log
 * keeps a bounded number of events and forgets the oldest in small steps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "collector/store.h"
#include "core/httpd.h"
#include "core/loop.h"

struct events;

/* What is asked of events; NULL: anything. */
struct events_filter {
	int64_t after;	  /* id; -1 from now on */
	const char *node; /* id or name */
	const char *kind;
	const char *object_id;
	const char *type;
};

/* What is kept; each bound makes the oldest ones go. */
struct events_bounds {
	uint64_t count;
	int64_t age_ms; /* since they were received; 0 none */
	int64_t bytes;	/* of the whole store; 0 none */
};

/* Returns: 0, *ret owned; -ENOMEM; negative errno. */
int events_new(struct loop *loop, struct store *store, const struct events_bounds *bounds,
	       struct events **ret, struct err *err);
void events_free(struct events *events);

/* In a transaction. @event->id is set, and received_ms if it is 0. Returns: 0; as the store's. */
int events_add(struct events *events, struct store_event *event, struct err *err);

/* Of the collector itself, about its own objects: "node", "attachment", "export".
 * @type    added, changed, removed, note
 * @cause   for a person; ""
 * @object  may be NULL */
int events_add_own(struct events *events, const char *type, const char *kind, const char *id,
		   const char *cause, const struct js *object, struct err *err);

/* Told of each event, in its transaction. No more than 4. @fn returns as commit_write_fn. */
typedef int (*events_fn)(void *data, const struct store_event *event, struct err *err);
int events_subscribe(struct events *events, events_fn fn, void *data);

/* After a commit: to the streams. After a failed one: forget what was added. */
void events_flush(struct events *events);
void events_drop(struct events *events);
/* Are there more than are to be kept? By age and bytes it is looked once a second. */
bool events_is_full(struct events *events);
/* In a transaction then, a step. @horizon  those after it are needed */
int events_prune(struct events *events, int64_t horizon, struct err *err);

/* As a line of JSON, as the API gives it. */
void events_format(const struct store_event *event, struct str *out);

/* {"version", "after", "newest", "items"}. No more than EVENTS_SCAN_MAX are looked at: "after" is
 * where to go on, until it is "newest". Returns: 0; as the store's. */
#define EVENTS_SCAN_MAX 100000
int events_list(struct events *events, const struct events_filter *filter, size_t limit,
		struct str *out, struct err *err);

/* Answer with a stream of server-sent events. @who  reads it */
void events_follow(struct events *events, struct httpd_request *request, const char *who,
		   const struct events_filter *filter);
/* His right is void: his streams are closed. */
void events_end_streams(struct events *events, const char *who);
/* The server of the streams ends. */
void events_forget_streams(struct events *events);
size_t events_stream_count(const struct events *events);
uint64_t events_total(const struct events *events); /* added since the start */
/* A comment to each stream, so that a dead one is noticed. */
void events_keep_alive(struct events *events);
