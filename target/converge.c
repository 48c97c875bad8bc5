/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/converge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/change.h"
#include "target/drive.h"
#include "target/listen.h"
#include "target/plan.h"
#include "target/resolve.h"

struct converge {
	struct ctl *ctl;
	struct change change; /* the whole target; wanted is one export at a time */
	struct drive_context drives;
	bool has_drives;
	unsigned int flags;
	struct js *items; /* of --json; NULL without */
	struct js *failures;
	size_t n_changed;
	size_t n_failed;
};

static void converge_deinit(struct converge *c)
{
	change_deinit(&c->change);
	drive_context_deinit(&c->drives);
}

/* Already as wanted? Decided before any drive or address is looked at. */
static int is_right(struct converge *c, const char *nqn, bool *ret, struct err *err)
{
	CLEANUP_PLAN struct plan plan = PLAN_NULL;
	struct model_object *wanted = c->change.wanted;
	const struct model_object *actual = model_find(c->change.actual, MODEL_SUBSYSTEM, nqn);
	struct model_object *ns;
	size_t i = 0;
	int r = resolve_ports(wanted, c->change.actual, err);

	while (r == 0 &&
	       (ns = model_next(model_find(wanted, MODEL_SUBSYSTEM, nqn), MODEL_NAMESPACE, &i))) {
		const char *now =
			model_get(model_find(actual, MODEL_NAMESPACE, ns->name), "device_path");

		if (now && drive_is_same(model_text(ns, "device_path"), now) &&
		    model_set(ns, "device_path", now) < 0)
			return err_nomem(err);
	}
	if (r == 0 && plan_make_exact(wanted, c->change.actual) < 0)
		return err_nomem(err);
	if (r == 0)
		r = plan_make(wanted, c->change.actual, c->change.plan_flags, &plan, err);
	if (r == 0)
		*ret = plan.n_steps == 0;
	return r;
}

static int prepare_drives(struct converge *c, const char *nqn, struct err *err)
{
	struct ctl *ctl = c->ctl;
	CLEANUP_STR struct str notes = STR_NULL;
	unsigned int flags = c->flags & CONVERGE_RESTORE ? CLAIM_RESTORE : 0;
	int r = c->has_drives ? 0 : drive_context_init(ctl, c->change.actual, &c->drives, err);

	if (r < 0)
		return r;
	c->has_drives = true;
	if (ctl->opt.force)
		flags |= CLAIM_FORCE;
	r = drive_prepare(&c->drives, model_find(c->change.wanted, MODEL_SUBSYSTEM, nqn),
			  model_find(c->change.actual, MODEL_SUBSYSTEM, nqn), flags, &notes, err);
	if (r == 0 && notes.length && !(flags & CLAIM_RESTORE))
		cli_warn(&ctl->cli, "%.*s", (int)notes.length - 1, notes.text);
	return r;
}

/* Later exports of this run must know what this one took. */
static int claim_drives(struct converge *c, const char *nqn, struct err *err)
{
	return drive_context_add(&c->drives, model_find(c->change.wanted, MODEL_SUBSYSTEM, nqn),
				 err);
}

static int make_right(struct converge *c, const char *nqn, struct err *err)
{
	size_t n_stored = c->flags & CONVERGE_STORE ? 1 : 0;
	int r = listen_check(c->ctl, c->change.wanted, c->change.actual, err);

	if (r == 0)
		r = prepare_drives(c, nqn, err);
	if (r == 0)
		r = change_commit(c->ctl, &c->change, &nqn, n_stored, err);
	if (r == 0)
		r = claim_drives(c, nqn, err);
	if (r == 0 && plan_outcome(c->change.actual, c->change.wanted) < 0)
		r = err_nomem(err);
	return r;
}

static int show_difference(struct converge *c, struct err *err)
{
	CLEANUP_PLAN struct plan plan = PLAN_NULL;
	CLEANUP_STR struct str text = STR_NULL;
	size_t i;
	int r = plan_make(c->change.wanted, c->change.actual, PLAN_MAY_REWRITE_PORT, &plan, err);

	for (i = 0; i < plan.n_steps; i++)
		plan_format_change(&plan.steps[i], &text);
	cli_print(&c->ctl->cli, str_get(&text));
	if (r == 0 && c->ctl->cli.result)
		js_set(c->ctl->cli.result, "differences", js_string(str_get(&text)));
	/* what two exports share is told once */
	if (r == 0 && plan_outcome(c->change.actual, c->change.wanted) < 0)
		r = err_nomem(err);
	return r;
}

