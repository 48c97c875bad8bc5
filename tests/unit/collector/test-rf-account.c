/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/rf.h"

#include <sys/stat.h>

#include "collector/rf-account-hash.h"

static void the_first_start_makes_an_administrator_who_must_change_his_password(void **state)
{
	RF rf;
	struct stat st;
	const char *basic;

	(void)state;
	rf_start(&rf);
	assert_int_equal(fstatat(rf.dirfd, ACCOUNT_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	basic = rf_basic("admin", rf.password);
	{
		RF_REPLY all = rf_ask(&rf, "GET", "/redfish/v1/Managers", basic, NULL);
		RF_REPLY own = rf_ask(&rf, "GET", RF_ADMIN_URI, basic, NULL);
		RF_REPLY short_one =
			rf_ask(&rf, "PATCH", RF_ADMIN_URI, basic, "{\"Password\":\"short\"}");
		RF_REPLY waved = rf_ask(&rf, "PATCH", RF_ADMIN_URI, basic,
					"{\"PasswordChangeRequired\":false}");
		RF_REPLY changed = rf_ask(&rf, "PATCH", RF_ADMIN_URI, basic,
					  "{\"Password\":\"" RF_PASSWORD "\"}");
		RF_REPLY old = rf_ask(&rf, "GET", RF_ADMIN_URI, basic, NULL);

		rf_expect(&all, 403, "PasswordChangeRequired");
		rf_expect(&own, 200, "\"Password\":null");
		rf_expect(&short_one, 400, "PropertyValueError");
		rf_expect(&waved, 403, "InsufficientPrivilege");
		rf_expect(&changed, 200, "\"PasswordChangeRequired\":false");
		assert_null(strstr(changed.text.text, RF_PASSWORD));
		rf_expect(&old, 401, "WWW-Authenticate");
	}
	{
		RF_REPLY all = rf_ask(&rf, "GET", "/redfish/v1/Managers",
				      rf_basic("admin", RF_PASSWORD), NULL);

		rf_expect(&all, 200, NULL);
	}
}

static void accounts_are_there_after_a_restart_and_sessions_are_not(void **state)
{
	RF rf;
	char token[80];
	const char *basic;

	(void)state;
	rf_start(&rf);
	basic = rf_admin(&rf);
	rf_log_in(&rf, "admin", RF_PASSWORD, token, NULL);
	{
		RF_REPLY there = rf_ask(&rf, "GET", SESSIONS_URI, rf_token(token), NULL);

		rf_expect(&there, 200, "\"Members@odata.count\":1");
	}
	rf_restart(&rf);
	{
		RF_REPLY gone = rf_ask(&rf, "GET", SESSIONS_URI, rf_token(token), NULL);
		RF_REPLY there = rf_ask(&rf, "GET", SESSIONS_URI, basic, NULL);

		rf_expect(&gone, 401, NULL);
		rf_expect(&there, 200, "\"Members@odata.count\":0");
	}
}

#define MAKE(name, role)                                                                           \
	"{\"UserName\":\"" name "\",\"Password\":\"password-of-" name "\",\"RoleId\":\"" role "\"}"

static void a_role_bounds_what_may_be_done(void **state)
{
	RF rf;
	const char *admin;
	const char *reader;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY made = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, MAKE("anna", "ReadOnly"));
		RF_REPLY again = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, MAKE("anna", "ReadOnly"));
		RF_REPLY bad = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, MAKE("bob", "King"));
		RF_REPLY none = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, "{\"UserName\":\"x\"}");
		RF_REPLY name = rf_ask(&rf, "POST", ACCOUNTS_URI, admin, MAKE("../x", "ReadOnly"));

		rf_expect(&made, 201, "Location: " ACCOUNTS_URI "/anna");
		rf_expect(&again, 409, "ResourceAlreadyExists");
		rf_expect(&bad, 400, "PropertyValueNotInList");
		rf_expect(&none, 400, "PropertyMissing");
		rf_expect(&name, 400, "UserName");
	}
	reader = rf_basic("anna", "password-of-anna");
	{
		RF_REPLY reads = rf_ask(&rf, "GET", "/redfish/v1/Managers", reader, NULL);
		RF_REPLY own = rf_ask(&rf, "GET", ACCOUNTS_URI "/anna", reader, NULL);
		RF_REPLY other = rf_ask(&rf, "GET", RF_ADMIN_URI, reader, NULL);
		RF_REPLY makes = rf_ask(&rf, "POST", ACCOUNTS_URI, reader, MAKE("c", "ReadOnly"));
		RF_REPLY all = rf_ask(&rf, "GET", ACCOUNTS_URI "?$expand=.", reader, NULL);
		RF_REPLY rises = rf_ask(&rf, "PATCH", ACCOUNTS_URI "/anna", reader,
					"{\"RoleId\":\"Administrator\"}");
		RF_REPLY subscribes = rf_ask(&rf, "POST", RFEVENTS_SUBSCRIPTIONS_URI, reader,
					     "{\"Destination\":\"http://10.0.0.1/\","
					     "\"Protocol\":\"Redfish\"}");
		RF_REPLY ends = rf_ask(&rf, "DELETE", ACCOUNTS_URI "/anna", reader, NULL);
		RF_REPLY own_password = rf_ask(&rf, "PATCH", ACCOUNTS_URI "/anna", reader,
					       "{\"Password\":\"another-password\"}");

		rf_expect(&reads, 200, NULL);
		rf_expect(&own, 200, "\"RoleId\":\"ReadOnly\"");
		/* his own, and of the others only that they are there */
		rf_expect(&all, 200, "\"RoleId\":\"ReadOnly\"");
		rf_expect(&all, 200, ACCOUNTS_URI "/admin\"}");
		assert_null(strstr(all.text.text, "Administrator"));
		rf_expect(&other, 403, "InsufficientPrivilege");
		rf_expect(&makes, 403, "InsufficientPrivilege");
		rf_expect(&rises, 403, "InsufficientPrivilege");
		rf_expect(&subscribes, 403, "InsufficientPrivilege");
		rf_expect(&ends, 403, "InsufficientPrivilege");
		rf_expect(&own_password, 200, NULL);
	}
}

