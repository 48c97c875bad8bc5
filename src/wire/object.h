/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object - the state of a host as a set of objects, and what differs between two of them.
 *
 * A helper describes all it sees as objects: each has a kind ("namespace"), an id that is unique
 * for its kind on this host and role, and attributes (JSON). Which kinds there are stands in
 * doc/api.md. An event is the change of one object, so the difference of two sets is the list of
 * events between them. The attribute "counters" changes all the time and is left out of that.
 *
 * No input or output; all sizes are bounded, since a set also comes from outside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"

#define OBJECT_KIND_MAX 32     /* bytes: a-z and '-' */
#define OBJECT_ID_MAX 768      /* bytes of printable UTF-8 */
#define OBJECT_TEXT_MAX 16384  /* bytes of one object as JSON */
#define OBJECT_COUNT_MAX 65536 /* in a set */

struct object_set;

struct object {
	const char *kind;
	const char *id;
	const struct js *attrs; /* an object of JSON */
};

enum object_change { OBJECT_ADDED, OBJECT_CHANGED, OBJECT_REMOVED };

/* NULL: out of memory. */
struct object_set *object_set_new(void);
void object_set_free(struct object_set *set);

static inline void object_set_free_p(struct object_set **set)
{
	object_set_free(*set);
}
#define CLEANUP_OBJECT_SET __attribute__((cleanup(object_set_free_p)))

/* Set or replace. @take_attrs is owned by the set, also on failure.
 * Returns: 0; -EINVAL kind, id or attributes break a bound; -E2BIG too many; -ENOMEM. */
int object_set_put(struct object_set *set, const char *kind, const char *id, struct js *take_attrs,
		   struct err *err);
/* Returns: was it there? */
bool object_set_remove(struct object_set *set, const char *kind, const char *id);

/* Borrowed until the set changes. */
const struct js *object_set_find(const struct object_set *set, const char *kind, const char *id);
size_t object_set_count(const struct object_set *set);
/* In the order of kind, then id. */
struct object object_set_at(const struct object_set *set, size_t index);

/* Called for each difference: removals first, then in the order of kind and id. Of a removed one
 * the old attributes are given. Returns: 0 go on; negative errno to end with it. */
typedef int (*object_diff_fn)(void *data, enum object_change change, const struct object *object);
/* @before  NULL for an empty set. Returns: 0; what @fn returned. */
int object_set_diff(const struct object_set *before, const struct object_set *after,
		    object_diff_fn fn, void *data);

/* Are they equal but for "counters"? */
bool object_attrs_equal(const struct js *a, const struct js *b);

/* [{"kind", "id", attributes..}] and back.
 * Returns: a new value, NULL out of memory. */
struct js *object_set_format(const struct object_set *set);
/* Returns: 0, *ret owned; -EINVAL, -E2BIG; -ENOMEM. */
int object_set_parse(const struct js *array, struct object_set **ret, struct err *err);

/* Read kind, id and attributes of one such value; texts are borrowed from it, attributes are it.
 * Returns: 0; -EINVAL. */
int object_parse(const struct js *value, struct object *ret, struct err *err);

/* added, changed, removed */
const char *object_change_word(enum object_change change);
