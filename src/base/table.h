/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table - rows with aligned columns, for people.
 *
 * A failed allocation is remembered: add freely, table_format passes it on to its text. Control
 * characters in cells, which may be names that others made, never reach a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct table {
	char **cells; /* row by row, the first row is the header */
	size_t n_cells;
	size_t n_columns;
	bool failed;
};

#define TABLE_MAX 16 /* columns */
#define TABLE(columns) ((struct table){ .n_columns = (columns) })

void table_deinit(struct table *table);
#define CLEANUP_TABLE __attribute__((cleanup(table_deinit)))

/* Add the next cell; an empty one is shown as "-". */
void table_add(struct table *table, const char *cell);
void table_addf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add the table as lines with aligned columns, each line after @indent. */
void table_format(const struct table *table, const char *indent, struct str *text);
