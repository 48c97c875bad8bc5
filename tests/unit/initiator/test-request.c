/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "initiator/request.h"

static int decode(const char *text, struct request *request, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;

	assert_int_equal(js_parse(text, strlen(text), &js, NULL), 0);
	return request_decode(js, request, err);
}

static void assert_refused(const char *text, const char *because)
{
	struct request request = { .kind = REQUEST_WATCH, .force = true };
	struct err err = ERR_NULL;

	assert_int_equal(decode(text, &request, &err), -EINVAL);
	assert_true(request.force);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

/* Encoded, written, read and decoded again it is the same. */
static struct request again(const struct request *request)
{
	CLEANUP_JS struct js *js = request_encode(request);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	struct err err = ERR_NULL;
	struct request back;

	assert_non_null(text);
	if (decode(text, &back, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(back.kind, request->kind);
	return back;
}

static void a_connect_comes_back(void **state)
{
	struct request request = REQUEST_NULL;
	struct request back;

	(void)state;
	request.kind = REQUEST_CONNECT;
	assert_int_equal(tid_parse("tcp,10.0.0.1,,a,h", &request.connection.tid, NULL), 0);
	request.connection.tuning.ctrl_loss_tmo = -1;
	request.connection.tuning.tls = 1;
	strcpy(request.connection.key_file, "/k");
	strcpy(request.connection.controller_key_file, "/c");
	request.transient = true;
	request.wait_ms = 30000;
	back = again(&request);
	assert_true(tid_equal(&back.connection.tid, &request.connection.tid));
	assert_memory_equal(&back.connection.tuning, &request.connection.tuning,
			    sizeof(back.connection.tuning));
	assert_string_equal(back.connection.key_file, "/k");
	assert_string_equal(back.connection.controller_key_file, "/c");
	assert_true(back.transient);
	assert_int_equal(back.wait_ms, 30000);
}

static void a_disconnect_names_one_thing(void **state)
{
	struct request request = REQUEST_NULL;
	struct request back;

	(void)state;
	request.kind = REQUEST_DISCONNECT;
	request.force = true;
	strcpy(request.controller, "nvme3");
	back = again(&request);
	assert_string_equal(back.controller, "nvme3");
	assert_true(back.force);
	assert_false(back.has_tid);
	request.controller[0] = '\0';
	request.has_tid = true;
	assert_int_equal(tid_parse("loop,,,a", &request.connection.tid, NULL), 0);
	back = again(&request);
	assert_true(back.has_tid);
	assert_refused("{\"version\":1, \"request\":\"disconnect\"}", "needs one of");
	assert_refused("{\"version\":1, \"request\":\"disconnect\", \"nqn\":\"a\", "
		       "\"controller\":\"nvme0\"}",
		       "needs one of");
}

static void an_event_comes_back(void **state)
{
	struct request request = REQUEST_NULL;
	struct request back;

	(void)state;
	request.kind = REQUEST_EVENT;
	strcpy(request.action, "change");
	strcpy(request.subsystem, "nvme");
	strcpy(request.device, "nvme0");
	strcpy(request.detail, "connected");
	back = again(&request);
	assert_string_equal(back.action, "change");
	assert_string_equal(back.subsystem, "nvme");
	assert_string_equal(back.device, "nvme0");
	assert_string_equal(back.detail, "connected");
}

static void what_changes_something_is_told_apart(void **state)
{
	static const enum request_kind looks[] = { REQUEST_LIST, REQUEST_STATUS, REQUEST_WATCH };
	static const enum request_kind changes[] = { REQUEST_CONNECT, REQUEST_DISCONNECT,
						     REQUEST_EVENT, REQUEST_RELOAD };
	struct request request = REQUEST_NULL;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		request.kind = looks[i];
		assert_false(request_is_change(again(&request).kind));
	}
	for (i = 0; i < 4; i++)
		assert_true(request_is_change(changes[i]));
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	assert_refused("[]", "an object");
	assert_refused("{\"request\":\"list\"}", "version");
	assert_refused("{\"version\":2, \"request\":\"list\"}", "version");
	assert_refused("{\"version\":1}", "there is no request");
	assert_refused("{\"version\":1, \"request\":\"dance\"}", "there is no request \"dance\"");
	assert_refused("{\"version\":1, \"request\":\"connect\"}", "needs a connection");
	assert_refused("{\"version\":1, \"request\":\"connect\", \"connection\":3}", "a text");
#define CONNECT "{\"version\":1, \"request\":\"connect\", \"connection\":\"loop,,,a\", "
	assert_refused(CONNECT "\"tuning\":3}", "tuning must be");
	assert_refused(CONNECT "\"tuning\":{\"tls\":true}}", "tls must be a number");
	assert_refused(CONNECT "\"tuning\":{\"tls\":2}}", "tls is 2");
	assert_refused(CONNECT "\"key_file\":\"k\"}", "must begin with");
	assert_refused(CONNECT "\"wait_ms\":-1}", "wait_ms");
	assert_refused(CONNECT "\"transient\":1}", "true or false");
	assert_refused("{\"version\":1, \"request\":\"event\", \"device\":\"\\u001b\"}", "plain");
}

static struct reply reply_again(struct js *take_js, struct js **ret_js)
{
	CLEANUP_JS struct js *js = take_js;
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	struct reply reply;

	assert_int_equal(js_parse(text, strlen(text), ret_js, NULL), 0);
	assert_int_equal(reply_decode(*ret_js, &reply, NULL), 0);
	return reply;
}

static void answers_come_back(void **state)
{
	struct err err = { -EBUSY, "nvme0n1 is mounted on /srv" };
	CLEANUP_JS struct js *a = NULL;
	CLEANUP_JS struct js *b = NULL;
	CLEANUP_JS struct js *c = NULL;
	CLEANUP_JS struct js *d = NULL;
	struct reply reply;

	(void)state;
	reply = reply_again(reply_progress("probing", "10.0.0.1"), &a);
	assert_int_equal(reply.kind, REPLY_PROGRESS);
	assert_string_equal(js_text(js_get(reply.value, "state")), "probing");
	reply = reply_again(reply_event(js_object()), &b);
	assert_int_equal(reply.kind, REPLY_EVENT);
	reply = reply_again(reply_result(js_object()), &c);
	assert_int_equal(reply.kind, REPLY_RESULT);
	reply = reply_again(reply_error(&err), &d);
	assert_int_equal(reply.kind, REPLY_ERROR);
	assert_int_equal(reply.err.code, -EBUSY);
	assert_string_equal(reply.err.text, err.text);
}

static void an_error_without_words_has_some(void **state)
{
	struct err err = { -EBUSY, "" };
	CLEANUP_JS struct js *js = NULL;

	(void)state;
	assert_string_equal(reply_again(reply_error(&err), &js).err.text,
			    "the daemon does not say why");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connect_comes_back),
		cmocka_unit_test(a_disconnect_names_one_thing),
		cmocka_unit_test(an_event_comes_back),
		cmocka_unit_test(what_changes_something_is_told_apart),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(answers_come_back),
		cmocka_unit_test(an_error_without_words_has_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
