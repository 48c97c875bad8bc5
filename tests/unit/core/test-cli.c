/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole runs of a small program, with what it prints in files; and the parser by itself. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/js.h"
#include "core/cli.h"

#define MAX_WORDS 16

struct ctl {
	struct cli cli;
	bool deep;
	const char *colour;
	int64_t number;
	int64_t after;
	uint64_t time_ms;
	struct cli_list list;
	char own[8];
};

static int look(struct ctl *ctl, struct err *err)
{
	(void)err;
	cli_say(&ctl->cli, "looking at %zu\n", ctl->cli.n_args);
	cli_print(&ctl->cli, "result\n");
	cli_warn(&ctl->cli, "it is dark, %s", ctl->cli.command);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "number", js_int(ctl->number));
	return 0;
}

static int dig(struct ctl *ctl, struct err *err)
{
	if (strcmp(ctl->cli.args[0], "usage") == 0)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL, "dig where?"));
	if (strcmp(ctl->cli.args[0], "rights") == 0)
		return err_set(err, -EPERM, "not yours");
	if (strcmp(ctl->cli.args[0], "dumb") == 0)
		return -EIO;
	if (strcmp(ctl->cli.args[0], "elsewhere") == 0) {
		ctl->cli.is_answered = true;
		ctl->cli.status = CLI_PARTLY;
		return 0;
	}
	return err_set(err, -ENOENT, "there is no\033[2J %s", ctl->cli.args[0]);
}

static int take_own(struct ctl *ctl, char *value, struct err *err)
{
	if (strlen(value) >= sizeof(ctl->own))
		return err_set(err, -EINVAL, "--own %s: shorter is meant", value);
	snprintf(ctl->own, sizeof(ctl->own), "%s", value);
	return 0;
}

static const struct cli_verb verbs[] = {
	{ "look", look, "[THING]...", 0, 3, "lx", "look at things", "Any of them.\n" },
	{ "garden dig", dig, "PLACE", 1, 1, "x", "dig a hole", "" },
	{ "garden sow", dig, "PLACE", 1, 1, "", "sow seeds", "" },
	{ "secret", look, "", 0, 0, "", NULL, "Of udev.\n" },
};

static const struct cli_option options[] = {
	CLI_FLAG("--deep", deep, "x", "deeper"),
	CLI_TEXT("--colour", colour, "l", "NAME of a colour"),
	CLI_NUMBER("--number", number, -1, 100, "l", "N"),
	CLI_NUMBER("--after", after, 0, INT64_MAX, "l", "ID"),
	CLI_DURATION("--time", time_ms, "l", "TIME"),
	CLI_LIST("--near", list, 3, "l", "WHAT is near"),
	CLI_ITEM("--tall", list, "attr_tall", "l", "HEIGHT"),
	CLI_FIXED("--round", list, "attr_round", "1", "l", "is it?"),
	CLI_OWN("--own", take_own, "l", "WORD"),
	CLI_LETTER('j', "--json", cli.json, "*", "JSON"),
	CLI_LETTER('q', "--quiet", cli.quiet, "*", "less"),
};

static const struct cli_program program = {
	.name = "gardener",
	.version = "1.2",
	.summary = "keep a garden",
	.example = "gardener look",
	.first = "look",
	.footer = "See gardener(8).\n",
	.verbs = verbs,
	.n_verbs = sizeof(verbs) / sizeof(verbs[0]),
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
};

static int split(char *line, char **words)
{
	int n = 0;

	while (n < MAX_WORDS && (words[n] = strsep(&line, " ")))
		if (*words[n])
			n++;
	return n;
}

/* --- the parser */

/* The words live until the next call. */
static int parse(const char *text, struct ctl *ctl, struct err *err)
{
	static char line[256];
	static char *words[MAX_WORDS + 1];
	int n_verb;
	int n;

	snprintf(line, sizeof(line), "%s", text);
	n = split(line, words);
	*ctl = (struct ctl){ .cli.program = &program, .number = -7 };
	ctl->cli.verb = cli_find(&program, words, n, &n_verb);
	assert_non_null(ctl->cli.verb);
	return cli_parse(ctl, n - n_verb + 1, words + n_verb - 1, err);
}

static void refuses(const char *text, const char *whole)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	assert_int_equal(parse(text, &ctl, &err), -EINVAL);
	assert_string_equal(err.text, whole);
}

