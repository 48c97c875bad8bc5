/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/disc-session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/disc-session-own.h"

#define CC_ENABLE 0x00460001 /* queue entries of 64 and 16 bytes */
#define CC_SHUTDOWN 0x00464001
#define CSTS_FATAL 0x2
#define ADMIN_QUEUE_SIZE 32
#define EVENT_DISCOVERY (UINT32_C(1) << 31)

/* --- what goes out */

void disc_out_init(struct disc_out *out)
{
	out->bytes = out->few;
	out->length = 0;
	out->room = sizeof(out->few);
	out->failed = false;
}

void disc_out_deinit(struct disc_out *out)
{
	if (out->bytes != out->few)
		free(out->bytes);
	disc_out_init(out);
}

static void grow(struct disc_out *out, size_t length)
{
	size_t room = 2 * (out->length + length);
	uint8_t *old = out->bytes == out->few ? NULL : out->bytes;
	uint8_t *bytes = realloc(old, room);

	if (!bytes) {
		out->failed = true;
		return;
	}
	if (!old)
		memcpy(bytes, out->few, out->length);
	out->bytes = bytes;
	out->room = room;
}

void disc_out_add(struct disc_out *out, const void *bytes, size_t length)
{
	if (length > out->room - out->length)
		grow(out, length);
	if (out->failed || !length)
		return;
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
}

void session_put(const struct disc_session *s, const struct pdu *pdu, struct disc_out *out)
{
	uint8_t header[PDU_HEADER_MAX];
	uint8_t digest[PDU_DIGEST_BYTES];

	disc_out_add(out, header, pdu_build(&s->side, pdu, header));
	disc_out_add(out, pdu->bytes, pdu->n_bytes);
	if (pdu->n_bytes && s->side.ddgst) {
		pdu_digest(pdu->bytes, pdu->n_bytes, digest);
		disc_out_add(out, digest, sizeof(digest));
	}
}

void session_put_command(struct disc_session *s, struct nvme_sqe *sqe, struct disc_out *out)
{
	struct pdu pdu = { .type = PDU_COMMAND };

	sqe->flags = NVME_SQE_SGL;
	sqe->sgl_type = NVME_SGL_TRANSPORT;
	pdu.command = *sqe;
	session_put(s, &pdu, out);
	if (sqe->cid < N_CIDS)
		s->waiting |= (uint16_t)(1u << sqe->cid);
}

static void put_property(struct disc_session *s, uint16_t cid, uint32_t property, uint32_t value,
			 struct disc_out *out)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_FABRICS,
		.cid = cid,
		.nsid = cid == CID_CSTS ? NVME_PROPERTY_GET : NVME_PROPERTY_SET,
		.cdw = { 0, property, value },
	};

	session_put_command(s, &sqe, out);
}

static void put_connect(struct disc_session *s, struct disc_out *out)
{
	const struct disc_session_setup *setup = &s->setup;
	struct nvme_connect_data data = { .cntlid = NVME_CNTLID_DYNAMIC };
	uint8_t bytes[NVME_CONNECT_DATA_BYTES];
	struct pdu pdu = {
		.type = PDU_COMMAND,
		.command = {
			.opcode = NVME_FABRICS,
			.flags = NVME_SQE_SGL,
			.cid = CID_CONNECT,
			.nsid = NVME_CONNECT,
			.sgl_length = sizeof(bytes),
			.sgl_type = NVME_SGL_IN_CAPSULE,
			.cdw = { 0, ADMIN_QUEUE_SIZE - 1, setup->stay ? setup->kato_ms : 0 },
		},
		.bytes = bytes,
		.n_bytes = sizeof(bytes),
	};

	memcpy(data.hostid, setup->hostid, sizeof(data.hostid));
	strncpy(data.subnqn, setup->subnqn, sizeof(data.subnqn) - 1);
	strncpy(data.hostnqn, setup->hostnqn, sizeof(data.hostnqn) - 1);
	pdu_connect_data_encode(&data, bytes);
	session_put(s, &pdu, out);
	s->waiting |= 1u << CID_CONNECT;
}

static void put_simple(struct disc_session *s, uint8_t opcode, uint16_t cid, struct disc_out *out)
{
	struct nvme_sqe sqe = { .opcode = opcode, .cid = cid };

	session_put_command(s, &sqe, out);
}

