/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/follow.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/view.h"

#define POLL_FIRST_MS 50
#define POLL_MOST_MS 500
#define SILENCE_MOST 60 /* polls without an answer, about half a minute */

static void tell_step(const struct ctl *ctl, const struct js *step)
{
	char time[VIEW_TIME_MAX];
	CLEANUP_STR struct str line = STR_NULL;
	CLEANUP_STR struct str state = STR_NULL;

	view_time(js_number(js_get(step, "time"), 0), time);
	str_add_clean(&state, view_text(step, "state"));
	/* the day is today's */
	str_addf(&line, "%s  %-10s ", strlen(time) > 11 ? time + 11 : time, view_text(step, "hop"));
	table_tint(&line, ctl->style.colours, view_state_tint(str_get(&state)), str_get(&state));
	str_addf(&line, "%*s ", (int)(state.length < 8 ? 8 - state.length : 0), "");
	str_add_clean(&line, view_text(step, "text"));
	str_add(&line, "\n");
	if (!ctl->cli.quiet)
		cli_print(&ctl->cli, str_get(&line));
}

static size_t tell_steps(const struct ctl *ctl, const struct js *document, size_t told)
{
	const struct js *steps = js_get(document, "steps");

	for (; told < js_length(steps); told++)
		tell_step(ctl, js_at(steps, told));
	return told;
}

/* Why it does not go on, each time that is something else. */
static void tell_error(const struct ctl *ctl, const struct follow *follow,
		       const struct js *document, struct str *told)
{
	const char *error = view_text(document, "error");
	CLEANUP_STR struct str clean = STR_NULL;

	if (strcmp(error, str_get(told)) == 0)
		return;
	str_deinit(told);
	*told = STR_NULL;
	str_add(told, error);
	str_add_clean(&clean, error);
	/* what it came to is told at the end */
	if (*error && strcmp(view_text(document, "state"), follow->doing) == 0)
		cli_say(&ctl->cli, "it waits: %s\n", str_get(&clean));
}

static int interrupted(const struct follow *follow, const char *id, struct err *err)
{
	if (!follow->undo)
		return err_set(err, -EINTR,
			       "not waited for: %s is still %s, and goes on; see: "
			       "sunfishctl %s",
			       id, follow->doing,
			       strcmp(follow->path, "/exports") == 0 ? "export list"
								     : "attachments");
	return err_set(err, -EINTR,
		       "not waited for: %s is still %s, and goes on; undo it by: sunfishctl %s %s",
		       id, follow->doing, follow->undo, id);
}

/* Is the collector only being restarted? It goes on with what it was asked. */
static bool may_come_back(int r)
{
	return r != -EINTR && r != -EPERM && r != -ENOENT && r != -EINVAL && r != -ENOMEM &&
	       r != -EPROTO;
}

static int poll_once(struct ctl *ctl, const char *path, struct js **document, unsigned int *silence,
		     struct err *err)
{
	struct js *next = NULL;
	int r = client_get(ctl->client, path, &next, err);

	if (r == 0) {
		if (*silence)
			cli_say(&ctl->cli, "the collector answers again\n");
		*silence = 0;
		js_free(*document);
		*document = next;
		return 0;
	}
	if (!may_come_back(r) || ++*silence > SILENCE_MOST)
		return r;
	if (*silence == 1)
		cli_warn(&ctl->cli, "%s; trying again", err->text);
	return 0;
}

int follow_to_end(struct ctl *ctl, const struct follow *follow, const struct js *document,
		  size_t steps, struct js **ret, struct err *err)
{
	CLEANUP_FREE char *id = view_list(js_get(document, "id"));
	CLEANUP_JS struct js *now = js_ref(document);
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_STR struct str told = STR_NULL;
	unsigned int silence = 0;
	int64_t wait_ms = POLL_FIRST_MS;
	int r = client_catch_signals(ctl->client, err);

	str_add(&path, follow->path);
	client_add_part(&path, id ? id : "");
	if (path.failed)
		return err_nomem(err);
	while (r == 0) {
		steps = tell_steps(ctl, now, steps);
		tell_error(ctl, follow, now, &told);
		if (strcmp(view_text(now, "state"), follow->doing) != 0)
			break;
		r = client_sleep(ctl->client, wait_ms);
		wait_ms = wait_ms * 2 < POLL_MOST_MS ? wait_ms * 2 : POLL_MOST_MS;
		if (r == 0)
			r = poll_once(ctl, str_get(&path), &now, &silence, err);
	}
	if (r == -EINTR)
		return interrupted(follow, id, err);
	if (r == 0)
		*ret = TAKE_PTR(now);
	return r;
}
