/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/redfish/rf-ask.h"

#include "base/cleanup.h"

#define JSON "Content-Type: application/json\n"

/* --- a service of a few things */

struct thing {
	char name[32];
};

static struct thing things[64];
static size_t n_things;
static struct rf_call *kept;

static int render_root(void *data, struct rf_resource *resource, struct js *doc)
{
	(void)data;
	(void)resource;
	js_set(doc, "Id", js_string("Root"));
	js_set(doc, "Name", js_string("Root"));
	js_set(doc, "Things", rf_ref(rf_tree_find(rf_resource_tree(resource), RF_ROOT "/Things")));
	return 0;
}

static int render(void *data, struct rf_resource *resource, struct js *doc)
{
	struct thing *thing = rf_resource_object(resource);
	struct js *links = js_object();
	struct js *size = js_object();

	(void)data;
	js_set(doc, "Name", js_string(thing->name));
	js_set(size, "Width", js_int(3));
	js_set(size, "Height", js_int(4));
	js_set(doc, "Size", size);
	rf_set_links(rf_resource_tree(resource), links, "Others", 1, resource, false);
	js_set(doc, "Links", links);
	return 0;
}

static int patch(void *data, struct rf_call *call)
{
	static const char *const writable[] = { "Name", NULL };
	struct thing *thing = rf_resource_object(call->resource);
	const char *name;
	int r = rf_patch_check(call, writable);

	(void)data;
	if (r < 0)
		return r;
	name = js_text(js_get(call->body, "Name"));
	if (!name)
		return rf_problem_property(&call->problems, "PropertyValueTypeError", "Name", "?",
					   NULL);
	if (strcmp(name, "later") == 0) {
		kept = call;
		return RF_LATER;
	}
	if (strcmp(name, "full") == 0)
		return -ENOSPC;
	if (strcmp(name, "busy") == 0)
		return -EAGAIN;
	snprintf(thing->name, sizeof(thing->name), "%s", name);
	rf_resource_touch(rf_service_tree(call->service), call->resource);
	return 0;
}

static int post(void *data, struct rf_call *call);
static int delete (void *data, struct rf_call *call)
{
	(void)data;
	rf_tree_remove(rf_service_tree(call->service), call->resource);
	return 0;
}

static int turn(void *data, struct rf_call *call)
{
	(void)data;
	if (!js_get(call->body, "Way"))
		return rf_problem_add(&call->problems,
				      &(struct rf_problem){ .key = "ActionParameterMissing",
							    .args = { "Thing.Turn", "Way" } });
	return 0;
}

static const struct rf_action actions[] = { { "#Thing.Turn", turn }, { 0 } };
static const struct rf_class root = { .type = "#ServiceRoot.v1_18_0.ServiceRoot",
				      .read = RF_EVERYBODY,
				      .render = render_root };
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

static void make(struct rf_tree *tree, const char *id)
{
	struct thing *thing = &things[n_things++];
	char uri[128];

	snprintf(thing->name, sizeof(thing->name), "%s", id);
	snprintf(uri, sizeof(uri), RF_ROOT "/Things/%s", id);
	assert_int_equal(rf_tree_add(tree, uri, &class, thing, NULL, NULL), 0);
}

static int post(void *data, struct rf_call *call)
{
	const char *id = call->member_id ? call->member_id : js_text(js_get(call->body, "Id"));
	char uri[128];

	(void)data;
	if (!id)
		return rf_problem_property(&call->problems, "PropertyMissing", "Id", NULL, NULL);
	snprintf(uri, sizeof(uri), RF_ROOT "/Things/%s", id);
	if (!rf_tree_find(rf_service_tree(call->service), uri))
		make(rf_service_tree(call->service), id);
	rf_call_created(call, uri);
	return 0;
}

struct fixture {
	struct rf_tree *tree;
	struct rf_service *service;
	unsigned int privileges;
	bool must_change;
	unsigned int audited;
	struct rf_call call;
};

static int authenticate(void *data, const struct rf_request *request, struct rf_who *ret,
			struct err *err)
{
	struct fixture *f = data;
	const char *token = request->header(request->data, "X-Auth-Token");

	if (!token || strcmp(token, "t") != 0)
		return err_set(err, token && strcmp(token, "many") == 0 ? -EAGAIN : -EACCES,
			       "who?");
	ret->privileges = f->privileges;
	ret->must_change_password = f->must_change;
	strcpy(ret->account, RF_ROOT "/Things/a");
	return 0;
}

