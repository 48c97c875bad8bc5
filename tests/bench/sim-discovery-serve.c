/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-discovery-serve - the controllers. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "nvmf/disc-log.h"
#include "tests/bench/sim-discovery.h"

#define CONNS_MAX 40000
#define IN_MAX 2048
#define OUT_MAX 65536
#define RECORDS_MAX 48

enum kind { FREEZE, RESET, BYTES, LIE, CHANGE, REFUSE, CHURN, REFERRAL, N_KINDS };
static const char *const kind_names[N_KINDS] = { "freeze", "reset",  "bytes", "lie",
						 "change", "refuse", "churn", "referral" };

struct conn {
	int fd;
	uint32_t address;
	uint64_t genctr;
	int event_cid; /* -1: not asked for */
	uint16_t got;
	uint8_t in[IN_MAX];
};

static struct conn *conns[CONNS_MAX];
static unsigned int percent[N_KINDS];
static uint32_t n_records = 1;
static uint8_t identify[NVME_IDENTIFY_BYTES];
static uint8_t record[DISC_RECORD_BYTES];
static uint8_t out[OUT_MAX];
static size_t n_out;

static const struct pdu_side side = { .from_host = true, .ready = true };

/* Is the controller of that address one of a kind? The kinds do not overlap. */
static bool is_kind(const struct conn *conn, enum kind kind)
{
	unsigned int place = conn->address * 2654435761u >> 8;
	unsigned int from = 0;
	unsigned int i;

	place %= 100;
	for (i = 0; i < kind; i++)
		from += percent[i];
	return place >= from && place < from + percent[kind];
}

static void hang_up(struct conn *conn)
{
	close(conn->fd);
	conns[conn->fd] = NULL;
	free(conn);
}

/* --- what it says */

static void put(const struct pdu *pdu)
{
	if (n_out + PDU_HEADER_MAX + pdu->n_bytes > sizeof(out))
		return;
	n_out += pdu_build(&side, pdu, out + n_out);
	if (pdu->n_bytes)
		memcpy(out + n_out, pdu->bytes, pdu->n_bytes);
	n_out += pdu->n_bytes;
}

static void put_answer(uint16_t cid, uint16_t status, uint32_t dw0)
{
	const struct pdu pdu = { .type = PDU_RESPONSE,
				 .response = { .dw0 = dw0, .cid = cid, .status = status } };

	put(&pdu);
}

static void put_data(uint16_t cid, const uint8_t *bytes, uint32_t length)
{
	const struct pdu pdu = { .type = PDU_C2H_DATA,
				 .flags = PDU_FLAG_LAST,
				 .data = { .cid = cid, .length = length },
				 .bytes = bytes,
				 .n_bytes = length };

	put(&pdu);
	put_answer(cid, 0, 0);
}

static void flush(struct conn *conn)
{
	size_t at = 0;

	if (n_out && !is_kind(conn, BYTES))
		(void)!send(conn->fd, out, n_out, MSG_NOSIGNAL);
	else
		while (at < n_out && send(conn->fd, out + at, 1, MSG_NOSIGNAL) == 1)
			at++;
	n_out = 0;
}

static void put_event(struct conn *conn)
{
	if (conn->event_cid < 0)
		return;
	put_answer((uint16_t)conn->event_cid, 0, NVME_ASYNC_DISCOVERY);
	conn->event_cid = -1;
}

/* --- what it hears */

