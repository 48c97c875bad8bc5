/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/claim.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/mounts.h"

#define NODE_ROOM 64
#define PATH_ROOM 512
#define MAX_DEPTH 8 /* of block devices on each other */

struct exported {
	dev_t device; /* of a drive its own, of a file its file system's */
	ino_t inode;  /* of a file, else 0 */
	uint32_t nsid;
	char *nqn;
};

struct claim {
	int sysfs_fd;
	struct mounts *mounts;
	struct exported *exports;
	size_t n_exports;
};

/* The drive itself, and its partitions or the drive that it is a partition of. */
struct member {
	dev_t device;
	char node[NODE_ROOM];
};

struct family {
	struct member *items;
	size_t count;
};

/* What one check is about. */
struct check {
	struct claim *claim;
	const struct dev_info *dev;
	struct family family;
	unsigned int flags;
	struct str *notes;
	struct err *err;
};

static void family_deinit(struct family *family)
{
	free(family->items);
}

/* Room for one more; a power of two many are allocated. */
static int reserve(void *items, size_t size, size_t count)
{
	void *more;

	if (count && (count & (count - 1)))
		return 0;
	more = reallocarray(*(void **)items, count ? count * 2 : 1, size);
	if (!more)
		return -ENOMEM;
	*(void **)items = more;
	return 0;
}

int claim_new(int sysfs_fd, struct claim **ret, struct err *err)
{
	CLEANUP_CLAIM struct claim *claim = calloc(1, sizeof(*claim));
	int r;

	if (!claim)
		return err_nomem(err);
	claim->sysfs_fd = sysfs_fd;
	r = mounts_read(&claim->mounts, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(claim);
	return 0;
}

void claim_free(struct claim *claim)
{
	size_t i;

	if (!claim)
		return;
	for (i = 0; i < claim->n_exports; i++)
		free(claim->exports[i].nqn);
	free(claim->exports);
	mounts_free(claim->mounts);
	free(claim);
}

static int add_exported(struct claim *claim, struct exported e, const char *nqn)
{
	if (reserve(&claim->exports, sizeof(e), claim->n_exports) < 0)
		return -ENOMEM;
	e.nqn = strdup(nqn);
	if (!e.nqn)
		return -ENOMEM;
	claim->exports[claim->n_exports++] = e;
	return 0;
}

int claim_add_export(struct claim *claim, unsigned int major, unsigned int minor, const char *nqn,
		     uint32_t nsid)
{
	struct exported e = { .device = makedev(major, minor), .nsid = nsid };

	return add_exported(claim, e, nqn);
}

int claim_add_file(struct claim *claim, uint64_t device, uint64_t inode, const char *nqn,
		   uint32_t nsid)
{
	struct exported e = { .device = device, .inode = inode, .nsid = nsid };

	return add_exported(claim, e, nqn);
}

/* --- block devices in sysfs */

static bool read_block(const struct claim *claim, const char *node, const char *name, char *text,
		       size_t size)
{
	char path[PATH_ROOM + 2 * NODE_ROOM];

	snprintf(path, sizeof(path), "class/block/%s/%s", node, name);
	return fs_read_at(claim->sysfs_fd, path, text, size) > 0;
}

static dev_t device_of(const struct claim *claim, const char *node)
{
	char text[32];
	char *colon;
	unsigned long number;

	if (!read_block(claim, node, "dev", text, sizeof(text)))
		return 0;
	number = strtoul(text, &colon, 10);
	return *colon == ':' ? makedev(number, strtoul(colon + 1, NULL, 10)) : 0;
}

static DIR *open_block(const struct claim *claim, const char *node, const char *name)
{
	char path[PATH_ROOM];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "class/block/%s/%s", node, name);
	fd = openat(claim->sysfs_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* The next name that is a block device; NULL at the end. */
static const char *next_node(DIR *dir)
{
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < NODE_ROOM)
			return entry->d_name;
	return NULL;
}

static int family_add(struct family *family, dev_t device, const char *node)
{
	struct member *member;

	if (reserve(&family->items, sizeof(*family->items), family->count) < 0)
		return -ENOMEM;
	member = &family->items[family->count++];
	member->device = device;
	snprintf(member->node, sizeof(member->node), "%s", node);
	return 0;
}

static int find_family(const struct claim *claim, const struct dev_info *dev, struct family *family)
{
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	size_t length = strlen(dev->disk);
	const char *node;
	int r = family_add(family, makedev(dev->major, dev->minor), dev->node);

	if (r == 0 && dev->partition)
		return family_add(family, device_of(claim, dev->disk), dev->disk);
	dir = r == 0 ? open_block(claim, dev->disk, "") : NULL;
	while (r == 0 && (node = next_node(dir)))
		if (strncmp(node, dev->disk, length) == 0 && node[length])
			r = family_add(family, device_of(claim, node), node);
	return r;
}

/* --- what is told: which of the family it is, and that it is held */

#define SUBJECT_ROOM (256 + NODE_ROOM + 64)

static const char *subject(const struct check *check, const struct member *m, char *text)
{
	const struct dev_info *dev = check->dev;

	if (strcmp(m->node, dev->node) == 0)
		snprintf(text, SUBJECT_ROOM, "%s", dev->path);
	else
		snprintf(text, SUBJECT_ROOM, "%s: its %s /dev/%s", dev->path,
			 dev->partition ? "whole drive" : "partition", m->node);
	return text;
}

static bool is_of_the_system(const char *where)
{
	static const char *const places[] = { "/", "/boot", "/boot/efi", "/efi", "/usr", "/var" };
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(where, places[i]) == 0)
			return true;
	return false;
}

