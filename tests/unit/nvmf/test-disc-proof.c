/* SPDX-License-Identifier: BSD-3-Clause */
/* The discovery controller and a host that must prove who it is. */
#include "tests/unit/nvmf/disc-host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "core/listener.h"
#include "nvmf/chap.h"
#include "nvmf/disc-client.h"
#include "nvmf/disc-server.h"

#define NQN "nqn.2024-01.example:discovery"
#define HOST "nqn.2024-01.example:host-a"
#define FREE "nqn.2024-01.example:host-b"
#define KEY1 "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:"
#define KEY2 "DHHC-1:00:ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOeXryU:"

static struct {
	struct loop *loop;
	struct disc_server *server;
	struct disc_log *log;
	const char *key, *controller_key; /* of HOST */
	int secrets_r, connect_r;
	unsigned int n_connects, n_unproved, n_gone;
	char why[256];
	struct test_host *host;
} t;

static int on_connect(void *data, struct disc_conn *conn, const struct disc_host *host,
		      struct disc_log **ret_log)
{
	(void)data, (void)conn;
	assert_non_null(strstr(host->hostnqn, "host-"));
	t.n_connects++;
	if (t.connect_r < 0)
		return t.connect_r;
	*ret_log = disc_log_ref(t.log);
	return 0;
}

static int on_secrets(void *data, const struct disc_host *host, struct disc_secrets *ret)
{
	(void)data;
	if (t.secrets_r < 0 || strcmp(host->hostnqn, HOST) != 0)
		return t.secrets_r;
	snprintf(ret->host, sizeof(ret->host), "%s", t.key);
	snprintf(ret->controller, sizeof(ret->controller), "%s", t.controller_key);
	return 1;
}

static void on_unproved(void *data, const struct disc_host *host, const char *why)
{
	(void)data;
	assert_string_equal(host->hostnqn, HOST);
	assert_true(host->peer_size > 0);
	t.n_unproved++;
	snprintf(t.why, sizeof(t.why), "%s", why);
}

static void on_gone(void *data, struct disc_conn *conn, enum disc_gone why, const char *text)
{
	(void)data, (void)conn, (void)why, (void)text;
	t.n_gone++;
}

static int setup(void **state)
{
	const struct disc_server_params params = { .nqn = NQN,
						   .serial = "1",
						   .version = "1",
						   .cntlid_first = 1,
						   .cntlid_last = 10,
						   .bounds = DISC_SERVER_BOUNDS };
	const struct disc_server_hooks hooks = { .connect = on_connect,
						 .secrets = on_secrets,
						 .unproved = on_unproved,
						 .gone = on_gone };

	(void)state;
	memset(&t, 0, sizeof(t));
	t.key = KEY1;
	t.controller_key = "";
	t.log = disc_log_new(1, NULL, 0);
	assert_int_equal(loop_new(&t.loop, NULL), 0);
	assert_int_equal(disc_server_new(t.loop, &params, &hooks, &t.server, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_host_free(t.host);
	disc_server_free(t.server);
	disc_log_unref(t.log);
	loop_free(t.loop);
	return 0;
}

/* Returns: what Connect is answered with. */
static struct nvme_cqe come(const char *hostnqn)
{
	int fds[2];

	test_host_free(t.host);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(disc_server_add(t.server, fds[0], NULL), 0);
	t.host = test_host_new(t.loop, fds[1]);
	test_host_hello(t.host, false, false);
	return test_host_connect_as(t.host, NQN, hostnqn, 30000);
}

static struct nvme_sqe auth_command(uint8_t type, uint32_t length)
{
	return (struct nvme_sqe){
		.opcode = NVME_FABRICS,
		.nsid = type,
		.sgl_length = length,
		.cdw = { CHAP_SPSP << 8 | CHAP_SPSP << 16 | (uint32_t)CHAP_SECP << 24, length },
	};
}

static uint16_t send_message(const uint8_t *bytes, uint32_t length)
{
	const struct nvme_sqe sqe = auth_command(NVME_AUTH_SEND, length);

	return test_host_answer(t.host, test_host_command(t.host, &sqe, bytes, length)).cqe.status;
}

static struct test_answer receive_message(void)
{
	const struct nvme_sqe sqe = auth_command(NVME_AUTH_RECEIVE, 4096);

	return test_host_ask(t.host, &sqe);
}

/* As far as it goes. */
static struct chap *prove(const char *key, const char *controller_key)
{
	const struct chap_params params = { true, HOST, NQN, key, controller_key };
	struct chap *chap = NULL;
	uint8_t message[CHAP_MESSAGE_MAX];

	assert_int_equal(chap_new(&params, &chap, NULL), 0);
	for (;;) {
		if (chap_next(chap) == CHAP_GIVE) {
			const size_t length = chap_give(chap, message);

			assert_int_equal(send_message(message, (uint32_t)length), 0);
		} else if (chap_next(chap) == CHAP_TAKE) {
			struct test_answer answer = receive_message();

			assert_int_equal(answer.cqe.status, 0);
			assert_int_equal(answer.n_data, 4096);
			(void)chap_take(chap, answer.data, answer.n_data, NULL);
			free(answer.data);
		} else {
			return chap;
		}
	}
}

static bool is_closed(void)
{
	struct pdu pdu;

	return !test_host_receive(t.host, &pdu, 2000);
}

static uint16_t enable(void)
{
	return test_host_set(t.host, NVME_CC, 0x460061);
}

#define AUTH_REQUIRED (NVME_SC_AUTH_REQUIRED | NVME_SC_DNR)

/* --- */

static void who_need_not_is_let_in_at_once(void **state)
{
	struct nvme_cqe cqe = come(FREE);

	(void)state;
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.dw0 >> 16, 0);
	assert_int_equal(t.n_connects, 1);
	assert_int_equal(enable(), 0);
	assert_int_equal(send_message((const uint8_t *)"12345678", 8),
			 NVME_SC_SEQUENCE | NVME_SC_DNR);
}

static void who_must_gets_nothing_before(void **state)
{
	const struct nvme_sqe identify = { .opcode = NVME_IDENTIFY,
					   .sgl_length = 4096,
					   .sgl_type = NVME_SGL_TRANSPORT,
					   .cdw = { 1 } };
	struct nvme_cqe cqe = come(HOST);

	(void)state;
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.dw0 >> 16, NVME_CONNECT_AUTH_REQUIRED >> 16);
	assert_int_equal(enable(), AUTH_REQUIRED);
	assert_int_equal(test_host_get(t.host, NVME_CAP).cqe.status, AUTH_REQUIRED);
	assert_int_equal(test_host_status(t.host, &identify), AUTH_REQUIRED);
	assert_int_equal(test_host_log(t.host, 0, 1024, false).cqe.status, AUTH_REQUIRED);
	assert_int_equal(test_host_connect_as(t.host, NQN, FREE, 0).status,
			 NVME_SC_SEQUENCE | NVME_SC_DNR);
	assert_int_equal(receive_message().cqe.status, NVME_SC_SEQUENCE | NVME_SC_DNR);
	assert_int_equal(t.n_connects, 0);
}

