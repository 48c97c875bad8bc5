/* SPDX-License-Identifier: BSD-3-Clause */
/* An undo journal of arbitrary bytes: read or refused, and never a path out of the target. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/fuzz-journal-XXXXXX";

static void remove_directory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/journal", directory);
	unlink(path);
	rmdir(directory);
}

static int open_directory(void)
{
	if (!mkdtemp(directory))
		abort();
	atexit(remove_directory);
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_journal(int dir_fd, const uint8_t *data, size_t size)
{
	int fd = openat(dir_fd, "journal", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dir_fd = -1;
	struct journal journal = JOURNAL_NULL;
	size_t i;

	if (dir_fd < 0)
		dir_fd = open_directory();
	write_journal(dir_fd, data, size);
	if (journal_load(dir_fd, 0, &journal, NULL) < 0)
		return 0;
	for (i = 0; i < journal.plan.n_steps; i++)
		if (journal.plan.steps[i].act.path[0] == '/' ||
		    strstr(journal.plan.steps[i].act.path, "/../"))
			abort();
	journal_deinit(&journal);
	return 0;
}
