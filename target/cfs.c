/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/cfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/attr.h"

/* One buffer per level of the tree lies on the stack; 1000 names of 60 bytes are 10 calls. */
#define ENTRIES_BYTES 8192

struct reader {
	const char *nqn; /* cfs_read_subsystem: the one that is asked for; else NULL */
	const struct cfs_watch *watch; /* or NULL */
	struct err *err;
};

enum group_type {
	GROUP_CHILDREN, /* a directory of objects */
	GROUP_SELF,	/* the directory is the object */
	GROUP_LINKS,	/* a directory of links */
};

/* The directories that the kernel makes in an object. */
static const struct group {
	enum model_kind parent;
	const char *name;
	enum group_type type;
	enum model_kind kind;
} groups[] = {
	{ MODEL_ROOT, "hosts", GROUP_CHILDREN, MODEL_HOST },
	{ MODEL_ROOT, "subsystems", GROUP_CHILDREN, MODEL_SUBSYSTEM },
	{ MODEL_ROOT, "ports", GROUP_CHILDREN, MODEL_PORT },
	{ MODEL_SUBSYSTEM, "namespaces", GROUP_CHILDREN, MODEL_NAMESPACE },
	{ MODEL_SUBSYSTEM, "passthru", GROUP_SELF, MODEL_PASSTHRU },
	{ MODEL_SUBSYSTEM, "allowed_hosts", GROUP_LINKS, MODEL_HOST },
	{ MODEL_PORT, "ana_groups", GROUP_CHILDREN, MODEL_ANA_GROUP },
	{ MODEL_PORT, "referrals", GROUP_CHILDREN, MODEL_REFERRAL },
	{ MODEL_PORT, "subsystems", GROUP_LINKS, MODEL_SUBSYSTEM },
};

static const struct group *find_group(enum model_kind parent, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].parent == parent && strcmp(groups[i].name, name) == 0)
			return &groups[i];
	return NULL;
}

static int cannot_read(struct reader *reader, const struct model_object *object, const char *name,
		       int r)
{
	char path[MODEL_PATH_MAX];

	if (r == -ENOENT)
		return r;
	if (model_path(object, path, sizeof(path)) < 0)
		path[0] = '\0';
	return err_set(reader->err, r, "cannot read %s%s%s of the target: %s", path,
		       *path ? "/" : "", name, strerror(-r));
}

static int open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* --- entries of a directory */

typedef int (*entry_fn)(struct reader *reader, struct model_object *object,
			const struct group *group, int fd, const struct dirent64 *entry);

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* getdents64 without readdir around it: that one would ask for the file status of each directory
 * and allocate 32 KiB for it. */
static int each_entry(struct reader *reader, struct model_object *object, const struct group *group,
		      int fd, entry_fn fn)
{
	char buffer[ENTRIES_BYTES] __attribute__((aligned(__alignof__(struct dirent64))));
	ssize_t length;
	ssize_t at;

	while ((length = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < length;) {
			const struct dirent64 *entry = (const void *)(buffer + at);
			int r = is_dots(entry->d_name) ? 0 : fn(reader, object, group, fd, entry);

			if (r < 0)
				return r;
			at += entry->d_reclen;
		}
	}
	return length < 0 ? cannot_read(reader, object, group ? group->name : "", -errno) : 0;
}

/* --- attributes */

/* Keys are files that anyone can read on most kernels; one this program does not know yet must
 * not be shown either. */
static bool is_secret(enum model_kind kind, const struct attr_info *info, const char *name)
{
	if (info)
		return info->secret;
	return kind == MODEL_HOST &&
	       (strstr(name, "key") || strstr(name, "psk") || strstr(name, "secret"));
}

/* Can the rest be read nevertheless? A newer kernel may have attributes that are only written,
 * or that have no value in some states. */
static bool is_without_value(int r)
{
	return r == -EACCES || r == -EPERM || r == -EINVAL || r == -EISDIR || r == -EOPNOTSUPP ||
	       r == -ENODEV || r == -ENODATA;
}

static int read_attr_at(struct reader *reader, struct model_object *object, int fd,
			const char *path, const char *name)
{
	const struct attr_info *info = attr_find(object->kind, name);
	char value[FS_ATTR_MAX + 1];
	bool secret = is_secret(object->kind, info, name);
	ssize_t length = fs_read_at(fd, path, value, sizeof(value));
	int r;

	if (length < 0)
		return is_without_value((int)length)
			       ? 0
			       : cannot_read(reader, object, name, (int)length);
	r = secret ? model_set_secret(object, name, value) : model_set(object, name, value);
	if (secret)
		explicit_bzero(value, sizeof(value));
	return r < 0 ? err_nomem(reader->err) : 0;
}

