/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define GAP 2	     /* between columns */
#define NARROWEST 12 /* no column is made narrower than that */
#define DOTS ".."

void table_deinit(struct table *table)
{
	size_t i;

	for (i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = TABLE(0);
}

static bool reserve(struct table *table)
{
	size_t room = table->room ? table->room * 2 : 64;
	struct table_cell *cells;

	if (table->n_cells < table->room)
		return true;
	cells = realloc(table->cells, room * sizeof(*cells));
	if (!cells)
		return false;
	table->cells = cells;
	table->room = room;
	return true;
}

void table_add_tinted(struct table *table, enum table_tint tint, const char *text)
{
	CLEANUP_STR struct str clean = STR_NULL;
	char *copy;

	str_add_clean(&clean, text && *text ? text : "-");
	copy = reserve(table) ? str_take(&clean) : NULL;
	if (!copy) {
		table->failed = true;
		return;
	}
	table->cells[table->n_cells++] = (struct table_cell){ copy, tint };
}

void table_add(struct table *table, const char *text)
{
	table_add_tinted(table, TABLE_PLAIN, text);
}

void table_addf(struct table *table, const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	if (text)
		table_add(table, text);
	else
		table->failed = true;
}

size_t table_rows(const struct table *table)
{
	size_t rows = table->n_columns ? table->n_cells / table->n_columns : 0;

	return rows ? rows - 1 : 0;
}

size_t table_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;
	size_t i;

	for (i = column; i < table->n_cells; i += table->n_columns) {
		size_t cell = table_width(table->cells[i].text);

		width = cell > width ? cell : width;
	}
	return width;
}

/* Take from the widest column until all fit, or none has anything to give. */
static void shrink(size_t *widths, size_t n, size_t room)
{
	for (;;) {
		size_t widest = 0;
		size_t sum = GAP * (n - 1);
		size_t i;

		for (i = 0; i < n; i++) {
			sum += widths[i];
			if (widths[i] > widths[widest])
				widest = i;
		}
		if (sum <= room || widths[widest] <= NARROWEST)
			return;
		widths[widest]--;
	}
}

/* The bytes of the first @width characters. */
static size_t bytes_of(const char *text, size_t width)
{
	const char *at = text;

	while (*at) {
		if (((unsigned char)*at & 0xc0) != 0x80 && width-- == 0)
			break;
		at++;
	}
	return (size_t)(at - text);
}

static void add_cut(struct str *out, const char *text, size_t width)
{
	size_t whole = table_width(text);
	size_t head = (width - strlen(DOTS)) / 2;

	if (whole <= width) {
		str_add(out, text);
		return;
	}
	str_add_n(out, text, bytes_of(text, head));
	str_add(out, DOTS);
	str_add(out, text + bytes_of(text, whole - (width - strlen(DOTS) - head)));
}

void table_tint(struct str *text, bool colours, enum table_tint tint, const char *word)
{
	static const char *const codes[] = {
		[TABLE_GOOD] = "32", [TABLE_WARN] = "33",  [TABLE_BAD] = "31",
		[TABLE_DIM] = "2",   [TABLE_STRONG] = "1",
	};

	if (colours && tint != TABLE_PLAIN)
		str_addf(text, "\033[%sm%s\033[0m", codes[tint], word);
	else
		str_add(text, word);
}

static void add_cell(const struct table *table, const struct table_style *style, size_t index,
		     size_t width, struct str *text)
{
	const struct table_cell *cell = &table->cells[index];
	bool is_last = (index + 1) % table->n_columns == 0 || index + 1 == table->n_cells;
	CLEANUP_STR struct str cut = STR_NULL;
	enum table_tint tint = index < table->n_columns ? TABLE_STRONG : cell->tint;

	add_cut(&cut, cell->text, width);
	table_tint(text, style->colours, tint, str_get(&cut));
	if (is_last)
		str_add(text, "\n");
	else
		str_addf(text, "%*s", (int)(width - table_width(str_get(&cut)) + GAP), "");
	text->failed |= cut.failed;
}

void table_format_styled(const struct table *table, const struct table_style *style,
			 const char *indent, struct str *text)
{
	size_t widths[TABLE_MAX];
	size_t used = table_width(indent);
	size_t i;

	if (table->failed) {
		text->failed = true;
		return;
	}
	assert(table->n_columns > 0 && table->n_columns <= TABLE_MAX);
	for (i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	if (style->width)
		shrink(widths, table->n_columns, style->width > used ? style->width - used : 0);
	for (i = 0; i < table->n_cells; i++) {
		if (i % table->n_columns == 0)
			str_add(text, indent);
		add_cell(table, style, i, widths[i % table->n_columns], text);
	}
}

void table_format(const struct table *table, const char *indent, struct str *text)
{
	const struct table_style plain = { 0 };

	table_format_styled(table, &plain, indent, text);
}
