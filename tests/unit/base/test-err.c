/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void returns_the_code_and_keeps_the_text(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(err_set(&err, -ENOENT, "no %s number %d", "port", 7), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.text, "no port number 7");
}

static void puts_prefixes_before_each_other(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	err_set(&err, -EBUSY, "mounted on /home");
	err_prefix(&err, "%s: ", "/dev/sda");
	err_prefix(&err, "export %s: ", "blake14");
	assert_string_equal(err.text, "export blake14: /dev/sda: mounted on /home");
}

static void works_without_an_error_to_fill(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
	err_prefix(NULL, "x");
	assert_int_equal(err_nomem(NULL), -ENOMEM);
}

static void cuts_what_is_too_long(void **state)
{
	char text[2 * ERR_TEXT_MAX];
	struct err err = ERR_NULL;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, -EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	err_prefix(&err, "file: ");
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(err.text, "file: xxx", 9);
	err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

static void a_second_error_replaces_the_first(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	err_set(&err, -EIO, "a long first text");
	assert_int_equal(err_nomem(&err), -ENOMEM);
	assert_int_equal(err.code, -ENOMEM);
	assert_string_equal(err.text, "out of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_the_code_and_keeps_the_text),
		cmocka_unit_test(puts_prefixes_before_each_other),
		cmocka_unit_test(works_without_an_error_to_fill),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(a_second_error_replaces_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
