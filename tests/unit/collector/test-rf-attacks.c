/* SPDX-License-Identifier: BSD-3-Clause */
/* What somebody on the network may try, and what becomes of it. */
#include "tests/unit/collector/rf.h"

#include "collector/rf-events-net.h"

static void no_path_leads_around_the_login(void **state)
{
	static const char *const paths[] = {
		"/redfish/v1/Managers/",
		"//redfish/v1/Managers",
		"/redfish/v1//Managers",
		"/redfish/v1/./Managers",
		"/redfish/v1/x/../Managers",
		"/redfish/v1/%2e%2e/v1/Managers",
		"/redfish/v1/$metadata/../Managers",
		"/redfish/v1/odata/../AccountService/Accounts",
		"/redfish/v1/AccountService%2fAccounts",
		"/redfish/v1/AccountService/Accounts%00",
		"/redfish/v1/AccountService/Accounts/..%2f..%2f..%2fetc%2fpasswd",
		"/redfish/v1/AccountService/Accounts/admin?$select=Password",
		"/redfish/v1/AccountService/Accounts/admin#",
		"/redfish/v1/SessionService/Sessions/../Sessions",
		"/REDFISH/V1/Managers",
	};
	RF rf;
	size_t i;

	(void)state;
	rf_start(&rf);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		RF_REPLY reply = rf_ask(&rf, "GET", paths[i], "", NULL);

		if (reply.status != 401 && reply.status != 404 && reply.status != 400)
			fail_msg("%s: %s", paths[i], reply.text.text);
		assert_null(strstr(reply.body, "UserName"));
	}
}

static void a_body_that_is_too_long_is_not_read(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	static const char head[] = "POST " SESSIONS_URI " HTTP/1.1\r\nHost: localhost\r\n" RF_JSON
				   "Content-Length: 1048577\r\nConnection: close\r\n\r\n";
	int fd;

	(void)state;
	rf_start(&rf);
	fd = rf_connect(&rf);
	rf_write(&rf, fd, head, strlen(head));
	rf_await(&rf, fd, &text, "PayloadTooLarge");
	assert_non_null(strstr(text.text, "HTTP/1.1 413"));
	close(fd);
}

static void headers_without_end_are_refused(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str flood = STR_NULL;
	int fd;
	int i;

	(void)state;
	rf_start(&rf);
	str_add(&flood, "GET /redfish/v1/ HTTP/1.1\r\nHost: localhost\r\n");
	for (i = 0; i < 5000; i++)
		str_addf(&flood, "X-Header-%d: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", i);
	fd = rf_connect(&rf);
	rf_write(&rf, fd, flood.text, flood.length);
	rf_await(&rf, fd, &text, NULL);
	assert_null(strstr(str_get(&text), "HTTP/1.1 200"));
	close(fd);
	{
		RF_REPLY others = rf_ask(&rf, "GET", "/redfish/v1/", "", NULL);

		rf_expect(&others, 200, NULL);
	}
}

static void who_sends_slowly_keeps_nobody_else_waiting(void **state)
{
	static const char part[] = "POST " SESSIONS_URI " HTTP/1.1\r\nHost: localhost\r\n" RF_JSON
				   "Content-Length: 100\r\n\r\n{\"UserName\":";
	RF rf;
	int slow[64];
	size_t i;

	(void)state;
	rf_start(&rf);
	for (i = 0; i < 64; i++) {
		slow[i] = rf_connect(&rf);
		/* some stand still in their headers, some in their bodies */
		rf_write(&rf, slow[i], part, i % 2 ? strlen(part) : 30);
	}
	{
		RF_REPLY others = rf_ask(&rf, "GET", "/redfish/v1/", "", NULL);

		rf_expect(&others, 200, NULL);
	}
	for (i = 0; i < 64; i++)
		close(slow[i]);
}

