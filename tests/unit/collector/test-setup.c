/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "collector/setup.h"

static int parse(const char *text, struct setup *ret, struct err *err)
{
	setup_init(ret, "/var/lib/sunfish/collector");
	return setup_parse(text, strlen(text), "collector.conf", ret, err);
}

static void assert_refused(const char *text, const char *because)
{
	struct setup setup;
	struct err err = ERR_NULL;

	if (parse(text, &setup, &err) == 0)
		fail_msg("%s: was taken", text);
	if (strncmp(err.text, "collector.conf:", 15) != 0 || !strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
	assert_int_equal(setup.port, 8443);
}

static void an_empty_file_is_the_defaults(void **state)
{
	struct setup setup;

	(void)state;
	assert_int_equal(parse("# nothing\n", &setup, NULL), 0);
	assert_string_equal(setup.address, "127.0.0.1");
	assert_int_equal(setup.port, 8443);
	assert_int_equal(setup.events_keep, 1000000);
	assert_string_equal(setup.certificate, "");
	assert_string_equal(setup.state_dir, "/var/lib/sunfish/collector");
}

static void takes_what_is_said(void **state)
{
	struct setup setup;

	(void)state;
	assert_int_equal(
		parse("address = \"::\"; port = 1; certificate = \"/c\"; key = \"/k\";"
		      "client_ca = \"/a\"; events_keep = 5000; events_days = 90; store_mbytes = 512;"
		      "nodes_max = 7;"
		      "lease_min_seconds = 2; lease_max_seconds = 4;",
		      &setup, NULL),
		0);
	assert_string_equal(setup.address, "::");
	assert_int_equal(setup.port, 1);
	assert_string_equal(setup.client_ca, "/a");
	assert_int_equal(setup.events_keep, 5000);
	assert_int_equal(setup.events_days, 90);
	assert_int_equal(setup.store_mbytes, 512);
	assert_int_equal(setup.nodes_max, 7);
	assert_int_equal(setup.lease_max_seconds, 4);
}

static void without_tls_there_is_only_loopback(void **state)
{
	struct setup setup;

	(void)state;
	assert_refused("address = \"0.0.0.0\";", "without TLS");
	assert_refused("address = \"10.1.2.3\";", "without TLS");
	assert_refused("address = \"::\";", "without TLS");
	assert_refused("address = \"::ffff:10.1.2.3\";", "without TLS");
	assert_int_equal(parse("address = \"127.3.2.1\";", &setup, NULL), 0);
	assert_int_equal(parse("address = \"::1\";", &setup, NULL), 0);
}

static void refuses_what_does_not_go_together(void **state)
{
	(void)state;
	assert_refused("certificate = \"/c\";", "key is missing");
	assert_refused("key = \"/k\";", "certificate is missing");
	assert_refused("client_ca = \"/a\";", "needs a certificate");
	assert_refused("lease_min_seconds = 9; lease_max_seconds = 3;", "more than");
	assert_refused("address = \"head\";", "no numeric address");
	assert_refused("state_dir = \"here\";", "absolute");
}

static void a_certificate_that_is_not_there_is_named_with_its_key(void **state)
{
	struct setup setup;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(parse("certificate = \"/dev/null\"; key = \"/nonexistent/head.key\";",
			       &setup, NULL),
			 0);
	assert_int_equal(setup_check_files(&setup, &err), -ENOENT);
	assert_string_equal(err.text, "key \"/nonexistent/head.key\": No such file or directory");
	assert_int_equal(parse("", &setup, NULL), 0);
	assert_int_equal(setup_check_files(&setup, &err), 0);
}

static void refuses_unknown_keys_and_wrong_values(void **state)
{
	(void)state;
	assert_refused("adress = \"::1\";", "unknown key \"adress\"");
	assert_refused("port = 65536;", "from 0 to 65535");
	assert_refused("port = \"8443\";", "a whole number");
	assert_refused("address = 5;", "a text");
	assert_refused("nodes_max = 0;", "from 1 to");
}

static void where_the_discovery_controller_listens_is_checked(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} wrong[] = {
		{ "cdc = { listen = [ \"head\" ]; };", "no numeric address" },
		{ "cdc = { listen = \"10.1.1.1\"; };", "list" },
		{ "cdc = { nqn = \"nqn.2014-08.org.nvmexpress.discovery\"; };",
		  "give another name" },
		{ "cdc = { cntlid_first = 9; cntlid_last = 8; };", "cntlid_first" },
		{ "cdc = { cntlid_last = 65520; };", "65519" },
		{ "cdc = { port = 8009; };", "unknown key \"port\" in cdc" },
	};
	static const char right[] = "cdc = { listen = [ \"10.1.1.1\", \"[fd00::1]:8010\" ]; nqn = "
				    "\"nqn.2024-01.example:cdc\"; };";
	struct setup setup;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct err err = ERR_NULL;

		setup_init(&setup, "/s");
		assert_int_equal(
			setup_parse(wrong[i].text, strlen(wrong[i].text), "f", &setup, &err),
			-EINVAL);
		if (!strstr(err.text, wrong[i].why))
			fail_msg("%s", err.text);
		assert_int_equal(setup.n_cdc_listen, 0);
	}
	assert_int_equal(setup_parse(right, strlen(right), "f", &setup, NULL), 0);
	assert_int_equal(setup.n_cdc_listen, 2);
	assert_string_equal(setup.cdc_listen[1], "[fd00::1]:8010");
	assert_string_equal(setup.cdc_nqn, "nqn.2024-01.example:cdc");
}

static void the_sample_is_the_defaults(void **state)
{
	CLEANUP_FREE char *text = NULL;
	struct setup setup;
	struct setup defaults;
	struct err err = ERR_NULL;
	size_t length;
	char *at;

	(void)state;
	setup_init(&defaults, "/var/lib/sunfish/collector");
	setup_init(&setup, "/nowhere");
	if (fs_read_file(AT_FDCWD, "conf/collector.conf", 100000, &text, &length) < 0) {
		skip();
		return;
	}
	/* take away the "#" before each key */
	for (at = text; (at = strstr(at, "\n#")); at++)
		if (at[2] != ' ' && at[2] != '\n')
			at[1] = ' ';
	if (setup_parse(text, length, "collector.conf", &setup, &err) < 0)
		fail_msg("%s", err.text);
	assert_memory_equal(&setup, &defaults, sizeof(setup));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_is_the_defaults),
		cmocka_unit_test(takes_what_is_said),
		cmocka_unit_test(without_tls_there_is_only_loopback),
		cmocka_unit_test(refuses_what_does_not_go_together),
		cmocka_unit_test(a_certificate_that_is_not_there_is_named_with_its_key),
		cmocka_unit_test(refuses_unknown_keys_and_wrong_values),
		cmocka_unit_test(where_the_discovery_controller_listens_is_checked),
		cmocka_unit_test(the_sample_is_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
