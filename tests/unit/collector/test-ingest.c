/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include <errno.h>

static void begin(struct harness *h)
{
	struct report_answer answer;

	harness_start(h);
	assert_int_equal(
		harness_send(h, "{" SENDER("b1") SNAPSHOT("2", DRIVE("d1", "free")) "}", &answer),
		0);
	assert_int_equal(answer.ack, 2);
	assert_false(answer.resync);
}

static void an_unknown_boot_is_asked_for_a_snapshot(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	harness_start(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") EVENTS(EVENT("1", "added", "d1", "free")) "}",
			     &answer),
		0);
	assert_true(answer.resync);
	assert_int_equal(answer.ack, 0);
	assert_int_equal(answer.lease_ms, 30000);
	assert_objects(&h, "");
	assert_events(&h, "");
}

static void a_snapshot_becomes_objects_and_events(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
	assert_events(&h, "added drive d1 snapshot 0\n");
	assert_true(harness_source(&h)->online);
}

static void events_are_applied_in_order(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h,
			     "{" SENDER("b1")
				     EVENTS(EVENT("3", "changed", "d1", "exported") "," EVENT(
					     "4", "added", "d2",
					     "free") "," EVENT("5", "removed", "d2", "free")) "}",
			     &answer),
		0);
	assert_int_equal(answer.ack, 5);
	assert_objects(&h, "drive d1 {\"state\":\"exported\"}\n");
	assert_events(&h, "added drive d1 snapshot 0\nchanged drive d1 c 3\nadded drive d2 c 4\n"
			  "removed drive d2 c 5\n");
}

static void what_is_sent_twice_changes_nothing(void **state)
{
	static const char report[] = "{" SENDER("b1") SNAPSHOT("2", DRIVE("d1", "free"))
		EVENTS(EVENT("3", "changed", "d1", "busy")) "}";
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(harness_send(&h, report, &answer), 0);
	assert_int_equal(harness_send(&h, report, &answer), 0);
	assert_int_equal(answer.ack, 3);
	assert_objects(&h, "drive d1 {\"state\":\"busy\"}\n");
	assert_events(&h, "added drive d1 snapshot 0\nchanged drive d1 c 3\n");
}

static void a_missing_number_is_healed_by_a_snapshot(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") EVENTS(EVENT("4", "added", "d2", "free")) "}",
			     &answer),
		0);
	assert_true(answer.resync);
	assert_int_equal(answer.ack, 2);
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
	assert_int_equal(harness_send(&h, "{" SENDER("b1") "}", &answer), 0);
	assert_true(answer.resync);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") SNAPSHOT("4", DRIVE("d2", "free")) "}", &answer),
		0);
	assert_false(answer.resync);
	assert_int_equal(answer.ack, 4);
	assert_objects(&h, "drive d2 {\"state\":\"free\"}\n");
}

/* The store was put back from a copy: what the sender no longer has is not here. */
static void what_an_older_store_misses_is_told_and_healed(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	/* nothing happens there */
	assert_int_equal(harness_send(&h, "{" SENDER("b1") ACKNOWLEDGED("5") "}", &answer), 0);
	assert_true(answer.resync);
	assert_int_equal(answer.ack, 2);
	assert_int_equal(harness_send(&h,
				      "{" SENDER("b1") ACKNOWLEDGED("5")
					      SNAPSHOT("6", DRIVE("d2", "busy"))
						      EVENTS(EVENT("6", "added", "d2", "busy")) "}",
				      &answer),
			 0);
	assert_false(answer.resync);
	assert_int_equal(answer.ack, 6);
	assert_objects(&h, "drive d2 {\"state\":\"busy\"}\n");
	assert_events(&h, "added drive d1 snapshot 0\n"
			  "note gap forgotten 3 events were acknowledged, but are not here: the "
			  "store is older than that 0\n"
			  "added drive d2 c 6\nremoved drive d1 snapshot 0\n");
	/* once */
	assert_int_equal(harness_send(&h, "{" SENDER("b1") ACKNOWLEDGED("6") "}", &answer), 0);
	assert_false(answer.resync);
}

/* The sender began anew, and was heard, after the copy was made. */
static void of_a_boot_that_an_older_store_does_not_know_is_told_what_it_misses(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(harness_send(&h, "{" SENDER("b2") ACKNOWLEDGED("7") "}", &answer), 0);
	assert_true(answer.resync);
	assert_int_equal(harness_send(&h,
				      "{" SENDER("b2") ACKNOWLEDGED("7")
					      SNAPSHOT("7", DRIVE("d1", "free")) "}",
				      &answer),
			 0);
	assert_int_equal(answer.ack, 7);
	assert_events(&h, "added drive d1 snapshot 0\n"
			  "note gap forgotten 7 events were acknowledged, but are not here: the "
			  "store is older than that 0\n");
}

