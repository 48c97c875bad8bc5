/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl - one run of nvme-sunfishctl: its options, the directories it works in, what it says.
 *
 * A verb is a function of a cmd-VERB.c. It returns 0 or a negative errno with the text for the
 * person; core/cli.h prints that and turns it into the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/cli.h"
#include "initiator/act.h"
#include "initiator/conf.h"
#include "nvmf/host.h"

#define CTL_MANY 32 /* most addresses in one command */

struct ctl_options {
	bool transient; /* the wish is not stored */
	bool force;
	bool all;
	bool no_wait;
	bool hdr_digest;
	bool data_digest;
	int64_t wait_seconds; /* -1: not given; so are the next ones */
	int64_t reconnect_delay;
	int64_t fast_io_fail;
	int64_t keep_alive;
	int64_t io_queues;
	int64_t queue_size;
	int64_t ctrl_loss_tmo; /* -1: for ever; CTL_NO_LOSS_TMO: not given */
	const char *host_traddr;
	const char *host_iface;
	const char *hostnqn;
	const char *owner;
	struct cli_list addresses; /* tcp: ADDR[:PORT] */
};

#define CTL_NO_LOSS_TMO (-2)

#define CTL_OPTIONS_NULL                                                                           \
	((struct ctl_options){                                                                     \
		.wait_seconds = -1,                                                                \
		.reconnect_delay = -1,                                                             \
		.fast_io_fail = -1,                                                                \
		.keep_alive = -1,                                                                  \
		.io_queues = -1,                                                                   \
		.queue_size = -1,                                                                  \
		.ctrl_loss_tmo = CTL_NO_LOSS_TMO,                                                  \
	})

struct ctl {
	struct cli cli; /* first */
	struct ctl_options opt;
	/* directories and files; tests have others */
	struct act_dirs dirs;
	const char *conf_path;	 /* /etc/sunfish/initiator.conf */
	const char *state_path;	 /* /var/lib/sunfish */
	const char *socket_path; /* of the daemon */
	struct conf conf;
	int lock_fd; /* -1 until ctl_lock; what may hang in a child must not keep it */
};

/* Run the verb of @ctl, which cli_main has parsed: ctl_open, the verb, ctl_close. */
int ctl_run(struct ctl *ctl, struct err *err);

/* Open the directories, which are -1 before, and read the configuration. Returns: 0; negative
 * errno. */
int ctl_open(struct ctl *ctl, struct err *err);
void ctl_close(struct ctl *ctl);

/* Who this host is: of --hostnqn, the configuration or /etc/nvme. Returns: 0; -EINVAL; -ENOENT with
 * what to do. */
int ctl_identity(const struct ctl *ctl, struct host_identity *ret, struct err *err);

/* Is it in the kernel, loaded or built in? */
bool ctl_has_module(const struct ctl *ctl, const char *module);

/* Only root may go on. Returns: 0; -EPERM. */
int ctl_need_root(const struct ctl *ctl, struct err *err);

/* One command at a time, until ctl_close. Returns: as lock_take_file. */
int ctl_lock(struct ctl *ctl, struct err *err);

/* --- verbs */
int cmd_connect(struct ctl *ctl, struct err *err);
int cmd_disconnect(struct ctl *ctl, struct err *err);
int cmd_list(struct ctl *ctl, struct err *err);
int cmd_show(struct ctl *ctl, struct err *err);
int cmd_paths(struct ctl *ctl, struct err *err);
int cmd_status(struct ctl *ctl, struct err *err);
int cmd_discover(struct ctl *ctl, struct err *err);
int cmd_doctor(struct ctl *ctl, struct err *err);
int cmd_watch(struct ctl *ctl, struct err *err);
int cmd_udev(struct ctl *ctl, struct err *err);
int cmd_capabilities(struct ctl *ctl, struct err *err);
