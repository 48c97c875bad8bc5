/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/follow.h"
#include "ctl/listener.h"
#include "ctl/view.h"

static bool is_state(const struct js *document, const char *state)
{
	return strcmp(view_text(document, "state"), state) == 0;
}

static const char *or_else(const char *text, const char *otherwise)
{
	return *text ? text : otherwise;
}

/* --- attach */

static int attach_body(struct ctl *ctl, struct js *body, struct err *err)
{
	struct js *listener = NULL;
	int r = 0;

	if (ctl->opt.listeners.count > 1)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "a host connects by one listener: name one, or none "
					 "to have it chosen"));
	js_set(body, "subsystem", js_string(ctl->cli.args[0]));
	js_set(body, "host", js_string(ctl->cli.args[1]));
	if (ctl->opt.lease_ms)
		js_set(body, "lease_ms", js_int((int64_t)ctl->opt.lease_ms));
	if (ctl->opt.timeout_ms)
		js_set(body, "timeout_ms", js_int((int64_t)ctl->opt.timeout_ms));
	if (ctl->opt.job)
		js_set(body, "job", js_string(ctl->opt.job));
	if (ctl->opt.listeners.count) {
		r = listener_parse(&ctl->opt.listeners.items[0], &listener, err);
		if (r < 0)
			return cli_usage(&ctl->cli, r);
		js_set(body, "listener", listener);
	}
	return 0;
}

static void tell_attached(const struct ctl *ctl, const struct js *attachment)
{
	const char *device = view_text(attachment, "device");
	int64_t expires = js_number(js_get(attachment, "expires"), 0);
	CLEANUP_STR struct str line = STR_NULL;
	char until[VIEW_TIME_MAX];

	if (ctl->cli.quiet) {
		str_addf(&line, "%s\n", device);
		cli_print(&ctl->cli, str_get(&line));
		return;
	}
	cli_say(&ctl->cli, "%s has it as %s (attachment %s)\n", view_text(attachment, "host"),
		or_else(device, "a device"), view_text(attachment, "id"));
	if (expires)
		cli_say(&ctl->cli, "its lease ends %s\n",
			view_until(expires, clock_wall_ms(), until));
}

/* What it came to. */
static int attach_end(struct ctl *ctl, const struct js *attachment, struct err *err)
{
	if (is_state(attachment, "attached")) {
		tell_attached(ctl, attachment);
		return 0;
	}
	if (is_state(attachment, "failed"))
		return err_set(err, -EIO, "%s to %s failed at the hop \"%s\": %s; all was undone",
			       ctl->cli.args[0], ctl->cli.args[1],
			       or_else(view_text(attachment, "hop"), "?"),
			       or_else(view_text(attachment, "error"), "no reason is known"));
	return err_set(err, -ECANCELED, "somebody ended it meanwhile: %s is %s",
		       view_text(attachment, "id"), view_text(attachment, "state"));
}

int cmd_attach(struct ctl *ctl, struct err *err)
{
	static const struct follow follow = { "/attachments", "attaching", "detach" };
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *first = NULL;
	CLEANUP_JS struct js *last = NULL;
	int r = attach_body(ctl, body, err);

	if (r == 0)
		r = client_call(ctl->client, "POST", "/attachments", body, &first, err);
	if (r == 0 && !*view_text(first, "id"))
		r = err_set(err, -EPROTO, "the collector's answer is no attachment");
	if (r < 0)
		return r;
	if (!ctl->opt.no_wait)
		r = follow_to_end(ctl, &follow, first, 0, &last, err);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "attachment", js_ref(last ? last : first));
	if (ctl->opt.no_wait) {
		cli_say(&ctl->cli, "%s is %s; see: sunfishctl attachments\n",
			view_text(first, "id"), view_text(first, "state"));
		return 0;
	}
	return r < 0 ? r : attach_end(ctl, last, err);
}

/* --- detach */

