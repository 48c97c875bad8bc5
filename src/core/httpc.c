/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/httpc.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/trim.h"

#define CONNECTIONS_KEPT 8
#define KEEPALIVE_IDLE_S 30L
#define KEEPALIVE_INTERVAL_S 10L
#define UPLOAD_BUFFER 16384L /* libcurl has 64 KiB for each */
#define CONNECTED_MS 3000    /* so long after a connection was begun it is made, or not */

/* The functions of libcurl that are called, by their own names. */
struct library {
	void *handle;
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_global_cleanup) *global_cleanup;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_setopt) *multi_setopt;
	__typeof__(curl_multi_assign) *multi_assign;
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_socket_action) *multi_socket_action;
	__typeof__(curl_multi_info_read) *multi_info_read;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
};

struct httpc {
	struct loop *loop;
	struct library curl;
	CURLM *multi;
	struct loop_source *timer;
	struct httpc_call *calls;
	char *ca_file;
	char *certificate_file;
	char *key_file;
	char *unix_socket;
	unsigned int connect_timeout_ms;
	bool stays;
	bool trusts_any;
	bool (*may_connect)(void *data, const struct sockaddr *address);
	void *data;
	bool is_trim_due;
	int64_t connect_ms; /* the last one was begun */
	bool is_calling;    /* it is freed after that */
	bool is_freed;
};

struct httpc_call {
	struct httpc *httpc;
	struct httpc_call *previous;
	struct httpc_call *next;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct str text; /* of the answer */
	size_t body_max;
	httpc_data_fn on_data;
	httpc_done_fn done;
	void *data;
	bool calling; /* it is freed after that */
	bool cancelled;
	bool ended;   /* by on_data */
	bool too_big; /* the answer */
	char error[CURL_ERROR_SIZE];
};

/* A descriptor that libcurl wants to be watched. */
struct watch {
	struct httpc *httpc;
	struct loop_source *source;
};

/* --- the library */

/* By either of its names: which TLS it has is no matter to us. Lazily, as libraries that a program
 * is linked with: most of what libcurl can do is never called. */
static void *library_find(void)
{
	static const char *const names[] = { "libcurl-gnutls.so.4", "libcurl.so.4" };
	void *handle = NULL;
	size_t i;

	/* its libraries do not stand being unloaded */
	for (i = 0; !handle && i < sizeof(names) / sizeof(names[0]); i++)
		handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	return handle;
}

static bool library_resolve(struct library *lib)
{
	return (lib->global_init = dlsym(lib->handle, "curl_global_init")) &&
	       (lib->global_cleanup = dlsym(lib->handle, "curl_global_cleanup")) &&
	       (lib->slist_append = dlsym(lib->handle, "curl_slist_append")) &&
	       (lib->slist_free_all = dlsym(lib->handle, "curl_slist_free_all")) &&
	       (lib->url = dlsym(lib->handle, "curl_url")) &&
	       (lib->url_set = dlsym(lib->handle, "curl_url_set")) &&
	       (lib->url_cleanup = dlsym(lib->handle, "curl_url_cleanup")) &&
	       (lib->easy_init = dlsym(lib->handle, "curl_easy_init")) &&
	       (lib->easy_setopt = dlsym(lib->handle, "curl_easy_setopt")) &&
	       (lib->easy_getinfo = dlsym(lib->handle, "curl_easy_getinfo")) &&
	       (lib->easy_strerror = dlsym(lib->handle, "curl_easy_strerror")) &&
	       (lib->easy_cleanup = dlsym(lib->handle, "curl_easy_cleanup")) &&
	       (lib->multi_init = dlsym(lib->handle, "curl_multi_init")) &&
	       (lib->multi_setopt = dlsym(lib->handle, "curl_multi_setopt")) &&
	       (lib->multi_assign = dlsym(lib->handle, "curl_multi_assign")) &&
	       (lib->multi_add_handle = dlsym(lib->handle, "curl_multi_add_handle")) &&
	       (lib->multi_remove_handle = dlsym(lib->handle, "curl_multi_remove_handle")) &&
	       (lib->multi_socket_action = dlsym(lib->handle, "curl_multi_socket_action")) &&
	       (lib->multi_info_read = dlsym(lib->handle, "curl_multi_info_read")) &&
	       (lib->multi_cleanup = dlsym(lib->handle, "curl_multi_cleanup"));
}

