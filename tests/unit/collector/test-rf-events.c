/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/rf.h"

#include "collector/rf-events-net.h"
#include "collector/rf-events-own.h"

/* --- resources that change when they are told to */

struct thing {
	const char *state, *health;
	int value;
};

static int render_thing(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct thing *thing = rf_resource_object(resource);

	(void)data;
	js_set(doc, "Name", js_string("thing"));
	js_set(doc, "Value", js_int(thing->value));
	rf_set_status(resource, doc, thing->state, thing->health, NULL);
	return 0;
}

static const struct rf_class volume_class = { .type = "#Volume.v1_10_0.Volume",
					      .read = RF_LOGIN,
					      .render = render_thing };
static const struct rf_class zone_class = { .type = "#Zone.v1_6_1.Zone",
					    .read = RF_LOGIN,
					    .render = render_thing };

#define VOLUME_URI "/redfish/v1/Storage/s1/Volumes/1"
#define ZONE_URI "/redfish/v1/Fabrics/NVMeoF/Zones/z"

static struct rf_resource *add_thing(struct rf *rf, const char *uri, const struct rf_class *class,
				     struct thing *thing)
{
	struct rf_resource *resource;

	*thing = (struct thing){ .state = "Enabled", .health = "OK" };
	assert_int_equal(
		rf_tree_add(rf->h.collector.redfish->tree, uri, class, thing, &resource, NULL), 0);
	redfish_flush(rf->h.collector.redfish);
	return resource;
}

static void touch(struct rf *rf, struct rf_resource *resource)
{
	rf_resource_touch(rf->h.collector.redfish->tree, resource);
	redfish_flush(rf->h.collector.redfish);
}

/* --- clients */

static int open_stream(struct rf *rf, const char *headers, struct str *text)
{
	CLEANUP_STR struct str request = STR_NULL;
	int fd = rf_connect(rf);

	str_addf(&request,
		 "GET " RFEVENTS_SSE_URI " HTTP/1.1\r\nHost: localhost\r\n"
		 "Accept: text/event-stream\r\n%s\r\n",
		 headers);
	rf_write(rf, fd, request.text, request.length);
	rf_await(rf, fd, text, ": stream open");
	return fd;
}

/* A server that takes one POST at a time, each on a connection of its own, and answers as it is
 * told. */
struct receiver {
	int fd;
	unsigned int port;
	unsigned int status;
	int client;
	struct str now; /* of the request that comes in */
	struct str all;
	size_t requests;
};

static void receiver_open(struct receiver *receiver)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	*receiver = (struct receiver){ .status = 204, .client = -1 };
	receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(receiver->fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(receiver->fd, 8), 0);
	assert_int_equal(getsockname(receiver->fd, (struct sockaddr *)&address, &size), 0);
	receiver->port = ntohs(address.sin_port);
}

static void receiver_close(struct receiver *receiver)
{
	if (receiver->client >= 0)
		close(receiver->client);
	close(receiver->fd);
	str_deinit(&receiver->now);
	str_deinit(&receiver->all);
}
#define RECEIVER __attribute__((cleanup(receiver_close))) struct receiver

static bool is_whole(const struct receiver *receiver)
{
	const char *length = strstr(str_get(&receiver->now), "Content-Length: ");
	const char *body = strstr(str_get(&receiver->now), "\r\n\r\n");

	return body && length && strlen(body + 4) >= strtoul(length + 16, NULL, 10);
}

static void receiver_step(struct receiver *receiver)
{
	char answer[160];

	if (receiver->client < 0)
		receiver->client = accept4(receiver->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (receiver->client < 0)
		return;
	rf_read(receiver->client, &receiver->now);
	if (!is_whole(receiver))
		return;
	str_add(&receiver->all, receiver->now.text);
	str_add(&receiver->all, "\n");
	receiver->requests++;
	str_deinit(&receiver->now);
	receiver->now = STR_NULL;
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 %u x\r\nConnection: close\r\nContent-Length: 0\r\n%s\r\n",
		 receiver->status,
		 receiver->status == 302 ? "Location: http://127.0.0.1:1/\r\n" : "");
	send(receiver->client, answer, strlen(answer), MSG_NOSIGNAL);
	close(receiver->client);
	receiver->client = -1;
}

