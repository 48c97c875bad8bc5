/* SPDX-License-Identifier: BSD-3-Clause */
/* The state machine with a made-up time and made-up controllers. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/sm.h"

#define ME "nqn.2014-08.org.example:me"
#define MIN_MS 1000
#define MAX_MS 60000
#define REFUSED_MS 30000

struct world {
	struct sm *sm;
	int64_t now;
	struct inventory_controller controllers[8];
	struct inventory inventory;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct sm_config config = { MIN_MS, MAX_MS, REFUSED_MS, ME, 42 };

	w->now = 1000000;
	w->inventory.controllers = w->controllers;
	*state = w;
	return sm_new(&config, &w->sm, NULL);
}

static int teardown(void **state)
{
	struct world *w = *state;

	sm_free(w->sm);
	free(w);
	return 0;
}

static struct conf_connection connection_of(const char *text)
{
	struct conf_connection connection = CONF_CONNECTION_NULL;

	assert_int_equal(tid_parse(text, &connection.tid, NULL), 0);
	return connection;
}

static void look(struct world *w)
{
	sm_look(w->sm, w->now, &w->inventory);
}

static unsigned int want(struct world *w, const char *text, unsigned int source)
{
	struct conf_connection connection = connection_of(text);
	int id = sm_want(w->sm, &connection, source, NULL);

	assert_true(id > 0);
	look(w);
	return (unsigned int)id;
}

/* A controller is there in that state from now on; NULL: it is gone. */
static void set_controller(struct world *w, unsigned int n, const char *tid, const char *state)
{
	struct inventory_controller *c = NULL;
	char name[INVENTORY_NAME_MAX];
	size_t i;

	snprintf(name, sizeof(name), "nvme%u", n);
	for (i = 0; i < w->inventory.n_controllers; i++)
		if (strcmp(w->controllers[i].name, name) == 0)
			c = &w->controllers[i];
	if (!state) {
		assert_non_null(c);
		*c = w->controllers[--w->inventory.n_controllers];
		look(w);
		return;
	}
	if (!c)
		c = &w->controllers[w->inventory.n_controllers++];
	memset(c, 0, sizeof(*c));
	c->tid = connection_of(tid).tid;
	strcpy(c->tid.hostnqn, ME);
	strcpy(c->name, name);
	strcpy(c->state, state);
	if (strcmp(state, "new") != 0)
		strcpy(c->subsystem, "nvme-subsys0");
	look(w);
}

static struct sm_view view_of(const struct world *w, unsigned int id)
{
	struct sm_view view = { .id = 0 };

	assert_true(sm_get(w->sm, id, &view));
	return view;
}

static void assert_state(const struct world *w, unsigned int id, enum sm_state state)
{
	assert_string_equal(sm_state_word(view_of(w, id).state), sm_state_word(state));
}

static struct sm_action expect(struct world *w, enum sm_action_kind kind, unsigned int id)
{
	struct sm_action action = { .id = 0 };

	assert_true(sm_next(w->sm, w->now, &action));
	assert_int_equal(action.kind, kind);
	assert_int_equal(action.id, id);
	return action;
}

static void expect_nothing(struct world *w)
{
	struct sm_action action;

	assert_false(sm_next(w->sm, w->now, &action));
}

static void go_on(struct world *w)
{
	int64_t next = sm_next_ms(w->sm);

	assert_true(next != INT64_MAX);
	if (next > w->now)
		w->now = next;
}

/* From waiting to up. */
static void bring_up(struct world *w, unsigned int id, unsigned int n, const char *tid)
{
	expect(w, SM_ACT_PROBE, id);
	assert_state(w, id, SM_PROBING);
	sm_probed(w->sm, w->now, id, 0, "");
	expect(w, SM_ACT_CONNECT, id);
	assert_state(w, id, SM_CONNECTING);
	set_controller(w, n, tid, "new");
	assert_state(w, id, SM_CONNECTING);
	set_controller(w, n, tid, "connecting");
	assert_state(w, id, SM_CONNECTING);
	sm_connected(w->sm, w->now, id, 0, "nvme0");
	set_controller(w, n, tid, "live");
	assert_state(w, id, SM_UP);
}

#define A "tcp,10.0.0.1,4420,a"
#define B "tcp,10.0.0.2,4420,b"
#define C "tcp,10.0.0.3,4420,c"

