/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-message.h"
#include "redfish/rf-problem.h"

static void has(const struct rf_problems *problems, const char *part)
{
	CLEANUP_JS struct js *body = rf_problems_body(problems);
	CLEANUP_FREE char *text = js_format(body, JS_COMPACT);

	if (!strstr(text, part))
		fail_msg("%s has no %s", text, part);
}

static void one_problem_is_the_error_itself(void **state)
{
	CLEANUP_RF_PROBLEMS struct rf_problems problems = RF_PROBLEMS_NULL;

	(void)state;
	assert_int_equal(
		rf_problem_property(&problems, "PropertyValueNotInList", "Protocol", "FTP", NULL),
		-EBADMSG);
	assert_int_equal(problems.status, 400);
	has(&problems, "\"code\":\"Base.1.19.PropertyValueNotInList\"");
	has(&problems, "\"MessageArgs\":[\"FTP\",\"Protocol\"]");
	has(&problems, "\"RelatedProperties\":[\"#/Protocol\"]");
	has(&problems, "The value 'FTP' is none of those of the property Protocol.");
}

static void several_are_a_general_error(void **state)
{
	CLEANUP_RF_PROBLEMS struct rf_problems problems = RF_PROBLEMS_NULL;

	(void)state;
	rf_problem_property(&problems, "PropertyValueIncorrect", "Port", "0", "take another");
	rf_problem_property(&problems, "PropertyUnknown", "X", NULL, NULL);
	has(&problems, "\"code\":\"Base.1.19.GeneralError\"");
	has(&problems, "\"MessageArgs\":[\"Port\",\"0\"]");
	has(&problems, "\"Resolution\":\"take another\"");
}

static void an_errno_has_its_status_and_its_words(void **state)
{
	CLEANUP_RF_PROBLEMS struct rf_problems problems = RF_PROBLEMS_NULL;
	struct err err;

	(void)state;
	err_set(&err, -EBUSY, "blake14: a host uses it");
	rf_problem_errno(&problems, &err);
	assert_int_equal(problems.status, 409);
	has(&problems, "a host uses it");
}

static void each_message_says_all_its_arguments(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < rf_message_count(); i++) {
		static const char *const args[] = { "<1>", "<2>", "<3>", "<4>" };
		const struct rf_message *message = rf_message_at(i);
		CLEANUP_JS struct js *js = rf_message_js(message, args, NULL);
		const char *text = js_text(js_get(js, "Message"));
		unsigned int n;

		for (n = 0; n < message->n_args; n++)
			if (!strstr(text, args[n]))
				fail_msg("%s: %s", message->key, text);
		assert_null(strchr(text, '%'));
		assert_int_equal(js_length(js_get(js, "MessageArgs")), message->n_args);
	}
}

static void a_message_is_found_by_key_and_registry(void **state)
{
	(void)state;
	assert_string_equal(rf_message_find("Created")->registry, "Base.1.19");
	assert_string_equal(rf_message_find("ResourceEvent.ResourceCreated")->key,
			    "ResourceCreated");
	assert_null(rf_message_find("ResourceCreated"));
	assert_null(rf_message_find("Nothing.Created"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_problem_is_the_error_itself),
		cmocka_unit_test(several_are_a_general_error),
		cmocka_unit_test(an_errno_has_its_status_and_its_words),
		cmocka_unit_test(each_message_says_all_its_arguments),
		cmocka_unit_test(a_message_is_found_by_key_and_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
