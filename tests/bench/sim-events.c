/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim-events - a collector with resources that change, and clients of its stream of events.
 *
 *   sim-events CLIENTS EVENTS-A-SECOND SECONDS
 *
 * Prints: clients, events, delivered, lost, and the time from a change to its event at a client in
 * microseconds: median, 99 of 100, most; the rate that was reached, and the processor time of the
 * collector meanwhile, in percent of one.
 * The collector and its clients are two processes that share when each event was made.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/front.h"
#include "collector/redfish.h"
#include "collector/rf-events-own.h"

#define CLIENTS_MAX 1000
#define EVENTS_MAX 1000000
#define RESOURCES 100
#define BUFFER 262144
#define LATE_MS 5000
#define ROUND 20 /* events in a round of the loop */

/* Shared: when the event with that id was made. */
struct shared {
	volatile int ready; /* clients whose stream is open */
	volatile int64_t made_us[EVENTS_MAX];
};

static struct shared *shared;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "sim-events: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- clients */

struct client {
	int fd;
	bool open;
	uint64_t last;
	size_t events, lost;
	bool in_body;
	size_t left; /* of the chunk */
	char line[128];
	size_t line_length;
	size_t length;
	char buffer[BUFFER];
};

static uint32_t *delays;
static size_t n_delays, delays_room;

static void take_event(struct client *client, uint64_t id)
{
	int64_t delay = now_us() - shared->made_us[id % EVENTS_MAX];

	if (client->last && id != client->last + 1)
		client->lost += id - client->last - 1;
	client->last = id;
	client->events++;
	if (n_delays < delays_room)
		delays[n_delays++] = delay > 0 ? (uint32_t)delay : 0;
}

/* Whole events; the rest waits for more. */
static void take_buffer(struct client *client)
{
	char *from = client->buffer;
	char *end, *at;

	client->buffer[client->length] = '\0';
	if (!client->open && strstr(from, ": stream open")) {
		client->open = true;
		shared->ready++;
	}
	while ((end = strstr(from, "\n\n"))) {
		*end = '\0';
		at = strstr(from, "id: ");
		if (at && strstr(at, "\ndata: "))
			take_event(client, strtoull(at + 4, NULL, 10));
		from = end + 2;
	}
	client->length -= (size_t)(from - client->buffer);
	memmove(client->buffer, from, client->length);
}

/* The body without the lengths of its chunks. Those of the head are skipped as one. */
static void take_bytes(struct client *client, const char *bytes, size_t n)
{
	size_t i, part;

	for (i = 0; i < n; i += part) {
		part = 1;
		if (client->left) {
			part = n - i < client->left ? n - i : client->left;
			memcpy(client->buffer + client->length, bytes + i, part);
			client->length += part;
			client->left -= part;
		} else if (bytes[i] != '\n') {
			if (client->line_length < sizeof(client->line) - 1)
				client->line[client->line_length++] = bytes[i];
		} else {
			client->line[client->line_length] = '\0';
			client->line_length = 0;
			if (strcmp(client->line, "\r") == 0)
				client->in_body = true;
			else if (client->in_body)
				client->left = strtoul(client->line, NULL, 16);
		}
	}
}

static bool read_client(struct client *client)
{
	static char bytes[BUFFER / 2];
	ssize_t n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	take_bytes(client, bytes, (size_t)n);
	take_buffer(client);
	return true;
}

static int open_client(uint16_t port, const char *token)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[512];

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	snprintf(request, sizeof(request),
		 "GET " RFEVENTS_SSE_URI " HTTP/1.1\r\nHost: localhost\r\n"
		 "Accept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n",
		 token);
	if (send(fd, request, strlen(request), 0) < 0)
		die("send");
	return fd;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(const struct client *clients, int n, size_t events)
{
	size_t delivered = 0;
	size_t lost = 0;
	int i;

	for (i = 0; i < n; i++) {
		delivered += clients[i].events;
		lost += events - clients[i].events;
	}
	qsort(delays, n_delays, sizeof(*delays), by_size);
	printf("clients %d events %zu delivered %zu lost %zu median_us %u p99_us %u max_us %u", n,
	       events, delivered, lost, n_delays ? delays[n_delays / 2] : 0,
	       n_delays ? delays[n_delays * 99 / 100] : 0, n_delays ? delays[n_delays - 1] : 0);
	fflush(stdout);
}

static int run_clients(uint16_t port, const char *token, int n, size_t events)
{
	struct client *clients = calloc((size_t)n, sizeof(*clients));
	struct epoll_event ready[256];
	int epoll = epoll_create1(0);
	size_t left = (size_t)n;
	int i, found;

	delays_room = (size_t)n * events;
	delays = malloc(delays_room * sizeof(*delays));
	if (!clients || !delays || epoll < 0)
		die("clients");
	for (i = 0; i < n; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &clients[i] };

		clients[i].fd = open_client(port, token);
		epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
	}
	while (left && (found = epoll_wait(epoll, ready, 256, LATE_MS)) > 0)
		for (i = 0; i < found; i++) {
			struct client *client = ready[i].data.ptr;

			if (read_client(client) && client->events < events)
				continue;
			epoll_ctl(epoll, EPOLL_CTL_DEL, client->fd, NULL);
			left--;
		}
	report(clients, n, events);
	return 0;
}

/* --- the collector */

