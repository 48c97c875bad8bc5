/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/httpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/listener.h"
#include "core/shard.h"
#include "core/tls.h"

#define CONNECTION_BYTES 4096	/* requests of up to 3 KiB without their body */
#define BODIES_MAX (256u << 20) /* of all requests together, at least one of body_max */
#define DRAIN_MAX (16u << 20)	/* of a body that is too long: what is read to be able to say so */
/* a host that lost its power sends nothing: a waiting request is given up after two minutes */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT 6

struct httpd {
	struct loop *loop;
	httpd_fn fn;
	void *data;
	struct httpd_config config;
	char *certificate;
	char *key;
	char *client_ca;
	struct listener *listener;
	struct shards *shards;
	size_t bodies; /* bytes */
	bool stopping;
};

struct httpd_request {
	struct httpd *httpd;
	struct shard_connection *connection;
	const char *method;
	const char *path;
	struct str body;
	size_t length; /* of the body, with what was not kept */
	bool refused;  /* the body: too long, or too many of them */
	unsigned int status;
	struct MHD_Response *response;
	struct httpd_stream *stream; /* owned by the response */
	bool called;
	bool answered; /* without a response: there was no memory for it */
	bool kept;
	void *user;
	void (*gone)(void *user, struct httpd_request *request);
	char *name;
};

struct httpd_stream {
	struct httpd *httpd;
	struct shard_connection *connection;
	struct str text;
	size_t sent;
	bool closing; /* ends when all is sent */
	bool dead;    /* ends now */
	void *user;
	void (*gone)(void *user, struct httpd_stream *stream);
};

/* --- one connection */

static void request_tell_gone(struct httpd_request *request)
{
	void (*gone)(void *, struct httpd_request *) = request->gone;

	request->gone = NULL;
	if (gone && !request->httpd->stopping)
		gone(request->user, request);
}

static void stream_tell_gone(struct httpd_stream *stream)
{
	void (*gone)(void *, struct httpd_stream *) = stream->gone;

	stream->gone = NULL;
	stream->dead = true;
	if (gone && !stream->httpd->stopping)
		gone(stream->user, stream);
}

/* Also where it waits for the client to read: a socket that is shut down is ready. */
static void stream_kill(struct httpd_stream *stream)
{
	stream->dead = true;
	shutdown(stream->connection->fd, SHUT_RDWR);
	shard_resume(stream->connection);
}

static void on_gone(void *data, struct shard_connection *connection)
{
	struct httpd_request *request = connection->user;

	(void)data;
	if (request && request->stream) {
		stream_tell_gone(request->stream);
		stream_kill(request->stream);
	} else if (request && connection->suspended) {
		request_tell_gone(request);
	}
}

static void set_option(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

static void *session_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

static struct shard_connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	void *session = session_of(mhd);

	if (code != MHD_CONNECTION_NOTIFY_STARTED) {
		shard_close(data, *context);
		return;
	}
	*context = shard_open(data, mhd); /* NULL: its first request closes it */
	if (session)
		tls_verify_client(session);
}

/* --- a request comes in */

static struct httpd_request *request_new(struct httpd *httpd, struct MHD_Connection *mhd,
					 const char *path, const char *method)
{
	struct shard_connection *connection = connection_of(mhd);
	struct httpd_request *request = connection ? calloc(1, sizeof(*request)) : NULL;

	if (!request)
		return NULL;
	request->httpd = httpd;
	request->connection = connection;
	request->method = method;
	request->path = path;
	connection->user = request;
	return request;
}

static void forget_body(struct httpd_request *request)
{
	request->httpd->bodies -= request->body.room;
	str_deinit(&request->body);
	request->body = STR_NULL;
}

static void request_free(struct httpd_request *request)
{
	request->connection->user = NULL;
	forget_body(request);
	if (request->response)
		MHD_destroy_response(request->response);
	free(request->name);
	free(request);
}

static void on_completed(void *data, struct MHD_Connection *mhd, void **context,
			 enum MHD_RequestTerminationCode code)
{
	struct httpd_request *request = *context;

	(void)data;
	(void)mhd;
	(void)code;
	if (!request)
		return;
	if (request->stream)
		stream_tell_gone(request->stream);
	else if (request->called && !request->answered)
		request_tell_gone(request);
	request_free(request);
	*context = NULL;
}

