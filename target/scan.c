/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "target/scan-objects.h"
#include "target/survey.h"

#define WATCH_MASK                                                                                 \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |        \
	 IN_ONLYDIR)

/* --- where it is, for those who wait */

static bool enter(void *data, const char *what)
{
	const struct scan_env *env = data;

	if (names_has(env->skip, what))
		return false;
	snprintf(env->where->what, sizeof(env->where->what), "%s", what);
	return true;
}

/* Does somebody change the target? The lock is not kept: nobody is to wait for a look. */
static bool is_locked(struct ctl *ctl)
{
	char path[256];
	CLEANUP_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%s/lock", ctl->run_path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool has_journal(struct ctl *ctl)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/journal", ctl->run_path);
	return access(path, F_OK) == 0;
}

/* --- watches */

static void watch_dir(struct ctl *ctl, int inotify_fd, const char *path, int *highest)
{
	char whole[MODEL_PATH_MAX + 64];
	int wd;

	snprintf(whole, sizeof(whole), "%s/%s", ctl->nvmet_path, path);
	wd = inotify_add_watch(inotify_fd, whole, WATCH_MASK);
	if (wd > *highest)
		*highest = wd;
}

static void watch_groups(struct ctl *ctl, int inotify_fd, const struct model_object *object,
			 int *highest)
{
	static const char *const of_root[] = { "hosts", "subsystems", "ports", NULL };
	static const char *const of_subsystem[] = { "namespaces", "allowed_hosts", NULL };
	static const char *const of_port[] = { "subsystems", "referrals", "ana_groups", NULL };
	static const char *const none[] = { NULL };
	const char *const *groups = object->kind == MODEL_ROOT	      ? of_root
				    : object->kind == MODEL_SUBSYSTEM ? of_subsystem
				    : object->kind == MODEL_PORT      ? of_port
								      : none;
	char path[MODEL_PATH_MAX];
	char below[MODEL_PATH_MAX + 32];

	if (model_path(object, path, sizeof(path)) < 0)
		return;
	watch_dir(ctl, inotify_fd, path, highest);
	for (; *groups; groups++) {
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", *groups);
		watch_dir(ctl, inotify_fd, below, highest);
	}
}

/* A directory that is watched already keeps its number. */
static void watch_all(struct ctl *ctl, int inotify_fd, const struct model_object *object,
		      int *highest)
{
	size_t i;

	watch_groups(ctl, inotify_fd, object, highest);
	for (i = 0; i < object->n_children; i++)
		watch_all(ctl, inotify_fd, object->children[i], highest);
}

/* --- what is to be done */

static void add_due(const struct survey *survey, struct js *result)
{
	struct js *due = js_array();
	size_t i;

	for (i = 0; i < survey->list.count; i++)
		if (survey->exports[i].code == 0 && survey->exports[i].verdict.due != DRIFT_NOTHING)
			js_append(due, js_string(survey->list.items[i].nqn));
	js_set(result, "due", due);
}

static void add_namespaces(const struct survey *survey, struct js *result)
{
	struct js *gone = js_array();
	struct js *grown = js_array();
	struct js *back = js_array();
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		const struct survey_namespace *ns = &survey->namespaces[i];

		if (ns->is_gone)
			js_append(gone, js_string(ns->id));
		if (ns->has_grown)
			js_append(grown, js_string(ns->id));
		if (ns->is_back)
			js_append(back, js_string(ns->id));
	}
	js_set(result, "gone", gone);
	js_set(result, "grown", grown);
	js_set(result, "back", back);
}

static void add_lost(const struct survey *survey, struct js *result)
{
	struct js *lost = js_array();
	size_t i;

	for (i = 0; i < survey->n_listeners; i++)
		if (survey->listeners[i].was_lost)
			js_append(lost, js_string(survey->listeners[i].port->name));
	js_set(result, "lost", lost);
}

static void fill(struct ctl *ctl, const struct scan_env *env, const struct survey *survey,
		 struct js *result)
{
	struct js *objects = js_array();
	int highest = -1;

	scan_add_objects(ctl, env, survey, objects);
	js_set(result, "objects", objects);
	js_set(result, "record", survey_record(survey, env->record));
	add_due(survey, result);
	add_namespaces(survey, result);
	add_lost(survey, result);
	if (env->inotify_fd >= 0 && survey->has_nvmet)
		watch_all(ctl, env->inotify_fd, survey->actual, &highest);
	js_set(result, "wd", js_int(highest));
}

struct js *scan_run(struct ctl *ctl, const struct scan_env *env)
{
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;
	struct cfs_watch watch = { enter, (void *)env };
	struct survey_env look = {
		.record = env->record,
		.watch = &watch,
		.repair = env->repair,
		.take_files = env->take_files,
	};
	struct js *result = js_object();
	struct err err = ERR_NULL;
	bool busy = is_locked(ctl);
	int r = survey_read(ctl, &look, &survey, &err);

	env->where->what[0] = '\0';
	if (r < 0) {
		js_set(result, "error", js_string(err.text));
		return result;
	}
	fill(ctl, env, &survey, result);
	js_set(result, "busy", js_bool(busy || is_locked(ctl)));
	js_set(result, "unfinished", js_bool(has_journal(ctl)));
	js_set(result, "skipped", names_to_js(env->skip));
	return result;
}
