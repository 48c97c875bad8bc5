/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/cfg.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/str.h"

/* libconfig's parser recurses. */
#define DEPTH_MAX 16
/* Digits of a number that fits 64 bits in any base. */
#define DIGITS_MAX 16

struct cfg {
	struct config_t config; /* the first member: an item finds its cfg by it */
	char *origin;
};

static const struct cfg_item *to_item(const config_setting_t *setting)
{
	return (const struct cfg_item *)setting;
}

static config_setting_t *to_setting(const struct cfg_item *item)
{
	return (config_setting_t *)item;
}

static const struct cfg *cfg_of(const struct cfg_item *item)
{
	return (const struct cfg *)to_setting(item)->config;
}

/* --- a look at the text before libconfig gets it */

/*
 * libconfig cuts a number over 32 bits without a word (4294967297 becomes 1), unless it ends
 * with L, and follows @include. So the text is copied: each number gets its L, and what shall
 * not be there is refused.
 */
struct scan {
	const char *at;
	const char *origin;
	struct str out;
	unsigned int line;
	unsigned int depth;
	struct err *err;
};

static int scan_refuse(struct scan *scan, const char *why)
{
	return err_set(scan->err, -EBADMSG, "%s:%u: %s", scan->origin, scan->line, why);
}

static void scan_copy(struct scan *scan, size_t length)
{
	for (; length && *scan->at; length--) {
		scan->line += *scan->at == '\n';
		str_add_n(&scan->out, scan->at++, 1);
	}
}

static int scan_quoted(struct scan *scan)
{
	unsigned int first = scan->line;

	scan_copy(scan, 1);
	while (*scan->at && *scan->at != '"') {
		if (strncmp(scan->at, "\\x00", 4) == 0)
			return scan_refuse(scan, "a text cannot have a NUL byte (\\x00)");
		scan_copy(scan, *scan->at == '\\' ? 2 : 1);
	}
	if (!*scan->at) {
		scan->line = first;
		return scan_refuse(scan, "the closing \" of this text is missing");
	}
	scan_copy(scan, 1);
	return 0;
}

static int scan_comment(struct scan *scan)
{
	const char *end;

	if (scan->at[1] != '*') {
		scan_copy(scan, strcspn(scan->at, "\n"));
		return 0;
	}
	end = strstr(scan->at + 2, "*/");
	if (!end)
		return scan_refuse(scan, "the end of this comment is missing");
	scan_copy(scan, (size_t)(end - scan->at) + 2);
	return 0;
}

static int scan_number(struct scan *scan)
{
	bool hex = scan->at[0] == '0' && (scan->at[1] == 'x' || scan->at[1] == 'X');
	const char *digits = scan->at + (hex ? 2 : 0);
	size_t length = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (length > DIGITS_MAX - (hex ? 1 : 0) || (hex && length == 0))
		return scan_refuse(scan, "this number is too large or no number");
	scan_copy(scan, length + (hex ? 2 : 0));
	if (!hex && (*scan->at == '.' || *scan->at == 'e' || *scan->at == 'E'))
		scan_copy(scan, 1 + strspn(scan->at + 1, "0123456789eE+-"));
	else if (*scan->at != 'L')
		str_add(&scan->out, "L");
	else
		scan_copy(scan, strspn(scan->at, "L"));
	return 0;
}

static int scan_bracket(struct scan *scan)
{
	if (strchr("([{", *scan->at) && ++scan->depth > DEPTH_MAX)
		return scan_refuse(scan, "there are too many brackets in each other");
	if (strchr(")]}", *scan->at) && scan->depth)
		scan->depth--;
	scan_copy(scan, 1);
	return 0;
}

static bool is_comment(const char *at)
{
	return *at == '#' || (*at == '/' && (at[1] == '/' || at[1] == '*'));
}

static int scan_token(struct scan *scan)
{
	char c = *scan->at;

	if (c == '"')
		return scan_quoted(scan);
	if (c == '@')
		return scan_refuse(scan, "@include is not supported: write all in one file");
	if (strchr("()[]{}", c))
		return scan_bracket(scan);
	if (isdigit((unsigned char)c))
		return scan_number(scan);
	if (is_comment(scan->at))
		return scan_comment(scan);
	if (isalpha((unsigned char)c) || c == '*' || c == '_')
		while (isalnum((unsigned char)*scan->at) || (*scan->at && strchr("-_*", *scan->at)))
			scan_copy(scan, 1);
	else
		scan_copy(scan, 1);
	return 0;
}

static int scan_text(const char *text, const char *origin, char **ret, struct err *err)
{
	struct scan scan = { .at = text, .origin = origin, .line = 1, .err = err };
	int r = 0;

	while (*scan.at && r == 0)
		r = scan_token(&scan);
	if (r < 0) {
		str_deinit(&scan.out);
		return r;
	}
	*ret = str_take(&scan.out);
	return *ret ? 0 : err_nomem(err);
}

/* --- the file */

static int check_size(const char *text, size_t length, const char *origin, struct err *err)
{
	if (length > CFG_SIZE_MAX)
		return err_set(err, -EFBIG, "%s: the file is larger than %u bytes", origin,
			       CFG_SIZE_MAX);
	if (memchr(text, '\0', length))
		return err_set(err, -EBADMSG, "%s: this is no text, it has a NUL byte", origin);
	return 0;
}

static int read_config(struct cfg *cfg, const char *text, struct err *err)
{
	if (config_read_string(&cfg->config, text) == CONFIG_TRUE)
		return 0;
	return err_set(err, -EBADMSG, "%s:%d: %s", cfg->origin, config_error_line(&cfg->config),
		       config_error_text(&cfg->config));
}

