/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/settings.h"

static void assert_refused(const char *text, const char *because)
{
	struct settings settings = { .workers = 77 };
	struct err err = ERR_NULL;

	assert_int_equal(settings_parse(text, strlen(text), "target.conf", &settings, &err),
			 -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_int_equal(settings.workers, 77);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void assert_defaults(const struct settings *settings)
{
	assert_true(settings->default_any);
	assert_int_equal(settings->default_port, 4420);
	assert_int_equal(settings->wait_seconds, 30);
	assert_int_equal(settings->hang_seconds, 10);
	assert_int_equal(settings->workers, 32);
	assert_false(settings->repair);
	assert_int_equal(settings->sample_seconds, 10);
	assert_string_equal(settings->collector.url, "");
	assert_int_equal(settings->collector.interval_seconds, 10);
}

static void has_defaults_for_what_is_not_said(void **state)
{
	struct settings settings = { 0 };

	(void)state;
	assert_int_equal(settings_parse("", 0, "target.conf", &settings, NULL), 0);
	assert_defaults(&settings);
	settings = (struct settings){ 0 };
	assert_int_equal(settings_load(AT_FDCWD, "/nonexistent/target.conf", &settings, NULL), 0);
	assert_defaults(&settings);
}

static void reads_each_key(void **state)
{
	static const char text[] = "default_access = \"none\"; default_port = 8009;\n"
				   "wait_seconds = 0; hang_seconds = 20; workers = 1;\n"
				   "repair = true; sample_seconds = 60;\n"
				   "collector = { url = \"http://127.0.0.1:8080\"; };\n";
	struct settings settings;

	(void)state;
	assert_int_equal(settings_parse(text, strlen(text), "target.conf", &settings, NULL), 0);
	assert_false(settings.default_any);
	assert_int_equal(settings.default_port, 8009);
	assert_int_equal(settings.wait_seconds, 0);
	assert_int_equal(settings.hang_seconds, 20);
	assert_int_equal(settings.workers, 1);
	assert_true(settings.repair);
	assert_int_equal(settings.sample_seconds, 60);
	assert_string_equal(settings.collector.url, "http://127.0.0.1:8080");
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	assert_refused("default_access = \"all\";", "target.conf:1: default_access is \"all\"");
	assert_refused("default_access = true;", "must be a text");
	assert_refused("\ndefault_port = 70000;", "target.conf:2: default_port is 70000");
	assert_refused("default_port = 0;", "from 1 to 65535");
	assert_refused("workers = 0;", "from 1 to");
	assert_refused("hang_seconds = 0;", "from 1 to");
	assert_refused("wait_seconds = -1;", "from 0 to");
	assert_refused("sample_seconds = 0;", "from 1 to");
	assert_refused("repair = \"yes\";", "true or false");
	assert_refused("collector = 1;", "collector");
	assert_refused("collector = { uri = \"x\"; };", "unknown key \"uri\"");
	assert_refused("worker = 3;", "unknown key \"worker\"");
}

/* The delivered file says what the program does: each key once, with its default. */
static void agrees_with_the_delivered_file(void **state)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_STR struct str active = STR_NULL;
	struct settings settings = { 0 };
	const char *line;
	size_t keys = 0;

	(void)state;
	assert_int_equal(settings_load(AT_FDCWD, "conf/target.conf", &settings, NULL), 0);
	assert_defaults(&settings);
	assert_int_equal(fs_read_file(AT_FDCWD, "conf/target.conf", 1 << 20, &text, NULL), 0);
	for (line = text; line && *line; line = strchr(line, '\n') + 1) {
		if (line[0] != '#' || line[1] == ' ' || line[1] == '\n')
			continue;
		keys++;
		str_add_n(&active, line + 1, strcspn(line + 1, "\n") + 1);
	}
	/* seven keys, and the first and last line of the group collector */
	assert_int_equal(keys, 9);
	settings = (struct settings){ 0 };
	assert_int_equal(
		settings_parse(str_get(&active), active.length, "target.conf", &settings, NULL), 0);
	assert_defaults(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults_for_what_is_not_said),
		cmocka_unit_test(reads_each_key),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(agrees_with_the_delivered_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
