/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "initiator/ctl.h"
#include "initiator/doctor.h"
#include "initiator/paths.h"
#include "initiator/wish.h"

/* --- what is examined */

static int check_given(struct ctl *ctl, const struct look *look, const char *nqn,
		       struct findings *report, struct err *err)
{
	struct tid tid;
	size_t i;
	int r;

	for (i = 0; i < ctl->opt.addresses.count; i++) {
		r = wish_address(ctl, &ctl->opt.addresses.items[i], TID_DEFAULT_PORT, &tid, err);
		if (r < 0)
			return r;
		snprintf(tid.nqn, sizeof(tid.nqn), "%s", nqn ? nqn : "");
		doctor_check_address(ctl, look, &tid, report);
	}
	return 0;
}

/* The addresses of what is missing or lost: what is live answers. */
static void check_paths(struct ctl *ctl, const struct look *look, const struct paths_group *group,
			struct findings *report)
{
	size_t i;

	for (i = 0; i < group->n_paths; i++) {
		const struct paths_path *path = &group->paths[i];

		if (!path->controller)
			doctor_check_address(ctl, look, &path->wanted->tid, report);
		else if (!paths_is_live(path->controller))
			doctor_check_address(ctl, look, &path->controller->tid, report);
	}
}

static void check_group(struct ctl *ctl, const struct look *look, const struct paths_group *group,
			struct findings *report)
{
	check_paths(ctl, look, group, report);
	doctor_check_subsystem(look, group->nqn, report);
}

static int examine(struct ctl *ctl, const struct look *look, const char *nqn,
		   struct findings *report, struct err *err)
{
	CLEANUP_CLOSE int kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	const struct paths_group *group;
	size_t i;
	int r = paths_collect(look, &paths, err);

	if (r < 0)
		return r;
	group = nqn ? paths_find(&paths, nqn) : NULL;
	doctor_check_host(ctl, look, report);
	r = check_given(ctl, look, nqn, report, err);
	if (r < 0)
		return r;
	if (group)
		check_group(ctl, look, group, report);
	else if (nqn && ctl->opt.addresses.count == 0)
		doctor_check_subsystem(look, nqn, report);
	for (i = 0; !nqn && i < paths.n_groups; i++)
		check_group(ctl, look, &paths.groups[i], report);
	doctor_check_kmsg(kmsg_fd, nqn, report);
	return 0;
}

int cmd_doctor(struct ctl *ctl, struct err *err)
{
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = look_read(ctl, &look, err);

	if (r == 0 && ctl->opt.hostnqn)
		snprintf(look.host.hostnqn, sizeof(look.host.hostnqn), "%s", ctl->opt.hostnqn);
	if (r == 0)
		r = examine(ctl, &look, ctl->cli.n_args ? ctl->cli.args[0] : NULL, &report, err);
	return r < 0 ? r : findings_tell(&report, &ctl->cli, err);
}
