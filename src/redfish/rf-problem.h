/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-problem - what is wrong with a request, as a list of messages: the body of an error, or the
 * @Message.ExtendedInfo of an answer that did a part.
 *
 * Source: DSP0266 8.6 (error responses).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"

#define RF_PROBLEMS_MAX 32 /* more are not told */

struct rf_problems {
	struct js *list;     /* of messages; NULL none */
	unsigned int status; /* of the first; 0 none */
	bool failed;	     /* out of memory: 500 */
};

#define RF_PROBLEMS_NULL ((struct rf_problems){ 0 })
void rf_problems_deinit(struct rf_problems *problems);
#define CLEANUP_RF_PROBLEMS __attribute__((cleanup(rf_problems_deinit)))

struct rf_problem {
	const char *key;	/* of rf_message_find */
	const char *args[4];	/* as many as the message has */
	const char *related;	/* JSON pointer, "#/VolumeInfo"; NULL none */
	const char *resolution; /* cause and cure; NULL: that of the message */
	unsigned int status;	/* 0: that of the message */
};
/* Returns: -EBADMSG, so that a handler can return it; that is what becomes an error answer. */
int rf_problem_add(struct rf_problems *problems, const struct rf_problem *problem);
/* The usual one: a key, a property and perhaps a value in the order of that message; the pointer
 * is made of the property. */
int rf_problem_property(struct rf_problems *problems, const char *key, const char *property,
			const char *value, const char *resolution);
/* Of a negative errno and its words: -EEXIST ResourceAlreadyExists .. (redfish.md 3.2). */
int rf_problem_errno(struct rf_problems *problems, const struct err *err);

/* {"error":{"code","message","@Message.ExtendedInfo":[]}}; NULL: out of memory. */
struct js *rf_problems_body(const struct rf_problems *problems);
