/* SPDX-License-Identifier: BSD-3-Clause */
/* delete, clear - take exports away. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/cfs.h"
#include "target/cmd.h"
#include "target/export.h"
#include "target/plan.h"
#include "target/resolve.h"

static bool is_stored(struct ctl *ctl, const char *nqn)
{
	CLEANUP_CLOSE int fd = open(ctl->stored_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[EXPORT_NAME_MAX];

	return fd >= 0 && export_path_name(nqn, name, sizeof(name)) == 0 &&
	       faccessat(fd, name, F_OK, 0) == 0;
}

static bool is_same_text(const struct model_object *a, const struct model_object *b,
			 const char *attr)
{
	return strcmp(model_text(a, attr), model_text(b, attr)) == 0;
}

/* The kernel's port that the stored one became; NULL if there is none, or others use it. */
static const struct model_object *find_idle_port(const struct model_object *actual,
						 const struct model_object *stored)
{
	const struct model_object *port = model_find(actual, MODEL_PORT, stored->name);

	if (model_id(stored) >= MODEL_PORT_UNRESOLVED)
		port = resolve_find_port(actual, model_text(stored, "addr_trtype"),
					 model_text(stored, "addr_traddr"),
					 model_text(stored, "addr_trsvcid"));
	if (!port || port->n_links || !is_same_text(port, stored, "addr_trtype") ||
	    !is_same_text(port, stored, "addr_traddr") ||
	    !is_same_text(port, stored, "addr_trsvcid"))
		return NULL;
	return port;
}

/* An earlier delete may have hung after it took the links away: what they led to is known from
 * the stored export only. */
static int remove_left(struct ctl *ctl, struct change *change, const char *nqn, struct err *err)
{
	CLEANUP_MODEL struct model_object *stored = NULL;
	CLEANUP_CLOSE int fd = open(ctl->stored_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct model_object *object;
	struct model_object *mine;
	size_t i = 0;
	int r = 0;

	if (ctl->nvmet_fd < 0 || fd < 0 ||
	    export_load_one(fd, ctl->stored_path, nqn, &stored, NULL) < 0)
		return 0;
	while ((object = model_next(stored, MODEL_PORT, &i))) {
		object = find_idle_port(change->actual, object);
		mine = object ? model_add(change->wanted, MODEL_PORT, object->name) : NULL;
		if (object && !mine)
			return err_nomem(err);
		if (mine)
			mine->absent = true;
	}
	for (i = 0; r == 0 && (object = model_next(stored, MODEL_HOST, &i));) {
		if (!model_find(change->actual, MODEL_HOST, object->name))
			r = cfs_read_host(ctl->nvmet_fd, object->name, change->actual, err);
		if (r == 0 && !model_find(change->wanted, MODEL_HOST, object->name))
			r = cmd_drop_host(ctl, change, nqn, object->name, err);
	}
	return r;
}

static int remove_one(struct ctl *ctl, struct change *change, const char *nqn, struct err *err)
{
	const struct model_object *actual = model_find(change->actual, MODEL_SUBSYSTEM, nqn);
	struct model_object *wanted = change->wanted;
	size_t i;
	int r;

	if (!actual && (ctl->opt.transient || !is_stored(ctl, nqn)))
		return cmd_no_export(ctl, nqn, err);
	if (!actual)
		return remove_left(ctl, change, nqn, err);
	if (plan_remove_subsystem(wanted, change->actual, nqn) < 0)
		return err_nomem(err);
	for (i = 0, r = 0; r == 0 && i < actual->n_links; i++) {
		model_free(model_find(wanted, MODEL_HOST, actual->links[i].name));
		r = cmd_drop_host(ctl, change, nqn, actual->links[i].name, err);
	}
	return r < 0 ? r : remove_left(ctl, change, nqn, err);
}

int cmd_delete(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const char *scope = ctl->cli.n_args == 1 ? ctl->cli.args[0] : NULL;
	size_t i;
	int r = change_begin(ctl, scope, false, &change, err);

	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = remove_one(ctl, &change, ctl->cli.args[i], err);
	if (r < 0)
		return r;
	r = change_commit(ctl, &change, (const char *const *)ctl->cli.args, ctl->cli.n_args, err);
	if (r == 0 && !change.changed && !ctl->opt.dry_run)
		cli_say(&ctl->cli, "removed what was stored; the kernel had nothing of it\n");
	return r;
}

/* --- clear */

static int remove_all(struct model_object *wanted, const struct model_object *actual,
		      enum model_kind kind)
{
	const struct model_object *object;
	struct model_object *mine;
	size_t i = 0;

	while ((object = model_next(actual, kind, &i))) {
		mine = model_add(wanted, kind, object->name);
		if (!mine)
			return -ENOMEM;
		mine->absent = true;
	}
	return 0;
}

/* Names of all stored exports, in @list. */
static size_t stored_names(struct ctl *ctl, struct export_list *list, const char ***ret)
{
	CLEANUP_CLOSE int fd = open(ctl->stored_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char **names;
	size_t n = 0;
	size_t i;

	if (!ctl->opt.forget || fd < 0 || export_load_dir(fd, ctl->stored_path, list, NULL) < 0)
		return 0;
	names = calloc(list->count + 1, sizeof(*names));
	for (i = 0; names && i < list->count; i++)
		if (list->items[i].nqn)
			names[n++] = list->items[i].nqn;
		else
			cli_warn(&ctl->cli, "a file that is no export stays: %s",
				 list->items[i].error);
	*ret = names;
	return n;
}

static int clear(struct ctl *ctl, struct change *change, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list stored = EXPORT_LIST_NULL;
	CLEANUP_FREE const char **names = NULL;
	size_t n_names;

	if (remove_all(change->wanted, change->actual, MODEL_SUBSYSTEM) < 0 ||
	    remove_all(change->wanted, change->actual, MODEL_PORT) < 0 ||
	    remove_all(change->wanted, change->actual, MODEL_HOST) < 0)
		return err_nomem(err);
	n_names = stored_names(ctl, &stored, &names);
	return change_commit(ctl, change, names, n_names, err);
}

int cmd_clear(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	int r;

	if (!ctl->opt.yes && !ctl->opt.dry_run)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "clear takes all exports of this host away from all "
					 "hosts at once; if that is meant: clear --yes (what "
					 "it would do: clear --dry-run)"));
	r = change_begin(ctl, NULL, false, &change, err);
	if (r == 0)
		r = clear(ctl, &change, err);
	if (r == 0 && !ctl->opt.forget && !ctl->opt.dry_run)
		cli_say(&ctl->cli,
			"stored exports stay: restore brings them back, --forget removes them\n");
	return r;
}
