/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-session: Discovery Information Management (TP8010). What does not fit into a capsule is
 * sent when the controller asks for it. */
#include <errno.h>
#include <stdlib.h>

#include "nvmf/disc-session-own.h"

struct disc_dim_data {
	uint8_t *bytes;
	uint32_t length;
	uint32_t sent;
};

void session_dim_free(struct disc_session *s)
{
	if (!s->dim)
		return;
	free(s->dim->bytes);
	free(s->dim);
	s->dim = NULL;
}

static void put_dim(struct disc_session *s, uint8_t tas, struct disc_out *out)
{
	struct disc_dim_data *dim = s->dim;
	struct pdu pdu = {
		.type = PDU_COMMAND,
		.command = {
			.opcode = NVME_DISC_INFO_MGMT,
			.flags = NVME_SQE_SGL,
			.cid = CID_DIM,
			.sgl_length = dim->length,
			.sgl_type = NVME_SGL_TRANSPORT,
			.cdw = { tas },
		},
	};

	if (dim->length <= NVME_ADMIN_CAPSULE_MAX) {
		pdu.command.sgl_type = NVME_SGL_IN_CAPSULE;
		pdu.bytes = dim->bytes;
		pdu.n_bytes = dim->length;
		dim->sent = dim->length;
	}
	session_put(s, &pdu, out);
	s->waiting |= 1u << CID_DIM;
}

int disc_session_dim(struct disc_session *session, uint8_t tas, uint8_t *take_data, uint32_t length,
		     struct disc_out *out)
{
	int r = 0;

	if (!session->known)
		r = -ENOTCONN;
	else if (session->waiting & 1u << CID_DIM)
		r = -EBUSY;
	else if (!(session->dim = calloc(1, sizeof(*session->dim))))
		r = -ENOMEM;
	if (r < 0) {
		free(take_data);
		return r;
	}
	*session->dim = (struct disc_dim_data){ .bytes = take_data, .length = length };
	put_dim(session, tas, out);
	return 0;
}

int session_dim_send(struct disc_session *s, const struct pdu_data *ready, struct disc_out *out,
		     struct err *err)
{
	struct disc_dim_data *dim = s->dim;
	uint32_t end;

	if (!dim || ready->cid != CID_DIM || ready->offset != dim->sent ||
	    ready->length > dim->length - dim->sent)
		return err_set(err, -EPROTO,
			       "it is ready for %u bytes at %u of command 0x%x, which nobody sends",
			       ready->length, ready->offset, ready->cid);
	end = dim->sent + ready->length;
	while (dim->sent < end) {
		uint32_t rest = end - dim->sent;
		uint32_t length = rest < s->h2c_max ? rest : s->h2c_max;
		const struct pdu pdu = {
			.type = PDU_H2C_DATA,
			.flags = length == rest ? PDU_FLAG_LAST : 0,
			.data = { CID_DIM, ready->ttag, dim->sent, length },
			.bytes = dim->bytes + dim->sent,
			.n_bytes = length,
		};

		session_put(s, &pdu, out);
		dim->sent += length;
	}
	return 0;
}
