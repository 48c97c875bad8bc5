/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-service-own.h"

#define LEVELS_MAX 6
/* An answer has so many resources at most. */
#define EXPANDED_MAX 4000
#define PROPERTY_MAX 256

/* --- parse */

struct parse {
	const struct rf_resource *resource;
	struct rf_query *query;
	struct rf_problems *problems;
};

static void refuse(struct parse *parse, const char *key, const char *first, const char *second,
		   const char *third)
{
	rf_problem_add(parse->problems,
		       &(struct rf_problem){ .key = key, .args = { first, second, third } });
}

static bool is_collection(const struct parse *parse)
{
	return rf_resource_class(parse->resource)->collection;
}

static void take_number(struct parse *parse, const char *key, const char *value, bool *ret_has,
			uint64_t *ret)
{
	if (!is_collection(parse))
		refuse(parse, "QueryNotSupportedOnResource", NULL, NULL, NULL);
	else if (str_parse_uint(value, INT64_MAX, ret) < 0)
		refuse(parse, "QueryParameterValueTypeError", value, key, NULL);
	else
		*ret_has = true;
}

/* ".", "*" or "~", perhaps with "($levels=N)" */
static void take_expand(struct parse *parse, const char *value)
{
	static const char levels[] = "($levels=";
	const char *rest = value + 1;
	char number[24];
	uint64_t n = 1;
	size_t length;

	if (!*value || !strchr(".*~", *value)) {
		refuse(parse, "QueryParameterValueFormatError", value, "$expand", NULL);
		return;
	}
	if (*rest) {
		length = strlen(rest);
		if (strncmp(rest, levels, strlen(levels)) != 0 || rest[length - 1] != ')' ||
		    length - strlen(levels) >= sizeof(number)) {
			refuse(parse, "QueryParameterValueFormatError", value, "$expand", NULL);
			return;
		}
		snprintf(number, sizeof(number), "%.*s", (int)(length - strlen(levels) - 1),
			 rest + strlen(levels));
		if (str_parse_uint(number, UINT64_MAX, &n) < 0 || !n) {
			refuse(parse, "QueryParameterValueTypeError", value, "$expand", NULL);
			return;
		}
		if (n > LEVELS_MAX) {
			refuse(parse, "QueryParameterOutOfRange", value, "$expand", "1..6");
			return;
		}
	}
	parse->query->expand = *value;
	parse->query->levels = (unsigned int)n;
}

static void take_select(struct parse *parse, const char *value)
{
	if (!*value || strpbrk(value, "()*"))
		refuse(parse, "QueryParameterValueFormatError", value, "$select", NULL);
	else
		parse->query->select = value;
}

static void take_only(struct parse *parse, const char *value)
{
	if (*value)
		refuse(parse, "QueryParameterValueFormatError", value, "only", NULL);
	else if (!is_collection(parse))
		refuse(parse, "QueryNotSupportedOnResource", NULL, NULL, NULL);
	else
		parse->query->only = true;
}

static void take(void *user, const char *key, const char *value)
{
	struct parse *parse = user;
	struct rf_query *query = parse->query;

	value = value ? value : "";
	if (strcmp(key, "$top") == 0)
		take_number(parse, key, value, &query->has_top, &query->top);
	else if (strcmp(key, "$skip") == 0)
		take_number(parse, key, value, &query->has_skip, &query->skip);
	else if (strcmp(key, "$expand") == 0)
		take_expand(parse, value);
	else if (strcmp(key, "$select") == 0)
		take_select(parse, value);
	else if (strcmp(key, "only") == 0)
		take_only(parse, value);
	else if (*key == '$')
		refuse(parse, "QueryParameterUnsupported", key, NULL, NULL);
	else if (strcmp(key, "excerpt") == 0 && *value)
		refuse(parse, "QueryParameterValueError", key, NULL, NULL);
}

int rf_query_parse(const struct rf_request *request, const struct rf_resource *resource,
		   struct rf_query *ret, struct rf_problems *problems)
{
	struct parse parse = { resource, ret, problems };

