/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-account - AccountService: who may log in by a password, and who a request of Redfish is of.
 *
 * An account is a document "account/NAME" in the store with the yescrypt of its password. To check
 * one takes longer than the loop has: it is done in a child (rf-account-hash.h) before the request
 * is begun (accounts_prepare), and what was found out is remembered for a minute under a MAC whose
 * key is made at each start. An unknown name takes as long as a known one. Who comes with wrong
 * passwords is slowed down by address (auth.h), and an account is locked for a while.
 *
 * Other ways in: a session (rf-session.h), a token of the collector's own API, and a client's
 * certificate whose common name is an account's or has a token.
 *
 * Source: DSP0266 (authentication, sessions, privilege model), redfish.md 3.8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "redfish/rf-service.h"

#define ACCOUNTS_URI RF_ROOT "/AccountService/Accounts"
#define ACCOUNTS_MAX 256
#define ACCOUNT_NAME_MAX 64 /* bytes: letters, digits, '-', '_', '.' */
#define ACCOUNT_PASSWORD_MIN 8
#define ACCOUNT_PASSWORD_MAX 128
#define ACCOUNT_FILE "redfish-admin.password"

struct redfish;
struct accounts;

/* AccountService with Accounts and Roles, out of the store; they are put into redfish->tree.
 * Returns: 0, *ret owned; as the store's; -ENOMEM. */
int accounts_new(struct redfish *redfish, struct accounts **ret, struct err *err);
void accounts_free(struct accounts *accounts);
/* A commit failed: what is in memory is read from the store again. */
void accounts_reload(struct accounts *accounts);

/* Is there no account at all, make "admin" with a random password in a file there (0600), which
 * must be changed at the first login. Takes as long as a hash. Returns: 0; negative errno. */
int accounts_need_admin(struct accounts *accounts, int dirfd, struct err *err);

/*
 * Before a request is begun: is there a password in it that was not checked yet?
 * @ready  called once, when it was; begin the request then
 * Returns: 0 begin it now; 1 @ready is called later.
 */
int accounts_prepare(struct accounts *accounts, const struct rf_request *request,
		     void (*ready)(void *data), void *data);
/* The request of @data is gone: its @ready is not called. */
void accounts_forget(struct accounts *accounts, const void *data);

/* Of rf_hooks, with @data the accounts. */
int accounts_authenticate(void *data, const struct rf_request *request, struct rf_who *ret,
			  struct err *err);
bool accounts_is_own(void *data, const struct rf_who *who, const struct rf_resource *resource);
/* An event of the kind "audit" for each change, and for refused ones up to a bound. */
void accounts_audit(void *data, const struct rf_call *call, unsigned int status);

/* Is that the password of that account, and may it log in? Known after accounts_prepare only.
 * Returns: 0; -EACCES; -EAGAIN too many wrong ones from there. */
int accounts_log_in(struct accounts *accounts, const char *name, const char *password,
		    const struct rf_request *request, struct rf_who *ret, struct err *err);
/* What the account of that name may do now; for sessions. Returns: 0; -EACCES it is gone or
 * disabled. */
int accounts_who(struct accounts *accounts, const char *name, struct rf_who *ret);
