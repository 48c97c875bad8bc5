/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake-sysfs - a temporary /sys and /proc out of what a guest's kernel had.
 *
 * tests/unit/initiator/sysfs.KERNEL has lines "PATH/", "PATH -> TARGET" and "PATH = TEXT" ('~' for
 * a newline), taken from a guest with two subsystems, blake14 over two ports, and a discovery
 * controller; only what is read is kept.
 */
#pragma once

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct fake_sysfs {
	char path[48];
	int sysfs_fd;
	int proc_fd;
};

static inline void fake_parents(int dirfd, const char *path)
{
	char parent[PATH_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash)
		return;
	*slash = '\0';
	assert_int_equal(fs_mkdir_p(dirfd, parent, 0755), 0);
}

static inline void fake_put(int dirfd, const char *path, const char *text)
{
	fake_parents(dirfd, path);
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void fake_line(int dirfd, char *line)
{
	char *at;
	char *c;

	if ((at = strstr(line, " -> "))) {
		*at = '\0';
		fake_parents(dirfd, line);
		assert_int_equal(symlinkat(at + 4, dirfd, line), 0);
	} else if ((at = strstr(line, " = "))) {
		*at = '\0';
		for (c = at + 3; *c; c++)
			*c = *c == '~' ? '\n' : *c;
		fake_put(dirfd, line, at + 3);
	} else if (*line) {
		assert_int_equal(fs_mkdir_p(dirfd, line, 0755), 0);
	}
}

static inline int fake_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* @kernel  NULL: an empty one */
static inline void fake_sysfs_open(struct fake_sysfs *fake, const char *kernel)
{
	char path[64];
	CLEANUP_FREE char *text = NULL;
	char *rest;
	char *line;

	strcpy(fake->path, "/tmp/test-sysfs.XXXXXX");
	assert_non_null(mkdtemp(fake->path));
	snprintf(path, sizeof(path), "%s/sys", fake->path);
	assert_int_equal(mkdir(path, 0755), 0);
	fake->sysfs_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/proc", fake->path);
	assert_int_equal(mkdir(path, 0755), 0);
	fake->proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fake_put(fake->proc_fd, "self/mountinfo", "");
	fake_put(fake->proc_fd, "swaps", "");
	if (!kernel)
		return;
	snprintf(path, sizeof(path), "tests/unit/initiator/sysfs.%s", kernel);
	assert_int_equal(fs_read_file(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	for (rest = text; (line = strsep(&rest, "\n"));)
		fake_line(fake->sysfs_fd, line);
}

static inline void fake_sysfs_close(struct fake_sysfs *fake)
{
	close(fake->sysfs_fd);
	close(fake->proc_fd);
	nftw(fake->path, fake_remove, 16, FTW_DEPTH | FTW_PHYS);
}
