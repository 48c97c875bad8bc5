/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reports: one at a time, the next one when there is something to say or the interval is over.
 *
 * A report with a snapshot has the events before it, too: they happened, and are no less worth
 * keeping because the state is sent as a whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "wire/agent-own.h"

#define PATH "/sunfish/v1/report"
#define TIMEOUT_MS 30000
#define BYTES_MAX (1u << 20)	    /* of events in a report */
#define RESYNC_BYTES_MAX (8u << 20) /* .. that has to have the newest */
#define ANSWER_BYTES_MAX (64u << 10)
#define SLACK_PART 8 /* of the interval: so much later it may be */

/* --- what is in it */

static void add_sender(const struct agent *agent, struct str *text)
{
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *head = NULL;

	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "node", js_string(agent->node));
	js_set(js, "name", js_string(agent->name));
	js_set(js, "role", js_string(report_role_word(agent->role)));
	js_set(js, "boot", js_string(spool_boot(agent->spool)));
	js_set(js, "program", js_string(agent->program));
	js_set(js, "interval_ms", js_int(agent->interval_ms));
	js_set(js, "acknowledged", js_int((int64_t)spool_acknowledged(agent->spool)));
	head = js_format(js, JS_COMPACT);
	if (!head) {
		text->failed = true;
		return;
	}
	/* without its '}': more follows */
	str_add_n(text, head, strlen(head) - 1);
}

static void add_js(struct str *text, const char *before, struct js *take_js, const char *after)
{
	CLEANUP_JS struct js *js = take_js;
	CLEANUP_FREE char *json = js_format(js, JS_COMPACT);

	if (!json) {
		text->failed = true;
		return;
	}
	str_add(text, before);
	str_add(text, json);
	str_add(text, after);
}

struct collected {
	struct agent *agent;
	struct str text;
	uint64_t to;
	size_t count;
	size_t most;
	size_t left_out;
	bool newest; /* rather leave out old ones than new ones */
	bool all;
};

static void collect_note(struct collected *c, const char *text, size_t length)
{
	CLEANUP_FREE char *note = NULL;

	if (agent_refused_note(c->agent, text, length, &note) < 0)
		c->text.failed = true;
	else
		str_add(&c->text, note);
}

static int collect_event(void *data, uint64_t seq, const char *text, size_t length)
{
	struct collected *c = data;
	const size_t max = c->newest ? RESYNC_BYTES_MAX : BYTES_MAX;

	if (c->count && (c->count >= c->most || c->text.length + length > max)) {
		if (!c->newest) {
			c->all = false;
			return 1;
		}
		c->text.length = 0;
		c->left_out += c->count;
		c->count = 0;
	}
	if (c->count)
		str_add_n(&c->text, ",", 1);
	if (seq == c->agent->report.aside)
		collect_note(c, text, length);
	else
		str_add_n(&c->text, text, length);
	c->count++;
	c->to = seq;
	return 0;
}

/* The events are JSON in the spool already. Returns: 0; -EIO, -ENOMEM. */
static int add_events(struct agent *agent, struct str *text)
{
	struct agent_report *report = &agent->report;
	const bool may = report->snapshot && !agent_refused_holds(agent);
	uint64_t after = spool_acknowledged(agent->spool);
	struct collected c = { .agent = agent,
			       .to = after,
			       .most = report->events_max,
			       .newest = report->resync && may,
			       .all = report->part == AGENT_ALL };
	int r;

	if (c.newest) {
		c.most = REPORT_EVENTS_MAX;
		if (spool_next(agent->spool) - 1 - after > c.most)
			c.left_out = spool_next(agent->spool) - 1 - after - c.most;
	}
	r = spool_each(agent->spool, after + c.left_out, collect_event, &c);
	if (r >= 0 && c.count) {
		str_add(text, ",\"events\":[");
		str_add_n(text, str_get(&c.text), c.text.length);
		str_add(text, "]");
	}
	report->to = c.to;
	report->events = c.count;
	report->left_out = c.left_out;
	report->has_snapshot = may && c.all;
	if (r >= 0 && c.text.failed)
		r = -ENOMEM;
	str_deinit(&c.text);
	return r < 0 ? r : 0;
}

static void add_snapshot(struct agent *agent, struct str *text)
{
	char before[64];

	snprintf(before, sizeof(before),
		 ",\"snapshot\":{\"seq\":%" PRIu64 ",\"objects\":", spool_next(agent->spool) - 1);
	add_js(text, before, object_set_format(agent->state), "}");
}

