/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-static.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "redfish/rf-message.h"

#define VENDOR "sunfish-nvmeof"
#define SCHEMAS "http://redfish.dmtf.org/schemas/"

struct rf_static {
	struct redfish *redfish;
};

/* --- ServiceRoot: a link for each child that is there */

static const struct {
	const char *property;
	const char *id;
} roots[] = {
	{ "AccountService", "AccountService" },
	{ "SessionService", "SessionService" },
	{ "EventService", "EventService" },
	{ "Registries", "Registries" },
	{ "Tasks", "TaskService" },
	{ "AggregationService", "AggregationService" },
	{ "Managers", "Managers" },
	{ "Chassis", "Chassis" },
	{ "Systems", "Systems" },
	{ "Storage", "Storage" },
	{ "Fabrics", "Fabrics" },
};

static struct rf_resource *find_root(struct rf_tree *tree, const char *id)
{
	char uri[RF_URI_MAX];

	snprintf(uri, sizeof(uri), RF_ROOT "/%s", id);
	return rf_tree_find(tree, uri);
}

static struct js *features(void)
{
	struct js *features = js_object();
	struct js *expand = js_object();
	struct js *deep = js_object();

	js_set(expand, "ExpandAll", js_bool(true));
	js_set(expand, "Levels", js_bool(true));
	js_set(expand, "MaxLevels", js_int(6));
	js_set(expand, "Links", js_bool(true));
	js_set(expand, "NoLinks", js_bool(true));
	js_set(features, "ExpandQuery", expand);
	js_set(features, "SelectQuery", js_bool(true));
	js_set(features, "FilterQuery", js_bool(false));
	js_set(features, "OnlyMemberQuery", js_bool(true));
	js_set(features, "ExcerptQuery", js_bool(false));
	js_set(features, "TopSkipQuery", js_bool(true));
	js_set(features, "MultipleHTTPRequests", js_bool(true));
	js_set(deep, "DeepPATCH", js_bool(false));
	js_set(deep, "DeepPOST", js_bool(false));
	js_set(features, "DeepOperations", deep);
	return features;
}

static int render_root(void *data, struct rf_resource *resource, struct js *doc)
{
	struct redfish *redfish = data;
	struct rf_tree *tree = redfish->tree;
	struct js *links = js_object();
	struct rf_resource *sessions = rf_tree_find(tree, RF_ROOT "/SessionService/Sessions");
	size_t i;

	(void)resource;
	js_set(doc, "@odata.id", js_string(RF_ROOT "/"));
	js_set(doc, "Id", js_string("RootService"));
	js_set(doc, "Name", js_string("NVMe-oF fabric"));
	js_set(doc, "RedfishVersion", js_string("1.20.1"));
	js_set(doc, "UUID", js_string(redfish->uuid));
	js_set(doc, "Product", js_string("sunfish-collectord"));
	js_set(doc, "Vendor", js_string(VENDOR));
	js_set(doc, "ProtocolFeaturesSupported", features());
	for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		struct rf_resource *root = find_root(tree, roots[i].id);

		if (root)
			js_set(doc, roots[i].property, rf_ref(root));
	}
	if (sessions)
		js_set(links, "Sessions", rf_ref(sessions));
	js_set(links, "ManagerProvidingService", rf_ref(rf_tree_find(tree, RF_MANAGER_URI)));
	js_set(doc, "Links", links);
	return 0;
}

/* --- documents beside the tree */

static int make_versions(void *data, struct str *text)
{
	(void)data;
	str_add(text, "{\"v1\":\"" RF_ROOT "/\"}");
	return 0;
}

static int make_odata(void *data, struct str *text)
{
	const struct redfish *redfish = data;
	size_t i;

	str_add(text, "{\"@odata.context\":\"" RF_ROOT "/$metadata\",\"value\":[{\"name\":"
		      "\"Service\",\"kind\":\"Singleton\",\"url\":\"" RF_ROOT "/\"}");
	for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (find_root(redfish->tree, roots[i].id))
			str_addf(text,
				 ",{\"name\":\"%s\",\"kind\":\"Singleton\",\"url\":\"%s/%s\"}",
				 roots[i].property, RF_ROOT, roots[i].id);
	str_add(text, "]}");
	return 0;
}

