/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/run.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/verbs.h"

#define JSON_VERSION 1

static int exit_status(const struct ctl *ctl, int r)
{
	if (r >= 0 || ctl->status)
		return ctl->status;
	return r == -EPERM || r == -EACCES ? CTL_NOT_PERMITTED : CTL_FAILED;
}

static const char *errno_name(int r)
{
	const char *name = strerrorname_np(-r);

	return name ? name : "EIO";
}

static void print_json(struct ctl *ctl, int r, const struct err *err)
{
	CLEANUP_JS struct js *root = ctl->result;
	CLEANUP_FREE char *text = NULL;
	struct js *error;

	ctl->result = NULL;
	js_set(root, "ok", js_bool(r >= 0));
	if (r < 0) {
		error = js_object();
		js_set(error, "errno", js_string(errno_name(r)));
		js_set(error, "message", js_string(err->text));
		js_set(root, "error", error);
	}
	js_set(root, "warnings", ctl->warnings);
	text = js_format(root, JS_INDENT2);
	puts(text ? text : "{\"version\": 1, \"ok\": false}");
}

static void begin_json(struct ctl *ctl, const char *command)
{
	ctl->opt.json = true;
	ctl->result = js_object();
	ctl->warnings = js_array();
	js_set(ctl->result, "version", js_int(JSON_VERSION));
	js_set(ctl->result, "command", js_string(command));
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

/* A result that did not reach its reader is no result. */
static int finish(struct ctl *ctl, int r, struct err *err)
{
	if (ctl->result)
		print_json(ctl, r, err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "sunfishctl: the output could not be written: %s\n",
			strerror(errno));
		return r < 0 ? exit_status(ctl, r) : CTL_FAILED;
	}
	if (r < 0) {
		str_clean(err->text);
		fprintf(stderr, "sunfishctl: %s\n", err->text[0] ? err->text : strerror(-r));
	}
	return exit_status(ctl, r);
}

/* What the program says of itself. */
static int tell(struct ctl *ctl, const char *key, const char *text)
{
	struct err err = ERR_NULL;

	if (ctl->result)
		js_set(ctl->result, key, js_string(text));
	else
		fputs(text, stdout);
	return finish(ctl, 0, &err);
}

static int help(struct ctl *ctl, const struct verb *verb)
{
	CLEANUP_STR struct str text = STR_NULL;

	verb_help(verb, &text);
	return tell(ctl, "help", str_get(&text));
}

/* Programs of a user may not turn colours off for all; https://no-color.org. */
static void find_style(struct ctl *ctl)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size;

	setlocale(LC_CTYPE, "");
	ctl->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!isatty(STDOUT_FILENO))
		return;
	ctl->style.colours = !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		ctl->style.width = size.ws_col;
}

static int load_settings(struct ctl *ctl, struct err *err)
{
	struct settings *settings = &ctl->settings;
	int r;

	settings_init(settings, STATEDIR);
	r = settings_load(settings, AT_FDCWD, SYSCONFDIR "/sunfishctl.conf", err);
	if (r == 0) {
		r = settings_set(settings, getenv("SUNFISH_URL"), getenv("SUNFISH_CA_FILE"),
				 getenv("SUNFISH_TOKEN_FILE"), err);
		if (r < 0)
			err_prefix(err, "in the environment: SUNFISH_");
	}
	if (r == 0)
		r = settings_set(settings, ctl->opt.url, ctl->opt.ca_file, ctl->opt.token_file,
				 err);
	return r;
}

static int run(struct ctl *ctl, const struct verb *verb, struct err *err)
{
	int r = load_settings(ctl, err);

	if (r == 0)
		r = client_open(&ctl->settings, &ctl->client, err);
	if (r == 0)
		r = verb->run(ctl, err);
	client_close(ctl->client);
	return r;
}

static int run_verb(const struct verb *verb, int n_words, char **words)
{
	struct ctl ctl = { .verb = verb->name };
	struct err err = ERR_NULL;
	bool json = wants_json(n_words, words);
	int r = verb_parse(verb, n_words, words, &ctl, &err);

	if (json || ctl.opt.json)
		begin_json(&ctl, verb->name);
	if (r == 1)
		return help(&ctl, verb);
	find_style(&ctl);
	if (r < 0)
		ctl_usage(&ctl, r);
	else
		r = run(&ctl, verb, &err);
	return finish(&ctl, r, &err);
}

static int usage(struct ctl *ctl, const char *word)
{
	struct err err = ERR_NULL;
	char known[256];

	ctl->status = CTL_USAGE;
	if (!word)
		err_set_text(&err, -EINVAL,
			     "say what to do, such as \"nodes\"; see: sunfishctl --help");
	else if (word[0] == '-')
		err_set_text(&err, -EINVAL,
			     "options come after the verb, \"%s\" does not; see: sunfishctl --help",
			     word);
	else if (verb_list_second(word, known, sizeof(known)))
		err_set_text(&err, -EINVAL, "%s what? %s; see: sunfishctl --help", word, known);
	else
		err_set_text(&err, -EINVAL, "there is no verb \"%s\"; see: sunfishctl --help",
			     word);
	return finish(ctl, -EINVAL, &err);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* What is no verb of the table. */
static int run_other(int n_words, char **words)
{
	struct ctl ctl = { 0 };
	const char *word = n_words ? words[0] : NULL;

	if (wants_json(n_words, words))
		begin_json(&ctl, word);
	if (word && is_one_of(word, "help", "--help", "-h"))
		return help(&ctl, NULL);
	if (word && is_one_of(word, "version", "--version", "-V"))
		return tell(&ctl, "program", ctl.result ? VERSION : "sunfishctl " VERSION "\n");
	return usage(&ctl, word);
}

int run_main(int argc, char **argv)
{
	const struct verb *verb;
	int n_words;

	verb = argc > 1 ? verb_find(argv + 1, argc - 1, &n_words) : NULL;
	if (!verb)
		return run_other(argc > 1 ? argc - 1 : 0, argv + 1);
	return run_verb(verb, argc - n_words, argv + n_words);
}
