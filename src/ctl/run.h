/* SPDX-License-Identifier: BSD-3-Clause */
/* run - a whole run of sunfishctl, and what is around each verb: settings, the collector. */
#pragma once

#include "base/err.h"

struct ctl;

/* Returns: the exit status. */
int run_main(int argc, char **argv);

/* Run the verb of @ctl, which cli_main has parsed. */
int run_verb(struct ctl *ctl, struct err *err);
