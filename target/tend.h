/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tend - what the daemon changes by itself, with the lock, in a child.
 *
 * Everything is looked at anew once the lock is there: what was seen before may be otherwise by
 * now. One export that fails hinders no other. The result is one JSON object
 *
 *   {"tried": [NQN..], "errors": {NQN: TEXT}, "changes": [line..], "warnings": [line..]}
 *
 * and "error" if nothing could be done at all.
 */
#pragma once

#include <stdbool.h>

#include "base/js.h"
#include "target/ctl.h"

struct tend_env {
	const struct js *record; /* survey.h */
	const struct js *grown;	 /* array of NQN/NSID: their drives have another size */
	const struct js *lost;	 /* array of ids of ports whose address came back */
	bool repair;
	bool probe; /* find out what the kernel's nvmet can do: "kernel" in the result */
};

/*
 * Finish what an earlier run left; disable namespaces whose drive was pulled; make exports and
 * parts of them that can be made now; let listeners listen again; tell hosts of grown drives.
 * Returns: the result, to be freed; NULL: out of memory.
 */
struct js *tend_run(struct ctl *ctl, const struct tend_env *env);

/* Only disable these namespaces (array of NQN/NSID), at once. Returns: as tend_run. */
struct js *tend_take_out(struct ctl *ctl, const struct js *ids);
