/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-body.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_in(const char *const *list, const char *key)
{
	for (; *list; list++)
		if (strcmp(*list, key) == 0)
			return true;
	return false;
}

int rf_body_check(struct rf_call *call, const char *const *known)
{
	int r = 0;
	size_t i;

	for (i = 0; i < js_length(call->body); i++) {
		const char *key = js_key_at(call->body, i);

		if (!strchr(key, '@') && !is_in(known, key))
			r = rf_problem_property(&call->problems, "PropertyUnknown", key, NULL,
						NULL);
	}
	return r;
}

/* What was given, as it stands in messages; a secret must not be. */
static int refuse_type(struct rf_call *call, const char *key, const char *needed)
{
	char resolution[96];

	snprintf(resolution, sizeof(resolution), "Give %s.", needed);
	return rf_problem_property(&call->problems, "PropertyValueTypeError", key, "?", resolution);
}

int rf_body_text(struct rf_call *call, const char *key, const char **ret)
{
	const struct js *js = js_get(call->body, key);

	if (!js)
		return 0;
	if (!js_text(js))
		return refuse_type(call, key, "a text");
	*ret = js_text(js);
	return 1;
}

int rf_body_need(struct rf_call *call, const char *key, const char **ret)
{
	int r = rf_body_text(call, key, ret);

	if (r == 0)
		return rf_problem_property(&call->problems, "PropertyMissing", key, NULL, NULL);
	return r < 0 ? r : 0;
}

int rf_body_bool(struct rf_call *call, const char *key, bool *ret)
{
	const struct js *js = js_get(call->body, key);

	if (!js)
		return 0;
	if (js_type(js) != JS_BOOL)
		return refuse_type(call, key, "true or false");
	*ret = js_is_true(js);
	return 1;
}

int rf_body_number(struct rf_call *call, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	const struct js *js = js_get(call->body, key);
	char value[24];
	char resolution[96];
	int64_t number;

	if (!js)
		return 0;
	if (js_type(js) != JS_INT)
		return refuse_type(call, key, "a whole number");
	number = js_number(js, 0);
	if (number < min || number > max) {
		snprintf(value, sizeof(value), "%" PRId64, number);
		snprintf(resolution, sizeof(resolution), "Give %" PRId64 " to %" PRId64 ".", min,
			 max);
		return rf_problem_property(&call->problems, "PropertyValueOutOfRange", key, value,
					   resolution);
	}
	*ret = number;
	return 1;
}
