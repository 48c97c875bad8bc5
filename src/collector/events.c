/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "wire/report.h"

#define SUBSCRIBERS_MAX 4
#define STREAMS_MAX 1024
#define FILTER_TEXT_MAX 1024
/* Of what is stored a stream gets so much at once, */
#define CHUNK_BYTES (128u << 10)
#define CHUNK_EVENTS 4096
/* so often. */
#define CHUNK_MS 20
#define PRUNE_STEP 2000
/* By age they go in smaller ones: a step goes when the last of it is old enough. */
#define AGE_STEP 200
#define LOOK_MS 1000
/* If the time of day jumps by more than that, nothing is old for as long: it may be set right. */
#define JUMP_MS 3600000

struct stream {
	struct events *events;
	struct httpd_stream *http;
	struct events_filter filter; /* texts are copies */
	char *who;
	int64_t sent;	  /* id: all up to it */
	bool catching_up; /* there is more in the store */
	struct stream *next;
};

/* Added in this transaction, as text for streams. */
struct added {
	int64_t id;
	char *node, *name, *kind, *object_id, *type;
	char *text;
};

struct events {
	struct store *store;
	struct events_bounds bounds;
	int64_t look_ms;  /* monotonic: age and bytes are looked at again */
	int64_t too_many; /* id: up to it they are too old, or too much */
	int64_t wall_ms;  /* both clocks at one moment */
	int64_t mono_ms;
	int64_t trust_ms; /* monotonic: the time of day is taken for right from then on */
	struct {
		events_fn fn;
		void *data;
	} subscribers[SUBSCRIBERS_MAX];
	size_t n_subscribers;
	struct stream *streams;
	size_t n_streams;
	struct added *added;
	size_t n_added;
	size_t added_room;
	bool added_lost; /* streams get it from the store instead */
	uint64_t total;
	struct loop_source *timer;
};

/* --- as JSON */

static void add_text(struct str *out, const char *key, const char *text)
{
	CLEANUP_JS struct js *js = js_string(text);
	CLEANUP_FREE char *quoted = js_format(js, JS_COMPACT);

	if (!quoted) {
		out->failed = true;
		return;
	}
	str_addf(out, ",\"%s\":%s", key, quoted);
}

/* What cannot have a character that JSON escapes. */
static void add_plain(struct str *out, const char *key, const char *text)
{
	str_add(out, ",\"");
	str_add(out, key);
	str_add(out, "\":\"");
	str_add(out, text);
	str_add(out, "\"");
}

void events_format(const struct store_event *event, struct str *out)
{
	str_addf(out, "{\"id\":%" PRId64 ",\"received\":%" PRId64 ",\"time\":%" PRId64, event->id,
		 event->received_ms, event->time_ms);
	add_text(out, "node", event->name);
	add_plain(out, "node_id", event->node);
	if (event->role >= 0)
		add_plain(out, "role", report_role_word((enum report_role)event->role));
	if (*event->boot)
		add_plain(out, "boot", event->boot);
	if (event->seq)
		str_addf(out, ",\"seq\":%" PRIu64, event->seq);
	add_plain(out, "type", event->type);
	add_plain(out, "kind", event->kind);
	add_text(out, "object_id", event->object_id);
	add_text(out, "cause", event->cause);
	if (event->object) {
		str_add(out, ",\"object\":");
		str_add(out, event->object);
	}
	str_add(out, "}");
}

/* --- filters */

static bool is_wanted(const char *want, const char *text)
{
	return !want || strcmp(want, text) == 0;
}

static bool fits(const struct events_filter *filter, const struct added *event)
{
	return (is_wanted(filter->node, event->node) || is_wanted(filter->node, event->name)) &&
	       is_wanted(filter->kind, event->kind) &&
	       is_wanted(filter->object_id, event->object_id) &&
	       is_wanted(filter->type, event->type);
}

static struct added as_added(const struct store_event *event)
{
	return (struct added){ .id = event->id,
			       .node = (char *)event->node,
			       .name = (char *)event->name,
			       .kind = (char *)event->kind,
			       .object_id = (char *)event->object_id,
			       .type = (char *)event->type };
}

/* --- adding */

static void added_clear(struct events *events)
{
	while (events->n_added) {
		struct added *added = &events->added[--events->n_added];

		free(added->node);
		free(added->name);
		free(added->kind);
		free(added->object_id);
		free(added->type);
		free(added->text);
	}
	events->added_lost = false;
}

