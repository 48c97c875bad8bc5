/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-service-own.h"

void rf_answer_deinit(struct rf_answer *answer)
{
	str_deinit(&answer->body);
	while (answer->n_headers)
		free(answer->headers[--answer->n_headers]);
	*answer = RF_ANSWER_NULL;
}

/* The last one is dropped if there is no room or memory: an answer without a header is one. */
void rf_answer_header(struct rf_answer *answer, const char *format, ...)
{
	char *header;
	va_list args;
	int n;

	if (answer->n_headers == RF_HEADERS_MAX)
		return;
	va_start(args, format);
	n = vasprintf(&header, format, args);
	va_end(args);
	if (n < 0)
		return;
	/* what came from outside cannot begin another header */
	header[strcspn(header, "\r\n")] = '\0';
	answer->headers[answer->n_headers++] = header;
	answer->headers[answer->n_headers] = NULL;
}

void rf_answer_common(struct rf_answer *answer)
{
	rf_answer_header(answer, "OData-Version: 4.0");
	rf_answer_header(answer, "Cache-Control: no-cache");
}

/* May members of its be deleted? Its class says it of itself. */
void rf_answer_allow(struct rf_answer *answer, const struct rf_resource *resource)
{
	const struct rf_class *class = rf_resource_class(resource);

	rf_answer_header(answer, "Allow: GET, HEAD%s%s%s", class->patch ? ", PATCH" : "",
			 class->post ? ", POST" : "", class->delete ? ", DELETE" : "");
}

/* "#Endpoint.v1_8_0.Endpoint" is described by Endpoint.v1_8_0.json. */
static void add_link(struct rf_answer *answer, const struct rf_class *class)
{
	const char *type = class->type + (*class->type == '#');
	const char *end = strrchr(type, '.');

	if (end)
		rf_answer_header(answer, "Link: <%s/JsonSchemas/%.*s.json>; rel=describedby",
				 RF_ROOT, (int)(end - type), type);
}

static void take_body(struct rf_call *call, struct js *js)
{
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	str_deinit(&call->answer.body);
	if (!text) {
		call->answer.status = 500;
		return;
	}
	str_add(&call->answer.body, text);
}

static void add_status_headers(struct rf_answer *answer)
{
	/* a browser would ask for Basic by itself */
	if (answer->status == 401)
		rf_answer_header(answer,
				 "WWW-Authenticate: Basic realm=\"sunfish\", charset=\"UTF-8\"");
	if (answer->status == 429 || answer->status == 503)
		rf_answer_header(answer, "Retry-After: 1");
}

void rf_answer_problems(struct rf_call *call)
{
	CLEANUP_JS struct js *body = NULL;

	if (!call->problems.list)
		rf_problem_add(&call->problems, &(struct rf_problem){ .key = "InternalError" });
	body = rf_problems_body(&call->problems);
	call->answer.status = call->problems.failed ? 500 : call->problems.status;
	call->answer.type = "application/json";
	rf_answer_common(&call->answer);
	add_status_headers(&call->answer);
	take_body(call, body);
}

static void describe(struct rf_answer *answer, const struct rf_resource *resource, const char *etag)
{
	rf_answer_common(answer);
	rf_answer_allow(answer, resource);
	add_link(answer, rf_resource_class(resource));
	rf_answer_header(answer, "ETag: %s", etag);
}

static void fail(struct rf_call *call, int code)
{
	rf_problem_errno(&call->problems, &(struct err){ .code = code });
	rf_answer_problems(call);
}

void rf_answer_resource(struct rf_call *call, struct rf_resource *resource, unsigned int status)
{
	struct rf_tree *tree = call->service->tree;
	const char *text;
	size_t length;

	if (rf_resource_text(tree, resource, &text, &length, NULL) < 0) {
		fail(call, -ENOMEM);
		return;
	}
	describe(&call->answer, resource, rf_resource_etag(resource));
	call->answer.status = status;
	if (call->problems.list) {
		CLEANUP_JS struct js *doc = rf_resource_js(tree, resource);

		js_set(doc, "@Message.ExtendedInfo", js_ref(call->problems.list));
		take_body(call, doc);
	} else {
		str_add_n(&call->answer.body, text, length);
	}
}

/* --- GET */

/* `only`: the member, if there is but one. */
static struct rf_resource *only_of(const struct rf_call *call, struct rf_resource *resource,
				   const struct rf_query *query)
{
	if (query->only && rf_resource_child_count(resource) == 1 &&
	    rf_resource_class(rf_resource_child_at(resource, 0)) &&
	    rf_service_may_read(call, rf_resource_child_at(resource, 0)))
		return rf_resource_child_at(resource, 0);
	return resource;
}

static void too_large(struct rf_call *call)
{
	rf_problem_add(&call->problems,
		       &(struct rf_problem){ .key = "InsufficientStorage",
					     .resolution = "The answer would have too many "
							   "resources: use $top, fewer $levels, "
							   "or a smaller collection." });
	rf_answer_problems(call);
}

static bool is_known(const struct rf_request *request, const char *etag)
{
	const char *none = request->header(request->data, "If-None-Match");

	return none && rf_header_has_etag(none, etag);
}

/* Its tag is of what is in it: others than the resource may be. */
static void answer_query(struct rf_call *call, struct rf_resource *resource,
			 const struct rf_query *query)
{
	CLEANUP_FREE char *text = NULL;
	char etag[RF_ETAG_MAX];
	int r = rf_query_render(call, resource, query, &text);

	if (r == -E2BIG) {
		too_large(call);
	} else if (r < 0) {
		fail(call, r);
	} else {
		rf_etag_of(text, etag);
		describe(&call->answer, resource, etag);
		if (is_known(call->request, etag))
			call->answer.status = 304;
		else
			str_add(&call->answer.body, text);
	}
}

static bool is_paged(const struct rf_service *service, const struct rf_resource *resource)
{
	return rf_resource_class(resource)->collection && service->page &&
	       rf_resource_child_count(resource) > service->page;
}

/* Its tag, rendered if it must be. NULL: out of memory */
static const char *etag_of(struct rf_call *call, struct rf_resource *resource)
{
	const char *text;
	size_t length;

	if (rf_resource_text(call->service->tree, resource, &text, &length, NULL) < 0)
		return NULL;
	return rf_resource_etag(resource);
}

void rf_answer_get(struct rf_call *call, struct rf_resource *resource)
{
	const struct rf_request *request = call->request;
	const char *match = request->header(request->data, "If-Match");
	struct rf_query query;
	const char *etag;

	if (rf_query_parse(request, resource, &query, &call->problems) < 0) {
		rf_answer_problems(call);
		return;
	}
	resource = only_of(call, resource, &query);
	query.any |= is_paged(call->service, resource) && !query.unpaged;
	etag = etag_of(call, resource);
	if (!etag) {
		fail(call, -ENOMEM);
	} else if (match && !rf_header_has_etag(match, etag)) {
		rf_problem_add(&call->problems,
			       &(struct rf_problem){ .key = "PreconditionFailed" });
		rf_answer_problems(call);
	} else if (query.any) {
		answer_query(call, resource, &query);
	} else if (is_known(request, etag)) {
		describe(&call->answer, resource, etag);
		call->answer.status = 304;
	} else {
		rf_answer_resource(call, resource, 200);
	}
}
