/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/object.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

struct object_entry {
	const char *kind; /* both in the same allocation */
	const char *id;
	struct js *attrs;
};

/* A balanced tree, so that no choice of ids makes it slow; its order is written down when somebody
 * asks for it. */
struct object_set {
	void *root;
	size_t count;
	struct object_entry **order; /* room for @room, valid if @ordered */
	size_t room;
	bool ordered;
};

static int compare(const void *a, const void *b)
{
	const struct object_entry *left = a;
	const struct object_entry *right = b;
	int r = strcmp(left->kind, right->kind);

	return r ? r : strcmp(left->id, right->id);
}

static void entry_free(void *data)
{
	struct object_entry *entry = data;

	js_free(entry->attrs);
	free(entry);
}

static struct object_entry *entry_new(const char *kind, const char *id)
{
	size_t kind_size = strlen(kind) + 1;
	size_t id_size = strlen(id) + 1;
	struct object_entry *entry = malloc(sizeof(*entry) + kind_size + id_size);
	char *text;

	if (!entry)
		return NULL;
	text = (char *)(entry + 1);
	entry->kind = memcpy(text, kind, kind_size);
	entry->id = memcpy(text + kind_size, id, id_size);
	entry->attrs = NULL;
	return entry;
}

struct object_set *object_set_new(void)
{
	return calloc(1, sizeof(struct object_set));
}

void object_set_free(struct object_set *set)
{
	if (!set)
		return;
	tdestroy(set->root, entry_free);
	free(set->order);
	free(set);
}

/* --- bounds */

static int check_kind(const char *kind, struct err *err)
{
	size_t length = kind ? strlen(kind) : 0;

	if (length == 0 || length > OBJECT_KIND_MAX ||
	    strspn(kind, "abcdefghijklmnopqrstuvwxyz-") != length)
		return err_set(err, -EINVAL,
			       "an object's kind must be of 1 to %d lower-case letters",
			       OBJECT_KIND_MAX);
	return 0;
}

static int check_id(const char *kind, const char *id, struct err *err)
{
	size_t length = id ? strlen(id) : 0;

	if (length == 0 || length > OBJECT_ID_MAX)
		return err_set(err, -EINVAL, "the id of a %s must have 1 to %d bytes", kind,
			       OBJECT_ID_MAX);
	if (!str_is_utf8(id))
		return err_set(err, -EINVAL, "the id of a %s must be of printable characters",
			       kind);
	return 0;
}

static int check_attrs(const char *kind, const char *id, const struct js *attrs, struct err *err)
{
	size_t size = js_size(attrs);

	if (size == 0)
		return err_nomem(err);
	if (js_type(attrs) != JS_OBJECT)
		return err_set(err, -EINVAL, "the attributes of %s %s must be a JSON object", kind,
			       id);
	if (size > OBJECT_TEXT_MAX)
		return err_set(err, -EINVAL, "%s %s has %zu bytes of attributes, but may have %d",
			       kind, id, size, OBJECT_TEXT_MAX);
	return 0;
}

/* --- one object */

static int insert(struct object_set *set, struct object_entry *entry, struct err *err)
{
	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 16;
		struct object_entry **order =
			reallocarray(set->order, room, sizeof(struct object_entry *));

		if (!order)
			return err_nomem(err);
		set->order = order;
		set->room = room;
	}
	if (!tsearch(entry, &set->root, compare))
		return err_nomem(err);
	set->count++;
	set->ordered = false;
	return 0;
}

static struct object_entry *find(const struct object_set *set, const char *kind, const char *id)
{
	struct object_entry key = { .kind = kind, .id = id };
	struct object_entry **at = tfind(&key, &set->root, compare);

	return at ? *at : NULL;
}

static int put(struct object_set *set, const char *kind, const char *id, struct js **attrs,
	       struct err *err)
{
	struct object_entry *entry = find(set, kind, id);
	int r;

	if (!entry) {
		if (set->count == OBJECT_COUNT_MAX)
			return err_set(err, -E2BIG, "there may be no more than %d objects",
				       OBJECT_COUNT_MAX);
		entry = entry_new(kind, id);
		if (!entry)
			return err_nomem(err);
		r = insert(set, entry, err);
		if (r < 0) {
			entry_free(entry);
			return r;
		}
	}
	js_free(entry->attrs);
	entry->attrs = TAKE_PTR(*attrs);
	return 0;
}

int object_set_put(struct object_set *set, const char *kind, const char *id, struct js *take_attrs,
		   struct err *err)
{
	CLEANUP_JS struct js *attrs = take_attrs;
	int r = check_kind(kind, err);

	if (r == 0)
		r = check_id(kind, id, err);
	if (r == 0)
		r = check_attrs(kind, id, attrs, err);
	if (r == 0 && (js_get(attrs, "kind") || js_get(attrs, "id")))
		r = err_set(err, -EINVAL, "%s %s: no attribute may be called \"kind\" or \"id\"",
			    kind, id);
	return r < 0 ? r : put(set, kind, id, &attrs, err);
}

