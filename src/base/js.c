/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/js.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/str.h"

/* A struct js is a json_t under another name. */
static json_t *to_json(const struct js *js)
{
	return (json_t *)js;
}

static struct js *from_json(json_t *json)
{
	return (struct js *)json;
}

int js_parse(const char *text, size_t length, struct js **ret, struct err *err)
{
	json_error_t error;
	json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (json) {
		*ret = from_json(json);
		return 0;
	}
	if (json_error_code(&error) == json_error_out_of_memory)
		return err_nomem(err);
	return err_set(err, -EBADMSG, "line %d, column %d: this is no JSON: %s", error.line,
		       error.column, error.text);
}

struct js *js_object(void)
{
	return from_json(json_object());
}

struct js *js_array(void)
{
	return from_json(json_array());
}

/* The bytes of a character that is valid UTF-8, 0 if it is none. */
static size_t utf8_length(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] < 0x80 ? 1 : byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	size_t i;

	for (i = 1; i < length; i++)
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	/* jansson itself knows what is overlong, a surrogate or past the last character */
	if (length > 1) {
		json_t *probe = json_stringn(text, length);

		json_decref(probe);
		return probe ? length : 0;
	}
	return length;
}

struct js *js_string(const char *text)
{
	CLEANUP_STR struct str clean = STR_NULL;
	json_t *json;

	if (!text)
		return from_json(json_null());
	json = json_string(text);
	if (json)
		return from_json(json);
	while (*text) {
		size_t length = utf8_length(text);

		if (length)
			str_add_n(&clean, text, length);
		else
			str_addf(&clean, "\\x%02x", (unsigned char)*text);
		text += length ? length : 1;
	}
	return clean.failed ? NULL : from_json(json_string(str_get(&clean)));
}

struct js *js_int(int64_t value)
{
	return from_json(json_integer(value));
}

struct js *js_bool(bool value)
{
	return from_json(json_boolean(value));
}

/*
 * A container that lost a member (out of memory) is marked in its reference count, which needs
 * no memory: there are never so many references.
 */
#define LOST ((size_t)1 << (sizeof(size_t) * 8 - 2))

static bool is_container(const json_t *json)
{
	return json_is_object(json) || json_is_array(json);
}

static void mark_lost(json_t *json)
{
	if (is_container(json))
		json->refcount |= LOST;
}

/* Was anything lost below @json? With @forget the marks are taken away. */
static bool is_lost(json_t *json, bool forget)
{
	bool lost = false;
	const char *key;
	json_t *value;
	size_t i;

	if (!is_container(json))
		return false;
	if (json->refcount & LOST)
		lost = true;
	if (forget)
		json->refcount &= ~LOST;
	json_object_foreach(json, key, value) lost |= is_lost(value, forget);
	json_array_foreach(json, i, value) lost |= is_lost(value, forget);
	return lost;
}

void js_free(struct js *js)
{
	if (!js)
		return;
	is_lost(to_json(js), true);
	json_decref(to_json(js));
}

void js_set(struct js *object, const char *key, struct js *take_value)
{
	json_t *json = to_json(object);

	if (!json || !take_value || json_object_set_new(json, key, to_json(take_value)) < 0)
		mark_lost(json);
	if (!json)
		js_free(take_value);
}

void js_append(struct js *array, struct js *take_value)
{
	json_t *json = to_json(array);

	if (!json || !take_value || json_array_append_new(json, to_json(take_value)) < 0)
		mark_lost(json);
	if (!json)
		js_free(take_value);
}

enum js_type js_type(const struct js *js)
{
	if (!js)
		return JS_NULL;
	switch (json_typeof(to_json(js))) {
	case JSON_OBJECT:
		return JS_OBJECT;
	case JSON_ARRAY:
		return JS_ARRAY;
	case JSON_STRING:
		return JS_STRING;
	case JSON_INTEGER:
		return JS_INT;
	case JSON_REAL:
		return JS_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JS_BOOL;
	case JSON_NULL:
		break;
	}
	return JS_NULL;
}

const struct js *js_get(const struct js *object, const char *key)
{
	return from_json(json_object_get(to_json(object), key));
}

size_t js_length(const struct js *array_or_object)
{
	const json_t *json = to_json(array_or_object);

	return json_is_object(json) ? json_object_size(json) : json_array_size(json);
}

const struct js *js_at(const struct js *array, size_t index)
{
	return from_json(json_array_get(to_json(array), index));
}

static void *iter_at(const struct js *object, size_t index)
{
	json_t *json = to_json(object);
	void *iter = json_object_iter(json);

	while (iter && index--)
		iter = json_object_iter_next(json, iter);
	return iter;
}

const char *js_key_at(const struct js *object, size_t index)
{
	void *iter = iter_at(object, index);

	return iter ? json_object_iter_key(iter) : NULL;
}

const struct js *js_value_at(const struct js *object, size_t index)
{
	void *iter = iter_at(object, index);

	return iter ? from_json(json_object_iter_value(iter)) : NULL;
}

