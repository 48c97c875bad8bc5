/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/sunfish-tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

static const char *const tops[] = { SUNFISH_ROOT "/Fabrics", SUNFISH_ROOT "/Storage",
				    SUNFISH_ROOT "/Systems", SUNFISH_ROOT "/Chassis" };
#define N_TOPS (sizeof(tops) / sizeof(tops[0]))

/* --- URIs */

static bool is_below(const char *uri, const char *top)
{
	size_t length = strlen(top);

	return strncmp(uri, top, length) == 0 && (!uri[length] || uri[length] == '/');
}

bool sunfish_tree_may(const char *uri)
{
	size_t i;

	for (i = 0; i < N_TOPS; i++)
		if (is_below(uri, tops[i]) && uri[strlen(tops[i])])
			return true;
	return false;
}

bool sunfish_tree_is_fabric(const char *uri)
{
	size_t length = strlen(tops[0]);

	return is_below(uri, tops[0]) && uri[length] && !strchr(uri + length + 1, '/');
}

bool sunfish_tree_has(struct rf_tree *tree, const char *uri)
{
	size_t i;

	for (i = 0; i < N_TOPS; i++)
		if (is_below(uri, tops[i]))
			return rf_tree_find(tree, uri);
	return false;
}

/* "Sunfish_3af1_NAME", or with the whole UUID. Returns: NAME, or all of it. */
static const char *own_name(const char *segment, const char *uuid)
{
	static const char prefix[] = "Sunfish_";
	const char *at = segment + strlen(prefix);
	size_t length = strlen(uuid);

	if (length < 4 || strncmp(segment, prefix, strlen(prefix)) != 0)
		return segment;
	if (strncmp(at, uuid, length) == 0 && at[length] == '_')
		return at + length + 1;
	return strncmp(at, uuid, 4) == 0 && at[4] == '_' ? at + 5 : segment;
}

bool sunfish_tree_uri(const char *uri, const char *uuid, char ret[RF_URI_MAX])
{
	size_t length = 0;

	while (*uri) {
		size_t n;

		uri += strspn(uri, "/");
		if (!*uri)
			break;
		uri = own_name(uri, uuid);
		n = strcspn(uri, "/");
		if (length + n + 2 > RF_URI_MAX)
			return false;
		ret[length++] = '/';
		memcpy(ret + length, uri, n);
		length += n;
		uri += n;
	}
	ret[length] = '\0';
	return true;
}

/* --- copies of documents */

struct copying {
	struct rf_tree *tree;
	const char *uri;  /* of the document */
	const char *uuid; /* to import; NULL: to export */
};

static struct js *copy(const struct copying *copying, const struct js *value, unsigned int depth);

static const char *link_of(const struct js *value)
{
	return js_type(value) == JS_OBJECT ? js_text(js_get(value, "@odata.id")) : NULL;
}

/* A link that it may not follow. */
static bool is_closed(const struct copying *copying, const struct js *value)
{
	const struct js *id;
	const char *link = link_of(value);
	char uri[RF_URI_MAX];
	size_t length;

	if (copying->uuid || js_type(value) != JS_OBJECT)
		return false;
	id = js_get(value, "@odata.id");
	if (!id)
		return false;
	length = link ? strcspn(link, "#") : 0;
	if (!length || length >= sizeof(uri) || link[length - 1] == '/')
		return true;
	memcpy(uri, link, length);
	uri[length] = '\0';
	return !sunfish_tree_has(copying->tree, uri);
}

static struct js *copy_array(const struct copying *copying, const struct js *array,
			     unsigned int depth)
{
	struct js *ret = js_array();
	size_t i;

	for (i = 0; i < js_length(array); i++)
		if (!is_closed(copying, js_at(array, i)))
			js_append(ret, copy(copying, js_at(array, i), depth + 1));
	return ret;
}

static bool is_annotation(const char *key)
{
	return strncmp(key, "@Redfish.", 9) == 0 || strstr(key, "@Redfish.");
}

/* It would put the link to a collection of that name in the place of the array. */
static bool is_shadowed(const struct copying *copying, const char *key, const struct js *value)
{
	char below[RF_URI_MAX];

	return js_type(value) == JS_ARRAY && js_length(value) && link_of(js_at(value, 0)) &&
	       snprintf(below, sizeof(below), "%s/%s", copying->uri, key) < (int)sizeof(below) &&
	       rf_tree_find(copying->tree, below);
}

