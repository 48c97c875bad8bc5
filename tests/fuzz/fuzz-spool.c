/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz-spool - the file of a spool: arbitrary bytes, and a sound file with some bytes changed.
 *
 * What is read is what was written, in order; or it begins anew. Input: a kind, then the bytes of
 * the file, or for the second kind (position, byte) pairs of three bytes.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/spool.h"

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define EVENTS 5
#define BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/fuzz-spool-XXXXXX";

static void remove_directory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/spool", directory);
	unlink(path);
	rmdir(directory);
}

static int open_directory(void)
{
	REQUIRE(mkdtemp(directory));
	atexit(remove_directory);
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void text_of(uint64_t seq, char text[32])
{
	snprintf(text, 32, "event %llu of some", (unsigned long long)seq);
}

static int check(void *data, uint64_t seq, const char *text, size_t length)
{
	uint64_t *last = data;
	char want[32];

	REQUIRE(seq == *last + 1);
	*last = seq;
	text_of(seq, want);
	REQUIRE(length == strlen(want) && memcmp(text, want, length) == 0);
	return 0;
}

static void append_some(struct spool *spool)
{
	char text[32];
	int i;

	for (i = 0; i < EVENTS; i++) {
		text_of(spool_next(spool), text);
		REQUIRE(spool_append(spool, text, strlen(text)) == 0);
	}
}

static void change(int dirfd, const uint8_t *data, size_t size)
{
	int fd = openat(dirfd, "spool", O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0);
	for (; size >= 3; data += 3, size -= 3)
		REQUIRE(pwrite(fd, data + 2, 1, data[0] | (data[1] & 3) << 8) == 1);
	close(fd);
}

static void write_file(int dirfd, const uint8_t *data, size_t size)
{
	int fd = openat(dirfd, "spool", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static struct spool *open_spool(int dirfd)
{
	struct spool *spool = NULL;

	REQUIRE(spool_open(dirfd, "spool", BYTES_MAX, &spool, NULL) == 0);
	return spool;
}

/* What is read is what was written. */
static void look(struct spool *spool)
{
	uint64_t last = spool_acknowledged(spool);
	int r = spool_each(spool, 0, check, &last);

	REQUIRE(r == 0);
	REQUIRE(last + 1 == spool_next(spool));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dirfd = -1;
	struct spool *spool;
	char boot[64];

	if (dirfd < 0)
		dirfd = open_directory();
	if (size < 1)
		return 0;
	unlinkat(dirfd, "spool", 0);
	if (data[0] & 1) {
		write_file(dirfd, data + 1, size - 1);
	} else {
		spool = open_spool(dirfd);
		append_some(spool);
		spool_acknowledge(spool, data[0] >> 1 & 7);
		spool_close(spool);
		change(dirfd, data + 1, size - 1);
	}
	spool = open_spool(dirfd);
	look(spool);
	append_some(spool);
	look(spool);
	spool_acknowledge(spool, spool_next(spool) - 2);
	look(spool);
	snprintf(boot, sizeof(boot), "%s", spool_boot(spool));
	spool_close(spool);
	/* a sound one stays one */
	spool = open_spool(dirfd);
	REQUIRE(strcmp(spool_boot(spool), boot) == 0);
	look(spool);
	spool_close(spool);
	return 0;
}
