/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-account-own.h"
#include "collector/rf-session.h"
#include "core/log.h"

#define RIGHT_MS 60000
#define WRONG_MS 5000
#define WAITING_MAX 256
#define CREDENTIALS_MAX 512
/* Refused requests that are written down, so many in that time. */
#define REFUSED_MAX 30
#define REFUSED_MS 60000

struct waiter {
	struct waiter *next;
	void (*ready)(void *data);
	void *data;
};

/* A password that is being hashed, and the requests that wait for it. */
struct check {
	struct check *next;
	struct accounts *accounts;
	unsigned char mac[DIGEST_BYTES];
	struct waiter *waiters;
};

struct credentials {
	char name[ACCOUNT_NAME_MAX + 1];
	char password[CREDENTIALS_MAX + 1];
};

static void credentials_wipe(struct credentials *credentials)
{
	explicit_bzero(credentials, sizeof(*credentials));
}
#define CLEANUP_CREDENTIALS __attribute__((cleanup(credentials_wipe)))

/* --- credentials out of a request */

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Returns: the length; -EINVAL. The text is NUL-terminated. */
static int base64_decode(const char *text, char *ret, size_t size)
{
	unsigned int bits = 0;
	unsigned int n_bits = 0;
	size_t length = 0;

	for (; *text && *text != '='; text++) {
		int digit = base64_digit(*text);

		if (digit < 0)
			return -EINVAL;
		bits = (bits << 6 | (unsigned int)digit) & 0xffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (length + 1 >= size)
			return -EINVAL;
		ret[length++] = (char)(bits >> n_bits & 0xff);
	}
	if (text[strspn(text, "=")] != '\0')
		return -EINVAL;
	ret[length] = '\0';
	/* what is behind a NUL would not be looked at */
	return strlen(ret) == length ? (int)length : -EINVAL;
}

static bool is_basic(const char *authorization)
{
	return authorization && strncasecmp(authorization, "Basic ", 6) == 0;
}

static bool set_credentials(const char *name, const char *password, struct credentials *ret)
{
	if (strlen(name) > ACCOUNT_NAME_MAX || strlen(password) > CREDENTIALS_MAX)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->password, sizeof(ret->password), "%s", password);
	return true;
}

static bool basic_credentials(const char *authorization, struct credentials *ret)
{
	char text[ACCOUNT_NAME_MAX + CREDENTIALS_MAX + 2];
	char *colon;
	bool is_set = false;

	if (base64_decode(authorization + 6 + strspn(authorization + 6, " "), text, sizeof(text)) >=
	    0) {
		colon = strchr(text, ':');
		if (colon) {
			*colon = '\0';
			is_set = set_credentials(text, colon + 1, ret);
		}
	}
	explicit_bzero(text, sizeof(text));
	return is_set;
}

static bool session_credentials(const struct rf_request *request, struct credentials *ret)
{
	CLEANUP_JS struct js *js = NULL;
	const char *name, *password;

	if (strcmp(request->method, "POST") != 0 ||
	    strncmp(request->uri, SESSIONS_URI, strlen(SESSIONS_URI)) != 0 || !request->length ||
	    js_parse(request->body, request->length, &js, NULL) < 0)
		return false;
	name = js_text(js_get(js, "UserName"));
	password = js_text(js_get(js, "Password"));
	return name && password && set_credentials(name, password, ret);
}

/* --- what is known of a password */

/* Of name, password and hash: if one of them changes, it is another. */
static int make_mac(const struct accounts *accounts, const struct credentials *credentials,
		    const char *hash, unsigned char ret[DIGEST_BYTES])
{
	char data[sizeof(*credentials) + PASSWORD_HASH_MAX] = { 0 };
	int r;

	/* each has a place of its own: none can run into the next */
	snprintf(data, sizeof(credentials->name), "%s", credentials->name);
	snprintf(data + sizeof(credentials->name), sizeof(credentials->password), "%s",
		 credentials->password);
	snprintf(data + sizeof(*credentials), PASSWORD_HASH_MAX, "%s", hash);
	r = digest_mac(accounts->key, sizeof(accounts->key), data, sizeof(data), ret);
	explicit_bzero(data, sizeof(data));
	return r;
}

static const struct verdict *find_verdict(const struct accounts *accounts,
					  const unsigned char mac[DIGEST_BYTES])
{
	int64_t now = accounts_now_ms(accounts);
	size_t i;

	for (i = 0; i < VERDICTS_MAX; i++)
		if (accounts->verdicts[i].until_ms > now &&
		    digest_compare(accounts->verdicts[i].mac, mac, DIGEST_BYTES) == 0)
			return &accounts->verdicts[i];
	return NULL;
}

