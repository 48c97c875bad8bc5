/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * term - what is left of a lease after a program was away, whatever the clocks did.
 *
 * While it runs, a lease goes by the monotonic clock and no time of day can end or extend it. What
 * is left is stored together with the moment of that. After a restart on the same boot of the
 * machine the time that went by is exact, by the clock that runs since the boot. After a reboot
 * only the time of day can tell: one that was set back counts as no time at all, and one that was
 * set forward leaves at least the grace, in which it may be set right or somebody may look.
 */
#pragma once

#include <stdint.h>

#include "base/js.h"

#define TERM_BOOT_MAX 40

struct term_moment {
	int64_t wall_ms;
	int64_t boot_ms;	  /* CLOCK_BOOTTIME */
	char boot[TERM_BOOT_MAX]; /* the kernel's id of it; "" unknown */
};

void term_moment_now(struct term_moment *ret);

/* NULL: out of memory. */
struct js *term_moment_encode(const struct term_moment *moment);
/* What is missing is as of no known boot. */
void term_moment_decode(const struct js *js, struct term_moment *ret);

/* @left_ms  at the moment @noted. @grace_ms  after a reboot, at least, if it was left before
 * Returns: what is left @now; 0 it is over. */
int64_t term_left(int64_t left_ms, int64_t grace_ms, const struct term_moment *noted,
		  const struct term_moment *now);
