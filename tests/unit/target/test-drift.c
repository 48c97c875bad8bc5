/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/drift.h"
#include "target/export.h"

#define FILE_TEXT                                                                                  \
	"nqn = \"blake14\"; allow_any_host = true;\n"                                              \
	"namespaces = ( { nsid = 1; device = \"/nonexistent/1\"; },\n"                             \
	"               { nsid = 2; device = \"/nonexistent/2\"; } );\n"                           \
	"listeners = ( { transport = \"tcp\"; address = \"10.1.1.1\"; },\n"                        \
	"              { transport = \"tcp\"; address = \"10.1.1.2\"; } );\n"

/* An export with two namespaces and two listeners, and a kernel to compare it with. */
struct world {
	struct model_object *wanted;
	struct model_object *actual;
	struct drift_lacks lacks;
	struct names waits;
	bool is_settled;
	bool repair;
	struct drift_verdict verdict;
};

static struct model_object *namespace_of(struct world *w, const char *nsid)
{
	return model_find(model_find(w->actual, MODEL_SUBSYSTEM, "blake14"), MODEL_NAMESPACE, nsid);
}

static void add_namespace(struct world *w, const char *nsid)
{
	struct model_object *subsystem = model_find(w->actual, MODEL_SUBSYSTEM, "blake14");
	struct model_object *ns = model_add(subsystem, MODEL_NAMESPACE, nsid);
	char path[32];

	snprintf(path, sizeof(path), "/nonexistent/%s", nsid);
	model_set(ns, "device_path", path);
	model_set(ns, "enable", "1");
}

static void add_port(struct world *w, const char *id, const char *address)
{
	struct model_object *port = model_add(w->actual, MODEL_PORT, id);

	model_set(port, "addr_trtype", "tcp");
	model_set(port, "addr_adrfam", "ipv4");
	model_set(port, "addr_traddr", address);
	model_set(port, "addr_trsvcid", "4420");
	model_link(port, "blake14", false);
}

/* All of it is in the kernel. */
static void make_actual(struct world *w)
{
	struct model_object *subsystem = model_add(w->actual, MODEL_SUBSYSTEM, "blake14");

	model_set(subsystem, "attr_allow_any_host", "1");
	add_namespace(w, "1");
	add_namespace(w, "2");
	add_port(w, "1", "10.1.1.1");
	add_port(w, "2", "10.1.1.2");
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(export_parse(FILE_TEXT, strlen(FILE_TEXT), "file", &w->wanted, NULL), 0);
	w->actual = model_new();
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	model_free(w->wanted);
	model_free(w->actual);
	drift_lacks_deinit(&w->lacks);
	names_deinit(&w->waits);
	drift_verdict_deinit(&w->verdict);
	free(w);
	return 0;
}

static void judge(struct world *w)
{
	struct drift_case c = {
		.wanted = w->wanted,
		.actual = w->actual,
		.nqn = "blake14",
		.lacks = &w->lacks,
		.is_settled = w->is_settled,
		.waits = &w->waits,
		.repair = w->repair,
	};
	struct err err = ERR_NULL;

	drift_verdict_deinit(&w->verdict);
	if (drift_judge(&c, &w->verdict, &err) < 0)
		fail_msg("%s", err.text);
}

static void lack(struct world *w, const char *key)
{
	drift_lacks_add(&w->lacks, key, key);
}

static size_t count_of(const struct model_object *root, enum model_kind kind)
{
	const struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, "blake14");
	size_t n = 0;
	size_t i = 0;

	while (model_next(kind == MODEL_PORT ? root : subsystem, kind, &i))
		n++;
	return n;
}

/* --- not settled */

static void an_export_that_is_not_there_is_made_as_a_whole(void **state)
{
	struct world *w = *state;

	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_WHOLE);
	assert_int_equal(count_of(w->verdict.todo, MODEL_NAMESPACE), 2);
	assert_int_equal(count_of(w->verdict.todo, MODEL_PORT), 2);
	assert_false(w->verdict.is_right);
	assert_int_equal(w->verdict.state, DRIFT_WAITING);
}

