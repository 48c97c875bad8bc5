/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Of disc-session: reading the log so that it is of one generation.
 *
 * Its header, then its records in increasing order, then the header again: if the generation
 * counter is still the same, it is whole. All of that is sent at once. A controller may take
 * commands in another order, so a last header counts only if its answer came last.
 *
 * Each header is read with RAE 0, which unmasks the event; the records with RAE 1.
 *
 * Source: NVM Express Base Specification 2.0, 5.16.1.23 and 5.2.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/disc-session-own.h"

#define PAGE_BYTES 4096u /* the unit of MDTS, as all controllers have it */

struct disc_reading {
	struct disc_header header; /* it began with */
	struct disc_log *log;	   /* NULL: only Identify and the header are under way */
	uint32_t chunk_bytes;
	uint32_t n_chunks;
	uint32_t first; /* of those that are unanswered */
	uint32_t next;	/* to be sent */
	uint32_t got[DISC_CHUNKS_MAX];
	uint16_t waiting;	/* bit: chunk % DISC_CHUNKS_MAX */
	uint16_t failed_status; /* of a chunk */
	bool closing;		/* the last header was asked for */
	bool in_order;		/* and its answer came last */
	uint32_t identify_got;
	uint8_t identify[]; /* at first */
};

void session_reading_free(struct disc_session *s)
{
	if (!s->reading)
		return;
	disc_log_unref(s->reading->log);
	free(s->reading);
	s->reading = NULL;
}

int session_reading_begin_identify(struct disc_session *s, struct err *err)
{
	session_reading_free(s);
	s->reading = calloc(1, sizeof(*s->reading) + NVME_IDENTIFY_BYTES);
	return s->reading ? 0 : err_nomem(err);
}

/* --- commands */

static void put_get_log(struct disc_session *s, uint16_t cid, uint64_t offset, uint32_t bytes,
			uint32_t flags, struct disc_out *out)
{
	const uint32_t numd = bytes / 4 - 1;
	struct nvme_sqe sqe = {
		.opcode = NVME_GET_LOG_PAGE,
		.cid = cid,
		.sgl_length = bytes,
		.cdw = { NVME_LOG_DISCOVERY | flags | numd << 16, numd >> 16, (uint32_t)offset,
			 (uint32_t)(offset >> 32) },
	};

	session_put_command(s, &sqe, out);
}

void session_put_header(struct disc_session *s, struct disc_out *out)
{
	s->header_got = 0;
	put_get_log(s, CID_HEADER, 0, DISC_HEADER_READ, 0, out);
}

/* Chunk @i, exactly as long as the log has it. */
static uint32_t chunk_length(const struct disc_reading *reading, uint32_t i)
{
	uint64_t rest =
		reading->header.numrec * DISC_RECORD_BYTES - (uint64_t)i * reading->chunk_bytes;

	return rest < reading->chunk_bytes ? (uint32_t)rest : reading->chunk_bytes;
}

static void put_chunk(struct disc_session *s, uint32_t i, struct disc_out *out)
{
	struct disc_reading *reading = s->reading;
	uint64_t offset = DISC_HEADER_BYTES + (uint64_t)i * reading->chunk_bytes;

	reading->got[i % DISC_CHUNKS_MAX] = 0;
	reading->waiting |= (uint16_t)(1u << i % DISC_CHUNKS_MAX);
	put_get_log(s, (uint16_t)(CID_CHUNK + i), offset, chunk_length(reading, i),
		    NVME_GET_LOG_RAE, out);
}

static void put_more(struct disc_session *s, struct disc_out *out)
{
	struct disc_reading *reading = s->reading;

	while (!reading->failed_status && reading->next < reading->n_chunks &&
	       reading->next - reading->first < DISC_CHUNKS_MAX)
		put_chunk(s, reading->next++, out);
	if (!reading->closing && (reading->failed_status || reading->next == reading->n_chunks)) {
		reading->closing = true;
		session_put_header(s, out);
	}
}

/* --- steps */

static uint32_t chunk_bytes(const struct nvme_identify *identify)
{
	const uint32_t most = DISC_CHUNK_RECORDS * DISC_RECORD_BYTES;

	if (identify->mdts == 0 || identify->mdts >= 16 || PAGE_BYTES << identify->mdts > most)
		return most;
	return PAGE_BYTES << identify->mdts;
}

