/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/httpc.h"
#include "core/loop.h"
#include "ctl/sse.h"

#define BASE "/sunfish/v1"
#define VERSION_OF_DOCUMENTS 1
#define CONNECT_MS 5000
#define CALL_MS 30000
#define STEP_MS 1000
#define N_SIGNALS 3

struct client {
	struct settings settings;
	struct loop *loop;
	struct httpc *httpc;
	struct loop_source *signals[N_SIGNALS];
	int signal;
	char token[SETTINGS_TOKEN_MAX];
};

/* Numeric, or the name that is always so: no other name is believed. */
static bool is_loopback(const char *url)
{
	const char *host = url + strlen("http://");
	size_t length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");

	if (strncmp(host, "127.", 4) == 0)
		return strspn(host, "0123456789.") == length;
	return (length == 9 && strncmp(host, "localhost", 9) == 0) ||
	       (length == 5 && strncmp(host, "[::1]", 5) == 0);
}

/* A token in clear on a network is everybody's. */
static int check_clear(const struct client *client, struct err *err)
{
	const char *url = client->settings.url;

	if (!*client->token || strncmp(url, "https://", 8) == 0 || is_loopback(url))
		return 0;
	return err_set(err, -EINVAL,
		       "%s is not on this machine, and the token would go there in clear: use "
		       "https, or no token",
		       url);
}

int client_open(const struct settings *settings, struct client **ret, struct err *err)
{
	struct client *client = calloc(1, sizeof(*client));
	struct httpc_config config = { .connect_timeout_ms = CONNECT_MS };
	int r;

	if (!client)
		return err_nomem(err);
	client->settings = *settings;
	config.ca_file = *settings->ca_file ? client->settings.ca_file : NULL;
	r = settings_token(settings, client->token, err);
	if (r == 0)
		r = check_clear(client, err);
	if (r == 0)
		r = loop_new(&client->loop, err);
	if (r == 0)
		r = httpc_new(client->loop, &config, &client->httpc, err);
	if (r < 0)
		client_close(client);
	else
		*ret = client;
	return r;
}

void client_close(struct client *client)
{
	size_t i;

	if (!client)
		return;
	for (i = 0; i < N_SIGNALS; i++)
		loop_source_free(client->signals[i]);
	if (client->httpc)
		httpc_free(client->httpc);
	if (client->loop)
		loop_free(client->loop);
	explicit_bzero(client->token, sizeof(client->token));
	free(client);
}

/* --- signals and waiting */

static void on_signal(void *data, int number)
{
	struct client *client = data;

	client->signal = number;
}

