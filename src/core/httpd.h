/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * httpd - an HTTP/1.1 server on the loop, with or without TLS.
 *
 * libmicrohttpd does the protocol. A request is handed over whole (its body is bounded) and is
 * answered at once or later; an answer may also be a stream without an end (server-sent events).
 * Made for 10,000 connections that are mostly idle: what one costs is bounded by the
 * configuration. Nothing here knows routes or rights.
 *
 * Source: libmicrohttpd's manual; RFC 9110, 9112.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"

struct httpd;
struct httpd_request;
struct httpd_stream;

/* Called with a whole request. Answer with httpd_reply or httpd_stream_open, now, or later after
 * httpd_request_keep: what is neither answered nor kept is answered with 500. */
typedef void (*httpd_fn)(void *data, struct httpd_request *request);

struct httpd_config {
	const char *address; /* numeric */
	uint16_t port;	     /* 0: any, see httpd_port */
	int listen_fd;	     /* a passed socket, owned; -1: make one of the above */
	/* Texts in PEM; all NULL: no TLS */
	const char *certificate;
	const char *key;
	const char *client_ca; /* NULL: certificates of clients are not asked for */
	unsigned int connections_max;
	size_t body_max;	      /* longer ones are answered with 413 */
	size_t connection_bytes;      /* a request's head fits into 3/4 of it; 0: 4096 */
	unsigned int timeout_seconds; /* of an idle connection; 0: none */
	/* NULL: none. Called for the head of a request, before its body is read: answer it at once
	 * with httpd_reply, and no body is taken; or do nothing, and it goes on. */
	httpd_fn head;
};

/* Texts are borrowed; config->listen_fd is taken. Returns: 0, *ret owned; -EADDRINUSE; -EINVAL
 * certificate or key is none; other negative errno. */
int httpd_new(struct loop *loop, const struct httpd_config *config, httpd_fn fn, void *data,
	      struct httpd **ret, struct err *err);
/* All requests are gone then, without a call. */
void httpd_free(struct httpd *httpd);
uint16_t httpd_port(const struct httpd *httpd);
unsigned int httpd_connections(const struct httpd *httpd);

/* --- what was asked; borrowed until it is answered */
const char *httpd_method(const struct httpd_request *request);
const char *httpd_path(const struct httpd_request *request);		       /* without ?query */
const char *httpd_query(const struct httpd_request *request, const char *key); /* or NULL */
/* Each of the query, in its order; @value  "" for none */
void httpd_query_each(const struct httpd_request *request,
		      void (*fn)(void *user, const char *key, const char *value), void *user);
const char *httpd_header(const struct httpd_request *request, const char *name); /* or NULL */
const char *httpd_body(const struct httpd_request *request, size_t *ret_length); /* never NULL */
const char *httpd_peer_address(const struct httpd_request *request);
/* The common name of the client's certificate, verified against client_ca; NULL: none. */
const char *httpd_peer_name(const struct httpd_request *request);

/* --- for whoever answers later */
/* @gone is called if the client goes before it was answered: forget @request then. Who closes only
 * the half it sends on is gone, too: that is not told from the whole. @gone may be NULL, but then
 * answer within the function. */
void httpd_request_keep(struct httpd_request *request, void *user,
			void (*gone)(void *user, struct httpd_request *request));

/* Answer. @body is copied. @headers  "Name: value" texts, NULL-terminated; or NULL. The request is
 * gone afterwards. */
void httpd_reply(struct httpd_request *request, unsigned int status, const char *content_type,
		 const char *body, size_t length, const char *const *headers);

/* Begin an answer without an end. The request is gone afterwards. @gone is called once, when the
 * client goes (or reads too slowly, or httpd_stream_close was called), never from within a call of
 * these: the stream is freed after.
 * Returns: the stream; NULL: out of memory (the request is answered with 500). */
struct httpd_stream *httpd_stream_open(struct httpd_request *request, const char *content_type,
				       void (*gone)(void *user, struct httpd_stream *stream),
				       void *user);
/* Queue text. Returns: 0; -ENOBUFS more than @HTTPD_STREAM_MAX waits: the stream is closed. */
int httpd_stream_send(struct httpd_stream *stream, const char *text, size_t length);
/* Bytes that wait for the client to read. */
size_t httpd_stream_waiting(const struct httpd_stream *stream);
void httpd_stream_close(struct httpd_stream *stream);

#define HTTPD_STREAM_MAX (1u << 20)
