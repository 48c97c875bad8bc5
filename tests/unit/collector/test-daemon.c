/* SPDX-License-Identifier: BSD-3-Clause */
/* The real program: spoken to over its socket, killed and started again. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/js.h"
#include "base/str.h"

#define PATIENCE_MS 20000

struct daemon {
	char dir[64];
	char config[128];
	char token[128];
	unsigned int port;
	pid_t pid;
};

#define DAEMON __attribute__((cleanup(daemon_end))) struct daemon

/* --- the program */

static void program_path(char path[4096])
{
	char *at;
	ssize_t length = readlink("/proc/self/exe", path, 4095);

	assert_true(length > 0);
	path[length] = '\0';
	at = strstr(path, "/tests/unit/");
	assert_non_null(at);
	strcpy(at, "/sunfish-collectord");
}

static void write_config(const struct daemon *d, const char *more)
{
	CLEANUP_STR struct str text = STR_NULL;

	str_addf(&text, "state_dir = \"%s\"; port = %u; lease_min_seconds = 1;\n%s", d->dir,
		 d->port, more);
	assert_int_equal(fs_replace_file(AT_FDCWD, d->config, str_get(&text), text.length, 0600),
			 0);
}

/* What it says on standard error until it listens. */
static void read_port(struct daemon *d, int fd)
{
	char text[4096] = "";
	size_t length = 0;
	const char *at = NULL;

	while (!at && length < sizeof(text) - 1) {
		ssize_t n = read(fd, text + length, sizeof(text) - 1 - length);

		if (n <= 0)
			fail_msg("the daemon ended: %s", text);
		length += (size_t)n;
		text[length] = '\0';
		at = strstr(text, " port ");
	}
	assert_non_null(at);
	assert_int_equal(sscanf(at, " port %u", &d->port), 1);
}

static void daemon_run(struct daemon *d)
{
	char path[4096];
	int pipes[2];

	program_path(path);
	assert_int_equal(pipe(pipes), 0);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0) {
		dup2(pipes[1], 2);
		close(pipes[0]);
		close(pipes[1]);
		execl(path, path, "--config", d->config, NULL);
		_exit(127);
	}
	close(pipes[1]);
	read_port(d, pipes[0]);
	close(pipes[0]);
}

static void daemon_begin(struct daemon *d)
{
	CLEANUP_FREE char *token = NULL;
	char path[160];
	size_t length;

	*d = (struct daemon){ .dir = "/tmp/sunfish-test-XXXXXX" };
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->config, sizeof(d->config), "%s/collector.conf", d->dir);
	write_config(d, "");
	daemon_run(d);
	write_config(d, "");
	snprintf(path, sizeof(path), "%s/admin.token", d->dir);
	assert_int_equal(fs_read_file(AT_FDCWD, path, 100, &token, &length), 0);
	assert_int_equal(length, 65);
	snprintf(d->token, sizeof(d->token), "%.64s", token);
}

static int daemon_kill(struct daemon *d, int signal)
{
	int status = 0;

	if (d->pid > 0) {
		kill(d->pid, signal);
		waitpid(d->pid, &status, 0);
	}
	d->pid = 0;
	return status;
}

static void daemon_end(struct daemon *d)
{
	static const char *const files[] = { "collector.conf", "admin.token", "collector.db",
					     "collector.db-wal" };
	char path[160];
	size_t i;

	daemon_kill(d, SIGKILL);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", d->dir, files[i]);
		unlink(path);
	}
	rmdir(d->dir);
}

/* --- a client */

static int dial(const struct daemon *d)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)d->port) };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int request(const struct daemon *d, const char *token, const char *method, const char *path,
		   const char *more, const char *body)
{
	CLEANUP_STR struct str text = STR_NULL;
	int fd = dial(d);

	if (fd < 0)
		return -1;
	str_addf(&text, "%s /sunfish/v1%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s", method,
		 path, strlen(body), more);
	if (token)
		str_addf(&text, "Authorization: Bearer %s\r\n", token);
	str_addf(&text, "\r\n%s", body);
	if (send(fd, str_get(&text), text.length, MSG_NOSIGNAL) != (ssize_t)text.length) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Read until @until is there and what is behind it is as long as it says. Returns: the status;
 * -1 the connection broke. */
static int read_answer(int fd, struct str *ret)
{
	char buffer[4096];
	const char *end = NULL;
	const char *length;
	size_t want = 0;

	while (!end || ret->length < want) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n <= 0)
			return -1;
		str_add_n(ret, buffer, (size_t)n);
		end = strstr(str_get(ret), "\r\n\r\n");
		length = strcasestr(str_get(ret), "content-length: ");
		if (end)
			want = (size_t)(end - str_get(ret)) + 4 +
			       (length ? strtoul(length + 16, NULL, 10) : 0);
	}
	return atoi(str_get(ret) + strlen("HTTP/1.1 "));
}

