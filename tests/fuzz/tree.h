/* SPDX-License-Identifier: BSD-3-Clause */
/* tree - what fuzzers ask of two models: do they say the same? */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/attr.h"
#include "target/model.h"

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Is a value as good as none? */
typedef bool tree_is_nothing_fn(const struct model_object *object, const struct model_attr *attr);

/* Has @b all that @a has? */
static bool tree_has(const struct model_object *b, const struct model_object *a,
		     tree_is_nothing_fn *is_nothing)
{
	size_t i;

	if (b->exact != a->exact || b->n_links != a->n_links || b->n_children != a->n_children)
		return false;
	for (i = 0; i < a->n_attrs; i++) {
		const struct model_attr *attr = &a->attrs[i];
		const char *other = model_get(b, attr->name);

		if (is_nothing && is_nothing(a, attr))
			continue;
		if (!other || !attr_is_same(a->kind, attr->name, attr->value, other))
			return false;
	}
	for (i = 0; i < a->n_links; i++)
		if (!model_has_link(b, a->links[i].name))
			return false;
	for (i = 0; i < a->n_children; i++) {
		const struct model_object *child = a->children[i];
		const struct model_object *other = model_find(b, child->kind, child->name);

		if (!other || !tree_has(other, child, is_nothing))
			return false;
	}
	return true;
}

static inline bool tree_is_same(const struct model_object *a, const struct model_object *b,
				tree_is_nothing_fn *is_nothing)
{
	return tree_has(b, a, is_nothing) && tree_has(a, b, is_nothing);
}
