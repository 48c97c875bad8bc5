/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * listener - a socket that is listened at, on the loop.
 *
 * Takes connections in as long as its user has room; those over that wait in the kernel's backlog.
 * When the process runs out of descriptors it takes a rest instead of spinning.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "core/loop.h"

struct listener;

/* Is there room for one more? Asked again after a while if not. */
typedef bool (*listener_room_fn)(void *data);
/* @take_fd is not blocking, and owned by the callee. */
typedef void (*listener_fn)(void *data, int take_fd, const struct sockaddr *address,
			    socklen_t size);

/* @address  numeric
 * @port     0: any
 * Returns: 0, *ret_fd owned; -EINVAL no address; -EADDRINUSE; other negative errno. */
int listener_bind(const char *address, uint16_t port, int *ret_fd, struct err *err);

/* @take_fd  listens already; owned, also on failure
 * Returns: 0, *ret owned; negative errno. */
int listener_new(struct loop *loop, int take_fd, listener_room_fn room, listener_fn fn, void *data,
		 struct listener **ret, struct err *err);
/* NULL is allowed. */
void listener_free(struct listener *listener);

/* 0 if it has none. */
uint16_t listener_port(const struct listener *listener);
