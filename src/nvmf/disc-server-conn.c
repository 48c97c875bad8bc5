/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-server: a connection: bytes in, PDUs, data that come after R2T, the end. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nvmf/disc-server-own.h"

static void on_ready(struct disc_conn *conn, uint32_t events);

/* --- begin and end */

static void link_into(struct disc_conn *conn, struct disc_conn **list)
{
	conn->next = *list;
	conn->at = list;
	if (*list)
		(*list)->at = &conn->next;
	*list = conn;
}

static void unlink_from(struct disc_conn *conn)
{
	*conn->at = conn->next;
	if (conn->next)
		conn->next->at = conn->at;
}

static struct disc_conn *conn_of(struct swarm_member *member)
{
	return (struct disc_conn *)(void *)((char *)member - offsetof(struct disc_conn, member));
}

void conn_watch(struct disc_conn *conn)
{
	(void)swarm_change(conn->server->swarm, &conn->member, conn->full ? EPOLLOUT : EPOLLIN);
}

static void on_member(struct swarm_member *member, uint32_t events)
{
	struct disc_conn *conn = conn_of(member);
	struct disc_server *server = conn->server;

	server_enter(server);
	if (events)
		on_ready(conn, events);
	else
		time_on_due(conn);
	server_leave(server);
}

int conn_new(struct disc_server *server, int take_fd, struct disc_peer *peer, struct err *err)
{
	struct disc_conn *conn = calloc(1, sizeof(*conn));
	int r;

	if (!conn) {
		close(take_fd);
		return err_nomem(err);
	}
	conn->server = server;
	conn->fd = take_fd;
	conn->out_end = &conn->out;
	conn->heard_ms = swarm_now_ms(server->swarm);
	conn->member.fn = on_member;
	r = swarm_watch(server->swarm, &conn->member, take_fd, EPOLLIN, err);
	if (r < 0) {
		close(take_fd);
		free(conn);
		return r;
	}
	conn->peer = peer;
	link_into(conn, &server->conns);
	time_set(conn);
	server->counters.accepted++;
	server->counters.connections++;
	return 0;
}

static void transfer_free(struct disc_conn *conn, struct conn_transfer *transfer)
{
	if (!transfer)
		return;
	conn->server->transfer_bytes -= transfer->length;
	free(transfer);
}

/* What only one that is alive has. */
static void release(struct disc_conn *conn)
{
	struct disc_server *server = conn->server;

	if (conn->cntlid)
		server_id_release(server, conn->cntlid);
	conn->cntlid = 0;
	disc_log_unref(conn->log);
	disc_log_unref(conn->pinned);
	conn->log = NULL;
	conn->pinned = NULL;
	transfer_free(conn, conn->transfer);
	conn->transfer = NULL;
	proof_free(conn);
	free(conn->rest);
	conn->rest = NULL;
	conn->n_rest = 0;
	conn->n_events = 0;
}

static void die(struct disc_conn *conn)
{
	struct disc_server *server = conn->server;

	conn->state = CONN_DEAD;
	out_drop(conn);
	swarm_timer_stop(&conn->member);
	swarm_forget(server->swarm, &conn->member);
	unlink_from(conn);
	link_into(conn, &server->dead);
	close(conn->fd);
	conn->fd = -1;
	server_peer_release(server, conn->peer);
	conn->peer = NULL;
	server->counters.connections--;
}

void conn_end(struct disc_conn *conn, enum disc_gone why, const char *text)
{
	struct disc_server *server = conn->server;
	const uint8_t was = conn->state;

	if (was == CONN_DEAD)
		return;
	/* dead before the user hears of it: whatever he does then does not end it twice */
	server_enter(server);
	if (was == CONN_AUTH && why != DISC_GONE_SERVER)
		proof_tell(conn, text);
	die(conn);
	if (was == CONN_CONNECTED)
		server->hooks.gone(server->hooks.data, conn, why, text);
	release(conn);
	server_leave(server);
}

void conn_free(struct disc_conn *conn)
{
	unlink_from(conn);
	free(conn);
}

/* A socket with unread bytes is reset when it is closed, and with it goes what we said last: so it
 * is read, for a while, until the peer closes. */
static void linger(struct disc_conn *conn, const char *text)
{
	struct disc_server *server = conn->server;
	bool known = conn->state == CONN_CONNECTED;

	if (conn->state == CONN_AUTH)
		proof_tell(conn, text);
	conn->state = CONN_LINGER;
	conn->heard_ms = swarm_now_ms(server->swarm);
	shutdown(conn->fd, SHUT_WR);
	if (known)
		server->hooks.gone(server->hooks.data, conn, DISC_GONE_PROTOCOL, text);
	release(conn);
	time_set(conn);
}

