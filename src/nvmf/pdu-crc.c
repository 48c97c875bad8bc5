/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/pdu.h"

#include <string.h>

#include "nvmf/pdu-own.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

uint32_t pdu_crc32c_table(uint32_t crc, const void *bytes, size_t length)
{
	/* of the reflected polynomial 0x82f63b78, four bits at a time */
	static const uint32_t of_nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *at = bytes;

	crc = ~crc;
	while (length--) {
		crc ^= *at++;
		crc = of_nibble[crc & 0xf] ^ crc >> 4;
		crc = of_nibble[crc & 0xf] ^ crc >> 4;
	}
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *at,
								  size_t length)
{
	uint64_t wide = ~crc;

	for (; length >= 8; length -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	while (length--)
		crc = _mm_crc32_u8(crc, *at++);
	return ~crc;
}

static bool has_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

__attribute__((target("+crc"))) static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *at,
								size_t length)
{
	crc = ~crc;
	for (; length >= 8; length -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		crc = __crc32cd(crc, word);
	}
	while (length--)
		crc = __crc32cb(crc, *at++);
	return ~crc;
}

static bool has_hardware(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

#else

static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *at, size_t length)
{
	return pdu_crc32c_table(crc, at, length);
}

static bool has_hardware(void)
{
	return false;
}

#endif

uint32_t pdu_crc32c(uint32_t crc, const void *bytes, size_t length)
{
	return has_hardware() ? crc32c_hardware(crc, bytes, length)
			      : pdu_crc32c_table(crc, bytes, length);
}

void pdu_digest(const void *bytes, size_t length, uint8_t out[PDU_DIGEST_BYTES])
{
	pdu_put32(out, pdu_crc32c(0, bytes, length));
}
