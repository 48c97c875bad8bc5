/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/nqn.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define UUID_PREFIX "nqn.2014-08.org.nvmexpress:uuid:"

static bool are_digits(const char *text, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* YYYY-MM. */
static bool is_date(const char *text)
{
	int month;

	if (!are_digits(text, 4) || text[4] != '-' || !are_digits(text + 5, 2) || text[7] != '.')
		return false;
	month = (text[5] - '0') * 10 + text[6] - '0';
	return month >= 1 && month <= 12;
}

/* Labels with dots between, each of letters, digits and inner dashes. */
static bool is_domain(const char *text, size_t length)
{
	char before = '.';
	size_t i;

	for (i = 0; i < length; i++) {
		char c = text[i];

		if (c == '.' ? before == '.' || before == '-'
			     : !isalnum((unsigned char)c) && (c != '-' || before == '.'))
			return false;
		before = c;
	}
	return length > 0 && before != '.' && before != '-';
}

/* 8-4-4-4-12 hex digits and nothing after. */
static bool is_uuid(const char *text)
{
	size_t i;

	for (i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[36] == '\0';
}

static int check_qualified(const char *text, struct err *err)
{
	const char *domain = text + 12;
	size_t length;

	if (!is_date(text + 4))
		return err_set(
			err, -EINVAL,
			"\"%s\": after \"nqn.\" comes the year and month in which the domain "
			"was owned, as in nqn.2026-01.org.example:blake14",
			text);
	length = strcspn(domain, ":");
	if (!is_domain(domain, length))
		return err_set(err, -EINVAL,
			       "\"%s\": after the date comes a domain name in reverse, as in "
			       "nqn.2026-01.org.example:blake14",
			       text);
	if (domain[length] == ':' && domain[length + 1] == '\0')
		return err_set(err, -EINVAL, "\"%s\": a name is missing after the last \":\"",
			       text);
	if (strncmp(text, UUID_PREFIX, strlen(UUID_PREFIX)) == 0 &&
	    !is_uuid(text + strlen(UUID_PREFIX)))
		return err_set(err, -EINVAL,
			       "\"%s\": after \"uuid:\" comes a UUID of the form "
			       "7f0c9f6e-2c1b-4c55-9a83-0a5f3a0e1d14",
			       text);
	return 0;
}

static int check(const char *what, const char *text, struct err *err)
{
	size_t length = strlen(text);
	const char *c;

	if (length == 0)
		return err_set(err, -EINVAL, "the name (NQN) of a %s is empty", what);
	if (length > NQN_MAX)
		return err_set(err, -ENAMETOOLONG,
			       "the name (NQN) of a %s has at most %d characters, this one has "
			       "%zu: %.40s..",
			       what, NQN_MAX, length, text);
	for (c = text; *c; c++) {
		if (!isgraph((unsigned char)*c))
			return err_set(err, -EINVAL,
				       "the name (NQN) of a %s holds printable ASCII without "
				       "blanks only, character %zu is another",
				       what, (size_t)(c - text) + 1);
		if (*c == '/')
			return err_set(err, -EINVAL,
				       "\"%s\": the name (NQN) of a %s cannot have a \"/\"", text,
				       what);
	}
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return err_set(err, -EINVAL, "\"%s\" is no name (NQN) of a %s", text, what);
	return strncmp(text, "nqn.", 4) == 0 ? check_qualified(text, err) : 0;
}

int nqn_check(const char *text, struct err *err)
{
	if (strcmp(text, NQN_DISCOVERY) == 0)
		return err_set(err, -EINVAL,
			       "\"%s\" is the kernel's own discovery subsystem: give another name",
			       text);
	return check("subsystem", text, err);
}

int nqn_check_host(const char *text, struct err *err)
{
	if (strcmp(text, NQN_DISCOVERY) == 0)
		return err_set(err, -EINVAL, "\"%s\" is the name of discovery, not of a host",
			       text);
	return check("host", text, err);
}
