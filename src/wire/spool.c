/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file: a head, then records with consecutive numbers. Records before the front are
 * acknowledged; they are cut off when they are half of the file, or when room is needed.
 *
 * A record that the process was killed in is shorter than its own head says. Anything else that is
 * wrong is damage, and then no number in the file can be relied on.
 */
#include "wire/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#define MAGIC "sunfish-spool-1"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
/* where a kernel has none: what is in /run ends with the boot as well */
#define RUN_ID_FILE "/run/sunfish/boot-id"
#define ID_MAX 40
#define RECORDS_AT 256 /* where they begin: behind the head */
#define RECORD_MAX (256u << 10)
#define CUT_MIN (64u << 10)
#define COPY_BYTES (64u << 10)
#define MEMORY_BYTES_MAX (1u << 20) /* while the disk does not take it */
#define RETRY_MS 2000		    /* whether it does again */

struct head {
	char magic[16];
	char kernel_boot[ID_MAX];
	char boot[ID_MAX];
	uint64_t inode; /* of the file: a copy is another one */
	uint64_t acknowledged;
	uint32_t is_clean; /* closed in order: the next boot of the kernel can go on */
	uint32_t crc;	   /* of all before */
};

struct record {
	uint64_t seq;
	uint32_t length;
	uint32_t crc;
	uint32_t reserved;
	uint32_t head_crc; /* of all before */
};

struct spool {
	int dirfd;
	char *name;
	size_t bytes_max;
	int fd;
	struct head head;
	bool has_head; /* it is in the file */
	uint64_t next;
	off_t front; /* the first record that is not acknowledged */
	uint64_t front_seq;
	off_t end;
	int trouble; /* why it is in memory; 0 it is on disk */
	int64_t retry_ms;
};

/* --- checksums */

/* CRC-32 of IEEE 802.3, four bits at a time. */
static uint32_t crc32_of(const void *bytes, size_t length)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const unsigned char *at = bytes;
	uint32_t crc = 0xffffffff;

	while (length--) {
		crc ^= *at++;
		crc = crc >> 4 ^ table[crc & 0xf];
		crc = crc >> 4 ^ table[crc & 0xf];
	}
	return ~crc;
}

static uint32_t head_crc(const struct head *head)
{
	return crc32_of(head, offsetof(struct head, crc));
}

static uint32_t record_crc(const struct record *record)
{
	return crc32_of(record, offsetof(struct record, head_crc));
}

/* --- the head */

static bool head_write(int fd, struct head *head)
{
	head->crc = head_crc(head);
	return pwrite(fd, head, sizeof(*head), 0) == (ssize_t)sizeof(*head);
}

static bool save_head(struct spool *spool)
{
	spool->has_head = head_write(spool->fd, &spool->head);
	return spool->has_head;
}

static void make_id(char id[ID_MAX])
{
	unsigned char bytes[16];

	/* of so few bytes it neither fails nor is cut short, once the kernel is up */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		memset(bytes, 0, sizeof(bytes));
	str_hex(bytes, sizeof(bytes), id);
}

