/* SPDX-License-Identifier: BSD-3-Clause */
/* save, restore, apply, diff: exports and their files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/cmd.h"
#include "target/converge.h"
#include "target/drive.h"
#include "target/export.h"
#include "target/stored.h"

/* --- lists of files */

static bool is_asked_for(const struct ctl *ctl, const char *nqn)
{
	size_t i;

	for (i = 0; i < ctl->cli.n_args; i++)
		if (nqn && strcmp(ctl->cli.args[i], nqn) == 0)
			return true;
	return ctl->cli.n_args == 0;
}

/* Keep of a list only what the arguments name; each of them must be there. */
static int select_named(struct ctl *ctl, struct export_list *list, struct export_list *ret,
			struct err *err)
{
	size_t i;

	for (i = 0; i < ctl->cli.n_args; i++)
		if (!export_list_has(list, ctl->cli.args[i]))
			return err_set(err, -ENOENT, "there is no stored export %s in %s or %s",
				       ctl->cli.args[i], ctl->stored_path, ctl->admin_path);
	for (i = 0; i < list->count; i++) {
		if (!is_asked_for(ctl, list->items[i].nqn))
			continue;
		if (export_list_add(ret, &list->items[i]) < 0)
			return err_nomem(err);
		list->items[i] = (struct export_item){ 0 };
	}
	return 0;
}

static int load_file(const char *path, struct export_list *ret, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	struct model_object *wanted = NULL;
	struct export_item item = { 0 };
	struct err why = ERR_NULL;
	size_t length = 0;
	size_t i = 0;
	int r = fs_read_file(AT_FDCWD, path, EXPORT_FILE_MAX, &text, &length);

	if (r < 0)
		return err_set(err, r, "%s cannot be read: %s", path, strerror(-r));
	r = export_parse(text, length, path, &wanted, &why);
	item.file = strdup(path);
	item.code = r;
	item.wanted = wanted;
	if (r < 0)
		item.error = strdup(why.text);
	else
		item.nqn = strdup(model_next(wanted, MODEL_SUBSYSTEM, &i)->name);
	if (r == 0 && export_list_has(ret, item.nqn))
		return err_set(err, -EEXIST, "%s: an earlier file is of %s, too", path, item.nqn);
	return export_list_add(ret, &item) < 0 ? err_nomem(err) : 0;
}

static int load_files(struct ctl *ctl, struct export_list *ret, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = load_file(ctl->cli.args[i], ret, err);
	return r;
}

/* --- verbs */

int cmd_restore(struct ctl *ctl, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list all = EXPORT_LIST_NULL;
	CLEANUP_EXPORT_LIST struct export_list list = EXPORT_LIST_NULL;
	int r = stored_load_wanted(ctl, &all, err);

	if (r == 0)
		r = select_named(ctl, &all, &list, err);
	return r < 0 ? r : converge(ctl, &list, CONVERGE_RESTORE, err);
}

int cmd_apply(struct ctl *ctl, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list list = EXPORT_LIST_NULL;
	int r = load_files(ctl, &list, err);

	return r < 0 ? r : converge(ctl, &list, CONVERGE_STORE | CONVERGE_REWRITE_PORT, err);
}

int cmd_diff(struct ctl *ctl, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list list = EXPORT_LIST_NULL;
	unsigned int flags = CONVERGE_SHOW | (ctl->cli.n_args ? 0 : CONVERGE_RESTORE);
	int r = ctl->cli.n_args ? load_files(ctl, &list, err) : stored_load_wanted(ctl, &list, err);

	/* it takes no lock, and undoes nothing of an earlier run */
	ctl->opt.dry_run = true;
	if (r == 0)
		r = converge(ctl, &list, flags, err);
	if (r == 1)
		ctl->cli.status = CLI_FAILED;
	return r;
}

/* One after the other, so that one which cannot be stored hinders no other. */
static int save_all(struct ctl *ctl, struct change *change, struct err *err)
{
	struct model_object *subsystem;
	struct err why = ERR_NULL;
	size_t n_failed = 0;
	size_t n = 0;
	size_t i = 0;

	while ((subsystem = model_next(change->actual, MODEL_SUBSYSTEM, &i))) {
		const char *nqn = subsystem->name;

		if (!is_asked_for(ctl, nqn))
			continue;
		n++;
		if (drive_name_stably(subsystem, &why) < 0 ||
		    change_commit(ctl, change, &nqn, 1, &why) < 0) {
			n_failed++;
			cli_warn(&ctl->cli, "%s: %s", nqn, why.text);
		}
	}
	if (n_failed) {
		ctl->cli.status = n_failed < n ? CLI_PARTLY : CLI_FAILED;
		return err_set(err, -EIO, "%zu of %zu exports were not stored", n_failed, n);
	}
	cli_say(&ctl->cli, "%zu exports stored in %s\n", n, ctl->stored_path);
	return 0;
}

int cmd_save(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	size_t i;
	int r;

	if (ctl->opt.transient || ctl->opt.dry_run)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "save does nothing but store: --transient and "
						    "--dry-run make no sense with it"));
	r = change_begin(ctl, NULL, false, &change, err);
	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		if (!model_find(change.actual, MODEL_SUBSYSTEM, ctl->cli.args[i]))
			r = cmd_no_export(ctl, ctl->cli.args[i], err);
	return r < 0 ? r : save_all(ctl, &change, err);
}
