/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * err - what went wrong, in words for an administrator.
 *
 * A fallible function returns 0 or a negative errno and takes a `struct err *` as its last
 * argument, owned by the caller and allowed to be NULL. The one who knows the cause sets the text
 * (cause and cure in one line, the object and the value named); each layer that knows something
 * new puts a prefix before it; only main prints it. Nothing here allocates.
 */
#pragma once

#include <errno.h>

/* Room for a full NQN (223 bytes), a path and a sentence. */
#define ERR_TEXT_MAX 768

struct err {
	int code; /* negative errno; 0 as long as nothing went wrong */
	char text[ERR_TEXT_MAX];
};

#define ERR_NULL ((struct err){ 0 })

/* Set code and text, cut at ERR_TEXT_MAX. Is @code, so that `return err_set(...)` works; a macro
 * so that a static analyser sees that, too. */
#define err_set(err, code, ...)                                                                    \
	({                                                                                         \
		int _code = (code);                                                                \
		err_set_text(err, _code, __VA_ARGS__);                                             \
		_code;                                                                             \
	})

/* What err_set is made of. */
void err_set_text(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put a prefix before the text. No code comes back: with @err NULL there is none. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -ENOMEM with its text. */
#define err_nomem(err) err_set(err, -ENOMEM, "out of memory")
