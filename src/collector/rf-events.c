/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-body.h"
#include "collector/rf-events-own.h"
#include "core/log.h"
#include "redfish/rf-message.h"

#define SERVICE_KEY "redfish/events"
#define ID_KEY "redfish/event-id"
#define ID_BLOCK 100000 /* ids are taken from the store so many at a time */
#define ATTEMPTS 3
#define ATTEMPTS_MAX 100
#define INTERVAL_SECONDS 30
#define INTERVAL_MAX 3600
#define STREAMS_MAX 256
#define DESTINATIONS_MAX 64
#define PENDING_MAX 100000

/* --- ids that rise over restarts */

static int write_ids(void *data, struct err *err)
{
	struct rfevents *rfevents = data;
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, rfevents->next_id + ID_BLOCK);
	return store_doc_put(rfevents->redfish->collector->store, ID_KEY, text, err);
}

static void done_ids(void *data, int code, const struct err *err)
{
	struct rfevents *rfevents = data;

	(void)err;
	rfevents->is_reserving = false;
	if (code == 0)
		rfevents->reserved_id = rfevents->next_id + ID_BLOCK / 2;
}

static void reserve_ids(struct rfevents *rfevents)
{
	if (rfevents->is_reserving || rfevents->next_id < rfevents->reserved_id)
		return;
	rfevents->is_reserving = commit_join(rfevents->redfish->collector->commit, write_ids,
					     done_ids, rfevents) == 0;
}

static int load_ids(void *data, const char *key, const char *text)
{
	struct rfevents *rfevents = data;
	uint64_t id;

	if (strcmp(key, ID_KEY) == 0 && str_parse_uint(text, INT64_MAX / 2, &id) == 0)
		rfevents->next_id = id;
	return 0;
}

/* --- what happens */

static int add_pending(struct rfevents *rfevents, struct rf_record *record)
{
	if (rfevents->n_pending == rfevents->pending_room) {
		size_t room = rfevents->pending_room ? 2 * rfevents->pending_room : 64;
		struct rf_record **pending =
			room > PENDING_MAX
				? NULL
				: reallocarray(rfevents->pending, room, sizeof(struct rf_record *));

		if (!pending)
			return -ENOMEM;
		rfevents->pending = pending;
		rfevents->pending_room = room;
	}
	rfevents->pending[rfevents->n_pending++] = record;
	loop_post_set(rfevents->post);
	return 0;
}

static int add_record(struct rfevents *rfevents, const struct rf_record_about *about)
{
	struct rf_record *record;
	int r = rf_record_new(rfevents->next_id, about, &record);

	if (r < 0)
		return r;
	r = add_pending(rfevents, record);
	if (r < 0) {
		rf_record_unref(record);
		return r;
	}
	rfevents->next_id++;
	reserve_ids(rfevents);
	return 0;
}

/* A stream's own destination goes with its connection: that is no news for others. */
static void on_change(void *data, const struct rf_event *event)
{
	struct rfevents *rfevents = data;
	const char *machines_args[4] = { event->uri, event->health, "", "" };
	const char *people_args[4];
	char buffer[RF_URI_MAX];
	char type[48];
	struct rf_record_about about = { .args = machines_args,
					 .origin = event->uri,
					 .type = type };
	const char *people;
	uint64_t group = rfevents->next_id;

	if (event->class == &rf_stream_class)
		return;
	rf_record_type(event->class->type, type);
	about.message = rf_record_machines(event);
	if (strcmp(about.message, "ResourceEvent.ResourceStateChanged") == 0)
		machines_args[1] = event->state;
	if (add_record(rfevents, &about) < 0)
		return;
	people = rf_record_people(event, type, buffer, people_args);
	if (!people)
		return;
	about.message = people;
	about.args = people_args;
	about.group = group;
	add_record(rfevents, &about);
}

int rfevents_send(struct rfevents *rfevents, const char *message, const char *const *args,
		  const char *origin)
{
	const struct rf_record_about about = {
		.message = message, .args = args, .origin = origin, .type = ""
	};

	return add_record(rfevents, &about);
}

/* --- and goes out */

static void ring_drop(struct rfevents *rfevents)
{
	struct rf_record *record = rfevents->ring[rfevents->ring_first];

	rfevents->forgotten_id = record->id;
	rfevents->ring_bytes -= record->length;
	rfevents->ring_first = (rfevents->ring_first + 1) % RING_MAX;
	rfevents->ring_count--;
	rf_record_unref(record);
}

