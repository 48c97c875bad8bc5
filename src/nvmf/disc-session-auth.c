/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-session: proving to a controller who we are (DH-HMAC-CHAP), before it is enabled. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/disc-session-own.h"

#define ROOM 4096

struct disc_auth {
	struct chap *chap;
	bool is_mutual; /* it must prove itself as well */
	uint32_t got;
	uint8_t bytes[ROOM];
};

int disc_session_auth(struct disc_session *session, const struct chap_params *params,
		      struct err *err)
{
	struct disc_auth *auth = calloc(1, sizeof(*auth));
	int r;

	if (!auth)
		return err_nomem(err);
	auth->is_mutual = params->controller_key != NULL;
	r = chap_new(params, &auth->chap, err);
	if (r < 0)
		free(auth);
	else
		session->auth = auth;
	return r;
}

void session_auth_free(struct disc_session *s)
{
	if (!s->auth)
		return;
	chap_free(s->auth->chap);
	free(s->auth);
	s->auth = NULL;
}

static void put_auth(struct disc_session *s, uint16_t cid, uint32_t length, const uint8_t *bytes,
		     struct disc_out *out)
{
	struct pdu pdu = {
		.type = PDU_COMMAND,
		.command = {
			.opcode = NVME_FABRICS,
			.flags = NVME_SQE_SGL,
			.cid = cid,
			.nsid = bytes ? NVME_AUTH_SEND : NVME_AUTH_RECEIVE,
			.sgl_length = length,
			.sgl_type = bytes ? NVME_SGL_IN_CAPSULE : NVME_SGL_TRANSPORT,
			.cdw = { CHAP_SPSP << 8 | CHAP_SPSP << 16 | (uint32_t)CHAP_SECP << 24,
				 length },
		},
		.bytes = bytes,
		.n_bytes = bytes ? length : 0,
	};

	session_put(s, &pdu, out);
	s->waiting |= (uint16_t)(1u << cid);
	s->info.round_trips++;
}

/* Returns: 0 it goes on; 1 done; negative errno. */
static int step(struct disc_session *s, struct disc_out *out, struct err *err)
{
	struct disc_auth *auth = s->auth;
	uint8_t message[CHAP_MESSAGE_MAX];

	switch (chap_next(auth->chap)) {
	case CHAP_GIVE:
		put_auth(s, CID_AUTH_SEND, (uint32_t)chap_give(auth->chap, message), message, out);
		return 0;
	case CHAP_TAKE:
		auth->got = 0;
		put_auth(s, CID_AUTH_RECEIVE, ROOM, NULL, out);
		return 0;
	case CHAP_DONE:
		session_auth_free(s);
		return 1;
	default:
		return err_set(err, -EKEYREJECTED, "authentication failed: %s",
			       chap_why(auth->chap));
	}
}

int session_auth_begin(struct disc_session *s, bool is_asked, struct disc_out *out, struct err *err)
{
	if (is_asked && !s->auth)
		return err_set(err, -EKEYREJECTED,
			       "it wants authentication, and there is no key for it");
	if (is_asked)
		return step(s, out, err);
	/* who is to prove itself does not get around that by asking for nothing */
	if (s->auth && s->auth->is_mutual)
		return err_set(err, -EKEYREJECTED,
			       "it is to prove who it is, and does not authenticate");
	session_auth_free(s);
	return 1;
}

int session_auth_data(struct disc_session *s, const struct pdu *pdu, struct err *err)
{
	const struct pdu_data *data = &pdu->data;
	struct disc_auth *auth = s->auth;

	if (!auth || !(s->waiting & 1u << CID_AUTH_RECEIVE) || data->offset != auth->got ||
	    data->length > ROOM - auth->got)
		return err_set(err, -EPROTO, "it sends %u bytes at %u that nobody waits for",
			       data->length, data->offset);
	memcpy(auth->bytes + auth->got, pdu->bytes, data->length);
	auth->got += data->length;
	return 0;
}

int session_auth_answer(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
			struct err *err)
{
	char text[160];
	int r = 0;

	if (!s->auth)
		return err_set(err, -EPROTO, "it answers an authentication that is over");
	if (cqe->status)
		return err_set(err, -EKEYREJECTED, "authentication failed: %s",
			       pdu_status_text(cqe->status, text));
	if (cqe->cid == CID_AUTH_RECEIVE)
		r = chap_take(s->auth->chap, s->auth->bytes, s->auth->got, err);
	if (r < 0) {
		err_prefix(err, "authentication failed: ");
		return -EKEYREJECTED;
	}
	return step(s, out, err);
}