static int ask(const struct daemon *d, const char *token, const char *method, const char *path,
	       const char *body, struct js **ret)
{
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_CLOSE int fd = request(d, token, method, path, "", body);
	int status = fd < 0 ? -1 : read_answer(fd, &text);
	const char *at = strstr(str_get(&text), "\r\n\r\n");

	if (status > 0 && ret && at)
		js_parse(at + 4, strlen(at + 4), ret, NULL);
	return status;
}

static int ask_quietly(const struct daemon *d, const char *token, const char *method,
		       const char *path, const char *body)
{
	return ask(d, token, method, path, body, NULL);
}

static void sender(struct str *out, const char *node, const char *name)
{
	str_addf(
		out,
		"{\"version\":1,\"node\":\"%s\",\"name\":\"%s\",\"role\":\"target\",\"boot\":\"b\","
		"\"program\":\"p\",\"interval_ms\":100000",
		node, name);
}

/* Of a body in chunks, read to its end: their sizes away. */
static void read_chunks(int fd, struct str *ret)
{
	CLEANUP_STR struct str text = STR_NULL;
	const char *at;
	size_t size;
	char buffer[4096];
	ssize_t n;

	do {
		n = read(fd, buffer, sizeof(buffer));
		if (n > 0)
			str_add_n(&text, buffer, (size_t)n);
	} while (n > 0 &&
		 (text.length < 5 || memcmp(text.text + text.length - 5, "0\r\n\r\n", 5) != 0));
	at = strstr(str_get(&text), "\r\n\r\n");
	assert_non_null(at);
	at += 4;
	while ((size = strtoul(at, (char **)&at, 16)) > 0) {
		assert_true(at + 2 + size < text.text + text.length);
		str_add_n(ret, at + 2, size);
		at += 2 + size + 2;
	}
}

/* --- who may do what */

static void wait_for_text(int fd, struct str *text, const char *what)
{
	char buffer[4096];

	while (!text->text || !strstr(text->text, what)) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n <= 0)
			fail_msg("no \"%s\" in: %s", what, str_get(text));
		str_add_n(text, buffer, (size_t)n);
	}
}

static void nobody_gets_in_without_a_token(void **state)
{
	DAEMON d;

	(void)state;
	daemon_begin(&d);
	assert_int_equal(ask_quietly(&d, NULL, "GET", "/status", ""), 401);
	assert_int_equal(ask_quietly(&d, "0123", "GET", "/status", ""), 401);
	assert_int_equal(ask_quietly(&d, NULL, "POST", "/report", "{}"), 401);
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/status", ""), 200);
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/nothing", ""), 404);
	assert_int_equal(ask_quietly(&d, d.token, "PUT", "/nodes", ""), 405);
	assert_int_equal(ask_quietly(&d, d.token, "POST", "/nodes", "{"), 400);
}

static void nobodys_body_is_read(void **state)
{
	static const char *const tokens[] = { "", "Authorization: Bearer 0123\r\n" };
	DAEMON d;
	size_t i;

	(void)state;
	daemon_begin(&d);
	for (i = 0; i < 2; i++) {
		CLEANUP_STR struct str head = STR_NULL;
		CLEANUP_STR struct str answer = STR_NULL;
		CLEANUP_CLOSE int fd = dial(&d);

		/* the answer comes although the body never does */
		str_addf(
			&head,
			"POST /sunfish/v1/report HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n"
			"%s\r\n{",
			tokens[i]);
		assert_int_equal(send(fd, str_get(&head), head.length, MSG_NOSIGNAL),
				 (ssize_t)head.length);
		assert_int_equal(read_answer(fd, &answer), 401);
	}
}

