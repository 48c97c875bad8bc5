/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include <errno.h>

#include "collector/peek.h"
#include "wire/wanted.h"

struct want {
	struct harness *h;
	const char *node;
	const char *intent;
	const char *nqn;
	bool absent;
};

static int write_want(void *data, struct err *err)
{
	struct want *want = data;
	struct wanted_entry entry = { .kind = WANTED_ACCESS,
				      .intent = want->intent,
				      .nqn = want->nqn ? want->nqn : "",
				      .hostnqn = "host",
				      .absent = want->absent };

	return registry_want(want->h->collector.registry, want->node, REPORT_TARGET, want->intent,
			     want->nqn ? wanted_entry_encode(&entry) : NULL, err);
}

static void set_want(struct harness *h, const char *intent, const char *nqn, bool absent)
{
	struct want want = {
		.h = h, .node = "id14", .intent = intent, .nqn = nqn, .absent = absent
	};

	assert_int_equal(commit_join(h->collector.commit, write_want, NULL, &want), 0);
	commit_now(h->collector.commit);
	assert_int_equal(commit_stats(h->collector.commit)->broken, 0);
}

static uint64_t assert_wanted(struct harness *h, size_t count, const char *nqn)
{
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_JS struct js *js = NULL;
	struct wanted wanted;
	struct wanted_entry entry;
	struct err err = ERR_NULL;

	registry_wanted_format(h->collector.registry, harness_source(h), REPORT_TARGET, &text);
	assert_int_equal(js_parse(str_get(&text), text.length, &js, NULL), 0);
	if (wanted_decode(js, &wanted, &err) < 0)
		fail_msg("%s: %s", str_get(&text), err.text);
	assert_int_equal(wanted.count, count);
	assert_string_equal(wanted.collector, store_id(h->collector.store));
	if (nqn) {
		wanted_entry_at(&wanted, 0, &entry);
		assert_string_equal(entry.nqn, nqn);
	}
	return wanted.generation;
}

static void what_is_wanted_has_a_generation_that_grows_with_each_change(void **state)
{
	HARNESS h;
	uint64_t first;
	uint64_t second;

	(void)state;
	harness_start(&h);
	assert_int_equal(assert_wanted(&h, 0, NULL), 0);
	set_want(&h, "a-1", "blake14", false);
	first = assert_wanted(&h, 1, "blake14");
	assert_true(first > 0);
	set_want(&h, "a-1", "blake14", false);
	assert_int_equal(assert_wanted(&h, 1, "blake14"), first);
	set_want(&h, "a-1", "blake14", true);
	second = assert_wanted(&h, 1, "blake14");
	assert_true(second > first);
	set_want(&h, "a-2", "blake15", false);
	assert_wanted(&h, 2, "blake14");
	set_want(&h, "a-1", NULL, false);
	assert_true(assert_wanted(&h, 1, "blake15") > second);
	set_want(&h, "a-9", NULL, false);
}

static void what_is_wanted_is_there_after_a_crash(void **state)
{
	HARNESS h;
	struct report_answer answer;
	uint64_t generation;

	(void)state;
	harness_start(&h);
	set_want(&h, "a-1", "blake14", false);
	set_want(&h, "a-2", "blake15", false);
	generation = assert_wanted(&h, 2, "blake14");
	harness_restart(&h);
	assert_int_equal(assert_wanted(&h, 2, "blake14"), generation);
	/* a node that was unknown gets its name, and is told the generation */
	assert_int_equal(harness_send(&h, "{" SENDER("b1") SNAPSHOT("1", "") "}", &answer), 0);
	assert_int_equal(answer.wanted, generation);
	assert_string_equal(harness_source(&h)->node->name, "blake14");
	assert_wanted(&h, 2, "blake14");
}

