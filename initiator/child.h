/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * child - a call that may hang in the kernel, in a child process that is not waited for beyond a
 * deadline. For commands; a daemon has core/job.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* In the child. Returns: 0 or negative errno, with the text in @err. */
typedef int (*child_fn)(void *data, struct err *err);

/* Zeroed memory that parent and child share: what the child is to tell beyond its code stands
 * there. NULL: out of memory. */
void *child_memory(size_t size);
void child_memory_free(void *memory, size_t size);

/*
 * @data      of child_memory, if the child writes to it
 * @close_fd  closed in the child, such as a lock that nobody is to hold with it; -1 none
 * @deadline  of base/wait.h
 * Returns: what @fn returned; -ETIMEDOUT it goes on, and nobody will hear of it (no text);
 * -ECHILD it died; -EAGAIN, -ENOMEM no process to be had.
 */
int child_run(child_fn fn, void *data, int close_fd, int64_t deadline, struct err *err);
