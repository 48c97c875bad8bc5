/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/route.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
	if (!a || a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static void find_link(const struct sockaddr *source, struct route *route)
{
	struct ifaddrs *list;
	struct ifaddrs *at;

	if (getifaddrs(&list) < 0)
		return;
	for (at = list; at; at = at->ifa_next) {
		if (!is_same(at->ifa_addr, source))
			continue;
		snprintf(route->ifname, sizeof(route->ifname), "%s", at->ifa_name);
		route->is_up = (at->ifa_flags & IFF_UP) && (at->ifa_flags & IFF_RUNNING);
		break;
	}
	freeifaddrs(list);
}

/* A connected datagram socket has its source, and nothing was sent. */
static int ask_kernel(const struct addrinfo *to, struct sockaddr_storage *ret)
{
	CLEANUP_CLOSE int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*ret);

	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret, &length) < 0)
		return -errno;
	return 0;
}

int route_find(const char *address, struct route *ret, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct sockaddr_storage source = { 0 };
	struct route route = { .is_up = false };
	struct addrinfo *to;
	int r;

	if (getaddrinfo(address, "4420", &hints, &to) != 0)
		return err_set(err, -EINVAL, "%s is no numeric address", address);
	r = ask_kernel(to, &source);
	freeaddrinfo(to);
	if (r < 0)
		return err_set(err, r, "this host has no way to %s: %s", address, strerror(-r));
	if (getnameinfo((struct sockaddr *)&source, sizeof(source), route.source,
			sizeof(route.source), NULL, 0, NI_NUMERICHOST) != 0)
		route.source[0] = '\0';
	find_link((struct sockaddr *)&source, &route);
	*ret = route;
	return 0;
}
