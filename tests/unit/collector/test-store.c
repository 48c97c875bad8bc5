/* SPDX-License-Identifier: BSD-3-Clause */
/* The file: of another version, damaged, and what it keeps of the log. */
#include "tests/unit/collector/harness.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "collector/token.h"

static void begin(struct harness *h)
{
	strcpy(h->dir, "/tmp/sunfish-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->store, sizeof(h->store), "%s/collector.db", h->dir);
	setup_init(&h->setup, h->dir);
}

static int open_store(const struct harness *h, struct err *err)
{
	struct store *store = NULL;
	int r = store_open(h->store, &store, err);

	if (r == 0)
		store_close(store);
	return r;
}

static void overwrite(const struct harness *h, off_t at, const char *bytes, size_t length)
{
	int fd = open(h->store, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, at), (ssize_t)length);
	close(fd);
}

/* PRAGMA user_version: 4 bytes, big-endian, at 60 of the file's head (sqlite.org/fileformat.html)
 */
static void set_version(const struct harness *h, char version)
{
	const char bytes[4] = { 0, 0, 0, version };

	overwrite(h, 60, bytes, sizeof(bytes));
}

static void says(const struct err *err, const char *part)
{
	if (!strstr(err->text, part))
		fail_msg("\"%s\" has no \"%s\"", err->text, part);
}

/* As the first version made it: without vacuum. */
static const char first_version[] =
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
	"INSERT INTO own VALUES ('00112233445566778899aabbccddeeff');"
	"INSERT INTO source VALUES (1,'id14',0,'blake14','b1',1,'p','a',10000,5,0,0,0);"
	"INSERT INTO object VALUES (1,'drive','d1','{\"state\":\"free\"}');"
	"PRAGMA user_version=1;";

