/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net - can the target listen on this address? Addresses, links, RDMA devices of this host.
 *
 * nvmet tells a wrong address only as EADDRNOTAVAIL or EINVAL at the moment a subsystem is linked
 * to the port, and over a link that is down it listens without a word. So it is asked before:
 * addresses and links by rtnetlink (libnl), RDMA devices by /sys/class/infiniband. Nothing is
 * kept between calls.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct net_listener {
	char address[64]; /* numeric, with %scope for a link-local one; no brackets */
	int family;	  /* AF_INET or AF_INET6 */
	bool wildcard;	  /* 0.0.0.0 or :: */
	char ifname[32];  /* the link that has the address; "" for a wildcard */
	bool if_up;
	char rdma_device[64]; /* RDMA device behind that link, such as mlx5_0; "" if none */
	bool rdma_active;     /* its port is ACTIVE */
};

/*
 * Make an address of what an administrator wrote.
 * @host  numeric IPv4; numeric IPv6, in [] or not, with %scope (name or index) or not; or a name,
 *        which is asked for once: of several addresses the first that is on this host, or else
 *        the first
 * @ret   address, family and wildcard are set, the rest is empty
 * Returns: 0; -EINVAL no address, link-local without %scope; -ENODEV no interface of that scope;
 * -EADDRNOTAVAIL the name is not known; other negative errno.
 */
int net_resolve(const char *host, struct net_listener *ret, struct err *err);

/*
 * Look whether this host can listen there; fills the rest of @l. A wildcard passes unchecked.
 * @rdma  ask for an RDMA device too
 * Returns: 0; -EADDRNOTAVAIL not on this host (or IPv6 and not yet usable); -ENETDOWN its link is
 * down or without carrier; -ENODEV no RDMA device behind the link; -ENOLINK its port is not
 * active; -EINVAL @l is no address; other negative errno of netlink. @l is unchanged on failure.
 */
int net_check(struct net_listener *l, bool rdma, struct err *err);

/*
 * The RDMA device and port behind a link: of the same PCI function, below a VLAN or bond or IPoIB
 * child, or made of the link in software (rxe, siw).
 * @sysfs_fd    directory /sys
 * @ret_device  name in /sys/class/infiniband
 * @ret_port    from 1
 * Returns: 0; -ENODEV none.
 */
int net_find_rdma(int sysfs_fd, const char *ifname, char ret_device[64], unsigned int *ret_port);
