/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dev - what is known of a drive (or of a file that is exported like one).
 *
 * Size and names are the kernel's (sysfs); stable links, file system and partition table are the
 * udev database's (libudev), never read from the drive. Where no udevd runs those are empty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct dev_info {
	char path[256]; /* what was asked */
	char node[64];	/* the kernel's name, nvme1n1; "" for a file */
	char disk[64];	/* the whole drive: of a partition its drive, else node; "" for a file */
	unsigned int major, minor; /* of the drive; 0 for a file */
	unsigned int partition;	   /* its number; 0 for a whole drive */
	bool is_block;
	bool is_file;
	bool read_only;
	bool removable;
	uint64_t size_bytes;
	uint64_t file_device; /* of a file: st_dev and st_ino */
	uint64_t file_inode;
	/* Stable link /dev/disk/by-id/... that leads to it, the best: nvme-eui., nvme-uuid.,
	 * nvme-nguid., wwn-, nvme-MODEL_SERIAL, any other; "" if there is none. */
	char by_id[256];
	/* What stays the same wherever it is plugged: the kernel's wwid, or the md or dm UUID, or
	 * udev's ID_WWN or ID_SERIAL, a partition with "-partN" after it; "" if none. */
	char wwid[256];
	char fs_type[32];    /* ID_FS_TYPE: ext4, LVM2_member, ... */
	char part_table[16]; /* ID_PART_TABLE_TYPE: gpt, dos */
};

/*
 * Look at a block device or a regular file.
 * @path  any path that leads to it; links are followed
 * @ret   filled; an own copy, nothing to free
 * Returns: 0; -ENOENT there is none (the text names the drives that are); -ENOTBLK neither block
 * device nor regular file; -ENAMETOOLONG; -ENXIO node without a device; other negative errno.
 */
int dev_inspect(const char *path, struct dev_info *ret, struct err *err);

/*
 * The same for a block device by its number; its path is /dev/NODE.
 * @sysfs_fd  directory /sys; udev's database is always the system's
 * Returns: 0; -ENXIO no such device; -ENAMETOOLONG; other negative errno.
 */
int dev_inspect_at(int sysfs_fd, unsigned int major, unsigned int minor, struct dev_info *ret,
		   struct err *err);
