/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other side is a server on the same loop that does what doc/api.md says of the collector, and
 * loses connections, refuses and forgets where a test says so. Retries are made short.
 */
#include "wire/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/httpd.h"
#include "tests/unit/unit.h"
#include "wire/agent-own.h"

#define PATIENCE_MS 10000
#define TOKEN "s3cret"
#define LONG_MS 600000

static struct loop *loop;
static char directory[64];
static struct agent *agent;

/* --- the collector */

enum mood {
	MOOD_GOOD,
	MOOD_HOLD,    /* applies a report, but does not answer */
	MOOD_FAIL,    /* 500, nothing is applied */
	MOOD_REFUSE,  /* 401 */
	MOOD_NO_ACK,  /* takes events, and says that none is durable */
	MOOD_RESYNC,  /* wants a snapshot whatever comes */
	MOOD_GARBAGE, /* answers with no JSON */
	MOOD_LIE,     /* acknowledges what it never got */
	MOOD_DENY,    /* 400 to whatever it gets */
};

static struct collector {
	struct httpd *httpd;
	uint16_t port;
	enum mood mood;
	unsigned int reports; /* that came in, whatever became of them */
	unsigned int snapshots;
	unsigned int samples;
	unsigned int most_events; /* in one */
	char boot[64];
	uint64_t seq;
	struct object_set *state;
	struct str log; /* "seq type kind/id cause\n" of each event that was applied */
	unsigned int logged;
	struct httpd_request *held;
	char *wanted; /* the document; NULL: 204 at the end of the wait */
	uint64_t generation;
	struct httpd_request *poll;
	unsigned int polls;
	char poll_query[64];
	char token[64];
	const char *poison;	  /* 400 to a report with this text in its events */
	const char *bad_snapshot; /* .. in its snapshot */
	unsigned int refused;
} collector;

static void on_held_gone(void *user, struct httpd_request *request)
{
	(void)user;
	if (collector.held == request)
		collector.held = NULL;
	if (collector.poll == request)
		collector.poll = NULL;
}

static void apply_event(const struct report_event *event)
{
	collector.seq = event->seq;
	str_addf(&collector.log, "%" PRIu64 " %s %s/%s %s\n", event->seq, event->type, event->kind,
		 event->id, event->cause);
	collector.logged++;
	if (strcmp(event->type, "removed") == 0)
		assert_true(object_set_remove(collector.state, event->kind, event->id));
	else if (strcmp(event->type, "note") != 0)
		assert_int_equal(object_set_put(collector.state, event->kind, event->id,
						js_ref(event->object), NULL),
				 0);
}

/* Returns: is a snapshot wanted? */
static bool apply_events(const struct report *report)
{
	struct report_event event;
	size_t i;

	if (js_length(report->events) > collector.most_events)
		collector.most_events = (unsigned int)js_length(report->events);
	for (i = 0; i < js_length(report->events); i++) {
		assert_int_equal(report_event_decode(js_at(report->events, i), &event, NULL), 0);
		if (event.seq <= collector.seq)
			continue;
		if (event.seq != collector.seq + 1)
			return true;
		apply_event(&event);
	}
	return false;
}

static void begin_boot(const struct report *report)
{
	struct report_event event;

	snprintf(collector.boot, sizeof(collector.boot), "%s", report->boot);
	collector.seq = report->snapshot_seq;
	if (js_length(report->events) &&
	    report_event_decode(js_at(report->events, 0), &event, NULL) == 0)
		collector.seq = event.seq - 1;
	str_addf(&collector.log, "boot\n");
}

/* Returns: is a snapshot wanted? */
static bool apply(const struct report *report)
{
	bool resync;

	if (strcmp(collector.boot, report->boot) != 0) {
		if (!report->has_snapshot)
			return true;
		begin_boot(report);
		/* the events lead to the snapshot from a state that is not known here */
		object_set_free(collector.state);
		assert_int_equal(object_set_parse(report->snapshot, &collector.state, NULL), 0);
	}
	resync = apply_events(report);
	if (!report->has_snapshot)
		return resync;
	object_set_free(collector.state);
	assert_int_equal(object_set_parse(report->snapshot, &collector.state, NULL), 0);
	collector.seq = report->snapshot_seq;
	collector.snapshots++;
	return false;
}

static void reply_answer(struct httpd_request *request, const struct report_answer *answer)
{
	char text[REPORT_ANSWER_TEXT];
	int length = report_answer_format(answer, text, sizeof(text));

	httpd_reply(request, 200, "application/json", text, (size_t)length, NULL);
}

static void reply_error(struct httpd_request *request, unsigned int status)
{
	static const char body[] = "{\"version\":1,\"error\":{\"code\":\"x\",\"message\":\"the "
				   "store is full\"}}";

	httpd_reply(request, status, "application/json", body, sizeof(body) - 1, NULL);
}

static bool is_poisoned(const struct js *js, const char *poison)
{
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	return text && poison && strstr(text, poison);
}

static bool is_refused(const struct report *report)
{
	return collector.mood == MOOD_DENY || is_poisoned(report->events, collector.poison) ||
	       (report->has_snapshot && is_poisoned(report->snapshot, collector.bad_snapshot));
}