static bool added_grow(struct events *events)
{
	size_t room = events->added_room ? 2 * events->added_room : 64;
	struct added *added;

	if (events->n_added < events->added_room)
		return true;
	added = reallocarray(events->added, room, sizeof(*added));
	if (!added)
		return false;
	events->added = added;
	events->added_room = room;
	return true;
}

/* Keep it for the streams until it is committed. */
static void note_added(struct events *events, const struct store_event *event)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct added added = { .id = event->id };

	if (!added_grow(events)) {
		events->added_lost = true;
		return;
	}
	str_addf(&text, "id: %" PRId64 "\ndata: ", event->id);
	events_format(event, &text);
	str_add(&text, "\n\n");
	added.node = strdup(event->node);
	added.name = strdup(event->name);
	added.kind = strdup(event->kind);
	added.object_id = strdup(event->object_id);
	added.type = strdup(event->type);
	added.text = str_take(&text);
	events->added[events->n_added++] = added;
	if (!added.node || !added.name || !added.kind || !added.object_id || !added.type ||
	    !added.text)
		events->added_lost = true;
}

int events_add(struct events *events, struct store_event *event, struct err *err)
{
	size_t i;
	int r;

	if (!event->received_ms)
		event->received_ms = clock_wall_ms();
	r = store_event_add(events->store, event, err);
	if (r < 0)
		return r;
	if (events->streams)
		note_added(events, event);
	events->total++;
	for (i = 0; i < events->n_subscribers && r == 0; i++)
		r = events->subscribers[i].fn(events->subscribers[i].data, event, err);
	return r;
}

int events_add_own(struct events *events, const char *type, const char *kind, const char *id,
		   const char *cause, const struct js *object, struct err *err)
{
	CLEANUP_FREE char *text = object ? js_format(object, JS_COMPACT) : NULL;
	struct store_event event = {
		.received_ms = clock_wall_ms(),
		.node = "",
		.name = "",
		.role = -1,
		.boot = "",
		.type = type,
		.kind = kind,
		.object_id = id,
		.cause = cause,
		.object = text,
	};

	if (object && !text)
		return err_nomem(err);
	event.time_ms = event.received_ms;
	return events_add(events, &event, err);
}

int events_subscribe(struct events *events, events_fn fn, void *data)
{
	if (events->n_subscribers == SUBSCRIBERS_MAX)
		return -ENOSPC;
	events->subscribers[events->n_subscribers].fn = fn;
	events->subscribers[events->n_subscribers++].data = data;
	return 0;
}

/* Has the time of day gone on as the other clock has, for long enough? */
static bool is_time_right(struct events *events, int64_t wall, int64_t mono)
{
	int64_t jump = (wall - events->wall_ms) - (mono - events->mono_ms);

	if (jump > JUMP_MS || jump < -JUMP_MS) {
		events->wall_ms = wall;
		events->mono_ms = mono;
		events->trust_ms = mono + JUMP_MS;
	}
	return mono >= events->trust_ms;
}

static int64_t too_old(struct events *events, int64_t oldest)
{
	int64_t wall = clock_wall_ms();
	int64_t last = oldest + AGE_STEP - 1;
	int64_t received;

	if (!is_time_right(events, wall, clock_monotonic_ms()) || !events->bounds.age_ms)
		return 0;
	received = store_event_received(events->store, last);
	return received && received < wall - events->bounds.age_ms ? last : 0;
}

static void look(struct events *events, int64_t oldest)
{
	int64_t now = clock_monotonic_ms();
	bool has_gone = events->too_many && events->too_many < oldest;

	/* after a step it is looked at once whether that was all */
	if (events->too_many >= oldest || (now < events->look_ms && !has_gone))
		return;
	events->look_ms = now + LOOK_MS;
	events->too_many = too_old(events, oldest);
	if (events->bounds.bytes && store_used_bytes(events->store) > events->bounds.bytes)
		events->too_many = oldest + PRUNE_STEP;
}

bool events_is_full(struct events *events)
{
	int64_t oldest = store_event_oldest(events->store);
	int64_t count = store_event_newest(events->store) - oldest + 1;

	if (!oldest)
		return false;
	look(events, oldest);
	return events->too_many >= oldest || count - (int64_t)events->bounds.count > PRUNE_STEP / 2;
}

