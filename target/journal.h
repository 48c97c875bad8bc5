/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal - what a run is about to do, for the run that has to undo it. Only apply.c uses it.
 *
 * One file, mapped and shared with child processes: a head, one byte of state for each step, the
 * plan, the files to be replaced. A step marks itself by a store to memory; the file outlives its
 * process, and goes with a reboot, as the kernel's tree does. Mode 0600: it may hold keys.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/apply.h"
#include "target/plan.h"

enum {
	JOURNAL_WAITS = 0,
	JOURNAL_BEGUN = 1, /* it may have happened or not */
	JOURNAL_DONE = 2,
	JOURNAL_FAILED = 3, /* the kernel refused: it did not happen */
};

struct journal {
	struct plan plan;	    /* of a loaded one: what is needed to undo; else empty */
	struct apply_store *stores; /* of a loaded one, with own texts */
	size_t n_stores;
	_Atomic unsigned char *states; /* one for each step */
	_Atomic unsigned char *committed;
	void *map;
	size_t size;
	int fd; /* locked as long as a process of the run lives, children included; or -1 */
};

#define JOURNAL_NULL ((struct journal){ .fd = -1 })

/* Unmap, unlock and free; the file stays. */
void journal_deinit(struct journal *journal);
#define CLEANUP_JOURNAL __attribute__((cleanup(journal_deinit)))

/* Returns: 0; -ENOMEM; negative errno of making the file. */
int journal_create(int run_fd, const struct plan *plan, const struct apply_store *stores,
		   size_t n_stores, struct journal *ret, struct err *err);

/*
 * @wait_seconds  for processes of the earlier run that still work, which the kernel may hold
 * Returns: 0; -ENOENT there is none; -EBADMSG it is damaged; -ETIMEDOUT a process of the earlier
 *   run does not end; other negative errno.
 */
int journal_load(int run_fd, unsigned int wait_seconds, struct journal *ret, struct err *err);

/* Remove the file: the work is done, one way or the other. Returns: 0; negative errno. */
int journal_drop(int run_fd, struct err *err);
