/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/disc-log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "nvmf/nvme-spec.h"

/* Where in a record */
enum {
	AT_PORT_ID = 4,
	AT_CNTLID = 6,
	AT_ASQSZ = 8,
	AT_EFLAGS = 10,
	AT_TRSVCID = 32,
	AT_SUBNQN = 256,
	AT_TRADDR = 512,
	AT_TSAS = 768,
	AT_PKEY = AT_TSAS + 8,
};

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put64(uint8_t *at, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value = 0;
	int i;

	for (i = 7; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

/* --- records */

void disc_record_encode(const struct disc_record *record, uint8_t out[DISC_RECORD_BYTES])
{
	memset(out, 0, DISC_RECORD_BYTES);
	out[0] = record->trtype;
	out[1] = record->adrfam;
	out[2] = record->subtype;
	out[3] = record->treq;
	put16(out + AT_PORT_ID, record->port_id);
	put16(out + AT_CNTLID, record->cntlid);
	put16(out + AT_ASQSZ, record->asqsz);
	put16(out + AT_EFLAGS, record->eflags);
	memcpy(out + AT_TRSVCID, record->trsvcid, strnlen(record->trsvcid, 32));
	memcpy(out + AT_SUBNQN, record->subnqn, strnlen(record->subnqn, 256));
	memcpy(out + AT_TRADDR, record->traddr, strnlen(record->traddr, 256));
	if (record->trtype == NVME_TRTYPE_TCP)
		out[AT_TSAS] = record->sectype;
	if (record->trtype == NVME_TRTYPE_RDMA) {
		memcpy(out + AT_TSAS, record->rdma, 3);
		memcpy(out + AT_PKEY, record->rdma + 3, 2);
	}
}

static void take_text(const uint8_t *bytes, size_t size, char *ret)
{
	size_t length = strnlen((const char *)bytes, size);

	while (length && bytes[length - 1] == ' ')
		length--;
	memcpy(ret, bytes, length);
	ret[length] = '\0';
}

static bool is_nowhere(const char *address)
{
	return !*address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static int check(const struct disc_record *record, struct err *err)
{
	if (!str_is_printable(record->trsvcid) || !str_is_printable(record->subnqn) ||
	    !str_is_printable(record->traddr))
		return err_set(err, -EINVAL, "a record has bytes that are no text");
	if (record->subtype < NVME_SUBTYPE_REFERRAL || record->subtype > NVME_SUBTYPE_CURRENT)
		return err_set(err, -EINVAL, "a record is of type %u, which is none",
			       record->subtype);
	if (!*record->subnqn || strlen(record->subnqn) > NQN_MAX)
		return err_set(err, -EINVAL, "a record for address \"%s\" has %s", record->traddr,
			       *record->subnqn ? "an NQN that is too long" : "no NQN");
	if (is_nowhere(record->traddr))
		return err_set(err, -EINVAL, "the record of %s has the address \"%s\"",
			       record->subnqn, record->traddr);
	return 0;
}

int disc_record_decode(const uint8_t bytes[DISC_RECORD_BYTES], struct disc_record *ret,
		       struct err *err)
{
	struct disc_record record = {
		.trtype = bytes[0],
		.adrfam = bytes[1],
		.subtype = bytes[2],
		.treq = bytes[3],
		.port_id = get16(bytes + AT_PORT_ID),
		.cntlid = get16(bytes + AT_CNTLID),
		.asqsz = get16(bytes + AT_ASQSZ),
		.eflags = get16(bytes + AT_EFLAGS),
	};
	int r;

	take_text(bytes + AT_TRSVCID, 32, record.trsvcid);
	take_text(bytes + AT_SUBNQN, 256, record.subnqn);
	take_text(bytes + AT_TRADDR, 256, record.traddr);
	if (record.trtype == NVME_TRTYPE_TCP)
		record.sectype = bytes[AT_TSAS];
	if (record.trtype == NVME_TRTYPE_RDMA) {
		memcpy(record.rdma, bytes + AT_TSAS, 3);
		memcpy(record.rdma + 3, bytes + AT_PKEY, 2);
	}
	r = check(&record, err);
	if (r == 0)
		*ret = record;
	return r;
}

void disc_header_decode(const uint8_t bytes[DISC_HEADER_READ], struct disc_header *ret)
{
	ret->genctr = get64(bytes);
	ret->numrec = get64(bytes + 8);
	ret->recfmt = get16(bytes + 16);
}

/* --- pages */

struct disc_log *disc_log_new(uint64_t genctr, const uint8_t *bytes, size_t n_records)
{
	const size_t length = DISC_HEADER_BYTES + n_records * DISC_RECORD_BYTES;
	struct disc_log *log;

	if (n_records > DISC_RECORDS_MAX)
		return NULL;
	log = calloc(1, sizeof(*log) + length);
	if (!log)
		return NULL;
	log->count = 1;
	log->genctr = genctr;
	log->n_records = n_records;
	log->length = length;
	put64(log->bytes, genctr);
	put64(log->bytes + 8, n_records);
	if (bytes && n_records)
		memcpy(log->bytes + DISC_HEADER_BYTES, bytes, n_records * DISC_RECORD_BYTES);
	return log;
}

struct disc_log *disc_log_ref(struct disc_log *log)
{
	log->count++;
	return log;
}

void disc_log_unref(struct disc_log *log)
{
	if (log && --log->count == 0)
		free(log);
}

const uint8_t *disc_log_record(const struct disc_log *log, size_t index)
{
	return log->bytes + DISC_HEADER_BYTES + index * DISC_RECORD_BYTES;
}

bool disc_log_equal(const struct disc_log *a, const struct disc_log *b)
{
	return a == b ||
	       (a->n_records == b->n_records && memcmp(disc_log_record(a, 0), disc_log_record(b, 0),
						       a->n_records * DISC_RECORD_BYTES) == 0);
}

/* --- words */

static const char *number(uint8_t value, char scratch[8])
{
	snprintf(scratch, 8, "%u", value);
	return scratch;
}

const char *disc_trtype_word(uint8_t trtype, char scratch[8])
{
	switch (trtype) {
	case NVME_TRTYPE_RDMA:
		return "rdma";
	case NVME_TRTYPE_FC:
		return "fc";
	case NVME_TRTYPE_TCP:
		return "tcp";
	case NVME_TRTYPE_LOOP:
		return "loop";
	default:
		return number(trtype, scratch);
	}
}

const char *disc_adrfam_word(uint8_t adrfam, char scratch[8])
{
	static const char *const words[] = { "", "ipv4", "ipv6", "ib", "fc" };

	return adrfam <= NVME_ADRFAM_FC ? words[adrfam] : number(adrfam, scratch);
}

const char *disc_subtype_word(uint8_t subtype, char scratch[8])
{
	switch (subtype) {
	case NVME_SUBTYPE_REFERRAL:
		return "referral";
	case NVME_SUBTYPE_NVM:
		return "nvm";
	case NVME_SUBTYPE_CURRENT:
		return "current";
	default:
		return number(subtype, scratch);
	}
}

const char *disc_sectype_word(uint8_t sectype, char scratch[8])
{
	static const char *const words[] = { "none", "tls", "tls" }; /* 1: TLS 1.2 */

	return sectype <= NVME_SECTYPE_TLS13 ? words[sectype] : number(sectype, scratch);
}

int disc_trtype_of(const char *word)
{
	if (strcmp(word, "rdma") == 0)
		return NVME_TRTYPE_RDMA;
	if (strcmp(word, "fc") == 0)
		return NVME_TRTYPE_FC;
	if (strcmp(word, "tcp") == 0)
		return NVME_TRTYPE_TCP;
	if (strcmp(word, "loop") == 0)
		return NVME_TRTYPE_LOOP;
	return -EINVAL;
}
