/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/front.h"
#include "collector/peek.h"

/* --- nodes */

static struct js *role_view(const struct registry_source *source)
{
	struct js *js = js_object();

	js_set(js, "state", js_string(filter_state_word(source)));
	js_set(js, "program", js_string(source->program));
	js_set(js, "boot", js_string(source->boot));
	js_set(js, "seq", js_int((int64_t)source->seq));
	js_set(js, "since", js_int(source->since_ms));
	js_set(js, "heard", js_int(source->heard_ms));
	js_set(js, "address", js_string(source->address));
	js_set(js, "objects", js_int((int64_t)source->n_objects));
	js_set(js, "wanted", js_int((int64_t)source->generation));
	return js;
}

struct js *view_node(const struct registry_node *node)
{
	struct js *js = js_object();
	struct js *roles = js_object();
	int role;

	for (role = 0; role < REGISTRY_ROLES; role++)
		if (node->sources[role])
			js_set(roles, report_role_word((enum report_role)role),
			       role_view(node->sources[role]));
	js_set(js, "name", js_string(node->name));
	js_set(js, "roles", roles);
	return js;
}

int view_node_event(struct collector *collector, const struct registry_source *source,
		    const char *type, const char *cause, struct err *err)
{
	CLEANUP_JS struct js *js = view_node(source->node);
	CLEANUP_FREE char *object = js_format(js, JS_COMPACT);
	struct store_event event = {
		.received_ms = clock_wall_ms(),
		.node = source->node->id,
		.name = source->node->name,
		.role = source->role,
		.boot = source->boot,
		.type = type,
		.kind = "node",
		.object_id = source->node->id,
		.cause = cause,
		.object = object,
	};

	if (!object)
		return err_nomem(err);
	event.time_ms = event.received_ms;
	return events_add(collector->events, &event, err);
}

/* --- lists */

struct lister {
	struct filter_run run;
	struct str *out;
	const char *comma;
	size_t count;
	/* of the source that was last */
	const struct registry_source *source;
	struct str head;
};

static void add_quoted(struct str *out, const char *text)
{
	CLEANUP_JS struct js *js = js_string(text);
	CLEANUP_FREE char *quoted = js_format(js, JS_COMPACT);

	if (quoted)
		str_add(out, quoted);
	else
		out->failed = true;
}

/* What all objects of a source begin with. */
static void set_head(struct lister *lister, const struct registry_source *source)
{
	str_deinit(&lister->head);
	lister->head = STR_NULL;
	lister->source = source;
	str_add(&lister->head, "{\"node\":");
	add_quoted(&lister->head, source->node->name);
	str_addf(&lister->head, ",\"node_id\":\"%s\",\"role\":\"%s\",\"stale\":%s,\"kind\":\"",
		 source->node->id, report_role_word(source->role),
		 source->online ? "false" : "true");
}

static int list_one(void *data, const struct registry_source *source,
		    const struct registry_object *object)
{
	struct lister *lister = data;

	if (!filter_fits(&lister->run, source, object))
		return 0;
	if (lister->source != source)
		set_head(lister, source);
	str_add(lister->out, lister->comma);
	str_add_n(lister->out, str_get(&lister->head), lister->head.length);
	str_add(lister->out, object->kind);
	str_add(lister->out, "\",\"id\":");
	add_quoted(lister->out, object->id);
	if (object->attrs[1] != '}')
		str_add(lister->out, ",");
	str_add_n(lister->out, object->attrs + 1, strlen(object->attrs) - 2);
	if (object->counters) {
		str_add(lister->out, ",\"counters\":");
		str_add(lister->out, object->counters);
	}
	str_add(lister->out, "}");
	lister->comma = ",\n";
	lister->count++;
	return 0;
}

/* --- pages */

static void list_node(struct lister *lister, const struct registry_node *node)
{
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_FREE char *text = NULL;

	if (!filter_fits_node(&lister->run, node))
		return;
	js = view_node(node);
	js_set(js, "kind", js_string("node"));
	js_set(js, "id", js_string(node->id));
	text = js_format(js, JS_COMPACT);
	if (!text) {
		lister->out->failed = true;
		return;
	}
	str_add(lister->out, lister->comma);
	str_add(lister->out, text);
	lister->comma = ",\n";
	lister->count++;
}

static void list_objects(struct lister *lister, const struct registry_node *node)
{
	const struct filter *asked = lister->run.asked;
	const struct registry_filter filter = { .role = asked->role,
						.kind = asked->kind,
						.id = asked->id };

	if (!asked->node || strcmp(asked->node, node->id) == 0 ||
	    strcmp(asked->node, node->name) == 0)
		registry_node_each(node, &filter, list_one, lister);
}

static bool is_full(const struct view_page *page, const struct lister *lister, size_t begin,
		    int64_t start_ms)
{
	return lister->count >= page->limit || lister->out->length - begin >= page->bytes ||
	       (page->ms != INT64_MAX && clock_monotonic_ms() - start_ms >= page->ms);
}

int view_items(const struct collector *collector, const struct filter *filter,
	       struct view_page *page, const char *comma, struct str *out, struct err *err)
{
	const struct registry *registry = collector->registry;
	struct lister lister = { .out = out, .comma = comma, .head = STR_NULL };
	bool nodes = filter->kind && strcmp(filter->kind, "node") == 0;
	size_t i = page->after ? registry_node_after(registry, page->after) : 0;
	int64_t start_ms = page->ms == INT64_MAX ? 0 : clock_monotonic_ms();
	size_t begin = out->length;
	bool failed;