static void a_token_of_the_client_s_choice_becomes_no_session(void **state)
{
	static const char chosen[] =
		"X-Auth-Token: "
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
	RF rf;
	char first[80], second[80];

	(void)state;
	rf_start(&rf);
	rf_admin(&rf);
	{
		RF_REPLY made = rf_ask(&rf, "POST", SESSIONS_URI, chosen,
				       "{\"UserName\":\"admin\",\"Password\":\"" RF_PASSWORD "\"}");
		RF_REPLY used = rf_ask(&rf, "GET", SESSIONS_URI, chosen, NULL);
		RF_REPLY given = rf_ask(&rf, "POST", SESSIONS_URI, "",
					"{\"UserName\":\"admin\",\"Password\":\"" RF_PASSWORD "\","
					"\"Token\":\"0123456789abcdef\"}");

		rf_expect(&made, 201, NULL);
		assert_null(strstr(made.text.text, "0123456789abcdef0123456789abcdef"));
		assert_null(strstr(made.text.text, "Set-Cookie"));
		rf_expect(&used, 401, NULL);
		rf_expect(&given, 400, "PropertyUnknown");
	}
	rf_log_in(&rf, "admin", RF_PASSWORD, first, NULL);
	rf_log_in(&rf, "admin", RF_PASSWORD, second, NULL);
	assert_int_equal(strlen(first), 64);
	assert_string_not_equal(first, second);
}

static void a_deleted_session_is_over_at_once_and_only_its_owner_may_delete_it(void **state)
{
	RF rf;
	char token[80], reader[80], uri[256], header[256];
	const char *admin;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY made = rf_ask(&rf, "POST", ACCOUNTS_URI, admin,
				       "{\"UserName\":\"r\",\"Password\":\"password-of-r\","
				       "\"RoleId\":\"ReadOnly\"}");

		rf_expect(&made, 201, NULL);
	}
	rf_log_in(&rf, "admin", RF_PASSWORD, token, uri);
	rf_log_in(&rf, "r", "password-of-r", reader, NULL);
	snprintf(header, sizeof(header), "X-Auth-Token: %s\r\n", reader);
	{
		RF_REPLY other = rf_ask(&rf, "DELETE", uri, header, NULL);
		RF_REPLY own = rf_ask(&rf, "DELETE", uri, rf_token(token), NULL);
		RF_REPLY after = rf_ask(&rf, "GET", SESSIONS_URI, rf_token(token), NULL);

		rf_expect(&other, 403, "InsufficientPrivilege");
		rf_expect(&own, 204, NULL);
		rf_expect(&after, 401, NULL);
	}
}

/* Nothing may tell a wrong name from a wrong password: neither words nor, for the same hash is made
 * for both, time. */
static void an_unknown_name_is_answered_as_a_wrong_password_is(void **state)
{
	RF rf;
	char *at;

	(void)state;
	rf_start(&rf);
	{
		RF_REPLY name =
			rf_ask(&rf, "GET", SESSIONS_URI, rf_basic("nobody", "xxxxxxxx"), NULL);
		RF_REPLY password =
			rf_ask(&rf, "GET", SESSIONS_URI, rf_basic("admin", "xxxxxxxx"), NULL);

		/* all but the time of day */
		at = strstr(name.text.text, "Date: ");
		memset(at, 'x', 35);
		at = strstr(password.text.text, "Date: ");
		memset(at, 'x', 35);
		assert_string_equal(name.text.text, password.text.text);
		rf_expect(&name, 401, NULL);
	}
}

static size_t n_compared;

/* Is it used, and for all of the token's hash? */
int __real_digest_compare(const void *a, const void *b, size_t length);
int __wrap_digest_compare(const void *a, const void *b, size_t length);
int __wrap_digest_compare(const void *a, const void *b, size_t length)
{
	n_compared += length == 65;
	return __real_digest_compare(a, b, length);
}

