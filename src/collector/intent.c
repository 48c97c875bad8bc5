/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/intent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/filter.h"
#include "collector/intent-own.h"
#include "core/log.h"

#define KEY "intent/"
#define ROUNDS_MAX 16 /* of one step: a machine that never rests is broken */

/* --- one of them */

static void free_one(struct intent *intent)
{
	if (!intent)
		return;
	free(intent->nqn);
	free(intent->target);
	free(intent->target_name);
	free(intent->job);
	free(intent->host);
	free(intent->host_name);
	free(intent->hostnqn);
	js_free(intent->steps);
	js_free(intent->request);
	js_free(intent->before);
	free(intent);
}

static struct intent *new_one(bool is_export)
{
	struct intent *intent = calloc(1, sizeof(*intent));

	if (!intent)
		return NULL;
	intent->is_export = is_export;
	intent->timeout_ms = INTENT_TIMEOUT_MS;
	intent->due_ms = intent->lease_due_ms = intent->note_due_ms = INT64_MAX;
	intent->steps = js_array();
	return intent;
}

static int put(struct intents *intents, struct intent *intent)
{
	struct intent **items =
		reallocarray(intents->items, intents->count + 1, sizeof(struct intent *));

	if (!items)
		return -ENOMEM;
	intents->items = items;
	items[intents->count++] = intent;
	return 0;
}

struct intent *intent_add(struct intents *intents, bool is_export)
{
	struct intent *intent = new_one(is_export);

	if (!intent || put(intents, intent) < 0) {
		free_one(intent);
		return NULL;
	}
	snprintf(intent->id, sizeof(intent->id), "%c-%" PRIu64, is_export ? 'e' : 'a',
		 intents->next++);
	intent->created_ms = intent->changed_ms = clock_wall_ms();
	return intent;
}

void intent_drop(struct intents *intents, struct intent *intent)
{
	size_t i = 0;

	while (intents->items[i] != intent)
		i++;
	memmove(&intents->items[i], &intents->items[i + 1],
		(intents->count - i - 1) * sizeof(struct intent *));
	intents->count--;
	free_one(intent);
}

struct intent *intent_find(const struct intents *intents, const char *id)
{
	size_t i;

	for (i = 0; i < intents->count; i++)
		if (strcmp(intents->items[i]->id, id) == 0)
			return intents->items[i];
	return NULL;
}

static bool is_export_over(const struct intent *intent)
{
	return intent->phase == INTENT_EXPORT_FAILED || intent->phase == INTENT_EXPORT_DELETED;
}

bool intent_is_over(const struct intent *intent)
{
	return intent->is_export ? is_export_over(intent) : intent_plan_is_done(&intent->plan);
}

int intent_set_text(char **at, const char *text, struct err *err)
{
	char *copy = strdup(text);

	if (!copy)
		return err_nomem(err);
	free(*at);
	*at = copy;
	return 0;
}

int intent_take_timeout(struct intent *intent, const struct js *body, struct err *err)
{
	const struct js *js = js_get(body, "timeout_ms");
	int64_t ms = js_number(js, 0);

	if (!js)
		return 0;
	if (js_type(js) != JS_INT || ms < 1 || ms > INTENT_TIMEOUT_MAX_MS)
		return err_set(err, -EINVAL, "\"timeout_ms\" must be from 1 to %d",
			       INTENT_TIMEOUT_MAX_MS);
	intent->timeout_ms = ms;
	return 0;
}

void intent_begin_hop(const struct intents *intents, struct intent *intent)
{
	intent->due_ms = collector_now_ms(intents->collector) + intent->timeout_ms;
	intent->is_late = false;
}

void intent_stop_time(const struct intents *intents, struct intent *intent)
{
	if (collector_now_ms(intents->collector) >= intent->due_ms)
		intent_begin_hop(intents, intent);
}

bool intent_look_at_time(const struct intents *intents, struct intent *intent)
{
	if (collector_now_ms(intents->collector) >= intent->due_ms) {
		intent->due_ms = INT64_MAX;
		intent->is_late = true;
	}
	return intent->is_late;
}

