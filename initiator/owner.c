/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "nvmf/addr.h"

#define REGISTRY "nvme/registry"
#define EXCLUSIONS_MAIN "nvme/exclusions.conf"
#define EXCLUSIONS_DIR "nvme/exclusions.conf.d"
#define EXCLUSIONS_BYTES_MAX (1u << 20)
#define FILES_MAX 1024

/* --- registry */

static bool is_controller(const char *name)
{
	return strncmp(name, "nvme", 4) == 0 && name[4] && strlen(name) < 32 &&
	       strspn(name + 4, "0123456789") == strlen(name + 4);
}

int owner_read(int run_fd, const char *controller, char ret[OWNER_MAX], struct err *err)
{
	char path[128];
	char text[OWNER_MAX];
	ssize_t length;

	if (!is_controller(controller))
		return err_set(err, -EINVAL, "\"%s\" is no controller", controller);
	snprintf(path, sizeof(path), REGISTRY "/%s/owner", controller);
	length = fs_read_at(run_fd, path, text, sizeof(text));
	if (length < 0 && length != -ENOENT && length != -ENOTDIR)
		return err_set(err, (int)length, "/run/%s: %s", path, strerror((int)-length));
	if (length < 0)
		text[0] = '\0';
	str_clean(text);
	memcpy(ret, text, sizeof(text));
	return 0;
}

bool owner_is_ours(int run_fd, const char *controller)
{
	char owner[OWNER_MAX];

	return owner_read(run_fd, controller, owner, NULL) == 0 &&
	       strcmp(owner, OWNER_SUNFISH) == 0;
}

static int put(int dirfd, const char *name, const char *text)
{
	return fs_replace_file(dirfd, name, text, strlen(text), 0644);
}

