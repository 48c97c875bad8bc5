/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/view.h"

#include <stdlib.h>
#include <string.h>

#include "target/export.h"

static void set_attr(void *data, const char *name, const char *value)
{
	js_set(data, name, js_string(value));
}

static struct js *other_attrs(const struct model_object *object, const char *const *but)
{
	struct js *attrs = js_object();

	view_each_attr(object, but, set_attr, attrs);
	return attrs;
}

/* null for what is not set */
static struct js *text_or_null(const char *value)
{
	return js_string(value && *value ? value : NULL);
}

static struct js *number_or_null(const char *value)
{
	uint64_t number;

	if (value && str_parse_uint(value, INT64_MAX, &number) == 0)
		return js_int((int64_t)number);
	return js_string(NULL);
}

static struct js *three_way(int is_on)
{
	return is_on < 0 ? js_string(NULL) : js_bool(is_on);
}

/* The kernel pads it with blanks. */
static struct js *trimmed(const char *value)
{
	CLEANUP_STR struct str text = STR_NULL;
	size_t length = value ? strlen(value) : 0;

	while (length && value[length - 1] == ' ')
		length--;
	str_add_n(&text, value ? value : "", length);
	return text.failed ? NULL : text_or_null(str_get(&text));
}

static struct js *host_json(const struct view_export *export, const char *hostnqn)
{
	static const char *const words[] = { "dhchap_hash", "dhchap_dhgroup" };
	const struct model_object *host = model_find(export->root, MODEL_HOST, hostnqn);
	struct js *json = js_object();
	size_t i;

	js_set(json, "nqn", js_string(hostnqn));
	js_set(json, "has_key", three_way(view_has_key(host, "dhchap_key", EXPORT_KEY_FILE)));
	js_set(json, "has_ctrl_key",
	       three_way(view_has_key(host, "dhchap_ctrl_key", EXPORT_CTRL_KEY_FILE)));
	for (i = 0; host && i < 2; i++)
		if (model_get(host, words[i]))
			js_set(json, words[i], js_string(model_get(host, words[i])));
	return json;
}

static struct js *size_json(const char *path)
{
	char node[VIEW_NODE_MAX];
	uint64_t bytes;

	if (!path || view_device_now(path, &bytes, node) < 0)
		return js_string(NULL);
	return js_int((int64_t)bytes);
}

static struct js *namespace_json(const struct model_object *namespace)
{
	struct js *json = js_object();

	js_set(json, "nsid", js_int(model_id(namespace)));
	js_set(json, "device", js_string(view_device(namespace)));
	js_set(json, "size_bytes", size_json(view_device(namespace)));
	js_set(json, "uuid", text_or_null(model_get(namespace, "device_uuid")));
	js_set(json, "nguid", text_or_null(model_get(namespace, "device_nguid")));
	js_set(json, "enabled", js_bool(strcmp(model_text(namespace, "enable"), "0") != 0));
	js_set(json, "ana_group", number_or_null(model_get(namespace, "ana_grpid")));
	js_set(json, "attributes", other_attrs(namespace, view_own_of_namespace));
	return json;
}

static struct js *passthru_json(const struct model_object *subsystem)
{
	static const char *const own[] = { "device_path", "enable", NULL };
	const struct model_object *passthru = model_find(subsystem, MODEL_PASSTHRU, "passthru");
	struct js *json;

	if (!passthru || !view_device(passthru))
		return js_string(NULL);
	json = js_object();
	js_set(json, "device", js_string(view_device(passthru)));
	js_set(json, "enabled", js_bool(strcmp(model_text(passthru, "enable"), "0") != 0));
	js_set(json, "attributes", other_attrs(passthru, own));
	return json;
}

static struct js *listener_json(const struct model_object *port)
{
	struct js *json = js_object();

	js_set(json, "port_id",
	       model_id(port) < MODEL_PORT_UNRESOLVED ? js_int(model_id(port)) : js_string(NULL));
	js_set(json, "transport", text_or_null(model_get(port, "addr_trtype")));
	js_set(json, "address", text_or_null(model_get(port, "addr_traddr")));
	js_set(json, "port", number_or_null(model_get(port, "addr_trsvcid")));
	js_set(json, "tls", js_string(view_tls(port)));
	return json;
}

static struct js *ana_groups_json(const struct model_object *port)
{
	struct js *groups = js_array();
	const struct model_object *group;
	size_t i = 0;

	while ((group = model_next(port, MODEL_ANA_GROUP, &i))) {
		struct js *json = js_object();

		js_set(json, "group", js_int(model_id(group)));
		js_set(json, "state", text_or_null(model_get(group, "ana_state")));
		js_append(groups, json);
	}
	return groups;
}

