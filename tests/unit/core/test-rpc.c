/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "core/rpc.h"

#define LONG_MS 10000

/* A server that answers each request with itself; some words make it do other things. */
struct world {
	struct loop *loop;
	struct rpc_server *server;
	char directory[64];
	char path[96];
	char text[256]; /* begin of the last request */
	size_t length;
	size_t n_fds;
	int taken;
	unsigned int requests;
	unsigned int gone;
	struct rpc_peer peer;
	struct rpc_conn *last;
	int send_result;
};

static void on_request(void *data, struct rpc_conn *conn, struct rpc_message *message)
{
	struct world *w = data;

	w->requests++;
	w->last = conn;
	w->length = message->length;
	w->n_fds = message->n_fds;
	w->peer = *rpc_conn_peer(conn);
	snprintf(w->text, sizeof(w->text), "%s", message->text);
	if (strcmp(message->text, "take") == 0)
		w->taken = take_fd(&message->fds[1]);
	if (strcmp(message->text, "close") == 0)
		rpc_conn_close(conn);
	else
		w->send_result = rpc_send(conn, message->text, message->length);
}

static void on_gone(void *data, struct rpc_conn *conn)
{
	struct world *w = data;

	w->gone++;
	rpc_conn_close(conn); /* does nothing any more */
	assert_int_equal(rpc_send(conn, "a", 1), -EPIPE);
}

static int make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fd = -1;

	*state = w;
	strcpy(w->directory, "/tmp/test-rpc-XXXXXX");
	if (!mkdtemp(w->directory) || loop_new(&w->loop, NULL) < 0)
		return -1;
	snprintf(w->path, sizeof(w->path), "%s/ctl", w->directory);
	w->taken = -1;
	if (rpc_listen(w->path, 0600, &fd, NULL) < 0)
		return -1;
	return rpc_server_new(w->loop, fd, on_request, on_gone, w, &w->server, NULL);
}

static int release(void **state)
{
	struct world *w = *state;

	rpc_server_free(w->server);
	loop_free(w->loop);
	unlink(w->path);
	rmdir(w->directory);
	free(w);
	return 0;
}

static void serve(struct world *w)
{
	while (loop_step(w->loop, 0) > 0)
		;
}

static int connected(struct world *w)
{
	int fd = -1;

	assert_int_equal(rpc_connect(w->path, &fd, NULL), 0);
	serve(w);
	return fd;
}

static int answer(int fd, struct rpc_message *ret)
{
	return rpc_client_receive(fd, wait_deadline(0), ret, NULL);
}

/* --- */

static void a_request_is_answered(void **state)
{
	struct world *w = *state;
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);

	assert_int_equal(rpc_client_send(fd, "hello", 5, NULL, 0, NULL), 0);
	serve(w);
	assert_string_equal(w->text, "hello");
	assert_int_equal(answer(fd, &message), 0);
	assert_string_equal(message.text, "hello");
	assert_int_equal(message.length, 5);
	assert_int_equal(message.n_fds, 0);
}

static void the_kernel_says_who_asks(void **state)
{
	struct world *w = *state;
	CLEANUP_CLOSE int fd = connected(w);

	assert_int_equal(rpc_client_send(fd, "who", 3, NULL, 0, NULL), 0);
	serve(w);
	assert_int_equal(w->peer.pid, getpid());
	assert_int_equal(w->peer.uid, geteuid());
	assert_int_equal(w->peer.gid, getegid());
}

static unsigned int open_fds(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void descriptors_are_passed_and_closed_unless_taken(void **state)
{
	struct world *w = *state;
	CLEANUP_CLOSE int fd = connected(w);
	const int fds[] = { STDIN_FILENO, STDERR_FILENO, STDIN_FILENO, STDIN_FILENO };
	const unsigned int before = open_fds();

	assert_int_equal(rpc_client_send(fd, "take", 4, fds, 4, NULL), 0);
	serve(w);
	assert_int_equal(w->n_fds, 4);
	assert_int_equal(open_fds(), before + 1);
	assert_int_equal(fcntl(w->taken, F_GETFD), FD_CLOEXEC);
	close(w->taken);
}

static void the_longest_message_passes_both_ways(void **state)
{
	struct world *w = *state;
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);
	CLEANUP_FREE char *text = malloc(RPC_TEXT_MAX + 1);

	memset(text, 'x', RPC_TEXT_MAX + 1);
	assert_int_equal(rpc_client_send(fd, text, RPC_TEXT_MAX, NULL, 0, NULL), 0);
	serve(w);
	assert_int_equal(w->length, RPC_TEXT_MAX);
	assert_int_equal(w->send_result, 0);
	assert_int_equal(answer(fd, &message), 0);
	assert_int_equal(message.length, RPC_TEXT_MAX);
	assert_memory_equal(message.text, text, RPC_TEXT_MAX);
	assert_int_equal(rpc_client_send(fd, text, RPC_TEXT_MAX + 1, NULL, 0, NULL), -EMSGSIZE);
	assert_int_equal(rpc_client_send(fd, "", 0, NULL, 0, NULL), -EMSGSIZE);
	assert_int_equal(rpc_send(w->last, text, RPC_TEXT_MAX + 1), -EMSGSIZE);
}

