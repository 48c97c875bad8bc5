/* SPDX-License-Identifier: BSD-3-Clause */
/* wish - what a command line asks for, as connections: addresses looked up, options as tuning. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "initiator/conf.h"
#include "initiator/ctl.h"

/*
 * One connection for each address of the command line, without repetitions.
 * @nqn  of the subsystem
 * Returns: their number, in @ret; -EINVAL, -ENAMETOOLONG; -EADDRNOTAVAIL a host name is not known.
 */
int wish_read(struct ctl *ctl, const char *nqn, struct conf_connection ret[CTL_MANY],
	      struct err *err);

/* The numeric address and port of an --rdma or --tcp; what is none is an error of usage.
 * @default_port  where none is said
 * Returns: 0, tid.transport, .traddr and .trsvcid set; as wish_read. */
int wish_address(struct ctl *ctl, const struct cli_item *address, const char *default_port,
		 struct tid *ret, struct err *err);