static bool is_own(void *data, const struct rf_who *who, const struct rf_resource *resource)
{
	(void)data;
	return strcmp(rf_resource_uri(resource), who->account) == 0;
}

static void audit(void *data, const struct rf_call *call, unsigned int status)
{
	struct fixture *f = data;

	(void)call;
	f->audited = status;
}

static int make_odata(void *data, struct str *text)
{
	(void)data;
	str_add(text, "{}");
	return 0;
}

static void start(struct fixture *f)
{
	struct rf_hooks hooks = {
		.authenticate = authenticate, .is_own = is_own, .audit = audit, .data = f
	};

	*f = (struct fixture){ .privileges = UINT32_MAX };
	n_things = 0;
	f->tree = rf_tree_new();
	assert_int_equal(rf_service_new(f->tree, &hooks, &f->service, NULL), 0);
	rf_tree_add(f->tree, RF_ROOT, &root, NULL, NULL, NULL);
	rf_tree_add(f->tree, RF_ROOT "/Things", &collection, NULL, NULL, NULL);
	make(f->tree, "a");
	make(f->tree, "b");
	make(f->tree, "c");
	rf_link_add(f->tree, 1, rf_tree_find(f->tree, RF_ROOT "/Things/a"),
		    rf_tree_find(f->tree, RF_ROOT "/Things/b"));
	rf_service_add_document(f->service, RF_ROOT "/odata", "application/json", make_odata, NULL);
}

static void stop(struct fixture *f)
{
	rf_call_deinit(&f->call);
	rf_service_free(f->service);
	rf_tree_free(f->tree);
}
#define FIXTURE __attribute__((cleanup(stop))) struct fixture

static void says(struct fixture *f, const char *method, const char *uri, const char *headers,
		 const char *body, unsigned int status)
{
	struct rf_ask ask = { .request = { .method = method, .uri = uri, .body = body } };
	char all[1024];

	snprintf(all, sizeof(all), "X-Auth-Token: t\n%s", headers);
	ask.headers = all;
	rf_call_deinit(&f->call);
	if (rf_ask(f->service, &ask, &f->call) != status)
		fail_msg("%s %s: %u %s", method, uri, f->call.answer.status,
			 str_get(&f->call.answer.body));
}

static void get(struct fixture *f, const char *uri, unsigned int status)
{
	says(f, "GET", uri, "", NULL, status);
}

static void has(const struct fixture *f, const char *part)
{
	if (!strstr(str_get(&f->call.answer.body), part))
		fail_msg("%s has no %s", str_get(&f->call.answer.body), part);
}

static void has_not(const struct fixture *f, const char *part)
{
	if (strstr(str_get(&f->call.answer.body), part))
		fail_msg("%s has %s", str_get(&f->call.answer.body), part);
}

static const char *header(const struct fixture *f, const char *name)
{
	size_t length = strlen(name);
	size_t i;

	for (i = 0; i < f->call.answer.n_headers; i++)
		if (strncmp(f->call.answer.headers[i], name, length) == 0)
			return f->call.answer.headers[i] + length + 2;
	return "";
}

/* --- reading */

static void a_resource_comes_with_its_headers(void **state)
{
	FIXTURE f;
	char etag[32];

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things/a", 200);
	has(&f, "\"Id\":\"a\"");
	assert_string_equal(header(&f, "OData-Version"), "4.0");
	assert_string_equal(header(&f, "Cache-Control"), "no-cache");
	assert_string_equal(header(&f, "Allow"), "GET, HEAD, PATCH, DELETE");
	assert_string_equal(header(&f, "Link"),
			    "</redfish/v1/JsonSchemas/Thing.v1_2_0.json>; rel=describedby");
	snprintf(etag, sizeof(etag), "%s", header(&f, "ETag"));
	says(&f, "HEAD", RF_ROOT "/Things/a", "", NULL, 200);
	assert_true(f.call.answer.no_body);
	assert_string_equal(header(&f, "ETag"), etag);
}

