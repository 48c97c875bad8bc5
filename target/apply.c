/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steps run in this process until the first that can hang; from there on in a child process,
 * which is watched through the journal's mapped states. Lanes share up to n_workers children.
 */
#include "target/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/apply-explain.h"
#include "target/apply-step.h"
#include "target/guard.h"
#include "target/journal.h"

#define MAX_WORKERS 64

struct worker {
	pid_t pid;
	int fd;		    /* a report comes here */
	size_t seen;	    /* of the states: how far it was when looked at last */
	struct timespec at; /* when that changed */
};

/* --- children and their deadline */

static bool can_hang(const struct apply_state *run, size_t step)
{
	return (run->plan->steps[step].act.flags & PLAN_CAN_HANG) ||
	       apply_is_fault(run, "hang", step);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_between(int first, int last)
{
#ifdef SYS_close_range
	if (first <= last)
		syscall(SYS_close_range, first, last, 0);
#else
	(void)first;
	(void)last;
#endif
}

/* A hung child keeps what it has open, so it has nothing that others wait for. */
static void leave_family(const struct apply_state *run, int report_fd)
{
	int keep[] = { run->env->nvmet_fd, run->journal_fd, report_fd };
	const size_t n = sizeof(keep) / sizeof(keep[0]);
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int from = 3;
	size_t i;

	qsort(keep, n, sizeof(keep[0]), compare_fds);
	for (i = 0; fd >= 0 && i <= 2; i++)
		if (!bsearch(&(int){ (int)i }, keep, n, sizeof(keep[0]), compare_fds))
			dup2(fd, (int)i);
	if (run->env->lock_fd >= 0)
		close(run->env->lock_fd);
	for (i = 0; i < n; i++) {
		close_between(from, keep[i] - 1);
		from = keep[i] >= from ? keep[i] + 1 : from;
	}
	close_between(from, INT_MAX);
}

/* If the parent is killed, the next run undoes: no child may go on meanwhile. */
static void die_with_parent(const struct apply_state *run)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != run->parent)
		_exit(1);
}

static int spawn(struct apply_state *run, const struct apply_lane *lanes, size_t n_lanes,
		 struct worker *ret)
{
	struct apply_report report;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return -EAGAIN;
	}
	if (pid == 0) {
		run->is_child = true;
		die_with_parent(run);
		leave_family(run, fds[1]);
		report = run->is_undo ? apply_run_undo(run) : apply_run_lanes(run, lanes, n_lanes);
		_exit(write(fds[1], &report, sizeof(report)) != (ssize_t)sizeof(report));
	}
	close(fds[1]);
	*ret = (struct worker){ .pid = pid, .fd = fds[0] };
	clock_gettime(CLOCK_MONOTONIC, &ret->at);
	return 0;
}

static size_t progress(const struct apply_state *run)
{
	size_t sum = 0;
	size_t i;

	for (i = 0; i < run->plan->n_steps; i++)
		sum += atomic_load(&run->states[i]);
	return sum;
}

static long ms_since(const struct timespec *at)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - at->tv_sec) * 1000 + (now.tv_nsec - at->tv_nsec) / 1000000;
}

/* Has nothing moved for too long? One child's progress is everybody's: a lane that hangs is
 * found when the others have ended. */
static bool is_overdue(const struct apply_state *run, struct worker *worker)
{
	size_t now = progress(run);

	if (now != worker->seen) {
		worker->seen = now;
		clock_gettime(CLOCK_MONOTONIC, &worker->at);
		return false;
	}
	return ms_since(&worker->at) >= 1000L * run->env->hang_seconds;
}

/* A child that died without a word did not get as far as it should. */
static struct apply_report read_report(const struct apply_state *run, const struct worker *worker)
{
	struct apply_report report;
	size_t i;

	if (read(worker->fd, &report, sizeof(report)) == (ssize_t)sizeof(report))
		return report;
	report = (struct apply_report){ .code = -ECHILD };
	for (i = 0; i < run->plan->n_steps; i++)
		if (atomic_load(&run->states[i]) == JOURNAL_BEGUN)
			report.step = i;
	return report;
}

/* Wait for one child: -ETIMEDOUT if it hangs; it is killed then, but dies only when the kernel
 * lets it. */
static struct apply_report wait_for(struct apply_state *run, struct worker *worker)
{
	struct pollfd polls[2] = {
		{ .fd = worker->fd, .events = POLLIN },
		{ .fd = run->signal_fd, .events = POLLIN },
	};
	struct apply_report report = { .code = -ETIMEDOUT };