static void library_close(struct library *lib)
{
	if (lib->handle) {
		lib->global_cleanup();
		dlclose(lib->handle);
	}
	lib->handle = NULL;
}

static int library_open(struct library *lib, struct err *err)
{
	lib->handle = library_find();
	if (!lib->handle)
		return err_set(err, -ELIBACC,
			       "libcurl is not on this system (Debian libcurl3-gnutls, Fedora "
			       "libcurl)");
	if (library_resolve(lib)) {
		lib->global_init(CURL_GLOBAL_DEFAULT);
		return 0;
	}
	dlclose(lib->handle);
	lib->handle = NULL;
	return err_set(err, -ELIBACC, "libcurl.so.4 is not libcurl: functions are missing");
}

/* --- calls */

static void headers_free(const struct library *curl, struct curl_slist *headers)
{
	struct curl_slist *at;

	/* the token is in one */
	for (at = headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl->slist_free_all(headers);
}

static void call_free(struct httpc_call *call)
{
	struct httpc *httpc = call->httpc;

	if (call->easy) {
		httpc->curl.multi_remove_handle(httpc->multi, call->easy);
		httpc->curl.easy_cleanup(call->easy);
	}
	if (call->previous)
		call->previous->next = call->next;
	else if (httpc->calls == call)
		httpc->calls = call->next;
	if (call->next)
		call->next->previous = call->previous;
	headers_free(&httpc->curl, call->headers);
	free(call->body);
	str_deinit(&call->text);
	free(call);
}

static void call_link(struct httpc_call *call)
{
	call->next = call->httpc->calls;
	if (call->next)
		call->next->previous = call;
	call->httpc->calls = call;
}

static size_t take_piece(struct httpc_call *call, const char *bytes, size_t length)
{
	int r;

	call->calling = true;
	r = call->on_data(call->data, bytes, length);
	call->calling = false;
	if (r == 0 && !call->cancelled)
		return length;
	call->ended = true;
	return 0;
}

/* Another number than @length ends the call. */
static size_t on_body(char *bytes, size_t one, size_t length, void *data)
{
	struct httpc_call *call = data;
	long status = 0;

	length *= one;
	call->httpc->curl.easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (call->on_data && status / 100 == 2)
		return take_piece(call, bytes, length);
	if (call->text.length + length > call->body_max) {
		call->too_big = true;
		return 0;
	}
	str_add_n(&call->text, bytes, length);
	return call->text.failed ? 0 : length;
}

static int code_of(const struct httpc_call *call, CURLcode result)
{
	long os_errno = 0;

	switch (result) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return -EINVAL;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EADDRNOTAVAIL;
	case CURLE_COULDNT_CONNECT:
		call->httpc->curl.easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_errno);
		return os_errno > 0 ? -(int)os_errno : -ECONNREFUSED;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return -ECONNRESET;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_WRITE_ERROR:
		return call->too_big ? -EMSGSIZE : call->ended ? -ECANCELED : -ENOMEM;
	default:
		return -EPROTO;
	}
}

/* "Failed to connect to 10.1.1.1 port 8443 after 3 ms: Couldn't connect to server" */
static void say_reason(struct httpc_call *call, int code)
{
	char *at = strstr(call->error, " after ");

	if (at)
		snprintf(at, sizeof(call->error) - (size_t)(at - call->error), ": %s",
			 strerror(-code));
}

/* All that libcurl tells of a certificate that is not valid yet, or no longer: that it "failed". */
static void say_time(struct httpc_call *call)
{
	const size_t length = strlen(call->error);
	char now[CLOCK_TEXT_MAX];

	if (strstr(call->error, "verification failed"))
		snprintf(call->error + length, sizeof(call->error) - length,
			 "; the clock here says %s", clock_format(clock_wall_ms(), now));
}

