/* SPDX-License-Identifier: BSD-3-Clause */
/* Of disc-server: a host that must prove who it is (DH-HMAC-CHAP). Its Connect is answered, and
 * then nothing but authentication, until it has; the user of the server hears of it only after. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/chap.h"
#include "nvmf/disc-server-own.h"

struct conn_proof {
	struct nvme_connect_data data; /* of its Connect */
	struct chap *chap;	       /* NULL: it has not begun */
	bool is_told;		       /* that it did not prove itself */
};

static bool is_chap(const struct nvme_sqe *sqe)
{
	return ((sqe->cdw[0] >> 8) & 0xff) == CHAP_SPSP &&
	       ((sqe->cdw[0] >> 16) & 0xff) == CHAP_SPSP && sqe->cdw[0] >> 24 == CHAP_SECP;
}

int proof_ask(struct disc_conn *conn, const struct nvme_connect_data *data,
	      struct disc_secrets *ret_secrets)
{
	struct disc_server *server = conn->server;
	struct disc_host host;
	struct conn_addresses addresses;

	if (!server->hooks.secrets)
		return 0;
	conn_describe(conn, data, &addresses, &host);
	return server->hooks.secrets(server->hooks.data, &host, ret_secrets);
}

int proof_begin(struct disc_conn *conn, const struct nvme_connect_data *data)
{
	struct conn_proof *proof = calloc(1, sizeof(*proof));

	if (!proof)
		return -ENOMEM;
	proof->data = *data;
	conn->proof = proof;
	conn->state = CONN_AUTH;
	return 0;
}

void proof_free(struct disc_conn *conn)
{
	if (!conn->proof)
		return;
	chap_free(conn->proof->chap);
	free(conn->proof);
	conn->proof = NULL;
}

void proof_tell(struct disc_conn *conn, const char *text)
{
	struct disc_server *server = conn->server;
	struct conn_addresses addresses;
	struct disc_host host;

	if (!conn->proof || conn->proof->is_told)
		return;
	conn->proof->is_told = true;
	server->counters.unproved++;
	if (!server->hooks.unproved)
		return;
	conn_describe(conn, &conn->proof->data, &addresses, &host);
	server->hooks.unproved(server->hooks.data, &host, text);
}

/* It failed, or broke off what it had begun. */
static void end(struct disc_conn *conn, const char *text)
{
	proof_tell(conn, text);
	if (conn->state == CONN_DEAD)
		return;
	out_flush(conn);
	if (conn->state != CONN_DEAD)
		conn_end(conn, DISC_GONE_PROTOCOL, text);
}

/* A new transaction: also of a host that has proved itself before, and does it again. */
static int renew(struct disc_conn *conn)
{
	struct conn_proof *proof = conn->proof;
	struct disc_secrets secrets = { 0 };
	struct chap_params params = { .hostnqn = proof->data.hostnqn,
				      .subnqn = proof->data.subnqn,
				      .host_key = secrets.host,
				      .controller_key = NULL };
	int r = proof_ask(conn, &proof->data, &secrets);

	if (secrets.controller[0])
		params.controller_key = secrets.controller;
	chap_free(proof->chap);
	proof->chap = NULL;
	if (r > 0)
		r = chap_new(&params, &proof->chap, NULL);
	explicit_bzero(&secrets, sizeof(secrets));
	return proof->chap ? 0 : r < 0 ? r : -EACCES;
}

static void run_send(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
		     uint32_t length)
{
	struct conn_proof *proof = conn->proof;
	struct err err = ERR_NULL;
	int r = 0;

	if (sqe->cdw[1] != length || !length) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	if (!proof->chap || chap_next(proof->chap) == CHAP_DONE)
		r = renew(conn);
	if (r < 0) {
		command_answer(conn, sqe, NVME_SC_AUTH_REQUIRED | NVME_SC_DNR);
		end(conn, "there is no key any more that it could prove itself by");
		return;
	}
	r = chap_take(proof->chap, bytes, length, &err);
	command_answer(conn, sqe, r == -EPROTO ? NVME_SC_SEQUENCE | NVME_SC_DNR : NVME_SC_SUCCESS);
	if (r < 0)
		end(conn, err.text);
}

static void run_receive(struct disc_conn *conn, const struct nvme_sqe *sqe)
{
	struct conn_proof *proof = conn->proof;
	uint8_t message[NVME_ADMIN_CAPSULE_MAX] = { 0 };
	const uint32_t room = sqe->cdw[1];
	bool proved;

	if (room < CHAP_MESSAGE_MAX || room > sizeof(message)) {
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
		return;
	}
	if (!command_has_room(conn, sqe, room))
		return;
	if (!proof->chap || !chap_give(proof->chap, message)) {
		command_answer(conn, sqe, NVME_SC_SEQUENCE | NVME_SC_DNR);
		return;
	}
	proved = chap_is_proved(proof->chap);
	/* let in before it hears of its success: so it can come to nothing that is not ready */
	if (proved && conn->state == CONN_AUTH && !command_let_in(conn, &proof->data)) {
		command_answer(conn, sqe, NVME_SC_INTERNAL);
		end(conn, "it has proved itself, and is not let in now");
		return;
	}
	if (conn->state == CONN_DEAD)
		return;
	command_send_bytes(conn, sqe, message, room);
	explicit_bzero(message, sizeof(message));
	if (conn->state != CONN_DEAD && chap_next(proof->chap) == CHAP_OVER)
		end(conn, chap_why(proof->chap));
}

void proof_run(struct disc_conn *conn, const struct nvme_sqe *sqe, const uint8_t *bytes,
	       uint32_t length)
{
	if (!conn->proof)
		command_answer(conn, sqe, NVME_SC_SEQUENCE | NVME_SC_DNR);
	else if (!is_chap(sqe))
		command_answer(conn, sqe, NVME_SC_INVALID_FIELD | NVME_SC_DNR);
	else if ((uint8_t)sqe->nsid == NVME_AUTH_SEND)
		run_send(conn, sqe, bytes, length);
	else
		run_receive(conn, sqe);
}
