/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/verbs.h"
#include "ctl/view.h"

#define MAX_WORDS 16

/* Parse "VERB.. WORD.." parted at blanks; the text must outlive @ctl. */
static int parse(char *line, struct ctl *ctl, struct err *err)
{
	static char *words[MAX_WORDS + 1];
	const struct verb *verb;
	int n_verb;
	int n = 0;

	while (n < MAX_WORDS && (words[n] = strsep(&line, " ")))
		n++;
	*ctl = (struct ctl){ 0 };
	verb = verb_find(words, n, &n_verb);
	assert_non_null(verb);
	return verb_parse(verb, n - n_verb + 1, words + n_verb - 1, ctl, err);
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

static void knows_verbs_of_one_and_of_two_words(void **state)
{
	char *one[] = { (char *)"nodes" };
	char *two[] = { (char *)"export", (char *)"create", (char *)"x" };
	char *half[] = { (char *)"export" };
	char text[64];
	int n;

	(void)state;
	assert_string_equal(verb_find(one, 1, &n)->name, "nodes");
	assert_string_equal(verb_find(two, 3, &n)->name, "export create");
	assert_int_equal(n, 2);
	assert_null(verb_find(half, 1, &n));
	assert_true(verb_list_second("export", text, sizeof(text)));
	assert_string_equal(text, "create, list, delete");
}

static void attach_takes_lease_job_and_deadline(void **state)
{
	char line[] = "attach blake14 --lease 1h30m blake15 --job 4711 --timeout 5 --no-wait "
		      "--tcp 10.0.0.1";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.n_args, 2);
	assert_string_equal(ctl.args[1], "blake15");
	assert_int_equal(ctl.opt.lease_ms, 5400000);
	assert_int_equal(ctl.opt.timeout_ms, 5000);
	assert_string_equal(ctl.opt.job, "4711");
	assert_true(ctl.opt.no_wait);
	assert_string_equal(ctl.opt.listeners[0].transport, "tcp");
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
	refuses("attach a b --lease", "--lease needs a value");
	refuses("attach a b --lease soon", "--lease soon: a time is meant");
	refuses("attach a b --lease 0", "--lease 0");
	refuses("events --limit 0", "--limit 0");
	refuses("nodes x", "(without arguments)");
	refuses("detach a b c", "3 arguments");
}

static void help_wins(void **state)
{
	char line[] = "attach --help";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 1);
}

static void reads_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "90", 90000 },    { "90s", 90000 },	  { "15m", 900000 }, { "2h", 7200000 },
		{ "1d", 86400000 }, { "1h30m", 5400000 }, { "0", 0 },	     { "1d1s", 86401000 },
	};
	static const char *const bad[] = {
		"", "h", "1x", "-1", "1h30", "1.5h", " 1", "99999999999d", "999999999999999999999"
	};
	uint64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(verb_parse_duration(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(verb_parse_duration(bad[i], &ms), -EINVAL);
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

		assert_ptr_equal(verb_find(words, 1, &n)->run, cmd_list);
		assert_non_null(view_listing_find(names[i]));
	}
	assert_non_null(view_listing_find("export list"));
	assert_null(view_listing_find("watch"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_verbs_of_one_and_of_two_words),
		cmocka_unit_test(attach_takes_lease_job_and_deadline),
		cmocka_unit_test(filters_are_of_those_that_list),
		cmocka_unit_test(refuses_what_is_odd),
		cmocka_unit_test(help_wins),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(each_listing_verb_has_its_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
