/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client of Redfish asks for reaches the helpers, and is answered when they did it. */
#include "tests/unit/collector/ask.h"
#include "tests/unit/redfish/rf-ask.h"

#include "collector/redfish.h"
#include "collector/rf-act.h"
#include "collector/rf-model.h"

#define H15 "nqn.2026-01.org.site:h15"
#define FREE "{\"kind\":\"drive\",\"id\":\"eui.1\",\"path\":\"/dev/nvme1n1\",\"state\":\"free\"}"
#define S                                                                                          \
	",{\"kind\":\"subsystem\",\"id\":\"s\",\"nqn\":\"s\",\"any_host\":false,\"state\":"        \
	"\"active\"},{\"kind\":\"namespace\",\"id\":\"s/1\",\"nqn\":\"s\",\"nsid\":1,\"device\":"  \
	"\"/dev/nvme1n1\",\"drive\":\"eui.1\",\"enabled\":true,\"state\":\"active\"},"             \
	"{\"kind\":\"namespace\",\"id\":\"s/2\",\"nqn\":\"s\",\"nsid\":2,\"enabled\":true,"        \
	"\"state\":\"active\"},{\"kind\":\"listener\",\"id\":\"1\",\"port_id\":1,\"transport\":"   \
	"\"tcp\",\"address\":\"10.1.1.14\",\"service\":\"4420\",\"subsystems\":[\"s\"],"           \
	"\"state\":\"listening\"}"
#define TARGET(seq, rest)                                                                           \
	"{\"version\":1,\"node\":\"id14\",\"name\":\"blake14\",\"role\":\"target\",\"boot\":\"t\"," \
	"\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":" seq                        \
	",\"objects\":[" FREE rest "]}}"
#define HOST(seq, rest)                                                                            \
	"{\"version\":1,\"node\":\"id15\",\"name\":\"blake15\",\"role\":\"initiator\",\"boot\":"   \
	"\"h\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":" seq                 \
	",\"objects\":[{\"kind\":\"host\",\"id\":\"" H15 "\",\"hostnqn\":\"" H15                   \
	"\",\"default\":true}" rest "]}}"
#define WORD(id, state, absent, error)                                                             \
	",{\"kind\":\"intent\",\"id\":\"" id "\",\"state\":\"" state "\",\"absent\":" absent       \
	",\"error\":\"" error "\"}"
#define ALLOWED ",{\"kind\":\"allowed\",\"id\":\"s/" H15 "\",\"nqn\":\"s\",\"hostnqn\":\"" H15 "\"}"
#define LIVE                                                                                       \
	",{\"kind\":\"controller\",\"id\":\"nvme3\",\"nqn\":\"s\",\"transport\":\"tcp\","          \
	"\"address\":\"10.1.1.14\",\"service\":\"4420\",\"state\":\"live\"},{\"kind\":"            \
	"\"device\",\"id\":\"nvme3n1\",\"nqn\":\"s\",\"device\":\"/dev/nvme3n1\",\"mounts\":[]}"

#define FABRIC "/redfish/v1/Fabrics/NVMeoF"
#define E14 FABRIC "/Endpoints/s.tcp.10.1.1.14.4420"
#define E15 FABRIC "/Endpoints/" H15
#define C FABRIC "/Connections/" H15 ".s"
#define LINK(uri) "{\"@odata.id\":\"" uri "\"}"
#define CONNECT(more)                                                                              \
	"{\"Links\":{\"InitiatorEndpoints\":[" LINK(E15) "],"                                      \
							 "\"TargetEndpoints\":[" LINK(             \
								 E14) "]}" more "}"

/* --- a collector with the parts of Redfish that act */

struct bed {
	struct harness h;
	struct redfish redfish;
	struct rf_ask ask;
	struct rf_call call;
	bool is_asked;
	bool is_answered;
};

static void on_answered(void *data, struct rf_call *call)
{
	struct bed *bed = data;

	assert_ptr_equal(call, &bed->call);
	bed->is_answered = true;
}

static void hears(struct bed *bed, const char *text)
{
	struct report_answer answer;

	assert_int_equal(harness_send(&bed->h, text, &answer), 0);
}

