/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-model-render - what each kind of resource says, read from the registry. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-act.h"
#include "collector/rf-model-own.h"
#include "collector/zone-own.h"

/* --- common parts */

static void set_text(struct js *doc, const char *key, const char *text)
{
	if (text && *text)
		js_set(doc, key, js_string(text));
}

static const char *text_of(const struct js *attrs, const char *key)
{
	const struct js *value = attrs ? js_get(attrs, key) : NULL;
	const char *text = value ? js_text(value) : NULL;

	return text ? text : "";
}

static void set_ref_below(const struct rf_resource *resource, struct js *doc, const char *name)
{
	struct rf_resource *parent = (struct rf_resource *)resource;
	char uri[RF_URI_MAX];

	rf_uri_join(rf_resource_uri(resource), name, uri);
	if (rf_tree_find(rf_resource_tree(parent), uri))
		js_set(doc, name, rf_ref(rf_tree_find(rf_resource_tree(parent), uri)));
}

static void append_identifier(struct js *list, const char *format, const char *name)
{
	struct js *one;

	if (!*name)
		return;
	one = js_object();
	js_set(one, "DurableNameFormat", js_string(format));
	js_set(one, "DurableName", js_string(name));
	js_append(list, one);
}

static void set_nqn(struct js *doc, const char *nqn)
{
	struct js *list = js_array();

	append_identifier(list, "NQN", nqn);
	js_set(doc, "Identifiers", list);
}

/* Why it is not well, in a sentence. */
static struct js *condition(const char *severity, const char *text)
{
	struct js *js = js_object();

	js_set(js, "MessageId",
	       js_string(strcmp(severity, "Critical") == 0
				 ? "ResourceEvent.1.4.ResourceStatusChangedCritical"
				 : "ResourceEvent.1.4.ResourceStatusChangedWarning"));
	js_set(js, "Message", js_string(text));
	js_set(js, "Severity", js_string(severity));
	return js;
}

/* What a helper said last stands, but it may be wrong now. */
static bool set_lost(struct rf_resource *resource, struct js *doc,
		     const struct registry_source *source)
{
	CLEANUP_STR struct str text = STR_NULL;

	if (source && !source->lost)
		return false;
	str_addf(&text, "%s is not heard of", source ? source->node->name : "its host");
	rf_set_status(resource, doc, "UnavailableOffline", "Critical",
		      condition("Critical", str_get(&text)));
	return true;
}

/* --- hosts */

static const struct registry_node *node_of(const struct rf_item *item)
{
	return registry_node_find(item->model->redfish->collector->registry, item->key);
}

static void set_node_status(struct rf_resource *resource, struct js *doc,
			    const struct registry_node *node)
{
	const char *lost = NULL;
	bool is_here = false;
	int role;

	for (role = 0; node && role < REGISTRY_ROLES; role++) {
		const struct registry_source *source = node->sources[role];

		if (source && source->lost)
			lost = report_role_word(source->role);
		else if (source)
			is_here = true;
	}
	if (!lost) {
		rf_set_status(resource, doc, "Enabled", "OK", NULL);
	} else {
		CLEANUP_STR struct str text = STR_NULL;

		str_addf(&text, "the %s's daemon is not heard of", lost);
		rf_set_status(resource, doc, is_here ? "Enabled" : "UnavailableOffline",
			      is_here ? "Warning" : "Critical",
			      condition(is_here ? "Warning" : "Critical", str_get(&text)));
	}
}

static void set_links_object(struct js *doc, struct js *links)
{
	if (js_length(links))
		js_set(doc, "Links", links);
	else
		js_free(links);
}

static void set_one_ref(struct js *links, const char *key, struct rf_resource *resource)
{
	struct js *list;

	if (!resource)
		return;
	list = js_array();
	js_append(list, rf_ref(resource));
	js_set(links, key, list);
}

static struct rf_resource *twin_of(const struct rf_resource *resource, const char *collection)
{
	char uri[RF_URI_MAX];

	rf_uri_join(collection, rf_resource_id(resource), uri);
	return rf_tree_find(rf_resource_tree((struct rf_resource *)resource), uri);
}

