/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/api.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/cdc.h"
#include "collector/collector.h"
#include "collector/filter.h"
#include "collector/merge.h"
#include "collector/redfish.h"
#include "collector/rf-events.h"
#include "collector/sunfish.h"
#include "collector/view.h"
#include "collector/zone.h"

#define EVENTS_LIMIT 1000
#define EVENTS_LIMIT_MAX 10000
#define LIST_LIMIT_MAX 100000
/* A page is shorter than what was asked for if it takes longer: others wait meanwhile. */
#define LIST_MS 3

/* --- what handlers use */

const char *api_query(const struct api_request *request, const char *key)
{
	return request->query ? request->query(request->query_data, key) : NULL;
}

int api_body(const struct api_request *request, struct js **ret, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	int r = js_parse(request->body, request->length, &js, err);

	if (r < 0)
		return r;
	if (js_type(js) != JS_OBJECT)
		return err_set(err, -EINVAL, "the body must be a JSON object");
	*ret = TAKE_PTR(js);
	return 0;
}

int api_answer_js(struct api_answer *answer, unsigned int status, struct js *take_js,
		  struct err *err)
{
	CLEANUP_JS struct js *js = take_js;
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	if (!text)
		return err_nomem(err);
	str_add(&answer->body, text);
	answer->status = status;
	return answer->body.failed ? err_nomem(err) : 0;
}

struct meaning {
	int code;
	unsigned int status;
	const char *word;
};

static const struct meaning meanings[] = {
	{ -EINVAL, 400, "invalid" },	  { -EBADMSG, 400, "invalid" },
	{ -EACCES, 403, "denied" },	  { -EPERM, 403, "denied" },
	{ -ENOENT, 404, "not-found" },	  { -EEXIST, 409, "conflict" },
	{ -EBUSY, 409, "conflict" },	  { -E2BIG, 413, "too-large" },
	{ -EFBIG, 413, "too-large" },	  { -EAGAIN, 429, "too-many" },
	{ -ENOTSUP, 405, "not-allowed" }, { 0, 503, "unavailable" },
};

void api_answer_error(struct api_answer *answer, int code, const char *message)
{
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *text = NULL;
	struct js *error = js_object();
	const struct meaning *meaning = meanings;

	while (meaning->code && meaning->code != code)
		meaning++;
	js_set(error, "code", js_string(meaning->word));
	js_set(error, "message", js_string(message));
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "error", error);
	text = js_format(js, JS_COMPACT);
	str_deinit(&answer->body);
	*answer = API_ANSWER_NULL;
	answer->status = meaning->status;
	str_add(&answer->body,
		text ? text : "{\"version\":1,\"error\":{\"code\":\"unavailable\"}}");
}

/* --- lists */

static int get_role(const struct api_request *request, int *ret, struct err *err)
{
	const char *word = api_query(request, "role");
	int role;

	*ret = -1;
	if (!word)
		return 0;
	for (role = 0; role < REGISTRY_ROLES; role++)
		if (strcmp(word, report_role_word((enum report_role)role)) == 0) {
			*ret = role;
			return 0;
		}
	return err_set(err, -EINVAL, "role must be target or initiator");
}

static int get_filter(const struct api_request *request, struct filter *ret, struct err *err)
{
	ret->node = api_query(request, "node");
	ret->id = api_query(request, "id");
	ret->nqn = api_query(request, "nqn");
	ret->host = api_query(request, "host");
	ret->state = api_query(request, "state");
	return get_role(request, &ret->role, err);
}

/* The kind that a list by its name in the path is of. */
static int get_kind(const struct api_request *request, const char **ret, struct err *err)
{
	static const struct {
		const char *path, *kind;
	} lists[] = {
		{ "/nodes", "node" },
		{ "/endpoints", "listener" },
		{ "/subsystems", "subsystem" },
		{ "/namespaces", "namespace" },
		{ "/drives", "drive" },
		{ "/hosts", "host" },
		{ "/connections", "connection" },
		{ "/controllers", "controller" },
		{ "/devices", "device" },
		{ "/sessions", "session" },
	};
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(request->path, lists[i].path) == 0) {
			*ret = lists[i].kind;
			return 0;
		}
	if (strcmp(request->path, "/objects") != 0)
		return err_set(err, -ENOENT, "there is no list %s", request->path);
	*ret = api_query(request, "kind");
	return 0;
}

int api_list_filter(const struct api_request *request, struct filter *ret, struct err *err)
{
	*ret = (struct filter){ .role = -1 };
	int r = get_kind(request, &ret->kind, err);

	return r < 0 ? r : get_filter(request, ret, err);
}

