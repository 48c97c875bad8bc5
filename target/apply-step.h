/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply-step - one step, one lane of steps, and the way back, in the process that calls.
 * Only apply*.c includes it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "target/apply.h"
#include "target/plan.h"

/* What parent and children share beside the journal. */
struct apply_shared {
	atomic_uint next_lane;
	atomic_bool stops; /* no further step is begun */
};

/* Steps [from, to) that are run in order. */
struct apply_lane {
	size_t from;
	size_t to;
};

struct apply_state {
	const struct apply_env *env;
	const struct plan *plan;
	_Atomic unsigned char *states;
	struct apply_shared *shared;
	int signal_fd;
	int journal_fd;
	pid_t parent;
	bool is_child;
	bool is_undo;
};

/* How a worker ended. */
struct apply_report {
	int code;
	size_t step;
	size_t undo; /* index of the inverse that failed, when undoing */
};

/* Tests: is the fault @kind ("kill", "fail", "hang") asked for at @step? Never on the way back. */
bool apply_is_fault(const struct apply_state *run, const char *kind, size_t step);

/* Tests: let the fault of @step happen. Returns: 0; -EIO it is to fail. */
int apply_inject_fault(const struct apply_state *run, size_t step);

/* Tell the one who follows. A child cannot. */
void apply_trace(const struct apply_state *run, const struct plan_action *act);

/* Did somebody ask this program to end? The signal is taken, so that it ends by itself. */
bool apply_is_asked_to_end(const struct apply_state *run);

/* May that step have happened? */
bool apply_has_happened(const struct apply_state *run, size_t step);

/* Each runs what its name says until the first failure, and returns that; -EINTR once
 * shared->stops is set. */
struct apply_report apply_run_lane(const struct apply_state *run, const struct apply_lane *lane);
struct apply_report apply_run_lanes(const struct apply_state *run, const struct apply_lane *lanes,
				    size_t n_lanes);

/* Undo all that may have happened, last first. Goes on after a failure, so that as little as
 * possible is left, and returns the first. What is undone waits again; the rest does not. */
struct apply_report apply_run_undo(const struct apply_state *run);
