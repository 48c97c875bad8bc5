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

int sim_serve(int argc, char **argv);
int sim_poll_floor(const char *port, uint32_t n, uint32_t in_flight, int seconds);
int sim_poll_client(const char *port, uint32_t n, uint32_t in_flight, int seconds);
int sim_hosts(const char *port, uint32_t n, int seconds);
