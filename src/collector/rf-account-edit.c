/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-account-edit - accounts are made, changed and deleted by requests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-account-own.h"
#include "collector/rf-body.h"
#include "collector/rf-events.h"
#include "collector/rf-session.h"

/* --- a change that was asked for */

struct change {
	struct accounts *accounts;
	struct rf_call *call; /* NULL: it is made at the start */
	bool creates;
	char name[ACCOUNT_NAME_MAX + 1];
	char hash[PASSWORD_HASH_MAX]; /* "": the password stays */
	/* -1: stays */
	int role, enabled, must_change, locked;
	char session[RF_URI_MAX]; /* that stays when the password changes */
	int code;		  /* for rf_service_finish */
};

static int refuse_conflict(struct change *change, const char *property, const char *resolution)
{
	return rf_problem_add(&change->call->problems, &(struct rf_problem){
							       .key = "ResourceInUse",
							       .related = property,
							       .resolution = resolution,
						       });
}

static void change_apply(const struct change *change, struct account *account)
{
	if (change->role >= 0)
		account->role = (enum role)change->role;
	if (change->enabled >= 0)
		account->enabled = change->enabled;
	if (*change->hash) {
		memcpy(account->hash, change->hash, sizeof(account->hash));
		account->must_change = false;
	}
	if (change->must_change >= 0)
		account->must_change = change->must_change;
	if (change->locked == 0) {
		account->locked_ms = 0;
		account->wrong = 0;
	}
}

/* In a transaction. Returns: 0, change->code is set; as the store's. */
static int change_create(struct change *change, struct err *err)
{
	struct accounts *accounts = change->accounts;
	struct account *account;
	int r;

	if (account_find(accounts, change->name)) {
		change->code =
			rf_problem_add(&change->call->problems,
				       &(struct rf_problem){ .key = "ResourceAlreadyExists",
							     .args = { "ManagerAccount", "UserName",
								       change->name } });
		return 0;
	}
	r = account_add(accounts, change->name, &account, err);
	if (r == -E2BIG && change->call) {
		change->code = rf_problem_add(
			&change->call->problems,
			&(struct rf_problem){ .key = "CreateLimitReachedForResource" });
		return 0;
	}
	if (r < 0)
		return r;
	change_apply(change, account);
	r = account_save(account, err);
	if (r < 0) {
		account_drop(account);
		return r;
	}
	change->code = 0;
	if (change->call)
		rf_call_created(change->call, rf_resource_uri(account->resource));
	return 0;
}

static int change_write(void *data, struct err *err)
{
	struct change *change = data;
	struct account *account;
	struct account before;
	bool weakens;
	int r;

	if (change->creates)
		return change_create(change, err);
	account = account_find(change->accounts, change->name);
	if (!account) {
		change->code = rf_problem_add(&change->call->problems,
					      &(struct rf_problem){ .key = "ResourceMissingAtURI",
								    .args = { change->name } });
		return 0;
	}
	weakens = (change->role >= 0 && change->role != ROLE_ADMINISTRATOR) || change->enabled == 0;
	if (weakens && account_is_last_administrator(account)) {
		change->code = refuse_conflict(change, "#/RoleId",
					       "Make another administrator first: this is the "
					       "last one.");
		return 0;
	}
	before = *account;
	change_apply(change, account);
	r = account_save(account, err);
	if (r < 0) {
		*account = before;
		return r;
	}
	rf_resource_touch(change->accounts->redfish->tree, account->resource);
	/* whoever had the old password is out, but not who changed it */
	if (*change->hash || change->enabled == 0)
		sessions_end(change->accounts->redfish->sessions, account->name, change->session);
	if (*change->hash || change->enabled == 0)
		rfevents_end(change->accounts->redfish->rfevents, account->name);
	change->code = 0;
	return 0;
}

static void change_free(struct change *change)
{
	explicit_bzero(change->hash, sizeof(change->hash));
	free(change);
}

