/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "wire/agent-conf.h"

static int take(const char *text, struct agent_conf *conf, struct err *err)
{
	CLEANUP_CFG struct cfg *cfg = NULL;

	assert_int_equal(cfg_parse(text, strlen(text), "x.conf", &cfg, NULL), 0);
	return agent_conf_take(cfg_find(cfg_root(cfg), "collector"), conf, err);
}

static void assert_refused(const char *text, const char *because)
{
	struct agent_conf conf = AGENT_CONF_DEFAULT;
	struct err err = ERR_NULL;

	assert_int_equal(take(text, &conf, &err), -EINVAL);
	assert_string_equal(conf.url, "");
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void takes_each_key(void **state)
{
	struct agent_conf conf = AGENT_CONF_DEFAULT;
	struct agent_config config = { .spool_dir = "kept" };

	(void)state;
	assert_int_equal(take("collector = { url = \"https://head:8443\"; token_file = \"/t\";\n"
			      "ca_file = \"/c\"; certificate_file = \"/e\"; key_file = \"/k\";\n"
			      "name = \"blake14\"; interval_seconds = 3; spool_mebibytes = 2; };",
			      &conf, NULL),
			 0);
	agent_conf_fill(&conf, &config);
	assert_string_equal(config.url, "https://head:8443");
	assert_string_equal(config.token_file, "/t");
	assert_string_equal(config.ca_file, "/c");
	assert_string_equal(config.certificate_file, "/e");
	assert_string_equal(config.key_file, "/k");
	assert_string_equal(config.name, "blake14");
	assert_int_equal(config.interval_ms, 3000);
	assert_int_equal(config.spool_bytes, 2 << 20);
	assert_string_equal(config.spool_dir, "kept");
}

static void no_collector_is_no_url(void **state)
{
	struct agent_conf conf = AGENT_CONF_DEFAULT;
	struct agent_config config = { .url = "x" };

	(void)state;
	agent_conf_fill(&conf, &config);
	assert_null(config.url);
	assert_null(config.token_file);
	assert_int_equal(config.interval_ms, 10000);
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	assert_refused("collector = \"x\";", "x.conf:1");
	assert_refused("collector = {\nurl = \"head\"; };", "x.conf:2: url \"head\" must be like");
	assert_refused("collector = { url = \"https://a\"; token_file = \"t\"; };", "begin with");
	assert_refused("collector = { url = \"https://a\"; key_file = \"/t\"; };", "together");
	assert_refused("collector = { url = \"https://a\"; interval_seconds = 0; };", "from 1");
	assert_refused("collector = { urls = \"https://a\"; };", "unknown key \"urls\"");
}

static void knows_this_machine(void **state)
{
	char path[] = "/tmp/test-agent-conf.XXXXXX";
	struct agent_conf conf = AGENT_CONF_DEFAULT;
	CLEANUP_CLOSE int fd = -1;

	(void)state;
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(agent_conf_identify(fd, &conf, NULL), -ENOENT);
	assert_int_equal(fs_replace_file(fd, "machine-id", "abc\n", 4, 0644), 0);
	assert_int_equal(agent_conf_identify(fd, &conf, NULL), 0);
	assert_string_equal(conf.node, "abc");
	assert_true(*conf.name);
	unlinkat(fd, "machine-id", 0);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_each_key),
		cmocka_unit_test(no_collector_is_no_url),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(knows_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
