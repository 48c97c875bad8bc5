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

#include <stdint.h>

#include "base/err.h"
#include "collector/auth.h"
#include "collector/commit.h"
#include "collector/events.h"
#include "collector/intent.h"
#include "collector/registry.h"
#include "collector/setup.h"
#include "collector/store.h"
#include "core/loop.h"

struct collector {
	struct loop *loop;
	struct setup setup;
	struct store *store;
	struct registry *registry;
	struct events *events;
	struct auth *auth;
	struct commit *commit;
	struct intents *intents;
	struct lease *lease;
	struct ingest *ingest;
	struct front *front;
	int64_t started_ms; /* wall clock */
	uint64_t reports;   /* since then */
	const char *version;
};

/* Everything but the listening socket. @store_path  ":memory:" for tests.
 * Returns: 0; negative errno. */
int collector_init(struct collector *collector, struct loop *loop, const struct setup *setup,
		   const char *store_path, struct err *err);
void collector_deinit(struct collector *collector);

/* The monotonic clock of this round of the loop. */
int64_t collector_now_ms(const struct collector *collector);
