/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish-ask - what a Sunfish server asks its agent.
 *
 * GETs are answered here, of what it may see; all that changes something goes through the Redfish
 * service, with the words and answers that the server understands: the path of a new member in a
 * POST, 200 for it, a PATCH's answer with its owner, and a DELETE of what is gone is good.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/sunfish-own.h"
#include "core/log.h"

#define BODY_MAX (1u << 20)
#define CONNECTIONS_MAX 512
#define IDLE_SECONDS 60
#define CONNECTION_BYTES 8192

static void answer(struct httpd_request *request, unsigned int status, const char *text)
{
	httpd_reply(request, status, "application/json", text, strlen(text), NULL);
}

static void refuse(struct sunfish *sunfish, struct httpd_request *request, unsigned int status)
{
	sunfish->refused++;
	answer(request, status,
	       "{\"error\":{\"code\":\"Base.1.19.GeneralError\",\"message\":\"not for Sunfish\"}}");
}

static void answer_js(struct httpd_request *request, struct js *take_doc)
{
	CLEANUP_JS struct js *doc = take_doc;
	CLEANUP_FREE char *text = js_format(doc, JS_COMPACT);

	answer(request, text ? 200 : 503, text ? text : "{}");
}

/* Of the request that PATCH and POST are: as it is now, with its owner. */
static struct js *get(struct sunfish *sunfish, const char *uri)
{
	return sunfish_tree_get(sunfish->redfish->tree, uri, sunfish_owner(sunfish),
				sunfish->conf->marker_port);
}

static void on_get(struct sunfish *sunfish, struct httpd_request *request, const char *uri)
{
	struct js *doc;

	if (strcmp(uri, sunfish->method_uri) == 0)
		doc = sunfish_method(sunfish);
	else if (strcmp(uri, SUNFISH_SUBSCRIPTION) == 0)
		doc = sunfish_subscription(sunfish);
	else
		doc = sunfish_tree_get(sunfish->redfish->tree, uri, NULL,
				       sunfish->conf->marker_port);
	if (doc)
		answer_js(request, doc);
	else
		refuse(sunfish, request, 404);
}

/* --- what changes something */

static void set_body(struct rf_call *call, struct js *take_doc)
{
	CLEANUP_JS struct js *doc = take_doc;
	CLEANUP_FREE char *text = js_format(doc, JS_COMPACT);

	if (!text)
		return;
	str_deinit(&call->answer.body);
	str_add(&call->answer.body, text);
	call->answer.status = 200;
	call->answer.type = NULL;
}

static void finish(void *data, const struct rf_request *request, struct rf_call *call)
{
	struct sunfish *sunfish = data;
	unsigned int status = call->answer.status;
	bool good = status >= 200 && status < 300;

	if (strcmp(request->method, "DELETE") == 0 && status == 404) {
		str_deinit(&call->answer.body);
		call->answer.status = 204;
	} else if (good && strcmp(request->method, "POST") == 0 && *call->created) {
		set_body(call, get(sunfish, call->created));
	} else if (good && strcmp(request->method, "PATCH") == 0) {
		set_body(call, get(sunfish, request->uri));
	} else if (!good) {
		sunfish->refused++;
		log_notice("sunfish: %s %s was refused: %u %.300s", request->method, request->uri,
			   status, str_get(&call->answer.body));
	}
}

/* Of what we do not have (any more): enough to show that. */
static struct js *absent(const struct sunfish *sunfish, const char *uri)
{
	CLEANUP_JS struct js *doc = js_object();
	struct js *status = js_object();

	js_set(status, "State", js_string("Absent"));
	js_set(doc, "@odata.id", js_string(uri));
	js_set(doc, "Status", status);
	return sunfish_tree_export(sunfish->redfish->tree, uri, doc, sunfish_owner(sunfish), false);
}

/* Is there something to be changed, or is only asked what there is now? */
static bool says_something(const struct js *body)
{
	size_t i;

	for (i = 0; i < js_length(body); i++)
		if (*js_key_at(body, i) != '@')
			return true;
	return false;
}

