/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is wanted: a long poll. A document that cannot be read, an error and silence all mean the
 * same: nothing new is wanted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/agent-own.h"

#define WAIT_MS 30000
#define TIMEOUT_MS (WAIT_MS + 15000)
#define SOON_MS 1000 /* an answer without news that came so soon is followed by a rest */

static void fail(struct agent *agent, const struct err *why)
{
	struct agent_poll *poll = &agent->poll;

	memcpy(poll->error, why->text, sizeof(poll->error));
	poll->ask_all = true;
	loop_timer_set(poll->timer, agent_retry_ms(&poll->retry), 0);
}

int agent_poll_remember(struct agent *agent, const struct wanted *wanted)
{
	struct agent_poll *poll = &agent->poll;
	char *collector;

	if (poll->has_document && poll->generation == wanted->generation &&
	    strcmp(poll->collector, wanted->collector) == 0)
		return 0;
	collector = strdup(wanted->collector);
	if (!collector)
		return -ENOMEM;
	free(poll->collector);
	poll->collector = collector;
	poll->generation = wanted->generation;
	poll->has_document = true;
	return 1;
}

static int take_document(struct agent *agent, const struct httpc_reply *reply, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	struct wanted wanted = { 0 };
	int r = js_parse(reply->body, reply->length, &js, err);

	if (r == 0)
		r = wanted_decode(js, &wanted, err);
	if (r == 0 && wanted.role != agent->role)
		r = err_set(err, -EINVAL, "it is for the role %s", report_role_word(wanted.role));
	if (r != 0) {
		err_prefix(err, "what the collector wants is ignored: ");
		return r;
	}
	r = agent_poll_remember(agent, &wanted);
	if (r < 0)
		return err_nomem(err);
	if (r > 0)
		agent_keep_take(agent, js);
	return r;
}

static void on_done(void *data, const struct httpc_reply *reply)
{
	struct agent *agent = data;
	struct agent_poll *poll = &agent->poll;
	struct err err = ERR_NULL;
	int r;

	poll->call = NULL;
	r = agent_check(&poll->retry, reply, &err);
	if (r == 0 && reply->status != 204)
		r = take_document(agent, reply, &err);
	if (r < 0) {
		fail(agent, &err);
		return;
	}
	if (poll->retry.failures)
		agent_report_retry(agent);
	poll->retry.failures = 0;
	poll->error[0] = '\0';
	poll->ask_all = false;
	/* a collector that does not wait is not asked in a circle */
	if (r == 0 && loop_now_ms(agent->loop) < poll->began_ms + SOON_MS)
		loop_timer_set(poll->timer, SOON_MS, 0);
	else
		loop_timer_set(poll->timer, 0, 0);
}

static void send_poll(struct agent *agent)
{
	struct agent_poll *poll = &agent->poll;
	char url[AGENT_PATH_MAX];
	struct httpc_request request = {
		.method = "GET", .url = url, .timeout_ms = TIMEOUT_MS, .body_max = REPORT_BYTES_MAX
	};
	struct err err = ERR_NULL;

	loop_timer_stop(poll->timer);
	poll->began_ms = loop_now_ms(agent->loop);
	snprintf(url, sizeof(url),
		 "%s/sunfish/v1/wanted?node=%s&role=%s&generation=%" PRIu64 "&wait_ms=%d",
		 agent->url, agent->node, report_role_word(agent->role),
		 poll->ask_all ? 0 : poll->generation, WAIT_MS);
	if (agent_call(agent, &request, on_done, &poll->call, &err) < 0)
		fail(agent, &err);
}

static void on_timer(void *data)
{
	struct agent *agent = data;

	if (!agent->poll.call)
		send_poll(agent);
}

void agent_poll_retry(struct agent *agent)
{
	if (!agent->poll.call && !agent->poll.retry.refused)
		loop_timer_set(agent->poll.timer, 0, 0);
}

int agent_poll_init(struct agent *agent, struct err *err)
{
	agent->poll.ask_all = true;
	return loop_add_timer(agent->loop, on_timer, agent, &agent->poll.timer, err);
}

void agent_poll_deinit(struct agent *agent)
{
	if (agent->poll.call)
		httpc_cancel(agent->poll.call);
	loop_source_free(agent->poll.timer);
	free(agent->poll.collector);
}
