/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/api.h"
#include "collector/collector.h"
#include "collector/rf-act-own.h"

/* The hops of an intent have their own times, which are shorter. */
#define WAIT_MS 90000
#define TICK_MS 1000

struct wait {
	struct rf_call *call;
	char intent[INTENT_ID_MAX];
	char uri[RF_URI_MAX];
	enum rf_aim aim;
	int64_t due_ms;
	struct js *before; /* URIs of the members of the collection at @uri; NULL: @uri itself */
	bool is_new;	   /* its transaction is not committed yet */
	struct wait *next;
};

struct rf_act {
	struct redfish *redfish;
	struct wait *waits;
	struct loop_source *tick;
};

/* --- bodies */

int rf_act_refuse(struct rf_call *call, const char *key, const char *arg, const char *resolution)
{
	return rf_problem_add(&call->problems, &(struct rf_problem){ .key = key,
								     .args = { arg },
								     .resolution = resolution,
								     .status = 409 });
}

/* What Sunfish put before a name of ours is not looked for: a name that is not there is none. */
struct rf_item *rf_act_item(const struct redfish *redfish, const struct js *link)
{
	const char *uri = rf_act_text(link, "@odata.id");
	struct rf_resource *resource = rf_tree_find(redfish->tree, uri);
	const struct rf_class *class = resource ? rf_resource_class(resource) : NULL;

	if (!class || class < &rf_classes[RF_NODE] || class > &rf_classes[RF_ZONE])
		return NULL;
	return rf_resource_object(resource);
}

int rf_act_is_there(struct rf_call *call, const char *uri)
{
	if (!call->request || !call->request->sunfish)
		return rf_act_refuse(call, "ResourceCreationConflict", uri,
				     "It is there already, at that URI.");
	rf_call_created(call, uri);
	return 0;
}

int rf_act_patch_nothing(void *data, struct rf_call *call)
{
	static const char *const none[] = { NULL };

	(void)data;
	return rf_patch_check(call, none);
}

/* --- our own API */

static bool is_of_store(int code)
{
	return code == -ENOSPC || code == -EIO || code == -ENOMEM || code == -EPROTO;
}

static const char *force(const void *data, const char *key)
{
	(void)data;
	return strcmp(key, "force") == 0 ? "1" : NULL;
}

int rf_act_ask(struct redfish *redfish, struct rf_call *call, const char *method, const char *path,
	       const struct js *body, struct js **ret)
{
	struct auth_who who = { .right = AUTH_ADMIN };
	struct api_answer answer = API_ANSWER_NULL;
	CLEANUP_FREE char *text = body ? js_format(body, JS_COMPACT) : strdup("");
	const struct api_route *route;
	struct err err = ERR_NULL;
	struct api_request request = { .method = method, .path = path, .who = &who };
	int r;

	if (!text)
		return -ENOMEM;
	snprintf(who.name, sizeof(who.name), "%.*s", AUTH_NAME_MAX, call->who.name);
	/* of zones: who asks here has been told what it is for; of the rest nothing is forced */
	if (strncmp(path, "/zones/", 7) == 0)
		request.query = force;
	request.body = text;
	request.length = strlen(text);
	request.address = call->request && call->request->address ? call->request->address : "";
	r = api_find(method, path, &route, &request.id, &err);
	if (r == 0)
		r = route->fn(redfish->collector, &request, &answer, &err);
	if (r == 0)
		r = js_parse(str_get(&answer.body), answer.body.length, ret, &err);
	str_deinit(&answer.body);
	if (r == 0 || is_of_store(r))
		return r;
	err.code = r;
	return rf_problem_errno(&call->problems, &err);
}

/* --- waiting */

int rf_act_wait(struct redfish *redfish, struct rf_call *call, const char *intent, enum rf_aim aim,
		const char *uri)
{
	struct rf_act *act = redfish->act;
	struct wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return -ENOMEM;
	wait->call = call;
	wait->aim = aim;
	wait->is_new = true;
	wait->due_ms = collector_now_ms(redfish->collector) + WAIT_MS;
	snprintf(wait->intent, sizeof(wait->intent), "%s", intent);
	snprintf(wait->uri, sizeof(wait->uri), "%s", uri);
	wait->next = act->waits;
	act->waits = wait;
	loop_timer_set(act->tick, TICK_MS, TICK_MS / 5);
	return RF_LATER;
}

int rf_act_wait_for_member(struct redfish *redfish, struct rf_call *call, const char *intent,
			   const char *uri)
{
	struct rf_resource *collection = rf_tree_find(redfish->tree, uri);
	struct js *before = js_array();
	size_t i;
	int r;

	for (i = 0; collection && i < rf_resource_child_count(collection); i++)
		js_append(before, js_string(rf_resource_uri(rf_resource_child_at(collection, i))));
	r = before ? rf_act_wait(redfish, call, intent, RF_AIM_MADE, uri) : -ENOMEM;
	if (r == RF_LATER)
		redfish->act->waits->before = before;
	else
		js_free(before);
	return r;
}