static void on_report(struct httpd_request *request)
{
	struct report_answer answer = { .lease_ms = 30000, .wanted = collector.generation };
	const char *token = httpd_header(request, "Authorization");
	CLEANUP_JS struct js *js = NULL;
	struct report report = { 0 };
	struct err err = ERR_NULL;
	const char *body;
	size_t length;

	collector.reports++;
	snprintf(collector.token, sizeof(collector.token), "%s", token ? token : "");
	if (collector.mood == MOOD_FAIL || collector.mood == MOOD_REFUSE) {
		reply_error(request, collector.mood == MOOD_FAIL ? 500 : 401);
		return;
	}
	body = httpd_body(request, &length);
	if (js_parse(body, length, &js, &err) < 0 || report_decode(js, &report, &err) < 0)
		fail_msg("a bad report: %s", err.text);
	assert_string_equal(report.node, "0123abcd");
	assert_string_equal(report.name, "blake14");
	assert_string_equal(report.program, "test 1");
	assert_int_equal(report.role, REPORT_TARGET);
	if (is_refused(&report)) {
		collector.refused++;
		reply_error(request, 400);
		return;
	}
	if (js_length(report.samples))
		collector.samples++;
	answer.resync = apply(&report) || collector.mood == MOOD_RESYNC;
	answer.ack = strcmp(collector.boot, report.boot) == 0 ? collector.seq : 0;
	if (collector.mood == MOOD_NO_ACK)
		answer.ack = 0;
	if (collector.mood == MOOD_LIE)
		answer.ack = 1000000;
	if (collector.mood == MOOD_HOLD) {
		collector.held = request;
		httpd_request_keep(request, NULL, on_held_gone);
	} else if (collector.mood == MOOD_GARBAGE) {
		httpd_reply(request, 200, "text/plain", "good", 4, NULL);
	} else {
		reply_answer(request, &answer);
	}
}

static void on_poll(struct httpd_request *request)
{
	const char *generation = httpd_query(request, "generation");

	collector.polls++;
	assert_string_equal(httpd_query(request, "node"), "0123abcd");
	assert_string_equal(httpd_query(request, "role"), "target");
	snprintf(collector.poll_query, sizeof(collector.poll_query), "%s", generation);
	if (collector.mood == MOOD_FAIL || collector.mood == MOOD_REFUSE)
		reply_error(request, collector.mood == MOOD_FAIL ? 500 : 401);
	else if (collector.wanted && strtoull(generation, NULL, 10) != collector.generation)
		httpd_reply(request, 200, "application/json", collector.wanted,
			    strlen(collector.wanted), NULL);
	else {
		collector.poll = request;
		httpd_request_keep(request, NULL, on_held_gone);
	}
}

static void on_request(void *data, struct httpd_request *request)
{
	(void)data;
	if (strcmp(httpd_path(request), "/sunfish/v1/report") == 0)
		on_report(request);
	else if (strcmp(httpd_path(request), "/sunfish/v1/wanted") == 0)
		on_poll(request);
	else
		fail_msg("%s was asked for", httpd_path(request));
}

static void start_collector(void)
{
	struct httpd_config config = { .address = "127.0.0.1",
				       .port = collector.port,
				       .listen_fd = -1,
				       .connections_max = 100,
				       .body_max = REPORT_BYTES_MAX };
	struct err err = ERR_NULL;

	if (httpd_new(loop, &config, on_request, NULL, &collector.httpd, &err) < 0)
		fail_msg("%s", err.text);
	collector.port = httpd_port(collector.httpd);
}

/* All its connections break; what it holds, it keeps. */
static void stop_collector(void)
{
	httpd_free(collector.httpd);
	collector.httpd = NULL;
	collector.held = collector.poll = NULL;
}

static void wants(const char *id, uint64_t generation, const char *entries)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"version\":1,\"collector\":\"%s\",\"role\":\"target\",\"generation\":%" PRIu64
		 ",\"entries\":[%s]}",
		 id, generation, entries);
	free(collector.wanted);
	collector.wanted = strdup(text);
	collector.generation = generation;
	if (collector.poll)
		httpd_reply(collector.poll, 200, "application/json", text, strlen(text), NULL);
	collector.poll = NULL;
}

/* --- the helper */

static struct helper {
	struct str told; /* the same as in the collector's log */
	unsigned int n_told;
	unsigned int wanted;
	uint64_t generation;
	size_t entries;
	size_t absent; /* of them */
	unsigned int sampled;
	unsigned int lost;
	unsigned int warned;
} helper;

static struct {
	unsigned int count;
	int64_t ms[32]; /* as they would have been */
} retries;

int64_t __real_agent_retry_ms(struct agent_retry *retry);
int64_t __wrap_agent_retry_ms(struct agent_retry *retry);
int64_t __wrap_agent_retry_ms(struct agent_retry *retry)
{
	int64_t ms = __real_agent_retry_ms(retry);

	if (retries.count < 32)
		retries.ms[retries.count++] = ms;
	return 2;
}

static void on_event(void *data, const struct report_event *event)
{
	assert_ptr_equal(data, &helper);
	str_addf(&helper.told, "%" PRIu64 " %s %s/%s %s\n", event->seq, event->type, event->kind,
		 event->id, event->cause);
	helper.n_told++;
}

static void on_trouble(void *data, bool is_over, const char *text)
{
	assert_ptr_equal(data, &helper);
	assert_false(is_over);
	assert_non_null(strstr(text, "lost"));
	helper.lost++;
}

static void on_warn(void *data, const char *text)
{
	assert_ptr_equal(data, &helper);
	assert_true(*text != '\0');
	helper.warned++;
}

static void on_wanted(void *data, const struct wanted *wanted)
{
	struct wanted_entry entry;
	size_t i;

	assert_ptr_equal(data, &helper);
	helper.wanted++;
	helper.generation = wanted->generation;
	helper.entries = wanted->count;
	helper.absent = 0;
	for (i = 0; i < wanted->count; i++) {
		wanted_entry_at(wanted, i, &entry);
		helper.absent += entry.absent;
	}
}

static struct object_set *state_of(const char *words, int64_t reads);

static void on_sample(void *data)
{
	assert_ptr_equal(data, &helper);
	helper.sampled++;
	agent_update(agent, state_of("a=1", helper.sampled), "");
}

