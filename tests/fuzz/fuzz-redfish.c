/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz-redfish - requests of anybody to a Redfish service of a few resources. Each is answered:
 * by a JSON object or a document, without a body where there may be none, and errors say what they
 * are; who may not change anything has not.
 *
 * The input: the first byte is the right. Requests are parted by NUL bytes: a line "METHOD URI",
 * lines of headers, an empty line, a body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "redfish/rf-service.h"
#include "tests/fuzz/tree.h"

#define REQUESTS_MAX 16
#define THINGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char names[THINGS_MAX][32];
static size_t n_names;
static unsigned int right;
static bool changed;

/* --- the service */

static int render(void *data, struct rf_resource *resource, struct js *doc)
{
	struct rf_tree *tree = rf_resource_tree(resource);
	struct js *links = js_object();
	struct js *list = js_array();

	(void)data;
	js_set(doc, "Name", js_string(rf_resource_object(resource)));
	js_append(list, js_string("a"));
	js_append(list, js_object());
	js_set(doc, "List", list);
	js_set(doc, "Things", rf_ref(rf_tree_find(tree, RF_ROOT "/Things")));
	rf_set_links(tree, links, "To", 1, resource, false);
	rf_set_links(tree, links, "From", 1, resource, true);
	js_set(doc, "Links", links);
	rf_set_status(resource, doc, "Enabled", "OK", NULL);
	return 0;
}

static int patch(void *data, struct rf_call *call)
{
	static const char *const writable[] = { "Name", "List", NULL };
	const char *name = js_text(js_get(call->body, "Name"));
	int r = rf_patch_check(call, writable);

	(void)data;
	if (r < 0)
		return r;
	changed = true;
	if (js_get(call->body, "List")) {
		CLEANUP_JS struct js *list =
			rf_patch_array(js_get(call->body, "Name"), js_get(call->body, "List"));

		REQUIRE(list);
	}
	if (name)
		snprintf(rf_resource_object(call->resource), sizeof(names[0]), "%s", name);
	rf_resource_touch(rf_service_tree(call->service), call->resource);
	return 0;
}

static int post(void *data, struct rf_call *call);

static int delete (void *data, struct rf_call *call)
{
	(void)data;
	changed = true;
	rf_tree_remove(rf_service_tree(call->service), call->resource);
	return 0;
}

static int turn(void *data, struct rf_call *call)
{
	(void)data;
	changed = true;
	if (js_get(call->body, "Way"))
		return 0;
	return rf_problem_property(&call->problems, "PropertyMissing", "Way", NULL, NULL);
}

static const struct rf_action actions[] = { { "#Thing.Turn", turn }, { 0 } };
static const struct rf_class root = { .type = "#ServiceRoot.v1_18_0.ServiceRoot",
				      .read = RF_EVERYBODY,
				      .render = render };
static const struct rf_class class = { .type = "#Thing.v1_2_0.Thing",
				       .write = RF_CONFIGURE_COMPONENTS,
				       .render = render,
				       .patch = patch,
				       .delete = delete,
				       .actions = actions };
static const struct rf_class collection = { .type = "#ThingCollection.ThingCollection",
					    .collection = true,
					    .name = "Things",
					    .write = RF_CONFIGURE_COMPONENTS,
					    .post = post };

static int make(struct rf_tree *tree, const char *id, char *ret_uri)
{
	if (n_names == THINGS_MAX)
		return -ENOSPC;
	snprintf(ret_uri, RF_URI_MAX, RF_ROOT "/Things/%.400s", id);
	snprintf(names[n_names], sizeof(names[0]), "name");
	return rf_tree_add(tree, ret_uri, &class, names[n_names++], NULL, NULL);
}

static int post(void *data, struct rf_call *call)
{
	const char *id = call->member_id ? call->member_id : js_text(js_get(call->body, "Id"));
	struct rf_tree *tree = rf_service_tree(call->service);
	char uri[RF_URI_MAX];
	int r;

	(void)data;
	changed = true;
	if (!id)
		return rf_problem_property(&call->problems, "PropertyMissing", "Id", NULL, NULL);
	r = make(tree, id, uri);
	if (r == -ENOSPC)
		return r;
	if (r < 0)
		return rf_problem_property(&call->problems, "PropertyValueIncorrect", "Id", id,
					   NULL);
	rf_link_add(tree, 1, rf_tree_find(tree, RF_ROOT), rf_tree_find(tree, uri));
	rf_call_created(call, uri);
	return 0;
}

