/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfish-say - documents that go to a Sunfish server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/redfish.h"
#include "collector/sunfish-own.h"

static struct js *link_to(const char *uri)
{
	struct js *link = js_object();

	js_set(link, "@odata.id", js_string(uri));
	return link;
}

/* --- events */

static struct js *record(const char *what, const char *const *args, const char *uri)
{
	struct js *event = js_object();
	struct js *array = js_array();
	CLEANUP_STR struct str id = STR_NULL;

	str_addf(&id, "ResourceEvent.1.3.%s", what);
	js_set(event, "EventType", js_string("Other"));
	js_set(event, "EventId", js_string("1"));
	js_set(event, "MemberId", js_string("0"));
	js_set(event, "Severity", js_string("OK"));
	js_set(event, "Message", js_string(what));
	js_set(event, "MessageId", js_string(str_get(&id)));
	for (; args && *args; args++)
		js_append(array, js_string(*args));
	js_set(event, "MessageArgs", array);
	js_set(event, "OriginOfCondition", link_to(uri));
	return event;
}

struct js *sunfish_event(const char *what, const char *context, const char *const *args,
			 const char *const *uris, size_t n_uris)
{
	struct js *doc = js_object();
	struct js *events = js_array();
	size_t i;

	js_set(doc, "@odata.type", js_string("#Event.v1_7_0.Event"));
	js_set(doc, "Id", js_string("1"));
	js_set(doc, "Name", js_string(what));
	js_set(doc, "Context", js_string(context));
	for (i = 0; i < n_uris; i++)
		js_append(events, record(what, args, uris[i]));
	js_set(doc, "Events", events);
	return doc;
}

/* --- resources */

struct js *sunfish_source(const struct sunfish *sunfish, const char *uuid)
{
	struct js *doc = js_object();
	struct js *links = js_object();
	struct js *taken = js_array();
	char uri[256];
	size_t i;

	snprintf(uri, sizeof(uri), SUNFISH_SOURCES "/%s", uuid);
	js_set(doc, "@odata.id", js_string(uri));
	js_set(doc, "@odata.type", js_string("#AggregationSource.v1_2_.AggregationSource"));
	js_set(doc, "Id", js_string(uuid));
	js_set(doc, "HostName", js_string(sunfish->conf->url));
	js_set(links, "ConnectionMethod", link_to(sunfish->method_uri));
	for (i = 0; i < sunfish->taken.count; i++)
		js_append(taken, js_string(sunfish->taken.items[i]));
	js_set(links, "ResourcesAccessed", taken);
	js_set(doc, "Links", links);
	return doc;
}

struct js *sunfish_method(const struct sunfish *sunfish)
{
	struct js *doc = js_object();

	js_set(doc, "@odata.id", js_string(sunfish->method_uri));
	js_set(doc, "@odata.type", js_string("#ConnectionMethod.v1_1_0.ConnectionMethod"));
	js_set(doc, "Id", js_string(sunfish->name));
	js_set(doc, "Name", js_string("NVMe over Fabrics"));
	js_set(doc, "ConnectionMethodType", js_string("Redfish"));
	js_set(doc, "ConnectionMethodVariant", js_string("NVMeoF"));
	return doc;
}

struct js *sunfish_subscription(const struct sunfish *sunfish)
{
	struct js *doc = js_object();
	CLEANUP_STR struct str url = STR_NULL;

	str_addf(&url, "%s/EventListener", sunfish->conf->server);
	js_set(doc, "@odata.id", js_string(SUNFISH_SUBSCRIPTION));
	js_set(doc, "@odata.type", js_string("#EventDestination.v1_13_0.EventDestination"));
	js_set(doc, "Id", js_string("SunfishServer"));
	js_set(doc, "Name", js_string("Sunfish Server"));
	js_set(doc, "Destination", js_string(str_get(&url)));
	js_set(doc, "Protocol", js_string("Redfish"));
	js_set(doc, "Context", js_string(sunfish->sm.uuid));
	return doc;
}

/* --- several requests in a row */

void sunfish_steps_free(struct sunfish *sunfish)
{
	while (sunfish->n_steps) {
		struct sunfish_step *step = &sunfish->steps[--sunfish->n_steps];

		free(step->path);
		free(step->body);
	}
	free(sunfish->steps);
	sunfish->steps = NULL;
	sunfish->steps_room = sunfish->step = 0;
	sunfish->steps_status = 0;
}

