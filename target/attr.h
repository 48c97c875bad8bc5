/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attr - what is known of nvmet's attributes: values, order, when they can be written.
 *
 * Source: drivers/nvme/target/configfs.c; measured on kernels 6.1, 6.12 and 7.3.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "target/model.h"

/* When the kernel takes a write. */
enum attr_when {
	ATTR_ALWAYS,
	ATTR_DISABLED,	   /* namespace disabled, port without links, referral disabled */
	ATTR_UNDISCOVERED, /* until a host first asked for the subsystem */
	ATTR_READ_ONLY,	   /* never written from a model (enable has rules of its own) */
};

/* How two values are compared and checked. */
enum attr_type {
	ATTR_TEXT,   /* up to max bytes of printable ASCII; trailing blanks do not count */
	ATTR_NUMBER, /* min..max; any base the kernel prints */
	ATTR_BOOL,   /* 0 or 1 */
	ATTR_ID,     /* UUID or NGUID: hex digits, '-' does not count */
	ATTR_WORD,   /* one of words */
};

struct attr_info {
	enum model_kind kind;
	enum attr_type type;
	const char *name;
	enum attr_when when;
	bool secret;
	long long min;
	long long max;	   /* of a number; of the length of a text */
	const char *words; /* "a|b|c" */
};

/* The known attribute; NULL for one that is newer than this program. */
const struct attr_info *attr_find(enum model_kind kind, const char *name);

/* Attributes of a kind in the order in which they must be written: the index-th, or NULL. */
const struct attr_info *attr_at(enum model_kind kind, unsigned int index);

/* Would the kernel take it? Unknown attributes pass. Returns: 0; -EINVAL with the values that
 * are allowed in the text. */
int attr_check(enum model_kind kind, const char *name, const char *value, struct err *err);

/* Do both texts mean the same to the kernel? */
bool attr_is_same(enum model_kind kind, const char *name, const char *a, const char *b);

/* Has the kernel that value by itself when it makes the object, or the same for not having the
 * attribute at all? "" always. */
bool attr_is_default(enum model_kind kind, const char *name, const char *value);
