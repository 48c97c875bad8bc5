/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask - what nvmet-sunfishctl asks of nvmet-sunfishd, as JSON text of one packet (core/rpc.h).
 *
 *   {"version":1, "request":"verb", "words":[..], "directory":"/root"}   descriptors: standard
 *        output, standard error, one end of a socket pair
 *   {"version":1, "request":"status"}   descriptor: a memfd that gets the answer
 *   {"version":1, "request":"watch"}    each event is then a packet
 *
 * The first answer is {"version":1, "ok":true} or {.., "error":TEXT}. A verb is run in a child of
 * the daemon that has the descriptors: over the socket pair it says ASK_READY, waits for
 * ASK_GO, runs, and sends ASK_ENDED with its exit status in the byte behind. Whoever
 * closes its end before GO calls it off, so that no verb runs twice; and the daemon may die
 * meanwhile without the verb or its command noticing.
 *
 * Pure; what comes from outside is bounded.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/js.h"

#define ASK_VERSION 1
#define ASK_WORDS_MAX 4096
#define ASK_DIRECTORY_MAX 4096

enum ask_kind { ASK_VERB, ASK_STATUS, ASK_WATCH };

enum { ASK_READY = 'R', ASK_GO = 'G', ASK_ENDED = 'E' };

struct ask {
	enum ask_kind kind;
	const struct js *words; /* borrowed from the document; each is a text */
	const char *directory;	/* absolute */
};

/* Returns: a text to be freed; NULL: out of memory, or a word is no UTF-8 and would not arrive as
 * it is. */
char *ask_format(enum ask_kind kind, int n_words, char *const *words, const char *directory);

/* Check a document and fill @ret from it. Returns: 0; -EINVAL; -EPROTONOSUPPORT another version. */
int ask_parse(const struct js *js, struct ask *ret, struct err *err);
