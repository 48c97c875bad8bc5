/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/peek.h"
#include "collector/registry-own.h"
#include "wire/wanted.h"

/* Removed objects that wait for the store. */
#define GONE_MAX 1024

/* --- pointers in an order */

static int pointers_insert(struct pointers *pointers, size_t index, void *pointer, struct err *err)
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

static void pointers_remove(struct pointers *pointers, size_t index)
{
	pointers->count--;
	memmove(&pointers->at[index], &pointers->at[index + 1],
		(pointers->count - index) * sizeof(void *));
}

/* The first that is not before @key; @compare  of the key with one of them. */
static size_t lower_bound(void *const *at, size_t count, const void *key,
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

struct object_key {
	const char *kind;
	const char *id;
};

static int compare_object(const void *key, const void *one)
{
	const struct object_key *left = key;
	const struct registry_object *right = one;
	int r = strcmp(left->kind, right->kind);

	return r ? r : strcmp(left->id, right->id);
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
	size_t i = lower_bound(registry->nodes.at, registry->nodes.count, id, compare_node);
	struct registry_node *node = i < registry->nodes.count ? registry->nodes.at[i] : NULL;

	if (ret_index)
		*ret_index = i;
	return node && strcmp(node->id, id) == 0 ? node : NULL;
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

	return lower_bound(registry->names.at, registry->names.count, &key, compare_name);
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

struct registry_source *registry_source_find(const struct registry *registry, const char *node_id,
					     enum report_role role)
{
	const struct registry_node *node = node_by_id(registry, node_id, NULL);

	return node ? node->sources[role] : NULL;
}

struct registry_source *registry_source_by_row(const struct registry *registry, int64_t row)
{
	size_t i = lower_bound(registry->rows.at, registry->rows.count, &row, compare_row);
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
	pointers_remove(&registry->names, before);
	/* there is room: one has just been taken out */
	return pointers_insert(&registry->names, name_index(registry, name, node->id), node, err);
}

static int node_add(struct registry *registry, struct registry_node *node, size_t index,
		    struct err *err)
{
	int r = pointers_insert(&registry->nodes, index, node, err);

	if (r < 0)
		return r;
	r = pointers_insert(&registry->names, name_index(registry, node->name, node->id), node,
			    err);
	if (r < 0)
		pointers_remove(&registry->nodes, index);
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
	pointers_remove(&registry->nodes, index);
	pointers_remove(&registry->names, name_index(registry, node->name, node->id));
	node_free(node);
}

int registry_source_make(struct registry *registry, const char *node_id, const char *name,
			 enum report_role role, int64_t row, struct registry_source **ret,
			 struct err *err)
{
	struct registry_source *source = calloc(1, sizeof(*source));
	struct registry_node *node = NULL;
	size_t index = lower_bound(registry->rows.at, registry->rows.count, &row, compare_row);
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
		r = pointers_insert(&registry->rows, index, source, err);
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

static void object_free(struct registry_object *object)
{
	if (!object)
		return;
	free(object->counters);
	free(object);
}

static void gone_clear(struct registry_source *source)
{
	while (source->n_gone)
		object_free(source->gone[--source->n_gone]);
	free(source->gone);
	source->gone = NULL;
}

void registry_source_clear(struct registry *registry, struct registry_source *source)
{
	registry->n_objects -= source->n_objects;
	while (source->n_objects)
		object_free(source->objects[--source->n_objects]);
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
	pointers_remove(&registry->rows, lower_bound(registry->rows.at, registry->rows.count,
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

/* --- objects */

/* Where it is or would be. */
static size_t object_index(const struct registry_source *source, const char *kind, const char *id)
{
	struct object_key key = { .kind = kind, .id = id };

	return lower_bound((void *const *)source->objects, source->n_objects, &key, compare_object);
}

static struct registry_object *object_at(const struct registry_source *source, size_t index,
					 const char *kind, const char *id)
{
	struct registry_object *object = index < source->n_objects ? source->objects[index] : NULL;

	return object && strcmp(object->kind, kind) == 0 && strcmp(object->id, id) == 0 ? object
											: NULL;
}

const struct registry_object *registry_object_find(const struct registry_source *source,
						   const char *kind, const char *id)
{
	return object_at(source, object_index(source, kind, id), kind, id);
}

struct registry_object *const *registry_object_range(const struct registry_source *source,
						     const char *kind, size_t *ret_count)
{
	size_t first = object_index(source, kind, "");
	size_t end = first;

	while (end < source->n_objects && strcmp(source->objects[end]->kind, kind) == 0)
		end++;
	*ret_count = end - first;
	return end > first ? &source->objects[first] : NULL;
}

size_t registry_object_count(const struct registry *registry)
{
	return registry->n_objects;
}

struct js *registry_object_attrs(const struct registry_object *object)
{
	struct js *js = NULL;

	/* it is text that was formatted here */
	return js_parse(object->attrs, strlen(object->attrs), &js, NULL) < 0 ? NULL : js;
}

bool registry_object_is(const struct registry_object *object, const char *key, const char *text)
{
	return peek_is(object->attrs, key, text);
}

static bool fits(const struct registry_object *object, const struct registry_filter *filter)
{
	size_t i;

	if (filter->id && strcmp(object->id, filter->id) != 0)
		return false;
	for (i = 0; i < sizeof(filter->is) / sizeof(filter->is[0]) && filter->is[i].key; i++)
		if (!registry_object_is(object, filter->is[i].key, filter->is[i].text))
			return false;
	return true;
}

static int each_of_source(const struct registry_source *source,
			  const struct registry_filter *filter, registry_object_fn fn, void *data)
{
	struct registry_object *const *objects = source->objects;
	size_t count = source->n_objects;
	size_t i;
	int r = 0;

	if (filter->kind && filter->id) {
		const struct registry_object *object =
			registry_object_find(source, filter->kind, filter->id);

		return object && fits(object, filter) ? fn(data, source, object) : 0;
	}
	if (filter->kind)
		objects = registry_object_range(source, filter->kind, &count);
	for (i = 0; i < count && r == 0; i++)
		if (fits(objects[i], filter))
			r = fn(data, source, objects[i]);
	return r;
}

static int each_of_node(const struct registry_node *node, const struct registry_filter *filter,
			registry_object_fn fn, void *data)
{
	int role;
	int r = 0;

	for (role = 0; role < REGISTRY_ROLES && r == 0; role++)
		if (node->sources[role] && (filter->role < 0 || filter->role == role))
			r = each_of_source(node->sources[role], filter, fn, data);
	return r;
}

int registry_each(const struct registry *registry, const struct registry_filter *filter,
		  registry_object_fn fn, void *data)
{
	size_t i;
	int r = 0;

	for (i = 0; i < registry->nodes.count && r == 0; i++) {
		const struct registry_node *node = registry->nodes.at[i];

		if (filter->node && strcmp(filter->node, node->id) != 0 &&
		    strcmp(filter->node, node->name) != 0)
			continue;
		r = each_of_node(node, filter, fn, data);
	}
	return r;
}

int registry_check_bounds(const struct registry *registry, const struct registry_source *source,
			  size_t objects, size_t bytes, struct err *err)
{
	if (objects > registry->bounds.objects)
		return err_set(err, -E2BIG,
			       "%s would have %zu objects, but may have %zu: raise objects_max in "
			       "collector.conf",
			       source->node->name, objects, registry->bounds.objects);
	if (bytes > registry->bounds.bytes)
		return err_set(err, -E2BIG,
			       "%s would have %zu bytes of objects, but may have %zu: raise "
			       "object_bytes_max in collector.conf",
			       source->node->name, bytes, registry->bounds.bytes);
	return 0;
}

/* All in one allocation but the counters. */
static struct registry_object *object_new(const char *kind, const char *id, const char *attrs)
{
	size_t id_size = strlen(id) + 1;
	size_t attrs_size = strlen(attrs) + 1;
	struct registry_object *object = malloc(sizeof(*object) + id_size + attrs_size);
	char *text;

	if (!object)
		return NULL;
	text = (char *)(object + 1);
	object->kind = kind;
	object->id = memcpy(text, id, id_size);
	object->attrs = memcpy(text + id_size, attrs, attrs_size);
	object->counters = NULL;
	return object;
}

static int object_insert(struct registry *registry, struct registry_source *source, size_t index,
			 struct registry_object *object, struct err *err)
{
	struct pointers list = { .at = (void **)source->objects,
				 .count = source->n_objects,
				 .room = source->room };
	int r = pointers_insert(&list, index, object, err);

	if (r < 0)
		return r;
	source->objects = (struct registry_object **)list.at;
	source->n_objects = list.count;
	source->room = list.room;
	registry->n_objects++;
	return 0;
}

int registry_object_load(struct registry *registry, struct registry_source *source,
			 const char *kind, const char *id, const char *attrs, bool dirty,
			 struct err *err)
{
	size_t index = object_index(source, kind, id);
	struct registry_object *old = object_at(source, index, kind, id);
	size_t bytes = source->bytes + strlen(attrs) - (old ? strlen(old->attrs) : 0);
	struct registry_object *object;
	int r = registry_check_bounds(registry, source, source->n_objects + (old ? 0 : 1), bytes,
				      err);

	if (r < 0)
		return r;
	kind = registry_kind(registry, kind);
	if (!kind)
		return err_set(err, -E2BIG, "there are %d kinds of objects already", KINDS_MAX);
	object = object_new(kind, id, attrs);
	if (!object)
		return err_nomem(err);
	object->dirty = dirty;
	if (old) {
		object->counters = TAKE_PTR(old->counters);
		object_free(old);
		source->objects[index] = object;
	} else {
		r = object_insert(registry, source, index, object, err);
		if (r < 0) {
			object_free(object);
			return r;
		}
	}
	source->bytes = bytes;
	return 0;
}

int registry_object_put(struct registry *registry, struct registry_source *source, const char *kind,
			const char *id, const char *attrs, struct err *err)
{
	registry_touch(registry, source);
	return registry_object_load(registry, source, kind, id, attrs, true, err);
}

int registry_object_remove(struct registry *registry, struct registry_source *source,
			   const char *kind, const char *id, struct err *err)
{
	size_t index = object_index(source, kind, id);
	struct registry_object *object = object_at(source, index, kind, id);
	struct pointers list = { .at = (void **)source->objects, .count = source->n_objects };
	struct registry_object **gone;
	int r = source->n_gone < GONE_MAX ? 0 : registry_source_save(registry, source, err);

	if (!object || r < 0)
		return r;
	registry_touch(registry, source);
	gone = reallocarray(source->gone, source->n_gone + 1, sizeof(struct registry_object *));
	if (!gone)
		return err_nomem(err);
	source->gone = gone;
	source->gone[source->n_gone++] = object;
	source->bytes -= strlen(object->attrs);
	pointers_remove(&list, index);
	source->n_objects = list.count;
	registry->n_objects--;
	return 0;
}

int registry_counters_put(struct registry_source *source, const char *kind, const char *id,
			  const char *counters, struct err *err)
{
	struct registry_object *object =
		object_at(source, object_index(source, kind, id), kind, id);

	return object ? registry_set_text(&object->counters, counters, err) : 0;
}

/* --- what is wanted */

static size_t want_index(const struct registry_source *source, const char *intent)
{
	size_t i = 0;

	while (i < source->n_wants && strcmp(source->wants[i].intent, intent) != 0)
		i++;
	return i;
}

const char *registry_want_find(const struct registry_source *source, const char *intent)
{
	size_t i = want_index(source, intent);

	return i < source->n_wants ? source->wants[i].entry : NULL;
}

static void want_remove(struct registry_source *source, size_t index)
{
	free(source->wants[index].intent);
	free(source->wants[index].entry);
	source->n_wants--;
	memmove(&source->wants[index], &source->wants[index + 1],
		(source->n_wants - index) * sizeof(source->wants[0]));
}

int registry_want_put(struct registry_source *source, const char *intent, const char *entry,
		      struct err *err)
{
	struct registry_want want = { 0 };
	struct registry_want *wants;
	size_t i = want_index(source, intent);

	if (i < source->n_wants)
		return registry_set_text(&source->wants[i].entry, entry, err);
	if (source->n_wants >= WANTED_ENTRIES_MAX)
		return err_set(err, -E2BIG, "%s has %d intents already", source->node->name,
			       WANTED_ENTRIES_MAX);
	wants = reallocarray(source->wants, source->n_wants + 1, sizeof(*wants));
	if (!wants)
		return err_nomem(err);
	source->wants = wants;
	want.intent = strdup(intent);
	want.entry = strdup(entry);
	if (!want.intent || !want.entry) {
		free(want.intent);
		free(want.entry);
		return err_nomem(err);
	}
	source->wants[source->n_wants++] = want;
	return 0;
}

/* So that it is no number that there was before the node was deleted. */
static uint64_t next_generation(uint64_t generation)
{
	uint64_t now = (uint64_t)clock_wall_ms();

	return generation >= now ? generation + 1 : now;
}

static int want_changed(struct registry *registry, struct registry_source *source, struct err *err)
{
	int r;

	source->generation = next_generation(source->generation);
	r = registry_source_save(registry, source, err);
	if (r == 0 && registry->on_want)
		registry->on_want(registry->watcher, source);
	return r;
}

static int want_set(struct registry *registry, struct registry_source *source, const char *intent,
		    const char *entry, struct err *err)
{
	int r = registry_want_put(source, intent, entry, err);

	if (r == 0)
		r = store_want_put(registry->store, source->row, intent, entry, err);
	return r < 0 ? r : want_changed(registry, source, err);
}

int registry_want(struct registry *registry, const char *node_id, enum report_role role,
		  const char *intent, struct js *take_entry, struct err *err)
{
	CLEANUP_JS struct js *entry = take_entry;
	CLEANUP_FREE char *text = entry ? js_format(entry, JS_COMPACT) : NULL;
	struct registry_source *source = registry_source_find(registry, node_id, role);
	size_t index;
	int r;

	if (entry && !text)
		return err_nomem(err);
	if (!source && !entry)
		return 0;
	r = source ? 0 : registry_source_need(registry, node_id, "", role, &source, err);
	if (r < 0 || !source)
		return r;
	index = want_index(source, intent);
	if (index < source->n_wants ? text && strcmp(source->wants[index].entry, text) == 0 : !text)
		return 0;
	registry_touch(registry, source);
	if (text)
		return want_set(registry, source, intent, text, err);
	want_remove(source, index);
	r = store_want_delete(registry->store, source->row, intent, err);
	return r < 0 ? r : want_changed(registry, source, err);
}

void registry_wanted_format(const struct registry *registry, const struct registry_source *source,
			    enum report_role role, struct str *out)
{
	size_t i;

	str_addf(out,
		 "{\"version\":%d,\"collector\":\"%s\",\"role\":\"%s\",\"generation\":%" PRIu64
		 ",\"time\":%" PRId64 ",\"entries\":[",
		 REPORT_VERSION, store_id(registry->store), report_role_word(role),
		 source ? source->generation : 0, clock_wall_ms());
	for (i = 0; source && i < source->n_wants; i++) {
		str_add(out, i ? "," : "");
		str_add(out, source->wants[i].entry);
	}
	str_add(out, "]}");
}
