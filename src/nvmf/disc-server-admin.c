/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-server: admin commands: Identify, Get Log Page, features, events, DIM. */
#include <stdio.h>
#include <string.h>

#include "nvmf/disc-server-own.h"

#define CNS_CONTROLLER 0x01
#define TYPE_DISCOVERY 2
#define LPA_OFFSETS 0x4			/* log pages may be read from an offset on */
#define SGLS (1u << 0 | 1u << 20)	/* SGLs, with offsets */
#define LOG_SUPPORTED_BYTES 1024	/* 4 for each log page */
#define LOG_IS_SUPPORTED 1u		/* bit 0 of them */
#define GET_LOG_INDEX_OFFSET (1u << 23) /* in cdw14: the offset counts entries */

/* --- Identify */

static void run_identify(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	const struct disc_server *server = conn->server;
	struct nvme_identify identify = {
		.model = "sunfish-nvmeof discovery",
		.cntlid = conn->cntlid,
		.version = DISC_VERSION,
		.oaes = NVME_OAES_DISCOVERY,
		.cntrltype = TYPE_DISCOVERY,
		.lpa = LPA_OFFSETS,
		.mdts = CONN_MDTS,
		.aerl = CONN_EVENTS_MAX - 1,
		.kas = 10,
		.maxcmd = 128,
		.sgls = SGLS,
		/* a host registers with what calls itself central */
		.dctype = server->takes_dim ? NVME_DCTYPE_CDC : 0,
	};
	uint8_t bytes[NVME_IDENTIFY_BYTES];

	if ((sqe->cdw[0] & 0xff) != CNS_CONTROLLER) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	if (!command_has_room(conn, sqe, sizeof(bytes)))
		return;
	snprintf(identify.serial, sizeof(identify.serial), "%s", server->serial);
	snprintf(identify.firmware, sizeof(identify.firmware), "%s", server->version);
	snprintf(identify.subnqn, sizeof(identify.subnqn), "%s", server->nqn);
	pdu_identify_encode(&identify, bytes);
	command_send_bytes(conn, sqe, bytes, sizeof(bytes));
}

/* --- events */

void admin_send_event(struct disc_conn *conn)
{
	struct nvme_sqe asked = { 0 };

	if (!conn->changed || conn->masked || !conn->wants_events || !conn->n_events)
		return;
	asked.cid = conn->events[0];
	memmove(conn->events, conn->events + 1, --conn->n_events * sizeof(conn->events[0]));
	conn->changed = false;
	conn->masked = true;
	conn->masked_ms = swarm_now_ms(conn->server->swarm);
	conn->server->counters.events++;
	command_answer_value(conn, &asked, NVME_ASYNC_DISCOVERY, NVME_SC_SUCCESS);
}

void admin_unmask(struct disc_conn *conn)
{
	conn->masked = false;
	admin_send_event(conn);
}

void admin_set_log(struct disc_conn *conn, struct disc_log *log)
{
	struct disc_log *was = conn->log;

	conn->log = disc_log_ref(log);
	if (log->genctr != was->genctr) {
		conn->changed = true;
		admin_send_event(conn);
		/* what it sends by itself waits for nobody */
		out_flush(conn);
	}
	if (conn->state == CONN_CONNECTED && (conn->masked || conn->pinned))
		time_set(conn);
	disc_log_unref(was);
}

static void run_async_event(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	if (conn->n_events == CONN_EVENTS_MAX) {
		command_answer(conn, sqe, NVME_SC_ASYNC_LIMIT | NVME_SC_DNR);
		return;
	}
	conn->events[conn->n_events++] = sqe->cid;
	admin_send_event(conn);
}

/* --- log pages */

static void run_supported_logs(struct disc_conn *conn, const struct nvme_sqe *sqe, uint64_t offset,
			       uint32_t length)
{
	/* the upper half of an entry would say that extended, port local or all entries can be
	 * asked for: a view is what it is, whatever a host asks */
	uint8_t all[LOG_SUPPORTED_BYTES] = {
		[4 * NVME_LOG_SUPPORTED] = LOG_IS_SUPPORTED,
		[4 * NVME_LOG_DISCOVERY] = LOG_IS_SUPPORTED,
	};
	uint8_t bytes[LOG_SUPPORTED_BYTES] = { 0 };

	if (offset + length > sizeof(all)) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	memcpy(bytes, all + offset, length);
	command_send_bytes(conn, sqe, bytes, length);
}

static void pin(struct disc_conn *conn)
{
	disc_log_unref(conn->pinned);
	conn->pinned = disc_log_ref(conn->log);
}

/* The host knows the page now. */
static void on_read(struct disc_conn *conn)
{
	struct disc_server *server = conn->server;

	server->counters.log_reads++;
	if (conn->pinned == conn->log)
		conn->changed = false;
	if (server->hooks.read)
		server->hooks.read(server->hooks.data, conn, conn->pinned);
}

static bool is_to_the_end(const struct disc_log *log, uint64_t offset, uint32_t length)
{
	/* of an empty log all is told by how many records it has */
	return offset + length >= log->length || (!log->n_records && !offset && length >= 16);
}

