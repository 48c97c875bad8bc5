/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nqn - names of subsystems and hosts.
 *
 * The kernel checks nothing and cuts what is too long, so it is checked here. A bare name such
 * as blake14 is a name as good as any for Linux and is accepted; what begins with "nqn." must
 * keep the rules for qualified names.
 *
 * Source: NVM Express Base Specification 2.0, 4.5 "NVMe Qualified Names".
 */
#pragma once

#include "base/err.h"

#define NQN_MAX 223 /* bytes, without the NUL */
#define NQN_DISCOVERY "nqn.2014-08.org.nvmexpress.discovery"

/* May a subsystem be called so? Returns: 0; -EINVAL; -ENAMETOOLONG over NQN_MAX. */
int nqn_check(const char *text, struct err *err);

/* May a host be called so? Returns: as nqn_check. */
int nqn_check_host(const char *text, struct err *err);