static void a_long_body_is_taken_of_reports_only(void **state)
{
	DAEMON d;
	CLEANUP_STR struct str body = STR_NULL;

	(void)state;
	daemon_begin(&d);
	str_addf(&body, "{\"name\":\"%02000000d\"}", 0);
	assert_int_equal(ask_quietly(&d, d.token, "POST", "/nodes", str_get(&body)), 413);
	assert_int_equal(ask_quietly(&d, d.token, "POST", "/report", str_get(&body)), 400);
}

static void a_page_of_another_origin_changes_nothing(void **state)
{
	DAEMON d;
	CLEANUP_STR struct str answer = STR_NULL;
	CLEANUP_CLOSE int fd = -1;

	(void)state;
	daemon_begin(&d);
	fd = request(&d, d.token, "POST", "/nodes", "Origin: https://evil.example\r\n",
		     "{\"name\":\"evil\",\"role\":\"admin\"}");
	assert_int_equal(read_answer(fd, &answer), 403);
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/evil", ""), 404);
}

static void wrong_tokens_are_slowed_down_and_right_ones_are_not(void **state)
{
	DAEMON d;
	int status = 0;
	int i;

	(void)state;
	daemon_begin(&d);
	for (i = 0; i < 60 && status != 429; i++)
		status = ask_quietly(&d, "0123", "GET", "/status", "");
	assert_int_equal(status, 429);
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/status", ""), 200);
}

static void a_node_reports_only_of_itself(void **state)
{
	DAEMON d;
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_STR struct str mine = STR_NULL;
	CLEANUP_STR struct str others = STR_NULL;
	CLEANUP_STR struct str stolen = STR_NULL;
	const char *token;

	(void)state;
	daemon_begin(&d);
	assert_int_equal(ask(&d, d.token, "POST", "/nodes", "{\"name\":\"blake14\"}", &js), 201);
	token = js_text(js_get(js, "token"));
	sender(&mine, "id14", "blake14");
	sender(&others, "id15", "blake15");
	sender(&stolen, "id15", "blake14");
	str_add(&mine, "}");
	str_add(&others, "}");
	str_add(&stolen, "}");
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&mine)), 200);
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&others)), 403);
	/* an administrator may; the id is taken then */
	assert_int_equal(ask_quietly(&d, d.token, "POST", "/report", str_get(&others)), 200);
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&stolen)), 403);
	assert_int_equal(ask_quietly(&d, token, "GET", "/wanted?node=id14&role=target", ""), 200);
	assert_int_equal(ask_quietly(&d, token, "GET", "/wanted?node=id15&role=target", ""), 403);
	assert_int_equal(ask_quietly(&d, token, "GET", "/nodes", ""), 403);
	assert_int_equal(ask_quietly(&d, token, "GET", "/events/stream", ""), 403);
	assert_int_equal(ask_quietly(&d, token, "DELETE", "/nodes/blake15", ""), 403);
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/blake14", ""), 200);
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&mine)), 401);
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/blake14", ""), 404);
}

static void a_token_by_id_is_no_right_to_anothers_name(void **state)
{
	DAEMON d;
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_STR struct str other = STR_NULL;
	CLEANUP_STR struct str mine = STR_NULL;
	CLEANUP_STR struct str stolen = STR_NULL;
	const char *token;

	(void)state;
	daemon_begin(&d);
	sender(&other, "id15", "blake15");
	sender(&mine, "id14", "blake14");
	sender(&stolen, "id14", "blake15");
	str_add(&other, "}");
	str_add(&mine, "}");
	str_add(&stolen, "}");
	assert_int_equal(ask(&d, d.token, "POST", "/nodes", "{\"name\":\"id14\"}", &js), 201);
	token = js_text(js_get(js, "token"));
	assert_int_equal(ask_quietly(&d, d.token, "POST", "/report", str_get(&other)), 200);
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&stolen)), 403);
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&mine)), 200);
}

static void add_token(const struct daemon *d, const char *name, char token[65])
{
	CLEANUP_STR struct str body = STR_NULL;
	CLEANUP_JS struct js *js = NULL;

	str_addf(&body, "{\"name\":\"%s\"}", name);
	assert_int_equal(ask(d, d->token, "POST", "/nodes", str_get(&body), &js), 201);
	snprintf(token, 65, "%s", js_text(js_get(js, "token")));
}

