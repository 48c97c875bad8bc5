/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "collector/collector.h"
#include "collector/filter.h"
#include "collector/front-own.h"
#include "collector/ingest.h"
#include "collector/redfish.h"
#include "collector/rf-events.h"
#include "core/httpd.h"
#include "core/listener.h"

#define PEM_MAX (1u << 20)
#define IDLE_SECONDS 300
/* Two connections for each helper are most of what it costs. Heads of 1.9 KiB: two NQNs, escaped.
 */
#define CONNECTION_BYTES 2048
#define KEEP_ALIVE_MS 30000

/* --- answers */

void front_answer(struct httpd_request *request, const struct api_answer *answer)
{
	static const char *const later[] = { "Retry-After: 1", NULL };
	static const char *const who[] = { "WWW-Authenticate: Bearer", NULL };
	const char *const *headers = NULL;

	if (answer->status == 503 || answer->status == 429)
		headers = later;
	else if (answer->status == 401)
		headers = who;
	httpd_reply(request, answer->status, answer->type ? answer->type : "application/json",
		    str_get(&answer->body), answer->body.length, headers);
}

void front_refuse(struct httpd_request *request, int code, const char *message)
{
	struct api_answer answer = API_ANSWER_NULL;

	api_answer_error(&answer, code, message);
	front_answer(request, &answer);
	str_deinit(&answer.body);
}

static void refuse_unknown(struct httpd_request *request, int code, const char *message)
{
	struct api_answer answer = API_ANSWER_NULL;

	api_answer_error(&answer, code, message);
	if (code == -EACCES)
		answer.status = 401;
	front_answer(request, &answer);
	str_deinit(&answer.body);
}

/* --- what waits for a commit */

struct pending {
	struct front *front;
	struct httpd_request *request; /* NULL: the client is gone */
	struct auth_who who;
	const struct api_route *route; /* or a report: */
	struct js *js;
	struct report report;
	struct report_answer answer_report;
	int why; /* it was refused for */
	struct err err;
	struct api_answer answer;
	struct pending *next, **at;
};

/* So many are kept for the next ones: they are too large to be had cheaply from malloc, which
 * sorts all that was freed whenever something of that size is asked for. */
#define SPARE_MAX 512

static void pending_free(struct pending *pending)
{
	struct front *front = pending->front;

	if (pending->next)
		pending->next->at = pending->at;
	*pending->at = pending->next;
	js_free(pending->js);
	/* there may be a token in it */
	if (pending->answer.body.text)
		explicit_bzero(pending->answer.body.text, pending->answer.body.length);
	str_deinit(&pending->answer.body);
	if (front->n_spare >= SPARE_MAX) {
		free(pending);
		return;
	}
	pending->next = front->spare;
	front->spare = pending;
	front->n_spare++;
}

static void spare_free(struct front *front)
{
	struct pending *next;

	for (; front->spare; front->spare = next) {
		next = front->spare->next;
		free(front->spare);
	}
	front->n_spare = 0;
}

/* Their connections go. */
static void pending_forget(struct front *front)
{
	struct pending *pending;

	for (pending = front->pending; pending; pending = pending->next)
		pending->request = NULL;
}

static void on_pending_gone(void *user, struct httpd_request *request)
{
	struct pending *pending = user;

	(void)request;
	pending->request = NULL;
}

static struct pending *pending_new(struct front *front, struct httpd_request *request,
				   const struct auth_who *who)
{
	struct pending *pending = front->spare;

	if (pending) {
		front->spare = pending->next;
		front->n_spare--;
	} else {
		pending = malloc(sizeof(*pending));
	}
	if (!pending)
		return NULL;
	*pending = (struct pending){ .front = front,
				     .request = request,
				     .who = *who,
				     .answer = API_ANSWER_NULL,
				     .next = front->pending,
				     .at = &front->pending };
	if (front->pending)
		front->pending->at = &pending->next;
	front->pending = pending;
	return pending;
}

static const char *query_of(const void *data, const char *key)
{
	return httpd_query(data, key);
}

/* Where others look for it, /metrics is served as well. */
#define METRICS "/metrics"

