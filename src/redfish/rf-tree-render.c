/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "redfish/rf-tree-own.h"

struct js *rf_ref(const struct rf_resource *resource)
{
	struct js *ref;

	if (!resource)
		return NULL;
	ref = js_object();
	js_set(ref, "@odata.id", js_string(resource->uri));
	return ref;
}

void rf_set_links(struct rf_tree *tree, struct js *object, const char *key, int relation,
		  const struct rf_resource *end, bool reversed)
{
	size_t count = rf_link_count(tree, relation, end, reversed);
	struct js *array;
	size_t i;

	if (!count)
		return;
	array = js_array();
	for (i = 0; i < count; i++)
		js_append(array, rf_ref(rf_link_at(tree, relation, end, reversed, i)));
	js_set(object, key, array);
}

void rf_set_status(struct rf_resource *resource, struct js *doc, const char *state,
		   const char *health, struct js *take_condition)
{
	struct js *status = js_object();

	resource->state = state;
	resource->health = health;
	if (state)
		js_set(status, "State", js_string(state));
	if (health)
		js_set(status, "Health", js_string(health));
	if (take_condition) {
		struct js *conditions = js_array();

		js_append(conditions, take_condition);
		js_set(status, "Conditions", conditions);
	}
	js_set(doc, "Status", status);
}

static void set_members(const struct rf_resource *resource, struct js *doc)
{
	struct js *members = js_array();
	int64_t count = 0;
	size_t i;

	for (i = 0; i < resource->n_children; i++)
		if (resource->children[i]->class) {
			js_append(members, rf_ref(resource->children[i]));
			count++;
		}
	js_set(doc, "Name", js_string(resource->class->name));
	js_set(doc, "Members@odata.count", js_int(count));
	js_set(doc, "Members", members);
}

static void set_actions(const struct rf_resource *resource, struct js *doc)
{
	const struct rf_action *action = resource->class->actions;
	struct js *actions;

	if (!action || !action->name)
		return;
	actions = js_object();
	for (; action->name; action++) {
		CLEANUP_STR struct str target = STR_NULL;
		struct js *one = js_object();

		str_addf(&target, "%s/Actions/%s", resource->uri, action->name + 1);
		js_set(one, "target", js_string(str_get(&target)));
		js_set(actions, action->name, one);
	}
	js_set(doc, "Actions", actions);
}

static int render(struct rf_resource *resource, struct js *doc)
{
	const struct rf_class *class = resource->class;
	int r = 0;

	js_set(doc, "@odata.id", js_string(resource->uri));
	js_set(doc, "@odata.type", js_string(class->type));
	if (class->collection)
		set_members(resource, doc);
	else
		js_set(doc, "Id", js_string(resource->id));
	resource->state = NULL;
	resource->health = NULL;
	if (class->render)
		r = class->render(class->data, resource, doc);
	if (r == 0)
		set_actions(resource, doc);
	return r;
}

void rf_etag_of(const char *text, char ret_etag[RF_ETAG_MAX])
{
	snprintf(ret_etag, RF_ETAG_MAX, "\"%016" PRIx64 "\"", rf_hash(text, strlen(text)));
}

/* The tag is of the text without it, and goes first. */
static int keep(struct rf_resource *resource, const char *body)
{
	size_t length = strlen(body);
	uint64_t hash = rf_hash(body, length);
	CLEANUP_FREE char *text = NULL;
	int n = asprintf(&text, "{\"@odata.etag\":\"\\\"%016" PRIx64 "\\\"\",%s", hash, body + 1);

	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	free(resource->text);
	resource->text = TAKE_PTR(text);
	resource->length = (unsigned int)n;
	resource->hash = hash;
	snprintf(resource->etag, sizeof(resource->etag), "\"%016" PRIx64 "\"", hash);
	resource->stale = false;
	return 0;
}

int rf_resource_text(struct rf_tree *tree, struct rf_resource *resource, const char **ret_text,
		     size_t *ret_length, struct err *err)
{
	(void)tree;
	if (resource->stale) {
		CLEANUP_JS struct js *doc = js_object();
		CLEANUP_FREE char *body = NULL;

		if (render(resource, doc) == 0)
			body = js_format(doc, JS_COMPACT);
		if (!body || keep(resource, body) < 0)
			return err_nomem(err);
	}
	*ret_text = resource->text;
	*ret_length = resource->length;
	return 0;
}

struct js *rf_resource_js(struct rf_tree *tree, struct rf_resource *resource)
{
	struct js *js = NULL;
	const char *text;
	size_t length;

	if (rf_resource_text(tree, resource, &text, &length, NULL) < 0 ||
	    js_parse(text, length, &js, NULL) < 0)
		return NULL;
	return js;
}
