/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz-api - requests of anybody: lines "METHOD PATH?QUERY" with a body behind a blank line, or a
 * report. Each is answered by JSON, and nothing that was not for the asker changes anything.
 *
 * The input: the first byte is the right, requests are parted by NUL bytes. A request that begins
 * with '{' is a report.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/ingest.h"
#include "tests/fuzz/tree.h"

#define REQUESTS_MAX 32
#define PAIRS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct query {
	char *keys[PAIRS_MAX];
	char *values[PAIRS_MAX];
	size_t count;
};

static const char *query_of(const void *data, const char *key)
{
	const struct query *query = data;
	size_t i;

	for (i = 0; i < query->count; i++)
		if (strcmp(query->keys[i], key) == 0)
			return query->values[i];
	return NULL;
}

/* KEY=VALUE&.., in place. */
static void split_query(char *text, struct query *ret)
{
	char *pair;

	while (text && ret->count < PAIRS_MAX && (pair = strsep(&text, "&"))) {
		ret->keys[ret->count] = strsep(&pair, "=");
		ret->values[ret->count++] = pair ? pair : (char *)"";
	}
}

struct call {
	struct collector *collector;
	const struct api_route *route;
	struct api_request request;
	struct api_answer answer;
	struct report report;
	const struct js *js;
};

static int write_call(void *data, struct err *err)
{
	struct call *call = data;

	(void)err;
	api_call(call->collector, call->route, &call->request, &call->answer);
	return 0;
}

static int write_report(void *data, struct err *err)
{
	struct call *call = data;
	struct report_answer answer;
	int why;

	return ingest_report(call->collector, &call->report, "a", &answer, &why, err);
}

static void check_answer(const struct call *call)
{
	CLEANUP_JS struct js *js = NULL;

	REQUIRE(call->answer.status >= 200 && call->answer.status < 600);
	if (call->answer.type)
		return;
	REQUIRE(js_parse(str_get(&call->answer.body), call->answer.body.length, &js, NULL) == 0);
	REQUIRE(js_type(js) == JS_OBJECT);
	REQUIRE(call->answer.status < 400 || js_get(js, "error"));
	if (call->request.who->right < call->route->right)
		REQUIRE(call->answer.status == 403);
}

static void send_request(struct collector *collector, char *text, const struct auth_who *who)
{
	struct call call = { .collector = collector, .answer = API_ANSWER_NULL };
	struct query query = { .count = 0 };
	char *body = strstr(text, "\n\n");
	char *method;
	char *path;

	if (body) {
		*body = '\0';
		body += 2;
	}
	method = strsep(&text, " ");
	path = strsep(&text, "?");
	if (!path)
		return;
	split_query(text, &query);
	call.request = (struct api_request){ .method = method,
					     .path = path,
					     .body = body ? body : "",
					     .length = body ? strlen(body) : 0,
					     .who = who,
					     .address = "a",
					     .query = query_of,
					     .query_data = &query };
	if (api_find(method, path, &call.route, &call.request.id, NULL) < 0)
		return;
	if (call.route->flags & API_WRITES) {
		REQUIRE(commit_join(collector->commit, write_call, NULL, &call) == 0);
		commit_now(collector->commit);
	} else {
		api_call(collector, call.route, &call.request, &call.answer);
	}
	check_answer(&call);
	str_deinit(&call.answer.body);
}

static void send_report(struct collector *collector, const char *text)
{
	CLEANUP_JS struct js *js = NULL;
	struct call call = { .collector = collector };
	struct report_answer answer;

	if (js_parse(text, strlen(text), &js, NULL) < 0 ||
	    report_decode(js, &call.report, NULL) < 0)
		return;
	if (ingest_renew(collector, &call.report, &answer))
		return;
	REQUIRE(commit_join(collector->commit, write_report, NULL, &call) == 0);
	commit_now(collector->commit);
}

static void end(struct collector *collector, struct loop *loop)
{
	REQUIRE(!commit_stats(collector->commit)->broken);
	collector_deinit(collector);
	loop_free(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char all[] = "/objects";
	struct auth_who who = { .name = "fuzz" };
	struct collector collector;
	struct setup setup;
	struct loop *loop = NULL;
	CLEANUP_FREE char *text = NULL;
	char list[32];
	char *at;
	int count;

	if (size < 2)
		return 0;
	who.right = (enum auth_right)(data[0] % (AUTH_ADMIN + 1));
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	setup_init(&setup, "/nowhere");
	REQUIRE(loop_new(&loop, NULL) == 0);
	REQUIRE(collector_init(&collector, loop, &setup, ":memory:", NULL) == 0);
	at = text;
	for (count = 0; count < REQUESTS_MAX && at < text + size; count++) {
		size_t length = strlen(at);

		if (*at == '{')
			send_report(&collector, at);
		else
			send_request(&collector, at, &who);
		at += length + 1;
	}
	/* whatever happened, all of it can be listed */
	who.right = AUTH_ADMIN;
	snprintf(list, sizeof(list), "GET %s", all);
	send_request(&collector, list, &who);
	end(&collector, loop);
	return 0;
}
