/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfish-own - what sunfish*.c share. */
#pragma once

#include "collector/sunfish-conf.h"
#include "collector/sunfish-sm.h"
#include "collector/sunfish-tree.h"
#include "collector/sunfish.h"
#include "core/httpc.h"
#include "core/httpd.h"
#include "core/loop.h"

#define SUNFISH_SOURCES SUNFISH_ROOT "/AggregationService/AggregationSources"
#define SUNFISH_METHODS SUNFISH_ROOT "/AggregationService/ConnectionMethods"
#define SUNFISH_SUBSCRIPTION SUNFISH_ROOT "/EventService/Subscriptions/SunfishServer"
#define SUNFISH_QUEUE_MAX 20000

/* What is to be told of one resource. */
struct sunfish_note {
	char *uri;
	bool gone;
	bool quiet; /* nothing happened: only its copy there may be old */
};

/* One request of several in a row. */
struct sunfish_step {
	const char *method;
	char *path;
	char *body;   /* NULL none */
	bool is_last; /* to be done even if one before it failed */
};

struct sunfish {
	struct redfish *redfish;
	const struct sunfish_conf *conf;
	struct sunfish_sm sm;
	struct httpc *httpc;
	struct httpd *httpd;
	struct loop_source *timer;
	char name[SUNFISH_CONF_NAME]; /* of our ConnectionMethod */
	bool own_name;		      /* made by us: nobody else has it */
	char method_uri[256];
	char owner[256]; /* URI of our AggregationSource; "" none */

	/* the action under way */
	void (*done)(struct sunfish *sunfish, const struct httpc_reply *reply);
	struct sunfish_list members; /* of the search */
	size_t member;
	char found[SUNFISH_UUID_MAX];
	struct sunfish_step *steps;
	size_t n_steps, steps_room, step;
	int steps_status; /* the first that failed; 0 none */

	struct sunfish_list missing; /* at the last look */
	struct sunfish_list stale;   /* what it has, and we do not */
	struct sunfish_list taken;   /* what it has */
	struct sunfish_note *notes;
	size_t n_notes, notes_room;
	bool refresh_all;	  /* its copies may be older than we are */
	bool refresh_parents;	  /* it has spoiled their links to collections */
	bool no_copy;		  /* PATCH does not come through */
	unsigned int copy_failed; /* in a row */

	/* to look at */
	uint64_t events, copies, asked, refused, dropped;
	int64_t event_ms; /* the last one, wall clock */
	char event[64];
	int64_t error_ms;
};

/* --- sunfish.c */

/* The server told us our UUID. Then @request is answered, once that is kept. */
void sunfish_told(struct sunfish *sunfish, const char *uuid, struct httpd_request *request);
/* URI of our AggregationSource; NULL: none. */
const char *sunfish_owner(const struct sunfish *sunfish);

/* --- sunfish-note.c */
void sunfish_notes_free(struct sunfish *sunfish);
void sunfish_note_drop(struct sunfish *sunfish); /* the first one */
/* But the first one if an action is under way. NULL none. */
struct sunfish_note *sunfish_note_find(struct sunfish *sunfish, const char *uri);
void sunfish_note_add(struct sunfish *sunfish, const char *uri, bool gone, bool quiet);

/* --- sunfish-say.c: documents that are sent; new values, NULL: out of memory */
struct js *sunfish_event(const char *what, const char *context, const char *const *args,
			 const char *const *uris, size_t n_uris);
struct js *sunfish_source(const struct sunfish *sunfish, const char *uuid);
struct js *sunfish_method(const struct sunfish *sunfish);
struct js *sunfish_subscription(const struct sunfish *sunfish);

/* Make the steps of signing off, and of the window in which copies can be changed. Returns: 0;
 * -ENOMEM. */
int sunfish_steps_leave(struct sunfish *sunfish);
int sunfish_steps_tidy(struct sunfish *sunfish);
void sunfish_steps_free(struct sunfish *sunfish);

/* --- sunfish-ask.c */
int sunfish_listen(struct sunfish *sunfish, struct err *err);
