/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish - the agent of a Sunfish server: it registers, uploads our tree, tells what changes, and
 * does what the server passes on.
 *
 *   sunfish-sm.h    when what is to be said; without input or output
 *   sunfish.c       says it, one request at a time, and keeps our UUID in the store
 *   sunfish-tree.h  what it may see of our tree
 *   sunfish-ask.c   where it asks us: plain HTTP on one address, from allowed ones only
 *
 * Without a server in the configuration there is none of all that.
 *
 * Source: sunfish_library_reference 18f2fc8, sunfish_server_reference 7802a38, as they were seen to
 * behave.
 */
#pragma once

#include "base/err.h"
#include "collector/api.h"

struct redfish;
struct sunfish;

/* Returns: 0, *ret owned, NULL if no server is configured; -EADDRINUSE and negative errno. */
int sunfish_new(struct redfish *redfish, struct sunfish **ret, struct err *err);
/* NULL is allowed. */
void sunfish_free(struct sunfish *sunfish);

/* /sunfish: its state, and signing off. */
extern const struct api_route sunfish_routes[];
