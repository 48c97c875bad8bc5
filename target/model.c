/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static struct model_object *object_new(enum model_kind kind, const char *name)
{
	struct model_object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->kind = kind;
	object->name = strdup(name);
	if (!object->name) {
		free(object);
		return NULL;
	}
	return object;
}

struct model_object *model_new(void)
{
	return object_new(MODEL_ROOT, "");
}

static void free_value(struct model_attr *attr)
{
	if (attr->secret && attr->value)
		explicit_bzero(attr->value, strlen(attr->value));
	free(attr->value);
}

static void attr_deinit(struct model_attr *attr)
{
	free_value(attr);
	free(attr->name);
}

static void leave_parent(struct model_object *object)
{
	struct model_object *parent = object->parent;
	size_t i;

	for (i = 0; parent && i < parent->n_children; i++) {
		if (parent->children[i] != object)
			continue;
		memmove(parent->children + i, parent->children + i + 1,
			(parent->n_children - i - 1) * sizeof(void *));
		parent->n_children--;
		return;
	}
}

static void free_below(struct model_object *object)
{
	size_t i;

	for (i = 0; i < object->n_children; i++)
		free_below(object->children[i]);
	for (i = 0; i < object->n_attrs; i++)
		attr_deinit(&object->attrs[i]);
	for (i = 0; i < object->n_links; i++)
		free(object->links[i].name);
	free(object->attrs);
	free(object->links);
	free(object->children);
	free(object->name);
	free(object);
}

void model_free(struct model_object *object)
{
	if (!object)
		return;
	leave_parent(object);
	free_below(object);
}

static bool is_numbered(enum model_kind kind)
{
	return kind == MODEL_NAMESPACE || kind == MODEL_PORT || kind == MODEL_ANA_GROUP;
}

static int compare_names(enum model_kind kind, const char *a, const char *b)
{
	unsigned long long x;
	unsigned long long y;

	if (!is_numbered(kind))
		return strcmp(a, b);
	x = strtoull(a, NULL, 0);
	y = strtoull(b, NULL, 0);
	return x < y ? -1 : x > y;
}

/* The child; NULL if there is none, with @ret_place where it would go. */
static struct model_object *lookup(const struct model_object *parent, enum model_kind kind,
				   const char *name, size_t *ret_place)
{
	size_t low = 0;
	size_t high = parent->n_children;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct model_object *child = parent->children[middle];
		int order = (int)child->kind - (int)kind;

		if (order == 0)
			order = compare_names(kind, child->name, name);
		if (order == 0)
			return child;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_place = low;
	return NULL;
}

struct model_object *model_find(const struct model_object *parent, enum model_kind kind,
				const char *name)
{
	size_t place;

	return parent ? lookup(parent, kind, name, &place) : NULL;
}

struct model_object *model_add(struct model_object *parent, enum model_kind kind, const char *name)
{
	struct model_object **children;
	size_t at = 0;
	struct model_object *child = lookup(parent, kind, name, &at);

	if (child)
		return child;
	child = object_new(kind, name);
	children = realloc(parent->children, (parent->n_children + 1) * sizeof(void *));
	if (children)
		parent->children = children;
	if (!child || !children) {
		if (child)
			free_below(child);
		return NULL;
	}
	memmove(children + at + 1, children + at, (parent->n_children - at) * sizeof(void *));
	children[at] = child;
	parent->n_children++;
	child->parent = parent;
	return child;
}

static int copy_into(struct model_object *to, const struct model_object *from)
{
	size_t i;
	int r = 0;

	to->absent = from->absent;
	to->exact = from->exact;
	for (i = 0; r == 0 && i < from->n_attrs; i++) {
		const struct model_attr *attr = &from->attrs[i];

		r = attr->secret ? model_set_secret(to, attr->name, attr->value)
				 : model_set(to, attr->name, attr->value);
	}
	for (i = 0; r == 0 && i < from->n_links; i++)
		r = model_link(to, from->links[i].name, from->links[i].absent);
	for (i = 0; r == 0 && i < from->n_children; i++)
		r = model_copy(to, from->children[i]) ? 0 : -ENOMEM;
	return r;
}

struct model_object *model_copy(struct model_object *parent, const struct model_object *object)
{
	struct model_object *copy = parent ? model_add(parent, object->kind, object->name)
					   : object_new(object->kind, object->name);

	if (copy && copy_into(copy, object) < 0) {
		model_free(copy);
		return NULL;
	}
	return copy;
}

struct model_object *model_add_id(struct model_object *parent, enum model_kind kind, uint32_t id)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", id);
	return model_add(parent, kind, name);
}

struct model_object *model_find_id(const struct model_object *parent, enum model_kind kind,
				   uint32_t id)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", id);
	return model_find(parent, kind, name);
}

uint32_t model_id(const struct model_object *object)
{
	return (uint32_t)strtoul(object->name, NULL, 0);
}

static struct model_attr *find_attr(const struct model_object *object, const char *name)
{
	size_t i;

	for (i = 0; i < object->n_attrs; i++)
		if (strcmp(object->attrs[i].name, name) == 0)
			return &object->attrs[i];
	return NULL;
}

static struct model_attr *add_attr(struct model_object *object, const char *name)
{
	struct model_attr *attrs;

	attrs = realloc(object->attrs, (object->n_attrs + 1) * sizeof(*attrs));
	if (!attrs)
		return NULL;
	object->attrs = attrs;
	attrs += object->n_attrs;
	*attrs = (struct model_attr){ .name = strdup(name) };
	if (!attrs->name)
		return NULL;
	object->n_attrs++;
	return attrs;
}

