/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * swarm - thousands of sockets and deadlines as one source of a loop.
 *
 * The loop asks the kernel before each source it dispatches; with ten thousand that are ready that
 * is most of the work. Here they are an epoll set of their own, dispatched many at a time, and
 * their timers are slots of a wheel, so that setting one costs nothing and many fall together.
 * There is one swarm for each loop, and one buffer to receive into, for all of it.
 *
 * A member lives within its user's structure. It may be removed, and any other, from within its
 * function.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"

#define SWARM_TICK_MS 64 /* timers fire up to so much later */
#define SWARM_BUFFER_BYTES ((size_t)256 * 1024)

struct swarm;
struct swarm_member;

/* @events  of epoll; 0: the timer */
typedef void (*swarm_fn)(struct swarm_member *member, uint32_t events);

struct swarm_member {
	swarm_fn fn;
	int fd; /* -1: none is watched */
	uint32_t due_tick;
	struct swarm_member *next, **link; /* in a slot of the wheel */
};

/* The swarm of the loop, which is made with its first user. Returns: 0, *ret counted: swarm_put it
 * before the loop is freed; negative errno. */
int swarm_get(struct loop *loop, struct swarm **ret, struct err *err);
void swarm_put(struct swarm *swarm); /* NULL is allowed */

/* @events  of epoll, with EPOLLET if it reads and writes until nothing goes. The descriptor stays
 * the caller's. Returns: 0; negative errno. */
int swarm_watch(struct swarm *swarm, struct swarm_member *member, int fd, uint32_t events,
		struct err *err);
int swarm_change(struct swarm *swarm, struct swarm_member *member, uint32_t events);
/* Before its descriptor is closed. The timer stays. */
void swarm_forget(struct swarm *swarm, struct swarm_member *member);

/* Fire once in @ms (0: in the next round); instead of what was set. */
void swarm_timer_set(struct swarm *swarm, struct swarm_member *member, int64_t ms);
void swarm_timer_stop(struct swarm_member *member);

/* The monotonic clock, read once for each round of the swarm. */
int64_t swarm_now_ms(struct swarm *swarm);

/* SWARM_BUFFER_BYTES; what is in it is anybody's once a function returned. */
uint8_t *swarm_buffer(struct swarm *swarm);
