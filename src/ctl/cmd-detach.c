/* SPDX-License-Identifier: BSD-3-Clause */
/* detach - one attachment, or all of a job. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/follow.h"
#include "ctl/view.h"

static bool is_state(const struct js *document, const char *state)
{
	return strcmp(view_text(document, "state"), state) == 0;
}

static const char *or_else(const char *text, const char *otherwise)
{
	return *text ? text : otherwise;
}

/* Is there anything left to detach? */
static bool is_standing(const struct js *attachment)
{
	return !is_state(attachment, "detached") && !is_state(attachment, "failed");
}

/* --- which */

/* All that stand and fit. */
static int find_all(struct ctl *ctl, const char *nqn, const char *host, struct js **ret,
		    struct err *err)
{
	CLEANUP_JS struct js *document = NULL;
	CLEANUP_STR struct str path = STR_NULL;
	struct js *found;
	size_t i;
	int r;

	str_add(&path, "/attachments");
	client_add_query(&path, "nqn", nqn);
	client_add_query(&path, "host", host);
	client_add_query(&path, "target", ctl->opt.target);
	client_add_query(&path, "job", ctl->opt.job);
	r = path.failed ? err_nomem(err) : client_get(ctl->client, str_get(&path), &document, err);
	if (r < 0)
		return r;
	found = js_array();
	for (i = 0; i < js_length(js_get(document, "items")); i++) {
		const struct js *item = js_at(js_get(document, "items"), i);

		/* what an older collector does not filter by is not what was asked for */
		if (is_standing(item) &&
		    (!ctl->opt.job || strcmp(view_text(item, "job"), ctl->opt.job) == 0))
			js_append(found, js_ref(item));
	}
	*ret = found;
	return 0;
}

static int refuse_many(const struct ctl *ctl, const struct js *items, struct err *err)
{
	CLEANUP_STR struct str ids = STR_NULL;
	size_t i;

	for (i = 0; i < js_length(items); i++)
		str_addf(&ids, "%s%s (of %s)", ids.length ? ", " : "",
			 view_text(js_at(items, i), "id"), view_text(js_at(items, i), "target"));
	return err_set(err, -EEXIST,
		       "%s is attached to %s more than once, say which, by --target or by its id: "
		       "%s",
		       ctl->cli.args[0], ctl->cli.args[1], str_get(&ids));
}

static int find_pair(struct ctl *ctl, struct js **ret, struct err *err)
{
	CLEANUP_JS struct js *found = NULL;
	int r = find_all(ctl, ctl->cli.args[0], ctl->cli.args[1], &found, err);

	if (r < 0)
		return r;
	if (js_length(found) == 0)
		return err_set(err, -ENOENT,
			       "%s is not attached to %s%s%s; see: sunfishctl attachments",
			       ctl->cli.args[0], ctl->cli.args[1], ctl->opt.target ? " from " : "",
			       ctl->opt.target ? ctl->opt.target : "");
	if (js_length(found) > 1)
		return refuse_many(ctl, found, err);
	*ret = js_ref(js_at(found, 0));
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

/* --- to its end */

static int begin(struct ctl *ctl, const struct js *before, struct js **ret, struct err *err)
{
	CLEANUP_STR struct str path = STR_NULL;

	str_add(&path, "/attachments");
	client_add_part(&path, view_text(before, "id"));
	client_add_query(&path, "force", ctl->opt.force ? "1" : NULL);
	return path.failed ? err_nomem(err)
			   : client_call(ctl->client, "DELETE", str_get(&path), NULL, ret, err);
}

static int tell_end(const struct ctl *ctl, const struct js *attachment, struct err *err)
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

/* @first  the answer to begin(); *ret owned: as it is at the end, also after an error */
static int end(struct ctl *ctl, const struct js *before, const struct js *first, struct js **ret,
	       struct err *err)
{
	static const struct follow follow = { "/attachments", "detaching", NULL };
	struct js *last = NULL;
	int r;

	if (ctl->opt.no_wait) {
		cli_say(&ctl->cli, "%s is %s; see: sunfishctl attachments\n",
			view_text(first, "id"), view_text(first, "state"));
		*ret = js_ref(first);
		return 0;
	}
	r = follow_to_end(ctl, &follow, first, js_length(js_get(before, "steps")), &last, err);
	*ret = last ? last : js_ref(first);
	return r < 0 ? r : tell_end(ctl, last, err);
}

static int detach_one(struct ctl *ctl, struct err *err)
{
	CLEANUP_JS struct js *before = NULL;
	CLEANUP_JS struct js *first = NULL;
	CLEANUP_JS struct js *last = NULL;
	int r = find(ctl, &before, err);

	if (r == 0)
		r = begin(ctl, before, &first, err);
	if (r < 0)
		return r;
	r = end(ctl, before, first, &last, err);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "attachment", js_ref(last));
	return r;
}

/* --- a job */

/* One that fails keeps no other from going; each is told. */
static void note(struct ctl *ctl, const struct js *before, int r, const struct err *why,
		 int *failures)
{
	if (r == 0)
		return;
	(*failures)++;
	cli_warn(&ctl->cli, "%s (%s of %s): %s", view_text(before, "id"),
		 view_text(before, "subsystem"), view_text(before, "host"), why->text);
}

static int end_all(struct ctl *ctl, const struct js *found, struct js *firsts, struct js *lasts,
		   int *failures, struct err *err)
{
	size_t i;

	for (i = 0; i < js_length(found); i++) {
		const struct js *first = js_get(firsts, view_text(js_at(found, i), "id"));
		CLEANUP_JS struct js *last = NULL;
		struct err why = ERR_NULL;
		int r = first ? end(ctl, js_at(found, i), first, &last, &why) : 0;

		if (r == -EINTR) {
			*err = why;
			return r;
		}
		note(ctl, js_at(found, i), r, &why, failures);
		if (last)
			js_append(lasts, js_ref(last));
	}
	return 0;
}

static int detach_job(struct ctl *ctl, struct err *err)
{
	CLEANUP_JS struct js *found = NULL;
	CLEANUP_JS struct js *firsts = js_object();
	CLEANUP_JS struct js *lasts = js_array();
	int failures = 0;
	size_t i;
	int r = find_all(ctl, NULL, NULL, &found, err);

	if (r < 0)
		return r;
	if (js_length(found) == 0)
		return err_set(err, -ENOENT,
			       "nothing is attached for job %s; see: sunfishctl "
			       "attachments",
			       ctl->opt.job);
	for (i = 0; i < js_length(found); i++) {
		struct js *first = NULL;
		struct err why = ERR_NULL;

		r = begin(ctl, js_at(found, i), &first, &why);
		note(ctl, js_at(found, i), r, &why, &failures);
		if (r == 0)
			js_set(firsts, view_text(js_at(found, i), "id"), first);
	}
	r = end_all(ctl, found, firsts, lasts, &failures, err);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "attachments", js_ref(lasts));
	if (r < 0)
		return r;
	return failures ? err_set(err, -EBUSY, "%d of %zu attachments of job %s are still there",
				  failures, js_length(found), ctl->opt.job)
			: 0;
}

int cmd_detach(struct ctl *ctl, struct err *err)
{
	if (ctl->opt.job && ctl->cli.n_args)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "--job takes all of a job: name no subsystem "
						    "or host with it"));
	if (!ctl->opt.job && !ctl->cli.n_args)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "say what: SUBSYSTEM HOST, an ID, or --job"));
	if (ctl->opt.job && !*ctl->opt.job)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL, "--job is empty"));
	return ctl->opt.job ? detach_job(ctl, err) : detach_one(ctl, err);
}
