/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn - the live transport connections of a listener, as the network stack knows them.
 *
 * nvmet tells nobody who is connected unless the kernel has its debugfs, and distributions build
 * none. Its TCP connections stand in /proc/net/tcp and tcp6, its RDMA ones are cm_ids that the
 * kernel lists by NETLINK_RDMA. One controller has one connection per queue.
 *
 * Source: Documentation/networking/proc_net_tcp.rst; include/uapi/rdma/rdma_netlink.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* An IPv4 address is kept as ::ffff:a.b.c.d, so that one comparison serves both families. */
struct conn_addr {
	uint8_t bytes[16];
	uint16_t port;
};

/* Without padding, so that memcmp orders connections. */
struct conn {
	struct conn_addr local;
	struct conn_addr remote;
};

struct conn_list {
	struct conn *items;
	size_t count;
};

#define CONN_LIST_NULL ((struct conn_list){ 0 })

void conn_list_deinit(struct conn_list *list);

/* Add a copy at the end. Returns: 0; -ENOMEM. */
int conn_list_add(struct conn_list *list, const struct conn *conn);
#define CLEANUP_CONN_LIST __attribute__((cleanup(conn_list_deinit)))

/* Parse a numeric IPv4 or IPv6 address (a %scope is ignored) and a decimal port.
 * Returns: 0; -EINVAL. */
int conn_addr_parse(const char *address, const char *port, struct conn_addr *ret);

/* The address without its port, IPv4 as such; cut at @size. */
void conn_addr_format(const struct conn_addr *addr, char *text, size_t size);

/* Is @conn one of a listener at @listener (the unspecified address listens at all)? */
bool conn_is_at(const struct conn *conn, const struct conn_addr *listener);

bool conn_is_same(const struct conn *a, const struct conn *b);

/* Add the established connections of one table in the format of /proc/net/tcp or tcp6. Lines
 * that are none are skipped. Returns: 0; -ENOMEM. */
int conn_parse_tcp(const char *text, struct conn_list *list);

/* Add the established TCP connections of this network namespace; a table that is not there (no
 * IPv6) adds nothing. @proc_fd /proc. Returns: 0; -ENOMEM; negative errno of reading both. */
int conn_list_tcp(int proc_fd, struct conn_list *list, struct err *err);

/* Add the connected cm_ids of a datagram of netlink messages, answers to RES_CM_ID_GET.
 * @datagram  any bytes; reading stops at what is malformed. Returns: 0; -ENOMEM. */
int conn_parse_rdma(const void *datagram, size_t length, struct conn_list *list);

/* Add the connected RDMA cm_ids of all devices; a kernel without RDMA adds nothing.
 * Returns: 0; -EOPNOTSUPP the kernel does not list them; -EPERM; -ENOMEM; other negative errno. */
int conn_list_rdma(struct conn_list *list, struct err *err);
