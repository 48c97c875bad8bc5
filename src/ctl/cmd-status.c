/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

/* No count of ours is so large, but each moment since 2010 is. */
#define FIRST_TIME_MS 1262304000000

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void add_member(struct table *table, const char *prefix, const char *key,
		       const struct js *value)
{
	CLEANUP_FREE char *text = view_list(value);
	char size[STR_SIZE_MAX];
	char span[CLOCK_TEXT_MAX];
	char time[VIEW_TIME_MAX];

	table_addf(table, "%s%s%s", prefix, *prefix ? "." : "", key);
	if (ends_with(key, "_bytes") && js_type(value) == JS_INT)
		table_add(table, str_format_size((uint64_t)js_number(value, 0), size));
	else if (ends_with(key, "_ms") && js_type(value) == JS_INT)
		table_add(table, clock_format_span(js_number(value, 0), span));
	else if (js_number(value, 0) > FIRST_TIME_MS)
		table_add(table, view_time(js_number(value, 0), time));
	else
		table_add(table, text);
}

#define DEPTH_MAX 4

/* All there is: a collector of another version may tell more than we know. */
static void add_members(struct table *table, const char *prefix, const struct js *object,
			unsigned int depth)
{
	size_t i;

	for (i = 0; i < js_length(object) && depth < DEPTH_MAX; i++) {
		const struct js *value = js_value_at(object, i);
		CLEANUP_STR struct str inner = STR_NULL;

		if (js_type(value) != JS_OBJECT) {
			add_member(table, prefix, js_key_at(object, i), value);
			continue;
		}
		str_addf(&inner, "%s%s%s", prefix, *prefix ? "." : "", js_key_at(object, i));
		add_members(table, str_get(&inner), value, depth + 1);
	}
}

int cmd_status(struct ctl *ctl, struct err *err)
{
	CLEANUP_TABLE struct table table = TABLE(2);
	CLEANUP_JS struct js *document = NULL;
	int r = client_get(ctl->client, "/status", &document, err);

	if (r < 0)
		return r;
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "status", js_ref(document));
		return 0;
	}
	table_add(&table, "COLLECTOR");
	table_add(&table, ctl->settings.url);
	add_members(&table, "", document, 0);
	ctl_print_table(ctl, &table, "");
	return 0;
}
