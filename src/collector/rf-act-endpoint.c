/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-act-endpoint - target Endpoints: an export at a listener, made and deleted with its drives.
 *
 * Redfish has no place for the drive of an Endpoint that is to be made: it is an entity of it
 * (EntityType Drive), which also says on which target, or Oem.Sunfish.DevicePath.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/rf-act-own.h"
#include "collector/rf-body.h"

#define ENTITIES "ConnectedEntities"
#define PLACE "IPTransportDetails"

struct asked {
	const char *nqn;
	const char *node; /* id; NULL not known yet */
	struct js *devices;
	struct js *listener;
};

static int need_nqn(struct rf_call *call, const char **ret)
{
	const struct js *list = js_get(call->body, "Identifiers");
	size_t i;

	for (i = 0; i < js_length(list); i++)
		if (strcmp(rf_act_text(js_at(list, i), "DurableNameFormat"), "NQN") == 0 &&
		    *rf_act_text(js_at(list, i), "DurableName")) {
			*ret = rf_act_text(js_at(list, i), "DurableName");
			return 0;
		}
	return rf_problem_property(&call->problems, "PropertyMissing", "Identifiers", NULL,
				   "Give its NQN: {\"DurableNameFormat\":\"NQN\","
				   "\"DurableName\":..}.");
}

static bool is_initiator(const struct rf_call *call)
{
	const struct js *list = js_get(call->body, ENTITIES);
	size_t i;

	for (i = 0; i < js_length(list); i++)
		if (strcmp(rf_act_text(js_at(list, i), "EntityRole"), "Initiator") == 0 ||
		    strcmp(rf_act_text(js_at(list, i), "EntityType"), "StorageInitiator") == 0)
			return true;
	return false;
}

/* --- a host: its own helper says that it is there */

static int post_host(struct redfish *redfish, struct rf_call *call, const char *nqn)
{
	char uri[RF_URI_MAX];

	if (rf_item_find(redfish->model, rf_uri_host(nqn, uri), RF_HOST))
		return rf_act_is_there(call, uri);
	return rf_problem_property(&call->problems, "PropertyValueIncorrect", "Identifiers", nqn,
				   "No host says that it has this NQN: start nvme-sunfishd there, "
				   "with this collector in its configuration.");
}

/* --- where */

static const char *transport_of(const char *protocol)
{
	static const char *const words[][2] = { { "TCP", "tcp" },
						{ "RoCE", "rdma" },
						{ "RoCEv2", "rdma" },
						{ "iWARP", "rdma" },
						{ "InfiniBand", "rdma" } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], protocol) == 0)
			return words[i][1];
	return NULL;
}

static int need_listener(struct rf_call *call, struct asked *asked)
{
	const struct js *place = js_at(js_get(call->body, PLACE), 0);
	const char *protocol = rf_act_text(place, "TransportProtocol");
	const char *transport = transport_of(protocol);
	const char *address = rf_act_text(js_get(place, "IPv4Address"), "Address");
	int64_t port = js_number(js_get(place, "Port"), 4420);
	char service[16];

	if (!*address)
		address = rf_act_text(js_get(place, "IPv6Address"), "Address");
	if (js_length(js_get(call->body, PLACE)) != 1 || !*address)
		return rf_problem_property(&call->problems, "PropertyMissing", PLACE, NULL,
					   "Name one address of the target.");
	if (!transport)
		return rf_problem_property(&call->problems, "PropertyValueNotInList",
					   PLACE "/0/TransportProtocol", protocol,
					   "It must be TCP, RoCE, RoCEv2, iWARP or InfiniBand.");
	if (port < 1 || port > 65535)
		return rf_problem_property(&call->problems, "PropertyValueIncorrect",
					   PLACE "/0/Port", "", "It must be from 1 to 65535.");
	snprintf(service, sizeof(service), "%d", (int)port);
	asked->listener = js_object();
	js_set(asked->listener, "transport", js_string(transport));
	js_set(asked->listener, "address", js_string(address));
	js_set(asked->listener, "service", js_string(service));
	return 0;
}

/* --- what, and on which target */

static int take_drive(struct rf_call *call, const struct rf_item *drive, struct asked *asked)
{
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(drive, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	const char *path = *rf_act_text(attrs, "by_id") ? rf_act_text(attrs, "by_id")
							: rf_act_text(attrs, "path");

	if (!*path)
		return rf_act_refuse(call, "ResourceInUse", NULL, "The drive is just going.");
	if (asked->node && strcmp(asked->node, drive->node) != 0)
		return rf_problem_property(&call->problems, "PropertyValueConflict", ENTITIES,
					   ENTITIES, "The drives are of more than one target.");
	asked->node = drive->node;
	js_append(asked->devices, js_string(path));
	return 0;
}

/* Drives are exported, a System or Chassis says where; more is said by Redfish, not asked. */
static int take_entities(struct redfish *redfish, struct rf_call *call, struct asked *asked)
{
	const struct js *list = js_get(call->body, ENTITIES);
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < js_length(list); i++) {
		const struct js *link = js_get(js_at(list, i), "EntityLink");
		const struct rf_item *item = link ? rf_act_item(redfish, link) : NULL;

		if (link && !item)
			r = rf_problem_property(&call->problems, "PropertyValueIncorrect", ENTITIES,
						rf_act_text(link, "@odata.id"),
						"There is no such resource.");
		else if (item && item->kind == RF_DRIVE)
			r = take_drive(call, item, asked);
		else if (item && (item->kind == RF_NODE || item->kind == RF_FRAME) && !asked->node)
			asked->node = item->key;
	}
	return r;
}

