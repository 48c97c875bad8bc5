/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-message - the messages of the message registries that we send, and how one is put into JSON.
 *
 * Keys, the order of arguments and severities are those of DMTF's registries; the words are ours.
 * Source: DSP0268, DSP8011 (Base 1.19, ResourceEvent 1.4, Fabric 1.0, StorageDevice 1.5,
 * NetworkDevice 1.1, HeartbeatEvent 1.1, TaskEvent 1.0).
 */
#pragma once

#include <stddef.h>

#include "base/js.h"

#define RF_MESSAGE_ARGS_MAX 4

enum rf_severity { RF_OK, RF_WARNING, RF_CRITICAL };

struct rf_message {
	const char *registry; /* "Base.1.19" */
	const char *key;      /* "PropertyMissing" */
	enum rf_severity severity;
	unsigned int n_args;
	unsigned int status;	/* of HTTP, where it is the cause of an error; else 0 */
	const char *text;	/* with %1 .. %4 */
	const char *resolution; /* what to do, if nobody knows better */
};

/* @name  "PropertyMissing" for one of Base, else with its registry:
 * "ResourceEvent.ResourceCreated". NULL: we have no such message. */
const struct rf_message *rf_message_find(const char *name);

/* All of them, those of a registry together. */
size_t rf_message_count(void);
const struct rf_message *rf_message_at(size_t index);

/* {"@odata.type", "MessageId", "Message", "MessageArgs", "MessageSeverity", "Resolution"}; the
 * caller adds to it. @args  as many as the message has. @resolution  NULL: that of the message.
 * NULL: out of memory. */
struct js *rf_message_js(const struct rf_message *message, const char *const *args,
			 const char *resolution);
/* OK, Warning, Critical */
const char *rf_severity_word(enum rf_severity severity);