/* Returns: the status. */
static int report_as(const struct daemon *d, const char *token, const char *node, const char *name)
{
	CLEANUP_STR struct str text = STR_NULL;

	sender(&text, node, name);
	str_add(&text, ",\"snapshot\":{\"seq\":0,\"objects\":[]}}");
	return ask_quietly(d, token, "POST", "/report", str_get(&text));
}

static void a_node_without_a_name_is_not_taken_over(void **state)
{
	DAEMON d;
	char mine[65];
	char evil[65];

	(void)state;
	daemon_begin(&d);
	add_token(&d, "id14", mine);
	add_token(&d, "evil", evil);
	assert_int_equal(report_as(&d, mine, "id14", ""), 200);
	assert_int_equal(report_as(&d, evil, "id14", "evil"), 403);
	/* nor is the name of a token taken by a node whose own token is by its id */
	assert_int_equal(report_as(&d, mine, "id14", "evil"), 403);
	assert_int_equal(report_as(&d, mine, "id14", "root"), 403);
	assert_int_equal(report_as(&d, mine, "id14", "blake14"), 200);
}

static void who_waits_for_a_node_that_becomes_anothers_gets_nothing(void **state)
{
	DAEMON d;
	char token[65];
	CLEANUP_STR struct str answer = STR_NULL;
	CLEANUP_CLOSE int fd = -1;
	static const char export[] =
		"{\"node\":\"blake15\",\"nqn\":\"new\",\"devices\":[\"/dev/nvme1n1\"],"
		"\"listeners\":[{\"transport\":\"tcp\",\"address\":\"10.1.1.15\"}]}";

	(void)state;
	daemon_begin(&d);
	add_token(&d, "evil", token);
	fd = request(&d, token, "GET", "/wanted?node=id15&role=target&generation=0&wait_ms=15000",
		     "", "");
	/* it waits before the node is there */
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/status", ""), 200);
	usleep(200000);
	assert_int_equal(report_as(&d, d.token, "id15", "blake15"), 200);
	assert_int_equal(ask_quietly(&d, d.token, "POST", "/exports", export), 202);
	assert_int_equal(read_answer(fd, &answer), 403);
	assert_null(strstr(str_get(&answer), "nvme1n1"));
}

static void one_token_does_not_fill_the_registry(void **state)
{
	DAEMON d;
	char token[65];
	char id[24];
	int status = 200;
	int i;

	(void)state;
	daemon_begin(&d);
	add_token(&d, "blake14", token);
	for (i = 0; i < 20 && status == 200; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		status = report_as(&d, token, id, "blake14");
	}
	assert_int_equal(status, 403);
	assert_int_equal(i, 9);
	assert_int_equal(report_as(&d, token, "id3", "blake14"), 200);
}

static void a_node_goes_with_its_token_whatever_that_is_named_by(void **state)
{
	DAEMON d;
	char token[65];

	(void)state;
	daemon_begin(&d);
	add_token(&d, "id14", token);
	assert_int_equal(report_as(&d, token, "id14", "blake14"), 200);
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/blake14", ""), 200);
	assert_int_equal(report_as(&d, token, "id14", "blake14"), 401);
}

static void the_last_administrator_stays(void **state)
{
	DAEMON d;
	CLEANUP_JS struct js *js = NULL;
	const char *token;

	(void)state;
	daemon_begin(&d);
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/root", ""), 409);
	assert_int_equal(
		ask(&d, d.token, "POST", "/nodes", "{\"name\":\"ada\",\"role\":\"admin\"}", &js),
		201);
	token = js_text(js_get(js, "token"));
	assert_int_equal(ask_quietly(&d, token, "DELETE", "/nodes/root", ""), 200);
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/status", ""), 401);
	assert_int_equal(ask_quietly(&d, token, "DELETE", "/nodes/ada", ""), 409);
}

static void a_stream_ends_with_the_token_that_opened_it(void **state)
{
	DAEMON d;
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str kept = STR_NULL;
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_CLOSE int other = -1;
	char buffer[512];

	(void)state;
	daemon_begin(&d);
	assert_int_equal(
		ask(&d, d.token, "POST", "/nodes", "{\"name\":\"eye\",\"role\":\"viewer\"}", &js),
		201);
	fd = request(&d, js_text(js_get(js, "token")), "GET", "/events/stream", "", "");
	other = request(&d, d.token, "GET", "/events/stream", "", "");
	wait_for_text(fd, &text, "sunfish events");
	wait_for_text(other, &kept, "sunfish events");
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/eye", ""), 200);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	assert_int_equal(report_as(&d, d.token, "id14", "blake14"), 200);
	wait_for_text(other, &kept, "\"node_id\":\"id14\"");
}

