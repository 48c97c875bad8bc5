/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/pdu.h"

#include <string.h>

#include "nvmf/pdu-own.h"

/* offsets in the common header, and in the headers of data PDUs */
enum { AT_TYPE = 0, AT_FLAGS = 1, AT_HLEN = 2, AT_PDO = 3, AT_PLEN = 4 };
enum { AT_PFV = 8, AT_ALIGN = 10, AT_DIGESTS = 11, AT_MAX = 12 };
enum { AT_CID = 8, AT_TTAG = 10, AT_OFFSET = 12, AT_LENGTH = 16 };
enum { AT_FES = 8, AT_FEI = 10 };
enum { SQE_OPCODE = 0, SQE_FLAGS = 1, SQE_CID = 2, SQE_NSID = 4, SQE_SGL_ADDRESS = 24 };
enum { SQE_SGL_LENGTH = 32, SQE_SGL_TYPE = 39, SQE_CDW10 = 40 };
enum { CQE_DW0 = 0, CQE_DW1 = 4, CQE_SQHD = 8, CQE_SQID = 10, CQE_CID = 12, CQE_STATUS = 14 };

#define TERM_DATA_MAX (PDU_TERM_MAX - PDU_DATA_BYTES)
#define H2C_DATA_MIN 4096 /* that a controller takes, at least */

/* What a type of PDU is like. */
struct kind {
	const char *name; /* NULL: no such type */
	uint8_t header;
	bool from_host;
	bool handshake; /* only before both sides are ready */
	bool digests;	/* may have them */
	bool data;	/* may have data */
};

static const struct kind kinds[] = {
	[PDU_ICREQ] = { "ICReq", PDU_IC_BYTES, true, true, false, false },
	[PDU_ICRESP] = { "ICResp", PDU_IC_BYTES, false, true, false, false },
	[PDU_H2C_TERM] = { "H2CTermReq", PDU_DATA_BYTES, true, false, false, true },
	[PDU_C2H_TERM] = { "C2HTermReq", PDU_DATA_BYTES, false, false, false, true },
	[PDU_COMMAND] = { "CapsuleCmd", PDU_COMMAND_BYTES, true, false, true, true },
	[PDU_RESPONSE] = { "CapsuleResp", PDU_RESPONSE_BYTES, false, false, true, false },
	[PDU_H2C_DATA] = { "H2CData", PDU_DATA_BYTES, true, false, true, true },
	[PDU_C2H_DATA] = { "C2HData", PDU_DATA_BYTES, false, false, true, true },
	[PDU_R2T] = { "R2T", PDU_DATA_BYTES, false, false, true, false },
};

static bool is_term(uint8_t type)
{
	return type == PDU_H2C_TERM || type == PDU_C2H_TERM;
}

static bool is_data(uint8_t type)
{
	return type == PDU_H2C_DATA || type == PDU_C2H_DATA;
}

/* A PDU that is being looked at. */
struct look {
	const struct pdu_side *side;
	const uint8_t *bytes;
	const struct kind *kind;
	uint8_t type;
	uint8_t flags;
	uint32_t plen;
	uint32_t header; /* with its digest */
	uint32_t n_data;
	bool ddgst;
	struct pdu_fault *fault;
};

/* Says which field is wrong; -EPROTO, so that it can be returned. */
#define wrong(look, fes_, fei_, err, ...)                                                          \
	({                                                                                         \
		*(look)->fault = (struct pdu_fault){ (fes_), (fei_) };                             \
		err_set(err, -EPROTO, __VA_ARGS__);                                                \
	})

/* --- the common header */

static int look_at_type(struct look *look, struct err *err)
{
	const char *who = look->side->from_host ? "host" : "controller";

	if (look->type < sizeof(kinds) / sizeof(*kinds))
		look->kind = &kinds[look->type];
	if (!look->kind || !look->kind->name)
		return wrong(look, PDU_FES_HEADER, AT_TYPE, err, "there is no PDU of type 0x%02x",
			     look->type);
	if (look->kind->from_host != look->side->from_host)
		return wrong(look, PDU_FES_HEADER, AT_TYPE, err, "a %s sends no %s", who,
			     look->kind->name);
	if (look->kind->handshake == look->side->ready && !is_term(look->type))
		return wrong(look, PDU_FES_SEQUENCE, AT_TYPE, err,
			     look->side->ready ? "%s after the connection was initialised"
					       : "%s before the connection was initialised",
			     look->kind->name);
	return 0;
}

