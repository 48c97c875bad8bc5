/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-account-hash - passwords are hashed in children beside the loop, few at a time.
 *
 * Two run at once, more wait, and of those there is a bound: whoever sends passwords cannot take
 * more of the host than that.
 */
#pragma once

#include "base/err.h"
#include "core/loop.h"

#define HASHER_WAITING_MAX 32

struct hasher;

/* Returns: NULL out of memory. */
struct hasher *hasher_new(struct loop *loop);
/* What runs is forgotten: @done is called with -ECANCELED, to free what it has. */
void hasher_free(struct hasher *hasher);

/* @code  0; -EACCES the password is not that of the hash; -EIO it could not be found out
 * @hash  of a new one */
typedef void (*hasher_fn)(void *data, int code, const char *hash);

/*
 * @hash  to compare with; NULL: make one
 * Returns: 0, @done is called later; -EAGAIN too many wait; -ENOMEM.
 */
int hasher_start(struct hasher *hasher, const char *password, const char *hash, hasher_fn done,
		 void *data);
