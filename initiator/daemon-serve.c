/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of commands (request.h), and who waits for their outcome. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/log.h"
#include "core/service.h"
#include "initiator/daemon.h"
#include "initiator/request.h"
#include "initiator/wanted-file.h"

#define DISCONNECT_WAIT_MS 40000
#define WAITERS_MAX 256

/* One connection of which a command waits to hear. */
struct waiter {
	struct waiter *next;
	struct daemon *daemon;
	struct rpc_conn *conn;
	unsigned int id;
	struct tid tid;
	bool disconnect;
	char controller[INVENTORY_NAME_MAX];
	struct loop_source *timer;
	char told[SM_ERROR_MAX + 32]; /* the last progress */
};

struct serve {
	struct rpc_server *server;
	struct waiter *waiters;
	size_t n_waiters;
	struct rpc_conn *watchers[RPC_CONNECTIONS_MAX];
};

/* --- answers */

static int send_js(struct rpc_conn *conn, struct js *take_js)
{
	CLEANUP_JS struct js *js = take_js;
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	return text ? rpc_send_large(conn, text, strlen(text)) : -ENOMEM;
}

static void answer(struct rpc_conn *conn, struct js *take_result)
{
	send_js(conn, reply_result(take_result));
}

static void refuse(struct rpc_conn *conn, const struct err *err)
{
	send_js(conn, reply_error(err));
}

/* --- who waits */

static void waiter_free(struct waiter *waiter)
{
	struct serve *serve = waiter->daemon->serve;
	struct waiter **at = &serve->waiters;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	serve->n_waiters--;
	loop_source_free(waiter->timer);
	free(waiter);
}

static struct js *devices_of(const struct daemon *daemon, const char *controller)
{
	struct js *devices = js_array();
	char path[INVENTORY_NAME_MAX + 8];
	size_t i;
	size_t j;

	for (i = 0; i < daemon->inventory->n_devices; i++) {
		const struct inventory_device *d = &daemon->inventory->devices[i];

		for (j = 0; j < d->n_paths; j++) {
			if (strcmp(d->paths[j].controller, controller) != 0)
				continue;
			snprintf(path, sizeof(path), "/dev/%s", d->name);
			js_append(devices, js_string(path));
		}
	}
	return devices;
}

static struct js *connect_result(const struct daemon *daemon, const struct tid *tid,
				 const char *controller)
{
	struct js *result = js_object();
	char text[TID_TEXT_MAX];

	js_set(result, "connection", js_string(tid_format(tid, text)));
	js_set(result, "controller", js_string(controller));
	js_set(result, "devices", devices_of(daemon, controller));
	return result;
}

static struct js *disconnect_result(const char *controller)
{
	struct js *result = js_object();
	struct js *list = js_array();

	if (*controller)
		js_append(list, js_string(controller));
	js_set(result, "disconnected", list);
	return result;
}

/* It will not come up without somebody changing something. */
static bool is_hopeless(const struct sm_view *view)
{
	if (view->state == SM_EXCLUDED)
		return true;
	if (view->state != SM_WAITING)
		return false;
	switch (view->code) {
	case -EACCES:
	case -ENOENT:
	case -EINVAL:
	case -EPERM:
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
	case -EADDRINUSE:
		return true;
	default:
		return false;
	}
}

static void withdraw(struct daemon *daemon, const struct tid *tid)
{
	struct err ignored = ERR_NULL;

	sm_unwant(daemon->sm, tid, SM_COMMAND);
	if (daemon->wanted_fd >= 0)
		wanted_file_remove(daemon->wanted_fd, tid, &ignored);
}

static void tell_progress(struct waiter *waiter, const struct sm_view *view)
{
	char text[sizeof(waiter->told)];

	snprintf(text, sizeof(text), "%s%s%s", sm_state_word(view->state), *view->error ? ": " : "",
		 view->error);
	if (strcmp(text, waiter->told) == 0)
		return;
	memcpy(waiter->told, text, sizeof(text));
	send_js(waiter->conn, reply_progress(sm_state_word(view->state), text));
}

static void check_connect(struct waiter *waiter, const struct sm_view *view)
{
	struct daemon *daemon = waiter->daemon;
	struct err err = ERR_NULL;

	if (view->state == SM_UP) {
		answer(waiter->conn, connect_result(daemon, &waiter->tid, view->controller));
		waiter_free(waiter);
	} else if (is_hopeless(view)) {
		err_set_text(&err, view->code, "%s", view->error);
		/* view is of the entry that may go now; who is refused finds it gone */
		withdraw(daemon, &waiter->tid);
		report_state(daemon);
		refuse(waiter->conn, &err);
		waiter_free(waiter);
	} else {
		tell_progress(waiter, view);
	}
}

