/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/sse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"

static void empty(struct str *str)
{
	str->length = 0;
	if (str->text)
		str->text[0] = '\0';
}

void sse_deinit(struct sse *sse)
{
	str_deinit(&sse->line);
	str_deinit(&sse->data);
	*sse = SSE_NULL;
}

static void forget(struct sse *sse)
{
	empty(&sse->data);
	sse->type[0] = '\0';
	sse->has_data = false;
}

void sse_restart(struct sse *sse)
{
	forget(sse);
	empty(&sse->line);
	sse->after_cr = false;
	sse->is_begun = false;
}

static int dispatch(struct sse *sse, sse_fn fn, void *user)
{
	struct sse_event event = {
		.id = sse->id,
		.type = sse->type,
		.data = str_get(&sse->data),
		.length = sse->data.length,
	};
	int r = sse->has_data ? fn(user, &event) : 0;

	forget(sse);
	return r;
}

static int add_data(struct sse *sse, const char *value, size_t length)
{
	if (sse->data.length + length + 1 > SSE_DATA_MAX)
		return -E2BIG;
	if (sse->has_data)
		str_add_n(&sse->data, "\n", 1);
	str_add_n(&sse->data, value, length);
	sse->has_data = true;
	return sse->data.failed ? -ENOMEM : 0;
}

/* One with a NUL byte, or too long for any of ours, is ignored. */
static void set_name(char name[SSE_ID_MAX], const char *value, size_t length)
{
	if (length >= SSE_ID_MAX || memchr(value, '\0', length))
		return;
	memcpy(name, value, length);
	name[length] = '\0';
}

static bool is_field(const char *line, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(line, name, length) == 0;
}

static int take_line(struct sse *sse, const char *line, size_t length, sse_fn fn, void *user)
{
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : length;
	const char *value = colon ? colon + 1 : line + length;

	if (length == 0)
		return dispatch(sse, fn, user);
	if (value < line + length && *value == ' ')
		value++;
	if (is_field(line, name, "data"))
		return add_data(sse, value, (size_t)(line + length - value));
	if (is_field(line, name, "id"))
		set_name(sse->id, value, (size_t)(line + length - value));
	if (is_field(line, name, "event"))
		set_name(sse->type, value, (size_t)(line + length - value));
	return 0;
}

static int end_line(struct sse *sse, sse_fn fn, void *user)
{
	const char *line = str_get(&sse->line);
	size_t length = sse->line.length;
	int r;

	if (!sse->is_begun && length >= 3 && memcmp(line, BOM, 3) == 0) {
		line += 3;
		length -= 3;
	}
	sse->is_begun = true;
	r = take_line(sse, line, length, fn, user);
	empty(&sse->line);
	return r;
}

int sse_feed(struct sse *sse, const char *bytes, size_t length, sse_fn fn, void *user)
{
	const char *end = bytes + length;
	int r = 0;

	while (r == 0 && bytes < end) {
		const char *at = bytes;

		if (sse->after_cr && *bytes == '\n') {
			sse->after_cr = false;
			bytes++;
			continue;
		}
		sse->after_cr = false;
		while (at < end && *at != '\n' && *at != '\r')
			at++;
		if (sse->line.length + (size_t)(at - bytes) > SSE_LINE_MAX)
			return -E2BIG;
		str_add_n(&sse->line, bytes, (size_t)(at - bytes));
		if (sse->line.failed)
			return -ENOMEM;
		bytes = at;
		if (at == end)
			break;
		sse->after_cr = *at == '\r';
		bytes++;
		r = end_line(sse, fn, user);
	}
	return r;
}
