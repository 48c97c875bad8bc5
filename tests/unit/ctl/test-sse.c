/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/sse.h"

/* Each event as "id|type|data;" */
static int collect(void *user, const struct sse_event *event)
{
	struct str *text = user;

	str_addf(text, "%s|%s|%s;", event->id, event->type, event->data);
	return 0;
}

static void becomes(const char *stream, const char *want)
{
	size_t length = strlen(stream);
	size_t piece;

	/* in pieces of every size, since the network parts it as it likes */
	for (piece = 1; piece <= length; piece++) {
		struct sse sse = SSE_NULL;
		CLEANUP_STR struct str text = STR_NULL;
		size_t at;

		for (at = 0; at < length; at += piece)
			assert_int_equal(sse_feed(&sse, stream + at,
						  length - at < piece ? length - at : piece,
						  collect, &text),
					 0);
		assert_string_equal(str_get(&text), want);
		sse_deinit(&sse);
	}
}

static void takes_an_event_with_its_id(void **state)
{
	(void)state;
	becomes("id: 42\nevent: changed\ndata: {\"a\":1}\n\n", "42|changed|{\"a\":1};");
}

static void an_id_stays_for_those_that_have_none(void **state)
{
	(void)state;
	becomes("id: 42\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "42||a;42||b;||c;");
}

static void joins_lines_of_data(void **state)
{
	(void)state;
	becomes("data: a\ndata\ndata:b\n\n", "||a\n\nb;");
}

static void every_line_end_is_one(void **state)
{
	(void)state;
	becomes("data: a\r\n\r\ndata: b\r\rdata: c\n\n", "||a;||b;||c;");
}

static void passes_over_comments_and_what_it_does_not_know(void **state)
{
	(void)state;
	becomes("\xef\xbb\xbf: hello\n\n:\nfrob: x\nretry: 10\ndata: a\n\nid: 7\n\n", "||a;");
}

static void what_has_no_data_is_no_event(void **state)
{
	(void)state;
	becomes("id: 1\nevent: x\n\ndata: a\n\n", "1||a;");
}

static void a_half_event_is_forgotten_at_a_break_but_not_the_id(void **state)
{
	static const char before[] = "id: 5\ndata: a\n\nid: 6\ndata: lost";
	static const char after[] = "data: b\n\n";
	struct sse sse = SSE_NULL;
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	assert_int_equal(sse_feed(&sse, before, strlen(before), collect, &text), 0);
	sse_restart(&sse);
	assert_int_equal(sse_feed(&sse, after, strlen(after), collect, &text), 0);
	assert_string_equal(str_get(&text), "5||a;6||b;");
	sse_deinit(&sse);
}

static int stop(void *user, const struct sse_event *event)
{
	(void)event;
	++*(int *)user;
	return 3;
}

static void ends_with_what_the_function_says(void **state)
{
	static const char two[] = "data: a\n\ndata: b\n\n";
	struct sse sse = SSE_NULL;
	int calls = 0;

	(void)state;
	assert_int_equal(sse_feed(&sse, two, strlen(two), stop, &calls), 3);
	assert_int_equal(calls, 1);
	sse_deinit(&sse);
}

static void a_line_without_an_end_is_too_long_some_time(void **state)
{
	struct sse sse = SSE_NULL;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_FREE char *block = malloc(4096);
	size_t i;
	int r = 0;

	(void)state;
	assert_non_null(block);
	memset(block, 'x', 4096);
	for (i = 0; r == 0 && i < SSE_LINE_MAX; i++)
		r = sse_feed(&sse, block, 4096, collect, &text);
	assert_int_equal(r, -E2BIG);
	assert_int_equal(i, SSE_LINE_MAX / 4096 + 1);
	sse_deinit(&sse);
}

static void an_event_without_an_end_is_too_long_some_time(void **state)
{
	static const char line[] = "data: 0123456789012345678901234567890123456789\n";
	struct sse sse = SSE_NULL;
	CLEANUP_STR struct str text = STR_NULL;
	size_t i;
	int r = 0;

	(void)state;
	for (i = 0; r == 0 && i < SSE_DATA_MAX; i++)
		r = sse_feed(&sse, line, strlen(line), collect, &text);
	assert_int_equal(r, -E2BIG);
	assert_true(sse.data.length <= SSE_DATA_MAX);
	sse_deinit(&sse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_an_event_with_its_id),
		cmocka_unit_test(an_id_stays_for_those_that_have_none),
		cmocka_unit_test(joins_lines_of_data),
		cmocka_unit_test(every_line_end_is_one),
		cmocka_unit_test(passes_over_comments_and_what_it_does_not_know),
		cmocka_unit_test(what_has_no_data_is_no_event),
		cmocka_unit_test(a_half_event_is_forgotten_at_a_break_but_not_the_id),
		cmocka_unit_test(ends_with_what_the_function_says),
		cmocka_unit_test(a_line_without_an_end_is_too_long_some_time),
		cmocka_unit_test(an_event_without_an_end_is_too_long_some_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