/* "a=1 b=2": objects of kind drive with an attribute "state". @reads  a counter; -1 none */
static struct object_set *state_of(const char *words, int64_t reads)
{
	struct object_set *set = object_set_new();
	char *copy = strdup(words);
	char *rest = copy;
	char *word;

	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');
		struct js *attrs = js_object();

		if (!value) {
			js_free(attrs);
			continue;
		}
		*value++ = '\0';
		js_set(attrs, "state", js_string(value));
		if (reads >= 0) {
			struct js *counters = js_object();

			js_set(counters, "read_ios", js_int(reads));
			js_set(attrs, "counters", counters);
		}
		assert_int_equal(object_set_put(set, "drive", word, attrs, NULL), 0);
	}
	free(copy);
	return set;
}

static void is_now(const char *words)
{
	assert_int_equal(agent_update(agent, state_of(words, -1), "seen"), 0);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put_token(const char *token, mode_t mode)
{
	assert_int_equal(fs_replace_file(-1, path_of("token"), token, strlen(token), mode), 0);
}

static int make_agent(const struct agent_config *changes, struct err *err)
{
	const struct agent_hooks hooks = { .wanted = on_wanted,
					   .event = on_event,
					   .sample = changes->interval_ms == 100 ? on_sample : NULL,
					   .trouble = on_trouble,
					   .warn = on_warn,
					   .data = &helper };
	struct agent_config config = *changes;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", collector.port);
	if (!config.url)
		config.url = url;
	if (!config.interval_ms)
		config.interval_ms = LONG_MS;
	if (!config.spool_bytes)
		config.spool_bytes = 32u << 20;
	config.node = "0123abcd";
	config.name = "blake14";
	config.program = "test 1";
	config.role = REPORT_TARGET;
	config.spool_dir = directory;
	return agent_new(loop, &config, &hooks, &agent, err);
}

static void start_agent(struct agent_config config)
{
	struct err err = ERR_NULL;

	if (make_agent(&config, &err) < 0)
		fail_msg("%s", err.text);
}

static void restart_agent(void)
{
	agent_free(agent);
	start_agent((struct agent_config){ 0 });
}

/* --- set up, and wait */

static int set_up_bare(void **state)
{
	(void)state;
	memset(&collector, 0, sizeof(collector));
	memset(&helper, 0, sizeof(helper));
	memset(&retries, 0, sizeof(retries));
	agent = NULL;
	strcpy(directory, "/tmp/test-agent-XXXXXX");
	assert_non_null(mkdtemp(directory));
	assert_int_equal(loop_new(&loop, NULL), 0);
	collector.state = object_set_new();
	start_collector();
	return 0;
}

static int set_up(void **state)
{
	set_up_bare(state);
	start_agent((struct agent_config){ 0 });
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	agent_free(agent);
	httpd_free(collector.httpd);
	object_set_free(collector.state);
	str_deinit(&collector.log);
	str_deinit(&helper.told);
	free(collector.wanted);
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

static bool run_until(bool (*is_so)(void))
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (!is_so()) {
		if (clock_monotonic_ms() > end)
			return false;
		assert_true(loop_step(loop, 20) >= 0);
	}
	return true;
}

static void run_for(int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end)
		assert_true(loop_step(loop, 5) >= 0);
}

static struct agent_status status_now(void)
{
	struct agent_status status;

	agent_status(agent, &status);
	return status;
}

/* All is acknowledged, and the collector has the helper's state. */
static bool is_settled(void)
{
	struct agent_status status = status_now();

	return status.connected && status.seq == status.acknowledged &&
	       status.seq == collector.seq && collector.boot[0] && !*status.error;
}

static int on_difference(void *data, enum object_change change, const struct object *object)
{
	(void)data;
	fail_msg("%s differs: it is %s", object->id, object_change_word(change));
	return 0;
}

static void settles(void)
{
	if (!run_until(is_settled))
		fail_msg("seq %" PRIu64 " acknowledged %" PRIu64 " collector %" PRIu64
			 " connected %d: %s",
			 status_now().seq, status_now().acknowledged, collector.seq,
			 status_now().connected, status_now().error);
	object_set_diff(agent_state(agent), collector.state, on_difference, NULL);
}

static bool has_error(void)
{
	return status_now().error[0] != '\0';
}

static bool is_away(void)
{
	return !status_now().connected && has_error();
}

static void says(const char *words)
{
	if (!strstr(status_now().error, words))
		fail_msg("\"%s\" is not in: %s", words, status_now().error);
	assert_null(strstr(status_now().error, TOKEN));
	assert_null(strchr(status_now().error, '\n'));
}

static bool holds_one(void)
{
	return collector.held != NULL;
}

static void logged(const char *log)
{
	assert_string_equal(str_get(&collector.log), log);
}

/* --- events */

static void the_first_report_is_the_whole_state(void **state)
{
	(void)state;
	is_now("a=1 b=2");
	assert_int_equal(helper.n_told, 0);
	settles();
	assert_int_equal(collector.reports, 1);
	assert_int_equal(collector.snapshots, 1);
	logged("boot\n");
	assert_true(status_now().connected);
	assert_true(status_now().configured);
}

static void nothing_is_sent_before_the_state_is_known(void **state)
{
	(void)state;
	assert_int_equal(agent_note(agent, "drive", "a", "early", NULL), 0);
	run_for(50);
	assert_int_equal(collector.reports, 0);
	assert_null(agent_state(agent));
	is_now("a=1");
	settles();
	logged("boot\n1 note drive/a early\n");
}

static void each_change_is_an_event(void **state)
{
	(void)state;
	is_now("a=1 b=2");
	settles();
	is_now("a=1 b=3");
	settles();
	is_now("c=1 b=3");
	settles();
	assert_int_equal(agent_note(agent, "drive", "b", "a hiccup", NULL), 0);
	settles();
	logged("boot\n1 changed drive/b seen\n2 removed drive/a seen\n3 added drive/c seen\n"
	       "4 note drive/b a hiccup\n");
	assert_int_equal(collector.snapshots, 1);
	assert_int_equal(collector.reports, 4);
}

