/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/net.h"
#include "nvmf/addr.h"
#include "nvmf/nqn.h"
#include "target/attr.h"
#include "target/export.h"

/* A word of a spec, and the attribute it is; a NULL value means that the word needs one. */
struct key {
	const char *word;
	const char *attr;
	const char *value; /* of a word that stands alone */
};

static const struct key *find_key(const struct key *keys, const char *word, size_t length)
{
	for (; keys->word; keys++)
		if (strncmp(keys->word, word, length) == 0 && keys->word[length] == '\0')
			return keys;
	return NULL;
}

static int unknown_key(const struct key *keys, const char *spec, const char *part, struct err *err)
{
	CLEANUP_STR struct str known = STR_NULL;

	for (; keys->word; keys++)
		str_addf(&known, " %s%s", keys->word, keys->value ? "" : "=");
	return err_set(err, -EINVAL, "\"%s\" of \"%s\" is not known; known are:%s", part, spec,
		       str_get(&known));
}

/* Set one "key" or "key=value" on an object. */
static int set_part(struct model_object *object, const struct key *keys, const char *spec,
		    const char *part, struct err *err)
{
	const char *equals = strchr(part, '=');
	size_t length = equals ? (size_t)(equals - part) : strlen(part);
	const struct key *key = find_key(keys, part, length);
	const char *value;
	int r;

	if (!key)
		return unknown_key(keys, spec, part, err);
	if (!equals && !key->value)
		return err_set(err, -EINVAL, "\"%s\" of \"%s\" needs a value: %s=VALUE", part, spec,
			       key->word);
	if (equals && key->value)
		return err_set(err, -EINVAL, "\"%s\" of \"%s\" takes no value", key->word, spec);
	value = equals ? equals + 1 : key->value;
	r = export_is_pseudo(key->attr) ? 0 : attr_check(object->kind, key->attr, value, err);
	if (r < 0) {
		err_prefix(err, "\"%s\" of \"%s\": ", part, spec);
		return r;
	}
	return model_set(object, key->attr, value) < 0 ? err_nomem(err) : 0;
}

/* All parts after the value. "nsid" and "port-id" were looked at before and are passed over. */
static int set_parts(struct model_object *object, const struct key *keys, const char *spec,
		     const char *passed_over, struct err *err)
{
	CLEANUP_FREE char *copy = strdup(spec);
	char *rest = copy;
	char *part;
	int r = 0;

	if (!copy)
		return err_nomem(err);
	strsep(&rest, ",");
	while (r == 0 && (part = strsep(&rest, ","))) {
		size_t length = strlen(passed_over);

		if (strncmp(part, passed_over, length) == 0 && part[length] == '=')
			continue;
		r = set_part(object, keys, spec, part, err);
	}
	return r;
}

/* The number behind ",WORD="; @otherwise if there is none. */
static int number_of(const char *spec, const char *word, uint64_t max, uint64_t otherwise,
		     uint64_t *ret, struct err *err)
{
	CLEANUP_FREE char *copy = strdup(spec);
	size_t length = strlen(word);
	char *rest = copy;
	char *part;

	*ret = otherwise;
	while (rest && (part = strsep(&rest, ","))) {
		if (strncmp(part, word, length) != 0 || part[length] != '=')
			continue;
		if (str_parse_uint(part + length + 1, max, ret) < 0 || (*ret == 0 && otherwise))
			return err_set(err, -EINVAL,
				       "\"%s\" of \"%s\": must be a number from %d to %llu", part,
				       spec, otherwise ? 1 : 0, (unsigned long long)max);
	}
	return copy ? 0 : err_nomem(err);
}

static char *value_of(const char *spec)
{
	return strndup(spec, strcspn(spec, ","));
}

/* --- namespace */

