/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intent - attachments and exports: what was asked for, how far it is, and what that wants of
 * the helpers.
 *
 * Each is a document in the store ("attachment/ID", "export/ID"), a state machine in memory, and
 * entries of registry_want. It moves on by events (helpers report objects of kind "intent",
 * "session", "controller", "device" ..) and by time. All changes are made in a transaction.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "collector/api.h"
#include "collector/store.h"

struct collector;
struct intents;

/* Out of the store, after the registry was loaded. Returns: 0, *ret owned; negative errno. */
int intent_new(struct collector *collector, struct intents **ret, struct err *err);
void intent_free(struct intents *intents);

/* A commit failed: what is in memory is read from the store again. */
void intent_reload(struct intents *intents);

/* An event, in its transaction (events_subscribe). @data  the intents */
int intent_on_event(void *data, const struct store_event *event, struct err *err);

/* Routes of attachments and exports; the last has no method. */
extern const struct api_route intent_routes[];

/* For /status and /metrics: how many of each. */
struct intent_counts {
	size_t attachments, attached, failed, exports;
};
void intent_count(const struct intents *intents, struct intent_counts *ret);