static void add_verdict(struct accounts *accounts, const unsigned char mac[DIGEST_BYTES],
			bool right)
{
	struct verdict *verdict = &accounts->verdicts[accounts->next_verdict++ % VERDICTS_MAX];

	memcpy(verdict->mac, mac, DIGEST_BYTES);
	verdict->right = right;
	verdict->until_ms = accounts_now_ms(accounts) + (right ? RIGHT_MS : WRONG_MS);
}

static const char *hash_of(const struct accounts *accounts, const char *name)
{
	const struct account *account = account_find(accounts, name);

	return account ? account->hash : accounts->nobody;
}

/* --- checks */

static void check_unlink(struct check *check)
{
	struct check **at = &check->accounts->checks;

	while (*at != check)
		at = &(*at)->next;
	*at = check->next;
}

static void check_free(struct check *check)
{
	struct waiter *waiter;

	while ((waiter = check->waiters)) {
		check->waiters = waiter->next;
		free(waiter);
	}
	free(check);
}

static void on_checked(void *data, int code, const char *hash)
{
	struct check *check = data;
	struct accounts *accounts = check->accounts;
	struct waiter *waiter;

	(void)hash;
	check_unlink(check);
	if (code == -ECANCELED) {
		check_free(check);
		return;
	}
	if (code == 0 || code == -EACCES)
		add_verdict(accounts, check->mac, code == 0);
	while ((waiter = check->waiters)) {
		check->waiters = waiter->next;
		accounts->n_waiting--;
		waiter->ready(waiter->data);
		free(waiter);
	}
	free(check);
}

static struct check *check_need(struct accounts *accounts, const struct credentials *credentials,
				const unsigned char mac[DIGEST_BYTES])
{
	struct check *check;

	for (check = accounts->checks; check; check = check->next)
		if (digest_compare(check->mac, mac, DIGEST_BYTES) == 0)
			return check;
	check = calloc(1, sizeof(*check));
	if (!check)
		return NULL;
	check->accounts = accounts;
	memcpy(check->mac, mac, DIGEST_BYTES);
	if (hasher_start(accounts->hasher, credentials->password,
			 hash_of(accounts, credentials->name), on_checked, check) < 0) {
		free(check);
		return NULL;
	}
	check->next = accounts->checks;
	accounts->checks = check;
	return check;
}

/* Returns: 1 it waits; 0 it does not. */
static int wait_for(struct accounts *accounts, const struct credentials *credentials,
		    void (*ready)(void *data), void *data)
{
	unsigned char mac[DIGEST_BYTES];
	struct waiter *waiter;
	struct check *check;

	if (make_mac(accounts, credentials, hash_of(accounts, credentials->name), mac) < 0 ||
	    find_verdict(accounts, mac) || accounts->n_waiting >= WAITING_MAX)
		return 0;
	waiter = calloc(1, sizeof(*waiter));
	check = waiter ? check_need(accounts, credentials, mac) : NULL;
	if (!check) {
		free(waiter);
		return 0;
	}
	waiter->ready = ready;
	waiter->data = data;
	waiter->next = check->waiters;
	check->waiters = waiter;
	accounts->n_waiting++;
	return 1;
}

int accounts_prepare(struct accounts *accounts, const struct rf_request *request,
		     void (*ready)(void *data), void *data)
{
	CLEANUP_CREDENTIALS struct credentials credentials = { 0 };
	const char *authorization = request->header(request->data, "Authorization");

	if (!request->trusted || auth_is_blocked(accounts->redfish->collector->auth,
						 request->address, accounts_now_ms(accounts)))
		return 0;
	if (session_credentials(request, &credentials))
		return wait_for(accounts, &credentials, ready, data);
	if (!request->header(request->data, "X-Auth-Token") && is_basic(authorization) &&
	    basic_credentials(authorization, &credentials))
		return wait_for(accounts, &credentials, ready, data);
	return 0;
}

void accounts_forget(struct accounts *accounts, const void *data)
{
	struct check *check;
	struct waiter **at;

	for (check = accounts->checks; check; check = check->next)
		for (at = &check->waiters; *at; at = &(*at)->next)
			if ((*at)->data == data) {
				struct waiter *waiter = *at;

				*at = waiter->next;
				accounts->n_waiting--;
				free(waiter);
				return;
			}
}

