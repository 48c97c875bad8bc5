/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-events-net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

static const char *const forbidden[] = {
	"0.0.0.0/8", /* this host */
	"127.0.0.0/8",
	"169.254.0.0/16",     /* the link, and the metadata of clouds */
	"100.100.100.200/32", /* more of them */
	"192.0.0.192/32",
	"168.63.129.16/32",
	"224.0.0.0/3", /* groups, reserved, broadcast */
	"::/128",
	"::1/128",
	"fe80::/10",
	"fec0::/10",
	"ff00::/8",
	"fd00:ec2::254/128",
};

/* ::ffff:a.b.c.d */
static void from_v4(const void *v4, unsigned char ret[16])
{
	memset(ret, 0, 10);
	ret[10] = ret[11] = 0xff;
	memcpy(ret + 12, v4, 4);
}

int rf_net_parse(const char *text, struct rf_net *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	unsigned char v4[4];
	struct rf_net net;
	uint64_t bits;
	bool is_v4;

	if (length >= sizeof(address))
		return -EINVAL;
	snprintf(address, sizeof(address), "%.*s", (int)length, text);
	is_v4 = inet_pton(AF_INET, address, v4) == 1;
	if (!is_v4 && inet_pton(AF_INET6, address, net.bytes) != 1)
		return -EINVAL;
	bits = is_v4 ? 32 : 128;
	if (slash && str_parse_uint(slash + 1, bits, &bits) < 0)
		return -EINVAL;
	if (is_v4)
		from_v4(v4, net.bytes);
	net.bits = (unsigned int)bits + (is_v4 ? 96 : 0);
	*ret = net;
	return 0;
}

static bool has(const struct rf_net *net, const unsigned char bytes[16])
{
	unsigned int whole = net->bits / 8;
	unsigned int rest = net->bits % 8;

	if (memcmp(net->bytes, bytes, whole) != 0)
		return false;
	return !rest || (net->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

/* IPv4 by way of IPv6: compatible, translated, 6to4. */
static void unwrap(unsigned char bytes[16])
{
	static const unsigned char zero[12];
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	unsigned char v4[4];

	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		memcpy(v4, bytes + 2, 4);
	else if (memcmp(bytes, nat64, sizeof(nat64)) == 0 ||
		 (memcmp(bytes, zero, sizeof(zero)) == 0 && (bytes[12] || bytes[13] || bytes[14])))
		memcpy(v4, bytes + 12, 4);
	else
		return;
	from_v4(v4, bytes);
}

static bool may(const struct rf_net *nets, size_t count, unsigned char bytes[16])
{
	struct rf_net net;
	size_t i;

	unwrap(bytes);
	for (i = 0; i < count; i++)
		if (has(&nets[i], bytes))
			return true;
	if (count)
		return false;
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (rf_net_parse(forbidden[i], &net) < 0 || has(&net, bytes))
			return false;
	return true;
}

bool rf_net_may(const struct rf_net *nets, size_t count, const struct sockaddr *address)
{
	unsigned char bytes[16];

	if (address->sa_family == AF_INET)
		from_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, bytes);
	else if (address->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	else
		return false;
	return may(nets, count, bytes);
}

int rf_net_may_text(const struct rf_net *nets, size_t count, const char *host)
{
	unsigned char bytes[16];
	unsigned char v4[4];

	if (inet_pton(AF_INET, host, v4) == 1)
		from_v4(v4, bytes);
	else if (inet_pton(AF_INET6, host, bytes) != 1)
		return -EINVAL;
	return may(nets, count, bytes);
}