static void receive(struct rf *rf, struct receiver *receiver, size_t requests)
{
	int64_t until = clock_monotonic_ms() + RF_PATIENCE_MS;

	while (receiver->requests < requests) {
		receiver_step(receiver);
		loop_step(rf->h.loop, 5);
		if (clock_monotonic_ms() > until)
			fail_msg("%zu of %zu: %s", receiver->requests, requests,
				 str_get(&receiver->all));
	}
}

/* For a while nothing comes. */
static void receive_nothing(struct rf *rf, struct receiver *receiver)
{
	size_t before = receiver->requests;
	int i;

	for (i = 0; i < 30; i++) {
		receiver_step(receiver);
		loop_step(rf->h.loop, 5);
	}
	assert_int_equal(receiver->requests, before);
}

static void start_with_loopback(struct rf *rf)
{
	static const char *const networks[] = { "127.0.0.0/8" };
	const struct rfevents_limits limits = { .networks = networks, .n_networks = 1 };

	rf_start(rf);
	assert_int_equal(rfevents_configure(rf->h.collector.redfish->rfevents, &limits, NULL), 0);
}

/* @more  members, each with a ',' before it */
static void subscribe(struct rf *rf, const char *admin, const struct receiver *receiver,
		      const char *more, char ret_uri[256])
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{\"Destination\":\"http://127.0.0.1:%u/x\",\"Protocol\":\"Redfish\","
		 "\"Context\":\"mine\"%s}",
		 receiver->port, more);
	{
		RF_REPLY made = rf_ask(rf, "POST", RFEVENTS_SUBSCRIPTIONS_URI, admin, body);

		rf_expect(&made, 201, "\"HttpHeaders\":[]");
		assert_int_equal(
			sscanf(strstr(made.text.text, "Location: "), "Location: %255s", ret_uri),
			1);
	}
}

static void retry_at_once(struct rf *rf, int64_t attempts)
{
	rf->h.collector.redfish->rfevents->attempts = attempts;
	rf->h.collector.redfish->rfevents->interval_seconds = 0;
}

/* --- streams */

static void a_stream_tells_each_change_in_order_with_rising_ids(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	struct thing thing;
	struct rf_resource *zone;
	const char *made, *changed, *gone;
	unsigned long long a, b, c;
	int fd;

	(void)state;
	rf_start(&rf);
	fd = open_stream(&rf, rf_admin(&rf), &text);
	zone = add_thing(&rf, ZONE_URI, &zone_class, &thing);
	thing.value = 7;
	touch(&rf, zone);
	rf_tree_remove(rf.h.collector.redfish->tree, zone);
	redfish_flush(rf.h.collector.redfish);
	rf_await(&rf, fd, &text, "Fabric.1.0.ZoneRemoved");
	close(fd);
	made = strstr(text.text, "ResourceEvent.1.4.ResourceCreated");
	changed = strstr(text.text, "ResourceEvent.1.4.ResourceChanged");
	gone = strstr(text.text, "ResourceEvent.1.4.ResourceRemoved");
	assert_true(made && changed && gone && made < changed && changed < gone);
	assert_non_null(strstr(text.text, "{\"@odata.id\":\"" ZONE_URI "\"}"));
	assert_non_null(strstr(text.text, "\"MessageArgs\":[\"z\",\"NVMeoF\"]"));
	assert_int_equal(sscanf(strstr(text.text, "\nid: "), "\nid: %llu", &a), 1);
	made = strstr(strstr(text.text, "\nid: ") + 1, "\nid: ");
	assert_int_equal(sscanf(made, "\nid: %llu", &b), 1);
	assert_int_equal(sscanf(strstr(made + 1, "\nid: "), "\nid: %llu", &c), 1);
	assert_true(a + 1 == b && b + 1 == c);
}

