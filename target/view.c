/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/view.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "core/dev.h"
#include "nvmf/addr.h"
#include "target/attr.h"
#include "target/export.h"

/* --- tables */

void view_table_deinit(struct view_table *table)
{
	size_t i;

	for (i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = VIEW_TABLE(0);
}

void view_table_add(struct view_table *table, const char *cell)
{
	CLEANUP_STR struct str clean = STR_NULL;
	char **cells = realloc(table->cells, (table->n_cells + 1) * sizeof(void *));

	if (cells)
		table->cells = cells;
	view_add_clean(&clean, cell && *cell ? cell : "-");
	if (!cells || !(cells[table->n_cells] = str_take(&clean))) {
		table->failed = true;
		return;
	}
	table->n_cells++;
}

void view_table_addf(struct view_table *table, const char *format, ...)
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
		view_table_add(table, cell);
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

static size_t column_width(const struct view_table *table, size_t column)
{
	size_t width = 0;
	size_t i;

	for (i = column; i < table->n_cells; i += table->n_columns) {
		size_t cell = width_of(table->cells[i]);

		width = cell > width ? cell : width;
	}
	return width;
}

void view_table_format(const struct view_table *table, const char *indent, struct str *text)
{
	size_t widths[VIEW_TABLE_MAX];
	size_t i;

	if (table->failed) {
		text->failed = true;
		return;
	}
	assert(table->n_columns > 0 && table->n_columns <= VIEW_TABLE_MAX);
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

/* --- small texts */

const char *view_size(uint64_t bytes, char text[VIEW_SIZE_MAX])
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
	snprintf(text, VIEW_SIZE_MAX, "%.1f", value);
	dot = strstr(text, ".0");
	if (dot)
		*dot = '\0';
	snprintf(text + strlen(text), VIEW_SIZE_MAX - strlen(text), " %s", units[unit]);
	return text;
}

void view_add_clean(struct str *text, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		str_add_n(text, c < 0x20 || c == 0x7f ? "?" : value, 1);
	}
}

void view_listener(const struct model_object *port, struct str *text)
{
	const char *trtype = model_text(port, "addr_trtype");
	const char *traddr = model_text(port, "addr_traddr");
	bool has_service = strcmp(trtype, "rdma") == 0 || strcmp(trtype, "tcp") == 0;
	char address[ADDR_TEXT_MAX];

	view_add_clean(text, *trtype ? trtype : "no address");
	if (!*traddr || strcmp(trtype, "loop") == 0)
		return;
	str_add(text, " ");
	/* nn-0x..:pn-0x.. is no IPv6 address */
	if (has_service)
		traddr = addr_format_parts(traddr, model_text(port, "addr_trsvcid"), address);
	view_add_clean(text, traddr);
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

void view_near(const char *name, const char *const *names, size_t n_names, struct str *text)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < n_names && n < 3; i++) {
		if (!*names[i] || !is_near(name, names[i]))
			continue;
		str_add(text, n++ ? ", " : "");
		view_add_clean(text, names[i]);
	}
}

/* --- one export */

const struct model_object *view_next_port(const struct view_export *export, size_t *index)
{
	const struct model_object *port;

	while ((port = model_next(export->root, MODEL_PORT, index)))
		if (model_has_link(port, export->subsystem->name))
			return port;
	return NULL;
}

bool view_is_session_of(const struct view_export *export, const struct session *session)
{
	return strcmp(session->nqn, export->subsystem->name) == 0;
}

bool view_may_be_session_of(const struct view_export *export, const struct session *session)
{
	return !*session->nqn &&
	       model_has_link(model_find_id(export->root, MODEL_PORT, session->port_id),
			      export->subsystem->name);
}

/* Connections of TCP can always be asked for. */
static bool has_blind_listener(const struct view_export *export)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = view_next_port(export, &i)))
		if (strcmp(model_text(port, "addr_trtype"), "tcp") != 0)
			return true;
	return false;
}

struct view_connected view_count_connected(const struct view_export *export)
{
	struct view_connected connected = { .is_exact = true };
	size_t i;

	if (!export->sessions)
		return connected;
	for (i = 0; i < export->sessions->count; i++) {
		const struct session *session = &export->sessions->items[i];

		if (view_is_session_of(export, session))
			connected.count++;
		else if (view_may_be_session_of(export, session))
			connected.is_exact = false;
	}
	if (!export->sessions->complete && has_blind_listener(export))
		connected.is_exact = false;
	return connected;
}

