/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-dim - data of the Discovery Information Management command (TP8010): who registers, and
 * where it can be reached. Bytes to values, pure; what becomes of them is not here.
 *
 * Source: NVM Express TP8010; struct nvmf_dim_data and nvmf_ext_die of libnvme's nvme/types.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nvmf/nqn.h"

#define DISC_DIM_HEAD_BYTES 1024
#define DISC_DIM_ENTRY_BYTES                                                                       \
	1024 /* of a basic entry; an extended one has 8 more and its attributes */

enum disc_dim_task { DISC_DIM_REGISTER, DISC_DIM_DEREGISTER, DISC_DIM_UPDATE };
enum disc_dim_entity { DISC_DIM_HOST = 1, DISC_DIM_DDC = 2, DISC_DIM_CDC = 3 };

struct disc_dim_head {
	uint8_t entity; /* enum disc_dim_entity */
	bool is_extended;
	size_t n_entries;
	char eid[NQN_MAX + 1]; /* its NQN */
	char name[257];	       /* texts without padding; "" none */
	char version[65];
};

struct disc_dim_entry {
	uint8_t trtype, adrfam, subtype; /* of a host: subtype 0 */
	char trsvcid[33];
	char nqn[257];
	char traddr[257]; /* "": where the command came from */
};

/* Check all of it: that lengths fit together, and that texts are texts. Returns: 0; -EINVAL with
 * what is wrong. */
int disc_dim_parse(const uint8_t *bytes, size_t length, struct disc_dim_head *ret, struct err *err);

/* The next entry of what disc_dim_parse took. @at  0 at first, then as it was left. Returns: true
 * and *ret; false: there is none any more. */
bool disc_dim_next(const uint8_t *bytes, const struct disc_dim_head *head, size_t *at,
		   struct disc_dim_entry *ret);

/* "host", "ddc", "cdc" */
const char *disc_dim_entity_word(uint8_t entity);
