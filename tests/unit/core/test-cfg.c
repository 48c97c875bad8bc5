/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cfg.h"

static struct cfg *parsed(const char *text)
{
	struct cfg *cfg = NULL;
	struct err err = ERR_NULL;

	if (cfg_parse(text, strlen(text), "a.conf", &cfg, &err) < 0)
		fail_msg("%s", err.text);
	return cfg;
}

static void assert_text_refused(const char *text, const char *because)
{
	struct cfg *cfg = NULL;
	struct err err = ERR_NULL;

	assert_int_equal(cfg_parse(text, strlen(text), "a.conf", &cfg, &err), -EBADMSG);
	assert_null(cfg);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void reads_each_type(void **state)
{
	CLEANUP_CFG struct cfg *cfg = parsed(
		"a = true; b = 7; c = 1.5; d = \"x\"; e = { f = 1; }; g = ( 1, \"y\" ); h = [ 1 ];");
	static const enum cfg_type types[] = { CFG_BOOL,  CFG_INT,  CFG_REAL, CFG_TEXT,
					       CFG_GROUP, CFG_LIST, CFG_LIST };
	size_t i;

	(void)state;
	assert_int_equal(cfg_type(cfg_root(cfg)), CFG_GROUP);
	assert_int_equal(cfg_length(cfg_root(cfg)), 7);
	for (i = 0; i < 7; i++)
		assert_int_equal(cfg_type(cfg_at(cfg_root(cfg), i)), types[i]);
	assert_null(cfg_at(cfg_root(cfg), 7));
	assert_string_equal(cfg_name(cfg_at(cfg_root(cfg), 3)), "d");
	assert_string_equal(cfg_name(cfg_root(cfg)), "");
	assert_string_equal(cfg_name(cfg_at(cfg_find(cfg_root(cfg), "g"), 1)), "");
	assert_null(cfg_find(cfg_root(cfg), "z"));
	assert_null(cfg_find(cfg_find(cfg_root(cfg), "d"), "z"));
	assert_null(cfg_at(cfg_find(cfg_root(cfg), "d"), 0));
}

static void reads_values(void **state)
{
	CLEANUP_CFG struct cfg *cfg = parsed("d = \"a\\\"b\\\\\"; b = false; i = 1; z = 0;");
	const char *text;
	bool value;

	(void)state;
	assert_int_equal(cfg_text(cfg_find(cfg_root(cfg), "d"), &text, NULL), 0);
	assert_string_equal(text, "a\"b\\");
	assert_int_equal(cfg_bool(cfg_find(cfg_root(cfg), "b"), &value, NULL), 0);
	assert_false(value);
	assert_int_equal(cfg_bool(cfg_find(cfg_root(cfg), "i"), &value, NULL), 0);
	assert_true(value);
	assert_int_equal(cfg_bool(cfg_find(cfg_root(cfg), "z"), &value, NULL), 0);
	assert_false(value);
}

static void assert_number(const char *text, int64_t want)
{
	CLEANUP_CFG struct cfg *cfg = parsed(text);
	int64_t value = 0;
	struct err err = ERR_NULL;

	if (cfg_int(cfg_at(cfg_root(cfg), 0), INT64_MIN, INT64_MAX, &value, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(value, want);
}

static void reads_numbers_of_64_bits_without_a_suffix(void **state)
{
	(void)state;
	assert_number("a = 4294967295;", 4294967295);
	assert_number("a = 4294967297;", 4294967297);
	assert_number("a = 0xffffffff;", 4294967295);
	assert_number("a = 0x1FFFFFFFF;", 0x1ffffffff);
	assert_number("a = 5L;", 5);
	assert_number("a = 5LL;", 5);
	assert_number("a = -1;", -1);
	assert_number("a = +1", 1);
	assert_number("a=07", 7);
}

static void leaves_texts_names_and_comments_as_they_are(void **state)
{
	CLEANUP_CFG struct cfg *cfg =
		parsed("# 12 \"\n// 13 (((((((((((((((((((((((((\n"
		       "/* 14 \" @include\n15 */ a1b-2 = \"16 @include \\\" 17 # 18\";\n"
		       "c = 1.5e+3; d = 2e3; e3 = \"7\" \"8\";");
	const char *text;

	(void)state;
	assert_int_equal(cfg_text(cfg_find(cfg_root(cfg), "a1b-2"), &text, NULL), 0);
	assert_string_equal(text, "16 @include \" 17 # 18");
	assert_int_equal(cfg_type(cfg_find(cfg_root(cfg), "c")), CFG_REAL);
	assert_int_equal(cfg_type(cfg_find(cfg_root(cfg), "d")), CFG_REAL);
	assert_int_equal(cfg_text(cfg_find(cfg_root(cfg), "e3"), &text, NULL), 0);
	assert_string_equal(text, "78");
}

static void tells_the_line_of_a_mistake(void **state)
{
	(void)state;
	assert_text_refused("a = 1;\n\nb = ;\n", "a.conf:3: ");
	assert_text_refused("a = 1;\na = 2;\n", "a.conf:2: duplicate");
	assert_text_refused("a = 1;\nb = \"x\n\n", "a.conf:2: the closing \"");
	assert_text_refused("a = 1;\n/* x\n", "a.conf:2: the end of this comment");
}

static void refuses_what_libconfig_would_cut_or_follow(void **state)
{
	(void)state;
	assert_text_refused("a = 1;\n@include \"/etc/passwd\"\n", "a.conf:2: @include");
	assert_text_refused("a = \"\\x00b\";", "NUL");
	assert_text_refused("a = 99999999999999999999;", "too large");
	assert_text_refused("a = 0x1ffffffffffffffff;", "too large");
	assert_text_refused("a = ((((((((((((((((((1))))))))))))))))));", "too many brackets");
}

static void refuses_bytes_that_are_no_text(void **state)
{
	struct cfg *cfg = NULL;
	struct err err = ERR_NULL;
	char *large;

	(void)state;
	assert_int_equal(cfg_parse("a = 1;\0b", 8, "a.conf", &cfg, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "NUL byte"));
	large = calloc(1, CFG_SIZE_MAX + 1);
	assert_non_null(large);
	assert_int_equal(cfg_parse(large, CFG_SIZE_MAX + 1, "a.conf", &cfg, &err), -EFBIG);
	free(large);
	assert_null(cfg);
}

static void names_file_line_and_key_of_a_wrong_type(void **state)
{
	CLEANUP_CFG struct cfg *cfg = parsed("a = 1;\nb = \"x\";\nc = ( 1 );\n");
	const struct cfg_item *a = cfg_find(cfg_root(cfg), "a");
	const struct cfg_item *b = cfg_find(cfg_root(cfg), "b");
	const struct cfg_item *c = cfg_find(cfg_root(cfg), "c");
	const char *text = "untouched";
	int64_t number = 5;
	bool value = true;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(cfg_text(a, &text, &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:1: a must be a text in double quotes");
	assert_int_equal(cfg_int(b, 0, 9, &number, &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:2: b must be a whole number");
	assert_int_equal(cfg_bool(b, &value, &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:2: b must be true or false");
	assert_int_equal(cfg_text(cfg_at(c, 0), &text, &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:3: an element of c must be a text in double quotes");
	assert_int_equal(cfg_need_group(cfg_at(c, 0), &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:3: an element of c must be a group { .. }");
	assert_int_equal(cfg_need_list(b, &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:2: b must be a list ( .. )");
	assert_string_equal(text, "untouched");
	assert_int_equal(number, 5);
	assert_true(value);
}

static void says_which_numbers_are_allowed(void **state)
{
	CLEANUP_CFG struct cfg *cfg = parsed("port = 70000;");
	int64_t number = 5;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(cfg_int(cfg_at(cfg_root(cfg), 0), 1, 65535, &number, &err), -EINVAL);
	assert_string_equal(err.text, "a.conf:1: port is 70000, but must be from 1 to 65535");
	assert_int_equal(number, 5);
}

static void puts_the_place_before_a_message(void **state)
{
	CLEANUP_CFG struct cfg *cfg = parsed("\nnqn = \"a b\";");
	struct err err = ERR_NULL;

	(void)state;
	err_set(&err, -EINVAL, "no blanks");
	cfg_prefix(cfg_at(cfg_root(cfg), 0), &err);
	assert_string_equal(err.text, "a.conf:2: nqn: no blanks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_type),
		cmocka_unit_test(reads_values),
		cmocka_unit_test(reads_numbers_of_64_bits_without_a_suffix),
		cmocka_unit_test(leaves_texts_names_and_comments_as_they_are),
		cmocka_unit_test(tells_the_line_of_a_mistake),
		cmocka_unit_test(refuses_what_libconfig_would_cut_or_follow),
		cmocka_unit_test(refuses_bytes_that_are_no_text),
		cmocka_unit_test(names_file_line_and_key_of_a_wrong_type),
		cmocka_unit_test(says_which_numbers_are_allowed),
		cmocka_unit_test(puts_the_place_before_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
