/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake-nvmet - the kernel's side of a plan, on a model in memory.
 *
 * It refuses what the kernel refuses (drivers/nvme/target/configfs.c; measured on 6.1, 6.12 and
 * 7.3) as far as the order of steps matters. For tests only.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "target/attr.h"
#include "target/model.h"
#include "target/plan.h"

/* What a path below nvmet leads to. */
struct spot {
	struct model_object *parent;
	struct model_object *object; /* NULL: not there */
	enum model_kind kind;
	char name[256];
	char attr[64];
	bool is_link;
};

static inline void fake_part(const char **path, char *ret, size_t size)
{
	size_t length = strcspn(*path, "/");

	snprintf(ret, size, "%.*s", (int)length, *path);
	*path += length + ((*path)[length] == '/');
}

/* Into a child directory of the spot's object. */
static inline bool fake_down(struct spot *spot, const char **path)
{
	static const struct {
		enum model_kind parent;
		const char *dir;
		enum model_kind kind;
		bool is_link;
	} dirs[] = {
		{ MODEL_ROOT, "hosts", MODEL_HOST, false },
		{ MODEL_ROOT, "subsystems", MODEL_SUBSYSTEM, false },
		{ MODEL_ROOT, "ports", MODEL_PORT, false },
		{ MODEL_SUBSYSTEM, "namespaces", MODEL_NAMESPACE, false },
		{ MODEL_SUBSYSTEM, "allowed_hosts", MODEL_HOST, true },
		{ MODEL_PORT, "ana_groups", MODEL_ANA_GROUP, false },
		{ MODEL_PORT, "referrals", MODEL_REFERRAL, false },
		{ MODEL_PORT, "subsystems", MODEL_SUBSYSTEM, true },
	};
	char dir[64];
	size_t i;

	fake_part(path, dir, sizeof(dir));
	if (spot->kind == MODEL_SUBSYSTEM && strcmp(dir, "passthru") == 0) {
		snprintf(spot->name, sizeof(spot->name), "passthru");
		spot->kind = MODEL_PASSTHRU;
		spot->parent = spot->object;
		spot->object = model_find(spot->object, MODEL_PASSTHRU, "passthru");
		return true;
	}
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (dirs[i].parent != spot->kind || strcmp(dirs[i].dir, dir) != 0)
			continue;
		fake_part(path, spot->name, sizeof(spot->name));
		spot->is_link = dirs[i].is_link;
		if (spot->is_link)
			return true;
		spot->kind = dirs[i].kind;
		spot->parent = spot->object;
		spot->object = model_find(spot->parent, spot->kind, spot->name);
		return true;
	}
	snprintf(spot->attr, sizeof(spot->attr), "%s", dir);
	return true;
}

static inline struct spot fake_find(struct model_object *root, const char *path)
{
	struct spot spot = { .object = root, .kind = MODEL_ROOT };

	while (*path)
		fake_down(&spot, &path);
	return spot;
}

static inline void fake_defaults(struct model_object *object)
{
	static const struct {
		enum model_kind kind;
		const char *name;
		const char *value;
	} values[] = {
		{ MODEL_HOST, "dhchap_key", "" },
		{ MODEL_HOST, "dhchap_ctrl_key", "" },
		{ MODEL_HOST, "dhchap_hash", "hmac(sha256)" },
		{ MODEL_HOST, "dhchap_dhgroup", "null" },
		{ MODEL_SUBSYSTEM, "attr_allow_any_host", "0" },
		{ MODEL_SUBSYSTEM, "attr_serial", "5e41a1" },
		{ MODEL_SUBSYSTEM, "attr_model", "Linux" },
		{ MODEL_SUBSYSTEM, "attr_cntlid_min", "1" },
		{ MODEL_SUBSYSTEM, "attr_cntlid_max", "65519" },
		{ MODEL_SUBSYSTEM, "attr_qid_max", "128" },
		{ MODEL_PASSTHRU, "device_path", "(null)" },
		{ MODEL_PASSTHRU, "enable", "0" },
		{ MODEL_PASSTHRU, "clear_ids", "0" },
		{ MODEL_NAMESPACE, "device_path", "(null)" },
		{ MODEL_NAMESPACE, "device_uuid", "11111111-2222-3333-4444-555555555555" },
		{ MODEL_NAMESPACE, "buffered_io", "0" },
		{ MODEL_NAMESPACE, "ana_grpid", "1" },
		{ MODEL_NAMESPACE, "enable", "0" },
		{ MODEL_PORT, "addr_trtype", "" },
		{ MODEL_PORT, "addr_tsas", "" },
		{ MODEL_PORT, "addr_adrfam", "" },
		{ MODEL_PORT, "addr_traddr", "" },
		{ MODEL_PORT, "addr_trsvcid", "" },
		{ MODEL_PORT, "param_inline_data_size", "-1" },
		{ MODEL_ANA_GROUP, "ana_state", "inaccessible" },
		{ MODEL_REFERRAL, "addr_trtype", "" },
		{ MODEL_REFERRAL, "addr_traddr", "" },
		{ MODEL_REFERRAL, "enable", "0" },
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i].kind == object->kind)
			model_set(object, values[i].name, values[i].value);
	if (object->kind == MODEL_SUBSYSTEM)
		fake_defaults(model_add(object, MODEL_PASSTHRU, "passthru"));
	if (object->kind == MODEL_PORT)
		model_set(model_add_id(object, MODEL_ANA_GROUP, 1), "ana_state", "optimized");
}

