/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/sunfish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/sunfish-own.h"
#include "core/log.h"

/* It answers an upload when it has got all of it, one resource after the other. */
#define UPLOAD_MS 1800000
#define TIMEOUT_MS 120000
#define CONNECT_MS 10000
#define BODY_MAX (32u << 20)
#define SOURCES_MAX 1024
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
#define BUNDLE_MS 300	 /* so long is waited for more of what is new */
#define ORIGINS_MAX 8	 /* each costs it a walk through the whole tree */
#define COPY_FAILS_MAX 3 /* then PATCH is not tried until the next start */

#define DOC_UUID "sunfish/uuid"
#define DOC_OFF "sunfish/off"

/* --- what is known is kept */

struct keeping {
	struct sunfish *sunfish;
	char uuid[SUNFISH_UUID_MAX];
	struct httpd_request *request; /* to be answered; NULL none, or it is gone */
};

static int write_uuid(void *data, struct err *err)
{
	const struct keeping *keeping = data;
	struct store *store = keeping->sunfish->redfish->collector->store;

	return *keeping->uuid ? store_doc_put(store, DOC_UUID, keeping->uuid, err)
			      : store_doc_delete(store, DOC_UUID, err);
}

static void done_uuid(void *data, int code, const struct err *err)
{
	struct keeping *keeping = data;

	/* what it cannot keep it finds again by its address */
	if (code < 0 && code != -ECANCELED)
		log_warning("sunfish: the UUID is not kept: %s", err->text);
	if (keeping->request)
		httpd_reply(keeping->request, 200, "application/json", "{}", 2, NULL);
	free(keeping);
}

static void on_keeping_gone(void *user, struct httpd_request *request)
{
	struct keeping *keeping = user;

	(void)request;
	keeping->request = NULL;
}

static void keep(struct sunfish *sunfish, struct httpd_request *request)
{
	struct keeping *keeping = calloc(1, sizeof(*keeping));

	if (!keeping) {
		if (request)
			httpd_reply(request, 200, "application/json", "{}", 2, NULL);
		return;
	}
	keeping->sunfish = sunfish;
	keeping->request = request;
	memcpy(keeping->uuid, sunfish->sm.uuid, sizeof(keeping->uuid));
	if (request)
		httpd_request_keep(request, keeping, on_keeping_gone);
	if (commit_join(sunfish->redfish->collector->commit, write_uuid, done_uuid, keeping) < 0)
		done_uuid(keeping, -ECANCELED, NULL);
}

static int take_doc(void *data, const char *key, const char *text)
{
	char *at = data;

	(void)key;
	snprintf(at, SUNFISH_UUID_MAX, "%s", text);
	return 0;
}

/* --- what waits */

static void on_change(void *data, const struct rf_event *event)
{
	struct sunfish *sunfish = data;
	struct sunfish_note *note;

	if (!sunfish_tree_may(event->uri) || sunfish->sm.state == SUNFISH_OFF || !*sunfish->sm.uuid)
		return;
	note = sunfish_note_find(sunfish, event->uri);
	if (event->change == RF_ADDED) {
		if (note)
			note->gone = false;
		/* the comparison finds it; some time, as more is to come */
		sunfish_sm_doubt(&sunfish->sm);
	} else if (note) {
		note->gone = event->change == RF_REMOVED;
		note->quiet = false;
	} else {
		sunfish_note_add(sunfish, event->uri, event->change == RF_REMOVED, false);
	}
	sunfish_sm_set_waiting(&sunfish->sm, sunfish->n_notes > 0);
	if (!sunfish->sm.running)
		loop_timer_set(sunfish->timer, BUNDLE_MS, 0);
}

/* --- one request at a time */

static int status_of(const struct httpc_reply *reply)
{
	if (reply->code == 0)
		return (int)reply->status;
	/* it was there, and broke off */
	if (reply->code == -ECONNRESET || reply->code == -EPROTO || reply->code == -EMSGSIZE)
		return 0;
	return reply->code;
}

