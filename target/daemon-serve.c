/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of nvmet-sunfishctl: ask.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wait.h"
#include "core/log.h"
#include "core/service.h"
#include "target/ask.h"
#include "target/daemon.h"

#define LISTEN_MS 2000
#define LISTEN_PAUSE_MS 50

static void answer(struct rpc_conn *conn, const char *error)
{
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *text = NULL;

	js_set(js, "version", js_int(ASK_VERSION));
	if (error)
		js_set(js, "error", js_string(error));
	else
		js_set(js, "ok", js_bool(true));
	text = js_format(js, JS_COMPACT);
	if (text)
		rpc_send(conn, text, strlen(text));
}

/* --- a verb */

static void serve_verb(struct daemon *daemon, struct rpc_conn *conn, const struct ask *request,
		       struct rpc_message *message)
{
	struct task_verb verb = { .fds = { -1, -1, -1 } };
	size_t i;
	int r;

	if (message->n_fds != 3) {
		answer(conn, "a verb comes with three descriptors");
		return;
	}
	for (i = 0; i < 3; i++)
		verb.fds[i] = take_fd(&message->fds[i]);
	verb.words = js_ref(request->words);
	verb.directory = strdup(request->directory);
	r = verb.directory ? 0 : -ENOMEM;
	/* the command waits for this before it waits for the verb */
	if (r == 0) {
		answer(conn, NULL);
		r = task_run_verb(daemon, &verb);
	}
	if (r == 0)
		return;
	for (i = 0; i < 3; i++)
		if (verb.fds[i] >= 0)
			close(verb.fds[i]);
	js_free(verb.words);
	free(verb.directory);
}

/* --- status: more than a packet holds */

static struct js *exports_of(const struct daemon *daemon)
{
	const struct object_set *all = daemon_state(daemon);
	struct js *list = js_array();
	size_t i;

	for (i = 0; all && i < object_set_count(all); i++) {
		struct object object = object_set_at(all, i);

		if (strcmp(object.kind, "subsystem") == 0)
			js_append(list, js_ref(object.attrs));
	}
	return list;
}

static struct js *status_of(const struct daemon *daemon)
{
	struct js *collector = daemon_report_status(daemon);
	struct js *js = js_object();

	js_set(js, "program", js_string("nvmet-sunfishd " VERSION));
	js_set(js, "pid", js_int(getpid()));
	js_set(js, "ready", js_bool(daemon_state(daemon) != NULL));
	js_set(js, "repair", js_bool(daemon->settings.repair));
	js_set(js, "exports", exports_of(daemon));
	js_set(js, "jobs", task_list(daemon));
	js_set(js, "hung", names_to_js(&daemon->hung));
	if (collector)
		js_set(js, "collector", collector);
	return js;
}

/* Only memory is written to: anything else could make the loop wait. */
static bool is_memory(int fd)
{
	return fd >= 0 && fcntl(fd, F_GET_SEALS) >= 0;
}

static void serve_status(struct daemon *daemon, struct rpc_conn *conn, struct rpc_message *message)
{
	CLEANUP_JS struct js *js = status_of(daemon);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	size_t length = text ? strlen(text) : 0;

	if (message->n_fds != 1 || !is_memory(message->fds[0]))
		answer(conn, "the status goes into a memfd");
	else if (!text || pwrite(message->fds[0], text, length, 0) != (ssize_t)length)
		answer(conn, "the status cannot be written");
	else
		answer(conn, NULL);
}

/* --- watch */

static void serve_watch(struct daemon *daemon, struct rpc_conn *conn)
{
	size_t i;

	for (i = 0; i < daemon->n_watchers; i++)
		if (daemon->watchers[i] == conn)
			return;
	if (daemon->n_watchers == RPC_CONNECTIONS_MAX) {
		answer(conn, "too many watch already");
		return;
	}
	daemon->watchers[daemon->n_watchers++] = conn;
	answer(conn, NULL);
}

static void on_gone(void *data, struct rpc_conn *conn)
{
	struct daemon *daemon = data;
	size_t i;

	for (i = 0; i < daemon->n_watchers; i++)
		if (daemon->watchers[i] == conn)
			daemon->watchers[i--] = daemon->watchers[--daemon->n_watchers];
}

/* Who does not read for so long that its socket is full is not waited for. */
void daemon_serve_event(struct daemon *daemon, const struct js *event)
{
	CLEANUP_FREE char *text = daemon->n_watchers ? js_format(event, JS_COMPACT) : NULL;
	size_t i = daemon->n_watchers;

	while (text && i-- > 0)
		if (rpc_send(daemon->watchers[i], text, strlen(text)) < 0)
			rpc_conn_close(daemon->watchers[i]);
}

/* --- */

static void on_request(void *data, struct rpc_conn *conn, struct rpc_message *message)
{
	struct daemon *daemon = data;
	CLEANUP_JS struct js *js = NULL;
	struct ask request;
	struct err err = ERR_NULL;
	int r;

	if (rpc_conn_peer(conn)->uid != 0) {
		answer(conn, "only root may ask");
		return;
	}
	r = js_parse(message->text, message->length, &js, &err);
	if (r == 0)
		r = ask_parse(js, &request, &err);
	if (r < 0) {
		answer(conn, err.text);
		return;
	}
	switch (request.kind) {
	case ASK_VERB:
		serve_verb(daemon, conn, &request, message);
		break;
	case ASK_STATUS:
		serve_status(daemon, conn, message);
		break;
	case ASK_WATCH:
		serve_watch(daemon, conn);
		break;
	}
}

/* A child of a daemon that was killed has its socket for a moment longer. */
static int listen_patiently(const char *path, int *ret_fd, struct err *err)
{
	int64_t deadline = wait_deadline(LISTEN_MS);
	int r;

	while ((r = rpc_listen(path, 0600, ret_fd, err)) == -EADDRINUSE && wait_left(deadline))
		wait_sleep(LISTEN_PAUSE_MS, deadline);
	return r;
}

int daemon_serve_begin(struct daemon *daemon, struct err *err)
{
	int fd = service_take_socket("nvmet-sunfishd");
	char path[256];
	int r = 0;

	snprintf(path, sizeof(path), "%s/" DAEMON_SOCKET, daemon->run_path);
	if (fd < 0)
		r = listen_patiently(path, &fd, err);
	if (r < 0)
		return r;
	return rpc_server_new(daemon->loop, fd, on_request, on_gone, daemon, &daemon->server, err);
}

void daemon_serve_end(struct daemon *daemon)
{
	daemon->n_watchers = 0;
	rpc_server_free(daemon->server);
}