static void tokens_are_compared_with_each_session_whichever_it_is(void **state)
{
	RF rf;
	char first[80], last[80];
	size_t i, compared[3];

	(void)state;
	rf_start(&rf);
	rf_admin(&rf);
	rf_log_in(&rf, "admin", RF_PASSWORD, first, NULL);
	rf_log_in(&rf, "admin", RF_PASSWORD, last, NULL);
	for (i = 0; i < 3; i++) {
		n_compared = 0;
		{
			RF_REPLY reply = rf_ask(&rf, "GET", SESSIONS_URI,
						rf_token(i == 0	  ? first
							 : i == 1 ? last
								  : "none"),
						NULL);

			rf_expect(&reply, i == 2 ? 401 : 200, NULL);
		}
		compared[i] = n_compared;
	}
	assert_int_equal(compared[0], SESSIONS_MAX);
	assert_int_equal(compared[1], SESSIONS_MAX);
	assert_int_equal(compared[2], SESSIONS_MAX);
}

static void guessing_is_slowed_down_and_then_does_not_even_hash(void **state)
{
	RF rf;
	int i;

	(void)state;
	rf_start(&rf);
	for (i = 0; i < 20; i++) {
		RF_REPLY wrong = rf_ask(&rf, "GET", SESSIONS_URI, rf_token("wrong"), NULL);

		rf_expect(&wrong, 401, NULL);
	}
	{
		RF_REPLY more = rf_ask(&rf, "GET", SESSIONS_URI, rf_token("wrong"), NULL);
		RF_REPLY right =
			rf_ask(&rf, "GET", RF_ADMIN_URI, rf_basic("admin", rf.password), NULL);

		rf_expect(&more, 429, NULL);
		rf_expect(&right, 429, NULL);
	}
}

static void an_account_is_locked_after_too_many_wrong_passwords(void **state)
{
	RF rf;
	char password[32];
	const char *admin;
	int i;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY set = rf_ask(&rf, "PATCH", "/redfish/v1/AccountService", admin,
				      "{\"AccountLockoutThreshold\":2}");

		rf_expect(&set, 200, "\"AccountLockoutThreshold\":2");
	}
	for (i = 0; i < 2; i++) {
		snprintf(password, sizeof(password), "wrong-%d", i);
		{
			RF_REPLY wrong =
				rf_ask(&rf, "GET", SESSIONS_URI, rf_basic("admin", password), NULL);

			rf_expect(&wrong, 401, NULL);
		}
	}
	{
		RF_REPLY right = rf_ask(&rf, "GET", SESSIONS_URI, admin, NULL);

		rf_expect(&right, 401, NULL);
	}
}

static void events_are_sent_to_no_internal_address(void **state)
{
	static const char *const urls[] = {
		"http://127.0.0.1/x",
		"http://127.9.9.9:8443/x",
		"http://localhost/x",
		"http://LOCALHOST:80/",
		"http://[::1]/x",
		"http://[::ffff:127.0.0.1]/x",
		"http://[::127.0.0.1]/x",
		"http://[64:ff9b::7f00:1]/x",
		"http://[2002:7f00:1::]/x",
		"http://0.0.0.0/x",
		"http://[::]/x",
		"http://169.254.169.254/latest/meta-data",
		"http://[fd00:ec2::254]/latest",
		"http://[fe80::1]/x",
		"http://224.0.0.1/x",
		"http://255.255.255.255/x",
		"http://admin@10.0.0.1/x",
		"http://10.0.0.1\\\\@127.0.0.1/x",
		"http://10.0.0.1/x\\r\\nX: y",
		"file:///etc/passwd",
		"gopher://10.0.0.1/x",
		"unix:///run/x",
		"http://",
		"x",
		"",
	};
	RF rf;
	const char *admin;
	char body[512];
	size_t i;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		snprintf(body, sizeof(body), "{\"Destination\":\"%s\",\"Protocol\":\"Redfish\"}",
			 urls[i]);
		{
			RF_REPLY reply =
				rf_ask(&rf, "POST", RFEVENTS_SUBSCRIPTIONS_URI, admin, body);

			if (reply.status != 400)
				fail_msg("%s: %s", urls[i], reply.text.text);
		}
	}
}

