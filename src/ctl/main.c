/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfishctl - see run.c, which the tests can call. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/run.h"

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
	return run_main(argc, argv);
}