static void put64(uint8_t *at, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void put_records(struct conn *conn, uint16_t cid, uint32_t length)
{
	static uint8_t bytes[RECORDS_MAX * DISC_RECORD_BYTES];
	struct in_addr at = { .s_addr = htonl(conn->address + is_kind(conn, REFERRAL)) };
	uint32_t i;

	if (length > sizeof(bytes))
		length = sizeof(bytes);
	for (i = 0; i < length / DISC_RECORD_BYTES; i++) {
		uint8_t *to = bytes + (size_t)i * DISC_RECORD_BYTES;

		memcpy(to, record, DISC_RECORD_BYTES);
		to[2] = is_kind(conn, REFERRAL) ? NVME_SUBTYPE_REFERRAL : NVME_SUBTYPE_NVM;
		to[4] = (uint8_t)i;
		inet_ntop(AF_INET, &at, (char *)to + 512, INET_ADDRSTRLEN);
	}
	put_data(cid, bytes, length);
	if (is_kind(conn, CHANGE))
		conn->genctr++;
}

static void on_get_log(struct conn *conn, const struct nvme_sqe *sqe)
{
	uint8_t header[DISC_HEADER_READ] = { 0 };

	if (sqe->cdw[2]) {
		put_records(conn, sqe->cid, sqe->sgl_length);
		return;
	}
	put64(header, conn->genctr);
	put64(header + 8, is_kind(conn, LIE) ? UINT64_C(1) << 60 : n_records);
	put_data(sqe->cid, header, sizeof(header));
}

static void on_fabrics(const struct conn *conn, const struct nvme_sqe *sqe)
{
	switch (sqe->nsid & 0xff) {
	case NVME_CONNECT:
		put_answer(sqe->cid, is_kind(conn, REFUSE) ? NVME_SC_CONNECT_BUSY : 0, 1);
		return;
	case NVME_PROPERTY_GET:
		put_answer(sqe->cid, 0, NVME_CSTS_RDY);
		return;
	default:
		put_answer(sqe->cid, 0, 0);
	}
}

/* Returns: is the connection still there? */
static bool on_command(struct conn *conn, const struct nvme_sqe *sqe)
{
	if (sqe->opcode != NVME_FABRICS && is_kind(conn, FREEZE))
		return true;
	switch (sqe->opcode) {
	case NVME_FABRICS:
		on_fabrics(conn, sqe);
		return true;
	case NVME_IDENTIFY:
		put_data(sqe->cid, identify, sizeof(identify));
		return true;
	case NVME_ASYNC_EVENT:
		conn->event_cid = sqe->cid;
		return true;
	case NVME_GET_LOG_PAGE:
		if (is_kind(conn, RESET)) {
			const struct linger now = { 1, 0 };

			setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
			hang_up(conn);
			return false;
		}
		on_get_log(conn, sqe);
		return true;
	default:
		put_answer(sqe->cid, 0, 0);
		return true;
	}
}

static bool on_pdu(struct conn *conn, const uint8_t *bytes, size_t length)
{
	const struct pdu icresp = { .type = PDU_ICRESP, .ic = { .max = 65536 } };
	struct pdu_side from = side;
	struct pdu_fault fault;
	struct pdu pdu;
	size_t need;

	from.max_data = IN_MAX;
	from.ready = bytes[0] != PDU_ICREQ;
	if (pdu_parse(&from, bytes, length, &pdu, &need, &fault, NULL) <= 0)
		return true;
	if (pdu.type == PDU_ICREQ)
		put(&icresp);
	return pdu.type != PDU_COMMAND || on_command(conn, &pdu.command);
}

static void on_input(struct conn *conn)
{
	ssize_t more = recv(conn->fd, conn->in + conn->got, IN_MAX - conn->got, 0);
	size_t at = 0;

	if (more <= 0) {
		if (more == 0 || errno != EAGAIN)
			hang_up(conn);
		return;
	}
	conn->got += (uint16_t)more;
	while (conn->got - at >= PDU_HEAD_BYTES) {
		size_t length = conn->in[at + 4] | (size_t)conn->in[at + 5] << 8;

		if (length < PDU_HEAD_BYTES || length > IN_MAX) {
			hang_up(conn);
			return;
		}
		if (length > conn->got - at)
			break;
		if (!on_pdu(conn, conn->in + at, length))
			return;
		at += length;
	}
	conn->got -= (uint16_t)at;
	memmove(conn->in, conn->in + at, conn->got);
	flush(conn);
}

/* --- the loop */

static void on_accept(int epoll_fd, int listen_fd)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	int one = 1;
	int fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct conn *conn = fd < CONNS_MAX ? calloc(1, sizeof(*conn)) : NULL;
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

		if (!conn || getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
			free(conn);
			close(fd);
			continue;
		}
		*conn = (struct conn){ .fd = fd, .genctr = 1, .event_cid = -1 };
		conn->address = ntohl(at.sin_addr.s_addr);
		conns[fd] = conn;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

static void on_second(int timer_fd)
{
	uint64_t times;
	unsigned int i;

	(void)!read(timer_fd, &times, sizeof(times));
	for (i = 0; i < CONNS_MAX; i++) {
		if (!conns[i] || !is_kind(conns[i], CHURN))
			continue;
		conns[i]->genctr++;
		put_event(conns[i]);
		flush(conns[i]);
	}
}

static void prepare(void)
{
	const struct nvme_identify id = { .model = "sim-discovery",
					  .oaes = NVME_OAES_DISCOVERY,
					  .cntlid = 1,
					  .cntrltype = 2,
					  .subnqn = "nqn.2014-08.org.nvmexpress.discovery" };
	const struct disc_record one = { .trtype = NVME_TRTYPE_TCP,
					 .adrfam = NVME_ADRFAM_IPV4,
					 .trsvcid = "4420",
					 .subnqn = "nqn.2026-01.org.example:sim",
					 .traddr = "127.0.0.1" };

	pdu_identify_encode(&id, identify);
	disc_record_encode(&one, record);
}

static void take_behaviour(const char *word)
{
	const char *value = strchr(word, '=');
	size_t i;

	for (i = 0; i < N_KINDS && value; i++)
		if (strncmp(word, kind_names[i], (size_t)(value - word)) == 0)
			percent[i] = (unsigned int)atoi(value + 1);
}

static int open_listener(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
		sim_fail("listen");
	return fd;
}

int sim_serve(int argc, char **argv)
{
	const struct itimerspec each = { { 1, 0 }, { 1, 0 } };
	int listen_fd = open_listener(argv[0]);
	int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listen_fd };
	struct epoll_event events[256];
	int i, n;

	n_records = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
	for (i = 2; i < argc; i++)
		take_behaviour(argv[i]);
	prepare();
	timerfd_settime(timer_fd, 0, &each, NULL);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	event.data.fd = timer_fd;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);
	puts("ready");
	for (;;) {
		n = epoll_wait(epoll_fd, events, 256, -1);
		for (i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listen_fd)
				on_accept(epoll_fd, fd);
			else if (fd == timer_fd)
				on_second(fd);
			else if (conns[fd])
				on_input(conns[fd]);
		}
	}
}
