/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-events-own - what the files of rf-events share: rf-events.c (the service, what goes out when),
 * rf-events-record.c (one event), rf-events-destination.c (subscriptions), rf-events-push.c (their
 * delivery), rf-events-stream.c (server-sent events).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/js.h"
#include "base/str.h"
#include "collector/rf-events-net.h"
#include "collector/rf-events.h"
#include "core/httpc.h"
#include "core/loop.h"

#define RING_BYTES (768u << 10) /* of what is kept for streams: fits into what one may wait for */
#define RING_MAX 4096
#define QUEUE_MAX 1000 /* of a destination */
#define STREAM_CONTEXT "ServerSentEvents"

struct rfevents;

/* --- one event */

struct rf_record {
	uint64_t id;
	unsigned int refs;
	unsigned int severity; /* enum rf_severity */
	const char *registry;  /* "ResourceEvent.1.4" */
	const char *key;
	char type[48]; /* of the origin, "Volume"; "" */
	char *origin;  /* URI; NULL none */
	char *tail;    /* the document after its Context */
	size_t length;
};

struct rf_record_about {
	const char *message;
	const char *const *args;
	const char *origin;	    /* NULL none */
	const char *type;	    /* "" */
	uint64_t group;		    /* EventGroupId; 0: its own id */
	const struct js *overrides; /* members that stand instead, of a test; NULL none */
};
/* Returns: 0, *ret with one reference; -ENOENT no such message; -ENOMEM. */
int rf_record_new(uint64_t id, const struct rf_record_about *about, struct rf_record **ret);
struct rf_record *rf_record_ref(struct rf_record *record);
void rf_record_unref(struct rf_record *record);
/* The whole document. @context  quoted JSON */
void rf_record_format(const struct rf_record *record, const char *context, struct str *out);

/* What a change of the tree is called for people, beside ResourceEvent. Returns: NULL nothing.
 * @ret_args  point into @uri's copy in @buffer */
const char *rf_record_people(const struct rf_event *event, const char *type,
			     char buffer[RF_URI_MAX], const char *ret_args[4]);
/* What it is called for machines. */
const char *rf_record_machines(const struct rf_event *event);
/* "Volume" of "#Volume.v1_10_0.Volume" */
void rf_record_type(const char *odata_type, char ret[48]);

/* --- destinations */

struct destination {
	TAILQ_ENTRY(destination) next;
	struct rfevents *rfevents;
	struct rf_resource *resource;
	char id[24];
	struct js *js; /* as it is stored, with its HttpHeaders */
	bool stale;    /* while it is read again */
	/* delivery */
	struct rf_record *queue[QUEUE_MAX];
	size_t first, count;
	struct rf_record *flight; /* that is sent, or is to be sent again */
	uint64_t lost_id;	  /* the last that was dropped, and not told yet; 0 none */
	bool is_telling;	  /* that is what is sent */
	struct httpc_call *call;
	struct loop_source *timer;
	unsigned int failed; /* one after the other */
	bool waits;	     /* for the timer */
	bool suspended;
	bool ending; /* it is being deleted */
};

struct stream {
	TAILQ_ENTRY(stream) next;
	struct rfevents *rfevents;
	struct rf_resource *resource;
	struct httpd_stream *http;
	uint64_t since; /* id: before it, it was not there */
	char who[RF_NAME_MAX + 1];
};

struct rfevents {
	struct redfish *redfish;
	struct rf_resource *service;
	struct rf_resource *collection;
	int64_t attempts, interval_seconds;
	uint64_t next_id, reserved_id;
	bool is_reserving;
	bool is_ready; /* the tree was settled once */

	struct rf_net *nets;
	size_t n_nets;
	size_t streams_max, destinations_max;

	/* not sent yet */
	struct rf_record **pending;
	size_t n_pending, pending_room;
	struct loop_source *post;

	struct rf_record *ring[RING_MAX];
	size_t ring_first, ring_count, ring_bytes;
	uint64_t forgotten_id; /* the last that is in the ring no more */

	TAILQ_HEAD(, destination) destinations;
	size_t n_destinations;
	struct httpc *verifying, *trusting;

	TAILQ_HEAD(, stream) streams;
	size_t n_streams;
	uint64_t opened;     /* for their ids */
	int64_t followed_ms; /* monotonic: somebody was there; 0 never */
};

/* --- of rf-events-destination.c */
extern const struct rf_class rf_destination_class;
extern const struct rf_class rf_destinations_class;
int rf_destinations_load(struct rfevents *rfevents, struct err *err);
void rf_destinations_reload(struct rfevents *rfevents);
void rf_destinations_free(struct rfevents *rfevents);
/* From the store, then from memory; by itself. */
void rf_destination_end(struct destination *destination);
/* Is that what it asked for? */
bool rf_destination_wants(const struct destination *destination, const struct rf_record *record);

/* --- of rf-events-push.c */
int rf_push_init(struct destination *destination, struct err *err);
void rf_push_deinit(struct destination *destination);
void rf_push_add(struct destination *destination, struct rf_record *record);
void rf_push_go_on(struct destination *destination);
void rf_push_resume(struct destination *destination);

/* --- of rf-events-stream.c */
extern const struct rf_class rf_stream_class;
/* @text  events as they go to each; @first  id of the first of them */
void rf_streams_send(struct rfevents *rfevents, const struct str *text, uint64_t first);
void rf_streams_format(const struct rf_record *record, struct str *out);
