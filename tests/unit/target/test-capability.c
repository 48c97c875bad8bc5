/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/capability.h"

/*
 * A directory that behaves like the kernel's: what is made has attributes at once, and goes with
 * them.
 */
struct fixture {
	char path[40];
	int fd;
	bool is_old;
	const char *mkdir_fails; /* part of a path */
	int mkdir_errno;
	const char *rmdir_fails;
};

static struct fixture *now;

int __real_mkdirat(int dirfd, const char *path, mode_t mode);
int __wrap_mkdirat(int dirfd, const char *path, mode_t mode);
int __real_unlinkat(int dirfd, const char *path, int flags);
int __wrap_unlinkat(int dirfd, const char *path, int flags);
int __real_fs_write_at(int dirfd, const char *path, const void *value, size_t length);
int __wrap_fs_write_at(int dirfd, const char *path, const void *value, size_t length);

static void put(const char *directory, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	close(openat(now->fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void make_dir(const char *directory, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(__real_mkdirat(now->fd, path, 0700), 0);
}

static void fill_subsystem(const char *path)
{
	put(path, "attr_allow_any_host");
	put(path, "attr_serial");
	put(path, "attr_of_the_future");
	make_dir(path, "namespaces");
	make_dir(path, "allowed_hosts");
	if (now->is_old)
		return;
	make_dir(path, "passthru");
	put(path, "passthru/enable");
	put(path, "passthru/device_path");
}

static void fill_port(const char *path)
{
	put(path, "addr_trtype");
	if (!now->is_old)
		put(path, "addr_tsas");
	make_dir(path, "referrals");
	make_dir(path, "ana_groups");
	make_dir(path, "ana_groups/1");
	put(path, "ana_groups/1/ana_state");
}

static void fill(const char *path)
{
	if (strstr(path, "/namespaces/"))
		put(path, "device_path");
	else if (strstr(path, "/referrals/"))
		put(path, "addr_portid");
	else if (strncmp(path, "subsystems/", 11) == 0)
		fill_subsystem(path);
	else if (strncmp(path, "ports/", 6) == 0)
		fill_port(path);
	else if (!now->is_old)
		put(path, "dhchap_key");
}

int __wrap_mkdirat(int dirfd, const char *path, mode_t mode)
{
	if (dirfd != now->fd)
		return __real_mkdirat(dirfd, path, mode);
	if (now->mkdir_fails && strstr(path, now->mkdir_fails)) {
		errno = now->mkdir_errno;
		return -1;
	}
	if (__real_mkdirat(dirfd, path, mode) < 0)
		return -1;
	fill(path);
	return 0;
}

static int remove_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What a person made below a directory is in the way; what comes with it is not. */
int __wrap_unlinkat(int dirfd, const char *path, int flags)
{
	char whole[256];

	if (dirfd != now->fd)
		return __real_unlinkat(dirfd, path, flags);
	if (now->rmdir_fails && strstr(path, now->rmdir_fails)) {
		errno = EBUSY;
		return -1;
	}
	snprintf(whole, sizeof(whole), "%s/%s", now->path, path);
	return nftw(whole, remove_it, 8, FTW_DEPTH | FTW_PHYS);
}

int __wrap_fs_write_at(int dirfd, const char *path, const void *value, size_t length)
{
	if (faccessat(dirfd, path, F_OK, 0) < 0)
		return -ENOENT;
	return __real_fs_write_at(dirfd, path, value, length);
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .path = "/tmp/test-capability-XXXXXX" };
	now = &fixture;
	assert_non_null(mkdtemp(fixture.path));
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(__real_mkdirat(fixture.fd, "subsystems", 0700), 0);
	assert_int_equal(__real_mkdirat(fixture.fd, "ports", 0700), 0);
	assert_int_equal(__real_mkdirat(fixture.fd, "hosts", 0700), 0);
	put(".", "discovery_nqn");
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(now->fd);
	return nftw(now->path, remove_it, 8, FTW_DEPTH | FTW_PHYS);
}

static unsigned int entries(const char *directory)
{
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	char path[64];
	unsigned int count = 0;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s/%s", now->path, directory);
	dir = opendir(path);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	return count;
}

static void assert_nothing_is_left(void)
{
	assert_int_equal(entries("subsystems"), 0);
	assert_int_equal(entries("ports"), 0);
	assert_int_equal(entries("hosts"), 0);
}

static void finds_what_the_kernel_has(void **state)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(capability_probe(now->fd, &list, &err), 0);
	assert_int_equal(err.code, 0);
	assert_true(capability_has(&list, MODEL_ROOT, "discovery_nqn"));
	assert_true(capability_has(&list, MODEL_SUBSYSTEM, "attr_serial"));
	assert_true(capability_has(&list, MODEL_NAMESPACE, "device_path"));
	assert_true(capability_has(&list, MODEL_PASSTHRU, "enable"));
	assert_true(capability_has(&list, MODEL_PORT, "addr_tsas"));
	assert_true(capability_has(&list, MODEL_ANA_GROUP, "ana_state"));
	assert_true(capability_has(&list, MODEL_REFERRAL, "addr_portid"));
	assert_true(capability_has(&list, MODEL_HOST, "dhchap_key"));
	assert_false(capability_has(&list, MODEL_SUBSYSTEM, "attr_qid_max"));
	assert_false(capability_has(&list, MODEL_PORT, "attr_serial"));
	assert_false(capability_has(&list, MODEL_PORT, "nonsense"));
	assert_true(list.has_passthru);
	assert_true(list.has_auth);
	assert_true(list.has_tls);
	assert_true(strlen(list.release) > 0);
	assert_nothing_is_left();
}

static void finds_what_an_old_kernel_has_not(void **state)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;

	(void)state;
	now->is_old = true;
	assert_int_equal(capability_probe(now->fd, &list, NULL), 0);
	assert_false(capability_has(&list, MODEL_PASSTHRU, "enable"));
	assert_false(list.has_passthru);
	assert_false(list.has_auth);
	assert_false(list.has_tls);
	assert_nothing_is_left();
}

