/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl - one run of nvmet-sunfishctl: its options, the directories it works in, what it says.
 *
 * A verb is a function of a cmd-VERB.c. It returns 0 or a negative errno with the text for the
 * person; main prints that and turns it into the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "target/model.h"
#include "target/settings.h"

/* Exit statuses (nvmet-sunfishctl(8)). */
enum {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_PARTLY = 3, /* restore, apply: some exports failed, the others are there */
	CTL_LOCKED = 4,
	CTL_NOT_PERMITTED = 5,
};

/* One --rdma, --tcp, --fc or --loop. */
struct ctl_listener {
	const char *transport;
	const char *spec; /* ADDR[:PORT][,key=value...]; "" for loop */
};

#define CTL_MANY 256 /* most of --dev, --host or listeners in one command */

struct ctl_options {
	bool json;
	bool verbose;
	bool quiet;
	bool dry_run;
	bool transient; /* leave the stored exports as they are */
	bool force;
	bool yes;
	bool any_host;
	bool no_host;
	bool forget;
	bool keep_connected;
	bool strict;
	bool with_secrets;
	bool no_daemon;
	long wait_seconds; /* -1: as in the settings */
	const char *format;
	const char *output;
	const char *to;
	const char *port;
	const char *passthru;
	const char *devs[CTL_MANY];
	size_t n_devs;
	const char *hosts[CTL_MANY];
	size_t n_hosts;
	struct ctl_listener listeners[CTL_MANY];
	size_t n_listeners;
	struct {
		const char *name; /* of the attribute */
		const char *value;
	} attrs[16]; /* --model, --serial, ... */
	size_t n_attrs;
};

struct ctl {
	struct ctl_options opt;
	const char *verb; /* "namespace add" */
	char **args;	  /* what follows the verb and is no option */
	size_t n_args;
	const char *command; /* the whole command line, for those who wait for the lock */
	struct settings settings;
	/* directories; tests and --root have others */
	const char *nvmet_path;	 /* /sys/kernel/config/nvmet */
	const char *run_path;	 /* /run/sunfish */
	const char *stored_path; /* /var/lib/sunfish/exports: what this command keeps */
	const char *admin_path;	 /* /etc/sunfish/exports.d: what administrators write */
	int nvmet_fd;		 /* -1 until ctl_open_target */
	int run_fd;		 /* -1 until ctl_lock */
	int lock_fd;
	int sysfs_fd;
	int proc_fd;
	struct js *result; /* of --json: a verb adds to it; NULL without --json */
	struct js *warnings;
	bool is_stream;	   /* the verb has printed its JSON, line by line */
	const char *fault; /* of tests: see apply.h */
	int status;	   /* exit status of a failure; 0: it follows from the error's code */
};

#define CTL_RUN_PATH "/run/sunfish"
#define CTL_SETTINGS_PATH SYSCONFDIR "/target.conf"

/* All as on a system, nothing open yet, no verb and no options. */
void ctl_init(struct ctl *ctl);

/* Open /sys and /proc. Returns: 0; negative errno. */
int ctl_open_system(struct ctl *ctl, struct err *err);

/* --- for a person: stdout, nothing with --json or --quiet */
void ctl_say(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text that is the result of the verb: also with --quiet, not with --json. */
void ctl_print(const struct ctl *ctl, const char *text);
/* stderr, and "warnings" of --json; silent with --quiet. */
void ctl_warn(struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Let the failure be one of usage. Returns: @code, for `return ctl_usage(ctl, err_set(..))`. */
static inline int ctl_usage(struct ctl *ctl, int code)
{
	ctl->status = CTL_USAGE;
	return code;
}

/*
 * Open the target's tree.
 * @load  load nvmet and mount configfs if need be
 * Returns: 0; -ENOENT (@load false) nvmet is not there: nothing is exported; -ENXIO (@load false)
 *   it may be, but configfs is not mounted; codes of modload_ensure; other negative errno.
 */
int ctl_open_target(struct ctl *ctl, bool load, struct err *err);

/* Take the lock and finish what an earlier run left. Codes of lock_take and apply_recover. */
int ctl_lock(struct ctl *ctl, struct err *err);

/* The tree of the target; an empty one if nvmet is not loaded. *ret owned. */
int ctl_read_target(struct ctl *ctl, struct model_object **ret, struct err *err);

/* --- verbs */
int cmd_create(struct ctl *ctl, struct err *err);
int cmd_delete(struct ctl *ctl, struct err *err);
int cmd_list(struct ctl *ctl, struct err *err);
int cmd_show(struct ctl *ctl, struct err *err);
int cmd_namespace_add(struct ctl *ctl, struct err *err);
int cmd_namespace_remove(struct ctl *ctl, struct err *err);
int cmd_namespace_enable(struct ctl *ctl, struct err *err);
int cmd_namespace_disable(struct ctl *ctl, struct err *err);
int cmd_namespace_resize(struct ctl *ctl, struct err *err);
int cmd_listener_add(struct ctl *ctl, struct err *err);
int cmd_listener_remove(struct ctl *ctl, struct err *err);
int cmd_host_add(struct ctl *ctl, struct err *err);
int cmd_host_remove(struct ctl *ctl, struct err *err);
int cmd_ana_set(struct ctl *ctl, struct err *err);
int cmd_referral_add(struct ctl *ctl, struct err *err);
int cmd_referral_remove(struct ctl *ctl, struct err *err);
int cmd_save(struct ctl *ctl, struct err *err);
int cmd_restore(struct ctl *ctl, struct err *err);
int cmd_apply(struct ctl *ctl, struct err *err);
int cmd_diff(struct ctl *ctl, struct err *err);
int cmd_clear(struct ctl *ctl, struct err *err);
int cmd_import(struct ctl *ctl, struct err *err);
int cmd_export(struct ctl *ctl, struct err *err);
int cmd_doctor(struct ctl *ctl, struct err *err);
int cmd_capabilities(struct ctl *ctl, struct err *err);
int cmd_status(struct ctl *ctl, struct err *err);
int cmd_watch(struct ctl *ctl, struct err *err);
