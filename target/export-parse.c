/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cfg.h"
#include "nvmf/addr.h"
#include "nvmf/nqn.h"
#include "target/attr.h"
#include "target/export-key.h"
#include "target/export.h"

#define DEFAULT_PORT "4420"
#define NSID_MAX 0xfffffffeLL
#define ANA_GROUP_MAX 127 /* 128 corrupts the kernel's count */

struct parse {
	struct model_object *root;
	struct model_object *subsystem;
	uint32_t next_port; /* that has no port_id */
	int64_t last_nsid;
};

static int set(struct model_object *object, const char *attr, const char *value, struct err *err)
{
	return model_set(object, attr, value) < 0 ? err_nomem(err) : 0;
}

/* --- values */

static int unknown_key(const struct cfg_item *item, enum model_kind kind, struct err *err)
{
	const struct export_key *near = export_key_nearest(kind, cfg_name(item));
	CLEANUP_STR struct str all = STR_NULL;

	if (near)
		return cfg_error(item, err, -EINVAL, "unknown key \"%s\": did you mean \"%s\"?",
				 cfg_name(item), near->key);
	export_key_list(kind, &all);
	return cfg_error(item, err, -EINVAL, "unknown key \"%s\": here may be %s", cfg_name(item),
			 str_get(&all));
}

/* Bytes that no value of ours has, and that would spoil a terminal. */
static int check_plain(const struct cfg_item *item, const char *text, struct err *err)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return cfg_error(item, err, -EINVAL, "%s has a control character",
					 *cfg_name(item) ? cfg_name(item) : "the text");
	return 0;
}

static int get_text(const struct cfg_item *item, const char **ret, struct err *err)
{
	const char *text = "";
	int r = cfg_text(item, &text, err);

	if (r == 0)
		r = check_plain(item, text, err);
	if (r == 0)
		*ret = text;
	return r;
}

static int get_bool(const struct cfg_item *item, const char **ret, struct err *err)
{
	bool on;
	int r = cfg_bool(item, &on, err);

	if (r == 0)
		*ret = on ? "1" : "0";
	return r;
}

static int get_number(const struct cfg_item *item, const struct export_key *key, char number[24],
		      const char **ret, struct err *err)
{
	const struct attr_info *info = attr_find(key->kind, key->attr);
	int64_t min = info ? info->min : INT64_MIN;
	int64_t max = info ? info->max : INT64_MAX;
	int64_t value;
	int r;

	/* to the kernel it is a text, whose limits are lengths */
	if (key->type == EXPORT_PORT) {
		min = 1;
		max = 65535;
	}
	r = cfg_int(item, min, max, &value, err);
	if (r == 0) {
		snprintf(number, 24, "%" PRId64, value);
		*ret = number;
	}
	return r;
}

static int get_file(const struct cfg_item *item, const char **ret, struct err *err)
{
	int r = get_text(item, ret, err);

	if (r < 0)
		return r;
	if (strncmp(*ret, "DHHC-1:", 7) == 0)
		return cfg_error(item, err, -EINVAL,
				 "%s must be the name of a file that holds the key (mode 0600), "
				 "not the key itself",
				 cfg_name(item));
	if (**ret != '/')
		return cfg_error(item, err, -EINVAL,
				 "%s is \"%s\", but must be a full path: the file is read at boot "
				 "as well, from another directory",
				 cfg_name(item), *ret);
	return 0;
}

/* The kernel's text for a value: static, of @item or in @number. */
static int get_value(const struct cfg_item *item, const struct export_key *key, char number[24],
		     const char **ret, struct err *err)
{
	enum cfg_type type = cfg_type(item);

	switch (key->type) {
	case EXPORT_BOOL:
	case EXPORT_ENABLED:
		return get_bool(item, ret, err);
	case EXPORT_INT:
	case EXPORT_HEX:
		return get_number(item, key, number, ret, err);
	case EXPORT_FILE:
		return get_file(item, ret, err);
	case EXPORT_SWITCH:
		return type == CFG_TEXT ? get_text(item, ret, err) : get_bool(item, ret, err);
	case EXPORT_PORT:
		return type == CFG_INT ? get_number(item, key, number, ret, err)
				       : get_text(item, ret, err);
	default:
		return get_text(item, ret, err);
	}
}