static int check_uses(const struct check *check, const struct member *m)
{
	const struct mounts_use *use = mounts_find(check->claim->mounts, m->device, 0);
	char text[SUBJECT_ROOM];

	if (!use)
		return 0;
	subject(check, m, text);
	if (use->is_swap)
		return err_set(check->err, -EBUSY, "%s is swap space in use: swapoff %s", text,
			       use->where);
	if (is_of_the_system(use->where))
		return err_set(check->err, -EBUSY,
			       "%s is mounted on %s: the running system is on it, take another "
			       "drive",
			       text, use->where);
	return err_set(check->err, -EBUSY, "%s is mounted on %s: umount %s", text, use->where,
		       use->where);
}

/* The mount or swap area at the end of a chain of devices on each other. */
static const struct mounts_use *find_use_above(const struct claim *claim, const char *node,
					       unsigned int depth)
{
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	const struct mounts_use *use = mounts_find(claim->mounts, device_of(claim, node), 0);
	const char *holder;

	if (use || depth == 0)
		return use;
	dir = open_block(claim, node, "holders");
	while (!use && (holder = next_node(dir)))
		use = find_use_above(claim, holder, depth - 1);
	return use;
}

/* "vg--a-lv" is volume lv of group vg-a. */
static void group_of(const char *name, char *group, size_t size)
{
	size_t used = 0;

	while (*name && used + 1 < size && (name[0] != '-' || name[1] == '-')) {
		name += name[0] == '-';
		group[used++] = *name++;
	}
	group[used] = '\0';
}

static void describe_dm(const struct claim *claim, const char *node, struct str *what,
			struct str *cure)
{
	char name[256] = "";
	char uuid[256] = "";
	char group[256];

