/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-pdu - bytes of a peer as a side of NVMe/TCP reads them: the first byte says which side it
 * is and what was agreed. Headers without digests come with the right ones, too. What is read is
 * written again, and is the same then. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/pdu-own.h"
#include "nvmf/pdu.h"

#define MAX_DATA 8192
#define NEED(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is what is built of @pdu read as the same? */
static void round_trip(const struct pdu_side *side, const struct pdu *pdu)
{
	uint8_t bytes[PDU_HEADER_MAX + MAX_DATA + PDU_DIGEST_BYTES];
	struct pdu_fault fault;
	struct pdu got = { 0 };
	size_t length = pdu_build(side, pdu, bytes);
	size_t need;

	NEED(length <= PDU_HEADER_MAX);
	if (pdu->n_bytes) {
		memcpy(bytes + length, pdu->bytes, pdu->n_bytes);
		length += pdu->n_bytes;
	}
	if (pdu->n_bytes && (bytes[1] & PDU_FLAG_DDGST) && side->ready) {
		pdu_digest(pdu->bytes, pdu->n_bytes, bytes + length);
		length += PDU_DIGEST_BYTES;
	}
	NEED(pdu_parse(side, bytes, length, &got, &need, &fault, NULL) == (int)length);
	NEED(got.type == pdu->type && got.n_bytes == pdu->n_bytes);
	NEED(!got.n_bytes || memcmp(got.bytes, pdu->bytes, got.n_bytes) == 0);
	NEED(memcmp(&got.command, &pdu->command, sizeof(got.command)) == 0);
}

static void look_into(const struct pdu *pdu)
{
	struct nvme_connect_data connect, again;
	struct nvme_identify identify, twice;
	uint8_t bytes[NVME_IDENTIFY_BYTES];
	char text[160];
	uint16_t offset;

	if (pdu->n_bytes >= NVME_CONNECT_DATA_BYTES &&
	    pdu_connect_data_decode(pdu->bytes, &connect, &offset, NULL) == 0) {
		pdu_connect_data_encode(&connect, bytes);
		NEED(pdu_connect_data_decode(bytes, &again, &offset, NULL) == 0);
		NEED(strcmp(connect.subnqn, again.subnqn) == 0);
		NEED(strcmp(connect.hostnqn, again.hostnqn) == 0);
	}
	if (pdu->n_bytes >= NVME_IDENTIFY_BYTES) {
		pdu_identify_decode(pdu->bytes, &identify);
		pdu_identify_encode(&identify, bytes);
		pdu_identify_decode(bytes, &twice);
		NEED(strncmp(identify.subnqn, twice.subnqn, 255) == 0);
		NEED(strcmp(identify.model, twice.model) == 0);
	}
	if (pdu->type == PDU_RESPONSE)
		NEED(strlen(pdu_status_text(pdu->response.status, text)) < sizeof(text));
}

/* Make the header digest right, so that the fuzzer gets behind it. */
static void mend_digest(uint8_t *bytes, size_t size)
{
	size_t header = size > 2 ? bytes[2] : 0;

	if (header >= PDU_HEAD_BYTES && size >= header + PDU_DIGEST_BYTES)
		pdu_digest(bytes, header, bytes + header);
}

static void parse_all(const struct pdu_side *side, uint8_t *bytes, size_t size)
{
	size_t at = 0;

	for (;;) {
		struct pdu_fault fault = { 0 };
		struct pdu pdu;
		size_t need = 0;
		int r;

		if (side->hdgst)
			mend_digest(bytes + at, size - at);
		r = pdu_parse(side, bytes + at, size - at, &pdu, &need, &fault, NULL);
		if (r < 0) {
			NEED(fault.fes >= PDU_FES_HEADER && fault.fes <= PDU_FES_UNSUPPORTED);
			pdu_build_term(!side->from_host, &fault, bytes + at, size - at,
				       (uint8_t[PDU_TERM_MAX]){ 0 });
			return;
		}
		NEED(need >= PDU_HEAD_BYTES &&
		     need <= PDU_HEADER_MAX + MAX_DATA + PDU_DIGEST_BYTES);
		if (r == 0)
			return;
		NEED((size_t)r == need && at + need <= size);
		round_trip(side, &pdu);
		look_into(&pdu);
		at += need;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pdu_side side = { .max_data = MAX_DATA };
	uint8_t *bytes;

	if (!size)
		return 0;
	side.from_host = *data & 1;
	side.ready = *data & 2;
	side.hdgst = *data & 4;
	side.ddgst = *data & 8;
	/* so that a byte too many is seen */
	bytes = malloc(size - 1 ? size - 1 : 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	parse_all(&side, bytes, size - 1);
	free(bytes);
	return 0;
}
