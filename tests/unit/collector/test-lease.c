/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include <errno.h>

#include "base/clock.h"

#define QUICK(node)                                                                                \
	"{\"version\":1,\"node\":\"" node "\",\"name\":\"" node                                    \
	"\",\"role\":\"target\",\"boot\":\"b\",\"program\":\"p\",\"interval_ms\":100"

static void run_for(struct harness *h, int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end)
		assert_true(loop_step(h->loop, 20) >= 0);
}

static void run_until_lost(struct harness *h, const struct registry_source *source)
{
	int64_t end = clock_monotonic_ms() + 20000;

	while (!source->lost && clock_monotonic_ms() < end)
		assert_true(loop_step(h->loop, 20) >= 0);
	assert_true(source->lost);
}

static void begin(struct harness *h)
{
	strcpy(h->dir, "/tmp/sunfish-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->store, sizeof(h->store), "%s/collector.db", h->dir);
	setup_init(&h->setup, h->dir);
	h->setup.lease_min_seconds = 1;
	harness_run(h);
}

static struct registry_source *report(struct harness *h, const char *text, const char *node)
{
	struct report_answer answer;

	assert_int_equal(harness_send(h, text, &answer), 0);
	return registry_source_find(h->collector.registry, node, REPORT_TARGET);
}

static void assert_node_events(struct harness *h, const char *const *expected)
{
	CLEANUP_STR struct str text = STR_NULL;
	const char *at;

	assert_int_equal(
		store_event_each(h->collector.store, 0, INT64_MAX, harness_note_event, &text, NULL),
		0);
	for (at = str_get(&text); *expected; expected++) {
		at = strstr(at, *expected);
		if (!at)
			fail_msg("no \"%s\" in its place in: %s", *expected, str_get(&text));
		at++;
	}
}

static void who_is_silent_is_lost_once_and_comes_back(void **state)
{
	static const char *const expected[] = {
		"added node a first report of p",
		"changed node a the helper of the target was silent",
		"changed node a heard again after", NULL
	};
	HARNESS h;
	struct registry_source *source;
	CLEANUP_STR struct str text = STR_NULL;
	struct filter filter = { .role = -1, .kind = "drive" };

	(void)state;
	begin(&h);
	source = report(&h, QUICK("a") SNAPSHOT("1", DRIVE("d", "free")) "}", "a");
	run_until_lost(&h, source);
	assert_false(source->online);
	view_list(&h.collector, &filter, &(VIEW_PAGE_ALL), &text, NULL);
	assert_non_null(strstr(str_get(&text), "\"stale\":true"));
	assert_objects(&h, "drive d {\"state\":\"free\"}\n");
	report(&h, QUICK("a") "}", "a");
	assert_true(source->online && !source->lost);
	assert_node_events(&h, expected);
}

static void who_reports_is_not_lost(void **state)
{
	HARNESS h;
	struct registry_source *source;
	struct registry_source *silent;
	int i;

	(void)state;
	begin(&h);
	source = report(&h, QUICK("a") SNAPSHOT("1", "") "}", "a");
	silent = report(&h, QUICK("b") SNAPSHOT("1", "") "}", "b");
	for (i = 0; i < 100 && !silent->lost; i++) {
		report(&h, QUICK("a") "}", "a");
		run_for(&h, 50);
	}
	assert_true(silent->lost);
	assert_true(source->online);
}

static void who_was_lost_before_a_restart_is_not_lost_again(void **state)
{
	HARNESS h;
	struct registry_source *source;
	int64_t newest;

	(void)state;
	begin(&h);
	source = report(&h, QUICK("a") SNAPSHOT("1", "") "}", "a");
	run_until_lost(&h, source);
	newest = store_event_newest(h.collector.store);
	harness_restart(&h);
	source = registry_source_find(h.collector.registry, "a", REPORT_TARGET);
	assert_true(source->lost);
	run_for(&h, 1200);
	assert_int_equal(store_event_newest(h.collector.store), newest);
}

static void who_does_not_come_back_after_a_restart_is_lost(void **state)
{
	HARNESS h;
	struct registry_source *source;

	(void)state;
	begin(&h);
	report(&h, QUICK("a") SNAPSHOT("1", "") "}", "a");
	harness_restart(&h);
	source = registry_source_find(h.collector.registry, "a", REPORT_TARGET);
	assert_false(source->online || source->lost);
	run_until_lost(&h, source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_silent_is_lost_once_and_comes_back),
		cmocka_unit_test(who_reports_is_not_lost),
		cmocka_unit_test(who_was_lost_before_a_restart_is_not_lost_again),
		cmocka_unit_test(who_does_not_come_back_after_a_restart_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