static bool is_write_only(const char *name)
{
	return strcmp(name, "revalidate_size") == 0;
}

/* --- objects */

static int read_object(struct reader *reader, struct model_object *object, int fd);

static int read_below(struct reader *reader, struct model_object *parent, enum model_kind kind,
		      const char *name, int dirfd, const char *path)
{
	CLEANUP_CLOSE int fd = open_dir(dirfd, path);
	struct model_object *object;
	int r;

	/* the directory of a host with a key is root's: for others, its name in a list must do */
	if (fd == -ENOENT || (fd == -EACCES && kind == MODEL_HOST))
		return 0;
	if (fd < 0)
		return cannot_read(reader, parent, path, fd);
	object = model_add(parent, kind, name);
	if (!object)
		return err_nomem(reader->err);
	r = read_object(reader, object, fd);
	if (r == -ENOENT) {
		/* attributes go only with their object: it is being removed */
		model_free(object);
		return 0;
	}
	return r;
}

static bool may_enter(const struct reader *reader, const struct group *group, const char *name)
{
	if (!reader->watch)
		return true;
	if (group->parent == MODEL_ROOT && group->kind != MODEL_SUBSYSTEM)
		return name || reader->watch->enter(reader->watch->data, group->name);
	return group->kind != MODEL_SUBSYSTEM || group->type != GROUP_CHILDREN || !name ||
	       reader->watch->enter(reader->watch->data, name);
}

static int on_child(struct reader *reader, struct model_object *parent, const struct group *group,
		    int fd, const struct dirent64 *entry)
{
	if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
		return 0;
	if (!may_enter(reader, group, entry->d_name))
		return 0;
	return read_below(reader, parent, group->kind, entry->d_name, fd, entry->d_name);
}

static int on_link(struct reader *reader, struct model_object *object, const struct group *group,
		   int fd, const struct dirent64 *entry)
{
	bool is_other = reader->nqn && strcmp(entry->d_name, reader->nqn) != 0;

	(void)fd;
	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return 0;
	if (group->parent == MODEL_PORT && is_other &&
	    object->n_links > (model_has_link(object, reader->nqn) ? 1 : 0))
		return 0;
	return model_link(object, entry->d_name, false) < 0 ? err_nomem(reader->err) : 0;
}

static int read_group(struct reader *reader, struct model_object *object, const struct group *group,
		      int dirfd)
{
	CLEANUP_CLOSE int fd = -1;

	if (group->type == GROUP_SELF)
		return read_below(reader, object, group->kind, group->name, dirfd, group->name);
	fd = open_dir(dirfd, group->name);
	if (fd < 0)
		return cannot_read(reader, object, group->name, fd);
	return each_entry(reader, object, group, fd,
			  group->type == GROUP_LINKS ? on_link : on_child);
}

static int on_entry(struct reader *reader, struct model_object *object, const struct group *none,
		    int fd, const struct dirent64 *entry)
{
	const struct group *group = find_group(object->kind, entry->d_name);

	(void)none;
	if (group)
		return may_enter(reader, group, NULL) ? read_group(reader, object, group, fd) : 0;
	if ((entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) ||
	    is_write_only(entry->d_name))
		return 0;
	return read_attr_at(reader, object, fd, entry->d_name, entry->d_name);
}

static int read_object(struct reader *reader, struct model_object *object, int fd)
{
	return each_entry(reader, object, NULL, fd, on_entry);
}

/* --- what is asked for */

int cfs_open(const char *path, int *ret_fd, struct err *err)
{
	int fd = open_dir(AT_FDCWD, path);

	if (fd == -ENOENT)
		return err_set(err, fd,
			       "%s is not there: the module nvmet is not loaded or configfs is not "
			       "mounted; try modprobe nvmet",
			       path);
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, fd, "not permitted to open %s; run this as root", path);
	if (fd < 0)
		return err_set(err, fd, "cannot open %s: %s", path, strerror(-fd));
	*ret_fd = fd;
	return 0;
}

/* What is left of a tree that vanished as a whole is an empty one. */
static int finish(int r, struct model_object **root, struct model_object **ret)
{
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = TAKE_PTR(*root);
	return 0;
}

int cfs_read(int nvmet_fd, struct model_object **ret, struct err *err)
{
	return cfs_read_watched(nvmet_fd, NULL, ret, err);
}

int cfs_read_watched(int nvmet_fd, const struct cfs_watch *watch, struct model_object **ret,
		     struct err *err)
{
	struct reader reader = { .watch = watch, .err = err };
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_CLOSE int fd = -1;

	if (!root)
		return err_nomem(err);
	/* an own position in the directory */
	fd = open_dir(nvmet_fd, ".");
	if (fd < 0)
		return cannot_read(&reader, root, ".", fd);
	return finish(read_object(&reader, root, fd), &root, ret);
}

