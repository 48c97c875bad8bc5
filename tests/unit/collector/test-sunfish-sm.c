/* SPDX-License-Identifier: BSD-3-Clause */
/* The state machine with a made-up server: what each of its answers leads to. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "collector/sunfish-sm.h"

#define UUID "3af1bbf0-5ca0-4701-a34b-7ac71e5b36ce"
#define OTHER "74e8bbf0-5ca0-4701-a34b-7ac71e5b36ce"
#define HEARTBEAT 30000
#define MIN 1000
#define MAX 60000

static int64_t now;

static struct sunfish_sm start(const char *uuid, bool off)
{
	const struct sunfish_sm_config config = { HEARTBEAT, MIN, MAX, 42 };
	struct sunfish_sm sm;

	now = 1000000;
	sunfish_sm_init(&sm, &config, uuid, off);
	return sm;
}

static void expect(struct sunfish_sm *sm, enum sunfish_act act)
{
	enum sunfish_act next;

	assert_true(sunfish_sm_next(sm, now, &next));
	assert_int_equal(next, act);
	/* never two at once */
	assert_false(sunfish_sm_next(sm, now, &next));
	assert_int_equal(sunfish_sm_next_ms(sm), INT64_MAX);
}

static void expect_nothing(struct sunfish_sm *sm)
{
	enum sunfish_act next;

	assert_false(sunfish_sm_next(sm, now, &next));
}

static void done(struct sunfish_sm *sm, int status)
{
	sunfish_sm_done(sm, now, &(struct sunfish_answer){ .status = status });
}

static void looked(struct sunfish_sm *sm, size_t missing, bool moved)
{
	sunfish_sm_done(
		sm, now,
		&(struct sunfish_answer){ .status = 200, .missing = missing, .moved = moved });
}

static void found(struct sunfish_sm *sm, const char *uuid, bool moved)
{
	sunfish_sm_done(sm, now,
			&(struct sunfish_answer){ .status = 200, .uuid = uuid, .moved = moved });
}

/* It waits, and then goes on. Returns: how long. */
static int64_t wait_for(struct sunfish_sm *sm)
{
	int64_t next = sunfish_sm_next_ms(sm);
	int64_t span = next - now;

	assert_true(next != INT64_MAX && span > 0);
	expect_nothing(sm);
	now = next;
	return span;
}

static void assert_state(const struct sunfish_sm *sm, const char *word)
{
	assert_string_equal(sunfish_state_word(sm->state), word);
}

static struct sunfish_sm up(void)
{
	struct sunfish_sm sm = start("", false);

	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	assert_true(sunfish_sm_told(&sm, now, UUID));
	done(&sm, 200);
	expect(&sm, SUNFISH_ACT_UPLOAD);
	done(&sm, 200);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, false);
	assert_state(&sm, "up");
	return sm;
}

static void registers_uploads_and_compares(void **state)
{
	struct sunfish_sm sm = up();

	(void)state;
	assert_string_equal(sm.uuid, UUID);
	assert_int_equal(sm.since_ms, now);
	assert_string_equal(sm.error, "");
	expect_nothing(&sm);
	assert_int_equal(wait_for(&sm), HEARTBEAT);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, false);
	assert_state(&sm, "up");
}

static void is_registered_once_it_was_told_whatever_the_answer_is(void **state)
{
	static const int answers[] = { 200, 409, 500, 400, 0, -ECONNRESET };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct sunfish_sm sm = start("", false);

		expect(&sm, SUNFISH_ACT_SEARCH);
		found(&sm, NULL, false);
		expect(&sm, SUNFISH_ACT_REGISTER);
		sunfish_sm_told(&sm, now, UUID);
		done(&sm, answers[i]);
		expect(&sm, SUNFISH_ACT_UPLOAD);
	}
}

static void looks_for_its_uuid_when_its_name_is_known_there(void **state)
{
	struct sunfish_sm sm = start("", false);

	(void)state;
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	done(&sm, 409);
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, UUID, false);
	assert_string_equal(sm.uuid, UUID);
	expect(&sm, SUNFISH_ACT_UPLOAD);
}

static void tries_a_refused_name_again_with_growing_random_pauses(void **state)
{
	struct sunfish_sm sm = start("", false);
	int64_t span = 0;
	int64_t spans[8];
	size_t i;

	(void)state;
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	done(&sm, 409);
	for (i = 0; i < 8; i++) {
		expect(&sm, SUNFISH_ACT_SEARCH);
		found(&sm, NULL, false);
		expect(&sm, SUNFISH_ACT_REGISTER);
		done(&sm, 409);
		span = spans[i] = wait_for(&sm);
	}
	assert_true(spans[3] > spans[0]);
	assert_true(span >= MAX / 2 && span <= MAX + 1);
	assert_true(spans[6] != spans[7]);
	assert_non_null(strstr(sm.error, "409"));
}

