/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dhchap - secrets of in-band authentication (DH-HMAC-CHAP).
 *
 * The kernel checks the prefix only; with a damaged key the host just fails to connect. So the
 * length and the checksum are checked here, before anything is written. No text of an error has
 * a key in it, or a part of one. Who holds a key clears it (explicit_bzero).
 *
 * Source: NVM Express Base Specification 2.0, 8.13.5.8 "Secret representation"; RFC 4648.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DHCHAP_KEY_MAX 128 /* the longest key has 103 bytes */

/* Is it DHHC-1:HH:BASE64: with a length that suits HH and the right CRC? Returns: 0; -EINVAL. */
int dhchap_check(const char *key, struct err *err);

/* The same, and what it holds. @ret_hash  0 none, 1 to 3: SHA-256, -384, -512. @ret_secret is to be
 * cleared. Returns: 0; -EINVAL. */
int dhchap_decode(const char *key, unsigned int *ret_hash, uint8_t ret_secret[64],
		  size_t *ret_length, struct err *err);

/*
 * Read and check the key in the first line of a file. Refused unless it is a regular file of
 * root or of this process's user, and nobody else can read or write it.
 * @path  relative to @dirfd unless it begins with '/'
 * Returns: 0, the key in @ret; -EPERM others can get at it; -EINVAL no key, or no regular file;
 * -ENOENT; other negative errno of open and read.
 */
int dhchap_read_file(int dirfd, const char *path, char ret[DHCHAP_KEY_MAX], struct err *err);
