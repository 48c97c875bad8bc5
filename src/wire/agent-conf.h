/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * agent-conf - the group `collector` in a helper's configuration, the same on both sides.
 *
 *   collector = { url = "https://head:8443"; token_file = "/etc/sunfish/token"; ca_file = ".."; };
 */
#pragma once

#include "base/err.h"
#include "core/cfg.h"
#include "wire/agent.h"
#include "wire/report.h"

#define AGENT_CONF_PATH_MAX 256

struct agent_conf {
	char url[AGENT_CONF_PATH_MAX]; /* "" none */
	char token_file[AGENT_CONF_PATH_MAX];
	char ca_file[AGENT_CONF_PATH_MAX];
	char certificate_file[AGENT_CONF_PATH_MAX];
	char key_file[AGENT_CONF_PATH_MAX];
	char name[REPORT_NAME_MAX + 1]; /* of this host; "" its host name */
	unsigned int interval_seconds;	/* between reports, at the most */
	unsigned int spool_mebibytes;	/* for events while the collector is away */
	char node[REPORT_NODE_MAX + 1]; /* machine id; of agent_conf_identify */
};

#define AGENT_CONF_DEFAULT ((struct agent_conf){ .interval_seconds = 10, .spool_mebibytes = 16 })

/* Take the keys of the group into @io. Returns: 0; -EINVAL with file, line and key. */
int agent_conf_take(const struct cfg_item *group, struct agent_conf *io, struct err *err);

bool agent_conf_equal(const struct agent_conf *a, const struct agent_conf *b);

/* Fill in what is not said: node out of machine-id in @etc_fd, name out of the kernel.
 * Returns: 0; -ENOENT there is no machine id. */
int agent_conf_identify(int etc_fd, struct agent_conf *io, struct err *err);

/* For agent_new; texts stay in @conf. role, program and spool_dir are the caller's to set. */
void agent_conf_fill(const struct agent_conf *conf, struct agent_config *ret);