static void add_samples(struct agent *agent, struct str *text)
{
	struct js *samples = js_array();
	size_t i;

	for (i = 0; i < object_set_count(agent->state); i++) {
		struct object object = object_set_at(agent->state, i);
		const struct js *counters = js_get(object.attrs, "counters");
		struct js *sample;

		if (js_type(counters) != JS_OBJECT)
			continue;
		sample = js_object();
		js_set(sample, "kind", js_string(object.kind));
		js_set(sample, "id", js_string(object.id));
		js_set(sample, "counters", js_ref(counters));
		js_append(samples, sample);
	}
	if (js_length(samples))
		add_js(text, ",\"samples\":", samples, "");
	else
		js_free(samples);
}

/* After a refusal: the state alone, or nothing. */
static void leave_events(struct agent *agent)
{
	struct agent_report *report = &agent->report;
	const uint64_t acknowledged = spool_acknowledged(agent->spool);

	report->has_snapshot = report->part == AGENT_SNAPSHOT;
	report->to = report->has_snapshot ? spool_next(agent->spool) - 1 : acknowledged;
	report->left_out = report->to - acknowledged;
	report->events = 0;
}

/* Returns: 0; -ENOMEM. */
static int compose(struct agent *agent, bool sample, struct str *text)
{
	struct agent_report *report = &agent->report;
	const uint64_t waiting = spool_next(agent->spool) - 1 - spool_acknowledged(agent->spool);
	int r = 0;

	add_sender(agent, text);
	if (report->part == AGENT_ALL || report->part == AGENT_EVENTS)
		r = add_events(agent, text);
	else
		leave_events(agent);
	if (r == -EIO) {
		/* it was damaged, and has another boot id now */
		agent_spool_lost(agent, waiting, "the spool is damaged");
		str_deinit(text);
		*text = STR_NULL;
		add_sender(agent, text);
		r = add_events(agent, text);
	}
	if (r < 0)
		return r;
	if (report->has_snapshot)
		add_snapshot(agent, text);
	else if (sample && report->part == AGENT_ALL)
		add_samples(agent, text);
	str_add(text, "}");
	snprintf(report->boot, sizeof(report->boot), "%s", spool_boot(agent->spool));
	return text->failed ? -ENOMEM : 0;
}

/* --- send, and what comes back */

static void set_connected(struct agent *agent, bool connected)
{
	if (agent->connected != connected)
		agent->since_ms = clock_wall_ms();
	agent->connected = connected;
}

static void fail(struct agent *agent, const struct err *why)
{
	struct agent_report *report = &agent->report;

	memcpy(report->error, why->text, sizeof(report->error));
	set_connected(agent, false);
	report->waiting = true;
	loop_timer_set(report->timer, agent_retry_ms(&report->retry), 0);
}

/* A collector that does not know us takes nothing before a snapshot. */
static bool is_stuck(const struct agent *agent)
{
	return agent->report.resync && agent_refused_holds(agent);
}

static bool is_due(const struct agent *agent)
{
	if (is_stuck(agent))
		return false;
	return (agent->report.snapshot && !agent_refused_holds(agent)) ||
	       spool_next(agent->spool) - 1 > spool_acknowledged(agent->spool) ||
	       agent->lost != agent->lost_told;
}

/* It has what was in the last report, and says up to where it is durable. */
static int take_ack(struct agent *agent, const struct report_answer *answer, struct err *err)
{
	struct agent_report *report = &agent->report;
	const uint64_t before = spool_acknowledged(agent->spool);
	const bool had_snapshot = report->has_snapshot;

	if (had_snapshot)
		report->snapshot = report->resync = false;
	/* it cannot have what was never sent */
	spool_acknowledge(agent->spool, answer->ack < report->sent ? answer->ack : report->sent);
	if (had_snapshot && spool_acknowledged(agent->spool) > before)
		agent_count_lost(agent, report->left_out, "they were too many for one report");
	if (spool_acknowledged(agent->spool) >= report->aside)
		report->aside = 0;
	if (answer->resync) {
		report->snapshot = report->resync = true;
		return had_snapshot ? err_set(err, -EPROTO,
					      "the collector wants one snapshot after another")
				    : 0;
	}
	if (report->to > before && spool_acknowledged(agent->spool) == before)
		return err_set(err, -EPROTO, "the collector does not acknowledge events");
	return 0;
}

