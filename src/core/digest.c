/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/digest.h"

#include <errno.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/str.h"

int digest_sha256_hex(const void *data, size_t length, char ret_hex[DIGEST_TEXT])
{
	unsigned char bytes[DIGEST_BYTES];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, length, bytes) < 0)
		return -EIO;
	str_hex(bytes, sizeof(bytes), ret_hex);
	return 0;
}

int digest_mac(const void *key, size_t key_length, const void *data, size_t length,
	       unsigned char ret[DIGEST_BYTES])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_length, data, length, ret) < 0 ? -EIO
											   : 0;
}

int digest_compare(const void *a, const void *b, size_t length)
{
	return gnutls_memcmp(a, b, length);
}
