/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static int bad_host(const char *text, struct err *err)
{
	return err_set(err, -EINVAL,
		       "\"%s\" is no address: give an IPv4 address, an IPv6 address or a name",
		       text);
}

/* Labels of letters, digits and inner dashes ('_' is common, if not allowed). */
static bool is_name(const char *text)
{
	size_t label = 0;
	bool only_digits = true;
	char before = '.';

	if (strlen(text) > 253)
		return false;
	for (; *text; before = *text++) {
		if (*text == '.') {
			if (label == 0 || before == '-')
				return false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)*text) && *text != '_' && (*text != '-' || label == 0))
			return false;
		if (++label > 63)
			return false;
		only_digits = only_digits && isdigit((unsigned char)*text);
	}
	/* what has digits only was meant to be IPv4 */
	return label > 0 && before != '-' && !only_digits;
}

static bool is_scope(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length < IF_NAMESIZE && str_is_printable(text) &&
	       !strpbrk(text, " /%[]");
}

static bool parse_ipv6(const char *text, struct addr *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *scope = strchr(text, '%');
	size_t length = scope ? (size_t)(scope - text) : strlen(text);
	struct in6_addr in6;

	if (length >= sizeof(address) || (scope && !is_scope(scope + 1)))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(AF_INET6, address, &in6) != 1)
		return false;
	inet_ntop(AF_INET6, &in6, address, sizeof(address));
	snprintf(ret->host, sizeof(ret->host), "%s%s", address, scope ? scope : "");
	ret->family = ADDR_IPV6;
	return true;
}

int addr_parse_host(const char *text, struct addr *ret, struct err *err)
{
	struct addr addr = { .port = "" };
	struct in_addr in;

	if (strchr(text, ':')) {
		if (!parse_ipv6(text, &addr))
			return err_set(err, -EINVAL, "\"%s\" is no IPv6 address", text);
	} else if (inet_pton(AF_INET, text, &in) == 1) {
		addr.family = ADDR_IPV4;
		inet_ntop(AF_INET, &in, addr.host, sizeof(addr.host));
	} else if (is_name(text)) {
		addr.family = ADDR_NAME;
		snprintf(addr.host, sizeof(addr.host), "%s", text);
	} else {
		return bad_host(text, err);
	}
	*ret = addr;
	return 0;
}

int addr_parse_port(const char *text, char ret_port[6], struct err *err)
{
	uint64_t port = 0;

	if (str_parse_uint(text, 65535, &port) < 0 || port == 0)
		return err_set(err, -EINVAL, "port \"%s\" must be a number from 1 to 65535", text);
	snprintf(ret_port, 6, "%u", (unsigned int)port);
	return 0;
}

/* Cut @text into host and port; *ret_port is NULL if there is none. */
static int split(const char *text, char *host, size_t size, const char **ret_port, struct err *err)
{
	const char *end = strchr(text, ':');
	size_t length;

	*ret_port = NULL;
	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || !strchr(text, ':') || (end[1] && end[1] != ':'))
			return err_set(err, -EINVAL,
				       "\"[%s\" is no address: give [IPV6] or [IPV6]:PORT", text);
		length = (size_t)(end - text);
		*ret_port = end[1] ? end + 2 : NULL;
	} else if (end && !strchr(end + 1, ':')) {
		length = (size_t)(end - text);
		*ret_port = end + 1;
	} else {
		length = strlen(text); /* several ':' are IPv6 without port */
	}
	if (length >= size)
		return err_set(err, -EINVAL, "the address %.40s.. is too long", text);
	memcpy(host, text, length);
	host[length] = '\0';
	return 0;
}

int addr_parse(const char *text, const char *default_port, struct addr *ret, struct err *err)
{
	char host[sizeof(ret->host)];
	const char *port;
	struct addr addr;
	int r = split(text, host, sizeof(host), &port, err);

	if (r < 0)
		return r;
	r = addr_parse_host(host, &addr, err);
	if (r < 0)
		return r;
	if (!port)
		port = default_port;
	if (!port)
		return err_set(err, -EINVAL, "\"%s\" has no port: give %s:PORT", text,
			       addr.family == ADDR_IPV6 ? "[IPV6]" : addr.host);
	r = addr_parse_port(port, addr.port, err);
	if (r == 0)
		*ret = addr;
	return r;
}

const char *addr_format_parts(const char *host, const char *port, char text[ADDR_TEXT_MAX])
{
	bool brackets = *port && strchr(host, ':');

	snprintf(text, ADDR_TEXT_MAX, "%s%s%s%s%s", brackets ? "[" : "", host, brackets ? "]" : "",
		 *port ? ":" : "", port);
	return text;
}

const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX])
{
	return addr_format_parts(addr->host, addr->port, text);
}

const char *addr_family_word(enum addr_family family)
{
	switch (family) {
	case ADDR_IPV4:
		return "ipv4";
	case ADDR_IPV6:
		return "ipv6";
	case ADDR_NAME:
		break;
	}
	return NULL;
}

/* 16 hex digits, with or without 0x, ':' allowed between bytes. Returns: what is after, or NULL. */
static const char *parse_wwn(const char *text, char digits[17])
{
	size_t i;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (i = 0; i < 16; i++) {
		if (i && i % 2 == 0 && *text == ':')
			text++;
		if (!isxdigit((unsigned char)*text))
			return NULL;
		digits[i] = (char)tolower((unsigned char)*text++);
	}
	digits[16] = '\0';
	return text;
}

int addr_parse_fc(const char *text, char ret[ADDR_FC_MAX], struct err *err)
{
	bool tagged = strncmp(text, "nn-", 3) == 0;
	char node[17];
	char port[17];
	const char *rest = parse_wwn(tagged ? text + 3 : text, node);

	if (rest && *rest == ':')
		rest++;
	else
		rest = NULL;
	if (rest && tagged)
		rest = strncmp(rest, "pn-", 3) == 0 ? rest + 3 : NULL;
	if (rest)
		rest = parse_wwn(rest, port);
	if (!rest || *rest)
		return err_set(err, -EINVAL,
			       "\"%s\" is no Fibre Channel address: give "
			       "nn-0xNODENAME:pn-0xPORTNAME, each of 16 hex digits",
			       text);
	snprintf(ret, ADDR_FC_MAX, "nn-0x%s:pn-0x%s", node, port);
	return 0;
}
