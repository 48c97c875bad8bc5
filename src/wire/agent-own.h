/* SPDX-License-Identifier: BSD-3-Clause */
/* agent-own - what the files of wire/agent.h share, and nobody else. */
#pragma once

#include <stdint.h>

#include "core/httpc.h"
#include "wire/agent.h"
#include "wire/spool.h"
#include "wire/term.h"

#define AGENT_TOKEN_MAX 512
#define AGENT_PATH_MAX 1024

/* When to try again. */
struct agent_retry {
	unsigned int failures; /* one after another */
	bool refused;	       /* by 401 or 403: it takes a person */
};

/* What the next report may have in it, after one was refused: see agent-refused.c. */
enum agent_part { AGENT_ALL, AGENT_EVENTS, AGENT_SNAPSHOT, AGENT_NOTHING };

struct agent_report {
	struct httpc_call *call;
	struct loop_source *timer;
	struct loop_source *post;
	struct agent_retry retry;
	bool waiting; /* after a failure */
	/* of the one under way */
	char boot[64];
	uint64_t to;   /* the last number in it */
	size_t events; /* in it */
	size_t left_out;
	bool has_snapshot;
	/* what is due */
	bool snapshot;
	bool resync; /* the collector asked for it */
	int64_t sampled_ms;
	uint64_t sent; /* the last number ever sent in this boot */
	char error[ERR_TEXT_MAX];
	/* after one was refused */
	enum agent_part part;
	size_t events_max;
	bool suspect;	/* the event after the acknowledged ones, if an empty report is taken */
	uint64_t aside; /* the event that is sent as a note of itself; 0 none */
	char aside_why[ERR_TEXT_MAX];
	int64_t hold_ms; /* no snapshot before */
};

struct agent_poll {
	struct httpc_call *call;
	struct loop_source *timer;
	struct agent_retry retry;
	bool ask_all;	  /* which generation we have is not said: the collector may be another */
	int64_t began_ms; /* the call */
	char *collector;
	uint64_t generation;
	bool has_document;
	char error[ERR_TEXT_MAX];
};

struct agent_keep {
	struct js *document; /* as it was received; NULL none */
	int64_t received_ms; /* wall clock */
	int64_t spent_ms;    /* of its leases, before .. */
	struct term_moment noted;
	struct js *ended; /* {INTENT: expires}: over while the collector was away */
	struct loop_source *timer;
};

struct agent {
	struct loop *loop;
	struct agent_hooks hooks;
	struct httpc *httpc; /* NULL: no collector */
	char *url;
	char *token_file;
	char *spool_dir;
	char *node;
	char *name;
	char *program;
	enum report_role role;
	int64_t interval_ms;
	int spool_dirfd; /* or why it cannot be opened */
	struct spool *spool;
	struct object_set *state;
	uint64_t seq; /* without a spool */
	uint64_t lost;
	uint64_t lost_told; /* of them, by notes */
	char lost_why[ERR_TEXT_MAX];
	uint64_t refused;
	int trouble; /* of the spool, as it was told */
	bool connected;
	int64_t since_ms;
	struct agent_report report;
	struct agent_poll poll;
	struct agent_keep keep;
};

/* --- agent.c */

/* Begin a request with our token. Returns: as httpc_start; -EACCES, -ENOENT .. of the token. */
int agent_call(struct agent *agent, const struct httpc_request *request, httpc_done_fn done,
	       struct httpc_call **ret, struct err *err);
/* What the answer means: 0 good (2xx), or the reason in @err. */
int agent_check(struct agent_retry *retry, const struct httpc_reply *reply, struct err *err);
/* The spool began anew, with @waiting events in it: a snapshot is due. */
void agent_spool_lost(struct agent *agent, uint64_t waiting, const char *why);
/* So many events will never be sent. */
void agent_count_lost(struct agent *agent, uint64_t count, const char *why);
/* A note of those that were lost, if it can be kept now. */
void agent_tell_lost(struct agent *agent);
/* Count a failure. Returns: milliseconds until the next try. */
int64_t agent_retry_ms(struct agent_retry *retry);

/* --- agent-report.c */

int agent_report_init(struct agent *agent, struct err *err);
void agent_report_deinit(struct agent *agent);
/* There is something to report: at the end of this round. */
void agent_report_soon(struct agent *agent);
/* The collector is there again. */
void agent_report_retry(struct agent *agent);

/* --- agent-refused.c */

/* Is it the report that is refused, and not its sender? */
bool agent_refused_is(const struct httpc_reply *reply);
/* The report that was under way was refused. Returns: milliseconds until the next one; -1 as
 * after any other failure. */
int64_t agent_refused_take(struct agent *agent, const struct err *why);
/* It was taken: the next one may have more in it. */
void agent_refused_over(struct agent *agent);
/* May a snapshot be sent? */
bool agent_refused_holds(const struct agent *agent);
/* Instead of an event that is set aside. Returns: 0, *ret owned; -ENOMEM. */
int agent_refused_note(struct agent *agent, const char *text, size_t length, char **ret);

/* --- agent-poll.c */

int agent_poll_init(struct agent *agent, struct err *err);
void agent_poll_deinit(struct agent *agent);
/* This document counts from now on. Returns: 1 it is new; 0 it is what we have; -ENOMEM. */
int agent_poll_remember(struct agent *agent, const struct wanted *wanted);
/* The state is known: begin. Or the collector is there again. */
void agent_poll_retry(struct agent *agent);

/* --- agent-keep.c */

#define AGENT_KEEP_LONG_MS INT64_C(1000000000000) /* longer than any lease */

int agent_keep_init(struct agent *agent, struct err *err);
void agent_keep_deinit(struct agent *agent);
/* A new document that was checked: keep it, and hand it out. */
void agent_keep_take(struct agent *agent, const struct js *document);