static int start(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct rf_hooks hooks = { .answered = on_answered, .data = bed };
	struct redfish *redfish = &bed->redfish;

	harness_start(&bed->h);
	redfish->collector = &bed->h.collector;
	redfish->loop = bed->h.loop;
	redfish->is_eager = true;
	redfish->tree = rf_tree_new();
	assert_int_equal(rf_service_new(redfish->tree, &hooks, &redfish->service, NULL), 0);
	assert_int_equal(rf_model_new(redfish, &redfish->model, NULL), 0);
	assert_int_equal(rf_act_new(redfish, &redfish->act, NULL), 0);
	bed->h.collector.redfish = redfish;
	hears(bed, TARGET("1", S));
	hears(bed, HOST("1", ""));
	*state = bed;
	return 0;
}

static int stop(void **state)
{
	struct bed *bed = *state;

	bed->h.collector.redfish = NULL;
	rf_act_free(bed->redfish.act);
	rf_model_free(bed->redfish.model);
	rf_service_free(bed->redfish.service);
	rf_tree_free(bed->redfish.tree);
	rf_call_deinit(&bed->call);
	harness_stop(&bed->h);
	free(bed);
	return 0;
}

/* --- requests */

static int write_call(void *data, struct err *err)
{
	struct bed *bed = data;
	int r = rf_service_run(bed->redfish.service, &bed->call, err);

	bed->is_answered = r != RF_LATER;
	return r < 0 ? r : 0;
}

/* It may be answered later. */
static void ask_for(struct bed *bed, const char *method, const char *uri, const char *body)
{
	rf_call_deinit(&bed->call);
	bed->is_answered = false;
	bed->ask.request = (struct rf_request){ .method = method,
						.uri = uri,
						.body = body ? body : "",
						.length = body ? strlen(body) : 0,
						.address = "127.0.0.1",
						.sunfish = bed->ask.request.sunfish,
						.header = rf_ask_header,
						.each_query = rf_ask_each,
						.data = &bed->ask };
	bed->ask.query = "";
	bed->ask.headers = "Content-Type: application/json\n";
	if (rf_service_begin(bed->redfish.service, &bed->ask.request, &bed->call) == 0) {
		bed->is_answered = true;
		return;
	}
	assert_int_equal(commit_join(bed->h.collector.commit, write_call, NULL, bed), 0);
	commit_now(bed->h.collector.commit);
	if (bed->is_answered)
		rf_service_finish(bed->redfish.service, &bed->call, bed->call.code);
}

static void is_answered(struct bed *bed, unsigned int status, const char *part)
{
	assert_true(bed->is_answered);
	if (bed->call.answer.status != status ||
	    (part && !strstr(str_get(&bed->call.answer.body), part)))
		fail_msg("%u %s", bed->call.answer.status, str_get(&bed->call.answer.body));
}

static void says(struct bed *bed, const char *method, const char *uri, const char *body,
		 unsigned int status, const char *part)
{
	ask_for(bed, method, uri, body);
	is_answered(bed, status, part);
}

static void waits(const struct bed *bed)
{
	assert_false(bed->is_answered);
}

static void join(struct bed *bed)
{
	ask_for(bed, "POST", FABRIC "/Connections", CONNECT(""));
	waits(bed);
	hears(bed, TARGET("2", S ALLOWED WORD("a-1", "done", "false", "")));
	waits(bed);
	hears(bed, HOST("2", LIVE WORD("a-1", "done", "false", "")));
	is_answered(bed, 201, C);
}

/* --- Connections */

static void a_connection_is_answered_when_the_host_has_the_device(void **state)
{
	struct bed *bed = *state;

	join(bed);
	says(bed, "GET", C, NULL, 200, "\"State\":\"Enabled\"");
}

static void a_connection_that_fails_says_why(void **state)
{
	struct bed *bed = *state;

	ask_for(bed, "POST", FABRIC "/Connections", CONNECT(""));
	hears(bed, TARGET("2", S WORD("a-1", "failed", "false", "it is on fire")));
	hears(bed, TARGET("3", S WORD("a-1", "done", "true", "")));
	is_answered(bed, 409, "it is on fire");
}