static void check_disconnect(struct waiter *waiter, bool known, const struct sm_view *view)
{
	struct daemon *daemon = waiter->daemon;
	struct err err = ERR_NULL;

	if (!known || view->state == SM_DOWN) {
		answer(waiter->conn, disconnect_result(waiter->controller));
		waiter_free(waiter);
	} else if (view->code < 0 && view->absent) {
		err_set_text(&err, view->code, "%s", view->error);
		sm_cancel_disconnect(daemon->sm, waiter->id);
		refuse(waiter->conn, &err);
		waiter_free(waiter);
		watch_look_soon(daemon);
	}
}

static void check(struct waiter *waiter)
{
	struct sm_view view = { .state = SM_DOWN, .error = "", .controller = "" };
	bool known = sm_get(waiter->daemon->sm, waiter->id, &view);
	struct err err = ERR_NULL;

	if (waiter->disconnect) {
		check_disconnect(waiter, known, &view);
	} else if (known && !view.absent) {
		check_connect(waiter, &view);
	} else {
		err_set_text(&err, -ECANCELED, "it is not wanted any more");
		refuse(waiter->conn, &err);
		waiter_free(waiter);
	}
}

void serve_changed(struct daemon *daemon)
{
	struct waiter *waiter;
	struct waiter *next;

	for (waiter = daemon->serve ? daemon->serve->waiters : NULL; waiter; waiter = next) {
		next = waiter->next;
		check(waiter);
	}
}

static void on_deadline(void *data)
{
	struct waiter *waiter = data;
	struct daemon *daemon = waiter->daemon;
	struct sm_view view = { .error = "" };
	struct err err = ERR_NULL;

	sm_get(daemon->sm, waiter->id, &view);
	if (waiter->disconnect)
		err_set_text(&err, -ETIMEDOUT,
			     "the kernel has not come back from disconnecting %s: it goes on",
			     waiter->controller);
	else
		err_set_text(&err, view.code ? view.code : -ETIMEDOUT,
			     "%s; nvme-sunfishd goes on trying, until nvme-sunfishctl disconnect",
			     *view.error ? view.error : "it is not up yet");
	refuse(waiter->conn, &err);
	waiter_free(waiter);
}

static int wait_for(struct daemon *daemon, struct rpc_conn *conn, const struct tid *tid,
		    unsigned int id, int64_t wait_ms, struct waiter **ret, struct err *err)
{
	struct waiter *waiter;
	int r;

	if (daemon->serve->n_waiters >= WAITERS_MAX)
		return err_set(err, -EAGAIN, "%d commands wait already", WAITERS_MAX);
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return err_nomem(err);
	*waiter = (struct waiter){ .next = daemon->serve->waiters,
				   .daemon = daemon,
				   .conn = conn,
				   .id = id,
				   .tid = *tid };
	r = loop_add_timer(daemon->loop, on_deadline, waiter, &waiter->timer, err);
	if (r < 0) {
		free(waiter);
		return r;
	}
	loop_timer_set(waiter->timer, wait_ms, 0);
	daemon->serve->waiters = waiter;
	daemon->serve->n_waiters++;
	*ret = waiter;
	return 0;
}

/* --- connect */

static int store(const struct daemon *daemon, const struct request *request, struct err *err)
{
	if (request->transient)
		return 0;
	if (daemon->wanted_fd < 0)
		return err_set(err, -EROFS, "%s/" WANTED_FILE_DIR " cannot be used",
			       daemon->paths.state);
	return wanted_file_write(daemon->wanted_fd, &request->connection, err);
}

static int do_connect(struct daemon *daemon, struct rpc_conn *conn, const struct request *request,
		      struct err *err)
{
	struct conf_connection connection = request->connection;
	struct waiter *waiter;
	int id;
	int r = store(daemon, request, err);

	if (r < 0)
		return r;
	host_tuning_default(&connection.tuning, &daemon->conf.defaults);
	id = sm_want(daemon->sm, &connection, SM_COMMAND, err);
	if (id < 0)
		return id;
	if (request->wait_ms == 0) {
		answer(conn, connect_result(daemon, &connection.tid, ""));
	} else {
		r = wait_for(daemon, conn, &connection.tid, (unsigned int)id, request->wait_ms,
			     &waiter, err);
		if (r < 0)
			return r;
	}
	daemon_look(daemon);
	return 0;
}

/* --- disconnect */

static const struct inventory_controller *find_controller(const struct daemon *daemon,
							  const struct request *request)
{
	const struct inventory *inventory = daemon->inventory;
	size_t i;

	if (*request->controller)
		return inventory_find(inventory, request->controller);
	if (request->has_tid)
		return inventory_find_tid(inventory, &request->connection.tid,
					  daemon->host.hostnqn);
	for (i = 0; i < inventory->n_controllers; i++)
		if (strcmp(inventory->controllers[i].tid.nqn, request->nqn) == 0)
			return &inventory->controllers[i];
	return NULL;
}

