/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wait.h"
#include "core/rpc.h"
#include "initiator/client.h"

#define LONG_MS 30000

struct daemon {
	char dir[32];
	char path[64];
	pid_t pid;
};

static int set_up(void **state)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	snprintf(daemon->dir, sizeof(daemon->dir), "/tmp/test-client-XXXXXX");
	assert_non_null(mkdtemp(daemon->dir));
	snprintf(daemon->path, sizeof(daemon->path), "%s/sock", daemon->dir);
	*state = daemon;
	return 0;
}

static int tear_down(void **state)
{
	struct daemon *daemon = *state;
	int status;

	if (daemon->pid > 0) {
		kill(daemon->pid, SIGKILL);
		waitpid(daemon->pid, &status, 0);
	}
	unlink(daemon->path);
	rmdir(daemon->dir);
	free(daemon);
	return 0;
}

/* One that takes one request, says the texts, and waits to be killed, or goes. */
static void __attribute__((noreturn)) serve(int fd, const char *const *texts, bool stays)
{
	char request[RPC_TEXT_MAX];
	struct pollfd listener = { .fd = fd, .events = POLLIN };
	int conn;

	/* it does not block, and the command may not be there yet */
	poll(&listener, 1, -1);
	conn = accept(fd, NULL, NULL);
	if (conn < 0 || recv(conn, request, sizeof(request), 0) <= 0)
		_exit(1);
	for (; *texts; texts++)
		send(conn, *texts, strlen(*texts), 0);
	if (stays)
		pause();
	_exit(0);
}

static void start(struct daemon *daemon, const char *const *texts, bool stays)
{
	int fd;

	assert_int_equal(rpc_listen(daemon->path, 0600, &fd, NULL), 0);
	daemon->pid = fork();
	assert_true(daemon->pid >= 0);
	if (daemon->pid == 0)
		serve(fd, texts, stays);
	close(fd);
}

static int collect(void *data, const struct reply *reply)
{
	char *seen = data;

	strcat(seen, reply->kind == REPLY_PROGRESS ? "progress " : "event ");
	return 0;
}

static int ask(const struct daemon *daemon, unsigned int ms, char *seen, struct js **ret,
	       struct err *err)
{
	struct request request = REQUEST_NULL;
	int fd;
	int r;

	request.kind = REQUEST_STATUS;
	r = client_send(daemon->path, &request, &fd, err);
	if (r < 0)
		return r;
	r = client_receive(fd, wait_deadline(ms), seen ? collect : NULL, seen, ret, err);
	close(fd);
	return r;
}

static void progress_comes_before_the_result(void **state)
{
	static const char *const texts[] = {
		"{\"version\":1, \"progress\":{\"state\":\"probing\", \"text\":\"x\"}}",
		"{\"version\":1, \"event\":{}}",
		"{\"version\":1, \"ok\":true, \"result\":{\"pid\":7}}", NULL
	};
	CLEANUP_JS struct js *result = NULL;
	struct err err = ERR_NULL;
	char seen[64] = "";

	start(*state, texts, true);
	assert_int_equal(ask(*state, LONG_MS, seen, &result, &err), 0);
	assert_string_equal(seen, "progress event ");
	assert_int_equal(js_number(js_get(result, "pid"), 0), 7);
}

static void the_daemons_error_is_ours(void **state)
{
	static const char *const texts[] = {
		"{\"version\":1, \"ok\":false, \"error\":{\"errno\":\"EBUSY\", \"message\":\"no\"}}",
		NULL
	};
	struct err err = ERR_NULL;

	start(*state, texts, true);
	assert_int_equal(ask(*state, LONG_MS, NULL, NULL, &err), -EBUSY);
	assert_string_equal(err.text, "no");
}

static void what_is_no_answer_is_told(void **state)
{
	static const char *const texts[] = { "hello", NULL };
	struct err err = ERR_NULL;

	start(*state, texts, true);
	assert_int_equal(ask(*state, LONG_MS, NULL, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "cannot be understood"));
}

static void a_daemon_that_dies_is_told(void **state)
{
	static const char *const texts[] = { NULL };
	struct err err = ERR_NULL;

	start(*state, texts, false);
	assert_int_equal(ask(*state, LONG_MS, NULL, NULL, &err), -EPIPE);
	assert_non_null(strstr(err.text, "ended before it answered"));
}

static void a_daemon_that_is_silent_is_not_waited_for(void **state)
{
	static const char *const texts[] = { NULL };
	struct err err = ERR_NULL;

	start(*state, texts, true);
	assert_int_equal(ask(*state, 200, NULL, NULL, &err), -ETIMEDOUT);
}

static void no_daemon_is_no_error_of_its_own(void **state)
{
	struct daemon *daemon = *state;
	struct err err = ERR_NULL;
	int fd;

	assert_true(client_is_absent(ask(daemon, LONG_MS, NULL, NULL, &err)));
	/* left behind by one that was killed */
	assert_int_equal(rpc_listen(daemon->path, 0600, &fd, NULL), 0);
	close(fd);
	assert_true(client_is_absent(ask(daemon, LONG_MS, NULL, NULL, &err)));
	assert_false(client_is_absent(-EACCES));
	assert_false(client_is_absent(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(progress_comes_before_the_result, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_daemons_error_is_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_answer_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_daemon_that_dies_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_daemon_that_is_silent_is_not_waited_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_daemon_is_no_error_of_its_own, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
