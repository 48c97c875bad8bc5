/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "tests/unit/unit.h"

#include "tests/unit/core/certs.h"

#define PATIENCE_MS 4000
#define BODY_MAX 65536
#define WAITING_MAX 400

/* What the server under test was asked, and who waits. */
struct server {
	struct loop *loop;
	struct httpd *httpd;
	unsigned int requests;
	struct httpd_request *waiting[WAITING_MAX];
	size_t n_waiting;
	struct httpd_stream *stream;
	unsigned int gone;
};

static struct server server;

static void on_request_gone(void *user, struct httpd_request *request)
{
	size_t i;

	assert_ptr_equal(user, &server);
	server.gone++;
	for (i = 0; i < server.n_waiting; i++)
		if (server.waiting[i] == request)
			server.waiting[i] = NULL;
}

static void on_stream_gone(void *user, struct httpd_stream *stream)
{
	assert_ptr_equal(user, &server);
	assert_ptr_equal(stream, server.stream);
	server.gone++;
	server.stream = NULL;
}

static void reply_with_all(struct httpd_request *request)
{
	static const char *const headers[] = { "X-One: 1", "X-Two:2", NULL };
	CLEANUP_STR struct str text = STR_NULL;
	const char *name = httpd_peer_name(request);
	const char *query = httpd_query(request, "q");
	const char *header = httpd_header(request, "x-test");
	size_t length;

	str_addf(&text, "%s %s q=%s x=%s from=%s name=%s body=", httpd_method(request),
		 httpd_path(request), query ? query : "(none)", header ? header : "(none)",
		 httpd_peer_address(request), name ? name : "(none)");
	str_add(&text, httpd_body(request, &length));
	httpd_reply(request, 200, "text/plain", str_get(&text), text.length, headers);
}

static void on_request(void *data, struct httpd_request *request)
{
	const char *path = httpd_path(request);
	size_t length;

	assert_ptr_equal(data, &server);
	server.requests++;
	if (strcmp(path, "/later") == 0) {
		assert_true(server.n_waiting < WAITING_MAX);
		server.waiting[server.n_waiting++] = request;
		httpd_request_keep(request, &server, on_request_gone);
	} else if (strcmp(path, "/stream") == 0) {
		server.stream =
			httpd_stream_open(request, "text/event-stream", on_stream_gone, &server);
		assert_non_null(server.stream);
	} else if (strcmp(path, "/length") == 0) {
		char text[32];

		httpd_body(request, &length);
		snprintf(text, sizeof(text), "%zu", length);
		httpd_reply(request, 200, "text/plain", text, strlen(text), NULL);
	} else if (strcmp(path, "/nothing") != 0) {
		reply_with_all(request);
	}
}

