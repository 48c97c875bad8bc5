/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/tid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/addr.h"

#define FIELDS 7

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool is_ip(const char *transport)
{
	return strcmp(transport, "tcp") == 0 || strcmp(transport, "rdma") == 0;
}

/* --- from parts */

static int set_transport(const char *text, struct tid *tid, struct err *err)
{
	static const char *const known[] = { "tcp", "rdma", "fc", "loop" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(text, known[i]) == 0) {
			snprintf(tid->transport, sizeof(tid->transport), "%s", text);
			return 0;
		}
	}
	return err_set(err, -EINVAL, "\"%s\" is no transport: there are tcp, rdma, fc, loop", text);
}

/* IPv6 also in [], as in URLs. */
static int parse_ip(const char *text, struct addr *ret, struct err *err)
{
	char bare[TID_ADDRESS_MAX];
	size_t length = strlen(text);

	/* a scope might have one, but not the text of a connection */
	if (strchr(text, ','))
		return err_set(err, -EINVAL, "\"%s\" is no address", text);
	if (*text != '[' || text[length - 1] != ']' || length >= sizeof(bare))
		return addr_parse_host(text, ret, err);
	snprintf(bare, sizeof(bare), "%.*s", (int)(length - 2), text + 1);
	return addr_parse_host(bare, ret, err);
}

/* In one spelling. @what  for messages */
static int spell_address(const char *transport, const char *text, const char *what,
			 char ret[TID_ADDRESS_MAX], struct err *err)
{
	char fc[ADDR_FC_MAX];
	struct addr addr;
	int r;

	if (strcmp(transport, "fc") == 0) {
		r = addr_parse_fc(text, fc, err);
		if (r == 0)
			snprintf(ret, TID_ADDRESS_MAX, "%s", fc);
		return r;
	}
	r = parse_ip(text, &addr, err);
	if (r < 0)
		return r;
	if (addr.family == ADDR_NAME)
		return err_set(err, -EINVAL, "%s \"%s\" is no numeric address: %s needs one", what,
			       text, transport);
	if (strlen(addr.host) >= TID_ADDRESS_MAX)
		return err_set(err, -ENAMETOOLONG, "%s \"%s\" is too long", what, text);
	snprintf(ret, TID_ADDRESS_MAX, "%s", addr.host);
	return 0;
}

static int set_target(const struct tid_parts *parts, struct tid *tid, struct err *err)
{
	const char *traddr = or_empty(parts->traddr);
	const char *trsvcid = or_empty(parts->trsvcid);

	if (strcmp(tid->transport, "loop") == 0) {
		if (*traddr || *trsvcid)
			return err_set(err, -EINVAL, "loop has neither address nor service");
		return 0;
	}
	if (!*traddr)
		return err_set(err, -EINVAL, "%s needs an address", tid->transport);
	if (!is_ip(tid->transport)) {
		if (*trsvcid)
			return err_set(err, -EINVAL, "%s has no service, \"%s\" is one",
				       tid->transport, trsvcid);
		return spell_address(tid->transport, traddr, "address", tid->traddr, err);
	}
	if (!*trsvcid)
		trsvcid = strcmp(tid->nqn, NQN_DISCOVERY) == 0 ? TID_DISCOVERY_PORT
							       : TID_DEFAULT_PORT;
	if (spell_address(tid->transport, traddr, "address", tid->traddr, err) < 0)
		return -EINVAL;
	return addr_parse_port(trsvcid, tid->trsvcid, err);
}

static int set_host(const struct tid_parts *parts, struct tid *tid, struct err *err)
{
	const char *hostnqn = or_empty(parts->hostnqn);
	const char *traddr = or_empty(parts->host_traddr);
	const char *iface = or_empty(parts->host_iface);
	int r = *hostnqn ? nqn_check_host(hostnqn, err) : 0;

	if (r < 0)
		return r;
	snprintf(tid->hostnqn, sizeof(tid->hostnqn), "%s", hostnqn);
	if (*traddr)
		r = spell_address(tid->transport, traddr, "host address", tid->host_traddr, err);
	if (r < 0)
		return r;
	if (strlen(iface) >= sizeof(tid->host_iface) || strpbrk(iface, ",/ ") ||
	    !str_is_printable(iface))
		return err_set(err, -EINVAL, "\"%s\" is no name of an interface", iface);
	if (*iface && strcmp(tid->transport, "tcp") != 0)
		return err_set(err, -EINVAL, "only tcp can be bound to an interface such as %s",
			       iface);
	snprintf(tid->host_iface, sizeof(tid->host_iface), "%s", iface);
	return 0;
}

int tid_make(const struct tid_parts *parts, struct tid *ret, struct err *err)
{
	struct tid tid = { 0 };
	const char *nqn = or_empty(parts->nqn);
	int r = set_transport(or_empty(parts->transport), &tid, err);

	/* nobody may export it, but each host may ask it */
	if (r == 0 && strcmp(nqn, NQN_DISCOVERY) != 0)
		r = nqn_check(nqn, err);
	if (r < 0)
		return r;
	snprintf(tid.nqn, sizeof(tid.nqn), "%s", nqn);
	r = set_target(parts, &tid, err);
	if (r == 0)
		r = set_host(parts, &tid, err);
	if (r == 0)
		*ret = tid;
	return r;
}

/* --- as text */

