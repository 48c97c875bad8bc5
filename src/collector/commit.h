/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * commit - group commit: everything that is to be written in one round of the loop goes into one
 * transaction, and nothing of it is told to anybody before that is durable.
 *
 * Whoever changes durable state joins with a function. It is called soon, with a transaction open:
 * there it changes the store and what is in memory, both. After the commit the second function is
 * called with 0: only now answer, wake and send. If the commit failed (full disk), all that was
 * changed in memory is read from the store again (see collector.h, "reload") and then it is called
 * with the code and its cause.
 *
 * Joining from within a write function adds to the same transaction, so that a consequence is as
 * durable as its cause. While the store is broken nothing is tried for a second at a time: all
 * fail at once, with the cause.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "collector/store.h"
#include "core/loop.h"

struct commit;

/* With a transaction open. Returns: 0; a negative errno that the store gave: the whole transaction
 * fails. What is wrong with one request is no such error: remember it for the second function. */
typedef int (*commit_write_fn)(void *data, struct err *err);
/* @code  0: it is durable; negative errno, @err says why */
typedef void (*commit_done_fn)(void *data, int code, const struct err *err);

struct commit_hooks {
	/* The last thing in each transaction. Returns: as commit_write_fn. */
	int (*before)(void *data, struct err *err);
	/* After a commit, before the done functions. */
	void (*flush)(void *data);
	/* After a commit that failed, before the done functions. @err  why */
	void (*reload)(void *data, const struct err *err);
	void *data;
};

/* Returns: 0, *ret owned; negative errno. */
int commit_new(struct loop *loop, struct store *store, const struct commit_hooks *hooks,
	       struct commit **ret, struct err *err);
/* What has joined is dropped; its done functions are called with -ECANCELED. */
void commit_free(struct commit *commit);

/* @done  may be NULL. Returns: 0; -ENOMEM: neither is called. */
int commit_join(struct commit *commit, commit_write_fn write, commit_done_fn done, void *data);

/* Do it now instead of at the end of this round. */
void commit_now(struct commit *commit);

struct commit_stats {
	uint64_t commits;
	uint64_t joined;
	uint64_t failed;
	uint64_t busy_us; /* in commits, together */
	uint64_t max_us;
	int broken; /* why the last one failed: negative errno; 0: it did not */
	char cause[ERR_TEXT_MAX];
	int64_t broken_since_ms; /* wall clock */
};
const struct commit_stats *commit_stats(const struct commit *commit);
