/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cleanup - release at the end of the scope, and hand ownership over.
 *
 * A variable with one of these attributes is initialised where it is declared.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free_p(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_p(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_closedir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void cleanup_fclose_p(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define CLEANUP_FREE CLEANUP(cleanup_free_p)
#define CLEANUP_CLOSE CLEANUP(cleanup_close_p)
#define CLEANUP_CLOSEDIR CLEANUP(cleanup_closedir_p)
#define CLEANUP_FCLOSE CLEANUP(cleanup_fclose_p)

/* The value of a pointer (a descriptor), which the variable no longer owns. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *_taken_at = &(p);                                                   \
		__typeof__(p) _taken = *_taken_at;                                                 \
		*_taken_at = NULL;                                                                 \
		_taken;                                                                            \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
