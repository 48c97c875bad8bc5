/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/scan-objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/session.h"
#include "target/view.h"

#define SECTOR 512

/* Kind and id stand in the object itself. */
void scan_add(struct js *objects, const char *kind, const char *id, struct js *take_attrs)
{
	js_set(take_attrs, "kind", js_string(kind));
	js_set(take_attrs, "id", js_string(id));
	js_append(objects, take_attrs);
}

/* What is not known is left out. */
static void set_text(struct js *js, const char *key, const char *value)
{
	if (value && *value)
		js_set(js, key, js_string(value));
}

/* The kernel pads it with blanks. */
static void set_trimmed(struct js *js, const char *key, const char *value)
{
	CLEANUP_FREE char *text = strdup(value ? value : "");
	size_t length = text ? strlen(text) : 0;

	while (length && text[length - 1] == ' ')
		text[--length] = '\0';
	set_text(js, key, text);
}

/* --- subsystems */

static const char *who_wants(const struct scan_env *env, const struct survey_export *export,
			     const char *nqn)
{
	if (!export)
		return "none";
	if (export->item->is_admins)
		return "admin";
	return js_get(env->owners, nqn) ? "collector" : "stored";
}

static void set_verdict(const struct scan_env *env, const struct survey_export *export,
			const char *nqn, bool is_there, struct js *js)
{
	const char *error = js_text(js_get(env->errors, nqn));
	struct js *waiting_for;
	const char *state;

	if (!export) {
		js_set(js, "state", js_string("foreign"));
		return;
	}
	if (export->code < 0)
		error = export->error;
	waiting_for = names_to_js(&export->verdict.waiting_for);
	state = drift_state_word(export->verdict.state);
	if (error && *error) {
		js_append(waiting_for, js_string(error));
		if (!is_there)
			state = "failed";
		else if (export->verdict.state == DRIFT_ACTIVE)
			state = "partly";
	}
	js_set(js, "state", js_string(state));
	js_set(js, "waiting_for", waiting_for);
	js_set(js, "drift", names_to_js(&export->verdict.drift));
}

static void add_subsystem(const struct scan_env *env, const struct survey *survey, const char *nqn,
			  const struct model_object *subsystem, bool is_there, struct js *objects)
{
	const struct survey_export *export = survey_find_export(survey, nqn);
	struct js *js = js_object();

	js_set(js, "nqn", js_string(nqn));
	if (subsystem)
		js_set(js, "any_host", js_bool(model_is_on(subsystem, "attr_allow_any_host")));
	set_trimmed(js, "serial", model_get(subsystem, "attr_serial"));
	set_trimmed(js, "model", model_get(subsystem, "attr_model"));
	js_set(js, "wanted", js_string(who_wants(env, export, nqn)));
	set_verdict(env, export, nqn, is_there, js);
	scan_add(objects, "subsystem", nqn, js);
}

static void add_subsystems(const struct scan_env *env, const struct survey *survey,
			   struct js *objects)
{
	const struct model_object *subsystem;
	size_t i = 0;

	while ((subsystem = model_next(survey->actual, MODEL_SUBSYSTEM, &i)))
		add_subsystem(env, survey, subsystem->name, subsystem, true, objects);
	for (i = 0; i < survey->list.count; i++) {
		const struct export_item *item = &survey->list.items[i];
		const char *name = item->nqn ? item->nqn : item->file;

		if (model_find(survey->actual, MODEL_SUBSYSTEM, name) || names_has(env->skip, name))
			continue;
		add_subsystem(env, survey, name, model_find(item->wanted, MODEL_SUBSYSTEM, name),
			      false, objects);
	}
}

/* --- namespaces */

static const char *namespace_state(const struct survey_namespace *ns)
{
	if (ns->is_gone || ns->is_held)
		return "missing";
	if (ns->is_enabled)
		return "active";
	return ns->is_there ? "disabled" : "missing";
}

#define N_FIELDS 7

/* Numbers parted at blanks. */
static bool read_fields(char *text, uint64_t fields[N_FIELDS])
{
	char *rest = text;
	size_t i;

	for (i = 0; i < N_FIELDS; i++) {
		const char *word;

		do
			word = strsep(&rest, " ");
		while (word && !*word);
		if (!word || str_parse_uint(word, INT64_MAX / SECTOR, &fields[i]) < 0)
			return false;
	}
	return true;
}

/* Fields of /sys/class/block/X/stat: Documentation/block/stat.rst */
static struct js *counters(int sysfs_fd, const char *node)
{
	uint64_t n[N_FIELDS];
	char path[128];
	char text[FS_ATTR_MAX];
	struct js *js;

	snprintf(path, sizeof(path), "class/block/%s/stat", node);
	if (!*node || fs_read_at(sysfs_fd, path, text, sizeof(text)) < 0 || !read_fields(text, n))
		return NULL;
	js = js_object();
	js_set(js, "read_ios", js_int((int64_t)n[0]));
	js_set(js, "read_bytes", js_int((int64_t)(n[2] * SECTOR)));
	js_set(js, "write_ios", js_int((int64_t)n[4]));
	js_set(js, "write_bytes", js_int((int64_t)(n[6] * SECTOR)));
	return js;
}

struct js *scan_counters(int sysfs_fd, const struct js *record)
{
	const struct js *known = js_get(record, "namespaces");
	struct js *all = js_object();
	size_t i;

	for (i = 0; i < js_length(known); i++) {
		const char *node = js_text(js_get(js_value_at(known, i), "node"));
		struct js *js = node ? counters(sysfs_fd, node) : NULL;

		if (js)
			js_set(all, js_key_at(known, i), js);
	}
	return all;
}

