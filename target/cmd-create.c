/* SPDX-License-Identifier: BSD-3-Clause */
/* create - one command for a whole export, all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "nvmf/nqn.h"
#include "target/attr.h"
#include "target/cmd.h"
#include "target/drive.h"
#include "target/export.h"
#include "target/listen.h"
#include "target/plan.h"
#include "target/resolve.h"
#include "target/spec.h"

static int check_options(struct ctl *ctl, struct err *err)
{
	const struct ctl_options *opt = &ctl->opt;
	const char *nqn = ctl->cli.args[0];
	int r = nqn_check(nqn, err);

	if (r == 0 && !opt->devs.count && !opt->passthru)
		r = err_set(err, -EINVAL, "say what to export: --dev /dev/nvme1n1");
	if (r == 0 && opt->devs.count && opt->passthru)
		r = err_set(err, -EINVAL,
			    "--passthru exports a whole controller: --dev cannot be with it");
	if (r == 0 && !opt->listeners.count)
		r = err_set(err, -EINVAL,
			    "say where hosts connect: --rdma ADDR or --tcp ADDR, an address of "
			    "this host");
	if (r == 0 && opt->no_host && (opt->any_host || opt->hosts.count))
		r = err_set(err, -EINVAL,
			    "--no-host and --host or --any-host contradict each other");
	if (r == 0 && opt->any_host && opt->hosts.count)
		r = err_set(err, -EINVAL,
			    "--any-host and --host contradict each other: with any host, lists and "
			    "keys have no effect");
	return r < 0 ? cli_usage(&ctl->cli, r) : 0;
}

static int set_access(struct ctl *ctl, struct model_object *subsystem, struct err *err)
{
	bool any = ctl->opt.any_host ||
		   (!ctl->opt.hosts.count && !ctl->opt.no_host && ctl->settings.default_any);

	return model_set(subsystem, "attr_allow_any_host", any ? "1" : "0") < 0 ? err_nomem(err)
										: 0;
}

static int set_attrs(struct ctl *ctl, struct model_object *subsystem, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ctl->opt.attrs.count; i++) {
		const char *name = ctl->opt.attrs.items[i].name;
		const char *value = ctl->opt.attrs.items[i].value;

		r = attr_check(MODEL_SUBSYSTEM, name, value, err);
		if (r < 0)
			return cli_usage(&ctl->cli, r);
		if (model_set(subsystem, name, value) < 0)
			r = err_nomem(err);
	}
	return r;
}

static int set_passthru(struct ctl *ctl, struct model_object *subsystem, struct err *err)
{
	struct model_object *passthru;

	if (!ctl->opt.passthru)
		return 0;
	passthru = model_add(subsystem, MODEL_PASSTHRU, "passthru");
	if (!passthru || model_set(passthru, "device_path", ctl->opt.passthru) < 0 ||
	    model_set(passthru, "enable", "1") < 0)
		return err_nomem(err);
	return 0;
}

static int add_specs(struct ctl *ctl, struct model_object *root, struct model_object *subsystem,
		     struct err *err)
{
	const struct ctl_options *opt = &ctl->opt;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < opt->devs.count; i++)
		r = spec_add_namespace(subsystem, opt->devs.items[i].value,
				       cmd_free_nsid(subsystem, NULL), err);
	for (i = 0; r == 0 && i < opt->hosts.count; i++)
		r = spec_add_host(root, subsystem, opt->hosts.items[i].value, err);
	if (r < 0)
		return cli_usage(&ctl->cli, r);
	for (i = 0; r == 0 && i < opt->listeners.count; i++)
		r = spec_add_listener(ctl, root, &opt->listeners.items[i], ctl->cli.args[0], NULL,
				      err);
	return r == -EINVAL ? cli_usage(&ctl->cli, r) : r;
}

static int build(struct ctl *ctl, struct model_object *root, struct err *err)
{
	struct model_object *subsystem = model_add(root, MODEL_SUBSYSTEM, ctl->cli.args[0]);
	int r = subsystem ? set_access(ctl, subsystem, err) : err_nomem(err);

	if (r == 0)
		r = set_attrs(ctl, subsystem, err);
	if (r == 0)
		r = set_passthru(ctl, subsystem, err);
	if (r == 0)
		r = add_specs(ctl, root, subsystem, err);
	if (r == 0)
		r = export_load_keys(AT_FDCWD, root, err);
	return r;
}

static void tell_access(struct ctl *ctl)
{
	const char *nqn = ctl->cli.args[0];

	if (ctl->opt.hosts.count || ctl->opt.any_host || ctl->opt.no_host)
		return;
	if (ctl->settings.default_any)
		cli_warn(&ctl->cli,
			 "any host may connect to %s; to restrict it: nvmet-sunfishctl host add %s "
			 "HOSTNQN",
			 nqn, nqn);
	else
		cli_warn(&ctl->cli,
			 "no host may connect to %s yet (default_access is \"none\"); to allow "
			 "one: nvmet-sunfishctl host add %s HOSTNQN",
			 nqn, nqn);
}

/* --- it is there already */

