/* SPDX-License-Identifier: BSD-3-Clause */
#include "redfish/rf-tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "redfish/rf-service.h"
#include "redfish/rf-tree-own.h"

#define BUCKETS_FIRST 256

/* --- hashes. FNV-1a: what a document hashes to is no secret and guards nothing. */

uint64_t rf_hash(const char *text, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	return hash;
}

/* --- the table of URIs. Those between that nobody added have no class. */

static struct rf_resource **bucket_of(const struct rf_tree *tree, const char *uri, size_t length)
{
	return &tree->buckets[rf_hash(uri, length) & (tree->n_buckets - 1)];
}

static struct rf_resource *lookup(const struct rf_tree *tree, const char *uri, size_t length)
{
	struct rf_resource *resource;

	for (resource = *bucket_of(tree, uri, length); resource; resource = resource->chain)
		if (strncmp(resource->uri, uri, length) == 0 && !resource->uri[length])
			return resource;
	return NULL;
}

static int grow(struct rf_tree *tree)
{
	struct rf_resource **old = tree->buckets;
	size_t n_old = tree->n_buckets;
	struct rf_resource *resource;
	struct rf_resource *next;
	size_t i;

	tree->buckets = calloc(2 * n_old, sizeof(struct rf_resource *));
	if (!tree->buckets) {
		tree->buckets = old;
		return -ENOMEM;
	}
	tree->n_buckets = 2 * n_old;
	for (i = 0; i < n_old; i++)
		for (resource = old[i]; resource; resource = next) {
			struct rf_resource **at =
				bucket_of(tree, resource->uri, strlen(resource->uri));

			next = resource->chain;
			resource->chain = *at;
			*at = resource;
		}
	free(old);
	return 0;
}

static void unhash(struct rf_tree *tree, struct rf_resource *resource)
{
	struct rf_resource **at = bucket_of(tree, resource->uri, strlen(resource->uri));

	while (*at != resource)
		at = &(*at)->chain;
	*at = resource->chain;
	tree->n_nodes--;
}

/* --- children, in the order of their ids */