static void end_action(struct sunfish *sunfish, struct sunfish_answer *answer)
{
	char uuid[SUNFISH_UUID_MAX];
	char error[SUNFISH_ERROR_MAX];
	enum sunfish_state before = sunfish->sm.state;

	memcpy(uuid, sunfish->sm.uuid, sizeof(uuid));
	memcpy(error, sunfish->sm.error, sizeof(error));
	sunfish_sm_done(&sunfish->sm, loop_now_ms(sunfish->redfish->loop), answer);
	if (strcmp(uuid, sunfish->sm.uuid) != 0)
		keep(sunfish, NULL);
	if (*sunfish->sm.error && strcmp(error, sunfish->sm.error) != 0) {
		sunfish->error_ms = clock_wall_ms();
		log_warning("sunfish: %s", sunfish->sm.error);
	}
	if (before != sunfish->sm.state && sunfish->sm.state == SUNFISH_UP)
		log_info("sunfish: %s has %zu objects, %zu are missing", sunfish->conf->server,
			 sunfish->taken.count, sunfish->missing.count);
	/* not from here: some actions end within themselves */
	loop_timer_set(sunfish->timer, 0, 0);
}

static void end_with(struct sunfish *sunfish, const struct httpc_reply *reply)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct sunfish_answer answer = { .status = status_of(reply) };

	if (reply->code < 0)
		str_add_clean(&text, reply->error);
	else if (reply->status >= 300 && reply->body[0] != '<')
		str_add_clean(&text, reply->body);
	answer.text = str_get(&text);
	end_action(sunfish, &answer);
}

static void on_reply(void *data, const struct httpc_reply *reply)
{
	struct sunfish *sunfish = data;

	sunfish->done(sunfish, reply);
}

/* @body  NULL none */
static void ask(struct sunfish *sunfish, const char *method, const char *path, const char *body,
		unsigned int timeout_ms,
		void (*done)(struct sunfish *sunfish, const struct httpc_reply *reply))
{
	CLEANUP_STR struct str url = STR_NULL;
	struct err err = ERR_NULL;
	struct httpc_request request = { .method = method,
					 .body = body,
					 .length = body ? strlen(body) : 0,
					 .timeout_ms = timeout_ms,
					 .body_max = BODY_MAX };
	int r;

	str_addf(&url, "%s%s", sunfish->conf->server, path);
	request.url = str_get(&url);
	sunfish->done = done;
	r = url.failed ? err_nomem(&err)
		       : httpc_start(sunfish->httpc, &request, on_reply, sunfish, NULL, &err);
	/* not from here: the caller is in the middle of something */
	if (r < 0) {
		sunfish->sm.running = false;
		sunfish->sm.next_ms = loop_now_ms(sunfish->redfish->loop) + RETRY_MIN_MS;
		sunfish->sm.doubt = *sunfish->sm.uuid;
		log_warning("sunfish: %s", err.text);
	}
}

static void ask_js(struct sunfish *sunfish, const char *method, const char *path,
		   struct js *take_body, unsigned int timeout_ms,
		   void (*done)(struct sunfish *sunfish, const struct httpc_reply *reply))
{
	CLEANUP_JS struct js *body = take_body;
	CLEANUP_FREE char *text = js_format(body, JS_COMPACT);

	ask(sunfish, method, path, text ? text : "{}", timeout_ms, done);
}

static void send_event(struct sunfish *sunfish, const char *what, const char *const *args,
		       const char *const *uris, size_t n_uris, unsigned int timeout_ms)
{
	const char *context = sunfish->sm.uuid;

	sunfish->events++;
	sunfish->event_ms = clock_wall_ms();
	snprintf(sunfish->event, sizeof(sunfish->event), "%s", what);
	ask_js(sunfish, "POST", "/EventListener", sunfish_event(what, context, args, uris, n_uris),
	       timeout_ms, end_with);
}

