/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-events-net - where events may be sent to.
 *
 * Within configured networks, if there are any. Else anywhere but to this host, to its link, to
 * groups and to where clouds tell secrets: who may subscribe must not make us ask there. IPv4 in
 * IPv6 is looked at as IPv4.
 *
 * Source: RFC 6890, RFC 4291, RFC 6052.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

/* A network of either family, as an IPv6 one. */
struct rf_net {
	unsigned char bytes[16];
	unsigned int bits;
};

/* "10.0.0.0/8", "fd00::/8", or an address. Returns: 0; -EINVAL. */
int rf_net_parse(const char *text, struct rf_net *ret);
bool rf_net_may(const struct rf_net *nets, size_t count, const struct sockaddr *address);
/* The same of a numeric one as text. Returns: 1 it may; 0 it may not; -EINVAL it is a name. */
int rf_net_may_text(const struct rf_net *nets, size_t count, const char *host);
