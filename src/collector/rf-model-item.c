/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-model-item - names, ids and the objects of resources. */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-model-own.h"

/* --- names */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void rf_names_sort(struct rf_names *names)
{
	size_t n = 0;
	size_t i;

	if (!names->count)
		return;
	qsort(names->list, names->count, sizeof(*names->list), compare_names);
	for (i = 1; i < names->count; i++)
		if (strcmp(names->list[i], names->list[n]) == 0)
			free(names->list[i]);
		else
			names->list[++n] = names->list[i];
	names->count = n + 1;
}

void rf_names_clear(struct rf_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct rf_names){ 0 };
}

/* Room for one more. There may be nobody who looks for days: each is kept once. */
static bool names_reserve(struct rf_names *names)
{
	size_t room = names->room ? 2 * names->room : 16;
	char **list;

	if (names->count < names->room)
		return true;
	rf_names_sort(names);
	if (names->room && names->count <= names->room / 2)
		return true;
	list = reallocarray(names->list, room, sizeof(*list));
	if (!list)
		return false;
	names->list = list;
	names->room = room;
	return true;
}

void rf_names_add(struct rf_names *names, const char *name)
{
	char *copy;

	/* many in a row are of the same */
	if (names->count && strcmp(names->list[names->count - 1], name) == 0)
		return;
	copy = names_reserve(names) ? strdup(name) : NULL;
	if (copy)
		names->list[names->count++] = copy;
	else
		names->failed = true;
}

/* --- ids */

const char *rf_id_make(const char *text, char id[RF_ID_MAX])
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._:";
	size_t length = strlen(text);
	size_t room = RF_ID_MAX - 1 - strlen("-0123456789abcdef");
	size_t i;

	/* nor may it be a way up, or what we call something else */
	if (length && length <= room && strspn(text, legal) == length && *text != '.' &&
	    strcmp(text, "discovery") != 0) {
		memcpy(id, text, length + 1);
		return id;
	}
	for (i = 0; i < length && i < room; i++)
		id[i] = strchr(legal, text[i]) && (i || text[i] != '.') ? text[i] : '-';
	snprintf(id + i, RF_ID_MAX - i, "-%016" PRIx64, rf_hash(text, length));
	return id;
}

const char *rf_uri_join(const char *collection, const char *id, char uri[RF_URI_MAX])
{
	snprintf(uri, RF_URI_MAX, "%s/%s", collection, id);
	return uri;
}

const char *rf_uri_below(const char *collection, const char *text, char uri[RF_URI_MAX])
{
	char id[RF_ID_MAX];

	return rf_uri_join(collection, rf_id_make(text, id), uri);
}

const char *rf_uri_subsystem(const char *nqn, char uri[RF_URI_MAX])
{
	return rf_uri_below(RF_STORAGE, nqn, uri);
}

const char *rf_uri_host(const char *hostnqn, char uri[RF_URI_MAX])
{
	return rf_uri_below(RF_ENDPOINTS, hostnqn, uri);
}

/* --- items */

static void item_free(struct rf_item *item)
{
	size_t i;

	for (i = 0; i < item->n_nodes; i++)
		free(item->nodes[i]);
	free(item->nodes);
	free(item->key);
	free(item->node);
	free(item->object);
	free(item->host);
	free(item);
}

static bool set_text(char **at, const char *text)
{
	*at = text ? strdup(text) : NULL;
	return !text || *at;
}

static struct rf_item *item_new(struct rf_model *model, const struct rf_key *key)
{
	struct rf_item *item = calloc(1, sizeof(*item));

	if (!item)
		return NULL;
	item->model = model;
	item->kind = key->kind;
	if (!set_text(&item->key, key->key) || !set_text(&item->node, key->node) ||
	    !set_text(&item->object, key->object) || !set_text(&item->host, key->host)) {
		item_free(item);
		return NULL;
	}
	return item;
}

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct rf_item *)a)->key, ((const struct rf_item *)b)->key);
}

struct rf_item *rf_model_node(const struct rf_model *model, const char *node)
{
	struct rf_item key = { .key = (char *)node };
	void *found = tfind(&key, &model->by_node, compare_nodes);

	return found ? *(struct rf_item **)found : NULL;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool item_is(const struct rf_item *item, const struct rf_key *key)
{
	return item->kind == key->kind && is_same(item->key, key->key) &&
	       is_same(item->node, key->node) && is_same(item->object, key->object) &&
	       is_same(item->host, key->host);
}

int rf_item_need(struct rf_model *model, const char *uri, const struct rf_key *key,
		 struct rf_item **ret, struct err *err)
{
	struct rf_resource *resource = rf_tree_find(model->tree, uri);
	struct rf_item *item = resource ? rf_resource_object(resource) : NULL;
	int r;

