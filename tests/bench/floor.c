/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * floor - what any collector must take here: the same bytes received, made durable and answered,
 * and nothing else.
 *
 *   floor serve PORT DIRECTORY     answer the reports of sim-helpers until SIGTERM
 *   floor sync DIRECTORY COUNT     append a row and flush it, COUNT times
 *
 * serve reads what is there from all connections, appends the bodies to a file, flushes it once and
 * answers them all, with the number that each had. No HTTP but the end of a head and a
 * Content-Length, no JSON, no tokens, no store. sync prints "p50_us N p99_us N".
 *
 * Loopback only. Exit status: 0; 1 something failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX 8192
#define EVENTS 1024
#define ROW 600

struct conn {
	int fd;
	size_t n_in;
	unsigned long long seq; /* of the report that waits for the flush */
	char in[IN_MAX];
};

static int epoll_fd;
static int file;
static volatile sig_atomic_t is_over;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_file(const char *directory)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/floor", directory);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

static void flush(void)
{
	if (fdatasync(file) < 0)
		die("fdatasync");
}

static void write_all(int fd, const char *text, size_t length)
{
	if (write(fd, text, length) != (ssize_t)length)
		die("write");
}

/* --- serve */

static void watch(int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = data };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static int listen_on(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
		die("listen");
	return fd;
}

static void accept_all(int listener)
{
	struct conn *conn;
	int on = 1;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		conn = calloc(1, sizeof(*conn));
		if (!conn)
			die("memory");
		conn->fd = fd;
		watch(fd, conn);
	}
}

/* Returns: 1 a whole report is in, and in the file. */
static int take_report(struct conn *conn)
{
	ssize_t n = recv(conn->fd, conn->in + conn->n_in, IN_MAX - 1 - conn->n_in, 0);
	const char *body, *length, *seq;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN) {
			close(conn->fd);
			free(conn);
		}
		return 0;
	}
	conn->n_in += (size_t)n;
	conn->in[conn->n_in] = '\0';
	body = strstr(conn->in, "\r\n\r\n");
	length = body ? strstr(conn->in, "Content-Length: ") : NULL;
	if (!length || conn->n_in < (size_t)(body + 4 - conn->in) + strtoul(length + 16, NULL, 10))
		return 0;
	write_all(file, body + 4, conn->n_in - (size_t)(body + 4 - conn->in));
	seq = strstr(body, "\"seq\":");
	conn->seq = seq ? strtoull(seq + 6, NULL, 10) : 0;
	conn->n_in = 0;
	return 1;
}

static void answer(const struct conn *conn)
{
	char body[128], text[256];
	int n = snprintf(body, sizeof(body), "{\"version\":1,\"ack\":%llu,\"lease_ms\":30000}",
			 conn->seq);

	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
		     "%d\r\n\r\n%s",
		     n, body);
	/* who is gone needs none */
	(void)!send(conn->fd, text, (size_t)n, MSG_NOSIGNAL);
}

static void on_term(int number)
{
	(void)number;
	is_over = 1;
}

static void serve(const char *port)
{
	static struct epoll_event events[EVENTS];
	static struct conn *taken[EVENTS];
	int listener = listen_on(port);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch(listener, NULL);
	while (!is_over) {
		int n = epoll_wait(epoll_fd, events, EVENTS, 1000);
		int count = 0;
		int i;

		for (i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				accept_all(listener);
			else if (take_report(events[i].data.ptr))
				taken[count++] = events[i].data.ptr;
		}
		if (count)
			flush();
		for (i = 0; i < count; i++)
			answer(taken[i]);
	}
}

/* --- sync */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sync_alone(unsigned int count)
{
	uint32_t *took = calloc(count, sizeof(*took));
	static char row[ROW];
	unsigned int i;

	if (!took || count == 0)
		die("memory");
	for (i = 0; i < count; i++) {
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		write_all(file, row, sizeof(row));
		flush();
		clock_gettime(CLOCK_MONOTONIC, &b);
		took[i] = (uint32_t)((b.tv_sec - a.tv_sec) * 1000000 +
				     (b.tv_nsec - a.tv_nsec) / 1000);
	}
	qsort(took, count, sizeof(*took), by_size);
	printf("p50_us %u p99_us %u\n", took[(count - 1) / 2], took[(count - 1) * 99 / 100]);
	free(took);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_term };
	struct rlimit limit;

	if (argc != 4) {
		fprintf(stderr, "usage: see the head of floor.c\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	sigaction(SIGTERM, &action, NULL);
	if (strcmp(argv[1], "serve") == 0) {
		file = open_file(argv[3]);
		serve(argv[2]);
	} else {
		file = open_file(argv[2]);
		sync_alone((unsigned int)atoi(argv[3]));
	}
	return 0;
}
