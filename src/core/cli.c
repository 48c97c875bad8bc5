/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define JSON_VERSION 1

/* --- what is said */

void cli_say(const struct cli *cli, const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;
	int r;

	if (cli->json || cli->quiet)
		return;
	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	else
		str_clean(text);
	fputs(text ? text : "out of memory\n", stdout);
	fflush(stdout);
}

void cli_print(const struct cli *cli, const char *text)
{
	if (cli->json)
		return;
	fputs(text, stdout);
	fflush(stdout);
}

void cli_warn(struct cli *cli, const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	if (cli->warnings && text)
		js_append(cli->warnings, js_string(text));
	if (text)
		str_clean(text);
	if (!cli->quiet)
		fprintf(stderr, "%s: %s\n", cli->program->name, text ? text : "out of memory");
}

struct table_style cli_style(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct table_style style = { 0 };
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return style;
	style.colours = !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		style.width = size.ws_col;
	return style;
}

void cli_print_table(struct cli *cli, const struct table *table, const char *indent)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct table_style style = cli_style();

	table_format_styled(table, &style, indent, &text);
	cli->failed = cli->failed || text.failed;
	cli_print(cli, str_get(&text));
}

/* --- the end */

static int exit_status(const struct cli *cli, int r)
{
	if (r >= 0 || cli->status)
		return cli->status;
	/* to root, a refusal of the kernel is no lack of rights */
	if (r == -EPERM || (r == -EACCES && geteuid() != 0))
		return CLI_NOT_PERMITTED;
	return CLI_FAILED;
}

static void print_json(struct cli *cli, int r, const struct err *err)
{
	CLEANUP_JS struct js *root = cli->result;
	CLEANUP_FREE char *text = NULL;
	const char *name = strerrorname_np(-r);
	struct js *error;

	cli->result = NULL;
	js_set(root, "ok", js_bool(r >= 0));
	if (r < 0) {
		error = js_object();
		js_set(error, "errno", js_string(name ? name : "EIO"));
		js_set(error, "message", js_string(err->text));
		js_set(root, "error", error);
	}
	js_set(root, "warnings", cli->warnings);
	text = js_format(root, JS_INDENT2);
	puts(text ? text : "{\"version\": 1, \"ok\": false}");
}

/* A result that did not reach its reader is no result. */
int cli_finish(struct cli *cli, int r, struct err *err)
{
	if (r >= 0 && cli->failed)
		r = err_nomem(err);
	if (cli->result && !cli->is_answered)
		print_json(cli, r, err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "%s: the output could not be written: %s\n", cli->program->name,
			strerror(errno));
		return r < 0 ? exit_status(cli, r) : CLI_FAILED;
	}
	if (r < 0) {
		str_clean(err->text);
		fprintf(stderr, "%s: %s\n", cli->program->name,
			err->text[0] ? err->text : strerror(-r));
	}
	return exit_status(cli, r);
}

/* --- the way through */

static void begin_json(struct cli *cli, const char *command)
{
	cli->json = true;
	cli->result = js_object();
	cli->warnings = js_array();
	js_set(cli->result, "version", js_int(JSON_VERSION));
	js_set(cli->result, "command", js_string(command));
}

/* Also behind what cannot be understood: who asked for JSON gets no other answer. */
static bool wants_json(int n, char **words)
{
	int i;

	for (i = 0; i < n && strcmp(words[i], "--") != 0; i++)
		if (strcmp(words[i], "--json") == 0 || strcmp(words[i], "-j") == 0)
			return true;
	return false;
}

static char *join(int n, char **words)
{
	struct str text = STR_NULL;
	int i;

	for (i = 0; i < n; i++) {
		str_add(&text, i ? " " : "");
		str_add_quoted(&text, words[i]);
	}
	return str_take(&text);
}

/* What the program says of itself. */
static int tell(struct cli *cli, const char *key, const char *text)
{
	struct err err = ERR_NULL;

	if (cli->result)
		js_set(cli->result, key, js_string(text));
	else
		fputs(text, stdout);
	return cli_finish(cli, 0, &err);
}

