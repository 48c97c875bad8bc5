/* SPDX-License-Identifier: BSD-3-Clause */
/* ask - what does a target say it exports? Its discovery log, asked for in a child process. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "initiator/ctl.h"
#include "nvmf/host.h"

struct ask_records {
	struct host_record *items; /* borrowed from the memory */
	size_t count;
	void *memory;
};

#define ASK_RECORDS_NULL ((struct ask_records){ 0 })

void ask_records_deinit(struct ask_records *records);
#define CLEANUP_ASK_RECORDS __attribute__((cleanup(ask_records_deinit)))

/*
 * Ask at the address of @tid as this host, or as that of --hostnqn. Only root may.
 * Returns: 0, *ret filled; codes of probe_tcp, probe_rdma and host_discover; -EINPROGRESS the
 *   kernel has not come back from it in time.
 */
int ask_records(struct ctl *ctl, const struct tid *tid, const struct host_identity *host,
		struct ask_records *ret, struct err *err);
