/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/follow.h"
#include "ctl/listener.h"
#include "ctl/view.h"

static bool is_state(const struct js *document, const char *state)
{
	return strcmp(view_text(document, "state"), state) == 0;
}

static struct js *texts(const struct cli_list *list)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < list->count; i++)
		js_append(array, js_string(list->items[i].value));
	return array;
}

static int check_create(struct ctl *ctl, struct err *err)
{
	const struct ctl_options *opt = &ctl->opt;

	if (!opt->node)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL, "say on which target: --node NAME"));
	if (opt->devs.count == 0)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL, "say which drives: --dev PATH"));
	if (opt->listeners.count == 0)
		return cli_usage(
			&ctl->cli,
			err_set(err, -EINVAL, "say where to listen: --rdma ADDR or --tcp ADDR"));
	if (opt->any_host && opt->hosts.count)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL, "--any-host and --host exclude each other"));
	return 0;
}

static int create_body(struct ctl *ctl, struct js *body, struct err *err)
{
	struct js *listeners = js_array();
	size_t i;
	int r = 0;

	js_set(body, "node", js_string(ctl->opt.node));
	js_set(body, "nqn", js_string(ctl->cli.args[0]));
	js_set(body, "devices", texts(&ctl->opt.devs));
	for (i = 0; r == 0 && i < ctl->opt.listeners.count; i++) {
		struct js *listener = NULL;

		r = listener_parse(&ctl->opt.listeners.items[i], &listener, err);
		if (r == 0)
			js_append(listeners, listener);
	}
	js_set(body, "listeners", listeners);
	if (ctl->opt.any_host)
		js_set(body, "any_host", js_bool(true));
	else
		js_set(body, "hosts", texts(&ctl->opt.hosts));
	if (ctl->opt.timeout_ms)
		js_set(body, "timeout_ms", js_int((int64_t)ctl->opt.timeout_ms));
	return r < 0 ? cli_usage(&ctl->cli, r) : 0;
}

static int not_waited(const struct ctl *ctl, const struct js *export)
{
	cli_say(&ctl->cli, "%s is %s; see: sunfishctl export list\n", view_text(export, "id"),
		view_text(export, "state"));
	return 0;
}

int cmd_export_create(struct ctl *ctl, struct err *err)
{
	static const struct follow follow = { "/exports", "creating", "export delete" };
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *first = NULL;
	CLEANUP_JS struct js *last = NULL;
	int r = check_create(ctl, err);

	if (r == 0)
		r = create_body(ctl, body, err);
	if (r == 0)
		r = client_call(ctl->client, "POST", "/exports", body, &first, err);
	if (r == 0 && !*view_text(first, "id"))
		r = err_set(err, -EPROTO, "the collector's answer is no export");
	if (r < 0)
		return r;
	if (!ctl->opt.no_wait)
		r = follow_to_end(ctl, &follow, first, 0, &last, err);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "export", js_ref(last ? last : first));
	if (r < 0)
		return r;
	if (ctl->opt.no_wait)
		return not_waited(ctl, first);
	if (is_state(last, "active")) {
		cli_say(&ctl->cli, "%s is exported by %s (export %s)\n", ctl->cli.args[0],
			ctl->opt.node, view_text(last, "id"));
		return 0;
	}
	return err_set(err, -EIO, "%s on %s is %s: %s", ctl->cli.args[0], ctl->opt.node,
		       view_text(last, "state"), view_text(last, "error"));
}

/* --- delete */

/* How much a name means it: nothing is left of what was deleted, and of what failed only a line. */
static unsigned int worth(const struct js *export)
{
	if (is_state(export, "deleted"))
		return 0;
	return is_state(export, "failed") ? 1 : 2;
}

static int refuse_both(const struct ctl *ctl, const struct js *one, const struct js *other,
		       struct err *err)
{
	return err_set(err, -EEXIST,
		       "%s is exported by %s and by %s: say which by --node, or by %s or %s",
		       ctl->cli.args[0], view_text(one, "node"), view_text(other, "node"),
		       view_text(one, "id"), view_text(other, "id"));
}

static int refuse_none(const struct ctl *ctl, const struct js *deleted, struct err *err)
{
	if (deleted)
		return err_set(err, -ENOENT, "%s is deleted already (%s of %s)", ctl->cli.args[0],
			       view_text(deleted, "id"), view_text(deleted, "node"));
	return err_set(err, -ENOENT, "%s was not exported from here; see: sunfishctl export list",
		       ctl->cli.args[0]);
}

/* By its id, or by its NQN where only one target has it; of several that failed the last. */
static int choose(const struct ctl *ctl, const struct js *items, struct js **ret, struct err *err)
{
	const struct js *found = NULL;
	const struct js *deleted = NULL;
	size_t i;

	for (i = 0; i < js_length(items); i++) {
		const struct js *item = js_at(items, i);

		if (strcmp(view_text(item, "id"), ctl->cli.args[0]) == 0) {
			*ret = js_ref(item);
			return 0;
		}
		if (strcmp(view_text(item, "nqn"), ctl->cli.args[0]) != 0)
			continue;
		if (worth(item) == 0)
			deleted = item;
		else if (found && worth(found) == 2 && worth(item) == 2)
			return refuse_both(ctl, found, item, err);
		else if (!found || worth(item) >= worth(found))
			found = item;
	}
	if (!found)
		return refuse_none(ctl, deleted, err);
	*ret = js_ref(found);
	return 0;
}

static int find(struct ctl *ctl, struct js **ret, struct err *err)
{
	CLEANUP_JS struct js *document = NULL;
	CLEANUP_STR struct str path = STR_NULL;
	int r;

	str_add(&path, "/exports");
	client_add_query(&path, "node", ctl->opt.node);
	r = path.failed ? err_nomem(err) : client_get(ctl->client, str_get(&path), &document, err);
	return r < 0 ? r : choose(ctl, js_get(document, "items"), ret, err);
}

/* What it came to. */
static int delete_end(const struct ctl *ctl, const struct js *before, const struct js *last,
		      struct err *err)
{
	const char *nqn = view_text(last, "nqn");
	const char *node = view_text(last, "node");

	if (!is_state(last, "deleted"))
		return err_set(err, -EBUSY, "%s is still %s: %s", nqn, view_text(last, "state"),
			       view_text(last, "error"));
	if (is_state(before, "failed"))
		cli_say(&ctl->cli, "%s of %s, which had failed, is forgotten\n", nqn, node);
	else
		cli_say(&ctl->cli, "%s is no longer exported by %s\n", nqn, node);
	return 0;
}

int cmd_export_delete(struct ctl *ctl, struct err *err)
{
	static const struct follow follow = { "/exports", "deleting", NULL };
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *before = NULL;
	CLEANUP_JS struct js *first = NULL;
	CLEANUP_JS struct js *last = NULL;
	int r = find(ctl, &before, err);

	str_add(&path, "/exports");
	client_add_part(&path, view_text(before, "id"));
	client_add_query(&path, "force", ctl->opt.force ? "1" : NULL);
	if (r == 0 && path.failed)
		r = err_nomem(err);
	if (r == 0)
		r = client_call(ctl->client, "DELETE", str_get(&path), NULL, &first, err);
	if (r < 0)
		return r;
	if (!ctl->opt.no_wait)
		r = follow_to_end(ctl, &follow, first, js_length(js_get(before, "steps")), &last,
				  err);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "export", js_ref(last ? last : first));
	if (r < 0)
		return r;
	if (ctl->opt.no_wait)
		return not_waited(ctl, first);
	return delete_end(ctl, before, last, err);
}