static const struct key namespace_keys[] = {
	{ "uuid", "device_uuid", NULL },
	{ "nguid", "device_nguid", NULL },
	{ "ana-group", "ana_grpid", NULL },
	{ "buffered-io", "buffered_io", "1" },
	{ "resv", "resv_enable", "1" },
	{ "p2pmem", "p2pmem", NULL },
	{ "disabled", "enable", "0" },
	{ "nsid", NULL, NULL },
	{ NULL, NULL, NULL },
};

int spec_add_namespace(struct model_object *subsystem, const char *spec, uint32_t nsid,
		       struct err *err)
{
	CLEANUP_FREE char *path = value_of(spec);
	struct model_object *ns;
	uint64_t number;
	int r = number_of(spec, "nsid", 0xfffffffe, nsid, &number, err);

	if (r < 0)
		return r;
	if (!path || !*path)
		return err_set(err, -EINVAL, "--dev \"%s\" names no drive", spec);
	if (model_find_id(subsystem, MODEL_NAMESPACE, (uint32_t)number))
		return err_set(err, -EEXIST, "namespace %u is asked for twice; give nsid=N",
			       (unsigned int)number);
	ns = model_add_id(subsystem, MODEL_NAMESPACE, (uint32_t)number);
	if (!ns || model_set(ns, "device_path", path) < 0 || model_set(ns, "enable", "1") < 0)
		return err_nomem(err);
	return set_parts(ns, namespace_keys, spec, "nsid", err);
}

/* --- listener */

static const struct key listener_keys[] = {
	{ "tls", "tls_file", NULL }, /* see set_tls */
	{ "inline-data-size", "param_inline_data_size", NULL },
	{ "max-queue-size", "param_max_queue_size", NULL },
	{ "mdts", "param_mdts", NULL },
	{ "pi", "param_pi_enable", "1" },
	{ "port-id", NULL, NULL },
	{ NULL, NULL, NULL },
};

/* "tls" stands for two attributes, of which the secure channel comes first. */
static int set_tls(struct model_object *port, const char *transport, struct err *err)
{
	char tls[32];
	const char *treq;
	int r = 0;

	snprintf(tls, sizeof(tls), "%s", model_text(port, "tls_file"));
	model_unset(port, "tls_file");
	if (!*tls || (strcmp(tls, "none") == 0 && strcmp(transport, "tcp") != 0))
		return 0;
	/* said outright, so that a listener that has it is not taken for the same */
	if (strcmp(tls, "none") == 0)
		return model_set(port, "addr_tsas", "none") < 0 ? err_nomem(err) : 0;
	if (strcmp(transport, "tcp") != 0)
		return err_set(err, -EINVAL, "tls=%s: TLS is for --tcp only", tls);
	if (strcmp(tls, "required") == 0)
		treq = "required";
	else if (strcmp(tls, "permitted") == 0)
		treq = "not required";
	else
		return err_set(err, -EINVAL,
			       "tls=%s is not known; known are: required permitted none", tls);
	r = model_set(port, "addr_tsas", "tls1.3");
	return r < 0 || model_set(port, "addr_treq", treq) < 0 ? err_nomem(err) : 0;
}

static int set_ip(struct ctl *ctl, struct model_object *port, const char *value, struct err *err)
{
	struct net_listener listener;
	struct addr addr;
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", ctl->settings.default_port);
	r = addr_parse(value, service, &addr, err);
	if (r == 0)
		r = net_resolve(addr.host, &listener, err);
	if (r < 0)
		return r;
	if (addr.family == ADDR_NAME)
		cli_warn(&ctl->cli,
			 "%s is %s: that address is used from now on, whatever the name "
			 "becomes",
			 addr.host, listener.address);
	if (model_set(port, "addr_adrfam", strchr(listener.address, ':') ? "ipv6" : "ipv4") < 0 ||
	    model_set(port, "addr_traddr", listener.address) < 0 ||
	    model_set(port, "addr_trsvcid", addr.port) < 0)
		return err_nomem(err);
	return 0;
}