static void health_and_state_have_messages_of_their_own(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	struct thing thing;
	struct rf_resource *volume;
	int fd;

	(void)state;
	rf_start(&rf);
	volume = add_thing(&rf, VOLUME_URI, &volume_class, &thing);
	fd = open_stream(&rf, rf_admin(&rf), &text);
	thing.state = "Absent";
	thing.health = "Critical";
	touch(&rf, volume);
	rf_await(&rf, fd, &text, "ResourceEvent.1.4.ResourceStatusChangedCritical");
	rf_await(&rf, fd, &text, "StorageDevice.1.5.VolumeOffline");
	assert_non_null(strstr(text.text, "\"MessageArgs\":[\"1\",\"s1\"]"));
	thing.health = "OK";
	touch(&rf, volume);
	rf_await(&rf, fd, &text, "ResourceEvent.1.4.ResourceStatusChangedOK");
	thing.state = "Enabled";
	touch(&rf, volume);
	rf_await(&rf, fd, &text, "ResourceEvent.1.4.ResourceStateChanged");
	close(fd);
}

static void what_is_touched_but_says_the_same_is_no_event(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	struct thing thing;
	struct rf_resource *volume;
	int fd;

	(void)state;
	rf_start(&rf);
	volume = add_thing(&rf, VOLUME_URI, &volume_class, &thing);
	fd = open_stream(&rf, rf_admin(&rf), &text);
	touch(&rf, volume);
	rfevents_keep_alive(rf.h.collector.redfish->rfevents);
	rf_await(&rf, fd, &text, ": keepalive");
	assert_null(strstr(text.text, "data:"));
	close(fd);
}

static void a_stream_that_comes_again_gets_what_it_missed(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str again = STR_NULL;
	struct thing thing;
	struct rf_resource *volume;
	unsigned long long id;
	char headers[600];
	const char *admin;
	int fd;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	fd = open_stream(&rf, admin, &text);
	volume = add_thing(&rf, VOLUME_URI, &volume_class, &thing);
	rf_await(&rf, fd, &text, "ResourceCreated");
	close(fd);
	assert_int_equal(sscanf(strstr(text.text, "\nid: "), "\nid: %llu", &id), 1);
	thing.value = 5;
	touch(&rf, volume);
	snprintf(headers, sizeof(headers), "%sLast-Event-ID: %llu\r\n", admin, id);
	fd = open_stream(&rf, headers, &again);
	rf_await(&rf, fd, &again, "ResourceEvent.1.4.ResourceChanged");
	assert_null(strstr(again.text, "ResourceCreated"));
	assert_null(strstr(again.text, "EventBufferExceeded"));
	close(fd);
	/* of what is in the ring no more it is told that it is lost */
	str_deinit(&again);
	again = STR_NULL;
	rf.h.collector.redfish->rfevents->forgotten_id = id;
	snprintf(headers, sizeof(headers), "%sLast-Event-ID: %llu\r\n", admin, id - 1);
	fd = open_stream(&rf, headers, &again);
	rf_await(&rf, fd, &again, "EventBufferExceeded");
	close(fd);
}

static void ids_go_on_after_a_restart(void **state)
{
	RF rf;
	uint64_t before;

	(void)state;
	rf_start(&rf);
	assert_int_equal(rfevents_send(rf.h.collector.redfish->rfevents,
				       "HeartbeatEvent.RedfishServiceStarted", NULL, NULL),
			 0);
	commit_now(rf.h.collector.commit);
	before = rf.h.collector.redfish->rfevents->next_id;
	rf_restart(&rf);
	assert_true(rf.h.collector.redfish->rfevents->next_id >= before);
}