static void the_last_administrator_stays(void **state)
{
	RF rf;
	const char *admin;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY gone = rf_ask(&rf, "DELETE", RF_ADMIN_URI, admin, NULL);
		RF_REPLY less =
			rf_ask(&rf, "PATCH", RF_ADMIN_URI, admin, "{\"RoleId\":\"Operator\"}");
		RF_REPLY off = rf_ask(&rf, "PATCH", RF_ADMIN_URI, admin, "{\"Enabled\":false}");
		RF_REPLY other =
			rf_ask(&rf, "POST", ACCOUNTS_URI, admin, MAKE("eve", "Administrator"));
		RF_REPLY now = rf_ask(&rf, "DELETE", RF_ADMIN_URI, admin, NULL);
		RF_REPLY after = rf_ask(&rf, "GET", ACCOUNTS_URI, admin, NULL);

		rf_expect(&gone, 409, "last one");
		rf_expect(&less, 409, "last one");
		rf_expect(&off, 409, "last one");
		rf_expect(&other, 201, NULL);
		rf_expect(&now, 204, NULL);
		rf_expect(&after, 401, NULL);
	}
}

static void another_password_ends_the_sessions_but_that_of_who_changed_it(void **state)
{
	RF rf;
	char first[80], second[80];
	char header[256];

	(void)state;
	rf_start(&rf);
	rf_admin(&rf);
	rf_log_in(&rf, "admin", RF_PASSWORD, first, NULL);
	rf_log_in(&rf, "admin", RF_PASSWORD, second, NULL);
	snprintf(header, sizeof(header), "%s", rf_token(second));
	{
		RF_REPLY changed = rf_ask(&rf, "PATCH", RF_ADMIN_URI, header,
					  "{\"Password\":\"one-more-password\"}");
		RF_REPLY gone = rf_ask(&rf, "GET", SESSIONS_URI, rf_token(first), NULL);
		RF_REPLY there = rf_ask(&rf, "GET", SESSIONS_URI, header, NULL);

		rf_expect(&changed, 200, NULL);
		rf_expect(&gone, 401, NULL);
		rf_expect(&there, 200, "\"Members@odata.count\":1");
	}
}

