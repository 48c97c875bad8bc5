/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-discovery-controller - one controller of ours, whose log changes now and then for all. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/loop.h"
#include "nvmf/disc-server.h"
#include "tests/bench/sim-discovery.h"

#define HOSTS_MAX 32768
#define N_RECORDS 8

static struct {
	struct loop *loop;
	struct disc_server *server;
	struct disc_log *log;
	struct disc_conn *conns[HOSTS_MAX];
	uint32_t n;
	struct loop_source *timer;
	int64_t each_ms;
} t;

static struct disc_log *make_log(uint64_t genctr)
{
	struct disc_log *log = disc_log_new(genctr, NULL, N_RECORDS);
	const struct disc_record record = { .trtype = NVME_TRTYPE_TCP,
					    .adrfam = NVME_ADRFAM_IPV4,
					    .subtype = NVME_SUBTYPE_NVM,
					    .trsvcid = "4420",
					    .subnqn = "nqn.2026-01.org.example:sim",
					    .traddr = "127.0.0.1" };
	size_t i;

	if (!log)
		sim_fail("log");
	for (i = 0; i < N_RECORDS; i++)
		disc_record_encode(&record, log->bytes + DISC_RECORD_BYTES * (1 + i));
	return log;
}

/* Each has his place in the list as his user. */
static int on_connect(void *data, struct disc_conn *conn, const struct disc_host *host,
		      struct disc_log **ret_log)
{
	(void)data, (void)host;
	if (t.n == HOSTS_MAX)
		return -EAGAIN;
	disc_conn_set(conn, &t.conns[t.n]);
	t.conns[t.n++] = conn;
	*ret_log = disc_log_ref(t.log);
	return 0;
}

static void on_gone(void *data, struct disc_conn *conn, enum disc_gone why, const char *text)
{
	struct disc_conn **place = disc_conn_get(conn);

	(void)data, (void)why, (void)text;
	*place = t.conns[--t.n];
	disc_conn_set(*place, place);
}

static void on_time(void *data)
{
	struct disc_log *log = make_log(t.log->genctr + 1);
	struct sim_step figures;
	uint32_t i;

	(void)data;
	disc_log_unref(t.log);
	t.log = log;
	sim_begin(&figures);
	for (i = 0; i < t.n; i++)
		disc_conn_set_log(t.conns[i], log);
	if (t.n)
		printf("change hosts %u at_us %lld told_after_ms %.1f cpu_us_until_now %lld rss_kib "
		       "%ld\n",
		       t.n, (long long)figures.wall, (double)(sim_now_us() - figures.wall) / 1000,
		       (long long)sim_cpu_us(), sim_rss_kib());
	loop_timer_set(t.timer, t.each_ms, 0);
}

static int open_listener(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
		sim_fail("listen");
	return fd;
}

int sim_controller(const char *port, int64_t each_ms)
{
	const struct disc_server_params params = { .nqn = "nqn.2026-01.org.example:discovery",
						   .serial = "1",
						   .version = "1",
						   .cntlid_first = 1,
						   .cntlid_last = HOSTS_MAX,
						   .bounds = DISC_SERVER_BOUNDS };
	const struct disc_server_hooks hooks = { .connect = on_connect, .gone = on_gone };
	struct err err = ERR_NULL;
	int r;

	t.each_ms = each_ms;
	t.log = make_log(1);
	r = loop_new(&t.loop, &err);
	if (r == 0)
		r = disc_server_new(t.loop, &params, &hooks, &t.server, &err);
	if (r == 0)
		r = disc_server_listen(t.server, open_listener(port), &err);
	if (r == 0)
		r = loop_add_timer(t.loop, on_time, NULL, &t.timer, &err);
	if (r == 0) {
		loop_timer_set(t.timer, t.each_ms, 0);
		puts("ready");
		r = loop_run(t.loop, &err);
	}
	fprintf(stderr, "sim-discovery: %s\n", err.text);
	return 1;
}
