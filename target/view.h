/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view - how the target is shown: tables and blocks for people, JSON for programs.
 *
 * Texts are added to a struct str, which remembers a lack of memory; JSON does so by itself
 * (js.h). Control characters in names that others made never reach a terminal. Secrets are left
 * out. Nothing is kept between calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/js.h"
#include "base/str.h"
#include "base/table.h"
#include "target/model.h"
#include "target/session.h"

/* --- small texts */

/* Add "rdma 10.101.46.14:4420", "tcp [fe80::1%ib0]:4420", "loop". */
void view_listener(const struct model_object *port, struct str *text);

/* --- one export */

struct view_export {
	const struct model_object *root;      /* the kernel's tree, or that of a stored export */
	const struct model_object *subsystem; /* in it */
	const struct session_list *sessions;  /* NULL: the export is not in the kernel */
	const char *stored;		      /* path of its file; NULL: it is not stored */
};

struct view_connected {
	unsigned int count;
	bool is_exact; /* false: there may be more, which cannot be told apart or seen */
};

struct view_connected view_count_connected(const struct view_export *export);

/* Iterate over the ports that serve it: for (i = 0; (port = view_next_port(export, &i));) */
const struct model_object *view_next_port(const struct view_export *export, size_t *index);

/* Add the header of the table of exports, and the row of one. The table has VIEW_COLUMNS. */
#define VIEW_COLUMNS 5
void view_header(struct table *table);
void view_row(const struct view_export *export, struct table *table);

/* Add all of it as a block for a person. Sizes are asked of the devices. */
void view_block(const struct view_export *export, struct str *text);

/* What `list` tells of it. NULL: out of memory. */
struct js *view_json_short(const struct view_export *export);

/* What `show` tells of it. Sizes are asked of the devices. NULL: out of memory. */
struct js *view_json(const struct view_export *export);

/* --- attributes that are not shown at a place of their own */

typedef void (*view_attr_fn)(void *data, const char *name, const char *value);

/* Call @fn for each attribute of @object but secrets, ours and those in @but (NULL-terminated);
 * known ones first, in the order of attr.h. */
void view_each_attr(const struct model_object *object, const char *const *but, view_attr_fn fn,
		    void *data);

/* The attributes that view_block and view_json show at a place of their own. */
extern const char *const view_own_of_subsystem[];
extern const char *const view_own_of_namespace[];
extern const char *const view_own_of_port[];

/* --- questions that both views ask */

/* The word of --rdma ..,tls=: "required", "optional", "none". */
const char *view_tls(const struct model_object *port);

/* 1, 0; -1 not allowed to know. */
int view_has_key(const struct model_object *host, const char *key, const char *key_file);

/* The path of a namespace or passthru, NULL if none is set. */
const char *view_device(const struct model_object *object);

/* Ask the device: its size, and the path of its node, "" for a file. Returns: 0; negative errno. */
#define VIEW_NODE_MAX 72
int view_device_now(const char *path, uint64_t *ret_bytes, char ret_node[VIEW_NODE_MAX]);

/* Is the session one of the export, and if it is not known of which export, may it be? */
bool view_is_session_of(const struct view_export *export, const struct session *session);
bool view_may_be_session_of(const struct view_export *export, const struct session *session);
