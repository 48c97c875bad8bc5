/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/listener.h"
#include "core/swarm.h"
#include "nvmf/disc-server.h"
#include "tests/unit/nvmf/disc-host.h"

#define NQN "nqn.2024-01.example:discovery"
#define HOST_A "nqn.2024-01.example:host-a"
#define HOST_B "nqn.2024-01.example:host-b"

/* --- time and addresses that tests choose */

static int64_t clock_ahead_ms;
int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);

int64_t __wrap_clock_monotonic_ms(void)
{
	return __real_clock_monotonic_ms() + clock_ahead_ms;
}

static const char *peer_address; /* or NULL: as it is */
int __real_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size);

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (!peer_address)
		return __real_getpeername(fd, address, size);
	inet_pton(AF_INET, peer_address, &in.sin_addr);
	memcpy(address, &in, sizeof(in));
	*size = sizeof(in);
	return 0;
}

/* --- a server and its user */

#define HOSTS_MAX 8

struct fixture {
	struct loop *loop;
	struct disc_server *server;
	struct disc_log *log; /* what a host gets that connects */
	int connect_r;
	uint16_t dim_status;
	/* what the hooks saw */
	struct disc_conn *conns[HOSTS_MAX];
	unsigned int n_conns;
	char hostnqn[257], subnqn[257];
	uint8_t hostid[16];
	uint32_t kato_ms;
	unsigned int n_read;
	uint64_t read_genctr;
	unsigned int n_gone;
	enum disc_gone why;
	char text[256];
	uint8_t tas;
	uint8_t *dim;
	uint32_t n_dim;
	struct test_host *hosts[HOSTS_MAX];
	unsigned int n_hosts;
};

static int on_connect(void *data, struct disc_conn *conn, const struct disc_host *host,
		      struct disc_log **ret_log)
{
	struct fixture *f = data;

	snprintf(f->hostnqn, sizeof(f->hostnqn), "%s", host->hostnqn);
	snprintf(f->subnqn, sizeof(f->subnqn), "%s", host->subnqn);
	memcpy(f->hostid, host->hostid, 16);
	f->kato_ms = host->kato_ms;
	if (f->connect_r < 0)
		return f->connect_r;
	disc_conn_set(conn, f);
	if (f->n_conns < HOSTS_MAX)
		f->conns[f->n_conns++] = conn;
	*ret_log = disc_log_ref(f->log);
	return 0;
}

static void on_read(void *data, struct disc_conn *conn, const struct disc_log *log)
{
	struct fixture *f = data;

	assert_ptr_equal(disc_conn_get(conn), f);
	f->n_read++;
	f->read_genctr = log->genctr;
}

static uint16_t on_dim(void *data, struct disc_conn *conn, const struct disc_dim *dim)
{
	struct fixture *f = data;

	(void)conn;
	f->tas = dim->tas;
	free(f->dim);
	f->dim = malloc(dim->length);
	memcpy(f->dim, dim->bytes, dim->length);
	f->n_dim = dim->length;
	return f->dim_status;
}

static void on_gone(void *data, struct disc_conn *conn, enum disc_gone why, const char *text)
{
	struct fixture *f = data;

	assert_ptr_equal(disc_conn_get(conn), f);
	f->n_gone++;
	f->why = why;
	snprintf(f->text, sizeof(f->text), "%s", text);
}

static struct disc_log *make_log(uint64_t genctr, size_t n)
{
	struct disc_log *log = disc_log_new(genctr, NULL, n);
	struct disc_record record = {
		.trtype = NVME_TRTYPE_TCP,
		.adrfam = NVME_ADRFAM_IPV4,
		.subtype = NVME_SUBTYPE_NVM,
		.trsvcid = "4420",
		.traddr = "192.0.2.1",
	};
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(record.subnqn, sizeof(record.subnqn), "nqn.2024-01.example:%zu-%llu", i,
			 (unsigned long long)genctr);
		disc_record_encode(&record, log->bytes + DISC_HEADER_BYTES + i * DISC_RECORD_BYTES);
	}
	return log;
}

static const struct disc_server_params standard = {
	.nqn = NQN,
	.serial = "0123456789",
	.version = "0.1",
	.cntlid_first = 1,
	.cntlid_last = 1000,
};

