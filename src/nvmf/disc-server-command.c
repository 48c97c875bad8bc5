/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-server: fabrics commands (Connect, properties), answers, and which command may come
 * when. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "nvmf/disc-server-own.h"

/* Queue entries (0-based), contiguous queues, up to 7.5 s until ready, NVM command set */
#define CAP (UINT64_C(127) | UINT64_C(1) << 16 | UINT64_C(15) << 24 | UINT64_C(1) << 37)
#define CC_MUST_BE_0 0x3f80u /* page size, arbitration: what we have is 0 */
#define CSTS_FAILED 0x2u
#define QUEUE_NO_FLOW_CONTROL (1u << 18) /* in cdw11 of Connect */
#define SQHD_NONE 0xffff
#define KATO_LONG_MS 600000

/* where a wrong parameter of Connect stands: in the command, or in its data */
#define AT_QID 42u
#define AT_SQSIZE 44u
#define IN_DATA (1u << 16)
#define AT_CNTLID (IN_DATA | 16u)
#define AT_SUBNQN (IN_DATA | 256u)
#define AT_HOSTNQN (IN_DATA | 512u)

/* --- answers */

void command_answer_value(struct disc_conn *conn, const struct nvme_sqe *sqe, uint64_t value,
			  uint16_t status)
{
	const struct pdu_side side = { .hdgst = conn->hdgst };
	struct pdu pdu = { .type = PDU_RESPONSE };
	uint8_t bytes[PDU_HEADER_MAX];

	if (conn->sqsize && !conn->no_sqhd)
		conn->sqhd = (uint16_t)((conn->sqhd + 1U) % (conn->sqsize + 1U));
	pdu.response = (struct nvme_cqe){
		.dw0 = (uint32_t)value,
		.dw1 = (uint32_t)(value >> 32),
		.sqhd = conn->no_sqhd ? SQHD_NONE : conn->sqhd,
		.cid = sqe->cid,
		.status = status,
	};
	out_bytes(conn, bytes, pdu_build(&side, &pdu, bytes));
}

void command_answer(struct disc_conn *conn, const struct nvme_sqe *sqe, uint16_t status)
{
	command_answer_value(conn, sqe, 0, status);
}

bool command_has_room(struct disc_conn *conn, const struct nvme_sqe *sqe, uint32_t length)
{
	if (sqe->sgl_type == NVME_SGL_TRANSPORT && sqe->sgl_length >= length)
		return true;
	command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	return false;
}

/* The header of data from @offset on, @length of them, of @total. */
static void send_data_header(struct disc_conn *conn, const struct nvme_sqe *sqe, uint32_t offset,
			     uint32_t length, uint32_t total)
{
	const struct pdu_side side = { .hdgst = conn->hdgst, .ddgst = conn->ddgst };
	const struct pdu pdu = {
		.type = PDU_C2H_DATA,
		.flags = offset + length == total ? PDU_FLAG_LAST : 0,
		.data = { .cid = sqe->cid, .offset = offset, .length = length },
		.n_bytes = length,
	};
	uint8_t bytes[PDU_HEADER_MAX];

	out_bytes(conn, bytes, pdu_build(&side, &pdu, bytes));
}

static void send_digest(struct disc_conn *conn, uint32_t crc)
{
	const uint8_t bytes[PDU_DIGEST_BYTES] = { (uint8_t)crc, (uint8_t)(crc >> 8),
						  (uint8_t)(crc >> 16), (uint8_t)(crc >> 24) };

	if (conn->ddgst)
		out_bytes(conn, bytes, sizeof(bytes));
}

static uint32_t crc_of(const struct disc_conn *conn, uint32_t crc, const void *bytes, size_t length)
{
	return conn->ddgst && length ? pdu_crc32c(crc, bytes, length) : crc;
}

void command_send_bytes(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
			uint32_t length)
{
	send_data_header(conn, sqe, 0, length, length);
	out_bytes(conn, bytes, length);
	send_digest(conn, crc_of(conn, 0, bytes, length));
	command_answer(conn, sqe, NVME_SC_SUCCESS);
}

void command_send_log(struct disc_conn *conn, const struct nvme_sqe *sqe, struct disc_log *log,
		      uint64_t offset, uint32_t length)
{
	uint32_t done;
	uint32_t n;

	for (done = 0; done < length && conn->state < CONN_LINGER; done += n) {
		const uint64_t at = offset + done;
		const uint64_t left = at < log->length ? log->length - at : 0;
		uint32_t real;
		uint32_t crc;

		n = length - done < CONN_C2H_MAX ? length - done : CONN_C2H_MAX;
		real = left < n ? (uint32_t)left : n;
		send_data_header(conn, sqe, done, n, length);
		if (real)
			out_log(conn, log, at, real);
		if (n > real)
			out_zeros(conn, n - real);
		crc = crc_of(conn, 0, real ? log->bytes + at : NULL, real);
		send_digest(conn, crc_of(conn, crc, out_zero_bytes(), n - real));
	}
	command_answer(conn, sqe, NVME_SC_SUCCESS);
}