static int add_step(struct sunfish *sunfish, const char *method, const char *path,
		    struct js *take_body)
{
	CLEANUP_JS struct js *body = take_body;
	struct sunfish_step *step;

	if (sunfish->n_steps == sunfish->steps_room) {
		size_t room = sunfish->steps_room ? 2 * sunfish->steps_room : 64;

		step = realloc(sunfish->steps, room * sizeof(*step));
		if (!step)
			return -ENOMEM;
		sunfish->steps = step;
		sunfish->steps_room = room;
	}
	step = &sunfish->steps[sunfish->n_steps++];
	*step = (struct sunfish_step){ .method = method, .path = strdup(path) };
	if (body)
		step->body = js_format(body, JS_COMPACT);
	return step->path && (!body || step->body) ? 0 : -ENOMEM;
}

/* "/redfish/v1/Storage/NAME" of what stands at it or below; others are not deleted by themselves.
 */
static bool top_of(const char *uri, char ret[RF_URI_MAX])
{
	size_t depth = 0;
	size_t length;

	for (length = 0; uri[length] && (uri[length] != '/' || depth < 4); length++)
		depth += uri[length] == '/';
	if (depth < 4 || length >= RF_URI_MAX)
		return false;
	snprintf(ret, RF_URI_MAX, "%.*s", (int)length, uri);
	return true;
}

static int add_deletes(struct sunfish *sunfish, const struct sunfish_list *uris)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < uris->count; i++)
		r = add_step(sunfish, "DELETE", uris->items[i], NULL);
	return r;
}

int sunfish_steps_leave(struct sunfish *sunfish)
{
	CLEANUP_SUNFISH_LIST struct sunfish_list mine = { 0 };
	CLEANUP_SUNFISH_LIST struct sunfish_list all = { 0 };
	char uri[RF_URI_MAX];
	size_t i;
	int r = 0;

	sunfish_tree_list(sunfish->redfish->tree, &mine);
	for (i = 0; i < mine.count; i++)
		if (top_of(mine.items[i], uri))
			sunfish_list_add(&all, uri);
	for (i = 0; i < sunfish->taken.count; i++)
		if (top_of(sunfish->taken.items[i], uri))
			sunfish_list_add(&all, uri);
	sunfish_list_sort(&all);
	if (*sunfish->owner)
		r = add_step(sunfish, "DELETE", sunfish->owner, NULL);
	if (r == 0)
		r = add_deletes(sunfish, &all);
	if (r == 0)
		r = add_step(sunfish, "DELETE", sunfish->method_uri, NULL);
	return mine.failed || all.failed ? -ENOMEM : r;
}

/* While our source is away, the server takes our objects for its own, and does as it is told. */
int sunfish_steps_tidy(struct sunfish *sunfish)
{
	CLEANUP_SUNFISH_LIST struct sunfish_list mine = { 0 };
	CLEANUP_SUNFISH_LIST struct sunfish_list left = { 0 };
	size_t i;
	int r = add_step(sunfish, "DELETE", sunfish->owner, NULL);

	if (r == 0)
		r = add_deletes(sunfish, &sunfish->stale);
	sunfish_tree_list(sunfish->redfish->tree, &mine);
	for (i = 0; r == 0 && i < mine.count; i++) {
		struct js *doc = sunfish_tree_get(sunfish->redfish->tree, mine.items[i],
						  sunfish->owner, sunfish->conf->marker_port);

		if (doc)
			r = add_step(sunfish, "PATCH", mine.items[i], doc);
	}
	sunfish_list_without(&sunfish->taken, &sunfish->stale, &left);
	if (left.failed)
		return -ENOMEM;
	sunfish_list_deinit(&sunfish->taken);
	sunfish->taken = left;
	left = (struct sunfish_list){ 0 };
	if (r == 0)
		r = add_step(sunfish, "POST", SUNFISH_SOURCES,
			     sunfish_source(sunfish, sunfish->sm.uuid));
	if (r == 0)
		sunfish->steps[sunfish->n_steps - 1].is_last = true;
	return mine.failed ? -ENOMEM : r;
}
