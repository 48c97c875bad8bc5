/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

/* A line is 150 bytes: room for 400,000 sockets. */
#define TABLE_MAX (64u << 20)
#define TCP_STATE_ESTABLISHED 1
/* enum rdma_cm_state of the kernel, which is in no header for programs */
#define CM_STATE_CONNECT 5
/* the kernel makes no larger ones of a dump */
#define DATAGRAM_MAX (32u << 10)
#define DEVICES_MAX 256
#define ANSWER_S 5

_Static_assert(sizeof(struct conn) == 36, "no padding");

void conn_list_deinit(struct conn_list *list)
{
	free(list->items);
	*list = CONN_LIST_NULL;
}

int conn_list_add(struct conn_list *list, const struct conn *conn)
{
	/* room doubles whenever it is used up, at powers of two */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? list->count * 2 : 1;
		struct conn *items = realloc(list->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
	}
	list->items[list->count++] = *conn;
	return 0;
}

/* --- addresses */

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static void set_v4(struct conn_addr *addr, const void *four)
{
	memcpy(addr->bytes, v4_prefix, sizeof(v4_prefix));
	memcpy(addr->bytes + sizeof(v4_prefix), four, 4);
}

static bool is_v4(const struct conn_addr *addr)
{
	return memcmp(addr->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

int conn_addr_parse(const char *address, const char *port, struct conn_addr *ret)
{
	char bare[INET6_ADDRSTRLEN];
	struct conn_addr addr;
	uint8_t four[4];
	uint64_t number;
	int n = snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(address, "%"), address);

	if (n < 0 || (size_t)n >= sizeof(bare) || str_parse_uint(port, UINT16_MAX, &number) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, bare, four) == 1)
		set_v4(&addr, four);
	else if (inet_pton(AF_INET6, bare, addr.bytes) != 1)
		return -EINVAL;
	addr.port = (uint16_t)number;
	*ret = addr;
	return 0;
}

void conn_addr_format(const struct conn_addr *addr, char *text, size_t size)
{
	char whole[INET6_ADDRSTRLEN];

	if (is_v4(addr))
		inet_ntop(AF_INET, addr->bytes + 12, whole, sizeof(whole));
	else
		inet_ntop(AF_INET6, addr->bytes, whole, sizeof(whole));
	snprintf(text, size, "%s", whole);
}

static bool is_unspecified(const struct conn_addr *addr)
{
	static const uint8_t zeros[16];
	size_t from = is_v4(addr) ? sizeof(v4_prefix) : 0;

	return memcmp(addr->bytes + from, zeros, sizeof(zeros) - from) == 0;
}

bool conn_is_at(const struct conn *conn, const struct conn_addr *listener)
{
	if (conn->local.port != listener->port)
		return false;
	/* :: takes IPv4 too, 0.0.0.0 nothing else */
	if (is_unspecified(listener))
		return !is_v4(listener) || is_v4(&conn->local);
	return memcmp(conn->local.bytes, listener->bytes, sizeof(listener->bytes)) == 0;
}

