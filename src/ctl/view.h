/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view - documents of the collector as rows and words for people.
 *
 * No input or output. What is missing in a document is shown as missing: a collector of a later
 * version may know other kinds and states.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/js.h"
#include "base/table.h"

struct view_listing;

/* The listing of a verb ("nodes", "export list"); NULL if it has none. */
const struct view_listing *view_listing_find(const char *verb);
/* Of the API: "/exports". */
const char *view_listing_path(const struct view_listing *listing);
/* What stands there instead of a table without rows. */
const char *view_listing_nothing(const struct view_listing *listing);

/* @items  as the collector sends them. @now_ms  wall clock, for ages. @ret  TABLE_NULL before. */
void view_listing_table(const struct view_listing *listing, const struct js *items, int64_t now_ms,
			struct table *ret);

/* How good is a state? */
enum table_tint view_state_tint(const char *state);

/* Of an item, "" if it has none; "lost (stale)" of one whose node is silent. Free it. NULL: out of
 * memory. */
char *view_state(const struct js *item);

/* The text of a member, "" if it has none. */
const char *view_text(const struct js *item, const char *key);

/* "rdma 10.1.2.3:4420" of an item with transport, address, service. Free it. NULL: out of memory.
 */
char *view_address(const struct js *item);

/* Members of a list, with ", " between; "" for none. Free it. NULL: out of memory. */
char *view_list(const struct js *list);

/* How many of a device's paths are live, and of how many. */
void view_paths(const struct js *device, size_t *ret_live, size_t *ret_all);

/* "2026-11-24 05:22:54.123" in the time zone of the reader; "-". */
#define VIEW_TIME_MAX 40
const char *view_time(int64_t wall_ms, char text[VIEW_TIME_MAX]);

/* "in 1 h 2 min", "over". */
const char *view_until(int64_t wall_ms, int64_t now_ms, char text[VIEW_TIME_MAX]);

/* The columns of a table of events, and its row. */
#define VIEW_EVENT_COLUMNS 7
void view_event_header(struct table *table);
void view_event_row(const struct js *event, struct table *table);
/* One event as a line. */
void view_event_line(const struct js *event, bool colours, struct str *text);
