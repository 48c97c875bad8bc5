/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry - every host, and every object that its helpers reported, in memory.
 *
 * A node is a host; on it up to two helpers report, one for each role: a source. A source has its
 * objects, its lease, and the entries of what is wanted of it. Objects keep their attributes as
 * text (compact JSON), since 10,000 nodes of them are to be small.
 *
 * It is the image of the store: what changes it runs in a transaction (commit.h) and writes to the
 * store as well. All that is returned is borrowed until the next change. Nothing here is about
 * HTTP, leases running out (lease.h) or what an attachment is (intent.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "collector/store.h"
#include "wire/object.h"
#include "wire/report.h"

struct registry;

struct registry_bounds {
	size_t nodes;	/* on the whole */
	size_t objects; /* of a source */
	size_t bytes;	/* of the attributes of its objects */
};

#define REGISTRY_ROLES 2

struct registry_object {
	const char *kind;
	const char *attrs;    /* JSON object, without "counters" */
	const char *counters; /* JSON object; NULL none */
	char id[];
};

struct registry_source {
	struct registry_node *node;
	enum report_role role;
	int64_t row; /* in the store */
	char *boot;  /* "": never heard of, but something is wanted of it */
	uint64_t seq;
	char *program;
	char *address;
	int64_t interval_ms;
	int64_t heard_ms; /* wall clock, of its last report */
	int64_t due_ms;	  /* monotonic: its lease runs until then */
	int64_t since_ms; /* wall clock: online or not since */
	bool online;	  /* if not, its objects are stale */
	bool resync;	  /* what is here may be wrong: a snapshot is due */

	struct registry_object **objects; /* in the order of kind, id */
	size_t n_objects;
	size_t room;
	size_t bytes;

	uint64_t generation; /* of what is wanted */
	struct registry_want *wants;
	size_t n_wants;
	size_t lease_index; /* of lease.c */
};

struct registry_want {
	char *intent;
	char *entry; /* JSON */
};

struct registry_node {
	char *id;
	char *name;
	struct registry_source *sources[REGISTRY_ROLES]; /* by enum report_role; NULL none */
};

/* --- life */

/* Empty. Returns: NULL out of memory. */
struct registry *registry_new(struct store *store, const struct registry_bounds *bounds);
void registry_free(struct registry *registry);

/* Everything out of the store; each source is to be heard of within its lease from now on.
 * Returns: 0; -EIO, -ENOMEM. */
int registry_load(struct registry *registry, int64_t now_ms, struct err *err);

/* --- look up */

size_t registry_node_count(const struct registry *registry);
struct registry_node *registry_node_at(const struct registry *registry, size_t index);
/* By id, else by name (the first of that name); NULL: none. */
struct registry_node *registry_node_find(const struct registry *registry, const char *id_or_name);

/* NULL: none */
struct registry_source *registry_source_find(const struct registry *registry, const char *node_id,
					     enum report_role role);
struct registry_source *registry_source_by_row(const struct registry *registry, int64_t row);

const struct registry_object *registry_object_find(const struct registry_source *source,
						   const char *kind, const char *id);
/* The objects of a kind stand together. @ret_count  how many. Returns: the first; NULL: none. */
struct registry_object *const *registry_object_range(const struct registry_source *source,
						     const char *kind, size_t *ret_count);

/* Called for each object that fits, node by node; of nodes in the order of their ids. NULL: any.
 * Returns: 0; what @fn returned if that is not 0: it ends there. */
struct registry_filter {
	const char *node; /* id or name */
	int role;	  /* enum report_role; -1 any */
	const char *kind;
	const char *id;
	struct {
		const char *key; /* of the attributes */
		const char *text;
	} is[4]; /* up to the first whose key is NULL */
};
#define REGISTRY_FILTER_ANY ((struct registry_filter){ .role = -1 })
typedef int (*registry_object_fn)(void *data, const struct registry_source *source,
				  const struct registry_object *object);
int registry_each(const struct registry *registry, const struct registry_filter *filter,
		  registry_object_fn fn, void *data);

/* The attributes as a value, to be freed; NULL: out of memory. */
struct js *registry_object_attrs(const struct registry_object *object);
/* Is the attribute the text @text? Fast: nothing is parsed. */
bool registry_object_is(const struct registry_object *object, const char *key, const char *text);

size_t registry_object_count(const struct registry *registry); /* of all */

/* --- change, in a transaction
 * All return: 0; -E2BIG a bound (nothing was changed); -EPROTO, -ENOSPC, -EIO of the store;
 * -ENOMEM. */

/* Find or make the source of a report; its node gets the name. */
int registry_source_need(struct registry *registry, const char *node_id, const char *name,
			 enum report_role role, struct registry_source **ret, struct err *err);
/* Write boot, seq, heard_ms .. of @source, which the caller changed. Texts by registry_set_text. */
int registry_source_save(struct registry *registry, struct registry_source *source,
			 struct err *err);
int registry_set_text(char **at, const char *text, struct err *err);

/* @attrs  JSON without "counters" */
int registry_object_put(struct registry *registry, struct registry_source *source, const char *kind,
			const char *id, const char *attrs, struct err *err);
int registry_object_remove(struct registry *registry, struct registry_source *source,
			   const char *kind, const char *id, struct err *err);
/* In memory only. @counters  JSON. Returns: 0 also if there is no such object; -ENOMEM. */
int registry_counters_put(struct registry_source *source, const char *kind, const char *id,
			  const char *counters);

/* A node, its sources and their objects. */
int registry_node_remove(struct registry *registry, struct registry_node *node, struct err *err);

/*
 * What is wanted of that helper for that intent. If it is another entry than before, the
 * generation goes up, and whoever waits for it gets the new document after the commit. The node
 * need not have reported yet.
 * @take_entry  of wanted_entry_encode, owned; NULL: the intent wants nothing of it any more
 */
int registry_want(struct registry *registry, const char *node_id, enum report_role role,
		  const char *intent, struct js *take_entry, struct err *err);

/* The document of wanted.h as text. @source  NULL: an empty one of generation 0 */
int registry_wanted_format(const struct registry *registry, const struct registry_source *source,
			   enum report_role role, struct str *out);

/* Called in the transaction when a source's generation has changed. */
void registry_on_want(struct registry *registry,
		      void (*fn)(void *data, struct registry_source *source), void *data);

/* --- after a commit failed */

/* Note that @source was changed in this transaction (the functions above do), so that
 * registry_heal reads it again. */
void registry_touch(struct registry *registry, struct registry_source *source);
void registry_settle(struct registry *registry); /* committed: forget them */
/* Read again all that was touched. If even that fails, they are marked for a resync. */
void registry_heal(struct registry *registry, int64_t now_ms);
