/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-model-look - what is marked is compared with the registry: items come, stay and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-act.h"
#include "collector/rf-model-own.h"
#include "collector/zone-own.h"

#define COLLECTION(kind, title, ...)                                                               \
	{                                                                                          \
		.type = "#" kind "Collection." kind "Collection", .collection = true,              \
		.name = (title), .read = RF_LOGIN, .write = RF_CONFIGURE_COMPONENTS, __VA_ARGS__   \
	}
static const struct rf_class drives_class = COLLECTION("Drive", "Drives");
static const struct rf_class controllers_class = COLLECTION("StorageController", "Controllers");
static const struct rf_class ports_class = COLLECTION("Port", "Listeners");
static struct rf_class volumes_class =
	COLLECTION("Volume", "Namespaces", .post = rf_act_post_volume);

/* A collection below an item, if it is not there. */
static int need_collection(struct rf_model *model, const struct rf_item *item, const char *name,
			   const struct rf_class *class, char ret_uri[RF_URI_MAX], struct err *err)
{
	struct rf_resource *resource;

	rf_uri_join(rf_resource_uri(item->resource), name, ret_uri);
	if (rf_tree_find(model->tree, ret_uri))
		return 0;
	return rf_tree_add(model->tree, ret_uri, class, NULL, &resource, err);
}

/* --- hosts */

/* A name is the id, unless another machine has it. */
static const char *uri_node(const struct rf_model *model, const struct registry_node *node,
			    const char *collection, char uri[RF_URI_MAX])
{
	CLEANUP_STR struct str both = STR_NULL;
	struct rf_item *item;

	rf_uri_below(collection, *node->name ? node->name : node->id, uri);
	item = rf_item_find(model, uri, strcmp(collection, RF_SYSTEMS) == 0 ? RF_NODE : RF_FRAME);
	if (!item || strcmp(item->key, node->id) == 0)
		return uri;
	str_addf(&both, "%s.%s", node->name, node->id);
	return rf_uri_below(collection, str_get(&both), uri);
}

static int look_drives(struct rf_model *model, const struct rf_item *frame,
		       const struct registry_source *source, struct err *err)
{
	char collection[RF_URI_MAX];
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;
	int r = need_collection(model, frame, "Drives", &drives_class, collection, err);

	objects = source ? registry_object_range(source, "drive", &count) : NULL;
	for (i = 0; r == 0 && i < count; i++) {
		struct rf_key key = { RF_DRIVE, frame->key, frame->key, objects[i]->id, NULL };
		char uri[RF_URI_MAX];
		struct rf_item *item;

		r = rf_item_need(model, rf_uri_below(collection, objects[i]->id, uri), &key, &item,
				 err);
		if (r == 0)
			rf_item_touch(item);
	}
	if (r == 0)
		rf_item_sweep(model, collection);
	return r;
}

/* The NQNs that a host calls its own. */
static int look_own_hosts(struct rf_model *model, const struct rf_item *item, struct err *err)
{
	struct registry_source *source = rf_model_source(model, item->key, REPORT_INITIATOR);
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;
	int r = 0;

	objects = source ? registry_object_range(source, "host", &count) : NULL;
	for (i = 0; r == 0 && i < count; i++) {
		struct rf_key key = { RF_HOST, objects[i]->id, NULL, NULL, NULL };
		char uri[RF_URI_MAX];
		struct rf_item *host;

		r = rf_item_need(model, rf_uri_host(objects[i]->id, uri), &key, &host, err);
		if (r == 0)
			r = rf_item_add_node(host, item->key, err);
		rf_names_add(&model->hosts, objects[i]->id);
	}
	for (i = 0; i < rf_link_count(model->tree, RF_HOST_NODE, item->resource, true); i++) {
		struct rf_resource *host =
			rf_link_at(model->tree, RF_HOST_NODE, item->resource, true, i);

		rf_names_add(&model->hosts, ((struct rf_item *)rf_resource_object(host))->key);
	}
	return r;
}

