/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-account.h"
#include "collector/rf-body.h"
#include "core/digest.h"

#define SERVICE_URI RF_ROOT "/SessionService"
#define SERVICE_KEY "redfish/sessions"
#define TOKEN_BYTES 32
#define ID_BYTES 8
#define TIMEOUT_SECONDS 1800
#define TIMEOUT_MIN 30
#define TIMEOUT_MAX 86400
#define LOOK_MS 5000

struct session {
	char hash[DIGEST_TEXT]; /* of the token; "": the place is free */
	char id[2 * ID_BYTES + 1];
	char name[ACCOUNT_NAME_MAX + 1];
	char address[64];
	int64_t created_ms; /* wall clock */
	int64_t used_ms;
	struct rf_resource *resource;
	struct sessions *sessions;
};

struct sessions {
	struct redfish *redfish;
	struct session list[SESSIONS_MAX];
	size_t count;
	int64_t timeout_seconds;
	struct loop_source *timer;
	struct rf_resource *service;
};

static int64_t now_ms(const struct sessions *sessions)
{
	return collector_now_ms(sessions->redfish->collector);
}

static bool is_there(const struct session *session)
{
	return *session->hash != '\0';
}

static bool is_over(const struct session *session, int64_t now)
{
	return now - session->used_ms > session->sessions->timeout_seconds * 1000;
}

static void end(struct session *session)
{
	if (session->resource)
		rf_tree_remove(session->sessions->redfish->tree, session->resource);
	session->sessions->count--;
	explicit_bzero(session, sizeof(*session));
}

void sessions_end(struct sessions *sessions, const char *account, const char *but)
{
	size_t i;

	for (i = 0; sessions && i < SESSIONS_MAX; i++) {
		struct session *session = &sessions->list[i];

		if (is_there(session) && strcmp(session->name, account) == 0 &&
		    strcmp(rf_resource_uri(session->resource), but) != 0)
			end(session);
	}
}

size_t sessions_count(const struct sessions *sessions)
{
	return sessions->count;
}

/* All are looked at, whichever it is. */
static struct session *find(struct sessions *sessions, const char *token)
{
	struct session *found = NULL;
	char hash[DIGEST_TEXT];
	size_t i;

	if (digest_sha256_hex(token, strlen(token), hash) < 0)
		return NULL;
	for (i = 0; i < SESSIONS_MAX; i++) {
		struct session *session = &sessions->list[i];

		if (digest_compare(session->hash, hash, sizeof(hash)) == 0)
			found = session;
	}
	return found;
}

int sessions_check(struct sessions *sessions, const char *token, struct rf_who *ret,
		   struct err *err)
{
	struct session *session = find(sessions, token);
	int64_t now = now_ms(sessions);

	if (!session)
		return err_set(err, -EACCES, "there is no such session (any more)");
	if (is_over(session, now) ||
	    accounts_who(sessions->redfish->accounts, session->name, ret) < 0) {
		end(session);
		return err_set(err, -EACCES, "the session is over");
	}
	session->used_ms = now;
	snprintf(ret->session, sizeof(ret->session), "%s", rf_resource_uri(session->resource));
	return 0;
}

static void on_timer(void *data)
{
	struct sessions *sessions = data;
	int64_t now = now_ms(sessions);
	size_t before = sessions->count;
	size_t i;

	for (i = 0; i < SESSIONS_MAX; i++)
		if (is_there(&sessions->list[i]) && is_over(&sessions->list[i], now))
			end(&sessions->list[i]);
	if (sessions->count != before)
		redfish_flush(sessions->redfish);
	if (sessions->count)
		loop_timer_set(sessions->timer, LOOK_MS, LOOK_MS / 5);
}

/* --- log in */

static const struct rf_class session_class;

