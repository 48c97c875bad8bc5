/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session - which hosts are connected, and how to cut one.
 *
 * Where the kernel has nvmet's debugfs, each controller is known with its host NQN. Elsewhere the
 * listeners' connections tell the hosts' addresses, one session per address and port.
 *
 * Removing a host from allowed_hosts does not disconnect it: session_cut does, and proves it.
 * Blocking up to the given deadline; re-entrant.
 *
 * Source: drivers/nvme/target/{debugfs,configfs}.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "target/model.h"

struct session {
	char nqn[256];		    /* the subsystem; "" unknown: its listener serves several */
	char hostnqn[256];	    /* "" unknown */
	char host_address[128];	    /* without port; "" unknown */
	char state[32];		    /* "live", "fatal" ..; "" unknown */
	uint16_t cntlid;	    /* 0 unknown */
	uint16_t port_id;	    /* of nvmet */
	unsigned int n_connections; /* queues with the admin queue; 0 unknown */
	bool from_debugfs;
};

struct session_list {
	struct session *items; /* sorted by port, address, controller */
	size_t count;
	bool complete; /* false: some transport could not be asked, or tells nothing (fc, loop) */
};

#define SESSION_LIST_NULL ((struct session_list){ 0 })

void session_list_deinit(struct session_list *list);
#define CLEANUP_SESSION_LIST __attribute__((cleanup(session_list_deinit)))

/* Where to look; nothing is owned. */
struct session_source {
	int nvmet_fd;	/* /sys/kernel/config/nvmet; only session_cut writes there */
	int proc_fd;	/* /proc */
	int debugfs_fd; /* /sys/kernel/debug, or -1 */
};

#define SESSION_SOURCE_NULL                                                                        \
	((struct session_source){ .nvmet_fd = -1, .proc_fd = -1, .debugfs_fd = -1 })

/*
 * @nqn     one subsystem, or NULL for all
 * @actual  the tree as cfs_read gave it: which ports serve which subsystem
 * Returns: 0, *ret owned; -ENOENT no such subsystem; -ENOMEM; negative errno of reading /proc.
 */
int session_list(const struct session_source *src, const char *nqn,
		 const struct model_object *actual, struct session_list *ret, struct err *err);

struct session_report {
	unsigned int n_before; /* controllers (debugfs) or connections seen before */
	unsigned int n_cut;    /* of these, gone now */
	unsigned int n_left;   /* of these, still there */
	bool by_debugfs;       /* only controllers of that host were touched */
	bool is_shared;	       /* the listeners also serve other subsystems: n_left may be theirs */
	bool is_unsure;	       /* all was done, but n_left cannot be told from theirs */
	bool complete;	       /* false: there are transports whose connections can't be seen */
};

/*
 * Cut the live sessions of a host after access was taken from it. With debugfs its controllers
 * alone; without, all controllers of the subsystem (hosts that are allowed come back by
 * themselves): by writing attr_qid_max with its own value, and where the kernel takes that without
 * dropping anybody (6.1), by linking the subsystem to its ports anew.
 * @actual       the tree as it is now
 * @hostnqn      NULL: all hosts of the subsystem
 * @deadline_ms  for all of it, the write included
 * Returns: 0 all that was seen before is gone (also if nothing was there);
 *   -ETIMEDOUT something is still there, or the kernel did not come back: *ret says what; if
 *      is_shared, already a second after the last connection went, with is_unsure;
 *   -ENOENT no such subsystem; -ENOMEM; other negative errno, also of linking it again: the text
 *      then says that it may not be linked.
 * *ret is filled also with -ETIMEDOUT.
 */
int session_cut(const struct session_source *src, const struct model_object *actual,
		const char *nqn, const char *hostnqn, unsigned int deadline_ms,
		struct session_report *ret, struct err *err);
