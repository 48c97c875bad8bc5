/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/netwatch.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

#define BATCH 32 /* messages read before others of the loop have their turn */

struct netwatch {
	struct nl_sock *sock;
	struct loop_source *source;
	netwatch_fn fn;
	void *data;
	bool lost;
};

static void link_name(struct nlmsghdr *header, char name[IF_NAMESIZE])
{
	struct nlattr *attr = nlmsg_find_attr(header, sizeof(struct ifinfomsg), IFLA_IFNAME);

	if (attr)
		snprintf(name, IF_NAMESIZE, "%.*s", nla_len(attr), (const char *)nla_data(attr));
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct netwatch *watch = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct ifaddrmsg *ifa = nlmsg_data(header);
	char name[IF_NAMESIZE] = "";

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (nlmsg_valid_hdr(header, sizeof(struct ifinfomsg)))
			link_name(header, name);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		/* the link may be gone with its address: then it is any */
		if (nlmsg_valid_hdr(header, sizeof(*ifa)))
			if_indextoname(ifa->ifa_index, name);
		break;
	default:
		return NL_OK;
	}
	watch->fn(watch->data, name);
	return NL_OK;
}

static void on_readable(void *data, int fd, uint32_t events)
{
	struct netwatch *watch = data;
	int n;

	(void)fd, (void)events;
	for (n = 0; n < BATCH; n++) {
		int r = nl_recvmsgs_default(watch->sock);

		if (r == -NLE_AGAIN)
			break;
		/* what cannot be read (ENOBUFS above all) may have been anything */
		watch->lost = watch->lost || r < 0;
	}
	/* not before all is read: until then the kernel drops without saying so again */
	if (watch->lost && n < BATCH) {
		watch->lost = false;
		watch->fn(watch->data, "");
	}
}

static int join(struct netwatch *watch)
{
	struct nl_sock *sock = watch->sock;
	int r;

	nl_socket_disable_seq_check(sock);
	nl_socket_disable_auto_ack(sock);
	nl_socket_enable_msg_peek(sock);
	r = nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, watch);
	if (r == 0)
		r = nl_connect(sock, NETLINK_ROUTE);
	if (r == 0)
		r = nl_socket_set_nonblocking(sock);
	if (r == 0)
		r = nl_socket_add_memberships(sock, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
					      RTNLGRP_IPV6_IFADDR, 0);
	return r;
}

static void free_watch_p(struct netwatch **watch)
{
	netwatch_free(*watch);
}

int netwatch_new(struct loop *loop, netwatch_fn fn, void *data, struct netwatch **ret,
		 struct err *err)
{
	CLEANUP(free_watch_p) struct netwatch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return err_nomem(err);
	*watch = (struct netwatch){ .sock = nl_socket_alloc(), .fn = fn, .data = data };
	if (!watch->sock)
		return err_nomem(err);
	r = join(watch);
	if (r < 0)
		return err_set(err, r == -NLE_NOMEM ? -ENOMEM : -EIO,
			       "cannot watch links and addresses: %s", nl_geterror(r));
	r = loop_add_io(loop, nl_socket_get_fd(watch->sock), EPOLLIN, on_readable, watch,
			&watch->source, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(watch);
	return 0;
}

void netwatch_free(struct netwatch *watch)
{
	if (!watch)
		return;
	loop_source_free(watch->source);
	nl_socket_free(watch->sock);
	free(watch);
}