/* --- Connect */

static void refuse(struct disc_conn *conn, const struct nvme_sqe *sqe, uint32_t where,
		   uint16_t status)
{
	conn->server->counters.refused++;
	command_answer_value(conn, sqe, where, status);
}

static void invalid(struct disc_conn *conn, const struct nvme_sqe *sqe, uint32_t where)
{
	refuse(conn, sqe, where, NVME_SC_CONNECT_PARAM | NVME_SC_DNR);
}

/* A host that is silent for long may be gone: then the kernel finds out. */
static void watch_peer(const struct disc_conn *conn)
{
	static const int on = 1, idle_s = 60;

	if (conn->kato_ms <= KATO_LONG_MS)
		return;
	setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
}

void conn_describe(const struct disc_conn *conn, const struct nvme_connect_data *data,
		   struct conn_addresses *addresses, struct disc_host *ret)
{
	*addresses = (struct conn_addresses){ 0 };
	*ret = (struct disc_host){
		.hostnqn = data->hostnqn,
		.subnqn = data->subnqn,
		.cntlid = conn->cntlid,
		.kato_ms = conn->kato_ms,
		.peer = (struct sockaddr *)&addresses->peer,
		.local = (struct sockaddr *)&addresses->local,
		.peer_size = sizeof(addresses->peer),
		.local_size = sizeof(addresses->local),
	};
	memcpy(ret->hostid, data->hostid, sizeof(ret->hostid));
	if (getpeername(conn->fd, (struct sockaddr *)&addresses->peer, &ret->peer_size) < 0)
		ret->peer_size = 0;
	if (getsockname(conn->fd, (struct sockaddr *)&addresses->local, &ret->local_size) < 0)
		ret->local_size = 0;
}

/* Returns: as the hook; also when it has ended meanwhile. */
static int ask_user(struct disc_conn *conn, const struct nvme_connect_data *data)
{
	struct disc_server *server = conn->server;
	struct conn_addresses addresses;
	struct disc_log *log = NULL;
	struct disc_host host;
	int r;

	conn_describe(conn, data, &addresses, &host);
	r = server->hooks.connect(server->hooks.data, conn, &host, &log);
	if (conn->state == CONN_DEAD) {
		disc_log_unref(log);
		return -ECANCELED;
	}
	if (r < 0)
		return r;
	conn->log = log;
	conn->state = CONN_CONNECTED;
	conn->heard_ms = swarm_now_ms(server->swarm);
	server->counters.connects++;
	watch_peer(conn);
	time_set(conn);
	return 0;
}

bool command_let_in(struct disc_conn *conn, const struct nvme_connect_data *data)
{
	return ask_user(conn, data) == 0;
}

static void let_in(struct disc_conn *conn, const struct nvme_sqe *sqe,
		   const struct nvme_connect_data *data)
{
	struct disc_server *server = conn->server;
	struct disc_secrets secrets = { 0 };
	int must = proof_ask(conn, data, &secrets);
	int r = must < 0 ? must : -EAGAIN;

	explicit_bzero(&secrets, sizeof(secrets));
	if (must >= 0)
		conn->cntlid = server_id_take(server);
	if (conn->cntlid)
		r = must ? proof_begin(conn, data) : ask_user(conn, data);
	if (conn->state == CONN_DEAD)
		return;
	if (r < 0) {
		if (conn->cntlid)
			server_id_release(server, conn->cntlid);
		conn->cntlid = 0;
		conn->sqsize = 0;
		if (r == -EACCES)
			refuse(conn, sqe, AT_HOSTNQN, NVME_SC_CONNECT_HOST | NVME_SC_DNR);
		else
			refuse(conn, sqe, 0, NVME_SC_CONNECT_BUSY);
		return;
	}
	command_answer_value(conn, sqe, conn->cntlid | (must ? NVME_CONNECT_AUTH_REQUIRED : 0),
			     NVME_SC_SUCCESS);
}

