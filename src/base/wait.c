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

/* Polled, since pidfd_open() is younger than some distributions. */
int wait_child(pid_t pid, int64_t deadline, int *ret_status)
{
	for (;;) {
		int status = 0;
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid) {
			*ret_status = status;
			return 0;
		}
		if (done < 0 && errno != EINTR)
			return -errno;
		if (wait_left(deadline) == 0)
			return -ETIMEDOUT;
		wait_sleep(LOOK_MS, deadline);
	}
}

void wait_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	wait_child(pid, wait_deadline(KILL_MS), &status);
}