/* A reference for "#Volume.v1_10_0.Volume"; once for each type. */
static void add_reference(struct str *text, const char *type)
{
	const char *name = type + (*type == '#');
	const char *dot = strchr(name, '.');
	const char *last = strrchr(name, '.');
	CLEANUP_STR struct str include = STR_NULL;

	if (!dot)
		return;
	str_addf(&include, "<edmx:Include Namespace=\"%.*s\"/>", (int)(last - name), name);
	if (text->text && strstr(text->text, str_get(&include)))
		return;
	str_addf(text, "<edmx:Reference Uri=\"" SCHEMAS "%s/%.*s_v1.xml\">",
		 strncmp(name, "Volume", 6) == 0 ? "swordfish/v1" : "v1", (int)(dot - name), name);
	if (dot != last)
		str_addf(text, "<edmx:Include Namespace=\"%.*s\"/>", (int)(dot - name), name);
	str_addf(text, "%s</edmx:Reference>\n", str_get(&include));
}

static void add_class(void *data, const struct rf_class *class)
{
	add_reference(data, class->type);
}

static int make_metadata(void *data, struct str *text)
{
	static const char *const always[] = { "Resource.v1_19_0.x", "Message.v1_2_1.x",
					      "MessageRegistry.v1_6_2.x", "Event.v1_9_0.x" };
	const struct redfish *redfish = data;
	size_t i;

	str_add(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edmx:Edmx xmlns:edmx="
		      "\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n");
	rf_tree_each_class(redfish->tree, add_class, text);
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add_reference(text, always[i]);
	str_add(text,
		"<edmx:Reference Uri=\"" SCHEMAS "v1/RedfishExtensions_v1.xml\"><edmx:Include "
		"Namespace=\"RedfishExtensions.v1_0_0\" Alias=\"Redfish\"/></edmx:Reference>\n"
		"<edmx:DataServices><Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" "
		"Namespace=\"Service\"><EntityContainer Name=\"Service\" "
		"Extends=\"ServiceRoot.v1_18_0.ServiceContainer\"/></Schema>"
		"</edmx:DataServices>\n</edmx:Edmx>\n");
	return 0;
}

/* --- Managers */

static void set_now(struct js *doc)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	/* of when it was rendered: a tag must not change by itself */
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	js_set(doc, "DateTime", js_string(text));
	js_set(doc, "DateTimeLocalOffset", js_string("+00:00"));
}

