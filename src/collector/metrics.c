/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "collector/collector.h"
#include "collector/front.h"
#include "collector/peek.h"
#include "collector/view.h"

/* Source: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format". */

static void head(struct str *out, const char *name, const char *type, const char *help)
{
	str_addf(out, "# HELP sunfish_%s %s\n# TYPE sunfish_%s %s\n", name, help, name, type);
}

static void one(struct str *out, const char *name, const char *type, const char *help,
		int64_t value)
{
	head(out, name, type, help);
	str_addf(out, "sunfish_%s %" PRId64 "\n", name, value);
}

static void add_label(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			str_add(out, "\\");
		str_add_n(out, text, 1);
	}
}

/* --- the collector */

static void add_collector(const struct collector *collector, struct str *out)
{
	const struct commit_stats *stats = commit_stats(collector->commit);
	struct intent_counts intents;
	struct ddc_counts ddcs;

	ddc_count(collector->ddcs, &ddcs);
	intent_count(collector->intents, &intents);
	one(out, "collector_start_time_seconds", "gauge", "Start of the collector since 1970.",
	    collector->started_ms / 1000);
	one(out, "collector_reports_total", "counter", "Reports of helpers that were taken.",
	    (int64_t)collector->reports);
	one(out, "collector_events_total", "counter", "Events that were stored.",
	    (int64_t)events_total(collector->events));
	one(out, "collector_commits_total", "counter", "Transactions that are durable.",
	    (int64_t)stats->commits);
	one(out, "collector_commits_failed_total", "counter", "Transactions that failed.",
	    (int64_t)stats->failed);
	one(out, "collector_commit_busy_microseconds_total", "counter",
	    "Time spent in transactions.", (int64_t)stats->busy_us);
	one(out, "collector_store_ok", "gauge", "1 if the store can be written.",
	    stats->broken ? 0 : 1);
	one(out, "collector_store_bytes", "gauge", "Size of the store.",
	    store_bytes(collector->store));
	one(out, "collector_objects", "gauge", "Objects of all helpers.",
	    (int64_t)registry_object_count(collector->registry));
	one(out, "collector_connections", "gauge", "Open connections.",
	    collector->front ? (int64_t)front_connections(collector->front) : 0);
	one(out, "collector_event_streams", "gauge", "Clients that follow events.",
	    (int64_t)events_stream_count(collector->events));
	one(out, "attachments", "gauge", "Attachments.", (int64_t)intents.attachments);
	one(out, "attachments_attached", "gauge", "Attachments that are there.",
	    (int64_t)intents.attached);
	one(out, "attachments_failed", "gauge", "Attachments that failed.",
	    (int64_t)intents.failed);
	one(out, "exports", "gauge", "Exports that were asked for.", (int64_t)intents.exports);
	one(out, "ddcs", "gauge", "Direct discovery controllers that are asked.",
	    (int64_t)ddcs.total);
	one(out, "ddcs_up", "gauge", "Those that answer.", (int64_t)ddcs.up);
	one(out, "ddcs_lost", "gauge", "Those that do not.", (int64_t)ddcs.lost);
	one(out, "ddc_records", "gauge", "Records in their logs.", (int64_t)ddcs.records);
}

/* --- helpers */

static void each_source(const struct collector *collector,
			void (*fn)(const struct registry_source *source, struct str *out),
			struct str *out)
{
	size_t i;
	int role;

	for (i = 0; i < registry_node_count(collector->registry); i++)
		for (role = 0; role < REGISTRY_ROLES; role++) {
			const struct registry_source *source =
				registry_node_at(collector->registry, i)->sources[role];

			if (source)
				fn(source, out);
		}
}

static void add_source(const char *name, const struct registry_source *source, int64_t value,
		       struct str *out)
{
	str_addf(out, "sunfish_%s{node=\"", name);
	add_label(out, source->node->name);
	str_addf(out, "\",role=\"%s\"} %" PRId64 "\n", report_role_word(source->role), value);
}

