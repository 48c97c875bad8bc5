/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvmet answers EINVAL to nearly everything; which step it was tells what it means.
 * Source: drivers/nvme/target/configfs.c, core.c, tcp.c, rdma.c; measured on 6.1, 6.12 and 7.3.
 */
#include "target/apply-explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What the plan writes into the attribute @name of the directory in which @path is, or "". */
static const char *sibling(const struct plan *plan, const char *path, size_t dir_length,
			   const char *name)
{
	size_t i;

	for (i = 0; i < plan->n_steps; i++) {
		const struct plan_action *act = &plan->steps[i].act;

		if (act->op == PLAN_WRITE && strncmp(act->path, path, dir_length) == 0 &&
		    act->path[dir_length] == '/' && strcmp(act->path + dir_length + 1, name) == 0)
			return act->value;
	}
	return "";
}

static int explain_enable(const struct plan *plan, const struct plan_step *step, int code,
			  struct err *err)
{
	const char *path = step->act.path;
	size_t dir_length = (size_t)(last_part(path) - path) - 1;
	const char *device = sibling(plan, path, dir_length, "device_path");

	if (!*device)
		device = "its drive";
	switch (code) {
	case -EINVAL:
		return err_set(
			err, code,
			"%s cannot be enabled: the kernel cannot use %s (a file must be on a "
			"file system with direct I/O, or have buffered-io; a zoned or "
			"character device is not possible); dmesg may say more",
			step->what, device);
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return err_set(err, code, "%s cannot be enabled: %s is gone", step->what, device);
	case -EBUSY:
		return err_set(err, code,
			       "%s cannot be enabled: %s is held exclusively by somebody else",
			       step->what, device);
	case -EROFS:
	case -EACCES:
		return err_set(err, code, "%s cannot be enabled: %s is read-only", step->what,
			       device);
	case -EIO:
		return err_set(err, code,
			       "%s: the kernel took the write to \"enable\" and left it as it was; "
			       "dmesg says why",
			       step->what);
	default:
		return err_set(err, code, "%s cannot be enabled on %s: %s", step->what, device,
			       strerror(-code));
	}
}

static int explain_listen(const struct plan *plan, const struct plan_step *step, int code,
			  struct err *err)
{
	const char *path = step->act.path;
	const char *nqn = last_part(path);
	size_t dir_length = (size_t)(nqn - path) - strlen("/subsystems/");
	const char *type = sibling(plan, path, dir_length, "addr_trtype");
	const char *address = sibling(plan, path, dir_length, "addr_traddr");
	const char *service = sibling(plan, path, dir_length, "addr_trsvcid");
	char where[400];

	if (*type)
		snprintf(where, sizeof(where), "%s (%s %s%s%s)", step->what, type, address,
			 *service ? " port " : "", service);
	else
		snprintf(where, sizeof(where), "%s", step->what);
	switch (code) {
	case -EADDRINUSE:
		return err_set(err, code,
			       "%s cannot listen: somebody else listens there; choose another port "
			       "number, or see who it is with: ss -ltnp",
			       where);
	case -EADDRNOTAVAIL:
		return err_set(err, code,
			       "%s cannot listen: the address is not on this host; see: ip address",
			       where);
	case -ENODEV:
		return err_set(err, code,
			       "%s cannot listen: there is no RDMA device behind the address; see: "
			       "rdma link",
			       where);
	case -EEXIST:
		return err_set(err, code, "%s serves %s already", where, nqn);
	case -EINVAL:
		return err_set(err, code,
			       "%s cannot listen: the kernel refuses the address, or has no "
			       "transport %s; dmesg may say more",
			       where, *type ? type : "of that type");
	default:
		return err_set(err, code, "%s cannot listen: %s", where, strerror(-code));
	}
}

static int explain_mkdir(const struct plan_step *step, int code, struct err *err)
{
	switch (code) {
	case -EEXIST:
		return err_set(err, code,
			       "%s was made by somebody else at the same moment; look at it, then "
			       "repeat the command",
			       step->what);
	case -ENOMEM:
		return err_set(err, code,
			       "%s cannot be made: the kernel is out of memory, or of namespaces "
			       "(1024 for each subsystem)",
			       step->what);
	default:
		return err_set(err, code, "%s cannot be made: %s", step->what, strerror(-code));
	}
}

static int explain_write(const struct plan *plan, const struct plan_step *step, int code,
			 struct err *err)
{
	const struct plan_action *act = &step->act;
	const char *name = last_part(act->path);
	bool secret = act->flags & PLAN_SECRET;

	if (strcmp(name, "enable") == 0 && strcmp(act->value, "1") == 0)
		return explain_enable(plan, step, code, err);
	if (code == -ENOENT)
		return err_set(err, code,
			       "%s cannot have %s: this kernel's nvmet has no such attribute (see: "
			       "nvmet-sunfishctl capabilities)",
			       step->what, name);
	if (code == -EINVAL && strncmp(step->what, "subsystem", 9) == 0)
		return err_set(err, code,
			       "%s of %s cannot become \"%s\": the kernel refuses it, as it does "
			       "once a host has seen the subsystem; delete it and create it anew",
			       name, step->what, act->value);
	return err_set(err, code, "%s of %s cannot become %s%s%s: %s", name, step->what,
		       secret ? "" : "\"", secret ? "the given key" : act->value,
		       secret ? "" : "\"", strerror(-code));
}

static int explain_remove(const struct plan_step *step, int code, struct err *err)
{
	if (code == -EBUSY || code == -ENOTEMPTY)
		return err_set(err, code,
			       "%s cannot be removed: somebody else has just added to it; repeat "
			       "the command",
			       step->what);
	return err_set(err, code, "%s cannot be removed: %s", step->what, strerror(-code));
}

static int explain_step(const struct plan *plan, const struct plan_step *step, int code,
			struct err *err)
{
	const struct plan_action *act = &step->act;

	switch (act->op) {
	case PLAN_MKDIR:
		return explain_mkdir(step, code, err);
	case PLAN_RMDIR:
		return explain_remove(step, code, err);
	case PLAN_WRITE:
		return explain_write(plan, step, code, err);
	case PLAN_SYMLINK:
		if (strncmp(act->path, "ports/", 6) == 0)
			return explain_listen(plan, step, code, err);
		return err_set(err, code, "%s cannot allow %s: %s", step->what,
			       last_part(act->path), strerror(-code));
	case PLAN_UNLINK:
	case PLAN_CHMOD:
		break;
	}
	return err_set(err, code, "%s: %s of %s: %s", step->what,
		       act->op == PLAN_UNLINK ? "removing the link" : "closing the access",
		       last_part(act->path), strerror(-code));
}

int apply_explain(const struct plan *plan, size_t index, const struct plan_action *undo, int code,
		  struct err *err)
{
	const struct plan_step *step = &plan->steps[index];

	if (code == -EACCES || code == -EPERM || code == -EROFS) {
		bool opens_drive = !undo && step->act.op == PLAN_WRITE &&
				   strcmp(last_part(step->act.path), "enable") == 0;

		if (!opens_drive)
			return err_set(err, code,
				       "%s: the kernel does not let this user change it (%s); run "
				       "as root",
				       step->what, strerror(-code));
	}
	if (undo)
		return err_set(err, code, "%s could not be put back (%s %s): %s", step->what,
			       undo->op == PLAN_RMDIR ? "removing" : "restoring", undo->path,
			       strerror(-code));
	return explain_step(plan, step, code, err);
}
