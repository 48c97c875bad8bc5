/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "initiator/conf.h"

static void assert_refused(const char *text, const char *because)
{
	struct conf conf = { .sample_ms = 77 };
	struct err err = ERR_NULL;

	assert_int_equal(conf_parse(text, strlen(text), "i.conf", &conf, &err), -EINVAL);
	assert_int_equal(conf.sample_ms, 77);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static struct conf parse(const char *text)
{
	struct conf conf = CONF_NULL;
	struct err err = ERR_NULL;

	if (conf_parse(text, strlen(text), "i.conf", &conf, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return conf;
}

static void assert_defaults(const struct conf *conf)
{
	assert_int_equal(conf->n_connections, 0);
	assert_int_equal(conf->defaults.ctrl_loss_tmo, HOST_UNSET);
	assert_int_equal(conf->sample_ms, 1000);
	assert_int_equal(conf->probe_ms, 3000);
	assert_int_equal(conf->connect_ms, 30000);
	assert_int_equal(conf->retry_min_ms, 1000);
	assert_int_equal(conf->retry_max_ms, 60000);
	assert_int_equal(conf->refused_ms, 30000);
	assert_string_equal(conf->hostnqn, "");
	assert_string_equal(conf->collector.url, "");
	assert_int_equal(conf->collector.interval_seconds, 10);
	assert_int_equal(conf->collector.spool_mebibytes, 16);
}

static void has_defaults_for_what_is_not_said(void **state)
{
	CLEANUP_CONF struct conf conf = parse("");
	CLEANUP_CONF struct conf none = CONF_NULL;

	(void)state;
	assert_defaults(&conf);
	assert_int_equal(conf_load(AT_FDCWD, "/nonexistent/initiator.conf", &none, NULL), 0);
	assert_defaults(&none);
}

static void reads_connections_in_both_forms(void **state)
{
	CLEANUP_CONF struct conf conf = parse(
		"defaults = { ctrl_loss_tmo = -1; tls = true; };\n"
		"connections = ( \"tcp,10.0.0.1,,a\",\n"
		"{ transport = \"rdma\"; address = \"10.0.0.2\"; nqn = \"b\"; queue_size = 64;\n"
		"  ctrl_loss_tmo = 5; key_file = \"/k\"; controller_key_file = \"/c\"; hostnqn = \"\"; } );");
	char text[TID_TEXT_MAX];

	(void)state;
	assert_int_equal(conf.n_connections, 2);
	assert_string_equal(tid_format(&conf.connections[0].tid, text), "tcp,10.0.0.1,4420,a");
	assert_int_equal(conf.connections[0].tuning.ctrl_loss_tmo, -1);
	assert_int_equal(conf.connections[0].tuning.tls, 1);
	assert_int_equal(conf.connections[0].tuning.queue_size, HOST_UNSET);
	assert_string_equal(tid_format(&conf.connections[1].tid, text), "rdma,10.0.0.2,4420,b");
	assert_int_equal(conf.connections[1].tuning.ctrl_loss_tmo, 5);
	assert_int_equal(conf.connections[1].tuning.queue_size, 64);
	assert_string_equal(conf.connections[1].key_file, "/k");
	assert_string_equal(conf.connections[1].controller_key_file, "/c");
}

static void reads_all_else(void **state)
{
	CLEANUP_CONF struct conf conf =
		parse("hostnqn = \"nqn.2014-08.org.example:me\"; hostid = "
		      "\"11112222-3333-4444-5555-666677778888\";\n"
		      "sample_ms = 0; probe_ms = 10; connect_ms = 100; retry_min_ms = 20;\n"
		      "retry_max_ms = 20; refused_ms = 30; collector = { url = \"https://h\"; };");

	(void)state;
	assert_string_equal(conf.hostnqn, "nqn.2014-08.org.example:me");
	assert_string_equal(conf.hostid, "11112222-3333-4444-5555-666677778888");
	assert_int_equal(conf.sample_ms, 0);
	assert_int_equal(conf.retry_max_ms, 20);
	assert_string_equal(conf.collector.url, "https://h");
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	assert_refused("sample = 3;", "i.conf:1: unknown key \"sample\"");
	assert_refused("\nprobe_ms = 1;", "i.conf:2: probe_ms");
	assert_refused("retry_min_ms = 100;\nretry_max_ms = 50;", "i.conf:2: retry_max_ms");
	assert_refused("connections = 3;", "i.conf:1");
	assert_refused("connections = ( 3 );", "i.conf:1");
	assert_refused("connections = (\n\"tcp,1.2.3.4\" );", "i.conf:2:");
	assert_refused("connections = (\n{ transport = \"tcp\"; nqn = \"a\"; } );",
		       "needs an address");
	assert_refused("connections = ( { transport = \"tcp\";\n adress = \"1.2.3.4\"; } );",
		       "i.conf:2: unknown key \"adress\"");
	assert_refused("connections = ( \"tcp,1.2.3.4,,a\", \"tcp,1.2.3.4,4420,a\" );",
		       "stands here twice");
	assert_refused("connections = ( { transport = \"tcp\"; address = \"1.2.3.4\"; nqn = \"a\";"
		       " key_file = \"k\"; } );",
		       "must begin with '/'");
	assert_refused("connections = ( { transport = \"tcp\"; address = \"1.2.3.4\"; nqn = \"a\";"
		       " controller_key_file = \"/k\"; } );",
		       "needs a key_file");
	assert_refused("defaults = { nr_queues = 3; };", "unknown key \"nr_queues\"");
	assert_refused("defaults = { queue_size = 3; };", "queue_size is 3");
	assert_refused("defaults = { tls = 7; };", "tls");
	assert_refused("hostnqn = \"a/b\";", "i.conf:1:");
	assert_refused("hostnqn = \"a\"; hostid = \"7\";", "must be a UUID");
	assert_refused("hostid = \"11112222-3333-4444-5555-666677778888\";", "needs a hostnqn");
	assert_refused("collector = { url = \"head\"; };", "i.conf:1: url");
}

static void says_what_is_no_configuration(void **state)
{
	struct conf conf;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(conf_parse("\nx = {", 6, "i.conf", &conf, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "i.conf:2"));
}

static void a_connection_comes_back_from_its_file(void **state)
{
	struct conf_connection connection = CONF_CONNECTION_NULL;
	struct conf_connection again;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str second = STR_NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(tid_make(&(struct tid_parts){ "tcp", "fe80::1%eth0", "1", "a\"b\\c,%", "h",
						       "fe80::2%eth0", "eth0" },
				  &connection.tid, NULL),
			 0);
	connection.tuning.ctrl_loss_tmo = -1;
	connection.tuning.tls = 1;
	connection.tuning.data_digest = 0;
	strcpy(connection.key_file, "/etc/k\"ey");
	conf_connection_format(&connection, &text);
	if (conf_connection_parse(str_get(&text), text.length, "f", &again, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(tid_equal(&connection.tid, &again.tid));
	assert_memory_equal(&connection.tuning, &again.tuning, sizeof(again.tuning));
	assert_string_equal(again.key_file, connection.key_file);
	conf_connection_format(&again, &second);
	assert_string_equal(str_get(&text), str_get(&second));
	assert_int_equal(conf_connection_parse("", 0, "f", &again, &err), -EINVAL);
	assert_int_equal(conf_connection_parse("x = 3;", 6, "f", &again, &err), -EINVAL);
}

static void each_tuning_has_a_name_and_a_range(void **state)
{
	struct host_tuning tuning = HOST_TUNING_NULL;
	size_t i;

	(void)state;
	for (i = 0; conf_tuning_name(i); i++) {
		assert_int_equal(*conf_tuning_at(&tuning, i), HOST_UNSET);
		assert_int_equal(conf_tuning_check(i, 1L << 40, NULL), -EINVAL);
	}
	assert_string_equal(conf_tuning_name(0), "ctrl_loss_tmo");
	*conf_tuning_at(&tuning, i - 1) = 1;
	assert_int_equal(tuning.tls, 1);
	assert_int_equal(conf_tuning_check(0, -1, NULL), 0);
	assert_int_equal(conf_tuning_check(0, -2, NULL), -EINVAL);
}

/* The delivered file says what the daemon does: each key once, with its default. */
static void agrees_with_the_delivered_file(void **state)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_STR struct str active = STR_NULL;
	CLEANUP_CONF struct conf conf = CONF_NULL;
	const char *line;
	size_t keys = 0;

	(void)state;
	assert_int_equal(conf_load(AT_FDCWD, "conf/initiator.conf", &conf, NULL), 0);
	assert_defaults(&conf);
	assert_int_equal(fs_read_file(AT_FDCWD, "conf/initiator.conf", 1 << 20, &text, NULL), 0);
	for (line = text; line && *line; line = strchr(line, '\n') + 1) {
		if (line[0] != '#' || line[1] == ' ' || line[1] == '\n')
			continue;
		keys++;
		str_add_n(&active, line + 1, strcspn(line + 1, "\n") + 1);
	}
	assert_int_equal(keys, 11);
	conf_deinit(&conf);
	conf = parse(str_get(&active));
	assert_defaults(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults_for_what_is_not_said),
		cmocka_unit_test(reads_connections_in_both_forms),
		cmocka_unit_test(reads_all_else),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(says_what_is_no_configuration),
		cmocka_unit_test(a_connection_comes_back_from_its_file),
		cmocka_unit_test(each_tuning_has_a_name_and_a_range),
		cmocka_unit_test(agrees_with_the_delivered_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
