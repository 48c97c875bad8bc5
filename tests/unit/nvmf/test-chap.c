/* SPDX-License-Identifier: BSD-3-Clause */
/* Both sides of DH-HMAC-CHAP against each other; that stock hosts agree is seen in guests. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "nvmf/chap.h"

#define HOST "nqn.2024-01.example:host"
#define SUB "nqn.2024-01.example:dc"
/* bytes 0, 1, 2 .. and 100, 101, 102 .. */
#define KEY1 "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:"
#define KEY2 "DHHC-1:00:ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOeXryU:"

struct pair {
	struct chap *host, *controller;
	uint8_t message[CHAP_MESSAGE_MAX];
	size_t length;
};

static void pair_new(struct pair *pair, const char *host_has, const char *controller_has,
		     const char *host_knows, const char *controller_own)
{
	struct chap_params params = { true, HOST, SUB, host_has, host_knows };
	struct err err = ERR_NULL;

	memset(pair, 0, sizeof(*pair));
	if (chap_new(&params, &pair->host, &err) < 0)
		fail_msg("%s", err.text);
	params = (struct chap_params){ false, HOST, SUB, controller_has, controller_own };
	if (chap_new(&params, &pair->controller, &err) < 0)
		fail_msg("%s", err.text);
}

static void pair_free(struct pair *pair)
{
	chap_free(pair->host);
	chap_free(pair->controller);
}

/* One message. Returns: as chap_take. */
static int step(struct pair *pair)
{
	const bool from_host = chap_next(pair->host) == CHAP_GIVE;
	struct err err = ERR_NULL;

	pair->length = chap_give(from_host ? pair->host : pair->controller, pair->message);
	assert_true(pair->length > 0);
	return chap_take(from_host ? pair->controller : pair->host, pair->message, pair->length,
			 &err);
}

static void run(struct pair *pair)
{
	int i;

	for (i = 0; i < 8; i++) {
		if (chap_next(pair->host) != CHAP_GIVE && chap_next(pair->controller) != CHAP_GIVE)
			return;
		if (step(pair) < 0)
			return;
	}
	fail_msg("it never ends");
}

static void who_has_the_key_is_proved(void **state)
{
	struct pair pair;

	(void)state;
	pair_new(&pair, KEY1, KEY1, NULL, NULL);
	assert_false(chap_is_proved(pair.controller));
	run(&pair);
	assert_true(chap_is_proved(pair.controller));
	assert_int_equal(chap_next(pair.controller), CHAP_DONE);
	assert_int_equal(chap_next(pair.host), CHAP_DONE);
	assert_false(chap_is_proved(pair.host));
	pair_free(&pair);
}

static void who_has_another_key_is_not_and_is_told(void **state)
{
	struct pair pair;

	(void)state;
	pair_new(&pair, KEY2, KEY1, NULL, NULL);
	run(&pair);
	assert_false(chap_is_proved(pair.controller));
	assert_int_equal(chap_next(pair.controller), CHAP_OVER);
	assert_int_equal(chap_next(pair.host), CHAP_OVER);
	assert_string_equal(chap_why(pair.controller), "its key is another one");
	assert_string_equal(chap_why(pair.host), "the peer says: authentication failed");
	pair_free(&pair);
}

static void both_sides_are_proved_if_the_host_wants_it(void **state)
{
	struct pair pair;

	(void)state;
	pair_new(&pair, KEY1, KEY1, KEY2, KEY2);
	run(&pair);
	assert_true(chap_is_proved(pair.controller));
	assert_true(chap_is_proved(pair.host));
	assert_int_equal(chap_next(pair.controller), CHAP_DONE);
	pair_free(&pair);
	/* a controller that has another key */
	pair_new(&pair, KEY1, KEY1, KEY2, KEY1);
	run(&pair);
	assert_false(chap_is_proved(pair.host));
	assert_int_equal(chap_next(pair.host), CHAP_OVER);
	pair_free(&pair);
	/* or none */
	pair_new(&pair, KEY1, KEY1, KEY2, NULL);
	run(&pair);
	assert_false(chap_is_proved(pair.controller));
	assert_int_equal(chap_next(pair.controller), CHAP_OVER);
	pair_free(&pair);
}

