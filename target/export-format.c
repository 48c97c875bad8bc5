/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "target/attr.h"
#include "target/export-key.h"
#include "target/export.h"

/* The text so far, and the first thing that it cannot hold. */
struct out {
	struct str text;
	unsigned int depth;
	int code;
	struct err *err;
};

static void indent(struct out *out)
{
	unsigned int i;

	for (i = 0; i < out->depth; i++)
		str_add(&out->text, "\t");
}

static void refuse(struct out *out, const struct model_object *object, const char *attr,
		   const char *why)
{
	char name[MODEL_NAME_MAX];

	if (out->code == 0)
		out->code = err_set(out->err, -EINVAL, "%s: %s %s",
				    model_describe(object, name, sizeof(name)), attr, why);
}

static void add_quoted(struct out *out, const char *text)
{
	str_add(&out->text, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_add(&out->text, "\\");
		str_add_n(&out->text, text, 1);
	}
	str_add(&out->text, "\"");
}

static void put_text(struct out *out, const char *key, const char *value)
{
	indent(out);
	str_addf(&out->text, "%s = ", key);
	add_quoted(out, value);
	str_add(&out->text, ";\n");
}

static void put_word(struct out *out, const char *key, const char *word)
{
	indent(out);
	str_addf(&out->text, "%s = %s;\n", key, word);
}

static void put_number(struct out *out, const struct model_object *object,
		       const struct export_key *key, const char *value)
{
	char *end;
	long long number = strtoll(value, &end, 0);

	if (end == value || *end) {
		refuse(out, object, key->attr, "is no number");
		return;
	}
	indent(out);
	str_addf(&out->text, key->type == EXPORT_HEX ? "%s = 0x%llx;\n" : "%s = %lld;\n", key->key,
		 number);
}

static void put_bool(struct out *out, const struct model_object *object,
		     const struct export_key *key, const char *value)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		refuse(out, object, key->attr, "is neither 0 nor 1");
	else
		put_word(out, key->key, *value == '1' ? "true" : "false");
}

static void put_port(struct out *out, const struct export_key *key, const char *value)
{
	uint64_t number;

	if (str_parse_uint(value, 65535, &number) == 0 && *value != '0')
		put_word(out, key->key, value);
	else
		put_text(out, key->key, value);
}

/* "connected" is how an RDMA port says that it has none. */
static void put_tls(struct out *out, const struct model_object *object,
		    const struct export_key *key, const char *value)
{
	const char *treq = model_text(object, "addr_treq");

	if (strcmp(model_text(object, "addr_trtype"), "tcp") != 0)
		return;
	if (strcmp(value, "none") == 0)
		put_text(out, key->key, "none");
	else if (strcmp(value, "tls1.3") == 0)
		put_text(out, key->key, strcmp(treq, "required") == 0 ? "required" : "permitted");
	else
		refuse(out, object, key->attr, "has a value that is not known");
}

static void put_family(struct out *out, const struct model_object *object,
		       const struct export_key *key, const char *value)
{
	const char *family = export_family_of(model_text(object, "addr_trtype"),
					      model_text(object, "addr_traddr"));

	if (!family || strcmp(family, value) != 0)
		put_text(out, key->key, value);
}

/* treq follows from tls where there is some. */
static bool is_implied(const struct model_object *object, const struct export_key *key)
{
	return strcmp(key->attr, "addr_treq") == 0 &&
	       strcmp(model_text(object, "addr_tsas"), "tls1.3") == 0;
}

