/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * netwatch - addresses and links of this host change.
 *
 * Tells that something changed, not what it means: the user looks with net.h. Netlink messages
 * (libnl) of links and addresses; a full socket is told as a change of everything.
 *
 * Source: rtnetlink(7).
 */
#pragma once

#include "base/err.h"
#include "core/loop.h"

/* @ifname  the link; "" it may be any */
typedef void (*netwatch_fn)(void *data, const char *ifname);

struct netwatch;

/* Returns: 0, *ret owned; negative errno. */
int netwatch_new(struct loop *loop, netwatch_fn fn, void *data, struct netwatch **ret,
		 struct err *err);
void netwatch_free(struct netwatch *watch);
