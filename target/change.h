/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change - the way of every verb that changes something: lock, read, plan, show or apply, store.
 *
 * change_begin reads what is there; the verb fills `wanted`; change_commit does the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/apply.h"
#include "target/ctl.h"
#include "target/model.h"

struct change {
	struct model_object *actual; /* the target, or what concerns one subsystem */
	struct model_object *wanted; /* empty at first */
	unsigned int plan_flags;     /* PLAN_MAY_* */
	bool changed;		     /* after change_commit: there was something to do */
};

#define CHANGE_NULL ((struct change){ 0 })

void change_deinit(struct change *change);
#define CLEANUP_CHANGE __attribute__((cleanup(change_deinit)))

/*
 * Take the lock (not with --dry-run) and read.
 * @nqn   one subsystem, or NULL for the whole target
 * @load  load nvmet if it is not there; else it is taken as empty
 * Returns: 0; codes of ctl_lock, ctl_open_target, cfs_read.
 */
int change_begin(struct ctl *ctl, const char *nqn, bool load, struct change *ret, struct err *err);

/* Add to @change->actual a host that the kernel has and the scope left out. */
int change_read_hosts(struct ctl *ctl, struct change *change, struct err *err);

/*
 * Give ports their numbers, plan, and show (--dry-run) or apply; then store the exports of
 * @nqns as they are now, or remove their files if they are gone (not with --transient).
 * What was done is told, and added to --json.
 * @nqns  of n_nqns exports; may be none
 * Returns: 0; codes of resolve_ports, plan_make, apply_run, export_cut.
 */
int change_commit(struct ctl *ctl, struct change *change, const char *const *nqns, size_t n_nqns,
		  struct err *err);

/* How apply is to work for this command. */
void change_env(struct ctl *ctl, struct apply_env *ret);