static const char *path_of(struct httpd_request *request)
{
	const char *path = httpd_path(request);

	return strcmp(path, METRICS) == 0 ? path : path + strlen(API_ROOT);
}

static struct api_request as_api(struct httpd_request *request, const struct auth_who *who)
{
	struct api_request api = {
		.method = httpd_method(request),
		.path = path_of(request),
		.id = "",
		.who = who,
		.address = httpd_peer_address(request),
		.query = query_of,
		.query_data = request,
	};

	api.body = httpd_body(request, &api.length);
	return api;
}

/* --- reports */

static void answer_report(struct httpd_request *request, const struct report_answer *report)
{
	char text[REPORT_ANSWER_TEXT];
	int length = report_answer_format(report, text, sizeof(text));

	httpd_reply(request, 200, "application/json", text, (size_t)length, NULL);
}

static int write_report(void *data, struct err *err)
{
	struct pending *pending = data;

	int r;

	/* who is gone without an answer sends it again */
	if (!pending->request)
		return 0;
	r = ingest_report(pending->front->collector, &pending->report,
			  httpd_peer_address(pending->request), &pending->answer_report,
			  &pending->why, &pending->err);
	if (r < 0 && err)
		*err = pending->err;
	return r;
}

static void done_report(void *data, int code, const struct err *err)
{
	struct pending *pending = data;

	if (!pending->request)
		;
	else if (code < 0)
		front_refuse(pending->request, code == -ECANCELED ? code : -EIO, err->text);
	else if (pending->why)
		front_refuse(pending->request, pending->why, pending->err.text);
	else
		answer_report(pending->request, &pending->answer_report);
	pending_free(pending);
}

/* So many machines may have come under one name, one after the other. */
#define SAME_NAME_MAX 8

/* Only something was wanted of it, before it was there. */
static bool has_reported(const struct registry_node *node)
{
	int role;

	for (role = 0; role < REGISTRY_ROLES; role++)
		if (node->sources[role] && *node->sources[role]->program)
			return true;
	return false;
}

/* One token is no way to fill the registry. */
static int check_new_node(const struct front *front, const struct auth_who *who,
			  const struct report *report, struct err *err)
{
	if (strcmp(who->name, report->name) == 0 &&
	    registry_name_count(front->collector->registry, who->name) >= SAME_NAME_MAX)
		return err_set(err, -EACCES,
			       "there are %d nodes called %s already: delete those that are gone",
			       SAME_NAME_MAX, who->name);
	return 0;
}

/* A token by id is no right to another one's name. */
static int check_name(const struct front *front, const struct auth_who *who,
		      const struct report *report, struct err *err)
{
	const struct registry_node *node =
		registry_node_find(front->collector->registry, report->name);

	if (strcmp(who->name, report->name) == 0)
		return 0;
	if (node && strcmp(node->id, report->node) != 0)
		return err_set(err, -EACCES, "%s is the name of the node %s", report->name,
			       node->id);
	if (auth_has(front->collector->auth, report->name))
		return err_set(err, -EACCES, "%s is the name of another token", report->name);
	return 0;
}

/* A node reports of itself only: its token's name is that of the node, and a node that is known
 * under an id cannot become another one. */
static int check_identity(struct front *front, const struct auth_who *who,
			  const struct report *report, struct err *err)
{
	const struct registry_node *node;

	if (who->right == AUTH_ADMIN)
		return 0;
	if (who->right != AUTH_NODE)
		return err_set(err, -EACCES, "%s may only read", who->name);
	if (strcmp(who->name, report->name) != 0 && strcmp(who->name, report->node) != 0)
		return err_set(err, -EACCES, "%s may not report for %s", who->name,
			       *report->name ? report->name : report->node);
	node = registry_node_find(front->collector->registry, report->node);
	if (!node || strcmp(node->id, report->node) != 0) {
		int r = check_new_node(front, who, report, err);

		return r < 0 ? r : check_name(front, who, report, err);
	}
	if (has_reported(node) && strcmp(node->name, who->name) != 0 &&
	    strcmp(node->id, who->name) != 0)
		return err_set(err, -EACCES,
			       "the node %s is %s, not %s: delete it if it was renamed",
			       report->node, node->name, who->name);
	return check_name(front, who, report, err);
}