/* Returns: false: give up the connection. */
static bool take_body(struct httpd_request *request, const char *bytes, size_t length)
{
	struct httpd *httpd = request->httpd;
	size_t most = httpd->config.body_max > BODIES_MAX ? httpd->config.body_max : BODIES_MAX;
	size_t room = request->body.room;

	request->length += length;
	if (!request->refused && (request->length > httpd->config.body_max ||
				  httpd->bodies - room + request->length > most)) {
		request->refused = true;
		forget_body(request);
	}
	if (request->refused)
		return request->length <= httpd->config.body_max + DRAIN_MAX;
	str_add_n(&request->body, bytes, length);
	httpd->bodies += request->body.room - room;
	return !request->body.failed;
}

/* A body whose length is told is refused before it comes. */
static bool is_announced_too_long(struct httpd_request *request)
{
	const char *text = httpd_header(request, "Content-Length");
	size_t most = request->httpd->config.body_max;
	uint64_t length;

	return text && str_parse_uint(text, UINT64_MAX, &length) == 0 && length > most;
}

static void refuse_body(struct httpd_request *request)
{
	static const char too_long[] = "the body is too long\n";
	static const char too_many[] = "too many requests at once, come again later\n";
	static const char *const later[] = { "Retry-After: 1", NULL };

	if (request->length <= request->httpd->config.body_max && request->length)
		httpd_reply(request, 503, "text/plain", too_many, sizeof(too_many) - 1, later);
	else
		httpd_reply(request, 413, "text/plain", too_long, sizeof(too_long) - 1, NULL);
}

static enum MHD_Result queue(struct httpd_request *request)
{
	if (!request->response)
		return MHD_NO;
	return MHD_queue_response(request->connection->mhd, request->status, request->response);
}

/* All of it is here: ask for the answer, and wait for it if it does not come at once. */
static enum MHD_Result request_call(struct httpd_request *request)
{
	struct httpd *httpd = request->httpd;

	request->called = true;
	if (request->refused)
		refuse_body(request);
	else
		httpd->fn(httpd->data, request);
	if (!request->answered && !request->kept)
		httpd_reply(request, 500, NULL, "", 0, NULL);
	if (request->answered)
		return queue(request);
	if (request->connection->gone) {
		request_tell_gone(request);
		return MHD_NO;
	}
	shard_suspend(request->connection);
	return MHD_YES;
}

static enum MHD_Result take_head(struct httpd *httpd, struct MHD_Connection *mhd, const char *path,
				 const char *method, struct httpd_request **ret)
{
	struct httpd_request *request = request_new(httpd, mhd, path, method);

	*ret = request;
	if (!request)
		return MHD_NO;
	if (httpd->config.head)
		httpd->config.head(httpd->data, request);
	if (!request->answered && is_announced_too_long(request))
		refuse_body(request);
	return request->answered ? queue(request) : MHD_YES;
}

/* Called for the head of a request, for each piece of its body, at its end, and once more after it
 * was resumed. The parameters are libmicrohttpd's. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *data, struct MHD_Connection *mhd, const char *path,
				  const char *method, const char *version, const char *bytes,
				  size_t *length, void **context)
{
	struct httpd_request *request = *context;

	(void)version;
	if (!request)
		return take_head(data, mhd, path, method, (struct httpd_request **)context);
	if (*length) {
		if (!take_body(request, bytes, *length))
			return MHD_NO;
		*length = 0;
		return MHD_YES;
	}
	if (!request->called)
		return request_call(request);
	return queue(request); /* it was resumed: there is an answer, or the client is gone */
}

/* --- what was asked */

const char *httpd_method(const struct httpd_request *request)
{
	return request->method;
}

const char *httpd_path(const struct httpd_request *request)
{
	return request->path;
}

static const char *lookup(const struct httpd_request *request, enum MHD_ValueKind kind,
			  const char *key)
{
	const char *value = NULL;
	size_t length;

	if (MHD_lookup_connection_value_n(request->connection->mhd, kind, key, strlen(key), &value,
					  &length) != MHD_YES)
		return NULL;
	return value ? value : "";
}

const char *httpd_query(const struct httpd_request *request, const char *key)
{
	return lookup(request, MHD_GET_ARGUMENT_KIND, key);
}

struct each_query {
	void (*fn)(void *user, const char *key, const char *value);
	void *user;
};

static enum MHD_Result on_query(void *data, enum MHD_ValueKind kind, const char *key,
				const char *value)
{
	const struct each_query *each = data;

	(void)kind;
	each->fn(each->user, key, value ? value : "");
	return MHD_YES;
}

