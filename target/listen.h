/* SPDX-License-Identifier: BSD-3-Clause */
/* listen - can this host listen where the wanted ports are? Asked before the kernel is. */
#pragma once

#include "base/err.h"
#include "target/ctl.h"
#include "target/model.h"

/*
 * Check the IP listeners of all wanted ports that do not serve anything yet. A wildcard address,
 * and with --force a link that is down, is only warned of.
 * Returns: 0; codes of net_resolve and net_check.
 */
int listen_check(struct ctl *ctl, const struct model_object *wanted,
		 const struct model_object *actual, struct err *err);