static void put_identify(struct disc_session *s, struct disc_out *out)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_IDENTIFY,
		.cid = CID_IDENTIFY,
		.sgl_length = NVME_IDENTIFY_BYTES,
		.cdw = { 1 }, /* the controller */
	};

	session_put_command(s, &sqe, out);
}

static void put_event_mask(struct disc_session *s, struct disc_out *out)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_SET_FEATURES,
		.cid = CID_EVENT_MASK,
		.cdw = { NVME_FEATURE_ASYNC_EVENT, EVENT_DISCOVERY },
	};

	session_put_command(s, &sqe, out);
}

/* --- the handshake */

void disc_session_init(struct disc_session *session, const struct disc_session_setup *setup)
{
	*session = (struct disc_session){
		.setup = *setup,
		.side = { .max_data = DISC_CHUNK_RECORDS * DISC_RECORD_BYTES },
		.info = { .round_trips = 2 }, /* with that of TCP */
	};
}

void disc_session_begin(struct disc_session *session, struct disc_out *out)
{
	const struct pdu pdu = {
		.type = PDU_ICREQ,
		.ic = { .hdgst = session->setup.hdgst, .ddgst = session->setup.ddgst },
	};

	session_put(session, &pdu, out);
}

void disc_session_deinit(struct disc_session *session)
{
	session_reading_free(session);
	session_dim_free(session);
	session_auth_free(session);
	disc_log_unref(session->log);
	session->log = NULL;
}

static int on_icresp(struct disc_session *s, const struct pdu_ic *ic, struct disc_out *out,
		     struct err *err)
{
	if (ic->hdgst != s->setup.hdgst || ic->ddgst != s->setup.ddgst)
		return err_set(err, -EPROTO, "it %s %s digests",
			       ic->hdgst > s->setup.hdgst || ic->ddgst > s->setup.ddgst
				       ? "insists on"
				       : "does not do",
			       ic->hdgst != s->setup.hdgst ? "header" : "data");
	if (ic->align)
		return err_set(err, -EPROTO, "it wants data aligned to %u bytes",
			       4 * (ic->align + 1u));
	s->side.ready = true;
	s->side.hdgst = ic->hdgst;
	s->side.ddgst = ic->ddgst;
	s->h2c_max = ic->max;
	put_connect(s, out);
	s->info.round_trips++;
	return 0;
}

/* Why a controller did not let us in. */
static int refused(const struct nvme_cqe *cqe, struct err *err)
{
	unsigned int code = cqe->status & NVME_SC_MASK;
	bool for_good = cqe->status & NVME_SC_DNR;
	char text[160];

	pdu_status_text(cqe->status, text);
	if (code == NVME_SC_AUTH_REQUIRED)
		return err_set(err, -EKEYREJECTED, "%s", text);
	/* which part of the data: 256 is the name of the subsystem, 512 that of the host */
	if (code == NVME_SC_CONNECT_PARAM && (cqe->dw0 & 0xffff) == 256)
		return err_set(err, -ENOENT, "there is no discovery controller of that NQN");
	if (code == NVME_SC_CONNECT_PARAM && (cqe->dw0 & 0xffff) == 512)
		return err_set(err, for_good ? -EACCES : -EBUSY,
			       "it does not take this host's NQN");
	return err_set(err, for_good ? -EACCES : -EBUSY, "%s", text);
}

/* @r  of session_auth: 1 it may be enabled */
static int enable(struct disc_session *s, int r, struct disc_out *out, unsigned int *news)
{
	if (r <= 0)
		return r;
	put_property(s, CID_ENABLE, NVME_CC, CC_ENABLE, out);
	put_property(s, CID_CSTS, NVME_CSTS, 0, out);
	s->info.round_trips++;
	*news |= DISC_NEWS_CONNECTED;
	return 0;
}

static int on_connected(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
			unsigned int *news, struct err *err)
{
	int r;

	if (cqe->status)
		return refused(cqe, err);
	if (cqe->dw0 & NVME_CONNECT_SECURE_CHANNEL)
		return err_set(err, -EKEYREJECTED,
			       "it wants TLS, which is not done on a discovery connection");
	s->info.cntlid = (uint16_t)cqe->dw0;
	r = session_auth_begin(s, cqe->dw0 & NVME_CONNECT_AUTH_REQUIRED, out, err);
	return enable(s, r, out, news);
}

