/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings - /etc/sunfish/target.conf: how the program behaves on this host.
 *
 * What is exported does not stand here (export.h). Each key has a default, and conf/target.conf
 * lists all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "wire/agent-conf.h"

struct settings {
	bool default_any;	   /* an export made without hosts is for any host */
	unsigned int default_port; /* of a listener without one */
	unsigned int wait_seconds; /* for another run of the program to end */
	unsigned int hang_seconds; /* after which a call into the kernel is said to hang */
	unsigned int workers;	   /* most calls into the kernel at once */
	/* of nvmet-sunfishd */
	bool repair;		     /* undo what others change */
	unsigned int sample_seconds; /* between two looks if nothing happens */
	struct agent_conf collector;
};

#define SETTINGS_DEFAULT                                                                           \
	((struct settings){ .default_any = true,                                                   \
			    .default_port = 4420,                                                  \
			    .wait_seconds = 30,                                                    \
			    .hang_seconds = 10,                                                    \
			    .workers = 32,                                                         \
			    .sample_seconds = 10,                                                  \
			    .collector = AGENT_CONF_DEFAULT })

/* Returns: 0, *ret filled; -EBADMSG, -EINVAL with file, line and key; -EFBIG; -ENOMEM. */
int settings_parse(const char *text, size_t length, const char *origin, struct settings *ret,
		   struct err *err);

/* Read a file; one that is not there is all defaults. Returns: as settings_parse; other negative
 * errno of reading. */
int settings_load(int dirfd, const char *path, struct settings *ret, struct err *err);
