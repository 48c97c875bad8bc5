/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-sse - a stream of events as sunfishctl watch reads it: the first byte says in pieces of
 * which size it comes; what is in an event is shown as a line and as a row of a table. */
#include <stdint.h>

#include "base/js.h"
#include "base/str.h"
#include "base/table.h"
#include "ctl/sse.h"
#include "ctl/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_event(void *user, const struct sse_event *event)
{
	CLEANUP_JS struct js *document = NULL;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_TABLE struct table table = TABLE(VIEW_EVENT_COLUMNS);

	(void)user;
	if (js_parse(event->data, event->length, &document, NULL) < 0)
		return 0;
	view_event_line(document, true, &text);
	view_event_header(&table);
	view_event_row(document, &table);
	table_format(&table, "", &text);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sse sse = SSE_NULL;
	size_t piece = size ? (size_t)*data % 64 + 1 : 1;
	size_t at;

	for (at = 1; at < size; at += piece)
		if (sse_feed(&sse, (const char *)data + at, size - at < piece ? size - at : piece,
			     on_event, NULL) != 0)
			break;
	sse_deinit(&sse);
	return 0;
}
