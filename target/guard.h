/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard - not to hang along with a call of an earlier run.
 *
 * While the kernel waits for a drive that does not answer, it keeps directories of its tree
 * locked, and whoever only looks at them waits with it, beyond the reach of any signal. So apply
 * writes down which process hangs, and as long as that one lives, verbs run in a child process
 * that is given up when the kernel does not let go of it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Write down that @pid, a child of this run, hangs in the kernel. @run_fd /run/sunfish */
void guard_mark(int run_fd, pid_t pid);

/* Does a process that was written down still hang? If none does, the note is removed.
 * @run_path /run/sunfish */
bool guard_is_needed(const char *run_path);

/*
 * Run @verb in a child process and wait until it ends, or has slept in the kernel, where no signal
 * reaches it, for @seconds on end; it is killed then, and dies when the kernel lets it.
 * @verb  its result is the exit status; what it prints is passed on when it has ended
 * Returns: the exit status; -ETIMEDOUT given up; -EAGAIN no process to be had.
 */
int guard_run(int (*verb)(void *data), void *data, unsigned int seconds);
