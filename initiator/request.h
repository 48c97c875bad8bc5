/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request - what nvme-sunfishctl asks of nvme-sunfishd, and the answers.
 *
 * Each is one JSON text in a message of core/rpc.h, at /run/sunfish/nvme-sunfishd.sock:
 *
 *   {"version":1, "request":"connect", "connection":"tcp,10.0.0.1,4420,a", "tuning":{..},
 * "wait_ms":30000}
 *   {"version":1, "progress":{"state":"probing", "text":".."}}        any number
 *   {"version":1, "event":{..}}                                       any number, of watch
 *   {"version":1, "ok":true, "result":{..}}                           the last one
 *   {"version":1, "ok":false, "error":{"errno":"EBUSY", "message":".."}}
 *
 * Whoever may reach the socket may ask list, status and watch; the rest is for root.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "initiator/conf.h"

#define REQUEST_VERSION 1
#define REQUEST_SOCKET "/run/sunfish/nvme-sunfishd.sock"
#define REQUEST_WORD_MAX 256

enum request_kind {
	REQUEST_LIST,	    /* result: {"objects":[..]} as of doc/api.md, role initiator */
	REQUEST_STATUS,	    /* result: {"pid", "program", "since", "collector":{..}, ..} */
	REQUEST_CONNECT,    /* result: {"connection", "controller", "devices":[..]} */
	REQUEST_DISCONNECT, /* result: {"disconnected":["nvmeN", ..]} */
	REQUEST_WATCH,	    /* events until the peer goes */
	REQUEST_EVENT,	    /* of a udev rule; result: {} */
	REQUEST_RELOAD,	    /* read the configuration again; result: {} */
};

struct request {
	enum request_kind kind;
	/* connect */
	struct conf_connection connection; /* disconnect: its tid, if has_tid */
	bool transient;			   /* forget it at a reboot: no file */
	int64_t wait_ms;		   /* answer when it is up or so much later; 0: at once */
	/* disconnect: one of the three */
	bool has_tid;
	char controller[REQUEST_WORD_MAX]; /* nvmeN */
	char nqn[REQUEST_WORD_MAX];	   /* all connections to a subsystem */
	bool force;			   /* also where it is mounted, or another's */
	/* event */
	char action[REQUEST_WORD_MAX];
	char subsystem[REQUEST_WORD_MAX]; /* nvme, block */
	char device[REQUEST_WORD_MAX];	  /* nvme3 */
	char detail[REQUEST_WORD_MAX];	  /* NVME_EVENT, NVME_AEN: "connected" */
};

#define REQUEST_NULL ((struct request){ .connection.tuning = HOST_TUNING_NULL })

/* Does it change something? Then it is for root. */
bool request_is_change(enum request_kind kind);

/* Returns: a new value; NULL: out of memory. */
struct js *request_encode(const struct request *request);
/* Check it and fill @ret. Returns: 0; -EINVAL. */
int request_decode(const struct js *js, struct request *ret, struct err *err);

/* --- answers; NULL: out of memory */

struct js *reply_progress(const char *state, const char *text);
struct js *reply_event(struct js *take_event);
struct js *reply_result(struct js *take_result);
struct js *reply_error(const struct err *err);

enum reply_kind { REPLY_PROGRESS, REPLY_EVENT, REPLY_RESULT, REPLY_ERROR };

struct reply {
	enum reply_kind kind;
	const struct js *value; /* progress, event or result; borrowed */
	struct err err;		/* of REPLY_ERROR */
};

/* Returns: 0; -EINVAL it is none. */
int reply_decode(const struct js *js, struct reply *ret, struct err *err);