static void slashes_before_and_after_do_no_harm(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	get(&f, "//redfish/v1/Things/a", 200);
	get(&f, "/redfish/v1/Things/a/", 200);
	get(&f, "/redfish/v1/", 200);
	get(&f, "/redfish/v1/Things//a", 404);
	get(&f, "/redfish/v1/Things/../Things/a", 404);
	get(&f, "/redfish/v1/Things/Members", 404);
	get(&f, "", 404);
	get(&f, "/", 404);
}

static void what_is_known_is_not_sent_again(void **state)
{
	FIXTURE f;
	char headers[64];

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things/a", 200);
	snprintf(headers, sizeof(headers), "If-None-Match: \"x\", %s\n", header(&f, "ETag"));
	says(&f, "GET", RF_ROOT "/Things/a", headers, NULL, 304);
	assert_int_equal(f.call.answer.body.length, 0);
	says(&f, "GET", RF_ROOT "/Things/b", headers, NULL, 200);
	says(&f, "GET", RF_ROOT "/Things/a", "If-None-Match: *\n", NULL, 304);
}

static void nobody_is_told_anything_before_he_says_who_he_is(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	says(&f, "GET", RF_ROOT "/Things/a", "", NULL, 200);
	says(&f, "GET", RF_ROOT "/nothing", "", NULL, 404);
	f.privileges = 0;
	says(&f, "GET", RF_ROOT "/Things/a", "", NULL, 403);
	{
		struct rf_ask ask = { .request = { .method = "GET", .uri = RF_ROOT "/nothing" } };

		rf_call_deinit(&f.call);
		ask.headers = "If-None-Match: *\n";
		assert_int_equal(rf_ask(f.service, &ask, &f.call), 401);
		assert_non_null(strstr(header(&f, "WWW-Authenticate"), "Basic realm="));
		rf_call_deinit(&f.call);
		ask.request.uri = RF_ROOT "/Things";
		ask.headers = "X-Auth-Token: many\n";
		assert_int_equal(rf_ask(f.service, &ask, &f.call), 429);
		rf_call_deinit(&f.call);
		ask.headers = "";
		ask.request.uri = RF_ROOT "?$expand=*($levels=6)";
		assert_int_equal(rf_ask(f.service, &ask, &f.call), 401);
		rf_call_deinit(&f.call);
		ask.request.uri = RF_ROOT "/odata";
		assert_int_equal(rf_ask(f.service, &ask, &f.call), 200);
		rf_call_deinit(&f.call);
		ask.request.uri = RF_ROOT "/";
		assert_int_equal(rf_ask(f.service, &ask, &f.call), 200);
	}
}

static void a_header_that_asks_for_the_impossible_is_refused(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	says(&f, "GET", RF_ROOT "/Things", "Accept: text/html\n", NULL, 406);
	says(&f, "GET", RF_ROOT "/Things", "Accept: text/html, application/*;q=0.5\n", NULL, 200);
	says(&f, "GET", RF_ROOT "/Things", "Accept: application/json;q=0\n", NULL, 406);
	says(&f, "GET", RF_ROOT "/things.yaml", "Accept: application/yaml\n", NULL, 404);
	says(&f, "GET", RF_ROOT "/Things", "OData-Version: 3.0\n", NULL, 412);
	says(&f, "GET", RF_ROOT "/Things", "OData-Version: 4.0\n", NULL, 200);
}

/* --- queries */

static void members_come_by_top_and_skip_with_their_whole_count(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things?$top=1&$skip=1", 200);
	has(&f, "\"Members@odata.count\":3,\"Members\":[{\"@odata.id\":\"/redfish/v1/Things/b\"}]");
	get(&f, RF_ROOT "/Things?$skip=7", 200);
	has(&f, "\"Members\":[]");
	get(&f, RF_ROOT "/Things?$top=-1", 400);
	get(&f, RF_ROOT "/Things?$top=x", 400);
	get(&f, RF_ROOT "/Things/a?$top=1", 400);
	has(&f, "QueryNotSupportedOnResource");
}

static void a_page_says_where_the_next_one_is(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	rf_service_set_page(f.service, 2);
	get(&f, RF_ROOT "/Things", 200);
	has(&f, "\"Members@odata.nextLink\":\"/redfish/v1/Things?$skip=2\"");
	get(&f, RF_ROOT "/Things?$skip=2", 200);
	has_not(&f, "nextLink");
	has(&f, "Things/c");
	get(&f, RF_ROOT "/Things?$top=3&$expand=.", 200);
	has(&f, "Things?$skip=2&$top=1&$expand=.");
}

