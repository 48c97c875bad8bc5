/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/wait.h"

#define FILE_NAME "hung"
#define LOOK_MS 250

void guard_mark(int run_fd, pid_t pid)
{
	CLEANUP_CLOSE int fd = openat(run_fd, FILE_NAME,
				      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		dprintf(fd, "%d\n", (int)pid);
}

bool guard_is_needed(const char *run_path)
{
	CLEANUP_CLOSE int run_fd = open(run_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[FS_ATTR_MAX];
	char *line = text;
	char *end;
	long pid;

	if (run_fd < 0 || fs_read_at(run_fd, FILE_NAME, text, sizeof(text)) < 0)
		return false;
	for (; (pid = strtol(line, &end, 10)) > 0; line = end)
		if (kill((pid_t)pid, 0) == 0)
			return true;
	unlinkat(run_fd, FILE_NAME, 0);
	return false;
}

/* "PID (NAME) STATE ...": state D is a sleep that no signal ends. */
static bool is_out_of_reach(pid_t pid)
{
	char path[32];
	char text[1024];
	const char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fs_read_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	name_end = strrchr(text, ')');
	return name_end && strncmp(name_end, ") D", 3) == 0;
}

static int watch(pid_t pid, unsigned int seconds)
{
	unsigned int asleep_ms = 0;
	int status = 0;
	int r;

	while ((r = wait_child(pid, wait_deadline(LOOK_MS), &status)) == -ETIMEDOUT) {
		asleep_ms = is_out_of_reach(pid) ? asleep_ms + LOOK_MS : 0;
		if (asleep_ms >= 1000 * seconds) {
			kill(pid, SIGKILL);
			return -ETIMEDOUT;
		}
	}
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What was written into @fd goes to @to. */
static void pass_on(int fd, int to)
{
	char bytes[4096];
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)n) != n)
			return;
}

/* Standard output and error are kept in memory: a child that hangs would keep a pipe open, and
 * whoever reads from it would hang as well. */
static void run_child(int (*verb)(void *data), void *data, const int fds[2])
{
	/* who ends us means the verb */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(fds[0], STDOUT_FILENO) < 0 || dup2(fds[1], STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	exit(verb(data));
}

int guard_run(int (*verb)(void *data), void *data, unsigned int seconds)
{
	CLEANUP_CLOSE int out = memfd_create("stdout", MFD_CLOEXEC);
	CLEANUP_CLOSE int err = memfd_create("stderr", MFD_CLOEXEC);
	pid_t pid;
	int r;

	if (out < 0 || err < 0)
		return -EAGAIN;
	pid = fork();
	if (pid < 0)
		return -EAGAIN;
	if (pid == 0)
		run_child(verb, data, (const int[2]){ out, err });
	/* a terminal sends them to both: the verb undoes, and tells how it ended */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	r = watch(pid, seconds);
	if (r >= 0) {
		pass_on(err, STDERR_FILENO);
		pass_on(out, STDOUT_FILENO);
	}
	return r;
}
