/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * converge - make exports exactly as their files say, one after the other.
 *
 * What is right is not touched. One that fails is undone and told, and hinders no other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/ctl.h"
#include "target/export.h"

enum {
	CONVERGE_STORE = 1 << 0,	/* keep the files' contents as stored exports */
	CONVERGE_SHOW = 1 << 1,		/* change nothing, show what would be */
	CONVERGE_REWRITE_PORT = 1 << 2, /* may change a port that others use */
	CONVERGE_RESTORE = 1 << 3,	/* it was exported before: see claim.h, resolve_loosen */
};

/*
 * @list   exports; their wanted trees are used up. Broken files count as failed exports
 * @flags  CONVERGE_*
 * Returns: 0 all are as wanted (or, with CONVERGE_SHOW, nothing differs); 1 with CONVERGE_SHOW:
 *   something differs; -EIO some failed: ctl->cli.status is CLI_PARTLY, or CLI_FAILED if none is as
 *   wanted; codes of change_begin.
 */
int converge(struct ctl *ctl, struct export_list *list, unsigned int flags, struct err *err);