	page->next = NULL;
	filter_begin(registry, filter, &lister.run);
	for (; !page->next && i < registry_node_count(registry); i++) {
		const struct registry_node *node = registry_node_at(registry, i);

		if (nodes)
			list_node(&lister, node);
		else
			list_objects(&lister, node);
		if (i + 1 < registry_node_count(registry) &&
		    is_full(page, &lister, begin, start_ms))
			page->next = node->id;
	}
	filter_end(&lister.run);
	page->count = lister.count;
	failed = lister.head.failed || out->failed;
	str_deinit(&lister.head);
	return failed ? err_nomem(err) : 0;
}

int view_list(const struct collector *collector, const struct filter *filter,
	      struct view_page *page, struct str *out, struct err *err)
{
	int r;

	str_addf(out, "{\"version\":%d,\"items\":[", REPORT_VERSION);
	r = view_items(collector, filter, page, "\n", out, err);
	str_add(out, "]");
	if (page->next) {
		str_add(out, ",\"next\":");
		add_quoted(out, page->next);
	}
	str_add(out, "}");
	return r == 0 && out->failed ? err_nomem(err) : r;
}

/* --- the collector itself */

struct counts {
	size_t online, lost, unknown;
};

static void count_sources(const struct collector *collector, struct counts counts[REGISTRY_ROLES])
{
	size_t i;
	int role;

	for (i = 0; i < registry_node_count(collector->registry); i++)
		for (role = 0; role < REGISTRY_ROLES; role++) {
			const struct registry_source *source =
				registry_node_at(collector->registry, i)->sources[role];

			if (!source)
				continue;
			counts[role].online += source->online;
			counts[role].lost += !source->online && source->lost;
			counts[role].unknown += !source->online && !source->lost;
		}
}

static struct js *status_store(const struct collector *collector)
{
	const struct commit_stats *stats = commit_stats(collector->commit);
	struct js *js = js_object();

	js_set(js, "id", js_string(store_id(collector->store)));
	js_set(js, "bytes", js_int(store_bytes(collector->store)));
	js_set(js, "state", js_string(stats->broken ? "failed" : "ok"));
	if (stats->broken) {
		js_set(js, "error", js_string(stats->cause));
		js_set(js, "since", js_int(stats->broken_since_ms));
	}
	js_set(js, "commits", js_int((int64_t)stats->commits));
	js_set(js, "failed", js_int((int64_t)stats->failed));
	js_set(js, "oldest_event", js_int(store_event_oldest(collector->store)));
	js_set(js, "newest_event", js_int(store_event_newest(collector->store)));
	return js;
}

static struct js *status_roles(const struct collector *collector)
{
	struct counts counts[REGISTRY_ROLES] = { 0 };
	struct js *js = js_object();
	int role;

	count_sources(collector, counts);
	for (role = 0; role < REGISTRY_ROLES; role++) {
		struct js *one = js_object();

		js_set(one, "online", js_int((int64_t)counts[role].online));
		js_set(one, "lost", js_int((int64_t)counts[role].lost));
		js_set(one, "unknown", js_int((int64_t)counts[role].unknown));
		js_set(js, report_role_word((enum report_role)role), one);
	}
	return js;
}

static struct js *status_ddcs(const struct collector *collector)
{
	struct js *js = js_object();
	struct ddc_counts counts;

	ddc_count(collector->ddcs, &counts);
	js_set(js, "up", js_int((int64_t)counts.up));
	js_set(js, "lost", js_int((int64_t)counts.lost));
	js_set(js, "unknown", js_int((int64_t)(counts.total - counts.up - counts.lost)));
	js_set(js, "records", js_int((int64_t)counts.records));
	return js;
}

int view_status(const struct collector *collector, struct str *out, struct err *err)
{
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *text = NULL;
	struct intent_counts intents;
	int64_t now = clock_wall_ms();

	intent_count(collector->intents, &intents);
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "program", js_string(collector->version));
	js_set(js, "collector", js_string(store_id(collector->store)));
	js_set(js, "now", js_int(now));
	js_set(js, "started", js_int(collector->started_ms));
	js_set(js, "nodes", js_int((int64_t)registry_node_count(collector->registry)));
	js_set(js, "roles", status_roles(collector));
	js_set(js, "objects", js_int((int64_t)registry_object_count(collector->registry)));
	js_set(js, "attachments", js_int((int64_t)intents.attachments));
	js_set(js, "exports", js_int((int64_t)intents.exports));
	js_set(js, "zones", js_int((int64_t)zone_count(collector->zones)));
	js_set(js, "ddcs", status_ddcs(collector));
	js_set(js, "reports", js_int((int64_t)collector->reports));
	js_set(js, "connections",
	       js_int(collector->front ? (int64_t)front_connections(collector->front) : 0));
	js_set(js, "streams", js_int((int64_t)events_stream_count(collector->events)));
	js_set(js, "store", status_store(collector));
	text = js_format(js, JS_COMPACT);
	if (!text)
		return err_nomem(err);
	str_add(out, text);
	return out->failed ? err_nomem(err) : 0;
}
