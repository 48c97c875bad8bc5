/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/wait.h"
#include "initiator/client.h"
#include "initiator/ctl.h"
#include "initiator/direct.h"
#include "initiator/inventory.h"
#include "initiator/owner.h"
#include "initiator/paths.h"
#include "initiator/view.h"
#include "initiator/wanted-file.h"
#include "initiator/wish.h"
#include "nvmf/addr.h"

#define WAIT_SECONDS 30
#define ANSWER_MS 10000 /* of the daemon, beyond what it was told to wait */
#define DEVICE_MS 5000
#define DEVICE_PAUSE_MS 20
#define SETTLE_MS 200

enum outcome { OUTCOME_FAILED, OUTCOME_ALREADY, OUTCOME_CONNECTED, OUTCOME_LEFT };

/* One path. */
struct attempt {
	struct conf_connection connection;
	enum outcome outcome;
	char controller[HOST_CONTROLLER_MAX]; /* "" none */
	char state[INVENTORY_STATE_MAX];      /* of one that was there already */
	int fd;				      /* to the daemon; -1 */
	int code;
	struct err err;
};

struct connect {
	struct ctl *ctl;
	struct host_identity host;
	struct attempt attempts[CTL_MANY];
	size_t n_attempts;
	bool by_daemon;
	struct js *devices;
};

static const char *hostnqn_of(const struct connect *connect, const struct attempt *attempt)
{
	const struct tid *tid = &attempt->connection.tid;

	return *tid->hostnqn ? tid->hostnqn : connect->host.hostnqn;
}

static bool is_there(const struct attempt *attempt)
{
	return attempt->outcome == OUTCOME_ALREADY || attempt->outcome == OUTCOME_CONNECTED;
}

/* --- what is there already */

static void find_connected(struct connect *connect, const struct inventory *inventory)
{
	size_t i;

	for (i = 0; i < connect->n_attempts; i++) {
		struct attempt *attempt = &connect->attempts[i];
		const struct inventory_controller *controller = inventory_find_tid(
			inventory, &attempt->connection.tid, connect->host.hostnqn);

		if (!controller || strncmp(controller->state, "deleting", 8) == 0)
			continue;
		attempt->outcome = OUTCOME_ALREADY;
		memcpy(attempt->controller, controller->name, HOST_CONTROLLER_MAX);
		memcpy(attempt->state, controller->state, sizeof(attempt->state));
	}
}

static int look_for_connected(struct connect *connect, struct err *err)
{
	CLEANUP_INVENTORY struct inventory *inventory = NULL;
	int r = inventory_read(connect->ctl->dirs.sysfs_fd, connect->ctl->dirs.proc_fd, &inventory,
			       err);

	if (r == 0)
		find_connected(connect, inventory);
	return r;
}

/* --- by ourselves */

static void connect_one(struct connect *connect, struct attempt *attempt)
{
	struct ctl *ctl = connect->ctl;
	int r = direct_connect(ctl, &attempt->connection, &connect->host, attempt->controller,
			       &attempt->err);

	/* another process was faster */
	if (r == -EALREADY && look_for_connected(connect, NULL) == 0 && is_there(attempt))
		return;
	attempt->code = r;
	attempt->outcome = r == 0 ? OUTCOME_CONNECTED : OUTCOME_FAILED;
}

/* A connection that nobody owns is ours from now on; another's stays another's. */
static void adopt(struct connect *connect, const struct attempt *attempt)
{
	const struct act_dirs *dirs = &connect->ctl->dirs;
	char owner[OWNER_MAX];
	struct err err = ERR_NULL;

	if (owner_read(dirs->run_fd, attempt->controller, owner, NULL) < 0)
		owner[0] = '\0';
	if (strcmp(owner, OWNER_SUNFISH) == 0)
		return;
	if (*owner) {
		cli_warn(&connect->ctl->cli, "%s was made by %s and stays its own",
			 attempt->controller, owner);
		return;
	}
	if (owner_write(dirs->run_fd, dirs->sysfs_fd, attempt->controller, OWNER_SUNFISH, &err) < 0)
		cli_warn(&connect->ctl->cli, "%s", err.text);
}

/* Will it come true without anybody changing something at the target? */
static bool may_come(const struct attempt *attempt)
{
	return is_there(attempt) || attempt->code == -ECONNREFUSED || attempt->code == -ETIMEDOUT ||
	       attempt->code == -EHOSTUNREACH || attempt->code == -ENETUNREACH ||
	       attempt->code == -EINPROGRESS;
}