void view_header(struct view_table *table)
{
	static const char *const names[VIEW_COLUMNS] = { "NQN", "NAMESPACES", "LISTENERS", "HOSTS",
							 "CONNECTED" };
	size_t i;

	for (i = 0; i < VIEW_COLUMNS; i++)
		view_table_add(table, names[i]);
}

static void add_namespaces(const struct view_export *export, struct view_table *table)
{
	const struct model_object *passthru =
		model_find(export->subsystem, MODEL_PASSTHRU, "passthru");
	const struct model_object *namespace;
	unsigned int n = 0;
	unsigned int n_disabled = 0;
	size_t i = 0;

	while ((namespace = model_next(export->subsystem, MODEL_NAMESPACE, &i))) {
		n++;
		/* a stored one is enabled unless it says otherwise */
		n_disabled += strcmp(model_text(namespace, "enable"), "0") == 0;
	}
	if (n == 0 && passthru && view_device(passthru))
		view_table_add(table, "passthru");
	else if (n_disabled)
		view_table_addf(table, "%u, %u disabled", n, n_disabled);
	else
		view_table_addf(table, "%u", n);
}

static void add_listeners(const struct view_export *export, struct view_table *table)
{
	CLEANUP_STR struct str text = STR_NULL;
	const struct model_object *port;
	size_t i = 0;

	while ((port = view_next_port(export, &i))) {
		str_add(&text, text.length ? ", " : "");
		view_listener(port, &text);
	}
	view_table_add(table, str_get(&text));
	table->failed = table->failed || text.failed;
}

void view_row(const struct view_export *export, struct view_table *table)
{
	struct view_connected connected = view_count_connected(export);

	view_table_add(table, export->subsystem->name);
	add_namespaces(export, table);
	add_listeners(export, table);
	if (model_is_on(export->subsystem, "attr_allow_any_host"))
		view_table_add(table, "any");
	else
		view_table_addf(table, "%zu", export->subsystem->n_links);
	if (!export->sessions)
		view_table_add(table, "stored, not exported");
	else if (!connected.is_exact && connected.count == 0)
		view_table_add(table, "?");
	else
		view_table_addf(table, "%u%s", connected.count, connected.is_exact ? "" : "+");
}

/* --- attributes */

const char *const view_own_of_subsystem[] = { "attr_serial", "attr_model", "attr_allow_any_host",
					      NULL };
const char *const view_own_of_namespace[] = { "device_path", "device_uuid", "device_nguid",
					      "enable",	     "ana_grpid",   NULL };
const char *const view_own_of_port[] = { "addr_trtype", "addr_traddr", "addr_trsvcid",
					 "addr_adrfam", "addr_tsas",   "addr_treq",
					 NULL };

static bool is_among(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void view_each_attr(const struct model_object *object, const char *const *but, view_attr_fn fn,
		    void *data)
{
	const struct attr_info *info;
	unsigned int at = 0;
	size_t i;

	while ((info = attr_at(object->kind, at++))) {
		const char *value = model_get(object, info->name);

		if (value && !info->secret && !is_among(but, info->name))
			fn(data, info->name, value);
	}
	for (i = 0; i < object->n_attrs; i++) {
		const struct model_attr *attr = &object->attrs[i];

		if (!attr->secret && !attr_find(object->kind, attr->name) &&
		    !export_is_pseudo(attr->name) && !is_among(but, attr->name))
			fn(data, attr->name, attr->value);
	}
}

/* --- questions that both views ask */

const char *view_tls(const struct model_object *port)
{
	const char *treq = model_text(port, "addr_treq");

	if (strcmp(model_text(port, "addr_tsas"), "tls1.3") != 0)
		return "none";
	return strcmp(treq, "required") == 0 ? "required" : "optional";
}

int view_has_key(const struct model_object *host, const char *key, const char *key_file)
{
	const char *value = model_get(host, key);

	/* its directory is root's */
	if (!host)
		return -1;
	if (model_get(host, key_file))
		return 1;
	if (value)
		return *value != '\0';
	/* the kernel has keys, and this one could not be read */
	return model_get(host, "dhchap_hash") ? -1 : 0;
}

const char *view_device(const struct model_object *object)
{
	const char *path = model_text(object, "device_path");

	return *path && strcmp(path, "(null)") != 0 ? path : NULL;
}

int view_device_now(const char *path, uint64_t *ret_bytes, char ret_node[VIEW_NODE_MAX])
{
	struct dev_info dev;
	int r = dev_inspect(path, &dev, NULL);

	if (r < 0)
		return r;
	*ret_bytes = dev.size_bytes;
	snprintf(ret_node, VIEW_NODE_MAX, "%s%s", *dev.node ? "/dev/" : "", dev.node);
	return 0;
}
