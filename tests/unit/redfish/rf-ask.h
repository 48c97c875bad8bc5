/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-ask - requests to a service without a socket. */
#pragma once

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish/rf-service.h"

/* Headers and query as "NAME: VALUE\n" and "KEY=VALUE&". */
struct rf_ask {
	struct rf_request request;
	const char *headers;
	const char *query;
	char value[1024];
	char parts[1024];
};

static inline const char *rf_ask_header(const void *data, const char *name)
{
	struct rf_ask *ask = (struct rf_ask *)data;
	const char *at = ask->headers;
	size_t length = strlen(name);

	while (at && *at) {
		if (strncasecmp(at, name, length) == 0 && at[length] == ':') {
			snprintf(ask->value, sizeof(ask->value), "%.*s",
				 (int)strcspn(at + length + 2, "\n"), at + length + 2);
			return ask->value;
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return NULL;
}

static inline void rf_ask_each(const void *data,
			       void (*fn)(void *user, const char *key, const char *value),
			       void *user)
{
	struct rf_ask *ask = (struct rf_ask *)data;
	char *rest = ask->parts;
	char *one;

	/* values last as long as the request */
	snprintf(ask->parts, sizeof(ask->parts), "%s", ask->query);
	while (*ask->query && (one = strsep(&rest, "&"))) {
		char *value = strchr(one, '=');

		if (value)
			*value++ = '\0';
		fn(user, one, value ? value : "");
	}
}

/* One request through all its steps. @call  zeroed, to be released. Returns: the status. */
static inline unsigned int rf_ask(struct rf_service *service, struct rf_ask *ask,
				  struct rf_call *call)
{
	struct err err = ERR_NULL;
	char uri[1024];
	int r;

	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(ask->request.uri, "?"), ask->request.uri);
	ask->query = strchr(ask->request.uri, '?');
	ask->query = ask->query ? ask->query + 1 : "";
	ask->request.uri = uri;
	ask->request.header = rf_ask_header;
	ask->request.each_query = rf_ask_each;
	ask->request.data = ask;
	ask->request.address = "127.0.0.1";
	if (!ask->request.body)
		ask->request.body = "";
	if (!ask->request.length)
		ask->request.length = strlen(ask->request.body);
	if (rf_service_begin(service, &ask->request, call) == 0)
		return call->answer.status;
	r = rf_service_run(service, call, &err);
	if (r == 0) {
		rf_tree_settle(rf_service_tree(service), NULL);
		rf_service_finish(service, call, call->code);
	}
	return call->answer.status;
}
