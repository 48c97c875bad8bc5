/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-account-own.h"
#include "collector/rf-body.h"
#include "collector/rf-session.h"
#include "core/log.h"

#define SERVICE_URI RF_ROOT "/AccountService"
#define KEY "account/"
#define SERVICE_KEY "redfish/accounts"
#define FIRST "admin"
#define FIRST_BYTES 15 /* random ones of the first password */
#define LOCKOUT_THRESHOLD 10
#define LOCKOUT_SECONDS 60
#define LOCKOUT_RESET_SECONDS 60
#define LOCKOUT_MAX 86400

int64_t accounts_now_ms(const struct accounts *accounts)
{
	return collector_now_ms(accounts->redfish->collector);
}

struct account *account_find(const struct accounts *accounts, const char *name)
{
	size_t i;

	for (i = 0; i < accounts->count; i++)
		if (strcmp(accounts->list[i]->name, name) == 0)
			return accounts->list[i];
	return NULL;
}

bool account_is_locked(const struct account *account, int64_t now_ms)
{
	return account->locked_ms > now_ms;
}

bool account_is_last_administrator(const struct account *account)
{
	const struct accounts *accounts = account->accounts;
	size_t i;

	if (account->role != ROLE_ADMINISTRATOR || !account->enabled)
		return false;
	for (i = 0; i < accounts->count; i++)
		if (accounts->list[i] != account && accounts->list[i]->enabled &&
		    accounts->list[i]->role == ROLE_ADMINISTRATOR)
			return false;
	return true;
}

/* --- the store */

const char *account_key(const char *name, char key[ACCOUNT_KEY_MAX])
{
	snprintf(key, ACCOUNT_KEY_MAX, KEY "%s", name);
	return key;
}

int account_save(const struct account *account, struct err *err)
{
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *text = NULL;
	char key[ACCOUNT_KEY_MAX];
	int r;

	js_set(js, "hash", js_string(account->hash));
	js_set(js, "role", js_string(role_word(account->role)));
	js_set(js, "enabled", js_bool(account->enabled));
	js_set(js, "must_change", js_bool(account->must_change));
	text = js_format(js, JS_COMPACT);
	if (!text)
		return err_nomem(err);
	r = store_doc_put(account->accounts->redfish->collector->store,
			  account_key(account->name, key), text, err);
	explicit_bzero(text, strlen(text));
	return r;
}

bool account_is_name(const char *name)
{
	return *name && *name != '.' && strlen(name) <= ACCOUNT_NAME_MAX &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.")] == '\0';
}

/* --- in memory */

static const struct rf_class account_class;

void account_drop(struct account *account)
{
	struct accounts *accounts = account->accounts;
	size_t i;

	if (account->resource)
		rf_tree_remove(accounts->redfish->tree, account->resource);
	for (i = 0; i < accounts->count; i++)
		if (accounts->list[i] == account) {
			accounts->list[i] = accounts->list[--accounts->count];
			break;
		}
	explicit_bzero(account->hash, sizeof(account->hash));
	free(account);
}

/* Returns: 0, *ret in the list; -E2BIG; as rf_tree_add. */
int account_add(struct accounts *accounts, const char *name, struct account **ret, struct err *err)
{
	struct account *account;
	char uri[RF_URI_MAX];
	int r;

	if (accounts->count == ACCOUNTS_MAX)
		return err_set(err, -E2BIG, "there are %d accounts already", ACCOUNTS_MAX);
	account = calloc(1, sizeof(*account));
	if (!account)
		return err_nomem(err);
	account->accounts = accounts;
	account->enabled = true;
	account->role = ROLE_READ_ONLY;
	snprintf(account->name, sizeof(account->name), "%s", name);
	snprintf(uri, sizeof(uri), ACCOUNTS_URI "/%s", name);
	r = rf_tree_add(accounts->redfish->tree, uri, &account_class, account, &account->resource,
			err);
	if (r < 0) {
		free(account);
		return r;
	}
	accounts->list[accounts->count++] = account;
	*ret = account;
	return 0;
}

static int load_one(void *data, const char *key, const char *text)
{
	struct accounts *accounts = data;
	const char *name = key + strlen(KEY);
	struct account *account = account_find(accounts, name);
	CLEANUP_JS struct js *js = NULL;
	const char *hash, *role;
	enum role value;
	int r;

	r = account_is_name(name) ? js_parse(text, strlen(text), &js, NULL) : -EBADMSG;
	hash = js ? js_text(js_get(js, "hash")) : NULL;
	role = js ? js_text(js_get(js, "role")) : NULL;
	if (r < 0 || !hash || !role || role_parse(role, &value) < 0) {
		/* one that cannot be read lets nobody in */
		log_error("the account %s cannot be read: delete and make it again", name);
		return 0;
	}
	r = account ? 0 : account_add(accounts, name, &account, NULL);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	snprintf(account->hash, sizeof(account->hash), "%s", hash);
	account->role = value;
	account->enabled = js_is_true(js_get(js, "enabled"));
	account->must_change = js_is_true(js_get(js, "must_change"));
	account->stale = false;
	rf_resource_touch(accounts->redfish->tree, account->resource);
	return 0;
}

