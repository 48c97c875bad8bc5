/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/lock.h"
#include "core/modload.h"

#define LOCK_SECONDS 30

/* --- what a verb works with */

static int open_directory(const char *path, int *io_fd)
{
	if (*io_fd < 0)
		*io_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *io_fd < 0 ? -errno : 0;
}

/* A typing error in the file must not keep anybody from looking, or from disconnecting. */
static int load_conf(struct ctl *ctl, struct err *err)
{
	int r = conf_load(AT_FDCWD, ctl->conf_path, &ctl->conf, err);

	if (r == 0 || r == -ENOMEM || strcmp(ctl->cli.verb->name, "connect") == 0)
		return r;
	if (r != -EACCES)
		cli_warn(&ctl->cli, "%s; until that is mended, the defaults hold", err->text);
	return conf_parse("", 0, ctl->conf_path, &ctl->conf, err);
}

int ctl_open(struct ctl *ctl, struct err *err)
{
	if (open_directory("/sys", &ctl->dirs.sysfs_fd) < 0 ||
	    open_directory("/proc", &ctl->dirs.proc_fd) < 0)
		return err_set(err, -errno, "/sys and /proc must be mounted");
	if (open_directory("/run", &ctl->dirs.run_fd) < 0 ||
	    open_directory("/etc", &ctl->dirs.etc_fd) < 0)
		return err_set(err, -errno, "/run and /etc must be there: %s", strerror(errno));
	return load_conf(ctl, err);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ctl_close(struct ctl *ctl)
{
	close_one(&ctl->dirs.sysfs_fd);
	close_one(&ctl->dirs.proc_fd);
	close_one(&ctl->dirs.run_fd);
	close_one(&ctl->dirs.etc_fd);
	close_one(&ctl->lock_fd);
	conf_deinit(&ctl->conf);
}

int ctl_run(struct ctl *ctl, struct err *err)
{
	int r = ctl_open(ctl, err);

	if (r == 0)
		r = ctl->cli.verb->run(ctl, err);
	ctl_close(ctl);
	return r;
}

int ctl_identity(const struct ctl *ctl, struct host_identity *ret, struct err *err)
{
	struct host_identity id = { 0 };
	int r = host_identity_read(ctl->dirs.etc_fd, &id, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0 && !*ctl->conf.hostnqn && !ctl->opt.hostnqn)
		return err_set(err, r,
			       "this host has no name: make one with \"nvme gen-hostnqn "
			       ">/etc/nvme/hostnqn\", or give --hostnqn NQN");
	if (*ctl->conf.hostnqn) {
		memcpy(id.hostnqn, ctl->conf.hostnqn, sizeof(id.hostnqn));
		memcpy(id.hostid, ctl->conf.hostid, sizeof(id.hostid));
		id.made_up = false;
	}
	*ret = id;
	return 0;
}

bool ctl_has_module(const struct ctl *ctl, const char *module)
{
	/* built in and without parameters it has no directory of its own */
	if (strcmp(module, "nvme-fabrics") == 0 &&
	    faccessat(ctl->dirs.sysfs_fd, "class/nvme-fabrics", F_OK, 0) == 0)
		return true;
	return modload_is_present(ctl->dirs.sysfs_fd, module);
}

int ctl_need_root(const struct ctl *ctl, struct err *err)
{
	if (geteuid() == 0)
		return 0;
	return err_set(err, -EPERM, "%s is for root only: run it as root", ctl->cli.verb->name);
}

int ctl_lock(struct ctl *ctl, struct err *err)
{
	static const struct lock_file file = { "/run/sunfish", "initiator.lock",
					       "this host's connections" };
	unsigned int seconds =
		ctl->opt.wait_seconds < 0 ? LOCK_SECONDS : (unsigned int)ctl->opt.wait_seconds;
	CLEANUP_CLOSE int fd = -1;
	int r = fs_mkdir_p(ctl->dirs.run_fd, "sunfish", 0700);

	if (r < 0)
		return err_set(err, r, "/run/sunfish cannot be made: %s", strerror(-r));
	fd = openat(ctl->dirs.run_fd, "sunfish", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		return err_set(err, r, "/run/sunfish cannot be used: %s", strerror(-r));
	}
	r = lock_take_file(fd, &file, ctl->cli.command, seconds, &ctl->lock_fd, err);
	if (r == -ETIMEDOUT)
		ctl->cli.status = CLI_LOCKED;
	return r;
}
