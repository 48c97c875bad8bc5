/* SPDX-License-Identifier: BSD-3-Clause */
/* A fleet of 3 targets, 20 subsystems and 50 hosts with zones, as Redfish shows it. */
#include "tests/unit/collector/ask.h"

#include "collector/redfish.h"
#include "collector/rf-model.h"
#include "tests/unit/redfish/schema.h"

#define N_TARGETS 3
#define N_SUBSYSTEMS 20
#define N_HOSTS 50
#define HOST "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-%012d"

struct bed {
	struct harness h;
	struct redfish redfish;
	size_t n_told;
};

static void on_change(void *data, const struct rf_event *event)
{
	struct bed *bed = data;

	(void)event;
	bed->n_told++;
}

/* --- reports */

static void begin(struct str *text, const char *kind, int number, const char *role, int seq)
{
	str_addf(text,
		 "{\"version\":1,\"node\":\"%s%d-id\",\"name\":\"%s%d\",\"role\":\"%s\",\"boot\":"
		 "\"b\",\"program\":\"p\",\"interval_ms\":600000,\"snapshot\":{\"seq\":%d,"
		 "\"objects\":[{\"kind\":\"kernel\",\"id\":\"%s\",\"release\":\"6.1\"}",
		 kind, number, kind, number, role, seq, *role == 't' ? "nvmet" : "nvme");
}

static void hears(struct bed *bed, struct str *text)
{
	struct report_answer answer;

	str_add(text, "]}}");
	assert_int_equal(harness_send(&bed->h, str_get(text), &answer), 0);
	str_deinit(text);
}

/* Half of them have names that are no ids. */
static const char *nqn_of(int subsystem, char nqn[64])
{
	snprintf(nqn, 64, subsystem % 2 ? "blake%d" : "nqn.2026-01.org.site:vol/%d", subsystem);
	return nqn;
}

static void add_subsystem(struct str *text, int subsystem, const char *second)
{
	static const char *const states[] = { "active", "waiting", "partly", "failed", "foreign" };
	char nqn[64];
	int i;

	nqn_of(subsystem, nqn);
	str_addf(text,
		 ",{\"kind\":\"subsystem\",\"id\":\"%s\",\"nqn\":\"%s\",\"any_host\":%s,\"serial\":"
		 "\"S%d\",\"state\":\"%s\",\"waiting_for\":[%s]}",
		 nqn, nqn, subsystem == 7 ? "true" : "false", subsystem, states[subsystem % 5],
		 subsystem % 5 == 1 ? "\"the drive eui.9\"" : "");
	for (i = 1; i <= 2; i++)
		str_addf(
			text,
			",{\"kind\":\"namespace\",\"id\":\"%s/%d\",\"nqn\":\"%s\",\"nsid\":%d,"
			"\"device\":\"/dev/nvme%dn%d\",\"drive\":\"eui.%d.%d\",\"uuid\":"
			"\"00000000-0000-4000-9000-%012d\",\"nguid\":\"%032d\",\"enabled\":%s,"
			"\"size_bytes\":1099511627776,\"state\":\"%s\"},{\"kind\":\"drive\",\"id\":"
			"\"eui.%d.%d\",\"path\":\"/dev/nvme%dn%d\",\"size_bytes\":1099511627776,"
			"\"model\":\"M\",\"serial\":\"D%d\",\"state\":\"exported\"}",
			nqn, i, nqn, i, subsystem, i, subsystem, i, 2 * subsystem + i,
			2 * subsystem + i, i == 1 ? "true" : "false", i == 1 ? "active" : second,
			subsystem, i, subsystem, i, subsystem);
	for (i = subsystem; i < N_HOSTS; i += 10)
		str_addf(text,
			 ",{\"kind\":\"allowed\",\"id\":\"%s/" HOST
			 "\",\"nqn\":\"%s\",\"hostnqn\":\"" HOST "\"}",
			 nqn, i, nqn, i);
}

static void target_reports(struct bed *bed, int target, int seq, const char *second)
{
	CLEANUP_STR struct str text = STR_NULL;
	const char *comma = "";
	char nqn[64];
	int i;

	begin(&text, "target", target, "target", seq);
	for (i = target; i < N_SUBSYSTEMS; i += N_TARGETS)
		add_subsystem(&text, i, i == target ? second : "missing");
	str_addf(&text,
		 ",{\"kind\":\"listener\",\"id\":\"1\",\"port_id\":1,\"transport\":\"%s\","
		 "\"family\":\"ipv4\",\"address\":\"10.1.1.%d\",\"service\":\"4420\",\"state\":"
		 "\"%s\",\"subsystems\":[",
		 target ? "tcp" : "rdma", target + 10, target == 2 ? "no-address" : "listening");
	for (i = target; i < N_SUBSYSTEMS; i += N_TARGETS, comma = ",")
		str_addf(&text, "%s\"%s\"", comma, nqn_of(i, nqn));
	str_add(&text, "]}");
	hears(bed, &text);
}

