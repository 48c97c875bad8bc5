/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * canned - a real HTTP server in a process of its own, with answers out of a tin, and runs of
 * sunfishctl against it.
 *
 * Answers of one request are given in their order, the last one again and again. Each request is
 * a line in the log: "METHOD path key=value.. [token] body".
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/httpd.h"
#include "core/loop.h"
#include "ctl/run.h"
#include "tests/unit/unit.h"

#define CANNED_STREAM 0 /* status: a stream of events with this body, which then breaks */
#define CANNED_WAIT 1	/* the same, but it stays open */
#define CANNED_CLOSE 2	/* no answer at all: the server ends */
#define CANNED_MAX 32
#define CANNED_SECONDS 30 /* no run takes that long */

struct canned {
	const char *request; /* "GET /nodes", below /sunfish/v1 */
	unsigned int status;
	const char *body;
};

static char canned_dir[64];
static pid_t canned_server;
static uint16_t canned_port;
static const struct canned *canned_answers;
static unsigned int canned_given[CANNED_MAX];

/* --- the server's process */

static void canned_log(struct httpd_request *request)
{
	static const char *const keys[] = { "node",   "nqn",   "host",		 "state",
					    "kind",   "force", "contradictions", "job",
					    "target", "after", "last",		 "limit" };
	CLEANUP_STR struct str line = STR_NULL;
	const char *token = httpd_header(request, "Authorization");
	const char *last = httpd_header(request, "Last-Event-ID");
	size_t length;
	char path[128];
	FILE *file;
	size_t i;

	str_addf(&line, "%s %s", httpd_method(request),
		 httpd_path(request) + strlen("/sunfish/v1"));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (httpd_query(request, keys[i]))
			str_addf(&line, " %s=%s", keys[i], httpd_query(request, keys[i]));
	if (last)
		str_addf(&line, " Last-Event-ID=%s", last);
	if (token)
		str_addf(&line, " [%s]", token);
	str_addf(&line, " %s\n", httpd_body(request, &length));
	snprintf(path, sizeof(path), "%s/log", canned_dir);
	file = fopen(path, "a");
	if (file) {
		fputs(str_get(&line), file);
		fclose(file);
	}
}

static const struct canned *canned_find(struct httpd_request *request)
{
	CLEANUP_STR struct str name = STR_NULL;
	const struct canned *found = NULL;
	size_t i;

	str_addf(&name, "%s %s", httpd_method(request),
		 httpd_path(request) + strlen("/sunfish/v1"));
	for (i = 0; canned_answers[i].request; i++) {
		if (strcmp(canned_answers[i].request, str_get(&name)) != 0)
			continue;
		found = &canned_answers[i];
		if (canned_given[i]++ == 0)
			return found;
	}
	return found;
}

static void canned_gone(void *user, struct httpd_stream *stream)
{
	(void)user, (void)stream;
}

static void canned_answer(void *data, struct httpd_request *request)
{
	const struct canned *canned = canned_find(request);
	struct httpd_stream *stream;

	(void)data;
	canned_log(request);
	if (!canned) {
		httpd_reply(request, 404, "text/plain", "nothing", 7, NULL);
		return;
	}
	if (canned->status == CANNED_CLOSE)
		_exit(0);
	if (canned->status > CANNED_CLOSE) {
		httpd_reply(request, canned->status, "application/json", canned->body,
			    strlen(canned->body), NULL);
		return;
	}
	stream = httpd_stream_open(request, "text/event-stream", canned_gone, NULL);
	if (stream)
		httpd_stream_send(stream, canned->body, strlen(canned->body));
	if (stream && canned->status == CANNED_STREAM)
		httpd_stream_close(stream);
}

