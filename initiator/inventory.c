/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/mounts.h"

#define NVME_DIR "class/nvme"
#define SUBSYSTEM_DIR "class/nvme-subsystem"
#define BLOCK_DIR "class/block"
#define HOLDERS_DEEP 8 /* partition, md, crypt, LVM .. */
#define SECTOR_BYTES 512

struct reader {
	int sysfs_fd;
	struct mounts *mounts;
	struct inventory *inventory;
};

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

/* --- names: nvme3, nvme0n1, nvme0c3n1 */

static const char *skip_number(const char *at, char before)
{
	size_t digits;

	if (!at || *at != before)
		return NULL;
	digits = strspn(++at, "0123456789");
	return digits && digits < 10 ? at + digits : NULL;
}

static const char *skip_nvme(const char *name)
{
	return strncmp(name, "nvme", 4) == 0 ? skip_number(name + 3, 'e') : NULL;
}

static bool is_controller_name(const char *name)
{
	const char *end = skip_nvme(name);

	return end && !*end;
}

static bool is_head_name(const char *name)
{
	const char *end = skip_number(skip_nvme(name), 'n');

	return end && !*end;
}

/* nvme0c3n1 is a path to nvme0n1. */
static bool head_of_path(const char *name, char ret[INVENTORY_NAME_MAX])
{
	const char *subsystem_end = skip_nvme(name);
	const char *controller_end = skip_number(subsystem_end, 'c');
	const char *end = skip_number(controller_end, 'n');

	if (!end || *end)
		return false;
	snprintf(ret, INVENTORY_NAME_MAX, "%.*s%s", (int)(subsystem_end - name), name,
		 controller_end);
	return true;
}

/* --- attributes */

static int open_below(int dirfd, const char *dir, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name);
	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Trailing blanks are padding; what is not there or does not fit is "". */
static void read_text(int fd, const char *attr, char *ret, size_t size)
{
	char text[FS_ATTR_MAX];
	ssize_t length = fs_read_at(fd, attr, text, sizeof(text));

	ret[0] = '\0';
	while (length > 0 && text[length - 1] == ' ')
		text[--length] = '\0';
	if (length > 0 && (size_t)length < size)
		memcpy(ret, text, (size_t)length + 1);
	str_clean(ret);
}

/* "off" is -1. */
static int64_t read_number(int fd, const char *attr)
{
	char text[32];
	char *end;
	long long value;

	read_text(fd, attr, text, sizeof(text));
	if (strcmp(text, "off") == 0)
		return -1;
	value = strtoll(text, &end, 10);
	return end == text || *end ? INVENTORY_UNKNOWN : value;
}

static uint64_t read_unsigned(int fd, const char *attr)
{
	int64_t value = read_number(fd, attr);

	return value < 0 ? 0 : (uint64_t)value;
}

static dev_t read_device(int fd)
{
	char text[32];
	char *colon;
	unsigned long number;

	read_text(fd, "dev", text, sizeof(text));
	number = strtoul(text, &colon, 10);
	if (colon == text || *colon != ':')
		return 0;
	return makedev((unsigned int)number, (unsigned int)strtoul(colon + 1, NULL, 10));
}

/* Call for each name in a directory that may not be there. Returns: 0; negative of @fn. */
static int each_name(int dirfd, const char *path, int (*fn)(void *data, const char *name),
		     void *data)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = fn(data, entry->d_name);
	return r;
}

/* --- what a device is used for */

struct user {
	const struct reader *reader;
	struct inventory_device *device;
	int deep;
	int dir_fd; /* of the block device that is looked at */
};

static int add_use(struct inventory_device *device, enum inventory_use_kind kind, const char *text)
{
	struct inventory_use use = { .kind = kind };
	size_t i;

	for (i = 0; i < device->n_uses; i++)
		if (device->uses[i].kind == kind && strcmp(device->uses[i].text, text) == 0)
			return 0;
	if (reserve(&device->uses, sizeof(use), device->n_uses) < 0)
		return -ENOMEM;
	use.text = strdup(text);
	if (!use.text)
		return -ENOMEM;
	str_clean(use.text);
	device->uses[device->n_uses++] = use;
	return 0;
}