	do {
		if (apply_is_asked_to_end(run))
			atomic_store(&run->shared->stops, true);
		if (poll(polls, 2, 50) < 0 && errno != EINTR)
			break;
		if (!polls[0].revents)
			continue;
		report = read_report(run, worker);
		waitpid(worker->pid, NULL, 0);
		break;
	} while (!is_overdue(run, worker));
	if (report.code == -ETIMEDOUT) {
		atomic_store(&run->shared->stops, true);
		guard_mark(run->env->run_fd, worker->pid);
		kill(worker->pid, SIGKILL);
	}
	close(worker->fd);
	return report;
}

/* What hangs hides a failure, a failure hides what it stopped. */
static int rank(int code)
{
	switch (code) {
	case 0:
		return 0;
	case -EINTR:
		return 1;
	case -ETIMEDOUT:
		return 3;
	default:
		return 2;
	}
}

static struct apply_report work_in_children(struct apply_state *run, const struct apply_lane *lanes,
					    size_t n_lanes)
{
	struct worker workers[MAX_WORKERS];
	struct apply_report report = { 0 };
	struct apply_report one;
	size_t n = run->env->n_workers < MAX_WORKERS ? run->env->n_workers : MAX_WORKERS;
	size_t i;

	if (n > n_lanes)
		n = n_lanes;
	if (n == 0)
		n = 1;
	atomic_store(&run->shared->next_lane, 0);
	for (i = 0; i < n; i++) {
		one.code = spawn(run, lanes, n_lanes, &workers[i]);
		if (one.code == 0)
			continue;
		n = i;
		if (i > 0)
			continue;
		/* better an undo that may hang than none */
		return run->is_undo
			       ? apply_run_undo(run)
			       : (struct apply_report){ .code = one.code, .step = lanes[0].from };
	}
	for (i = 0; i < n; i++) {
		one = wait_for(run, &workers[i]);
		/* others may still be far from a failure's lane: let them finish their step */
		if (one.code < 0)
			atomic_store(&run->shared->stops, true);
		if (rank(one.code) > rank(report.code))
			report = one;
	}
	return report;
}

/* A child cannot tell what it does: its memory is its own. */
static struct apply_report run_in_children(struct apply_state *run, const struct apply_lane *lanes,
					   size_t n_lanes)
{
	struct apply_report report;
	size_t i;
	size_t step;

	/* a child may be through before the parent looks for the first time */
	if (apply_is_asked_to_end(run))
		return (struct apply_report){ .code = -EINTR, .step = lanes[0].from };
	report = work_in_children(run, lanes, n_lanes);

	for (i = 0; i < n_lanes; i++)
		for (step = lanes[i].from; step < lanes[i].to; step++)
			if (atomic_load(&run->states[step]) != JOURNAL_WAITS)
				apply_trace(run, &run->plan->steps[step].act);
	return report;
}

static struct apply_report run_undo_in_child(struct apply_state *run)
{
	unsigned char *before CLEANUP_FREE = calloc(run->plan->n_steps, 1);
	struct apply_lane none = { 0 };
	struct apply_report report;
	size_t step;
	size_t i;

	for (step = 0; before && step < run->plan->n_steps; step++)
		before[step] = apply_has_happened(run, step);
	report = work_in_children(run, &none, 1);
	for (step = run->plan->n_steps; before && step-- > 0;)
		for (i = 0; before[step] && i < run->plan->steps[step].n_undo; i++)
			apply_trace(run, &run->plan->steps[step].undo[i]);
	return report;
}

/* --- all steps */

/* The end of the steps after @from that belong together: one stretch in order, or all lanes. */
static size_t stretch_end(const struct plan *plan, size_t from)
{
	bool in_lanes = plan->steps[from].lane != 0;
	size_t i = from;

	while (i < plan->n_steps && (plan->steps[i].lane != 0) == in_lanes)
		i++;
	return i;
}

static struct apply_report run_parallel(struct apply_state *run, size_t from, size_t to)
{
	struct apply_lane *lanes CLEANUP_FREE = calloc(to - from, sizeof(*lanes));
	size_t n_lanes = 0;
	size_t i;

	if (!lanes)
		return (struct apply_report){ .code = -ENOMEM, .step = from };
	for (i = from; i < to; i++) {
		if (i == from || run->plan->steps[i].lane != run->plan->steps[i - 1].lane)
			lanes[n_lanes++] = (struct apply_lane){ .from = i };
		lanes[n_lanes - 1].to = i + 1;
	}
	return run_in_children(run, lanes, n_lanes);
}

static struct apply_report run_sequence(struct apply_state *run, size_t from, size_t to)
{
	struct apply_lane lane = { .from = from, .to = to };
	struct apply_report report;

	while (lane.from < to && !can_hang(run, lane.from))
		lane.from++;
	report = apply_run_lane(run, &(struct apply_lane){ .from = from, .to = lane.from });
	if (report.code < 0 || lane.from == to)
		return report;
	return run_in_children(run, &lane, 1);
}