/* The endpoints of both kinds, in one list. */
static void set_node_endpoints(struct rf_resource *resource, struct js *links)
{
	static const int relations[] = { RF_HOST_NODE, RF_TARGET_NODE };
	struct rf_tree *tree = rf_resource_tree(resource);
	struct js *list = js_array();
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < rf_link_count(tree, relations[i], resource, true); j++)
			js_append(list, rf_ref(rf_link_at(tree, relations[i], resource, true, j)));
	if (js_length(list))
		js_set(links, "Endpoints", list);
	else
		js_free(list);
}

static int render_node(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_node *node = node_of(item);
	struct js *links = js_object();

	(void)data;
	set_text(doc, "Name", node ? node->name : item->key);
	js_set(doc, "SystemType", js_string("Physical"));
	set_text(doc, "HostName", node ? node->name : NULL);
	if (node && node->sources[REPORT_TARGET]) {
		struct js *roles = js_array();

		js_append(roles, js_string("StorageServer"));
		js_set(doc, "HostingRoles", roles);
	}
	set_node_status(resource, doc, node);
	set_one_ref(links, "Chassis", twin_of(resource, RF_CHASSIS));
	set_node_endpoints(resource, links);
	set_links_object(doc, links);
	return 0;
}

static int render_frame(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_node *node = node_of(item);
	struct js *links = js_object();

	(void)data;
	set_text(doc, "Name", node ? node->name : item->key);
	js_set(doc, "ChassisType", js_string("RackMount"));
	set_node_status(resource, doc, node);
	set_ref_below(resource, doc, "Drives");
	set_one_ref(links, "ComputerSystems", twin_of(resource, RF_SYSTEMS));
	rf_set_links(rf_resource_tree(resource), links, "Storage", RF_SUBSYSTEM_FRAME, resource,
		     true);
	set_links_object(doc, links);
	return 0;
}

static int render_drive(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(item, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	struct rf_resource *frame = rf_resource_parent(rf_resource_parent(resource));
	struct js *links = js_object();

	(void)data;
	set_text(doc, "Name", *text_of(attrs, "path") ? text_of(attrs, "path") : item->object);
	set_text(doc, "Model", text_of(attrs, "model"));
	set_text(doc, "SerialNumber", text_of(attrs, "serial"));
	if (attrs && js_get(attrs, "size_bytes"))
		js_set(doc, "CapacityBytes", js_int(js_number(js_get(attrs, "size_bytes"), 0)));
	if (!set_lost(resource, doc, source))
		rf_set_status(resource, doc, object ? "Enabled" : "Absent",
			      object ? "OK" : "Critical", NULL);
	rf_set_links(rf_resource_tree(resource), links, "Volumes", RF_VOLUME_DRIVE, resource, true);
	js_set(links, "Chassis", rf_ref(frame));
	set_links_object(doc, links);
	return 0;
}

/* --- subsystems */

/* "waiting_for" and "drift" are lists of sentences: the first one. */
static const char *first_of(const struct js *attrs, const char *key)
{
	const struct js *list = js_get(attrs, key);
	const char *text = NULL;

	if (list && js_type(list) == JS_ARRAY && js_length(list))
		text = js_text(js_at(list, 0));
	return text;
}

static void set_subsystem_status(struct rf_resource *resource, struct js *doc,
				 const struct registry_source *source, const struct js *attrs)
{
	static const struct {
		const char *state, *redfish, *health;
	} states[] = {
		{ "active", "Enabled", "OK" },	      { "foreign", "Enabled", "OK" },
		{ "partly", "Enabled", "Warning" },   { "waiting", "StandbyOffline", "Warning" },
		{ "failed", "Disabled", "Critical" },
	};
	const char *state = text_of(attrs, "state");
	const char *why = attrs ? first_of(attrs, "waiting_for") : NULL;
	size_t i;

	if (set_lost(resource, doc, source))
		return;
	for (i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].state, state) == 0) {
			const char *health = states[i].health;

			rf_set_status(resource, doc, states[i].redfish, health,
				      why && strcmp(health, "OK") != 0 ? condition(health, why)
								       : NULL);
			return;
		}
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
}

