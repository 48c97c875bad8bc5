/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-conf - the group "redfish" of collector.conf: is it served, and its bounds.
 *
 * Source: sunfish-collector.conf(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RF_CONF_NETWORKS_MAX 32
#define RF_CONF_NETWORK_TEXT 64

struct cfg_item;

struct rf_conf {
	bool enabled;
	/* Events are pushed to addresses in these; without any, see rf-events.h. */
	char networks[RF_CONF_NETWORKS_MAX][RF_CONF_NETWORK_TEXT]; /* "10.0.0.0/8", "fd00::/8" */
	size_t n_networks;
	int64_t streams_max; /* of server-sent events */
	int64_t subscriptions_max;
	int64_t page_members; /* of a collection in one answer */
};

/* The defaults. */
void rf_conf_init(struct rf_conf *conf);
/* Put what the group says over @conf. Returns: 0; -EINVAL with file, line and key. */
int rf_conf_take(const struct cfg_item *group, struct rf_conf *conf, struct err *err);
