/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#define SCHEMA_VERSION 2
#define ID_BYTES 16
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

/* The file is ours alone (EXCLUSIVE), which also saves the shared memory of the WAL. */
static const char setup_sql[] = "PRAGMA locking_mode=EXCLUSIVE;"
				"PRAGMA auto_vacuum=INCREMENTAL;" /* before anything is written */
				"PRAGMA journal_mode=WAL;"
				"PRAGMA synchronous=FULL;"
				"PRAGMA temp_store=MEMORY;"
				"PRAGMA cache_size=-8192;"
				"PRAGMA journal_size_limit=67108864;"
				"PRAGMA trusted_schema=OFF;";

static const char schema_sql[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE own (id TEXT NOT NULL);"
	"CREATE TABLE doc (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE source (row INTEGER PRIMARY KEY, node TEXT NOT NULL, role INTEGER NOT NULL,"
	" name TEXT NOT NULL, boot TEXT NOT NULL, seq INTEGER NOT NULL, program TEXT NOT NULL,"
	" address TEXT NOT NULL, interval INTEGER NOT NULL, heard INTEGER NOT NULL,"
	" generation INTEGER NOT NULL, event INTEGER NOT NULL, lost INTEGER NOT NULL,"
	" UNIQUE (node, role));"
	"CREATE TABLE object (source INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,"
	" attrs TEXT NOT NULL, PRIMARY KEY (source, kind, id)) WITHOUT ROWID;"
	"CREATE TABLE want (source INTEGER NOT NULL, intent TEXT NOT NULL, entry TEXT NOT NULL,"
	" PRIMARY KEY (source, intent)) WITHOUT ROWID;"
	"CREATE TABLE event (id INTEGER PRIMARY KEY, received INTEGER NOT NULL,"
	" time INTEGER NOT NULL, node TEXT NOT NULL, name TEXT NOT NULL, role INTEGER NOT NULL,"
	" boot TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,"
	" object_id TEXT NOT NULL, cause TEXT NOT NULL, object TEXT);"
	"CREATE TABLE token (name TEXT PRIMARY KEY, rights INTEGER NOT NULL, hash TEXT NOT NULL,"
	" created INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO own VALUES (lower(hex(randomblob(16))));"
	"PRAGMA user_version=" STRINGIFY(SCHEMA_VERSION) ";"
							 "COMMIT;";

/* From one version to the next. Each may be run again: a crash in it leaves the version as it was.
 */
static const char *const migrations[SCHEMA_VERSION] = {
	/* what the log of events no longer needs goes back to the disk */
	[1] = "PRAGMA auto_vacuum=INCREMENTAL; VACUUM; PRAGMA user_version=2;",
};

/* The look at its pages at the start may take so long; the rest is seen when it is read. */
#define CHECK_MS 2000
/* Free pages that are kept, since the log needs them again: one of so many, */
#define FREE_PART 8
/* and at least these; so many go in one transaction. */
#define FREE_MIN 256
#define FREE_STEP 512

enum query {
	BEGIN,
	COMMIT,
	ROLLBACK,
	DOC_PUT,
	DOC_DELETE,
	DOC_EACH,
	SOURCE_PUT,
	SOURCE_DELETE,
	SOURCE_DELETE_OBJECTS,
	SOURCE_DELETE_WANTS,
	SOURCE_EACH,
	OBJECT_PUT,
	OBJECT_DELETE,
	OBJECT_EACH,
	WANT_PUT,
	WANT_DELETE,
	WANT_EACH,
	EVENT_ADD,
	EVENT_EACH,
	EVENT_PRUNE,
	TOKEN_PUT,
	TOKEN_DELETE,
	TOKEN_EACH,
	N_QUERIES,
};

/* A source that is asked for as ?1 = 0 is every one. */
static const char *const sql[N_QUERIES] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[DOC_PUT] = "INSERT OR REPLACE INTO doc VALUES (?,?)",
	[DOC_DELETE] = "DELETE FROM doc WHERE key=?",
	[DOC_EACH] = "SELECT key, text FROM doc WHERE key>=?1 AND substr(key,1,length(?1))=?1"
		     " ORDER BY key",
	[SOURCE_PUT] = "INSERT OR REPLACE INTO source VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[SOURCE_DELETE] = "DELETE FROM source WHERE row=?",
	[SOURCE_DELETE_OBJECTS] = "DELETE FROM object WHERE source=?",
	[SOURCE_DELETE_WANTS] = "DELETE FROM want WHERE source=?",
	[SOURCE_EACH] = "SELECT row, node, role, name, boot, seq, program, address, interval,"
			" heard, generation, event, lost FROM source WHERE row BETWEEN ? AND ?",
	[OBJECT_PUT] = "INSERT OR REPLACE INTO object VALUES (?,?,?,?)",
	[OBJECT_DELETE] = "DELETE FROM object WHERE source=? AND kind=? AND id=?",
	[OBJECT_EACH] = "SELECT source, kind, id, attrs FROM object WHERE source BETWEEN ? AND ?"
			" ORDER BY source, kind, id",
	[WANT_PUT] = "INSERT OR REPLACE INTO want VALUES (?,?,?)",
	[WANT_DELETE] = "DELETE FROM want WHERE source=? AND intent=?",
	[WANT_EACH] = "SELECT source, intent, entry FROM want WHERE source BETWEEN ? AND ?"
		      " ORDER BY source, intent",
	[EVENT_ADD] = "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[EVENT_EACH] = "SELECT id, received, time, node, name, role, boot, seq, type, kind,"
		       " object_id, cause, object FROM event WHERE id>? AND id<=? ORDER BY id",
	[EVENT_PRUNE] = "DELETE FROM event WHERE id<=?",
	[TOKEN_PUT] = "INSERT OR REPLACE INTO token VALUES (?,?,?,?)",
	[TOKEN_DELETE] = "DELETE FROM token WHERE name=?",
	[TOKEN_EACH] = "SELECT name, rights, hash, created FROM token ORDER BY name",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[N_QUERIES];
	char *path;
	char id[2 * ID_BYTES + 1];
	bool is_new;
	bool writing;
	int64_t newest; /* event */
	int64_t oldest;
	int64_t next_row; /* of a source */
	/* as they were when the transaction began */
	int64_t newest_before;
	int64_t oldest_before;
	int64_t next_row_before;
};

