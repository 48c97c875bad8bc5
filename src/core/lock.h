/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock - one command at a time changes something.
 *
 * An flock on a file that tells who holds it. It goes with its holder, however that ends.
 */
#pragma once

#include "base/err.h"

struct lock_file {
	const char *directory; /* for messages */
	const char *name;
	const char *what; /* that is changed: "the target" */
};

/*
 * @dirfd         the directory
 * @command       what the holder does, for those who wait
 * @wait_seconds  0: do not wait
 * Returns: 0, *ret_fd owned, closing it unlocks; -ETIMEDOUT, with the holder's command, process
 *   and age in the text; other negative errno.
 */
int lock_take_file(int dirfd, const struct lock_file *file, const char *command,
		   unsigned int wait_seconds, int *ret_fd, struct err *err);
