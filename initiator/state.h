/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state - this host's objects of role initiator (doc/api.md) out of what was read.
 *
 * For the daemon, which adds connections and times, and for the command where no daemon runs.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "initiator/inventory.h"
#include "nvmf/host.h"
#include "wire/object.h"

/* What only somebody who watches knows of a controller. */
struct state_memory {
	int64_t since_ms;    /* wall clock of the last change of its state; 0 not known */
	int64_t lost_for_ms; /* how long it was away the last time; 0 never */
	const char *cause;   /* "" */
	const char *owner;   /* "" nobody */
	bool wanted;
	int64_t flaps; /* losses that were seen */
};
/* Returns: false if nothing is known. */
typedef bool (*state_memory_fn)(void *data, const struct inventory_controller *controller,
				struct state_memory *ret);

/* Kinds controller, device, host and kernel. @fn may be NULL. Returns: 0, put into @set; -ENOMEM;
 * -E2BIG. */
int state_put(struct object_set *set, const struct inventory *inventory,
	      const struct host_identity *host, state_memory_fn fn, void *data, struct err *err);
/* Kind kernel. @options  or NULL */
int state_put_kernel(struct object_set *set, int sysfs_fd, const struct host_options *options,
		     struct err *err);