static void run_connect(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
			uint32_t length)
{
	const struct disc_server *server = conn->server;
	const uint32_t kato_ms = sqe->cdw[2];
	struct nvme_connect_data data;
	uint16_t where;

	if (conn->state >= CONN_AUTH)
		command_answer(conn, sqe, NVME_SC_SEQUENCE | NVME_SC_DNR);
	else if (sqe->cdw[0] & 0xffff)
		refuse(conn, sqe, 0, NVME_SC_CONNECT_FORMAT | NVME_SC_DNR);
	else if (length != NVME_CONNECT_DATA_BYTES)
		refuse(conn, sqe, 0, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	else if (sqe->cdw[0] >> 16)
		invalid(conn, sqe, AT_QID);
	else if (!(sqe->cdw[1] & 0xffff))
		invalid(conn, sqe, AT_SQSIZE);
	else if (pdu_connect_data_decode(bytes, &data, &where, NULL) < 0)
		invalid(conn, sqe, IN_DATA | where);
	else if (data.cntlid != NVME_CNTLID_DYNAMIC)
		invalid(conn, sqe, AT_CNTLID);
	else if (strcmp(data.subnqn, NQN_DISCOVERY) != 0 && strcmp(data.subnqn, server->nqn) != 0)
		invalid(conn, sqe, AT_SUBNQN);
	else if (nqn_check_host(data.hostnqn, NULL) < 0)
		invalid(conn, sqe, AT_HOSTNQN);
	else {
		conn->sqsize = (uint16_t)sqe->cdw[1];
		conn->no_sqhd = sqe->cdw[1] & QUEUE_NO_FLOW_CONTROL;
		conn->kato_ms = kato_ms ? kato_ms : server->bounds.default_kato_ms;
		let_in(conn, sqe, &data);
	}
}

/* --- properties */

static void run_property_get(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	const bool is_long = (sqe->cdw[0] & 7) == 1;
	const uint32_t offset = sqe->cdw[1];
	uint16_t status = NVME_SC_SUCCESS;
	uint64_t value = 0;

	if (is_long && offset == NVME_CAP)
		value = CAP;
	else if (!is_long && offset == NVME_VS)
		value = DISC_VERSION;
	else if (!is_long && offset == NVME_CC)
		value = conn->cc;
	else if (!is_long && offset == NVME_CSTS)
		value = conn->csts;
	else
		status = NVME_SC_INVALID_FIELD | NVME_SC_DNR;
	command_answer_value(conn, sqe, value, status);
}

static void set_cc(struct disc_conn *conn, uint32_t cc)
{
	const uint32_t was = conn->cc;

	conn->cc = cc;
	if ((cc & NVME_CC_EN) && !(was & NVME_CC_EN))
		conn->csts = cc & CC_MUST_BE_0 ? CSTS_FAILED : NVME_CSTS_RDY;
	if (!(cc & NVME_CC_EN) && (was & NVME_CC_EN)) {
		/* a reset: the host has forgotten what it asked for */
		conn->csts &= NVME_CSTS_SHST_DONE;
		conn->n_events = 0;
		conn->wants_events = false;
		conn->masked = false;
	}
	if (cc & NVME_CC_SHN_MASK) {
		conn->csts |= NVME_CSTS_SHST_DONE;
		conn->shut_down = true;
		time_set(conn);
	} else {
		conn->csts &= ~NVME_CSTS_SHST_DONE;
		conn->shut_down = false;
	}
}

static void run_property_set(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	uint16_t status = NVME_SC_SUCCESS;

	if ((sqe->cdw[0] & 7) == 0 && sqe->cdw[1] == NVME_CC)
		set_cc(conn, sqe->cdw[2]);
	else
		status = NVME_SC_INVALID_FIELD | NVME_SC_DNR;
	command_answer(conn, sqe, status);
}

/* --- all of them */

static uint8_t fctype_of(const struct nvme_sqe *sqe)
{
	return (uint8_t)sqe->nsid;
}

uint32_t command_data_max(const struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	if (sqe->opcode == NVME_FABRICS)
		return fctype_of(sqe) == NVME_CONNECT			 ? NVME_CONNECT_DATA_BYTES
		       : fctype_of(sqe) == NVME_AUTH_SEND && conn->proof ? NVME_ADMIN_CAPSULE_MAX
									 : 0;
	if (sqe->opcode == NVME_DISC_INFO_MGMT && (conn->csts & NVME_CSTS_RDY))
		return conn->server->bounds.dim_bytes;
	return 0;
}

static void run_fabrics(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
			uint32_t length)
{
	const uint8_t type = fctype_of(sqe);

	if (type == NVME_CONNECT)
		run_connect(conn, sqe, bytes, length);
	else if ((type == NVME_AUTH_SEND || type == NVME_AUTH_RECEIVE) &&
		 conn->server->hooks.secrets)
		proof_run(conn, sqe, bytes, length);
	else if (conn->state == CONN_AUTH)
		command_answer(conn, sqe, NVME_SC_AUTH_REQUIRED | NVME_SC_DNR);
	else if (conn->state != CONN_CONNECTED)
		command_answer(conn, sqe, NVME_SC_SEQUENCE | NVME_SC_DNR);
	else if (type == NVME_PROPERTY_GET)
		run_property_get(conn, sqe);
	else if (type == NVME_PROPERTY_SET)
		run_property_set(conn, sqe);
	else
		command_answer(conn, sqe, NVME_SC_INVALID_OPCODE | NVME_SC_DNR);
}

void command_run(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
		 uint32_t length)
{
	if (sqe->opcode == NVME_FABRICS)
		run_fabrics(conn, sqe, bytes, length);
	else if (conn->state == CONN_AUTH)
		command_answer(conn, sqe, NVME_SC_AUTH_REQUIRED | NVME_SC_DNR);
	else if (!(conn->csts & NVME_CSTS_RDY))
		command_answer(conn, sqe, NVME_SC_SEQUENCE | NVME_SC_DNR);
	else
		admin_run(conn, sqe, bytes, length);
}