	read_block(claim, node, "dm/name", name, sizeof(name));
	read_block(claim, node, "dm/uuid", uuid, sizeof(uuid));
	if (strncmp(uuid, "LVM-", 4) == 0) {
		group_of(name, group, sizeof(group));
		str_addf(what, "LVM volume %s", name);
		str_addf(cure, "vgchange -an %s", group);
	} else if (strncmp(uuid, "CRYPT-", 6) == 0) {
		str_addf(what, "opened encryption %s", name);
		str_addf(cure, "cryptsetup close %s", name);
	} else if (strncmp(uuid, "mpath-", 6) == 0) {
		str_addf(what, "multipath device %s", name);
		str_addf(cure, "export /dev/mapper/%s instead", name);
	} else {
		str_addf(what, "device-mapper device %s", name);
		str_addf(cure, "dmsetup remove %s", name);
	}
}

static void describe_holder(const struct claim *claim, const char *node, struct str *what,
			    struct str *cure)
{
	if (strncmp(node, "dm-", 3) == 0) {
		describe_dm(claim, node, what, cure);
	} else if (strncmp(node, "md", 2) == 0) {
		str_addf(what, "array /dev/%s", node);
		str_addf(cure, "mdadm --stop /dev/%s", node);
	} else if (strncmp(node, "bcache", 6) == 0) {
		str_addf(what, "cached device /dev/%s", node);
		str_addf(cure, "echo 1 >/sys/block/%s/bcache/stop", node);
	} else {
		str_addf(what, "/dev/%s", node);
		str_addf(cure, "take it out of /dev/%s", node);
	}
}

static int check_holders(const struct check *check, const struct member *m)
{
	CLEANUP_CLOSEDIR DIR *dir = open_block(check->claim, m->node, "holders");
	CLEANUP_STR struct str what = STR_NULL;
	CLEANUP_STR struct str cure = STR_NULL;
	const char *holder = next_node(dir);
	const struct mounts_use *use;
	char text[SUBJECT_ROOM];

	if (!holder)
		return 0;
	describe_holder(check->claim, holder, &what, &cure);
	use = find_use_above(check->claim, holder, MAX_DEPTH);
	subject(check, m, text);
	if (!use)
		return err_set(check->err, -EBUSY, "%s is held by %s: %s", text, str_get(&what),
			       str_get(&cure));
	if (!use->is_swap && is_of_the_system(use->where))
		return err_set(check->err, -EBUSY,
			       "%s is held by %s, mounted on %s: the running system is on it, take "
			       "another drive",
			       text, str_get(&what), use->where);
	return err_set(check->err, -EBUSY, "%s is held by %s, %s %s: %s %s, then %s", text,
		       str_get(&what), use->is_swap ? "swap space" : "mounted on", use->where,
		       use->is_swap ? "swapoff" : "umount", use->where, str_get(&cure));
}

static int check_bcache(const struct check *check, const struct member *m)
{
	CLEANUP_CLOSEDIR DIR *dir = open_block(check->claim, m->node, "bcache");
	char text[SUBJECT_ROOM];

	if (!dir)
		return 0;
	return err_set(check->err, -EBUSY,
		       "%s is registered with bcache: echo 1 >/sys/class/block/%s/bcache/stop (of "
		       "a cache: bcache/set/stop)",
		       subject(check, m, text), m->node);
}

/* --- exports */

static const struct exported *find_export(const struct claim *claim, dev_t device, ino_t inode,
					  const char *own_nqn, uint32_t own_nsid)
{
	size_t i;

	for (i = 0; device && i < claim->n_exports; i++) {
		const struct exported *e = &claim->exports[i];
		bool is_own = own_nqn && e->nsid == own_nsid && strcmp(e->nqn, own_nqn) == 0;

		if (e->device == device && e->inode == inode && !is_own)
			return e;
	}
	return NULL;
}

static int refuse_exported(const struct check *check, const char *what, const struct exported *e)
{
	return err_set(check->err, -EBUSY,
		       "%s is exported already, as namespace %u of %s: to move it, first run: "
		       "nvmet-sunfishctl delete %s",
		       what, e->nsid, e->nqn, e->nqn);
}

