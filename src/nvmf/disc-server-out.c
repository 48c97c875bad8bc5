/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-server: bytes out. A page is sent from where it lies; it is copied by nobody but the
 * kernel, and an idle connection has no buffer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nvmf/disc-server-own.h"

#define IOV_MAX_PIECES 64

/* never written, and so never in memory */
static uint8_t zeros[CONN_C2H_MAX];

const uint8_t *out_zero_bytes(void)
{
	return zeros;
}

/* --- what the peer did not take yet */

static void keep(struct disc_conn *conn, const void *at, size_t length, struct disc_log *log)
{
	bool copy = !log && at != zeros;
	struct out_piece *piece = malloc(sizeof(*piece) + (copy ? length : 0));

	if (!piece) {
		conn_end(conn, DISC_GONE_SERVER, "out of memory");
		return;
	}
	*piece = (struct out_piece){ .at = at, .length = length };
	if (log)
		piece->log = disc_log_ref(log);
	if (copy) {
		memcpy(piece->bytes, at, length);
		piece->at = piece->bytes;
	}
	*conn->out_end = piece;
	conn->out_end = &piece->next;
}

static void piece_free(struct out_piece *piece)
{
	disc_log_unref(piece->log);
	free(piece);
}

void out_drop(struct disc_conn *conn)
{
	struct disc_out *out = &conn->server->out;

	while (conn->out) {
		struct out_piece *piece = conn->out;

		conn->out = piece->next;
		piece_free(piece);
	}
	conn->out_end = &conn->out;
	if (out->conn != conn)
		return;
	while (out->n)
		disc_log_unref(out->logs[--out->n]);
	out->used = 0;
	out->conn = NULL;
}

/* --- sending */

/* Returns: bytes that went out, 0 if the peer takes none now; -1 it is gone, and the connection
 * has ended. */
static ssize_t send_some(struct disc_conn *conn, struct iovec *iov, size_t n)
{
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t sent;

	do
		sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
		conn_end(conn, DISC_GONE_CLOSED, strerror(errno));
		return -1;
	}
	if (sent < 0)
		return 0;
	conn->server->counters.bytes_out += (uint64_t)sent;
	return sent;
}

void out_flush(struct disc_conn *conn)
{
	struct disc_out *out = &conn->server->out;
	unsigned int n = out->n;
	unsigned int i = 0;
	ssize_t sent = 0;

	if (out->conn != conn)
		return;
	if (n)
		sent = send_some(conn, out->iov, n);
	if (sent < 0)
		return;
	for (; i < n && (size_t)sent >= out->iov[i].iov_len; i++)
		sent -= (ssize_t)out->iov[i].iov_len;
	for (; i < n && conn->state != CONN_DEAD; i++, sent = 0)
		keep(conn, (uint8_t *)out->iov[i].iov_base + sent,
		     out->iov[i].iov_len - (size_t)sent, out->logs[i]);
	if (out->conn != conn)
		return; /* it has ended */
	for (i = 0; i < n; i++)
		disc_log_unref(out->logs[i]);
	out->n = 0;
	out->used = 0;
	out->conn = NULL;
	if (conn->out && !conn->full) {
		conn->full = true;
		conn_watch(conn);
	}
}

/* Throw away @sent bytes from the beginning of what was kept. */
static void pieces_sent(struct disc_conn *conn, size_t sent)
{
	while (conn->out && sent >= conn->out->length) {
		struct out_piece *piece = conn->out;

		sent -= piece->length;
		conn->out = piece->next;
		piece_free(piece);
	}
	if (!conn->out) {
		conn->out_end = &conn->out;
		return;
	}
	conn->out->at += sent;
	conn->out->length -= sent;
}

void out_go_on(struct disc_conn *conn)
{
	struct iovec iov[IOV_MAX_PIECES];
	struct out_piece *piece;
	ssize_t sent = 0;
	size_t n = 0;

	for (piece = conn->out; piece && n < IOV_MAX_PIECES; piece = piece->next)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)piece->at, piece->length };
	if (n)
		sent = send_some(conn, iov, n);
	if (sent < 0)
		return;
	/* who reads slowly is alive */
	if (sent && conn->state == CONN_CONNECTED)
		conn->heard_ms = swarm_now_ms(conn->server->swarm);
	pieces_sent(conn, (size_t)sent);
	if (!conn->out && conn->full) {
		conn->full = false;
		conn_watch(conn);
	}
}

/* --- collecting */

/* Room for one more entry, and @length bytes, of this connection; false: what is added is to be
 * kept, or it is over. */
static bool make_room(struct disc_conn *conn, size_t length)
{
	struct disc_out *out = &conn->server->out;

	if (out->conn && (out->conn != conn || out->n == IOV_MAX_PIECES ||
			  out->used + length > sizeof(out->bytes)))
		out_flush(out->conn);
	return !conn->out && conn->state != CONN_DEAD;
}

static void add(struct disc_conn *conn, const void *at, size_t length, struct disc_log *log)
{
	struct disc_out *out = &conn->server->out;

	out->conn = conn;
	out->iov[out->n] = (struct iovec){ (void *)(uintptr_t)at, length };
	out->logs[out->n++] = log ? disc_log_ref(log) : NULL;
}

static void add_or_keep(struct disc_conn *conn, const void *at, size_t length, struct disc_log *log)
{
	if (make_room(conn, 0))
		add(conn, at, length, log);
	else if (conn->state != CONN_DEAD)
		keep(conn, at, length, log);
}

void out_bytes(struct disc_conn *conn, const void *bytes, size_t length)
{
	struct disc_out *out = &conn->server->out;
	struct iovec *last;
	uint8_t *at;

	if (!make_room(conn, length)) {
		if (conn->state != CONN_DEAD)
			keep(conn, bytes, length, NULL);
		return;
	}
	at = out->bytes + out->used;
	memcpy(at, bytes, length);
	out->used += length;
	last = out->n ? &out->iov[out->n - 1] : NULL;
	if (last && (uint8_t *)last->iov_base + last->iov_len == at)
		last->iov_len += length;
	else
		add(conn, at, length, NULL);
}

void out_log(struct disc_conn *conn, struct disc_log *log, size_t offset, size_t length)
{
	add_or_keep(conn, log->bytes + offset, length, log);
}

void out_zeros(struct disc_conn *conn, size_t length)
{
	add_or_keep(conn, zeros, length, NULL);
}