static void expand_puts_in_what_is_referred_to(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things?$expand=.", 200);
	has(&f, "\"Members\":[{\"@odata.etag\"");
	has(&f, "\"Others\":[{\"@odata.id\":\"/redfish/v1/Things/b\"}]");
	get(&f, RF_ROOT "/Things/a?$expand=~", 200);
	has(&f, "\"Others\":[{\"@odata.etag\"");
	get(&f, RF_ROOT "/Things/a?$expand=.", 200);
	has(&f, "\"Others\":[{\"@odata.id\":\"/redfish/v1/Things/b\"}]");
	get(&f, RF_ROOT "/?$expand=*($levels=3)", 200);
	has(&f, "\"Others\":[{\"@odata.etag\"");
	get(&f, RF_ROOT "/Things?$expand=.($levels=7)", 400);
	get(&f, RF_ROOT "/Things?$expand=.($levels=0)", 400);
	get(&f, RF_ROOT "/Things?$expand=x", 400);
	get(&f, RF_ROOT "/Things?$expand", 400);
}

static void select_leaves_the_rest_out(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things/a?$select=Size/Width,Id", 200);
	has(&f, "\"@odata.id\"");
	has(&f, "\"Size\":{\"Width\":3}");
	has_not(&f, "\"Name\"");
	get(&f, RF_ROOT "/Things?$expand=.&$select=Name", 200);
	has(&f, "\"Name\":\"a\"");
	has_not(&f, "Size");
	get(&f, RF_ROOT "/Things?$select=Members", 200);
	has(&f, "\"Members@odata.count\":3");
	get(&f, RF_ROOT "/Things?$select=", 400);
}

static void only_and_unknown_queries(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things?only", 200);
	has(&f, "\"Members\"");
	rf_tree_remove(f.tree, rf_tree_find(f.tree, RF_ROOT "/Things/a"));
	rf_tree_remove(f.tree, rf_tree_find(f.tree, RF_ROOT "/Things/b"));
	get(&f, RF_ROOT "/Things?only", 200);
	has(&f, "\"Id\":\"c\"");
	get(&f, RF_ROOT "/Things?only=1", 400);
	get(&f, RF_ROOT "/Things/c?only", 400);
	get(&f, RF_ROOT "/Things?$filter=Name", 501);
	get(&f, RF_ROOT "/Things?$what", 501);
	get(&f, RF_ROOT "/Things?what=1", 200);
	get(&f, RF_ROOT "/Things?excerpt=foo", 400);
}

/* --- changes */

static void a_patch_does_what_can_be_done_and_says_the_rest(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON,
	     "{\"Name\":\"x\",\"Id\":\"y\",\"Foo\":1,\"@odata.id\":\"z\"}", 200);
	has(&f, "\"Name\":\"x\"");
	has(&f, "Base.1.19.PropertyNotWritable");
	has(&f, "Base.1.19.PropertyUnknown");
	assert_int_equal(f.audited, 200);
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON, "{\"Foo\":1}", 400);
	has(&f, "PropertyUnknown");
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON, "{\"@odata.id\":\"z\"}", 400);
	has(&f, "NoOperation");
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON, "{}", 400);
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON, "{\"Name\":3}", 400);
	has(&f, "#/Name");
}

static void a_change_of_what_has_changed_is_refused(void **state)
{
	FIXTURE f;
	char headers[128];

	(void)state;
	start(&f);
	get(&f, RF_ROOT "/Things/a", 200);
	snprintf(headers, sizeof(headers), JSON "If-Match: %s\n", header(&f, "ETag"));
	says(&f, "PATCH", RF_ROOT "/Things/a", headers, "{\"Name\":\"x\"}", 200);
	says(&f, "PATCH", RF_ROOT "/Things/a", headers, "{\"Name\":\"y\"}", 412);
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON "If-Match: *\n", "{\"Name\":\"y\"}", 200);
	get(&f, RF_ROOT "/Things/a", 200);
	snprintf(headers, sizeof(headers), JSON "If-Match: %s\"foobar\n", header(&f, "ETag"));
	says(&f, "PATCH", RF_ROOT "/Things/a", headers, "{\"Name\":\"z\"}", 412);
	get(&f, RF_ROOT "/Things/a", 200);
	snprintf(headers, sizeof(headers), JSON "If-Match: W/%s\n", header(&f, "ETag"));
	says(&f, "DELETE", RF_ROOT "/Things/a", headers, NULL, 412);
}

