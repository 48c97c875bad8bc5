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

/* Of one node only what is its own, but all hosts: to know whose NQNs those are that it lets in. */
static int get_lists(struct ctl *ctl, struct js *documents[TREE_LISTS], struct err *err)
{
	struct str paths[TREE_LISTS];
	const char *texts[TREE_LISTS];
	bool failed = false;
	size_t i;
	int r;

	for (i = 0; i < TREE_LISTS; i++) {
		paths[i] = STR_NULL;
		str_add(&paths[i], tree_path((enum tree_list)i));
		if (ctl->cli.n_args == 1 && i != TREE_HOSTS)
			client_add_query(&paths[i], "node", ctl->cli.args[0]);
		client_add_query(&paths[i], "limit", CLIENT_PAGE);
		texts[i] = str_get(&paths[i]);
		failed = failed || paths[i].failed;
	}
	r = failed ? err_nomem(err)
		   : client_get_all(ctl->client, texts, TREE_LISTS, documents, err);
	for (i = 0; i < TREE_LISTS; i++)
		str_deinit(&paths[i]);
	return r;
}

static int build(struct ctl *ctl, struct js **ret, struct err *err)
{
	struct js *documents[TREE_LISTS] = { NULL };
	const struct js *lists[TREE_LISTS];
	const char *unknown = NULL;
	size_t i;
	int r = get_lists(ctl, documents, err);

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
