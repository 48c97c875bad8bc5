/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/ingest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/lease.h"
#include "collector/view.h"

/* What the API puts beside the attributes, and what is kept apart from them. */
static const char *const reserved[] = { "node", "node_id", "role",     "stale",
					"kind", "id",	   "counters", NULL };
/* Objects of the collector's own. */
static const char *const own_kinds[] = { "node", "attachment", "export", NULL };

struct work {
	struct collector *collector;
	const struct report *report;
	struct registry_source *source;
	int64_t now_ms; /* wall clock */
	struct err *err;
};

static bool is_among(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

/* Attributes as they are kept: an own text; NULL out of memory. */
static char *attrs_text(const struct js *attrs)
{
	size_t i;

	for (i = 0; reserved[i]; i++)
		if (js_get(attrs, reserved[i])) {
			CLEANUP_JS struct js *copy = js_copy_without(attrs, reserved);

			return js_format(copy, JS_COMPACT);
		}
	return js_format(attrs, JS_COMPACT);
}

/* --- counters, in memory only */

static void take_counters(struct registry_source *source, const char *kind, const char *id,
			  const struct js *attrs)
{
	const struct js *counters = js_get(attrs, "counters");
	CLEANUP_FREE char *text = NULL;

	if (js_type(counters) != JS_OBJECT || js_size(counters) > OBJECT_TEXT_MAX)
		return;
	text = js_format(counters, JS_COMPACT);
	/* without memory the old ones stay: the next sample comes soon */
	if (text)
		registry_counters_put(source, kind, id, text, NULL);
}

static void take_samples(struct registry_source *source, const struct js *samples)
{
	struct object object;
	size_t i;

	for (i = 0; i < js_length(samples); i++)
		if (object_parse(js_at(samples, i), &object, NULL) == 0)
			take_counters(source, object.kind, object.id, object.attrs);
}

/* --- bounds, before anything is applied */

static int check_kind(struct registry *registry, const char *kind, struct err *err)
{
	if (is_among(kind, own_kinds))
		return err_set(err, -EINVAL, "objects of kind %s are the collector's own", kind);
	if (!registry_kind_is_free(registry, kind))
		return err_set(err, -E2BIG, "there are too many kinds of objects: %s is one more",
			       kind);
	return 0;
}

static int check_events(struct work *work, struct err *err)
{
	const struct registry_source *source = work->source;
	size_t objects = source->n_objects;
	size_t bytes = source->bytes;
	struct report_event event;
	size_t i;
	int r = 0;

	for (i = 0; i < js_length(work->report->events) && r == 0; i++) {
		const struct registry_object *object;
		size_t size;

		report_event_at(work->report, i, &event);
		r = check_kind(work->collector->registry, event.kind, err);
		if (r < 0 || !event.object || strcmp(event.type, "removed") == 0)
			continue;
		/* what grows counts: one that is there several times may shrink only once */
		object = registry_object_find(source, event.kind, event.id);
		objects += object ? 0 : 1;
		size = js_size(event.object);
		if (!object || size > strlen(object->attrs))
			bytes += size - (object ? strlen(object->attrs) : 0);
	}
	return r < 0 ? r
		     : registry_check_bounds(work->collector->registry, source, objects, bytes,
					     err);
}

static int check_snapshot(struct work *work, const struct object_set *set, struct err *err)
{
	size_t bytes = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < object_set_count(set) && r == 0; i++) {
		struct object object = object_set_at(set, i);

		bytes += js_size(object.attrs);
		r = check_kind(work->collector->registry, object.kind, err);
	}
	return r < 0 ? r
		     : registry_check_bounds(work->collector->registry, work->source,
					     object_set_count(set), bytes, err);
}

/* --- events */

static int add_event(struct work *work, const struct report_event *event, const char *object)
{
	struct store_event stored = {
		.received_ms = work->now_ms,
		.time_ms = event->time_ms,
		.node = work->source->node->id,
		.name = work->source->node->name,
		.role = work->source->role,
		.boot = work->report->boot,
		.seq = event->seq,
		.type = event->type,
		.kind = event->kind,
		.object_id = event->id,
		.cause = event->cause,
		.object = object,
	};

	return events_add(work->collector->events, &stored, work->err);
}