	*ret = (struct rf_query){ .unpaged = request->sunfish };
	request->each_query(request->data, take, &parse);
	if (problems->list)
		return -EBADMSG;
	if (ret->only && (ret->has_top || ret->has_skip)) {
		refuse(&parse, "QueryCombinationInvalid", NULL, NULL, NULL);
		return -EBADMSG;
	}
	ret->any = ret->only || ret->has_top || ret->has_skip || ret->expand || ret->select;
	return 0;
}

/* --- $select */

/* Is @name, of @length, in the list "a,b/c"? @ret_below  what is selected of it; NULL all */
static bool is_selected(const char *list, const char *name, size_t length, struct str *below)
{
	bool whole = false;
	bool found = false;

	while (*list) {
		size_t element = strcspn(list, ",");

		if (element >= length && strncmp(list, name, length) == 0 &&
		    (element == length || list[length] == '/')) {
			found = true;
			whole |= element == length;
			if (element > length + 1) {
				str_add(below, below->length ? "," : "");
				str_add_n(below, list + length + 1, element - length - 1);
			}
		}
		list += element;
		list += *list == ',';
	}
	if (whole)
		str_deinit(below);
	return found;
}

static struct js *select_of(const struct js *value, const char *list);

static void select_one(struct js *ret, const char *key, const struct js *value, const char *list)
{
	CLEANUP_STR struct str below = STR_NULL;
	size_t length = strcspn(key, "@");

	/* of a property's annotation, the property decides */
	if (length && !is_selected(list, key, length, &below))
		return;
	js_set(ret, key,
	       below.length && !key[length] ? select_of(value, str_get(&below)) : js_ref(value));
}

static struct js *select_of(const struct js *value, const char *list)
{
	struct js *ret;
	size_t i;

	if (js_type(value) == JS_ARRAY) {
		ret = js_array();
		for (i = 0; i < js_length(value); i++)
			js_append(ret, select_of(js_at(value, i), list));
		return ret;
	}
	if (js_type(value) != JS_OBJECT)
		return js_ref(value);
	ret = js_object();
	for (i = 0; i < js_length(value); i++)
		select_one(ret, js_key_at(value, i), js_value_at(value, i), list);
	return ret;
}

/* --- $expand */

struct expand {
	const struct rf_call *call; /* who asks */
	struct rf_tree *tree;
	const char *select; /* of what is put in; NULL all */
	char mode;
	size_t count;
	bool too_many;
};

static struct js *expanded(struct expand *expand, const struct rf_resource *within,
			   const struct js *value, unsigned int levels, bool links);

/* The resource that {"@odata.id": URI}, and nothing else, is of; NULL: it is no such. */
static struct rf_resource *referred(const struct expand *expand, const struct js *value)
{
	const char *uri = js_text(js_get(value, "@odata.id"));

	return uri && js_length(value) == 1 ? rf_tree_find(expand->tree, uri) : NULL;
}

static bool is_below(const struct rf_resource *above, const struct rf_resource *resource)
{
	size_t length = strlen(rf_resource_uri(above));

	return strncmp(rf_resource_uri(above), rf_resource_uri(resource), length) == 0 &&
	       rf_resource_uri(resource)[length] == '/';
}

static bool is_wanted(const struct expand *expand, const struct rf_resource *within,
		      const struct rf_resource *resource, bool links)
{
	if (links)
		return expand->mode != '.';
	/* what is not below is a link, wherever it stands */
	if (is_below(within, resource))
		return expand->mode != '~';
	return expand->mode == '*';
}

static struct js *put_in(struct expand *expand, struct rf_resource *resource, unsigned int levels)
{
	CLEANUP_JS struct js *doc = NULL;
	CLEANUP_JS struct js *all = NULL;

	if (++expand->count > EXPANDED_MAX) {
		expand->too_many = true;
		return js_object();
	}
	if (!rf_service_may_read(expand->call, resource))
		return rf_ref(resource);
	doc = rf_resource_js(expand->tree, resource);
	if (!doc)
		return NULL;
	all = levels ? expanded(expand, resource, doc, levels, false) : js_ref(doc);
	if (expand->select && !rf_resource_class(resource)->collection)
		return select_of(all, expand->select);
	return TAKE_PTR(all);
}