bool object_set_remove(struct object_set *set, const char *kind, const char *id)
{
	struct object_entry *entry = find(set, kind, id);

	if (!entry)
		return false;
	tdelete(entry, &set->root, compare);
	entry_free(entry);
	set->count--;
	set->ordered = false;
	return true;
}

const struct js *object_set_find(const struct object_set *set, const char *kind, const char *id)
{
	const struct object_entry *entry = find(set, kind, id);

	return entry ? entry->attrs : NULL;
}

/* --- in order */

size_t object_set_count(const struct object_set *set)
{
	return set->count;
}

static void note_order(const void *node, VISIT visit, void *data)
{
	struct object_entry ***next = data;

	if (visit == postorder || visit == leaf)
		*(*next)++ = *(struct object_entry *const *)node;
}

static void put_in_order(struct object_set *set)
{
	struct object_entry **next = set->order;

	twalk_r(set->root, note_order, &next);
	set->ordered = true;
}

struct object object_set_at(const struct object_set *set, size_t index)
{
	const struct object_entry *entry;

	/* writing the order down changes nothing that a caller sees */
	if (!set->ordered)
		put_in_order((struct object_set *)set);
	entry = set->order[index];
	return (struct object){ .kind = entry->kind, .id = entry->id, .attrs = entry->attrs };
}

/* --- differences */

bool object_attrs_equal(const struct js *a, const struct js *b)
{
	return js_is_equal(a, b, "counters");
}

static int diff_removed(const struct object_set *before, const struct object_set *after,
			object_diff_fn fn, void *data)
{
	size_t i;
	int r = 0;

	for (i = 0; before && i < before->count && r == 0; i++) {
		struct object object = object_set_at(before, i);

		if (!find(after, object.kind, object.id))
			r = fn(data, OBJECT_REMOVED, &object);
	}
	return r;
}

int object_set_diff(const struct object_set *before, const struct object_set *after,
		    object_diff_fn fn, void *data)
{
	size_t i;
	int r = diff_removed(before, after, fn, data);

	for (i = 0; i < after->count && r == 0; i++) {
		struct object object = object_set_at(after, i);
		const struct object_entry *old =
			before ? find(before, object.kind, object.id) : NULL;

		if (!old)
			r = fn(data, OBJECT_ADDED, &object);
		else if (!object_attrs_equal(old->attrs, object.attrs))
			r = fn(data, OBJECT_CHANGED, &object);
	}
	return r;
}

const char *object_change_word(enum object_change change)
{
	static const char *const words[] = { "added", "changed", "removed" };

	return words[change];
}

/* --- as JSON */

static const char *const names[] = { "kind", "id", NULL };

static struct js *format_one(const struct object *object)
{
	struct js *js = js_copy_without(object->attrs, names);

	js_set(js, "kind", js_string(object->kind));
	js_set(js, "id", js_string(object->id));
	return js;
}

struct js *object_set_format(const struct object_set *set)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < set->count; i++) {
		struct object object = object_set_at(set, i);

		js_append(array, format_one(&object));
	}
	return array;
}

int object_parse(const struct js *value, struct object *ret, struct err *err)
{
	const char *kind = js_text(js_get(value, "kind"));
	const char *id = js_text(js_get(value, "id"));
	int r;

	if (js_type(value) != JS_OBJECT)
		return err_set(err, -EINVAL, "an object must be a JSON object");
	r = check_kind(kind, err);
	if (r == 0)
		r = check_id(kind, id, err);
	if (r < 0)
		return r;
	*ret = (struct object){ .kind = kind, .id = id, .attrs = value };
	return 0;
}

static int parse_one(struct object_set *set, const struct js *value, struct err *err)
{
	struct object object;
	CLEANUP_JS struct js *attrs = NULL;
	int r = object_parse(value, &object, err);

	if (r < 0)
		return r;
	if (find(set, object.kind, object.id))
		return err_set(err, -EINVAL, "%s %s is there twice", object.kind, object.id);
	attrs = js_copy_without(value, names);
	r = check_attrs(object.kind, object.id, attrs, err);
	return r < 0 ? r : put(set, object.kind, object.id, &attrs, err);
}

int object_set_parse(const struct js *array, struct object_set **ret, struct err *err)
{
	CLEANUP_OBJECT_SET struct object_set *set = NULL;
	size_t i;
	int r;

	if (js_type(array) != JS_ARRAY)
		return err_set(err, -EINVAL, "objects must be a list");
	if (js_length(array) > OBJECT_COUNT_MAX)
		return err_set(err, -E2BIG, "there may be no more than %d objects",
			       OBJECT_COUNT_MAX);
	set = object_set_new();
	if (!set)
		return err_nomem(err);
	for (i = 0; i < js_length(array); i++) {
		r = parse_one(set, js_at(array, i), err);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(set);
	return 0;
}
