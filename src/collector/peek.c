/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/peek.h"

#include <string.h>

/* Past the string that begins at @at. */
static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* Past any value. */
static const char *skip_value(const char *at)
{
	unsigned int depth = 0;

	while (*at) {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == ',' || *at == '}' || *at == ']') && depth == 0)
			break;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	}
	return at;
}

const char *peek_find(const char *json, const char *key, size_t *ret_length)
{
	size_t length = strlen(key);
	const char *at = json;

	if (*at++ != '{')
		return NULL;
	while (*at == '"') {
		const char *name = at + 1;
		const char *value = skip_string(at);
		const char *end;

		if (*value++ != ':')
			return NULL;
		end = skip_value(value);
		if (strncmp(name, key, length) == 0 && name[length] == '"') {
			*ret_length = (size_t)(end - value);
			return value;
		}
		at = *end == ',' ? end + 1 : end;
	}
	return NULL;
}

bool peek_is(const char *json, const char *key, const char *text)
{
	size_t length;
	size_t wanted = strlen(text);
	const char *value = peek_find(json, key, &length);

	return value && length == wanted + 2 && *value == '"' &&
	       memcmp(value + 1, text, wanted) == 0;
}
