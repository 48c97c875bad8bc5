/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-session - the dialogue with a discovery controller, without a socket and without a clock:
 * bytes come in, bytes go out. The inside of disc-client, and what its fuzzer feeds.
 *
 * Each answer is taken once and only for a command that waits for it; data only in order and only
 * as many as were asked for. Between two answers a session holds what it says in its structure;
 * while it reads a log, the page of that log and little more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nvmf/chap.h"
#include "nvmf/disc-client.h"
#include "nvmf/disc-log.h"
#include "nvmf/pdu.h"

/* Of one command: so many records. 128 KiB and a header are the longest PDU that is taken. */
#define DISC_CHUNK_RECORDS 128
#define DISC_CHUNKS_MAX 16 /* commands under way at the same time */

/* What is to be sent. Few bytes need no memory; it may not be moved. */
struct disc_out {
	uint8_t *bytes;
	size_t length;
	size_t room;
	bool failed; /* out of memory: what is there is not whole */
	uint8_t few[1536];
};
void disc_out_init(struct disc_out *out);
void disc_out_deinit(struct disc_out *out);
void disc_out_add(struct disc_out *out, const void *bytes, size_t length);

struct disc_session_setup {
	const char *hostnqn; /* borrowed until the controller let us in */
	const char *subnqn;
	uint8_t hostid[NVME_HOSTID_BYTES];
	bool stay;
	bool hdgst, ddgst;
	uint32_t kato_ms;
	uint32_t max_records;
};

/* What happened, one or more of: */
enum {
	DISC_NEWS_LOG = 1,	  /* a log is there: take session->log */
	DISC_NEWS_SAME = 2,	  /* it is as it was */
	DISC_NEWS_EVENT = 4,	  /* it may have changed: disc_session_look in a while */
	DISC_NEWS_NOT_READY = 8,  /* disc_session_poll in a while */
	DISC_NEWS_DIM = 16,	  /* session->dim_status */
	DISC_NEWS_CONNECTED = 32, /* it let us in */
};

struct disc_reading; /* a log that is being read */
struct disc_dim_data;
struct disc_auth;

struct disc_session {
	struct disc_session_setup setup;
	struct pdu_side side;
	uint32_t h2c_max; /* of one PDU to it */
	uint16_t waiting; /* for answers: a bit for each kind of command */
	uint16_t dim_status;
	bool known;	/* genctr and numrec are of a log that was read */
	bool event;	/* an event came, and the log has not been looked at since */
	bool no_events; /* it has none */
	uint8_t rereads;
	uint8_t header_got;
	uint8_t header[DISC_HEADER_READ];
	uint64_t genctr;
	uint64_t numrec;
	struct disc_reading *reading;
	struct disc_dim_data *dim;
	struct disc_auth *auth; /* until the controller let us in; or NULL */
	struct disc_log *log;	/* owned by who takes it */
	struct disc_client_info info;
};

void disc_session_init(struct disc_session *session, const struct disc_session_setup *setup);
/* Prove who we are, if the controller asks; with .controller_key it must ask, and prove itself,
 * too. After init. Returns: as chap_new. */
int disc_session_auth(struct disc_session *session, const struct chap_params *params,
		      struct err *err);
/* The first word. */
void disc_session_begin(struct disc_session *session, struct disc_out *out);
void disc_session_deinit(struct disc_session *session);

/*
 * Take one PDU from the beginning of @bytes.
 * @ret_need  if it is not whole: as of pdu_parse
 * @ret_news  DISC_NEWS_x
 * Returns: its length; 0 it is not whole; as the code of disc_client_hooks.lost, with the text;
 * then @out may have a last word for the controller. -ENOMEM.
 */
int disc_session_take(struct disc_session *session, const uint8_t *bytes, size_t length,
		      struct disc_out *out, size_t *ret_need, unsigned int *ret_news,
		      struct err *err);

/* Is an answer outstanding, other than an event? */
bool disc_session_waits(const struct disc_session *session);
/* Which answer that is, for a text. */
const char *disc_session_waits_for(const struct disc_session *session);
/* Is it idle after the handshake, so that disc_session_look may be called? */
bool disc_session_is_idle(const struct disc_session *session);

void disc_session_poll(struct disc_session *session, struct disc_out *out);
/* Has the log changed? Asks for another event if one came. */
void disc_session_look(struct disc_session *session, struct disc_out *out);
/* Not while one is unanswered: then the controller is lost anyway. */
void disc_session_keep_alive(struct disc_session *session, struct disc_out *out);
void disc_session_shutdown(struct disc_session *session, struct disc_out *out);
/* @take_data  owned, also on failure. Returns: 0; -EBUSY; -ENOTCONN; -ENOMEM. */
int disc_session_dim(struct disc_session *session, uint8_t tas, uint8_t *take_data, uint32_t length,
		     struct disc_out *out);