static void events_before_a_snapshot_are_kept_and_not_doubled(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h,
			     "{" SENDER("b2") SNAPSHOT("2", DRIVE("d1", "busy"))
				     EVENTS(EVENT("1", "changed", "d1", "exported") "," EVENT(
					     "2", "changed", "d1",
					     "busy") "," EVENT("3", "added", "d3", "free")) "}",
			     &answer),
		0);
	assert_int_equal(answer.ack, 3);
	assert_objects(&h, "drive d1 {\"state\":\"busy\"}\ndrive d3 {\"state\":\"free\"}\n");
	assert_events(&h, "added drive d1 snapshot 0\nchanged drive d1 c 1\nchanged drive d1 c 2\n"
			  "added drive d3 c 3\n");
}

static void an_old_snapshot_takes_nothing_back(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") EVENTS(EVENT("3", "changed", "d1", "busy")) "}",
			     &answer),
		0);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") SNAPSHOT("2", DRIVE("d1", "free")) "}", &answer),
		0);
	assert_int_equal(answer.ack, 3);
	assert_objects(&h, "drive d1 {\"state\":\"busy\"}\n");
}

static void counters_are_kept_apart_and_make_no_event(void **state)
{
	HARNESS h;
	struct report_answer answer;
	const struct registry_object *object;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h,
			     "{" SENDER("b1") ",\"samples\":[{\"kind\":\"drive\",\"id\":\"d1\","
					      "\"counters\":{\"reads\":7}}]}",
			     &answer),
		0);
	object = registry_object_find(harness_source(&h), "drive", "d1");
	assert_string_equal(object->counters, "{\"reads\":7}");
	assert_events(&h, "added drive d1 snapshot 0\n");
}

static void attributes_that_the_api_needs_are_not_taken(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	harness_start(&h);
	assert_int_equal(harness_send(&h,
				      "{" SENDER("b1") SNAPSHOT(
					      "1", "{\"kind\":\"drive\",\"id\":\"d\",\"stale\":1,"
						   "\"node\":\"x\",\"state\":\"free\"}") "}",
				      &answer),
			 0);
	assert_objects(&h, "drive d {\"state\":\"free\"}\n");
}

static void the_collectors_own_kinds_are_refused(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(harness_send(&h,
				      "{" SENDER("b1") SNAPSHOT(
					      "9", "{\"kind\":\"attachment\",\"id\":\"a\"}") "}",
				      &answer),
			 -EINVAL);
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
}

static void a_bound_refuses_the_whole_report(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	strcpy(h.dir, "/tmp/sunfish-test-XXXXXX");
	assert_non_null(mkdtemp(h.dir));
	snprintf(h.store, sizeof(h.store), "%s/collector.db", h.dir);
	setup_init(&h.setup, h.dir);
	h.setup.objects_max = 2;
	h.setup.nodes_max = 1;
	harness_run(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") SNAPSHOT("2", DRIVE("d1", "free")) "}", &answer),
		0);
	assert_int_equal(harness_send(&h,
				      "{" SENDER("b1")
					      EVENTS(EVENT("3", "added", "d2", "free") "," EVENT(
						      "4", "added", "d3", "free")) "}",
				      &answer),
			 -E2BIG);
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
	assert_events(&h, "added drive d1 snapshot 0\n");
	assert_int_equal(
		harness_send(&h,
			     "{\"version\":1,\"node\":\"other\",\"name\":\"x\",\"role\":\"target\","
			     "\"boot\":\"b\",\"program\":\"p\",\"interval_ms\":1000}",
			     &answer),
		-E2BIG);
	assert_int_equal(registry_node_count(h.collector.registry), 1);
}

static int note_node(void *data, const struct store_event *event)
{
	struct str *text = data;

	if (strcmp(event->kind, "node") == 0)
		str_addf(text, "%s %.12s %s\n", event->type, event->cause, event->boot);
	return 0;
}

static void a_machine_that_was_restarted_before_its_lease_was_over_is_told(void **state)
{
	HARNESS h;
	CLEANUP_STR struct str text = STR_NULL;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") SNAPSHOT("2", DRIVE("d1", "free")) "}", &answer),
		0);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b2") SNAPSHOT("0", DRIVE("d1", "free")) "}", &answer),
		0);
	assert_int_equal(store_event_each(h.collector.store, 0, INT64_MAX, note_node, &text, NULL),
			 0);
	assert_string_equal(str_get(&text), "added first report \nchanged begins anew: b2\n");
}

/* --- over a crash */

static void a_crash_loses_and_doubles_nothing(void **state)
{
	static const char report[] = "{" SENDER("b1") EVENTS(
		EVENT("3", "changed", "d1", "busy") "," EVENT("4", "added", "d2", "free")) "}";
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(harness_send(&h, report, &answer), 0);
	harness_restart(&h);
	assert_objects(&h, "drive d1 {\"state\":\"busy\"}\ndrive d2 {\"state\":\"free\"}\n");
	assert_false(harness_source(&h)->online);
	assert_false(harness_source(&h)->lost);
	assert_int_equal(harness_source(&h)->seq, 4);
	assert_int_equal(harness_send(&h, report, &answer), 0);
	assert_int_equal(answer.ack, 4);
	assert_false(answer.resync);
	assert_true(harness_source(&h)->online);
	assert_events(&h, "added drive d1 snapshot 0\nchanged drive d1 c 3\nadded drive d2 c 4\n");
}

