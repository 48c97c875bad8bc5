/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * httpc - an HTTP client on the loop, by libcurl, which is opened for the first of them only: it
 * and the libraries it brings cost a daemon that has no collector more than all the rest.
 *
 * Connections are kept and used again. Certificates are verified when the URL is https, unless that
 * is switched off for a client whose peers' certificates nobody vouches for.
 * No redirects, no proxy, nothing from the user's environment. A command that has nothing else to
 * do runs the loop until it is done.
 *
 * Source: libcurl-multi(3).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"

#define HTTPC_BODY_MAX (64u << 20)

struct httpc;
struct httpc_call;
struct sockaddr;

struct httpc_config {
	const char *ca_file;	      /* PEM; NULL: the system's */
	const char *certificate_file; /* of this client; NULL: none */
	const char *key_file;
	const char *unix_socket; /* NULL: TCP */
	unsigned int connect_timeout_ms;
	bool stays;	 /* for days: pages that only connecting needs are given back, see trim.h */
	bool trusts_any; /* certificates are not verified */
	/* NULL: any. May that address be connected to? Asked after names were resolved. */
	bool (*may_connect)(void *data, const struct sockaddr *address);
	void *data;
};

struct httpc_reply {
	int code;	     /* 0: there was an answer; negative errno: none, or not all of it */
	const char *error;   /* why not, one line; "" */
	unsigned int status; /* of HTTP */
	const char *body;    /* NUL-terminated, never NULL; borrowed */
	size_t length;
};

typedef void (*httpc_done_fn)(void *data, const struct httpc_reply *reply);
/* A piece of the body, as it comes, if the status is 2xx (else it is collected for on_done).
 * May cancel its call, but not free the httpc. Returns: 0 go on; other: end the call, whose code is
 * then -ECANCELED. */
typedef int (*httpc_data_fn)(void *data, const char *bytes, size_t length);

/* Returns: 0, *ret owned; -ENOMEM; -ELIBACC there is no libcurl; texts are copied. */
int httpc_new(struct loop *loop, const struct httpc_config *config, struct httpc **ret,
	      struct err *err);
/* Calls under way are forgotten. Also from within a done function. */
void httpc_free(struct httpc *httpc);

struct httpc_request {
	const char *method; /* GET .. */
	const char *url;
	const char *token;	    /* Authorization: Bearer; NULL: none */
	const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
	const char *body;	    /* JSON; NULL: none */
	size_t length;
	unsigned int timeout_ms; /* for all of it; 0: none */
	size_t body_max;	 /* of what is collected; 0: HTTPC_BODY_MAX */
	httpc_data_fn on_data;	 /* NULL: the body is collected for on_done */
};

/*
 * All texts are copied. @done is called once, never from within this call; the call is freed
 * after it.
 * Returns: 0, *ret (may be NULL) borrowed until then; -EINVAL no URL, or no token; -ENOMEM.
 */
int httpc_start(struct httpc *httpc, const struct httpc_request *request, httpc_done_fn done,
		void *data, struct httpc_call **ret, struct err *err);
/* Forget it: @done is not called. */
void httpc_cancel(struct httpc_call *call);
