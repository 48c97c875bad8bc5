/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/dev.h"

/* A udev database of one device, and the nodes that stat() sees beside the real ones. */
struct fake {
	char directory[64];
	int sysfs_fd;
	bool has_udev;
	const char *properties[8][2];
	const char *links[8];
	struct {
		const char *path;
		mode_t mode;
		dev_t device;
	} nodes[8];
};

static struct fake fake;

struct udev *__wrap_udev_new(void);
struct udev *__wrap_udev_unref(struct udev *udev);
struct udev_device *__wrap_udev_device_new_from_devnum(struct udev *udev, char type, dev_t number);
struct udev_device *__wrap_udev_device_unref(struct udev_device *device);
const char *__wrap_udev_device_get_property_value(struct udev_device *device, const char *name);
struct udev_list_entry *__wrap_udev_device_get_devlinks_list_entry(struct udev_device *device);
struct udev_list_entry *__wrap_udev_list_entry_get_next(struct udev_list_entry *entry);
const char *__wrap_udev_list_entry_get_name(struct udev_list_entry *entry);
int __wrap_stat(const char *path, struct stat *st);
int __real_stat(const char *path, struct stat *st);

struct udev *__wrap_udev_new(void)
{
	return (struct udev *)&fake;
}

struct udev *__wrap_udev_unref(struct udev *udev)
{
	(void)udev;
	return NULL;
}

struct udev_device *__wrap_udev_device_new_from_devnum(struct udev *udev, char type, dev_t number)
{
	(void)udev, (void)number;
	assert_int_equal(type, 'b');
	return fake.has_udev ? (struct udev_device *)&fake : NULL;
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *device)
{
	(void)device;
	return NULL;
}

const char *__wrap_udev_device_get_property_value(struct udev_device *device, const char *name)
{
	size_t i;

	(void)device;
	for (i = 0; i < 8 && fake.properties[i][0]; i++)
		if (strcmp(fake.properties[i][0], name) == 0)
			return fake.properties[i][1];
	return NULL;
}

struct udev_list_entry *__wrap_udev_device_get_devlinks_list_entry(struct udev_device *device)
{
	(void)device;
	return fake.links[0] ? (struct udev_list_entry *)&fake.links[0] : NULL;
}

struct udev_list_entry *__wrap_udev_list_entry_get_next(struct udev_list_entry *entry)
{
	const char **next = (const char **)entry + 1;

	return *next ? (struct udev_list_entry *)next : NULL;
}

const char *__wrap_udev_list_entry_get_name(struct udev_list_entry *entry)
{
	return *(const char **)entry;
}

int __wrap_stat(const char *path, struct stat *st)
{
	size_t i;

	for (i = 0; i < 8 && fake.nodes[i].path; i++) {
		if (strcmp(fake.nodes[i].path, path) != 0)
			continue;
		memset(st, 0, sizeof(*st));
		st->st_mode = fake.nodes[i].mode;
		st->st_rdev = fake.nodes[i].device;
		return 0;
	}
	return __real_stat(path, st);
}

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	strcpy(fake.directory, "/tmp/test-dev-XXXXXX");
	if (!mkdtemp(fake.directory))
		return -1;
	fake.sysfs_fd = open(fake.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fake.sysfs_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	close(fake.sysfs_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", fake.directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

static void put(const char *in, const char *file, const char *text)
{
	char path[256];

	assert_int_equal(fs_mkdir_p(fake.sysfs_fd, in, 0755), 0);
	snprintf(path, sizeof(path), "%s/%s", in, file);
	assert_int_equal(fs_replace_file(fake.sysfs_fd, path, text, strlen(text), 0644), 0);
}

static void number(const char *number, const char *directory)
{
	char link[64];
	char target[256];

	assert_int_equal(fs_mkdir_p(fake.sysfs_fd, "dev/block", 0755), 0);
	snprintf(link, sizeof(link), "dev/block/%s", number);
	snprintf(target, sizeof(target), "../../%s", directory);
	assert_int_equal(symlinkat(target, fake.sysfs_fd, link), 0);
}

/* An NVMe drive 259:1 with a partition 259:2. */
#define DRIVE "devices/pci0/nvme/nvme1/nvme1n1"

static void add_drive(void)
{
	put(DRIVE, "size", "2048\n");
	put(DRIVE, "ro", "0\n");
	put(DRIVE, "removable", "0\n");
	put(DRIVE, "wwid", "eui.0025385b71b0a1c2\n");
	number("259:1", DRIVE);
	put(DRIVE "/nvme1n1p2", "size", "1024\n");
	put(DRIVE "/nvme1n1p2", "partition", "2\n");
	put(DRIVE "/nvme1n1p2", "ro", "1\n");
	number("259:2", DRIVE "/nvme1n1p2");
}

static void says(const struct err *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("\"%s\" is not in: %s", words, err->text);
}

static void a_drive_is_described_by_sysfs_where_no_udevd_runs(void **state)
{
	struct dev_info dev;

	(void)state;
	add_drive();
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 259, 1, &dev, NULL), 0);
	assert_string_equal(dev.path, "/dev/nvme1n1");
	assert_string_equal(dev.node, "nvme1n1");
	assert_string_equal(dev.disk, "nvme1n1");
	assert_string_equal(dev.wwid, "eui.0025385b71b0a1c2");
	assert_string_equal(dev.by_id, "");
	assert_string_equal(dev.fs_type, "");
	assert_int_equal(dev.size_bytes, 1048576);
	assert_int_equal(dev.major, 259);
	assert_int_equal(dev.minor, 1);
	assert_int_equal(dev.partition, 0);
	assert_true(dev.is_block);
	assert_false(dev.is_file);
	assert_false(dev.read_only);
	assert_false(dev.removable);
}

