/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/cleanup.h"
#include "initiator/ctl.h"
#include "initiator/look.h"
#include "initiator/view.h"

static int print(struct ctl *ctl, const struct look *look, struct err *err)
{
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_TABLE struct table devices = TABLE(VIEW_DEVICE_COLUMNS);
	CLEANUP_TABLE struct table controllers = TABLE(VIEW_CONTROLLER_COLUMNS);
	int r = paths_collect(look, &paths, err);

	if (r < 0)
		return r;
	if (look->inventory->n_controllers == 0) {
		cli_say(&ctl->cli, "nothing is connected\n");
		return 0;
	}
	view_devices(look, &paths, &devices);
	view_controllers(look, &controllers);
	if (look->inventory->n_devices) {
		cli_print_table(&ctl->cli, &devices, "");
		cli_print(&ctl->cli, "\n");
	}
	cli_print_table(&ctl->cli, &controllers, "");
	return 0;
}

int cmd_list(struct ctl *ctl, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = look_read(ctl, &look, err);

	if (r < 0)
		return r;
	if (ctl->cli.result)
		return view_json_list(&look, NULL, 0, ctl->cli.result, err);
	return print(ctl, &look, err);
}
