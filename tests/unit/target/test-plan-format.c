/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "target/plan.h"

#define ROOT "/sys/kernel/config/nvmet"

static void assert_shell(const struct plan_action *act, const char *expected)
{
	struct plan_step step = { .act = *act };
	struct str text CLEANUP_STR = STR_NULL;

	plan_format_shell(&step, ROOT, &text);
	assert_string_equal(str_get(&text), expected);
}

static void assert_change(const struct plan_step *step, const char *expected)
{
	struct str text CLEANUP_STR = STR_NULL;

	plan_format_change(step, &text);
	assert_string_equal(str_get(&text), expected);
}

static struct plan_action action(enum plan_op op, const char *path, const char *value)
{
	return (struct plan_action){ .op = op, .path = (char *)path, .value = (char *)value };
}

static void a_directory_is_made_and_removed(void **state)
{
	struct plan_action act = action(PLAN_MKDIR, "subsystems/blake14", NULL);

	(void)state;
	assert_shell(&act, "mkdir " ROOT "/subsystems/blake14\n");
	act.op = PLAN_RMDIR;
	assert_shell(&act, "rmdir " ROOT "/subsystems/blake14\n");
}

static void a_value_is_written_without_a_newline(void **state)
{
	struct plan_action act = action(PLAN_WRITE, "ports/1/addr_trtype", "rdma");

	(void)state;
	assert_shell(&act, "echo -n rdma >" ROOT "/ports/1/addr_trtype\n");
}

static void a_value_that_echo_would_change_is_printed(void **state)
{
	struct plan_action act = action(PLAN_WRITE, "a", "-1");

	(void)state;
	assert_shell(&act, "printf %s -1 >" ROOT "/a\n");
	act.value = (char *)"a\\b";
	assert_shell(&act, "printf %s 'a\\b' >" ROOT "/a\n");
}

static void a_link_has_whole_paths_on_both_sides(void **state)
{
	struct plan_action act = action(PLAN_SYMLINK, "ports/1/subsystems/s", "subsystems/s");

	(void)state;
	assert_shell(&act, "ln -s " ROOT "/subsystems/s " ROOT "/ports/1/subsystems/s\n");
}

static void a_key_comes_from_its_file_only(void **state)
{
	struct plan_action act = action(PLAN_WRITE, "hosts/h/dhchap_key", "DHHC-1:00:hush:");

	(void)state;
	act.flags = PLAN_SECRET;
	assert_shell(&act, "tr -d '\\n' <KEYFILE >" ROOT "/hosts/h/dhchap_key\n");
	act.source = (char *)"/etc/my key";
	assert_shell(&act, "tr -d '\\n' <'/etc/my key' >" ROOT "/hosts/h/dhchap_key\n");
}

static void a_key_is_cleared_with_a_nul_byte(void **state)
{
	struct plan_action act = action(PLAN_WRITE, "hosts/h/dhchap_key", "");

	(void)state;
	act.flags = PLAN_SECRET;
	assert_shell(&act, "printf '\\0' >" ROOT "/hosts/h/dhchap_key\n");
}

static void what_may_fail_goes_on(void **state)
{
	struct plan_action act = action(PLAN_RMDIR, "hosts/h", NULL);

	(void)state;
	act.flags = PLAN_IF_UNUSED;
	assert_shell(&act, "rmdir " ROOT "/hosts/h || true # if nothing else uses it\n");
	act = action(PLAN_CHMOD, "hosts/h/dhchap_ctrl_key", NULL);
	act.mode = 0600;
	act.flags = PLAN_IF_THERE;
	assert_shell(&act, "chmod 0600 " ROOT
			   "/hosts/h/dhchap_ctrl_key || true # if this kernel has it\n");
}

static void a_detail_is_no_change(void **state)
{
	struct plan_step step = { .act = action(PLAN_MKDIR, "a", NULL), .is_detail = true };

	(void)state;
	assert_change(&step, "");
}

static void a_changed_value_is_shown_with_the_old_one(void **state)
{
	struct plan_action undo = action(PLAN_WRITE, "ports/1/addr_trsvcid", "4420");
	struct plan_step step = {
		.act = action(PLAN_WRITE, "ports/1/addr_trsvcid", "4421"),
		.undo = &undo,
		.n_undo = 1,
		.what = (char *)"port 1",
	};

	(void)state;
	assert_change(&step, "~ addr_trsvcid of port 1: \"4420\" becomes \"4421\"\n");
}

static void a_changed_key_is_not_shown(void **state)
{
	struct plan_step step = {
		.act = action(PLAN_WRITE, "hosts/h/dhchap_key", "DHHC-1:00:hush:"),
		.what = (char *)"host h",
	};

	(void)state;
	step.act.flags = PLAN_SECRET;
	assert_change(&step, "~ dhchap_key of host h: another key\n");
	step.act.value = (char *)"";
	assert_change(&step, "~ dhchap_key of host h: no key\n");
}

static void links_say_who_serves_and_who_allows(void **state)
{
	struct plan_step step = {
		.act = action(PLAN_SYMLINK, "ports/1/subsystems/s", "subsystems/s"),
		.what = (char *)"port 1",
	};

	(void)state;
	assert_change(&step, "+ port 1 serves s\n");
	step.act = action(PLAN_UNLINK, "subsystems/s/allowed_hosts/h", NULL);
	step.what = (char *)"subsystem s";
	assert_change(&step, "- subsystem s allows h\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_made_and_removed),
		cmocka_unit_test(a_value_is_written_without_a_newline),
		cmocka_unit_test(a_value_that_echo_would_change_is_printed),
		cmocka_unit_test(a_link_has_whole_paths_on_both_sides),
		cmocka_unit_test(a_key_comes_from_its_file_only),
		cmocka_unit_test(a_key_is_cleared_with_a_nul_byte),
		cmocka_unit_test(what_may_fail_goes_on),
		cmocka_unit_test(a_detail_is_no_change),
		cmocka_unit_test(a_changed_value_is_shown_with_the_old_one),
		cmocka_unit_test(a_changed_key_is_not_shown),
		cmocka_unit_test(links_say_who_serves_and_who_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
