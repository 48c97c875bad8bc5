/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wanted - what the collector wants of a helper.
 *
 * Each entry says explicitly that something is to be there or to be gone. What is not mentioned is
 * none of the collector's business: an empty document changes nothing, and no answer changes
 * nothing. An entry carries the id of the intent it serves; the helper reports how that goes as an
 * object of kind "intent".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "wire/report.h"

#define WANTED_ENTRIES_MAX 65536
#define WANTED_LISTENERS_MAX 64
#define WANTED_DEVICES_MAX 256
#define WANTED_HOSTS_MAX 4096

enum wanted_kind {
	WANTED_EXPORT,	   /* of a target: make or delete an export */
	WANTED_ACCESS,	   /* of a target: allow a host, or take that back and cut it */
	WANTED_CONNECTION, /* of an initiator */
};

struct wanted_listener {
	const char *transport;
	const char *address;
	const char *service; /* "" the default */
};

/* Decoded, borrowed from the document. Texts are never NULL; a list that is not there is (js_length
 * of it is 0). */
struct wanted_entry {
	enum wanted_kind kind;
	const char *intent;
	bool absent;
	bool force; /* also where it is in use */
	const char *nqn;
	const char *hostnqn; /* of access; of a connection: "" the host's own */
	int64_t expires_ms;  /* of both: by the collector's clock, when the lease is over; 0 none */
	/* of an export */
	bool any_host;
	const struct js *devices;   /* array of texts */
	const struct js *hosts;	    /* array of texts */
	const struct js *listeners; /* array of objects, for wanted_listener_at */
	/* of a connection */
	struct wanted_listener at;
};

struct wanted {
	enum report_role role;
	const char *collector; /* its id: another one's document is no later generation */
	uint64_t generation;
	int64_t time_ms; /* by the collector's clock, when it was sent; 0 not known */
	const struct js *entries;
	size_t count;
};

/* Check the whole document, every entry of it. Returns: 0; -EINVAL. */
int wanted_decode(const struct js *js, struct wanted *ret, struct err *err);
/* @index < count, of a document that was decoded */
void wanted_entry_at(const struct wanted *wanted, size_t index, struct wanted_entry *ret);
void wanted_listener_at(const struct js *listeners, size_t index, struct wanted_listener *ret);

/* For the collector. NULL: out of memory. */
struct js *wanted_encode(const char *collector, enum report_role role, uint64_t generation,
			 struct js *take_entries);
struct js *wanted_entry_encode(const struct wanted_entry *entry);

/* The attributes of a helper's "intent" object about that entry. @state  working, done, failed.
 * @error, @about  in words; "" is left out. NULL: out of memory. */
struct js *wanted_intent_encode(const struct wanted_entry *entry, const char *state,
				const char *error, const char *about);