static void change_done(void *data, int code, const struct err *err)
{
	struct change *change = data;
	struct rf_call *call = change->call;
	struct rf_service *service = change->accounts->redfish->service;

	(void)err;
	code = code < 0 ? code : change->code;
	change_free(change);
	rf_service_finish(service, call, code);
}

static void on_hashed(void *data, int code, const char *hash)
{
	struct change *change = data;
	struct err err = ERR_NULL;

	if (code == -ECANCELED) {
		/* the call went before us */
		change_free(change);
		return;
	}
	if (code < 0 || !hash || strlen(hash) >= sizeof(change->hash)) {
		change_done(change, -EIO, &err);
		return;
	}
	snprintf(change->hash, sizeof(change->hash), "%s", hash);
	if (commit_join(change->accounts->redfish->collector->commit, change_write, change_done,
			change) < 0)
		change_done(change, -ENOMEM, &err);
}

/* Returns: as a handler. */
static int change_run(struct change *change, const char *password)
{
	struct err err = ERR_NULL;
	int r;

	if (password) {
		r = hasher_start(change->accounts->hasher, password, NULL, on_hashed, change);
		if (r == 0)
			return RF_LATER;
		change_free(change);
		return r;
	}
	r = change_write(change, &err);
	if (r == 0)
		r = change->code;
	change_free(change);
	return r;
}

static struct change *change_new(struct accounts *accounts, struct rf_call *call, const char *name)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change)
		return NULL;
	change->accounts = accounts;
	change->call = call;
	change->role = change->enabled = change->must_change = change->locked = -1;
	snprintf(change->name, sizeof(change->name), "%s", name);
	if (call)
		snprintf(change->session, sizeof(change->session), "%s", call->who.session);
	return change;
}

/* --- what is asked for */

/* Never say the password back. */
static int check_password(struct rf_call *call, const char *name, const char *password)
{
	size_t length = strlen(password);

	if (length < ACCOUNT_PASSWORD_MIN || length > ACCOUNT_PASSWORD_MAX)
		return rf_problem_property(&call->problems, "PropertyValueError", "Password", NULL,
					   "Give 8 to 128 bytes.");
	if (!str_is_utf8(password))
		return rf_problem_property(&call->problems, "PropertyValueError", "Password", NULL,
					   "Leave control characters away.");
	if (strcmp(name, password) == 0)
		return rf_problem_property(&call->problems, "PropertyValueError", "Password", NULL,
					   "Give another one than the name.");
	if (!call->request || !call->request->trusted)
		return rf_problem_add(&call->problems, &(struct rf_problem){
							       .key = "InsufficientPrivilege",
							       .resolution = "Send passwords over "
									     "https only.",
						       });
	return 0;
}

static int take_role(struct rf_call *call, int *ret)
{
	const char *word = "";
	enum role role;
	int r = rf_body_text(call, "RoleId", &word);

	if (r <= 0)
		return r;
	if (role_parse(word, &role) < 0)
		return rf_problem_property(&call->problems, "PropertyValueNotInList", "RoleId",
					   word, "Give Administrator, Operator or ReadOnly.");
	*ret = role;
	return 0;
}

static int take_bool(struct rf_call *call, const char *key, int *ret)
{
	bool value;
	int r = rf_body_bool(call, key, &value);

	if (r > 0)
		*ret = value;
	return r < 0 ? r : 0;
}

/* We have one type only. */
static int check_types(struct rf_call *call)
{
	const struct js *types = js_get(call->body, "AccountTypes");
	const char *type = js_length(types) == 1 ? js_text(js_at(types, 0)) : NULL;

	if (!types || (type && strcmp(type, "Redfish") == 0))
		return 0;
	return rf_problem_property(&call->problems, "PropertyValueError", "AccountTypes", NULL,
				   "Give [\"Redfish\"], or leave it away.");
}

static int take_common(struct rf_call *call, struct change *change)
{
	int r = take_role(call, &change->role);

	if (r == 0)
		r = take_bool(call, "Enabled", &change->enabled);
	if (r == 0)
		r = take_bool(call, "PasswordChangeRequired", &change->must_change);
	if (r == 0)
		r = take_bool(call, "Locked", &change->locked);
	if (r == 0 && change->locked == 1)
		r = rf_problem_property(&call->problems, "PropertyValueError", "Locked", NULL,
					"Give false to unlock it; to shut it, PATCH Enabled.");
	return r < 0 ? r : check_types(call);
}

