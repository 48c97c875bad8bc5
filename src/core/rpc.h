/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rpc - requests between a command and the daemon of the same host, over a Unix socket.
 *
 * Each message is one packet (SOCK_SEQPACKET) of JSON text, with descriptors beside it; the
 * kernel vouches for the peer's process and user. A daemon serves many connections on its loop,
 * a command makes one and blocks up to a deadline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/loop.h"

#define RPC_TEXT_MAX (128u << 10) /* of one message */
#define RPC_LARGE_MAX (64u << 20) /* of one that rpc_send_large sends */
#define RPC_FDS_MAX 4
#define RPC_CONNECTIONS_MAX 64

struct rpc_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

struct rpc_message {
	char *text; /* NUL-terminated */
	size_t length;
	int fds[RPC_FDS_MAX]; /* owned: -1 where taken or none */
	size_t n_fds;
};

struct rpc_server;
struct rpc_conn;

/* A request. @message is borrowed; its descriptors may be taken with take_fd. Answer with rpc_send,
 * now or later, as often as is agreed. @conn may be closed in it. */
typedef void (*rpc_request_fn)(void *data, struct rpc_conn *conn, struct rpc_message *message);
/* The peer went, or rpc_conn_close was called: @conn is freed after it. */
typedef void (*rpc_gone_fn)(void *data, struct rpc_conn *conn);

/* Make a listening socket, replacing one that is left there. Its directory must exist.
 * Returns: 0, *ret_fd owned; -EADDRINUSE somebody listens there; other negative errno. */
int rpc_listen(const char *path, mode_t mode, int *ret_fd, struct err *err);

/* @take_listen_fd  a listening socket, owned by the server (also on failure). @gone may be NULL; it
 * is also called for those that rpc_server_free closes. A peer that sends too much, or more
 * descriptors than allowed, is closed; so is one over the bounds, of which a user other than root
 * has a quarter. Returns: 0, *ret owned; negative errno. */
int rpc_server_new(struct loop *loop, int take_listen_fd, rpc_request_fn request, rpc_gone_fn gone,
		   void *data, struct rpc_server **ret, struct err *err);
void rpc_server_free(struct rpc_server *server);

const struct rpc_peer *rpc_conn_peer(const struct rpc_conn *conn);
/* A place for the user of the server. */
void rpc_conn_set(struct rpc_conn *conn, void *user);
void *rpc_conn_get(const struct rpc_conn *conn);
/* Never blocks: the kernel queues some 400 KiB. Closes nothing. Returns: 0; -EMSGSIZE over
 * RPC_TEXT_MAX; -EAGAIN the peer does not read; -EPIPE it went. */
int rpc_send(struct rpc_conn *conn, const char *text, size_t length);
/* The same for any length up to RPC_LARGE_MAX: what is too long for a packet goes as a file in
 * memory beside it, which rpc_client_receive reads. */
int rpc_send_large(struct rpc_conn *conn, const char *text, size_t length);
void rpc_conn_close(struct rpc_conn *conn);

/* --- for commands; blocking */

/* Returns: 0, *ret_fd owned; -ENOENT, -ECONNREFUSED nobody listens there; -EACCES; others. */
int rpc_connect(const char *path, int *ret_fd, struct err *err);

/* Returns: 0; -EMSGSIZE; -ETIMEDOUT; other negative errno. @fds  n_fds to be passed, borrowed */
int rpc_client_send(int fd, const char *text, size_t length, const int *fds, size_t n_fds,
		    struct err *err);

/* @deadline  of base/wait.h; INT64_MAX: for ever
 * Returns: 0, *ret filled (release with rpc_message_deinit); -ETIMEDOUT; -EPIPE it was closed;
 * -EBADMSG too long; other negative errno. */
int rpc_client_receive(int fd, int64_t deadline, struct rpc_message *ret, struct err *err);

void rpc_message_deinit(struct rpc_message *message);
#define CLEANUP_RPC_MESSAGE __attribute__((cleanup(rpc_message_deinit)))
#define RPC_MESSAGE_NULL ((struct rpc_message){ .fds = { -1, -1, -1, -1 } })