static int take_value(struct model_object *object, const struct cfg_item *item,
		      const struct export_key *key, struct err *err)
{
	char number[24];
	const char *value = "";
	int r = get_value(item, key, number, &value, err);

	if (r < 0)
		return r;
	/* "(null)" is how the kernel prints a path that is not set */
	if (strcmp(key->key, "device") == 0 && strcmp(value, "(null)") == 0)
		return 0;
	if (key->type != EXPORT_TLS && attr_check(key->kind, key->attr, value, err) < 0) {
		cfg_prefix(item, err);
		return -EINVAL;
	}
	return set(object, key->attr, value, err);
}

/* --- attributes = ( { name = ..; value = ..; } ) */

static int check_attr_name(const struct cfg_item *item, enum model_kind kind, const char *name,
			   struct err *err)
{
	const struct export_key *key = export_key_of(kind, name);

	if (key)
		return cfg_error(item, err, -EINVAL, "attribute %s has a key of its own: \"%s\"",
				 name, key->key);
	if (attr_find(kind, name) || export_is_pseudo(name))
		return cfg_error(item, err, -EINVAL, "attribute %s cannot be set here", name);
	if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > NQN_MAX)
		return cfg_error(item, err, -EINVAL, "\"%s\" is no name of an attribute", name);
	return 0;
}

/* Get the two texts of a { name; value }. */
static int get_attr_pair(const struct cfg_item *group, const char **ret_name,
			 const char **ret_value, struct err *err)
{
	const struct cfg_item *name;
	const struct cfg_item *value;
	int r = cfg_need_group(group, err);

	if (r < 0)
		return r;
	name = cfg_find(group, "name");
	value = cfg_find(group, "value");
	if (!name || !value || cfg_length(group) != 2)
		return cfg_error(group, err, -EINVAL,
				 "an attribute has a name and a value, and nothing else");
	r = get_text(name, ret_name, err);
	return r < 0 ? r : get_text(value, ret_value, err);
}

static int take_attr(struct model_object *object, const struct cfg_item *group, struct err *err)
{
	const char *name = "";
	const char *value = "";
	int r = get_attr_pair(group, &name, &value, err);

	if (r == 0)
		r = check_attr_name(group, object->kind, name, err);
	if (r < 0)
		return r;
	if (model_get(object, name))
		return cfg_error(group, err, -EINVAL, "attribute %s stands here twice", name);
	if (attr_check(object->kind, name, value, err) < 0) {
		cfg_prefix(group, err);
		return -EINVAL;
	}
	return set(object, name, value, err);
}

static int take_attrs(struct model_object *object, const struct cfg_item *list, struct err *err)
{
	const struct cfg_item *group;
	size_t i;
	int r = cfg_need_list(list, err);

	for (i = 0; r == 0 && (group = cfg_at(list, i)); i++)
		r = take_attr(object, group, err);
	return r;
}

/* All members of a group that are attributes; the others are only checked to be known. */
static int take_members(struct model_object *object, const struct cfg_item *group, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++) {
		const struct export_key *key = export_key_find(object->kind, cfg_name(item));

		if (!key)
			r = unknown_key(item, object->kind, err);
		else if (strcmp(key->key, EXPORT_ATTRIBUTES) == 0)
			r = take_attrs(object, item, err);
		else if (key->attr)
			r = take_value(object, item, key, err);
	}
	return r;
}

/* What is on unless it is said otherwise. */
static int default_enable(struct model_object *object, struct err *err)
{
	return model_get(object, "enable") ? 0 : set(object, "enable", "1", err);
}

/* --- objects with a number */

/* The number of an element; *ret as it is if the key is not there. */
static int get_id(const struct cfg_item *group, const char *key, int64_t min, int64_t max,
		  int64_t *ret, struct err *err)
{
	const struct cfg_item *item = cfg_find(group, key);

	return item ? cfg_int(item, min, max, ret, err) : 0;
}

