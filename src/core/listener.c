/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

#define AT_ONCE 64 /* then others have their turn */
#define REST_MS 100

struct listener {
	struct loop *loop;
	int fd;
	struct loop_source *io;
	struct loop_source *timer;
	listener_room_fn room;
	listener_fn fn;
	void *data;
};

static int bind_to(const struct addrinfo *at, int *ret_fd)
{
	static const int on = 1;
	CLEANUP_CLOSE int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* else connections of the last run keep the port for a minute */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int listener_bind(const char *address, uint16_t port, int *ret_fd, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &list) != 0)
		return err_set(err, -EINVAL,
			       "\"%s\" is no address to listen at: give a numeric one", address);
	r = bind_to(list, ret_fd);
	freeaddrinfo(list);
	if (r == -EADDRINUSE)
		return err_set(err, r, "port %u of %s is in use by another program, see: ss -ltnp",
			       port, address);
	if (r < 0)
		return err_set(err, r, "cannot listen at port %u of %s: %s", port, address,
			       strerror(-r));
	return 0;
}

static void rest(struct listener *listener)
{
	loop_io_set(listener->io, 0);
	loop_timer_set(listener->timer, REST_MS, 0);
}

static void on_rested(void *data)
{
	struct listener *listener = data;

	loop_io_set(listener->io, EPOLLIN);
}

static bool is_out_of(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

static void on_ready(void *data, int fd, uint32_t events)
{
	struct listener *listener = data;
	int i;

	(void)events;
	for (i = 0; i < AT_ONCE; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t size = sizeof(address);
		int client;

		if (!listener->room(listener->data)) {
			rest(listener);
			return;
		}
		client = accept4(fd, (struct sockaddr *)&address, &size,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client < 0 && is_out_of(errno))
			rest(listener);
		if (client < 0)
			return;
		listener->fn(listener->data, client, (struct sockaddr *)&address, size);
	}
}

int listener_new(struct loop *loop, int take_fd, listener_room_fn room, listener_fn fn, void *data,
		 struct listener **ret, struct err *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int r;

	if (!listener) {
		close(take_fd);
		return err_nomem(err);
	}
	*listener = (struct listener){
		.loop = loop, .fd = take_fd, .room = room, .fn = fn, .data = data
	};
	r = loop_add_timer(loop, on_rested, listener, &listener->timer, err);
	if (r == 0)
		r = loop_add_io(loop, take_fd, EPOLLIN, on_ready, listener, &listener->io, err);
	if (r < 0) {
		listener_free(listener);
		return r;
	}
	*ret = listener;
	return 0;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	loop_source_free(listener->io);
	loop_source_free(listener->timer);
	close(listener->fd);
	free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);

	if (getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
	return 0;
}