static bool is_same_addr(const struct conn_addr *a, const struct conn_addr *b)
{
	return a->port == b->port && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool conn_is_same(const struct conn *a, const struct conn *b)
{
	return is_same_addr(&a->local, &b->local) && is_same_addr(&a->remote, &b->remote);
}

/* --- TCP */

static bool take_hex(const char **at, size_t digits, uint32_t *ret)
{
	char text[9];

	if (strspn(*at, "0123456789ABCDEF") < digits)
		return false;
	memcpy(text, *at, digits);
	text[digits] = '\0';
	*ret = (uint32_t)strtoul(text, NULL, 16);
	*at += digits;
	return true;
}

/* Blanks, 8 hex digits for each 32-bit word as it lies in memory, a colon, the port as a number. */
static bool take_addr(const char **at, struct conn_addr *ret)
{
	size_t n_words;
	uint32_t words[4];
	uint32_t port;
	size_t i;

	*at += strspn(*at, " ");
	n_words = strcspn(*at, ":") / 8;
	if (n_words != 1 && n_words != 4)
		return false;
	for (i = 0; i < n_words; i++)
		if (!take_hex(at, 8, &words[i]))
			return false;
	if (*(*at)++ != ':' || !take_hex(at, 4, &port))
		return false;
	if (n_words == 1)
		set_v4(ret, words);
	else
		memcpy(ret->bytes, words, sizeof(ret->bytes));
	ret->port = (uint16_t)port;
	return true;
}

/* "  12: LOCAL REMOTE STATE ..." */
static bool parse_tcp_line(const char *line, struct conn *ret)
{
	uint32_t state;

	line = strchr(line, ':');
	if (!line)
		return false;
	line++;
	if (!take_addr(&line, &ret->local) || !take_addr(&line, &ret->remote))
		return false;
	line += strspn(line, " ");
	return take_hex(&line, 2, &state) && state == TCP_STATE_ESTABLISHED;
}

int conn_parse_tcp(const char *text, struct conn_list *list)
{
	while (*text) {
		char line[256];
		size_t length = strcspn(text, "\n");
		struct conn conn;

		snprintf(line, sizeof(line), "%.*s", (int)(length < 255 ? length : 255), text);
		if (parse_tcp_line(line, &conn) && conn_list_add(list, &conn) < 0)
			return -ENOMEM;
		text += length;
		text += *text == '\n';
	}
	return 0;
}

static int list_table(int proc_fd, const char *path, struct conn_list *list, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	int r = fs_read_file(proc_fd, path, TABLE_MAX, &text, NULL);

	if (r == -ENOMEM)
		return err_nomem(err);
	if (r < 0)
		return err_set(err, r, "/proc/%s: %s", path, strerror(-r));
	return conn_parse_tcp(text, list) < 0 ? err_nomem(err) : 0;
}

int conn_list_tcp(int proc_fd, struct conn_list *list, struct err *err)
{
	int v4 = list_table(proc_fd, "net/tcp", list, err);
	int v6 = v4 == -ENOMEM ? v4 : list_table(proc_fd, "net/tcp6", list, v4 < 0 ? NULL : err);

	if (v6 == -ENOMEM || (v4 < 0 && v6 < 0))
		return v4 < 0 ? v4 : v6;
	if (err)
		*err = ERR_NULL;
	return 0;
}

/* --- RDMA */

/* What is left to read of a row of messages or attributes. */
struct span {
	const uint8_t *at;
	size_t left;
};

static void skip_over(struct span *span, size_t length)
{
	size_t aligned = (length + 3) & ~(size_t)3;

	/* the last one need not be padded */
	aligned = aligned < span->left ? aligned : span->left;
	span->at += aligned;
	span->left -= aligned;
}

static bool next_message(struct span *span, struct nlmsghdr *ret_header, struct span *ret_payload)
{
	if (span->left < sizeof(*ret_header))
		return false;
	memcpy(ret_header, span->at, sizeof(*ret_header));
	if (ret_header->nlmsg_len < sizeof(*ret_header) || ret_header->nlmsg_len > span->left)
		return false;
	*ret_payload =
		(struct span){ span->at + NLMSG_HDRLEN, ret_header->nlmsg_len - NLMSG_HDRLEN };
	skip_over(span, ret_header->nlmsg_len);
	return true;
}

static bool next_attr(struct span *span, unsigned int *ret_type, struct span *ret_value)
{
	struct nlattr header;

	if (span->left < sizeof(header))
		return false;
	memcpy(&header, span->at, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > span->left)
		return false;
	*ret_type = header.nla_type & NLA_TYPE_MASK;
	*ret_value = (struct span){ span->at + NLA_HDRLEN, header.nla_len - NLA_HDRLEN };
	skip_over(span, header.nla_len);
	return true;
}

/* The value of the first attribute of that type. */
static bool find_attr(struct span attrs, unsigned int type, struct span *ret_value)
{
	unsigned int found;

	while (next_attr(&attrs, &found, ret_value))
		if (found == type)
			return true;
	return false;
}

static bool parse_sockaddr(struct span attrs, unsigned int type, struct conn_addr *ret)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	struct span value;

	if (!find_attr(attrs, type, &value) || value.left < sizeof(v6))
		return false;
	memcpy(&v4, value.at, sizeof(v4));
	memcpy(&v6, value.at, sizeof(v6));
	if (v4.sin_family == AF_INET)
		set_v4(ret, &v4.sin_addr);
	else if (v4.sin_family == AF_INET6)
		memcpy(ret->bytes, &v6.sin6_addr, sizeof(ret->bytes));
	else
		return false;
	ret->port = ntohs(v4.sin_port);
	return true;
}

static bool parse_cm_id(struct span attrs, struct conn *ret)
{
	struct span state;

	return find_attr(attrs, RDMA_NLDEV_ATTR_RES_STATE, &state) && state.left >= 1 &&
	       *state.at == CM_STATE_CONNECT &&
	       parse_sockaddr(attrs, RDMA_NLDEV_ATTR_RES_SRC_ADDR, &ret->local) &&
	       parse_sockaddr(attrs, RDMA_NLDEV_ATTR_RES_DST_ADDR, &ret->remote);
}

