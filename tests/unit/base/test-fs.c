/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct fixture {
	char path[64];
	int fd;
};

/* Fails with ENOSPC when asked to: fsync is the last step before the rename. */
static bool disk_is_full;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	if (disk_is_full) {
		errno = ENOSPC;
		return -1;
	}
	return __real_fsync(fd);
}

static int setup(void **state)
{
	static struct fixture fixture;

	snprintf(fixture.path, sizeof(fixture.path), "/tmp/test-fs-XXXXXX");
	assert_non_null(mkdtemp(fixture.path));
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture.fd >= 0);
	disk_is_full = false;
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	close(fixture->fd);
	snprintf(command, sizeof(command), "rm -rf %s", fixture->path);
	return system(command);
}

static int dir_of(void **state)
{
	return ((struct fixture *)*state)->fd;
}

static void put(void **state, const char *name, const char *text)
{
	assert_int_equal(fs_replace_file(dir_of(state), name, text, strlen(text), 0600), 0);
}

static void assert_holds(void **state, const char *name, const char *want)
{
	CLEANUP_FREE char *text = NULL;
	size_t length = 99;

	assert_int_equal(fs_read_file(dir_of(state), name, 1 << 20, &text, &length), 0);
	assert_int_equal(length, strlen(want));
	assert_string_equal(text, want);
}

static size_t count_entries(void **state)
{
	CLEANUP_CLOSEDIR DIR *dir = opendir(((struct fixture *)*state)->path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	return count - 2;
}

static void reads_an_attribute_without_its_newline(void **state)
{
	char value[8];

	put(state, "a", "tcp\n");
	assert_int_equal(fs_read_at(dir_of(state), "a", value, sizeof(value)), 3);
	assert_string_equal(value, "tcp");
	put(state, "a", "");
	assert_int_equal(fs_read_at(dir_of(state), "a", value, sizeof(value)), 0);
	assert_string_equal(value, "");
}

static void refuses_an_attribute_that_does_not_fit(void **state)
{
	char value[4];

	put(state, "a", "abcd");
	assert_int_equal(fs_read_at(dir_of(state), "a", value, sizeof(value)), -EOVERFLOW);
	put(state, "a", "abc");
	assert_int_equal(fs_read_at(dir_of(state), "a", value, sizeof(value)), 3);
	assert_int_equal(fs_read_at(dir_of(state), "b", value, sizeof(value)), -ENOENT);
	assert_int_equal(fs_read_at(dir_of(state), ".", value, sizeof(value)), -EISDIR);
}

static void writes_an_attribute_that_is_there_only(void **state)
{
	put(state, "a", "old");
	assert_int_equal(fs_write_at(dir_of(state), "a", "new", 3), 0);
	assert_holds(state, "a", "new");
	assert_int_equal(fs_write_at(dir_of(state), "b", "x", 1), -ENOENT);
	assert_int_equal(count_entries(state), 1);
}

static void reads_a_file_up_to_a_limit(void **state)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *large = calloc(1, 10001);
	size_t length;

	assert_non_null(large);
	memset(large, 'x', 10000);
	put(state, "a", large);
	assert_holds(state, "a", large);
	assert_int_equal(fs_read_file(dir_of(state), "a", 9999, &text, &length), -EFBIG);
	assert_null(text);
	assert_int_equal(fs_read_file(dir_of(state), "a", 10000, &text, NULL), 0);
	assert_int_equal(strlen(text), 10000);
}

static void replaces_a_file_and_sets_its_mode(void **state)
{
	struct stat st;

	put(state, "a", "old, and longer");
	assert_int_equal(fs_replace_file(dir_of(state), "a", "new", 3, 0640), 0);
	assert_holds(state, "a", "new");
	assert_int_equal(fstatat(dir_of(state), "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_entries(state), 1);
}

static void drops_what_a_killed_process_left_and_nothing_else(void **state)
{
	put(state, "a", "whole");
	put(state, "a.tmp-1-2", "half");
	put(state, "b.tmp-1-2", "of another");
	assert_int_equal(fs_drop_temporaries(dir_of(state), "./a"), 0);
	assert_int_equal(count_entries(state), 2);
	assert_int_equal(fs_drop_temporaries(dir_of(state), "b"), 0);
	assert_int_equal(count_entries(state), 1);
	assert_holds(state, "a", "whole");
	assert_int_equal(fs_drop_temporaries(dir_of(state), "none/a"), -ENOENT);
}

static void replaces_a_link_and_not_what_it_points_at(void **state)
{
	struct stat st;

	put(state, "target", "old");
	assert_int_equal(symlinkat("target", dir_of(state), "a"), 0);
	put(state, "a", "new");
	assert_holds(state, "target", "old");
	assert_int_equal(fstatat(dir_of(state), "a", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void leaves_the_old_file_if_the_new_cannot_be_written(void **state)
{
	put(state, "a", "old");
	disk_is_full = true;
	assert_int_equal(fs_replace_file(dir_of(state), "a", "new", 3, 0600), -ENOSPC);
	disk_is_full = false;
	assert_holds(state, "a", "old");
	assert_int_equal(count_entries(state), 1);
	assert_int_equal(mkdirat(dir_of(state), "b", 0700), 0);
	assert_int_equal(fs_replace_file(dir_of(state), "b", "new", 3, 0600), -EISDIR);
	assert_int_equal(count_entries(state), 2);
	assert_int_equal(fs_replace_file(dir_of(state), "none/a", "new", 3, 0600), -ENOENT);
}

static void refuses_a_name_that_is_too_long(void **state)
{
	char name[PATH_MAX + 1];

	memset(name, 'x', sizeof(name));
	name[PATH_MAX] = '\0';
	assert_int_equal(fs_replace_file(dir_of(state), name, "", 0, 0600), -ENAMETOOLONG);
	assert_int_equal(fs_mkdir_p(dir_of(state), name, 0700), -ENAMETOOLONG);
}

static void makes_directories_that_are_missing(void **state)
{
	char path[128];
	struct stat st;

	assert_int_equal(fs_mkdir_p(dir_of(state), "a/b/c", 0750), 0);
	assert_int_equal(fs_mkdir_p(dir_of(state), "a/b/c", 0700), 0);
	assert_int_equal(fstatat(dir_of(state), "a/b/c", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0700, 0700);
	snprintf(path, sizeof(path), "%s/d/e/", ((struct fixture *)*state)->path);
	assert_int_equal(fs_mkdir_p(AT_FDCWD, path, 0700), 0);
	assert_int_equal(fstatat(dir_of(state), "d/e", &st, 0), 0);
}

static void makes_no_directory_below_a_file(void **state)
{
	put(state, "a", "");
	assert_int_equal(fs_mkdir_p(dir_of(state), "a/b", 0700), -ENOTDIR);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILES(reads_an_attribute_without_its_newline),
		WITH_FILES(refuses_an_attribute_that_does_not_fit),
		WITH_FILES(writes_an_attribute_that_is_there_only),
		WITH_FILES(reads_a_file_up_to_a_limit),
		WITH_FILES(replaces_a_file_and_sets_its_mode),
		WITH_FILES(drops_what_a_killed_process_left_and_nothing_else),
		WITH_FILES(replaces_a_link_and_not_what_it_points_at),
		WITH_FILES(leaves_the_old_file_if_the_new_cannot_be_written),
		WITH_FILES(refuses_a_name_that_is_too_long),
		WITH_FILES(makes_directories_that_are_missing),
		WITH_FILES(makes_no_directory_below_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
