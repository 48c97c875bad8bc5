/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "target/plan.h"

struct pair {
	struct model_object *wanted;
	struct model_object *actual;
};

/* s1 at ports 1 and 2, s2 at port 2; both allow host h. */
static int set_up(void **state)
{
	static const char *const nqns[] = { "s1", "s2" };
	struct pair *pair = calloc(1, sizeof(*pair));
	size_t i;

	pair->wanted = model_new();
	pair->actual = model_new();
	model_add(pair->actual, MODEL_HOST, "h");
	for (i = 0; i < 2; i++) {
		struct model_object *s = model_add(pair->actual, MODEL_SUBSYSTEM, nqns[i]);

		model_link(s, "h", false);
		model_link(model_add(pair->actual, MODEL_PORT, "2"), nqns[i], false);
	}
	model_link(model_add(pair->actual, MODEL_PORT, "1"), "s1", false);
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	model_free(pair->wanted);
	model_free(pair->actual);
	free(pair);
	return 0;
}

static bool is_absent(const struct model_object *wanted, enum model_kind kind, const char *name)
{
	const struct model_object *object = model_find(wanted, kind, name);

	assert_non_null(object);
	return object->absent;
}

static void removal_takes_ports_that_serve_nothing_else(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s1"), 0);
	assert_true(is_absent(pair->wanted, MODEL_SUBSYSTEM, "s1"));
	assert_true(is_absent(pair->wanted, MODEL_PORT, "1"));
	assert_false(is_absent(pair->wanted, MODEL_PORT, "2"));
	assert_true(model_has_absent_link(model_find(pair->wanted, MODEL_PORT, "2"), "s1"));
	assert_true(is_absent(pair->wanted, MODEL_HOST, "h"));
}

static void a_port_goes_with_the_last_of_its_exports(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s1"), 0);
	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s2"), 0);
	assert_true(is_absent(pair->wanted, MODEL_PORT, "2"));
}

static void removal_keeps_a_host_that_is_wanted(void **state)
{
	struct pair *pair = *state;

	model_add(pair->wanted, MODEL_HOST, "h");
	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s1"), 0);
	assert_false(is_absent(pair->wanted, MODEL_HOST, "h"));
}

static void removal_does_not_bring_back_a_port_that_is_to_go(void **state)
{
	struct pair *pair = *state;

	model_add(pair->wanted, MODEL_PORT, "2")->absent = true;
	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s1"), 0);
	assert_true(is_absent(pair->wanted, MODEL_PORT, "2"));
}

static void an_exact_export_leaves_other_ports(void **state)
{
	struct pair *pair = *state;

	model_add(pair->wanted, MODEL_SUBSYSTEM, "s1");
	model_link(model_add(pair->wanted, MODEL_PORT, "2"), "s1", false);
	assert_int_equal(plan_make_exact(pair->wanted, pair->actual), 0);
	assert_true(model_find(pair->wanted, MODEL_SUBSYSTEM, "s1")->exact);
	assert_true(is_absent(pair->wanted, MODEL_PORT, "1"));
	assert_false(is_absent(pair->wanted, MODEL_PORT, "2"));
}

static void the_outcome_keeps_a_host_that_others_allow(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s1"), 0);
	assert_int_equal(plan_outcome(pair->actual, pair->wanted), 0);
	assert_non_null(model_find(pair->actual, MODEL_HOST, "h"));
	assert_null(model_find(pair->actual, MODEL_SUBSYSTEM, "s1"));
	assert_null(model_find(pair->actual, MODEL_PORT, "1"));
	assert_false(model_has_link(model_find(pair->actual, MODEL_PORT, "2"), "s1"));
	assert_true(model_has_link(model_find(pair->actual, MODEL_PORT, "2"), "s2"));
}

static void the_outcome_loses_a_host_that_nobody_allows(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s1"), 0);
	assert_int_equal(plan_remove_subsystem(pair->wanted, pair->actual, "s2"), 0);
	assert_int_equal(plan_outcome(pair->actual, pair->wanted), 0);
	assert_int_equal(pair->actual->n_children, 0);
}

static void the_outcome_has_passthru_off_when_it_is_not_mentioned(void **state)
{
	struct pair *pair = *state;
	struct model_object *passthru = model_add(model_find(pair->actual, MODEL_SUBSYSTEM, "s1"),
						  MODEL_PASSTHRU, "passthru");

	model_set(passthru, "enable", "1");
	model_add(pair->wanted, MODEL_SUBSYSTEM, "s1")->exact = true;
	assert_int_equal(plan_outcome(pair->actual, pair->wanted), 0);
	assert_string_equal(model_text(passthru, "enable"), "0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(removal_takes_ports_that_serve_nothing_else),
		TEST(a_port_goes_with_the_last_of_its_exports),
		TEST(removal_keeps_a_host_that_is_wanted),
		TEST(removal_does_not_bring_back_a_port_that_is_to_go),
		TEST(an_exact_export_leaves_other_ports),
		TEST(the_outcome_keeps_a_host_that_others_allow),
		TEST(the_outcome_loses_a_host_that_nobody_allows),
		TEST(the_outcome_has_passthru_off_when_it_is_not_mentioned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