static void lists_unknown_attributes_after_the_known_of_their_kind(void **state)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	size_t unknown = 0;
	size_t last_known = 0;
	size_t i;

	(void)state;
	assert_int_equal(capability_probe(now->fd, &list, NULL), 0);
	for (i = 0; i < list.count; i++) {
		const struct capability *item = &list.items[i];

		assert_true(i == 0 || item->kind >= list.items[i - 1].kind);
		if (item->kind != MODEL_SUBSYSTEM)
			continue;
		if (item->is_known)
			last_known = i;
		else
			unknown = i;
	}
	assert_int_equal(unknown, last_known + 1);
	assert_string_equal(list.items[unknown].name, "attr_of_the_future");
	assert_true(list.items[unknown].is_present);
}

static void takes_the_next_port_if_one_is_in_use(void **state)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(__real_mkdirat(now->fd, "ports/65535", 0700), 0);
	assert_int_equal(capability_probe(now->fd, &list, &err), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(entries("ports"), 1);
}

static void tells_that_no_port_is_free(void **state)
{
	struct capability_list untouched = { .count = 9 };
	struct err err = ERR_NULL;

	(void)state;
	now->mkdir_fails = "ports/";
	now->mkdir_errno = EEXIST;
	assert_int_equal(capability_probe(now->fd, &untouched, &err), -ENOSPC);
	assert_int_equal(untouched.count, 9);
	assert_nothing_is_left();
}

static void leaves_nothing_wherever_the_kernel_refuses(void **state)
{
	const char *const places[] = { "hosts/", "subsystems/", "namespaces/", "ports/",
				       "referrals/" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct capability_list untouched = { .count = 9 };
		struct err err = ERR_NULL;

		now->mkdir_fails = places[i];
		now->mkdir_errno = EACCES;
		assert_int_equal(capability_probe(now->fd, &untouched, &err), -EACCES);
		assert_non_null(strstr(err.text, places[i]));
		assert_non_null(strstr(err.text, "be root"));
		assert_int_equal(untouched.count, 9);
		assert_nothing_is_left();
	}
}