/* Data behind the header: is there as much as may be? */
static int look_at_data(struct look *look, struct err *err)
{
	uint32_t digest = look->kind->digests && look->side->ddgst ? PDU_DIGEST_BYTES : 0;
	uint32_t max = is_term(look->type) ? TERM_DATA_MAX : look->side->max_data;
	uint32_t rest = look->plen - look->header;

	if (rest == 0 && is_data(look->type))
		return wrong(look, PDU_FES_HEADER, AT_PLEN, err, "%s has no data",
			     look->kind->name);
	if (rest == 0)
		return 0;
	if (!look->kind->data || rest <= digest)
		return wrong(look, PDU_FES_HEADER, AT_PLEN, err,
			     "the length of %s is %u, its header has %u", look->kind->name,
			     look->plen, look->header);
	look->n_data = rest - digest;
	look->ddgst = digest != 0;
	if (look->n_data > max)
		return wrong(look, PDU_FES_LIMIT, AT_PLEN, err, "%s has %u bytes of data, over %u",
			     look->kind->name, look->n_data, max);
	return 0;
}

static int look_at_flags(struct look *look, struct err *err)
{
	bool hdgst = look->kind->digests && look->side->hdgst;

	if (!look->kind->digests)
		return 0;
	if (((look->flags & PDU_FLAG_HDGST) != 0) != hdgst)
		return wrong(look, PDU_FES_HEADER, AT_FLAGS, err, "%s %s a header digest",
			     look->kind->name, hdgst ? "lacks" : "has");
	if (((look->flags & PDU_FLAG_DDGST) != 0) != look->ddgst)
		return wrong(look, PDU_FES_HEADER, AT_FLAGS, err, "%s %s a data digest",
			     look->kind->name, look->ddgst ? "lacks" : "has");
	if (look->type == PDU_C2H_DATA && (look->flags & PDU_FLAG_SUCCESS) &&
	    !(look->flags & PDU_FLAG_LAST))
		return wrong(look, PDU_FES_HEADER, AT_FLAGS, err,
			     "%s says success, but is not the last", look->kind->name);
	return 0;
}

/* Of the first 8 bytes. */
static int look_at_head(struct look *look, struct err *err)
{
	int r = look_at_type(look, err);

	if (r < 0)
		return r;
	look->header = look->kind->header;
	if (look->bytes[AT_HLEN] != look->header)
		return wrong(look, PDU_FES_HEADER, AT_HLEN, err,
			     "the header of %s has %u bytes, not %u", look->kind->name,
			     look->header, look->bytes[AT_HLEN]);
	if (look->kind->digests && look->side->hdgst)
		look->header += PDU_DIGEST_BYTES;
	if (look->plen < look->header)
		return wrong(look, PDU_FES_HEADER, AT_PLEN, err,
			     "the length of %s is %u, its header has %u", look->kind->name,
			     look->plen, look->header);
	r = look_at_data(look, err);
	if (r == 0)
		r = look_at_flags(look, err);
	if (r < 0)
		return r;
	/* padding is for who asked for it, and nobody here does */
	if (look->n_data && !is_term(look->type) && look->bytes[AT_PDO] != look->header)
		return wrong(look, PDU_FES_HEADER, AT_PDO, err,
			     "the data of %s begin at %u instead of %u", look->kind->name,
			     look->bytes[AT_PDO], look->header);
	return 0;
}

/* --- what follows it */

static int check_digest(struct look *look, uint32_t from, uint32_t length, const char *what,
			struct err *err)
{
	uint32_t got = pdu_get32(look->bytes + from + length);
	uint32_t want = pdu_crc32c(0, look->bytes + from, length);

	if (got == want)
		return 0;
	return wrong(look, PDU_FES_DIGEST, got, err, "the %s digest of %s is 0x%08x, not 0x%08x",
		     what, look->kind->name, want, got);
}

static int look_at_ic(struct look *look, struct pdu_ic *ic, struct err *err)
{
	const uint8_t *bytes = look->bytes;

	*ic = (struct pdu_ic){
		.pfv = pdu_get16(bytes + AT_PFV),
		.align = bytes[AT_ALIGN],
		.hdgst = bytes[AT_DIGESTS] & 1,
		.ddgst = bytes[AT_DIGESTS] & 2,
		.max = pdu_get32(bytes + AT_MAX),
	};
	if (ic->pfv != 0)
		return wrong(look, PDU_FES_UNSUPPORTED, AT_PFV, err,
			     "%s is of format %u, only 0 is known", look->kind->name, ic->pfv);
	if (look->type == PDU_ICRESP && (ic->max < H2C_DATA_MIN || ic->max % 4))
		return wrong(look, PDU_FES_HEADER, AT_MAX, err,
			     "ICResp takes %u bytes of data: at least 4096, in fours", ic->max);
	return 0;
}

