/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void names_deinit(struct names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = NAMES_NULL;
}

static void take(struct names *names, char *name)
{
	char **items = realloc(names->items, (names->count + 1) * sizeof(*items));

	if (items)
		names->items = items;
	if (!items || !name) {
		free(name);
		names->failed = true;
		return;
	}
	items[names->count++] = name;
}

void names_add(struct names *names, const char *name)
{
	if (!names_has(names, name))
		take(names, strdup(name));
}

void names_push(struct names *names, const char *name)
{
	take(names, name ? strdup(name) : NULL);
}

void names_addf(struct names *names, const char *format, ...)
{
	CLEANUP_FREE char *name = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&name, format, args);
	va_end(args);
	if (r < 0) {
		name = NULL;
		names->failed = true;
		return;
	}
	names_add(names, name);
}

bool names_has(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

struct js *names_to_js(const struct names *names)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < names->count; i++)
		js_append(array, js_string(names->items[i]));
	return array;
}

void names_add_js(struct names *names, const struct js *array)
{
	size_t i;

	for (i = 0; i < js_length(array); i++) {
		const char *name = js_text(js_at(array, i));

		if (name)
			names_add(names, name);
	}
}
