/* SPDX-License-Identifier: BSD-3-Clause */
/* nvmet-sunfishctl */
#include <sys/stat.h>

#include "core/cli.h"
#include "target/command.h"

int main(int argc, char **argv)
{
	umask(077);
	cli_open_standard();
	return command_run(argc - 1, argv + 1, NULL);
}
