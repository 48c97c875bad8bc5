/* SPDX-License-Identifier: BSD-3-Clause */
/* client - asks nvme-sunfishd, from a command. Blocks up to a deadline. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "initiator/request.h"

/* Told of each progress or event. Returns: 0; negative errno to end with it. */
typedef int (*client_fn)(void *data, const struct reply *reply);

/*
 * Connect and send a request.
 * Returns: 0, *ret_fd owned; -ENOENT, -ECONNREFUSED no daemon runs; -EACCES not for this user;
 * other negative errno.
 */
int client_send(const char *socket, const struct request *request, int *ret_fd, struct err *err);

/* Is it a code of client_send that says that no daemon runs? */
bool client_is_absent(int r);

/*
 * Receive until the answer.
 * @fn        NULL: progress is dropped
 * @deadline  of base/wait.h
 * Returns: 0, *ret_result owned (NULL: not needed); the daemon's error; -ETIMEDOUT; -EPIPE it went
 * in the middle; -EBADMSG it says what is no answer; what @fn returned.
 */
int client_receive(int fd, int64_t deadline, client_fn fn, void *data, struct js **ret_result,
		   struct err *err);

/* Both, without progress. */
int client_ask(const char *socket, enum request_kind kind, int64_t deadline, struct js **ret_result,
	       struct err *err);
