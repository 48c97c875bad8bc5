/* SPDX-License-Identifier: BSD-3-Clause */
/* route - by which address and link of this host would an address be reached? */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "base/err.h"
#include "initiator/tid.h"

struct route {
	char source[TID_ADDRESS_MAX]; /* the address of this host */
	char ifname[IF_NAMESIZE];     /* "" not found */
	bool is_up;		      /* the link is up and has a carrier */
};

/*
 * Nothing is sent.
 * @address  numeric
 * Returns: 0; -ENETUNREACH, -EHOSTUNREACH no way; -EINVAL no address; other negative errno.
 */
int route_find(const char *address, struct route *ret, struct err *err);
