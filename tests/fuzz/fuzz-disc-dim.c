/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-disc-dim - data of a DIM command: as many entries as are said, all of them texts, and
 * nothing is read beyond the end. */
#include "base/str.h"
#include "nvmf/disc-dim.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disc_dim_head head;
	struct disc_dim_entry entry;
	struct err err = ERR_NULL;
	size_t at = 0;
	size_t n = 0;
	int r = disc_dim_parse(data, size, &head, &err);

	REQUIRE((r < 0) == (*err.text != '\0'));
	if (r < 0)
		return 0;
	REQUIRE(*head.eid && str_is_printable(head.name) && str_is_printable(head.version));
	while (disc_dim_next(data, &head, &at, &entry)) {
		REQUIRE(str_is_printable(entry.nqn) && str_is_printable(entry.traddr));
		n++;
	}
	REQUIRE(n == head.n_entries);
	return 0;
}
