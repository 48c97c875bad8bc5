/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scan - the target as objects (doc/api.md), and what the daemon has to do about it.
 *
 * Runs in a child of the daemon: what it finds is one JSON object
 *
 *   {"objects": [..],
 *    "record": {..},                 of survey.h
 *    "busy": bool,                   somebody changes the target meanwhile: decide nothing yet
 *    "unfinished": bool,             a run left a journal that is to be undone
 *    "due": [NQN..],                 exports to be made or completed
 *    "gone": ["NQN/NSID"..], "grown": [..], "back": [..],  namespaces
 *    "lost": [PORTID..],             listeners whose address came back
 *    "skipped": [what..],            left out because the kernel hangs there
 *    "wd": N}                        the highest watch: above the last one, there are new ones
 *
 * or {"error": TEXT}.
 */
#pragma once

#include <stddef.h>

#include "base/js.h"
#include "target/ctl.h"
#include "target/names.h"

#define SCAN_WHERE_MAX 256

/* Shared between the child and the daemon, so that it is known where the child hangs. */
struct scan_where {
	char what[SCAN_WHERE_MAX]; /* an NQN, "hosts", "ports"; "" nowhere */
};

struct scan_env {
	const struct js *record;
	const struct js *errors;  /* {NQN: text} of what was tried last */
	const struct js *owners;  /* {NQN: intent}: exports that the collector wants */
	const struct names *skip; /* where an earlier scan hangs */
	struct scan_where *where;
	int inotify_fd; /* gets a watch on each directory of the tree; -1: none */
	bool repair;
	bool take_files; /* administrators' files count as they are now */
};

/* Returns: the result, to be freed; NULL: out of memory. */
struct js *scan_run(struct ctl *ctl, const struct scan_env *env);

/* The counters of the namespaces: {"NQN/NSID": {..}}. Reads sysfs only, never hangs.
 * @record  of survey.h. NULL: out of memory. */
struct js *scan_counters(int sysfs_fd, const struct js *record);
