/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl - one run of nvme-sunfishctl: its options, the directories it works in, what it says.
 *
 * A verb is a function of a cmd-VERB.c. It returns 0 or a negative errno with the text for the
 * person; main prints that and turns it into the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "base/table.h"
#include "initiator/act.h"
#include "initiator/conf.h"
#include "nvmf/host.h"

/* Exit statuses (nvme-sunfishctl(8)). */
enum {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_PARTLY = 3, /* of several paths or connections some failed, the others are there */
	CTL_LOCKED = 4,
	CTL_NOT_PERMITTED = 5,
};

/* One --rdma or --tcp. */
struct ctl_address {
	const char *transport;
	const char *spec; /* ADDR[:PORT] */
};

#define CTL_MANY 32 /* most addresses in one command */

struct ctl_options {
	bool json;
	bool verbose;
	bool quiet;
	bool transient; /* the wish is not stored */
	bool force;
	bool all;
	bool no_wait;
	bool hdr_digest;
	bool data_digest;
	long wait_seconds; /* -1: not given; so are the next ones */
	long reconnect_delay;
	long fast_io_fail;
	long keep_alive;
	long io_queues;
	long queue_size;
	long ctrl_loss_tmo; /* -1: for ever; CTL_NO_LOSS_TMO: not given */
	const char *host_traddr;
	const char *host_iface;
	const char *hostnqn;
	const char *owner;
	struct ctl_address addresses[CTL_MANY];
	size_t n_addresses;
};

#define CTL_NO_LOSS_TMO (-2L)

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
	struct ctl_options opt;
	const char *verb;
	char **args; /* what follows the verb and is no option */
	size_t n_args;
	const char *command; /* the whole command line, for those who wait for the lock */
	/* directories and files; tests have others */
	struct act_dirs dirs;
	const char *conf_path;	 /* /etc/sunfish/initiator.conf */
	const char *state_path;	 /* /var/lib/sunfish */
	const char *socket_path; /* of the daemon */
	struct conf conf;
	int lock_fd;	   /* -1 until ctl_lock; what may hang in a child must not keep it */
	struct js *result; /* of --json: a verb adds to it; NULL without --json */
	struct js *warnings;
	int status; /* exit status of a failure; 0: it follows from the error's code */
};

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

/* A table or a text with colours: as the terminal wants it, else plain. As ctl_print. */
void ctl_print_table(const struct ctl *ctl, const struct table *table, const char *indent);
bool ctl_has_colours(void);

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
