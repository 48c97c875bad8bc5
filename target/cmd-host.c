/* SPDX-License-Identifier: BSD-3-Clause */
/* host add, remove: who may connect to an export. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/nqn.h"
#include "target/cmd.h"
#include "target/export.h"
#include "target/session.h"
#include "target/spec.h"

#define DEBUGFS_PATH "/sys/kernel/debug"

static int allow_any(struct change *change, struct model_object *wanted,
		     const struct model_object *actual, struct ctl *ctl, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < actual->n_links; i++) {
		if (model_link(wanted, actual->links[i].name, true) < 0)
			return err_nomem(err);
		r = cmd_drop_host(ctl, change, actual->name, actual->links[i].name, err);
	}
	return r < 0 || model_set(wanted, "attr_allow_any_host", "1") == 0 ? r : err_nomem(err);
}

static int allow_some(struct ctl *ctl, struct change *change, struct model_object *wanted,
		      const struct model_object *actual, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 1; r == 0 && i < ctl->cli.n_args; i++)
		r = spec_add_host(change->wanted, wanted, ctl->cli.args[i], err);
	for (i = 0; r == 0 && i < ctl->opt.hosts.count; i++)
		r = spec_add_host(change->wanted, wanted, ctl->opt.hosts.items[i].value, err);
	if (r < 0)
		return cli_usage(&ctl->cli, r);
	r = export_load_keys(AT_FDCWD, change->wanted, err);
	if (r < 0 || !model_is_on(actual, "attr_allow_any_host"))
		return r;
	if (model_set(wanted, "attr_allow_any_host", "0") < 0)
		return err_nomem(err);
	cli_warn(&ctl->cli,
		 "until now any host could connect to %s: from now on only those that are added; "
		 "who is connected stays so",
		 actual->name);
	return 0;
}

int cmd_host_add(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *actual;
	struct model_object *wanted;
	bool some = ctl->cli.n_args > 1 || ctl->opt.hosts.count;
	int r;

	if (some == ctl->opt.any_host)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "say who may connect: either HOSTNQN... (cat "
						    "/etc/nvme/hostnqn on the host tells it) or "
						    "--any-host"));
	r = cmd_begin(ctl, &change, &wanted, &actual, err);
	if (r == 0)
		r = some ? allow_some(ctl, &change, wanted, actual, err)
			 : allow_any(&change, wanted, actual, ctl, err);
	return r < 0 ? r : change_commit(ctl, &change, (const char *const *)ctl->cli.args, 1, err);
}

/* --- remove */

static int not_allowed(const struct model_object *actual, const char *hostnqn, struct err *err)
{
	CLEANUP_STR struct str names = STR_NULL;
	size_t i;

	if (model_is_on(actual, "attr_allow_any_host"))
		return err_set(err, -EINVAL,
			       "any host may connect to %s, so none can be taken off its list; to "
			       "allow only some: nvmet-sunfishctl host add %s HOSTNQN",
			       actual->name, actual->name);
	for (i = 0; i < actual->n_links && i < 4; i++)
		str_addf(&names, "%s %s", i ? "," : ":", actual->links[i].name);
	return err_set(err, -ENOENT, "%s is not among the hosts of %s%s%s", hostnqn, actual->name,
		       str_get(&names), actual->n_links > 4 ? " .." : "");
}

/* Show that the host is gone, or say what is left. */
static int cut_host(struct ctl *ctl, const struct model_object *actual, const char *nqn,
		    const char *hostnqn, struct js *list, struct err *err)
{
	CLEANUP_CLOSE int debugfs_fd = open(DEBUGFS_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct session_source source = { ctl->nvmet_fd, ctl->proc_fd, debugfs_fd };
	struct session_report report = { 0 };
	int r = session_cut(&source, actual, nqn, hostnqn, 1000 * ctl->settings.hang_seconds,
			    &report, err);
	struct js *item = js_object();

	js_set(item, "hostnqn", js_string(hostnqn));
	js_set(item, "before", js_int(report.n_before));
	js_set(item, "cut", js_int(report.n_cut));
	js_set(item, "left", js_int(report.n_left));
	js_set(item, "exact", js_bool(report.by_debugfs));
	if (list)
		js_append(list, item);
	else
		js_free(item);
	/* what is left may belong to the listener's other subsystems: no proof, but no failure */
	if (r == -ETIMEDOUT && report.is_unsure) {
		cli_warn(&ctl->cli, "%s", err ? err->text : "");
		return 0;
	}
	if (r < 0) {
		err_prefix(err, "%s may no longer connect to %s, but: ", hostnqn, nqn);
		return r;
	}
	if (report.n_before == 0)
		cli_say(&ctl->cli, "no connection of %s was there to cut\n", hostnqn);
	else
		cli_say(&ctl->cli, "cut %u %s, 0 left%s\n", report.n_cut,
			report.by_debugfs ? "controllers" : "connections",
			report.by_debugfs
				? ""
				: "; hosts that are still allowed come back by themselves");
	return 0;
}

static int cut_all(struct ctl *ctl, struct change *change, struct err *err)
{
	struct js *list = ctl->cli.result ? js_array() : NULL;
	size_t i;
	int r = 0;

	for (i = 1; r == 0 && i < ctl->cli.n_args; i++)
		r = cut_host(ctl, change->actual, ctl->cli.args[0], ctl->cli.args[i], list, err);
	if (list)
		js_set(ctl->cli.result, "sessions", list);
	return r;
}

static int mark_removed(struct ctl *ctl, struct change *change, struct model_object *wanted,
			const struct model_object *actual, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 1; r == 0 && i < ctl->cli.n_args; i++) {
		if (!model_has_link(actual, ctl->cli.args[i]))
			return not_allowed(actual, ctl->cli.args[i], err);
		if (model_link(wanted, ctl->cli.args[i], true) < 0)
			return err_nomem(err);
		r = cmd_drop_host(ctl, change, actual->name, ctl->cli.args[i], err);
	}
	return r;
}

int cmd_host_remove(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *actual;
	struct model_object *wanted;
	int r = cmd_begin(ctl, &change, &wanted, &actual, err);

	if (r == 0)
		r = mark_removed(ctl, &change, wanted, actual, err);
	if (r == 0)
		r = change_commit(ctl, &change, (const char *const *)ctl->cli.args, 1, err);
	if (r < 0 || ctl->opt.dry_run)
		return r;
	if (actual->n_links == wanted->n_links)
		cli_warn(&ctl->cli, "no host may connect to %s any more", actual->name);
	if (ctl->opt.keep_connected)
		return 0;
	return cut_all(ctl, &change, err);
}
