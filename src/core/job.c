/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/wait.h"

#define CHUNK 65536
#define FDS_WITHOUT_PROC 65536

struct job {
	struct loop *loop;
	struct loop_source *output;
	struct loop_source *child;
	struct loop_source *timer; /* NULL: it is never late */
	pid_t pid;
	int fd;
	struct str result;
	job_done_fn done;
	job_late_fn late;
	void *data;
};

static void job_free(struct job *job)
{
	loop_source_free(job->output);
	loop_source_free(job->child);
	loop_source_free(job->timer);
	if (job->fd >= 0)
		close(job->fd);
	str_deinit(&job->result);
	free(job);
}

static void job_free_p(struct job **job)
{
	if (*job)
		job_free(*job);
}

/* --- the child */

/* Sockets, pipes and what the loop is made of. Directories and files stay: functions use them. */
static bool is_of_the_parent(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || !(flags & FD_CLOEXEC) || fstat(fd, &st) < 0)
		return false;
	return S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) || (st.st_mode & S_IFMT) == 0;
}

static void close_others(int result_fd)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t fd;

	if (!dir) {
		for (fd = 3; fd < FDS_WITHOUT_PROC; fd++)
			if ((int)fd != result_fd && is_of_the_parent((int)fd))
				close((int)fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (str_parse_uint(entry->d_name, INT32_MAX, &fd) == 0 && fd > 2 &&
		    (int)fd != result_fd && is_of_the_parent((int)fd))
			close((int)fd);
	closedir(dir);
}

static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	int signal;

	for (signal = 1; signal < NSIG; signal++)
		sigaction(signal, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run_child(job_run_fn run, void *data, int result_fd)
{
	int status;

	reset_signals();
	close_others(result_fd);
	status = run(data, result_fd);
	fflush(stdout);
	_exit(status & 0xff);
}

/* With signals blocked: none may come to the parent's handlers in the child. */
static pid_t fork_child(job_run_fn run, void *data, int result_fd)
{
	sigset_t all;
	sigset_t before;
	pid_t pid;
	int code;

	fflush(stdout);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_child(run, data, result_fd);
	code = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -code : pid;
}

/* --- the parent */

static void keep(struct job *job, const char *bytes, size_t length)
{
	const size_t room = JOB_RESULT_MAX - job->result.length;

	str_add_n(&job->result, bytes, length < room ? length : room);
}

/* One piece. Returns: 1 there may be more; 0 the end; negative errno. */
static int read_some(struct job *job)
{
	char bytes[CHUNK];
	ssize_t n = read(job->fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	keep(job, bytes, (size_t)n);
	return n > 0;
}

static void on_output(void *data, int fd, uint32_t events)
{
	struct job *job = data;
	int r = read_some(job);

	(void)fd, (void)events;
	if (r != 1 && r != -EAGAIN)
		job->output = loop_source_free(job->output);
}

static void on_end(void *data, pid_t pid, int status)
{
	struct job *job = data;
	size_t left = JOB_RESULT_MAX;

	(void)pid;
	/* What is in the pipe, not up to its end: a child of the child may have it open. */
	for (; left >= CHUNK && read_some(job) == 1; left -= CHUNK)
		;
	job->child = loop_source_free(job->child);
	job->output = loop_source_free(job->output);
	job->timer = loop_source_free(job->timer);
	job->done(job->data, status, str_get(&job->result), job->result.length);
	job_free(job);
}

static void on_late(void *data)
{
	const struct job *job = data;

	job->late(job->data);
}

/* A pipe whose end for the parent does not block. */
static int open_result(struct job *job, int *ret_write_fd, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe for a child: %m");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	job->fd = fds[0];
	*ret_write_fd = fds[1];
	return 0;
}

static int watch(struct job *job, int64_t late_ms, struct err *err)
{
	int r = loop_add_io(job->loop, job->fd, EPOLLIN, on_output, job, &job->output, err);

	if (r < 0 || !job->late || late_ms <= 0)
		return r;
	r = loop_add_timer(job->loop, on_late, job, &job->timer, err);
	if (r == 0)
		loop_timer_set(job->timer, late_ms, 0);
	return r;
}

/* NOLINTNEXTLINE(readability-function-size): what, whereto, until when */
int job_start(struct loop *loop, job_run_fn run, job_done_fn done, job_late_fn late, void *data,
	      int64_t late_ms, struct job **ret, struct err *err)
{
	CLEANUP(job_free_p) struct job *job = calloc(1, sizeof(*job));
	CLEANUP_CLOSE int write_fd = -1;
	int r;

	if (!job)
		return err_nomem(err);
	*job = (struct job){ .loop = loop, .fd = -1, .done = done, .late = late, .data = data };
	r = open_result(job, &write_fd, err);
	if (r == 0)
		r = watch(job, late_ms, err);
	if (r < 0)
		return r;
	job->pid = fork_child(run, data, write_fd);
	if (job->pid < 0)
		return err_set(err, job->pid, "cannot start a child: %s", strerror(-job->pid));
	r = loop_add_child(loop, job->pid, on_end, job, &job->child, err);
	if (r < 0) {
		wait_kill(job->pid);
		return r;
	}
	*ret = TAKE_PTR(job);
	return 0;
}

pid_t job_pid(const struct job *job)
{
	return job->pid;
}

void job_abandon(struct job *job)
{
	if (!job || !job->child)
		return;
	job->child = loop_source_free(job->child);
	kill(job->pid, SIGKILL);
	loop_reap_child(job->loop, job->pid);
	job_free(job);
}
