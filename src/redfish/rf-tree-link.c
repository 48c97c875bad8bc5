/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-tree-own.h"

static int compare(const struct rf_link *link, int relation, bool reversed,
		   const struct rf_resource *other)
{
	if (link->relation != relation)
		return link->relation < relation ? -1 : 1;
	if (link->reversed != reversed)
		return link->reversed < reversed ? -1 : 1;
	if (!other)
		return 1;
	return link->other == other ? 0 : strcmp(link->other->uri, other->uri);
}

/* The first that is not before. @other  NULL: the first of that relation and direction */
static unsigned int lower(const struct rf_resource *end, int relation, bool reversed,
			  const struct rf_resource *other)
{
	unsigned int low = 0;
	unsigned int high = end->n_links;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (compare(&end->links[middle], relation, reversed, other) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct rf_resource *end, unsigned int i, int relation, bool reversed,
		  const struct rf_resource *other)
{
	return i < end->n_links && compare(&end->links[i], relation, reversed, other) == 0;
}

static int reserve(struct rf_resource *end)
{
	unsigned int room = end->links_room ? 2 * end->links_room : 2;
	struct rf_link *links;

	if (end->n_links < end->links_room)
		return 0;
	links = reallocarray(end->links, room, sizeof(*links));
	if (!links)
		return -ENOMEM;
	end->links = links;
	end->links_room = room;
	return 0;
}

static void put(struct rf_resource *end, int relation, bool reversed, struct rf_resource *other)
{
	unsigned int i = lower(end, relation, reversed, other);

	memmove(&end->links[i + 1], &end->links[i], (end->n_links - i) * sizeof(*end->links));
	end->links[i] = (struct rf_link){ other, relation, reversed };
	end->n_links++;
}

static void take(struct rf_resource *end, int relation, bool reversed,
		 const struct rf_resource *other)
{
	unsigned int i = lower(end, relation, reversed, other);

	if (!is_at(end, i, relation, reversed, other))
		return;
	end->n_links--;
	memmove(&end->links[i], &end->links[i + 1], (end->n_links - i) * sizeof(*end->links));
}

int rf_link_add(struct rf_tree *tree, int relation, struct rf_resource *from,
		struct rf_resource *to)
{
	if (is_at(from, lower(from, relation, false, to), relation, false, to))
		return 0;
	if (reserve(from) < 0)
		return -ENOMEM;
	put(from, relation, false, to);
	if (reserve(to) < 0) {
		take(from, relation, false, to);
		return -ENOMEM;
	}
	put(to, relation, true, from);
	rf_resource_touch(tree, from);
	rf_resource_touch(tree, to);
	return 0;
}

void rf_link_remove(struct rf_tree *tree, int relation, struct rf_resource *from,
		    struct rf_resource *to)
{
	if (!is_at(from, lower(from, relation, false, to), relation, false, to))
		return;
	take(from, relation, false, to);
	take(to, relation, true, from);
	rf_resource_touch(tree, from);
	rf_resource_touch(tree, to);
}

static int compare_pointers(const void *a, const void *b)
{
	const struct rf_resource *left = *(struct rf_resource *const *)a;
	const struct rf_resource *right = *(struct rf_resource *const *)b;

	return left < right ? -1 : left > right;
}

int rf_link_replace(struct rf_tree *tree, int relation, struct rf_resource *from,
		    struct rf_resource *const *to, size_t count)
{
	CLEANUP_FREE struct rf_resource **sorted = calloc(count + 1, sizeof(struct rf_resource *));
	size_t i;
	int r = 0;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		sorted[i] = to[i];
	if (count)
		qsort(sorted, count, sizeof(struct rf_resource *), compare_pointers);
	for (i = rf_link_count(tree, relation, from, false); i-- > 0;) {
		struct rf_resource *other = rf_link_at(tree, relation, from, false, i);

		if (!bsearch(&other, sorted, count, sizeof(struct rf_resource *), compare_pointers))
			rf_link_remove(tree, relation, from, other);
	}
	for (i = 0; r == 0 && i < count; i++)
		r = rf_link_add(tree, relation, from, to[i]);
	return r;
}

void rf_links_drop(struct rf_tree *tree, struct rf_resource *resource)
{
	while (resource->n_links) {
		struct rf_link link = resource->links[resource->n_links - 1];

		if (link.reversed)
			rf_link_remove(tree, link.relation, link.other, resource);
		else
			rf_link_remove(tree, link.relation, resource, link.other);
	}
}

size_t rf_link_count(const struct rf_tree *tree, int relation, const struct rf_resource *end,
		     bool reversed)
{
	unsigned int first = lower(end, relation, reversed, NULL);
	unsigned int after =
		reversed ? lower(end, relation + 1, false, NULL) : lower(end, relation, true, NULL);

	(void)tree;
	return after - first;
}

struct rf_resource *rf_link_at(const struct rf_tree *tree, int relation,
			       const struct rf_resource *end, bool reversed, size_t index)
{
	(void)tree;
	return end->links[lower(end, relation, reversed, NULL) + index].other;
}
