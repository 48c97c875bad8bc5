/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * password - hashes of passwords, by yescrypt of libcrypt.
 *
 * Each takes about a tenth of a second and some MiB, on purpose: on a loop it is done in a child.
 *
 * Source: crypt(3), crypt(5).
 */
#pragma once

#include <stdbool.h>

#define PASSWORD_HASH_MAX 128

/* @ret_hash  with its parameters and salt, new each time. Returns: 0; -EINVAL longer than libcrypt
 * takes; -EIO there is no yescrypt, or no random bytes; -ENOMEM. */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_MAX]);
/* Is it the password of that hash? Compared in constant time. */
bool password_is(const char *password, const char *hash);
/* One that no password has, but that takes as long to compare with. Returns: 0; -EIO. */
int password_nobody(char ret_hash[PASSWORD_HASH_MAX]);
