/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nvmf/probe.h"

/* also under a sanitizer on a busy machine the answer is there by then */
#define SOON_MS 1000
#define LONG_MS 20000

/* What the listener does with a connection: reads @wait bytes, sends, then closes or stays. */
struct script {
	size_t wait;
	const void *answer;
	size_t size;
	size_t piece; /* bytes per send, 0: all at once */
	bool reset;   /* close with what was sent unread */
	bool stay;
};

struct listener {
	pid_t pid;
	char port[8];
};

static void serve(int fd, const struct script *script)
{
	uint8_t request[128];
	size_t got = 0;
	size_t sent = 0;

	while (got < script->wait) {
		ssize_t r = recv(fd, request + got, script->wait - got, 0);

		if (r <= 0)
			_exit(1);
		got += (size_t)r;
	}
	/* an ICReq is what must have come */
	if (got == 128 && (request[0] != 0 || request[2] != 128 || request[4] != 128))
		_exit(2);
	while (sent < script->size) {
		size_t piece = script->piece ? script->piece : script->size;

		if (piece > script->size - sent)
			piece = script->size - sent;
		if (send(fd, (const char *)script->answer + sent, piece, MSG_NOSIGNAL) < 0)
			_exit(3);
		sent += piece;
		if (script->piece)
			usleep(1000);
	}
	if (script->stay)
		pause();
	if (script->reset) {
		const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	}
	close(fd);
	_exit(0);
}

static int listen_at(int family, char port[8])
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, at, size) < 0)
		return -1;
	getsockname(fd, at, &size);
	snprintf(port, 8, "%d", ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port));
	return fd;
}

static struct listener start(int family, const struct script *script)
{
	struct listener listener;
	int fd = listen_at(family, listener.port);

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 4), 0);
	listener.pid = fork();
	if (listener.pid == 0)
		serve(accept(fd, NULL, NULL), script);
	close(fd);
	return listener;
}

static void stop(const struct listener *listener)
{
	kill(listener->pid, SIGKILL);
	waitpid(listener->pid, NULL, 0);
}

static int probe(const struct script *script, unsigned int timeout_ms, struct err *err)
{
	struct listener listener = start(AF_INET, script);
	int r = probe_tcp("127.0.0.1", listener.port, timeout_ms, err);

	stop(&listener);
	return r;
}

static const uint8_t icresp[128] = { [0] = 1, [2] = 128, [4] = 128, [13] = 1 };

static void accepts_an_icresp(void **state)
{
	const struct script script = { .wait = 128, .answer = icresp, .size = 128, .stay = true };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe(&script, LONG_MS, &err), 0);
	assert_int_equal(err.code, 0);
}

static void accepts_an_icresp_in_pieces(void **state)
{
	const struct script script = { .wait = 128, .answer = icresp, .size = 128, .piece = 50 };

	(void)state;
	assert_int_equal(probe(&script, LONG_MS, NULL), 0);
}

static void speaks_ipv6(void **state)
{
	const struct script script = { .wait = 128, .answer = icresp, .size = 128, .stay = true };
	struct listener listener;
	char port[8];
	int fd = listen_at(AF_INET6, port);
	int r;

	(void)state;
	if (fd < 0)
		skip();
	close(fd);
	listener = start(AF_INET6, &script);
	r = probe_tcp("::1", listener.port, LONG_MS, NULL);
	stop(&listener);
	assert_int_equal(r, 0);
}

static void tells_that_nobody_listens(void **state)
{
	struct err err = ERR_NULL;
	char port[8];
	int fd = listen_at(AF_INET, port);

	(void)state;
	/* bound, but not listening: nobody else can take the port meanwhile */
	assert_int_equal(probe_tcp("127.0.0.1", port, LONG_MS, &err), -ECONNREFUSED);
	close(fd);
	assert_non_null(strstr(err.text, "127.0.0.1"));
	assert_non_null(strstr(err.text, port));
}

static void tells_that_the_listener_closes(void **state)
{
	const struct script script = { .wait = 128 };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe(&script, LONG_MS, &err), -ECONNRESET);
	assert_non_null(strstr(err.text, "TLS"));
}

static void tells_that_the_listener_resets(void **state)
{
	const struct script script = { .wait = 8, .reset = true };

	(void)state;
	assert_int_equal(probe(&script, LONG_MS, NULL), -ECONNRESET);
}

static void tells_another_service_apart(void **state)
{
	const struct script script = { .answer = "SSH-2.0-OpenSSH_9.2p1\r\n",
				       .size = 23,
				       .stay = true };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe(&script, SOON_MS, &err), -EPROTO);
	assert_non_null(strstr(err.text, "53 53 48"));
}

static void refuses_an_icresp_of_another_format(void **state)
{
	uint8_t other[128];
	const struct script script = { .wait = 128, .answer = other, .size = 128 };
	const size_t places[] = { 0, 2, 4, 5, 8, 9 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(other, icresp, sizeof(other));
		other[places[i]] ^= 0x40;
		assert_int_equal(probe(&script, LONG_MS, NULL), -EPROTO);
	}
}

