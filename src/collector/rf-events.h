/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-events - EventService: changes of the tree as events of Redfish, pushed to subscribers and to
 * streams of server-sent events.
 *
 * Each change makes an event for machines (ResourceEvent), and where there is a message that tells
 * people more, another one. An event is rendered once; it is kept in a ring for streams that come
 * again (Last-Event-ID), and in a bounded queue of each destination that it fits, oldest dropped.
 * To a destination goes one at a time, in order. Ids rise, also over restarts.
 *
 * Destinations are documents "subscription/ID" in the store. What they name is connected to if its
 * address is in the configured networks, else if it is not loopback, link-local or of a
 * cloud's metadata; the address is looked at when it is connected to, after names were resolved.
 *
 * Source: DSP0266 (eventing, server-sent events), redfish.md 4.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/httpd.h"
#include "redfish/rf-service.h"

#define RFEVENTS_URI RF_ROOT "/EventService"
#define RFEVENTS_SSE_URI RFEVENTS_URI "/SSE"
#define RFEVENTS_SUBSCRIPTIONS_URI RFEVENTS_URI "/Subscriptions"

struct redfish;
struct rfevents;

/* EventService with Subscriptions; they are put into redfish->tree, which is watched. Others may
 * add resources of their own below Subscriptions. Returns: 0, *ret owned; as the store's; -EINVAL a
 * network; -ENOMEM. */
int rfevents_new(struct redfish *redfish, struct rfevents **ret, struct err *err);
void rfevents_free(struct rfevents *rfevents);
/* A commit failed: what is in memory is read from the store again. */
void rfevents_reload(struct rfevents *rfevents);

struct rfevents_limits {
	const char *const *networks; /* "10.0.0.0/8", "fd00::/8"; without any: see above */
	size_t n_networks;
	size_t streams;	      /* 0: 256 */
	size_t subscriptions; /* 0: 64 */
};
/* Returns: 0; -EINVAL a network; -ENOMEM. */
int rfevents_configure(struct rfevents *rfevents, const struct rfevents_limits *limits,
		       struct err *err);

/* After the tree was settled: what it told goes out. */
void rfevents_flush(struct rfevents *rfevents);

/*
 * One event that is no change of the tree, such as "HeartbeatEvent.RedfishServiceStarted"; goes out
 * at the next flush.
 * @args    as many as the message has
 * @origin  URI; NULL none
 * Returns: 0; -ENOENT there is no such message; -ENOMEM.
 */
int rfevents_send(struct rfevents *rfevents, const char *message, const char *const *args,
		  const char *origin);

/* Answer a GET of RFEVENTS_SSE_URI, of somebody who has logged in: by a stream, or an error. */
void rfevents_follow(struct rfevents *rfevents, struct httpd_request *request,
		     const struct rf_who *who);
/* His right is void, or less than it was: his streams are closed. */
void rfevents_end(struct rfevents *rfevents, const char *who);
/* A comment to each stream, so that a dead one is noticed. */
void rfevents_keep_alive(struct rfevents *rfevents);
/* The server of the streams ends. */
void rfevents_forget_streams(struct rfevents *rfevents);
/* Is there a subscription or a stream, or was there one in the last five minutes? Who comes again
 * is told what happened meanwhile, step by step. */
bool rfevents_is_followed(struct rfevents *rfevents);
size_t rfevents_stream_count(const struct rfevents *rfevents);