static const char *cause_of(void *data, enum object_change change, const struct object *object)
{
	(void)data;
	return change == OBJECT_REMOVED ? "pulled" : object->id;
}

static void each_event_has_its_own_cause(void **state)
{
	char lengthy[3000];

	(void)state;
	is_now("a=1 b=2");
	settles();
	assert_int_equal(agent_update_explained(agent, state_of("b=3 c=1", -1), cause_of, NULL), 0);
	settles();
	logged("boot\n1 removed drive/a pulled\n2 changed drive/b b\n3 added drive/c c\n");
	/* and whatever it is, the collector takes it */
	assert_int_equal(agent_note(agent, "drive", "b", "two\nlines\x1b[1m\t.", NULL), 0);
	memset(lengthy, '\xc3', sizeof(lengthy));
	memset(lengthy + 1, '\xa4', sizeof(lengthy) - 2);
	for (size_t i = 0; i < sizeof(lengthy) - 1; i++)
		lengthy[i] = i % 2 ? '\xa4' : '\xc3';
	lengthy[sizeof(lengthy) - 1] = '\0';
	assert_int_equal(agent_note(agent, "drive", "b", lengthy, NULL), 0);
	settles();
	assert_non_null(strstr(str_get(&collector.log), "4 note drive/b two lines?[1m .\n"));
}

static void changes_of_one_round_are_one_report(void **state)
{
	int i;

	(void)state;
	is_now("a=1");
	settles();
	for (i = 0; i < 50; i++)
		is_now(i % 2 ? "a=1" : "a=2");
	settles();
	assert_int_equal(collector.logged, 50);
	assert_int_equal(collector.reports, 2);
	assert_int_equal(collector.most_events, 50);
}

static void one_report_is_under_way_at_a_time(void **state)
{
	struct report_answer answer = { .lease_ms = 30000 };

	(void)state;
	is_now("a=1");
	settles();
	collector.mood = MOOD_HOLD;
	is_now("a=2");
	assert_true(run_until(holds_one));
	is_now("a=3");
	is_now("a=4");
	run_for(50);
	assert_int_equal(collector.reports, 2);
	collector.mood = MOOD_GOOD;
	answer.ack = 1;
	reply_answer(collector.held, &answer);
	collector.held = NULL;
	settles();
	assert_int_equal(collector.reports, 3);
	assert_int_equal(collector.logged, 3);
}

static void counters_make_no_events(void **state)
{
	(void)state;
	assert_int_equal(agent_update(agent, state_of("a=1", 1), ""), 0);
	settles();
	assert_int_equal(agent_update(agent, state_of("a=1", 2), ""), 0);
	run_for(30);
	assert_int_equal(helper.n_told, 0);
	assert_int_equal(collector.reports, 1);
}

static bool has_four_samples(void)
{
	return collector.samples >= 4;
}

static void an_idle_helper_renews_its_lease_with_samples(void **state)
{
	int64_t began;

	(void)state;
	start_agent((struct agent_config){ .interval_ms = 100 });
	is_now("a=1");
	began = clock_monotonic_ms();
	assert_true(run_until(has_four_samples));
	/* not more often than it said */
	assert_true(clock_monotonic_ms() - began >= 300);
	assert_true(helper.sampled >= collector.samples);
	assert_true(collector.reports <= helper.sampled + 1);
	assert_int_equal(collector.logged, 0);
}

static void thousands_of_events_go_in_portions(void **state)
{
	int i;

	(void)state;
	is_now("a=1");
	settles();
	stop_collector();
	for (i = 0; i < 6000; i++)
		is_now(i % 2 ? "a=1" : "a=2");
	run_for(20);
	start_collector();
	settles();
	assert_int_equal(collector.logged, 6000);
	assert_int_equal(collector.snapshots, 1);
	assert_true(collector.most_events <= REPORT_EVENTS_MAX);
}

/* --- the collector is away, or in a mood */

static void events_wait_for_the_collector(void **state)
{
	(void)state;
	is_now("a=1");
	settles();
	stop_collector();
	is_now("a=2");
	assert_true(run_until(is_away));
	says("Connection refused");
	is_now("a=3 b=1");
	run_for(20);
	start_collector();
	settles();
	logged("boot\n1 changed drive/a seen\n2 changed drive/a seen\n3 added drive/b seen\n");
	assert_int_equal(collector.snapshots, 1);
	assert_int_equal(status_now().lost, 0);
}

static void an_answer_that_is_lost_doubles_nothing(void **state)
{
	(void)state;
	is_now("a=1");
	settles();
	collector.mood = MOOD_HOLD;
	is_now("a=2");
	assert_true(run_until(holds_one));
	assert_int_equal(collector.logged, 1);
	collector.mood = MOOD_GOOD;
	stop_collector();
	is_now("a=3");
	start_collector();
	settles();
	logged("boot\n1 changed drive/a seen\n2 changed drive/a seen\n");
}

static void errors_are_tried_again_and_said(void **state)
{
	static const enum mood moods[] = { MOOD_FAIL, MOOD_NO_ACK, MOOD_GARBAGE, MOOD_RESYNC,
					   MOOD_REFUSE };
	static const char *const words[] = { "500", "acknowledge", "answer", "snapshot", "401" };
	char text[16];
	size_t i;

	(void)state;
	put_token(TOKEN "\n", 0600);
	agent_free(agent);
	start_agent((struct agent_config){ .token_file = path_of("token") });
	is_now("a=0");
	settles();
	assert_string_equal(collector.token, "Bearer " TOKEN);
	for (i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		collector.mood = moods[i];
		snprintf(text, sizeof(text), "a=%zu", i + 1);
		is_now(text);
		assert_true(run_until(has_error));
		says(words[i]);
		if (moods[i] == MOOD_FAIL)
			says("the store is full");
		if (moods[i] == MOOD_REFUSE)
			says("token");
		collector.mood = MOOD_GOOD;
		settles();
	}
	assert_int_equal(collector.logged, 5);
	assert_int_equal(status_now().lost, 0);
}