static void who_has_proved_himself_is_let_in(void **state)
{
	struct chap *chap;
	struct test_answer answer;

	(void)state;
	come(HOST);
	chap = prove(KEY1, NULL);
	assert_int_equal(chap_next(chap), CHAP_DONE);
	chap_free(chap);
	assert_int_equal(t.n_connects, 1);
	assert_int_equal(enable(), 0);
	answer = test_host_log(t.host, 0, 1024, false);
	assert_int_equal(answer.cqe.status, 0);
	free(answer.data);
	/* and again, on the same connection, with a new key */
	t.key = KEY2;
	chap = prove(KEY2, NULL);
	assert_int_equal(chap_next(chap), CHAP_DONE);
	chap_free(chap);
	assert_int_equal(t.n_connects, 1);
	assert_int_equal(t.n_unproved, 0);
	/* but not with the old one */
	chap_free(prove(KEY1, NULL));
	assert_true(is_closed());
	assert_int_equal(t.n_gone, 1);
	assert_int_equal(t.n_unproved, 1);
}

static void both_prove_themselves(void **state)
{
	struct chap *chap;

	(void)state;
	t.controller_key = KEY2;
	come(HOST);
	chap = prove(KEY1, KEY2);
	assert_int_equal(chap_next(chap), CHAP_DONE);
	assert_true(chap_is_proved(chap));
	chap_free(chap);
	assert_int_equal(enable(), 0);
}

static void another_key_is_told_and_closed(void **state)
{
	struct chap *chap;

	(void)state;
	come(HOST);
	chap = prove(KEY2, NULL);
	assert_int_equal(chap_next(chap), CHAP_OVER);
	chap_free(chap);
	assert_true(is_closed());
	assert_int_equal(t.n_connects, 0);
	assert_int_equal(t.n_unproved, 1);
	assert_string_equal(t.why, "its key is another one");
}

static void who_goes_before_is_told(void **state)
{
	int i;

	(void)state;
	come(HOST);
	test_host_free(t.host);
	t.host = NULL;
	for (i = 0; i < 20 && !t.n_unproved; i++)
		loop_step(t.loop, 20);
	assert_int_equal(t.n_unproved, 1);
	assert_int_equal(t.n_connects, 0);
	assert_int_equal(t.n_gone, 0);
}

static void a_key_that_cannot_be_read_keeps_him_out(void **state)
{
	(void)state;
	t.secrets_r = -EAGAIN;
	assert_int_equal(come(HOST).status, NVME_SC_CONNECT_BUSY);
	t.secrets_r = -EACCES;
	assert_int_equal(come(FREE).status, NVME_SC_CONNECT_HOST | NVME_SC_DNR);
	assert_int_equal(t.n_connects, 0);
}