/* What it exports: a look at the subsystem finds it by that. */
static int look_exports(struct rf_model *model, const char *node, struct err *err)
{
	struct registry_source *source = rf_model_source(model, node, REPORT_TARGET);
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;
	int r = 0;

	objects = source ? registry_object_range(source, "subsystem", &count) : NULL;
	for (i = 0; r == 0 && i < count; i++) {
		struct rf_key key = { RF_SUBSYSTEM, objects[i]->id, NULL, NULL, NULL };
		char uri[RF_URI_MAX];
		struct rf_item *storage;

		r = rf_item_need(model, rf_uri_subsystem(objects[i]->id, uri), &key, &storage, err);
		if (r == 0 && !rf_item_has_node(storage, node)) {
			rf_names_add(&model->subsystems, objects[i]->id);
			r = rf_item_add_node(storage, node, err);
		}
	}
	return r;
}

static void drop_node(struct rf_item *item)
{
	struct rf_model *model = item->model;
	size_t i = rf_link_count(model->tree, RF_HOST_NODE, item->resource, true);
	char uri[RF_URI_MAX];
	struct rf_item *frame;

	while (i-- > 0) {
		struct rf_resource *resource =
			rf_link_at(model->tree, RF_HOST_NODE, item->resource, true, i);
		struct rf_item *host = rf_resource_object(resource);

		rf_item_remove_node(host, item->key);
		rf_names_add(&model->hosts, host->key);
	}
	rf_uri_below(RF_CHASSIS, rf_resource_id(item->resource), uri);
	frame = rf_item_find(model, uri, RF_FRAME);
	if (frame)
		rf_item_drop(frame);
	rf_item_drop(item);
}

int rf_look_node(struct rf_model *model, const char *id, struct err *err)
{
	const struct registry_node *node =
		registry_node_find(model->redfish->collector->registry, id);
	struct rf_item *item = rf_model_node(model, id);
	struct rf_key key = { RF_NODE, id, NULL, NULL, NULL };
	char uri[RF_URI_MAX];
	char frame_uri[RF_URI_MAX];
	struct rf_item *frame = NULL;
	int r;

	/* found by its name only: it is another one */
	if (node && strcmp(node->id, id) != 0)
		node = NULL;
	if (node) {
		key.object = node->name;
		uri_node(model, node, RF_SYSTEMS, uri);
	}
	/* gone, or renamed */
	if (item && (!node || strcmp(rf_resource_uri(item->resource), uri) != 0))
		drop_node(item);
	if (!node)
		return 0;
	r = rf_item_need(model, uri, &key, &item, err);
	key = (struct rf_key){ RF_FRAME, id, NULL, NULL, NULL };
	if (r == 0)
		r = rf_item_need(model, uri_node(model, node, RF_CHASSIS, frame_uri), &key, &frame,
				 err);
	if (r == 0)
		r = look_drives(model, frame, rf_model_source(model, id, REPORT_TARGET), err);
	if (r == 0)
		r = look_own_hosts(model, item, err);
	if (r == 0)
		r = look_exports(model, id, err);
	if (r < 0)
		return r;
	rf_item_touch(item);
	rf_item_touch(frame);
	return 0;
}

/* --- subsystems */

/* What one look at a subsystem has at hand. */
struct look {
	struct rf_model *model;
	const char *nqn;
	struct rf_item *storage;
	char ports[RF_URI_MAX];
	char volumes[RF_URI_MAX];
};

/* Of those that said so, the ones that still export it. */
static int find_nodes(const struct rf_item *storage, struct rf_names *nodes)
{
	size_t i;

	for (i = 0; storage && i < storage->n_nodes; i++) {
		const struct registry_source *source =
			rf_model_source(storage->model, storage->nodes[i], REPORT_TARGET);

		if (source && registry_object_find(source, "subsystem", storage->key))
			rf_names_add(nodes, storage->nodes[i]);
	}
	return nodes->failed ? -ENOMEM : 0;
}

static bool is_at(const struct js *attrs, const char *nqn)
{
	const struct js *subsystems = js_get(attrs, "subsystems");
	size_t i;

	for (i = 0; subsystems && js_type(subsystems) == JS_ARRAY && i < js_length(subsystems);
	     i++) {
		const char *text = js_text(js_at(subsystems, i));

		if (text && strcmp(text, nqn) == 0)
			return true;
	}
	return false;
}

static const char *text_of(const struct js *attrs, const char *key)
{
	const struct js *value = js_get(attrs, key);
	const char *text = value ? js_text(value) : NULL;

	return text ? text : "";
}

