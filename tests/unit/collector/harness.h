/* SPDX-License-Identifier: BSD-3-Clause */
/* harness - a collector in a temporary directory, without a socket. */
#pragma once

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/ingest.h"
#include "collector/lease.h"
#include "collector/view.h"

struct harness {
	char dir[64];
	char store[128];
	struct setup setup;
	struct loop *loop;
	struct collector collector;
};

#define HARNESS __attribute__((cleanup(harness_stop))) struct harness

static inline void harness_run(struct harness *h)
{
	struct err err = ERR_NULL;

	assert_int_equal(loop_new(&h->loop, &err), 0);
	if (collector_init(&h->collector, h->loop, &h->setup, h->store, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void harness_start(struct harness *h)
{
	strcpy(h->dir, "/tmp/sunfish-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->store, sizeof(h->store), "%s/collector.db", h->dir);
	setup_init(&h->setup, h->dir);
	harness_run(h);
}

/* As after a crash: nothing is written at the end. */
static inline void harness_crash(struct harness *h)
{
	collector_deinit(&h->collector);
	loop_free(h->loop);
}

static inline void harness_restart(struct harness *h)
{
	harness_crash(h);
	harness_run(h);
}

static inline void harness_stop(struct harness *h)
{
	char path[160];

	harness_crash(h);
	unlink(h->store);
	snprintf(path, sizeof(path), "%s-wal", h->store);
	unlink(path);
	rmdir(h->dir);
}

/* --- reports */

struct harness_report {
	struct harness *h;
	struct report report;
	struct report_answer answer;
	int why;
	struct err err;
	int code;
};

static int harness_write(void *data, struct err *err)
{
	struct harness_report *one = data;
	int r = ingest_report(&one->h->collector, &one->report, "127.0.0.1", &one->answer,
			      &one->why, &one->err);

	if (r < 0 && err)
		*err = one->err;
	return r;
}

static void harness_done(void *data, int code, const struct err *err)
{
	struct harness_report *one = data;

	(void)err;
	one->code = code;
}

/* Returns: 0 and the answer; why it was refused; the code of a failed commit. */
static inline int harness_send(struct harness *h, const char *text, struct report_answer *ret)
{
	CLEANUP_JS struct js *js = NULL;
	struct harness_report one = { .h = h, .code = 1 };
	struct err err = ERR_NULL;

	if (js_parse(text, strlen(text), &js, &err) < 0 || report_decode(js, &one.report, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (ingest_renew(&h->collector, &one.report, ret))
		return 0;
	assert_int_equal(commit_join(h->collector.commit, harness_write, harness_done, &one), 0);
	commit_now(h->collector.commit);
	assert_int_not_equal(one.code, 1);
	if (one.code < 0 || one.why)
		return one.code < 0 ? one.code : one.why;
	*ret = one.answer;
	return 0;
}

#define SENDER(boot)                                                                                \
	"\"version\":1,\"node\":\"id14\",\"name\":\"blake14\",\"role\":\"target\",\"boot\":\"" boot \
	"\",\"program\":\"nvmet-sunfishd 1\",\"interval_ms\":10000"
#define DRIVE(id, state) "{\"kind\":\"drive\",\"id\":\"" id "\",\"state\":\"" state "\"}"
#define SNAPSHOT(seq, objects) ",\"snapshot\":{\"seq\":" seq ",\"objects\":[" objects "]}"
#define EVENT(seq, type, id, state)                                                                \
	"{\"seq\":" seq ",\"time\":5,\"type\":\"" type "\",\"kind\":\"drive\",\"id\":\"" id        \
	"\",\"cause\":\"c\",\"object\":{\"state\":\"" state "\"}}"
#define EVENTS(events) ",\"events\":[" events "]"
#define ACKNOWLEDGED(seq) ",\"acknowledged\":" seq

/* --- what there is, as text */

static int harness_note_object(void *data, const struct registry_source *source,
			       const struct registry_object *object)
{
	(void)source;
	str_addf(data, "%s %s %s\n", object->kind, object->id, object->attrs);
	return 0;
}

static inline void assert_objects(struct harness *h, const char *expected)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct registry_filter filter = REGISTRY_FILTER_ANY;

	registry_each(h->collector.registry, &filter, harness_note_object, &text);
	assert_string_equal(str_get(&text), expected);
}

static int harness_note_event(void *data, const struct store_event *event)
{
	str_addf(data, "%s %s %s %s %d\n", event->type, event->kind, event->object_id, event->cause,
		 (int)event->seq);
	return 0;
}

/* But those of nodes. */
static int harness_note_state_event(void *data, const struct store_event *event)
{
	return strcmp(event->kind, "node") == 0 ? 0 : harness_note_event(data, event);
}

static inline void assert_events(struct harness *h, const char *expected)
{
	CLEANUP_STR struct str text = STR_NULL;

	assert_int_equal(store_event_each(h->collector.store, 0, INT64_MAX,
					  harness_note_state_event, &text, NULL),
			 0);
	assert_string_equal(str_get(&text), expected);
}

static inline struct registry_source *harness_source(struct harness *h)
{
	return registry_source_find(h->collector.registry, "id14", REPORT_TARGET);
}
