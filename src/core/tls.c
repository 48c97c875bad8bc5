/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned int)strlen(text) };
}

static int check(gnutls_certificate_credentials_t credentials, const char *certificate,
		 const char *key, const char *client_ca, struct err *err)
{
	const gnutls_datum_t certificate_datum = datum(certificate);
	const gnutls_datum_t key_datum = datum(key);
	gnutls_datum_t ca_datum;
	int r = gnutls_certificate_set_x509_key_mem(credentials, &certificate_datum, &key_datum,
						    GNUTLS_X509_FMT_PEM);

	if (r < 0)
		return err_set(
			err, -EINVAL,
			"the certificate or its key is not usable (%s): both have to be PEM, "
			"and the key that of the first certificate",
			gnutls_strerror(r));
	if (!client_ca)
		return 0;
	ca_datum = datum(client_ca);
	r = gnutls_certificate_set_x509_trust_mem(credentials, &ca_datum, GNUTLS_X509_FMT_PEM);
	if (r <= 0)
		return err_set(err, -EINVAL, "the clients' CA has no usable certificate: %s",
			       r < 0 ? gnutls_strerror(r) : "none is PEM");
	return 0;
}

int tls_check_certificate(const char *certificate, const char *key, const char *client_ca,
			  struct err *err)
{
	gnutls_certificate_credentials_t credentials;
	int r;

	if (gnutls_certificate_allocate_credentials(&credentials) < 0)
		return err_nomem(err);
	r = check(credentials, certificate, key, client_ca, err);
	gnutls_certificate_free_credentials(credentials);
	return r;
}

static int verify(gnutls_session_t session)
{
	gnutls_typed_vdata_st use = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned int count = 0;
	unsigned int status = 0;

	/* without one it may still have a token */
	if (!gnutls_certificate_get_peers(session, &count) || count == 0)
		return 0;
	if (gnutls_certificate_verify_peers(session, &use, 1, &status) < 0 || status != 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return 0;
}

void tls_verify_client(void *session)
{
	gnutls_session_set_verify_function(session, verify);
}

/* One, and all of it a text. */
static bool common_name(gnutls_x509_crt_t certificate, char ret[TLS_NAME_MAX])
{
	size_t size = TLS_NAME_MAX;
	size_t second = 0;

	return gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, ret,
					     &size) == 0 &&
	       strnlen(ret, TLS_NAME_MAX) == size &&
	       gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 1, 0, NULL,
					     &second) == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

bool tls_client_name(void *session, char ret[TLS_NAME_MAX])
{
	gnutls_x509_crt_t certificate;
	const gnutls_datum_t *chain;
	unsigned int count = 0;
	bool is_good;

	ret[0] = '\0';
	chain = gnutls_certificate_get_peers(session, &count);
	if (!chain || count == 0 || verify(session) != 0 || gnutls_x509_crt_init(&certificate) < 0)
		return false;
	is_good = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
		  common_name(certificate, ret) && ret[0];
	gnutls_x509_crt_deinit(certificate);
	if (!is_good)
		ret[0] = '\0';
	return is_good;
}
