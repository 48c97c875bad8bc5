/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim-helpers - as many helpers as a machine room has, in one process, against one collector.
 *
 *   sim-helpers enroll HOST PORT ADMIN-TOKEN-FILE NODES TOKENS-FILE
 *   sim-helpers idle   HOST PORT TOKENS-FILE NODES PID
 *   sim-helpers load   HOST PORT TOKENS-FILE NODES SECONDS IN-FLIGHT
 *   sim-helpers storm  HOST PORT TOKENS-FILE NODES
 *   sim-helpers delay  HOST PORT TOKENS-FILE ADMIN-TOKEN-FILE COUNT
 *
 * enroll makes the nodes and keeps their tokens. idle has each helper send its snapshot and then
 * wait for what is wanted, and tells the memory of process PID per helper. load lets IN-FLIGHT
 * helpers at a time report an event and tells how many were acknowledged, that is durable, per
 * second. storm connects all at once and tells when the last one was answered. delay reports one
 * event after the other and tells how long each took until a subscriber of the event stream had
 * it. One line of figures each, "name value" pairs. Exit status: 0; 1 something was refused.
 *
 * Plain HTTP to a loopback address only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TOKEN_MAX 128
#define IN_MAX 4096
#define OUT_MAX 4096
#define SOURCES 100 /* addresses of ours: each has some 28,000 ports */
#define GIVE_UP_S 120

enum what { REPORT, WANTED, STREAM };

struct conn {
	int fd; /* -1: none */
	enum what what;
	uint32_t helper;
	bool busy; /* a request is under way */
	char in[IN_MAX];
	size_t n_in;
	int64_t sent_us;
};

struct helper {
	char token[TOKEN_MAX];
	uint64_t seq;
	struct conn report;
	struct conn wanted;
};

static struct sockaddr_in collector;
static struct helper *helpers;
static uint32_t n_helpers;
static int epoll_fd;
static char boot[32];

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "sim-helpers: %s: %s\n", what, errno ? strerror(errno) : "refused");
	exit(1);
}

/* --- connections */

static void conn_open(struct conn *c, enum what what, uint32_t helper)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	c->what = what;
	c->helper = helper;
	c->n_in = 0;
	c->busy = false;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	from.sin_addr.s_addr = htonl(0x7f000001 + helper % SOURCES);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		die("bind");
	if (connect(c->fd, (struct sockaddr *)&collector, sizeof(collector)) < 0)
		die("connect");
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		die("epoll_ctl");
}

static void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->busy = false;
}

static void conn_send(struct conn *c, const char *text, size_t length)
{
	ssize_t n = send(c->fd, text, length, MSG_NOSIGNAL);

	c->sent_us = now_us();
	c->busy = true;
	if (n != (ssize_t)length)
		die("send");
}

static void request(struct conn *c, const char *method, const char *path, const char *token,
		    const char *body)
{
	char text[OUT_MAX + 512];
	int n = snprintf(text, sizeof(text),
			 "%s %s HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer %s\r\n"
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			 method, path, token, strlen(body), body);

	conn_send(c, text, (size_t)n);
}

/* Is a whole answer in? Then its status and body; what follows stays. */
static int answer(struct conn *c, char *body, size_t room)
{
	const char *end, *length;
	size_t total, n;
	int status;

	c->in[c->n_in] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return 0;
	length = strcasestr(c->in, "\r\nContent-Length:");
	n = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
	total = (size_t)(end + 4 - c->in) + n;
	if (c->n_in < total)
		return 0;
	status = atoi(c->in + 9);
	snprintf(body, room, "%.*s", (int)n, end + 4);
	memmove(c->in, c->in + total, c->n_in - total);
	c->n_in -= total;
	c->busy = false;
	return status;
}

/* Returns: false it was closed. */
static bool conn_read(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, IN_MAX - 1 - c->n_in, 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	c->n_in += (size_t)n;
	return true;
}

/* --- what helpers say */

static const char sender[] =
	"{\"version\":1,\"node\":\"5f1b2c3d0000400080000000000%05u\",\"name\":\"sim-%05u\","
	"\"role\":\"target\","
	"\"boot\":\"%s\",\"program\":\"sim\",\"interval_ms\":60000";