static int need_endpoint(struct look *look, const struct js *attrs, const struct rf_key *key,
			 struct err *err)
{
	CLEANUP_STR struct str place = STR_NULL;
	CLEANUP_STR struct str name = STR_NULL;
	struct rf_model *model = look->model;
	struct rf_key port = *key;
	char uri[RF_URI_MAX];
	struct rf_item *item = NULL;
	struct rf_item *node;
	int r;

	str_addf(&place, "%s.%s.%s", text_of(attrs, "transport"), text_of(attrs, "address"),
		 text_of(attrs, "service"));
	str_addf(&name, "%s.%s", rf_resource_id(look->storage->resource), str_get(&place));
	port.kind = RF_PORT;
	r = rf_item_need(model, rf_uri_below(look->ports, str_get(&place), uri), &port, &item, err);
	if (r < 0)
		return r;
	rf_item_touch(item);
	r = rf_item_need(model, rf_uri_below(RF_ENDPOINTS, str_get(&name), uri), key, &item, err);
	if (r < 0)
		return r;
	rf_item_touch(item);
	if (rf_link_add(model->tree, RF_TARGET_SUBSYSTEM, item->resource, look->storage->resource) <
	    0)
		return err_nomem(err);
	node = rf_model_node(model, key->node);
	if (node && rf_link_add(model->tree, RF_TARGET_NODE, item->resource, node->resource) < 0)
		return err_nomem(err);
	return 0;
}

static int look_listeners(struct look *look, const struct registry_source *source, const char *node,
			  struct err *err)
{
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;
	int r = 0;

	objects = registry_object_range(source, "listener", &count);
	for (i = 0; r == 0 && i < count; i++) {
		struct rf_key key = { RF_TARGET, look->nqn, node, objects[i]->id, NULL };
		CLEANUP_JS struct js *attrs = registry_object_attrs(objects[i]);

		if (!attrs)
			return err_nomem(err);
		if (is_at(attrs, look->nqn))
			r = need_endpoint(look, attrs, &key, err);
	}
	return r;
}

static struct rf_item *drive_of(struct rf_model *model, const char *node, const char *drive)
{
	const struct rf_item *system = rf_model_node(model, node);
	char drives[RF_URI_MAX];
	char uri[RF_URI_MAX];

	if (!system || !*drive)
		return NULL;
	rf_uri_below(RF_CHASSIS, rf_resource_id(system->resource), uri);
	rf_uri_join(uri, "Drives", drives);
	return rf_item_find(model, rf_uri_below(drives, drive, uri), RF_DRIVE);
}

static int look_namespaces(struct look *look, const struct registry_source *source,
			   const char *node, struct err *err)
{
	struct rf_model *model = look->model;
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;
	int r = 0;

	objects = registry_object_range(source, "namespace", &count);
	for (i = 0; r == 0 && i < count; i++) {
		struct rf_key key = { RF_VOLUME, look->nqn, node, objects[i]->id, NULL };
		CLEANUP_JS struct js *attrs = NULL;
		char nsid[24];
		char uri[RF_URI_MAX];
		struct rf_item *item;
		struct rf_item *drive;

		if (!registry_object_is(objects[i], "nqn", look->nqn))
			continue;
		attrs = registry_object_attrs(objects[i]);
		if (!attrs)
			return err_nomem(err);
		snprintf(nsid, sizeof(nsid), "%lld",
			 (long long)js_number(js_get(attrs, "nsid"), 0));
		rf_uri_join(look->volumes, nsid, uri);
		item = rf_item_find(model, uri, RF_VOLUME);
		/* another node's is the same namespace */
		if (item && item->stamp == model->stamp)
			continue;
		r = rf_item_need(model, uri, &key, &item, err);
		if (r < 0)
			return r;
		rf_item_touch(item);
		drive = drive_of(model, node, text_of(attrs, "drive"));
		if (rf_link_replace(model->tree, RF_VOLUME_DRIVE, item->resource,
				    drive ? &drive->resource : NULL, drive ? 1 : 0) < 0)
			return err_nomem(err);
	}
	return r;
}

/* --- who may connect */

