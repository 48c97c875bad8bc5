/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merge - one list of what can be reached where, out of all who say something about it: targets'
 * daemons, discovery logs, and hosts that are connected.
 *
 * A place is a subsystem at a port. The same place said by three is one with three sources. Where
 * they contradict each other, it says so in words; who is silent contradicts nobody.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "collector/api.h"

struct collector;

enum merge_kind {
	MERGE_TARGET, /* a target's daemon: it exports it there */
	MERGE_DDC,    /* a discovery log: it is there */
	MERGE_HOST,   /* a host: it is connected there */
};

struct merge_source {
	enum merge_kind kind;
	char *name;    /* of the node, or the key of the discovery controller */
	bool stale;    /* it is not heard of at the moment */
	bool any_host; /* of a target: every host may connect */
};

struct merge_place {
	char *nqn;
	char *port; /* of zone_port */
	struct merge_source *sources;
	size_t n_sources;
	char *contradiction; /* or NULL */
};

struct merge {
	struct merge_place *places; /* in the order of nqn, port */
	size_t count;
};

/* Returns: 0; -ENOMEM. Release with merge_deinit. */
int merge_init(const struct collector *collector, struct merge *ret, struct err *err);
void merge_deinit(struct merge *merge);

/* GET /places. The last has no method. */
extern const struct api_route merge_routes[];
