/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/js.h"

static struct js *parsed(const char *text)
{
	struct js *js = NULL;
	struct err err = ERR_NULL;

	if (js_parse(text, strlen(text), &js, &err) < 0)
		fail_msg("%s", err.text);
	return js;
}

static void assert_formats_as(const struct js *js, unsigned int flags, const char *want)
{
	CLEANUP_FREE char *text = js_format(js, flags);

	assert_non_null(text);
	assert_string_equal(text, want);
}

static void reads_each_type(void **state)
{
	CLEANUP_JS struct js *js =
		parsed("{\"a\":[1,2.5,true,null,\"x\",{}],\"b\":-7,\"c\":\"t\"}");
	const struct js *array = js_get(js, "a");
	static const enum js_type types[] = { JS_INT,  JS_REAL,	  JS_BOOL,
					      JS_NULL, JS_STRING, JS_OBJECT };
	size_t i;

	(void)state;
	assert_int_equal(js_type(js), JS_OBJECT);
	assert_int_equal(js_type(array), JS_ARRAY);
	assert_int_equal(js_length(array), 6);
	for (i = 0; i < 6; i++)
		assert_int_equal(js_type(js_at(array, i)), types[i]);
	assert_null(js_at(array, 6));
	assert_int_equal(js_number(js_get(js, "b"), 5), -7);
	assert_true(js_is_true(js_at(array, 2)));
	assert_false(js_is_true(js_at(array, 0)));
	assert_string_equal(js_text(js_get(js, "c")), "t");
}

static void answers_softly_for_what_is_not_there(void **state)
{
	CLEANUP_JS struct js *js = parsed("{\"a\":\"1\"}");

	(void)state;
	assert_null(js_get(js, "b"));
	assert_null(js_get(js_get(js, "b"), "c"));
	assert_null(js_text(js_get(js, "b")));
	assert_int_equal(js_number(js_get(js, "a"), 5), 5);
	assert_int_equal(js_type(NULL), JS_NULL);
	assert_int_equal(js_length(NULL), 0);
	assert_null(js_key_at(js, 1));
	assert_null(js_value_at(js, 1));
}

static void keeps_the_order_of_keys(void **state)
{
	CLEANUP_JS struct js *js = parsed("{\"z\":1,\"a\":2,\"m\":3}");

	(void)state;
	assert_string_equal(js_key_at(js, 0), "z");
	assert_string_equal(js_key_at(js, 2), "m");
	assert_int_equal(js_number(js_value_at(js, 1), 0), 2);
	assert_formats_as(js, JS_COMPACT, "{\"z\":1,\"a\":2,\"m\":3}");
	assert_formats_as(js, JS_SORTED, "{\"a\":2,\"m\":3,\"z\":1}");
}

static void tells_where_the_text_is_wrong(void **state)
{
	static const char text[] = "{\n  \"a\": 1,\n  b\n}";
	struct js *js = NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(js_parse(text, strlen(text), &js, &err), -EBADMSG);
	assert_null(js);
	assert_non_null(strstr(err.text, "line 3, column"));
}

static void refuses_duplicate_keys_and_what_follows(void **state)
{
	struct js *js = NULL;

	(void)state;
	assert_int_equal(js_parse("{\"a\":1,\"a\":2}", 13, &js, NULL), -EBADMSG);
	assert_int_equal(js_parse("{}{}", 4, &js, NULL), -EBADMSG);
	assert_int_equal(js_parse("", 0, &js, NULL), -EBADMSG);
	assert_int_equal(js_parse("[\"\xff\"]", 5, &js, NULL), -EBADMSG);
	assert_null(js);
}

static void builds_what_it_formats(void **state)
{
	CLEANUP_JS struct js *js = js_object();
	struct js *list = js_array();

	(void)state;
	js_append(list, js_int(INT64_MAX));
	js_append(list, js_string(NULL));
	js_append(list, js_bool(false));
	js_set(js, "list", list);
	js_set(js, "empty", js_array());
	js_set(js, "none", js_object());
	assert_formats_as(js, JS_INDENT2,
			  "{\n  \"list\": [\n    9223372036854775807,\n    null,\n    false\n  ],\n"
			  "  \"empty\": [],\n  \"none\": {}\n}");
}

static void escapes_as_python_does(void **state)
{
	CLEANUP_JS struct js *js = js_string("\xc3\xab\xf0\x9f\x98\x80/\x7f\x1f\\u00AB\"\n");

	(void)state;
	assert_formats_as(js, JS_ASCII, "\"\\u00eb\\ud83d\\ude00/\\u007f\\u001f\\\\u00AB\\\"\\n\"");
}

