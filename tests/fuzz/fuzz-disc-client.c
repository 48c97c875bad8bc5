/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-disc-client - bytes of a discovery controller as the client takes them. The first byte says
 * what was asked for, the second what the client does by itself between two PDUs. All that it sends
 * is what a controller takes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/disc-session.h"

#define MAX_RECORDS 300
#define NEED(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is what goes out whole, and of a host? */
static void look_at(const struct disc_session *s, struct disc_out *out)
{
	struct pdu_side side = { .from_host = true,
				 .ready = true,
				 .hdgst = s->side.hdgst,
				 .ddgst = s->side.ddgst,
				 .max_data = 1 << 20 };
	size_t at = 0;

	while (at < out->length) {
		struct pdu_fault fault;
		struct pdu pdu;
		size_t need;
		int r;

		side.ready = out->bytes[at] != PDU_ICREQ;
		r = pdu_parse(&side, out->bytes + at, out->length - at, &pdu, &need, &fault, NULL);
		NEED(r > 0);
		at += (size_t)r;
	}
	out->length = 0;
}

static void mend_digests(const struct pdu_side *side, uint8_t *bytes, size_t size)
{
	size_t header = size > 8 ? bytes[2] : 0;
	size_t length = size > 8 ? bytes[4] | (size_t)bytes[5] << 8 | (size_t)bytes[6] << 16 : 0;

	if (!side->ready || header < 24 || size < header + 4)
		return;
	if (side->hdgst)
		pdu_digest(bytes, header, bytes + header);
	header += side->hdgst ? 4 : 0;
	if (side->ddgst && length >= header + 4 && length <= size)
		pdu_digest(bytes + header, length - header - 4, bytes + length - 4);
}

static void act(struct disc_session *s, unsigned int how, struct disc_out *out)
{
	if (how & 1 && disc_session_is_idle(s))
		disc_session_look(s, out);
	if (how & 2 && s->known)
		disc_session_keep_alive(s, out);
	if (how & 4)
		disc_session_dim(s, 0, calloc(1, how & 8 ? 20000 : 1024), how & 8 ? 20000 : 1024,
				 out);
}

static void take_log(struct disc_session *s)
{
	const struct disc_log *log = s->log;
	struct disc_record record;
	size_t i;

	NEED(log && log->n_records <= MAX_RECORDS);
	NEED(log->length == (1 + log->n_records) * DISC_RECORD_BYTES);
	for (i = 0; i < log->n_records; i++)
		(void)!disc_record_decode(disc_log_record(log, i), &record, NULL);
	disc_log_unref(s->log);
	s->log = NULL;
}

static void talk(struct disc_session *s, unsigned int how, uint8_t *bytes, size_t size)
{
	struct disc_out out;
	size_t at = 0;
	int r = 1;

	disc_out_init(&out);
	disc_session_begin(s, &out);
	while (r > 0) {
		unsigned int news = 0;
		size_t need = 0;

		look_at(s, &out);
		mend_digests(&s->side, bytes + at, size - at);
		r = disc_session_take(s, bytes + at, size - at, &out, &need, &news, NULL);
		if (r <= 0)
			break;
		at += (size_t)r;
		NEED(!(news & DISC_NEWS_LOG) || s->known);
		if (news & DISC_NEWS_LOG)
			take_log(s);
		if (news & DISC_NEWS_NOT_READY)
			disc_session_poll(s, &out);
		if (news & DISC_NEWS_EVENT && disc_session_is_idle(s))
			disc_session_look(s, &out);
		act(s, how, &out);
		NEED(disc_session_waits_for(s));
	}
	disc_session_shutdown(s, &out);
	look_at(s, &out);
	disc_out_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disc_session_setup setup = { .hostnqn = "nqn.2014-08.org.nvmexpress:uuid:1",
					    .subnqn = NQN_DISCOVERY,
					    .kato_ms = 30000,
					    .max_records = MAX_RECORDS };
	struct disc_session s;
	uint8_t *bytes;

	if (size < 3)
		return 0;
	setup.stay = data[0] & 1;
	setup.hdgst = data[0] & 2;
	setup.ddgst = data[0] & 4;
	bytes = malloc(size - 2);
	if (!bytes)
		return 0;
	memcpy(bytes, data + 2, size - 2);
	disc_session_init(&s, &setup);
	talk(&s, data[1], bytes, size - 2);
	disc_session_deinit(&s);
	free(bytes);
	return 0;
}
