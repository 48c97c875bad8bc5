/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-discovery-poll - who asks. The floor reads nothing but how many bytes came; disc-client does
 * what the product does. */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "nvmf/disc-client.h"
#include "nvmf/disc-session.h"
#include "tests/bench/sim-discovery.h"

/* --- the floor */

#define N_STEPS (SIM_LAST_STEP + 1)

/* What each step sends, as disc-session says it, and how many bytes answer it. */
static struct {
	uint8_t bytes[2048];
	size_t length;
	uint32_t answer;
} steps[N_STEPS + 3]; /* then a look, a keep-alive, and a look after an event */

static void keep_step(int i, struct disc_out *out, uint32_t answer)
{
	memcpy(steps[i].bytes, out->bytes, out->length);
	steps[i].length = out->length;
	steps[i].answer = answer;
	out->length = 0;
}

/* Let a session talk to prepared answers and keep what it said. */
static void hear(struct disc_session *s, const struct pdu *pdu, struct disc_out *out)
{
	const struct pdu_side side = { 0 };
	static uint8_t bytes[65536];
	unsigned int news;
	size_t need;
	size_t length = pdu_build(&side, pdu, bytes);

	if (pdu->n_bytes)
		memcpy(bytes + length, pdu->bytes, pdu->n_bytes);
	if (disc_session_take(s, bytes, length + pdu->n_bytes, out, &need, &news, NULL) <= 0)
		sim_fail("prepare");
}

static void answer(struct disc_session *s, uint16_t cid, uint32_t dw0, struct disc_out *out)
{
	const struct pdu pdu = { .type = PDU_RESPONSE, .response = { .cid = cid, .dw0 = dw0 } };

	hear(s, &pdu, out);
}

static void data(struct disc_session *s, uint16_t cid, const uint8_t *bytes, uint32_t n,
		 struct disc_out *out)
{
	const struct pdu pdu = { .type = PDU_C2H_DATA,
				 .flags = PDU_FLAG_LAST,
				 .data = { .cid = cid, .length = n },
				 .bytes = bytes,
				 .n_bytes = n };

	hear(s, &pdu, out);
	answer(s, cid, 0, out);
}

void sim_prepare(uint32_t records)
{
	const struct disc_session_setup setup = { .hostnqn = "nqn.2014-08.org.nvmexpress:uuid:0",
						  .subnqn = NQN_DISCOVERY,
						  .stay = true,
						  .kato_ms = SIM_KATO_MS,
						  .max_records = 64 };
	const struct pdu icresp = { .type = PDU_ICRESP, .ic = { .max = 65536 } };
	static uint8_t zeros[65536];
	uint8_t header[DISC_HEADER_READ] = { 1, [8] = (uint8_t)records };
	const uint32_t looked = PDU_DATA_BYTES + DISC_HEADER_READ + PDU_RESPONSE_BYTES;
	struct disc_session s;
	struct disc_out out;

	disc_out_init(&out);
	disc_session_init(&s, &setup);
	disc_session_begin(&s, &out);
	keep_step(0, &out, PDU_IC_BYTES);
	hear(&s, &icresp, &out);
	keep_step(1, &out, PDU_RESPONSE_BYTES);
	answer(&s, 1, 0, &out);
	keep_step(2, &out, 2 * PDU_RESPONSE_BYTES);
	answer(&s, 2, 0, &out);
	answer(&s, 3, NVME_CSTS_RDY, &out);
	keep_step(3, &out, looked + PDU_DATA_BYTES + NVME_IDENTIFY_BYTES + 2 * PDU_RESPONSE_BYTES);
	data(&s, 4, zeros, NVME_IDENTIFY_BYTES, &out);
	data(&s, 5, header, sizeof(header), &out);
	answer(&s, 6, 0, &out);
	keep_step(4, &out,
		  looked + PDU_DATA_BYTES + records * DISC_RECORD_BYTES + PDU_RESPONSE_BYTES);
	data(&s, 0x100, zeros, records * DISC_RECORD_BYTES, &out);
	data(&s, 5, header, sizeof(header), &out);
	disc_session_look(&s, &out);
	keep_step(5, &out, looked);
	data(&s, 5, header, sizeof(header), &out);
	disc_session_keep_alive(&s, &out);
	keep_step(6, &out, PDU_RESPONSE_BYTES);
	answer(&s, 8, 0, &out);
	answer(&s, 7, NVME_ASYNC_DISCOVERY, &out);
	disc_session_look(&s, &out);
	keep_step(7, &out, looked);
	disc_session_deinit(&s);
	disc_out_deinit(&out);
}

