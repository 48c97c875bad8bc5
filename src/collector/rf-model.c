/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-model.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/peek.h"
#include "collector/redfish.h"
#include "collector/rf-act.h"
#include "collector/rf-model-own.h"

/* --- what an event concerns */

/* The member of a compact JSON object into @names. A text with escapes is none of an NQN's. */
static void add_member(struct rf_names *names, const char *json, const char *key)
{
	size_t length;
	const char *value = json ? peek_find(json, key, &length) : NULL;
	CLEANUP_FREE char *text = NULL;

	if (!value || length < 3 || *value != '"')
		return;
	text = strndup(value + 1, length - 2);
	if (text)
		rf_names_add(names, text);
	else
		names->failed = true;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static int on_event(void *data, const struct store_event *event, struct err *err)
{
	static const char *const subsystems[] = { "subsystem", "namespace",  "allowed",
						  "session",   "controller", NULL };
	static const char *const nodes[] = { "drive", "host", NULL };
	struct rf_model *model = data;
	const struct rf_item *node = rf_model_node(model, event->node);

	(void)err;
	/* renamed: no event says so */
	if (node && strcmp(node->object, event->name) != 0)
		rf_names_add(&model->nodes, event->node);
	if (is_one_of(event->kind, subsystems))
		add_member(&model->subsystems, event->object, "nqn");
	else if (is_one_of(event->kind, nodes))
		rf_names_add(&model->nodes, event->node);
	else if (strcmp(event->kind, "listener") == 0)
		rf_names_add(&model->ports, event->node);
	else if (strcmp(event->kind, "attachment") == 0)
		add_member(&model->subsystems, event->object, "subsystem");
	else if (strcmp(event->kind, "zone") == 0)
		model->zones = true;
	if (strcmp(event->kind, "subsystem") == 0 || strcmp(event->kind, "host") == 0)
		rf_names_add(&model->nodes, event->node);
	if (strcmp(event->kind, "node") == 0) {
		rf_names_add(&model->nodes, event->object_id);
		rf_names_add(&model->ports, event->object_id);
	}
	return 0;
}

/* --- everything */

static void mark_children(struct rf_model *model, const char *uri, enum rf_kind kind,
			  struct rf_names *names)
{
	struct rf_resource *collection = rf_tree_find(model->tree, uri);
	size_t i;

	for (i = 0; collection && i < rf_resource_child_count(collection); i++) {
		struct rf_resource *child = rf_resource_child_at(collection, i);

		if (rf_resource_class(child) == &rf_classes[kind])
			rf_names_add(names, ((struct rf_item *)rf_resource_object(child))->key);
	}
}

static void mark_all(struct rf_model *model)
{
	const struct registry *registry = model->redfish->collector->registry;
	size_t i;

	for (i = 0; i < registry_node_count(registry); i++) {
		const char *id = registry_node_at(registry, i)->id;

		rf_names_add(&model->nodes, id);
		rf_names_add(&model->ports, id);
	}
	mark_children(model, RF_SYSTEMS, RF_NODE, &model->nodes);
	mark_children(model, RF_STORAGE, RF_SUBSYSTEM, &model->subsystems);
	mark_children(model, RF_ENDPOINTS, RF_HOST, &model->hosts);
	model->zones = true;
}

/* --- after a commit */

/* All subsystems of a node. */
static void mark_subsystems(struct rf_model *model, const char *node)
{
	struct registry_source *source = rf_model_source(model, node, REPORT_TARGET);
	struct rf_item *item = rf_model_node(model, node);
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;

	objects = source ? registry_object_range(source, "subsystem", &count) : NULL;
	for (i = 0; i < count; i++)
		rf_names_add(&model->subsystems, objects[i]->id);
	source = rf_model_source(model, node, REPORT_INITIATOR);
	objects = source ? registry_object_range(source, "controller", &count) : NULL;
	for (i = 0; objects && i < count; i++)
		add_member(&model->subsystems, objects[i]->attrs, "nqn");
	/* of those that it had: it is gone with all of them */
	for (i = 0; item && i < rf_link_count(model->tree, RF_TARGET_NODE, item->resource, true);
	     i++) {
		struct rf_resource *endpoint =
			rf_link_at(model->tree, RF_TARGET_NODE, item->resource, true, i);

		rf_names_add(&model->subsystems,
			     ((struct rf_item *)rf_resource_object(endpoint))->key);
	}
}

typedef int (*look_fn)(struct rf_model *model, const char *name, struct err *err);

/* Each of @names; a look may mark more, but none of its own kind. */
static int look_at(struct rf_model *model, struct rf_names *names, look_fn look, struct err *err)
{
	size_t i;
	int r = 0;

	rf_names_sort(names);
	for (i = 0; r == 0 && i < names->count; i++) {
		model->stamp++;
		r = look(model, names->list[i], err);
	}
	if (r == 0)
		rf_names_clear(names);
	return r;
}

static bool has_failed(const struct rf_model *model)
{
	return model->nodes.failed || model->ports.failed || model->subsystems.failed ||
	       model->hosts.failed;
}

int rf_model_flush(struct rf_model *model, struct err *err)
{
	size_t i;
	int r;

	if (has_failed(model))
		rf_model_reload(model);
	rf_names_sort(&model->ports);
	for (i = 0; i < model->ports.count; i++)
		mark_subsystems(model, model->ports.list[i]);
	r = look_at(model, &model->nodes, rf_look_node, err);
	if (r == 0)
		r = look_at(model, &model->subsystems, rf_look_subsystem, err);
	if (r == 0)
		r = look_at(model, &model->hosts, rf_look_host, err);
	if (r == 0 && model->zones) {
		model->stamp++;
		r = rf_look_zones(model, err);
	}
	if (r < 0)
		return r;
	rf_names_clear(&model->ports);
	model->zones = false;
	return has_failed(model) ? err_nomem(err) : 0;
}

void rf_model_reload(struct rf_model *model)
{
	rf_names_clear(&model->nodes);
	rf_names_clear(&model->ports);
	rf_names_clear(&model->subsystems);
	rf_names_clear(&model->hosts);
	mark_all(model);
}

/* --- life */

static struct {
	const char *uri;
	struct rf_class class;
} collections[] = {
#define COLLECTION(at, kind, title, rights, ...)                                                   \
	{                                                                                          \
		at,                                                                                \
		{                                                                                  \
			.type = "#" kind "Collection." kind "Collection", .collection = true,      \
			.name = (title), .read = RF_LOGIN, .write = (rights), __VA_ARGS__          \
		}                                                                                  \
	}
	COLLECTION(RF_SYSTEMS, "ComputerSystem", "Hosts", RF_CONFIGURE_COMPONENTS),
	COLLECTION(RF_CHASSIS, "Chassis", "Hosts", RF_CONFIGURE_COMPONENTS),
	COLLECTION(RF_STORAGE, "Storage", "Exported NVM subsystems", RF_CONFIGURE_COMPONENTS),
	COLLECTION(RF_FABRICS, "Fabric", "Fabrics", RF_CONFIGURE_COMPONENTS),
	COLLECTION(RF_ENDPOINTS, "Endpoint", "Hosts and listeners", RF_CONFIGURE_COMPONENTS,
		   .post = rf_act_post_endpoint),
	COLLECTION(RF_CONNECTIONS, "Connection", "Who may connect", RF_CONFIGURE_COMPONENTS,
		   .post = rf_act_post_connection),
	COLLECTION(RF_ZONES, "Zone", "Zones", RF_CONFIGURE_COMPONENTS, .post = rf_act_post_zone),
};

static int render_fabric(void *data, struct rf_resource *resource, struct js *doc)
{
	static const char *const parts[] = { "Endpoints", "Connections", "Zones" };
	struct rf_tree *tree = rf_resource_tree(resource);
	size_t i;

	(void)data;
	js_set(doc, "Name", js_string("NVMe-oF fabric"));
	js_set(doc, "FabricType", js_string("NVMeOverFabrics"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		char uri[RF_URI_MAX];

		snprintf(uri, sizeof(uri), RF_FABRIC "/%s", parts[i]);
		js_set(doc, parts[i], rf_ref(rf_tree_find(tree, uri)));
	}
	return 0;
}

static const struct rf_class fabric_class = { .type = "#Fabric.v1_3_0.Fabric",
					      .read = RF_LOGIN,
					      .write = RF_CONFIGURE_COMPONENTS,
					      .render = render_fabric };

static int add_collections(struct rf_model *model, struct err *err)
{
	struct rf_resource *resource;
	size_t i;
	int r = 0;

	for (i = 0; i < RF_KINDS; i++)
		rf_classes[i].data = model->redfish;
	for (i = 0; i < sizeof(collections) / sizeof(*collections); i++)
		collections[i].class.data = model->redfish;
	for (i = 0; r == 0 && i < sizeof(collections) / sizeof(*collections); i++)
		r = rf_tree_add(model->tree, collections[i].uri, &collections[i].class, NULL,
				&resource, err);
	if (r == 0)
		r = rf_tree_add(model->tree, RF_FABRIC, &fabric_class, NULL, &resource, err);
	return r;
}

int rf_model_new(struct redfish *redfish, struct rf_model **ret, struct err *err)
{
	struct rf_model *model = calloc(1, sizeof(*model));
	int r;

	if (!model)
		return err_nomem(err);
	model->redfish = redfish;
	model->tree = redfish->tree;
	r = add_collections(model, err);
	if (r == 0)
		r = events_subscribe(redfish->collector->events, on_event, model);
	if (r == 0) {
		mark_all(model);
		r = rf_model_flush(model, err);
	}
	if (r < 0) {
		rf_model_free(model);
		return r;
	}
	*ret = model;
	return 0;
}

static void drop_children(struct rf_model *model, const char *uri)
{
	model->stamp++;
	rf_item_sweep(model, uri);
}

void rf_model_free(struct rf_model *model)
{
	if (!model)
		return;
	drop_children(model, RF_ZONES);
	drop_children(model, RF_CONNECTIONS);
	drop_children(model, RF_ENDPOINTS);
	drop_children(model, RF_STORAGE);
	drop_children(model, RF_CHASSIS);
	drop_children(model, RF_SYSTEMS);
	rf_names_clear(&model->nodes);
	rf_names_clear(&model->ports);
	rf_names_clear(&model->subsystems);
	rf_names_clear(&model->hosts);
	free(model);
}
