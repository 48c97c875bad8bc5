/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/disc-server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/listener.h"
#include "nvmf/disc-server-own.h"

/* --- who may be freed when */

void server_enter(struct disc_server *server)
{
	server->depth++;
}

void server_leave(struct disc_server *server)
{
	if (--server->depth)
		return;
	while (server->dead)
		conn_free(server->dead);
}

/* --- controller ids */

static bool id_is_used(const struct disc_server *server, uint16_t id)
{
	return server->ids[id / 8] & 1U << id % 8;
}

uint16_t server_id_take(struct disc_server *server)
{
	unsigned int n = server->cntlid_last - server->cntlid_first + 1U;

	/* one after the other: a host may still know the last holder of an id */
	while (n--) {
		uint16_t id = server->cntlid_next;

		server->cntlid_next =
			id == server->cntlid_last ? server->cntlid_first : (uint16_t)(id + 1);
		if (id_is_used(server, id))
			continue;
		server->ids[id / 8] |= (uint8_t)(1U << id % 8);
		return id;
	}
	return 0;
}

void server_id_release(struct disc_server *server, uint16_t id)
{
	server->ids[id / 8] &= (uint8_t) ~(1U << id % 8);
}

/* --- addresses of peers */

/* Returns: false: it has no address, or one of this machine: there is no bound for it. */
static bool key_of(const struct sockaddr *address, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		ret[10] = ret[11] = 0xff;
		memcpy(ret + 12, &in->sin_addr, 4);
		return ret[12] != 127;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		memcpy(ret, &in6->sin6_addr, 16);
		return !IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) &&
		       !(IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && ret[12] == 127);
	}
	return false;
}

static struct disc_peer **bucket_of(struct disc_server *server, const uint8_t key[16])
{
	uint32_t hash = 2166136261U;
	int i;

	for (i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * 16777619U;
	return &server->peers[hash % PEER_BUCKETS];
}

/* Returns: 0, *ret counted, NULL if its address has no bound; -EBUSY; -ENOMEM. */
static int peer_take(struct disc_server *server, const struct sockaddr *address,
		     struct disc_peer **ret)
{
	struct disc_peer **at;
	struct disc_peer *peer;
	uint8_t key[16];

	*ret = NULL;
	if (!key_of(address, key))
		return 0;
	at = bucket_of(server, key);
	for (peer = *at; peer && memcmp(peer->key, key, 16) != 0; peer = peer->next)
		;
	if (peer && peer->count >= server->bounds.per_address)
		return -EBUSY;
	if (!peer) {
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			return -ENOMEM;
		memcpy(peer->key, key, 16);
		peer->next = *at;
		*at = peer;
	}
	peer->count++;
	*ret = peer;
	return 0;
}

void server_peer_release(struct disc_server *server, struct disc_peer *peer)
{
	struct disc_peer **at;

	if (!peer || --peer->count)
		return;
	at = bucket_of(server, peer->key);
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	free(peer);
}

/* --- connections come */

static int add(struct disc_server *server, int take_fd, const struct sockaddr *address,
	       struct err *err)
{
	static const int on = 1;
	struct disc_peer *peer = NULL;
	int r = server->counters.connections < server->bounds.connections ? 0 : -EBUSY;

