/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define PROGRAM_MAX 128
#define CAUSE_MAX 1024
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000
/* so that a number after it is none that wraps */
#define SEQ_MAX (INT64_MAX / 2)

static const char *const role_words[] = { "target", "initiator" };
static const char *const types[] = { "added", "changed", "removed", "note", NULL };

const char *report_role_word(enum report_role role)
{
	return role_words[role];
}

/* --- members */

static int get_name(const struct js *js, const char *key, const char **ret, struct err *err)
{
	const char *text = js_text(js_get(js, key));
	const char *c;

	if (!text || !*text || strlen(text) > REPORT_NODE_MAX)
		return err_set(err, -EINVAL, "\"%s\" must be a text of 1 to %d bytes", key,
			       REPORT_NODE_MAX);
	for (c = text; *c; c++)
		if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= 'a' && *c <= 'z') || strchr("-_.", *c)))
			return err_set(err, -EINVAL,
				       "\"%s\" must be of letters, digits, '-', '_' and '.'", key);
	*ret = text;
	return 0;
}

/* @ret  is "" if there is none */
static int get_text(const struct js *js, const char *key, size_t max, const char **ret,
		    struct err *err)
{
	const struct js *value = js_get(js, key);
	const char *text = value ? js_text(value) : "";

	if (!text || strlen(text) > max || !str_is_utf8(text))
		return err_set(err, -EINVAL,
			       "\"%s\" must be a text of at most %zu bytes, all printable", key,
			       max);
	*ret = text;
	return 0;
}

static int get_number(const struct js *js, const char *key, int64_t min, int64_t max, int64_t *ret,
		      struct err *err)
{
	const struct js *value = js_get(js, key);
	int64_t number = js_number(value, -1);

	if (js_type(value) != JS_INT || number < min || number > max)
		return err_set(err, -EINVAL,
			       "\"%s\" must be a whole number from %" PRId64 " to %" PRId64, key,
			       min, max);
	*ret = number;
	return 0;
}

static int get_list(const struct js *js, const char *key, size_t max, const struct js **ret,
		    struct err *err)
{
	const struct js *value = js_get(js, key);

	if (value && (js_type(value) != JS_ARRAY || js_length(value) > max))
		return err_set(err, -EINVAL, "\"%s\" must be a list of at most %zu", key, max);
	*ret = value;
	return 0;
}

static int check_version(const struct js *js, const char *what, struct err *err)
{
	if (js_type(js) != JS_OBJECT)
		return err_set(err, -EINVAL, "%s must be a JSON object", what);
	if (js_type(js_get(js, "version")) != JS_INT ||
	    js_number(js_get(js, "version"), 0) != REPORT_VERSION)
		return err_set(err, -EINVAL, "%s must have \"version\": %d", what, REPORT_VERSION);
	return 0;
}

/* --- events */

static int get_type(const struct js *js, const char **ret, struct err *err)
{
	const char *text = js_text(js_get(js, "type"));
	size_t i;

	for (i = 0; text && types[i]; i++)
		if (strcmp(text, types[i]) == 0) {
			*ret = types[i];
			return 0;
		}
	return err_set(err, -EINVAL, "\"type\" must be added, changed, removed or note");
}

/* What is no change of state may be without attributes. */
static int get_object(const struct js *js, struct report_event *event, struct err *err)
{
	event->object = js_get(js, "object");
	if (!event->object && strcmp(event->type, "note") == 0)
		return 0;
	if (js_type(event->object) != JS_OBJECT)
		return err_set(err, -EINVAL, "\"object\" must be a JSON object");
	if (js_size(event->object) > OBJECT_TEXT_MAX)
		return err_set(err, -EINVAL, "\"object\" may have no more than %d bytes",
			       OBJECT_TEXT_MAX);
	return 0;
}

int report_event_decode(const struct js *js, struct report_event *ret, struct err *err)
{
	struct report_event event = { 0 };
	struct object object;
	int64_t seq = 0;
	int r = object_parse(js, &object, err);

	if (r == 0)
		r = get_number(js, "seq", 1, SEQ_MAX, &seq, err);
	if (r == 0)
		r = get_number(js, "time", 0, INT64_MAX, &event.time_ms, err);
	if (r == 0)
		r = get_type(js, &event.type, err);
	if (r == 0)
		r = get_text(js, "cause", CAUSE_MAX, &event.cause, err);
	if (r == 0)
		r = get_object(js, &event, err);
	if (r < 0)
		return r;
	event.seq = (uint64_t)seq;
	event.kind = object.kind;
	event.id = object.id;
	*ret = event;
	return 0;
}

void report_event_at(const struct report *report, size_t index, struct report_event *ret)
{
	const struct js *js = js_at(report->events, index);
	const char *cause = js_text(js_get(js, "cause"));

	*ret = (struct report_event){
		.seq = (uint64_t)js_number(js_get(js, "seq"), 0),
		.time_ms = js_number(js_get(js, "time"), 0),
		.type = js_text(js_get(js, "type")),
		.kind = js_text(js_get(js, "kind")),
		.id = js_text(js_get(js, "id")),
		.cause = cause ? cause : "",
		.object = js_get(js, "object"),
	};
}

struct js *report_event_encode(const struct report_event *event)
{
	struct js *js = js_object();

	js_set(js, "seq", js_int((int64_t)event->seq));
	js_set(js, "time", js_int(event->time_ms));
	js_set(js, "type", js_string(event->type));
	js_set(js, "kind", js_string(event->kind));
	js_set(js, "id", js_string(event->id));
	if (event->cause && *event->cause)
		js_set(js, "cause", js_string(event->cause));
	if (event->object)
		js_set(js, "object", js_ref(event->object));
	return js;
}