/* The other ends of all links of a kind to the storage, as links of the connection. */
static int link_all(struct look *look, const struct rf_item *connection, int relation,
		    const char *collection, int from)
{
	struct rf_tree *tree = look->model->tree;
	struct rf_resource *parent = collection ? rf_tree_find(tree, collection) : NULL;
	size_t count = parent ? rf_resource_child_count(parent)
			      : rf_link_count(tree, from, look->storage->resource, true);
	CLEANUP_FREE struct rf_resource **ends = calloc(count + 1, sizeof(struct rf_resource *));
	size_t i;

	if (!ends)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		ends[i] = parent ? rf_resource_child_at(parent, i)
				 : rf_link_at(tree, from, look->storage->resource, true, i);
	return rf_link_replace(tree, relation, connection->resource, ends, count);
}

static int need_connection(struct look *look, const char *hostnqn, struct err *err)
{
	struct rf_model *model = look->model;
	struct rf_key key = { RF_CONNECTION, look->nqn, NULL, NULL, hostnqn };
	struct rf_key host_key = { RF_HOST, hostnqn, NULL, NULL, NULL };
	CLEANUP_STR struct str name = STR_NULL;
	char uri[RF_URI_MAX];
	char id[RF_ID_MAX];
	struct rf_item *item = NULL;
	struct rf_item *host = NULL;
	int r = 0;

	str_addf(&name, "%s.%s", *hostnqn ? rf_id_make(hostnqn, id) : "any",
		 rf_resource_id(look->storage->resource));
	if (*hostnqn)
		r = rf_item_need(model, rf_uri_host(hostnqn, uri), &host_key, &host, err);
	if (r < 0)
		return r;
	r = rf_item_need(model, rf_uri_below(RF_CONNECTIONS, str_get(&name), uri), &key, &item,
			 err);
	if (r < 0)
		return r;
	rf_item_touch(item);
	if (rf_link_add(model->tree, RF_CONNECTION_SUBSYSTEM, item->resource,
			look->storage->resource) < 0 ||
	    (host &&
	     rf_link_add(model->tree, RF_CONNECTION_HOST, item->resource, host->resource) < 0) ||
	    link_all(look, item, RF_CONNECTION_TARGET, NULL, RF_TARGET_SUBSYSTEM) < 0 ||
	    link_all(look, item, RF_CONNECTION_VOLUME, look->volumes, 0) < 0)
		return err_nomem(err);
	if (host)
		rf_names_add(&model->hosts, hostnqn);
	return 0;
}

static int look_allowed(struct look *look, const struct registry_source *source, struct err *err)
{
	const struct registry_object *subsystem =
		registry_object_find(source, "subsystem", look->nqn);
	struct registry_object *const *objects;
	CLEANUP_JS struct js *attrs = NULL;
	size_t count = 0;
	size_t i;
	int r = 0;

	attrs = subsystem ? registry_object_attrs(subsystem) : NULL;
	if (attrs && js_is_true(js_get(attrs, "any_host")))
		return need_connection(look, "", err);
	objects = registry_object_range(source, "allowed", &count);
	for (i = 0; r == 0 && i < count; i++) {
		CLEANUP_JS struct js *allowed = NULL;

		if (!registry_object_is(objects[i], "nqn", look->nqn))
			continue;
		allowed = registry_object_attrs(objects[i]);
		if (!allowed)
			return err_nomem(err);
		if (*text_of(allowed, "hostnqn"))
			r = need_connection(look, text_of(allowed, "hostnqn"), err);
	}
	return r;
}

/* Of the other ends of links to a subsystem, those that this look did not find. */
static void sweep_links(struct look *look, int relation)
{
	struct rf_tree *tree = look->model->tree;
	size_t i = rf_link_count(tree, relation, look->storage->resource, true);

	while (i-- > 0) {
		struct rf_item *item = rf_resource_object(
			rf_link_at(tree, relation, look->storage->resource, true, i));

		if (item->stamp == look->model->stamp)
			continue;
		if (item->kind == RF_CONNECTION && *item->host)
			rf_names_add(&look->model->hosts, item->host);
		rf_item_drop(item);
	}
}