static void take_command(const uint8_t *sqe, struct nvme_sqe *ret)
{
	size_t i;

	*ret = (struct nvme_sqe){
		.opcode = sqe[SQE_OPCODE],
		.flags = sqe[SQE_FLAGS],
		.cid = pdu_get16(sqe + SQE_CID),
		.nsid = pdu_get32(sqe + SQE_NSID),
		.sgl_address = pdu_get64(sqe + SQE_SGL_ADDRESS),
		.sgl_length = pdu_get32(sqe + SQE_SGL_LENGTH),
		.sgl_type = sqe[SQE_SGL_TYPE],
	};
	for (i = 0; i < 6; i++)
		ret->cdw[i] = pdu_get32(sqe + SQE_CDW10 + 4 * i);
}

static void take_response(const uint8_t *cqe, struct nvme_cqe *ret)
{
	*ret = (struct nvme_cqe){
		.dw0 = pdu_get32(cqe + CQE_DW0),
		.dw1 = pdu_get32(cqe + CQE_DW1),
		.sqhd = pdu_get16(cqe + CQE_SQHD),
		.sqid = pdu_get16(cqe + CQE_SQID),
		.cid = pdu_get16(cqe + CQE_CID),
		.status = pdu_get16(cqe + CQE_STATUS) >> 1,
	};
}

static int look_at_range(struct look *look, struct pdu_data *data, struct err *err)
{
	*data = (struct pdu_data){
		.cid = pdu_get16(look->bytes + AT_CID),
		.ttag = pdu_get16(look->bytes + AT_TTAG),
		.offset = pdu_get32(look->bytes + AT_OFFSET),
		.length = pdu_get32(look->bytes + AT_LENGTH),
	};
	if (is_data(look->type) && data->length != look->n_data)
		return wrong(look, PDU_FES_HEADER, AT_LENGTH, err,
			     "%s says %u bytes of data and has %u", look->kind->name, data->length,
			     look->n_data);
	if (!is_data(look->type) && data->length == 0)
		return wrong(look, PDU_FES_HEADER, AT_LENGTH, err, "%s asks for nothing",
			     look->kind->name);
	if (data->length > UINT32_MAX - data->offset)
		return wrong(look, PDU_FES_HEADER, AT_OFFSET, err,
			     "%s of %u bytes begins at %u: that is over 4 GiB", look->kind->name,
			     data->length, data->offset);
	return 0;
}

/* Of the whole header. */
static int look_at_header(struct look *look, struct pdu *pdu, struct err *err)
{
	const uint8_t *own = look->bytes + PDU_HEAD_BYTES;
	int r;

	if (look->kind->digests && look->side->hdgst) {
		r = check_digest(look, 0, look->kind->header, "header", err);
		if (r < 0)
			return r;
	}
	switch (look->type) {
	case PDU_ICREQ:
	case PDU_ICRESP:
		return look_at_ic(look, &pdu->ic, err);
	case PDU_H2C_TERM:
	case PDU_C2H_TERM:
		pdu->term.fes = pdu_get16(look->bytes + AT_FES);
		pdu->term.fei = pdu_get32(look->bytes + AT_FEI);
		return 0;
	case PDU_COMMAND:
		take_command(own, &pdu->command);
		return 0;
	case PDU_RESPONSE:
		take_response(own, &pdu->response);
		return 0;
	default:
		return look_at_range(look, &pdu->data, err);
	}
}

int pdu_parse(const struct pdu_side *side, const uint8_t *bytes, size_t length, struct pdu *ret,
	      size_t *ret_need, struct pdu_fault *ret_fault, struct err *err)
{
	struct pdu_fault fault = { 0 };
	struct look look = { .side = side, .bytes = bytes, .fault = &fault };
	struct pdu pdu = { 0 };
	int r;

	*ret_need = PDU_HEAD_BYTES;
	if (length < PDU_HEAD_BYTES)
		return 0;
	look.type = bytes[AT_TYPE];
	look.flags = bytes[AT_FLAGS];
	look.plen = pdu_get32(bytes + AT_PLEN);
	r = look_at_head(&look, err);
	/* a header that is wrong is told before its data are waited for */
	if (r == 0 && length >= look.header)
		r = look_at_header(&look, &pdu, err);
	if (r == 0 && length >= look.plen && look.ddgst)
		r = check_digest(&look, look.header, look.n_data, "data", err);
	if (r < 0) {
		*ret_fault = fault;
		return r;
	}
	*ret_need = look.plen;
	if (length < look.plen)
		return 0;
	pdu.type = look.type;
	pdu.flags = look.flags;
	pdu.bytes = look.n_data ? bytes + look.header : NULL;
	pdu.n_bytes = look.n_data;
	*ret = pdu;
	return (int)look.plen;
}