static void canned_serve(int port_fd, const struct httpd_config *config)
{
	struct loop *loop = NULL;
	struct httpd *httpd = NULL;
	uint16_t port;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (loop_new(&loop, NULL) < 0 ||
	    httpd_new(loop, config, canned_answer, NULL, &httpd, NULL) < 0)
		_exit(1);
	port = httpd_port(httpd);
	if (write(port_fd, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	loop_run(loop, NULL);
	_exit(0);
}

/* --- the test's process */

static inline void canned_path(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", canned_dir, name);
}

/* @config  NULL: without TLS. @answers  up to one without a request; borrowed */
static inline void canned_start_with(const struct canned *answers,
				     const struct httpd_config *config)
{
	const struct httpd_config plain = {
		.address = "127.0.0.1",
		.listen_fd = -1,
		.connections_max = 64,
		.body_max = 1 << 20,
	};
	char path[128];
	int fds[2];

	if (!*canned_dir) {
		snprintf(canned_dir, sizeof(canned_dir), "/tmp/sunfish-test-XXXXXX");
		assert_non_null(mkdtemp(canned_dir));
	}
	canned_path("token", path);
	assert_int_equal(fs_replace_file(AT_FDCWD, path, "t0ken\n", 6, 0600), 0);
	canned_path("log", path);
	assert_int_equal(fs_replace_file(AT_FDCWD, path, "", 0, 0600), 0);
	canned_answers = answers;
	memset(canned_given, 0, sizeof(canned_given));
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	canned_server = fork();
	assert_true(canned_server >= 0);
	if (canned_server == 0)
		canned_serve(fds[1], config ? config : &plain);
	close(fds[1]);
	assert_int_equal(read(fds[0], &canned_port, sizeof(canned_port)), sizeof(canned_port));
	close(fds[0]);
}

static inline void canned_start(const struct canned *answers)
{
	canned_start_with(answers, NULL);
}

static inline void canned_stop(void)
{
	if (canned_server <= 0)
		return;
	kill(canned_server, SIGKILL);
	waitpid(canned_server, NULL, 0);
	canned_server = 0;
}

static inline int canned_teardown(void **state)
{
	static const char *const names[] = { "token", "log", "out", "err", "given", "ca" };
	char path[128];
	size_t i;

	(void)state;
	canned_stop();
	for (i = 0; *canned_dir && i < sizeof(names) / sizeof(names[0]); i++) {
		canned_path(names[i], path);
		unlink(path);
	}
	if (*canned_dir)
		rmdir(canned_dir);
	canned_dir[0] = '\0';
	return 0;
}

static inline void canned_child(int argc, char **argv)
{
	char path[128];
	char url[64];
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(CANNED_SECONDS);
	canned_path("out", path);
	if (!freopen(path, "w", stdout))
		_exit(99);
	canned_path("err", path);
	if (!freopen(path, "w", stderr))
		_exit(99);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", canned_port);
	setenv("SUNFISH_URL", url, 0);
	canned_path("token", path);
	setenv("SUNFISH_TOKEN_FILE", path, 0);
	setenv("TZ", "UTC", 1);
	setvbuf(stderr, NULL, _IONBF, 0);
	status = run_main(argc, argv);
	fflush(NULL);
	_exit(status);
}

/* Start "sunfishctl WORDS", parted at blanks. Returns: its process. */
static inline pid_t canned_begin(const char *words)
{
	static char line[512];
	static char *argv[34];
	char *rest = line;
	char path[128];
	int argc = 1;
	pid_t pid;

	snprintf(line, sizeof(line), "%s", words);
	argv[0] = (char *)"sunfishctl";
	while (argc < 33 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	argv[argc] = NULL;
	fflush(NULL);
	/* so that nobody takes an earlier run's words for this one's */
	canned_path("out", path);
	assert_int_equal(fs_replace_file(AT_FDCWD, path, "", 0, 0600), 0);
	canned_path("err", path);
	assert_int_equal(fs_replace_file(AT_FDCWD, path, "", 0, 0600), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		canned_child(argc, argv);
	return pid;
}

/* Returns: the exit status. */
static inline int canned_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline int canned_run(const char *words)
{
	return canned_end(canned_begin(words));
}

/* The text of a file there, until the next call. */
static inline const char *canned_text(const char *name)
{
	static char *text;
	char path[128];
	size_t length;

	free(text);
	text = NULL;
	canned_path(name, path);
	assert_int_equal(fs_read_file(AT_FDCWD, path, 1 << 20, &text, &length), 0);
	return text;
}

static inline void canned_says(const char *name, const char *part)
{
	if (!strstr(canned_text(name), part))
		fail_msg("%s has no \"%s\" but:\n%s", name, part, canned_text(name));
}

static inline void canned_silent(const char *name, const char *part)
{
	if (strstr(canned_text(name), part))
		fail_msg("%s has \"%s\":\n%s", name, part, canned_text(name));
}

/* Wait until it stands in the file. */
static inline void canned_until(const char *name, const char *part)
{
	int64_t end = clock_monotonic_ms() + 20000;

	while (!strstr(canned_text(name), part)) {
		if (clock_monotonic_ms() > end)
			fail_msg("%s never had \"%s\" but:\n%s", name, part, canned_text(name));
		usleep(10000);
	}
}