static int take_answer(struct agent *agent, const struct httpc_reply *reply, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	struct report_answer answer = { 0 };
	int r = js_parse(reply->body, reply->length, &js, err);

	if (r == 0)
		r = report_answer_decode(js, &answer, err);
	if (r < 0) {
		err_prefix(err, "the collector's answer: ");
		return r;
	}
	/* else the spool began anew meanwhile */
	if (strcmp(agent->report.boot, spool_boot(agent->spool)) != 0)
		return 0;
	return take_ack(agent, &answer, err);
}

static void refuse_or_fail(struct agent *agent, const struct httpc_reply *reply,
			   const struct err *why)
{
	struct agent_report *report = &agent->report;
	int64_t ms = -1;

	/* else the spool began anew meanwhile */
	if (agent_refused_is(reply) && strcmp(report->boot, spool_boot(agent->spool)) == 0)
		ms = agent_refused_take(agent, why);
	if (ms < 0) {
		fail(agent, why);
		return;
	}
	memcpy(report->error, why->text, sizeof(report->error));
	loop_timer_set(report->timer, ms, 0);
}

static void on_done(void *data, const struct httpc_reply *reply)
{
	struct agent *agent = data;
	struct agent_report *report = &agent->report;
	struct err err = ERR_NULL;

	report->call = NULL;
	if (agent_check(&report->retry, reply, &err) < 0) {
		refuse_or_fail(agent, reply, &err);
		return;
	}
	if (take_answer(agent, reply, &err) < 0) {
		fail(agent, &err);
		return;
	}
	agent_refused_over(agent);
	report->retry.failures = 0;
	if (!agent_refused_holds(agent))
		report->error[0] = '\0';
	if (!agent->connected)
		agent_poll_retry(agent);
	set_connected(agent, true);
	if (is_due(agent))
		agent_report_soon(agent);
	else
		loop_timer_set(report->timer, agent->interval_ms, agent->interval_ms / SLACK_PART);
}

static void send_report(struct agent *agent)
{
	struct agent_report *report = &agent->report;
	int64_t now = loop_now_ms(agent->loop);
	/* a little early is in time: it was put off for other wake-ups */
	bool sample =
		now >= report->sampled_ms + agent->interval_ms - agent->interval_ms / SLACK_PART;
	CLEANUP_STR struct str text = STR_NULL;
	char url[AGENT_PATH_MAX];
	struct httpc_request request = {
		.method = "POST", .url = url, .timeout_ms = TIMEOUT_MS, .body_max = ANSWER_BYTES_MAX
	};
	struct err err = ERR_NULL;
	int r;

	report->waiting = false;
	loop_timer_stop(report->timer);
	if (sample) {
		report->sampled_ms = now;
		if (agent->hooks.sample)
			agent->hooks.sample(agent->hooks.data);
	}
	snprintf(url, sizeof(url), "%s" PATH, agent->url);
	agent_tell_lost(agent);
	r = compose(agent, sample, &text);
	if (r < 0)
		r = err_nomem(&err);
	request.body = str_get(&text);
	request.length = text.length;
	if (r == 0)
		r = agent_call(agent, &request, on_done, &report->call, &err);
	if (r < 0)
		fail(agent, &err);
	else if (report->to > report->sent)
		report->sent = report->to;
}

static void on_post(void *data)
{
	struct agent *agent = data;
	struct agent_report *report = &agent->report;

	if (agent->state && !report->call && !report->waiting && !is_stuck(agent))
		send_report(agent);
}

static void on_timer(void *data)
{
	struct agent *agent = data;

	if (agent->state && !agent->report.call)
		send_report(agent);
}

void agent_report_soon(struct agent *agent)
{
	loop_post_set(agent->report.post);
}

void agent_report_retry(struct agent *agent)
{
	if (agent->report.waiting && !agent->report.retry.refused)
		loop_timer_set(agent->report.timer, 0, 0);
}

int agent_report_init(struct agent *agent, struct err *err)
{
	int r = loop_add_timer(agent->loop, on_timer, agent, &agent->report.timer, err);

	agent->report.snapshot = true;
	agent->report.events_max = REPORT_EVENTS_MAX;
	if (r == 0)
		r = loop_add_post(agent->loop, on_post, agent, &agent->report.post, err);
	return r;
}

void agent_report_deinit(struct agent *agent)
{
	if (agent->report.call)
		httpc_cancel(agent->report.call);
	loop_source_free(agent->report.timer);
	loop_source_free(agent->report.post);
}
