/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/collector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "collector/front.h"
#include "collector/lease.h"
#include "collector/redfish.h"
#include "core/log.h"

/* Sources are written to their tables when they have waited so long, so many in a transaction. */
#define FLUSH_AGE_MS 10000
#define FLUSH_MOST 64
/* and also when nothing else is written */
#define TICK_MS 5000

int64_t collector_now_ms(const struct collector *collector)
{
	return loop_now_ms(collector->loop);
}

/* --- commits */

static int note_repair(struct collector *collector, struct err *err)
{
	const struct commit_stats *stats = commit_stats(collector->commit);
	char cause[ERR_TEXT_MAX + 128];
	char span[CLOCK_TEXT_MAX];

	if (!stats->broken)
		return 0;
	snprintf(cause, sizeof(cause), "the store can be written again after %s: %.700s",
		 clock_format_span(clock_wall_ms() - stats->broken_since_ms, span), stats->cause);
	return events_add_own(collector->events, "note", "collector", store_id(collector->store),
			      cause, NULL, err);
}

static int before_commit(void *data, struct err *err)
{
	struct collector *collector = data;
	int r = note_repair(collector, err);

	if (r == 0)
		r = registry_flush(collector->registry, clock_monotonic_ms(), FLUSH_AGE_MS,
				   FLUSH_MOST, err);
	if (r == 0 && events_is_full(collector->events))
		r = events_prune(collector->events, registry_horizon(collector->registry), err);
	return r;
}

static void after_commit(void *data)
{
	struct collector *collector = data;

	registry_settle(collector->registry);
	if (collector->store_failed)
		log_notice("the store can be written again");
	collector->store_failed = false;
	events_flush(collector->events);
	if (collector->front)
		front_flush(collector->front);
	cdc_flush(collector->cdc);
	if (collector->redfish)
		redfish_flush(collector->redfish);
}

static void reload(void *data, const struct err *cause)
{
	struct collector *collector = data;
	struct err err = ERR_NULL;

	if (!collector->store_failed)
		log_error("%s: nothing is acknowledged until it can be stored", cause->text);
	collector->store_failed = true;
	events_drop(collector->events);
	if (registry_heal(collector->registry, &err) < 0)
		log_error("after a failed transaction: %s", err.text);
	if (auth_load(collector->auth, &err) < 0)
		log_error("after a failed transaction: %s", err.text);
	lease_start(collector->lease, NULL);
	intent_reload(collector->intents);
	zone_reload(collector->zones);
	cdc_mark(collector->cdc);
	cdc_flush(collector->cdc);
	if (collector->redfish)
		redfish_reload(collector->redfish);
	if (collector->front)
		front_flush(collector->front);
}

/* --- time */

/* Flushes and prunes, and notices that the store works again. */
static void on_tick(void *data)
{
	struct collector *collector = data;

	if (registry_is_dirty(collector->registry) || commit_stats(collector->commit)->broken ||
	    events_is_full(collector->events))
		commit_join(collector->commit, NULL, NULL, collector);
	loop_timer_set(collector->tick, TICK_MS, TICK_MS / 5);
}

/* --- life */

static void on_want(void *data, struct registry_source *source)
{
	struct collector *collector = data;

	if (collector->front)
		front_on_want(collector->front, source);
}

static void on_gone(void *data, struct registry_source *source)
{
	struct collector *collector = data;

	lease_forget(collector->lease, source);
	if (collector->front)
		front_on_gone(collector->front, source);
}

