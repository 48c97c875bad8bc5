/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>

#include "initiator/owner.h"
#include "tests/unit/initiator/fake-sysfs.h"

/* The fake /sys is there for its number of uevents, /proc serves as /run and /etc. */
static int setup(void **state)
{
	struct fake_sysfs *fake = calloc(1, sizeof(*fake));

	fake_sysfs_open(fake, NULL);
	fake_put(fake->sysfs_fd, "kernel/uevent_seqnum", "700\n");
	*state = fake;
	return 0;
}

static int teardown(void **state)
{
	fake_sysfs_close(*state);
	free(*state);
	return 0;
}

static void write_owner(const struct fake_sysfs *fake, const char *owner)
{
	struct err err = ERR_NULL;

	if (owner_write(fake->proc_fd, fake->sysfs_fd, "nvme3", owner, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_owner(const struct fake_sysfs *fake, const char *expected)
{
	char owner[OWNER_MAX];

	assert_int_equal(owner_read(fake->proc_fd, "nvme3", owner, NULL), 0);
	assert_string_equal(owner, expected);
}

static void assert_mode(const struct fake_sysfs *fake, const char *path, unsigned int mode)
{
	struct stat st;

	assert_int_equal(fstatat(fake->proc_fd, path, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void nobody_owns_what_is_not_entered(void **state)
{
	const struct fake_sysfs *fake = *state;

	assert_owner(fake, "");
	assert_false(owner_is_ours(fake->proc_fd, "nvme3"));
	assert_int_equal(owner_remove(fake->proc_fd, "nvme3", UINT64_MAX, NULL), 0);
}

static void an_entry_is_read_by_all(void **state)
{
	const struct fake_sysfs *fake = *state;
	mode_t old = umask(077);
	char seqnum[32];

	write_owner(fake, OWNER_SUNFISH);
	umask(old);
	assert_owner(fake, "sunfish");
	assert_true(owner_is_ours(fake->proc_fd, "nvme3"));
	assert_true(fs_read_at(fake->proc_fd, "nvme/registry/nvme3/seqnum", seqnum, 32) > 0);
	assert_string_equal(seqnum, "700");
	assert_mode(fake, "nvme", 0755);
	assert_mode(fake, "nvme/registry", 0755);
	assert_mode(fake, "nvme/registry/nvme3", 0755);
	assert_mode(fake, "nvme/registry/nvme3/owner", 0644);
}

static void a_new_entry_replaces_all_of_the_old_one(void **state)
{
	const struct fake_sysfs *fake = *state;

	fake_put(fake->proc_fd, "nvme/registry/nvme3/owner", "stas\n");
	fake_put(fake->proc_fd, "nvme/registry/nvme3/note", "private\n");
	assert_owner(fake, "stas");
	assert_false(owner_is_ours(fake->proc_fd, "nvme3"));
	write_owner(fake, "sunfish");
	assert_owner(fake, "sunfish");
	assert_int_equal(faccessat(fake->proc_fd, "nvme/registry/nvme3/note", F_OK, 0), -1);
}

static size_t count_names(const struct fake_sysfs *fake)
{
	int fd = openat(fake->proc_fd, "nvme/registry", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = fdopendir(fd);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	return count - 2;
}

static void leaves_nothing_else_behind(void **state)
{
	const struct fake_sysfs *fake = *state;

	write_owner(fake, "a");
	write_owner(fake, "b");
	assert_int_equal(count_names(fake), 1);
	assert_int_equal(owner_remove(fake->proc_fd, "nvme3", UINT64_MAX, NULL), 0);
	assert_int_equal(count_names(fake), 0);
}

static void an_older_removal_spares_a_newer_entry(void **state)
{
	const struct fake_sysfs *fake = *state;

	write_owner(fake, "sunfish");
	assert_int_equal(owner_remove(fake->proc_fd, "nvme3", 699, NULL), 0);
	assert_int_equal(owner_remove(fake->proc_fd, "nvme3", 700, NULL), 0);
	assert_owner(fake, "sunfish");
	assert_int_equal(owner_remove(fake->proc_fd, "nvme3", 701, NULL), 0);
	assert_owner(fake, "");
}

static void names_that_are_no_controller_lead_nowhere(void **state)
{
	const struct fake_sysfs *fake = *state;
	char owner[OWNER_MAX];

	assert_int_equal(owner_read(fake->proc_fd, "../x", owner, NULL), -EINVAL);
	assert_int_equal(owner_read(fake->proc_fd, "nvme", owner, NULL), -EINVAL);
	assert_int_equal(owner_write(fake->proc_fd, fake->sysfs_fd, "nvme3/..", "a", NULL),
			 -EINVAL);
	assert_int_equal(owner_write(fake->proc_fd, fake->sysfs_fd, "nvme3", "", NULL), -EINVAL);
	write_owner(fake, "a");
	assert_int_equal(owner_remove(fake->proc_fd, "../registry", UINT64_MAX, NULL), -EINVAL);
}

/* --- exclusions */

static bool is_excluded(const char *list, const char *connection, const char *hostid)
{
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = NULL;
	struct tid tid;

	assert_int_equal(exclusions_add(&exclusions, list, "list"), 0);
	assert_int_equal(tid_parse(connection, &tid, NULL), 0);
	return exclusions_match(exclusions, &tid, hostid) != NULL;
}

#define IN "[exclusions]\nexclusion = "
#define A "tcp,192.0.2.10,4420,vol1,nqn.2014-08.org.nvmexpress:me"

static void what_an_entry_says_must_be_so(void **state)
{
	(void)state;
	assert_true(is_excluded(IN "nqn=vol1\n", A, ""));
	assert_false(is_excluded(IN "nqn=vol2\n", A, ""));
	assert_true(
		is_excluded(IN "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=vol1\n", A, ""));
	assert_false(is_excluded(IN "transport=rdma;nqn=vol1\n", A, ""));
	assert_true(is_excluded(IN "hostnqn=nqn.2014-08.org.nvmexpress:me", A, ""));
	assert_true(is_excluded(IN "hostid=ABC", A, "abc"));
	assert_false(is_excluded(IN "hostid=abc", A, ""));
	assert_false(is_excluded(IN "host-iface=eth3", A, ""));
	assert_true(is_excluded(IN "host-iface=eth3", A ",,eth3", ""));
	assert_true(is_excluded("# x\n" IN "nqn=vol2\n\n exclusion=nqn=vol1 ;\n", A, ""));
}

static void addresses_are_compared_as_such(void **state)
{
	(void)state;
	assert_true(is_excluded(IN "traddr=2001:DB8:0::1", "tcp,2001:db8::1,,x", ""));
	assert_false(is_excluded(IN "traddr=2001:db8::2", "tcp,2001:db8::1,,x", ""));
}

static void an_entry_that_makes_no_sense_excludes_nothing(void **state)
{
	(void)state;
	assert_false(is_excluded(IN "\n", A, ""));
	assert_false(is_excluded(IN ";;\n", A, ""));
	assert_false(is_excluded(IN "nqn=vol1;subsysnqn=vol1\n", A, ""));
	assert_false(is_excluded(IN "nqn\n", A, ""));
	assert_false(is_excluded(IN "nqn=\n", A, ""));
	assert_false(is_excluded("exclusion = nqn=vol1\n", A, ""));
	assert_false(is_excluded("[other]\nexclusion = nqn=vol1\n", A, ""));
	assert_false(is_excluded("[exclusions]\nx = nqn=vol1\n# exclusion = nqn=vol1\n", A, ""));
}

static void reads_all_lists_and_says_which(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = NULL;
	struct tid tid;

	assert_int_equal(exclusions_read(fake->proc_fd, &exclusions, NULL), 0);
	assert_int_equal(exclusions_count(exclusions), 0);
	exclusions_free(exclusions);
	exclusions = NULL;
	fake_put(fake->proc_fd, "nvme/exclusions.conf", IN "nqn=a\n");
	fake_put(fake->proc_fd, "nvme/exclusions.conf.d/lab.conf", IN "nqn=b\n");
	fake_put(fake->proc_fd, "nvme/exclusions.conf.d/lab.conf~", IN "nqn=c\n");
	assert_int_equal(exclusions_read(fake->proc_fd, &exclusions, NULL), 0);
	assert_int_equal(exclusions_count(exclusions), 2);
	assert_int_equal(tid_parse("tcp,1.2.3.4,,b", &tid, NULL), 0);
	assert_string_equal(exclusions_match(exclusions, &tid, ""),
			    "/etc/nvme/exclusions.conf.d/lab.conf: nqn=b");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_owns_what_is_not_entered),
		TEST(an_entry_is_read_by_all),
		TEST(a_new_entry_replaces_all_of_the_old_one),
		TEST(leaves_nothing_else_behind),
		TEST(an_older_removal_spares_a_newer_entry),
		TEST(names_that_are_no_controller_lead_nowhere),
		cmocka_unit_test(what_an_entry_says_must_be_so),
		cmocka_unit_test(addresses_are_compared_as_such),
		cmocka_unit_test(an_entry_that_makes_no_sense_excludes_nothing),
		TEST(reads_all_lists_and_says_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
