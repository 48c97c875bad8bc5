/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/journal.h"

struct place {
	char path[64];
	int fd;
	struct journal journal;
	struct err err;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->path, sizeof(place->path), "/tmp/test-journal-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->journal = JOURNAL_NULL;
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	journal_deinit(&place->journal);
	unlinkat(place->fd, "journal", 0);
	close(place->fd);
	assert_int_equal(rmdir(place->path), 0);
	free(place);
	return 0;
}

/* One step with its inverse, and one file. */
static int create(struct place *place, const char *path, const char *target, const char *store)
{
	struct plan_action undo = { .op = PLAN_SYMLINK,
				    .path = (char *)path,
				    .value = (char *)target };
	struct plan_step step = {
		.act = { .op = PLAN_UNLINK, .flags = PLAN_CAN_HANG, .path = (char *)path },
		.undo = &undo,
		.n_undo = 1,
		.what = (char *)"port 1",
	};
	struct plan plan = { .steps = &step, .n_steps = 1 };
	struct apply_store stores[] = { { store, "text\n" }, { "/gone", NULL } };

	return journal_create(place->fd, &plan, stores, 2, &place->journal, &place->err);
}

static int create_good(struct place *place)
{
	return create(place, "ports/1/subsystems/s", "subsystems/s", "/var/s.conf");
}

static int load(struct place *place)
{
	return journal_load(place->fd, 0, &place->journal, &place->err);
}

static void what_was_written_is_read_back(void **state)
{
	struct place *place = *state;
	const struct plan_step *step;

	assert_int_equal(create_good(place), 0);
	atomic_store(&place->journal.states[0], JOURNAL_BEGUN);
	journal_deinit(&place->journal);
	assert_int_equal(load(place), 0);
	assert_int_equal(place->journal.plan.n_steps, 1);
	step = &place->journal.plan.steps[0];
	assert_string_equal(step->what, "port 1");
	assert_int_equal(step->act.op, PLAN_UNLINK);
	assert_int_equal(step->act.flags, PLAN_CAN_HANG);
	assert_int_equal(step->n_undo, 1);
	assert_string_equal(step->undo[0].path, "ports/1/subsystems/s");
	assert_string_equal(step->undo[0].value, "subsystems/s");
	assert_int_equal(atomic_load(&place->journal.states[0]), JOURNAL_BEGUN);
	assert_int_equal(atomic_load(place->journal.committed), 0);
	assert_int_equal(place->journal.n_stores, 2);
	assert_string_equal(place->journal.stores[0].text, "text\n");
	assert_null(place->journal.stores[1].text);
}

static void nobody_else_can_read_it(void **state)
{
	struct place *place = *state;
	struct stat st;

	assert_int_equal(create_good(place), 0);
	assert_int_equal(fstatat(place->fd, "journal", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void it_is_not_read_while_its_run_lives(void **state)
{
	struct place *place = *state;
	struct journal other CLEANUP_JOURNAL = JOURNAL_NULL;

	assert_int_equal(create_good(place), 0);
	assert_int_equal(journal_load(place->fd, 0, &other, &place->err), -ETIMEDOUT);
	journal_deinit(&place->journal);
	assert_int_equal(journal_load(place->fd, 0, &other, &place->err), 0);
}

static void none_is_no_error_to_drop(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place), -ENOENT);
	assert_int_equal(journal_drop(place->fd, &place->err), 0);
}

static void one_that_cannot_be_written_leaves_nothing(void **state)
{
	struct place *place = *state;

	/* a directory is in its way */
	assert_int_equal(mkdirat(place->fd, "journal", 0700), 0);
	assert_true(create_good(place) < 0);
	assert_non_null(strstr(place->err.text, "cannot be written"));
	assert_int_equal(unlinkat(place->fd, "journal", AT_REMOVEDIR), 0);
	assert_int_equal(faccessat(place->fd, "journal.new", F_OK, 0), -1);
}

static void paths_out_of_the_target_are_refused(void **state)
{
	static const char *const paths[] = { "..",	  "../x",	"/etc/passwd",
					     "a/../../x", "ports/1/..", "ports/../..",
					     "" };
	struct place *place = *state;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(create(place, paths[i], "subsystems/s", "/s"), 0);
		journal_deinit(&place->journal);
		assert_int_equal(load(place), -EBADMSG);
		assert_int_equal(create(place, "ports/1/subsystems/s", paths[i], "/s"), 0);
		journal_deinit(&place->journal);
		assert_int_equal(load(place), -EBADMSG);
	}
}