static int remove_name(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Others may have put more attributes there. */
static int remove_dir(int registry_fd, const char *name)
{
	int fd = openat(registry_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_name(fd, entry->d_name);
	return unlinkat(registry_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* Away with it at once, then in peace. */
static int drop_entry(int registry_fd, const char *controller)
{
	char hidden[64];

	snprintf(hidden, sizeof(hidden), ".%s-gone-%ld", controller, (long)getpid());
	if (renameat(registry_fd, controller, registry_fd, hidden) < 0)
		return errno == ENOENT ? 0 : -errno;
	return remove_dir(registry_fd, hidden);
}

static int open_registry(int run_fd, bool make)
{
	int fd;
	int r = make ? fs_mkdir_p(run_fd, REGISTRY, 0755) : 0;

	if (r < 0)
		return r;
	fd = openat(run_fd, REGISTRY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* whatever the umask: others read it */
	if (make) {
		fchmod(fd, 0755);
		(void)!fchmodat(run_fd, "nvme", 0755, 0);
	}
	return fd;
}

static int fill_entry(int registry_fd, const char *name, const char *owner, const char *seqnum)
{
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (mkdirat(registry_fd, name, 0755) < 0)
		return -errno;
	fd = openat(registry_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fchmod(fd, 0755);
	r = put(fd, "owner", owner);
	return r < 0 ? r : put(fd, "seqnum", seqnum);
}

int owner_write(int run_fd, int sysfs_fd, const char *controller, const char *owner,
		struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	char temporary[64];
	char seqnum[32];
	int r;

	if (!is_controller(controller) || !*owner || strlen(owner) >= OWNER_MAX ||
	    !str_is_printable(owner))
		return err_set(err, -EINVAL, "\"%s\" cannot own \"%s\"", owner, controller);
	if (fs_read_at(sysfs_fd, "kernel/uevent_seqnum", seqnum, sizeof(seqnum)) < 0)
		snprintf(seqnum, sizeof(seqnum), "0");
	fd = open_registry(run_fd, true);
	if (fd < 0)
		return err_set(err, fd, "/run/" REGISTRY ": %s", strerror(-fd));
	snprintf(temporary, sizeof(temporary), ".%s-new-%ld", controller, (long)getpid());
	remove_dir(fd, temporary);
	r = fill_entry(fd, temporary, owner, seqnum);
	/* a directory replaces only an empty one */
	if (r == 0)
		r = drop_entry(fd, controller);
	if (r == 0 && renameat(fd, temporary, fd, controller) < 0)
		r = -errno;
	if (r < 0) {
		remove_dir(fd, temporary);
		return err_set(err, r, "/run/" REGISTRY "/%s: %s", controller, strerror(-r));
	}
	return 0;
}

int owner_remove(int run_fd, const char *controller, uint64_t seqnum, struct err *err)
{
	CLEANUP_CLOSE int fd = open_registry(run_fd, false);
	char path[64];
	char text[32];
	uint64_t stamp = 0;
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0 || !is_controller(controller))
		return err_set(err, fd < 0 ? fd : -EINVAL, "/run/" REGISTRY "/%s cannot be removed",
			       controller);
	snprintf(path, sizeof(path), "%s/seqnum", controller);
	if (fs_read_at(fd, path, text, sizeof(text)) < 0 ||
	    str_parse_uint(text, UINT64_MAX, &stamp) < 0)
		stamp = 0;
	/* another controller has that number by now */
	if (seqnum <= stamp)
		return 0;
	r = drop_entry(fd, controller);
	if (r < 0)
		return err_set(err, r, "/run/" REGISTRY "/%s: %s", controller, strerror(-r));
	return 0;
}

/* --- exclusions */

enum field { TRANSPORT, TRADDR, TRSVCID, NQN, HOST_TRADDR, HOST_IFACE, HOSTNQN, HOSTID, FIELDS };

struct exclusion {
	char *says;		    /* "FILE: ENTRY" */
	char *text;		    /* the fields point into it */
	const char *fields[FIELDS]; /* NULL: not said */
};

struct exclusions {
	struct exclusion *items;
	size_t count;
};

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return text;
}

static int find_field(const char *key)
{
	static const char *const keys[FIELDS] = {
		[TRANSPORT] = "transport",     [TRADDR] = "traddr",
		[TRSVCID] = "trsvcid",	       [NQN] = "nqn",
		[HOST_TRADDR] = "host-traddr", [HOST_IFACE] = "host-iface",
		[HOSTNQN] = "hostnqn",	       [HOSTID] = "hostid",
	};
	int i;

	for (i = 0; i < FIELDS; i++)
		if (strcmp(key, keys[i]) == 0)
			return i;
	return -1;
}

/* Returns: does the entry exclude anything? One unknown key, and it does not. */
static bool split_fields(char *text, const char *fields[FIELDS])
{
	bool any = false;
	char *part;

	while ((part = strsep(&text, ";"))) {
		char *value;
		int field;

		part = trim(part);
		if (!*part)
			continue;
		value = strchr(part, '=');
		if (!value)
			return false;
		*value++ = '\0';
		field = find_field(trim(part));
		value = trim(value);
		if (field < 0 || !*value)
			return false;
		fields[field] = value;
		any = true;
	}
	return any;
}

static int add_entry(struct exclusions *exclusions, const char *origin, const char *entry)
{
	struct exclusion item = { .text = strdup(entry) };
	struct exclusion *more;

	if (!item.text)
		return -ENOMEM;
	if (!split_fields(item.text, item.fields)) {
		free(item.text);
		return 0;
	}
	more = reallocarray(exclusions->items, exclusions->count + 1, sizeof(item));
	if (more)
		exclusions->items = more;
	if (!more || asprintf(&item.says, "%s: %s", origin, entry) < 0) {
		free(item.text);
		return -ENOMEM;
	}
	str_clean(item.says);
	exclusions->items[exclusions->count++] = item;
	return 0;
}

/* "exclusion = ENTRY", inside [exclusions] only. */
static int add_line(struct exclusions *exclusions, const char *origin, char *line, bool *inside)
{
	char *value;

	line = trim(line);
	if (*line == '[') {
		*inside = strcmp(line, "[exclusions]") == 0;
		return 0;
	}
	value = strchr(line, '=');
	if (!*inside || *line == '#' || !value)
		return 0;
	*value++ = '\0';
	if (strcmp(trim(line), "exclusion") != 0)
		return 0;
	return add_entry(exclusions, origin, trim(value));
}

int exclusions_add(struct exclusions **io, const char *text, const char *origin)
{
	CLEANUP_FREE char *copy = strdup(text);
	char *rest = copy;
	bool inside = false;
	char *line;
	int r = 0;

	if (!*io)
		*io = calloc(1, sizeof(**io));
	if (!*io || !copy)
		return -ENOMEM;
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = add_line(*io, origin, line, &inside);
	return r;
}

static int add_file(struct exclusions **io, int etc_fd, const char *path)
{
	CLEANUP_FREE char *text = NULL;
	char origin[PATH_MAX];
	int r = fs_read_file(etc_fd, path, EXCLUSIONS_BYTES_MAX, &text, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	snprintf(origin, sizeof(origin), "/etc/%s", path);
	return exclusions_add(io, text, origin);
}

static int is_list(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".conf") == 0;
}

int exclusions_read(int etc_fd, struct exclusions **ret, struct err *err)
{
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = calloc(1, sizeof(*exclusions));
	struct dirent **names = NULL;
	char path[PATH_MAX];
	int count;
	int i;
	int r = exclusions ? add_file(&exclusions, etc_fd, EXCLUSIONS_MAIN) : -ENOMEM;

	count = scandirat(etc_fd, EXCLUSIONS_DIR, &names, is_list, alphasort);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), EXCLUSIONS_DIR "/%s", names[i]->d_name);
		if (r == 0 && i < FILES_MAX)
			r = add_file(&exclusions, etc_fd, path);
		free(names[i]);
	}
	free(names);
	if (r < 0)
		return err_nomem(err);
	*ret = TAKE_PTR(exclusions);
	return 0;
}

void exclusions_free(struct exclusions *exclusions)
{
	size_t i;

	if (!exclusions)
		return;
	for (i = 0; i < exclusions->count; i++) {
		free(exclusions->items[i].says);
		free(exclusions->items[i].text);
	}
	free(exclusions->items);
	free(exclusions);
}

size_t exclusions_count(const struct exclusions *exclusions)
{
	return exclusions->count;
}

static bool is_same_address(const char *a, const char *b)
{
	struct addr x;
	struct addr y;

	if (addr_parse_host(a, &x, NULL) == 0 && addr_parse_host(b, &y, NULL) == 0)
		return strcasecmp(x.host, y.host) == 0;
	return strcasecmp(a, b) == 0;
}

static bool is_same(enum field field, const char *a, const char *b)
{
	switch (field) {
	case TRADDR:
	case HOST_TRADDR:
		return is_same_address(a, b);
	case HOSTID:
		return strcasecmp(a, b) == 0;
	default:
		return strcmp(a, b) == 0;
	}
}

/* Only what the entry says is compared; what the connection does not have is not equal. */
static bool is_excluded(const struct exclusion *item, const char *const values[FIELDS])
{
	int i;

	for (i = 0; i < FIELDS; i++)
		if (item->fields[i] &&
		    (!*values[i] || !is_same((enum field)i, item->fields[i], values[i])))
			return false;
	return true;
}

const char *exclusions_match(const struct exclusions *exclusions, const struct tid *tid,
			     const char *hostid)
{
	const char *const values[FIELDS] = {
		[TRANSPORT] = tid->transport,	  [TRADDR] = tid->traddr,
		[TRSVCID] = tid->trsvcid,	  [NQN] = tid->nqn,
		[HOST_TRADDR] = tid->host_traddr, [HOST_IFACE] = tid->host_iface,
		[HOSTNQN] = tid->hostnqn,	  [HOSTID] = hostid,
	};
	size_t i;

	for (i = 0; i < exclusions->count; i++)
		if (is_excluded(&exclusions->items[i], values))
			return exclusions->items[i].says;
	return NULL;
}