void intent_tell_step(struct intent *intent, const char *hop, const char *state, const char *text)
{
	struct js *step = js_object();

	js_set(step, "hop", js_string(hop));
	js_set(step, "state", js_string(state));
	js_set(step, "time", js_int(clock_wall_ms()));
	js_set(step, "text", js_string(text));
	/* of an intent that fails again and again the first ones tell enough */
	if (js_length(intent->steps) < INTENT_STEPS_KEPT)
		js_append(intent->steps, step);
	else
		js_free(step);
}

/* --- what helpers say */

bool intent_is_unsure(const struct registry_source *source)
{
	return source && *source->boot && ((!source->online && !source->lost) || source->resync);
}

static enum intent_peer peer_of(const struct registry_source *source)
{
	if (!source || !*source->boot)
		return INTENT_SILENT;
	return source->online ? INTENT_ONLINE : INTENT_LOST;
}

struct intent_side intent_hear(const struct registry_source *source, const struct intent *intent,
			       enum intent_want want, struct js **keep)
{
	struct intent_side side = { .peer = peer_of(source), .error = "" };
	const struct registry_object *object =
		source ? registry_object_find(source, "intent", intent->id) : NULL;
	const char *state;

	if (!object || want == INTENT_NOTHING)
		return side;
	*keep = registry_object_attrs(object);
	if (js_is_true(js_get(*keep, "absent")) != (want == INTENT_ABSENT))
		return side;
	state = js_text(js_get(*keep, "state"));
	side.word = !state			   ? INTENT_NO_WORD
		    : strcmp(state, "done") == 0   ? INTENT_DONE
		    : strcmp(state, "failed") == 0 ? INTENT_FAILED
						   : INTENT_WORKING;
	if (js_text(js_get(*keep, "error")))
		side.error = js_text(js_get(*keep, "error"));
	return side;
}

/* --- documents */

struct js *intent_format(const struct intent *intent)
{
	struct js *js = js_object();

	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "id", js_string(intent->id));
	if (intent->is_export)
		intent_export_format(intent, js);
	else
		intent_attach_format(intent, js);
	js_set(js, "created", js_int(intent->created_ms));
	js_set(js, "changed", js_int(intent->changed_ms));
	js_set(js, "timeout_ms", js_int(intent->timeout_ms));
	js_set(js, "steps", js_ref(intent->steps));
	return js;
}

/* All of them in the same moment, so that it is one transaction. */
static int64_t next_note(int64_t now)
{
	return (now / INTENT_NOTE_MS + 1) * INTENT_NOTE_MS;
}

static void add_lease(struct intents *intents, struct intent *intent, struct js *js)
{
	int64_t now = collector_now_ms(intents->collector);
	int64_t left = intent->lease_due_ms > now ? intent->lease_due_ms - now : 0;
	struct term_moment moment;

	js_set(js, "lease_ms", js_int(intent->lease_ms));
	if (!intent->lease_ms)
		return;
	term_moment_now(&moment);
	js_set(js, "lease_left", js_int(left));
	js_set(js, "lease_noted", term_moment_encode(&moment));
	intent->note_due_ms = next_note(now);
}

/* The same with what only the collector needs. */
static struct js *format_stored(struct intents *intents, struct intent *intent)
{
	struct js *js = intent_format(intent);

	js_set(js, "target_id", js_string(intent->target));
	if (intent->is_export) {
		js_set(js, "force", js_bool(intent->force));
	} else {
		js_set(js, "host_id", js_string(intent->host));
		js_set(js, "default_hostnqn", js_bool(intent->is_default_hostnqn));
		add_lease(intents, intent, js);
		js_set(js, "plan", intent_plan_encode(&intent->plan));
	}
	return js;
}