static void serve(struct fixture *f, const struct disc_server_params *params, bool with_dim)
{
	struct disc_server_params with = *params;
	const struct disc_server_hooks hooks = {
		.connect = on_connect,
		.read = on_read,
		.dim = with_dim ? on_dim : NULL,
		.gone = on_gone,
		.data = f,
	};

	if (!with.bounds.connections)
		with.bounds = DISC_SERVER_BOUNDS;
	disc_server_free(f->server);
	f->server = NULL;
	assert_int_equal(disc_server_new(f->loop, &with, &hooks, &f->server, NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	clock_ahead_ms = 0;
	peer_address = NULL;
	assert_int_equal(loop_new(&f->loop, NULL), 0);
	f->log = make_log(7, 10);
	serve(f, &standard, true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	while (f->n_hosts)
		test_host_free(f->hosts[--f->n_hosts]);
	disc_server_free(f->server);
	disc_log_unref(f->log);
	loop_free(f->loop);
	free(f->dim);
	free(f);
	return 0;
}

/* A host that the server has accepted, and no more. */
static struct test_host *come(struct fixture *f)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(disc_server_add(f->server, fds[1], NULL), 0);
	f->hosts[f->n_hosts] = test_host_new(f->loop, fds[0]);
	return f->hosts[f->n_hosts++];
}

/* One that is connected and has enabled the controller. */
static struct test_host *enter_as(struct fixture *f, const char *hostnqn, bool digests)
{
	struct test_host *host = come(f);

	test_host_hello(host, digests, digests);
	assert_int_equal(test_host_connect_as(host, NQN_DISCOVERY, hostnqn, 30000).status, 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460061), 0);
	return host;
}

static struct test_host *enter(struct fixture *f)
{
	return enter_as(f, HOST_A, false);
}

static void run_for(struct fixture *f, int ms)
{
	const int64_t until = __real_clock_monotonic_ms() + ms;

	while (__real_clock_monotonic_ms() < until)
		loop_step(f->loop, 5);
}

static struct test_host *speaks_last; /* or NULL: right before what is due is looked at */

static void on_member(struct swarm_member *member, uint32_t events)
{
	const struct nvme_sqe sqe = { .opcode = NVME_KEEP_ALIVE };

	(void)member, (void)events;
	if (speaks_last)
		test_host_command(speaks_last, &sqe, NULL, 0);
	speaks_last = NULL;
}

/* Time goes by, and what is due is done. */
static void later(struct fixture *f, int64_t ms)
{
	struct swarm_member member = { .fn = on_member, .fd = -1 };
	struct swarm *swarm;

	clock_ahead_ms += ms;
	assert_int_equal(swarm_get(f->loop, &swarm, NULL), 0);
	swarm_timer_set(swarm, &member, 0);
	run_for(f, 20);
	swarm_timer_stop(&member);
	swarm_put(swarm);
}

static void change(struct fixture *f, struct disc_conn *conn, uint64_t genctr, size_t n)
{
	struct disc_log *log = make_log(genctr, n);

	(void)f;
	disc_conn_set_log(conn, log);
	disc_log_unref(log);
}

static uint64_t genctr_of(const uint8_t *bytes)
{
	struct disc_header header;

	disc_header_decode(bytes, &header);
	return header.genctr;
}

/* Returns: the generation counter that a read of the header sees. */
static uint64_t read_header(struct test_host *host, bool rae)
{
	struct test_answer answer = test_host_log(host, 0, 20, rae);
	uint64_t genctr;

	assert_int_equal(answer.cqe.status, 0);
	assert_int_equal(answer.n_data, 20);
	genctr = genctr_of(answer.data);
	free(answer.data);
	return genctr;
}

static void read_to_the_end(struct test_host *host, size_t n, bool rae)
{
	struct test_answer answer = test_host_log(host, 0, (uint32_t)(1024 * (n + 1)), rae);

	assert_int_equal(answer.cqe.status, 0);
	free(answer.data);
}

static void assert_event(struct test_host *host, uint16_t cid)
{
	struct pdu pdu;

	assert_true(test_host_receive(host, &pdu, TEST_HOST_MS));
	assert_int_equal(pdu.type, PDU_RESPONSE);
	assert_int_equal(pdu.response.cid, cid);
	assert_int_equal(pdu.response.dw0, NVME_ASYNC_DISCOVERY);
	assert_int_equal(pdu.response.status, 0);
}

static void assert_silent(struct test_host *host)
{
	struct pdu pdu;

	assert_false(test_host_receive(host, &pdu, 20));
}

static uint16_t arm(struct test_host *host)
{
	const struct nvme_sqe sqe = { .opcode = NVME_ASYNC_EVENT };

	return test_host_command(host, &sqe, NULL, 0);
}

static uint16_t keep_alive(struct test_host *host)
{
	const struct nvme_sqe sqe = { .opcode = NVME_KEEP_ALIVE };

	return test_host_status(host, &sqe);
}

/* The controller says what is wrong, and closes. */
static void assert_terminated(struct fixture *f, struct test_host *host, enum pdu_fes fes)
{
	struct disc_server_counters counters;
	struct pdu pdu;
	char byte;
	int i;

	host->side.ready = true;
	assert_true(test_host_receive(host, &pdu, TEST_HOST_MS));
	assert_int_equal(pdu.type, PDU_C2H_TERM);
	assert_int_equal(pdu.term.fes, fes);
	for (i = 0; i < 1000 && recv(host->fd, &byte, 1, MSG_DONTWAIT) != 0; i++)
		loop_step(f->loop, 5);
	assert_int_equal(recv(host->fd, &byte, 1, MSG_DONTWAIT), 0);
	disc_server_counters(f->server, &counters);
	assert_int_equal(counters.protocol_errors, 1);
}

static void assert_gone(struct fixture *f, enum disc_gone why)
{
	int i;

	for (i = 0; i < 1000 && !f->n_gone; i++)
		loop_step(f->loop, 10);
	assert_int_equal(f->n_gone, 1);
	assert_int_equal(f->why, why);
}

/* --- as stock hosts do it */

static void look_at_identify(const uint8_t *bytes, uint16_t cntlid)
{
	struct nvme_identify identify;

	pdu_identify_decode(bytes, &identify);
	assert_int_equal(identify.cntlid, cntlid);
	assert_int_equal(identify.version, 0x20000);
	assert_int_equal(identify.oaes, 0x80000000);
	assert_int_equal(identify.cntrltype, 2);
	assert_int_equal(identify.dctype, NVME_DCTYPE_CDC);
	assert_int_equal(identify.lpa & 2, 0);
	assert_int_equal(identify.lpa & 4, 4);
	assert_int_equal(identify.ctratt, 0);
	assert_int_equal(identify.aerl, 3);
	assert_int_equal(identify.sgls & 1, 1);
	assert_true(identify.kas > 0 && identify.maxcmd > 0);
	assert_string_equal(identify.subnqn, NQN);
	assert_string_equal(identify.serial, "0123456789");
	assert_string_equal(identify.firmware, "0.1");
	assert_int_equal(bytes[63], ' ');
}

static void identify(struct test_host *host, uint16_t cntlid)
{
	const struct nvme_sqe sqe = { .opcode = NVME_IDENTIFY,
				      .sgl_length = 4096,
				      .sgl_type = NVME_SGL_TRANSPORT,
				      .cdw = { 1 } };
	struct test_answer answer = test_host_ask(host, &sqe);

	assert_int_equal(answer.cqe.status, 0);
	assert_int_equal(answer.n_data, 4096);
	look_at_identify(answer.data, cntlid);
	free(answer.data);
}

static void enable_as_linux_does(struct test_host *host)
{
	struct test_answer answer = test_host_get(host, NVME_CAP);

	assert_int_equal(answer.cqe.dw0 & 0xffff, 127);
	assert_true(answer.cqe.dw0 >> 24);
	assert_int_equal(answer.cqe.dw1 & 0x20, 0x20);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460060), 0);
	assert_int_equal(test_host_get(host, NVME_CC).cqe.dw0, 0x460060);
	assert_int_equal(test_host_get(host, NVME_CSTS).cqe.dw0, 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460061), 0);
	assert_int_equal(test_host_get(host, NVME_CSTS).cqe.dw0, NVME_CSTS_RDY);
	assert_int_equal(test_host_get(host, NVME_VS).cqe.dw0, 0x20000);
}

