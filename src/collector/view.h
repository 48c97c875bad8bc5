/* SPDX-License-Identifier: BSD-3-Clause */
/* view - nodes and objects as the API shows them. */
#pragma once

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "collector/filter.h"
#include "collector/registry.h"

struct collector;

/* {"version", "items"}: one object in a line. Returns: 0; -ENOMEM. */
int view_objects(const struct collector *collector, const struct filter *filter, struct str *out,
		 struct err *err);
int view_nodes(const struct collector *collector, const struct filter *filter, struct str *out,
	       struct err *err);
int view_status(const struct collector *collector, struct str *out, struct err *err);

/* Prometheus text. */
void view_metrics(const struct collector *collector, struct str *out);

/* The attributes of a node. NULL: out of memory. */
struct js *view_node(const struct registry_node *node);

/* An event about a node, in a transaction. Returns: as events_add. */
int view_node_event(struct collector *collector, const struct registry_source *source,
		    const char *type, const char *cause, struct err *err);