/* Read the records of the generation that the header says. */
static int begin_records(struct disc_session *s, const struct disc_header *header,
			 struct disc_out *out, struct err *err)
{
	struct disc_reading *reading;

	session_reading_free(s);
	s->reading = reading = calloc(1, sizeof(*reading));
	if (!reading)
		return err_nomem(err);
	reading->header = *header;
	reading->log = disc_log_new(header->genctr, NULL, header->numrec);
	if (!reading->log)
		return err_nomem(err);
	reading->chunk_bytes = chunk_bytes(&s->info.identify);
	reading->n_chunks =
		(uint32_t)((header->numrec * DISC_RECORD_BYTES + reading->chunk_bytes - 1) /
			   reading->chunk_bytes);
	put_more(s, out);
	if (!s->known)
		s->info.round_trips++;
	return 0;
}

static int check_header(const struct disc_session *s, const struct disc_header *header,
			struct err *err)
{
	if (header->recfmt != 0)
		return err_set(err, -EBADMSG, "its log has records of format %u, only 0 is known",
			       header->recfmt);
	if (header->numrec > s->setup.max_records)
		return err_set(err, -E2BIG, "its log has %" PRIu64 " records, over %u",
			       header->numrec, s->setup.max_records);
	return 0;
}

static int finish(struct disc_session *s, struct disc_log *log, const struct disc_header *header,
		  unsigned int *news, struct err *err)
{
	if (!log)
		return err_nomem(err);
	disc_log_unref(s->log);
	s->log = log;
	s->genctr = header->genctr;
	s->numrec = header->numrec;
	s->known = true;
	s->rereads = 0;
	*news |= DISC_NEWS_LOG;
	return 0;
}

static bool is_same(const struct disc_header *a, uint64_t genctr, uint64_t numrec)
{
	return a->genctr == genctr && a->numrec == numrec;
}

/* A header came, and no records are under way. */
static int look(struct disc_session *s, const struct disc_header *header, struct disc_out *out,
		unsigned int *news, struct err *err)
{
	if (s->known && is_same(header, s->genctr, s->numrec)) {
		session_reading_free(s);
		*news |= DISC_NEWS_SAME;
		return 0;
	}
	if (header->numrec)
		return begin_records(s, header, out, err);
	session_reading_free(s);
	return finish(s, disc_log_new(header->genctr, NULL, 0), header, news, err);
}

/* All records are here, and the header after them. */
static int compare(struct disc_session *s, const struct disc_header *header, struct disc_out *out,
		   unsigned int *news, struct err *err)
{
	struct disc_reading *reading = s->reading;
	struct disc_log *log;
	char text[160];

	if (!reading->in_order) {
		session_put_header(s, out);
		return 0;
	}
	if (!is_same(header, reading->header.genctr, reading->header.numrec)) {
		if (++s->rereads > DISC_CLIENT_REREADS)
			return err_set(err, -EAGAIN,
				       "its log changed each of the %d times it was read",
				       DISC_CLIENT_REREADS);
		return look(s, header, out, news, err);
	}
	if (reading->failed_status)
		return err_set(err, -EPROTO, "its records cannot be read: %s",
			       pdu_status_text(reading->failed_status, text));
	log = reading->log;
	reading->log = NULL;
	session_reading_free(s);
	return finish(s, log, header, news, err);
}

int session_reading_step(struct disc_session *s, struct disc_out *out, unsigned int *news,
			 struct err *err)
{
	const unsigned int first = 1u << CID_IDENTIFY | 1u << CID_HEADER | 1u << CID_EVENT_MASK;
	struct disc_reading *reading = s->reading;
	struct disc_header header;
	int r;

	if (s->waiting & first)
		return 0;
	if (reading && reading->log && (reading->waiting || !reading->closing))
		return 0;
	disc_header_decode(s->header, &header);
	r = check_header(s, &header, err);
	if (r < 0)
		return r;
	if (reading && reading->log)
		return compare(s, &header, out, news, err);
	return look(s, &header, out, news, err);
}

/* --- data and answers */

