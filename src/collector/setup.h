/* SPDX-License-Identifier: BSD-3-Clause */
/* setup - the configuration of the collector, collector.conf. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/rf-conf.h"
#include "collector/sunfish-conf.h"
#include "nvmf/nqn.h"

#define SETUP_PATH_MAX 4096
#define SETUP_CDC_LISTEN_MAX 16

struct setup {
	char address[64]; /* numeric */
	int64_t port;
	/* Paths; "" none */
	char certificate[SETUP_PATH_MAX];
	char key[SETUP_PATH_MAX];
	char client_ca[SETUP_PATH_MAX];
	char state_dir[SETUP_PATH_MAX]; /* of the store and the first token */
	int64_t events_keep;
	int64_t events_days;  /* 0 no bound */
	int64_t store_mbytes; /* 0 no bound */
	int64_t nodes_max;
	int64_t objects_max;	  /* of a helper */
	int64_t object_bytes_max; /* of a helper */
	int64_t report_bytes_max;
	int64_t connections_max;
	int64_t lease_min_seconds; /* bounds of three intervals */
	int64_t lease_max_seconds;
	/* The discovery controller; none without an address. */
	char cdc_listen[SETUP_CDC_LISTEN_MAX][80]; /* ADDR or ADDR:PORT, numeric */
	size_t n_cdc_listen;
	char cdc_nqn[NQN_MAX + 1];		   /* "": one that stays with the store */
	int64_t cdc_cntlid_first, cdc_cntlid_last; /* its part of the controller ids */
	char cdc_keys_dir[SETUP_PATH_MAX];	   /* of keys of hosts (hostkey.h); "" none */
	bool cdc_all_prove;			   /* also those without a key: they are refused */
	struct rf_conf redfish;
	struct sunfish_conf sunfish;
};

/* The defaults. @state_dir  such as /var/lib/sunfish/collector */
void setup_init(struct setup *setup, const char *state_dir);

/* Put what the text says over @setup. Returns: 0; -EBADMSG, -EINVAL, -EFBIG with file, line and
 * key; -ENOMEM. */
int setup_parse(const char *text, size_t length, const char *origin, struct setup *setup,
		struct err *err);
/* The same from a file. Returns: as above; -ENOENT; negative errno. */
int setup_load(const char *path, struct setup *setup, struct err *err);

/* Can the files of certificates be read? Returns: 0; negative errno, with the key and the file. */
int setup_check_files(const struct setup *setup, struct err *err);

/* What does not go together: an address that is not loopback without TLS, half of a pair.
 * Returns: 0; -EINVAL. */
int setup_check(const struct setup *setup, struct err *err);