static void a_stream_has_a_destination_that_goes_with_it_and_ends_it(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	const char *admin;
	int64_t until = clock_monotonic_ms() + RF_PATIENCE_MS;
	int fd;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	fd = open_stream(&rf, admin, &text);
	{
		RF_REPLY there =
			rf_ask(&rf, "GET", RFEVENTS_SUBSCRIPTIONS_URI "/stream-1", admin, NULL);
		RF_REPLY ended =
			rf_ask(&rf, "DELETE", RFEVENTS_SUBSCRIPTIONS_URI "/stream-1", admin, NULL);
		RF_REPLY gone =
			rf_ask(&rf, "GET", RFEVENTS_SUBSCRIPTIONS_URI "/stream-1", admin, NULL);

		rf_expect(&there, 200, "\"SubscriptionType\":\"SSE\"");
		rf_expect(&ended, 204, NULL);
		rf_expect(&gone, 404, NULL);
	}
	/* the last chunk */
	rf_await(&rf, fd, &text, "\r\n0\r\n\r\n");
	close(fd);
	str_deinit(&text);
	text = STR_NULL;
	fd = open_stream(&rf, admin, &text);
	assert_int_equal(rfevents_stream_count(rf.h.collector.redfish->rfevents), 1);
	close(fd);
	while (rfevents_stream_count(rf.h.collector.redfish->rfevents)) {
		loop_step(rf.h.loop, 10);
		assert_true(clock_monotonic_ms() < until);
	}
	{
		RF_REPLY none = rf_ask(&rf, "GET", RFEVENTS_SUBSCRIPTIONS_URI, admin, NULL);

		rf_expect(&none, 200, "\"Members@odata.count\":0");
	}
}

static void a_stream_ends_with_the_account_of_who_opened_it(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	const char *admin;
	int fd;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY made = rf_ask(&rf, "POST", ACCOUNTS_URI, admin,
				       "{\"UserName\":\"r\",\"Password\":\"password-of-r\","
				       "\"RoleId\":\"ReadOnly\"}");

		rf_expect(&made, 201, NULL);
	}
	fd = open_stream(&rf, rf_basic("r", "password-of-r"), &text);
	{
		RF_REPLY gone = rf_ask(&rf, "DELETE", ACCOUNTS_URI "/r", admin, NULL);

		rf_expect(&gone, 204, NULL);
	}
	rf_await(&rf, fd, &text, "\r\n0\r\n\r\n");
	close(fd);
}

static void a_stream_ends_with_the_password_it_was_opened_with(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	const char *admin;
	int fd;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY made = rf_ask(&rf, "POST", ACCOUNTS_URI, admin,
				       "{\"UserName\":\"r\",\"Password\":\"password-of-r\","
				       "\"RoleId\":\"ReadOnly\"}");

		rf_expect(&made, 201, NULL);
	}
	fd = open_stream(&rf, rf_basic("r", "password-of-r"), &text);
	{
		RF_REPLY other = rf_ask(&rf, "PATCH", ACCOUNTS_URI "/r", admin,
					"{\"Password\":\"another-password\"}");

		rf_expect(&other, 200, NULL);
	}
	rf_await(&rf, fd, &text, "\r\n0\r\n\r\n");
	close(fd);
}

static void a_stream_is_refused_with_an_error_as_all_others(void **state)
{
	RF rf;
	const char *admin;
	char headers[600];

	(void)state;
	rf_start(&rf);
	{
		RF_REPLY nobody = rf_ask(&rf, "GET", RFEVENTS_SSE_URI, "", NULL);
		RF_REPLY first =
			rf_ask(&rf, "GET", RFEVENTS_SSE_URI, rf_basic("admin", rf.password), NULL);

		rf_expect(&nobody, 401, "\"error\"");
		rf_expect(&first, 403, "PasswordChangeRequired");
	}
	admin = rf_admin(&rf);
	snprintf(headers, sizeof(headers), "%sAccept: application/json\r\n", admin);
	{
		RF_REPLY json = rf_ask(&rf, "GET", RFEVENTS_SSE_URI, headers, NULL);
		RF_REPLY filter = rf_ask(&rf, "GET", RFEVENTS_SSE_URI "?$filter=x", admin, NULL);

		rf_expect(&json, 406, "\"@Message.ExtendedInfo\"");
		rf_expect(&filter, 501, "QueryParameterUnsupported");
	}
}

/* --- subscriptions */