static void start(const struct httpd_config *changes)
{
	struct httpd_config config = *changes;
	struct err err = ERR_NULL;

	memset(&server, 0, sizeof(server));
	assert_int_equal(loop_new(&server.loop, &err), 0);
	config.address = "127.0.0.1";
	if (config.listen_fd == 0)
		config.listen_fd = -1;
	if (!config.connections_max)
		config.connections_max = 1000;
	if (!config.body_max)
		config.body_max = BODY_MAX;
	if (httpd_new(server.loop, &config, on_request, &server, &server.httpd, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_not_equal(httpd_port(server.httpd), 0);
}

static int set_up(void **state)
{
	(void)state;
	start(&(struct httpd_config){ 0 });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	httpd_free(server.httpd);
	loop_free(server.loop);
	return 0;
}

/* --- a client */

static int dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(httpd_port(server.httpd)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say_n(int fd, const char *bytes, size_t length)
{
	assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static void say(int fd, const char *text)
{
	say_n(fd, text, strlen(text));
}

static bool run_until(bool (*is_so)(void *data), void *data)
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (!is_so(data)) {
		if (clock_monotonic_ms() > end)
			return false;
		assert_true(loop_step(server.loop, 20) >= 0);
	}
	return true;
}

/* What came so far on a connection. */
struct heard {
	int fd;
	char text[256 * 1024];
	size_t length;
	bool ended;
	const char *want;
};

static struct heard heard;

static bool has_heard(void *data)
{
	struct heard *h = data;
	ssize_t r;

	for (;;) {
		r = recv(h->fd, h->text + h->length, sizeof(h->text) - 1 - h->length, MSG_DONTWAIT);
		if (r > 0) {
			h->length += (size_t)r;
			h->text[h->length] = '\0';
		}
		if (r == 0 || (r < 0 && errno != EAGAIN))
			h->ended = true;
		if (r <= 0)
			break;
	}
	return h->want ? strstr(h->text, h->want) != NULL : h->ended;
}

static void begin_to_hear(int fd)
{
	memset(&heard, 0, sizeof(heard));
	heard.fd = fd;
}

/* Run the server until the client has got @text, which is cut off then with what is before it. */
static void hears(const char *text)
{
	char *at;

	heard.want = text;
	if (!run_until(has_heard, &heard))
		fail_msg("\"%s\" is not in: %s", text, heard.text);
	at = strstr(heard.text, text) + strlen(text);
	heard.length -= (size_t)(at - heard.text);
	memmove(heard.text, at, heard.length + 1);
}

static void hears_the_end(void)
{
	heard.want = NULL;
	if (!run_until(has_heard, &heard))
		fail_msg("the connection was not closed");
}

static bool is_count(void *data)
{
	return httpd_connections(server.httpd) == *(unsigned int *)data;
}

static void has_connections(unsigned int count)
{
	if (!run_until(is_count, &count))
		fail_msg("%u connections, not %u", httpd_connections(server.httpd), count);
}

static bool is_waiting(void *data)
{
	return server.n_waiting == *(size_t *)data;
}

static void waits_for(size_t count)
{
	if (!run_until(is_waiting, &count))
		fail_msg("%zu requests wait, not %zu", server.n_waiting, count);
}

static bool is_gone(void *data)
{
	return server.gone == *(unsigned int *)data;
}

static void sees_gone(unsigned int count)
{
	if (!run_until(is_gone, &count))
		fail_msg("%u gone, not %u", server.gone, count);
}

/* --- requests and answers */

static void hands_over_what_was_asked(void **state)
{
	int fd = dial();

	(void)state;
	begin_to_hear(fd);
	say(fd,
	    "POST /a/b?q=1%202&r HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\nContent-Length: 5\r\n\r\nhello");
	hears("HTTP/1.1 200 ");
	hears("X-One: 1\r\n");
	hears("X-Two: 2\r\n");
	hears("POST /a/b q=1 2 x=yes from=127.0.0.1 name=(none) body=hello");
	close(fd);
	has_connections(0);
	assert_int_equal(server.requests, 1);
}

static void a_connection_serves_many_requests(void **state)
{
	int fd = dial();
	int i;

	(void)state;
	begin_to_hear(fd);
	for (i = 0; i < 5; i++) {
		say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
		hears("GET /one q=(none)");
	}
	/* also if they are sent without waiting */
	say(fd, "GET /two HTTP/1.1\r\nHost: x\r\n\r\nGET /three HTTP/1.1\r\nHost: x\r\n\r\n");
	hears("GET /two ");
	hears("GET /three ");
	assert_int_equal(httpd_connections(server.httpd), 1);
	close(fd);
}

static void takes_a_body_in_pieces_and_chunks(void **state)
{
	int fd = dial();
	char piece[1000];
	int i;

	(void)state;
	begin_to_hear(fd);
	memset(piece, 'x', sizeof(piece));
	say(fd, "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n");
	for (i = 0; i < 50; i++) {
		say_n(fd, piece, sizeof(piece));
		loop_step(server.loop, 0);
	}
	hears("\r\n\r\n50000");
	say(fd, "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n");
	hears("\r\n\r\n7");
	close(fd);
}

static void answers_later_and_in_any_order(void **state)
{
	int fds[2] = { dial(), dial() };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		say(fds[i], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
		waits_for(i + 1);
	}
	for (i = 2; i-- > 0;) {
		httpd_reply(server.waiting[i], 200 + (unsigned int)i, NULL, "then", 4, NULL);
		begin_to_hear(fds[i]);
		hears(i ? "HTTP/1.1 201 " : "HTTP/1.1 200 ");
		hears("then");
		say(fds[i], "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
		hears("GET /again");
	}
	close(fds[0]);
	close(fds[1]);
	has_connections(0);
	assert_int_equal(server.gone, 0);
}

static void hundreds_wait_and_all_are_answered(void **state)
{
	int fds[300];
	size_t i;

	(void)state;
	for (i = 0; i < 300; i++) {
		fds[i] = dial();
		say(fds[i], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	waits_for(300);
	assert_int_equal(httpd_connections(server.httpd), 300);
	for (i = 0; i < 300; i++)
		httpd_reply(server.waiting[i], 204, NULL, "", 0, NULL);
	for (i = 0; i < 300; i++) {
		begin_to_hear(fds[i]);
		hears("HTTP/1.1 204 ");
		close(fds[i]);
	}
	has_connections(0);
}

static void tells_that_a_client_that_waits_went(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
	waits_for(1);
	assert_int_equal(server.gone, 0);
	close(fd);
	sees_gone(1);
	assert_null(server.waiting[0]);
	has_connections(0);
	assert_int_equal(server.gone, 1);
}

static void who_sends_all_and_closes_its_half_gets_what_is_ready(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	begin_to_hear(fd);
	hears("GET /one ");
	hears_the_end();
	close(fd);
	fd = dial();
	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	sees_gone(1);
	close(fd);
	has_connections(0);
}

static void what_nobody_answers_is_an_error(void **state)
{
	int fd = dial();

	(void)state;
	begin_to_hear(fd);
	say(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
	hears("HTTP/1.1 500 ");
	close(fd);
}

static void who_waits_at_the_end_is_let_go_without_a_call(void **state)
{
	int fds[3] = { dial(), dial(), dial() };

	(void)state;
	say(fds[0], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	say(fds[1], "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	say(fds[2], "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123");
	waits_for(1);
	begin_to_hear(fds[1]);
	hears("text/event-stream");
	httpd_free(server.httpd);
	server.httpd = NULL;
	assert_int_equal(server.gone, 0);
	begin_to_hear(fds[0]);
	hears_the_end();
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
}

/* --- bounds */

static void refuses_a_body_that_is_too_long(void **state)
{
	char piece[16384];
	int fd = dial();
	int i;

	(void)state;
	begin_to_hear(fd);
	say(fd, "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n");
	hears("HTTP/1.1 413 ");
	hears_the_end();
	close(fd);

	fd = dial();
	begin_to_hear(fd);
	memset(piece, 'x', sizeof(piece));
	say(fd, "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < 5; i++) {
		say(fd, "4000\r\n");
		say_n(fd, piece, sizeof(piece));
		say(fd, "\r\n");
		loop_step(server.loop, 0);
	}
	say(fd, "0\r\n\r\n");
	hears("HTTP/1.1 413 ");
	close(fd);
	has_connections(0);
	assert_int_equal(server.requests, 0);
}

static void takes_a_body_of_exactly_the_bound(void **state)
{
	static char body[BODY_MAX];
	int fd = dial();

	(void)state;
	begin_to_hear(fd);
	memset(body, 'x', sizeof(body));
	say(fd, "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n");
	say_n(fd, body, sizeof(body));
	hears("\r\n\r\n65536");
	close(fd);
}

static void refuses_a_head_that_is_too_long(void **state)
{
	CLEANUP_STR struct str text = STR_NULL;
	int fd = dial();
	int i;

	(void)state;
	begin_to_hear(fd);
	str_add(&text, "GET /one HTTP/1.1\r\nHost: x\r\n");
	for (i = 0; i < 1000; i++)
		str_addf(&text, "X-%d: 0123456789\r\n", i);
	str_add(&text, "\r\n");
	say(fd, str_get(&text));
	hears("HTTP/1.1 4");
	hears_the_end();
	close(fd);
	assert_int_equal(server.requests, 0);
}

static void garbage_does_no_harm(void **state)
{
	char bytes[512];
	int fd;
	int i;
	size_t j;

	(void)state;
	srandom(7);
	for (i = 0; i < 100; i++) {
		fd = dial();
		for (j = 0; j < sizeof(bytes); j++)
			bytes[j] = (char)random();
		if (i % 4 == 0)
			memcpy(bytes, "POST / HTTP/1.1\r\n", 17);
		if (i % 4 == 1)
			memcpy(bytes, "GET /x HTTP/9.9\r\n\r\n", 19);
		if (i % 4 == 2)
			memcpy(bytes, "\x16\x03\x01\x02\x00\x01\x00\x01", 8);
		send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		loop_step(server.loop, 0);
		close(fd);
	}
	has_connections(0);
	fd = dial();
	begin_to_hear(fd);
	say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	hears("GET /one");
	close(fd);
}

static void those_over_the_limit_wait_for_their_turn(void **state)
{
	int fds[3];
	int i;

	(void)state;
	start(&(struct httpd_config){ .connections_max = 2 });
	for (i = 0; i < 3; i++) {
		fds[i] = dial();
		say(fds[i], "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	has_connections(2);
	begin_to_hear(fds[1]);
	hears("GET /one");
	assert_int_equal(server.requests, 2);
	close(fds[0]);
	begin_to_hear(fds[2]);
	hears("GET /one");
	close(fds[1]);
	close(fds[2]);
}

static void who_is_idle_for_too_long_is_closed(void **state)
{
	int fds[2];

	(void)state;
	start(&(struct httpd_config){ .timeout_seconds = 1 });
	fds[0] = dial();
	fds[1] = dial();
	say(fds[0], "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123");
	begin_to_hear(fds[0]);
	hears_the_end();
	begin_to_hear(fds[1]);
	hears_the_end();
	has_connections(0);
	close(fds[0]);
	close(fds[1]);
}

static void who_waits_for_an_answer_is_not_idle(void **state)
{
	int64_t end;
	int fd;

	(void)state;
	start(&(struct httpd_config){ .timeout_seconds = 1 });
	fd = dial();
	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	waits_for(1);
	end = clock_monotonic_ms() + 1800;
	while (clock_monotonic_ms() < end)
		loop_step(server.loop, 20);
	assert_int_equal(server.gone, 0);
	httpd_reply(server.waiting[0], 204, NULL, "", 0, NULL);
	begin_to_hear(fd);
	hears("HTTP/1.1 204 ");
	close(fd);
}

static void without_descriptors_it_rests_and_goes_on(void **state)
{
	struct rlimit before;
	struct rlimit few;
	int fds[4];
	int i;

	(void)state;
	start(&(struct httpd_config){ 0 });
	for (i = 0; i < 4; i++)
		fds[i] = dial();
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = (rlim_t)fds[3] + 1; /* none is left */
	setrlimit(RLIMIT_NOFILE, &few);
	for (i = 0; i < 10; i++)
		loop_step(server.loop, 20);
	assert_int_equal(httpd_connections(server.httpd), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	has_connections(4);
	for (i = 0; i < 4; i++)
		close(fds[i]);
}

static void listens_at_a_socket_that_was_passed(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int passed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd;

	(void)state;
	assert_int_equal(bind(passed, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(passed, 5), 0);
	start(&(struct httpd_config){ .listen_fd = passed });
	fd = dial();
	begin_to_hear(fd);
	say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	hears("GET /one");
	close(fd);
}

static void cannot_start(const struct httpd_config *changes, int code, const char *words)
{
	struct httpd_config config = *changes;
	struct httpd *httpd = NULL;
	struct err err = ERR_NULL;

	config.listen_fd = -1;
	config.connections_max = 10;
	if (!config.address)
		config.address = "127.0.0.1";
	assert_int_equal(httpd_new(server.loop, &config, on_request, &server, &httpd, &err), code);
	assert_null(httpd);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void says_why_it_cannot_start(void **state)
{
	(void)state;
	cannot_start(&(struct httpd_config){ .port = httpd_port(server.httpd) }, -EADDRINUSE,
		     "in use");
	cannot_start(&(struct httpd_config){ .address = "head" }, -EINVAL, "numeric");
	cannot_start(&(struct httpd_config){ .address = "192.0.2.1" }, -EADDRNOTAVAIL, "192.0.2.1");
	cannot_start(&(struct httpd_config){ .certificate = "x" }, -EINVAL, "belong together");
	cannot_start(&(struct httpd_config){ .certificate = "x", .key = "y" }, -EINVAL, "PEM");
}

/* --- streams */

static int open_stream(void)
{
	int fd = dial();

	begin_to_hear(fd);
	say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	hears("text/event-stream");
	hears("\r\n\r\n");
	assert_non_null(server.stream);
	return fd;
}

static void a_stream_goes_on_event_by_event(void **state)
{
	int fd = open_stream();
	char text[64];
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "data: event %d\n\n", i);
		assert_int_equal(httpd_stream_send(server.stream, text, strlen(text)), 0);
		hears(text);
	}
	assert_int_equal(server.gone, 0);
	httpd_stream_close(server.stream);
	assert_int_equal(server.gone, 0);
	hears("0\r\n\r\n");
	sees_gone(1);
	close(fd);
	has_connections(0);
}

static void what_is_queued_before_the_end_arrives(void **state)
{
	static char block[100000];
	int fd = open_stream();

	(void)state;
	memset(block, 'x', sizeof(block) - 1);
	assert_int_equal(httpd_stream_send(server.stream, block, sizeof(block) - 1), 0);
	assert_int_equal(httpd_stream_send(server.stream, "last", 4), 0);
	httpd_stream_close(server.stream);
	hears("last");
	hears("0\r\n\r\n");
	sees_gone(1);
	close(fd);
}

static void tells_that_the_reader_of_a_stream_went(void **state)
{
	int fd = open_stream();

	(void)state;
	close(fd);
	sees_gone(1);
	has_connections(0);
	assert_int_equal(server.gone, 1);
}

static void who_reads_too_slowly_is_cut(void **state)
{
	static char block[65536];
	int fd = open_stream();
	int r = 0;
	int i;

	(void)state;
	memset(block, 'x', sizeof(block));
	for (i = 0; i < 1000 && r == 0; i++) {
		r = httpd_stream_send(server.stream, block, sizeof(block));
		loop_step(server.loop, 0);
	}
	assert_int_equal(r, -ENOBUFS);
	sees_gone(1);
	has_connections(0);
	assert_int_equal(server.gone, 1);
	close(fd);
}

static void too_much_at_once_is_cut_too_but_not_from_within(void **state)
{
	static char block[65536];
	int fd = open_stream();
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		assert_int_equal(httpd_stream_send(server.stream, block, sizeof(block)), 0);
	assert_int_equal(httpd_stream_send(server.stream, block, sizeof(block)), -ENOBUFS);
	assert_int_equal(httpd_stream_send(server.stream, block, 1), -ENOBUFS);
	assert_int_equal(server.gone, 0);
	sees_gone(1);
	close(fd);
}

/* --- TLS */

static struct certs_pair ca, other_ca, server_pair, client_pair, stranger_pair;

struct tls_client {
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	int fd;
	int result; /* of the handshake; 1 not yet */
	char text[4096];
	size_t length;
	bool ended;
	const char *want;
};

static struct tls_client tls_client;

static bool is_shaken(void *data)
{
	struct tls_client *c = data;

	c->result = gnutls_handshake(c->session);
	if (c->result == GNUTLS_E_AGAIN || c->result == GNUTLS_E_INTERRUPTED)
		c->result = 1;
	return c->result <= 0;
}

static bool has_read(void *data)
{
	struct tls_client *c = data;
	ssize_t r = gnutls_record_recv(c->session, c->text + c->length,
				       sizeof(c->text) - 1 - c->length);

	if (r > 0)
		c->length += (size_t)r;
	else if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED)
		c->ended = true;
	return c->ended || strstr(c->text, c->want) != NULL;
}

/* @pair  the client's certificate, or NULL. Returns: what the server says to it; "" nothing */
static const char *ask_by_tls(const struct certs_pair *pair, const char *priorities)
{
	static const char request[] = "GET /who HTTP/1.1\r\nHost: x\r\n\r\n";
	struct tls_client *c = &tls_client;
	gnutls_datum_t trust = { (unsigned char *)ca.certificate_text,
				 (unsigned int)strlen(ca.certificate_text) };

	memset(c, 0, sizeof(*c));
	c->fd = dial();
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->want = "body=";
	gnutls_certificate_allocate_credentials(&c->credentials);
	gnutls_certificate_set_x509_trust_mem(c->credentials, &trust, GNUTLS_X509_FMT_PEM);
	/* also one that the server's list of CAs does not want */
	if (pair)
		gnutls_certificate_set_x509_key(
			c->credentials, (gnutls_x509_crt_t *)&pair->certificate, 1, pair->key);
	gnutls_init(&c->session,
		    GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT);
	gnutls_priority_set_direct(c->session, priorities, NULL);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
	gnutls_session_set_verify_cert(c->session, NULL, 0);
	gnutls_transport_set_int(c->session, c->fd);
	assert_true(run_until(is_shaken, c));
	if (c->result == 0) {
		gnutls_record_send(c->session, request, sizeof(request) - 1);
		assert_true(run_until(has_read, c));
	}
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	close(c->fd);
	return c->text;
}

static void starts_with_tls(bool with_client_ca)
{
	start(&(struct httpd_config){ .certificate = server_pair.certificate_text,
				      .key = server_pair.key_text,
				      .client_ca = with_client_ca ? ca.certificate_text : NULL });
}

static void hears_by_tls(const struct certs_pair *pair, const char *priorities, const char *words)
{
	const char *text = ask_by_tls(pair, priorities);

	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
}

static void knows_a_client_by_its_certificate(void **state)
{
	(void)state;
	starts_with_tls(true);
	hears_by_tls(&client_pair, "NORMAL", "name=blake14");
	hears_by_tls(&client_pair, "NORMAL:-VERS-ALL:+VERS-TLS1.2", "name=blake14");
	has_connections(0);
	assert_int_equal(server.requests, 2);
}

static void a_client_without_certificate_has_no_name(void **state)
{
	(void)state;
	starts_with_tls(true);
	hears_by_tls(NULL, "NORMAL", "name=(none)");
	hears_by_tls(NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2", "name=(none)");
}

static void a_certificate_that_is_not_asked_for_is_no_name(void **state)
{
	(void)state;
	starts_with_tls(false);
	hears_by_tls(&client_pair, "NORMAL", "name=(none)");
}

static void refuses_a_certificate_of_another_ca_and_one_of_a_server(void **state)
{
	(void)state;
	starts_with_tls(true);
	assert_string_equal(ask_by_tls(&stranger_pair, "NORMAL"), "");
	assert_string_equal(ask_by_tls(&stranger_pair, "NORMAL:-VERS-ALL:+VERS-TLS1.2"), "");
	assert_string_equal(ask_by_tls(&server_pair, "NORMAL"), "");
	has_connections(0);
	assert_int_equal(server.requests, 0);
}

static void refuses_old_versions_and_plain_text(void **state)
{
	int fd;

	(void)state;
	starts_with_tls(false);
	assert_string_equal(ask_by_tls(NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0"), "");
	fd = dial();
	begin_to_hear(fd);
	say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	hears_the_end();
	close(fd);
	has_connections(0);
	assert_int_equal(server.requests, 0);
}

static void says_which_certificate_is_of_no_use(void **state)
{
	(void)state;
	cannot_start(&(struct httpd_config){ .certificate = server_pair.certificate_text,
					     .key = client_pair.key_text },
		     -EINVAL, "key");
	cannot_start(&(struct httpd_config){ .certificate = server_pair.certificate_text,
					     .key = server_pair.key_text,
					     .client_ca = "none" },
		     -EINVAL, "clients' CA");
}

static int make_certificates(void **state)
{
	(void)state;
	certs_make(&ca, "CA", NULL, NULL);
	certs_make(&other_ca, "CA", NULL, NULL);
	certs_make(&server_pair, "head", &ca, GNUTLS_KP_TLS_WWW_SERVER);
	certs_make(&client_pair, "blake14", &ca, GNUTLS_KP_TLS_WWW_CLIENT);
	certs_make(&stranger_pair, "blake14", &other_ca, GNUTLS_KP_TLS_WWW_CLIENT);
	return 0;
}

static int free_certificates(void **state)
{
	(void)state;
	certs_free(&ca);
	certs_free(&other_ca);
	certs_free(&server_pair);
	certs_free(&client_pair);
	certs_free(&stranger_pair);
	return 0;
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define TEST_OWN(function) cmocka_unit_test_teardown(function, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(hands_over_what_was_asked),
		TEST(a_connection_serves_many_requests),
		TEST(takes_a_body_in_pieces_and_chunks),
		TEST(answers_later_and_in_any_order),
		TEST(hundreds_wait_and_all_are_answered),
		TEST(tells_that_a_client_that_waits_went),
		TEST(who_sends_all_and_closes_its_half_gets_what_is_ready),
		TEST(what_nobody_answers_is_an_error),
		TEST(who_waits_at_the_end_is_let_go_without_a_call),
		TEST(refuses_a_body_that_is_too_long),
		TEST(takes_a_body_of_exactly_the_bound),
		TEST(refuses_a_head_that_is_too_long),
		TEST(garbage_does_no_harm),
		TEST_OWN(those_over_the_limit_wait_for_their_turn),
		TEST_OWN(who_is_idle_for_too_long_is_closed),
		TEST_OWN(who_waits_for_an_answer_is_not_idle),
		TEST_OWN(without_descriptors_it_rests_and_goes_on),
		TEST_OWN(listens_at_a_socket_that_was_passed),
		TEST(says_why_it_cannot_start),
		TEST(a_stream_goes_on_event_by_event),
		TEST(what_is_queued_before_the_end_arrives),
		TEST(tells_that_the_reader_of_a_stream_went),
		TEST(who_reads_too_slowly_is_cut),
		TEST(too_much_at_once_is_cut_too_but_not_from_within),
		TEST_OWN(knows_a_client_by_its_certificate),
		TEST_OWN(a_client_without_certificate_has_no_name),
		TEST_OWN(a_certificate_that_is_not_asked_for_is_no_name),
		TEST_OWN(refuses_a_certificate_of_another_ca_and_one_of_a_server),
		TEST_OWN(refuses_old_versions_and_plain_text),
		TEST(says_which_certificate_is_of_no_use),
	};

	return cmocka_run_group_tests_name("httpd", tests, make_certificates, free_certificates);
}
