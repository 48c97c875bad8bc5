/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim-redfish - what tests/bench/redfish measures with.
 *
 *   sim-redfish render COUNT                        a tree of so many volumes: its first rendering
 *   sim-redfish serve PORT HEAD BODY                the bytes of these files to whoever asks, by
 *                                                   libmicrohttpd alone, until it is killed
 *   sim-redfish ask PORT PATH TOKEN CLIENTS MS      GET on kept connections, one after the other
 *
 * render prints "render_ms N bytes_each N", of processor time; ask "per_second N". Loopback only.
 * Exit status: 0; 1 something failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "redfish/rf-tree.h"

#define CLIENTS_MAX 64
#define IN_MAX 65536
#define VOLUMES "/redfish/v1/Storage/blake14/Volumes"

static void die(const char *what)
{
	fprintf(stderr, "sim-redfish: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t read_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t now_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

/* --- render */

static int render_volume(void *data, struct rf_resource *resource, struct js *doc)
{
	struct js *identifier = js_object();
	struct js *identifiers = js_array();
	struct js *properties = js_object();
	struct js *links = js_object();

	(void)data;
	js_set(doc, "Name", js_string("blake14 namespace 1"));
	js_set(doc, "DisplayName", js_string("/dev/nvme1n1"));
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	js_set(doc, "VolumeType", js_string("RawDevice"));
	js_set(doc, "CapacityBytes", js_int(3840755982336));
	js_set(doc, "BlockSizeBytes", js_int(512));
	js_set(identifier, "DurableNameFormat", js_string("UUID"));
	js_set(identifier, "DurableName", js_string("5d0f2a4e-1f5b-4c1e-8a77-6f1f0a3c9b14"));
	js_append(identifiers, identifier);
	js_set(doc, "Identifiers", identifiers);
	js_set(properties, "NamespaceId", js_string("0x1"));
	js_set(properties, "NamespaceType", js_string("Block"));
	js_set(properties, "IsShareable", js_bool(true));
	js_set(properties, "NVMeVersion", js_string("1.3"));
	js_set(doc, "NVMeNamespaceProperties", properties);
	rf_set_links(rf_resource_tree(resource), links, "Drives", 1, resource, false);
	js_set(links, "OwningStorageResource", rf_ref(rf_resource_parent(resource)));
	js_set(doc, "Links", links);
	return 0;
}

static const struct rf_class volume = { .type = "#Volume.v1_10_0.Volume", .render = render_volume };
static const struct rf_class volumes = { .type = "#VolumeCollection.VolumeCollection",
					 .collection = true,
					 .name = "Volumes" };

static struct rf_resource *add(struct rf_tree *tree, const char *uri, const struct rf_class *class)
{
	struct rf_resource *resource;

	if (rf_tree_add(tree, uri, class, NULL, &resource, NULL) < 0)
		die(uri);
	return resource;
}

static int render(int count)
{
	size_t before = mallinfo2().uordblks;
	struct rf_tree *tree = rf_tree_new();
	struct rf_resource *drive = NULL;
	int64_t begin;
	int64_t end;
	int i;

	add(tree, VOLUMES, &volumes);
	for (i = 0; i < count; i++) {
		struct rf_resource *one;
		char uri[128];

		snprintf(uri, sizeof(uri), VOLUMES "/%d", i);
		one = add(tree, uri, &volume);
		if (drive)
			rf_link_add(tree, 1, one, drive);
		drive = one;
	}
	/* one thread that waits for nothing: what others take of the machine is not counted */
	begin = read_us(CLOCK_PROCESS_CPUTIME_ID);
	if (rf_tree_settle(tree, NULL) < 0)
		die("settle");
	end = read_us(CLOCK_PROCESS_CPUTIME_ID);
	printf("render_ms %lld bytes_each %zu\n", (long long)(end - begin) / 1000,
	       (mallinfo2().uordblks - before) / (size_t)count);
	rf_tree_free(tree);
	return 0;
}

/* --- serve */

struct served {
	char head[4096];
	char body[IN_MAX];
	size_t length;
};

static size_t read_file(const char *path, char *to, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file)
		die(path);
	n = fread(to, 1, size - 1, file);
	to[n] = '\0';
	fclose(file);
	return n;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **context)
{
	const struct served *served = data;
	struct MHD_Response *response;
	enum MHD_Result result;
	char head[4096];
	char *rest = head;
	char *line;

	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_size;
	if (!*context) {
		*context = data;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(served->length, (void *)served->body,
						   MHD_RESPMEM_MUST_COPY);
	snprintf(head, sizeof(head), "%s", served->head);
	while ((line = strsep(&rest, "\r\n"))) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		MHD_add_response_header(response, line, value + strspn(value, " "));
	}
	result = MHD_queue_response(mhd, 200, response);
	MHD_destroy_response(response);
	return result;
}

static void serve(uint16_t port, const char *head, const char *body)
{
	static struct served served;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct MHD_Daemon *daemon;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	read_file(head, served.head, sizeof(served.head));
	served.length = read_file(body, served.body, sizeof(served.body));
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, on_request,
				  &served, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
	if (!daemon)
		die("daemon");
	for (;;)
		pause();
}

/* --- ask */

struct client {
	int fd;
	size_t n;
	char in[IN_MAX];
};

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* Is the answer whole? */
static int is_whole(struct client *client)
{
	char *end;
	char *length;

	client->in[client->n] = '\0';
	end = strstr(client->in, "\r\n\r\n");
	if (!end)
		return 0;
	if (strncmp(client->in, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "%.300s\n", client->in);
		exit(1);
	}
	length = strcasestr(client->in, "\r\nContent-Length: ");
	if (!length)
		die("no Content-Length");
	return client->n >= (size_t)(end + 4 - client->in) + strtoul(length + 18, NULL, 10);
}

static void send_all(int fd, const char *text, size_t length)
{
	if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
		die("send");
}

static int ask(uint16_t port, const char *path, const char *token, int count, int64_t ms)
{
	static struct client clients[CLIENTS_MAX];
	static char request[4096];
	struct pollfd polls[CLIENTS_MAX];
	int64_t begin = now_us();
	long done = 0;
	int length;
	int i;

	length = snprintf(request, sizeof(request),
			  "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
			  "Authorization: Bearer %s\r\n\r\n",
			  path, token);
	for (i = 0; i < count; i++) {
		clients[i].fd = connect_to(port);
		polls[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
		send_all(clients[i].fd, request, (size_t)length);
	}
	while (now_us() - begin < ms * 1000) {
		if (poll(polls, (nfds_t)count, 1000) <= 0)
			die("no answer");
		for (i = 0; i < count; i++) {
			struct client *client = &clients[i];
			ssize_t n;

			if (!polls[i].revents)
				continue;
			n = recv(client->fd, client->in + client->n, IN_MAX - 1 - client->n, 0);
			if (n <= 0)
				die("recv");
			client->n += (size_t)n;
			if (!is_whole(client))
				continue;
			client->n = 0;
			done++;
			send_all(client->fd, request, (size_t)length);
		}
	}
	printf("per_second %lld\n", (long long)done * 1000000 / (now_us() - begin));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "render") == 0)
		return render(atoi(argv[2]));
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve((uint16_t)atoi(argv[2]), argv[3], argv[4]);
	if (argc == 7 && strcmp(argv[1], "ask") == 0 && atoi(argv[5]) <= CLIENTS_MAX)
		return ask((uint16_t)atoi(argv[2]), argv[3], argv[4], atoi(argv[5]), atoi(argv[6]));
	fprintf(stderr, "sim-redfish: its source says how\n");
	return 1;
}
