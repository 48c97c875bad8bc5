/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree - the lists of the collector as a tree: each target with its subsystems and what belongs to
 * them, each initiator with its connections, their controllers and devices. No input or output.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"

enum tree_list {
	TREE_NODES,
	TREE_SUBSYSTEMS,
	TREE_NAMESPACES,
	TREE_LISTENERS,
	TREE_ALLOWED,
	TREE_SESSIONS,
	TREE_HOSTS,
	TREE_CONNECTIONS,
	TREE_CONTROLLERS,
	TREE_DEVICES,
	TREE_LISTS,
};

/* Where the collector has a list. */
const char *tree_path(enum tree_list list);

/*
 * @lists  the items of each
 * @names  only these nodes; NULL: all
 * Returns: {"nodes": [..]}, owned; NULL: out of memory, or a name of @names is none (*ret_unknown
 * says which, else it is untouched).
 */
struct js *tree_build(const struct js *const lists[TREE_LISTS], char *const *names, size_t n_names,
		      const char **ret_unknown);

struct tree_style {
	bool colours;
	bool utf8; /* lines of it */
};

/* Add what tree_build made, drawn. */
void tree_format(const struct js *tree, const struct tree_style *style, struct str *text);
