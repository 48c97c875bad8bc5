/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz-attr - values of attributes: "KNAME\nVALUE\nVALUE", K is the kind as a letter from A on
 * (or KNUMBER: the NUMBERth attribute of the kind).
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cut off the first line. */
static char *next_line(char **text)
{
	char *line = *text;
	char *end = strchr(line, '\n');

	*text = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static void check_value(enum model_kind kind, const char *name, const char *value)
{
	const struct attr_info *info = attr_find(kind, name);
	struct err err = ERR_NULL;
	int r = attr_check(kind, name, value, &err);

	REQUIRE((r < 0) == (err.code < 0) && (r < 0) == (*err.text != '\0'));
	REQUIRE(attr_is_same(kind, name, value, value));
	if (r < 0)
		return;
	REQUIRE(strlen(value) < 4096);
	if (info && info->type == ATTR_BOOL)
		REQUIRE(attr_is_same(kind, name, value, "0") !=
			attr_is_same(kind, name, value, "1"));
	if (info && info->type == ATTR_NUMBER)
		REQUIRE(strtoll(value, NULL, 0) >= info->min &&
			strtoll(value, NULL, 0) <= info->max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);
	char *rest = text;
	const char *name = next_line(&rest);
	const char *a = next_line(&rest);
	const char *b = next_line(&rest);
	enum model_kind kind;
	uint64_t index;

	if (*name < 'A' || *name > 'A' + MODEL_REFERRAL)
		return 0;
	kind = (enum model_kind)(*name++ - 'A');
	if (str_parse_uint(name, 100, &index) == 0) {
		const struct attr_info *info = attr_at(kind, (unsigned int)index);

		REQUIRE(!info || attr_find(kind, info->name) == info);
		name = info ? info->name : name;
	}
	check_value(kind, name, a);
	check_value(kind, name, b);
	REQUIRE(attr_is_same(kind, name, a, b) == attr_is_same(kind, name, b, a));
	return 0;
}
