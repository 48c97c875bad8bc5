/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/export.h"
#include "target/view.h"

#define HOST "nqn.2014-08.org.example:host"

/* --- small texts */

static void expect_listener(const char *trtype, const char *traddr, const char *trsvcid,
			    const char *expected)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *port = model_add_id(root, MODEL_PORT, 1);
	CLEANUP_STR struct str text = STR_NULL;

	model_set(port, "addr_trtype", trtype);
	model_set(port, "addr_traddr", traddr);
	model_set(port, "addr_trsvcid", trsvcid);
	view_listener(port, &text);
	assert_string_equal(str_get(&text), expected);
}

static void a_listener_is_written_as_on_the_command_line(void **state)
{
	(void)state;
	expect_listener("rdma", "10.101.46.14", "4420", "rdma 10.101.46.14:4420");
	expect_listener("tcp", "fe80::1%ib0", "4420", "tcp [fe80::1%ib0]:4420");
	expect_listener("loop", "", "", "loop");
	expect_listener("fc", "nn-0x10000090fa942779:pn-0x10000090fa94277a", "",
			"fc nn-0x10000090fa942779:pn-0x10000090fa94277a");
	expect_listener("", "", "", "no address");
}

/* --- an export */

struct example {
	struct model_object *root;
	struct session sessions[3];
	struct session_list list;
	struct view_export export;
	char device[64];
};

static void add_port(struct model_object *root, uint32_t id, const char *trtype, const char *traddr)
{
	struct model_object *port = model_add_id(root, MODEL_PORT, id);

	model_set(port, "addr_trtype", trtype);
	model_set(port, "addr_traddr", traddr);
	model_set(port, "addr_trsvcid", "4420");
	model_set(port, "param_inline_data_size", "16384");
	model_set(port, "param_mdts", "0");
	model_set(model_add_id(port, MODEL_ANA_GROUP, 1), "ana_state", "optimized");
	model_link(port, "blake14", false);
}

static void make_device(struct example *example)
{
	int fd;

	snprintf(example->device, sizeof(example->device), "/tmp/test-view-XXXXXX");
	fd = mkstemp(example->device);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
}

static void fill(struct example *example)
{
	struct model_object *subsystem = model_add(example->root, MODEL_SUBSYSTEM, "blake14");
	struct model_object *namespace = model_add_id(subsystem, MODEL_NAMESPACE, 1);
	struct model_object *host = model_add(example->root, MODEL_HOST, HOST);

	model_set(subsystem, "attr_serial", "b1a4e14f            ");
	model_set(subsystem, "attr_model", "blake");
	model_set(subsystem, "attr_allow_any_host", "0");
	model_set(subsystem, "attr_qid_max", "128");
	model_set(subsystem, "attr_newer", "7");
	model_link(subsystem, HOST, false);
	model_set_secret(host, "dhchap_key", "DHHC-1:00:hush:");
	model_set_secret(host, "dhchap_ctrl_key", "");
	model_set(host, "dhchap_hash", "hmac(sha256)");
	model_set(namespace, "device_path", example->device);
	model_set(namespace, "device_uuid", "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14");
	model_set(namespace, "device_nguid", "3f9b0b528d6e4c0a9a416b2f7f3c1e14");
	model_set(namespace, "enable", "1");
	model_set(namespace, "ana_grpid", "1");
	model_set(namespace, "buffered_io", "1");
	add_port(example->root, 1, "rdma", "10.101.46.14");
	example->export = (struct view_export){ .root = example->root,
						.subsystem = subsystem,
						.sessions = &example->list,
						.stored = "/var/lib/sunfish/exports/blake14.conf" };
}

static int set_up(void **state)
{
	struct example *example = calloc(1, sizeof(*example));

	example->root = model_new();
	example->list = (struct session_list){ .items = example->sessions, .complete = true };
	make_device(example);
	fill(example);
	*state = example;
	return 0;
}

static int tear_down(void **state)
{
	struct example *example = *state;

	unlink(example->device);
	model_free(example->root);
	free(example);
	return 0;
}

static void add_session(struct example *example, const char *nqn)
{
	struct session *session = &example->sessions[example->list.count++];

	*session = (struct session){ .port_id = 1, .n_connections = 3 };
	snprintf(session->nqn, sizeof(session->nqn), "%s", nqn);
	snprintf(session->host_address, sizeof(session->host_address), "10.101.46.15");
}

