/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client - requests to the collector, one after the other: what a command needs of core/httpc.
 *
 * Paths begin after /sunfish/v1. Answers are documents of version 1, or errors whose texts come
 * from the collector. Blocks; a signal that client_catch_signals caught ends it with -EINTR.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "core/loop.h"
#include "ctl/settings.h"

struct client;

/* Returns: 0, *ret owned; codes of settings_token; negative errno. */
int client_open(const struct settings *settings, struct client **ret, struct err *err);
void client_close(struct client *client);

/* What it waits in, for other sources of a command. Borrowed. */
struct loop *client_loop(struct client *client);

/* SIGINT, SIGTERM and SIGHUP no longer end the program, but what is waited for.
 * Returns: 0; negative errno. */
int client_catch_signals(struct client *client, struct err *err);

/*
 * @body  NULL: none
 * Returns: 0, *ret owned (NULL where there is no document); -EPERM the collector does not let us;
 *   -ENOENT, -EEXIST (409), -EINVAL (400), -EAGAIN (429, 503), with the collector's text; -EPROTO
 *   what answers is no collector of ours; -EINTR; -ECONNREFUSED, -ETIMEDOUT .. no answer.
 */
int client_call(struct client *client, const char *method, const char *path, const struct js *body,
		struct js **ret, struct err *err);
/* A list whose path asks for pages (limit=CLIENT_PAGE) is read to its end, as if it were one. */
int client_get(struct client *client, const char *path, struct js **ret, struct err *err);
#define CLIENT_PAGE "5000"

/* Several at once: all or none. @rets  of @count, owned. Returns: as client_call of the first that
 * failed. */
int client_get_all(struct client *client, const char *const *paths, size_t count, struct js **rets,
		   struct err *err);

/* An event of the stream; it is the document of doc/api.md, or NULL when the stream is open.
 * Returns: 0 go on; other: end. */
typedef int (*client_event_fn)(void *data, const char *id, const struct js *event);
/*
 * Read the stream until it breaks.
 * @after  continue behind this id; "": from now on
 * Returns: what @fn returned; -EPIPE it was open and broke; codes of client_call.
 */
int client_stream(struct client *client, const char *path, const char *after, client_event_fn fn,
		  void *data, struct err *err);

/* End what is waited for as a signal does. */
void client_interrupt(struct client *client);

/* Returns: 0; -EINTR. */
int client_sleep(struct client *client, int64_t ms);

/* Add "?key=value" or "&key=value", escaped; nothing if @value is NULL. */
void client_add_query(struct str *path, const char *key, const char *value);
/* Add "/value", escaped. */
void client_add_part(struct str *path, const char *value);
