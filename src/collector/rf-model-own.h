/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-model-own - what the files of rf-model share: its items, and how they are made and dropped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "collector/registry.h"
#include "collector/rf-model.h"

enum rf_kind {
	RF_NODE,       /* a System; key: node id, object: its name */
	RF_FRAME,      /* its Chassis; key: node id */
	RF_DRIVE,      /* key: node id, object */
	RF_SUBSYSTEM,  /* key: NQN; nodes that export it */
	RF_CONTROLLER, /* key: NQN */
	RF_PORT,       /* key: NQN, node, object: the listener */
	RF_VOLUME,     /* key: NQN, node, object: the namespace */
	RF_TARGET,     /* as RF_PORT */
	RF_HOST,       /* key: host NQN; nodes that say it is theirs */
	RF_CONNECTION, /* key: NQN, host: host NQN; "" any */
	RF_ZONE,       /* key: its name */
	RF_KINDS
};

/* The object of each resource of ours that is no collection. */
struct rf_item {
	struct rf_model *model;
	struct rf_resource *resource;
	enum rf_kind kind;
	char *key;
	char *node;   /* id; or NULL */
	char *object; /* id in the registry; or NULL */
	char *host;   /* or NULL */
	char **nodes;
	size_t n_nodes;
	unsigned int stamp; /* of the last look that found it */
};

/* Kinds of links. */
enum rf_relation {
	RF_TARGET_SUBSYSTEM,	 /* endpoint -> Storage */
	RF_TARGET_NODE,		 /* endpoint -> System */
	RF_HOST_NODE,		 /* endpoint -> System */
	RF_CONNECTION_SUBSYSTEM, /* Connection -> Storage */
	RF_CONNECTION_TARGET,	 /* Connection -> endpoint */
	RF_CONNECTION_HOST,	 /* Connection -> endpoint */
	RF_CONNECTION_VOLUME,	 /* Connection -> Volume */
	RF_ZONE_ENDPOINT,	 /* Zone -> endpoint */
	RF_VOLUME_DRIVE,	 /* Volume -> Drive */
	RF_SUBSYSTEM_FRAME,	 /* Storage -> Chassis */
};

struct rf_names {
	char **list;
	size_t count, room;
	bool failed;
};

struct rf_model {
	struct redfish *redfish;
	struct rf_tree *tree;
	unsigned int stamp;
	/* marked */
	struct rf_names nodes; /* their ids */
	struct rf_names ports; /* ids of nodes of which each subsystem is marked */
	struct rf_names subsystems;
	struct rf_names hosts;
	bool zones;
	void *by_node; /* tree of search.h: node items by node id */
};

/* by enum rf_kind; their data is the redfish of this process */
extern struct rf_class rf_classes[RF_KINDS];
struct redfish;

/* --- names */
void rf_names_add(struct rf_names *names, const char *name);
/* Each once, in order. */
void rf_names_sort(struct rf_names *names);
void rf_names_clear(struct rf_names *names);

/* --- items */

struct rf_key {
	enum rf_kind kind;
	const char *key, *node, *object, *host;
};
/* The item at that URI, made if there is none; it has the stamp. Returns: 0; as rf_tree_add. */
int rf_item_need(struct rf_model *model, const char *uri, const struct rf_key *key,
		 struct rf_item **ret, struct err *err);
/* NULL: nothing of that kind is there. */
struct rf_item *rf_item_find(const struct rf_model *model, const char *uri, enum rf_kind kind);
/* With all that is below it. */
void rf_item_drop(struct rf_item *item);
/* Those of the collection that this look did not find. */
void rf_item_sweep(struct rf_model *model, const char *uri);
void rf_item_touch(const struct rf_item *item);
int rf_item_add_node(struct rf_item *item, const char *node, struct err *err);
bool rf_item_has_node(const struct rf_item *item, const char *node);
void rf_item_remove_node(struct rf_item *item, const char *node);
/* Its object in the registry, and who said it; NULL: there is none. */
const struct registry_object *rf_item_object(const struct rf_item *item,
					     const struct registry_source **ret_source);

/* NULL: it is not there, or reports nothing in that role. */
struct registry_source *rf_model_source(const struct rf_model *model, const char *node,
					enum report_role role);
struct rf_item *rf_model_node(const struct rf_model *model, const char *node);

/* --- looks: what is marked is brought up to date. All return: 0; -ENOMEM, -EINVAL. */
int rf_look_node(struct rf_model *model, const char *node, struct err *err);
int rf_look_subsystem(struct rf_model *model, const char *nqn, struct err *err);
int rf_look_host(struct rf_model *model, const char *hostnqn, struct err *err);
int rf_look_zones(struct rf_model *model, struct err *err);

/* URIs; they fit, since ids are bounded. Returns: @uri. */
const char *rf_uri_join(const char *collection, const char *id, char uri[RF_URI_MAX]);
/* The same of a text that becomes an id. */
const char *rf_uri_below(const char *collection, const char *text, char uri[RF_URI_MAX]);
const char *rf_uri_subsystem(const char *nqn, char uri[RF_URI_MAX]);
const char *rf_uri_host(const char *hostnqn, char uri[RF_URI_MAX]);