	if (item && !item_is(item, key)) {
		/* another thing has this place now: the listener of another host, say */
		rf_item_drop(item);
		item = NULL;
	}
	if (!item) {
		item = item_new(model, key);
		if (!item)
			return err_nomem(err);
		r = rf_tree_add(model->tree, uri, &rf_classes[key->kind], item, &item->resource,
				err);
		if (r < 0) {
			item_free(item);
			return r;
		}
		if (key->kind == RF_NODE && !tsearch(item, &model->by_node, compare_nodes)) {
			rf_item_drop(item);
			return err_nomem(err);
		}
	}
	item->stamp = model->stamp;
	*ret = item;
	return 0;
}

struct rf_item *rf_item_find(const struct rf_model *model, const char *uri, enum rf_kind kind)
{
	struct rf_resource *resource = rf_tree_find(model->tree, uri);
	struct rf_item *item = NULL;

	if (resource && rf_resource_class(resource) == &rf_classes[kind])
		item = rf_resource_object(resource);
	return item;
}

/* Only what is ours has an object of ours. */
static bool is_ours(const struct rf_resource *resource)
{
	const struct rf_class *class = rf_resource_class(resource);

	return class >= &rf_classes[RF_NODE] && class <= &rf_classes[RF_ZONE];
}

static void free_below(struct rf_model *model, struct rf_resource *resource)
{
	size_t i;

	for (i = 0; i < rf_resource_child_count(resource); i++)
		free_below(model, rf_resource_child_at(resource, i));
	if (is_ours(resource)) {
		struct rf_item *item = rf_resource_object(resource);

		if (item->kind == RF_NODE)
			tdelete(item, &model->by_node, compare_nodes);
		item_free(item);
	}
}

void rf_item_drop(struct rf_item *item)
{
	struct rf_model *model = item->model;
	struct rf_resource *resource = item->resource;

	free_below(model, resource);
	rf_tree_remove(model->tree, resource);
}

void rf_item_sweep(struct rf_model *model, const char *uri)
{
	struct rf_resource *collection = rf_tree_find(model->tree, uri);
	size_t i = collection ? rf_resource_child_count(collection) : 0;

	while (i-- > 0) {
		struct rf_resource *child = rf_resource_child_at(collection, i);
		struct rf_item *item = is_ours(child) ? rf_resource_object(child) : NULL;

		if (item && item->stamp != model->stamp)
			rf_item_drop(item);
	}
}

void rf_item_touch(const struct rf_item *item)
{
	rf_resource_touch(item->model->tree, item->resource);
}

/* --- the nodes of an item */

bool rf_item_has_node(const struct rf_item *item, const char *node)
{
	size_t i;

	for (i = 0; i < item->n_nodes; i++)
		if (strcmp(item->nodes[i], node) == 0)
			return true;
	return false;
}

int rf_item_add_node(struct rf_item *item, const char *node, struct err *err)
{
	char **nodes;

	if (rf_item_has_node(item, node))
		return 0;
	nodes = reallocarray(item->nodes, item->n_nodes + 1, sizeof(*nodes));
	if (!nodes)
		return err_nomem(err);
	item->nodes = nodes;
	nodes[item->n_nodes] = strdup(node);
	if (!nodes[item->n_nodes])
		return err_nomem(err);
	item->n_nodes++;
	return 0;
}

void rf_item_remove_node(struct rf_item *item, const char *node)
{
	size_t i;

	for (i = 0; i < item->n_nodes; i++)
		if (strcmp(item->nodes[i], node) == 0) {
			free(item->nodes[i]);
			item->nodes[i] = item->nodes[--item->n_nodes];
			return;
		}
}

/* --- the registry */

struct registry_source *rf_model_source(const struct rf_model *model, const char *node,
					enum report_role role)
{
	return registry_source_find(model->redfish->collector->registry, node, role);
}

static const char *kind_in_registry(enum rf_kind kind)
{
	switch (kind) {
	case RF_DRIVE:
		return "drive";
	case RF_PORT:
	case RF_TARGET:
		return "listener";
	case RF_VOLUME:
		return "namespace";
	default:
		return "subsystem";
	}
}

const struct registry_object *rf_item_object(const struct rf_item *item,
					     const struct registry_source **ret_source)
{
	const char *node = item->node ? item->node : item->n_nodes ? item->nodes[0] : "";
	const char *id = item->object ? item->object : item->key;
	const struct registry_source *source = rf_model_source(item->model, node, REPORT_TARGET);

	*ret_source = source;
	return source ? registry_object_find(source, kind_in_registry(item->kind), id) : NULL;
}