static bool is_left_out(const struct copying *copying, const char *key, const struct js *value)
{
	if (copying->uuid)
		return false;
	return is_closed(copying, value) || is_annotation(key) || strcmp(key, "Actions") == 0 ||
	       (strcmp(key, "Oem") == 0 && js_type(value) != JS_OBJECT) ||
	       is_shadowed(copying, key, value);
}

/* "Members@odata.count" of what is left of "Members". */
static void set_count(const struct js *from, const char *key, struct js *ret)
{
	static const char suffix[] = "@odata.count";
	CLEANUP_STR struct str name = STR_NULL;

	str_addf(&name, "%s%s", key, suffix);
	if (js_get(from, str_get(&name)))
		js_set(ret, str_get(&name), js_int((int64_t)js_length(js_get(ret, key))));
}

static struct js *copy_object(const struct copying *copying, const struct js *object,
			      unsigned int depth)
{
	struct js *ret = js_object();
	size_t i;

	for (i = 0; i < js_length(object); i++) {
		const char *key = js_key_at(object, i);
		const struct js *value = js_value_at(object, i);

		if (js_get(ret, key) || is_left_out(copying, key, value))
			continue;
		js_set(ret, key, copy(copying, value, depth + 1));
		if (js_type(value) == JS_ARRAY)
			set_count(object, key, ret);
	}
	return ret;
}

#define DEPTH_MAX 32

static struct js *copy(const struct copying *copying, const struct js *value, unsigned int depth)
{
	char uri[RF_URI_MAX];

	if (depth > DEPTH_MAX)
		return js_string(NULL);
	if (js_type(value) == JS_OBJECT) {
		struct js *ret = copy_object(copying, value, depth);
		const char *link = link_of(value);

		if (copying->uuid && link && sunfish_tree_uri(link, copying->uuid, uri))
			js_set(ret, "@odata.id", js_string(uri));
		return ret;
	}
	return js_type(value) == JS_ARRAY ? copy_array(copying, value, depth) : js_ref(value);
}

struct js *sunfish_tree_import(const struct js *doc, const char *uuid)
{
	const struct copying copying = { .uuid = uuid };

	return copy(&copying, doc, 0);
}

/* --- what is added */

static struct js *link_to(const char *uri)
{
	struct js *link = js_object();

	js_set(link, "@odata.id", js_string(uri));
	return link;
}

/* What "Oem" has, and @key. */
static void add_oem(struct js *doc, const char *key, struct js *take_value)
{
	const struct js *before = js_get(doc, "Oem");
	struct js *oem = js_object();
	size_t i;

	for (i = 0; i < js_length(before); i++)
		js_set(oem, js_key_at(before, i), js_ref(js_value_at(before, i)));
	js_set(oem, key, take_value);
	js_set(doc, "Oem", oem);
}

static void add_owner(struct js *doc, const char *owner)
{
	struct js *manager = js_object();

	js_set(manager, "@odata.type", js_string("#SunfishExtensions.v1_0_0.ResourceExtensions"));
	js_set(manager, "ManagingAgent", link_to(owner));
	add_oem(doc, "Sunfish_RM", manager);
}

static void add_marker(struct js *doc, const char *uri)
{
	struct js *marker = js_object();
	char port[RF_URI_MAX];

	snprintf(port, sizeof(port), "%.400s" SUNFISH_MARKER, uri);
	js_set(marker, "@odata.type", js_string("#SunfishNVMeoF.v1_0_0.Fabric"));
	js_set(marker, "MarkerPort", link_to(port));
	add_oem(doc, "SunfishNVMeoF", marker);
}

struct js *sunfish_tree_export(struct rf_tree *tree, const char *uri, const struct js *doc,
			       const char *owner, bool marker)
{
	const struct copying copying = { .tree = tree, .uri = uri };
	struct js *ret = copy(&copying, doc, 0);

	if (marker && sunfish_tree_is_fabric(uri))
		add_marker(ret, uri);
	if (owner)
		add_owner(ret, owner);
	return ret;
}

