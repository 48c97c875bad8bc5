/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view - how connections are shown: tables and blocks for people, JSON for programs.
 *
 * Texts are added to a struct str, which remembers a lack of memory, as tables and JSON do. Control
 * characters in names that others made never reach a terminal. Nothing is kept between calls.
 */
#pragma once

#include <stdbool.h>

#include "base/js.h"
#include "base/str.h"
#include "base/table.h"
#include "initiator/look.h"
#include "initiator/paths.h"

/* Add "tcp 10.101.46.14:4420". */
void view_address(const struct tid *tid, struct str *text);

/* Add what a device is used for: "/mnt/a, swap, held by dm-3"; nothing if it is free. */
void view_uses(const struct inventory_device *device, struct str *text);

/* --- list */

#define VIEW_DEVICE_COLUMNS 6
void view_devices(const struct look *look, const struct paths *paths, struct table *table);
#define VIEW_CONTROLLER_COLUMNS 5
void view_controllers(const struct look *look, struct table *table);

/*
 * {"controllers":[..], "devices":[..]}, each as in doc/api.md, set into @json.
 * @targets  those only; with @n_targets 0 all
 * Returns: 0; -ENOMEM.
 */
int view_json_list(const struct look *look, const struct look_target *targets, size_t n_targets,
		   struct js *json, struct err *err);

/* --- paths */

/* Add "blake14  nvme-subsys0, iopolicy numa, 1 of 2 paths". */
void view_heading(const struct paths_group *group, bool colours, struct str *text);
/* One row for each path and device. */
#define VIEW_PATH_COLUMNS 6
void view_paths(const struct look *look, const struct paths_group *group, struct table *table);
/* The devices with their use. */
#define VIEW_USE_COLUMNS 4
void view_group_devices(const struct look *look, const struct paths_group *group,
			struct table *table);
/* Add one line for each path that is not up: why, and what comes next. */
void view_whys(const struct look *look, const struct paths_group *group, struct str *text);
/* NULL: out of memory. */
struct js *view_json_paths(const struct look *look, const struct paths_group *group);

/* --- show */

/* Add all that is known of a controller, of a device. */
void view_controller_block(const struct look *look, const struct inventory_controller *controller,
			   struct str *text);
void view_device_block(const struct inventory_device *device, struct str *text);
