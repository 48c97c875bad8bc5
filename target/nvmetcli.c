/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/nvmetcli.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/js.h"
#include "nvmf/dhchap.h"
#include "nvmf/nqn.h"
#include "target/attr.h"
#include "target/export.h"
#include "target/nvmetcli-group.h"

/* Place in the file, such as "subsystems[0].namespaces[1]". */
#define WHERE_MAX 128

struct load {
	struct model_object *root;
	bool strict;
	struct str *warnings;
	struct err *err;
};

static int refuse(const struct load *load, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct load *load, const char *where, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(load->err, -EINVAL, "%s: %s", *where ? where : "the file", text);
}

/* What is passed over with a warning, or refused with @strict. */
static int doubt(const struct load *load, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int doubt(const struct load *load, const char *where, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (load->strict)
		return refuse(load, where, "%s", text);
	if (load->warnings)
		str_addf(load->warnings, "%s: %s\n", *where ? where : "the file", text);
	return 0;
}

/* A text without the blanks around it. */
static char *stripped(const char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	return strndup(text, length);
}

/* The text of a value, whichever type it was written in; *ret to be freed. */
static int get_text(const struct load *load, const char *where, const char *name,
		    const struct js *value, char **ret)
{
	char number[24];

	switch (js_type(value)) {
	case JS_STRING:
		*ret = stripped(js_text(value));
		break;
	case JS_INT:
		snprintf(number, sizeof(number), "%" PRId64, js_number(value, 0));
		*ret = strdup(number);
		break;
	case JS_BOOL:
		*ret = strdup(js_is_true(value) ? "1" : "0");
		break;
	default:
		return refuse(load, where, "\"%s\" must be a text or a number", name);
	}
	return *ret ? 0 : err_nomem(load->err);
}

/* --- attributes */

static bool is_key_file(enum model_kind kind, const char *attr)
{
	return kind == MODEL_HOST &&
	       (strcmp(attr, EXPORT_KEY_FILE) == 0 || strcmp(attr, EXPORT_CTRL_KEY_FILE) == 0);
}

static int check_attr(const struct load *load, const char *where, const struct model_object *object,
		      const char *attr, const char *value)
{
	const struct attr_info *info = attr_find(object->kind, attr);
	struct err err = ERR_NULL;
	int r;

	if (!*attr || *attr == '.' || strchr(attr, '/') || strlen(attr) > NQN_MAX)
		return refuse(load, where, "\"%s\" is no name of an attribute", attr);
	r = info && info->secret ? dhchap_check(value, &err)
				 : attr_check(object->kind, attr, value, &err);
	if (r < 0)
		return refuse(load, where, "%s", err.text);
	if (!info && !is_key_file(object->kind, attr))
		return doubt(load, where, "attribute %s is not known, it is passed on as it is",
			     attr);
	return 0;
}

/* "" is what an attribute without a value reads as, "(null)" a path without one, 0 the group on
 * a kernel without ANA. */
static bool is_unset(const char *attr, const char *value)
{
	return !*value || (strcmp(attr, "device_path") == 0 && strcmp(value, "(null)") == 0) ||
	       (strcmp(attr, "ana_grpid") == 0 && strcmp(value, "0") == 0);
}

static int set_attr(const struct load *load, struct model_object *object, const char *attr,
		    const char *value)
{
	const struct attr_info *info = attr_find(object->kind, attr);
	int r;

	if (info && info->secret)
		r = model_set_secret(object, attr, value);
	else if (info && info->type == ATTR_BOOL)
		/* "01" is true as well */
		r = model_set(object, attr,
			      attr_is_same(object->kind, attr, value, "1") ? "1" : "0");
	else
		r = model_set(object, attr, value);
	return r < 0 ? err_nomem(load->err) : 0;
}

static int take_attr(const struct load *load, const char *where, struct model_object *object,
		     const char *attr, const struct js *value)
{
	CLEANUP_FREE char *text = NULL;
	int r = get_text(load, where, attr, value, &text);

	if (r < 0 || is_unset(attr, text))
		return r;
	if (strcmp(attr, "revalidate_size") == 0)
		return doubt(load, where, "%s is no setting and left out", attr);
	r = check_attr(load, where, object, attr, text);
	if (r == 0)
		r = set_attr(load, object, attr, text);
	/* it may be a key */
	explicit_bzero(text, strlen(text));
	return r;
}

static int take_group(const struct load *load, const char *where, struct model_object *object,
		      const char *group, const struct js *js)
{
	const char *name;
	size_t i;
	int r = 0;

	if (js_type(js) != JS_OBJECT)
		return refuse(load, where, "\"%s\" must be an object { .. }", group);
	for (i = 0; r == 0 && (name = js_key_at(js, i)); i++) {
		CLEANUP_FREE char *attr = NULL;

		if (asprintf(&attr, "%s_%s", group, name) < 0) {
			attr = NULL;
			return err_nomem(load->err);
		}
		r = take_attr(load, where, object, attr, js_value_at(js, i));
	}
	return r;
}

/* Our own group: attributes by their full names, references to keys, the mark of one left out. */
static int take_extra(const struct load *load, const char *where, struct model_object *object,
		      const struct js *js)
{
	const char *name;
	size_t i;
	int r = 0;

	if (js_type(js) != JS_OBJECT)
		return refuse(load, where, "\"%s\" must be an object { .. }", NVMETCLI_EXTRA);
	for (i = 0; r == 0 && (name = js_key_at(js, i)); i++) {
		const struct attr_info *info = attr_find(object->kind, name);

		if (info && info->secret)
			return err_set(load->err, -ENOKEY,
				       "%s: host %s had a key (%s) that is not in this file: save "
				       "it with --with-secrets, or name the key's file as "
				       "\"%s_file\" in \"%s\"",
				       where, object->name, name, name, NVMETCLI_EXTRA);
		r = take_attr(load, where, object, name, js_value_at(js, i));
	}
	return r;
}

static int take_numbers(const struct load *load, const char *where, struct model_object *object,
			const struct js *js)
{
	const char *name;
	unsigned int i;
	int r = 0;

	for (i = 0; r == 0 && (name = nvmetcli_number_at(object->kind, i)); i++)
		if (js_get(js, name))
			r = take_attr(load, where, object, name, js_get(js, name));
	return r;
}

static bool is_group(enum model_kind kind, const char *key)
{
	const char *own = nvmetcli_group_own(kind);
	const char *group;
	unsigned int i;

	for (i = 0; (group = nvmetcli_group_at(kind, i)); i++)
		if (strcmp(group, key) == 0)
			return true;
	return own && strcmp(own, key) == 0;
}

static bool is_number(enum model_kind kind, const char *key)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = nvmetcli_number_at(kind, i)); i++)
		if (strcmp(name, key) == 0)
			return true;
	return false;
}

