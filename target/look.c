/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/cfs.h"

void look_deinit(struct look *look)
{
	model_free(look->root);
	session_list_deinit(&look->sessions);
	stored_deinit(&look->stored);
	*look = LOOK_NULL;
}

static int read_sessions(struct ctl *ctl, const char *nqn, struct look *look, struct err *err)
{
	CLEANUP_CLOSE int debugfs_fd = -1;
	struct session_source source = SESSION_SOURCE_NULL;
	struct err why = ERR_NULL;
	size_t none = 0;
	int r;

	if (!model_next(look->root, MODEL_SUBSYSTEM, &none))
		return 0;
	debugfs_fd = openat(ctl->sysfs_fd, "kernel/debug", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	source.proc_fd = ctl->proc_fd;
	source.debugfs_fd = debugfs_fd;
	r = session_list(&source, nqn, look->root, &look->sessions, &why);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (r < 0)
		cli_warn(&ctl->cli, "who is connected is not known: %s", why.text);
	return 0;
}

int look_read(struct ctl *ctl, struct look *ret, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = ctl_read_target(ctl, &look.root, err);

	if (r == 0)
		r = read_sessions(ctl, NULL, &look, err);
	if (r == 0)
		r = stored_load(ctl, &look.stored, err);
	if (r < 0)
		return r;
	*ret = look;
	look = LOOK_NULL;
	return 0;
}

static int read_root(struct ctl *ctl, const char *nqn, struct model_object **ret, struct err *err)
{
	/* it says what is wrong, and gives an empty tree where nvmet is not loaded */
	if (ctl_open_target(ctl, false, NULL) < 0)
		return ctl_read_target(ctl, ret, err);
	return cfs_read_subsystem(ctl->nvmet_fd, nqn, ret, err);
}

int look_read_one(struct ctl *ctl, const char *nqn, struct look *ret, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = read_root(ctl, nqn, &look.root, err);

	if (r == 0)
		r = read_sessions(ctl, nqn, &look, err);
	if (r == 0)
		r = stored_load_one(ctl, nqn, &look.stored, err);
	if (r < 0)
		return r;
	*ret = look;
	look = LOOK_NULL;
	return 0;
}

static int tell_exported(const struct look *look, const struct model_object *subsystem, look_fn fn,
			 void *data)
{
	CLEANUP_FREE char *path = stored_find_path(&look->stored, subsystem->name);
	struct view_export export = {
		.root = look->root,
		.subsystem = subsystem,
		.sessions = &look->sessions,
		.stored = path,
	};

	return fn(data, &export);
}

static int tell_stored(const struct look *look, const struct export_item *item, look_fn fn,
		       void *data)
{
	CLEANUP_FREE char *path = stored_find_path(&look->stored, item->nqn);
	struct view_export export = {
		.root = item->wanted,
		.subsystem = model_find(item->wanted, MODEL_SUBSYSTEM, item->nqn),
		.stored = path,
	};

	return export.subsystem ? fn(data, &export) : 0;
}

int look_each(const struct look *look, look_fn fn, void *data)
{
	const struct model_object *subsystem;
	const struct export_item *item;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (subsystem = model_next(look->root, MODEL_SUBSYSTEM, &i)))
		r = tell_exported(look, subsystem, fn, data);
	for (i = 0; r == 0 && (item = stored_next(&look->stored, &i, NULL));)
		if (!model_find(look->root, MODEL_SUBSYSTEM, item->nqn) &&
		    stored_find(&look->stored, item->nqn, NULL) == item)
			r = tell_stored(look, item, fn, data);
	return r;
}

static int collect_name(void *data, const struct view_export *export)
{
	const char ***next = data;

	*(*next)++ = export->subsystem->name;
	return 0;
}

static int refuse_name(const char *nqn, const char *const *names, size_t n_names, struct err *err)
{
	CLEANUP_STR struct str near = STR_NULL;

	if (n_names == 0)
		return err_set(err, -ENOENT, "there is no export %s: this target has none at all",
			       nqn);
	str_add_near(&near, nqn, names, n_names);
	if (near.length)
		return err_set(err, -ENOENT, "there is no export %s; did you mean %s?", nqn,
			       str_get(&near));
	return err_set(err, -ENOENT,
		       "there is no export %s; nvmet-sunfishctl list shows the %zu there are", nqn,
		       n_names);
}

static int no_export(const struct look *look, const char *nqn, struct err *err)
{
	size_t most = look->root->n_children + look->stored.kept.count + look->stored.admin.count;
	const char **names = calloc(most + 1, sizeof(void *));
	const char **next = names;
	int r;

	if (!names)
		return err_nomem(err);
	look_each(look, collect_name, &next);
	r = refuse_name(nqn, names, (size_t)(next - names), err);
	free(names);
	return r;
}

int look_one(const struct look *look, const char *nqn, look_fn fn, void *data, struct err *err)
{
	const struct model_object *subsystem = model_find(look->root, MODEL_SUBSYSTEM, nqn);
	const struct export_item *item;

	if (subsystem)
		return tell_exported(look, subsystem, fn, data);
	item = stored_find(&look->stored, nqn, NULL);
	return item ? tell_stored(look, item, fn, data) : no_export(look, nqn, err);
}