/* What was stored comes back at its address, also where its port's number is another's now. */
static int loosen(struct converge *c, int *ret, struct err *err)
{
	if (!(c->flags & CONVERGE_RESTORE))
		return 0;
	*ret = resolve_loosen(c->change.wanted, c->change.actual);
	return *ret < 0 ? err_nomem(err) : 0;
}

static int do_export(struct converge *c, const char *nqn, struct err *err)
{
	bool right = false;
	int n_loose = 0;
	int r = export_load_keys(AT_FDCWD, c->change.wanted, err);

	if (r == 0)
		r = loosen(c, &n_loose, err);
	if (r == 0)
		r = is_right(c, nqn, &right, err);
	if (r < 0)
		return r;
	if (!right && n_loose)
		cli_warn(&c->ctl->cli,
			 "%s: a listener's port number is that of another address now, so it gets "
			 "another",
			 nqn);
	if (!right)
		c->n_changed++;
	if (c->flags & CONVERGE_SHOW)
		return right ? 0 : show_difference(c, err);
	if (right && !(c->flags & CONVERGE_STORE))
		return 0;
	return right ? change_commit(c->ctl, &c->change, &nqn, 1, err) : make_right(c, nqn, err);
}

/* With --json what the verb tells of this export goes into an object of its own. */
static int do_item(struct converge *c, struct export_item *item, struct err *err)
{
	struct ctl *ctl = c->ctl;
	struct js *whole = ctl->cli.result;
	size_t n_changed = c->n_changed;
	int r;

	if (!item->wanted)
		return err_set(err, item->code, "%s", item->error);
	model_free(c->change.wanted);
	c->change.wanted = TAKE_PTR(item->wanted);
	ctl->cli.result = whole ? js_object() : NULL;
	r = do_export(c, item->nqn, err);
	if (!whole)
		return r;
	js_set(ctl->cli.result, "nqn", js_string(item->nqn));
	js_set(ctl->cli.result, "changed", js_bool(c->n_changed > n_changed));
	js_append(c->items, ctl->cli.result);
	ctl->cli.result = whole;
	return r;
}

static void tell_failure(struct converge *c, const struct export_item *item, const struct err *err)
{
	const char *name = item->nqn ? item->nqn : item->file;
	struct js *js = js_object();

	c->n_failed++;
	cli_warn(&c->ctl->cli, "%s: %s", name, err->text);
	js_set(js, "name", js_string(name));
	js_set(js, "error", js_string(err->text));
	if (c->failures)
		js_append(c->failures, js);
	else
		js_free(js);
}

static int finish(struct converge *c, size_t count, struct err *err)
{
	struct ctl *ctl = c->ctl;

	if (ctl->cli.result) {
		js_set(ctl->cli.result, "exports", c->items);
		js_set(ctl->cli.result, "failed", c->failures);
	}
	if (c->n_failed) {
		ctl->cli.status = c->n_failed < count ? CLI_PARTLY : CLI_FAILED;
		return err_set(err, -EIO, "%zu of %zu exports failed", c->n_failed, count);
	}
	if (c->flags & CONVERGE_SHOW)
		return c->n_changed > 0;
	cli_say(&ctl->cli, "%zu export%s, %zu changed\n", count, count == 1 ? "" : "s",
		c->n_changed);
	return 0;
}

int converge(struct ctl *ctl, struct export_list *list, unsigned int flags, struct err *err)
{
	struct converge c __attribute__((cleanup(converge_deinit))) = {
		.ctl = ctl,
		.flags = flags,
	};
	bool load = list->count > 0 && !(flags & CONVERGE_SHOW);
	size_t i;
	int r = change_begin(ctl, NULL, load, &c.change, err);

	if (r < 0)
		return r;
	if (flags & (CONVERGE_REWRITE_PORT | CONVERGE_SHOW))
		c.change.plan_flags = PLAN_MAY_REWRITE_PORT;
	c.items = ctl->cli.result ? js_array() : NULL;
	c.failures = ctl->cli.result ? js_array() : NULL;
	for (i = 0; i < list->count; i++) {
		struct err why = ERR_NULL;

		if (do_item(&c, &list->items[i], &why) < 0)
			tell_failure(&c, &list->items[i], &why);
	}
	return finish(&c, list->count, err);
}
