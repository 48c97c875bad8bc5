/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spool - events that the collector has not acknowledged yet, on disk and bounded.
 *
 * Appended to, and cut from the front when acknowledged. Each record has a checksum, so that a
 * torn tail is noticed and dropped. If the disk is full or cannot be written, it goes on in memory
 * (up to 1 MiB) and back to the disk when that is fit again. If the spool is full, it forgets
 * everything and says that there is a gap: the next report must be a snapshot. Appends are not
 * synced one by one: what a crash of the machine loses, the boot id tells. Closing syncs, so that a
 * machine that is rebooted in order goes on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct spool;

/*
 * Open or make it.
 * @dirfd      its directory, borrowed for as long as the spool lives; or the negative errno with
 *             which that could not be opened: it begins in memory
 * @bytes_max  of its file
 * Returns: 0, *ret owned; -EWOULDBLOCK another process has it; other negative errno. A disk that is
 * full, broken or read-only is no failure.
 */
int spool_open(int dirfd, const char *name, size_t bytes_max, struct spool **ret, struct err *err);
void spool_close(struct spool *spool);
/* The directory is there now, of one that began without. */
void spool_move(struct spool *spool, int dirfd);

/* The id under which the numbers are valid: new when the machine crashed, the file is another one
 * or damaged, or events were lost. */
const char *spool_boot(const struct spool *spool);
/* The number that the next event gets; numbers begin with 1 in each boot. */
uint64_t spool_next(const struct spool *spool);
uint64_t spool_acknowledged(const struct spool *spool);

/* Why it is in memory only: negative errno; 0: it is on disk. */
int spool_trouble(const struct spool *spool);

/* Append one event's text as number spool_next. Returns: 0; -ENOBUFS full: all is forgotten, a
 * new boot id begins, and a snapshot is due; other negative errno: the same. */
int spool_append(struct spool *spool, const char *text, size_t length);
/* Everything up to @seq is durable elsewhere. */
void spool_acknowledge(struct spool *spool, uint64_t seq);
/* Begin a new boot id and forget all. */
void spool_reset(struct spool *spool);

/* Called for each event after @seq in order, until it returns non-zero.
 * Returns: 0; what @fn returned; -EIO the file is damaged (spool_reset was done). */
typedef int (*spool_fn)(void *data, uint64_t seq, const char *text, size_t length);
int spool_each(struct spool *spool, uint64_t seq, spool_fn fn, void *data);
