/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-act-connect - Connections: a host is let into a subsystem and connects, and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/rf-act-own.h"
#include "collector/rf-body.h"

/* What is to be connected. */
struct ends {
	const struct rf_item *host;
	const struct rf_item *target;
	struct rf_resource *storage;
	struct js *listener; /* owned */
};

static int need_host(struct redfish *redfish, struct rf_call *call, const struct js *links,
		     struct ends *ends)
{
	const struct js *list = js_get(links, "InitiatorEndpoints");

	if (js_get(links, "InitiatorEndpointGroups"))
		return rf_problem_property(&call->problems, "PropertyUnknown",
					   "Links/InitiatorEndpointGroups", NULL,
					   "Make a Connection for each host.");
	if (js_length(list) != 1)
		return rf_problem_property(
			&call->problems, "PropertyMissing", "Links/InitiatorEndpoints", NULL,
			"Name one host: a Connection is of one. What any host may use is exported "
			"so by sunfishctl export --any-host.");
	ends->host = rf_act_item(redfish, js_at(list, 0));
	if (ends->host && ends->host->kind == RF_HOST)
		return 0;
	return rf_problem_property(&call->problems, "PropertyValueIncorrect",
				   "Links/InitiatorEndpoints",
				   rf_act_text(js_at(list, 0), "@odata.id"),
				   "It must be the URI of a host's Endpoint.");
}

/* Of several listeners the first is used: the kernel lets a host in by all of them. */
static int need_target(struct redfish *redfish, struct rf_call *call, const struct js *links,
		       struct ends *ends)
{
	const struct js *list = js_get(links, "TargetEndpoints");
	const struct rf_item *first = rf_act_item(redfish, js_at(list, 0));
	size_t i;

	if (!js_length(list))
		return rf_problem_property(&call->problems, "PropertyMissing",
					   "Links/TargetEndpoints", NULL,
					   "Name an Endpoint of the subsystem.");
	for (i = 0; i < js_length(list); i++) {
		const struct rf_item *target = rf_act_item(redfish, js_at(list, i));

		if (!first || !target || target->kind != RF_TARGET)
			return rf_problem_property(&call->problems, "PropertyValueIncorrect",
						   "Links/TargetEndpoints",
						   rf_act_text(js_at(list, i), "@odata.id"),
						   "It must be the URI of a target's Endpoint.");
		if (strcmp(first->key, target->key) != 0 || strcmp(first->node, target->node) != 0)
			return rf_problem_property(
				&call->problems, "PropertyValueConflict", "Links/TargetEndpoints",
				"Links/TargetEndpoints",
				"They are of more than one subsystem: make a Connection for each.");
	}
	if (!first)
		return -EBADMSG;
	ends->target = first;
	ends->storage = rf_link_at(redfish->tree, RF_TARGET_SUBSYSTEM, first->resource, false, 0);
	return 0;
}

static int need_ends(struct redfish *redfish, struct rf_call *call, struct ends *ends)
{
	const struct js *links = js_get(call->body, "Links");
	int r = need_host(redfish, call, links, ends);

	if (r == 0)
		r = need_target(redfish, call, links, ends);
	if (r == 0 && (!ends->host || !ends->target))
		r = -EBADMSG;
	return r;
}

/* --- what is asked for is the whole subsystem, or nothing */

static bool has_word(const struct js *list, const char *word)
{
	size_t i;

	for (i = 0; i < js_length(list); i++)
		if (js_text(js_at(list, i)) && strcmp(js_text(js_at(list, i)), word) == 0)
			return true;
	return false;
}

static bool is_full_access(const struct js *info)
{
	const struct js *access = js_get(info, "AccessCapabilities");

	return !access || (has_word(access, "Read") && has_word(access, "Write"));
}

static bool has_volume(const struct js *infos, const char *uri)
{
	size_t i;

	for (i = 0; i < js_length(infos); i++)
		if (strcmp(rf_act_text(js_get(js_at(infos, i), "Volume"), "@odata.id"), uri) == 0)
			return true;
	return false;
}

static int check_volumes(struct redfish *redfish, struct rf_call *call, const struct ends *ends)
{
	static const char cure[] =
		"The kernel's target lets a host into a whole subsystem, to read "
		"and write: list every Volume of it with both, or leave "
		"VolumeInfo out, or export this one in a subsystem of its own.";
	const struct js *infos = js_get(call->body, "VolumeInfo");
	struct rf_resource *volumes;
	char uri[RF_URI_MAX];
	size_t n = 0;
	size_t i;
	bool fits = true;

	if (!infos)
		return 0;
	snprintf(uri, sizeof(uri), "%s/Volumes", rf_resource_uri(ends->storage));
	volumes = rf_tree_find(redfish->tree, uri);
	n = volumes ? rf_resource_child_count(volumes) : 0;
	for (i = 0; i < n; i++)
		fits &= has_volume(infos, rf_resource_uri(rf_resource_child_at(volumes, i)));
	for (i = 0; i < js_length(infos); i++)
		fits &= is_full_access(js_at(infos, i));
	if (fits && js_type(infos) == JS_ARRAY && js_length(infos) == n)
		return 0;
	return rf_problem_property(&call->problems, "PropertyValueConflict", "VolumeInfo",
				   "Storage", cure);
}

