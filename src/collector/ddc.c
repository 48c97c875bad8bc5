/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/ddc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/ddc-own.h"
#include "core/log.h"
#include "nvmf/nvme-spec.h"

#define SWEEP_MS 200

const char *ddc_state_word(enum ddc_state state)
{
	static const char *const words[] = { "unknown", "up", "lost" };

	return words[state];
}

/* --- the table */

static size_t place_of(const struct ddcs *ddcs, const char *key)
{
	size_t low = 0;
	size_t high = ddcs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(ddcs->items[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct ddc *ddc_find(const struct ddcs *ddcs, const char *key)
{
	size_t at = place_of(ddcs, key);

	return at < ddcs->count && strcmp(ddcs->items[at]->key, key) == 0 ? ddcs->items[at] : NULL;
}

static void free_one(struct ddc *ddc)
{
	if (!ddc)
		return;
	ddc_poll_stop(ddc);
	loop_source_free(ddc->timer);
	disc_log_unref(ddc->log);
	disc_log_unref(ddc->stored);
	disc_log_unref(ddc->written);
	free(ddc->key);
	free(ddc->name);
	free(ddc->tenant);
	free(ddc->nqn);
	free(ddc->key_file);
	free(ddc->controller_key_file);
	free(ddc->address);
	free(ddc->service);
	free(ddc->cause);
	free(ddc);
}

void ddc_drop(struct ddc *ddc)
{
	struct ddcs *ddcs = ddc->ddcs;
	size_t at = place_of(ddcs, ddc->key);

	ddcs->count--;
	memmove(&ddcs->items[at], &ddcs->items[at + 1], (ddcs->count - at) * sizeof(struct ddc *));
	free_one(ddc);
}

static struct ddc *new_one(struct ddcs *ddcs, const char *key, const char *address,
			   const char *service)
{
	struct ddc *ddc = calloc(1, sizeof(*ddc));

	if (!ddc)
		return NULL;
	ddc->ddcs = ddcs;
	ddc->since_ms = clock_wall_ms();
	ddc->key = strdup(key);
	ddc->name = strdup(address);
	ddc->address = strdup(address);
	ddc->service = strdup(service);
	if (!ddc->key || !ddc->name || !ddc->address || !ddc->service) {
		free_one(ddc);
		return NULL;
	}
	return ddc;
}

static int put(struct ddcs *ddcs, struct ddc *ddc)
{
	size_t at = place_of(ddcs, ddc->key);

	if (ddcs->count == ddcs->room) {
		size_t room = ddcs->room ? 2 * ddcs->room : 64;
		struct ddc **items = reallocarray(ddcs->items, room, sizeof(struct ddc *));

		if (!items)
			return -ENOMEM;
		ddcs->items = items;
		ddcs->room = room;
	}
	memmove(&ddcs->items[at + 1], &ddcs->items[at], (ddcs->count - at) * sizeof(struct ddc *));
	ddcs->items[at] = ddc;
	ddcs->count++;
	return 0;
}

struct ddc *ddc_need(struct ddcs *ddcs, const char *address, const char *service,
		     enum ddc_source source)
{
	char key[DDC_KEY_MAX];
	struct ddc *ddc;
	bool is_new;

	zone_port("tcp", address, service, key);
	ddc = ddc_find(ddcs, key);
	is_new = !ddc;
	if (is_new) {
		if (ddcs->is_running && ddcs->count >= (size_t)ddcs->conf.controllers_max)
			return NULL;
		ddc = new_one(ddcs, key, address, service);
		if (!ddc || put(ddcs, ddc) < 0) {
			free_one(ddc);
			return NULL;
		}
	}
	if (!(ddc->sources & source)) {
		ddc->sources |= source;
		if (ddcs->is_running)
			ddc_mark(ddc);
	}
	if (ddcs->is_running && !ddc->timer)
		ddc_poll_start(ddc, 0);
	return ddc;
}

void ddc_leave(struct ddc *ddc, enum ddc_source source)
{
	if (!(ddc->sources & source))
		return;
	ddc->sources &= ~(unsigned int)source;
	ddc_mark(ddc);
	if (ddc->sources)
		return;
	ddc_poll_stop(ddc);
	ddc->timer = loop_source_free(ddc->timer);
	ddc_set_log(ddc, NULL);
}

void ddc_mark(struct ddc *ddc)
{
	struct ddcs *ddcs = ddc->ddcs;

	if (!ddc->is_dirty) {
		ddc->is_dirty = true;
		ddc->dirty_next = ddcs->dirty;
		ddcs->dirty = ddc;
	}
	ddc_join(ddcs);
}

/* --- what becomes of one */

void ddc_set_state(struct ddc *ddc, enum ddc_state state, const char *cause)
{
	bool same_cause = cause ? ddc->cause && strcmp(ddc->cause, cause) == 0 : !ddc->cause;

	if (ddc->state == state && same_cause)
		return;
	if (ddc->state != state) {
		ddc->since_ms = clock_wall_ms();
		if (state == DDC_LOST)
			log_warning("discovery controller %s (%s) is lost: %s", ddc->name, ddc->key,
				    cause ? cause : "");
		else if (ddc->state == DDC_LOST)
			log_notice("discovery controller %s (%s) answers again", ddc->name,
				   ddc->key);
	}
	ddc->state = state;
	free(ddc->cause);
	ddc->cause = cause ? strdup(cause) : NULL;
	ddc_mark(ddc);
}

static bool is_referral(const struct disc_record *record)
{
	return record->subtype == NVME_SUBTYPE_REFERRAL && record->trtype == NVME_TRTYPE_TCP;
}

static bool has_referrals(const struct disc_log *log)
{
	struct disc_record record;
	size_t i;

	for (i = 0; log && i < log->n_records; i++)
		if (disc_record_decode(disc_log_record(log, i), &record, NULL) == 0 &&
		    is_referral(&record))
			return true;
	return false;
}

static void sweep_soon(struct ddcs *ddcs)
{
	if (ddcs->is_running)
		loop_timer_set(ddcs->sweep, SWEEP_MS, SWEEP_MS / 4);
}

void ddc_set_log(struct ddc *ddc, struct disc_log *log)
{
	bool refers = has_referrals(log);

	if (refers || ddc->refers)
		sweep_soon(ddc->ddcs);
	disc_log_unref(ddc->log);
	ddc->log = log ? disc_log_ref(log) : NULL;
	ddc->refers = refers;
	cdc_mark_log(ddc->ddcs->collector->cdc, ddc->key);
	ddc_mark(ddc);
}

/* --- known from other ones */

static void follow(struct ddc *ddc, const struct disc_record *record)
{
	struct ddc *other = ddc_need(ddc->ddcs, record->traddr, record->trsvcid, DDC_REFERRAL);

	if (!other)
		return;
	other->is_referred = true;
	if (other->is_reached)
		return;
	other->is_reached = true;
	other->depth = ddc->depth + 1;
	/* what a tenant's controller leads to is the tenant's */
	if (ddc->tenant && !other->tenant) {
		other->tenant = strdup(ddc->tenant);
		cdc_mark_log(ddc->ddcs->collector->cdc, other->key);
	}
}

static void follow_all(struct ddc *ddc)
{
	struct disc_record record;
	size_t i;

	for (i = 0; i < ddc->log->n_records; i++)
		if (disc_record_decode(disc_log_record(ddc->log, i), &record, NULL) == 0 &&
		    is_referral(&record))
			follow(ddc, &record);
}

/* From those that are known otherwise, step by step: so cycles end, and do not keep each other. */
static void sweep_referrals(struct ddcs *ddcs)
{
	unsigned int depth;
	size_t i;

	for (i = 0; i < ddcs->count; i++) {
		struct ddc *ddc = ddcs->items[i];

		ddc->is_referred = false;
		ddc->is_reached = (ddc->sources & ~(unsigned int)DDC_REFERRAL) != 0;
		ddc->depth = 0;
	}
	/* who is found comes into the list, and moves those behind: nobody is passed over */
	for (depth = 0; depth < (unsigned int)ddcs->conf.referral_depth; depth++)
		for (i = 0; i < ddcs->count; i++)
			if (ddcs->items[i]->is_reached && ddcs->items[i]->refers &&
			    ddcs->items[i]->depth == depth)
				follow_all(ddcs->items[i]);
	for (i = 0; i < ddcs->count; i++)
		if (!ddcs->items[i]->is_referred)
			ddc_leave(ddcs->items[i], DDC_REFERRAL);
}

/* --- known from reports */

static int need_listener(void *data, const struct registry_source *source,
			 const struct registry_object *object)
{
	struct ddcs *ddcs = data;
	CLEANUP_JS struct js *attrs = NULL;
	const char *address;
	const char *service;
	struct ddc *ddc;

	if (!registry_object_is(object, "transport", "tcp"))
		return 0;
	attrs = registry_object_attrs(object);
	address = js_text(js_get(attrs, "address"));
	service = js_text(js_get(attrs, "service"));
	if (!address || !service)
		return 0;
	/* one that listens at every address is asked where its helper comes from */
	if (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0)
		address = source->address;
	if (!address || !*address)
		return 0;
	ddc = ddc_need(ddcs, address, service, DDC_REPORT);
	if (!ddc)
		return 0;
	ddc->is_seen = true;
	if (!(ddc->sources & DDC_CONF) && strcmp(ddc->name, source->node->name) != 0) {
		char *name = strdup(source->node->name);

		if (name) {
			free(ddc->name);
			ddc->name = name;
		}
	}
	return 0;
}

static void sweep(void *data)
{
	struct ddcs *ddcs = data;
	struct registry_filter filter = REGISTRY_FILTER_ANY;
	size_t i;

	for (i = 0; i < ddcs->count; i++)
		ddcs->items[i]->is_seen = false;
	filter.role = REPORT_TARGET;
	filter.kind = "listener";
	if (ddcs->conf.follow_reports)
		registry_each(ddcs->collector->registry, &filter, need_listener, ddcs);
	for (i = 0; i < ddcs->count; i++)
		if (!ddcs->items[i]->is_seen)
			ddc_leave(ddcs->items[i], DDC_REPORT);
	sweep_referrals(ddcs);
}

int ddc_on_event(void *data, const struct store_event *event, struct err *err)
{
	struct ddcs *ddcs = data;

	(void)err;
	if (strcmp(event->kind, "listener") == 0 || strcmp(event->kind, "node") == 0)
		sweep_soon(ddcs);
	return 0;
}

/* --- configuration */

static int set_text(char **at, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

/* Bytes of a UUID, with or without its dashes. Returns: has it all of them? */
static bool take_uuid(const char *text, uint8_t ret[NVME_HOSTID_BYTES])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t n = 0;

	for (; *text && n < (size_t)2 * NVME_HOSTID_BYTES; text++) {
		const char *at = strchr(digits, *text);

		if (*text == '-')
			continue;
		if (!at)
			return false;
		ret[n / 2] = (uint8_t)((unsigned int)ret[n / 2] << 4 | ((at - digits) & 0xf));
		n++;
	}
	return n == (size_t)2 * NVME_HOSTID_BYTES;
}

/* The host NQN's UUID is the host id, else the store's id is both. */
static int take_identity(struct ddcs *ddcs, struct err *err)
{
	static const char prefix[] = "nqn.2014-08.org.nvmexpress:uuid:";
	const char *id = store_id(ddcs->collector->store);

	if (ddcs->conf.hostnqn)
		snprintf(ddcs->hostnqn, sizeof(ddcs->hostnqn), "%s", ddcs->conf.hostnqn);
	else
		snprintf(ddcs->hostnqn, sizeof(ddcs->hostnqn), "%s%.8s-%.4s-%.4s-%.4s-%.12s",
			 prefix, id, id + 8, id + 12, id + 16, id + 20);
	if (strncmp(ddcs->hostnqn, prefix, sizeof(prefix) - 1) == 0)
		id = ddcs->hostnqn + sizeof(prefix) - 1;
	return take_uuid(id, ddcs->hostid)
		       ? 0
		       : err_set(err, -EINVAL, "there is no host id in %s", ddcs->hostnqn);
}

static int take_one(struct ddcs *ddcs, const struct ddc_conf_one *one)
{
	struct ddc *ddc = ddc_need(ddcs, one->address, one->service, DDC_CONF);

	if (!ddc)
		return -ENOMEM;
	ddc->is_seen = true;
	ddc->depth = 0;
	ddc->poll_ms = 1000 * one->poll_seconds;
	if (set_text(&ddc->name, one->name) < 0 || set_text(&ddc->tenant, one->tenant) < 0 ||
	    set_text(&ddc->nqn, one->nqn) < 0 || set_text(&ddc->key_file, one->key_file) < 0 ||
	    set_text(&ddc->controller_key_file, one->controller_key_file) < 0)
		return -ENOMEM;
	return 0;
}

/* Those of the store are asked from now on, not all in the same moment. */
static void start_all(struct ddcs *ddcs)
{
	size_t i;

	ddcs->is_running = true;
	for (i = 0; i < ddcs->count; i++)
		ddc_poll_start(ddcs->items[i], (int64_t)i * 1000 / ddcs->conf.start_per_second);
}

int ddc_configure(struct ddcs *ddcs, struct ddc_conf *take_conf, struct err *err)
{
	bool first = !ddcs->is_running;
	size_t i;
	int r = 0;

	ddc_conf_deinit(&ddcs->conf);
	ddcs->conf = *take_conf;
	*take_conf = (struct ddc_conf){ 0 };
	if (take_identity(ddcs, err) < 0)
		return -EINVAL;
	for (i = 0; i < ddcs->count; i++)
		ddcs->items[i]->is_seen = false;
	for (i = 0; r == 0 && i < ddcs->conf.count; i++)
		r = take_one(ddcs, &ddcs->conf.items[i]);
	if (r < 0)
		return err_nomem(err);
	if (first)
		start_all(ddcs);
	for (i = 0; i < ddcs->count; i++)
		if (!ddcs->items[i]->is_seen)
			ddc_leave(ddcs->items[i], DDC_CONF);
	sweep(ddcs);
	/* tenants may be others */
	cdc_mark(ddcs->collector->cdc);
	return 0;
}

/* --- life */

static void on_retry(void *data)
{
	ddc_join(data);
}

int ddc_new(struct collector *collector, struct ddcs **ret, struct err *err)
{
	struct ddcs *ddcs = calloc(1, sizeof(*ddcs));
	int r;

	if (!ddcs)
		return err_nomem(err);
	ddcs->collector = collector;
	ddcs->waiting_end = &ddcs->waiting;
	ddc_conf_init(&ddcs->conf);
	r = loop_add_timer(collector->loop, on_retry, ddcs, &ddcs->retry, err);
	if (r == 0)
		r = loop_add_timer(collector->loop, sweep, ddcs, &ddcs->sweep, err);
	if (r == 0)
		r = ddc_load(ddcs, err);
	if (r < 0)
		ddc_free(ddcs);
	else
		*ret = ddcs;
	return r;
}

void ddc_free(struct ddcs *ddcs)
{
	if (!ddcs)
		return;
	while (ddcs->count)
		free_one(ddcs->items[--ddcs->count]);
	free(ddcs->items);
	ddc_conf_deinit(&ddcs->conf);
	loop_source_free(ddcs->retry);
	loop_source_free(ddcs->sweep);
	free(ddcs);
}

/* --- looking */

static struct ddc_view view_of(const struct ddc *ddc)
{
	return (struct ddc_view){ ddc->key, ddc->name, ddc->tenant, ddc->state, ddc->log };
}

bool ddc_get(const struct ddcs *ddcs, const char *key, struct ddc_view *ret)
{
	const struct ddc *ddc = ddc_find(ddcs, key);

	if (!ddc || !ddc->sources)
		return false;
	*ret = view_of(ddc);
	return true;
}

void ddc_each(const struct ddcs *ddcs, ddc_fn fn, void *data)
{
	size_t i;

	for (i = 0; i < ddcs->count; i++) {
		const struct ddc_view view = view_of(ddcs->items[i]);

		if (ddcs->items[i]->sources)
			fn(data, &view);
	}
}

void ddc_count(const struct ddcs *ddcs, struct ddc_counts *ret)
{
	size_t i;

	*ret = (struct ddc_counts){ 0 };
	for (i = 0; i < ddcs->count; i++) {
		const struct ddc *ddc = ddcs->items[i];

		if (!ddc->sources)
			continue;
		ret->total++;
		ret->up += ddc->state == DDC_UP;
		ret->lost += ddc->state == DDC_LOST;
		ret->records += ddc->log ? ddc->log->n_records : 0;
	}
}
