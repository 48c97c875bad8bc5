/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "target/attr.h"
#include "target/export.h"

/* What the kernel changes by itself, so that what is read back is not what was asked for. */
static const struct {
	enum model_kind kind;
	const char *attr;
} volatiles[] = {
	{ MODEL_SUBSYSTEM, "attr_version" },
	{ MODEL_SUBSYSTEM, "attr_firmware" },
	{ MODEL_PORT, "param_inline_data_size" },
	{ MODEL_PORT, "param_max_queue_size" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_volatile(enum model_kind kind, const char *attr)
{
	size_t i;

	for (i = 0; i < COUNT(volatiles); i++)
		if (volatiles[i].kind == kind && strcmp(volatiles[i].attr, attr) == 0)
			return true;
	return false;
}

static bool is_set(const char *value)
{
	return *value && strcmp(value, "(null)") != 0;
}

/* The value an export keeps of an actual one; NULL: none. */
static const char *value_to_keep(enum model_kind kind, const struct model_attr *attr,
				 const char *old)
{
	const struct attr_info *info = attr_find(kind, attr->name);

	if (attr->secret || (info && info->secret) || export_is_pseudo(attr->name))
		return NULL;
	if (!is_set(attr->value) || strcmp(attr->name, "revalidate_size") == 0)
		return NULL;
	if (is_volatile(kind, attr->name))
		return old;
	if (old)
		/* keep the spelling that was asked for */
		return attr_is_same(kind, attr->name, attr->value, old) ? old : attr->value;
	/* who may connect is always said */
	if (strcmp(attr->name, "attr_allow_any_host") == 0)
		return attr->value;
	/* left out, it would be made up of the drive, and hosts would know the disk no more */
	if (strcmp(attr->name, "device_nguid") == 0)
		return attr->value;
	return !info || attr_is_default(kind, attr->name, attr->value) ? NULL : attr->value;
}

/* The kernel pads the serial number with blanks. */
static int set_trimmed(struct model_object *object, const char *name, const char *value)
{
	char text[64];
	size_t length = strlen(value);

	if (length >= sizeof(text) || length == 0 || value[length - 1] != ' ')
		return model_set(object, name, value);
	while (length && value[length - 1] == ' ')
		length--;
	memcpy(text, value, length);
	text[length] = '\0';
	return length ? model_set(object, name, text) : 0;
}

/* What was asked for, but this kernel does not have; and our own references. */
static int keep_old(struct model_object *to, const struct model_object *from,
		    const struct model_object *old)
{
	size_t i;
	int r = 0;

	for (i = 0; old && r == 0 && i < old->n_attrs; i++) {
		const struct model_attr *attr = &old->attrs[i];

		/* ours are in no kernel, even if what will be there has them from the wish */
		if (model_get(from, attr->name) && !export_is_pseudo(attr->name))
			continue;
		if (!attr->secret && is_set(attr->value))
			r = model_set(to, attr->name, attr->value);
	}
	return r;
}

static int cut_attrs(struct model_object *to, const struct model_object *from,
		     const struct model_object *old, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < from->n_attrs; i++) {
		const struct model_attr *attr = &from->attrs[i];
		const char *value = value_to_keep(from->kind, attr, model_get(old, attr->name));

		if (value)
			r = set_trimmed(to, attr->name, value);
	}
	if (r == 0)
		r = keep_old(to, from, old);
	return r < 0 ? err_nomem(err) : 0;
}

static int cut_child(struct model_object *to, const struct model_object *from,
		     const struct model_object *old_parent, struct err *err)
{
	struct model_object *child = model_add(to, from->kind, from->name);

	if (!child)
		return err_nomem(err);
	return cut_attrs(child, from, model_find(old_parent, from->kind, from->name), err);
}

/* The group that each port has, in the state it has by itself. */
static bool is_default_group(const struct model_object *group)
{
	const char *state = model_text(group, "ana_state");

	return group->kind == MODEL_ANA_GROUP && model_id(group) == 1 &&
	       (!*state || strcmp(state, "optimized") == 0);
}

static bool is_unused_passthru(const struct model_object *object)
{
	return object->kind == MODEL_PASSTHRU && !is_set(model_text(object, "device_path"));
}

static int cut_children(struct model_object *to, const struct model_object *from,
			const struct model_object *old, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < from->n_children; i++) {
		const struct model_object *child = from->children[i];

		if (child->absent || is_unused_passthru(child))
			continue;
		if (is_default_group(child) && !model_find(old, child->kind, child->name))
			continue;
		r = cut_child(to, child, old, err);
	}
	return r;
}

