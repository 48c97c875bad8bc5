/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "nvmf/dhchap.h"

/* Keys made for these tests alone, with Python's zlib and base64. */
#define KEY_32 "DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZR:"

static const char *const good_keys[] = {
	KEY_32,
	"DHHC-1:00:ICcuNTxDSlFYX2ZtdHuCiZCXnqWss7rByM/W3eTr8vmMpzdS:",
	"DHHC-1:00:MDc+RUxTWmFob3Z9hIuSmaCnrrW8w8rR2N/m7fT7AgkQFx4lLDM6QUhPVl1ka3J51wkKvA==:",
	"DHHC-1:00:QEdOVVxjanF4f4aNlJuiqbC3vsXM09rh6O/2/QQLEhkgJy41PENKUVhfZm10e4KJkJeepayzusHIz9bd"
	"5Ovy+eQYloY=:",
	"DHHC-1:02:bnV8g4qRmJ+mrbS7wsnQ197l7PP6AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3p8ZXKA==:",
	"DHHC-1:03:naSrsrnAx87V3OPq8fj/Bg0UGyIpMDc+RUxTWmFob3Z9hIuSmaCnrrW8w8rR2N/m7fT7AgkQFx4lLDM6"
	"QUhPVltnNKY=:",
};

static void assert_refused(const char *key, const char *because)
{
	struct err err = ERR_NULL;

	assert_int_equal(dhchap_check(key, &err), -EINVAL);
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
	/* nothing of the key may be in a message */
	assert_null(strstr(err.text, "P0ZN"));
}

static void accepts_keys_of_each_kind(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good_keys) / sizeof(good_keys[0]); i++) {
		struct err err = ERR_NULL;

		if (dhchap_check(good_keys[i], &err) != 0)
			fail_msg("%s: %s", good_keys[i], err.text);
	}
}

static void refuses_what_does_not_begin_like_a_key(void **state)
{
	(void)state;
	assert_refused("", "begins with \"DHHC-1:\"");
	assert_refused("P0ZNVFti", "begins with \"DHHC-1:\"");
	assert_refused("DHHC-1:", "00:, 01:, 02: or 03:");
	assert_refused("DHHC-1:04:P0ZNVFti:", "00:, 01:, 02: or 03:");
	assert_refused("DHHC-1:1:P0ZNVFti:", "00:, 01:, 02: or 03:");
	assert_refused("NVMeTLSkey-1:01:P0ZN:", "begins with \"DHHC-1:\"");
}

static void refuses_a_length_that_does_not_suit_the_hash(void **state)
{
	(void)state;
	assert_refused("DHHC-1:02:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZR:", "damaged");
	assert_refused("DHHC-1:03:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZR:", "damaged");
	assert_refused("DHHC-1:01:P0ZN:", "right number of bytes");
	assert_refused("DHHC-1:01::", "damaged");
}

static void refuses_a_key_that_was_copied_wrongly(void **state)
{
	(void)state;
	/* one character changed, the CRC big endian, the end missing, blanks, a stray '=' */
	assert_refused("DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZS:", "checksum");
	assert_refused("DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhRFiRX:", "checksum");
	assert_refused("DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZR", "ends with");
	assert_refused("DHHC-1:01:", "ends with");
	assert_refused("DHHC-1:01:P0ZNVFtiaXB3foWMk5qh K+2vcTL0tng5+71/AMKERhXJBZR:", "damaged");
	assert_refused("DHHC-1:01:P0ZNVFtiaXB3foWMk5qh=K+2vcTL0tng5+71/AMKERhXJBZR:", "damaged");
	assert_refused(
		"DHHC-1:02:bnV8g4qRmJ+mrbS7wsnQ197l7PP6AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3p8ZXKB==:",
		"damaged");
}

struct fixture {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	static struct fixture fixture;

