/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/clock.h"

/* What was put off waits no longer than this for an end of what is ready: there may be none. */
#define POST_MAX_MS 10
#define TIMER_MAX_MS INT64_C(1000000000000) /* 31 years */

struct loop {
	sd_event *event;
	struct swarm *swarm;
};

struct loop_source {
	sd_event_source *source;
	int64_t post_set_ms;
	union {
		loop_io_fn io;
		loop_fn plain;
		loop_signal_fn signal;
		loop_child_fn child;
	} fn;
	void *data;
};

int loop_new(struct loop **ret, struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return err_nomem(err);
	r = sd_event_new(&loop->event);
	if (r < 0) {
		free(loop);
		return err_set(err, r, "cannot make an event loop: %s", strerror(-r));
	}
	*ret = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	sd_event_unref(loop->event);
	free(loop);
}

int loop_run(struct loop *loop, struct err *err)
{
	int r = sd_event_loop(loop->event);

	if (r < 0)
		return err_set(err, r, "the event loop failed: %s", strerror(-r));
	return r;
}

void loop_quit(struct loop *loop, int code)
{
	sd_event_exit(loop->event, code);
}

int loop_step(struct loop *loop, int ms)
{
	int r = sd_event_run(loop->event, ms < 0 ? UINT64_MAX : (uint64_t)ms * 1000);

	return r > 0 ? 1 : r;
}

int64_t loop_now_ms(struct loop *loop)
{
	uint64_t now = 0;

	if (sd_event_now(loop->event, CLOCK_MONOTONIC, &now) < 0)
		return clock_monotonic_ms();
	return (int64_t)(now / 1000);
}

struct swarm *loop_swarm(const struct loop *loop)
{
	return loop->swarm;
}

void loop_set_swarm(struct loop *loop, struct swarm *swarm)
{
	loop->swarm = swarm;
}

void loop_enable_watchdog(struct loop *loop)
{
	sd_event_set_watchdog(loop->event, 1);
}

/* --- what sd-event calls. The source may be freed in the function: it is not touched after. */

static int on_io(sd_event_source *s, int fd, uint32_t events, void *data)
{
	const struct loop_source *source = data;

	(void)s;
	source->fn.io(source->data, fd, events);
	return 0;
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	const struct loop_source *source = data;

	(void)s, (void)usec;
	source->fn.plain(source->data);
	return 0;
}

static int on_post(sd_event_source *s, void *data)
{
	const struct loop_source *source = data;

	(void)s;
	source->fn.plain(source->data);
	return 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *info, void *data)
{
	const struct loop_source *source = data;

	(void)s;
	source->fn.signal(source->data, (int)info->ssi_signo);
	return 0;
}

static int as_status(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return (info->si_status & 0x7f) | WCOREFLAG;
	default:
		return info->si_status & 0x7f;
	}
}

static int on_child(sd_event_source *s, const siginfo_t *info, void *data)
{
	const struct loop_source *source = data;
	const pid_t pid = info->si_pid;
	int status = as_status(info);

	(void)s;
	/* sd-event would do it after the function */
	waitpid(pid, &status, WNOHANG);
	source->fn.child(source->data, pid, status);
	return 0;
}

static int on_stray_child(sd_event_source *s, const siginfo_t *info, void *data)
{
	(void)info, (void)data;
	sd_event_source_set_floating(s, 0);
	return 0;
}

/* Before each wait: let a post through that is held up by sources which are always ready. */
static int before_wait(sd_event_source *s, void *data)
{
	const struct loop_source *source = data;

	if (clock_monotonic_ms() - source->post_set_ms >= POST_MAX_MS)
		sd_event_source_set_priority(s, SD_EVENT_PRIORITY_IMPORTANT);
	return 0;
}

/* --- sources */

static struct loop_source *source_new(void *data)
{
	struct loop_source *source = calloc(1, sizeof(*source));

	if (source)
		source->data = data;
	return source;
}

/* @r  of adding it. Hand it over, or free it with the text set. */
static int source_done(struct loop_source *source, int r, const char *what,
		       struct loop_source **ret, struct err *err)
{
	if (r < 0) {
		loop_source_free(source);
		return err_set(err, r, "cannot watch %s: %s", what, strerror(-r));
	}
	*ret = source;
	return 0;
}

int loop_add_io(struct loop *loop, int fd, uint32_t events, loop_io_fn fn, void *data,
		struct loop_source **ret, struct err *err)
{
	struct loop_source *source = source_new(data);
	int r;

