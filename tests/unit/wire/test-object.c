/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "wire/object.h"

static struct js *parse(const char *text)
{
	struct js *js = NULL;
	struct err err = ERR_NULL;

	if (js_parse(text, strlen(text), &js, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return js;
}

static void put(struct object_set *set, const char *kind, const char *id, const char *attrs)
{
	struct err err = ERR_NULL;

	if (object_set_put(set, kind, id, parse(attrs), &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_refused(const char *kind, const char *id, struct js *take_attrs,
			   const char *because)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	struct err err = ERR_NULL;

	assert_int_equal(object_set_put(set, kind, id, take_attrs, &err), -EINVAL);
	assert_int_equal(object_set_count(set), 0);
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void finds_what_was_put_and_replaces_it(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();

	(void)state;
	assert_null(object_set_find(set, "drive", "a"));
	put(set, "drive", "a", "{\"size\":1}");
	put(set, "drive", "b", "{\"size\":2}");
	put(set, "drive", "a", "{\"size\":3}");
	assert_int_equal(object_set_count(set), 2);
	assert_int_equal(js_number(js_get(object_set_find(set, "drive", "a"), "size"), 0), 3);
	assert_null(object_set_find(set, "subsystem", "a"));
}

static void removes_one_and_keeps_the_others(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();

	(void)state;
	put(set, "drive", "a", "{}");
	put(set, "drive", "b", "{}");
	assert_true(object_set_remove(set, "drive", "a"));
	assert_false(object_set_remove(set, "drive", "a"));
	assert_int_equal(object_set_count(set), 1);
	assert_string_equal(object_set_at(set, 0).id, "b");
}

static void is_in_the_order_of_kind_and_id(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	CLEANUP_STR struct str order = STR_NULL;
	size_t i;

	(void)state;
	put(set, "subsystem", "a", "{}");
	put(set, "drive", "b", "{}");
	put(set, "drive", "a/1", "{}");
	assert_string_equal(object_set_at(set, 0).id, "a/1");
	put(set, "drive", "a", "{}");
	for (i = 0; i < object_set_count(set); i++) {
		struct object object = object_set_at(set, i);

		str_addf(&order, "%s:%s ", object.kind, object.id);
	}
	assert_string_equal(str_get(&order), "drive:a drive:a/1 drive:b subsystem:a ");
}

static void refuses_what_breaks_a_bound(void **state)
{
	char long_kind[OBJECT_KIND_MAX + 2];
	char long_id[OBJECT_ID_MAX + 2];
	char *long_text = malloc(OBJECT_TEXT_MAX);
	struct js *big = js_object();

	(void)state;
	memset(long_kind, 'k', sizeof(long_kind) - 1);
	long_kind[sizeof(long_kind) - 1] = '\0';
	memset(long_id, 'i', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	memset(long_text, 't', OBJECT_TEXT_MAX - 1);
	long_text[OBJECT_TEXT_MAX - 1] = '\0';
	js_set(big, "text", js_string(long_text));
	free(long_text);
	assert_refused("", "a", parse("{}"), "kind");
	assert_refused("Drive", "a", parse("{}"), "lower-case");
	assert_refused(long_kind, "a", parse("{}"), "1 to 32");
	assert_refused("drive", "", parse("{}"), "1 to 768");
	assert_refused("drive", long_id, parse("{}"), "1 to 768");
	assert_refused("drive", "a\nb", parse("{}"), "printable");
	assert_refused("drive", "\xff", parse("{}"), "printable");
	assert_refused("drive", "a", parse("[]"), "must be a JSON object");
	assert_refused("drive", "a", parse("{\"id\":1}"), "\"id\"");
	assert_refused("drive", "a", big, "may have 16384");
}

static void attributes_that_lost_a_member_are_no_attributes(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	struct js *attrs = js_object();

	(void)state;
	js_set(attrs, "a", NULL);
	assert_int_equal(object_set_put(set, "drive", "a", attrs, NULL), -ENOMEM);
	assert_int_equal(object_set_put(set, "drive", "a", NULL, NULL), -ENOMEM);
	assert_int_equal(object_set_count(set), 0);
}

/* --- differences */

static int note_diff(void *data, enum object_change change, const struct object *object)
{
	CLEANUP_FREE char *attrs = js_format(object->attrs, JS_COMPACT);

	str_addf(data, "%s %s:%s %s\n", object_change_word(change), object->kind, object->id,
		 attrs);
	return 0;
}

static void differences_begin_with_what_is_gone(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *before = object_set_new();
	CLEANUP_OBJECT_SET struct object_set *after = object_set_new();
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	put(before, "drive", "same", "{\"a\":1,\"b\":2}");
	put(before, "drive", "other", "{\"a\":1}");
	put(before, "session", "gone", "{\"a\":2}");
	put(after, "drive", "same", "{\"b\":2,\"a\":1}");
	put(after, "drive", "other", "{\"a\":3}");
	put(after, "drive", "new", "{}");
	assert_int_equal(object_set_diff(before, after, note_diff, &text), 0);
	assert_string_equal(str_get(&text), "removed session:gone {\"a\":2}\n"
					    "added drive:new {}\n"
					    "changed drive:other {\"a\":3}\n");
}

static void all_is_new_against_nothing(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *after = object_set_new();
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	put(after, "drive", "a", "{}");
	assert_int_equal(object_set_diff(NULL, after, note_diff, &text), 0);
	assert_string_equal(str_get(&text), "added drive:a {}\n");
}

static void counters_make_no_difference(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *before = object_set_new();
	CLEANUP_OBJECT_SET struct object_set *after = object_set_new();
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	put(before, "drive", "a", "{\"s\":1,\"counters\":{\"reads\":1}}");
	put(before, "drive", "b", "{\"s\":1}");
	put(after, "drive", "a", "{\"s\":1,\"counters\":{\"reads\":2}}");
	put(after, "drive", "b", "{\"s\":1,\"counters\":{\"reads\":2}}");
	assert_int_equal(object_set_diff(before, after, note_diff, &text), 0);
	assert_string_equal(str_get(&text), "");
}

static int stop(void *data, enum object_change change, const struct object *object)
{
	(void)change;
	(void)object;
	return ++*(int *)data == 2 ? -ECANCELED : 0;
}

static void a_difference_may_end_the_comparison(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *before = object_set_new();
	CLEANUP_OBJECT_SET struct object_set *after = object_set_new();
	int calls = 0;

	(void)state;
	put(before, "drive", "a", "{}");
	put(after, "drive", "b", "{}");
	put(after, "drive", "c", "{}");
	assert_int_equal(object_set_diff(before, after, stop, &calls), -ECANCELED);
	assert_int_equal(calls, 2);
}

/* --- as JSON */

static void what_is_formatted_is_parsed_to_the_same(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	CLEANUP_OBJECT_SET struct object_set *back = NULL;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_JS struct js *js = NULL;

	(void)state;
	put(set, "subsystem", "blake14", "{\"nqn\":\"blake14\",\"drift\":[]}");
	put(set, "drive", "eui.1", "{\"counters\":{\"reads\":1}}");
	js = object_set_format(set);
	assert_int_equal(object_set_parse(js, &back, NULL), 0);
	assert_int_equal(object_set_count(back), 2);
	assert_int_equal(object_set_diff(set, back, note_diff, &text), 0);
	assert_string_equal(str_get(&text), "");
	assert_null(js_get(object_set_find(back, "drive", "eui.1"), "id"));
	assert_non_null(js_get(object_set_find(back, "drive", "eui.1"), "counters"));
}

static void refuses_a_list_that_is_none_or_has_one_twice(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[1]",
		"[{}]",
		"[{\"kind\":\"drive\"}]",
		"[{\"kind\":\"drive\",\"id\":\"a\"},{\"kind\":\"drive\",\"id\":\"a\"}]",
		"[{\"kind\":\"drive\",\"id\":7}]",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_JS struct js *js = parse(texts[i]);
		struct object_set *set = NULL;
		struct err err = ERR_NULL;

		assert_int_equal(object_set_parse(js, &set, &err), -EINVAL);
		assert_null(set);
		assert_true(*err.text);
	}
}

static void a_full_set_takes_no_more_and_is_fast(void **state)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	int64_t start = clock_monotonic_ms();
	char id[32];
	unsigned int i;

	(void)state;
	for (i = 0; i < OBJECT_COUNT_MAX; i++) {
		/* in no order */
		snprintf(id, sizeof(id), "%u", i * 40503u % OBJECT_COUNT_MAX);
		assert_int_equal(object_set_put(set, "drive", id, js_object(), NULL), 0);
	}
	assert_int_equal(object_set_count(set), OBJECT_COUNT_MAX);
	assert_int_equal(object_set_put(set, "drive", "x", js_object(), NULL), -E2BIG);
	assert_int_equal(object_set_put(set, "drive", "7", js_object(), NULL), 0);
	assert_string_equal(object_set_at(set, OBJECT_COUNT_MAX - 1).id, "9999");
	/* one that is not better than O(n) for each takes minutes */
	assert_true(clock_monotonic_ms() - start < 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put_and_replaces_it),
		cmocka_unit_test(removes_one_and_keeps_the_others),
		cmocka_unit_test(is_in_the_order_of_kind_and_id),
		cmocka_unit_test(refuses_what_breaks_a_bound),
		cmocka_unit_test(attributes_that_lost_a_member_are_no_attributes),
		cmocka_unit_test(differences_begin_with_what_is_gone),
		cmocka_unit_test(all_is_new_against_nothing),
		cmocka_unit_test(counters_make_no_difference),
		cmocka_unit_test(a_difference_may_end_the_comparison),
		cmocka_unit_test(what_is_formatted_is_parsed_to_the_same),
		cmocka_unit_test(refuses_a_list_that_is_none_or_has_one_twice),
		cmocka_unit_test(a_full_set_takes_no_more_and_is_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
