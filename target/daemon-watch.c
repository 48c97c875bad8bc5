/* SPDX-License-Identifier: BSD-3-Clause */
/* What is noticed: drives, addresses, RDMA devices, modules, and changes of configfs by others.
 * None of it is trusted to be complete: each is a reason to look. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/log.h"
#include "target/daemon.h"

#define QUIET_MS 30
#define SETTLE_MS 100 /* one cable makes several netlink messages */

/* --- drives */

/* Who has udevd gets links and ids only once its rules have run. */
static bool has_udevd(void)
{
	return access("/run/udev/control", F_OK) == 0;
}

static void on_removed(struct daemon *daemon, const char *node)
{
	const struct js *known = js_get(daemon->record, "namespaces");
	struct js *ids = js_array();
	size_t i;

	for (i = 0; i < js_length(known); i++) {
		const struct js *ns = js_value_at(known, i);
		const char *its = js_text(js_get(ns, "node"));

		if (its && strcmp(its, node) == 0 && !js_is_true(js_get(ns, "held")))
			js_append(ids, js_string(js_key_at(known, i)));
	}
	if (js_length(ids))
		task_take_out(daemon, ids);
	else
		js_free(ids);
}

static void look_for(struct daemon *daemon, const struct uevent *event)
{
	char cause[DAEMON_CAUSE_MAX];

	snprintf(cause, sizeof(cause), "%s %s: %s", event->subsystem, event->sysname,
		 event->action);
	daemon_look_soon(daemon, QUIET_MS, true, cause);
}

static void on_kernel_event(void *data, const struct uevent *event)
{
	struct daemon *daemon = data;
	bool is_block = strcmp(event->subsystem, "block") == 0;

	if (strcmp(event->subsystem, "module") == 0) {
		if (strncmp(event->sysname, "nvmet", 5) != 0)
			return;
		daemon->is_kernel_old = true;
	}
	if (is_block && strcmp(event->action, "remove") == 0)
		on_removed(daemon, event->sysname);
	else if (is_block && has_udevd())
		return;
	look_for(daemon, event);
}

static void on_udev_event(void *data, const struct uevent *event)
{
	look_for(data, event);
}

static void on_gap(void *data, const char *why)
{
	log_warning("events of devices were lost (%s): looking at all of them", why);
	daemon_look_soon(data, QUIET_MS, true, "events were lost");
}

static void watch_devices(struct daemon *daemon, enum uevent_source source,
			  const char *const *subsystems, uevent_fn fn, struct uevent_monitor **ret)
{
	struct err err = ERR_NULL;
	int r = uevent_monitor_new(daemon->loop, source, subsystems, fn, on_gap, daemon, ret, &err);

	if (r < 0)
		log_warning("%s%s", err.text,
			    *ret ? "" : ": drives are only seen at the next sample");
}

/* --- addresses and links */

static void on_net(void *data, const char *ifname)
{
	char cause[DAEMON_CAUSE_MAX];

	snprintf(cause, sizeof(cause), "link or address of %s changed",
		 *ifname ? ifname : "an interface");
	daemon_look_soon(data, SETTLE_MS, true, cause);
}

/* --- configfs: scans put the watches, since only they may wait for the kernel. What exactly
 * happened is seen by looking */

static void on_inotify(void *data, int fd, uint32_t events)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)events;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	daemon_look_soon(data, QUIET_MS, false, DAEMON_CAUSE_CONFIGFS);
}

static int watch_configfs(struct daemon *daemon, struct err *err)
{
	/* not to be closed in the children, which use it */
	daemon->inotify_fd = inotify_init1(IN_NONBLOCK);
	if (daemon->inotify_fd < 0)
		return err_set(err, -errno, "no inotify: %s", strerror(errno));
	return loop_add_io(daemon->loop, daemon->inotify_fd, EPOLLIN, on_inotify, daemon,
			   &daemon->inotify_source, err);
}

int daemon_watch_begin(struct daemon *daemon, struct err *err)
{
	static const char *const of_kernel[] = { "block", "infiniband", "module", NULL };
	static const char *const of_udev[] = { "block", NULL };
	struct err why = ERR_NULL;

	watch_devices(daemon, UEVENT_KERNEL, of_kernel, on_kernel_event, &daemon->kernel_events);
	watch_devices(daemon, UEVENT_UDEV, of_udev, on_udev_event, &daemon->udev_events);
	if (netwatch_new(daemon->loop, on_net, daemon, &daemon->netwatch, &why) < 0)
		log_warning("%s: addresses are only seen at the next sample", why.text);
	return watch_configfs(daemon, err);
}

void daemon_watch_end(struct daemon *daemon)
{
	uevent_monitor_free(daemon->kernel_events);
	uevent_monitor_free(daemon->udev_events);
	netwatch_free(daemon->netwatch);
	loop_source_free(daemon->inotify_source);
	if (daemon->inotify_fd >= 0)
		close(daemon->inotify_fd);
}