static void a_subscriber_gets_events_in_order_one_at_a_time(void **state)
{
	RF rf;
	RECEIVER receiver;
	struct thing thing;
	struct rf_resource *volume;
	char uri[256];
	const char *at;
	int i;

	(void)state;
	start_with_loopback(&rf);
	receiver_open(&receiver);
	subscribe(&rf, rf_admin(&rf), &receiver,
		  ",\"RegistryPrefixes\":[\"ResourceEvent\"],\"ResourceTypes\":[\"Volume\"],"
		  "\"HttpHeaders\":[{\"X-Secret\":\"s3cret\"}]",
		  uri);
	volume = add_thing(&rf, VOLUME_URI, &volume_class, &thing);
	for (i = 1; i < 5; i++) {
		thing.value = i;
		touch(&rf, volume);
	}
	receive(&rf, &receiver, 5);
	at = strstr(receiver.all.text, "ResourceCreated");
	assert_non_null(at);
	for (i = 0; i < 4; i++) {
		at = strstr(at + 1, "ResourceChanged");
		assert_non_null(at);
	}
	assert_non_null(strstr(receiver.all.text, "\"Context\":\"mine\""));
	assert_non_null(strstr(receiver.all.text, "X-Secret: s3cret\r\n"));
	assert_non_null(strstr(receiver.all.text, "POST /x HTTP/1.1"));
	{
		RF_REPLY shown = rf_ask(&rf, "GET", uri, rf_basic("admin", RF_PASSWORD), NULL);

		rf_expect(&shown, 200, "\"HttpHeaders\":[]");
		assert_null(strstr(shown.text.text, "s3cret"));
	}
}

static bool wants(const char *json, const char *message, const char *origin, const char *type)
{
	static const char *const args[4] = { "a", "b", "c", "d" };
	const struct rf_record_about about = {
		.message = message, .args = args, .origin = origin, .type = type
	};
	struct destination destination = { 0 };
	struct rf_record *record;
	bool is;

	assert_int_equal(js_parse(json, strlen(json), &destination.js, NULL), 0);
	assert_int_equal(rf_record_new(1, &about, &record), 0);
	is = rf_destination_wants(&destination, record);
	rf_record_unref(record);
	js_free(destination.js);
	return is;
}

static void filters_are_all_needed(void **state)
{
	static const char created[] = "ResourceEvent.ResourceCreated";
	static const char critical[] = "ResourceEvent.ResourceStatusChangedCritical";

	(void)state;
	assert_true(wants("{}", created, VOLUME_URI, "Volume"));
	assert_true(wants("{\"RegistryPrefixes\":[\"ResourceEvent\"]}", created, "/x", ""));
	assert_false(wants("{\"RegistryPrefixes\":[\"Resource\"]}", created, "/x", ""));
	assert_false(wants("{\"ExcludeRegistryPrefixes\":[\"ResourceEvent\"]}", created, "/x", ""));
	assert_true(wants("{\"MessageIds\":[\"ResourceEvent.1.0.ResourceCreated\"]}", created, "/x",
			  ""));
	assert_true(wants("{\"MessageIds\":[\"ResourceCreated\"]}", created, "/x", ""));
	assert_false(wants("{\"MessageIds\":[\"Fabric.1.0.ResourceCreated\"]}", created, "/x", ""));
	assert_false(wants("{\"ExcludeMessageIds\":[\"ResourceEvent.1.4.ResourceCreated\"]}",
			   created, "/x", ""));
	assert_true(wants("{\"ResourceTypes\":[\"Volume\"]}", created, VOLUME_URI, "Volume"));
	assert_false(wants("{\"ResourceTypes\":[\"Vol\"]}", created, VOLUME_URI, "Volume"));
	assert_true(wants("{\"Severities\":[\"Critical\"]}", critical, "/x", ""));
	assert_false(wants("{\"Severities\":[\"Critical\"]}", created, "/x", ""));
	assert_true(wants("{\"OriginResources\":[{\"@odata.id\":\"/redfish/v1/Storage\"}],"
			  "\"SubordinateResources\":true}",
			  created, VOLUME_URI, "Volume"));
	assert_false(wants("{\"OriginResources\":[{\"@odata.id\":\"/redfish/v1/Storage\"}]}",
			   created, VOLUME_URI, "Volume"));
	assert_false(wants("{\"OriginResources\":[{\"@odata.id\":\"/redfish/v1/Stor\"}],"
			   "\"SubordinateResources\":true}",
			   created, VOLUME_URI, "Volume"));
	assert_false(wants("{\"RegistryPrefixes\":[\"ResourceEvent\"],"
			   "\"ResourceTypes\":[\"Zone\"]}",
			   created, VOLUME_URI, "Volume"));
}

