/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme-spec - the numbers of the NVMe specifications that a discovery client and controller need.
 *
 * Commands and completions as values in this machine's byte order; pdu.h brings them onto the wire.
 *
 * Source: NVM Express Base Specification 2.0 (figures are its), TCP Transport 1.0;
 * include/linux/nvme.h.
 */
#pragma once

#include <stdint.h>

#define NVME_TCP_DISCOVERY_PORT "8009"
#define NVME_SQE_BYTES 64
#define NVME_CQE_BYTES 16
#define NVME_CNTLID_DYNAMIC 0xffff
#define NVME_CNTLID_MAX 0xffef
#define NVME_HOSTID_BYTES 16
#define NVME_ADMIN_CAPSULE_MAX 8192 /* in-capsule data of an admin command over TCP */

/* A submission queue entry; of a fabrics command, @nsid's lowest byte is its type. */
struct nvme_sqe {
	uint8_t opcode;
	uint8_t flags; /* NVME_SQE_SGL */
	uint16_t cid;
	uint32_t nsid;
	uint64_t sgl_address;
	uint32_t sgl_length;
	uint8_t sgl_type;
	uint32_t cdw[6]; /* cdw10 to cdw15 */
};

/* A completion queue entry. */
struct nvme_cqe {
	uint32_t dw0, dw1;
	uint16_t sqhd, sqid, cid;
	uint16_t status; /* NVME_SC_x, without the phase bit */
};

#define NVME_SQE_SGL 0x40
#define NVME_SGL_IN_CAPSULE 0x01 /* data block, offset */
#define NVME_SGL_TRANSPORT 0x5a	 /* transport data block */

enum nvme_opcode {
	NVME_GET_LOG_PAGE = 0x02,
	NVME_IDENTIFY = 0x06,
	NVME_SET_FEATURES = 0x09,
	NVME_GET_FEATURES = 0x0a,
	NVME_ASYNC_EVENT = 0x0c,
	NVME_KEEP_ALIVE = 0x18,
	NVME_DISC_INFO_MGMT = 0x21, /* DIM, TP8010 */
	NVME_FABRICS = 0x7f,
};

enum nvme_fctype {
	NVME_PROPERTY_SET = 0x00,
	NVME_CONNECT = 0x01,
	NVME_PROPERTY_GET = 0x04,
	NVME_AUTH_SEND = 0x05,
	NVME_AUTH_RECEIVE = 0x06,
};

enum nvme_property { NVME_CAP = 0x00, NVME_VS = 0x08, NVME_CC = 0x14, NVME_CSTS = 0x1c };

#define NVME_CC_EN 0x1u
#define NVME_CC_SHN_MASK 0xc000u
#define NVME_CSTS_RDY 0x1u
#define NVME_CSTS_SHST_DONE 0x8u

/* status code type << 8 | status code */
enum nvme_status {
	NVME_SC_SUCCESS = 0x000,
	NVME_SC_INVALID_OPCODE = 0x001,
	NVME_SC_INVALID_FIELD = 0x002,
	NVME_SC_INTERNAL = 0x006,
	NVME_SC_ABORTED = 0x007,
	NVME_SC_SEQUENCE = 0x00c,
	NVME_SC_DATA_TRANSFER = 0x004,
	NVME_SC_KEEP_ALIVE_INVALID = 0x019,
	NVME_SC_ASYNC_LIMIT = 0x105,
	NVME_SC_INVALID_LOG_PAGE = 0x109,
	NVME_SC_DISC_INFO_INVALID = 0x12f,
	NVME_SC_DISC_RESOURCES = 0x132,
	NVME_SC_FUNCTION_DISABLED = 0x133,
	NVME_SC_CONNECT_FORMAT = 0x180,
	NVME_SC_CONNECT_BUSY = 0x181,
	NVME_SC_CONNECT_PARAM = 0x182,
	NVME_SC_DISC_RESTART = 0x183,
	NVME_SC_CONNECT_HOST = 0x184,
	NVME_SC_AUTH_REQUIRED = 0x191,
	NVME_SC_MASK = 0x7ff,
	NVME_SC_DNR = 0x4000, /* do not retry */
};

#define NVME_LOG_SUPPORTED 0x00
#define NVME_LOG_DISCOVERY 0x70
#define NVME_GET_LOG_RAE (1u << 15) /* in cdw10: retain the event */
#define NVME_FEATURE_ASYNC_EVENT 0x0b
#define NVME_FEATURE_KATO 0x0f
#define NVME_OAES_DISCOVERY (1u << 31)
#define NVME_ASYNC_DISCOVERY 0x0070f002u /* dw0 of the event "discovery log page change" */
#define NVME_CONNECT_AUTH_REQUIRED (1u << 17)
#define NVME_CONNECT_SECURE_CHANNEL (1u << 18)

/* A record of the discovery log page. */
enum nvme_trtype {
	NVME_TRTYPE_RDMA = 1,
	NVME_TRTYPE_FC = 2,
	NVME_TRTYPE_TCP = 3,
	NVME_TRTYPE_LOOP = 254
};
enum nvme_adrfam {
	NVME_ADRFAM_IPV4 = 1,
	NVME_ADRFAM_IPV6 = 2,
	NVME_ADRFAM_IB = 3,
	NVME_ADRFAM_FC = 4
};
enum nvme_subtype { NVME_SUBTYPE_REFERRAL = 1, NVME_SUBTYPE_NVM = 2, NVME_SUBTYPE_CURRENT = 3 };
#define NVME_TREQ_REQUIRED 0x1
#define NVME_TREQ_NOT_REQUIRED 0x2
#define NVME_TREQ_MASK 0x3
#define NVME_TREQ_NO_SQFLOW 0x4
#define NVME_EFLAG_DUPRETINFO 0x1
#define NVME_EFLAG_EPCSD 0x2
#define NVME_EFLAG_NCC 0x4
#define NVME_SECTYPE_NONE 0
#define NVME_SECTYPE_TLS13 2
#define NVME_DCTYPE_DDC 1
#define NVME_DCTYPE_CDC 2

/* Data of the Connect command, 1,024 bytes on the wire. */
struct nvme_connect_data {
	uint8_t hostid[NVME_HOSTID_BYTES];
	uint16_t cntlid;
	char subnqn[257]; /* NUL-terminated here */
	char hostnqn[257];
};
#define NVME_CONNECT_DATA_BYTES 1024
#define NVME_IDENTIFY_BYTES 4096

/* What a client looks at, and a controller says, of Identify Controller (CNS 1). */
struct nvme_identify {
	char serial[21], model[41], firmware[9]; /* trailing blanks cut */
	uint16_t cntlid;
	uint32_t version;
	uint32_t oaes;
	uint32_t ctratt;
	uint8_t cntrltype;
	uint8_t lpa;
	uint8_t mdts; /* in units of 4 KiB, as a power of two; 0 no limit */
	uint8_t aerl;
	uint16_t kas; /* in 100 ms */
	uint16_t maxcmd;
	uint32_t sgls;
	uint8_t dctype;
	char subnqn[257];
};
