/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-account-own - what rf-account.c (accounts, their resources), rf-account-edit.c (their changes)
 * and rf-account-who.c (passwords, who it is) share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "collector/rf-account-hash.h"
#include "collector/rf-account.h"
#include "collector/rf-role.h"
#include "core/digest.h"
#include "core/password.h"

struct account {
	char name[ACCOUNT_NAME_MAX + 1];
	char hash[PASSWORD_HASH_MAX];
	enum role role;
	bool enabled;
	bool must_change;
	/* in memory only */
	bool stale; /* while it is read again */
	unsigned int wrong;
	int64_t wrong_ms;  /* the last time */
	int64_t locked_ms; /* until then; 0 it is not */
	struct rf_resource *resource;
	struct accounts *accounts;
};

/* What was found out of a password, by the MAC of all that it depends on. */
struct verdict {
	unsigned char mac[DIGEST_BYTES];
	int64_t until_ms;
	bool right;
};
#define VERDICTS_MAX 128

struct check;

struct accounts {
	struct redfish *redfish;
	struct hasher *hasher;
	struct account *list[ACCOUNTS_MAX];
	size_t count;
	int64_t lockout_threshold; /* wrong passwords; 0: never */
	int64_t lockout_seconds;
	int64_t lockout_reset_seconds;
	unsigned char key[DIGEST_BYTES]; /* of the MACs */
	char nobody[PASSWORD_HASH_MAX];	 /* a hash that is nobody's */
	struct verdict verdicts[VERDICTS_MAX];
	size_t next_verdict;
	struct check *checks; /* under way */
	size_t n_waiting;
	int64_t refused_ms; /* of the journal: refused requests since then */
	unsigned int refused;
	struct rf_resource *service;
};

struct account *account_find(const struct accounts *accounts, const char *name);
bool account_is_locked(const struct account *account, int64_t now_ms);
int64_t accounts_now_ms(const struct accounts *accounts);

#define ACCOUNT_KEY_MAX (ACCOUNT_NAME_MAX + 16)
bool account_is_name(const char *name);
/* In the store. Returns: @key. */
const char *account_key(const char *name, char key[ACCOUNT_KEY_MAX]);
/* Returns: 0, *ret in the list; -E2BIG; as rf_tree_add. */
int account_add(struct accounts *accounts, const char *name, struct account **ret, struct err *err);
int account_save(const struct account *account, struct err *err);
void account_drop(struct account *account);
bool account_is_last_administrator(const struct account *account);

/* Handlers. */
int account_handle_post(void *data, struct rf_call *call);
int account_handle_patch(void *data, struct rf_call *call);
int account_handle_delete(void *data, struct rf_call *call);

/* Set up and drop what rf-account-who.c has. Returns: 0; -EIO. */
int accounts_who_init(struct accounts *accounts, struct err *err);
void accounts_who_deinit(struct accounts *accounts);
