/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/modload.h"
#include "target/cfs.h"
#include "target/export.h"
#include "target/plan.h"
#include "target/resolve.h"
#include "target/session.h"

void change_deinit(struct change *change)
{
	model_free(change->actual);
	model_free(change->wanted);
	*change = CHANGE_NULL;
}

/* -v: each write as a shell would do it. */
static void trace(void *data, const struct plan_action *act, bool is_undo)
{
	const struct ctl *ctl = data;
	struct plan_step step = { .act = *act };
	CLEANUP_STR struct str line = STR_NULL;

	plan_format_shell(&step, ctl->nvmet_path, &line);
	fprintf(stderr, "%s%s", is_undo ? "undo: " : "", str_get(&line));
}

void change_env(struct ctl *ctl, struct apply_env *ret)
{
	*ret = (struct apply_env){
		.nvmet_fd = ctl->nvmet_fd,
		.run_fd = ctl->run_fd,
		.lock_fd = ctl->lock_fd,
		.hang_seconds = ctl->settings.hang_seconds,
		.n_workers = ctl->settings.workers,
		.fault = ctl->fault,
		.trace = ctl->cli.verbose ? trace : NULL,
		.trace_data = ctl,
	};
}

/* --- begin */

static int read_actual(struct ctl *ctl, const char *nqn, struct model_object **ret, struct err *err)
{
	if (ctl->nvmet_fd < 0) {
		*ret = model_new();
		return *ret ? 0 : err_nomem(err);
	}
	return nqn ? cfs_read_subsystem(ctl->nvmet_fd, nqn, ret, err)
		   : cfs_read(ctl->nvmet_fd, ret, err);
}

int change_begin(struct ctl *ctl, const char *nqn, bool load, struct change *ret, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	int r = ctl_open_target(ctl, load && !ctl->opt.dry_run, err);

	if (r == -ENOENT && (!load || ctl->opt.dry_run))
		r = 0;
	if (r == 0 && !ctl->opt.dry_run && ctl->lock_fd < 0)
		r = ctl_lock(ctl, err);
	if (r == 0)
		r = read_actual(ctl, nqn, &change.actual, err);
	if (r < 0)
		return r;
	change.wanted = model_new();
	if (!change.wanted)
		return err_nomem(err);
	*ret = (struct change){
		.actual = TAKE_PTR(change.actual),
		.wanted = TAKE_PTR(change.wanted),
	};
	return 0;
}

int change_read_hosts(struct ctl *ctl, struct change *change, struct err *err)
{
	const struct model_object *host;
	size_t i = 0;
	int r = 0;

	while (r == 0 && ctl->nvmet_fd >= 0 && (host = model_next(change->wanted, MODEL_HOST, &i)))
		if (!model_find(change->actual, MODEL_HOST, host->name))
			r = cfs_read_host(ctl->nvmet_fd, host->name, change->actual, err);
	return r;
}

/* --- modules */

static const char *module_of(const char *transport)
{
	if (strcmp(transport, "rdma") == 0)
		return "nvmet-rdma";
	if (strcmp(transport, "tcp") == 0)
		return "nvmet-tcp";
	if (strcmp(transport, "fc") == 0)
		return "nvmet-fc";
	return strcmp(transport, "loop") == 0 ? "nvme-loop" : NULL;
}

/* Before the link, so that a module that is missing is told apart from a wrong address. */
static int load_transports(struct ctl *ctl, const struct model_object *wanted, struct str *commands,
			   struct err *err)
{
	const struct model_object *port;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (port = model_next(wanted, MODEL_PORT, &i))) {
		const char *module = module_of(model_text(port, "addr_trtype"));

		if (port->absent || !module || modload_is_present(ctl->sysfs_fd, module))
			continue;
		if (!ctl->opt.dry_run)
			r = modload_ensure(ctl->sysfs_fd, module, err);
		else if (!strstr(str_get(commands), module))
			str_addf(commands, "modprobe %s\n", module);
	}
	return r;
}

/* --- tell */