int events_prune(struct events *events, int64_t horizon, struct err *err)
{
	int64_t newest = store_event_newest(events->store);
	int64_t oldest = store_event_oldest(events->store);
	int64_t until = newest - (int64_t)events->bounds.count;
	int r;

	if (events->too_many > until)
		until = events->too_many;
	if (until > horizon)
		until = horizon;
	if (!oldest || until < oldest)
		return 0;
	if (until > oldest + PRUNE_STEP)
		until = oldest + PRUNE_STEP;
	r = store_event_prune(events->store, until, err);
	return r < 0 ? r : store_shrink(events->store, err);
}

uint64_t events_total(const struct events *events)
{
	return events->total;
}

/* --- lists */

struct lister {
	const struct events_filter *filter;
	size_t limit;
	size_t count;
	size_t bytes;
	int64_t last;
	struct str *out;
};

#define LIST_BYTES_MAX (8u << 20)

static int list_one(void *data, const struct store_event *event)
{
	struct lister *lister = data;
	struct added added = as_added(event);

	if (fits(lister->filter, &added)) {
		if (lister->count == lister->limit || lister->out->length > LIST_BYTES_MAX)
			return 1;
		str_add(lister->out, lister->count++ ? ",\n" : "\n");
		events_format(event, lister->out);
	}
	lister->last = event->id;
	return 0;
}

int events_list(struct events *events, const struct events_filter *filter, size_t limit,
		struct str *out, struct err *err)
{
	CLEANUP_STR struct str items = STR_NULL;
	struct lister lister = { .filter = filter, .limit = limit, .out = &items };
	int64_t newest = store_event_newest(events->store);
	int64_t oldest = store_event_oldest(events->store);
	int64_t after = filter->after < oldest - 1 ? oldest - 1 : filter->after;
	int64_t until = newest;
	int r;

	if (after > newest)
		after = newest;
	if (until - after > EVENTS_SCAN_MAX)
		until = after + EVENTS_SCAN_MAX;
	lister.last = after;
	r = store_event_each(events->store, after, until, list_one, &lister, err);
	if (r < 0)
		return r;
	if (r == 0)
		lister.last = until;
	str_addf(out,
		 "{\"version\":1,\"after\":%" PRId64 ",\"oldest\":%" PRId64 ",\"newest\":%" PRId64
		 ",\"items\":[%s]}",
		 lister.last, oldest, newest, str_get(&items));
	return items.failed ? err_nomem(err) : 0;
}

/* --- streams */

static void filter_free(struct events_filter *filter)
{
	free((char *)filter->node);
	free((char *)filter->kind);
	free((char *)filter->object_id);
	free((char *)filter->type);
}

/* Returns: false out of memory. */
static bool copy(const char *text, const char **ret)
{
	*ret = text ? strndup(text, FILTER_TEXT_MAX) : NULL;
	return !text || *ret;
}

static bool filter_copy(const struct events_filter *filter, struct events_filter *ret)
{
	bool copied = copy(filter->node, &ret->node);

	copied &= copy(filter->kind, &ret->kind);
	copied &= copy(filter->object_id, &ret->object_id);
	copied &= copy(filter->type, &ret->type);
	return copied;
}

static void stream_free(struct stream *stream)
{
	struct stream **at = &stream->events->streams;

	while (*at && *at != stream)
		at = &(*at)->next;
	if (*at) {
		*at = stream->next;
		stream->events->n_streams--;
	}
	filter_free(&stream->filter);
	free(stream->who);
	free(stream);
}

static void on_gone(void *user, struct httpd_stream *http)
{
	(void)http;
	stream_free(user);
}

/* One that reads too slowly is closed by httpd. */
static void send_added(struct stream *stream, const struct added *added)
{
	if (added->id <= stream->sent)
		return;
	if (fits(&stream->filter, added))
		httpd_stream_send(stream->http, added->text, strlen(added->text));
	stream->sent = added->id;
}

void events_flush(struct events *events)
{
	struct stream *stream;
	size_t i;

	for (stream = events->streams; stream; stream = stream->next) {
		if (events->added_lost && !stream->catching_up) {
			stream->catching_up = true;
			loop_timer_set(events->timer, 0, 0);
		}
		for (i = 0; i < events->n_added && !stream->catching_up; i++)
			send_added(stream, &events->added[i]);
	}
	added_clear(events);
}

void events_drop(struct events *events)
{
	added_clear(events);
}