static void does_nothing_before_it_looked(void **state)
{
	struct world *w = *state;
	struct conf_connection connection = connection_of(A);

	assert_int_equal(sm_want(w->sm, &connection, SM_CONF, NULL), 1);
	expect_nothing(w);
	assert_true(sm_next_ms(w->sm) == INT64_MAX);
	look(w);
	expect(w, SM_ACT_PROBE, 1);
}

static void probes_connects_and_is_up(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	bring_up(w, id, 0, A);
	assert_string_equal(view_of(w, id).controller, "nvme0");
	expect_nothing(w);
	assert_true(sm_next_ms(w->sm) == INT64_MAX);
}

static void adopts_what_others_connected(void **state)
{
	struct world *w = *state;
	unsigned int id;

	set_controller(w, 3, A, "live");
	id = want(w, A, SM_CONF);
	assert_state(w, id, SM_UP);
	assert_string_equal(view_of(w, id).controller, "nvme3");
	expect_nothing(w);
}

static void leaves_a_lost_controller_to_the_kernel(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	bring_up(w, id, 0, A);
	set_controller(w, 0, A, "connecting");
	assert_state(w, id, SM_LOST);
	expect_nothing(w);
	assert_true(sm_next_ms(w->sm) == INT64_MAX);
	set_controller(w, 0, A, "live");
	assert_state(w, id, SM_UP);
}

static void begins_anew_when_the_kernel_gave_up(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	bring_up(w, id, 0, A);
	w->now += 600000;
	set_controller(w, 0, A, "connecting");
	set_controller(w, 0, A, "deleting");
	assert_state(w, id, SM_LOST);
	set_controller(w, 0, NULL, NULL);
	assert_state(w, id, SM_WAITING);
	assert_true(sm_next_ms(w->sm) <= w->now + MIN_MS);
	go_on(w);
	bring_up(w, id, 0, A);
}

static void what_goes_again_at_once_is_not_hammered(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);
	int i;

	for (i = 0; i < 5; i++) {
		go_on(w);
		expect(w, SM_ACT_PROBE, id);
		sm_probed(w->sm, w->now, id, 0, "");
		expect(w, SM_ACT_CONNECT, id);
		sm_connected(w->sm, w->now, id, 0, "nvme0");
		set_controller(w, 0, A, "live");
		set_controller(w, 0, NULL, NULL);
		assert_state(w, id, SM_WAITING);
		assert_true(sm_next_ms(w->sm) >= w->now + MIN_MS * 3 / 4);
	}
}

static void pauses_grow_and_end_at_the_longest(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);
	int64_t expected = MIN_MS;
	int i;

	for (i = 0; i < 40; i++) {
		int64_t pause;

		go_on(w);
		expect(w, SM_ACT_PROBE, id);
		sm_probed(w->sm, w->now, id, -ECONNREFUSED, "nobody listens");
		assert_state(w, id, SM_WAITING);
		pause = sm_next_ms(w->sm) - w->now;
		assert_true(pause >= expected * 3 / 4 && pause <= expected * 5 / 4);
		expected = expected * 2 > MAX_MS ? MAX_MS : expected * 2;
	}
	assert_int_equal(view_of(w, id).attempts, 40);
	assert_int_equal(view_of(w, id).code, -ECONNREFUSED);
	assert_string_equal(view_of(w, id).error, "nobody listens");
	go_on(w);
	bring_up(w, id, 0, A);
	assert_int_equal(view_of(w, id).attempts, 0);
	assert_string_equal(view_of(w, id).error, "");
}

static void a_refusal_waits_longer(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	expect(w, SM_ACT_PROBE, id);
	sm_probed(w->sm, w->now, id, 0, "");
	expect(w, SM_ACT_CONNECT, id);
	sm_connected(w->sm, w->now, id, -EACCES, "not allowed");
	assert_true(sm_next_ms(w->sm) >= w->now + REFUSED_MS * 3 / 4);
}

static void a_dead_address_delays_no_other(void **state)
{
	struct world *w = *state;
	unsigned int dead = want(w, A, SM_CONF);
	unsigned int live = want(w, B, SM_CONF);

	expect(w, SM_ACT_PROBE, dead);
	expect(w, SM_ACT_PROBE, live);
	sm_probed(w->sm, w->now, live, 0, "");
	expect(w, SM_ACT_CONNECT, live);
	assert_state(w, dead, SM_PROBING);
	sm_connected(w->sm, w->now, live, 0, "nvme0");
	set_controller(w, 0, B, "live");
	sm_probed(w->sm, w->now, dead, -ETIMEDOUT, "does not answer");
	assert_state(w, live, SM_UP);
	assert_state(w, dead, SM_WAITING);
}