static int same_paths(struct model_object *wanted, const struct model_object *actual)
{
	struct model_object *ns;
	size_t i = 0;

	while ((ns = model_next(wanted, MODEL_NAMESPACE, &i))) {
		const char *now =
			model_text(model_find(actual, MODEL_NAMESPACE, ns->name), "device_path");

		if (drive_is_same(model_text(ns, "device_path"), now) &&
		    model_set(ns, "device_path", now) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int refuse_difference(const char *nqn, const struct plan *plan, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	size_t i;

	for (i = 0; i < plan->n_steps && text.length < 400; i++) {
		CLEANUP_STR struct str line = STR_NULL;

		plan_format_change(&plan->steps[i], &line);
		if (line.length)
			str_addf(&text, "%.*s; ", (int)line.length - 1, line.text);
	}
	return err_set(err, -EEXIST,
		       "%s is exported already, but not like that: %sto change it see "
		       "\"namespace\", \"listener\" and \"host\", or delete it first",
		       nqn, str_get(&text));
}

/* The same once more changes nothing; anything else is told, not done. */
static int compare(struct ctl *ctl, struct change *change, const struct model_object *actual,
		   struct err *err)
{
	const char *nqn = ctl->cli.args[0];
	CLEANUP_PLAN struct plan plan = PLAN_NULL;
	int r = same_paths(model_find(change->wanted, MODEL_SUBSYSTEM, nqn), actual);

	if (r == 0)
		r = resolve_ports(change->wanted, change->actual, err);
	if (r == 0)
		r = plan_make_exact(change->wanted, change->actual);
	if (r == 0)
		r = change_read_hosts(ctl, change, err);
	if (r == 0)
		r = plan_make(change->wanted, change->actual, PLAN_MAY_REWRITE_PORT, &plan, err);
	if (r < 0)
		return r;
	if (plan.n_steps)
		return refuse_difference(nqn, &plan, err);
	r = change_commit(ctl, change, &nqn, 1, err);
	if (r == 0)
		cli_say(&ctl->cli, "%s is exported already: nothing to do\n", nqn);
	return r;
}

/* --- */

static int create(struct ctl *ctl, struct change *change, struct err *err)
{
	const char *nqn = ctl->cli.args[0];
	CLEANUP_DRIVE_CONTEXT struct drive_context drives = DRIVE_CONTEXT_NULL;
	CLEANUP_STR struct str notes = STR_NULL;
	int r = listen_check(ctl, change->wanted, change->actual, err);

	if (r == 0)
		r = drive_context_init(ctl, NULL, &drives, err);
	if (r == 0)
		r = drive_prepare(&drives, model_find(change->wanted, MODEL_SUBSYSTEM, nqn), NULL,
				  ctl->opt.force ? CLAIM_FORCE : 0, &notes, err);
	if (r == 0)
		r = change_commit(ctl, change, &nqn, 1, err);
	if (r < 0 || ctl->opt.dry_run)
		return r;
	if (notes.length)
		cli_warn(&ctl->cli, "%.*s", (int)notes.length - 1, notes.text);
	tell_access(ctl);
	cmd_tell_connect(ctl, change->wanted, nqn);
	return 0;
}

int cmd_create(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	CLEANUP_MODEL struct model_object *wanted = model_new();
	const struct model_object *actual;
	int r = wanted ? check_options(ctl, err) : err_nomem(err);

	if (r == 0)
		r = build(ctl, wanted, err);
	if (r == 0)
		r = change_begin(ctl, ctl->cli.args[0], true, &change, err);
	if (r < 0)
		return r;
	model_free(change.wanted);
	change.wanted = wanted;
	wanted = NULL;
	actual = model_find(change.actual, MODEL_SUBSYSTEM, ctl->cli.args[0]);
	return actual ? compare(ctl, &change, actual, err) : create(ctl, &change, err);
}
