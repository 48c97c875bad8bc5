/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish-conf - the group "sunfish" of collector.conf: the Sunfish server, and where it may ask
 * us.
 *
 * Source: sunfish-collector.conf(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SUNFISH_CONF_ALLOW_MAX 32
#define SUNFISH_CONF_TEXT 256
#define SUNFISH_CONF_ADDRESS 64
#define SUNFISH_CONF_NAME 128
#define SUNFISH_CONF_PORT 8080

struct cfg_item;

struct sunfish_conf {
	char server[SUNFISH_CONF_TEXT];	    /* "http://10.0.0.1:5000"; "": there is no agent */
	char ca[SUNFISH_CONF_TEXT];	    /* PEM of its certificate; "": the system's */
	char address[SUNFISH_CONF_ADDRESS]; /* numeric: where it asks us */
	int64_t port;
	char url[SUNFISH_CONF_TEXT]; /* that, as it is to be written; "": made of address, port */
	char allow[SUNFISH_CONF_ALLOW_MAX][SUNFISH_CONF_ADDRESS]; /* who may ask */
	size_t n_allow;
	char name[SUNFISH_CONF_NAME]; /* of our ConnectionMethod; "": made of the store's id */
	int64_t heartbeat_seconds;
	bool marker_port; /* see sunfish-tree.h */
};

/* The defaults: there is no agent. */
void sunfish_conf_init(struct sunfish_conf *conf);
/* Put what the group says over @conf. Returns: 0; -EINVAL with file, line and key. */
int sunfish_conf_take(const struct cfg_item *group, struct sunfish_conf *conf, struct err *err);
/* May this one ask? */
bool sunfish_conf_allows(const struct sunfish_conf *conf, const char *address);