static void call_finish(struct httpc_call *call, CURLcode result)
{
	const struct library *curl = &call->httpc->curl;
	struct httpc_reply reply = { .code = code_of(call, result), .error = "" };
	long status = 0;

	if (result == CURLE_COULDNT_CONNECT)
		say_reason(call, reply.code);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		say_time(call);
	if (reply.code == -EMSGSIZE)
		reply.error = "the answer is too long";
	else if (reply.code < 0)
		reply.error = call->error[0] ? call->error : curl->easy_strerror(result);
	str_clean(call->error);
	call->error[strcspn(call->error, "\n")] = '\0';
	curl->easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	reply.status = (unsigned int)status;
	reply.body = str_get(&call->text);
	reply.length = call->text.length;
	call->calling = true;
	if (!call->cancelled)
		call->done(call->data, &reply);
}

/* After libcurl did something. Whoever is called may free @httpc. */
static void finish_all(struct httpc *httpc)
{
	const struct library *curl = &httpc->curl;
	CURLMsg *message;
	int left;

	httpc->is_calling = true;
	while (!httpc->is_freed && (message = curl->multi_info_read(httpc->multi, &left))) {
		struct httpc_call *call = NULL;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		call_finish(call, result);
		if (!httpc->is_freed)
			call_free(call);
	}
	httpc->is_calling = false;
	if (httpc->is_freed)
		free(httpc);
}

/* --- what libcurl waits for */

static void on_event(void *data, int fd, uint32_t events)
{
	struct httpc *httpc = ((struct watch *)data)->httpc;
	int mask = 0;
	int running;

	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	httpc->curl.multi_socket_action(httpc->multi, fd, mask, &running);
	finish_all(httpc);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	struct httpc *httpc = data;
	struct watch *watch = socket_data;
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		httpc->curl.multi_assign(httpc->multi, fd, NULL);
		if (watch)
			loop_source_free(watch->source);
		free(watch);
		return 0;
	}
	if (watch) {
		loop_io_set(watch->source, events);
		return 0;
	}
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -1;
	watch->httpc = httpc;
	if (loop_add_io(httpc->loop, fd, events, on_event, watch, &watch->source, NULL) < 0) {
		free(watch);
		return -1;
	}
	httpc->curl.multi_assign(httpc->multi, fd, watch);
	return 0;
}

static int on_timer_set(CURLM *multi, long ms, void *data)
{
	struct httpc *httpc = data;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(httpc->timer);
	else
		loop_timer_set(httpc->timer, ms, 0);
	return 0;
}

