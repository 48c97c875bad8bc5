/* SPDX-License-Identifier: BSD-3-Clause */
#include "redfish/rf-service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-service-own.h"

#define BODY_MAX (1u << 20)
#define DEPTH_MAX 32
#define LEGAL_ID                                                                                   \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789-._:"

int rf_service_new(struct rf_tree *tree, const struct rf_hooks *hooks, struct rf_service **ret,
		   struct err *err)
{
	struct rf_service *service = calloc(1, sizeof(*service));

	if (!service)
		return err_nomem(err);
	service->tree = tree;
	if (hooks)
		service->hooks = *hooks;
	*ret = service;
	return 0;
}

void rf_service_free(struct rf_service *service)
{
	if (!service)
		return;
	while (service->n_documents)
		free(service->documents[--service->n_documents].uri);
	free(service);
}

struct rf_tree *rf_service_tree(struct rf_service *service)
{
	return service->tree;
}

void rf_service_set_page(struct rf_service *service, size_t members)
{
	service->page = members;
}

int rf_service_add_document(struct rf_service *service, const char *uri, const char *type,
			    int (*make)(void *data, struct str *text), void *data)
{
	char *copy;

	if (service->n_documents == RF_DOCUMENTS_MAX)
		return -ENOSPC;
	copy = strdup(uri);
	if (!copy)
		return -ENOMEM;
	service->documents[service->n_documents++] = (struct rf_document){ copy, type, make, data };
	return 0;
}

void rf_call_deinit(struct rf_call *call)
{
	js_free(call->body);
	rf_problems_deinit(&call->problems);
	rf_answer_deinit(&call->answer);
	*call = (struct rf_call){ 0 };
}

void rf_call_created(struct rf_call *call, const char *uri)
{
	snprintf(call->created, sizeof(call->created), "%s", uri);
}

/* --- methods */

enum method { GET, HEAD, POST, PATCH, DELETE, PUT, OPTIONS, UNKNOWN };

static enum method method_of(const char *word)
{
	static const char *const words[] = { "GET",    "HEAD", "POST",	 "PATCH",
					     "DELETE", "PUT",  "OPTIONS" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum method)i;
	return UNKNOWN;
}

static bool is_reading(enum method method)
{
	return method == GET || method == HEAD;
}

/* --- what an URI is */

struct route {
	enum method method;
	char uri[RF_URI_MAX];
	char member[RF_URI_MAX];
	struct rf_resource *resource; /* NULL: there is none */
	const struct rf_document *document;
	bool is_action;
	const struct rf_action *action; /* NULL: it has none of that name */
	bool is_member;			/* of the collection @resource, to be made */
};

/* Without what some clients add: slashes before and after. Returns: false, no URI is so long. */
static bool normalise(const char *from, char *uri)
{
	size_t length;

	while (from[0] == '/' && from[1] == '/')
		from++;
	length = strlen(from);
	while (length > 1 && from[length - 1] == '/')
		length--;
	if (length >= RF_URI_MAX)
		return false;
	memcpy(uri, from, length);
	uri[length] = '\0';
	return true;
}

static void find_action(const struct rf_service *service, struct route *route)
{
	static const char word[] = "/Actions/";
	const char *at = strstr(route->uri, word);
	const struct rf_action *action;
	char owner[RF_URI_MAX];

	if (!at)
		return;
	snprintf(owner, sizeof(owner), "%.*s", (int)(at - route->uri), route->uri);
	route->resource = rf_tree_find(service->tree, owner);
	if (!route->resource)
		return;
	route->is_action = true;
	action = rf_resource_class(route->resource)->actions;
	for (; action && action->name; action++)
		if (strcmp(action->name + 1, at + strlen(word)) == 0)
			route->action = action;
}

/* A POST to what would be a member, or to COLLECTION/Members. */
static void find_collection(const struct rf_service *service, struct route *route)
{
	char above[RF_URI_MAX];
	struct rf_resource *collection;
	const char *last = strrchr(route->uri, '/');

	if (!last)
		return;
	snprintf(above, sizeof(above), "%.*s", (int)(last - route->uri), route->uri);
	collection = rf_tree_find(service->tree, above);
	if (!collection || !rf_resource_class(collection)->collection ||
	    !rf_resource_class(collection)->post)
		return;
	if (strcmp(last + 1, "Members") != 0) {
		if (!last[1] || last[1 + strspn(last + 1, LEGAL_ID)])
			return;
		snprintf(route->member, sizeof(route->member), "%s", last + 1);
		route->is_member = true;
	}
	route->resource = collection;
}