static struct model_object *subsystem_of(struct example *example)
{
	return model_find(example->root, MODEL_SUBSYSTEM, "blake14");
}

static char *row(const struct view_export *export)
{
	CLEANUP_TABLE struct table table = TABLE(VIEW_COLUMNS);
	CLEANUP_STR struct str text = STR_NULL;

	view_row(export, &table);
	table_format(&table, "", &text);
	return str_take(&text);
}

static void expect_row(const struct example *example, const char *expected)
{
	CLEANUP_FREE char *text = row(&example->export);

	assert_string_equal(text, expected);
}

static void a_row_counts_namespaces_hosts_and_sessions(void **state)
{
	struct example *example = *state;

	expect_row(example, "blake14  1  rdma 10.101.46.14:4420  1  0\n");
	add_session(example, "blake14");
	add_session(example, "blake15");
	model_set(model_add_id(subsystem_of(example), MODEL_NAMESPACE, 2), "enable", "0");
	model_set(subsystem_of(example), "attr_allow_any_host", "1");
	add_port(example->root, 2, "loop", "");
	expect_row(example, "blake14  2, 1 disabled  rdma 10.101.46.14:4420, loop  any  1\n");
}

static void a_passthru_controller_is_named_in_the_row(void **state)
{
	struct example *example = *state;
	struct model_object *passthru =
		model_add(subsystem_of(example), MODEL_PASSTHRU, "passthru");

	model_free(model_find_id(subsystem_of(example), MODEL_NAMESPACE, 1));
	model_set(passthru, "device_path", "(null)");
	expect_row(example, "blake14  0  rdma 10.101.46.14:4420  1  0\n");
	model_set(passthru, "device_path", "/dev/nvme0");
	expect_row(example, "blake14  passthru  rdma 10.101.46.14:4420  1  0\n");
}

static void what_the_kernel_does_not_tell_is_a_question_mark(void **state)
{
	struct example *example = *state;

	add_session(example, "");
	expect_row(example, "blake14  1  rdma 10.101.46.14:4420  1  ?\n");
	add_session(example, "blake14");
	expect_row(example, "blake14  1  rdma 10.101.46.14:4420  1  1+\n");
	example->sessions[0].port_id = 9;
	expect_row(example, "blake14  1  rdma 10.101.46.14:4420  1  1\n");
}

static void an_incomplete_list_is_exact_where_all_listeners_are_tcp(void **state)
{
	struct example *example = *state;

	example->list.complete = false;
	expect_row(example, "blake14  1  rdma 10.101.46.14:4420  1  ?\n");
	model_set(model_find_id(example->root, MODEL_PORT, 1), "addr_trtype", "tcp");
	expect_row(example, "blake14  1  tcp 10.101.46.14:4420  1  0\n");
}

static void what_is_only_stored_is_said_so(void **state)
{
	struct example *example = *state;

	example->export.sessions = NULL;
	expect_row(example, "blake14  1  rdma 10.101.46.14:4420  1  stored, not exported\n");
}

/* --- JSON */

static void short_json_is_what_list_promises(void **state)
{
	struct example *example = *state;
	CLEANUP_JS struct js *json = NULL;
	CLEANUP_FREE char *text = NULL;

	add_session(example, "blake14");
	json = view_json_short(&example->export);
	text = js_format(json, JS_COMPACT);
	assert_string_equal(
		text,
		"{\"nqn\":\"blake14\",\"exported\":true,"
		"\"stored\":\"/var/lib/sunfish/exports/blake14.conf\",\"allow_any_host\":false,"
		"\"namespaces\":1,\"listeners\":[{\"port_id\":1,\"transport\":\"rdma\","
		"\"address\":\"10.101.46.14\",\"port\":4420,\"tls\":\"none\"}],"
		"\"hosts\":[\"" HOST "\"],\"connected\":1,\"connected_is_exact\":true}");
}

static void json_of_hosts_tells_of_keys_and_never_the_key(void **state)
{
	struct example *example = *state;
	struct model_object *host = model_find(example->root, MODEL_HOST, HOST);
	CLEANUP_JS struct js *json = view_json(&example->export);
	CLEANUP_JS struct js *unreadable = NULL;
	CLEANUP_FREE char *text = js_format(json, JS_COMPACT);
	CLEANUP_FREE char *unreadable_text = NULL;

	assert_null(strstr(text, "hush"));
	assert_non_null(strstr(text, "{\"nqn\":\"" HOST "\",\"has_key\":true,"
				     "\"has_ctrl_key\":false,\"dhchap_hash\":\"hmac(sha256)\"}"));
	model_unset(host, "dhchap_key");
	unreadable = view_json(&example->export);
	unreadable_text = js_format(unreadable, JS_COMPACT);
	assert_non_null(strstr(unreadable_text, "\"has_key\":null"));
}

