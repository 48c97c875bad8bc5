/* SPDX-License-Identifier: BSD-3-Clause */
/* cli-parse - which verb is meant, and what its options say. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cli.h"

/* --- the verb */

static bool is_verb(const struct cli_verb *verb, char *const *words, int n_words, int *ret_words)
{
	const char *blank = strchr(verb->name, ' ');
	size_t length = blank ? (size_t)(blank - verb->name) : strlen(verb->name);

	*ret_words = blank ? 2 : 1;
	if (n_words < *ret_words || strlen(words[0]) != length ||
	    strncmp(words[0], verb->name, length) != 0)
		return false;
	return !blank || strcmp(words[1], blank + 1) == 0;
}

const struct cli_verb *cli_find(const struct cli_program *program, char *const *words, int n_words,
				int *ret_words)
{
	size_t i;

	for (i = 0; i < program->n_verbs; i++)
		if (is_verb(&program->verbs[i], words, n_words, ret_words))
			return &program->verbs[i];
	return NULL;
}

bool cli_takes(const struct cli_verb *verb, const struct cli_option *option)
{
	return option->groups[0] == '*' || strpbrk(verb->options, option->groups);
}

/* --- values */

static uint64_t unit_ms(char letter)
{
	switch (letter) {
	case 's':
		return 1000;
	case 'm':
		return 60000;
	case 'h':
		return 3600000;
	case 'd':
		return 86400000;
	default:
		return 0;
	}
}

#define DURATION_MAX ((uint64_t)3650 * 86400000)

int cli_parse_duration(const char *text, uint64_t *ret_ms)
{
	uint64_t sum = 0;
	uint64_t value;
	bool has_unit = false;

	if (!*text)
		return -EINVAL;
	while (*text) {
		char digits[12];
		size_t n = strspn(text, "0123456789");
		uint64_t unit = unit_ms(text[n]);

		/* only a number that stands alone has no unit */
		if (n == 0 || n >= sizeof(digits) || (!unit && (text[n] || has_unit)))
			return -EINVAL;
		snprintf(digits, sizeof(digits), "%.*s", (int)n, text);
		str_parse_uint(digits, UINT64_MAX, &value);
		sum += value * (unit ? unit : 1000);
		has_unit = true;
		text += n + (unit ? 1 : 0);
		if (sum > DURATION_MAX)
			return -EINVAL;
	}
	*ret_ms = sum;
	return 0;
}

static int take_duration(const struct cli_option *option, const char *value, uint64_t *ret_ms,
			 struct err *err)
{
	uint64_t ms;

	if (cli_parse_duration(value, &ms) < 0 || ms == 0)
		return err_set(err, -EINVAL, "%s %s: a time is meant, such as 90s, 15m, 2h or 1d",
			       option->name, value);
	*ret_ms = ms;
	return 0;
}

static int take_number(const struct cli_option *option, const char *value, int64_t *ret,
		       struct err *err)
{
	bool is_negative = *value == '-' && option->min < 0;
	uint64_t number;

	if (str_parse_uint(value + is_negative, INT64_MAX, &number) == 0) {
		int64_t with_sign = is_negative ? -(int64_t)number : (int64_t)number;

		if (with_sign >= option->min && with_sign <= option->max) {
			*ret = with_sign;
			return 0;
		}
	}
	if (option->max == INT64_MAX)
		return err_set(err, -EINVAL, "%s %s: a number from %" PRId64 " is meant",
			       option->name, value, option->min);
	return err_set(err, -EINVAL, "%s %s: a number from %" PRId64 " to %" PRId64 " is meant",
		       option->name, value, option->min, option->max);
}

static int take_item(const struct cli_option *option, const char *value, struct cli_list *list,
		     struct err *err)
{
	if (list->count == (size_t)option->max || list->count == CLI_MANY)
		return err_set(err, -EINVAL, "%s: at most %" PRId64 " in one command", option->name,
			       option->max);
	list->items[list->count].name = option->as ? option->as : option->name + 2;
	list->items[list->count++].value = option->fixed ? option->fixed : value;
	return 0;
}

static bool has_value(const struct cli_option *option)
{
	return option->type != CLI_TYPE_FLAG && !option->fixed;
}

static int take(struct ctl *ctl, const struct cli_option *option, char *value, struct err *err)
{
	void *at = (char *)ctl + option->offset;

	if (has_value(option) && !*value)
		return err_set(err, -EINVAL, "%s needs a value, and \"\" is none", option->name);
	switch (option->type) {
	case CLI_TYPE_FLAG:
		*(bool *)at = true;
		return 0;
	case CLI_TYPE_TEXT:
		*(const char **)at = value;
		return 0;
	case CLI_TYPE_NUMBER:
		return take_number(option, value, at, err);
	case CLI_TYPE_DURATION:
		return take_duration(option, value, at, err);
	case CLI_TYPE_LIST:
		return take_item(option, value, at, err);
	case CLI_TYPE_OWN:
		return option->take(ctl, value, err);
	}
	return -EINVAL;
}

/* --- getopt */

#define INDEX 1000 /* val of a long option is its index in our table, and this */
#define HELP 'h'

struct known {
	struct option longs[CLI_OPTIONS_MAX + 2];
	char letters[CLI_OPTIONS_MAX + 3];
};

static void fill_known(const struct cli_program *program, const struct cli_verb *verb,
		       struct known *known)
{
	size_t n_letters = 0;
	size_t n = 0;
	size_t i;

