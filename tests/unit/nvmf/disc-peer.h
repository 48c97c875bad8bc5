/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-peer - a discovery controller for tests of the client: on one socket of loopback, driven by
 * the test between two steps of the loop, and as wrong as the test wants it to be.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "core/loop.h"
#include "nvmf/disc-log.h"
#include "nvmf/nqn.h"
#include "nvmf/pdu.h"

enum peer_mood {
	PEER_GOOD,
	PEER_SILENT,	 /* it takes the connection and says nothing */
	PEER_CLOSES,	 /* at the ICReq */
	PEER_FREEZES,	 /* does not answer the header's Get Log Page */
	PEER_RESETS,	 /* at it */
	PEER_WRONG_CID,	 /* answers another command as well */
	PEER_TWICE,	 /* answers it twice */
	PEER_TOO_LONG,	 /* sends more data than it was asked for */
	PEER_TOO_SHORT,	 /* .. fewer */
	PEER_GAP,	 /* .. from the wrong offset */
	PEER_UNASKED,	 /* .. of a command that has none */
	PEER_TERM,	 /* ends the connection in words */
	PEER_HUGE_PDU,	 /* says a PDU of 4 GiB */
	PEER_NO_PDU,	 /* speaks something else */
	PEER_BAD_DIGEST, /* of the data */
	PEER_SSH,	 /* another service: talks first */
	PEER_SHRINKS,	 /* refuses to read records beyond a log that became shorter */
	PEER_REORDERS,	 /* answers the last header before the records */
};

struct peer {
	struct loop *loop;
	int listen_fd, fd;
	char port[8];
	struct pdu_side side;
	uint8_t in[65536];
	size_t got;
	/* how it is */
	enum peer_mood mood;
	bool hdgst, ddgst;	/* does them if asked */
	bool byte_by_byte;	/* what it sends */
	bool success;		/* ends data with the flag instead of a response */
	uint32_t piece;		/* data PDUs of so many bytes; 0 one */
	unsigned int not_ready; /* so many times */
	uint16_t connect_status;
	uint32_t connect_dw0;
	uint16_t event_status; /* of Set Features and the event request */
	uint8_t mdts;
	uint64_t genctr;
	uint64_t said; /* numrec, if it lies */
	uint32_t n_records;
	unsigned int changes; /* so many times while it is read */
	uint16_t recfmt;
	/* what it saw */
	struct str trace; /* a word for each command */
	unsigned int n_events, n_connects, n_keep_alives, n_looks;
	int event_cid;
	bool shut_down;
	uint32_t kato;
	struct nvme_connect_data connect;
	uint8_t *dim;
	uint32_t dim_length, dim_got;
	uint16_t dim_cid;
	uint8_t late[2048]; /* PEER_REORDERS keeps the records here */
};

static inline void peer_open(struct peer *peer, struct loop *loop)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);

	memset(peer, 0, sizeof(*peer));
	peer->loop = loop;
	peer->fd = -1;
	peer->event_cid = -1;
	peer->genctr = 7;
	peer->n_records = 3;
	peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(peer->listen_fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(peer->listen_fd, 16), 0);
	assert_int_equal(getsockname(peer->listen_fd, (struct sockaddr *)&at, &size), 0);
	snprintf(peer->port, sizeof(peer->port), "%u", ntohs(at.sin_port));
	peer->side = (struct pdu_side){ .from_host = true, .max_data = 8192 };
}

static inline void peer_hang_up(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	peer->event_cid = -1;
	peer->got = 0;
	peer->side = (struct pdu_side){ .from_host = true, .max_data = 8192 };
}

static inline void peer_reset(struct peer *peer)
{
	const struct linger now = { 1, 0 };

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	peer_hang_up(peer);
}

static inline void peer_close(struct peer *peer)
{
	peer_hang_up(peer);
	if (peer->listen_fd >= 0)
		close(peer->listen_fd);
	str_deinit(&peer->trace);
	free(peer->dim);
}

/* --- what it says */

