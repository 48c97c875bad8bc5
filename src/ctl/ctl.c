/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"

void ctl_say(const struct ctl *ctl, const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;
	int r;

	if (ctl->opt.json || ctl->opt.quiet)
		return;
	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	else
		str_clean(text);
	fputs(text ? text : "out of memory\n", stdout);
	fflush(stdout);
}

void ctl_print(const struct ctl *ctl, const char *text)
{
	if (ctl->opt.json)
		return;
	fputs(text, stdout);
	fflush(stdout);
}

void ctl_warn(struct ctl *ctl, const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	if (ctl->warnings && text)
		js_append(ctl->warnings, js_string(text));
	if (text)
		str_clean(text);
	if (!ctl->opt.quiet)
		fprintf(stderr, "sunfishctl: %s\n", text ? text : "out of memory");
}

int ctl_print_table(const struct ctl *ctl, const struct table *table, const char *nothing,
		    struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;

	if (table_rows(table) == 0 && !table->failed) {
		ctl_say(ctl, "%s\n", nothing);
		return 0;
	}
	table_format_styled(table, &ctl->style, "", &text);
	if (text.failed)
		return err_nomem(err);
	ctl_print(ctl, str_get(&text));
	return 0;
}