int account_handle_post(void *data, struct rf_call *call)
{
	static const char *const known[] = {
		"UserName", "Password", "RoleId",	"Enabled",
		"Locked",   "Name",	"AccountTypes", "PasswordChangeRequired",
		NULL
	};
	struct accounts *accounts = rf_resource_object(call->resource);
	struct change *change;
	const char *name = "";
	const char *password = "";
	const char *role = "";
	int r = rf_body_check(call, known);

	(void)data;
	if (r < 0)
		return r;
	r = rf_body_need(call, "UserName", &name);
	r = rf_body_need(call, "Password", &password) < 0 ? -EBADMSG : r;
	r = rf_body_need(call, "RoleId", &role) < 0 ? -EBADMSG : r;
	if (r < 0)
		return r;
	if (!account_is_name(name))
		return rf_problem_property(&call->problems, "PropertyValueError", "UserName", NULL,
					   "Give 1 to 64 letters, digits, '-', '_' or '.'.");
	r = check_password(call, name, password);
	if (r < 0)
		return r;
	change = change_new(accounts, call, name);
	if (!change)
		return -ENOMEM;
	change->creates = true;
	r = take_common(call, change);
	if (r < 0) {
		change_free(change);
		return r;
	}
	return change_run(change, password);
}

/* Of his own account he may change the password, whatever his role; and nothing else before that,
 * if he must change it. */
static int check_self(struct rf_call *call)
{
	size_t i;

	if (call->who.privileges & RF_CONFIGURE_USERS && !call->who.must_change_password)
		return 0;
	for (i = 0; i < js_length(call->body); i++) {
		const char *key = js_key_at(call->body, i);

		if (strcmp(key, "Password") != 0 && !strchr(key, '@'))
			return rf_problem_add(&call->problems,
					      &(struct rf_problem){
						      .key = "InsufficientPrivilege",
						      .resolution = "Change the password only; the "
								    "rest takes ConfigureUsers.",
					      });
	}
	return 0;
}

int account_handle_patch(void *data, struct rf_call *call)
{
	static const char *const writable[] = {
		"Password", "RoleId", "Enabled", "Locked", "AccountTypes", "PasswordChangeRequired",
		NULL
	};
	const struct account *account = rf_resource_object(call->resource);
	const char *password = NULL;
	struct change *change;
	int r = check_self(call);

	(void)data;
	if (r == 0)
		r = rf_patch_check(call, writable);
	if (r == 0)
		r = rf_body_text(call, "Password", &password);
	if (r > 0 && password)
		r = check_password(call, account->name, password);
	if (r < 0)
		return r;
	change = change_new(account->accounts, call, account->name);
	if (!change)
		return -ENOMEM;
	r = take_common(call, change);
	if (r < 0) {
		change_free(change);
		return r;
	}
	return change_run(change, password);
}

int account_handle_delete(void *data, struct rf_call *call)
{
	struct account *account = rf_resource_object(call->resource);
	struct accounts *accounts = account->accounts;
	char key[ACCOUNT_KEY_MAX];
	char name[ACCOUNT_NAME_MAX + 1];
	int r;

	(void)data;
	if (!(call->who.privileges & RF_CONFIGURE_USERS))
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "InsufficientPrivilege" });
	if (account_is_last_administrator(account))
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){
					      .key = "ResourceInUse",
					      .resolution = "Make another administrator first: "
							    "this is the last one.",
				      });
	snprintf(name, sizeof(name), "%s", account->name);
	r = store_doc_delete(accounts->redfish->collector->store, account_key(name, key), NULL);
	if (r < 0)
		return r;
	account_drop(account);
	sessions_end(accounts->redfish->sessions, name, "");
	rfevents_end(accounts->redfish->rfevents, name);
	return 0;
}