/* --- errors */

static int code_of(struct store *store, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EBADMSG;
	default:
		/* SQLite calls it an I/O error if the WAL cannot grow */
		return sqlite3_system_errno(store->db) == ENOSPC ? -ENOSPC : -EIO;
	}
}

static int fail(struct store *store, int rc, struct err *err)
{
	int code = code_of(store, rc);
	const char *message = sqlite3_errmsg(store->db);

	switch (code) {
	case -ENOSPC:
		return err_set(err, code, "%s: the disk is full (%s)", store->path, message);
	case -EBUSY:
		return err_set(err, code, "%s is in use by another process", store->path);
	case -EBADMSG:
		return err_set(
			err, code,
			"%s is damaged, or no store of the collector (%s): put a copy in its "
			"place, or move it away to begin anew; see sunfish-collectord(8)",
			store->path, message);
	default:
		return err_set(err, code, "%s: %s", store->path, message);
	}
}

/* --- statements */

/* @format  one letter for each value: t text, i number (int64_t) */
static int bind(sqlite3_stmt *statement, const char *format, va_list args)
{
	int rc = SQLITE_OK;
	int i;

	for (i = 0; format[i] && rc == SQLITE_OK; i++) {
		if (format[i] == 't')
			rc = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1,
					       SQLITE_STATIC);
		else
			rc = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
	}
	return rc;
}

static int prepare(struct store *store, enum query query)
{
	if (store->statements[query])
		return SQLITE_OK;
	return sqlite3_prepare_v3(store->db, sql[query], -1, SQLITE_PREPARE_PERSISTENT,
				  &store->statements[query], NULL);
}

static void done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

