/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/listener.h"

#include "nvmf/addr.h"

#define DEFAULT_PORT "4420"

int listener_parse(const struct cli_item *listener, struct js **ret, struct err *err)
{
	struct addr addr;
	struct js *js;
	int r = addr_parse(listener->value, DEFAULT_PORT, &addr, err);

	if (r < 0) {
		err_prefix(err, "--%s %s: ", listener->name, listener->value);
		return r;
	}
	js = js_object();
	js_set(js, "transport", js_string(listener->name));
	js_set(js, "address", js_string(addr.host));
	js_set(js, "service", js_string(addr.port));
	*ret = js;
	return 0;
}
