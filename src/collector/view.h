/* SPDX-License-Identifier: BSD-3-Clause */
/* view - nodes and objects as the API shows them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "collector/filter.h"
#include "collector/registry.h"

struct collector;

/*
 * A part of a list. It ends behind a node, so that what a helper said is told as it is at one
 * moment, and what comes and goes elsewhere neither repeats nor hides an object that stays.
 */
struct view_page {
	const char *after; /* id of a node: those behind it; NULL: from the beginning */
	size_t limit;	   /* so many items, or few more; SIZE_MAX: any number */
	int64_t ms;	   /* ends when this time is over; INT64_MAX: never */
	size_t bytes;	   /* or when it has so many; SIZE_MAX: any number */
	/* what came out */
	size_t count;
	const char *next; /* @after of the next one, borrowed from the registry; NULL: all done */
};
#define VIEW_PAGE_ALL ((struct view_page){ .limit = SIZE_MAX, .ms = INT64_MAX, .bytes = SIZE_MAX })

/* The items of a page, one in a line; @filter's kind decides whether it is of nodes or of objects.
 * @comma  before the first. Returns: 0; -ENOMEM. */
int view_items(const struct collector *collector, const struct filter *filter,
	       struct view_page *page, const char *comma, struct str *out, struct err *err);
/* {"version", "items", "next"} of a page; without "next" it is the last. Returns: 0; -ENOMEM. */
int view_list(const struct collector *collector, const struct filter *filter,
	      struct view_page *page, struct str *out, struct err *err);
int view_status(const struct collector *collector, struct str *out, struct err *err);

/* Prometheus text. */
void view_metrics(const struct collector *collector, struct str *out);

/* The attributes of a node. NULL: out of memory. */
struct js *view_node(const struct registry_node *node);

/* An event about a node, in a transaction. Returns: as events_add. */
int view_node_event(struct collector *collector, const struct registry_source *source,
		    const char *type, const char *cause, struct err *err);
