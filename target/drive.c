/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/dev.h"
#include "target/attr.h"
#include "target/cfs.h"
#include "target/identity.h"

void drive_context_deinit(struct drive_context *context)
{
	claim_free(context->claim);
	*context = DRIVE_CONTEXT_NULL;
}

static int add_export(struct claim *claim, const struct model_object *subsystem,
		      const struct model_object *ns, struct err *err)
{
	const char *path = model_text(ns, "device_path");
	unsigned int nsid = ns->kind == MODEL_NAMESPACE ? model_id(ns) : 0;
	struct stat st;
	int r;

	if (path[0] != '/' || stat(path, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		r = claim_add_file(claim, st.st_dev, st.st_ino, subsystem->name, nsid);
	else
		r = claim_add_export(claim, major(st.st_rdev), minor(st.st_rdev), subsystem->name,
				     nsid);
	return r < 0 ? err_nomem(err) : 0;
}

int drive_context_add(const struct drive_context *context, const struct model_object *subsystem,
		      struct err *err)
{
	const struct model_object *ns;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (ns = model_next(subsystem, MODEL_NAMESPACE, &i)))
		if (!ns->absent)
			r = add_export(context->claim, subsystem, ns, err);
	return r;
}

static int add_exports(const struct drive_context *context, const struct model_object *root,
		       struct err *err)
{
	const struct model_object *subsystem;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (subsystem = model_next(root, MODEL_SUBSYSTEM, &i)))
		r = drive_context_add(context, subsystem, err);
	return r;
}

int drive_context_init(struct ctl *ctl, const struct model_object *actual,
		       struct drive_context *ret, struct err *err)
{
	CLEANUP_DRIVE_CONTEXT struct drive_context context = DRIVE_CONTEXT_NULL;
	CLEANUP_MODEL struct model_object *devices = NULL;
	int r = claim_new(ctl->sysfs_fd, &context.claim, err);

	if (r == 0 && !actual && ctl->nvmet_fd >= 0)
		r = cfs_read_devices(ctl->nvmet_fd, &devices, err);
	if (r == 0)
		r = add_exports(&context, actual ? actual : devices, err);
	if (r < 0)
		return r;
	if (fs_read_at(AT_FDCWD, "/etc/machine-id", context.machine_id,
		       sizeof(context.machine_id)) < 0)
		context.machine_id[0] = '\0';
	*ret = context;
	context = DRIVE_CONTEXT_NULL;
	return 0;
}

bool drive_is_same(const char *a, const char *b)
{
	struct stat x;
	struct stat y;

	if (strcmp(a, b) == 0)
		return true;
	if (stat(a, &x) < 0 || stat(b, &y) < 0 || (x.st_mode & S_IFMT) != (y.st_mode & S_IFMT))
		return false;
	return S_ISBLK(x.st_mode) ? x.st_rdev == y.st_rdev
				  : x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Was this UUID derived by us (version 5), and from another drive? */
static bool is_another(const char *stored, const char *derived)
{
	return strlen(stored) == 36 && stored[14] == '5' &&
	       !attr_is_same(MODEL_NAMESPACE, "device_uuid", stored, derived);
}

static int set_ids(struct model_object *ns, const char *identity, const struct dev_info *dev,
		   struct err *err)
{
	const char *nqn = ns->parent->name;
	const char *stored = model_text(ns, "device_uuid");
	char uuid[37];
	char nguid[37];
	int r = 0;

	identity_uuid(identity, nqn, uuid);
	identity_nguid(identity, nqn, nguid);
	if (is_another(stored, uuid))
		return err_set(err, -ESTALE,
			       "%s is not the drive that namespace %s of %s was made from (its id "
			       "would be %s, not %s): another drive has that name now; find the "
			       "right one, or remove uuid and nguid from the export",
			       dev->path, ns->name, nqn, uuid, stored);
	if (!*stored)
		r = model_set(ns, "device_uuid", uuid);
	if (r == 0 && !*model_text(ns, "device_nguid"))
		r = model_set(ns, "device_nguid", nguid);
	return r < 0 ? err_nomem(err) : 0;
}

static int set_serial(struct model_object *subsystem, const char *identity, struct err *err)
{
	char serial[21];

	if (model_get(subsystem, "attr_serial"))
		return 0;
	identity_serial(identity, subsystem->name, serial);
	return model_set(subsystem, "attr_serial", serial) < 0 ? err_nomem(err) : 0;
}

/* What leads to the drive also when it is found in another order, and to the file from anywhere. */
static int set_stable_path(struct model_object *ns, const struct dev_info *dev, struct err *err)
{
	CLEANUP_FREE char *whole = NULL;
	const char *path = dev->by_id;

	if (dev->is_file) {
		whole = realpath(dev->path, NULL);
		path = whole;
		if (!whole)
			return err_set(err, -errno, "%s: %s", dev->path, strerror(errno));
	}
	return *path && model_set(ns, "device_path", path) < 0 ? err_nomem(err) : 0;
}

static int prepare(const struct drive_context *context, struct model_object *ns, bool is_new,
		   unsigned int flags, struct str *notes, struct err *err)
{
	struct dev_info dev;
	char identity[IDENTITY_MAX];
	int r = dev_inspect(model_text(ns, "device_path"), &dev, err);

	if (r == 0)
		r = claim_check(context->claim, &dev, ns->parent->name, model_id(ns), flags, notes,
				err);
	if (r < 0)
		return r;
	r = set_stable_path(ns, &dev, err);
	if (r < 0)
		return r;
	r = identity_of(&dev, context->machine_id, identity, sizeof(identity));
	if (r < 0)
		return err_set(err, r, "%s: the name of this drive is too long", dev.path);
	r = set_ids(ns, identity, &dev, err);
	if (r == 0 && is_new)
		r = set_serial(ns->parent, identity, err);
	return r;
}

int drive_prepare(const struct drive_context *context, struct model_object *subsystem,
		  const struct model_object *actual, unsigned int flags, struct str *notes,
		  struct err *err)
{
	struct model_object *ns;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (ns = model_next(subsystem, MODEL_NAMESPACE, &i))) {
		const struct model_object *now = model_find(actual, MODEL_NAMESPACE, ns->name);
		const char *path = model_get(ns, "device_path");

		if (ns->absent || !path)
			continue;
		/* no change: not even of the way to write its path */
		if (now && model_is_on(now, "enable") &&
		    drive_is_same(path, model_text(now, "device_path"))) {
			if (model_set(ns, "device_path", model_text(now, "device_path")) < 0)
				r = err_nomem(err);
			continue;
		}
		r = prepare(context, ns, actual == NULL, flags, notes, err);
		/* the next one may name the same drive */
		if (r == 0)
			r = add_export(context->claim, subsystem, ns, err);
	}
	return r;
}

int drive_name_stably(struct model_object *subsystem, struct err *err)
{
	struct model_object *ns;
	struct dev_info dev;
	size_t i = 0;
	int r = 0;

	/* of one that is gone the name is all there is */
	while (r == 0 && (ns = model_next(subsystem, MODEL_NAMESPACE, &i)))
		if (dev_inspect(model_text(ns, "device_path"), &dev, NULL) == 0)
			r = set_stable_path(ns, &dev, err);
	return r;
}