static void one_that_fails_is_tried_again_and_the_subscription_then_ends(void **state)
{
	RF rf;
	RECEIVER receiver;
	char uri[256];
	const char *admin;

	(void)state;
	start_with_loopback(&rf);
	receiver_open(&receiver);
	receiver.status = 500;
	admin = rf_admin(&rf);
	subscribe(&rf, admin, &receiver, ",\"RegistryPrefixes\":[\"HeartbeatEvent\"]", uri);
	retry_at_once(&rf, 2);
	rfevents_send(rf.h.collector.redfish->rfevents, "HeartbeatEvent.RedfishServiceStarted",
		      NULL, NULL);
	receive(&rf, &receiver, 3);
	receive_nothing(&rf, &receiver);
	{
		RF_REPLY gone = rf_ask(&rf, "GET", uri, admin, NULL);

		rf_expect(&gone, 404, NULL);
	}
	rf_restart(&rf);
	{
		RF_REPLY gone = rf_ask(&rf, "GET", uri, admin, NULL);

		rf_expect(&gone, 404, NULL);
	}
}

static void a_suspended_subscription_goes_on_when_it_is_resumed(void **state)
{
	RF rf;
	RECEIVER receiver;
	char uri[256], action[320];
	const char *admin;

	(void)state;
	start_with_loopback(&rf);
	receiver_open(&receiver);
	receiver.status = 302; /* which is not followed */
	admin = rf_admin(&rf);
	subscribe(&rf, admin, &receiver,
		  ",\"RegistryPrefixes\":[\"HeartbeatEvent\"],"
		  "\"DeliveryRetryPolicy\":\"SuspendRetries\"",
		  uri);
	retry_at_once(&rf, 1);
	rfevents_send(rf.h.collector.redfish->rfevents, "HeartbeatEvent.RedfishServiceStarted",
		      NULL, NULL);
	receive(&rf, &receiver, 2);
	receive_nothing(&rf, &receiver);
	receiver.status = 204;
	snprintf(action, sizeof(action), "%s/Actions/EventDestination.ResumeSubscription", uri);
	{
		RF_REPLY shown = rf_ask(&rf, "GET", uri, admin, NULL);
		RF_REPLY resumed = rf_ask(&rf, "POST", action, admin, "{}");

		rf_expect(&shown, 200, "\"State\":\"Disabled\"");
		rf_expect(&resumed, 204, NULL);
	}
	receive(&rf, &receiver, 3);
	receive_nothing(&rf, &receiver);
	{
		RF_REPLY shown = rf_ask(&rf, "GET", uri, admin, NULL);

		rf_expect(&shown, 200, "\"State\":\"Enabled\"");
	}
}

static void a_full_queue_loses_the_oldest_and_says_so_once(void **state)
{
	RF rf;
	RECEIVER receiver;
	struct rfevents *rfevents;
	struct destination *destination;
	char uri[256];
	const char *at;
	size_t i;

	(void)state;
	start_with_loopback(&rf);
	receiver_open(&receiver);
	subscribe(&rf, rf_admin(&rf), &receiver, ",\"RegistryPrefixes\":[\"HeartbeatEvent\"]", uri);
	rfevents = rf.h.collector.redfish->rfevents;
	destination = TAILQ_FIRST(&rfevents->destinations);
	destination->suspended = true;
	for (i = 0; i < QUEUE_MAX + 10; i++)
		rfevents_send(rfevents, "HeartbeatEvent.RedfishServiceStarted", NULL, NULL);
	rfevents_flush(rfevents);
	assert_int_equal(destination->count, QUEUE_MAX);
	rf_push_resume(destination);
	receive(&rf, &receiver, 3);
	at = strstr(receiver.all.text, "EventBufferExceeded");
	assert_non_null(at);
	assert_null(strstr(at + 1, "EventBufferExceeded"));
	assert_true(at < strstr(receiver.all.text, "RedfishServiceStarted"));
}

