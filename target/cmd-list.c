/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "base/str.h"
#include "target/ctl.h"
#include "target/look.h"
#include "target/view.h"

struct listing {
	struct table table;
	struct js *exports; /* NULL without --json */
	bool has_unsure;
};

static int add_export(void *data, const struct view_export *export)
{
	struct listing *listing = data;

	if (listing->exports)
		js_append(listing->exports, view_json_short(export));
	else
		view_row(export, &listing->table);
	if (!view_count_connected(export).is_exact)
		listing->has_unsure = true;
	return 0;
}

static int print(struct ctl *ctl, const struct listing *listing, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;

	if (listing->table.n_cells <= VIEW_COLUMNS && !listing->table.failed) {
		cli_say(&ctl->cli, "nothing is exported\n");
		return 0;
	}
	table_format(&listing->table, "", &text);
	if (text.failed)
		return err_nomem(err);
	cli_print(&ctl->cli, str_get(&text));
	if (listing->has_unsure)
		cli_say(&ctl->cli,
			"? or +: this kernel does not tell which of the exports at a listener "
			"a host uses; see show\n");
	return 0;
}

int cmd_list(struct ctl *ctl, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	struct listing listing = { .table = TABLE(VIEW_COLUMNS) };
	int r;

	if (ctl->cli.n_args)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "list takes no argument; for one "
						    "export: show NQN"));
	r = look_read(ctl, &look, err);
	if (r < 0)
		return r;
	listing.exports = ctl->cli.result ? js_array() : NULL;
	view_header(&listing.table);
	r = look_each(&look, add_export, &listing);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "exports", listing.exports);
	else if (r == 0)
		r = print(ctl, &listing, err);
	table_deinit(&listing.table);
	return r;
}
