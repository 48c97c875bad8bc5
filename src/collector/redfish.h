/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * redfish - the Redfish service of the collector: its parts, and their way into requests, commits
 * and the tree.
 *
 *   front -> redfish_request -> rf-service -> handlers of the parts, in a transaction
 *   after a commit: redfish_flush: model -> tree is settled -> events, sunfish
 *
 * A part adds its resources to @tree by itself. redfish.c makes the parts in the order in which
 * they stand here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/rf-conf.h"
#include "core/httpd.h"
#include "redfish/rf-service.h"
#include "redfish/rf-tree.h"

#define REDFISH_ROOT "/redfish"

struct collector;
struct rf_static;
struct accounts;
struct sessions;
struct rfevents;
struct rf_model;
struct rf_act;
struct rf_pending;
struct sunfish;

struct redfish {
	struct collector *collector;
	struct loop *loop;
	struct rf_conf conf;
	struct rf_tree *tree;
	struct rf_service *service;
	struct rf_static *fixed;
	struct accounts *accounts;
	struct sessions *sessions;
	struct rfevents *rfevents;
	struct rf_model *model;
	struct rf_act *act;
	struct sunfish *sunfish;
	struct rf_pending *pending; /* requests on their way */
	bool is_eager;		    /* the tree follows each commit, whether anybody looks or not */
	bool is_behind;		    /* nobody looks: it follows when somebody does */
	char uuid[37];		    /* of the service; stays with the store */
};

/* Returns: 0, *ret owned; -ENOMEM; as the store's. */
int redfish_new(struct collector *collector, const struct rf_conf *conf, struct redfish **ret,
		struct err *err);
void redfish_free(struct redfish *redfish);

/* How a request came. */
struct redfish_way {
	bool trusted; /* TLS, loopback or a Unix socket */
	bool sunfish; /* by the listener for Sunfish */
	/* instead of what came, copied; NULL: that */
	const char *uri;
	const char *body;
	/* before its answer goes out, while its client is there; or NULL */
	void (*finish)(void *data, const struct rf_request *request, struct rf_call *call);
	void *data;
};
/* Is it for us? */
bool redfish_is_path(const char *path);
/* Answer a whole request, at once or later. */
void redfish_request(struct redfish *redfish, struct httpd_request *request,
		     const struct redfish_way *way);
/* Answer the head of one whose body is too long. */
void redfish_refuse_body(struct httpd_request *request);
/* The servers of all requests end: they get no answer. */
void redfish_forget_requests(struct redfish *redfish);

/* After a commit, before its answers; and whenever what is shown may be different. While nobody
 * asks, follows or subscribes, only notes are taken of what changed. */
void redfish_flush(struct redfish *redfish);
/* After a commit that failed: what is in memory is read from the store again. */
void redfish_reload(struct redfish *redfish);
