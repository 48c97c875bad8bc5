/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/tend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/wait.h"
#include "nvmf/probe.h"
#include "target/capability.h"
#include "target/change.h"
#include "target/converge.h"
#include "target/drive.h"
#include "target/listen.h"
#include "target/resolve.h"
#include "target/survey.h"

#define PROBE_MS 2000
#define RELINK_TRIES 10
#define RELINK_PAUSE_MS 200

struct tend {
	struct ctl *ctl;
	struct js *result;
	struct js *tried;
	struct js *errors;
	struct js *changes;
};

static void begin(struct tend *tend, struct ctl *ctl)
{
	*tend = (struct tend){
		.ctl = ctl,
		.result = js_object(),
		.tried = js_array(),
		.errors = js_object(),
		.changes = js_array(),
	};
	/* who has no terminal is told by the result */
	ctl->cli.quiet = true;
	ctl->cli.json = true;
	ctl->opt.transient = true;
	ctl->cli.warnings = js_array();
	ctl->cli.result = NULL;
}

static struct js *finish(struct tend *tend, int r, const struct err *err)
{
	struct js *result = tend->result;

	js_set(result, "tried", tend->tried);
	js_set(result, "errors", tend->errors);
	js_set(result, "changes", tend->changes);
	js_set(result, "warnings", tend->ctl->cli.warnings);
	tend->ctl->cli.warnings = NULL;
	if (r < 0)
		js_set(result, "error", js_string(err->text));
	return result;
}

static void add_changes(struct tend *tend, const struct js *from)
{
	const struct js *lines = js_get(from, "changes");
	size_t i;

	for (i = 0; i < js_length(lines); i++)
		js_append(tend->changes, js_ref(js_at(lines, i)));
}

/* Commit without storing: the file says already what is wanted. */
static int commit(struct tend *tend, struct change *change, struct err *err)
{
	struct ctl *ctl = tend->ctl;
	int r;

	ctl->cli.result = js_object();
	r = change_commit(ctl, change, NULL, 0, err);
	add_changes(tend, ctl->cli.result);
	js_free(ctl->cli.result);
	ctl->cli.result = NULL;
	return r;
}

static void tell(struct tend *tend, const char *nqn, int r, const struct err *err)
{
	js_append(tend->tried, js_string(nqn));
	if (r < 0)
		js_set(tend->errors, nqn, js_string(err->text));
}

/* --- pulled drives */

/* "NQN/NSID", "NQN/passthru"; an NQN may have a '/'. */
static bool split_id(const char *id, char nqn[256], const char **ret_name)
{
	const char *slash = strrchr(id, '/');

	if (!slash || slash == id || slash - id >= 256)
		return false;
	memcpy(nqn, id, (size_t)(slash - id));
	nqn[slash - id] = '\0';
	*ret_name = slash + 1;
	return true;
}

static enum model_kind kind_of(const char *name)
{
	return strcmp(name, "passthru") == 0 ? MODEL_PASSTHRU : MODEL_NAMESPACE;
}

static int take_out(struct tend *tend, const char *id, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *there;
	struct model_object *mine;
	const char *name;
	char nqn[256];
	int r;

	if (!split_id(id, nqn, &name))
		return 0;
	r = change_begin(tend->ctl, nqn, false, &change, err);
	if (r < 0)
		return r;
	there = model_find(model_find(change.actual, MODEL_SUBSYSTEM, nqn), kind_of(name), name);
	if (!there || !model_is_on(there, "enable"))
		return 0;
	mine = model_add(change.wanted, MODEL_SUBSYSTEM, nqn);
	mine = mine ? model_add(mine, kind_of(name), name) : NULL;
	if (!mine || model_set(mine, "enable", "0") < 0)
		return err_nomem(err);
	return commit(tend, &change, err);
}

struct js *tend_take_out(struct ctl *ctl, const struct js *ids)
{
	struct tend tend;
	struct err first = ERR_NULL;
	int result = 0;
	size_t i;

	begin(&tend, ctl);
	for (i = 0; i < js_length(ids); i++) {
		const char *id = js_text(js_at(ids, i));
		struct err err = ERR_NULL;
		int r = id ? take_out(&tend, id, &err) : 0;

		if (r < 0 && result == 0) {
			result = r;
			first = err;
		}
	}
	return finish(&tend, result, &first);
}

static void take_out_pulled(struct tend *tend, const struct survey *survey)
{
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		const struct survey_namespace *ns = &survey->namespaces[i];
		struct err err = ERR_NULL;

		if (ns->is_gone && take_out(tend, ns->id, &err) < 0)
			js_set(tend->errors, ns->object->parent->name, js_string(err.text));
	}
}

/* --- drives that came back to what is stored nowhere */

