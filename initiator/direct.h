/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * direct - connects and disconnects where no daemon does it.
 *
 * First it is asked in user space whether somebody answers: while the kernel connects, all other
 * connects of this host wait. Then the call is made in a child process, which is not waited for
 * beyond a deadline.
 */
#pragma once

#include "base/err.h"
#include "initiator/act.h"
#include "initiator/ctl.h"

/*
 * Connect one path. The text of a failure has cause and cure.
 * @ret_name  nvmeN
 * Returns: 0; -EPERM it is excluded; codes of probe_tcp, probe_rdma and act_connect; -EINPROGRESS
 *   the kernel has not come back from it in time.
 */
int direct_connect(struct ctl *ctl, const struct conf_connection *connection,
		   const struct host_identity *host, char ret_name[HOST_CONTROLLER_MAX],
		   struct err *err);

/* Disconnect one controller without further questions. Returns: as act_disconnect; -EINPROGRESS. */
int direct_disconnect(struct ctl *ctl, const struct inventory_controller *controller,
		      struct err *err);

/*
 * Does somebody answer at the address? An RDMA address counts as answering where that cannot be
 * asked. Returns: 0; codes of probe_tcp and probe_rdma.
 */
int direct_probe(const struct tid *tid, unsigned int timeout_ms, struct err *err);

/* Add what to do about a failed connect. Returns: @r. */
int direct_explain(int r, const struct tid *tid, const char *hostnqn, struct err *err);