/* As many hosts: another NQN and id for each, in the data of Connect. */
static void name_host(uint32_t i)
{
	uint8_t *data = steps[1].bytes + PDU_COMMAND_BYTES;
	char nqn[128];

	snprintf(nqn, sizeof(nqn), SIM_HOST_NQN, i);
	memset(data + 512, 0, 256);
	memcpy(data + 512, nqn, strlen(nqn));
	memcpy(data, &i, sizeof(i));
}

void sim_bare_send(struct sim_bare *bare, int step)
{
	bare->step = step;
	bare->got = 0;
	if (step == 1)
		name_host(bare->number);
	if (send(bare->fd, steps[step].bytes, steps[step].length, MSG_NOSIGNAL) < 0)
		sim_fail("send");
}

static void bare_open(int epoll_fd, struct sim_bare *bare, uint32_t i, const char *port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)atoi(port)),
					.sin_addr.s_addr = htonl(sim_address(i)) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = bare };
	int one = 1;

	*bare = (struct sim_bare){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
				   .step = -1,
				   .number = i };
	if (bare->fd < 0)
		sim_fail("socket");
	setsockopt(bare->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(bare->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		sim_fail("connect");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, bare->fd, &event) < 0)
		sim_fail("epoll");
}

/* Returns: has its last step ended? */
static bool bare_go(struct sim_bare *bare, int last)
{
	static uint8_t buffer[262144];
	ssize_t more;

	if (bare->step < 0) {
		sim_bare_send(bare, 0);
		return false;
	}
	more = recv(bare->fd, buffer, sizeof(buffer), 0);
	if (more < 0 && errno == EAGAIN)
		return false;
	if (more <= 0)
		sim_fail("recv");
	bare->got += (uint32_t)more;
	if (bare->got < steps[bare->step].answer)
		return false;
	if (bare->step == last)
		return true;
	sim_bare_send(bare, bare->step + 1);
	return false;
}

/* Until @n have ended; @open of them are opened on the way, so many at a time. */
void sim_bare_run(int epoll_fd, struct sim_bare *all, uint32_t n, uint32_t in_flight,
		  const char *port, int last)
{
	struct epoll_event events[256];
	uint32_t ended = 0;
	uint32_t opened = port ? 0 : n;

	while (ended < n) {
		int i, got;

		while (opened < n && opened - ended < in_flight) {
			bare_open(epoll_fd, &all[opened], opened, port);
			opened++;
		}
		got = epoll_wait(epoll_fd, events, 256, 5000);
		if (got <= 0)
			sim_fail("no answer");
		for (i = 0; i < got; i++)
			ended += bare_go(events[i].data.ptr, last);
	}
}

static void bare_all(int epoll_fd, struct sim_bare *all, uint32_t n, int step, const char *name)
{
	struct sim_step figures;
	uint32_t i;

	sim_begin(&figures);
	for (i = 0; i < n; i++) {
		sim_bare_send(&all[i], step);
	}
	sim_bare_run(epoll_fd, all, n, n, NULL, step);
	sim_end(&figures, name, n);
	putchar('\n');
}

int sim_poll_floor(const char *port, uint32_t n, uint32_t in_flight, int seconds)
{
	struct sim_bare *all = calloc(n, sizeof(*all));
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct sim_step figures;

	(void)seconds;
	sim_prepare(1);
	sim_begin(&figures);
	sim_bare_run(epoll_fd, all, n, in_flight, port, SIM_LAST_STEP);
	sim_end(&figures, "cold", n);
	putchar('\n');
	bare_all(epoll_fd, all, n, N_STEPS, "look");
	bare_all(epoll_fd, all, n, N_STEPS + 1, "keep-alive");
	return 0;
}

/* --- the product's client */

struct polled {
	struct disc_client *client;
	struct disc_log *log;
};

static struct {
	struct loop *loop;
	struct polled *all;
	uint32_t n, in_flight, started, ended, same, lost, logs;
	const char *port;
	char last[256]; /* why the last one was lost */
} polls;

