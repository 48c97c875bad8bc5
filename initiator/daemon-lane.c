/* SPDX-License-Identifier: BSD-3-Clause */
/* What the state machine asks for: probes on the loop, connects and disconnects in children. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/job.h"
#include "core/log.h"
#include "initiator/daemon.h"
#include "initiator/owner.h"
#include "nvmf/prober.h"

#define DISCONNECT_MS 30000

/* One action that is under way; in a list, to be forgotten at the end. */
struct task {
	struct task *next;
	struct daemon *daemon;
	enum sm_action_kind kind;
	unsigned int id;
	struct conf_connection connection;
	struct inventory_controller controller; /* of a disconnect */
	struct prober *prober;
	struct job *job;
};

struct lane {
	struct task *tasks;
};

static struct task *task_new(struct daemon *daemon, const struct sm_action *action)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->daemon = daemon;
	task->kind = action->kind;
	task->id = action->id;
	task->connection = *action->connection;
	task->next = daemon->lane->tasks;
	daemon->lane->tasks = task;
	return task;
}

static void task_free(struct task *task)
{
	struct task **at = &task->daemon->lane->tasks;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	free(task);
}

static int64_t now_of(const struct daemon *daemon)
{
	return loop_now_ms(daemon->loop);
}

/* The result of an action of that kind. */
static void tell_result(struct daemon *daemon, enum sm_action_kind kind, unsigned int id, int r,
			const char *text)
{
	int64_t now = now_of(daemon);

	switch (kind) {
	case SM_ACT_PROBE:
		sm_probed(daemon->sm, now, id, r, text);
		break;
	case SM_ACT_CONNECT:
		sm_connected(daemon->sm, now, id, r, text);
		break;
	case SM_ACT_DISCONNECT:
		sm_disconnected(daemon->sm, now, id, r, text);
		break;
	}
}

/* --- probes */

static void on_probed(void *data, int r, const char *text)
{
	struct task *task = data;
	struct daemon *daemon = task->daemon;
	unsigned int id = task->id;

	/* a port that requires TLS closes at a plain greeting: somebody is there */
	if (r == -ECONNRESET && task->connection.tuning.tls == 1)
		r = 0;
	task_free(task);
	sm_probed(daemon->sm, now_of(daemon), id, r, text);
	daemon_go_on(daemon);
}

static int start_probe(struct daemon *daemon, struct task *task, struct err *err)
{
	char helper[CONF_PATH_MAX];
	const struct tid *tid = &task->connection.tid;
	const struct prober_target target = { tid->transport, tid->traddr, tid->trsvcid, helper };

	snprintf(helper, sizeof(helper), "%s/sunfish-rdma-probe", daemon->paths.libexec);
	return prober_start(daemon->loop, &target, daemon->conf.probe_ms, on_probed, task,
			    &task->prober, err);
}

/* --- children: "CODE TEXT" comes back */

static int run_connect(void *data, int result_fd)
{
	const struct task *task = data;
	const struct daemon *daemon = task->daemon;
	char name[HOST_CONTROLLER_MAX] = "";
	struct err err = ERR_NULL;
	int r = act_connect(&daemon->dirs, &task->connection, &daemon->host, name, &err);

	dprintf(result_fd, "%d %s", r, r < 0 ? err.text : name);
	return 0;
}

static int run_disconnect(void *data, int result_fd)
{
	const struct task *task = data;
	struct err err = ERR_NULL;
	int r = act_disconnect(&task->daemon->dirs, &task->controller, &err);

	dprintf(result_fd, "%d %s", r, err.text);
	return 0;
}

static void on_done(void *data, int status, const char *result, size_t length)
{
	struct task *task = data;
	struct daemon *daemon = task->daemon;
	char *end;
	long r = strtol(result, &end, 10);
	char text[SM_ERROR_MAX];

	(void)status;
	snprintf(text, sizeof(text), "%s", *end == ' ' ? end + 1 : end);
	if (!length) {
		r = -ECHILD;
		snprintf(text, sizeof(text), "the process that was to do it died");
	}
	tell_result(daemon, task->kind, task->id, (int)r, text);
	task_free(task);
	daemon_look(daemon);
}

