/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-discovery - what its parts share; see sim-discovery.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nvmf/pdu.h"

#define SIM_KATO_MS 10000
#define SIM_HOST_NQN "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-%012x"

int64_t sim_now_us(void);
int64_t sim_cpu_us(void);
long sim_rss_kib(void);
void sim_fail(const char *what) __attribute__((noreturn));
uint32_t sim_address(uint32_t i); /* in this machine's byte order */

struct sim_step {
	int64_t wall, cpu;
};
void sim_begin(struct sim_step *step);
/* Prints figures without the end of their line. */
void sim_end(const struct sim_step *step, const char *name, uint32_t n);

/* One that does nothing but count bytes. */
struct sim_bare {
	int fd;
	int step;
	uint32_t number;
	uint32_t got; /* bytes of this step's answer */
};
/* ICReq, Connect, CC and CSTS, Identify and so on, records; with the last one the log is there */
#define SIM_LAST_STEP 4
#define SIM_LOOK_STEP 7 /* after an event */
#define SIM_LOOK_BYTES 68

void sim_prepare(uint32_t records);
void sim_bare_send(struct sim_bare *bare, int step);
/* Until each of @n has ended @last; with @port they are opened, so many at a time. */
void sim_bare_run(int epoll_fd, struct sim_bare *all, uint32_t n, uint32_t in_flight,
		  const char *port, int last);
extern bool sim_one_address; /* 127.0.0.1 for all */

int sim_serve(int argc, char **argv);
int sim_poll_floor(const char *port, uint32_t n, uint32_t in_flight, int seconds);
int sim_poll_client(const char *port, uint32_t n, uint32_t in_flight, int seconds);
int sim_controller(const char *port, int64_t each_ms);
int sim_hosts(const char *port, uint32_t n, int seconds);
