/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uevent-delay - from the kernel's uevent of a controller to the event of it at the collector.
 *
 *   uevent-delay PORT TOKEN-FILE COUNT
 *
 * Listens to the kernel and to the collector's stream of events on loopback, both in this one
 * process, while somebody connects and disconnects. Prints "events N p10_us N p50_us N p99_us N"
 * once COUNT pairs were seen. Exit status: 0; 1 something failed, or 120 s went by.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONTROLLERS 4096
#define IN_MAX 65536
#define PATIENCE_US 120000000

enum what { ADDED, REMOVED };

static int64_t seen_us[CONTROLLERS][2]; /* 0: not waiting for it */
static uint32_t *took;
static size_t n_took;
static size_t wanted;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "uevent-delay: %s: %s\n", what, errno ? strerror(errno) : "refused");
	exit(1);
}

static int open_kernel(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("netlink");
	return fd;
}

static int open_stream(const char *port, const char *token_file)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	char token[256] = "";
	char text[512];
	int fd = open(token_file, O_RDONLY | O_CLOEXEC);
	int n;

	if (fd < 0 || read(fd, token, sizeof(token) - 1) <= 0)
		die(token_file);
	close(fd);
	token[strcspn(token, "\n")] = '\0';
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	n = snprintf(text, sizeof(text),
		     "GET /sunfish/v1/events/stream?kind=controller HTTP/1.1\r\nHost: c\r\n"
		     "Authorization: Bearer %s\r\n\r\n",
		     token);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		die("send");
	return fd;
}

static bool number_of(const char *name, unsigned int *ret)
{
	return sscanf(name, "nvme%u", ret) == 1 && *ret < CONTROLLERS;
}

/* "add@/devices/virtual/nvme-fabrics/ctl/nvme0" and its properties, each with a NUL */
static void take_uevent(int fd)
{
	static char text[8192];
	ssize_t length = recv(fd, text, sizeof(text) - 1, 0);
	bool is_nvme = false;
	unsigned int number;
	const char *at, *name;

	text[length > 0 ? length : 0] = '\0';
	for (at = text; at < text + length; at += strlen(at) + 1)
		is_nvme |= strcmp(at, "SUBSYSTEM=nvme") == 0;
	name = strrchr(text, '/');
	if (!is_nvme || !name || !number_of(name + 1, &number))
		return;
	if (strncmp(text, "add@", 4) == 0)
		seen_us[number][ADDED] = now_us();
	else if (strncmp(text, "remove@", 7) == 0)
		seen_us[number][REMOVED] = now_us();
}

static void take_event(const char *text)
{
	const char *id = strstr(text, "\"object_id\":\"");
	unsigned int number;
	enum what what;

	if (!id || !strstr(text, "\"kind\":\"controller\"") || !number_of(id + 13, &number))
		return;
	if (strstr(text, "\"type\":\"added\""))
		what = ADDED;
	else if (strstr(text, "\"type\":\"removed\""))
		what = REMOVED;
	else
		return;
	if (seen_us[number][what] && n_took < wanted)
		took[n_took++] = (uint32_t)(now_us() - seen_us[number][what]);
	seen_us[number][what] = 0;
}

static void take_stream(int fd)
{
	static char text[IN_MAX];
	static size_t length;
	ssize_t n = recv(fd, text + length, sizeof(text) - 1 - length, 0);
	char *end;

	if (n <= 0)
		die("the stream");
	length += (size_t)n;
	text[length] = '\0';
	while ((end = strstr(text, "\n\n"))) {
		*end = '\0';
		take_event(text);
		length -= (size_t)(end + 2 - text);
		memmove(text, end + 2, length + 1);
	}
	if (length == sizeof(text) - 1)
		length = 0;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int64_t end = now_us() + PATIENCE_US;

	if (argc != 4) {
		fprintf(stderr, "usage: see the head of uevent-delay.c\n");
		return 2;
	}
	wanted = (size_t)atoi(argv[3]);
	took = calloc(wanted + 1, sizeof(*took));
	if (!took)
		die("memory");
	fds[0].fd = open_kernel();
	fds[1].fd = open_stream(argv[1], argv[2]);
	while (n_took < wanted && now_us() < end) {
		poll(fds, 2, 1000);
		/* the kernel first: it was */
		if (fds[0].revents)
			take_uevent(fds[0].fd);
		if (fds[1].revents)
			take_stream(fds[1].fd);
	}
	qsort(took, n_took, sizeof(*took), by_size);
	if (n_took)
		printf("events %zu p10_us %u p50_us %u p99_us %u\n", n_took,
		       took[(n_took - 1) / 10], took[(n_took - 1) / 2],
		       took[(n_took - 1) * 99 / 100]);
	return n_took == wanted ? 0 : 1;
}