	snprintf(fixture.path, sizeof(fixture.path), "/tmp/test-dhchap-XXXXXX");
	assert_non_null(mkdtemp(fixture.path));
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture.fd >= 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlinkat(fixture->fd, "key", 0);
	unlinkat(fixture->fd, "key", AT_REMOVEDIR);
	close(fixture->fd);
	return rmdir(fixture->path);
}

static void write_key(const struct fixture *fixture, const char *text, mode_t mode)
{
	assert_int_equal(fs_replace_file(fixture->fd, "key", text, strlen(text), mode), 0);
}

static void reads_the_first_line_of_a_file(void **state)
{
	static const char *const texts[] = { KEY_32, KEY_32 "\n", KEY_32 "\r\n",
					     KEY_32 "\nmore\n" };
	char key[DHCHAP_KEY_MAX];
	size_t i;

	for (i = 0; i < 4; i++) {
		write_key(*state, texts[i], 0600);
		assert_int_equal(dhchap_read_file(((struct fixture *)*state)->fd, "key", key, NULL),
				 0);
		assert_string_equal(key, KEY_32);
	}
}

static void assert_file_refused(const struct fixture *fixture, int code, const char *because)
{
	char key[DHCHAP_KEY_MAX] = "untouched";
	struct err err = ERR_NULL;

	assert_int_equal(dhchap_read_file(fixture->fd, "key", key, &err), code);
	assert_string_equal(key, "untouched");
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
	assert_null(strstr(err.text, "P0ZN"));
}

static void refuses_a_file_that_others_can_read(void **state)
{
	write_key(*state, KEY_32, 0640);
	assert_file_refused(*state, -EPERM, "key has mode 0640");
	assert_file_refused(*state, -EPERM, "chmod 0600 key");
	write_key(*state, KEY_32, 0604);
	assert_file_refused(*state, -EPERM, "chmod 0600 key");
	write_key(*state, KEY_32, 0620);
	assert_file_refused(*state, -EPERM, "chmod 0600 key");
}

static void refuses_a_file_of_another_user(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, KEY_32, 0600);
	if (fchownat(fixture->fd, "key", 12345, 0, 0) < 0)
		skip(); /* only root can give a file away */
	assert_file_refused(fixture, -EPERM, "belongs to user 12345");
}

static void refuses_a_file_without_a_key(void **state)
{
	char large[4096];

	write_key(*state, "", 0600);
	assert_file_refused(*state, -EINVAL, "key: the first line is empty");
	write_key(*state, "\n" KEY_32, 0600);
	assert_file_refused(*state, -EINVAL, "first line is empty");
	write_key(*state, "P0ZN secret", 0600);
	assert_file_refused(*state, -EINVAL, "key: this is no DH-HMAC-CHAP key");
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	memcpy(large, "DHHC-1:01:", 10);
	write_key(*state, large, 0600);
	assert_file_refused(*state, -EINVAL, "ends with \":\"");
}

static void refuses_what_is_no_regular_file(void **state)
{
	struct fixture *fixture = *state;

	assert_file_refused(fixture, -ENOENT, "No such file");
	assert_int_equal(mkdirat(fixture->fd, "key", 0700), 0);
	assert_file_refused(fixture, -EINVAL, "must be a regular file");
	assert_int_equal(unlinkat(fixture->fd, "key", AT_REMOVEDIR), 0);
	assert_int_equal(mkfifoat(fixture->fd, "key", 0600), 0);
	assert_file_refused(fixture, -EINVAL, "must be a regular file");
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_keys_of_each_kind),
		cmocka_unit_test(refuses_what_does_not_begin_like_a_key),
		cmocka_unit_test(refuses_a_length_that_does_not_suit_the_hash),
		cmocka_unit_test(refuses_a_key_that_was_copied_wrongly),
		WITH_FILES(reads_the_first_line_of_a_file),
		WITH_FILES(refuses_a_file_that_others_can_read),
		WITH_FILES(refuses_a_file_of_another_user),
		WITH_FILES(refuses_a_file_without_a_key),
		WITH_FILES(refuses_what_is_no_regular_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