static void add_namespaces(struct ctl *ctl, const struct survey *survey, struct js *objects)
{
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		const struct survey_namespace *ns = &survey->namespaces[i];
		struct js *js = js_object();
		struct js *numbers = counters(ctl->sysfs_fd, ns->dev.node);

		js_set(js, "nqn", js_string(ns->object->parent->name));
		if (ns->object->kind == MODEL_NAMESPACE)
			js_set(js, "nsid", js_int(model_id(ns->object)));
		set_text(js, "device", view_device(ns->object));
		set_text(js, "drive", ns->dev.wwid);
		set_text(js, "uuid", model_get(ns->object, "device_uuid"));
		set_text(js, "nguid", model_get(ns->object, "device_nguid"));
		js_set(js, "enabled", js_bool(ns->is_enabled));
		if (ns->is_there)
			js_set(js, "size_bytes", js_int((int64_t)ns->dev.size_bytes));
		js_set(js, "state", js_string(namespace_state(ns)));
		if (numbers)
			js_set(js, "counters", numbers);
		scan_add(objects, "namespace", ns->id, js);
	}
}

/* --- listeners */

static const char *listener_state(const struct survey_listener *listener)
{
	if (!listener->port->n_links)
		return "idle";
	if (survey_has_no_address(listener))
		return "no-address";
	switch (listener->code) {
	case -ENETDOWN:
		return "down";
	case -ENODEV:
	case -ENOLINK:
		return "no-rdma";
	default:
		return "listening";
	}
}

/* As in an export's file; NULL: none. */
static const char *tls_of(const struct model_object *port)
{
	if (strcmp(model_text(port, "addr_tsas"), "tls1.3") != 0)
		return NULL;
	return strcmp(model_text(port, "addr_treq"), "required") == 0 ? "required" : "permitted";
}

static void add_listeners(const struct survey *survey, struct js *objects)
{
	size_t i;
	size_t j;

	for (i = 0; i < survey->n_listeners; i++) {
		const struct survey_listener *listener = &survey->listeners[i];
		const struct model_object *port = listener->port;
		struct js *subsystems = js_array();
		struct js *js = js_object();

		js_set(js, "port_id", js_int(model_id(port)));
		set_text(js, "transport", model_get(port, "addr_trtype"));
		set_text(js, "family", model_get(port, "addr_adrfam"));
		set_text(js, "address", model_get(port, "addr_traddr"));
		set_text(js, "service", model_get(port, "addr_trsvcid"));
		set_text(js, "tls", tls_of(port));
		for (j = 0; j < port->n_links; j++)
			js_append(subsystems, js_string(port->links[j].name));
		js_set(js, "subsystems", subsystems);
		js_set(js, "state", js_string(listener_state(listener)));
		set_text(js, "ifname", listener->net.ifname);
		set_text(js, "rdma_device", listener->net.rdma_device);
		scan_add(objects, "listener", port->name, js);
	}
}

/* --- hosts */

static void add_allowed(const struct survey *survey, struct js *objects)
{
	const struct model_object *subsystem;
	size_t i = 0;
	size_t j;

	while ((subsystem = model_next(survey->actual, MODEL_SUBSYSTEM, &i)))
		for (j = 0; j < subsystem->n_links; j++) {
			const char *hostnqn = subsystem->links[j].name;
			struct js *js = js_object();
			char id[520];

			snprintf(id, sizeof(id), "%s/%s", subsystem->name, hostnqn);
			js_set(js, "nqn", js_string(subsystem->name));
			js_set(js, "hostnqn", js_string(hostnqn));
			scan_add(objects, "allowed", id, js);
		}
}

static void add_session(const struct session *session, struct js *objects)
{
	struct js *js = js_object();
	char id[600];

	if (session->from_debugfs)
		snprintf(id, sizeof(id), "%s/%s/%u", session->nqn, session->hostnqn,
			 session->cntlid);
	else
		snprintf(id, sizeof(id), "%u/%s", session->port_id, session->host_address);
	set_text(js, "nqn", session->nqn);
	set_text(js, "hostnqn", session->hostnqn);
	set_text(js, "address", session->host_address);
	js_set(js, "port_id", js_int(session->port_id));
	if (session->cntlid)
		js_set(js, "cntlid", js_int(session->cntlid));
	set_text(js, "state", session->state);
	scan_add(objects, "session", id, js);
}

static void add_sessions(struct ctl *ctl, const struct survey *survey, struct js *objects)
{
	CLEANUP_SESSION_LIST struct session_list sessions = SESSION_LIST_NULL;
	CLEANUP_CLOSE int debugfs_fd =
		openat(ctl->sysfs_fd, "kernel/debug", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct session_source source = SESSION_SOURCE_NULL;
	size_t i;

	source.proc_fd = ctl->proc_fd;
	source.debugfs_fd = debugfs_fd;
	if (session_list(&source, NULL, survey->actual, &sessions, NULL) < 0)
		return;
	for (i = 0; i < sessions.count; i++)
		add_session(&sessions.items[i], objects);
}

void scan_add_objects(struct ctl *ctl, const struct scan_env *env, const struct survey *survey,
		      struct js *objects)
{
	add_subsystems(env, survey, objects);
	add_namespaces(ctl, survey, objects);
	add_listeners(survey, objects);
	add_allowed(survey, objects);
	add_sessions(ctl, survey, objects);
	scan_add_drives(ctl, survey, objects);
}