static void registers_again_after_a_500_without_having_been_told(void **state)
{
	struct sunfish_sm sm = start("", false);

	(void)state;
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	done(&sm, 500);
	assert_true(wait_for(&sm) >= MIN / 2);
	expect(&sm, SUNFISH_ACT_REGISTER);
}

static void looks_first_after_no_answer(void **state)
{
	struct sunfish_sm sm = start("", false);

	(void)state;
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	done(&sm, 0);
	wait_for(&sm);
	expect(&sm, SUNFISH_ACT_SEARCH);
}

static void waits_for_a_server_that_is_not_there(void **state)
{
	struct sunfish_sm sm = start("", false);
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		expect(&sm, SUNFISH_ACT_SEARCH);
		done(&sm, -ECONNREFUSED);
		wait_for(&sm);
	}
	assert_non_null(strstr(sm.error, "not reached"));
}

static void goes_on_with_the_uuid_it_kept(void **state)
{
	struct sunfish_sm sm = start(UUID, false);

	(void)state;
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 2, false);
	assert_state(&sm, "uploading");
	expect(&sm, SUNFISH_ACT_UPLOAD);
	done(&sm, 200);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, false);
	assert_state(&sm, "up");
}

static void uploads_again_what_was_not_taken_but_not_for_ever(void **state)
{
	struct sunfish_sm sm = start(UUID, false);
	size_t uploads = 0;

	(void)state;
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 1, false);
	while (sm.state != SUNFISH_UP && uploads < 10) {
		now = sm.next_ms > now ? sm.next_ms : now;
		expect(&sm, SUNFISH_ACT_UPLOAD);
		done(&sm, 200);
		uploads++;
		expect(&sm, SUNFISH_ACT_LOOK);
		looked(&sm, 1, false);
	}
	assert_int_equal(uploads, 3);
	assert_int_equal(sm.missing, 1);
	assert_non_null(strstr(sm.error, "not taken"));
}

static void looks_what_was_stored_after_a_500_of_an_upload(void **state)
{
	static const int answers[] = { 500, 0, -ETIMEDOUT };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct sunfish_sm sm = start(UUID, false);

		expect(&sm, SUNFISH_ACT_LOOK);
		looked(&sm, 9, false);
		expect(&sm, SUNFISH_ACT_UPLOAD);
		done(&sm, answers[i]);
		wait_for(&sm);
		expect(&sm, SUNFISH_ACT_LOOK);
		/* it goes on while it gets less */
		looked(&sm, 4, false);
		expect(&sm, SUNFISH_ACT_UPLOAD);
		done(&sm, answers[i]);
		wait_for(&sm);
		expect(&sm, SUNFISH_ACT_LOOK);
		looked(&sm, 4, false);
		wait_for(&sm);
		expect(&sm, SUNFISH_ACT_UPLOAD);
	}
}

static void registers_anew_when_the_server_was_reset(void **state)
{
	struct sunfish_sm sm = up();

	(void)state;
	wait_for(&sm);
	expect(&sm, SUNFISH_ACT_LOOK);
	done(&sm, 404);
	assert_string_equal(sm.uuid, "");
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	sunfish_sm_told(&sm, now, OTHER);
	done(&sm, 200);
	expect(&sm, SUNFISH_ACT_UPLOAD);
	assert_string_equal(sm.uuid, OTHER);
}

static void registers_anew_when_an_event_is_of_an_unknown_agent(void **state)
{
	struct sunfish_sm sm = up();

	(void)state;
	sunfish_sm_set_waiting(&sm, true);
	expect(&sm, SUNFISH_ACT_TELL);
	done(&sm, 400);
	wait_for(&sm);
	expect(&sm, SUNFISH_ACT_SEARCH);

	sm = start(UUID, false);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 5, false);
	expect(&sm, SUNFISH_ACT_UPLOAD);
	done(&sm, 400);
	wait_for(&sm);
	expect(&sm, SUNFISH_ACT_SEARCH);
}

/* Its ConnectionMethod is there and its AggregationSource is not: somebody took it away, or we
 * ended in the middle of a clean-up. */