static void a_stock_host_goes_through_its_whole_sequence(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);
	struct test_answer answer;
	struct nvme_cqe cqe;
	size_t i;

	test_host_hello(host, false, false);
	cqe = test_host_connect_as(host, NQN_DISCOVERY, HOST_A, 30000);
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.dw0, 1);
	assert_string_equal(f->hostnqn, HOST_A);
	assert_string_equal(f->subnqn, NQN_DISCOVERY);
	assert_memory_equal(f->hostid, HOST_A, 16);
	assert_int_equal(f->kato_ms, 30000);
	enable_as_linux_does(host);
	identify(host, 1);
	test_host_want_events(host);
	identify(host, 1);
	/* libnvme since 1.5: the header, the records in chunks, the header again */
	assert_int_equal(read_header(host, true), 7);
	for (i = 0; i < 10; i += 4) {
		uint32_t n = i + 4 <= 10 ? 4096 : 2048;

		answer = test_host_log(host, 1024 + 1024 * i, n, true);
		assert_int_equal(answer.n_data, n);
		assert_memory_equal(answer.data, disc_log_record(f->log, i), n);
		free(answer.data);
	}
	assert_int_equal(read_header(host, false), 7);
	assert_int_equal(f->n_read, 1);
	assert_int_equal(f->read_genctr, 7);
	assert_int_equal(test_host_set(host, NVME_CC, 0x464061), 0);
	assert_int_equal(test_host_get(host, NVME_CSTS).cqe.dw0 & 0xc, NVME_CSTS_SHST_DONE);
	close(host->fd);
	host->fd = -1;
	assert_gone(f, DISC_GONE_SHUTDOWN);
}

static void its_own_name_is_served_as_well_as_the_well_known_one(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, 0);
	assert_string_equal(f->subnqn, NQN);
	assert_int_equal(f->kato_ms, 120000);
}

static void it_listens_at_tcp(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct test_host *host;
	socklen_t size = sizeof(at);
	int listen_fd;
	int fd;

	assert_int_equal(listener_bind("127.0.0.1", 0, &listen_fd, NULL), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(disc_server_listen(f->server, listen_fd, NULL), 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	host = f->hosts[f->n_hosts++] = test_host_new(f->loop, fd);
	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460061), 0);
	assert_int_equal(read_header(host, true), 7);
}

static void bytes_may_come_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);
	const struct pdu icreq = { .type = PDU_ICREQ };
	uint8_t bytes[PDU_HEADER_MAX];
	size_t length = pdu_build(&host->side, &icreq, bytes);
	struct pdu pdu;
	size_t i;

	for (i = 0; i < length; i++) {
		assert_int_equal(write(host->fd, bytes + i, 1), 1);
		while (loop_step(f->loop, 0) > 0)
			;
	}
	assert_true(test_host_receive(host, &pdu, TEST_HOST_MS));
	assert_int_equal(pdu.type, PDU_ICRESP);
}

static void commands_may_come_many_at_once(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint16_t cids[20];
	unsigned int i;

	for (i = 0; i < 20; i++)
		cids[i] = test_host_send_log(host, 0, 1024, true);
	for (i = 0; i < 20; i++) {
		struct test_answer answer = test_host_answer(host, cids[i]);

		assert_memory_equal(answer.data, f->log->bytes, 1024);
		free(answer.data);
	}
}

static void the_head_of_its_queue_is_told(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);
	struct nvme_sqe sqe = { .opcode = NVME_FABRICS,
				.nsid = NVME_CONNECT,
				.cdw = { 0, 31 | 1u << 18 } };
	struct nvme_connect_data data = { .cntlid = NVME_CNTLID_DYNAMIC,
					  .subnqn = NQN,
					  .hostnqn = HOST_B };
	uint8_t bytes[NVME_CONNECT_DATA_BYTES];
	struct nvme_cqe cqe;

	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).sqhd, 1);
	assert_int_equal(test_host_get(host, NVME_VS).cqe.sqhd, 2);
	host = come(f);
	test_host_hello(host, false, false);
	pdu_connect_data_encode(&data, bytes);
	cqe = test_host_answer(host, test_host_command(host, &sqe, bytes, sizeof(bytes))).cqe;
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.sqhd, 0xffff);
}

/* --- who may come, and when */

static void commands_before_connect_are_out_of_sequence(void **state)
{
	struct fixture *f = *state;
	const struct nvme_sqe sqe = { .opcode = NVME_KEEP_ALIVE };
	struct test_host *host = come(f);

	test_host_hello(host, false, false);
	assert_int_equal(test_host_get(host, NVME_CAP).cqe.status, NVME_SC_SEQUENCE | NVME_SC_DNR);
	assert_int_equal(test_host_set(host, NVME_CC, 1), NVME_SC_SEQUENCE | NVME_SC_DNR);
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_SEQUENCE | NVME_SC_DNR);
}

static void admin_commands_before_it_is_enabled_are_out_of_sequence(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, 0);
	assert_int_equal(keep_alive(host), NVME_SC_SEQUENCE | NVME_SC_DNR);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460001), 0);
	assert_int_equal(keep_alive(host), 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460000), 0);
	assert_int_equal(keep_alive(host), NVME_SC_SEQUENCE | NVME_SC_DNR);
}

static void a_second_connect_is_out_of_sequence(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status,
			 NVME_SC_SEQUENCE | NVME_SC_DNR);
	assert_int_equal(f->n_conns, 1);
}

static struct nvme_cqe try_to_connect(struct fixture *f, const struct nvme_sqe *sqe,
				      const uint8_t *bytes, uint32_t length)
{
	struct test_host *host = come(f);
	struct nvme_cqe cqe;

	test_host_hello(host, false, false);
	cqe = test_host_answer(host, test_host_command(host, sqe, bytes, length)).cqe;
	test_host_free(host);
	f->n_hosts--;
	return cqe;
}