/* --- who it is */

static void set_who(const struct account *account, struct rf_who *ret)
{
	*ret = (struct rf_who){ .privileges = role_privileges(account->role),
				.must_change_password = account->must_change };
	snprintf(ret->name, sizeof(ret->name), "%s", account->name);
	snprintf(ret->account, sizeof(ret->account), "%s", rf_resource_uri(account->resource));
}

int accounts_who(struct accounts *accounts, const char *name, struct rf_who *ret)
{
	const struct account *account = account_find(accounts, name);

	if (!account || !account->enabled)
		return -EACCES;
	set_who(account, ret);
	return 0;
}

static void note_wrong(struct accounts *accounts, struct account *account)
{
	int64_t now = accounts_now_ms(accounts);

	if (now - account->wrong_ms > accounts->lockout_reset_seconds * 1000)
		account->wrong = 0;
	account->wrong++;
	account->wrong_ms = now;
	if (!accounts->lockout_threshold || account->wrong < accounts->lockout_threshold ||
	    account_is_locked(account, now))
		return;
	account->wrong = 0;
	account->locked_ms =
		accounts->lockout_seconds ? now + accounts->lockout_seconds * 1000 : INT64_MAX;
	rf_resource_touch(accounts->redfish->tree, account->resource);
	log_warning("redfish: the account %s is locked after too many wrong passwords",
		    account->name);
}

/* One sentence for all that may be wrong: nobody learns which names there are. */
static int refuse(struct accounts *accounts, const struct rf_request *request, struct err *err)
{
	return auth_note_wrong(accounts->redfish->collector->auth, request->address,
			       accounts_now_ms(accounts),
			       "the user name or the password is wrong, or the account is locked "
			       "or disabled",
			       err);
}

int accounts_log_in(struct accounts *accounts, const char *name, const char *password,
		    const struct rf_request *request, struct rf_who *ret, struct err *err)
{
	CLEANUP_CREDENTIALS struct credentials credentials = { 0 };
	struct account *account = account_find(accounts, name);
	const struct verdict *verdict = NULL;
	unsigned char mac[DIGEST_BYTES];
	int64_t now = accounts_now_ms(accounts);

	if (!request->trusted)
		return err_set(err, -EACCES, "passwords are taken over https or on this host only");
	if (auth_is_blocked(accounts->redfish->collector->auth, request->address, now))
		return err_set(err, -EAGAIN, "too many wrong passwords from %s", request->address);
	if (!set_credentials(name, password, &credentials))
		return refuse(accounts, request, err);
	if (make_mac(accounts, &credentials, hash_of(accounts, name), mac) == 0)
		verdict = find_verdict(accounts, mac);
	if (!verdict)
		return err_set(err, -EAGAIN, "too many log in at the moment");
	if (verdict->right && account && account->enabled && !account_is_locked(account, now)) {
		account->wrong = 0;
		set_who(account, ret);
		return 0;
	}
	if (account && !verdict->right)
		note_wrong(accounts, account);
	return refuse(accounts, request, err);
}

/* The rights of the collector's own API. A node may do nothing here. */
static int from_right(const struct auth_who *who, struct rf_who *ret, struct err *err)
{
	switch (who->right) {
	case AUTH_ADMIN:
		ret->privileges = role_privileges(ROLE_ADMINISTRATOR);
		break;
	case AUTH_VIEWER:
		ret->privileges = role_privileges(ROLE_READ_ONLY);
		break;
	default:
		return err_set(err, -EACCES, "%s is a node's: there is nothing here for it",
			       who->name);
	}
	snprintf(ret->name, sizeof(ret->name), "%s", who->name);
	return 0;
}

static int by_token(struct accounts *accounts, const char *authorization, const char *peer_name,
		    const struct rf_request *request, struct rf_who *ret, struct err *err)
{
	struct auth_who who;
	int r = auth_check(accounts->redfish->collector->auth, authorization, peer_name,
			   request->address, accounts_now_ms(accounts), &who, err);

	return r < 0 ? r : from_right(&who, ret, err);
}

/* A node's certificate is no account's, whatever the account is called. */
static int by_certificate(struct accounts *accounts, const struct rf_request *request,
			  struct rf_who *ret, struct err *err)
{
	if (!registry_node_find(accounts->redfish->collector->registry, request->peer_name) &&
	    accounts_who(accounts, request->peer_name, ret) == 0)
		return 0;
	return by_token(accounts, NULL, request->peer_name, request, ret, err);
}