/* The connection that this controller is; what was not wanted becomes an entry, so that its end is
 * followed. */
static int find_entry(struct daemon *daemon, const struct inventory_controller *c,
		      struct conf_connection *ret, struct err *err)
{
	struct sm_view view;
	int id;

	if (sm_find_controller(daemon->sm, c->name, &view)) {
		*ret = *view.connection;
		return 0;
	}
	*ret = CONF_CONNECTION_NULL;
	ret->tid = c->tid;
	id = sm_want(daemon->sm, ret, 0, err);
	/* c is of the look before */
	if (id >= 0)
		daemon_look(daemon);
	return id < 0 ? id : 0;
}

static int disconnect_one(struct daemon *daemon, struct rpc_conn *conn,
			  const struct inventory_controller *c, const struct request *request,
			  struct err *err)
{
	int64_t wait = request->wait_ms ? request->wait_ms : DISCONNECT_WAIT_MS;
	struct conf_connection connection;
	char name[INVENTORY_NAME_MAX];
	struct waiter *waiter;
	int id;
	int r = act_may_disconnect(&daemon->dirs, daemon->inventory, c->name, request->force, err);

	memcpy(name, c->name, sizeof(name));
	if (r == 0)
		r = find_entry(daemon, c, &connection, err);
	if (r < 0)
		return r;
	id = sm_disconnect(daemon->sm, loop_now_ms(daemon->loop), &connection.tid, request->force);
	if (id < 0)
		return err_set(err, -ENOENT, "%s is gone", name);
	r = wait_for(daemon, conn, &connection.tid, (unsigned int)id, wait, &waiter, err);
	if (r < 0)
		return r;
	waiter->disconnect = true;
	memcpy(waiter->controller, name, sizeof(name));
	withdraw(daemon, &connection.tid);
	daemon_go_on(daemon);
	return 0;
}

/* Wanted, but not there: nobody is to try any more. */
static int forget_one(struct daemon *daemon, struct rpc_conn *conn, const struct request *request,
		      struct err *err)
{
	const struct tid *tid = &request->connection.tid;
	struct sm_view view;

	if (!request->has_tid || !sm_find(daemon->sm, tid, &view))
		return err_set(err, -ENOENT, "there is no such connection");
	sm_disconnect(daemon->sm, loop_now_ms(daemon->loop), tid, request->force);
	withdraw(daemon, tid);
	answer(conn, disconnect_result(""));
	daemon_look(daemon);
	return 0;
}

static int do_disconnect(struct daemon *daemon, struct rpc_conn *conn,
			 const struct request *request, struct err *err)
{
	const struct inventory_controller *c;

	daemon_look(daemon);
	c = find_controller(daemon, request);
	return c ? disconnect_one(daemon, conn, c, request, err)
		 : forget_one(daemon, conn, request, err);
}

/* --- looks */

static int do_list(struct daemon *daemon, struct rpc_conn *conn, struct err *err)
{
	struct js *result = js_object();
	int r;

	daemon_settle(daemon);
	js_set(result, "objects", object_set_format(agent_state(daemon->agent)));
	r = send_js(conn, reply_result(result));
	return r < 0 ? err_set(err, r, "the list cannot be sent: %s", strerror(-r)) : 0;
}

static struct js *collector_status(const struct daemon *daemon)
{
	struct agent_status status;
	struct js *js = js_object();

	agent_status(daemon->agent, &status);
	js_set(js, "configured", js_bool(status.configured));
	js_set(js, "connected", js_bool(status.connected));
	if (*daemon->conf.collector.url)
		js_set(js, "url", js_string(daemon->conf.collector.url));
	js_set(js, "error", js_string(status.error));
	js_set(js, "since", js_int(status.since_ms));
	js_set(js, "seq", js_int((int64_t)status.seq));
	js_set(js, "acknowledged", js_int((int64_t)status.acknowledged));
	js_set(js, "lost", js_int((int64_t)status.lost));
	js_set(js, "lost_why", js_string(status.lost_why ? status.lost_why : ""));
	if (status.spool_trouble)
		js_set(js, "in_memory", js_string(strerror(-status.spool_trouble)));
	js_set(js, "refused", js_int((int64_t)status.refused));
	js_set(js, "wanted", js_int((int64_t)status.generation));
	return js;
}