static void an_answer_may_be_larger_than_a_packet(void **state)
{
	struct world *w = *state;
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_RPC_MESSAGE struct rpc_message small = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);
	const size_t length = 20 * RPC_TEXT_MAX;
	CLEANUP_FREE char *text = malloc(length);

	memset(text, 'x', length);
	text[length - 1] = 'y';
	assert_int_equal(rpc_client_send(fd, "close not", 9, NULL, 0, NULL), 0);
	serve(w);
	assert_int_equal(answer(fd, &small), 0);
	assert_int_equal(rpc_send_large(w->last, text, length), 0);
	assert_int_equal(answer(fd, &message), 0);
	assert_int_equal(message.length, length);
	assert_memory_equal(message.text, text, length);
	assert_int_equal(message.text[length], '\0');
	assert_int_equal(message.n_fds, 0);
	assert_int_equal(rpc_send_large(w->last, text, (size_t)RPC_LARGE_MAX + 1), -EMSGSIZE);
}

/* The other end sends what no daemon of ours does. */
static void a_file_that_is_none_is_no_answer(void **state)
{
	struct world *w = *state;
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int null = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int fds[2];

	(void)w;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(rpc_client_send(fds[1], "@", 1, &null, 1, NULL), 0);
	assert_int_equal(answer(fds[0], &message), -EBADMSG);
	assert_null(message.text);
	close(fds[0]);
	close(fds[1]);
}

static void a_peer_that_sends_too_much_is_closed(void **state)
{
	struct world *w = *state;
	struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);
	CLEANUP_FREE char *text = calloc(1, RPC_TEXT_MAX + 1);

	assert_int_equal(send(fd, text, RPC_TEXT_MAX + 1, 0), RPC_TEXT_MAX + 1);
	serve(w);
	assert_int_equal(w->requests, 0);
	assert_int_equal(w->gone, 1);
	assert_int_equal(answer(fd, &message), -EPIPE);
	assert_null(message.text);
}

static int send_fds(int fd, size_t n)
{
	char bytes[CMSG_SPACE(sizeof(int) * 16)] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = bytes,
				 .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n); /* of zeros: standard input */
	return (int)sendmsg(fd, &header, 0);
}

static void more_descriptors_than_allowed_are_closed_with_their_peer(void **state)
{
	struct world *w = *state;
	CLEANUP_CLOSE int fd = connected(w);
	const unsigned int before = open_fds();

	assert_int_equal(send_fds(fd, 16), 1);
	serve(w);
	assert_int_equal(w->requests, 0);
	assert_int_equal(w->gone, 1);
	assert_int_equal(open_fds(), before - 1); /* the server's end */
}

static void a_peer_that_went_is_told(void **state)
{
	struct world *w = *state;
	int fd = connected(w);

	close(fd);
	serve(w);
	assert_int_equal(w->gone, 1);
	assert_int_equal(loop_step(w->loop, 0), 0);
}

static void the_request_of_a_peer_that_went_is_still_heard(void **state)
{
	struct world *w = *state;
	int fd = connected(w);

	assert_int_equal(rpc_client_send(fd, "bye", 3, NULL, 0, NULL), 0);
	close(fd);
	serve(w);
	assert_int_equal(w->requests, 1);
	assert_int_equal(w->send_result, -EPIPE);
	assert_int_equal(w->gone, 1);
}

static void a_connection_may_be_closed_in_its_request(void **state)
{
	struct world *w = *state;
	struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);

	assert_int_equal(rpc_client_send(fd, "close", 5, NULL, 0, NULL), 0);
	serve(w);
	assert_int_equal(w->gone, 1);
	assert_int_equal(answer(fd, &message), -EPIPE);
}

static void to_a_peer_that_does_not_read_nothing_more_is_sent(void **state)
{
	struct world *w = *state;
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);
	char text[1000];
	int sent = 0;
	int received = 0;

	memset(text, 'x', sizeof(text));
	assert_int_equal(rpc_client_send(fd, "go", 2, NULL, 0, NULL), 0);
	serve(w);
	while (sent < 100000 && rpc_send(w->last, text, sizeof(text)) == 0)
		sent++;
	assert_in_range(sent, 20, 10000);
	assert_int_equal(rpc_send(w->last, text, sizeof(text)), -EAGAIN);
	while (answer(fd, &message) == 0) {
		rpc_message_deinit(&message);
		received++;
	}
	assert_int_equal(received, sent + 1);
	assert_int_equal(rpc_send(w->last, text, sizeof(text)), 0);
	assert_int_equal(w->gone, 0);
}

