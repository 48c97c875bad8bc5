/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/ask.h"

#include "collector/redfish.h"
#include "collector/rf-model.h"
#include "tests/unit/redfish/schema.h"

#define NODE(id, name, role)                                                                       \
	"{\"version\":1,\"node\":\"" id "\",\"name\":\"" name "\",\"role\":\"" role                \
	"\",\"boot\":\"b\",\"program\":\"p\",\"interval_ms\":10000,"
#define SAYS(seq, objects) "\"snapshot\":{\"seq\":" seq ",\"objects\":[" objects "]}}"
#define SUBSYSTEM(nqn)                                                                             \
	"{\"kind\":\"subsystem\",\"id\":\"" nqn "\",\"nqn\":\"" nqn "\",\"state\":\"active\"}"
#define A_VOLUME(nqn, nsid, state)                                                                 \
	"{\"kind\":\"namespace\",\"id\":\"" nqn "/" nsid "\",\"nqn\":\"" nqn "\",\"nsid\":" nsid   \
	",\"drive\":\"eui.1\",\"device\":\"/dev/nvme1n1\",\"size_bytes\":4096,\"state\":\"" state  \
	"\",\"uuid\":\"5d0f2a4e-1f5b-4c1e-8a77-6f1f0a3c9b14\"}"
#define LISTENER(subsystems)                                                                       \
	"{\"kind\":\"listener\",\"id\":\"1\",\"port_id\":1,\"transport\":\"tcp\",\"family\":"      \
	"\"ipv4\",\"address\":\"10.1.1.14\",\"service\":\"4420\",\"state\":\"listening\","         \
	"\"subsystems\":[" subsystems "]}"
#define ALLOWED(nqn, host)                                                                         \
	"{\"kind\":\"allowed\",\"id\":\"" nqn "/" host "\",\"nqn\":\"" nqn                         \
	"\",\"hostnqn\":\"" host "\"}"
#define A_DRIVE                                                                                    \
	"{\"kind\":\"drive\",\"id\":\"eui.1\",\"path\":\"/dev/nvme1n1\",\"size_bytes\":4096}"
#define HOST "{\"kind\":\"host\",\"id\":\"h15\",\"hostnqn\":\"h15\"}"
#define CONTROLLER(state)                                                                          \
	"{\"kind\":\"controller\",\"id\":\"nvme3\",\"nqn\":\"s\",\"hostnqn\":\"h15\",\"state\":"   \
	"\"" state "\"}"
#define TARGET(seq, objects) NODE("id14", "blake14", "target") SAYS(seq, objects)
#define INITIATOR(seq, objects) NODE("id15", "blake15", "initiator") SAYS(seq, objects)
#define ALL                                                                                        \
	SUBSYSTEM("s")                                                                             \
	"," A_VOLUME("s", "1", "active") "," LISTENER("\"s\"") "," ALLOWED("s", "h15") "," A_DRIVE

/* A collector with a tree, but without requests. */
struct service {
	struct harness h;
	struct redfish redfish;
	struct rf_event events[32]; /* their URIs are copies */
	char uris[32][128];
	size_t n_events;
};

static void on_change(void *data, const struct rf_event *event)
{
	struct service *service = data;

	assert_true(service->n_events < 32);
	service->events[service->n_events] = *event;
	snprintf(service->uris[service->n_events++], sizeof(service->uris[0]), "%s", event->uri);
}