static void on_report(struct front *front, struct httpd_request *request,
		      const struct auth_who *who)
{
	CLEANUP_JS struct js *js = NULL;
	struct pending *pending;
	struct report_answer answer;
	struct report report;
	struct err err = ERR_NULL;
	size_t length;
	const char *body = httpd_body(request, &length);
	int r = js_parse(body, length, &js, &err);

	if (r == 0)
		r = report_decode(js, &report, &err);
	if (r == 0)
		r = check_identity(front, who, &report, &err);
	if (r < 0) {
		front_refuse(request, r, err.text);
		return;
	}
	if (ingest_renew(front->collector, &report, &answer)) {
		answer_report(request, &answer);
		return;
	}
	pending = pending_new(front, request, who);
	if (!pending) {
		front_refuse(request, -ENOMEM, "out of memory");
		return;
	}
	pending->js = TAKE_PTR(js);
	pending->report = report;
	httpd_request_keep(request, pending, on_pending_gone);
	if (commit_join(front->collector->commit, write_report, done_report, pending) < 0)
		done_report(pending, -ENOMEM, &(struct err){ .text = "out of memory" });
}

/* --- requests of people */

static int write_api(void *data, struct err *err)
{
	struct pending *pending = data;
	struct api_request request;
	const struct api_route *route;

	if (!pending->request)
		return 0;
	request = as_api(pending->request, &pending->who);
	/* once more for what stands for "*" */
	if (api_find(request.method, request.path, &route, &request.id, NULL) < 0)
		return 0;
	return api_write(pending->front->collector, pending->route, &request, &pending->answer,
			 err);
}

static void done_api(void *data, int code, const struct err *err)
{
	struct pending *pending = data;

	if (!pending->request)
		;
	else if (code < 0)
		front_refuse(pending->request, -EIO, err->text);
	else
		front_answer(pending->request, &pending->answer);
	pending_free(pending);
}

static void write_later(struct front *front, struct httpd_request *request,
			const struct api_route *route, const struct auth_who *who)
{
	struct pending *pending = pending_new(front, request, who);

	if (!pending) {
		front_refuse(request, -ENOMEM, "out of memory");
		return;
	}
	pending->route = route;
	httpd_request_keep(request, pending, on_pending_gone);
	if (commit_join(front->collector->commit, write_api, done_api, pending) < 0)
		done_api(pending, -ENOMEM, &(struct err){ .text = "out of memory" });
}

static void on_stream(struct front *front, struct httpd_request *request,
		      const struct auth_who *who)
{
	struct api_request api = as_api(request, who);
	const char *last = httpd_header(request, "Last-Event-ID");
	struct events_filter filter;
	struct err err = ERR_NULL;
	uint64_t id;
	int r = api_events_filter(&api, -1, &filter, &err);

	if (r == 0 && who->right < AUTH_VIEWER)
		r = err_set(&err, -EACCES, "%s may not follow events", who->name);
	if (r == 0 && last) {
		r = str_parse_uint(last, INT64_MAX, &id);
		if (r == 0)
			filter.after = (int64_t)id;
		else
			r = err_set(&err, -EINVAL, "Last-Event-ID must be a whole number");
	}
	if (r < 0)
		front_refuse(request, r, err.text);
	else
		events_follow(front->collector->events, request, who->name, &filter);
}

static void on_api(struct front *front, struct httpd_request *request, const struct auth_who *who)
{
	struct api_request api = as_api(request, who);
	struct api_answer answer = API_ANSWER_NULL;
	const struct api_route *route;
	struct filter filter;
	struct err err = ERR_NULL;
	int r = api_find(api.method, api.path, &route, &api.id, &err);

	if (r < 0) {
		front_refuse(request, r, err.text);
		return;
	}
	if (route->flags & API_WRITES && who->right >= route->right) {
		write_later(front, request, route, who);
		return;
	}
	if (route->flags & API_LISTS && who->right >= route->right && !api_query(&api, "limit") &&
	    api_list_filter(&api, &filter, NULL) == 0) {
		front_list(front, request, &filter, api_query(&api, "after"));
		return;
	}
	api_call(front->collector, route, &api, &answer);
	front_answer(request, &answer);
	str_deinit(&answer.body);
}