static void objects_are_found_by_kind_and_by_attribute(void **state)
{
	HARNESS h;
	struct report_answer answer;
	struct registry_filter filter = REGISTRY_FILTER_ANY;
	CLEANUP_STR struct str text = STR_NULL;
	struct registry_object *const *objects;
	size_t count;

	(void)state;
	harness_start(&h);
	assert_int_equal(
		harness_send(
			&h,
			"{" SENDER("b1") SNAPSHOT(
				"1",
				DRIVE("b", "free") "," DRIVE(
					"a",
					"busy") ","
						"{\"kind\":\"allowed\",\"id\":\"x\",\"nqn\":\"n\"},"
						"{\"kind\":\"session\",\"id\":\"y\",\"nqn\":\"n\"}") "}",
			&answer),
		0);
	objects = registry_object_range(harness_source(&h), "drive", &count);
	assert_int_equal(count, 2);
	assert_string_equal(objects[0]->id, "a");
	assert_null(registry_object_range(harness_source(&h), "nothing", &count));
	filter.node = "blake14";
	filter.is[0].key = "nqn";
	filter.is[0].text = "n";
	registry_each(h.collector.registry, &filter, harness_note_object, &text);
	assert_string_equal(str_get(&text),
			    "allowed x {\"nqn\":\"n\"}\nsession y {\"nqn\":\"n\"}\n");
	filter.node = "blake15";
	str_deinit(&text);
	text = STR_NULL;
	registry_each(h.collector.registry, &filter, harness_note_object, &text);
	assert_string_equal(str_get(&text), "");
}

static void many_objects_survive_a_crash_in_any_order(void **state)
{
	HARNESS h;
	struct report_answer answer;
	unsigned int i;

	(void)state;
	harness_start(&h);
	assert_int_equal(harness_send(&h, "{" SENDER("b1") SNAPSHOT("0", "") "}", &answer), 0);
	for (i = 1; i <= 300; i++) {
		CLEANUP_STR struct str text = STR_NULL;

		str_addf(&text,
			 "{" SENDER(
				 "b1") ",\"events\":[{\"seq\":%u,\"time\":1,\"type\":\"%s\","
				       "\"kind\":\"drive\",\"id\":\"d%u\",\"object\":{\"n\":%u}}]}",
			 i, i % 5 == 0 ? "removed" : "changed", i * 7 % 50, i);
		assert_int_equal(harness_send(&h, str_get(&text), &answer), 0);
		if (i == 150)
			collector_save(&h.collector);
		if (i % 100 == 0) {
			CLEANUP_STR struct str before = STR_NULL;
			CLEANUP_STR struct str after = STR_NULL;
			struct registry_filter filter = REGISTRY_FILTER_ANY;

			registry_each(h.collector.registry, &filter, harness_note_object, &before);
			harness_restart(&h);
			registry_each(h.collector.registry, &filter, harness_note_object, &after);
			assert_string_equal(str_get(&before), str_get(&after));
			assert_int_equal(harness_source(&h)->seq, i);
		}
	}
}

static void the_log_keeps_so_many_events_and_the_state_stays(void **state)
{
	HARNESS h;
	struct report_answer answer;
	int64_t kept;
	unsigned int i;

	(void)state;
	strcpy(h.dir, "/tmp/sunfish-test-XXXXXX");
	assert_non_null(mkdtemp(h.dir));
	snprintf(h.store, sizeof(h.store), "%s/collector.db", h.dir);
	setup_init(&h.setup, h.dir);
	h.setup.events_keep = 1000;
	harness_run(&h);
	assert_int_equal(
		harness_send(&h, "{" SENDER("b1") SNAPSHOT("0", DRIVE("old", "free")) "}", &answer),
		0);
	for (i = 0; i < 6; i++) {
		CLEANUP_STR struct str text = STR_NULL;
		unsigned int k;

		str_add(&text, "{" SENDER("b1") ",\"events\":[");
		for (k = 1; k <= 1000; k++)
			str_addf(&text,
				 "%s{\"seq\":%u,\"time\":1,\"type\":\"changed\",\"kind\":\"drive\","
				 "\"id\":\"d%u\",\"object\":{\"n\":%u}}",
				 k > 1 ? "," : "", i * 1000 + k, k % 10, k);
		str_add(&text, "]}");
		assert_int_equal(harness_send(&h, str_get(&text), &answer), 0);
		/* what is not in the tables yet is not forgotten */
		assert_true(store_event_oldest(h.collector.store) <= 3 || i > 3);
		if (i == 3)
			collector_save(&h.collector);
	}
	kept = store_event_newest(h.collector.store) - store_event_oldest(h.collector.store);
	assert_true(kept >= 1000 && kept < 6000);
	harness_restart(&h);
	assert_int_equal(harness_source(&h)->n_objects, 11);
	assert_non_null(registry_object_find(harness_source(&h), "drive", "old"));
	assert_int_equal(harness_source(&h)->seq, 6000);
}

