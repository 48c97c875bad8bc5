/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/dev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

#define SECTOR_BYTES 512 /* of sysfs, whatever the drive's own are */
#define MAX_SHOWN 16

/* --- sysfs */

static bool read_text(int dirfd, const char *path, char *text, size_t size)
{
	return fs_read_at(dirfd, path, text, size) > 0;
}

static uint64_t read_number(int dirfd, const char *path)
{
	char text[32];
	uint64_t number = 0;

	if (read_text(dirfd, path, text, sizeof(text)))
		str_parse_uint(text, UINT64_MAX, &number);
	return number;
}

/* The last two components of where dev/block/MAJOR:MINOR points: a drive and its partition, or
 * something above a drive and the drive. */
static int read_names(int sysfs_fd, const char *link, char node[64], char above[64])
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(sysfs_fd, link, target, sizeof(target) - 1);
	char *slash;

	if (length < 0)
		return errno == ENOENT ? -ENXIO : -errno;
	target[length] = '\0';
	slash = strrchr(target, '/');
	if (!slash || strlen(slash + 1) >= 64)
		return -ENAMETOOLONG;
	snprintf(node, 64, "%s", slash + 1);
	*slash = '\0';
	slash = strrchr(target, '/');
	snprintf(above, 64, "%.63s", slash ? slash + 1 : "");
	return 0;
}

/* Of SCSI drives it belongs to the device below the drive; dm and md have their own UUIDs. */
static void read_wwid(int disk_fd, char *wwid, size_t size)
{
	static const char *const places[] = { "wwid", "device/wwid", "dm/uuid", "md/uuid" };
	char text[256];
	size_t length;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!read_text(disk_fd, places[i], text, sizeof(text)))
			continue;
		length = strlen(text);
		while (length && text[length - 1] == ' ')
			text[--length] = '\0';
		if (!length)
			continue;
		snprintf(wwid, size, "%s", text);
		return;
	}
}