/* The marker port of that URI. */
static struct js *get_marker(struct rf_tree *tree, const char *uri, const char *owner)
{
	size_t length = strlen(uri);
	size_t end = strlen(SUNFISH_MARKER);
	char fabric[RF_URI_MAX];
	struct js *doc, *bound;

	if (length <= end || strcmp(uri + length - end, SUNFISH_MARKER) != 0)
		return NULL;
	snprintf(fabric, sizeof(fabric), "%.*s", (int)(length - end), uri);
	if (!sunfish_tree_is_fabric(fabric) || !rf_tree_find(tree, fabric))
		return NULL;
	doc = js_object();
	bound = js_object();
	js_set(doc, "@odata.id", js_string(uri));
	js_set(doc, "@odata.type", js_string("#Port.v1_11_0.Port"));
	js_set(doc, "Id", js_string(strrchr(uri, '/') + 1));
	js_set(doc, "Name", js_string("Marker of the agent"));
	js_set(doc, "PortProtocol", js_string("CXL"));
	js_set(doc, "PortType", js_string("UpstreamPort"));
	js_set(bound, "@odata.type", js_string("#SunfishExtensions.v1_0_0.ResourceExtensions"));
	js_set(bound, "BoundaryComponent", js_string("BoundaryPort"));
	if (owner)
		js_set(bound, "ManagingAgent", link_to(owner));
	add_oem(doc, "Sunfish_RM", bound);
	return doc;
}

struct js *sunfish_tree_get(struct rf_tree *tree, const char *uri, const char *owner, bool marker)
{
	CLEANUP_JS struct js *doc = NULL;
	struct js *port = marker ? get_marker(tree, uri, owner) : NULL;

	if (port)
		return port;
	if (!sunfish_tree_has(tree, uri))
		return NULL;
	doc = rf_resource_js(tree, rf_tree_find(tree, uri));
	return doc ? sunfish_tree_export(tree, uri, doc, owner, marker) : NULL;
}

/* --- lists */

void sunfish_list_deinit(struct sunfish_list *list)
{
	while (list->count)
		free(list->items[--list->count]);
	free(list->items);
	*list = (struct sunfish_list){ 0 };
}

void sunfish_list_add(struct sunfish_list *list, const char *uri)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		char **items = realloc(list->items, room * sizeof(*items));

		if (!items) {
			list->failed = true;
			return;
		}
		list->items = items;
		list->room = room;
	}
	list->items[list->count] = strdup(uri);
	if (list->items[list->count])
		list->count++;
	else
		list->failed = true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void sunfish_list_sort(struct sunfish_list *list)
{
	size_t count = 0;
	size_t i;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (i = 0; i < list->count; i++) {
		if (count && strcmp(list->items[count - 1], list->items[i]) == 0)
			free(list->items[i]);
		else
			list->items[count++] = list->items[i];
	}
	list->count = count;
}

bool sunfish_list_has(const struct sunfish_list *list, const char *uri)
{
	return list->count &&
	       bsearch(&uri, list->items, list->count, sizeof(*list->items), compare);
}

static void add_below(struct sunfish_list *list, struct rf_resource *resource)
{
	size_t i;

	if (!rf_resource_class(resource)->collection)
		sunfish_list_add(list, rf_resource_uri(resource));
	for (i = 0; i < rf_resource_child_count(resource); i++)
		add_below(list, rf_resource_child_at(resource, i));
}

void sunfish_tree_list(struct rf_tree *tree, struct sunfish_list *ret)
{
	size_t i;

	for (i = 0; i < N_TOPS; i++) {
		struct rf_resource *top = rf_tree_find(tree, tops[i]);

		if (top)
			add_below(ret, top);
	}
	sunfish_list_sort(ret);
}

void sunfish_list_take(const struct js *array, struct sunfish_list *ret)
{
	size_t i;

	for (i = 0; i < js_length(array); i++)
		if (js_text(js_at(array, i)))
			sunfish_list_add(ret, js_text(js_at(array, i)));
	sunfish_list_sort(ret);
}

void sunfish_list_without(const struct sunfish_list *a, const struct sunfish_list *b,
			  struct sunfish_list *ret)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (!sunfish_list_has(b, a->items[i]))
			sunfish_list_add(ret, a->items[i]);
}