static int store(struct connect *connect, struct err *err)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;
	size_t i;
	int r;

	if (asprintf(&path, "%s/" WANTED_FILE_DIR, connect->ctl->state_path) < 0)
		return err_nomem(err);
	r = fs_mkdir_p(AT_FDCWD, path, 0700);
	if (r == 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
	}
	if (r < 0)
		return err_set(err, r, "%s cannot be used: %s", path, strerror(-r));
	for (i = 0; r == 0 && i < connect->n_attempts; i++)
		if (may_come(&connect->attempts[i]))
			r = wanted_file_write(fd, &connect->attempts[i].connection, err);
	return r;
}

static int connect_directly(struct connect *connect, struct err *err)
{
	bool any = false;
	size_t i;
	int r = ctl_lock(connect->ctl, err);

	if (r == 0)
		r = look_for_connected(connect, err);
	if (r < 0)
		return r;
	for (i = 0; i < connect->n_attempts; i++) {
		struct attempt *attempt = &connect->attempts[i];

		if (is_there(attempt))
			adopt(connect, attempt);
		else
			connect_one(connect, attempt);
		any = any || is_there(attempt);
	}
	if (!any || connect->ctl->opt.transient)
		return 0;
	r = store(connect, err);
	if (r < 0)
		err_prefix(err, "connected, but the wish is not stored: ");
	return r;
}

/* --- by the daemon */

static int send_one(struct connect *connect, struct attempt *attempt, struct err *err)
{
	const struct ctl *ctl = connect->ctl;
	struct request request = REQUEST_NULL;
	long seconds = ctl->opt.wait_seconds < 0 ? WAIT_SECONDS : ctl->opt.wait_seconds;

	request.kind = REQUEST_CONNECT;
	request.connection = attempt->connection;
	request.transient = ctl->opt.transient;
	request.wait_ms = ctl->opt.no_wait ? 0 : seconds * 1000;
	return client_send(ctl->socket_path, &request, &attempt->fd, err);
}

static int tell_progress(void *data, const struct reply *reply)
{
	const struct connect *connect = data;
	const char *text = js_text(js_get(reply->value, "text"));

	if (reply->kind == REPLY_PROGRESS && text &&
	    (connect->ctl->cli.verbose || isatty(STDOUT_FILENO)))
		cli_say(&connect->ctl->cli, "  %s\n", text);
	return 0;
}

static void receive_one(struct connect *connect, struct attempt *attempt, int64_t deadline)
{
	CLEANUP_JS struct js *result = NULL;
	const char *name;
	int r = client_receive(attempt->fd, deadline, tell_progress, connect, &result,
			       &attempt->err);

	close(attempt->fd);
	attempt->fd = -1;
	if (r < 0) {
		attempt->code = direct_explain(r, &attempt->connection.tid,
					       hostnqn_of(connect, attempt), &attempt->err);
		attempt->outcome = OUTCOME_FAILED;
		return;
	}
	if (is_there(attempt))
		return;
	name = js_text(js_get(result, "controller"));
	attempt->outcome = name && *name ? OUTCOME_CONNECTED : OUTCOME_LEFT;
	snprintf(attempt->controller, sizeof(attempt->controller), "%s", name ? name : "");
}

/* Returns: 0; -ENOENT no daemon runs; other negative errno. */
static int connect_by_daemon(struct connect *connect, struct err *err)
{
	const struct ctl_options *opt = &connect->ctl->opt;
	long seconds = opt->wait_seconds < 0 ? WAIT_SECONDS : opt->wait_seconds;
	int64_t deadline;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < connect->n_attempts; i++)
		r = send_one(connect, &connect->attempts[i], err);
	if (r < 0 && client_is_absent(r))
		return -ENOENT;
	if (r == 0)
		r = look_for_connected(connect, err);
	deadline = wait_deadline((unsigned int)seconds * 1000 + ANSWER_MS);
	for (i = 0; r == 0 && i < connect->n_attempts; i++)
		receive_one(connect, &connect->attempts[i], deadline);
	connect->by_daemon = true;
	return r;
}

/* --- devices */

static bool is_ours(const struct connect *connect, const struct inventory_device *device)
{
	size_t i;
	size_t j;

	for (i = 0; i < connect->n_attempts; i++)
		for (j = 0; *connect->attempts[i].controller && j < device->n_paths; j++)
			if (strcmp(device->paths[j].controller, connect->attempts[i].controller) ==
			    0)
				return true;
	return false;
}

static size_t count_devices(const struct connect *connect, const struct inventory *inventory)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < inventory->n_devices; i++)
		n += is_ours(connect, &inventory->devices[i]);
	return n;
}

