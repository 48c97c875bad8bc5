/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stored - the exports of both directories: what this program keeps and what administrators write.
 *
 * For verbs that only read. A broken file or a directory that may not be read is a warning, so
 * that the rest is seen.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "target/ctl.h"
#include "target/export.h"
#include "target/model.h"

struct stored {
	struct export_list kept;  /* of ctl->stored_path */
	struct export_list admin; /* of ctl->admin_path */
	const char *kept_path;	  /* borrowed from ctl */
	const char *admin_path;
};

#define STORED_NULL ((struct stored){ .kept_path = NULL })

void stored_deinit(struct stored *stored);
#define CLEANUP_STORED __attribute__((cleanup(stored_deinit)))

/* Read both. Returns: 0, *ret owned, @ctl outlives it; -ENOMEM. */
int stored_load(struct ctl *ctl, struct stored *ret, struct err *err);

/* Read what there is of one export; other files of administrators may be in it too.
 * Returns: as stored_load. */
int stored_load_one(struct ctl *ctl, const char *nqn, struct stored *ret, struct err *err);

/* The file of an export; borrowed, NULL if there is none.
 * @ret_dir  the directory it is in, borrowed; NULL allowed */
const struct export_item *stored_find(const struct stored *stored, const char *nqn,
				      const char **ret_dir);

/* Iterate over all files that are not broken:
 * for (i = 0; (item = stored_next(stored, &i, &dir));) */
const struct export_item *stored_next(const struct stored *stored, size_t *index,
				      const char **ret_dir);

/* The path of the file of an export, free it; NULL if there is none or memory ran out. */
char *stored_find_path(const struct stored *stored, const char *nqn);

/*
 * One wanted tree of all stored exports, or of one. Ports have the numbers they would get.
 * @nqn     NULL: all
 * @actual  the kernel's tree
 * Returns: 0, *ret owned; codes of resolve_ports; -ENOMEM.
 */
int stored_merge(const struct stored *stored, const char *nqn, const struct model_object *actual,
		 struct model_object **ret, struct err *err);

/*
 * All exports that are to be there, a file of an administrator before one of ours. A broken file
 * is an item with its error.
 * Returns: 0, *ret owned; -ENOMEM; negative errno of reading a directory.
 */
int stored_load_wanted(struct ctl *ctl, struct export_list *ret, struct err *err);
