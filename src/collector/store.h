/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store - what the collector must not lose, in one SQLite file.
 *
 * The event log is the truth: a source and its objects are written now and then, as the state after
 * an event, and what came later is in the log. So a report costs one row. Documents of intents,
 * tokens and what is wanted of the helpers are here as well. All that is written between
 * store_begin and store_commit is there after a loss of power, or none of it is: the journal is a
 * WAL and synchronous is FULL, as with NORMAL the last transactions may be lost although they were
 * committed. A write outside a transaction is refused with -EPROTO: the caller forgot commit.h.
 *
 * Nothing here knows what a document means. Texts are borrowed for the call.
 * Source: sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;

/* Open or make it; what an earlier version made is brought up to date. What is there and damaged is
 * never made anew.
 * @path  ":memory:" for tests
 * Returns: 0, *ret owned; -EBUSY another process has it; -EBADMSG it is damaged, no such file, or
 * of a later version; -ENOSPC; -EIO; -ENOMEM. */
int store_open(const char *path, struct store **ret, struct err *err);
void store_close(struct store *store);

/* Returns: 0; -ENOSPC the disk is full; -EIO; -ENOMEM. Of commit: nothing was written then. */
int store_begin(struct store *store, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);
bool store_is_writing(const struct store *store);

/* All below that write return: 0; -EPROTO outside a transaction; -ENOSPC; -EIO; -ENOMEM. */

/* --- documents: a text by key, such as "attachment/a-9" */

int store_doc_put(struct store *store, const char *key, const char *text, struct err *err);
int store_doc_delete(struct store *store, const char *key, struct err *err);
/* Called for each document whose key begins with @prefix, in the order of keys. Returns: 0; what
 * @fn returned if it is not 0; negative errno. */
typedef int (*store_doc_fn)(void *data, const char *key, const char *text);
int store_doc_each(struct store *store, const char *prefix, store_doc_fn fn, void *data,
		   struct err *err);

/* --- helpers and their objects */

/* One program on one host. */
struct store_source {
	int64_t row; /* 0: a new one */
	const char *node;
	int role;
	const char *name;
	const char *boot;
	uint64_t seq; /* all events of @boot up to this are in the store */
	const char *program;
	const char *address;
	int64_t interval_ms;
	int64_t heard_ms;    /* wall clock */
	uint64_t generation; /* of what is wanted of it */
	int64_t event;	     /* id: what is stored here is the state after it */
	int lost;	     /* its lease was over */
};

/* Insert or update. @ret_row  may be NULL */
int store_source_put(struct store *store, const struct store_source *source, int64_t *ret_row,
		     struct err *err);
/* With all that belongs to it but its events. */
int store_source_delete(struct store *store, int64_t row, struct err *err);
typedef int (*store_source_fn)(void *data, const struct store_source *source);
/* @row  0: each */
int store_source_each(struct store *store, int64_t row, store_source_fn fn, void *data,
		      struct err *err);

/* @attrs  JSON */
int store_object_put(struct store *store, int64_t source, const char *kind, const char *id,
		     const char *attrs, struct err *err);
int store_object_delete(struct store *store, int64_t source, const char *kind, const char *id,
			struct err *err);
typedef int (*store_object_fn)(void *data, int64_t source, const char *kind, const char *id,
			       const char *attrs);
/* In the order of source, kind, id. @source  0: of each */
int store_object_each(struct store *store, int64_t source, store_object_fn fn, void *data,
		      struct err *err);

/* What is wanted of a helper: one entry for each intent. */
int store_want_put(struct store *store, int64_t source, const char *intent, const char *entry,
		   struct err *err);
int store_want_delete(struct store *store, int64_t source, const char *intent, struct err *err);
typedef int (*store_want_fn)(void *data, int64_t source, const char *intent, const char *entry);
int store_want_each(struct store *store, int64_t source, store_want_fn fn, void *data,
		    struct err *err);

/* --- events */

struct store_event {
	int64_t id;	     /* ascending without a gap */
	int64_t received_ms; /* wall clock of the collector */
	int64_t time_ms;     /* of the sender */
	const char *node;    /* id and name; "" of the collector itself */
	const char *name;
	int role; /* enum report_role; -1 of the collector itself */
	const char *boot;
	uint64_t seq; /* 0: made by the collector */
	const char *type;
	const char *kind;
	const char *object_id;
	const char *cause;
	const char *object; /* JSON; NULL none */
};

/* @event->id is set. */
int store_event_add(struct store *store, struct store_event *event, struct err *err);
typedef int (*store_event_fn)(void *data, const struct store_event *event);
/* Those from @after + 1 up to @until, oldest first. Returns: 0; what @fn returned if it is not 0;
 * negative errno. */
int store_event_each(struct store *store, int64_t after, int64_t until, store_event_fn fn,
		     void *data, struct err *err);
/* Delete those up to that id. */
int store_event_prune(struct store *store, int64_t until, struct err *err);
/* When the first event from @id on was received, wall clock; 0: there is none. */
int64_t store_event_received(struct store *store, int64_t id);
/* The newest id that was given, and the oldest that is kept; 0 if there is none. */
int64_t store_event_newest(const struct store *store);
int64_t store_event_oldest(const struct store *store);

/* --- tokens */

struct store_token {
	const char *name; /* of the node or person */
	int right;	  /* enum auth_right */
	const char *hash; /* hex */
	int64_t created_ms;
};

int store_token_put(struct store *store, const struct store_token *token, struct err *err);
int store_token_delete(struct store *store, const char *name, struct err *err);
typedef int (*store_token_fn)(void *data, const struct store_token *token);
int store_token_each(struct store *store, store_token_fn fn, void *data, struct err *err);

/* --- of itself */

/* A random id, made with the file. */
const char *store_id(const struct store *store);
/* Was it made by store_open? */
bool store_is_new(const struct store *store);
/* Bytes in use, without what is free within the file; 0: it cannot be told. */
int64_t store_used_bytes(struct store *store);
/* In a transaction: give a step of what is free, and not soon needed again, back to the disk.
 * Returns: as above. */
int store_shrink(struct store *store, struct err *err);
/* Bytes of the file and its WAL. */
int64_t store_bytes(const struct store *store);
