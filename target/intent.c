/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "nvmf/addr.h"
#include "target/command.h"
#include "target/drive.h"
#include "target/look.h"
#include "target/names.h"
#include "target/resolve.h"

#define DEFAULT_PORT "4420"
#define OUTPUT_MAX (1u << 20)

void intent_describe(const struct wanted_entry *entry, struct str *text)
{
	if (entry->kind == WANTED_ACCESS)
		str_addf(text, "%s %s connect to %s", entry->hostnqn,
			 entry->absent ? "may no longer" : "may", entry->nqn);
	else
		str_addf(text, "%s is %s", entry->nqn,
			 entry->absent ? "no longer exported" : "exported");
}

/* --- a verb, and what its --json says of a failure */

static int read_error(int fd, struct err *err)
{
	CLEANUP_FREE char *text = calloc(1, OUTPUT_MAX);
	CLEANUP_JS struct js *js = NULL;
	ssize_t length = text ? pread(fd, text, OUTPUT_MAX - 1, 0) : 0;
	const char *message;

	if (length > 0)
		js_parse(text, (size_t)length, &js, NULL);
	message = js_text(js_get(js_get(js, "error"), "message"));
	return err_set(err, -EIO, "%s", message ? message : "it failed without a reason");
}

/* This process is a child that nobody reads the output of. */
static int run(const struct ctl *ctl, const struct names *words, struct err *err)
{
	CLEANUP_CLOSE int output = memfd_create("output", MFD_CLOEXEC);
	CLEANUP_CLOSE int none = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char **copies = calloc(words->count + 1, sizeof(*copies));
	int status;

	if (output < 0 || none < 0 || !copies || words->failed || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(none, STDERR_FILENO) < 0) {
		free(copies);
		return err_nomem(err);
	}
	memcpy(copies, words->items, words->count * sizeof(*copies));
	status = command_run((int)words->count, copies, ctl->settings_path);
	free(copies);
	return status == CLI_DONE ? 0 : read_error(output, err);
}

static int run_words(const struct ctl *ctl, struct err *err, const char *verb, const char *second,
		     const char *nqn, const char *argument)
{
	CLEANUP_NAMES struct names words = NAMES_NULL;

	names_push(&words, verb);
	if (second)
		names_push(&words, second);
	names_push(&words, "--json");
	names_push(&words, "--");
	names_push(&words, nqn);
	if (argument)
		names_push(&words, argument);
	return run(ctl, &words, err);
}

/* --- an export */

static bool has_device(const struct model_object *subsystem, const char *path)
{
	const struct model_object *ns;
	size_t i = 0;

	while ((ns = model_next(subsystem, MODEL_NAMESPACE, &i)))
		if (drive_is_same(model_text(ns, "device_path"), path))
			return true;
	return false;
}

static const char *service_of(const struct wanted_listener *listener)
{
	return *listener->service ? listener->service : DEFAULT_PORT;
}

/* Hosts are let in and out by entries of their own, so they do not count here. */
static bool is_exported_so(const struct look *look, const struct wanted_entry *entry)
{
	const struct model_object *subsystem = model_find(look->root, MODEL_SUBSYSTEM, entry->nqn);
	struct wanted_listener listener;
	size_t i;

	if (!subsystem)
		return false;
	for (i = 0; i < js_length(entry->devices); i++)
		if (!has_device(subsystem, js_text(js_at(entry->devices, i))))
			return false;
	for (i = 0; i < js_length(entry->listeners); i++) {
		wanted_listener_at(entry->listeners, i, &listener);
		if (!model_has_link(resolve_find_port(look->root, listener.transport,
						      listener.address, service_of(&listener)),
				    entry->nqn))
			return false;
	}
	return true;
}

static void add_listener(struct names *words, const struct wanted_listener *listener)
{
	bool has_port =
		strcmp(listener->transport, "tcp") == 0 || strcmp(listener->transport, "rdma") == 0;
	char text[ADDR_TEXT_MAX];
	char option[48];

	snprintf(option, sizeof(option), "--%s", listener->transport);
	names_push(words, option);
	if (strcmp(listener->transport, "loop") == 0)
		return;
	names_push(words, has_port
				  ? addr_format_parts(listener->address, service_of(listener), text)
				  : listener->address);
}