static void the_same_connection_again_is_a_conflict_but_not_for_sunfish(void **state)
{
	struct bed *bed = *state;

	join(bed);
	says(bed, "POST", FABRIC "/Connections", CONNECT(""), 409, "ResourceCreationConflict");
	bed->ask.request.sunfish = true;
	says(bed, "POST", FABRIC "/Connections/some-uuid", CONNECT(""), 200, C);
}

static void a_deleted_connection_is_cut_at_both_ends(void **state)
{
	struct bed *bed = *state;

	join(bed);
	ask_for(bed, "DELETE", C, NULL);
	waits(bed);
	hears(bed, HOST("3", WORD("a-1", "done", "true", "")));
	waits(bed);
	hears(bed, TARGET("3", S WORD("a-1", "done", "true", "")));
	is_answered(bed, 204, NULL);
	says(bed, "GET", C, NULL, 404, NULL);
}

static void what_the_target_itself_allows_is_not_taken_back(void **state)
{
	struct bed *bed = *state;

	hears(bed, TARGET("2", S ALLOWED));
	says(bed, "DELETE", C, NULL, 409, "nvmet-sunfishctl host remove");
}

static void less_than_the_whole_subsystem_is_refused(void **state)
{
#define VOLUME(id, access)                                                                         \
	"{\"AccessCapabilities\":[" access "],\"Volume\":" LINK("/redfish/v1/Storage/s/"           \
								"Volumes/" id) "}"
#define BOTH "\"Read\",\"Write\""
	struct bed *bed = *state;

	says(bed, "POST", FABRIC "/Connections", CONNECT(",\"VolumeInfo\":[" VOLUME("1", BOTH) "]"),
	     400, "PropertyValueConflict");
	says(bed, "POST", FABRIC "/Connections",
	     CONNECT(",\"VolumeInfo\":[" VOLUME("1", BOTH) "," VOLUME("2", "\"Read\"") "]"), 400,
	     "PropertyValueConflict");
	ask_for(bed, "POST", FABRIC "/Connections",
		CONNECT(",\"VolumeInfo\":[" VOLUME("1", BOTH) "," VOLUME("2", BOTH) "]"));
	waits(bed);
}

static void who_is_meant_must_be_there(void **state)
{
	struct bed *bed = *state;

	says(bed, "POST", FABRIC "/Connections",
	     "{\"Links\":{\"InitiatorEndpoints\":[" LINK(E15) "],\"TargetEndpoints\":[" LINK(
		     FABRIC "/Endpoints/x") "]}}",
	     400, "PropertyValueIncorrect");
	says(bed, "POST", FABRIC "/Connections",
	     "{\"Links\":{\"TargetEndpoints\":[" LINK(E14) "]}}", 400, "PropertyMissing");
	says(bed, "POST", FABRIC "/Connections", CONNECT(",\"Colour\":1"), 400, "PropertyUnknown");
	says(bed, "PATCH", E14, "{\"EndpointProtocol\":\"OEM\"}", 400, "PropertyNotWritable");
}

/* --- Zones */

#define ZONE(name, links)                                                                          \
	"{\"Id\":\"" name "\",\"Name\":\"x\",\"ZoneType\":\"ZoneOfEndpoints\","                    \
	"\"ExternalAccessibility\":\"ZoneOnly\",\"Links\":{\"Endpoints\":[" links "]}}"

static void tenants_do_not_meet(void **state)
{
	struct bed *bed = *state;

	says(bed, "POST", FABRIC "/Zones", ZONE("a", LINK(E14)), 201, FABRIC "/Zones/a");
	says(bed, "POST", FABRIC "/Connections", CONNECT(""), 409, "different tenants");
	says(bed, "POST", FABRIC "/Zones/a/Actions/Zone.AddEndpoint",
	     "{\"Endpoint\":" LINK(E15) "}", 204, NULL);
	join(bed);
}

