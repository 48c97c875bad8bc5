/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply - run a plan on the kernel, all or nothing, and never wait without end.
 *
 * Before the first step the plan with its inverses, and the files that will say what is wanted
 * from now on, are in a journal, and each step marks there that it began. If a step fails, or a
 * signal asks to end, what was done is undone. If the program dies, apply_recover of the next run
 * undoes it. Once all steps are done the journal says "committed": from there on recovery goes
 * forward, which writes the files once more.
 *
 * Steps that can hang run in child processes that are given up after a deadline: a hung step is
 * reported, not undone, and what came before it stays.
 *
 * The journal is in a directory that a reboot empties, as it does with the kernel's tree.
 * One user at a time: hold the lock. SIGINT, SIGTERM and SIGHUP are blocked meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/plan.h"

/* Follows what is written: called before each step that this process runs, and for a child's
 * steps after it ended. */
typedef void (*apply_trace_fn)(void *data, const struct plan_action *act, bool is_undo);

struct apply_env {
	int nvmet_fd; /* /sys/kernel/config/nvmet */
	int run_fd;   /* /run/sunfish, where the journal is */
	int lock_fd;  /* closed in children, so that a hung one does not keep it; or -1 */
	unsigned int hang_seconds; /* deadline of a step that can hang */
	unsigned int n_workers;	   /* at most so many lanes at a time */
	const char *fault;    /* tests: "kill:N", "fail:N", "hang:N" at step N, from 0; or NULL */
	apply_trace_fn trace; /* or NULL */
	void *trace_data;
};

/* A file which says what is wanted, to be replaced (or removed) with the plan. */
struct apply_store {
	const char *path; /* absolute */
	const char *text; /* NULL: remove the file */
};

struct apply_result {
	bool hung;     /* a step did not come back: it may still happen */
	size_t n_done; /* steps */
	size_t n_undone;
};

/*
 * @stores  n_stores files, written (mode 0600) after the last step; may be none
 * Returns: 0 all done; -EINTR a signal came, all undone; -ETIMEDOUT a step hangs (*ret says so);
 *   the negative errno of the step that failed, all undone; if undoing failed too, the text says
 *   what is left. @err names the object, the kernel's refusal and, where known, the cure.
 */
int apply_run(const struct apply_env *env, const struct plan *plan,
	      const struct apply_store *stores, size_t n_stores, struct apply_result *ret,
	      struct err *err);

/*
 * Finish what an earlier run left. Call with the lock held, before anything is read. Waits up to
 * hang_seconds for children of that run. What the kernel refuses to put back is told once, and
 * then left as it is; what hangs is tried again by the next call.
 * @ret_text  what was undone or finished, for a person; STR_NULL before
 * Returns: 0 nothing was left; 1 something was, and is in order now; negative errno: it is not.
 */
int apply_recover(const struct apply_env *env, struct str *ret_text, struct err *err);
