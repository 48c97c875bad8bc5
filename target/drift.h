/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drift - one stored export against the kernel: what it waits for, what others changed, what is
 * to be done.
 *
 * An export that was never complete since it was stored as it is, is made as its file says as far
 * as its drives and addresses are there. Once it is, it is *settled*: what differs from then on was
 * done by somebody else and is drift, told and left alone. Only what was missing when it settled,
 * or went away later (a pulled drive), is still put in its place when it comes back.
 *
 * No input or output, but that two paths may be asked whether they are the same drive.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/model.h"
#include "target/names.h"

/* The name under which a namespace, passthru or listener of an export is remembered:
 * "namespace 1", "passthru", "tcp 10.1.1.1:4420". */
#define DRIFT_KEY_MAX 352
const char *drift_key(const struct model_object *object, char key[DRIFT_KEY_MAX]);

/* What this host has not got now. */
struct drift_lacks {
	struct names keys;
	struct names whys; /* sentences, of the same count and order */
};

#define DRIFT_LACKS_NULL ((struct drift_lacks){ .keys = { 0 } })

void drift_lacks_deinit(struct drift_lacks *lacks);
/* @why  e.g. "drive /dev/nvme1n1"; made different from others if it is not */
void drift_lacks_add(struct drift_lacks *lacks, const char *key, const char *why);

struct drift_case {
	const struct model_object *wanted; /* root of the one export, as export_parse makes it, with
					    * keys */
	const struct model_object *actual; /* the whole target */
	const char *nqn;
	const struct drift_lacks *lacks;
	bool is_settled;
	const struct names *waits; /* keys remembered while it is settled; or NULL */
	bool repair;		   /* drift is to be undone */
};

enum drift_state {
	DRIFT_ACTIVE,
	DRIFT_PARTLY,  /* hosts can use some of it */
	DRIFT_WAITING, /* nothing of it */
};

enum drift_due {
	DRIFT_NOTHING,
	DRIFT_PARTS, /* put only what is in @todo in its place, beside what is there */
	DRIFT_WHOLE, /* make the export exactly as @todo */
};

struct drift_verdict {
	enum drift_state state;
	enum drift_due due;
	bool is_right; /* nothing differs but for what is waited for */
	struct names waits;
	struct names waiting_for; /* sentences */
	struct names drift;	  /* sentences */
	struct model_object
		*todo; /* a wanted root for converge or change; NULL if nothing is due */
};

#define DRIFT_VERDICT_NULL ((struct drift_verdict){ .todo = NULL })

void drift_verdict_deinit(struct drift_verdict *verdict);
#define CLEANUP_DRIFT_VERDICT __attribute__((cleanup(drift_verdict_deinit)))

/* The word for a state in documents: active, partly, waiting. */
const char *drift_state_word(enum drift_state state);

/* Returns: 0, *ret owned; codes of resolve_ports and plan_make: the export contradicts itself or
 *   the others; -ENOMEM. */
int drift_judge(const struct drift_case *c, struct drift_verdict *ret, struct err *err);

/* A short text that differs whenever the export asks for something else. @wanted without keys */
#define DRIFT_DIGEST_MAX 17
void drift_digest(const struct model_object *wanted, char digest[DRIFT_DIGEST_MAX]);
