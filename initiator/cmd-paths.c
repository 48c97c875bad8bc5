/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "base/cleanup.h"
#include "initiator/ctl.h"
#include "initiator/look.h"
#include "initiator/view.h"

struct showing {
	struct ctl *ctl;
	const struct look *look;
	struct js *subsystems; /* NULL without --json */
	size_t n;
};

static void print_group(struct showing *showing, const struct paths_group *group)
{
	CLEANUP_TABLE struct table paths = TABLE(VIEW_PATH_COLUMNS);
	CLEANUP_TABLE struct table devices = TABLE(VIEW_USE_COLUMNS);
	CLEANUP_STR struct str text = STR_NULL;

	str_add(&text, showing->n ? "\n" : "");
	view_heading(group, ctl_has_colours(), &text);
	ctl_print(showing->ctl, str_get(&text));
	view_paths(showing->look, group, &paths);
	ctl_print_table(showing->ctl, &paths, "  ");
	str_deinit(&text);
	view_whys(showing->look, group, &text);
	ctl_print(showing->ctl, str_get(&text));
	view_group_devices(showing->look, group, &devices);
	if (table_rows(&devices))
		ctl_print_table(showing->ctl, &devices, "  ");
}

static void show_group(struct showing *showing, const struct paths_group *group)
{
	if (showing->subsystems)
		js_append(showing->subsystems, view_json_paths(showing->look, group));
	else
		print_group(showing, group);
	showing->n++;
	if (group->n_live < group->n_paths)
		showing->ctl->status = CTL_PARTLY;
}

static int show_named(struct showing *showing, const struct paths *paths, const char *word,
		      struct err *err)
{
	const struct paths_group *group;
	struct look_target target;

	if (look_find(showing->look, word, &target) == LOOK_NOTHING)
		return look_unknown(showing->look, word, err);
	group = paths_find(paths, target.nqn);
	if (!group)
		return err_set(err, -ENOENT, "%s has no paths to devices: it is for discovery",
			       word);
	show_group(showing, group);
	return 0;
}

static int show(struct showing *showing, const struct paths *paths, struct err *err)
{
	struct ctl *ctl = showing->ctl;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ctl->n_args; i++)
		r = show_named(showing, paths, ctl->args[i], err);
	for (i = 0; ctl->n_args == 0 && i < paths->n_groups; i++)
		show_group(showing, &paths->groups[i]);
	if (r == 0 && showing->n == 0)
		ctl_say(ctl, "nothing is connected, and nothing is wanted\n");
	if (r < 0)
		ctl->status = 0;
	return r;
}

int cmd_paths(struct ctl *ctl, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	CLEANUP_PATHS struct paths paths = PATHS_NULL;
	struct showing showing = { .ctl = ctl, .look = &look };
	int r = look_read(ctl, &look, err);

	if (r == 0)
		r = paths_collect(&look, &paths, err);
	if (r < 0)
		return r;
	if (look.is_partial)
		ctl_warn(ctl, "only root sees what \"connect\" was asked for: missing paths may be "
			      "unknown");
	showing.subsystems = ctl->result ? js_array() : NULL;
	r = show(&showing, &paths, err);
	if (ctl->result)
		js_set(ctl->result, "subsystems", showing.subsystems);
	return r;
}
