/* SPDX-License-Identifier: BSD-3-Clause */
/* ddc-own - what the files of direct discovery controllers share: one of them, and all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/js.h"
#include "collector/ddc.h"
#include "core/loop.h"
#include "nvmf/disc-client.h"

struct ddc {
	struct ddcs *ddcs;
	char *key;
	char *name;
	char *tenant; /* or NULL */
	char *nqn;    /* or NULL */
	/* paths; or NULL */
	char *key_file, *controller_key_file;
	char *address, *service;
	unsigned int sources; /* enum ddc_source */
	unsigned int depth;   /* of the shortest way of referrals to it; 0 known otherwise */
	int64_t poll_ms;      /* 0: its connection stays */

	enum ddc_state state;
	int64_t since_ms;		       /* wall clock */
	int64_t read_ms;		       /* wall clock, of the log */
	char *cause;			       /* why it was lost; or NULL */
	struct disc_log *log;		       /* or NULL */
	bool refers;			       /* it has referrals */
	bool is_seen, is_referred, is_reached; /* in a sweep */

	/* for the store */
	struct disc_log *stored;  /* the log that is there; or NULL */
	struct disc_log *written; /* the same, in this transaction; or NULL */
	bool is_told;		  /* an event said that it is there */
	bool is_written, is_dirty;
	struct ddc *dirty_next, *written_next;

	/* connecting */
	struct disc_client *client;
	struct loop_source *timer;
	unsigned int failures; /* in a row */
	bool is_waiting;       /* for its turn */
	bool is_starting;      /* counted among those that connect */
	struct ddc *waiting_next;
};

struct ddcs {
	struct collector *collector;
	struct ddc **items; /* in the order of their keys */
	size_t count, room;
	struct ddc_conf conf;
	bool is_running;
	char hostnqn[NQN_MAX + 1];
	uint8_t hostid[NVME_HOSTID_BYTES];

	struct ddc *dirty;
	struct ddc *written;	   /* in this transaction */
	bool has_joined;	   /* the next transaction writes those that are dirty */
	struct loop_source *retry; /* of a failed one */
	struct loop_source *sweep; /* listeners have changed */

	struct ddc *waiting, **waiting_end;
	unsigned int starting;
};

/* --- ddc.c */

struct ddc *ddc_find(const struct ddcs *ddcs, const char *key);
/* Find or make it. NULL: out of memory, or there are controllers_max. */
struct ddc *ddc_need(struct ddcs *ddcs, const char *address, const char *service,
		     enum ddc_source source);
/* It is not known from there any more. If from nowhere, it goes: do not use it then. */
void ddc_leave(struct ddc *ddc, enum ddc_source source);
/* Its state or its log has changed: stored and told soon. */
void ddc_mark(struct ddc *ddc);
void ddc_set_state(struct ddc *ddc, enum ddc_state state, const char *cause);
/* Its log is another one; one more owner is made. */
void ddc_set_log(struct ddc *ddc, struct disc_log *log);
struct js *ddc_format(const struct ddc *ddc);
struct js *ddc_format_record(const struct disc_record *record);
void ddc_drop(struct ddc *ddc); /* out of the table, and freed */

/* --- ddc-poll.c */

/* Ask it after that time. */
void ddc_poll_start(struct ddc *ddc, int64_t after_ms);
/* No more. */
void ddc_poll_stop(struct ddc *ddc);

/* --- ddc-store.c */

/* What is stored, in a table that is empty. */
int ddc_load(struct ddcs *ddcs, struct err *err);
/* Write all that is dirty with the next transaction. */
void ddc_join(struct ddcs *ddcs);
