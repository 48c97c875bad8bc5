/* SPDX-License-Identifier: BSD-3-Clause */
/* Our discovery client against our discovery controller, on one loop. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/swarm.h"
#include "nvmf/disc-client.h"
#include "nvmf/disc-server.h"

#define NQN "nqn.2026-01.org.example:discovery"
#define N_HOSTS 4

struct host {
	char nqn[64];
	struct disc_client *client;
	struct disc_conn *conn; /* at the controller */
	struct disc_log *log;
	int n_logs, n_same, n_lost, n_dims;
	int r;
	uint16_t dim_status;
	char text[ERR_TEXT_MAX];
};

static struct {
	struct loop *loop;
	struct disc_server *server;
	char port[8];
	struct disc_log *log; /* for who comes */
	int let;	      /* or a refusal */
	struct host hosts[N_HOSTS];
	uint8_t *dim;
	uint32_t dim_length;
	int n_gone, n_reads;
	enum disc_gone why;
} t;

/* --- the controller's user */

static int on_connect(void *data, struct disc_conn *conn, const struct disc_host *who,
		      struct disc_log **ret_log)
{
	size_t i;

	(void)data;
	if (t.let < 0)
		return t.let;
	for (i = 0; i < N_HOSTS; i++)
		if (strcmp(t.hosts[i].nqn, who->hostnqn) == 0)
			t.hosts[i].conn = conn;
	*ret_log = disc_log_ref(t.log);
	return 0;
}

static void on_read(void *data, struct disc_conn *conn, const struct disc_log *log)
{
	(void)data, (void)conn, (void)log;
	t.n_reads++;
}

static uint16_t on_register(void *data, struct disc_conn *conn, const struct disc_dim *dim)
{
	(void)data, (void)conn;
	free(t.dim);
	t.dim = malloc(dim->length);
	memcpy(t.dim, dim->bytes, dim->length);
	t.dim_length = dim->length;
	return dim->tas == 1 ? NVME_SC_DISC_INFO_INVALID : NVME_SC_SUCCESS;
}

static void on_gone(void *data, struct disc_conn *conn, enum disc_gone why, const char *text)
{
	(void)data, (void)conn, (void)text;
	t.n_gone++;
	t.why = why;
}

/* --- the client's */

static void on_log(void *data, struct disc_client *client, struct disc_log *log)
{
	struct host *host = data;

	(void)client;
	host->n_logs++;
	disc_log_unref(host->log);
	host->log = disc_log_ref(log);
}

static void on_same(void *data, struct disc_client *client)
{
	(void)client;
	((struct host *)data)->n_same++;
}

static void on_lost(void *data, struct disc_client *client, int r, const char *text)
{
	struct host *host = data;

	(void)client;
	host->n_lost++;
	host->r = r;
	snprintf(host->text, sizeof(host->text), "%s", text);
}

static void on_dim(void *data, uint16_t status)
{
	struct host *host = data;

	host->n_dims++;
	host->dim_status = status;
}

/* --- around it */

static struct disc_log *make_log(uint64_t genctr, size_t n)
{
	struct disc_log *log = disc_log_new(genctr, NULL, n);
	size_t i;

	for (i = 0; i < n; i++) {
		struct disc_record record = { .trtype = NVME_TRTYPE_TCP,
					      .adrfam = NVME_ADRFAM_IPV4,
					      .subtype = NVME_SUBTYPE_NVM,
					      .trsvcid = "4420",
					      .traddr = "192.0.2.1" };

		snprintf(record.subnqn, sizeof(record.subnqn), "nqn.2026-01.org.example:%llu:%zu",
			 (unsigned long long)genctr, i);
		disc_record_encode(&record, log->bytes + DISC_RECORD_BYTES * (1 + i));
	}
	return log;
}

static int listen_at(char port[8])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(port, 8, "%u", ntohs(at.sin_port));
	return fd;
}

static int set_up(void **state)
{
	const struct disc_server_params params = { .nqn = NQN,
						   .serial = "1",
						   .version = "1",
						   .cntlid_first = 1,
						   .cntlid_last = 100,
						   .bounds = DISC_SERVER_BOUNDS };
	const struct disc_server_hooks hooks = {
		.connect = on_connect, .read = on_read, .dim = on_register, .gone = on_gone
	};
	size_t i;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.log = make_log(5, 3);
	assert_int_equal(loop_new(&t.loop, NULL), 0);
	assert_int_equal(disc_server_new(t.loop, &params, &hooks, &t.server, NULL), 0);
	assert_int_equal(disc_server_listen(t.server, listen_at(t.port), NULL), 0);
	for (i = 0; i < N_HOSTS; i++)
		snprintf(t.hosts[i].nqn, sizeof(t.hosts[i].nqn), "nqn.2026-01.org.example:host-%zu",
			 i);
	return 0;
}

static int tear_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N_HOSTS; i++) {
		disc_client_free(t.hosts[i].client);
		disc_log_unref(t.hosts[i].log);
	}
	disc_server_free(t.server);
	disc_log_unref(t.log);
	free(t.dim);
	assert_null(loop_swarm(t.loop));
	loop_free(t.loop);
	return 0;
}