static unsigned int n_hashed;

int __real_hasher_start(struct hasher *hasher, const char *password, const char *hash,
			hasher_fn done, void *data);
int __wrap_hasher_start(struct hasher *hasher, const char *password, const char *hash,
			hasher_fn done, void *data);
int __wrap_hasher_start(struct hasher *hasher, const char *password, const char *hash,
			hasher_fn done, void *data)
{
	n_hashed++;
	return __real_hasher_start(hasher, password, hash, done, data);
}

static void basic_on_each_request_is_hashed_once(void **state)
{
	RF rf;
	const char *admin;
	int i;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	n_hashed = 0;
	for (i = 0; i < 20; i++) {
		RF_REPLY one = rf_ask(&rf, "GET", SESSIONS_URI, admin, NULL);

		rf_expect(&one, 200, NULL);
	}
	assert_int_equal(n_hashed, 1);
}

static void a_session_s_timeout_is_bounded_and_kept(void **state)
{
	RF rf;
	const char *admin;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY low = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", admin,
				      "{\"SessionTimeout\":29}");
		RF_REPLY high = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", admin,
				       "{\"SessionTimeout\":86401}");
		RF_REPLY text = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", admin,
				       "{\"SessionTimeout\":\"60\"}");
		RF_REPLY good = rf_ask(&rf, "PATCH", "/redfish/v1/SessionService", admin,
				       "{\"SessionTimeout\":60}");

		rf_expect(&low, 400, "OutOfRange");
		rf_expect(&high, 400, "OutOfRange");
		rf_expect(&text, 400, "TypeError");
		rf_expect(&good, 200, "\"SessionTimeout\":60");
	}
	rf_restart(&rf);
	{
		RF_REPLY kept = rf_ask(&rf, "GET", "/redfish/v1/SessionService", admin, NULL);

		rf_expect(&kept, 200, "\"SessionTimeout\":60");
	}
}

static void tokens_of_the_api_are_good_and_a_node_s_is_not(void **state)
{
	RF rf;
	char admin[AUTH_TOKEN_TEXT], viewer[AUTH_TOKEN_TEXT], node[AUTH_TOKEN_TEXT];
	char headers[3][128];
	struct auth *auth;

	(void)state;
	rf_start(&rf);
	auth = rf.h.collector.auth;
	assert_int_equal(store_begin(rf.h.collector.store, NULL), 0);
	assert_int_equal(auth_add(auth, "a", AUTH_ADMIN, admin, NULL), 0);
	assert_int_equal(auth_add(auth, "v", AUTH_VIEWER, viewer, NULL), 0);
	assert_int_equal(auth_add(auth, "n", AUTH_NODE, node, NULL), 0);
	assert_int_equal(store_commit(rf.h.collector.store, NULL), 0);
	snprintf(headers[0], 128, "Authorization: Bearer %s\r\n", admin);
	snprintf(headers[1], 128, "Authorization: Bearer %s\r\n", viewer);
	snprintf(headers[2], 128, "Authorization: Bearer %s\r\n", node);
	{
		RF_REPLY makes =
			rf_ask(&rf, "POST", ACCOUNTS_URI, headers[0], MAKE("anna", "Operator"));
		RF_REPLY reads = rf_ask(&rf, "GET", ACCOUNTS_URI, headers[1], NULL);
		RF_REPLY cannot = rf_ask(&rf, "DELETE", ACCOUNTS_URI "/anna", headers[1], NULL);
		RF_REPLY nothing = rf_ask(&rf, "GET", ACCOUNTS_URI, headers[2], NULL);

		rf_expect(&makes, 201, NULL);
		rf_expect(&reads, 200, "anna");
		rf_expect(&cannot, 403, NULL);
		rf_expect(&nothing, 401, NULL);
	}
}

static int note_audit(void *data, const struct store_event *event)
{
	if (strcmp(event->kind, "audit") == 0)
		str_addf(data, "%s: %s\n", event->object_id, event->cause);
	return 0;
}