static void put_value(struct out *out, const struct model_object *object,
		      const struct export_key *key, const char *value)
{
	switch (key->type) {
	case EXPORT_INT:
	case EXPORT_HEX:
		put_number(out, object, key, value);
		break;
	case EXPORT_BOOL:
		put_bool(out, object, key, value);
		break;
	case EXPORT_ENABLED:
		if (strcmp(value, "1") != 0)
			put_bool(out, object, key, value);
		break;
	case EXPORT_PORT:
		put_port(out, key, value);
		break;
	case EXPORT_TLS:
		put_tls(out, object, key, value);
		break;
	case EXPORT_FAMILY:
		put_family(out, object, key, value);
		break;
	default:
		if (!is_implied(object, key))
			put_text(out, key->key, value);
		break;
	}
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool is_set(const char *value)
{
	return value && *value && strcmp(value, "(null)") != 0;
}

/* Attributes that have no key: newer than this program. */
static bool is_unlisted(const struct model_object *object, const struct model_attr *attr)
{
	return !attr->secret && is_set(attr->value) && !export_key_of(object->kind, attr->name) &&
	       !attr_find(object->kind, attr->name) && !export_is_pseudo(attr->name);
}

static void put_unlisted(struct out *out, const struct model_object *object)
{
	const char *before = EXPORT_ATTRIBUTES " = (";
	size_t i;

	for (i = 0; i < object->n_attrs; i++) {
		const struct model_attr *attr = &object->attrs[i];

		if (!is_unlisted(object, attr))
			continue;
		if (!is_plain(attr->value))
			refuse(out, object, attr->name, "has a control character");
		if (*before != ',')
			indent(out);
		str_addf(&out->text, "%s { name = ", before);
		add_quoted(out, attr->name);
		str_add(&out->text, "; value = ");
		add_quoted(out, attr->value);
		str_add(&out->text, "; }");
		before = ",";
	}
	if (*before == ',')
		str_add(&out->text, " );\n");
}

/* All attributes of an object. */
static void put_attrs(struct out *out, const struct model_object *object)
{
	const struct export_key *key;
	unsigned int i;

	for (i = 0; (key = export_key_at(object->kind, i)); i++) {
		const char *value = key->attr ? model_get(object, key->attr) : NULL;

		if (!is_set(value))
			continue;
		if (!is_plain(value))
			refuse(out, object, key->attr, "has a control character");
		put_value(out, object, key, value);
	}
	put_unlisted(out, object);
}

/* --- lists of groups */

static void open_list(struct out *out, const char *key, bool *opened)
{
	if (*opened) {
		str_add(&out->text, ",\n");
	} else {
		if (out->depth == 0)
			str_add(&out->text, "\n");
		indent(out);
		str_addf(&out->text, "%s = (\n", key);
		out->depth++;
	}
	*opened = true;
}

static void close_list(struct out *out, bool opened)
{
	if (!opened)
		return;
	out->depth--;
	str_add(&out->text, "\n");
	indent(out);
	str_add(&out->text, ");\n");
}

static void open_group(struct out *out)
{
	indent(out);
	str_add(&out->text, "{\n");
	out->depth++;
}

static void close_group(struct out *out)
{
	out->depth--;
	indent(out);
	str_add(&out->text, "}");
}

/* Children that are a group with their name or number in @name_key. */
static void put_children(struct out *out, const struct model_object *parent, enum model_kind kind,
			 const char *key, const char *name_key)
{
	const struct model_object *child;
	bool opened = false;
	size_t i;

	for (i = 0; (child = model_next(parent, kind, &i));) {
		if (child->absent)
			continue;
		open_list(out, key, &opened);
		open_group(out);
		if (kind == MODEL_REFERRAL)
			put_text(out, name_key, child->name);
		else
			put_word(out, name_key, child->name);
		put_attrs(out, child);
		close_group(out);
	}
	close_list(out, opened);
}

static void put_passthru(struct out *out, const struct model_object *subsystem)
{
	const struct model_object *passthru = model_find(subsystem, MODEL_PASSTHRU, "passthru");

	if (!passthru || passthru->absent || !is_set(model_get(passthru, "device_path")))
		return;
	str_add(&out->text, "\npassthru = {\n");
	out->depth++;
	put_attrs(out, passthru);
	close_group(out);
	str_add(&out->text, ";\n");
}

static void check_key(struct out *out, const struct model_object *host, const char *attr,
		      const char *file)
{
	if (out->code == 0 && *model_text(host, attr) && !model_get(host, file))
		out->code = err_set(out->err, -ENOKEY,
				    "host %s has a key (%s), but not the file that holds it, and "
				    "keys are not stored with exports: give %s",
				    host->name, attr, file);
}

static bool has_values(const struct model_object *object)
{
	size_t i;

	for (i = 0; object && i < object->n_attrs; i++)
		if (is_set(object->attrs[i].value))
			return true;
	return false;
}

static void put_host(struct out *out, const struct model_object *root, const char *nqn)
{
	const struct model_object *host = model_find(root, MODEL_HOST, nqn);

	if (!has_values(host)) {
		indent(out);
		add_quoted(out, nqn);
		return;
	}
	check_key(out, host, "dhchap_key", EXPORT_KEY_FILE);
	check_key(out, host, "dhchap_ctrl_key", EXPORT_CTRL_KEY_FILE);
	open_group(out);
	put_text(out, "nqn", nqn);
	put_attrs(out, host);
	close_group(out);
}

static void put_hosts(struct out *out, const struct model_object *root,
		      const struct model_object *subsystem)
{
	bool opened = false;
	size_t i;

	for (i = 0; i < subsystem->n_links; i++) {
		if (subsystem->links[i].absent)
			continue;
		open_list(out, "hosts", &opened);
		put_host(out, root, subsystem->links[i].name);
	}
	close_list(out, opened);
	if (opened && model_is_on(subsystem, "attr_allow_any_host"))
		refuse(out, subsystem, "attr_allow_any_host",
		       "is on, but hosts are listed as well");
}

static void put_listener(struct out *out, const struct model_object *port)
{
	open_group(out);
	if (model_id(port) < MODEL_PORT_UNRESOLVED)
		put_word(out, "port_id", port->name);
	put_attrs(out, port);
	put_children(out, port, MODEL_ANA_GROUP, "ana_groups", "id");
	put_children(out, port, MODEL_REFERRAL, "referrals", "name");
	close_group(out);
}

static void put_listeners(struct out *out, const struct model_object *root, const char *nqn)
{
	const struct model_object *port;
	bool opened = false;
	size_t i;

	for (i = 0; (port = model_next(root, MODEL_PORT, &i));) {
		if (port->absent || !model_has_link(port, nqn))
			continue;
		open_list(out, "listeners", &opened);
		put_listener(out, port);
	}
	close_list(out, opened);
}

int export_format(const struct model_object *root, const char *nqn, char **ret_text,
		  struct err *err)
{
	const struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, nqn);
	struct out out = { .err = err };
	char *text;

	if (!subsystem || subsystem->absent)
		return err_set(err, -ENOENT, "there is no export %s", nqn);
	str_add(&out.text, "# An export of nvmet-sunfishctl, which rewrites this file when the "
			   "export is changed.\n# All keys: export.conf.sample\n\n");
	put_text(&out, "nqn", nqn);
	put_attrs(&out, subsystem);
	put_children(&out, subsystem, MODEL_NAMESPACE, "namespaces", "nsid");
	put_passthru(&out, subsystem);
	put_hosts(&out, root, subsystem);
	put_listeners(&out, root, nqn);
	text = str_take(&out.text);
	if (text && out.code == 0) {
		*ret_text = text;
		return 0;
	}
	free(text);
	return out.code ? out.code : err_nomem(err);
}
