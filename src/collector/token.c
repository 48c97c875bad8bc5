/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "collector/collector.h"

#define TOKEN_NAME "root"

struct making {
	struct collector *collector;
	int dirfd;
	int code;
	struct err err;
};

/* The file first: one that is not in the store yet is worth nothing. */
static int write_token(void *data, struct err *err)
{
	struct making *making = data;
	struct auth *auth = making->collector->auth;
	char token[AUTH_TOKEN_TEXT];
	int r = auth_remove(auth, TOKEN_NAME, err);

	if (r == 0 || r == -ENOENT)
		r = auth_add(auth, TOKEN_NAME, AUTH_ADMIN, token, err);
	if (r < 0)
		return r;
	token[AUTH_TOKEN_TEXT - 1] = '\n';
	r = fs_replace_file(making->dirfd, TOKEN_FILE, token, AUTH_TOKEN_TEXT, 0600);
	explicit_bzero(token, sizeof(token));
	return r < 0 ? err_set(err, r, TOKEN_FILE ": %s", strerror(-r)) : 0;
}

static void done_token(void *data, int code, const struct err *err)
{
	struct making *making = data;

	making->code = code;
	making->err = *err;
}

int token_need(struct collector *collector, int dirfd, struct err *err)
{
	struct making making = { .collector = collector, .dirfd = dirfd, .code = -EAGAIN };

	/* one that is of an older store is worth nothing: a new store has no administrator */
	if (faccessat(dirfd, TOKEN_FILE, F_OK, AT_EACCESS) == 0 && auth_has_admin(collector->auth))
		return 0;
	if (commit_join(collector->commit, write_token, done_token, &making) < 0)
		return err_nomem(err);
	commit_now(collector->commit);
	if (making.code < 0 && err)
		*err = making.err;
	return making.code;
}