void disc_session_poll(struct disc_session *session, struct disc_out *out)
{
	put_property(session, CID_CSTS, NVME_CSTS, 0, out);
	session->info.round_trips++;
}

static int on_csts(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
		   unsigned int *news, struct err *err)
{
	int r;

	if (cqe->dw0 & CSTS_FATAL)
		return err_set(err, -EPROTO, "the controller failed (CSTS 0x%x)", cqe->dw0);
	if (!(cqe->dw0 & NVME_CSTS_RDY)) {
		*news |= DISC_NEWS_NOT_READY;
		return 0;
	}
	r = session_reading_begin_identify(s, err);
	if (r < 0)
		return r;
	put_identify(s, out);
	session_put_header(s, out);
	if (s->setup.stay) {
		put_event_mask(s, out);
		put_simple(s, NVME_ASYNC_EVENT, CID_EVENT, out);
	}
	s->info.round_trips++;
	return 0;
}

/* --- answers */

/* For texts. */
static const char *const names[N_CIDS] = {
	[CID_CONNECT] = "Connect",
	[CID_ENABLE] = "Property Set (CC)",
	[CID_CSTS] = "Property Get (CSTS)",
	[CID_IDENTIFY] = "Identify",
	[CID_HEADER] = "Get Log Page (discovery)",
	[CID_EVENT_MASK] = "Set Features (events)",
	[CID_EVENT] = "Asynchronous Event Request",
	[CID_KEEP_ALIVE] = "Keep Alive",
	[CID_SHUTDOWN] = "Property Set (shutdown)",
	[CID_DIM] = "Discovery Information Management",
	[CID_AUTH_SEND] = "Authentication Send",
	[CID_AUTH_RECEIVE] = "Authentication Receive",
};

bool disc_session_waits(const struct disc_session *session)
{
	return !session->side.ready || session->reading ||
	       (session->waiting & ~(1u << CID_EVENT)) != 0;
}

const char *disc_session_waits_for(const struct disc_session *session)
{
	const unsigned int waiting = session->waiting & ~(1u << CID_EVENT);

	if (!session->side.ready)
		return "the first NVMe/TCP message";
	if (!waiting)
		return session->reading ? names[CID_HEADER] : names[CID_CSTS];
	return names[__builtin_ctz(waiting)];
}

bool disc_session_is_idle(const struct disc_session *session)
{
	return session->known && !session->reading && !(session->waiting & 1u << CID_HEADER);
}

static int failed(const struct nvme_cqe *cqe, struct err *err)
{
	char text[160];

	return err_set(err, -EPROTO, "it answers %s: %s", names[cqe->cid],
		       pdu_status_text(cqe->status, text));
}

/* One that has no events is asked now and then. */
static void on_event_refused(struct disc_session *s)
{
	s->info.identify.oaes &= ~NVME_OAES_DISCOVERY;
	s->no_events = true;
}

static void on_event(struct disc_session *s, const struct nvme_cqe *cqe, unsigned int *news)
{
	if (cqe->status) {
		on_event_refused(s);
		return;
	}
	s->event = true;
	*news |= DISC_NEWS_EVENT;
}

static int on_answer(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
		     unsigned int *news, struct err *err)
{
	switch (cqe->cid) {
	case CID_CONNECT:
		return on_connected(s, cqe, out, news, err);
	case CID_AUTH_SEND:
	case CID_AUTH_RECEIVE:
		return enable(s, session_auth_answer(s, cqe, out, err), out, news);
	case CID_EVENT:
		on_event(s, cqe, news);
		return 0;
	case CID_EVENT_MASK:
		if (cqe->status)
			on_event_refused(s);
		return session_reading_step(s, out, news, err);
	case CID_DIM:
		s->dim_status = cqe->status & NVME_SC_MASK;
		session_dim_free(s);
		*news |= DISC_NEWS_DIM;
		return 0;
	default:
		break;
	}
	if (cqe->status)
		return failed(cqe, err);
	if (cqe->cid == CID_CSTS)
		return on_csts(s, cqe, out, news, err);
	if (cqe->cid == CID_IDENTIFY || cqe->cid == CID_HEADER)
		return session_reading_answer(s, cqe->cid, out, news, err);
	return 0;
}

