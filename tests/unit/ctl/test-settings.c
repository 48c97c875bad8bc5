/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "ctl/settings.h"

static int parse(struct settings *settings, const char *text, struct err *err)
{
	settings_init(settings, "/var/lib/sunfish");
	return settings_parse(settings, text, strlen(text), "test.conf", err);
}

static void without_a_file_it_is_this_machine(void **state)
{
	struct settings settings;
	struct err err = ERR_NULL;

	(void)state;
	settings_init(&settings, "/var/lib/sunfish");
	assert_int_equal(settings_load(&settings, AT_FDCWD, "/nonexistent/x.conf", &err), 0);
	assert_string_equal(settings.url, SETTINGS_URL);
	assert_string_equal(settings.token_file, "/var/lib/sunfish/collector/admin.token");
	assert_string_equal(settings.ca_file, "");
}

static void a_file_says_otherwise(void **state)
{
	struct settings settings;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(parse(&settings,
			       "url = \"https://head:8443//\";\nca_file = \"/a\";\n"
			       "token_file = \"/b\";\n",
			       &err),
			 0);
	assert_string_equal(settings.url, "https://head:8443");
	assert_string_equal(settings.ca_file, "/a");
	assert_string_equal(settings.token_file, "/b");
}

static void says_file_line_and_key_of_what_is_wrong(void **state)
{
	struct settings settings;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(parse(&settings, "ca_file = \"/a\";\nurl = \"head\";\n", &err), -EINVAL);
	assert_non_null(strstr(err.text, "test.conf:2: url"));
	/* nothing of a wrong file counts */
	assert_string_equal(settings.ca_file, "");
	assert_int_equal(parse(&settings, "urll = \"http://a\";\n", &err), -EINVAL);
	assert_non_null(strstr(err.text, "test.conf:1: unknown key \"urll\""));
	assert_int_equal(parse(&settings, "url = 5;\n", &err), -EINVAL);
}

static void refuses_urls_that_are_none(void **state)
{
	static const char *const urls[] = { "",
					    "head:8443",
					    "ftp://head",
					    "http://a b",
					    "http://a\nb",
					    "http://u:p@head",
					    "https://a?x=1" };
	struct settings settings;
	size_t i;

	(void)state;
	settings_init(&settings, "/s");
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_int_equal(settings_set(&settings, urls[i], NULL, NULL, NULL), -EINVAL);
	assert_string_equal(settings.url, SETTINGS_URL);
}

/* A token's file of that text and mode; its code, and the token in @token. */
static int token_of(const char *text, mode_t mode, char token[SETTINGS_TOKEN_MAX], struct err *err)
{
	struct settings settings;
	char path[] = "/tmp/sunfish-test-XXXXXX";
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	settings_init(&settings, "/s");
	settings_set(&settings, NULL, NULL, path, NULL);
	r = settings_token(&settings, token, err);
	unlink(path);
	return r;
}

static void reads_a_token_that_is_private(void **state)
{
	char token[SETTINGS_TOKEN_MAX];
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(token_of("abc123\n", 0600, token, &err), 0);
	assert_string_equal(token, "abc123");
}

static void refuses_a_token_that_others_can_read(void **state)
{
	char token[SETTINGS_TOKEN_MAX];
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(token_of("abc123\n", 0644, token, &err), -EACCES);
	assert_non_null(strstr(err.text, "chmod 600"));
	assert_string_equal(token, "");
}

static void refuses_a_file_without_a_token(void **state)
{
	char token[SETTINGS_TOKEN_MAX];
	char long_one[SETTINGS_TOKEN_MAX + 10];

	(void)state;
	memset(long_one, 'a', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	assert_int_equal(token_of("", 0600, token, NULL), -EINVAL);
	assert_int_equal(token_of("two words\n", 0600, token, NULL), -EINVAL);
	assert_int_equal(token_of("a\nb\n", 0600, token, NULL), -EINVAL);
	assert_int_equal(token_of(long_one, 0600, token, NULL), -EOVERFLOW);
}

static void only_the_default_file_may_be_missing(void **state)
{
	struct settings settings;
	char token[SETTINGS_TOKEN_MAX] = "x";
	struct err err = ERR_NULL;

	(void)state;
	settings_init(&settings, "/nonexistent");
	assert_int_equal(settings_token(&settings, token, &err), 0);
	assert_string_equal(token, "");
	settings_set(&settings, NULL, NULL, "/nonexistent/token", NULL);
	assert_int_equal(settings_token(&settings, token, &err), -ENOENT);
	assert_non_null(strstr(err.text, "there is no token in /nonexistent/token: put"));
}

static void the_sample_shows_the_defaults(void **state)
{
	struct settings defaults;
	struct settings settings;
	char *text = NULL;
	char *at;

	(void)state;
	settings_init(&defaults, "/var/lib/sunfish");
	assert_int_equal(fs_read_file(AT_FDCWD, "conf/sunfishctl.conf", 1 << 20, &text, NULL), 0);
	for (at = text; (at = strstr(at, "\n#")); at++)
		if (at[2] != ' ' && at[2] != '\n')
			at[1] = ' ';
	assert_non_null(strstr(text, "\n url = "));
	assert_int_equal(parse(&settings, text, NULL), 0);
	assert_string_equal(settings.url, defaults.url);
	assert_string_equal(settings.ca_file, defaults.ca_file);
	assert_string_equal(settings.token_file, defaults.token_file);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_it_is_this_machine),
		cmocka_unit_test(a_file_says_otherwise),
		cmocka_unit_test(says_file_line_and_key_of_what_is_wrong),
		cmocka_unit_test(refuses_urls_that_are_none),
		cmocka_unit_test(reads_a_token_that_is_private),
		cmocka_unit_test(refuses_a_token_that_others_can_read),
		cmocka_unit_test(refuses_a_file_without_a_token),
		cmocka_unit_test(only_the_default_file_may_be_missing),
		cmocka_unit_test(the_sample_shows_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