static int take_member(const struct load *load, const char *where, struct model_object *object,
		       const char *key, const struct js *value)
{
	if (is_group(object->kind, key))
		return take_group(load, where, object, key, value);
	if (strcmp(key, NVMETCLI_EXTRA) == 0)
		return take_extra(load, where, object, value);
	if (is_number(object->kind, key) || nvmetcli_is_structure(object->kind, key))
		return 0;
	return doubt(load, where, "\"%s\" is not known and left out", key);
}

/* All that is not structure. Numbers come last: ana_grpid wins over the group "ana". */
static int take_attrs(const struct load *load, const char *where, struct model_object *object,
		      const struct js *js)
{
	const char *key;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && (key = js_key_at(js, i)); i++)
		r = take_member(load, where, object, key, js_value_at(js, i));
	return r < 0 ? r : take_numbers(load, where, object, js);
}

/* --- objects */

typedef int take_fn(const struct load *load, const char *where, struct model_object *parent,
		    const struct js *js);

/* Each element of the list @key, if there is one. */
static int take_list(const struct load *load, const char *where, struct model_object *parent,
		     const struct js *js, const char *key, take_fn *take)
{
	const struct js *list = js_get(js, key);
	char element[WHERE_MAX];
	size_t i;
	int r = 0;

	if (!list)
		return 0;
	if (js_type(list) != JS_ARRAY)
		return refuse(load, where, "\"%s\" must be a list [ .. ]", key);
	for (i = 0; r == 0 && i < js_length(list); i++) {
		snprintf(element, sizeof(element), "%s%s%s[%zu]", where, *where ? "." : "", key, i);
		r = take(load, element, parent, js_at(list, i));
	}
	return r;
}

static int need_object(const struct load *load, const char *where, const struct js *js)
{
	return js_type(js) == JS_OBJECT ? 0 : refuse(load, where, "must be an object { .. }");
}

