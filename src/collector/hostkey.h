/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostkey - which hosts must prove to the discovery controller who they are, and by which key.
 *
 * A directory has a file for each: "HOSTNQN.key", the host's key for DH-HMAC-CHAP, and
 * "HOSTNQN.controller", our own for that host, if it is to be sure of us as well. A host that has
 * such a file must prove itself; if all must, one without a file is refused. Files are read when a
 * host comes, so that a new key counts at once. What cannot be read keeps the host out.
 *
 * Who does not prove himself is told in an event of the kind "host", once a minute for each name.
 */
#pragma once

#include "base/err.h"
#include "nvmf/disc-server.h"

struct collector;
struct hostkeys;

/* Returns: 0, *ret owned; -ENOMEM. */
int hostkey_new(struct collector *collector, struct hostkeys **ret, struct err *err);
void hostkey_free(struct hostkeys *keys); /* NULL is allowed */

/* Returns: as disc_server_hooks.secrets. @address  where it comes from */
int hostkey_secrets(struct hostkeys *keys, const char *hostnqn, const char *address,
		    struct disc_secrets *ret);
/* It did not prove itself. */
void hostkey_failed(struct hostkeys *keys, const char *hostnqn, const char *address,
		    const char *why);
