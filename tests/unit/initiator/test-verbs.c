/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "initiator/ctl.h"
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

/* Parse "VERB.. WORD.." parted at blanks; the text must outlive @ctl. */
static int parse(char *line, struct ctl *ctl, struct err *err)
{
	static char *words[MAX_WORDS + 1];
	int n_verb;
	int n = 0;

	while (n < MAX_WORDS && (words[n] = strsep(&line, " ")))
		n++;
	*ctl = (struct ctl){ .opt = CTL_OPTIONS_NULL };
	ctl->cli.program = &verbs_program;
	ctl->cli.verb = cli_find(&verbs_program, words, n, &n_verb);
	assert_non_null(ctl->cli.verb);
	return cli_parse(ctl, n - n_verb + 1, words + n_verb - 1, err);
}

static void takes_options_before_and_behind_arguments(void **state)
{
	char line[] = "connect --tcp 10.1.1.1 blake14 --transient --ctrl-loss-tmo 30 -v";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.cli.n_args, 1);
	assert_string_equal(ctl.cli.args[0], "blake14");
	assert_true(ctl.opt.transient);
	assert_true(ctl.cli.verbose);
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
	assert_int_equal(ctl.opt.addresses.count, 3);
	assert_string_equal(ctl.opt.addresses.items[0].name, "tcp");
	assert_string_equal(ctl.opt.addresses.items[1].name, "rdma");
	assert_string_equal(ctl.opt.addresses.items[1].value, "B");
	assert_string_equal(ctl.opt.addresses.items[2].value, "C");
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
}

static void refuses_odd_numbers(void **state)
{
	(void)state;
	refuses("connect n --wait soon", "--wait soon");
	refuses("connect n --keep-alive -1", "--keep-alive -1");
	refuses("connect n --io-queues 65536", "from 0 to 65535");
	refuses("connect n --ctrl-loss-tmo -2", "--ctrl-loss-tmo -2");
}

static void refuses_more_addresses_than_it_can_keep(void **state)
{
	static char *words[2 + 2 * (CTL_MANY + 1)];
	struct ctl ctl = { .cli.program = &verbs_program, .opt = CTL_OPTIONS_NULL };
	struct err err = ERR_NULL;
	int n_verb;
	int n = 0;

	(void)state;
	words[n++] = (char *)"connect";
	words[n++] = (char *)"nqn";
	while (n < 2 + 2 * (CTL_MANY + 1)) {
		words[n++] = (char *)"--tcp";
		words[n++] = (char *)"10.1.1.1";
	}
	ctl.cli.verb = cli_find(&verbs_program, words, 1, &n_verb);
	assert_int_equal(cli_parse(&ctl, n, words, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 32"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_options_before_and_behind_arguments),
		cmocka_unit_test(keeps_addresses_in_their_order),
		cmocka_unit_test(a_loss_timeout_may_be_for_ever),
		cmocka_unit_test(refuses_options_of_other_verbs),
		cmocka_unit_test(refuses_odd_numbers),
		cmocka_unit_test(refuses_more_addresses_than_it_can_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