static void find(const struct rf_service *service, const struct rf_request *request,
		 struct route *route)
{
	size_t i;

	if (!normalise(request->uri, route->uri))
		return;
	route->resource = rf_tree_find(service->tree, route->uri);
	for (i = 0; i < service->n_documents; i++)
		if (strcmp(service->documents[i].uri, route->uri) == 0)
			route->document = &service->documents[i];
	if (route->document)
		return;
	if (!route->resource)
		find_action(service, route);
	/* Sunfish repeats what it did not understand the answer of */
	if (route->method == POST && !route->is_action &&
	    (!route->resource || (request->sunfish && !rf_resource_class(route->resource)->post)))
		find_collection(service, route);
}

/* --- answers without a handler */

/* For `return refuse(..)` of what is answered. */
static int refuse(struct rf_call *call, const char *key, const char *arg, unsigned int status)
{
	rf_problem_add(&call->problems,
		       &(struct rf_problem){ .key = key, .args = { arg }, .status = status });
	rf_answer_problems(call);
	return 0;
}

static int refuse_method(struct rf_call *call, const struct route *route)
{
	if (route->is_action)
		rf_answer_header(&call->answer, "Allow: POST");
	else if (route->resource)
		rf_answer_allow(&call->answer, route->resource);
	else
		rf_answer_header(&call->answer, "Allow: GET, HEAD");
	return refuse(call, "OperationNotAllowed", NULL, route->method == UNKNOWN ? 501 : 405);
}

static int refuse_unknown(struct rf_call *call, int code)
{
	if (code == -EAGAIN)
		return refuse(call, "ServiceTemporarilyUnavailable", "1", 429);
	if (code == -EACCES)
		return refuse(call, "NoValidSession", NULL, 401);
	return refuse(call, "InternalError", NULL, 0);
}

static int answer_document(struct rf_call *call, const struct route *route)
{
	const struct rf_request *request = call->request;
	const struct rf_document *document = route->document;

	if (!is_reading(route->method))
		return refuse_method(call, route);
	if (!rf_header_accepts(request->header(request->data, "Accept"), document->type))
		return refuse(call, "HeaderInvalid", "Accept", 406);
	if (document->make(document->data, &call->answer.body) < 0 || call->answer.body.failed) {
		str_deinit(&call->answer.body);
		return refuse(call, "InternalError", NULL, 0);
	}
	call->answer.type = document->type;
	rf_answer_common(&call->answer);
	rf_answer_header(&call->answer, "Allow: GET, HEAD");
	return 0;
}

/* --- rights */

static bool is_own(const struct rf_call *call, const struct rf_resource *resource)
{
	const struct rf_hooks *hooks = &call->service->hooks;

	return resource && hooks->is_own && hooks->is_own(hooks->data, &call->who, resource);
}

static bool may(const struct rf_call *call, const struct rf_resource *resource, unsigned int needed)
{
	unsigned int has = call->who.privileges & needed;

	if (needed & RF_EVERYBODY || has & ~(unsigned int)RF_CONFIGURE_SELF)
		return true;
	return has & RF_CONFIGURE_SELF && is_own(call, resource);
}

bool rf_service_may_read(const struct rf_call *call, const struct rf_resource *resource)
{
	const struct rf_class *class = rf_resource_class(resource);

	if (call->who.must_change_password && !is_own(call, resource))
		return false;
	return may(call, resource, class->read ? class->read : RF_LOGIN);
}

static unsigned int needed_for(const struct route *route)
{
	const struct rf_class *class;

	if (!route->resource)
		return RF_LOGIN;
	class = rf_resource_class(route->resource);
	if (is_reading(route->method))
		return class->read ? class->read : RF_LOGIN;
	return class->write;
}

static int authenticate(struct rf_call *call)
{
	const struct rf_hooks *hooks = &call->service->hooks;
	struct err err = ERR_NULL;

	if (!hooks->authenticate) {
		call->who.privileges = UINT32_MAX;
		return 0;
	}
	return hooks->authenticate(hooks->data, call->request, &call->who, &err);
}

/* --- headers and bodies */

static bool is_too_deep(const char *text, size_t length)
{
	unsigned int depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i < length; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr("[{", text[i]) && text[i] && ++depth > DEPTH_MAX)
			return true;
		else if (!quoted && depth && (text[i] == ']' || text[i] == '}'))
			depth--;
	}
	return false;
}