static void json_of_a_namespace_has_the_size_of_its_device(void **state)
{
	struct example *example = *state;
	CLEANUP_JS struct js *json = view_json(&example->export);
	const struct js *namespace = js_at(js_get(json, "namespaces"), 0);

	assert_string_equal(js_text(js_get(namespace, "device")), example->device);
	assert_int_equal(js_number(js_get(namespace, "size_bytes"), -1), 64 << 20);
	assert_int_equal(js_number(js_get(namespace, "ana_group"), -1), 1);
	assert_int_equal(js_type(js_get(namespace, "enabled")), JS_BOOL);
	assert_string_equal(js_text(js_get(js_get(namespace, "attributes"), "buffered_io")), "1");
	assert_int_equal(js_length(js_get(namespace, "attributes")), 1);
}

static void json_of_a_missing_device_has_no_size(void **state)
{
	struct example *example = *state;
	CLEANUP_JS struct js *json = NULL;
	const struct js *namespace;

	unlink(example->device);
	json = view_json(&example->export);
	namespace = js_at(js_get(json, "namespaces"), 0);
	assert_int_equal(js_type(js_get(namespace, "size_bytes")), JS_NULL);
}

static void json_has_other_attributes_known_ones_first(void **state)
{
	struct example *example = *state;
	CLEANUP_JS struct js *json = view_json(&example->export);
	const struct js *attributes = js_get(json, "attributes");

	assert_string_equal(js_text(js_get(json, "serial")), "b1a4e14f");
	assert_string_equal(js_text(js_get(json, "model")), "blake");
	assert_int_equal(js_length(attributes), 2);
	assert_string_equal(js_key_at(attributes, 0), "attr_qid_max");
	assert_string_equal(js_key_at(attributes, 1), "attr_newer");
}

static void json_of_a_listener_has_groups_and_referrals(void **state)
{
	struct example *example = *state;
	struct model_object *port = model_find_id(example->root, MODEL_PORT, 1);
	CLEANUP_JS struct js *json = NULL;
	const struct js *listener;
	const struct js *referral;

	model_set(port, "addr_tsas", "tls1.3");
	model_set(port, "addr_treq", "required");
	model_set(model_add(port, MODEL_REFERRAL, "next"), "addr_traddr", "10.0.0.2");
	json = view_json(&example->export);
	listener = js_at(js_get(json, "listeners"), 0);
	assert_string_equal(js_text(js_get(listener, "tls")), "required");
	assert_string_equal(js_text(js_get(js_at(js_get(listener, "ana_groups"), 0), "state")),
			    "optimized");
	referral = js_at(js_get(listener, "referrals"), 0);
	assert_string_equal(js_text(js_get(referral, "name")), "next");
	assert_string_equal(js_text(js_get(referral, "address")), "10.0.0.2");
}

static void json_of_sessions_marks_what_may_be_of_another_export(void **state)
{
	struct example *example = *state;
	CLEANUP_JS struct js *json = NULL;
	const struct js *sessions;

	add_session(example, "blake14");
	add_session(example, "blake15");
	add_session(example, "");
	json = view_json(&example->export);
	sessions = js_get(json, "sessions");
	assert_int_equal(js_length(sessions), 2);
	assert_int_equal(js_number(js_get(js_at(sessions, 0), "connections"), 0), 3);
	assert_int_equal(js_type(js_get(js_at(sessions, 0), "controller")), JS_NULL);
}

static void a_listener_without_a_number_yet_has_none_in_json(void **state)
{
	struct example *example = *state;
	CLEANUP_JS struct js *json = NULL;

	model_free(model_find_id(example->root, MODEL_PORT, 1));
	add_port(example->root, MODEL_PORT_UNRESOLVED, "rdma", "10.0.0.1");
	json = view_json(&example->export);
	assert_int_equal(js_type(js_get(js_at(js_get(json, "listeners"), 0), "port_id")), JS_NULL);
}