static void make_store(const struct harness *h, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(h->store, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t number_of(const struct harness *h, const char *query)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t number;

	assert_int_equal(sqlite3_open(h->store, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

static void a_store_of_the_first_version_is_brought_up_to_date(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	make_store(&h, first_version);
	harness_run(&h);
	assert_string_equal(store_id(h.collector.store), "00112233445566778899aabbccddeeff");
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
	assert_false(store_is_new(h.collector.store));
	/* and is so the next time */
	harness_crash(&h);
	assert_int_equal(number_of(&h, "PRAGMA user_version"), 2);
	assert_int_equal(number_of(&h, "PRAGMA auto_vacuum"), 2);
	harness_run(&h);
	assert_objects(&h, "drive d1 {\"state\":\"free\"}\n");
}

static void a_store_of_a_later_version_is_refused_and_left_alone(void **state)
{
	HARNESS h;
	struct err err = ERR_NULL;

	(void)state;
	harness_start(&h);
	harness_crash(&h);
	set_version(&h, 77);
	assert_int_equal(open_store(&h, &err), -EBADMSG);
	says(&err, "is of version 77, but this program knows those up to 2: it is of a later one");
	set_version(&h, 2);
	harness_run(&h);
	assert_false(store_is_new(h.collector.store));
}

static void another_database_is_refused(void **state)
{
	HARNESS h;
	struct err err = ERR_NULL;

	(void)state;
	begin(&h);
	make_store(&h, "CREATE TABLE mine (x)");
	assert_int_equal(open_store(&h, &err), -EBADMSG);
	says(&err, "no store of the collector");
	assert_int_equal(number_of(&h, "SELECT count(*) FROM mine"), 0);
	unlink(h.store);
	harness_run(&h);
}

/* A page in the middle, and all of it. */
static void a_damaged_store_is_named_and_never_made_anew(void **state)
{
	HARNESS h;
	struct report_answer answer;
	struct err err = ERR_NULL;
	struct stat before;
	struct stat after;
	char noise[4096];
	int i;

	(void)state;
	harness_start(&h);
	for (i = 0; i < 200; i++) {
		CLEANUP_STR struct str text = STR_NULL;

		str_addf(&text,
			 "{" SENDER(
				 "b1") ",\"snapshot\":{\"seq\":%d,\"objects\":[{\"kind\":\"drive\","
				       "\"id\":\"%0200d\"}]}}",
			 i + 1, i);
		assert_int_equal(harness_send(&h, str_get(&text), &answer), 0);
	}
	collector_save(&h.collector);
	harness_crash(&h);
	assert_int_equal(stat(h.store, &before), 0);
	assert_true(before.st_size > 16 * 4096);
	memset(noise, 0xa5, sizeof(noise));
	for (i = 10; i < 16; i++)
		overwrite(&h, (off_t)i * 4096, noise, sizeof(noise));
	assert_int_equal(open_store(&h, &err), -EBADMSG);
	says(&err, "is damaged");
	says(&err, "put a copy in its place, or move it away to begin anew");
	overwrite(&h, 0, noise, sizeof(noise));
	assert_int_equal(open_store(&h, &err), -EBADMSG);
	says(&err, "is damaged");
	assert_int_equal(stat(h.store, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	unlink(h.store);
	harness_run(&h);
}

static void a_new_store_has_a_new_token_of_the_administrator(void **state)
{
	HARNESS h;
	CLEANUP_FREE char *first = NULL;
	CLEANUP_FREE char *same = NULL;
	CLEANUP_FREE char *second = NULL;
	struct err err = ERR_NULL;
	size_t length;
	int dirfd;

	(void)state;
	harness_start(&h);
	assert_true(store_is_new(h.collector.store));
	dirfd = open(h.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(token_need(&h.collector, dirfd, &err), 0);
	assert_int_equal(fs_read_file(dirfd, TOKEN_FILE, 100, &first, &length), 0);
	harness_restart(&h);
	assert_int_equal(token_need(&h.collector, dirfd, &err), 0);
	assert_int_equal(fs_read_file(dirfd, TOKEN_FILE, 100, &same, &length), 0);
	assert_string_equal(first, same);
	harness_crash(&h);
	unlink(h.store);
	harness_run(&h);
	assert_int_equal(token_need(&h.collector, dirfd, &err), 0);
	assert_int_equal(fs_read_file(dirfd, TOKEN_FILE, 100, &second, &length), 0);
	assert_string_not_equal(first, second);
	unlinkat(dirfd, TOKEN_FILE, 0);
	close(dirfd);
}

/* --- what is kept of the log */

static void report_events(struct harness *h, unsigned int first, unsigned int count)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct report_answer answer;
	unsigned int i;

	str_add(&text, "{" SENDER("b1") ",\"events\":[");
	for (i = first; i < first + count; i++)
		str_addf(&text,
			 "%s{\"seq\":%u,\"time\":1,\"type\":\"changed\",\"kind\":\"drive\","
			 "\"id\":\"d%u\",\"cause\":\"%0900u\",\"object\":{\"n\":%u}}",
			 i > first ? "," : "", i, i % 10, i, i);
	str_add(&text, "]}");
	assert_int_equal(harness_send(h, str_get(&text), &answer), 0);
	collector_save(&h->collector);
}

static int nothing(void *data, struct err *err)
{
	(void)data, (void)err;
	return 0;
}

static void commit_some(struct harness *h, int count)
{
	for (; count > 0; count--) {
		assert_int_equal(commit_join(h->collector.commit, nothing, NULL, NULL), 0);
		commit_now(h->collector.commit);
	}
}

static void the_store_keeps_to_its_size_and_gives_back_what_is_free(void **state)
{
	HARNESS h;
	struct report_answer answer;
	int64_t most;
	unsigned int i;

	(void)state;
	begin(&h);
	harness_run(&h);
	assert_int_equal(harness_send(&h, "{" SENDER("b1") SNAPSHOT("0", "") "}", &answer), 0);
	for (i = 0; i < 10; i++)
		report_events(&h, i * 2000 + 1, 2000);
	most = store_used_bytes(h.collector.store);
	assert_true(most > 16 << 20);
	harness_crash(&h);
	h.setup.store_mbytes = 8;
	harness_run(&h);
	commit_some(&h, 60);
	assert_in_range(store_used_bytes(h.collector.store), 1 << 20, 8 << 20);
	/* the newest stayed, and the state */
	assert_true(store_event_newest(h.collector.store) >= 20000);
	assert_int_equal(harness_source(&h)->n_objects, 10);
	harness_crash(&h);
	assert_in_range(number_of(&h, "PRAGMA page_count"), 256, most / 4096 - 2000);
	harness_run(&h);
	assert_int_equal(harness_source(&h)->seq, 20000);
}

static void events_go_by_their_age(void **state)
{
	HARNESS h;
	struct report_answer answer;
	int64_t before;

	(void)state;
	begin(&h);
	harness_run(&h);
	assert_int_equal(harness_send(&h, "{" SENDER("b1") SNAPSHOT("0", "") "}", &answer), 0);
	report_events(&h, 1, 1000);
	harness_crash(&h);
	make_store(&h, "UPDATE event SET received=received-3*86400000 WHERE id<=600");
	h.setup.events_days = 2;
	harness_run(&h);
	before = store_event_newest(h.collector.store);
	commit_some(&h, 30);
	assert_in_range(store_event_oldest(h.collector.store), 401, 601);
	assert_int_equal(store_event_newest(h.collector.store), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_of_the_first_version_is_brought_up_to_date),
		cmocka_unit_test(a_store_of_a_later_version_is_refused_and_left_alone),
		cmocka_unit_test(another_database_is_refused),
		cmocka_unit_test(a_damaged_store_is_named_and_never_made_anew),
		cmocka_unit_test(a_new_store_has_a_new_token_of_the_administrator),
		cmocka_unit_test(the_store_keeps_to_its_size_and_gives_back_what_is_free),
		cmocka_unit_test(events_go_by_their_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