struct catch_up {
	struct stream *stream;
	struct str text;
	size_t count;
};

static int catch_one(void *data, const struct store_event *event)
{
	struct catch_up *catch_up = data;
	struct added added = as_added(event);

	if (catch_up->count++ == CHUNK_EVENTS || catch_up->text.length > CHUNK_BYTES)
		return 1;
	catch_up->stream->sent = event->id;
	if (!fits(&catch_up->stream->filter, &added))
		return 0;
	str_addf(&catch_up->text, "id: %" PRId64 "\ndata: ", event->id);
	events_format(event, &catch_up->text);
	str_add(&catch_up->text, "\n\n");
	return 0;
}

/* The next part of what is in the store. */
static void stream_catch_up(struct events *events, struct stream *stream)
{
	struct catch_up catch_up = { .stream = stream, .text = STR_NULL };
	int r;

	if (httpd_stream_waiting(stream->http) > CHUNK_BYTES)
		return;
	r = store_event_each(events->store, stream->sent, store_event_newest(events->store),
			     catch_one, &catch_up, NULL);
	if (r == 0)
		stream->catching_up = false;
	if (r < 0 || catch_up.text.failed)
		httpd_stream_close(stream->http);
	else if (catch_up.text.length)
		httpd_stream_send(stream->http, str_get(&catch_up.text), catch_up.text.length);
	str_deinit(&catch_up.text);
}

static void on_timer(void *data)
{
	struct events *events = data;
	struct stream *stream;
	bool more = false;

	for (stream = events->streams; stream; stream = stream->next) {
		if (stream->catching_up)
			stream_catch_up(events, stream);
		more |= stream->catching_up;
	}
	if (more)
		loop_timer_set(events->timer, CHUNK_MS, 0);
}

/* Returns: NULL out of memory. */
static struct stream *stream_new(struct events *events, const char *who,
				 const struct events_filter *filter)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->events = events;
	stream->who = strdup(who);
	if (filter_copy(filter, &stream->filter) && stream->who)
		return stream;
	filter_free(&stream->filter);
	free(stream->who);
	free(stream);
	return NULL;
}

void events_follow(struct events *events, struct httpd_request *request, const char *who,
		   const struct events_filter *filter)
{
	static const char busy[] = "{\"version\":1,\"error\":{\"code\":\"busy\","
				   "\"message\":\"there are too many streams of events\"}}";
	static const char hello[] = ": sunfish events\n\n";
	struct stream *stream =
		events->n_streams < STREAMS_MAX ? stream_new(events, who, filter) : NULL;

	if (!stream) {
		httpd_reply(request, 503, "application/json", busy, strlen(busy), NULL);
		return;
	}
	stream->sent = filter->after >= 0 ? filter->after : store_event_newest(events->store);
	stream->catching_up = stream->sent < store_event_newest(events->store);
	stream->http = httpd_stream_open(request, "text/event-stream", on_gone, stream);
	if (!stream->http) {
		stream_free(stream);
		return;
	}
	stream->next = events->streams;
	events->streams = stream;
	events->n_streams++;
	httpd_stream_send(stream->http, hello, strlen(hello));
	if (stream->catching_up)
		loop_timer_set(events->timer, 0, 0);
}

void events_end_streams(struct events *events, const char *who)
{
	struct stream *stream;

	for (stream = events->streams; stream; stream = stream->next)
		if (strcmp(stream->who, who) == 0)
			httpd_stream_close(stream->http);
}

void events_forget_streams(struct events *events)
{
	while (events->streams)
		stream_free(events->streams);
}

size_t events_stream_count(const struct events *events)
{
	return events->n_streams;
}

void events_keep_alive(struct events *events)
{
	struct stream *stream;

	for (stream = events->streams; stream; stream = stream->next)
		httpd_stream_send(stream->http, ":\n\n", 3);
}

/* --- life */

int events_new(struct loop *loop, struct store *store, const struct events_bounds *bounds,
	       struct events **ret, struct err *err)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return err_nomem(err);
	events->store = store;
	events->bounds = *bounds;
	events->wall_ms = clock_wall_ms();
	events->mono_ms = clock_monotonic_ms();
	r = loop_add_timer(loop, on_timer, events, &events->timer, err);
	if (r < 0)
		free(events);
	else
		*ret = events;
	return r;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	events_forget_streams(events);
	added_clear(events);
	free(events->added);
	loop_source_free(events->timer);
	free(events);
}
