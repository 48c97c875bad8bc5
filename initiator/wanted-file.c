/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/wanted-file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define SUFFIX ".conf"
#define PLAIN_MAX 160 /* bytes of the name that are readable */
#define FILE_BYTES_MAX 65536
#define FILES_MAX CONF_CONNECTIONS_MAX

/* FNV-1a: names that were cut or spelled anew stay different. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		value = (value ^ (uint8_t)*text) * 0x100000001b3ULL;
	return value;
}

const char *wanted_file_name(const struct tid *tid, char name[WANTED_FILE_NAME_MAX])
{
	char text[TID_TEXT_MAX];
	size_t i;

	tid_format(tid, text);
	for (i = 0; text[i] && i < PLAIN_MAX; i++)
		name[i] =
			isalnum((unsigned char)text[i]) || strchr("-._:,", text[i]) ? text[i] : '_';
	snprintf(name + i, WANTED_FILE_NAME_MAX - i, "-%016" PRIx64 SUFFIX, hash(text));
	return name;
}

static int is_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > strlen(SUFFIX) &&
	       strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

static int read_file(int dirfd, const char *name, struct conf_connection *ret, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	int r = fs_read_file(dirfd, name, FILE_BYTES_MAX, &text, &length);

	if (r < 0)
		return err_set(err, r, "%s: %s", name, strerror(-r));
	return conf_connection_parse(text, length, name, ret, err);
}

int wanted_file_each(int dirfd, wanted_file_fn fn, wanted_file_bad_fn bad, void *data,
		     struct err *err)
{
	struct dirent **names = NULL;
	int count = scandirat(dirfd, ".", &names, is_file, alphasort);
	int r = count < 0 ? -errno : 0;
	int i;

	if (r < 0)
		return err_set(err, r, "cannot list the connections that were asked for: %s",
			       strerror(-r));
	for (i = 0; i < count; i++) {
		struct conf_connection connection;
		struct err why = ERR_NULL;

		if (r == 0 && i < FILES_MAX) {
			if (read_file(dirfd, names[i]->d_name, &connection, &why) == 0)
				r = fn(data, &connection);
			else if (bad)
				bad(data, &why);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

int wanted_file_write(int dirfd, const struct conf_connection *connection, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	char name[WANTED_FILE_NAME_MAX];
	int r;

	conf_connection_format(connection, &text);
	if (text.failed)
		return err_nomem(err);
	r = fs_replace_file(dirfd, wanted_file_name(&connection->tid, name), str_get(&text),
			    text.length, 0600);
	if (r < 0)
		return err_set(err, r, "%s cannot be stored: %s", name, strerror(-r));
	return 0;
}

int wanted_file_remove(int dirfd, const struct tid *tid, struct err *err)
{
	char name[WANTED_FILE_NAME_MAX];

	if (unlinkat(dirfd, wanted_file_name(tid, name), 0) < 0)
		return err_set(err, -errno, "%s: %s", name, strerror(errno));
	return fsync(dirfd) < 0 && errno != EINVAL
		       ? err_set(err, -errno, "%s: %s", name, strerror(errno))
		       : 0;
}
