/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* A child that can die does so at once; longer than this only one in state D takes. */
#define KILL_MS 100
#define LOOK_MS 2

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wait_deadline(unsigned int ms)
{
	return now_ms() + ms;
}

int wait_left(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

void wait_sleep(unsigned int ms, int64_t deadline)
{
	int left = wait_left(deadline);
	struct timespec pause;

	if ((unsigned int)left < ms)
		ms = (unsigned int)left;
	pause.tv_sec = ms / 1000;
	pause.tv_nsec = (long)(ms % 1000) * 1000000;
	nanosleep(&pause, NULL);
}

/* 1: it ended; 0: it runs. Polled, since pidfd_open() is younger than some distributions. */
static int look(pid_t pid, int64_t deadline, int *ret_status)
{
	for (;;) {
		pid_t done = waitpid(pid, ret_status, WNOHANG);

		if (done == pid)
			return 1;
		if (done < 0 && errno != EINTR)
			return -errno;
		if (wait_left(deadline) == 0)
			return 0;
		wait_sleep(LOOK_MS, deadline);
	}
}

int wait_child(pid_t pid, int64_t deadline, int *ret_status)
{
	int status = 0;
	int r = look(pid, deadline, &status);

	if (r == 1)
		*ret_status = status;
	if (r != 0)
		return r < 0 ? r : 0;
	kill(pid, SIGKILL);
	r = look(pid, wait_deadline(KILL_MS), &status);
	return r < 0 ? r : -ETIMEDOUT;
}