static int parse_stored(const struct js *js, struct intent *intent, struct err *err)
{
	const char *id = js_text(js_get(js, "id"));
	const char *target = js_text(js_get(js, "target_id"));
	int r;

	if (!id || strlen(id) >= sizeof(intent->id) || !target)
		return err_set(err, -EINVAL, "a stored intent has no id, or no target");
	snprintf(intent->id, sizeof(intent->id), "%s", id);
	intent->is_export = id[0] == 'e';
	intent->created_ms = js_number(js_get(js, "created"), 0);
	intent->changed_ms = js_number(js_get(js, "changed"), 0);
	intent->timeout_ms = js_number(js_get(js, "timeout_ms"), INTENT_TIMEOUT_MS);
	js_free(intent->steps);
	intent->steps = js_ref(js_get(js, "steps"));
	r = intent_set_text(&intent->target, target, err);
	if (r == 0)
		r = intent->is_export ? intent_export_parse(js, intent, err)
				      : intent_attach_parse(js, intent, err);
	return r;
}

static int save(struct intents *intents, struct intent *intent, struct err *err)
{
	CLEANUP_JS struct js *js = format_stored(intents, intent);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	char key[sizeof(KEY) + INTENT_ID_MAX];

	if (!text)
		return err_nomem(err);
	snprintf(key, sizeof(key), KEY "%s", intent->id);
	return store_doc_put(intents->collector->store, key, text, err);
}

static int forget(struct intents *intents, struct intent *intent, struct err *err)
{
	char key[sizeof(KEY) + INTENT_ID_MAX];
	int r;

	snprintf(key, sizeof(key), KEY "%s", intent->id);
	r = store_doc_delete(intents->collector->store, key, err);
	if (r == 0)
		intent_drop(intents, intent);
	return r;
}

void intent_abort(struct intents *intents, struct intent *intent)
{
	struct registry *registry = intents->collector->registry;

	if (intent->target)
		registry_want(registry, intent->target, REPORT_TARGET, intent->id, NULL, NULL);
	if (intent->host)
		registry_want(registry, intent->host, REPORT_INITIATOR, intent->id, NULL, NULL);
	if (forget(intents, intent, NULL) < 0)
		intent_drop(intents, intent);
}

/* Only so many that ended are kept. */
static int forget_old(struct intents *intents, struct err *err)
{
	size_t n_over = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < intents->count; i++)
		n_over += intent_is_over(intents->items[i]);
	for (i = 0; r == 0 && n_over > INTENT_OVER_KEPT && i < intents->count;) {
		if (!intent_is_over(intents->items[i])) {
			i++;
			continue;
		}
		r = forget(intents, intents->items[i], err);
		n_over--;
	}
	return r;
}

/* --- going on */

static const char *last_text(const struct intent *intent)
{
	size_t n = js_length(intent->steps);
	const char *text = n ? js_text(js_get(js_at(intent->steps, n - 1), "text")) : NULL;

	return text ? text : "";
}

static int set_wants(struct intents *intents, struct intent *intent, struct err *err)
{
	intent->is_new_to = false;
	return intent->is_export ? intent_export_wants(intents, intent, err)
				 : intent_attach_wants(intents, intent, err);
}

static int tell(struct intents *intents, struct intent *intent, struct err *err)
{
	const char *type = intent->is_told ? "changed" : "added";
	CLEANUP_JS struct js *js = NULL;
	int r;

	intent->is_told = true;
	intent->changed_ms = clock_wall_ms();
	js = intent_format(intent);
	r = save(intents, intent, err);
	if (r == 0)
		r = events_add_own(intents->collector->events, type,
				   intent->is_export ? "export" : "attachment", intent->id,
				   last_text(intent), js, err);
	return r < 0 ? r : set_wants(intents, intent, err);
}

static void set_timer(struct intents *intents);

