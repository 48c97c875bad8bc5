/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon sees and what it changes by itself: survey.c, survey-record.c, scan.c,
 * scan-objects.c, tend.c. The kernel's tree is one of plain files, drives are files. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/ctl.h"
#include "target/scan.h"
#include "target/survey.h"
#include "target/tend.h"

struct place {
	char path[64];
	char nvmet[96];
	char kept[96];
	char admin[96];
	char run[96];
	char drive[96];
	int fd;
	struct ctl ctl;
	struct js *record;
};

static void make(const struct place *place, const char *path, const char *value)
{
	char parent[256];

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_p(place->fd, parent, 0755), 0);
	assert_int_equal(fs_replace_file(place->fd, path, value, strlen(value), 0644), 0);
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->path, sizeof(place->path), "/tmp/test-survey-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(place->nvmet, sizeof(place->nvmet), "%s/nvmet", place->path);
	snprintf(place->kept, sizeof(place->kept), "%s/kept", place->path);
	snprintf(place->admin, sizeof(place->admin), "%s/admin", place->path);
	snprintf(place->run, sizeof(place->run), "%s/run", place->path);
	snprintf(place->drive, sizeof(place->drive), "%s/drive/1", place->path);
	fs_mkdir_p(place->fd, "run", 0755);
	fs_mkdir_p(place->fd, "nvmet/hosts", 0755);
	make(place, "drive/1", "12345678");
	ctl_init(&place->ctl);
	place->ctl.nvmet_path = place->nvmet;
	place->ctl.stored_path = place->kept;
	place->ctl.admin_path = place->admin;
	place->ctl.run_path = place->run;
	assert_int_equal(ctl_open_system(&place->ctl, NULL), 0);
	place->record = js_object();
	*state = place;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	js_free(place->record);
	close_fd(place->ctl.nvmet_fd);
	close_fd(place->ctl.run_fd);
	close_fd(place->ctl.lock_fd);
	close_fd(place->ctl.sysfs_fd);
	close_fd(place->ctl.proc_fd);
	close(place->fd);
	nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

/* blake14 with one namespace on the drive and one listener on loopback, as the kernel has it. */
static void make_target(const struct place *place, const char *enable)
{
	make(place, "nvmet/subsystems/blake14/attr_allow_any_host", "1\n");
	make(place, "nvmet/subsystems/blake14/namespaces/1/device_path", place->drive);
	make(place, "nvmet/subsystems/blake14/namespaces/1/enable", enable);
	make(place, "nvmet/ports/1/addr_trtype", "tcp\n");
	make(place, "nvmet/ports/1/addr_adrfam", "ipv4\n");
	make(place, "nvmet/ports/1/addr_traddr", "127.0.0.1\n");
	make(place, "nvmet/ports/1/addr_trsvcid", "4420\n");
	assert_int_equal(fs_mkdir_p(place->fd, "nvmet/ports/1/subsystems", 0755), 0);
	assert_int_equal(symlinkat("../../../subsystems/blake14", place->fd,
				   "nvmet/ports/1/subsystems/blake14"),
			 0);
}

static void store(const struct place *place, const char *drive, const char *address)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "nqn = \"blake14\"; allow_any_host = true;\n"
		 "namespaces = ( { nsid = 1; device = \"%s\"; } );\n"
		 "listeners = ( { transport = \"tcp\"; address = \"%s\"; } );\n",
		 drive, address);
	make(place, "kept/blake14.conf", text);
}

static void look(struct place *place, struct survey *ret)
{
	const struct survey_env env = { .record = place->record };
	struct err err = ERR_NULL;

	if (survey_read(&place->ctl, &env, ret, &err) < 0)
		fail_msg("%s", err.text);
}

/* --- survey */

static void what_is_stored_and_not_there_is_due(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;

	store(place, place->drive, "127.0.0.1");
	look(place, &survey);
	assert_int_equal(survey.list.count, 1);
	assert_int_equal(survey.exports[0].code, 0);
	assert_int_equal(survey.exports[0].lacks.keys.count, 0);
	assert_int_equal(survey.exports[0].verdict.due, DRIFT_WHOLE);
	assert_false(survey.exports[0].is_settled);
}