/* A copy with the resources that are referred to. @links  inside of "Links" */
static struct js *expanded(struct expand *expand, const struct rf_resource *within,
			   const struct js *value, unsigned int levels, bool links)
{
	struct rf_resource *resource;
	struct js *ret;
	size_t i;

	if (expand->too_many)
		return js_ref(value);
	if (js_type(value) == JS_ARRAY) {
		ret = js_array();
		for (i = 0; i < js_length(value); i++)
			js_append(ret, expanded(expand, within, js_at(value, i), levels, links));
		return ret;
	}
	if (js_type(value) != JS_OBJECT)
		return js_ref(value);
	resource = referred(expand, value);
	if (resource)
		return is_wanted(expand, within, resource, links)
			       ? put_in(expand, resource, levels - 1)
			       : js_ref(value);
	ret = js_object();
	for (i = 0; i < js_length(value); i++) {
		const char *key = js_key_at(value, i);

		js_set(ret, key,
		       expanded(expand, within, js_value_at(value, i), levels,
				links || strcmp(key, "Links") == 0));
	}
	return ret;
}

/* --- pages */

static void add_next(struct js *doc, const struct rf_resource *resource,
		     const struct rf_query *query, uint64_t skip, uint64_t top)
{
	CLEANUP_STR struct str next = STR_NULL;

	str_addf(&next, "%s?$skip=%llu", rf_resource_uri(resource), (unsigned long long)skip);
	if (query->has_top)
		str_addf(&next, "&$top=%llu", (unsigned long long)top);
	if (query->expand && query->levels > 1)
		str_addf(&next, "&$expand=%c($levels=%u)", query->expand, query->levels);
	else if (query->expand)
		str_addf(&next, "&$expand=%c", query->expand);
	js_set(doc, "Members@odata.nextLink", js_string(str_get(&next)));
}

/* The members from $skip on, no more than $top and a page. */
static struct js *page_of(const struct rf_service *service, const struct rf_resource *resource,
			  const struct rf_query *query, const struct js *doc)
{
	static const char *const members_key[] = { "Members", NULL };
	const struct js *members = js_get(doc, "Members");
	uint64_t count = js_length(members);
	uint64_t page = service->page && !query->unpaged ? service->page : UINT64_MAX;
	uint64_t top = query->has_top ? query->top : UINT64_MAX;
	uint64_t most = top < page ? top : page;
	struct js *ret;
	struct js *array;
	uint64_t i;

	if (!query->skip && most >= count)
		return js_ref(doc);
	ret = js_copy_without(doc, members_key);
	array = js_array();
	for (i = query->skip; i < count && i - query->skip < most; i++)
		js_append(array, js_ref(js_at(members, i)));
	js_set(ret, "Members", array);
	if (most < top && i < count)
		add_next(ret, resource, query, i, top - most);
	return ret;
}

int rf_query_render(const struct rf_call *call, struct rf_resource *resource,
		    const struct rf_query *query, char **ret_text)
{
	const struct rf_service *service = call->service;
	bool collection = rf_resource_class(resource)->collection;
	struct expand expand = { .call = call,
				 .tree = service->tree,
				 .mode = query->expand,
				 .select = collection ? query->select : NULL };
	CLEANUP_JS struct js *doc = rf_resource_js(service->tree, resource);
	CLEANUP_JS struct js *page = NULL;
	CLEANUP_JS struct js *whole = NULL;
	CLEANUP_JS struct js *chosen = NULL;

	if (!doc)
		return -ENOMEM;
	page = collection ? page_of(service, resource, query, doc) : js_ref(doc);
	whole = query->expand ? expanded(&expand, resource, page, query->levels, false)
			      : js_ref(page);
	if (expand.too_many)
		return -E2BIG;
	/* of a collection that is expanded, it is its members' properties that are chosen */
	chosen = query->select && !(collection && query->expand) ? select_of(whole, query->select)
								 : js_ref(whole);
	*ret_text = js_format(chosen, JS_COMPACT);
	return *ret_text ? 0 : -ENOMEM;
}