/* --- the search for our source */

static const char *text_at(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}

static void end_search(struct sunfish *sunfish, const char *uuid, bool moved)
{
	struct sunfish_answer answer = { .status = 200, .uuid = uuid, .moved = moved };

	end_action(sunfish, &answer);
}

static void next_member(struct sunfish *sunfish);

/* With another store we had another name: who is reached where we are is nobody else, though. */
static bool is_own_source(const struct sunfish *sunfish, const struct js *doc, bool *ret_here)
{
	static const char made[] = SUNFISH_METHODS "/NVMeoF-";
	const char *method = text_at(js_get(js_get(doc, "Links"), "ConnectionMethod"), "@odata.id");

	*ret_here = strcmp(text_at(doc, "HostName"), sunfish->conf->url) == 0;
	if (strcmp(method, sunfish->method_uri) == 0)
		return *ret_here || sunfish->own_name;
	return *ret_here && sunfish->own_name && strncmp(method, made, strlen(made)) == 0;
}

static void on_member(struct sunfish *sunfish, const struct httpc_reply *reply)
{
	CLEANUP_JS struct js *doc = NULL;
	const char *id;
	bool here;

	if (reply->code < 0) {
		end_with(sunfish, reply);
		return;
	}
	if (reply->status == 200 && js_parse(reply->body, reply->length, &doc, NULL) == 0) {
		id = text_at(doc, "Id");
		if (is_own_source(sunfish, doc, &here) && *id &&
		    strlen(id) < sizeof(sunfish->found)) {
			snprintf(sunfish->found, sizeof(sunfish->found), "%s", id);
			end_search(sunfish, sunfish->found, !here);
			return;
		}
	}
	next_member(sunfish);
}

static void next_member(struct sunfish *sunfish)
{
	if (sunfish->member == sunfish->members.count)
		end_search(sunfish, NULL, false);
	else
		ask(sunfish, "GET", sunfish->members.items[sunfish->member++], NULL, TIMEOUT_MS,
		    on_member);
}

static void on_members(struct sunfish *sunfish, const struct httpc_reply *reply)
{
	CLEANUP_JS struct js *doc = NULL;
	const struct js *members;
	size_t i;

	if (reply->code == 0 && reply->status == 404) {
		end_search(sunfish, NULL, false);
		return;
	}
	if (reply->code < 0 || reply->status != 200 ||
	    js_parse(reply->body, reply->length, &doc, NULL) < 0) {
		end_with(sunfish, reply);
		return;
	}
	sunfish_list_deinit(&sunfish->members);
	sunfish->member = 0;
	members = js_get(doc, "Members");
	for (i = 0; i < js_length(members) && i < SOURCES_MAX; i++) {
		const char *uri = text_at(js_at(members, i), "@odata.id");

		if (strncmp(uri, SUNFISH_SOURCES "/", strlen(SUNFISH_SOURCES) + 1) == 0 &&
		    !uri[strcspn(uri, " \"\\\t\r\n?#")])
			sunfish_list_add(&sunfish->members, uri);
	}
	next_member(sunfish);
}

/* --- what it has */

