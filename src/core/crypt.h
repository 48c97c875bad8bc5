/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crypt - what authentication and keys of NVMe-oF need of cryptography: hashes, HMAC, random bytes
 * by GnuTLS; Diffie-Hellman in the groups of RFC 7919 by GnuTLS' primes and GMP.
 *
 * Nothing here knows a protocol. Who gets a secret clears it (explicit_bzero).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The numbers are those of the NVMe specification for DH-HMAC-CHAP. */
enum crypt_hash { CRYPT_SHA256 = 1, CRYPT_SHA384 = 2, CRYPT_SHA512 = 3 };
#define CRYPT_HASH_MAX 64
enum crypt_group {
	CRYPT_FFDHE2048 = 1,
	CRYPT_FFDHE3072,
	CRYPT_FFDHE4096,
	CRYPT_FFDHE6144,
	CRYPT_FFDHE8192
};
#define CRYPT_GROUP_MAX 1024 /* bytes of a value */

size_t crypt_hash_size(enum crypt_hash hash); /* 0: no such hash */

/* All return: 0; -EIO the library cannot. */
int crypt_hash(enum crypt_hash hash, const void *bytes, size_t length, uint8_t *out);
/* Of all parts, one after the other. */
int crypt_hmac(enum crypt_hash hash, const void *key, size_t key_length, const struct iovec *parts,
	       size_t n, uint8_t *out);
int crypt_random(void *bytes, size_t length);
/* In a time that does not tell where they differ. */
bool crypt_is_equal(const void *a, const void *b, size_t length);

#define CRYPT_DH_SECRET 64

size_t crypt_dh_size(enum crypt_group group); /* 0: no such group */
/* A pair: @ret_public has crypt_dh_size bytes. Returns: 0; -EIO; -EINVAL no such group. */
int crypt_dh_make(enum crypt_group group, uint8_t ret_secret[CRYPT_DH_SECRET], uint8_t *ret_public);
/* What both have, crypt_dh_size bytes. Returns: 0; -EINVAL the peer's value is none of the group
 * that is safe. */
int crypt_dh_shared(enum crypt_group group, const uint8_t secret[CRYPT_DH_SECRET],
		    const uint8_t *peer, size_t peer_length, uint8_t *ret);