static int check_headers(struct rf_call *call)
{
	const struct rf_request *request = call->request;
	const char *version = request->header(request->data, "OData-Version");

	if (version && strcmp(version, "4.0") != 0)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "HeaderInvalid",
							    .args = { "OData-Version" },
							    .status = 412 });
	if (!rf_header_accepts(request->header(request->data, "Accept"), "application/json"))
		return rf_problem_add(&call->problems, &(struct rf_problem){ .key = "HeaderInvalid",
									     .args = { "Accept" },
									     .status = 406 });
	return 0;
}

static int parse_body(struct rf_call *call)
{
	const struct rf_request *request = call->request;
	struct err err = ERR_NULL;
	int r;

	if (is_too_deep(request->body, request->length))
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "MalformedJSON",
							    .resolution = "There are more than 32 "
									  "levels in the body." });
	r = js_parse(request->body, request->length, &call->body, &err);
	if (r < 0)
		return rf_problem_add(
			&call->problems,
			&(struct rf_problem){ .key = "MalformedJSON", .resolution = err.text });
	if (js_type(call->body) != JS_OBJECT)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "UnrecognizedRequestBody" });
	return 0;
}

/* Annotations say nothing that could be changed. */
static int strip_annotations(struct rf_call *call)
{
	struct js *rest = js_object();
	size_t i;

	for (i = 0; i < js_length(call->body); i++)
		if (strncmp(js_key_at(call->body, i), "@odata.", 7) != 0)
			js_set(rest, js_key_at(call->body, i), js_ref(js_value_at(call->body, i)));
	js_free(call->body);
	call->body = rest;
	if (js_length(rest))
		return 0;
	return rf_problem_add(&call->problems, &(struct rf_problem){ .key = "NoOperation" });
}

static int take_body(struct rf_call *call, const struct route *route)
{
	const struct rf_request *request = call->request;
	int r;

	if (route->method == DELETE)
		return 0;
	if (route->is_action && !request->length) {
		call->body = js_object();
		return 0;
	}
	if (request->length > BODY_MAX)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "PayloadTooLarge" });
	if (!rf_header_is_json(request->header(request->data, "Content-Type")))
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "HeaderInvalid",
							    .args = { "Content-Type" },
							    .status = 415 });
	r = parse_body(call);
	if (r == 0 && route->method == PATCH)
		r = strip_annotations(call);
	return r;
}

static int check_match(struct rf_call *call, const struct rf_request *request)
{
	const char *text;
	size_t length;

	if (!request->header(request->data, "If-Match") &&
	    !request->header(request->data, "If-None-Match"))
		return 0;
	if (rf_resource_text(call->service->tree, call->resource, &text, &length, NULL) < 0)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "InternalError" });
	return rf_check_match(call, request, rf_resource_etag(call->resource));
}

/* --- the ways */

static rf_handler_fn handler_of(const struct route *route)
{
	const struct rf_class *class = rf_resource_class(route->resource);

	if (route->is_action)
		return route->method == POST && route->action ? route->action->fn : NULL;
	switch (route->method) {
	case POST:
		return class->post;
	case PATCH:
		return class->patch;
	case DELETE:
		return class->delete;
	default:
		return NULL;
	}
}

static int refuse_password(struct rf_call *call)
{
	return refuse(call, "PasswordChangeRequired", call->who.account, 0);
}

static int begin_change(struct rf_call *call, struct route *route)
{
	call->resource = route->resource;
	call->action = route->action;
	call->handler = handler_of(route);
	if (route->is_action && route->method == POST && !route->action)
		return refuse(call, "ActionNotSupported", strrchr(route->uri, '/') + 1, 404);
	if (!call->handler)
		return refuse_method(call, route);
	if (!may(call, route->resource, needed_for(route)))
		return refuse(call, "InsufficientPrivilege", NULL, 0);
	if (route->is_member)
		snprintf(call->member, sizeof(call->member), "%s", route->member);
	call->member_id = route->is_member ? call->member : NULL;
	call->handler_data = rf_resource_class(route->resource)->data;
	snprintf(call->uri, sizeof(call->uri), "%s", rf_resource_uri(route->resource));
	call->is_patch = route->method == PATCH;
	if (check_match(call, call->request) < 0 || take_body(call, route) < 0) {
		rf_answer_problems(call);
		return 0;
	}
	return 1;
}

static void note_more(void *user, const char *key, const char *value)
{
	bool *more = user;

	(void)value;
	if (strcmp(key, "$expand") == 0 || strcmp(key, "only") == 0)
		*more = true;
}

/* The root itself is for everybody, but not what it would bring along. */
static bool is_public(const struct rf_request *request, const struct route *route)
{
	bool more = false;

	if (!route->resource || !(needed_for(route) & RF_EVERYBODY))
		return false;
	request->each_query(request->data, note_more, &more);
	return !more;
}

