/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * claim - is a drive free to be exported?
 *
 * nvmet opens a drive without O_EXCL: it exports one that is mounted, and the file system is
 * lost. So whoever holds it is found first. What holds for the whole host (mounts, swap,
 * exports) is read once into a claim, so that a thousand drives stay cheap; what belongs to a
 * drive is read from sysfs when it is asked for. Nothing is locked: a claim is a look, made right
 * before the export.
 *
 * Source: Documentation/ABI/stable/sysfs-block; mounts.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "core/dev.h"

struct claim;

/* What is suspicious, but held by nobody, is let through with a note. */
enum {
	CLAIM_FORCE = 1 << 0,	/* the administrator said so */
	CLAIM_RESTORE = 1 << 1, /* it was exported before: a saved configuration comes back */
	CLAIM_LOOK = 1 << 2,	/* only a look: it is not opened, which might hinder others */
};

/*
 * Read mounts and swap.
 * @sysfs_fd  directory /sys, borrowed until claim_free
 * Returns: 0, *ret owned; -ENOMEM; negative errno of /proc.
 */
int claim_new(int sysfs_fd, struct claim **ret, struct err *err);
void claim_free(struct claim *claim);

static inline void claim_free_p(struct claim **claim)
{
	claim_free(*claim);
}
#define CLEANUP_CLAIM __attribute__((cleanup(claim_free_p)))

/* Tell of a namespace that is exported already; @major and @minor of its drive, 0 and 0 if it has
 * none, so that only its subsystem is known. Returns: 0; -ENOMEM. */
int claim_add_export(struct claim *claim, unsigned int major, unsigned int minor, const char *nqn,
		     uint32_t nsid);

/* The same of a file, by st_dev and st_ino. Returns: 0; -ENOMEM. */
int claim_add_file(struct claim *claim, uint64_t device, uint64_t inode, const char *nqn,
		   uint32_t nsid);

/*
 * May the drive be exported as namespace @own_nsid of @own_nqn?
 * @own_nqn  not in the way of itself: an export of the same name is skipped; NULL for none
 * @flags    CLAIM_*
 * @notes    what to tell, one line each with '\n'; NULL allowed
 * Returns: 0; -EBUSY held by somebody (mounted, swap, md, LVM, other holders, exported already,
 * imported from this host), which no flag changes, or suspicious (member of an array or pool that
 * is not active, imported from another host), which flags let through; -EROFS; -ENOMEM;
 * other negative errno of opening it.
 */
int claim_check(struct claim *claim, const struct dev_info *dev, const char *own_nqn,
		uint32_t own_nsid, unsigned int flags, struct str *notes, struct err *err);
