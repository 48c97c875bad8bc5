/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <string.h>

#include "wire/term.h"

#define HOUR 3600000
#define GRACE_MS 60000
#define YEAR ((int64_t)365 * 24 * HOUR)

static struct term_moment at(int64_t wall_ms, int64_t boot_ms, const char *boot)
{
	struct term_moment moment = { .wall_ms = wall_ms, .boot_ms = boot_ms };

	strcpy(moment.boot, boot);
	return moment;
}

static int64_t left(int64_t left_ms, struct term_moment noted, struct term_moment now)
{
	return term_left(left_ms, GRACE_MS, &noted, &now);
}

static void on_the_same_boot_no_time_of_day_matters(void **state)
{
	(void)state;
	assert_int_equal(left(HOUR, at(YEAR, 1000, "a"), at(YEAR + 5000, 6000, "a")), HOUR - 5000);
	assert_int_equal(left(HOUR, at(YEAR, 1000, "a"), at(9 * YEAR, 6000, "a")), HOUR - 5000);
	assert_int_equal(left(HOUR, at(YEAR, 1000, "a"), at(0, 6000, "a")), HOUR - 5000);
	assert_int_equal(left(HOUR, at(YEAR, 1000, "a"), at(0, 1000 + HOUR, "a")), 0);
}

static void after_a_reboot_the_time_of_day_tells(void **state)
{
	(void)state;
	assert_int_equal(left(HOUR, at(YEAR, 99999, "a"), at(YEAR + 300000, 10, "b")),
			 HOUR - 300000);
}

static void a_clock_that_was_set_back_does_not_extend(void **state)
{
	(void)state;
	assert_int_equal(left(HOUR, at(YEAR, 5, "a"), at(0, 5, "b")), HOUR);
}

static void a_clock_that_jumped_ahead_does_not_end_it_at_once(void **state)
{
	(void)state;
	assert_int_equal(left(HOUR, at(YEAR, 5, "a"), at(9 * YEAR, 5, "b")), GRACE_MS);
	/* but of what had less than that left no more becomes */
	assert_int_equal(left(500, at(YEAR, 5, "a"), at(9 * YEAR, 5, "b")), 500);
}

static void without_grace_it_ends_fail_closed(void **state)
{
	const struct term_moment noted = at(YEAR, 5, "a");
	const struct term_moment now = at(9 * YEAR, 5, "b");

	(void)state;
	assert_int_equal(term_left(HOUR, 0, &noted, &now), 0);
}

static void what_was_over_stays_over(void **state)
{
	(void)state;
	assert_int_equal(left(0, at(YEAR, 5, "a"), at(0, 5, "b")), 0);
	assert_int_equal(left(-5, at(YEAR, 5, "a"), at(0, 5, "a")), 0);
}

static void a_moment_of_no_known_boot_is_of_another_one(void **state)
{
	(void)state;
	assert_int_equal(left(HOUR, at(YEAR, 5, ""), at(YEAR + 300000, HOUR, "")), HOUR - 300000);
}

static void a_moment_is_stored_as_it_is(void **state)
{
	struct term_moment now;
	struct term_moment again;
	struct js *js;

	(void)state;
	term_moment_now(&now);
	assert_true(now.wall_ms > 0 && now.boot_ms > 0);
	assert_int_equal(strlen(now.boot), 36);
	js = term_moment_encode(&now);
	term_moment_decode(js, &again);
	js_free(js);
	assert_int_equal(again.wall_ms, now.wall_ms);
	assert_int_equal(again.boot_ms, now.boot_ms);
	assert_string_equal(again.boot, now.boot);
	term_moment_decode(NULL, &again);
	assert_string_equal(again.boot, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_same_boot_no_time_of_day_matters),
		cmocka_unit_test(after_a_reboot_the_time_of_day_tells),
		cmocka_unit_test(a_clock_that_was_set_back_does_not_extend),
		cmocka_unit_test(a_clock_that_jumped_ahead_does_not_end_it_at_once),
		cmocka_unit_test(without_grace_it_ends_fail_closed),
		cmocka_unit_test(what_was_over_stays_over),
		cmocka_unit_test(a_moment_of_no_known_boot_is_of_another_one),
		cmocka_unit_test(a_moment_is_stored_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