static int add_cm_ids(struct span attrs, struct conn_list *list)
{
	struct span entries;
	struct span entry;
	unsigned int type;

	if (!find_attr(attrs, RDMA_NLDEV_ATTR_RES_CM_ID, &entries))
		return 0;
	while (next_attr(&entries, &type, &entry)) {
		struct conn conn;

		if (type == RDMA_NLDEV_ATTR_RES_CM_ID_ENTRY && parse_cm_id(entry, &conn) &&
		    conn_list_add(list, &conn) < 0)
			return -ENOMEM;
	}
	return 0;
}

int conn_parse_rdma(const void *datagram, size_t length, struct conn_list *list)
{
	struct span messages = { datagram, length };
	struct nlmsghdr header;
	struct span payload;

	while (next_message(&messages, &header, &payload))
		if (header.nlmsg_type ==
			    RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_RES_CM_ID_GET) &&
		    add_cm_ids(payload, list) < 0)
			return -ENOMEM;
	return 0;
}

struct devices {
	uint32_t index[DEVICES_MAX];
	size_t count;
};

static int add_devices(const void *datagram, size_t length, void *arg)
{
	struct span messages = { datagram, length };
	struct devices *devices = arg;
	struct nlmsghdr header;
	struct span payload;
	struct span value;

	while (next_message(&messages, &header, &payload)) {
		if (header.nlmsg_type != RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_GET) ||
		    !find_attr(payload, RDMA_NLDEV_ATTR_DEV_INDEX, &value) ||
		    value.left < sizeof(uint32_t) || devices->count == DEVICES_MAX)
			continue;
		memcpy(&devices->index[devices->count++], value.at, sizeof(uint32_t));
	}
	return 0;
}

static int add_datagram(const void *datagram, size_t length, void *arg)
{
	return conn_parse_rdma(datagram, length, arg);
}

/* 1: the dump is over; 0: more comes; negative errno of the kernel. */
static int dump_state(const void *datagram, size_t length)
{
	struct span messages = { datagram, length };
	struct nlmsghdr header;
	struct span payload;

	while (next_message(&messages, &header, &payload)) {
		int code = 0;

		if (header.nlmsg_type != NLMSG_DONE && header.nlmsg_type != NLMSG_ERROR)
			continue;
		/* both begin with an errno */
		if (payload.left >= sizeof(code))
			memcpy(&code, payload.at, sizeof(code));
		return code < 0 ? code : 1;
	}
	return 0;
}

static int send_dump(int fd, unsigned int command, const uint32_t *device)
{
	struct {
		struct nlmsghdr header;
		struct nlattr attr;
		uint32_t index;
	} request = {
		.header = { .nlmsg_len = device ? sizeof(request) : NLMSG_HDRLEN,
			    .nlmsg_type = (uint16_t)RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command),
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.attr = { .nla_len = NLA_HDRLEN + sizeof(uint32_t),
			  .nla_type = RDMA_NLDEV_ATTR_DEV_INDEX },
		.index = device ? *device : 0,
	};

	return send(fd, &request, request.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

static int dump(int fd, unsigned int command, const uint32_t *device,
		int (*take)(const void *datagram, size_t length, void *arg), void *arg)
{
	uint8_t datagram[DATAGRAM_MAX];
	int r = send_dump(fd, command, device);

	while (r == 0) {
		ssize_t length = recv(fd, datagram, sizeof(datagram), MSG_TRUNC);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (length == 0 || length > (ssize_t)DATAGRAM_MAX)
			return -EMSGSIZE;
		r = take(datagram, (size_t)length, arg);
		if (r == 0)
			r = dump_state(datagram, (size_t)length);
	}
	return r < 0 ? r : 0;
}

static int list_all(int fd, struct conn_list *list)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	struct devices devices = { .count = 0 };
	size_t i;
	int r;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	r = dump(fd, RDMA_NLDEV_CMD_GET, NULL, add_devices, &devices);
	for (i = 0; r == 0 && i < devices.count; i++) {
		r = dump(fd, RDMA_NLDEV_CMD_RES_CM_ID_GET, &devices.index[i], add_datagram, list);
		/* it was unplugged meanwhile, and its connections with it */
		if (r == -ENODEV)
			r = 0;
	}
	return r;
}

int conn_list_rdma(struct conn_list *list, struct err *err)
{
	CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_RDMA);
	int r = fd < 0 ? -errno : list_all(fd, list);

	/* no ib_core, so no RDMA */
	if (r == -EPROTONOSUPPORT)
		return 0;
	if (r == -ENOMEM)
		return err_nomem(err);
	if (r == -EINVAL || r == -ENOENT)
		r = -EOPNOTSUPP;
	if (r < 0)
		return err_set(err, r, "the kernel does not list its RDMA connections: %s",
			       strerror(-r));
	return 0;
}