static void tell_devices(struct connect *connect, const struct inventory *inventory)
{
	char size[STR_SIZE_MAX];
	size_t i;

	for (i = 0; i < inventory->n_devices; i++) {
		const struct inventory_device *device = &inventory->devices[i];
		char path[INVENTORY_NAME_MAX + 8];

		if (!is_ours(connect, device))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", device->name);
		js_append(connect->devices, js_string(path));
		cli_say(&connect->ctl->cli, "%s: namespace %u, %s\n", path, device->nsid,
			str_format_size(device->size_bytes, size));
	}
}

/* The kernel looks for namespaces after a connect has succeeded. Those that come a moment after the
 * first are waited for as well. */
static int wait_for_devices(struct connect *connect, struct err *err)
{
	const struct ctl_options *opt = &connect->ctl->opt;
	unsigned int ms =
		opt->wait_seconds < 0 ? DEVICE_MS : (unsigned int)opt->wait_seconds * 1000;
	int64_t deadline = wait_deadline(opt->no_wait ? 0 : ms);
	int64_t settled = INT64_MAX;
	size_t seen = 0;

	for (;;) {
		CLEANUP_INVENTORY struct inventory *inventory = NULL;
		int r = inventory_read(connect->ctl->dirs.sysfs_fd, connect->ctl->dirs.proc_fd,
				       &inventory, err);
		size_t now = r == 0 ? count_devices(connect, inventory) : 0;

		if (r < 0)
			return r;
		if (now > seen)
			settled = wait_deadline(SETTLE_MS);
		seen = now;
		if (wait_left(deadline) == 0 || wait_left(settled) == 0) {
			tell_devices(connect, inventory);
			break;
		}
		wait_sleep(DEVICE_PAUSE_MS, deadline);
	}
	if (seen == 0 && !opt->no_wait)
		cli_warn(&connect->ctl->cli,
			 "connected, but no namespace has appeared: the export may have none that "
			 "is enabled");
	return 0;
}

/* --- telling */

static const char *outcome_text(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_ALREADY:
		return "is connected already";
	case OUTCOME_CONNECTED:
		return "connected";
	case OUTCOME_LEFT:
		return "left to nvme-sunfishd";
	case OUTCOME_FAILED:
		return "failed";
	}
	return "";
}

static void tell_attempt(const struct connect *connect, const struct attempt *attempt)
{
	CLEANUP_STR struct str address = STR_NULL;

	view_address(&attempt->connection.tid, &address);
	if (attempt->outcome != OUTCOME_FAILED)
		cli_say(&connect->ctl->cli, "%s: %s%s%s\n", str_get(&address),
			outcome_text(attempt->outcome), *attempt->controller ? " as " : "",
			attempt->controller);
}

static bool has_tuning(const struct attempt *attempt)
{
	static const struct host_tuning none = HOST_TUNING_NULL;

	return memcmp(&attempt->connection.tuning, &none, sizeof(none)) != 0;
}

/* What was there already may not be as one would think. */
static void warn_of_present(const struct connect *connect, const struct attempt *attempt)
{
	struct ctl *ctl = connect->ctl;

	if (attempt->outcome != OUTCOME_ALREADY)
		return;
	if (has_tuning(attempt))
		cli_warn(&ctl->cli, "%s stays as it is: the options hold from the next connect on",
			 attempt->controller);
	if (strcmp(attempt->state, "live") == 0)
		return;
	cli_warn(&ctl->cli, "%s is there, but not live (%s): see nvme-sunfishctl doctor %s",
		 attempt->controller, attempt->state, attempt->connection.tid.nqn);
	ctl->cli.status = CLI_PARTLY;
}

static struct js *attempt_json(const struct attempt *attempt)
{
	struct js *json = js_object();
	struct js *error;
	char text[TID_TEXT_MAX];

	js_set(json, "connection", js_string(tid_format(&attempt->connection.tid, text)));
	js_set(json, "ok", js_bool(attempt->outcome != OUTCOME_FAILED));
	js_set(json, "controller", js_string(*attempt->controller ? attempt->controller : NULL));
	js_set(json, "already", js_bool(attempt->outcome == OUTCOME_ALREADY));
	if (attempt->outcome != OUTCOME_FAILED)
		return json;
	error = js_object();
	js_set(error, "errno", js_string(strerrorname_np(-attempt->code)));
	js_set(error, "message", js_string(attempt->err.text));
	js_set(json, "error", error);
	return json;
}

/* What the kernel or the daemon says of it has the subsystem in it, what a probe says has not. */
static void add_subsystem(struct attempt *attempt)
{
	const char *nqn = attempt->connection.tid.nqn;

	if (!strstr(attempt->err.text, nqn))
		err_prefix(&attempt->err, "%s: ", nqn);
}

