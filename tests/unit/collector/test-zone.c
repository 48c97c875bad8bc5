/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/ask.h"

#include "collector/zone.h"

#define H1 "nqn.2026-01.org.site:h1"
#define H2 "nqn.2026-01.org.site:h2"
#define S1 "blake14"
#define S2 "blake15"
#define PORT14 "tcp,10.1.1.14,4420"
#define PORT15 "rdma,10.1.1.15,4420"

static void make(struct harness *h, const char *body)
{
	js_free(ask(h, "POST", "/zones", body, 201));
}

static void says(struct harness *h, const char *method, const char *path, const char *body,
		 unsigned int status, const char *part)
{
	CLEANUP_JS struct js *js = ask(h, method, path, body, status);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	if (!strstr(text, part))
		fail_msg("%s %s: %s has no %s", method, path, text, part);
}

static bool sees(struct harness *h, const char *host, const char *nqn, const char *port,
		 bool allowed)
{
	struct zone_host of;

	zone_host_begin(h->collector.zones, host, &of);
	return zone_host_sees(&of, nqn, port, NULL, allowed);
}

static void without_zones_the_targets_alone_decide(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	assert_true(sees(&h, H1, S1, PORT14, true));
	assert_false(sees(&h, H1, S1, PORT14, false));
}

static void a_zone_lets_its_hosts_see_its_subsystems(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1 "\"]}");
	assert_true(sees(&h, H1, S1, PORT14, false));
	assert_false(sees(&h, H1, S2, PORT14, false));
	assert_false(sees(&h, H2, S1, PORT14, false));
	assert_true(sees(&h, H2, S1, PORT14, true));
}

static void a_zone_of_a_port_has_whatever_is_at_the_port(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"],\"ports\":[\"" PORT14 "\"]}");
	assert_true(sees(&h, H1, S1, PORT14, false));
	assert_true(sees(&h, H1, NULL, PORT14, false));
	assert_false(sees(&h, H1, S1, PORT15, false));
}

static void a_tenant_is_a_fence_in_both_directions(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"tenant\":\"red\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1
		 "\"]}");
	/* any host may connect to both */
	assert_true(sees(&h, H1, S1, PORT14, true));
	assert_false(sees(&h, H2, S1, PORT14, true));
	assert_false(sees(&h, H1, S2, PORT14, true));
	assert_true(sees(&h, H2, S2, PORT14, true));
}

static void zones_of_one_tenant_share_its_fence_but_not_their_members(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"tenant\":\"red\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1
		 "\"]}");
	make(&h, "{\"name\":\"b\",\"tenant\":\"red\",\"hosts\":[\"" H2 "\"],\"subsystems\":[\"" S2
		 "\"]}");
	assert_true(sees(&h, H1, S2, PORT14, true));
	assert_false(sees(&h, H1, S2, PORT14, false));
}

static void a_port_of_another_tenant_hides_its_subsystems(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"tenant\":\"red\",\"ports\":[\"" PORT14 "\"]}");
	assert_false(sees(&h, H1, S1, PORT14, true));
	assert_true(sees(&h, H1, S1, PORT15, true));
}

static void zones_are_there_after_a_restart(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1 "\"]}");
	harness_restart(&h);
	assert_true(sees(&h, H1, S1, PORT14, false));
	says(&h, "GET", "/zones/a", NULL, 200, "\"subsystems\":[\"" S1 "\"]");
}

static void a_zone_is_changed_member_by_member(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1 "\"]}");
	says(&h, "PATCH", "/zones/a",
	     "{\"add\":{\"hosts\":[\"" H2 "\"]},\"remove\":{\"hosts\":[\"" H1 "\"]}}", 200,
	     "\"hosts\":[\"" H2 "\"]");
	assert_false(sees(&h, H1, S1, PORT14, false));
	assert_true(sees(&h, H2, S1, PORT14, false));
}

static void a_refused_change_changes_nothing(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1 "\"]}");
	says(&h, "PATCH", "/zones/a",
	     "{\"remove\":{\"hosts\":[\"" H1 "\"]},\"add\":{\"ports\":[\"nowhere\"]}}", 400,
	     "TRANSPORT,ADDRESS,SERVICE");
	assert_true(sees(&h, H1, S1, PORT14, false));
}

