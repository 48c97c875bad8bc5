/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cfs - the actual tree of the target, read from configfs into a model.
 *
 * One pass by directory descriptor, no stat. Attributes are read whatever their names are, so that
 * those of newer kernels are kept. Keys are marked secret. What vanishes while it is read is left
 * out. Re-entrant.
 *
 * Source: drivers/nvme/target/configfs.c.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "target/model.h"

#define CFS_PATH "/sys/kernel/config/nvmet"

/*
 * Open the root of the target.
 * Returns: 0, *ret_fd owned; -ENOENT nvmet is not loaded; -EACCES; other negative errno of open.
 */
int cfs_open(const char *path, int *ret_fd, struct err *err);

/* The whole tree. Returns: 0, *ret owned; -ENOMEM; negative errno of reading. */
int cfs_read(int nvmet_fd, struct model_object **ret, struct err *err);

/*
 * The same, told before it looks into each subsystem (by its NQN) and into "hosts" and "ports":
 * where the kernel holds a directory, a reader waits with it, and somebody should know where.
 */
struct cfs_watch {
	bool (*enter)(void *data, const char *what); /* false: leave it out */
	void *data;
};
int cfs_read_watched(int nvmet_fd, const struct cfs_watch *watch, struct model_object **ret,
		     struct err *err);

/*
 * What concerns one subsystem: the subsystem whole with the hosts it allows, and all ports with
 * their attributes, ANA groups and referrals; of a port's links that to @nqn and, of others, one
 * if there is any, so that it is known whether the port is in use. A subsystem that is not
 * there is not in the result.
 * Returns: as cfs_read.
 */
int cfs_read_subsystem(int nvmet_fd, const char *nqn, struct model_object **ret, struct err *err);

/* Add one host to a tree that was read without it; nothing if the kernel has no such host.
 * Returns: 0; -ENOMEM; negative errno of reading. */
int cfs_read_host(int nvmet_fd, const char *hostnqn, struct model_object *root, struct err *err);

/* Of each namespace (and passthru) of each subsystem only device_path and enable. As cfs_read. */
int cfs_read_devices(int nvmet_fd, struct model_object **ret, struct err *err);
