/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top - the picture of a fleet, drawn from what the collector was asked at intervals.
 *
 * Counters come from helpers every few seconds, in steps. So a rate is taken between two steps and
 * holds until the next; it is not known before the second one. No input or output.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/js.h"
#include "base/table.h"

enum top_list {
	TOP_NODES,
	TOP_SUBSYSTEMS,
	TOP_NAMESPACES,
	TOP_CONTROLLERS,
	TOP_ATTACHMENTS,
	TOP_EVENTS,
	TOP_LISTS,
};

/* Where the collector has a list. */
const char *top_path(enum top_list list);

struct top;

/* NULL: out of memory. */
struct top *top_new(void);
void top_free(struct top *top);

/*
 * Take over one answer.
 * @take_documents  of each list; owned, also on failure
 * @now_ms          of the monotonic clock
 * Returns: 0; -ENOMEM.
 */
int top_take(struct top *top, struct js *take_documents[TOP_LISTS], int64_t now_ms);

/* The collector did not answer: the picture stays, and says so. "": it does. */
void top_fail(struct top *top, const char *why);

struct top_frame {
	const char *url;
	struct table_style style; /* with its width; 0: as it takes */
	size_t rows;		  /* of the terminal; 0: as it takes */
	int64_t wall_ms;	  /* now */
	int64_t now_ms;		  /* monotonic */
};

/* Add the picture, line by line. */
void top_format(const struct top *top, const struct top_frame *frame, struct str *text);

/* What it shows, for programs; rates that are not known are left out. NULL: out of memory. */
struct js *top_json(const struct top *top, int64_t now_ms);
