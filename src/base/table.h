/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table - aligned columns for people: on a terminal no wider than it is, and coloured.
 *
 * Cells are added row by row, the first row is the header. Control characters in what others made
 * never reach the terminal. A lack of memory is remembered and seen in the text (str.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define TABLE_MAX 16 /* columns */

enum table_tint { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_DIM, TABLE_STRONG };

struct table_cell {
	char *text;
	enum table_tint tint;
};

struct table {
	struct table_cell *cells;
	size_t n_cells;
	size_t room;
	size_t n_columns;
	bool failed;
};

#define TABLE(columns) ((struct table){ .n_columns = (columns) })

void table_deinit(struct table *table);
#define CLEANUP_TABLE __attribute__((cleanup(table_deinit)))

/* Add the next cell; NULL or an empty one is shown as "-". The tint is for terminals only. */
void table_add(struct table *table, const char *text);
void table_add_tinted(struct table *table, enum table_tint tint, const char *text);
void table_addf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Rows below the header. */
size_t table_rows(const struct table *table);

struct table_style {
	bool colours;
	size_t width; /* of the terminal; 0: as wide as it takes. The widest cells are cut for it,
		       * in their middle: names often differ at their end */
};

/* Add the table as lines with aligned columns, each line after @indent. */
void table_format(const struct table *table, const char *indent, struct str *text);
/* The same for a terminal. */
void table_format_styled(const struct table *table, const struct table_style *style,
			 const char *indent, struct str *text);

/* Add one text in a colour, or as it is without @colours. */
void table_tint(struct str *text, bool colours, enum table_tint tint, const char *word);

/* Columns of a terminal, if each character takes one. */
size_t table_width(const char *text);