static void a_viewer_reads_and_changes_nothing(void **state)
{
	DAEMON d;
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_STR struct str report = STR_NULL;
	const char *token;

	(void)state;
	daemon_begin(&d);
	assert_int_equal(
		ask(&d, d.token, "POST", "/nodes", "{\"name\":\"eye\",\"role\":\"viewer\"}", &js),
		201);
	token = js_text(js_get(js, "token"));
	sender(&report, "eye", "eye");
	str_add(&report, "}");
	assert_int_equal(ask_quietly(&d, token, "GET", "/nodes", ""), 200);
	assert_int_equal(ask_quietly(&d, token, "GET", "/metrics", ""), 200);
	assert_int_equal(ask_quietly(&d, token, "POST", "/nodes", "{\"name\":\"x\"}"), 403);
	assert_int_equal(ask_quietly(&d, token, "POST", "/report", str_get(&report)), 403);
}

/* --- events */

static void add_event(struct str *out, unsigned int seq)
{
	str_addf(out,
		 ",\"events\":[{\"seq\":%u,\"time\":1,\"type\":\"changed\",\"kind\":\"drive\","
		 "\"id\":\"d%u\",\"object\":{\"n\":%u}}]}",
		 seq, seq % 7, seq);
}

static void report_first(const struct daemon *d)
{
	CLEANUP_STR struct str text = STR_NULL;

	sender(&text, "id14", "blake14");
	str_add(&text, ",\"snapshot\":{\"seq\":0,\"objects\":[]}}");
	assert_int_equal(ask_quietly(d, d->token, "POST", "/report", str_get(&text)), 200);
}

static int report_event(const struct daemon *d, unsigned int seq, int64_t *ret_ack)
{
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_JS struct js *js = NULL;
	int status;

	sender(&text, "id14", "blake14");
	add_event(&text, seq);
	status = ask(d, d->token, "POST", "/report", str_get(&text), &js);
	*ret_ack = js_number(js_get(js, "ack"), -1);
	return status;
}

static void a_stream_goes_on_where_it_ended(void **state)
{
	DAEMON d;
	CLEANUP_STR struct str live = STR_NULL;
	CLEANUP_STR struct str resumed = STR_NULL;
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_CLOSE int again = -1;
	int64_t ack;

	(void)state;
	daemon_begin(&d);
	report_first(&d);
	fd = request(&d, d.token, "GET", "/events/stream?kind=drive", "", "");
	wait_for_text(fd, &live, "sunfish events");
	assert_int_equal(report_event(&d, 1, &ack), 200);
	wait_for_text(fd, &live, "\"seq\":1,");
	assert_int_equal(report_event(&d, 2, &ack), 200);
	wait_for_text(fd, &live, "\"seq\":2,");
	/* the node's own event was number 1 */
	again = request(&d, d.token, "GET", "/events/stream", "Last-Event-ID: 2\r\n", "");
	wait_for_text(again, &resumed, "\"seq\":2,");
	assert_null(strstr(str_get(&resumed), "\"seq\":1,"));
	assert_int_equal(report_event(&d, 3, &ack), 200);
	wait_for_text(again, &resumed, "\"seq\":3,");
}

static void a_long_poll_ends_in_time(void **state)
{
	DAEMON d;

	(void)state;
	daemon_begin(&d);
	report_first(&d);
	assert_int_equal(ask_quietly(&d, d.token, "GET",
				     "/wanted?node=id14&role=target&generation=0&wait_ms=100", ""),
			 204);
	assert_int_equal(ask_quietly(&d, d.token, "GET",
				     "/wanted?node=nobody&role=target&generation=0&wait_ms=100",
				     ""),
			 204);
	assert_int_equal(ask_quietly(&d, d.token, "GET",
				     "/wanted?node=id14&role=target&generation=7&wait_ms=60000",
				     ""),
			 200);
}

/* --- crashes */

static void kill_later(const struct daemon *d, unsigned int ms)
{
	if (fork() == 0) {
		usleep(ms * 1000);
		kill(d->pid, SIGKILL);
		_exit(0);
	}
}