static void read_log(struct disc_conn *conn, const struct nvme_sqe *sqe, struct disc_log *log,
		     uint64_t offset, uint32_t length)
{
	bool whole;

	if (offset > log->length) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	conn->log_ms = swarm_now_ms(conn->server->swarm);
	whole = is_to_the_end(log, offset, length);
	command_send_log(conn, sqe, log, offset, length);
	if (whole && conn->state == CONN_CONNECTED)
		on_read(conn);
	if (conn->state != CONN_CONNECTED)
		return;
	/* nvme-cli 2.3 and older keep the event (RAE) on each read, and would hear of no second
	 * change: who has read to the end knows, whatever he says */
	if (conn->masked && (whole || !(sqe->cdw[0] & NVME_GET_LOG_RAE)))
		admin_unmask(conn);
	if (conn->pinned && conn->pinned != conn->log)
		time_set(conn);
}

static void run_discovery_log(struct disc_conn *conn, const struct nvme_sqe *sqe, uint64_t offset,
			      uint32_t length)
{
	struct disc_log *log;

	/* who begins anew gets what there is now; who goes on, the page that he began with */
	if (offset < DISC_HEADER_BYTES || !conn->pinned)
		pin(conn);
	log = disc_log_ref(conn->pinned);
	read_log(conn, sqe, log, offset, length);
	disc_log_unref(log);
}

static void run_get_log(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	const uint64_t numd = (sqe->cdw[0] >> 16 | (uint64_t)(sqe->cdw[1] & 0xffff) << 16) + 1;
	const uint64_t offset = sqe->cdw[2] | (uint64_t)sqe->cdw[3] << 32;
	const uint8_t lid = (uint8_t)sqe->cdw[0];

	if (numd * 4 > 4096U << CONN_MDTS || offset % 4 || offset > UINT32_MAX ||
	    (sqe->cdw[4] & GET_LOG_INDEX_OFFSET)) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	if (lid != NVME_LOG_DISCOVERY && lid != NVME_LOG_SUPPORTED)
		command_answer(conn, sqe, NVME_SC_INVALID_LOG_PAGE | NVME_SC_DNR);
	else if (!command_has_room(conn, sqe, (uint32_t)(numd * 4)))
		return;
	else if (lid == NVME_LOG_DISCOVERY)
		run_discovery_log(conn, sqe, offset, (uint32_t)(numd * 4));
	else
		run_supported_logs(conn, sqe, offset, (uint32_t)(numd * 4));
}

/* --- features */

static void run_set_features(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	const uint32_t value = sqe->cdw[1];

	switch (sqe->cdw[0] & 0xff) {
	case NVME_FEATURE_ASYNC_EVENT:
		conn->wants_events = value & NVME_OAES_DISCOVERY;
		command_answer(conn, sqe, NVME_SC_SUCCESS);
		admin_send_event(conn);
		return;
	case NVME_FEATURE_KATO:
		conn->kato_ms = value ? value : conn->server->bounds.default_kato_ms;
		time_set(conn);
		command_answer_value(conn, sqe, value, NVME_SC_SUCCESS);
		return;
	default:
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
}

static void run_get_features(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	switch (sqe->cdw[0] & 0xff) {
	case NVME_FEATURE_ASYNC_EVENT:
		command_answer_value(conn, sqe, conn->wants_events ? NVME_OAES_DISCOVERY : 0,
				     NVME_SC_SUCCESS);
		return;
	case NVME_FEATURE_KATO:
		command_answer_value(conn, sqe, conn->kato_ms, NVME_SC_SUCCESS);
		return;
	default:
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
}

/* --- all of them */

static void run_dim(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
		    uint32_t length)
{
	struct disc_server *server = conn->server;
	const struct disc_dim dim = { sqe->cdw[0] & 0xf, bytes, length };
	uint16_t status = NVME_SC_FUNCTION_DISABLED | NVME_SC_DNR;

	if (dim.tas > 2 || !length)
		status = NVME_SC_INVALID_FIELD | NVME_SC_DNR;
	else if (server->takes_dim)
		status = server->hooks.dim(server->hooks.data, conn, &dim);
	if (conn->state == CONN_CONNECTED)
		command_answer(conn, sqe, status);
}

void admin_run(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
	       uint32_t length)
{
	switch (sqe->opcode) {
	case NVME_GET_LOG_PAGE:
		run_get_log(conn, sqe);
		return;
	case NVME_IDENTIFY:
		run_identify(conn, sqe);
		return;
	case NVME_SET_FEATURES:
		run_set_features(conn, sqe);
		return;
	case NVME_GET_FEATURES:
		run_get_features(conn, sqe);
		return;
	case NVME_ASYNC_EVENT:
		run_async_event(conn, sqe);
		return;
	case NVME_KEEP_ALIVE:
		conn->server->counters.keep_alives++;
		command_answer(conn, sqe, NVME_SC_SUCCESS);
		return;
	case NVME_DISC_INFO_MGMT:
		run_dim(conn, sqe, bytes, length);
		return;
	default:
		command_answer(conn, sqe, NVME_SC_INVALID_OPCODE | NVME_SC_DNR);
		return;
	}
}