/* Where data of a command go; NULL: it has none under way. */
static uint8_t *place(struct disc_session *s, uint16_t cid, uint32_t *ret_size, uint32_t *ret_got)
{
	struct disc_reading *reading = s->reading;
	uint32_t i = (uint32_t)cid - CID_CHUNK;

	if (cid == CID_HEADER && (s->waiting & 1u << CID_HEADER)) {
		*ret_size = DISC_HEADER_READ;
		*ret_got = s->header_got;
		return s->header;
	}
	if (cid == CID_IDENTIFY && reading && (s->waiting & 1u << CID_IDENTIFY)) {
		*ret_size = NVME_IDENTIFY_BYTES;
		*ret_got = reading->identify_got;
		return reading->identify;
	}
	if (cid < CID_CHUNK || !reading || i < reading->first || i >= reading->next ||
	    !(reading->waiting & 1u << i % DISC_CHUNKS_MAX))
		return NULL;
	*ret_size = chunk_length(reading, i);
	*ret_got = reading->got[i % DISC_CHUNKS_MAX];
	return reading->log->bytes + DISC_HEADER_BYTES + (size_t)i * reading->chunk_bytes;
}

static void set_got(struct disc_session *s, uint16_t cid, uint32_t got)
{
	if (cid == CID_HEADER)
		s->header_got = (uint8_t)got;
	else if (cid == CID_IDENTIFY)
		s->reading->identify_got = got;
	else
		s->reading->got[(cid - CID_CHUNK) % DISC_CHUNKS_MAX] = got;
}

int session_reading_data(struct disc_session *s, const struct pdu *pdu, struct err *err)
{
	const struct pdu_data *data = &pdu->data;
	uint32_t size = 0;
	uint32_t got = 0;
	uint8_t *to = place(s, data->cid, &size, &got);

	if (!to)
		return err_set(err, -EPROTO, "it sends data of command 0x%x, which waits for none",
			       data->cid);
	if (data->offset != got || data->length > size - got)
		return err_set(err, -EPROTO,
			       "it sends %u bytes at %u of command 0x%x, which waits for %u at %u",
			       data->length, data->offset, data->cid, size - got, got);
	memcpy(to + got, pdu->bytes, data->length);
	set_got(s, data->cid, got + data->length);
	return 0;
}

static int too_few(uint32_t got, uint32_t size, const char *what, struct err *err)
{
	return err_set(err, -EPROTO, "it sent %u of %u bytes of %s", got, size, what);
}

int session_reading_answer(struct disc_session *s, uint16_t cid, struct disc_out *out,
			   unsigned int *news, struct err *err)
{
	struct disc_reading *reading = s->reading;

	if (cid == CID_HEADER) {
		if (s->header_got != DISC_HEADER_READ)
			return too_few(s->header_got, DISC_HEADER_READ, "the log's header", err);
		if (reading)
			reading->in_order = !reading->waiting;
		return session_reading_step(s, out, news, err);
	}
	if (!reading || reading->identify_got != NVME_IDENTIFY_BYTES)
		return too_few(reading ? reading->identify_got : 0, NVME_IDENTIFY_BYTES, "Identify",
			       err);
	pdu_identify_decode(reading->identify, &s->info.identify);
	if (s->no_events)
		s->info.identify.oaes &= ~NVME_OAES_DISCOVERY;
	return session_reading_step(s, out, news, err);
}

int session_chunk_answer(struct disc_session *s, const struct nvme_cqe *cqe, struct disc_out *out,
			 unsigned int *news, struct err *err)
{
	struct disc_reading *reading = s->reading;
	uint32_t size = 0;
	uint32_t got = 0;
	uint32_t slot;

	if (!place(s, cqe->cid, &size, &got))
		return err_set(err, -EPROTO, "it answers command 0x%x, which was not sent",
			       cqe->cid);
	if (!cqe->status && got != size)
		return too_few(got, size, "records", err);
	/* the log may have become shorter: then its last header says so */
	if (cqe->status)
		reading->failed_status = cqe->status;
	slot = ((uint32_t)cqe->cid - CID_CHUNK) % DISC_CHUNKS_MAX;
	reading->waiting &= (uint16_t) ~(1u << slot);
	while (reading->first < reading->next &&
	       !(reading->waiting & 1u << reading->first % DISC_CHUNKS_MAX))
		reading->first++;
	put_more(s, out);
	return session_reading_step(s, out, news, err);
}
