/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/tree.h"

static void free_all(struct js **documents)
{
	size_t i;

	for (i = 0; i < TREE_LISTS; i++)
		js_free(documents[i]);
}

static int build(struct ctl *ctl, struct js **ret, struct err *err)
{
	struct js *documents[TREE_LISTS] = { NULL };
	const struct js *lists[TREE_LISTS];
	const char *paths[TREE_LISTS];
	const char *unknown = NULL;
	size_t i;
	int r;

	for (i = 0; i < TREE_LISTS; i++)
		paths[i] = tree_path((enum tree_list)i);
	r = client_get_all(ctl->client, paths, TREE_LISTS, documents, err);
	if (r < 0)
		return r;
	for (i = 0; i < TREE_LISTS; i++)
		lists[i] = js_get(documents[i], "items");
	*ret = tree_build(lists, ctl->cli.args, ctl->cli.n_args, &unknown);
	if (!*ret)
		r = unknown ? err_set(err, -ENOENT, "there is no node %s; see: sunfishctl nodes",
				      unknown)
			    : err_nomem(err);
	free_all(documents);
	return r;
}

int cmd_tree(struct ctl *ctl, struct err *err)
{
	const struct tree_style style = { ctl->style.colours, ctl->is_utf8 };
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_JS struct js *tree = NULL;
	int r = build(ctl, &tree, err);

	if (r < 0)
		return r;
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "nodes", js_ref(js_get(tree, "nodes")));
		return 0;
	}
	tree_format(tree, &style, &text);
	if (text.failed)
		return err_nomem(err);
	if (text.length == 0)
		cli_say(&ctl->cli, "no node has reported yet\n");
	cli_print(&ctl->cli, str_get(&text));
	return 0;
}
