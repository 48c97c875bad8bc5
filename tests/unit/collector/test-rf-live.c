/* SPDX-License-Identifier: BSD-3-Clause */
/* What is the collector's own in Redfish, and what only a socket shows. */
#include "tests/unit/collector/rf.h"

static void the_root_says_what_there_is_to_everybody(void **state)
{
	RF rf;
	RF_REPLY versions = { 0 };
	RF_REPLY root = { 0 };
	RF_REPLY odata = { 0 };
	RF_REPLY metadata = { 0 };

	(void)state;
	rf_start(&rf);
	versions = rf_ask(&rf, "GET", "/redfish", "", NULL);
	rf_expect(&versions, 200, "\r\n\r\n{\"v1\":\"/redfish/v1/\"}");
	root = rf_ask(&rf, "GET", "//redfish/v1/", "", NULL);
	rf_expect(&root, 200, "\"Managers\":{\"@odata.id\":\"/redfish/v1/Managers\"}");
	rf_expect(&root, 200, "OData-Version: 4.0\r\n");
	odata = rf_ask(&rf, "GET", "/redfish/v1/odata", "", NULL);
	rf_expect(&odata, 200, "\"url\":\"/redfish/v1/TaskService\"");
	metadata = rf_ask(&rf, "GET", "/redfish/v1/$metadata", "", NULL);
	rf_expect(&metadata, 200, "Namespace=\"ManagerNetworkProtocol.v1_10_0\"");
	rf_expect(&metadata, 200, "application/xml");
}

static void a_registry_has_the_messages_that_are_sent(void **state)
{
	RF rf;
	RF_REPLY base = { 0 };
	CLEANUP_JS struct js *js = NULL;

	(void)state;
	rf_start(&rf);
	base = rf_ask(&rf, "GET", "/redfish/v1/Registries/Base/Base.1.19.0.json", "", NULL);
	rf_expect(&base, 200, "\"RegistryVersion\":\"1.19.0\"");
	assert_int_equal(js_parse(base.body, strlen(base.body), &js, NULL), 0);
	assert_non_null(js_get(js_get(js, "Messages"), "PropertyNotWritable"));
	assert_null(js_get(js_get(js, "Messages"), "ResourceCreated"));
}

struct token {
	struct auth *auth;
	const char *name;
	enum auth_right right;
	char header[160];
};

static int add_token(void *data, struct err *err)
{
	struct token *token = data;
	char text[AUTH_TOKEN_TEXT];
	int r = auth_add(token->auth, token->name, token->right, text, err);

	snprintf(token->header, sizeof(token->header), "Authorization: Bearer %s\r\n", text);
	return r;
}

static struct token make_token(struct rf *rf, const char *name, enum auth_right right)
{
	struct token token = { rf->h.collector.auth, name, right, "" };

	assert_int_equal(commit_join(rf->h.collector.commit, add_token, NULL, &token), 0);
	commit_now(rf->h.collector.commit);
	return token;
}

static void a_token_of_the_api_is_good_for_redfish(void **state)
{
	RF rf;
	struct token token;
	RF_REPLY nobody = { 0 };
	RF_REPLY reader = { 0 };
	RF_REPLY node = { 0 };

	(void)state;
	rf_start(&rf);
	nobody = rf_ask(&rf, "GET", "/redfish/v1/Managers", "", NULL);
	rf_expect(&nobody, 401, "WWW-Authenticate: Basic");
	token = make_token(&rf, "reader", AUTH_VIEWER);
	reader = rf_ask(&rf, "GET", "/redfish/v1/TaskService", token.header, NULL);
	rf_expect(&reader, 200, "\"Id\":\"TaskService\"");
	token = make_token(&rf, "blake01", AUTH_NODE);
	node = rf_ask(&rf, "GET", "/redfish/v1/TaskService", token.header, NULL);
	rf_expect(&node, 401, NULL);
}

static void a_head_is_what_the_get_is_without_its_body(void **state)
{
	RF rf;
	RF_REPLY head = { 0 };

	(void)state;
	rf_start(&rf);
	head = rf_ask(&rf, "HEAD", "/redfish/v1", "", NULL);
	rf_expect(&head, 200, "rel=describedby");
	assert_string_equal(head.body, "");
	assert_null(strstr(head.text.text, "Content-Length: 0"));
}

static void an_error_leaves_the_connection_to_the_next_request(void **state)
{
	static const char first[] = "POST /redfish/v1/Managers HTTP/1.1\r\nHost: h\r\n" RF_JSON
				    "Content-Length: 2\r\n\r\n{}";
	static const char second[] = "GET /redfish/v1/odata HTTP/1.1\r\nHost: h\r\n"
				     "Connection: close\r\n\r\n";
	CLEANUP_STR struct str text = STR_NULL;
	RF rf;
	int fd;

	(void)state;
	rf_start(&rf);
	fd = rf_connect(&rf);
	rf_write(&rf, fd, first, strlen(first));
	rf_await(&rf, fd, &text, "NoValidSession");
	rf_write(&rf, fd, second, strlen(second));
	rf_await(&rf, fd, &text, NULL);
	assert_non_null(strstr(str_get(&text), "HTTP/1.1 200 OK"));
	close(fd);
}