static int help(struct cli *cli)
{
	CLEANUP_STR struct str text = STR_NULL;

	cli_help(cli->program, cli->verb, &text);
	return tell(cli, "help", str_get(&text));
}

static int version(struct cli *cli)
{
	CLEANUP_STR struct str text = STR_NULL;

	if (cli->result)
		return tell(cli, "program", cli->program->version);
	str_addf(&text, "%s %s\n", cli->program->name, cli->program->version);
	return tell(cli, "program", str_get(&text));
}

/* The second words of verbs that begin with @word: "add, remove". */
static void add_second(const struct cli_program *program, const char *word, struct str *text)
{
	size_t length = strlen(word);
	size_t i;

	for (i = 0; i < program->n_verbs; i++) {
		const char *name = program->verbs[i].name;

		if (strncmp(name, word, length) == 0 && name[length] == ' ')
			str_addf(text, "%s%s", text->length ? ", " : "", name + length + 1);
	}
}

static void add_near(const struct cli_program *program, const char *word, struct str *text)
{
	CLEANUP_FREE const char **names = calloc(program->n_verbs + 1, sizeof(*names));
	size_t n = 0;
	size_t i;

	for (i = 0; names && i < program->n_verbs; i++)
		if (program->verbs[i].summary)
			names[n++] = program->verbs[i].name;
	if (names)
		str_add_near(text, word, names, n);
}

static int usage(struct cli *cli, const char *word)
{
	const struct cli_program *program = cli->program;
	CLEANUP_STR struct str known = STR_NULL;
	CLEANUP_STR struct str near = STR_NULL;
	CLEANUP_STR struct str text = STR_NULL;
	struct err err = ERR_NULL;

	if (!word) {
		str_addf(&text, "say what to do, such as \"%s\"", program->first);
	} else if (word[0] == '-') {
		str_addf(&text, "options come after the verb, \"%s\" does not", word);
	} else {
		add_second(program, word, &known);
		add_near(program, word, &near);
		if (known.length)
			str_addf(&text, "%s what? %s", word, str_get(&known));
		else
			str_addf(&text, "there is no verb \"%s\"%s%s%s", word,
				 near.length ? ", did you mean " : "", str_get(&near),
				 near.length ? "?" : "");
	}
	err_set_text(&err, -EINVAL, "%s; see: %s --help", str_get(&text), program->name);
	return cli_finish(cli, cli_usage(cli, -EINVAL), &err);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* What is no verb of the table. */
static int run_other(struct cli *cli, const char *word)
{
	if (word && is_one_of(word, "help", "--help", "-h"))
		return help(cli);
	if (word && is_one_of(word, "version", "--version", "-V"))
		return version(cli);
	return usage(cli, word);
}

static int run_verb(struct ctl *ctl, int n_words, char **words, bool json)
{
	struct cli *cli = (struct cli *)ctl;
	struct err err = ERR_NULL;
	int r = cli_parse(ctl, n_words, words, &err);

	if (json || cli->json)
		begin_json(cli, cli->verb->name);
	if (r == 1)
		return help(cli);
	if (r < 0)
		cli_usage(cli, r);
	else
		r = (cli->program->run ? cli->program->run : cli->verb->run)(ctl, &err);
	return cli_finish(cli, r, &err);
}

int cli_main(const struct cli_program *program, int n_words, char **words, struct ctl *ctl)
{
	CLEANUP_FREE char *command = join(n_words, words);
	struct cli *cli = (struct cli *)ctl;
	bool json = wants_json(n_words, words);
	int n = 0;

	cli->program = program;
	cli->verb = cli_find(program, words, n_words, &n);
	cli->command = command ? command : program->name;
	if (cli->verb)
		return run_verb(ctl, n_words - n + 1, words + n - 1, json);
	if (json)
		begin_json(cli, n_words ? words[0] : NULL);
	return run_other(cli, n_words ? words[0] : NULL);
}

void cli_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}
