/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filter - which nodes and objects a list of the API is about (doc/api.md, "Filters").
 *
 * What an object does not say of itself is taken from others of its helper: whose subsystem a
 * drive is in, which hosts a subsystem lets in, whose host NQN a connection has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/js.h"
#include "collector/registry.h"

/* What is asked for; NULL: anything. */
struct filter {
	const char *kind;
	const char *node; /* id or name */
	int role;	  /* -1 any */
	const char *id;
	const char *nqn;
	const char *host; /* a host's NQN, or the name or id of its node */
	const char *state;
};

/* The host that is asked for. Borrowed from the registry, and from who asked. */
struct filter_host {
	const char *text;		     /* NULL: any host */
	const struct registry_node *node;    /* that is called so; NULL: it is a host's NQN */
	struct registry_object *const *nqns; /* the node's */
	size_t count;
};

void filter_host_find(const struct registry *registry, const char *text, struct filter_host *ret);
/* Is that one of its NQNs? */
bool filter_host_is(const struct filter_host *host, const char *hostnqn);

/* One list that is made. */
struct filter_run {
	const struct filter *asked;
	struct filter_host host;
	const struct registry_source *source; /* the last one */
	struct js *exported;		      /* its drives with the NQNs of their subsystems */
};

void filter_begin(const struct registry *registry, const struct filter *asked,
		  struct filter_run *ret);
void filter_end(struct filter_run *run);
/* Kind, node, role and id are registry_filter's; this is the rest. */
bool filter_fits(struct filter_run *run, const struct registry_source *source,
		 const struct registry_object *object);
bool filter_fits_node(const struct filter_run *run, const struct registry_node *node);

/* online, lost or unknown */
const char *filter_state_word(const struct registry_source *source);
