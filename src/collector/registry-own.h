/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry-own - what the files of the registry share.
 *
 *   registry.c         nodes and sources
 *   registry-object.c  their objects
 *   registry-want.c    what is wanted of them
 *   registry-save.c    to the store and back
 */
#pragma once

#include "collector/registry.h"

#define KINDS_MAX 256

/* Pointers in an order. */
struct pointers {
	void **at;
	size_t count;
	size_t room;
};

struct registry {
	struct store *store;
	struct registry_bounds bounds;
	struct pointers nodes; /* by id */
	struct pointers names; /* the same by name, and by id where it is the same */
	struct pointers rows;  /* sources, by row */
	char *kinds[KINDS_MAX];
	size_t n_kinds;
	size_t n_objects;
	struct registry_source *dirty_first, *dirty_last;
	int64_t *touched; /* rows, of this transaction */
	size_t n_touched;
	size_t touched_room;
	bool touched_lost; /* memory ran out: any may have been touched */
	void (*on_want)(void *data, struct registry_source *source);
	void (*on_gone)(void *data, struct registry_source *source);
	void *watcher;
};

/* --- of registry.c */

int registry_pointers_insert(struct pointers *pointers, size_t index, void *pointer,
			     struct err *err);
void registry_pointers_remove(struct pointers *pointers, size_t index);
/* The first that is not before @key; @compare  of the key with one of them. */
size_t registry_lower_bound(void *const *at, size_t count, const void *key,
			    int (*compare)(const void *key, const void *one));

/* "" changes nothing. */
int registry_node_rename(struct registry *registry, struct registry_node *node, const char *name,
			 struct err *err);

/* Put it into the memory alone. @row  of the store */
int registry_source_make(struct registry *registry, const char *node_id, const char *name,
			 enum report_role role, int64_t row, struct registry_source **ret,
			 struct err *err);
/* Out of the memory alone; of a node that has no other, the node as well. */
void registry_source_drop(struct registry *registry, struct registry_source *source);
/* Objects and wants away. */
void registry_source_clear(struct registry *registry, struct registry_source *source);

/* The kind as it is shared. NULL: out of memory, or too many. */
const char *registry_kind(struct registry *registry, const char *kind);

/* --- of registry-object.c */

void registry_object_free(struct registry_object *object);
/* As registry_object_put, but nothing is noted for the store. */
int registry_object_load(struct registry *registry, struct registry_source *source,
			 const char *kind, const char *id, const char *attrs, bool dirty,
			 struct err *err);

/* --- of registry-want.c */

int registry_want_put(struct registry_source *source, const char *intent, const char *entry,
		      struct err *err);

/* --- of registry-save.c */

void registry_dirty_drop(struct registry *registry, struct registry_source *source);