/* --- zones */

static int take_listener(const struct ends *ends, struct js **ret)
{
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(ends->target, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	static const char *const keys[] = { "transport", "address", "service" };
	size_t i;

	*ret = js_object();
	for (i = 0; i < 3; i++)
		js_set(*ret, keys[i], js_string(rf_act_text(attrs, keys[i])));
	return attrs ? 0 : -ENOENT;
}

static int check_zones(struct redfish *redfish, struct rf_call *call, const struct ends *ends)
{
	char port[ZONE_PORT_MAX];
	struct zone_host host;

	zone_host_begin(redfish->collector->zones, ends->host->key, &host);
	zone_port(rf_act_text(ends->listener, "transport"), rf_act_text(ends->listener, "address"),
		  rf_act_text(ends->listener, "service"), port);
	if (zone_host_sees(&host, ends->target->key, port, NULL, true))
		return 0;
	return rf_act_refuse(call, "ResourceInUse", NULL,
			     "The two are in Zones of different tenants: put both into one of the "
			     "same tenant first.");
}

/* --- POST */

static const char *connection_uri(const struct ends *ends, char uri[RF_URI_MAX])
{
	CLEANUP_STR struct str name = STR_NULL;
	char id[RF_ID_MAX];

	str_addf(&name, "%s.%s", rf_id_make(ends->host->key, id), rf_resource_id(ends->storage));
	snprintf(uri, RF_URI_MAX, RF_CONNECTIONS "/%s", rf_id_make(str_get(&name), id));
	return uri;
}

static struct intent *find_attachment(const struct redfish *redfish, const char *nqn,
				      const char *hostnqn)
{
	const struct intents *intents = redfish->collector->intents;
	size_t i;

	for (i = 0; i < intents->count; i++) {
		struct intent *intent = intents->items[i];

		if (!intent->is_export && !intent_is_over(intent) &&
		    strcmp(intent->nqn, nqn) == 0 && strcmp(intent->hostnqn, hostnqn) == 0)
			return intent;
	}
	return NULL;
}

static int attach(struct redfish *redfish, struct rf_call *call, struct ends *ends)
{
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *answer = NULL;
	char uri[RF_URI_MAX];
	int r;

	js_set(body, "subsystem", js_string(ends->target->key));
	js_set(body, "host", js_string(ends->host->key));
	js_set(body, "target", js_string(ends->target->node));
	js_set(body, "listener", js_ref(ends->listener));
	r = rf_act_ask(redfish, call, "POST", "/attachments", body, &answer);
	return r < 0 ? r
		     : rf_act_wait(redfish, call, rf_act_text(answer, "id"), RF_AIM_MADE,
				   connection_uri(ends, uri));
}

int rf_act_post_connection(void *data, struct rf_call *call)
{
	static const char *const known[] = { "Id",	   "Name",  "Description", "ConnectionType",
					     "VolumeInfo", "Links", "Oem",	   NULL };
	struct redfish *redfish = data;
	struct ends ends = { 0 };
	char uri[RF_URI_MAX];
	int r = rf_body_check(call, known);

	if (r == 0 && *rf_act_text(call->body, "ConnectionType") &&
	    strcmp(rf_act_text(call->body, "ConnectionType"), "Storage") != 0)
		r = rf_problem_property(&call->problems, "PropertyValueNotInList", "ConnectionType",
					rf_act_text(call->body, "ConnectionType"),
					"It must be Storage.");
	if (r == 0)
		r = need_ends(redfish, call, &ends);
	if (r == 0)
		r = check_volumes(redfish, call, &ends);
	if (r == 0 && take_listener(&ends, &ends.listener) < 0)
		r = rf_act_refuse(call, "ResourceInUse", NULL, "The listener is just going.");
	if (r == 0)
		r = check_zones(redfish, call, &ends);
	if (r == 0 && rf_tree_find(redfish->tree, connection_uri(&ends, uri)) &&
	    find_attachment(redfish, ends.target->key, ends.host->key))
		r = rf_act_is_there(call, uri);
	else if (r == 0)
		r = attach(redfish, call, &ends);
	js_free(ends.listener);
	return r;
}

/* --- DELETE */

int rf_act_delete_connection(void *data, struct rf_call *call)
{
	struct redfish *redfish = data;
	const struct rf_item *item = rf_resource_object(call->resource);
	struct intent *intent = find_attachment(redfish, item->key, item->host);
	struct err err = ERR_NULL;
	int r;

	if (!intent)
		return rf_act_refuse(
			call, "ResourceInUse", NULL,
			"The target lets that host in by its own configuration, not since it was "
			"asked here: take that back there, by nvmet-sunfishctl host remove.");
	r = intent_attach_delete(redfish->collector->intents, intent, false, &err);
	return r < 0 ? r
		     : rf_act_wait(redfish, call, intent->id, RF_AIM_GONE,
				   rf_resource_uri(call->resource));
}