static void finds_verbs_of_one_and_of_two_words(void **state)
{
	char *one[] = { (char *)"look", (char *)"x" };
	char *two[] = { (char *)"garden", (char *)"sow", (char *)"x" };
	char *half[] = { (char *)"garden" };
	char *begin[] = { (char *)"loo" };
	char *more[] = { (char *)"garden", (char *)"sown" };
	int n;

	(void)state;
	assert_string_equal(cli_find(&program, one, 2, &n)->name, "look");
	assert_int_equal(n, 1);
	assert_string_equal(cli_find(&program, two, 3, &n)->name, "garden sow");
	assert_int_equal(n, 2);
	assert_null(cli_find(&program, half, 1, &n));
	assert_null(cli_find(&program, begin, 1, &n));
	assert_null(cli_find(&program, more, 2, &n));
	assert_null(cli_find(&program, more, 0, &n));
}

static void options_stand_before_and_behind_arguments(void **state)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse("look --deep a --colour red b -jq", &ctl, &err), 0);
	assert_int_equal(ctl.cli.n_args, 2);
	assert_string_equal(ctl.cli.args[0], "a");
	assert_string_equal(ctl.cli.args[1], "b");
	assert_true(ctl.deep && ctl.cli.json && ctl.cli.quiet);
	assert_string_equal(ctl.colour, "red");
	assert_int_equal(parse("look -- --deep", &ctl, &err), 0);
	assert_false(ctl.deep);
	assert_string_equal(ctl.cli.args[0], "--deep");
}

static void what_is_not_given_keeps_its_default(void **state)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse("look", &ctl, &err), 0);
	assert_int_equal(ctl.number, -7);
	assert_null(ctl.colour);
	assert_int_equal(ctl.list.count, 0);
}

static void numbers_have_a_range(void **state)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse("look --number -1 --after 9223372036854775807", &ctl, &err), 0);
	assert_int_equal(ctl.number, -1);
	assert_true(ctl.after == INT64_MAX);
	assert_int_equal(parse("look --number=100", &ctl, &err), 0);
	assert_int_equal(ctl.number, 100);
	refuses("look --number 101", "--number 101: a number from -1 to 100 is meant");
	refuses("look --number -2", "--number -2: a number from -1 to 100 is meant");
	refuses("look --number -", "--number -: a number from -1 to 100 is meant");
	refuses("look --number +1", "--number +1: a number from -1 to 100 is meant");
	refuses("look --number 1x", "--number 1x: a number from -1 to 100 is meant");
	refuses("look --after x", "--after x: a number from 0 is meant");
	refuses("look --after -1", "--after -1: a number from 0 is meant");
	refuses("look --after 9223372036854775808",
		"--after 9223372036854775808: a number from 0 is meant");
}

static void durations_have_units(void **state)
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
	struct err err = ERR_NULL;
	struct ctl ctl;
	uint64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(cli_parse_duration(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cli_parse_duration(bad[i], &ms), -EINVAL);
	assert_int_equal(parse("look --time 2m", &ctl, &err), 0);
	assert_int_equal(ctl.time_ms, 120000);
	refuses("look --time soon", "--time soon: a time is meant, such as 90s, 15m, 2h or 1d");
	refuses("look --time 0", "--time 0: a time is meant, such as 90s, 15m, 2h or 1d");
}

static void lists_keep_the_order_of_several_options(void **state)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse("look --round --near a --tall 3", &ctl, &err), 0);
	assert_int_equal(ctl.list.count, 3);
	assert_string_equal(ctl.list.items[0].name, "attr_round");
	assert_string_equal(ctl.list.items[0].value, "1");
	assert_string_equal(ctl.list.items[1].name, "near");
	assert_string_equal(ctl.list.items[1].value, "a");
	assert_string_equal(ctl.list.items[2].name, "attr_tall");
	assert_string_equal(ctl.list.items[2].value, "3");
	refuses("look --near a --near b --near c --near d", "--near: at most 3 in one command");
}

static void a_program_may_take_a_value_itself(void **state)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse("look --own word", &ctl, &err), 0);
	assert_string_equal(ctl.own, "word");
	refuses("look --own muchtoolong", "--own muchtoolong: shorter is meant");
}

