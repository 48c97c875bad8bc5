/* SPDX-License-Identifier: BSD-3-Clause */
/* cdc-own - what the files of cdc share: the model, hosts, pages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/cdc.h"
#include "collector/ddc.h"
#include "collector/registry.h"
#include "collector/zone.h"
#include "core/loop.h"
#include "nvmf/disc-log.h"
#include "nvmf/disc-server.h"

#define CDC_BUCKETS 8192

/* --- model: what is exported where, and for whom
 *
 * A part is what one source says: a target's daemon, or the log of a discovery controller. Its
 * entries stand at places: a subsystem at a port. Those who say the same place are one. A guest is
 * a host that a target lets in somewhere. A part that has changed is made anew, and what has
 * changed in it says which hosts may see something else now.
 */

struct cdc_place;

struct cdc_part {
	struct cdc_part *next; /* of its bucket */
	bool is_log;
	bool is_dirty;
	struct cdc_part *dirty_next;
	char *id;		    /* of the node, or the key of the controller */
	char *tenant;		    /* of the controller; or NULL */
	struct cdc_entry **entries; /* in an order of their own */
	size_t count;
};

#define CDC_HEAD_BYTES offsetof(struct disc_record, trsvcid) /* all of it but texts */

struct cdc_entry {
	struct cdc_part *part;
	struct cdc_place *place;
	struct cdc_entry *twin;	   /* the next at the same place */
	struct cdc_guest **guests; /* who is let in, in the order of pointers */
	size_t n_guests;
	bool any_host;
	uint8_t head[CDC_HEAD_BYTES];
	char address[]; /* and after its NUL the service */
};

struct cdc_place {
	struct cdc_place *next;	   /* of its bucket */
	struct cdc_entry *entries; /* a target's before a log's */
	size_t holds;		   /* entries that name it, also those that are not at it yet */
	size_t index;		   /* in the model */
	uint64_t asked;		   /* the question for a view in which it is allowed */
	char *port;		   /* in text */
	char nqn[];		   /* and after its NUL the port */
};

struct cdc_guest {
	struct cdc_guest *next; /* of its bucket */
	struct cdc_guest *dirty_next;
	bool is_dirty;
	size_t holds;
	struct cdc_place **places; /* as often as entries let him in */
	size_t count, room;
	char nqn[];
};

struct cdc_model {
	const struct zones *zones;
	struct cdc_part *parts[CDC_BUCKETS];
	struct cdc_place *place_table[CDC_BUCKETS];
	struct cdc_guest *guests[CDC_BUCKETS];
	struct cdc_place **places; /* in no order */
	size_t n_places, place_room;
	struct cdc_place **open; /* for any host, in the order of views; unless is_open_old */
	size_t n_open;
	bool is_open_old;
	uint64_t asked;
	/* what has changed */
	struct cdc_part *dirty_parts;
	struct cdc_guest *dirty_guests;
	bool is_all_changed; /* anybody's view */
	size_t n_tenants;    /* parts that have one */
};

/* Empty. Returns: NULL out of memory. */
struct cdc_model *cdc_model_new(const struct zones *zones);
void cdc_model_free(struct cdc_model *model); /* NULL is allowed */

/* That part may be another one. Returns: 0; -ENOMEM. */
int cdc_model_mark(struct cdc_model *model, bool is_log, const char *id);
/* So may all. Returns: 0; -ENOMEM. */
int cdc_model_mark_all(struct cdc_model *model, const struct registry *registry,
		       const struct ddcs *ddcs);
/* Make anew what was marked: is_all_changed and dirty_guests say for whom it matters. What only a
 * log has, zones and tenants show, and nothing else. Returns: 0; -ENOMEM the model is worthless. */
int cdc_model_update(struct cdc_model *model, const struct registry *registry,
		     const struct ddcs *ddcs);
/* Those whose view may have changed since the last time. */
typedef void (*cdc_guest_fn)(void *data, const struct cdc_guest *guest);
void cdc_model_each_dirty(struct cdc_model *model, cdc_guest_fn fn, void *data);

/* NULL: nobody lets him in by name. */
struct cdc_guest *cdc_guest_find(const struct cdc_model *model, const char *hostnqn);
/* The places that a host sees, in their order. A place that is in the log of a tenant's controller
 * is fenced by that tenant, whoever else says it. Returns: 0, *ret owned; -ENOMEM. */