static void each_bit_of_a_reply_counts(void **state)
{
	static const size_t places[] = { 0, 1, 4, 6, 10, 16, 47, 80, 335 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct pair pair;

		pair_new(&pair, KEY1, KEY1, NULL, NULL);
		step(&pair);
		step(&pair);
		pair.length = chap_give(pair.host, pair.message);
		assert_int_equal(pair.length, 16 + 64 + 256);
		pair.message[places[i]] ^= 1;
		chap_take(pair.controller, pair.message, pair.length, NULL);
		assert_false(chap_is_proved(pair.controller));
		assert_int_equal(chap_next(pair.controller), CHAP_GIVE);
		assert_int_equal(chap_give(pair.controller, pair.message), 8);
		assert_int_equal(pair.message[1], 0xf1);
		assert_int_equal(chap_next(pair.controller), CHAP_OVER);
		pair_free(&pair);
	}
}

static void a_reply_that_was_heard_before_proves_nothing(void **state)
{
	uint8_t heard[CHAP_MESSAGE_MAX];
	struct pair pair;
	struct pair other;
	size_t length;

	(void)state;
	pair_new(&pair, KEY1, KEY1, NULL, NULL);
	step(&pair);
	step(&pair);
	length = chap_give(pair.host, heard);
	pair_new(&other, KEY1, KEY1, NULL, NULL);
	step(&other);
	step(&other);
	memcpy(heard + 4, other.message + 4, 2); /* its transaction */
	chap_take(other.controller, heard, length, NULL);
	assert_false(chap_is_proved(other.controller));
	pair_free(&pair);
	pair_free(&other);
}

static void values_that_anybody_knows_are_refused(void **state)
{
	static const uint8_t last[] = { 0, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(last); i++) {
		struct pair pair;

		pair_new(&pair, KEY1, KEY1, NULL, NULL);
		step(&pair);
		step(&pair);
		pair.length = chap_give(pair.host, pair.message);
		memset(pair.message + 16 + 64, 0, 256);
		pair.message[16 + 64 + 255] = last[i];
		chap_take(pair.controller, pair.message, pair.length, NULL);
		assert_string_equal(chap_why(pair.controller),
				    "it sent a Diffie-Hellman value that is not safe");
		assert_false(chap_is_proved(pair.controller));
		pair_free(&pair);
	}
}

static void nothing_is_taken_out_of_turn(void **state)
{
	uint8_t success2[16] = { 1, 4 };
	struct pair pair;

	(void)state;
	pair_new(&pair, KEY1, KEY1, NULL, NULL);
	chap_take(pair.controller, success2, sizeof(success2), NULL);
	assert_int_equal(chap_next(pair.controller), CHAP_GIVE);
	assert_int_equal(chap_take(pair.controller, success2, 16, NULL), -EPROTO);
	assert_false(chap_is_proved(pair.controller));
	pair_free(&pair);
}

static void what_is_offered_is_chosen_from(void **state)
{
	struct pair pair;

	(void)state;
	pair_new(&pair, KEY1, KEY1, NULL, NULL);
	pair.length = chap_give(pair.host, pair.message);
	/* SHA-512 alone, no group */
	pair.message[8 + 2] = 1;
	pair.message[8 + 3] = 1;
	pair.message[8 + 4] = 3;
	pair.message[8 + 34] = 0;
	assert_int_equal(chap_take(pair.controller, pair.message, pair.length, NULL), 0);
	run(&pair);
	assert_true(chap_is_proved(pair.controller));
	pair_free(&pair);
	pair_new(&pair, KEY1, KEY1, NULL, NULL);
	pair.length = chap_give(pair.host, pair.message);
	pair.message[8 + 3] = 0;
	assert_int_equal(chap_take(pair.controller, pair.message, pair.length, NULL), 0);
	run(&pair);
	assert_false(chap_is_proved(pair.controller));
	assert_string_equal(chap_why(pair.host),
			    "the peer says: no Diffie-Hellman group is usable");
	pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_the_key_is_proved),
		cmocka_unit_test(who_has_another_key_is_not_and_is_told),
		cmocka_unit_test(both_sides_are_proved_if_the_host_wants_it),
		cmocka_unit_test(each_bit_of_a_reply_counts),
		cmocka_unit_test(a_reply_that_was_heard_before_proves_nothing),
		cmocka_unit_test(values_that_anybody_knows_are_refused),
		cmocka_unit_test(nothing_is_taken_out_of_turn),
		cmocka_unit_test(what_is_offered_is_chosen_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