int model_set(struct model_object *object, const char *name, const char *value)
{
	struct model_attr *attr = find_attr(object, name);
	char *copy = strdup(value);

	if (copy && !attr)
		attr = add_attr(object, name);
	if (!copy || !attr) {
		free(copy);
		return -ENOMEM;
	}
	free_value(attr);
	attr->value = copy;
	return 0;
}

int model_set_secret(struct model_object *object, const char *name, const char *value)
{
	int r = model_set(object, name, value);

	if (r == 0)
		find_attr(object, name)->secret = true;
	return r;
}

int model_unset(struct model_object *object, const char *name)
{
	struct model_attr *attr = find_attr(object, name);
	size_t after;

	if (!attr)
		return 0;
	attr_deinit(attr);
	after = object->n_attrs - (size_t)(attr - object->attrs) - 1;
	memmove(attr, attr + 1, after * sizeof(*attr));
	object->n_attrs--;
	return 0;
}

const char *model_get(const struct model_object *object, const char *name)
{
	const struct model_attr *attr = object ? find_attr(object, name) : NULL;

	return attr ? attr->value : NULL;
}

const char *model_text(const struct model_object *object, const char *name)
{
	const char *value = model_get(object, name);

	return value ? value : "";
}

bool model_is_on(const struct model_object *object, const char *name)
{
	return strcmp(model_text(object, name), "1") == 0;
}

static struct model_link *find_link(const struct model_object *object, const char *name,
				    size_t *ret_place)
{
	size_t low = 0;
	size_t high = object->n_links;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct model_link *link = &object->links[middle];
		int order = strcmp(link->name, name);

		if (order == 0)
			return link;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_place = low;
	return NULL;
}

int model_link(struct model_object *object, const char *name, bool absent)
{
	struct model_link *links;
	size_t at = 0;
	struct model_link *link = find_link(object, name, &at);
	char *copy;

	if (link) {
		link->absent = absent;
		return 0;
	}
	copy = strdup(name);
	links = realloc(object->links, (object->n_links + 1) * sizeof(*links));
	if (links)
		object->links = links;
	if (!copy || !links) {
		free(copy);
		return -ENOMEM;
	}
	memmove(links + at + 1, links + at, (object->n_links - at) * sizeof(*links));
	links[at] = (struct model_link){ .name = copy, .absent = absent };
	object->n_links++;
	return 0;
}

bool model_has_link(const struct model_object *object, const char *name)
{
	size_t place;
	const struct model_link *link = object ? find_link(object, name, &place) : NULL;

	return link && !link->absent;
}

bool model_has_absent_link(const struct model_object *object, const char *name)
{
	size_t place;
	const struct model_link *link = object ? find_link(object, name, &place) : NULL;

	return link && link->absent;
}

int model_path(const struct model_object *object, char *path, size_t size)
{
	const char *parent = object->parent ? object->parent->name : "";
	int length = 0;

	switch (object->kind) {
	case MODEL_ROOT:
		length = snprintf(path, size, "%s", "");
		break;
	case MODEL_HOST:
		length = snprintf(path, size, "hosts/%s", object->name);
		break;
	case MODEL_SUBSYSTEM:
		length = snprintf(path, size, "subsystems/%s", object->name);
		break;
	case MODEL_NAMESPACE:
		length = snprintf(path, size, "subsystems/%s/namespaces/%s", parent, object->name);
		break;
	case MODEL_PASSTHRU:
		length = snprintf(path, size, "subsystems/%s/passthru", parent);
		break;
	case MODEL_PORT:
		length = snprintf(path, size, "ports/%s", object->name);
		break;
	case MODEL_ANA_GROUP:
		length = snprintf(path, size, "ports/%s/ana_groups/%s", parent, object->name);
		break;
	case MODEL_REFERRAL:
		length = snprintf(path, size, "ports/%s/referrals/%s", parent, object->name);
		break;
	}
	return (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* With its address, which says more than its number. */
static void describe_port(const struct model_object *port, char *text, size_t size)
{
	const char *address = model_text(port, "addr_traddr");
	const char *service = model_text(port, "addr_trsvcid");
	bool is_v6 = strcmp(model_text(port, "addr_adrfam"), "ipv6") == 0;

	if (!*model_text(port, "addr_trtype"))
		snprintf(text, size, "port %s", port->name);
	else
		snprintf(text, size, "port %s (%s%s%s%s%s%s%s)", port->name,
			 model_text(port, "addr_trtype"), *address ? " " : "", is_v6 ? "[" : "",
			 address, is_v6 ? "]" : "", *service ? ":" : "", service);
}

const char *model_describe(const struct model_object *object, char *text, size_t size)
{
	const char *parent = object->parent ? object->parent->name : "";

	switch (object->kind) {
	case MODEL_ROOT:
		snprintf(text, size, "the target");
		break;
	case MODEL_HOST:
		snprintf(text, size, "host %s", object->name);
		break;
	case MODEL_SUBSYSTEM:
		snprintf(text, size, "subsystem %s", object->name);
		break;
	case MODEL_NAMESPACE:
		snprintf(text, size, "namespace %s of %s", object->name, parent);
		break;
	case MODEL_PASSTHRU:
		snprintf(text, size, "passthru of %s", parent);
		break;
	case MODEL_PORT:
		describe_port(object, text, size);
		break;
	case MODEL_ANA_GROUP:
		snprintf(text, size, "ANA group %s of port %s", object->name, parent);
		break;
	case MODEL_REFERRAL:
		snprintf(text, size, "referral %s of port %s", object->name, parent);
		break;
	}
	return text;
}

struct model_object *model_next(const struct model_object *parent, enum model_kind kind,
				size_t *index)
{
	while (parent && *index < parent->n_children) {
		struct model_object *child = parent->children[(*index)++];

		if (child->kind == kind)
			return child;
	}
	return NULL;
}
