/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * daemon - nvmet-sunfishd: one loop that watches, and children that look and change.
 *
 *   daemon.c        begin, end, configuration, timers
 *   daemon-watch.c  what is noticed: uevents, addresses, configfs  -> daemon_look_soon
 *   daemon-look.c   one scan at a time in a child (scan.h), its objects, what is due
 *   daemon-task.c   one change at a time in a child: verbs, pulled drives, tend.h
 *   daemon-serve.c  requests of nvmet-sunfishctl
 *   daemon-report.c the collector: state and events up, what is wanted down (intent.h)
 *
 * The loop itself reads nothing that the kernel may keep locked. A child that hangs there is told
 * after hang_seconds and left; what it stands for is skipped, all else goes on.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "core/job.h"
#include "core/loop.h"
#include "core/netwatch.h"
#include "core/rpc.h"
#include "core/uevent.h"
#include "target/ctl.h"
#include "target/names.h"
#include "target/settings.h"
#include "wire/agent.h"
#include "wire/object.h"

#define DAEMON_SOCKET "nvmet-sunfishd.sock"
#define DAEMON_LOOKS_MAX 4 /* hanging ones included */
#define DAEMON_CAUSE_MAX 160
#define DAEMON_CAUSE_CONFIGFS "configfs was changed"

struct daemon_look;
struct task;

struct daemon {
	struct loop *loop;     /* borrowed */
	char config[PATH_MAX]; /* absolute: verbs run elsewhere */
	struct settings settings;
	const char *run_path;
	int sysfs_fd;
	/* what is known */
	struct js *record;  /* survey.h */
	struct js *errors;  /* {NQN: text} of the last try */
	struct js *owners;  /* {NQN: intent} */
	struct js *kernel;  /* attributes of the object of that kind; NULL before the first look */
	struct js *intents; /* {ID: attributes} of what the collector wants */
	struct js *wants;   /* {ID: entry} */
	bool is_recalling;  /* they are of before the start */
	bool is_kernel_old; /* a module came or went: @kernel is to be asked anew */
	struct agent *agent;
	/* looking */
	struct daemon_look *looks; /* running; more than one only if others hang */
	unsigned int n_looks;
	struct names hung; /* where looks hang */
	struct loop_source *look_timer;
	int64_t look_first_ms; /* when the first event of those that wait came; 0: none waits */
	bool look_again;       /* something happened while one ran */
	bool take_files;       /* administrators' files count as they are now */
	bool is_ready;
	int highest_wd;
	char cause[DAEMON_CAUSE_MAX]; /* why it is looked */
	/* changing */
	struct task *tasks;    /* waiting, in their order */
	struct task *running;  /* more than one only if others are late */
	char *tended;	       /* what was due when it was tended last */
	int64_t tend_after_ms; /* not the same again before that */
	int64_t tend_delay_ms;
	bool is_stopping;
	/* noticing */
	struct uevent_monitor *kernel_events;
	struct uevent_monitor *udev_events;
	struct netwatch *netwatch;
	int inotify_fd;
	struct loop_source *inotify_source;
	struct loop_source *stop_timer;
	/* serving */
	struct rpc_server *server;
	struct rpc_conn *watchers[RPC_CONNECTIONS_MAX];
	size_t n_watchers;
};

#define DAEMON_NULL                                                                                \
	((struct daemon){                                                                          \
		.run_path = CTL_RUN_PATH, .sysfs_fd = -1, .inotify_fd = -1, .highest_wd = -1 })

/* Functions of struct program (core/program.h), whose data is the struct daemon. */
/* Only the default file may be missing. Returns: codes of settings_load; -ENOENT and the like. */
int daemon_load(void *data, const char *config, struct err *err);
/* Returns: 0; -EPERM not root; codes of rpc_listen and the like. What it can do without (udev,
 * netlink) is only told. */
int daemon_start(void *data, struct loop *loop, struct err *err);
void daemon_reload(void *data, const char *config);
void daemon_stop(void *data);
void daemon_end(void *data);

/* --- daemon-watch.c */

int daemon_watch_begin(struct daemon *daemon, struct err *err);
void daemon_watch_end(struct daemon *daemon);

/* --- daemon-look.c */

/* Look at the target in @ms, or a little later if more happens meanwhile.
 * @cause  what happened, for a person; the first of several is kept
 * @is_news  it may let succeed what failed before */
void daemon_look_soon(struct daemon *daemon, int64_t ms, bool is_news, const char *cause);
/* What is looked at now is being changed: do not believe it. */
void daemon_look_void(struct daemon *daemon);
void daemon_look_begin(struct daemon *daemon);
void daemon_look_end(struct daemon *daemon);

/* The last known state; NULL before the first look. */
const struct object_set *daemon_state(const struct daemon *daemon);

/* --- daemon-task.c */

enum task_kind {
	TASK_TAKE_OUT, /* at once, beside others */
	TASK_VERB,
	TASK_INTENT,
	TASK_TEND,
};

/* What a command asked for; owned by the task. */
struct task_verb {
	struct js *words;
	char *directory;
	int fds[3]; /* output, errors, the command's socket (ask.h) */
};

void task_take_out(struct daemon *daemon, struct js *take_ids);
int task_run_verb(struct daemon *daemon, struct task_verb *take_verb);
/* @take_entry  of the collector's document */
void task_intent(struct daemon *daemon, const char *id, struct js *take_entry);
/* @result  of a look (scan.h) */
void task_tend(struct daemon *daemon, const struct js *result);
/* Start what can be started. */
void task_next(struct daemon *daemon);
/* Does something change the target that is not late? */
bool task_is_busy(const struct daemon *daemon);
/* [{"what", "state": waiting|running|hung, "since_ms"}]; NULL: out of memory. */
struct js *task_list(const struct daemon *daemon);
void task_end(struct daemon *daemon);

/* --- daemon-report.c */

int daemon_report_begin(struct daemon *daemon, struct err *err);
void daemon_report_end(struct daemon *daemon);
/* Take new settings; reports go on unless it is another collector. */
void daemon_report_reload(struct daemon *daemon, const struct settings *settings);
/* @take_state  the whole state but for what is not of a look: intents and the kernel */
void daemon_report_state(struct daemon *daemon, struct object_set *take_state, const char *cause);
/* How an intent ended. @state  done, failed; working: it is tried again after the next look */
void daemon_report_intent(struct daemon *daemon, const char *id, const char *state,
			  const char *error);
/* For the status; NULL: there is no collector. */
struct js *daemon_report_status(const struct daemon *daemon);

/* --- daemon-serve.c */

int daemon_serve_begin(struct daemon *daemon, struct err *err);
void daemon_serve_end(struct daemon *daemon);
/* Tell those who watch. @event  borrowed */
void daemon_serve_event(struct daemon *daemon, const struct js *event);
