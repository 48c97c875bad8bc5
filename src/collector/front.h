/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * front - the collector's side of the HTTP server: requests come in, are let through by auth, go
 * to api, and those that wait are kept: for the commit, for a change of what is wanted (long
 * polls), or as streams of events.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/registry.h"

struct collector;
struct front;

/* Listen. @listen_fd  a passed socket, owned; or -1 */
int front_new(struct collector *collector, int listen_fd, struct front **ret, struct err *err);
void front_free(struct front *front);
uint16_t front_port(const struct front *front);

/* Read certificate and key again, and listen with them. Returns: 0; negative errno: the old ones
 * stay. */
int front_reload(struct front *front, struct err *err);

/* In a transaction: the generation of what is wanted of @source has changed. */
void front_on_want(struct front *front, struct registry_source *source);
/* Before @source goes. */
void front_on_gone(struct front *front, struct registry_source *source);
/* After a commit: who waits for what is wanted of a source that changed gets it. */
void front_flush(struct front *front);

/* No more requests are taken; all that wait are answered with 503. */
void front_stop(struct front *front);

size_t front_connections(const struct front *front);
size_t front_waiting(const struct front *front); /* long polls */
