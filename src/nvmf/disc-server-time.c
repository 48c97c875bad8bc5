/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Of disc-server: what comes with time. A PDU only notes when it came; a connection is looked at
 * when its time would be over, and put further on if something came. So keeping alive costs
 * nothing for each PDU.
 */
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "nvmf/disc-server-own.h"

#define GRACE_MS 2000 /* beyond what a host set for keeping alive */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t again_ms(const struct disc_conn *conn)
{
	return conn->server->bounds.event_again_ms;
}

static bool is_reading_old(const struct disc_conn *conn)
{
	return conn->pinned && conn->pinned != conn->log;
}

static int64_t alive_until(const struct disc_conn *conn)
{
	return conn->heard_ms + conn->kato_ms + GRACE_MS;
}

static int64_t due_of(const struct disc_conn *conn)
{
	int64_t at;

	if (conn->state == CONN_LINGER)
		return conn->heard_ms + CONN_LINGER_MS;
	if (conn->state != CONN_CONNECTED)
		return conn->heard_ms + conn->server->bounds.handshake_ms;
	at = alive_until(conn);
	if (conn->shut_down)
		at = earlier(at, conn->heard_ms + CONN_LINGER_MS);
	if (conn->masked && conn->changed)
		at = earlier(at, conn->masked_ms + again_ms(conn));
	if (is_reading_old(conn))
		at = earlier(at, conn->log_ms + again_ms(conn));
	return at;
}

void time_set(struct disc_conn *conn)
{
	struct swarm *swarm = conn->server->swarm;
	int64_t ms = due_of(conn) - swarm_now_ms(swarm);

	swarm_timer_set(swarm, &conn->member, ms > 0 ? ms : 1);
}

/* Something came that could not be read yet: this process was held up, not the host. */
static bool has_unread(const struct disc_conn *conn)
{
	int n = 0;

	return !conn->full && ioctl(conn->fd, FIONREAD, &n) == 0 && n > 0;
}

static void end_silent(struct disc_conn *conn)
{
	char span[CLOCK_TEXT_MAX];
	char text[96];

	conn->server->counters.timeouts++;
	snprintf(text, sizeof(text), "nothing was heard of it for %s",
		 clock_format_span(conn->kato_ms + GRACE_MS, span));
	conn_end(conn, DISC_GONE_KATO, text);
}

static void look_connected(struct disc_conn *conn, int64_t now)
{
	if (alive_until(conn) <= now) {
		if (!has_unread(conn)) {
			end_silent(conn);
			return;
		}
		conn->heard_ms = now;
	}
	if (conn->shut_down && conn->heard_ms + CONN_LINGER_MS <= now) {
		conn_end(conn, DISC_GONE_SHUTDOWN, "it was shut down");
		return;
	}
	if (is_reading_old(conn) && conn->log_ms + again_ms(conn) <= now) {
		disc_log_unref(conn->pinned);
		conn->pinned = NULL;
	}
	if (conn->masked && conn->changed && conn->masked_ms + again_ms(conn) <= now) {
		admin_unmask(conn);
		out_flush(conn);
	}
}

void time_on_due(struct disc_conn *conn)
{
	const int64_t now = swarm_now_ms(conn->server->swarm);

	if (due_of(conn) <= now && conn->state == CONN_CONNECTED) {
		look_connected(conn, now);
	} else if (due_of(conn) <= now) {
		conn->server->counters.timeouts += conn->state != CONN_LINGER;
		conn_end(conn, DISC_GONE_PROTOCOL, "it took too long to connect");
	}
	if (conn->state != CONN_DEAD)
		time_set(conn);
}