void httpd_query_each(const struct httpd_request *request,
		      void (*fn)(void *user, const char *key, const char *value), void *user)
{
	struct each_query each = { fn, user };

	MHD_get_connection_values(request->connection->mhd, MHD_GET_ARGUMENT_KIND, on_query, &each);
}

const char *httpd_header(const struct httpd_request *request, const char *name)
{
	return lookup(request, MHD_HEADER_KIND, name);
}

const char *httpd_body(const struct httpd_request *request, size_t *ret_length)
{
	if (ret_length)
		*ret_length = request->body.length;
	return str_get(&request->body);
}

/* Kept with the connection: each request asks for it. */
const char *httpd_peer_address(const struct httpd_request *request)
{
	struct shard_connection *connection = request->connection;
	struct sockaddr_storage storage = { 0 };
	socklen_t size = sizeof(storage);
	char text[NI_MAXHOST] = "";

	if (connection->address)
		return connection->address;
	if (getpeername(connection->fd, (struct sockaddr *)&storage, &size) == 0 &&
	    getnameinfo((struct sockaddr *)&storage, size, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) == 0)
		/* IPv4 on a socket of both */
		connection->address = strdup(strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text);
	return connection->address ? connection->address : "";
}

const char *httpd_peer_name(const struct httpd_request *request)
{
	struct httpd_request *cache = (struct httpd_request *)request;
	void *session = session_of(request->connection->mhd);
	char name[TLS_NAME_MAX];

	if (!session || !request->httpd->client_ca)
		return NULL;
	if (!request->name && tls_client_name(session, name))
		cache->name = strdup(name);
	return request->name;
}

void httpd_request_keep(struct httpd_request *request, void *user,
			void (*gone)(void *user, struct httpd_request *request))
{
	request->kept = true;
	request->user = user;
	request->gone = gone;
}

/* --- answers */

static void add_header(struct MHD_Response *response, const char *line)
{
	CLEANUP_FREE char *name = strdup(line);
	char *value = name ? strchr(name, ':') : NULL;

	if (!value)
		return;
	*value++ = '\0';
	MHD_add_response_header(response, name, value + strspn(value, " "));
}

/* The answer stands: give it to libmicrohttpd, now or when it asks. Without one (no memory) the
 * connection is closed. */
static void answer(struct httpd_request *request, unsigned int status,
		   struct MHD_Response *response, const char *content_type)
{
	if (response && content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	request->response = response;
	request->status = status;
	request->answered = true;
	request->gone = NULL;
	forget_body(request);
	shard_resume(request->connection);
}

void httpd_reply(struct httpd_request *request, unsigned int status, const char *content_type,
		 const char *body, size_t length, const char *const *headers)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_MUST_COPY);

	for (; response && headers && *headers; headers++)
		add_header(response, *headers);
	answer(request, status, response, content_type);
}

/* --- streams */

static ssize_t on_stream_read(void *data, uint64_t position, char *buffer, size_t size)
{
	struct httpd_stream *stream = data;
	size_t left = stream->text.length - stream->sent;

	(void)position;
	if (stream->dead || stream->connection->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (left == 0 && stream->closing)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (left == 0) {
		shard_suspend(stream->connection);
		return 0;
	}
	if (size > left)
		size = left;
	memcpy(buffer, stream->text.text + stream->sent, size);
	stream->sent += size;
	/* thousands of streams wait with nothing to send: give the room back */
	if (stream->sent == stream->text.length) {
		str_deinit(&stream->text);
		stream->text = STR_NULL;
		stream->sent = 0;
	}
	return (ssize_t)size;
}

static void on_stream_free(void *data)
{
	struct httpd_stream *stream = data;

	str_deinit(&stream->text);
	free(stream);
}

struct httpd_stream *httpd_stream_open(struct httpd_request *request, const char *content_type,
				       void (*gone)(void *user, struct httpd_stream *stream),
				       void *user)
{
	struct httpd_stream *stream = calloc(1, sizeof(*stream));
	struct MHD_Response *response = NULL;

	if (stream)
		response = MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, CONNECTION_BYTES, on_stream_read, stream, on_stream_free);
	if (!response) {
		free(stream);
		httpd_reply(request, 500, NULL, "", 0, NULL);
		return NULL;
	}
	stream->httpd = request->httpd;
	stream->connection = request->connection;
	stream->gone = gone;
	stream->user = user;
	request->stream = stream;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	answer(request, 200, response, content_type);
	return stream;
}

