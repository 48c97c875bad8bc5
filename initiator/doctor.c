/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/doctor.h"

#include <string.h>

#include "base/clock.h"
#include "initiator/paths.h"
#include "initiator/view.h"

/* --- names of this host */

static void check_other_names(const struct look *look, struct findings *report)
{
	size_t i;

	for (i = 0; i < look->inventory->n_controllers; i++) {
		const struct inventory_controller *controller = &look->inventory->controllers[i];
		bool same_id = strcasecmp(controller->hostid, look->host.hostid) == 0;
		bool same_nqn = strcmp(controller->tid.hostnqn, look->host.hostnqn) == 0;

		if (!*controller->hostid || !*controller->tid.hostnqn || same_id == same_nqn)
			continue;
		findings_add(
			report, FINDING_WARN, controller->name,
			"disconnect it and connect it again, with one name and its one id",
			"was connected as %s with host id %s, this host is %s with %s: the kernel "
			"refuses connections that mix them",
			controller->tid.hostnqn, controller->hostid, look->host.hostnqn,
			look->host.hostid);
	}
}

void doctor_check_identity(const struct look *look, struct findings *report)
{
	const char *uuid = strstr(look->host.hostnqn, ":uuid:");

	if (!*look->host.hostnqn) {
		findings_add(report, FINDING_FAIL, "host NQN",
			     "nvme gen-hostnqn >/etc/nvme/hostnqn",
			     "this host has no name: neither /etc/nvme/hostnqn nor a machine id");
		return;
	}
	if (look->host.made_up)
		findings_add(report, FINDING_WARN, "host NQN",
			     "write it to /etc/nvme/hostnqn to keep it when the machine id changes",
			     "there is no /etc/nvme/hostnqn: this host calls itself %s, after its "
			     "machine id",
			     look->host.hostnqn);
	else
		findings_add(report, FINDING_OK, "host NQN", "", "%s", look->host.hostnqn);
	if (uuid && strcasecmp(uuid + 6, look->host.hostid) != 0)
		findings_add(report, FINDING_NOTE, "host id",
			     "if this host was cloned, make both anew: nvme gen-hostnqn",
			     "%s is not the one in the host NQN", look->host.hostid);
	check_other_names(look, report);
}

/* --- one subsystem */

#define SHORT_LOSS_SECONDS 600

static void check_state(const struct look *look, const struct paths_path *path,
			struct findings *report)
{
	const struct inventory_controller *controller = path->controller;
	const struct look_controller *beside = look_beside(look, controller);
	char span[CLOCK_TEXT_MAX];
	bool since = beside->since_ms && look->now_ms > beside->since_ms;

	if (paths_is_live(controller)) {
		findings_add(report, FINDING_OK, controller->name, "", "is live");
		return;
	}
	findings_add(report, FINDING_FAIL, controller->name,
		     "look at the link, and at the target: nvmet-sunfishctl doctor",
		     "is %s%s%s%s%s: its connection is lost and the kernel tries again",
		     *controller->state ? controller->state : "in an unknown state",
		     since ? " for " : "",
		     since ? clock_format_span(look->now_ms - beside->since_ms, span) : "",
		     *beside->cause ? ", " : "", beside->cause);
}

static void check_loss(const struct look *look, const struct inventory_controller *controller,
		       struct findings *report)
{
	if (controller->ctrl_loss_tmo < 0 || look->has_daemon)
		return;
	findings_add(
		report, FINDING_NOTE, controller->name,
		"start nvme-sunfishd, or connect with --ctrl-loss-tmo -1",
		"the kernel gives it up for good after %lld s without a connection, and no daemon "
		"would connect it again",
		(long long)controller->ctrl_loss_tmo);
}

static void check_missing(const struct look *look, const struct paths_path *path,
			  struct findings *report)
{
	CLEANUP_STR struct str address = STR_NULL;

	view_address(&path->wanted->tid, &address);
	findings_add(report, FINDING_FAIL, str_get(&address),
		     look->has_daemon ? "" : "nvme-sunfishctl connect, or start nvme-sunfishd",
		     "is wanted (%s) and not connected%s%s", path->wanted->source,
		     *path->wanted->why ? ": " : "", path->wanted->why);
}

static void check_devices(const struct look *look, const struct paths_group *group,
			  struct findings *report)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < look->inventory->n_devices; i++) {
		const struct inventory_device *device = &look->inventory->devices[i];

		if (strcmp(device->nqn, group->nqn) != 0)
			continue;
		n++;
		if (device->n_paths == 0)
			findings_add(report, FINDING_FAIL, device->name,
				     "connect a path to it; what uses it waits or fails",
				     "has no path at all");
		else
			findings_add(report, FINDING_OK, device->name, "", "has %zu path%s",
				     device->n_paths, device->n_paths == 1 ? "" : "s");
	}
	if (n == 0 && group->n_live > 0)
		findings_add(report, FINDING_WARN, group->nqn,
			     "on the target: nvmet-sunfishctl namespace enable",
			     "is connected, but shows no namespace");
}

void doctor_check_subsystem(const struct look *look, const char *nqn, struct findings *report)
{
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	const struct paths_group *group;
	size_t i;

	if (paths_collect(look, &paths, NULL) < 0) {
		report->failed = true;
		return;
	}
	group = paths_find(&paths, nqn);
	if (!group) {
		findings_add(report, FINDING_FAIL, nqn, "nvme-sunfishctl connect",
			     "is not connected, and nobody here wants it");
		return;
	}
	for (i = 0; i < group->n_paths; i++) {
		if (!group->paths[i].controller) {
			check_missing(look, &group->paths[i], report);
			continue;
		}
		check_state(look, &group->paths[i], report);
		check_loss(look, group->paths[i].controller, report);
	}
	check_devices(look, group, report);
	if (group->n_paths == 1 && group->n_live == 1)
		findings_add(report, FINDING_NOTE, nqn, "",
			     "has one path: no other if that is lost");
}

/* --- messages */

bool doctor_is_trouble(const char *text)
{
	static const char *const words[] = {
		"fail",	    "error",	 "reject",    "not allowed",	"Invalid",
		"invalid",  "timeout",	 "timed out", "Removing ctrl",	"malformed",
		"mismatch", "Duplicate", "refus",     "different host",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}
