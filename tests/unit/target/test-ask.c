/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/ask.h"

static int parse(const char *text, struct js **js, struct ask *ret, struct err *err)
{
	assert_int_equal(js_parse(text, strlen(text), js, NULL), 0);
	return ask_parse(*js, ret, err);
}

static void expect_refused(const char *text, int code, const char *word)
{
	CLEANUP_JS struct js *js = NULL;
	struct ask request;
	struct err err = ERR_NULL;

	assert_int_equal(parse(text, &js, &request, &err), code);
	assert_non_null(strstr(err.text, word));
}

static void words_arrive_as_they_were(void **state)
{
	char *words[] = { (char *)"create", (char *)"blake 14", (char *)"--model", (char *)"\"\\\n",
			  (char *)"" };
	CLEANUP_FREE char *text = ask_format(ASK_VERB, 5, words, "/root");
	CLEANUP_JS struct js *js = NULL;
	struct ask request;
	size_t i;

	(void)state;
	assert_non_null(text);
	assert_int_equal(parse(text, &js, &request, NULL), 0);
	assert_int_equal(request.kind, ASK_VERB);
	assert_string_equal(request.directory, "/root");
	assert_int_equal(js_length(request.words), 5);
	for (i = 0; i < 5; i++)
		assert_string_equal(js_text(js_at(request.words, i)), words[i]);
}

static void words_that_json_cannot_hold_are_not_sent(void **state)
{
	char *words[] = { (char *)"show", (char *)"\xff\xfe" };

	(void)state;
	assert_null(ask_format(ASK_VERB, 2, words, "/"));
	assert_null(ask_format(ASK_VERB, 1, words, "/\xff"));
}

static void other_requests_have_no_words(void **state)
{
	CLEANUP_FREE char *text = ask_format(ASK_STATUS, 0, NULL, NULL);
	CLEANUP_JS struct js *js = NULL;
	struct ask request;

	(void)state;
	assert_int_equal(parse(text, &js, &request, NULL), 0);
	assert_int_equal(request.kind, ASK_STATUS);
}

static void refuses_what_is_no_request(void **state)
{
	(void)state;
	expect_refused("[]", -EINVAL, "object");
	expect_refused("{\"version\":1}", -EINVAL, "no request");
	expect_refused("{\"version\":1,\"request\":\"frob\"}", -EINVAL, "frob");
}

static void refuses_another_version_with_the_cure(void **state)
{
	(void)state;
	expect_refused("{\"version\":2,\"request\":\"status\"}", -EPROTONOSUPPORT, "restart");
}

static void refuses_a_verb_without_words_or_directory(void **state)
{
	(void)state;
	expect_refused("{\"version\":1,\"request\":\"verb\"}", -EINVAL, "words");
	expect_refused("{\"version\":1,\"request\":\"verb\",\"words\":[]}", -EINVAL, "words");
	expect_refused("{\"version\":1,\"request\":\"verb\",\"words\":{\"a\":1}}", -EINVAL,
		       "words");
	expect_refused("{\"version\":1,\"request\":\"verb\",\"words\":[1],\"directory\":\"/\"}",
		       -EINVAL, "words");
	expect_refused("{\"version\":1,\"request\":\"verb\",\"words\":[\"a\"]}", -EINVAL,
		       "directory");
	expect_refused("{\"version\":1,\"request\":\"verb\",\"words\":[\"a\"],"
		       "\"directory\":\"tmp\"}",
		       -EINVAL, "directory");
}

static void refuses_more_words_than_a_command_has(void **state)
{
	CLEANUP_JS struct js *js = js_object();
	struct js *words = js_array();
	struct ask request;
	int i;

	(void)state;
	for (i = 0; i <= ASK_WORDS_MAX; i++)
		js_append(words, js_string("x"));
	js_set(js, "version", js_int(ASK_VERSION));
	js_set(js, "request", js_string("verb"));
	js_set(js, "words", words);
	js_set(js, "directory", js_string("/"));
	assert_int_equal(ask_parse(js, &request, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_arrive_as_they_were),
		cmocka_unit_test(words_that_json_cannot_hold_are_not_sent),
		cmocka_unit_test(other_requests_have_no_words),
		cmocka_unit_test(refuses_what_is_no_request),
		cmocka_unit_test(refuses_another_version_with_the_cure),
		cmocka_unit_test(refuses_a_verb_without_words_or_directory),
		cmocka_unit_test(refuses_more_words_than_a_command_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