/* Cut what was sent already. */
static void stream_compact(struct httpd_stream *stream)
{
	struct str *text = &stream->text;

	if (stream->sent < HTTPD_STREAM_MAX / 4)
		return;
	memmove(text->text, text->text + stream->sent, text->length - stream->sent + 1);
	text->length -= stream->sent;
	stream->sent = 0;
}

int httpd_stream_send(struct httpd_stream *stream, const char *text, size_t length)
{
	if (stream->dead || stream->closing)
		return -ENOBUFS;
	if (stream->text.length - stream->sent + length > HTTPD_STREAM_MAX) {
		stream_kill(stream);
		return -ENOBUFS;
	}
	stream_compact(stream);
	str_add_n(&stream->text, text, length);
	if (stream->text.failed) {
		stream_kill(stream);
		return -ENOBUFS;
	}
	shard_resume(stream->connection);
	return 0;
}

size_t httpd_stream_waiting(const struct httpd_stream *stream)
{
	return stream->text.length - stream->sent;
}

void httpd_stream_close(struct httpd_stream *stream)
{
	stream->closing = true;
	shard_resume(stream->connection);
}

/* --- begin and end */

static struct MHD_Daemon *on_start(void *data, struct shard *shard)
{
	struct httpd *httpd = data;
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, httpd->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, httpd->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
		{ httpd->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  httpd->client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (httpd->certificate)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, httpd, MHD_OPTION_ARRAY, tls,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned int)SHARD_SIZE,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, httpd->config.connection_bytes,
				MHD_OPTION_CONNECTION_TIMEOUT, httpd->config.timeout_seconds,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
				shard, MHD_OPTION_END);
}

static bool has_room(void *data)
{
	struct httpd *httpd = data;

	return shards_count(httpd->shards) < httpd->config.connections_max &&
	       shards_have_room(httpd->shards);
}

static void on_accept(void *data, int take_fd, const struct sockaddr *address, socklen_t size)
{
	struct httpd *httpd = data;

	/* libmicrohttpd sets it only where it sends a whole body */
	set_option(take_fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(take_fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(take_fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_option(take_fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set_option(take_fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
	shards_add(httpd->shards, take_fd, address, size);
}

static int copy_texts(struct httpd *httpd, struct err *err)
{
	const struct httpd_config *config = &httpd->config;

	if (!config->certificate != !config->key)
		return err_set(err, -EINVAL, "a certificate and its key belong together");
	if (!config->certificate)
		return 0;
	httpd->certificate = strdup(config->certificate);
	httpd->key = strdup(config->key);
	if (config->client_ca)
		httpd->client_ca = strdup(config->client_ca);
	if (!httpd->certificate || !httpd->key || (config->client_ca && !httpd->client_ca))
		return err_nomem(err);
	return tls_check_certificate(httpd->certificate, httpd->key, httpd->client_ca, err);
}

int httpd_new(struct loop *loop, const struct httpd_config *config, httpd_fn fn, void *data,
	      struct httpd **ret, struct err *err)
{
	CLEANUP_CLOSE int fd = config->listen_fd;
	struct httpd *httpd = calloc(1, sizeof(*httpd));
	const struct shard_hooks hooks = { on_start, on_gone, httpd };
	int r;

	if (!httpd)
		return err_nomem(err);
	*httpd = (struct httpd){ .loop = loop, .fn = fn, .data = data, .config = *config };
	if (!httpd->config.connection_bytes)
		httpd->config.connection_bytes = CONNECTION_BYTES;
	r = copy_texts(httpd, err);
	if (r == 0)
		r = shards_new(loop, &hooks, &httpd->shards, err);
	if (r == 0 && fd < 0)
		r = listener_bind(config->address, config->port, &fd, err);
	if (r == 0)
		r = listener_new(loop, take_fd(&fd), has_room, on_accept, httpd, &httpd->listener,
				 err);
	if (r < 0) {
		httpd_free(httpd);
		return r;
	}
	*ret = httpd;
	return 0;
}

void httpd_free(struct httpd *httpd)
{
	if (!httpd)
		return;
	httpd->stopping = true;
	listener_free(httpd->listener);
	shards_free(httpd->shards);
	free(httpd->certificate);
	if (httpd->key)
		explicit_bzero(httpd->key, strlen(httpd->key));
	free(httpd->key);
	free(httpd->client_ca);
	free(httpd);
}

uint16_t httpd_port(const struct httpd *httpd)
{
	return listener_port(httpd->listener);
}

unsigned int httpd_connections(const struct httpd *httpd)
{
	return shards_count(httpd->shards);
}