/* Returns: 0; -EIO; as rf_tree_add. */
static int begin(struct sessions *sessions, struct session *session, const char *name,
		 char ret_token[2 * TOKEN_BYTES + 1])
{
	unsigned char bytes[TOKEN_BYTES + ID_BYTES];
	char uri[RF_URI_MAX];
	int r;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	*session = (struct session){ .sessions = sessions,
				     .created_ms = clock_wall_ms(),
				     .used_ms = now_ms(sessions) };
	str_hex(bytes, TOKEN_BYTES, ret_token);
	str_hex(bytes + TOKEN_BYTES, ID_BYTES, session->id);
	explicit_bzero(bytes, sizeof(bytes));
	snprintf(session->name, sizeof(session->name), "%.*s", ACCOUNT_NAME_MAX, name);
	snprintf(uri, sizeof(uri), SESSIONS_URI "/%s", session->id);
	r = digest_sha256_hex(ret_token, strlen(ret_token), session->hash);
	if (r == 0)
		r = rf_tree_add(sessions->redfish->tree, uri, &session_class, session,
				&session->resource, NULL);
	if (r < 0)
		explicit_bzero(session, sizeof(*session));
	else
		sessions->count++;
	return r;
}

static struct session *find_free(struct sessions *sessions)
{
	int64_t now = now_ms(sessions);
	size_t i;

	for (i = 0; i < SESSIONS_MAX; i++)
		if (is_there(&sessions->list[i]) && is_over(&sessions->list[i], now))
			end(&sessions->list[i]);
	for (i = 0; i < SESSIONS_MAX; i++)
		if (!is_there(&sessions->list[i]))
			return &sessions->list[i];
	return NULL;
}

static int refuse(struct rf_call *call, int code, const char *why)
{
	static const char *const log_in = "Correct UserName and Password.";

	if (code == -EAGAIN)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){
					      .key = "ServiceTemporarilyUnavailable",
					      .args = { "10" },
					      .resolution = why,
				      });
	if (!call->request->trusted)
		return rf_problem_add(
			&call->problems,
			&(struct rf_problem){ .key = "InsufficientPrivilege", .resolution = why });
	return rf_problem_add(&call->problems, &(struct rf_problem){ .key = "NoValidSession",
								     .resolution = log_in });
}

static int post_session(void *data, struct rf_call *call)
{
	static const char *const known[] = { "UserName", "Password", "Context", "Name", NULL };
	struct sessions *sessions = rf_resource_object(call->resource);
	char token[2 * TOKEN_BYTES + 1];
	const char *name = "";
	const char *password = "";
	struct err err = ERR_NULL;
	struct session *session;
	struct rf_who who = { 0 };
	int r = rf_body_check(call, known);

	(void)data;
	if (r < 0)
		return r;
	r = rf_body_need(call, "UserName", &name);
	r = rf_body_need(call, "Password", &password) < 0 ? -EBADMSG : r;
	if (r < 0)
		return r;
	r = accounts_log_in(sessions->redfish->accounts, name, password, call->request, &who, &err);
	if (r < 0)
		return refuse(call, r, err.text);
	session = find_free(sessions);
	if (!session)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "SessionLimitExceeded" });
	r = begin(sessions, session, who.name, token);
	if (r < 0)
		return r;
	snprintf(session->address, sizeof(session->address), "%s", call->request->address);
	call->who = who; /* for the journal */
	rf_answer_header(&call->answer, "X-Auth-Token: %s", token);
	explicit_bzero(token, sizeof(token));
	rf_call_created(call, rf_resource_uri(session->resource));
	if (who.must_change_password)
		rf_problem_add(&call->problems,
			       &(struct rf_problem){ .key = "PasswordChangeRequired",
						     .args = { who.account } });
	loop_timer_set(sessions->timer, LOOK_MS, LOOK_MS / 5);
	return 0;
}

static int delete_session(void *data, struct rf_call *call)
{
	(void)data;
	end(rf_resource_object(call->resource));
	return 0;
}

/* --- resources */

static int render_session(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct session *session = rf_resource_object(resource);
	char time[CLOCK_TEXT_MAX];

	(void)data;
	js_set(doc, "Name", js_string("User Session"));
	js_set(doc, "UserName", js_string(session->name));
	js_set(doc, "Password", js_string(NULL));
	js_set(doc, "SessionType", js_string("Redfish"));
	js_set(doc, "ClientOriginIPAddress",
	       *session->address ? js_string(session->address) : NULL);
	js_set(doc, "CreatedTime", js_string(clock_format(session->created_ms, time)));
	return 0;
}

