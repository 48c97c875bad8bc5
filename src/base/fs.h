/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fs - small files by directory descriptor: kernel attributes, and files replaced as a whole.
 *
 * Paths are relative to @dirfd unless they begin with '/'. No text here: the caller knows the
 * object and makes the message.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* One page: the most that a configfs or sysfs attribute holds. */
#define FS_ATTR_MAX 4096

/*
 * Read an attribute; trailing newlines are cut, the text is NUL-terminated.
 * Returns: length of the text; negative errno of open or read; -EOVERFLOW if it does not fit.
 */
ssize_t fs_read_at(int dirfd, const char *path, char *buffer, size_t size);

/*
 * Write an attribute in one write() without a newline. A short count is success: nvmet's
 * discovery_nqn returns one less than it took.
 * Returns: 0; negative errno of open or write.
 */
int fs_write_at(int dirfd, const char *path, const void *value, size_t length);

/* Read a whole file of at most @max bytes; *ret_text is NUL-terminated, free it.
 * Returns: 0; negative errno; -EFBIG over @max; -ENOMEM. */
int fs_read_file(int dirfd, const char *path, size_t max, char **ret_text, size_t *ret_length);

/* Create or replace a file so that a reader or a crash sees the old or the new one whole: a
 * unique temporary name beside it, fsync, rename, fsync of the directory.
 * Returns: 0; negative errno (the old file is untouched). */
int fs_replace_file(int dirfd, const char *path, const void *data, size_t length, mode_t mode);

/* Remove what fs_replace_file left beside @path when the process was killed in it. Not while
 * somebody else may be in it. Returns: 0; negative errno of reading the directory. */
int fs_drop_temporaries(int dirfd, const char *path);

/* Like mkdir -p for an absolute or relative path; existing directories are kept as they are.
 * Returns: 0; negative errno. */
int fs_mkdir_p(int dirfd, const char *path, mode_t mode);