static int add_mounts(const struct user *user, dev_t device)
{
	const struct mounts_use *use = NULL;
	int r = 0;

	while (r == 0 && (use = mounts_next(user->reader->mounts, device, use)))
		r = add_use(user->device, use->is_swap ? INVENTORY_SWAP : INVENTORY_MOUNT,
			    use->where);
	return r;
}

static int look_at_block(const struct user *user);

static int look_at_partition(void *data, const char *name)
{
	const struct user *above = data;
	struct user user = *above;
	CLEANUP_CLOSE int fd = -1;

	fd = open_below(above->dir_fd, "", name);
	if (fd < 0 || faccessat(fd, "partition", F_OK, 0) < 0)
		return 0;
	user.dir_fd = fd;
	user.deep--;
	return look_at_block(&user);
}

static int look_at_holder(void *data, const char *name)
{
	const struct user *above = data;
	struct user user = *above;
	CLEANUP_CLOSE int fd = open_below(above->reader->sysfs_fd, BLOCK_DIR, name);
	int r = add_use(above->device, INVENTORY_HOLDER, name);

	if (r < 0 || fd < 0)
		return r;
	user.dir_fd = fd;
	user.deep--;
	return look_at_block(&user);
}

static int look_at_block(const struct user *user)
{
	int r;

	if (user->deep == 0)
		return 0;
	r = add_mounts(user, read_device(user->dir_fd));
	if (r == 0)
		r = each_name(user->dir_fd, "holders", look_at_holder, (void *)user);
	if (r == 0)
		r = each_name(user->dir_fd, ".", look_at_partition, (void *)user);
	return r;
}

/* --- devices */

static struct inventory_device *find_device(const struct inventory *inventory, const char *name)
{
	size_t i;

	for (i = 0; i < inventory->n_devices; i++)
		if (strcmp(inventory->devices[i].name, name) == 0)
			return &inventory->devices[i];
	return NULL;
}

/* @fd  its directory in sysfs */
static int add_device(struct reader *reader, int fd, const char *name, const char *subsystem,
		      const char *nqn)
{
	struct inventory *inventory = reader->inventory;
	struct inventory_device *device;
	struct user user;

	if (reserve(&inventory->devices, sizeof(*device), inventory->n_devices) < 0)
		return -ENOMEM;
	device = &inventory->devices[inventory->n_devices++];
	memset(device, 0, sizeof(*device));
	snprintf(device->name, sizeof(device->name), "%s", name);
	snprintf(device->subsystem, sizeof(device->subsystem), "%s", subsystem);
	snprintf(device->nqn, sizeof(device->nqn), "%s", nqn);
	read_text(fd, "uuid", device->uuid, sizeof(device->uuid));
	read_text(fd, "nguid", device->nguid, sizeof(device->nguid));
	read_text(fd, "wwid", device->wwid, sizeof(device->wwid));
	device->nsid = (uint32_t)read_unsigned(fd, "nsid");
	device->size_bytes = read_unsigned(fd, "size") * SECTOR_BYTES;
	device->device = read_device(fd);
	user = (struct user){
		.reader = reader, .device = device, .deep = HOLDERS_DEEP, .dir_fd = fd
	};
	return look_at_block(&user);
}

static int add_path(struct inventory *inventory, const char *head, const char *controller,
		    const char *ana_state)
{
	struct inventory_device *device = find_device(inventory, head);
	struct inventory_path *path;

	if (!device)
		return 0;
	if (reserve(&device->paths, sizeof(*path), device->n_paths) < 0)
		return -ENOMEM;
	path = &device->paths[device->n_paths++];
	snprintf(path->controller, sizeof(path->controller), "%s", controller);
	snprintf(path->ana_state, sizeof(path->ana_state), "%s", ana_state);
	return 0;
}

