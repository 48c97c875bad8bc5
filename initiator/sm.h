/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sm - what to do about each wanted connection: a state machine without input, output or clock.
 *
 * The daemon tells it what is wanted, what is there, how probes, connects and disconnects went and
 * what time it is, and asks it what to do next. Many probes may run, one connect, since the kernel
 * holds a lock of the whole host during one; those whose address answers go before those of which
 * that is not known. A controller that lost its target is the kernel's business as long as it
 * exists; when it is gone, we begin anew, for ever, with growing pauses. Nothing is ever
 * disconnected but what sm_disconnect was called for.
 *
 *   down -> waiting -> probing -> connecting -> up <-> lost -> (gone) waiting ..
 *                         \-> waiting, excluded
 *
 * Times are milliseconds of any clock that does not go back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "initiator/conf.h"
#include "initiator/inventory.h"

#define SM_PROBES_MAX 64
#define SM_ERROR_MAX 384
#define SM_EXCLUDED_MS 60000 /* until the list is looked at again */

enum sm_state {
	SM_DOWN,       /* nothing is done for it: it was disconnected by a command */
	SM_WAITING,    /* until next_ms */
	SM_EXCLUDED,   /* an administrator's list forbids it */
	SM_PROBING,    /* does the address answer? */
	SM_CONNECTING, /* in the lane, or another connects it */
	SM_UP,	       /* its controller is live */
	SM_LOST,       /* its controller is there and not live: the kernel tries */
	SM_DISCONNECTING,
};

/* Who wants it; several may. */
enum { SM_CONF = 1 << 0, SM_COMMAND = 1 << 1, SM_COLLECTOR = 1 << 2, SM_BOOT = 1 << 3 };

struct sm;

struct sm_config {
	int64_t retry_min_ms;
	int64_t retry_max_ms;
	int64_t refused_ms;
	const char *hostnqn; /* this host's own; copied */
	uint64_t seed;	     /* of the jitter */
};

/* Returns: 0, *ret owned; -ENOMEM. */
int sm_new(const struct sm_config *config, struct sm **ret, struct err *err);
void sm_free(struct sm *sm);
void sm_configure(struct sm *sm, const struct sm_config *config);

static inline void sm_free_p(struct sm **sm)
{
	sm_free(*sm);
}
#define CLEANUP_SM __attribute__((cleanup(sm_free_p)))

/* --- what is wanted */

/*
 * One more source wants it; one that is down or about to be disconnected is wanted again.
 * Call sm_look after it. Returns: the entry's id, from 1; -E2BIG; -ENOMEM.
 */
int sm_want(struct sm *sm, const struct conf_connection *connection, unsigned int source,
	    struct err *err);

/* A source does not want it any more. If none does, it is forgotten, and whatever is there is left
 * alone. Returns: was it wanted by that source? */
bool sm_unwant(struct sm *sm, const struct tid *tid, unsigned int source);

/*
 * It is to be gone. When it is, an entry that no source wants is forgotten; else it stays down
 * until it is wanted anew.
 * @force  also where it is in use, or another's
 * Returns: the entry's id; -ENOENT it is not known (what is there and was never wanted is the
 * caller's to disconnect).
 */
int sm_disconnect(struct sm *sm, int64_t now, const struct tid *tid, bool force);

/* It is not to be gone after all; one that no source wants is forgotten. */
void sm_cancel_disconnect(struct sm *sm, unsigned int id);

/* --- what happened */

/* What is there now. To be called once before anything is done, and after each change. */
void sm_look(struct sm *sm, int64_t now, const struct inventory *inventory);

/* Of an action; ids that are not known any more are ignored.
 * @r  0; -EOPNOTSUPP nobody can tell (no probe for that transport); other negative errno */
void sm_probed(struct sm *sm, int64_t now, unsigned int id, int r, const char *text);
/* Instead of a probe or a connect. @why  the entry of the list */
void sm_excluded(struct sm *sm, int64_t now, unsigned int id, const char *why);
/* @controller  nvmeN if @r is 0 */
void sm_connected(struct sm *sm, int64_t now, unsigned int id, int r, const char *text);
void sm_disconnected(struct sm *sm, int64_t now, unsigned int id, int r, const char *text);
/* The connect takes longer than it should; it goes on. */
void sm_is_late(struct sm *sm, unsigned int id, const char *text);
/* The network changed: what waits because it was not reached is tried soon. */
void sm_poke(struct sm *sm, int64_t now);

/* --- what to do */

enum sm_action_kind { SM_ACT_PROBE, SM_ACT_CONNECT, SM_ACT_DISCONNECT };

struct sm_action {
	enum sm_action_kind kind;
	unsigned int id;
	const struct conf_connection *connection; /* borrowed until the next call */
	const char *controller;			  /* of a disconnect */
	bool force;
};

/* Call it until it returns false, then again at sm_next_ms and after whatever happened. */
bool sm_next(struct sm *sm, int64_t now, struct sm_action *ret);
/* INT64_MAX: only when something happens. */
int64_t sm_next_ms(const struct sm *sm);

/* --- to look at */

struct sm_view {
	unsigned int id;
	const struct conf_connection *connection;
	enum sm_state state;
	unsigned int sources;
	const char *controller; /* "" */
	unsigned int attempts;	/* that failed in a row */
	int64_t next_ms;	/* 0 none */
	int code;		/* of the last failure; 0 none since it was up */
	const char *error;	/* "" */
	bool absent;		/* it is to be gone */
};

size_t sm_count(const struct sm *sm);
void sm_at(const struct sm *sm, size_t index, struct sm_view *ret);
/* Returns: false if there is none. */
bool sm_get(const struct sm *sm, unsigned int id, struct sm_view *ret);
bool sm_find(const struct sm *sm, const struct tid *tid, struct sm_view *ret);
/* The connection that this controller is. */
bool sm_find_controller(const struct sm *sm, const char *controller, struct sm_view *ret);
/* Counts up with each change of what sm_at shows. */
uint64_t sm_generation(const struct sm *sm);

const char *sm_state_word(enum sm_state state);
/* The most permanent one: conf, command, boot, collector; "" none. */
const char *sm_source_word(unsigned int sources);
