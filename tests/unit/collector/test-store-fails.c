/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The disk is full at each write of a request in turn: the client hears that it was not done,
 * memory and disk are as before, and the same request works when there is room.
 */
#include "tests/unit/collector/harness.h"

#include <errno.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "collector/api.h"

/* --- the disk and the clock */

static int steps_left = -1; /* until one fails; -1 never */
static bool has_failed;
static int64_t hours;

int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
	if (steps_left < 0 || sqlite3_stmt_readonly(statement) || steps_left-- > 0)
		return __real_sqlite3_step(statement);
	has_failed = true;
	return SQLITE_FULL;
}

/* A store that failed is tried again after a while. */
int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return __real_clock_monotonic_ms() + 3600000 * hours;
}

/* --- a request, with what becomes of its transaction */

struct ask {
	struct harness *h;
	const struct api_route *route;
	struct api_request request;
	struct api_answer answer;
	int code;
};

static int ask_write(void *data, struct err *err)
{
	struct ask *ask = data;

	return api_write(&ask->h->collector, ask->route, &ask->request, &ask->answer, err);
}

static void ask_done(void *data, int code, const struct err *err)
{
	struct ask *ask = data;

	ask->code = code;
	if (code < 0)
		assert_non_null(strstr(err->text, "full"));
}

static const char *no_query(const void *data, const char *key)
{
	(void)data, (void)key;
	return NULL;
}

/* Returns: HTTP's status, as the front gives it. */
static unsigned int ask(struct harness *h, const char *method, const char *path, const char *body,
			struct str *ret_text)
{
	static const struct auth_who admin = { .right = AUTH_ADMIN, .name = "admin" };
	struct ask one = { .h = h,
			   .request = { .method = method,
					.path = path,
					.body = body ? body : "",
					.length = body ? strlen(body) : 0,
					.who = &admin,
					.address = "",
					.query = no_query },
			   .answer = API_ANSWER_NULL };
	unsigned int status;

	assert_int_equal(api_find(method, path, &one.route, &one.request.id, NULL), 0);
	assert_int_equal(commit_join(h->collector.commit, ask_write, ask_done, &one), 0);
	commit_now(h->collector.commit);
	status = one.code < 0 ? 503 : one.answer.status;
	if (ret_text)
		str_add(ret_text, str_get(&one.answer.body));
	str_deinit(&one.answer.body);
	return status;
}

/* --- what there is, in memory */

static void add_wants(struct harness *h, const char *node, enum report_role role, struct str *text)
{
	const struct registry_source *source =
		registry_source_find(h->collector.registry, node, role);

	if (!source)
		return;
	str_addf(text, "\n%s ", node);
	registry_wanted_format(h->collector.registry, source, role, text);
}

static int add_event(void *data, const struct store_event *event)
{
	/* that the store was broken is an event itself */
	return strcmp(event->kind, "collector") == 0 ? 0 : harness_note_event(data, event);
}

/* The clock goes on. */
static void hide_times(char *text)
{
	while (text && (text = strstr(text, "\"time\":"))) {
		text += strlen("\"time\":");
		text[0] = '.';
		memset(text + 1, '.', strspn(text + 1, "0123456789"));
	}
}

/* @is_heard  else all objects are stale */
static void describe(struct harness *h, bool is_heard, struct str *text)
{
	assert_int_equal(ask(h, "GET", "/attachments", NULL, text), 200);
	assert_int_equal(ask(h, "GET", "/exports", NULL, text), 200);
	if (is_heard)
		assert_int_equal(ask(h, "GET", "/objects", NULL, text), 200);
	add_wants(h, "id14", REPORT_TARGET, text);
	add_wants(h, "id15", REPORT_INITIATOR, text);
	store_event_each(h->collector.store, 0, INT64_MAX, add_event, text, NULL);
	hide_times(text->text);
}

/* --- a target with a subsystem, and a host */

static void hears(struct harness *h, const char *text)
{
	struct report_answer answer;

	assert_int_equal(harness_send(h, text, &answer), 0);
}

