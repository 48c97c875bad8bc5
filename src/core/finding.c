/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/str.h"

void findings_deinit(struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->count; i++) {
		free(findings->items[i].object);
		free(findings->items[i].text);
		free(findings->items[i].cure);
	}
	free(findings->items);
	*findings = FINDINGS_NULL;
}

const char *finding_level_name(enum finding_level level)
{
	switch (level) {
	case FINDING_OK:
		return "ok";
	case FINDING_NOTE:
		return "note";
	case FINDING_WARN:
		return "warn";
	case FINDING_FAIL:
		return "FAIL";
	}
	return "?";
}

void findings_add(struct findings *findings, enum finding_level level, const char *object,
		  const char *cure, const char *format, ...)
{
	struct finding *items;
	struct finding *item;
	va_list args;

	items = realloc(findings->items, (findings->count + 1) * sizeof(*items));
	if (!items) {
		findings->failed = true;
		return;
	}
	findings->items = items;
	item = items + findings->count++;
	*item = (struct finding){ level, strdup(object), NULL, strdup(cure) };
	va_start(args, format);
	if (vasprintf(&item->text, format, args) < 0)
		item->text = NULL;
	va_end(args);
	if (!item->object || !item->text || !item->cure)
		findings->failed = true;
	if (level > findings->worst)
		findings->worst = level;
}

static struct js *to_json(const struct findings *findings)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		struct js *json = js_object();

		js_set(json, "level", js_string(finding_level_name(finding->level)));
		js_set(json, "object", js_string(finding->object));
		js_set(json, "text", js_string(finding->text));
		js_set(json, "cure", *finding->cure ? js_string(finding->cure) : js_string(NULL));
		js_append(array, json);
	}
	return array;
}

/* "FAIL  blake14: text; cure". What is fine is said with -v only. */
static void add_finding(const struct cli *cli, const struct finding *finding, struct str *text)
{
	if (finding->level == FINDING_OK && !cli->verbose)
		return;
	str_addf(text, "%-4s  ", finding_level_name(finding->level));
	str_add_clean(text, finding->object);
	str_add(text, *finding->object ? ": " : "");
	str_add_clean(text, finding->text);
	str_add(text, *finding->cure ? "; " : "");
	str_add_clean(text, finding->cure);
	str_add(text, "\n");
}

int findings_tell(const struct findings *findings, struct cli *cli, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	unsigned int n_failed = 0;
	size_t i;

	for (i = 0; i < findings->count; i++) {
		n_failed += findings->items[i].level == FINDING_FAIL;
		add_finding(cli, &findings->items[i], &text);
	}
	if (cli->result) {
		js_set(cli->result, "findings", to_json(findings));
		js_set(cli->result, "worst", js_string(finding_level_name(findings->worst)));
	}
	if (text.failed || findings->failed)
		return err_nomem(err);
	cli_print(cli, str_get(&text));
	if (n_failed)
		return err_set(err, -EIO, "%u problem%s found", n_failed, n_failed == 1 ? "" : "s");
	if (findings->worst < FINDING_WARN)
		cli_say(cli, "no problem found\n");
	return 0;
}
