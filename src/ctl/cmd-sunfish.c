/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

static void add(struct table *table, const char *key, const struct js *value)
{
	CLEANUP_FREE char *text = view_list(value);
	char time[VIEW_TIME_MAX];

	table_add(table, key);
	/* no count of ours is so large */
	if (js_number(value, 0) > 1262304000000)
		table_add(table, view_time(js_number(value, 0), time));
	else
		table_add(table, text);
}

/* status, register, unregister, tidy: each tells how it is then. */
int cmd_sunfish(struct ctl *ctl, struct err *err)
{
	const char *verb = strrchr(ctl->cli.verb->name, ' ') + 1;
	CLEANUP_TABLE struct table table = TABLE(2);
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *document = NULL;
	size_t i;
	int r;

	if (strcmp(verb, "status") == 0) {
		r = client_get(ctl->client, "/sunfish", &document, err);
	} else {
		str_addf(&path, "/sunfish/%s", verb);
		r = client_call(ctl->client, "POST", str_get(&path), NULL, &document, err);
	}
	if (r < 0)
		return r;
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "sunfish", js_ref(document));
		return 0;
	}
	table_add(&table, "AGENT");
	table_add(&table, view_text(document, "agent"));
	for (i = 0; i < js_length(document); i++)
		if (strcmp(js_key_at(document, i), "version") != 0 &&
		    strcmp(js_key_at(document, i), "agent") != 0)
			add(&table, js_key_at(document, i), js_value_at(document, i));
	ctl_print_table(ctl, &table, "");
	return 0;
}