static void on_late(void *data)
{
	const struct task *task = data;
	struct daemon *daemon = task->daemon;
	char what[TID_TEXT_MAX];
	char text[SM_ERROR_MAX];

	snprintf(text, sizeof(text), "the kernel has not come back from it for %u s",
		 daemon->conf.connect_ms / 1000);
	log_warning("%s: %s; other connects wait for it", tid_describe(&task->connection.tid, what),
		    text);
	sm_is_late(daemon->sm, task->id, text);
	daemon_go_on(daemon);
}

static int start_disconnect(struct daemon *daemon, struct task *task,
			    const struct sm_action *action, struct err *err)
{
	const struct inventory_controller *c;
	int r = act_may_disconnect(&daemon->dirs, daemon->inventory, action->controller,
				   action->force, err);

	if (r < 0)
		return r;
	c = inventory_find(daemon->inventory, action->controller);
	task->controller = *c;
	return job_start(daemon->loop, run_disconnect, on_done, NULL, task, DISCONNECT_MS,
			 &task->job, err);
}

/* --- one action after the other */

static const char *exclusion_of(const struct daemon *daemon, const struct exclusions *exclusions,
				const struct conf_connection *connection)
{
	struct tid tid = connection->tid;

	if (!*tid.hostnqn)
		memcpy(tid.hostnqn, daemon->host.hostnqn, sizeof(tid.hostnqn));
	return exclusions_match(exclusions, &tid, daemon->host.hostid);
}

/* Returns: was the action stopped by an administrator's list? */
static bool stop_excluded(struct daemon *daemon, const struct exclusions *exclusions,
			  const struct sm_action *action)
{
	char what[TID_TEXT_MAX];
	char text[SM_ERROR_MAX];
	const char *entry;

	if (action->kind == SM_ACT_DISCONNECT || !exclusions)
		return false;
	entry = exclusion_of(daemon, exclusions, action->connection);
	if (!entry)
		return false;
	snprintf(text, sizeof(text), "excluded by %s", entry);
	log_info("%s: %s", tid_describe(&action->connection->tid, what), text);
	sm_excluded(daemon->sm, now_of(daemon), action->id, text);
	return true;
}

static void do_action(struct daemon *daemon, const struct sm_action *action)
{
	struct task *task = task_new(daemon, action);
	enum sm_action_kind kind = action->kind;
	unsigned int id = action->id;
	struct err err = ERR_NULL;
	int r = task ? 0 : err_nomem(&err);

	if (r == 0 && kind == SM_ACT_PROBE)
		r = start_probe(daemon, task, &err);
	else if (r == 0 && kind == SM_ACT_CONNECT)
		r = job_start(daemon->loop, run_connect, on_done, on_late, task,
			      daemon->conf.connect_ms, &task->job, &err);
	else if (r == 0)
		r = start_disconnect(daemon, task, action, &err);
	if (r == 0)
		return;
	if (task)
		task_free(task);
	tell_result(daemon, kind, id, r, err.text);
}

void lane_run(struct daemon *daemon)
{
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = NULL;
	struct sm_action action;
	int64_t next;

	while (sm_next(daemon->sm, now_of(daemon), &action)) {
		/* read anew each time there is something to do: it may have been edited */
		if (!exclusions)
			exclusions_read(daemon->dirs.etc_fd, &exclusions, NULL);
		if (!stop_excluded(daemon, exclusions, &action))
			do_action(daemon, &action);
	}
	next = sm_next_ms(daemon->sm);
	if (next == INT64_MAX)
		loop_timer_stop(daemon->act_timer);
	else
		loop_timer_set(daemon->act_timer, next > now_of(daemon) ? next - now_of(daemon) : 0,
			       20);
}

static void on_act(void *data)
{
	daemon_go_on(data);
}

int lane_start(struct daemon *daemon, struct err *err)
{
	daemon->lane = calloc(1, sizeof(*daemon->lane));
	if (!daemon->lane)
		return err_nomem(err);
	return loop_add_timer(daemon->loop, on_act, daemon, &daemon->act_timer, err);
}

/* What hangs in the kernel goes on without us. */
void lane_end(struct daemon *daemon)
{
	if (!daemon->lane)
		return;
	while (daemon->lane->tasks) {
		struct task *task = daemon->lane->tasks;

		prober_cancel(task->prober);
		job_abandon(task->job);
		task_free(task);
	}
	loop_source_free(daemon->act_timer);
	free(daemon->lane);
	daemon->lane = NULL;
}
