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
	view_heading(group, cli_style().colours, &text);
	cli_print(&showing->ctl->cli, str_get(&text));
	view_paths(showing->look, group, &paths);
	cli_print_table(&showing->ctl->cli, &paths, "  ");
	str_deinit(&text);
	view_whys(showing->look, group, &text);
	cli_print(&showing->ctl->cli, str_get(&text));
	view_group_devices(showing->look, group, &devices);
	if (table_rows(&devices))
		cli_print_table(&showing->ctl->cli, &devices, "  ");
}

static void show_group(struct showing *showing, const struct paths_group *group)
{
	if (showing->subsystems)
		js_append(showing->subsystems, view_json_paths(showing->look, group));
	else
		print_group(showing, group);
	showing->n++;
	if (group->n_live < group->n_paths)
		showing->ctl->cli.status = CLI_PARTLY;
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

	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = show_named(showing, paths, ctl->cli.args[i], err);
	for (i = 0; ctl->cli.n_args == 0 && i < paths->n_groups; i++)
		show_group(showing, &paths->groups[i]);
	if (r == 0 && showing->n == 0)
		cli_say(&ctl->cli, "nothing is connected, and nothing is wanted\n");
	if (r < 0)
		ctl->cli.status = 0;
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
		cli_warn(&ctl->cli,
			 "only root sees what \"connect\" was asked for: missing paths may be "
			 "unknown");
	showing.subsystems = ctl->cli.result ? js_array() : NULL;
	r = show(&showing, &paths, err);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "subsystems", showing.subsystems);
	return r;
}
