/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/wish.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/net.h"
#include "nvmf/addr.h"

_Static_assert(sizeof(((struct net_listener *)NULL)->address) <= TID_ADDRESS_MAX, "no room");

static int look_up(const struct addr *addr, char ret[TID_ADDRESS_MAX], struct err *err)
{
	struct net_listener found;
	int r = net_resolve(addr->host, &found, err);

	if (r < 0)
		return r;
	if (found.wildcard)
		return err_set(err, -EINVAL, "%s stands for any address: the target's own is meant",
			       addr->host);
	memcpy(ret, found.address, sizeof(found.address));
	return 0;
}

int wish_address(struct ctl *ctl, const struct cli_item *address, const char *default_port,
		 struct tid *ret, struct err *err)
{
	char host[TID_ADDRESS_MAX] = "";
	struct addr addr;
	int r = addr_parse(address->value, default_port, &addr, err);

	if (r < 0)
		cli_usage(&ctl->cli, r);
	else
		r = look_up(&addr, host, err);
	if (r < 0) {
		err_prefix(err, "--%s %s: ", address->name, address->value);
		return r;
	}
	*ret = (struct tid){ 0 };
	snprintf(ret->transport, sizeof(ret->transport), "%s", address->name);
	memcpy(ret->traddr, host, sizeof(ret->traddr));
	snprintf(ret->trsvcid, sizeof(ret->trsvcid), "%s", addr.port);
	return 0;
}

/* Seconds and numbers of the command line are at least 0 where they are given. */
static int value_of(int64_t option)
{
	return option < 0 ? HOST_UNSET : option > INT_MAX ? INT_MAX : (int)option;
}

static void read_tuning(const struct ctl_options *opt, struct host_tuning *ret)
{
	*ret = HOST_TUNING_NULL;
	if (opt->ctrl_loss_tmo != CTL_NO_LOSS_TMO)
		ret->ctrl_loss_tmo = (int)opt->ctrl_loss_tmo;
	ret->reconnect_delay = value_of(opt->reconnect_delay);
	ret->fast_io_fail_tmo = value_of(opt->fast_io_fail);
	ret->keep_alive_tmo = value_of(opt->keep_alive);
	ret->nr_io_queues = value_of(opt->io_queues);
	ret->queue_size = value_of(opt->queue_size);
	ret->hdr_digest = opt->hdr_digest ? 1 : HOST_UNSET;
	ret->data_digest = opt->data_digest ? 1 : HOST_UNSET;
}

static int check_tuning(struct host_tuning *tuning, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && conf_tuning_name(i); i++)
		if (*conf_tuning_at(tuning, i) != HOST_UNSET)
			r = conf_tuning_check(i, *conf_tuning_at(tuning, i), err);
	return r;
}

static int read_one(struct ctl *ctl, const char *nqn, const struct cli_item *address,
		    struct conf_connection *ret, struct err *err)
{
	struct tid_parts parts = {
		.transport = address->name,
		.nqn = nqn,
		.hostnqn = ctl->opt.hostnqn,
		.host_traddr = ctl->opt.host_traddr,
		.host_iface = ctl->opt.host_iface,
	};
	struct tid at;
	int r = wish_address(ctl, address, TID_DEFAULT_PORT, &at, err);

	if (r < 0)
		return r;
	parts.traddr = at.traddr;
	parts.trsvcid = at.trsvcid;
	*ret = (struct conf_connection){ 0 };
	read_tuning(&ctl->opt, &ret->tuning);
	r = check_tuning(&ret->tuning, err);
	return r < 0 ? r : tid_make(&parts, &ret->tid, err);
}

int wish_read(struct ctl *ctl, const char *nqn, struct conf_connection ret[CTL_MANY],
	      struct err *err)
{
	int count = 0;
	size_t i;
	int j;
	int r;

	for (i = 0; i < ctl->opt.addresses.count; i++) {
		r = read_one(ctl, nqn, &ctl->opt.addresses.items[i], &ret[count], err);
		if (r < 0)
			return r;
		for (j = 0; j < count && !tid_equal(&ret[j].tid, &ret[count].tid);)
			j++;
		count += j == count;
	}
	return count;
}