static void a_wrong_connect_is_told_where_it_is_wrong(void **state)
{
	static const struct {
		uint32_t cdw[2];
		uint32_t poke_at;
		uint8_t poke;
		uint16_t status;
		uint32_t where;
	} cases[] = {
		{ { 1, 31 }, 0, 0, NVME_SC_CONNECT_FORMAT, 0 },
		{ { 1 << 16, 31 }, 0, 0, NVME_SC_CONNECT_PARAM, 42 },
		{ { 0, 0 }, 0, 0, NVME_SC_CONNECT_PARAM, 44 },
		{ { 0, 31 }, 16, 1, NVME_SC_CONNECT_PARAM, 1 << 16 | 16 },
		{ { 0, 31 }, 257, 'x', NVME_SC_CONNECT_PARAM, 1 << 16 | 256 },
		{ { 0, 31 }, 512, 0, NVME_SC_CONNECT_PARAM, 1 << 16 | 512 },
	};
	struct fixture *f = *state;
	struct nvme_connect_data data = { .cntlid = NVME_CNTLID_DYNAMIC,
					  .subnqn = NQN,
					  .hostnqn = HOST_A };
	uint8_t bytes[NVME_CONNECT_DATA_BYTES];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct nvme_sqe sqe = { .opcode = NVME_FABRICS,
					      .nsid = NVME_CONNECT,
					      .cdw = { cases[i].cdw[0], cases[i].cdw[1] } };
		struct nvme_cqe cqe;

		pdu_connect_data_encode(&data, bytes);
		if (cases[i].poke_at)
			bytes[cases[i].poke_at] = cases[i].poke;
		cqe = try_to_connect(f, &sqe, bytes, sizeof(bytes));
		assert_int_equal(cqe.status, cases[i].status | NVME_SC_DNR);
		assert_int_equal(cqe.dw0, cases[i].where);
	}
	assert_int_equal(f->n_conns, 0);
}

static void a_connect_with_too_few_data_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct nvme_sqe sqe = { .opcode = NVME_FABRICS,
				      .nsid = NVME_CONNECT,
				      .cdw = { 0, 31 } };
	uint8_t bytes[512] = { 0 };

	assert_int_equal(try_to_connect(f, &sqe, bytes, sizeof(bytes)).status,
			 NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	assert_int_equal(try_to_connect(f, &sqe, NULL, 0).status,
			 NVME_SC_INVALID_FIELD | NVME_SC_DNR);
}

static void a_host_that_may_not_come_is_to_forget_us(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);
	struct nvme_cqe cqe;

	f->connect_r = -EACCES;
	test_host_hello(host, false, false);
	cqe = test_host_connect_as(host, NQN, HOST_A, 0);
	assert_int_equal(cqe.status, NVME_SC_CONNECT_HOST | NVME_SC_DNR);
	assert_int_equal(cqe.dw0, 1 << 16 | 512);
	close(host->fd);
	host->fd = -1;
	run_for(f, 20);
	assert_int_equal(f->n_gone, 0);
}

static void a_host_that_comes_too_early_is_to_try_again(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	f->connect_r = -EAGAIN;
	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, NVME_SC_CONNECT_BUSY);
	f->connect_r = 0;
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, 0);
}

static void controller_ids_are_of_its_own_part_and_none_is_given_twice(void **state)
{
	struct fixture *f = *state;
	struct disc_server_params params = standard;
	struct test_host *hosts[4];
	int i;

	params.cntlid_first = 0x4000;
	params.cntlid_last = 0x4002;
	serve(f, &params, true);
	for (i = 0; i < 4; i++) {
		struct nvme_cqe cqe;

		hosts[i] = come(f);
		test_host_hello(hosts[i], false, false);
		cqe = test_host_connect_as(hosts[i], NQN, HOST_A, 0);
		if (i < 3)
			assert_int_equal(cqe.dw0, 0x4000 + i);
		else
			assert_int_equal(cqe.status, NVME_SC_CONNECT_BUSY);
	}
	disc_conn_close(f->conns[1], "test");
	assert_int_equal(test_host_connect_as(hosts[3], NQN, HOST_A, 0).dw0, 0x4001);
}

static void ids_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct disc_server_hooks hooks = { .connect = on_connect, .gone = on_gone };
	struct disc_server_params params = standard;
	struct disc_server *server;

	params.cntlid_first = 0;
	assert_int_equal(disc_server_new(f->loop, &params, &hooks, &server, NULL), -EINVAL);
	params.cntlid_first = 5;
	params.cntlid_last = 4;
	assert_int_equal(disc_server_new(f->loop, &params, &hooks, &server, NULL), -EINVAL);
	params.cntlid_last = 0xfff0;
	assert_int_equal(disc_server_new(f->loop, &params, &hooks, &server, NULL), -EINVAL);
	params = standard;
	params.nqn = "nqn.";
	assert_int_equal(disc_server_new(f->loop, &params, &hooks, &server, NULL), -EINVAL);
}

/* --- properties and features */

static void properties_that_are_not_there_are_invalid(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct nvme_sqe sqe = { .opcode = NVME_FABRICS,
				.nsid = NVME_PROPERTY_GET,
				.cdw = { 0, NVME_CAP } };

	assert_int_equal(test_host_get(host, 0x68).cqe.status, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	assert_int_equal(test_host_set(host, NVME_VS, 1), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	sqe.nsid = NVME_AUTH_SEND;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_OPCODE | NVME_SC_DNR);
}

static void pages_of_another_size_are_a_fatal_status(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460081), 0);
	assert_int_equal(test_host_get(host, NVME_CSTS).cqe.dw0, 2);
}

static void features_are_kept(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct nvme_sqe sqe = { .opcode = NVME_GET_FEATURES, .cdw = { NVME_FEATURE_ASYNC_EVENT } };

	assert_int_equal(test_host_ask(host, &sqe).cqe.dw0, 0);
	test_host_want_events(host);
	assert_int_equal(test_host_ask(host, &sqe).cqe.dw0, NVME_OAES_DISCOVERY);
	sqe.cdw[0] = NVME_FEATURE_KATO;
	assert_int_equal(test_host_ask(host, &sqe).cqe.dw0, 30000);
	sqe.opcode = NVME_SET_FEATURES;
	sqe.cdw[1] = 5000;
	assert_int_equal(test_host_status(host, &sqe), 0);
	sqe.opcode = NVME_GET_FEATURES;
	assert_int_equal(test_host_ask(host, &sqe).cqe.dw0, 5000);
	sqe.cdw[0] = 0x01;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	sqe.opcode = NVME_SET_FEATURES;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	sqe.opcode = 0x08;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_OPCODE | NVME_SC_DNR);
}

static void identify_of_anything_else_is_invalid(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct nvme_sqe sqe = { .opcode = NVME_IDENTIFY,
				.sgl_length = 4096,
				.sgl_type = NVME_SGL_TRANSPORT,
				.cdw = { 2 } };

	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	sqe.cdw[0] = 1;
	sqe.sgl_length = 4092;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
}

/* --- the log page */

