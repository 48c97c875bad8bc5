/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-service - requests of Redfish to answers: URIs, methods, headers, privileges, preconditions,
 * queries, and errors by their words.
 *
 * Knows no socket and no store, so that tests and the fuzzer call it. A handler that changes
 * anything runs where the owner runs it (in a transaction), and may answer later.
 *
 * The order for each request: URI, authentication, privilege, method, preconditions, body, handler
 * (DSP0266: authenticate before anything is said about the resource).
 *
 * Source: DSP0266 1.20.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "redfish/rf-problem.h"
#include "redfish/rf-tree.h"

#define RF_ROOT "/redfish/v1"
#define RF_NAME_MAX 253
#define RF_HEADERS_MAX 8

struct rf_service;

struct rf_who {
	char name[RF_NAME_MAX + 1];
	unsigned int privileges; /* enum rf_privilege; 0 nobody */
	bool must_change_password;
	char account[RF_URI_MAX]; /* URI of his account; "" none */
	char session[RF_URI_MAX]; /* URI of his session; "" none */
};

struct rf_request {
	const char *method;
	const char *uri; /* as it came, without the query */
	const char *body;
	size_t length;
	const char *address;   /* of the peer */
	bool trusted;	       /* TLS, loopback or a Unix socket: passwords may be sent */
	bool sunfish;	       /* by the listener of Sunfish: its dialect (sunfish.md 6) */
	const char *peer_name; /* of a verified certificate; NULL none */
	/* What these give is there as long as the request. NULL: not there */
	const char *(*header)(const void *data, const char *name);
	const char *(*query)(const void *data, const char *key);
	/* Call @fn for each; to find unknown ones. */
	void (*each_query)(const void *data,
			   void (*fn)(void *user, const char *key, const char *value), void *user);
	const void *data;
};

struct rf_answer {
	unsigned int status;
	struct str body; /* of type application/json unless @type says otherwise */
	const char *type;
	/* "Name: value", owned */
	char *headers[RF_HEADERS_MAX + 1];
	size_t n_headers;
	bool no_body; /* HEAD: Content-Length is that of the body, but it is not sent */
};
#define RF_ANSWER_NULL ((struct rf_answer){ .status = 200 })
void rf_answer_deinit(struct rf_answer *answer);
void rf_answer_header(struct rf_answer *answer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One request on its way, for handlers. */
struct rf_call {
	struct rf_service *service;
	const struct rf_request *request; /* NULL once it was kept */
	struct rf_who who;
	struct rf_resource *resource; /* whose handler it is; of a POST the collection */
	const struct rf_action *action;
	const char *member_id; /* of a POST to a member's URI (Sunfish): the id; NULL none */
	struct js *body;       /* an object; NULL none */
	struct rf_problems problems;
	struct rf_answer answer;
	void *owner; /* of who runs it: what it needs to answer later */
	/* of rf-service itself */
	char uri[RF_URI_MAX]; /* of @resource, which may go meanwhile */
	char member[RF_URI_MAX];
	char created[RF_URI_MAX];
	bool is_patch;
	rf_handler_fn handler;
	void *handler_data;
	int code; /* of the handler, for rf_service_finish */
};

/*
 * What a handler returns:
 *   0          done. Of PATCH: the resource is given as it is now (with @problems, if any). Of
 *              POST: it called rf_call_created. Of DELETE and actions: 204
 *   RF_LATER   it keeps the call, and calls rf_service_finish with one of these codes
 *   -EBADMSG   what is in call->problems (rf_problem_*), as an error
 *   others     negative errno of the store: the transaction fails, 503
 * Of one that fails nothing was changed.
 */
#define RF_LATER 1

/* PATCH: @writable  what the handler takes, up to a NULL. What is in the body besides becomes
 * problems: PropertyNotWritable if the resource has it, else PropertyUnknown; annotations are left
 * alone. Returns: 0 there is something to do; -EBADMSG nothing is (with NoOperation if nothing else
 * is said). */
int rf_patch_check(struct rf_call *call, const char *const *writable);
/* An array after a PATCH: null removes an element, {} leaves it, a shorter one cuts. NULL: out of
 * memory. @now  NULL: none */
struct js *rf_patch_array(const struct js *now, const struct js *patch);

/* The new resource: 201 with Location (200 for Sunfish). It may be settled later. */
void rf_call_created(struct rf_call *call, const char *uri);

struct rf_hooks {
	/* Who is it? *ret is zeroed. Returns: 0; -EACCES 401; -EAGAIN 429. NULL: everybody is an
	 * administrator (tests). */
	int (*authenticate)(void *data, const struct rf_request *request, struct rf_who *ret,
			    struct err *err);
	/* May he, beyond privileges: ConfigureSelf of his own account, his own session? */
	bool (*is_own)(void *data, const struct rf_who *who, const struct rf_resource *resource);
	/* A change was done or refused. */
	void (*audit)(void *data, const struct rf_call *call, unsigned int status);
	/* The answer of a call that was kept is there: send it, and free the call. */
	void (*answered)(void *data, struct rf_call *call);
	void *data;
};

/* @tree  borrowed. Returns: 0, *ret owned; -ENOMEM. */
int rf_service_new(struct rf_tree *tree, const struct rf_hooks *hooks, struct rf_service **ret,
		   struct err *err);
void rf_service_free(struct rf_service *service);
/* Members of a collection in one answer; 0: all. */
void rf_service_set_page(struct rf_service *service, size_t members);
/* A document beside the tree, for everybody: $metadata, odata. @uri  is copied. @make  returns: 0;
 * -ENOMEM. Returns: 0; -ENOSPC more than 16; -ENOMEM. */
int rf_service_add_document(struct rf_service *service, const char *uri, const char *type,
			    int (*make)(void *data, struct str *text), void *data);
struct rf_tree *rf_service_tree(struct rf_service *service);

/*
 * Step 1, outside a transaction: all that only reads is answered. @call  zeroed, of the caller.
 * Returns: 0 the answer is in call->answer; 1 a handler is to run: rf_service_run.
 */
int rf_service_begin(struct rf_service *service, const struct rf_request *request,
		     struct rf_call *call);
/* Step 2, in a transaction. Returns: 0 there is an answer for after the commit; RF_LATER; negative
 * errno: the transaction must fail. */
int rf_service_run(struct rf_service *service, struct rf_call *call, struct err *err);
/* Step 3: make the answer of a code (above; of one that was not kept, call->code); after the
 * commit, once the tree is settled. For one that was kept, hooks->answered is called then: @call is
 * gone. */
void rf_service_finish(struct rf_service *service, struct rf_call *call, int code);
void rf_call_deinit(struct rf_call *call);