	if (r == 0)
		r = peer_take(server, address, &peer);
	if (r < 0) {
		server->counters.over_bounds += r == -EBUSY;
		close(take_fd);
		return err_set(err, r, "%s",
			       r == -EBUSY ? "too many connections" : "out of memory");
	}
	/* an answer is sent whole: to wait for more of it only costs time */
	setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r = conn_new(server, take_fd, peer, err);
	if (r < 0)
		server_peer_release(server, peer);
	return r;
}

static bool on_room(void *data)
{
	const struct disc_server_listener *listener = data;

	return listener->server->counters.connections < listener->server->bounds.connections;
}

static void on_accept(void *data, int take_fd, const struct sockaddr *address, socklen_t size)
{
	const struct disc_server_listener *listener = data;

	(void)size;
	(void)add(listener->server, take_fd, address, NULL);
}

int disc_server_listen(struct disc_server *server, int take_listen_fd, struct err *err)
{
	struct disc_server_listener *listener = calloc(1, sizeof(*listener));
	int r;

	if (!listener) {
		close(take_listen_fd);
		return err_nomem(err);
	}
	listener->server = server;
	r = listener_new(server->loop, take_listen_fd, on_room, on_accept, listener,
			 &listener->listener, err);
	if (r < 0) {
		free(listener);
		return r;
	}
	listener->next = server->listeners;
	server->listeners = listener;
	return 0;
}

int disc_server_add(struct disc_server *server, int take_fd, struct err *err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);

	(void)getpeername(take_fd, (struct sockaddr *)&address, &size);
	return add(server, take_fd, (struct sockaddr *)&address, err);
}

/* --- the server */

static int check(const struct disc_server_params *params, struct err *err)
{
	int r = nqn_check(params->nqn, err);

	if (r < 0)
		return err_set(err, -EINVAL, "\"%s\" is no NQN for a discovery controller",
			       params->nqn);
	if (params->cntlid_first == 0 || params->cntlid_first > params->cntlid_last ||
	    params->cntlid_last > NVME_CNTLID_MAX)
		return err_set(err, -EINVAL,
			       "controller ids %u to %u: they begin at 1 and end at %u at most",
			       params->cntlid_first, params->cntlid_last, NVME_CNTLID_MAX);
	return 0;
}

int disc_server_new(struct loop *loop, const struct disc_server_params *params,
		    const struct disc_server_hooks *hooks, struct disc_server **ret,
		    struct err *err)
{
	struct disc_server *server;
	int r = check(params, err);

	if (r < 0)
		return r;
	server = calloc(1, sizeof(*server));
	if (!server)
		return err_nomem(err);
	server->loop = loop;
	server->bounds = params->bounds;
	server->hooks = *hooks;
	server->takes_dim = hooks->dim;
	server->cntlid_first = params->cntlid_first;
	server->cntlid_last = params->cntlid_last;
	server->cntlid_next = params->cntlid_first;
	snprintf(server->nqn, sizeof(server->nqn), "%s", params->nqn);
	snprintf(server->serial, sizeof(server->serial), "%s", params->serial);
	snprintf(server->version, sizeof(server->version), "%s", params->version);
	r = swarm_get(loop, &server->swarm, err);
	if (r < 0) {
		disc_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void disc_server_free(struct disc_server *server)
{
	if (!server)
		return;
	while (server->listeners) {
		struct disc_server_listener *listener = server->listeners;

		server->listeners = listener->next;
		listener_free(listener->listener);
		free(listener);
	}
	while (server->conns)
		conn_end(server->conns, DISC_GONE_SERVER, "the service ends");
	swarm_put(server->swarm);
	free(server);
}

/* --- for the user */

void disc_server_take_dim(struct disc_server *server, bool take)
{
	server->takes_dim = take && server->hooks.dim;
}

void disc_conn_set_log(struct disc_conn *conn, struct disc_log *log)
{
	struct disc_server *server = conn->server;

	server_enter(server);
	if (conn->state == CONN_CONNECTED)
		admin_set_log(conn, log);
	server_leave(server);
}

const struct disc_log *disc_conn_log(const struct disc_conn *conn)
{
	return conn->log;
}

void disc_conn_set(struct disc_conn *conn, void *user)
{
	conn->user = user;
}

void *disc_conn_get(const struct disc_conn *conn)
{
	return conn->user;
}

void disc_conn_close(struct disc_conn *conn, const char *why)
{
	conn_end(conn, DISC_GONE_SERVER, why);
}

void disc_server_counters(const struct disc_server *server, struct disc_server_counters *ret)
{
	*ret = server->counters;
}