static void do_status(struct daemon *daemon, struct rpc_conn *conn)
{
	struct js *result = js_object();
	uint64_t read;
	uint64_t lost;
	uint64_t gaps;

	uevent_monitor_counts(daemon->uevents, &read, &lost, &gaps);
	js_set(result, "pid", js_int(getpid()));
	js_set(result, "program", js_string(daemon->paths.program));
	js_set(result, "since", js_int(daemon->since_ms));
	js_set(result, "hostnqn", js_string(daemon->host.hostnqn));
	js_set(result, "connections", js_int((int64_t)sm_count(daemon->sm)));
	js_set(result, "controllers", js_int((int64_t)daemon->inventory->n_controllers));
	js_set(result, "uevents", js_int((int64_t)read));
	js_set(result, "uevents_lost", js_int((int64_t)lost));
	js_set(result, "uevent_gaps", js_int((int64_t)gaps));
	js_set(result, "collector", collector_status(daemon));
	answer(conn, result);
}

/* --- watch */

static int do_watch(struct daemon *daemon, struct rpc_conn *conn, struct err *err)
{
	size_t i;

	for (i = 0; i < RPC_CONNECTIONS_MAX; i++) {
		if (!daemon->serve->watchers[i]) {
			daemon->serve->watchers[i] = conn;
			return 0;
		}
	}
	return err_set(err, -EAGAIN, "too many watch already");
}

void serve_event(struct daemon *daemon, const struct report_event *event)
{
	size_t i;

	for (i = 0; daemon->serve && i < RPC_CONNECTIONS_MAX; i++)
		if (daemon->serve->watchers[i])
			send_js(daemon->serve->watchers[i],
				reply_event(report_event_encode(event)));
}

/* --- requests */

static int do_request(struct daemon *daemon, struct rpc_conn *conn, const struct request *request,
		      struct err *err)
{
	switch (request->kind) {
	case REQUEST_LIST:
		return do_list(daemon, conn, err);
	case REQUEST_STATUS:
		do_status(daemon, conn);
		return 0;
	case REQUEST_CONNECT:
		return do_connect(daemon, conn, request, err);
	case REQUEST_DISCONNECT:
		return do_disconnect(daemon, conn, request, err);
	case REQUEST_WATCH:
		return do_watch(daemon, conn, err);
	case REQUEST_EVENT:
		answer(conn, js_object());
		watch_look_soon(daemon);
		return 0;
	case REQUEST_RELOAD:
		daemon_reload(daemon, NULL);
		answer(conn, js_object());
		return 0;
	}
	return err_set(err, -EINVAL, "there is no such request");
}

static int check_peer(const struct rpc_conn *conn, const struct request *request, struct err *err)
{
	if (request_is_change(request->kind) && rpc_conn_peer(conn)->uid != 0)
		return err_set(err, -EPERM, "only root may change connections");
	return 0;
}

static void on_request(void *data, struct rpc_conn *conn, struct rpc_message *message)
{
	struct daemon *daemon = data;
	CLEANUP_JS struct js *js = NULL;
	struct request request = REQUEST_NULL;
	struct err err = ERR_NULL;
	int r = js_parse(message->text, message->length, &js, &err);

	if (r == 0)
		r = request_decode(js, &request, &err);
	if (r == 0)
		r = check_peer(conn, &request, &err);
	if (r == 0)
		r = do_request(daemon, conn, &request, &err);
	if (r < 0) {
		if (!err.code)
			err_set_text(&err, r, "%s", strerror(-r));
		refuse(conn, &err);
	}
}

static void on_gone(void *data, struct rpc_conn *conn)
{
	struct daemon *daemon = data;
	struct waiter *waiter;
	struct waiter *next;
	size_t i;

	for (i = 0; i < RPC_CONNECTIONS_MAX; i++)
		if (daemon->serve->watchers[i] == conn)
			daemon->serve->watchers[i] = NULL;
	for (waiter = daemon->serve->waiters; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->conn == conn)
			waiter_free(waiter);
	}
}

int serve_start(struct daemon *daemon, struct err *err)
{
	int fd = service_take_socket("nvme-sunfishd");
	int r = fd < 0 ? rpc_listen(REQUEST_SOCKET, 0666, &fd, err) : 0;

	if (r < 0)
		return r;
	daemon->serve = calloc(1, sizeof(*daemon->serve));
	if (!daemon->serve) {
		close(fd);
		return err_nomem(err);
	}
	return rpc_server_new(daemon->loop, fd, on_request, on_gone, daemon, &daemon->serve->server,
			      err);
}

void serve_end(struct daemon *daemon)
{
	if (!daemon->serve)
		return;
	rpc_server_free(daemon->serve->server);
	while (daemon->serve->waiters)
		waiter_free(daemon->serve->waiters);
	free(daemon->serve);
	daemon->serve = NULL;
}
