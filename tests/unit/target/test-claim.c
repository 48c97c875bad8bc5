/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fs.h"
#include "target/claim.h"

#define DRIVE "class/block/nvme1n1"
#define MIB (1 << 20)

/* A host: its sysfs, its tables of mounts and swap, and what open() says. */
struct fake {
	char directory[64];
	int sysfs_fd;
	const char *mountinfo;
	const char *swaps;
	int open_error;
	int open_flags;
	const char *part_type; /* ID_FS_TYPE of each partition */
	struct dev_info dev;
	struct str notes;
	struct err err;
	const char *own_nqn;
};

static struct fake fake;

int __wrap_fs_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_length);
int __wrap_stat(const char *path, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __wrap_open(const char *path, int flags, ...);
int __wrap_dev_inspect_at(int sysfs_fd, unsigned int major, unsigned int minor,
			  struct dev_info *ret, struct err *err);

int __wrap_fs_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_length)
{
	const char *text = strcmp(path, "/proc/swaps") == 0 ? fake.swaps : fake.mountinfo;

	(void)dirfd, (void)max, (void)ret_length;
	if (!text)
		return -ENOENT;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int __wrap_stat(const char *path, struct stat *st)
{
	unsigned int minor = strcmp(path, "/dev/nvme1n1") == 0	   ? 1
			     : strcmp(path, "/dev/nvme1n1p2") == 0 ? 2
								   : 0;

	if (!minor)
		return __real_stat(path, st);
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFBLK;
	st->st_rdev = makedev(259, minor);
	return 0;
}

int __wrap_open(const char *path, int flags, ...)
{
	(void)path;
	fake.open_flags = flags;
	if (fake.open_error) {
		errno = fake.open_error;
		return -1;
	}
	return dup(fake.sysfs_fd);
}

int __wrap_dev_inspect_at(int sysfs_fd, unsigned int major, unsigned int minor,
			  struct dev_info *ret, struct err *err)
{
	(void)sysfs_fd, (void)major, (void)minor, (void)err;
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->fs_type, sizeof(ret->fs_type), "%s", fake.part_type ? fake.part_type : "");
	return 0;
}

static void put(const char *in, const char *file, const char *text)
{
	char path[256];

	assert_int_equal(fs_mkdir_p(fake.sysfs_fd, in, 0755), 0);
	if (!file)
		return;
	snprintf(path, sizeof(path), "%s/%s", in, file);
	assert_int_equal(fs_replace_file(fake.sysfs_fd, path, text, strlen(text), 0644), 0);
}