/* A new child with a number; twice the same is refused. */
static int add_numbered(struct model_object *parent, enum model_kind kind,
			const struct cfg_item *group, const char *what, int64_t id,
			struct model_object **ret, struct err *err)
{
	struct model_object *object = NULL;

	if (model_find_id(parent, kind, (uint32_t)id))
		return cfg_error(group, err, -EINVAL, "%s %" PRId64 " stands here twice", what, id);
	object = model_add_id(parent, kind, (uint32_t)id);
	if (!object)
		return err_nomem(err);
	*ret = object;
	return take_members(object, group, err);
}

typedef int take_fn(struct parse *parse, struct model_object *parent, const struct cfg_item *item,
		    struct err *err);

/* Each element of the list @key of a group. */
static int take_list(struct parse *parse, struct model_object *parent, const struct cfg_item *group,
		     const char *key, take_fn *take, struct err *err)
{
	const struct cfg_item *list = cfg_find(group, key);
	const struct cfg_item *item;
	size_t i;
	int r = list ? cfg_need_list(list, err) : 0;

	for (i = 0; list && r == 0 && (item = cfg_at(list, i)); i++)
		r = take(parse, parent, item, err);
	return r;
}

/* --- namespaces */

/* A device must be there for what is enabled, and by its full path. */
static int check_device(const struct model_object *object, const struct cfg_item *group,
			struct err *err)
{
	const char *device = model_get(object, "device_path");

	if (device && *device != '/')
		return cfg_error(group, err, -EINVAL,
				 "device is \"%s\", but must be a full path such as "
				 "/dev/disk/by-id/..",
				 device);
	if (!device && model_is_on(object, "enable"))
		return cfg_error(
			group, err, -EINVAL,
			"a device is missing: add device = \"/dev/..\", or enable = false");
	return 0;
}

static int take_namespace(struct parse *parse, struct model_object *parent,
			  const struct cfg_item *group, struct err *err)
{
	struct model_object *ns = NULL;
	int64_t nsid = parse->last_nsid + 1;
	int r = cfg_need_group(group, err);

	if (r == 0)
		r = get_id(group, "nsid", 1, NSID_MAX, &nsid, err);
	if (r == 0 && nsid > NSID_MAX)
		r = cfg_error(group, err, -EINVAL, "nsid is missing");
	parse->last_nsid = nsid;
	if (r == 0)
		r = add_numbered(parent, MODEL_NAMESPACE, group, "namespace", nsid, &ns, err);
	if (r == 0)
		r = default_enable(ns, err);
	return r < 0 ? r : check_device(ns, group, err);
}

static int take_passthru(struct parse *parse, const struct cfg_item *root, struct err *err)
{
	const struct cfg_item *group = cfg_find(root, "passthru");
	struct model_object *passthru;
	int r;

	if (!group)
		return 0;
	r = cfg_need_group(group, err);
	if (r < 0)
		return r;
	if (parse->subsystem->n_children)
		return cfg_error(
			group, err, -EINVAL,
			"an export has either namespaces or a passthru: remove one of them");
	passthru = model_add(parse->subsystem, MODEL_PASSTHRU, "passthru");
	if (!passthru)
		return err_nomem(err);
	r = take_members(passthru, group, err);
	if (r == 0)
		r = default_enable(passthru, err);
	return r < 0 ? r : check_device(passthru, group, err);
}

/* --- hosts */

static int check_host(const struct model_object *host, const struct cfg_item *group,
		      struct err *err)
{
	if (model_get(host, EXPORT_CTRL_KEY_FILE) && !model_get(host, EXPORT_KEY_FILE))
		return cfg_error(group, err, -EINVAL,
				 "dhchap_ctrl_key_file needs dhchap_key_file as well: the target "
				 "proves itself only to a host that does");
	return 0;
}