static int load_service(void *data, const char *key, const char *text)
{
	struct accounts *accounts = data;
	CLEANUP_JS struct js *js = NULL;

	if (strcmp(key, SERVICE_KEY) != 0 || js_parse(text, strlen(text), &js, NULL) < 0)
		return 0;
	accounts->lockout_threshold = js_number(js_get(js, "threshold"), LOCKOUT_THRESHOLD);
	accounts->lockout_seconds = js_number(js_get(js, "duration"), LOCKOUT_SECONDS);
	accounts->lockout_reset_seconds = js_number(js_get(js, "reset"), LOCKOUT_RESET_SECONDS);
	return 0;
}

static int load(struct accounts *accounts, struct err *err)
{
	struct store *store = accounts->redfish->collector->store;
	int r;

	accounts->lockout_threshold = LOCKOUT_THRESHOLD;
	accounts->lockout_seconds = LOCKOUT_SECONDS;
	accounts->lockout_reset_seconds = LOCKOUT_RESET_SECONDS;
	r = store_doc_each(store, SERVICE_KEY, load_service, accounts, err);
	if (r == 0)
		r = store_doc_each(store, KEY, load_one, accounts, err);
	return r;
}

void accounts_reload(struct accounts *accounts)
{
	struct err err = ERR_NULL;
	size_t i;

	if (!accounts)
		return;
	for (i = 0; i < accounts->count; i++)
		accounts->list[i]->stale = true;
	if (load(accounts, &err) < 0) {
		log_error("accounts after a failed transaction: %s", err.text);
		return;
	}
	for (i = accounts->count; i > 0; i--)
		if (accounts->list[i - 1]->stale)
			account_drop(accounts->list[i - 1]);
	rf_resource_touch(accounts->redfish->tree, accounts->service);
}

/* --- resources */

static int render_account(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct account *account = rf_resource_object(resource);
	struct js *types = js_array();
	struct js *links = js_object();
	struct js *role = js_object();
	char uri[128];

	(void)data;
	snprintf(uri, sizeof(uri), ROLES_URI "/%s", role_word(account->role));
	js_set(doc, "Name", js_string("User Account"));
	js_set(doc, "UserName", js_string(account->name));
	js_set(doc, "Password", js_string(NULL));
	js_set(doc, "RoleId", js_string(role_word(account->role)));
	js_set(doc, "Enabled", js_bool(account->enabled));
	js_set(doc, "Locked",
	       js_bool(account_is_locked(account, accounts_now_ms(account->accounts))));
	js_set(doc, "PasswordChangeRequired", js_bool(account->must_change));
	js_append(types, js_string("Redfish"));
	js_set(doc, "AccountTypes", types);
	js_set(role, "@odata.id", js_string(uri));
	js_set(links, "Role", role);
	js_set(doc, "Links", links);
	return 0;
}

static void set_child(struct js *doc, const char *key, const char *uri)
{
	struct js *ref = js_object();

	js_set(ref, "@odata.id", js_string(uri));
	js_set(doc, key, ref);
}