/* --- subsystems: the heads of devices stand in them, and links to their controllers */

struct subsystem {
	struct reader *reader;
	int fd;
	const char *name;
	char nqn[NQN_MAX + 1];
	char iopolicy[16];
};

static struct inventory_controller *find_controller(const struct inventory *inventory,
						    const char *name)
{
	size_t i;

	for (i = 0; i < inventory->n_controllers; i++)
		if (strcmp(inventory->controllers[i].name, name) == 0)
			return &inventory->controllers[i];
	return NULL;
}

static int look_into_subsystem(void *data, const char *name)
{
	struct subsystem *subsystem = data;
	struct inventory *inventory = subsystem->reader->inventory;
	struct inventory_controller *controller = find_controller(inventory, name);
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (controller)
		snprintf(controller->subsystem, sizeof(controller->subsystem), "%s",
			 subsystem->name);
	if (!is_head_name(name))
		return 0;
	fd = open_below(subsystem->fd, "", name);
	if (fd < 0)
		return 0;
	r = add_device(subsystem->reader, fd, name, subsystem->name, subsystem->nqn);
	if (r == 0)
		snprintf(inventory->devices[inventory->n_devices - 1].iopolicy,
			 sizeof(subsystem->iopolicy), "%s", subsystem->iopolicy);
	return r;
}

static int look_at_subsystem(void *data, const char *name)
{
	struct subsystem subsystem = { .reader = data, .name = name };
	CLEANUP_CLOSE int fd = open_below(subsystem.reader->sysfs_fd, SUBSYSTEM_DIR, name);

	if (fd < 0 || strlen(name) >= INVENTORY_NAME_MAX)
		return 0;
	subsystem.fd = fd;
	read_text(fd, "subsysnqn", subsystem.nqn, sizeof(subsystem.nqn));
	read_text(fd, "iopolicy", subsystem.iopolicy, sizeof(subsystem.iopolicy));
	return each_name(fd, ".", look_into_subsystem, &subsystem);
}

/* --- controllers */

static void read_controller(int fd, struct inventory_controller *c)
{
	char address[FS_ATTR_MAX];
	const char *source;

	read_text(fd, "subsysnqn", c->tid.nqn, sizeof(c->tid.nqn));
	/* "(efault)": the kernel has none for it yet */
	if (*c->tid.nqn == '(')
		c->tid.nqn[0] = '\0';
	read_text(fd, "hostnqn", c->tid.hostnqn, sizeof(c->tid.hostnqn));
	read_text(fd, "hostid", c->hostid, sizeof(c->hostid));
	read_text(fd, "state", c->state, sizeof(c->state));
	read_text(fd, "cntrltype", c->type, sizeof(c->type));
	read_text(fd, "address", address, sizeof(address));
	tid_read_address(address, &c->tid);
	source = strstr(address, "src_addr=");
	if (source)
		snprintf(c->src_addr, sizeof(c->src_addr), "%.*s", (int)strcspn(source + 9, ","),
			 source + 9);
	/* before 5.18 nothing else tells */
	if (!*c->type && strcmp(c->tid.nqn, NQN_DISCOVERY) == 0)
		snprintf(c->type, sizeof(c->type), "discovery");
	c->cntlid = read_number(fd, "cntlid");
	c->ctrl_loss_tmo = read_number(fd, "ctrl_loss_tmo");
	c->reconnect_delay = read_number(fd, "reconnect_delay");
	c->fast_io_fail_tmo = read_number(fd, "fast_io_fail_tmo");
	c->reconnects = read_number(fd, "diag/reconnect_count");
	c->resets = read_number(fd, "diag/reset_count");
	c->queue_count = read_number(fd, "queue_count");
}