static int bring_back(struct tend *tend, const struct survey_namespace *ns, struct err *err)
{
	static const char *const attrs[] = { "device_path", "device_uuid", "device_nguid" };
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	CLEANUP_DRIVE_CONTEXT struct drive_context drives = DRIVE_CONTEXT_NULL;
	const char *nqn = ns->object->parent->name;
	const struct model_object *subsystem;
	struct model_object *mine;
	size_t i;
	int r = change_begin(tend->ctl, nqn, false, &change, err);

	if (r < 0)
		return r;
	subsystem = model_find(change.actual, MODEL_SUBSYSTEM, nqn);
	if (!model_find(subsystem, MODEL_NAMESPACE, ns->object->name))
		return 0;
	mine = model_add(change.wanted, MODEL_SUBSYSTEM, nqn);
	mine = mine ? model_add(mine, MODEL_NAMESPACE, ns->object->name) : NULL;
	if (!mine || model_set(mine, "enable", "1") < 0)
		return err_nomem(err);
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (model_set(mine, attrs[i], model_text(ns->object, attrs[i])) < 0)
			return err_nomem(err);
	r = drive_context_init(tend->ctl, NULL, &drives, err);
	if (r == 0)
		r = drive_prepare(&drives, mine->parent, subsystem, CLAIM_RESTORE, NULL, err);
	return r < 0 ? r : commit(tend, &change, err);
}

static void bring_all_back(struct tend *tend, const struct survey *survey)
{
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		const struct survey_namespace *ns = &survey->namespaces[i];
		struct err err = ERR_NULL;

		if (ns->is_back)
			tell(tend, ns->object->parent->name, bring_back(tend, ns, &err), &err);
	}
}

/* --- exports as a whole */

static void add_converged(struct tend *tend, const struct js *result)
{
	const struct js *exports = js_get(result, "exports");
	const struct js *failed = js_get(result, "failed");
	size_t i;

	for (i = 0; i < js_length(exports); i++)
		add_changes(tend, js_at(exports, i));
	for (i = 0; i < js_length(failed); i++) {
		const struct js *item = js_at(failed, i);

		js_set(tend->errors, js_text(js_get(item, "name")), js_ref(js_get(item, "error")));
	}
}

static int make_wholes(struct tend *tend, struct survey *survey, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list list = EXPORT_LIST_NULL;
	struct ctl *ctl = tend->ctl;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < survey->list.count; i++) {
		struct survey_export *export = &survey->exports[i];
		struct export_item item = { 0 };

		if (export->code < 0 || export->verdict.due != DRIFT_WHOLE)
			continue;
		item.file = strdup(export->item->file);
		item.nqn = strdup(export->item->nqn);
		item.wanted = TAKE_PTR(export->verdict.todo);
		js_append(tend->tried, js_string(item.nqn));
		r = item.file && item.nqn ? export_list_add(&list, &item) : -ENOMEM;
	}
	if (r < 0)
		return err_nomem(err);
	if (list.count == 0)
		return 0;
	ctl->cli.result = js_object();
	r = converge(ctl, &list, CONVERGE_RESTORE, err);
	add_converged(tend, ctl->cli.result);
	js_free(ctl->cli.result);
	ctl->cli.result = NULL;
	/* that some failed stands beside each of them */
	return r == -EIO ? 0 : r;
}

/* --- parts that came back */

static int make_part(struct tend *tend, struct survey_export *export, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	CLEANUP_DRIVE_CONTEXT struct drive_context drives = DRIVE_CONTEXT_NULL;
	struct ctl *ctl = tend->ctl;
	const char *nqn = export->item->nqn;
	int r = change_begin(ctl, NULL, false, &change, err);

	if (r < 0)
		return r;
	model_free(change.wanted);
	change.wanted = TAKE_PTR(export->verdict.todo);
	if (resolve_loosen(change.wanted, change.actual) < 0)
		return err_nomem(err);
	r = listen_check(ctl, change.wanted, change.actual, err);
	if (r == 0)
		r = drive_context_init(ctl, change.actual, &drives, err);
	if (r == 0)
		r = drive_prepare(&drives, model_find(change.wanted, MODEL_SUBSYSTEM, nqn),
				  model_find(change.actual, MODEL_SUBSYSTEM, nqn), CLAIM_RESTORE,
				  NULL, err);
	return r < 0 ? r : commit(tend, &change, err);
}

static void make_parts(struct tend *tend, struct survey *survey)
{
	size_t i;

	for (i = 0; i < survey->list.count; i++) {
		struct survey_export *export = &survey->exports[i];
		struct err err = ERR_NULL;

		if (export->code == 0 && export->verdict.due == DRIFT_PARTS)
			tell(tend, export->item->nqn, make_part(tend, export, &err), &err);
	}
}

/* --- listeners whose address came back */

static int set_links(struct tend *tend, const struct model_object *port, bool absent,
		     struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	struct model_object *mine;
	size_t i;
	int r = change_begin(tend->ctl, NULL, false, &change, err);

	if (r < 0)
		return r;
	mine = model_add(change.wanted, MODEL_PORT, port->name);
	for (i = 0; mine && i < port->n_links; i++)
		if (model_link(mine, port->links[i].name, absent) < 0)
			return err_nomem(err);
	return mine ? commit(tend, &change, err) : err_nomem(err);
}