/* State first: whoever is told of the event finds it. */
static int apply_event(struct work *work, const struct report_event *event)
{
	struct registry *registry = work->collector->registry;
	CLEANUP_FREE char *text = event->object ? attrs_text(event->object) : NULL;
	int r = 0;

	if (event->object && !text)
		return err_nomem(work->err);
	registry_touch(registry, work->source);
	work->source->seq = event->seq;
	if (strcmp(event->type, "removed") == 0)
		r = registry_object_remove(registry, work->source, event->kind, event->id,
					   work->err);
	else if (strcmp(event->type, "note") != 0)
		r = registry_object_put(registry, work->source, event->kind, event->id, text,
					work->err);
	/* a bound that was checked before, but for one object that is there twice */
	if (r == -E2BIG) {
		work->source->resync = true;
		r = 0;
	}
	if (r == 0 && event->object)
		take_counters(work->source, event->kind, event->id, event->object);
	return r < 0 ? r : add_event(work, event, text);
}

/* Those up to @until that come next. */
static int apply_events(struct work *work, uint64_t until)
{
	struct report_event event;
	size_t i;
	int r = 0;

	for (i = 0; i < js_length(work->report->events) && r == 0; i++) {
		report_event_at(work->report, i, &event);
		if (event.seq > until)
			break;
		if (event.seq <= work->source->seq)
			continue;
		if (event.seq != work->source->seq + 1) {
			work->source->resync = true;
			break;
		}
		r = apply_event(work, &event);
	}
	return r;
}

/* --- snapshots */

struct removal {
	char *kind;
	char *id;
	char *attrs;
};

static int apply_difference(struct work *work, const char *type, const char *kind, const char *id,
			    const char *attrs)
{
	struct registry *registry = work->collector->registry;
	struct report_event event = {
		.time_ms = work->now_ms, .type = type, .kind = kind, .id = id, .cause = "snapshot"
	};
	int r;

	if (strcmp(type, "removed") == 0)
		r = registry_object_remove(registry, work->source, kind, id, work->err);
	else
		r = registry_object_put(registry, work->source, kind, id, attrs, work->err);
	return r < 0 ? r : add_event(work, &event, attrs);
}

static int remove_others(struct work *work, const struct object_set *set)
{
	struct registry_source *source = work->source;
	size_t i = 0;
	int r = 0;

	while (i < source->n_objects && r == 0) {
		const struct registry_object *object = source->objects[i];
		CLEANUP_FREE char *id = NULL;
		CLEANUP_FREE char *attrs = NULL;

		if (object_set_find(set, object->kind, object->id)) {
			i++;
			continue;
		}
		/* what it points to goes with it */
		id = strdup(object->id);
		attrs = strdup(object->attrs);
		r = id && attrs ? apply_difference(work, "removed", object->kind, id, attrs)
				: err_nomem(work->err);
	}
	return r;
}

/* Texts differ in the order of keys as well. */
static bool is_same(const struct registry_object *object, const struct js *attrs, const char *text)
{
	CLEANUP_JS struct js *old = NULL;

	if (strcmp(object->attrs, text) == 0)
		return true;
	old = registry_object_attrs(object);
	return old && object_attrs_equal(old, attrs);
}

static int put_object(struct work *work, const struct object *object)
{
	const struct registry_object *old =
		registry_object_find(work->source, object->kind, object->id);
	CLEANUP_FREE char *text = attrs_text(object->attrs);
	int r = 0;

	if (!text)
		return err_nomem(work->err);
	if (!old || !is_same(old, object->attrs, text))
		r = apply_difference(work, old ? "changed" : "added", object->kind, object->id,
				     text);
	take_counters(work->source, object->kind, object->id, object->attrs);
	return r;
}