static void send_snapshot(uint32_t i)
{
	struct helper *h = &helpers[i];
	char body[OUT_MAX];
	int n = snprintf(body, sizeof(body), sender, i, i, boot);

	snprintf(
		body + n, sizeof(body) - (size_t)n,
		",\"snapshot\":{\"seq\":%llu,\"objects\":["
		"{\"kind\":\"subsystem\",\"id\":\"s%u\",\"nqn\":\"s%u\",\"any_host\":false,"
		"\"serial\":\"5f1b2c3d00004000\",\"model\":\"Linux\",\"state\":\"active\"},"
		"{\"kind\":\"namespace\",\"id\":\"s%u/1\",\"nqn\":\"s%u\",\"nsid\":1,\"device\":"
		"\"/dev/nvme1n1\",\"enabled\":true,\"size_bytes\":3840755982336,\"state\":\"active\"},"
		"{\"kind\":\"listener\",\"id\":\"1\",\"port_id\":1,\"transport\":\"tcp\",\"address\":"
		"\"10.101.46.14\",\"service\":\"4420\",\"state\":\"listening\"},"
		"{\"kind\":\"allowed\",\"id\":\"s%u/h1\",\"nqn\":\"s%u\",\"hostnqn\":\"h1\"}]}}",
		(unsigned long long)h->seq, i, i, i, i, i, i);
	request(&h->report, "POST", "/sunfish/v1/report", h->token, body);
}

