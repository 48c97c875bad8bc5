/* SPDX-License-Identifier: BSD-3-Clause */
/* ask - requests to the collector of a harness, in a transaction, without a socket. */
#pragma once

#include "tests/unit/collector/harness.h"

#include "collector/api.h"

struct ask {
	struct harness *h;
	const struct api_route *route;
	struct api_request request;
	struct api_answer answer;
};

static inline int ask_write(void *data, struct err *err)
{
	struct ask *one = data;

	(void)err;
	api_call(&one->h->collector, one->route, &one->request, &one->answer);
	return 0;
}

/* @data  "KEY=VALUE&KEY=VALUE", as it is */
static inline const char *ask_query(const void *data, const char *key)
{
	static char value[512];
	const char *at = data;
	size_t length = strlen(key);

	for (; at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL) {
		if (strncmp(at, key, length) != 0 || at[length] != '=')
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + length + 1, "&"),
			 at + length + 1);
		return value;
	}
	return NULL;
}

/* @path  with "?KEY=VALUE" if there is a query: one key is looked at at a time
 * Returns: the answer as a value, to be freed. */
static inline struct js *ask(struct harness *h, const char *method, const char *path,
			     const char *body, unsigned int status)
{
	static const struct auth_who admin = { .right = AUTH_ADMIN, .name = "admin" };
	char plain[1024];
	struct ask one = { .h = h, .answer = API_ANSWER_NULL };
	struct js *js = NULL;
	struct err err = ERR_NULL;

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(path, "?"), path);
	one.request = (struct api_request){
		.method = method,
		.path = plain,
		.body = body ? body : "",
		.length = body ? strlen(body) : 0,
		.who = &admin,
		.address = "",
		.query = ask_query,
		.query_data = strchr(path, '?') ? strchr(path, '?') + 1 : NULL,
	};
	if (api_find(method, plain, &one.route, &one.request.id, &err) < 0)
		fail_msg("%s %s: %s", method, path, err.text);
	assert_int_equal(commit_join(h->collector.commit, ask_write, NULL, &one), 0);
	commit_now(h->collector.commit);
	if (one.answer.status != status)
		fail_msg("%s %s: %u %s", method, path, one.answer.status,
			 str_get(&one.answer.body));
	assert_int_equal(js_parse(str_get(&one.answer.body), one.answer.body.length, &js, &err), 0);
	str_deinit(&one.answer.body);
	return js;
}
