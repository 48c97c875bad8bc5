/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-object - sets of objects, as two lists: what is read is written the same, and what differs
 * is all that differs. */
#include "base/cleanup.h"
#include "base/str.h"
#include "tests/fuzz/tree.h"
#include "wire/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int apply(void *data, enum object_change change, const struct object *object)
{
	struct object_set *set = data;

	if (change == OBJECT_REMOVED)
		REQUIRE(object_set_remove(set, object->kind, object->id));
	else
		REQUIRE(object_set_put(set, object->kind, object->id, js_ref(object->attrs),
				       NULL) == 0);
	return 0;
}

static int refuse(void *data, enum object_change change, const struct object *object)
{
	(void)data;
	(void)change;
	(void)object;
	abort();
}

/* The differences from @before to @after, applied to @before, give @after. */
static void check_diff(struct object_set *before, const struct object_set *after)
{
	CLEANUP_JS struct js *js = object_set_format(before);
	CLEANUP_OBJECT_SET struct object_set *copy = NULL;

	REQUIRE(object_set_parse(js, &copy, NULL) == 0);
	REQUIRE(object_set_diff(before, copy, refuse, NULL) == 0);
	REQUIRE(object_set_diff(before, after, apply, copy) == 0);
	REQUIRE(object_set_count(copy) == object_set_count(after));
	REQUIRE(object_set_diff(copy, after, refuse, NULL) == 0);
	REQUIRE(object_set_diff(after, copy, refuse, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_OBJECT_SET struct object_set *before = NULL;
	CLEANUP_OBJECT_SET struct object_set *after = NULL;
	CLEANUP_JS struct js *js = NULL;
	struct err err = ERR_NULL;
	size_t i;

	if (js_parse((const char *)data, size, &js, NULL) < 0)
		return 0;
	if (object_set_parse(js_at(js, 0), &before, &err) < 0 ||
	    object_set_parse(js_at(js, 1), &after, &err) < 0) {
		REQUIRE((err.code == -EINVAL || err.code == -E2BIG) && *err.text);
		return 0;
	}
	for (i = 1; i < object_set_count(after); i++) {
		struct object a = object_set_at(after, i - 1);
		struct object b = object_set_at(after, i);
		int r = strcmp(a.kind, b.kind);

		REQUIRE(r < 0 || (r == 0 && strcmp(a.id, b.id) < 0));
	}
	check_diff(before, after);
	return 0;
}
