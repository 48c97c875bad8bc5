/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/wait.h"
#include "target/lock.h"

struct dir {
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	struct dir *dir = calloc(1, sizeof(*dir));

	snprintf(dir->path, sizeof(dir->path), "/tmp/test-lock-XXXXXX");
	assert_non_null(mkdtemp(dir->path));
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = dir;
	return 0;
}

static int tear_down(void **state)
{
	struct dir *dir = *state;

	unlinkat(dir->fd, "lock", 0);
	rmdir(dir->path);
	close(dir->fd);
	free(dir);
	return 0;
}

static void a_lock_is_held_by_one_and_says_by_whom(void **state)
{
	const struct dir *dir = *state;
	CLEANUP_CLOSE int fd = -1;
	char process[32];
	struct err err = ERR_NULL;
	int second = -7;

	assert_int_equal(lock_take(dir->fd, "create blake14", 0, &fd, NULL), 0);
	assert_int_equal(lock_take(dir->fd, "delete blake14", 0, &second, &err), -ETIMEDOUT);
	assert_int_equal(second, -7);
	assert_non_null(strstr(err.text, "\"create blake14\""));
	snprintf(process, sizeof(process), "process %d", (int)getpid());
	assert_non_null(strstr(err.text, process));
	assert_non_null(strstr(err.text, "for 0 s"));
	assert_non_null(strstr(err.text, "--wait"));
}

static void closing_it_unlocks(void **state)
{
	const struct dir *dir = *state;
	CLEANUP_CLOSE int second = -1;
	int fd = -1;

	assert_int_equal(lock_take(dir->fd, "a much longer command than the next", 0, &fd, NULL),
			 0);
	close(fd);
	assert_int_equal(lock_take(dir->fd, "next", 0, &second, NULL), 0);
}

static void the_text_of_an_earlier_holder_is_gone(void **state)
{
	const struct dir *dir = *state;
	CLEANUP_CLOSE int second = -1;
	char text[256];
	int fd = -1;

	lock_take(dir->fd, "a much longer command than the next", 0, &fd, NULL);
	close(fd);
	lock_take(dir->fd, "next", 0, &second, NULL);
	assert_true(fs_read_at(dir->fd, "lock", text, sizeof(text)) > 0);
	assert_non_null(strstr(text, " next"));
	assert_null(strstr(text, "longer"));
}

static void one_that_waits_gets_it_when_it_is_free(void **state)
{
	const struct dir *dir = *state;
	CLEANUP_CLOSE int fd = -1;
	int ready[2];
	char c;
	pid_t pid;
	int status;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int held = -1;

		if (lock_take(dir->fd, "holder", 0, &held, NULL) < 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		usleep(50000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(lock_take(dir->fd, "waiter", 20, &fd, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
}

static void a_wait_ends_in_time(void **state)
{
	const struct dir *dir = *state;
	CLEANUP_CLOSE int fd = -1;
	int64_t deadline;
	int second = -1;

	lock_take(dir->fd, "holder", 0, &fd, NULL);
	deadline = wait_deadline(10000);
	assert_int_equal(lock_take(dir->fd, "waiter", 1, &second, NULL), -ETIMEDOUT);
	assert_in_range(wait_left(deadline), 1, 9000);
}

static void a_holder_that_wrote_nothing_is_another_command(void **state)
{
	static const char *const texts[] = { "", "17", "17 5", "17 5 ", "x 5 create", "17 5 a\tb" };
	const struct dir *dir = *state;
	CLEANUP_CLOSE int fd = -1;
	size_t i;

	lock_take(dir->fd, "holder", 0, &fd, NULL);
	for (i = 0; i < 6; i++) {
		struct err err = ERR_NULL;
		int second = -1;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, texts[i], strlen(texts[i]), 0), strlen(texts[i]));
		assert_int_equal(lock_take(dir->fd, "waiter", 0, &second, &err), -ETIMEDOUT);
		assert_non_null(strstr(err.text, "another command"));
	}
}

static void a_holder_that_ended_while_the_kernel_hangs_is_told(void **state)
{
	const struct dir *dir = *state;
	CLEANUP_CLOSE int fd = -1;
	struct err err = ERR_NULL;
	int second = -1;
	char text[64];
	pid_t pid;

	lock_take(dir->fd, "holder", 0, &fd, NULL);
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	snprintf(text, sizeof(text), "%d 1 delete blake14", (int)pid);
	assert_true(pwrite(fd, text, strlen(text) + 1, 0) > 0);
	assert_int_equal(lock_take(dir->fd, "waiter", 0, &second, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "hangs in the kernel"));
}

static void a_lock_that_is_a_link_is_not_followed(void **state)
{
	const struct dir *dir = *state;
	int fd = -7;

	assert_int_equal(symlinkat("elsewhere", dir->fd, "lock"), 0);
	assert_int_equal(lock_take(dir->fd, "x", 0, &fd, NULL), -ELOOP);
	assert_int_equal(faccessat(dir->fd, "elsewhere", F_OK, 0), -1);
	assert_int_equal(fd, -7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lock_is_held_by_one_and_says_by_whom),
		TEST(closing_it_unlocks),
		TEST(the_text_of_an_earlier_holder_is_gone),
		TEST(one_that_waits_gets_it_when_it_is_free),
		TEST(a_wait_ends_in_time),
		TEST(a_holder_that_wrote_nothing_is_another_command),
		TEST(a_holder_that_ended_while_the_kernel_hangs_is_told),
		TEST(a_lock_that_is_a_link_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