/* The kernel listens while a subsystem is linked to the port. Between both steps it may still hold
 * the address for a moment. */
static int relink(struct tend *tend, const struct model_object *port, struct err *err)
{
	int r = set_links(tend, port, true, err);
	int i;

	for (i = 0; r == 0 && i < RELINK_TRIES; i++) {
		r = set_links(tend, port, false, err);
		if (r != -EADDRINUSE)
			return r;
		wait_sleep(RELINK_PAUSE_MS, wait_deadline(RELINK_PAUSE_MS));
		r = 0;
	}
	return r;
}

/* Mostly it listens on as if nothing had been: Linux keeps the socket while its address is away.
 * Not so one that is bound to an interface that was made anew. RDMA listens again by itself. */
static bool is_deaf(const struct model_object *port)
{
	return strcmp(model_text(port, "addr_trtype"), "tcp") == 0 &&
	       probe_tcp(model_text(port, "addr_traddr"), model_text(port, "addr_trsvcid"),
			 PROBE_MS, NULL) == -ECONNREFUSED;
}

static void listen_again(struct tend *tend, const struct survey *survey, const struct js *lost)
{
	size_t i;

	for (i = 0; i < js_length(lost); i++) {
		const char *id = js_text(js_at(lost, i));
		const struct model_object *port =
			id ? model_find(survey->actual, MODEL_PORT, id) : NULL;
		struct err err = ERR_NULL;

		if (!port || !port->n_links || !is_deaf(port))
			continue;
		if (relink(tend, port, &err) < 0)
			js_set(tend->errors, port->links[0].name, js_string(err.text));
	}
}

/* --- drives that have another size */

static void tell_sizes(struct tend *tend, const struct js *grown)
{
	size_t i;

	for (i = 0; i < js_length(grown); i++) {
		const char *id = js_text(js_at(grown, i));
		const char *name;
		char nqn[256];
		char path[MODEL_PATH_MAX];

		if (!id || !split_id(id, nqn, &name) || tend->ctl->nvmet_fd < 0)
			continue;
		snprintf(path, sizeof(path), "subsystems/%s/namespaces/%s/revalidate_size", nqn,
			 name);
		if (fs_write_at(tend->ctl->nvmet_fd, path, "1", 1) == 0) {
			snprintf(path, sizeof(path), "~ namespace %s of %s: the size of its drive",
				 name, nqn);
			js_append(tend->changes, js_string(path));
		}
	}
}

/* --- what this kernel can do */

static void add_if(struct js *array, bool is_there, const char *name)
{
	if (is_there)
		js_append(array, js_string(name));
}

/* Without nvmet there is nothing to ask, and it is not loaded for that. */
static void add_kernel(struct tend *tend)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	struct js *transports = js_array();
	struct js *features = js_array();
	struct js *js = js_object();
	struct utsname name;
	size_t i;

	if (tend->ctl->nvmet_fd >= 0 && capability_probe(tend->ctl->nvmet_fd, &list, NULL) == 0) {
		for (i = 0; i < CAPABILITY_TRANSPORTS; i++)
			add_if(transports, list.transports[i].state != CAPABILITY_ABSENT,
			       list.transports[i].name);
		add_if(features, list.has_auth, "auth");
		add_if(features, list.has_tls, "tls");
		add_if(features, list.has_passthru, "passthru");
		add_if(features, list.has_debugfs, "debugfs");
	}
	if (uname(&name) == 0)
		js_set(js, "release", js_string(name.release));
	js_set(js, "transports", transports);
	js_set(js, "features", features);
	js_set(tend->result, "kernel", js);
}

/* --- */

static int tend_all(struct tend *tend, const struct tend_env *env, struct err *err)
{
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;
	struct survey_env look = { .record = env->record, .repair = env->repair };
	struct ctl *ctl = tend->ctl;
	int r = ctl_open_target(ctl, false, NULL);

	if (r < 0 && r != -ENOENT)
		return ctl_open_target(ctl, false, err);
	r = ctl_lock(ctl, err);
	if (r == 0)
		r = survey_read(ctl, &look, &survey, err);
	if (r < 0)
		return r;
	take_out_pulled(tend, &survey);
	tell_sizes(tend, env->grown);
	listen_again(tend, &survey, env->lost);
	bring_all_back(tend, &survey);
	make_parts(tend, &survey);
	r = make_wholes(tend, &survey, err);
	if (env->probe)
		add_kernel(tend);
	return r;
}

struct js *tend_run(struct ctl *ctl, const struct tend_env *env)
{
	struct tend tend;
	struct err err = ERR_NULL;
	int r;

	begin(&tend, ctl);
	r = tend_all(&tend, env, &err);
	return finish(&tend, r, &err);
}