static void the_last_fence_around_a_subsystem_is_not_taken_down_by_accident(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"tenant\":\"red\",\"hosts\":[\"" H1 "\"],\"subsystems\":[\"" S1
		 "\"]}");
	says(&h, "DELETE", "/zones/a", NULL, 409, "no zone of a tenant any more");
	says(&h, "PATCH", "/zones/a", "{\"remove\":{\"subsystems\":[\"" S1 "\"]}}", 409,
	     "subsystem " S1);
	says(&h, "PATCH", "/zones/a", "{\"tenant\":null}", 409, "--force");
	assert_false(sees(&h, H2, S1, PORT14, true));
	js_free(ask(&h, "DELETE", "/zones/a?force=1", NULL, 200));
	assert_true(sees(&h, H2, S1, PORT14, true));
}

static void what_moves_to_another_zone_of_a_tenant_needs_no_force(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"tenant\":\"red\",\"subsystems\":[\"" S1 "\"]}");
	make(&h, "{\"name\":\"b\",\"tenant\":\"blue\",\"subsystems\":[\"" S1 "\"]}");
	js_free(ask(&h, "DELETE", "/zones/a", NULL, 200));
	assert_false(sees(&h, H2, S1, PORT14, true));
}

static void a_stored_zone_that_makes_no_sense_shows_nothing_to_anybody(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"subsystems\":[\"" S1 "\"]}");
	assert_int_equal(store_begin(h.collector.store, NULL), 0);
	assert_int_equal(store_doc_put(h.collector.store, "zone/b", "{\"name\":7}", NULL), 0);
	assert_int_equal(store_commit(h.collector.store, NULL), 0);
	harness_restart(&h);
	assert_false(sees(&h, H1, S2, PORT14, true));
	js_free(ask(&h, "DELETE", "/zones/b", NULL, 200));
	assert_true(sees(&h, H1, S2, PORT14, true));
}

static void bad_zones_are_refused_with_what_is_wrong(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	says(&h, "POST", "/zones", "{}", 400, "the name");
	says(&h, "POST", "/zones", "{\"name\":\"a b\"}", 400, "a b");
	says(&h, "POST", "/zones", "{\"name\":\"a\",\"tenant\":\"\"}", 400, "tenant");
	says(&h, "POST", "/zones", "{\"name\":\"a\",\"hosts\":\"h\"}", 400, "hosts");
	says(&h, "POST", "/zones", "{\"name\":\"a\",\"hosts\":[7]}", 400, "hosts");
	says(&h, "POST", "/zones", "{\"name\":\"a\",\"hosts\":[\"\"]}", 400, "NQN");
	says(&h, "POST", "/zones", "{\"name\":\"a\",\"ports\":[\"tcp,10.1.1.14,0\"]}", 400, "port");
	make(&h, "{\"name\":\"a\"}");
	says(&h, "POST", "/zones", "{\"name\":\"a\"}", 409, "already");
	says(&h, "GET", "/zones/b", NULL, 404, "no zone b");
}

static void each_change_is_an_event(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"]}");
	js_free(ask(&h, "PATCH", "/zones/a", "{\"tenant\":\"red\"}", 200));
	js_free(ask(&h, "DELETE", "/zones/a?force=1", NULL, 200));
	assert_events(&h, "added zone a made: 1 hosts, 0 subsystems, 0 ports 0\n"
			  "changed zone a changed: 1 hosts, 0 subsystems, 0 ports, tenant red 0\n"
			  "removed zone a deleted 0\n");
}

static void addresses_are_the_same_however_they_are_spelt(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	make(&h, "{\"name\":\"a\",\"hosts\":[\"" H1 "\"],\"ports\":[\"tcp,FD00:0::1,04420\"]}");
	assert_true(sees(&h, H1, S1, "tcp,fd00::1,4420", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_zones_the_targets_alone_decide),
		cmocka_unit_test(a_zone_lets_its_hosts_see_its_subsystems),
		cmocka_unit_test(a_zone_of_a_port_has_whatever_is_at_the_port),
		cmocka_unit_test(a_tenant_is_a_fence_in_both_directions),
		cmocka_unit_test(zones_of_one_tenant_share_its_fence_but_not_their_members),
		cmocka_unit_test(a_port_of_another_tenant_hides_its_subsystems),
		cmocka_unit_test(zones_are_there_after_a_restart),
		cmocka_unit_test(a_zone_is_changed_member_by_member),
		cmocka_unit_test(a_refused_change_changes_nothing),
		cmocka_unit_test(the_last_fence_around_a_subsystem_is_not_taken_down_by_accident),
		cmocka_unit_test(what_moves_to_another_zone_of_a_tenant_needs_no_force),
		cmocka_unit_test(a_stored_zone_that_makes_no_sense_shows_nothing_to_anybody),
		cmocka_unit_test(bad_zones_are_refused_with_what_is_wrong),
		cmocka_unit_test(each_change_is_an_event),
		cmocka_unit_test(addresses_are_the_same_however_they_are_spelt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
