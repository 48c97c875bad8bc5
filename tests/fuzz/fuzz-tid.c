/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-tid - connections as text: what is accepted comes back from its own text; any `address`
 * of sysfs leaves texts that end. */
#include "base/cleanup.h"
#include "base/str.h"
#include "initiator/tid.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);
	char formatted[TID_TEXT_MAX];
	struct tid sysfs = { .transport = "tcp" };
	struct err err = ERR_NULL;
	struct tid again;
	struct tid tid;

	tid_read_address(text, &sysfs);
	REQUIRE(strlen(tid_format(&sysfs, formatted)) < TID_TEXT_MAX);
	if (tid_parse(text, &tid, &err) < 0) {
		REQUIRE(err.code < 0 && *err.text);
		return 0;
	}
	REQUIRE(str_is_printable(tid_format(&tid, formatted)));
	REQUIRE(tid_parse(formatted, &again, &err) == 0);
	REQUIRE(tid_equal(&tid, &again));
	REQUIRE(tid_is_met_by(&tid, &again, "x") || !*tid.hostnqn);
	REQUIRE(strlen(tid_describe(&tid, formatted)) < TID_TEXT_MAX);
	return 0;
}
