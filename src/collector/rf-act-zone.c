/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-act-zone - Zones: hosts and subsystems that may meet, with ZoneOnly nobody else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/rf-act-own.h"
#include "collector/rf-body.h"

/* An Endpoint into a set of a zone as the API has it: {"hosts": [], "subsystems": []}. */
static int add_member(struct redfish *redfish, struct rf_call *call, const struct js *link,
		      struct js *hosts, struct js *subsystems)
{
	const struct rf_item *item = rf_act_item(redfish, link);

	if (!item || (item->kind != RF_HOST && item->kind != RF_TARGET))
		return rf_problem_property(&call->problems, "PropertyValueIncorrect",
					   "Links/Endpoints", rf_act_text(link, "@odata.id"),
					   "It must be the URI of an Endpoint.");
	js_append(item->kind == RF_HOST ? hosts : subsystems, js_string(item->key));
	return 0;
}

static int take_name(struct rf_call *call, const char **ret)
{
	*ret = rf_act_text(call->body, "Id");
	if (!**ret && call->member_id)
		*ret = call->member_id;
	if (!**ret)
		*ret = rf_act_text(call->body, "Name");
	if (**ret)
		return 0;
	return rf_problem_property(&call->problems, "PropertyMissing", "Name", NULL,
				   "Give its Id or Name.");
}

static int make(struct redfish *redfish, struct rf_call *call, const char *name,
		struct js *take_hosts, struct js *take_subsystems)
{
	const char *access = rf_act_text(call->body, "ExternalAccessibility");
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *answer = NULL;
	char uri[RF_URI_MAX];
	char id[RF_ID_MAX];
	int r;

	js_set(body, "name", js_string(name));
	js_set(body, "hosts", take_hosts);
	js_set(body, "subsystems", take_subsystems);
	/* what others may not see is a tenant's */
	if (strcmp(access, "ZoneOnly") == 0)
		js_set(body, "tenant", js_string(name));
	snprintf(uri, sizeof(uri), RF_ZONES "/%s", rf_id_make(name, id));
	if (zone_count(redfish->collector->zones) && rf_tree_find(redfish->tree, uri))
		return rf_act_is_there(call, uri);
	r = rf_act_ask(redfish, call, "POST", "/zones", body, &answer);
	if (r == 0)
		rf_call_created(call, uri);
	return r;
}

int rf_act_post_zone(void *data, struct rf_call *call)
{
	static const char *const known[] = { "Id",
					     "Name",
					     "Description",
					     "ZoneType",
					     "ExternalAccessibility",
					     "DefaultRoutingEnabled",
					     "Links",
					     "Oem",
					     NULL };
	struct redfish *redfish = data;
	const struct js *list = js_get(js_get(call->body, "Links"), "Endpoints");
	const char *type = rf_act_text(call->body, "ZoneType");
	struct js *hosts = js_array();
	struct js *subsystems = js_array();
	const char *name = NULL;
	size_t i;
	int r = rf_body_check(call, known);

	if (r == 0 && *type && strcmp(type, "ZoneOfEndpoints") != 0)
		r = rf_problem_property(&call->problems, "PropertyValueNotInList", "ZoneType", type,
					"It must be ZoneOfEndpoints.");
	if (r == 0)
		r = take_name(call, &name);
	for (i = 0; r == 0 && i < js_length(list); i++)
		r = add_member(redfish, call, js_at(list, i), hosts, subsystems);
	if (r == 0)
		return make(redfish, call, name, hosts, subsystems);
	js_free(hosts);
	js_free(subsystems);
	return r;
}

/* --- DELETE and actions. A fence goes by force, since that is what is asked for, but not around
 * what is connected. */

static const char *zone_path(const struct rf_call *call, char path[128])
{
	const struct rf_item *item = rf_resource_object(call->resource);

	snprintf(path, 128, "/zones/%s", item->key);
	return path;
}

/* Is there a Connection of it whose other end is in the zone as well? */
static bool is_used(const struct rf_tree *tree, const struct rf_resource *zone,
		    const struct rf_item *item)
{
	int own = item->kind == RF_HOST ? RF_CONNECTION_HOST : RF_CONNECTION_TARGET;
	int other = item->kind == RF_HOST ? RF_CONNECTION_TARGET : RF_CONNECTION_HOST;
	size_t n_zone = rf_link_count(tree, RF_ZONE_ENDPOINT, zone, false);
	size_t i, j;

	for (i = 0; i < rf_link_count(tree, own, item->resource, true); i++) {
		struct rf_resource *connection = rf_link_at(tree, own, item->resource, true, i);
		struct rf_resource *end;

		if (!rf_link_count(tree, other, connection, false))
			continue;
		end = rf_link_at(tree, other, connection, false, 0);
		for (j = 0; j < n_zone; j++)
			if (rf_link_at(tree, RF_ZONE_ENDPOINT, zone, false, j) == end)
				return true;
	}
	return false;
}

static int refuse_used(struct rf_call *call)
{
	return rf_act_refuse(call, "ResourceInUse", NULL,
			     "There is a Connection within the Zone: delete that first.");
}

int rf_act_delete_zone(void *data, struct rf_call *call)
{
	struct redfish *redfish = data;
	CLEANUP_JS struct js *answer = NULL;
	char path[128];
	size_t i;

	for (i = 0; i < rf_link_count(redfish->tree, RF_ZONE_ENDPOINT, call->resource, false); i++)
		if (is_used(redfish->tree, call->resource,
			    rf_resource_object(rf_link_at(redfish->tree, RF_ZONE_ENDPOINT,
							  call->resource, false, i))))
			return refuse_used(call);
	return rf_act_ask(redfish, call, "DELETE", zone_path(call, path), NULL, &answer);
}

static int change(struct redfish *redfish, struct rf_call *call, const char *action,
		  const char *verb)
{
	const struct js *link = js_get(call->body, "Endpoint");
	struct js *hosts = js_array();
	struct js *subsystems = js_array();
	struct js *sets = js_object();
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *answer = NULL;
	char path[128];
	int r = 0;

	js_set(sets, "hosts", hosts);
	js_set(sets, "subsystems", subsystems);
	js_set(body, verb, sets);
	if (!link)
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "ActionParameterMissing",
							    .args = { action, "Endpoint" } });
	r = add_member(redfish, call, link, hosts, subsystems);
	if (r == 0 && strcmp(verb, "remove") == 0 &&
	    is_used(redfish->tree, call->resource, rf_act_item(redfish, link)))
		r = refuse_used(call);
	return r < 0 ? r : rf_act_ask(redfish, call, "PATCH", zone_path(call, path), body, &answer);
}

static int add_endpoint(void *data, struct rf_call *call)
{
	return change(data, call, "Zone.AddEndpoint", "add");
}

static int remove_endpoint(void *data, struct rf_call *call)
{
	return change(data, call, "Zone.RemoveEndpoint", "remove");
}

const struct rf_action rf_act_zone_actions[] = {
	{ "#Zone.AddEndpoint", add_endpoint },
	{ "#Zone.RemoveEndpoint", remove_endpoint },
	{ 0 },
};
