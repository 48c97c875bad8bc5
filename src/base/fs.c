/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"

#define TEMPORARY ".tmp-"

ssize_t fs_read_at(int dirfd, const char *path, char *buffer, size_t size)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, buffer, size);
	if (length < 0)
		return -errno;
	if ((size_t)length == size)
		return -EOVERFLOW;
	while (length > 0 && buffer[length - 1] == '\n')
		length--;
	buffer[length] = '\0';
	return length;
}

int fs_write_at(int dirfd, const char *path, const void *value, size_t length)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, value, length) < 0 ? -errno : 0;
}

int fs_read_file(int dirfd, const char *path, size_t max, char **ret_text, size_t *ret_length)
{
	CLEANUP_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *text = NULL;
	size_t room = 0;
	size_t length = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got;

		if (length == room) {
			char *more;

			room = room ? room * 2 : FS_ATTR_MAX;
			more = realloc(text, room + 1);
			if (!more)
				return -ENOMEM;
			text = more;
		}
		got = read(fd, text + length, room - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
		if (length > max)
			return -EFBIG;
	}
	text[length] = '\0';
	*ret_text = TAKE_PTR(text);
	if (ret_length)
		*ret_length = length;
	return 0;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t wrote = write(fd, data, length);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		data += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

static int sync_parent(int dirfd, const char *path)
{
	char parent[PATH_MAX];
	CLEANUP_CLOSE int fd = -1;
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(parent, sizeof(parent), ".");
	else
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path) + 1, path);
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int fs_replace_file(int dirfd, const char *path, const void *data, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	struct timespec now;
	CLEANUP_CLOSE int fd = -1;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (snprintf(temporary, sizeof(temporary), "%s" TEMPORARY "%ld-%ld", path, (long)getpid(),
		     now.tv_nsec) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, length);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, temporary, 0);
		return r;
	}
	return sync_parent(dirfd, path);
}

static bool is_temporary_of(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return strncmp(entry, name, length) == 0 &&
	       strncmp(entry + length, TEMPORARY, strlen(TEMPORARY)) == 0;
}

int fs_drop_temporaries(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char parent[PATH_MAX] = ".";
	CLEANUP_CLOSE int fd = -1;
	struct dirent *entry;
	int fd_of_dir;
	DIR *dir;

	if (slash && slash - path >= (ptrdiff_t)sizeof(parent) - 1)
		return -ENAMETOOLONG;
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s/", (int)(slash - path), path);
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	fd_of_dir = take_fd(&fd);
	while ((entry = readdir(dir)))
		if (is_temporary_of(entry->d_name, name))
			unlinkat(fd_of_dir, entry->d_name, 0);
	closedir(dir);
	return 0;
}

int fs_mkdir_p(int dirfd, const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t i;

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (i = 1; path[i - 1]; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}
