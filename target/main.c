/* SPDX-License-Identifier: BSD-3-Clause */
/* nvmet-sunfishctl */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/command.h"

/* A file opened as descriptor 2 would get our messages. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	umask(077);
	open_standard();
	return command_run(argc - 1, argv + 1, false);
}