static void what_is_right_is_left_alone(void **state)
{
	struct world *w = *state;

	make_actual(w);
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_null(w->verdict.todo);
	assert_true(w->verdict.is_right);
	assert_int_equal(w->verdict.state, DRIFT_ACTIVE);
}

static void it_comes_up_without_what_is_missing(void **state)
{
	struct world *w = *state;

	lack(w, "namespace 2");
	lack(w, "tcp 10.1.1.1:4420");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_WHOLE);
	assert_int_equal(count_of(w->verdict.todo, MODEL_NAMESPACE), 1);
	assert_int_equal(count_of(w->verdict.todo, MODEL_PORT), 1);
	assert_int_equal(w->verdict.waiting_for.count, 2);
	assert_true(names_has(&w->verdict.waits, "namespace 2"));
}

static void it_waits_if_nobody_could_use_it(void **state)
{
	struct world *w = *state;

	lack(w, "namespace 1");
	lack(w, "namespace 2");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_int_equal(w->verdict.state, DRIFT_WAITING);
	assert_int_equal(w->verdict.waiting_for.count, 2);
	assert_false(w->verdict.is_right);
}

static void without_an_address_it_waits_as_well(void **state)
{
	struct world *w = *state;

	lack(w, "tcp 10.1.1.1:4420");
	lack(w, "tcp 10.1.1.2:4420");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_int_equal(w->verdict.state, DRIFT_WAITING);
}

static void what_was_made_without_a_missing_drive_is_right_and_partly(void **state)
{
	struct world *w = *state;

	make_actual(w);
	model_free(namespace_of(w, "2"));
	lack(w, "namespace 2");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_true(w->verdict.is_right);
	assert_int_equal(w->verdict.state, DRIFT_PARTLY);
}

/* --- settled */

static void a_change_by_others_is_told_and_left_alone(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	model_set(namespace_of(w, "1"), "enable", "0");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_int_equal(w->verdict.drift.count, 1);
	assert_string_equal(w->verdict.drift.items[0], "namespace 1 of blake14 is disabled");
}

static void it_is_undone_if_that_is_wanted(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	w->repair = true;
	model_set(namespace_of(w, "1"), "enable", "0");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_WHOLE);
	assert_int_equal(w->verdict.drift.count, 1);
}

static void what_others_added_and_removed_is_named(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	add_namespace(w, "7");
	model_free(model_find(w->actual, MODEL_PORT, "2"));
	model_set(model_find(w->actual, MODEL_SUBSYSTEM, "blake14"), "attr_allow_any_host", "0");
	judge(w);
	assert_true(names_has(&w->verdict.drift, "namespace 7 of blake14 is there"));
	assert_true(names_has(&w->verdict.drift, "port 2 (tcp 10.1.1.2:4420) is missing"));
	assert_true(names_has(&w->verdict.drift, "attr_allow_any_host of subsystem blake14 is "
						 "\"0\" instead of \"1\"") ||
		    w->verdict.drift.count >= 3);
}

static void an_export_that_others_removed_stays_away(void **state)
{
	struct world *w = *state;

	w->is_settled = true;
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_int_equal(w->verdict.drift.count, 1);
	assert_int_equal(w->verdict.state, DRIFT_WAITING);
}

static void a_pulled_drive_is_waited_for(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	model_set(namespace_of(w, "2"), "enable", "0");
	lack(w, "namespace 2");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_int_equal(w->verdict.drift.count, 0);
	assert_int_equal(w->verdict.state, DRIFT_PARTLY);
	assert_true(names_has(&w->verdict.waits, "namespace 2"));
}