static void files_without_a_whole_path_are_refused(void **state)
{
	static const char *const paths[] = { "s.conf", "", "/var/../etc/passwd" };
	struct place *place = *state;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(create(place, "ports/1/subsystems/s", "subsystems/s", paths[i]),
				 0);
		journal_deinit(&place->journal);
		assert_int_equal(load(place), -EBADMSG);
	}
}

static void names_with_two_dots_are_allowed(void **state)
{
	struct place *place = *state;

	assert_int_equal(create(place, "ports/1/subsystems/a..b", "subsystems/..a", "/a..b"), 0);
	journal_deinit(&place->journal);
	assert_int_equal(load(place), 0);
}

static size_t read_bytes(struct place *place, char **ret)
{
	size_t length = 0;

	assert_int_equal(create_good(place), 0);
	journal_deinit(&place->journal);
	assert_int_equal(fs_read_file(place->fd, "journal", 100000, ret, &length), 0);
	return length;
}

static void one_cut_short_anywhere_is_refused(void **state)
{
	char *bytes CLEANUP_FREE = NULL;
	struct place *place = *state;
	size_t length = read_bytes(place, &bytes);
	size_t n;

	for (n = 0; n < length; n++) {
		assert_int_equal(fs_replace_file(place->fd, "journal", bytes, n, 0600), 0);
		if (load(place) != -EBADMSG)
			fail_msg("%zu of %zu bytes were taken", n, length);
	}
	assert_non_null(strstr(place->err.text, "then remove"));
	assert_int_equal(fs_replace_file(place->fd, "journal", bytes, length, 0600), 0);
	assert_int_equal(load(place), 0);
}

static void assert_harmless(const struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->plan.n_steps; i++) {
		const struct plan_step *step = &journal->plan.steps[i];

		assert_null(strstr(step->act.path, "../"));
		assert_true(step->act.path[0] != '/');
		for (size_t j = 0; j < step->n_undo; j++)
			assert_true(step->undo[j].path[0] != '/');
	}
	for (i = 0; i < journal->n_stores; i++)
		assert_true(journal->stores[i].path[0] == '/');
}

static void a_wrong_byte_anywhere_does_no_harm(void **state)
{
	static const char wrong[] = { '\0', '/', '.', '9', '\xff' };
	char *bytes CLEANUP_FREE = NULL;
	struct place *place = *state;
	size_t length = read_bytes(place, &bytes);
	size_t n_taken = 0;
	size_t n;

	for (n = 0; n < length * sizeof(wrong); n++) {
		char kept = bytes[n / sizeof(wrong)];
		int r;

		bytes[n / sizeof(wrong)] = wrong[n % sizeof(wrong)];
		assert_int_equal(fs_replace_file(place->fd, "journal", bytes, length, 0600), 0);
		bytes[n / sizeof(wrong)] = kept;
		r = load(place);
		assert_true(r == 0 || r == -EBADMSG);
		assert_harmless(&place->journal);
		n_taken += r == 0;
		journal_deinit(&place->journal);
	}
	assert_in_range(n_taken, 1, length * sizeof(wrong) - 1);
}

static void more_steps_than_bytes_are_refused(void **state)
{
	static const char *const counts[] = { "40", "4000000000", "18446744073709551615", "-1" };
	char *bytes CLEANUP_FREE = NULL;
	struct place *place = *state;
	size_t length = read_bytes(place, &bytes);
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		snprintf(bytes, 60, "sunfish-journal 1 %s", counts[i]);
		assert_int_equal(fs_replace_file(place->fd, "journal", bytes, length, 0600), 0);
		assert_int_equal(load(place), -EBADMSG);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_read_back),
		TEST(nobody_else_can_read_it),
		TEST(it_is_not_read_while_its_run_lives),
		TEST(none_is_no_error_to_drop),
		TEST(one_that_cannot_be_written_leaves_nothing),
		TEST(paths_out_of_the_target_are_refused),
		TEST(files_without_a_whole_path_are_refused),
		TEST(names_with_two_dots_are_allowed),
		TEST(one_cut_short_anywhere_is_refused),
		TEST(a_wrong_byte_anywhere_does_no_harm),
		TEST(more_steps_than_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
