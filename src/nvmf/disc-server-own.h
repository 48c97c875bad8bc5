/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-server-own - what the files of disc-server share: a connection, and who does what with it.
 *
 *   disc-server.c          the server, its hooks, bounds for addresses
 *   disc-server-conn.c     a connection: bytes in, PDUs, data of commands, the end
 *   disc-server-out.c      bytes out: at once, or as soon as the peer takes them
 *   disc-server-command.c  fabrics commands: Connect, properties; the table of all
 *   disc-server-admin.c    admin commands: Identify, Get Log Page, features, events
 *   disc-server-proof.c    before a host is let in: does it prove who it is?
 *   disc-server-time.c     what comes with time: handshake, keep-alive, events again
 */
#pragma once

#include <sys/uio.h>

#include "core/swarm.h"
#include "nvmf/disc-server.h"
#include "nvmf/pdu.h"

#define CONN_H2C_MAX NVME_ADMIN_CAPSULE_MAX /* of a PDU with data that we take: MAXH2CDATA */
#define CONN_C2H_MAX 32768		    /* of a PDU with data that we send */
#define CONN_MDTS 10			    /* 4 MiB: so much is asked for by one command */
#define CONN_EVENTS_MAX 4		    /* events that a host may ask for at a time */
#define DISC_VERSION 0x00020000u	    /* of NVMe that we keep to: 2.0 */
#define CONN_LINGER_MS 2000
#define SERVER_TRANSFER_MAX (64U << 20) /* bytes of data that have not come wholly, of all */
#define CONN_IN_BYTES 16384		/* read at once; holds the largest PDU that is taken */

enum conn_state {
	CONN_NEW,	/* before ICReq */
	CONN_READY,	/* before Connect */
	CONN_AUTH,	/* connected, but it has to prove who it is */
	CONN_CONNECTED, /* the user knows of it */
	CONN_LINGER,	/* it was told what is wrong; the peer is given time to read that */
	CONN_DEAD,	/* freed as soon as nobody is working on it */
};

struct out_piece {
	struct out_piece *next;
	struct disc_log *log; /* owner of the bytes; or NULL */
	const uint8_t *at;
	size_t length;
	uint8_t bytes[];
};

/* Data of a command that come after R2T. */
struct conn_transfer {
	struct nvme_sqe sqe;
	uint16_t ttag;
	uint32_t length;
	uint32_t done;
	uint8_t bytes[];
};

/* How many connections one address has. */
struct disc_peer {
	struct disc_peer *next;
	uint8_t key[16];
	unsigned int count;
};

struct conn_proof;

struct disc_conn {
	struct disc_server *server;
	struct swarm_member member;
	struct disc_conn *next, **at; /* all of the server, or the dead ones */
	int fd;
	uint8_t state;
	bool hdgst, ddgst;
	bool full;    /* the peer does not take what we sent: nothing is read until it does */
	bool no_sqhd; /* flow control of its queue is off */
	bool wants_events;
	bool changed; /* an event is due */
	bool masked;  /* until it reads the log: it was told of a change */
	bool shut_down;
	uint8_t n_events;
	uint16_t events[CONN_EVENTS_MAX]; /* commands that wait for an event */
	uint16_t cntlid;		  /* 0: none */
	uint16_t sqsize, sqhd;
	uint16_t next_ttag;
	uint32_t cc, csts;
	uint32_t kato_ms;
	int64_t heard_ms;  /* the last PDU; of a new one when it came, of a lingering one the end */
	int64_t masked_ms; /* since then */
	int64_t log_ms;	   /* the last Get Log Page */
	uint32_t n_rest;   /* bytes of a PDU that has not come wholly */
	uint8_t *rest;
	struct conn_transfer *transfer; /* one at a time */
	struct out_piece *out, **out_end;
	struct disc_log *log;
	struct disc_log *pinned; /* what it reads just now */
	struct disc_peer *peer;
	struct conn_proof *proof; /* NULL: it need not prove anything */
	void *user;
};

/* Bytes for the connection that is being worked on, until they are sent in one call. */
struct disc_out {
	struct disc_conn *conn;
	struct iovec iov[64];
	struct disc_log *logs[64]; /* owners of their bytes; or NULL */
	unsigned int n;
	size_t used;
	uint8_t bytes[8192];
};

#define PEER_BUCKETS 4096

struct disc_server_listener {
	struct disc_server_listener *next;
	struct disc_server *server;
	struct listener *listener;
};