static void ring_add(struct rfevents *rfevents, struct rf_record *record)
{
	while (rfevents->ring_count &&
	       (rfevents->ring_count == RING_MAX ||
		/* with what a stream has around it */
		rfevents->ring_bytes + record->length + 160 * rfevents->ring_count > RING_BYTES))
		ring_drop(rfevents);
	rfevents->ring[(rfevents->ring_first + rfevents->ring_count++) % RING_MAX] =
		rf_record_ref(record);
	rfevents->ring_bytes += record->length;
}

void rfevents_flush(struct rfevents *rfevents)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct destination *destination;
	struct rf_record **pending;
	size_t n, i;

	if (!rfevents || !rfevents->n_pending)
		return;
	/* whoever is called may make more */
	pending = TAKE_PTR(rfevents->pending);
	n = rfevents->n_pending;
	rfevents->n_pending = rfevents->pending_room = 0;
	for (i = 0; i < n; i++) {
		ring_add(rfevents, pending[i]);
		if (rfevents->n_streams)
			rf_streams_format(pending[i], &text);
		TAILQ_FOREACH(destination, &rfevents->destinations, next)
		if (rf_destination_wants(destination, pending[i]))
			rf_push_add(destination, pending[i]);
	}
	rf_streams_send(rfevents, &text, pending[0]->id);
	for (i = 0; i < n; i++)
		rf_record_unref(pending[i]);
	free(pending);
	TAILQ_FOREACH(destination, &rfevents->destinations, next)
	rf_push_go_on(destination);
}

static void on_post(void *data)
{
	rfevents_flush(data);
}

/* --- the service */

static const char *const registries[] = { "Base",	   "ResourceEvent",
					  "Fabric",	   "StorageDevice",
					  "NetworkDevice", "HeartbeatEvent",
					  "TaskEvent",	   NULL };
static const char *const types[] = { "AggregationSource",
				     "Chassis",
				     "ComputerSystem",
				     "Connection",
				     "Drive",
				     "Endpoint",
				     "EndpointGroup",
				     "EventDestination",
				     "Fabric",
				     "Manager",
				     "ManagerAccount",
				     "NetworkAdapter",
				     "NetworkDeviceFunction",
				     "Port",
				     "Session",
				     "Storage",
				     "StorageController",
				     "Task",
				     "Volume",
				     "Zone",
				     NULL };
static const char *const severities[] = { "OK", "Warning", "Critical", NULL };
static const char *const formats[] = { "Event", NULL };

static void set_list(struct js *doc, const char *key, const char *const *list)
{
	struct js *array = js_array();

	for (; *list; list++)
		js_append(array, js_string(*list));
	js_set(doc, key, array);
}

static int render_service(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct rfevents *rfevents = rf_resource_object(resource);
	struct js *ref = js_object();

	(void)data;
	js_set(doc, "Name", js_string("Event Service"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "ServiceEnabled", js_bool(true));
	js_set(doc, "DeliveryRetryAttempts", js_int(rfevents->attempts));
	js_set(doc, "DeliveryRetryIntervalSeconds", js_int(rfevents->interval_seconds));
	js_set(doc, "ServerSentEventUri", js_string(RFEVENTS_SSE_URI));
	set_list(doc, "EventFormatTypes", formats);
	set_list(doc, "RegistryPrefixes", registries);
	set_list(doc, "ResourceTypes", types);
	set_list(doc, "Severities", severities);
	js_set(doc, "SubordinateResourcesSupported", js_bool(true));
	js_set(doc, "IncludeOriginOfConditionSupported", js_bool(false));
	js_set(doc, "ExcludeRegistryPrefix", js_bool(true));
	js_set(doc, "ExcludeMessageId", js_bool(true));
	js_set(ref, "@odata.id", js_string(RFEVENTS_SUBSCRIPTIONS_URI));
	js_set(doc, "Subscriptions", ref);
	return 0;
}

static int patch_service(void *data, struct rf_call *call)
{
	static const char *const writable[] = { "DeliveryRetryAttempts",
						"DeliveryRetryIntervalSeconds", NULL };
	struct rfevents *rfevents = rf_resource_object(call->resource);
	int64_t attempts = rfevents->attempts;
	int64_t seconds = rfevents->interval_seconds;
	char text[96];
	int r = rf_patch_check(call, writable);

	(void)data;
	if (r == 0)
		r = rf_body_number(call, writable[0], 0, ATTEMPTS_MAX, &attempts);
	if (r >= 0)
		r = rf_body_number(call, writable[1], 1, INTERVAL_MAX, &seconds);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "{\"attempts\":%" PRId64 ",\"interval\":%" PRId64 "}",
		 attempts, seconds);
	r = store_doc_put(rfevents->redfish->collector->store, SERVICE_KEY, text, NULL);
	if (r < 0)
		return r;
	rfevents->attempts = attempts;
	rfevents->interval_seconds = seconds;
	rf_resource_touch(rfevents->redfish->tree, rfevents->service);
	return 0;
}