static void a_collector_that_lies_costs_no_event(void **state)
{
	(void)state;
	is_now("a=1");
	settles();
	collector.mood = MOOD_LIE;
	is_now("a=2");
	is_now("a=3");
	run_for(30);
	assert_int_equal(status_now().acknowledged, 2);
	collector.mood = MOOD_GOOD;
	is_now("a=4");
	settles();
	assert_int_equal(collector.logged, 3);
}

static void retries_become_rarer_and_are_spread(void **state)
{
	static const int64_t most[] = { 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	unsigned int i;
	struct agent_retry retry = { 0 };
	int64_t ms;
	int64_t first;
	bool differs = false;

	(void)state;
	for (i = 0; i < 8; i++) {
		ms = __real_agent_retry_ms(&retry);
		assert_in_range(ms, most[i] / 2, most[i]);
	}
	retry.refused = true;
	assert_in_range(__real_agent_retry_ms(&retry), 30000, 60000);
	first = __real_agent_retry_ms(&retry);
	for (i = 0; i < 20; i++)
		differs |= __real_agent_retry_ms(&retry) != first;
	assert_true(differs);
}

static void a_collector_that_forgot_gets_a_snapshot(void **state)
{
	(void)state;
	is_now("a=1");
	settles();
	is_now("a=2");
	settles();
	/* everything */
	collector.boot[0] = '\0';
	collector.seq = 0;
	is_now("a=3 b=1");
	settles();
	assert_int_equal(collector.snapshots, 2);
	logged("boot\n1 changed drive/a seen\nboot\n2 changed drive/a seen\n3 added drive/b seen\n");
	/* some: it was restored from a copy */
	collector.seq = 1;
	is_now("a=3");
	settles();
	assert_int_equal(collector.snapshots, 3);
}

static void a_restarted_helper_sends_what_was_left_and_its_state(void **state)
{
	(void)state;
	is_now("a=1");
	settles();
	stop_collector();
	is_now("a=2");
	is_now("a=2 b=1");
	restart_agent();
	/* b vanished while it was down */
	is_now("a=2");
	run_for(20);
	start_collector();
	settles();
	logged("boot\n1 changed drive/a seen\n2 added drive/b seen\n");
	assert_int_equal(collector.snapshots, 2);
	assert_int_equal(status_now().seq, 2);
	is_now("a=3");
	settles();
	logged("boot\n1 changed drive/a seen\n2 added drive/b seen\n3 changed drive/a seen\n");
}

static bool has_told_gap(void)
{
	return strstr(str_get(&collector.log), " note gap/lost ") != NULL;
}

static void a_full_spool_costs_events_but_not_the_state(void **state)
{
	int i;

	(void)state;
	start_agent((struct agent_config){ .spool_bytes = 64u << 10 });
	is_now("a=1");
	settles();
	stop_collector();
	for (i = 0; i < 1000; i++)
		is_now(i % 2 ? "a=1" : "a=2 c=1");
	assert_true(status_now().lost > 0);
	is_now("a=9");
	start_collector();
	assert_true(run_until(has_told_gap));
	settles();
	assert_int_equal(collector.snapshots, 2);
	/* each one either came or is counted, and the collector is told how many did not */
	assert_int_equal(collector.logged + status_now().lost, helper.n_told);
	assert_non_null(strstr(str_get(&collector.log), "events are lost: the spool is full"));
	assert_int_equal(helper.lost, 1);
}

static void events_that_a_snapshot_leaves_out_are_counted_and_told(void **state)
{
	int i;

	(void)state;
	is_now("a=1");
	settles();
	stop_collector();
	for (i = 0; i < 6000; i++)
		is_now(i % 2 ? "a=1" : "a=2");
	/* it is another one, that begins with a snapshot */
	collector.boot[0] = '\0';
	collector.seq = 0;
	start_collector();
	assert_true(run_until(has_told_gap));
	settles();
	assert_int_equal(status_now().lost, 6000 - REPORT_EVENTS_MAX);
	assert_non_null(
		strstr(str_get(&collector.log), "1904 events are lost: they were too many"));
	assert_int_equal(collector.logged, REPORT_EVENTS_MAX + 1);
}

/* --- the collector refuses a report */

static bool has_set_aside(void)
{
	return status_now().refused == 1 && is_settled();
}

static void an_event_that_is_refused_is_set_aside(void **state)
{
	CLEANUP_FREE char *kept = NULL;
	struct stat st;
	size_t length;
	int i;

	(void)state;
	collector.poison = "venom";
	is_now("a=0");
	settles();
	stop_collector();
	for (i = 1; i < 300; i++) {
		char words[32];

		snprintf(words, sizeof(words), i == 137 ? "a=venom" : "a=%d", i);
		is_now(words);
	}
	start_collector();
	assert_true(run_until(has_set_aside));
	settles();
	/* no number is missing, and all others are what they were */
	assert_int_equal(collector.logged, 299);
	assert_non_null(strstr(str_get(&collector.log), "\n136 changed drive/a seen\n137 note "
							"gap/refused the collector refuses"));
	assert_non_null(strstr(str_get(&collector.log), "\n138 changed drive/a seen\n"));
	assert_non_null(strstr(str_get(&helper.told), "137 note gap/refused"));
	assert_int_equal(status_now().lost, 0);
	assert_true(collector.refused < 20);
	assert_int_equal(stat(path_of("target.refused"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fs_read_file(-1, path_of("target.refused"), 1 << 20, &kept, &length), 0);
	assert_non_null(strstr(kept, "venom"));
	assert_null(strstr(kept, "\"138\""));
	/* it goes on as ever */
	is_now("a=1 b=2");
	settles();
}

static void what_is_refused_twice_is_set_aside_twice(void **state)
{
	(void)state;
	collector.poison = "venom";
	is_now("a=0");
	settles();
	is_now("a=venom");
	is_now("a=venom2");
	is_now("a=1");
	settles();
	assert_int_equal(status_now().refused, 2);
	assert_int_equal(collector.logged, 3);
	assert_int_equal(collector.seq, 3);
}

static bool is_denied(void)
{
	return collector.refused > 30;
}

static void a_collector_that_refuses_everything_costs_no_event(void **state)
{
	(void)state;
	is_now("a=0");
	settles();
	collector.mood = MOOD_DENY;
	is_now("a=1");
	is_now("a=2");
	assert_true(run_until(is_denied));
	says("400");
	assert_int_equal(status_now().refused, 0);
	collector.mood = MOOD_GOOD;
	settles();
	logged("boot\n1 changed drive/a seen\n2 changed drive/a seen\n");
}

static bool has_all_events(void)
{
	return status_now().seq == status_now().acknowledged && collector.seq == status_now().seq;
}

static void events_go_on_without_a_snapshot_that_is_refused(void **state)
{
	unsigned int refused;

	(void)state;
	is_now("a=0");
	settles();
	collector.bad_snapshot = "state";
	restart_agent();
	is_now("a=0");
	is_now("a=1");
	assert_true(run_until(has_all_events));
	run_for(100);
	says("400");
	/* it is not asked in a circle */
	refused = collector.refused;
	assert_true(refused < 6);
	is_now("a=2");
	assert_true(run_until(has_all_events));
	assert_int_equal(collector.refused, refused);
	assert_int_equal(status_now().refused, 0);
	logged("boot\n1 changed drive/a seen\n2 changed drive/a seen\n");
}

static void a_refused_event_does_not_keep_a_new_collector_from_the_state(void **state)
{
	(void)state;
	collector.poison = "venom";
	is_now("a=0");
	stop_collector();
	is_now("a=2");
	is_now("a=venom");
	is_now("a=3");
	start_collector();
	/* a boot that it does not know begins with a snapshot alone */
	assert_true(run_until(has_told_gap));
	settles();
	assert_int_equal(status_now().lost, 3);
	assert_non_null(strstr(str_get(&collector.log), "3 events are lost"));
}

static void nothing_is_lost_or_doubled_whatever_happens(void **state)
{
	static const enum mood moods[] = { MOOD_GOOD, MOOD_HOLD, MOOD_FAIL, MOOD_NO_ACK,
					   MOOD_GARBAGE };
	char words[64];
	int i;

	(void)state;
	srandom(3);
	is_now("a=0");
	settles();
	for (i = 0; i < 300; i++) {
		long what = random() % 20;

		snprintf(words, sizeof(words), "a=%ld b=%ld%s", random() % 3, random() % 3,
			 random() % 2 ? " c=1" : "");
		is_now(words);
		collector.mood = moods[(size_t)random() % 5];
		if (what < 2 && collector.httpd)
			stop_collector();
		else if (what < 6 && !collector.httpd)
			start_collector();
		else if (what == 7) {
			/* its state is the same after, so that each event has a number */
			restart_agent();
			is_now(words);
		}
		if (collector.held && what > 10)
			stop_collector();
		run_for((int64_t)(random() % 4));
	}
	if (collector.httpd)
		stop_collector();
	collector.mood = MOOD_GOOD;
	start_collector();
	settles();
	/* the same events with the same numbers in the same order */
	assert_string_equal(str_get(&collector.log) + strlen("boot\n"), str_get(&helper.told));
	assert_true(helper.n_told > 300);
	assert_int_equal(collector.logged, helper.n_told);
}

/* --- what is wanted */

static bool has_wanted(void)
{
	return helper.generation == collector.generation && helper.wanted > 0;
}

static bool polls(void)
{
	return collector.poll != NULL;
}

#define ACCESS(intent)                                                                             \
	"{\"kind\":\"access\",\"intent\":\"" intent "\",\"nqn\":\"blake14\","                      \
	"\"hostnqn\":\"nqn.2014-08.org.example:one\",\"absent\":false}"

static void hears_what_is_wanted(void **state)
{
	(void)state;
	wants("head", 7, ACCESS("a-1"));
	is_now("a=1");
	if (!run_until(has_wanted))
		fail_msg("nothing is wanted: %s", agent->poll.error);
	assert_int_equal(helper.entries, 1);
	assert_true(run_until(polls));
	assert_string_equal(collector.poll_query, "7");
	assert_int_equal(status_now().generation, 7);
	wants("head", 8, "");
	if (!run_until(has_wanted))
		fail_msg("nothing is wanted: %s", agent->poll.error);
	assert_int_equal(helper.entries, 0);
	assert_true(run_until(polls));
	assert_int_equal(helper.wanted, 2);
	assert_int_equal(collector.polls, 3);
}

static void hears_the_same_only_once(void **state)
{
	(void)state;
	wants("head", 7, ACCESS("a-1"));
	is_now("a=1");
	if (!run_until(has_wanted))
		fail_msg("nothing is wanted: %s", agent->poll.error);
	assert_true(run_until(polls));
	/* the collector was restarted */
	stop_collector();
	run_for(20);
	start_collector();
	assert_true(run_until(polls));
	assert_int_equal(helper.wanted, 1);
	/* it is another one whose number happens to be the same */
	stop_collector();
	wants("other", 7, "");
	run_for(20);
	start_collector();
	assert_true(run_until(polls));
	assert_int_equal(helper.wanted, 2);
	assert_int_equal(helper.entries, 0);
}

static void what_cannot_be_read_is_ignored(void **state)
{
	(void)state;
	wants("head", 7, "{\"kind\":\"access\",\"intent\":\"a-1\"}");
	is_now("a=1");
	assert_true(run_until(has_error));
	says("ignored");
	assert_int_equal(helper.wanted, 0);
	assert_int_equal(status_now().generation, 0);
	wants("head", 8, ACCESS("a-1"));
	if (!run_until(has_wanted))
		fail_msg("nothing is wanted: %s", agent->poll.error);
	assert_int_equal(helper.wanted, 1);
	assert_true(run_until(is_settled));
}

static void what_is_for_another_role_is_ignored(void **state)
{
	(void)state;
	collector.wanted = strdup("{\"version\":1,\"collector\":\"head\",\"role\":\"initiator\","
				  "\"generation\":3,\"entries\":[]}");
	collector.generation = 3;
	is_now("a=1");
	assert_true(run_until(has_error));
	says("initiator");
	assert_int_equal(helper.wanted, 0);
}

/* --- what is kept */

static bool has_heard_two(void)
{
	return helper.wanted == 2;
}

static bool has_ended_one(void)
{
	return helper.absent == 1;
}

static bool is_renewed(void)
{
	return helper.generation == 8;
}

/* With a lease that is over in @ms. */
static void wants_for(uint64_t generation, int64_t ms)
{
	char entries[256];

	snprintf(entries, sizeof(entries),
		 "{\"kind\":\"access\",\"intent\":\"a-1\",\"nqn\":\"blake14\",\"expires\":%" PRId64
		 ",\"hostnqn\":\"nqn.2014-08.org.example:one\",\"absent\":false}",
		 clock_wall_ms() + ms);
	wants("head", generation, entries);
}

static void hears_it(void)
{
	is_now("a=1");
	if (!run_until(has_wanted))
		fail_msg("nothing is wanted: %s", agent->poll.error);
	settles();
}

static void what_was_wanted_counts_after_a_restart_without_the_collector(void **state)
{
	struct stat st;

	(void)state;
	wants("head", 7, ACCESS("a-1"));
	hears_it();
	assert_int_equal(stat(path_of("target.wanted"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	stop_collector();
	restart_agent();
	assert_int_equal(helper.wanted, 1);
	assert_true(agent_recall(agent));
	assert_int_equal(helper.wanted, 2);
	assert_int_equal(helper.entries, 1);
	assert_int_equal(helper.absent, 0);
	assert_int_equal(status_now().generation, 7);
	/* the same from the collector is no news */
	start_collector();
	is_now("a=1");
	assert_true(run_until(polls));
	settles();
	assert_int_equal(helper.wanted, 2);
	wants("head", 8, "");
	assert_true(run_until(is_renewed));
	assert_int_equal(helper.entries, 0);
	assert_int_equal(helper.warned, 0);
}

static void without_anything_kept_nothing_is_recalled(void **state)
{
	(void)state;
	assert_false(agent_recall(agent));
	assert_int_equal(helper.wanted, 0);
	assert_int_equal(helper.warned, 0);
}

static void what_is_kept_and_damaged_is_told_and_ignored(void **state)
{
	static const char text[] = "{\"version\":1,\"document\":{\"entries\":[]}}";

	(void)state;
	assert_int_equal(fs_replace_file(-1, path_of("target.wanted"), text, strlen(text), 0600),
			 0);
	assert_false(agent_recall(agent));
	assert_int_equal(helper.wanted, 0);
	assert_int_equal(helper.warned, 1);
	wants("head", 7, ACCESS("a-1"));
	hears_it();
}

static void a_lease_that_is_over_while_the_collector_is_away_is_ended(void **state)
{
	(void)state;
	wants_for(7, 300);
	hears_it();
	assert_int_equal(helper.absent, 0);
	stop_collector();
	assert_true(run_until(has_ended_one));
	assert_int_equal(helper.wanted, 2);
	assert_int_equal(helper.entries, 1);
	/* the same document does not bring it back, a renewed lease does */
	start_collector();
	assert_true(run_until(polls));
	assert_int_equal(helper.wanted, 2);
	wants_for(8, LONG_MS);
	assert_true(run_until(is_renewed));
	assert_int_equal(helper.absent, 0);
}

static void while_the_collector_is_there_it_ends_its_leases_itself(void **state)
{
	(void)state;
	wants_for(7, 100);
	hears_it();
	assert_true(run_until(polls));
	run_for(1500);
	assert_int_equal(helper.wanted, 1);
	stop_collector();
	assert_true(run_until(has_ended_one));
}

static void a_lease_that_was_over_before_the_start_is_ended_at_once(void **state)
{
	(void)state;
	wants_for(7, 300);
	hears_it();
	stop_collector();
	agent_free(agent);
	agent = NULL;
	assert_int_equal(helper.absent, 0);
	run_for(400);
	start_agent((struct agent_config){ 0 });
	assert_true(agent_recall(agent));
	assert_int_equal(helper.absent, 1);
}

static void a_lease_that_is_not_over_survives_a_restart(void **state)
{
	(void)state;
	wants_for(7, 2500);
	hears_it();
	stop_collector();
	restart_agent();
	assert_true(agent_recall(agent));
	assert_true(has_heard_two());
	assert_int_equal(helper.absent, 0);
	is_now("a=1");
	assert_true(run_until(has_ended_one));
}

static void silence_is_nothing_new(void **state)
{
	(void)state;
	wants("head", 7, ACCESS("a-1"));
	is_now("a=1");
	if (!run_until(has_wanted))
		fail_msg("nothing is wanted: %s", agent->poll.error);
	assert_true(run_until(polls));
	/* the end of the wait, much too early: it is not asked in a circle */
	httpd_reply(collector.poll, 204, NULL, "", 0, NULL);
	collector.poll = NULL;
	run_for(100);
	assert_int_equal(collector.polls, 2);
	assert_true(run_until(polls));
	assert_int_equal(collector.polls, 3);
	assert_string_equal(collector.poll_query, "7");
	assert_int_equal(helper.wanted, 1);
}

/* --- the token, and what is refused at the start */

static void a_new_token_is_used_without_a_restart(void **state)
{
	(void)state;
	put_token("one\n", 0600);
	start_agent((struct agent_config){ .token_file = path_of("token") });
	is_now("a=1");
	settles();
	assert_string_equal(collector.token, "Bearer one");
	put_token("two\n", 0400);
	is_now("a=2");
	settles();
	assert_string_equal(collector.token, "Bearer two");
	/* but not one that others can read */
	put_token("three\n", 0644);
	is_now("a=3");
	assert_true(run_until(has_error));
	says("chmod 600");
	assert_int_equal(collector.logged, 1);
	put_token("four\n", 0600);
	settles();
	assert_string_equal(collector.token, "Bearer four");
}

static void waits_for_a_token_that_is_not_there_yet(void **state)
{
	(void)state;
	start_agent((struct agent_config){ .token_file = path_of("token") });
	is_now("a=1");
	assert_true(run_until(has_error));
	says("sunfishctl node add");
	assert_int_equal(collector.reports, 0);
	put_token("one", 0600);
	settles();
}

static void refuses(struct agent_config config, int code, const char *words)
{
	struct err err = ERR_NULL;

	assert_int_equal(make_agent(&config, &err), code);
	assert_null(agent);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void refuses_a_token_that_others_can_read(void **state)
{
	(void)state;
	put_token("one", 0640);
	refuses((struct agent_config){ .token_file = path_of("token") }, -EACCES, "chmod 600");
	assert_int_equal(mkdir(path_of("pipe"), 0700), 0);
	refuses((struct agent_config){ .token_file = path_of("pipe") }, -EACCES, "file");
}

static void sends_no_token_in_plain_text_to_another_host(void **state)
{
	(void)state;
	refuses((struct agent_config){ .url = "http://head:8443" }, -EINVAL, "https");
	refuses((struct agent_config){ .url = "http://127.0.0.1.example.org/" }, -EINVAL, "https");
	refuses((struct agent_config){ .url = "ftp://head" }, -EINVAL, "https");
}

static void without_a_collector_it_only_finds_events(void **state)
{
	const struct agent_hooks hooks = { .event = on_event, .data = &helper };
	const struct agent_config config = { .node = "n", .name = "n", .program = "p" };

	(void)state;
	assert_int_equal(agent_new(loop, &config, &hooks, &agent, NULL), 0);
	is_now("a=1");
	is_now("a=2");
	assert_int_equal(agent_note(agent, "drive", "a", "why", NULL), 0);
	assert_string_equal(str_get(&helper.told), "1 changed drive/a seen\n2 note drive/a why\n");
	assert_int_equal(status_now().seq, 2);
	assert_false(status_now().configured);
	assert_int_equal(agent_note(agent, "Drive", "a", "why", NULL), -EINVAL);
	assert_int_equal(agent_note(agent, "drive", "", "why", NULL), -EINVAL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define TEST_BARE(function) cmocka_unit_test_setup_teardown(function, set_up_bare, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_first_report_is_the_whole_state),
		TEST(nothing_is_sent_before_the_state_is_known),
		TEST(each_change_is_an_event),
		TEST(each_event_has_its_own_cause),
		TEST(changes_of_one_round_are_one_report),
		TEST(one_report_is_under_way_at_a_time),
		TEST(counters_make_no_events),
		TEST_BARE(an_idle_helper_renews_its_lease_with_samples),
		TEST(thousands_of_events_go_in_portions),
		TEST(events_wait_for_the_collector),
		TEST(an_answer_that_is_lost_doubles_nothing),
		TEST(errors_are_tried_again_and_said),
		TEST(a_collector_that_lies_costs_no_event),
		TEST_BARE(retries_become_rarer_and_are_spread),
		TEST(a_collector_that_forgot_gets_a_snapshot),
		TEST(a_restarted_helper_sends_what_was_left_and_its_state),
		TEST_BARE(a_full_spool_costs_events_but_not_the_state),
		TEST(events_that_a_snapshot_leaves_out_are_counted_and_told),
		TEST(an_event_that_is_refused_is_set_aside),
		TEST(what_is_refused_twice_is_set_aside_twice),
		TEST(a_collector_that_refuses_everything_costs_no_event),
		TEST(events_go_on_without_a_snapshot_that_is_refused),
		TEST(a_refused_event_does_not_keep_a_new_collector_from_the_state),
		TEST(nothing_is_lost_or_doubled_whatever_happens),
		TEST(hears_what_is_wanted),
		TEST(hears_the_same_only_once),
		TEST(what_cannot_be_read_is_ignored),
		TEST(what_is_for_another_role_is_ignored),
		TEST(what_was_wanted_counts_after_a_restart_without_the_collector),
		TEST(without_anything_kept_nothing_is_recalled),
		TEST(what_is_kept_and_damaged_is_told_and_ignored),
		TEST(a_lease_that_is_over_while_the_collector_is_away_is_ended),
		TEST(while_the_collector_is_there_it_ends_its_leases_itself),
		TEST(a_lease_that_was_over_before_the_start_is_ended_at_once),
		TEST(a_lease_that_is_not_over_survives_a_restart),
		TEST(silence_is_nothing_new),
		TEST_BARE(a_new_token_is_used_without_a_restart),
		TEST_BARE(waits_for_a_token_that_is_not_there_yet),
		TEST_BARE(refuses_a_token_that_others_can_read),
		TEST_BARE(sends_no_token_in_plain_text_to_another_host),
		TEST_BARE(without_a_collector_it_only_finds_events),
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
