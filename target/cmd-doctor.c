/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/ctl.h"
#include "target/doctor.h"
#include "target/stored.h"
#include "target/view.h"

#define RDMA_HELPER LIBEXECDIR "/sunfish-rdma-probe"
#define PROBE_MS 3000

/* A stored export that contradicts the kernel's ports is not compared. */
static int read_wanted(struct ctl *ctl, const struct model_object *actual, const char *nqn,
		       struct model_object **ret, struct err *err)
{
	CLEANUP_STORED struct stored stored = STORED_NULL;
	struct err why = ERR_NULL;
	int r = stored_load(ctl, &stored, err);

	if (r < 0)
		return r;
	r = stored_merge(&stored, nqn, actual, ret, &why);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (r < 0)
		cli_warn(&ctl->cli, "the stored exports are not compared: %s", why.text);
	return 0;
}

static int examine(struct ctl *ctl, const struct model_object *actual, const char *nqn,
		   struct findings *report, struct err *err)
{
	CLEANUP_CLOSE int kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_MODEL struct model_object *wanted = NULL;
	struct doctor_env env = {
		.nvmet_fd = ctl->nvmet_fd,
		.proc_fd = ctl->proc_fd,
		.sys_fd = ctl->sysfs_fd,
		.kmsg_fd = kmsg_fd,
		.rdma_helper = access(RDMA_HELPER, X_OK) == 0 ? RDMA_HELPER : NULL,
		.timeout_ms = PROBE_MS,
	};
	int r = read_wanted(ctl, actual, nqn, &wanted, err);

	env.wanted = wanted;
	return r < 0 ? r : doctor_run(&env, ctl->nvmet_fd >= 0 ? actual : NULL, nqn, report, err);
}

int cmd_doctor(struct ctl *ctl, struct err *err)
{
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;
	CLEANUP_MODEL struct model_object *actual = NULL;
	int r;

	if (ctl->cli.n_args > 1)
		return cli_usage(
			&ctl->cli,
			err_set(err, -EINVAL, "doctor takes one export, or none for all of them"));
	r = ctl_read_target(ctl, &actual, err);
	if (r == 0)
		r = examine(ctl, actual, ctl->cli.n_args ? ctl->cli.args[0] : NULL, &report, err);
	return r < 0 ? r : findings_tell(&report, &ctl->cli, err);
}
