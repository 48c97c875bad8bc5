/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "initiator/view.h"
#include "tests/unit/initiator/example.h"

static int set_up(void **state)
{
	struct example *e = calloc(1, sizeof(*e));

	example_fill(e);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct example *e = *state;

	example_free(e);
	free(e);
	return 0;
}

static void expect_table(const struct table *table, const char *indent, const char *expected)
{
	CLEANUP_STR struct str text = STR_NULL;

	table_format(table, indent, &text);
	assert_string_equal(str_get(&text), expected);
}

static void collect(const struct example *e, struct paths *paths)
{
	assert_int_equal(paths_collect(&e->look, paths, NULL), 0);
}

/* --- paths */

static void paths_are_those_there_are_and_those_that_should_be(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	const struct paths_group *group;

	collect(e, &paths);
	assert_int_equal(paths.n_groups, 2);
	group = paths_find(&paths, "blake14");
	assert_non_null(group);
	assert_int_equal(group->n_paths, 3);
	assert_int_equal(group->n_live, 1);
	assert_int_equal(group->n_missing, 1);
	assert_null(group->paths[2].controller);
	assert_string_equal(group->paths[0].wanted->source, "command");
	assert_null(group->paths[1].wanted);
	assert_string_equal(group->subsystem, "nvme-subsys0");
	assert_null(paths_find(&paths, "other"));
}

static void a_subsystem_that_is_only_wanted_has_its_missing_path(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	struct tid tid = example_tid("tcp", "10.9.9.9", "alone");
	const struct paths_group *group;

	look_add_wanted(&e->look, &tid, "command");
	collect(e, &paths);
	group = paths_find(&paths, "alone");
	assert_non_null(group);
	assert_int_equal(group->n_missing, 1);
	assert_int_equal(group->n_live, 0);
}

static void discovery_controllers_are_no_paths(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;

	example_controller(e, "nvme9", example_tid("tcp", "10.1.1.1", NQN_DISCOVERY), "live", "");
	collect(e, &paths);
	assert_int_equal(paths.n_groups, 2);
}

/* --- tables */

static void list_shows_devices_with_their_use(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_TABLE struct table table = TABLE(VIEW_DEVICE_COLUMNS);

	collect(e, &paths);
	view_devices(&e->look, &paths, &table);
	expect_table(&table, "",
		     "DEVICE        NQN      NSID  SIZE    PATHS   USED BY\n"
		     "/dev/nvme0n1  blake14  1     64 MiB  1 of 3  /mnt/a, held by dm-3\n"
		     "/dev/nvme0n2  blake14  7     64 MiB  1 of 3  -\n");
}

static void list_shows_controllers_with_their_owner(void **state)
{
	struct example *e = *state;
	CLEANUP_TABLE struct table table = TABLE(VIEW_CONTROLLER_COLUMNS);

	view_controllers(&e->look, &table);
	expect_table(&table, "",
		     "CONTROLLER  NQN      ADDRESS                STATE       OWNER\n"
		     "nvme0       blake14  tcp 10.101.46.14:4420  live        sunfish\n"
		     "nvme1       blake14  tcp [fe80::1%lo]:4420  connecting  sunfish\n"
		     "nvme2       scratch  tcp 10.101.46.15:4420  live        stas\n");
}

static void paths_shows_each_way_to_each_device(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_TABLE struct table table = TABLE(VIEW_PATH_COLUMNS);

	collect(e, &paths);
	view_paths(&e->look, paths_find(&paths, "blake14"), &table);
	expect_table(
		&table, "  ",
		"  PATH                    CONTROLLER  STATE       WANTED BY  DEVICE   ANA STATE\n"
		"  tcp 10.101.46.14:4420   nvme0       live        command    nvme0n1  optimized\n"
		"  tcp 10.101.46.14:4420   nvme0       live        command    nvme0n2  inaccessible\n"
		"  tcp [fe80::1%lo]:4420   nvme1       connecting  -          nvme0n1  non-optimized\n"
		"  rdma 10.103.46.14:4420  -           missing     conf       -        -\n");
}