/* --- blocks */

static char *block(const struct example *example)
{
	CLEANUP_STR struct str text = STR_NULL;

	view_block(&example->export, &text);
	assert_false(text.failed);
	return str_take(&text);
}

static void expect_in_block(const struct example *example, const char *expected)
{
	CLEANUP_FREE char *text = block(example);

	if (!strstr(text, expected))
		print_error("not there: %s\nin: %s\n", expected, text);
	assert_non_null(strstr(text, expected));
}

static void a_block_tells_all_but_keys(void **state)
{
	struct example *example = *state;
	CLEANUP_FREE char *text = block(example);

	assert_int_equal(strncmp(text, "blake14\n  serial b1a4e14f, model blake\n", 39), 0);
	assert_null(strstr(text, "hush"));
	assert_null(strstr(text, "!"));
	expect_in_block(example, "64 MiB  enabled  3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14  1    "
				 "buffered_io=1\n");
	expect_in_block(example, "1     rdma 10.101.46.14:4420  none  1 optimized  "
				 "inline_data_size=16384\n");
	expect_in_block(example, HOST "  has a key\n");
	expect_in_block(example, "stored in /var/lib/sunfish/exports/blake14.conf\n");
	expect_in_block(example, "qid_max=128 newer=7\n");
	expect_in_block(example, "no host is connected\n");
}

static void a_block_says_what_keeps_hosts_out(void **state)
{
	struct example *example = *state;
	struct model_object *subsystem = subsystem_of(example);

	model_set(model_find_id(subsystem, MODEL_NAMESPACE, 1), "enable", "0");
	expect_in_block(example, "! namespace 1 is disabled");
	model_free(model_find_id(subsystem, MODEL_NAMESPACE, 1));
	expect_in_block(example, "! no drive");
	model_link(model_find_id(example->root, MODEL_PORT, 1), "blake14", true);
	expect_in_block(example, "! no listener");
	model_set(subsystem, "attr_allow_any_host", "1");
	expect_in_block(example, "! any host may connect; to restrict it: nvmet-sunfishctl host "
				 "add blake14 HOSTNQN\n");
	example->export.stored = NULL;
	expect_in_block(example, "! not stored");
	example->export.sessions = NULL;
	expect_in_block(example, "! stored, but not exported; to export it: nvmet-sunfishctl "
				 "restore blake14\n");
}

static void a_block_names_a_missing_drive_and_who_is_connected(void **state)
{
	struct example *example = *state;

	unlink(example->device);
	add_session(example, "");
	expect_in_block(example, "  missing  enabled");
	expect_in_block(example, "-               10.101.46.15  1     -           connected, to "
				 "this or another export\n");
}

static void an_id_of_its_own_is_shown_and_a_copy_of_the_uuid_is_not(void **state)
{
	struct example *example = *state;
	struct model_object *namespace = model_find_id(subsystem_of(example), MODEL_NAMESPACE, 1);
	CLEANUP_FREE char *text = block(example);

	assert_null(strstr(text, "device_nguid"));
	model_set(namespace, "device_nguid", "00000000-0000-0000-0000-000000000001");
	expect_in_block(example, "device_nguid=00000000-0000-0000-0000-000000000001");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_is_written_as_on_the_command_line),
		TEST(a_row_counts_namespaces_hosts_and_sessions),
		TEST(a_passthru_controller_is_named_in_the_row),
		TEST(what_the_kernel_does_not_tell_is_a_question_mark),
		TEST(an_incomplete_list_is_exact_where_all_listeners_are_tcp),
		TEST(what_is_only_stored_is_said_so),
		TEST(short_json_is_what_list_promises),
		TEST(json_of_hosts_tells_of_keys_and_never_the_key),
		TEST(json_of_a_namespace_has_the_size_of_its_device),
		TEST(json_of_a_missing_device_has_no_size),
		TEST(json_has_other_attributes_known_ones_first),
		TEST(json_of_a_listener_has_groups_and_referrals),
		TEST(json_of_sessions_marks_what_may_be_of_another_export),
		TEST(a_listener_without_a_number_yet_has_none_in_json),
		TEST(a_block_tells_all_but_keys),
		TEST(a_block_says_what_keeps_hosts_out),
		TEST(a_block_names_a_missing_drive_and_who_is_connected),
		TEST(an_id_of_its_own_is_shown_and_a_copy_of_the_uuid_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