static void only_the_drive_that_came_back_is_put_in_its_place(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	names_add(&w->waits, "namespace 2");
	model_set(namespace_of(w, "2"), "enable", "0");
	/* drift beside it is not touched */
	model_set(namespace_of(w, "1"), "enable", "0");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_PARTS);
	assert_int_equal(count_of(w->verdict.todo, MODEL_NAMESPACE), 1);
	assert_non_null(model_find(model_find(w->verdict.todo, MODEL_SUBSYSTEM, "blake14"),
				   MODEL_NAMESPACE, "2"));
	assert_int_equal(count_of(w->verdict.todo, MODEL_PORT), 0);
	assert_int_equal(w->verdict.drift.count, 1);
}

static void an_address_that_comes_later_gets_its_listener(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	names_add(&w->waits, "tcp 10.1.1.2:4420");
	model_free(model_find(w->actual, MODEL_PORT, "2"));
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_PARTS);
	assert_int_equal(count_of(w->verdict.todo, MODEL_PORT), 1);
	assert_int_equal(w->verdict.drift.count, 0);
}

static void what_is_in_its_place_again_is_no_longer_remembered(void **state)
{
	struct world *w = *state;

	make_actual(w);
	w->is_settled = true;
	names_add(&w->waits, "namespace 2");
	names_add(&w->waits, "tcp 10.1.1.2:4420");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
	assert_int_equal(w->verdict.waits.count, 0);
	assert_int_equal(w->verdict.state, DRIFT_ACTIVE);
}

static void nothing_is_put_into_an_export_that_others_removed(void **state)
{
	struct world *w = *state;

	w->is_settled = true;
	names_add(&w->waits, "namespace 2");
	judge(w);
	assert_int_equal(w->verdict.due, DRIFT_NOTHING);
}

static void a_disabled_namespace_waits_for_nothing(void **state)
{
	struct world *w = *state;

	make_actual(w);
	model_set(
		model_find(model_find(w->wanted, MODEL_SUBSYSTEM, "blake14"), MODEL_NAMESPACE, "2"),
		"enable", "0");
	model_set(namespace_of(w, "2"), "enable", "0");
	lack(w, "namespace 2");
	judge(w);
	assert_int_equal(w->verdict.waiting_for.count, 0);
	assert_int_equal(w->verdict.state, DRIFT_ACTIVE);
}

/* --- digest */

static void the_digest_tells_other_contents_but_not_other_comments(void **state)
{
	static const char commented[] = "# hello\n" FILE_TEXT;
	struct world *w = *state;
	struct model_object *same = NULL;
	char a[DRIFT_DIGEST_MAX];
	char b[DRIFT_DIGEST_MAX];

	assert_int_equal(export_parse(commented, strlen(commented), "file", &same, NULL), 0);
	drift_digest(w->wanted, a);
	drift_digest(same, b);
	assert_string_equal(a, b);
	model_set(model_find(same, MODEL_SUBSYSTEM, "blake14"), "attr_allow_any_host", "0");
	drift_digest(same, b);
	assert_string_not_equal(a, b);
	model_free(same);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_export_that_is_not_there_is_made_as_a_whole),
		TEST(what_is_right_is_left_alone),
		TEST(it_comes_up_without_what_is_missing),
		TEST(it_waits_if_nobody_could_use_it),
		TEST(without_an_address_it_waits_as_well),
		TEST(what_was_made_without_a_missing_drive_is_right_and_partly),
		TEST(a_change_by_others_is_told_and_left_alone),
		TEST(it_is_undone_if_that_is_wanted),
		TEST(what_others_added_and_removed_is_named),
		TEST(an_export_that_others_removed_stays_away),
		TEST(a_pulled_drive_is_waited_for),
		TEST(only_the_drive_that_came_back_is_put_in_its_place),
		TEST(an_address_that_comes_later_gets_its_listener),
		TEST(what_is_in_its_place_again_is_no_longer_remembered),
		TEST(nothing_is_put_into_an_export_that_others_removed),
		TEST(a_disabled_namespace_waits_for_nothing),
		TEST(the_digest_tells_other_contents_but_not_other_comments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
