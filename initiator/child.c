/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/child.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wait.h"

void *child_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void child_memory_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

struct outcome {
	int code;
	struct err err;
};

static int wait_for(pid_t pid, int64_t deadline, const struct outcome *outcome, struct err *err)
{
	int status;
	int r = wait_child(pid, deadline, &status);

	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, -ECHILD, "the process that does it died%s%s",
			       WIFSIGNALED(status) ? ": " : "",
			       WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
	if (outcome->code < 0 && err)
		*err = outcome->err;
	return outcome->code;
}

int child_run(child_fn fn, void *data, int close_fd, int64_t deadline, struct err *err)
{
	struct outcome *outcome = child_memory(sizeof(*outcome));
	pid_t pid;
	int r;

	if (!outcome)
		return err_nomem(err);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (close_fd >= 0)
			close(close_fd);
		outcome->code = fn(data, &outcome->err);
		_exit(0);
	}
	if (pid < 0)
		r = err_set(err, -errno, "no process to be had: %s", strerror(errno));
	else
		r = wait_for(pid, deadline, outcome, err);
	child_memory_free(outcome, sizeof(*outcome));
	return r;
}
