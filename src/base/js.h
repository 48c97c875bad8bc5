/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * js - JSON values, a thin cover over jansson so that its header stays in one file.
 *
 * Building never fails half-way: a NULL value or container is passed through, and the loss is
 * seen once, when js_format returns NULL. Objects keep the order in which keys were set unless
 * JS_SORTED is asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct js;

enum js_type { JS_NULL, JS_BOOL, JS_INT, JS_REAL, JS_STRING, JS_ARRAY, JS_OBJECT };

/* How js_format writes. */
enum {
	JS_COMPACT = 0,
	JS_INDENT2 = 1 << 0,
	JS_SORTED = 1 << 1,
	JS_ASCII = 1 << 2, /* \uXXXX for all above 0x7e, as Python's json.dumps does */
};

/* Parse one document (UTF-8, duplicate keys refused, depth bounded by jansson).
 * Returns: 0, *ret owned; -EBADMSG with line and column in the text; -ENOMEM. */
int js_parse(const char *text, size_t length, struct js **ret, struct err *err);
void js_free(struct js *js);

struct js *js_object(void);
struct js *js_array(void);
struct js *js_string(const char *text); /* JS_NULL value for NULL; invalid UTF-8 is escaped */
struct js *js_int(int64_t value);
struct js *js_bool(bool value);

/* Set or append; @take_value is owned by the container afterwards (also on failure). */
void js_set(struct js *object, const char *key, struct js *take_value);
void js_append(struct js *array, struct js *take_value);

enum js_type js_type(const struct js *js);
const struct js *js_get(const struct js *object, const char *key); /* borrowed or NULL */
size_t js_length(const struct js *array_or_object);
const struct js *js_at(const struct js *array, size_t index); /* borrowed or NULL */
const char *js_key_at(const struct js *object, size_t index); /* in insertion order */
const struct js *js_value_at(const struct js *object, size_t index);
const char *js_text(const struct js *string); /* borrowed; NULL if it is no string */
int64_t js_number(const struct js *js, int64_t otherwise);
bool js_is_true(const struct js *js); /* false for all but true */

/* Are they the same document, whatever the order of keys? @but  a member of the outermost objects
 * that is left out of that; or NULL. */
bool js_is_equal(const struct js *a, const struct js *b, const char *but);

/* An object's copy without those members (NULL-terminated), which shares its values with it: change
 * neither then. NULL: out of memory, or something of @object was lost. */
struct js *js_copy_without(const struct js *object, const char *const *keys);

/* Another reference to the same value, which nobody changes any more; js_free each. */
struct js *js_ref(const struct js *js);

/* The bytes that js_format would write; 0 if it would return NULL. */
size_t js_size(const struct js *js);

/* The document as text, free it; NULL if memory ran out or @js is NULL. */
char *js_format(const struct js *js, unsigned int flags);

static inline void js_free_p(struct js **js)
{
	js_free(*js);
}
#define CLEANUP_JS __attribute__((cleanup(js_free_p)))
