/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "initiator/verbs.h"

#define MAX_WORDS 20

/* Verbs are linked by the table. */
#define VERB(name)                                                                                 \
	int __wrap_cmd_##name(struct ctl *ctl, struct err *err);                                   \
	int __wrap_cmd_##name(struct ctl *ctl, struct err *err)                                    \
	{                                                                                          \
		(void)ctl;                                                                         \
		(void)err;                                                                         \
		return 0;                                                                          \
	}

VERB(connect)
VERB(disconnect)
VERB(list)
VERB(show)
VERB(paths)
VERB(status)
VERB(discover)
VERB(doctor)
VERB(watch)
VERB(udev)
VERB(capabilities)

/* Parse "VERB WORD.." parted at blanks; the text must outlive @ctl. */
static int parse(char *line, struct ctl *ctl, struct err *err)
{
	static char *words[MAX_WORDS + 1];
	const struct verb *verb;
	int n = 0;

	while (n < MAX_WORDS && (words[n] = strsep(&line, " ")))
		n++;
	*ctl = (struct ctl){ .opt = CTL_OPTIONS_NULL };
	verb = verb_find(words[0]);
	assert_non_null(verb);
	return verb_parse(verb, n, words, ctl, err);
}

static void finds_whole_verbs_only(void **state)
{
	(void)state;
	assert_string_equal(verb_find("list")->name, "list");
	assert_null(verb_find("lis"));
	assert_null(verb_find("lists"));
}

static void a_wrong_verb_gets_those_that_are_like_it(void **state)
{
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	verb_add_near("conect", &text);
	assert_string_equal(str_get(&text), "connect");
}

static void takes_options_before_and_behind_arguments(void **state)
{
	char line[] = "connect --tcp 10.1.1.1 blake14 --transient --ctrl-loss-tmo 30 -v";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.n_args, 1);
	assert_string_equal(ctl.args[0], "blake14");
	assert_true(ctl.opt.transient);
	assert_true(ctl.opt.verbose);
	assert_int_equal(ctl.opt.ctrl_loss_tmo, 30);
	assert_int_equal(ctl.opt.wait_seconds, -1);
}

static void keeps_addresses_in_their_order(void **state)
{
	char line[] = "connect n --tcp A --rdma B --tcp C";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.opt.n_addresses, 3);
	assert_string_equal(ctl.opt.addresses[0].transport, "tcp");
	assert_string_equal(ctl.opt.addresses[1].transport, "rdma");
	assert_string_equal(ctl.opt.addresses[1].spec, "B");
	assert_string_equal(ctl.opt.addresses[2].spec, "C");
}

static void a_loss_timeout_may_be_for_ever(void **state)
{
	char line[] = "connect n --tcp A --ctrl-loss-tmo -1";
	char none[] = "connect n --tcp A";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.opt.ctrl_loss_tmo, -1);
	assert_int_equal(parse(none, &ctl, &err), 0);
	assert_int_equal(ctl.opt.ctrl_loss_tmo, CTL_NO_LOSS_TMO);
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

static void refuses_options_of_other_verbs(void **state)
{
	(void)state;
	refuses("list --tcp 10.1.1.1", "list does not know --tcp");
	refuses("connect n --all", "connect does not know --all");
	refuses("disconnect n --hdr-digest", "--hdr-digest");
	refuses("connect n --frob", "connect does not know --frob");
}

static void refuses_an_option_without_its_value(void **state)
{
	(void)state;
	refuses("connect n --tcp", "--tcp needs a value");
	refuses("connect n --hostnqn=", "--hostnqn needs a value");
}

static void refuses_too_few_and_too_many_arguments(void **state)
{
	(void)state;
	refuses("connect", "connect NQN is meant");
	refuses("connect a b --tcp x", "2 arguments");
	refuses("list x", "1 argument");
	refuses("doctor a b", "2 arguments");
}

static void refuses_odd_numbers(void **state)
{
	(void)state;
	refuses("connect n --wait soon", "--wait soon");
	refuses("connect n --keep-alive -1", "--keep-alive -1");
	refuses("connect n --io-queues 65536", "up to 65535");
	refuses("connect n --ctrl-loss-tmo -2", "--ctrl-loss-tmo -2");
}

static void refuses_more_addresses_than_it_can_keep(void **state)
{
	static char *words[2 + 2 * (CTL_MANY + 1)];
	struct ctl ctl = { .opt = CTL_OPTIONS_NULL };
	struct err err = ERR_NULL;
	int n = 0;

	(void)state;
	words[n++] = (char *)"connect";
	words[n++] = (char *)"nqn";
	while (n < 2 + 2 * (CTL_MANY + 1)) {
		words[n++] = (char *)"--tcp";
		words[n++] = (char *)"10.1.1.1";
	}
	assert_int_equal(verb_parse(verb_find("connect"), n, words, &ctl, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 32"));
}

static void help_wins_over_missing_arguments(void **state)
{
	char line[] = "connect --help";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 1);
}

static void help_leaves_out_what_is_not_for_people(void **state)
{
	CLEANUP_STR struct str all = STR_NULL;
	CLEANUP_STR struct str one = STR_NULL;

	(void)state;
	verb_help(NULL, &all);
	assert_non_null(strstr(str_get(&all), "\n  paths "));
	assert_null(strstr(str_get(&all), "udev"));
	verb_help(verb_find("udev"), &one);
	assert_non_null(strstr(str_get(&one), "nvme-sunfishctl udev"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_whole_verbs_only),
		cmocka_unit_test(a_wrong_verb_gets_those_that_are_like_it),
		cmocka_unit_test(takes_options_before_and_behind_arguments),
		cmocka_unit_test(keeps_addresses_in_their_order),
		cmocka_unit_test(a_loss_timeout_may_be_for_ever),
		cmocka_unit_test(refuses_options_of_other_verbs),
		cmocka_unit_test(refuses_an_option_without_its_value),
		cmocka_unit_test(refuses_too_few_and_too_many_arguments),
		cmocka_unit_test(refuses_odd_numbers),
		cmocka_unit_test(refuses_more_addresses_than_it_can_keep),
		cmocka_unit_test(help_wins_over_missing_arguments),
		cmocka_unit_test(help_leaves_out_what_is_not_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