/* A name may lead anywhere, and other spellings of an address are names. */
static void the_address_is_looked_at_when_it_is_connected_to(void **state)
{
	static const char *const words[] = { "127.0.0.1", "10.0.0.1", "169.254.169.254",
					     "192.168.1.50" };
	struct rf_net net;
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool may[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(inet_pton(AF_INET, words[i], &in.sin_addr), 1);
		may[i] = rf_net_may(NULL, 0, (struct sockaddr *)&in);
	}
	assert_true(!may[0] && may[1] && !may[2] && may[3]);
	assert_int_equal(rf_net_parse("10.0.0.0/9", &net), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(inet_pton(AF_INET, words[i], &in.sin_addr), 1);
		may[i] = rf_net_may(&net, 1, (struct sockaddr *)&in);
	}
	assert_true(!may[0] && may[1] && !may[2] && !may[3]);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.127.0.1", &in6.sin6_addr), 1);
	assert_true(rf_net_may(&net, 1, (struct sockaddr *)&in6));
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.128.0.1", &in6.sin6_addr), 1);
	assert_false(rf_net_may(&net, 1, (struct sockaddr *)&in6));
	assert_int_equal(rf_net_parse("10.0.0.0/33", &net), -EINVAL);
	assert_int_equal(rf_net_parse("ten", &net), -EINVAL);
}

static void a_name_that_leads_to_this_host_is_not_connected_to(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	RF rf;
	char body[256];
	const char *admin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int i;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	rf_start(&rf);
	admin = rf_admin(&rf);
	/* 127.0.0.1 as one number: the resolver takes it */
	snprintf(body, sizeof(body),
		 "{\"Destination\":\"http://2130706433:%u/\",\"Protocol\":\"Redfish\"}",
		 ntohs(address.sin_port));
	{
		RF_REPLY made = rf_ask(&rf, "POST", RFEVENTS_SUBSCRIPTIONS_URI, admin, body);

		assert_true(made.status == 201 || made.status == 400);
	}
	rfevents_send(rf.h.collector.redfish->rfevents, "HeartbeatEvent.RedfishServiceStarted",
		      NULL, NULL);
	for (i = 0; i < 50; i++) {
		loop_step(rf.h.loop, 5);
		assert_int_equal(accept(fd, NULL, NULL), -1);
	}
	close(fd);
}

static void headers_of_a_subscription_cannot_take_over_its_requests(void **state)
{
	static const char *const headers[] = {
		"{\"Host\":\"x\"}",
		"{\"Content-Length\":\"0\"}",
		"{\"transfer-encoding\":\"chunked\"}",
		"{\"X: y\\r\\nZ\":\"x\"}",
		"{\"X\":\"y\\r\\nHost: z\"}",
		"{\"\":\"x\"}",
		"{\"X\":7}",
		"\"X: y\"",
	};
	RF rf;
	const char *admin;
	char body[512];
	size_t i;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		snprintf(body, sizeof(body),
			 "{\"Destination\":\"http://10.0.0.1/\",\"Protocol\":\"Redfish\","
			 "\"HttpHeaders\":[%s]}",
			 headers[i]);
		{
			RF_REPLY reply =
				rf_ask(&rf, "POST", RFEVENTS_SUBSCRIPTIONS_URI, admin, body);

			rf_expect(&reply, 400, "HttpHeaders");
		}
	}
}

static void a_body_that_means_two_things_is_none(void **state)
{
	RF rf;
	CLEANUP_STR struct str deep = STR_NULL;
	const char *admin;
	int i;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	str_add(&deep, "{\"UserName\":");
	for (i = 0; i < 5000; i++)
		str_add(&deep, "[");
	for (i = 0; i < 5000; i++)
		str_add(&deep, "]");
	str_add(&deep, "}");
	{
		RF_REPLY twice = rf_ask(&rf, "PATCH", RF_ADMIN_URI, admin,
					"{\"Enabled\":true,\"Enabled\":false}");
		RF_REPLY nested = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, deep.text);
		RF_REPLY login = rf_ask(&rf, "POST", SESSIONS_URI, "", deep.text);
		RF_REPLY list = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, "[1]");
		RF_REPLY nul = rf_ask(&rf, "POST", ACCOUNTS_URI, admin,
				      "{\"UserName\":\"a\\u0000b\",\"Password\":\"12345678\","
				      "\"RoleId\":\"ReadOnly\"}");

		rf_expect(&twice, 400, "MalformedJSON");
		rf_expect(&nested, 400, "MalformedJSON");
		rf_expect(&login, 400, "MalformedJSON");
		rf_expect(&list, 400, NULL);
		rf_expect(&nul, 400, NULL);
	}
}

