/* SPDX-License-Identifier: BSD-3-Clause */
/* When to look: the kernel's uevents, samples of the controllers' state, changes of the network. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "initiator/daemon.h"
#include "initiator/owner.h"
#include "nvmf/kmsg.h"

#define LOOK_APART_MS 50 /* at the most */
#define LOOK_SHARE 3	 /* a storm of uevents costs one part in so many of the time */

void watch_look_soon(struct daemon *daemon)
{
	int64_t since = loop_now_ms(daemon->loop) - daemon->last_look_ms;
	/* the last of the uevents that a connection makes when it goes is the one that counts */
	int64_t apart = 1 + LOOK_SHARE * daemon->look_took_ms;

	if (daemon->look_due)
		return;
	if (apart > LOOK_APART_MS)
		apart = LOOK_APART_MS;
	daemon->look_due = true;
	loop_timer_set(daemon->look_timer, since >= apart ? 0 : apart - since, 0);
}

static void on_look(void *data)
{
	daemon_look(data);
}

/* --- uevents */

static void on_uevent(void *data, const struct uevent *event)
{
	struct daemon *daemon = data;
	const struct track_hooks hooks = { report_change, watch_hint, daemon };
	const char *what = uevent_property(event, "NVME_EVENT");
	struct err ignored = ERR_NULL;

	if (strncmp(event->sysname, "nvme", 4) != 0)
		return;
	log_debug("uevent %" PRIu64 ": %s %s %s", event->seqnum, event->action, event->sysname,
		  what ? what : "");
	if (strcmp(event->subsystem, "nvme") == 0 && strcmp(event->action, "remove") == 0)
		owner_remove(daemon->dirs.run_fd, event->sysname, event->seqnum, &ignored);
	if (what && strcmp(what, "connected") == 0)
		track_connected(&daemon->track, event->sysname, &hooks);
	watch_look_soon(daemon);
}

static void on_gap(void *data, const char *why)
{
	log_warning("%s: looking at everything anew", why);
	watch_look_soon(data);
}

/* --- samples */

static int open_state(const struct daemon *daemon, struct track_entry *entry)
{
	if (entry->state_fd < 0)
		entry->state_fd = inventory_state_open(daemon->dirs.sysfs_fd, entry->name);
	return entry->state_fd;
}

static bool has_changed(const struct daemon *daemon, struct track_entry *entry)
{
	char state[INVENTORY_STATE_MAX];

	if (open_state(daemon, entry) < 0 || inventory_state_read(entry->state_fd, state) < 0)
		return true;
	return strcmp(state, entry->state) != 0;
}

static void on_sample(void *data)
{
	struct daemon *daemon = data;
	size_t i;

	for (i = 0; i < daemon->track.count; i++) {
		if (has_changed(daemon, &daemon->track.entries[i])) {
			daemon_look(daemon);
			return;
		}
	}
	watch_arm(daemon);
}

void watch_arm(struct daemon *daemon)
{
	if (daemon->track.count && daemon->conf.sample_ms)
		loop_timer_set(daemon->sample_timer, daemon->conf.sample_ms,
			       daemon->conf.sample_ms / 4);
	else
		loop_timer_stop(daemon->sample_timer);
}

/* --- why: the kernel's log, read when something changed only */

const char *watch_hint(void *data, const char *controller)
{
	struct daemon *daemon = data;
	char text[KMSG_TEXT_MAX];
	char about[INVENTORY_NAME_MAX];

	while (daemon->kmsg_fd >= 0 && kmsg_next(daemon->kmsg_fd, text)) {
		kmsg_controller(text, about, sizeof(about));
		if (strcmp(about, controller) != 0)
			continue;
		snprintf(daemon->hint_about, sizeof(daemon->hint_about), "%s", about);
		snprintf(daemon->hint, sizeof(daemon->hint), "%s", text);
	}
	return strcmp(daemon->hint_about, controller) == 0 ? daemon->hint : "";
}

/* --- network */

static void on_network(void *data, const char *ifname)
{
	struct daemon *daemon = data;

	log_debug("the network has changed: %s", ifname);
	sm_poke(daemon->sm, loop_now_ms(daemon->loop));
	lane_run(daemon);
}

/* --- start and end */

static int start_monitor(struct daemon *daemon, struct err *err)
{
	static const char *const subsystems[] = { "nvme", "nvme-subsystem", "block", NULL };
	int r = uevent_monitor_new(daemon->loop, UEVENT_KERNEL, subsystems, on_uevent, on_gap,
				   daemon, &daemon->uevents, err);

	if (r == -EPERM && daemon->uevents) {
		log_warning("%s", err->text);
		r = 0;
	}
	return r;
}

int watch_start(struct daemon *daemon, struct err *err)
{
	struct err why = ERR_NULL;
	int r = loop_add_timer(daemon->loop, on_look, daemon, &daemon->look_timer, err);

	if (r == 0)
		r = loop_add_timer(daemon->loop, on_sample, daemon, &daemon->sample_timer, err);
	if (r == 0)
		r = start_monitor(daemon, err);
	if (r < 0)
		return r;
	daemon->last_look_ms = INT64_MIN / 2;
	daemon->kmsg_fd = kmsg_open("/dev/kmsg");
	/* only what waits gets longer pauses without it */
	if (netwatch_new(daemon->loop, on_network, daemon, &daemon->netwatch, &why) < 0)
		log_warning("%s", why.text);
	return 0;
}

void watch_end(struct daemon *daemon)
{
	netwatch_free(daemon->netwatch);
	uevent_monitor_free(daemon->uevents);
	loop_source_free(daemon->sample_timer);
	loop_source_free(daemon->look_timer);
	if (daemon->kmsg_fd >= 0)
		close(daemon->kmsg_fd);
	daemon->kmsg_fd = -1;
}