static int need_storage(struct look *look, struct err *err)
{
	struct rf_model *model = look->model;
	struct rf_key key = { RF_SUBSYSTEM, look->nqn, NULL, NULL, NULL };
	char uri[RF_URI_MAX];
	char controllers[RF_URI_MAX];
	struct rf_item *controller = NULL;
	int r = rf_item_need(model, rf_uri_subsystem(look->nqn, uri), &key, &look->storage, err);

	if (r == 0)
		r = need_collection(model, look->storage, "Controllers", &controllers_class,
				    controllers, err);
	key.kind = RF_CONTROLLER;
	if (r == 0)
		r = rf_item_need(model, rf_uri_below(controllers, "io", uri), &key, &controller,
				 err);
	if (r == 0)
		r = need_collection(model, controller, "Ports", &ports_class, look->ports, err);
	volumes_class.data = model->redfish;
	if (r == 0)
		r = need_collection(model, look->storage, "Volumes", &volumes_class, look->volumes,
				    err);
	if (r < 0)
		return r;
	rf_item_touch(look->storage);
	rf_item_touch(controller);
	return 0;
}

static int look_exporter(struct look *look, const char *node, struct err *err)
{
	const struct registry_source *source = rf_model_source(look->model, node, REPORT_TARGET);
	const struct rf_item *system = rf_model_node(look->model, node);
	char uri[RF_URI_MAX];
	struct rf_item *frame;
	int r = rf_item_add_node(look->storage, node, err);

	if (r == 0)
		r = look_listeners(look, source, node, err);
	if (r == 0)
		r = look_namespaces(look, source, node, err);
	if (r < 0 || !system)
		return r;
	frame = rf_item_find(look->model,
			     rf_uri_below(RF_CHASSIS, rf_resource_id(system->resource), uri),
			     RF_FRAME);
	if (frame && rf_link_add(look->model->tree, RF_SUBSYSTEM_FRAME, look->storage->resource,
				 frame->resource) < 0)
		return err_nomem(err);
	return 0;
}

static int look_exported(struct look *look, const struct rf_names *nodes, struct err *err)
{
	struct rf_model *model = look->model;
	size_t i;
	int r = need_storage(look, err);

	if (r < 0)
		return r;
	while (look->storage->n_nodes)
		rf_item_remove_node(look->storage, look->storage->nodes[0]);
	for (i = 0; r == 0 && i < nodes->count; i++)
		r = look_exporter(look, nodes->list[i], err);
	if (r < 0)
		return r;
	sweep_links(look, RF_TARGET_SUBSYSTEM);
	rf_item_sweep(model, look->ports);
	rf_item_sweep(model, look->volumes);
	for (i = 0; r == 0 && i < nodes->count; i++)
		r = look_allowed(look, rf_model_source(model, nodes->list[i], REPORT_TARGET), err);
	if (r == 0)
		sweep_links(look, RF_CONNECTION_SUBSYSTEM);
	return r;
}

int rf_look_subsystem(struct rf_model *model, const char *nqn, struct err *err)
{
	struct look look = { .model = model, .nqn = nqn };
	struct rf_names nodes = { 0 };
	char uri[RF_URI_MAX];
	int r;

	look.storage = rf_item_find(model, rf_uri_subsystem(nqn, uri), RF_SUBSYSTEM);
	r = find_nodes(look.storage, &nodes);
	if (r < 0) {
		r = err_nomem(err);
	} else if (nodes.count) {
		r = look_exported(&look, &nodes, err);
	} else if (look.storage) {
		sweep_links(&look, RF_CONNECTION_SUBSYSTEM);
		sweep_links(&look, RF_TARGET_SUBSYSTEM);
		rf_item_drop(look.storage);
	}
	rf_names_clear(&nodes);
	/* zones have endpoints, which may be others now */
	if (zone_count(model->redfish->collector->zones))
		model->zones = true;
	return r;
}

/* --- host NQNs */

int rf_look_host(struct rf_model *model, const char *hostnqn, struct err *err)
{
	char uri[RF_URI_MAX];
	struct rf_item *host = rf_item_find(model, rf_uri_host(hostnqn, uri), RF_HOST);
	size_t i;

	if (!host)
		return 0;
	for (i = host->n_nodes; i-- > 0;) {
		const struct rf_item *node = rf_model_node(model, host->nodes[i]);
		struct registry_source *source =
			rf_model_source(model, host->nodes[i], REPORT_INITIATOR);

		if (node && source && registry_object_find(source, "host", hostnqn)) {
			if (rf_link_add(model->tree, RF_HOST_NODE, host->resource, node->resource) <
			    0)
				return err_nomem(err);
			continue;
		}
		if (node)
			rf_link_remove(model->tree, RF_HOST_NODE, host->resource, node->resource);
		rf_item_remove_node(host, host->nodes[i]);
	}
	if (!host->n_nodes && !rf_link_count(model->tree, RF_CONNECTION_HOST, host->resource, true))
		rf_item_drop(host);
	else
		rf_item_touch(host);
	return 0;
}

