/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_deinit(struct str *str)
{
	free(str->text);
	*str = STR_NULL;
}

static bool reserve(struct str *str, size_t more)
{
	size_t room = str->room ? str->room : 64;
	char *text;

	if (str->failed)
		return false;
	while (room < str->length + more + 1)
		room *= 2;
	if (room == str->room)
		return true;
	text = realloc(str->text, room);
	if (!text) {
		str->failed = true;
		return false;
	}
	str->text = text;
	str->room = room;
	return true;
}

void str_add_n(struct str *str, const char *text, size_t length)
{
	if (!reserve(str, length))
		return;
	memcpy(str->text + str->length, text, length);
	str->length += length;
	str->text[str->length] = '\0';
}

void str_add(struct str *str, const char *text)
{
	str_add_n(str, text, strlen(text));
}

void str_addf(struct str *str, const char *format, ...)
{
	va_list args;
	va_list again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length >= 0 && reserve(str, (size_t)length)) {
		vsnprintf(str->text + str->length, (size_t)length + 1, format, again);
		str->length += (size_t)length;
	}
	va_end(again);
}

void str_add_quoted(struct str *str, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:@%+=,";

	if (*text && text[strspn(text, plain)] == '\0') {
		str_add(str, text);
		return;
	}
	str_add(str, "'");
	for (; *text; text++) {
		if (*text == '\'')
			str_add(str, "'\\''");
		else
			str_add_n(str, text, 1);
	}
	str_add(str, "'");
}

const char *str_get(const struct str *str)
{
	return str->text ? str->text : "";
}

char *str_take(struct str *str)
{
	char *text = NULL;

	if (!str->failed && reserve(str, 0)) {
		str->text[str->length] = '\0';
		text = str->text;
		str->text = NULL;
	}
	str_deinit(str);
	return text;
}

int str_parse_uint(const char *text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

void str_clean(char *text)
{
	unsigned char *c = (unsigned char *)text;

	for (; *c; c++) {
		if ((*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
		/* U+0080 to U+009f, of which U+009b begins a command as ESC [ does */
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			*c = c[1] = '?';
	}
}

bool str_is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* The bytes of the character at @byte, 0 if it is none or a control character. */
static size_t utf8_length(const unsigned char *byte)
{
	static const uint32_t least[] = { 0, 0x20, 0xa0, 0x800, 0x10000 };
	size_t length = *byte < 0x80 ? 1 : *byte >= 0xf0 ? 4 : *byte >= 0xe0 ? 3 : 2;
	uint32_t c = length == 1 ? *byte : *byte & (0x7fu >> length);
	size_t i;

	if (*byte == 0x7f || (*byte >= 0x80 && *byte < 0xc2) || *byte > 0xf4)
		return 0;
	for (i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte[i] & 0x3f);
	}
	return c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : length;
}

bool str_is_utf8(const char *text)
{
	size_t length;

	for (; *text; text += length) {
		length = utf8_length((const unsigned char *)text);
		if (length == 0)
			return false;
	}
	return true;
}

void str_hex(const void *bytes, size_t size, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = bytes;
	size_t i;

	for (i = 0; i < size; i++) {
		ret_hex[2 * i] = digits[byte[i] >> 4];
		ret_hex[2 * i + 1] = digits[byte[i] & 15];
	}
	ret_hex[2 * size] = '\0';
}

const char *str_format_size(uint64_t bytes, char text[STR_SIZE_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;
	char *dot;

	/* what would be rounded to 1024 is one of the next unit */
	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, STR_SIZE_MAX, "%.1f", value);
	dot = strstr(text, ".0");
	if (dot)
		*dot = '\0';
	snprintf(text + strlen(text), STR_SIZE_MAX - strlen(text), " %s", units[unit]);
	return text;
}

void str_add_clean(struct str *text, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		str_add_n(text, c < 0x20 || c == 0x7f ? "?" : value, 1);
	}
}

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

#define NEAR_MAX 256 /* names are of 223 bytes */

/* How many characters must be added, removed or changed. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAR_MAX + 1];
	size_t length = minimum(strlen(b), NEAR_MAX);
	size_t i;
	size_t j;

	for (j = 0; j <= length; j++)
		row[j] = j;
	for (i = 0; a[i] && i < NEAR_MAX; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (j = 1; j <= length; j++) {
			size_t changed = diagonal + (a[i] != b[j - 1]);

			diagonal = row[j];
			row[j] = minimum(changed, minimum(row[j], row[j - 1]) + 1);
		}
	}
	return row[length];
}

static bool is_near(const char *name, const char *other)
{
	size_t length = strlen(name);

	/* blake14 and nqn.2026-01.org.example:blake14 */
	if (length > 2 && (strcasestr(other, name) || strcasestr(name, other)))
		return true;
	return distance(name, other) <= (length < 4 ? 1 : length < 16 ? 2 : 3);
}

void str_add_near(struct str *text, const char *name, const char *const *names, size_t n_names)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < n_names && n < 3; i++) {
		if (!*names[i] || !is_near(name, names[i]))
			continue;
		str_add(text, n++ ? ", " : "");
		str_add_clean(text, names[i]);
	}
}
