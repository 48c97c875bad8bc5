/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>

#include "initiator/wanted-file.h"
#include "tests/unit/initiator/fake-sysfs.h"

struct found {
	size_t count;
	size_t bad;
	struct conf_connection last;
	char why[ERR_TEXT_MAX];
};

static int take(void *data, const struct conf_connection *connection)
{
	struct found *found = data;

	found->count++;
	found->last = *connection;
	return 0;
}

static void note_bad(void *data, const struct err *err)
{
	struct found *found = data;

	found->bad++;
	snprintf(found->why, sizeof(found->why), "%s", err->text);
}

static int setup(void **state)
{
	struct fake_sysfs *fake = calloc(1, sizeof(*fake));

	fake_sysfs_open(fake, NULL);
	*state = fake;
	return 0;
}

static int teardown(void **state)
{
	fake_sysfs_close(*state);
	free(*state);
	return 0;
}

static struct conf_connection connection_of(const char *text)
{
	struct conf_connection connection = CONF_CONNECTION_NULL;

	assert_int_equal(tid_parse(text, &connection.tid, NULL), 0);
	return connection;
}

static struct found find(int dirfd)
{
	struct found found = { 0 };

	assert_int_equal(wanted_file_each(dirfd, take, note_bad, &found, NULL), 0);
	return found;
}

static void what_was_written_is_found_and_removed(void **state)
{
	const struct fake_sysfs *fake = *state;
	struct conf_connection c = connection_of("tcp,10.0.0.1,4420,a");
	char name[WANTED_FILE_NAME_MAX];
	struct found found;
	struct stat st;

	c.tuning.ctrl_loss_tmo = 7;
	assert_int_equal(find(fake->sysfs_fd).count, 0);
	assert_int_equal(wanted_file_write(fake->sysfs_fd, &c, NULL), 0);
	assert_int_equal(wanted_file_write(fake->sysfs_fd, &c, NULL), 0);
	found = find(fake->sysfs_fd);
	assert_int_equal(found.count, 1);
	assert_true(tid_equal(&found.last.tid, &c.tid));
	assert_int_equal(found.last.tuning.ctrl_loss_tmo, 7);
	assert_int_equal(fstatat(fake->sysfs_fd, wanted_file_name(&c.tid, name), &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(wanted_file_remove(fake->sysfs_fd, &c.tid, NULL), 0);
	assert_int_equal(wanted_file_remove(fake->sysfs_fd, &c.tid, NULL), -ENOENT);
	assert_int_equal(find(fake->sysfs_fd).count, 0);
}

static void a_file_that_makes_no_sense_hides_no_other(void **state)
{
	const struct fake_sysfs *fake = *state;
	struct conf_connection c = connection_of("tcp,10.0.0.1,4420,a");
	struct found found;

	fake_put(fake->sysfs_fd, "a.conf", "connection = { transport = \"x\"; };\n");
	fake_put(fake->sysfs_fd, "b.conf.tmp-1", "half");
	fake_put(fake->sysfs_fd, ".hidden.conf", "half");
	assert_int_equal(wanted_file_write(fake->sysfs_fd, &c, NULL), 0);
	found = find(fake->sysfs_fd);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.bad, 1);
	assert_non_null(strstr(found.why, "a.conf:1"));
}

static void long_and_odd_names_stay_apart(void **state)
{
	char a[WANTED_FILE_NAME_MAX];
	char b[WANTED_FILE_NAME_MAX];
	char nqn[NQN_MAX + 1];
	struct conf_connection x = connection_of("tcp,10.0.0.1,4420,a*b");
	struct conf_connection y = connection_of("tcp,10.0.0.1,4420,a?b");

	(void)state;
	assert_string_not_equal(wanted_file_name(&x.tid, a), wanted_file_name(&y.tid, b));
	assert_null(strchr(a, '*'));
	memset(nqn, 'n', NQN_MAX);
	nqn[NQN_MAX] = '\0';
	strcpy(x.tid.nqn, nqn);
	nqn[NQN_MAX - 1] = 'm';
	strcpy(y.tid.nqn, nqn);
	assert_string_not_equal(wanted_file_name(&x.tid, a), wanted_file_name(&y.tid, b));
	assert_true(strlen(a) < 255);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_found_and_removed),
		TEST(a_file_that_makes_no_sense_hides_no_other),
		cmocka_unit_test(long_and_odd_names_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
