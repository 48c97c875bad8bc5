/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "base/str.h"
#include "target/ctl.h"
#include "target/look.h"
#include "target/view.h"

struct showing {
	struct str text;
	struct js *exports; /* NULL without --json */
};

static int add_export(void *data, const struct view_export *export)
{
	struct showing *showing = data;

	if (showing->exports) {
		js_append(showing->exports, view_json(export));
		return 0;
	}
	if (showing->text.length)
		str_add(&showing->text, "\n");
	view_block(export, &showing->text);
	return 0;
}

static int show_all(struct ctl *ctl, struct showing *showing, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = look_read(ctl, &look, err);

	return r < 0 ? r : look_each(&look, add_export, showing);
}

static int show_one(struct ctl *ctl, const char *nqn, struct showing *showing, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	CLEANUP_LOOK struct look all = LOOK_NULL;
	int r = look_read_one(ctl, nqn, &look, err);

	if (r == 0)
		r = look_one(&look, nqn, add_export, showing, NULL);
	if (r != -ENOENT)
		return r;
	/* only those that read all know which names are near */
	r = look_read(ctl, &all, err);
	return r < 0 ? r : look_one(&all, nqn, add_export, showing, err);
}

static int show(struct ctl *ctl, struct showing *showing, struct err *err)
{
	size_t i;
	int r = 0;

	if (ctl->cli.n_args == 0)
		return show_all(ctl, showing, err);
	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = show_one(ctl, ctl->cli.args[i], showing, err);
	return r;
}

int cmd_show(struct ctl *ctl, struct err *err)
{
	struct showing showing = { .text = STR_NULL };
	int r;

	showing.exports = ctl->cli.result ? js_array() : NULL;
	r = show(ctl, &showing, err);
	if (r == 0 && showing.text.failed)
		r = err_nomem(err);
	/* what was found before an unknown name is shown too */
	if (ctl->cli.result)
		js_set(ctl->cli.result, "exports", showing.exports);
	else if (showing.text.length)
		cli_print(&ctl->cli, str_get(&showing.text));
	else if (r == 0)
		cli_say(&ctl->cli, "nothing is exported\n");
	str_deinit(&showing.text);
	return r;
}
