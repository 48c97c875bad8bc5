/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <strings.h>

#include "redfish/rf-service-own.h"

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* The length of a word up to one of @ends, without blanks at its end. */
static size_t word_length(const char *at, const char *ends)
{
	size_t length = strcspn(at, ends);

	while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
		length--;
	return length;
}

static bool is_word(const char *at, size_t length, const char *word)
{
	return strlen(word) == length && strncasecmp(at, word, length) == 0;
}

/* Is ";q=0" in it, or 0.0 ..? */
static bool is_refused(const char *parameters, size_t length)
{
	const char *end = parameters + length;
	const char *at = parameters;

	while (at < end && (at = memchr(at, ';', (size_t)(end - at)))) {
		at = skip_blanks(at + 1);
		if (strncasecmp(at, "q=0", 3) == 0)
			return at + 3 + strspn(at + 3, ".0") >= end ||
			       strchr(" ;,", at[3 + strspn(at + 3, ".0")]);
	}
	return false;
}

bool rf_header_accepts(const char *value, const char *type)
{
	size_t family = strcspn(type, "/");

	if (!value || !*skip_blanks(value))
		return true;
	while (*value) {
		const char *at = skip_blanks(value);
		size_t element = strcspn(at, ",");
		size_t length = word_length(at, ",;");
		bool fits = is_word(at, length, type) || is_word(at, length, "*/*") ||
			    (length == family + 2 && strncasecmp(at, type, family) == 0 &&
			     at[family] == '/' && at[family + 1] == '*');

		if (fits && !is_refused(at, element))
			return true;
		value = at + element;
		if (*value)
			value++;
	}
	return false;
}

bool rf_header_is_json(const char *value)
{
	const char *at;

	if (!value)
		return false;
	at = skip_blanks(value);
	return is_word(at, word_length(at, ";"), "application/json");
}

/* One of `"a", W/"b", "c"`; what is none of that form matches nothing. */
bool rf_header_has_etag(const char *value, const char *etag)
{
	const char *at = skip_blanks(value);
	bool found = false;

	if (*at == '*')
		return !*skip_blanks(at + 1);
	while (*at) {
		bool weak = at[0] == 'W' && at[1] == '/';
		const char *quote = weak ? at + 2 : at;
		const char *end = *quote == '"' ? strchr(quote + 1, '"') : NULL;
		size_t length;

		if (!end)
			return false;
		length = (size_t)(end - quote) + 1;
		if (!weak && strlen(etag) == length && memcmp(quote, etag, length) == 0)
			found = true;
		at = skip_blanks(end + 1);
		if (!*at)
			return found;
		if (*at != ',')
			return false;
		at = skip_blanks(at + 1);
	}
	return false;
}

int rf_check_match(struct rf_call *call, const struct rf_request *request, const char *etag)
{
	const char *match = request->header(request->data, "If-Match");
	const char *none = request->header(request->data, "If-None-Match");

	if ((match && !rf_header_has_etag(match, etag)) || (none && rf_header_has_etag(none, etag)))
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "PreconditionFailed" });
	return 0;
}