int client_catch_signals(struct client *client, struct err *err)
{
	static const int numbers[N_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;
	int r = 0;

	for (i = 0; i < N_SIGNALS && r == 0; i++)
		if (!client->signals[i])
			r = loop_add_signal(client->loop, numbers[i], on_signal, client,
					    &client->signals[i], err);
	return r;
}

void client_interrupt(struct client *client)
{
	client->signal = -1;
}

struct loop *client_loop(struct client *client)
{
	return client->loop;
}

int client_sleep(struct client *client, int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;
	int64_t left;

	while (!client->signal && (left = end - clock_monotonic_ms()) > 0) {
		int r = loop_step(client->loop, left < STEP_MS ? (int)left : STEP_MS);

		if (r < 0)
			return r;
	}
	return client->signal ? -EINTR : 0;
}

/* --- answers */

static int code_of_status(unsigned int status)
{
	switch (status) {
	case 400:
	case 413:
		return -EINVAL;
	case 401:
	case 403:
		return -EPERM;
	case 404:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 429:
	case 503:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static int refuse(const struct client *client, unsigned int status, const struct js *document,
		  struct err *err)
{
	const char *text = js_text(js_get(js_get(document, "error"), "message"));
	int code = code_of_status(status);

	if (status == 401)
		return err_set(err, code,
			       "the collector at %s does not know who asks: %s%s%s", /* no token */
			       client->settings.url, text ? text : "HTTP 401",
			       *client->token ? "; the token is that of "
					      : "; name a token's file by SUNFISH_TOKEN_FILE",
			       *client->token ? client->settings.token_file : "");
	if (text)
		return err_set(err, code, "%s", text);
	return err_set(err, status == 404 || status < 400 ? -EPROTO : code,
		       "%s answers HTTP %u without saying why: is that a collector of sunfish?",
		       client->settings.url, status);
}

/* TLS on one side only is the commonest mistake of all. */
static const char *other_scheme(const struct client *client, const char *error)
{
	if (strncmp(client->settings.url, "https:", 6) != 0)
		return strstr(error, "Empty reply") ? "; does it speak TLS (https://)?" : "";
	return strstr(error, "packet") ? "; or is it without TLS there (http://)?" : "";
}

static int no_answer(const struct client *client, const struct httpc_reply *reply, struct err *err)
{
	const char *error = *reply->error ? reply->error : strerror(-reply->code);

	if (reply->code == -EPROTO && strncmp(client->settings.url, "https:", 6) == 0)
		return err_set(err, reply->code,
			       "no secure connection to the collector at %s: %s; ca_file in "
			       "sunfishctl.conf (SUNFISH_CA_FILE) names the certificates that its "
			       "own must be signed by%s",
			       client->settings.url, error, other_scheme(client, error));
	return err_set(err, reply->code,
		       "no answer from the collector at %s: %s; is sunfish-collectord running "
		       "there, and is that its url (sunfishctl.conf, SUNFISH_URL)?%s",
		       client->settings.url, error, other_scheme(client, error));
}

static int take_reply(const struct client *client, const struct httpc_reply *reply, struct js **ret,
		      struct err *err)
{
	CLEANUP_JS struct js *document = NULL;
	int r = 0;

	if (reply->code < 0)
		return no_answer(client, reply, err);
	if (reply->length)
		r = js_parse(reply->body, reply->length, &document, NULL);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (reply->status < 200 || reply->status > 299)
		return refuse(client, reply->status, document, err);
	if (r < 0)
		return err_set(err, -EPROTO,
			       "what %s answers is no JSON: is that a collector of sunfish?",
			       client->settings.url);
	if (document && js_number(js_get(document, "version"), -1) != VERSION_OF_DOCUMENTS)
		return err_set(err, -EPROTO,
			       "the collector at %s speaks another version than this program: "
			       "install the same one on both",
			       client->settings.url);
	*ret = TAKE_PTR(document);
	return 0;
}

/* --- calls */

struct call {
	const struct client *client;
	struct httpc_call *httpc;
	struct js *whole; /* the first page of a list, with the items of those that came after it */
	bool is_done;
	int r;
	struct js *document;
	struct err err;
};

static void on_done(void *data, const struct httpc_reply *reply)
{
	struct call *call = data;

	call->is_done = true;
	call->httpc = NULL;
	call->r = take_reply(call->client, reply, &call->document, &call->err);
}

static int start(struct client *client, const char *method, const char *path, const char *body,
		 struct call *call)
{
	CLEANUP_STR struct str url = STR_NULL;
	struct httpc_request request = {
		.method = method,
		.token = *client->token ? client->token : NULL,
		.body = body,
		.length = body ? strlen(body) : 0,
		.timeout_ms = CALL_MS,
	};

	str_addf(&url, "%s" BASE "%s", client->settings.url, path);
	if (url.failed)
		return err_nomem(&call->err);
	request.url = str_get(&url);
	call->client = client;
	return httpc_start(client->httpc, &request, on_done, call, &call->httpc, &call->err);
}

static int wait_for(struct client *client, const bool *is_done, struct err *err)
{
	while (!*is_done && !client->signal) {
		int r = loop_step(client->loop, STEP_MS);

		if (r < 0)
			return err_set(err, r, "waiting for the collector: %s", strerror(-r));
	}
	return *is_done ? 0 : err_set(err, -EINTR, "interrupted");
}

static void forget(struct call *call)
{
	if (call->httpc)
		httpc_cancel(call->httpc);
	js_free(call->document);
	js_free(call->whole);
}

/* A page that came: its items to those that are there. Returns: where the next one begins; NULL. */
static const char *take_page(struct call *call)
{
	const struct js *items = js_get(call->document, "items");
	struct js *before;
	size_t i;

	if (!call->whole) {
		call->whole = js_ref(call->document);
	} else {
		before = (struct js *)js_get(call->whole, "items");
		for (i = 0; i < js_length(items); i++)
			js_append(before, js_ref(js_at(items, i)));
	}
	return js_text(js_get(call->document, "next"));
}

/* Ask for the next page, if there is one. Returns: 1 it was asked for; 0 that was all; negative
 * errno. */
static int go_on(struct client *client, const char *path, struct call *call)
{
	CLEANUP_STR struct str next = STR_NULL;
	const char *after;

	if (call->r < 0)
		return call->r;
	after = take_page(call);
	str_add(&next, path);
	client_add_query(&next, "after", after);
	js_free(call->document);
	call->document = NULL;
	call->is_done = !after;
	if (next.failed)
		return err_nomem(&call->err);
	if (after) {
		int r = start(client, "GET", str_get(&next), NULL, call);

		return r < 0 ? r : 1;
	}
	call->document = TAKE_PTR(call->whole);
	return 0;
}

int client_call(struct client *client, const char *method, const char *path, const struct js *body,
		struct js **ret, struct err *err)
{
	CLEANUP_FREE char *text = body ? js_format(body, JS_COMPACT) : NULL;
	struct call call = { 0 };
	int r;

	if (body && !text)
		return err_nomem(err);
	r = start(client, method, path, text, &call);
	if (r == 0)
		r = wait_for(client, &call.is_done, &call.err);
	if (r == 0)
		r = call.r;
	if (r == 0)
		*ret = TAKE_PTR(call.document);
	else if (err)
		*err = call.err;
	forget(&call);
	return r;
}

int client_get(struct client *client, const char *path, struct js **ret, struct err *err)
{
	return client_get_all(client, &path, 1, ret, err);
}

static int get_pages(struct client *client, const char *path, struct call *call)
{
	int r;

	do {
		r = wait_for(client, &call->is_done, &call->err);
		if (r == 0)
			r = go_on(client, path, call);
	} while (r > 0);
	if (r == 0 && !call->document)
		r = err_set(&call->err, -EPROTO, "the collector's answer is empty");
	return r;
}

int client_get_all(struct client *client, const char *const *paths, size_t count, struct js **rets,
		   struct err *err)
{
	struct call *calls = calloc(count ? count : 1, sizeof(*calls));
	size_t i;
	int r = 0;

	if (!calls)
		return err_nomem(err);
	for (i = 0; r == 0 && i < count; i++)
		r = start(client, "GET", paths[i], NULL, &calls[i]);
	for (i = 0; r == 0 && i < count; i++)
		r = get_pages(client, paths[i], &calls[i]);
	/* the call that ended the loop is the one before */
	if (r < 0 && i > 0 && err)
		*err = calls[i - 1].err;
	for (i = 0; i < count; i++) {
		if (r == 0)
			rets[i] = TAKE_PTR(calls[i].document);
		forget(&calls[i]);
	}
	free(calls);
	return r;
}

/* --- the stream of events */

struct stream {
	struct call call;
	struct sse sse;
	client_event_fn fn;
	void *data;
	bool is_stream;
	int ended; /* by an event; not 0 */
};

static int on_event(void *user, const struct sse_event *event)
{
	struct stream *stream = user;
	CLEANUP_JS struct js *document = NULL;
	int r = js_parse(event->data, event->length, &document, NULL);

	/* what is no event of ours is some comment */
	return r == 0 && js_type(document) == JS_OBJECT
		       ? stream->fn(stream->data, event->id, document)
		       : (r == -ENOMEM ? r : 0);
}

static int on_bytes(void *data, const char *bytes, size_t length)
{
	struct stream *stream = data;

	if (!stream->is_stream) {
		stream->is_stream = true;
		stream->ended = stream->fn(stream->data, "", NULL);
	}
	if (!stream->ended)
		stream->ended = sse_feed(&stream->sse, bytes, length, on_event, stream);
	return stream->ended;
}

static void on_end(void *data, const struct httpc_reply *reply)
{
	struct stream *stream = data;
	struct call *call = &stream->call;

	call->is_done = true;
	call->httpc = NULL;
	if (stream->ended)
		return;
	if (stream->is_stream || (reply->code == 0 && reply->status == 200)) {
		call->r = err_set(&call->err, -EPIPE, "the stream of events broke off%s%s",
				  *reply->error ? ": " : "", reply->error);
		return;
	}
	call->r = take_reply(call->client, reply, &call->document, &call->err);
}

static int stream_start(struct client *client, const char *path, const char *after,
			struct stream *stream)
{
	CLEANUP_STR struct str url = STR_NULL;
	CLEANUP_STR struct str last = STR_NULL;
	const char *headers[] = { "Accept: text/event-stream", NULL, NULL };
	struct httpc_request request = {
		.method = "GET",
		.token = *client->token ? client->token : NULL,
		.headers = headers,
		.on_data = on_bytes,
	};

	str_addf(&url, "%s" BASE "%s", client->settings.url, path);
	str_addf(&last, "Last-Event-ID: %s", after);
	if (url.failed || last.failed)
		return err_nomem(&stream->call.err);
	if (*after)
		headers[1] = str_get(&last);
	request.url = str_get(&url);
	stream->call.client = client;
	return httpc_start(client->httpc, &request, on_end, stream, &stream->call.httpc,
			   &stream->call.err);
}

int client_stream(struct client *client, const char *path, const char *after, client_event_fn fn,
		  void *data, struct err *err)
{
	struct stream stream = { .fn = fn, .data = data };
	int r = stream_start(client, path, after, &stream);

	if (r == 0)
		r = wait_for(client, &stream.call.is_done, &stream.call.err);
	if (r == 0)
		r = stream.ended ? stream.ended : stream.call.r;
	if (r < 0 && err)
		*err = stream.call.err;
	forget(&stream.call);
	sse_deinit(&stream.sse);
	return r;
}

/* --- paths */

static void add_escaped(struct str *path, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";

	for (; *value; value++) {
		if (strchr(plain, *value))
			str_add_n(path, value, 1);
		else
			str_addf(path, "%%%02X", (unsigned char)*value);
	}
}

void client_add_query(struct str *path, const char *key, const char *value)
{
	if (!value)
		return;
	str_addf(path, "%c%s=", strchr(str_get(path), '?') ? '&' : '?', key);
	add_escaped(path, value);
}

void client_add_part(struct str *path, const char *value)
{
	str_add(path, "/");
	add_escaped(path, value);
}
