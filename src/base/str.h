/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * str - a text that grows, and small checked conversions.
 *
 * A `struct str` starts as STR_NULL and is released with str_deinit. A failed allocation is
 * remembered in it: append freely, ask str_take or str_failed once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	char *text; /* NUL-terminated once anything was added; NULL before */
	size_t length;
	size_t room;
	bool failed;
};

#define STR_NULL ((struct str){ 0 })

void str_deinit(struct str *str);
void str_add(struct str *str, const char *text);
void str_add_n(struct str *str, const char *text, size_t length);
void str_addf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add @text so that a POSIX shell reads it back as one word. Plain words stay as they are. */
void str_add_quoted(struct str *str, const char *text);

/* The text, never NULL; borrowed, valid until the next change. */
const char *str_get(const struct str *str);

/* The text as an own allocation (free it), the str is empty after. NULL if memory ran out. */
char *str_take(struct str *str);

/*
 * Parse a whole unsigned number, decimal only, without sign or blanks.
 * @max   largest value accepted
 * Returns: 0; -EINVAL not a decimal number; -ERANGE over @max. *ret_value untouched on failure.
 */
int str_parse_uint(const char *text, uint64_t max, uint64_t *ret_value);

/* Make of each control character but '\n' and '\t' a '?', so that a name from elsewhere cannot
 * talk to the terminal it is printed on. */
void str_clean(char *text);

/* Is every byte of @text printable ASCII (0x20..0x7e)? */
bool str_is_printable(const char *text);

/* Is @text UTF-8 without control characters? */
bool str_is_utf8(const char *text);

/* Lower-case hex of @size bytes; @ret_hex holds 2 * size + 1. */
void str_hex(const void *bytes, size_t size, char *ret_hex);

#define STR_SIZE_MAX 16

/* "1.9 TiB". Returns @text. */
const char *str_format_size(uint64_t bytes, char text[STR_SIZE_MAX]);

/* Add a text without its control characters. */
void str_add_clean(struct str *str, const char *text);

/* Add those of @names that are like @name, at most three: ", "-separated; nothing if none is. */
void str_add_near(struct str *str, const char *name, const char *const *names, size_t n_names);

#define CLEANUP_STR __attribute__((cleanup(str_deinit)))