static int look_at_controller(void *data, const char *name)
{
	struct reader *reader = data;
	struct inventory *inventory = reader->inventory;
	struct inventory_controller c = { .instance = 0 };
	CLEANUP_CLOSE int fd = open_below(reader->sysfs_fd, NVME_DIR, name);

	if (fd < 0 || !is_controller_name(name))
		return 0;
	snprintf(c.name, sizeof(c.name), "%s", name);
	c.instance = (unsigned int)strtoul(name + 4, NULL, 10);
	read_text(fd, "transport", c.tid.transport, sizeof(c.tid.transport));
	/* gone already, or a local drive */
	if (!*c.tid.transport || strcmp(c.tid.transport, "pcie") == 0 ||
	    strncmp(c.tid.transport, "apple", 5) == 0)
		return 0;
	read_controller(fd, &c);
	if (reserve(&inventory->controllers, sizeof(c), inventory->n_controllers) < 0)
		return -ENOMEM;
	inventory->controllers[inventory->n_controllers++] = c;
	return 0;
}

struct paths {
	struct reader *reader;
	const struct inventory_controller *controller;
	int fd;
};

/* A namespace in a controller's directory: one path, or all of it without native multipath. */
static int look_at_path(void *data, const char *name)
{
	struct paths *paths = data;
	char head[INVENTORY_NAME_MAX];
	char ana_state[24];
	CLEANUP_CLOSE int fd = -1;
	bool whole = is_head_name(name);
	int r = 0;

	if (!whole && !head_of_path(name, head))
		return 0;
	fd = open_below(paths->fd, "", name);
	if (fd < 0)
		return 0;
	read_text(fd, "ana_state", ana_state, sizeof(ana_state));
	if (whole) {
		r = add_device(paths->reader, fd, name, paths->controller->subsystem,
			       paths->controller->tid.nqn);
		snprintf(head, sizeof(head), "%.31s", name);
	}
	return r < 0 ? r
		     : add_path(paths->reader->inventory, head, paths->controller->name, ana_state);
}

static int look_at_paths(struct reader *reader)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < reader->inventory->n_controllers; i++) {
		struct paths paths = { reader, &reader->inventory->controllers[i], -1 };
		CLEANUP_CLOSE int fd =
			open_below(reader->sysfs_fd, NVME_DIR, paths.controller->name);

		paths.fd = fd;
		if (fd >= 0)
			r = each_name(fd, ".", look_at_path, &paths);
	}
	return r;
}

/* --- all of it */

static int by_instance(const void *a, const void *b)
{
	const struct inventory_controller *x = a;
	const struct inventory_controller *y = b;

	return (x->instance > y->instance) - (x->instance < y->instance);
}

static int by_name(const void *a, const void *b)
{
	const struct inventory_device *x = a;
	const struct inventory_device *y = b;

	return strverscmp(x->name, y->name);
}

static void free_device(struct inventory_device *device)
{
	size_t i;

	for (i = 0; i < device->n_uses; i++)
		free(device->uses[i].text);
	free(device->uses);
	free(device->paths);
}

/* A local drive has a subsystem, too. */
static void drop_local(struct inventory *inventory)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < inventory->n_devices; i++) {
		if (inventory->devices[i].n_paths)
			inventory->devices[kept++] = inventory->devices[i];
		else
			free_device(&inventory->devices[i]);
	}
	inventory->n_devices = kept;
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count)
		qsort(items, count, size, compare);
}

int inventory_read(int sysfs_fd, int proc_fd, struct inventory **ret, struct err *err)
{
	CLEANUP_INVENTORY struct inventory *inventory = calloc(1, sizeof(*inventory));
	CLEANUP_MOUNTS struct mounts *mounts = NULL;
	struct reader reader = { .sysfs_fd = sysfs_fd, .inventory = inventory };
	int r;

	if (!inventory)
		return err_nomem(err);
	r = mounts_read_at(proc_fd, &mounts, err);
	if (r < 0)
		return r;
	reader.mounts = mounts;
	r = each_name(sysfs_fd, NVME_DIR, look_at_controller, &reader);
	sort(inventory->controllers, inventory->n_controllers, sizeof(*inventory->controllers),
	     by_instance);
	if (r == 0)
		r = each_name(sysfs_fd, SUBSYSTEM_DIR, look_at_subsystem, &reader);
	if (r == 0)
		r = look_at_paths(&reader);
	if (r < 0)
		return err_nomem(err);
	drop_local(inventory);
	sort(inventory->devices, inventory->n_devices, sizeof(*inventory->devices), by_name);
	*ret = TAKE_PTR(inventory);
	return 0;
}