/* What can be a directory is taken: files of others may have names that are not quite NQNs. */
static int check_nqn(const struct load *load, const char *where, const char *nqn, bool is_host)
{
	struct err err = ERR_NULL;

	if ((is_host ? nqn_check_host(nqn, &err) : nqn_check(nqn, &err)) == 0)
		return 0;
	if (!*nqn || strlen(nqn) > NQN_MAX || !str_is_printable(nqn) || strchr(nqn, '/') ||
	    strcmp(nqn, ".") == 0 || strcmp(nqn, "..") == 0 || strcmp(nqn, NQN_DISCOVERY) == 0)
		return refuse(load, where, "%s", err.text);
	return doubt(load, where, "%s", err.text);
}

static int get_nqn(const struct load *load, const char *where, const struct js *js, bool is_host,
		   const char **ret)
{
	const char *nqn = js_text(js);
	int r;

	if (!nqn)
		return refuse(load, where, "\"nqn\" is missing or no text");
	r = check_nqn(load, where, nqn, is_host);
	if (r == 0)
		*ret = nqn;
	return r;
}

/* A new child; twice the same is refused. */
static int add_child(const struct load *load, const char *where, struct model_object *parent,
		     enum model_kind kind, const char *name, struct model_object **ret)
{
	struct model_object *child;

	if (model_find(parent, kind, name))
		return refuse(load, where, "\"%s\" stands here twice", name);
	child = model_add(parent, kind, name);
	if (!child)
		return err_nomem(load->err);
	*ret = child;
	return 0;
}

/* The number that is an object's name. */
struct number {
	const char *key;
	uint64_t min;
	uint64_t max;
};

static int add_numbered(const struct load *load, const char *where, struct model_object *parent,
			enum model_kind kind, const struct js *js, const struct number *number,
			struct model_object **ret)
{
	CLEANUP_FREE char *text = NULL;
	char name[24];
	uint64_t id = 0;
	int r;

	if (!js_get(js, number->key))
		return refuse(load, where, "\"%s\" is missing", number->key);
	r = get_text(load, where, number->key, js_get(js, number->key), &text);
	if (r < 0)
		return r;
	if (str_parse_uint(text, number->max, &id) < 0 || id < number->min)
		return refuse(load, where, "\"%s\" is %s, but must be from %" PRIu64 " to %" PRIu64,
			      number->key, text, number->min, number->max);
	snprintf(name, sizeof(name), "%" PRIu64, id);
	return add_child(load, where, parent, kind, name, ret);
}

static int take_host(const struct load *load, const char *where, struct model_object *parent,
		     const struct js *js)
{
	struct model_object *host = NULL;
	const char *nqn = "";
	int r = need_object(load, where, js);

	if (r == 0)
		r = get_nqn(load, where, js_get(js, "nqn"), true, &nqn);
	if (r == 0)
		r = add_child(load, where, parent, MODEL_HOST, nqn, &host);
	return r < 0 ? r : take_attrs(load, where, host, js);
}

static int take_allowed_host(const struct load *load, const char *where,
			     struct model_object *subsystem, const struct js *js)
{
	const char *nqn = "";
	int r = get_nqn(load, where, js, true, &nqn);

	if (r == 0 && !model_find(load->root, MODEL_HOST, nqn))
		r = doubt(load, where, "host %s is not among \"hosts\", so it has no key", nqn);
	if (r < 0)
		return r;
	if (!model_add(load->root, MODEL_HOST, nqn) || model_link(subsystem, nqn, false) < 0)
		return err_nomem(load->err);
	return 0;
}

static int take_namespace(const struct load *load, const char *where,
			  struct model_object *subsystem, const struct js *js)
{
	static const struct number nsid = { "nsid", 1, 0xfffffffe };
	struct model_object *ns = NULL;
	int r = need_object(load, where, js);

	if (r == 0)
		r = add_numbered(load, where, subsystem, MODEL_NAMESPACE, js, &nsid, &ns);
	return r < 0 ? r : take_attrs(load, where, ns, js);
}

static int take_passthru(const struct load *load, const char *where, struct model_object *subsystem,
			 const struct js *js)
{
	struct model_object *passthru = NULL;
	int r = need_object(load, where, js);

	if (r == 0)
		r = add_child(load, where, subsystem, MODEL_PASSTHRU, "passthru", &passthru);
	if (r == 0)
		r = take_attrs(load, where, passthru, js);
	/* the kernel never takes a version for a subsystem that passes a controller through */
	if (r == 0 && model_get(passthru, "device_path"))
		r = model_unset(subsystem, "attr_version");
	return r;
}

static int check_access(const struct load *load, const char *where,
			const struct model_object *subsystem)
{
	if (!model_is_on(subsystem, "attr_allow_any_host") || subsystem->n_links == 0)
		return 0;
	return refuse(
		load, where,
		"subsystem %s allows any host, and lists hosts as well: the kernel takes only "
		"one of them",
		subsystem->name);
}