static void on_refresh(struct sunfish *sunfish, struct httpd_request *request, const char *uri)
{
	struct js *doc = get(sunfish, uri);

	answer_js(request, doc ? doc : absent(sunfish, uri));
}

static void pass_on(struct sunfish *sunfish, struct httpd_request *request, const char *uri,
		    const struct js *body)
{
	static const char *const patch_keys[] = { "@odata.id", "@odata.type", "@odata.etag", "Id",
						  NULL };
	bool is_post = strcmp(httpd_method(request), "POST") == 0;
	CLEANUP_JS struct js *plain = body ? js_copy_without(body, patch_keys) : NULL;
	CLEANUP_FREE char *text = plain ? js_format(plain, JS_COMPACT) : NULL;
	struct redfish_way way = { .trusted = true,
				   .sunfish = true,
				   .uri = uri,
				   .body = text,
				   .finish = finish,
				   .data = sunfish };

	if (body && !text) {
		answer(request, 503, "{}");
		return;
	}
	/* it repeats what it did not understand the answer of */
	if (is_post && rf_tree_find(sunfish->redfish->tree, uri) &&
	    !rf_resource_class(rf_tree_find(sunfish->redfish->tree, uri))->collection) {
		answer_js(request, get(sunfish, uri));
		return;
	}
	sunfish->asked++;
	redfish_request(sunfish->redfish, request, &way);
}

static void on_change(struct sunfish *sunfish, struct httpd_request *request, const char *uri)
{
	bool is_patch = strcmp(httpd_method(request), "PATCH") == 0;
	CLEANUP_JS struct js *came = NULL;
	CLEANUP_JS struct js *body = NULL;
	size_t length;
	const char *text = httpd_body(request, &length);

	if (length && (js_parse(text, length, &came, NULL) < 0 || js_type(came) != JS_OBJECT)) {
		refuse(sunfish, request, 400);
		return;
	}
	if (strcmp(uri, SUNFISH_SUBSCRIPTION) == 0 && is_patch) {
		const char *uuid = js_text(js_get(came, "Context"));

		sunfish_told(sunfish, uuid ? uuid : "", request);
		return;
	}
	if (!sunfish_tree_may(uri)) {
		refuse(sunfish, request, 404);
		return;
	}
	body = came ? sunfish_tree_import(came, sunfish->sm.uuid) : NULL;
	if (is_patch && !says_something(body))
		on_refresh(sunfish, request, uri);
	else
		pass_on(sunfish, request, uri, body);
}

/* --- requests */

static void on_head(void *data, struct httpd_request *request)
{
	struct sunfish *sunfish = data;

	if (!sunfish_conf_allows(sunfish->conf, httpd_peer_address(request)))
		refuse(sunfish, request, 403);
}

static void on_request(void *data, struct httpd_request *request)
{
	struct sunfish *sunfish = data;
	const char *method = httpd_method(request);
	char uri[RF_URI_MAX];

	if (!sunfish_conf_allows(sunfish->conf, httpd_peer_address(request)))
		refuse(sunfish, request, 403);
	else if (!sunfish_tree_uri(httpd_path(request), sunfish->sm.uuid, uri))
		refuse(sunfish, request, 414);
	else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		on_get(sunfish, request, uri);
	else if (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0 ||
		 strcmp(method, "DELETE") == 0)
		on_change(sunfish, request, uri);
	else
		refuse(sunfish, request, 405);
}

int sunfish_listen(struct sunfish *sunfish, struct err *err)
{
	const struct httpd_config config = {
		.address = sunfish->conf->address,
		.port = (uint16_t)sunfish->conf->port,
		.listen_fd = -1,
		.connections_max = CONNECTIONS_MAX,
		.body_max = BODY_MAX,
		.connection_bytes = CONNECTION_BYTES,
		.timeout_seconds = IDLE_SECONDS,
		.head = on_head,
	};

	return httpd_new(sunfish->redfish->loop, &config, on_request, sunfish, &sunfish->httpd,
			 err);
}
