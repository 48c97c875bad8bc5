/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loop - the event loop of a daemon: descriptors, timers, signals, children.
 *
 * A thin cover over sd-event, so that its header stays in one file. One thread. A callback never
 * blocks: what can hang runs in a child (core/job.h). A source is owned by its caller and freed by
 * loop_source_free, also from within its own callback; all are freed before their loop.
 *
 * Source: sd-event(3).
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct loop;
struct loop_source;

/* The events of epoll: EPOLLIN, EPOLLOUT, EPOLLHUP .. */
typedef void (*loop_io_fn)(void *data, int fd, uint32_t events);
typedef void (*loop_fn)(void *data);
typedef void (*loop_signal_fn)(void *data, int signal);
/* @status  as of waitpid() */
typedef void (*loop_child_fn)(void *data, pid_t pid, int status);

/* Returns: 0, *ret owned; negative errno. */
int loop_new(struct loop **ret, struct err *err);
void loop_free(struct loop *loop);

static inline void loop_free_p(struct loop **loop)
{
	loop_free(*loop);
}
#define CLEANUP_LOOP __attribute__((cleanup(loop_free_p)))

/* Run until loop_quit. Returns: the code given there (0 or more); negative errno. */
int loop_run(struct loop *loop, struct err *err);
void loop_quit(struct loop *loop, int code);

/* One round: dispatch at most one source, wait for it no longer than @ms (-1: as long as it
 * takes). For tests. Returns: 1 dispatched, 0 not; negative errno. */
int loop_step(struct loop *loop, int ms);

/* The monotonic clock in milliseconds, read once in each round. */
int64_t loop_now_ms(struct loop *loop);

/* The swarm of this loop (swarm.h), which keeps it here; NULL: there is none. */
struct swarm;
struct swarm *loop_swarm(const struct loop *loop);
void loop_set_swarm(struct loop *loop, struct swarm *swarm);

/* Keep systemd's watchdog fed if it asks for that (WATCHDOG_USEC). */
void loop_enable_watchdog(struct loop *loop);

/* Watch a descriptor, which stays the caller's: free the source before closing it.
 * Returns: 0, *ret owned; negative errno. */
int loop_add_io(struct loop *loop, int fd, uint32_t events, loop_io_fn fn, void *data,
		struct loop_source **ret, struct err *err);
/* 0: none, not even EPOLLHUP, until it is set again. */
void loop_io_set(struct loop_source *source, uint32_t events);

/* A timer that is not set yet. Each setting fires once. Returns: as loop_add_io. */
int loop_add_timer(struct loop *loop, loop_fn fn, void *data, struct loop_source **ret,
		   struct err *err);
/* Fire in @ms from now (0: in the next round). @slack_ms  it may be so much later, so that wake-ups
 * fall together. */
void loop_timer_set(struct loop_source *timer, int64_t ms, int64_t slack_ms);
void loop_timer_stop(struct loop_source *timer);

/* Called once when all that is ready in this round has been dispatched, each time after
 * loop_post_set: what is put off until then is done once for many events. Where something is always
 * ready it is called after 10 ms. */
int loop_add_post(struct loop *loop, loop_fn fn, void *data, struct loop_source **ret,
		  struct err *err);
void loop_post_set(struct loop_source *post);

/* The signal is blocked in the process and read by the loop. */
int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *data,
		    struct loop_source **ret, struct err *err);

/* Called once when the child has ended; it has been reaped then. */
int loop_add_child(struct loop *loop, pid_t pid, loop_child_fn fn, void *data,
		   struct loop_source **ret, struct err *err);

/* Reap the child when it has ended, and tell nobody: what a freed source of loop_add_child leaves.
 * Nothing is to be freed. Returns: 0; negative errno. */
int loop_reap_child(struct loop *loop, pid_t pid);

/* Remove and free; NULL is allowed. Returns: NULL. */
struct loop_source *loop_source_free(struct loop_source *source);