struct disc_server {
	struct loop *loop;
	struct disc_server_bounds bounds;
	struct disc_server_hooks hooks;
	bool takes_dim;
	uint16_t cntlid_first, cntlid_last, cntlid_next;
	char nqn[NQN_MAX + 1];
	char serial[21];
	char version[9];
	struct swarm *swarm;
	struct disc_server_listener *listeners;
	struct disc_conn *conns;
	struct disc_conn *dead;
	unsigned int depth; /* > 0: connections are being worked on, the dead are kept */
	struct disc_out out;
	struct disc_peer *peers[PEER_BUCKETS];
	struct disc_server_counters counters;
	size_t transfer_bytes;
	uint8_t ids[65536 / 8]; /* controller ids in use */
};

/* --- server */

/* While depth is not 0 no connection's memory goes away. */
void server_enter(struct disc_server *server);
void server_leave(struct disc_server *server);
void server_peer_release(struct disc_server *server, struct disc_peer *peer);
/* Returns: an id that nobody has; 0: none is free. */
uint16_t server_id_take(struct disc_server *server);
void server_id_release(struct disc_server *server, uint16_t id);

/* --- connection */

/* @peer  counted already, or NULL. Returns: 0; negative errno, and @take_fd is closed. */
int conn_new(struct disc_server *server, int take_fd, struct disc_peer *peer, struct err *err);
/* For good; the user is told if he knows it. It is dead or lingers after. */
void conn_end(struct disc_conn *conn, enum disc_gone why, const char *text);
/* Sends what is wrong, and ends it. @head  of the PDU */
void conn_fail(struct disc_conn *conn, const struct pdu_fault *fault, const uint8_t *head,
	       size_t head_length, const char *text);
void conn_free(struct disc_conn *conn);
/* What is to be watched, after @full has changed. */
void conn_watch(struct disc_conn *conn);

/* --- out */

void out_bytes(struct disc_conn *conn, const void *bytes, size_t length);
void out_log(struct disc_conn *conn, struct disc_log *log, size_t offset, size_t length);
void out_zeros(struct disc_conn *conn, size_t length);
const uint8_t *out_zero_bytes(void); /* CONN_C2H_MAX of them */
/* Send; what the peer does not take is kept. The connection may be dead after. */
void out_flush(struct disc_conn *conn);
/* The peer takes again. */
void out_go_on(struct disc_conn *conn);
/* Nothing of it is to be sent any more. */
void out_drop(struct disc_conn *conn);

/* --- commands */

/* @bytes  its data, all of them; borrowed */
void command_run(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
		 uint32_t length);
/* How many bytes of data it brings, at most. */
uint32_t command_data_max(const struct disc_conn *conn, const struct nvme_sqe *sqe);
void command_answer(struct disc_conn *conn, const struct nvme_sqe *sqe, uint16_t status);
void command_answer_value(struct disc_conn *conn, const struct nvme_sqe *sqe, uint64_t value,
			  uint16_t status);
/* Data for the host: @length bytes of them, of @log from @offset on as far as it goes. */
void command_send_log(struct disc_conn *conn, const struct nvme_sqe *sqe, struct disc_log *log,
		      uint64_t offset, uint32_t length);
void command_send_bytes(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
			uint32_t length);
/* Can it take so much? Answered if not. */
bool command_has_room(struct disc_conn *conn, const struct nvme_sqe *sqe, uint32_t length);

/* Ask the user for its view. Returns: false: it is not let in, or it is over. */
bool command_let_in(struct disc_conn *conn, const struct nvme_connect_data *data);

/* Where it comes from, where it came to; to be kept as long as the host that is described. */
struct conn_addresses {
	struct sockaddr_storage peer, local;
};
void conn_describe(const struct disc_conn *conn, const struct nvme_connect_data *data,
		   struct conn_addresses *addresses, struct disc_host *ret);

/* --- authentication */

/* Must it? Returns: as the hook. */
int proof_ask(struct disc_conn *conn, const struct nvme_connect_data *data,
	      struct disc_secrets *ret_secrets);
/* It is not let in until it has. Returns: 0; -ENOMEM. */
int proof_begin(struct disc_conn *conn, const struct nvme_connect_data *data);
void proof_free(struct disc_conn *conn);
/* Authentication Send or Receive. */
void proof_run(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
	       uint32_t length);
/* Tell the user that it did not prove itself. */
void proof_tell(struct disc_conn *conn, const char *text);

void admin_run(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
	       uint32_t length);
/* Another view: what there is to tell of it. */
void admin_set_log(struct disc_conn *conn, struct disc_log *log);
/* Tell the host of a change, if one is due and it asked. */
void admin_send_event(struct disc_conn *conn);
/* The host may be told again. */
void admin_unmask(struct disc_conn *conn);

/* --- time */

/* Look at it when its time comes: to be said again whenever that comes nearer. What moves it away,
 * as each PDU does, is seen then. */
void time_set(struct disc_conn *conn);
void time_on_due(struct disc_conn *conn);
