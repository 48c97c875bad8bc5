/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-server - a discovery controller over NVMe/TCP in user space: the protocol, not the content.
 *
 * Stock hosts (nvme discover, connect-all, nvme-stas, nvme-discoverd) connect to it as to any other
 * discovery controller. Who may come and what he sees is decided by its user, through hooks; a view
 * is an immutable page (disc-log.h). A reader that began with a page is served from it to the end,
 * whatever changes meanwhile. A host is told of a change of its own view, and of no other.
 *
 * One loop, many thousands of connections. What a peer can make it hold is bounded for each
 * connection, for each address and on the whole; who is slow or hostile is closed.
 *
 * Source: NVM Express Base Specification 2.0, 3.1.3.3 (discovery controllers), 5.16.1.23, 5.2
 * (events), 3.9 (keep-alive); TCP Transport 1.0; traps of real hosts: see doc/decisions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "core/loop.h"
#include "nvmf/dhchap.h"
#include "nvmf/disc-log.h"
#include "nvmf/nvme-spec.h"

struct disc_server;
struct disc_conn;

struct disc_server_bounds {
	unsigned int connections;     /* on the whole */
	unsigned int per_address;     /* of one peer address; loopback has no such bound */
	unsigned int handshake_ms;    /* from accept to Connect */
	unsigned int default_kato_ms; /* of a host that set none: then it is closed, 120,000 */
	unsigned int dim_bytes;	      /* of the data of one DIM command, over R2T if need be */
	unsigned int event_again_ms;  /* told of a change, it reads nothing: it is told of the next
				       * one after this nevertheless */
};
#define DISC_SERVER_BOUNDS ((struct disc_server_bounds){ 30000, 64, 10000, 120000, 262144, 60000 })

struct disc_server_params {
	const char *nqn; /* unique NQN of this controller; the well-known one is served, too */
	const char *serial;
	const char *version;
	uint16_t cntlid_first, cntlid_last; /* its part of the ids, so that two can share an NQN */
	struct disc_server_bounds bounds;
};

struct disc_host {
	const char *hostnqn;
	uint8_t hostid[NVME_HOSTID_BYTES];
	const char *subnqn; /* what it connected to */
	uint16_t cntlid;
	uint32_t kato_ms;
	const struct sockaddr *peer, *local; /* where it comes from, where it came to */
	socklen_t peer_size, local_size;
};

/* By which a host proves who it is, and we to it: "DHHC-1:.." of dhchap.h. */
struct disc_secrets {
	char host[DHCHAP_KEY_MAX];
	char controller[DHCHAP_KEY_MAX]; /* "": none */
};

struct disc_dim {
	uint8_t tas;	      /* 0 register, 1 deregister, 2 update */
	const uint8_t *bytes; /* as TP8010 has it, length unchecked */
	uint32_t length;
};

enum disc_gone {
	DISC_GONE_CLOSED,
	DISC_GONE_SHUTDOWN,
	DISC_GONE_KATO,
	DISC_GONE_PROTOCOL,
	DISC_GONE_SERVER
};

struct disc_server_hooks {
	/*
	 * A Connect command. Returns: 0, *ret_log its view (a reference that the server takes
	 * over); -EACCES it may not come, and is to forget us (DNR); -EAGAIN not now: it tries
	 * again.
	 */
	int (*connect)(void *data, struct disc_conn *conn, const struct disc_host *host,
		       struct disc_log **ret_log);
	/*
	 * Before connect: must it prove who it is (DH-HMAC-CHAP)? Asked again when it does. May be
	 * NULL: nobody must. Returns: 0 no; 1 yes, *ret filled: then connect is asked only after it
	 * has; -EACCES, -EAGAIN as of connect.
	 */
	int (*secrets)(void *data, const struct disc_host *host, struct disc_secrets *ret);
	/* It must, and did not: it saw nothing. May be NULL. */
	void (*unproved)(void *data, const struct disc_host *host, const char *why);
	/* It read its view completely; for audit. May be NULL. */
	void (*read)(void *data, struct disc_conn *conn, const struct disc_log *log);
	/* Returns: NVME_SC_x. NULL: NVME_SC_FUNCTION_DISABLED. */
	uint16_t (*dim)(void *data, struct disc_conn *conn, const struct disc_dim *dim);
	/* Only after a connect that returned 0; @conn is freed after it. @text  why, for a person
	 */
	void (*gone)(void *data, struct disc_conn *conn, enum disc_gone why, const char *text);
	void *data;
};

/* Returns: 0, *ret owned; -EINVAL; -ENOMEM; other negative errno. */
int disc_server_new(struct loop *loop, const struct disc_server_params *params,
		    const struct disc_server_hooks *hooks, struct disc_server **ret,
		    struct err *err);
/* @take_listen_fd  listens; owned, also on failure. As often as there are addresses. */
int disc_server_listen(struct disc_server *server, int take_listen_fd, struct err *err);
/* A socket that somebody else accepted (TLS ended elsewhere, tests). Owned, also on failure. */
int disc_server_add(struct disc_server *server, int take_fd, struct err *err);
/* Closes all connections; gone is called for each. NULL is allowed. */
void disc_server_free(struct disc_server *server);

/* Does it say that hosts may register? true at first, if there is a hook for it. */
void disc_server_take_dim(struct disc_server *server, bool take);

/* Another view from now on: if its generation counter is another one, the host gets an event (at
 * once, or as soon as it asks for one). @log  one more owner is made */
void disc_conn_set_log(struct disc_conn *conn, struct disc_log *log);
const struct disc_log *disc_conn_log(const struct disc_conn *conn);
void disc_conn_set(struct disc_conn *conn, void *user);
void *disc_conn_get(const struct disc_conn *conn);
/* Close: after it a host connects again, and then it is refused or let in anew. gone is called. */
void disc_conn_close(struct disc_conn *conn, const char *why);

struct disc_server_counters {
	uint64_t accepted, connects, refused, commands, log_reads, events, keep_alives, timeouts,
		protocol_errors, over_bounds, bytes_out, unproved;
	unsigned int connections;
};
void disc_server_counters(const struct disc_server *server, struct disc_server_counters *ret);