static void subscriptions_are_there_after_a_restart(void **state)
{
	RF rf;
	RECEIVER receiver;
	char uri[256];
	const char *admin;

	(void)state;
	start_with_loopback(&rf);
	receiver_open(&receiver);
	admin = rf_admin(&rf);
	subscribe(&rf, admin, &receiver, ",\"DeliveryRetryPolicy\":\"RetryForever\"", uri);
	{
		RF_REPLY changed = rf_ask(&rf, "PATCH", uri, admin, "{\"Context\":\"other\"}");
		RF_REPLY fixed =
			rf_ask(&rf, "PATCH", uri, admin, "{\"Destination\":\"http://10.0.0.1/\"}");

		rf_expect(&changed, 200, "\"Context\":\"other\"");
		rf_expect(&fixed, 400, "PropertyNotWritable");
	}
	rf_restart(&rf);
	{
		RF_REPLY there = rf_ask(&rf, "GET", uri, admin, NULL);
		RF_REPLY ended = rf_ask(&rf, "DELETE", uri, admin, NULL);
		RF_REPLY gone = rf_ask(&rf, "GET", uri, admin, NULL);

		rf_expect(&there, 200, "\"DeliveryRetryPolicy\":\"RetryForever\"");
		assert_non_null(strstr(there.text.text, "\"Context\":\"other\""));
		rf_expect(&ended, 204, NULL);
		rf_expect(&gone, 404, NULL);
	}
}

static void a_test_event_is_what_was_asked_for(void **state)
{
	static const char uri[] = RFEVENTS_URI "/Actions/EventService.SubmitTestEvent";
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	const char *admin;
	int fd;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	fd = open_stream(&rf, admin, &text);
	{
		RF_REPLY none = rf_ask(&rf, "POST", uri, admin, "{}");
		RF_REPLY unknown =
			rf_ask(&rf, "POST", uri, admin, "{\"MessageId\":\"x\",\"Bogus\":1}");
		RF_REPLY type = rf_ask(&rf, "POST", uri, admin, "{\"MessageId\":7}");
		RF_REPLY good = rf_ask(&rf, "POST", uri, admin,
				       "{\"MessageId\":\"Vendor.1.0.Hello\","
				       "\"Message\":\"hello\",\"EventGroupId\":12,"
				       "\"MessageArgs\":[\"a\"],"
				       "\"OriginOfCondition\":\"/redfish/v1/Storage\"}");

		rf_expect(&none, 400, "ActionParameterMissing");
		rf_expect(&unknown, 400, "ActionParameterUnknown");
		rf_expect(&type, 400, "ActionParameterValueTypeError");
		rf_expect(&good, 204, NULL);
	}
	rf_await(&rf, fd, &text, "\"MessageId\":\"Vendor.1.0.Hello\"");
	assert_non_null(strstr(text.text, "\"EventGroupId\":12"));
	assert_non_null(strstr(text.text, "{\"@odata.id\":\"/redfish/v1/Storage\"}"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_tells_each_change_in_order_with_rising_ids),
		cmocka_unit_test(health_and_state_have_messages_of_their_own),
		cmocka_unit_test(what_is_touched_but_says_the_same_is_no_event),
		cmocka_unit_test(a_stream_that_comes_again_gets_what_it_missed),
		cmocka_unit_test(ids_go_on_after_a_restart),
		cmocka_unit_test(a_stream_has_a_destination_that_goes_with_it_and_ends_it),
		cmocka_unit_test(a_stream_ends_with_the_account_of_who_opened_it),
		cmocka_unit_test(a_stream_ends_with_the_password_it_was_opened_with),
		cmocka_unit_test(a_stream_is_refused_with_an_error_as_all_others),
		cmocka_unit_test(a_subscriber_gets_events_in_order_one_at_a_time),
		cmocka_unit_test(filters_are_all_needed),
		cmocka_unit_test(one_that_fails_is_tried_again_and_the_subscription_then_ends),
		cmocka_unit_test(a_suspended_subscription_goes_on_when_it_is_resumed),
		cmocka_unit_test(a_full_queue_loses_the_oldest_and_says_so_once),
		cmocka_unit_test(subscriptions_are_there_after_a_restart),
		cmocka_unit_test(a_test_event_is_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