static int take_host(struct parse *parse, struct model_object *parent, const struct cfg_item *item,
		     struct err *err)
{
	bool is_group = cfg_type(item) == CFG_GROUP;
	const struct cfg_item *name = is_group ? cfg_find(item, "nqn") : item;
	struct model_object *host;
	const char *nqn = "";
	int r;

	if (!name)
		return cfg_error(item, err, -EINVAL, "nqn of the host is missing");
	r = cfg_text(name, &nqn, err);
	if (r < 0)
		return r;
	if (nqn_check_host(nqn, err) < 0) {
		cfg_prefix(name, err);
		return -EINVAL;
	}
	if (model_has_link(parent, nqn))
		return cfg_error(name, err, -EINVAL, "host %s stands here twice", nqn);
	host = model_add(parse->root, MODEL_HOST, nqn);
	if (!host || model_link(parent, nqn, false) < 0)
		return err_nomem(err);
	r = is_group ? take_members(host, item, err) : 0;
	return r < 0 ? r : check_host(host, item, err);
}

static int take_hosts(struct parse *parse, const struct cfg_item *root, struct err *err)
{
	struct model_object *subsystem = parse->subsystem;
	int r = take_list(parse, subsystem, root, "hosts", take_host, err);

	if (r < 0)
		return r;
	if (!model_get(subsystem, "attr_allow_any_host"))
		return set(subsystem, "attr_allow_any_host", "0", err);
	if (model_is_on(subsystem, "attr_allow_any_host") && subsystem->n_links)
		return cfg_error(cfg_find(root, "allow_any_host"), err, -EINVAL,
				 "allow_any_host = true lets in all hosts, and none is asked for "
				 "its key: remove it, or remove hosts");
	return 0;
}

/* --- listeners and referrals */

static int take_ip(struct model_object *object, const struct cfg_item *group, struct err *err)
{
	const char *traddr = model_text(object, "addr_traddr");
	const char *family = model_get(object, "addr_adrfam");
	struct addr addr;
	const char *found;

	if (!*traddr)
		return cfg_error(group, err, -EINVAL,
				 "address is missing: an IP address of this host");
	if (addr_parse_host(traddr, &addr, err) < 0) {
		cfg_prefix(cfg_find(group, "address"), err);
		return -EINVAL;
	}
	found = addr_family_word(addr.family);
	if (!found)
		return cfg_error(cfg_find(group, "address"), err, -EINVAL,
				 "address is \"%s\": names are not looked up, give the IP address",
				 traddr);
	if (family && strcmp(family, found) != 0)
		return cfg_error(cfg_find(group, "family"), err, -EINVAL,
				 "family is %s, but %s is %s: remove family", family, traddr,
				 found);
	if (addr_parse_port(model_get(object, "addr_trsvcid") ? model_text(object, "addr_trsvcid")
							      : DEFAULT_PORT,
			    addr.port, err) < 0) {
		cfg_prefix(cfg_find(group, "port"), err);
		return -EINVAL;
	}
	if (model_set(object, "addr_traddr", addr.host) < 0 ||
	    model_set(object, "addr_adrfam", found) < 0 ||
	    model_set(object, "addr_trsvcid", addr.port) < 0)
		return err_nomem(err);
	return 0;
}

static int take_fc(struct model_object *object, const struct cfg_item *group, struct err *err)
{
	char traddr[ADDR_FC_MAX];

	if (!model_get(object, "addr_traddr"))
		return cfg_error(group, err, -EINVAL,
				 "address is missing: nn-0xNODENAME:pn-0xPORTNAME");
	if (addr_parse_fc(model_text(object, "addr_traddr"), traddr, err) < 0) {
		cfg_prefix(cfg_find(group, "address"), err);
		return -EINVAL;
	}
	return set(object, "addr_traddr", traddr, err);
}

