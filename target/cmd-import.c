/* SPDX-License-Identifier: BSD-3-Clause */
/* import --format nvmetcli: make what another tool's file says, all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/cmd.h"
#include "target/drive.h"
#include "target/listen.h"
#include "target/nvmetcli.h"
#include "target/plan.h"

static void warn_lines(struct ctl *ctl, const char *text)
{
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1)
		cli_warn(&ctl->cli, "%.*s", (int)(end - text), text);
}

static int load(struct ctl *ctl, struct model_object **ret, struct err *err)
{
	const char *path = ctl->cli.args[0];
	CLEANUP_STR struct str warnings = STR_NULL;
	CLEANUP_FREE char *text = NULL;
	size_t length = 0;
	int r = fs_read_file(AT_FDCWD, path, NVMETCLI_SIZE_MAX, &text, &length);

	if (r < 0)
		return err_set(err, r, "%s cannot be read: %s", path, strerror(-r));
	r = nvmetcli_parse(text, length, ctl->opt.strict, ret, &warnings, err);
	explicit_bzero(text, length);
	warn_lines(ctl, str_get(&warnings));
	if (r < 0)
		err_prefix(err, "%s: ", path);
	return r;
}

static int prepare(struct ctl *ctl, struct change *change, struct err *err)
{
	CLEANUP_DRIVE_CONTEXT struct drive_context drives = DRIVE_CONTEXT_NULL;
	CLEANUP_STR struct str notes = STR_NULL;
	struct model_object *subsystem;
	size_t i = 0;
	int r = drive_context_init(ctl, change->actual, &drives, err);

	while (r == 0 && (subsystem = model_next(change->wanted, MODEL_SUBSYSTEM, &i))) {
		r = drive_prepare(&drives, subsystem,
				  model_find(change->actual, MODEL_SUBSYSTEM, subsystem->name),
				  ctl->opt.force ? CLAIM_FORCE : CLAIM_RESTORE, &notes, err);
		if (r == 0)
			r = drive_context_add(&drives, subsystem, err);
	}
	return r;
}

static int commit(struct ctl *ctl, struct change *change, struct err *err)
{
	CLEANUP_FREE const char **nqns = calloc(change->wanted->n_children + 1, sizeof(*nqns));
	const struct model_object *subsystem;
	size_t n = 0;
	size_t i = 0;

	if (!nqns)
		return err_nomem(err);
	while ((subsystem = model_next(change->wanted, MODEL_SUBSYSTEM, &i)))
		nqns[n++] = subsystem->name;
	return change_commit(ctl, change, nqns, n, err);
}

int cmd_import(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	CLEANUP_MODEL struct model_object *wanted = NULL;
	int r;

	if (!ctl->opt.format || strcmp(ctl->opt.format, "nvmetcli") != 0)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL, "say of what: --format nvmetcli"));
	r = load(ctl, &wanted, err);
	if (r == 0)
		r = change_begin(ctl, NULL, true, &change, err);
	if (r < 0)
		return r;
	model_free(change.wanted);
	change.wanted = TAKE_PTR(wanted);
	/* a host that the file does not name must not stay allowed */
	if (plan_make_exact(change.wanted, change.actual) < 0)
		return err_nomem(err);
	r = listen_check(ctl, change.wanted, change.actual, err);
	if (r == 0)
		r = prepare(ctl, &change, err);
	return r < 0 ? r : commit(ctl, &change, err);
}