/* All of it if no limit is given: front-list.c sends that in parts where it is long. */
static int get_list(struct collector *collector, const struct api_request *request,
		    struct api_answer *answer, struct err *err)
{
	struct view_page page = VIEW_PAGE_ALL;
	struct filter filter;
	uint64_t limit = 0;
	int r = api_list_filter(request, &filter, err);

	if (r == 0)
		r = api_number(request, "limit", LIST_LIMIT_MAX, 0, &limit, err);
	if (r < 0)
		return r;
	page.after = api_query(request, "after");
	if (limit) {
		page.limit = (size_t)limit;
		page.ms = LIST_MS;
	}
	return view_list(collector, &filter, &page, &answer->body, err);
}

static int get_status(struct collector *collector, const struct api_request *request,
		      struct api_answer *answer, struct err *err)
{
	(void)request;
	return view_status(collector, &answer->body, err);
}

/* --- events */

int api_number(const struct api_request *request, const char *key, uint64_t max, uint64_t otherwise,
	       uint64_t *ret, struct err *err)
{
	const char *text = api_query(request, key);

	*ret = otherwise;
	if (!text)
		return 0;
	if (str_parse_uint(text, max, ret) < 0)
		return err_set(err, -EINVAL, "%s must be a whole number up to %" PRIu64, key, max);
	return 0;
}

static int get_events(struct collector *collector, const struct api_request *request,
		      struct api_answer *answer, struct err *err)
{
	int64_t newest = store_event_newest(collector->store);
	struct events_filter filter;
	uint64_t limit;
	uint64_t last;
	int r = api_number(request, "last", EVENTS_LIMIT_MAX, 0, &last, err);

	if (r == 0)
		r = api_events_filter(request,
				      last && newest > (int64_t)last ? newest - (int64_t)last : 0,
				      &filter, err);
	if (r == 0)
		r = api_number(request, "limit", EVENTS_LIMIT_MAX, last ? last : EVENTS_LIMIT,
			       &limit, err);
	if (r < 0)
		return r;
	return events_list(collector->events, &filter, limit ? (size_t)limit : 1, &answer->body,
			   err);
}

int api_events_filter(const struct api_request *request, int64_t otherwise,
		      struct events_filter *ret, struct err *err)
{
	uint64_t after = 0;
	int r = api_number(request, "after", INT64_MAX, 0, &after, err);

	if (r < 0)
		return r;
	*ret = (struct events_filter){
		.after = api_query(request, "after") ? (int64_t)after : otherwise,
		.node = api_query(request, "node"),
		.kind = api_query(request, "kind"),
		.object_id = api_query(request, "object_id"),
		.type = api_query(request, "type"),
	};
	return 0;
}

/* --- nodes and their tokens */

static int post_node(struct collector *collector, const struct api_request *request,
		     struct api_answer *answer, struct err *err)
{
	CLEANUP_JS struct js *body = NULL;
	struct js *js;
	char token[AUTH_TOKEN_TEXT];
	enum auth_right right = AUTH_NODE;
	const char *name;
	const char *word;
	int r = api_body(request, &body, err);

	if (r < 0)
		return r;
	name = js_text(js_get(body, "name"));
	word = js_text(js_get(body, "role"));
	if (!name)
		return err_set(err, -EINVAL, "\"name\" must be a text");
	if (js_get(body, "role") && (!word || auth_right_parse(word, &right) < 0))
		return err_set(err, -EINVAL, "\"role\" must be node, viewer or admin");
	r = auth_add(collector->auth, name, right, token, err);
	if (r < 0)
		return r;
	js = js_object();
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "name", js_string(name));
	js_set(js, "role", js_string(auth_right_word(right)));
	js_set(js, "token", js_string(token));
	explicit_bzero(token, sizeof(token));
	return api_answer_js(answer, 201, js, err);
}

static int forget_node(struct collector *collector, struct registry_node *node, struct err *err)
{
	const struct registry_source *source = node->sources[REPORT_TARGET];
	int r;

	if (!source)
		source = node->sources[REPORT_INITIATOR];
	r = view_node_event(collector, source, "removed", "deleted by an administrator", err);
	return r < 0 ? r : registry_node_remove(collector->registry, node, err);
}

/* What it had open with it ends as well. */
static int remove_token(struct collector *collector, const char *name, struct err *err)
{
	int r;

	if (auth_is_last_admin(collector->auth, name))
		return err_set(err, -EBUSY,
			       "%s is the only token of an administrator: add another one first",
			       name);
	r = auth_remove(collector->auth, name, err);
	if (r < 0)
		return r;
	events_end_streams(collector->events, name);
	if (collector->redfish)
		rfevents_end(collector->redfish->rfevents, name);
	return 0;
}

/* Its token may be by its name or by its id; it may have a certificate instead. */
static int remove_tokens(struct collector *collector, const struct registry_node *node,
			 struct err *err)
{
	int r = remove_token(collector, node->name, err);