static int note_node(void *data, const struct registry_source *source,
		     const struct registry_object *object)
{
	struct asked *asked = data;

	(void)object;
	asked->node = source->node->id;
	return 1;
}

static int need_devices(struct redfish *redfish, struct rf_call *call, struct asked *asked)
{
	const struct js *oem = js_get(js_get(call->body, "Oem"), "Sunfish");
	const char *path = rf_act_text(oem, "DevicePath");
	struct registry_filter filter = { .role = REPORT_TARGET, .kind = "listener" };
	int r;

	asked->devices = js_array();
	r = take_entities(redfish, call, asked);
	if (r < 0)
		return r;
	if (*path)
		js_append(asked->devices, js_string(path));
	if (!js_length(asked->devices))
		return rf_problem_property(
			&call->problems, "PropertyMissing", ENTITIES, NULL,
			"An export needs a drive: link one of Chassis/NAME/Drives as an entity of "
			"EntityType Drive, or give Oem/Sunfish/DevicePath.");
	/* a target listens at that address already */
	filter.is[0].key = "address";
	filter.is[0].text = rf_act_text(asked->listener, "address");
	if (!asked->node)
		registry_each(redfish->collector->registry, &filter, note_node, asked);
	if (asked->node)
		return 0;
	return rf_problem_property(
		&call->problems, "PropertyMissing", ENTITIES, NULL,
		"It cannot be told which target is meant: link its Chassis as an "
		"entity.");
}

static const char *endpoint_uri(const struct asked *asked, char uri[RF_URI_MAX])
{
	CLEANUP_STR struct str name = STR_NULL;
	char id[RF_ID_MAX];

	str_addf(&name, "%s.%s.%s.%s", rf_id_make(asked->nqn, id),
		 rf_act_text(asked->listener, "transport"), rf_act_text(asked->listener, "address"),
		 rf_act_text(asked->listener, "service"));
	snprintf(uri, RF_URI_MAX, RF_ENDPOINTS "/%s", rf_id_make(str_get(&name), id));
	return uri;
}

static int export(struct redfish *redfish, struct rf_call *call, const struct asked *asked)
{
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *answer = NULL;
	struct js *listeners = js_array();
	char uri[RF_URI_MAX];
	int r;

	js_append(listeners, js_ref(asked->listener));
	js_set(body, "nqn", js_string(asked->nqn));
	js_set(body, "node", js_string(asked->node));
	js_set(body, "devices", js_ref(asked->devices));
	js_set(body, "listeners", listeners);
	r = rf_act_ask(redfish, call, "POST", "/exports", body, &answer);
	return r < 0 ? r
		     : rf_act_wait(redfish, call, rf_act_text(answer, "id"), RF_AIM_MADE,
				   endpoint_uri(asked, uri));
}

static int post_target(struct redfish *redfish, struct rf_call *call, const char *nqn)
{
	struct asked asked = { .nqn = nqn };
	char uri[RF_URI_MAX];
	int r = need_listener(call, &asked);

	if (r == 0 && rf_tree_find(redfish->tree, endpoint_uri(&asked, uri))) {
		r = rf_act_is_there(call, uri);
	} else if (r == 0) {
		r = need_devices(redfish, call, &asked);
		if (r == 0)
			r = export(redfish, call, &asked);
	}
	js_free(asked.devices);
	js_free(asked.listener);
	return r;
}

int rf_act_post_endpoint(void *data, struct rf_call *call)
{
	static const char *const known[] = {
		"Id",	 "Name", "Description", "EndpointProtocol", "Identifiers", ENTITIES, PLACE,
		"Links", "Oem",	 NULL
	};
	struct redfish *redfish = data;
	const char *protocol = rf_act_text(call->body, "EndpointProtocol");
	const char *nqn = NULL;
	int r = rf_body_check(call, known);

	if (r == 0 && *protocol && strcmp(protocol, "NVMeOverFabrics") != 0)
		r = rf_problem_property(&call->problems, "PropertyValueNotInList",
					"EndpointProtocol", protocol,
					"It must be NVMeOverFabrics.");
	if (r == 0)
		r = need_nqn(call, &nqn);
	if (r < 0)
		return r;
	return is_initiator(call) ? post_host(redfish, call, nqn) : post_target(redfish, call, nqn);
}

/* --- DELETE */

static struct intent *find_export(const struct redfish *redfish, const char *nqn, const char *node)
{
	const struct intents *intents = redfish->collector->intents;
	size_t i;

