/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uevent-seq - which sequence numbers of the kernel's events are missing.
 *
 * The kernel counts all events of all devices. Since Linux 6.11 two may arrive in the other order,
 * and those of other network namespaces are never seen: a number that is passed over is missing
 * only when it did not come for a while, and then perhaps was not for us. Pure: reads no clock.
 *
 * Source: lib/kobject_uevent.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define UEVENT_SEQ_RANGES 16

struct uevent_seq_range {
	uint64_t first;
	uint64_t last;
};

/* Starts as zeros. */
struct uevent_seq {
	uint64_t next; /* 0: none came yet */
	struct uevent_seq_range missing[UEVENT_SEQ_RANGES];
	unsigned int n_missing;
	uint64_t n_more; /* missing as well, but there was no room to say which */
};

/* A number came. Returns: is any missing now? */
bool uevent_seq_note(struct uevent_seq *seq, uint64_t number);

/* Wait for the missing ones no longer. Returns: how many there were. */
uint64_t uevent_seq_settle(struct uevent_seq *seq);