int intent_step(struct intents *intents, struct intent *intent, struct err *err)
{
	bool any = false;
	bool changed = true;
	unsigned int round;
	int r = 0;

	intent->is_dirty = false;
	for (round = 0; r == 0 && changed && round < ROUNDS_MAX; round++) {
		changed = false;
		r = intent->is_export ? intent_export_step(intents, intent, &changed, err)
				      : intent_attach_step(intents, intent, &changed, err);
		any = any || changed;
	}
	if (r == 0 && any)
		r = tell(intents, intent, err);
	else if (r == 0 && collector_now_ms(intents->collector) >= intent->note_due_ms)
		r = save(intents, intent, err);
	if (r == 0 && intent->is_new_to)
		r = set_wants(intents, intent, err);
	if (r == 0 && any && intent_is_over(intent))
		r = forget_old(intents, err);
	set_timer(intents);
	return r;
}

int intent_touch(struct intents *intents, struct intent *intent, struct err *err)
{
	int r = tell(intents, intent, err);

	return r < 0 ? r : intent_step(intents, intent, err);
}

static int write_dirty(void *data, struct err *err)
{
	struct intents *intents = data;
	size_t i;
	int r = 0;

	intents->has_joined = false;
	/* from the end: one that is forgotten is before or at where we are */
	for (i = intents->count; r == 0 && i-- > 0;) {
		if (i < intents->count && intents->items[i]->is_dirty)
			r = intent_step(intents, intents->items[i], err);
	}
	return r;
}

/* Also if the transaction was not even begun. */
static void done_dirty(void *data, int code, const struct err *err)
{
	struct intents *intents = data;

	(void)code, (void)err;
	intents->has_joined = false;
}

static void join(struct intents *intents)
{
	if (!intents->has_joined)
		intents->has_joined = commit_join(intents->collector->commit, write_dirty,
						  done_dirty, intents) == 0;
}

