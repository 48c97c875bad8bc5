/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-uevent - sequence numbers in any order: as many are missing as a table of all says. */
#include <stdbool.h>
#include <string.h>

#include "core/uevent-seq.h"
#include "tests/fuzz/tree.h"

#define FIRST 1000
#define N 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each byte steps up to 64 back or on from the newest number. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uevent_seq seq = { 0 };
	bool came[N] = { false };
	uint64_t missing = 0;
	size_t newest = 0;
	size_t i;

	came[0] = true;
	REQUIRE(!uevent_seq_note(&seq, FIRST));
	for (i = 0; i < size && newest + 64 < N; i++) {
		const size_t step = data[i] % 64;
		const size_t number = data[i] & 0x80  ? newest + step
				      : newest > step ? newest - step
						      : 0;

		if (data[i] == 64) { /* it is waited no longer */
			REQUIRE(uevent_seq_settle(&seq) == missing);
			missing = 0;
			memset(came, 1, newest + 1);
			continue;
		}
		if (number > newest)
			missing += number - newest - 1;
		else if (!came[number] && seq.n_more == 0)
			missing--;
		else if (!came[number])
			return 0; /* which are missing is not known any more, only how many */
		came[number] = true;
		newest = number > newest ? number : newest;
		REQUIRE(uevent_seq_note(&seq, FIRST + number) == (missing > 0));
	}
	REQUIRE(uevent_seq_settle(&seq) == missing);
	return 0;
}
