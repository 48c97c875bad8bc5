/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim-discovery - many discovery controllers on 127/8 in one process, and who asks them.
 *
 *   sim-discovery serve PORT [RECORDS [BEHAVIOUR..]]
 *   sim-discovery poll  floor|client PORT ENDPOINTS IN-FLIGHT [SECONDS]
 *   sim-discovery controller PORT MS
 *   sim-discovery hosts PORT HOSTS SECONDS
 *
 * serve answers at each address of 127/8: so many PDUs and nothing else, the floor of what a
 * controller costs. BEHAVIOUR is KIND=PERCENT: of so many addresses, always the same ones, the
 * controller is one that is
 *
 *   freeze    silent after Connect          reset     resets at the log
 *   bytes     sends byte by byte            lie       says that its log has 2^60 records
 *   change    changes while it is read      refuse    busy
 *   churn     changes, with an event, each second
 *   referral  refers to the next of them, the last to the first
 *
 * poll asks ENDPOINTS of them, IN-FLIGHT at a time, and keeps the connections: client is
 * disc-client, floor the same PDUs from a bare epoll loop. Then it looks once at all, and for
 * SECONDS only keeps them alive (KATO 10 s). controller is one of ours, whose log changes each MS
 * for all. hosts stays there with so many host NQNs and tells when events came; they look at
 * the log then. One
 * line of figures for each step, "name value" pairs; "cpu_us" is this process's, per endpoint. Exit
 * status: 0; 1 something did not work.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/sim-discovery.h"

int64_t sim_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sim_cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

long sim_rss_kib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

void sim_fail(const char *what)
{
	fprintf(stderr, "sim-discovery: %s: %s\n", what, strerror(errno));
	exit(1);
}

bool sim_one_address;

/* Addresses 127.1.0.0 and on. */
uint32_t sim_address(uint32_t i)
{
	return sim_one_address ? INADDR_LOOPBACK : 0x7f010000 + i;
}

void sim_begin(struct sim_step *step)
{
	step->wall = sim_now_us();
	step->cpu = sim_cpu_us();
}

void sim_end(const struct sim_step *step, const char *name, uint32_t n)
{
	int64_t wall = sim_now_us() - step->wall;
	int64_t cpu = sim_cpu_us() - step->cpu;

	printf("step %s endpoints %u wall_ms %lld cpu_us %.1f", name, n, (long long)wall / 1000,
	       n ? (double)cpu / n : 0);
}

static int usage(void)
{
	fputs("usage: sim-discovery serve PORT [RECORDS [KIND=PERCENT..]]\n"
	      "       sim-discovery poll floor|client PORT ENDPOINTS IN-FLIGHT [SECONDS]\n"
	      "       sim-discovery controller PORT MS\n"
	      "       sim-discovery hosts PORT HOSTS SECONDS\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc >= 3 && strcmp(argv[1], "serve") == 0)
		return sim_serve(argc - 2, argv + 2);
	if (argc >= 6 && strcmp(argv[1], "poll") == 0 && strcmp(argv[2], "floor") == 0)
		return sim_poll_floor(argv[3], (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]),
				      argc > 6 ? atoi(argv[6]) : 0);
	if (argc >= 6 && strcmp(argv[1], "poll") == 0 && strcmp(argv[2], "client") == 0)
		return sim_poll_client(argv[3], (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]),
				       argc > 6 ? atoi(argv[6]) : 0);
	if (argc >= 4 && strcmp(argv[1], "controller") == 0)
		return sim_controller(argv[2], atoi(argv[3]));
	if (argc >= 5 && strcmp(argv[1], "hosts") == 0)
		return sim_hosts(argv[2], (uint32_t)atoi(argv[3]), atoi(argv[4]));
	return usage();
}