static void a_partition_has_its_drives_id_and_its_own_number(void **state)
{
	struct dev_info dev;

	(void)state;
	add_drive();
	put(DRIVE, "removable", "1\n");
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 259, 2, &dev, NULL), 0);
	assert_string_equal(dev.node, "nvme1n1p2");
	assert_string_equal(dev.disk, "nvme1n1");
	assert_string_equal(dev.wwid, "eui.0025385b71b0a1c2-part2");
	assert_int_equal(dev.partition, 2);
	assert_int_equal(dev.size_bytes, 524288);
	assert_true(dev.read_only);
	assert_true(dev.removable);
}

static void finds_the_wwid_where_each_driver_keeps_it(void **state)
{
	struct dev_info dev;

	(void)state;
	put("devices/scsi/block/sda/device", "wwid", "t10.ATA     Disk 5000   \n");
	number("8:0", "devices/scsi/block/sda");
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 8, 0, &dev, NULL), 0);
	assert_string_equal(dev.wwid, "t10.ATA     Disk 5000");

	put("devices/virtual/block/dm-0/dm", "uuid", "LVM-abcdef\n");
	number("253:0", "devices/virtual/block/dm-0");
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 253, 0, &dev, NULL), 0);
	assert_string_equal(dev.wwid, "LVM-abcdef");

	put("devices/virtual/block/dm-1/dm", "uuid", "\n");
	number("253:1", "devices/virtual/block/dm-1");
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 253, 1, &dev, NULL), 0);
	assert_string_equal(dev.wwid, "");
}

static void takes_type_and_id_from_udev(void **state)
{
	struct dev_info dev;

	(void)state;
	fake.has_udev = true;
	fake.properties[0][0] = "ID_SERIAL";
	fake.properties[0][1] = "RIG0";
	fake.properties[1][0] = "ID_FS_TYPE";
	fake.properties[1][1] = "LVM2_member";
	fake.properties[2][0] = "ID_PART_TABLE_TYPE";
	fake.properties[2][1] = "gpt";
	fake.properties[3][0] = "MD_UUID"; /* of the array that it is a member of */
	fake.properties[3][1] = "1:2:3:4";
	put("devices/virtio/vda", "size", "8\n");
	number("254:0", "devices/virtio/vda");
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 254, 0, &dev, NULL), 0);
	assert_string_equal(dev.wwid, "RIG0");
	assert_string_equal(dev.fs_type, "LVM2_member");
	assert_string_equal(dev.part_table, "gpt");
}

static void the_kernels_wwid_goes_before_udevs_serial(void **state)
{
	struct dev_info dev;

	(void)state;
	add_drive();
	fake.has_udev = true;
	fake.properties[0][0] = "ID_SERIAL";
	fake.properties[0][1] = "RIG0";
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 259, 1, &dev, NULL), 0);
	assert_string_equal(dev.wwid, "eui.0025385b71b0a1c2");
}

static void links(const char *const *names, const char *best)
{
	struct dev_info dev;
	size_t i;

	for (i = 0; i < 8; i++) {
		fake.links[i] = names[i];
		fake.nodes[i].path = names[i];
		fake.nodes[i].mode = S_IFBLK;
		fake.nodes[i].device = makedev(259, 1);
		if (!names[i])
			break;
		if (strstr(names[i], "stolen"))
			fake.nodes[i].device = makedev(259, 7);
	}
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 259, 1, &dev, NULL), 0);
	assert_string_equal(dev.by_id, best);
}

