/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-events-push - events are sent to a destination: one at a time, in order, again if it fails. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/redfish.h"
#include "collector/rf-events-own.h"
#include "core/log.h"

#define CONNECT_MS 5000
#define TIMEOUT_MS 15000
#define ANSWER_MAX 65536
#define BACKOFF_MAX_SECONDS 3600
#define HEADERS_MAX 32

static bool may_connect(void *data, const struct sockaddr *address)
{
	const struct rfevents *rfevents = data;

	return rf_net_may(rfevents->nets, rfevents->n_nets, address);
}

/* Made for the first that needs it. */
static struct httpc *client_of(struct destination *destination)
{
	struct rfevents *rfevents = destination->rfevents;
	bool verifies = js_is_true(js_get(destination->js, "VerifyCertificate"));
	struct httpc **client = verifies ? &rfevents->verifying : &rfevents->trusting;
	const struct httpc_config config = { .connect_timeout_ms = CONNECT_MS,
					     .trusts_any = !verifies,
					     .may_connect = may_connect,
					     .data = rfevents };
	struct err err = ERR_NULL;

	if (!*client && httpc_new(rfevents->redfish->loop, &config, client, &err) < 0)
		log_warning("redfish: events cannot be sent: %s", err.text);
	return *client;
}

/* --- the queue */

void rf_push_add(struct destination *destination, struct rf_record *record)
{
	size_t at;

	if (destination->ending)
		return;
	if (destination->count == QUEUE_MAX) {
		struct rf_record *oldest = destination->queue[destination->first];

		destination->lost_id = oldest->id;
		rf_record_unref(oldest);
		destination->first = (destination->first + 1) % QUEUE_MAX;
		destination->count--;
	}
	at = (destination->first + destination->count++) % QUEUE_MAX;
	destination->queue[at] = rf_record_ref(record);
}

/* What is next: that some were lost, once, in their place; else the oldest. */
static struct rf_record *take_next(struct destination *destination)
{
	struct rf_record *record = NULL;

	if (destination->lost_id) {
		const struct rf_record_about about = { .message = "EventBufferExceeded",
						       .origin = RFEVENTS_URI,
						       .type = "" };

		if (rf_record_new(destination->lost_id, &about, &record) == 0) {
			destination->lost_id = 0;
			return record;
		}
	}
	if (!destination->count)
		return NULL;
	record = destination->queue[destination->first];
	destination->first = (destination->first + 1) % QUEUE_MAX;
	destination->count--;
	return record;
}

/* --- failures */

static void landed(struct destination *destination)
{
	destination->failed = 0;
	rf_record_unref(destination->flight);
	destination->flight = NULL;
	rf_push_go_on(destination);
}

static void suspend(struct destination *destination)
{
	destination->suspended = true;
	rf_resource_touch(destination->rfevents->redfish->tree, destination->resource);
	redfish_flush(destination->rfevents->redfish);
}

static void failed(struct destination *destination, const char *why)
{
	const char *policy = js_text(js_get(destination->js, "DeliveryRetryPolicy"));
	const struct rfevents *rfevents = destination->rfevents;
	int64_t seconds = rfevents->interval_seconds;
	bool is_forever = policy && strncmp(policy, "RetryForever", 12) == 0;
	unsigned int i;

	if (!destination->failed++)
		log_warning("redfish: subscription %s does not take its events: %s",
			    destination->id, why);
	if (!is_forever && destination->failed > (unsigned int)rfevents->attempts) {
		if (policy && strcmp(policy, "SuspendRetries") == 0)
			suspend(destination);
		else
			rf_destination_end(destination);
		return;
	}
	if (policy && strcmp(policy, "RetryForeverWithBackoff") == 0)
		for (i = 1; i < destination->failed && seconds < BACKOFF_MAX_SECONDS; i++)
			seconds *= 2;
	if (seconds > BACKOFF_MAX_SECONDS)
		seconds = BACKOFF_MAX_SECONDS;
	destination->waits = true;
	loop_timer_set(destination->timer, seconds * 1000, 100);
}

