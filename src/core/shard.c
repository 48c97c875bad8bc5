/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/shard.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RUNS_AT_ONCE 4 /* then others have their turn */
#define EVENTS_AT_ONCE 128
#define TIMEOUT_SLACK_MS 500
#define NUDGE_MS 100

struct shard {
	enum shard_watch watch; /* the first member */
	struct shards *shards;
	struct shard *next;
	struct MHD_Daemon *daemon;
	struct shard_connection *first;
	unsigned int connections;
	unsigned int gone; /* of them, clients that closed their side */
	int64_t due_ms;	   /* run it by then; -1 never */
	bool is_due;	   /* run it at the end of this round */
};

struct shards {
	struct loop *loop;
	struct shard_hooks hooks;
	int epoll_fd;
	struct loop_source *io;
	struct loop_source *timer;
	struct loop_source *post;
	struct shard *first;
	struct shard *last;
	unsigned int connections;
	int64_t timer_ms; /* set to this time; -1 not set */
};

/* --- connections */

struct shard_connection *shard_open(struct shard *shard, struct MHD_Connection *mhd)
{
	struct shard_connection *connection = calloc(1, sizeof(*connection));
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET, .data.ptr = connection };

	shard->connections++;
	shard->shards->connections++;
	if (!connection)
		return NULL;
	connection->watch = SHARD_WATCH_CONNECTION;
	connection->shard = shard;
	connection->mhd = mhd;
	connection->fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	if (epoll_ctl(shard->shards->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
		free(connection);
		return NULL;
	}
	connection->next = shard->first;
	if (shard->first)
		shard->first->previous = connection;
	shard->first = connection;
	return connection;
}

void shard_close(struct shard *shard, struct shard_connection *connection)
{
	shard->connections--;
	shard->shards->connections--;
	if (!connection)
		return;
	if (connection->gone)
		shard->gone--;
	epoll_ctl(shard->shards->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		shard->first = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	free(connection->address);
	free(connection);
}

static void run_soon(struct shard *shard)
{
	shard->is_due = true;
	loop_post_set(shard->shards->post);
}

void shard_suspend(struct shard_connection *connection)
{
	connection->suspended = true;
	MHD_suspend_connection(connection->mhd);
}

void shard_resume(struct shard_connection *connection)
{
	if (!connection->suspended)
		return;
	connection->suspended = false;
	MHD_resume_connection(connection->mhd);
	run_soon(connection->shard);
}

static void on_gone(struct shard_connection *connection)
{
	struct shard *shard = connection->shard;

	if (!connection->gone)
		shard->gone++;
	connection->gone = true;
	shard->shards->hooks.gone(shard->shards->hooks.data, connection);
	shard_resume(connection);
	run_soon(shard);
}

/* A descriptor that is shut down has an event again, and what was received can still be read. */
static void nudge_gone(struct shard *shard, int64_t now)
{
	struct shard_connection *connection;

	for (connection = shard->first; connection; connection = connection->next)
		if (connection->gone && now >= connection->nudged_ms + NUDGE_MS) {
			connection->nudged_ms = now;
			shutdown(connection->fd, SHUT_RD);
		}
}

/* --- on the loop */

static void shard_run(struct shard *shard)
{
	int64_t now = loop_now_ms(shard->shards->loop);
	MHD_UNSIGNED_LONG_LONG left = 0;
	bool has_due = true;
	int i;

	shard->is_due = false;
	for (i = 0; i < RUNS_AT_ONCE && has_due && left == 0; i++) {
		MHD_run(shard->daemon);
		has_due = MHD_get_timeout(shard->daemon, &left) == MHD_YES;
	}
	shard->due_ms = has_due ? now + (int64_t)left : -1;
	if (shard->gone) {
		nudge_gone(shard, now);
		if (!has_due || left > NUDGE_MS)
			shard->due_ms = now + NUDGE_MS;
	}
}

/* One timer for all. One that fires too early costs less than setting it each time. */
static void set_timer(struct shards *shards)
{
	int64_t now = loop_now_ms(shards->loop);
	int64_t due = -1;
	struct shard *shard;

	for (shard = shards->first; shard; shard = shard->next)
		if (shard->due_ms >= 0 && (due < 0 || shard->due_ms < due))
			due = shard->due_ms;
	if (due < 0 || (shards->timer_ms >= 0 && shards->timer_ms <= due))
		return;
	shards->timer_ms = due;
	if (due <= now)
		loop_timer_set(shards->timer, 0, 0);
	else
		loop_timer_set(shards->timer, due - now, TIMEOUT_SLACK_MS);
}

static void on_timer(void *data)
{
	struct shards *shards = data;
	int64_t now = loop_now_ms(shards->loop);
	struct shard *shard;

	shards->timer_ms = -1;
	for (shard = shards->first; shard; shard = shard->next)
		if (shard->due_ms >= 0 && shard->due_ms <= now)
			shard_run(shard);
	set_timer(shards);
}

static void on_post(void *data)
{
	struct shards *shards = data;
	struct shard *shard;

	for (shard = shards->first; shard; shard = shard->next)
		if (shard->is_due)
			shard_run(shard);
	set_timer(shards);
}

static void on_ready(void *data, int fd, uint32_t mask)
{
	struct shards *shards = data;
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(fd, events, EVENTS_AT_ONCE, 0);
	int i;

	(void)mask;
	/* connections first: running a shard may free them */
	for (i = 0; i < count; i++) {
		if (*(enum shard_watch *)events[i].data.ptr != SHARD_WATCH_CONNECTION)
			continue;
		on_gone(events[i].data.ptr);
		events[i].data.ptr = NULL;
	}
	for (i = 0; i < count; i++)
		if (events[i].data.ptr)
			shard_run(events[i].data.ptr);
	set_timer(shards);
}

/* --- shards */

static bool shard_start(struct shard *shard)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = shard };
	const union MHD_DaemonInfo *info;

	shard->daemon = shard->shards->hooks.start(shard->shards->hooks.data, shard);
	if (!shard->daemon)
		return false;
	info = MHD_get_daemon_info(shard->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	return info &&
	       epoll_ctl(shard->shards->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) == 0;
}