	if (!source)
		return err_nomem(err);
	source->fn.io = fn;
	r = sd_event_add_io(loop->event, &source->source, fd, events, on_io, source);
	if (r >= 0 && events == 0)
		r = sd_event_source_set_enabled(source->source, SD_EVENT_OFF);
	return source_done(source, r, "a descriptor", ret, err);
}

void loop_io_set(struct loop_source *source, uint32_t events)
{
	/* epoll tells EPOLLHUP of a descriptor whatever is asked for, again and again */
	if (events != 0)
		sd_event_source_set_io_events(source->source, events);
	sd_event_source_set_enabled(source->source, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

int loop_add_timer(struct loop *loop, loop_fn fn, void *data, struct loop_source **ret,
		   struct err *err)
{
	struct loop_source *source = source_new(data);
	int r;

	if (!source)
		return err_nomem(err);
	source->fn.plain = fn;
	r = sd_event_add_time(loop->event, &source->source, CLOCK_MONOTONIC, UINT64_MAX, 0, on_time,
			      source);
	if (r >= 0)
		r = sd_event_source_set_enabled(source->source, SD_EVENT_OFF);
	return source_done(source, r, "a timer", ret, err);
}

static uint64_t as_usec(int64_t ms)
{
	if (ms < 0)
		return 0;
	return (uint64_t)(ms > TIMER_MAX_MS ? TIMER_MAX_MS : ms) * 1000;
}

void loop_timer_set(struct loop_source *timer, int64_t ms, int64_t slack_ms)
{
	struct timespec now;

	/* not from the loop's clock: the caller may have been at work for a while */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_event_source_set_time(timer->source, (uint64_t)now.tv_sec * 1000000 +
							(uint64_t)now.tv_nsec / 1000 + as_usec(ms));
	/* 0 would be sd-event's 250 ms */
	sd_event_source_set_time_accuracy(timer->source, slack_ms > 0 ? as_usec(slack_ms) : 1);
	sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

void loop_timer_stop(struct loop_source *timer)
{
	sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

int loop_add_post(struct loop *loop, loop_fn fn, void *data, struct loop_source **ret,
		  struct err *err)
{
	struct loop_source *source = source_new(data);
	int r;

	if (!source)
		return err_nomem(err);
	source->fn.plain = fn;
	r = sd_event_add_defer(loop->event, &source->source, on_post, source);
	if (r >= 0)
		r = sd_event_source_set_enabled(source->source, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_prepare(source->source, before_wait);
	return source_done(source, r, "for the end of a round", ret, err);
}

void loop_post_set(struct loop_source *post)
{
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(post->source, &enabled);
	if (enabled != SD_EVENT_OFF)
		return;
	post->post_set_ms = clock_monotonic_ms();
	sd_event_source_set_priority(post->source, SD_EVENT_PRIORITY_IDLE);
	sd_event_source_set_enabled(post->source, SD_EVENT_ONESHOT);
}

static int block_signal(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	if (sigaddset(&set, signal) < 0)
		return -errno;
	return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *data,
		    struct loop_source **ret, struct err *err)
{
	struct loop_source *source = source_new(data);
	int r;

	if (!source)
		return err_nomem(err);
	source->fn.signal = fn;
	r = block_signal(signal);
	if (r == 0)
		r = sd_event_add_signal(loop->event, &source->source, signal, on_signal, source);
	return source_done(source, r, "a signal", ret, err);
}

int loop_add_child(struct loop *loop, pid_t pid, loop_child_fn fn, void *data,
		   struct loop_source **ret, struct err *err)
{
	struct loop_source *source = source_new(data);
	int r;

	if (!source)
		return err_nomem(err);
	source->fn.child = fn;
	r = block_signal(SIGCHLD);
	if (r == 0)
		r = sd_event_add_child(loop->event, &source->source, pid, WEXITED, on_child,
				       source);
	return source_done(source, r, "a child", ret, err);
}

int loop_reap_child(struct loop *loop, pid_t pid)
{
	int r = block_signal(SIGCHLD);

	if (r == 0)
		r = sd_event_add_child(loop->event, NULL, pid, WEXITED, on_stray_child, NULL);
	return r < 0 ? r : 0;
}

struct loop_source *loop_source_free(struct loop_source *source)
{
	if (source) {
		sd_event_source_disable_unref(source->source);
		free(source);
	}
	return NULL;
}
