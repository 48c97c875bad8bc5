/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor - why is a subsystem not connected, or not as it should be? Walks the chain from the
 * module to the device.
 *
 * Finds what is wrong (or only risky), names the cause and the cure; changes nothing. What can be
 * told from a look alone is apart (doctor_check_look); the rest asks the system and the network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/finding.h"
#include "initiator/ctl.h"
#include "initiator/look.h"

/* Modules, who this host is, multipath, others who connect. */
void doctor_check_host(struct ctl *ctl, const struct look *look, struct findings *report);

/* Are the names of this host sound, and do its connections have them? */
void doctor_check_identity(const struct look *look, struct findings *report);

/* One address: link, route, does it answer, is it excluded? And with @nqn: is that shown to this
 * host? Returns: does it answer? */
bool doctor_check_address(struct ctl *ctl, const struct look *look, const struct tid *tid,
			  struct findings *report);

/* The controllers, paths and devices of one subsystem. */
void doctor_check_subsystem(const struct look *look, const char *nqn, struct findings *report);

/* The last messages of the kernel about trouble; with @nqn only those that name it. */
void doctor_check_kmsg(int kmsg_fd, const char *nqn, struct findings *report);
/* Is it one of trouble? */
bool doctor_is_trouble(const char *text);
