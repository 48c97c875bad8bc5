/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drive - what follows from the drives of a wanted export: stable paths, ids, and whether they
 * are free.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "target/claim.h"
#include "target/ctl.h"
#include "target/model.h"

struct drive_context {
	struct claim *claim; /* owned */
	char machine_id[40];
};

#define DRIVE_CONTEXT_NULL ((struct drive_context){ 0 })

void drive_context_deinit(struct drive_context *context);
#define CLEANUP_DRIVE_CONTEXT __attribute__((cleanup(drive_context_deinit)))

/*
 * Read what holds for all drives: mounts, swap, and which drives the target exports already.
 * @actual  if it is the whole target; NULL: its drives are read
 * Returns: 0; -ENOMEM; negative errno of reading.
 */
int drive_context_init(struct ctl *ctl, const struct model_object *actual,
		       struct drive_context *ret, struct err *err);

/* Let later calls know the drives of this subsystem as exported. Returns: 0; -ENOMEM. */
int drive_context_add(const struct drive_context *context, const struct model_object *subsystem,
		      struct err *err);

/*
 * Complete the namespaces of a wanted subsystem that the actual one has not (or has with another
 * drive): the path becomes the drive's stable one; uuid, nguid and, of a new subsystem, the serial
 * number are derived where they are not given; a drive that is not the one the ids were derived
 * from is refused; and it must be free. From then on it is known as exported, to this call too.
 * @actual  the subsystem as it is, or NULL
 * @flags   CLAIM_*
 * @notes   lines for the person
 * Returns: 0; codes of dev_inspect and claim_check; -ESTALE another drive is at that path now;
 *   -ENOMEM.
 */
int drive_prepare(const struct drive_context *context, struct model_object *subsystem,
		  const struct model_object *actual, unsigned int flags, struct str *notes,
		  struct err *err);

/*
 * Give each drive of a subsystem the name that it keeps, as drive_prepare does: /dev/nvme0n1 may
 * be another one after the next start. Returns: 0; -ENOMEM; negative errno of a file's path.
 */
int drive_name_stably(struct model_object *subsystem, struct err *err);

/* Are both paths the same drive or file now? false if one is not there. */
bool drive_is_same(const char *a, const char *b);