static void paths_shows_where_devices_are_mounted(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_TABLE struct table table = TABLE(VIEW_USE_COLUMNS);

	collect(e, &paths);
	view_group_devices(&e->look, paths_find(&paths, "blake14"), &table);
	expect_table(&table, "  ",
		     "  DEVICE        NSID  SIZE    USED BY\n"
		     "  /dev/nvme0n1  1     64 MiB  /mnt/a, held by dm-3\n"
		     "  /dev/nvme0n2  7     64 MiB  -\n");
}

static void the_heading_counts_paths(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_STR struct str text = STR_NULL;

	collect(e, &paths);
	view_heading(paths_find(&paths, "blake14"), false, &text);
	view_heading(paths_find(&paths, "scratch"), false, &text);
	assert_string_equal(str_get(&text),
			    "blake14  nvme-subsys0, iopolicy numa, 1 of 3 paths up\n"
			    "scratch  nvme-subsys2, 1 of 1 path up\n");
}

/* --- why */

static void expect_whys(const struct example *e, const char *expected)
{
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_STR struct str text = STR_NULL;

	collect(e, &paths);
	view_whys(&e->look, paths_find(&paths, "blake14"), &text);
	assert_string_equal(str_get(&text), expected);
}

static void what_is_not_up_has_a_reason(void **state)
{
	expect_whys(*state,
		    "  tcp [fe80::1%lo]:4420 is connecting for 12.3 s: keep-alive timeout\n"
		    "  rdma 10.103.46.14:4420 is missing: nvme-sunfishd does not run, so nobody "
		    "connects it again\n");
}

static void the_reason_is_the_daemons_if_it_runs(void **state)
{
	struct example *e = *state;
	struct look_wanted *wanted = &e->look.wanted[1];

	e->look.has_daemon = true;
	snprintf(wanted->state, sizeof(wanted->state), "waiting");
	free(wanted->why);
	wanted->why = strdup("nobody listens\x1b there");
	wanted->next_ms = EXAMPLE_NOW + 3000;
	expect_whys(e,
		    "  tcp [fe80::1%lo]:4420 is connecting for 12.3 s: keep-alive timeout\n"
		    "  rdma 10.103.46.14:4420 is waiting: nobody listens? there; next attempt in "
		    "3.0 s\n");
}

/* --- show */

static void shows_all_of_a_controller(void **state)
{
	struct example *e = *state;
	CLEANUP_STR struct str text = STR_NULL;

	view_controller_block(&e->look, &e->controllers[0], &text);
	assert_string_equal(str_get(&text), "controller nvme0\n"
					    "  subsystem NQN     blake14\n"
					    "  address           tcp 10.101.46.14:4420\n"
					    "  state             live\n"
					    "  type              io\n"
					    "  owner             sunfish\n"
					    "  wanted by         command\n"
					    "  host NQN          " EXAMPLE_HOST "\n"
					    "  controller id     1\n"
					    "  queues            3\n"
					    "  ctrl_loss_tmo     600 s\n"
					    "  reconnect_delay   10 s\n"
					    "  fast_io_fail_tmo  never\n");
}

static void shows_all_of_a_device(void **state)
{
	struct example *e = *state;
	CLEANUP_STR struct str text = STR_NULL;

	view_device_block(&e->devices[0], &text);
	assert_string_equal(str_get(&text),
			    "device /dev/nvme0n1\n"
			    "  subsystem NQN     blake14\n"
			    "  namespace         1\n"
			    "  size              64 MiB\n"
			    "  uuid              3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14\n"
			    "  iopolicy          numa\n"
			    "  path              nvme0 optimized\n"
			    "  path              nvme1 non-optimized\n"
			    "  used by           /mnt/a, held by dm-3\n");
}

/* --- JSON */

static void json_of_paths_says_what_is_missing(void **state)
{
	struct example *e = *state;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_JS struct js *json = NULL;
	const struct js *path;

	collect(e, &paths);
	json = view_json_paths(&e->look, paths_find(&paths, "blake14"));
	assert_int_equal(js_number(js_get(json, "missing"), -1), 1);
	assert_int_equal(js_number(js_get(json, "live"), -1), 1);
	assert_int_equal(js_length(js_get(json, "paths")), 3);
	path = js_at(js_get(json, "paths"), 2);
	assert_string_equal(js_text(js_get(path, "state")), "missing");
	assert_string_equal(js_text(js_get(path, "address")), "10.103.46.14");
	assert_int_equal(js_type(js_get(path, "controller")), JS_NULL);
	path = js_at(js_get(json, "paths"), 0);
	assert_int_equal(js_length(js_get(path, "devices")), 2);
	assert_int_equal(js_length(js_get(json, "devices")), 2);
}

