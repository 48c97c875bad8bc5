/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mounts - what is mounted and swapped on, by device.
 *
 * Read once and then only looked at. Mounts of other mount namespaces are not seen.
 *
 * Source: proc(5), /proc/self/mountinfo and /proc/swaps.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct mounts;

struct mounts_use {
	dev_t device; /* that is mounted; of a swap file that which has it */
	ino_t inode;  /* of a swap file; 0 else */
	bool is_swap;
	const char *where; /* mount point, or path of the swap space */
};

/* Read both tables. Returns: 0, *ret owned; -ENOMEM; negative errno of /proc. */
int mounts_read(struct mounts **ret, struct err *err);
/* The same below a directory /proc. */
int mounts_read_at(int proc_fd, struct mounts **ret, struct err *err);
void mounts_free(struct mounts *mounts);

static inline void mounts_free_p(struct mounts **mounts)
{
	mounts_free(*mounts);
}
#define CLEANUP_MOUNTS __attribute__((cleanup(mounts_free_p)))

/* The first use of a block device (@inode 0) or of a file as swap; borrowed, NULL if none. */
const struct mounts_use *mounts_find(const struct mounts *mounts, dev_t device, ino_t inode);

/* Each use of a block device: the first one (@after NULL), the next; NULL after the last. */
const struct mounts_use *mounts_next(const struct mounts *mounts, dev_t device,
				     const struct mounts_use *after);