static void send_event(uint32_t i)
{
	struct helper *h = &helpers[i];
	struct timespec t;
	char body[OUT_MAX];
	int n = snprintf(body, sizeof(body), sender, i, i, boot);

	clock_gettime(CLOCK_REALTIME, &t);
	h->seq++;
	snprintf(
		body + n, sizeof(body) - (size_t)n,
		",\"events\":[{\"seq\":%llu,\"time\":%lld,\"type\":\"changed\",\"kind\":\"namespace\","
		"\"id\":\"s%u/1\",\"cause\":\"simulated\",\"object\":{\"nqn\":\"s%u\",\"nsid\":1,"
		"\"device\":\"/dev/nvme1n1\",\"enabled\":%s,\"size_bytes\":3840755982336,"
		"\"state\":\"%s\",\"round\":%llu}}]}",
		(unsigned long long)h->seq, (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000, i, i,
		h->seq % 2 ? "false" : "true", h->seq % 2 ? "missing" : "active",
		(unsigned long long)h->seq);
	request(&h->report, "POST", "/sunfish/v1/report", h->token, body);
}

static void ask_wanted(uint32_t i)
{
	struct helper *h = &helpers[i];
	char path[128];

	snprintf(path, sizeof(path),
		 "/sunfish/v1/wanted?node=sim-%05u&role=target&generation=0&wait_ms=600000", i);
	request(&h->wanted, "GET", path, h->token, "");
}

static uint64_t number_of(const char *body, const char *key)
{
	char text[32];
	const char *at;

	snprintf(text, sizeof(text), "\"%s\":", key);
	at = strstr(body, text);
	return at ? strtoull(at + strlen(text), NULL, 10) : 0;
}

static void expect(int status, const char *body, uint32_t i)
{
	if (status == 200 && number_of(body, "ack") == helpers[i].seq)
		return;
	fprintf(stderr, "sim-helpers: helper %u, event %llu: status %d: %s\n", i,
		(unsigned long long)helpers[i].seq, status, body);
	exit(1);
}

/* Called for each whole answer to a report. */
typedef void (*answered_fn)(uint32_t helper, int64_t took_us);

/* Serve events until @until_us or @done says so. */
static void serve(int64_t until_us, answered_fn fn, const bool *done)
{
	static struct epoll_event events[512];
	static char body[IN_MAX];
	int n, k, status;

	while (!*done && now_us() < until_us) {
		n = epoll_wait(epoll_fd, events, 512, 10);
		for (k = 0; k < n; k++) {
			struct conn *c = events[k].data.ptr;
			int64_t took;

			if (!conn_read(c)) {
				errno = 0;
				die(c->what == REPORT ? "a report's connection was closed"
						      : "a long poll's connection was closed");
			}
			while (c->what == REPORT && (status = answer(c, body, sizeof(body)))) {
				took = now_us() - c->sent_us;
				expect(status, body, c->helper);
				fn(c->helper, took);
			}
		}
	}
}

/* --- figures */

static uint32_t *delays;
static size_t n_delays;
static size_t max_delays;
static uint64_t n_answered;
static bool done;

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void note_delay(int64_t us)
{
	if (n_delays < max_delays)
		delays[n_delays++] = (uint32_t)us;
}

static uint32_t percentile(unsigned int p)
{
	return n_delays ? delays[(n_delays - 1) * p / 100] : 0;
}

static void print_delays(void)
{
	qsort(delays, n_delays, sizeof(*delays), by_size);
	printf(" p50_us %u p99_us %u max_us %u\n", percentile(50), percentile(99),
	       n_delays ? delays[n_delays - 1] : 0);
}

static void init(const char *host, const char *port, uint32_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	collector.sin_family = AF_INET;
	collector.sin_port = htons((uint16_t)atoi(port));
	if (inet_pton(AF_INET, host, &collector.sin_addr) != 1 ||
	    (ntohl(collector.sin_addr.s_addr) >> 24) != 127) {
		errno = EINVAL;
		die("only a loopback address is simulated against");
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	n_helpers = count;
	helpers = calloc(count, sizeof(*helpers));
	max_delays = 4000000;
	delays = malloc(max_delays * sizeof(*delays));
	snprintf(boot, sizeof(boot), "sim-%lld", (long long)time(NULL));
	if (!helpers || !delays)
		die("memory");
}

static void read_token(const char *path, char token[TOKEN_MAX])
{
	FILE *f = fopen(path, "r");

	if (!f || !fgets(token, TOKEN_MAX, f))
		die(path);
	token[strcspn(token, "\n")] = '\0';
	fclose(f);
}

static void read_tokens(const char *path)
{
	FILE *f = fopen(path, "r");
	uint32_t i;

	if (!f)
		die(path);
	for (i = 0; i < n_helpers; i++) {
		if (!fgets(helpers[i].token, TOKEN_MAX, f))
			die("not so many tokens");
		helpers[i].token[strcspn(helpers[i].token, "\n")] = '\0';
		helpers[i].report.fd = helpers[i].wanted.fd = -1;
	}
	fclose(f);
}

/* --- enroll */

static int exchange(struct conn *c, char *body, size_t room)
{
	struct epoll_event ev;
	int64_t until = now_us() + GIVE_UP_S * 1000000LL;
	int status = 0;

	while (!(status = answer(c, body, room)) && now_us() < until) {
		epoll_wait(epoll_fd, &ev, 1, 1000);
		if (!conn_read(c))
			die("the connection was closed");
	}
	return status;
}

static int enroll(const char *admin_file, const char *tokens_file)
{
	FILE *out = fopen(tokens_file, "w");
	struct conn c = { .fd = -1 };
	char admin[TOKEN_MAX];
	char body[IN_MAX];
	uint32_t i;

	if (!out)
		die(tokens_file);
	read_token(admin_file, admin);
	conn_open(&c, REPORT, 0);
	for (i = 0; i < n_helpers; i++) {
		const char *at;

		snprintf(body, sizeof(body), "{\"name\":\"sim-%05u\",\"role\":\"node\"}", i);
		request(&c, "POST", "/sunfish/v1/nodes", admin, body);
		if (exchange(&c, body, sizeof(body)) != 201 || !(at = strstr(body, "\"token\":"))) {
			fprintf(stderr, "sim-helpers: node %u: %s\n", i, body);
			return 1;
		}
		at = strchr(at + 8, '"') + 1;
		fprintf(out, "%.*s\n", (int)strcspn(at, "\""), at);
	}
	conn_close(&c);
	return fclose(out) == 0 ? 0 : 1;
}

/* --- idle */

static uint64_t rss_kib(const char *pid)
{
	char path[64], line[128];
	uint64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtoull(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void count_answer(uint32_t helper, int64_t took_us)
{
	(void)helper;
	note_delay(took_us);
	done = ++n_answered == n_helpers;
}

static void connect_all(bool with_wanted)
{
	uint32_t i;

	for (i = 0; i < n_helpers; i++) {
		conn_open(&helpers[i].report, REPORT, i);
		send_snapshot(i);
		if (!with_wanted)
			continue;
		conn_open(&helpers[i].wanted, WANTED, i);
		ask_wanted(i);
	}
}

static int idle(const char *pid)
{
	uint64_t before = rss_kib(pid), after;
	bool never = false;

	connect_all(true);
	serve(now_us() + GIVE_UP_S * 1000000LL, count_answer, &done);
	serve(now_us() + 1000000, count_answer, &never);
	after = rss_kib(pid);
	printf("helpers %u answered %llu rss_before_kib %llu rss_kib %llu bytes_per_helper %llu\n",
	       n_helpers, (unsigned long long)n_answered, (unsigned long long)before,
	       (unsigned long long)after,
	       (unsigned long long)((after - before) * 1024 / n_helpers));
	return n_answered == n_helpers ? 0 : 1;
}

/* --- load */

static uint32_t next_helper;
static uint32_t window;

static void send_next(uint32_t helper, int64_t took_us)
{
	(void)helper;
	note_delay(took_us);
	n_answered++;
	/* the window moves over all helpers, so that each of them reports */
	while (helpers[next_helper].report.busy)
		next_helper = (next_helper + 1) % n_helpers;
	send_event(next_helper);
	next_helper = (next_helper + 1) % n_helpers;
}

static int load(unsigned int seconds)
{
	bool never = false;
	int64_t start;
	uint32_t i;

	connect_all(false);
	serve(now_us() + GIVE_UP_S * 1000000LL, count_answer, &done);
	if (!done)
		die("not all were answered");
	n_answered = n_delays = 0;
	start = now_us();
	for (i = 0; i < window && i < n_helpers; i++)
		send_event(i);
	next_helper = i % n_helpers;
	serve(start + seconds * 1000000LL, send_next, &never);
	printf("helpers %u in_flight %u reports %llu per_second %.0f", n_helpers, window,
	       (unsigned long long)n_answered,
	       (double)n_answered * 1000000 / (double)(now_us() - start));
	print_delays();
	return 0;
}

/* --- storm */

static int storm(void)
{
	int64_t start = now_us();

	connect_all(true);
	serve(start + GIVE_UP_S * 1000000LL, count_answer, &done);
	printf("helpers %u answered %llu took_ms %lld", n_helpers, (unsigned long long)n_answered,
	       (long long)(now_us() - start) / 1000);
	print_delays();
	return done ? 0 : 1;
}

/* --- delay */

static void stream_read_past(struct conn *c, const char *text)
{
	struct epoll_event ev;
	int64_t until = now_us() + 10 * 1000000LL;

	for (;;) {
		char *at;

		c->in[c->n_in] = '\0';
		at = strstr(c->in, text);
		if (at)
			break;
		/* what is read is kept only as far as a text may be cut in two */
		if (c->n_in > IN_MAX / 2) {
			memmove(c->in, c->in + c->n_in - 64, 64);
			c->n_in = 64;
		}
		if (now_us() > until)
			die("the event did not come");
		epoll_wait(epoll_fd, &ev, 1, 100);
		if (!conn_read(c))
			die("the stream was closed");
	}
	c->n_in = 0;
}

static int delay(const char *admin_file, unsigned int count)
{
	struct conn stream = { .fd = -1 };
	char admin[TOKEN_MAX], text[64], body[IN_MAX];
	unsigned int k;

	read_token(admin_file, admin);
	conn_open(&helpers[0].report, REPORT, 0);
	send_snapshot(0);
	expect(exchange(&helpers[0].report, body, sizeof(body)), body, 0);
	conn_open(&stream, STREAM, 1);
	request(&stream, "GET", "/sunfish/v1/events/stream", admin, "");
	stream_read_past(&stream, "\r\n\r\n");
	for (k = 0; k < count; k++) {
		int64_t start = now_us();

		send_event(0);
		snprintf(text, sizeof(text), "\"round\":%llu", (unsigned long long)helpers[0].seq);
		stream_read_past(&stream, text);
		note_delay(now_us() - start);
		if (helpers[0].report.busy)
			expect(exchange(&helpers[0].report, body, sizeof(body)), body, 0);
		usleep(2000);
	}
	printf("events %u", count);
	print_delays();
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc < 6) {
		fprintf(stderr, "usage: see the head of sim-helpers.c\n");
		return 2;
	}
	if (strcmp(what, "enroll") == 0 && argc == 7) {
		init(argv[2], argv[3], (uint32_t)atoi(argv[5]));
		return enroll(argv[4], argv[6]);
	}
	init(argv[2], argv[3], strcmp(what, "delay") == 0 ? 1 : (uint32_t)atoi(argv[5]));
	read_tokens(argv[4]);
	if (strcmp(what, "idle") == 0 && argc == 7)
		return idle(argv[6]);
	if (strcmp(what, "load") == 0 && argc == 8) {
		window = (uint32_t)atoi(argv[7]);
		return load((unsigned int)atoi(argv[6]));
	}
	if (strcmp(what, "storm") == 0)
		return storm();
	if (strcmp(what, "delay") == 0 && argc == 7)
		return delay(argv[5], (unsigned int)atoi(argv[6]));
	fprintf(stderr, "usage: see the head of sim-helpers.c\n");
	return 2;
}
