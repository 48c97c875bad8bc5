/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/registry-own.h"

/* --- pointers in an order */

int registry_pointers_insert(struct pointers *pointers, size_t index, void *pointer,
			     struct err *err)
{
	if (pointers->count == pointers->room) {
		size_t room = pointers->room ? pointers->room + pointers->room / 2 : 4;
		void **at = reallocarray(pointers->at, room, sizeof(void *));

		if (!at)
			return err_nomem(err);
		pointers->at = at;
		pointers->room = room;
	}
	memmove(&pointers->at[index + 1], &pointers->at[index],
		(pointers->count - index) * sizeof(void *));
	pointers->at[index] = pointer;
	pointers->count++;
	return 0;
}

void registry_pointers_remove(struct pointers *pointers, size_t index)
{
	pointers->count--;
	memmove(&pointers->at[index], &pointers->at[index + 1],
		(pointers->count - index) * sizeof(void *));
}

size_t registry_lower_bound(void *const *at, size_t count, const void *key,
			    int (*compare)(const void *key, const void *one))
{
	size_t low = 0;

	while (count) {
		size_t half = count / 2;

		if (compare(key, at[low + half]) > 0) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

static int compare_node(const void *key, const void *one)
{
	return strcmp(key, ((const struct registry_node *)one)->id);
}

struct name_key {
	const char *name;
	const char *id;
};

static int compare_name(const void *key, const void *one)
{
	const struct name_key *left = key;
	const struct registry_node *right = one;
	int r = strcmp(left->name, right->name);

	return r ? r : strcmp(left->id, right->id);
}

static int compare_row(const void *key, const void *one)
{
	int64_t row = *(const int64_t *)key;
	int64_t other = ((const struct registry_source *)one)->row;

	return row < other ? -1 : row > other;
}

/* --- life */

/* Those of doc/api.md have their places, however many others a node makes up. */
static const char *const known_kinds[] = { "subsystem",	 "namespace",  "listener", "allowed",
					   "session",	 "drive",      "kernel",   "intent",
					   "controller", "connection", "device",   "host" };

struct registry *registry_new(struct store *store, const struct registry_bounds *bounds)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	size_t i;

	if (!registry)
		return NULL;
	registry->store = store;
	registry->bounds = *bounds;
	for (i = 0; i < sizeof(known_kinds) / sizeof(known_kinds[0]); i++)
		if (!registry_kind(registry, known_kinds[i])) {
			registry_free(registry);
			return NULL;
		}
	return registry;
}

void registry_free(struct registry *registry)
{
	size_t i;

	if (!registry)
		return;
	registry->on_gone = NULL;
	while (registry->rows.count)
		registry_source_drop(registry, registry->rows.at[registry->rows.count - 1]);
	for (i = 0; i < registry->n_kinds; i++)
		free(registry->kinds[i]);
	free(registry->nodes.at);
	free(registry->names.at);
	free(registry->rows.at);
	free(registry->touched);
	free(registry);
}

void registry_watch(struct registry *registry,
		    void (*want)(void *data, struct registry_source *source),
		    void (*gone)(void *data, struct registry_source *source), void *data)
{
	registry->on_want = want;
	registry->on_gone = gone;
	registry->watcher = data;
}

const char *registry_kind(struct registry *registry, const char *kind)
{
	size_t i;

	for (i = 0; i < registry->n_kinds; i++)
		if (strcmp(registry->kinds[i], kind) == 0)
			return registry->kinds[i];
	if (i == KINDS_MAX)
		return NULL;
	registry->kinds[i] = strdup(kind);
	if (registry->kinds[i])
		registry->n_kinds++;
	return registry->kinds[i];
}

bool registry_kind_is_free(struct registry *registry, const char *kind)
{
	return registry_kind(registry, kind) != NULL;
}

int registry_set_text(char **at, const char *text, struct err *err)
{
	char *copy;

	if (*at && strcmp(*at, text) == 0)
		return 0;
	copy = strdup(text);
	if (!copy)
		return err_nomem(err);
	free(*at);
	*at = copy;
	return 0;
}

/* --- nodes and sources */

size_t registry_node_count(const struct registry *registry)
{
	return registry->nodes.count;
}

struct registry_node *registry_node_at(const struct registry *registry, size_t index)
{
	return registry->nodes.at[index];
}

static struct registry_node *node_by_id(const struct registry *registry, const char *id,
					size_t *ret_index)
{
	size_t i =
		registry_lower_bound(registry->nodes.at, registry->nodes.count, id, compare_node);
	struct registry_node *node = i < registry->nodes.count ? registry->nodes.at[i] : NULL;

	if (ret_index)
		*ret_index = i;
	return node && strcmp(node->id, id) == 0 ? node : NULL;
}

size_t registry_node_after(const struct registry *registry, const char *id)
{
	size_t index;

	return node_by_id(registry, id, &index) ? index + 1 : index;
}

static bool is_online(const struct registry_node *node)
{
	int role;

	for (role = 0; role < REGISTRY_ROLES; role++)
		if (node->sources[role] && node->sources[role]->online)
			return true;
	return false;
}

static size_t name_index(const struct registry *registry, const char *name, const char *id)
{
	const struct name_key key = { .name = name, .id = id };

	return registry_lower_bound(registry->names.at, registry->names.count, &key, compare_name);
}

struct registry_node *registry_node_find(const struct registry *registry, const char *id_or_name)
{
	struct registry_node *node = node_by_id(registry, id_or_name, NULL);
	struct registry_node *named = NULL;
	size_t i;

	/* no id is before "" */
	for (i = name_index(registry, id_or_name, ""); !node && i < registry->names.count; i++) {
		struct registry_node *one = registry->names.at[i];

		if (strcmp(one->name, id_or_name) != 0)
			break;
		if (is_online(one))
			node = one;
		else if (!named)
			named = one;
	}
	return node ? node : named;
}

size_t registry_name_count(const struct registry *registry, const char *name)
{
	size_t first = name_index(registry, name, "");
	size_t i = first;

	while (i < registry->names.count &&
	       strcmp(((const struct registry_node *)registry->names.at[i])->name, name) == 0)
		i++;
	return i - first;
}

struct registry_source *registry_source_find(const struct registry *registry, const char *node_id,
					     enum report_role role)
{
	const struct registry_node *node = node_by_id(registry, node_id, NULL);

	return node ? node->sources[role] : NULL;
}

struct registry_source *registry_source_by_row(const struct registry *registry, int64_t row)
{
	size_t i = registry_lower_bound(registry->rows.at, registry->rows.count, &row, compare_row);
	struct registry_source *source = i < registry->rows.count ? registry->rows.at[i] : NULL;

	return source && source->row == row ? source : NULL;
}

static void node_free(struct registry_node *node)
{
	free(node->id);
	free(node->name);
	free(node);
}

int registry_node_rename(struct registry *registry, struct registry_node *node, const char *name,
			 struct err *err)
{
	size_t before = name_index(registry, node->name, node->id);
	int r;

	if (!*name || strcmp(node->name, name) == 0)
		return 0;
	r = registry_set_text(&node->name, name, err);
	if (r < 0)
		return r;
	registry_pointers_remove(&registry->names, before);
	/* there is room: one has just been taken out */
	return registry_pointers_insert(&registry->names, name_index(registry, name, node->id),
					node, err);
}

static int node_add(struct registry *registry, struct registry_node *node, size_t index,
		    struct err *err)
{
	int r = registry_pointers_insert(&registry->nodes, index, node, err);

	if (r < 0)
		return r;
	r = registry_pointers_insert(&registry->names, name_index(registry, node->name, node->id),
				     node, err);
	if (r < 0)
		registry_pointers_remove(&registry->nodes, index);
	return r;
}

static int node_need(struct registry *registry, const char *id, const char *name,
		     struct registry_node **ret, struct err *err)
{
	size_t index;
	struct registry_node *node = node_by_id(registry, id, &index);
	int r;

	if (node) {
		*ret = node;
		return registry_node_rename(registry, node, name, err);
	}
	node = calloc(1, sizeof(*node));
	if (!node)
		return err_nomem(err);
	node->id = strdup(id);
	node->name = strdup(*name ? name : id);
	r = node->id && node->name ? node_add(registry, node, index, err) : err_nomem(err);
	if (r < 0)
		node_free(node);
	else
		*ret = node;
	return r;
}

static void node_drop_if_empty(struct registry *registry, struct registry_node *node)
{
	size_t index;

	if (node->sources[REPORT_TARGET] || node->sources[REPORT_INITIATOR])
		return;
	node_by_id(registry, node->id, &index);
	registry_pointers_remove(&registry->nodes, index);
	registry_pointers_remove(&registry->names, name_index(registry, node->name, node->id));
	node_free(node);
}

int registry_source_make(struct registry *registry, const char *node_id, const char *name,
			 enum report_role role, int64_t row, struct registry_source **ret,
			 struct err *err)
{
	struct registry_source *source = calloc(1, sizeof(*source));
	struct registry_node *node = NULL;
	size_t index =
		registry_lower_bound(registry->rows.at, registry->rows.count, &row, compare_row);
	int r = source ? node_need(registry, node_id, name, &node, err) : err_nomem(err);

	if (r < 0) {
		free(source);
		return r;
	}
	source->node = node;
	source->role = role;
	source->row = row;
	r = registry_set_text(&source->boot, "", err);
	if (r == 0)
		r = registry_set_text(&source->program, "", err);
	if (r == 0)
		r = registry_set_text(&source->address, "", err);
	if (r == 0)
		r = registry_pointers_insert(&registry->rows, index, source, err);
	if (r < 0) {
		free(source->boot);
		free(source->program);
		free(source->address);
		free(source);
		node_drop_if_empty(registry, node);
		return r;
	}
	node->sources[role] = source;
	*ret = source;
	return 0;
}

int registry_source_need(struct registry *registry, const char *node_id, const char *name,
			 enum report_role role, struct registry_source **ret, struct err *err)
{
	struct registry_node *node = node_by_id(registry, node_id, NULL);
	struct store_source stored = { .node = node_id,
				       .role = role,
				       .name = name,
				       .boot = "",
				       .program = "",
				       .address = "" };
	struct registry_source *source = NULL;
	int r;

	if (node && node->sources[role]) {
		*ret = node->sources[role];
		if (!*name || strcmp(node->name, name) == 0)
			return 0;
		registry_touch(registry, *ret);
		return registry_node_rename(registry, node, name, err);
	}
	if (!node && registry->nodes.count >= registry->bounds.nodes)
		return err_set(err, -E2BIG,
			       "there are %zu nodes already: raise nodes_max in collector.conf, "
			       "or delete some",
			       registry->nodes.count);
	stored.event = store_event_newest(registry->store);
	r = store_source_put(registry->store, &stored, &stored.row, err);
	if (r == 0)
		r = registry_source_make(registry, node_id, name, role, stored.row, &source, err);
	if (r < 0)
		return r;
	registry_touch(registry, source);
	*ret = source;
	return 0;
}

static void gone_clear(struct registry_source *source)
{
	while (source->n_gone)
		registry_object_free(source->gone[--source->n_gone]);
	free(source->gone);
	source->gone = NULL;
}

void registry_source_clear(struct registry *registry, struct registry_source *source)
{
	registry->n_objects -= source->n_objects;
	while (source->n_objects)
		registry_object_free(source->objects[--source->n_objects]);
	free(source->objects);
	source->objects = NULL;
	source->room = 0;
	source->bytes = 0;
	gone_clear(source);
	while (source->n_wants) {
		free(source->wants[--source->n_wants].intent);
		free(source->wants[source->n_wants].entry);
	}
	free(source->wants);
	source->wants = NULL;
}

void registry_source_drop(struct registry *registry, struct registry_source *source)
{
	struct registry_node *node = source->node;

	if (registry->on_gone)
		registry->on_gone(registry->watcher, source);
	registry_dirty_drop(registry, source);
	registry_source_clear(registry, source);
	registry_pointers_remove(&registry->rows,
				 registry_lower_bound(registry->rows.at, registry->rows.count,
						      &source->row, compare_row));
	node->sources[source->role] = NULL;
	free(source->boot);
	free(source->program);
	free(source->address);
	free(source);
	node_drop_if_empty(registry, node);
}

int registry_node_remove(struct registry *registry, struct registry_node *node, struct err *err)
{
	struct registry_source *sources[REGISTRY_ROLES];
	int r = 0;
	int i;

	memcpy(sources, node->sources, sizeof(sources)); /* the node goes with the last */
	for (i = 0; i < REGISTRY_ROLES && r == 0; i++) {
		if (!sources[i])
			continue;
		registry_touch(registry, sources[i]);
		r = store_source_delete(registry->store, sources[i]->row, err);
		if (r == 0)
			registry_source_drop(registry, sources[i]);
	}
	return r;
}
