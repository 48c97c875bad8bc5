/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/ask.h"
#include "target/ctl.h"
#include "target/guard.h"
#include "target/remote.h"
#include "target/verbs.h"

static int run_here(struct ctl *ctl, struct err *err)
{
	int r = settings_load(AT_FDCWD, ctl->settings_path, &ctl->settings, err);

	/* what decides who may connect and where must be read; a typing error in the rest must not
	 * keep all exports away at boot */
	if (r < 0 && (r == -ENOMEM || strchr(ctl->cli.verb->options, 'l')))
		return r;
	if (r < 0)
		cli_warn(&ctl->cli, "%s; until that is mended, the defaults hold", err->text);
	r = ctl_open_system(ctl, err);
	return r < 0 ? r : ctl->cli.verb->run(ctl, err);
}

static int run_in_child(void *data)
{
	struct ctl *ctl = data;
	struct err err = ERR_NULL;
	int r = run_here(ctl, &err);

	return cli_finish(&ctl->cli, r, &err);
}

/* Another process has told all, and ended so. */
static int answered(struct ctl *ctl, int status)
{
	ctl->cli.is_answered = true;
	ctl->cli.status = status;
	return 0;
}

/* A call of an earlier run still hangs in the kernel: this run may get stuck behind it. */
static int run_guarded(struct ctl *ctl, struct err *err)
{
	const char *name = ctl->cli.verb->name;
	int r;

	settings_load(AT_FDCWD, ctl->settings_path, &ctl->settings, NULL);
	r = guard_run(run_in_child, ctl, ctl->settings.hang_seconds);
	if (r >= 0)
		return answered(ctl, r);
	if (r != -ETIMEDOUT)
		return err_set(err, r,
			       "%s cannot be run beside a call that hangs in the kernel: %s", name,
			       strerror(-r));
	return err_set(
		err, r,
		"%s has to wait for the kernel, in which a call of an earlier command still hangs, "
		"and was given up after %u s: a drive does not answer (see: dmesg). \"show NQN\" of "
		"other exports works; once the drive answers or is gone, repeat the command",
		name, ctl->settings.hang_seconds);
}

/* Returns: 0 it is done; -EOWNERDEAD; other negative errno: it is to be done here. */
static int run_remotely(struct ctl *ctl, struct err *err)
{
	unsigned int seconds;
	int status;
	int r;

	if (!ctl->request || ctl->opt.dry_run || ctl->opt.no_daemon || ctl->fault || geteuid() != 0)
		return -ENOTSUP;
	settings_load(AT_FDCWD, ctl->settings_path, &ctl->settings, NULL);
	seconds = ctl->opt.wait_seconds < 0 ? ctl->settings.wait_seconds
					    : (unsigned int)ctl->opt.wait_seconds;
	r = remote_run_verb(ctl->run_path, ctl->request, seconds, &status, err);
	return r < 0 ? r : answered(ctl, status);
}

int command_run_verb(struct ctl *ctl, struct err *err)
{
	int r = run_remotely(ctl, err);

	if (r == 0 || r == -EOWNERDEAD)
		return r;
	return guard_is_needed(ctl->run_path) ? run_guarded(ctl, err) : run_here(ctl, err);
}

/* NULL: the verb is not for the daemon. */
static char *format_request(int n_words, char **words)
{
	CLEANUP_FREE char *directory = get_current_dir_name();
	int n;
	const struct cli_verb *verb = cli_find(&verbs_program, words, n_words, &n);

	if (!verb || !strchr(verb->options, 'C') || !directory)
		return NULL;
	return ask_format(ASK_VERB, n_words, words, directory);
}

int command_run(int n_words, char **words, const char *config)
{
	/* before the words are parsed, which changes them */
	CLEANUP_FREE char *request = config ? NULL : format_request(n_words, words);
	struct ctl ctl;

	ctl_init(&ctl);
	ctl.fault = getenv("SUNFISH_FAULT");
	ctl.request = request;
	if (config)
		ctl.settings_path = config;
	return cli_main(&verbs_program, n_words, words, &ctl);
}
