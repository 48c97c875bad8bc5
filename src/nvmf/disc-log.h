/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-log - the discovery log page (0x70): records to bytes and back, and immutable pages.
 *
 * A page is counted: it is shared by all hosts with the same view, and by the readers that began
 * with it and must end with it. Its bytes are as they go over the wire, so serving it is a copy.
 *
 * The numbers are those of nvme-spec.h, which is not included here: host.c has them of libnvme.
 *
 * Source: NVM Express Base Specification 2.0, 5.16.1.23; TP8010 (subtype 3, EFLAGS).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nvmf/nqn.h"

#define DISC_RECORD_BYTES 1024
#define DISC_HEADER_BYTES 1024
#define DISC_RECORDS_MAX 65536 /* of a page that we read or serve */

struct disc_record {
	uint8_t trtype, adrfam, subtype, treq;
	uint16_t port_id, cntlid, asqsz, eflags;
	uint8_t sectype;  /* of TCP: NVME_SECTYPE_x */
	uint8_t rdma[5];  /* QPTYPE PRTYPE CMS, PKEY; of RDMA */
	char trsvcid[33]; /* texts without padding, NUL-terminated */
	char subnqn[257];
	char traddr[257];
};

void disc_record_encode(const struct disc_record *record, uint8_t out[DISC_RECORD_BYTES]);

/*
 * Padding with blanks or NULs is cut.
 * Returns: 0; -EINVAL a record that leads nowhere and is to be left out, and why: no or a wildcard
 *   address, no NQN or one over NQN_MAX, bytes that are not printable, a subtype that we do not
 * know.
 */
int disc_record_decode(const uint8_t bytes[DISC_RECORD_BYTES], struct disc_record *ret,
		       struct err *err);

/* The header of a page. */
struct disc_header {
	uint64_t genctr;
	uint64_t numrec; /* as it is said: it may lie */
	uint16_t recfmt;
};
#define DISC_HEADER_READ 20 /* bytes of it that are worth reading */
void disc_header_decode(const uint8_t bytes[DISC_HEADER_READ], struct disc_header *ret);

struct disc_log {
	unsigned int count; /* of its owners */
	uint64_t genctr;
	size_t n_records;
	size_t length; /* of bytes: 1,024 x (1 + n_records) */
	uint8_t bytes[];
};

/* @bytes  n_records x DISC_RECORD_BYTES, or NULL: they are zero and filled by the caller.
 * Returns: a page with one owner; NULL: out of memory, or more than DISC_RECORDS_MAX. */
struct disc_log *disc_log_new(uint64_t genctr, const uint8_t *bytes, size_t n_records);
struct disc_log *disc_log_ref(struct disc_log *log);
void disc_log_unref(struct disc_log *log); /* NULL is allowed */
/* Record @index < n_records, DISC_RECORD_BYTES. */
const uint8_t *disc_log_record(const struct disc_log *log, size_t index);
/* Same records in the same order? */
bool disc_log_equal(const struct disc_log *a, const struct disc_log *b);

/* Words for people and JSON: tcp, rdma ..; ipv4 ..; nvm, referral, current; none, tls. A number
 * that has none comes as text in @scratch. */
const char *disc_trtype_word(uint8_t trtype, char scratch[8]);
const char *disc_adrfam_word(uint8_t adrfam, char scratch[8]);
const char *disc_subtype_word(uint8_t subtype, char scratch[8]);
const char *disc_sectype_word(uint8_t sectype, char scratch[8]);
int disc_trtype_of(const char *word); /* -EINVAL: none of that name */
