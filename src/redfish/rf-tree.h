/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-tree - the resources of a Redfish service: which URIs there are, what each says, how they
 * hang together, and what changed.
 *
 * A resource has a class (how it is rendered, what may be done with it) and an object of its owner.
 * Its document is rendered when it is asked for and kept as text with its ETag until it is touched.
 * A member of a collection is a resource one segment below it; the collection's document is made
 * here. Links are rows of one table: each row is (relation, from, to), and both ends are rendered
 * from it, so that they cannot drift apart.
 *
 * Changes are collected: rf_tree_settle renders what was touched and tells the watchers what is
 * really different, children before their parents when they go. Nothing here knows HTTP or NVMe.
 *
 * Source: DSP0266 (URIs, ETags), DSP2046.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"

#define RF_URI_MAX 512
#define RF_ETAG_MAX 20 /* with its quotes and NUL */

struct rf_tree;
struct rf_resource;
struct rf_call;

enum rf_privilege {
	RF_LOGIN = 1 << 0,
	RF_CONFIGURE_MANAGER = 1 << 1,
	RF_CONFIGURE_USERS = 1 << 2,
	RF_CONFIGURE_COMPONENTS = 1 << 3,
	RF_CONFIGURE_SELF = 1 << 4,
	RF_EVERYBODY = 1 << 5, /* without authentication: the root, $metadata, odata */
};

/* Handlers of what changes anything: rf-service.h. */
typedef int (*rf_handler_fn)(void *data, struct rf_call *call);

struct rf_action {
	const char *name; /* "#Zone.AddEndpoint"; its target is RESOURCE/Actions/Zone.AddEndpoint */
	rf_handler_fn fn;
};

struct rf_class {
	const char *type;   /* "#Volume.v1_10_0.Volume" */
	bool collection;    /* its document is made here, of its members */
	const char *name;   /* of a collection: "Volume Collection" */
	unsigned int read;  /* enum rf_privilege, any of them */
	unsigned int write; /* for PATCH, POST, DELETE and actions */
	/* Add all properties but @odata.id, @odata.type, @odata.etag and Id (the last segment; if
	 * @render sets one, that stands). Actions are added here. Returns: 0; -ENOMEM. */
	int (*render)(void *data, struct rf_resource *resource, struct js *doc);
	rf_handler_fn patch;		 /* NULL: 405 */
	rf_handler_fn post;		 /* of a collection: makes a member */
	rf_handler_fn delete;		 /* of a member */
	const struct rf_action *actions; /* up to one without a name; NULL none */
	void *data;			 /* for all of the above */
};

struct rf_tree *rf_tree_new(void); /* NULL: out of memory */
void rf_tree_free(struct rf_tree *tree);

/* --- resources. @uri  without a slash at its end, "/redfish/v1/Systems/blake14" */

/* @class  must stay. @object  of the owner. Returns: 0; -EEXIST; -EINVAL not a URI of ours;
 * -ENOMEM. The parents need not be there yet. */
int rf_tree_add(struct rf_tree *tree, const char *uri, const struct rf_class *class, void *object,
		struct rf_resource **ret, struct err *err);
/* With all below it, and with their links. */
void rf_tree_remove(struct rf_tree *tree, struct rf_resource *resource);
struct rf_resource *rf_tree_find(const struct rf_tree *tree, const char *uri); /* NULL none */
size_t rf_tree_count(const struct rf_tree *tree);
/* The class of each resource; a class comes at least once. */
void rf_tree_each_class(const struct rf_tree *tree,
			void (*fn)(void *data, const struct rf_class *class), void *data);

const char *rf_resource_uri(const struct rf_resource *resource);
const char *rf_resource_id(const struct rf_resource *resource); /* the last segment */
const struct rf_class *rf_resource_class(const struct rf_resource *resource);
void *rf_resource_object(const struct rf_resource *resource);
struct rf_resource *rf_resource_parent(const struct rf_resource *resource); /* NULL none */
/* Those directly below, in the order of their ids. */
size_t rf_resource_child_count(const struct rf_resource *resource);
struct rf_resource *rf_resource_child_at(const struct rf_resource *resource, size_t index);

/* What it says has changed, or may have. */
void rf_resource_touch(struct rf_tree *tree, struct rf_resource *resource);

/* Its document as text. Borrowed until the tree changes. Returns: 0; -ENOMEM. */
int rf_resource_text(struct rf_tree *tree, struct rf_resource *resource, const char **ret_text,
		     size_t *ret_length, struct err *err);
/* Of the same; "" before it was rendered. */
const char *rf_resource_etag(const struct rf_resource *resource);
/* A new value, free it. NULL: out of memory. */
struct js *rf_resource_js(struct rf_tree *tree, struct rf_resource *resource);

/* --- links: @relation  a number of the owner's, one for each kind of link */

/* Both ends are touched if it is new. Returns: 0, also if it is there; -ENOMEM. */
int rf_link_add(struct rf_tree *tree, int relation, struct rf_resource *from,
		struct rf_resource *to);
void rf_link_remove(struct rf_tree *tree, int relation, struct rf_resource *from,
		    struct rf_resource *to);
/* Remove those of @relation from @from that are not in @to. */
int rf_link_replace(struct rf_tree *tree, int relation, struct rf_resource *from,
		    struct rf_resource *const *to, size_t count);
/* The other ends, in the order of their URIs. @reversed  @end is where it goes to */
size_t rf_link_count(const struct rf_tree *tree, int relation, const struct rf_resource *end,
		     bool reversed);
struct rf_resource *rf_link_at(const struct rf_tree *tree, int relation,
			       const struct rf_resource *end, bool reversed, size_t index);

/* --- for render functions */

/* FNV-1a, for ids and tags: guards nothing. */
uint64_t rf_hash(const char *text, size_t length);

/* {"@odata.id": URI}; NULL for @resource NULL */
struct js *rf_ref(const struct rf_resource *resource);
/* The array of those links as "KEY" in @object; without any, nothing is added. */
void rf_set_links(struct rf_tree *tree, struct js *object, const char *key, int relation,
		  const struct rf_resource *end, bool reversed);
/* "Status": {"State","Health","Conditions"}. Words must be literals, they are kept for events.
 * @condition  a message of rf_message_js, owned; or NULL */
void rf_set_status(struct rf_resource *resource, struct js *doc, const char *state,
		   const char *health, struct js *take_condition);
/* The tree that a resource is in, for render functions. */
struct rf_tree *rf_resource_tree(const struct rf_resource *resource);

/* --- changes */

enum rf_change { RF_ADDED, RF_CHANGED, RF_REMOVED };

struct rf_event {
	enum rf_change change;
	const char *uri;
	const struct rf_resource *resource; /* NULL if it is gone */
	const struct rf_class *class;
	const char *state, *health;		  /* now; "" none */
	const char *before_state, *before_health; /* "" none */
};
/* Called by rf_tree_settle; not for collections. No more than 4. Returns: 0; -ENOSPC. */
int rf_tree_watch(struct rf_tree *tree, void (*fn)(void *data, const struct rf_event *event),
		  void *data);
/* Render what was touched, and tell. At the first time nothing is told. Returns: 0; -ENOMEM: some
 * stays touched. */
int rf_tree_settle(struct rf_tree *tree, struct err *err);
bool rf_tree_is_touched(const struct rf_tree *tree);
