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

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "collector/store.h"
#include "core/httpd.h"

struct events;

/* NULL: out of memory. @keep  so many events */
struct events *events_new(struct store *store, uint64_t keep);
void events_free(struct events *events);
void events_set_keep(struct events *events, uint64_t keep);

/* In a transaction. @event->id and received_ms are set here. Returns: 0; as the store's. */
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
/* In a transaction, now and then. */
int events_prune(struct events *events, struct err *err);

/* As a line of JSON, as the API gives it. */
void events_format(const struct store_event *event, struct str *out);

/* Answer with a stream of server-sent events. @filter->after  -1: from now on */
void events_follow(struct events *events, struct httpd_request *request,
		   const struct store_event_filter *filter);
size_t events_stream_count(const struct events *events);
uint64_t events_total(const struct events *events); /* added since the start */
/* A comment to each stream, so that a dead one is noticed. */
void events_keep_alive(struct events *events);
