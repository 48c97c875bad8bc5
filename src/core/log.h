/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log - what a daemon tells: to the journal with fields, or to standard error.
 *
 * It never waits: what a journal that stands still does not take is lost, and counted; how many is
 * told as soon as it takes messages again.
 *
 * Only main files and callbacks of the loop log. The journal is used if standard error leads
 * there (JOURNAL_STREAM), so that a person who runs the daemon by hand sees it.
 */
#pragma once

#include <stddef.h>
#include <syslog.h>

/* Fields that stand beside a message; each NULL ones are left out. Names in the journal:
 * SUNFISH_NODE, NVME_NQN, NVME_HOSTNQN, NVME_DEVICE, NVME_ADDRESS, SUNFISH_INTENT. */
struct log_about {
	const char *node;
	const char *nqn;
	const char *hostnqn;
	const char *device;
	const char *address;
	const char *intent;
};

/* @program  before each message on standard error; borrowed for good
 * @level    LOG_ERR .. LOG_DEBUG: what is less important is dropped */
void log_init(const char *program, int level);

/* Is such a message told? */
int log_wants(int priority);

/* @about  NULL for none */
void log_write(int priority, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, NULL, __VA_ARGS__)
