/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-report - reports of helpers: what is taken is within its bounds and survives a round. */
#include "base/cleanup.h"
#include "base/str.h"
#include "tests/fuzz/tree.h"
#include "wire/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct js *js, uint64_t *last)
{
	CLEANUP_JS struct js *again = NULL;
	struct report_event event;
	struct report_event back;

	REQUIRE(report_event_decode(js, &event, NULL) == 0);
	REQUIRE(event.seq > 0 && (*last == 0 || event.seq == *last + 1));
	REQUIRE(str_is_utf8(event.id) && str_is_utf8(event.cause));
	REQUIRE(event.object || strcmp(event.type, "note") == 0);
	again = report_event_encode(&event);
	REQUIRE(report_event_decode(again, &back, NULL) == 0);
	REQUIRE(back.seq == event.seq && strcmp(back.id, event.id) == 0);
	*last = event.seq;
}

static void check_report(const struct report *report)
{
	struct object_set *set = NULL;
	uint64_t last = 0;
	size_t i;

	REQUIRE(*report->node && strlen(report->node) <= REPORT_NODE_MAX);
	REQUIRE(!strpbrk(report->node, "/ \n") && !strpbrk(report->boot, "/ \n"));
	REQUIRE(report->interval_ms > 0 && str_is_utf8(report->name));
	REQUIRE(js_length(report->events) <= REPORT_EVENTS_MAX);
	for (i = 0; i < js_length(report->events); i++)
		check_event(js_at(report->events, i), &last);
	if (report->has_snapshot && object_set_parse(report->snapshot, &set, NULL) == 0)
		REQUIRE(object_set_count(set) == js_length(report->snapshot));
	object_set_free(set);
}

static void check_size(const struct js *js)
{
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	REQUIRE(text && js_size(js) == strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JS struct js *js = NULL;
	struct report_answer answer;
	struct report report;
	struct err err = ERR_NULL;

	if (js_parse((const char *)data, size, &js, NULL) < 0)
		return 0;
	check_size(js);
	if (report_decode(js, &report, &err) == 0)
		check_report(&report);
	else
		REQUIRE(err.code == -EINVAL && *err.text && str_is_utf8(err.text));
	if (report_answer_decode(js, &answer, NULL) == 0)
		REQUIRE(answer.lease_ms > 0);
	return 0;
}