static int render_subsystem(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(item, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	struct js *links = js_object();

	(void)data;
	set_text(doc, "Name", item->key);
	set_nqn(doc, item->key);
	set_subsystem_status(resource, doc, source, attrs);
	set_ref_below(resource, doc, "Controllers");
	set_ref_below(resource, doc, "Volumes");
	rf_set_links(rf_resource_tree(resource), links, "Enclosures", RF_SUBSYSTEM_FRAME, resource,
		     false);
	set_links_object(doc, links);
	return 0;
}

static void append_children(struct rf_resource *resource, const char *collection, struct js *list)
{
	struct rf_tree *tree = rf_resource_tree(resource);
	struct rf_resource *parent;
	char uri[RF_URI_MAX];
	size_t i;

	rf_uri_join(rf_resource_uri(resource), collection, uri);
	parent = rf_tree_find(tree, uri);
	for (i = 0; parent && i < rf_resource_child_count(parent); i++)
		js_append(list, rf_ref(rf_resource_child_at(parent, i)));
}

static int render_controller(void *data, struct rf_resource *resource, struct js *doc)
{
	struct rf_resource *storage = rf_resource_parent(rf_resource_parent(resource));
	struct rf_tree *tree = rf_resource_tree(resource);
	struct js *protocols = js_array();
	struct js *properties = js_object();
	struct js *links = js_object();
	struct js *volumes = js_array();

	(void)data;
	js_set(doc, "Name", js_string("NVMe I/O controllers"));
	js_append(protocols, js_string("NVMeOverFabrics"));
	js_set(doc, "SupportedControllerProtocols", protocols);
	js_set(properties, "ControllerType", js_string("IO"));
	js_set(doc, "NVMeControllerProperties", properties);
	set_ref_below(resource, doc, "Ports");
	append_children(storage, "Volumes", volumes);
	if (js_length(volumes))
		js_set(links, "AttachedVolumes", volumes);
	else
		js_free(volumes);
	rf_set_links(tree, links, "Endpoints", RF_TARGET_SUBSYSTEM, storage, true);
	set_links_object(doc, links);
	return 0;
}

static bool set_listener_status(struct rf_resource *resource, struct js *doc,
				const struct registry_source *source, const struct js *attrs)
{
	const char *state = text_of(attrs, "state");
	bool is_up = strcmp(state, "listening") == 0 || !*state;
	const char *why = strcmp(state, "no-address") == 0 ? "its address is on no interface"
			  : strcmp(state, "no-rdma") == 0 ? "there is no RDMA device at its address"
			  : strcmp(state, "down") == 0	  ? "its interface is down"
							  : "nothing is served there";

	if (set_lost(resource, doc, source))
		return false;
	rf_set_status(resource, doc, is_up ? "Enabled" : "StandbyOffline",
		      is_up ? "OK" : "Critical", is_up ? NULL : condition("Critical", why));
	return is_up;
}

static int render_port(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(item, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	CLEANUP_STR struct str name = STR_NULL;

	(void)data;
	str_addf(&name, "%s %s:%s", text_of(attrs, "transport"), text_of(attrs, "address"),
		 text_of(attrs, "service"));
	js_set(doc, "Name", js_string(str_get(&name)));
	js_set(doc, "PortId", js_string(item->object));
	js_set(doc, "PortProtocol", js_string("NVMeOverFabrics"));
	js_set(doc, "LinkStatus",
	       js_string(set_listener_status(resource, doc, source, attrs) ? "LinkUp"
									   : "LinkDown"));
	return 0;
}

static void set_volume_status(struct rf_resource *resource, struct js *doc,
			      const struct registry_source *source, const struct js *attrs)
{
	const char *state = text_of(attrs, "state");

	if (set_lost(resource, doc, source))
		return;
	if (strcmp(state, "missing") == 0)
		rf_set_status(resource, doc, "Absent", "Critical",
			      condition("Critical", "its drive is not there"));
	else if (strcmp(state, "hung") == 0)
		rf_set_status(resource, doc, "UnavailableOffline", "Critical",
			      condition("Critical", "its drive does not answer"));
	else if (strcmp(state, "disabled") == 0)
		rf_set_status(resource, doc, "Disabled", "OK", NULL);
	else
		rf_set_status(resource, doc, "Enabled", "OK", NULL);
}

static int render_volume(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(item, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	struct js *properties = js_object();
	struct js *identifiers = js_array();
	struct js *links = js_object();
	CLEANUP_STR struct str name = STR_NULL;
	char nsid[24];

	(void)data;
	str_addf(&name, "%s namespace %s", item->key, rf_resource_id(resource));
	js_set(doc, "Name", js_string(str_get(&name)));
	set_text(doc, "DisplayName", text_of(attrs, "device"));
	js_set(doc, "VolumeType", js_string("RawDevice"));
	if (attrs && js_get(attrs, "size_bytes"))
		js_set(doc, "CapacityBytes", js_int(js_number(js_get(attrs, "size_bytes"), 0)));
	append_identifier(identifiers, "UUID", text_of(attrs, "uuid"));
	if (js_length(identifiers))
		js_set(doc, "Identifiers", identifiers);
	else
		js_free(identifiers);
	snprintf(nsid, sizeof(nsid), "0x%llx",
		 (unsigned long long)js_number(attrs ? js_get(attrs, "nsid") : NULL, 0));
	js_set(properties, "NamespaceId", js_string(nsid));
	js_set(properties, "IsShareable", js_bool(true));
	js_set(doc, "NVMeNamespaceProperties", properties);
	set_volume_status(resource, doc, source, attrs);
	rf_set_links(rf_resource_tree(resource), links, "Drives", RF_VOLUME_DRIVE, resource, false);
	js_set(links, "OwningStorageResource",
	       rf_ref(rf_resource_parent(rf_resource_parent(resource))));
	set_links_object(doc, links);
	return 0;
}

/* --- endpoints */

static void append_entity(struct js *list, const char *type, const char *role,
			  struct rf_resource *link)
{
	struct js *one = js_object();

	js_set(one, "EntityType", js_string(type));
	js_set(one, "EntityRole", js_string(role));
	if (link)
		js_set(one, "EntityLink", rf_ref(link));
	js_append(list, one);
}

/* The transport by its Redfish word; of RDMA only if it is known which kind. */
static void set_transport(struct js *doc, const struct js *attrs)
{
	struct js *details = js_array();
	struct js *one = js_object();
	struct js *address = js_object();
	const char *family = text_of(attrs, "family");
	const char *text = text_of(attrs, "address");
	bool is_v6 = strcmp(family, "ipv6") == 0 || strchr(text, ':');
	uint64_t port;

	js_set(address, "Address", js_string(text));
	if (strcmp(text_of(attrs, "transport"), "tcp") == 0)
		js_set(one, "TransportProtocol", js_string("TCP"));
	js_set(one, is_v6 ? "IPv6Address" : "IPv4Address", address);
	if (str_parse_uint(text_of(attrs, "service"), UINT16_MAX, &port) == 0)
		js_set(one, "Port", js_int((int64_t)port));
	js_append(details, one);
	js_set(doc, "IPTransportDetails", details);
}

static int render_target(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct registry_source *source;
	const struct registry_object *object = rf_item_object(item, &source);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;
	struct rf_tree *tree = rf_resource_tree(resource);
	struct js *entities = js_array();
	struct js *links = js_object();
	CLEANUP_STR struct str name = STR_NULL;

	(void)data;
	str_addf(&name, "%s on %s %s:%s", item->key, text_of(attrs, "transport"),
		 text_of(attrs, "address"), text_of(attrs, "service"));
	js_set(doc, "Name", js_string(str_get(&name)));
	js_set(doc, "EndpointProtocol", js_string("NVMeOverFabrics"));
	set_nqn(doc, item->key);
	set_listener_status(resource, doc, source, attrs);
	append_entity(entities, "StorageSubsystem", "Target",
		      rf_link_count(tree, RF_TARGET_SUBSYSTEM, resource, false)
			      ? rf_link_at(tree, RF_TARGET_SUBSYSTEM, resource, false, 0)
			      : NULL);
	js_set(doc, "ConnectedEntities", entities);
	if (strcmp(text_of(attrs, "transport"), "tcp") == 0 ||
	    strcmp(text_of(attrs, "transport"), "rdma") == 0)
		set_transport(doc, attrs);
	rf_set_links(tree, links, "Connections", RF_CONNECTION_TARGET, resource, true);
	rf_set_links(tree, links, "Zones", RF_ZONE_ENDPOINT, resource, true);
	set_links_object(doc, links);
	return 0;
}

static int render_host(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	struct rf_tree *tree = rf_resource_tree(resource);
	size_t count = rf_link_count(tree, RF_HOST_NODE, resource, false);
	struct rf_resource *system =
		count ? rf_link_at(tree, RF_HOST_NODE, resource, false, 0) : NULL;
	struct js *entities = js_array();
	struct js *links = js_object();

	(void)data;
	set_text(doc, "Name", system ? rf_resource_id(system) : item->key);
	js_set(doc, "EndpointProtocol", js_string("NVMeOverFabrics"));
	set_nqn(doc, item->key);
	if (!system || !set_lost(resource, doc,
				 rf_model_source(item->model, item->nodes[0], REPORT_INITIATOR)))
		rf_set_status(resource, doc, "Enabled", "OK", NULL);
	append_entity(entities, "StorageInitiator", "Initiator", system);
	js_set(doc, "ConnectedEntities", entities);
	rf_set_links(tree, links, "Connections", RF_CONNECTION_HOST, resource, true);
	rf_set_links(tree, links, "Zones", RF_ZONE_ENDPOINT, resource, true);
	set_links_object(doc, links);
	return 0;
}

/* --- connections */

/* The state of the host's best controller of that subsystem; NULL: it has none. */
static const char *controller_state(const struct registry_source *source, const char *nqn,
				    bool *ret_is_live)
{
	struct registry_object *const *objects;
	const char *found = NULL;
	size_t count = 0;
	size_t i;

	objects = source ? registry_object_range(source, "controller", &count) : NULL;
	for (i = 0; i < count; i++)
		if (registry_object_is(objects[i], "nqn", nqn)) {
			found = objects[i]->id;
			if (registry_object_is(objects[i], "state", "live"))
				*ret_is_live = true;
		}
	return found;
}

/* Does the target see a session of that host? */
static bool has_session(const struct rf_item *item)
{
	struct rf_resource *storage;
	const struct rf_item *subsystem;
	size_t i, j;

	if (!rf_link_count(item->model->tree, RF_CONNECTION_SUBSYSTEM, item->resource, false))
		return false;
	storage = rf_link_at(item->model->tree, RF_CONNECTION_SUBSYSTEM, item->resource, false, 0);
	subsystem = rf_resource_object(storage);
	for (i = 0; i < subsystem->n_nodes; i++) {
		const struct registry_source *source =
			rf_model_source(item->model, subsystem->nodes[i], REPORT_TARGET);
		struct registry_object *const *objects;
		size_t count = 0;

		objects = source ? registry_object_range(source, "session", &count) : NULL;
		for (j = 0; j < count; j++)
			if (registry_object_is(objects[j], "nqn", item->key) &&
			    registry_object_is(objects[j], "hostnqn", item->host))
				return true;
	}
	return false;
}

static void set_connection_status(const struct rf_item *item, const struct rf_item *host,
				  struct js *doc)
{
	const char *controller = NULL;
	bool is_live = false;
	size_t i;

	for (i = 0; host && i < host->n_nodes; i++) {
		const char *found = controller_state(
			rf_model_source(item->model, host->nodes[i], REPORT_INITIATOR), item->key,
			&is_live);

		controller = found ? found : controller;
	}
	if (controller && !is_live && !has_session(item)) {
		CLEANUP_STR struct str text = STR_NULL;

		str_addf(&text, "%s has lost its connection", controller);
		rf_set_status(item->resource, doc, "Enabled", "Warning",
			      condition("Warning", str_get(&text)));
	} else {
		/* it may connect, and it does */
		is_live = is_live || !*item->host || has_session(item);
		rf_set_status(item->resource, doc, is_live ? "Enabled" : "StandbyOffline", "OK",
			      NULL);
	}
}

static void set_volume_info(struct rf_resource *resource, struct js *doc)
{
	struct rf_tree *tree = rf_resource_tree(resource);
	size_t count = rf_link_count(tree, RF_CONNECTION_VOLUME, resource, false);
	struct js *list = js_array();
	size_t i;

	for (i = 0; i < count; i++) {
		struct js *one = js_object();
		struct js *access = js_array();

		js_append(access, js_string("Read"));
		js_append(access, js_string("Write"));
		js_set(one, "AccessCapabilities", access);
		js_set(one, "Volume",
		       rf_ref(rf_link_at(tree, RF_CONNECTION_VOLUME, resource, false, i)));
		js_append(list, one);
	}
	js_set(doc, "VolumeInfo", list);
}

static int render_connection(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	struct rf_tree *tree = rf_resource_tree(resource);
	struct rf_resource *host =
		rf_link_count(tree, RF_CONNECTION_HOST, resource, false)
			? rf_link_at(tree, RF_CONNECTION_HOST, resource, false, 0)
			: NULL;
	struct js *links = js_object();
	CLEANUP_STR struct str name = STR_NULL;

	(void)data;
	str_addf(&name, "%s to %s", *item->host ? item->host : "any host", item->key);
	js_set(doc, "Name", js_string(str_get(&name)));
	js_set(doc, "ConnectionType", js_string("Storage"));
	set_connection_status(item, host ? rf_resource_object(host) : NULL, doc);
	set_volume_info(resource, doc);
	rf_set_links(tree, links, "InitiatorEndpoints", RF_CONNECTION_HOST, resource, false);
	rf_set_links(tree, links, "TargetEndpoints", RF_CONNECTION_TARGET, resource, false);
	set_links_object(doc, links);
	return 0;
}

/* --- zones */

static int render_zone(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rf_item *item = rf_resource_object(resource);
	const struct zone *zone = zone_find(item->model->redfish->collector->zones, item->key);
	struct js *links = js_object();

	(void)data;
	set_text(doc, "Name", item->key);
	js_set(doc, "ZoneType", js_string("ZoneOfEndpoints"));
	if (zone && zone->tenant)
		js_set(doc, "ExternalAccessibility", js_string("ZoneOnly"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	rf_set_links(rf_resource_tree(resource), links, "Endpoints", RF_ZONE_ENDPOINT, resource,
		     false);
	set_links_object(doc, links);
	return 0;
}

#define CLASS(word, version, fn, ...)                                                              \
	{                                                                                          \
		.type = "#" word "." version "." word, .read = RF_LOGIN,                           \
		.write = RF_CONFIGURE_COMPONENTS, .render = (fn), __VA_ARGS__                      \
	}
struct rf_class rf_classes[] = {
	[RF_NODE] = CLASS("ComputerSystem", "v1_22_0", render_node),
	[RF_FRAME] = CLASS("Chassis", "v1_25_0", render_frame),
	[RF_DRIVE] = CLASS("Drive", "v1_20_0", render_drive),
	[RF_SUBSYSTEM] = CLASS("Storage", "v1_17_0", render_subsystem),
	[RF_CONTROLLER] = CLASS("StorageController", "v1_9_0", render_controller),
	[RF_PORT] = CLASS("Port", "v1_12_0", render_port, .patch = rf_act_patch_nothing),
	[RF_VOLUME] = CLASS("Volume", "v1_10_0", render_volume, .patch = rf_act_patch_nothing,
			    .delete = rf_act_delete_volume),
	[RF_TARGET] = CLASS("Endpoint", "v1_8_0", render_target, .patch = rf_act_patch_nothing,
			    .delete = rf_act_delete_endpoint),
	[RF_HOST] = CLASS("Endpoint", "v1_8_0", render_host, .patch = rf_act_patch_nothing,
			  .delete = rf_act_delete_endpoint),
	[RF_CONNECTION] = CLASS("Connection", "v1_4_0", render_connection,
				.patch = rf_act_patch_nothing, .delete = rf_act_delete_connection),
	[RF_ZONE] = CLASS("Zone", "v1_6_1", render_zone, .patch = rf_act_patch_nothing,
			  .delete = rf_act_delete_zone, .actions = rf_act_zone_actions),
};