static void hears_all(struct harness *h)
{
	hears(h,
	      "{" SENDER("t") SNAPSHOT(
		      "1",
		      "{\"kind\":\"subsystem\",\"id\":\"s\",\"nqn\":\"s\",\"any_host\":false},"
		      "{\"kind\":\"listener\",\"id\":\"1\",\"transport\":\"tcp\","
		      "\"address\":\"10.1.1.14\",\"service\":\"4420\",\"subsystems\":[\"s\"]}") "}");
	hears(h, "{\"version\":1,\"node\":\"id15\",\"name\":\"blake15\",\"role\":\"initiator\","
		 "\"boot\":\"h\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":1,"
		 "\"objects\":[{\"kind\":\"host\",\"id\":\"nqn.h\",\"hostnqn\":\"nqn.h\","
		 "\"default\":true}]}}");
}

#define ATTACH "POST", "/attachments", "{\"subsystem\":\"s\",\"host\":\"blake15\"}", 202
#define EXPORT                                                                                     \
	"POST", "/exports",                                                                        \
		"{\"node\":\"blake14\",\"nqn\":\"new\",\"devices\":[\"/dev/x\"],\"hosts\":[],"     \
		"\"listeners\":[{\"transport\":\"tcp\",\"address\":\"10.1.1.14\",\"service\":"     \
		"\"4420\"}]}",                                                                     \
		202

struct request {
	const char *method;
	const char *path;
	const char *body;
	unsigned int status;
};

static void begin(struct harness *h)
{
	harness_start(h);
	hears_all(h);
}

/* It was not done, neither here nor on the disk. @on_disk  NULL: the process goes on */
static void is_as_before(struct harness *h, const char *then, const char *on_disk)
{
	CLEANUP_STR struct str now = STR_NULL;
	CLEANUP_STR struct str later = STR_NULL;

	describe(h, true, &now);
	assert_string_equal(str_get(&now), then);
	if (!on_disk)
		return;
	harness_restart(h);
	describe(h, false, &later);
	assert_string_equal(str_get(&later), on_disk);
	hears_all(h);
}

static void fails_at_each_write(const struct request *before, const struct request *request)
{
	int n;

	for (n = 0;; n++) {
		CLEANUP_STR struct str then = STR_NULL;
		CLEANUP_STR struct str on_disk = STR_NULL;
		unsigned int status;
		HARNESS h;

		begin(&h);
		if (before)
			assert_int_equal(ask(&h, before->method, before->path, before->body, NULL),
					 before->status);
		describe(&h, true, &then);
		describe(&h, false, &on_disk);
		has_failed = false;
		steps_left = n;
		status = ask(&h, request->method, request->path, request->body, NULL);
		steps_left = -1;
		if (!has_failed) {
			assert_int_equal(status, request->status);
			break;
		}
		assert_int_equal(status, 503);
		hours++;
		is_as_before(&h, str_get(&then), n % 2 ? str_get(&on_disk) : NULL);
		assert_int_equal(ask(&h, request->method, request->path, request->body, NULL),
				 request->status);
	}
	/* else nothing was looked at */
	assert_true(n >= 2);
}

static void an_attach(void **state)
{
	(void)state;
	fails_at_each_write(NULL, &(struct request){ ATTACH });
}

static void a_detach(void **state)
{
	(void)state;
	fails_at_each_write(&(struct request){ ATTACH },
			    &(struct request){ "DELETE", "/attachments/a-1", NULL, 202 });
}

static void an_export(void **state)
{
	(void)state;
	fails_at_each_write(NULL, &(struct request){ EXPORT });
}

static void an_export_that_is_taken_away(void **state)
{
	(void)state;
	fails_at_each_write(&(struct request){ EXPORT },
			    &(struct request){ "DELETE", "/exports/e-1", NULL, 202 });
}

static void a_node_that_is_added(void **state)
{
	(void)state;
	fails_at_each_write(NULL, &(struct request){ "POST", "/nodes",
						     "{\"name\":\"n\",\"role\":\"node\"}", 201 });
}

static void a_node_that_is_removed(void **state)
{
	(void)state;
	fails_at_each_write(NULL, &(struct request){ "DELETE", "/nodes/blake14", NULL, 200 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attach),
		cmocka_unit_test(a_detach),
		cmocka_unit_test(an_export),
		cmocka_unit_test(an_export_that_is_taken_away),
		cmocka_unit_test(a_node_that_is_added),
		cmocka_unit_test(a_node_that_is_removed),
	};

	return cmocka_run_group_tests_name("store-fails", tests, NULL, NULL);
}