/* Helpers report much that moves no intent. */
static bool is_about_intents(const char *kind)
{
	static const char *const kinds[] = { "intent",	   "allowed", "session", "subsystem",
					     "controller", "device",  "node",	 "namespace" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

int intent_on_event(void *data, const struct store_event *event, struct err *err)
{
	struct intents *intents = data;
	bool is_namespace = strcmp(event->kind, "namespace") == 0;
	bool any = false;
	size_t i;

	(void)err;
	if (!is_about_intents(event->kind))
		return 0;
	for (i = 0; i < intents->count; i++) {
		struct intent *intent = intents->items[i];
		const char *node =
			strcmp(event->kind, "node") == 0 ? event->object_id : event->node;

		if (intent_is_over(intent) || (strcmp(intent->target, node) != 0 &&
					       (!intent->host || strcmp(intent->host, node) != 0)))
			continue;
		/* only what is extended waits for one */
		if (is_namespace && !intent->before)
			continue;
		intent->is_dirty = true;
		intent->is_new_to |=
			strcmp(event->kind, "node") == 0 && strcmp(event->type, "added") == 0;
		any = true;
	}
	/* later in this transaction, when all of it is in the registry */
	if (any)
		join(intents);
	return 0;
}

/* --- time */

static int64_t next_moment(const struct intent *intent)
{
	int64_t next =
		intent->due_ms < intent->lease_due_ms ? intent->due_ms : intent->lease_due_ms;

	if (intent_is_over(intent))
		return INT64_MAX;
	return intent->note_due_ms < next ? intent->note_due_ms : next;
}

static void set_timer(struct intents *intents)
{
	int64_t now = collector_now_ms(intents->collector);
	int64_t next = INT64_MAX;
	size_t i;

	for (i = 0; i < intents->count; i++)
		if (next_moment(intents->items[i]) < next)
			next = next_moment(intents->items[i]);
	if (next == INT64_MAX)
		loop_timer_stop(intents->timer);
	else
		loop_timer_set(intents->timer, next > now ? next - now : 0, 20);
}

static void on_timer(void *data)
{
	struct intents *intents = data;
	int64_t now = collector_now_ms(intents->collector);
	size_t i;

	for (i = 0; i < intents->count; i++)
		if (next_moment(intents->items[i]) <= now)
			intents->items[i]->is_dirty = true;
	join(intents);
}

/* --- life */

struct loading {
	struct intents *intents;
	struct err *err;
};

/* A document that cannot be read is told and left alone: the others go on. */
static int load_one(void *data, const char *key, const char *text)
{
	const struct loading *loading = data;
	CLEANUP_JS struct js *js = NULL;
	struct intent *intent = new_one(false);
	struct err why = ERR_NULL;
	const char *number = strchr(key, '-');
	uint64_t value;
	int r = intent ? js_parse(text, strlen(text), &js, &why) : -ENOMEM;

	if (number && str_parse_uint(number + 1, INT64_MAX, &value) == 0 &&
	    value >= loading->intents->next)
		loading->intents->next = value + 1;
	if (r == 0)
		r = parse_stored(js, intent, &why);
	if (r == 0)
		r = put(loading->intents, intent);
	if (r == -ENOMEM) {
		free_one(intent);
		return err_nomem(loading->err);
	}
	if (r < 0) {
		log_error("the stored %s is passed over: %s", key, why.text);
		free_one(intent);
		return 0;
	}
	intent->is_told = true;
	intent->is_dirty = !intent_is_over(intent);
	intent_begin_hop(loading->intents, intent);
	return 0;
}

static int by_creation(const void *a, const void *b)
{
	const struct intent *left = *(struct intent *const *)a;
	const struct intent *right = *(struct intent *const *)b;

	if (left->created_ms != right->created_ms)
		return left->created_ms < right->created_ms ? -1 : 1;
	return strcmp(left->id, right->id);
}

static int load(struct intents *intents, struct err *err)
{
	struct loading loading = { intents, err };
	int r = store_doc_each(intents->collector->store, KEY, load_one, &loading, err);

	if (intents->count)
		qsort(intents->items, intents->count, sizeof(struct intent *), by_creation);
	set_timer(intents);
	return r;
}

static void clear(struct intents *intents)
{
	while (intents->count)
		free_one(intents->items[--intents->count]);
}

int intent_new(struct collector *collector, struct intents **ret, struct err *err)
{
	struct intents *intents = calloc(1, sizeof(*intents));
	int r;

	if (!intents)
		return err_nomem(err);
	intents->collector = collector;
	intents->next = 1;
	r = loop_add_timer(collector->loop, on_timer, intents, &intents->timer, err);
	if (r == 0)
		r = load(intents, err);
	if (r < 0) {
		intent_free(intents);
		return r;
	}
	*ret = intents;
	return 0;
}

void intent_free(struct intents *intents)
{
	if (!intents)
		return;
	clear(intents);
	free(intents->items);
	loop_source_free(intents->timer);
	free(intents);
}

void intent_reload(struct intents *intents)
{
	struct err err = ERR_NULL;

	if (!intents)
		return;
	clear(intents);
	if (load(intents, &err) < 0)
		log_error("attachments and exports cannot be read again: %s", err.text);
	join(intents);
}

void intent_count(const struct intents *intents, struct intent_counts *ret)
{
	size_t i;

	*ret = (struct intent_counts){ 0 };
	for (i = 0; i < intents->count; i++) {
		const struct intent *intent = intents->items[i];

		if (intent->is_export) {
			ret->exports += !intent_is_over(intent);
			continue;
		}
		ret->attachments += !intent_is_over(intent);
		ret->attached += strcmp(intent_plan_state(&intent->plan), "attached") == 0;
		ret->failed += strcmp(intent_plan_state(&intent->plan), "failed") == 0;
	}
}

/* --- routes */

static bool fits_text(const char *filter, const char *a, const char *b, const char *c)
{
	return !filter || (a && strcmp(filter, a) == 0) || (b && strcmp(filter, b) == 0) ||
	       (c && strcmp(filter, c) == 0);
}

/* Of an export the hosts that it was made for. */
static bool fits_host(const struct intent *intent, const struct filter_host *host)
{
	const struct js *hosts = js_get(intent->request, "hosts");
	size_t i;

	if (!intent->is_export)
		return fits_text(host->text, intent->host_name, intent->hostnqn, intent->host);
	if (!host->text || js_is_true(js_get(intent->request, "any_host")))
		return true;
	for (i = 0; i < js_length(hosts); i++)
		if (js_text(js_at(hosts, i)) && filter_host_is(host, js_text(js_at(hosts, i))))
			return true;
	return false;
}

static bool fits(const struct intent *intent, const struct api_request *request,
		 const struct filter_host *host)
{
	const char *state =
		intent->is_export ? intent_export_state(intent) : intent_plan_state(&intent->plan);
	const char *node = api_query(request, "node");

	return fits_text(api_query(request, "nqn"), intent->nqn, NULL, NULL) &&
	       fits_text(api_query(request, "state"), state, NULL, NULL) &&
	       fits_text(api_query(request, "job"), intent->job ? intent->job : "", NULL, NULL) &&
	       fits_text(api_query(request, "target"), intent->target_name, intent->target, NULL) &&
	       fits_host(intent, host) &&
	       (fits_text(node, intent->target_name, intent->target, NULL) ||
		fits_text(node, intent->host_name, intent->host, NULL));
}

static int get_list(struct collector *collector, const struct api_request *request,
		    struct api_answer *answer, struct err *err)
{
	const struct intents *intents = collector->intents;
	bool is_export = strcmp(request->path, "/exports") == 0;
	struct js *js = js_object();
	struct js *items = js_array();
	struct filter_host host;
	size_t i;

	filter_host_find(collector->registry, api_query(request, "host"), &host);
	for (i = 0; i < intents->count; i++)
		if (intents->items[i]->is_export == is_export &&
		    fits(intents->items[i], request, &host))
			js_append(items, intent_format(intents->items[i]));
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "items", items);
	return api_answer_js(answer, 200, js, err);
}

static int find_asked(struct collector *collector, const struct api_request *request,
		      struct intent **ret, struct err *err)
{
	bool is_export = strncmp(request->path, "/exports/", 9) == 0;

	*ret = intent_find(collector->intents, request->id);
	if (*ret && (*ret)->is_export == is_export)
		return 0;
	return err_set(err, -ENOENT, "there is no %s %s", is_export ? "export" : "attachment",
		       request->id);
}

static int get_one(struct collector *collector, const struct api_request *request,
		   struct api_answer *answer, struct err *err)
{
	struct intent *intent;
	int r = find_asked(collector, request, &intent, err);

	return r < 0 ? r : api_answer_js(answer, 200, intent_format(intent), err);
}

static int delete_one(struct collector *collector, const struct api_request *request,
		      struct api_answer *answer, struct err *err)
{
	const char *force = api_query(request, "force");
	bool forced = force && strcmp(force, "1") == 0;
	struct intent *intent;
	int r = find_asked(collector, request, &intent, err);

	if (r < 0)
		return r;
	r = intent->is_export ? intent_export_delete(collector->intents, intent, forced, err)
			      : intent_attach_delete(collector->intents, intent, forced, err);
	return r < 0 ? r : api_answer_js(answer, 202, intent_format(intent), err);
}

const struct api_route intent_routes[] = {
	{ "GET", "/attachments", AUTH_VIEWER, 0, get_list },
	{ "GET", "/attachments/*", AUTH_VIEWER, 0, get_one },
	{ "POST", "/attachments", AUTH_ADMIN, API_WRITES, intent_attach_post },
	{ "DELETE", "/attachments/*", AUTH_ADMIN, API_WRITES, delete_one },
	{ "GET", "/exports", AUTH_VIEWER, 0, get_list },
	{ "GET", "/exports/*", AUTH_VIEWER, 0, get_one },
	{ "POST", "/exports", AUTH_ADMIN, API_WRITES, intent_export_post },
	{ "DELETE", "/exports/*", AUTH_ADMIN, API_WRITES, delete_one },
	{ 0 },
};
