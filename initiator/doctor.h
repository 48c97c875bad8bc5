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
#include "initiator/ctl.h"
#include "initiator/look.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE, /* worth knowing */
	DOCTOR_WARN, /* works, but not as one would want */
	DOCTOR_FAIL, /* cannot be used */
};

struct doctor_finding {
	enum doctor_level level;
	char *object; /* "blake14", "tcp 10.101.46.14:4420" */
	char *text;   /* what was found: the cause */
	char *cure;   /* what to do; "" if nothing */
};

struct doctor_report {
	struct doctor_finding *items; /* in the order of the chain */
	size_t count;
	enum doctor_level worst;
	bool failed; /* memory ran out: something is missing */
};

#define DOCTOR_REPORT_NULL ((struct doctor_report){ 0 })

void doctor_report_deinit(struct doctor_report *report);
#define CLEANUP_DOCTOR_REPORT __attribute__((cleanup(doctor_report_deinit)))

/* Append a finding. A failed allocation is remembered.
 * @cure  what to do; "" if nothing; an own copy is made of both texts */
void doctor_add(struct doctor_report *report, enum doctor_level level, const char *object,
		const char *cure, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "ok", "note", "warn", "FAIL" */
const char *doctor_level_name(enum doctor_level level);

/* Modules, who this host is, multipath, others who connect. */
void doctor_check_host(struct ctl *ctl, const struct look *look, struct doctor_report *report);

/* Are the names of this host sound, and do its connections have them? */
void doctor_check_identity(const struct look *look, struct doctor_report *report);

/* One address: link, route, does it answer, is it excluded? And with @nqn: is that shown to this
 * host? Returns: does it answer? */
bool doctor_check_address(struct ctl *ctl, const struct look *look, const struct tid *tid,
			  struct doctor_report *report);

/* The controllers, paths and devices of one subsystem. */
void doctor_check_subsystem(const struct look *look, const char *nqn, struct doctor_report *report);

/* The last messages of the kernel about trouble; with @nqn only those that name it. */
void doctor_check_kmsg(int kmsg_fd, const char *nqn, struct doctor_report *report);
/* Is it one of trouble? */
bool doctor_is_trouble(const char *text);