static void who_did_what_is_written_down(void **state)
{
	RF rf;
	CLEANUP_STR struct str text = STR_NULL;
	const char *admin;

	(void)state;
	rf_start(&rf);
	admin = rf_admin(&rf);
	{
		RF_REPLY refused = rf_ask(&rf, "DELETE", RF_ADMIN_URI, admin, NULL);

		rf_expect(&refused, 409, NULL);
	}
	commit_now(rf.h.collector.commit);
	assert_int_equal(
		store_event_each(rf.h.collector.store, 0, INT64_MAX - 1, note_audit, &text, NULL),
		0);
	assert_non_null(strstr(str_get(&text), "PATCH " RF_ADMIN_URI ": by admin from 127.0.0.1: "
					       "200"));
	assert_non_null(strstr(str_get(&text), "DELETE " RF_ADMIN_URI ": by admin from 127.0.0.1: "
					       "409"));
	assert_null(strstr(str_get(&text), RF_PASSWORD));
}

/* --- what a request over plain http from elsewhere would be */

static const char *header_of(const void *data, const char *name)
{
	return strcmp(name, "Authorization") == 0 ? data : NULL;
}

static void not_expected(void *data)
{
	(void)data;
	fail_msg("a password was looked at that came in the open");
}

static void no_password_is_taken_in_the_open(void **state)
{
	RF rf;
	char authorization[256];
	struct rf_who who = { 0 };
	struct rf_request request = { .method = "GET",
				      .uri = "/redfish/v1/Managers",
				      .body = "",
				      .address = "10.1.1.1",
				      .header = header_of,
				      .data = authorization };

	(void)state;
	rf_start(&rf);
	/* as it was given, without "Authorization: " and the end of the line */
	snprintf(authorization, sizeof(authorization), "%s", rf_basic("admin", rf.password) + 15);
	authorization[strcspn(authorization, "\r")] = '\0';
	assert_int_equal(
		accounts_prepare(rf.h.collector.redfish->accounts, &request, not_expected, NULL),
		0);
	assert_int_equal(
		accounts_authenticate(rf.h.collector.redfish->accounts, &request, &who, NULL),
		-EACCES);
	assert_int_equal(who.privileges, 0);
}

static void a_certificate_is_of_an_account_but_a_node_s_never(void **state)
{
	RF rf;
	struct rf_who who = { 0 };
	struct rf_request request = { .method = "GET",
				      .uri = "/redfish/v1/Managers",
				      .body = "",
				      .address = "10.1.1.1",
				      .header = header_of,
				      .peer_name = "admin",
				      .trusted = true };
	struct registry_source *source;

	(void)state;
	rf_start(&rf);
	assert_int_equal(
		accounts_authenticate(rf.h.collector.redfish->accounts, &request, &who, NULL), 0);
	assert_string_equal(who.name, "admin");
	assert_true(who.privileges & RF_CONFIGURE_USERS);
	assert_int_equal(store_begin(rf.h.collector.store, NULL), 0);
	assert_int_equal(registry_source_need(rf.h.collector.registry, "id1", "admin",
					      REPORT_TARGET, &source, NULL),
			 0);
	assert_int_equal(store_commit(rf.h.collector.store, NULL), 0);
	who = (struct rf_who){ 0 };
	assert_int_equal(
		accounts_authenticate(rf.h.collector.redfish->accounts, &request, &who, NULL),
		-EACCES);
	assert_int_equal(who.privileges, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_first_start_makes_an_administrator_who_must_change_his_password),
		cmocka_unit_test(accounts_are_there_after_a_restart_and_sessions_are_not),
		cmocka_unit_test(a_role_bounds_what_may_be_done),
		cmocka_unit_test(the_last_administrator_stays),
		cmocka_unit_test(another_password_ends_the_sessions_but_that_of_who_changed_it),
		cmocka_unit_test(basic_on_each_request_is_hashed_once),
		cmocka_unit_test(a_session_s_timeout_is_bounded_and_kept),
		cmocka_unit_test(tokens_of_the_api_are_good_and_a_node_s_is_not),
		cmocka_unit_test(who_did_what_is_written_down),
		cmocka_unit_test(no_password_is_taken_in_the_open),
		cmocka_unit_test(a_certificate_is_of_an_account_but_a_node_s_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