static void take_taken(struct sunfish *sunfish, const struct js *array)
{
	struct sunfish_list taken = { 0 };
	char uri[RF_URI_MAX];
	size_t i;

	for (i = 0; i < js_length(array); i++) {
		const struct js *one = js_at(array, i);
		const char *text = js_text(one) ? js_text(one) : text_at(one, "@odata.id");

		if (sunfish_tree_uri(text, sunfish->sm.uuid, uri))
			sunfish_list_add(&taken, uri);
	}
	sunfish_list_sort(&taken);
	sunfish_list_deinit(&sunfish->taken);
	sunfish->taken = taken;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void compare(struct sunfish *sunfish)
{
	struct rf_tree *tree = sunfish->redfish->tree;
	CLEANUP_SUNFISH_LIST struct sunfish_list mine = { 0 };
	size_t i;

	sunfish_tree_list(tree, &mine);
	sunfish_list_deinit(&sunfish->missing);
	sunfish_list_without(&mine, &sunfish->taken, &sunfish->missing);
	sunfish_list_deinit(&sunfish->stale);
	for (i = 0; i < sunfish->taken.count; i++) {
		const char *uri = sunfish->taken.items[i];

		if (!sunfish_tree_has(tree, uri) && !ends_with(uri, SUNFISH_MARKER) &&
		    sunfish_tree_may(uri))
			sunfish_list_add(&sunfish->stale, uri);
	}
}

static bool has_collection(const struct sunfish *sunfish, const char *uri)
{
	const struct rf_resource *resource = rf_tree_find(sunfish->redfish->tree, uri);
	size_t i;

	for (i = 0; resource && i < rf_resource_child_count(resource); i++)
		if (rf_resource_class(rf_resource_child_at(resource, i))->collection)
			return true;
	return false;
}

/* What it had before we were started may be old; and after an upload the links to collections are
 * wrong, each leads to the root. */
static void refresh(struct sunfish *sunfish)
{
	bool empty = !sunfish->n_notes;
	size_t i;

	for (i = 0; i < sunfish->taken.count && sunfish->conf->marker_port; i++) {
		const char *uri = sunfish->taken.items[i];
		bool gone = !sunfish_tree_has(sunfish->redfish->tree, uri);

		if (!sunfish_tree_may(uri) || ends_with(uri, SUNFISH_MARKER) ||
		    (!sunfish->refresh_all && !has_collection(sunfish, uri)) ||
		    (!empty && sunfish_note_find(sunfish, uri)))
			continue;
		sunfish_note_add(sunfish, uri, gone, true);
	}
	sunfish->refresh_all = false;
	sunfish->refresh_parents = false;
	sunfish_sm_set_waiting(&sunfish->sm, sunfish->n_notes > 0);
}

static void on_source(struct sunfish *sunfish, const struct httpc_reply *reply)
{
	struct sunfish_answer answer = { .status = status_of(reply) };
	CLEANUP_JS struct js *doc = NULL;

	if (answer.status != 200 || js_parse(reply->body, reply->length, &doc, NULL) < 0) {
		end_with(sunfish, reply);
		return;
	}
	take_taken(sunfish, js_get(js_get(doc, "Links"), "ResourcesAccessed"));
	compare(sunfish);
	answer.missing = sunfish->missing.count;
	answer.moved = strcmp(text_at(doc, "HostName"), sunfish->conf->url) != 0;
	if (!answer.missing && (sunfish->refresh_all || sunfish->refresh_parents))
		refresh(sunfish);
	end_action(sunfish, &answer);
}

/* --- actions */

static void act_register(struct sunfish *sunfish)
{
	const char *args[] = { "Redfish", sunfish->conf->url, NULL };
	const char *uri = sunfish->method_uri;

	log_info("sunfish: registering at %s as %s", sunfish->conf->server, sunfish->conf->url);
	sunfish->refresh_all = false;
	sunfish_notes_free(sunfish);
	sunfish_sm_set_waiting(&sunfish->sm, false);
	send_event(sunfish, "AggregationSourceDiscovered", args, &uri, 1, TIMEOUT_MS);
}

static bool is_below_any(const char *uri, const char *const *origins, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		size_t length = strlen(origins[i]);

		if (strncmp(uri, origins[i], length) == 0 && uri[length] == '/')
			return true;
	}
	return false;
}

