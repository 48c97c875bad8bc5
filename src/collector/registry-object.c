/* SPDX-License-Identifier: BSD-3-Clause */
/* The objects of a source: look up, walk, change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/peek.h"
#include "collector/registry-own.h"

/* Removed objects that wait for the store. */
#define GONE_MAX 1024

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

void registry_object_free(struct registry_object *object)
{
	if (!object)
		return;
	free(object->counters);
	free(object);
}

/* Where it is or would be. */
static size_t object_index(const struct registry_source *source, const char *kind, const char *id)
{
	struct object_key key = { .kind = kind, .id = id };

	return registry_lower_bound((void *const *)source->objects, source->n_objects, &key,
				    compare_object);
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

int registry_node_each(const struct registry_node *node, const struct registry_filter *filter,
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
		r = registry_node_each(node, filter, fn, data);
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
	int r = registry_pointers_insert(&list, index, object, err);

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
		registry_object_free(old);
		source->objects[index] = object;
	} else {
		r = object_insert(registry, source, index, object, err);
		if (r < 0) {
			registry_object_free(object);
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
	registry_pointers_remove(&list, index);
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
