/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/export.h"
#include "target/nvmetcli.h"

/* Made for tests alone. */
#define KEY "DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZR:"
#define NQN "nqn.2026-01.org.example:blake22"
#define HOST "nqn.2014-08.org.nvmexpress:uuid:9d1f2c33-5a0e-4a6e-8f11-7c2d4e5f6a7b"

static struct model_object *parsed_with(const char *text, struct str *warnings)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	if (nvmetcli_parse(text, strlen(text), false, &root, warnings, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return root;
}

static struct model_object *parsed(const char *text)
{
	return parsed_with(text, NULL);
}

static char *formatted(const struct model_object *root, unsigned int flags)
{
	char *text = NULL;
	struct err err = ERR_NULL;

	if (nvmetcli_format(root, flags, &text, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

static void assert_refused_as(const char *text, int code, const char *because)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	assert_int_equal(nvmetcli_parse(text, strlen(text), false, &root, NULL, &err), code);
	assert_null(root);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
	assert_null(strstr(err.text, "P0ZN"));
}

static void assert_refused(const char *text, const char *because)
{
	assert_refused_as(text, -EINVAL, because);
}

/* Is let through with a warning, and refused if it is to be strict. */
static void assert_doubted(const char *text, const char *because)
{
	CLEANUP_STR struct str warnings = STR_NULL;
	CLEANUP_MODEL struct model_object *root = parsed_with(text, &warnings);
	struct model_object *strict = NULL;
	struct err err = ERR_NULL;

	if (!strstr(str_get(&warnings), because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, str_get(&warnings), because);
	assert_int_equal(warnings.text[warnings.length - 1], '\n');
	assert_non_null(root);
	assert_int_equal(nvmetcli_parse(text, strlen(text), true, &strict, NULL, &err), -EINVAL);
	assert_null(strict);
	assert_non_null(strstr(err.text, because));
}

static char *saved_text(void)
{
	char *text = NULL;

	assert_int_equal(
		fs_read_file(AT_FDCWD, "tests/unit/target/nvmetcli.json", 1 << 20, &text, NULL), 0);
	return text;
}

/* --- the whole file */

static void writes_what_nvmetcli_saved_byte_by_byte(void **state)
{
	CLEANUP_FREE char *saved = saved_text();
	CLEANUP_STR struct str warnings = STR_NULL;
	CLEANUP_MODEL struct model_object *root = parsed_with(saved, &warnings);
	CLEANUP_FREE char *text = formatted(root, NVMETCLI_WITH_SECRETS);

	(void)state;
	assert_string_equal(str_get(&warnings), "");
	assert_string_equal(text, saved);
}

static void reads_all_that_nvmetcli_saved(void **state)
{
	CLEANUP_FREE char *saved = saved_text();
	CLEANUP_MODEL struct model_object *root = parsed(saved);
	const struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, NQN);
	const struct model_object *port = model_find_id(root, MODEL_PORT, 22);
	const struct model_object *host = model_find(root, MODEL_HOST, HOST);

	(void)state;
	assert_string_equal(model_get(root, "discovery_nqn"),
			    "nqn.2014-08.org.nvmexpress.discovery");
	assert_string_equal(model_get(host, "dhchap_key"), KEY);
	assert_null(model_get(host, "dhchap_ctrl_key"));
	assert_true(model_has_link(subsystem, HOST));
	assert_string_equal(model_get(subsystem, "attr_serial"), "c40d11e2a7f3905b6d28");
	assert_string_equal(model_get(model_find_id(subsystem, MODEL_NAMESPACE, 1), "device_path"),
			    "/dev/disk/by-id/nvme-eui.0025385b71b05678");
	assert_null(model_get(model_find_id(subsystem, MODEL_NAMESPACE, 10), "device_path"));
	assert_string_equal(model_get(model_find_id(subsystem, MODEL_NAMESPACE, 10), "resv_enable"),
			    "1");
	assert_true(model_has_link(port, NQN));
	assert_string_equal(model_get(model_find_id(port, MODEL_ANA_GROUP, 2), "ana_state"),
			    "non-optimized");
	assert_string_equal(model_get(model_find(port, MODEL_REFERRAL, "blake23"), "addr_portid"),
			    "23");
	assert_non_null(model_find(root, MODEL_HOST, "unused-host"));
	assert_int_equal(model_find_id(root, MODEL_PORT, 0)->n_links, 0);
}

static void nothing_in_the_tree_is_an_empty_file(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_FREE char *text = formatted(root, 0);

	(void)state;
	assert_string_equal(text, "{\n"
				  "  \"discovery\": {},\n"
				  "  \"hosts\": [],\n"
				  "  \"ports\": [],\n"
				  "  \"subsystems\": []\n"
				  "}\n");
}

static void a_group_without_attributes_is_written_empty(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_FREE char *text = NULL;

	(void)state;
	model_add_id(model_add(root, MODEL_SUBSYSTEM, "a"), MODEL_NAMESPACE, 1);
	text = formatted(root, 0);
	assert_string_equal(strstr(text, "      \"attr\""), "      \"attr\": {},\n"
							    "      \"namespaces\": [\n"
							    "        {\n"
							    "          \"ana\": {},\n"
							    "          \"ana_grpid\": 0,\n"
							    "          \"device\": {},\n"
							    "          \"nsid\": 1,\n"
							    "          \"resv\": {}\n"
							    "        }\n"
							    "      ],\n"
							    "      \"nqn\": \"a\"\n"
							    "    }\n"
							    "  ]\n"
							    "}\n");
}

static void strips_what_the_kernel_pads(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_FREE char *text = NULL;

	(void)state;
	model_set(model_add(root, MODEL_SUBSYSTEM, "a"), "attr_serial", "abc                 ");
	text = formatted(root, 0);
	assert_non_null(strstr(text, "\"serial\": \"abc\"\n"));
}

/* --- what nvmetcli has no place for */

static void keeps_what_nvmetcli_would_lose(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *subsystem = model_add(root, MODEL_SUBSYSTEM, "a");
	struct model_object *ns = model_add_id(subsystem, MODEL_NAMESPACE, 1);
	struct model_object *passthru = model_add(subsystem, MODEL_PASSTHRU, "passthru");
	CLEANUP_MODEL struct model_object *again = NULL;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *text_again = NULL;

	(void)state;
	model_set(ns, "buffered_io", "1");
	model_set(ns, "p2pmem", "0000:01:00.0");
	model_set(passthru, "enable", "1");
	model_set(subsystem, "newer", "7");
	text = formatted(root, 0);
	assert_non_null(strstr(text, "\"buffered\": {\n            \"io\": \"1\"\n"));
	assert_non_null(strstr(text, "\"sunfish\": {\n            \"p2pmem\": \"0000:01:00.0\"\n"));
	again = parsed(text);
	text_again = formatted(again, 0);
	assert_string_equal(text_again, text);
	subsystem = model_find(again, MODEL_SUBSYSTEM, "a");
	assert_string_equal(model_get(subsystem, "newer"), "7");
	assert_true(model_is_on(model_find(subsystem, MODEL_PASSTHRU, "passthru"), "enable"));
	assert_true(model_is_on(model_find_id(subsystem, MODEL_NAMESPACE, 1), "buffered_io"));
}

static void says_nothing_of_what_is_off(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *ns =
		model_add_id(model_add(root, MODEL_SUBSYSTEM, "a"), MODEL_NAMESPACE, 1);
	CLEANUP_FREE char *text = NULL;

	(void)state;
	model_set(ns, "buffered_io", "0");
	model_set(ns, "p2pmem", "0");
	text = formatted(root, 0);
	assert_null(strstr(text, "buffered"));
	assert_null(strstr(text, "sunfish"));
}

/* --- secrets */

static void leaves_out_keys_and_says_so(void **state)
{
	CLEANUP_FREE char *saved = saved_text();
	CLEANUP_MODEL struct model_object *root = parsed(saved);
	CLEANUP_FREE char *text = formatted(root, 0);

	(void)state;
	assert_null(strstr(text, "P0ZN"));
	assert_non_null(strstr(text, "\"dhchap_key\": \"left out\""));
	assert_refused_as(text, -ENOKEY, "host " HOST " had a key (dhchap_key)");
	assert_refused_as(text, -ENOKEY, "hosts[0]: ");
}

static void refers_to_a_key_by_its_file(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *host = model_add(root, MODEL_HOST, "h");
	CLEANUP_MODEL struct model_object *again = NULL;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	model_set(host, EXPORT_KEY_FILE, "keys/h");
	text = formatted(root, 0);
	again = parsed(text);
	assert_string_equal(model_get(model_find(again, MODEL_HOST, "h"), EXPORT_KEY_FILE),
			    "keys/h");
	model_set_secret(host, "dhchap_key", KEY);
	free(TAKE_PTR(text));
	text = formatted(root, 0);
	assert_null(strstr(text, "P0ZN"));
	model_free(TAKE_PTR(again));
	again = parsed(text);
	assert_string_equal(model_get(model_find(again, MODEL_HOST, "h"), EXPORT_KEY_FILE),
			    "keys/h");
}

static void a_key_is_a_secret_in_the_tree(void **state)
{
	CLEANUP_MODEL struct model_object *root =
		parsed("{\"hosts\":[{\"nqn\":\"h\",\"dhchap\":{\"key\":\"" KEY "\"}}]}");

	(void)state;
	assert_true(model_find(root, MODEL_HOST, "h")->attrs[0].secret);
}

/* --- files of other tools, and by hand */

static void takes_numbers_for_texts_and_texts_for_numbers(void **state)
{
	CLEANUP_STR struct str warnings = STR_NULL;
	CLEANUP_MODEL struct model_object *root = parsed_with(
		"{\"subsystems\":[{\"nqn\":\"a\",\"attr\":{\"allow_any_host\":true,\"cntlid_min\":5},"
		"\"namespaces\":[{\"nsid\":\"3\",\"enable\":\"1\",\"device\":{\"path\":\" /dev/sda\\n\"},"
		"\"ana_grpid\":\"2\"}]}],"
		"\"ports\":[{\"portid\":\"7\",\"addr\":{\"trtype\":\"tcp\",\"trsvcid\":4420},"
		"\"param\":{\"inline_data_size\":16384}}]}",
		&warnings);
	const struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, "a");
	const struct model_object *ns = model_find_id(subsystem, MODEL_NAMESPACE, 3);
	const struct model_object *port = model_find_id(root, MODEL_PORT, 7);

	(void)state;
	assert_string_equal(str_get(&warnings), "");
	assert_string_equal(model_get(subsystem, "attr_allow_any_host"), "1");
	assert_string_equal(model_get(subsystem, "attr_cntlid_min"), "5");
	assert_string_equal(model_get(ns, "enable"), "1");
	assert_string_equal(model_get(ns, "device_path"), "/dev/sda");
	assert_string_equal(model_get(ns, "ana_grpid"), "2");
	assert_string_equal(model_get(port, "addr_trsvcid"), "4420");
	assert_string_equal(model_get(port, "param_inline_data_size"), "16384");
}

static void takes_files_in_which_much_is_missing(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"hosts\":[],\"subsystems\":[]}",
		"{\"hosts\":[{\"nqn\":\"h\"}]}",
		"{\"subsystems\":[{\"nqn\":\"a\"}]}",
		"{\"subsystems\":[{\"nqn\":\"a\",\"namespaces\":[{\"nsid\":1}]}]}",
		"{\"ports\":[{\"portid\":0}]}",
		"{\"ports\":[{\"portid\":1,\"referrals\":[{\"name\":\"r\"}]}]}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_STR struct str warnings = STR_NULL;
		CLEANUP_MODEL struct model_object *root = parsed_with(texts[i], &warnings);

		assert_non_null(root);
		assert_string_equal(str_get(&warnings), "");
	}
}

static void leaves_alone_what_is_empty(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(
		"{\"subsystems\":[{\"nqn\":\"a\",\"namespaces\":[{\"nsid\":1,\"ana_grpid\":0,"
		"\"device\":{\"path\":\"\",\"uuid\":\"\"}}]}],"
		"\"ports\":[{\"portid\":1,\"addr\":{\"trtype\":\"loop\",\"traddr\":\"\",\"tsas\":\"\"}}]}");
	const struct model_object *ns =
		model_find_id(model_find(root, MODEL_SUBSYSTEM, "a"), MODEL_NAMESPACE, 1);

	(void)state;
	assert_int_equal(ns->n_attrs, 0);
	assert_int_equal(model_find_id(root, MODEL_PORT, 1)->n_attrs, 1);
}

static void the_number_wins_over_the_group(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(
		"{\"subsystems\":[{\"nqn\":\"a\",\"namespaces\":[{\"nsid\":1,\"ana_grpid\":2,"
		"\"ana\":{\"grpid\":\"3\"}}]}]}");
	const struct model_object *ns =
		model_find_id(model_find(root, MODEL_SUBSYSTEM, "a"), MODEL_NAMESPACE, 1);

	(void)state;
	assert_string_equal(model_get(ns, "ana_grpid"), "2");
}

static void skips_the_version_of_a_passthru(void **state)
{
	static const char format[] =
		"{\"subsystems\":[{\"nqn\":\"a\",\"attr\":{\"version\":\"1.3\"},"
		"\"passthru\":[{\"device\":{\"path\":\"%s\"},\"clear_ids\":1}]}]}";
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		CLEANUP_MODEL struct model_object *root = NULL;
		const char *version;

		snprintf(text, sizeof(text), format, i ? "/dev/nvme0" : "(null)");
		root = parsed(text);
		version = model_get(model_find(root, MODEL_SUBSYSTEM, "a"), "attr_version");
		assert_true((version == NULL) == (i == 1));
	}
}