static struct apply_report run_steps(struct apply_state *run)
{
	struct apply_report report = { 0 };
	size_t from = 0;
	size_t to;

	while (report.code == 0 && from < run->plan->n_steps) {
		to = stretch_end(run->plan, from);
		report = run->plan->steps[from].lane ? run_parallel(run, from, to)
						     : run_sequence(run, from, to);
		from = to;
	}
	return report;
}

static bool undo_can_hang(const struct apply_state *run)
{
	size_t i;
	size_t j;

	for (i = 0; i < run->plan->n_steps; i++)
		for (j = 0; apply_has_happened(run, i) && j < run->plan->steps[i].n_undo; j++)
			if (run->plan->steps[i].undo[j].flags & PLAN_CAN_HANG)
				return true;
	return false;
}

static struct apply_report run_back(struct apply_state *run)
{
	run->is_undo = true;
	atomic_store(&run->shared->stops, false);
	return undo_can_hang(run) ? run_undo_in_child(run) : apply_run_undo(run);
}

/* --- journal around it */

static int run_init(struct apply_state *run, const struct apply_env *env, const struct plan *plan,
		    struct journal *journal, struct err *err)
{
	void *map = mmap(NULL, sizeof(struct apply_shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return err_nomem(err);
	*run = (struct apply_state){
		.env = env,
		.plan = plan,
		.states = journal->states,
		.shared = map,
		.signal_fd = -1,
		.journal_fd = journal->fd,
		.parent = getpid(),
	};
	return 0;
}

static void run_deinit(struct apply_state *run)
{
	munmap(run->shared, sizeof(*run->shared));
}

static int store_all(const struct apply_store *stores, size_t n_stores, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n_stores; i++) {
		const struct apply_store *store = &stores[i];
		int one = 0;

		if (store->text)
			one = fs_replace_file(AT_FDCWD, store->path, store->text,
					      strlen(store->text), 0600);
		else if (unlink(store->path) < 0 && errno != ENOENT)
			one = -errno;
		if (one < 0 && r == 0)
			r = err_set(
				err, one,
				"the target is as asked, but %s cannot be %s: %s; until that is "
				"mended, a reboot brings back what was before",
				store->path, store->text ? "written" : "removed", strerror(-one));
	}
	return r;
}

/* Forward the first that has begun and not ended, back the last that is not undone yet. */
static const struct plan_step *hung_step(const struct apply_state *run)
{
	const struct plan_step *step = NULL;
	size_t i;

	for (i = 0; i < run->plan->n_steps; i++) {
		if (run->is_undo && apply_has_happened(run, i))
			step = &run->plan->steps[i];
		if (!run->is_undo && atomic_load(&run->states[i]) == JOURNAL_BEGUN)
			return &run->plan->steps[i];
	}
	return step;
}

static int explain_hang(const struct apply_state *run, struct apply_result *ret, struct err *err)
{
	const struct plan_step *step = hung_step(run);

	ret->hung = true;
	if (run->is_undo)
		return err_set(err, -ETIMEDOUT,
			       "%s: the kernel has not come back from undoing the change of %s for "
			       "%u s: a drive or a network does not answer. What is left of the "
			       "change stays; look at it with \"list\" once that answers",
			       step ? step->what : "the target", step ? step->act.path : "it",
			       run->env->hang_seconds);
	return err_set(err, -ETIMEDOUT,
		       "%s: the kernel has not come back from %s of %s for %u s: a drive or a "
		       "network does not answer. What was done stays done; once it answers, repeat "
		       "the command (for a create: delete first)",
		       step ? step->what : "the target",
		       !step			      ? "a change"
		       : step->act.op == PLAN_WRITE   ? "writing"
		       : step->act.op == PLAN_SYMLINK ? "linking"
						      : "the removal",
		       step ? step->act.path : "it", run->env->hang_seconds);
}

static void count(const struct apply_state *run, size_t *ret_done)
{
	size_t i;

	*ret_done = 0;
	for (i = 0; i < run->plan->n_steps; i++)
		*ret_done += atomic_load(&run->states[i]) == JOURNAL_DONE;
}

/* What could not be put back. */
static void explain_left(const struct apply_state *run, const struct apply_report *back,
			 struct err *err)
{
	const struct plan_step *step = &run->plan->steps[back->step];

	if (back->code == -ECHILD || back->undo >= step->n_undo)
		err_set(err, back->code,
			"%s: the process that undid it was killed; what is left is shown by "
			"\"list\"",
			step->what);
	else
		apply_explain(run->plan, back->step, &step->undo[back->undo], back->code, err);
}

/* Go back after @failed. The text of @err stays the cause; what is left is added. */
static int go_back(struct apply_state *run, const struct apply_report *failed,
		   struct apply_result *ret, struct err *err)
{
	struct err left = ERR_NULL;
	struct err cause;
	struct apply_report back;
	int code = failed->code;

