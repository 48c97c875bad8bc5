/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/verbs.h"
#include "ctl/view.h"

#define MAX_WORDS 16

/* Parse "VERB.. WORD.." parted at blanks; the text must outlive @ctl. */
static int parse(char *line, struct ctl *ctl, struct err *err)
{
	static char *words[MAX_WORDS + 1];
	int n_verb;
	int n = 0;

	while (n < MAX_WORDS && (words[n] = strsep(&line, " ")))
		n++;
	*ctl = (struct ctl){ .opt.after = -1 };
	ctl->cli.program = &verbs_program;
	ctl->cli.verb = cli_find(&verbs_program, words, n, &n_verb);
	assert_non_null(ctl->cli.verb);
	return cli_parse(ctl, n - n_verb + 1, words + n_verb - 1, err);
}

static void refuses(const char *text, const char *part)
{
	char line[128];
	struct err err = ERR_NULL;
	struct ctl ctl;

	snprintf(line, sizeof(line), "%s", text);
	assert_int_equal(parse(line, &ctl, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

static void attach_takes_lease_job_and_deadline(void **state)
{
	char line[] = "attach blake14 --lease 1h30m blake15 --job 4711 --timeout 5 --no-wait "
		      "--tcp 10.0.0.1";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.cli.n_args, 2);
	assert_string_equal(ctl.cli.args[1], "blake15");
	assert_int_equal(ctl.opt.lease_ms, 5400000);
	assert_int_equal(ctl.opt.timeout_ms, 5000);
	assert_string_equal(ctl.opt.job, "4711");
	assert_true(ctl.opt.no_wait);
	assert_string_equal(ctl.opt.listeners.items[0].name, "tcp");
}

static void filters_are_of_those_that_list(void **state)
{
	char line[] = "connections --node a --nqn b --host c --state up";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_string_equal(ctl.opt.node, "a");
	assert_string_equal(ctl.opt.nqn, "b");
	assert_string_equal(ctl_host(&ctl), "c");
	assert_string_equal(ctl.opt.state, "up");
	refuses("status --node a", "status does not know --node");
	refuses("attach a b --state up", "--state");
}

static void refuses_what_is_odd(void **state)
{
	(void)state;
	refuses("attach a", "attach SUBSYSTEM HOST is meant, but there is 1 argument");
	refuses("attach a b --lease soon", "--lease soon: a time is meant");
	refuses("attach a b --lease 0", "--lease 0");
	refuses("events --limit 0", "--limit 0: a number from 1 to 1000000 is meant");
	refuses("events --after x", "--after x: a number from 0 is meant");
	refuses("watch --after -1", "--after -1");
	refuses("detach a b c", "3 arguments");
}

/* each verb that lists has columns */
static void each_listing_verb_has_its_listing(void **state)
{
	static const char *const names[] = { "nodes",	    "endpoints", "subsystems",
					     "namespaces",  "drives",	 "hosts",
					     "connections", "devices",	 "attachments",
					     "sessions" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *words[] = { (char *)names[i] };
		int n;

		assert_ptr_equal(cli_find(&verbs_program, words, 1, &n)->run, cmd_list);
		assert_non_null(view_listing_find(names[i]));
	}
	assert_non_null(view_listing_find("export list"));
	assert_null(view_listing_find("watch"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_takes_lease_job_and_deadline),
		cmocka_unit_test(filters_are_of_those_that_list),
		cmocka_unit_test(refuses_what_is_odd),
		cmocka_unit_test(each_listing_verb_has_its_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