/* "%2C" and "%25" in place; other bytes stand for themselves. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (strncasecmp(text, "%2c", 3) == 0 || strncmp(text, "%25", 3) == 0) {
			*to++ = text[2] == '5' ? '%' : ',';
			text += 3;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

int tid_parse(const char *text, struct tid *ret, struct err *err)
{
	CLEANUP_FREE char *copy = NULL;
	char *rest;
	char *fields[FIELDS] = { NULL };
	size_t n = 0;

	if (strlen(text) >= TID_TEXT_MAX)
		return err_set(err, -ENAMETOOLONG, "a connection is at most %d bytes long",
			       TID_TEXT_MAX - 1);
	copy = strdup(text);
	if (!copy)
		return err_nomem(err);
	for (rest = copy; rest && n < FIELDS;)
		fields[n++] = strsep(&rest, ",");
	if (rest || n < 4)
		return err_set(err, -EINVAL,
			       "\"%s\" is no connection: write TRTYPE,TRADDR,TRSVCID,NQN, such as "
			       "tcp,10.0.0.1,4420,NQN",
			       text);
	unescape(fields[3]);
	if (fields[4])
		unescape(fields[4]);
	return tid_make(&(struct tid_parts){ fields[0], fields[1], fields[2], fields[3], fields[4],
					     fields[5], fields[6] },
			ret, err);
}

static size_t put(char *text, size_t at, const char *field, bool escape)
{
	for (; *field && at + 4 < TID_TEXT_MAX; field++) {
		if (escape && (*field == ',' || *field == '%'))
			at += (size_t)snprintf(text + at, TID_TEXT_MAX - at, "%%%02X", *field);
		else
			text[at++] = *field;
	}
	text[at] = '\0';
	return at;
}

const char *tid_format(const struct tid *tid, char text[TID_TEXT_MAX])
{
	const char *const fields[FIELDS] = { tid->transport, tid->traddr,  tid->trsvcid,
					     tid->nqn,	     tid->hostnqn, tid->host_traddr,
					     tid->host_iface };
	size_t last = FIELDS - 1;
	size_t at = 0;
	size_t i;

	while (last > 3 && !*fields[last])
		last--;
	for (i = 0; i <= last; i++) {
		if (i)
			at = put(text, at, ",", false);
		at = put(text, at, fields[i], i == 3 || i == 4);
	}
	return text;
}

const char *tid_describe(const struct tid *tid, char text[TID_TEXT_MAX])
{
	char address[ADDR_TEXT_MAX];

	if (!*tid->traddr)
		snprintf(text, TID_TEXT_MAX, "%s (%s)", tid->nqn, tid->transport);
	else
		snprintf(text, TID_TEXT_MAX, "%s at %s (%s)", tid->nqn,
			 addr_format_parts(tid->traddr, tid->trsvcid, address), tid->transport);
	return text;
}

/* --- comparing */

bool tid_equal(const struct tid *a, const struct tid *b)
{
	return strcmp(a->transport, b->transport) == 0 && strcmp(a->traddr, b->traddr) == 0 &&
	       strcmp(a->trsvcid, b->trsvcid) == 0 && strcmp(a->nqn, b->nqn) == 0 &&
	       strcmp(a->hostnqn, b->hostnqn) == 0 && strcmp(a->host_traddr, b->host_traddr) == 0 &&
	       strcmp(a->host_iface, b->host_iface) == 0;
}

bool tid_is_met_by(const struct tid *wanted, const struct tid *actual, const char *default_hostnqn)
{
	const char *hostnqn = *wanted->hostnqn ? wanted->hostnqn : default_hostnqn;

	if (strcmp(wanted->transport, actual->transport) != 0 ||
	    strcmp(wanted->traddr, actual->traddr) != 0 || strcmp(wanted->nqn, actual->nqn) != 0)
		return false;
	if (strcmp(wanted->trsvcid, actual->trsvcid) != 0)
		return false;
	/* a controller that is being made has none to be read yet */
	if (*actual->hostnqn && strcmp(hostnqn, actual->hostnqn) != 0)
		return false;
	if (*wanted->host_traddr && strcmp(wanted->host_traddr, actual->host_traddr) != 0)
		return false;
	return !*wanted->host_iface || strcmp(wanted->host_iface, actual->host_iface) == 0;
}

/* --- sysfs */

static void take_address(const char *transport, const char *value, char ret[TID_ADDRESS_MAX])
{
	char spelled[TID_ADDRESS_MAX];

	if (strcmp(value, "none") == 0)
		return;
	if (spell_address(transport, value, "address", spelled, NULL) == 0)
		snprintf(ret, TID_ADDRESS_MAX, "%s", spelled);
	else if (strlen(value) < TID_ADDRESS_MAX)
		snprintf(ret, TID_ADDRESS_MAX, "%s", value);
}

static void take_attribute(struct tid *io, const char *key, const char *value)
{
	if (strcmp(key, "traddr") == 0)
		take_address(io->transport, value, io->traddr);
	else if (strcmp(key, "host_traddr") == 0)
		take_address(io->transport, value, io->host_traddr);
	else if (strcmp(key, "trsvcid") == 0 && strcmp(value, "none") != 0)
		snprintf(io->trsvcid, sizeof(io->trsvcid), "%.7s", value);
	else if (strcmp(key, "host_iface") == 0 && strcmp(value, "none") != 0)
		snprintf(io->host_iface, sizeof(io->host_iface), "%.15s", value);
}

void tid_read_address(const char *address, struct tid *io)
{
	CLEANUP_FREE char *copy = strdup(address);
	char *rest = copy;
	char *field;

	while ((field = strsep(&rest, ","))) {
		char *value = strchr(field, '=');

		if (!value)
			continue;
		*value++ = '\0';
		take_attribute(io, field, value);
	}
}