static void escapes_bytes_that_are_no_utf8(void **state)
{
	CLEANUP_JS struct js *js = js_string("a\xff\xc3\xab\xc3(\xe2\x82");

	(void)state;
	assert_formats_as(js, JS_COMPACT, "\"a\\\\xff\xc3\xab\\\\xc3(\\\\xe2\\\\x82\"");
}

static void formats_nothing_once_a_member_was_lost(void **state)
{
	CLEANUP_JS struct js *js = js_object();
	struct js *list = js_array();

	(void)state;
	js_append(list, NULL);
	js_set(js, "list", list);
	js_set(js, "other", js_int(1));
	assert_null(js_format(js, JS_COMPACT));
	assert_null(js_format(NULL, JS_COMPACT));
}

static void frees_what_is_put_into_nothing(void **state)
{
	CLEANUP_JS struct js *js = js_object();

	(void)state;
	js_set(NULL, "a", js_string("b"));
	js_append(NULL, js_string("b"));
	js_set(js, "a", NULL);
	assert_null(js_format(js, JS_COMPACT));
}

static struct js *parse(const char *text)
{
	struct js *js = NULL;

	assert_int_equal(js_parse(text, strlen(text), &js, NULL), 0);
	return js;
}

static void compares_whatever_the_order_of_keys(void **state)
{
	CLEANUP_JS struct js *a = parse("{\"a\":1,\"b\":[{\"c\":2}],\"n\":5}");
	CLEANUP_JS struct js *b = parse("{\"b\":[{\"c\":2}],\"a\":1}");
	CLEANUP_JS struct js *c = parse("{\"b\":[{\"c\":3}],\"a\":1}");

	(void)state;
	assert_true(js_is_equal(a, a, NULL));
	assert_false(js_is_equal(a, b, NULL));
	assert_true(js_is_equal(a, b, "n"));
	assert_true(js_is_equal(b, a, "n"));
	assert_false(js_is_equal(b, c, "n"));
	assert_false(js_is_equal(b, a, "a"));
}

static void a_copy_shares_its_values_and_outlives_the_original(void **state)
{
	static const char *const but[] = { "a", NULL };
	struct js *js = parse("{\"a\":1,\"b\":[{\"c\":2}]}");
	CLEANUP_JS struct js *copy = js_copy_without(js, but);
	CLEANUP_JS struct js *list = js_ref(js_get(js, "b"));
	char *text;

	(void)state;
	assert_ptr_equal(js_get(copy, "b"), list);
	assert_non_null(js_get(js, "a"));
	js_free(js);
	text = js_format(copy, JS_COMPACT);
	assert_string_equal(text, "{\"b\":[{\"c\":2}]}");
	assert_int_equal(js_size(copy), strlen(text));
	free(text);
}

static void the_size_is_that_of_the_compact_text(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"[[],{},[{}]]",
		"{\"a\":\"\",\"b\":[1,22,-333,0,-1,9223372036854775807,-9223372036854775808]}",
		"[true,false,null,1.5,-2.5e300]",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"]",
		"{\"\\n\\u0002\\\"\":\"\\u00e4\\u20ac\\ud83d\\ude00\"}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_JS struct js *js = NULL;
		char *text;

		assert_int_equal(js_parse(texts[i], strlen(texts[i]), &js, NULL), 0);
		text = js_format(js, JS_COMPACT);
		assert_int_equal(js_size(js), strlen(text));
		free(text);
	}
}

static void nothing_that_lost_a_member_is_copied(void **state)
{
	static const char *const none[] = { NULL };
	CLEANUP_JS struct js *js = js_object();
	struct js *list = js_array();

	(void)state;
	js_append(list, NULL);
	js_set(js, "list", list);
	assert_null(js_copy_without(js, none));
	assert_int_equal(js_size(js), 0);
	assert_int_equal(js_size(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_type),
		cmocka_unit_test(answers_softly_for_what_is_not_there),
		cmocka_unit_test(keeps_the_order_of_keys),
		cmocka_unit_test(tells_where_the_text_is_wrong),
		cmocka_unit_test(refuses_duplicate_keys_and_what_follows),
		cmocka_unit_test(builds_what_it_formats),
		cmocka_unit_test(escapes_as_python_does),
		cmocka_unit_test(escapes_bytes_that_are_no_utf8),
		cmocka_unit_test(formats_nothing_once_a_member_was_lost),
		cmocka_unit_test(frees_what_is_put_into_nothing),
		cmocka_unit_test(compares_whatever_the_order_of_keys),
		cmocka_unit_test(a_copy_shares_its_values_and_outlives_the_original),
		cmocka_unit_test(the_size_is_that_of_the_compact_text),
		cmocka_unit_test(nothing_that_lost_a_member_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