/* One that gives no rows. */
static int run(struct store *store, enum query query, struct err *err, const char *format, ...)
{
	int rc = prepare(store, query);
	va_list args;
	int r = 0;

	if (rc == SQLITE_OK) {
		va_start(args, format);
		rc = bind(store->statements[query], format, args);
		va_end(args);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_step(store->statements[query]);
	if (rc != SQLITE_DONE)
		r = fail(store, rc, err);
	done(store->statements[query]);
	return r;
}

typedef int (*row_fn)(sqlite3_stmt *row, void *fn, void *data);

/* @fn of @row is called for each row. */
static int each(struct store *store, enum query query, row_fn row, void *fn, void *data,
		struct err *err, const char *format, ...)
{
	sqlite3_stmt *statement = NULL;
	int rc;
	va_list args;
	int r = 0;

	/* its own statement: @fn may ask the same again */
	rc = sqlite3_prepare_v2(store->db, sql[query], -1, &statement, NULL);
	if (rc == SQLITE_OK) {
		va_start(args, format);
		rc = bind(statement, format, args);
		va_end(args);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	while (rc == SQLITE_ROW && r == 0) {
		r = row(statement, fn, data);
		if (r == 0)
			rc = sqlite3_step(statement);
	}
	if (r == 0 && rc != SQLITE_DONE)
		r = fail(store, rc, err);
	sqlite3_finalize(statement);
	return r;
}

static int need_transaction(const struct store *store, struct err *err)
{
	if (!store->writing)
		return err_set(err, -EPROTO, "nothing may be stored outside a transaction");
	return 0;
}

/* A write: needs a transaction. */
#define WRITE(store, query, err, ...)                                                              \
	({                                                                                         \
		int _r = need_transaction(store, err);                                             \
		_r < 0 ? _r : run(store, query, err, __VA_ARGS__);                                 \
	})

static const char *text_at(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

/* --- open */

static int get_number(struct store *store, const char *query, int64_t *ret, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(store->db, query, -1, &statement, NULL);
	int r = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	else
		r = fail(store, rc, err);
	sqlite3_finalize(statement);
	return r;
}

static int get_id(struct store *store, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(store->db, "SELECT id FROM own", -1, &statement, NULL);
	int r = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		strncpy(store->id, text_at(statement, 0), sizeof(store->id) - 1);
	else
		r = rc == SQLITE_DONE ? err_set(err, -EBADMSG, "%s has no id", store->path)
				      : fail(store, rc, err);
	sqlite3_finalize(statement);
	return r;
}

static int exec(struct store *store, const char *text, struct err *err)
{
	int rc = sqlite3_exec(store->db, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(store, rc, err);
}

static int migrate(struct store *store, int64_t version, struct err *err)
{
	int r = 0;

	for (; version < SCHEMA_VERSION && r == 0; version++)
		r = exec(store, migrations[version], err);
	return r;
}

static int make_schema(struct store *store, struct err *err)
{
	int64_t version = 0;
	int64_t tables = 0;
	int r = get_number(store, "PRAGMA user_version", &version, err);

	if (r == 0)
		r = get_number(store, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (r < 0)
		return r;
	if (version == 0 && tables == 0) {
		store->is_new = true;
		return exec(store, schema_sql, err);
	}
	if (version > SCHEMA_VERSION)
		return err_set(
			err, -EBADMSG,
			"%s is of version %d, but this program knows those up to %d: it is of a "
			"later one, which has to be installed again; or move it away to begin "
			"anew",
			store->path, (int)version, SCHEMA_VERSION);
	if (version < 1)
		return err_set(err, -EBADMSG, "%s is a database, but no store of the collector",
			       store->path);
	return migrate(store, version, err);
}

static int is_time_over(void *data)
{
	return clock_monotonic_ms() > *(const int64_t *)data;
}

static int check_pages(struct store *store, struct err *err)
{
	int64_t deadline = clock_monotonic_ms() + CHECK_MS;
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
	int r = 0;

	sqlite3_progress_handler(store->db, 10000, is_time_over, &deadline);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW && strcmp(text_at(statement, 0), "ok") != 0)
		r = err_set(err, -EBADMSG,
			    "%s is damaged (%s): put a copy in its place, or move it away to begin "
			    "anew; see sunfish-collectord(8)",
			    store->path, text_at(statement, 0));
	else if (rc != SQLITE_ROW && rc != SQLITE_INTERRUPT)
		r = fail(store, rc, err);
	sqlite3_progress_handler(store->db, 0, NULL, NULL);
	sqlite3_finalize(statement);
	return r;
}

static int load_numbers(struct store *store, struct err *err)
{
	int64_t row = 0;
	int r = get_id(store, err);

	if (r == 0)
		r = get_number(store, "SELECT coalesce(max(id),0) FROM event", &store->newest, err);
	if (r == 0)
		r = get_number(store, "SELECT coalesce(min(id),0) FROM event", &store->oldest, err);
	if (r == 0)
		r = get_number(store, "SELECT coalesce(max(row),0) FROM source", &row, err);
	store->next_row = row + 1;
	return r;
}

static int open_db(struct store *store, struct err *err)
{
	int rc = sqlite3_open_v2(store->path, &store->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_NOFOLLOW,
				 NULL);
	int r;

	if (!store->db)
		return err_nomem(err);
	if (rc != SQLITE_OK)
		return fail(store, rc, err);
	sqlite3_extended_result_codes(store->db, 1);
	r = exec(store, setup_sql, err);
	if (r == 0)
		r = check_pages(store, err);
	if (r == 0)
		r = make_schema(store, err);
	if (r == 0)
		r = load_numbers(store, err);
	return r;
}

int store_open(const char *path, struct store **ret, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return err_nomem(err);
	store->path = strdup(path);
	r = store->path ? open_db(store, err) : err_nomem(err);
	if (r < 0)
		store_close(store);
	else
		*ret = store;
	return r;
}

void store_close(struct store *store)
{
	size_t i;

	if (!store)
		return;
	if (store->writing)
		store_rollback(store);
	for (i = 0; i < N_QUERIES; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store->path);
	free(store);
}

/* --- transactions */

int store_begin(struct store *store, struct err *err)
{
	int r = run(store, BEGIN, err, "");

	if (r < 0)
		return r;
	store->writing = true;
	store->newest_before = store->newest;
	store->oldest_before = store->oldest;
	store->next_row_before = store->next_row;
	return 0;
}

int store_commit(struct store *store, struct err *err)
{
	int r = WRITE(store, COMMIT, err, "");

	if (r < 0)
		store_rollback(store);
	store->writing = false;
	return r;
}

void store_rollback(struct store *store)
{
	/* some errors have done it already */
	if (!sqlite3_get_autocommit(store->db))
		run(store, ROLLBACK, NULL, "");
	if (!store->writing)
		return;
	store->writing = false;
	store->newest = store->newest_before;
	store->oldest = store->oldest_before;
	store->next_row = store->next_row_before;
}

bool store_is_writing(const struct store *store)
{
	return store->writing;
}

/* --- documents */

int store_doc_put(struct store *store, const char *key, const char *text, struct err *err)
{
	return WRITE(store, DOC_PUT, err, "tt", key, text);
}

int store_doc_delete(struct store *store, const char *key, struct err *err)
{
	return WRITE(store, DOC_DELETE, err, "t", key);
}

static int doc_row(sqlite3_stmt *row, void *fn, void *data)
{
	return (*(store_doc_fn *)fn)(data, text_at(row, 0), text_at(row, 1));
}

int store_doc_each(struct store *store, const char *prefix, store_doc_fn fn, void *data,
		   struct err *err)
{
	return each(store, DOC_EACH, doc_row, &fn, data, err, "t", prefix);
}

/* --- sources */

int store_source_put(struct store *store, const struct store_source *source, int64_t *ret_row,
		     struct err *err)
{
	int64_t row = source->row ? source->row : store->next_row;
	int r = WRITE(store, SOURCE_PUT, err, "itittittiiiii", row, source->node,
		      (int64_t)source->role, source->name, source->boot, (int64_t)source->seq,
		      source->program, source->address, source->interval_ms, source->heard_ms,
		      (int64_t)source->generation, source->event, (int64_t)source->lost);

	if (r < 0)
		return r;
	if (row == store->next_row)
		store->next_row++;
	if (ret_row)
		*ret_row = row;
	return 0;
}

int store_source_delete(struct store *store, int64_t row, struct err *err)
{
	int r = WRITE(store, SOURCE_DELETE_OBJECTS, err, "i", row);

	if (r == 0)
		r = WRITE(store, SOURCE_DELETE_WANTS, err, "i", row);
	if (r == 0)
		r = WRITE(store, SOURCE_DELETE, err, "i", row);
	return r;
}

static int source_row(sqlite3_stmt *row, void *fn, void *data)
{
	struct store_source source = {
		.row = sqlite3_column_int64(row, 0),
		.node = text_at(row, 1),
		.role = sqlite3_column_int(row, 2),
		.name = text_at(row, 3),
		.boot = text_at(row, 4),
		.seq = (uint64_t)sqlite3_column_int64(row, 5),
		.program = text_at(row, 6),
		.address = text_at(row, 7),
		.interval_ms = sqlite3_column_int64(row, 8),
		.heard_ms = sqlite3_column_int64(row, 9),
		.generation = (uint64_t)sqlite3_column_int64(row, 10),
		.event = sqlite3_column_int64(row, 11),
		.lost = sqlite3_column_int(row, 12),
	};

	return (*(store_source_fn *)fn)(data, &source);
}

int store_source_each(struct store *store, int64_t row, store_source_fn fn, void *data,
		      struct err *err)
{
	return each(store, SOURCE_EACH, source_row, &fn, data, err, "ii", row,
		    row ? row : INT64_MAX);
}

/* --- objects */

int store_object_put(struct store *store, int64_t source, const char *kind, const char *id,
		     const char *attrs, struct err *err)
{
	return WRITE(store, OBJECT_PUT, err, "ittt", source, kind, id, attrs);
}

int store_object_delete(struct store *store, int64_t source, const char *kind, const char *id,
			struct err *err)
{
	return WRITE(store, OBJECT_DELETE, err, "itt", source, kind, id);
}

static int object_row(sqlite3_stmt *row, void *fn, void *data)
{
	return (*(store_object_fn *)fn)(data, sqlite3_column_int64(row, 0), text_at(row, 1),
					text_at(row, 2), text_at(row, 3));
}

int store_object_each(struct store *store, int64_t source, store_object_fn fn, void *data,
		      struct err *err)
{
	return each(store, OBJECT_EACH, object_row, &fn, data, err, "ii", source,
		    source ? source : INT64_MAX);
}

/* --- what is wanted */

int store_want_put(struct store *store, int64_t source, const char *intent, const char *entry,
		   struct err *err)
{
	return WRITE(store, WANT_PUT, err, "itt", source, intent, entry);
}

int store_want_delete(struct store *store, int64_t source, const char *intent, struct err *err)
{
	return WRITE(store, WANT_DELETE, err, "it", source, intent);
}

static int want_row(sqlite3_stmt *row, void *fn, void *data)
{
	return (*(store_want_fn *)fn)(data, sqlite3_column_int64(row, 0), text_at(row, 1),
				      text_at(row, 2));
}

int store_want_each(struct store *store, int64_t source, store_want_fn fn, void *data,
		    struct err *err)
{
	return each(store, WANT_EACH, want_row, &fn, data, err, "ii", source,
		    source ? source : INT64_MAX);
}

/* --- events */

int store_event_add(struct store *store, struct store_event *event, struct err *err)
{
	int r = WRITE(store, EVENT_ADD, err, "iiittitittttt", store->newest + 1, event->received_ms,
		      event->time_ms, event->node, event->name, (int64_t)event->role, event->boot,
		      (int64_t)event->seq, event->type, event->kind, event->object_id, event->cause,
		      event->object);

	if (r < 0)
		return r;
	event->id = ++store->newest;
	if (!store->oldest)
		store->oldest = event->id;
	return 0;
}

static int event_row(sqlite3_stmt *row, void *fn, void *data)
{
	struct store_event event = {
		.id = sqlite3_column_int64(row, 0),
		.received_ms = sqlite3_column_int64(row, 1),
		.time_ms = sqlite3_column_int64(row, 2),
		.node = text_at(row, 3),
		.name = text_at(row, 4),
		.role = sqlite3_column_int(row, 5),
		.boot = text_at(row, 6),
		.seq = (uint64_t)sqlite3_column_int64(row, 7),
		.type = text_at(row, 8),
		.kind = text_at(row, 9),
		.object_id = text_at(row, 10),
		.cause = text_at(row, 11),
		.object = (const char *)sqlite3_column_text(row, 12),
	};

	return (*(store_event_fn *)fn)(data, &event);
}

int store_event_each(struct store *store, int64_t after, int64_t until, store_event_fn fn,
		     void *data, struct err *err)
{
	return each(store, EVENT_EACH, event_row, &fn, data, err, "ii", after, until);
}

int store_event_prune(struct store *store, int64_t until, struct err *err)
{
	int r;

	/* the newest stays, so that the next id is known after a restart */
	if (until >= store->newest)
		until = store->newest - 1;
	if (until < store->oldest)
		return 0;
	r = WRITE(store, EVENT_PRUNE, err, "i", until);
	if (r == 0)
		store->oldest = until + 1;
	return r;
}

int64_t store_event_newest(const struct store *store)
{
	return store->newest;
}

int64_t store_event_oldest(const struct store *store)
{
	return store->oldest;
}

int64_t store_event_received(struct store *store, int64_t id)
{
	char query[96];
	int64_t received;

	snprintf(query, sizeof(query),
		 "SELECT received FROM event WHERE id>=%" PRId64 " ORDER BY id LIMIT 1", id);
	return get_number(store, query, &received, NULL) < 0 ? 0 : received;
}

/* --- tokens */

int store_token_put(struct store *store, const struct store_token *token, struct err *err)
{
	return WRITE(store, TOKEN_PUT, err, "titi", token->name, (int64_t)token->right, token->hash,
		     token->created_ms);
}

int store_token_delete(struct store *store, const char *name, struct err *err)
{
	return WRITE(store, TOKEN_DELETE, err, "t", name);
}

static int token_row(sqlite3_stmt *row, void *fn, void *data)
{
	struct store_token token = {
		.name = text_at(row, 0),
		.right = sqlite3_column_int(row, 1),
		.hash = text_at(row, 2),
		.created_ms = sqlite3_column_int64(row, 3),
	};

	return (*(store_token_fn *)fn)(data, &token);
}

int store_token_each(struct store *store, store_token_fn fn, void *data, struct err *err)
{
	return each(store, TOKEN_EACH, token_row, &fn, data, err, "");
}

/* --- of itself */

const char *store_id(const struct store *store)
{
	return store->id;
}

bool store_is_new(const struct store *store)
{
	return store->is_new;
}

/* Pages, and how many of them are free. Returns: false: they cannot be told. */
static bool count_pages(struct store *store, int64_t *ret_all, int64_t *ret_free)
{
	return get_number(store, "PRAGMA page_count", ret_all, NULL) == 0 &&
	       get_number(store, "PRAGMA freelist_count", ret_free, NULL) == 0;
}

int64_t store_used_bytes(struct store *store)
{
	int64_t all = 0;
	int64_t unused = 0;
	int64_t size = 0;

	if (!count_pages(store, &all, &unused) ||
	    get_number(store, "PRAGMA page_size", &size, NULL) < 0)
		return 0;
	return (all - unused) * size;
}

int store_shrink(struct store *store, struct err *err)
{
	int64_t all = 0;
	int64_t unused = 0;
	char query[64];
	int r = need_transaction(store, err);

	if (r < 0 || !count_pages(store, &all, &unused) ||
	    unused < FREE_MIN + FREE_STEP + all / FREE_PART)
		return r;
	snprintf(query, sizeof(query), "PRAGMA incremental_vacuum(%d)", FREE_STEP);
	return exec(store, query, err);
}

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

int64_t store_bytes(const struct store *store)
{
	CLEANUP_STR struct str wal = STR_NULL;

	str_addf(&wal, "%s-wal", store->path);
	return size_of(store->path) + size_of(str_get(&wal));
}
