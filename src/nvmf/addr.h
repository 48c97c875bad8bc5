/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addr - addresses of listeners: IP with port, and Fibre Channel world wide names.
 *
 * Numeric addresses come out in one spelling, so that equal ones are equal texts. Names are only
 * recognised, never looked up.
 *
 * Source: RFC 5952 (spelling of IPv6); RFC 1123, 2.1 (names); drivers/nvme/target/fc.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define ADDR_TEXT_MAX 272 /* "[HOST]:PORT" with its NUL */
#define ADDR_FC_MAX 44	  /* "nn-0x0123456789abcdef:pn-0x0123456789abcdef" with its NUL */

enum addr_family { ADDR_IPV4, ADDR_IPV6, ADDR_NAME };

struct addr {
	enum addr_family family;
	char host[256]; /* without brackets; IPv6 with its %scope */
	char port[6];	/* decimal, 1..65535 */
};

/*
 * Parse ADDR, ADDR:PORT, IPV6, [IPV6] or [IPV6]:PORT, where ADDR is IPv4 or a name.
 * @default_port  for a text without one, such as "4420"; NULL: the port is needed
 * Returns: 0; -EINVAL.
 */
int addr_parse(const char *text, const char *default_port, struct addr *ret, struct err *err);

/* Parse an address without a port; ret->port is "". Returns: 0; -EINVAL. */
int addr_parse_host(const char *text, struct addr *ret, struct err *err);

/* Parse a port, 1..65535. Returns: 0, the decimal number in @ret_port; -EINVAL. */
int addr_parse_port(const char *text, char ret_port[6], struct err *err);

/* The text that addr_parse reads back; the port is left out if it is "". Returns @text. */
const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX]);

/* The same from the parts, as they stand in addr_traddr and addr_trsvcid; any text is taken. */
const char *addr_format_parts(const char *host, const char *port, char text[ADDR_TEXT_MAX]);

/* The word for addr_adrfam: "ipv4" or "ipv6"; NULL for a name. */
const char *addr_family_word(enum addr_family family);

/*
 * Parse a Fibre Channel port: nn-0xWWNN:pn-0xWWPN or WWNN:WWPN, each of 16 hex digits, the
 * latter with or without 0x and with or without ':' between the bytes.
 * Returns: 0, the kernel's spelling in @ret; -EINVAL.
 */
int addr_parse_fc(const char *text, char ret[ADDR_FC_MAX], struct err *err);
