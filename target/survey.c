/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/resolve.h"
#include "target/stored.h"
#include "target/view.h"

void survey_deinit(struct survey *survey)
{
	size_t i;

	for (i = 0; survey->exports && i < survey->list.count; i++) {
		drift_lacks_deinit(&survey->exports[i].lacks);
		drift_verdict_deinit(&survey->exports[i].verdict);
	}
	free(survey->exports);
	free(survey->namespaces);
	free(survey->listeners);
	export_list_deinit(&survey->list);
	model_free(survey->actual);
	*survey = SURVEY_NULL;
}

static int read_actual(struct ctl *ctl, const struct cfs_watch *watch, struct survey *survey,
		       struct err *err)
{
	int r = ctl_open_target(ctl, false, NULL);

	if (r < 0 && r != -ENOENT)
		return ctl_open_target(ctl, false, err);
	survey->has_nvmet = r == 0;
	if (r == 0)
		return cfs_read_watched(ctl->nvmet_fd, watch, &survey->actual, err);
	survey->actual = model_new();
	return survey->actual ? 0 : err_nomem(err);
}

/* --- drives */

static bool is_drive(const struct model_object *object)
{
	return (object->kind == MODEL_NAMESPACE || object->kind == MODEL_PASSTHRU) &&
	       view_device(object);
}

static int each_drive(struct ctl *ctl, const struct survey_env *env, struct survey *survey)
{
	const struct js *known = js_get(env->record, "namespaces");
	const struct model_object *subsystem;
	size_t n = 0;
	size_t i = 0;
	size_t j;

	while ((subsystem = model_next(survey->actual, MODEL_SUBSYSTEM, &i)))
		n += subsystem->n_children;
	survey->namespaces = calloc(n + 1, sizeof(*survey->namespaces));
	if (!survey->namespaces)
		return -ENOMEM;
	for (i = 0; (subsystem = model_next(survey->actual, MODEL_SUBSYSTEM, &i));)
		for (j = 0; j < subsystem->n_children; j++)
			if (is_drive(subsystem->children[j]))
				survey_look_at_drive(ctl, subsystem->children[j], known,
						     &survey->namespaces[survey->n_namespaces++]);
	return 0;
}

/* --- listeners */

static int each_listener(const struct survey_env *env, struct survey *survey)
{
	const struct js *known = js_get(env->record, "ports");
	const struct model_object *port;
	size_t n = 0;
	size_t i = 0;

	while (model_next(survey->actual, MODEL_PORT, &i))
		n++;
	survey->listeners = calloc(n + 1, sizeof(*survey->listeners));
	if (!survey->listeners)
		return -ENOMEM;
	for (i = 0; (port = model_next(survey->actual, MODEL_PORT, &i));) {
		struct survey_listener *listener = &survey->listeners[survey->n_listeners++];

		survey_look_at_port(port, listener);
		listener->was_lost = listener->code == 0 &&
				     js_is_true(js_get(js_get(known, port->name), "lost"));
	}
	return 0;
}

bool survey_has_no_address(const struct survey_listener *listener)
{
	bool is_tcp = strcmp(model_text(listener->port, "addr_trtype"), "tcp") == 0;

	return listener->code == -EADDRNOTAVAIL || (is_tcp && listener->code == -ENODEV);
}

void survey_look_at_port(const struct model_object *port, struct survey_listener *ret)
{
	const char *transport = model_text(port, "addr_trtype");
	struct err err = ERR_NULL;

	*ret = (struct survey_listener){ .port = port };
	ret->is_ip = strcmp(transport, "tcp") == 0 || strcmp(transport, "rdma") == 0;
	if (!ret->is_ip)
		return;
	ret->code = net_resolve(model_text(port, "addr_traddr"), &ret->net, &err);
	if (ret->code == 0)
		ret->code = net_check(&ret->net, strcmp(transport, "rdma") == 0, &err);
	snprintf(ret->why, sizeof(ret->why), "%s", err.text);
}

/* --- exports */

/* A port that is in the kernel is looked at once. */
static void look_at_wanted_port(const struct survey *survey, const struct model_object *port,
				struct survey_listener *ret)
{
	const struct model_object *there = resolve_find_port(
		survey->actual, model_text(port, "addr_trtype"), model_text(port, "addr_traddr"),
		model_text(port, "addr_trsvcid"));
	size_t i;

	for (i = 0; there && i < survey->n_listeners; i++)
		if (survey->listeners[i].port == there) {
			*ret = survey->listeners[i];
			return;
		}
	survey_look_at_port(port, ret);
}

/* Other errors say that it cannot be known. */
static bool is_lack(int code)
{
	return code == -EADDRNOTAVAIL || code == -ENETDOWN || code == -ENODEV || code == -ENOLINK;
}

static void find_lacking_ports(const struct survey *survey, struct survey_export *export)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(export->item->wanted, MODEL_PORT, &i))) {
		struct survey_listener listener;
		char key[DRIFT_KEY_MAX];

		look_at_wanted_port(survey, port, &listener);
		if (listener.is_ip && is_lack(listener.code))
			drift_lacks_add(&export->lacks, drift_key(port, key), listener.why);
	}
}

