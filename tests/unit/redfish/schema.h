/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schema.h - is a document what Redfish's schemas allow? For tests of what we serve.
 *
 * By the table of schema-derive: types, required and unknown properties, kinds, words, URIs, ids,
 * targets of actions. What DMTF's service validator calls an error or a warning is a line of
 * complaint here, as far as the table goes; patterns of texts and ranges of numbers are not in it.
 */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/js.h"
#include "base/str.h"

#define SCHEMA_FILE "tests/unit/redfish/schema.tsv"

struct schema {
	char *text; /* lines, each ended by NUL */
	char **lines;
	size_t n_lines;
};

/* One look: what is looked at, and where it is in the document. */
struct schema_look {
	const struct schema *schema;
	const char *uri;
	struct str *out; /* complaints, a line each */
};

static inline void schema_deinit(struct schema *schema)
{
	free(schema->text);
	free(schema->lines);
}

/* Returns: 0; negative errno. */
static inline int schema_load(struct schema *ret)
{
	size_t room = 0;
	char *line, *rest;
	int r;

	*ret = (struct schema){ 0 };
	r = fs_read_file(AT_FDCWD, SCHEMA_FILE, 1 << 20, &ret->text, NULL);
	if (r < 0)
		return r;
	for (line = strtok_r(ret->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (ret->n_lines == room) {
			room = room ? 2 * room : 1024;
			ret->lines = reallocarray(ret->lines, room, sizeof(*ret->lines));
			if (!ret->lines)
				abort();
		}
		ret->lines[ret->n_lines++] = line;
	}
	return 0;
}

/* The field of a line, counted from 0. @ret_length  of it */
static inline const char *schema_field(const char *line, size_t index, size_t *ret_length)
{
	while (index-- > 0) {
		line = strchr(line, '\t');
		if (!line)
			return NULL;
		line++;
	}
	*ret_length = strcspn(line, "\t");
	return line;
}

static inline bool schema_field_is(const char *line, size_t index, const char *text)
{
	size_t length;
	const char *field = schema_field(line, index, &length);

	return field && strlen(text) == length && strncmp(field, text, length) == 0;
}

static inline bool schema_has_flag(const char *line, size_t index, char flag)
{
	size_t length;
	const char *field = schema_field(line, index, &length);

	return field && memchr(field, flag, length);
}

/* The line of a type; n_lines: none. */
static inline size_t schema_type(const struct schema *schema, const char *name)
{
	size_t i;

	for (i = 0; i < schema->n_lines; i++)
		if (schema->lines[i][0] == 'T' && schema_field_is(schema->lines[i], 1, name))
			break;
	return i;
}

/* The next line of that kind of the type after @at; NULL: no more. */
static inline const char *schema_next(const struct schema *schema, size_t *at, char kind)
{
	for (++*at; *at < schema->n_lines && schema->lines[*at][0] != 'T'; ++*at)
		if (schema->lines[*at][0] == kind)
			return schema->lines[*at];
	return NULL;
}

static inline const char *schema_member(const struct schema *schema, size_t type, char kind,
					const char *name)
{
	size_t at = type;
	const char *line;

	while ((line = schema_next(schema, &at, kind)))
		if (schema_field_is(line, 1, name))
			return line;
	return NULL;
}

static inline void schema_complain(const struct schema_look *look, const char *where,
				   const char *what)
{
	str_addf(look->out, "%s: %s: %s\n", look->uri, where, what);
}

static inline bool schema_is_annotation(const char *key)
{
	static const char *const known[] = { "@odata.id",
					     "@odata.type",
					     "@odata.etag",
					     "@odata.context",
					     "@odata.count",
					     "@odata.nextLink",
					     "@Message.ExtendedInfo",
					     "@Redfish.AllowableValues",
					     "@Redfish.ActionInfo",
					     "@Redfish.OperationApplyTimeSupport" };
	const char *annotation = strchr(key, '@');
	size_t i;

	for (i = 0; annotation && i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(annotation, known[i]) == 0)
			return true;
	return false;
}

static inline void schema_check_object(const struct schema_look *look, const char *where,
				       size_t type, const struct js *js);

static inline void schema_check_link(const struct schema_look *look, const char *where,
				     const struct js *js)
{
	if (js_type(js) != JS_OBJECT || js_length(js) != 1 || !js_text(js_get(js, "@odata.id")))
		schema_complain(look, where, "is no link");
}

static inline void schema_check_word(const struct schema_look *look, const char *where,
				     const char *type, const struct js *js)
{
	size_t at = schema_type(look->schema, type);
	const char *line = schema_next(look->schema, &at, 'W');
	size_t i, length;

	for (i = 1; line && js_text(js) && schema_field(line, i, &length); i++)
		if (schema_field_is(line, i, js_text(js)))
			return;
	schema_complain(look, where, js_text(js) ? js_text(js) : "is no word");
}

static inline bool schema_is_kind(char kind, const struct js *js)
{
	switch (kind) {
	case 's':
	case 't':
		return js_type(js) == JS_STRING;
	case 'i':
		return js_type(js) == JS_INT;
	case 'f':
		return js_type(js) == JS_INT || js_type(js) == JS_REAL;
	case 'b':
		return js_type(js) == JS_BOOL;
	default:
		return true;
	}
}

static inline void schema_check_value(const struct schema_look *look, const char *where,
				      const char *line, const struct js *js)
{
	size_t length;
	const char *kind = schema_field(line, 3, &length);

	if (js_type(js) == JS_NULL) {
		if (!schema_has_flag(line, 2, 'n'))
			schema_complain(look, where, "may not be null");
	} else if (*kind == '>') {
		schema_check_link(look, where, js);
	} else if (*kind == '=') {
		schema_check_word(look, where, kind + 1, js);
	} else if (*kind == '@') {
		schema_check_object(look, where, schema_type(look->schema, kind + 1), js);
	} else if (!schema_is_kind(*kind, js)) {
		schema_complain(look, where, "is of the wrong kind");
	} else if (js_text(js) && !*js_text(js) && !schema_has_flag(line, 2, 'w')) {
		schema_complain(look, where,
				"is an empty text that nobody can write: leave it out");
	}
}

static inline void schema_check_property(const struct schema_look *look, const char *where,
					 const char *line, const struct js *js)
{
	size_t i;

	if (schema_has_flag(line, 2, 'x'))
		schema_complain(look, where, "is deprecated");
	if (!schema_has_flag(line, 2, 'a')) {
		schema_check_value(look, where, line, js);
		return;
	}
	if (js_type(js) != JS_ARRAY)
		schema_complain(look, where, "is no array");
	for (i = 0; js_type(js) == JS_ARRAY && i < js_length(js); i++)
		schema_check_value(look, where, line, js_at(js, i));
}

/* "#Zone.AddEndpoint": {"target": URI/Actions/Zone.AddEndpoint} */
static inline void schema_check_action(const struct schema_look *look, const char *key, size_t type,
				       const struct js *js)
{
	CLEANUP_STR struct str target = STR_NULL;
	const char *name = strchr(key, '.');

	if (!name || !schema_member(look->schema, type, 'A', name + 1)) {
		schema_complain(look, key, "there is no such action");
		return;
	}
	str_addf(&target, "%s/Actions/%s", look->uri, key + 1);
	if (!js_text(js_get(js, "target")) ||
	    strcmp(js_text(js_get(js, "target")), str_get(&target)) != 0)
		schema_complain(look, key, "its target is another");
}

static inline void schema_check_object(const struct schema_look *look, const char *where,
				       size_t type, const struct js *js)
{
	const struct schema *schema = look->schema;
	const char *line;
	size_t at = type;
	size_t i;

	if (type == schema->n_lines || js_type(js) != JS_OBJECT) {
		schema_complain(look, where, "is no object of a known type");
		return;
	}
	for (i = 0; i < js_length(js); i++) {
		const char *key = js_key_at(js, i);

		line = schema_member(schema, type, 'P', key);
		if (line)
			schema_check_property(look, key, line, js_value_at(js, i));
		else if (*key == '#')
			schema_check_action(look, key, type, js_value_at(js, i));
		else if (!schema_is_annotation(key) &&
			 !schema_has_flag(schema->lines[type], 3, 'o'))
			schema_complain(look, key, "there is no such property");
	}
	while ((line = schema_next(schema, &at, 'P'))) {
		CLEANUP_STR struct str name = STR_NULL;
		size_t length = 0;
		const char *field = schema_field(line, 1, &length);

		str_add_n(&name, field, length);
		if (schema_has_flag(line, 2, 'r') && !js_get(js, str_get(&name)))
			schema_complain(look, str_get(&name), "is missing");
	}
}

/* Segment by segment; {} is any. */
static inline bool schema_uri_fits(const char *pattern, const char *uri)
{
	while (*pattern && *uri) {
		if (strncmp(pattern, "{}", 2) == 0) {
			size_t length = strcspn(uri, "/");

			if (length == 0)
				return false;
			uri += length;
			pattern += 2;
		} else if (*pattern++ != *uri++) {
			return false;
		}
	}
	return !*pattern && !*uri;
}

static inline void schema_check_uri(const struct schema_look *look, size_t type)
{
	size_t at = type;
	const char *line;

	while ((line = schema_next(look->schema, &at, 'U')))
		if (schema_uri_fits(line + 2, look->uri))
			return;
	schema_complain(look, "@odata.id", "its type may not be there");
}

/* Add a line for each thing that is wrong with the document of @uri. */
static inline void schema_check(const struct schema *schema, const char *uri, const struct js *doc,
				struct str *out)
{
	struct schema_look look = { .schema = schema, .uri = uri, .out = out };
	const char *type = js_text(js_get(doc, "@odata.type"));
	const char *id = js_text(js_get(doc, "@odata.id"));
	size_t at = type ? schema_type(schema, type + 1) : schema->n_lines;

	if (!id || strcmp(id, uri) != 0)
		schema_complain(&look, "@odata.id", "is not that of the resource");
	if (at == schema->n_lines) {
		schema_complain(&look, "@odata.type", type ? type : "is missing");
		return;
	}
	schema_check_uri(&look, at);
	schema_check_object(&look, "", at, doc);
	if (js_get(doc, "Members") && !js_get(doc, "Members@odata.nextLink") &&
	    js_number(js_get(doc, "Members@odata.count"), -1) !=
		    (int64_t)js_length(js_get(doc, "Members")))
		schema_complain(&look, "Members@odata.count", "is not their number");
}
