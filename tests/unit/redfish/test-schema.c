/* SPDX-License-Identifier: BSD-3-Clause */
/* The check of what we serve finds what is wrong. */
#include "tests/unit/unit.h"

#include "tests/unit/redfish/schema.h"

#define URI "/redfish/v1/Fabrics/NVMeoF/Endpoints/blake14"

static struct schema schema;

static int load(void **state)
{
	(void)state;
	return schema_load(&schema);
}

static int unload(void **state)
{
	(void)state;
	schema_deinit(&schema);
	return 0;
}

/* An endpoint with @more in it; what is said about it contains @complaint, or nothing is said. */
static void check_at(const char *uri, const char *more, const char *complaint)
{
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str out = STR_NULL;
	CLEANUP_JS struct js *doc = NULL;

	str_addf(&text, "{\"@odata.id\":\"%s\",\"@odata.type\":\"#Endpoint.v1_8_0.Endpoint\",%s}",
		 uri, more);
	assert_int_equal(js_parse(text.text, text.length, &doc, NULL), 0);
	schema_check(&schema, uri, doc, &out);
	if (!complaint)
		assert_string_equal(str_get(&out), "");
	else if (!strstr(str_get(&out), complaint))
		fail_msg("\"%s\" is not in: %s", complaint, str_get(&out));
}

#define NAMED "\"Id\":\"blake14\",\"Name\":\"x\""

static void a_sound_endpoint_is_sound(void **state)
{
	(void)state;
	check_at(URI,
		 NAMED
		 ",\"EndpointProtocol\":\"NVMeOverFabrics\",\"Status\":{\"State\":\"Enabled\"},"
		 "\"Identifiers\":[{\"DurableNameFormat\":\"NQN\",\"DurableName\":\"blake14\"}],"
		 "\"IPTransportDetails\":[{\"TransportProtocol\":\"RoCEv2\",\"Port\":4420}],"
		 "\"Links\":{\"Zones\":[{\"@odata.id\":\"/redfish/v1/x\"}]}",
		 NULL);
}

static void finds_what_is_missing_or_unknown(void **state)
{
	(void)state;
	check_at(URI, "\"Id\":\"blake14\"", "Name: is missing");
	check_at(URI, NAMED ",\"Colour\":1", "Colour: there is no such property");
	check_at(URI, NAMED ",\"Status\":{\"Colour\":1}", "Colour: there is no such property");
}

static void finds_values_of_the_wrong_kind(void **state)
{
	(void)state;
	check_at(URI, NAMED ",\"Description\":7", "Description: is of the wrong kind");
	check_at(URI, NAMED ",\"Identifiers\":{}", "Identifiers: is no array");
	check_at(URI, NAMED ",\"EndpointProtocol\":\"Pigeon\"", "EndpointProtocol: Pigeon");
	check_at(URI, NAMED ",\"Status\":null", "Status: may not be null");
	check_at(URI, NAMED ",\"Links\":{\"Zones\":[\"/redfish/v1/x\"]}", "Zones: is no link");
	check_at(URI, NAMED ",\"Description\":\"\"", "Description: is an empty text");
}

static void finds_what_stands_elsewhere(void **state)
{
	(void)state;
	check_at("/redfish/v1/Endpoints/blake14", NAMED, "its type may not be there");
}

static void an_action_has_its_own_target(void **state)
{
	(void)state;
	check_at(URI, NAMED ",\"Actions\":{\"#Endpoint.Fly\":{\"target\":\"x\"}}",
		 "#Endpoint.Fly: there is no such action");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_endpoint_is_sound),
		cmocka_unit_test(finds_what_is_missing_or_unknown),
		cmocka_unit_test(finds_values_of_the_wrong_kind),
		cmocka_unit_test(finds_what_stands_elsewhere),
		cmocka_unit_test(an_action_has_its_own_target),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