static void json_of_show_has_only_what_is_meant(void **state)
{
	struct example *e = *state;
	CLEANUP_JS struct js *all = js_object();
	CLEANUP_JS struct js *some = js_object();
	struct look_target targets[2];
	const struct js *item;

	assert_int_equal(view_json_list(&e->look, NULL, 0, all, NULL), 0);
	assert_int_equal(js_length(js_get(all, "controllers")), 3);
	assert_int_equal(js_length(js_get(all, "devices")), 2);
	look_find(&e->look, "nvme2", &targets[0]);
	look_find(&e->look, "/dev/nvme0n2", &targets[1]);
	assert_int_equal(view_json_list(&e->look, targets, 2, some, NULL), 0);
	assert_int_equal(js_length(js_get(some, "controllers")), 1);
	item = js_at(js_get(some, "controllers"), 0);
	assert_string_equal(js_text(js_get(item, "id")), "nvme2");
	assert_string_equal(js_text(js_get(item, "owner")), "stas");
	assert_false(js_is_true(js_get(item, "wanted")));
	assert_int_equal(js_length(js_get(some, "devices")), 1);
	item = js_at(js_get(some, "devices"), 0);
	assert_string_equal(js_text(js_get(item, "id")), "nvme0n2");
}

/* --- names */

static void a_word_is_an_nqn_a_controller_or_a_device(void **state)
{
	struct example *e = *state;
	struct look_target target;

	assert_int_equal(look_find(&e->look, "blake14", &target), LOOK_NQN);
	assert_string_equal(target.nqn, "blake14");
	assert_int_equal(look_find(&e->look, "nvme2", &target), LOOK_CONTROLLER);
	assert_string_equal(target.nqn, "scratch");
	assert_int_equal(look_find(&e->look, "/dev/nvme0n2", &target), LOOK_DEVICE);
	assert_string_equal(target.name, "nvme0n2");
	assert_int_equal(look_find(&e->look, "nvme0n9", &target), LOOK_NOTHING);
	assert_int_equal(look_find(&e->look, "", &target), LOOK_NOTHING);
}

static void a_wrong_name_gets_those_that_are_like_it(void **state)
{
	struct example *e = *state;
	struct err err = ERR_NULL;

	assert_int_equal(look_unknown(&e->look, "blaek14", &err), -ENOENT);
	assert_string_equal(err.text, "nothing here is called blaek14: did you mean blake14?");
	look_unknown(&e->look, "/dev/sda", &err);
	assert_non_null(strstr(err.text, "no device of NVMe over Fabrics"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_those_there_are_and_those_that_should_be),
		cmocka_unit_test(a_subsystem_that_is_only_wanted_has_its_missing_path),
		cmocka_unit_test(discovery_controllers_are_no_paths),
		cmocka_unit_test(list_shows_devices_with_their_use),
		cmocka_unit_test(list_shows_controllers_with_their_owner),
		cmocka_unit_test(paths_shows_each_way_to_each_device),
		cmocka_unit_test(paths_shows_where_devices_are_mounted),
		cmocka_unit_test(the_heading_counts_paths),
		cmocka_unit_test(what_is_not_up_has_a_reason),
		cmocka_unit_test(the_reason_is_the_daemons_if_it_runs),
		cmocka_unit_test(shows_all_of_a_controller),
		cmocka_unit_test(shows_all_of_a_device),
		cmocka_unit_test(json_of_paths_says_what_is_missing),
		cmocka_unit_test(json_of_show_has_only_what_is_meant),
		cmocka_unit_test(a_word_is_an_nqn_a_controller_or_a_device),
		cmocka_unit_test(a_wrong_name_gets_those_that_are_like_it),
	};
	struct CMUnitTest with[sizeof(tests) / sizeof(tests[0])];
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		with[i] = tests[i];
		with[i].setup_func = set_up;
		with[i].teardown_func = tear_down;
	}
	return cmocka_run_group_tests(with, NULL, NULL);
}
