/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/verbs.h"

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
	*ctl = (struct ctl){ .opt.wait_seconds = -1 };
	verb = verb_find(words, n, &n_verb);
	assert_non_null(verb);
	return verb_parse(verb, n - n_verb + 1, words + n_verb - 1, ctl, err);
}

static void finds_verbs_of_one_and_of_two_words(void **state)
{
	char *one[] = { (char *)"list" };
	char *two[] = { (char *)"host", (char *)"remove", (char *)"x" };
	int n;

	(void)state;
	assert_string_equal(verb_find(one, 1, &n)->name, "list");
	assert_int_equal(n, 1);
	assert_string_equal(verb_find(two, 3, &n)->name, "host remove");
	assert_int_equal(n, 2);
}

static void finds_nothing_for_half_a_verb_or_its_beginning(void **state)
{
	char *half[] = { (char *)"host" };
	char *begin[] = { (char *)"lis" };
	char *other[] = { (char *)"host", (char *)"frob" };
	int n;

	(void)state;
	assert_null(verb_find(half, 1, &n));
	assert_null(verb_find(begin, 1, &n));
	assert_null(verb_find(other, 2, &n));
}

static void lists_second_words(void **state)
{
	char text[64];

	(void)state;
	assert_true(verb_list_second("host", text, sizeof(text)));
	assert_string_equal(text, "add, remove");
	assert_false(verb_list_second("list", text, sizeof(text)));
}

static void takes_options_before_and_behind_arguments(void **state)
{
	char line[] = "create --tcp 10.1.1.1 blake14 --dev /dev/sda --dry-run";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.n_args, 1);
	assert_string_equal(ctl.args[0], "blake14");
	assert_int_equal(ctl.opt.n_devs, 1);
	assert_string_equal(ctl.opt.devs[0], "/dev/sda");
	assert_true(ctl.opt.dry_run);
}

static void keeps_listeners_in_their_order(void **state)
{
	char line[] = "create n --dev d --tcp A --rdma B --loop --tcp C";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.opt.n_listeners, 4);
	assert_string_equal(ctl.opt.listeners[0].transport, "tcp");
	assert_string_equal(ctl.opt.listeners[1].transport, "rdma");
	assert_string_equal(ctl.opt.listeners[1].spec, "B");
	assert_string_equal(ctl.opt.listeners[2].spec, "");
	assert_string_equal(ctl.opt.listeners[3].spec, "C");
}

static void parts_a_range_of_controller_ids(void **state)
{
	char line[] = "create n --dev d --tcp A --cntlid 1-31999 --serial x";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 0);
	assert_int_equal(ctl.opt.n_attrs, 3);
	assert_string_equal(ctl.opt.attrs[0].name, "attr_cntlid_min");
	assert_string_equal(ctl.opt.attrs[0].value, "1");
	assert_string_equal(ctl.opt.attrs[1].value, "31999");
	assert_string_equal(ctl.opt.attrs[2].name, "attr_serial");
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
	refuses("create n --frob", "create does not know --frob");
}

static void refuses_an_option_without_its_value(void **state)
{
	(void)state;
	refuses("create n --dev", "--dev needs a value");
}

static void refuses_too_few_and_too_many_arguments(void **state)
{
	(void)state;
	refuses("create", "create NQN is meant");
	refuses("create a b --dev x", "2 arguments");
	refuses("namespace remove n", "NQN NSID");
	refuses("list x", "1 argument");
}

static void refuses_odd_numbers(void **state)
{
	(void)state;
	refuses("delete n --wait soon", "--wait soon");
	refuses("create n --cntlid 5", "--cntlid 5");
}

static void help_wins_over_missing_arguments(void **state)
{
	char line[] = "create --help";
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse(line, &ctl, &err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_verbs_of_one_and_of_two_words),
		cmocka_unit_test(finds_nothing_for_half_a_verb_or_its_beginning),
		cmocka_unit_test(lists_second_words),
		cmocka_unit_test(takes_options_before_and_behind_arguments),
		cmocka_unit_test(keeps_listeners_in_their_order),
		cmocka_unit_test(parts_a_range_of_controller_ids),
		cmocka_unit_test(refuses_options_of_other_verbs),
		cmocka_unit_test(refuses_an_option_without_its_value),
		cmocka_unit_test(refuses_too_few_and_too_many_arguments),
		cmocka_unit_test(refuses_odd_numbers),
		cmocka_unit_test(help_wins_over_missing_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