void conn_fail(struct disc_conn *conn, const struct pdu_fault *fault, const uint8_t *head,
	       size_t head_length, const char *text)
{
	uint8_t term[PDU_TERM_MAX];

	conn->server->counters.protocol_errors++;
	out_bytes(conn, term, pdu_build_term(false, fault, head, head_length, term));
	out_flush(conn);
	if (conn->state == CONN_DEAD)
		return;
	if (conn->out)
		conn_end(conn, DISC_GONE_PROTOCOL, text);
	else
		linger(conn, text);
}

/* --- what a PDU says */

static void fail_at(struct disc_conn *conn, const struct pdu *pdu, enum pdu_fes fes, uint32_t fei,
		    const char *text)
{
	const struct pdu_fault fault = { fes, fei };
	const struct pdu_side side = { .hdgst = conn->hdgst, .ddgst = conn->ddgst };
	uint8_t head[PDU_HEADER_MAX];
	struct pdu as_was = *pdu;

	conn_fail(conn, &fault, head, pdu_build(&side, &as_was, head), text);
}

static void on_icreq(struct disc_conn *conn, const struct pdu *pdu)
{
	const struct pdu_side plain = { 0 };
	const struct pdu answer = {
		.type = PDU_ICRESP,
		.ic = { .hdgst = pdu->ic.hdgst, .ddgst = pdu->ic.ddgst, .max = CONN_H2C_MAX },
	};
	uint8_t bytes[PDU_HEADER_MAX];

	conn->state = CONN_READY;
	if (pdu->ic.align) {
		fail_at(conn, pdu, PDU_FES_UNSUPPORTED, 10, "it wants padded data");
		return;
	}
	conn->hdgst = pdu->ic.hdgst;
	conn->ddgst = pdu->ic.ddgst;
	out_bytes(conn, bytes, pdu_build(&plain, &answer, bytes));
}

/* Its data come later: ask for all of them at once. */
static void ask_for_data(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	struct disc_server *server = conn->server;
	const struct pdu_side side = { .hdgst = conn->hdgst };
	struct conn_transfer *transfer = NULL;
	uint8_t bytes[PDU_HEADER_MAX];
	struct pdu r2t = { .type = PDU_R2T };

	if (sqe->sgl_length > command_data_max(conn, sqe)) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	if (!conn->transfer && server->transfer_bytes + sqe->sgl_length <= SERVER_TRANSFER_MAX)
		transfer = malloc(sizeof(*transfer) + sqe->sgl_length);
	if (!transfer) {
		command_answer(conn, sqe, NVME_SC_DISC_RESOURCES);
		return;
	}
	*transfer = (struct conn_transfer){ .sqe = *sqe,
					    .ttag = conn->next_ttag++,
					    .length = sqe->sgl_length };
	conn->transfer = transfer;
	server->transfer_bytes += transfer->length;
	r2t.data = (struct pdu_data){ sqe->cid, transfer->ttag, 0, transfer->length };
	out_bytes(conn, bytes, pdu_build(&side, &r2t, bytes));
}

static void on_command(struct disc_conn *conn, const struct pdu *pdu)
{
	const struct nvme_sqe *sqe = &pdu->command;

	conn->server->counters.commands++;
	if (sqe->sgl_type == NVME_SGL_IN_CAPSULE &&
	    (sqe->sgl_address != 0 || sqe->sgl_length != pdu->n_bytes))
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	else if (pdu->n_bytes || !command_data_max(conn, sqe) || !sqe->sgl_length)
		command_run(conn, sqe, pdu->bytes, pdu->n_bytes);
	else
		ask_for_data(conn, sqe);
}

/* Returns: what is wrong with it, and @ret_fault filled; NULL: nothing. */
static const char *check_data(const struct conn_transfer *transfer, const struct pdu *pdu,
			      struct pdu_fault *ret_fault)
{
	const struct pdu_data *data = &pdu->data;
	const uint32_t left = transfer->length - transfer->done;

	if (data->cid != transfer->sqe.cid) {
		*ret_fault = (struct pdu_fault){ PDU_FES_HEADER, 8 };
		return "it sent data of another command";
	}
	if (data->offset != transfer->done) {
		*ret_fault = (struct pdu_fault){ PDU_FES_RANGE, 12 };
		return "it sent data in another order";
	}
	if (data->length > left) {
		*ret_fault = (struct pdu_fault){ PDU_FES_LIMIT, 16 };
		return "it sent more data than it was asked for";
	}
	if (((pdu->flags & PDU_FLAG_LAST) != 0) != (data->length == left)) {
		*ret_fault = (struct pdu_fault){ PDU_FES_HEADER, 1 };
		return "its last data are not marked so";
	}
	return NULL;
}

