/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lease - helpers that are silent for too long are lost, and are back when they are heard again.
 *
 * One timer for all: a heap by the moment when each lease ends. Moments are of the monotonic clock,
 * so that nobody is lost because the time of day was set. Nothing is deleted when one is lost: an
 * event says so, and its objects are stale.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "collector/registry.h"

struct collector;
struct lease;

int lease_new(struct collector *collector, struct lease **ret, struct err *err);
void lease_free(struct lease *lease);

/* Heard of it: its lease runs for @ms from now. Returns: 0; -ENOMEM. */
int lease_renew(struct lease *lease, struct registry_source *source, int64_t ms, struct err *err);
/* Before a source goes. */
void lease_forget(struct lease *lease, struct registry_source *source);
/* What a report of that interval gets, within the bounds of the configuration. */
int64_t lease_ms(const struct lease *lease, int64_t interval_ms);
/* All that are online, after a load. Returns: 0; -ENOMEM. */
int lease_start(struct lease *lease, struct err *err);