static int begin(struct rf_call *call, struct route *route)
{
	int r;

	find(call->service, call->request, route);
	if (route->document)
		return answer_document(call, route);
	if (!is_public(call->request, route)) {
		r = authenticate(call);
		if (r < 0)
			return refuse_unknown(call, r);
	}
	if (call->who.must_change_password && !is_own(call, route->resource))
		return refuse_password(call);
	if (route->method == UNKNOWN)
		return refuse_method(call, route);
	if (!route->resource)
		return refuse(call, "ResourceMissingAtURI", route->uri, 0);
	if (check_headers(call) < 0) {
		rf_answer_problems(call);
		return 0;
	}
	if (!is_reading(route->method))
		return begin_change(call, route);
	if (route->is_action)
		return refuse_method(call, route);
	if (!may(call, route->resource, needed_for(route)))
		return refuse(call, "InsufficientPrivilege", NULL, 0);
	call->resource = route->resource;
	rf_answer_get(call, route->resource);
	return 0;
}

static void audit(struct rf_call *call)
{
	const struct rf_hooks *hooks = &call->service->hooks;

	if (hooks->audit)
		hooks->audit(hooks->data, call, call->answer.status);
}

int rf_service_begin(struct rf_service *service, const struct rf_request *request,
		     struct rf_call *call)
{
	struct route route = { .method = method_of(request->method) };
	int r;

	call->service = service;
	call->request = request;
	call->answer.status = 200;
	r = begin(call, &route);
	if (r == 0) {
		call->answer.no_body = route.method == HEAD;
		if (!is_reading(route.method))
			audit(call);
	}
	return r;
}

static bool is_of_store(int code)
{
	return code == -ENOSPC || code == -EIO || code == -ENOMEM || code == -EPROTO;
}

int rf_service_run(struct rf_service *service, struct rf_call *call, struct err *err)
{
	int r = 0;

	/* what was changed since then, in the same transaction, counts */
	call->resource = rf_tree_find(service->tree, call->uri);
	if (!call->resource)
		r = rf_problem_add(&call->problems,
				   &(struct rf_problem){ .key = "ResourceMissingAtURI",
							 .args = { call->uri } });
	else if (call->request)
		r = check_match(call, call->request);
	if (r == 0)
		r = call->handler(call->handler_data, call);
	call->code = r;
	if (r == RF_LATER)
		return RF_LATER;
	if (is_of_store(r))
		return err_set(err, r, "%s: %s", call->uri, strerror(-r));
	/* of all else it is this request alone that fails, not what others wrote with it */
	if (r < 0 && r != -EBADMSG) {
		struct err why = ERR_NULL;

		err_set_text(&why, r, "%s: %s", call->uri, strerror(-r));
		call->code = rf_problem_errno(&call->problems, &why);
	}
	return 0;
}

/* --- the answer of a handler */

static void finish_created(struct rf_call *call)
{
	struct rf_resource *resource = rf_tree_find(call->service->tree, call->created);

	call->answer.status = call->member_id ? 200 : 201;
	rf_answer_header(&call->answer, "Location: %s", call->created);
	if (call->answer.body.length)
		rf_answer_common(&call->answer);
	else if (resource)
		rf_answer_resource(call, resource, call->answer.status);
	else
		str_addf(&call->answer.body, "{\"@odata.id\":\"%s\"}", call->created);
}

static void finish_done(struct rf_call *call)
{
	struct rf_resource *resource = rf_tree_find(call->service->tree, call->uri);
	struct rf_answer *answer = &call->answer;

	if (*call->created) {
		finish_created(call);
	} else if (answer->body.length || answer->status != 200) {
		rf_answer_common(answer);
	} else if (call->is_patch && resource) {
		rf_answer_resource(call, resource, 200);
	} else {
		answer->status = 204;
		rf_answer_common(answer);
	}
}

void rf_service_finish(struct rf_service *service, struct rf_call *call, int code)
{
	bool kept = call->code == RF_LATER;

	call->resource = rf_tree_find(service->tree, call->uri);
	if (code == 0) {
		finish_done(call);
	} else {
		if (code != -EBADMSG) {
			rf_problems_deinit(&call->problems);
			rf_problem_add(&call->problems,
				       &(struct rf_problem){
					       .key = "ServiceTemporarilyUnavailable",
					       .args = { "5" },
					       .resolution = "Nothing was changed: the service "
							     "could not store it. Its log says "
							     "why." });
		}
		rf_answer_problems(call);
	}
	audit(call);
	if (kept && service->hooks.answered)
		service->hooks.answered(service->hooks.data, call);
}