/* --- building */

static void put_command(uint8_t *sqe, const struct nvme_sqe *command)
{
	size_t i;

	sqe[SQE_OPCODE] = command->opcode;
	sqe[SQE_FLAGS] = command->flags;
	pdu_put16(sqe + SQE_CID, command->cid);
	pdu_put32(sqe + SQE_NSID, command->nsid);
	pdu_put64(sqe + SQE_SGL_ADDRESS, command->sgl_address);
	pdu_put32(sqe + SQE_SGL_LENGTH, command->sgl_length);
	sqe[SQE_SGL_TYPE] = command->sgl_type;
	for (i = 0; i < 6; i++)
		pdu_put32(sqe + SQE_CDW10 + 4 * i, command->cdw[i]);
}

static void put_response(uint8_t *cqe, const struct nvme_cqe *response)
{
	pdu_put32(cqe + CQE_DW0, response->dw0);
	pdu_put32(cqe + CQE_DW1, response->dw1);
	pdu_put16(cqe + CQE_SQHD, response->sqhd);
	pdu_put16(cqe + CQE_SQID, response->sqid);
	pdu_put16(cqe + CQE_CID, response->cid);
	pdu_put16(cqe + CQE_STATUS, (uint16_t)(response->status << 1));
}

static void put_own(const struct pdu *pdu, uint8_t *out)
{
	switch (pdu->type) {
	case PDU_ICREQ:
	case PDU_ICRESP:
		pdu_put16(out + AT_PFV, pdu->ic.pfv);
		out[AT_ALIGN] = pdu->ic.align;
		out[AT_DIGESTS] = (uint8_t)(pdu->ic.hdgst | pdu->ic.ddgst << 1);
		pdu_put32(out + AT_MAX, pdu->ic.max);
		break;
	case PDU_H2C_TERM:
	case PDU_C2H_TERM:
		pdu_put16(out + AT_FES, pdu->term.fes);
		pdu_put32(out + AT_FEI, pdu->term.fei);
		break;
	case PDU_COMMAND:
		put_command(out + PDU_HEAD_BYTES, &pdu->command);
		break;
	case PDU_RESPONSE:
		put_response(out + PDU_HEAD_BYTES, &pdu->response);
		break;
	default:
		pdu_put16(out + AT_CID, pdu->data.cid);
		pdu_put16(out + AT_TTAG, pdu->data.ttag);
		pdu_put32(out + AT_OFFSET, pdu->data.offset);
		pdu_put32(out + AT_LENGTH, pdu->data.length);
		break;
	}
}

size_t pdu_build(const struct pdu_side *side, const struct pdu *pdu, uint8_t out[PDU_HEADER_MAX])
{
	const struct kind *kind = &kinds[pdu->type];
	bool hdgst = kind->digests && side->hdgst;
	bool ddgst = kind->digests && side->ddgst && pdu->n_bytes;
	size_t length = kind->header + (hdgst ? PDU_DIGEST_BYTES : 0);

	memset(out, 0, length);
	out[AT_TYPE] = pdu->type;
	out[AT_FLAGS] = (uint8_t)((pdu->flags & ~(PDU_FLAG_HDGST | PDU_FLAG_DDGST)) |
				  (hdgst ? PDU_FLAG_HDGST : 0) | (ddgst ? PDU_FLAG_DDGST : 0));
	out[AT_HLEN] = kind->header;
	if (pdu->n_bytes && kind->digests)
		out[AT_PDO] = (uint8_t)length;
	pdu_put32(out + AT_PLEN, (uint32_t)length + pdu->n_bytes + (ddgst ? PDU_DIGEST_BYTES : 0));
	put_own(pdu, out);
	if (hdgst)
		pdu_digest(out, kind->header, out + kind->header);
	return length;
}

size_t pdu_build_term(bool from_host, const struct pdu_fault *fault, const uint8_t *head,
		      size_t head_length, uint8_t out[PDU_TERM_MAX])
{
	const struct pdu_side side = { 0 };
	const struct pdu pdu = {
		.type = from_host ? PDU_H2C_TERM : PDU_C2H_TERM,
		.term = { (uint16_t)fault->fes, fault->fei },
		.n_bytes = (uint32_t)(head_length < TERM_DATA_MAX ? head_length : TERM_DATA_MAX),
	};
	uint8_t header[PDU_HEADER_MAX];
	size_t length = pdu_build(&side, &pdu, header);

	memcpy(out, header, length);
	if (pdu.n_bytes)
		memcpy(out + length, head, pdu.n_bytes);
	return length + pdu.n_bytes;
}
