/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/str.h"
#include "target/attr.h"
#include "target/export.h"
#include "target/nvmetcli-group.h"
#include "target/nvmetcli.h"

/* nvmetcli strips what it reads, serial numbers above all. */
static void set_stripped(struct js *group, const char *name, const char *value)
{
	CLEANUP_STR struct str text = STR_NULL;
	size_t length;

	while (isspace((unsigned char)*value))
		value++;
	length = strlen(value);
	while (length && isspace((unsigned char)value[length - 1]))
		length--;
	str_add_n(&text, value, length);
	js_set(group, name, text.failed ? NULL : js_string(str_get(&text)));
}

static bool is_secret(const struct model_object *object, const struct model_attr *attr)
{
	const struct attr_info *info = attr_find(object->kind, attr->name);

	return attr->secret || (info && info->secret);
}

/* Is it in the file? A key is not, unless it is empty or asked for. */
static bool is_shown(const struct model_object *object, const struct model_attr *attr,
		     unsigned int flags)
{
	if (export_is_pseudo(attr->name) || strcmp(attr->name, "revalidate_size") == 0)
		return false;
	return !is_secret(object, attr) || !*attr->value || (flags & NVMETCLI_WITH_SECRETS);
}

/* What the kernel always has, and so nvmetcli always writes. */
static const struct {
	enum model_kind kind;
	const char *with; /* any attribute of this group */
	const char *attr;
	const char *value;
} always[] = {
	{ MODEL_HOST, "dhchap", "dhchap_key", "" },
	{ MODEL_HOST, "dhchap", "dhchap_ctrl_key", "" },
	{ MODEL_NAMESPACE, "device", "device_path", "(null)" },
	{ MODEL_PASSTHRU, "device", "device_path", "(null)" },
	{ MODEL_PORT, "addr", "addr_adrfam", "" },
	{ MODEL_PORT, "addr", "addr_traddr", "" },
	{ MODEL_PORT, "addr", "addr_trsvcid", "" },
	{ MODEL_REFERRAL, "addr", "addr_traddr", "" },
	{ MODEL_REFERRAL, "addr", "addr_trsvcid", "" },
};

static void add_always(struct js *js, const struct model_object *object, const char *group)
{
	size_t i;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (always[i].kind == object->kind && strcmp(always[i].with, group) == 0 &&
		    !model_get(object, always[i].attr))
			js_set(js, nvmetcli_name_in(group, always[i].attr),
			       js_string(always[i].value));
}

static struct js *format_group(const struct model_object *object, const char *group,
			       unsigned int flags)
{
	struct js *js = js_object();
	size_t i;

	for (i = 0; i < object->n_attrs; i++) {
		const struct model_attr *attr = &object->attrs[i];
		const char *name = nvmetcli_name_in(group, attr->name);

		if (name && is_shown(object, attr, flags))
			set_stripped(js, name, attr->value);
	}
	/* a passthru always has its path; else only what is there at all is completed */
	if (js_length(js) || object->kind == MODEL_PASSTHRU)
		add_always(js, object, group);
	return js;
}

static bool is_number(enum model_kind kind, const char *attr)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = nvmetcli_number_at(kind, i)); i++)
		if (strcmp(name, attr) == 0)
			return true;
	return false;
}

static bool is_in_group(enum model_kind kind, const char *attr)
{
	const char *own = nvmetcli_group_own(kind);
	const char *group;
	unsigned int i;

	for (i = 0; (group = nvmetcli_group_at(kind, i)); i++)
		if (nvmetcli_name_in(group, attr))
			return true;
	return own && nvmetcli_name_in(own, attr);
}

/* A key that the file neither holds nor refers to: who reads it must not take the host for one
 * without a key. */
static bool is_left_out(const struct model_object *object, const struct model_attr *attr,
			unsigned int flags)
{
	const char *file =
		strcmp(attr->name, "dhchap_key") == 0 ? EXPORT_KEY_FILE : EXPORT_CTRL_KEY_FILE;

	return is_secret(object, attr) && !is_shown(object, attr, flags) &&
	       !model_get(object, file);
}

/* What is as it is anyway is not worth a difference to nvmetcli's file. */
static bool is_off(const struct model_attr *attr)
{
	return strcmp(attr->value, "0") == 0 &&
	       (strcmp(attr->name, "p2pmem") == 0 || strcmp(attr->name, "enable") == 0);
}

/* Attributes for which nvmetcli has no place. */
static void add_extras(struct js *js, const struct model_object *object, unsigned int flags)
{
	struct js *extra = js_object();
	size_t i;

	for (i = 0; i < object->n_attrs; i++) {
		const struct model_attr *attr = &object->attrs[i];

		if (is_left_out(object, attr, flags))
			js_set(extra, attr->name, js_string("left out"));
		else if (export_is_pseudo(attr->name))
			js_set(extra, attr->name, js_string(attr->value));
		else if (*attr->value && !is_off(attr) && is_shown(object, attr, flags) &&
			 !is_number(object->kind, attr->name) &&
			 !is_in_group(object->kind, attr->name))
			set_stripped(extra, attr->name, attr->value);
	}
	if (js_length(extra))
		js_set(js, NVMETCLI_EXTRA, extra);
	else
		js_free(extra);
}