	if (code == -EINTR)
		err_set(err, code, "interrupted: all that was done is undone");
	else if (code == -ECHILD)
		err_set(err, code, "%s: the process that worked on it was killed; all is undone",
			run->plan->steps[failed->step].what);
	else
		apply_explain(run->plan, failed->step, NULL, code, err);
	count(run, &ret->n_undone);
	back = run_back(run);
	if (back.code == 0)
		return code;
	if (back.code == -ETIMEDOUT)
		return explain_hang(run, ret, err);
	if (!err)
		return code;
	explain_left(run, &back, &left);
	cause = *err;
	return err_set(err, code, "%.500s; and %.240s", cause.text, left.text);
}

static int run_plan(struct apply_state *run, struct journal *journal,
		    const struct apply_store *stores, size_t n_stores, struct apply_result *ret,
		    struct err *err)
{
	struct apply_report report = run_steps(run);

	count(run, &ret->n_done);
	if (report.code == -ETIMEDOUT)
		return explain_hang(run, ret, err);
	if (report.code < 0)
		return go_back(run, &report, ret, err);
	apply_inject_fault(run, run->plan->n_steps);
	atomic_store(journal->committed, 1);
	apply_inject_fault(run, run->plan->n_steps + 1);
	return store_all(stores, n_stores, err);
}

/* Those of @ret_set ask to end. A reader of our output that goes away does not, but must not
 * kill us midway either. */
static void block_signals(sigset_t *ret_set, sigset_t *ret_before)
{
	sigset_t all;

	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGHUP);
	all = *ret_set;
	sigaddset(&all, SIGPIPE);
	sigprocmask(SIG_BLOCK, &all, ret_before);
}

int apply_run(const struct apply_env *env, const struct plan *plan,
	      const struct apply_store *stores, size_t n_stores, struct apply_result *ret,
	      struct err *err)
{
	struct journal journal CLEANUP_JOURNAL = JOURNAL_NULL;
	struct apply_result result = { 0 };
	sigset_t before;
	sigset_t set;
	struct apply_state run = { 0 };
	int r;

	r = journal_create(env->run_fd, plan, stores, n_stores, &journal, err);
	if (r < 0)
		return r;
	r = run_init(&run, env, plan, &journal, err);
	if (r < 0) {
		journal_drop(env->run_fd, NULL);
		return r;
	}
	block_signals(&set, &before);
	run.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = run_plan(&run, &journal, stores, n_stores, &result, err);
	apply_inject_fault(&run, plan->n_steps + 2);
	if (journal_drop(env->run_fd, r < 0 ? NULL : err) < 0 && r == 0)
		r = -EIO;
	if (run.signal_fd >= 0)
		close(run.signal_fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	run_deinit(&run);
	if (ret)
		*ret = result;
	return r;
}

static int recover(const struct apply_env *env, struct journal *journal, struct str *text,
		   struct err *err)
{
	struct apply_env plain = *env;
	struct apply_result result = { 0 };
	struct apply_report report;
	struct apply_state run = { 0 };
	size_t i;
	int r;

	plain.fault = NULL;
	if (atomic_load(journal->committed)) {
		for (i = 0; i < journal->n_stores; i++)
			fs_drop_temporaries(AT_FDCWD, journal->stores[i].path);
		str_add(text, "an earlier run ended before its files were written: they are now\n");
		return store_all(journal->stores, journal->n_stores, err);
	}
	r = run_init(&run, &plain, &journal->plan, journal, err);
	if (r < 0)
		return r;
	report = run_back(&run);
	if (report.code == -ETIMEDOUT)
		r = explain_hang(&run, &result, err);
	else if (report.code < 0) {
		explain_left(&run, &report, err);
		r = report.code;
	} else
		str_add(text, "an earlier run died midway: what it had begun is undone\n");
	run_deinit(&run);
	return r;
}

int apply_recover(const struct apply_env *env, struct str *ret_text, struct err *err)
{
	struct journal journal CLEANUP_JOURNAL = JOURNAL_NULL;
	int r = journal_load(env->run_fd, env->hang_seconds, &journal, err);
	int dropped = 0;

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		r = recover(env, &journal, ret_text, err);
		/* what the kernel refused once is told once, and does not bar the way for ever */
		if (r != -ETIMEDOUT && r != -ENOMEM && r != -ECHILD)
			dropped = journal_drop(env->run_fd, r < 0 ? NULL : err);
	}
	if (r < 0) {
		err_prefix(err, "what an earlier run left cannot be undone: ");
		return r;
	}
	return dropped < 0 ? dropped : 1;
}
