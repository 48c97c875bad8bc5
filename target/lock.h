/* SPDX-License-Identifier: BSD-3-Clause */
/* lock - one at a time changes the target. */
#pragma once

#include "core/lock.h"

/* @run_fd  directory /run/sunfish. As lock_take_file. */
static inline int lock_take(int run_fd, const char *command, unsigned int wait_seconds, int *ret_fd,
			    struct err *err)
{
	static const struct lock_file file = { "/run/sunfish", "lock", "the target" };

	return lock_take_file(run_fd, &file, command, wait_seconds, ret_fd, err);
}