static void what_is_connected_stays_in_its_zone(void **state)
{
	struct bed *bed = *state;

	says(bed, "POST", FABRIC "/Zones", ZONE("a", LINK(E14) "," LINK(E15)), 201, E15);
	says(bed, "POST", FABRIC "/Zones/a/Actions/Zone.RemoveEndpoint",
	     "{\"Endpoint\":" LINK(E14) "}", 204, NULL);
	says(bed, "POST", FABRIC "/Zones/a/Actions/Zone.AddEndpoint",
	     "{\"Endpoint\":" LINK(E14) "}", 204, NULL);
	join(bed);
	says(bed, "POST", FABRIC "/Zones/a/Actions/Zone.RemoveEndpoint",
	     "{\"Endpoint\":" LINK(E15) "}", 409, "ResourceInUse");
	says(bed, "DELETE", FABRIC "/Zones/a", NULL, 409, "ResourceInUse");
}

static void a_zone_can_be_deleted(void **state)
{
	struct bed *bed = *state;

	says(bed, "POST", FABRIC "/Zones", ZONE("a", LINK(E14)), 201, NULL);
	says(bed, "DELETE", FABRIC "/Zones/a", NULL, 204, NULL);
	says(bed, "GET", FABRIC "/Zones/a", NULL, 404, NULL);
}

/* --- Endpoints */

#define MAKE(nqn, more)                                                                            \
	"{\"Identifiers\":[{\"DurableNameFormat\":\"NQN\",\"DurableName\":\"" nqn "\"}],"          \
	"\"IPTransportDetails\":[{\"TransportProtocol\":\"TCP\",\"IPv4Address\":{"                 \
	"\"Address\":\"10.1.1.14\"},\"Port\":4421}]" more "}"
#define OF_DRIVE                                                                                   \
	",\"ConnectedEntities\":[{\"EntityType\":\"Drive\",\"EntityRole\":\"Target\","             \
	"\"EntityLink\":" LINK("/redfish/v1/Chassis/blake14/Drives/eui.1") "}]"
#define N                                                                                          \
	",{\"kind\":\"subsystem\",\"id\":\"n\",\"nqn\":\"n\",\"any_host\":false},"                 \
	"{\"kind\":\"listener\",\"id\":\"2\",\"transport\":\"tcp\",\"address\":\"10.1.1.14\","     \
	"\"service\":\"4421\",\"subsystems\":[\"n\"]}"
#define EN FABRIC "/Endpoints/n.tcp.10.1.1.14.4421"

static void wants(struct bed *bed, const char *part)
{
	CLEANUP_STR struct str text = STR_NULL;

	registry_wanted_format(bed->h.collector.registry, harness_source(&bed->h), REPORT_TARGET,
			       &text);
	if (!strstr(str_get(&text), part))
		fail_msg("%s is not in %s", part, str_get(&text));
}

static void an_endpoint_of_a_drive_is_an_export_and_goes_again(void **state)
{
	struct bed *bed = *state;

	ask_for(bed, "POST", FABRIC "/Endpoints", MAKE("n", OF_DRIVE));
	waits(bed);
	wants(bed, "\"devices\":[\"/dev/nvme1n1\"]");
	wants(bed, "\"service\":\"4421\"");
	hears(bed, TARGET("2", S N WORD("e-1", "done", "false", "")));
	is_answered(bed, 201, EN);
	ask_for(bed, "DELETE", EN, NULL);
	waits(bed);
	hears(bed, TARGET("3", S WORD("e-1", "done", "true", "")));
	is_answered(bed, 204, NULL);
	says(bed, "GET", "/redfish/v1/Storage/n", NULL, 404, NULL);
}

#define NS(id, device)                                                                             \
	",{\"kind\":\"namespace\",\"id\":\"n/" id "\",\"nqn\":\"n\",\"nsid\":" id                  \
	",\"device\":\"" device "\",\"enabled\":true,\"state\":\"active\"}"
#define VOLUMES "/redfish/v1/Storage/n/Volumes"
#define DEVICE(path) "{\"Oem\":{\"Sunfish\":{\"DevicePath\":\"" path "\"}}}"