static inline void peer_send(struct peer *peer, const void *bytes, size_t length)
{
	size_t step = peer->byte_by_byte ? 1 : length;
	size_t at = 0;

	while (at < length && peer->fd >= 0) {
		ssize_t sent =
			send(peer->fd, (const uint8_t *)bytes + at,
			     step < length - at ? step : length - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN)
			return;
		at += sent > 0 ? (size_t)sent : 0;
		if (sent < 0 || peer->byte_by_byte)
			loop_step(peer->loop, 0);
	}
}

static inline void peer_send_pdu(struct peer *peer, const struct pdu *pdu)
{
	uint8_t header[PDU_HEADER_MAX];
	uint8_t digest[PDU_DIGEST_BYTES];

	peer_send(peer, header, pdu_build(&peer->side, pdu, header));
	if (!pdu->n_bytes)
		return;
	peer_send(peer, pdu->bytes, pdu->n_bytes);
	if (!peer->side.ddgst)
		return;
	pdu_digest(pdu->bytes, pdu->n_bytes, digest);
	if (peer->mood == PEER_BAD_DIGEST)
		digest[0] ^= 1;
	peer_send(peer, digest, sizeof(digest));
}

static inline void peer_answer(struct peer *peer, uint16_t cid, uint16_t status, uint32_t dw0)
{
	const struct pdu pdu = { .type = PDU_RESPONSE,
				 .response = { .dw0 = dw0, .cid = cid, .status = status } };

	peer_send_pdu(peer, &pdu);
}

static inline void peer_send_data(struct peer *peer, uint16_t cid, const uint8_t *bytes,
				  uint32_t length)
{
	uint32_t piece = peer->piece ? peer->piece : length;
	uint32_t at;

	for (at = 0; at < length; at += piece) {
		uint32_t n = piece < length - at ? piece : length - at;
		const bool last = at + n == length;
		const struct pdu pdu = {
			.type = PDU_C2H_DATA,
			.flags = (uint8_t)((last ? PDU_FLAG_LAST : 0) |
					   (last && peer->success ? PDU_FLAG_SUCCESS : 0)),
			.data = { .cid = cid, .offset = at, .length = n },
			.bytes = bytes + at,
			.n_bytes = n,
		};

		peer_send_pdu(peer, &pdu);
	}
	if (!peer->success)
		peer_answer(peer, cid, 0, 0);
}

static inline void peer_event(struct peer *peer)
{
	assert_true(peer->event_cid >= 0);
	peer_answer(peer, (uint16_t)peer->event_cid, 0, NVME_ASYNC_DISCOVERY);
	peer->event_cid = -1;
}

/* Record @i as it is in generation @genctr. */
static inline void peer_record(uint64_t genctr, uint32_t i, uint8_t out[DISC_RECORD_BYTES])
{
	struct disc_record record = { .trtype = NVME_TRTYPE_TCP,
				      .adrfam = NVME_ADRFAM_IPV4,
				      .subtype = NVME_SUBTYPE_NVM,
				      .port_id = (uint16_t)i,
				      .trsvcid = "4420",
				      .traddr = "192.0.2.1" };

	snprintf(record.subnqn, sizeof(record.subnqn), "nqn.2026-01.org.example:%llu:%u",
		 (unsigned long long)genctr, i);
	disc_record_encode(&record, out);
}