static void a_body_that_is_none_is_refused(void **state)
{
	FIXTURE f;
	char deep[256];

	(void)state;
	start(&f);
	says(&f, "POST", RF_ROOT "/Things", "Content-Type: text/plain\n", "{}", 415);
	says(&f, "POST", RF_ROOT "/Things", "", "{}", 415);
	says(&f, "POST", RF_ROOT "/Things", JSON, "{\"Id\":\"n\",\"Id\":\"m\"}", 400);
	has(&f, "MalformedJSON");
	says(&f, "POST", RF_ROOT "/Things", JSON, "[]", 400);
	says(&f, "POST", RF_ROOT "/Things", JSON, "", 400);
	memset(deep, '[', 100);
	deep[100] = '\0';
	says(&f, "POST", RF_ROOT "/Things", JSON, deep, 400);
	has(&f, "more than 32 levels");
}

static void a_post_makes_a_member_by_three_uris(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	says(&f, "POST", RF_ROOT "/Things", "Content-Type: application/json; charset=utf-8\n",
	     "{\"Id\":\"n1\"}", 201);
	assert_string_equal(header(&f, "Location"), RF_ROOT "/Things/n1");
	has(&f, "\"Id\":\"n1\"");
	says(&f, "POST", RF_ROOT "/Things/Members", JSON, "{\"Id\":\"n2\"}", 201);
	says(&f, "POST", "//redfish/v1/Things/n3", JSON, "{}", 200);
	has(&f, "\"Id\":\"n3\"");
	says(&f, "POST", RF_ROOT "/Things/n3", JSON, "{}", 405);
	says(&f, "POST", RF_ROOT "/Things/n 4", JSON, "{}", 404);
	says(&f, "POST", RF_ROOT "/Things", JSON, "{}", 400);
	has(&f, "PropertyMissing");
}

static void what_a_resource_does_not_have_is_said_in_allow(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	says(&f, "DELETE", RF_ROOT "/Things", "", NULL, 405);
	assert_string_equal(header(&f, "Allow"), "GET, HEAD, POST");
	says(&f, "PUT", RF_ROOT "/Things/a", JSON, "{}", 405);
	says(&f, "FAKE", RF_ROOT "/Things/a", JSON, "{}", 501);
	says(&f, "POST", RF_ROOT "/odata", JSON, "{}", 405);
	says(&f, "POST", RF_ROOT "/", JSON, "{}", 405);
	says(&f, "DELETE", RF_ROOT "/Things/a", "", NULL, 204);
	assert_int_equal(f.call.answer.body.length, 0);
	says(&f, "DELETE", RF_ROOT "/Things/a", "", NULL, 404);
}

static void an_action_is_called_at_its_target(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	says(&f, "POST", RF_ROOT "/Things/a/Actions/Thing.Turn", JSON, "{\"Way\":1}", 204);
	says(&f, "POST", RF_ROOT "/Things/a/Actions/Thing.Turn", "", NULL, 400);
	has(&f, "ActionParameterMissing");
	says(&f, "POST", RF_ROOT "/Things/a/Actions/Thing.Jump", JSON, "{}", 404);
	says(&f, "GET", RF_ROOT "/Things/a/Actions/Thing.Turn", "", NULL, 405);
	assert_string_equal(header(&f, "Allow"), "POST");
}

static void who_may_only_read_changes_nothing(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	f.privileges = RF_LOGIN;
	get(&f, RF_ROOT "/Things/a", 200);
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON, "{\"Name\":\"x\"}", 403);
	says(&f, "POST", RF_ROOT "/Things/a/Actions/Thing.Turn", JSON, "{\"Way\":1}", 403);
	says(&f, "DELETE", RF_ROOT "/Things/a", "", NULL, 403);
	assert_int_equal(f.audited, 403);
	get(&f, RF_ROOT "/Things/a", 200);
	has(&f, "\"Name\":\"a\"");
}

static void who_must_change_his_password_sees_his_account_only(void **state)
{
	FIXTURE f;

	(void)state;
	start(&f);
	f.must_change = true;
	get(&f, RF_ROOT "/Things/b", 403);
	has(&f, "PasswordChangeRequired");
	has(&f, "/redfish/v1/Things/a");
	get(&f, RF_ROOT "/nothing", 403);
	get(&f, RF_ROOT "/Things/a", 200);
	says(&f, "PATCH", RF_ROOT "/Things/a", JSON, "{\"Name\":\"x\"}", 200);
}

