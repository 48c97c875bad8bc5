/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz-disc-server - what a host sends to a discovery controller. The first byte says whether it is
 * let in by us first, whether there is a change of its view while it talks, and in pieces of which
 * size the rest comes. All memory is back after each run.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "nvmf/disc-server.h"
#include "nvmf/pdu.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct disc_server *server;
static struct disc_log *logs[2];
static struct disc_conn *conn;
static unsigned int n_conns;

static int on_connect(void *data, struct disc_conn *who, const struct disc_host *host,
		      struct disc_log **ret_log)
{
	(void)data;
	REQUIRE(strlen(host->hostnqn) <= NQN_MAX);
	if (host->hostid[0] == 'n')
		return host->hostid[1] == 'a' ? -EACCES : -EAGAIN;
	conn = who;
	n_conns++;
	*ret_log = disc_log_ref(logs[0]);
	return 0;
}

static void on_gone(void *data, struct disc_conn *who, enum disc_gone why, const char *text)
{
	(void)data, (void)who, (void)why;
	REQUIRE(*text);
	n_conns--;
	conn = NULL;
}

static uint16_t on_dim(void *data, struct disc_conn *who, const struct disc_dim *dim)
{
	uint8_t sum = 0;
	uint32_t i;

	(void)data, (void)who;
	REQUIRE(dim->length);
	for (i = 0; i < dim->length; i++)
		sum ^= dim->bytes[i];
	return sum & 1 ? NVME_SC_DISC_INFO_INVALID : 0;
}

static void start(void)
{
	const struct disc_server_params params = {
		.nqn = "nqn.2024-01.example:d",
		.serial = "1",
		.version = "1",
		.cntlid_first = 1,
		.cntlid_last = 4,
		.bounds = DISC_SERVER_BOUNDS,
	};
	const struct disc_server_hooks hooks = {
		.connect = on_connect,
		.dim = on_dim,
		.gone = on_gone,
	};

	REQUIRE(loop_new(&loop, NULL) == 0);
	REQUIRE(disc_server_new(loop, &params, &hooks, &server, NULL) == 0);
	logs[0] = disc_log_new(1, NULL, 40);
	logs[1] = disc_log_new(2, NULL, 3);
}

static void turn(int fd)
{
	static uint8_t sink[65536];
	int i;

	for (i = 0; i < 8 && loop_step(loop, 0) > 0; i++)
		while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
}

static void tell(int fd, const struct pdu *pdu, const uint8_t *bytes)
{
	const struct pdu_side plain = { 0 };
	uint8_t header[PDU_HEADER_MAX];

	(void)!send(fd, header, pdu_build(&plain, pdu, header), MSG_NOSIGNAL);
	if (pdu->n_bytes)
		(void)!send(fd, bytes, pdu->n_bytes, MSG_NOSIGNAL);
}

static void enter(int fd)
{
	const struct nvme_connect_data data = { .cntlid = NVME_CNTLID_DYNAMIC,
						.subnqn = NQN_DISCOVERY,
						.hostnqn = "nqn.2024-01.example:h" };
	const struct pdu icreq = { .type = PDU_ICREQ };
	const struct pdu connect = {
		.type = PDU_COMMAND,
		.command = { .opcode = NVME_FABRICS,
			     .nsid = NVME_CONNECT,
			     .sgl_type = NVME_SGL_IN_CAPSULE,
			     .sgl_length = NVME_CONNECT_DATA_BYTES,
			     .cdw = { 0, 31 } },
		.n_bytes = NVME_CONNECT_DATA_BYTES,
	};
	const struct pdu enable = {
		.type = PDU_COMMAND,
		.command = { .opcode = NVME_FABRICS,
			     .nsid = NVME_PROPERTY_SET,
			     .cdw = { 0, NVME_CC, 0x460061 } },
	};
	uint8_t bytes[NVME_CONNECT_DATA_BYTES];

	pdu_connect_data_encode(&data, bytes);
	tell(fd, &icreq, NULL);
	tell(fd, &connect, bytes);
	tell(fd, &enable, NULL);
	turn(fd);
	REQUIRE(n_conns == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t how = size ? data[0] : 0;
	const size_t piece = how >> 2 ? (size_t)(how >> 2) * 16 : 65536;
	struct disc_server_counters counters;
	size_t at;
	int fds[2];

	if (!server)
		start();
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	REQUIRE(disc_server_add(server, fds[1], NULL) == 0);
	if (how & 1)
		enter(fds[0]);
	for (at = 1; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		(void)!send(fds[0], data + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		turn(fds[0]);
		if (conn && (how & 2))
			disc_conn_set_log(conn, logs[(at / piece) % 2]);
	}
	turn(fds[0]);
	close(fds[0]);
	for (at = 0; at < 1000; at++) {
		disc_server_counters(server, &counters);
		if (!counters.connections)
			break;
		loop_step(loop, 1);
	}
	REQUIRE(!counters.connections && !n_conns);
	REQUIRE(logs[0]->count == 1 && logs[1]->count == 1);
	return 0;
}