static int render_service(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct accounts *accounts = rf_resource_object(resource);
	struct js *types = js_array();

	(void)data;
	js_set(doc, "Name", js_string("Account Service"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "ServiceEnabled", js_bool(true));
	js_set(doc, "MinPasswordLength", js_int(ACCOUNT_PASSWORD_MIN));
	js_set(doc, "MaxPasswordLength", js_int(ACCOUNT_PASSWORD_MAX));
	js_set(doc, "AccountLockoutThreshold", js_int(accounts->lockout_threshold));
	js_set(doc, "AccountLockoutDuration", js_int(accounts->lockout_seconds));
	js_set(doc, "AccountLockoutCounterResetAfter", js_int(accounts->lockout_reset_seconds));
	js_set(doc, "HTTPBasicAuth", js_string("Enabled"));
	js_append(types, js_string("Redfish"));
	js_set(doc, "SupportedAccountTypes", types);
	set_child(doc, "Accounts", ACCOUNTS_URI);
	set_child(doc, "Roles", ROLES_URI);
	return 0;
}

static int save_service(struct accounts *accounts, struct err *err)
{
	char text[160];

	snprintf(text, sizeof(text), "{\"threshold\":%lld,\"duration\":%lld,\"reset\":%lld}",
		 (long long)accounts->lockout_threshold, (long long)accounts->lockout_seconds,
		 (long long)accounts->lockout_reset_seconds);
	return store_doc_put(accounts->redfish->collector->store, SERVICE_KEY, text, err);
}

static int patch_service(void *data, struct rf_call *call)
{
	static const char *const writable[] = { "AccountLockoutThreshold", "AccountLockoutDuration",
						"AccountLockoutCounterResetAfter", NULL };
	struct accounts *accounts = rf_resource_object(call->resource);
	int64_t threshold = accounts->lockout_threshold;
	int64_t seconds = accounts->lockout_seconds;
	int64_t reset = accounts->lockout_reset_seconds;
	int r = rf_patch_check(call, writable);

	(void)data;
	if (r == 0)
		r = rf_body_number(call, writable[0], 0, 1000, &threshold);
	if (r >= 0)
		r = rf_body_number(call, writable[1], 0, LOCKOUT_MAX, &seconds);
	if (r >= 0)
		r = rf_body_number(call, writable[2], 0, LOCKOUT_MAX, &reset);
	if (r < 0)
		return r;
	accounts->lockout_threshold = threshold;
	accounts->lockout_seconds = seconds;
	accounts->lockout_reset_seconds = reset;
	rf_resource_touch(accounts->redfish->tree, accounts->service);
	return save_service(accounts, NULL);
}

static const struct rf_class service_class = {
	.type = "#AccountService.v1_15_0.AccountService",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_USERS,
	.render = render_service,
	.patch = patch_service,
};

static const struct rf_class collection_class = {
	.type = "#ManagerAccountCollection.ManagerAccountCollection",
	.collection = true,
	.name = "Accounts Collection",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_USERS,
	.post = account_handle_post,
};

/* His own one everybody may read, and give another password: accounts_is_own. */
static const struct rf_class account_class = {
	.type = "#ManagerAccount.v1_12_0.ManagerAccount",
	.read = RF_CONFIGURE_MANAGER | RF_CONFIGURE_USERS | RF_CONFIGURE_SELF,
	.write = RF_CONFIGURE_USERS | RF_CONFIGURE_SELF,
	.render = render_account,
	.patch = account_handle_patch,
	.delete = account_handle_delete,
};

/* --- life */

static int add_resources(struct accounts *accounts, struct err *err)
{
	struct rf_tree *tree = accounts->redfish->tree;
	struct rf_resource *resource;
	int r = rf_tree_add(tree, SERVICE_URI, &service_class, accounts, &accounts->service, err);

	if (r == 0)
		r = rf_tree_add(tree, ACCOUNTS_URI, &collection_class, accounts, &resource, err);
	return r < 0 ? r : roles_add(tree, err);
}

int accounts_new(struct redfish *redfish, struct accounts **ret, struct err *err)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));
	int r;

	if (!accounts)
		return err_nomem(err);
	accounts->redfish = redfish;
	accounts->hasher = hasher_new(redfish->loop);
	r = accounts->hasher ? accounts_who_init(accounts, err) : err_nomem(err);
	if (r == 0)
		r = add_resources(accounts, err);
	if (r == 0)
		r = load(accounts, err);
	if (r < 0)
		accounts_free(accounts);
	else
		*ret = accounts;
	return r;
}

void accounts_free(struct accounts *accounts)
{
	size_t i;

	if (!accounts)
		return;
	hasher_free(accounts->hasher);
	accounts_who_deinit(accounts);
	/* their resources go with the tree */
	for (i = 0; i < accounts->count; i++) {
		explicit_bzero(accounts->list[i], sizeof(*accounts->list[i]));
		free(accounts->list[i]);
	}
	free(accounts);
}

struct first {
	struct accounts *accounts;
	int dirfd;
	int code;
	struct err err;
};

/* Returns: 0; -EIO; negative errno of the file. */
static int make_first(int dirfd, char ret_hash[PASSWORD_HASH_MAX])
{
	unsigned char bytes[FIRST_BYTES];
	char password[2 * FIRST_BYTES + 1];
	int r = -EIO;

	if (getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes)) {
		str_hex(bytes, sizeof(bytes), password);
		r = password_hash(password, ret_hash);
	}
	if (r == 0) {
		password[sizeof(password) - 1] = '\n';
		r = fs_replace_file(dirfd, ACCOUNT_FILE, password, sizeof(password), 0600);
	}
	explicit_bzero(password, sizeof(password));
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

/* The file first: a password that is not in the store yet is worth nothing. */
static int write_first(void *data, struct err *err)
{
	struct first *first = data;
	char hash[PASSWORD_HASH_MAX];
	struct account *account;
	int r = make_first(first->dirfd, hash);

	if (r < 0)
		return err_set(err, r, ACCOUNT_FILE ": %s", strerror(-r));
	r = account_add(first->accounts, FIRST, &account, err);
	if (r < 0)
		return r;
	memcpy(account->hash, hash, sizeof(hash));
	account->role = ROLE_ADMINISTRATOR;
	account->must_change = true;
	r = account_save(account, err);
	if (r < 0)
		account_drop(account);
	return r;
}

static void done_first(void *data, int code, const struct err *err)
{
	struct first *first = data;

	first->code = code;
	first->err = *err;
}

int accounts_need_admin(struct accounts *accounts, int dirfd, struct err *err)
{
	struct first first = { .accounts = accounts, .dirfd = dirfd, .code = -EAGAIN };

	if (accounts->count)
		return 0;
	if (commit_join(accounts->redfish->collector->commit, write_first, done_first, &first) < 0)
		return err_nomem(err);
	commit_now(accounts->redfish->collector->commit);
	if (first.code < 0 && err)
		*err = first.err;
	return first.code;
}