static void warns_of_what_it_does_not_know(void **state)
{
	(void)state;
	assert_doubted("{\"extra\":1}", "the file: \"extra\" is not known");
	assert_doubted("{\"hosts\":[{\"nqn\":\"h\",\"color\":1}]}",
		       "hosts[0]: \"color\" is not known");
	assert_doubted("{\"subsystems\":[{\"nqn\":\"a\",\"namespaces\":[{\"nsid\":1,\"device\":"
		       "{\"eui64\":\"1\"}}]}]}",
		       "subsystems[0].namespaces[0]: attribute device_eui64 is not known");
	assert_doubted("{\"hosts\":[{\"nqn\":\"h\",\"sunfish\":{\"x_file\":\"y\"}}]}",
		       "attribute x_file is not known");
}

static void warns_of_names_and_links_that_look_wrong(void **state)
{
	(void)state;
	assert_doubted("{\"subsystems\":[{\"nqn\":\"nqn.test\"}]}", "subsystems[0]: \"nqn.test\"");
	assert_doubted("{\"subsystems\":[{\"nqn\":\"a\",\"allowed_hosts\":[\"h\"]}]}",
		       "subsystems[0].allowed_hosts[0]: host h is not among \"hosts\"");
	assert_doubted("{\"ports\":[{\"portid\":1,\"subsystems\":[\"a\"]}]}",
		       "ports[0].subsystems[0]: subsystem a is not in the file");
}

