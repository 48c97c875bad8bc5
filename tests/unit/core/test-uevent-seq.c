/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "core/uevent-seq.h"

static void numbers_in_order_miss_nothing(void **state)
{
	struct uevent_seq seq = { 0 };
	uint64_t i;

	(void)state;
	for (i = 8170; i < 8200; i++)
		assert_false(uevent_seq_note(&seq, i));
	assert_int_equal(uevent_seq_settle(&seq), 0);
}

static void numbers_passed_over_are_missing_once(void **state)
{
	struct uevent_seq seq = { 0 };

	(void)state;
	uevent_seq_note(&seq, 10);
	assert_true(uevent_seq_note(&seq, 15));
	assert_true(uevent_seq_note(&seq, 16));
	assert_true(uevent_seq_note(&seq, 18));
	assert_int_equal(uevent_seq_settle(&seq), 5);
	assert_int_equal(uevent_seq_settle(&seq), 0);
	assert_false(uevent_seq_note(&seq, 19));
}

static void a_number_that_comes_late_is_not_missing(void **state)
{
	struct uevent_seq seq = { 0 };

	(void)state;
	uevent_seq_note(&seq, 10);
	assert_true(uevent_seq_note(&seq, 14));
	assert_true(uevent_seq_note(&seq, 12));
	assert_true(uevent_seq_note(&seq, 11));
	assert_false(uevent_seq_note(&seq, 13));
	assert_int_equal(uevent_seq_settle(&seq), 0);
}

static void what_came_twice_or_before_the_first_is_ignored(void **state)
{
	struct uevent_seq seq = { 0 };

	(void)state;
	uevent_seq_note(&seq, 10);
	assert_false(uevent_seq_note(&seq, 10));
	assert_false(uevent_seq_note(&seq, 3));
	assert_false(uevent_seq_note(&seq, 11));
	assert_false(uevent_seq_note(&seq, 10));
}

static void more_ranges_than_there_is_room_for_are_counted(void **state)
{
	struct uevent_seq seq = { 0 };
	uint64_t i;

	(void)state;
	for (i = 1; i <= 100; i++)
		uevent_seq_note(&seq, i * 3);
	assert_int_equal(uevent_seq_settle(&seq), 198);
	assert_false(uevent_seq_note(&seq, 301));
}

static void the_largest_number_does_no_harm(void **state)
{
	struct uevent_seq seq = { 0 };

	(void)state;
	uevent_seq_note(&seq, 1);
	assert_true(uevent_seq_note(&seq, UINT64_MAX));
	assert_int_equal(uevent_seq_settle(&seq), UINT64_MAX - 2);
	assert_false(uevent_seq_note(&seq, 5));
}

/* A thousand numbers, some lost, some up to 4 places late: exactly the lost ones are missing. */
static void of_any_order_it_knows_what_is_lost(void **state)
{
	unsigned int seed = 3;
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		struct uevent_seq seq = { 0 };
		uint64_t order[1000];
		uint64_t lost = 0;
		size_t n = 0;
		uint64_t i;

		for (i = 0; i < 1000; i++)
			if (i == 0 || i == 999 || rand_r(&seed) % 200)
				order[n++] = i + 1000;
			else
				lost++;
		for (i = 1; i + 5 < n; i++) {
			const size_t other = i + (size_t)rand_r(&seed) % 4;
			const uint64_t kept = order[i];

			order[i] = order[other];
			order[other] = kept;
		}
		for (i = 0; i < n; i++)
			uevent_seq_note(&seq, order[i]);
		assert_int_equal(uevent_seq_settle(&seq), lost);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_order_miss_nothing),
		cmocka_unit_test(numbers_passed_over_are_missing_once),
		cmocka_unit_test(a_number_that_comes_late_is_not_missing),
		cmocka_unit_test(what_came_twice_or_before_the_first_is_ignored),
		cmocka_unit_test(more_ranges_than_there_is_room_for_are_counted),
		cmocka_unit_test(the_largest_number_does_no_harm),
		cmocka_unit_test(of_any_order_it_knows_what_is_lost),
	};

	return cmocka_run_group_tests_name("uevent-seq", tests, NULL, NULL);
}
