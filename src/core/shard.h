/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shard - the connections of core/httpd.h: libmicrohttpd on the loop.
 *
 * What libmicrohttpd (0.9.75) leaves to do:
 *
 * - It looks at all suspended connections of a daemon whenever one of them is resumed. So there is
 *   a daemon, a shard, for each SHARD_SIZE connections, and that cost has a bound.
 * - It does not watch a connection while it is suspended: that the client went would not be
 *   noticed. So each connection is in an epoll set of ours, too, for EPOLLRDHUP only.
 * - Its own set is edge-triggered. When data and the client's end come together it reads the data
 *   only, and then waits for ever. So it is woken once more for such a connection.
 *
 * Our set holds the sets of the shards as well: the loop sees one descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "core/loop.h"

#define SHARD_SIZE 256

struct MHD_Connection;
struct MHD_Daemon;
struct shard;
struct shards;

enum shard_watch { SHARD_WATCH_SHARD, SHARD_WATCH_CONNECTION };

struct shard_connection {
	enum shard_watch watch; /* what an event of our set points at; the first member */
	bool suspended;
	bool gone; /* the client closed its side */
	int fd;
	struct shard *shard;
	struct MHD_Connection *mhd;
	void *user;    /* whatever the user wants */
	char *address; /* and a text of his, freed with it */
	/* private */
	struct shard_connection *previous;
	struct shard_connection *next;
	int64_t nudged_ms;
};

struct shard_hooks {
	/* Start a daemon without a socket, with epoll, suspending, @SHARD_SIZE connections, and
	 * shard_open and shard_close called for each. NULL: it does not start. */
	struct MHD_Daemon *(*start)(void *data, struct shard *shard);
	/* The client went, which libmicrohttpd finds out only if it is not suspended. */
	void (*gone)(void *data, struct shard_connection *connection);
	void *data;
};

/* Returns: 0, *ret owned; -ENOMEM; -EIO a daemon does not start; other negative errno. */
int shards_new(struct loop *loop, const struct shard_hooks *hooks, struct shards **ret,
	       struct err *err);
/* Ends all connections; without calls of gone. NULL is allowed. */
void shards_free(struct shards *shards);

unsigned int shards_count(const struct shards *shards); /* of connections */
/* Is there room for one more connection, or could it be made? */
bool shards_have_room(struct shards *shards);
/* @take_fd is owned by libmicrohttpd, also on failure. Needs shards_have_room. */
void shards_add(struct shards *shards, int take_fd, const struct sockaddr *address, socklen_t size);

/* To be called when libmicrohttpd has opened and closed a connection. shard_open returns NULL if
 * memory ran out, and shard_close takes that. */
struct shard_connection *shard_open(struct shard *shard, struct MHD_Connection *mhd);
void shard_close(struct shard *shard, struct shard_connection *connection);

/* From within a callback of libmicrohttpd for this connection. */
void shard_suspend(struct shard_connection *connection);
/* At any time, also if it is not suspended. It goes on at the end of this round of the loop. */
void shard_resume(struct shard_connection *connection);
