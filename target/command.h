/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command - a command line of nvmet-sunfishctl, from its words to its exit status.
 *
 * The one place that prints errors and knows exit statuses. It uses standard output and error of
 * the process and leaves descriptors to its end: nvmet-sunfishctl runs one, nvmet-sunfishd each
 * in a child of its own.
 */
#pragma once

#include <stdbool.h>

/*
 * @words  what follows the program's name; changed
 * @here   false: let nvmet-sunfishd do what changes something, if it runs; the result is the same
 * Returns: the exit status (ctl.h).
 */
int command_run(int n_words, char **words, bool here);
