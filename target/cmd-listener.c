/* SPDX-License-Identifier: BSD-3-Clause */
/* listener add, remove: where hosts connect to an export. */
#include <errno.h>

#include "target/cmd.h"
#include "target/listen.h"
#include "target/resolve.h"
#include "target/spec.h"

typedef int (*want_fn)(struct ctl *ctl, struct change *change, const struct cli_item *listener,
		       struct err *err);

/* Begin the change of an export and want something of each listener that is named. */
static int begin(struct ctl *ctl, struct change *change, want_fn want, struct err *err)
{
	const struct model_object *actual;
	struct model_object *wanted;
	size_t i;
	int r;

	if (!ctl->opt.listeners.count)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "say which listener: --rdma ADDR or --tcp ADDR[:PORT]"));
	r = cmd_begin(ctl, change, &wanted, &actual, err);
	for (i = 0; r == 0 && i < ctl->opt.listeners.count; i++)
		r = want(ctl, change, &ctl->opt.listeners.items[i], err);
	return r;
}

static int add_one(struct ctl *ctl, struct change *change, const struct cli_item *listener,
		   struct err *err)
{
	return spec_add_listener(ctl, change->wanted, listener, ctl->cli.args[0], NULL, err);
}

int cmd_listener_add(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const char *nqn = ctl->cli.args[0];
	int r = begin(ctl, &change, add_one, err);

	if (r == 0)
		r = listen_check(ctl, change.wanted, change.actual, err);
	if (r == 0)
		r = change_commit(ctl, &change, &nqn, 1, err);
	if (r == 0 && !ctl->opt.dry_run)
		cmd_tell_connect(ctl, change.wanted, nqn);
	return r;
}

/* Turn the wanted address into "this port no longer serves it". */
static int remove_one(struct ctl *ctl, struct change *change, const struct cli_item *listener,
		      struct err *err)
{
	const char *nqn = ctl->cli.args[0];
	struct model_object *port;
	const struct model_object *now;
	int r = spec_add_listener(ctl, change->wanted, listener, NULL, &port, err);

	if (r < 0)
		return r;
	now = resolve_find_port(change->actual, model_text(port, "addr_trtype"),
				model_text(port, "addr_traddr"), model_text(port, "addr_trsvcid"));
	model_free(port);
	if (!now || !model_has_link(now, nqn))
		return err_set(err, -ENOENT, "%s is not served at %s %s; see: show %s", nqn,
			       listener->name, listener->value, nqn);
	port = model_add(change->wanted, MODEL_PORT, now->name);
	if (!port || model_link(port, nqn, true) < 0)
		return err_nomem(err);
	/* of others' links the tree has one, if there is any */
	port->absent = now->n_links == 1;
	return 0;
}

static bool is_served(const struct change *change, const char *nqn)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(change->actual, MODEL_PORT, &i)))
		if (model_has_link(port, nqn) &&
		    !model_find(change->wanted, MODEL_PORT, port->name))
			return true;
	return false;
}

int cmd_listener_remove(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const char *nqn = ctl->cli.args[0];
	int r = begin(ctl, &change, remove_one, err);

	if (r == 0)
		r = change_commit(ctl, &change, &nqn, 1, err);
	if (r == 0 && !is_served(&change, nqn))
		cli_warn(&ctl->cli, "%s has no listener left: no host can reach it", nqn);
	return r;
}
