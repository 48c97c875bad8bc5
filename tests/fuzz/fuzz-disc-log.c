/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-disc-log - a record of a discovery log: what is taken is text that leads somewhere, and it
 * comes back the same when it is written and read again. */
#include "base/str.h"
#include "nvmf/disc-log.h"
#include "nvmf/host.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[DISC_RECORD_BYTES] = { 0 };
	uint8_t again[DISC_RECORD_BYTES];
	struct disc_record record;
	struct disc_record back;
	struct disc_header header;
	struct host_record words;
	struct err err = ERR_NULL;
	int r;

	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	disc_header_decode(bytes, &header);
	r = disc_record_decode(bytes, &record, &err);
	REQUIRE((r < 0) == (*err.text != '\0'));
	REQUIRE(host_record_decode(bytes, &words) == r);
	if (r < 0)
		return 0;
	REQUIRE(*record.subnqn && *record.traddr && strlen(record.subnqn) <= NQN_MAX);
	REQUIRE(str_is_printable(record.subnqn) && str_is_printable(record.traddr));
	REQUIRE(strcmp(words.nqn, record.subnqn) == 0);
	disc_record_encode(&record, again);
	REQUIRE(disc_record_decode(again, &back, NULL) == 0);
	disc_record_encode(&back, bytes);
	REQUIRE(memcmp(bytes, again, sizeof(bytes)) == 0);
	return 0;
}
