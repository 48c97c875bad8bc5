/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "nvmf/probe.h"
#include "nvmf/prober.h"

struct result {
	int count;
	int r;
	char text[ERR_TEXT_MAX];
};

static void take(void *data, int r, const char *text)
{
	struct result *result = data;

	result->count++;
	result->r = r;
	snprintf(result->text, sizeof(result->text), "%s", text);
}

/* A port of loopback that listens; the kernel takes connections nobody accepts. */
static int listen_at(char port[8])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(port, 8, "%u", ntohs(at.sin_port));
	return fd;
}

/* A child that answers each connection in two pieces with an ICResp. */
static pid_t serve(int fd)
{
	static const uint8_t icresp[PROBE_PDU_BYTES] = {
		[0] = 1, [2] = PROBE_PDU_BYTES, [4] = PROBE_PDU_BYTES
	};
	uint8_t icreq[PROBE_PDU_BYTES];
	pid_t pid = fork();

	while (pid == 0) {
		int conn = accept(fd, NULL, NULL);

		if (recv(conn, icreq, sizeof(icreq), MSG_WAITALL) == sizeof(icreq)) {
			(void)!write(conn, icresp, 60);
			usleep(1000);
			(void)!write(conn, icresp + 60, sizeof(icresp) - 60);
		}
		close(conn);
	}
	return pid;
}

static struct result ask_all(struct loop *loop, const char *transport, const char *port,
			     const char *helper, int times)
{
	const struct prober_target target = { transport, "127.0.0.1", port, helper };
	struct result result = { 0 };
	struct prober *prober;
	int i;

	for (i = 0; i < times; i++)
		assert_int_equal(prober_start(loop, &target, 300, take, &result, &prober, NULL), 0);
	assert_int_equal(result.count, 0);
	while (result.count < times)
		assert_true(loop_step(loop, 5000) >= 0);
	return result;
}

static struct result ask(const char *transport, const char *port, const char *helper, int times)
{
	CLEANUP_LOOP struct loop *loop = NULL;

	assert_int_equal(loop_new(&loop, NULL), 0);
	return ask_all(loop, transport, port, helper, times);
}

static void sees_many_that_answer(void **state)
{
	char port[8];
	CLEANUP_CLOSE int fd = listen_at(port);
	pid_t pid = serve(fd);
	struct result result = ask("tcp", port, NULL, 8);

	(void)state;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(result.r, 0);
	assert_string_equal(result.text, "");
}

static void sees_that_nobody_listens(void **state)
{
	char port[8];
	struct result result;

	(void)state;
	close(listen_at(port));
	result = ask("tcp", port, NULL, 1);
	assert_int_equal(result.r, -ECONNREFUSED);
	assert_non_null(strstr(result.text, "nobody listens"));
}

static void does_not_wait_for_who_is_silent(void **state)
{
	char port[8];
	CLEANUP_CLOSE int fd = listen_at(port);
	struct result result = ask("tcp", port, NULL, 4);

	(void)state;
	assert_int_equal(result.r, -ETIMEDOUT);
	assert_non_null(strstr(result.text, "does not answer"));
}

static void an_address_that_is_none_is_told_from_the_loop(void **state)
{
	struct result result = ask("tcp", "none", NULL, 1);

	(void)state;
	assert_int_equal(result.r, -EINVAL);
}

static void what_nobody_can_ask_is_said(void **state)
{
	(void)state;
	assert_int_equal(ask("fc", "", NULL, 1).r, -EOPNOTSUPP);
	assert_int_equal(ask("loop", "", NULL, 1).r, 0);
	assert_int_equal(ask("rdma", "4420", "/nonexistent/probe", 1).r, -EOPNOTSUPP);
	assert_int_equal(ask("rdma", "4420", "/bin/false", 1).r, -ECONNREFUSED);
	assert_int_equal(ask("rdma", "4420", "/bin/true", 1).r, 0);
}

static void who_is_cancelled_says_nothing(void **state)
{
	CLEANUP_LOOP struct loop *loop = NULL;
	char port[8];
	CLEANUP_CLOSE int fd = listen_at(port);
	const struct prober_target target = { "tcp", "127.0.0.1", port, NULL };
	struct result result = { 0 };
	struct prober *prober;

	(void)state;
	assert_int_equal(loop_new(&loop, NULL), 0);
	assert_int_equal(prober_start(loop, &target, 50, take, &result, &prober, NULL), 0);
	prober_cancel(prober);
	assert_int_equal(loop_step(loop, 150), 0);
	assert_int_equal(result.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_many_that_answer),
		cmocka_unit_test(sees_that_nobody_listens),
		cmocka_unit_test(does_not_wait_for_who_is_silent),
		cmocka_unit_test(an_address_that_is_none_is_told_from_the_loop),
		cmocka_unit_test(what_nobody_can_ask_is_said),
		cmocka_unit_test(who_is_cancelled_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