static int check_key(const struct model_object *from, const struct model_object *old,
		     const char *attr, const char *file, struct err *err)
{
	if (!*model_text(from, attr) || *model_text(old, file))
		return 0;
	return err_set(
		err, -ENOKEY,
		"host %s has a key (%s), but the export does not say in which file it is, "
		"and keys are not stored with exports: allow the host again with its key file",
		from->name, attr);
}

static int cut_host(struct model_object *root, const struct model_object *actual, const char *nqn,
		    const struct model_object *old_root, struct err *err)
{
	const struct model_object *from = model_find(actual, MODEL_HOST, nqn);
	const struct model_object *old = model_find(old_root, MODEL_HOST, nqn);
	struct model_object *host = model_add(root, MODEL_HOST, nqn);
	int r;

	if (!host)
		return err_nomem(err);
	if (!from)
		return 0;
	r = check_key(from, old, "dhchap_key", EXPORT_KEY_FILE, err);
	if (r == 0)
		r = check_key(from, old, "dhchap_ctrl_key", EXPORT_CTRL_KEY_FILE, err);
	return r < 0 ? r : cut_attrs(host, from, old, err);
}

static int cut_subsystem(struct model_object *root, const struct model_object *actual,
			 const struct model_object *from, const struct model_object *old_root,
			 struct err *err)
{
	const struct model_object *old = model_find(old_root, MODEL_SUBSYSTEM, from->name);
	struct model_object *subsystem = model_add(root, MODEL_SUBSYSTEM, from->name);
	size_t i;
	int r;

	if (!subsystem)
		return err_nomem(err);
	subsystem->exact = true;
	r = cut_attrs(subsystem, from, old, err);
	if (r == 0)
		r = cut_children(subsystem, from, old, err);
	for (i = 0; r == 0 && i < from->n_links; i++) {
		if (from->links[i].absent)
			continue;
		r = cut_host(root, actual, from->links[i].name, old_root, err);
		if (r == 0 && model_link(subsystem, from->links[i].name, false) < 0)
			r = err_nomem(err);
	}
	return r;
}

static bool is_same_text(const struct model_object *a, const struct model_object *b,
			 const char *attr)
{
	return strcmp(model_text(a, attr), model_text(b, attr)) == 0;
}

/* The port as it was asked for: by its number, else (it had none then) by its address. */
static const struct model_object *find_old_port(const struct model_object *old_root,
						const struct model_object *port)
{
	struct model_object *old = model_find(old_root, MODEL_PORT, port->name);
	size_t i;

	if (old)
		return old;
	for (i = 0; (old = model_next(old_root, MODEL_PORT, &i));)
		if (is_same_text(port, old, "addr_trtype") &&
		    is_same_text(port, old, "addr_traddr") &&
		    is_same_text(port, old, "addr_trsvcid"))
			return old;
	return NULL;
}

static int cut_port(struct model_object *root, const struct model_object *from, const char *nqn,
		    const struct model_object *old_root, struct err *err)
{
	const struct model_object *old = find_old_port(old_root, from);
	struct model_object *port = model_add(root, MODEL_PORT, from->name);
	int r;

	if (!port || model_link(port, nqn, false) < 0)
		return err_nomem(err);
	r = cut_attrs(port, from, old, err);
	return r < 0 ? r : cut_children(port, from, old, err);
}

static int cut(struct model_object *root, const struct model_object *actual, const char *nqn,
	       const struct model_object *old, struct err *err)
{
	const struct model_object *subsystem = model_find(actual, MODEL_SUBSYSTEM, nqn);
	const struct model_object *port;
	size_t i;
	int r;

	if (!subsystem || subsystem->absent)
		return err_set(err, -ENOENT, "there is no export %s", nqn);
	r = cut_subsystem(root, actual, subsystem, old, err);
	for (i = 0; r == 0 && (port = model_next(actual, MODEL_PORT, &i));)
		if (!port->absent && model_has_link(port, nqn))
			r = cut_port(root, port, nqn, old, err);
	return r;
}

int export_cut(const struct model_object *actual, const char *nqn, const struct model_object *old,
	       struct model_object **ret, struct err *err)
{
	struct model_object *root = model_new();
	int r;

	if (!root)
		return err_nomem(err);
	r = cut(root, actual, nqn, old, err);
	if (r < 0)
		model_free(root);
	else
		*ret = root;
	return r;
}