	if ((r == 0 || r == -ENOENT) && strcmp(node->name, node->id) != 0)
		r = remove_token(collector, node->id, err);
	return r == -ENOENT ? 0 : r;
}

static int delete_node(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err)
{
	struct registry_node *node = registry_node_find(collector->registry, request->id);
	struct js *js;
	/* one that never came has nothing but a token */
	int r = node ? remove_tokens(collector, node, err)
		     : remove_token(collector, request->id, err);

	while (r == 0 && node) {
		r = forget_node(collector, node, err);
		node = registry_node_find(collector->registry, request->id);
	}
	if (r == -ENOENT)
		return err_set(err, r, "there is no node, and no token, of the name %s",
			       request->id);
	if (r < 0)
		return r;
	js = js_object();
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "name", js_string(request->id));
	return api_answer_js(answer, 200, js, err);
}

static int get_metrics(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err)
{
	(void)request;
	view_metrics(collector, &answer->body);
	answer->type = "text/plain; version=0.0.4; charset=utf-8";
	return answer->body.failed ? err_nomem(err) : 0;
}

/* --- routes */

static const struct api_route routes[] = {
	{ "GET", "/nodes", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/endpoints", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/subsystems", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/namespaces", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/drives", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/hosts", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/connections", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/controllers", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/devices", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/sessions", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/objects", AUTH_VIEWER, API_LISTS, get_list },
	{ "GET", "/events", AUTH_VIEWER, 0, get_events },
	{ "GET", "/status", AUTH_VIEWER, 0, get_status },
	{ "GET", "/metrics", AUTH_VIEWER, 0, get_metrics },
	{ "POST", "/nodes", AUTH_ADMIN, API_WRITES, post_node },
	{ "DELETE", "/nodes/*", AUTH_ADMIN, API_WRITES, delete_node },
	{ 0 },
};

/* Returns: does the route's path fit? */
static bool path_fits(const char *pattern, const char *path, const char **ret_id)
{
	size_t length = strlen(pattern);

	if (length == 0 || pattern[length - 1] != '*') {
		*ret_id = "";
		return strcmp(pattern, path) == 0;
	}
	*ret_id = path + length - 1;
	return strncmp(pattern, path, length - 1) == 0 && **ret_id && !strchr(*ret_id, '/');
}

static const struct api_route *find_in(const struct api_route *table, const char *method,
				       const char *path, const char **ret_id, bool *other_method)
{
	const char *id;

	for (; table->method; table++) {
		if (!path_fits(table->path, path, &id))
			continue;
		*ret_id = id;
		if (strcmp(table->method, method) == 0)
			return table;
		*other_method = true;
	}
	return NULL;
}

int api_find(const char *method, const char *path, const struct api_route **ret,
	     const char **ret_id, struct err *err)
{
	bool other_method = false;
	static const struct api_route *const tables[] = { routes,	  intent_routes,
							  zone_routes,	  ddc_routes,
							  merge_routes,	  cdc_routes,
							  sunfish_routes, dim_routes };
	const struct api_route *route = NULL;
	size_t i;

	for (i = 0; !route && i < sizeof(tables) / sizeof(tables[0]); i++)
		route = find_in(tables[i], method, path, ret_id, &other_method);
	if (!route && other_method)
		return err_set(err, -ENOTSUP, "%s does not know %s", path, method);
	if (!route)
		return err_set(err, -ENOENT, "there is nothing at " API_ROOT "%s", path);
	*ret = route;
	return 0;
}

static int call(struct collector *collector, const struct api_route *route,
		const struct api_request *request, struct api_answer *answer, struct err *err)
{
	int r;

	if (request->who->right < route->right)
		r = err_set(err, -EACCES,
			    "%s may not do that: it asks as a %s, and that is for a%s %s",
			    request->who->name, auth_right_word(request->who->right),
			    route->right == AUTH_ADMIN ? "n" : "", auth_right_word(route->right));
	else
		r = route->fn(collector, request, answer, err);
	if (r == 0 && answer->body.failed)
		r = err_nomem(err);
	if (r < 0)
		api_answer_error(answer, r, err->text);
	return r;
}

void api_call(struct collector *collector, const struct api_route *route,
	      const struct api_request *request, struct api_answer *answer)
{
	struct err err = ERR_NULL;

	call(collector, route, request, answer, &err);
}

int api_write(struct collector *collector, const struct api_route *route,
	      const struct api_request *request, struct api_answer *answer, struct err *err)
{
	struct err why = ERR_NULL;
	int r = call(collector, route, request, answer, &why);

	/* all else was refused before anything was changed */
	if (r != -ENOSPC && r != -EIO && r != -ENOMEM && r != -EPROTO)
		return 0;
	return err_set(err, r, "%s", why.text);
}