	known->letters[n_letters++] = ':';
	known->letters[n_letters++] = HELP;
	known->longs[n++] = (struct option){ .name = "help", .val = HELP };
	for (i = 0; i < program->n_options && i < CLI_OPTIONS_MAX; i++) {
		const struct cli_option *option = &program->options[i];

		if (!cli_takes(verb, option))
			continue;
		known->longs[n++] = (struct option){
			.name = option->name + 2,
			.has_arg = has_value(option),
			.val = INDEX + (int)i,
		};
		if (option->letter)
			known->letters[n_letters++] = option->letter;
	}
	known->longs[n] = (struct option){ 0 };
	known->letters[n_letters] = '\0';
}

static const struct cli_option *option_of(const struct cli_program *program, int c)
{
	size_t i;

	if (c >= INDEX)
		return &program->options[c - INDEX];
	for (i = 0; i < program->n_options; i++)
		if (program->options[i].letter == c)
			return &program->options[i];
	return NULL;
}

/* "--dev" of "--deev=x", with what goes around it; nothing if no option is like it. */
static void add_near(const struct cli *cli, const char *word, struct str *text)
{
	const char *names[CLI_OPTIONS_MAX];
	CLEANUP_STR struct str name = STR_NULL;
	CLEANUP_STR struct str near = STR_NULL;
	size_t n = 0;
	size_t i;

	for (i = 0; i < cli->program->n_options && n < CLI_OPTIONS_MAX; i++)
		if (cli_takes(cli->verb, &cli->program->options[i]))
			names[n++] = cli->program->options[i].name;
	str_add_n(&name, word, strcspn(word, "="));
	str_add_near(&near, str_get(&name), names, n);
	if (near.length)
		str_addf(text, ", did you mean %s?", str_get(&near));
}

/* @c  what getopt said of it */
static int refuse(const struct cli *cli, int c, const char *word, struct err *err)
{
	const struct cli_program *program = cli->program;
	const char letter[] = { '-', (char)optopt, '\0' };
	CLEANUP_STR struct str near = STR_NULL;

	if (c == ':')
		return err_set(err, -EINVAL, "%s needs a value; see: %s %s --help", word,
			       program->name, cli->verb->name);
	if (optopt >= INDEX || optopt == HELP)
		return err_set(err, -EINVAL, "%.*s takes no value; see: %s %s --help",
			       (int)strcspn(word, "="), word, program->name, cli->verb->name);
	if (!optopt)
		add_near(cli, word, &near);
	return err_set(err, -EINVAL, "%s does not know %s%s; see: %s %s --help", cli->verb->name,
		       optopt ? letter : word, str_get(&near), program->name, cli->verb->name);
}

static int check_args(const struct cli *cli, struct err *err)
{
	const struct cli_verb *verb = cli->verb;

	if (cli->n_args >= verb->min_args && cli->n_args <= verb->max_args)
		return 0;
	return err_set(err, -EINVAL,
		       "%s %s is meant, but there %s %zu argument%s; see: %s %s --help", verb->name,
		       *verb->args ? verb->args : "(without arguments)",
		       cli->n_args == 1 ? "is" : "are", cli->n_args, cli->n_args == 1 ? "" : "s",
		       cli->program->name, verb->name);
}

int cli_parse(struct ctl *ctl, int n_words, char **words, struct err *err)
{
	struct cli *cli = (struct cli *)ctl;
	struct known known;
	int r = 0;
	int c;

	fill_known(cli->program, cli->verb, &known);
	optind = 0; /* also forgets what it knew of an earlier command line */
	while (r == 0 &&
	       (c = getopt_long(n_words, words, known.letters, known.longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return refuse(cli, c, words[optind - 1], err);
		if (c == HELP)
			return 1;
		r = take(ctl, option_of(cli->program, c), optarg, err);
	}
	if (r < 0)
		return r;
	cli->args = words + optind;
	cli->n_args = (size_t)(n_words - optind);
	return check_args(cli, err);
}

/* --- help */

#define WIDTH "-18" /* of the left column */

static void help_all(const struct cli_program *program, struct str *text)
{
	size_t i;

	str_addf(text, "%s - %s\n\n  %s\n\nVerbs (VERB --help tells more):\n", program->name,
		 program->summary, program->example);
	for (i = 0; i < program->n_verbs; i++)
		if (program->verbs[i].summary)
			str_addf(text, "  %" WIDTH "s %s\n", program->verbs[i].name,
				 program->verbs[i].summary);
	str_addf(text, "  %" WIDTH "s %s\n\n%s", "version", "version of this program",
		 program->footer);
}

void cli_help(const struct cli_program *program, const struct cli_verb *verb, struct str *text)
{
	size_t i;

	if (!verb) {
		help_all(program, text);
		return;
	}
	str_addf(text, "%s %s %s%s[OPTION]...\n\n", program->name, verb->name, verb->args,
		 *verb->args ? " " : "");
	if (verb->summary)
		str_addf(text, "%c%s.\n", toupper(verb->summary[0]), verb->summary + 1);
	str_addf(text, "%s\nOptions:\n", verb->help);
	for (i = 0; i < program->n_options; i++)
		if (cli_takes(verb, &program->options[i]))
			str_addf(text, "  %" WIDTH "s %s\n", program->options[i].name,
				 program->options[i].help);
	str_addf(text, "  %" WIDTH "s %s\n", "--help", "this text");
}