static int read_allowed_hosts(struct reader *reader, struct model_object *root,
			      const struct model_object *subsystem, int nvmet_fd)
{
	CLEANUP_CLOSE int fd = open_dir(nvmet_fd, "hosts");
	size_t i;
	int r = 0;

	for (i = 0; fd >= 0 && r == 0 && subsystem && i < subsystem->n_links; i++) {
		const char *name = subsystem->links[i].name;

		r = read_below(reader, root, MODEL_HOST, name, fd, name);
	}
	return r;
}

int cfs_read_host(int nvmet_fd, const char *hostnqn, struct model_object *root, struct err *err)
{
	struct reader reader = { .err = err };
	CLEANUP_CLOSE int fd = -1;

	if (!*hostnqn || is_dots(hostnqn) || strchr(hostnqn, '/'))
		return 0;
	fd = open_dir(nvmet_fd, "hosts");
	if (fd < 0)
		return fd == -ENOENT ? 0 : cannot_read(&reader, root, "hosts", fd);
	return read_below(&reader, root, MODEL_HOST, hostnqn, fd, hostnqn);
}

int cfs_read_subsystem(int nvmet_fd, const char *nqn, struct model_object **ret, struct err *err)
{
	struct reader reader = { .nqn = nqn, .err = err };
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_CLOSE int fd = -1;
	int r = 0;

	if (!root)
		return err_nomem(err);
	fd = open_dir(nvmet_fd, "subsystems");
	if (fd < 0 && fd != -ENOENT)
		return cannot_read(&reader, root, "subsystems", fd);
	if (fd >= 0 && *nqn && !is_dots(nqn) && !strchr(nqn, '/'))
		r = read_below(&reader, root, MODEL_SUBSYSTEM, nqn, fd, nqn);
	if (r == 0)
		r = read_allowed_hosts(&reader, root, model_find(root, MODEL_SUBSYSTEM, nqn),
				       nvmet_fd);
	if (r == 0)
		r = read_group(&reader, root, find_group(MODEL_ROOT, "ports"), nvmet_fd);
	return finish(r, &root, ret);
}

/* --- devices only: two attributes by their path, no directory of a namespace is opened */

static int read_device(struct reader *reader, struct model_object *object, int fd, const char *name)
{
	static const char *const attrs[] = { "device_path", "enable" };
	char path[NAME_MAX + 32];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", name, attrs[i]);
		r = read_attr_at(reader, object, fd, path, attrs[i]);
	}
	if (r != -ENOENT)
		return r;
	model_free(object);
	return 0;
}

static int on_namespace_device(struct reader *reader, struct model_object *subsystem,
			       const struct group *group, int fd, const struct dirent64 *entry)
{
	struct model_object *object;

	if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
		return 0;
	object = model_add(subsystem, group->kind, entry->d_name);
	return object ? read_device(reader, object, fd, entry->d_name) : err_nomem(reader->err);
}

static int on_subsystem_devices(struct reader *reader, struct model_object *root,
				const struct group *group, int fd, const struct dirent64 *entry)
{
	char path[NAME_MAX + 32];
	CLEANUP_CLOSE int namespaces_fd = -1;
	struct model_object *subsystem;
	struct model_object *passthru;
	int r;

	if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
		return 0;
	subsystem = model_add(root, group->kind, entry->d_name);
	passthru = subsystem ? model_add(subsystem, MODEL_PASSTHRU, "passthru") : NULL;
	if (!passthru)
		return err_nomem(reader->err);
	snprintf(path, sizeof(path), "%s/passthru", entry->d_name);
	r = read_device(reader, passthru, fd, path);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/namespaces", entry->d_name);
	namespaces_fd = open_dir(fd, path);
	if (namespaces_fd == -ENOENT) {
		model_free(subsystem);
		return 0;
	}
	if (namespaces_fd < 0)
		return cannot_read(reader, subsystem, "namespaces", namespaces_fd);
	r = each_entry(reader, subsystem, find_group(MODEL_SUBSYSTEM, "namespaces"), namespaces_fd,
		       on_namespace_device);
	if (r != -ENOENT)
		return r;
	model_free(subsystem);
	return 0;
}

int cfs_read_devices(int nvmet_fd, struct model_object **ret, struct err *err)
{
	struct reader reader = { .err = err };
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (!root)
		return err_nomem(err);
	fd = open_dir(nvmet_fd, "subsystems");
	r = fd < 0 ? cannot_read(&reader, root, "subsystems", fd)
		   : each_entry(&reader, root, find_group(MODEL_ROOT, "subsystems"), fd,
				on_subsystem_devices);
	return finish(r, &root, ret);
}