static void what_cannot_be_stored_is_503_and_not_done(void **state)
{
	FIXTURE f;
	struct rf_ask ask = { .request = { .method = "PATCH",
					   .uri = RF_ROOT "/Things/a",
					   .body = "{\"Name\":\"full\"}" },
			      .headers = JSON "X-Auth-Token: t\n" };

	(void)state;
	start(&f);
	rf_ask(f.service, &ask, &f.call);
	assert_int_equal(f.call.code, -ENOSPC);
	rf_service_finish(f.service, &f.call, -ENOSPC);
	assert_int_equal(f.call.answer.status, 503);
	assert_string_equal(header(&f, "Retry-After"), "1");
}

static void what_is_too_much_fails_alone(void **state)
{
	FIXTURE f;
	struct rf_ask ask = { .request = { .method = "PATCH",
					   .uri = RF_ROOT "/Things/a",
					   .body = "{\"Name\":\"busy\"}" },
			      .headers = JSON "X-Auth-Token: t\n" };

	(void)state;
	start(&f);
	assert_int_equal(rf_ask(f.service, &ask, &f.call), 503);
	assert_int_equal(f.call.code, -EBADMSG);
}

static void an_answer_may_come_later_even_if_its_resource_is_gone(void **state)
{
	FIXTURE f;
	struct rf_ask ask = { .request = { .method = "PATCH",
					   .uri = RF_ROOT "/Things/a",
					   .body = "{\"Name\":\"later\"}" },
			      .headers = JSON "X-Auth-Token: t\n" };

	(void)state;
	start(&f);
	rf_ask(f.service, &ask, &f.call);
	assert_ptr_equal(kept, &f.call);
	f.call.request = NULL;
	rf_tree_remove(f.tree, rf_tree_find(f.tree, RF_ROOT "/Things/a"));
	rf_service_finish(f.service, &f.call, 0);
	assert_int_equal(f.call.answer.status, 204);
}

static void an_array_is_patched_in_order(void **state)
{
	CLEANUP_JS struct js *now = NULL;
	CLEANUP_JS struct js *change = NULL;
	CLEANUP_JS struct js *after = NULL;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	js_parse("[\"a\",\"b\",\"c\",\"d\"]", 17, &now, NULL);
	js_parse("[{},null,\"x\"]", 13, &change, NULL);
	after = rf_patch_array(now, change);
	text = js_format(after, JS_COMPACT);
	assert_string_equal(text, "[\"a\",\"x\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resource_comes_with_its_headers),
		cmocka_unit_test(slashes_before_and_after_do_no_harm),
		cmocka_unit_test(what_is_known_is_not_sent_again),
		cmocka_unit_test(nobody_is_told_anything_before_he_says_who_he_is),
		cmocka_unit_test(a_header_that_asks_for_the_impossible_is_refused),
		cmocka_unit_test(members_come_by_top_and_skip_with_their_whole_count),
		cmocka_unit_test(a_page_says_where_the_next_one_is),
		cmocka_unit_test(expand_puts_in_what_is_referred_to),
		cmocka_unit_test(select_leaves_the_rest_out),
		cmocka_unit_test(only_and_unknown_queries),
		cmocka_unit_test(a_patch_does_what_can_be_done_and_says_the_rest),
		cmocka_unit_test(a_change_of_what_has_changed_is_refused),
		cmocka_unit_test(a_body_that_is_none_is_refused),
		cmocka_unit_test(a_post_makes_a_member_by_three_uris),
		cmocka_unit_test(what_a_resource_does_not_have_is_said_in_allow),
		cmocka_unit_test(an_action_is_called_at_its_target),
		cmocka_unit_test(who_may_only_read_changes_nothing),
		cmocka_unit_test(who_must_change_his_password_sees_his_account_only),
		cmocka_unit_test(what_cannot_be_stored_is_503_and_not_done),
		cmocka_unit_test(what_is_too_much_fails_alone),
		cmocka_unit_test(an_answer_may_come_later_even_if_its_resource_is_gone),
		cmocka_unit_test(an_array_is_patched_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
