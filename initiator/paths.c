/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/paths.h"

#include <stdlib.h>
#include <string.h>

void paths_deinit(struct paths *paths)
{
	size_t i;

	for (i = 0; i < paths->n_groups; i++)
		free(paths->groups[i].paths);
	free(paths->groups);
	*paths = PATHS_NULL;
}

bool paths_is_live(const struct inventory_controller *controller)
{
	return strcmp(controller->state, "live") == 0;
}

const struct inventory_path *paths_of_device(const struct inventory_device *device,
					     const struct inventory_controller *controller)
{
	size_t i;

	for (i = 0; i < device->n_paths; i++)
		if (strcmp(device->paths[i].controller, controller->name) == 0)
			return &device->paths[i];
	return NULL;
}

const struct paths_group *paths_find(const struct paths *paths, const char *nqn)
{
	size_t i;

	for (i = 0; i < paths->n_groups; i++)
		if (strcmp(paths->groups[i].nqn, nqn) == 0)
			return &paths->groups[i];
	return NULL;
}

static struct paths_group *group_of(struct paths *paths, const char *nqn)
{
	struct paths_group *groups;
	size_t i = 0;

	while (i < paths->n_groups && strcmp(paths->groups[i].nqn, nqn) < 0)
		i++;
	if (i < paths->n_groups && strcmp(paths->groups[i].nqn, nqn) == 0)
		return &paths->groups[i];
	groups = realloc(paths->groups, (paths->n_groups + 1) * sizeof(*groups));
	if (!groups)
		return NULL;
	paths->groups = groups;
	memmove(groups + i + 1, groups + i, (paths->n_groups - i) * sizeof(*groups));
	groups[i] = (struct paths_group){ .nqn = nqn, .subsystem = "", .iopolicy = "" };
	paths->n_groups++;
	return &groups[i];
}

static int add_path(struct paths *paths, const char *nqn, struct paths_path path)
{
	struct paths_group *group = group_of(paths, nqn);
	struct paths_path *list;

	if (!group)
		return -ENOMEM;
	list = realloc(group->paths, (group->n_paths + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	group->paths = list;
	list[group->n_paths++] = path;
	if (!path.controller)
		group->n_missing++;
	else if (paths_is_live(path.controller))
		group->n_live++;
	if (path.controller && *path.controller->subsystem)
		group->subsystem = path.controller->subsystem;
	return 0;
}

/* Discovery controllers have no namespaces. */
static bool is_for_devices(const struct tid *tid, const char *type)
{
	return strcmp(type, "discovery") != 0 && strcmp(tid->nqn, NQN_DISCOVERY) != 0;
}

static bool is_there(const struct look *look, const struct look_wanted *wanted)
{
	return inventory_find_tid(look->inventory, &wanted->tid, look->host.hostnqn) != NULL;
}

static int collect(const struct look *look, struct paths *paths)
{
	const struct inventory *inventory = look->inventory;
	struct paths_group *group;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < inventory->n_controllers; i++) {
		const struct inventory_controller *controller = &inventory->controllers[i];

		if (is_for_devices(&controller->tid, controller->type))
			r = add_path(paths, controller->tid.nqn,
				     (struct paths_path){ controller,
							  look_find_wanted(look, controller) });
	}
	for (i = 0; r == 0 && i < look->n_wanted; i++)
		if (is_for_devices(&look->wanted[i].tid, "") && !is_there(look, &look->wanted[i]))
			r = add_path(paths, look->wanted[i].tid.nqn,
				     (struct paths_path){ NULL, &look->wanted[i] });
	for (i = 0; r == 0 && i < inventory->n_devices; i++) {
		group = (struct paths_group *)paths_find(paths, inventory->devices[i].nqn);
		if (group)
			group->iopolicy = inventory->devices[i].iopolicy;
	}
	return r;
}

int paths_collect(const struct look *look, struct paths *ret, struct err *err)
{
	CLEANUP_PATHS struct paths paths = PATHS_NULL;

	if (collect(look, &paths) < 0)
		return err_nomem(err);
	*ret = paths;
	paths = PATHS_NULL;
	return 0;
}
