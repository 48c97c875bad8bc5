/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfish-fabric - a small fabric in a tree, with all that a Sunfish server stumbles over. */
#pragma once

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish/rf-service.h"
#include "redfish/rf-tree.h"

#define FABRIC "/redfish/v1/Fabrics/Stumble" /* beside that of the collector */
#define ENDPOINT_URI FABRIC "/Endpoints/blake14"
#define CONNECTIONS FABRIC "/Connections"
#define VOLUME "/redfish/v1/Storage/blake14/Volumes/1"

/* What a resource says: its state, and links by name. */
struct fabric_object {
	const char *state;
	const char *links[6][2];
	bool bad; /* says what the server must not see as well */
};

static inline void fabric_link(struct js *doc, const char *key, const char *uri)
{
	struct js *link = js_object();

	js_set(link, "@odata.id", js_string(uri));
	js_set(doc, key, link);
}

static inline void fabric_bad(struct js *doc)
{
	static const char *const uris[] = { "/redfish/v1",
					    "/redfish/v1/EventService",
					    "",
					    "http://elsewhere/redfish/v1/Systems/x",
					    "/redfish/v1/Storage/nowhere",
					    "/redfish/v1/Storage/blake14/",
					    "/redfish/v1/Managers/collector" };
	struct js *array = js_array();
	struct js *none = js_object();
	size_t i;

	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct js *link = js_object();

		js_set(link, "@odata.id", js_string(uris[i]));
		js_append(array, link);
	}
	js_set(none, "@odata.id", js_string(NULL));
	js_append(array, none);
	js_set(doc, "Related", array);
	js_set(doc, "Related@odata.count", js_int(8));
	fabric_link(doc, "ManagedBy", "/redfish/v1/AggregationService/ConnectionMethods/NVMeoF");
	js_set(doc, "Oem", js_string(NULL));
	fabric_link(doc, "@Redfish.Settings", VOLUME);
	array = js_array();
	js_append(array, js_object());
	fabric_link((struct js *)js_at(array, 0), "X", VOLUME);
	js_set((struct js *)js_at(array, 0), "@odata.id", js_string(VOLUME));
	js_set(doc, "Volumes", array);
}

static inline int fabric_render(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct fabric_object *object = rf_resource_object(resource);
	struct js *links = js_object();
	size_t i;

	(void)data;
	js_set(doc, "Name", js_string(rf_resource_id(resource)));
	rf_set_status(resource, doc, object->state, "OK", NULL);
	for (i = 0; i < rf_resource_child_count(resource); i++)
		fabric_link(doc, rf_resource_id(rf_resource_child_at(resource, i)),
			    rf_resource_uri(rf_resource_child_at(resource, i)));
	for (i = 0; object->links[i][0]; i++)
		fabric_link(links, object->links[i][0], object->links[i][1]);
	js_set(doc, "Links", links);
	if (object->bad)
		fabric_bad(doc);
	return 0;
}

static int fabric_patch(void *data, struct rf_call *call)
{
	const char *state = js_text(js_get(call->body, "Name"));
	struct fabric_object *object = rf_resource_object(call->resource);

	(void)data;
	object->state = state && strcmp(state, "Disabled") == 0 ? "Disabled" : "Enabled";
	rf_resource_touch(rf_service_tree(call->service), call->resource);
	return 0;
}

static int fabric_delete(void *data, struct rf_call *call)
{
	(void)data;
	rf_tree_remove(rf_service_tree(call->service), call->resource);
	return 0;
}

static int fabric_post(void *data, struct rf_call *call);

static const struct rf_class fabric_classes[] = {
	{ .type = "#FabricCollection.FabricCollection", .collection = true, .name = "Fabrics" },
	{ .type = "#Fabric.v1_3_0.Fabric", .render = fabric_render },
	{ .type = "#EndpointCollection.EndpointCollection", .collection = true, .name = "E" },
	{ .type = "#Endpoint.v1_8_0.Endpoint", .render = fabric_render },
	{ .type = "#ConnectionCollection.ConnectionCollection",
	  .collection = true,
	  .name = "Connections",
	  .write = RF_CONFIGURE_COMPONENTS,
	  .post = fabric_post },
	{ .type = "#Connection.v1_3_0.Connection",
	  .render = fabric_render,
	  .write = RF_CONFIGURE_COMPONENTS,
	  .patch = fabric_patch,
	  .delete = fabric_delete },
	{ .type = "#StorageCollection.StorageCollection", .collection = true, .name = "Storage" },
	{ .type = "#Storage.v1_15_0.Storage", .render = fabric_render },
	{ .type = "#VolumeCollection.VolumeCollection", .collection = true, .name = "Volumes" },
	{ .type = "#Volume.v1_10_0.Volume", .render = fabric_render },
};

/* Its objects are of the caller, or not freed: tests only. */
static int fabric_post(void *data, struct rf_call *call)
{
	static struct fabric_object made = { .state = "Enabled",
					     .links = { { "Endpoint", ENDPOINT_URI } } };
	char uri[RF_URI_MAX];

	(void)data;
	snprintf(uri, sizeof(uri), CONNECTIONS "/%s", call->member_id ? call->member_id : "made");
	if (rf_tree_add(rf_service_tree(call->service), uri, &fabric_classes[5], &made, NULL,
			NULL) < 0)
		return -ENOMEM;
	rf_call_created(call, uri);
	return 0;
}

struct fabric {
	struct fabric_object none, fabric, endpoint, host, connection, storage, volume, lonely;
};

static inline void fabric_make(struct fabric *fabric, struct rf_tree *tree)
{
	const struct {
		const char *uri;
		int class;
		struct fabric_object *object;
	} resources[] = {
		{ "/redfish/v1/Fabrics", 0, NULL },
		{ FABRIC, 1, &fabric->fabric },
		{ FABRIC "/Endpoints", 2, NULL },
		{ ENDPOINT_URI, 3, &fabric->endpoint },
		{ FABRIC "/Endpoints/host1", 3, &fabric->host },
		{ CONNECTIONS, 4, NULL },
		{ CONNECTIONS "/C1", 5, &fabric->connection },
		{ "/redfish/v1/Storage", 6, NULL },
		{ "/redfish/v1/Storage/blake14", 7, &fabric->storage },
		{ "/redfish/v1/Storage/blake14/Volumes", 8, NULL },
		{ VOLUME, 9, &fabric->volume },
		/* nothing leads there but its collection */
		{ "/redfish/v1/Chassis", 6, NULL },
		{ "/redfish/v1/Chassis/lonely", 7, &fabric->lonely },
	};
	size_t i;

	*fabric = (struct fabric){
		.fabric = { .state = "Enabled", .bad = true },
		.endpoint = { .state = "Enabled",
			      .links = { { "Storage", "/redfish/v1/Storage/blake14" } } },
		.host = { .state = "Enabled" },
		.connection = { .state = "Enabled",
				.links = { { "Target", ENDPOINT_URI },
					   { "Host", FABRIC "/Endpoints/host1" } } },
		.storage = { .state = "Enabled", .bad = true },
		.volume = { .state = "Enabled",
			    .links = { { "Storage", "/redfish/v1/Storage/blake14#/Volumes" } } },
		.lonely = { .state = "Enabled" },
	};
	for (i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (!rf_tree_find(tree, resources[i].uri))
			assert_int_equal(rf_tree_add(tree, resources[i].uri,
						     &fabric_classes[resources[i].class],
						     resources[i].object, NULL, NULL),
					 0);
}