static int create(const struct ctl *ctl, const struct wanted_entry *entry, struct err *err)
{
	CLEANUP_NAMES struct names words = NAMES_NULL;
	struct wanted_listener listener;
	size_t i;

	names_push(&words, "create");
	names_push(&words, "--for-collector");
	for (i = 0; i < js_length(entry->devices); i++) {
		names_push(&words, "--dev");
		names_push(&words, js_text(js_at(entry->devices, i)));
	}
	for (i = 0; i < js_length(entry->listeners); i++) {
		wanted_listener_at(entry->listeners, i, &listener);
		add_listener(&words, &listener);
	}
	for (i = 0; i < js_length(entry->hosts); i++) {
		names_push(&words, "--host");
		names_push(&words, js_text(js_at(entry->hosts, i)));
	}
	if (entry->any_host)
		names_push(&words, "--any-host");
	else if (!js_length(entry->hosts))
		names_push(&words, "--no-host");
	names_push(&words, "--json");
	names_push(&words, "--");
	names_push(&words, entry->nqn);
	return run(ctl, &words, err);
}

static unsigned int count_sessions(const struct look *look, const char *nqn)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < look->sessions.count; i++)
		n += strcmp(look->sessions.items[i].nqn, nqn) == 0;
	return n;
}

static bool is_collectors(const struct export_item *stored)
{
	const struct model_object *subsystem =
		stored && !stored->is_admins
			? model_find(stored->wanted, MODEL_SUBSYSTEM, stored->nqn)
			: NULL;

	return subsystem && strcmp(model_text(subsystem, EXPORT_MADE_BY), EXPORT_BY_COLLECTOR) == 0;
}

/* One that was made for the collector gets what it has not: drives first, as they may fail. */
static int extend(const struct ctl *ctl, const struct look *look, const struct wanted_entry *entry,
		  struct err *err)
{
	const struct model_object *subsystem = model_find(look->root, MODEL_SUBSYSTEM, entry->nqn);
	CLEANUP_NAMES struct names words = NAMES_NULL;
	size_t n_missing = 0;
	size_t i;

	names_push(&words, "namespace");
	names_push(&words, "add");
	for (i = 0; i < js_length(entry->devices); i++) {
		const char *device = js_text(js_at(entry->devices, i));

		if (has_device(subsystem, device))
			continue;
		names_push(&words, "--dev");
		names_push(&words, device);
		n_missing++;
	}
	if (!n_missing)
		return err_set(err, -EEXIST,
			       "%s is exported already, but not at all of these addresses",
			       entry->nqn);
	names_push(&words, "--json");
	names_push(&words, "--");
	names_push(&words, entry->nqn);
	return run(ctl, &words, err);
}

static int do_export(const struct ctl *ctl, const struct look *look,
		     const struct wanted_entry *entry, struct err *err)
{
	bool is_made = model_find(look->root, MODEL_SUBSYSTEM, entry->nqn);
	const struct export_item *stored = stored_find(&look->stored, entry->nqn, NULL);

	if (!entry->absent && !is_made && stored)
		return err_set(err, -EAGAIN, "%s is stored, but not exported now", entry->nqn);
	if (!entry->absent && is_exported_so(look, entry))
		return 0;
	if (!entry->absent)
		return is_made && is_collectors(stored) ? extend(ctl, look, entry, err)
							: create(ctl, entry, err);
	if (!is_made && !stored)
		return 0;
	if (!is_collectors(stored))
		return err_set(err, -EPERM,
			       "%s was not made for the collector, so it is not taken away; to do "
			       "so, on the target: nvmet-sunfishctl delete %s",
			       entry->nqn, entry->nqn);
	if (!entry->force && count_sessions(look, entry->nqn))
		return err_set(err, -EBUSY,
			       "%u hosts are connected to %s: detach them first, or force it",
			       count_sessions(look, entry->nqn), entry->nqn);
	return run_words(ctl, err, "delete", NULL, entry->nqn, NULL);
}

