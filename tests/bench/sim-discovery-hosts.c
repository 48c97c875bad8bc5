/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-discovery-hosts - many hosts that stay at one controller and are told of changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/sim-discovery.h"

#define QUIET_US 500000 /* after a burst */
#define RECORDS 8	/* as the controller has them */

static struct {
	uint32_t n, gone;
	int64_t *moments; /* of the events of this burst */
	uint32_t n_hosts;
} t;

/* An event, or the answer to the look after it. */
static void on_input(struct sim_bare *host)
{
	uint8_t buffer[512];
	ssize_t more = recv(host->fd, buffer, sizeof(buffer), 0);

	if (more < 0 && errno == EAGAIN)
		return;
	if (more <= 0) {
		t.gone++;
		return;
	}
	host->got += (uint32_t)more;
	if (host->step == SIM_LOOK_STEP && host->got < SIM_LOOK_BYTES)
		return;
	if (host->step == SIM_LOOK_STEP)
		host->got -= SIM_LOOK_BYTES;
	host->step = SIM_LAST_STEP;
	if (host->got < PDU_RESPONSE_BYTES)
		return;
	if (t.n < t.n_hosts)
		t.moments[t.n++] = sim_now_us();
	sim_bare_send(host, SIM_LOOK_STEP);
}

/* They are of the monotonic clock, so that who made the change can tell how long it took. */
static void tell_burst(void)
{
	if (!t.n || sim_now_us() - t.moments[t.n - 1] < QUIET_US)
		return;
	printf("burst events %u first_us %lld p99_us %lld last_us %lld\n", t.n,
	       (long long)t.moments[0], (long long)t.moments[(t.n - 1) * 99 / 100],
	       (long long)t.moments[t.n - 1]);
	t.n = 0;
}

int sim_hosts(const char *port, uint32_t n, int seconds)
{
	struct sim_bare *hosts = calloc(n, sizeof(*hosts));
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[256];
	struct sim_step figures;
	int64_t end;
	uint32_t i;

	t.moments = calloc(n, sizeof(*t.moments));
	t.n_hosts = n;
	if (!hosts || !t.moments)
		sim_fail("memory");
	sim_one_address = true;
	sim_prepare(RECORDS);
	sim_begin(&figures);
	sim_bare_run(epoll_fd, hosts, n, 64, port, SIM_LAST_STEP);
	sim_end(&figures, "connect", n);
	putchar('\n');
	for (i = 0; i < n; i++)
		hosts[i].got = 0;
	end = sim_now_us() + (int64_t)seconds * 1000000;
	while (sim_now_us() < end) {
		int got = epoll_wait(epoll_fd, events, 256, 100);
		int k;

		for (k = 0; k < got; k++)
			on_input(events[k].data.ptr);
		tell_burst();
	}
	free(hosts);
	free(t.moments);
	return t.gone != 0;
}
