/* SPDX-License-Identifier: BSD-3-Clause */
/* run - a whole run of sunfishctl: the one place that prints errors and knows exit statuses. */
#pragma once

/* Returns: the exit status. */
int run_main(int argc, char **argv);
