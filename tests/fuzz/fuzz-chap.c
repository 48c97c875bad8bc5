/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-chap - messages of DH-HMAC-CHAP to each side, by turns, as a peer without the key makes
 * them: whatever comes, nobody is proved, and each side comes to an end. A byte with its length
 * goes before each message. */
#include "nvmf/chap.h"
#include "tests/fuzz/tree.h"

#define KEY "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct chap_params params = { size && data[0] & 1, "nqn.2024-01.example:h",
					    "nqn.2024-01.example:c", KEY, KEY };
	uint8_t message[CHAP_MESSAGE_MAX];
	struct chap *chap = NULL;
	size_t at = 1;
	int turns = 0;

	REQUIRE(chap_new(&params, &chap, NULL) == 0);
	while (chap_next(chap) == CHAP_TAKE || chap_next(chap) == CHAP_GIVE) {
		struct err err = ERR_NULL;
		size_t length;

		REQUIRE(turns++ < 12);
		if (chap_next(chap) == CHAP_GIVE) {
			length = chap_give(chap, message);
			REQUIRE(length > 0 && length <= sizeof(message));
			continue;
		}
		if (at + 2 > size)
			break;
		length = (size_t)data[at] | (size_t)(data[at + 1] & 7) << 8;
		at += 2;
		length = length < size - at ? length : size - at;
		(void)chap_take(chap, data + at, length, &err);
		at += length;
		REQUIRE(params.is_host || !chap_is_proved(chap));
	}
	REQUIRE(!chap_is_proved(chap));
	chap_free(chap);
	return 0;
}
