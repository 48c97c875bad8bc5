/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/view.h"

#define NOW 1795497800000

static struct js *json(const char *text)
{
	struct js *js = NULL;

	assert_int_equal(js_parse(text, strlen(text), &js, NULL), 0);
	return js;
}

static void lists(const char *verb, const char *items, const char *want)
{
	CLEANUP_JS struct js *js = json(items);
	CLEANUP_TABLE struct table table = TABLE(0);
	CLEANUP_STR struct str text = STR_NULL;

	view_listing_table(view_listing_find(verb), js, NOW, &table);
	table_format(&table, "", &text);
	assert_string_equal(str_get(&text), want);
}

static void a_node_has_a_line_for_each_helper(void **state)
{
	(void)state;
	lists("nodes",
	      "[{\"id\":\"m1\",\"name\":\"blake14\",\"roles\":{\"target\":{\"state\":\"online\","
	      "\"since\":1795497774000,\"program\":\"nvmet-sunfishd 0.1.0\",\"address\":\"10.1.1.1\"},"
	      "\"initiator\":{\"state\":\"lost\",\"since\":1795497799500}}}]",
	      "NODE     ROLE       STATE   FOR     ADDRESS   PROGRAM\n"
	      "blake14  target     online  26.0 s  10.1.1.1  nvmet-sunfishd 0.1.0\n"
	      "blake14  initiator  lost    500 ms  -         -\n");
}

static void an_endpoint_is_its_address_with_what_it_serves(void **state)
{
	(void)state;
	lists("endpoints",
	      "[{\"node\":\"b\",\"transport\":\"rdma\",\"address\":\"10.1.1.1\",\"service\":\"4420\","
	      "\"state\":\"listening\",\"ifname\":\"ib0\",\"subsystems\":[\"x\",\"y\"]},"
	      "{\"node\":\"b\",\"transport\":\"tcp\",\"address\":\"fe80::1\",\"service\":\"4420\","
	      "\"state\":\"down\",\"stale\":true}]",
	      "NODE  LISTENER            STATE         INTERFACE  RDMA  SUBSYSTEMS\n"
	      "b     rdma 10.1.1.1:4420  listening     ib0        -     x, y\n"
	      "b     tcp [fe80::1]:4420  down (stale)  -          -     -\n");
}

static void a_device_says_how_many_paths_live(void **state)
{
	(void)state;
	lists("devices",
	      "[{\"node\":\"b\",\"device\":\"/dev/nvme0n1\",\"nqn\":\"x\",\"nsid\":1,\"size_bytes\":"
	      "1048576,\"paths\":[{\"state\":\"live\"},{\"state\":\"connecting\"}],\"mounts\":[\"/a\"]}]",
	      "NODE  DEVICE        NQN  NSID  SIZE   PATHS        MOUNTED\n"
	      "b     /dev/nvme0n1  x    1     1 MiB  1 of 2 live  /a\n");
	lists("devices",
	      "[{\"node\":\"b\",\"device\":\"/dev/nvme0n1\",\"nqn\":\"x\",\"nsid\":1,\"size_bytes\":"
	      "1048576,\"paths\":[{\"state\":\"live\"}],\"stale\":true}]",
	      "NODE  DEVICE        NQN  NSID  SIZE   PATHS                MOUNTED\n"
	      "b     /dev/nvme0n1  x    1     1 MiB  1 of 1 live (stale)  -\n");
}

static void an_attachment_says_when_its_lease_ends_and_why_it_failed(void **state)
{
	(void)state;
	lists("attachments",
	      "[{\"id\":\"a-1\",\"subsystem\":\"x\",\"target\":\"b\",\"host\":\"c\",\"state\":"
	      "\"attached\",\"device\":\"/dev/nvme0n1\",\"expires\":1795497860000,\"job\":\"7\"},"
	      "{\"id\":\"a-2\",\"subsystem\":\"x\",\"target\":\"b\",\"host\":\"d\",\"state\":"
	      "\"failed\",\"error\":\"no route\",\"device\":\"/dev/nvme1n1\",\"expires\":1795497860000}]",
	      "ID   SUBSYSTEM  TARGET  HOST  STATE     DEVICE        LEASE         JOB  WHY\n"
	      "a-1  x          b       c     attached  /dev/nvme0n1  in 1 min 0 s  7    -\n"
	      "a-2  x          b       d     failed    -             -             -    no route\n");
}

static void a_subsystem_says_what_it_waits_for(void **state)
{
	(void)state;
	lists("subsystems",
	      "[{\"node\":\"b\",\"nqn\":\"x\",\"state\":\"waiting\",\"wanted\":\"stored\",\"any_host\":"
	      "false,\"serial\":\"s\",\"waiting_for\":[\"drive a is not here\",\"ib0 is down\"]}]",
	      "NODE  NQN  STATE    WANTED BY  ANY HOST  SERIAL  WHY\n"
	      "b     x    waiting  stored     no        s       drive a is not here, ib0 is down\n");
}