static int set_address(struct ctl *ctl, struct model_object *port, const char *transport,
		       const char *value, struct err *err)
{
	char fc[ADDR_FC_MAX];
	int r = 0;

	if (model_set(port, "addr_trtype", transport) < 0)
		return err_nomem(err);
	if (strcmp(transport, "loop") == 0)
		return model_set(port, "addr_adrfam", "loop") < 0 ? err_nomem(err) : 0;
	if (strcmp(transport, "fc") != 0)
		return set_ip(ctl, port, value, err);
	r = addr_parse_fc(value, fc, err);
	if (r < 0)
		return r;
	r = model_set(port, "addr_adrfam", "fc");
	return r < 0 || model_set(port, "addr_traddr", fc) < 0 ? err_nomem(err) : 0;
}

static uint32_t next_unresolved(const struct model_object *root)
{
	const struct model_object *port;
	uint32_t id = MODEL_PORT_UNRESOLVED;
	size_t i = 0;

	while ((port = model_next(root, MODEL_PORT, &i)))
		if (model_id(port) >= id)
			id = model_id(port) + 1;
	return id;
}

int spec_add_listener(struct ctl *ctl, struct model_object *root, const struct cli_item *listener,
		      const char *nqn, struct model_object **ret_port, struct err *err)
{
	CLEANUP_FREE char *value = value_of(listener->value);
	struct model_object *port;
	uint64_t id;
	int r = number_of(listener->value, "port-id", 65535, next_unresolved(root), &id, err);

	if (r < 0)
		return r;
	if (model_find_id(root, MODEL_PORT, (uint32_t)id))
		return err_set(err, -EINVAL, "--%s %s: port-id=%u is asked for twice",
			       listener->name, listener->value, (unsigned int)id);
	port = value ? model_add_id(root, MODEL_PORT, (uint32_t)id) : NULL;
	if (!port)
		return err_nomem(err);
	r = set_address(ctl, port, listener->name, value, err);
	if (r == 0)
		r = set_parts(port, listener_keys, listener->value, "port-id", err);
	if (r == 0)
		r = set_tls(port, listener->name, err);
	if (r == 0 && nqn && model_link(port, nqn, false) < 0)
		r = err_nomem(err);
	if (r == 0 && ret_port)
		*ret_port = port;
	if (r < 0)
		err_prefix(err, "--%s %s: ", listener->name, listener->value);
	return r;
}

/* --- host */

static const struct key host_keys[] = {
	{ "dhchap-key", EXPORT_KEY_FILE, NULL },
	{ "dhchap-ctrl-key", EXPORT_CTRL_KEY_FILE, NULL },
	{ "dhchap-hash", "dhchap_hash", NULL },
	{ "dhchap-dhgroup", "dhchap_dhgroup", NULL },
	{ NULL, NULL, NULL },
};

/* The file is read again at boot, from another directory. */
static int make_absolute(struct model_object *host, const char *attr, struct err *err)
{
	const char *path = model_get(host, attr);
	CLEANUP_FREE char *whole = NULL;

	if (!path || path[0] == '/')
		return 0;
	whole = realpath(path, NULL);
	if (!whole)
		return err_set(err, -errno, "the key file %s of %s cannot be found: %s", path,
			       host->name, strerror(errno));
	return model_set(host, attr, whole) < 0 ? err_nomem(err) : 0;
}

int spec_add_host(struct model_object *root, struct model_object *subsystem, const char *spec,
		  struct err *err)
{
	CLEANUP_FREE char *nqn = value_of(spec);
	struct model_object *host;
	int r;

	if (!nqn)
		return err_nomem(err);
	r = nqn_check_host(nqn, err);
	if (r < 0)
		return r;
	host = model_add(root, MODEL_HOST, nqn);
	if (!host || model_link(subsystem, nqn, false) < 0)
		return err_nomem(err);
	r = set_parts(host, host_keys, spec, "", err);
	if (r == 0)
		r = make_absolute(host, EXPORT_KEY_FILE, err);
	return r < 0 ? r : make_absolute(host, EXPORT_CTRL_KEY_FILE, err);
}
