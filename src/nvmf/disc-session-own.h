/* SPDX-License-Identifier: BSD-3-Clause */
/* disc-session-own - what the files of disc-session share: the dialogue (disc-session.c), reading
 * the log (disc-session-read.c), registering (disc-session-dim.c), authentication
 * (disc-session-auth.c). */
#pragma once

#include "nvmf/disc-session.h"

/* Command identifiers: of each kind one is under way at most; from CID_CHUNK on, which chunk. */
enum {
	CID_CONNECT = 1,
	CID_ENABLE,
	CID_CSTS,
	CID_IDENTIFY,
	CID_HEADER,
	CID_EVENT_MASK,
	CID_EVENT,
	CID_KEEP_ALIVE,
	CID_SHUTDOWN,
	CID_DIM,
	CID_AUTH_SEND,
	CID_AUTH_RECEIVE,
	N_CIDS,
	CID_CHUNK = 0x100,
};

void session_put(const struct disc_session *s, const struct pdu *pdu, struct disc_out *out);
/* Sets .flags and .sgl_type: data come, or there are none. */
void session_put_command(struct disc_session *s, struct nvme_sqe *sqe, struct disc_out *out);
/* Ask for an event if none is asked for. */
void session_rearm(struct disc_session *s, struct disc_out *out);

/* --- disc-session-read.c; codes as of disc_session_take */

int session_reading_begin_identify(struct disc_session *s, struct err *err);
void session_reading_free(struct disc_session *s);
void session_put_header(struct disc_session *s, struct disc_out *out);
int session_reading_data(struct disc_session *s, const struct pdu *pdu, struct err *err);
/* Of Identify or the header, without an error. */
int session_reading_answer(struct disc_session *s, uint16_t cid, struct disc_out *out,
			   unsigned int *news, struct err *err);
int session_chunk_answer(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
			 unsigned int *news, struct err *err);
/* Go on if all answers are there. */
int session_reading_step(struct disc_session *s, struct disc_out *out, unsigned int *news,
			 struct err *err);

/* --- disc-session-dim.c */

void session_dim_free(struct disc_session *s);
/* It is ready to take so much. */
int session_dim_send(struct disc_session *s, const struct pdu_data *ready, struct disc_out *out,
		     struct err *err);

/* --- disc-session-auth.c; codes as of disc_session_take, and 1: it may be enabled */

int session_auth_begin(struct disc_session *s, bool is_asked, struct disc_out *out,
		       struct err *err);
void session_auth_free(struct disc_session *s);
int session_auth_data(struct disc_session *s, const struct pdu *pdu, struct err *err);
int session_auth_answer(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
			struct err *err);
