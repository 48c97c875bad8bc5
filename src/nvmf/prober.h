/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prober - the question of probe.h asked on the loop, of many addresses at once.
 *
 * TCP: connect, ICReq, ICResp, without a process. RDMA: the helper program in a child. Nobody can
 * ask loop, which is always there, and Fibre Channel.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"

struct prober;

/* Once, never from within prober_start; the prober is freed after it.
 * @r  as probe_tcp or probe_rdma; -EOPNOTSUPP nobody can tell */
typedef void (*prober_fn)(void *data, int r, const char *text);

struct prober_target {
	const char *transport;
	const char *address;
	const char *port;
	const char *helper; /* path of the helper for RDMA */
};

/* All is copied. Returns: 0, *ret borrowed until @fn is called; negative errno. */
int prober_start(struct loop *loop, const struct prober_target *target, unsigned int timeout_ms,
		 prober_fn fn, void *data, struct prober **ret, struct err *err);

/* Forget it: @fn is not called. NULL is allowed. */
void prober_cancel(struct prober *prober);