static int apply_snapshot(struct work *work, const struct object_set *set)
{
	struct registry *registry = work->collector->registry;
	size_t i;
	int r;

	registry_touch(registry, work->source);
	r = remove_others(work, set);
	for (i = 0; i < object_set_count(set) && r == 0; i++) {
		struct object object = object_set_at(set, i);

		r = put_object(work, &object);
	}
	if (r < 0)
		return r;
	work->source->seq = work->report->snapshot_seq;
	work->source->resync = false;
	/* no event has this number: it is known by the source alone */
	return registry_source_save(registry, work->source, work->err);
}

/* --- a report */

static bool is_known(const struct registry_source *source, const struct report *report)
{
	return strcmp(source->boot, report->boot) == 0 && !source->resync;
}

/* The sender no longer has what was acknowledged: it was, before this store was put back from an
 * older copy. */
static int tell_forgotten(struct work *work, uint64_t events)
{
	CLEANUP_JS struct js *object = js_object();
	CLEANUP_FREE char *text = NULL;
	char cause[128];
	const struct report_event event = {
		.time_ms = work->now_ms,
		.type = "note",
		.kind = "gap",
		.id = "forgotten",
		.cause = cause,
	};

	snprintf(cause, sizeof(cause),
		 "%" PRIu64 " events were acknowledged, but are not here: the store is older than "
		 "that",
		 events);
	js_set(object, "events", js_int((int64_t)events));
	text = js_format(object, JS_COMPACT);
	return text ? add_event(work, &event, text) : err_nomem(work->err);
}

/* A boot that is new begins with its first event, or with its snapshot. */
static int begin_boot(struct work *work)
{
	struct registry_source *source = work->source;
	struct report_event event;
	uint64_t seq = work->report->snapshot_seq;
	bool is_first = !*source->boot;
	int r;

	if (js_length(work->report->events)) {
		report_event_at(work->report, 0, &event);
		if (event.seq <= seq)
			seq = event.seq - 1;
	}
	registry_touch(work->collector->registry, source);
	source->seq = seq;
	source->resync = false;
	r = registry_set_text(&source->boot, work->report->boot, work->err);
	if (r < 0 || is_first)
		return r;
	if (work->report->acknowledged)
		return tell_forgotten(work, work->report->acknowledged);
	/* a machine that is back before its lease is over was never lost */
	return view_node_event(work->collector, source, "changed",
			       "begins anew: the machine was restarted, or events were "
			       "lost before they were sent",
			       work->err);
}

/* What is here is not what there was after those events: only a snapshot is. */
static int forget(struct work *work, bool has_snapshot)
{
	struct registry_source *source = work->source;
	uint64_t from = source->seq;

	source->resync = true;
	if (!has_snapshot)
		return 0;
	registry_touch(work->collector->registry, source);
	source->seq = work->report->acknowledged;
	return tell_forgotten(work, work->report->acknowledged - from);
}

static int apply(struct work *work, const struct object_set *set)
{
	const struct report *report = work->report;
	int r = 0;

	if (strcmp(work->source->boot, report->boot) != 0)
		r = begin_boot(work);
	else if (report->acknowledged > work->source->seq)
		r = forget(work, set != NULL);
	if (r == 0 && set) {
		r = apply_events(work, report->snapshot_seq);
		/* one that is older than what is here was sent before its answer came */
		if (r == 0 && (report->snapshot_seq >= work->source->seq || work->source->resync))
			r = apply_snapshot(work, set);
	}
	return r < 0 ? r : apply_events(work, UINT64_MAX);
}

static int set_texts(struct work *work, const char *address)
{
	struct registry_source *source = work->source;
	int r = 0;

	if (strcmp(source->program, work->report->program) == 0 &&
	    strcmp(source->address, address) == 0 &&
	    source->interval_ms == work->report->interval_ms)
		return 0;
	registry_touch(work->collector->registry, source);
	source->interval_ms = work->report->interval_ms;
	r = registry_set_text(&source->program, work->report->program, work->err);
	return r < 0 ? r : registry_set_text(&source->address, address, work->err);
}

