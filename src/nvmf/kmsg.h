/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kmsg - what the kernel's NVMe host writes to its log, as a hint for people.
 *
 * The kernel answers EIO or EINVAL to nearly everything and writes the reason to its log. That is
 * text for people and no interface: it explains, and nothing depends on it. Where /dev/kmsg may
 * not be read there is no hint. Never blocks.
 *
 * Source: Documentation/ABI/testing/dev-kmsg; drivers/nvme/host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define KMSG_TEXT_MAX 256

/* From now on. Returns: a descriptor, owned; negative errno. */
int kmsg_open(const char *path);

/* The next message of an NVMe host driver, without its prefix of the log.
 * Returns: 1, *ret filled; 0 there is none (yet). */
int kmsg_next(int fd, char ret[KMSG_TEXT_MAX]);

/* The same of one record "PRIO,SEQ,TIME,FLAGS;TEXT\n.." of @length bytes. Returns: is it one? */
bool kmsg_parse(const char *record, size_t length, char ret[KMSG_TEXT_MAX]);

/*
 * What a message means for a connect that failed.
 * Returns: -ENOENT no such subsystem there; -EACCES this host may not, or the keys do not fit;
 * -EOPNOTSUPP an option the kernel does not know; -EPROTONOSUPPORT no such transport; -EADDRINUSE
 * host NQN and id do not belong together; 0 nothing that is known.
 */
int kmsg_meaning(const char *text);

/* The controller it is about, "nvme3"; "" none. */
void kmsg_controller(const char *text, char *ret_name, size_t size);
