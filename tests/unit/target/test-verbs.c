/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/ctl.h"
#include "target/verbs.h"

#define MAX_WORDS 16

/* Parse "VERB.. WORD.." parted at blanks; the text must outlive @ctl. */
static int parse(char *line, struct ctl *ctl, struct err *err)
{
	static char *words[MAX_WORDS + 1];
	int n_verb;
	int n = 0;

	while (n < MAX_WORDS && (words[n] = strsep(&line, " ")))
		n++;
	ctl_init(ctl);
	ctl->cli.verb = cli_find(&verbs_program, words, n, &n_verb);
	assert_non_null(ctl->cli.verb);
	return cli_parse(ctl, n - n_verb + 1, words + n_verb - 1, err);
}

static void takes_drives_and_what_is_to_be_done(void **state)
{
	char line[] = "create --tcp 10.1.1.1 blake14 --dev /dev/sda --dry-run --wait 5";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.cli.n_args, 1);
	assert_string_equal(ctl.cli.args[0], "blake14");
	assert_int_equal(ctl.opt.devs.count, 1);
	assert_string_equal(ctl.opt.devs.items[0].value, "/dev/sda");
	assert_true(ctl.opt.dry_run);
	assert_int_equal(ctl.opt.wait_seconds, 5);
}

static void keeps_listeners_in_their_order(void **state)
{
	char line[] = "create n --dev d --tcp A --rdma B --loop --tcp C";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.opt.listeners.count, 4);
	assert_string_equal(ctl.opt.listeners.items[0].name, "tcp");
	assert_string_equal(ctl.opt.listeners.items[1].name, "rdma");
	assert_string_equal(ctl.opt.listeners.items[1].value, "B");
	assert_string_equal(ctl.opt.listeners.items[2].value, "");
	assert_string_equal(ctl.opt.listeners.items[3].value, "C");
}

static void parts_a_range_of_controller_ids(void **state)
{
	char line[] = "create n --dev d --tcp A --cntlid 1-31999 --serial x";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.opt.attrs.count, 3);
	assert_string_equal(ctl.opt.attrs.items[0].name, "attr_cntlid_min");
	assert_string_equal(ctl.opt.attrs.items[0].value, "1");
	assert_string_equal(ctl.opt.attrs.items[1].value, "31999");
	assert_string_equal(ctl.opt.attrs.items[2].name, "attr_serial");
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
	refuses("list --dev /dev/sda", "list does not know --dev");
	refuses("show --dry-run", "--dry-run");
}

static void refuses_odd_numbers(void **state)
{
	(void)state;
	refuses("delete n --wait soon", "--wait soon");
	refuses("create n --cntlid 5", "--cntlid 5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_drives_and_what_is_to_be_done),
		cmocka_unit_test(keeps_listeners_in_their_order),
		cmocka_unit_test(parts_a_range_of_controller_ids),
		cmocka_unit_test(refuses_options_of_other_verbs),
		cmocka_unit_test(refuses_odd_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