static void tell_kept(const struct connect *connect, const struct attempt *attempt)
{
	const struct tid *tid = &attempt->connection.tid;
	char address[ADDR_TEXT_MAX];

	if (connect->by_daemon || connect->ctl->opt.transient || !may_come(attempt))
		return;
	cli_say(&connect->ctl->cli,
		"that path stays wanted; to forget it: nvme-sunfishctl disconnect %s --%s %s\n",
		tid->nqn, tid->transport, addr_format_parts(tid->traddr, tid->trsvcid, address));
}

/* @but  the one that is told as the command's own */
static void warn_of_failures(const struct connect *connect, const struct attempt *but)
{
	size_t i;

	for (i = 0; i < connect->n_attempts; i++) {
		const struct attempt *attempt = &connect->attempts[i];

		if (attempt->outcome != OUTCOME_FAILED || attempt == but)
			continue;
		cli_warn(&connect->ctl->cli, "%s", attempt->err.text);
		if (!but)
			tell_kept(connect, attempt);
	}
}

/* The first failure is the command's if nothing came up; else each is a warning. */
static int judge(struct connect *connect, struct err *err)
{
	struct ctl *ctl = connect->ctl;
	struct attempt *first = NULL;
	struct js *json = ctl->cli.result ? js_array() : NULL;
	size_t n_failed = 0;
	size_t i;

	for (i = 0; i < connect->n_attempts; i++) {
		struct attempt *attempt = &connect->attempts[i];

		if (attempt->outcome == OUTCOME_FAILED) {
			add_subsystem(attempt);
			first = first ? first : attempt;
			n_failed++;
		}
		tell_attempt(connect, attempt);
		warn_of_present(connect, attempt);
		if (json)
			js_append(json, attempt_json(attempt));
	}
	if (json)
		js_set(ctl->cli.result, "connections", json);
	if (first && n_failed == connect->n_attempts) {
		*err = first->err;
		warn_of_failures(connect, first);
		return first->code;
	}
	warn_of_failures(connect, NULL);
	if (n_failed)
		ctl->cli.status = CLI_PARTLY;
	return 0;
}

/* --- the verb */

static int prepare(struct connect *connect, struct err *err)
{
	CLEANUP_FREE struct conf_connection *wishes = calloc(CTL_MANY, sizeof(*wishes));
	struct ctl *ctl = connect->ctl;
	const char *nqn = ctl->cli.args[0];
	int n;
	int i;

	if (!wishes)
		return err_nomem(err);
	if (ctl->opt.addresses.count == 0)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "say where %s is: --tcp ADDR[:PORT] or --rdma "
						    "ADDR[:PORT]; a target tells what it has with: "
						    "nvme-sunfishctl discover",
						    nqn));
	n = wish_read(ctl, nqn, wishes, err);
	for (i = 0; i < n; i++)
		connect->attempts[connect->n_attempts++] =
			(struct attempt){ .connection = wishes[i], .fd = -1 };
	return n < 0 ? n : ctl_identity(ctl, &connect->host, err);
}

static int run(struct connect *connect, struct err *err)
{
	struct ctl *ctl = connect->ctl;
	bool any = false;
	size_t i;
	int r = prepare(connect, err);

	if (r == 0)
		r = ctl_need_root(ctl, err);
	if (r < 0)
		return r;
	if (connect->host.made_up && !ctl->opt.hostnqn)
		cli_warn(
			&ctl->cli,
			"this host has no /etc/nvme/hostnqn and calls itself %s, after its machine "
			"id; to keep that name: echo %s >/etc/nvme/hostnqn",
			connect->host.hostnqn, connect->host.hostnqn);
	r = connect_by_daemon(connect, err);
	if (r == -ENOENT)
		r = connect_directly(connect, err);
	if (r < 0)
		return r;
	r = judge(connect, err);
	for (i = 0; i < connect->n_attempts; i++)
		any = any || is_there(&connect->attempts[i]);
	return r == 0 && any ? wait_for_devices(connect, err) : r;
}

int cmd_connect(struct ctl *ctl, struct err *err)
{
	CLEANUP_FREE struct connect *connect = calloc(1, sizeof(*connect));
	size_t i;
	int r;

	if (!connect)
		return err_nomem(err);
	connect->ctl = ctl;
	connect->devices = ctl->cli.result ? js_array() : NULL;
	r = run(connect, err);
	for (i = 0; i < connect->n_attempts; i++)
		if (connect->attempts[i].fd >= 0)
			close(connect->attempts[i].fd);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "devices", connect->devices);
	return r;
}
