/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * act - connect and disconnect with all that belongs to it: keys, owner, what is mounted.
 *
 * Blocks in the kernel: for a child process (core/job.h) or a command that forked. The daemon and
 * the command without a daemon do it by the same code.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "initiator/conf.h"
#include "initiator/inventory.h"
#include "nvmf/host.h"

/* Directories that were opened by main. */
struct act_dirs {
	int sysfs_fd; /* /sys */
	int proc_fd;  /* /proc */
	int run_fd;   /* /run */
	int etc_fd;   /* /etc */
};

/*
 * Connect, and enter it as ours. Loads the transport's module if need be.
 * @host      who this host is unless the connection says otherwise
 * @ret_name  nvmeN
 * Returns: as host_connect; of reading keys as dhchap_read_file.
 */
int act_connect(const struct act_dirs *dirs, const struct conf_connection *connection,
		const struct host_identity *host, char ret_name[HOST_CONTROLLER_MAX],
		struct err *err);

/*
 * May it be disconnected? Not if it is another's (owner.h), nor if something in use would lose its
 * last path (inventory_blockers). @force overrides both.
 * Returns: 0; -EBUSY in use; -EPERM another's; -ENODEV there is none.
 */
int act_may_disconnect(const struct act_dirs *dirs, const struct inventory *inventory,
		       const char *name, bool force, struct err *err);

/* Disconnect and take it out of the registry; ask act_may_disconnect before.
 * @controller  as it stood in the inventory
 * Returns: as host_disconnect. */
int act_disconnect(const struct act_dirs *dirs, const struct inventory_controller *controller,
		   struct err *err);