static void one_connect_at_a_time_and_who_never_failed_first(void **state)
{
	struct world *w = *state;
	unsigned int a = want(w, A, SM_CONF);
	unsigned int b;
	unsigned int c;

	expect(w, SM_ACT_PROBE, a);
	sm_probed(w->sm, w->now, a, -ECONNREFUSED, "x");
	go_on(w);
	expect(w, SM_ACT_PROBE, a);
	b = want(w, B, SM_CONF);
	c = want(w, C, SM_CONF);
	expect(w, SM_ACT_PROBE, b);
	expect(w, SM_ACT_PROBE, c);
	sm_probed(w->sm, w->now, a, 0, "");
	sm_probed(w->sm, w->now, b, 0, "");
	sm_probed(w->sm, w->now, c, 0, "");
	expect(w, SM_ACT_CONNECT, b);
	expect_nothing(w);
	sm_connected(w->sm, w->now, b, -ECONNREFUSED, "x");
	expect(w, SM_ACT_CONNECT, c);
	sm_connected(w->sm, w->now, c, -ECONNREFUSED, "x");
	expect(w, SM_ACT_CONNECT, a);
}

static void of_whom_nobody_knows_waits_for_probes(void **state)
{
	struct world *w = *state;
	unsigned int a = want(w, A, SM_CONF);
	unsigned int b = want(w, B, SM_CONF);

	expect(w, SM_ACT_PROBE, a);
	expect(w, SM_ACT_PROBE, b);
	sm_probed(w->sm, w->now, a, -EOPNOTSUPP, "");
	expect_nothing(w);
	sm_probed(w->sm, w->now, b, 0, "");
	expect(w, SM_ACT_CONNECT, b);
	sm_connected(w->sm, w->now, b, -ETIMEDOUT, "x");
	expect(w, SM_ACT_CONNECT, a);
}

static void but_not_for_ever(void **state)
{
	struct world *w = *state;
	unsigned int a = want(w, A, SM_CONF);
	unsigned int b = want(w, B, SM_CONF);

	expect(w, SM_ACT_PROBE, a);
	expect(w, SM_ACT_PROBE, b);
	sm_probed(w->sm, w->now, a, -EOPNOTSUPP, "");
	go_on(w);
	expect(w, SM_ACT_CONNECT, a);
}

static void no_more_probes_than_agreed(void **state)
{
	struct world *w = *state;
	struct sm_action action;
	char text[64];
	unsigned int i;
	unsigned int probes = 0;

	for (i = 0; i < SM_PROBES_MAX + 5; i++) {
		snprintf(text, sizeof(text), "tcp,10.0.1.%u,4420,x", i);
		want(w, text, SM_CONF);
	}
	while (sm_next(w->sm, w->now, &action))
		probes += action.kind == SM_ACT_PROBE;
	assert_int_equal(probes, SM_PROBES_MAX);
	assert_true(sm_next_ms(w->sm) == INT64_MAX);
	sm_probed(w->sm, w->now, 1, -ETIMEDOUT, "x");
	assert_true(sm_next_ms(w->sm) <= w->now);
	assert_true(sm_next(w->sm, w->now, &action));
}

static void an_exclusion_is_honoured_and_looked_at_again(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	expect(w, SM_ACT_PROBE, id);
	sm_excluded(w->sm, w->now, id, "list: nqn=a");
	assert_state(w, id, SM_EXCLUDED);
	assert_string_equal(view_of(w, id).error, "list: nqn=a");
	expect_nothing(w);
	look(w);
	assert_state(w, id, SM_EXCLUDED);
	w->now += SM_EXCLUDED_MS;
	expect(w, SM_ACT_PROBE, id);
	sm_probed(w->sm, w->now, id, 0, "");
	expect(w, SM_ACT_CONNECT, id);
	sm_excluded(w->sm, w->now, id, "list: nqn=a");
	assert_state(w, id, SM_EXCLUDED);
	/* the lane is free */
	id = want(w, B, SM_CONF);
	expect(w, SM_ACT_PROBE, id);
	sm_probed(w->sm, w->now, id, 0, "");
	expect(w, SM_ACT_CONNECT, id);
}

static void is_gone_when_told_to_be(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_COMMAND);
	struct conf_connection a = connection_of(A);
	struct sm_action action;

	bring_up(w, id, 0, A);
	assert_int_equal(sm_disconnect(w->sm, w->now, &a.tid, false), (int)id);
	sm_unwant(w->sm, &a.tid, SM_COMMAND);
	look(w);
	action = expect(w, SM_ACT_DISCONNECT, id);
	assert_string_equal(action.controller, "nvme0");
	assert_false(action.force);
	assert_state(w, id, SM_DISCONNECTING);
	sm_disconnected(w->sm, w->now, id, 0, "");
	set_controller(w, 0, NULL, NULL);
	assert_int_equal(sm_count(w->sm), 0);
}

