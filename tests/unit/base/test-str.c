/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* Fails the next reallocations when asked to. */
static unsigned int failing;

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_realloc(void *p, size_t size)
{
	if (failing) {
		failing--;
		return NULL;
	}
	return __real_realloc(p, size);
}

static void is_an_empty_text_at_first(void **state)
{
	CLEANUP_STR struct str str = STR_NULL;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	assert_string_equal(str_get(&str), "");
	text = str_take(&str);
	assert_string_equal(text, "");
}

static void grows_as_far_as_is_asked(void **state)
{
	CLEANUP_STR struct str str = STR_NULL;
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		str_add(&str, "a");
		str_addf(&str, "%03u", i);
		str_add_n(&str, "zzz", 1);
	}
	assert_int_equal(str.length, 5000);
	assert_int_equal(strlen(str_get(&str)), 5000);
	assert_memory_equal(str_get(&str) + 4990, "a998za999z", 11);
	assert_false(str.failed);
}

static void gives_its_text_away_and_is_empty_after(void **state)
{
	CLEANUP_STR struct str str = STR_NULL;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	str_add(&str, "abc");
	text = str_take(&str);
	assert_string_equal(text, "abc");
	assert_string_equal(str_get(&str), "");
	assert_int_equal(str.length, 0);
}

static void remembers_that_memory_ran_out(void **state)
{
	CLEANUP_STR struct str str = STR_NULL;

	(void)state;
	str_add(&str, "abc");
	failing = 1;
	str_addf(&str, "%200s", "");
	assert_true(str.failed);
	str_add(&str, "d");
	assert_string_equal(str_get(&str), "abc");
	assert_null(str_take(&str));
	assert_false(str.failed);
}

/* What a shell makes of one quoted word. */
static void assert_shell_reads(const char *text)
{
	CLEANUP_STR struct str command = STR_NULL;
	char read_back[64] = "";
	FILE *pipe;

	str_add(&command, "printf %s ");
	str_add_quoted(&command, text);
	pipe = popen(str_get(&command), "r");
	assert_non_null(pipe);
	assert_true(fread(read_back, 1, sizeof(read_back) - 1, pipe) == strlen(text));
	assert_int_equal(pclose(pipe), 0);
	assert_string_equal(read_back, text);
}

static void quotes_so_that_a_shell_reads_it_back(void **state)
{
	static const char *const texts[] = {
		"",	     "a b",  "it's",  "'''",   "$HOME `id` \"x\"",
		"a\nb;c|d&", "\\\\", "*?[a]", "~root", "--x=y"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_shell_reads(texts[i]);
}

static void leaves_plain_words_as_they_are(void **state)
{
	CLEANUP_STR struct str str = STR_NULL;

	(void)state;
	str_add_quoted(&str, "/dev/disk/by-id/nvme-eui.00:1%2@3+4=5,6_7");
	assert_string_equal(str_get(&str), "/dev/disk/by-id/nvme-eui.00:1%2@3+4=5,6_7");
}

static void reads_whole_decimal_numbers_only(void **state)
{
	static const char *const wrong[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1a", "1.0" };
	uint64_t value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(str_parse_uint(wrong[i], UINT64_MAX, &value), -EINVAL);
	assert_int_equal(value, 7);
	assert_int_equal(str_parse_uint("007", 7, &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(str_parse_uint("0", 0, &value), 0);
	assert_int_equal(value, 0);
}

static void knows_the_largest_numbers(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(str_parse_uint("18446744073709551616", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(str_parse_uint("99999999999999999999", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(str_parse_uint("65536", 65535, &value), -ERANGE);
	assert_int_equal(value, 7);
	assert_int_equal(str_parse_uint("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
}

static void tells_printable_from_other_bytes(void **state)
{
	(void)state;
	assert_true(str_is_printable(""));
	assert_true(str_is_printable(" ~"));
	assert_false(str_is_printable("a\x1f"));
	assert_false(str_is_printable("a\x7f"));
	assert_false(str_is_printable("\xc3\xab"));
}

static void knows_utf8_without_control_characters(void **state)
{
	static const char *const good[] = { "", "a b~", "\xc3\xab", "\xe2\x82\xac",
					    "\xf0\x9f\x90\x9f" };
	static const char *const bad[] = {
		"\n",		"\x7f",
		"\xc2\x85", /* control characters */
		"\xc3",		"\xe2\x82",
		"\xac",		"a\xff",	    /* cut, out of place */
		"\xc0\xaf",	"\xe0\x80\xaf",	    /* too long for what it says */
		"\xed\xa0\x80", "\xf4\x90\x80\x80", /* no characters */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(str_is_utf8(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(str_is_utf8(bad[i]));
}

static void writes_hex_in_lower_case(void **state)
{
	static const unsigned char bytes[] = { 0x00, 0x9a, 0xff };
	char hex[7];

	(void)state;
	str_hex(bytes, 3, hex);
	assert_string_equal(hex, "009aff");
	str_hex(bytes, 0, hex);
	assert_string_equal(hex, "");
}

static void cleans_what_a_terminal_would_obey(void **state)
{
	char text[] = "a\033[2J\177\302\233b\n\tc\303\244";

	(void)state;
	str_clean(text);
	assert_string_equal(text, "a?[2J???b\n\tc\303\244");
}

static void sizes_have_one_digit_after_the_point_at_most(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 512, "512 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 64ULL << 20, "64 MiB" },
		{ 1920383410176ULL, "1.7 TiB" },
		{ (1ULL << 30) - 1, "1 GiB" },
		{ 1536, "1.5 KiB" },
		{ UINT64_MAX, "16 EiB" },
	};
	char text[STR_SIZE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(str_format_size(cases[i].bytes, text), cases[i].text);
}

static void expect_near(const char *name, const char *expected)
{
	static const char *const names[] = { "blake14", "blake15",
					     "nqn.2026-01.org.example:scratch", "blake16",
					     "blake17" };
	CLEANUP_STR struct str text = STR_NULL;

	str_add_near(&text, name, names, 5);
	assert_string_equal(str_get(&text), expected);
}

static void a_wrong_name_gets_those_that_are_like_it(void **state)
{
	(void)state;
	expect_near("blaek14", "blake14");
	expect_near("scratch", "nqn.2026-01.org.example:scratch");
	expect_near("blake1", "blake14, blake15, blake16");
	expect_near("something-else", "");
	expect_near("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_an_empty_text_at_first),
		cmocka_unit_test(grows_as_far_as_is_asked),
		cmocka_unit_test(gives_its_text_away_and_is_empty_after),
		cmocka_unit_test(remembers_that_memory_ran_out),
		cmocka_unit_test(quotes_so_that_a_shell_reads_it_back),
		cmocka_unit_test(leaves_plain_words_as_they_are),
		cmocka_unit_test(reads_whole_decimal_numbers_only),
		cmocka_unit_test(knows_the_largest_numbers),
		cmocka_unit_test(cleans_what_a_terminal_would_obey),
		cmocka_unit_test(tells_printable_from_other_bytes),
		cmocka_unit_test(knows_utf8_without_control_characters),
		cmocka_unit_test(writes_hex_in_lower_case),
		cmocka_unit_test(sizes_have_one_digit_after_the_point_at_most),
		cmocka_unit_test(a_wrong_name_gets_those_that_are_like_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