static void on_data(struct disc_conn *conn, const struct pdu *pdu)
{
	struct conn_transfer *transfer = conn->transfer;
	struct pdu_fault fault;
	const char *wrong;

	if (!transfer || pdu->data.ttag != transfer->ttag) {
		fail_at(conn, pdu, PDU_FES_HEADER, 10, "it sent data that nobody asked for");
		return;
	}
	wrong = check_data(transfer, pdu, &fault);
	if (wrong) {
		fail_at(conn, pdu, fault.fes, fault.fei, wrong);
		return;
	}
	memcpy(transfer->bytes + transfer->done, pdu->bytes, pdu->data.length);
	transfer->done += pdu->data.length;
	if (transfer->done < transfer->length)
		return;
	conn->transfer = NULL;
	command_run(conn, &transfer->sqe, transfer->bytes, transfer->length);
	transfer_free(conn, transfer);
}

static void on_pdu(struct disc_conn *conn, const struct pdu *pdu)
{
	switch (pdu->type) {
	case PDU_ICREQ:
		on_icreq(conn, pdu);
		return;
	case PDU_COMMAND:
		on_command(conn, pdu);
		return;
	case PDU_H2C_DATA:
		on_data(conn, pdu);
		return;
	default:
		conn->server->counters.protocol_errors++;
		conn_end(conn, DISC_GONE_PROTOCOL, "it says that we broke the protocol");
		return;
	}
}

/* --- bytes in */

/* Returns: how many bytes were whole PDUs. */
static size_t take_pdus(struct disc_conn *conn, const uint8_t *bytes, size_t length)
{
	size_t done = 0;

	while (conn->state < CONN_LINGER && !conn->out) {
		const struct pdu_side side = {
			.from_host = true,
			.ready = conn->state != CONN_NEW,
			.hdgst = conn->hdgst,
			.ddgst = conn->ddgst,
			.max_data = CONN_H2C_MAX,
		};
		struct err err = ERR_NULL;
		struct pdu_fault fault;
		struct pdu pdu;
		size_t need;
		int r = pdu_parse(&side, bytes + done, length - done, &pdu, &need, &fault, &err);

		if (r < 0)
			conn_fail(conn, &fault, bytes + done, length - done, err.text);
		if (r <= 0)
			break;
		if (conn->state == CONN_CONNECTED)
			conn->heard_ms = swarm_now_ms(conn->server->swarm);
		on_pdu(conn, &pdu);
		done += (size_t)r;
	}
	return done;
}

/* What is left of the input waits for more of it. */
static void keep_rest(struct disc_conn *conn, const uint8_t *bytes, size_t length)
{
	uint8_t *rest = NULL;

	if (length) {
		rest = malloc(length);
		if (!rest) {
			conn_end(conn, DISC_GONE_SERVER, "out of memory");
			return;
		}
		memcpy(rest, bytes, length);
	}
	free(conn->rest);
	conn->rest = rest;
	conn->n_rest = (uint32_t)length;
}

static void work(struct disc_conn *conn, size_t length)
{
	uint8_t *in = swarm_buffer(conn->server->swarm);
	size_t done = take_pdus(conn, in, length);

	if (conn->state < CONN_LINGER)
		keep_rest(conn, in + done, length - done);
	if (conn->state < CONN_LINGER)
		out_flush(conn);
}

static void read_more(struct disc_conn *conn)
{
	uint8_t *in = swarm_buffer(conn->server->swarm);
	ssize_t n;

	if (conn->n_rest)
		memcpy(in, conn->rest, conn->n_rest);
	n = recv(conn->fd, in + conn->n_rest, CONN_IN_BYTES - conn->n_rest, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		conn_end(conn, conn->shut_down ? DISC_GONE_SHUTDOWN : DISC_GONE_CLOSED,
			 n < 0 ? strerror(errno) : "it closed the connection");
	else if (conn->state != CONN_LINGER)
		work(conn, conn->n_rest + (size_t)n);
}

static void on_ready(struct disc_conn *conn, uint32_t events)
{
	if (conn->full) {
		if (events & (EPOLLERR | EPOLLHUP))
			conn_end(conn, DISC_GONE_CLOSED, "it closed the connection");
		else
			out_go_on(conn);
		if (conn->state >= CONN_LINGER || conn->full || !conn->n_rest)
			return;
		/* commands that waited */
		memcpy(swarm_buffer(conn->server->swarm), conn->rest, conn->n_rest);
		work(conn, conn->n_rest);
		return;
	}
	read_more(conn);
}
