/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/unit/unit.h"

#define BYTES_MAX (1u << 20)

static char directory[64];
static int dirfd;
static const char *kernel_boot;

/* The kernel's boot id as the tests say. */
ssize_t __wrap_fs_read_at(int at, const char *path, char *buffer, size_t size);
ssize_t __wrap_fs_read_at(int at, const char *path, char *buffer, size_t size)
{
	(void)at;
	assert_string_equal(path, "/proc/sys/kernel/random/boot_id");
	return snprintf(buffer, size, "%s", kernel_boot);
}

static int set_up(void **state)
{
	(void)state;
	kernel_boot = "11111111-1111-1111-1111-111111111111";
	strcpy(directory, "/tmp/test-spool-XXXXXX");
	assert_non_null(mkdtemp(directory));
	dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	close(dirfd);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

static struct spool *opens(size_t bytes_max)
{
	struct spool *spool = NULL;
	struct err err = ERR_NULL;

	if (spool_open(dirfd, "spool", bytes_max, &spool, &err) < 0)
		fail_msg("%s", err.text);
	return spool;
}

/* As if the process was killed: what closing writes is taken back. */
static void kill_owner(struct spool *spool)
{
	static char bytes[BYTES_MAX];
	int fd = openat(dirfd, "spool", O_RDWR | O_CLOEXEC);
	ssize_t length = read(fd, bytes, sizeof(bytes));

	assert_true(length > 0 && length < (ssize_t)sizeof(bytes));
	spool_close(spool);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, (size_t)length, 0), length);
	close(fd);
}

static void appends(struct spool *spool, const char *text)
{
	uint64_t next = spool_next(spool);

	assert_int_equal(spool_append(spool, text, strlen(text)), 0);
	assert_int_equal(spool_next(spool), next + 1);
}

static int add_text(void *data, uint64_t seq, const char *text, size_t length)
{
	str_addf(data, "%s%llu=%.*s", ((struct str *)data)->length ? " " : "",
		 (unsigned long long)seq, (int)length, text);
	return 0;
}

static void holds(struct spool *spool, uint64_t seq, const char *all)
{
	CLEANUP_STR struct str text = STR_NULL;

	assert_int_equal(spool_each(spool, seq, add_text, &text), 0);
	assert_string_equal(str_get(&text), all);
}

static off_t file_size(void)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, "spool", &st, 0), 0);
	return st.st_size;
}

static void write_at(off_t at, const char *bytes, size_t length)
{
	int fd = openat(dirfd, "spool", O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, length, at), (ssize_t)length);
	close(fd);
}

/* --- order */

static void gives_back_what_was_appended(void **state)
{
	struct spool *spool = opens(BYTES_MAX);

	(void)state;
	assert_int_equal(spool_next(spool), 1);
	assert_int_equal(spool_acknowledged(spool), 0);
	holds(spool, 0, "");
	appends(spool, "a");
	appends(spool, "");
	appends(spool, "ccc");
	holds(spool, 0, "1=a 2= 3=ccc");
	holds(spool, 2, "3=ccc");
	holds(spool, 3, "");
	spool_close(spool);
}

static void forgets_what_is_acknowledged(void **state)
{
	struct spool *spool = opens(BYTES_MAX);

	(void)state;
	appends(spool, "a");
	appends(spool, "b");
	appends(spool, "c");
	spool_acknowledge(spool, 2);
	assert_int_equal(spool_acknowledged(spool), 2);
	holds(spool, 0, "3=c");
	/* an older one changes nothing, one from the future no more than there is */
	spool_acknowledge(spool, 1);
	assert_int_equal(spool_acknowledged(spool), 2);
	spool_acknowledge(spool, 1000);
	assert_int_equal(spool_acknowledged(spool), 3);
	holds(spool, 0, "");
	assert_true(file_size() <= 256);
	assert_int_equal(spool_next(spool), 4);
	appends(spool, "d");
	holds(spool, 0, "4=d");
	spool_close(spool);
}