static void host_reports(struct bed *bed, int host)
{
	CLEANUP_STR struct str text = STR_NULL;

	begin(&text, "host", host, "initiator", 1);
	str_addf(&text,
		 ",{\"kind\":\"host\",\"id\":\"" HOST "\",\"hostnqn\":\"" HOST
		 "\",\"default\":true}",
		 host, host);
	if (host % 10 < 5)
		str_addf(&text,
			 ",{\"kind\":\"controller\",\"id\":\"nvme1\",\"nqn\":\"blake%d\",\"state\":"
			 "\"%s\",\"transport\":\"tcp\"}",
			 host % 10 | 1, host % 2 ? "live" : "connecting");
	hears(bed, &text);
}

static void make_zones(struct bed *bed)
{
	char body[512];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(body, sizeof(body),
			 "{\"name\":\"zone%d\",%s\"hosts\":[\"" HOST
			 "\"],\"subsystems\":[\"blake%d\"]}",
			 i, i ? "\"tenant\":\"t\"," : "", i, 2 * i + 1);
		js_free(ask(&bed->h, "POST", "/zones", body, 201));
	}
}

/* --- a collector that knows them */

static int start(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	int i;

	harness_start(&bed->h);
	bed->redfish.collector = &bed->h.collector;
	bed->redfish.loop = bed->h.loop;
	bed->redfish.tree = rf_tree_new();
	for (i = 0; i < N_TARGETS; i++)
		target_reports(bed, i, 1, "missing");
	for (i = 0; i < N_HOSTS; i++)
		host_reports(bed, i);
	make_zones(bed);
	assert_int_equal(rf_model_new(&bed->redfish, &bed->redfish.model, NULL), 0);
	assert_int_equal(rf_tree_watch(bed->redfish.tree, on_change, bed), 0);
	assert_int_equal(rf_tree_settle(bed->redfish.tree, NULL), 0);
	*state = bed;
	return 0;
}

static int stop(void **state)
{
	struct bed *bed = *state;

	rf_model_free(bed->redfish.model);
	rf_tree_free(bed->redfish.tree);
	harness_stop(&bed->h);
	free(bed);
	return 0;
}

static void settle(struct bed *bed)
{
	assert_int_equal(rf_model_flush(bed->redfish.model, NULL), 0);
	assert_int_equal(rf_tree_settle(bed->redfish.tree, NULL), 0);
}

/* --- */

static void check_all(struct bed *bed, struct rf_resource *resource, const struct schema *schema,
		      struct str *out)
{
	size_t i;

	if (rf_resource_class(resource)) {
		CLEANUP_JS struct js *doc = rf_resource_js(bed->redfish.tree, resource);

		schema_check(schema, rf_resource_uri(resource), doc, out);
	}
	for (i = 0; i < rf_resource_child_count(resource); i++)
		check_all(bed, rf_resource_child_at(resource, i), schema, out);
}

static void every_resource_of_a_fleet_is_as_the_schemas_want_it(void **state)
{
	static const char *const tops[] = { RF_SYSTEMS, RF_CHASSIS, RF_STORAGE, RF_FABRICS };
	struct bed *bed = *state;
	CLEANUP_STR struct str out = STR_NULL;
	struct schema schema;
	size_t i;

	assert_int_equal(schema_load(&schema), 0);
	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		check_all(bed, rf_tree_find(bed->redfish.tree, tops[i]), &schema, &out);
	schema_deinit(&schema);
	assert_string_equal(str_get(&out), "");
	assert_true(rf_tree_count(bed->redfish.tree) > 500);
}

static void all_of_them_are_there(void **state)
{
	static const struct {
		const char *uri;
		size_t count;
	} wanted[] = { { RF_SYSTEMS, N_TARGETS + N_HOSTS },
		       { RF_ENDPOINTS, N_SUBSYSTEMS + N_HOSTS },
		       { RF_ZONES, 3 } };
	struct bed *bed = *state;
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(
			rf_resource_child_count(rf_tree_find(bed->redfish.tree, wanted[i].uri)),
			wanted[i].count);
}

static void one_namespace_is_no_reason_to_tell_of_all(void **state)
{
	struct bed *bed = *state;

	bed->n_told = 0;
	target_reports(bed, 0, 2, "active");
	settle(bed);
	assert_in_range(bed->n_told, 1, 8);
	bed->n_told = 0;
	settle(bed);
	assert_int_equal(bed->n_told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_resource_of_a_fleet_is_as_the_schemas_want_it),
		cmocka_unit_test(all_of_them_are_there),
		cmocka_unit_test(one_namespace_is_no_reason_to_tell_of_all),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
