/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paths - expected against actual: for each subsystem the paths there are and those that should be.
 *
 * Pure: looks at a struct look and asks nobody.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "initiator/look.h"

struct paths_path {
	const struct inventory_controller *controller; /* NULL: it is not there */
	const struct look_wanted *wanted;	       /* NULL: nobody here wants it */
};

/* One subsystem; discovery controllers are left out. */
struct paths_group {
	const char *nqn;
	const char *subsystem;	  /* nvme-subsysN; "" */
	const char *iopolicy;	  /* "" */
	struct paths_path *paths; /* controllers first, then what is missing */
	size_t n_paths;
	size_t n_live;
	size_t n_missing; /* wanted, and no controller at all */
};

struct paths {
	struct paths_group *groups; /* by NQN */
	size_t n_groups;
};

#define PATHS_NULL ((struct paths){ 0 })

/* Everything in it is borrowed from @look. Returns: 0; -ENOMEM. */
int paths_collect(const struct look *look, struct paths *ret, struct err *err);
void paths_deinit(struct paths *paths);
#define CLEANUP_PATHS __attribute__((cleanup(paths_deinit)))

/* NULL if there is none. */
const struct paths_group *paths_find(const struct paths *paths, const char *nqn);

/* Is the kernel's state one that serves I/O? */
bool paths_is_live(const struct inventory_controller *controller);

/* The device's path over that controller; NULL if it has none. */
const struct inventory_path *paths_of_device(const struct inventory_device *device,
					     const struct inventory_controller *controller);