/* --- reports */

static int get_role(const struct js *js, enum report_role *ret, struct err *err)
{
	const char *text = js_text(js_get(js, "role"));

	if (text && strcmp(text, role_words[REPORT_TARGET]) == 0)
		*ret = REPORT_TARGET;
	else if (text && strcmp(text, role_words[REPORT_INITIATOR]) == 0)
		*ret = REPORT_INITIATOR;
	else
		return err_set(err, -EINVAL, "\"role\" must be target or initiator");
	return 0;
}

static int get_sender(const struct js *js, struct report *report, struct err *err)
{
	int64_t acknowledged = 0;
	int r = get_name(js, "node", &report->node, err);

	if (r == 0)
		r = get_text(js, "name", REPORT_NAME_MAX, &report->name, err);
	if (r == 0)
		r = get_role(js, &report->role, err);
	if (r == 0)
		r = get_name(js, "boot", &report->boot, err);
	if (r == 0)
		r = get_text(js, "program", PROGRAM_MAX, &report->program, err);
	if (r == 0)
		r = get_number(js, "interval_ms", INTERVAL_MIN_MS, INTERVAL_MAX_MS,
			       &report->interval_ms, err);
	if (r == 0 && js_get(js, "acknowledged"))
		r = get_number(js, "acknowledged", 0, SEQ_MAX, &acknowledged, err);
	report->acknowledged = (uint64_t)acknowledged;
	return r;
}

static int get_snapshot(const struct js *js, struct report *report, struct err *err)
{
	const struct js *snapshot = js_get(js, "snapshot");
	int64_t seq = 0;
	int r;

	if (!snapshot)
		return 0;
	if (js_type(snapshot) != JS_OBJECT)
		return err_set(err, -EINVAL, "\"snapshot\" must be a JSON object");
	r = get_number(snapshot, "seq", 0, SEQ_MAX, &seq, err);
	if (r == 0)
		r = get_list(snapshot, "objects", OBJECT_COUNT_MAX, &report->snapshot, err);
	if (r == 0 && !report->snapshot)
		r = err_set(err, -EINVAL, "there must be a list \"objects\"");
	if (r < 0) {
		err_prefix(err, "snapshot: ");
		return r;
	}
	if ((uint64_t)seq < report->acknowledged)
		return err_set(err, -EINVAL,
			       "the snapshot is older than what was acknowledged (%" PRIu64 ")",
			       report->acknowledged);
	report->has_snapshot = true;
	report->snapshot_seq = (uint64_t)seq;
	return 0;
}

static int check_events(const struct js *events, struct err *err)
{
	struct report_event event;
	uint64_t last = 0;
	size_t i;
	int r;

	for (i = 0; i < js_length(events); i++) {
		r = report_event_decode(js_at(events, i), &event, err);
		if (r == 0 && last && event.seq != last + 1)
			r = err_set(err, -EINVAL, "number %" PRIu64 " stands after %" PRIu64,
				    event.seq, last);
		if (r < 0) {
			err_prefix(err, "event %zu: ", i + 1);
			return r;
		}
		last = event.seq;
	}
	return 0;
}

static int check_samples(const struct js *samples, struct err *err)
{
	struct object object;
	size_t i;
	int r;

	for (i = 0; i < js_length(samples); i++) {
		r = object_parse(js_at(samples, i), &object, err);
		if (r == 0 && js_type(js_get(object.attrs, "counters")) != JS_OBJECT)
			r = err_set(err, -EINVAL, "\"counters\" must be a JSON object");
		if (r < 0) {
			err_prefix(err, "sample %zu: ", i + 1);
			return r;
		}
	}
	return 0;
}

int report_decode(const struct js *js, struct report *ret, struct err *err)
{
	struct report report = { 0 };
	int r = check_version(js, "a report", err);

	if (r == 0)
		r = get_sender(js, &report, err);
	if (r == 0)
		r = get_snapshot(js, &report, err);
	if (r == 0)
		r = get_list(js, "events", REPORT_EVENTS_MAX, &report.events, err);
	if (r == 0)
		r = check_events(report.events, err);
	if (r == 0)
		r = get_list(js, "samples", OBJECT_COUNT_MAX, &report.samples, err);
	if (r == 0)
		r = check_samples(report.samples, err);
	if (r == 0)
		*ret = report;
	return r;
}

/* --- answers */

/* Each report gets one: no tree is made for it. */
int report_answer_format(const struct report_answer *answer, char *text, size_t size)
{
	return snprintf(text, size,
			"{\"version\":%d,\"ack\":%" PRIu64 ",\"lease_ms\":%" PRId64
			",\"wanted\":%" PRIu64 ",\"resync\":%s}",
			REPORT_VERSION, answer->ack, answer->lease_ms, answer->wanted,
			answer->resync ? "true" : "false");
}

int report_answer_decode(const struct js *js, struct report_answer *ret, struct err *err)
{
	struct report_answer answer = { .resync = js_is_true(js_get(js, "resync")) };
	int64_t ack = 0;
	int64_t wanted = 0;
	int r = check_version(js, "an answer", err);

	if (r == 0)
		r = get_number(js, "ack", 0, SEQ_MAX, &ack, err);
	if (r == 0)
		r = get_number(js, "lease_ms", 1, INT64_MAX, &answer.lease_ms, err);
	if (r == 0)
		r = get_number(js, "wanted", 0, INT64_MAX, &wanted, err);
	if (r < 0)
		return r;
	answer.ack = (uint64_t)ack;
	answer.wanted = (uint64_t)wanted;
	*ret = answer;
	return 0;
}
