/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/top.h"

#define NODES                                                                                      \
	"[{\"name\":\"a\",\"roles\":{\"target\":{\"state\":\"online\"},\"initiator\":{\"state\":"  \
	"\"online\"}}},{\"name\":\"b\",\"roles\":{\"target\":{\"state\":\"lost\"}}}]"
#define CONTROLLERS                                                                                \
	"[{\"node\":\"a\",\"id\":\"nvme0\",\"nqn\":\"x\",\"type\":\"io\",\"state\":\"live\"},"     \
	"{\"node\":\"a\",\"id\":\"nvme1\",\"nqn\":\"x\",\"type\":\"io\",\"transport\":\"tcp\","    \
	"\"address\":\"10.1.1.1\",\"service\":\"4420\",\"state\":\"connecting\",\"lost_for_ms\":"  \
	"2500,\"cause\":\"no answer\"},"                                                           \
	"{\"node\":\"a\",\"id\":\"nvme2\",\"type\":\"discovery\",\"state\":\"connecting\"},"       \
	"{\"node\":\"b\",\"id\":\"nvme0\",\"type\":\"io\",\"state\":\"live\",\"stale\":true}]"
#define EVENTS                                                                                     \
	"[{\"id\":1,\"time\":1795497774123,\"node\":\"a\",\"type\":\"changed\",\"kind\":\"k\","    \
	"\"object_id\":\"first\"},{\"id\":2,\"node\":\"a\",\"type\":\"note\",\"kind\":\"k\","      \
	"\"object_id\":\"second\"}]"

static struct js *items(const char *text)
{
	CLEANUP_STR struct str whole = STR_NULL;
	struct js *js = NULL;

	str_addf(&whole, "{\"version\":1,\"items\":%s}", text);
	assert_int_equal(js_parse(str_get(&whole), whole.length, &js, NULL), 0);
	return js;
}

/* One answer in which the namespace has read so many bytes. */
static void take(struct top *top, long long read_bytes, int64_t now_ms)
{
	char namespaces[256];
	struct js *documents[TOP_LISTS] = { 0 };

	snprintf(namespaces, sizeof(namespaces),
		 "[{\"node\":\"a\",\"id\":\"x/1\",\"nqn\":\"x\",\"nsid\":1,\"state\":\"active\","
		 "\"counters\":{\"read_bytes\":%lld,\"read_ios\":%lld}}]",
		 read_bytes, read_bytes / 4096);
	documents[TOP_NODES] = items(NODES);
	documents[TOP_SUBSYSTEMS] =
		items("[{\"state\":\"active\"},{\"state\":\"active\",\"stale\":true}]");
	documents[TOP_NAMESPACES] = items(namespaces);
	documents[TOP_CONTROLLERS] = items(CONTROLLERS);
	documents[TOP_ATTACHMENTS] = items("[{\"state\":\"attached\"},{\"state\":\"failed\"}]");
	documents[TOP_EVENTS] = items(EVENTS);
	assert_int_equal(top_take(top, documents, now_ms), 0);
}

static char *draw(const struct top *top, size_t rows, int64_t now_ms)
{
	struct top_frame frame = {
		.url = "http://head:1", .rows = rows, .wall_ms = 1795497774123, .now_ms = now_ms
	};
	struct str text = STR_NULL;

	top_format(top, &frame, &text);
	return str_take(&text);
}

static void shows(const struct top *top, int64_t now_ms, const char *part)
{
	CLEANUP_FREE char *text = draw(top, 0, now_ms);

	if (!strstr(text, part))
		fail_msg("there is no \"%s\" in\n%s", part, text);
}

static void counts_nodes_paths_and_attachments(void **state)
{
	struct top *top = top_new();

	(void)state;
	setenv("TZ", "UTC", 1);
	take(top, 0, 1000);
	shows(top, 1000, "http://head:1  2026-11-24 05:22:54\n");
	shows(top, 1000, "nodes        1 online, 1 lost\n");
	shows(top, 1000, "subsystems   1 active, 0 waiting, 0 partly, 0 failed, 1 stale\n");
	shows(top, 1000, "paths        1 live, 1 lost, 1 stale\n");
	shows(top, 1000, "attachments  1 attached, 0 attaching, 0 detaching, 1 failed\n");
	top_free(top);
}

