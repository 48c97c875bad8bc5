/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program - what the main files of the daemons have in common: options, signals, the order of
 * start and end.
 *
 * --config FILE, --check-config, --verbose (-v), --version, --help (-h). The daemon stays in the
 * foreground. SIGTERM and SIGINT end it, SIGHUP makes it read its configuration again, SIGPIPE is
 * ignored; systemd's watchdog is fed. Errors go to the log. This is used by main only: it prints.
 */
#pragma once

#include "base/err.h"
#include "core/loop.h"

/* Exit statuses */
enum { PROGRAM_DONE = 0, PROGRAM_FAILED = 1, PROGRAM_USAGE = 2 };

/* All functions get the data of program_main. Those that fail set the text. */
struct program {
	const char *name;
	const char *version;
	const char *help;   /* the whole text of --help */
	const char *config; /* path of the configuration where --config is not given */
	/* Read the configuration into data, and do nothing else. */
	int (*load)(void *data, const char *config, struct err *err);
	/* Make all that lives on the loop. Tell systemd with service_ready when it is. */
	int (*start)(void *data, struct loop *loop, struct err *err);
	/* SIGHUP: use the configuration anew, then service_ready again. NULL: it is ignored. */
	void (*reload)(void *data, const char *config);
	/* SIGTERM, SIGINT: end with loop_quit when it is time. NULL: at once. A second signal does
	 * not wait for it. */
	void (*stop)(void *data);
	/* Release all that start made, or a part of it if that failed. */
	void (*end)(void *data);
};

/* Returns: the exit status. */
int program_main(const struct program *program, int argc, char **argv, void *data);