static void kinds_that_a_node_makes_up_leave_room_for_those_that_there_are(void **state)
{
	HARNESS h;
	struct report_answer answer;
	CLEANUP_STR struct str text = STR_NULL;
	int i;

	(void)state;
	harness_start(&h);
	for (i = 0; i < 300; i++) {
		char kind[16];

		snprintf(kind, sizeof(kind), "kind%d", i);
		registry_kind_is_free(h.collector.registry, kind);
	}
	assert_false(registry_kind_is_free(h.collector.registry, "one-more"));
	str_add(&text, "{" SENDER("b1") SNAPSHOT("1", DRIVE("a", "free")) "}");
	assert_int_equal(harness_send(&h, str_get(&text), &answer), 0);
}

static void of_two_machines_of_one_name_it_is_the_one_that_is_there(void **state)
{
	HARNESS h;
	struct report_answer answer;
	const char *text = "{\"version\":1,\"node\":\"id99\",\"name\":\"blake14\",\"role\":"
			   "\"target\",\"boot\":\"b\",\"program\":\"p\",\"interval_ms\":10000}";

	(void)state;
	harness_start(&h);
	assert_int_equal(harness_send(&h, "{" SENDER("b1") SNAPSHOT("1", "") "}", &answer), 0);
	harness_restart(&h);
	assert_string_equal(registry_node_find(h.collector.registry, "blake14")->id, "id14");
	harness_send(&h, text, &answer);
	assert_string_equal(registry_node_find(h.collector.registry, "blake14")->id, "id99");
	assert_string_equal(registry_node_find(h.collector.registry, "id14")->id, "id14");
}

static void members_are_found_without_parsing(void **state)
{
	static const char json[] = "{\"a\":\"x\",\"b\":{\"a\":\"y\",\"k\":[1,\"}\"]},"
				   "\"nqn\":\"q\\\"u\",\"list\":[\"a\"],\"n\":12}";
	size_t length;

	(void)state;
	assert_true(peek_is(json, "a", "x"));
	assert_false(peek_is(json, "a", "y"));
	assert_false(peek_is(json, "k", "1"));
	assert_false(peek_is(json, "nqn", "q\"u"));
	assert_false(peek_is("{}", "a", "x"));
	assert_memory_equal(peek_find(json, "n", &length), "12}", 3);
	assert_int_equal(length, 2);
	assert_memory_equal(peek_find(json, "list", &length), "[\"a\"]", 5);
	assert_int_equal(length, 5);
	assert_null(peek_find(json, "nothing", &length));
}

static void report_as(struct harness *h, const char *node, const char *name)
{
	struct report_answer answer;
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"version\":1,\"node\":\"%s\",\"name\":\"%s\",\"role\":\"target\","
		 "\"boot\":\"b\",\"program\":\"p\",\"interval_ms\":10000,"
		 "\"snapshot\":{\"seq\":1,\"objects\":[]}}",
		 node, name);
	assert_int_equal(harness_send(h, text, &answer), 0);
}

static void assert_named(const struct harness *h, const char *text, const char *id)
{
	const struct registry_node *node = registry_node_find(h->collector.registry, text);

	if (id)
		assert_string_equal(node->id, id);
	else
		assert_null(node);
}

static void a_node_is_found_by_id_and_by_the_name_it_has_now(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	report_as(&h, "id3", "blake3");
	report_as(&h, "id1", "blake1");
	report_as(&h, "id2", "blake2");
	assert_named(&h, "id1", "id1");
	assert_named(&h, "blake2", "id2");
	assert_named(&h, "blake", NULL);
	report_as(&h, "id2", "adam");
	assert_named(&h, "blake2", NULL);
	assert_named(&h, "adam", "id2");
	/* of those with the same name the first, and an id before a name */
	report_as(&h, "id3", "adam");
	assert_named(&h, "adam", "id2");
	report_as(&h, "id2", "id1");
	assert_named(&h, "adam", "id3");
	assert_named(&h, "id1", "id1");
	harness_restart(&h);
	assert_named(&h, "adam", "id3");
	assert_named(&h, "blake1", "id1");
	assert_named(&h, "blake3", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wanted_has_a_generation_that_grows_with_each_change),
		cmocka_unit_test(what_is_wanted_is_there_after_a_crash),
		cmocka_unit_test(objects_are_found_by_kind_and_by_attribute),
		cmocka_unit_test(many_objects_survive_a_crash_in_any_order),
		cmocka_unit_test(the_log_keeps_so_many_events_and_the_state_stays),
		cmocka_unit_test(kinds_that_a_node_makes_up_leave_room_for_those_that_there_are),
		cmocka_unit_test(of_two_machines_of_one_name_it_is_the_one_that_is_there),
		cmocka_unit_test(members_are_found_without_parsing),
		cmocka_unit_test(a_node_is_found_by_id_and_by_the_name_it_has_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
