/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uevent - what the kernel or udev tells of devices, and whether something was missed.
 *
 * The socket's receive buffer is 128 MiB (SO_RCVBUFFORCE): with the default, a reader that stalls
 * for a moment got 221 of 1,600 events. The kernel drops what does not fit and says ENOBUFS once.
 * Of the kernel's stream the sequence numbers are followed as well; whatever shows a gap, the
 * user must look at sysfs anew.
 *
 * Source: libudev(3); lib/kobject_uevent.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"

#define UEVENT_BUFFER_BYTES (128 << 20)

enum uevent_source {
	UEVENT_KERNEL, /* at once, before any rule ran */
	UEVENT_UDEV,   /* after the rules: links are made; nothing where no udevd runs */
};

/* Borrowed for the call. Texts are never NULL. */
struct uevent {
	uint64_t seqnum;
	const char *action;    /* add, remove, change .. */
	const char *subsystem; /* nvme, block .. */
	const char *devtype;   /* disk, partition; "" */
	const char *syspath;   /* /sys/devices/... */
	const char *sysname;   /* nvme0n1 */
	const char *devnode;   /* /dev/nvme0n1; "" */
	void *device;	       /* for uevent_property */
};

typedef void (*uevent_fn)(void *data, const struct uevent *event);
/* Events were lost. @why  for the log */
typedef void (*uevent_gap_fn)(void *data, const char *why);

struct uevent_monitor;

/* A property such as NVME_EVENT; NULL if the event has none. Borrowed. */
const char *uevent_property(const struct uevent *event, const char *key);

/*
 * @subsystems  NULL-terminated: others are dropped unseen. Not by a filter of the socket, which
 *              would hide gaps
 * Returns: 0, *ret owned; -EPERM no right to the buffer's size (it is smaller then, and @ret is
 *   set: only a warning); other negative errno, *ret untouched.
 */
int uevent_monitor_new(struct loop *loop, enum uevent_source source, const char *const *subsystems,
		       uevent_fn fn, uevent_gap_fn gap, void *data, struct uevent_monitor **ret,
		       struct err *err);
void uevent_monitor_free(struct uevent_monitor *monitor);

/* How many were read and how many are known to be lost (0 with gaps of unknown size). */
void uevent_monitor_counts(const struct uevent_monitor *monitor, uint64_t *ret_read,
			   uint64_t *ret_lost, uint64_t *ret_gaps);