static inline int fake_mkdir(struct spot *spot)
{
	if (!spot->parent)
		return -ENOENT;
	if (spot->object)
		return -EEXIST;
	fake_defaults(model_add(spot->parent, spot->kind, spot->name));
	return 0;
}

static inline bool fake_is_linked(struct model_object *root, enum model_kind from, const char *name)
{
	const struct model_object *object;
	size_t i = 0;

	while ((object = model_next(root, from, &i)))
		if (model_has_link(object, name))
			return true;
	return false;
}

static inline int fake_rmdir(struct model_object *root, struct spot *spot)
{
	struct model_object *o = spot->object;
	size_t i;

	if (!o)
		return -ENOENT;
	if (o->kind == MODEL_PASSTHRU || (o->kind == MODEL_ANA_GROUP && model_id(o) == 1))
		return -EPERM;
	if (o->n_links)
		return -ENOTEMPTY;
	for (i = 0; i < o->n_children; i++)
		if (o->children[i]->kind != MODEL_PASSTHRU &&
		    (o->children[i]->kind != MODEL_ANA_GROUP || model_id(o->children[i]) != 1))
			return -ENOTEMPTY;
	if (o->kind == MODEL_SUBSYSTEM && fake_is_linked(root, MODEL_PORT, o->name))
		return -EBUSY;
	if (o->kind == MODEL_HOST && fake_is_linked(root, MODEL_SUBSYSTEM, o->name))
		return -EBUSY;
	model_free(o);
	return 0;
}

static inline int fake_check_enable(const struct model_object *o, const char *value)
{
	const struct model_object *passthru = model_find(o->parent, MODEL_PASSTHRU, "passthru");
	size_t i = 0;

	if (*value != '1' || o->kind == MODEL_REFERRAL)
		return 0;
	if (strcmp(model_text(o, "device_path"), "(null)") == 0)
		return -EINVAL;
	if (o->kind == MODEL_NAMESPACE)
		return model_is_on(passthru, "enable") ? -EIO : 0;
	return model_is_on(o, "enable") || model_next(o->parent, MODEL_NAMESPACE, &i) ? -EINVAL : 0;
}

static inline int fake_check_write(const struct model_object *o, const char *name,
				   const char *value)
{
	const struct attr_info *info = attr_find(o->kind, name);
	bool in_use = o->kind == MODEL_PORT ? o->n_links > 0 : model_is_on(o, "enable");

	if (!model_get(o, name))
		return -ENOENT;
	if (info && info->when == ATTR_DISABLED && in_use)
		return o->kind == MODEL_NAMESPACE ? -EBUSY : -EACCES;
	if (strcmp(name, "enable") == 0)
		return fake_check_enable(o, value);
	if (strcmp(name, "attr_allow_any_host") == 0 && *value == '1' && o->n_links)
		return -EINVAL;
	if (strcmp(name, "attr_cntlid_min") == 0 &&
	    atoi(value) > atoi(model_text(o, "attr_cntlid_max")))
		return -EINVAL;
	if (strcmp(name, "attr_cntlid_max") == 0 &&
	    atoi(value) < atoi(model_text(o, "attr_cntlid_min")))
		return -EINVAL;
	if (strcmp(name, "addr_tsas") == 0 && strcmp(value, "tls1.3") == 0 &&
	    strcmp(model_text(o, "addr_trtype"), "tcp") != 0)
		return -EINVAL;
	return 0;
}

static inline int fake_write(struct spot *spot, const struct plan_action *act)
{
	struct model_object *o = spot->object;
	int r;

	if (!o)
		return -ENOENT;
	if (!*act->value && !(act->flags & PLAN_SECRET))
		return 0;
	r = fake_check_write(o, spot->attr, act->value);
	if (r < 0)
		return r;
	model_set(o, spot->attr, act->value);
	if (o->kind == MODEL_PORT && strcmp(spot->attr, "addr_trtype") == 0)
		model_set(o, "addr_tsas", strcmp(act->value, "tcp") == 0 ? "none" : "connected");
	return 0;
}