static void the_log_is_read_from_any_offset_in_any_size(void **state)
{
	static const uint32_t lengths[] = { 4, 16, 1024, 4096, 33000, 70000 };
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint64_t offset;
	size_t i;

	disc_log_unref(f->log);
	f->log = make_log(9, 60);
	change(f, f->conns[0], 9, 60);
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		for (offset = 0; offset <= f->log->length; offset += 7716) {
			struct test_answer answer = test_host_log(host, offset, lengths[i], true);
			uint64_t real = f->log->length - offset;
			uint32_t j;

			assert_int_equal(answer.cqe.status, 0);
			assert_int_equal(answer.n_data, lengths[i]);
			if (real > lengths[i])
				real = lengths[i];
			assert_memory_equal(answer.data, f->log->bytes + offset, real);
			for (j = (uint32_t)real; j < lengths[i]; j++)
				assert_int_equal(answer.data[j], 0);
			free(answer.data);
		}
	}
}

static void what_cannot_be_read_is_invalid(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct nvme_sqe sqe = { .opcode = NVME_GET_LOG_PAGE,
				.sgl_length = 4096,
				.sgl_type = NVME_SGL_TRANSPORT,
				.cdw = { NVME_LOG_DISCOVERY | 1023u << 16 } };
	const uint16_t invalid = NVME_SC_INVALID_FIELD | NVME_SC_DNR;

	assert_int_equal(test_host_log(host, 2, 16, true).cqe.status, invalid);
	assert_int_equal(test_host_log(host, f->log->length + 4, 16, true).cqe.status, invalid);
	assert_int_equal(test_host_log(host, UINT64_MAX - 3, 16, true).cqe.status, invalid);
	assert_int_equal(test_host_log(host, 0, (4u << 20) + 4, true).cqe.status, invalid);
	sqe.sgl_length = 4092;
	assert_int_equal(test_host_status(host, &sqe), invalid);
	sqe.sgl_length = 4096;
	sqe.cdw[4] = 1u << 23;
	assert_int_equal(test_host_status(host, &sqe), invalid);
	sqe.cdw[4] = 0;
	sqe.cdw[0] = 0x02 | 1023u << 16;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_LOG_PAGE | NVME_SC_DNR);
	assert_int_equal(f->n_read, 0);
}

static void it_says_which_log_pages_it_has(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct nvme_sqe sqe = { .opcode = NVME_GET_LOG_PAGE,
				.sgl_length = 1024,
				.sgl_type = NVME_SGL_TRANSPORT,
				.cdw = { 255u << 16 } };
	struct test_answer answer = test_host_ask(host, &sqe);
	unsigned int i;

	assert_int_equal(answer.n_data, 1024);
	for (i = 0; i < 256; i++)
		assert_int_equal(answer.data[4 * i], i == 0 || i == 0x70);
	/* nothing that would change what is in a view can be asked for */
	assert_int_equal(answer.data[4 * 0x70 + 2], 0);
	free(answer.data);
	sqe.cdw[2] = 4 * 0x70;
	sqe.cdw[0] = 0;
	sqe.sgl_length = 4;
	answer = test_host_ask(host, &sqe);
	assert_memory_equal(answer.data, "\1\0\0\0", 4);
	free(answer.data);
	sqe.cdw[2] = 1024;
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_INVALID_FIELD | NVME_SC_DNR);
}

static void a_reader_ends_with_the_page_that_he_began_with(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct test_answer answer;

	assert_int_equal(read_header(host, true), 7);
	change(f, f->conns[0], 8, 3);
	answer = test_host_log(host, 1024 * 10, 1024, true);
	assert_int_equal(answer.cqe.status, 0);
	assert_memory_equal(answer.data, disc_log_record(f->log, 9), 1024);
	free(answer.data);
	/* the closing read of the header shows that it changed */
	assert_int_equal(read_header(host, true), 8);
	assert_int_equal(test_host_log(host, 1024 * 10, 1024, true).cqe.status,
			 NVME_SC_INVALID_FIELD | NVME_SC_DNR);
}

static void a_page_that_nobody_reads_on_is_let_go(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	read_header(host, true);
	change(f, f->conns[0], 8, 3);
	assert_int_equal(f->log->count, 2);
	keep_alive(host);
	later(f, 20000);
	keep_alive(host);
	later(f, 20000);
	keep_alive(host);
	assert_int_equal(f->log->count, 2);
	later(f, 25000);
	assert_int_equal(f->n_gone, 0);
	assert_int_equal(f->log->count, 1);
}

static void an_empty_log_is_read_with_its_header(void **state)
{
	struct fixture *f = *state;
	struct test_host *host;

	disc_log_unref(f->log);
	f->log = make_log(1, 0);
	host = enter(f);
	assert_int_equal(read_header(host, true), 1);
	assert_int_equal(f->n_read, 1);
}

static void a_log_of_thousands_comes_whole_in_one_command(void **state)
{
	struct fixture *f = *state;
	struct test_host *host;
	struct test_answer answer;

	disc_log_unref(f->log);
	f->log = make_log(1, 3000);
	host = enter(f);
	answer = test_host_log(host, 1024, 3000 * 1024, false);
	assert_int_equal(answer.n_data, 3000 * 1024);
	assert_memory_equal(answer.data, disc_log_record(f->log, 0), 3000 * 1024);
	assert_true(answer.n_pdus > 1);
	free(answer.data);
	assert_int_equal(f->n_read, 1);
}

/* --- events */

static void a_host_hears_of_a_change_of_its_view_and_of_no_other(void **state)
{
	struct fixture *f = *state;
	struct test_host *a = enter_as(f, HOST_A, false);
	struct test_host *b = enter_as(f, HOST_B, false);
	uint16_t cid = test_host_want_events(a);

	test_host_want_events(b);
	change(f, f->conns[0], 8, 3);
	assert_event(a, cid);
	assert_silent(b);
	assert_int_equal(read_header(b, true), 7);
}

static void the_same_generation_is_no_change(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	test_host_want_events(host);
	change(f, f->conns[0], 7, 10);
	assert_silent(host);
}

static void who_did_not_ask_for_events_hears_of_none(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	arm(host);
	change(f, f->conns[0], 8, 3);
	assert_silent(host);
}

static void a_change_before_the_host_asks_is_told_when_it_asks(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	change(f, f->conns[0], 8, 3);
	assert_event(host, test_host_want_events(host));
}

