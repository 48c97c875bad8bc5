/* SPDX-License-Identifier: BSD-3-Clause */
/* names - a list of texts in the order they came, mostly each once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/js.h"

struct names {
	char **items;
	size_t count;
	bool failed; /* memory ran out: something is missing */
};

#define NAMES_NULL ((struct names){ 0 })

void names_deinit(struct names *names);
#define CLEANUP_NAMES __attribute__((cleanup(names_deinit)))

/* Add copies. A failed allocation is remembered. */
void names_add(struct names *names, const char *name);
void names_addf(struct names *names, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, also if it is there already. */
void names_push(struct names *names, const char *name);
bool names_has(const struct names *names, const char *name);

/* As an array of JSON and back; what is no text is left out. */
struct js *names_to_js(const struct names *names);
void names_add_js(struct names *names, const struct js *array);
