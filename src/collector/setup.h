/* SPDX-License-Identifier: BSD-3-Clause */
/* setup - the configuration of the collector, collector.conf. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct setup {
	char address[64]; /* numeric */
	uint16_t port;
	/* Paths; "" none */
	char certificate[4096];
	char key[4096];
	char client_ca[4096];
	char state_dir[4096]; /* of the store and the first token */
	uint64_t events_keep; /* so many events are kept */
	uint32_t nodes_max;
	uint32_t objects_max;	   /* of a helper */
	uint32_t object_bytes_max; /* of a helper */
	uint32_t report_bytes_max;
	uint32_t connections_max;
	uint32_t lease_min_ms; /* bounds of three intervals */
	uint32_t lease_max_ms;
	bool verbose;
};

/* The defaults. @state_dir  STATEDIR */
void setup_init(struct setup *setup, const char *state_dir);

/* Put what the text says over @setup. Returns: 0; -EBADMSG, -EINVAL, -EFBIG with file, line and
 * key; -ENOMEM. */
int setup_parse(const char *text, size_t length, const char *origin, struct setup *setup,
		struct err *err);
/* The same from a file. Returns: as above; -ENOENT; negative errno. */
int setup_load(const char *path, struct setup *setup, struct err *err);

/* What does not go together: an address that is not loopback without TLS, half of a pair.
 * Returns: 0; -EINVAL. */
int setup_check(const struct setup *setup, struct err *err);