static void a_place_is_kept_for_each_connection(void **state)
{
	struct world *w = *state;
	CLEANUP_CLOSE int a = connected(w);
	CLEANUP_CLOSE int b = connected(w);
	struct rpc_conn *first;

	rpc_client_send(a, "a", 1, NULL, 0, NULL);
	serve(w);
	first = w->last;
	assert_null(rpc_conn_get(first));
	rpc_conn_set(first, w);
	rpc_client_send(b, "b", 1, NULL, 0, NULL);
	serve(w);
	assert_ptr_not_equal(w->last, first);
	assert_null(rpc_conn_get(w->last));
	assert_ptr_equal(rpc_conn_get(first), w);
}

static bool is_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

static void connections_are_bounded_and_free_again(void **state)
{
	struct world *w = *state;
	int fds[RPC_CONNECTIONS_MAX + 1];
	unsigned int open = 0;
	size_t i;

	for (i = 0; i <= RPC_CONNECTIONS_MAX; i++) {
		fds[i] = connected(w);
		open += !is_closed(fds[i]);
	}
	assert_int_equal(open, geteuid() == 0 ? RPC_CONNECTIONS_MAX : RPC_CONNECTIONS_MAX / 4);
	for (i = 0; i <= RPC_CONNECTIONS_MAX; i++)
		close(fds[i]);
	serve(w);
	assert_int_equal(w->gone, open);
	fds[0] = connected(w);
	assert_false(is_closed(fds[0]));
	close(fds[0]);
}

static void without_descriptors_it_waits_instead_of_turning(void **state)
{
	struct world *w = *state;
	struct rlimit before;
	struct rlimit none;
	int fd = -1;
	int rounds = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	assert_int_equal(rpc_connect(w->path, &fd, NULL), 0);
	none.rlim_cur = (rlim_t)fd; /* what is open stays */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (rounds < 100 && loop_step(w->loop, 0) > 0)
		rounds++;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(rounds, 1);
	rpc_client_send(fd, "late", 4, NULL, 0, NULL);
	for (rounds = 0; rounds < 100 && !w->requests; rounds++)
		loop_step(w->loop, 100);
	assert_string_equal(w->text, "late");
	close(fd);
}

static void a_server_may_be_freed_with_connections(void **state)
{
	struct world *w = *state;
	CLEANUP_CLOSE int fd = connected(w);

	rpc_server_free(w->server);
	w->server = NULL;
	assert_int_equal(w->gone, 1);
	assert_true(is_closed(fd));
}

/* --- sockets */

static void a_socket_has_its_mode(void **state)
{
	struct world *w = *state;
	char path[128];
	struct stat st;
	int fd = -1;
	const mode_t mask = umask(077);

	snprintf(path, sizeof(path), "%s/other", w->directory);
	assert_int_equal(rpc_listen(path, 0660, &fd, NULL), 0);
	assert_int_equal(umask(mask), 077);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	close(fd);
	unlink(path);
}

static void a_socket_that_is_left_is_replaced_and_one_in_use_is_not(void **state)
{
	struct world *w = *state;
	struct err err = ERR_NULL;
	int fd = -7;

	assert_int_equal(rpc_listen(w->path, 0600, &fd, &err), -EADDRINUSE);
	assert_int_equal(fd, -7);
	assert_non_null(strstr(err.text, w->path));
	rpc_server_free(w->server);
	w->server = NULL;
	assert_int_equal(access(w->path, F_OK), 0);
	assert_int_equal(rpc_listen(w->path, 0600, &fd, &err), 0);
	close(fd);
}

static void a_file_is_not_replaced_by_a_socket(void **state)
{
	struct world *w = *state;
	char path[128];
	struct err err = ERR_NULL;
	int fd = -7;

	snprintf(path, sizeof(path), "%s/file", w->directory);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(rpc_listen(path, 0600, &fd, &err), -EEXIST);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(unlink(path), 0);
}

static void a_path_too_long_is_refused(void **state)
{
	struct world *w = *state;
	char path[300];
	int fd = -7;

	(void)w;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(rpc_listen(path, 0600, &fd, NULL), -ENAMETOOLONG);
	assert_int_equal(rpc_connect(path, &fd, NULL), -ENAMETOOLONG);
	assert_int_equal(rpc_connect("", &fd, NULL), -EINVAL);
	assert_int_equal(fd, -7);
}