static void on_timer(void *data)
{
	struct httpc *httpc = data;
	int running;

	httpc->curl.multi_socket_action(httpc->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_all(httpc);
}

/* --- memory */

static int note_connect(void *data, curl_socket_t fd, curlsocktype what)
{
	struct httpc *httpc = data;

	(void)fd, (void)what;
	httpc->is_trim_due = httpc->stays;
	httpc->connect_ms = loop_now_ms(httpc->loop);
	return CURL_SOCKOPT_OK;
}

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	const struct httpc *httpc = data;

	(void)purpose;
	if (!httpc->may_connect(httpc->data, &address->addr))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What starting libcurl and connecting needed is not needed until the next connection. At the next
 * request, so that nothing wakes up for it. */
static void trim(struct httpc *httpc)
{
	if (!httpc->is_trim_due || loop_now_ms(httpc->loop) < httpc->connect_ms + CONNECTED_MS)
		return;
	httpc->is_trim_due = false;
	trim_libraries();
}

/* --- begin and end */

static bool copy_text(char **ret, const char *text)
{
	if (text)
		*ret = strdup(text);
	return !text || *ret;
}

static int init(struct httpc *httpc, const struct httpc_config *config, struct err *err)
{
	const struct library *curl = &httpc->curl;
	int r = library_open(&httpc->curl, err);

	if (r < 0)
		return r;
	httpc->multi = curl->multi_init();
	if (!httpc->multi || !copy_text(&httpc->ca_file, config->ca_file) ||
	    !copy_text(&httpc->certificate_file, config->certificate_file) ||
	    !copy_text(&httpc->key_file, config->key_file) ||
	    !copy_text(&httpc->unix_socket, config->unix_socket))
		return err_nomem(err);
	httpc->connect_timeout_ms = config->connect_timeout_ms;
	httpc->stays = config->stays;
	httpc->trusts_any = config->trusts_any;
	httpc->may_connect = config->may_connect;
	httpc->data = config->data;
	note_connect(httpc, -1, CURLSOCKTYPE_IPCXN);
	r = loop_add_timer(httpc->loop, on_timer, httpc, &httpc->timer, err);
	if (r < 0)
		return r;
	curl->multi_setopt(httpc->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl->multi_setopt(httpc->multi, CURLMOPT_SOCKETDATA, httpc);
	curl->multi_setopt(httpc->multi, CURLMOPT_TIMERFUNCTION, on_timer_set);
	curl->multi_setopt(httpc->multi, CURLMOPT_TIMERDATA, httpc);
	curl->multi_setopt(httpc->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	return 0;
}

int httpc_new(struct loop *loop, const struct httpc_config *config, struct httpc **ret,
	      struct err *err)
{
	struct httpc *httpc = calloc(1, sizeof(*httpc));
	int r;

	if (!httpc)
		return err_nomem(err);
	httpc->loop = loop;
	r = init(httpc, config, err);
	if (r < 0) {
		httpc_free(httpc);
		return r;
	}
	*ret = httpc;
	return 0;
}

void httpc_free(struct httpc *httpc)
{
	if (!httpc)
		return;
	while (httpc->calls)
		call_free(httpc->calls);
	if (httpc->multi)
		httpc->curl.multi_cleanup(httpc->multi);
	loop_source_free(httpc->timer);
	library_close(&httpc->curl);
	free(httpc->ca_file);
	free(httpc->certificate_file);
	free(httpc->key_file);
	free(httpc->unix_socket);
	httpc->is_freed = true;
	if (!httpc->is_calling)
		free(httpc);
}

/* --- a request */

static bool add_header(struct httpc_call *call, const char *line)
{
	struct curl_slist *list = call->httpc->curl.slist_append(call->headers, line);

	if (list)
		call->headers = list;
	return list != NULL;
}

static int add_token(struct httpc_call *call, const char *token, struct err *err)
{
	char line[1024];
	bool is_added;

	/* a line break in it would be another header */
	if (!str_is_printable(token) || strchr(token, ' ') || strlen(token) + 32 > sizeof(line))
		return err_set(err, -EINVAL, "the token is not one word of printable ASCII");
	snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
	is_added = add_header(call, line);
	explicit_bzero(line, sizeof(line));
	return is_added ? 0 : err_nomem(err);
}

static int add_headers(struct httpc_call *call, const struct httpc_request *request,
		       struct err *err)
{
	const char *const *line;

	/* of nothing there is no type, but libcurl has one for each POST */
	if (!add_header(call, request->body ? "Content-Type: application/json" : "Content-Type:"))
		return err_nomem(err);
	for (line = request->headers; line && *line; line++)
		if (!add_header(call, *line))
			return err_nomem(err);
	return request->token ? add_token(call, request->token, err) : 0;
}

static void set_method(struct httpc_call *call, const struct httpc_request *request)
{
	const struct library *curl = &call->httpc->curl;
	bool is_post = strcmp(request->method, "POST") == 0;

	if (request->body || is_post) {
		curl->easy_setopt(call->easy, CURLOPT_POST, 1L);
		curl->easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				  (curl_off_t)request->length);
		curl->easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
	}
	if (strcmp(request->method, "HEAD") == 0)
		curl->easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
	else if (!is_post)
		curl->easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_tls(struct httpc_call *call)
{
	const struct httpc *httpc = call->httpc;
	const struct library *curl = &httpc->curl;

	curl->easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl->easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, httpc->trusts_any ? 0L : 1L);
	curl->easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, httpc->trusts_any ? 0L : 2L);
	if (httpc->ca_file) {
		curl->easy_setopt(call->easy, CURLOPT_CAINFO, httpc->ca_file);
		/* else the system's are believed as well, and each connection keeps all of them */
		curl->easy_setopt(call->easy, CURLOPT_CAPATH, NULL);
	}
	if (httpc->certificate_file)
		curl->easy_setopt(call->easy, CURLOPT_SSLCERT, httpc->certificate_file);
	if (httpc->key_file)
		curl->easy_setopt(call->easy, CURLOPT_SSLKEY, httpc->key_file);
}

/* Nothing is taken from the environment or files of the user: no proxy, no .netrc. */
static void set_options(struct httpc_call *call, const struct httpc_request *request)
{
	struct httpc *httpc = call->httpc;
	const struct library *curl = &httpc->curl;
	CURL *easy = call->easy;

	curl->easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_PROXY, "");
	curl->easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl->easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl->easy_setopt(easy, CURLOPT_USERAGENT, "sunfish");
	curl->easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl->easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, note_connect);
	curl->easy_setopt(easy, CURLOPT_SOCKOPTDATA, httpc);
	curl->easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
	curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl->easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	curl->easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	if (httpc->may_connect) {
		curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
		curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, httpc);
	}
	if (httpc->connect_timeout_ms)
		curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)httpc->connect_timeout_ms);
	if (httpc->unix_socket)
		curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, httpc->unix_socket);
}