static void tell_changes(struct ctl *ctl, const struct plan *plan)
{
	struct js *list = ctl->cli.result ? js_array() : NULL;
	CLEANUP_STR struct str line = STR_NULL;
	size_t i;

	for (i = 0; i < plan->n_steps; i++) {
		str_deinit(&line);
		line = STR_NULL;
		plan_format_change(&plan->steps[i], &line);
		if (!line.length)
			continue;
		cli_say(&ctl->cli, "%s", str_get(&line));
		line.text[line.length - 1] = '\0';
		if (list)
			js_append(list, js_string(line.text));
	}
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "changed", js_bool(plan->n_steps > 0));
		js_set(ctl->cli.result, "changes", list);
	}
}

static void add_hosts(const struct session_list *sessions, const struct plan_cut *cut,
		      struct js *hosts, struct str *text)
{
	size_t i;

	for (i = 0; i < sessions->count; i++) {
		const struct session *s = &sessions->items[i];
		const char *who = *s->hostnqn ? s->hostnqn : s->host_address;

		if (s->port_id != cut->port_id || (*s->nqn && strcmp(s->nqn, cut->nqn) != 0))
			continue;
		js_append(hosts, js_string(who));
		str_addf(text, "%s%s", text->length ? ", " : "", who);
	}
}

/* Who would lose a connection. Only where somebody asks for it: it reads all connections. */
static void tell_cuts(struct ctl *ctl, const struct change *change, const struct plan *plan)
{
	CLEANUP_SESSION_LIST struct session_list sessions = SESSION_LIST_NULL;
	struct session_source source = { ctl->nvmet_fd, ctl->proc_fd, -1 };
	struct js *list = ctl->cli.result ? js_array() : NULL;
	size_t i;

	if (plan->n_cuts)
		session_list(&source, NULL, change->actual, &sessions, NULL);
	for (i = 0; i < plan->n_cuts; i++) {
		const struct plan_cut *cut = &plan->cuts[i];
		CLEANUP_STR struct str text = STR_NULL;
		struct js *item = js_object();
		struct js *hosts = js_array();

		add_hosts(&sessions, cut, hosts, &text);
		cli_say(&ctl->cli, "# cuts %s at port %u: %s\n", cut->nqn, cut->port_id,
			text.length ? str_get(&text) : "nobody is connected");
		js_set(item, "nqn", js_string(cut->nqn));
		js_set(item, "port_id", js_int(cut->port_id));
		js_set(item, "hosts", hosts);
		if (list)
			js_append(list, item);
		else
			js_free(item);
	}
	if (list)
		js_set(ctl->cli.result, "cuts", list);
}

static void show_commands(struct ctl *ctl, const struct plan *plan, struct str *commands)
{
	struct js *list = ctl->cli.result ? js_array() : NULL;
	const char *line;
	const char *end;
	size_t i;

	for (i = 0; i < plan->n_steps; i++)
		plan_format_shell(&plan->steps[i], ctl->nvmet_path, commands);
	cli_print(&ctl->cli, str_get(commands));
	if (!list)
		return;
	for (line = str_get(commands); (end = strchr(line, '\n')); line = end + 1) {
		CLEANUP_FREE char *copy = strndup(line, (size_t)(end - line));

		js_append(list, js_string(copy));
	}
	js_set(ctl->cli.result, "commands", list);
}

/* --- store */

struct store_list {
	struct apply_store *items;
	size_t count;
};

static void store_list_deinit(struct store_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free((char *)list->items[i].path);
		free((char *)list->items[i].text);
	}
	free(list->items);
}

/* What was asked for before, with what is asked for now: the key files, the odd values. */
static int asked_for(struct ctl *ctl, const struct change *change, int dir_fd, const char *nqn,
		     struct model_object **ret, struct err *err)
{
	CLEANUP_MODEL struct model_object *old = NULL;
	int r = dir_fd < 0 ? -ENOENT : export_load_one(dir_fd, ctl->stored_path, nqn, &old, NULL);

	/* a file that cannot be read any more is written anew */
	if (r < 0)
		old = model_new();
	if (!old || plan_outcome(old, change->wanted) < 0)
		return err_nomem(err);
	*ret = TAKE_PTR(old);
	return 0;
}