static int stop_at_two(void *data, uint64_t seq, const char *text, size_t length)
{
	(void)text, (void)length;
	*(uint64_t *)data = seq;
	return seq == 2 ? 77 : 0;
}

static void ends_when_told_so(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	uint64_t last = 0;

	(void)state;
	appends(spool, "a");
	appends(spool, "b");
	appends(spool, "c");
	assert_int_equal(spool_each(spool, 0, stop_at_two, &last), 77);
	assert_int_equal(last, 2);
	spool_close(spool);
}

static int count_long(void *data, uint64_t seq, const char *text, size_t length)
{
	char want[32];

	snprintf(want, sizeof(want), "%llu", (unsigned long long)seq);
	assert_memory_equal(text, want, strlen(want));
	assert_int_equal(length, 1000 + seq % 50000);
	++*(unsigned int *)data;
	return 0;
}

static void long_events_cross_the_blocks_of_reading(void **state)
{
	struct spool *spool = opens(64u << 20);
	static char text[60000];
	unsigned int count = 0;
	uint64_t i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (i = 1; i <= 1000; i++) {
		snprintf(text, 32, "%llu", (unsigned long long)i);
		assert_int_equal(spool_append(spool, text, 1000 + i % 50000), 0);
	}
	assert_int_equal(spool_each(spool, 0, count_long, &count), 0);
	assert_int_equal(count, 1000);
	spool_acknowledge(spool, 700);
	spool_close(spool);
	spool = opens(64u << 20);
	count = 0;
	assert_int_equal(spool_each(spool, 0, count_long, &count), 0);
	assert_int_equal(count, 300);
	spool_close(spool);
}

static void what_is_acknowledged_is_cut_off(void **state)
{
	struct spool *spool = opens(256u << 10);
	char text[1000];
	uint64_t i;
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	memset(text, 'x', sizeof(text));
	/* ten times what fits, with some that are not acknowledged all the time */
	for (i = 1; i <= 2500; i++) {
		assert_int_equal(spool_append(spool, text, sizeof(text)), 0);
		if (i > 100)
			spool_acknowledge(spool, i - 100);
		assert_true(file_size() <= (256 << 10));
	}
	assert_string_equal(spool_boot(spool), boot);
	assert_int_equal(spool_next(spool), 2501);
	assert_int_equal(spool_acknowledged(spool), 2400);
	spool_close(spool);
	spool = opens(256u << 10);
	assert_string_equal(spool_boot(spool), boot);
	assert_int_equal(spool_next(spool), 2501);
	spool_close(spool);
}

/* --- over restarts */

static void a_restarted_daemon_goes_on(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	assert_true(strlen(boot) >= 16 && strlen(boot) < 64);
	appends(spool, "a");
	appends(spool, "b");
	appends(spool, "c");
	spool_acknowledge(spool, 1);
	spool_close(spool);
	spool = opens(BYTES_MAX);
	assert_string_equal(spool_boot(spool), boot);
	assert_int_equal(spool_next(spool), 4);
	assert_int_equal(spool_acknowledged(spool), 1);
	holds(spool, 0, "2=b 3=c");
	/* also with nothing left */
	spool_acknowledge(spool, 3);
	spool_close(spool);
	spool = opens(BYTES_MAX);
	assert_string_equal(spool_boot(spool), boot);
	assert_int_equal(spool_next(spool), 4);
	spool_close(spool);
}

static void a_killed_daemon_goes_on(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	appends(spool, "a");
	appends(spool, "b");
	spool_acknowledge(spool, 1);
	kill_owner(spool);
	spool = opens(BYTES_MAX);
	assert_string_equal(spool_boot(spool), boot);
	assert_int_equal(spool_next(spool), 3);
	holds(spool, 0, "2=b");
	spool_close(spool);
}