/* --- an event for trying it out */

#define TEST "#EventService.SubmitTestEvent"

static int refuse_parameter(struct rf_call *call, const char *message, const char *value,
			    const char *parameter)
{
	struct rf_problem problem = { .key = message, .args = { value, parameter, TEST } };

	if (strcmp(message, "ActionParameterMissing") == 0 ||
	    strcmp(message, "ActionParameterUnknown") == 0)
		problem = (struct rf_problem){ .key = message, .args = { TEST, parameter } };
	return rf_problem_add(&call->problems, &problem);
}

/* Its members as the client wants them, of the right type. */
static int take_test(struct rf_call *call, struct js *overrides)
{
	static const struct {
		const char *name, *member;
		enum js_type type;
	} parameters[] = {
		{ "EventId", "EventId", JS_STRING },
		{ "EventTimestamp", "EventTimestamp", JS_STRING },
		{ "EventGroupId", "EventGroupId", JS_INT },
		{ "EventType", "EventType", JS_STRING },
		{ "Message", "Message", JS_STRING },
		{ "MessageArgs", "MessageArgs", JS_ARRAY },
		{ "MessageId", "MessageId", JS_STRING },
		{ "MessageSeverity", "MessageSeverity", JS_STRING },
		{ "Severity", NULL, JS_STRING },
		{ "OriginOfCondition", NULL, JS_STRING },
	};
	const size_t n = sizeof(parameters) / sizeof(parameters[0]);
	size_t i, at;

	for (i = 0; i < js_length(call->body); i++) {
		const char *key = js_key_at(call->body, i);
		const struct js *value = js_value_at(call->body, i);

		for (at = 0; at < n && strcmp(parameters[at].name, key) != 0; at++)
			;
		if (strchr(key, '@'))
			continue;
		if (at == n)
			return refuse_parameter(call, "ActionParameterUnknown", NULL, key);
		if (js_type(value) != parameters[at].type || js_size(value) > 4096)
			return refuse_parameter(call, "ActionParameterValueTypeError", "?", key);
		if (parameters[at].member)
			js_set(overrides, parameters[at].member, js_ref(value));
	}
	return 0;
}

/* The arguments are the client's, and are put over those of the message. */
static int submit_test(void *data, struct rf_call *call)
{
	static const char *const no_args[4] = { "", "", "", "" };
	struct rfevents *rfevents = rf_resource_object(call->resource);
	CLEANUP_JS struct js *overrides = js_object();
	struct rf_record_about about = { .args = no_args, .type = "", .overrides = overrides };
	const char *id = js_text(js_get(call->body, "MessageId"));
	const char *origin = js_text(js_get(call->body, "OriginOfCondition"));
	int r = take_test(call, overrides);

	(void)data;
	if (r < 0)
		return r;
	if (!id)
		return refuse_parameter(call, "ActionParameterMissing", NULL, "MessageId");
	/* with whichever name, it is told as the test that it is */
	about.message = "ResourceEvent.TestMessage";
	about.origin = origin ? origin : RFEVENTS_URI;
	r = add_record(rfevents, &about);
	return r;
}

static const struct rf_action service_actions[] = {
	{ TEST, submit_test },
	{ NULL, NULL },
};

static const struct rf_class service_class = {
	.type = "#EventService.v1_10_0.EventService",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_MANAGER,
	.render = render_service,
	.patch = patch_service,
	.actions = service_actions,
};

/* --- life */

static int load_service(void *data, const char *key, const char *text)
{
	struct rfevents *rfevents = data;
	CLEANUP_JS struct js *js = NULL;

	if (strcmp(key, SERVICE_KEY) != 0 || js_parse(text, strlen(text), &js, NULL) < 0)
		return 0;
	rfevents->attempts = js_number(js_get(js, "attempts"), ATTEMPTS);
	rfevents->interval_seconds = js_number(js_get(js, "interval"), INTERVAL_SECONDS);
	return 0;
}