static void a_change_is_made_to_what_was_seen_only(void **state)
{
	static const char *const wrong[] = { "If-Match: \"0123456789abcdef\"\r\n",
					     "If-Match: \"x\"foobar\r\n",
					     "If-Match: W/\"x\"\r\n",
					     "If-Match: \r\n",
					     "If-Match: x\r\n",
					     NULL };
	RF rf;
	char headers[700], etag[40];
	const char *admin;
	const char *at;
	size_t i;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	for (i = 0; wrong[i]; i++) {
		snprintf(headers, sizeof(headers), "%s%s", admin, wrong[i]);
		{
			RF_REPLY reply = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", headers,
						"{\"SessionTimeout\":60}");

			rf_expect(&reply, 412, "PreconditionFailed");
		}
	}
	{
		RF_REPLY seen = rf_ask(&rf, "GET", "/redfish/v1/SessionService", admin, NULL);

		at = strstr(seen.text.text, "ETag: ");
		assert_non_null(at);
		assert_int_equal(sscanf(at, "ETag: %39s", etag), 1);
		assert_non_null(strstr(seen.text.text, "\"SessionTimeout\":1800"));
	}
	snprintf(headers, sizeof(headers), "%sIf-Match: %s\r\n", admin, etag);
	{
		RF_REPLY first = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", headers,
					"{\"SessionTimeout\":60}");
		RF_REPLY second = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", headers,
					 "{\"SessionTimeout\":70}");

		rf_expect(&first, 200, NULL);
		rf_expect(&second, 412, NULL);
	}
}

static void who_is_nobody_learns_nothing_by_a_precondition(void **state)
{
	RF rf;

	(void)state;
	rf_start(&rf);
	{
		RF_REPLY any = rf_ask(&rf, "GET", RF_ADMIN_URI, "If-None-Match: *\r\n", NULL);
		RF_REPLY none =
			rf_ask(&rf, "DELETE", ACCOUNTS_URI "/nobody", "If-Match: *\r\n", NULL);
		RF_REPLY there = rf_ask(&rf, "DELETE", RF_ADMIN_URI, "If-Match: *\r\n", NULL);

		rf_expect(&any, 401, NULL);
		rf_expect(&none, 401, NULL);
		rf_expect(&there, 401, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_path_leads_around_the_login),
		cmocka_unit_test(a_body_that_is_too_long_is_not_read),
		cmocka_unit_test(headers_without_end_are_refused),
		cmocka_unit_test(who_sends_slowly_keeps_nobody_else_waiting),
		cmocka_unit_test(a_token_of_the_client_s_choice_becomes_no_session),
		cmocka_unit_test(
			a_deleted_session_is_over_at_once_and_only_its_owner_may_delete_it),
		cmocka_unit_test(an_unknown_name_is_answered_as_a_wrong_password_is),
		cmocka_unit_test(tokens_are_compared_with_each_session_whichever_it_is),
		cmocka_unit_test(guessing_is_slowed_down_and_then_does_not_even_hash),
		cmocka_unit_test(an_account_is_locked_after_too_many_wrong_passwords),
		cmocka_unit_test(events_are_sent_to_no_internal_address),
		cmocka_unit_test(the_address_is_looked_at_when_it_is_connected_to),
		cmocka_unit_test(a_name_that_leads_to_this_host_is_not_connected_to),
		cmocka_unit_test(headers_of_a_subscription_cannot_take_over_its_requests),
		cmocka_unit_test(a_body_that_means_two_things_is_none),
		cmocka_unit_test(a_change_is_made_to_what_was_seen_only),
		cmocka_unit_test(who_is_nobody_learns_nothing_by_a_precondition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
