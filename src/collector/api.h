/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api - requests to answers: the table of routes, rights, and words for errors (doc/api.md).
 *
 * A handler sees a request that was checked for its right and gives an answer or an error; it
 * knows no socket, so that tests and the fuzzer call api_call. Handlers that change anything are
 * marked API_WRITES: they run in a transaction (commit.h) and their answer goes out after it was
 * committed; of others there is no transaction.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "collector/auth.h"
#include "collector/events.h"

struct collector;

#define API_ROOT "/sunfish/v1"

struct api_request {
	const char *method;
	const char *path; /* below API_ROOT, such as "/attachments/a-9" */
	const char *id;	  /* what stands for "*" in the route; "" */
	const char *body;
	size_t length;
	const struct auth_who *who;
	const char *address; /* of the peer */
	/* Of ?KEY=VALUE; NULL: not there. */
	const char *(*query)(const void *data, const char *key);
	const void *query_data;
};

struct api_answer {
	unsigned int status; /* 200 if the handler does not say */
	struct str body;     /* JSON, or of @type */
	const char *type;    /* NULL: application/json */
};

#define API_ANSWER_NULL ((struct api_answer){ .status = 200 })

/* Returns: 0; or a negative errno which becomes a status: -EINVAL -EBADMSG 400, -EACCES -EPERM
 * 403, -ENOENT 404, -ENOTSUP 405, -EEXIST -EBUSY 409, -E2BIG -EFBIG 413, -EAGAIN 429, others 503.
 * @err's text goes to the client. Of a handler that writes, an error means that it changed nothing.
 */
typedef int (*api_fn)(struct collector *collector, const struct api_request *request,
		      struct api_answer *answer, struct err *err);

enum {
	API_WRITES = 1 << 0,
	API_LISTS = 1 << 1, /* api_list_filter is what it asks for */
};

struct api_route {
	const char *method;
	const char *path; /* a last "*" is one part of the path, as in "/attachments/" "*" */
	enum auth_right right;
	unsigned int flags;
	api_fn fn;
};

/* A member of the query; NULL: none. */
const char *api_query(const struct api_request *request, const char *key);
/* One that is a number. Returns: 0, @ret is @otherwise if there is none; -EINVAL. */
int api_number(const struct api_request *request, const char *key, uint64_t max, uint64_t otherwise,
	       uint64_t *ret, struct err *err);
/* What is asked of events; @otherwise  the id after which if "after" is not there. Returns: 0;
 * -EINVAL. */
int api_events_filter(const struct api_request *request, int64_t otherwise,
		      struct events_filter *ret, struct err *err);
/* What is asked of a list of nodes or objects. Texts are borrowed. Returns: 0; -EINVAL; -ENOENT. */
struct filter;
int api_list_filter(const struct api_request *request, struct filter *ret, struct err *err);
/* The body as a JSON object. Returns: 0, *ret owned; -EBADMSG, -EINVAL; -ENOMEM. */
int api_body(const struct api_request *request, struct js **ret, struct err *err);
/* Put a value into the answer. Returns: 0; -ENOMEM. */
int api_answer_js(struct api_answer *answer, unsigned int status, struct js *take_js,
		  struct err *err);

/* The route of a request; @ret_id  what stands for "*". Returns: 0; -ENOENT; -ENOTSUP there
 * is one, but not with this method. */
int api_find(const char *method, const char *path, const struct api_route **ret,
	     const char **ret_id, struct err *err);

/* The same in a transaction, as commit_write_fn. Returns: 0; -ENOSPC, -EIO, -ENOMEM, -EPROTO the
 * store failed in the middle of it: what was written must be taken back. */
int api_write(struct collector *collector, const struct api_route *route,
	      const struct api_request *request, struct api_answer *answer, struct err *err);

/* Check the right and run the handler of a request. Errors become an answer. */
void api_call(struct collector *collector, const struct api_route *route,
	      const struct api_request *request, struct api_answer *answer);

/* {"version":1,"error":{"code","message"}} and the status. */
void api_answer_error(struct api_answer *answer, int code, const char *message);