static void a_body_over_a_mebibyte_is_not_read(void **state)
{
	static const char head[] = "POST /redfish/v1/Managers HTTP/1.1\r\nHost: h\r\n" RF_JSON
				   "Content-Length: 1048577\r\n\r\n";
	CLEANUP_STR struct str text = STR_NULL;
	RF rf;
	int fd;

	(void)state;
	rf_start(&rf);
	fd = rf_connect(&rf);
	rf_write(&rf, fd, head, strlen(head));
	rf_await(&rf, fd, &text, "PayloadTooLarge");
	assert_non_null(strstr(str_get(&text), "HTTP/1.1 413"));
	close(fd);
}

/* --- a handler that answers as soon as its transaction is durable, before anybody else hears */

static struct rf_call *kept;

static int render_thing(void *data, struct rf_resource *resource, struct js *doc)
{
	(void)resource;
	js_set(doc, "Name", js_string(*(const char **)data));
	return 0;
}

static int patch_thing(void *data, struct rf_call *call)
{
	*(const char **)data = "changed";
	rf_resource_touch(rf_service_tree(call->service), call->resource);
	kept = call;
	return RF_LATER;
}

static void on_thing(void *data, const struct rf_event *event)
{
	struct rf *rf = data;

	(void)event;
	if (kept)
		rf_service_finish(rf->h.collector.redfish->service, kept, 0);
	kept = NULL;
}

static void an_answer_may_come_within_the_commit(void **state)
{
	const char *name = "thing";
	const struct rf_class class = { .type = "#Thing.v1_0_0.Thing",
					.write = RF_CONFIGURE_MANAGER,
					.render = render_thing,
					.patch = patch_thing,
					.data = &name };
	RF rf;
	struct token token;
	RF_REPLY reply = { 0 };

	(void)state;
	rf_start(&rf);
	token = make_token(&rf, "boss", AUTH_ADMIN);
	rf_tree_add(rf.h.collector.redfish->tree, "/redfish/v1/Thing", &class, NULL, NULL, NULL);
	redfish_flush(rf.h.collector.redfish);
	rf_tree_watch(rf.h.collector.redfish->tree, on_thing, &rf);
	reply = rf_ask(&rf, "PATCH", "/redfish/v1/Thing", token.header, "{\"Name\":\"x\"}");
	rf_expect(&reply, 200, "\"Name\":\"changed\"");
	assert_null(rf.h.collector.redfish->pending);
}

static void the_uuid_stays_with_the_store(void **state)
{
	RF rf;
	char before[37];

	(void)state;
	rf_start(&rf);
	assert_int_equal(strlen(rf.h.collector.redfish->uuid), 36);
	strcpy(before, rf.h.collector.redfish->uuid);
	rf_restart(&rf);
	assert_string_equal(rf.h.collector.redfish->uuid, before);
}

static void what_nobody_looked_at_is_there_when_somebody_does(void **state)
{
	static const char report[] =
		"{\"version\":1,\"node\":\"id14\",\"name\":\"blake14\",\"role\":\"target\",\"boot\":\"b\","
		"\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":1,\"objects\":[{\"kind\":"
		"\"subsystem\",\"id\":\"s\",\"nqn\":\"s\"}]}}";
	RF rf;
	struct report_answer answer;
	struct token token;
	RF_REPLY system = { 0 };
	RF_REPLY storage = { 0 };

	(void)state;
	rf_start(&rf);
	token = make_token(&rf, "reader", AUTH_VIEWER);
	assert_int_equal(harness_send(&rf.h, report, &answer), 0);
	assert_true(rf.h.collector.redfish->is_behind);
	assert_null(rf_tree_find(rf.h.collector.redfish->tree, "/redfish/v1/Storage/s"));
	system = rf_ask(&rf, "GET", "/redfish/v1/Systems/blake14", token.header, NULL);
	rf_expect(&system, 200, "\"HostName\":\"blake14\"");
	storage = rf_ask(&rf, "GET", "/redfish/v1/Storage/s", token.header, NULL);
	rf_expect(&storage, 200, "\"DurableName\":\"s\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_says_what_there_is_to_everybody),
		cmocka_unit_test(a_registry_has_the_messages_that_are_sent),
		cmocka_unit_test(a_token_of_the_api_is_good_for_redfish),
		cmocka_unit_test(a_head_is_what_the_get_is_without_its_body),
		cmocka_unit_test(an_error_leaves_the_connection_to_the_next_request),
		cmocka_unit_test(a_body_over_a_mebibyte_is_not_read),
		cmocka_unit_test(an_answer_may_come_within_the_commit),
		cmocka_unit_test(the_uuid_stays_with_the_store),
		cmocka_unit_test(what_nobody_looked_at_is_there_when_somebody_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
