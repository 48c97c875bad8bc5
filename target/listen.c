/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/listen.h"

#include <errno.h>
#include <string.h>

#include "core/net.h"
#include "target/resolve.h"

static int check_ip(struct ctl *ctl, const char *address, bool rdma, struct err *err)
{
	struct net_listener listener;
	struct err why = ERR_NULL;
	int r = net_resolve(address, &listener, err);

	if (r < 0)
		return r;
	if (listener.wildcard) {
		cli_warn(&ctl->cli,
			 "%s listens on every address of this host, also those of other networks",
			 address);
		return 0;
	}
	r = net_check(&listener, rdma, &why);
	if (ctl->opt.force && (r == -ENETDOWN || r == -ENOLINK)) {
		cli_warn(&ctl->cli, "%s", why.text);
		return 0;
	}
	return r < 0 ? err_set(err, r, "%s", why.text) : 0;
}

static bool is_in_use(const struct model_object *actual, const struct model_object *port)
{
	const struct model_object *now = resolve_find_port(actual, model_text(port, "addr_trtype"),
							   model_text(port, "addr_traddr"),
							   model_text(port, "addr_trsvcid"));

	return now && now->n_links > 0;
}

int listen_check(struct ctl *ctl, const struct model_object *wanted,
		 const struct model_object *actual, struct err *err)
{
	const struct model_object *port;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (port = model_next(wanted, MODEL_PORT, &i))) {
		const char *type = model_text(port, "addr_trtype");
		bool rdma = strcmp(type, "rdma") == 0;

		if (port->absent || (!rdma && strcmp(type, "tcp") != 0) || is_in_use(actual, port))
			continue;
		r = check_ip(ctl, model_text(port, "addr_traddr"), rdma, err);
	}
	return r;
}