static int init_parts(struct collector *collector, const char *store_path, struct err *err)
{
	const struct setup *setup = &collector->setup;
	struct registry_bounds bounds = { .nodes = (size_t)setup->nodes_max,
					  .objects = (size_t)setup->objects_max,
					  .bytes = (size_t)setup->object_bytes_max };
	const struct events_bounds events = { .count = (uint64_t)setup->events_keep,
					      .age_ms = setup->events_days * 86400000,
					      .bytes = setup->store_mbytes << 20 };
	struct commit_hooks hooks = {
		.before = before_commit, .flush = after_commit, .reload = reload, .data = collector
	};
	int r = store_open(store_path, &collector->store, err);

	if (r == 0)
		r = events_new(collector->loop, collector->store, &events, &collector->events, err);
	if (r == 0)
		r = auth_new(collector->store, &collector->auth, err);
	if (r == 0)
		r = commit_new(collector->loop, collector->store, &hooks, &collector->commit, err);
	if (r == 0)
		r = lease_new(collector, &collector->lease, err);
	if (r < 0)
		return r;
	collector->registry = registry_new(collector->store, &bounds);
	if (!collector->registry)
		return err_nomem(err);
	registry_watch(collector->registry, on_want, on_gone, collector);
	return 0;
}

int collector_init(struct collector *collector, struct loop *loop, const struct setup *setup,
		   const char *store_path, struct err *err)
{
	int r;

	*collector = (struct collector){ .loop = loop, .setup = *setup, .version = "" };
	collector->started_ms = clock_wall_ms();
	r = init_parts(collector, store_path, err);
	if (r == 0)
		r = registry_load(collector->registry, err);
	if (r == 0)
		r = lease_start(collector->lease, err);
	if (r == 0)
		r = intent_new(collector, &collector->intents, err);
	if (r == 0)
		r = zone_new(collector, &collector->zones, err);
	if (r == 0)
		r = ddc_new(collector, &collector->ddcs, err);
	if (r == 0)
		r = dim_new(collector, &collector->dims, err);
	if (r == 0)
		r = events_subscribe(collector->events, ddc_on_event, collector->ddcs);
	if (r == 0)
		r = events_subscribe(collector->events, intent_on_event, collector->intents);
	if (r == 0)
		r = loop_add_timer(loop, on_tick, collector, &collector->tick, err);
	if (r < 0) {
		collector_deinit(collector);
		return r;
	}
	loop_timer_set(collector->tick, TICK_MS, TICK_MS / 5);
	return 0;
}

static int save_all(void *data, struct err *err)
{
	struct collector *collector = data;

	return registry_flush(collector->registry, INT64_MAX, 0, SIZE_MAX, err);
}

void collector_save(struct collector *collector)
{
	/* what waits is answered first; what cannot be written is in the log of events */
	commit_now(collector->commit);
	if (registry_is_dirty(collector->registry) &&
	    commit_join(collector->commit, save_all, NULL, collector) == 0)
		commit_now(collector->commit);
}

int collector_reload(struct collector *collector, const struct setup *setup, struct err *err)
{
	struct setup before = collector->setup;
	struct setup *now = &collector->setup;
	int r;

	if (!*setup->certificate != !*before.certificate)
		return err_set(err, -EINVAL, "TLS begins or ends with a restart only");
	memcpy(now->certificate, setup->certificate, sizeof(now->certificate));
	memcpy(now->key, setup->key, sizeof(now->key));
	memcpy(now->client_ca, setup->client_ca, sizeof(now->client_ca));
	now->lease_min_seconds = setup->lease_min_seconds;
	now->lease_max_seconds = setup->lease_max_seconds;
	r = *now->certificate ? front_reload(collector->front, err) : 0;
	if (r < 0)
		*now = before;
	return r;
}

void collector_deinit(struct collector *collector)
{
	commit_free(collector->commit);
	cdc_free(collector->cdc);
	front_free(collector->front);
	redfish_free(collector->redfish);
	loop_source_free(collector->tick);
	intent_free(collector->intents);
	zone_free(collector->zones);
	dim_free(collector->dims);
	ddc_free(collector->ddcs);
	registry_free(collector->registry);
	lease_free(collector->lease);
	events_free(collector->events);
	auth_free(collector->auth);
	store_close(collector->store);
	*collector = (struct collector){ 0 };
}
