/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "ctl/tree.h"

static const char *const fleet[TREE_LISTS] = {
	[TREE_NODES] =
		"[{\"id\":\"m1\",\"name\":\"blake14\",\"roles\":{\"target\":{\"state\":\"online\"}}},"
		"{\"id\":\"m2\",\"name\":\"blake15\",\"roles\":{\"initiator\":{\"state\":\"lost\"}}}]",
	[TREE_SUBSYSTEMS] =
		"[{\"node\":\"blake14\",\"id\":\"x\",\"nqn\":\"x\",\"state\":\"active\"},"
		"{\"node\":\"blake14\",\"id\":\"y\",\"nqn\":\"y\",\"state\":\"waiting\","
		"\"any_host\":true}]",
	[TREE_NAMESPACES] =
		"[{\"node\":\"blake14\",\"nqn\":\"x\",\"nsid\":1,\"size_bytes\":1048576,"
		"\"device\":\"/dev/nvme1n1\",\"state\":\"active\"},"
		"{\"node\":\"other\",\"nqn\":\"x\",\"nsid\":9}]",
	[TREE_LISTENERS] = "[{\"node\":\"blake14\",\"transport\":\"rdma\",\"address\":\"10.1.1.1\","
			   "\"service\":\"4420\",\"subsystems\":[\"x\"],\"state\":\"listening\"}]",
	[TREE_ALLOWED] = "[{\"node\":\"blake14\",\"nqn\":\"x\",\"hostnqn\":\"nqn.h\"}]",
	[TREE_SESSIONS] = "[{\"node\":\"blake14\",\"nqn\":\"x\",\"hostnqn\":\"nqn.h\",\"address\":"
			  "\"10.1.1.2\",\"state\":\"live\"}]",
	[TREE_HOSTS] = "[{\"node\":\"blake15\",\"hostnqn\":\"nqn.h\",\"default\":true}]",
	[TREE_CONNECTIONS] =
		"[{\"node\":\"blake15\",\"nqn\":\"x\",\"transport\":\"rdma\",\"address\":"
		"\"10.1.1.1\",\"service\":\"4420\",\"state\":\"up\"}]",
	[TREE_CONTROLLERS] =
		"[{\"node\":\"blake15\",\"id\":\"nvme0\",\"nqn\":\"x\",\"transport\":"
		"\"rdma\",\"address\":\"10.1.1.1\",\"service\":\"4420\",\"state\":\"live\"},"
		"{\"node\":\"blake15\",\"id\":\"nvme1\",\"nqn\":\"nqn.d\",\"type\":"
		"\"discovery\",\"state\":\"live\"}]",
	[TREE_DEVICES] =
		"[{\"node\":\"blake15\",\"id\":\"nvme0n1\",\"device\":\"/dev/nvme0n1\",\"nqn\":"
		"\"x\",\"nsid\":1,\"size_bytes\":1048576,\"mounts\":[\"/scratch\"]}]",
};

static struct js *build(char *const *names, size_t n_names, const char **ret_unknown)
{
	struct js *parsed[TREE_LISTS];
	const struct js *lists[TREE_LISTS];
	struct js *tree;
	size_t i;

	for (i = 0; i < TREE_LISTS; i++) {
		assert_int_equal(js_parse(fleet[i], strlen(fleet[i]), &parsed[i], NULL), 0);
		lists[i] = parsed[i];
	}
	tree = tree_build(lists, names, n_names, ret_unknown);
	for (i = 0; i < TREE_LISTS; i++)
		js_free(parsed[i]);
	return tree;
}

static void shows_targets_and_hosts_with_all_that_belongs_to_them(void **state)
{
	const struct tree_style style = { 0 };
	CLEANUP_JS struct js *tree = build(NULL, 0, NULL);
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	tree_format(tree, &style, &text);
	assert_string_equal(str_get(&text),
			    "blake14  target online\n"
			    "|- exports  x  active\n"
			    "|  |- namespace  1  1 MiB  /dev/nvme1n1  active\n"
			    "|  |- listener  rdma 10.1.1.1:4420  listening\n"
			    "|  |- allowed  nqn.h  blake15\n"
			    "|  `- connected  nqn.h  blake15  10.1.1.2  live\n"
			    "`- exports  y  (any host)  waiting\n"
			    "blake15  initiator lost\n"
			    "`- uses  x\n"
			    "   |- wanted  rdma 10.1.1.1:4420  up\n"
			    "   |- path  nvme0  rdma 10.1.1.1:4420  live\n"
			    "   `- device  /dev/nvme0n1  1 MiB  mounted on  /scratch\n");
}

static void draws_lines_where_the_terminal_has_them(void **state)
{
	const struct tree_style style = { .utf8 = true };
	char *names[] = { (char *)"blake15" };
	CLEANUP_JS struct js *tree = build(names, 1, NULL);
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	tree_format(tree, &style, &text);
	assert_non_null(strstr(str_get(&text), "\xe2\x94\x94\xe2\x94\x80 uses"));
	assert_null(strstr(str_get(&text), "blake14"));
}

static void names_a_node_that_is_not_there(void **state)
{
	char *names[] = { (char *)"blake15", (char *)"blake99" };
	const char *unknown = NULL;

	(void)state;
	assert_null(build(names, 2, &unknown));
	assert_string_equal(unknown, "blake99");
}

static void programs_get_the_same_as_json(void **state)
{
	CLEANUP_JS struct js *tree = build(NULL, 0, NULL);
	const struct js *nodes = js_get(tree, "nodes");
	const struct js *x = js_at(js_get(js_at(nodes, 0), "subsystems"), 0);
	const struct js *remote = js_at(js_get(js_at(nodes, 1), "remotes"), 0);
	CLEANUP_FREE char *text = js_format(tree, JS_COMPACT);

	(void)state;
	assert_non_null(text);
	assert_int_equal(js_length(nodes), 2);
	assert_int_equal(js_length(js_get(x, "namespaces")), 1);
	assert_string_equal(js_text(js_get(js_at(js_get(x, "allowed"), 0), "host_node")),
			    "blake15");
	assert_string_equal(js_text(js_get(remote, "nqn")), "x");
	assert_int_equal(js_length(js_get(js_at(nodes, 1), "remotes")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_targets_and_hosts_with_all_that_belongs_to_them),
		cmocka_unit_test(draws_lines_where_the_terminal_has_them),
		cmocka_unit_test(names_a_node_that_is_not_there),
		cmocka_unit_test(programs_get_the_same_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
