/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/wait.h"

#define LOCK_TEXT_MAX 1024

/* flock() has no deadline, so it is tried again and again, at first soon: most commands are done
 * in milliseconds. */
#define FIRST_PAUSE_MS 2
#define LAST_PAUSE_MS 100

/* Of the clock that counts on while the machine sleeps and that nobody sets. */
static uint64_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
}

/* --- the holder: "PID SECONDS COMMAND" */

static void write_holder(int fd, const char *command)
{
	char text[LOCK_TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%ld %llu %s", (long)getpid(),
			      (unsigned long long)now_seconds(), command);

	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	/* the lock is held with or without it */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)length, 0);
}

struct holder {
	uint64_t pid;
	uint64_t since;
	const char *command;
};

static bool parse_holder(char *text, struct holder *ret)
{
	char *since = strchr(text, ' ');
	char *command = since ? strchr(since + 1, ' ') : NULL;

	if (!command)
		return false;
	*since++ = '\0';
	*command++ = '\0';
	ret->command = command;
	return str_parse_uint(text, INT32_MAX, &ret->pid) == 0 &&
	       str_parse_uint(since, INT64_MAX, &ret->since) == 0 && *command &&
	       str_is_printable(command);
}

static int refuse(int fd, const char *what, unsigned int wait_seconds, struct err *err)
{
	char text[LOCK_TEXT_MAX];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	struct holder holder;
	uint64_t now = now_seconds();
	const char *cure = "wait for it, or give more time with --wait SECONDS";

	text[length > 0 ? length : 0] = '\0';
	if (!parse_holder(text, &holder))
		return err_set(err, -ETIMEDOUT, "another command changes %s (waited %u s); %s",
			       what, wait_seconds, cure);
	if (kill((pid_t)holder.pid, 0) < 0 && errno == ESRCH)
		cure = "it has ended, but a call of it still hangs in the kernel: look at the "
		       "drives with dmesg";
	return err_set(err, -ETIMEDOUT,
		       "\"%s\" (process %llu, for %llu s) changes %s (waited %u s); %s",
		       holder.command, (unsigned long long)holder.pid,
		       (unsigned long long)(now > holder.since ? now - holder.since : 0), what,
		       wait_seconds, cure);
}

static int take(int fd, int64_t deadline)
{
	unsigned int pause_ms = FIRST_PAUSE_MS;

	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (wait_left(deadline) == 0)
			return -ETIMEDOUT;
		wait_sleep(pause_ms, deadline);
		pause_ms = pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
	}
}

int lock_take_file(int dirfd, const struct lock_file *file, const char *command,
		   unsigned int wait_seconds, int *ret_fd, struct err *err)
{
	unsigned int wait_ms = wait_seconds > UINT32_MAX / 1000 ? UINT32_MAX : wait_seconds * 1000;
	CLEANUP_CLOSE int fd =
		openat(dirfd, file->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0) {
		r = -errno;
		return err_set(err, r, "cannot open the lock file %s/%s: %s%s", file->directory,
			       file->name, strerror(-r), r == -EACCES ? "; run this as root" : "");
	}
	r = take(fd, wait_deadline(wait_ms));
	if (r == -ETIMEDOUT)
		return refuse(fd, file->what, wait_seconds, err);
	if (r < 0)
		return err_set(err, r, "cannot lock the lock file %s/%s: %s", file->directory,
			       file->name, strerror(-r));
	write_holder(fd, command);
	*ret_fd = take_fd(&fd);
	return 0;
}
