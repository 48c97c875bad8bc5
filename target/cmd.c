/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/export.h"
#include "target/resolve.h"
#include "target/spec.h"
#include "target/view.h"

/* "did you mean A, B?", "" without any that is like it. */
static void add_near(const struct model_object *root, const char *nqn, struct str *text)
{
	CLEANUP_FREE const char **names = calloc(root->n_children + 1, sizeof(*names));
	CLEANUP_STR struct str near = STR_NULL;
	const struct model_object *subsystem;
	size_t i = 0;
	size_t n = 0;

	while (names && (subsystem = model_next(root, MODEL_SUBSYSTEM, &i)))
		names[n++] = subsystem->name;
	str_add_near(&near, nqn, names, n);
	if (near.length)
		str_addf(text, "did you mean %s?", str_get(&near));
	else
		str_add(text, n ? "see: nvmet-sunfishctl list" : "this target has none at all");
}

int cmd_no_export(struct ctl *ctl, const char *nqn, struct err *err)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	CLEANUP_STR struct str text = STR_NULL;

	if (ctl_read_target(ctl, &root, err) == 0)
		add_near(root, nqn, &text);
	return err_set(err, -ENOENT, "there is no export %s: %s", nqn, str_get(&text));
}

int cmd_begin(struct ctl *ctl, struct change *change, struct model_object **ret_wanted,
	      const struct model_object **ret_actual, struct err *err)
{
	const char *nqn = ctl->cli.args[0];
	const struct model_object *actual;
	int r = change_begin(ctl, nqn, false, change, err);

	if (r < 0)
		return r;
	actual = model_find(change->actual, MODEL_SUBSYSTEM, nqn);
	if (!actual)
		return cmd_no_export(ctl, nqn, err);
	*ret_wanted = model_add(change->wanted, MODEL_SUBSYSTEM, nqn);
	*ret_actual = actual;
	return *ret_wanted ? 0 : err_nomem(err);
}

static int find_by_listener(struct ctl *ctl, const struct model_object *actual,
			    const struct model_object **ret, struct err *err)
{
	const struct cli_item *listener = &ctl->opt.listeners.items[0];
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *port = NULL;
	int r = root ? spec_add_listener(ctl, root, listener, NULL, &port, err) : err_nomem(err);

	if (r < 0)
		return r;
	*ret = resolve_find_port(actual, model_text(port, "addr_trtype"),
				 model_text(port, "addr_traddr"), model_text(port, "addr_trsvcid"));
	if (*ret)
		return 0;
	return err_set(err, -ENOENT, "this target does not listen at %s %s; see: list",
		       listener->name, listener->value);
}

int cmd_find_port(struct ctl *ctl, const struct model_object *actual,
		  const struct model_object **ret, struct err *err)
{
	if (ctl->opt.port && ctl->opt.listeners.count == 0) {
		*ret = model_find(actual, MODEL_PORT, ctl->opt.port);
		return *ret ? 0
			    : err_set(err, -ENOENT, "there is no port %s; see: list",
				      ctl->opt.port);
	}
	if (ctl->opt.listeners.count != 1 || ctl->opt.port)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "say which listener: one of --rdma, --tcp, --fc, "
					 "--loop or --port ID"));
	return find_by_listener(ctl, actual, ret, err);
}

/* Do we know where the host's key comes from? One that somebody else gave it would be lost. */
static bool is_key_ours(struct ctl *ctl, const char *nqn, const char *hostnqn)
{
	CLEANUP_MODEL struct model_object *stored = NULL;
	CLEANUP_CLOSE int fd = open(ctl->stored_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || export_load_one(fd, ctl->stored_path, nqn, &stored, NULL) < 0)
		return false;
	return model_get(model_find(stored, MODEL_HOST, hostnqn), EXPORT_KEY_FILE) != NULL;
}

int cmd_drop_host(struct ctl *ctl, struct change *change, const char *nqn, const char *hostnqn,
		  struct err *err)
{
	const struct model_object *actual = model_find(change->actual, MODEL_HOST, hostnqn);
	struct model_object *wanted;

	if (!actual || (*model_text(actual, "dhchap_key") && !is_key_ours(ctl, nqn, hostnqn)))
		return 0;
	wanted = model_add(change->wanted, MODEL_HOST, hostnqn);
	if (!wanted)
		return err_nomem(err);
	wanted->absent = true;
	return 0;
}

uint32_t cmd_free_nsid(const struct model_object *wanted, const struct model_object *actual)
{
	uint32_t nsid = 1;

	while (model_find_id(wanted, MODEL_NAMESPACE, nsid) ||
	       model_find_id(actual, MODEL_NAMESPACE, nsid))
		nsid++;
	return nsid;
}

void cmd_tell_connect(const struct ctl *ctl, const struct model_object *wanted, const char *nqn)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(wanted, MODEL_PORT, &i))) {
		const char *type = model_text(port, "addr_trtype");
		const char *address = model_text(port, "addr_traddr");
		const char *service = model_text(port, "addr_trsvcid");

		if (port->absent || !*type)
			continue;
		cli_say(&ctl->cli, "connect with: nvme connect -t %s%s%s%s%s -n %s\n", type,
			*address ? " -a " : "", address, *service ? " -s " : "", service, nqn);
	}
}
