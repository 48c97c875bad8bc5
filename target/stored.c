/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/resolve.h"

void stored_deinit(struct stored *stored)
{
	export_list_deinit(&stored->kept);
	export_list_deinit(&stored->admin);
}

static int warn_of(struct ctl *ctl, const char *path, int r, const struct err *why)
{
	if (r == -EACCES || r == -EPERM)
		cli_warn(&ctl->cli, "stored exports cannot be seen: %s may be read by root only",
			 path);
	else if (r < 0 && r != -ENOENT)
		cli_warn(&ctl->cli, "stored exports of %s cannot be read: %s", path,
			 *why->text ? why->text : strerror(-r));
	return r == -ENOMEM ? r : 0;
}

static int load(struct ctl *ctl, const char *path, struct export_list *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err why = ERR_NULL;
	size_t i;
	int r = fd < 0 ? -errno : export_load_dir(fd, path, ret, &why);

	for (i = 0; i < ret->count; i++)
		if (ret->items[i].error)
			cli_warn(&ctl->cli, "%s", ret->items[i].error);
	return warn_of(ctl, path, r, &why);
}

/* A list of one, so that it is freed and found like any other. */
static int make_list(const char *nqn, struct model_object **take_wanted, struct export_list *ret)
{
	struct export_item *item = calloc(1, sizeof(*item));
	char name[EXPORT_NAME_MAX];

	if (!item)
		return -ENOMEM;
	*ret = (struct export_list){ .items = item, .count = 1 };
	item->wanted = TAKE_PTR(*take_wanted);
	item->nqn = strdup(nqn);
	item->file = export_path_name(nqn, name, sizeof(name)) == 0 ? strdup(name) : NULL;
	return item->nqn && item->file ? 0 : -ENOMEM;
}

static int load_kept(struct ctl *ctl, const char *nqn, struct export_list *ret)
{
	const char *path = ctl->stored_path;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_MODEL struct model_object *wanted = NULL;
	struct err why = ERR_NULL;
	int r = fd < 0 ? -errno : export_load_one(fd, path, nqn, &wanted, &why);

	return r == 0 ? make_list(nqn, &wanted, ret) : warn_of(ctl, path, r, &why);
}

static int finish(int r, struct stored *stored, struct stored *ret, struct err *err)
{
	if (r < 0) {
		stored_deinit(stored);
		return err_nomem(err);
	}
	*ret = *stored;
	return 0;
}

int stored_load(struct ctl *ctl, struct stored *ret, struct err *err)
{
	struct stored stored = { .kept_path = ctl->stored_path, .admin_path = ctl->admin_path };
	int r = load(ctl, ctl->stored_path, &stored.kept);

	if (r == 0)
		r = load(ctl, ctl->admin_path, &stored.admin);
	return finish(r, &stored, ret, err);
}

int stored_load_one(struct ctl *ctl, const char *nqn, struct stored *ret, struct err *err)
{
	struct stored stored = { .kept_path = ctl->stored_path, .admin_path = ctl->admin_path };
	int r = load_kept(ctl, nqn, &stored.kept);

	if (r == 0 && stored.kept.count == 0)
		r = load(ctl, ctl->admin_path, &stored.admin);
	return finish(r, &stored, ret, err);
}

const struct export_item *stored_next(const struct stored *stored, size_t *index,
				      const char **ret_dir)
{
	while (*index < stored->kept.count + stored->admin.count) {
		size_t i = (*index)++;
		bool is_kept = i < stored->kept.count;
		const struct export_item *item =
			is_kept ? &stored->kept.items[i]
				: &stored->admin.items[i - stored->kept.count];

		if (!item->wanted || !item->nqn)
			continue;
		if (ret_dir)
			*ret_dir = is_kept ? stored->kept_path : stored->admin_path;
		return item;
	}
	return NULL;
}

const struct export_item *stored_find(const struct stored *stored, const char *nqn,
				      const char **ret_dir)
{
	const struct export_item *item;
	size_t i = 0;

	while ((item = stored_next(stored, &i, ret_dir)))
		if (strcmp(item->nqn, nqn) == 0)
			return item;
	return NULL;
}

