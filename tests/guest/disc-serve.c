/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-serve - a discovery controller that does what its standard input says, line by line:
 *
 *   view HOSTNQN GENCTR [NQN PORT]..   what a host sees: subsystems at 127.0.0.1, from now on
 *   many HOSTNQN GENCTR COUNT          so many subsystems that are not there
 *   let HOSTNQN in|busy|out            whether it may come
 *   drop HOSTNQN                       close its connections
 *
 * and prints what happens: "connect HOSTNQN", "read HOSTNQN GENCTR", "gone HOSTNQN WHY", and "did
 * it" after each line. disc-serve PORT
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/listener.h"
#include "core/loop.h"
#include "nvmf/disc-server.h"

#define CONNS_MAX 16

struct host {
	struct host *next;
	char nqn[256];
	struct disc_log *log;
	int policy;
	struct disc_conn *conns[CONNS_MAX];
	unsigned int n_conns;
};

static struct loop *loop;
static struct host *hosts;

static struct host *find(const char *nqn)
{
	struct host *host;

	for (host = hosts; host; host = host->next)
		if (strcmp(host->nqn, nqn) == 0)
			return host;
	host = calloc(1, sizeof(*host));
	snprintf(host->nqn, sizeof(host->nqn), "%s", nqn);
	host->log = disc_log_new(1, NULL, 0);
	host->next = hosts;
	hosts = host;
	return host;
}

static int on_connect(void *data, struct disc_conn *conn, const struct disc_host *who,
		      struct disc_log **ret_log)
{
	struct host *host = find(who->hostnqn);

	(void)data;
	printf("%s %s %s kato %u\n", host->policy < 0 ? "refuse" : "connect", host->nqn,
	       who->subnqn, who->kato_ms);
	if (host->policy < 0)
		return host->policy;
	if (host->n_conns == CONNS_MAX)
		return -EAGAIN;
	host->conns[host->n_conns++] = conn;
	disc_conn_set(conn, host);
	*ret_log = disc_log_ref(host->log);
	return 0;
}

static void on_read(void *data, struct disc_conn *conn, const struct disc_log *log)
{
	const struct host *host = disc_conn_get(conn);

	(void)data;
	printf("read %s %llu\n", host->nqn, (unsigned long long)log->genctr);
}

static void on_gone(void *data, struct disc_conn *conn, enum disc_gone why, const char *text)
{
	struct host *host = disc_conn_get(conn);
	unsigned int i;

	(void)data;
	printf("gone %s %d %s\n", host->nqn, (int)why, text);
	for (i = 0; i < host->n_conns; i++)
		if (host->conns[i] == conn)
			host->conns[i--] = host->conns[--host->n_conns];
}

static void put(struct disc_log *log, size_t index, const char *nqn, const char *port)
{
	struct disc_record record = {
		.trtype = NVME_TRTYPE_TCP,
		.adrfam = NVME_ADRFAM_IPV4,
		.subtype = NVME_SUBTYPE_NVM,
		.cntlid = NVME_CNTLID_DYNAMIC,
		.asqsz = 32,
		.traddr = "127.0.0.1",
	};

	snprintf(record.subnqn, sizeof(record.subnqn), "%s", nqn);
	snprintf(record.trsvcid, sizeof(record.trsvcid), "%s", port);
	disc_record_encode(&record, log->bytes + DISC_HEADER_BYTES + index * DISC_RECORD_BYTES);
}

static void show(struct host *host, struct disc_log *take_log)
{
	unsigned int i;

	for (i = 0; i < host->n_conns; i++)
		disc_conn_set_log(host->conns[i], take_log);
	disc_log_unref(host->log);
	host->log = take_log;
}

static void set_view(struct host *host, uint64_t genctr, char **words, size_t n)
{
	struct disc_log *log = disc_log_new(genctr, NULL, n / 2);
	size_t i;

	for (i = 0; i < n / 2; i++)
		put(log, i, words[2 * i], words[2 * i + 1]);
	show(host, log);
}

static void set_many(struct host *host, uint64_t genctr, size_t n)
{
	struct disc_log *log = disc_log_new(genctr, NULL, n);
	char nqn[64];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(nqn, sizeof(nqn), "nqn.2024-01.example:many-%zu", i);
		put(log, i, nqn, "1");
	}
	show(host, log);
}

static void run(char *line)
{
	char *words[64];
	size_t n = 0;
	char *at;

	for (at = strtok(line, " \n"); at && n < 64; at = strtok(NULL, " \n"))
		words[n++] = at;
	if (n >= 3 && strcmp(words[0], "view") == 0)
		set_view(find(words[1]), strtoull(words[2], NULL, 10), words + 3, n - 3);
	else if (n == 4 && strcmp(words[0], "many") == 0)
		set_many(find(words[1]), strtoull(words[2], NULL, 10), strtoul(words[3], NULL, 10));
	else if (n == 3 && strcmp(words[0], "let") == 0)
		find(words[1])->policy = strcmp(words[2], "in") == 0	? 0
					 : strcmp(words[2], "out") == 0 ? -EACCES
									: -EAGAIN;
	else if (n == 2 && strcmp(words[0], "drop") == 0)
		while (find(words[1])->n_conns)
			disc_conn_close(find(words[1])->conns[0], "dropped");
	else
		printf("what is that: %s\n", n ? words[0] : "");
}

static void on_input(void *data, int fd, uint32_t events)
{
	static char line[8192];
	static size_t length;

	(void)data, (void)events;
	if (read(fd, line + length, 1) != 1)
		loop_quit(loop, 0);
	else if (line[length++] == '\n' || length == sizeof(line) - 1) {
		line[length] = '\0';
		length = 0;
		run(line);
		printf("did it\n");
	}
}

int main(int argc, char **argv)
{
	const struct disc_server_params params = {
		.nqn = "nqn.2024-01.example:cdc",
		.serial = "1",
		.version = "1",
		.cntlid_first = 1,
		.cntlid_last = 0x3fff,
		.bounds = DISC_SERVER_BOUNDS,
	};
	const struct disc_server_hooks hooks = { .connect = on_connect,
						 .read = on_read,
						 .gone = on_gone };
	struct loop_source *input;
	struct disc_server *server;
	struct err err = ERR_NULL;
	int listen_fd = -1;
	int r;

	setlinebuf(stdout);
	r = argc == 2 ? loop_new(&loop, &err) : err_set(&err, -EINVAL, "disc-serve PORT");
	if (r == 0)
		r = disc_server_new(loop, &params, &hooks, &server, &err);
	if (r == 0)
		r = listener_bind("0.0.0.0", (uint16_t)atoi(argv[1]), &listen_fd, &err);
	if (r == 0)
		r = disc_server_listen(server, listen_fd, &err);
	if (r == 0)
		r = loop_add_io(loop, 0, EPOLLIN, on_input, NULL, &input, &err);
	if (r == 0) {
		printf("ready\n");
		r = loop_run(loop, &err);
	}
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	return r < 0;
}
