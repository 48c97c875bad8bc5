/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command - where a verb of nvmet-sunfishctl runs: here, in the daemon, or in a child if something
 * hangs in the kernel.
 *
 * It uses standard output and error of the process and leaves descriptors to its end:
 * nvmet-sunfishctl runs one, nvmet-sunfishd each in a child of its own.
 */
#pragma once

#include "base/err.h"

struct ctl;

/*
 * @words  what follows the program's name; changed
 * @config  of the daemon that runs it; NULL: let nvmet-sunfishd do what changes something, if it
 *   runs; the result is the same
 * Returns: the exit status (core/cli.h).
 */
int command_run(int n_words, char **words, const char *config);

/* Run the verb of @ctl, which cli_main has parsed. */
int command_run_verb(struct ctl *ctl, struct err *err);