static int authenticate(void *data, const struct rf_request *request, struct rf_who *ret,
			struct err *err)
{
	(void)data;
	(void)request;
	if (right == 0)
		return err_set(err, -EACCES, "who?");
	ret->privileges = right == 1 ? RF_LOGIN : RF_LOGIN | RF_CONFIGURE_COMPONENTS;
	ret->must_change_password = right == 3;
	return 0;
}

/* --- requests */

struct text {
	const char *headers;
	char *query;
	char value[256];
};

static const char *header(const void *data, const char *name)
{
	struct text *text = (struct text *)data;
	const char *at = text->headers;
	size_t length = strlen(name);

	for (; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (strncasecmp(at, name, length) == 0 && at[length] == ':') {
			snprintf(text->value, sizeof(text->value), "%.*s",
				 (int)strcspn(at + length + 1, "\n"), at + length + 1);
			return text->value + strspn(text->value, " ");
		}
	return NULL;
}

static void each_query(const void *data, void (*fn)(void *user, const char *key, const char *value),
		       void *user)
{
	struct text *text = (struct text *)data;
	char *rest = text->query;
	char *pair;

	while (rest && (pair = strsep(&rest, "&"))) {
		const char *key = strsep(&pair, "=");

		fn(user, key, pair ? pair : "");
	}
	text->query = NULL;
}

static void check_answer(const struct rf_call *call)
{
	const struct rf_answer *answer = &call->answer;
	CLEANUP_JS struct js *js = NULL;
	size_t i;

	REQUIRE(answer->status >= 200 && answer->status < 600 && answer->status != 500);
	for (i = 0; i < answer->n_headers; i++)
		REQUIRE(!strpbrk(answer->headers[i], "\r\n"));
	if (answer->status == 204 || answer->status == 304) {
		REQUIRE(!answer->body.length);
		return;
	}
	REQUIRE(js_parse(str_get(&answer->body), answer->body.length, &js, NULL) == 0);
	REQUIRE(js_type(js) == JS_OBJECT);
	REQUIRE(!js_get(js, "error") == (answer->status < 400));
}

static void send_request(struct rf_service *service, char *request_text)
{
	struct text text = { .headers = "" };
	struct rf_request request = { .header = header, .each_query = each_query, .data = &text };
	struct rf_call call = { 0 };
	char *line = strsep(&request_text, "\n");
	char *body = request_text ? strstr(request_text, "\n\n") : NULL;

	request.method = strsep(&line, " ");
	text.query = line;
	request.uri = line ? strsep(&text.query, "?") : "";
	request.body = "";
	request.address = "a";
	if (body) {
		*body = '\0';
		request.body = body + 2;
		request.length = strlen(body + 2);
	}
	if (request_text)
		text.headers = request_text;
	changed = false;
	if (rf_service_begin(service, &request, &call) == 1) {
		int r = rf_service_run(service, &call, NULL);

		rf_tree_settle(rf_service_tree(service), NULL);
		rf_service_finish(service, &call, r < 0 ? r : call.code);
	}
	REQUIRE(!changed || right == 2);
	check_answer(&call);
	rf_call_deinit(&call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rf_hooks hooks = { .authenticate = authenticate };
	struct rf_tree *tree = rf_tree_new();
	struct rf_service *service = NULL;
	CLEANUP_FREE char *text = NULL;
	static char root_name[32] = "root";
	char uri[RF_URI_MAX];
	char *at;
	int count;

	if (size < 2) {
		rf_tree_free(tree);
		return 0;
	}
	right = data[0] % 4;
	n_names = 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	REQUIRE(rf_service_new(tree, &hooks, &service, NULL) == 0);
	rf_service_set_page(service, 3);
	rf_tree_add(tree, RF_ROOT, &root, root_name, NULL, NULL);
	rf_tree_add(tree, RF_ROOT "/Things", &collection, NULL, NULL, NULL);
	for (count = 0; count < 4; count++)
		make(tree, (const char *[]){ "a", "b", "c", "d" }[count], uri);
	rf_link_add(tree, 1, rf_tree_find(tree, RF_ROOT "/Things/a"),
		    rf_tree_find(tree, RF_ROOT "/Things/b"));
	at = text;
	for (count = 0; count < REQUESTS_MAX && at < text + size; count++) {
		size_t length = strlen(at);

		send_request(service, at);
		at += length + 1;
	}
	rf_service_free(service);
	rf_tree_free(tree);
	return 0;
}
