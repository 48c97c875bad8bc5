/* SPDX-License-Identifier: BSD-3-Clause */
/* namespace add, remove, enable, disable, resize */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "target/cmd.h"
#include "target/drive.h"
#include "target/spec.h"

static int prepare(struct ctl *ctl, struct model_object *wanted, const struct model_object *actual,
		   struct err *err)
{
	CLEANUP_DRIVE_CONTEXT struct drive_context drives = DRIVE_CONTEXT_NULL;
	CLEANUP_STR struct str notes = STR_NULL;
	int r = drive_context_init(ctl, NULL, &drives, err);

	if (r == 0)
		r = drive_prepare(&drives, wanted, actual, ctl->opt.force ? CLAIM_FORCE : 0, &notes,
				  err);
	if (r == 0 && notes.length)
		cli_warn(&ctl->cli, "%.*s", (int)notes.length - 1, notes.text);
	return r;
}

/* One that is there may be asked for again, but not with another drive. */
static int check_new(const struct model_object *wanted, const struct model_object *actual,
		     struct err *err)
{
	const struct model_object *ns;
	const struct model_object *now;
	size_t i = 0;

	while ((ns = model_next(wanted, MODEL_NAMESPACE, &i))) {
		now = model_find(actual, MODEL_NAMESPACE, ns->name);
		if (now &&
		    !drive_is_same(model_text(ns, "device_path"), model_text(now, "device_path")))
			return err_set(err, -EEXIST,
				       "namespace %s of %s is there already, on %s; remove it "
				       "first, or give another nsid=N",
				       ns->name, wanted->name, model_text(now, "device_path"));
	}
	return 0;
}

int cmd_namespace_add(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *actual;
	struct model_object *wanted;
	size_t i;
	int r;

	if (!ctl->opt.devs.count)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL, "say which drive: --dev /dev/nvme1n1"));
	r = cmd_begin(ctl, &change, &wanted, &actual, err);
	for (i = 0; r == 0 && i < ctl->opt.devs.count; i++)
		r = spec_add_namespace(wanted, ctl->opt.devs.items[i].value,
				       cmd_free_nsid(wanted, actual), err);
	if (r == 0)
		r = check_new(wanted, actual, err);
	if (r == 0)
		r = prepare(ctl, wanted, actual, err);
	return r < 0 ? r : change_commit(ctl, &change, (const char *const *)ctl->cli.args, 1, err);
}

/* The namespace that an argument names, which must be there. */
static int find_namespace(struct ctl *ctl, const struct model_object *actual, const char *nsid,
			  const struct model_object **ret, struct err *err)
{
	uint64_t number;

	if (str_parse_uint(nsid, 0xfffffffe, &number) < 0)
		return cli_usage(
			&ctl->cli,
			err_set(err, -EINVAL, "\"%s\" is no namespace: a number is meant", nsid));
	*ret = model_find_id(actual, MODEL_NAMESPACE, (uint32_t)number);
	if (*ret)
		return 0;
	return err_set(err, -ENOENT, "%s has no namespace %s; see: show %s", actual->name, nsid,
		       actual->name);
}

typedef int (*mark_fn)(struct model_object *wanted, const struct model_object *actual);

/* Do the same to each namespace that is named. */
static int mark_each(struct ctl *ctl, struct model_object *wanted,
		     const struct model_object *actual, mark_fn mark, struct err *err)
{
	const struct model_object *now;
	struct model_object *ns;
	size_t i;
	int r = 0;

	for (i = 1; r == 0 && i < ctl->cli.n_args; i++) {
		r = find_namespace(ctl, actual, ctl->cli.args[i], &now, err);
		if (r < 0)
			return r;
		ns = model_add(wanted, MODEL_NAMESPACE, now->name);
		r = ns && mark(ns, now) == 0 ? 0 : err_nomem(err);
	}
	return r;
}

static int mark_absent(struct model_object *ns, const struct model_object *now)
{
	(void)now;
	ns->absent = true;
	return 0;
}

/* The drive may be another one by now: it is looked at as when it was added. */
static int mark_enabled(struct model_object *ns, const struct model_object *now)
{
	int r = model_set(ns, "enable", "1");

	if (r == 0)
		r = model_set(ns, "device_path", model_text(now, "device_path"));
	if (r == 0)
		r = model_set(ns, "device_uuid", model_text(now, "device_uuid"));
	return r < 0 ? r : model_set(ns, "device_nguid", model_text(now, "device_nguid"));
}

static int mark_disabled(struct model_object *ns, const struct model_object *now)
{
	(void)now;
	return model_set(ns, "enable", "0");
}

static int change_each(struct ctl *ctl, mark_fn mark, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *actual;
	struct model_object *wanted;
	int r = cmd_begin(ctl, &change, &wanted, &actual, err);

	if (r == 0)
		r = mark_each(ctl, wanted, actual, mark, err);
	if (r == 0 && mark == mark_enabled)
		r = prepare(ctl, wanted, actual, err);
	return r < 0 ? r : change_commit(ctl, &change, (const char *const *)ctl->cli.args, 1, err);
}

int cmd_namespace_remove(struct ctl *ctl, struct err *err)
{
	return change_each(ctl, mark_absent, err);
}

int cmd_namespace_enable(struct ctl *ctl, struct err *err)
{
	return change_each(ctl, mark_enabled, err);
}

int cmd_namespace_disable(struct ctl *ctl, struct err *err)
{
	return change_each(ctl, mark_disabled, err);
}

/* --- resize: the kernel looks at the drive's size again, and tells hosts */

static int revalidate(struct ctl *ctl, const struct model_object *ns, struct err *err)
{
	char path[MODEL_PATH_MAX + 32];
	size_t length;
	int r;

	if (!model_is_on(ns, "enable"))
		return err_set(err, -EINVAL,
			       "namespace %s of %s is disabled: it takes its size when it is "
			       "enabled",
			       ns->name, ns->parent->name);
	if (model_path(ns, path, MODEL_PATH_MAX) < 0)
		return err_set(err, -ENAMETOOLONG, "%s: the path is too long", ns->parent->name);
	length = strlen(path);
	snprintf(path + length, sizeof(path) - length, "/revalidate_size");
	if (ctl->opt.dry_run) {
		cli_say(&ctl->cli, "echo -n 1 >%s/%s\n", ctl->nvmet_path, path);
		return 0;
	}
	r = fs_write_at(ctl->nvmet_fd, path, "1", 1);
	if (r == -ENOENT)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel cannot look at a drive's size again (before 5.8): "
			       "disable and enable namespace %s of %s",
			       ns->name, ns->parent->name);
	if (r < 0)
		return err_set(err, r, "the size of namespace %s of %s cannot be read again: %s",
			       ns->name, ns->parent->name, strerror(-r));
	cli_say(&ctl->cli, "namespace %s of %s has the size of its drive\n", ns->name,
		ns->parent->name);
	return 0;
}

int cmd_namespace_resize(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *actual;
	const struct model_object *ns;
	struct model_object *wanted;
	size_t i = 0;
	int r = cmd_begin(ctl, &change, &wanted, &actual, err);

	if (r < 0)
		return r;
	if (ctl->cli.n_args > 1) {
		r = find_namespace(ctl, actual, ctl->cli.args[1], &ns, err);
		return r < 0 ? r : revalidate(ctl, ns, err);
	}
	while (r == 0 && (ns = model_next(actual, MODEL_NAMESPACE, &i)))
		if (model_is_on(ns, "enable"))
			r = revalidate(ctl, ns, err);
	return r;
}