static void what_its_drive_is_missing_for_waits_and_says_for_which(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;

	store(place, "/nonexistent/drive", "127.0.0.1");
	look(place, &survey);
	assert_int_equal(survey.exports[0].verdict.state, DRIFT_WAITING);
	assert_int_equal(survey.exports[0].lacks.keys.count, 1);
	assert_non_null(strstr(survey.exports[0].lacks.whys.items[0], "/nonexistent/drive"));
}

static void an_address_that_this_host_has_not_is_waited_for(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;

	/* TEST-NET-1: nobody's */
	store(place, place->drive, "192.0.2.77");
	look(place, &survey);
	assert_int_equal(survey.exports[0].lacks.keys.count, 1);
	assert_non_null(strstr(survey.exports[0].lacks.whys.items[0], "192.0.2.77"));
}

static void a_broken_file_hinders_no_other(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;

	store(place, place->drive, "127.0.0.1");
	make(place, "kept/zzz.conf", "nqn = ;\n");
	look(place, &survey);
	assert_non_null(survey_find_export(&survey, "blake14"));
	assert_int_equal(survey_find_export(&survey, "blake14")->code, 0);
	assert_null(survey_find_export(&survey, "blake15"));
}

static void an_administrators_file_counts_from_a_reload_on(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey before = SURVEY_NULL;
	CLEANUP_SURVEY struct survey after = SURVEY_NULL;
	struct survey_env env = { .record = place->record, .take_files = true };

	make(place, "admin/a.conf",
	     "nqn = \"by-hand\"; allow_any_host = true;\n"
	     "listeners = ( { transport = \"tcp\"; address = \"127.0.0.1\"; } );\n");
	look(place, &before);
	assert_true(before.exports[0].is_unread);
	assert_int_equal(before.exports[0].verdict.due, DRIFT_NOTHING);
	assert_int_equal(survey_read(&place->ctl, &env, &after, NULL), 0);
	assert_false(after.exports[0].is_unread);
	assert_int_equal(after.exports[0].verdict.due, DRIFT_WHOLE);
}

static void a_listener_is_looked_at_where_it_is(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;
	CLEANUP_SURVEY struct survey later = SURVEY_NULL;
	static const char lost[] = "{\"ports\":{\"1\":{\"lost\":true}}}";

	make_target(place, "1\n");
	look(place, &survey);
	assert_int_equal(survey.n_listeners, 1);
	assert_int_equal(survey.listeners[0].code, 0);
	assert_false(survey.listeners[0].was_lost);
	/* it had no address when it was looked at last */
	js_free(place->record);
	assert_int_equal(js_parse(lost, strlen(lost), &place->record, NULL), 0);
	look(place, &later);
	assert_true(later.listeners[0].was_lost);
}

static void the_record_knows_what_is_settled(void **state)
{
	struct place *place = *state;
	CLEANUP_SURVEY struct survey survey = SURVEY_NULL;
	CLEANUP_SURVEY struct survey later = SURVEY_NULL;
	struct js *record;

	make_target(place, "1\n");
	store(place, place->drive, "127.0.0.1");
	look(place, &survey);
	assert_int_equal(survey.exports[0].verdict.due, DRIFT_NOTHING);
	record = survey_record(&survey, place->record);
	assert_non_null(js_get(js_get(record, "exports"), "blake14"));
	js_free(place->record);
	place->record = record;
	/* what is taken away from a settled one is drift, which an administrator may want */
	assert_int_equal(unlinkat(place->fd, "nvmet/ports/1/subsystems/blake14", 0), 0);
	look(place, &later);
	assert_true(later.exports[0].is_settled);
	assert_int_equal(later.exports[0].verdict.due, DRIFT_NOTHING);
	assert_true(later.exports[0].verdict.drift.count > 0);
}

/* --- scan */

static struct js *scan(struct place *place, const struct names *skip, struct scan_where *where,
		       int inotify_fd)
{
	const struct scan_env env = {
		.record = place->record, .skip = skip, .where = where, .inotify_fd = inotify_fd
	};

	return scan_run(&place->ctl, &env);
}

