/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * owner - who made a controller, and which ones nobody may make: agreements with nvme-cli,
 * nvme-stas and nvme-discoverd.
 *
 * The registry is /run/nvme/registry/nvmeN/owner beside the uevent number at that moment
 * (seqnum), since the kernel uses numbers again. The exclusions are an administrator's files. Both
 * are plain text and work whatever libnvme is installed.
 *
 * Source: libnvme 3, design/REGISTRY.md, design/EXCLUSIONS.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "initiator/tid.h"

#define OWNER_MAX 64 /* with NUL */
#define OWNER_SUNFISH "sunfish"

/*
 * @run_fd  directory /run
 * Returns: 0, *ret filled ("" nobody); negative errno of reading.
 */
int owner_read(int run_fd, const char *controller, char ret[OWNER_MAX], struct err *err);

/* Is it ours? Nothing that cannot be read is. */
bool owner_is_ours(int run_fd, const char *controller);

/*
 * Make or replace the entry of a controller, complete at once.
 * @sysfs_fd  directory /sys, for the number of uevents
 * Returns: 0; negative errno.
 */
int owner_write(int run_fd, int sysfs_fd, const char *controller, const char *owner,
		struct err *err);

/*
 * Remove the entry of a controller that is gone.
 * @seqnum  of the uevent that said so: an entry of later is another controller's and stays;
 *          UINT64_MAX: whatever is there
 * Returns: 0, also if there is none; negative errno.
 */
int owner_remove(int run_fd, const char *controller, uint64_t seqnum, struct err *err);

/* --- exclusions */

struct exclusions;

/*
 * Read nvme/exclusions.conf and nvme/exclusions.conf.d: they are read anew before each connect. A
 * file or line that makes no sense excludes nothing.
 * @etc_fd  directory /etc
 * Returns: 0, *ret owned; -ENOMEM.
 */
int exclusions_read(int etc_fd, struct exclusions **ret, struct err *err);
/* One file's text, in addition. Returns: 0; -ENOMEM. */
int exclusions_add(struct exclusions **io, const char *text, const char *origin);
void exclusions_free(struct exclusions *exclusions);

static inline void exclusions_free_p(struct exclusions **exclusions)
{
	exclusions_free(*exclusions);
}
#define CLEANUP_EXCLUSIONS __attribute__((cleanup(exclusions_free_p)))

size_t exclusions_count(const struct exclusions *exclusions);

/*
 * @tid      with hostnqn if it is known
 * @hostid   or ""
 * Returns: the entry that says so, "FILE: transport=tcp;..", borrowed; NULL if none.
 */
const char *exclusions_match(const struct exclusions *exclusions, const struct tid *tid,
			     const char *hostid);
