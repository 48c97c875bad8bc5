/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intent-lease - what is left of a lease after the collector was away, whatever the clocks did.
 *
 * While it runs, a lease goes by the monotonic clock and no time of day can end or extend it. What
 * is left is stored together with the moment of that. After a restart on the same boot of the
 * machine the time that went by is exact, by the clock that runs since the boot. After a reboot
 * only the time of day can tell: one that was set back counts as no time at all (what is left was
 * stored within the last minute, so that no row of reboots extends it for ever), and one that was
 * set forward leaves at least a minute, in which it may be set right or somebody may look.
 */
#pragma once

#include <stdint.h>

#include "base/js.h"

#define INTENT_LEASE_NOTE_MS 60000  /* what is left is stored so often */
#define INTENT_LEASE_GRACE_MS 60000 /* left at least after a reboot, if it was left before */
#define INTENT_BOOT_MAX 40

struct intent_moment {
	int64_t wall_ms;
	int64_t boot_ms;	    /* CLOCK_BOOTTIME */
	char boot[INTENT_BOOT_MAX]; /* the kernel's id of it; "" unknown */
};

void intent_moment_now(struct intent_moment *ret);

/* NULL: out of memory. */
struct js *intent_moment_encode(const struct intent_moment *moment);
/* What is missing is as of no known boot. */
void intent_moment_decode(const struct js *js, struct intent_moment *ret);

/* @left_ms  at the moment @noted. Returns: what is left @now; 0 it is over. */
int64_t intent_lease_left(int64_t left_ms, const struct intent_moment *noted,
			  const struct intent_moment *now);
