/* SPDX-License-Identifier: BSD-3-Clause */
/* digest - SHA-256 and its MAC, by GnuTLS. */
#pragma once

#include <stddef.h>

#define DIGEST_BYTES 32
#define DIGEST_TEXT (2 * DIGEST_BYTES + 1)

/* @ret_hex  in lower case. Returns: 0; -EIO GnuTLS cannot do it. */
int digest_sha256_hex(const void *data, size_t length, char ret_hex[DIGEST_TEXT]);

/* HMAC. Returns: as above. */
int digest_mac(const void *key, size_t key_length, const void *data, size_t length,
	       unsigned char ret[DIGEST_BYTES]);

/* Compare in a time that does not tell where they differ. Returns: 0 equal, else not. */
int digest_compare(const void *a, const void *b, size_t length);