static void what_is_mounted_stays_and_says_why(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_COLLECTOR);
	struct conf_connection a = connection_of(A);

	bring_up(w, id, 0, A);
	sm_disconnect(w->sm, w->now, &a.tid, false);
	expect(w, SM_ACT_DISCONNECT, id);
	sm_disconnected(w->sm, w->now, id, -EBUSY, "nvme0n1 is mounted on /srv");
	look(w);
	assert_state(w, id, SM_DISCONNECTING);
	assert_string_equal(view_of(w, id).error, "nvme0n1 is mounted on /srv");
	expect_nothing(w);
	/* tried again: it may be unmounted by then */
	go_on(w);
	expect(w, SM_ACT_DISCONNECT, id);
	sm_disconnected(w->sm, w->now, id, -EBUSY, "nvme0n1 is mounted on /srv");
	/* and wanted again it is simply there */
	want(w, A, SM_COLLECTOR);
	assert_state(w, id, SM_UP);
	expect_nothing(w);
}

static void what_the_configuration_wants_stays_down_until_it_is_wanted_anew(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);
	struct conf_connection a = connection_of(A);

	bring_up(w, id, 0, A);
	sm_disconnect(w->sm, w->now, &a.tid, true);
	assert_true(expect(w, SM_ACT_DISCONNECT, id).force);
	sm_disconnected(w->sm, w->now, id, 0, "");
	set_controller(w, 0, NULL, NULL);
	assert_state(w, id, SM_DOWN);
	look(w);
	expect_nothing(w);
	w->now += 1000000;
	look(w);
	expect_nothing(w);
	want(w, A, SM_CONF);
	assert_state(w, id, SM_WAITING);
	expect(w, SM_ACT_PROBE, id);
}

static void is_stopped_while_it_probes_or_connects(void **state)
{
	struct world *w = *state;
	unsigned int a = want(w, A, SM_COMMAND);
	unsigned int b = want(w, B, SM_COMMAND);
	struct conf_connection to_a = connection_of(A);
	struct conf_connection to_b = connection_of(B);

	expect(w, SM_ACT_PROBE, a);
	expect(w, SM_ACT_PROBE, b);
	sm_probed(w->sm, w->now, b, 0, "");
	expect(w, SM_ACT_CONNECT, b);
	sm_disconnect(w->sm, w->now, &to_a.tid, false);
	sm_unwant(w->sm, &to_a.tid, SM_COMMAND);
	sm_disconnect(w->sm, w->now, &to_b.tid, false);
	sm_unwant(w->sm, &to_b.tid, SM_COMMAND);
	look(w);
	assert_int_equal(sm_count(w->sm), 2);
	sm_probed(w->sm, w->now, a, 0, "");
	look(w);
	assert_int_equal(sm_count(w->sm), 1);
	/* it came up after all, and goes again */
	sm_connected(w->sm, w->now, b, 0, "nvme0");
	set_controller(w, 0, B, "live");
	expect(w, SM_ACT_DISCONNECT, b);
	sm_disconnected(w->sm, w->now, b, 0, "");
	set_controller(w, 0, NULL, NULL);
	assert_int_equal(sm_count(w->sm), 0);
}

static void what_nobody_wants_any_more_is_left_alone(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);
	struct conf_connection a = connection_of(A);

	want(w, A, SM_COLLECTOR);
	bring_up(w, id, 0, A);
	assert_true(sm_unwant(w->sm, &a.tid, SM_CONF));
	assert_false(sm_unwant(w->sm, &a.tid, SM_CONF));
	assert_int_equal(sm_count(w->sm), 1);
	assert_true(sm_unwant(w->sm, &a.tid, SM_COLLECTOR));
	assert_int_equal(sm_count(w->sm), 0);
	expect_nothing(w);
}

static void the_lane_is_free_again_when_its_entry_is_forgotten(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);
	struct conf_connection a = connection_of(A);
	unsigned int b;

	expect(w, SM_ACT_PROBE, id);
	sm_probed(w->sm, w->now, id, 0, "");
	expect(w, SM_ACT_CONNECT, id);
	sm_unwant(w->sm, &a.tid, SM_CONF);
	b = want(w, B, SM_CONF);
	expect(w, SM_ACT_PROBE, b);
	sm_probed(w->sm, w->now, b, 0, "");
	expect_nothing(w);
	sm_connected(w->sm, w->now, id, -ETIMEDOUT, "x");
	expect(w, SM_ACT_CONNECT, b);
}