static const struct js *find(const struct js *result, const char *kind, const char *id)
{
	const struct js *objects = js_get(result, "objects");
	size_t i;

	for (i = 0; i < js_length(objects); i++) {
		const struct js *js = js_at(objects, i);

		if (strcmp(js_text(js_get(js, "kind")), kind) == 0 &&
		    strcmp(js_text(js_get(js, "id")), id) == 0)
			return js;
	}
	return NULL;
}

static void a_target_is_told_as_objects(void **state)
{
	struct place *place = *state;
	struct names none = NAMES_NULL;
	struct scan_where where = { "" };
	CLEANUP_JS struct js *result = NULL;

	make_target(place, "1\n");
	result = scan(place, &none, &where, -1);
	assert_null(js_get(result, "error"));
	assert_string_equal(js_text(js_get(find(result, "subsystem", "blake14"), "state")),
			    "foreign");
	assert_true(js_is_true(js_get(find(result, "namespace", "blake14/1"), "enabled")));
	assert_string_equal(js_text(js_get(find(result, "listener", "1"), "address")), "127.0.0.1");
	assert_false(js_is_true(js_get(result, "busy")));
	assert_false(js_is_true(js_get(result, "unfinished")));
	assert_string_equal(where.what, "");
}

static void an_export_of_the_collector_says_so(void **state)
{
	struct place *place = *state;
	struct names none = NAMES_NULL;
	struct scan_where where = { "" };
	CLEANUP_JS struct js *owners = js_object();
	const struct scan_env env = { .record = place->record,
				      .owners = owners,
				      .skip = &none,
				      .where = &where,
				      .inotify_fd = -1 };
	CLEANUP_JS struct js *result = NULL;
	CLEANUP_JS struct js *stored = NULL;

	store(place, place->drive, "127.0.0.1");
	stored = scan(place, &none, &where, -1);
	assert_string_equal(js_text(js_get(find(stored, "subsystem", "blake14"), "wanted")),
			    "stored");
	js_set(owners, "blake14", js_string("e-1"));
	result = scan_run(&place->ctl, &env);
	assert_string_equal(js_text(js_get(find(result, "subsystem", "blake14"), "wanted")),
			    "collector");
	assert_string_equal(js_text(js_at(js_get(result, "due"), 0)), "blake14");
}

static void where_an_earlier_look_hangs_is_left_out(void **state)
{
	struct place *place = *state;
	CLEANUP_NAMES struct names hung = NAMES_NULL;
	struct scan_where where = { "" };
	CLEANUP_JS struct js *result = NULL;

	make_target(place, "1\n");
	names_add(&hung, "blake14");
	result = scan(place, &hung, &where, -1);
	assert_null(find(result, "namespace", "blake14/1"));
	assert_non_null(find(result, "listener", "1"));
	assert_string_equal(js_text(js_at(js_get(result, "skipped"), 0)), "blake14");
}

