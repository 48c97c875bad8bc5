/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collector - the parts of one running collector, and how they hang together.
 *
 *   httpd -> front -> api -> handlers -> registry, events, intents -> store
 *                 \-> commit: one transaction for all of a round
 *
 * "Reload": memory is changed inside a transaction together with the store. If the commit fails,
 * each part reads again what it had changed: registry_heal, intent_reload, auth_load, events_drop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/auth.h"
#include "collector/cdc.h"
#include "collector/commit.h"
#include "collector/ddc.h"
#include "collector/dim.h"
#include "collector/events.h"
#include "collector/intent.h"
#include "collector/registry.h"
#include "collector/setup.h"
#include "collector/store.h"
#include "collector/zone.h"
#include "core/loop.h"

struct redfish;

struct collector {
	struct loop *loop;
	struct setup setup;
	struct store *store;
	struct registry *registry;
	struct events *events;
	struct auth *auth;
	struct commit *commit;
	struct intents *intents;
	struct zones *zones;
	struct cdc *cdc; /* NULL: no discovery controller */
	struct ddcs *ddcs;
	struct redfish *redfish; /* NULL: none */
	struct dims *dims;
	struct lease *lease;
	struct front *front; /* NULL: nobody can ask */
	struct loop_source *tick;
	bool store_failed;  /* it was said */
	int64_t started_ms; /* wall clock */
	uint64_t reports;   /* since then */
	const char *version;
};

/* Everything but the listening socket. @store_path  ":memory:" for tests.
 * Returns: 0; negative errno. */
int collector_init(struct collector *collector, struct loop *loop, const struct setup *setup,
		   const char *store_path, struct err *err);
/* Take over certificates and the bounds of leases. Returns: 0; -EINVAL and negative errno: nothing
 * was taken over. */
int collector_reload(struct collector *collector, const struct setup *setup, struct err *err);
/* Write all that waits, and what is only in the log to its tables: the next start is quick. */
void collector_save(struct collector *collector);
void collector_deinit(struct collector *collector);

/* The monotonic clock of this round of the loop. */
int64_t collector_now_ms(const struct collector *collector);