static void refuses_an_option_without_its_value_or_with_one_too_many(void **state)
{
	(void)state;
	refuses("look --colour", "--colour needs a value; see: gardener look --help");
	refuses("look --colour=", "--colour needs a value, and \"\" is none");
	refuses("look --deep=1", "--deep takes no value; see: gardener look --help");
	refuses("look --help=1", "--help takes no value; see: gardener look --help");
}

static void refuses_options_that_the_verb_does_not_take(void **state)
{
	(void)state;
	refuses("garden dig x --colour red",
		"garden dig does not know --colour; see: gardener garden dig --help");
	refuses("look --color red",
		"look does not know --color, did you mean --colour?; see: gardener look --help");
	refuses("look --color=red", "look does not know --color=red, did you mean --colour?; see: "
				    "gardener look --help");
	refuses("look a -qx", "look does not know -x; see: gardener look --help");
	refuses("look -xq", "look does not know -x; see: gardener look --help");
}

static void refuses_too_few_and_too_many_arguments(void **state)
{
	(void)state;
	refuses("garden sow", "garden sow PLACE is meant, but there are 0 arguments; see: gardener "
			      "garden sow --help");
	refuses("secret x", "secret (without arguments) is meant, but there is 1 argument; see: "
			    "gardener secret --help");
}

static void help_wins_over_missing_arguments(void **state)
{
	struct err err = ERR_NULL;
	struct ctl ctl;

	(void)state;
	assert_int_equal(parse("garden dig --help", &ctl, &err), 1);
	assert_int_equal(parse("garden dig -h", &ctl, &err), 1);
}

/* --- whole runs */

static char out[4096];
static char errors[4096];

