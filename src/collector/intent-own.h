/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intent-own - what the files of intents share: one attachment or export, and all of them.
 *
 * An intent changes only in a transaction, by intent_step: facts are gathered, the state machine
 * goes on, the document is stored, an event tells of it, and what is wanted of the helpers is set,
 * all in one. So nobody acts on what could be lost.
 *
 * Deadlines and leases run on the monotonic clock. What is left of a lease is stored with each
 * change and once a minute; intent-lease.h says what it is after a restart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "collector/api.h"
#include "collector/collector.h"
#include "collector/intent-plan.h"
#include "collector/intent.h"
#include "wire/term.h"

#define INTENT_ID_MAX 24
#define INTENT_STEPS_KEPT 64
#define INTENT_OVER_KEPT 1000 /* those that ended */
#define INTENT_STANDING_MAX 65536
#define INTENT_TIMEOUT_MS 30000
#define INTENT_TIMEOUT_MAX_MS 3600000
/* What is left of a lease is stored so often, so that no row of reboots with a clock that is wrong
 * extends it for ever; after one at least so much is left, if it was before. */
#define INTENT_NOTE_MS 60000
#define INTENT_GRACE_MS 60000
#define INTENT_LEASE_MAX_MS (INT64_C(3650) * 86400000)
#define INTENT_JOB_MAX 256
#define INTENT_LISTENER_MAX 128

enum intent_export_phase {
	INTENT_EXPORT_CREATING,
	INTENT_EXPORT_ACTIVE,
	INTENT_EXPORT_UNDOING, /* it failed; the target may have made it all the same */
	INTENT_EXPORT_FAILED,
	INTENT_EXPORT_DELETING,
	INTENT_EXPORT_DELETED,
};

struct intent_listener {
	char transport[16];
	char address[64];
	char service[16];
};

struct intent {
	char id[INTENT_ID_MAX];
	bool is_export;
	bool is_dirty;	/* facts about it may have changed */
	bool is_told;	/* an event said that it is there */
	bool is_new_to; /* a node that has it is there again: it is told what is wanted */
	char *nqn;
	char *target; /* node ids, and how people call them */
	char *target_name;
	char *job;	    /* or NULL */
	int64_t created_ms; /* wall clock */
	int64_t changed_ms;
	int64_t timeout_ms; /* of each hop */
	int64_t due_ms;	    /* monotonic: this hop's; INT64_MAX none, or it is over */
	bool is_late;	    /* it is over */
	struct js *steps;

	/* of an attachment */
	char *host;
	char *host_name;
	char *hostnqn;
	bool is_default_hostnqn;
	struct intent_listener at;
	struct intent_plan plan;
	int64_t lease_ms;     /* 0: none */
	int64_t expires_ms;   /* wall clock, for people */
	int64_t lease_due_ms; /* monotonic; INT64_MAX none */
	int64_t note_due_ms;  /* monotonic: what is left of it is stored again */

	/* of an export */
	enum intent_export_phase phase;
	struct js *request; /* devices, listeners, hosts, any_host */
	struct js *before;  /* the devices that it has without what is being added; or NULL */
	bool force;
	char error[ERR_TEXT_MAX];
};

struct intents {
	struct collector *collector;
	struct intent **items; /* in the order they were made */
	size_t count;
	uint64_t next;
	struct loop_source *timer;
	bool has_joined; /* the next transaction goes through the dirty ones */
};

/* --- intent.c */

/* A new one, with an id; owned by the list. NULL: out of memory. */
struct intent *intent_add(struct intents *intents, bool is_export);
/* A request failed half-way: nothing of its intent stays, also in this transaction. */
void intent_abort(struct intents *intents, struct intent *intent);
/* Take one out that was just added. */
void intent_drop(struct intents *intents, struct intent *intent);
struct intent *intent_find(const struct intents *intents, const char *id);
bool intent_is_over(const struct intent *intent);
/* Go on as far as it goes, in a transaction. Returns: as commit_write_fn. */
int intent_step(struct intents *intents, struct intent *intent, struct err *err);
/* The same after a change that was made already: it is stored and told, and goes on. */
int intent_touch(struct intents *intents, struct intent *intent, struct err *err);
/* The document for the API. NULL: out of memory. */
struct js *intent_format(const struct intent *intent);
void intent_tell_step(struct intent *intent, const char *hop, const char *state, const char *text);
/* Set the texts. Returns: 0; -ENOMEM. */
int intent_set_text(char **at, const char *text, struct err *err);
/* How long a hop may take, out of a request. Returns: 0; -EINVAL. */
int intent_take_timeout(struct intent *intent, const struct js *body, struct err *err);
/* Is the time of this hop over? */
bool intent_look_at_time(const struct intents *intents, struct intent *intent);
/* The time of the hop begins. */
void intent_begin_hop(const struct intents *intents, struct intent *intent);
/* As long as a helper has to be heard first: if its time is over it begins anew. */
void intent_stop_time(const struct intents *intents, struct intent *intent);

/* What a helper says of its entry. */
struct intent_side intent_hear(const struct registry_source *source, const struct intent *intent,
			       enum intent_want want, struct js **keep);
/* Not heard since the collector's start, or about to send a snapshot: what is known of it may be
 * old, so nothing is concluded from it. */
bool intent_is_unsure(const struct registry_source *source);

/* --- intent-attach.c */
int intent_attach_step(struct intents *intents, struct intent *intent, bool *ret_changed,
		       struct err *err);
int intent_attach_wants(struct intents *intents, const struct intent *intent, struct err *err);
void intent_attach_format(const struct intent *intent, struct js *js);
int intent_attach_parse(const struct js *js, struct intent *intent, struct err *err);
int intent_attach_post(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err);
int intent_attach_delete(struct intents *intents, struct intent *intent, bool force,
			 struct err *err);

/* --- intent-export.c */
int intent_export_step(struct intents *intents, struct intent *intent, bool *ret_changed,
		       struct err *err);
int intent_export_wants(struct intents *intents, const struct intent *intent, struct err *err);
const char *intent_export_state(const struct intent *intent);
void intent_export_format(const struct intent *intent, struct js *js);
int intent_export_parse(const struct js *js, struct intent *intent, struct err *err);
int intent_export_post(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err);
/* One more drive for one that is there; if that fails it stays as it was, with its error. Returns:
 * 0; -EBUSY it is being changed; as commit_write_fn. */
int intent_export_extend(struct intents *intents, struct intent *intent, const char *device,
			 struct err *err);
int intent_export_delete(struct intents *intents, struct intent *intent, bool force,
			 struct err *err);