static void takes_the_link_that_names_the_drive_best(void **state)
{
	static const char *const all[8] = { "/dev/disk/by-path/pci-0000:00:04.0-nvme-1",
					    "/dev/disk/by-id/nvme-Disk_RIG0",
					    "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2",
					    "/dev/disk/by-id/wwn-0x5000", NULL };
	static const char *const models[8] = { "/dev/disk/by-id/nvme-Disk_RIG0_1",
					       "/dev/disk/by-id/nvme-Disk_RIG0",
					       "/dev/disk/by-id/nvme-nvme.1b36-52494730-00000001",
					       "/dev/disk/by-id/scsi-SDisk", NULL };
	static const char *const any[8] = { "/dev/disk/by-id/virtio-RIG0", NULL };
	static const char *const stolen[8] = { "/dev/disk/by-id/nvme-eui.stolen",
					       "/dev/disk/by-id/nvme-Disk_RIG0", NULL };
	static const char *const none[8] = { "/dev/disk/by-path/pci-0000:00:04.0-nvme-1", NULL };

	(void)state;
	add_drive();
	fake.has_udev = true;
	links(all, "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2");
	links(models, "/dev/disk/by-id/nvme-Disk_RIG0_1");
	links(any, "/dev/disk/by-id/virtio-RIG0");
	links(stolen, "/dev/disk/by-id/nvme-Disk_RIG0");
	links(none, "");
}

static void a_number_without_a_device_is_refused(void **state)
{
	struct dev_info dev = { .major = 77 };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(dev_inspect_at(fake.sysfs_fd, 259, 9, &dev, &err), -ENXIO);
	says(&err, "259:9");
	assert_int_equal(dev.major, 77);
}

static void a_file_is_described_by_stat(void **state)
{
	char path[128];
	struct dev_info dev;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/disk.img", fake.directory);
	put(".", "disk.img", "0123456789");
	assert_int_equal(dev_inspect(path, &dev, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_string_equal(dev.path, path);
	assert_true(dev.is_file);
	assert_false(dev.is_block);
	assert_false(dev.read_only);
	assert_int_equal(dev.size_bytes, 10);
	assert_int_equal(dev.file_device, st.st_dev);
	assert_int_equal(dev.file_inode, st.st_ino);
	assert_int_equal(dev.major, 0);
	assert_string_equal(dev.node, "");
}

static void what_is_not_there_is_refused(void **state)
{
	struct dev_info dev = { .major = 77 };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(dev_inspect("/dev/nosuch77", &dev, &err), -ENOENT);
	says(&err, "/dev/nosuch77");
	assert_int_equal(dev.major, 77);
}

static void what_is_neither_drive_nor_file_is_refused(void **state)
{
	struct dev_info dev;
	struct err err = ERR_NULL;

	(void)state;
	fake.nodes[0].path = "/dev/nvme77";
	fake.nodes[0].mode = S_IFCHR;
	fake.nodes[1].path = "/dev/ng77n1";
	fake.nodes[1].mode = S_IFCHR;
	assert_int_equal(dev_inspect("/tmp", &dev, &err), -ENOTBLK);
	says(&err, "directory");
	assert_int_equal(dev_inspect("/dev/null", &dev, &err), -ENOTBLK);
	assert_int_equal(dev_inspect("/dev/nvme77", &dev, &err), -ENOTBLK);
	says(&err, "/dev/nvme77n1");
	assert_int_equal(dev_inspect("/dev/ng77n1", &dev, &err), -ENOTBLK);
	says(&err, "its drive is /dev/nvme77n1");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[400];
	struct dev_info dev;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(dev_inspect(path, &dev, NULL), -ENAMETOOLONG);
}

static void a_node_without_a_device_is_refused(void **state)
{
	struct dev_info dev;
	struct err err = ERR_NULL;

	(void)state;
	fake.nodes[0].path = "/dev/old";
	fake.nodes[0].mode = S_IFBLK;
	fake.nodes[0].device = makedev(511, 1048575);
	assert_int_equal(dev_inspect("/dev/old", &dev, &err), -ENXIO);
	says(&err, "node without a device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
		TEST(a_drive_is_described_by_sysfs_where_no_udevd_runs),
		TEST(a_partition_has_its_drives_id_and_its_own_number),
		TEST(finds_the_wwid_where_each_driver_keeps_it),
		TEST(takes_type_and_id_from_udev),
		TEST(the_kernels_wwid_goes_before_udevs_serial),
		TEST(takes_the_link_that_names_the_drive_best),
		TEST(a_number_without_a_device_is_refused),
		TEST(a_file_is_described_by_stat),
		TEST(what_is_not_there_is_refused),
		TEST(what_is_neither_drive_nor_file_is_refused),
		TEST(a_path_that_is_too_long_is_refused),
		TEST(a_node_without_a_device_is_refused),
	};

	return cmocka_run_group_tests_name("dev", tests, NULL, NULL);
}
