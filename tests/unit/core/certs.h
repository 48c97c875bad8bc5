/* SPDX-License-Identifier: BSD-3-Clause */
/* certs - certificates for tests, made when they run. */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tests/unit/unit.h"

#define CERTS_TEXT_MAX 4096

struct certs_pair {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
	char certificate_text[CERTS_TEXT_MAX]; /* PEM */
	char key_text[CERTS_TEXT_MAX];
};

static inline void certs_export(struct certs_pair *pair)
{
	size_t size = CERTS_TEXT_MAX;

	assert_int_equal(gnutls_x509_crt_export(pair->certificate, GNUTLS_X509_FMT_PEM,
						pair->certificate_text, &size),
			 0);
	pair->certificate_text[size] = '\0';
	size = CERTS_TEXT_MAX;
	assert_int_equal(
		gnutls_x509_privkey_export(pair->key, GNUTLS_X509_FMT_PEM, pair->key_text, &size),
		0);
	pair->key_text[size] = '\0';
}

/* @ca       NULL: it signs itself, and is one
 * @purpose  GNUTLS_KP_TLS_WWW_CLIENT or _SERVER, which gets the address 127.0.0.1 too */
static inline void certs_make(struct certs_pair *pair, const char *name,
			      const struct certs_pair *ca, const char *purpose)
{
	static unsigned char serial;
	static const unsigned char loopback[] = { 127, 0, 0, 1 };
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;

	serial++;
	assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(
		gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	pair->certificate = certificate;
	pair->key = key;
	gnutls_x509_crt_set_version(certificate, 3);
	gnutls_x509_crt_set_key(certificate, key);
	gnutls_x509_crt_set_serial(certificate, &serial, 1);
	gnutls_x509_crt_set_activation_time(certificate, time(NULL) - 3600);
	gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + 86400);
	gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned int)strlen(name));
	gnutls_x509_crt_set_basic_constraints(certificate, ca ? 0 : 1, -1);
	gnutls_x509_crt_set_key_usage(certificate,
				      ca ? GNUTLS_KEY_DIGITAL_SIGNATURE : GNUTLS_KEY_KEY_CERT_SIGN);
	if (purpose)
		gnutls_x509_crt_set_key_purpose_oid(certificate, purpose, 0);
	if (purpose && strcmp(purpose, GNUTLS_KP_TLS_WWW_SERVER) == 0)
		gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, loopback,
						     sizeof(loopback), GNUTLS_FSAN_SET);
	assert_int_equal(gnutls_x509_crt_sign2(certificate, ca ? ca->certificate : certificate,
					       ca ? ca->key : key, GNUTLS_DIG_SHA256, 0),
			 0);
	certs_export(pair);
}

static inline void certs_free(struct certs_pair *pair)
{
	gnutls_x509_crt_deinit(pair->certificate);
	gnutls_x509_privkey_deinit(pair->key);
}