static void read_kernel_boot(char id[ID_MAX])
{
	if (fs_read_at(AT_FDCWD, BOOT_ID_FILE, id, ID_MAX) > 0 ||
	    fs_read_at(AT_FDCWD, RUN_ID_FILE, id, ID_MAX) > 0)
		return;
	make_id(id);
	/* if it cannot be kept, it is another one each time, which is safe */
	fs_replace_file(AT_FDCWD, RUN_ID_FILE, id, strlen(id), 0600);
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Begin a new boot. On a full disk it lives in memory only: the next append tries again, and a
 * file without a head is a new one. */
static void begin(struct spool *spool)
{
	struct head head = { .magic = MAGIC, .inode = inode_of(spool->fd) };

	read_kernel_boot(head.kernel_boot);
	make_id(head.boot);
	spool->head = head;
	spool->next = 1;
	spool->front = spool->end = RECORDS_AT;
	spool->front_seq = 1;
	spool->has_head = false;
	if (ftruncate(spool->fd, 0) == 0)
		save_head(spool);
}

/* --- reading records */

struct reader {
	int fd;
	off_t at;    /* in the file, of what is in @bytes */
	size_t have; /* bytes */
	size_t used; /* of them */
	char bytes[2 * (sizeof(struct record) + RECORD_MAX)];
};

static struct reader *reader_new(int fd, off_t at)
{
	struct reader *reader = malloc(sizeof(*reader));

	if (!reader)
		return NULL;
	reader->fd = fd;
	reader->at = at;
	reader->have = reader->used = 0;
	return reader;
}

/* Returns: are so many bytes there? */
static bool reader_need(struct reader *reader, size_t length)
{
	if (reader->have - reader->used >= length)
		return true;
	memmove(reader->bytes, reader->bytes + reader->used, reader->have - reader->used);
	reader->at += (off_t)reader->used;
	reader->have -= reader->used;
	reader->used = 0;
	while (reader->have < length) {
		ssize_t got = pread(reader->fd, reader->bytes + reader->have,
				    sizeof(reader->bytes) - reader->have,
				    reader->at + (off_t)reader->have);

		if (got <= 0)
			return false;
		reader->have += (size_t)got;
	}
	return true;
}

enum found { FOUND_RECORD, FOUND_END, FOUND_DAMAGE };

/* The next record; its text is in the reader until the next call. */
static enum found reader_next(struct reader *reader, uint64_t seq, struct record *ret,
			      const char **ret_text)
{
	if (!reader_need(reader, sizeof(*ret)))
		return FOUND_END;
	memcpy(ret, reader->bytes + reader->used, sizeof(*ret));
	if (ret->head_crc != record_crc(ret) || ret->seq != seq || ret->length > RECORD_MAX)
		return FOUND_DAMAGE;
	if (!reader_need(reader, sizeof(*ret) + ret->length))
		return FOUND_END;
	*ret_text = reader->bytes + reader->used + sizeof(*ret);
	if (crc32_of(*ret_text, ret->length) != ret->crc)
		return FOUND_DAMAGE;
	reader->used += sizeof(*ret) + ret->length;
	return FOUND_RECORD;
}

static off_t reader_offset(const struct reader *reader)
{
	return reader->at + (off_t)reader->used;
}

/* --- open */

static bool head_is_ours(const struct spool *spool, const struct head *head)
{
	char kernel_boot[ID_MAX] = "";

	if (memcmp(head->magic, MAGIC, sizeof(MAGIC)) != 0 || head->crc != head_crc(head) ||
	    head->inode != inode_of(spool->fd) || head->acknowledged >= INT64_MAX / 2 ||
	    !memchr(head->boot, '\0', ID_MAX) || !memchr(head->kernel_boot, '\0', ID_MAX))
		return false;
	read_kernel_boot(kernel_boot);
	return head->is_clean || strcmp(head->kernel_boot, kernel_boot) == 0;
}

/* All records, from the first one, whose number tells where the file begins. */
static bool read_records(struct spool *spool)
{
	CLEANUP_FREE struct reader *reader = reader_new(spool->fd, RECORDS_AT);
	uint64_t acknowledged = spool->head.acknowledged;
	enum found found = FOUND_END;
	struct record record = { 0 };
	const char *text;
	uint64_t seq;

	if (!reader)
		return false;
	spool->front = spool->end = RECORDS_AT;
	seq = acknowledged + 1;
	if (reader_need(reader, sizeof(record))) {
		memcpy(&record, reader->bytes, sizeof(record));
		seq = record.seq;
	}
	if (seq == 0 || seq > acknowledged + 1)
		return false;
	while ((found = reader_next(reader, seq, &record, &text)) == FOUND_RECORD) {
		spool->end = reader_offset(reader);
		if (seq <= acknowledged)
			spool->front = spool->end;
		seq++;
	}
	spool->next = seq > acknowledged ? seq : acknowledged + 1;
	spool->front_seq = acknowledged + 1;
	/* all are acknowledged and more: those that follow would not follow them */
	if (seq <= acknowledged)
		spool->front = spool->end = RECORDS_AT;
	return found == FOUND_END;
}

/* Returns: can the numbers go on? */
static bool load(struct spool *spool)
{
	struct head head;
	uint32_t was_clean;

	if (pread(spool->fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    !head_is_ours(spool, &head))
		return false;
	spool->head = head;
	if (!read_records(spool))
		return false;
	/* what a killed process left of its last record */
	if (ftruncate(spool->fd, spool->end) < 0)
		return false;
	was_clean = head.is_clean;
	spool->head.is_clean = 0;
	read_kernel_boot(spool->head.kernel_boot);
	if (!save_head(spool))
		return false;
	/* else a crash from now on would look as if nothing was lost */
	return !was_clean || fsync(spool->fd) == 0;
}

/* Of the process, and not of the open file: a job that outlives a killed daemon has that, too. */
static int lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &whole) == 0)
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EWOULDBLOCK : -errno;
}

static bool is_of_the_disk(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EROFS || number == EIO;
}