static void start(struct service *service)
{
	struct err err = ERR_NULL;

	memset(service, 0, sizeof(*service));
	harness_start(&service->h);
	service->redfish.collector = &service->h.collector;
	service->redfish.tree = rf_tree_new();
	assert_non_null(service->redfish.tree);
	assert_int_equal(rf_tree_watch(service->redfish.tree, on_change, service), 0);
	if (rf_model_new(&service->redfish, &service->redfish.model, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(rf_tree_settle(service->redfish.tree, &err), 0);
}

static void stop(struct service *service)
{
	rf_model_free(service->redfish.model);
	rf_tree_free(service->redfish.tree);
	harness_stop(&service->h);
}

#define SERVICE __attribute__((cleanup(stop))) struct service

static void settle(struct service *service)
{
	struct err err = ERR_NULL;

	service->n_events = 0;
	if (rf_model_flush(service->redfish.model, &err) < 0 ||
	    rf_tree_settle(service->redfish.tree, &err) < 0)
		fail_msg("%s", err.text);
}

static void hears(struct service *service, const char *text)
{
	struct report_answer answer;

	assert_int_equal(harness_send(&service->h, text, &answer), 0);
	settle(service);
}

/* The document, to be freed. NULL: there is no such resource. */
static struct js *get(struct service *service, const char *uri)
{
	struct rf_resource *resource = rf_tree_find(service->redfish.tree, uri);

	return resource ? rf_resource_js(service->redfish.tree, resource) : NULL;
}

static void says(struct service *service, const char *uri, const char *part)
{
	CLEANUP_JS struct js *doc = get(service, uri);
	CLEANUP_FREE char *text = doc ? js_format(doc, JS_COMPACT) : NULL;

	if (!text || !strstr(text, part))
		fail_msg("%s has no %s: %s", uri, part, text ? text : "it is not there");
}

static bool is_there(const struct service *service, const char *uri)
{
	return rf_tree_find(service->redfish.tree, uri) != NULL;
}

#define STORAGE "/redfish/v1/Storage/s"
#define VOLUME_URI STORAGE "/Volumes/1"
#define ENDPOINT "/redfish/v1/Fabrics/NVMeoF/Endpoints/s.tcp.10.1.1.14.4420"
#define HOST_URI "/redfish/v1/Fabrics/NVMeoF/Endpoints/h15"
#define CONNECTION "/redfish/v1/Fabrics/NVMeoF/Connections/h15.s"

static void check_all(struct service *service, struct rf_resource *resource,
		      const struct schema *schema, struct str *out)
{
	struct rf_tree *tree = service->redfish.tree;
	size_t i;

	if (rf_resource_class(resource)) {
		CLEANUP_JS struct js *doc = rf_resource_js(tree, resource);

		schema_check(schema, rf_resource_uri(resource), doc, out);
	}
	for (i = 0; i < rf_resource_child_count(resource); i++)
		check_all(service, rf_resource_child_at(resource, i), schema, out);
}

static void everything_is_as_the_schemas_want_it(void **state)
{
	static const char *const tops[] = { RF_SYSTEMS, RF_CHASSIS, RF_STORAGE, RF_FABRICS };
	CLEANUP_STR struct str out = STR_NULL;
	struct schema schema;
	SERVICE service;
	size_t i;

	(void)state;
	start(&service);
	assert_int_equal(schema_load(&schema), 0);
	hears(&service, TARGET("1", ALL));
	hears(&service, INITIATOR("1", HOST "," CONTROLLER("live")));
	js_free(ask(&service.h, "POST", "/zones",
		    "{\"name\":\"z\",\"tenant\":\"a\",\"hosts\":[\"h15\"],\"subsystems\":[\"s\"]}",
		    201));
	settle(&service);
	for (i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		check_all(&service, rf_tree_find(service.redfish.tree, tops[i]), &schema, &out);
	assert_string_equal(str_get(&out), "");
	says(&service, "/redfish/v1/Fabrics/NVMeoF/Zones/z", ENDPOINT);
	says(&service, "/redfish/v1/Fabrics/NVMeoF/Zones/z", "ZoneOnly");
	schema_deinit(&schema);
}

static void an_export_is_a_storage_with_endpoint_volume_and_connection(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", ALL));
	says(&service, STORAGE, "\"DurableName\":\"s\"");
	says(&service, VOLUME_URI, "\"CapacityBytes\":4096");
	says(&service, VOLUME_URI, "/redfish/v1/Chassis/blake14/Drives/eui.1");
	says(&service, ENDPOINT, "\"Address\":\"10.1.1.14\"");
	says(&service, ENDPOINT, "\"Connections\":[{\"@odata.id\":\"" CONNECTION "\"}]");
	says(&service, CONNECTION, "\"InitiatorEndpoints\":[{\"@odata.id\":\"" HOST_URI "\"}]");
	says(&service, CONNECTION, "\"Volume\":{\"@odata.id\":\"" VOLUME_URI "\"}");
	says(&service, CONNECTION, "StandbyOffline");
}

static void what_is_gone_is_gone_with_all_that_hung_on_it(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", ALL));
	assert_true(is_there(&service, CONNECTION));
	hears(&service, TARGET("2", A_DRIVE));
	assert_false(is_there(&service, STORAGE));
	assert_false(is_there(&service, VOLUME_URI));
	assert_false(is_there(&service, ENDPOINT));
	assert_false(is_there(&service, CONNECTION));
	assert_false(is_there(&service, HOST_URI));
	assert_true(is_there(&service, "/redfish/v1/Chassis/blake14/Drives/eui.1"));
}

static void access_that_is_taken_is_no_connection_any_more(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", ALL));
	hears(&service, INITIATOR("1", HOST));
	hears(&service, TARGET("2", SUBSYSTEM("s") "," LISTENER("\"s\"")));
	assert_false(is_there(&service, CONNECTION));
	/* the host is there, and says so itself */
	says(&service, HOST_URI, "/redfish/v1/Systems/blake15");
}

static void a_connection_says_whether_its_host_is_connected(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", ALL));
	hears(&service, INITIATOR("1", HOST "," CONTROLLER("live")));
	says(&service, CONNECTION, "\"Status\":{\"State\":\"Enabled\",\"Health\":\"OK\"}");
	hears(&service, INITIATOR("2", HOST "," CONTROLLER("connecting")));
	says(&service, CONNECTION, "nvme3 has lost its connection");
}

static void a_pulled_drive_is_an_absent_volume(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", ALL));
	hears(&service, TARGET("2", SUBSYSTEM("s") "," A_VOLUME("s", "1", "missing") "," LISTENER(
					    "\"s\"") "," ALLOWED("s", "h15")));
	says(&service, VOLUME_URI, "\"State\":\"Absent\"");
}

static void only_what_changed_is_told(void **state)
{
	SERVICE service;
	size_t i;
	bool volume = false;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", ALL ",{\"kind\":\"subsystem\",\"id\":\"t\",\"nqn\":\"t\"}"));
	assert_true(service.n_events > 5);
	hears(&service,
	      TARGET("2",
		     SUBSYSTEM("s") "," A_VOLUME("s", "1", "missing") "," LISTENER("\"s\"") "," ALLOWED(
			     "s", "h15") "," A_DRIVE
					 ",{\"kind\":\"subsystem\",\"id\":\"t\",\"nqn\":\"t\"}"));
	for (i = 0; i < service.n_events; i++)
		volume = volume || (strcmp(service.uris[i], VOLUME_URI) == 0 &&
				    service.events[i].change == RF_CHANGED &&
				    strcmp(service.events[i].before_health, "OK") == 0 &&
				    strcmp(service.events[i].health, "Critical") == 0);
	assert_true(volume);
	assert_int_equal(service.n_events, 1);
}

static void a_renamed_host_has_another_id(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", A_DRIVE));
	hears(&service, NODE("id14", "green14", "target") SAYS("2", ""));
	assert_true(is_there(&service, "/redfish/v1/Systems/green14"));
	assert_false(is_there(&service, "/redfish/v1/Systems/blake14"));
	assert_false(is_there(&service, "/redfish/v1/Chassis/blake14"));
}

static void two_machines_of_one_name_are_two(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", A_DRIVE));
	hears(&service, NODE("id99", "blake14", "target") SAYS("1", A_DRIVE));
	assert_true(is_there(&service, "/redfish/v1/Systems/blake14"));
	assert_true(is_there(&service, "/redfish/v1/Systems/blake14.id99"));
}

static void two_that_export_it_are_one_storage_with_two_endpoints(void **state)
{
	SERVICE service;

	(void)state;
	start(&service);
	hears(&service, TARGET("1", SUBSYSTEM("s") "," LISTENER("\"s\"")));
	hears(&service,
	      NODE("id16", "blake16", "target")
		      SAYS("1", SUBSYSTEM("s") ",{\"kind\":\"listener\",\"id\":\"1\",\"transport\":"
					       "\"tcp\",\"address\":\"10.1.1.16\",\"service\":"
					       "\"4420\",\"subsystems\":[\"s\"]}"));
	assert_true(is_there(&service, ENDPOINT));
	assert_true(
		is_there(&service, "/redfish/v1/Fabrics/NVMeoF/Endpoints/s.tcp.10.1.1.16.4420"));
	says(&service, STORAGE, "/redfish/v1/Chassis/blake14");
	says(&service, STORAGE, "/redfish/v1/Chassis/blake16");
}

static void ids_are_legal_and_never_the_same(void **state)
{
	char a[RF_ID_MAX];
	char b[RF_ID_MAX];
	char text[300];

	(void)state;
	assert_string_equal(rf_id_make("nqn.2014-08.org:x", a), "nqn.2014-08.org:x");
	assert_string_not_equal(rf_id_make("a/b", a), rf_id_make("a-b", b));
	assert_null(strchr(rf_id_make("a/b", a), '/'));
	assert_string_not_equal(rf_id_make("..", a), "..");
	assert_string_not_equal(rf_id_make("", a), "");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rf_id_make(text, a);
	text[250] = 'y';
	assert_string_not_equal(a, rf_id_make(text, b));
	assert_true(strlen(a) < RF_ID_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_as_the_schemas_want_it),
		cmocka_unit_test(an_export_is_a_storage_with_endpoint_volume_and_connection),
		cmocka_unit_test(what_is_gone_is_gone_with_all_that_hung_on_it),
		cmocka_unit_test(access_that_is_taken_is_no_connection_any_more),
		cmocka_unit_test(a_connection_says_whether_its_host_is_connected),
		cmocka_unit_test(a_pulled_drive_is_an_absent_volume),
		cmocka_unit_test(only_what_changed_is_told),
		cmocka_unit_test(a_renamed_host_has_another_id),
		cmocka_unit_test(two_machines_of_one_name_are_two),
		cmocka_unit_test(two_that_export_it_are_one_storage_with_two_endpoints),
		cmocka_unit_test(ids_are_legal_and_never_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
