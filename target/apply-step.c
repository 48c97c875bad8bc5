/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/apply-step.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "target/journal.h"

/* --- one step */

bool apply_is_fault(const struct apply_state *run, const char *kind, size_t step)
{
	char text[32];

	if (!run->env->fault || run->is_undo)
		return false;
	snprintf(text, sizeof(text), "%s:%zu", kind, step);
	return strcmp(run->env->fault, text) == 0;
}

static void die(const struct apply_state *run)
{
	if (run->is_child)
		kill(run->parent, SIGKILL);
	raise(SIGKILL);
}

int apply_inject_fault(const struct apply_state *run, size_t step)
{
	if (apply_is_fault(run, "kill", step))
		die(run);
	while (apply_is_fault(run, "hang", step))
		pause();
	return apply_is_fault(run, "fail", step) ? -EIO : 0;
}

static int do_write(int nvmet_fd, const struct plan_action *act)
{
	char now[16];
	int r;

	/* a key is cleared by a NUL byte; other attributes have no such thing */
	if (!*act->value)
		return act->flags & PLAN_SECRET ? fs_write_at(nvmet_fd, act->path, "", 1) : 0;
	r = fs_write_at(nvmet_fd, act->path, act->value, strlen(act->value));
	if (r == 0 && (act->flags & PLAN_READ_BACK) &&
	    (fs_read_at(nvmet_fd, act->path, now, sizeof(now)) < 0 || strcmp(now, act->value) != 0))
		r = -EIO;
	return r;
}

/* configfs resolves a link's target at once, from the directory of the process. */
static int do_symlink(int nvmet_fd, const struct plan_action *act)
{
	char target[1200];
	int length = snprintf(target, sizeof(target), "/proc/self/fd/%d/%s", nvmet_fd, act->value);

	if (length >= (int)sizeof(target))
		return -ENAMETOOLONG;
	return symlinkat(target, nvmet_fd, act->path) < 0 ? -errno : 0;
}

static int do_action(int nvmet_fd, const struct plan_action *act)
{
	int r = 0;

	switch (act->op) {
	case PLAN_MKDIR:
		r = mkdirat(nvmet_fd, act->path, 0755) < 0 ? -errno : 0;
		break;
	case PLAN_RMDIR:
		r = unlinkat(nvmet_fd, act->path, AT_REMOVEDIR) < 0 ? -errno : 0;
		break;
	case PLAN_WRITE:
		r = do_write(nvmet_fd, act);
		break;
	case PLAN_SYMLINK:
		r = do_symlink(nvmet_fd, act);
		break;
	case PLAN_UNLINK:
		r = unlinkat(nvmet_fd, act->path, 0) < 0 ? -errno : 0;
		break;
	case PLAN_CHMOD:
		r = fchmodat(nvmet_fd, act->path, act->mode, 0) < 0 ? -errno : 0;
		break;
	}
	if (r == -ENOENT && (act->flags & PLAN_IF_THERE))
		r = 0;
	/* that code is ours: a child did not come back */
	if (r == -ETIMEDOUT)
		r = -EIO;
	if ((r == -EBUSY || r == -ENOTEMPTY) && (act->flags & PLAN_IF_UNUSED))
		r = 0;
	return r;
}

void apply_trace(const struct apply_state *run, const struct plan_action *act)
{
	if (run->env->trace && !run->is_child)
		run->env->trace(run->env->trace_data, act, run->is_undo);
}

bool apply_is_asked_to_end(const struct apply_state *run)
{
	struct signalfd_siginfo info;

	return !run->is_child && run->signal_fd >= 0 &&
	       read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

static int do_step(const struct apply_state *run, size_t step)
{
	const struct plan_action *act = &run->plan->steps[step].act;
	int r;

	if (atomic_load(&run->shared->stops) || apply_is_asked_to_end(run)) {
		atomic_store(&run->shared->stops, true);
		return -EINTR;
	}
	apply_trace(run, act);
	atomic_store(&run->states[step], JOURNAL_BEGUN);
	r = apply_inject_fault(run, step);
	if (r == 0)
		r = do_action(run->env->nvmet_fd, act);
	atomic_store(&run->states[step], r < 0 ? JOURNAL_FAILED : JOURNAL_DONE);
	/* at once, so that other lanes do not add to what must be undone */
	if (r < 0)
		atomic_store(&run->shared->stops, true);
	return r;
}

/* The kernel refuses to write much of what is in use even if nothing would change. */
static bool reads_as(int nvmet_fd, const struct plan_action *act)
{
	char now[FS_ATTR_MAX + 1];
	bool same = fs_read_at(nvmet_fd, act->path, now, sizeof(now)) >= 0 &&
		    strcmp(now, act->value) == 0;

	if (act->flags & PLAN_SECRET)
		explicit_bzero(now, sizeof(now));
	return same;
}

/* An inverse may have run before, or its step may never have happened. */
static int do_inverse(const struct apply_state *run, const struct plan_action *act)
{
	int r;

	apply_trace(run, act);
	r = do_action(run->env->nvmet_fd, act);
	if (r == -EEXIST || r == -ENOENT)
		r = 0;
	if (r < 0 && act->op == PLAN_WRITE && reads_as(run->env->nvmet_fd, act))
		r = 0;
	return r;
}

/* --- what a process runs: a lane of steps, or the way back */

struct apply_report apply_run_lane(const struct apply_state *run, const struct apply_lane *lane)
{
	struct apply_report report = { .step = lane->from };

	for (; report.step < lane->to; report.step++) {
		report.code = do_step(run, report.step);
		if (report.code < 0)
			break;
	}
	return report;
}

/* All lanes that nobody else took; ends at the first failure. */
struct apply_report apply_run_lanes(const struct apply_state *run, const struct apply_lane *lanes,
				    size_t n_lanes)
{
	struct apply_report report = { 0 };
	size_t i;

	while (report.code == 0) {
		i = atomic_fetch_add(&run->shared->next_lane, 1);
		if (i >= n_lanes)
			break;
		report = apply_run_lane(run, &lanes[i]);
	}
	return report;
}

bool apply_has_happened(const struct apply_state *run, size_t step)
{
	unsigned char state = atomic_load(&run->states[step]);

	return state == JOURNAL_BEGUN || state == JOURNAL_DONE;
}

static struct apply_report undo_step(const struct apply_state *run, size_t step)
{
	const struct plan_step *s = &run->plan->steps[step];
	struct apply_report report = { 0 };
	size_t i;
	int r;

	for (i = 0; i < s->n_undo; i++) {
		r = do_inverse(run, &s->undo[i]);
		if (r < 0 && report.code == 0)
			report = (struct apply_report){ .code = r, .step = step, .undo = i };
	}
	return report;
}

struct apply_report apply_run_undo(const struct apply_state *run)
{
	struct apply_report report = { 0 };
	struct apply_report one;
	size_t step;

	for (step = run->plan->n_steps; step-- > 0;) {
		if (!apply_has_happened(run, step))
			continue;
		one = undo_step(run, step);
		if (one.code == 0)
			atomic_store(&run->states[step], JOURNAL_WAITS);
		else if (report.code == 0)
			report = one;
	}
	return report;
}