static int open_file(struct spool *spool, struct err *err)
{
	int r;

	if (spool->dirfd >= 0)
		spool->fd = openat(spool->dirfd, spool->name,
				   O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	else
		errno = -spool->dirfd;
	if (spool->fd < 0 && (spool->dirfd < 0 || is_of_the_disk(errno))) {
		spool->trouble = -errno;
		spool->fd = memfd_create(spool->name, MFD_CLOEXEC);
	}
	if (spool->fd < 0)
		return err_set(err, -errno, "cannot open the spool %s: %s", spool->name,
			       strerror(errno));
	r = lock(spool->fd);
	if (r < 0)
		return err_set(err, r, "the spool %s is in use by another process: %s", spool->name,
			       strerror(-r));
	return 0;
}

int spool_open(int dirfd, const char *name, size_t bytes_max, struct spool **ret, struct err *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	int r;

	if (!spool)
		return err_nomem(err);
	spool->dirfd = dirfd;
	spool->fd = -1;
	spool->bytes_max = bytes_max;
	spool->name = strdup(name);
	r = spool->name ? open_file(spool, err) : err_nomem(err);
	if (r < 0) {
		if (spool->fd >= 0)
			close(spool->fd);
		free(spool->name);
		free(spool);
		return r;
	}
	if (!load(spool))
		begin(spool);
	*ret = spool;
	return 0;
}

int spool_trouble(const struct spool *spool)
{
	return spool->trouble;
}

const char *spool_boot(const struct spool *spool)
{
	return spool->head.boot;
}

uint64_t spool_next(const struct spool *spool)
{
	return spool->next;
}

uint64_t spool_acknowledged(const struct spool *spool)
{
	return spool->head.acknowledged;
}

void spool_reset(struct spool *spool)
{
	begin(spool);
}

/* --- change */

static int copy_rest(struct spool *spool, int fd)
{
	CLEANUP_FREE char *bytes = malloc(COPY_BYTES);
	off_t from = spool->front;
	off_t to = RECORDS_AT;

	if (!bytes)
		return -ENOMEM;
	while (from < spool->end) {
		size_t left = (size_t)(spool->end - from);
		ssize_t got = pread(spool->fd, bytes, left < COPY_BYTES ? left : COPY_BYTES, from);

		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		if (pwrite(fd, bytes, (size_t)got, to) != got)
			return -ENOSPC;
		from += got;
		to += got;
	}
	return 0;
}

/* All that waits is in @take_fd now, and that is the file. */
static void adopt(struct spool *spool, int take_fd, const struct head *head)
{
	close(spool->fd);
	spool->fd = take_fd;
	spool->head = *head;
	spool->has_head = true;
	spool->end -= spool->front - RECORDS_AT;
	spool->front = RECORDS_AT;
}

/* Make the file anew without what is acknowledged. On failure it stays as it is. */
static int renew_on_disk(struct spool *spool)
{
	CLEANUP_FREE char *name = NULL;
	CLEANUP_CLOSE int fd = -1;
	struct head head = spool->head;
	int r;

	if (asprintf(&name, "%s.new", spool->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	fd = openat(spool->dirfd, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	head.inode = inode_of(fd);
	r = lock(fd);
	if (r == 0)
		r = copy_rest(spool, fd);
	if (r == 0 &&
	    (!head_write(fd, &head) || renameat(spool->dirfd, name, spool->dirfd, spool->name) < 0))
		r = -errno;
	if (r < 0) {
		unlinkat(spool->dirfd, name, 0);
		return r;
	}
	adopt(spool, take_fd(&fd), &head);
	spool->trouble = 0;
	return 0;
}

/* The same without a disk. What is on it must not be gone on with by the next process. */
static int renew_in_memory(struct spool *spool, int why)
{
	CLEANUP_CLOSE int fd = memfd_create(spool->name, MFD_CLOEXEC);
	struct head head = spool->head;
	int r = fd < 0 ? -errno : copy_rest(spool, fd);

	if (r < 0)
		return r;
	if (!spool->trouble && ftruncate(spool->fd, 0) < 0)
		make_id(head.boot);
	if (!head_write(fd, &head))
		return -errno;
	adopt(spool, take_fd(&fd), &head);
	spool->trouble = why;
	spool->retry_ms = clock_monotonic_ms() + RETRY_MS;
	return 0;
}

static void cut(struct spool *spool)
{
	if (spool->trouble)
		renew_in_memory(spool, spool->trouble);
	else
		renew_on_disk(spool);
}

/* Is the disk fit again? */
static void try_disk(struct spool *spool)
{
	if (!spool->trouble || clock_monotonic_ms() < spool->retry_ms)
		return;
	spool->retry_ms = clock_monotonic_ms() + RETRY_MS;
	if (spool->dirfd >= 0)
		renew_on_disk(spool);
}

void spool_move(struct spool *spool, int dirfd)
{
	spool->dirfd = dirfd;
	spool->retry_ms = 0;
	try_disk(spool);
}

static int write_record(struct spool *spool, const struct record *record, const char *text)
{
	const size_t size = sizeof(*record) + record->length;
	CLEANUP_FREE char *bytes = malloc(size);
	ssize_t wrote;

	if (!bytes)
		return -ENOMEM;
	if (!spool->has_head && !save_head(spool))
		return -ENOSPC;
	memcpy(bytes, record, sizeof(*record));
	memcpy(bytes + sizeof(*record), text, record->length);
	wrote = pwrite(spool->fd, bytes, size, spool->end);
	if (wrote < 0)
		return -errno;
	if ((size_t)wrote != size)
		return -ENOSPC;
	spool->end += wrote;
	return 0;
}

static bool has_room(const struct spool *spool, size_t size)
{
	size_t max = spool->bytes_max;

	if (spool->trouble && max > MEMORY_BYTES_MAX)
		max = MEMORY_BYTES_MAX;
	return (size_t)spool->end + size <= max;
}

int spool_append(struct spool *spool, const char *text, size_t length)
{
	struct record record = { .seq = spool->next, .length = (uint32_t)length };
	const size_t size = sizeof(record) + length;
	int r = length > RECORD_MAX ? -EMSGSIZE : 0;

	try_disk(spool);
	if (r == 0 && !has_room(spool, size) && spool->front > RECORDS_AT)
		cut(spool);
	if (r == 0 && !has_room(spool, size))
		r = -ENOBUFS;
	if (r == 0) {
		record.crc = crc32_of(text, length);
		record.head_crc = record_crc(&record);
		r = write_record(spool, &record, text);
		if (r < 0 && r != -ENOMEM && !spool->trouble && renew_in_memory(spool, r) == 0)
			r = write_record(spool, &record, text);
	}
	if (r < 0) {
		begin(spool);
		return r;
	}
	spool->next++;
	return 0;
}

/* Move the front behind what is acknowledged. Damage is found by whoever reads on. */
static void move_front(struct spool *spool)
{
	while (spool->front_seq <= spool->head.acknowledged && spool->front < spool->end) {
		struct record record;

		if (pread(spool->fd, &record, sizeof(record), spool->front) !=
			    (ssize_t)sizeof(record) ||
		    record.head_crc != record_crc(&record) || record.seq != spool->front_seq)
			return;
		spool->front += (off_t)(sizeof(record) + record.length);
		spool->front_seq++;
	}
}

void spool_acknowledge(struct spool *spool, uint64_t seq)
{
	if (seq >= spool->next)
		seq = spool->next - 1;
	if (seq <= spool->head.acknowledged)
		return;
	spool->head.acknowledged = seq;
	move_front(spool);
	/* first the number, or it could be given again */
	if (!save_head(spool) && (spool->trouble || renew_in_memory(spool, -EIO) < 0))
		return;
	try_disk(spool);
	if (spool->front == spool->end && ftruncate(spool->fd, RECORDS_AT) == 0)
		spool->front = spool->end = RECORDS_AT;
	if (spool->front - RECORDS_AT > CUT_MIN &&
	    spool->front - RECORDS_AT > spool->end - spool->front)
		cut(spool);
}

int spool_each(struct spool *spool, uint64_t seq, spool_fn fn, void *data)
{
	CLEANUP_FREE struct reader *reader = NULL;
	struct record record;
	const char *text;
	uint64_t at;
	int r;

	if (spool->front_seq >= spool->next)
		return 0;
	reader = reader_new(spool->fd, spool->front);
	if (!reader)
		return -ENOMEM;
	for (at = spool->front_seq; at < spool->next; at++) {
		if (reader_next(reader, at, &record, &text) != FOUND_RECORD) {
			begin(spool);
			return -EIO;
		}
		if (at <= seq || at <= spool->head.acknowledged)
			continue;
		r = fn(data, at, text, record.length);
		if (r != 0)
			return r;
	}
	return 0;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	spool->retry_ms = 0;
	try_disk(spool);
	/* the records first: the mark says that they are there */
	if (fsync(spool->fd) == 0) {
		spool->head.is_clean = 1;
		if (save_head(spool))
			fsync(spool->fd);
	}
	close(spool->fd);
	free(spool->name);
	free(spool);
}
