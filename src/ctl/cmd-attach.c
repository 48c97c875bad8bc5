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
	if (ctl->opt.target)
		js_set(body, "target", js_string(ctl->opt.target));
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