static void refuses_what_is_no_json(void **state)
{
	(void)state;
	assert_refused_as("", -EBADMSG, "no JSON");
	assert_refused_as("{\"hosts\":[}", -EBADMSG, "line 1");
	assert_refused_as("{\"hosts\":[],\"hosts\":[]}", -EBADMSG, "no JSON");
}

static void refuses_files_of_another_shape(void **state)
{
	(void)state;
	assert_refused("[]", "the file: must be an object");
	assert_refused("{\"hosts\":{}}", "\"hosts\" must be a list");
	assert_refused("{\"hosts\":[1]}", "hosts[0]: must be an object");
	assert_refused("{\"hosts\":[{}]}", "hosts[0]: \"nqn\" is missing");
	assert_refused("{\"hosts\":[{\"nqn\":1}]}", "\"nqn\" is missing or no text");
	assert_refused("{\"hosts\":[{\"nqn\":\"h\",\"dhchap\":1}]}",
		       "\"dhchap\" must be an object");
	assert_refused("{\"hosts\":[{\"nqn\":\"h\",\"sunfish\":1}]}",
		       "\"sunfish\" must be an object");
	assert_refused("{\"hosts\":[{\"nqn\":\"h\",\"dhchap\":{\"hash\":[]}}]}",
		       "\"dhchap_hash\" must be a text or a number");
	assert_refused("{\"hosts\":[{\"nqn\":\"h\"},{\"nqn\":\"h\"}]}",
		       "hosts[1]: \"h\" stands here twice");
	assert_refused("{\"subsystems\":[{\"nqn\":\"a\",\"passthru\":[{},{}]}]}",
		       "stands here twice");
}

