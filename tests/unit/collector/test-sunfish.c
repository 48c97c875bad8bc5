/* SPDX-License-Identifier: BSD-3-Clause */
/* The agent of a collector against a strict stand-in for a Sunfish server. */
#include "tests/unit/collector/harness.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "collector/redfish.h"
#include "collector/sunfish-own.h"
#include "tests/unit/collector/sunfish-fabric.h"

#define PATIENCE_MS 30000

struct world {
	struct harness h;
	struct fabric fabric;
	struct sunfish *sunfish; /* of the collector */
	pid_t server;
	int to, from; /* of the server */
	struct httpc *httpc;
	char url[64];
	uint16_t port; /* of ours */
	/* of the last request */
	bool answered;
	unsigned int status;
	struct js *answer;
};

static void serve(struct world *w, const char *quirk)
{
	int to[2], from[2];
	char port[16] = "";

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	w->server = fork();
	assert_true(w->server >= 0);
	if (w->server == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execlp("python3", "python3", "tests/unit/collector/sunfish-server.py", quirk,
		       (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	w->to = to[1];
	w->from = from[0];
	assert_true(read(w->from, port, sizeof(port) - 1) > 0);
	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", atoi(port));
}

static void run(struct world *w)
{
	const struct httpc_config http = { .connect_timeout_ms = 5000 };
	struct setup *setup = &w->h.collector.setup;
	struct err err = ERR_NULL;

	assert_int_equal(httpc_new(w->h.loop, &http, &w->httpc, NULL), 0);
	snprintf(setup->sunfish.server, sizeof(setup->sunfish.server), "%s", w->url);
	snprintf(setup->sunfish.address, sizeof(setup->sunfish.address), "127.0.0.1");
	setup->sunfish.n_allow = 1;
	snprintf(setup->sunfish.allow[0], sizeof(setup->sunfish.allow[0]), "127.0.0.1");
	setup->sunfish.port = w->port;
	setup->sunfish.heartbeat_seconds = 1;
	if (redfish_new(&w->h.collector, &setup->redfish, &w->h.collector.redfish, &err) < 0)
		fail_msg("%s", err.text);
	w->sunfish = w->h.collector.redfish->sunfish;
	w->port = httpd_port(w->sunfish->httpd);
	snprintf(setup->sunfish.url, sizeof(setup->sunfish.url), "http://127.0.0.1:%u", w->port);
	w->sunfish->sm.config.retry_min_ms = 50;
	w->sunfish->sm.config.retry_max_ms = 200;
	w->sunfish->sm.config.heartbeat_ms = 200;
	fabric_make(&w->fabric, w->h.collector.redfish->tree);
	redfish_flush(w->h.collector.redfish);
}

static void begin(struct world *w, const char *quirk)
{
	*w = (struct world){ .to = -1, .from = -1 };
	harness_start(&w->h);
	serve(w, quirk);
	run(w);
}

/* As after a kill. */
static void again(struct world *w)
{
	httpc_free(w->httpc);
	commit_now(w->h.collector.commit);
	harness_crash(&w->h);
	harness_run(&w->h);
	run(w);
}

static void end(struct world *w)
{
	js_free(w->answer);
	httpc_free(w->httpc);
	harness_stop(&w->h);
	close(w->to);
	close(w->from);
	waitpid(w->server, NULL, 0);
}

static void on_answer(void *data, const struct httpc_reply *reply)
{
	struct world *w = data;

	w->answered = true;
	w->status = reply->code == 0 ? reply->status : 0;
	js_parse(reply->body, reply->length, &w->answer, NULL);
}

/* Returns: the answer's status, 0 none; the loop goes on meanwhile. */
static unsigned int ask_url(struct world *w, const char *method, const char *url, const char *body)
{
	const struct httpc_request request = { .method = method,
					       .url = url,
					       .body = body,
					       .length = body ? strlen(body) : 0,
					       .timeout_ms = PATIENCE_MS };
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;

	js_free(w->answer);
	w->answer = NULL;
	w->answered = false;
	assert_int_equal(httpc_start(w->httpc, &request, on_answer, w, NULL, NULL), 0);
	while (!w->answered && clock_monotonic_ms() < until)
		loop_step(w->h.loop, 20);
	assert_true(w->answered);
	return w->status;
}

static unsigned int ask(struct world *w, const char *method, const char *path, const char *body)
{
	char url[512];

	snprintf(url, sizeof(url), "%s%s", w->url, path);
	return ask_url(w, method, url, body);
}

static bool is_up(const struct world *w)
{
	return w->sunfish->sm.state == SUNFISH_UP && !w->sunfish->n_notes &&
	       !w->sunfish->sm.running && !w->sunfish->sm.doubt;
}

static void wait_up(struct world *w)
{
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;

	while (!is_up(w) && clock_monotonic_ms() < until)
		loop_step(w->h.loop, 20);
	if (!is_up(w))
		fail_msg("%s: %s", sunfish_state_word(w->sunfish->sm.state), w->sunfish->sm.error);
}

/* The state of a resource there, once it is that. */
static void wait_state(struct world *w, const char *uri, const char *state)
{
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;
	const char *now = "";

	do {
		if (ask(w, "GET", uri, NULL) == 200)
			now = js_text(js_get(js_get(w->answer, "Status"), "State"));
	} while (strcmp(now ? now : "", state) != 0 && clock_monotonic_ms() < until);
	assert_string_equal(now, state);
}

static size_t count_events(struct world *w, const char *text)
{
	const struct js *events;
	size_t count = 0;
	size_t i;

	assert_int_equal(ask(w, "GET", "/_log", NULL), 200);
	events = js_get(w->answer, "events");
	for (i = 0; i < js_length(events); i++)
		count += strstr(js_text(js_at(events, i)), text) != NULL;
	return count;
}

static void assert_clean(struct world *w)
{
	const struct js *mistakes;

	assert_int_equal(ask(w, "GET", "/_log", NULL), 200);
	mistakes = js_get(w->answer, "mistakes");
	if (js_length(mistakes))
		fail_msg("%zu mistakes: %s", js_length(mistakes), js_text(js_at(mistakes, 0)));
}

static void assert_whole(struct world *w)
{
	assert_clean(w);
	assert_int_equal(w->sunfish->missing.count, 0);
	assert_non_null(js_get(js_get(w->answer, "objects"), VOLUME));
	assert_non_null(js_get(js_get(w->answer, "objects"), "/redfish/v1/Chassis/lonely"));
}

static void registers_and_uploads_a_closed_tree(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	assert_whole(&w);
	assert_int_equal(count_events(&w, "AggregationSourceDiscovered"), 1);
	end(&w);
}

/* Whatever it answers, all is there in the end, and it was registered once. */
static void survives_each_answer(void **state)
{
	static const char *const quirks[] = { "register-500-before", "register-500-after",
					      "register-empty-after", "upload-break",
					      "event-empty" };
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
		begin(&w, quirks[i]);
		wait_up(&w);
		assert_whole(&w);
		assert_int_equal(ask(&w, "GET", SUNFISH_SOURCES, NULL), 200);
		assert_int_equal(js_length(js_get(w.answer, "Members")), 1);
		end(&w);
	}
}

static void keeps_its_uuid_over_a_restart(void **state)
{
	struct world w;
	char uuid[SUNFISH_UUID_MAX];

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	strcpy(uuid, w.sunfish->sm.uuid);
	again(&w);
	assert_string_equal(w.sunfish->sm.uuid, uuid);
	wait_up(&w);
	assert_whole(&w);
	assert_int_equal(count_events(&w, "AggregationSourceDiscovered"), 1);
	end(&w);
}

static void finds_its_uuid_without_its_store(void **state)
{
	struct world w;
	char uuid[SUNFISH_UUID_MAX];

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	strcpy(uuid, w.sunfish->sm.uuid);
	unlink(w.h.store);
	again(&w);
	wait_up(&w);
	assert_string_equal(w.sunfish->sm.uuid, uuid);
	assert_whole(&w);
	end(&w);
}

static void registers_anew_after_a_reset(void **state)
{
	struct world w;
	char uuid[SUNFISH_UUID_MAX];

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	strcpy(uuid, w.sunfish->sm.uuid);
	assert_int_equal(ask(&w, "POST", "/_reset", NULL), 200);
	while (strcmp(uuid, w.sunfish->sm.uuid) == 0 || !*w.sunfish->sm.uuid)
		loop_step(w.h.loop, 20);
	wait_up(&w);
	assert_whole(&w);
	end(&w);
}

static void makes_its_source_again(void **state)
{
	struct world w;
	char uuid[SUNFISH_UUID_MAX];
	char uri[200];

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	strcpy(uuid, w.sunfish->sm.uuid);
	assert_int_equal(ask(&w, "POST", "/_forget", NULL), 200);
	while (*w.sunfish->sm.uuid)
		loop_step(w.h.loop, 20);
	wait_up(&w);
	assert_string_equal(w.sunfish->sm.uuid, uuid);
	snprintf(uri, sizeof(uri), SUNFISH_SOURCES "/%s", uuid);
	assert_int_equal(ask(&w, "GET", uri, NULL), 200);
	end(&w);
}

/* What a lost host looks like there. */
static void what_changes_is_seen_there(void **state)
{
	struct rf_tree *tree;
	struct world w;

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	tree = w.h.collector.redfish->tree;
	w.fabric.host.state = "UnavailableOffline";
	rf_resource_touch(tree, rf_tree_find(tree, FABRIC "/Endpoints/host1"));
	redfish_flush(w.h.collector.redfish);
	wait_state(&w, FABRIC "/Endpoints/host1", "UnavailableOffline");
	rf_tree_remove(tree, rf_tree_find(tree, CONNECTIONS "/C1"));
	redfish_flush(w.h.collector.redfish);
	wait_state(&w, CONNECTIONS "/C1", "Absent");
	wait_up(&w);
	assert_int_equal(count_events(&w, "ResourceChanged " FABRIC "/Endpoints/host1"), 1);
	assert_int_equal(count_events(&w, "ResourceRemoved " CONNECTIONS "/C1"), 1);
	assert_clean(&w);
	end(&w);
}

static void tells_of_changes_where_copies_do_not_follow(void **state)
{
	struct rf_tree *tree;
	struct world w;
	size_t i;

	(void)state;
	begin(&w, "patch-500");
	wait_up(&w);
	tree = w.h.collector.redfish->tree;
	for (i = 0; i < 5; i++) {
		w.fabric.host.state = i % 2 ? "Enabled" : "Disabled";
		rf_resource_touch(tree, rf_tree_find(tree, FABRIC "/Endpoints/host1"));
		redfish_flush(w.h.collector.redfish);
		wait_up(&w);
	}
	assert_true(w.sunfish->no_copy);
	assert_int_equal(count_events(&w, "ResourceChanged " FABRIC "/Endpoints/host1"), 5);
	end(&w);
}

static void does_what_is_asked_through_it(void **state)
{
	struct rf_tree *tree;
	struct world w;
	char uri[RF_URI_MAX];
	char url[RF_URI_MAX + 40];

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	tree = w.h.collector.redfish->tree;
	assert_int_equal(
		ask(&w, "POST", CONNECTIONS, "{\"@odata.type\":\"#Connection.v1_3_0.Connection\"}"),
		200);
	snprintf(uri, sizeof(uri), "%s", js_text(js_get(w.answer, "@odata.id")));
	assert_non_null(rf_tree_find(tree, uri));
	/* again, as who saw an error does: there is one */
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/%s", w.port, uri);
	assert_int_equal(ask_url(&w, "POST", url, "{\"Name\":\"x\"}"), 200);
	assert_string_equal(js_text(js_get(w.answer, "@odata.id")), uri);
	assert_int_equal(ask(&w, "PATCH", CONNECTIONS "/C1",
			     "{\"@odata.id\":\"" CONNECTIONS "/C1\",\"Name\":\"Disabled\"}"),
			 200);
	assert_string_equal(w.fabric.connection.state, "Disabled");
	assert_int_equal(ask(&w, "DELETE", CONNECTIONS "/C1", NULL), 500);
	assert_null(rf_tree_find(tree, CONNECTIONS "/C1"));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/" CONNECTIONS "/C1", w.port);
	assert_int_equal(ask_url(&w, "DELETE", url, NULL), 204);
	assert_clean(&w);
	end(&w);
}

static void its_own_names_for_ours_are_understood(void **state)
{
	char uri[RF_URI_MAX];

	(void)state;
	assert_true(sunfish_tree_uri("//redfish/v1/Storage/Sunfish_3af1_blake14/Volumes/1/",
				     "3af1bbf0-5ca0-4701-a34b-7ac71e5b36ce", uri));
	assert_string_equal(uri, VOLUME);
	assert_true(sunfish_tree_uri(
		"/redfish/v1/Storage/Sunfish_3af1bbf0-5ca0-4701-a34b-7ac71e5b36ce_blake14",
		"3af1bbf0-5ca0-4701-a34b-7ac71e5b36ce", uri));
	assert_string_equal(uri, "/redfish/v1/Storage/blake14");
	assert_true(sunfish_tree_uri("/redfish/v1/Storage/Sunfish_74e8_x",
				     "3af1bbf0-5ca0-4701-a34b-7ac71e5b36ce", uri));
	assert_string_equal(uri, "/redfish/v1/Storage/Sunfish_74e8_x");
}

static void nobody_else_may_ask(void **state)
{
	char url[200];
	struct world w;

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	snprintf(w.h.collector.setup.sunfish.allow[0], 32, "192.0.2.1");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u" VOLUME, w.port);
	assert_int_equal(ask_url(&w, "GET", url, NULL), 403);
	assert_int_equal(ask_url(&w, "PATCH", url, "{}"), 403);
	snprintf(w.h.collector.setup.sunfish.allow[0], 32, "127.0.0.1");
	assert_int_equal(ask_url(&w, "GET", url, NULL), 200);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/redfish/v1/AccountService", w.port);
	assert_int_equal(ask_url(&w, "GET", url, NULL), 404);
	end(&w);
}

static void signs_off_completely_and_comes_back(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	assert_true(sunfish_sm_leave(&w.sunfish->sm, loop_now_ms(w.h.loop)));
	loop_timer_set(w.sunfish->timer, 0, 0);
	while (w.sunfish->sm.state != SUNFISH_OFF)
		loop_step(w.h.loop, 20);
	assert_clean(&w);
	assert_int_equal(js_length(js_get(w.answer, "objects")), 0);
	assert_true(sunfish_sm_join(&w.sunfish->sm, loop_now_ms(w.h.loop)));
	loop_timer_set(w.sunfish->timer, 0, 0);
	wait_up(&w);
	assert_whole(&w);
	end(&w);
}

static void takes_away_what_is_gone_on_command(void **state)
{
	struct rf_tree *tree;
	struct world w;

	(void)state;
	begin(&w, "none");
	wait_up(&w);
	tree = w.h.collector.redfish->tree;
	rf_tree_remove(tree, rf_tree_find(tree, CONNECTIONS "/C1"));
	redfish_flush(w.h.collector.redfish);
	wait_state(&w, CONNECTIONS "/C1", "Absent");
	while (!w.sunfish->stale.count)
		loop_step(w.h.loop, 20);
	wait_up(&w);
	assert_true(sunfish_sm_tidy(&w.sunfish->sm, loop_now_ms(w.h.loop)));
	loop_timer_set(w.sunfish->timer, 0, 0);
	while (w.sunfish->stale.count)
		loop_step(w.h.loop, 20);
	wait_up(&w);
	assert_int_equal(ask(&w, "GET", CONNECTIONS "/C1", NULL), 404);
	assert_whole(&w);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_and_uploads_a_closed_tree),
		cmocka_unit_test(survives_each_answer),
		cmocka_unit_test(keeps_its_uuid_over_a_restart),
		cmocka_unit_test(finds_its_uuid_without_its_store),
		cmocka_unit_test(registers_anew_after_a_reset),
		cmocka_unit_test(makes_its_source_again),
		cmocka_unit_test(what_changes_is_seen_there),
		cmocka_unit_test(tells_of_changes_where_copies_do_not_follow),
		cmocka_unit_test(does_what_is_asked_through_it),
		cmocka_unit_test(its_own_names_for_ours_are_understood),
		cmocka_unit_test(nobody_else_may_ask),
		cmocka_unit_test(signs_off_completely_and_comes_back),
		cmocka_unit_test(takes_away_what_is_gone_on_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
