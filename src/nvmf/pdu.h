/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pdu - NVMe/TCP protocol data units: bytes to values and back. Of both directions, pure.
 *
 * A parser is given what came so far, and either finds one whole PDU, needs more, or says what is
 * wrong in the words of a Terminate Connection Request. Every length is checked against what that
 * kind of PDU has and against the bound of its user before a byte behind it is waited for, so a
 * peer makes nobody hold more than pdu_side.max_data.
 *
 * Source: NVM Express TCP Transport Specification 1.0, 3.6.2; include/linux/nvme-tcp.h;
 * drivers/nvme/{host,target}/tcp.c for what peers insist on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nvmf/nvme-spec.h"

enum pdu_type {
	PDU_ICREQ = 0x00,
	PDU_ICRESP = 0x01,
	PDU_H2C_TERM = 0x02,
	PDU_C2H_TERM = 0x03,
	PDU_COMMAND = 0x04,
	PDU_RESPONSE = 0x05,
	PDU_H2C_DATA = 0x06,
	PDU_C2H_DATA = 0x07,
	PDU_R2T = 0x09,
};

#define PDU_FLAG_HDGST 0x1
#define PDU_FLAG_DDGST 0x2
#define PDU_FLAG_LAST 0x4
#define PDU_FLAG_SUCCESS 0x8 /* of C2HData with LAST: no response follows */

#define PDU_HEAD_BYTES 8
#define PDU_IC_BYTES 128
#define PDU_COMMAND_BYTES 72
#define PDU_RESPONSE_BYTES 24
#define PDU_DATA_BYTES 24
#define PDU_TERM_MAX (24 + 128)
#define PDU_DIGEST_BYTES 4

/* Fatal error status of a Terminate Connection Request. */
enum pdu_fes {
	PDU_FES_HEADER = 1,
	PDU_FES_SEQUENCE = 2,
	PDU_FES_DIGEST = 3,
	PDU_FES_RANGE = 4,
	PDU_FES_LIMIT = 5,
	PDU_FES_UNSUPPORTED = 6,
};

struct pdu_ic {
	uint16_t pfv;
	uint8_t align; /* HPDA, CPDA */
	bool hdgst, ddgst;
	uint32_t max; /* MAXR2T (0-based), MAXH2CDATA */
};

struct pdu_data {
	uint16_t cid;
	uint16_t ttag;
	uint32_t offset;
	uint32_t length;
};

struct pdu {
	enum pdu_type type;
	uint8_t flags;
	union {
		struct pdu_ic ic;
		struct nvme_sqe command;
		struct nvme_cqe response;
		struct pdu_data data; /* data and R2T */
		struct {
			uint16_t fes;
			uint32_t fei;
		} term;
	};
	const uint8_t *bytes; /* data of a command or data PDU, within the parsed bytes */
	uint32_t n_bytes;
};

/* What is expected of the peer. */
struct pdu_side {
	bool from_host;	   /* PDUs of a host are read, else those of a controller */
	bool ready;	   /* ICReq and ICResp are behind us; before, nothing else is taken */
	bool hdgst, ddgst; /* as agreed */
	uint32_t max_data; /* of one PDU */
};

struct pdu_fault {
	enum pdu_fes fes;
	uint32_t fei; /* offset of the bad field, or the wrong digest */
};

/*
 * Parse the PDU at the beginning of @bytes.
 * Returns: its length, *ret filled, pointing into @bytes; 0 it needs more, *ret_need bytes of it on
 *   the whole (at least PDU_HEAD_BYTES, never more than the bound allows); -EPROTO, *ret_fault
 *   filled, with a text that names the field and the value.
 */
int pdu_parse(const struct pdu_side *side, const uint8_t *bytes, size_t length, struct pdu *ret,
	      size_t *ret_need, struct pdu_fault *ret_fault, struct err *err);

/* How many bytes pdu_build writes at most before the data. */
#define PDU_HEADER_MAX 140

/*
 * Write the header of @pdu (type, flags but those of digests, its values; n_bytes) with its header
 * digest, if that is agreed, so that the data follow it. Nothing is padded.
 * @side  .hdgst, .ddgst
 * Returns: the length of it. The PDU is that, the data, and with .ddgst pdu_digest of the data.
 */
size_t pdu_build(const struct pdu_side *side, const struct pdu *pdu, uint8_t out[PDU_HEADER_MAX]);

/* CRC32C in the order of the wire. @crc  0, or of what stands before, to go on */
uint32_t pdu_crc32c(uint32_t crc, const void *bytes, size_t length);
void pdu_digest(const void *bytes, size_t length, uint8_t out[PDU_DIGEST_BYTES]);

/* A Terminate Connection Request about the PDU that begins with @head.
 * Returns: the length of it. */
size_t pdu_build_term(bool from_host, const struct pdu_fault *fault, const uint8_t *head,
		      size_t head_length, uint8_t out[PDU_TERM_MAX]);

/* --- structures within data */

void pdu_connect_data_encode(const struct nvme_connect_data *data,
			     uint8_t out[NVME_CONNECT_DATA_BYTES]);
/* Returns: 0; -EINVAL a name does not end, @ret_offset the byte where it begins. */
int pdu_connect_data_decode(const uint8_t bytes[NVME_CONNECT_DATA_BYTES],
			    struct nvme_connect_data *ret, uint16_t *ret_offset, struct err *err);
void pdu_identify_encode(const struct nvme_identify *identify, uint8_t out[NVME_IDENTIFY_BYTES]);
/* Any bytes are taken; texts are made printable. */
void pdu_identify_decode(const uint8_t bytes[NVME_IDENTIFY_BYTES], struct nvme_identify *ret);

/* "controller busy (0x181), do not retry" for a person, with what to do about it where that is
 * known. Returns: @text. */
const char *pdu_status_text(uint16_t status, char text[160]);