static void a_damaged_key_keeps_him_out(void **state)
{
	(void)state;
	t.key = "DHHC-1:00:AAAA:";
	come(HOST);
	assert_int_equal(send_message((const uint8_t *)"12345678", 8), AUTH_REQUIRED);
	assert_true(is_closed());
	assert_int_equal(t.n_unproved, 1);
}

static void who_is_not_wanted_after_all_is_closed(void **state)
{
	const struct chap_params params = { true, HOST, NQN, KEY1, NULL };
	struct chap *chap = NULL;
	uint8_t message[CHAP_MESSAGE_MAX];
	struct test_answer answer;

	(void)state;
	t.connect_r = -EACCES;
	come(HOST);
	assert_int_equal(chap_new(&params, &chap, NULL), 0);
	send_message(message, (uint32_t)chap_give(chap, message));
	answer = receive_message();
	assert_int_equal(chap_take(chap, answer.data, answer.n_data, NULL), 0);
	free(answer.data);
	send_message(message, (uint32_t)chap_give(chap, message));
	assert_int_not_equal(receive_message().cqe.status, 0);
	chap_free(chap);
	assert_true(is_closed());
	assert_int_equal(t.n_gone, 0);
}

/* --- our own client */

static struct {
	int n_logs, n_lost, r;
	char text[256];
} got;

static void on_log(void *data, struct disc_client *client, struct disc_log *log)
{
	(void)data, (void)client, (void)log;
	got.n_logs++;
}

static void on_lost(void *data, struct disc_client *client, int r, const char *text)
{
	(void)data, (void)client;
	got.n_lost++;
	got.r = r;
	snprintf(got.text, sizeof(got.text), "%s", text);
}

/* Returns: 0 it has the log; why it was lost. */
static int ask_as(const char *hostnqn, const char *key, const char *controller_key)
{
	const struct disc_client_hooks hooks = { .log = on_log, .lost = on_lost };
	struct disc_client_params params = { .address = "127.0.0.1",
					     .subnqn = NQN,
					     .hostnqn = hostnqn,
					     .host_key = key,
					     .controller_key = controller_key,
					     .timeout_ms = 10000 };
	struct sockaddr_in at = { 0 };
	socklen_t size = sizeof(at);
	struct disc_client *client = NULL;
	char port[8];
	int fd = -1;

	memset(&got, 0, sizeof(got));
	assert_int_equal(listener_bind("127.0.0.1", 0, &fd, NULL), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(disc_server_listen(t.server, fd, NULL), 0);
	snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
	params.port = port;
	assert_int_equal(disc_client_start(t.loop, &params, &hooks, &client, NULL), 0);
	while (!got.n_logs && !got.n_lost)
		loop_step(t.loop, 10);
	disc_client_free(client);
	return got.r;
}

static void our_own_client_proves_itself(void **state)
{
	(void)state;
	assert_int_equal(ask_as(HOST, KEY1, NULL), 0);
	assert_int_equal(ask_as(HOST, KEY2, NULL), -EKEYREJECTED);
	assert_non_null(strstr(got.text, "authentication failed"));
	assert_int_equal(ask_as(HOST, NULL, NULL), -EKEYREJECTED);
	assert_non_null(strstr(got.text, "no key for it"));
	/* a key does no harm where none is wanted */
	assert_int_equal(ask_as(FREE, KEY1, NULL), 0);
}

static void our_own_client_insists_on_proof(void **state)
{
	(void)state;
	t.controller_key = KEY2;
	assert_int_equal(ask_as(HOST, KEY1, KEY2), 0);
	t.controller_key = KEY1;
	assert_int_equal(ask_as(HOST, KEY1, KEY2), -EKEYREJECTED);
	assert_non_null(strstr(got.text, "did not prove"));
	t.controller_key = "";
	assert_int_equal(ask_as(HOST, KEY1, KEY2), -EKEYREJECTED);
	/* nor does it get around it by asking for nothing */
	assert_int_equal(ask_as(FREE, KEY1, KEY2), -EKEYREJECTED);
	assert_int_equal(got.n_logs, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_need_not_is_let_in_at_once),	       TEST(who_must_gets_nothing_before),
		TEST(who_has_proved_himself_is_let_in),	       TEST(both_prove_themselves),
		TEST(another_key_is_told_and_closed),	       TEST(who_goes_before_is_told),
		TEST(a_key_that_cannot_be_read_keeps_him_out), TEST(a_damaged_key_keeps_him_out),
		TEST(who_is_not_wanted_after_all_is_closed),   TEST(our_own_client_proves_itself),
		TEST(our_own_client_insists_on_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
