/* SPDX-License-Identifier: BSD-3-Clause */
/* nvmet-sunfishctl - the one place that prints errors and knows exit statuses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/cfs.h"
#include "target/ctl.h"
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

/* A result that did not reach its reader is no result. */
static int finish(struct ctl *ctl, int r, struct err *err)
{
	if (ctl->result)
		print_json(ctl, r, err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nvmet-sunfishctl: the output could not be written: %s\n",
			strerror(errno));
		return r < 0 ? exit_status(ctl, r) : CTL_FAILED;
	}
	if (r < 0)
		fprintf(stderr, "nvmet-sunfishctl: %s\n", err->text[0] ? err->text : strerror(-r));
	return exit_status(ctl, r);
}

static int run(struct ctl *ctl, const struct verb *verb, struct err *err)
{
	int r = settings_load(AT_FDCWD, SYSCONFDIR "/target.conf", &ctl->settings, err);

	if (r < 0)
		return r;
	ctl->sysfs_fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ctl->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ctl->sysfs_fd < 0 || ctl->proc_fd < 0)
		return err_set(err, -errno, "/sys and /proc must be mounted");
	return verb->run(ctl, err);
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

static int run_verb(const struct verb *verb, int n_words, char **words, const char *command)
{
	struct ctl ctl = {
		.verb = verb->name,
		.command = command,
		.opt.wait_seconds = -1,
		.settings = SETTINGS_DEFAULT,
		.nvmet_path = CFS_PATH,
		.run_path = "/run/sunfish",
		.stored_path = STATEDIR "/exports",
		.admin_path = SYSCONFDIR "/exports.d",
		.nvmet_fd = -1,
		.run_fd = -1,
		.lock_fd = -1,
		.sysfs_fd = -1,
		.proc_fd = -1,
		.fault = getenv("SUNFISH_FAULT"),
	};
	struct err err = ERR_NULL;
	int r = verb_parse(verb, n_words, words, &ctl, &err);

	if (r == 1) {
		verb_help(verb);
		return CTL_DONE;
	}
	if (ctl.opt.json) {
		ctl.result = js_object();
		ctl.warnings = js_array();
		js_set(ctl.result, "version", js_int(JSON_VERSION));
		js_set(ctl.result, "command", js_string(verb->name));
	}
	if (r < 0)
		ctl_usage(&ctl, r);
	else
		r = run(&ctl, verb, &err);
	return finish(&ctl, r, &err);
}

static int usage(const char *word)
{
	char known[256];

	if (!word)
		fprintf(stderr, "nvmet-sunfishctl: say what to do, such as \"list\"; see: "
				"nvmet-sunfishctl --help\n");
	else if (verb_list_second(word, known, sizeof(known)))
		fprintf(stderr, "nvmet-sunfishctl: %s what? %s; see: nvmet-sunfishctl --help\n",
			word, known);
	else
		fprintf(stderr,
			"nvmet-sunfishctl: there is no verb \"%s\"; see: nvmet-sunfishctl --help\n",
			word);
	return CTL_USAGE;
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
	CLEANUP_FREE char *command = join(argc - 1, argv + 1);
	const struct verb *verb;
	int n_words;

	umask(077);
	open_standard();
	if (argc < 2)
		return usage(NULL);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		verb_help(NULL);
		return CTL_DONE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		puts("nvmet-sunfishctl " VERSION);
		return CTL_DONE;
	}
	verb = verb_find(argv + 1, argc - 1, &n_words);
	if (!verb)
		return usage(argv[1]);
	return run_verb(verb, argc - n_words, argv + n_words, command ? command : verb->name);
}
