/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet on nvmet-sunfishd's socket: accepted requests have words and a directory that can be
 * used, anything else is refused with a text. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "target/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JS struct js *js = NULL;
	struct ask request;
	struct err err = ERR_NULL;
	size_t i;

	if (js_parse((const char *)data, size, &js, NULL) < 0)
		return 0;
	if (ask_parse(js, &request, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (request.kind != ASK_VERB)
		return 0;
	if (request.directory[0] != '/' || js_length(request.words) == 0)
		abort();
	for (i = 0; i < js_length(request.words); i++)
		if (!js_text(js_at(request.words, i)))
			abort();
	return 0;
}