static void add_up(const struct registry_source *source, struct str *out)
{
	add_source("helper_up", source, source->online ? 1 : 0, out);
}

static void add_heard(const struct registry_source *source, struct str *out)
{
	add_source("helper_last_report_seconds", source, source->heard_ms / 1000, out);
}

static void add_objects(const struct registry_source *source, struct str *out)
{
	add_source("helper_objects", source, (int64_t)source->n_objects, out);
}

/* --- counters of objects */

static bool is_number(const char *text, size_t length)
{
	return length > 0 && length < 20 && strspn(text, "0123456789") >= length;
}

static void add_counter(struct str *out, const struct registry_source *source,
			const struct registry_object *object, const char *key)
{
	size_t length;
	const char *value = peek_find(object->counters, key, &length);

	if (!value || !is_number(value, length))
		return;
	str_addf(out, "sunfish_%s_%s_total{node=\"", object->kind, key);
	add_label(out, source->node->name);
	str_add(out, "\",id=\"");
	add_label(out, object->id);
	str_add(out, "\"} ");
	str_add_n(out, value, length);
	str_add(out, "\n");
}

struct counter {
	struct str *out;
	const char *key;
};

static int add_one(void *data, const struct registry_source *source,
		   const struct registry_object *object)
{
	struct counter *counter = data;

	if (object->counters)
		add_counter(counter->out, source, object, counter->key);
	return 0;
}

static void add_counters(const struct collector *collector, struct str *out)
{
	static const struct {
		const char *kind, *key, *name, *help;
	} all[] = {
		{ "namespace", "read_ios", "namespace_read_ios_total", "Reads of a namespace." },
		{ "namespace", "read_bytes", "namespace_read_bytes_total", "Bytes read." },
		{ "namespace", "write_ios", "namespace_write_ios_total", "Writes." },
		{ "namespace", "write_bytes", "namespace_write_bytes_total", "Bytes written." },
		{ "controller", "reconnects", "controller_reconnects_total",
		  "Reconnects of a controller." },
		{ "controller", "resets", "controller_resets_total", "Resets of a controller." },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct registry_filter filter = REGISTRY_FILTER_ANY;
		struct counter counter = { .out = out, .key = all[i].key };

		head(out, all[i].name, "counter", all[i].help);
		filter.kind = all[i].kind;
		registry_each(collector->registry, &filter, add_one, &counter);
	}
}

static void add_cdc(const struct cdc *cdc, struct str *out)
{
	struct disc_server_counters counters;

	if (!cdc)
		return;
	cdc_counters(cdc, &counters);
	one(out, "cdc_connections", "gauge", "Connections of hosts to the discovery controller.",
	    counters.connections);
	one(out, "cdc_connects_total", "counter", "Hosts that were let in.",
	    (int64_t)counters.connects);
	one(out, "cdc_refused_total", "counter", "Hosts that were not.", (int64_t)counters.refused);
	one(out, "cdc_log_reads_total", "counter", "Views that were read to the end.",
	    (int64_t)counters.log_reads);
	one(out, "cdc_events_total", "counter", "Changes that a host was told of.",
	    (int64_t)counters.events);
	one(out, "cdc_timeouts_total", "counter", "Hosts that were silent for too long.",
	    (int64_t)counters.timeouts);
	one(out, "cdc_protocol_errors_total", "counter", "Connections that broke the protocol.",
	    (int64_t)counters.protocol_errors);
	one(out, "cdc_over_bounds_total", "counter", "Connections over a bound.",
	    (int64_t)counters.over_bounds);
}

void view_metrics(const struct collector *collector, struct str *out)
{
	add_collector(collector, out);
	head(out, "helper_up", "gauge", "1 if the helper was heard within its lease.");
	each_source(collector, add_up, out);
	head(out, "helper_last_report_seconds", "gauge", "Time of its last report since 1970.");
	each_source(collector, add_heard, out);
	head(out, "helper_objects", "gauge", "Objects it reported.");
	each_source(collector, add_objects, out);
	add_counters(collector, out);
	add_cdc(collector->cdc, out);
}