/* Is the port or host a part of the export, or will it be? A host that the export is to allow may
 * be another's already, and have a key. */
static bool is_part(const struct change *change, const struct model_object *object, const char *nqn)
{
	const struct model_object *actual = model_find(change->actual, MODEL_SUBSYSTEM, nqn);
	const struct model_object *wanted = model_find(change->wanted, MODEL_SUBSYSTEM, nqn);

	if (object->kind == MODEL_PORT)
		return model_has_link(object, nqn);
	return model_has_link(actual, object->name) || model_has_link(wanted, object->name);
}

static int copy_parts(struct model_object *root, const struct change *change, enum model_kind kind,
		      const char *nqn)
{
	const struct model_object *object;
	size_t i = 0;

	while ((object = model_next(change->actual, kind, &i)))
		if (is_part(change, object, nqn) && !model_copy(root, object))
			return -ENOMEM;
	return 0;
}

/* What will be there of one export; the whole tree would be too much to copy for each. */
static int outcome_of(const struct change *change, const char *nqn, struct model_object **ret,
		      struct err *err)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	const struct model_object *subsystem = model_find(change->actual, MODEL_SUBSYSTEM, nqn);

	if (!root || (subsystem && !model_copy(root, subsystem)) ||
	    copy_parts(root, change, MODEL_PORT, nqn) < 0 ||
	    copy_parts(root, change, MODEL_HOST, nqn) < 0 || plan_outcome(root, change->wanted) < 0)
		return err_nomem(err);
	*ret = TAKE_PTR(root);
	return 0;
}

/* A file that a restore cannot read would lose the export at the next boot. */
static int check_readable(const char *nqn, const char *text, struct err *err)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	struct err why = ERR_NULL;
	int r = export_parse(text, strlen(text), "its file", &root, &why);

	if (r < 0)
		err_set(err, r,
			"%s cannot be stored, because it could not be read back "
			"(--transient changes only the kernel): %s",
			nqn, why.text);
	return r;
}

static int format_store(struct ctl *ctl, const struct change *change, int dir_fd, const char *nqn,
			char **ret_text, struct err *err)
{
	CLEANUP_MODEL struct model_object *outcome = NULL;
	CLEANUP_MODEL struct model_object *asked = NULL;
	CLEANUP_MODEL struct model_object *cut = NULL;
	CLEANUP_FREE char *text = NULL;
	int r = outcome_of(change, nqn, &outcome, err);

	*ret_text = NULL;
	if (r < 0 || !model_find(outcome, MODEL_SUBSYSTEM, nqn))
		return r;
	r = asked_for(ctl, change, dir_fd, nqn, &asked, err);
	if (r == 0)
		r = export_cut(outcome, nqn, asked, &cut, err);
	if (r == 0)
		r = export_format(cut, nqn, &text, err);
	if (r == 0)
		r = check_readable(nqn, text, err);
	if (r == 0)
		*ret_text = TAKE_PTR(text);
	if (r == -ENOKEY)
		err_prefix(err,
			   "the export cannot be stored (--transient changes only the kernel): ");
	return r;
}

/* Does the file say so already? */
static bool is_stored(int dir_fd, const char *name, const char *text)
{
	CLEANUP_FREE char *now = NULL;
	size_t length;

	if (!text)
		return dir_fd < 0 || faccessat(dir_fd, name, F_OK, 0) < 0;
	return dir_fd >= 0 && fs_read_file(dir_fd, name, EXPORT_FILE_MAX, &now, &length) == 0 &&
	       strcmp(now, text) == 0;
}

static int add_store(struct ctl *ctl, const struct change *change, int dir_fd, const char *nqn,
		     struct store_list *list, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	char name[EXPORT_NAME_MAX];
	char *path = NULL;
	int r = export_path_name(nqn, name, sizeof(name));

	if (r < 0)
		return err_set(err, r, "the name %s is too long for a file", nqn);
	r = format_store(ctl, change, dir_fd, nqn, &text, err);
	if (r < 0 || is_stored(dir_fd, name, text))
		return r;
	if (asprintf(&path, "%s/%s", ctl->stored_path, name) < 0)
		return err_nomem(err);
	list->items[list->count++] = (struct apply_store){ .path = path, .text = TAKE_PTR(text) };
	return 0;
}

