/* SPDX-License-Identifier: BSD-3-Clause */
/* dim-data - data of a DIM command as libnvme and nvme-stas make them, for tests. */
#pragma once

#include <stdint.h>
#include <string.h>

#define DIM_DATA_EXTENDED (1024 + 1032 + 20)

static inline void dim_put(uint8_t *at, uint64_t value, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* One extended entry with a host id. @entity  1 host, 2 ddc. Returns: the length. */
static inline uint32_t dim_data(uint8_t bytes[DIM_DATA_EXTENDED], uint16_t entity, const char *eid,
				uint8_t subtype, const char *address, const char *service)
{
	uint8_t *entry = bytes + 1024;

	memset(bytes, 0, DIM_DATA_EXTENDED);
	dim_put(bytes, DIM_DATA_EXTENDED, 4);
	dim_put(bytes + 8, 1, 8);
	dim_put(bytes + 16, 2, 2);
	dim_put(bytes + 18, entity, 2);
	dim_put(bytes + 22, 0x5f, 2);
	memcpy(bytes + 24, eid, strlen(eid));
	memcpy(bytes + 280, "blake15", 7);
	memcpy(bytes + 536, "Linux 6.1", 9);
	entry[0] = 3;
	entry[1] = 1;
	entry[2] = subtype;
	memcpy(entry + 32, service, strlen(service));
	memcpy(entry + 256, eid, strlen(eid));
	memcpy(entry + 512, address, strlen(address));
	dim_put(entry + 1024, 1032 + 20, 4);
	dim_put(entry + 1028, 1, 2);
	dim_put(entry + 1032, 1, 2);
	dim_put(entry + 1034, 16, 2);
	return DIM_DATA_EXTENDED;
}