/* --- zones */

struct ends {
	struct rf_resource **list;
	size_t count, room;
};

static int ends_add(struct ends *ends, struct rf_resource *resource)
{
	if (ends->count == ends->room) {
		size_t room = ends->room ? 2 * ends->room : 16;
		struct rf_resource **list =
			reallocarray(ends->list, room, sizeof(struct rf_resource *));

		if (!list)
			return -ENOMEM;
		ends->list = list;
		ends->room = room;
	}
	ends->list[ends->count++] = resource;
	return 0;
}

static int add_hosts(struct rf_model *model, const struct zone_set *set, struct ends *ends)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < set->count; i++) {
		char uri[RF_URI_MAX];
		struct rf_item *host =
			rf_item_find(model, rf_uri_host(set->names[i], uri), RF_HOST);

		r = host ? ends_add(ends, host->resource) : 0;
	}
	return r;
}

static int add_subsystems(struct rf_model *model, const struct zone_set *set, struct ends *ends)
{
	size_t i, j;
	int r = 0;

	for (i = 0; r == 0 && i < set->count; i++) {
		char uri[RF_URI_MAX];
		struct rf_item *storage =
			rf_item_find(model, rf_uri_subsystem(set->names[i], uri), RF_SUBSYSTEM);
		size_t count = storage ? rf_link_count(model->tree, RF_TARGET_SUBSYSTEM,
						       storage->resource, true)
				       : 0;

		for (j = 0; r == 0 && j < count; j++)
			r = ends_add(ends, rf_link_at(model->tree, RF_TARGET_SUBSYSTEM,
						      storage->resource, true, j));
	}
	return r;
}

static int add_ports(struct rf_model *model, const struct zone_set *set, struct ends *ends)
{
	struct rf_resource *endpoints = rf_tree_find(model->tree, RF_ENDPOINTS);
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && set->count && i < rf_resource_child_count(endpoints); i++) {
		struct rf_resource *endpoint = rf_resource_child_at(endpoints, i);
		const struct rf_item *item = rf_resource_object(endpoint);
		const struct registry_source *source;
		const struct registry_object *object;
		CLEANUP_JS struct js *attrs = NULL;
		char port[ZONE_PORT_MAX];

		if (item->kind != RF_TARGET)
			continue;
		object = rf_item_object(item, &source);
		attrs = object ? registry_object_attrs(object) : NULL;
		if (attrs && zone_set_has(set, zone_port(text_of(attrs, "transport"),
							 text_of(attrs, "address"),
							 text_of(attrs, "service"), port)))
			r = ends_add(ends, endpoint);
	}
	return r;
}

static int look_zone(struct rf_model *model, const struct zone *zone, struct err *err)
{
	struct rf_key key = { RF_ZONE, zone->name, NULL, NULL, NULL };
	struct ends ends = { 0 };
	char uri[RF_URI_MAX];
	struct rf_item *item;
	int r = rf_item_need(model, rf_uri_below(RF_ZONES, zone->name, uri), &key, &item, err);

	if (r < 0)
		return r;
	rf_item_touch(item);
	r = add_hosts(model, &zone->sets[ZONE_HOSTS], &ends);
	if (r == 0)
		r = add_subsystems(model, &zone->sets[ZONE_SUBSYSTEMS], &ends);
	if (r == 0)
		r = add_ports(model, &zone->sets[ZONE_PORTS], &ends);
	if (r == 0)
		r = rf_link_replace(model->tree, RF_ZONE_ENDPOINT, item->resource, ends.list,
				    ends.count);
	free(ends.list);
	return r < 0 ? err_nomem(err) : 0;
}

int rf_look_zones(struct rf_model *model, struct err *err)
{
	const struct zones *zones = model->redfish->collector->zones;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < zones->count; i++)
		r = look_zone(model, zones->items[i], err);
	if (r == 0)
		rf_item_sweep(model, RF_ZONES);
	return r;
}
