/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/uevent.h"

#include <errno.h>
#include <inttypes.h>
#include <libudev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "core/uevent-seq.h"

#define BATCH 64   /* events read before others of the loop have their turn */
#define GAP_MS 200 /* from a sign of a gap to its callback: what is late comes, many become one */
#define WHY_MAX 128

struct uevent_monitor {
	struct loop *loop;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct loop_source *source;
	struct loop_source *timer;
	bool is_timed;
	enum uevent_source from;
	char **subsystems; /* NULL-terminated */
	uevent_fn fn;
	uevent_gap_fn gap;
	void *data;
	struct uevent_seq seq;
	bool overran;
	bool drained; /* since then */
	uint64_t n_read;
	uint64_t n_lost;
	uint64_t n_gaps;
};

/* --- gaps */

static void expect_gap(struct uevent_monitor *m)
{
	if (m->is_timed)
		return;
	m->is_timed = true;
	loop_timer_set(m->timer, GAP_MS, 0);
}

static void on_gap_time(void *data)
{
	struct uevent_monitor *m = data;
	const bool overran = m->overran;
	const uint64_t lost = uevent_seq_settle(&m->seq);
	char why[WHY_MAX];

	m->is_timed = false;
	if (!overran && lost == 0)
		return;
	m->n_lost += lost;
	m->n_gaps++;
	/* As long as the queue was not empty the kernel drops without saying so again. */
	if (m->drained)
		m->overran = false;
	else if (overran)
		expect_gap(m);
	if (overran)
		snprintf(why, sizeof(why), "the kernel had no room for events of devices");
	else
		snprintf(why, sizeof(why), "%" PRIu64 " events of devices did not come", lost);
	m->gap(m->data, why);
}

/* --- events */

static const char *text(const char *value)
{
	return value ? value : "";
}

static bool is_wanted(const struct uevent_monitor *m, const char *subsystem)
{
	char **at;

	for (at = m->subsystems; *at; at++)
		if (strcmp(*at, subsystem) == 0)
			return true;
	return false;
}

static void handle(struct uevent_monitor *m, struct udev_device *device)
{
	const struct uevent event = {
		.seqnum = udev_device_get_seqnum(device),
		.action = text(udev_device_get_action(device)),
		.subsystem = text(udev_device_get_subsystem(device)),
		.devtype = text(udev_device_get_devtype(device)),
		.syspath = text(udev_device_get_syspath(device)),
		.sysname = text(udev_device_get_sysname(device)),
		.devnode = text(udev_device_get_devnode(device)),
		.device = device,
	};

	m->n_read++;
	/* udevd hands on in another order, and not all */
	if (m->from == UEVENT_KERNEL && uevent_seq_note(&m->seq, event.seqnum))
		expect_gap(m);
	if (is_wanted(m, event.subsystem))
		m->fn(m->data, &event);
}

/* Returns: may there be more? */
static bool read_one(struct uevent_monitor *m)
{
	struct udev_device *device;

	errno = 0;
	device = udev_monitor_receive_device(m->monitor);
	if (device) {
		handle(m, device);
		udev_device_unref(device);
		return true;
	}
	if (errno == ENOBUFS) {
		m->overran = true;
		m->drained = false;
		expect_gap(m);
		return true;
	}
	if (errno == EAGAIN || errno == 0) {
		m->drained = true;
		return false;
	}
	/* one that libudev cannot read: of the kernel's, its number is missing */
	return true;
}

static void on_readable(void *data, int fd, uint32_t events)
{
	struct uevent_monitor *m = data;
	int n;

	(void)fd, (void)events;
	for (n = 0; n < BATCH && read_one(m); n++)
		;
}

const char *uevent_property(const struct uevent *event, const char *key)
{
	return udev_device_get_property_value(event->device, key);
}

/* --- the monitor */

static int copy_subsystems(struct uevent_monitor *m, const char *const *subsystems)
{
	size_t n = 0;
	size_t i;

	while (subsystems[n])
		n++;
	m->subsystems = calloc(n + 1, sizeof(*m->subsystems));
	if (!m->subsystems)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		m->subsystems[i] = strdup(subsystems[i]);
		if (!m->subsystems[i])
			return -ENOMEM;
	}
	return 0;
}

static int open_socket(struct uevent_monitor *m, struct err *err)
{
	const char *name = m->from == UEVENT_KERNEL ? "kernel" : "udev";
	int r;

	m->udev = udev_new();
	if (!m->udev)
		return err_nomem(err);
	m->monitor = udev_monitor_new_from_netlink(m->udev, name);
	if (!m->monitor)
		return err_set(err, errno ? -errno : -EIO,
			       "cannot listen to events of devices: %m");
	r = udev_monitor_enable_receiving(m->monitor);
	if (r < 0)
		return err_set(err, r, "cannot listen to events of devices: %s", strerror(-r));
	return 0;
}

/* Returns: 0; -EPERM it is smaller. */
static int widen_buffer(struct uevent_monitor *m, struct err *err)
{
	int r = udev_monitor_set_receive_buffer_size(m->monitor, UEVENT_BUFFER_BYTES);

	if (r >= 0)
		return 0;
	return err_set(err, -EPERM,
		       "no room of %d MiB for events of devices (%s), some may be lost: give the "
		       "service CAP_NET_ADMIN",
		       UEVENT_BUFFER_BYTES >> 20, strerror(-r));
}

static void free_monitor_p(struct uevent_monitor **monitor)
{
	uevent_monitor_free(*monitor);
}

/* NOLINTNEXTLINE(readability-function-size): what, whereto */
int uevent_monitor_new(struct loop *loop, enum uevent_source source, const char *const *subsystems,
		       uevent_fn fn, uevent_gap_fn gap, void *data, struct uevent_monitor **ret,
		       struct err *err)
{
	CLEANUP(free_monitor_p) struct uevent_monitor *m = calloc(1, sizeof(*m));
	int permission;
	int r;

	if (!m)
		return err_nomem(err);
	*m = (struct uevent_monitor){
		.loop = loop, .from = source, .fn = fn, .gap = gap, .data = data
	};
	if (copy_subsystems(m, subsystems) < 0)
		return err_nomem(err);
	r = open_socket(m, err);
	if (r < 0)
		return r;
	permission = widen_buffer(m, err);
	r = loop_add_timer(loop, on_gap_time, m, &m->timer, err);
	if (r == 0)
		r = loop_add_io(loop, udev_monitor_get_fd(m->monitor), EPOLLIN, on_readable, m,
				&m->source, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return permission;
}

void uevent_monitor_free(struct uevent_monitor *monitor)
{
	char **at;

	if (!monitor)
		return;
	loop_source_free(monitor->source);
	loop_source_free(monitor->timer);
	udev_monitor_unref(monitor->monitor);
	udev_unref(monitor->udev);
	for (at = monitor->subsystems; at && *at; at++)
		free(*at);
	free(monitor->subsystems);
	free(monitor);
}

void uevent_monitor_counts(const struct uevent_monitor *monitor, uint64_t *ret_read,
			   uint64_t *ret_lost, uint64_t *ret_gaps)
{
	*ret_read = monitor->n_read;
	*ret_lost = monitor->n_lost;
	*ret_gaps = monitor->n_gaps;
}
