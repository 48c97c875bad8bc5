/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wait.h"
#include "initiator/client.h"
#include "initiator/ctl.h"
#include "initiator/direct.h"
#include "initiator/look.h"
#include "initiator/paths.h"
#include "initiator/view.h"
#include "initiator/wanted-file.h"
#include "initiator/wish.h"

#define ANSWER_MS 60000 /* of the daemon: its child waits for the kernel */

struct disconnect {
	struct ctl *ctl;
	struct look look;
	bool *going;		   /* beside the controllers of the inventory */
	bool *forget;		   /* beside what is wanted */
	struct tid only[CTL_MANY]; /* of --rdma and --tcp: transport, address and port */
	size_t n_only;
	struct js *disconnected; /* of --json, or NULL */
	struct js *forgotten;
	size_t n_failed;
	size_t n_done;
};

/* --- what is meant */

static bool is_chosen(const struct disconnect *disconnect, const struct tid *tid)
{
	size_t i;

	for (i = 0; i < disconnect->n_only; i++)
		if (strcmp(disconnect->only[i].transport, tid->transport) == 0 &&
		    strcmp(disconnect->only[i].traddr, tid->traddr) == 0 &&
		    strcmp(disconnect->only[i].trsvcid, tid->trsvcid) == 0)
			return true;
	return disconnect->n_only == 0;
}

/* The paths of a device are those of its subsystem. */
static bool means(const struct look_target *target, const struct inventory_controller *controller)
{
	if (target->meant == LOOK_CONTROLLER)
		return strcmp(target->name, controller->name) == 0;
	return strcmp(target->nqn, controller->tid.nqn) == 0;
}

/* Returns: how many. */
static size_t choose(struct disconnect *disconnect, const struct look_target *target)
{
	const struct look *look = &disconnect->look;
	size_t n = 0;
	size_t i;

	for (i = 0; i < look->inventory->n_controllers; i++) {
		const struct inventory_controller *controller = &look->inventory->controllers[i];

		if (!means(target, controller) || !is_chosen(disconnect, &controller->tid))
			continue;
		disconnect->going[i] = true;
		n++;
	}
	for (i = 0; target->meant != LOOK_CONTROLLER && i < look->n_wanted; i++) {
		const struct look_wanted *wanted = &look->wanted[i];

		if (strcmp(wanted->tid.nqn, target->nqn) != 0 ||
		    !is_chosen(disconnect, &wanted->tid))
			continue;
		disconnect->forget[i] = true;
		n++;
	}
	return n;
}

static bool is_ours(const struct look *look, size_t i)
{
	return strcmp(look->controllers[i].owner, OWNER_SUNFISH) == 0;
}

static void choose_all(struct disconnect *disconnect)
{
	const struct look *look = &disconnect->look;
	size_t i;

	for (i = 0; i < look->inventory->n_controllers; i++)
		disconnect->going[i] = is_ours(look, i) &&
				       is_chosen(disconnect, &look->inventory->controllers[i].tid);
	for (i = 0; i < look->n_wanted; i++)
		disconnect->forget[i] = strcmp(look->wanted[i].source, "command") == 0 &&
					is_chosen(disconnect, &look->wanted[i].tid);
}

/* The wish behind a controller that goes, goes as well. */
static void choose_wishes(struct disconnect *disconnect)
{
	const struct look *look = &disconnect->look;
	const struct look_wanted *wanted;
	size_t i;

	for (i = 0; i < look->inventory->n_controllers; i++) {
		wanted = disconnect->going[i]
				 ? look_find_wanted(look, &look->inventory->controllers[i])
				 : NULL;
		if (wanted)
			disconnect->forget[wanted - look->wanted] = true;
	}
}

static int choose_named(struct disconnect *disconnect, const char *word, struct err *err)
{
	struct look_target target;

	if (look_find(&disconnect->look, word, &target) == LOOK_NOTHING)
		return look_unknown(&disconnect->look, word, err);
	if (choose(disconnect, &target) == 0)
		return err_set(err, -ENOENT,
			       "%s has no path at that address; see: nvme-sunfishctl paths", word);
	return 0;
}

static int choose_words(struct disconnect *disconnect, struct err *err)
{
	struct ctl *ctl = disconnect->ctl;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ctl->opt.addresses.count; i++) {
		r = wish_address(ctl, &ctl->opt.addresses.items[i], TID_DEFAULT_PORT,
				 &disconnect->only[disconnect->n_only], err);
		disconnect->n_only += r == 0;
	}
	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = choose_named(disconnect, ctl->cli.args[i], err);
	if (r < 0)
		return r;
	if (ctl->opt.all)
		choose_all(disconnect);
	choose_wishes(disconnect);
	return 0;
}

