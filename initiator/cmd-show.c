/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "initiator/ctl.h"
#include "initiator/look.h"
#include "initiator/view.h"

struct showing {
	struct ctl *ctl;
	const struct look *look;
	const struct paths *paths;
	struct look_target *targets; /* room for each argument */
	size_t n_targets;
	struct str text;
};

static void part(struct showing *showing)
{
	str_add(&showing->text, showing->text.length ? "\n" : "");
}

static void show_target(struct showing *showing, const struct look_target *target)
{
	const struct inventory *inventory = showing->look->inventory;
	const struct paths_group *group = paths_find(showing->paths, target->nqn);
	size_t i;

	if (target->meant == LOOK_NQN && group) {
		part(showing);
		view_heading(group, cli_style().colours, &showing->text);
		view_whys(showing->look, group, &showing->text);
	}
	for (i = 0; i < inventory->n_controllers; i++) {
		const struct inventory_controller *controller = &inventory->controllers[i];

		if (!look_means(target, LOOK_CONTROLLER, controller->name, controller->tid.nqn))
			continue;
		part(showing);
		view_controller_block(showing->look, controller, &showing->text);
	}
	for (i = 0; i < inventory->n_devices; i++) {
		const struct inventory_device *device = &inventory->devices[i];

		if (!look_means(target, LOOK_DEVICE, device->name, device->nqn))
			continue;
		part(showing);
		view_device_block(device, &showing->text);
	}
}

static int show_named(struct showing *showing, const char *word, struct err *err)
{
	struct look_target target;

	if (look_find(showing->look, word, &target) == LOOK_NOTHING)
		return look_unknown(showing->look, word, err);
	showing->targets[showing->n_targets++] = target;
	if (!showing->ctl->cli.result)
		show_target(showing, &target);
	return 0;
}

static void show_all(struct showing *showing)
{
	size_t i;

	for (i = 0; i < showing->paths->n_groups; i++)
		show_target(showing, &(struct look_target){ .meant = LOOK_NQN,
							    .nqn = showing->paths->groups[i].nqn });
}

static int show(struct showing *showing, struct err *err)
{
	struct ctl *ctl = showing->ctl;
	size_t i;
	int r = 0;

	if (ctl->cli.n_args == 0 && !ctl->cli.result)
		show_all(showing);
	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = show_named(showing, ctl->cli.args[i], err);
	/* what was found before an unknown name is shown too */
	if (showing->text.failed)
		return err_nomem(err);
	cli_print(&ctl->cli, str_get(&showing->text));
	if (r == 0 && showing->text.length == 0)
		cli_say(&ctl->cli, "nothing is connected\n");
	return r;
}

int cmd_show(struct ctl *ctl, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	CLEANUP_FREE struct look_target *targets = NULL;
	struct showing showing = { .ctl = ctl, .look = &look, .paths = &paths };
	int r = look_read(ctl, &look, err);

	if (r == 0)
		r = paths_collect(&look, &paths, err);
	if (r < 0)
		return r;
	targets = calloc(ctl->cli.n_args + 1, sizeof(*targets));
	if (!targets)
		return err_nomem(err);
	showing.targets = targets;
	r = show(&showing, err);
	str_deinit(&showing.text);
	if (r == 0 && ctl->cli.result)
		r = view_json_list(&look, targets, showing.n_targets, ctl->cli.result, err);
	return r;
}
