/* SPDX-License-Identifier: BSD-3-Clause */
/* token - the first token of an administrator, as a file for root on the collector's host. */
#pragma once

#include "base/err.h"

struct collector;

#define TOKEN_FILE "admin.token"

/* If no administrator has a token, or @dirfd has no such file, make one there (0600), named "root".
 * Returns: 0; negative errno. */
int token_need(struct collector *collector, int dirfd, struct err *err);
