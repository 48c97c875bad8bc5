/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peek - a member of a JSON object without parsing it.
 *
 * Only for text that js_format has written compactly: it is well-formed and has no blanks. Lists
 * of 100,000 objects are filtered by it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The value of a member of the outermost object as JSON text, not NUL-terminated. NULL: none. */
const char *peek_find(const char *json, const char *key, size_t *ret_length);

/* Is that member this text? Texts with characters that JSON escapes are never equal. */
bool peek_is(const char *json, const char *key, const char *text);
