/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wait - deadlines, and children that the kernel may keep for ever.
 *
 * A system call that hangs in state D cannot be interrupted, not even by SIGKILL. So it is made in
 * a child, and nobody waits for it longer than a deadline: the child is then left to itself, or
 * killed if that does no harm. Deadlines are moments of the monotonic clock in milliseconds.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* The moment that is @ms from now. */
int64_t wait_deadline(unsigned int ms);

/* Milliseconds until @deadline, 0 if it is over; fits the timeout of poll(). */
int wait_left(int64_t deadline);

/* Sleep for @ms, but not beyond @deadline. */
void wait_sleep(unsigned int ms, int64_t deadline);

/*
 * Wait for a child of this process; it goes on if it does not end in time.
 * @ret_status  as of waitpid()
 * Returns: 0 it ended; -ETIMEDOUT it runs at @deadline; negative errno of waitpid.
 */
int wait_child(pid_t pid, int64_t deadline, int *ret_status);

/* Kill a child, and see it off if it can be killed. */
void wait_kill(pid_t pid);