static int read_sysfs(int sysfs_fd, struct dev_info *dev)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_CLOSE int disk_fd = -1;
	char link[64];
	char above[64];
	int r;

	snprintf(link, sizeof(link), "dev/block/%u:%u", dev->major, dev->minor);
	r = read_names(sysfs_fd, link, dev->node, above);
	if (r < 0)
		return r;
	fd = openat(sysfs_fd, link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dev->partition = (unsigned int)read_number(fd, "partition");
	disk_fd = openat(fd, dev->partition ? ".." : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (disk_fd < 0)
		return -errno;
	memcpy(dev->disk, dev->partition ? above : dev->node, sizeof(dev->disk));
	dev->is_block = true;
	dev->size_bytes = read_number(fd, "size") * SECTOR_BYTES;
	dev->read_only = read_number(fd, "ro") != 0;
	dev->removable = read_number(disk_fd, "removable") != 0;
	read_wwid(disk_fd, dev->wwid, sizeof(dev->wwid));
	return 0;
}

/* --- udev's database */

/* The better the kind of link, the lower; nvme-nvme. is made of numbers, not for eyes. */
static unsigned int rank_link(const char *name)
{
	static const struct {
		const char *prefix;
		unsigned int rank;
	} kinds[] = {
		{ "nvme-eui.", 0 },  { "nvme-uuid.", 1 }, { "nvme-nguid.", 2 }, { "wwn-", 3 },
		{ "nvme-nvme.", 6 }, { "nvme-", 4 },	  { "dm-uuid-", 5 },	{ "md-uuid-", 5 },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].rank;
	return 7;
}

static bool leads_to(const char *link, const struct dev_info *dev)
{
	struct stat st;

	return stat(link, &st) == 0 && S_ISBLK(st.st_mode) &&
	       st.st_rdev == makedev(dev->major, dev->minor);
}

/* Two drives may claim one link, and only one of them has it. */
static void choose_link(struct udev_device *device, struct dev_info *dev)
{
	static const char by_id[] = "/dev/disk/by-id/";
	struct udev_list_entry *entry = udev_device_get_devlinks_list_entry(device);
	unsigned int best = UINT_MAX;

	for (; entry; entry = udev_list_entry_get_next(entry)) {
		const char *link = udev_list_entry_get_name(entry);
		unsigned int rank;

		if (strncmp(link, by_id, strlen(by_id)) != 0 || strlen(link) >= sizeof(dev->by_id))
			continue;
		rank = rank_link(link + strlen(by_id));
		/* of two as good the longer: nvme-MODEL_SERIAL_1 says the namespace, too */
		if (rank > best || (rank == best && strlen(link) <= strlen(dev->by_id)) ||
		    !leads_to(link, dev))
			continue;
		best = rank;
		snprintf(dev->by_id, sizeof(dev->by_id), "%s", link);
	}
}

static void copy_property(struct udev_device *device, const char *name, char *text, size_t size)
{
	const char *value = udev_device_get_property_value(device, name);

	if (value && strlen(value) < size)
		memcpy(text, value, strlen(value) + 1);
}

static void read_udev(struct dev_info *dev)
{
	static const char *const ids[] = { "MD_UUID", "ID_WWN_WITH_EXTENSION", "ID_WWN",
					   "ID_SERIAL" };
	struct udev *udev = udev_new();
	struct udev_device *device =
		udev ? udev_device_new_from_devnum(udev, 'b', makedev(dev->major, dev->minor))
		     : NULL;
	size_t i;

	if (device) {
		choose_link(device, dev);
		copy_property(device, "ID_FS_TYPE", dev->fs_type, sizeof(dev->fs_type));
		copy_property(device, "ID_PART_TABLE_TYPE", dev->part_table,
			      sizeof(dev->part_table));
	}
	/* members of an array may have its MD_UUID, too */
	i = strncmp(dev->node, "md", 2) == 0 ? 0 : 1;
	for (; device && !dev->wwid[0] && i < sizeof(ids) / sizeof(ids[0]); i++)
		copy_property(device, ids[i], dev->wwid, sizeof(dev->wwid));
	udev_device_unref(device);
	udev_unref(udev);
}

/* --- what is told */

static bool is_real_drive(const char *name)
{
	return name[0] != '.' && strncmp(name, "loop", 4) != 0 && strncmp(name, "ram", 3) != 0 &&
	       strncmp(name, "zram", 4) != 0 && strncmp(name, "sr", 2) != 0 &&
	       strncmp(name, "fd", 2) != 0;
}

static int not_there(const char *path, struct err *err)
{
	CLEANUP_STR struct str names = STR_NULL;
	CLEANUP_CLOSEDIR DIR *dir = opendir("/sys/block");
	const struct dirent *entry;
	unsigned int count = 0;

	while (dir && (entry = readdir(dir)))
		if (is_real_drive(entry->d_name) && count++ < MAX_SHOWN)
			str_addf(&names, "%s/dev/%s", names.length ? ", " : "", entry->d_name);
	if (!count)
		return err_set(err, -ENOENT, "there is no %s, and no drive on this host at all",
			       path);
	return err_set(err, -ENOENT, "there is no %s; the drives of this host are %s%s", path,
		       str_get(&names), count > MAX_SHOWN ? " ..." : "");
}

static int not_a_drive(const char *path, mode_t mode, struct err *err)
{
	bool is_nvme = S_ISCHR(mode) && strncmp(path, "/dev/nvme", 9) == 0;

	if (S_ISDIR(mode))
		return err_set(err, -ENOTBLK, "%s is a directory: name a drive or a file", path);
	if (is_nvme && path[9] && path[9 + strspn(path + 9, "0123456789")] == '\0')
		return err_set(err, -ENOTBLK, "%s is a controller: name its drive, such as %sn1",
			       path, path);
	if (S_ISCHR(mode) && strncmp(path, "/dev/ng", 7) == 0)
		return err_set(err, -ENOTBLK, "%s is a character device: its drive is /dev/nvme%s",
			       path, path + 7);
	return err_set(err, -ENOTBLK, "%s is neither a drive nor a file", path);
}

static int explain(const struct dev_info *dev, int code, struct err *err)
{
	if (code == -ENXIO)
		return err_set(err, code,
			       "%s is a node without a device (%u:%u): the drive is gone, or its "
			       "driver is not loaded",
			       dev->path, dev->major, dev->minor);
	return err_set(err, code, "cannot look at %s in /sys: %s", dev->path, strerror(-code));
}

/* --- */

int dev_inspect_at(int sysfs_fd, unsigned int major, unsigned int minor, struct dev_info *ret,
		   struct err *err)
{
	struct dev_info dev = { .major = major, .minor = minor };
	size_t length;
	int r;

	snprintf(dev.path, sizeof(dev.path), "/dev/block/%u:%u", major, minor);
	r = read_sysfs(sysfs_fd, &dev);
	if (r < 0)
		return explain(&dev, r, err);
	snprintf(dev.path, sizeof(dev.path), "/dev/%s", dev.node);
	read_udev(&dev);
	length = strlen(dev.wwid);
	if (length && dev.partition)
		snprintf(dev.wwid + length, sizeof(dev.wwid) - length, "-part%u", dev.partition);
	*ret = dev;
	return 0;
}

static void inspect_file(const char *path, const struct stat *st, struct dev_info *ret)
{
	struct dev_info dev = { .is_file = true };

	dev.size_bytes = (uint64_t)st->st_size;
	dev.file_device = st->st_dev;
	dev.file_inode = st->st_ino;
	dev.read_only = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0;
	*ret = dev;
}

int dev_inspect(const char *path, struct dev_info *ret, struct err *err)
{
	CLEANUP_CLOSE int sysfs_fd = -1;
	struct dev_info dev = { 0 };
	struct stat st;
	int r = 0;

	if (strlen(path) >= sizeof(dev.path))
		return err_set(err, -ENAMETOOLONG, "the path of the drive has more than %zu bytes",
			       sizeof(dev.path) - 1);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? not_there(path, err)
				       : err_set(err, -errno, "cannot look at %s: %s", path,
						 strerror(errno));
	if (S_ISREG(st.st_mode)) {
		inspect_file(path, &st, &dev);
	} else if (S_ISBLK(st.st_mode)) {
		sysfs_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = dev_inspect_at(sysfs_fd, major(st.st_rdev), minor(st.st_rdev), &dev, err);
	} else {
		return not_a_drive(path, st.st_mode, err);
	}
	if (r < 0)
		return r;
	snprintf(dev.path, sizeof(dev.path), "%s", path);
	*ret = dev;
	return 0;
}