static int load(struct rfevents *rfevents, struct err *err)
{
	rfevents->attempts = ATTEMPTS;
	rfevents->interval_seconds = INTERVAL_SECONDS;
	return store_doc_each(rfevents->redfish->collector->store, SERVICE_KEY, load_service,
			      rfevents, err);
}

void rfevents_reload(struct rfevents *rfevents)
{
	if (!rfevents)
		return;
	load(rfevents, NULL);
	rf_resource_touch(rfevents->redfish->tree, rfevents->service);
	rf_destinations_reload(rfevents);
}

int rfevents_configure(struct rfevents *rfevents, const struct rfevents_limits *limits,
		       struct err *err)
{
	struct rf_net *nets = calloc(limits->n_networks + 1, sizeof(*nets));
	size_t i;

	if (!nets)
		return err_nomem(err);
	for (i = 0; i < limits->n_networks; i++)
		if (rf_net_parse(limits->networks[i], &nets[i]) < 0) {
			free(nets);
			return err_set(err, -EINVAL, "\"%s\" is no network such as \"10.0.0.0/8\"",
				       limits->networks[i]);
		}
	free(rfevents->nets);
	rfevents->nets = nets;
	rfevents->n_nets = limits->n_networks;
	rfevents->streams_max = limits->streams ? limits->streams : STREAMS_MAX;
	rfevents->destinations_max =
		limits->subscriptions ? limits->subscriptions : DESTINATIONS_MAX;
	return 0;
}

static int configure(struct rfevents *rfevents, struct err *err)
{
	const struct rf_conf *conf = &rfevents->redfish->conf;
	const char *networks[RF_CONF_NETWORKS_MAX];
	const struct rfevents_limits limits = { .networks = networks,
						.n_networks = conf->n_networks,
						.streams = (size_t)conf->streams_max,
						.subscriptions = (size_t)conf->subscriptions_max };
	size_t i;

	for (i = 0; i < conf->n_networks; i++)
		networks[i] = conf->networks[i];
	return rfevents_configure(rfevents, &limits, err);
}

static int add_resources(struct rfevents *rfevents, struct err *err)
{
	struct rf_tree *tree = rfevents->redfish->tree;
	int r = rf_tree_add(tree, RFEVENTS_URI, &service_class, rfevents, &rfevents->service, err);

	if (r == 0)
		r = rf_tree_add(tree, RFEVENTS_SUBSCRIPTIONS_URI, &rf_destinations_class, rfevents,
				&rfevents->collection, err);
	if (r == 0 && rf_tree_watch(tree, on_change, rfevents) < 0)
		r = err_set(err, -ENOSPC, "too many watch the tree");
	return r;
}

int rfevents_new(struct redfish *redfish, struct rfevents **ret, struct err *err)
{
	struct rfevents *rfevents = calloc(1, sizeof(*rfevents));
	int r;

	if (!rfevents)
		return err_nomem(err);
	rfevents->redfish = redfish;
	rfevents->next_id = 1;
	TAILQ_INIT(&rfevents->destinations);
	TAILQ_INIT(&rfevents->streams);
	r = loop_add_post(redfish->loop, on_post, rfevents, &rfevents->post, err);
	if (r == 0)
		r = configure(rfevents, err);
	if (r == 0)
		r = load(rfevents, err);
	if (r == 0)
		r = store_doc_each(redfish->collector->store, ID_KEY, load_ids, rfevents, err);
	rfevents->forgotten_id = rfevents->next_id - 1;
	if (r == 0)
		r = add_resources(rfevents, err);
	if (r == 0)
		r = rf_destinations_load(rfevents, err);
	if (r < 0) {
		rfevents_free(rfevents);
		return r;
	}
	reserve_ids(rfevents);
	*ret = rfevents;
	return 0;
}

/* The tree goes after us, and tells nothing any more. */
void rfevents_free(struct rfevents *rfevents)
{
	size_t i;

	if (!rfevents)
		return;
	rfevents_forget_streams(rfevents);
	rf_destinations_free(rfevents);
	while (rfevents->ring_count)
		ring_drop(rfevents);
	for (i = 0; i < rfevents->n_pending; i++)
		rf_record_unref(rfevents->pending[i]);
	free(rfevents->pending);
	loop_source_free(rfevents->post);
	httpc_free(rfevents->verifying);
	httpc_free(rfevents->trusting);
	free(rfevents->nets);
	free(rfevents);
}