/* Is there anything left to detach? */
static bool is_standing(const struct js *attachment)
{
	return !is_state(attachment, "detached") && !is_state(attachment, "failed");
}

static int refuse_many(const struct ctl *ctl, const struct js *items, struct err *err)
{
	CLEANUP_STR struct str ids = STR_NULL;
	size_t i;

	for (i = 0; i < js_length(items); i++)
		if (is_standing(js_at(items, i)))
			str_addf(&ids, "%s%s (of %s)", ids.length ? ", " : "",
				 view_text(js_at(items, i), "id"),
				 view_text(js_at(items, i), "target"));
	return err_set(err, -EEXIST, "%s is attached to %s more than once, say which: %s",
		       ctl->cli.args[0], ctl->cli.args[1], str_get(&ids));
}

static int find_pair(struct ctl *ctl, struct js **ret, struct err *err)
{
	CLEANUP_JS struct js *document = NULL;
	CLEANUP_STR struct str path = STR_NULL;
	const struct js *items;
	const struct js *found = NULL;
	size_t count = 0;
	size_t i;
	int r;

	str_add(&path, "/attachments");
	client_add_query(&path, "nqn", ctl->cli.args[0]);
	client_add_query(&path, "host", ctl->cli.args[1]);
	if (path.failed)
		return err_nomem(err);
	r = client_get(ctl->client, str_get(&path), &document, err);
	items = js_get(document, "items");
	for (i = 0; r == 0 && i < js_length(items); i++) {
		if (!is_standing(js_at(items, i)))
			continue;
		found = js_at(items, i);
		count++;
	}
	if (r < 0)
		return r;
	if (count == 0)
		return err_set(err, -ENOENT,
			       "%s is not attached to %s; see: sunfishctl attachments",
			       ctl->cli.args[0], ctl->cli.args[1]);
	if (count > 1)
		return refuse_many(ctl, items, err);
	*ret = js_ref(found);
	return 0;
}

static int find(struct ctl *ctl, struct js **ret, struct err *err)
{
	CLEANUP_STR struct str path = STR_NULL;

	if (ctl->cli.n_args == 2)
		return find_pair(ctl, ret, err);
	str_add(&path, "/attachments");
	client_add_part(&path, ctl->cli.args[0]);
	return path.failed ? err_nomem(err) : client_get(ctl->client, str_get(&path), ret, err);
}

static int detach_end(const struct ctl *ctl, const struct js *attachment, struct err *err)
{
	const char *host = view_text(attachment, "host");
	const char *subsystem = view_text(attachment, "subsystem");

	if (is_state(attachment, "detached")) {
		cli_say(&ctl->cli, "%s is detached from %s: %s\n", subsystem, host,
			or_else(view_text(attachment, "proof"), "no proof is told"));
		return 0;
	}
	if (is_state(attachment, "failed")) {
		cli_say(&ctl->cli, "%s was never attached to %s (%s): nothing of it is left\n",
			subsystem, host,
			or_else(view_text(attachment, "error"), "no reason is known"));
		return 0;
	}
	return err_set(err, -EBUSY, "%s is still %s to %s: %s", subsystem,
		       view_text(attachment, "state"), host,
		       or_else(view_text(attachment, "error"), "no reason is known"));
}

int cmd_detach(struct ctl *ctl, struct err *err)
{
	static const struct follow follow = { "/attachments", "detaching", NULL };
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *before = NULL;
	CLEANUP_JS struct js *first = NULL;
	CLEANUP_JS struct js *last = NULL;
	int r = find(ctl, &before, err);

	str_add(&path, "/attachments");
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
		js_set(ctl->cli.result, "attachment", js_ref(last ? last : first));
	if (ctl->opt.no_wait) {
		cli_say(&ctl->cli, "%s is %s; see: sunfishctl attachments\n",
			view_text(first, "id"), view_text(first, "state"));
		return 0;
	}
	return r < 0 ? r : detach_end(ctl, last, err);
}
