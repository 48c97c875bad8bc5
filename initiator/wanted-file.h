/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wanted-file - connections that `nvme-sunfishctl connect` asked for, kept over a reboot.
 *
 * One file each in /var/lib/sunfish/connections, replaced as a whole, in the syntax of conf.h.
 * The daemon and, where none runs, the command write them.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "initiator/conf.h"

#define WANTED_FILE_DIR "connections" /* below /var/lib/sunfish */
#define WANTED_FILE_NAME_MAX 256

/* Called for each. Returns: 0 go on; negative errno to end with it. */
typedef int (*wanted_file_fn)(void *data, const struct conf_connection *connection);
/* Called for each file that cannot be read or understood: the others count. */
typedef void (*wanted_file_bad_fn)(void *data, const struct err *err);

/* @dirfd  the directory of the files. Returns: 0; what @fn returned; negative errno. */
int wanted_file_each(int dirfd, wanted_file_fn fn, wanted_file_bad_fn bad, void *data,
		     struct err *err);
/* Returns: 0 it is on disk; negative errno. */
int wanted_file_write(int dirfd, const struct conf_connection *connection, struct err *err);
/* Returns: 0; -ENOENT there was none; other negative errno. */
int wanted_file_remove(int dirfd, const struct tid *tid, struct err *err);

/* The name of its file. */
const char *wanted_file_name(const struct tid *tid, char name[WANTED_FILE_NAME_MAX]);
