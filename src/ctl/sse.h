/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sse - server-sent events out of the bytes of a stream, as they come.
 *
 * Source: WHATWG HTML, "Server-sent events", 9.2.6 (interpreting an event stream).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define SSE_LINE_MAX (1u << 18)
#define SSE_DATA_MAX (1u << 20)
#define SSE_ID_MAX 128

struct sse {
	struct str line;
	struct str data;
	char id[SSE_ID_MAX]; /* the last one; kept from event to event */
	char type[SSE_ID_MAX];
	bool has_data;
	bool after_cr;
	bool is_begun; /* a byte order mark is no more one */
};

#define SSE_NULL ((struct sse){ 0 })

void sse_deinit(struct sse *sse);

struct sse_event {
	const char *id;	  /* "" none */
	const char *type; /* "" message */
	const char *data;
	size_t length;
};

/* Returns: 0 go on; other: sse_feed ends with it, and what follows is dropped. */
typedef int (*sse_fn)(void *user, const struct sse_event *event);

/* Returns: 0; -E2BIG a line or an event is longer than any of ours; -ENOMEM; what @fn returned. */
int sse_feed(struct sse *sse, const char *bytes, size_t length, sse_fn fn, void *user);

/* The stream broke: what is of an event that did not come whole is forgotten, the id is not. */
void sse_restart(struct sse *sse);
