/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor - why does an export not work? Walks the chain from the module to the listener.
 *
 * Finds what is wrong (or only risky), names the cause and the cure; changes nothing. The checks
 * of the tree alone are apart (doctor_check_model), those that ask the system are in doctor_run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/finding.h"
#include "target/claim.h"
#include "target/model.h"

/* Where to look; nothing is owned. */
struct doctor_env {
	int nvmet_fd; /* /sys/kernel/config/nvmet; -1: it is not there */
	int proc_fd;  /* /proc */
	int sys_fd;   /* /sys */
	int kmsg_fd;  /* /dev/kmsg opened O_RDONLY | O_NONBLOCK; -1: not looked at */
	const struct model_object *wanted; /* what the stored exports ask for; NULL: not compared */
	const char *rdma_helper; /* path of sunfish-rdma-probe; NULL: RDMA is not probed */
	unsigned int timeout_ms; /* of each probe; 0: listeners are not probed */
};

/*
 * @actual  the tree as cfs_read gave it; NULL if there is no nvmet
 * @nqn     one subsystem, or NULL for all
 * Returns: 0, *ret owned, whatever was found; -ENOMEM. A subsystem that is neither there nor
 *   wanted is a finding of level FAIL.
 */
int doctor_run(const struct doctor_env *env, const struct model_object *actual, const char *nqn,
	       struct findings *ret, struct err *err);

/*
 * The checks which need nothing but the tree: namespaces, access, keys, ports, what is wanted.
 * Appends to @report. @wanted may be NULL.
 * Returns: 0; -ENOMEM.
 */
int doctor_check_model(const struct model_object *actual, const struct model_object *wanted,
		       const char *nqn, struct findings *report);

/* Those of one subsystem's drives and keys, and of one port, which ask the system; they append to
 * @report, failures of asking included. @claim may be NULL. */
void doctor_check_drives(struct claim *claim, const struct model_object *subsystem,
			 struct findings *report);
void doctor_check_keys(const struct doctor_env *env, const struct model_object *actual,
		       const struct model_object *subsystem, struct findings *report);
void doctor_check_port(const struct doctor_env *env, const struct model_object *port,
		       struct findings *report);

/* Append the last @max kernel messages of trouble with nvmet as one NOTE (none: nothing is added).
 * @kmsg  records in the format of /dev/kmsg. Returns: 0; -ENOMEM. */
int doctor_check_kmsg(const char *kmsg, size_t max, struct findings *report);