char *stored_find_path(const struct stored *stored, const char *nqn)
{
	const char *dir = NULL;
	const struct export_item *item = stored_find(stored, nqn, &dir);
	char *path;

	return item && asprintf(&path, "%s/%s", dir, item->file) >= 0 ? path : NULL;
}

/* Each file counts its listeners from MODEL_PORT_UNRESOLVED: here they go on counting. */
static int add_port(struct model_object *root, const struct model_object *port, uint32_t *next)
{
	struct model_object *to;
	size_t i;
	int r = 0;

	if (model_id(port) < MODEL_PORT_UNRESOLVED)
		return model_copy(root, port) ? 0 : -ENOMEM;
	to = model_add_id(root, MODEL_PORT, (*next)++);
	if (!to)
		return -ENOMEM;
	for (i = 0; r == 0 && i < port->n_attrs; i++)
		r = model_set(to, port->attrs[i].name, port->attrs[i].value);
	for (i = 0; r == 0 && i < port->n_links; i++)
		r = model_link(to, port->links[i].name, port->links[i].absent);
	for (i = 0; r == 0 && i < port->n_children; i++)
		r = model_copy(to, port->children[i]) ? 0 : -ENOMEM;
	return r;
}

int stored_merge(const struct stored *stored, const char *nqn, const struct model_object *actual,
		 struct model_object **ret, struct err *err)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	const struct export_item *item;
	uint32_t next = MODEL_PORT_UNRESOLVED;
	size_t i = 0;
	size_t j;
	int r = root ? 0 : -ENOMEM;

	while (r == 0 && (item = stored_next(stored, &i, NULL))) {
		if (nqn && strcmp(item->nqn, nqn) != 0)
			continue;
		for (j = 0; r == 0 && j < item->wanted->n_children; j++) {
			const struct model_object *child = item->wanted->children[j];

			if (child->kind == MODEL_PORT)
				r = add_port(root, child, &next);
			else
				r = model_copy(root, child) ? 0 : -ENOMEM;
		}
	}
	if (r < 0 || resolve_loosen(root, actual) < 0)
		return err_nomem(err);
	r = resolve_ports(root, actual, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(root);
	return 0;
}

/* --- both as one list */

static int load_whole(const char *path, struct export_list *ret, struct err *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set(err, -errno, "%s cannot be read: %s%s", path, strerror(errno),
			       errno == EACCES ? "; run as root" : "");
	return export_load_dir(fd, path, ret, err);
}

/* Is there a file of that name that cannot be read? Then it is of the same export: an older one
 * of ours might let in who is to stay out. */
static bool has_broken(const struct export_list *list, const char *file)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!list->items[i].wanted && strcmp(list->items[i].file, file) == 0)
			return true;
	return false;
}

/* Move over what is there and not in @to yet; a file of an administrator wins. */
static int merge(struct ctl *ctl, struct export_list *to, struct export_list *from)
{
	size_t i;

	for (i = 0; i < from->count; i++) {
		struct export_item *item = &from->items[i];

		if (export_list_has(to, item->nqn) || has_broken(to, item->file)) {
			cli_warn(&ctl->cli, "%s is in %s as well as in %s: the former counts",
				 item->nqn ? item->nqn : item->file, ctl->admin_path,
				 ctl->stored_path);
			continue;
		}
		if (export_list_add(to, item) < 0)
			return -ENOMEM;
		*item = (struct export_item){ 0 };
	}
	return 0;
}

int stored_load_wanted(struct ctl *ctl, struct export_list *ret, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list stored = EXPORT_LIST_NULL;
	int r = load_whole(ctl->admin_path, ret, err);
	size_t i;

	for (i = 0; i < ret->count; i++)
		ret->items[i].is_admins = true;
	if (r == 0)
		r = load_whole(ctl->stored_path, &stored, err);
	if (r == 0 && merge(ctl, ret, &stored) < 0)
		r = err_nomem(err);
	return r;
}
