/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/track.h"

struct world {
	struct track track;
	struct inventory inventory;
	struct inventory_controller c;
	int64_t now;
	enum track_change last;
	struct track_entry entry; /* as the last change had it */
	int changes;
	const char *hint;
};

static void note(void *data, enum track_change change, const struct track_entry *entry)
{
	struct world *w = data;

	w->last = change;
	w->entry = *entry;
	w->changes++;
}

static const char *hint(void *data, const char *controller)
{
	const struct world *w = data;

	assert_string_equal(controller, "nvme0");
	return w->hint;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->inventory.controllers = &w->c;
	w->now = 5000;
	w->hint = "";
	strcpy(w->c.name, "nvme0");
	strcpy(w->c.tid.nqn, "a");
	w->c.reconnects = INVENTORY_UNKNOWN;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	track_deinit(&w->track);
	free(w);
	return 0;
}

static struct track_hooks hooks_of(struct world *w)
{
	return (struct track_hooks){ note, hint, w };
}

/* @state  NULL: it is gone */
static void look(struct world *w, const char *state)
{
	struct track_hooks hooks = hooks_of(w);

	w->inventory.n_controllers = state != NULL;
	w->changes = 0;
	w->last = TRACK_SAME;
	snprintf(w->c.state, sizeof(w->c.state), "%s", state ? state : "");
	assert_int_equal(track_look(&w->track, &w->inventory, w->now, w->now + 1000000, &hooks), 0);
}

static void connected(struct world *w)
{
	struct track_hooks hooks = hooks_of(w);

	w->changes = 0;
	track_connected(&w->track, "nvme0", &hooks);
}

static void measures_how_long_it_was_lost(void **state)
{
	struct world *w = *state;

	look(w, "live");
	assert_int_equal(w->last, TRACK_ADDED);
	w->now += 1000;
	w->hint = "nvme nvme0: starting error recovery";
	look(w, "connecting");
	assert_int_equal(w->last, TRACK_LOST);
	assert_string_equal(w->entry.cause, w->hint);
	w->now += 2000;
	look(w, "resetting");
	assert_int_equal(w->last, TRACK_STATE);
	w->now += 10300;
	look(w, "live");
	assert_int_equal(w->last, TRACK_BACK);
	assert_int_equal(w->entry.lost_for_ms, 12300);
	assert_string_equal(w->entry.cause, "back after 12.3 s");
	assert_int_equal(w->entry.losses, 1);
	assert_int_equal(w->entry.since_wall_ms, w->now + 1000000);
	look(w, "live");
	assert_int_equal(w->changes, 0);
}

static void a_first_connect_is_no_loss(void **state)
{
	struct world *w = *state;

	look(w, "new");
	assert_int_equal(w->last, TRACK_ADDED);
	look(w, "connecting");
	assert_int_equal(w->last, TRACK_STATE);
	look(w, "live");
	assert_int_equal(w->last, TRACK_UP);
	connected(w);
	assert_int_equal(w->changes, 0);
	assert_int_equal(w->entry.losses, 0);
}

static void an_event_before_the_look_is_no_flap(void **state)
{
	struct world *w = *state;

	look(w, "new");
	connected(w);
	look(w, "live");
	assert_int_equal(w->last, TRACK_UP);
	look(w, "connecting");
	connected(w);
	look(w, "live");
	assert_int_equal(w->last, TRACK_BACK);
	connected(w);
	assert_int_equal(w->last, TRACK_FLAP);
}

static void says_why_it_is_gone(void **state)
{
	struct world *w = *state;

	look(w, "live");
	look(w, NULL);
	assert_int_equal(w->last, TRACK_GONE);
	assert_string_equal(w->entry.cause, "it was disconnected");
	assert_int_equal(w->track.count, 0);
	look(w, "live");
	look(w, "connecting");
	look(w, "deleting");
	look(w, NULL);
	assert_string_equal(w->entry.cause, "the kernel gave it up");
}

static void what_is_disconnected_is_not_said_to_be_back(void **state)
{
	struct world *w = *state;

	look(w, "live");
	look(w, "connecting");
	w->now += 1100;
	look(w, "live");
	assert_string_equal(w->entry.cause, "back after 1.1 s");
	look(w, "deleting");
	assert_int_equal(w->last, TRACK_STATE);
	assert_string_equal(w->entry.cause, "it is being disconnected");
}

static void sees_a_flap_by_the_kernels_event(void **state)
{
	struct world *w = *state;

	look(w, "live");
	connected(w);
	assert_int_equal(w->changes, 1);
	assert_int_equal(w->last, TRACK_FLAP);
	/* one that was seen is none */
	look(w, "connecting");
	look(w, "live");
	connected(w);
	assert_int_equal(w->changes, 0);
	connected(w);
	assert_int_equal(w->last, TRACK_FLAP);
}

static void sees_a_flap_by_the_kernels_counter(void **state)
{
	struct world *w = *state;

	w->c.reconnects = 3;
	look(w, "live");
	w->c.reconnects = 4;
	look(w, "live");
	assert_int_equal(w->last, TRACK_FLAP);
	assert_int_equal(w->entry.losses, 1);
	connected(w);
	assert_int_equal(w->changes, 0);
}

static void a_number_that_is_used_again_is_another_controller(void **state)
{
	struct world *w = *state;

	look(w, "live");
	strcpy(w->c.tid.nqn, "b");
	look(w, "live");
	assert_int_equal(w->changes, 2);
	assert_int_equal(w->last, TRACK_ADDED);
	assert_string_equal(w->entry.tid.nqn, "b");
	assert_int_equal(w->track.count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(measures_how_long_it_was_lost),
		TEST(a_first_connect_is_no_loss),
		TEST(an_event_before_the_look_is_no_flap),
		TEST(says_why_it_is_gone),
		TEST(what_is_disconnected_is_not_said_to_be_back),
		TEST(sees_a_flap_by_the_kernels_event),
		TEST(sees_a_flap_by_the_kernels_counter),
		TEST(a_number_that_is_used_again_is_another_controller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
