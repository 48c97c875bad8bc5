/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-watch - stays connected to a discovery controller and tells what it hears, line by line:
 *
 *   log GENCTR RECORDS trips N events 0|1      at first, and when it changed
 *   same                                       the answer to "look" on standard input
 *   lost CODE TEXT                             then it ends with status 1
 *
 * disc-watch ADDRESS PORT [HOSTNQN [KATO-MS [h][d]]]    h, d: header and data digests
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/loop.h"
#include "nvmf/disc-client.h"

static struct loop *loop;
static struct disc_client *client;

static void on_log(void *data, struct disc_client *c, struct disc_log *log)
{
	const struct disc_client_info *info = disc_client_info(c);

	(void)data;
	printf("log %llu %zu trips %u events %d\n", (unsigned long long)log->genctr, log->n_records,
	       info->round_trips, (info->identify.oaes & NVME_OAES_DISCOVERY) != 0);
}

static void on_same(void *data, struct disc_client *c)
{
	(void)data, (void)c;
	puts("same");
}

static void on_lost(void *data, struct disc_client *c, int r, const char *text)
{
	(void)data, (void)c;
	printf("lost %s %s\n", strerrorname_np(-r), text);
	loop_quit(loop, 1);
}

static void on_input(void *data, int fd, uint32_t events)
{
	char line[64];

	(void)events;
	if (read(fd, line, sizeof(line)) <= 0)
		loop_io_set(*(struct loop_source **)data, 0);
	else if (disc_client_look(client) < 0)
		puts("not connected");
}

static void on_signal(void *data, int signal)
{
	(void)data, (void)signal;
	loop_quit(loop, 0);
}

int main(int argc, char **argv)
{
	const struct disc_client_hooks hooks = { .log = on_log, .same = on_same, .lost = on_lost };
	const char *digests = argc > 5 ? argv[5] : "";
	const struct disc_client_params params = {
		.address = argc > 1 ? argv[1] : NULL,
		.port = argc > 2 ? argv[2] : NULL,
		.hostnqn = argc > 3 ? argv[3] : "nqn.2014-08.org.nvmexpress:uuid:watch",
		.hostid = { 0x46 },
		.stay = true,
		.kato_ms = argc > 4 ? (uint32_t)atoi(argv[4]) : 60000,
		.hdgst = strchr(digests, 'h'),
		.ddgst = strchr(digests, 'd'),
		.timeout_ms = 20000,
	};
	struct loop_source *input = NULL;
	struct loop_source *term = NULL;
	struct err err = ERR_NULL;
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	r = loop_new(&loop, &err);
	if (r == 0)
		r = loop_add_signal(loop, SIGTERM, on_signal, NULL, &term, &err);
	if (r == 0)
		r = disc_client_start(loop, &params, &hooks, &client, &err);
	if (r == 0) {
		/* a file or /dev/null cannot be watched */
		(void)loop_add_io(loop, STDIN_FILENO, EPOLLIN, on_input, &input, &input, NULL);
		r = loop_run(loop, &err);
	}
	if (r < 0)
		fprintf(stderr, "disc-watch: %s\n", err.text);
	disc_client_free(client);
	loop_source_free(input);
	loop_source_free(term);
	loop_free(loop);
	return r == 0 ? 0 : 1;
}
