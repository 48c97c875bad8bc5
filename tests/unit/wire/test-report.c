/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/report.h"

#define SENDER                                                                                     \
	"\"version\":1,\"node\":\"0123abcd\",\"name\":\"blake14\",\"role\":\"target\","            \
	"\"boot\":\"b-1\",\"program\":\"nvmet-sunfishd 0.1.0\",\"interval_ms\":10000"
#define EVENT(seq)                                                                                 \
	"{\"seq\":" seq ",\"time\":1795497774123,\"type\":\"changed\",\"kind\":\"namespace\","     \
	"\"id\":\"blake14/1\",\"cause\":\"drive pulled\",\"object\":{\"state\":\"missing\"}}"

static struct js *parse(const char *text)
{
	struct js *js = NULL;
	struct err err = ERR_NULL;

	if (js_parse(text, strlen(text), &js, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return js;
}

static void assert_refused(const char *text, const char *because)
{
	CLEANUP_JS struct js *js = parse(text);
	struct report report = { .node = "untouched" };
	struct err err = ERR_NULL;

	if (report_decode(js, &report, &err) != -EINVAL)
		fail_msg("%s: was taken", text);
	assert_string_equal(report.node, "untouched");
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void a_report_without_anything_has_its_sender(void **state)
{
	CLEANUP_JS struct js *js = parse("{" SENDER ",\"later\":[1]}");
	struct report report;

	(void)state;
	assert_int_equal(report_decode(js, &report, NULL), 0);
	assert_string_equal(report.node, "0123abcd");
	assert_string_equal(report.name, "blake14");
	assert_int_equal(report.role, REPORT_TARGET);
	assert_string_equal(report.boot, "b-1");
	assert_string_equal(report.program, "nvmet-sunfishd 0.1.0");
	assert_int_equal(report.interval_ms, 10000);
	assert_false(report.has_snapshot);
	assert_null(report.events);
	assert_null(report.samples);
}

static void a_whole_report_is_read(void **state)
{
	CLEANUP_JS struct js *js = parse(
		"{" SENDER
		",\"snapshot\":{\"seq\":17,\"objects\":[{\"kind\":\"drive\",\"id\":\"a\"}]},"
		"\"events\":[" EVENT("18") "," EVENT(
			"19") "],"
			      "\"samples\":[{\"kind\":\"drive\",\"id\":\"a\",\"counters\":{\"reads\":1}}]}");
	struct report report;
	struct report_event event;

	(void)state;
	assert_int_equal(report_decode(js, &report, NULL), 0);
	assert_true(report.has_snapshot);
	assert_int_equal(report.snapshot_seq, 17);
	assert_int_equal(js_length(report.snapshot), 1);
	assert_int_equal(js_length(report.events), 2);
	assert_int_equal(report_event_decode(js_at(report.events, 1), &event, NULL), 0);
	assert_int_equal(event.seq, 19);
	assert_int_equal(event.time_ms, 1795497774123);
	assert_string_equal(event.type, "changed");
	assert_string_equal(event.kind, "namespace");
	assert_string_equal(event.id, "blake14/1");
	assert_string_equal(event.cause, "drive pulled");
	assert_string_equal(js_text(js_get(event.object, "state")), "missing");
	assert_int_equal(js_length(report.samples), 1);
}

static void refuses_a_sender_that_is_none(void **state)
{
	(void)state;
	assert_refused("[]", "JSON object");
	assert_refused("{}", "\"version\": 1");
	assert_refused("{\"version\":2}", "\"version\": 1");
	assert_refused("{\"version\":\"1\"}", "\"version\": 1");
	assert_refused("{\"version\":1}", "\"node\"");
	assert_refused("{\"version\":1,\"node\":\"../x\"}", "letters, digits");
	assert_refused("{\"version\":1,\"node\":\"a\",\"name\":7}", "\"name\"");
	assert_refused("{\"version\":1,\"node\":\"a\",\"name\":\"\\u001b\"}", "printable");
	assert_refused("{\"version\":1,\"node\":\"a\",\"role\":\"x\"}", "\"role\"");
	assert_refused("{\"version\":1,\"node\":\"a\",\"role\":\"target\",\"boot\":\"\"}",
		       "\"boot\"");
	assert_refused("{\"version\":1,\"node\":\"a\",\"role\":\"target\",\"boot\":\"b\","
		       "\"interval_ms\":1}",
		       "from 100 to");
	assert_refused("{\"version\":1,\"node\":\"a\",\"role\":\"target\",\"boot\":\"b\","
		       "\"interval_ms\":1000.5}",
		       "whole number");
}

static void refuses_events_out_of_order_or_without_their_parts(void **state)
{
	(void)state;
	assert_refused("{" SENDER ",\"events\":{}}", "must be a list");
	assert_refused("{" SENDER ",\"events\":[1]}", "event 1: ");
	assert_refused("{" SENDER ",\"events\":[" EVENT("18") "," EVENT("20") "]}",
		       "event 2: number 20 stands after 18");
	assert_refused("{" SENDER ",\"events\":[" EVENT("18") "," EVENT("18") "]}", "event 2: ");
	assert_refused("{" SENDER ",\"events\":[" EVENT("0") "]}", "\"seq\"");
	assert_refused("{" SENDER ",\"events\":[" EVENT("9223372036854775807") "]}", "\"seq\"");
	assert_refused("{" SENDER ",\"events\":[{\"seq\":1,\"time\":1,\"type\":\"x\","
		       "\"kind\":\"drive\",\"id\":\"a\"}]}",
		       "\"type\"");
	assert_refused("{" SENDER ",\"events\":[{\"seq\":1,\"time\":1,\"type\":\"added\","
		       "\"kind\":\"drive\",\"id\":\"a\"}]}",
		       "\"object\"");
	assert_refused("{" SENDER ",\"events\":[{\"seq\":1,\"time\":1,\"type\":\"note\","
		       "\"kind\":\"drive\",\"id\":\"\"}]}",
		       "the id of a drive");
}

static void refuses_a_snapshot_or_samples_that_are_none(void **state)
{
	(void)state;
	assert_refused("{" SENDER ",\"snapshot\":[]}", "JSON object");
	assert_refused("{" SENDER ",\"snapshot\":{\"objects\":[]}}", "snapshot: \"seq\"");
	assert_refused("{" SENDER ",\"snapshot\":{\"seq\":1}}", "\"objects\"");
	assert_refused("{" SENDER ",\"samples\":[{\"kind\":\"drive\",\"id\":\"a\"}]}",
		       "sample 1: \"counters\"");
}

static void an_event_is_encoded_as_it_is_read(void **state)
{
	CLEANUP_JS struct js *js = parse(EVENT("18"));
	CLEANUP_JS struct js *again = NULL;
	struct report_event event;

	(void)state;
	assert_int_equal(report_event_decode(js, &event, NULL), 0);
	again = report_event_encode(&event);
	assert_true(js_is_equal(js, again, NULL));
}

static void a_note_needs_no_object(void **state)
{
	CLEANUP_JS struct js *js = NULL;
	struct report_event event = {
		.seq = 1, .time_ms = 2, .type = "note", .kind = "drive", .id = "a", .cause = ""
	};
	struct report_event back;

	(void)state;
	js = report_event_encode(&event);
	assert_int_equal(report_event_decode(js, &back, NULL), 0);
	assert_null(back.object);
	assert_string_equal(back.cause, "");
}

static void an_answer_is_decoded_as_it_was_encoded(void **state)
{
	struct report_answer answer = {
		.ack = 18, .lease_ms = 30000, .wanted = 42, .resync = true
	};
	CLEANUP_JS struct js *js = NULL;
	struct report_answer back;
	char text[REPORT_ANSWER_TEXT];
	int length = report_answer_format(&answer, text, sizeof(text));

	(void)state;
	assert_int_equal(js_parse(text, (size_t)length, &js, NULL), 0);
	assert_int_equal(report_answer_decode(js, &back, NULL), 0);
	assert_int_equal(back.ack, 18);
	assert_int_equal(back.lease_ms, 30000);
	assert_int_equal(back.wanted, 42);
	assert_true(back.resync);
}

static void the_longest_answer_has_room(void **state)
{
	const struct report_answer answer = { .ack = UINT64_MAX,
					      .lease_ms = INT64_MIN,
					      .wanted = UINT64_MAX };
	char text[REPORT_ANSWER_TEXT];

	(void)state;
	assert_true(report_answer_format(&answer, text, sizeof(text)) < REPORT_ANSWER_TEXT);
}

static void refuses_an_answer_that_acknowledges_nothing(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"version\":1}",
		"{\"version\":1,\"ack\":-1,\"lease_ms\":1,\"wanted\":1}",
		"{\"version\":1,\"ack\":\"1\",\"lease_ms\":1,\"wanted\":1}",
		"{\"version\":1,\"ack\":1,\"lease_ms\":0,\"wanted\":1}",
		"{\"version\":1,\"ack\":1,\"lease_ms\":1}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_JS struct js *js = parse(texts[i]);
		struct report_answer answer;

		assert_int_equal(report_answer_decode(js, &answer, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_without_anything_has_its_sender),
		cmocka_unit_test(a_whole_report_is_read),
		cmocka_unit_test(refuses_a_sender_that_is_none),
		cmocka_unit_test(refuses_events_out_of_order_or_without_their_parts),
		cmocka_unit_test(refuses_a_snapshot_or_samples_that_are_none),
		cmocka_unit_test(an_event_is_encoded_as_it_is_read),
		cmocka_unit_test(a_note_needs_no_object),
		cmocka_unit_test(an_answer_is_decoded_as_it_was_encoded),
		cmocka_unit_test(the_longest_answer_has_room),
		cmocka_unit_test(refuses_an_answer_that_acknowledges_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
