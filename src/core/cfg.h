/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cfg - configuration files in libconfig's syntax, with the place of everything that is in them.
 *
 * Reading only; what we write is written as text by its module. @include is refused: a file says
 * all it says by itself. Messages begin with "FILE:LINE: ". An item is borrowed and valid as long
 * as its cfg. Re-entrant.
 *
 * Source: libconfig's manual, "Configuration Files".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CFG_SIZE_MAX (4u << 20)

struct cfg;
struct cfg_item;

enum cfg_type {
	CFG_BOOL,
	CFG_INT, /* of 32 or 64 bits */
	CFG_REAL,
	CFG_TEXT,
	CFG_GROUP, /* { name = value; .. } */
	CFG_LIST,  /* ( .. ) or [ .. ] */
};

/*
 * Parse a file's text.
 * @origin  what to call the file in messages; copied
 * Returns: 0, *ret owned; -EBADMSG it is no such text (or has @include, a NUL byte or is nested
 * too deep); -EFBIG over CFG_SIZE_MAX; -ENOMEM.
 */
int cfg_parse(const char *text, size_t length, const char *origin, struct cfg **ret,
	      struct err *err);
void cfg_free(struct cfg *cfg);

static inline void cfg_free_p(struct cfg **cfg)
{
	cfg_free(*cfg);
}
#define CLEANUP_CFG __attribute__((cleanup(cfg_free_p)))

/* The group that is the whole file. */
const struct cfg_item *cfg_root(const struct cfg *cfg);

enum cfg_type cfg_type(const struct cfg_item *item);

/* The name of a member of a group; "" for the root and for elements of lists. */
const char *cfg_name(const struct cfg_item *item);

/* The number of members or elements; 0 for what is neither group nor list. */
size_t cfg_length(const struct cfg_item *item);

/* A member or an element in the order of the file; NULL past the end. */
const struct cfg_item *cfg_at(const struct cfg_item *item, size_t index);

/* A member by name; NULL if there is none. */
const struct cfg_item *cfg_find(const struct cfg_item *group, const char *name);

/* Text, borrowed. Returns: 0; -EINVAL it is of another type. */
int cfg_text(const struct cfg_item *item, const char **ret, struct err *err);

/* A whole number. Returns: 0; -EINVAL it is of another type or not in min..max. */
int cfg_int(const struct cfg_item *item, int64_t min, int64_t max, int64_t *ret, struct err *err);

/* true or false; 1 and 0 pass as well. Returns: 0; -EINVAL. */
int cfg_bool(const struct cfg_item *item, bool *ret, struct err *err);

/* Is it a group (a list)? Returns: 0; -EINVAL. */
int cfg_need_group(const struct cfg_item *item, struct err *err);
int cfg_need_list(const struct cfg_item *item, struct err *err);

/* "FILE:LINE: " and the text. Returns: @code. */
int cfg_error(const struct cfg_item *item, struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Put "FILE:LINE: NAME: " before a text that is set. */
void cfg_prefix(const struct cfg_item *item, struct err *err);