static struct js *referrals_json(const struct model_object *port)
{
	struct js *referrals = js_array();
	const struct model_object *referral;
	size_t i = 0;

	while ((referral = model_next(port, MODEL_REFERRAL, &i))) {
		struct js *json = js_object();

		js_set(json, "name", js_string(referral->name));
		js_set(json, "transport", text_or_null(model_get(referral, "addr_trtype")));
		js_set(json, "address", text_or_null(model_get(referral, "addr_traddr")));
		js_set(json, "port", number_or_null(model_get(referral, "addr_trsvcid")));
		js_set(json, "enabled", js_bool(strcmp(model_text(referral, "enable"), "0") != 0));
		js_append(referrals, json);
	}
	return referrals;
}

static struct js *listeners_json(const struct view_export *export, bool is_whole)
{
	struct js *listeners = js_array();
	const struct model_object *port;
	size_t i = 0;

	while ((port = view_next_port(export, &i))) {
		struct js *json = listener_json(port);

		if (is_whole) {
			js_set(json, "ana_groups", ana_groups_json(port));
			js_set(json, "referrals", referrals_json(port));
			js_set(json, "attributes", other_attrs(port, view_own_of_port));
		}
		js_append(listeners, json);
	}
	return listeners;
}

static struct js *sessions_json(const struct view_export *export)
{
	struct js *sessions = js_array();
	size_t i;

	for (i = 0; export->sessions && i < export->sessions->count; i++) {
		const struct session *session = &export->sessions->items[i];
		bool is_own = view_is_session_of(export, session);
		struct js *json;

		if (!is_own && !view_may_be_session_of(export, session))
			continue;
		json = js_object();
		js_set(json, "host", text_or_null(session->hostnqn));
		js_set(json, "host_address", text_or_null(session->host_address));
		js_set(json, "state", text_or_null(session->state));
		js_set(json, "controller",
		       session->cntlid ? js_int(session->cntlid) : js_string(NULL));
		js_set(json, "port_id", js_int(session->port_id));
		js_set(json, "connections",
		       session->n_connections ? js_int(session->n_connections) : js_string(NULL));
		/* false: of this export or of another one at the same listener */
		js_set(json, "is_certain", js_bool(is_own));
		js_append(sessions, json);
	}
	return sessions;
}

/* --- whole exports */

static void set_head(struct js *json, const struct view_export *export)
{
	js_set(json, "nqn", js_string(export->subsystem->name));
	js_set(json, "exported", js_bool(export->sessions != NULL));
	js_set(json, "stored", js_string(export->stored));
	js_set(json, "allow_any_host",
	       js_bool(model_is_on(export->subsystem, "attr_allow_any_host")));
}

static int64_t count_namespaces(const struct model_object *subsystem)
{
	int64_t n = 0;
	size_t i = 0;

	while (model_next(subsystem, MODEL_NAMESPACE, &i))
		n++;
	return n;
}

struct js *view_json_short(const struct view_export *export)
{
	struct view_connected connected = view_count_connected(export);
	struct js *hosts = js_array();
	struct js *json = js_object();
	size_t i;

	set_head(json, export);
	js_set(json, "namespaces", js_int(count_namespaces(export->subsystem)));
	js_set(json, "listeners", listeners_json(export, false));
	for (i = 0; i < export->subsystem->n_links; i++)
		js_append(hosts, js_string(export->subsystem->links[i].name));
	js_set(json, "hosts", hosts);
	js_set(json, "connected", js_int(connected.count));
	js_set(json, "connected_is_exact", js_bool(connected.is_exact));
	return json;
}

struct js *view_json(const struct view_export *export)
{
	const struct model_object *subsystem = export->subsystem;
	const struct model_object *namespace;
	struct js *hosts = js_array();
	struct js *namespaces = js_array();
	struct js *json = js_object();
	size_t i;

	set_head(json, export);
	js_set(json, "serial", trimmed(model_get(subsystem, "attr_serial")));
	js_set(json, "model", trimmed(model_get(subsystem, "attr_model")));
	for (i = 0; i < subsystem->n_links; i++)
		js_append(hosts, host_json(export, subsystem->links[i].name));
	js_set(json, "hosts", hosts);
	for (i = 0; (namespace = model_next(subsystem, MODEL_NAMESPACE, &i));)
		js_append(namespaces, namespace_json(namespace));
	js_set(json, "namespaces", namespaces);
	js_set(json, "passthru", passthru_json(subsystem));
	js_set(json, "listeners", listeners_json(export, true));
	js_set(json, "attributes", other_attrs(subsystem, view_own_of_subsystem));
	js_set(json, "sessions", sessions_json(export));
	js_set(json, "sessions_complete",
	       js_bool(export->sessions && view_count_connected(export).is_exact));
	return json;
}
