/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish-sm - when to say what to a Sunfish server: a state machine without input, output or
 * clock.
 *
 *   off -> searching -> registering -> uploading -> checking -> up
 *              ^              (409)        ^            | missing
 *              +--- 404, 400 --------------+------------+
 *
 * One action is under way at a time, as parallel events damage the server's tree. An answer says
 * little: a 500 may mean that all was done, and so may no answer at all; so after each doubt it is
 * looked at what the server has, after a pause that grows and is random.
 *
 * Registered is who was told his UUID (the PATCH of SunfishServer), or found it in the server's
 * list: whatever the answer to the registration was.
 *
 * Times are milliseconds of any clock that does not go back.
 *
 * Source: sunfish_library_reference 18f2fc8, as it was seen to behave.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUNFISH_UUID_MAX 40
#define SUNFISH_ERROR_MAX 256

enum sunfish_state {
	SUNFISH_OFF,	     /* signed off: nothing is said until sunfish_sm_join */
	SUNFISH_SEARCHING,   /* does it know us already? */
	SUNFISH_REGISTERING, /* it does not */
	SUNFISH_UPLOADING,   /* it knows us, and does not have our tree, or not all of it */
	SUNFISH_CHECKING,    /* what did it take? */
	SUNFISH_UP,
	SUNFISH_LEAVING, /* all that is ours is taken away there */
};

enum sunfish_act {
	SUNFISH_ACT_SEARCH,   /* look for our source in the list of AggregationSources */
	SUNFISH_ACT_REGISTER, /* AggregationSourceDiscovered */
	SUNFISH_ACT_RESTORE,  /* make our AggregationSource again, as it was */
	SUNFISH_ACT_UPLOAD,   /* ResourceCreated for the Fabric, or for what is missing */
	SUNFISH_ACT_LOOK,     /* get our AggregationSource */
	SUNFISH_ACT_MOVE,     /* tell it our new address */
	SUNFISH_ACT_TELL,     /* what waits: one event */
	SUNFISH_ACT_TIDY,     /* the window in which objects can be changed and removed there */
	SUNFISH_ACT_LEAVE,    /* all steps of it */
};

/* How an action ended. */
struct sunfish_answer {
	/* Of HTTP; 0: the connection was made, and ended without an answer; negative errno: it was
	 * not reached. Of several steps: the one that ended them. */
	int status;
	const char *uuid; /* of a search that found us; NULL: it did not */
	bool moved;	  /* of a search and a look: another HostName is there */
	size_t missing;	  /* of a look: objects that it does not have */
	const char *text; /* for a person; NULL none */
};

struct sunfish_sm_config {
	int64_t heartbeat_ms;
	int64_t retry_min_ms;
	int64_t retry_max_ms;
	uint64_t seed; /* of the pauses */
};

struct sunfish_sm {
	struct sunfish_sm_config config;
	enum sunfish_state state;
	char uuid[SUNFISH_UUID_MAX]; /* "" none */
	char lost[SUNFISH_UUID_MAX]; /* the one that it did not know any more; "" none */
	bool running;		     /* an action is */
	enum sunfish_act act;	     /* that one */
	bool told;		     /* our UUID, since the registration began */
	bool conflict;		     /* it has our ConnectionMethod, but no source of ours */
	bool doubt;		     /* look before anything else */
	bool moved;
	bool to_tidy;
	bool to_leave;
	bool to_tell;
	size_t missing;	       /* at the last look */
	unsigned int repairs;  /* in a row */
	unsigned int failures; /* in a row */
	int64_t next_ms;       /* not before */
	int64_t look_ms;       /* the next heartbeat */
	int64_t since_ms;      /* registered; 0 not */
	int64_t heard_ms;      /* the last answer; 0 none */
	uint64_t random;
	char error[SUNFISH_ERROR_MAX]; /* the last one; "" none since */
};

/* @uuid  as it was kept; "" none. @off  it was signed off. */
void sunfish_sm_init(struct sunfish_sm *sm, const struct sunfish_sm_config *config,
		     const char *uuid, bool off);

/* --- what happened */

/* PATCH of SunfishServer. Returns: was it taken? Then it is to be kept. */
bool sunfish_sm_told(struct sunfish_sm *sm, int64_t now, const char *uuid);
/* Of the action that sunfish_sm_next gave. */
void sunfish_sm_done(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer);
/* Is there an event to send? */
void sunfish_sm_set_waiting(struct sunfish_sm *sm, bool waiting);
/* Our tree has more than was uploaded, or our address is another one. */
void sunfish_sm_doubt(struct sunfish_sm *sm);

/* --- what is wanted: by a command. Returns: was there something to do? */
bool sunfish_sm_leave(struct sunfish_sm *sm, int64_t now);
bool sunfish_sm_join(struct sunfish_sm *sm, int64_t now);
bool sunfish_sm_tidy(struct sunfish_sm *sm, int64_t now);

/* --- what to do */

/* Returns: is there something? It is under way then. */
bool sunfish_sm_next(struct sunfish_sm *sm, int64_t now, enum sunfish_act *ret);
/* When to ask again; INT64_MAX: only when something happens. */
int64_t sunfish_sm_next_ms(const struct sunfish_sm *sm);

const char *sunfish_state_word(enum sunfish_state state);
