/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/view.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/dev.h"
#include "nvmf/addr.h"
#include "target/attr.h"
#include "target/export.h"

/* --- small texts */

void view_listener(const struct model_object *port, struct str *text)
{
	const char *trtype = model_text(port, "addr_trtype");
	const char *traddr = model_text(port, "addr_traddr");
	bool has_service = strcmp(trtype, "rdma") == 0 || strcmp(trtype, "tcp") == 0;
	char address[ADDR_TEXT_MAX];

	str_add_clean(text, *trtype ? trtype : "no address");
	if (!*traddr || strcmp(trtype, "loop") == 0)
		return;
	str_add(text, " ");
	/* nn-0x..:pn-0x.. is no IPv6 address */
	if (has_service)
		traddr = addr_format_parts(traddr, model_text(port, "addr_trsvcid"), address);
	str_add_clean(text, traddr);
}

/* --- one export */

const struct model_object *view_next_port(const struct view_export *export, size_t *index)
{
	const struct model_object *port;

	while ((port = model_next(export->root, MODEL_PORT, index)))
		if (model_has_link(port, export->subsystem->name))
			return port;
	return NULL;
}

bool view_is_session_of(const struct view_export *export, const struct session *session)
{
	return strcmp(session->nqn, export->subsystem->name) == 0;
}

bool view_may_be_session_of(const struct view_export *export, const struct session *session)
{
	return !*session->nqn &&
	       model_has_link(model_find_id(export->root, MODEL_PORT, session->port_id),
			      export->subsystem->name);
}

/* Connections of TCP can always be asked for. */
static bool has_blind_listener(const struct view_export *export)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = view_next_port(export, &i)))
		if (strcmp(model_text(port, "addr_trtype"), "tcp") != 0)
			return true;
	return false;
}

struct view_connected view_count_connected(const struct view_export *export)
{
	struct view_connected connected = { .is_exact = true };
	size_t i;

	if (!export->sessions)
		return connected;
	for (i = 0; i < export->sessions->count; i++) {
		const struct session *session = &export->sessions->items[i];

		if (view_is_session_of(export, session))
			connected.count++;
		else if (view_may_be_session_of(export, session))
			connected.is_exact = false;
	}
	if (!export->sessions->complete && has_blind_listener(export))
		connected.is_exact = false;
	return connected;
}

void view_header(struct table *table)
{
	static const char *const names[VIEW_COLUMNS] = { "NQN", "NAMESPACES", "LISTENERS", "HOSTS",
							 "CONNECTED" };
	size_t i;

	for (i = 0; i < VIEW_COLUMNS; i++)
		table_add(table, names[i]);
}

static void add_namespaces(const struct view_export *export, struct table *table)
{
	const struct model_object *passthru =
		model_find(export->subsystem, MODEL_PASSTHRU, "passthru");
	const struct model_object *namespace;
	unsigned int n = 0;
	unsigned int n_disabled = 0;
	size_t i = 0;

	while ((namespace = model_next(export->subsystem, MODEL_NAMESPACE, &i))) {
		n++;
		/* a stored one is enabled unless it says otherwise */
		n_disabled += strcmp(model_text(namespace, "enable"), "0") == 0;
	}
	if (n == 0 && passthru && view_device(passthru))
		table_add(table, "passthru");
	else if (n_disabled)
		table_addf(table, "%u, %u disabled", n, n_disabled);
	else
		table_addf(table, "%u", n);
}

static void add_listeners(const struct view_export *export, struct table *table)
{
	CLEANUP_STR struct str text = STR_NULL;
	const struct model_object *port;
	size_t i = 0;

	while ((port = view_next_port(export, &i))) {
		str_add(&text, text.length ? ", " : "");
		view_listener(port, &text);
	}
	table_add(table, str_get(&text));
	table->failed = table->failed || text.failed;
}

void view_row(const struct view_export *export, struct table *table)
{
	struct view_connected connected = view_count_connected(export);

	table_add(table, export->subsystem->name);
	add_namespaces(export, table);
	add_listeners(export, table);
	if (model_is_on(export->subsystem, "attr_allow_any_host"))
		table_add(table, "any");
	else
		table_addf(table, "%zu", export->subsystem->n_links);
	if (!export->sessions)
		table_add(table, "stored, not exported");
	else if (!connected.is_exact && connected.count == 0)
		table_add(table, "?");
	else
		table_addf(table, "%u%s", connected.count, connected.is_exact ? "" : "+");
}

/* --- attributes */

const char *const view_own_of_subsystem[] = { "attr_serial", "attr_model", "attr_allow_any_host",
					      NULL };
const char *const view_own_of_namespace[] = { "device_path", "device_uuid", "device_nguid",
					      "enable",	     "ana_grpid",   NULL };
const char *const view_own_of_port[] = { "addr_trtype", "addr_traddr", "addr_trsvcid",
					 "addr_adrfam", "addr_tsas",   "addr_treq",
					 NULL };

static bool is_among(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void view_each_attr(const struct model_object *object, const char *const *but, view_attr_fn fn,
		    void *data)
{
	const struct attr_info *info;
	unsigned int at = 0;
	size_t i;

	while ((info = attr_at(object->kind, at++))) {
		const char *value = model_get(object, info->name);

		if (value && !info->secret && !is_among(but, info->name))
			fn(data, info->name, value);
	}
	for (i = 0; i < object->n_attrs; i++) {
		const struct model_attr *attr = &object->attrs[i];

		if (!attr->secret && !attr_find(object->kind, attr->name) &&
		    !export_is_pseudo(attr->name) && !is_among(but, attr->name))
			fn(data, attr->name, attr->value);
	}
}

/* --- questions that both views ask */

const char *view_tls(const struct model_object *port)
{
	const char *treq = model_text(port, "addr_treq");

	if (strcmp(model_text(port, "addr_tsas"), "tls1.3") != 0)
		return "none";
	return strcmp(treq, "required") == 0 ? "required" : "optional";
}

int view_has_key(const struct model_object *host, const char *key, const char *key_file)
{
	const char *value = model_get(host, key);

	/* its directory is root's */
	if (!host)
		return -1;
	if (model_get(host, key_file))
		return 1;
	if (value)
		return *value != '\0';
	/* the kernel has keys, and this one could not be read */
	return model_get(host, "dhchap_hash") ? -1 : 0;
}

const char *view_device(const struct model_object *object)
{
	const char *path = model_text(object, "device_path");

	return *path && strcmp(path, "(null)") != 0 ? path : NULL;
}

int view_device_now(const char *path, uint64_t *ret_bytes, char ret_node[VIEW_NODE_MAX])
{
	struct dev_info dev;
	int r = dev_inspect(path, &dev, NULL);

	if (r < 0)
		return r;
	*ret_bytes = dev.size_bytes;
	snprintf(ret_node, VIEW_NODE_MAX, "%s%s", *dev.node ? "/dev/" : "", dev.node);
	return 0;
}
