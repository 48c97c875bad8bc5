/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-session - SessionService: who logged in by a password, and gets on by a token.
 *
 * A token is 32 random bytes in hex, made here for each login, never taken from a client; only its
 * SHA-256 is kept, in memory. Tokens are compared in constant time, with each session. A session
 * ends when it was not used for SessionTimeout, is deleted, or with its account's password.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "redfish/rf-service.h"

#define SESSIONS_URI RF_ROOT "/SessionService/Sessions"
#define SESSIONS_MAX 64

struct redfish;
struct sessions;

/* SessionService with Sessions; they are put into redfish->tree. After the accounts.
 * Returns: 0, *ret owned; as the store's; -ENOMEM. */
int sessions_new(struct redfish *redfish, struct sessions **ret, struct err *err);
void sessions_free(struct sessions *sessions);
/* A commit failed: what is in memory of the store is read again. */
void sessions_reload(struct sessions *sessions);

/* Whose token is it? It counts as use. Returns: 0; -EACCES nobody's. */
int sessions_check(struct sessions *sessions, const char *token, struct rf_who *ret,
		   struct err *err);
/* All sessions of that account end. @but  URI of one that stays; "" none */
void sessions_end(struct sessions *sessions, const char *account, const char *but);
size_t sessions_count(const struct sessions *sessions);
