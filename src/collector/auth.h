/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auth - who asks, and what may they do?
 *
 * A token is 32 random bytes in hex; the store has its SHA-256 only. A client's certificate that
 * was verified stands for the node of its common name. Tokens are compared by their hashes and in
 * constant time. Who comes with wrong ones is slowed down by address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/store.h"

#define AUTH_TOKEN_BYTES 32
#define AUTH_TOKEN_TEXT (2 * AUTH_TOKEN_BYTES + 1)
#define AUTH_NAME_MAX 253

/* Each may do what those before it may, but a node: of that only its own. */
enum auth_right {
	AUTH_NONE,
	AUTH_NODE,   /* report, and read what is wanted of itself */
	AUTH_VIEWER, /* read all */
	AUTH_ADMIN,
};

struct auth_who {
	enum auth_right right;
	char name[AUTH_NAME_MAX + 1]; /* of the node or person */
};

struct auth;

/* Out of the store. Returns: 0, *ret owned; as the store's; -ENOMEM. */
int auth_new(struct store *store, struct auth **ret, struct err *err);
void auth_free(struct auth *auth);
/* Out of the store again. */
int auth_load(struct auth *auth, struct err *err);

/*
 * @authorization  the header; NULL none
 * @peer_name      of a verified certificate; NULL none
 * Returns: 0; -EACCES it is nobody we know; -EAGAIN too many wrong ones from there.
 */
int auth_check(struct auth *auth, const char *authorization, const char *peer_name,
	       const char *address, int64_t now_ms, struct auth_who *ret, struct err *err);

/* For others who check something secret of a client: has that address come with too many wrong
 * ones? And: it came with one more. Returns: -EAGAIN if there are too many now, else -EACCES. */
bool auth_is_blocked(const struct auth *auth, const char *address, int64_t now_ms);
int auth_note_wrong(struct auth *auth, const char *address, int64_t now_ms, const char *why,
		    struct err *err);

/* In a transaction. @ret_token  to be shown once. Returns: 0; -EEXIST there is one of that name;
 * -EINVAL the name; as the store's. */
int auth_add(struct auth *auth, const char *name, enum auth_right right,
	     char ret_token[AUTH_TOKEN_TEXT], struct err *err);
/* In a transaction. Returns: 0; -ENOENT; as the store's. */
int auth_remove(struct auth *auth, const char *name, struct err *err);
size_t auth_count(const struct auth *auth);
/* Is there a token of that name? */
bool auth_has(const struct auth *auth, const char *name);
bool auth_has_admin(const struct auth *auth);
/* Is it the only one of an administrator? Then nobody could make another. */
bool auth_is_last_admin(const struct auth *auth, const char *name);

const char *auth_right_word(enum auth_right right); /* node, viewer, admin */
/* Returns: 0; -EINVAL. */
int auth_right_parse(const char *word, enum auth_right *ret);