/* --- may it be? */

static int check_owner(const struct disconnect *disconnect, size_t i, struct err *err)
{
	const char *owner = disconnect->look.controllers[i].owner;
	const char *name = disconnect->look.inventory->controllers[i].name;
	const char *said = disconnect->ctl->opt.owner;

	if (disconnect->ctl->opt.force || !*owner || strcmp(owner, OWNER_SUNFISH) == 0)
		return 0;
	if (said && strcmp(said, owner) == 0)
		return 0;
	if (said)
		return err_set(err, -EPERM, "%s is not %s's but %s's", name, said, owner);
	return err_set(err, -EPERM,
		       "%s was made by %s, which may connect it again: disconnect it there, or say "
		       "--owner %s if it is meant all the same",
		       name, owner, owner);
}

/* All that go, go together: none of them is another's other path. */
static void mark_going(struct disconnect *disconnect)
{
	struct inventory *inventory = disconnect->look.inventory;
	size_t i;

	for (i = 0; i < inventory->n_controllers; i++)
		if (disconnect->going[i])
			snprintf(inventory->controllers[i].state,
				 sizeof(inventory->controllers[i].state), "deleting");
}

static int check_use(struct disconnect *disconnect, struct err *err)
{
	const struct inventory *inventory = disconnect->look.inventory;
	CLEANUP_STR struct str why = STR_NULL;
	size_t i;

	if (disconnect->ctl->opt.force)
		return 0;
	mark_going(disconnect);
	for (i = 0; i < inventory->n_controllers; i++)
		if (disconnect->going[i] &&
		    inventory_blockers(inventory, inventory->controllers[i].name, &why) > 0)
			return err_set(
				err, -EBUSY,
				"%s: unmount or stop that first, or use --force, which loses "
				"what is not written yet",
				str_get(&why));
	return 0;
}

static int check(struct disconnect *disconnect, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < disconnect->look.inventory->n_controllers; i++)
		if (disconnect->going[i])
			r = check_owner(disconnect, i, err);
	return r < 0 ? r : check_use(disconnect, err);
}

/* --- doing it */

static void tell_gone(struct disconnect *disconnect, const struct inventory_controller *controller)
{
	CLEANUP_STR struct str text = STR_NULL;

	str_add_clean(&text, controller->tid.nqn);
	str_add(&text, " over ");
	view_address(&controller->tid, &text);
	cli_say(&disconnect->ctl->cli, "%s: disconnected %s\n", controller->name, str_get(&text));
	js_append(disconnect->disconnected, js_string(controller->name));
	disconnect->n_done++;
}

static void tell_forgotten(struct disconnect *disconnect, const struct look_wanted *wanted)
{
	char text[TID_TEXT_MAX];

	if (strcmp(wanted->source, "conf") == 0) {
		cli_warn(&disconnect->ctl->cli,
			 "%s stands in %s and comes back at the next start: take it out there",
			 tid_describe(&wanted->tid, text), disconnect->ctl->conf_path);
		return;
	}
	js_append(disconnect->forgotten, js_string(tid_format(&wanted->tid, text)));
	disconnect->n_done++;
}

static void tell_failed(struct disconnect *disconnect, const struct err *err)
{
	cli_warn(&disconnect->ctl->cli, "%s", err->text);
	disconnect->n_failed++;
}

/* The wishes first: what is disconnected must not come back meanwhile. */
static void forget_files(struct disconnect *disconnect)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;
	size_t i;

	if (disconnect->ctl->opt.transient ||
	    asprintf(&path, "%s/" WANTED_FILE_DIR, disconnect->ctl->state_path) < 0)
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < disconnect->look.n_wanted; i++) {
		const struct look_wanted *wanted = &disconnect->look.wanted[i];
		struct err err = ERR_NULL;
		int r;

		if (!disconnect->forget[i])
			continue;
		r = fd < 0 ? -ENOENT : wanted_file_remove(fd, &wanted->tid, &err);
		if (r < 0 && r != -ENOENT)
			tell_failed(disconnect, &err);
		else
			tell_forgotten(disconnect, wanted);
	}
}

static void disconnect_directly(struct disconnect *disconnect, size_t i)
{
	const struct inventory_controller *controller = &disconnect->look.inventory->controllers[i];
	struct err err = ERR_NULL;
	int r = direct_disconnect(disconnect->ctl, controller, &err);

	if (r < 0 && r != -ENODEV) {
		err_prefix(&err, "%s: ", controller->name);
		tell_failed(disconnect, &err);
		return;
	}
	tell_gone(disconnect, controller);
}