/* It is online from now on; if that is news, there is an event. */
static int come_online(struct work *work, bool is_new)
{
	struct registry_source *source = work->source;
	char cause[320];
	char span[CLOCK_TEXT_MAX];
	bool was_lost = source->lost;

	source->heard_ms = work->now_ms;
	if (source->online)
		return 0;
	registry_touch(work->collector->registry, source);
	if (was_lost)
		snprintf(cause, sizeof(cause), "heard again after %s",
			 clock_format_span(work->now_ms - source->since_ms, span));
	else
		snprintf(cause, sizeof(cause), "first report of %s", source->program);
	source->online = true;
	source->lost = false;
	source->since_ms = work->now_ms;
	if (!was_lost && !is_new)
		return 0;
	if (was_lost) {
		int r = registry_source_save(work->collector->registry, source, work->err);

		if (r < 0)
			return r;
	}
	return view_node_event(work->collector, source, is_new ? "added" : "changed", cause,
			       work->err);
}

static void fill_answer(const struct work *work, struct report_answer *ret)
{
	const struct registry_source *source = work->source;
	bool known = strcmp(source->boot, work->report->boot) == 0;

	*ret = (struct report_answer){
		.ack = known ? source->seq : 0,
		.lease_ms = lease_ms(work->collector->lease, work->report->interval_ms),
		.wanted = source->generation,
		.resync = !known || source->resync,
	};
}

bool ingest_renew(struct collector *collector, const struct report *report,
		  struct report_answer *ret)
{
	struct work work = { .collector = collector, .report = report };
	struct registry_source *source =
		registry_source_find(collector->registry, report->node, report->role);

	if (!source || !source->online || !is_known(source, report) || report->has_snapshot ||
	    js_length(report->events) || strcmp(source->program, report->program) != 0 ||
	    source->interval_ms != report->interval_ms || report->acknowledged > source->seq ||
	    strcmp(source->node->name, *report->name ? report->name : source->node->name) != 0)
		return false;
	source->heard_ms = clock_wall_ms();
	take_samples(source, report->samples);
	if (lease_renew(collector->lease, source, lease_ms(collector->lease, report->interval_ms),
			NULL) < 0)
		return false;
	collector->reports++;
	work.source = source;
	fill_answer(&work, ret);
	return true;
}

/* Everything that can be wrong with the report itself. Returns: 0; -E2BIG, -EINVAL; -ENOMEM. */
static int check(struct work *work, struct object_set **ret_set, struct err *err)
{
	int r = 0;

	if (work->report->has_snapshot) {
		r = object_set_parse(work->report->snapshot, ret_set, err);
		if (r == 0)
			r = check_snapshot(work, *ret_set, err);
	}
	return r < 0 ? r : check_events(work, err);
}

int ingest_report(struct collector *collector, const struct report *report, const char *address,
		  struct report_answer *ret, int *ret_why, struct err *err)
{
	struct work work = {
		.collector = collector, .report = report, .now_ms = clock_wall_ms(), .err = err
	};
	CLEANUP_OBJECT_SET struct object_set *set = NULL;
	bool is_new = !registry_source_find(collector->registry, report->node, report->role);
	int r = registry_source_need(collector->registry, report->node, report->name, report->role,
				     &work.source, err);

	*ret_why = r == -E2BIG ? r : 0;
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	is_new |= !*work.source->boot;
	r = check(&work, &set, err);
	if (r == -E2BIG || r == -EINVAL)
		*ret_why = r;
	if (r == 0)
		r = set_texts(&work, address);
	/* a sender whose report is refused is there nevertheless */
	if (r == 0 || *ret_why)
		r = come_online(&work, is_new);
	if (r == 0)
		r = lease_renew(collector->lease, work.source,
				lease_ms(collector->lease, report->interval_ms), err);
	if (r < 0 || *ret_why)
		return r;
	if (set || is_known(work.source, report))
		r = apply(&work, set);
	take_samples(work.source, report->samples);
	collector->reports++;
	fill_answer(&work, ret);
	return r;
}
