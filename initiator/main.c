/* SPDX-License-Identifier: BSD-3-Clause */
/* nvme-sunfishctl - the one place that prints errors and knows exit statuses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "initiator/ctl.h"
#include "initiator/request.h"
#include "initiator/verbs.h"

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
	if (ctl->result)
		print_json(ctl, r, err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nvme-sunfishctl: the output could not be written: %s\n",
			strerror(errno));
		return r < 0 ? exit_status(ctl, r) : CTL_FAILED;
	}
	if (r < 0) {
		str_clean(err->text);
		fprintf(stderr, "nvme-sunfishctl: %s\n", err->text[0] ? err->text : strerror(-r));
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

static int run(struct ctl *ctl, const struct verb *verb, struct err *err)
{
	int r = ctl_open(ctl, err);

	if (r == 0)
		r = verb->run(ctl, err);
	ctl_close(ctl);
	return r;
}

static int run_verb(const struct verb *verb, int n_words, char **words)
{
	CLEANUP_FREE char *command = join(n_words, words);
	struct ctl ctl = {
		.verb = verb->name,
		.command = command ? command : verb->name,
		.opt = CTL_OPTIONS_NULL,
		.dirs = { -1, -1, -1, -1 },
		.lock_fd = -1,
		.conf_path = SYSCONFDIR "/initiator.conf",
		.state_path = STATEDIR,
		.socket_path = REQUEST_SOCKET,
	};
	struct err err = ERR_NULL;
	bool json = wants_json(n_words, words);
	int r = verb_parse(verb, n_words, words, &ctl, &err);

	if (json || ctl.opt.json)
		begin_json(&ctl, verb->name);
	if (r == 1)
		return help(&ctl, verb);
	if (r < 0)
		ctl_usage(&ctl, r);
	else
		r = run(&ctl, verb, &err);
	return finish(&ctl, r, &err);
}

static int usage(struct ctl *ctl, const char *word)
{
	CLEANUP_STR struct str near = STR_NULL;
	struct err err = ERR_NULL;

	ctl->status = CTL_USAGE;
	if (word && word[0] != '-')
		verb_add_near(word, &near);
	if (!word)
		err_set_text(&err, -EINVAL,
			     "say what to do, such as \"list\"; see: nvme-sunfishctl --help");
	else if (word[0] == '-')
		err_set_text(&err, -EINVAL,
			     "options come after the verb, \"%s\" does not; see: "
			     "nvme-sunfishctl --help",
			     word);
	else
		err_set_text(&err, -EINVAL,
			     "there is no verb \"%s\"%s%s%s; see: nvme-sunfishctl --help", word,
			     near.length ? ", did you mean " : "", str_get(&near),
			     near.length ? "?" : "");
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
			    ctl.result ? VERSION : "nvme-sunfishctl " VERSION "\n");
	return usage(&ctl, word);
}

/* A file opened as descriptor 2 would get our messages. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const struct verb *verb = argc > 1 ? verb_find(argv[1]) : NULL;

	umask(077);
	open_standard();
	if (!verb)
		return run_other(argc > 1 ? argc - 1 : 0, argv + 1);
	return run_verb(verb, argc - 1, argv + 1);
}
