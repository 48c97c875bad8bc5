/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish-tree - our tree as a Sunfish server may see it.
 *
 * It follows every link of every document it gets, and links to what it has itself (its services)
 * or does not get end in errors. So it is shown what stands below Fabrics, Storage, Systems and
 * Chassis, without links to anything else: the tree is closed, whatever the documents of others
 * say.
 *
 * The marker port: on the reference server POST and PATCH for an agent's objects end in 500 after
 * the agent did its work, unless one of its objects is in a table of aliases. A port of type CXL
 * that is marked as a boundary gets there. It is shown to nobody else.
 *
 * Source: sunfish_library_reference 18f2fc8: redfish_event_handler.py, sunfish_agent_manager.py.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "redfish/rf-tree.h"

#define SUNFISH_ROOT "/redfish/v1"
#define SUNFISH_MARKER "/Ports/sunfish-marker" /* below a Fabric */

/* Is it below one of those four, there or not? */
bool sunfish_tree_may(const char *uri);
/* Is it that of a Fabric? */
bool sunfish_tree_is_fabric(const char *uri);
/* Is @uri (without a fragment) there, and one that it may see? */
bool sunfish_tree_has(struct rf_tree *tree, const char *uri);
/* @uri  as it asked: with too many slashes, and names as it may have changed them
 * @uuid  ours; "" none
 * Returns: false, it is too long. */
bool sunfish_tree_uri(const char *uri, const char *uuid, char ret[RF_URI_MAX]);
/* The same for each "@odata.id" in a document. A new value; NULL: out of memory. */
struct js *sunfish_tree_import(const struct js *doc, const char *uuid);

/* @doc  what stands at @uri
 * @owner  URI of our AggregationSource, to be named as its owner; NULL: not
 * @marker  is there a marker port?
 * Returns: a new value; NULL: out of memory. */
struct js *sunfish_tree_export(struct rf_tree *tree, const char *uri, const struct js *doc,
			       const char *owner, bool marker);
/* That of a resource. NULL: it is not there or not to be seen, or out of memory. */
struct js *sunfish_tree_get(struct rf_tree *tree, const char *uri, const char *owner, bool marker);

/* All URIs that it should have, sorted; not those of collections. Free it with
 * sunfish_list_deinit. */
struct sunfish_list {
	char **items;
	size_t count, room;
	bool failed; /* out of memory */
};
void sunfish_list_deinit(struct sunfish_list *list);
#define CLEANUP_SUNFISH_LIST __attribute__((cleanup(sunfish_list_deinit)))
void sunfish_list_add(struct sunfish_list *list, const char *uri);
void sunfish_list_sort(struct sunfish_list *list); /* and without what is there twice */
bool sunfish_list_has(const struct sunfish_list *list, const char *uri); /* sorted */
void sunfish_tree_list(struct rf_tree *tree, struct sunfish_list *ret);
/* The strings of an array, sorted. */
void sunfish_list_take(const struct js *array, struct sunfish_list *ret);
/* Those of @a that are not in @b; both sorted. */
void sunfish_list_without(const struct sunfish_list *a, const struct sunfish_list *b,
			  struct sunfish_list *ret);