static void a_change_that_was_read_already_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	change(f, f->conns[0], 8, 3);
	read_to_the_end(host, 3, true);
	test_host_want_events(host);
	assert_silent(host);
}

static void there_is_one_event_until_the_log_is_read(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint16_t cid = test_host_want_events(host);

	change(f, f->conns[0], 8, 3);
	assert_event(host, cid);
	cid = arm(host);
	change(f, f->conns[0], 9, 4);
	assert_silent(host);
	/* a read that clears the event, of a page that is old when it ends */
	assert_int_equal(read_header(host, true), 9);
	change(f, f->conns[0], 10, 5);
	assert_silent(host);
	free(test_host_log(host, 1024, 1024, false).data);
	assert_event(host, cid);
}

/* nvme-cli 2.3 of Debian 12 */
static void who_keeps_the_event_on_each_read_hears_of_each_change(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint16_t cid = test_host_want_events(host);
	uint64_t genctr;

	for (genctr = 8; genctr < 13; genctr++) {
		uint32_t at;

		change(f, f->conns[0], genctr, 10);
		assert_event(host, cid);
		cid = arm(host);
		free(test_host_log(host, 0, 1024, true).data);
		for (at = 0; at < 11 * 1024; at += 4096)
			free(test_host_log(host, at, at < 8192 ? 4096 : 3072, true).data);
	}
}

static void who_does_not_read_hears_again_after_a_while(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint16_t cid = test_host_want_events(host);

	change(f, f->conns[0], 8, 3);
	assert_event(host, cid);
	cid = arm(host);
	later(f, 20000);
	change(f, f->conns[0], 9, 4);
	keep_alive(host);
	later(f, 20000);
	keep_alive(host);
	assert_silent(host);
	later(f, 21000);
	assert_event(host, cid);
}

static void so_many_event_requests_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	const struct nvme_sqe sqe = { .opcode = NVME_ASYNC_EVENT };
	int i;

	for (i = 0; i < 4; i++)
		arm(host);
	assert_int_equal(test_host_status(host, &sqe), NVME_SC_ASYNC_LIMIT | NVME_SC_DNR);
}

static void a_reset_forgets_event_requests(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	test_host_want_events(host);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460060), 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460061), 0);
	change(f, f->conns[0], 8, 3);
	assert_silent(host);
	assert_event(host, test_host_want_events(host));
}

/* --- time */

static void a_silent_host_is_closed_when_its_keep_alive_is_over(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	(void)host;
	later(f, 31000);
	assert_int_equal(f->n_gone, 0);
	later(f, 2000);
	assert_gone(f, DISC_GONE_KATO);
	assert_non_null(strstr(f->text, "32"));
}

static void any_pdu_keeps_it_alive(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	later(f, 29000);
	read_header(host, true);
	later(f, 29000);
	test_host_get(host, NVME_CSTS);
	later(f, 29000);
	assert_int_equal(keep_alive(host), 0);
	later(f, 29000);
	assert_int_equal(f->n_gone, 0);
}

static void who_set_no_keep_alive_has_two_minutes(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN, HOST_A, 0).status, 0);
	later(f, 119000);
	assert_int_equal(f->n_gone, 0);
	later(f, 4000);
	assert_gone(f, DISC_GONE_KATO);
}

static void a_pause_of_ours_is_not_held_against_the_host(void **state)
{
	struct fixture *f = *state;

	speaks_last = enter(f);
	later(f, 100000);
	assert_int_equal(f->n_gone, 0);
	later(f, 100000);
	assert_gone(f, DISC_GONE_KATO);
}

static unsigned int connections(struct fixture *f)
{
	struct disc_server_counters counters;

	disc_server_counters(f->server, &counters);
	return counters.connections;
}

static void who_does_not_connect_in_time_is_closed(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	come(f);
	later(f, 6000);
	/* what it sends meanwhile does not help */
	test_host_hello(host, false, false);
	assert_int_equal(connections(f), 2);
	later(f, 4100);
	assert_int_equal(connections(f), 0);
	assert_int_equal(f->n_gone, 0);
}

static void who_shut_down_and_does_not_close_is_closed(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	assert_int_equal(test_host_set(host, NVME_CC, 0x464061), 0);
	later(f, 2100);
	assert_gone(f, DISC_GONE_SHUTDOWN);
}

/* --- DIM, and data over R2T */

static uint16_t register_with(struct test_host *host, const uint8_t *bytes, uint32_t length)
{
	const struct nvme_sqe sqe = { .opcode = NVME_DISC_INFO_MGMT, .cdw = { 2 } };

	return test_host_answer(host, test_host_command(host, &sqe, bytes, length)).cqe.status;
}

static void what_a_host_registers_comes_to_the_user(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint8_t bytes[2200];

	memset(bytes, 'd', sizeof(bytes));
	assert_int_equal(register_with(host, bytes, sizeof(bytes)), 0);
	assert_int_equal(f->tas, 2);
	assert_int_equal(f->n_dim, sizeof(bytes));
	assert_memory_equal(f->dim, bytes, sizeof(bytes));
	f->dim_status = NVME_SC_DISC_INFO_INVALID;
	assert_int_equal(register_with(host, bytes, sizeof(bytes)), NVME_SC_DISC_INFO_INVALID);
}

static void without_a_user_for_it_registering_is_disabled(void **state)
{
	struct fixture *f = *state;
	struct test_host *host;
	uint8_t bytes[1024] = { 0 };

	serve(f, &standard, false);
	host = enter(f);
	assert_int_equal(register_with(host, bytes, sizeof(bytes)),
			 NVME_SC_FUNCTION_DISABLED | NVME_SC_DNR);
}

/* Returns: the id; the R2T is in @ret. */
static uint16_t ask_for_r2t(struct test_host *host, uint32_t length, struct pdu *ret)
{
	const struct nvme_sqe sqe = { .opcode = NVME_DISC_INFO_MGMT,
				      .sgl_length = length,
				      .sgl_type = NVME_SGL_TRANSPORT };
	uint16_t cid = test_host_command(host, &sqe, NULL, 0);

	assert_true(test_host_receive(host, ret, TEST_HOST_MS));
	return cid;
}