static int ask_daemon(struct disconnect *disconnect, const struct request *request, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	int r = client_send(disconnect->ctl->socket_path, request, &fd, err);

	return r < 0 ? r : client_receive(fd, wait_deadline(ANSWER_MS), NULL, NULL, NULL, err);
}

static void disconnect_by_daemon(struct disconnect *disconnect, size_t i)
{
	const struct look *look = &disconnect->look;
	const struct inventory_controller *controller = &look->inventory->controllers[i];
	struct request request = REQUEST_NULL;
	struct err err = ERR_NULL;

	request.kind = REQUEST_DISCONNECT;
	request.force = true; /* it was checked, and for all of them together */
	snprintf(request.controller, sizeof(request.controller), "%s", controller->name);
	if (ask_daemon(disconnect, &request, &err) < 0) {
		err_prefix(&err, "%s: ", controller->name);
		tell_failed(disconnect, &err);
		return;
	}
	tell_gone(disconnect, controller);
}

static void forget_by_daemon(struct disconnect *disconnect, size_t i)
{
	const struct look_wanted *wanted = &disconnect->look.wanted[i];
	struct request request = REQUEST_NULL;
	struct err err = ERR_NULL;
	int r;

	request.kind = REQUEST_DISCONNECT;
	request.force = true;
	request.has_tid = true;
	request.connection.tid = wanted->tid;
	r = ask_daemon(disconnect, &request, &err);
	/* it went along with its controller */
	if (r < 0 && r != -ENOENT && r != -ENODEV)
		tell_failed(disconnect, &err);
	else
		tell_forgotten(disconnect, wanted);
}

static void run_daemon(struct disconnect *disconnect)
{
	const struct look *look = &disconnect->look;
	size_t i;

	for (i = 0; i < look->inventory->n_controllers; i++)
		if (disconnect->going[i])
			disconnect_by_daemon(disconnect, i);
	for (i = 0; i < look->n_wanted; i++)
		if (disconnect->forget[i])
			forget_by_daemon(disconnect, i);
}

static void run_directly(struct disconnect *disconnect)
{
	size_t i;

	forget_files(disconnect);
	for (i = 0; i < disconnect->look.inventory->n_controllers; i++)
		if (disconnect->going[i])
			disconnect_directly(disconnect, i);
}

/* --- the verb */

static int run(struct disconnect *disconnect, struct err *err)
{
	struct ctl *ctl = disconnect->ctl;
	int r = choose_words(disconnect, err);

	if (r == 0)
		r = check(disconnect, err);
	if (r < 0)
		return r;
	if (disconnect->look.has_daemon)
		run_daemon(disconnect);
	else
		run_directly(disconnect);
	if (disconnect->n_failed && disconnect->n_done)
		ctl->cli.status = CLI_PARTLY;
	if (disconnect->n_failed)
		return err_set(err, -EIO, "%zu of %zu could not be done", disconnect->n_failed,
			       disconnect->n_failed + disconnect->n_done);
	if (disconnect->n_done == 0)
		cli_say(&ctl->cli, "nothing to do\n");
	return 0;
}

static int prepare(struct disconnect *disconnect, struct err *err)
{
	struct ctl *ctl = disconnect->ctl;
	int r;

	if (ctl->opt.all ? ctl->cli.n_args > 0 : ctl->cli.n_args == 0)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "say what to disconnect: an NQN, nvmeN, a device, or "
					 "--all for all that we own"));
	r = look_read(ctl, &disconnect->look, err);
	if (r < 0)
		return r;
	disconnect->going = calloc(disconnect->look.inventory->n_controllers + 1, sizeof(bool));
	disconnect->forget = calloc(disconnect->look.n_wanted + 1, sizeof(bool));
	return disconnect->going && disconnect->forget ? 0 : err_nomem(err);
}

int cmd_disconnect(struct ctl *ctl, struct err *err)
{
	CLEANUP_FREE struct disconnect *disconnect = calloc(1, sizeof(*disconnect));
	int r = disconnect ? ctl_need_root(ctl, err) : err_nomem(err);

	if (r == 0)
		r = ctl_lock(ctl, err);
	if (r < 0)
		return r;
	disconnect->ctl = ctl;
	disconnect->disconnected = ctl->cli.result ? js_array() : NULL;
	disconnect->forgotten = ctl->cli.result ? js_array() : NULL;
	r = prepare(disconnect, err);
	if (r == 0)
		r = run(disconnect, err);
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "disconnected", disconnect->disconnected);
		js_set(ctl->cli.result, "forgotten", disconnect->forgotten);
	}
	look_deinit(&disconnect->look);
	free(disconnect->going);
	free(disconnect->forget);
	return r;
}
