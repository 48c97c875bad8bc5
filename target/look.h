/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look - what the verbs that only read look at: the kernel's tree, who is connected, what is
 * stored. Each is read once, without the lock: what changes meanwhile is seen as before or after.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "target/ctl.h"
#include "target/model.h"
#include "target/session.h"
#include "target/stored.h"
#include "target/view.h"

struct look {
	struct model_object *root; /* empty if nvmet is not loaded */
	struct session_list sessions;
	struct stored stored;
};

#define LOOK_NULL ((struct look){ 0 })

void look_deinit(struct look *look);
#define CLEANUP_LOOK __attribute__((cleanup(look_deinit)))

/* Read all of it. What can't be known of sessions and stored exports is a warning.
 * Returns: 0, *ret owned, @ctl outlives it; codes of ctl_read_target; -ENOMEM. */
int look_read(struct ctl *ctl, struct look *ret, struct err *err);

/* The same for one export alone, which is quicker where there are many: of others only what the
 * listeners it shares need. It may be neither there nor stored. Returns: as look_read. */
int look_read_one(struct ctl *ctl, const char *nqn, struct look *ret, struct err *err);

/* Called for each export, first those of the kernel by name, then what is only stored.
 * Returns: 0 go on; negative errno to end with it. */
typedef int (*look_fn)(void *data, const struct view_export *export);

/* Returns: 0; -ENOMEM; what @fn returned. */
int look_each(const struct look *look, look_fn fn, void *data);

/* The same for one export. Returns: also -ENOENT, with the names that are like it in the text. */
int look_one(const struct look *look, const char *nqn, look_fn fn, void *data, struct err *err);
