/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tls - certificates of a server and of its clients, by GnuTLS.
 *
 * The connection itself is libmicrohttpd's or libcurl's; this is what they leave to their user.
 *
 * Source: RFC 5280; GnuTLS' manual, "Certificate verification".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* TLS 1.2 and newer, and what is sound in them: a text of priorities. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define TLS_NAME_MAX 256

/*
 * Can a server work with these? Texts in PEM.
 * @client_ca  NULL: none
 * Returns: 0; -EINVAL one of them is not usable; -ENOMEM.
 */
int tls_check_certificate(const char *certificate, const char *key, const char *client_ca,
			  struct err *err);

/* Verify the client's certificate within the handshake: one that is not signed for a client by
 * client_ca ends it; a client without one goes on. @session  gnutls_session_t */
void tls_verify_client(void *session);

/* The common name of the client's certificate, which is verified again.
 * Returns: is there one? @ret is "" if not. */
bool tls_client_name(void *session, char ret[TLS_NAME_MAX]);