static int by_basic(struct accounts *accounts, const char *authorization,
		    const struct rf_request *request, struct rf_who *ret, struct err *err)
{
	CLEANUP_CREDENTIALS struct credentials credentials = { 0 };

	if (!basic_credentials(authorization, &credentials))
		return refuse(accounts, request, err);
	return accounts_log_in(accounts, credentials.name, credentials.password, request, ret, err);
}

static int by_session(struct accounts *accounts, const char *token,
		      const struct rf_request *request, struct rf_who *ret, struct err *err)
{
	int64_t now = accounts_now_ms(accounts);

	if (auth_is_blocked(accounts->redfish->collector->auth, request->address, now))
		return err_set(err, -EAGAIN, "too many wrong tokens from %s", request->address);
	if (sessions_check(accounts->redfish->sessions, token, ret, err) == 0)
		return 0;
	return auth_note_wrong(accounts->redfish->collector->auth, request->address, now,
			       "there is no such session (any more)", err);
}

int accounts_authenticate(void *data, const struct rf_request *request, struct rf_who *ret,
			  struct err *err)
{
	struct accounts *accounts = data;
	const char *token = request->header(request->data, "X-Auth-Token");
	const char *authorization = request->header(request->data, "Authorization");

	if (token)
		return by_session(accounts, token, request, ret, err);
	if (is_basic(authorization))
		return by_basic(accounts, authorization, request, ret, err);
	if (authorization)
		return by_token(accounts, authorization, NULL, request, ret, err);
	if (request->peer_name && *request->peer_name)
		return by_certificate(accounts, request, ret, err);
	/* who says nothing guesses nothing */
	return err_set(err, -EACCES, "log in: Basic, X-Auth-Token, or Authorization: Bearer TOKEN");
}

bool accounts_is_own(void *data, const struct rf_who *who, const struct rf_resource *resource)
{
	const char *uri = rf_resource_uri(resource);

	(void)data;
	return (*who->account && strcmp(who->account, uri) == 0) ||
	       (*who->session && strcmp(who->session, uri) == 0);
}

/* --- what was done, and by whom */

struct audit {
	struct collector *collector;
	char what[RF_URI_MAX + 32];
	char cause[512];
};

static int write_audit(void *data, struct err *err)
{
	struct audit *audit = data;

	return events_add_own(audit->collector->events, "note", "audit", audit->what, audit->cause,
			      NULL, err);
}

static void done_audit(void *data, int code, const struct err *err)
{
	struct audit *audit = data;

	if (code < 0 && code != -ECANCELED)
		log_warning("redfish: %s, %s, is not written down: %s", audit->what, audit->cause,
			    err->text);
	free(audit);
}

/* Who only gets refused must not fill the log that all others need. */
static bool may_note(struct accounts *accounts, unsigned int status)
{
	int64_t now = accounts_now_ms(accounts);

	if (status < 400)
		return true;
	/* what could not be stored: neither could this */
	if (status >= 500)
		return false;
	if (now - accounts->refused_ms > REFUSED_MS) {
		accounts->refused_ms = now;
		accounts->refused = 0;
	}
	return ++accounts->refused <= REFUSED_MAX;
}

void accounts_audit(void *data, const struct rf_call *call, unsigned int status)
{
	struct accounts *accounts = data;
	const struct rf_request *request = call->request;
	struct audit *audit;

	if (!may_note(accounts, status))
		return;
	audit = calloc(1, sizeof(*audit));
	if (!audit)
		return;
	audit->collector = accounts->redfish->collector;
	snprintf(audit->what, sizeof(audit->what), "%.16s %s", request ? request->method : "",
		 call->resource ? rf_resource_uri(call->resource) : "");
	snprintf(audit->cause, sizeof(audit->cause), "by %s from %s: %u%s%s",
		 *call->who.name ? call->who.name : "nobody", request ? request->address : "?",
		 status, call->action ? " " : "", call->action ? call->action->name : "");
	if (commit_join(audit->collector->commit, write_audit, done_audit, audit) < 0)
		free(audit);
}

/* --- life */

int accounts_who_init(struct accounts *accounts, struct err *err)
{
	if (getrandom(accounts->key, sizeof(accounts->key), 0) != sizeof(accounts->key) ||
	    password_nobody(accounts->nobody) < 0)
		return err_set(err, -EIO, "there are no random bytes, or no yescrypt");
	return 0;
}

void accounts_who_deinit(struct accounts *accounts)
{
	explicit_bzero(accounts->key, sizeof(accounts->key));
}