/* Of a volume or array the drives that it is on: their blocks are its own. */
static int check_below(const struct check *check, const char *node, const char *own_nqn,
		       uint32_t own_nsid, unsigned int depth)
{
	CLEANUP_CLOSEDIR DIR *dir = depth ? open_block(check->claim, node, "slaves") : NULL;
	const char *slave;
	int r = 0;

	while (r == 0 && (slave = next_node(dir))) {
		char text[SUBJECT_ROOM];
		const struct exported *e = find_export(check->claim, device_of(check->claim, slave),
						       0, own_nqn, own_nsid);

		snprintf(text, sizeof(text), "%s: /dev/%s, which it is on,", check->dev->path,
			 slave);
		r = e ? refuse_exported(check, text, e)
		      : check_below(check, slave, own_nqn, own_nsid, depth - 1);
	}
	return r;
}

static int check_exports(const struct check *check, const char *own_nqn, uint32_t own_nsid)
{
	size_t i;

	if (!check->claim->n_exports)
		return 0;
	for (i = 0; i < check->family.count; i++) {
		const struct member *m = &check->family.items[i];
		const struct exported *e =
			find_export(check->claim, m->device, 0, own_nqn, own_nsid);
		char text[SUBJECT_ROOM];

		if (e)
			return refuse_exported(check, subject(check, m, text), e);
	}
	return check_below(check, check->dev->node, own_nqn, own_nsid, MAX_DEPTH);
}

/* --- what is suspicious */

static int suspect(const struct check *check, const char *why)
{
	if (!(check->flags & (CLAIM_FORCE | CLAIM_RESTORE)))
		return err_set(check->err, -EBUSY, "%s; if that is what you want: --force", why);
	if (check->notes)
		str_addf(check->notes, "%s\n", why);
	return 0;
}

/* The transport of an NVMe drive; with native multipathing the controllers are one level below. */
static bool read_transport(const struct claim *claim, const char *disk, char *transport,
			   char *address, size_t size)
{
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	const char *name;

	*address = '\0';
	if (read_block(claim, disk, "device/transport", transport, size)) {
		read_block(claim, disk, "device/address", address, size);
		return true;
	}
	dir = open_block(claim, disk, "device");
	while ((name = next_node(dir))) {
		char path[PATH_ROOM];

		if (strncmp(name, "nvme", 4) != 0 || !isdigit((unsigned char)name[4]))
			continue;
		snprintf(path, sizeof(path), "device/%s/transport", name);
		if (!read_block(claim, disk, path, transport, size))
			continue;
		snprintf(path, sizeof(path), "device/%s/address", name);
		read_block(claim, disk, path, address, size);
		return true;
	}
	return false;
}

static int check_import(const struct check *check)
{
	const struct claim *claim = check->claim;
	const struct dev_info *dev = check->dev;
	CLEANUP_STR struct str why = STR_NULL;
	char transport[256];
	char address[256];
	char nqn[256] = "";
	bool is_own;
	size_t i;

	if (strncmp(dev->disk, "nvme", 4) != 0 ||
	    !read_transport(claim, dev->disk, transport, address, sizeof(transport)) ||
	    strcmp(transport, "pcie") == 0 || strcmp(transport, "apple-nvme") == 0)
		return 0;
	read_block(claim, dev->disk, "device/subsysnqn", nqn, sizeof(nqn));
	is_own = strcmp(transport, "loop") == 0;
	for (i = 0; !is_own && i < claim->n_exports; i++)
		is_own = strcmp(claim->exports[i].nqn, nqn) == 0;
	if (is_own)
		return err_set(check->err, -EBUSY,
			       "%s is not a drive of its own but the import of %s, which this host "
			       "exports: nvme disconnect -n %s, and export what %s is made of",
			       dev->path, nqn, nqn, nqn);
	str_addf(&why,
		 "%s is a drive of another host (%s over %s%s%s): exported from here, all its data "
		 "would go through this host",
		 dev->path, nqn, transport, *address ? ", " : "", address);
	return suspect(check, str_get(&why));
}