/* --- access */

static int cut_left(struct ctl *ctl, const struct look *look, const struct wanted_entry *entry,
		    struct err *err)
{
	CLEANUP_CLOSE int debugfs_fd =
		openat(ctl->sysfs_fd, "kernel/debug", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct session_source source = { ctl->nvmet_fd, ctl->proc_fd, debugfs_fd };
	struct session_report report;
	size_t i;

	/* an earlier run may have ended between taking the right and cutting */
	for (i = 0; i < look->sessions.count; i++)
		if (look->sessions.items[i].from_debugfs &&
		    strcmp(look->sessions.items[i].nqn, entry->nqn) == 0 &&
		    strcmp(look->sessions.items[i].hostnqn, entry->hostnqn) == 0)
			return session_cut(&source, look->root, entry->nqn, entry->hostnqn,
					   1000 * ctl->settings.hang_seconds, &report, err);
	return 0;
}

static int take_access(struct ctl *ctl, const struct look *look,
		       const struct model_object *subsystem, const struct wanted_entry *entry,
		       struct err *err)
{
	if (model_is_on(subsystem, "attr_allow_any_host"))
		return err_set(err, -EINVAL,
			       "any host may connect to %s, so none can be kept out: allow only "
			       "some first",
			       entry->nqn);
	if (!model_has_link(subsystem, entry->hostnqn))
		return cut_left(ctl, look, entry, err);
	return run_words(ctl, err, "host", "remove", entry->nqn, entry->hostnqn);
}

static int do_access(struct ctl *ctl, const struct look *look, const struct wanted_entry *entry,
		     struct err *err)
{
	const struct model_object *subsystem = model_find(look->root, MODEL_SUBSYSTEM, entry->nqn);
	const struct export_item *stored = stored_find(&look->stored, entry->nqn, NULL);

	if (!subsystem && stored)
		return err_set(err, -EAGAIN, "%s is stored, but not exported now", entry->nqn);
	if (!subsystem)
		return entry->absent ? 0
				     : err_set(err, -ENOENT, "%s is not exported here", entry->nqn);
	if (entry->absent)
		return take_access(ctl, look, subsystem, entry, err);
	if (model_is_on(subsystem, "attr_allow_any_host") ||
	    model_has_link(subsystem, entry->hostnqn))
		return 0;
	return run_words(ctl, err, "host", "add", entry->nqn, entry->hostnqn);
}

/* On a command line options of a drive or host stand behind a comma: the collector gives none. */
static int check_plain(const char *text, struct err *err)
{
	if (text && *text && *text != '-' && !strchr(text, ','))
		return 0;
	return err_set(err, -EINVAL, "\"%.80s\" is no drive, host or address", text ? text : "");
}

static int check_entry(const struct wanted_entry *entry, struct err *err)
{
	struct wanted_listener listener;
	size_t i;
	int r = check_plain(entry->nqn, err);

	if (r == 0 && entry->kind == WANTED_ACCESS)
		r = check_plain(entry->hostnqn, err);
	for (i = 0; r == 0 && i < js_length(entry->devices); i++)
		r = check_plain(js_text(js_at(entry->devices, i)), err);
	for (i = 0; r == 0 && i < js_length(entry->hosts); i++)
		r = check_plain(js_text(js_at(entry->hosts, i)), err);
	for (i = 0; r == 0 && i < js_length(entry->listeners); i++) {
		wanted_listener_at(entry->listeners, i, &listener);
		r = strcmp(listener.transport, "loop") == 0 ? 0
							    : check_plain(listener.address, err);
	}
	return r;
}

int intent_do(struct ctl *ctl, const struct wanted_entry *entry, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = check_entry(entry, err);

	if (r == 0)
		r = look_read_one(ctl, entry->nqn, &look, err);
	if (r < 0)
		return r;
	switch (entry->kind) {
	case WANTED_EXPORT:
		return do_export(ctl, &look, entry, err);
	case WANTED_ACCESS:
		return do_access(ctl, &look, entry, err);
	default:
		return err_set(err, -EINVAL, "a target makes no connections");
	}
}