static void an_end_in_order_leaves_nothing_to_replay(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(harness_send(&h,
				      "{" SENDER("b1")
					      EVENTS(EVENT("3", "removed", "d1", "free") "," EVENT(
						      "4", "added", "d2", "free")) "}",
				      &answer),
			 0);
	collector_save(&h.collector);
	assert_false(registry_is_dirty(h.collector.registry));
	harness_restart(&h);
	assert_false(registry_is_dirty(h.collector.registry));
	assert_objects(&h, "drive d2 {\"state\":\"free\"}\n");
	assert_int_equal(harness_source(&h)->seq, 4);
	assert_string_equal(harness_source(&h)->boot, "b1");
}

/* --- a store that cannot be written */

static int commit_code;

int __real_store_commit(struct store *store, struct err *err);
int __wrap_store_commit(struct store *store, struct err *err);

int __wrap_store_commit(struct store *store, struct err *err)
{
	if (!commit_code)
		return __real_store_commit(store, err);
	store_rollback(store);
	return err_set(err, commit_code, "the disk is full");
}

static void a_failed_commit_leaves_memory_as_the_store_is(void **state)
{
	static const char report[] = "{" SENDER("b1") EVENTS(
		EVENT("3", "changed", "d1", "busy") "," EVENT("4", "added", "d2", "free")) "}";
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	commit_code = -ENOSPC;
	assert_int_equal(harness_send(&h, report, &answer), -ENOSPC);
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
	assert_int_equal(harness_source(&h)->seq, 2);
	assert_int_equal(commit_stats(h.collector.commit)->broken, -ENOSPC);
	/* it is not tried again at once, and when it is, there is an event */
	commit_code = 0;
	assert_int_equal(harness_send(&h, report, &answer), -ENOSPC);
	usleep(1100000);
	assert_int_equal(harness_send(&h, report, &answer), 0);
	assert_int_equal(answer.ack, 4);
	assert_objects(&h, "drive d1 {\"state\":\"busy\"}\ndrive d2 {\"state\":\"free\"}\n");
	assert_int_equal(commit_stats(h.collector.commit)->broken, 0);
}

static void a_node_that_could_not_be_stored_is_not_there(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	harness_start(&h);
	commit_code = -EIO;
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") SNAPSHOT("2", DRIVE("d1", "free")) "}", &answer),
		-EIO);
	commit_code = 0;
	assert_int_equal(registry_node_count(h.collector.registry), 0);
	assert_objects(&h, "");
}

static int remove_node(void *data, struct err *err)
{
	struct collector *collector = data;

	return registry_node_remove(collector->registry,
				    registry_node_find(collector->registry, "blake14"), err);
}

static void a_node_that_could_not_be_removed_is_there(void **state)
{
	HARNESS h;
	struct report_answer answer;

	(void)state;
	begin(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") EVENTS(EVENT("3", "added", "d2", "free")) "}",
			     &answer),
		0);
	commit_code = -EIO;
	assert_int_equal(commit_join(h.collector.commit, remove_node, NULL, &h.collector), 0);
	commit_now(h.collector.commit);
	commit_code = 0;
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\ndrive d2 {\"state\":\"free\"}\n");
	assert_int_equal(harness_source(&h)->seq, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_boot_is_asked_for_a_snapshot),
		cmocka_unit_test(a_machine_that_was_restarted_before_its_lease_was_over_is_told),
		cmocka_unit_test(a_snapshot_becomes_objects_and_events),
		cmocka_unit_test(events_are_applied_in_order),
		cmocka_unit_test(what_is_sent_twice_changes_nothing),
		cmocka_unit_test(a_missing_number_is_healed_by_a_snapshot),
		cmocka_unit_test(what_an_older_store_misses_is_told_and_healed),
		cmocka_unit_test(
			of_a_boot_that_an_older_store_does_not_know_is_told_what_it_misses),
		cmocka_unit_test(events_before_a_snapshot_are_kept_and_not_doubled),
		cmocka_unit_test(an_old_snapshot_takes_nothing_back),
		cmocka_unit_test(counters_are_kept_apart_and_make_no_event),
		cmocka_unit_test(attributes_that_the_api_needs_are_not_taken),
		cmocka_unit_test(the_collectors_own_kinds_are_refused),
		cmocka_unit_test(a_bound_refuses_the_whole_report),
		cmocka_unit_test(a_crash_loses_and_doubles_nothing),
		cmocka_unit_test(an_end_in_order_leaves_nothing_to_replay),
		cmocka_unit_test(a_failed_commit_leaves_memory_as_the_store_is),
		cmocka_unit_test(a_node_that_could_not_be_stored_is_not_there),
		cmocka_unit_test(a_node_that_could_not_be_removed_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