static int render_service(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct sessions *sessions = rf_resource_object(resource);
	struct js *ref = js_object();

	(void)data;
	js_set(doc, "Name", js_string("Session Service"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "ServiceEnabled", js_bool(true));
	js_set(doc, "SessionTimeout", js_int(sessions->timeout_seconds));
	js_set(ref, "@odata.id", js_string(SESSIONS_URI));
	js_set(doc, "Sessions", ref);
	return 0;
}

static int patch_service(void *data, struct rf_call *call)
{
	static const char *const writable[] = { "SessionTimeout", NULL };
	struct sessions *sessions = rf_resource_object(call->resource);
	int64_t seconds = sessions->timeout_seconds;
	char text[32];
	int r = rf_patch_check(call, writable);

	(void)data;
	if (r == 0)
		r = rf_body_number(call, "SessionTimeout", TIMEOUT_MIN, TIMEOUT_MAX, &seconds);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "{\"timeout\":%lld}", (long long)seconds);
	r = store_doc_put(sessions->redfish->collector->store, SERVICE_KEY, text, NULL);
	if (r == 0)
		sessions->timeout_seconds = seconds;
	rf_resource_touch(sessions->redfish->tree, sessions->service);
	return r;
}

static const struct rf_class service_class = {
	.type = "#SessionService.v1_1_9.SessionService",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_MANAGER,
	.render = render_service,
	.patch = patch_service,
};

/* Who logs in is nobody yet. */
static const struct rf_class collection_class = {
	.type = "#SessionCollection.SessionCollection",
	.collection = true,
	.name = "Session Collection",
	.read = RF_LOGIN,
	.write = RF_EVERYBODY,
	.post = post_session,
};

static const struct rf_class session_class = {
	.type = "#Session.v1_5_0.Session",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_MANAGER | RF_CONFIGURE_SELF,
	.render = render_session,
	.delete = delete_session,
};

/* --- life */

static int load_service(void *data, const char *key, const char *text)
{
	struct sessions *sessions = data;
	CLEANUP_JS struct js *js = NULL;
	int64_t seconds;

	if (strcmp(key, SERVICE_KEY) != 0 || js_parse(text, strlen(text), &js, NULL) < 0)
		return 0;
	seconds = js_number(js_get(js, "timeout"), TIMEOUT_SECONDS);
	if (seconds >= TIMEOUT_MIN && seconds <= TIMEOUT_MAX)
		sessions->timeout_seconds = seconds;
	return 0;
}

static int load(struct sessions *sessions, struct err *err)
{
	sessions->timeout_seconds = TIMEOUT_SECONDS;
	return store_doc_each(sessions->redfish->collector->store, SERVICE_KEY, load_service,
			      sessions, err);
}

void sessions_reload(struct sessions *sessions)
{
	if (!sessions)
		return;
	load(sessions, NULL);
	rf_resource_touch(sessions->redfish->tree, sessions->service);
}

int sessions_new(struct redfish *redfish, struct sessions **ret, struct err *err)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	struct rf_resource *resource;
	int r;

	if (!sessions)
		return err_nomem(err);
	sessions->redfish = redfish;
	r = load(sessions, err);
	if (r == 0)
		r = loop_add_timer(redfish->collector->loop, on_timer, sessions, &sessions->timer,
				   err);
	if (r == 0)
		r = rf_tree_add(redfish->tree, SERVICE_URI, &service_class, sessions,
				&sessions->service, err);
	if (r == 0)
		r = rf_tree_add(redfish->tree, SESSIONS_URI, &collection_class, sessions, &resource,
				err);
	if (r < 0)
		sessions_free(sessions);
	else
		*ret = sessions;
	return r;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	loop_source_free(sessions->timer);
	explicit_bzero(sessions->list, sizeof(sessions->list));
	free(sessions);
}
