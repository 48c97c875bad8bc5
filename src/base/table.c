/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

void table_deinit(struct table *table)
{
	size_t i;

	for (i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = TABLE(0);
}

void table_add(struct table *table, const char *cell)
{
	CLEANUP_STR struct str clean = STR_NULL;
	char **cells = realloc(table->cells, (table->n_cells + 1) * sizeof(void *));

	if (cells)
		table->cells = cells;
	str_add_clean(&clean, cell && *cell ? cell : "-");
	if (!cells || !(cells[table->n_cells] = str_take(&clean))) {
		table->failed = true;
		return;
	}
	table->n_cells++;
}

void table_addf(struct table *table, const char *format, ...)
{
	CLEANUP_FREE char *cell = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&cell, format, args);
	va_end(args);
	if (r < 0)
		cell = NULL;
	if (cell)
		table_add(table, cell);
	else
		table->failed = true;
}

/* Columns of a terminal, if each character takes one. */
static size_t width_of(const char *cell)
{
	size_t width = 0;

	for (; *cell; cell++)
		width += ((unsigned char)*cell & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;
	size_t i;

	for (i = column; i < table->n_cells; i += table->n_columns) {
		size_t cell = width_of(table->cells[i]);

		width = cell > width ? cell : width;
	}
	return width;
}

void table_format(const struct table *table, const char *indent, struct str *text)
{
	size_t widths[TABLE_MAX];
	size_t i;

	if (table->failed) {
		text->failed = true;
		return;
	}
	assert(table->n_columns > 0 && table->n_columns <= TABLE_MAX);
	for (i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	for (i = 0; i < table->n_cells; i++) {
		size_t column = i % table->n_columns;
		bool is_last = column + 1 == table->n_columns || i + 1 == table->n_cells;

		str_add(text, column == 0 ? indent : "");
		str_add(text, table->cells[i]);
		if (is_last)
			str_add(text, "\n");
		else
			str_addf(text, "%*s", (int)(widths[column] - width_of(table->cells[i]) + 2),
				 "");
	}
}