/* Transport, family, address and port, in the kernel's spelling. */
static int take_address(struct model_object *object, const struct cfg_item *group, struct err *err)
{
	const char *trtype = model_text(object, "addr_trtype");
	const char *family;
	int r = 0;

	if (!*trtype)
		return cfg_error(group, err, -EINVAL,
				 "transport is missing: one of tcp, rdma, fc, loop, pci");
	/* InfiniBand's own addresses are passed on as they are */
	if ((strcmp(trtype, "tcp") == 0 || strcmp(trtype, "rdma") == 0) &&
	    strcmp(model_text(object, "addr_adrfam"), "ib") != 0)
		return take_ip(object, group, err);
	if (strcmp(trtype, "fc") == 0)
		r = take_fc(object, group, err);
	family = export_family_of(trtype, "");
	if (r == 0 && family && !model_get(object, "addr_adrfam"))
		r = set(object, "addr_adrfam", family, err);
	return r;
}

/* tls = "required" or "permitted" is two attributes. */
static int take_tls(struct model_object *port, const struct cfg_item *group, struct err *err)
{
	const struct cfg_item *item = cfg_find(group, "tls");
	const char *tls = model_text(port, "addr_tsas");
	const char *treq;

	if (!item)
		return 0;
	if (strcmp(model_text(port, "addr_trtype"), "tcp") != 0)
		return cfg_error(item, err, -EINVAL, "only tcp has tls");
	if (strcmp(tls, "none") == 0)
		return 0;
	if (strcmp(tls, "required") != 0 && strcmp(tls, "permitted") != 0)
		return cfg_error(
			item, err, -EINVAL,
			"tls is \"%s\", but must be \"none\", \"required\" or \"permitted\"", tls);
	treq = strcmp(tls, "required") == 0 ? "required" : "not required";
	if (model_get(port, "addr_treq") && strcmp(model_text(port, "addr_treq"), treq) != 0)
		return cfg_error(item, err, -EINVAL,
				 "tls = \"%s\" contradicts treq = \"%s\": remove treq", tls,
				 model_text(port, "addr_treq"));
	if (model_set(port, "addr_tsas", "tls1.3") < 0 || model_set(port, "addr_treq", treq) < 0)
		return err_nomem(err);
	return 0;
}

static int take_ana_group(struct parse *parse, struct model_object *parent,
			  const struct cfg_item *group, struct err *err)
{
	struct model_object *ana = NULL;
	int64_t id = 0;
	int r = cfg_need_group(group, err);

	(void)parse;
	if (r == 0)
		r = get_id(group, "id", 1, ANA_GROUP_MAX, &id, err);
	if (r == 0 && id == 0)
		r = cfg_error(group, err, -EINVAL, "id of the ANA group is missing");
	if (r == 0)
		r = add_numbered(parent, MODEL_ANA_GROUP, group, "ANA group", id, &ana, err);
	if (r == 0 && !model_get(ana, "ana_state"))
		r = cfg_error(group, err, -EINVAL, "state of ANA group %" PRId64 " is missing", id);
	return r;
}

static int check_referral_name(const struct cfg_item *item, const char *name, struct err *err)
{
	if (!*name || strlen(name) > 255 || strchr(name, '/') || *name == '.' ||
	    !str_is_printable(name))
		return cfg_error(item, err, -EINVAL,
				 "\"%s\" is no name of a referral: it has no \"/\" and does not "
				 "begin with \".\"",
				 name);
	return 0;
}

static int take_referral(struct parse *parse, struct model_object *parent,
			 const struct cfg_item *group, struct err *err)
{
	const struct cfg_item *item = cfg_find(group, "name");
	struct model_object *referral;
	const char *name = "";
	int r = cfg_need_group(group, err);

	(void)parse;
	if (r == 0 && !item)
		r = cfg_error(group, err, -EINVAL, "name of the referral is missing");
	if (r == 0)
		r = get_text(item, &name, err);
	if (r == 0)
		r = check_referral_name(item, name, err);
	if (r < 0)
		return r;
	if (model_find(parent, MODEL_REFERRAL, name))
		return cfg_error(item, err, -EINVAL, "referral %s stands here twice", name);
	referral = model_add(parent, MODEL_REFERRAL, name);
	if (!referral)
		return err_nomem(err);
	r = take_members(referral, group, err);
	if (r == 0)
		r = take_address(referral, group, err);
	return r < 0 ? r : default_enable(referral, err);
}