static void send_data(struct test_host *host, const struct pdu *r2t, uint32_t offset,
		      const uint8_t *bytes, uint32_t length)
{
	const struct pdu pdu = {
		.type = PDU_H2C_DATA,
		.flags = offset + length == r2t->data.length ? PDU_FLAG_LAST : 0,
		.data = { r2t->data.cid, r2t->data.ttag, offset, length },
		.n_bytes = length,
	};

	test_host_send(host, &pdu, bytes + offset);
}

static void data_over_the_capsule_are_asked_for(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter_as(f, HOST_A, true);
	uint8_t *bytes = malloc(100000);
	struct pdu r2t;
	uint16_t cid;
	uint32_t at;

	for (at = 0; at < 100000; at++)
		bytes[at] = (uint8_t)(at * 7 >> 3);
	cid = ask_for_r2t(host, 100000, &r2t);
	assert_int_equal(r2t.type, PDU_R2T);
	assert_int_equal(r2t.data.cid, cid);
	assert_int_equal(r2t.data.offset, 0);
	assert_int_equal(r2t.data.length, 100000);
	for (at = 0; at < 100000; at += 8192)
		send_data(host, &r2t, at, bytes, at + 8192 < 100000 ? 8192 : 100000 - at);
	assert_int_equal(test_host_answer(host, cid).cqe.status, 0);
	assert_int_equal(f->n_dim, 100000);
	assert_memory_equal(f->dim, bytes, 100000);
	free(bytes);
}

static void more_data_than_the_bound_are_not_asked_for(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	struct pdu pdu;

	ask_for_r2t(host, 262148, &pdu);
	assert_int_equal(pdu.type, PDU_RESPONSE);
	assert_int_equal(pdu.response.status, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	ask_for_r2t(host, 262144, &pdu);
	assert_int_equal(pdu.type, PDU_R2T);
	/* one at a time */
	ask_for_r2t(host, 1024, &pdu);
	assert_int_equal(pdu.type, PDU_RESPONSE);
	assert_int_equal(pdu.response.status, NVME_SC_DISC_RESOURCES);
}

static void data_that_nobody_asked_for_end_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	const struct pdu r2t = { .data = { 1, 1, 0, 4 } };

	send_data(host, &r2t, 0, (const uint8_t *)"data", 4);
	assert_terminated(f, host, PDU_FES_HEADER);
	assert_gone(f, DISC_GONE_PROTOCOL);
}

static void data_out_of_order_end_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint8_t bytes[4096] = { 0 };
	struct pdu r2t;

	ask_for_r2t(host, 4096, &r2t);
	send_data(host, &r2t, 1024, bytes, 1024);
	assert_terminated(f, host, PDU_FES_RANGE);
	assert_gone(f, DISC_GONE_PROTOCOL);
}

static void more_data_than_asked_for_end_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	uint8_t bytes[4096] = { 0 };
	struct pdu r2t;

	ask_for_r2t(host, 2048, &r2t);
	send_data(host, &r2t, 0, bytes, 4096);
	assert_terminated(f, host, PDU_FES_LIMIT);
}

/* --- digests, protocol errors */

static void everything_goes_with_digests_as_well(void **state)
{
	struct fixture *f = *state;
	struct test_host *host;
	struct test_answer answer;

	disc_log_unref(f->log);
	f->log = make_log(7, 100);
	host = enter_as(f, HOST_A, true);
	identify(host, 1);
	answer = test_host_log(host, 0, 110 * 1024, true);
	assert_int_equal(answer.cqe.status, 0);
	assert_memory_equal(answer.data, f->log->bytes, 101 * 1024);
	assert_true(answer.n_pdus > 1);
	free(answer.data);
}

static void a_wrong_digest_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter_as(f, HOST_A, true);
	const struct pdu pdu = { .type = PDU_COMMAND, .command = { .opcode = NVME_KEEP_ALIVE } };
	uint8_t bytes[PDU_HEADER_MAX];
	size_t length = pdu_build(&host->side, &pdu, bytes);

	bytes[length - 1] ^= 1;
	test_host_write(host, bytes, length);
	assert_terminated(f, host, PDU_FES_DIGEST);
	assert_gone(f, DISC_GONE_PROTOCOL);
}

static void what_is_no_pdu_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);

	test_host_write(host, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_terminated(f, host, PDU_FES_HEADER);
	assert_int_equal(f->n_gone, 0);
	later(f, 2100);
	assert_int_equal(connections(f), 0);
}

static void a_command_before_the_handshake_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);
	const struct nvme_sqe sqe = { .opcode = NVME_KEEP_ALIVE };

	test_host_command(host, &sqe, NULL, 0);
	assert_terminated(f, host, PDU_FES_SEQUENCE);
}

static void a_second_handshake_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	const struct pdu icreq = { .type = PDU_ICREQ };

	test_host_send(host, &icreq, NULL);
	assert_terminated(f, host, PDU_FES_SEQUENCE);
	assert_gone(f, DISC_GONE_PROTOCOL);
}

static void who_wants_padding_is_told_that_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = come(f);
	const struct pdu icreq = { .type = PDU_ICREQ, .ic = { .align = 3 } };

	test_host_send(host, &icreq, NULL);
	assert_terminated(f, host, PDU_FES_UNSUPPORTED);
}

static void a_host_that_terminates_is_closed(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);
	const struct pdu_fault fault = { PDU_FES_HEADER, 0 };
	uint8_t bytes[PDU_TERM_MAX];

	test_host_write(host, bytes,
			pdu_build_term(true, &fault, (const uint8_t *)"12345678", 8, bytes));
	assert_gone(f, DISC_GONE_PROTOCOL);
}

static void a_host_that_goes_is_told_to_the_user(void **state)
{
	struct fixture *f = *state;
	struct test_host *host = enter(f);

	close(host->fd);
	host->fd = -1;
	assert_gone(f, DISC_GONE_CLOSED);
	assert_int_equal(connections(f), 0);
}