/* What a file system type of udev's database says of an array or pool; NULL for nothing. */
static const char *array_of(const char *fs_type)
{
	static const struct {
		const char *type;
		const char *what;
	} types[] = {
		{ "LVM2_member", "an LVM group" },  { "LVM1_member", "an LVM group" },
		{ "zfs_member", "a ZFS pool" },	    { "bcache", "a bcache set" },
		{ "ceph_bluestore", "a Ceph OSD" }, { "drbd", "a DRBD resource" },
		{ "stratis", "a Stratis pool" },    { "mpath_member", "a multipath device" },
	};
	size_t length = strlen(fs_type);
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(fs_type, types[i].type) == 0)
			return types[i].what;
	return length > 7 && strcmp(fs_type + length - 7, "_member") == 0 ? "an array" : NULL;
}

static int check_member(const struct check *check, const struct member *m)
{
	CLEANUP_STR struct str why = STR_NULL;
	struct dev_info info = *check->dev;
	char text[SUBJECT_ROOM];
	const char *what;

	/* of the drive it is known; a partition of it is asked for */
	if (strcmp(m->node, check->dev->node) != 0 &&
	    dev_inspect_at(check->claim->sysfs_fd, major(m->device), minor(m->device), &info,
			   NULL) < 0)
		return 0;
	what = array_of(info.fs_type);
	if (!what)
		return 0;
	str_addf(&why, "%s is a member of %s (%s) that is not active: hosts could destroy it",
		 subject(check, m, text), what, info.fs_type);
	return suspect(check, str_get(&why));
}

/* --- who holds what shows nowhere; looked for only once it is known to be held */