static int parse_scanned(const char *text, const char *origin, struct cfg **ret, struct err *err)
{
	struct cfg *cfg = calloc(1, sizeof(*cfg));
	int r;

	if (!cfg)
		return err_nomem(err);
	config_init(&cfg->config);
	cfg->origin = strdup(origin);
	r = cfg->origin ? read_config(cfg, text, err) : err_nomem(err);
	if (r < 0)
		cfg_free(cfg);
	else
		*ret = cfg;
	return r;
}

int cfg_parse(const char *text, size_t length, const char *origin, struct cfg **ret,
	      struct err *err)
{
	char *copy;
	char *scanned = NULL;
	int r = check_size(text, length, origin, err);

	if (r < 0)
		return r;
	copy = strndup(text, length);
	if (!copy)
		return err_nomem(err);
	r = scan_text(copy, origin, &scanned, err);
	if (r == 0)
		r = parse_scanned(scanned, origin, ret, err);
	free(scanned);
	free(copy);
	return r;
}

void cfg_free(struct cfg *cfg)
{
	if (!cfg)
		return;
	config_destroy(&cfg->config);
	free(cfg->origin);
	free(cfg);
}

/* --- items */

const struct cfg_item *cfg_root(const struct cfg *cfg)
{
	return to_item(config_root_setting(&cfg->config));
}

enum cfg_type cfg_type(const struct cfg_item *item)
{
	switch (config_setting_type(to_setting(item))) {
	case CONFIG_TYPE_BOOL:
		return CFG_BOOL;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return CFG_INT;
	case CONFIG_TYPE_FLOAT:
		return CFG_REAL;
	case CONFIG_TYPE_STRING:
		return CFG_TEXT;
	case CONFIG_TYPE_GROUP:
		return CFG_GROUP;
	default:
		return CFG_LIST;
	}
}

const char *cfg_name(const struct cfg_item *item)
{
	const char *name = config_setting_name(to_setting(item));

	return name ? name : "";
}

static bool is_aggregate(const struct cfg_item *item)
{
	return cfg_type(item) == CFG_GROUP || cfg_type(item) == CFG_LIST;
}

size_t cfg_length(const struct cfg_item *item)
{
	return is_aggregate(item) ? (size_t)config_setting_length(to_setting(item)) : 0;
}

const struct cfg_item *cfg_at(const struct cfg_item *item, size_t index)
{
	if (index >= cfg_length(item))
		return NULL;
	return to_item(config_setting_get_elem(to_setting(item), (unsigned int)index));
}

const struct cfg_item *cfg_find(const struct cfg_item *group, const char *name)
{
	if (cfg_type(group) != CFG_GROUP)
		return NULL;
	return to_item(config_setting_get_member(to_setting(group), name));
}

/* The name to tell: of an element that of its list. */
static const char *name_to_tell(const struct cfg_item *item, const char **ret_what)
{
	const config_setting_t *setting = to_setting(item);

	*ret_what = "";
	if (!*cfg_name(item) && config_setting_parent(setting)) {
		*ret_what = "an element of ";
		item = to_item(config_setting_parent(setting));
	}
	return *cfg_name(item) ? cfg_name(item) : "the file";
}

static int wrong_type(const struct cfg_item *item, struct err *err, const char *want)
{
	const char *what;
	const char *name = name_to_tell(item, &what);

	return cfg_error(item, err, -EINVAL, "%s%s must be %s", what, name, want);
}

int cfg_text(const struct cfg_item *item, const char **ret, struct err *err)
{
	if (cfg_type(item) != CFG_TEXT)
		return wrong_type(item, err, "a text in double quotes");
	*ret = config_setting_get_string(to_setting(item));
	return 0;
}

int cfg_int(const struct cfg_item *item, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	const char *what;
	const char *name;
	int64_t value;

	if (cfg_type(item) != CFG_INT)
		return wrong_type(item, err, "a whole number");
	value = config_setting_get_int64(to_setting(item));
	if (value < min || value > max) {
		name = name_to_tell(item, &what);
		return cfg_error(item, err, -EINVAL,
				 "%s%s is %" PRId64 ", but must be from %" PRId64 " to %" PRId64,
				 what, name, value, min, max);
	}
	*ret = value;
	return 0;
}

int cfg_bool(const struct cfg_item *item, bool *ret, struct err *err)
{
	int64_t number = 0;

	if (cfg_type(item) == CFG_BOOL) {
		*ret = config_setting_get_bool(to_setting(item)) == CONFIG_TRUE;
		return 0;
	}
	if (cfg_int(item, 0, 1, &number, NULL) < 0)
		return wrong_type(item, err, "true or false");
	*ret = number == 1;
	return 0;
}

int cfg_need_group(const struct cfg_item *item, struct err *err)
{
	return cfg_type(item) == CFG_GROUP ? 0 : wrong_type(item, err, "a group { .. }");
}

int cfg_need_list(const struct cfg_item *item, struct err *err)
{
	return cfg_type(item) == CFG_LIST ? 0 : wrong_type(item, err, "a list ( .. )");
}

int cfg_error(const struct cfg_item *item, struct err *err, int code, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(err, code, "%s:%u: %s", cfg_of(item)->origin,
		       config_setting_source_line(to_setting(item)), text);
}

void cfg_prefix(const struct cfg_item *item, struct err *err)
{
	err_prefix(err, "%s:%u: %s%s", cfg_of(item)->origin,
		   config_setting_source_line(to_setting(item)), cfg_name(item),
		   *cfg_name(item) ? ": " : "");
}