static void the_end_of_the_server_is_told_for_each_host(void **state)
{
	struct fixture *f = *state;
	char byte;

	enter_as(f, HOST_A, false);
	enter_as(f, HOST_B, false);
	come(f);
	disc_server_free(f->server);
	f->server = NULL;
	assert_int_equal(f->n_gone, 2);
	assert_int_equal(f->why, DISC_GONE_SERVER);
	assert_int_equal(recv(f->hosts[0]->fd, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(f->log->count, 1);
}

/* --- bounds */

static void a_slow_reader_is_not_read_from_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct disc_server_counters counters;
	struct test_host *host;
	uint16_t cids[200];
	unsigned int i;

	disc_log_unref(f->log);
	f->log = make_log(7, 2000);
	host = enter(f);
	for (i = 0; i < 200; i++)
		cids[i] = test_host_send_log(host, 0, 2001 * 1024, true);
	run_for(f, 20);
	disc_server_counters(f->server, &counters);
	assert_true(counters.commands < 10);
	for (i = 0; i < 200; i++) {
		struct test_answer answer;

		/* all of 400 MB would only take long */
		if (i == 8)
			break;
		answer = test_host_answer(host, cids[i]);
		assert_int_equal(answer.n_data, 2001 * 1024);
		assert_memory_equal(answer.data, f->log->bytes, answer.n_data);
		free(answer.data);
	}
	/* an event has its place among the answers */
	change(f, f->conns[0], 8, 1);
	assert_int_equal(f->n_gone, 0);
}

static void one_address_has_so_many_connections_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct disc_server_counters counters;
	struct disc_server_params params = standard;
	int fds[2];
	int i;

	params.bounds = DISC_SERVER_BOUNDS;
	params.bounds.per_address = 3;
	params.bounds.connections = 5;
	serve(f, &params, true);
	peer_address = "192.0.2.1";
	for (i = 0; i < 3; i++)
		come(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(disc_server_add(f->server, fds[1], NULL), -EBUSY);
	close(fds[0]);
	/* one that goes makes room */
	close(f->hosts[0]->fd);
	f->hosts[0]->fd = -1;
	run_for(f, 20);
	come(f);
	peer_address = "192.0.2.2";
	come(f);
	come(f);
	/* and so has the whole */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(disc_server_add(f->server, fds[1], NULL), -EBUSY);
	close(fds[0]);
	disc_server_counters(f->server, &counters);
	assert_int_equal(counters.over_bounds, 2);
	assert_int_equal(counters.connections, 5);
}

static void an_idle_host_costs_less_than_a_kilobyte(void **state)
{
	enum { N = 200 };
	struct fixture *f = *state;
	struct test_host *hosts[N];
	size_t before, host_bytes;
	int i;

	before = mallinfo2().uordblks;
	free(test_host_new(f->loop, -1));
	host_bytes = sizeof(struct test_host) + 16;
	for (i = 0; i < N; i++) {
		hosts[i] = enter(f);
		f->n_hosts = 0;
		test_host_want_events(hosts[i]);
		read_header(hosts[i], true);
	}
	before += N * host_bytes;
	/* of an AddressSanitizer build nothing is known */
	if (mallinfo2().uordblks > before)
		assert_true((mallinfo2().uordblks - before) / N < 1024);
	for (i = 0; i < N; i++)
		test_host_free(hosts[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stock_host_goes_through_its_whole_sequence),
		TEST(its_own_name_is_served_as_well_as_the_well_known_one),
		TEST(it_listens_at_tcp),
		TEST(bytes_may_come_one_by_one),
		TEST(commands_may_come_many_at_once),
		TEST(the_head_of_its_queue_is_told),
		TEST(commands_before_connect_are_out_of_sequence),
		TEST(admin_commands_before_it_is_enabled_are_out_of_sequence),
		TEST(a_second_connect_is_out_of_sequence),
		TEST(a_wrong_connect_is_told_where_it_is_wrong),
		TEST(a_connect_with_too_few_data_is_refused),
		TEST(a_host_that_may_not_come_is_to_forget_us),
		TEST(a_host_that_comes_too_early_is_to_try_again),
		TEST(controller_ids_are_of_its_own_part_and_none_is_given_twice),
		TEST(ids_that_cannot_be_are_refused),
		TEST(properties_that_are_not_there_are_invalid),
		TEST(pages_of_another_size_are_a_fatal_status),
		TEST(features_are_kept),
		TEST(identify_of_anything_else_is_invalid),
		TEST(the_log_is_read_from_any_offset_in_any_size),
		TEST(what_cannot_be_read_is_invalid),
		TEST(it_says_which_log_pages_it_has),
		TEST(a_reader_ends_with_the_page_that_he_began_with),
		TEST(a_page_that_nobody_reads_on_is_let_go),
		TEST(an_empty_log_is_read_with_its_header),
		TEST(a_log_of_thousands_comes_whole_in_one_command),
		TEST(a_host_hears_of_a_change_of_its_view_and_of_no_other),
		TEST(the_same_generation_is_no_change),
		TEST(who_did_not_ask_for_events_hears_of_none),
		TEST(a_change_before_the_host_asks_is_told_when_it_asks),
		TEST(a_change_that_was_read_already_is_not_told),
		TEST(there_is_one_event_until_the_log_is_read),
		TEST(who_keeps_the_event_on_each_read_hears_of_each_change),
		TEST(who_does_not_read_hears_again_after_a_while),
		TEST(so_many_event_requests_and_no_more),
		TEST(a_reset_forgets_event_requests),
		TEST(a_silent_host_is_closed_when_its_keep_alive_is_over),
		TEST(any_pdu_keeps_it_alive),
		TEST(who_set_no_keep_alive_has_two_minutes),
		TEST(a_pause_of_ours_is_not_held_against_the_host),
		TEST(who_does_not_connect_in_time_is_closed),
		TEST(who_shut_down_and_does_not_close_is_closed),
		TEST(what_a_host_registers_comes_to_the_user),
		TEST(without_a_user_for_it_registering_is_disabled),
		TEST(data_over_the_capsule_are_asked_for),
		TEST(more_data_than_the_bound_are_not_asked_for),
		TEST(data_that_nobody_asked_for_end_the_connection),
		TEST(data_out_of_order_end_the_connection),
		TEST(more_data_than_asked_for_end_the_connection),
		TEST(everything_goes_with_digests_as_well),
		TEST(a_wrong_digest_ends_the_connection),
		TEST(what_is_no_pdu_ends_the_connection),
		TEST(a_command_before_the_handshake_ends_the_connection),
		TEST(a_second_handshake_ends_the_connection),
		TEST(who_wants_padding_is_told_that_there_is_none),
		TEST(a_host_that_terminates_is_closed),
		TEST(a_host_that_goes_is_told_to_the_user),
		TEST(the_end_of_the_server_is_told_for_each_host),
		TEST(a_slow_reader_is_not_read_from_and_loses_nothing),
		TEST(one_address_has_so_many_connections_and_no_more),
		TEST(an_idle_host_costs_less_than_a_kilobyte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
