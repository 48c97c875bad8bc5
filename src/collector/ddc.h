/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ddc - direct discovery controllers: those that the collector asks what can be reached where.
 *
 * Each is known from somewhere: the configuration, a listener that a target's daemon reports, a
 * referral in another one's log, a registration. It is asked over a connection that stays, so that
 * a change is told at once; when it is lost, it is tried again, ever more seldom, and what it said
 * is kept as stale. "No answer" is never an empty log.
 *
 * What it said last, and how it is, are documents in the store ("ddc/KEY", "ddc-log/KEY"): after a
 * restart all of it is there, stale until it answers. Changes are events of the kind "ddc", and of
 * the kind "record" for what came, changed or went in its log; the first log is one event.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/api.h"
#include "collector/ddc-conf.h"
#include "collector/store.h"
#include "nvmf/disc-log.h"

#define DDC_KEY_MAX 352 /* "tcp,ADDRESS,SERVICE" with its NUL, as of zone_port */

struct collector;
struct ddcs;

enum ddc_state {
	DDC_UNKNOWN, /* not heard of since the start, or since it is known */
	DDC_UP,	     /* it has answered, and its connection stands, or it is polled */
	DDC_LOST,    /* it does not answer; tried again and again */
};

enum ddc_source {
	DDC_CONF = 1 << 0,
	DDC_REPORT = 1 << 1,
	DDC_REFERRAL = 1 << 2,
	DDC_REGISTERED = 1 << 3,
};

/* Out of the store, after the registry was loaded; nobody is asked yet. Returns: 0, *ret owned;
 * negative errno. */
int ddc_new(struct collector *collector, struct ddcs **ret, struct err *err);
void ddc_free(struct ddcs *ddcs);

/* Begin to ask, or go on with another configuration. Who is not known from anywhere any more is
 * forgotten. @take_conf  its content is owned; empty after. Returns: 0; -ENOMEM. */
int ddc_configure(struct ddcs *ddcs, struct ddc_conf *take_conf, struct err *err);

/* An event, in its transaction (events_subscribe). @data  the ddcs */
int ddc_on_event(void *data, const struct store_event *event, struct err *err);

/* GET /ddcs, /ddcs/KEY. The last has no method. */
extern const struct api_route ddc_routes[];

/* One of them, borrowed until the next change. */
struct ddc_view {
	const char *key;
	const char *name;
	const char *tenant; /* or NULL */
	enum ddc_state state;
	const struct disc_log *log; /* NULL: it never answered */
};
/* Returns: false: there is none. */
bool ddc_get(const struct ddcs *ddcs, const char *key, struct ddc_view *ret);
typedef void (*ddc_fn)(void *data, const struct ddc_view *ddc);
void ddc_each(const struct ddcs *ddcs, ddc_fn fn, void *data);

/* For /status and /metrics. */
struct ddc_counts {
	size_t total, up, lost, records;
};
void ddc_count(const struct ddcs *ddcs, struct ddc_counts *ret);

const char *ddc_state_word(enum ddc_state state);
