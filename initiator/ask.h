/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask - what do targets say they export? Their discovery logs: over TCP by ourselves, from all at
 * once and without root or a module of the kernel; over the rest by the kernel, in a child process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "initiator/ctl.h"
#include "nvmf/disc-client.h"
#include "nvmf/host.h"

struct ask_records {
	struct host_record *items; /* borrowed from the memory */
	size_t count;
	void *memory;
	/* only over TCP */
	struct disc_log *log; /* NULL; the records as bytes, also those that lead nowhere */
	struct disc_client_info info;
	int64_t ms; /* that it took */
};

#define ASK_RECORDS_NULL ((struct ask_records){ 0 })

void ask_records_deinit(struct ask_records *records);
#define CLEANUP_ASK_RECORDS __attribute__((cleanup(ask_records_deinit)))

/* One of several to be asked. */
struct ask_target {
	const struct tid *tid;
	int r; /* of ask_records */
	struct err err;
	struct ask_records records;
};

/*
 * Ask at the address of @tid as this host, or as that of --hostnqn. Only root may, but over TCP.
 * Returns: 0, *ret filled; codes of probe_tcp, probe_rdma, host_discover and disc_client_hooks;
 *   -EINPROGRESS the kernel has not come back from it in time.
 */
int ask_records(struct ctl *ctl, const struct tid *tid, const struct host_identity *host,
		struct ask_records *ret, struct err *err);

/* The same of many; each has its result, and its records are to be released. */
void ask_all(struct ctl *ctl, const struct host_identity *host, struct ask_target *targets,
	     size_t n_targets);

/* --- ask-tcp.c */

/* Can this one be asked so? */
bool ask_tcp_can(const struct tid *tid);
void ask_tcp_all(const struct ctl *ctl, const struct host_identity *host,
		 struct ask_target *targets, size_t n_targets);