static struct host *start(size_t i, bool stay, bool digests, uint32_t kato_ms)
{
	struct host *host = &t.hosts[i];
	const struct disc_client_params params = { .address = "127.0.0.1",
						   .port = t.port,
						   .hostnqn = host->nqn,
						   .hostid = { (uint8_t)i, 1 },
						   .stay = stay,
						   .kato_ms = kato_ms,
						   .hdgst = digests,
						   .ddgst = digests,
						   .timeout_ms = 20000 };
	const struct disc_client_hooks hooks = {
		.log = on_log, .same = on_same, .lost = on_lost, .data = host
	};

	disc_client_free(host->client);
	host->client = NULL;
	assert_int_equal(disc_client_start(t.loop, &params, &hooks, &host->client, NULL), 0);
	return host;
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		int64_t _end = clock_monotonic_ms() + 20000;                                       \
		while (!(condition)) {                                                             \
			assert_true(clock_monotonic_ms() < _end);                                  \
			loop_step(t.loop, 100);                                                    \
		}                                                                                  \
	} while (0)

static void run_for(int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end)
		loop_step(t.loop, 20);
}

/* --- tests */

static void a_log_is_read_in_six_round_trips(void **state)
{
	struct host *host = start(0, false, false, 0);

	(void)state;
	UNTIL(host->n_logs);
	assert_true(disc_log_equal(host->log, t.log));
	assert_int_equal(host->log->genctr, 5);
	assert_int_equal(disc_client_info(host->client)->round_trips, 6);
	assert_int_equal(disc_client_info(host->client)->identify.dctype, NVME_DCTYPE_CDC);
	UNTIL(t.n_gone);
	assert_int_equal(t.why, DISC_GONE_SHUTDOWN);
	assert_int_equal(t.n_reads, 1);
}

static void long_logs_with_digests_are_the_same(void **state)
{
	struct host *host;

	(void)state;
	disc_log_unref(t.log);
	t.log = make_log(9, 2000);
	host = start(0, false, true, 0);
	UNTIL(host->n_logs || host->n_lost);
	assert_int_equal(host->n_lost, 0);
	assert_true(disc_log_equal(host->log, t.log));
}

static void a_change_is_heard_by_whom_it_concerns(void **state)
{
	struct disc_log *other = make_log(6, 5);
	struct host *a = start(0, true, false, 60000);
	struct host *b = start(1, true, true, 60000);

	(void)state;
	UNTIL(a->n_logs && b->n_logs);
	disc_conn_set_log(a->conn, other);
	UNTIL(a->n_logs == 2);
	assert_true(disc_log_equal(a->log, other));
	run_for(100);
	assert_int_equal(b->n_logs, 1);
	assert_int_equal(disc_client_look(b->client), 0);
	UNTIL(b->n_same == 1);
	/* and again, with many changes that come to one */
	for (int i = 0; i < 50; i++) {
		disc_log_unref(other);
		other = make_log(10 + (uint64_t)i, 1 + (size_t)i % 7);
		disc_conn_set_log(b->conn, other);
		loop_step(t.loop, 0);
	}
	UNTIL(b->log->genctr == 59);
	assert_true(disc_log_equal(b->log, other));
	assert_int_equal(a->n_lost + b->n_lost, 0);
	disc_log_unref(other);
}

static void who_may_not_come_is_told(void **state)
{
	struct host *host = start(0, true, false, 60000);

	(void)state;
	UNTIL(host->n_logs);
	disc_conn_close(host->conn, "revoked");
	UNTIL(host->n_lost);
	assert_int_equal(host->r, -ECONNRESET);
	t.let = -EACCES;
	start(0, true, false, 60000);
	UNTIL(host->n_lost == 2);
	assert_int_equal(host->r, -EACCES);
	t.let = -EAGAIN;
	start(0, true, false, 60000);
	UNTIL(host->n_lost == 3);
	assert_int_equal(host->r, -EBUSY);
	assert_int_equal(host->n_logs, 1);
}

static void registrations_arrive_as_they_were_sent(void **state)
{
	static const uint32_t lengths[] = { 2048, 100000 };
	struct host *host = start(0, true, true, 60000);
	size_t i;

	(void)state;
	UNTIL(host->n_logs);
	for (i = 0; i < 2; i++) {
		uint8_t *data = malloc(lengths[i]);
		CLEANUP_FREE uint8_t *want = malloc(lengths[i]);

		memset(data, (int)i + 3, lengths[i]);
		memcpy(want, data, lengths[i]);
		assert_int_equal(
			disc_client_dim(host->client, (uint8_t)i, data, lengths[i], on_dim, host),
			0);
		UNTIL(host->n_dims == (int)i + 1);
		assert_int_equal(host->dim_status, i ? NVME_SC_DISC_INFO_INVALID : 0);
		assert_int_equal(t.dim_length, lengths[i]);
		assert_memory_equal(t.dim, want, lengths[i]);
	}
}

static void who_keeps_alive_is_kept(void **state)
{
	struct host *host = start(0, true, false, 1000);

	(void)state;
	UNTIL(host->n_logs);
	run_for(2500);
	assert_int_equal(host->n_lost, 0);
	assert_int_equal(t.n_gone, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_log_is_read_in_six_round_trips),
		TEST(long_logs_with_digests_are_the_same),
		TEST(a_change_is_heard_by_whom_it_concerns),
		TEST(who_may_not_come_is_told),
		TEST(registrations_arrive_as_they_were_sent),
		TEST(who_keeps_alive_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
