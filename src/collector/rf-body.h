/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-body - members of the body of a POST or PATCH, of the type that they must have.
 *
 * What is of another type becomes a problem, in which the value itself is never said: it may be a
 * secret.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "redfish/rf-service.h"

/* Of a POST: is all of it in @known, up to a NULL? Annotations are left alone. Returns: 0; -EBADMSG
 * with PropertyUnknown. */
int rf_body_check(struct rf_call *call, const char *const *known);

/* Returns: 1 it is there; 0 it is not; -EBADMSG. */
int rf_body_text(struct rf_call *call, const char *key, const char **ret);
int rf_body_bool(struct rf_call *call, const char *key, bool *ret);
int rf_body_number(struct rf_call *call, const char *key, int64_t min, int64_t max, int64_t *ret);
/* A text that is needed. Returns: 0; -EBADMSG. */
int rf_body_need(struct rf_call *call, const char *key, const char **ret);