static void a_lock_and_a_journal_are_seen(void **state)
{
	struct place *place = *state;
	struct names none = NAMES_NULL;
	struct scan_where where = { "" };
	CLEANUP_JS struct js *busy = NULL;
	CLEANUP_JS struct js *after = NULL;
	int fd;

	make(place, "run/lock", "");
	make(place, "run/journal", "");
	fd = openat(place->fd, "run/lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	busy = scan(place, &none, &where, -1);
	assert_true(js_is_true(js_get(busy, "busy")));
	assert_true(js_is_true(js_get(busy, "unfinished")));
	close(fd);
	after = scan(place, &none, &where, -1);
	assert_false(js_is_true(js_get(after, "busy")));
}

static void each_directory_is_watched_once(void **state)
{
	struct place *place = *state;
	struct names none = NAMES_NULL;
	struct scan_where where = { "" };
	CLEANUP_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CLEANUP_JS struct js *first = NULL;
	CLEANUP_JS struct js *second = NULL;
	char event[4096];

	make_target(place, "1\n");
	first = scan(place, &none, &where, fd);
	assert_true(js_number(js_get(first, "wd"), -1) > 4);
	second = scan(place, &none, &where, fd);
	assert_int_equal(js_number(js_get(second, "wd"), -1), js_number(js_get(first, "wd"), -2));
	assert_true(read(fd, event, sizeof(event)) < 0);
	make(place, "nvmet/subsystems/blake15/attr_allow_any_host", "1\n");
	assert_true(read(fd, event, sizeof(event)) > 0);
}

/* --- tend */

static void expect_enable(const struct place *place, char expected)
{
	char text[8] = "";

	assert_true(fs_read_at(place->fd, "nvmet/subsystems/blake14/namespaces/1/enable", text,
			       sizeof(text)) > 0);
	assert_int_equal(text[0], expected);
}

static void a_pulled_drive_is_taken_out(void **state)
{
	struct place *place = *state;
	CLEANUP_JS struct js *ids = js_array();
	CLEANUP_JS struct js *result = NULL;
	CLEANUP_JS struct js *again = NULL;

	make_target(place, "1");
	js_append(ids, js_string("blake14/1"));
	result = tend_take_out(&place->ctl, ids);
	assert_null(js_get(result, "error"));
	expect_enable(place, '0');
	assert_int_equal(js_length(js_get(result, "changes")), 1);
	/* once more there is nothing to do */
	again = tend_take_out(&place->ctl, ids);
	assert_null(js_get(again, "error"));
	assert_int_equal(js_length(js_get(again, "changes")), 0);
}

static void what_is_no_namespace_is_not_taken_out(void **state)
{
	static const char *const names[] = { "blake14", "/1", "blake14/2", "blake99/1",
					     "blake14/passthru" };
	struct place *place = *state;
	CLEANUP_JS struct js *ids = js_array();
	CLEANUP_JS struct js *result = NULL;
	size_t i;

	make_target(place, "1");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		js_append(ids, js_string(names[i]));
	js_append(ids, js_int(7));
	result = tend_take_out(&place->ctl, ids);
	assert_int_equal(js_length(js_get(result, "changes")), 0);
	expect_enable(place, '1');
}

static void what_is_right_is_left_alone(void **state)
{
	struct place *place = *state;
	const struct tend_env env = { .record = place->record };
	CLEANUP_JS struct js *result = NULL;

	make_target(place, "1");
	store(place, place->drive, "127.0.0.1");
	result = tend_run(&place->ctl, &env);
	assert_null(js_get(result, "error"));
	assert_int_equal(js_length(js_get(result, "tried")), 0);
	assert_int_equal(js_length(js_get(result, "changes")), 0);
	assert_int_equal(js_length(js_get(result, "errors")), 0);
	expect_enable(place, '1');
}

static void what_cannot_be_made_is_told_by_name(void **state)
{
	struct place *place = *state;
	const struct tend_env env = { .record = place->record };
	CLEANUP_JS struct js *result = NULL;

	/* a plain directory makes no attributes by itself: the kernel's part fails */
	store(place, place->drive, "127.0.0.1");
	result = tend_run(&place->ctl, &env);
	assert_null(js_get(result, "error"));
	assert_string_equal(js_text(js_at(js_get(result, "tried"), 0)), "blake14");
	assert_non_null(js_text(js_get(js_get(result, "errors"), "blake14")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_stored_and_not_there_is_due),
		TEST(what_its_drive_is_missing_for_waits_and_says_for_which),
		TEST(an_address_that_this_host_has_not_is_waited_for),
		TEST(a_broken_file_hinders_no_other),
		TEST(an_administrators_file_counts_from_a_reload_on),
		TEST(a_listener_is_looked_at_where_it_is),
		TEST(the_record_knows_what_is_settled),
		TEST(a_target_is_told_as_objects),
		TEST(an_export_of_the_collector_says_so),
		TEST(where_an_earlier_look_hangs_is_left_out),
		TEST(a_lock_and_a_journal_are_seen),
		TEST(each_directory_is_watched_once),
		TEST(a_pulled_drive_is_taken_out),
		TEST(what_is_no_namespace_is_not_taken_out),
		TEST(what_is_right_is_left_alone),
		TEST(what_cannot_be_made_is_told_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
