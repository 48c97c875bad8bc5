/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/table.h"

static const struct table_style plain = { 0 };

static void formats(const struct table *table, const struct table_style *style, const char *want)
{
	CLEANUP_STR struct str text = STR_NULL;

	table_format_styled(table, style, "", &text);
	assert_false(text.failed);
	assert_string_equal(str_get(&text), want);
}

static void a_table_is_aligned_and_has_dashes_for_nothing(void **state)
{
	static const char *const cells[] = {
		"NQN", "N", "WHO", "blake14", "1", "", "b", "200", "x"
	};
	CLEANUP_TABLE struct table table = TABLE(3);
	CLEANUP_STR struct str text = STR_NULL;
	size_t i;

	(void)state;
	for (i = 0; i < 9; i++)
		table_add(&table, cells[i]);
	table_format(&table, "> ", &text);
	assert_string_equal(str_get(&text), "> NQN      N    WHO\n"
					    "> blake14  1    -\n"
					    "> b        200  x\n");
}

static void a_letter_of_two_bytes_takes_one_column(void **state)
{
	CLEANUP_TABLE struct table table = TABLE(2);
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	table_add(&table, "\xc3\xa9");
	table_add(&table, "a");
	table_add(&table, "xx");
	table_addf(&table, "%d", 5);
	table_format(&table, "", &text);
	assert_string_equal(str_get(&text), "\xc3\xa9   a\nxx  5\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	CLEANUP_TABLE struct table table = TABLE(1);
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	table_add(&table, "a\x1b[31m\x7f\n");
	table_format(&table, "", &text);
	assert_string_equal(str_get(&text), "a?[31m??\n");
}

static void a_table_that_lost_a_cell_is_none(void **state)
{
	CLEANUP_TABLE struct table table = TABLE(1);
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	table_add(&table, "a");
	table.failed = true;
	table_format(&table, "", &text);
	assert_true(text.failed);
}

static void cuts_the_widest_in_its_middle_for_a_narrow_terminal(void **state)
{
	const struct table_style style = { .width = 30 };
	CLEANUP_TABLE struct table table = TABLE(2);

	(void)state;
	table_add(&table, "NQN");
	table_add(&table, "STATE");
	table_add(&table, "nqn.2026-01.org.example:storage-of-blake14");
	table_add(&table, "active");
	formats(&table, &style, "NQN                     STATE\nnqn.2026-0..of-blake14  active\n");
}

static void cuts_no_character_in_two(void **state)
{
	const struct table_style style = { .width = 1 };
	CLEANUP_TABLE struct table table = TABLE(1);

	(void)state;
	table_add(&table, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
			  "\xc3\xa8\xc3\xa8\xc3\xa8\xc3\xa8\xc3\xa8\xc3\xa8");
	formats(&table, &style,
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9..\xc3\xa8\xc3\xa8\xc3\xa8\xc3\xa8"
		"\xc3\xa8\n");
}

static void never_cuts_without_a_width(void **state)
{
	CLEANUP_TABLE struct table table = TABLE(1);
	CLEANUP_STR struct str text = STR_NULL;
	char name[301];

	(void)state;
	memset(name, 'n', 300);
	name[300] = '\0';
	table_add(&table, name);
	table_format(&table, "  ", &text);
	assert_int_equal(text.length, 303);
}

static void colours_only_where_asked(void **state)
{
	const struct table_style coloured = { .colours = true };
	CLEANUP_TABLE struct table table = TABLE(2);

	(void)state;
	table_add(&table, "A");
	table_add(&table, "B");
	table_add_tinted(&table, TABLE_BAD, "lost");
	table_add(&table, "x");
	formats(&table, &plain, "A     B\nlost  x\n");
	formats(&table, &coloured, "\033[1mA\033[0m     \033[1mB\033[0m\n\033[31mlost\033[0m  x\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_aligned_and_has_dashes_for_nothing),
		cmocka_unit_test(a_letter_of_two_bytes_takes_one_column),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(a_table_that_lost_a_cell_is_none),
		cmocka_unit_test(cuts_the_widest_in_its_middle_for_a_narrow_terminal),
		cmocka_unit_test(cuts_no_character_in_two),
		cmocka_unit_test(never_cuts_without_a_width),
		cmocka_unit_test(colours_only_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