/* Our own group, unless all that it says is that nothing is buffered. */
static void add_own_group(struct js *js, const struct model_object *object, unsigned int flags)
{
	const char *name = nvmetcli_group_own(object->kind);
	struct js *own = name ? format_group(object, name, flags) : NULL;
	const char *io = js_text(js_get(own, "io"));
	size_t off = io && strcmp(io, "0") == 0 ? 1 : 0;

	if (js_length(own) > off)
		js_set(js, name, own);
	else
		js_free(own);
}

static struct js *format_attrs(const struct model_object *object, unsigned int flags)
{
	struct js *js = js_object();
	const char *name;
	unsigned int i;

	for (i = 0; (name = nvmetcli_group_at(object->kind, i)); i++)
		js_set(js, name, format_group(object, name, flags));
	for (i = 0; (name = nvmetcli_number_at(object->kind, i)); i++) {
		const char *value = model_get(object, name);

		/* nvmetcli leaves out an enable that is not there, but says 0 of all others */
		if (value || strcmp(name, "enable") != 0)
			js_set(js, name, js_int(value ? strtoll(value, NULL, 0) : 0));
	}
	add_own_group(js, object, flags);
	add_extras(js, object, flags);
	return js;
}

static struct js *format_links(const struct model_object *object)
{
	struct js *js = js_array();
	size_t i;

	for (i = 0; i < object->n_links; i++)
		if (!object->links[i].absent)
			js_append(js, js_string(object->links[i].name));
	return js;
}

static struct js *format_object(const struct model_object *object, unsigned int flags);

static struct js *format_list(const struct model_object *parent, enum model_kind kind,
			      unsigned int flags)
{
	struct js *js = js_array();
	const struct model_object *child;
	size_t i;

	for (i = 0; (child = model_next(parent, kind, &i));)
		if (!child->absent)
			js_append(js, format_object(child, flags));
	return js;
}

static void add_structure(struct js *js, const struct model_object *object, unsigned int flags)
{
	switch (object->kind) {
	case MODEL_ROOT:
		js_set(js, "hosts", format_list(object, MODEL_HOST, flags));
		js_set(js, "ports", format_list(object, MODEL_PORT, flags));
		js_set(js, "subsystems", format_list(object, MODEL_SUBSYSTEM, flags));
		break;
	case MODEL_HOST:
		js_set(js, "nqn", js_string(object->name));
		break;
	case MODEL_SUBSYSTEM:
		js_set(js, "nqn", js_string(object->name));
		js_set(js, "allowed_hosts", format_links(object));
		js_set(js, "namespaces", format_list(object, MODEL_NAMESPACE, flags));
		if (model_find(object, MODEL_PASSTHRU, "passthru"))
			js_set(js, "passthru", format_list(object, MODEL_PASSTHRU, flags));
		break;
	case MODEL_NAMESPACE:
		js_set(js, "nsid", js_int(model_id(object)));
		break;
	case MODEL_PASSTHRU:
		break;
	case MODEL_PORT:
		js_set(js, "portid", js_int(model_id(object)));
		js_set(js, "subsystems", format_links(object));
		js_set(js, "ana_groups", format_list(object, MODEL_ANA_GROUP, flags));
		js_set(js, "referrals", format_list(object, MODEL_REFERRAL, flags));
		break;
	case MODEL_ANA_GROUP:
		js_set(js, "grpid", js_int(model_id(object)));
		break;
	case MODEL_REFERRAL:
		js_set(js, "name", js_string(object->name));
		break;
	}
}

static struct js *format_object(const struct model_object *object, unsigned int flags)
{
	struct js *js = format_attrs(object, flags);

	add_structure(js, object, flags);
	return js;
}

static int check_ports(const struct model_object *root, struct err *err)
{
	const struct model_object *port;
	size_t i;

	for (i = 0; (port = model_next(root, MODEL_PORT, &i));)
		if (model_id(port) >= MODEL_PORT_UNRESOLVED)
			return err_set(err, -EINVAL,
				       "listener %s %s has no port number yet, and nvmetcli's file "
				       "needs one: give it a port_id",
				       model_text(port, "addr_trtype"),
				       model_text(port, "addr_traddr"));
	return 0;
}

int nvmetcli_format(const struct model_object *root, unsigned int flags, char **ret_text,
		    struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	char *with_newline = NULL;
	char *text;
	int r = check_ports(root, err);

	if (r < 0)
		return r;
	js = format_object(root, flags);
	text = js_format(js, JS_INDENT2 | JS_SORTED | JS_ASCII);
	if (!text)
		return err_nomem(err);
	/* a copy, since realloc would leave keys behind */
	if (asprintf(&with_newline, "%s\n", text) < 0)
		r = err_nomem(err);
	else
		*ret_text = with_newline;
	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}
