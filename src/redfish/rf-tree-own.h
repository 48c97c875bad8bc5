/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-tree-own - what rf-tree.c (URIs, changes), rf-tree-link.c (links) and rf-tree-render.c
 * (documents) share. */
#pragma once

#include <sys/queue.h>

#include "redfish/rf-tree.h"

#define RF_WATCHERS_MAX 4

/* One end of a link; the other has its counterpart. */
struct rf_link {
	struct rf_resource *other;
	int relation;
	bool reversed;
};

TAILQ_HEAD(rf_queue, rf_resource);

struct rf_resource {
	struct rf_tree *tree;
	const struct rf_class *class; /* NULL: something is below it, it is not there itself */
	void *object;
	struct rf_resource *parent;
	struct rf_resource **children; /* by id */
	struct rf_link *links;	       /* by relation, direction, URI */
	struct rf_resource *chain;     /* of the same bucket */
	TAILQ_ENTRY(rf_resource) queue;
	struct rf_queue *touched; /* in which queue it is */
	char *text;
	const char *state, *health;
	const char *told_state, *told_health; /* as the watchers know it */
	uint64_t hash, told_hash;
	size_t n_children, room;
	unsigned int n_links, links_room;
	unsigned int length; /* of the text */
	bool stale;	     /* the text is none, or old */
	bool told;
	char etag[RF_ETAG_MAX];
	const char *id;
	char uri[];
};

/* What the watchers are to be told of. */
struct rf_gone {
	STAILQ_ENTRY(rf_gone) next;
	const struct rf_class *class;
	const char *state, *health;
	char uri[];
};

struct rf_tree {
	struct rf_resource **buckets;
	size_t n_buckets; /* a power of 2 */
	size_t n_nodes;	  /* also those that are not there themselves */
	size_t count;
	struct rf_queue touched;
	STAILQ_HEAD(, rf_gone) gone;
	struct {
		void (*fn)(void *data, const struct rf_event *event);
		void *data;
	} watchers[RF_WATCHERS_MAX];
	size_t n_watchers;
	bool is_settled; /* once */
};

void rf_etag_of(const char *text, char ret_etag[RF_ETAG_MAX]);
/* All of them, before their resource goes. */
void rf_links_drop(struct rf_tree *tree, struct rf_resource *resource);