static void tells_what_cannot_be_removed_and_removes_the_rest(void **state)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	struct err err = ERR_NULL;

	(void)state;
	now->rmdir_fails = "hosts/";
	assert_int_equal(capability_probe(now->fd, &list, &err), -EBUSY);
	assert_non_null(strstr(err.text, "hosts/sunfish-probe-"));
	assert_int_equal(entries("hosts"), 1);
	assert_int_equal(entries("subsystems"), 0);
	assert_int_equal(entries("ports"), 0);
}

/* --- modules */

static void write_index(const char *name, const char *text)
{
	char path[64];
	CLEANUP_CLOSE int fd = -1;

	assert_int_equal(fs_mkdir_p(now->fd, "lib/modules/6.1", 0700), 0);
	snprintf(path, sizeof(path), "lib/modules/6.1/%s", name);
	fd = openat(now->fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static enum capability_module state_of(const char *module)
{
	return capability_module_state(now->fd, "6.1", module);
}

static void finds_modules_in_the_kernel_or_on_disk(void **state)
{
	(void)state;
	now->is_old = true;
	assert_int_equal(state_of("nvmet-tcp"), CAPABILITY_ABSENT);
	write_index("modules.dep",
		    "kernel/drivers/nvme/target/nvmet-rdma.ko.xz: kernel/a/nvmet.ko.xz\n"
		    "kernel/drivers/nvme/target/nvmet-tcp.ko:\n"
		    "kernel/drivers/nvme/target/xnvmet-fc.ko:\n"
		    "kernel/drivers/nvme/target/nvme_loop.ko.zst:\n");
	write_index("modules.builtin", "kernel/drivers/nvme/target/nvmet.ko\nkernel/fs/x.ko\n");
	assert_int_equal(state_of("nvmet-tcp"), CAPABILITY_LOADABLE);
	assert_int_equal(state_of("nvmet_tcp"), CAPABILITY_LOADABLE);
	assert_int_equal(state_of("nvmet-rdma"), CAPABILITY_LOADABLE);
	assert_int_equal(state_of("nvme-loop"), CAPABILITY_LOADABLE);
	assert_int_equal(state_of("nvmet-fc"), CAPABILITY_ABSENT);
	assert_int_equal(state_of("nvmet"), CAPABILITY_BUILTIN);
	assert_int_equal(fs_mkdir_p(now->fd, "sys/module/nvmet_tcp/holders", 0700), 0);
	assert_int_equal(state_of("nvmet-tcp"), CAPABILITY_BUILTIN);
	put("sys/module/nvmet_tcp", "initstate");
	assert_int_equal(state_of("nvmet-tcp"), CAPABILITY_LOADED);
}

static void an_index_that_begins_with_the_suffix_does_no_harm(void **state)
{
	(void)state;
	write_index("modules.dep", ".ko:\n/.ko:\nnvmet.ko:\n");
	assert_int_equal(state_of("nvmet"), CAPABILITY_ABSENT);
}

static void each_kind_and_state_has_its_word(void **state)
{
	int i;
	int j;

	(void)state;
	for (i = MODEL_ROOT; i <= MODEL_REFERRAL; i++)
		for (j = MODEL_ROOT; j < i; j++)
			assert_string_not_equal(capability_kind_name(i), capability_kind_name(j));
	for (i = CAPABILITY_ABSENT; i <= CAPABILITY_BUILTIN; i++)
		for (j = CAPABILITY_ABSENT; j < i; j++)
			assert_string_not_equal(capability_module_name(i),
						capability_module_name(j));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_what_the_kernel_has),
		TEST(finds_what_an_old_kernel_has_not),
		TEST(lists_unknown_attributes_after_the_known_of_their_kind),
		TEST(takes_the_next_port_if_one_is_in_use),
		TEST(tells_that_no_port_is_free),
		TEST(leaves_nothing_wherever_the_kernel_refuses),
		TEST(tells_what_cannot_be_removed_and_removes_the_rest),
		TEST(finds_modules_in_the_kernel_or_on_disk),
		TEST(an_index_that_begins_with_the_suffix_does_no_harm),
		cmocka_unit_test(each_kind_and_state_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