static int render_manager(void *data, struct rf_resource *resource, struct js *doc)
{
	struct redfish *redfish = data;

	js_set(doc, "Name", js_string("Collector"));
	js_set(doc, "ManagerType", js_string("Service"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "FirmwareVersion", js_string(VERSION));
	js_set(doc, "UUID", js_string(redfish->uuid));
	js_set(doc, "ServiceEntryPointUUID", js_string(redfish->uuid));
	js_set(doc, "Manufacturer", js_string(VENDOR));
	js_set(doc, "Model", js_string("sunfish-collectord"));
	set_now(doc);
	js_set(doc, "NetworkProtocol",
	       rf_ref(rf_tree_find(redfish->tree, RF_MANAGER_URI "/NetworkProtocol")));
	return 0;
}

static struct js *protocol(bool enabled, int64_t port)
{
	struct js *js = js_object();

	js_set(js, "ProtocolEnabled", js_bool(enabled));
	if (enabled)
		js_set(js, "Port", js_int(port));
	return js;
}

static int render_protocol(void *data, struct rf_resource *resource, struct js *doc)
{
	struct redfish *redfish = data;
	const struct setup *setup = &redfish->collector->setup;
	bool tls = *setup->certificate;
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	js_set(doc, "Name", js_string("Protocols of the collector"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	if (*name)
		js_set(doc, "HostName", js_string(name));
	js_set(doc, "HTTPS", protocol(tls, setup->port));
	js_set(doc, "HTTP", protocol(!tls, setup->port));
	return 0;
}

/* --- Registries: a file for each, with the messages that are sent */

static const struct registry_file {
	const char *id;
	const char *version;
} registry_files[] = {
	{ "Base", "Base.1.19" },
	{ "ResourceEvent", "ResourceEvent.1.4" },
	{ "Fabric", "Fabric.1.0" },
	{ "StorageDevice", "StorageDevice.1.5" },
	{ "NetworkDevice", "NetworkDevice.1.1" },
	{ "HeartbeatEvent", "HeartbeatEvent.1.1" },
	{ "TaskEvent", "TaskEvent.1.0" },
};

static void registry_uri(const struct registry_file *file, char uri[RF_URI_MAX])
{
	snprintf(uri, RF_URI_MAX, RF_ROOT "/Registries/%s/%s.0.json", file->id, file->version);
}

static void add_message(struct js *messages, const struct rf_message *message)
{
	struct js *js = js_object();
	struct js *types = js_array();
	unsigned int i;

	js_set(js, "Description", js_string(message->text));
	js_set(js, "Message", js_string(message->text));
	js_set(js, "MessageSeverity", js_string(rf_severity_word(message->severity)));
	js_set(js, "NumberOfArgs", js_int(message->n_args));
	for (i = 0; i < message->n_args; i++)
		js_append(types, js_string("string"));
	if (message->n_args)
		js_set(js, "ParamTypes", types);
	else
		js_free(types);
	js_set(js, "Resolution", js_string(message->resolution));
	js_set(messages, message->key, js);
}

/* The messages of it that are sent, in our words. */
static int make_registry(void *data, struct str *text)
{
	const struct registry_file *file = data;
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *body = NULL;
	CLEANUP_STR struct str version = STR_NULL;
	struct js *messages = js_object();
	size_t i;

	str_addf(&version, "%s.0", file->version + strlen(file->id) + 1);
	js_set(js, "@odata.type", js_string("#MessageRegistry.v1_6_2.MessageRegistry"));
	js_set(js, "Id", js_string(file->version));
	js_set(js, "Name", js_string("Messages that are sent"));
	js_set(js, "Language", js_string("en"));
	js_set(js, "RegistryPrefix", js_string(file->id));
	js_set(js, "RegistryVersion", js_string(str_get(&version)));
	js_set(js, "OwningEntity", js_string("DMTF"));
	for (i = 0; i < rf_message_count(); i++)
		if (strcmp(rf_message_at(i)->registry, file->version) == 0)
			add_message(messages, rf_message_at(i));
	js_set(js, "Messages", messages);
	body = js_format(js, JS_COMPACT);
	if (!body)
		return -ENOMEM;
	str_add(text, body);
	return 0;
}

static int render_registry(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct registry_file *file = rf_resource_object(resource);
	struct js *languages = js_array();
	struct js *locations = js_array();
	struct js *location = js_object();
	char uri[RF_URI_MAX];
	char publication[RF_URI_MAX];

	(void)data;
	registry_uri(file, uri);
	snprintf(publication, sizeof(publication), "https://redfish.dmtf.org/registries/%s.0.json",
		 file->version);
	js_append(languages, js_string("en"));
	js_set(location, "Language", js_string("en"));
	js_set(location, "Uri", js_string(uri));
	js_set(location, "PublicationUri", js_string(publication));
	js_append(locations, location);
	js_set(doc, "Name", js_string("Message registry"));
	js_set(doc, "Registry", js_string(file->version));
	js_set(doc, "Languages", languages);
	js_set(doc, "Location", locations);
	return 0;
}

/* --- services */

static int render_tasks(void *data, struct rf_resource *resource, struct js *doc)
{
	struct redfish *redfish = data;

	js_set(doc, "Name", js_string("Task service"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "ServiceEnabled", js_bool(true));
	js_set(doc, "CompletedTaskOverWritePolicy", js_string("Oldest"));
	js_set(doc, "LifeCycleEventOnTaskStateChange", js_bool(true));
	js_set(doc, "Tasks", rf_ref(rf_tree_find(redfish->tree, RF_ROOT "/TaskService/Tasks")));
	return 0;
}

static int render_aggregation(void *data, struct rf_resource *resource, struct js *doc)
{
	struct redfish *redfish = data;

	js_set(doc, "Name", js_string("Aggregation service"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "ServiceEnabled", js_bool(true));
	js_set(doc, "ConnectionMethods", rf_ref(rf_tree_find(redfish->tree, RF_METHODS_URI)));
	return 0;
}

static int render_method(void *data, struct rf_resource *resource, struct js *doc)
{
	struct js *links = js_object();

	(void)data;
	(void)resource;
	js_set(doc, "Name", js_string("NVMe-oF agent"));
	js_set(doc, "ConnectionMethodType", js_string("Redfish"));
	js_set(doc, "ConnectionMethodVariant", js_string("NVMe-oF agent"));
	js_set(links, "AggregationSources", js_array());
	js_set(doc, "Links", links);
	return 0;
}

/* --- all of it. Classes have their data at run time: there is one service in a process */

static struct rf_class classes[] = {
	{ .type = "#ServiceRoot.v1_18_0.ServiceRoot", .read = RF_EVERYBODY, .render = render_root },
	{ .type = "#ManagerCollection.ManagerCollection", .collection = true, .name = "Managers" },
	{ .type = "#Manager.v1_19_0.Manager", .render = render_manager },
	{ .type = "#ManagerNetworkProtocol.v1_10_0.ManagerNetworkProtocol",
	  .render = render_protocol },
	{ .type = "#MessageRegistryFileCollection.MessageRegistryFileCollection",
	  .collection = true,
	  .name = "Registries" },
	{ .type = "#MessageRegistryFile.v1_1_4.MessageRegistryFile", .render = render_registry },
	{ .type = "#TaskService.v1_2_1.TaskService", .render = render_tasks },
	{ .type = "#TaskCollection.TaskCollection", .collection = true, .name = "Tasks" },
	{ .type = "#AggregationService.v1_0_2.AggregationService", .render = render_aggregation },
	{ .type = "#ConnectionMethodCollection.ConnectionMethodCollection",
	  .collection = true,
	  .name = "Connection Methods" },
	{ .type = "#ConnectionMethod.v1_1_1.ConnectionMethod", .render = render_method },
};
enum {
	ROOT,
	MANAGERS,
	MANAGER,
	PROTOCOL,
	REGISTRIES,
	REGISTRY,
	TASK_SERVICE,
	TASKS,
	AGGREGATION,
	METHODS,
	METHOD
};

static const struct {
	const char *uri;
	int class;
} fixed_resources[] = {
	{ RF_ROOT, ROOT },
	{ RF_ROOT "/Managers", MANAGERS },
	{ RF_MANAGER_URI, MANAGER },
	{ RF_MANAGER_URI "/NetworkProtocol", PROTOCOL },
	{ RF_ROOT "/Registries", REGISTRIES },
	{ RF_ROOT "/TaskService", TASK_SERVICE },
	{ RF_ROOT "/TaskService/Tasks", TASKS },
	{ RF_ROOT "/AggregationService", AGGREGATION },
	{ RF_METHODS_URI, METHODS },
	{ RF_METHODS_URI "/NVMeoF", METHOD },
};

static int add_all(struct redfish *redfish, struct err *err)
{
	char uri[RF_URI_MAX];
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		classes[i].data = redfish;
	for (i = 0; r == 0 && i < sizeof(fixed_resources) / sizeof(fixed_resources[0]); i++)
		r = rf_tree_add(redfish->tree, fixed_resources[i].uri,
				&classes[fixed_resources[i].class], NULL, NULL, err);
	for (i = 0; r == 0 && i < sizeof(registry_files) / sizeof(registry_files[0]); i++) {
		snprintf(uri, sizeof(uri), RF_ROOT "/Registries/%s", registry_files[i].id);
		r = rf_tree_add(redfish->tree, uri, &classes[REGISTRY], (void *)&registry_files[i],
				NULL, err);
		registry_uri(&registry_files[i], uri);
		if (r == 0)
			r = rf_service_add_document(redfish->service, uri, "application/json",
						    make_registry, (void *)&registry_files[i]);
	}
	return r;
}

int rf_static_new(struct redfish *redfish, struct rf_static **ret, struct err *err)
{
	static const struct {
		const char *uri;
		const char *type;
		int (*make)(void *data, struct str *text);
	} documents[] = {
		{ "/redfish", "application/json", make_versions },
		{ RF_ROOT "/odata", "application/json", make_odata },
		{ RF_ROOT "/$metadata", "application/xml", make_metadata },
	};
	struct rf_static *fixed = calloc(1, sizeof(*fixed));
	size_t i;
	int r;

	if (!fixed)
		return err_nomem(err);
	fixed->redfish = redfish;
	r = add_all(redfish, err);
	for (i = 0; r == 0 && i < sizeof(documents) / sizeof(documents[0]); i++)
		r = rf_service_add_document(redfish->service, documents[i].uri, documents[i].type,
					    documents[i].make, redfish);
	if (r < 0)
		rf_static_free(fixed);
	else
		*ret = fixed;
	return r;
}

void rf_static_free(struct rf_static *fixed)
{
	free(fixed);
}