static bool find_btrfs(const struct check *check, char *uuid, size_t size)
{
	int fd = openat(check->claim->sysfs_fd, "fs/btrfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;
	size_t i;

	while ((name = next_node(dir))) {
		for (i = 0; i < check->family.count; i++) {
			char path[PATH_ROOM];

			snprintf(path, sizeof(path), "%s/devices/%s", name,
				 check->family.items[i].node);
			if (faccessat(fd, path, F_OK, 0) < 0)
				continue;
			snprintf(uuid, size, "%s", name);
			return true;
		}
	}
	return false;
}

static bool has_open(int proc_fd, const char *pid, const struct family *family)
{
	char path[PATH_ROOM];
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	const char *name;
	struct stat st;
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while ((name = next_node(dir))) {
		if (fstatat(fd, name, &st, 0) < 0 || !S_ISBLK(st.st_mode))
			continue;
		for (i = 0; i < family->count; i++)
			if (family->items[i].device == st.st_rdev)
				return true;
	}
	return false;
}

/* "mkfs.ext4 (1234)" */
static bool find_process(const struct family *family, char *text, size_t size)
{
	CLEANUP_CLOSEDIR DIR *dir = opendir("/proc");
	const char *pid;

	while ((pid = next_node(dir))) {
		char path[PATH_ROOM];
		char name[64] = "";

		if (!isdigit((unsigned char)pid[0]) || !has_open(dirfd(dir), pid, family))
			continue;
		snprintf(path, sizeof(path), "%s/comm", pid);
		fs_read_at(dirfd(dir), path, name, sizeof(name));
		snprintf(text, size, "%s (%s)", name, pid);
		return true;
	}
	return false;
}

static int refuse_held(const struct check *check)
{
	const struct dev_info *dev = check->dev;
	char who[128];

	if (find_btrfs(check, who, sizeof(who)))
		return err_set(check->err, -EBUSY,
			       "%s is in a btrfs file system that is mounted (%s): umount it, or "
			       "take the drive out with: btrfs device remove",
			       dev->path, who);
	if (find_process(&check->family, who, sizeof(who)))
		return err_set(check->err, -EBUSY,
			       "%s is held by the program %s: end it, or wait until it is done",
			       dev->path, who);
	return err_set(check->err, -EBUSY,
		       "%s is held exclusively, but by whom cannot be seen: look at zpool status "
		       "(zpool export POOL), targetcli ls, drbdadm status, and for mounts in "
		       "containers",
		       dev->path);
}

/* Opened for reading: to close what was open for writing would make udev look at it anew. */
static int check_open(const struct check *check)
{
	CLEANUP_CLOSE int fd = open(check->dev->path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	if (errno == EBUSY)
		return refuse_held(check);
	if (errno == ENXIO || errno == ENODEV)
		return err_set(check->err, -errno, "%s does not answer: the drive is gone or dead",
			       check->dev->path);
	return err_set(check->err, -errno, "cannot open %s: %s", check->dev->path, strerror(errno));
}

/* --- files */

static bool is_same_file(const char *path, const struct dev_info *dev)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == dev->file_device &&
	       st.st_ino == dev->file_inode;
}

static int check_loops(const struct check *check)
{
	int fd = openat(check->claim->sysfs_fd, "block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;

	while ((name = next_node(dir))) {
		char path[PATH_ROOM];
		char file[FS_ATTR_MAX];

		if (strncmp(name, "loop", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/loop/backing_file", name);
		if (fs_read_at(fd, path, file, sizeof(file)) > 0 && is_same_file(file, check->dev))
			return err_set(check->err, -EBUSY,
				       "%s is in use by /dev/%s: umount what is on it, then "
				       "losetup -d /dev/%s",
				       check->dev->path, name, name);
	}
	return 0;
}

static int check_file(const struct check *check, const char *own_nqn, uint32_t own_nsid)
{
	const struct dev_info *dev = check->dev;
	const struct mounts_use *use =
		mounts_find(check->claim->mounts, dev->file_device, dev->file_inode);
	const struct exported *e =
		find_export(check->claim, dev->file_device, dev->file_inode, own_nqn, own_nsid);

	if (e)
		return refuse_exported(check, dev->path, e);
	if (use)
		return err_set(check->err, -EBUSY, "%s is a swap file in use: swapoff %s",
			       dev->path, use->where);
	if (dev->read_only)
		return err_set(check->err, -EROFS,
			       "%s cannot be written: its mode or its file system is read-only",
			       dev->path);
	return check_loops(check);
}

/* --- */

static int for_family(const struct check *check,
		      int (*function)(const struct check *check, const struct member *m))
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < check->family.count; i++)
		r = function(check, &check->family.items[i]);
	return r;
}

static int check_drive(const struct check *check, const char *own_nqn, uint32_t own_nsid)
{
	int r = check_exports(check, own_nqn, own_nsid);

	if (r == 0)
		r = for_family(check, check_uses);
	if (r == 0)
		r = for_family(check, check_holders);
	if (r == 0)
		r = for_family(check, check_bcache);
	if (r == 0 && check->dev->read_only)
		r = err_set(
			check->err, -EROFS,
			"%s is read-only: blockdev --setrw %s, or look for its write protection",
			check->dev->path, check->dev->path);
	if (r == 0 && !(check->flags & CLAIM_LOOK))
		r = check_open(check);
	if (r == 0)
		r = check_import(check);
	if (r == 0)
		r = for_family(check, check_member);
	return r;
}

int claim_check(struct claim *claim, const struct dev_info *dev, const char *own_nqn,
		uint32_t own_nsid, unsigned int flags, struct str *notes, struct err *err)
{
	struct check check = {
		.claim = claim, .dev = dev, .flags = flags, .notes = notes, .err = err
	};
	int r;

	if (dev->is_file)
		return check_file(&check, own_nqn, own_nsid);
	r = find_family(claim, dev, &check.family);
	r = r < 0 ? err_nomem(err) : check_drive(&check, own_nqn, own_nsid);
	family_deinit(&check.family);
	return r;
}
