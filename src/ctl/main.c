/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfishctl - see run.c, which the tests can call. */
#include <sys/stat.h>

#include "core/cli.h"
#include "ctl/run.h"

int main(int argc, char **argv)
{
	umask(077);
	cli_open_standard();
	return run_main(argc, argv);
}