static void refuses_names_that_cannot_be_directories(void **state)
{
	(void)state;
	assert_refused("{\"hosts\":[{\"nqn\":\"../x\"}]}", "hosts[0]");
	assert_refused("{\"hosts\":[{\"nqn\":\"..\"}]}", "hosts[0]");
	assert_refused("{\"subsystems\":[{\"nqn\":\"\"}]}", "is empty");
	assert_refused("{\"subsystems\":[{\"nqn\":\"nqn.2014-08.org.nvmexpress.discovery\"}]}",
		       "discovery");
	assert_refused("{\"ports\":[{\"portid\":1,\"referrals\":[{\"name\":\"a/b\"}]}]}",
		       "no name of a referral");
	assert_refused("{\"ports\":[{\"portid\":1,\"referrals\":[{}]}]}", "no name of a referral");
	assert_refused("{\"subsystems\":[{\"nqn\":\"a\",\"attr\":{\"/../x\":\"1\"}}]}",
		       "no name of an attribute");
	assert_refused("{\"subsystems\":[{\"nqn\":\"a\",\"sunfish\":{\"\":\"1\"}}]}",
		       "no name of an attribute");
}

static void refuses_numbers_that_the_kernel_does_not_take(void **state)
{
	(void)state;
	assert_refused("{\"ports\":[{\"portid\":65536}]}",
		       "\"portid\" is 65536, but must be from 0 to 65535");
	assert_refused("{\"ports\":[{}]}", "\"portid\" is missing");
	assert_refused("{\"ports\":[{\"portid\":1},{\"portid\":\"1\"}]}",
		       "ports[1]: \"1\" stands here twice");
	assert_refused("{\"ports\":[{\"portid\":-1}]}", "\"portid\" is -1");
	assert_refused("{\"ports\":[{\"portid\":1,\"ana_groups\":[{\"grpid\":128}]}]}",
		       "from 1 to 127");
	assert_refused("{\"subsystems\":[{\"nqn\":\"a\",\"namespaces\":[{\"nsid\":0}]}]}",
		       "\"nsid\" is 0");
	assert_refused("{\"subsystems\":[{\"nqn\":\"a\",\"namespaces\":[{\"nsid\":4294967295}]}]}",
		       "\"nsid\" is 4294967295");
	assert_refused("{\"subsystems\":[{\"nqn\":\"a\",\"attr\":{\"qid_max\":129}}]}",
		       "subsystems[0]: attr_qid_max is \"129\"");
}