static void read_file(int fd, char text[4096])
{
	ssize_t n = pread(fd, text, 4095, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

/* In a child, as it is done once in a process. @out_fd  -1: into `out` */
static int run_into(const char *text, int out_fd)
{
	int out_file = memfd_create("out", MFD_CLOEXEC);
	int errors_file = memfd_create("errors", MFD_CLOEXEC);
	char line[256];
	char *words[MAX_WORDS + 1];
	int status;
	pid_t pid;

	snprintf(line, sizeof(line), "%s", text);
	pid = fork();
	if (pid == 0) {
		struct ctl ctl = { 0 };

		dup2(out_fd < 0 ? out_file : out_fd, STDOUT_FILENO);
		dup2(errors_file, STDERR_FILENO);
		_exit(cli_main(&program, split(line, words), words, &ctl));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	read_file(out_file, out);
	read_file(errors_file, errors);
	return WEXITSTATUS(status);
}

static int run(const char *text)
{
	return run_into(text, -1);
}

static void a_verb_says_what_it_has_to_say(void **state)
{
	(void)state;
	assert_int_equal(run("look a b --number 3"), CLI_DONE);
	assert_string_equal(out, "looking at 2\nresult\n");
	assert_string_equal(errors, "gardener: it is dark, look a b --number 3\n");
	assert_int_equal(run("look --quiet"), CLI_DONE);
	assert_string_equal(out, "result\n");
	assert_string_equal(errors, "");
}

static void programs_get_one_document(void **state)
{
	CLEANUP_JS struct js *js = NULL;

	(void)state;
	assert_int_equal(run("look --number 3 -j"), CLI_DONE);
	assert_int_equal(js_parse(out, strlen(out), &js, NULL), 0);
	assert_int_equal(js_number(js_get(js, "version"), 0), 1);
	assert_string_equal(js_text(js_get(js, "command")), "look");
	assert_true(js_is_true(js_get(js, "ok")));
	assert_int_equal(js_number(js_get(js, "number"), 0), 3);
	assert_int_equal(js_length(js_get(js, "warnings")), 1);
}

static void programs_get_a_document_for_what_cannot_be_understood(void **state)
{
	static const char *const lines[] = { "look --number x --json", "look --json --frob",
					     "frob --json" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CLEANUP_JS struct js *js = NULL;

		assert_int_equal(run(lines[i]), CLI_USAGE);
		assert_int_equal(js_parse(out, strlen(out), &js, NULL), 0);
		assert_false(js_is_true(js_get(js, "ok")));
		assert_string_equal(js_text(js_get(js_get(js, "error"), "errno")), "EINVAL");
	}
}

static void a_failure_says_why_and_has_its_status(void **state)
{
	(void)state;
	assert_int_equal(run("garden dig pond"), CLI_FAILED);
	assert_string_equal(errors, "gardener: there is no?[2J pond\n");
	assert_int_equal(run("garden dig usage"), CLI_USAGE);
	assert_int_equal(run("garden dig rights"), CLI_NOT_PERMITTED);
	assert_int_equal(run("garden dig dumb"), CLI_FAILED);
	assert_string_equal(errors, "gardener: Input/output error\n");
}

static void nothing_comes_behind_an_answer_of_another_process(void **state)
{
	(void)state;
	assert_int_equal(run("garden dig elsewhere --json"), CLI_PARTLY);
	assert_string_equal(out, "");
	assert_string_equal(errors, "");
}

static void an_output_that_cannot_be_written_is_a_failure(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(run_into("look --json", full), CLI_FAILED);
	assert_non_null(strstr(errors, "the output could not be written"));
	assert_int_equal(run_into("look", full), CLI_FAILED);
	close(full);
}

static void says_what_is_meant_instead_of_a_wrong_verb(void **state)
{
	(void)state;
	assert_int_equal(run(""), CLI_USAGE);
	assert_string_equal(errors,
			    "gardener: say what to do, such as \"look\"; see: gardener --help\n");
	assert_int_equal(run("lok"), CLI_USAGE);
	assert_string_equal(errors, "gardener: there is no verb \"lok\", did you mean look?; see: "
				    "gardener --help\n");
	assert_int_equal(run("secrit"), CLI_USAGE);
	assert_null(strstr(errors, "did you mean"));
	assert_int_equal(run("garden rake"), CLI_USAGE);
	assert_string_equal(errors, "gardener: garden what? dig, sow; see: gardener --help\n");
	assert_int_equal(run("--deep look"), CLI_USAGE);
	assert_string_equal(errors, "gardener: options come after the verb, \"--deep\" does not; "
				    "see: gardener --help\n");
}

static void tells_its_version_and_its_verbs(void **state)
{
	(void)state;
	assert_int_equal(run("--version"), CLI_DONE);
	assert_string_equal(out, "gardener 1.2\n");
	assert_int_equal(run("-h"), CLI_DONE);
	assert_string_equal(out, "gardener - keep a garden\n"
				 "\n"
				 "  gardener look\n"
				 "\n"
				 "Verbs (VERB --help tells more):\n"
				 "  look               look at things\n"
				 "  garden dig         dig a hole\n"
				 "  garden sow         sow seeds\n"
				 "  version            version of this program\n"
				 "\n"
				 "See gardener(8).\n");
}

static void help_of_a_verb_has_its_options_only(void **state)
{
	(void)state;
	assert_int_equal(run("garden dig --help"), CLI_DONE);
	assert_string_equal(out, "gardener garden dig PLACE [OPTION]...\n"
				 "\n"
				 "Dig a hole.\n"
				 "\n"
				 "Options:\n"
				 "  --deep             deeper\n"
				 "  --json             JSON\n"
				 "  --quiet            less\n"
				 "  --help             this text\n");
	assert_int_equal(run("secret --help"), CLI_DONE);
	assert_non_null(strstr(out, "gardener secret [OPTION]...\n\nOf udev.\n\nOptions:\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_verbs_of_one_and_of_two_words),
		cmocka_unit_test(options_stand_before_and_behind_arguments),
		cmocka_unit_test(what_is_not_given_keeps_its_default),
		cmocka_unit_test(numbers_have_a_range),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(lists_keep_the_order_of_several_options),
		cmocka_unit_test(a_program_may_take_a_value_itself),
		cmocka_unit_test(refuses_an_option_without_its_value_or_with_one_too_many),
		cmocka_unit_test(refuses_options_that_the_verb_does_not_take),
		cmocka_unit_test(refuses_too_few_and_too_many_arguments),
		cmocka_unit_test(help_wins_over_missing_arguments),
		cmocka_unit_test(a_verb_says_what_it_has_to_say),
		cmocka_unit_test(programs_get_one_document),
		cmocka_unit_test(programs_get_a_document_for_what_cannot_be_understood),
		cmocka_unit_test(a_failure_says_why_and_has_its_status),
		cmocka_unit_test(nothing_comes_behind_an_answer_of_another_process),
		cmocka_unit_test(an_output_that_cannot_be_written_is_a_failure),
		cmocka_unit_test(says_what_is_meant_instead_of_a_wrong_verb),
		cmocka_unit_test(tells_its_version_and_its_verbs),
		cmocka_unit_test(help_of_a_verb_has_its_options_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
