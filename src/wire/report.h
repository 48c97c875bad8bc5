/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report - what a helper sends to the collector, and the answer.
 *
 * A report has the sender, and any of: a full snapshot, events with consecutive numbers, counters.
 * One without these only renews the lease. Numbers are valid together with the boot id, which is
 * new whenever the sender cannot continue them. doc/api.md has the documents.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "wire/object.h"

#define REPORT_VERSION 1
#define REPORT_BYTES_MAX (16u << 20)
#define REPORT_EVENTS_MAX 4096
#define REPORT_NODE_MAX 64  /* bytes of a node's id: letters, digits, '-' '_' '.' */
#define REPORT_NAME_MAX 253 /* of its readable name */

enum report_role { REPORT_TARGET, REPORT_INITIATOR };

struct report_event {
	uint64_t seq;
	int64_t time_ms;  /* of the sender's clock, since 1970 */
	const char *type; /* added, changed, removed, note */
	const char *kind;
	const char *id;
	const char *cause; /* for a person; "" */
	const struct js
		*object; /* attributes now; of a removed one those before; NULL for some notes */
};

/* Decoded; everything is borrowed from the document. */
struct report {
	const char *node;
	const char *name;
	enum report_role role;
	const char *boot;
	const char *program;
	int64_t interval_ms;   /* the sender promises a report at least so often */
	uint64_t acknowledged; /* what the sender no longer has, since it was acknowledged */
	bool has_snapshot;
	uint64_t snapshot_seq;	   /* the snapshot is the state after this event */
	const struct js *snapshot; /* array for object_set_parse */
	const struct js *events;   /* array, or NULL */
	const struct js *samples;  /* array, or NULL */
};

struct report_answer {
	uint64_t ack; /* all events up to this number are durable */
	int64_t lease_ms;
	uint64_t wanted; /* generation of what is wanted of this sender */
	bool resync;	 /* send a snapshot */
};

const char *report_role_word(enum report_role role); /* target, initiator */

/* Check a document and fill @ret, borrowing from @js. Returns: 0; -EINVAL what is wrong. */
int report_decode(const struct js *js, struct report *ret, struct err *err);
/* Returns: 0; -EINVAL. */
int report_event_decode(const struct js *js, struct report_event *ret, struct err *err);
/* The same of an event of a report that was decoded, whose every event was checked by that. */
void report_event_at(const struct report *report, size_t index, struct report_event *ret);
/* Returns: a new value; NULL: out of memory. */
struct js *report_event_encode(const struct report_event *event);

/* As a text, which has room in REPORT_ANSWER_TEXT. Returns: its length. */
#define REPORT_ANSWER_TEXT 160
int report_answer_format(const struct report_answer *answer, char *text, size_t size);
int report_answer_decode(const struct js *js, struct report_answer *ret, struct err *err);
