/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finding - what a doctor finds: the object, the cause, the cure; a list of them, and telling it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/cli.h"

enum finding_level {
	FINDING_OK,
	FINDING_NOTE, /* worth knowing */
	FINDING_WARN, /* works, but not as one would want */
	FINDING_FAIL, /* cannot be used */
};

struct finding {
	enum finding_level level;
	char *object; /* "subsystem blake14", "tcp 10.101.46.14:4420" */
	char *text;   /* what was found: the cause */
	char *cure;   /* what to do; "" if nothing */
};

struct findings {
	struct finding *items; /* in the order of what depends on what */
	size_t count;
	enum finding_level worst;
	bool failed; /* memory ran out: something is missing */
};

#define FINDINGS_NULL ((struct findings){ 0 })

void findings_deinit(struct findings *findings);
#define CLEANUP_FINDINGS __attribute__((cleanup(findings_deinit)))

/* Append a finding. A failed allocation is remembered: add freely, ask @failed once at the end.
 * @cure  what to do; "" if nothing; an own copy is made of both texts */
void findings_add(struct findings *findings, enum finding_level level, const char *object,
		  const char *cure, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "ok", "note", "warn", "FAIL" */
const char *finding_level_name(enum finding_level level);

/* Tell all as the result of a verb, what is fine with --verbose only; "findings" and "worst" of
 * --json. Returns: 0; -EIO with how many are of level FAIL; -ENOMEM. */
int findings_tell(const struct findings *findings, struct cli *cli, struct err *err);
