/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job - work that may hang in the kernel, done in a child process beside the loop.
 *
 * The child is a fork of this process: it runs a function with the caller's data, writes its
 * result to a pipe and exits. What it prints goes where this process prints. The loop never waits
 * for it. After its deadline it is reported as late, once, and goes on: the call it hangs in may
 * still happen. The loop must not be used in the child. There
 * - signals are not blocked and have their default actions;
 * - sockets, pipes and event descriptors but 0-2 and the result's are closed, so that a child that
 *   hangs keeps no port and no connection; directories and files stay open, and with these the
 *   locks of flock(); so does what has no FD_CLOEXEC when the job is started: what a child is to
 *   have is marked so by its starter;
 * - it ends by _exit().
 * All jobs have ended or were abandoned before their loop is freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/loop.h"

#define JOB_RESULT_MAX (16u << 20)

struct job;

/* In the child. @result_fd  to write the result to; blocks. Returns: the exit status, 0..255. */
typedef int (*job_run_fn)(void *data, int result_fd);

/*
 * In the parent, once, when the child has ended (not its children): the job is freed after it.
 * @status  of waitpid()
 * @result  what it wrote, NUL-terminated, borrowed; cut at JOB_RESULT_MAX
 */
typedef void (*job_done_fn)(void *data, int status, const char *result, size_t length);

/* In the parent, at most once, if the child is not done at its deadline. */
typedef void (*job_late_fn)(void *data);

/*
 * @late      or NULL
 * @late_ms   from now; 0: never
 * Returns: 0, *ret borrowed until @done was called; negative errno of fork or pipe.
 */
int job_start(struct loop *loop, job_run_fn run, job_done_fn done, job_late_fn late, void *data,
	      int64_t late_ms, struct job **ret, struct err *err);

pid_t job_pid(const struct job *job);

/* Kill it (it dies when the kernel lets it) and forget it: nothing is called any more. The loop
 * reaps it. Also from within @late; NULL is allowed. */
void job_abandon(struct job *job);