struct sim {
	struct collector collector;
	struct loop_source *timer;
	struct rf_resource *resources[RESOURCES];
	int64_t values[RESOURCES];
	int n_clients;
	size_t rate, events, made;
	int64_t began_us, ended_us;
	struct rusage before;
};

static int render(void *data, struct rf_resource *resource, struct js *doc)
{
	(void)data;
	js_set(doc, "Name", js_string("A subsystem that changes"));
	js_set(doc, "Value", js_int(*(int64_t *)rf_resource_object(resource)));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	return 0;
}

static const struct rf_class class = { .type = "#Storage.v1_17_0.Storage",
				       .read = RF_LOGIN,
				       .render = render };

static void change(struct sim *sim)
{
	struct redfish *redfish = sim->collector.redfish;
	size_t at = sim->made++ % RESOURCES;

	sim->values[at]++;
	shared->made_us[redfish->rfevents->next_id % EVENTS_MAX] = now_us();
	rf_resource_touch(redfish->tree, sim->resources[at]);
	redfish_flush(redfish);
}

static void on_timer(void *data)
{
	struct sim *sim = data;
	size_t due;
	int i;

	if (shared->ready < sim->n_clients) {
		loop_timer_set(sim->timer, 20, 0);
		return;
	}
	if (!sim->began_us) {
		sim->began_us = now_us();
		getrusage(RUSAGE_SELF, &sim->before);
	}
	due = (size_t)((now_us() - sim->began_us) * (int64_t)sim->rate / 1000000);
	/* after a pause of the machine not all at once: they would not come at once either */
	for (i = 0; i < ROUND && sim->made < due && sim->made < sim->events; i++)
		change(sim);
	sim->ended_us = now_us();
	if (sim->made < sim->events)
		loop_timer_set(sim->timer, 1, 0);
}

static void on_child(void *data, pid_t pid, int status)
{
	struct sim *sim = data;

	(void)pid;
	loop_quit(sim->collector.loop, status == 0 ? 0 : 1);
}

static void make_resources(struct sim *sim)
{
	char uri[128];
	size_t i;

	for (i = 0; i < RESOURCES; i++) {
		snprintf(uri, sizeof(uri), "/redfish/v1/Storage/subsystem-%zu", i);
		if (rf_tree_add(sim->collector.redfish->tree, uri, &class, &sim->values[i],
				&sim->resources[i], NULL) < 0)
			die("resource");
	}
	redfish_flush(sim->collector.redfish);
}

static void make_token(struct sim *sim, char token[AUTH_TOKEN_TEXT])
{
	struct store *store = sim->collector.store;

	if (store_begin(store, NULL) < 0 ||
	    auth_add(sim->collector.auth, "sim", AUTH_ADMIN, token, NULL) < 0 ||
	    store_commit(store, NULL) < 0)
		die("token");
}

static int64_t spent_us(const struct sim *sim)
{
	struct rusage now;

	getrusage(RUSAGE_SELF, &now);
	return (now.ru_utime.tv_sec - sim->before.ru_utime.tv_sec + now.ru_stime.tv_sec -
		sim->before.ru_stime.tv_sec) *
		       1000000 +
	       (now.ru_utime.tv_usec - sim->before.ru_utime.tv_usec + now.ru_stime.tv_usec -
		sim->before.ru_stime.tv_usec);
}

static void start(struct sim *sim, struct loop *loop)
{
	struct err err = ERR_NULL;
	struct setup setup;
	struct rf_conf conf;

	setup_init(&setup, "/nonexistent");
	setup.port = 0;
	rf_conf_init(&conf);
	conf.streams_max = CLIENTS_MAX;
	if (collector_init(&sim->collector, loop, &setup, ":memory:", &err) < 0 ||
	    redfish_new(&sim->collector, &conf, &sim->collector.redfish, &err) < 0 ||
	    front_new(&sim->collector, -1, &sim->collector.front, &err) < 0) {
		fprintf(stderr, "sim-events: %s\n", err.text);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static struct sim sim;
	struct loop_source *child = NULL;
	char token[AUTH_TOKEN_TEXT];
	struct loop *loop;
	int64_t spent;
	pid_t pid;
	int r;

	if (argc != 4)
		return 2;
	sim.n_clients = atoi(argv[1]);
	sim.rate = (size_t)atoi(argv[2]);
	sim.events = sim.rate * (size_t)atoi(argv[3]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || loop_new(&loop, NULL) < 0)
		die("start");
	start(&sim, loop);
	make_token(&sim, token);
	make_resources(&sim);
	pid = fork();
	if (pid == 0)
		_exit(run_clients(front_port(sim.collector.front), token, sim.n_clients,
				  sim.events));
	if (pid < 0 || loop_add_child(loop, pid, on_child, &sim, &child, NULL) < 0 ||
	    loop_add_timer(loop, on_timer, &sim, &sim.timer, NULL) < 0)
		die("fork");
	loop_timer_set(sim.timer, 0, 0);
	r = loop_run(loop, NULL);
	spent = spent_us(&sim);
	if (sim.ended_us <= sim.began_us)
		sim.ended_us = sim.began_us + 1;
	printf(" rate %" PRId64 " busy_percent %" PRId64 "\n",
	       (int64_t)sim.made * 1000000 / (sim.ended_us - sim.began_us),
	       spent * 100 / (sim.ended_us - sim.began_us));
	loop_source_free(sim.timer);
	loop_source_free(child);
	collector_deinit(&sim.collector);
	loop_free(loop);
	return r;
}