static void check_events(const struct daemon *d, unsigned int last, unsigned int acknowledged)
{
	CLEANUP_JS struct js *js = NULL;
	const struct js *items;
	unsigned int seq = 0;
	size_t i;

	assert_int_equal(ask(d, d->token, "GET", "/events?kind=drive&limit=10000", "", &js), 200);
	items = js_get(js, "items");
	for (i = 0; i < js_length(items); i++)
		assert_int_equal(js_number(js_get(js_at(items, i), "seq"), 0), ++seq);
	assert_true(seq >= acknowledged && seq <= last);
}

static void what_was_acknowledged_is_there_once_after_kills(void **state)
{
	DAEMON d;
	unsigned int seq = 1;
	unsigned int kills = 0;
	int64_t ack = 0;
	int64_t acknowledged = 0;

	(void)state;
	daemon_begin(&d);
	report_first(&d);
	kill_later(&d, 30);
	while (kills < 6 && seq < 5000) {
		if (report_event(&d, seq, &ack) == 200) {
			assert_true(ack == seq);
			acknowledged = ack;
			seq++;
			continue;
		}
		/* it is dead: the same again to the next one */
		daemon_kill(&d, SIGKILL);
		daemon_run(&d);
		kills++;
		if (kills < 6)
			kill_later(&d, 20 + 17 * kills);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	assert_int_equal(kills, 6);
	assert_true(acknowledged > 0);
	check_events(&d, seq, (unsigned int)acknowledged);
}

static void it_ends_in_order_and_the_address_is_free(void **state)
{
	DAEMON d;
	int64_t ack;
	int status;

	(void)state;
	daemon_begin(&d);
	report_first(&d);
	assert_int_equal(report_event(&d, 1, &ack), 200);
	status = daemon_kill(&d, SIGTERM);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	daemon_run(&d);
	check_events(&d, 1, 1);
}

static void without_tls_only_loopback_is_served(void **state)
{
	DAEMON d;
	char path[4096];
	int status;
	pid_t pid;

	(void)state;
	daemon_begin(&d);
	write_config(&d, "address = \"0.0.0.0\";\n");
	program_path(path);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		execl(path, path, "--config", d.config, "--check-config", NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void two_do_not_share_a_store(void **state)
{
	DAEMON d;
	char path[4096];
	int status;
	pid_t pid;

	(void)state;
	daemon_begin(&d);
	d.port = 0;
	write_config(&d, "");
	program_path(path);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		execl(path, path, "--config", d.config, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* --- lists */

#define LIST_NODES 9
#define LIST_OBJECTS 200
#define LIST_FILL 2000

static void report_much(const struct daemon *d, int node)
{
	CLEANUP_STR struct str body = STR_NULL;
	char id[16];
	int i;

	snprintf(id, sizeof(id), "id%d", node);
	sender(&body, id, id);
	str_add(&body, ",\"snapshot\":{\"seq\":1,\"objects\":[");
	for (i = 0; i < LIST_OBJECTS; i++)
		str_addf(&body, "%s{\"kind\":\"drive\",\"id\":\"d%d\",\"path\":\"%0*d\"}",
			 i ? "," : "", i, LIST_FILL, i);
	str_add(&body, "]}}");
	assert_int_equal(ask_quietly(d, d->token, "POST", "/report", str_get(&body)), 200);
}

/* Each is there once, those of a node together, nodes in their order. */
static void check_items(const struct js *items, size_t first, size_t nodes)
{
	char id[32];
	size_t i;

	assert_int_equal(js_length(items), nodes * LIST_OBJECTS);
	for (i = 0; i < nodes * LIST_OBJECTS; i++) {
		snprintf(id, sizeof(id), "id%zu", first + i / LIST_OBJECTS);
		assert_string_equal(js_text(js_get(js_at(items, i), "node_id")), id);
		assert_true(i % LIST_OBJECTS == 0 ||
			    strcmp(js_text(js_get(js_at(items, i - 1), "id")),
				   js_text(js_get(js_at(items, i), "id"))) < 0);
	}
}

static void a_long_list_comes_whole_though_it_is_sent_in_parts(void **state)
{
	DAEMON d;
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_JS struct js *js = NULL;
	int i;

	(void)state;
	daemon_begin(&d);
	for (i = 0; i < LIST_NODES; i++)
		report_much(&d, i);
	fd = request(&d, d.token, "GET", "/drives", "", "");
	read_chunks(fd, &text);
	assert_true(text.length > LIST_NODES * LIST_OBJECTS * LIST_FILL);
	assert_int_equal(js_parse(text.text, text.length, &js, NULL), 0);
	assert_null(js_get(js, "next"));
	check_items(js_get(js, "items"), 0, LIST_NODES);
}

static void a_list_of_which_its_reader_has_enough_harms_nobody(void **state)
{
	DAEMON d;
	int fd;
	int i;

	(void)state;
	daemon_begin(&d);
	for (i = 0; i < LIST_NODES; i++)
		report_much(&d, i);
	for (i = 0; i < 80; i++) {
		fd = request(&d, d.token, "GET", "/drives", "", "");
		assert_true(fd >= 0);
		close(fd);
	}
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/status", ""), 200);
	fd = request(&d, d.token, "GET", "/drives", "", "");
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/id3", ""), 200);
	assert_int_equal(daemon_kill(&d, SIGTERM), 0);
	close(fd);
}

static void a_page_ends_behind_a_node_and_the_next_one_begins_there(void **state)
{
	DAEMON d;
	CLEANUP_JS struct js *page = NULL;
	char path[64];
	int i;

	(void)state;
	daemon_begin(&d);
	for (i = 0; i < 4; i++)
		report_much(&d, i);
	assert_int_equal(ask(&d, d.token, "GET", "/drives?limit=1", "", &page), 200);
	check_items(js_get(page, "items"), 0, 1);
	assert_string_equal(js_text(js_get(page, "next")), "id0");
	js_free(page);
	page = NULL;
	/* neither what comes before it nor that it has gone itself changes what follows */
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/id0", ""), 200);
	assert_int_equal(ask_quietly(&d, d.token, "DELETE", "/nodes/id1", ""), 200);
	snprintf(path, sizeof(path), "/drives?limit=%d&after=id0", LIST_OBJECTS + 1);
	assert_int_equal(ask(&d, d.token, "GET", path, "", &page), 200);
	check_items(js_get(page, "items"), 2, js_length(js_get(page, "items")) / LIST_OBJECTS);
	js_free(page);
	page = NULL;
	assert_int_equal(ask(&d, d.token, "GET", "/drives?limit=5&after=id2", "", &page), 200);
	check_items(js_get(page, "items"), 3, 1);
	assert_null(js_get(page, "next"));
	assert_int_equal(ask_quietly(&d, d.token, "GET", "/drives?limit=x", ""), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_gets_in_without_a_token),
		cmocka_unit_test(nobodys_body_is_read),
		cmocka_unit_test(a_long_body_is_taken_of_reports_only),
		cmocka_unit_test(a_page_of_another_origin_changes_nothing),
		cmocka_unit_test(wrong_tokens_are_slowed_down_and_right_ones_are_not),
		cmocka_unit_test(a_node_reports_only_of_itself),
		cmocka_unit_test(a_token_by_id_is_no_right_to_anothers_name),
		cmocka_unit_test(a_node_without_a_name_is_not_taken_over),
		cmocka_unit_test(who_waits_for_a_node_that_becomes_anothers_gets_nothing),
		cmocka_unit_test(one_token_does_not_fill_the_registry),
		cmocka_unit_test(a_node_goes_with_its_token_whatever_that_is_named_by),
		cmocka_unit_test(the_last_administrator_stays),
		cmocka_unit_test(a_stream_ends_with_the_token_that_opened_it),
		cmocka_unit_test(a_viewer_reads_and_changes_nothing),
		cmocka_unit_test(a_stream_goes_on_where_it_ended),
		cmocka_unit_test(a_long_poll_ends_in_time),
		cmocka_unit_test(what_was_acknowledged_is_there_once_after_kills),
		cmocka_unit_test(a_long_list_comes_whole_though_it_is_sent_in_parts),
		cmocka_unit_test(a_list_of_which_its_reader_has_enough_harms_nobody),
		cmocka_unit_test(a_page_ends_behind_a_node_and_the_next_one_begins_there),
		cmocka_unit_test(it_ends_in_order_and_the_address_is_free),
		cmocka_unit_test(without_tls_only_loopback_is_served),
		cmocka_unit_test(two_do_not_share_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