static void refuses_access_that_contradicts_itself(void **state)
{
	(void)state;
	assert_refused(
		"{\"hosts\":[{\"nqn\":\"h\"}],\"subsystems\":[{\"nqn\":\"a\",\"allowed_hosts\":[\"h\"],"
		"\"attr\":{\"allow_any_host\":\"1\"}}]}",
		"subsystem a allows any host, and lists hosts as well");
}

static void refuses_a_damaged_key_without_showing_it(void **state)
{
	(void)state;
	assert_refused("{\"hosts\":[{\"nqn\":\"h\",\"dhchap\":{\"key\":"
		       "\"DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZS:\"}}]}",
		       "hosts[0]: the DH-HMAC-CHAP key is damaged");
}

static void refuses_to_write_a_port_without_a_number(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct err err = ERR_NULL;
	char *text = NULL;

	(void)state;
	model_set(model_add_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED), "addr_trtype", "tcp");
	assert_int_equal(nvmetcli_format(root, 0, &text, &err), -EINVAL);
	assert_null(text);
	assert_non_null(strstr(err.text, "has no port number yet"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_nvmetcli_saved_byte_by_byte),
		cmocka_unit_test(reads_all_that_nvmetcli_saved),
		cmocka_unit_test(nothing_in_the_tree_is_an_empty_file),
		cmocka_unit_test(a_group_without_attributes_is_written_empty),
		cmocka_unit_test(strips_what_the_kernel_pads),
		cmocka_unit_test(keeps_what_nvmetcli_would_lose),
		cmocka_unit_test(says_nothing_of_what_is_off),
		cmocka_unit_test(leaves_out_keys_and_says_so),
		cmocka_unit_test(refers_to_a_key_by_its_file),
		cmocka_unit_test(a_key_is_a_secret_in_the_tree),
		cmocka_unit_test(takes_numbers_for_texts_and_texts_for_numbers),
		cmocka_unit_test(takes_files_in_which_much_is_missing),
		cmocka_unit_test(leaves_alone_what_is_empty),
		cmocka_unit_test(the_number_wins_over_the_group),
		cmocka_unit_test(skips_the_version_of_a_passthru),
		cmocka_unit_test(warns_of_what_it_does_not_know),
		cmocka_unit_test(warns_of_names_and_links_that_look_wrong),
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(refuses_files_of_another_shape),
		cmocka_unit_test(refuses_names_that_cannot_be_directories),
		cmocka_unit_test(refuses_numbers_that_the_kernel_does_not_take),
		cmocka_unit_test(refuses_access_that_contradicts_itself),
		cmocka_unit_test(refuses_a_damaged_key_without_showing_it),
		cmocka_unit_test(refuses_to_write_a_port_without_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
