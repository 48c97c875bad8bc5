/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl - one run of nvmet-sunfishctl: its options, the directories it works in, what it says.
 *
 * A verb is a function of a cmd-VERB.c. It returns 0 or a negative errno with the text for the
 * person; core/cli.h prints that and turns it into the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/cli.h"
#include "target/model.h"
#include "target/settings.h"

struct ctl_options {
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
	int64_t wait_seconds; /* -1: as in the settings */
	const char *format;
	const char *output;
	const char *to;
	const char *port;
	const char *passthru;
	struct cli_list devs;
	struct cli_list hosts;
	struct cli_list listeners; /* tcp: ADDR[:PORT][,key=value...]; loop: "" */
	struct cli_list attrs;	   /* attr_model, attr_serial .. */
};

struct ctl {
	struct cli cli; /* first */
	struct ctl_options opt;
	struct settings settings;
	/* directories; tests and --root have others */
	const char *settings_path; /* /etc/sunfish/target.conf */
	const char *nvmet_path;	   /* /sys/kernel/config/nvmet */
	const char *run_path;	   /* /run/sunfish */
	const char *stored_path;   /* /var/lib/sunfish/exports: what this command keeps */
	const char *admin_path;	   /* /etc/sunfish/exports.d: what administrators write */
	int nvmet_fd;		   /* -1 until ctl_open_target */
	int run_fd;		   /* -1 until ctl_lock */
	int lock_fd;
	int sysfs_fd;
	int proc_fd;
	const char *request; /* the command line for the daemon; NULL: it is done here */
	const char *fault;   /* of tests: see apply.h */
};

#define CTL_RUN_PATH "/run/sunfish"
#define CTL_SETTINGS_PATH SYSCONFDIR "/target.conf"

/* All as on a system, nothing open yet, no verb and no options. */
void ctl_init(struct ctl *ctl);

/* Open /sys and /proc. Returns: 0; negative errno. */
int ctl_open_system(struct ctl *ctl, struct err *err);

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
