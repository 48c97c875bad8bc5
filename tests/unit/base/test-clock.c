/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "base/clock.h"

static void formats_a_moment_as_rfc_3339_in_utc(void **state)
{
	char text[CLOCK_TEXT_MAX];

	(void)state;
	assert_string_equal(clock_format(0, text), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_format(1795497774123, text), "2026-11-24T05:22:54.123Z");
	assert_string_equal(clock_format(-1, text), "-");
	assert_string_equal(clock_format(INT64_MAX, text), "-");
}

static void formats_a_span_with_two_units(void **state)
{
	char text[CLOCK_TEXT_MAX];

	(void)state;
	assert_string_equal(clock_format_span(340, text), "340 ms");
	assert_string_equal(clock_format_span(12340, text), "12.3 s");
	assert_string_equal(clock_format_span(250000, text), "4 min 10 s");
	assert_string_equal(clock_format_span(7380000, text), "2 h 3 min");
	assert_string_equal(clock_format_span(183600000, text), "2 d 3 h");
	assert_string_equal(clock_format_span(-5, text), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_a_moment_as_rfc_3339_in_utc),
		cmocka_unit_test(formats_a_span_with_two_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