/* A Fabric leads it to all that is linked; what is missing then is named by itself. */
static void act_upload(struct sunfish *sunfish)
{
	const char *origins[ORIGINS_MAX];
	size_t count = 0;
	size_t i;

	compare(sunfish);
	for (i = 0; i < sunfish->missing.count && count < ORIGINS_MAX; i++)
		if (sunfish_tree_is_fabric(sunfish->missing.items[i]))
			origins[count++] = sunfish->missing.items[i];
	if (!count)
		for (i = 0; i < sunfish->missing.count && count < ORIGINS_MAX; i++)
			if (!is_below_any(sunfish->missing.items[i], origins, count))
				origins[count++] = sunfish->missing.items[i];
	if (count) {
		sunfish->refresh_parents = true;
		send_event(sunfish, "ResourceCreated", NULL, origins, count, UPLOAD_MS);
		return;
	}
	end_action(sunfish, &(struct sunfish_answer){ .status = 200 });
}

static void tell_event(struct sunfish *sunfish)
{
	char uri[RF_URI_MAX];
	const char *at = uri;
	bool gone = sunfish->notes[0].gone;
	bool quiet = sunfish->notes[0].quiet;

	snprintf(uri, sizeof(uri), "%s", sunfish->notes[0].uri);
	sunfish_note_drop(sunfish);
	sunfish_sm_set_waiting(&sunfish->sm, sunfish->n_notes > 0);
	if (quiet)
		end_action(sunfish, &(struct sunfish_answer){ .status = 200 });
	else
		send_event(sunfish, gone ? "ResourceRemoved" : "ResourceChanged", NULL, &at, 1,
			   TIMEOUT_MS);
}

static void on_copied(struct sunfish *sunfish, const struct httpc_reply *reply)
{
	if (reply->code < 0) {
		/* it goes on with this one when the server is back */
		if (status_of(reply) < 0) {
			end_with(sunfish, reply);
			return;
		}
		sunfish->copy_failed++;
	} else if (reply->status >= 200 && reply->status < 300) {
		sunfish->copies++;
		sunfish->copy_failed = 0;
	} else if (reply->status >= 500) {
		sunfish->copy_failed++;
	}
	if (sunfish->copy_failed == COPY_FAILS_MAX) {
		sunfish->no_copy = true;
		log_notice("sunfish: %s does not pass changes on: its copies stay old until "
			   "\"sunfishctl sunfish tidy\"",
			   sunfish->conf->server);
	}
	tell_event(sunfish);
}

/* Its copy first, by a PATCH that comes back to us and that we answer with what there is; then the
 * event, so that who hears of it reads what is true. */
static void act_tell(struct sunfish *sunfish)
{
	struct js *body;

	if (!sunfish->n_notes) {
		sunfish_sm_set_waiting(&sunfish->sm, false);
		end_action(sunfish, &(struct sunfish_answer){ .status = 200 });
		return;
	}
	if (!sunfish->conf->marker_port || sunfish->no_copy) {
		tell_event(sunfish);
		return;
	}
	body = js_object();
	js_set(body, "@odata.id", js_string(sunfish->notes[0].uri));
	ask_js(sunfish, "PATCH", sunfish->notes[0].uri, body, TIMEOUT_MS, on_copied);
}

static void act_move(struct sunfish *sunfish)
{
	struct js *body = js_object();

	js_set(body, "HostName", js_string(sunfish->conf->url));
	ask_js(sunfish, "PATCH", sunfish_owner(sunfish), body, TIMEOUT_MS, end_with);
}

/* --- several steps */

static void next_step(struct sunfish *sunfish);

static void on_step(struct sunfish *sunfish, const struct httpc_reply *reply)
{
	const struct sunfish_step *step = &sunfish->steps[sunfish->step++];
	int status = status_of(reply);
	bool failed = status != 404 && (status < 200 || status >= 300);

	/* of what is not its own resource it says nothing: collections, which go by themselves */
	if (failed && !sunfish->steps_status && (status != 0 || step->is_last)) {
		sunfish->steps_status = status ? status : -EPROTO;
		log_warning("sunfish: %s %s: %d %s", step->method, step->path, status,
			    reply->error);
	}
	/* not there any more: no use to ask on */
	if (status < 0)
		sunfish->step = sunfish->n_steps;
	next_step(sunfish);
}