static void a_machine_that_was_rebooted_in_order_goes_on(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	appends(spool, "a");
	spool_close(spool);
	kernel_boot = "22222222-2222-2222-2222-222222222222";
	spool = opens(BYTES_MAX);
	assert_string_equal(spool_boot(spool), boot);
	holds(spool, 0, "1=a");
	/* but not if it crashes now */
	kill_owner(spool);
	kernel_boot = "33333333-3333-3333-3333-333333333333";
	spool = opens(BYTES_MAX);
	assert_string_not_equal(spool_boot(spool), boot);
	spool_close(spool);
}

static void begins_anew(struct spool *spool, const char *boot)
{
	assert_string_not_equal(spool_boot(spool), boot);
	assert_int_equal(spool_next(spool), 1);
	assert_int_equal(spool_acknowledged(spool), 0);
	holds(spool, 0, "");
}

static void a_machine_that_crashed_begins_anew(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	appends(spool, "a");
	kill_owner(spool);
	kernel_boot = "22222222-2222-2222-2222-222222222222";
	spool = opens(BYTES_MAX);
	begins_anew(spool, boot);
	spool_close(spool);
}

static void a_copy_of_the_file_is_another_one(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	char command[256];
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	appends(spool, "a");
	spool_close(spool);
	snprintf(command, sizeof(command), "cd '%s' && cp spool copy && mv copy spool", directory);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	spool = opens(BYTES_MAX);
	begins_anew(spool, boot);
	spool_close(spool);
}