static inline int fake_symlink(struct model_object *root, struct spot *spot, const char *to)
{
	struct model_object *o = spot->object;

	if (!o || !fake_find(root, to).object)
		return -ENOENT;
	if (model_has_link(o, spot->name))
		return -EEXIST;
	if (o->kind == MODEL_SUBSYSTEM && model_is_on(o, "attr_allow_any_host"))
		return -EINVAL;
	if (o->kind == MODEL_PORT && !*model_text(o, "addr_trtype"))
		return -EINVAL;
	return model_link(o, spot->name, false);
}

static inline int fake_unlink(struct spot *spot)
{
	struct model_object *o = spot->object;
	size_t i;

	for (i = 0; o && i < o->n_links; i++) {
		if (strcmp(o->links[i].name, spot->name) != 0)
			continue;
		free(o->links[i].name);
		memmove(o->links + i, o->links + i + 1, (--o->n_links - i) * sizeof(*o->links));
		return 0;
	}
	return -ENOENT;
}

/* What the kernel and apply make of an action together. */
static inline int fake_do(struct model_object *root, const struct plan_action *act)
{
	struct spot spot = fake_find(root, act->path);
	int r = 0;

	switch (act->op) {
	case PLAN_MKDIR:
		r = fake_mkdir(&spot);
		break;
	case PLAN_RMDIR:
		r = fake_rmdir(root, &spot);
		break;
	case PLAN_WRITE:
		r = fake_write(&spot, act);
		break;
	case PLAN_SYMLINK:
		r = fake_symlink(root, &spot, act->value);
		break;
	case PLAN_UNLINK:
		r = fake_unlink(&spot);
		break;
	case PLAN_CHMOD:
		r = spot.object ? 0 : -ENOENT;
		break;
	}
	if (r == -EBUSY && (act->flags & PLAN_IF_UNUSED))
		return 0;
	return r == -ENOENT && (act->flags & PLAN_IF_THERE) ? 0 : r;
}

static inline int fake_undo(struct model_object *root, const struct plan_action *act)
{
	int r = fake_do(root, act);
	struct spot spot = fake_find(root, act->path);

	if (r == -EEXIST || r == -ENOENT)
		return 0;
	if (r < 0 && act->op == PLAN_WRITE && spot.object &&
	    strcmp(model_text(spot.object, spot.attr), act->value) == 0)
		return 0;
	return r;
}

/* --- who can reach what: one line for each host, port and drive */

static inline void fake_access_of(const struct model_object *root, const struct model_object *port,
				  const struct model_object *s, const struct model_object *ns,
				  struct str *ret)
{
	size_t i;

	if (!model_is_on(ns, "enable"))
		return;
	if (model_is_on(s, "attr_allow_any_host"))
		str_addf(ret, "\n*|0|%s|%s|%s\n", model_text(port, "addr_traddr"), s->name,
			 model_text(ns, "device_path"));
	for (i = 0; i < s->n_links; i++) {
		const char *host = s->links[i].name;

		str_addf(ret, "\n%s|%d|%s|%s|%s\n", host,
			 *model_text(model_find(root, MODEL_HOST, host), "dhchap_key") != '\0',
			 model_text(port, "addr_traddr"), s->name, model_text(ns, "device_path"));
	}
}

static inline void fake_access(const struct model_object *root, struct str *ret)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(root, MODEL_PORT, &i))) {
		for (size_t j = 0; j < port->n_links; j++) {
			const struct model_object *s =
				model_find(root, MODEL_SUBSYSTEM, port->links[j].name);

			for (size_t k = 0; s && k < s->n_children; k++)
				fake_access_of(root, port, s, s->children[k], ret);
		}
	}
}

/* Is every line of @now in @before or @after, for that host or for any? */
static inline bool fake_is_no_wider(const char *now, const char *before, const char *after)
{
	const char *line;

	for (line = now; (line = strchr(line, '\n')) && line[1];) {
		const char *end = strchr(line + 1, '\n');
		const char *rest = strchr(line, '|') + 2;
		char exact[1024];
		char open[1024];
		char any[1024];

		snprintf(exact, sizeof(exact), "%.*s\n", (int)(end - line), line);
		snprintf(open, sizeof(open), "%.*s0%.*s\n", (int)(rest - 1 - line), line,
			 (int)(end - rest), rest);
		snprintf(any, sizeof(any), "\n*|0%.*s\n", (int)(end - rest), rest);
		if (!strstr(before, exact) && !strstr(after, exact) && !strstr(before, open) &&
		    !strstr(after, open) && !strstr(before, any) && !strstr(after, any))
			return false;
		line = end + 1;
	}
	return true;
}