/* Is the export one of those that administrators write? Then it is not ours to store. */
static bool is_admins(struct ctl *ctl, const struct export_list *admins, const char *nqn)
{
	size_t i;

	for (i = 0; i < admins->count; i++) {
		if (!admins->items[i].nqn || strcmp(admins->items[i].nqn, nqn) != 0)
			continue;
		cli_warn(&ctl->cli,
			 "%s is written down in %s/%s: change it there too, or a restore "
			 "brings it back as it was",
			 nqn, ctl->admin_path, admins->items[i].file);
		return true;
	}
	return false;
}

static void load_admins(struct ctl *ctl, struct export_list *ret)
{
	CLEANUP_CLOSE int fd = open(ctl->admin_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		export_load_dir(fd, ctl->admin_path, ret, NULL);
}

static int make_stores(struct ctl *ctl, const struct change *change, const char *const *nqns,
		       size_t n_nqns, struct store_list *ret, struct err *err)
{
	CLEANUP_EXPORT_LIST struct export_list admins = EXPORT_LIST_NULL;
	CLEANUP_CLOSE int fd = -1;
	size_t i;
	int r = 0;

	if (ctl->opt.transient || n_nqns == 0)
		return 0;
	r = fs_mkdir_p(AT_FDCWD, ctl->stored_path, 0700);
	if (r < 0)
		return err_set(err, r, "%s cannot be made: %s", ctl->stored_path, strerror(-r));
	/* a read-only file system is better found before the kernel is changed */
	if (faccessat(AT_FDCWD, ctl->stored_path, W_OK, AT_EACCESS) < 0)
		return err_set(err, -errno,
			       "%s cannot be written, so the export would be gone after a reboot "
			       "(%s); if that is meant: --transient",
			       ctl->stored_path, strerror(errno));
	fd = open(ctl->stored_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	load_admins(ctl, &admins);
	ret->items = calloc(n_nqns, sizeof(*ret->items));
	if (!ret->items)
		return err_nomem(err);
	for (i = 0; r == 0 && i < n_nqns; i++)
		if (!is_admins(ctl, &admins, nqns[i]))
			r = add_store(ctl, change, fd, nqns[i], ret, err);
	return r;
}

/* --- commit */

static int apply(struct ctl *ctl, const struct change *change, const struct plan *plan,
		 const char *const *nqns, size_t n_nqns, struct err *err)
{
	struct store_list stores __attribute__((cleanup(store_list_deinit))) = { 0 };
	struct apply_env env;
	int r = make_stores(ctl, change, nqns, n_nqns, &stores, err);

	if (r < 0 || (!plan->n_steps && !stores.count))
		return r;
	change_env(ctl, &env);
	return apply_run(&env, plan, stores.items, stores.count, NULL, err);
}

int change_commit(struct ctl *ctl, struct change *change, const char *const *nqns, size_t n_nqns,
		  struct err *err)
{
	CLEANUP_PLAN struct plan plan = PLAN_NULL;
	CLEANUP_STR struct str commands = STR_NULL;
	int r = resolve_ports(change->wanted, change->actual, err);

	if (r == 0)
		r = change_read_hosts(ctl, change, err);
	if (r == 0)
		r = plan_make(change->wanted, change->actual, change->plan_flags, &plan, err);
	if (r == 0)
		r = load_transports(ctl, change->wanted, &commands, err);
	if (r < 0)
		return r;
	change->changed = plan.n_steps > 0;
	if (ctl->opt.dry_run) {
		show_commands(ctl, &plan, &commands);
		tell_cuts(ctl, change, &plan);
		return 0;
	}
	if (ctl->cli.result || ctl->cli.verbose)
		tell_cuts(ctl, change, &plan);
	r = apply(ctl, change, &plan, nqns, n_nqns, err);
	if (r == 0)
		tell_changes(ctl, &plan);
	return r;
}