static const struct survey_namespace *find_namespace(const struct survey *survey, const char *nqn,
						     const struct model_object *wanted)
{
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		const struct model_object *object = survey->namespaces[i].object;

		if (object && object->kind == wanted->kind &&
		    strcmp(object->name, wanted->name) == 0 &&
		    strcmp(object->parent->name, nqn) == 0)
			return &survey->namespaces[i];
	}
	return NULL;
}

static void find_lacking_drives(const struct survey *survey, struct survey_export *export)
{
	const char *nqn = export->item->nqn;
	const struct model_object *subsystem =
		model_find(export->item->wanted, MODEL_SUBSYSTEM, nqn);
	size_t i;

	for (i = 0; subsystem && i < subsystem->n_children; i++) {
		const struct model_object *object = subsystem->children[i];
		const char *path = view_device(object);
		const struct survey_namespace *there;
		char key[DRIFT_KEY_MAX];
		char why[ERR_TEXT_MAX];

		if (!path)
			continue;
		there = find_namespace(survey, nqn, object);
		snprintf(why, sizeof(why), "drive %s%s", path,
			 there && there->is_gone ? ", which was pulled" : "");
		if ((there && there->is_gone) || access(path, F_OK) < 0)
			drift_lacks_add(&export->lacks, drift_key(object, key), why);
	}
}

/* Who edits a file is not to find it at work half-written: it counts from a reload on. */
static void check_file(const struct survey_env *env, struct survey_export *export)
{
	struct drift_verdict *verdict = &export->verdict;
	const char *digest = js_text(js_get(js_get(env->record, "files"), export->item->nqn));

	export->is_unread = export->item->is_admins && !env->take_files &&
			    !(digest && strcmp(digest, export->digest) == 0);
	if (!export->is_unread)
		return;
	verdict->due = DRIFT_NOTHING;
	names_addf(&verdict->drift,
		   "its file %s was changed: systemctl reload nvmet-sunfishd makes it so",
		   export->item->file);
}

static int judge(const struct survey_env *env, struct survey *survey, struct survey_export *export,
		 struct err *err)
{
	const struct js *known = js_get(js_get(env->record, "exports"), export->item->nqn);
	const char *file = js_text(js_get(known, "file"));
	CLEANUP_NAMES struct names waits = NAMES_NULL;
	struct drift_case c = {
		.wanted = export->item->wanted,
		.actual = survey->actual,
		.nqn = export->item->nqn,
		.lacks = &export->lacks,
		.waits = &waits,
		.repair = env->repair,
	};
	int r;

	drift_digest(export->item->wanted, export->digest);
	export->is_settled = c.is_settled = file && strcmp(file, export->digest) == 0;
	names_add_js(&waits, js_get(known, "waits"));
	find_lacking_drives(survey, export);
	find_lacking_ports(survey, export);
	r = export_load_keys(AT_FDCWD, export->item->wanted, err);
	if (r == 0)
		r = drift_judge(&c, &export->verdict, err);
	if (r == 0)
		check_file(env, export);
	return r;
}

static int judge_all(const struct survey_env *env, struct survey *survey)
{
	size_t i;

	survey->exports = calloc(survey->list.count + 1, sizeof(*survey->exports));
	if (!survey->exports)
		return -ENOMEM;
	for (i = 0; i < survey->list.count; i++) {
		struct survey_export *export = &survey->exports[i];
		struct err err = ERR_NULL;

		export->item = &survey->list.items[i];
		export->code = export->item->code;
		if (export->item->wanted)
			export->code = judge(env, survey, export, &err);
		if (export->code < 0)
			snprintf(export->error, sizeof(export->error), "%s",
				 export->item->error ? export->item->error : err.text);
	}
	return 0;
}

/* A pulled drive of an export that is stored nowhere comes back only if it proves that it is the
 * same. */
static void find_returned(struct survey *survey, const struct js *record)
{
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		struct survey_namespace *ns = &survey->namespaces[i];
		const char *wwid =
			js_text(js_get(js_get(js_get(record, "namespaces"), ns->id), "wwid"));

		ns->is_back = ns->is_held && ns->is_there && wwid && *wwid &&
			      strcmp(wwid, ns->dev.wwid) == 0 &&
			      !survey_find_export(survey, ns->object->parent->name);
	}
}

int survey_read(struct ctl *ctl, const struct survey_env *env, struct survey *ret, struct err *err)
{
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;
	int r = read_actual(ctl, env->watch, &survey, err);

	if (r == 0)
		r = stored_load_wanted(ctl, &survey.list, err);
	if (r < 0)
		return r;
	if (each_drive(ctl, env, &survey) < 0 || each_listener(env, &survey) < 0 ||
	    judge_all(env, &survey) < 0)
		return err_nomem(err);
	find_returned(&survey, env->record);
	*ret = survey;
	survey = SURVEY_NULL;
	return 0;
}

const struct survey_export *survey_find_export(const struct survey *survey, const char *nqn)
{
	size_t i;

	for (i = 0; i < survey->list.count; i++)
		if (survey->list.items[i].nqn && strcmp(survey->list.items[i].nqn, nqn) == 0)
			return &survey->exports[i];
	return NULL;
}
