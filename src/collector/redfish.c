/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/redfish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/rf-account.h"
#include "collector/rf-act.h"
#include "collector/rf-events.h"
#include "collector/rf-model.h"
#include "collector/rf-session.h"
#include "collector/rf-static.h"
#include "collector/sunfish.h"
#include "core/digest.h"
#include "core/log.h"

/* --- requests on their way */

struct rf_pending {
	struct redfish *redfish;
	struct httpd_request *request; /* NULL: the client is gone */
	struct rf_request rf;
	struct rf_call call;
	bool is_kept;  /* by us, of httpd */
	bool is_asked; /* its password is being looked at */
	bool is_later; /* its handler has it */
	struct redfish_way way;
	char *uri, *body; /* instead of those of the request */
	bool is_skipped;
	bool is_joined;	  /* a commit has it */
	bool is_answered; /* meanwhile: by what follows the commit */
	struct rf_pending *next, **at;
};

static const char *header_of(const void *data, const char *name)
{
	return httpd_header(data, name);
}

static const char *query_of(const void *data, const char *key)
{
	return httpd_query(data, key);
}

static void each_query_of(const void *data,
			  void (*fn)(void *user, const char *key, const char *value), void *user)
{
	httpd_query_each(data, fn, user);
}

/* Returns: false, out of memory. */
static bool replace(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static struct rf_pending *pending_new(struct redfish *redfish, struct httpd_request *request,
				      const struct redfish_way *way)
{
	struct rf_pending *pending = calloc(1, sizeof(*pending));

	if (!pending)
		return NULL;
	pending->redfish = redfish;
	pending->request = request;
	pending->rf = (struct rf_request){ .method = httpd_method(request),
					   .uri = httpd_path(request),
					   .address = httpd_peer_address(request),
					   .trusted = way->trusted,
					   .sunfish = way->sunfish,
					   .peer_name = httpd_peer_name(request),
					   .header = header_of,
					   .query = query_of,
					   .each_query = each_query_of,
					   .data = request };
	pending->rf.body = httpd_body(request, &pending->rf.length);
	pending->way = *way;
	if (!replace(way->uri, &pending->uri) || !replace(way->body, &pending->body)) {
		free(pending->uri);
		free(pending);
		return NULL;
	}
	if (pending->uri)
		pending->rf.uri = pending->uri;
	if (pending->body) {
		pending->rf.body = pending->body;
		pending->rf.length = strlen(pending->body);
	}
	pending->call.owner = pending;
	pending->next = redfish->pending;
	pending->at = &redfish->pending;
	if (redfish->pending)
		redfish->pending->at = &pending->next;
	redfish->pending = pending;
	return pending;
}

static void pending_free(struct rf_pending *pending)
{
	if (pending->next)
		pending->next->at = pending->at;
	*pending->at = pending->next;
	/* there may be a token in it */
	if (pending->call.answer.body.text)
		explicit_bzero(pending->call.answer.body.text, pending->call.answer.body.length);
	rf_call_deinit(&pending->call);
	free(pending->uri);
	free(pending->body);
	free(pending);
}

static void forget(struct rf_pending *pending)
{
	pending->request = NULL;
	pending->call.request = NULL;
}

/* Nothing has begun: there is nobody to tell of its end. */
static bool drop_asked(struct rf_pending *pending)
{
	if (!pending->is_asked)
		return false;
	accounts_forget(pending->redfish->accounts, pending);
	pending_free(pending);
	return true;
}

static void on_gone(void *user, struct httpd_request *request)
{
	(void)request;
	if (!drop_asked(user))
		forget(user);
}

static void keep(struct rf_pending *pending)
{
	if (!pending->is_kept)
		httpd_request_keep(pending->request, pending, on_gone);
	pending->is_kept = true;
}

static void reply(struct rf_pending *pending)
{
	const struct rf_answer *answer = &pending->call.answer;
	const char *type = answer->type ? answer->type : "application/json";

	if (pending->request && pending->way.finish)
		pending->way.finish(pending->way.data, &pending->rf, &pending->call);
	if (pending->request)
		httpd_reply(pending->request, answer->status, answer->body.length ? type : NULL,
			    str_get(&answer->body), answer->body.length,
			    (const char *const *)answer->headers);
	pending->request = NULL;
}

static int write_call(void *data, struct err *err)
{
	struct rf_pending *pending = data;
	int r;

	/* nobody waits for it: as if it had never come */
	if (!pending->request) {
		pending->is_skipped = true;
		return 0;
	}
	r = rf_service_run(pending->redfish->service, &pending->call, err);
	pending->is_later = r == RF_LATER;
	return r < 0 ? r : 0;
}

/* The transaction failed, and with it what its handler had begun; that may still come back with the
 * call, so it stays. */
static void fail_later(struct rf_pending *pending, int code)
{
	pending->call.code = code;
	rf_service_finish(pending->redfish->service, &pending->call, code);
	reply(pending);
	pending->call.request = NULL;
	rf_answer_deinit(&pending->call.answer);
	rf_problems_deinit(&pending->call.problems);
	pending->call.code = RF_LATER;
}

static void done_call(void *data, int code, const struct err *err)
{
	struct rf_pending *pending = data;

	(void)err;
	pending->is_joined = false;
	if (pending->is_answered) {
		pending_free(pending);
		return;
	}
	if (pending->is_later) {
		if (code < 0)
			fail_later(pending, code);
		return;
	}
	if (!pending->is_skipped) {
		/* what its handler kept of it is gone with the transaction */
		if (code < 0)
			pending->call.code = code;
		rf_service_finish(pending->redfish->service, &pending->call, pending->call.code);
		reply(pending);
	}
	pending_free(pending);
}

static void on_answered(void *data, struct rf_call *call)
{
	struct rf_pending *pending = call->owner;

	(void)data;
	reply(pending);
	if (pending->is_joined)
		pending->is_answered = true;
	else
		pending_free(pending);
}

/* A GET of the stream of events by somebody who has logged in is no document. */
static bool follow(struct rf_pending *pending)
{
	const char *path = httpd_path(pending->request);

	while (path[0] == '/' && path[1] == '/')
		path++;
	if (!pending->redfish->rfevents || strcmp(pending->rf.method, "GET") != 0 ||
	    strcmp(path, RFEVENTS_SSE_URI) != 0 || !pending->call.who.privileges)
		return false;
	rfevents_follow(pending->redfish->rfevents, pending->request, &pending->call.who);
	pending->request = NULL;
	return true;
}

static void begin(struct rf_pending *pending)
{
	struct redfish *redfish = pending->redfish;

	if (redfish->is_behind)
		redfish_flush(redfish);
	if (rf_service_begin(redfish->service, &pending->rf, &pending->call) == 0) {
		if (!follow(pending))
			reply(pending);
		pending_free(pending);
		return;
	}
	keep(pending);
	pending->is_joined = true;
	if (commit_join(redfish->collector->commit, write_call, done_call, pending) < 0)
		done_call(pending, -ENOMEM, NULL);
}

static void on_asked(void *data)
{
	struct rf_pending *pending = data;

	pending->is_asked = false;
	begin(pending);
}

bool redfish_is_path(const char *path)
{
	size_t length = strlen(REDFISH_ROOT);

	while (path[0] == '/' && path[1] == '/')
		path++;
	return strncmp(path, REDFISH_ROOT, length) == 0 && (!path[length] || path[length] == '/');
}

void redfish_request(struct redfish *redfish, struct httpd_request *request,
		     const struct redfish_way *way)
{
	struct rf_pending *pending = pending_new(redfish, request, way);

	if (!pending) {
		httpd_reply(request, 503, NULL, "", 0, NULL);
		return;
	}
	if (accounts_prepare(redfish->accounts, &pending->rf, on_asked, pending) == 0) {
		begin(pending);
		return;
	}
	pending->is_asked = true;
	keep(pending);
}

void redfish_refuse_body(struct httpd_request *request)
{
	CLEANUP_RF_PROBLEMS struct rf_problems problems = RF_PROBLEMS_NULL;
	CLEANUP_JS struct js *body = NULL;
	CLEANUP_FREE char *text = NULL;
	static const char *const headers[] = { "OData-Version: 4.0", "Cache-Control: no-cache",
					       NULL };

	rf_problem_add(&problems, &(struct rf_problem){ .key = "PayloadTooLarge" });
	body = rf_problems_body(&problems);
	text = js_format(body, JS_COMPACT);
	httpd_reply(request, 413, "application/json", text ? text : "", text ? strlen(text) : 0,
		    headers);
}

void redfish_forget_requests(struct redfish *redfish)
{
	struct rf_pending *pending, *next;

	for (pending = redfish->pending; pending; pending = next) {
		next = pending->next;
		if (!drop_asked(pending))
			forget(pending);
	}
	rfevents_forget_streams(redfish->rfevents);
}

/* --- with the collector's commits */

/* Does anybody look, or want to be told? Reports come by the thousand, and to render what they
 * change costs more than to take them. */
static bool is_wanted(const struct redfish *redfish)
{
	return redfish->is_eager || redfish->pending || redfish->sunfish ||
	       rfevents_is_followed(redfish->rfevents);
}

void redfish_flush(struct redfish *redfish)
{
	struct err err = ERR_NULL;

	redfish->is_behind = !is_wanted(redfish);
	if (redfish->is_behind)
		return;
	if (rf_model_flush(redfish->model, &err) < 0 ||
	    (rf_tree_is_touched(redfish->tree) && rf_tree_settle(redfish->tree, &err) < 0))
		log_error("redfish: %s", err.text);
	rfevents_flush(redfish->rfevents);
	rf_act_flush(redfish->act);
}

void redfish_reload(struct redfish *redfish)
{
	accounts_reload(redfish->accounts);
	sessions_reload(redfish->sessions);
	rfevents_reload(redfish->rfevents);
	rf_model_reload(redfish->model);
	rf_act_reload(redfish->act);
	redfish_flush(redfish);
}

/* --- who asks */

static int authenticate(void *data, const struct rf_request *request, struct rf_who *ret,
			struct err *err)
{
	struct redfish *redfish = data;

	/* its listener has looked where it comes from */
	if (request->sunfish) {
		ret->privileges = RF_LOGIN | RF_CONFIGURE_COMPONENTS;
		snprintf(ret->name, sizeof(ret->name), "sunfish");
		return 0;
	}
	return accounts_authenticate(redfish->accounts, request, ret, err);
}

static bool is_own(void *data, const struct rf_who *who, const struct rf_resource *resource)
{
	struct redfish *redfish = data;

	return accounts_is_own(redfish->accounts, who, resource);
}

static void audit(void *data, const struct rf_call *call, unsigned int status)
{
	struct redfish *redfish = data;

	accounts_audit(redfish->accounts, call, status);
}

/* --- life */

/* A UUID that stays with the store: of version 8, "made in the maker's own way". */
static void make_uuid(const char *id, char ret[37])
{
	char hash[DIGEST_TEXT];

	digest_sha256_hex(id, strlen(id), hash);
	snprintf(ret, 37, "%.8s-%.4s-8%.3s-a%.3s-%.12s", hash, hash + 8, hash + 12, hash + 15,
		 hash + 18);
}

static int make_parts(struct redfish *redfish, struct err *err)
{
	const struct rf_hooks hooks = { .authenticate = authenticate,
					.is_own = is_own,
					.audit = audit,
					.answered = on_answered,
					.data = redfish };
	int r;

	redfish->tree = rf_tree_new();
	if (!redfish->tree)
		return err_nomem(err);
	r = rf_service_new(redfish->tree, &hooks, &redfish->service, err);
	if (r == 0)
		rf_service_set_page(redfish->service, (size_t)redfish->conf.page_members);
	if (r == 0)
		r = rf_static_new(redfish, &redfish->fixed, err);
	if (r == 0)
		r = accounts_new(redfish, &redfish->accounts, err);
	if (r == 0)
		r = sessions_new(redfish, &redfish->sessions, err);
	if (r == 0)
		r = rfevents_new(redfish, &redfish->rfevents, err);
	if (r == 0)
		r = rf_model_new(redfish, &redfish->model, err);
	if (r == 0)
		r = rf_act_new(redfish, &redfish->act, err);
	if (r == 0)
		r = sunfish_new(redfish, &redfish->sunfish, err);
	return r;
}

int redfish_new(struct collector *collector, const struct rf_conf *conf, struct redfish **ret,
		struct err *err)
{
	struct redfish *redfish = calloc(1, sizeof(*redfish));
	int r;

	if (!redfish)
		return err_nomem(err);
	redfish->collector = collector;
	redfish->loop = collector->loop;
	redfish->conf = *conf;
	make_uuid(store_id(collector->store), redfish->uuid);
	r = make_parts(redfish, err);
	if (r < 0) {
		redfish_free(redfish);
		return r;
	}
	redfish_flush(redfish);
	rfevents_send(redfish->rfevents, "HeartbeatEvent.RedfishServiceStarted", NULL, RF_ROOT);
	*ret = redfish;
	return 0;
}

void redfish_free(struct redfish *redfish)
{
	if (!redfish)
		return;
	while (redfish->pending)
		pending_free(redfish->pending);
	sunfish_free(redfish->sunfish);
	rf_act_free(redfish->act);
	rf_model_free(redfish->model);
	rfevents_free(redfish->rfevents);
	sessions_free(redfish->sessions);
	accounts_free(redfish->accounts);
	rf_static_free(redfish->fixed);
	rf_service_free(redfish->service);
	rf_tree_free(redfish->tree);
	free(redfish);
}
