/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "core/digest.h"
#include "core/password.h"

static void a_password_is_known_by_its_hash_and_no_other_is(void **state)
{
	char hash[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_hash("correct horse", hash), 0);
	assert_int_equal(strncmp(hash, "$y$", 3), 0);
	assert_null(strstr(hash, "horse"));
	assert_true(password_is("correct horse", hash));
	assert_false(password_is("correct horsf", hash));
	assert_false(password_is("", hash));
}

static void two_hashes_of_one_password_differ(void **state)
{
	char a[PASSWORD_HASH_MAX];
	char b[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_hash("correct horse", a), 0);
	assert_int_equal(password_hash("correct horse", b), 0);
	assert_string_not_equal(a, b);
}

static void nobodys_hash_is_no_password_but_is_hashed(void **state)
{
	char hash[PASSWORD_HASH_MAX];
	char again[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_nobody(hash), 0);
	assert_false(password_is("", hash));
	assert_false(password_is("x", hash));
	assert_int_equal(password_nobody(again), 0);
	assert_string_not_equal(hash, again);
}

static void what_is_no_hash_lets_nobody_in(void **state)
{
	(void)state;
	assert_false(password_is("", ""));
	assert_false(password_is("*0", "*0"));
	assert_false(password_is("x", "x"));
	assert_false(password_is("x", "$y$"));
}

/* RFC 4231, test case 2 */
static void a_mac_is_hmac_sha256(void **state)
{
	static const unsigned char expected[4] = { 0x5b, 0xdc, 0xc1, 0x46 };
	unsigned char mac[DIGEST_BYTES];

	(void)state;
	assert_int_equal(digest_mac("Jefe", 4, "what do ya want for nothing?", 28, mac), 0);
	assert_memory_equal(mac, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_is_known_by_its_hash_and_no_other_is),
		cmocka_unit_test(two_hashes_of_one_password_differ),
		cmocka_unit_test(nobodys_hash_is_no_password_but_is_hashed),
		cmocka_unit_test(what_is_no_hash_lets_nobody_in),
		cmocka_unit_test(a_mac_is_hmac_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
