/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * daemon - nvme-sunfishd: what its parts share.
 *
 *   daemon.c         configuration, start and end; a look at what is there, and what follows
 *   daemon-watch.c   uevents, samples, the network: when to look
 *   daemon-lane.c    probes, connects and disconnects, as the state machine (sm.h) asks
 *   daemon-serve.c   requests of commands, over the Unix socket
 *   daemon-report.c  this host as objects, for commands and the collector; the journal
 *   daemon-intent.c  what the collector wants
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"
#include "core/netwatch.h"
#include "core/rpc.h"
#include "core/uevent.h"
#include "initiator/act.h"
#include "initiator/conf.h"
#include "initiator/inventory.h"
#include "initiator/owner.h"
#include "initiator/sm.h"
#include "initiator/track.h"
#include "nvmf/host.h"
#include "wire/agent.h"

struct intents;
struct serve;
struct lane;

struct daemon_paths {
	const char *state;   /* /var/lib/sunfish */
	const char *libexec; /* where sunfish-rdma-probe is */
	const char *program; /* name and version */
};

struct daemon {
	struct daemon_paths paths;
	struct conf conf;
	const char *config; /* path of it */
	struct host_identity host;
	struct host_options options;
	struct act_dirs dirs;
	int wanted_fd; /* directory of wanted-file.h; -1 none */
	int64_t since_ms;

	struct loop *loop;
	struct sm *sm;
	struct inventory *inventory; /* of the last look */
	struct track track;

	/* watch */
	struct uevent_monitor *uevents;
	struct netwatch *netwatch;
	struct loop_source *sample_timer;
	struct loop_source *look_timer;
	struct loop_source *act_timer;
	struct loop_source *settle; /* at the end of the round: tell what changed */
	bool settle_due;
	int64_t last_look_ms;
	int64_t look_took_ms;
	bool look_due;
	int kmsg_fd;
	char hint_about[INVENTORY_NAME_MAX]; /* the last of the kernel's messages, and of which */
	char hint[TRACK_CAUSE_MAX];

	char owner[OWNER_MAX]; /* of the controller that is described */

	struct lane *lane;
	struct serve *serve;
	struct intents *intents;
	struct agent *agent;
};

/* --- daemon.c */

int daemon_load(void *data, const char *config, struct err *err);
int daemon_start(void *data, struct loop *loop, struct err *err);
void daemon_reload(void *data, const char *config);
void daemon_stop(void *data);
void daemon_end(void *data);

/* Look at what is there now, tell, and do what is to be done. */
void daemon_look(struct daemon *daemon);
/* Something else changed than what is there: do what is to be done, and tell at the end of the
 * round, once for all that happens in it. */
void daemon_go_on(struct daemon *daemon);
/* Tell now, if there is something to be told. */
void daemon_settle(struct daemon *daemon);

/* --- daemon-watch.c */

int watch_start(struct daemon *daemon, struct err *err);
void watch_end(struct daemon *daemon);
/* Look soon: many reasons at once are one look. */
void watch_look_soon(struct daemon *daemon);
/* After a look: sample what is there, if anything is. */
void watch_arm(struct daemon *daemon);
/* What the kernel's log says of a controller; "" nothing. */
const char *watch_hint(void *data, const char *controller);

/* --- daemon-lane.c */

int lane_start(struct daemon *daemon, struct err *err);
void lane_end(struct daemon *daemon);
/* Do all that the state machine asks for. */
void lane_run(struct daemon *daemon);

/* --- daemon-serve.c */

int serve_start(struct daemon *daemon, struct err *err);
void serve_end(struct daemon *daemon);
/* The state machine has changed: answer who waits for that. */
void serve_changed(struct daemon *daemon);
void serve_event(struct daemon *daemon, const struct report_event *event);

/* --- daemon-report.c */

int report_start(struct daemon *daemon, struct err *err);
void report_end(struct daemon *daemon);
/* All of this host's objects to the agent, which finds what differs. */
void report_state(struct daemon *daemon);
void report_change(void *data, enum track_change change, const struct track_entry *entry);

/* --- daemon-intent.c */

int intent_start(struct daemon *daemon, struct err *err);
void intent_end(struct daemon *daemon);
/* There is no collector any more: what it wanted is left as it is, and nobody's. */
void intent_forget(struct daemon *daemon);
/* A document of the collector. */
void intent_take(void *data, const struct wanted *wanted);
/* What became of each. */
void intent_changed(struct daemon *daemon);
int intent_put(const struct daemon *daemon, struct object_set *set, struct err *err);