	for (i = 0; i < intents->count; i++) {
		struct intent *intent = intents->items[i];

		if (intent->is_export && !intent_is_over(intent) && strcmp(intent->nqn, nqn) == 0 &&
		    strcmp(intent->target, node) == 0)
			return intent;
	}
	return NULL;
}

int rf_act_delete_endpoint(void *data, struct rf_call *call)
{
	struct redfish *redfish = data;
	struct rf_resource *resource = call->resource;
	const struct rf_item *item = rf_resource_object(resource);
	const struct intent *intent = NULL;
	CLEANUP_JS struct js *answer = NULL;
	char path[64];
	int r;

	if (item->kind != RF_TARGET)
		return rf_act_refuse(
			call, "ResourceCannotBeDeleted", NULL,
			"A host is there as long as its helper reports it, or a target "
			"lets it in.");
	if (rf_link_count(redfish->tree, RF_CONNECTION_TARGET, resource, true))
		return rf_act_refuse(call, "ResourceInUse", NULL,
				     "There are Connections to it: delete them first.");
	intent = find_export(redfish, item->key, item->node);
	if (!intent)
		return rf_act_refuse(call, "ResourceCannotBeDeleted", NULL,
				     "It was made on the target itself: take it away there, by "
				     "nvmet-sunfishctl delete.");
	if (js_length(js_get(intent->request, "listeners")) > 1)
		return rf_act_refuse(call, "ResourceCannotBeDeleted", NULL,
				     "Its export has more listeners: delete it as a whole, by "
				     "sunfishctl delete.");
	snprintf(path, sizeof(path), "/exports/%s", intent->id);
	r = rf_act_ask(redfish, call, "DELETE", path, NULL, &answer);
	return r < 0 ? r
		     : rf_act_wait(redfish, call, path + strlen("/exports/"), RF_AIM_GONE,
				   rf_resource_uri(resource));
}

/* --- Volumes: one more drive for an export that was made from here */

static int take_link(struct redfish *redfish, struct rf_call *call, const struct js *link,
		     struct asked *asked)
{
	const struct rf_item *drive = rf_act_item(redfish, link);

	if (drive && drive->kind == RF_DRIVE)
		return take_drive(call, drive, asked);
	return rf_problem_property(&call->problems, "PropertyValueIncorrect", "Links/Drives",
				   rf_act_text(link, "@odata.id"),
				   "It must be the URI of a Drive of the target.");
}

static int take_volume(struct redfish *redfish, struct rf_call *call, const struct intent *intent,
		       struct asked *asked)
{
	const struct js *drives = js_get(js_get(call->body, "Links"), "Drives");
	const char *path = rf_act_text(js_get(js_get(call->body, "Oem"), "Sunfish"), "DevicePath");

	asked->node = intent->target;
	asked->devices = js_array();
	if (js_length(drives) == 1)
		return take_link(redfish, call, js_at(drives, 0), asked);
	if (js_length(drives) || !*path)
		return rf_problem_property(&call->problems, "PropertyMissing", "Links/Drives", NULL,
					   "Name one Drive of the target, or give "
					   "Oem/Sunfish/DevicePath.");
	js_append(asked->devices, js_string(path));
	return 0;
}

static struct intent *find_one_export(const struct redfish *redfish, const struct rf_item *storage)
{
	if (!storage || storage->kind != RF_SUBSYSTEM || storage->n_nodes != 1)
		return NULL;
	return find_export(redfish, storage->key, storage->nodes[0]);
}

static int add_drive(struct redfish *redfish, struct rf_call *call, struct intent *intent,
		     const char *device)
{
	struct err err = ERR_NULL;
	int r = intent_export_extend(redfish->collector->intents, intent, device, &err);

	if (r == -EBUSY)
		return rf_problem_errno(&call->problems, &err);
	return r < 0 ? r
		     : rf_act_wait_for_member(redfish, call, intent->id,
					      rf_resource_uri(call->resource));
}

int rf_act_post_volume(void *data, struct rf_call *call)
{
	static const char *const known[] = { "Id",    "Name", "Description", "DisplayName",
					     "Links", "Oem",  NULL };
	struct redfish *redfish = data;
	struct rf_resource *storage = rf_resource_parent(call->resource);
	struct intent *intent = find_one_export(redfish, rf_resource_object(storage));
	struct asked asked = { 0 };
	int r = rf_body_check(call, known);

	if (r < 0)
		return r;
	if (!intent)
		return rf_act_refuse(call, "ResourceInUse", NULL,
				     "It was made on the target itself, or on more than one: add a "
				     "drive there, by nvmet-sunfishctl namespace add.");
	r = take_volume(redfish, call, intent, &asked);
	if (r == 0 && js_length(asked.devices))
		r = add_drive(redfish, call, intent, js_text(js_at(asked.devices, 0)));
	js_free(asked.devices);
	return r;
}

int rf_act_delete_volume(void *data, struct rf_call *call)
{
	(void)data;
	return rf_act_refuse(call, "ResourceCannotBeDeleted", NULL,
			     "A namespace goes with its export: delete the Endpoint of it.");
}