static void makes_its_source_again_when_only_that_is_gone(void **state)
{
	struct sunfish_sm sm = start(UUID, false);

	(void)state;
	expect(&sm, SUNFISH_ACT_LOOK);
	done(&sm, 404);
	expect(&sm, SUNFISH_ACT_SEARCH);
	found(&sm, NULL, false);
	expect(&sm, SUNFISH_ACT_REGISTER);
	done(&sm, 409);
	expect(&sm, SUNFISH_ACT_RESTORE);
	assert_string_equal(sm.lost, UUID);
	done(&sm, 200);
	assert_string_equal(sm.uuid, UUID);
	expect(&sm, SUNFISH_ACT_UPLOAD);
}

static void waits_for_a_restarted_server_and_looks(void **state)
{
	struct sunfish_sm sm = up();
	size_t i;

	(void)state;
	wait_for(&sm);
	for (i = 0; i < 3; i++) {
		expect(&sm, SUNFISH_ACT_LOOK);
		done(&sm, -ECONNREFUSED);
		wait_for(&sm);
	}
	sunfish_sm_set_waiting(&sm, true);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, false);
	assert_string_equal(sm.uuid, UUID);
	expect(&sm, SUNFISH_ACT_TELL);
	assert_string_equal(sm.error, "");
}

static void tells_a_new_address(void **state)
{
	struct sunfish_sm sm = start(UUID, false);

	(void)state;
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, true);
	expect(&sm, SUNFISH_ACT_MOVE);
	done(&sm, 200);
	expect_nothing(&sm);
	assert_state(&sm, "up");
}

static void does_not_repeat_an_event_without_an_answer_but_looks(void **state)
{
	struct sunfish_sm sm = up();

	(void)state;
	sunfish_sm_set_waiting(&sm, true);
	expect(&sm, SUNFISH_ACT_TELL);
	sunfish_sm_set_waiting(&sm, false);
	done(&sm, 0);
	wait_for(&sm);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, false);
	assert_state(&sm, "up");
	expect_nothing(&sm);
}

static void signs_off_and_stays_away_until_it_is_asked(void **state)
{
	struct sunfish_sm sm = up();

	(void)state;
	assert_true(sunfish_sm_leave(&sm, now));
	assert_false(sunfish_sm_leave(&sm, now));
	expect(&sm, SUNFISH_ACT_LEAVE);
	done(&sm, 500);
	wait_for(&sm);
	expect(&sm, SUNFISH_ACT_LEAVE);
	done(&sm, 200);
	assert_state(&sm, "off");
	assert_string_equal(sm.uuid, "");
	assert_int_equal(sunfish_sm_next_ms(&sm), INT64_MAX);
	assert_false(sunfish_sm_told(&sm, now, UUID));
	expect_nothing(&sm);
	sm = start("", true);
	expect_nothing(&sm);
	assert_true(sunfish_sm_join(&sm, now));
	expect(&sm, SUNFISH_ACT_SEARCH);
}

static void tidies_only_when_it_is_asked_and_looks_afterwards(void **state)
{
	struct sunfish_sm sm = up();

	(void)state;
	assert_true(sunfish_sm_tidy(&sm, now));
	expect(&sm, SUNFISH_ACT_TIDY);
	done(&sm, 200);
	expect(&sm, SUNFISH_ACT_LOOK);
	looked(&sm, 0, false);
	expect_nothing(&sm);
	sm = start("", false);
	assert_false(sunfish_sm_tidy(&sm, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_uploads_and_compares),
		cmocka_unit_test(is_registered_once_it_was_told_whatever_the_answer_is),
		cmocka_unit_test(looks_for_its_uuid_when_its_name_is_known_there),
		cmocka_unit_test(tries_a_refused_name_again_with_growing_random_pauses),
		cmocka_unit_test(registers_again_after_a_500_without_having_been_told),
		cmocka_unit_test(looks_first_after_no_answer),
		cmocka_unit_test(waits_for_a_server_that_is_not_there),
		cmocka_unit_test(goes_on_with_the_uuid_it_kept),
		cmocka_unit_test(uploads_again_what_was_not_taken_but_not_for_ever),
		cmocka_unit_test(looks_what_was_stored_after_a_500_of_an_upload),
		cmocka_unit_test(registers_anew_when_the_server_was_reset),
		cmocka_unit_test(registers_anew_when_an_event_is_of_an_unknown_agent),
		cmocka_unit_test(makes_its_source_again_when_only_that_is_gone),
		cmocka_unit_test(waits_for_a_restarted_server_and_looks),
		cmocka_unit_test(tells_a_new_address),
		cmocka_unit_test(does_not_repeat_an_event_without_an_answer_but_looks),
		cmocka_unit_test(signs_off_and_stays_away_until_it_is_asked),
		cmocka_unit_test(tidies_only_when_it_is_asked_and_looks_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
