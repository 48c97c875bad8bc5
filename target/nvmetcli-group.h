/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvmetcli-group - how nvmetcli lays out the attributes of an object in JSON.
 *
 * An attribute "device_path" stands as "path" in the group "device". A few stand as numbers in
 * the object itself. What nvmetcli has no place for is ours: it ignores groups it does not know.
 */
#pragma once

#include <stdbool.h>

#include "target/model.h"

#define NVMETCLI_EXTRA "sunfish" /* a group of ours, attributes by their full names */

/* The groups that nvmetcli reads and writes: the index-th, or NULL. */
const char *nvmetcli_group_at(enum model_kind kind, unsigned int index);

/* Our own further group, "buffered" of a namespace; NULL for other kinds. */
const char *nvmetcli_group_own(enum model_kind kind);

/* Attributes that are a number of the object itself: the index-th, or NULL. */
const char *nvmetcli_number_at(enum model_kind kind, unsigned int index);

/* Is @key what makes the object (its name, its lists)? */
bool nvmetcli_is_structure(enum model_kind kind, const char *key);

/* The name of @attr within @group; NULL if it is not of that group. */
const char *nvmetcli_name_in(const char *group, const char *attr);
