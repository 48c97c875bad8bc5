/* SPDX-License-Identifier: BSD-3-Clause */
/* pdu-own - what the files of pdu share: numbers as they stand on the wire, little-endian. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t pdu_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t pdu_get32(const uint8_t *at)
{
	return (uint32_t)pdu_get16(at) | (uint32_t)pdu_get16(at + 2) << 16;
}

static inline uint64_t pdu_get64(const uint8_t *at)
{
	return (uint64_t)pdu_get32(at) | (uint64_t)pdu_get32(at + 4) << 32;
}

static inline void pdu_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void pdu_put32(uint8_t *at, uint32_t value)
{
	pdu_put16(at, (uint16_t)value);
	pdu_put16(at + 2, (uint16_t)(value >> 16));
}

static inline void pdu_put64(uint8_t *at, uint64_t value)
{
	pdu_put32(at, (uint32_t)value);
	pdu_put32(at + 4, (uint32_t)(value >> 32));
}

/* pdu_crc32c by a table, as on processors that have no instruction for it. */
uint32_t pdu_crc32c_table(uint32_t crc, const void *bytes, size_t length);