int cdc_model_view(struct cdc_model *model, const char *hostnqn, struct cdc_place ***ret,
		   size_t *ret_count, struct err *err);
/* As it is shown: as the first says it. */
void cdc_place_record(const struct cdc_place *place, struct disc_record *ret);

/* --- cdc-part.c: what a part says now */

struct cdc_making {
	struct cdc_model *model;
	struct cdc_part *part;
	struct cdc_entry **entries;
	size_t count, room;
	bool failed; /* out of memory */
};
void cdc_part_read(struct cdc_making *making, const struct registry *registry,
		   const struct ddcs *ddcs);

/* Found or made; what is held by no entry goes with cdc_entry_free. NULL: out of memory. */
struct cdc_place *cdc_place_need(struct cdc_model *model, const char *nqn, const char *port);
struct cdc_guest *cdc_guest_need(struct cdc_model *model, const char *hostnqn);
void *cdc_grow(void *at, size_t *io_room, size_t count, size_t size);
uint64_t cdc_hash(const void *bytes, size_t length);

/* --- hosts and pages */

/* A connection of a host. */
struct cdc_conn {
	struct cdc_conn *next;
	struct cdc_host *host;
	struct disc_conn *conn;
	struct disc_record self; /* where it reached us */
	char address[64];
};

/* A host that was here since the start. */
struct cdc_host {
	struct cdc_host *next; /* of its bucket */
	struct cdc_host *newer, *older;
	struct cdc_host *due_next, **due_at; /* his view is to be looked at */
	char *nqn;
	struct cdc_conn *conns;
	uint64_t generation; /* the newest that it got */
	uint64_t read_generation;
	int64_t read_ms; /* wall clock */
};

/* Who read which generation. */
struct cdc_reading {
	char *nqn;
	char address[64];
	uint64_t generation;
	size_t n_records;
	int64_t first_ms, last_ms; /* wall clock */
	uint64_t times;
};

#define CDC_HOSTS_MAX 65536 /* remembered; of those that are gone the longest go first */
#define CDC_READINGS_MAX 4096

struct cdc_page {
	struct cdc_page *next;
	uint64_t hash;
	struct disc_log *log;
};

/* Hosts that nobody lets in by name, in the same zones, at the same address of ours, see the same.
 * Until something changes, one page is for all of them. */
struct cdc_class {
	struct cdc_class *next; /* of its bucket */
	struct disc_record self;
	const struct zone **zones;
	size_t n_zones;
	struct disc_log *log;
};
#define CDC_CLASS_BUCKETS 256

struct cdc {
	struct collector *collector;
	struct disc_server *server;
	struct hostkeys *keys;
	char nqn[NQN_MAX + 1];
	struct cdc_model *model; /* NULL: to be made anew */
	uint64_t zones_version;	 /* that views were made with */
	struct loop_source *timer;
	struct loop_source *post;
	bool is_dirty;			 /* something happened since the model was made */
	bool is_all_dirty;		 /* and it is not known what */
	bool is_due;			 /* the timer runs, or the end of this round */
	struct cdc_host *due, **due_end; /* hosts whose view is to be looked at */
	struct cdc_class *classes[CDC_CLASS_BUCKETS];
	uint64_t generation; /* the last that was given */
	uint64_t floor;	     /* the newest that a host knows who was forgotten */
	struct cdc_host *hosts[CDC_BUCKETS];
	struct cdc_host *newest, *oldest;
	unsigned int n_hosts;
	struct cdc_page *pages[CDC_BUCKETS];
	struct cdc_reading readings[CDC_READINGS_MAX];
	size_t n_readings, next_reading;
};

/* The page of a connection, as it is now. Returns: 0, *ret owned, NULL if it is the one that the
 * connection has; -ENOMEM. */
int cdc_page_of(struct cdc *cdc, const struct cdc_conn *conn, struct disc_log **ret,
		struct err *err);
/* Those that no host has any more. @all  whoever has them */
void cdc_pages_drop(struct cdc *cdc, bool all);
/* Something has changed. */
void cdc_classes_drop(struct cdc *cdc);

/* NULL: it was not here. */
struct cdc_host *cdc_host_find(const struct cdc *cdc, const char *nqn);
/* The model as it is now; whose view has changed is told soon. Returns: 0; -ENOMEM. */
int cdc_need_model(struct cdc *cdc, struct err *err);