/* --- routes that need the connection */

static bool is(struct httpd_request *request, const char *method, const char *path)
{
	return strcmp(httpd_method(request), method) == 0 && strcmp(httpd_path(request), path) == 0;
}

/* Bodies of requests that are no reports are small. */
#define BODY_MAX (1u << 20)

static bool has_body(const struct httpd_request *request)
{
	const char *length = httpd_header(request, "Content-Length");

	return httpd_header(request, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

static bool is_redfish(const struct front *front, struct httpd_request *request)
{
	return front->collector->redfish && redfish_is_path(httpd_path(request));
}

static bool is_too_long(struct httpd_request *request)
{
	const char *text = httpd_header(request, "Content-Length");
	uint64_t length;

	return strcmp(httpd_path(request), API_ROOT "/report") != 0 && text &&
	       str_parse_uint(text, UINT64_MAX, &length) == 0 && length > BODY_MAX;
}

/* A page somewhere else makes a browser ask: with its certificate, if it has one. No client of ours
 * says where it comes from. */
static bool is_foreign_page(const struct httpd_request *request)
{
	return strcmp(httpd_method(request), "GET") != 0 && httpd_header(request, "Origin");
}

static int check_who(struct front *front, struct httpd_request *request, struct auth_who *ret,
		     struct err *err)
{
	return auth_check(front->collector->auth, httpd_header(request, "Authorization"),
			  httpd_peer_name(request), httpd_peer_address(request),
			  collector_now_ms(front->collector), ret, err);
}

/* Nobody's body is read but that of who may ask. */
static void on_head(void *data, struct httpd_request *request)
{
	struct front *front = data;
	struct auth_who who;
	struct err err = ERR_NULL;
	int r;

	/* its accounts are its own; a page cannot send JSON without being asked about it first */
	if (is_redfish(front, request)) {
		if (is_too_long(request))
			redfish_refuse_body(request);
		return;
	}
	if (is_foreign_page(request)) {
		front_refuse(request, -EACCES, "pages of other origins change nothing here");
		return;
	}
	if (!has_body(request))
		return;
	r = check_who(front, request, &who, &err);
	if (r < 0)
		refuse_unknown(request, r, err.text);
	else if (is_too_long(request))
		front_refuse(request, -E2BIG, "the body is longer than that of any such request");
}

static void on_redfish(struct front *front, struct httpd_request *request)
{
	const struct collector *collector = front->collector;
	const char *address = httpd_peer_address(request);
	struct redfish_way way = { .trusted = *collector->setup.certificate ||
					      strncmp(address, "127.", 4) == 0 ||
					      strcmp(address, "::1") == 0 };

	redfish_request(collector->redfish, request, &way);
}

static void on_request(void *data, struct httpd_request *request)
{
	struct front *front = data;
	struct auth_who who;
	struct err err = ERR_NULL;
	int r;

	if (front->stopping) {
		front_refuse(request, -ECANCELED, "the collector ends");
		return;
	}
	if (is_redfish(front, request)) {
		on_redfish(front, request);
		return;
	}
	r = check_who(front, request, &who, &err);
	if (r < 0)
		refuse_unknown(request, r, err.text);
	else if (is(request, "POST", API_ROOT "/report"))
		on_report(front, request, &who);
	else if (is(request, "GET", API_ROOT "/wanted"))
		front_on_wanted(front, request, &who);
	else if (is(request, "GET", API_ROOT "/events/stream"))
		on_stream(front, request, &who);
	else if (strncmp(httpd_path(request), API_ROOT "/", strlen(API_ROOT) + 1) == 0 ||
		 strcmp(httpd_path(request), METRICS) == 0)
		on_api(front, request, &who);
	else
		front_refuse(request, -ENOENT, "there is nothing outside " API_ROOT);
}

/* --- life */

static int read_pem(const char *path, char **ret, struct err *err)
{
	size_t length;
	int r;

	if (!*path)
		return 0;
	r = fs_read_file(AT_FDCWD, path, PEM_MAX, ret, &length);
	return r < 0 ? err_set(err, r, "%s: %s", path, strerror(-r)) : 0;
}

static int start(struct front *front, struct httpd **ret, struct err *err)
{
	const struct setup *setup = &front->collector->setup;
	CLEANUP_FREE char *certificate = NULL;
	CLEANUP_FREE char *key = NULL;
	CLEANUP_FREE char *client_ca = NULL;
	struct httpd_config config = {
		.listen_fd = -1,
		.connections_max = (unsigned int)setup->connections_max,
		.body_max = (size_t)setup->report_bytes_max,
		.connection_bytes = CONNECTION_BYTES,
		.timeout_seconds = IDLE_SECONDS,
		.head = on_head,
	};
	int r = read_pem(setup->certificate, &certificate, err);

	if (r == 0)
		r = read_pem(setup->key, &key, err);
	if (r == 0)
		r = read_pem(setup->client_ca, &client_ca, err);
	if (r == 0) {
		config.certificate = certificate;
		config.key = key;
		config.client_ca = client_ca;
		config.listen_fd = fcntl(front->listen_fd, F_DUPFD_CLOEXEC, 3);
		if (config.listen_fd < 0)
			r = err_set(err, -errno, "socket: %s", strerror(errno));
	}
	if (r == 0)
		r = httpd_new(front->collector->loop, &config, on_request, front, ret, err);
	if (key)
		explicit_bzero(key, strlen(key));
	return r;
}

static void on_keep_alive(void *data)
{
	struct front *front = data;

	events_keep_alive(front->collector->events);
	if (front->collector->redfish)
		rfevents_keep_alive(front->collector->redfish->rfevents);
	loop_timer_set(front->keep_alive, KEEP_ALIVE_MS, KEEP_ALIVE_MS / 10);
}

int front_new(struct collector *collector, int listen_fd, struct front **ret, struct err *err)
{
	struct front *front = calloc(1, sizeof(*front));
	int r = 0;

	if (!front) {
		if (listen_fd >= 0)
			close(listen_fd);
		return err_nomem(err);
	}
	front->collector = collector;
	front->listen_fd = listen_fd;
	if (listen_fd < 0)
		r = listener_bind(collector->setup.address, (uint16_t)collector->setup.port,
				  &front->listen_fd, err);
	if (r == 0)
		r = loop_add_timer(collector->loop, front_on_timeout, front, &front->timer, err);
	if (r == 0)
		r = loop_add_timer(collector->loop, on_keep_alive, front, &front->keep_alive, err);
	if (r == 0)
		r = loop_add_timer(collector->loop, front_on_list, front, &front->list_timer, err);
	if (r == 0)
		r = start(front, &front->httpd, err);
	if (r < 0) {
		front_free(front);
		return r;
	}
	loop_timer_set(front->keep_alive, KEEP_ALIVE_MS, KEEP_ALIVE_MS / 10);
	*ret = front;
	return 0;
}

int front_reload(struct front *front, struct err *err)
{
	struct httpd *httpd = NULL;
	int r = start(front, &httpd, err);

	if (r < 0)
		return r;
	/* all connections end: those who waited ask again */
	commit_now(front->collector->commit);
	pending_forget(front);
	front_polls_free(front);
	front_lists_free(front);
	events_forget_streams(front->collector->events);
	if (front->collector->redfish)
		redfish_forget_requests(front->collector->redfish);
	httpd_free(front->httpd);
	front->httpd = httpd;
	return 0;
}

void front_stop(struct front *front)
{
	front->stopping = true;
	front_polls_refuse(front);
}

void front_free(struct front *front)
{
	if (!front)
		return;
	pending_forget(front);
	spare_free(front);
	front_polls_free(front);
	front_lists_free(front);
	if (front->collector->events)
		events_forget_streams(front->collector->events);
	if (front->collector->redfish)
		redfish_forget_requests(front->collector->redfish);
	httpd_free(front->httpd);
	loop_source_free(front->timer);
	loop_source_free(front->keep_alive);
	loop_source_free(front->list_timer);
	if (front->listen_fd >= 0)
		close(front->listen_fd);
	free(front);
}

uint16_t front_port(const struct front *front)
{
	return httpd_port(front->httpd);
}

size_t front_connections(const struct front *front)
{
	return httpd_connections(front->httpd);
}