static void two_do_not_share_it(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	struct spool *second = NULL;
	struct err err = ERR_NULL;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int r = spool_open(dirfd, "spool", BYTES_MAX, &second, &err);

		_exit(r != -EWOULDBLOCK || second || !strstr(err.text, "another process"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	spool_close(spool);
}

/* As a job does when the daemon is killed under it: it has all files of its parent. */
static void a_child_that_outlives_its_parent_does_not_keep_it(void **state)
{
	struct spool *spool;
	int ends[2];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		spool = opens(BYTES_MAX);
		close(ends[1]);
		_exit(fork() == 0 ? (int)read(ends[0], &byte, 1) : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	spool = opens(BYTES_MAX);
	spool_close(spool);
	close(ends[0]);
	close(ends[1]);
}

static void is_private(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	struct stat st;

	(void)state;
	assert_int_equal(fstatat(dirfd, "spool", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	spool_close(spool);
	/* and no link to elsewhere is followed */
	unlinkat(dirfd, "spool", 0);
	assert_int_equal(symlinkat("/tmp/elsewhere", dirfd, "spool"), 0);
	assert_int_equal(spool_open(dirfd, "spool", BYTES_MAX, &spool, NULL), -ELOOP);
}

/* --- damage */

static void a_torn_tail_is_dropped(void **state)
{
	char boot[64];
	off_t whole;
	off_t size;
	struct spool *spool = opens(BYTES_MAX);

	(void)state;
	strcpy(boot, spool_boot(spool));
	appends(spool, "a");
	whole = file_size();
	appends(spool, "bbbbbbbbbb");
	size = file_size();
	kill_owner(spool);
	/* of each length that is short by something */
	while (--size > whole) {
		char path[128];

		snprintf(path, sizeof(path), "%s/spool", directory);
		assert_int_equal(truncate(path, size), 0);
		spool = opens(BYTES_MAX);
		assert_string_equal(spool_boot(spool), boot);
		assert_int_equal(spool_next(spool), 2);
		holds(spool, 0, "1=a");
		assert_int_equal(file_size(), whole);
		appends(spool, "cccccccccc");
		holds(spool, 0, "1=a 2=cccccccccc");
		kill_owner(spool);
	}
}

static void any_damaged_byte_begins_anew(void **state)
{
	static const char text[] = "0123456789";
	char boot[64];
	off_t at;
	off_t size = 257;

	(void)state;
	for (at = 0; at < size; at++) {
		struct spool *spool = opens(BYTES_MAX);
		char path[128];
		char byte;
		int fd;

		strcpy(boot, spool_boot(spool));
		assert_int_equal(spool_append(spool, text, 10), 0);
		assert_int_equal(spool_append(spool, text, 10), 0);
		size = file_size();
		kill_owner(spool);
		fd = openat(dirfd, "spool", O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		close(fd);
		byte ^= 0x40;
		write_at(at, &byte, 1);
		spool = opens(BYTES_MAX);
		/* what is between the head and the records has no meaning */
		if (at >= 120 && at < 256) {
			assert_string_equal(spool_boot(spool), boot);
			holds(spool, 0, "1=0123456789 2=0123456789");
		} else {
			begins_anew(spool, boot);
		}
		spool_close(spool);
		snprintf(path, sizeof(path), "%s/spool", directory);
		assert_int_equal(unlink(path), 0);
	}
}

static void damage_under_a_running_daemon_is_noticed(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	CLEANUP_STR struct str text = STR_NULL;
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	appends(spool, "aaaaaaaaaa");
	appends(spool, "bbbbbbbbbb");
	write_at(file_size() - 5, "x", 1);
	assert_int_equal(spool_each(spool, 0, add_text, &text), -EIO);
	begins_anew(spool, boot);
	appends(spool, "c");
	holds(spool, 0, "1=c");
	spool_close(spool);
}

static void garbage_is_a_new_spool(void **state)
{
	struct spool *spool;
	int fd = openat(dirfd, "spool", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, "garbage", 7), 7);
	close(fd);
	spool = opens(BYTES_MAX);
	begins_anew(spool, "");
	appends(spool, "a");
	spool_close(spool);
}

/* --- full */

static void begins_anew_when_it_is_full(void **state)
{
	struct spool *spool = opens(64u << 10);
	char text[1000];
	char boot[64];
	int r = 0;
	int i;

	(void)state;
	memset(text, 'x', sizeof(text));
	strcpy(boot, spool_boot(spool));
	for (i = 0; i < 100 && r == 0; i++)
		r = spool_append(spool, text, sizeof(text));
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(i, 60, 65);
	begins_anew(spool, boot);
	assert_true(file_size() < 1000);
	appends(spool, "a");
	holds(spool, 0, "1=a");
	strcpy(boot, spool_boot(spool));
	spool_close(spool);
	/* the new id is in the file, too */
	spool = opens(64u << 10);
	assert_string_equal(spool_boot(spool), boot);
	spool_close(spool);
}

static void an_event_that_is_too_long_begins_anew(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	char *text = calloc(1, 300000);
	char boot[64];

	(void)state;
	strcpy(boot, spool_boot(spool));
	assert_int_equal(spool_append(spool, text, 300000), -EMSGSIZE);
	begins_anew(spool, boot);
	free(text);
	spool_close(spool);
}

static void a_file_that_may_not_grow_begins_anew(void **state)
{
	struct spool *spool = opens(BYTES_MAX);
	struct rlimit before;
	struct rlimit small;
	char text[1000];
	char boot[64];
	int r = 0;
	int i;

	(void)state;
	memset(text, 'x', sizeof(text));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 10000;
	setrlimit(RLIMIT_FSIZE, &small);
	strcpy(boot, spool_boot(spool));
	for (i = 0; i < 100 && r == 0; i++)
		r = spool_append(spool, text, sizeof(text));
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(r < 0);
	assert_true(i < 12);
	begins_anew(spool, boot);
	appends(spool, "a");
	spool_close(spool);
}

/* In a child with a file system of its own, of 64 KiB. Returns: 0 as it should be. */
static int count_one(void *data, uint64_t seq, const char *text, size_t length)
{
	(void)seq, (void)text, (void)length;
	(*(unsigned int *)data)++;
	return 0;
}

static int fill_the_disk(void)
{
	char text[1000];
	char path[96];
	char boot[64];
	struct spool *spool;
	char *block = calloc(1, 4096);
	unsigned int seen = 0;
	struct stat st;
	int in_the_way;
	int fd;
	int r = 0;
	int i;

	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 77;
	snprintf(path, sizeof(path), "%s/disk", directory);
	mkdir(path, 0700);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("disk", path, "tmpfs", 0, "size=64k") < 0)
		return 77;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool_open(fd, "spool", BYTES_MAX, &spool, NULL) < 0)
		return 1;
	strcpy(boot, spool_boot(spool));
	memset(text, 'x', sizeof(text));
	for (i = 0; i < 100 && r == 0; i++)
		r = spool_append(spool, text, sizeof(text));
	/* the disk is full long before, and no event is lost by that */
	if (r != 0 || strcmp(spool_boot(spool), boot) != 0 || spool_next(spool) != 101 ||
	    spool_trouble(spool) != -ENOSPC)
		return 2;
	if (spool_each(spool, 0, count_one, &seen) != 0 || seen != 100)
		return 6;
	/* another one takes all that is left */
	in_the_way = openat(fd, "other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(in_the_way, block, 4096) > 0)
		;
	if (spool_append(spool, block, 4096) != 0 || spool_trouble(spool) != -ENOSPC)
		return 3;
	/* a process that is killed now leaves nothing that would be gone on with */
	if (fstatat(fd, "spool", &st, 0) < 0 || st.st_size != 0)
		return 7;
	/* and it goes back when there is room again */
	unlinkat(fd, "other", 0);
	close(in_the_way);
	spool_acknowledge(spool, 100);
	spool_close(spool);
	if (spool_open(fd, "spool", BYTES_MAX, &spool, NULL) < 0 ||
	    strcmp(spool_boot(spool), boot) != 0 || spool_next(spool) != 102 ||
	    spool_trouble(spool) != 0)
		return 5;
	spool_close(spool);
	/* one that begins on such a disk */
	if (mount("none", path, NULL, MS_REMOUNT | MS_RDONLY, "size=64k") < 0 ||
	    spool_open(fd, "another", BYTES_MAX, &spool, NULL) < 0 ||
	    spool_trouble(spool) != -EROFS || spool_append(spool, "a", 1) != 0 ||
	    mount("none", path, NULL, MS_REMOUNT, "size=64k") < 0)
		return 8;
	strcpy(boot, spool_boot(spool));
	spool_close(spool);
	if (spool_open(fd, "another", BYTES_MAX, &spool, NULL) < 0 ||
	    strcmp(spool_boot(spool), boot) != 0 || spool_next(spool) != 2)
		return 9;
	spool_close(spool);
	free(block);
	return 0;
}

static void a_full_disk_costs_nothing(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(fill_the_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(gives_back_what_was_appended),
		TEST(forgets_what_is_acknowledged),
		TEST(ends_when_told_so),
		TEST(long_events_cross_the_blocks_of_reading),
		TEST(what_is_acknowledged_is_cut_off),
		TEST(a_restarted_daemon_goes_on),
		TEST(a_killed_daemon_goes_on),
		TEST(a_machine_that_was_rebooted_in_order_goes_on),
		TEST(a_machine_that_crashed_begins_anew),
		TEST(a_copy_of_the_file_is_another_one),
		TEST(two_do_not_share_it),
		TEST(a_child_that_outlives_its_parent_does_not_keep_it),
		TEST(is_private),
		TEST(a_torn_tail_is_dropped),
		TEST(any_damaged_byte_begins_anew),
		TEST(damage_under_a_running_daemon_is_noticed),
		TEST(garbage_is_a_new_spool),
		TEST(begins_anew_when_it_is_full),
		TEST(an_event_that_is_too_long_begins_anew),
		TEST(a_file_that_may_not_grow_begins_anew),
		TEST(a_full_disk_costs_nothing),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
