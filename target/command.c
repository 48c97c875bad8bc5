/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/ask.h"
#include "target/ctl.h"
#include "target/guard.h"
#include "target/remote.h"
#include "target/verbs.h"

#define JSON_VERSION 1

static int exit_status(const struct ctl *ctl, int r)
{
	if (r >= 0)
		return ctl->status;
	if (ctl->status)
		return ctl->status;
	if (r == -EPERM || (r == -EACCES && geteuid() != 0))
		return CTL_NOT_PERMITTED;
	return CTL_FAILED;
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
	if (ctl->result && !ctl->is_stream)
		print_json(ctl, r, err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nvmet-sunfishctl: the output could not be written: %s\n",
			strerror(errno));
		return r < 0 ? exit_status(ctl, r) : CTL_FAILED;
	}
	if (r < 0) {
		str_clean(err->text);
		fprintf(stderr, "nvmet-sunfishctl: %s\n", err->text[0] ? err->text : strerror(-r));
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

static int run(struct ctl *ctl, const struct verb *verb, struct err *err)
{
	int r = settings_load(AT_FDCWD, CTL_SETTINGS_PATH, &ctl->settings, err);

	/* what decides who may connect and where must be read; a typing error in the rest must not
	 * keep all exports away at boot */
	if (r < 0 && (r == -ENOMEM || strchr(verb->options, 'l')))
		return r;
	if (r < 0)
		ctl_warn(ctl, "%s; until that is mended, the defaults hold", err->text);
	r = ctl_open_system(ctl, err);
	return r < 0 ? r : verb->run(ctl, err);
}

struct guarded {
	struct ctl *ctl;
	const struct verb *verb;
};

static int run_in_child(void *data)
{
	const struct guarded *guarded = data;
	struct err err = ERR_NULL;
	int r = run(guarded->ctl, guarded->verb, &err);

	return finish(guarded->ctl, r, &err);
}

/* A call of an earlier run still hangs in the kernel: this run may get stuck behind it. */
static int run_guarded(struct ctl *ctl, const struct verb *verb)
{
	struct guarded guarded = { ctl, verb };
	struct err err = ERR_NULL;
	int r;

	settings_load(AT_FDCWD, CTL_SETTINGS_PATH, &ctl->settings, NULL);
	r = guard_run(run_in_child, &guarded, ctl->settings.hang_seconds);
	if (r >= 0)
		return r;
	if (r != -ETIMEDOUT) {
		err_set(&err, r, "%s cannot be run beside a call that hangs in the kernel: %s",
			verb->name, strerror(-r));
		return finish(ctl, r, &err);
	}
	err_set(&err, r,
		"%s has to wait for the kernel, in which a call of an earlier command still hangs, "
		"and was given up after %u s: a drive does not answer (see: dmesg). \"show NQN\" of "
		"other exports works; once the drive answers or is gone, repeat the command",
		verb->name, ctl->settings.hang_seconds);
	return finish(ctl, r, &err);
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

/* Returns: 0, *ret_status is set; negative errno: it is to be done here. */
static int run_remotely(struct ctl *ctl, const char *request, int *ret_status)
{
	unsigned int seconds;
	struct err err = ERR_NULL;
	int r;

	if (ctl->opt.dry_run || ctl->opt.no_daemon || ctl->fault || geteuid() != 0)
		return -ENOTSUP;
	settings_load(AT_FDCWD, CTL_SETTINGS_PATH, &ctl->settings, NULL);
	seconds = ctl->opt.wait_seconds < 0 ? ctl->settings.wait_seconds
					    : (unsigned int)ctl->opt.wait_seconds;
	r = remote_run_verb(ctl->run_path, request, seconds, ret_status, &err);
	if (r != -EOWNERDEAD)
		return r;
	*ret_status = finish(ctl, r, &err);
	return 0;
}

static int run_verb(const struct verb *verb, int n_words, char **words, const char *command,
		    const char *request)
{
	struct ctl ctl;
	struct err err = ERR_NULL;
	bool json = wants_json(n_words, words);
	int status;
	int r;

	ctl_init(&ctl);
	ctl.verb = verb->name;
	ctl.command = command;
	ctl.fault = getenv("SUNFISH_FAULT");
	r = verb_parse(verb, n_words, words, &ctl, &err);
	if (json || ctl.opt.json)
		begin_json(&ctl, verb->name);
	if (r == 1)
		return help(&ctl, verb);
	if (r < 0)
		ctl_usage(&ctl, r);
	else if (request && run_remotely(&ctl, request, &status) == 0)
		return status;
	else if (guard_is_needed(ctl.run_path))
		return run_guarded(&ctl, verb);
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
			     "say what to do, such as \"list\"; see: nvmet-sunfishctl --help");
	else if (word[0] == '-')
		err_set_text(&err, -EINVAL,
			     "options come after the verb, \"%s\" does not; see: "
			     "nvmet-sunfishctl --help",
			     word);
	else if (verb_list_second(word, known, sizeof(known)))
		err_set_text(&err, -EINVAL, "%s what? %s; see: nvmet-sunfishctl --help", word,
			     known);
	else
		err_set_text(&err, -EINVAL, "there is no verb \"%s\"; see: nvmet-sunfishctl --help",
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
		return tell(&ctl, "program",
			    ctl.result ? VERSION : "nvmet-sunfishctl " VERSION "\n");
	return usage(&ctl, word);
}

/* Before the words are parsed, which changes them. NULL: the verb is not for the daemon. */
static char *format_request(const struct verb *verb, int n_words, char **words)
{
	CLEANUP_FREE char *directory = get_current_dir_name();

	if (!strchr(verb->options, 'C') || !directory)
		return NULL;
	return ask_format(ASK_VERB, n_words, words, directory);
}

int command_run(int n_words, char **words, bool here)
{
	CLEANUP_FREE char *command = join(n_words, words);
	CLEANUP_FREE char *request = NULL;
	const struct verb *verb;
	int n;

	verb = n_words ? verb_find(words, n_words, &n) : NULL;
	if (!verb)
		return run_other(n_words, words);
	if (!here)
		request = format_request(verb, n_words, words);
	return run_verb(verb, n_words - n + 1, words + n - 1, command ? command : verb->name,
			request);
}
