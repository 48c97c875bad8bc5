/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * modload - kernel modules, and configfs, which the target needs.
 *
 * libkmod is opened with dlopen only when a module really must be loaded: linking it costs 1 MiB
 * of memory and 2 ms at each start, because it pulls in libcrypto. Softdeps, dependencies and
 * options of modprobe.d are libkmod's; its blacklist is respected.
 *
 * Source: libkmod.h of kmod 30; Documentation/filesystems/configfs.rst.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * Is the module in the running kernel, loaded or built in with something to show in /sys/module?
 * @sysfs_fd  directory /sys
 * @module    name; '-' and '_' are the same
 */
bool modload_is_present(int sysfs_fd, const char *module);

/*
 * Have a module in the kernel: does nothing if it is there or built in.
 * @sysfs_fd  directory /sys
 * @module    name or alias, such as "nvmet-rdma"
 * Returns: 0; -ENOENT not built for this kernel; -EACCES blacklisted in modprobe.d, or its
 * install line there failed; -EPERM the kernel does not let us (no CAP_SYS_MODULE,
 * modules_disabled, lockdown); -ELIBACC no libkmod on this system; -EINVAL not a module's name;
 * other negative errno of the module's initialisation.
 */
int modload_ensure(int sysfs_fd, const char *module, struct err *err);

/* Is configfs mounted there? */
bool modload_has_configfs(const char *path);

/*
 * Have configfs mounted: loads its module and mounts it if it is not.
 * @path  mount point, "/sys/kernel/config"
 * Returns: 0; -EPERM no CAP_SYS_ADMIN; -ENOENT no such directory, kernel without configfs; codes
 * of modload_ensure; other negative errno of mount.
 */
int modload_mount_configfs(const char *path, struct err *err);