static int on_response(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
		       unsigned int *news, struct err *err)
{
	if (cqe->cid >= CID_CHUNK)
		return session_chunk_answer(s, cqe, out, news, err);
	if (cqe->cid >= N_CIDS || !(s->waiting & 1u << cqe->cid))
		return err_set(err, -EPROTO, "it answers command 0x%x, which was not sent",
			       cqe->cid);
	s->waiting &= (uint16_t) ~(1u << cqe->cid);
	return on_answer(s, cqe, out, news, err);
}

static int on_data(struct disc_session *s, const struct pdu *pdu, struct disc_out *out,
		   unsigned int *news, struct err *err)
{
	const struct nvme_cqe done = { .cid = pdu->data.cid };
	int r = pdu->data.cid == CID_AUTH_RECEIVE ? session_auth_data(s, pdu, err)
						  : session_reading_data(s, pdu, err);

	if (r < 0 || !(pdu->flags & PDU_FLAG_SUCCESS))
		return r;
	return on_response(s, &done, out, news, err);
}

static int on_term(const struct pdu *pdu, struct err *err)
{
	static const char *const reasons[] = {
		"no reason",
		"a bad header field",
		"a PDU out of sequence",
		"a wrong digest",
		"data out of range",
		"too much data",
		"a parameter it does not know",
	};
	unsigned int fes = pdu->term.fes;

	return err_set(err, -EPROTO, "it ends the connection for %s (status %u, 0x%x)",
		       fes < sizeof(reasons) / sizeof(*reasons) ? reasons[fes] : "another reason",
		       fes, pdu->term.fei);
}

static int on_pdu(struct disc_session *s, const struct pdu *pdu, struct disc_out *out,
		  unsigned int *news, struct err *err)
{
	switch (pdu->type) {
	case PDU_ICRESP:
		return on_icresp(s, &pdu->ic, out, err);
	case PDU_RESPONSE:
		return on_response(s, &pdu->response, out, news, err);
	case PDU_C2H_DATA:
		return on_data(s, pdu, out, news, err);
	case PDU_R2T:
		return session_dim_send(s, &pdu->data, out, err);
	default:
		return on_term(pdu, err);
	}
}

/* Tell it why we go. */
static void put_term(const struct pdu_fault *fault, const uint8_t *bytes, size_t length,
		     struct disc_out *out)
{
	uint8_t term[PDU_TERM_MAX];

	disc_out_add(out, term, pdu_build_term(true, fault, bytes, length, term));
}

int disc_session_take(struct disc_session *session, const uint8_t *bytes, size_t length,
		      struct disc_out *out, size_t *ret_need, unsigned int *ret_news,
		      struct err *err)
{
	struct pdu_fault fault = { 0 };
	unsigned int news = 0;
	struct pdu pdu;
	int used = pdu_parse(&session->side, bytes, length, &pdu, ret_need, &fault, err);
	int r;

	*ret_news = 0;
	if (used == 0)
		return 0;
	if (used < 0)
		put_term(&fault, bytes, length < PDU_DATA_BYTES ? length : PDU_DATA_BYTES, out);
	r = used < 0 ? used : on_pdu(session, &pdu, out, &news, err);
	if (r == 0 && out->failed)
		r = err_nomem(err);
	if (r < 0)
		return r;
	*ret_news = news;
	return used;
}

/* --- what its user begins */

void disc_session_look(struct disc_session *session, struct disc_out *out)
{
	session->rereads = 0;
	session_put_header(session, out);
	session_rearm(session, out);
}

void session_rearm(struct disc_session *s, struct disc_out *out)
{
	s->event = false;
	if (s->setup.stay && !s->no_events && !(s->waiting & 1u << CID_EVENT))
		put_simple(s, NVME_ASYNC_EVENT, CID_EVENT, out);
}

void disc_session_keep_alive(struct disc_session *session, struct disc_out *out)
{
	if (!(session->waiting & 1u << CID_KEEP_ALIVE))
		put_simple(session, NVME_KEEP_ALIVE, CID_KEEP_ALIVE, out);
}

void disc_session_shutdown(struct disc_session *session, struct disc_out *out)
{
	/* before Connect there is no controller to shut down */
	if (session->side.ready && !(session->waiting & 1u << CID_CONNECT))
		put_property(session, CID_SHUTDOWN, NVME_CC, CC_SHUTDOWN, out);
}