static void exported(struct bed *bed)
{
	ask_for(bed, "POST", FABRIC "/Endpoints", MAKE("n", OF_DRIVE));
	hears(bed, TARGET("2", S N NS("1", "/dev/nvme1n1") WORD("e-1", "done", "false", "")));
	is_answered(bed, 201, EN);
}

static void a_volume_is_one_more_drive_of_the_export(void **state)
{
	struct bed *bed = *state;

	exported(bed);
	ask_for(bed, "POST", VOLUMES, DEVICE("/dev/nvme7n1"));
	waits(bed);
	wants(bed, "\"devices\":[\"/dev/nvme1n1\",\"/dev/nvme7n1\"]");
	/* the old word is none of this */
	hears(bed, TARGET("3", S N NS("1", "/dev/nvme1n1") WORD("e-1", "done", "false", "")));
	waits(bed);
	hears(bed, TARGET("4", S N NS("1", "/dev/nvme1n1") NS("2", "/dev/nvme7n1")
				       WORD("e-1", "done", "false", "")));
	is_answered(bed, 201, VOLUMES "/2");
}

static void a_volume_that_cannot_be_leaves_the_export_as_it_was(void **state)
{
	struct bed *bed = *state;

	exported(bed);
	ask_for(bed, "POST", VOLUMES, DEVICE("/dev/nvme7n1"));
	hears(bed, TARGET("3", S N NS("1", "/dev/nvme1n1")
				       WORD("e-1", "failed", "false", "it is mounted")));
	is_answered(bed, 409, "it is mounted");
	wants(bed, "\"devices\":[\"/dev/nvme1n1\"]");
	says(bed, "POST", "/redfish/v1/Storage/s/Volumes", DEVICE("/dev/nvme7n1"), 409,
	     "on the target itself");
	says(bed, "POST", VOLUMES, "{}", 400, "PropertyMissing");
}

static void a_path_will_do_where_the_address_says_which_target(void **state)
{
	struct bed *bed = *state;

	ask_for(bed, "POST", FABRIC "/Endpoints",
		MAKE("n", ",\"Oem\":{\"Sunfish\":{\"DevicePath\":\"/dev/nvme7n1\"}}"));
	waits(bed);
	wants(bed, "/dev/nvme7n1");
	hears(bed, TARGET("2", S WORD("e-1", "failed", "false", "there is no such drive")));
	is_answered(bed, 409, "there is no such drive");
}

static void an_endpoint_that_is_not_clear_is_refused(void **state)
{
	struct bed *bed = *state;

	says(bed, "POST", FABRIC "/Endpoints", MAKE("n", ""), 400, "needs a drive");
	says(bed, "POST", FABRIC "/Endpoints", "{\"Identifiers\":[]}", 400, "PropertyMissing");
	says(bed, "POST", FABRIC "/Endpoints",
	     MAKE("n", ",\"ConnectedEntities\":[{\"EntityRole\":\"Initiator\"}]"), 400,
	     "No host says");
	says(bed, "POST", FABRIC "/Endpoints",
	     MAKE(H15, ",\"ConnectedEntities\":[{\"EntityRole\":\"Initiator\"}]"), 409, E15);
	says(bed, "DELETE", E14, NULL, 409, "made on the target itself");
	says(bed, "DELETE", E15, NULL, 409, "as long as its helper");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(a_connection_is_answered_when_the_host_has_the_device),
		TEST(a_connection_that_fails_says_why),
		TEST(the_same_connection_again_is_a_conflict_but_not_for_sunfish),
		TEST(a_deleted_connection_is_cut_at_both_ends),
		TEST(what_the_target_itself_allows_is_not_taken_back),
		TEST(less_than_the_whole_subsystem_is_refused),
		TEST(who_is_meant_must_be_there),
		TEST(tenants_do_not_meet),
		TEST(what_is_connected_stays_in_its_zone),
		TEST(a_zone_can_be_deleted),
		TEST(an_endpoint_of_a_drive_is_an_export_and_goes_again),
		TEST(a_volume_is_one_more_drive_of_the_export),
		TEST(a_volume_that_cannot_be_leaves_the_export_as_it_was),
		TEST(a_path_will_do_where_the_address_says_which_target),
		TEST(an_endpoint_that_is_not_clear_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
