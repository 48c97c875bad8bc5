/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd - what the changing verbs have in common. */
#pragma once

#include "target/change.h"
#include "target/ctl.h"

/* -ENOENT for an export that is not there, with those that are. Returns: -ENOENT. */
int cmd_no_export(struct ctl *ctl, const char *nqn, struct err *err);

/* Begin a change of one export that must be there. @ret_wanted is its wanted subsystem, still
 * empty; borrowed. Returns: 0; -ENOENT; codes of change_begin. */
int cmd_begin(struct ctl *ctl, struct change *change, struct model_object **ret_wanted,
	      const struct model_object **ret_actual, struct err *err);

/* The port of --port or of the one listener option. Returns: 0; -EINVAL; -ENOENT. */
int cmd_find_port(struct ctl *ctl, const struct model_object *actual,
		  const struct model_object **ret, struct err *err);

/* Remove the host's directory too, if nothing else needs it and its key, if it has one, is in a
 * file of ours. Returns: 0; -ENOMEM. */
int cmd_drop_host(struct ctl *ctl, struct change *change, const char *nqn, const char *hostnqn,
		  struct err *err);

/* The lowest namespace number that is neither in @wanted nor in @actual, which may be NULL. */
uint32_t cmd_free_nsid(const struct model_object *wanted, const struct model_object *actual);

/* What to type on a host to connect to a wanted export. */
void cmd_tell_connect(const struct ctl *ctl, const struct model_object *wanted, const char *nqn);