static void next_step(struct sunfish *sunfish)
{
	const struct sunfish_step *step = &sunfish->steps[sunfish->step];
	struct sunfish_answer answer = { .status = 200 };

	if (sunfish->step < sunfish->n_steps) {
		ask(sunfish, step->method, step->path, step->body, TIMEOUT_MS, on_step);
		return;
	}
	if (sunfish->steps_status)
		answer.status = sunfish->steps_status;
	sunfish_steps_free(sunfish);
	if (sunfish->sm.act == SUNFISH_ACT_LEAVE && answer.status == 200) {
		sunfish_list_deinit(&sunfish->taken);
		sunfish_list_deinit(&sunfish->missing);
		sunfish_notes_free(sunfish);
	}
	end_action(sunfish, &answer);
}

static void act_steps(struct sunfish *sunfish, int (*make)(struct sunfish *sunfish))
{
	sunfish_owner(sunfish);
	if (make(sunfish) < 0) {
		sunfish_steps_free(sunfish);
		end_action(sunfish,
			   &(struct sunfish_answer){ .status = -ENOMEM, .text = "out of memory" });
		return;
	}
	next_step(sunfish);
}

static void act(struct sunfish *sunfish, enum sunfish_act what)
{
	switch (what) {
	case SUNFISH_ACT_SEARCH:
		ask(sunfish, "GET", SUNFISH_SOURCES, NULL, TIMEOUT_MS, on_members);
		break;
	case SUNFISH_ACT_REGISTER:
		act_register(sunfish);
		break;
	case SUNFISH_ACT_RESTORE:
		ask_js(sunfish, "POST", SUNFISH_SOURCES, sunfish_source(sunfish, sunfish->sm.lost),
		       TIMEOUT_MS, end_with);
		break;
	case SUNFISH_ACT_UPLOAD:
		act_upload(sunfish);
		break;
	case SUNFISH_ACT_LOOK:
		ask(sunfish, "GET", sunfish_owner(sunfish), NULL, TIMEOUT_MS, on_source);
		break;
	case SUNFISH_ACT_MOVE:
		act_move(sunfish);
		break;
	case SUNFISH_ACT_TELL:
		act_tell(sunfish);
		break;
	case SUNFISH_ACT_TIDY:
		act_steps(sunfish, sunfish_steps_tidy);
		break;
	case SUNFISH_ACT_LEAVE:
		act_steps(sunfish, sunfish_steps_leave);
		break;
	}
}

static void go(struct sunfish *sunfish)
{
	int64_t now = loop_now_ms(sunfish->redfish->loop);
	enum sunfish_act what;
	int64_t next;

	if (sunfish_sm_next(&sunfish->sm, now, &what))
		act(sunfish, what);
	next = sunfish_sm_next_ms(&sunfish->sm);
	if (next == INT64_MAX)
		loop_timer_stop(sunfish->timer);
	else
		loop_timer_set(sunfish->timer, next > now ? next - now : 0, 0);
}

static void on_timer(void *data)
{
	go(data);
}

const char *sunfish_owner(const struct sunfish *sunfish)
{
	struct sunfish *own = (struct sunfish *)sunfish;

	snprintf(own->owner, sizeof(own->owner), SUNFISH_SOURCES "/%s", sunfish->sm.uuid);
	if (!*sunfish->sm.uuid)
		*own->owner = '\0';
	return *sunfish->owner ? sunfish->owner : NULL;
}

void sunfish_told(struct sunfish *sunfish, const char *uuid, struct httpd_request *request)
{
	if (!sunfish_sm_told(&sunfish->sm, loop_now_ms(sunfish->redfish->loop), uuid)) {
		httpd_reply(request, 200, "application/json", "{}", 2, NULL);
		return;
	}
	log_info("sunfish: registered as %s", uuid);
	sunfish->no_copy = false;
	sunfish->copy_failed = 0;
	sunfish_list_deinit(&sunfish->taken);
	keep(sunfish, request);
	loop_timer_set(sunfish->timer, 0, 0);
}