static int prepare(struct httpc_call *call, const struct httpc_request *request, struct err *err)
{
	const struct library *curl = &call->httpc->curl;
	CURLU *url = curl->url();
	CURLUcode bad;
	int r;

	if (!url)
		return err_nomem(err);
	bad = curl->url_set(url, CURLUPART_URL, request->url, 0);
	curl->url_cleanup(url);
	if (bad || curl->easy_setopt(call->easy, CURLOPT_URL, request->url) != CURLE_OK)
		return err_set(err, -EINVAL, "\"%s\" is no URL such as https://head:8443/",
			       request->url);
	/* the version that is here may not be the one that this was built with */
	if (curl->easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK)
		return err_set(err, -ELIBACC, "libcurl is older than 7.85");
	r = add_headers(call, request, err);
	if (r < 0)
		return r;
	set_options(call, request);
	set_tls(call);
	set_method(call, request);
	return 0;
}

static struct httpc_call *call_new(struct httpc *httpc, const struct httpc_request *request)
{
	struct httpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->httpc = httpc;
	call_link(call);
	call->on_data = request->on_data;
	call->body_max = request->body_max ? request->body_max : HTTPC_BODY_MAX;
	call->easy = httpc->curl.easy_init();
	call->body = malloc(request->length + 1);
	if (!call->easy || !call->body) {
		call_free(call);
		return NULL;
	}
	if (request->body)
		memcpy(call->body, request->body, request->length);
	return call;
}

int httpc_start(struct httpc *httpc, const struct httpc_request *request, httpc_done_fn done,
		void *data, struct httpc_call **ret, struct err *err)
{
	struct httpc_call *call = call_new(httpc, request);
	int r;

	if (!call)
		return err_nomem(err);
	trim(httpc);
	call->done = done;
	call->data = data;
	r = prepare(call, request, err);
	if (r == 0 && httpc->curl.multi_add_handle(httpc->multi, call->easy) != CURLM_OK)
		r = err_nomem(err);
	if (r < 0) {
		call_free(call);
		return r;
	}
	if (ret)
		*ret = call;
	return 0;
}

void httpc_cancel(struct httpc_call *call)
{
	/* libcurl may not be called from within its callback */
	call->cancelled = true;
	if (!call->calling)
		call_free(call);
}
