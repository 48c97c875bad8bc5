/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "base/table.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_aligned_and_has_dashes_for_nothing),
		cmocka_unit_test(a_letter_of_two_bytes_takes_one_column),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(a_table_that_lost_a_cell_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