/* An NVMe drive nvme1n1 (259:1), which nobody holds. */
static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	strcpy(fake.directory, "/tmp/test-claim-XXXXXX");
	if (!mkdtemp(fake.directory))
		return -1;
	fake.sysfs_fd = openat(AT_FDCWD, fake.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fake.sysfs_fd < 0)
		return -1;
	fake.mountinfo = "22 27 0:21 / /proc rw - proc proc rw\n"
			 "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";
	fake.dev = (struct dev_info){ .path = "/dev/nvme1n1",
				      .node = "nvme1n1",
				      .disk = "nvme1n1",
				      .major = 259,
				      .minor = 1,
				      .is_block = true,
				      .size_bytes = MIB };
	put(DRIVE, "dev", "259:1\n");
	put(DRIVE "/holders", NULL, NULL);
	put(DRIVE "/slaves", NULL, NULL);
	put(DRIVE "/device", "transport", "pcie\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	str_deinit(&fake.notes);
	close(fake.sysfs_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", fake.directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

static void add_partition(void)
{
	put(DRIVE "/nvme1n1p2", "partition", "2\n");
	put("class/block/nvme1n1p2", "dev", "259:2\n");
	put("class/block/nvme1n1p2/holders", NULL, NULL);
}

static void as_partition(void)
{
	add_partition();
	strcpy(fake.dev.path, "/dev/nvme1n1p2");
	strcpy(fake.dev.node, "nvme1n1p2");
	fake.dev.minor = 2;
	fake.dev.partition = 2;
}

struct exported {
	unsigned int minor;
	const char *nqn;
	uint32_t nsid;
};

static int check_beside(const struct exported *exported, unsigned int flags)
{
	CLEANUP_CLAIM struct claim *claim = NULL;
	unsigned int major = exported && exported->minor ? 259 : 0;

	fake.err = ERR_NULL;
	assert_int_equal(claim_new(fake.sysfs_fd, &claim, &fake.err), 0);
	if (exported)
		assert_int_equal(claim_add_export(claim, major, exported->minor, exported->nqn,
						  exported->nsid),
				 0);
	return claim_check(claim, &fake.dev, fake.own_nqn, 1, flags, &fake.notes, &fake.err);
}

static int check(unsigned int flags)
{
	return check_beside(NULL, flags);
}

static void says(const char *words)
{
	if (!strstr(fake.err.text, words))
		fail_msg("\"%s\" is not in: %s", words, fake.err.text);
	assert_null(strchr(fake.err.text, '\n'));
}

/* Held: no flag helps. */
static void is_held(const char *words)
{
	assert_int_equal(check(0), -EBUSY);
	says(words);
	assert_int_equal(check(CLAIM_FORCE), -EBUSY);
	assert_int_equal(check(CLAIM_RESTORE), -EBUSY);
	says(words);
	assert_string_equal(str_get(&fake.notes), "");
}

/* Suspicious: let through with a note. */
static void is_suspicious(const char *words)
{
	assert_int_equal(check(0), -EBUSY);
	says(words);
	says("--force");
	assert_string_equal(str_get(&fake.notes), "");
	assert_int_equal(check(CLAIM_FORCE), 0);
	assert_non_null(strstr(str_get(&fake.notes), words));
	assert_null(strstr(str_get(&fake.notes), "--force"));
	assert_int_equal(check(CLAIM_RESTORE), 0);
}

static void a_drive_that_nobody_holds_is_free(void **state)
{
	(void)state;
	assert_int_equal(check(0), 0);
	assert_string_equal(str_get(&fake.notes), "");
}

static void a_drive_is_opened_exclusively_but_never_for_writing(void **state)
{
	(void)state;
	assert_int_equal(check(0), 0);
	assert_true(fake.open_flags & O_EXCL);
	assert_int_equal(fake.open_flags & O_ACCMODE, O_RDONLY);
}

static void a_mounted_drive_is_held(void **state)
{
	(void)state;
	fake.mountinfo = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
			 "40 27 259:1 / /scratch rw shared:1 master:2 - xfs /dev/nvme1n1 rw\n";
	is_held("/dev/nvme1n1 is mounted on /scratch: umount /scratch");
}

static void a_drive_with_a_mounted_partition_is_held(void **state)
{
	(void)state;
	add_partition();
	fake.mountinfo = "40 27 259:2 / /srv rw - xfs /dev/nvme1n1p2 rw\n";
	is_held("/dev/nvme1n1: its partition /dev/nvme1n1p2 is mounted on /srv");
}

static void a_partition_of_a_drive_that_is_mounted_whole_is_held(void **state)
{
	(void)state;
	as_partition();
	fake.mountinfo = "40 27 259:1 / /srv rw - xfs /dev/nvme1n1 rw\n";
	is_held("/dev/nvme1n1p2: its whole drive /dev/nvme1n1 is mounted on /srv");
}

static void a_partition_beside_a_mounted_one_is_free(void **state)
{
	(void)state;
	as_partition();
	fake.mountinfo = "40 27 259:3 / /srv rw - xfs /dev/nvme1n1p3 rw\n";
	assert_int_equal(check(0), 0);
}

static void the_drive_of_the_running_system_is_told_as_that(void **state)
{
	(void)state;
	add_partition();
	fake.mountinfo = "27 1 259:2 / / rw - ext4 /dev/nvme1n1p2 rw\n";
	is_held("the running system is on it");
	assert_null(strstr(fake.err.text, "umount"));
}

static void a_mount_with_an_anonymous_device_is_known_by_its_source(void **state)
{
	(void)state;
	fake.mountinfo = "40 27 0:44 /sub /data rw - btrfs /dev/nvme1n1 rw,subvol=/sub\n";
	is_held("is mounted on /data");
}

static void blanks_in_a_mount_point_are_shown_as_such(void **state)
{
	(void)state;
	fake.mountinfo = "40 27 259:1 / /my\\040data\\134x rw - xfs /dev/nvme1n1 rw\n";
	is_held("mounted on /my data\\x");
}

static void lines_that_are_none_are_skipped(void **state)
{
	(void)state;
	fake.mountinfo = "\n40\n40 27 x / /a - b c\n40 27 259:1\n - \n40 27 259:1 / \n"
			 "40 27 0:5 / /x rw - btrfs\n";
	fake.swaps = "Filename Type\n\n/\n";
	assert_int_equal(check(0), 0);
}

static void a_drive_with_swap_is_held(void **state)
{
	(void)state;
	add_partition();
	fake.swaps = "Filename\t\t\t\tType\t\tSize\n/dev/nvme1n1p2    partition\t100\t0\t-2\n";
	is_held("/dev/nvme1n1p2 is swap space in use: swapoff /dev/nvme1n1p2");
}

static void a_physical_volume_is_held_by_its_volume_group(void **state)
{
	(void)state;
	put(DRIVE "/holders/dm-3", NULL, NULL);
	put("class/block/dm-3", "dev", "253:3\n");
	put("class/block/dm-3/dm", "name", "vg--a-home\n");
	put("class/block/dm-3/dm", "uuid", "LVM-x\n");
	is_held("held by LVM volume vg--a-home: vgchange -an vg-a");
	fake.mountinfo = "40 27 253:3 / /home rw - xfs /dev/mapper/vg--a-home rw\n";
	is_held("LVM volume vg--a-home, mounted on /home: umount /home, then vgchange -an vg-a");
	fake.mountinfo = "27 1 253:3 / / rw - xfs /dev/mapper/vg--a-home rw\n";
	is_held("the running system is on it");
}

static void the_mount_at_the_end_of_a_chain_is_named(void **state)
{
	(void)state;
	add_partition();
	put("class/block/nvme1n1p2/holders/md127", NULL, NULL);
	put("class/block/md127", "dev", "9:127\n");
	put("class/block/md127/holders/dm-0", NULL, NULL);
	put("class/block/dm-0", "dev", "253:0\n");
	put("class/block/dm-0/holders", NULL, NULL);
	fake.mountinfo = "40 27 253:0 / /crypt rw - xfs /dev/mapper/c rw\n";
	is_held("its partition /dev/nvme1n1p2 is held by array /dev/md127, mounted on /crypt: "
		"umount /crypt, then mdadm --stop /dev/md127");
}

static void a_path_of_a_multipath_device_is_held(void **state)
{
	(void)state;
	put(DRIVE "/holders/dm-3", NULL, NULL);
	put("class/block/dm-3", "dev", "253:3\n");
	put("class/block/dm-3/dm", "name", "mpatha\n");
	put("class/block/dm-3/dm", "uuid", "mpath-3600\n");
	is_held("export /dev/mapper/mpatha instead");
}

static void a_drive_of_bcache_is_held(void **state)
{
	(void)state;
	put(DRIVE "/bcache", NULL, NULL);
	is_held("bcache");
}

static void a_drive_in_btrfs_without_a_line_of_its_own_is_held(void **state)
{
	(void)state;
	fake.open_error = EBUSY;
	put("fs/btrfs/abcd-1234/devices/nvme1n1", NULL, NULL);
	is_held("btrfs file system that is mounted (abcd-1234)");
}

static void a_drive_held_by_nobody_knows_whom_is_held(void **state)
{
	(void)state;
	fake.open_error = EBUSY;
	is_held("by whom cannot be seen");
}

static void a_dead_drive_is_told_as_such(void **state)
{
	(void)state;
	fake.open_error = ENXIO;
	assert_int_equal(check(CLAIM_FORCE), -ENXIO);
	says("/dev/nvme1n1 does not answer");
	fake.open_error = EACCES;
	assert_int_equal(check(0), -EACCES);
}

static void a_read_only_drive_is_refused(void **state)
{
	(void)state;
	fake.dev.read_only = true;
	assert_int_equal(check(0), -EROFS);
	says("blockdev --setrw /dev/nvme1n1");
	assert_int_equal(check(CLAIM_FORCE), -EROFS);
}

static void a_drive_that_is_exported_already_is_held(void **state)
{
	const struct exported blake14 = { 1, "blake14", 2 };

	(void)state;
	assert_int_equal(check_beside(&blake14, CLAIM_FORCE), -EBUSY);
	says("/dev/nvme1n1 is exported already, as namespace 2 of blake14");
	says("nvmet-sunfishctl delete blake14");
}

static void a_drive_is_not_in_the_way_of_its_own_export(void **state)
{
	const struct exported own = { 1, "blake14", 1 };
	const struct exported other = { 1, "blake14", 2 };

	(void)state;
	fake.own_nqn = "blake14";
	assert_int_equal(check_beside(&own, 0), 0);
	assert_int_equal(check_beside(&other, 0), -EBUSY);
}

static void a_drive_with_an_exported_partition_is_held_and_the_other_way_round(void **state)
{
	const struct exported partition = { 2, "blake14", 1 };
	const struct exported whole = { 1, "blake14", 1 };

	(void)state;
	add_partition();
	assert_int_equal(check_beside(&partition, 0), -EBUSY);
	says("its partition /dev/nvme1n1p2 is exported already");
	as_partition();
	assert_int_equal(check_beside(&whole, 0), -EBUSY);
	says("its whole drive /dev/nvme1n1 is exported already");
}

static void a_volume_on_an_exported_drive_is_held(void **state)
{
	const struct exported below = { 1, "blake14", 1 };

	(void)state;
	fake.dev = (struct dev_info){ .path = "/dev/vg/lv", .node = "dm-3", .disk = "dm-3" };
	fake.dev.major = 253;
	fake.dev.minor = 3;
	fake.dev.is_block = true;
	put("class/block/dm-3", "dev", "253:3\n");
	put("class/block/dm-3/slaves/dm-1", NULL, NULL);
	put("class/block/dm-1/slaves/nvme1n1", NULL, NULL);
	assert_int_equal(check_beside(&below, CLAIM_FORCE), -EBUSY);
	says("/dev/vg/lv: /dev/nvme1n1, which it is on, is exported already");
}

static void the_import_of_an_own_export_is_held(void **state)
{
	const struct exported own = { 7, "blake14", 1 };

	(void)state;
	put(DRIVE "/device", "transport", "tcp\n");
	put(DRIVE "/device", "subsysnqn", "blake14\n");
	assert_int_equal(check_beside(&own, CLAIM_FORCE), -EBUSY);
	says("the import of blake14, which this host exports");
}

static void an_import_by_loop_is_always_an_own_export(void **state)
{
	(void)state;
	put(DRIVE "/device", "transport", "loop\n");
	put(DRIVE "/device", "subsysnqn", "blake14\n");
	is_held("nvme disconnect -n blake14");
}

static void an_import_from_another_host_is_suspicious(void **state)
{
	(void)state;
	put(DRIVE "/device", "transport", "rdma\n");
	put(DRIVE "/device", "subsysnqn", "blake15\n");
	put(DRIVE "/device", "address", "traddr=10.1.1.1,trsvcid=4420\n");
	is_suspicious("drive of another host (blake15 over rdma, traddr=10.1.1.1,trsvcid=4420)");
}

static void an_import_with_multipathing_is_known_by_its_controllers(void **state)
{
	(void)state;
	assert_int_equal(unlinkat(fake.sysfs_fd, DRIVE "/device/transport", 0), 0);
	put(DRIVE "/device", "subsysnqn", "blake15\n");
	put(DRIVE "/device/nvme4", "transport", "tcp\n");
	is_suspicious("blake15 over tcp");
	put(DRIVE "/device/nvme4", "transport", "pcie\n");
	assert_int_equal(check(0), 0);
}

static void a_member_of_an_array_that_is_not_active_is_suspicious(void **state)
{
	static const char *const types[] = {
		"linux_raid_member", "LVM2_member", "zfs_member", "bcache", "drbd",
		"isw_raid_member"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		strcpy(fake.dev.fs_type, types[i]);
		is_suspicious(types[i]);
		str_deinit(&fake.notes);
	}
}

static void a_drive_with_such_a_partition_is_suspicious(void **state)
{
	(void)state;
	add_partition();
	fake.part_type = "zfs_member";
	is_suspicious("its partition /dev/nvme1n1p2 is a member of a ZFS pool");
}

static void a_file_system_that_is_not_mounted_is_the_hosts_business(void **state)
{
	(void)state;
	strcpy(fake.dev.fs_type, "ext4");
	assert_int_equal(check(0), 0);
	strcpy(fake.dev.fs_type, "crypto_LUKS");
	assert_int_equal(check(0), 0);
	assert_string_equal(str_get(&fake.notes), "");
}

/* --- files */

static void as_file(char *path, size_t size)
{
	struct stat st;

	put(".", "disk.img", "0123456789");
	snprintf(path, size, "%s/disk.img", fake.directory);
	assert_int_equal(stat(path, &st), 0);
	memset(&fake.dev, 0, sizeof(fake.dev));
	snprintf(fake.dev.path, sizeof(fake.dev.path), "%s", path);
	fake.dev.is_file = true;
	fake.dev.file_device = st.st_dev;
	fake.dev.file_inode = st.st_ino;
}

static void a_file_is_free(void **state)
{
	char path[128];

	(void)state;
	as_file(path, sizeof(path));
	assert_int_equal(check(0), 0);
	assert_int_equal(fake.open_flags, 0);
}

static void a_swap_file_is_held(void **state)
{
	char path[128];
	char swaps[256];

	(void)state;
	as_file(path, sizeof(path));
	snprintf(swaps, sizeof(swaps), "Filename Type\n%s file 100 0 -2\n", path);
	fake.swaps = swaps;
	is_held("swap file in use: swapoff");
}

static void a_file_behind_a_loop_device_is_held(void **state)
{
	char path[128];

	(void)state;
	as_file(path, sizeof(path));
	put("block/loop0/loop", "backing_file", "/nosuchfile\n");
	assert_int_equal(check(0), 0);
	put("block/loop5/loop", "backing_file", path);
	is_held("losetup -d /dev/loop5");
}

static void a_file_that_cannot_be_written_is_refused(void **state)
{
	char path[128];

	(void)state;
	as_file(path, sizeof(path));
	fake.dev.read_only = true;
	assert_int_equal(check(CLAIM_FORCE), -EROFS);
}

static void a_host_without_proc_is_told(void **state)
{
	struct claim *claim = NULL;

	(void)state;
	fake.mountinfo = NULL;
	assert_int_equal(claim_new(fake.sysfs_fd, &claim, &fake.err), -ENOENT);
	says("/proc/self/mountinfo");
	assert_null(claim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
		TEST(a_drive_that_nobody_holds_is_free),
		TEST(a_drive_is_opened_exclusively_but_never_for_writing),
		TEST(a_mounted_drive_is_held),
		TEST(a_drive_with_a_mounted_partition_is_held),
		TEST(a_partition_of_a_drive_that_is_mounted_whole_is_held),
		TEST(a_partition_beside_a_mounted_one_is_free),
		TEST(the_drive_of_the_running_system_is_told_as_that),
		TEST(a_mount_with_an_anonymous_device_is_known_by_its_source),
		TEST(blanks_in_a_mount_point_are_shown_as_such),
		TEST(lines_that_are_none_are_skipped),
		TEST(a_drive_with_swap_is_held),
		TEST(a_physical_volume_is_held_by_its_volume_group),
		TEST(the_mount_at_the_end_of_a_chain_is_named),
		TEST(a_path_of_a_multipath_device_is_held),
		TEST(a_drive_of_bcache_is_held),
		TEST(a_drive_in_btrfs_without_a_line_of_its_own_is_held),
		TEST(a_drive_held_by_nobody_knows_whom_is_held),
		TEST(a_dead_drive_is_told_as_such),
		TEST(a_read_only_drive_is_refused),
		TEST(a_drive_that_is_exported_already_is_held),
		TEST(a_drive_is_not_in_the_way_of_its_own_export),
		TEST(a_drive_with_an_exported_partition_is_held_and_the_other_way_round),
		TEST(a_volume_on_an_exported_drive_is_held),
		TEST(the_import_of_an_own_export_is_held),
		TEST(an_import_by_loop_is_always_an_own_export),
		TEST(an_import_from_another_host_is_suspicious),
		TEST(an_import_with_multipathing_is_known_by_its_controllers),
		TEST(a_member_of_an_array_that_is_not_active_is_suspicious),
		TEST(a_drive_with_such_a_partition_is_suspicious),
		TEST(a_file_system_that_is_not_mounted_is_the_hosts_business),
		TEST(a_file_is_free),
		TEST(a_swap_file_is_held),
		TEST(a_file_behind_a_loop_device_is_held),
		TEST(a_file_that_cannot_be_written_is_refused),
		TEST(a_host_without_proc_is_told),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