/* --- life */

static void make_name(struct sunfish *sunfish)
{
	const struct redfish *redfish = sunfish->redfish;

	sunfish->own_name = !*sunfish->conf->name;
	if (sunfish->own_name)
		snprintf(sunfish->name, sizeof(sunfish->name), "NVMeoF-%.36s", redfish->uuid);
	else
		snprintf(sunfish->name, sizeof(sunfish->name), "%s", sunfish->conf->name);
	snprintf(sunfish->method_uri, sizeof(sunfish->method_uri), SUNFISH_METHODS "/%s",
		 sunfish->name);
}

static int start(struct sunfish *sunfish, struct err *err)
{
	struct collector *collector = sunfish->redfish->collector;
	struct sunfish_sm_config config = {
		.heartbeat_ms = sunfish->conf->heartbeat_seconds * 1000,
		.retry_min_ms = RETRY_MIN_MS,
		.retry_max_ms = RETRY_MAX_MS,
		.seed = (uint64_t)clock_wall_ms() * 2654435761u,
	};
	const struct httpc_config http = {
		.ca_file = *sunfish->conf->ca ? sunfish->conf->ca : NULL,
		.connect_timeout_ms = CONNECT_MS,
		.stays = true,
	};
	char uuid[SUNFISH_UUID_MAX] = "";
	char off[SUNFISH_UUID_MAX] = "";
	int r = store_doc_each(collector->store, DOC_UUID, take_doc, uuid, err);

	if (r == 0)
		r = store_doc_each(collector->store, DOC_OFF, take_doc, off, err);
	if (r == 0)
		r = httpc_new(collector->loop, &http, &sunfish->httpc, err);
	if (r == 0)
		r = loop_add_timer(collector->loop, on_timer, sunfish, &sunfish->timer, err);
	if (r == 0)
		r = sunfish_listen(sunfish, err);
	if (r == 0 && rf_tree_watch(sunfish->redfish->tree, on_change, sunfish) < 0)
		r = err_set(err, -ENOSPC, "too many watch the tree");
	if (r < 0)
		return r;
	sunfish_sm_init(&sunfish->sm, &config, uuid, *off);
	sunfish->refresh_all = true;
	if (sunfish->sm.state != SUNFISH_OFF)
		loop_timer_set(sunfish->timer, 0, 0);
	return 0;
}

int sunfish_new(struct redfish *redfish, struct sunfish **ret, struct err *err)
{
	struct sunfish *sunfish;
	int r;

	if (!*redfish->collector->setup.sunfish.server) {
		*ret = NULL;
		return 0;
	}
	sunfish = calloc(1, sizeof(*sunfish));
	if (!sunfish)
		return err_nomem(err);
	sunfish->redfish = redfish;
	sunfish->conf = &redfish->collector->setup.sunfish;
	make_name(sunfish);
	r = start(sunfish, err);
	if (r < 0) {
		err_prefix(err, "sunfish: ");
		sunfish_free(sunfish);
		return r;
	}
	*ret = sunfish;
	return 0;
}

void sunfish_free(struct sunfish *sunfish)
{
	if (!sunfish)
		return;
	httpd_free(sunfish->httpd);
	httpc_free(sunfish->httpc);
	loop_source_free(sunfish->timer);
	sunfish_notes_free(sunfish);
	free(sunfish->notes);
	sunfish_steps_free(sunfish);
	sunfish_list_deinit(&sunfish->members);
	sunfish_list_deinit(&sunfish->missing);
	sunfish_list_deinit(&sunfish->stale);
	sunfish_list_deinit(&sunfish->taken);
	free(sunfish);
}