static void on_log(void *user, struct disc_client *client, struct disc_log *log)
{
	struct polled *polled = user;

	(void)client;
	polls.ended += !polled->log;
	polls.logs++;
	disc_log_unref(polled->log);
	polled->log = disc_log_ref(log);
}

static void on_same(void *user, struct disc_client *client)
{
	(void)user, (void)client;
	polls.same++;
}

static void on_lost(void *user, struct disc_client *client, int r, const char *text)
{
	struct polled *polled = user;

	(void)r;
	snprintf(polls.last, sizeof(polls.last), "%s", text);
	polls.ended += !polled->log;
	polls.lost++;
	disc_client_free(client);
	polled->client = NULL;
}

static void start_one(uint32_t i)
{
	const struct in_addr at = { .s_addr = htonl(sim_address(i)) };
	char address[INET_ADDRSTRLEN];
	struct disc_client_params params = { .address = address,
					     .port = polls.port,
					     .hostnqn = "nqn.2014-08.org.nvmexpress:uuid:0",
					     .stay = true,
					     .kato_ms = SIM_KATO_MS,
					     .timeout_ms = 20000 };
	struct disc_client_hooks hooks = {
		.log = on_log, .same = on_same, .lost = on_lost, .data = &polls.all[i]
	};
	struct err err = ERR_NULL;

	inet_ntop(AF_INET, &at, address, sizeof(address));
	if (disc_client_start(polls.loop, &params, &hooks, &polls.all[i].client, &err) < 0) {
		fprintf(stderr, "sim-discovery: %s\n", err.text);
		exit(1);
	}
}

static void end_step(const struct sim_step *figures, const char *name)
{
	sim_end(figures, name, polls.n);
	printf(" logs %u same %u lost %u\n", polls.logs, polls.same, polls.lost);
}

static void cold(void)
{
	struct sim_step figures;

	sim_begin(&figures);
	while (polls.ended < polls.n) {
		while (polls.started < polls.n && polls.started - polls.ended < polls.in_flight)
			start_one(polls.started++);
		if (loop_step(polls.loop, 30000) <= 0)
			sim_fail("no answer");
	}
	end_step(&figures, "cold");
}

static void look(void)
{
	struct sim_step figures;
	uint32_t asked = 0;
	uint32_t answers = polls.same + polls.logs;
	uint32_t i;

	sim_begin(&figures);
	for (i = 0; i < polls.n; i++)
		if (polls.all[i].client && disc_client_look(polls.all[i].client) == 0)
			asked++;
	while (polls.same + polls.logs + polls.lost < answers + asked)
		if (loop_step(polls.loop, 30000) <= 0)
			sim_fail("no answer");
	end_step(&figures, "look");
}

static void rest(int seconds)
{
	struct sim_step figures;
	int64_t end = sim_now_us() + (int64_t)seconds * 1000000;

	sim_begin(&figures);
	while (sim_now_us() < end)
		loop_step(polls.loop, 100);
	sim_end(&figures, "rest", polls.n);
	printf(" percent_of_a_core %.2f kato_s %d logs %u lost %u\n",
	       100.0 * (double)(sim_cpu_us() - figures.cpu) / (double)(sim_now_us() - figures.wall),
	       SIM_KATO_MS / 1000, polls.logs, polls.lost);
}

int sim_poll_client(const char *port, uint32_t n, uint32_t in_flight, int seconds)
{
	long before;
	uint32_t i;

	polls.all = calloc(n, sizeof(*polls.all));
	polls.n = n;
	polls.in_flight = in_flight;
	polls.port = port;
	if (!polls.all || loop_new(&polls.loop, NULL) < 0)
		sim_fail("loop");
	memset(polls.all, 0, n * sizeof(*polls.all));
	before = sim_rss_kib();
	cold();
	malloc_trim(0);
	printf("memory bytes_per_endpoint %ld of_that_log %zu\n",
	       (sim_rss_kib() - before) * 1024 / (long)n,
	       n && polls.all[0].log ? sizeof(struct disc_log) + polls.all[0].log->length : 0);
	look();
	if (seconds)
		rest(seconds);
	if (polls.lost)
		printf("lost %u the last: %s\n", polls.lost, polls.last);
	for (i = 0; i < n; i++) {
		disc_client_free(polls.all[i].client);
		disc_log_unref(polls.all[i].log);
	}
	loop_free(polls.loop);
	free(polls.all);
	return 0;
}
