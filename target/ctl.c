/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/modload.h"
#include "target/cfs.h"
#include "target/change.h"
#include "target/lock.h"
#include "target/verbs.h"

#define CONFIGFS_PATH "/sys/kernel/config"

void ctl_init(struct ctl *ctl)
{
	*ctl = (struct ctl){
		.cli.program = &verbs_program,
		.opt.wait_seconds = -1,
		.settings = SETTINGS_DEFAULT,
		.settings_path = CTL_SETTINGS_PATH,
		.nvmet_path = CFS_PATH,
		.run_path = CTL_RUN_PATH,
		.stored_path = STATEDIR "/exports",
		.admin_path = SYSCONFDIR "/exports.d",
		.nvmet_fd = -1,
		.run_fd = -1,
		.lock_fd = -1,
		.sysfs_fd = -1,
		.proc_fd = -1,
	};
}

int ctl_open_system(struct ctl *ctl, struct err *err)
{
	ctl->sysfs_fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ctl->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ctl->sysfs_fd < 0 || ctl->proc_fd < 0)
		return err_set(err, -errno, "/sys and /proc must be mounted");
	return 0;
}

/* Its mount point is there as soon as configfs is; nvmet may be, too, and nobody could see it. */
static int check_mounted(struct err *err)
{
	if (access(CONFIGFS_PATH, F_OK) < 0 || modload_has_configfs(CONFIGFS_PATH))
		return -ENOENT;
	return err_set(err, -ENXIO,
		       "configfs is not mounted, so what is exported cannot be seen: "
		       "mount -t configfs configfs %s",
		       CONFIGFS_PATH);
}

int ctl_open_target(struct ctl *ctl, bool load, struct err *err)
{
	int r;

	if (ctl->nvmet_fd >= 0)
		return 0;
	r = cfs_open(ctl->nvmet_path, &ctl->nvmet_fd, err);
	if (r == -ENOENT && !load)
		return check_mounted(err);
	if (r != -ENOENT)
		return r;
	r = modload_mount_configfs(CONFIGFS_PATH, err);
	if (r == 0)
		r = modload_ensure(ctl->sysfs_fd, "nvmet", err);
	return r < 0 ? r : cfs_open(ctl->nvmet_path, &ctl->nvmet_fd, err);
}

static int open_run(struct ctl *ctl, struct err *err)
{
	/* sockets for everybody stand beside our files, which are private each */
	int r = fs_mkdir_p(AT_FDCWD, ctl->run_path, 0755);

	if (r == 0) {
		ctl->run_fd = open(ctl->run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = ctl->run_fd < 0 ? -errno : 0;
	}
	if (r == 0)
		return 0;
	return err_set(err, r, "%s cannot be used: %s%s", ctl->run_path, strerror(-r),
		       r == -EACCES || r == -EPERM ? "; run as root" : "");
}

int ctl_lock(struct ctl *ctl, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct apply_env env;
	unsigned int seconds = ctl->opt.wait_seconds < 0 ? ctl->settings.wait_seconds
							 : (unsigned int)ctl->opt.wait_seconds;
	int r = ctl->run_fd < 0 ? open_run(ctl, err) : 0;

	if (r < 0)
		return r;
	r = lock_take(ctl->run_fd, ctl->cli.command, seconds, &ctl->lock_fd, err);
	if (r == -ETIMEDOUT)
		ctl->cli.status = CLI_LOCKED;
	if (r < 0)
		return r;
	change_env(ctl, &env);
	r = apply_recover(&env, &text, err);
	if (r > 0)
		cli_warn(&ctl->cli, "%.*s", (int)strcspn(str_get(&text), "\n"), str_get(&text));
	return r < 0 ? r : 0;
}

int ctl_read_target(struct ctl *ctl, struct model_object **ret, struct err *err)
{
	int r = ctl_open_target(ctl, false, NULL);

	if (r == -ENOENT) {
		*ret = model_new();
		return *ret ? 0 : err_nomem(err);
	}
	if (r < 0)
		return ctl_open_target(ctl, false, err);
	return cfs_read(ctl->nvmet_fd, ret, err);
}