static void shard_free(struct shard *shard)
{
	struct shard_connection *connection;

	/* libmicrohttpd may not be stopped while connections are suspended */
	for (connection = shard->first; connection; connection = connection->next)
		shard_resume(connection);
	if (shard->daemon)
		MHD_stop_daemon(shard->daemon);
	free(shard);
}

/* Returns: NULL: something ran out. */
static struct shard *shard_new(struct shards *shards)
{
	struct shard *shard = calloc(1, sizeof(*shard));

	if (!shard)
		return NULL;
	shard->watch = SHARD_WATCH_SHARD;
	shard->shards = shards;
	shard->due_ms = -1;
	if (!shard_start(shard)) {
		shard_free(shard);
		return NULL;
	}
	if (shards->last)
		shards->last->next = shard;
	else
		shards->first = shard;
	shards->last = shard;
	return shard;
}

/* The first one with room: those at the end become empty when the load goes. */
static struct shard *shard_with_room(struct shards *shards)
{
	struct shard *shard;

	for (shard = shards->first; shard; shard = shard->next)
		if (shard->connections < SHARD_SIZE)
			return shard;
	return shard_new(shards);
}

bool shards_have_room(struct shards *shards)
{
	return shard_with_room(shards) != NULL;
}

void shards_add(struct shards *shards, int take_fd, const struct sockaddr *address, socklen_t size)
{
	MHD_add_connection(shard_with_room(shards)->daemon, take_fd, address, size);
}

unsigned int shards_count(const struct shards *shards)
{
	return shards->connections;
}

static int start(struct shards *shards, struct err *err)
{
	int r;

	shards->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (shards->epoll_fd < 0)
		return err_set(err, -errno, "cannot watch connections: %s", strerror(errno));
	if (!shard_new(shards))
		return err_set(err, -EIO, "libmicrohttpd does not start");
	r = loop_add_timer(shards->loop, on_timer, shards, &shards->timer, err);
	if (r == 0)
		r = loop_add_post(shards->loop, on_post, shards, &shards->post, err);
	if (r == 0)
		r = loop_add_io(shards->loop, shards->epoll_fd, EPOLLIN, on_ready, shards,
				&shards->io, err);
	return r;
}

int shards_new(struct loop *loop, const struct shard_hooks *hooks, struct shards **ret,
	       struct err *err)
{
	struct shards *shards = calloc(1, sizeof(*shards));
	int r;

	if (!shards)
		return err_nomem(err);
	*shards = (struct shards){ .loop = loop, .hooks = *hooks, .epoll_fd = -1, .timer_ms = -1 };
	r = start(shards, err);
	if (r < 0) {
		shards_free(shards);
		return r;
	}
	*ret = shards;
	return 0;
}

void shards_free(struct shards *shards)
{
	struct shard *next;

	if (!shards)
		return;
	loop_source_free(shards->io);
	loop_source_free(shards->timer);
	for (; shards->first; shards->first = next) {
		next = shards->first->next;
		shard_free(shards->first);
	}
	loop_source_free(shards->post);
	if (shards->epoll_fd >= 0)
		close(shards->epoll_fd);
	free(shards);
}
