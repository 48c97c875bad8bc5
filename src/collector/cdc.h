/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cdc - the central discovery controller: each host sees what it may connect to, and nothing else.
 *
 *   registry, zones -> cdc-model: what is exported where, and for whom
 *                   -> cdc-view, cdc-page: a page for each host, equal ones shared
 *                   -> cdc -> disc-server (nvmf)
 *
 * A host's page has a generation counter of its own, which never goes back, not over a restart
 * either: each page that is made gets a new number, and numbers are reserved in the store. After a
 * commit, once for all that came together, what changed in the model says whose view can be another
 * one; those are made anew, and only hosts whose view is another one now are told.
 *
 * Silence is not emptiness: what a target said stays in the views while it is lost.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "collector/api.h"
#include "collector/store.h"
#include "nvmf/disc-server.h"

struct collector;
struct cdc;

/* Listen as the configuration says; *ret is NULL if it says nothing. Returns: 0, *ret owned;
 * -EADDRINUSE and other negative errno. */
int cdc_new(struct collector *collector, struct cdc **ret, struct err *err);
void cdc_free(struct cdc *cdc); /* NULL is allowed */

/* An event, in its transaction. Returns: 0. */
int cdc_on_event(void *data, const struct store_event *event, struct err *err);
/* Anything may have changed, without an event. NULL is allowed. */
void cdc_mark(struct cdc *cdc);
/* The log of that discovery controller may be another one, or its tenant. NULL is allowed. */
void cdc_mark_log(struct cdc *cdc, const char *key);
/* After a commit, or after one that failed: views follow soon. NULL is allowed. */
void cdc_flush(struct cdc *cdc);

/* GET /views, /views?host=HOSTNQN, /audit. The last has no method. */
extern const struct api_route cdc_routes[];

void cdc_counters(const struct cdc *cdc, struct disc_server_counters *ret);
