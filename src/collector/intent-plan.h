/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intent-plan - the state machine of one attachment: what is known, to what is wanted next.
 *
 * Pure: no registry, no store, no clock. Whoever calls it gathers the facts, makes the new state
 * durable, and only then lets the helpers see what is wanted of them. So a restart goes on at the
 * phase that was stored; deadlines of hops begin anew then, since the helpers have to be heard
 * first.
 *
 *   ALLOW -> CONNECT -> DEVICE -> ATTACHED      any of the first three fails, or is too late:
 *     \         \         \          \ detach, lease over
 *      \         `---------`----------`-> DROP -> CUT -> OVER      the reverse, goal UNDO or DETACH
 *       `--------------------------------------^
 *
 * A host that was allowed before stays allowed: only what the attachment did is undone. Nothing is
 * cut on the word of a helper alone: what it reports of its kernel has to agree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"

enum intent_phase {
	INTENT_ALLOW,	 /* the target is to let the host in */
	INTENT_CONNECT,	 /* the host is to connect */
	INTENT_DEVICE,	 /* the namespace is to be a device there */
	INTENT_ATTACHED, /* so it stays */
	INTENT_DROP,	 /* the host is to disconnect */
	INTENT_CUT,	 /* the target is to keep it out */
	INTENT_OVER,
};

enum intent_goal { INTENT_USE, INTENT_UNDO, INTENT_DETACH };

#define INTENT_DEVICE_MAX 64
#define INTENT_PROOF_MAX 512

struct intent_plan {
	enum intent_phase phase;
	enum intent_goal goal;
	bool force;	       /* disconnect also if it is in use */
	bool was_allowed;      /* before */
	bool has_asked_host;   /* a connection was wanted of it at some time */
	bool is_host_clean;    /* it said that it has disconnected */
	enum intent_phase hop; /* that failed; of no other meaning than to be told */
	char device[INTENT_DEVICE_MAX];
	char error[ERR_TEXT_MAX];
	char proof[INTENT_PROOF_MAX];
};

/* --- facts */

enum intent_peer { INTENT_SILENT, INTENT_LOST, INTENT_ONLINE }; /* silent: it never reported */
/* What a helper says of the entry as it is wanted now; a word about an earlier one is none. */
enum intent_word { INTENT_NO_WORD, INTENT_WORKING, INTENT_DONE, INTENT_FAILED };
enum intent_controller { INTENT_NONE, INTENT_DEAD, INTENT_LIVE };

struct intent_side {
	enum intent_peer peer;
	enum intent_word word;
	const char *error; /* of its word; "" */
};

struct intent_facts {
	struct intent_side target;
	struct intent_side host;
	/* of the target */
	bool any_host;
	bool is_allowed;
	bool has_session;	/* of that host */
	bool has_other_session; /* of whom is not known */
	/* of the host */
	enum intent_controller controller; /* to that listener of that subsystem */
	const char *controller_id;	   /* "" */
	const char *device;		   /* "/dev/nvme0n1"; "" none, or not the wanted one */
	const char *mounted;		   /* where; "" not, as far as was heard */
	bool is_late;			   /* the hop's time is over */
};

struct intent_names {
	const char *subsystem;
	const char *target;
	const char *host;
	const char *listener; /* "rdma 10.1.2.3:4420" */
	const char *timeout;  /* "30.0 s" */
};

/* --- what follows */

#define INTENT_STEPS_MAX 12

struct intent_step {
	const char *hop;   /* allow, connect, device, disconnect, cut */
	const char *state; /* working, done, failed */
	char text[ERR_TEXT_MAX];
};

struct intent_out {
	bool has_changed; /* something of the plan */
	bool has_moved;	  /* to another phase: its time begins */
	size_t n_steps;
	struct intent_step steps[INTENT_STEPS_MAX];
};

/* Begin. */
void intent_plan_init(struct intent_plan *plan, const struct intent_facts *facts,
		      const struct intent_names *names, struct intent_out *out);

/* Somebody wants it to end, or its lease is over. @why  for a person */
void intent_plan_detach(struct intent_plan *plan, bool force, const char *why,
			const struct intent_names *names, struct intent_out *out);

/* Go on as far as the facts allow. What an entry's helper says counts for the entry as
 * intent_plan_wants had it before: call it again when something has changed. */
void intent_plan_advance(struct intent_plan *plan, const struct intent_facts *facts,
			 const struct intent_names *names, struct intent_out *out);

/* --- what is wanted of the helpers in this state */

enum intent_want { INTENT_NOTHING, INTENT_PRESENT, INTENT_ABSENT };
struct intent_wants {
	enum intent_want access;     /* of the target */
	enum intent_want connection; /* of the host */
};
struct intent_wants intent_plan_wants(const struct intent_plan *plan);

/* --- for people, and for the store */

/* attaching, attached, failed, detaching, detached */
const char *intent_plan_state(const struct intent_plan *plan);
/* Of what goes on, or failed: allow, connect, device; "" */
const char *intent_plan_hop(const struct intent_plan *plan);
/* Is it over, and is nothing wanted of anybody for it? */
bool intent_plan_is_done(const struct intent_plan *plan);

/* NULL: out of memory. */
struct js *intent_plan_encode(const struct intent_plan *plan);
/* Returns: 0; -EINVAL it is none. */
int intent_plan_decode(const struct js *js, struct intent_plan *ret, struct err *err);