static int take_subsystem(const struct load *load, const char *where, struct model_object *parent,
			  const struct js *js)
{
	struct model_object *subsystem = NULL;
	const char *nqn = "";
	int r = need_object(load, where, js);

	if (r == 0)
		r = get_nqn(load, where, js_get(js, "nqn"), false, &nqn);
	if (r == 0)
		r = add_child(load, where, parent, MODEL_SUBSYSTEM, nqn, &subsystem);
	if (r < 0 || !subsystem)
		return r;
	r = take_attrs(load, where, subsystem, js);
	if (r == 0)
		r = take_list(load, where, subsystem, js, "allowed_hosts", take_allowed_host);
	if (r == 0)
		r = check_access(load, where, subsystem);
	if (r == 0)
		r = take_list(load, where, subsystem, js, "namespaces", take_namespace);
	if (r == 0)
		r = take_list(load, where, subsystem, js, "passthru", take_passthru);
	return r;
}

static int take_ana_group(const struct load *load, const char *where, struct model_object *port,
			  const struct js *js)
{
	/* 128 is taken by the kernel and corrupts its count */
	static const struct number grpid = { "grpid", 1, 127 };
	struct model_object *group = NULL;
	int r = need_object(load, where, js);

	if (r == 0)
		r = add_numbered(load, where, port, MODEL_ANA_GROUP, js, &grpid, &group);
	return r < 0 ? r : take_attrs(load, where, group, js);
}

static int take_referral(const struct load *load, const char *where, struct model_object *port,
			 const struct js *js)
{
	const char *name = js_text(js_get(js, "name"));
	struct model_object *referral = NULL;
	int r = need_object(load, where, js);

	if (r < 0)
		return r;
	if (!name || !*name || *name == '.' || strchr(name, '/') || strlen(name) > 255)
		return refuse(load, where, "\"name\" is missing or no name of a referral");
	r = add_child(load, where, port, MODEL_REFERRAL, name, &referral);
	return r < 0 ? r : take_attrs(load, where, referral, js);
}

static int take_linked(const struct load *load, const char *where, struct model_object *port,
		       const struct js *js)
{
	const char *nqn = "";
	int r = get_nqn(load, where, js, false, &nqn);

	if (r < 0)
		return r;
	if (!model_find(load->root, MODEL_SUBSYSTEM, nqn))
		return doubt(load, where, "subsystem %s is not in the file, its link is left out",
			     nqn);
	return model_link(port, nqn, false) < 0 ? err_nomem(load->err) : 0;
}

static int take_port(const struct load *load, const char *where, struct model_object *parent,
		     const struct js *js)
{
	static const struct number portid = { "portid", 0, 65535 };
	struct model_object *port = NULL;
	int r = need_object(load, where, js);

	if (r == 0)
		r = add_numbered(load, where, parent, MODEL_PORT, js, &portid, &port);
	if (r == 0)
		r = take_attrs(load, where, port, js);
	if (r == 0)
		r = take_list(load, where, port, js, "subsystems", take_linked);
	if (r == 0)
		r = take_list(load, where, port, js, "ana_groups", take_ana_group);
	if (r == 0)
		r = take_list(load, where, port, js, "referrals", take_referral);
	return r;
}

/* --- the file */

static int take_file(const struct load *load, const struct js *js)
{
	int r = need_object(load, "", js);

	if (r == 0)
		r = take_attrs(load, "", load->root, js);
	if (r == 0)
		r = take_list(load, "", load->root, js, "hosts", take_host);
	if (r == 0)
		r = take_list(load, "", load->root, js, "subsystems", take_subsystem);
	if (r == 0)
		r = take_list(load, "", load->root, js, "ports", take_port);
	return r;
}

int nvmetcli_parse(const char *text, size_t length, bool strict, struct model_object **ret,
		   struct str *warnings, struct err *err)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_JS struct js *js = NULL;
	struct load load = { .root = root, .strict = strict, .warnings = warnings, .err = err };
	int r;

	if (!root)
		return err_nomem(err);
	if (length > NVMETCLI_SIZE_MAX)
		return err_set(err, -EFBIG, "the file is larger than %u bytes", NVMETCLI_SIZE_MAX);
	r = js_parse(text, length, &js, err);
	if (r == 0)
		r = take_file(&load, js);
	if (r == 0)
		*ret = TAKE_PTR(root);
	return r;
}