static inline void peer_put64(uint8_t *at, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline void peer_header(const struct peer *peer, uint8_t out[DISC_HEADER_READ])
{
	memset(out, 0, DISC_HEADER_READ);
	peer_put64(out, peer->genctr);
	peer_put64(out + 8, peer->said ? peer->said : peer->n_records);
	out[16] = (uint8_t)peer->recfmt;
}

static inline void peer_misbehave(struct peer *peer, uint16_t cid)
{
	static const uint8_t huge[8] = { PDU_C2H_DATA, 4, 24, 24, 255, 255, 255, 255 };
	uint8_t bytes[64] = { 0 };
	uint8_t term[PDU_TERM_MAX];
	const struct pdu_fault fault = { PDU_FES_LIMIT, 3 };
	struct pdu pdu = { .type = PDU_C2H_DATA,
			   .flags = PDU_FLAG_LAST,
			   .data = { .cid = cid, .length = DISC_HEADER_READ },
			   .bytes = bytes,
			   .n_bytes = DISC_HEADER_READ };

	peer_header(peer, bytes);
	switch (peer->mood) {
	case PEER_RESETS:
		peer_reset(peer);
		return;
	case PEER_WRONG_CID:
		peer_answer(peer, 0x1f, 0, 0);
		return;
	case PEER_TWICE:
		peer_send_pdu(peer, &pdu);
		peer_answer(peer, cid, 0, 0);
		peer_answer(peer, cid, 0, 0);
		return;
	case PEER_TOO_LONG:
		pdu.n_bytes = pdu.data.length = DISC_HEADER_READ + 4;
		break;
	case PEER_TOO_SHORT:
		pdu.n_bytes = pdu.data.length = DISC_HEADER_READ - 4;
		break;
	case PEER_GAP:
		pdu.data.offset = 4;
		pdu.n_bytes = pdu.data.length = 8;
		break;
	case PEER_UNASKED:
		pdu.data.cid = 0x100;
		break;
	case PEER_TERM:
		peer_send(peer, term, pdu_build_term(false, &fault, huge, 8, term));
		return;
	case PEER_HUGE_PDU:
		peer_send(peer, huge, sizeof(huge));
		return;
	case PEER_NO_PDU:
		peer_send(peer, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
		return;
	default:
		return;
	}
	peer_send_pdu(peer, &pdu);
	peer_answer(peer, cid, 0, 0);
}

/* --- what it hears */

static inline void peer_icreq(struct peer *peer, const struct pdu *pdu)
{
	const struct pdu answer = {
		.type = PDU_ICRESP,
		.ic = { .hdgst = pdu->ic.hdgst && peer->hdgst,
			.ddgst = pdu->ic.ddgst && peer->ddgst,
			.max = 4096 },
	};

	str_add(&peer->trace, "icreq ");
	if (peer->mood == PEER_SILENT)
		return;
	if (peer->mood == PEER_CLOSES) {
		peer_hang_up(peer);
		return;
	}
	peer_send_pdu(peer, &answer);
	peer->side.ready = true;
	peer->side.hdgst = answer.ic.hdgst;
	peer->side.ddgst = answer.ic.ddgst;
}

static inline void peer_connect(struct peer *peer, const struct pdu *pdu)
{
	uint16_t offset;

	assert_int_equal(pdu->n_bytes, NVME_CONNECT_DATA_BYTES);
	assert_int_equal(pdu_connect_data_decode(pdu->bytes, &peer->connect, &offset, NULL), 0);
	peer->kato = pdu->command.cdw[2];
	peer->n_connects++;
	str_add(&peer->trace, "connect ");
	peer_answer(peer, pdu->command.cid, peer->connect_status,
		    peer->connect_status || peer->connect_dw0 ? peer->connect_dw0 : 42);
}

static inline void peer_fabrics(struct peer *peer, const struct pdu *pdu)
{
	const struct nvme_sqe *sqe = &pdu->command;

	switch (sqe->nsid & 0xff) {
	case NVME_CONNECT:
		peer_connect(peer, pdu);
		return;
	case NVME_PROPERTY_SET:
		assert_int_equal(sqe->cdw[1], NVME_CC);
		peer->shut_down = sqe->cdw[2] & NVME_CC_SHN_MASK;
		str_add(&peer->trace, peer->shut_down ? "shutdown " : "enable ");
		peer_answer(peer, sqe->cid, 0, 0);
		return;
	default:
		assert_int_equal(sqe->cdw[1], NVME_CSTS);
		str_add(&peer->trace, "csts ");
		peer_answer(peer, sqe->cid, 0, peer->not_ready ? 0 : NVME_CSTS_RDY);
		if (peer->not_ready)
			peer->not_ready--;
	}
}

static inline void peer_identify(struct peer *peer, uint16_t cid)
{
	const struct nvme_identify identify = {
		.serial = "1",
		.model = "peer",
		.cntlid = 42,
		.oaes = NVME_OAES_DISCOVERY,
		.cntrltype = 2,
		.mdts = peer->mdts,
		.subnqn = NQN_DISCOVERY,
	};
	uint8_t bytes[NVME_IDENTIFY_BYTES];

	pdu_identify_encode(&identify, bytes);
	str_add(&peer->trace, "identify ");
	peer_send_data(peer, cid, bytes, sizeof(bytes));
}

static inline void peer_records(struct peer *peer, uint16_t cid, uint64_t offset, uint32_t length)
{
	uint8_t *bytes = calloc(1, length);
	uint32_t i;

	/* exactly what there is, record by record */
	assert_int_equal(offset % DISC_RECORD_BYTES, 0);
	assert_int_equal(length % DISC_RECORD_BYTES, 0);
	assert_true(offset + length <=
		    DISC_RECORD_BYTES * (1 + (peer->said ? peer->said : peer->n_records)));
	assert_true(!peer->mdts || length <= 4096u << peer->mdts);
	str_addf(&peer->trace, "records:%llu+%u ",
		 (unsigned long long)offset / DISC_RECORD_BYTES - 1, length / DISC_RECORD_BYTES);
	for (i = 0; i < length / DISC_RECORD_BYTES; i++)
		peer_record(peer->genctr, (uint32_t)(offset / DISC_RECORD_BYTES) - 1 + i,
			    bytes + (size_t)i * DISC_RECORD_BYTES);
	if (peer->changes) {
		peer->changes--;
		peer->genctr++;
	}
	if (peer->mood == PEER_SHRINKS) {
		peer->mood = PEER_GOOD;
		peer->n_records = 1;
		peer->genctr++;
		peer_answer(peer, cid, NVME_SC_INVALID_FIELD | NVME_SC_DNR, 0);
	} else if (peer->mood == PEER_REORDERS) {
		memcpy(peer->late, bytes, DISC_RECORD_BYTES);
	} else {
		peer_send_data(peer, cid, bytes, length);
	}
	free(bytes);
}

static inline void peer_late_records(struct peer *peer)
{
	peer->mood = PEER_GOOD;
	peer->genctr++; /* between the header and the records: nobody can see it but by order */
	peer_record(peer->genctr, 0, peer->late);
	peer_send_data(peer, 0x100, peer->late, DISC_RECORD_BYTES);
}

static inline void peer_get_log(struct peer *peer, const struct nvme_sqe *sqe)
{
	uint64_t offset = sqe->cdw[2] | (uint64_t)sqe->cdw[3] << 32;
	uint32_t length = ((sqe->cdw[0] >> 16 | sqe->cdw[1] << 16) + 1) * 4;
	uint8_t header[DISC_HEADER_READ];

	assert_int_equal(sqe->cdw[0] & 0xff, NVME_LOG_DISCOVERY);
	assert_int_equal(sqe->sgl_length, length);
	if (offset) {
		assert_true(sqe->cdw[0] & NVME_GET_LOG_RAE);
		peer_records(peer, sqe->cid, offset, length);
		return;
	}
	assert_int_equal(length, DISC_HEADER_READ);
	assert_false(sqe->cdw[0] & NVME_GET_LOG_RAE);
	str_add(&peer->trace, "header ");
	peer->n_looks++;
	if (peer->mood > PEER_CLOSES && peer->mood < PEER_BAD_DIGEST) {
		peer_misbehave(peer, sqe->cid);
		return;
	}
	peer_header(peer, header);
	peer_send_data(peer, sqe->cid, header, sizeof(header));
	if (peer->mood == PEER_REORDERS && strstr(str_get(&peer->trace), "records"))
		peer_late_records(peer);
}

static inline void peer_ready_for_dim(struct peer *peer)
{
	const struct pdu pdu = { .type = PDU_R2T,
				 .data = { peer->dim_cid, 5, peer->dim_got,
					   peer->dim_length - peer->dim_got < 6000
						   ? peer->dim_length - peer->dim_got
						   : 6000 } };

	peer_send_pdu(peer, &pdu);
}

static inline void peer_dim(struct peer *peer, const struct pdu *pdu)
{
	peer->dim = calloc(1, pdu->command.sgl_length);
	peer->dim_length = pdu->command.sgl_length;
	peer->dim_cid = pdu->command.cid;
	str_addf(&peer->trace, "dim:%u ", pdu->command.cdw[0]);
	if (!pdu->n_bytes) {
		peer_ready_for_dim(peer);
		return;
	}
	memcpy(peer->dim, pdu->bytes, pdu->n_bytes);
	peer->dim_got = pdu->n_bytes;
	peer_answer(peer, pdu->command.cid, NVME_SC_DISC_RESOURCES | NVME_SC_DNR, 0);
}

static inline void peer_dim_data(struct peer *peer, const struct pdu *pdu)
{
	assert_int_equal(pdu->data.cid, peer->dim_cid);
	assert_int_equal(pdu->data.ttag, 5);
	assert_int_equal(pdu->data.offset, peer->dim_got);
	assert_true(pdu->n_bytes <= 4096);
	memcpy(peer->dim + peer->dim_got, pdu->bytes, pdu->n_bytes);
	peer->dim_got += pdu->n_bytes;
	if (!(pdu->flags & PDU_FLAG_LAST))
		return;
	if (peer->dim_got < peer->dim_length)
		peer_ready_for_dim(peer);
	else
		peer_answer(peer, peer->dim_cid, 0, 0);
}

static inline void peer_command(struct peer *peer, const struct pdu *pdu)
{
	const struct nvme_sqe *sqe = &pdu->command;

	assert_int_equal(sqe->flags, NVME_SQE_SGL);
	switch (sqe->opcode) {
	case NVME_FABRICS:
		peer_fabrics(peer, pdu);
		return;
	case NVME_IDENTIFY:
		peer_identify(peer, sqe->cid);
		return;
	case NVME_SET_FEATURES:
		assert_int_equal(sqe->cdw[0], NVME_FEATURE_ASYNC_EVENT);
		assert_int_equal(sqe->cdw[1], UINT32_C(1) << 31);
		str_add(&peer->trace, "mask ");
		peer_answer(peer, sqe->cid, peer->event_status, 0);
		return;
	case NVME_ASYNC_EVENT:
		assert_int_equal(peer->event_cid, -1);
		peer->n_events++;
		str_add(&peer->trace, "event ");
		if (peer->event_status)
			peer_answer(peer, sqe->cid, peer->event_status, 0);
		else
			peer->event_cid = sqe->cid;
		return;
	case NVME_KEEP_ALIVE:
		peer->n_keep_alives++;
		if (peer->mood != PEER_SILENT)
			peer_answer(peer, sqe->cid, 0, 0);
		return;
	case NVME_DISC_INFO_MGMT:
		peer_dim(peer, pdu);
		return;
	default:
		assert_int_equal(sqe->opcode, NVME_GET_LOG_PAGE);
		peer_get_log(peer, sqe);
	}
}

static inline void peer_hear(struct peer *peer, const struct pdu *pdu)
{
	switch (pdu->type) {
	case PDU_ICREQ:
		peer_icreq(peer, pdu);
		break;
	case PDU_COMMAND:
		peer_command(peer, pdu);
		break;
	case PDU_H2C_DATA:
		peer_dim_data(peer, pdu);
		break;
	default:
		str_addf(&peer->trace, "term:%u:%u ", pdu->term.fes, pdu->term.fei);
	}
}

static inline void peer_accept(struct peer *peer)
{
	int one = 1;

	peer->fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (peer->fd < 0)
		return;
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (peer->mood == PEER_SSH)
		peer_send(peer, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 32);
}

/* Hear and answer what is there; never blocks. */
static inline void peer_pump(struct peer *peer)
{
	ssize_t more;

	if (peer->fd < 0)
		peer_accept(peer);
	if (peer->fd < 0)
		return;
	more = recv(peer->fd, peer->in + peer->got, sizeof(peer->in) - peer->got, MSG_DONTWAIT);
	if (more == 0 || (more < 0 && errno != EAGAIN)) {
		str_add(&peer->trace, "closed");
		close(peer->listen_fd);
		peer->listen_fd = -1;
		peer_hang_up(peer);
		return;
	}
	if (more > 0)
		peer->got += (size_t)more;
	while (peer->fd >= 0 && peer->got) {
		struct pdu_fault fault;
		struct pdu pdu;
		size_t need;
		int used = pdu_parse(&peer->side, peer->in, peer->got, &pdu, &need, &fault, NULL);

		assert_true(used >= 0);
		if (used == 0)
			return;
		peer_hear(peer, &pdu);
		if (peer->fd < 0)
			return;
		peer->got -= (size_t)used;
		memmove(peer->in, peer->in + used, peer->got);
	}
}