static void refuses_an_icresp_that_is_cut(void **state)
{
	const struct script script = { .wait = 128, .answer = icresp, .size = 127 };

	(void)state;
	assert_int_equal(probe(&script, LONG_MS, NULL), -EPROTO);
}

static void tells_the_status_of_a_termination_request(void **state)
{
	const uint8_t term[24] = { [0] = 3, [2] = 24, [4] = 24, [8] = 5 };
	const struct script script = { .wait = 128, .answer = term, .size = sizeof(term) };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe(&script, LONG_MS, &err), -EPROTO);
	assert_non_null(strstr(err.text, "status 5"));
}

static unsigned int elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned int)((now.tv_sec - since->tv_sec) * 1000 +
			      (now.tv_nsec - since->tv_nsec) / 1000000);
}

static void gives_up_on_a_silent_listener_in_time(void **state)
{
	const struct script script = { .wait = 128, .stay = true };
	struct err err = ERR_NULL;
	struct timespec start_time;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	assert_int_equal(probe(&script, SOON_MS, &err), -ETIMEDOUT);
	assert_in_range(elapsed_ms(&start_time), SOON_MS - 1, SOON_MS + 5000);
	assert_non_null(strstr(err.text, "takes the connection"));
}

static void refuses_what_is_no_address(void **state)
{
	(void)state;
	assert_int_equal(probe_tcp("blake14", "4420", SOON_MS, NULL), -EINVAL);
	assert_int_equal(probe_tcp("127.0.0.1", "nvme", SOON_MS, NULL), -EINVAL);
	assert_int_equal(probe_tcp("", "4420", SOON_MS, NULL), -EINVAL);
}

/* --- the helper: a script in its place */

struct helper {
	char path[64];
};

static struct helper helper_make(const char *text)
{
	struct helper helper = { "/tmp/test-probe-XXXXXX" };
	int fd = mkstemp(helper.path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	return helper;
}

static int probe_by(const char *script, unsigned int timeout_ms, struct err *err)
{
	struct helper helper = helper_make(script);
	int r = probe_rdma(helper.path, "10.1.2.3", "4420", timeout_ms, err);

	unlink(helper.path);
	return r;
}

static void passes_address_port_and_less_than_the_timeout(void **state)
{
	const char *script = "#!/bin/sh\n"
			     "[ $# = 3 ] && [ $1 = 10.1.2.3 ] && [ $2 = 4420 ] || exit 1\n"
			     "[ $3 -lt 20000 ] && [ $3 -gt 10000 ]\n";

	(void)state;
	assert_int_equal(probe_by(script, LONG_MS, NULL), 0);
}

static void gives_the_reason_of_the_helper(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe_by("#!/bin/sh\necho 'no route' >&2\nexit 1\n", LONG_MS, &err),
			 -ECONNREFUSED);
	assert_string_equal(err.text, "no route");
}

static void tells_that_this_host_cannot_ask(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe_by("#!/bin/sh\necho 'no rdma_ucm' >&2\nexit 3\n", LONG_MS, &err),
			 -EOPNOTSUPP);
	assert_string_equal(err.text, "no rdma_ucm");
}

static void a_helper_that_crashes_is_no_success(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe_by("#!/bin/sh\nkill -KILL $$\n", LONG_MS, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, "signal 9"));
}

static void kills_a_helper_that_does_not_come_back(void **state)
{
	struct timespec start_time;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	assert_int_equal(probe_by("#!/bin/sh\nexec sleep 60\n", SOON_MS, NULL), -ETIMEDOUT);
	assert_in_range(elapsed_ms(&start_time), SOON_MS - 1, SOON_MS + 5000);
}

static void tells_that_the_helper_is_not_installed(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(probe_rdma("/nonexistent/helper", "10.1.2.3", "4420", SOON_MS, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/helper"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_an_icresp),
		cmocka_unit_test(accepts_an_icresp_in_pieces),
		cmocka_unit_test(speaks_ipv6),
		cmocka_unit_test(tells_that_nobody_listens),
		cmocka_unit_test(tells_that_the_listener_closes),
		cmocka_unit_test(tells_that_the_listener_resets),
		cmocka_unit_test(tells_another_service_apart),
		cmocka_unit_test(refuses_an_icresp_of_another_format),
		cmocka_unit_test(refuses_an_icresp_that_is_cut),
		cmocka_unit_test(tells_the_status_of_a_termination_request),
		cmocka_unit_test(gives_up_on_a_silent_listener_in_time),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(passes_address_port_and_less_than_the_timeout),
		cmocka_unit_test(gives_the_reason_of_the_helper),
		cmocka_unit_test(tells_that_this_host_cannot_ask),
		cmocka_unit_test(a_helper_that_crashes_is_no_success),
		cmocka_unit_test(kills_a_helper_that_does_not_come_back),
		cmocka_unit_test(tells_that_the_helper_is_not_installed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