static void wait_free(struct wait *wait)
{
	js_free(wait->before);
	free(wait);
}

static bool has_text(const struct js *list, const char *text)
{
	size_t i;

	for (i = 0; i < js_length(list); i++)
		if (strcmp(js_text(js_at(list, i)), text) == 0)
			return true;
	return false;
}

/* What was made; NULL: it is not there yet. */
static struct rf_resource *find_made(const struct wait *wait, const struct rf_tree *tree)
{
	struct rf_resource *resource = rf_tree_find(tree, wait->uri);
	size_t i;

	if (!wait->before || !resource)
		return resource;
	for (i = 0; i < rf_resource_child_count(resource); i++) {
		struct rf_resource *child = rf_resource_child_at(resource, i);

		if (!has_text(wait->before, rf_resource_uri(child)))
			return child;
	}
	return NULL;
}

static const char *state_of(const struct intent *intent)
{
	if (!intent)
		return "";
	return intent->is_export ? intent_export_state(intent) : intent_plan_state(&intent->plan);
}

static const char *error_of(const struct intent *intent)
{
	const char *text = intent->is_export ? intent->error : intent->plan.error;

	return *text ? text : "The helper has not said why.";
}

static bool is_word(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* Returns: 0 go on waiting; 1 the code is in *ret_code. */
static int look_made(const struct wait *wait, const struct rf_tree *tree,
		     const struct intent *intent, int *ret_code)
{
	const char *state = state_of(intent);

	if (is_word(state, "active", "attached")) {
		const struct rf_resource *made = find_made(wait, tree);

		if (made)
			rf_call_created(wait->call, rf_resource_uri(made));
		/* it is as it was before */
		else if (wait->before && *intent->error)
			*ret_code =
				rf_act_refuse(wait->call, "ResourceInUse", NULL, error_of(intent));
		else
			return 0;
		return 1;
	}
	if (is_word(state, "creating", "attaching"))
		return 0;
	*ret_code = rf_act_refuse(wait->call, "ResourceInUse", NULL,
				  intent && strcmp(state, "failed") == 0
					  ? error_of(intent)
					  : "It was taken back meanwhile.");
	return 1;
}

static int look_gone(const struct wait *wait, const struct rf_tree *tree,
		     const struct intent *intent, int *ret_code)
{
	const char *state = state_of(intent);

	if (is_word(state, "deleting", "detaching"))
		return 0;
	if (is_word(state, "active", "attached")) {
		*ret_code = rf_act_refuse(wait->call, "ResourceInUse", NULL, error_of(intent));
		return 1;
	}
	*ret_code = 0;
	if (rf_tree_find(tree, wait->uri))
		*ret_code = rf_act_refuse(
			wait->call, "ResourceInUse", NULL,
			"The host is disconnected, but the target lets it in by its own "
			"configuration: take that back there, by nvmet-sunfishctl host remove.");
	return 1;
}

static bool finish_one(struct rf_act *act, struct wait *wait)
{
	struct redfish *redfish = act->redfish;
	const struct intent *intent = intent_find(redfish->collector->intents, wait->intent);
	int code = 0;
	int done = wait->aim == RF_AIM_MADE ? look_made(wait, redfish->tree, intent, &code)
					    : look_gone(wait, redfish->tree, intent, &code);

	if (!done && collector_now_ms(redfish->collector) < wait->due_ms)
		return false;
	if (!done)
		code = rf_problem_add(&wait->call->problems,
				      &(struct rf_problem){ .key = "OperationTimeout" });
	rf_service_finish(redfish->service, wait->call, code);
	return true;
}

void rf_act_flush(struct rf_act *act)
{
	struct wait **at = &act->waits;

	while (*at) {
		struct wait *wait = *at;

		wait->is_new = false;
		if (finish_one(act, wait)) {
			*at = wait->next;
			wait_free(wait);
		} else {
			at = &wait->next;
		}
	}
}

void rf_act_reload(struct rf_act *act)
{
	struct wait **at = &act->waits;

	while (*at) {
		struct wait *wait = *at;

		if (wait->is_new) {
			*at = wait->next;
			wait_free(wait);
		} else {
			at = &wait->next;
		}
	}
}

static void on_tick(void *data)
{
	struct rf_act *act = data;

	rf_act_flush(act);
	if (act->waits)
		loop_timer_set(act->tick, TICK_MS, TICK_MS / 5);
}

/* --- life */

int rf_act_new(struct redfish *redfish, struct rf_act **ret, struct err *err)
{
	struct rf_act *act = calloc(1, sizeof(*act));
	int r;

	if (!act)
		return err_nomem(err);
	act->redfish = redfish;
	r = loop_add_timer(redfish->loop, on_tick, act, &act->tick, err);
	if (r < 0) {
		free(act);
		return r;
	}
	*ret = act;
	return 0;
}

void rf_act_free(struct rf_act *act)
{
	struct wait *wait;

	if (!act)
		return;
	while ((wait = act->waits)) {
		act->waits = wait->next;
		wait_free(wait);
	}
	loop_source_free(act->tick);
	free(act);
}
