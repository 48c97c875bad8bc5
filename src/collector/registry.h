/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry - every host, and every object that its helpers reported, in memory.
 *
 * A node is a host; on it up to two helpers report, one for each role: a source. A source has its
 * objects, its lease, and the entries of what is wanted of it. Objects keep their attributes as
 * text (compact JSON), since 10,000 nodes of them are to be small.
 *
 * It is the image of the store: what changes it runs in a transaction (commit.h). A change of an
 * object is durable by its event; the tables of sources and objects follow later (registry_flush),
 * and at the start what came after is replayed. All that is returned is borrowed until the next
 * change. Nothing here is about HTTP, leases running out (lease.h) or what an attachment is
 * (intent.h).
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
	const char *id;
	const char *attrs; /* JSON object, without "counters" */
	char *counters;	   /* JSON object; NULL none */
	bool dirty;	   /* not in the store's table yet */
};

struct registry_want;
struct front_poll;

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
	int64_t since_ms; /* wall clock: online, lost or neither since */
	bool online;	  /* if not, its objects are stale */
	bool lost;	  /* neither: not heard of since the start, but its lease runs */
	bool resync;	  /* what is here may be wrong: a snapshot is due */

	struct registry_object **objects; /* in the order of kind, id */
	size_t n_objects;
	size_t room;
	size_t bytes; /* of their attributes */

	uint64_t generation; /* of what is wanted */
	struct registry_want *wants;
	size_t n_wants;

	int64_t due_ms;	    /* of lease.c: its lease ends, monotonic */
	size_t lease_index; /* of lease.c, from 1; 0: it has none */

	struct front_poll *polls; /* of front.c: who waits for another generation */

	/* of the registry alone */
	bool dirty;
	bool touched;
	int64_t stored_event; /* the store's tables have the state after it */
	int64_t dirty_event;  /* what is not in the tables came after it */
	int64_t dirty_ms;
	struct registry_source *dirty_next, *dirty_prev;
	struct registry_object **gone; /* to be deleted from the store's table */
	size_t n_gone;
};

struct registry_want {
	char *intent;
	char *entry; /* JSON */
};

/* On each host up to two helpers. */
struct registry_node {
	char *id;
	char *name;
	struct registry_source *sources[REGISTRY_ROLES]; /* by enum report_role; NULL none */
};

/* --- life */

/* Empty. Returns: NULL out of memory. */
struct registry *registry_new(struct store *store, const struct registry_bounds *bounds);
void registry_free(struct registry *registry);

/* Everything out of the store. Each source is stale until it is heard again.
 * Returns: 0; -EIO, -ENOMEM. */
int registry_load(struct registry *registry, struct err *err);

/* --- look up */

size_t registry_node_count(const struct registry *registry);
struct registry_node *registry_node_at(const struct registry *registry, size_t index);
/* The first whose id comes after @id, which need not be there; the number of nodes: none. */
size_t registry_node_after(const struct registry *registry, const char *id);
/* By id, else by name; NULL: none. Of two machines that had the name, one after the other, it is
 * the one that is there. */
struct registry_node *registry_node_find(const struct registry *registry, const char *id_or_name);
/* How many have that name. */
size_t registry_name_count(const struct registry *registry, const char *name);

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
		const char *key; /* of an attribute that is this text */
		const char *text;
	} is[4]; /* up to the first whose key is NULL */
};
#define REGISTRY_FILTER_ANY ((struct registry_filter){ .role = -1 })
typedef int (*registry_object_fn)(void *data, const struct registry_source *source,
				  const struct registry_object *object);
int registry_each(const struct registry *registry, const struct registry_filter *filter,
		  registry_object_fn fn, void *data);
/* Those of one node; @filter's is not looked at. */
int registry_node_each(const struct registry_node *node, const struct registry_filter *filter,
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
int registry_set_text(char **at, const char *text, struct err *err);

/* Before anything of @source is changed, also directly: it is written to the store later, and read
 * from it again if the transaction fails. */
void registry_touch(struct registry *registry, struct registry_source *source);

/* May it have so many objects with so many bytes of attributes? Returns: 0; -E2BIG. */
int registry_check_bounds(const struct registry *registry, const struct registry_source *source,
			  size_t objects, size_t bytes, struct err *err);

/* Is it known, or may it be one more? Their number is bounded. */
bool registry_kind_is_free(struct registry *registry, const char *kind);

/* The event that says so is to be added in the same transaction.
 * @attrs  JSON without "counters" */
int registry_object_put(struct registry *registry, struct registry_source *source, const char *kind,
			const char *id, const char *attrs, struct err *err);
int registry_object_remove(struct registry *registry, struct registry_source *source,
			   const char *kind, const char *id, struct err *err);
/* In memory only. @counters  JSON. Returns: 0 also if there is no such object; -ENOMEM. */
int registry_counters_put(struct registry_source *source, const char *kind, const char *id,
			  const char *counters, struct err *err);

/* Write the source with all of its objects now: its boot and number are known by that alone. */
int registry_source_save(struct registry *registry, struct registry_source *source,
			 struct err *err);
/* Write those that have waited for @age_ms, but no more than @most. */
int registry_flush(struct registry *registry, int64_t now_ms, int64_t age_ms, size_t most,
		   struct err *err);
/* Is there anything to flush? */
bool registry_is_dirty(const struct registry *registry);
/* Events up to this one are not needed for a start. */
int64_t registry_horizon(const struct registry *registry);

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
/* The entry, JSON; NULL: none */
const char *registry_want_find(const struct registry_source *source, const char *intent);

/* The document of wanted.h as text. @source  NULL: an empty one of generation 0 */
void registry_wanted_format(const struct registry *registry, const struct registry_source *source,
			    enum report_role role, struct str *out);

/* @want  called in the transaction when a generation has changed
 * @gone  called before a source is freed */
void registry_watch(struct registry *registry,
		    void (*want)(void *data, struct registry_source *source),
		    void (*gone)(void *data, struct registry_source *source), void *data);

/* --- the end of a transaction */

/* It was committed. */
void registry_settle(struct registry *registry);
/* It failed: all that was touched is read from the store again. What cannot be read is marked for
 * a resync. Returns: 0; -EIO, -ENOMEM some cannot. */
int registry_heal(struct registry *registry, struct err *err);
