/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * agent - a helper's side of the collector: reports go up, what is wanted comes down.
 *
 * The daemon gives its whole state after each change it saw; the agent finds the events, spools
 * and sends them, keeps the lease, and asks for what is wanted by a long poll. It retries for ever
 * with backoff and jitter, and nothing that the collector does or fails to do makes it forget
 * events or change what is wanted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "core/loop.h"
#include "wire/object.h"
#include "wire/report.h"
#include "wire/wanted.h"

struct agent;

struct agent_config {
	const char *url; /* https://head:8443; NULL: no collector, the agent only finds events */
	const char *token_file;
	const char *ca_file;
	const char *certificate_file; /* or NULL */
	const char *key_file;
	const char *node; /* machine id */
	const char *name; /* host name */
	const char *program;
	enum report_role role;
	int64_t interval_ms; /* between reports, at the most */
	const char *spool_dir;
	size_t spool_bytes;
};

/* A new wanted document that was checked; borrowed. An entry whose lease is over while the
 * collector is away comes as one that is to be gone. */
typedef void (*agent_wanted_fn)(void *data, const struct wanted *wanted);
/* Told of each event, also without a collector: for the journal, and for `watch` on this host. */
typedef void (*agent_event_fn)(void *data, const struct report_event *event);
/* Right before a report: put current counters into the state. May be NULL. */
typedef void (*agent_sample_fn)(void *data);

/* Something is wrong with the spool, or not any more; a sentence, told once. Events that are lost
 * are counted in a note of kind "gap" when it is over. May be NULL. */
typedef void (*agent_trouble_fn)(void *data, bool is_over, const char *text);
/* What an administrator should hear of. May be NULL. */
typedef void (*agent_warn_fn)(void *data, const char *text);

struct agent_hooks {
	agent_wanted_fn wanted;
	agent_event_fn event;
	agent_sample_fn sample;
	agent_trouble_fn trouble;
	agent_warn_fn warn;
	void *data;
};

/* Texts are copied. Returns: 0, *ret owned; -EACCES the token file is not private (one that is not
 * there may come later); -EINVAL a URL that is neither https nor this host's; negative errno. */
int agent_new(struct loop *loop, const struct agent_config *config, const struct agent_hooks *hooks,
	      struct agent **ret, struct err *err);
/* What was not sent stays in the spool. Not from within a hook. NULL is allowed. */
void agent_free(struct agent *agent);

/* What the collector wanted when this host heard it last, out of the directory of the spool, to the
 * hook, from within this call. Leases that are over by now count as ended. To be called before the
 * first state; the collector's own document follows when it is heard, if it is another one.
 * Returns: was there any? */
bool agent_recall(struct agent *agent);

/* The whole state now; the first one makes no events. @cause  for a person, of all events this
 * makes; may be "". @take_state is owned by the agent. Returns: 0; -ENOMEM. */
int agent_update(struct agent *agent, struct object_set *take_state, const char *cause);

/* The same, with a cause for each object that differs: asked for when an event is made. */
typedef const char *(*agent_cause_fn)(void *data, enum object_change change,
				      const struct object *object);
int agent_update_explained(struct agent *agent, struct object_set *take_state, agent_cause_fn fn,
			   void *data);

/* Borrowed until the next update; NULL before the first. */
const struct object_set *agent_state(const struct agent *agent);

/* An event without a change of state, such as a connection that was lost and came back between two
 * looks. */
/* Returns: 0; -EINVAL kind, id or object break a bound of object.h; -ENOMEM. */
int agent_note(struct agent *agent, const char *kind, const char *id, const char *cause,
	       const struct js *object);

struct agent_status {
	bool configured;
	bool connected;	   /* the last report was answered */
	int64_t since_ms;  /* wall clock, when that became so */
	const char *error; /* why not; "" */
	uint64_t seq, acknowledged;
	uint64_t lost; /* events that will never be sent */
	const char *lost_why;
	int spool_trouble;   /* why events are kept in memory only; 0: they are on disk */
	uint64_t refused;    /* events that the collector does not take: in ROLE.refused */
	uint64_t generation; /* of what is wanted */
};
void agent_status(const struct agent *agent, struct agent_status *ret);