static void names_each_lost_path_but_no_discovery_controller(void **state)
{
	struct top *top = top_new();
	CLEANUP_FREE char *text = NULL;

	(void)state;
	take(top, 0, 1000);
	shows(top, 1000,
	      "a          nvme1       x    tcp 10.1.1.1:4420  connecting  2.5 s  no answer\n");
	text = draw(top, 0, 1000);
	assert_null(strstr(text, "nvme2"));
	top_free(top);
}

static void a_rate_is_taken_between_two_steps_of_the_counters(void **state)
{
	struct top *top = top_new();

	(void)state;
	take(top, 1000000, 1000);
	/* nobody knows since when: no rate yet, also not after the first step */
	shows(top, 1000, "a       x    1     active  -     -");
	take(top, 2000000, 4000);
	shows(top, 4000, "active  -     -");
	take(top, 2000000, 5000);
	/* 10 MiB in 10 s */
	take(top, 2000000 + (10 << 20), 14000);
	shows(top, 14000, "active  1 MiB/s  0 B/s  256      0");
	/* it holds until the next step */
	take(top, 2000000 + (10 << 20), 20000);
	shows(top, 20000, "active  1 MiB/s");
	top_free(top);
}

static void without_a_step_for_long_nothing_is_read(void **state)
{
	struct top *top = top_new();

	(void)state;
	take(top, 5000, 1000);
	take(top, 5000, 30000);
	shows(top, 30000, "active  0 B/s  0 B/s");
	top_free(top);
}

static void a_counter_that_went_back_begins_anew(void **state)
{
	struct top *top = top_new();

	(void)state;
	take(top, 1000000, 1000);
	take(top, 2000000, 11000);
	take(top, 3000000, 21000);
	take(top, 10, 22000);
	shows(top, 22000, "active  -     -");
	top_free(top);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void fits_a_terminal_of_any_height(void **state)
{
	struct top *top = top_new();
	size_t rows;

	(void)state;
	take(top, 0, 1000);
	for (rows = 14; rows < 40; rows++) {
		CLEANUP_FREE char *text = draw(top, rows, 1000);

		if (lines(text) > rows)
			fail_msg("%zu lines on %zu:\n%s", lines(text), rows, text);
	}
	top_free(top);
}

static void keeps_the_picture_and_says_that_nobody_answers(void **state)
{
	struct top *top = top_new();

	(void)state;
	take(top, 0, 1000);
	top_fail(top, "no answer");
	shows(top, 2000, "05:22:54  no answer\n");
	shows(top, 2000, "nodes        1 online, 1 lost\n");
	take(top, 0, 3000);
	shows(top, 3000, "05:22:54\n");
	top_free(top);
}

static void programs_get_counts_and_known_rates(void **state)
{
	struct top *top = top_new();
	struct js *json;

	(void)state;
	take(top, 0, 1000);
	take(top, 4096, 2000);
	take(top, 4096 * 11, 12000);
	json = top_json(top, 12000);
	assert_int_equal(js_number(js_get(js_get(json, "counts"), "paths_lost"), -1), 1);
	assert_int_equal(
		js_number(js_get(js_at(js_get(json, "io"), 0), "read_bytes_per_second"), -1), 4096);
	assert_int_equal(js_length(js_get(json, "events")), 2);
	js_free(json);
	top_free(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_nodes_paths_and_attachments),
		cmocka_unit_test(names_each_lost_path_but_no_discovery_controller),
		cmocka_unit_test(a_rate_is_taken_between_two_steps_of_the_counters),
		cmocka_unit_test(without_a_step_for_long_nothing_is_read),
		cmocka_unit_test(a_counter_that_went_back_begins_anew),
		cmocka_unit_test(fits_a_terminal_of_any_height),
		cmocka_unit_test(keeps_the_picture_and_says_that_nobody_answers),
		cmocka_unit_test(programs_get_counts_and_known_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
