/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export-key - the keys of an export's file and the kernel's attributes they stand for.
 *
 * The one table that both the parser and the writer of export.h go by, so that what one writes
 * the other reads.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "target/model.h"

/* What a value is in the file. */
enum export_type {
	EXPORT_GROUPS, /* structure, or an object's name: no attribute */
	EXPORT_TEXT,
	EXPORT_BOOL,
	EXPORT_INT,
	EXPORT_HEX,	/* a number that is written as 0x.. */
	EXPORT_PORT,	/* a number, or a text for what is no IP */
	EXPORT_SWITCH,	/* 0 and 1 are false and true, all else a text */
	EXPORT_ENABLED, /* true if it is not said */
	EXPORT_TLS,	/* tsas and treq in one word */
	EXPORT_FAMILY,	/* said only if it does not follow from the address */
	EXPORT_FILE,	/* a key file: ours, not the kernel's */
};

struct export_key {
	enum model_kind kind; /* of the object whose group it stands in */
	enum export_type type;
	const char *key;
	const char *attr; /* NULL for EXPORT_GROUPS */
};

#define EXPORT_ATTRIBUTES "attributes" /* the list of those that have no key */

/* The keys of a kind in the order in which they are written: the index-th, or NULL. */
const struct export_key *export_key_at(enum model_kind kind, unsigned int index);

/* By the file's key, by the kernel's attribute; NULL if there is none. */
const struct export_key *export_key_find(enum model_kind kind, const char *key);
const struct export_key *export_key_of(enum model_kind kind, const char *attr);

/* The key that was probably meant, NULL if none is near. */
const struct export_key *export_key_nearest(enum model_kind kind, const char *key);

/* Add all keys of a kind: "nqn, serial, .." */
void export_key_list(enum model_kind kind, struct str *text);

/* The addr_adrfam that follows from transport and address; NULL if none does. */
const char *export_family_of(const char *trtype, const char *traddr);