static void on_sent(void *data, const struct httpc_reply *reply)
{
	struct destination *destination = data;
	char why[160];

	destination->call = NULL;
	if (reply->code < 0)
		snprintf(why, sizeof(why), "%.150s", reply->error);
	else
		snprintf(why, sizeof(why), "it answers with %u", reply->status);
	if (reply->code == 0 && reply->status / 100 == 2)
		landed(destination);
	else
		failed(destination, why);
}

/* What it says is of no interest. */
static int drop(void *data, const char *bytes, size_t length)
{
	(void)data, (void)bytes, (void)length;
	return 0;
}

/* --- sending */

static void headers_free(char **headers)
{
	size_t i;

	for (i = 0; headers[i]; i++) {
		explicit_bzero(headers[i], strlen(headers[i]));
		free(headers[i]);
	}
}

/* [{"X-Name": "value"}, ..] */
static void set_headers(const struct js *list, char *headers[HEADERS_MAX + 1])
{
	size_t n = 0;
	size_t i, j;

	for (i = 0; i < js_length(list); i++)
		for (j = 0; j < js_length(js_at(list, i)) && n < HEADERS_MAX; j++) {
			const char *value = js_text(js_value_at(js_at(list, i), j));

			if (value && asprintf(&headers[n], "%s: %s", js_key_at(js_at(list, i), j),
					      value) >= 0)
				n++;
			headers[n] = NULL;
		}
}

static int send_flight(struct destination *destination)
{
	CLEANUP_FREE char *context = NULL;
	CLEANUP_STR struct str body = STR_NULL;
	char *headers[HEADERS_MAX + 1] = { NULL };
	struct httpc_request request = { .method = "POST",
					 .url = js_text(js_get(destination->js, "Destination")),
					 .headers = (const char *const *)headers,
					 .timeout_ms = TIMEOUT_MS,
					 .body_max = ANSWER_MAX,
					 .on_data = drop };
	struct httpc *client = client_of(destination);
	int r;

	context = js_format(js_get(destination->js, "Context"), JS_COMPACT);
	rf_record_format(destination->flight, context ? context : "\"\"", &body);
	if (!client || body.failed)
		return -ENOMEM;
	set_headers(js_get(destination->js, "HttpHeaders"), headers);
	request.body = body.text;
	request.length = body.length;
	r = httpc_start(client, &request, on_sent, destination, &destination->call, NULL);
	headers_free(headers);
	return r;
}

void rf_push_go_on(struct destination *destination)
{
	if (destination->call || destination->waits || destination->suspended ||
	    destination->ending)
		return;
	if (!destination->flight)
		destination->flight = take_next(destination);
	if (destination->flight && send_flight(destination) < 0) {
		/* not from within this call: it may end the destination */
		destination->waits = true;
		loop_timer_set(destination->timer, 1000, 100);
	}
}

void rf_push_resume(struct destination *destination)
{
	destination->suspended = false;
	destination->waits = false;
	destination->failed = 0;
	loop_timer_stop(destination->timer);
	rf_push_go_on(destination);
}

static void on_timer(void *data)
{
	struct destination *destination = data;

	destination->waits = false;
	rf_push_go_on(destination);
}

int rf_push_init(struct destination *destination, struct err *err)
{
	return loop_add_timer(destination->rfevents->redfish->loop, on_timer, destination,
			      &destination->timer, err);
}

void rf_push_deinit(struct destination *destination)
{
	struct rf_record *record;

	if (destination->call)
		httpc_cancel(destination->call);
	destination->lost_id = 0;
	rf_record_unref(destination->flight);
	while ((record = take_next(destination)))
		rf_record_unref(record);
	loop_source_free(destination->timer);
}
