/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf - /etc/sunfish/initiator.conf: connections that are wanted, and how the daemon behaves.
 *
 * Each key has a default, and conf/initiator.conf lists all of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "initiator/tid.h"
#include "nvmf/host.h"
#include "wire/agent-conf.h"

#define CONF_PATH_MAX 256
#define CONF_CONNECTIONS_MAX 4096

/* One wanted connection. */
struct conf_connection {
	struct tid tid;
	struct host_tuning tuning;
	char key_file[CONF_PATH_MAX]; /* DH-HMAC-CHAP; "" none */
	char controller_key_file[CONF_PATH_MAX];
};

struct conf {
	struct conf_connection *connections; /* tuning has the defaults in it */
	size_t n_connections;
	struct host_tuning defaults;
	char hostnqn[NQN_MAX + 1]; /* "" as of /etc/nvme */
	char hostid[HOST_ID_MAX];
	unsigned int sample_ms;	   /* between looks at the controllers' state; 0 never */
	unsigned int probe_ms;	   /* for an address to answer */
	unsigned int connect_ms;   /* after which a connect is said to hang */
	unsigned int retry_min_ms; /* after the first failure */
	unsigned int retry_max_ms; /* after many */
	unsigned int refused_ms;   /* at least, after a refusal that will not change by itself */
	struct agent_conf collector;
};

/*
 * Parse the text of a file.
 * Returns: 0, *ret filled, release with conf_deinit; -EBADMSG, -EINVAL with file, line and key;
 * -EFBIG; -ENOMEM.
 */
int conf_parse(const char *text, size_t length, const char *origin, struct conf *ret,
	       struct err *err);
/* Read a file; one that is not there is all defaults. Returns: as conf_parse; other negative errno
 * of reading. */
int conf_load(int dirfd, const char *path, struct conf *ret, struct err *err);
void conf_deinit(struct conf *conf);
#define CLEANUP_CONF __attribute__((cleanup(conf_deinit)))
#define CONF_NULL ((struct conf){ 0 })

#define CONF_CONNECTION_NULL ((struct conf_connection){ .tuning = HOST_TUNING_NULL })

/* One key of a connection's tuning by its name, such as ctrl_loss_tmo: the same names in files, in
 * requests and in options. @index  from 0. Returns: NULL past the last. */
const char *conf_tuning_name(size_t index);
int *conf_tuning_at(struct host_tuning *tuning, size_t index);
/* Returns: 0; -EINVAL not in its range. */
int conf_tuning_check(size_t index, int64_t value, struct err *err);

/* One connection as the text of a file, `connection = { .. };`, and back. What is HOST_UNSET or
 * empty is left out. Returns of parse: as conf_parse. */
void conf_connection_format(const struct conf_connection *connection, struct str *text);
int conf_connection_parse(const char *text, size_t length, const char *origin,
			  struct conf_connection *ret, struct err *err);
