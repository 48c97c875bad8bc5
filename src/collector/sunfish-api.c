/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfish-api - requests about the agent: its state, signing off and on, cleaning up. */
#include <errno.h>

#include "base/clock.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/sunfish-own.h"

#define SHOWN_MAX 20

static struct js *shown(const struct sunfish_list *list)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < list->count && i < SHOWN_MAX; i++)
		js_append(array, js_string(list->items[i]));
	return array;
}

static int64_t wall_of(const struct sunfish *sunfish, int64_t ms)
{
	return clock_wall_ms() - (loop_now_ms(sunfish->redfish->loop) - ms);
}

static void set_counts(struct js *js, const struct sunfish *sunfish)
{
	js_set(js, "objects", js_int((int64_t)sunfish->taken.count));
	js_set(js, "missing", js_int((int64_t)sunfish->missing.count));
	js_set(js, "missing_first", shown(&sunfish->missing));
	js_set(js, "stale", js_int((int64_t)sunfish->stale.count));
	js_set(js, "stale_first", shown(&sunfish->stale));
	js_set(js, "waiting", js_int((int64_t)sunfish->n_notes));
	js_set(js, "dropped", js_int((int64_t)sunfish->dropped));
	js_set(js, "events", js_int((int64_t)sunfish->events));
	js_set(js, "copies", js_int((int64_t)sunfish->copies));
	js_set(js, "copies_follow", js_bool(sunfish->conf->marker_port && !sunfish->no_copy));
	js_set(js, "asked", js_int((int64_t)sunfish->asked));
	js_set(js, "refused", js_int((int64_t)sunfish->refused));
}

static struct js *view(const struct sunfish *sunfish)
{
	const struct sunfish_sm *sm = &sunfish->sm;
	struct js *js = js_object();

	js_set(js, "version", js_int(1));
	js_set(js, "server", js_string(sunfish->conf->server));
	js_set(js, "url", js_string(sunfish->conf->url));
	js_set(js, "agent", js_string(sunfish->name));
	js_set(js, "state", js_string(sunfish_state_word(sm->state)));
	js_set(js, "uuid", js_string(sm->uuid));
	if (sm->since_ms)
		js_set(js, "registered_since", js_int(wall_of(sunfish, sm->since_ms)));
	if (sm->heard_ms)
		js_set(js, "heard", js_int(wall_of(sunfish, sm->heard_ms)));
	set_counts(js, sunfish);
	if (sunfish->event_ms) {
		js_set(js, "last_event", js_string(sunfish->event));
		js_set(js, "last_event_time", js_int(sunfish->event_ms));
	}
	js_set(js, "error", js_string(sm->error));
	if (*sm->error)
		js_set(js, "error_time", js_int(sunfish->error_ms));
	return js;
}

static int need(const struct collector *collector, struct sunfish **ret, struct err *err)
{
	if (!collector->redfish || !collector->redfish->sunfish)
		return err_set(err, -ENOENT,
			       "no Sunfish server is configured: set server in the group sunfish "
			       "of collector.conf");
	*ret = collector->redfish->sunfish;
	return 0;
}

static int get_sunfish(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err)
{
	struct sunfish *sunfish;
	int r = need(collector, &sunfish, err);

	(void)request;
	return r < 0 ? r : api_answer_js(answer, 200, view(sunfish), err);
}

static int post_unregister(struct collector *collector, const struct api_request *request,
			   struct api_answer *answer, struct err *err)
{
	struct sunfish *sunfish;
	int r = need(collector, &sunfish, err);

	(void)request;
	if (r == 0)
		r = store_doc_put(collector->store, "sunfish/off", "1", err);
	if (r < 0)
		return r;
	sunfish_sm_leave(&sunfish->sm, loop_now_ms(collector->loop));
	loop_timer_set(sunfish->timer, 0, 0);
	return api_answer_js(answer, 202, view(sunfish), err);
}

static int post_register(struct collector *collector, const struct api_request *request,
			 struct api_answer *answer, struct err *err)
{
	struct sunfish *sunfish;
	int r = need(collector, &sunfish, err);

	(void)request;
	if (r == 0)
		r = store_doc_delete(collector->store, "sunfish/off", err);
	if (r < 0)
		return r;
	sunfish_sm_join(&sunfish->sm, loop_now_ms(collector->loop));
	loop_timer_set(sunfish->timer, 0, 0);
	return api_answer_js(answer, 202, view(sunfish), err);
}

static int post_tidy(struct collector *collector, const struct api_request *request,
		     struct api_answer *answer, struct err *err)
{
	struct sunfish *sunfish;
	int r = need(collector, &sunfish, err);

	(void)request;
	if (r < 0)
		return r;
	if (!sunfish_sm_tidy(&sunfish->sm, loop_now_ms(collector->loop)))
		return err_set(err, -EBUSY, "the agent is not up, but %s",
			       sunfish_state_word(sunfish->sm.state));
	loop_timer_set(sunfish->timer, 0, 0);
	return api_answer_js(answer, 202, view(sunfish), err);
}

const struct api_route sunfish_routes[] = {
	{ "GET", "/sunfish", AUTH_VIEWER, 0, get_sunfish },
	{ "POST", "/sunfish/unregister", AUTH_ADMIN, API_WRITES, post_unregister },
	{ "POST", "/sunfish/register", AUTH_ADMIN, API_WRITES, post_register },
	{ "POST", "/sunfish/tidy", AUTH_ADMIN, API_WRITES, post_tidy },
	{ 0 },
};