static void a_command_is_told_that_nobody_listens(void **state)
{
	struct world *w = *state;
	struct err err = ERR_NULL;
	int fd = -7;

	rpc_server_free(w->server);
	w->server = NULL;
	assert_int_equal(rpc_connect(w->path, &fd, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, w->path));
	unlink(w->path);
	assert_int_equal(rpc_connect(w->path, &fd, &err), -ENOENT);
	assert_int_equal(fd, -7);
}

static void a_command_waits_no_longer_than_it_wants(void **state)
{
	struct world *w = *state;
	struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_CLOSE int fd = connected(w);
	const int64_t start = clock_monotonic_ms();

	assert_int_equal(rpc_client_receive(fd, wait_deadline(30), &message, NULL), -ETIMEDOUT);
	assert_in_range(clock_monotonic_ms() - start, 29, LONG_MS);
}

/* The other end sends what no daemon of ours does. */
static void a_command_refuses_an_answer_too_long(void **state)
{
	struct rpc_message message = RPC_MESSAGE_NULL;
	CLEANUP_FREE char *text = calloc(1, RPC_TEXT_MAX + 1);
	int fds[2];
	const int bytes = 1 << 20;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	assert_int_equal(send(fds[1], text, RPC_TEXT_MAX + 1, 0), RPC_TEXT_MAX + 1);
	assert_int_equal(answer(fds[0], &message), -EBADMSG);
	assert_int_equal(send_fds(fds[1], 9), 1);
	assert_int_equal(answer(fds[0], &message), -EBADMSG);
	close(fds[0]);
	close(fds[1]);
}

/* --- torture: a hundred peers in a child that do anything, for the same random numbers */

static void misbehave(const char *path)
{
	static char text[RPC_TEXT_MAX + 100];
	unsigned int seed = 7;
	int fds[20];
	int i;

	memset(fds, -1, sizeof(fds));
	memset(text, '{', sizeof(text));
	for (i = 0; i < 3000; i++) {
		int *fd = &fds[rand_r(&seed) % 20];

		if (*fd < 0 && rpc_connect(path, fd, NULL) < 0)
			continue;
		switch (rand_r(&seed) % 8) {
		case 0:
			close(*fd);
			*fd = -1;
			break;
		case 1:
			shutdown(*fd, rand_r(&seed) % 2 ? SHUT_RD : SHUT_WR);
			break;
		case 2:
			send_fds(*fd, (size_t)rand_r(&seed) % 16 + 1);
			break;
		case 3:
			send(*fd, text, sizeof(text), MSG_NOSIGNAL | MSG_DONTWAIT);
			break;
		case 4:
			send(*fd, text, 0, MSG_NOSIGNAL | MSG_DONTWAIT);
			break;
		case 5:
			send(*fd, "close", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
			break;
		default:
			send(*fd, text, (size_t)rand_r(&seed) % 3000, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
	}
	_exit(0);
}

static void it_outlives_peers_that_do_anything(void **state)
{
	struct world *w = *state;
	const unsigned int before = open_fds();
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		misbehave(w->path);
	while (waitpid(pid, &status, WNOHANG) == 0)
		loop_step(w->loop, 10);
	serve(w);
	assert_int_equal(status, 0);
	assert_true(w->requests > 100);
	assert_true(w->gone > 100);
	assert_int_equal(open_fds(), before);
	close(connected(w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, make, release)
		TEST(a_request_is_answered),
		TEST(the_kernel_says_who_asks),
		TEST(descriptors_are_passed_and_closed_unless_taken),
		TEST(the_longest_message_passes_both_ways),
		TEST(an_answer_may_be_larger_than_a_packet),
		TEST(a_file_that_is_none_is_no_answer),
		TEST(a_peer_that_sends_too_much_is_closed),
		TEST(more_descriptors_than_allowed_are_closed_with_their_peer),
		TEST(a_peer_that_went_is_told),
		TEST(the_request_of_a_peer_that_went_is_still_heard),
		TEST(a_connection_may_be_closed_in_its_request),
		TEST(to_a_peer_that_does_not_read_nothing_more_is_sent),
		TEST(a_place_is_kept_for_each_connection),
		TEST(connections_are_bounded_and_free_again),
		TEST(without_descriptors_it_waits_instead_of_turning),
		TEST(a_server_may_be_freed_with_connections),
		TEST(a_socket_has_its_mode),
		TEST(a_socket_that_is_left_is_replaced_and_one_in_use_is_not),
		TEST(a_file_is_not_replaced_by_a_socket),
		TEST(a_path_too_long_is_refused),
		TEST(a_command_is_told_that_nobody_listens),
		TEST(a_command_waits_no_longer_than_it_wants),
		TEST(a_command_refuses_an_answer_too_long),
		TEST(it_outlives_peers_that_do_anything),
	};

	return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