static void a_hanging_connect_is_told_and_waited_for(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	expect(w, SM_ACT_PROBE, id);
	sm_probed(w->sm, w->now, id, 0, "");
	expect(w, SM_ACT_CONNECT, id);
	sm_is_late(w->sm, id, "hangs");
	assert_state(w, id, SM_CONNECTING);
	assert_string_equal(view_of(w, id).error, "hangs");
	expect_nothing(w);
	sm_connected(w->sm, w->now, id, 0, "nvme0");
	set_controller(w, 0, A, "live");
	assert_string_equal(view_of(w, id).error, "");
}

static void does_not_connect_what_another_is_connecting(void **state)
{
	struct world *w = *state;
	unsigned int id;

	set_controller(w, 0, A, "new");
	id = want(w, A, SM_CONF);
	assert_state(w, id, SM_CONNECTING);
	expect_nothing(w);
	set_controller(w, 0, NULL, NULL);
	assert_state(w, id, SM_WAITING);
	go_on(w);
	expect(w, SM_ACT_PROBE, id);
}

static void another_connects_it_while_we_probe(void **state)
{
	struct world *w = *state;
	unsigned int id = want(w, A, SM_CONF);

	expect(w, SM_ACT_PROBE, id);
	set_controller(w, 0, A, "live");
	assert_state(w, id, SM_UP);
	sm_probed(w->sm, w->now, id, 0, "");
	assert_state(w, id, SM_UP);
	expect_nothing(w);
}

static void a_change_of_the_network_ends_a_pause(void **state)
{
	struct world *w = *state;
	unsigned int a = want(w, A, SM_CONF);
	unsigned int b = want(w, B, SM_CONF);
	int i;

	for (i = 0; i < 8; i++) {
		go_on(w);
		expect(w, SM_ACT_PROBE, a);
		sm_probed(w->sm, w->now, a, -ENETUNREACH, "x");
		if (i == 0) {
			expect(w, SM_ACT_PROBE, b);
			sm_probed(w->sm, w->now, b, 0, "");
			expect(w, SM_ACT_CONNECT, b);
			sm_connected(w->sm, w->now, b, 0, "nvme0");
			set_controller(w, 0, B, "live");
		}
	}
	assert_true(sm_next_ms(w->sm) > w->now + MAX_MS / 2);
	sm_poke(w->sm, w->now);
	assert_true(sm_next_ms(w->sm) <= w->now + MIN_MS);
}

static void counts_what_changed(void **state)
{
	struct world *w = *state;
	uint64_t before = sm_generation(w->sm);
	unsigned int id = want(w, A, SM_CONF);

	assert_true(sm_generation(w->sm) > before);
	bring_up(w, id, 0, A);
	before = sm_generation(w->sm);
	look(w);
	look(w);
	assert_true(sm_generation(w->sm) == before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(does_nothing_before_it_looked),
		TEST(probes_connects_and_is_up),
		TEST(adopts_what_others_connected),
		TEST(leaves_a_lost_controller_to_the_kernel),
		TEST(begins_anew_when_the_kernel_gave_up),
		TEST(what_goes_again_at_once_is_not_hammered),
		TEST(pauses_grow_and_end_at_the_longest),
		TEST(a_refusal_waits_longer),
		TEST(a_dead_address_delays_no_other),
		TEST(one_connect_at_a_time_and_who_never_failed_first),
		TEST(of_whom_nobody_knows_waits_for_probes),
		TEST(but_not_for_ever),
		TEST(no_more_probes_than_agreed),
		TEST(an_exclusion_is_honoured_and_looked_at_again),
		TEST(is_gone_when_told_to_be),
		TEST(what_is_mounted_stays_and_says_why),
		TEST(what_the_configuration_wants_stays_down_until_it_is_wanted_anew),
		TEST(is_stopped_while_it_probes_or_connects),
		TEST(what_nobody_wants_any_more_is_left_alone),
		TEST(the_lane_is_free_again_when_its_entry_is_forgotten),
		TEST(a_hanging_connect_is_told_and_waited_for),
		TEST(does_not_connect_what_another_is_connecting),
		TEST(another_connects_it_while_we_probe),
		TEST(a_change_of_the_network_ends_a_pause),
		TEST(counts_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
