/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-events-stream - server-sent events, and the destination that there is for each stream. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/redfish.h"
#include "collector/rf-events-own.h"

#define FOLLOWED_MS 300000

static void stream_free(struct stream *stream)
{
	struct rfevents *rfevents = stream->rfevents;

	TAILQ_REMOVE(&rfevents->streams, stream, next);
	rfevents->n_streams--;
	if (stream->resource)
		rf_tree_remove(rfevents->redfish->tree, stream->resource);
	free(stream);
}

static void on_gone(void *user, struct httpd_stream *http)
{
	struct stream *stream = user;
	struct redfish *redfish = stream->rfevents->redfish;

	(void)http;
	stream_free(stream);
	redfish_flush(redfish);
}

/* --- its destination */

static int render_stream(void *data, struct rf_resource *resource, struct js *doc)
{
	(void)data;
	js_set(doc, "Name", js_string("Stream of Events"));
	js_set(doc, "Context", js_string(STREAM_CONTEXT));
	js_set(doc, "Protocol", js_string("Redfish"));
	js_set(doc, "SubscriptionType", js_string("SSE"));
	js_set(doc, "EventFormatType", js_string("Event"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	return 0;
}

/* Its connection ends, and with it the resource: at once, so that it is gone for the next request.
 */
static int delete_stream(void *data, struct rf_call *call)
{
	struct stream *stream = rf_resource_object(call->resource);

	(void)data;
	httpd_stream_close(stream->http);
	rf_tree_remove(stream->rfevents->redfish->tree, stream->resource);
	stream->resource = NULL;
	return 0;
}

const struct rf_class rf_stream_class = {
	.type = "#EventDestination.v1_14_0.EventDestination",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_MANAGER,
	.render = render_stream,
	.delete = delete_stream,
};

/* --- what goes over it */

void rf_streams_format(const struct rf_record *record, struct str *out)
{
	str_addf(out, "id: %" PRIu64 "\ndata: ", record->id);
	rf_record_format(record, "\"" STREAM_CONTEXT "\"", out);
	str_add(out, "\n\n");
}

/* One that was opened after the first of these has got what was before it from the ring. */
static size_t find_after(const struct str *text, uint64_t id)
{
	const char *at = text->text;

	while (at && *at) {
		if (strtoull(at + strlen("id: "), NULL, 10) > id)
			return (size_t)(at - text->text);
		at = strstr(at, "\n\n");
		at = at ? at + 2 : NULL;
	}
	return text->length;
}

void rf_streams_send(struct rfevents *rfevents, const struct str *text, uint64_t first)
{
	struct stream *stream;
	size_t from;

	if (text->failed || !text->length)
		return;
	TAILQ_FOREACH(stream, &rfevents->streams, next)
	{
		from = stream->since >= first ? find_after(text, stream->since) : 0;
		/* one that reads too slowly is closed by httpd */
		if (from < text->length)
			httpd_stream_send(stream->http, text->text + from, text->length - from);
	}
}

void rfevents_end(struct rfevents *rfevents, const char *who)
{
	struct stream *stream;

	if (!rfevents)
		return;
	TAILQ_FOREACH(stream, &rfevents->streams, next)
	if (strcmp(stream->who, who) == 0)
		httpd_stream_close(stream->http);
}

void rfevents_keep_alive(struct rfevents *rfevents)
{
	static const char comment[] = ": keepalive\n\n";
	struct stream *stream;

	if (!rfevents)
		return;
	TAILQ_FOREACH(stream, &rfevents->streams, next)
	httpd_stream_send(stream->http, comment, strlen(comment));
}

void rfevents_forget_streams(struct rfevents *rfevents)
{
	struct stream *stream;

	if (!rfevents)
		return;
	while ((stream = TAILQ_FIRST(&rfevents->streams)))
		stream_free(stream);
}

bool rfevents_is_followed(struct rfevents *rfevents)
{
	int64_t now_ms = loop_now_ms(rfevents->redfish->loop);

	if (rfevents->n_streams || rfevents->n_destinations)
		rfevents->followed_ms = now_ms;
	return rfevents->followed_ms && now_ms - rfevents->followed_ms < FOLLOWED_MS;
}

size_t rfevents_stream_count(const struct rfevents *rfevents)
{
	return rfevents->n_streams;
}

/* --- opening one */

static void refuse(struct httpd_request *request, unsigned int status, const char *key,
		   const char *arg)
{
	static const char *const headers[] = { "OData-Version: 4.0", "Cache-Control: no-cache",
					       "Retry-After: 10", NULL };
	CLEANUP_RF_PROBLEMS struct rf_problems problems = RF_PROBLEMS_NULL;
	CLEANUP_JS struct js *body = NULL;
	CLEANUP_FREE char *text = NULL;

	rf_problem_add(&problems, &(struct rf_problem){ .key = key, .args = { arg } });
	body = rf_problems_body(&problems);
	text = js_format(body, JS_COMPACT);
	httpd_reply(request, status, "application/json", text ? text : "", text ? strlen(text) : 0,
		    headers);
}

static bool is_accepted(const char *accept)
{
	return !accept || strstr(accept, "text/event-stream") || strstr(accept, "text/*") ||
	       strstr(accept, "*/*");
}

/* What came after that id; and if it is not known any more, that it is lost. */
static void format_replay(const struct rfevents *rfevents, uint64_t after, struct str *out)
{
	struct rf_record *lost;
	size_t i;

	if (after < rfevents->forgotten_id) {
		const struct rf_record_about about = { .message = "EventBufferExceeded",
						       .args = NULL,
						       .origin = RFEVENTS_URI,
						       .type = "" };

		if (rf_record_new(rfevents->forgotten_id, &about, &lost) == 0) {
			rf_streams_format(lost, out);
			rf_record_unref(lost);
		}
	}
	for (i = 0; i < rfevents->ring_count; i++) {
		const struct rf_record *record =
			rfevents->ring[(rfevents->ring_first + i) % RING_MAX];

		if (record->id > after)
			rf_streams_format(record, out);
	}
}

static int add_resource(struct stream *stream)
{
	struct rfevents *rfevents = stream->rfevents;
	char uri[RF_URI_MAX];

	snprintf(uri, sizeof(uri), RFEVENTS_SUBSCRIPTIONS_URI "/stream-%" PRIu64,
		 ++rfevents->opened);
	return rf_tree_add(rfevents->redfish->tree, uri, &rf_stream_class, stream,
			   &stream->resource, NULL);
}

static void open_stream(struct rfevents *rfevents, struct httpd_request *request,
			const struct rf_who *who)
{
	const char *last = httpd_header(request, "Last-Event-ID");
	static const char hello[] = ": stream open\n\n";
	CLEANUP_STR struct str text = STR_NULL;
	struct stream *stream = calloc(1, sizeof(*stream));
	uint64_t after;

	if (last && str_parse_uint(last, UINT64_MAX, &after) == 0)
		format_replay(rfevents, after, &text);
	if (!stream || text.failed) {
		free(stream);
		refuse(request, 503, "ServiceTemporarilyUnavailable", "10");
		return;
	}
	stream->rfevents = rfevents;
	snprintf(stream->who, sizeof(stream->who), "%s", who->name);
	/* what waits to go out is of before, and is either in the ring soon or not asked for */
	stream->since = rfevents->n_pending ? rfevents->pending[0]->id - 1 : rfevents->next_id - 1;
	stream->http = httpd_stream_open(request, "text/event-stream", on_gone, stream);
	if (!stream->http) {
		free(stream);
		return;
	}
	TAILQ_INSERT_TAIL(&rfevents->streams, stream, next);
	rfevents->n_streams++;
	httpd_stream_send(stream->http, hello, strlen(hello));
	if (text.length)
		httpd_stream_send(stream->http, text.text, text.length);
	if (add_resource(stream) < 0)
		httpd_stream_close(stream->http);
	redfish_flush(rfevents->redfish);
}

void rfevents_follow(struct rfevents *rfevents, struct httpd_request *request,
		     const struct rf_who *who)
{
	if (!is_accepted(httpd_header(request, "Accept")))
		refuse(request, 406, "HeaderInvalid", "Accept");
	else if (!(who->privileges & RF_LOGIN))
		refuse(request, 403, "InsufficientPrivilege", NULL);
	else if (who->must_change_password)
		refuse(request, 403, "PasswordChangeRequired", who->account);
	else if (httpd_query(request, "$filter"))
		refuse(request, 501, "QueryParameterUnsupported", "$filter");
	else if (rfevents->n_streams >= rfevents->streams_max)
		refuse(request, 503, "EventSubscriptionLimitExceeded", NULL);
	else
		open_stream(rfevents, request, who);
}