/* Where @id is, or would be. */
static size_t child_index(const struct rf_resource *parent, const char *id)
{
	size_t low = 0;
	size_t high = parent->n_children;

	/* most come in order */
	if (high && strcmp(parent->children[high - 1]->id, id) < 0)
		return high;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(parent->children[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int child_insert(struct rf_resource *parent, struct rf_resource *child)
{
	size_t i = child_index(parent, child->id);

	if (parent->n_children == parent->room) {
		size_t room = parent->room ? 2 * parent->room : 4;
		struct rf_resource **children =
			reallocarray(parent->children, room, sizeof(struct rf_resource *));

		if (!children)
			return -ENOMEM;
		parent->children = children;
		parent->room = room;
	}
	memmove(&parent->children[i + 1], &parent->children[i],
		(parent->n_children - i) * sizeof(struct rf_resource *));
	parent->children[i] = child;
	parent->n_children++;
	return 0;
}

static void child_remove(struct rf_resource *parent, const struct rf_resource *child)
{
	size_t i = child_index(parent, child->id);

	parent->n_children--;
	memmove(&parent->children[i], &parent->children[i + 1],
		(parent->n_children - i) * sizeof(struct rf_resource *));
}

/* --- what was touched */

static void unqueue(struct rf_resource *resource)
{
	if (!resource->touched)
		return;
	TAILQ_REMOVE(resource->touched, resource, queue);
	resource->touched = NULL;
}

static void queue(struct rf_tree *tree, struct rf_resource *resource)
{
	if (resource->touched == &tree->touched)
		return;
	unqueue(resource);
	TAILQ_INSERT_TAIL(&tree->touched, resource, queue);
	resource->touched = &tree->touched;
}

void rf_resource_touch(struct rf_tree *tree, struct rf_resource *resource)
{
	if (!resource->class)
		return;
	resource->stale = true;
	/* a collection's members are told for themselves */
	if (!resource->class->collection)
		queue(tree, resource);
}

/* --- making and freeing */

/* One of ours is the root's, or goes on after it with segments of its characters. */
static bool is_uri(const char *uri, size_t length)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._:/";
	size_t root = strlen(RF_ROOT);

	return length < RF_URI_MAX && strncmp(uri, RF_ROOT, root) == 0 &&
	       (!uri[root] || uri[root] == '/') && uri[length - 1] != '/' && !strstr(uri, "//") &&
	       !strstr(uri, "/./") && !strstr(uri, "/../") && strspn(uri, legal) == length &&
	       strcmp(strrchr(uri, '/'), "/.") != 0 && strcmp(strrchr(uri, '/'), "/..") != 0;
}

static struct rf_resource *node_new(struct rf_tree *tree, const char *uri, size_t length)
{
	struct rf_resource *resource;
	struct rf_resource **at;

	if (tree->n_nodes >= tree->n_buckets && grow(tree) < 0)
		return NULL;
	resource = calloc(1, sizeof(*resource) + length + 1);
	if (!resource)
		return NULL;
	resource->tree = tree;
	memcpy(resource->uri, uri, length);
	resource->id = strrchr(resource->uri, '/') + 1;
	at = bucket_of(tree, resource->uri, length);
	resource->chain = *at;
	*at = resource;
	tree->n_nodes++;
	return resource;
}

/* Away with those that are there for what was below them only. */
static void node_free(struct rf_tree *tree, struct rf_resource *resource)
{
	while (resource && !resource->class && !resource->n_children) {
		struct rf_resource *parent = resource->parent;

		unqueue(resource);
		unhash(tree, resource);
		if (parent)
			child_remove(parent, resource);
		free(resource->children);
		free(resource->links);
		free(resource->text);
		free(resource);
		resource = parent;
	}
}

/* The resource of a URI, made with all above it. NULL: out of memory. */
static struct rf_resource *node_make(struct rf_tree *tree, const char *uri, size_t length)
{
	struct rf_resource *below = NULL;
	struct rf_resource *first = NULL;

	for (;;) {
		struct rf_resource *resource = lookup(tree, uri, length);
		bool found = resource;

		if (!found)
			resource = node_new(tree, uri, length);
		if (!resource || (below && child_insert(resource, below) < 0)) {
			if (resource && !found)
				node_free(tree, resource);
			break;
		}
		if (below)
			below->parent = resource;
		if (!first)
			first = resource;
		if (found || length == strlen(RF_ROOT))
			return first;
		below = resource;
		while (uri[--length] != '/')
			;
	}
	if (first)
		node_free(tree, first);
	return NULL;
}

int rf_tree_add(struct rf_tree *tree, const char *uri, const struct rf_class *class, void *object,
		struct rf_resource **ret, struct err *err)
{
	size_t length = strlen(uri);
	struct rf_resource *resource;

	if (!is_uri(uri, length))
		return err_set(err, -EINVAL, "%s is no URI below " RF_ROOT, uri);
	resource = node_make(tree, uri, length);
	if (!resource)
		return err_nomem(err);
	if (resource->class)
		return err_set(err, -EEXIST, "%s is there already", uri);
	resource->class = class;
	resource->object = object;
	tree->count++;
	rf_resource_touch(tree, resource);
	if (resource->parent)
		rf_resource_touch(tree, resource->parent);
	if (ret)
		*ret = resource;
	return 0;
}

/* Remember it for those who watch. A loss is only that of a message. */
static void note_removed(struct rf_tree *tree, const struct rf_resource *resource)
{
	struct rf_gone *gone;
	size_t size = strlen(resource->uri) + 1;

	if (!resource->told || resource->class->collection)
		return;
	gone = calloc(1, sizeof(*gone) + size);
	if (!gone)
		return;
	memcpy(gone->uri, resource->uri, size);
	gone->class = resource->class;
	gone->state = resource->told_state;
	gone->health = resource->told_health;
	STAILQ_INSERT_TAIL(&tree->gone, gone, next);
}

static void remove_one(struct rf_tree *tree, struct rf_resource *resource)
{
	note_removed(tree, resource);
	rf_links_drop(tree, resource);
	unqueue(resource);
	resource->class = NULL;
	resource->told = false;
	tree->count--;
	if (resource->parent)
		rf_resource_touch(tree, resource->parent);
}

void rf_tree_remove(struct rf_tree *tree, struct rf_resource *resource)
{
	for (;;) {
		struct rf_resource *leaf = resource;

		while (leaf->n_children)
			leaf = leaf->children[leaf->n_children - 1];
		if (leaf->class)
			remove_one(tree, leaf);
		if (leaf == resource)
			break;
		child_remove(leaf->parent, leaf);
		leaf->parent = NULL;
		node_free(tree, leaf);
	}
	node_free(tree, resource);
}

struct rf_resource *rf_tree_find(const struct rf_tree *tree, const char *uri)
{
	struct rf_resource *resource = lookup(tree, uri, strlen(uri));

	return resource && resource->class ? resource : NULL;
}

size_t rf_tree_count(const struct rf_tree *tree)
{
	return tree->count;
}

void rf_tree_each_class(const struct rf_tree *tree,
			void (*fn)(void *data, const struct rf_class *class), void *data)
{
	const struct rf_class *last = NULL;
	struct rf_resource *resource;
	size_t i;

	for (i = 0; i < tree->n_buckets; i++)
		for (resource = tree->buckets[i]; resource; resource = resource->chain)
			if (resource->class && resource->class != last) {
				last = resource->class;
				fn(data, last);
			}
}

struct rf_tree *rf_tree_new(void)
{
	struct rf_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	tree->n_buckets = BUCKETS_FIRST;
	tree->buckets = calloc(tree->n_buckets, sizeof(struct rf_resource *));
	if (!tree->buckets) {
		free(tree);
		return NULL;
	}
	TAILQ_INIT(&tree->touched);
	STAILQ_INIT(&tree->gone);
	return tree;
}

static void drop_gone(struct rf_tree *tree)
{
	struct rf_gone *gone;

	while ((gone = STAILQ_FIRST(&tree->gone))) {
		STAILQ_REMOVE_HEAD(&tree->gone, next);
		free(gone);
	}
}

void rf_tree_free(struct rf_tree *tree)
{
	struct rf_resource *resource;
	struct rf_resource *next;
	size_t i;

	if (!tree)
		return;
	for (i = 0; i < tree->n_buckets; i++)
		for (resource = tree->buckets[i]; resource; resource = next) {
			next = resource->chain;
			free(resource->children);
			free(resource->links);
			free(resource->text);
			free(resource);
		}
	drop_gone(tree);
	free(tree->buckets);
	free(tree);
}

/* --- what one is */

const char *rf_resource_uri(const struct rf_resource *resource)
{
	return resource->uri;
}

const char *rf_resource_id(const struct rf_resource *resource)
{
	return resource->id;
}

const struct rf_class *rf_resource_class(const struct rf_resource *resource)
{
	return resource->class;
}

void *rf_resource_object(const struct rf_resource *resource)
{
	return resource->object;
}

struct rf_resource *rf_resource_parent(const struct rf_resource *resource)
{
	return resource->parent && resource->parent->class ? resource->parent : NULL;
}

struct rf_tree *rf_resource_tree(const struct rf_resource *resource)
{
	return resource->tree;
}

size_t rf_resource_child_count(const struct rf_resource *resource)
{
	return resource->n_children;
}

struct rf_resource *rf_resource_child_at(const struct rf_resource *resource, size_t index)
{
	return resource->children[index];
}

const char *rf_resource_etag(const struct rf_resource *resource)
{
	return resource->etag;
}

/* --- changes */

int rf_tree_watch(struct rf_tree *tree, void (*fn)(void *data, const struct rf_event *event),
		  void *data)
{
	if (tree->n_watchers == RF_WATCHERS_MAX)
		return -ENOSPC;
	tree->watchers[tree->n_watchers].fn = fn;
	tree->watchers[tree->n_watchers++].data = data;
	return 0;
}

static void tell(const struct rf_tree *tree, const struct rf_event *event)
{
	size_t i;

	for (i = 0; tree->is_settled && i < tree->n_watchers; i++)
		tree->watchers[i].fn(tree->watchers[i].data, event);
}

static const char *word(const char *text)
{
	return text ? text : "";
}

static void tell_gone(struct rf_tree *tree)
{
	struct rf_gone *gone;

	while ((gone = STAILQ_FIRST(&tree->gone))) {
		struct rf_event event = { .change = RF_REMOVED,
					  .uri = gone->uri,
					  .class = gone->class,
					  .state = "",
					  .health = "",
					  .before_state = word(gone->state),
					  .before_health = word(gone->health) };

		STAILQ_REMOVE_HEAD(&tree->gone, next);
		tell(tree, &event);
		free(gone);
	}
}

static void tell_one(struct rf_tree *tree, struct rf_resource *resource)
{
	struct rf_event event = { .change = resource->told ? RF_CHANGED : RF_ADDED,
				  .uri = resource->uri,
				  .resource = resource,
				  .class = resource->class,
				  .state = word(resource->state),
				  .health = word(resource->health),
				  .before_state = word(resource->told_state),
				  .before_health = word(resource->told_health) };

	if (resource->told && resource->told_hash == resource->hash)
		return;
	resource->told = true;
	resource->told_hash = resource->hash;
	resource->told_state = resource->state;
	resource->told_health = resource->health;
	tell(tree, &event);
}

int rf_tree_settle(struct rf_tree *tree, struct err *err)
{
	struct rf_queue todo;
	struct rf_resource *resource;
	int r = 0;

	/* what watchers touch in the meantime is for the next time */
	TAILQ_INIT(&todo);
	TAILQ_CONCAT(&todo, &tree->touched, queue);
	TAILQ_FOREACH(resource, &todo, queue)
	resource->touched = &todo;
	tell_gone(tree);
	while (r == 0 && (resource = TAILQ_FIRST(&todo))) {
		const char *text;
		size_t length;

		r = rf_resource_text(tree, resource, &text, &length, err);
		if (r < 0)
			break;
		unqueue(resource);
		tell_one(tree, resource);
	}
	while ((resource = TAILQ_FIRST(&todo)))
		queue(tree, resource);
	if (r == 0)
		tree->is_settled = true;
	return r;
}

bool rf_tree_is_touched(const struct rf_tree *tree)
{
	return !TAILQ_EMPTY(&tree->touched) || !STAILQ_EMPTY(&tree->gone);
}
