/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-discovery-hosts - many hosts that stay at one controller. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "nvmf/disc-client.h"
#include "tests/bench/sim-discovery.h"

#define QUIET_US 1000000 /* after a burst */

struct host {
	struct disc_client *client;
	bool there;
};

static struct {
	uint32_t there, lost;
	/* of the burst */
	uint32_t n;
	int64_t first, last;
} t;

static void on_log(void *data, struct disc_client *client, struct disc_log *log)
{
	struct host *host = data;

	(void)client, (void)log;
	if (!host->there) {
		host->there = true;
		t.there++;
		return;
	}
	t.last = sim_now_us();
	if (t.n++ == 0)
		t.first = t.last;
}

static void on_lost(void *data, struct disc_client *client, int r, const char *text)
{
	struct host *host = data;

	(void)r;
	if (t.lost++ == 0)
		fprintf(stderr, "sim-discovery: %s\n", text);
	disc_client_free(client);
	host->client = NULL;
}

static void start(struct loop *loop, struct host *host, uint32_t i, const char *port)
{
	char nqn[128];
	struct disc_client_params params = { .address = "127.0.0.1",
					     .port = port,
					     .hostnqn = nqn,
					     .hostid = { (uint8_t)(i >> 24), (uint8_t)(i >> 16),
							 (uint8_t)(i >> 8), (uint8_t)i, 1 },
					     .stay = true,
					     .kato_ms = SIM_KATO_MS,
					     .timeout_ms = 60000 };
	const struct disc_client_hooks hooks = { .log = on_log, .lost = on_lost, .data = host };
	struct err err = ERR_NULL;

	snprintf(nqn, sizeof(nqn), SIM_HOST_NQN, i);
	if (disc_client_start(loop, &params, &hooks, &host->client, &err) < 0) {
		fprintf(stderr, "sim-discovery: %s\n", err.text);
		exit(1);
	}
}

/* The moments are of the monotonic clock, so that who made the change can tell how long it took. */
static void tell_burst(void)
{
	if (!t.n || sim_now_us() - t.last < QUIET_US)
		return;
	printf("burst logs %u first_us %lld last_us %lld spread_ms %.1f\n", t.n, (long long)t.first,
	       (long long)t.last, (double)(t.last - t.first) / 1000);
	t.n = 0;
}

int sim_hosts(const char *port, uint32_t n, int seconds)
{
	struct host *hosts = calloc(n, sizeof(*hosts));
	struct loop *loop;
	struct sim_step figures;
	uint32_t started = 0;
	uint32_t i;
	int64_t end;

	if (!hosts || loop_new(&loop, NULL) < 0)
		sim_fail("loop");
	sim_begin(&figures);
	while (t.there + t.lost < n) {
		while (started < n && started - t.there - t.lost < 256) {
			start(loop, &hosts[started], started, port);
			started++;
		}
		if (loop_step(loop, 60000) <= 0)
			sim_fail("no answer");
	}
	sim_end(&figures, "connect", n);
	printf(" lost %u\n", t.lost);
	end = sim_now_us() + (int64_t)seconds * 1000000;
	while (sim_now_us() < end) {
		loop_step(loop, 100);
		tell_burst();
	}
	for (i = 0; i < n; i++)
		disc_client_free(hosts[i].client);
	loop_free(loop);
	free(hosts);
	return t.lost != 0;
}