const char *js_text(const struct js *string)
{
	return json_string_value(to_json(string));
}

int64_t js_number(const struct js *js, int64_t otherwise)
{
	const json_t *json = to_json(js);

	return json_is_integer(json) ? json_integer_value(json) : otherwise;
}

bool js_is_true(const struct js *js)
{
	return json_is_true(to_json(js));
}

bool js_is_equal(const struct js *a, const struct js *b, const char *but)
{
	json_t *left = to_json(a);
	json_t *right = to_json(b);
	const char *key;
	json_t *value;
	size_t count[2];

	if (!but || !json_is_object(left) || !json_is_object(right))
		return left == right || json_equal(left, right);
	count[0] = json_object_size(left) - (json_object_get(left, but) ? 1 : 0);
	count[1] = json_object_size(right) - (json_object_get(right, but) ? 1 : 0);
	if (count[0] != count[1])
		return false;
	json_object_foreach(left, key, value)
	{
		if (strcmp(key, but) != 0 && !json_equal(value, json_object_get(right, key)))
			return false;
	}
	return true;
}

static bool is_among(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (strcmp(key, *keys) == 0)
			return true;
	return false;
}

struct js *js_copy_without(const struct js *object, const char *const *keys)
{
	json_t *copy = json_object();
	const char *key;
	json_t *value;

	if (!copy || is_lost(to_json(object), false)) {
		json_decref(copy);
		return NULL;
	}
	json_object_foreach(to_json(object), key, value)
	{
		if (!is_among(key, keys) && json_object_set(copy, key, value) < 0) {
			json_decref(copy);
			return NULL;
		}
	}
	return from_json(copy);
}

struct js *js_ref(const struct js *js)
{
	return from_json(json_incref(to_json(js)));
}

/* As json_dumpb writes it without flags. */
static size_t text_size(const char *text, size_t length)
{
	size_t size = length + 2;
	size_t i;

	for (i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '"' || byte == '\\')
			size++;
		else if (byte < 0x20)
			size += strchr("\b\f\n\r\t", byte) && byte ? 1 : 5;
	}
	return size;
}

static size_t int_size(long long number)
{
	size_t size = number < 0 ? 2 : 1;

	while (number /= 10)
		size++;
	return size;
}

static size_t size_of(json_t *json);

static size_t object_size(json_t *json)
{
	size_t count = json_object_size(json);
	size_t size = count ? 1 + 2 * count : 2; /* braces, colons, commas */
	const char *key;
	json_t *value;

	json_object_foreach(json, key, value) size += text_size(key, strlen(key)) + size_of(value);
	return size;
}

static size_t array_size(json_t *json)
{
	size_t count = json_array_size(json);
	size_t size = count ? 1 + count : 2;
	json_t *value;
	size_t i;

	json_array_foreach(json, i, value) size += size_of(value);
	return size;
}

static size_t size_of(json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return object_size(json);
	case JSON_ARRAY:
		return array_size(json);
	case JSON_STRING:
		return text_size(json_string_value(json), json_string_length(json));
	case JSON_INTEGER:
		return int_size(json_integer_value(json));
	default:
		return json_dumpb(json, NULL, 0, JSON_ENCODE_ANY);
	}
}

/* Counted, not written: the bounds of each report are checked by it. */
size_t js_size(const struct js *js)
{
	return !js || is_lost(to_json(js), false) ? 0 : size_of(to_json(js));
}

/* As Python escapes: hex digits in lower case, DEL escaped as well. */
static char *to_python_escapes(const char *text)
{
	CLEANUP_STR struct str out = STR_NULL;

	for (; *text; text++) {
		if (*text == 0x7f) {
			str_add(&out, "\\u007f");
		} else if (text[0] == '\\' && text[1] == 'u') {
			str_addf(&out, "\\u%c%c%c%c", tolower(text[2]), tolower(text[3]),
				 tolower(text[4]), tolower(text[5]));
			text += 5;
		} else if (text[0] == '\\') {
			str_add_n(&out, text++, 2);
		} else {
			str_add_n(&out, text, 1);
		}
	}
	return str_take(&out);
}

char *js_format(const struct js *js, unsigned int flags)
{
	size_t options = JSON_ENCODE_ANY;
	char *text;
	char *escaped;

	if (!js || is_lost(to_json(js), false))
		return NULL;
	options |= flags & JS_INDENT2 ? JSON_INDENT(2) : JSON_COMPACT;
	if (flags & JS_SORTED)
		options |= JSON_SORT_KEYS;
	if (flags & JS_ASCII)
		options |= JSON_ENSURE_ASCII;
	text = json_dumps(to_json(js), options);
	if (!text || !(flags & JS_ASCII))
		return text;
	escaped = to_python_escapes(text);
	/* there may be secrets in it */
	explicit_bzero(text, strlen(text));
	free(text);
	return escaped;
}