static bool is_same_address(const struct model_object *a, const struct model_object *b)
{
	static const char *const attrs[] = { "addr_trtype", "addr_traddr", "addr_trsvcid" };
	size_t i;

	for (i = 0; i < 3; i++)
		if (strcmp(model_text(a, attrs[i]), model_text(b, attrs[i])) != 0)
			return false;
	return true;
}

static int check_unique(const struct parse *parse, const struct model_object *port,
			const struct cfg_item *group, struct err *err)
{
	char text[ADDR_TEXT_MAX];
	struct model_object *other;
	size_t i;

	for (i = 0; (other = model_next(parse->root, MODEL_PORT, &i));)
		if (other != port && is_same_address(port, other))
			return cfg_error(group, err, -EINVAL, "listener %s %s stands here twice",
					 model_text(port, "addr_trtype"),
					 addr_format_parts(model_text(port, "addr_traddr"),
							   model_text(port, "addr_trsvcid"), text));
	return 0;
}

static int take_listener(struct parse *parse, struct model_object *parent,
			 const struct cfg_item *group, struct err *err)
{
	struct model_object *port = NULL;
	int64_t id = -1;
	int r = cfg_need_group(group, err);

	if (r == 0)
		r = get_id(group, "port_id", 0, 65535, &id, err);
	if (id < 0)
		id = MODEL_PORT_UNRESOLVED + parse->next_port++;
	if (r == 0)
		r = add_numbered(parse->root, MODEL_PORT, group, "port", id, &port, err);
	if (r == 0)
		r = take_address(port, group, err);
	if (r == 0)
		r = take_tls(port, group, err);
	if (r == 0)
		r = check_unique(parse, port, group, err);
	if (r == 0)
		r = take_list(parse, port, group, "ana_groups", take_ana_group, err);
	if (r == 0)
		r = take_list(parse, port, group, "referrals", take_referral, err);
	if (r == 0 && model_link(port, parent->name, false) < 0)
		r = err_nomem(err);
	return r;
}

/* --- the file */

static int take_subsystem(struct parse *parse, const struct cfg_item *root, struct err *err)
{
	const struct cfg_item *item = cfg_find(root, "nqn");
	const char *nqn = "";
	int r;

	if (!item)
		return cfg_error(
			root, err, -EINVAL,
			"nqn is missing: the name of the subsystem, such as nqn = \"blake14\";");
	r = cfg_text(item, &nqn, err);
	if (r < 0)
		return r;
	if (nqn_check(nqn, err) < 0) {
		cfg_prefix(item, err);
		return -EINVAL;
	}
	parse->subsystem = model_add(parse->root, MODEL_SUBSYSTEM, nqn);
	if (!parse->subsystem)
		return err_nomem(err);
	parse->subsystem->exact = true;
	return take_members(parse->subsystem, root, err);
}

static int take_file(struct parse *parse, const struct cfg_item *root, struct err *err)
{
	int r = take_subsystem(parse, root, err);

	if (r < 0 || !parse->subsystem)
		return r;
	r = take_list(parse, parse->subsystem, root, "namespaces", take_namespace, err);
	if (r == 0)
		r = take_passthru(parse, root, err);
	if (r == 0)
		r = take_hosts(parse, root, err);
	if (r == 0)
		r = take_list(parse, parse->subsystem, root, "listeners", take_listener, err);
	return r;
}

int export_parse(const char *text, size_t length, const char *origin,
		 struct model_object **ret_wanted, struct err *err)
{
	CLEANUP_CFG struct cfg *cfg = NULL;
	struct parse parse = { 0 };
	int r = cfg_parse(text, length, origin, &cfg, err);

	if (r < 0)
		return r;
	parse.root = model_new();
	if (!parse.root)
		return err_nomem(err);
	r = take_file(&parse, cfg_root(cfg), err);
	if (r < 0)
		model_free(parse.root);
	else
		*ret_wanted = parse.root;
	return r;
}