static void what_is_of_another_type_is_no_crash(void **state)
{
	(void)state;
	lists("hosts", "[7,{},{\"node\":{},\"hostnqn\":[[]],\"default\":\"x\"}]",
	      "NODE  HOSTNQN  DEFAULT  HOSTID\n"
	      "-     -        -        -\n"
	      "-     -        -        -\n"
	      "-     -        no       -\n");
	lists("nodes", "[{\"name\":\"a\",\"roles\":[]},{\"roles\":{\"target\":5}}]",
	      "NODE  ROLE    STATE  FOR  ADDRESS  PROGRAM\n"
	      "-     target  -      -    -        -\n");
}

static void an_event_is_a_line(void **state)
{
	CLEANUP_JS struct js *event =
		json("{\"id\":7,\"time\":1795497774123,\"node\":\"blake14\",\"type\":\"changed\","
		     "\"kind\":\"namespace\",\"object_id\":\"x/1\",\"cause\":\"drive pulled\","
		     "\"object\":{\"state\":\"missing\"}}");
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str coloured = STR_NULL;

	(void)state;
	setenv("TZ", "UTC", 1);
	view_event_line(event, false, &text);
	assert_string_equal(
		str_get(&text),
		"2026-11-24 05:22:54.123  blake14      changed  namespace x/1  missing  "
		"(drive pulled)\n");
	view_event_line(event, true, &coloured);
	assert_non_null(strstr(str_get(&coloured), "\033[31mmissing\033[0m"));
}

static void an_event_of_a_node_names_it_once(void **state)
{
	CLEANUP_JS struct js *event =
		json("{\"id\":7,\"time\":1795497774123,\"node\":\"blake14\",\"type\":\"changed\","
		     "\"kind\":\"node\",\"object_id\":\"0123\",\"cause\":\"it is silent\"}");
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	setenv("TZ", "UTC", 1);
	view_event_line(event, false, &text);
	assert_string_equal(
		str_get(&text),
		"2026-11-24 05:22:54.123  blake14      changed  node  (it is silent)\n");
}

static void an_event_of_an_attachment_says_of_what_to_whom(void **state)
{
	CLEANUP_JS struct js *event = json(
		"{\"id\":7,\"time\":1795497774123,\"node\":\"\",\"type\":\"changed\",\"kind\":"
		"\"attachment\",\"object_id\":\"a-9\",\"object\":{\"subsystem\":\"x\",\"host\":"
		"\"blake15\",\"state\":\"attached\"}}");
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	view_event_line(event, false, &text);
	assert_non_null(strstr(str_get(&text), "attachment a-9 (x to blake15)  attached\n"));
}

static void names_of_others_do_not_talk_to_the_terminal(void **state)
{
	CLEANUP_JS struct js *event = json(
		"{\"id\":7,\"node\":\"\\u001b[2J\",\"type\":\"note\",\"kind\":\"k\","
		"\"object_id\":\"a\\nb\",\"cause\":\"\\u001bc\",\"object\":{\"state\":\"\\u0007\"}}");
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	view_event_line(event, false, &text);
	assert_null(strchr(str_get(&text), '\033'));
	assert_null(strchr(str_get(&text), '\a'));
	assert_ptr_equal(strchr(str_get(&text), '\n'), str_get(&text) + text.length - 1);
}

static void good_states_are_green_and_unknown_ones_plain(void **state)
{
	(void)state;
	assert_int_equal(view_state_tint("live"), TABLE_GOOD);
	assert_int_equal(view_state_tint("lost (stale)"), TABLE_BAD);
	assert_int_equal(view_state_tint("waiting"), TABLE_WARN);
	assert_int_equal(view_state_tint("alive"), TABLE_PLAIN);
	assert_int_equal(view_state_tint(""), TABLE_PLAIN);
	assert_int_equal(view_state_tint("liv"), TABLE_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_has_a_line_for_each_helper),
		cmocka_unit_test(an_endpoint_is_its_address_with_what_it_serves),
		cmocka_unit_test(a_device_says_how_many_paths_live),
		cmocka_unit_test(an_attachment_says_when_its_lease_ends_and_why_it_failed),
		cmocka_unit_test(a_subsystem_says_what_it_waits_for),
		cmocka_unit_test(what_is_of_another_type_is_no_crash),
		cmocka_unit_test(an_event_is_a_line),
		cmocka_unit_test(an_event_of_a_node_names_it_once),
		cmocka_unit_test(an_event_of_an_attachment_says_of_what_to_whom),
		cmocka_unit_test(names_of_others_do_not_talk_to_the_terminal),
		cmocka_unit_test(good_states_are_green_and_unknown_ones_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