void inventory_free(struct inventory *inventory)
{
	size_t i;

	if (!inventory)
		return;
	for (i = 0; i < inventory->n_devices; i++)
		free_device(&inventory->devices[i]);
	free(inventory->devices);
	free(inventory->controllers);
	free(inventory);
}

const struct inventory_controller *inventory_find(const struct inventory *inventory,
						  const char *name)
{
	return find_controller(inventory, name);
}

static bool is_going(const struct inventory_controller *c)
{
	return strncmp(c->state, "deleting", 8) == 0 || strcmp(c->state, "dead") == 0;
}

const struct inventory_controller *inventory_find_tid(const struct inventory *inventory,
						      const struct tid *wanted,
						      const char *default_hostnqn)
{
	const struct inventory_controller *going = NULL;
	size_t i;

	for (i = 0; i < inventory->n_controllers; i++) {
		const struct inventory_controller *c = &inventory->controllers[i];

		if (!tid_is_met_by(wanted, &c->tid, default_hostnqn))
			continue;
		if (!is_going(c))
			return c;
		if (!going)
			going = c;
	}
	return going;
}

/* --- what hangs on a controller */

static bool has_other_path(const struct inventory *inventory, const struct inventory_device *device,
			   const char *controller)
{
	size_t i;

	for (i = 0; i < device->n_paths; i++) {
		const char *name = device->paths[i].controller;
		const struct inventory_controller *c = find_controller(inventory, name);

		if (strcmp(name, controller) != 0 && c && strcmp(c->state, "live") == 0 &&
		    strcmp(device->paths[i].ana_state, "inaccessible") != 0)
			return true;
	}
	return false;
}

static bool has_path(const struct inventory_device *device, const char *controller)
{
	size_t i;

	for (i = 0; i < device->n_paths; i++)
		if (strcmp(device->paths[i].controller, controller) == 0)
			return true;
	return false;
}

static void say_use(const struct inventory_device *device, struct str *why)
{
	static const char *const words[] = {
		[INVENTORY_MOUNT] = "is mounted on",
		[INVENTORY_SWAP] = "is swap space:",
		[INVENTORY_HOLDER] = "is held by",
	};
	const struct inventory_use *use = &device->uses[0];
	size_t i;

	/* what is mounted says more than what is between */
	for (i = 0; i < device->n_uses; i++)
		if (device->uses[i].kind != INVENTORY_HOLDER)
			use = &device->uses[i];
	str_addf(why, "%s%s %s %s", why->length ? "; " : "", device->name, words[use->kind],
		 use->text);
}

size_t inventory_blockers(const struct inventory *inventory, const char *controller,
			  struct str *why)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < inventory->n_devices; i++) {
		const struct inventory_device *device = &inventory->devices[i];

		if (!device->n_uses || !has_path(device, controller) ||
		    has_other_path(inventory, device, controller))
			continue;
		say_use(device, why);
		count++;
	}
	return count;
}

/* --- the cheap look */

int inventory_state_open(int sysfs_fd, const char *name)
{
	char path[sizeof(NVME_DIR) + INVENTORY_NAME_MAX + 8];
	int fd;

	if (!is_controller_name(name) || strlen(name) >= INVENTORY_NAME_MAX)
		return -ENODEV;
	snprintf(path, sizeof(path), NVME_DIR "/%s/state", name);
	fd = openat(sysfs_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int inventory_state_read(int fd, char ret[INVENTORY_STATE_MAX])
{
	char text[INVENTORY_STATE_MAX];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	memcpy(ret, text, sizeof(text));
	return 0;
}
