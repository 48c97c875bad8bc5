/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole runs of sunfishctl against a server with answers out of a tin. */
#include "tests/unit/ctl/canned.h"

#include <sys/stat.h>

#include "base/js.h"

#include "tests/unit/core/certs.h"

#define ITEMS(list) "{\"version\":1,\"items\":[" list "]}"
#define ERROR(code, message)                                                                       \
	"{\"version\":1,\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"

/* --- lists */

static void lists_as_a_table_without_colours_where_it_is_no_terminal(void **state)
{
	static const struct canned answers[] = {
		{ "GET /namespaces", 200,
		  ITEMS("{\"node\":\"blake14\",\"id\":\"x/1\",\"nqn\":\"x\",\"nsid\":1,\"size_bytes\":"
			"1048576,\"device\":\"/dev/nvme1n1\",\"state\":\"active\"}") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("namespaces"), 0);
	assert_string_equal(canned_text("out"),
			    "NODE     NQN  NSID  SIZE   STATE   DEVICE        DRIVE\n"
			    "blake14  x    1     1 MiB  active  /dev/nvme1n1  -\n");
	assert_string_equal(canned_text("err"), "");
	canned_says("log", "GET /namespaces limit=5000 [Bearer t0ken]");
}

static void long_lists_are_read_page_by_page(void **state)
{
	static const struct canned answers[] = {
		{ "GET /subsystems", 200,
		  "{\"version\":1,\"items\":[{\"node\":\"a\",\"nqn\":\"x\"}],\"next\":\"id/1\"}" },
		{ "GET /subsystems", 200, "{\"version\":1,\"items\":[],\"next\":\"id 2\"}" },
		{ "GET /subsystems", 200, ITEMS("{\"node\":\"b\",\"nqn\":\"y\"}") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("subsystems --json --nqn z"), 0);
	canned_says("out", "\"nqn\": \"x\"");
	canned_says("out", "\"nqn\": \"y\"");
	canned_says("log", "GET /subsystems nqn=z limit=5000");
	canned_says("log", "GET /subsystems nqn=z after=id/1 limit=5000");
	canned_says("log", "GET /subsystems nqn=z after=id 2 limit=5000");
}

static void filters_go_to_the_collector_whatever_is_in_them(void **state)
{
	static const struct canned answers[] = { { "GET /connections", 200, ITEMS("") }, { 0 } };

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("connections --node a&b --nqn nqn.2026-01.x:y%z --host h+ "
				    "--state up"),
			 0);
	canned_says("out", "nothing fits what was asked for\n");
	assert_int_equal(canned_run("connections"), 0);
	canned_says("out", "no initiator wants a connection\n");
	canned_says("log", "GET /connections node=a&b nqn=nqn.2026-01.x:y%z host=h+ state=up");
}

static void programs_get_one_document(void **state)
{
	static const struct canned answers[] = {
		{ "GET /exports", 200,
		  ITEMS("{\"id\":\"e-1\",\"nqn\":\"x\",\"state\":\"active\"}") },
		{ 0 },
	};
	CLEANUP_JS struct js *js = NULL;
	const char *text;

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("export list --json"), 0);
	text = canned_text("out");
	assert_int_equal(js_parse(text, strlen(text), &js, NULL), 0);
	assert_true(js_is_true(js_get(js, "ok")));
	assert_string_equal(js_text(js_get(js, "command")), "export list");
	assert_string_equal(js_text(js_get(js_at(js_get(js, "exports"), 0), "id")), "e-1");
}

static void draws_the_tree_of_ten_lists(void **state)
{
	static const struct canned answers[] = {
		{ "GET /nodes", 200,
		  ITEMS("{\"name\":\"a\",\"roles\":{\"target\":{\"state\":\"online\"}}}") },
		{ "GET /subsystems", 200,
		  ITEMS("{\"node\":\"a\",\"nqn\":\"x\",\"state\":\"active\"}") },
		{ "GET /namespaces", 200, ITEMS("") },
		{ "GET /objects", 200, ITEMS("") },
		{ "GET /sessions", 200, ITEMS("") },
		{ "GET /hosts", 200, ITEMS("") },
		{ "GET /connections", 200, ITEMS("") },
		{ "GET /devices", 200, ITEMS("") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("tree"), 0);
	canned_says("out", "a  target online\n");
	canned_says("out", " exports  x  active\n");
	canned_says("log", "GET /objects kind=controller");
	assert_int_equal(canned_run("tree nobody"), 1);
	canned_says("err", "there is no node nobody");
	/* of one node only what is its own */
	canned_says("log", "GET /objects node=nobody kind=controller");
	canned_says("log", "GET /hosts limit=5000 [Bearer t0ken]");
}

static void one_picture_of_top_needs_no_terminal(void **state)
{
	static const struct canned answers[] = {
		{ "GET /nodes", 200,
		  ITEMS("{\"name\":\"a\",\"roles\":{\"target\":{\"state\":\"lost\"}}}") },
		{ "GET /subsystems", 200, ITEMS("") },
		{ "GET /namespaces", 200, ITEMS("") },
		{ "GET /objects", 200, ITEMS("") },
		{ "GET /attachments", 200, ITEMS("") },
		{ "GET /events", 200, ITEMS("") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("top --once"), 0);
	canned_says("out", "nodes        0 online, 1 lost\n");
	assert_int_equal(canned_run("top"), 2);
	canned_says("err", "--once prints one picture");
	assert_int_equal(canned_run("top --json"), 0);
	canned_says("out", "\"nodes_lost\": 1");
}

static void status_tells_whatever_it_is_told(void **state)
{
	static const struct canned answers[] = {
		{ "GET /status", 200,
		  "{\"version\":1,\"program\":\"sunfish-collectord 0.1.0\",\"store\":{\"file_bytes\":"
		  "1048576},\"uptime_ms\":61000}" },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("status"), 0);
	canned_says("out", "sunfish-collectord 0.1.0\n");
	canned_says("out", "store.file_bytes  1 MiB\n");
	canned_says("out", "uptime_ms         1 min 1 s\n");
}

/* --- what can be wrong */

static void each_way_to_be_refused_has_its_status_and_words(void **state)
{
	static const struct canned answers[] = {
		{ "GET /nodes", 401, ERROR("unauthorized", "the token is not known") },
		{ "GET /hosts", 403, ERROR("forbidden", "a viewer may not do that") },
		{ "GET /drives", 404, ERROR("not-found", "there is no node x") },
		{ "GET /devices", 503, ERROR("unavailable", "the disk is full") },
		{ "GET /sessions", 500, "boom" },
		{ "GET /endpoints", 200, "<html>" },
		{ "GET /subsystems", 200, "{\"version\":2}" },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("nodes"), 5);
	canned_says("err",
		    "does not know who asks: the token is not known; the token is that of /");
	assert_int_equal(canned_run("hosts"), 5);
	canned_says("err", "sunfishctl: a viewer may not do that\n");
	assert_int_equal(canned_run("drives"), 1);
	canned_says("err", "sunfishctl: there is no node x\n");
	assert_int_equal(canned_run("devices"), 1);
	canned_says("err", "the disk is full");
	assert_int_equal(canned_run("sessions"), 1);
	canned_says("err", "answers HTTP 500 without saying why");
	assert_int_equal(canned_run("endpoints"), 1);
	canned_says("err", "is no JSON: is that a collector of sunfish?");
	assert_int_equal(canned_run("subsystems"), 1);
	canned_says("err", "speaks another version");
	assert_int_equal(canned_run("namespaces"), 1);
	canned_says("err", "answers HTTP 404 without saying why");
	/* no token anywhere in what was said */
	canned_silent("err", "t0ken");
}

static void without_a_collector_it_says_where_it_looked(void **state)
{
	static const struct canned answers[] = { { 0 } };

	(void)state;
	canned_start(answers);
	canned_stop();
	assert_int_equal(canned_run("nodes --json"), 1);
	canned_says("err", "no answer from the collector at http://127.0.0.1:");
	canned_says("err", "Connection refused; is sunfish-collectord running there");
	canned_says("out", "\"errno\": \"ECONNREFUSED\"");
}

static void a_token_does_not_go_over_a_network_in_clear(void **state)
{
	static const struct canned answers[] = { { 0 } };

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("nodes --url http://192.0.2.1:8443"), 1);
	canned_says("err", "the token would go there in clear");
	assert_int_equal(canned_run("nodes --url http://127.0.0.1.example.org"), 1);
	canned_says("err", "the token would go there in clear");
	assert_int_equal(canned_run("nodes --url head:8443"), 1);
	canned_says("err", "is none of a collector");
}

static void a_token_that_others_can_read_is_not_used(void **state)
{
	static const struct canned answers[] = { { "GET /nodes", 200, ITEMS("") }, { 0 } };
	char path[128];

	(void)state;
	canned_start(answers);
	canned_path("token", path);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(canned_run("nodes"), 5);
	canned_says("err", "chmod 600");
	assert_string_equal(canned_text("log"), "");
}

static void a_certificate_that_is_not_trusted_is_said(void **state)
{
	static const struct canned answers[] = { { "GET /nodes", 200, ITEMS("") }, { 0 } };
	static struct certs_pair ca, other, server;
	struct httpd_config config = {
		.address = "127.0.0.1",
		.listen_fd = -1,
		.connections_max = 8,
		.body_max = 1 << 20,
	};
	char words[256];
	char path[128];

	(void)state;
	certs_make(&ca, "CA", NULL, NULL);
	certs_make(&other, "CA2", NULL, NULL);
	certs_make(&server, "head", &ca, GNUTLS_KP_TLS_WWW_SERVER);
	config.certificate = server.certificate_text;
	config.key = server.key_text;
	canned_start_with(answers, &config);
	canned_path("ca", path);
	snprintf(words, sizeof(words), "nodes --url https://127.0.0.1:%u --ca-file %s", canned_port,
		 path);
	assert_int_equal(fs_replace_file(AT_FDCWD, path, other.certificate_text,
					 strlen(other.certificate_text), 0600),
			 0);
	assert_int_equal(canned_run(words), 1);
	canned_says("err", "no secure connection to the collector at https://127.0.0.1:");
	canned_says("err", "ca_file in sunfishctl.conf");
	assert_int_equal(fs_replace_file(AT_FDCWD, path, ca.certificate_text,
					 strlen(ca.certificate_text), 0600),
			 0);
	assert_int_equal(canned_run(words), 0);
	certs_free(&server);
	certs_free(&other);
	certs_free(&ca);
}

static void usage_is_status_2_with_and_without_json(void **state)
{
	static const struct canned answers[] = { { 0 } };

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("frob"), 2);
	assert_int_equal(canned_run("attach x"), 2);
	assert_int_equal(canned_run("attach x --json"), 2);
	canned_says("out", "\"ok\": false");
	assert_int_equal(canned_run("export create x --node a"), 2);
	canned_says("err", "--dev PATH");
	assert_int_equal(canned_run("attach x y --tcp nonsense:0"), 2);
	assert_int_equal(canned_run("attach --help"), 0);
	canned_says("out", "--lease");
	assert_string_equal(canned_text("log"), "");
}

/* --- events */

#define EVENT(id, what)                                                                            \
	"id: " id "\ndata: {\"id\":" id                                                            \
	",\"time\":1795497774123,\"node\":\"a\",\"type\":\"changed\","                             \
	"\"kind\":\"namespace\",\"object_id\":\"" what                                             \
	"\",\"object\":{\"state\":\"missing\"}}\n\n"

static void events_shows_the_last_ones(void **state)
{
	static const struct canned answers[] = {
		{ "GET /events", 200,
		  ITEMS("{\"id\":7,\"time\":1795497774123,\"node\":\"a\",\"type\":\"removed\",\"kind\":"
			"\"drive\",\"object_id\":\"d\",\"cause\":\"pulled\",\"object\":{}}") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("events"), 0);
	assert_string_equal(canned_text("out"),
			    "ID  TIME                     NODE  EVENT    WHAT     STATE  CAUSE\n"
			    "7   2026-11-24 05:22:54.123  a     removed  drive d  -      pulled\n");
	canned_says("log", "GET /events last=100");
	assert_int_equal(canned_run("events --after 5 --limit 3 --kind drive"), 0);
	canned_says("log", "GET /events kind=drive after=5 limit=3");
	assert_int_equal(canned_run("events --nqn x"), 0);
	canned_says("log", "GET /events last=10000");
	canned_says("out", "no event fits what was asked for");
}

static void watch_goes_on_behind_the_last_event_after_a_break(void **state)
{
	static const struct canned answers[] = {
		{ "GET /events", 200, ITEMS("{\"id\":41}") },
		{ "GET /events/stream", CANNED_STREAM, ": hello\n\n" EVENT("42", "x/1") },
		{ "GET /events/stream", CANNED_STREAM, EVENT("43", "x/2") "id: 44\ndata: {\"ha" },
		{ "GET /events/stream", CANNED_WAIT, EVENT("44", "x/3") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("watch --limit 3"), 0);
	assert_string_equal(
		canned_text("out"),
		"2026-11-24 05:22:54.123  a            changed  namespace x/1  missing\n"
		"2026-11-24 05:22:54.123  a            changed  namespace x/2  missing\n"
		"2026-11-24 05:22:54.123  a            changed  namespace x/3  missing\n");
	canned_says("log", "GET /events/stream Last-Event-ID=41");
	canned_says("log", "GET /events/stream Last-Event-ID=42");
	canned_says("log", "GET /events/stream Last-Event-ID=43");
	canned_says("err", "broke off");
	canned_says("err", "connected again; nothing was missed, it goes on behind event 42");
}

static void watch_ends_well_by_a_signal(void **state)
{
	static const struct canned answers[] = {
		{ "GET /events/stream", CANNED_WAIT, EVENT("42", "x/1") },
		{ 0 },
	};
	const char *text;
	pid_t pid;

	(void)state;
	canned_start(answers);
	pid = canned_begin("watch --after 7 --json --kind namespace");
	canned_until("out", "\"object_id\":\"x/1\"");
	kill(pid, SIGINT);
	assert_int_equal(canned_end(pid), 0);
	/* one document a line, and nothing else */
	text = canned_text("out");
	assert_int_equal(strcspn(text, "\n") + 1, strlen(text));
	canned_says("log", "GET /events/stream kind=namespace Last-Event-ID=7");
}

static void watch_says_what_it_is_refused_for(void **state)
{
	static const struct canned answers[] = {
		{ "GET /events/stream", 403, ERROR("forbidden", "not for you") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("watch --after 1"), 5);
	canned_says("err", "sunfishctl: not for you\n");
}

/* --- attach and detach */

#define ATTACHMENT(state, more)                                                                          \
	"{\"version\":1,\"id\":\"a-9\",\"subsystem\":\"x\",\"target\":\"blake14\",\"host\":\"blake15\"," \
	"\"state\":\"" state "\"" more "}"
#define STEP(hop, state, text)                                                                     \
	"{\"hop\":\"" hop "\",\"state\":\"" state "\",\"time\":1795497774123,\"text\":\"" text "\"}"

static void attach_tells_each_hop_and_then_the_device(void **state)
{
	static const struct canned answers[] = {
		{ "POST /attachments", 202,
		  ATTACHMENT("attaching", ",\"steps\":[" STEP("allow", "working", "one") "]") },
		{ "GET /attachments/a-9", 200,
		  ATTACHMENT("attaching", ",\"steps\":[" STEP("allow", "working", "one") "]") },
		{ "GET /attachments/a-9", 503, ERROR("unavailable", "a moment") },
		{ "GET /attachments/a-9", 200,
		  ATTACHMENT("attached", ",\"device\":\"/dev/nvme0n1\",\"expires\":9999999999999,"
					 "\"steps\":[" STEP("allow", "working", "one") "," STEP(
						 "allow", "done", "two") "]") },
		{ 0 },
	};
	const char *text;

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("attach x blake15 --lease 2h --job 4711 --timeout 5s --rdma "
				    "10.1.1.1"),
			 0);
	canned_says("log",
		    "POST /attachments [Bearer t0ken] {\"subsystem\":\"x\",\"host\":\"blake15\","
		    "\"lease_ms\":7200000,\"timeout_ms\":5000,\"job\":\"4711\",\"listener\":{"
		    "\"transport\":\"rdma\",\"address\":\"10.1.1.1\",\"service\":\"4420\"}}");
	canned_says("out", "05:22:54.123  allow      working  one\n");
	canned_says("out", "05:22:54.123  allow      done     two\n");
	canned_says("out", "blake15 has it as /dev/nvme0n1 (attachment a-9)\n");
	canned_says("out", "its lease ends in ");
	canned_says("err", "a moment; trying again");
	/* each step once */
	text = canned_text("out");
	assert_null(strstr(strstr(text, "one\n") + 1, "one\n"));
}

static void quiet_attach_prints_the_device_alone(void **state)
{
	static const struct canned answers[] = {
		{ "POST /attachments", 202,
		  ATTACHMENT("attached", ",\"device\":\"/dev/nvme0n1\",\"steps\":[" STEP(
						 "allow", "done", "x") "]") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("attach x blake15 -q"), 0);
	assert_string_equal(canned_text("out"), "/dev/nvme0n1\n");
}

static void a_hop_that_fails_is_named_and_was_undone(void **state)
{
	static const struct canned answers[] = {
		{ "POST /attachments", 202, ATTACHMENT("attaching", "") },
		{ "GET /attachments/a-9", 200,
		  ATTACHMENT("failed",
			     ",\"hop\":\"connect\",\"error\":\"blake15: no route to it\"") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("attach x blake15 --json"), 1);
	canned_says("err",
		    "x to blake15 failed at the hop \"connect\": blake15: no route to it; all "
		    "was undone");
	canned_says("out", "\"ok\": false");
	canned_says("out", "\"hop\": \"connect\"");
}

static void who_interrupts_attach_is_told_that_it_goes_on(void **state)
{
	static const struct canned answers[] = {
		{ "POST /attachments", 202, ATTACHMENT("attaching", "") },
		{ "GET /attachments/a-9", 200, ATTACHMENT("attaching", "") },
		{ 0 },
	};
	pid_t pid;

	(void)state;
	canned_start(answers);
	pid = canned_begin("attach x blake15");
	canned_until("log", "GET /attachments/a-9");
	kill(pid, SIGINT);
	assert_int_equal(canned_end(pid), 1);
	canned_says("err",
		    "a-9 is still attaching, and goes on; undo it by: sunfishctl detach a-9");
}

static void attach_does_not_wait_if_it_need_not(void **state)
{
	static const struct canned answers[] = {
		{ "POST /attachments", 202, ATTACHMENT("attaching", "") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("attach x blake15 --no-wait"), 0);
	canned_says("out", "a-9 is attaching");
	canned_silent("log", "GET");
}

static void detach_finds_the_pair_and_prints_the_proof(void **state)
{
	static const struct canned answers[] = {
		{ "GET /attachments", 200,
		  ITEMS("{\"id\":\"a-1\",\"state\":\"detached\"},{\"id\":\"a-9\",\"state\":\"attached\","
			"\"steps\":[" STEP("allow", "done", "old") "]}") },
		{ "DELETE /attachments/a-9", 202, ATTACHMENT("detaching", "") },
		{ "GET /attachments/a-9", 200,
		  ATTACHMENT("detached",
			     ",\"proof\":\"no session on the target\",\"steps\":[" STEP(
				     "allow", "done", "old") "," STEP("cut", "done", "new") "]") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach x blake15 --force"), 0);
	canned_says("log", "GET /attachments nqn=x host=blake15");
	canned_says("log", "DELETE /attachments/a-9 force=1");
	canned_says("out", "x is detached from blake15: no session on the target\n");
	canned_says("out", "new\n");
	canned_silent("out", "old");
}

static void detach_says_why_it_stays_attached(void **state)
{
	static const struct canned answers[] = {
		{ "GET /attachments/a-9", 200, ATTACHMENT("attached", "") },
		{ "DELETE /attachments/a-9", 202, ATTACHMENT("detaching", "") },
		{ "GET /attachments/a-9", 200,
		  ATTACHMENT("attached", ",\"error\":\"it is mounted on /scratch\"") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach a-9"), 1);
	canned_says("err", "x is still attached to blake15: it is mounted on /scratch");
}

static void detach_asks_which_where_there_are_several(void **state)
{
	static const struct canned answers[] = {
		{ "GET /attachments", 200,
		  ITEMS("{\"id\":\"a-1\",\"state\":\"attached\",\"target\":\"t1\"},{\"id\":\"a-2\","
			"\"state\":\"attached\",\"target\":\"t2\"}") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach x blake15"), 1);
	canned_says("err", "say which, by --target or by its id: a-1 (of t1), a-2 (of t2)");
	canned_silent("log", "DELETE");
}

static void detach_and_attach_name_the_target(void **state)
{
	static const struct canned answers[] = {
		{ "GET /attachments", 200, ITEMS("") },
		{ "POST /attachments", 202, ATTACHMENT("attaching", "") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach x blake15 --target t2"), 1);
	canned_says("log", "GET /attachments nqn=x host=blake15 target=t2");
	canned_says("err", "x is not attached to blake15 from t2");
	assert_int_equal(canned_run("attach x blake15 --target t2 --no-wait"), 0);
	canned_says("log", "\"host\":\"blake15\",\"target\":\"t2\"");
}

static void detach_of_a_job_takes_all_that_stand_and_tells_each(void **state)
{
	static const struct canned answers[] = {
		{ "GET /attachments", 200,
		  ITEMS("{\"id\":\"a-1\",\"state\":\"detached\",\"job\":\"7\"},"
			"{\"id\":\"a-2\",\"state\":\"attached\",\"job\":\"7\",\"subsystem\":\"y\","
			"\"host\":\"h\"},{\"id\":\"a-3\",\"state\":\"attached\",\"job\":\"8\"},"
			"{\"id\":\"a-9\",\"state\":\"attached\",\"job\":\"7\"}") },
		{ "DELETE /attachments/a-2", 409, ERROR("conflict", "it will not go") },
		{ "DELETE /attachments/a-9", 202, ATTACHMENT("detaching", "") },
		{ "GET /attachments/a-9", 200,
		  ATTACHMENT("detached", ",\"proof\":\"no session\"") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach --job 7"), 1);
	canned_says("log", "GET /attachments job=7");
	canned_silent("log", "DELETE /attachments/a-1");
	canned_silent("log", "DELETE /attachments/a-3");
	canned_says("err", "a-2 (y of h): it will not go");
	canned_says("err", "1 of 2 attachments of job 7 are still there");
	canned_says("out", "x is detached from blake15: no session\n");
}

static void a_job_of_which_nothing_is_attached_is_an_error(void **state)
{
	static const struct canned answers[] = { { "GET /attachments", 200, ITEMS("") }, { 0 } };

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach --job 7"), 1);
	canned_says("err", "nothing is attached for job 7");
	assert_int_equal(canned_run("detach x blake15 --job 7"), 2);
	assert_int_equal(canned_run("detach"), 2);
}

/* --- exports and nodes */

static void export_create_sends_what_was_asked(void **state)
{
	static const struct canned answers[] = {
		{ "POST /exports", 202,
		  "{\"version\":1,\"id\":\"e-1\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"creating\"}" },
		{ "GET /exports/e-1", 200,
		  "{\"version\":1,\"id\":\"e-1\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"active\"}" },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("export create x --node a --dev /dev/a --dev /dev/b --tcp "
				    "[::1]:5 --host nqn.h"),
			 0);
	canned_says("log",
		    "{\"node\":\"a\",\"nqn\":\"x\",\"devices\":[\"/dev/a\",\"/dev/b\"],"
		    "\"listeners\":[{\"transport\":\"tcp\",\"address\":\"::1\",\"service\":\"5\"}],"
		    "\"hosts\":[\"nqn.h\"]}");
	canned_says("out", "x is exported by a (export e-1)\n");
}

static void export_delete_finds_it_by_its_name(void **state)
{
	static const struct canned answers[] = {
		{ "GET /exports", 200,
		  ITEMS("{\"id\":\"e-0\",\"nqn\":\"x\",\"state\":\"deleted\"},{\"id\":\"e-1\",\"nqn\":\"x\","
			"\"node\":\"a\",\"state\":\"active\"}") },
		{ "DELETE /exports/e-1", 202,
		  "{\"version\":1,\"id\":\"e-1\",\"state\":\"deleting\"}" },
		{ "GET /exports/e-1", 200,
		  "{\"version\":1,\"id\":\"e-1\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"deleted\"}" },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("export delete x"), 0);
	canned_says("out", "x is no longer exported by a\n");
	assert_int_equal(canned_run("export delete y"), 1);
	canned_says("err", "y was not exported from here");
}

static void export_delete_forgets_one_that_failed(void **state)
{
	static const struct canned answers[] = {
		{ "GET /exports", 200,
		  ITEMS("{\"id\":\"e-1\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"failed\"},"
			"{\"id\":\"e-2\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"failed\"},"
			"{\"id\":\"e-3\",\"nqn\":\"y\",\"node\":\"a\",\"state\":\"deleted\"},"
			"{\"id\":\"e-4\",\"nqn\":\"z\",\"node\":\"a\",\"state\":\"active\"},"
			"{\"id\":\"e-5\",\"nqn\":\"z\",\"node\":\"b\",\"state\":\"active\"}") },
		{ "DELETE /exports/e-2", 202,
		  "{\"version\":1,\"id\":\"e-2\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"deleted\"}" },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("export delete x"), 0);
	canned_says("out", "x of a, which had failed, is forgotten\n");
	assert_int_equal(canned_run("export delete y"), 1);
	canned_says("err", "y is deleted already (e-3 of a)");
	assert_int_equal(canned_run("export delete z"), 1);
	canned_says("err", "z is exported by a and by b: say which by --node, or by e-4 or e-5");
}

static void what_a_deletion_waits_for_is_told(void **state)
{
	static const struct canned answers[] = {
		{ "GET /exports", 200,
		  ITEMS("{\"id\":\"e-1\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"active\"}") },
		{ "DELETE /exports/e-1", 202,
		  "{\"version\":1,\"id\":\"e-1\",\"state\":\"deleting\",\"error\":\"a is lost\"}" },
		{ "GET /exports/e-1", 200,
		  "{\"version\":1,\"id\":\"e-1\",\"nqn\":\"x\",\"node\":\"a\",\"state\":\"deleted\"}" },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("export delete x"), 0);
	canned_says("out", "it waits: a is lost\nx is no longer exported by a\n");
}

static void detach_of_what_never_was_attached_says_so(void **state)
{
	static const struct canned answers[] = {
		{ "GET /attachments/a-9", 200, ATTACHMENT("failed", ",\"error\":\"no path\"") },
		{ "DELETE /attachments/a-9", 202, ATTACHMENT("failed", ",\"error\":\"no path\"") },
		{ 0 },
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("detach a-9"), 0);
	canned_says("out", "x was never attached to blake15 (no path): nothing of it is left\n");
	canned_silent("out", "it waits");
}

#define TOKEN_ANSWER "{\"version\":1,\"name\":\"blake14\",\"token\":\"5ecret\"}"

static void a_token_is_printed_once_or_goes_to_a_private_file(void **state)
{
	static const struct canned answers[] = {
		{ "POST /nodes", 201, TOKEN_ANSWER },
		{ "POST /nodes", 201, TOKEN_ANSWER },
		{ "POST /nodes", 409, ERROR("exists", "delete it") },
		{ "DELETE /nodes/blake14", 200, "" },
		{ 0 },
	};
	char words[256];
	char path[128];
	struct stat st;

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("node add blake14"), 0);
	assert_string_equal(canned_text("out"), "5ecret\n");
	canned_says("log", "{\"name\":\"blake14\",\"role\":\"node\"}");
	canned_path("given", path);
	snprintf(words, sizeof(words), "node add blake14 --role viewer --json --output %s", path);
	assert_int_equal(canned_run(words), 0);
	canned_silent("out", "5ecret");
	assert_string_equal(canned_text("given"), "5ecret\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* and is not written over */
	assert_int_equal(canned_run(words), 1);
	canned_says("err", "is there already");
	assert_int_equal(canned_run("node add blake14"), 1);
	canned_says("err", "to make it void: sunfishctl node remove blake14\n");
	assert_int_equal(canned_run("node remove blake14"), 0);
	canned_says("log", "DELETE /nodes/blake14");
}

static void no_token_is_made_that_could_not_be_given(void **state)
{
	static const struct canned answers[] = { { "POST /nodes", 201, TOKEN_ANSWER }, { 0 } };

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("node add blake14 --json"), 2);
	assert_int_equal(canned_run("node add blake14 --role king"), 2);
	assert_int_equal(canned_run("node add blake14 --output /nonexistent/token"), 1);
	assert_string_equal(canned_text("log"), "");
}

#define ZONE_ANSWER                                                                                \
	"{\"version\":1,\"name\":\"lab\",\"tenant\":\"red\",\"hosts\":[\"h\"],\"subsystems\":[],"  \
	"\"ports\":[]}"

static void zones_are_made_changed_and_deleted(void **state)
{
	static const struct canned answers[] = { { "POST /zones", 201, ZONE_ANSWER },
						 { "PATCH /zones/lab", 200, ZONE_ANSWER },
						 { "DELETE /zones/lab", 200, ZONE_ANSWER },
						 { 0 } };

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("zone create lab --tenant red --host h"), 0);
	canned_says("out", "zone lab has 1 hosts, 0 subsystems, 0 ports, tenant red\n");
	canned_says("log", "{\"name\":\"lab\",\"tenant\":\"red\",\"hosts\":[\"h\"]}");
	assert_int_equal(canned_run("zone add lab --subsystem s --port tcp,10.1.1.1,4420"), 0);
	canned_says("log", "{\"add\":{\"subsystems\":[\"s\"],\"ports\":[\"tcp,10.1.1.1,4420\"]}}");
	assert_int_equal(canned_run("zone remove lab --host h"), 0);
	canned_says("log", "{\"remove\":{\"hosts\":[\"h\"]}}");
	assert_int_equal(canned_run("zone remove lab"), 2);
	assert_int_equal(canned_run("zone delete lab --force"), 0);
	canned_says("log", "DELETE /zones/lab force=1");
}

static void places_tell_who_says_so_and_who_contradicts(void **state)
{
	static const struct canned answers[] = {
		{ "GET /places", 200,
		  "{\"version\":1,\"items\":[{\"nqn\":\"s\",\"port\":\"tcp,10.1.1.1,4420\",\"sources\":[{"
		  "\"by\":\"target\",\"name\":\"blake14\",\"stale\":true},{\"by\":\"host\",\"name\":"
		  "\"blake15\",\"stale\":false}],\"contradiction\":\"it is not so\"}]}" },
		{ 0 }
	};

	(void)state;
	canned_start(answers);
	assert_int_equal(canned_run("places --contradictions"), 0);
	canned_says("out", "target blake14 (stale), host blake15");
	canned_says("out", "it is not so");
	canned_says("log", "GET /places contradictions=1");
}

#define TEST(f) cmocka_unit_test_teardown(f, canned_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(long_lists_are_read_page_by_page),
		TEST(lists_as_a_table_without_colours_where_it_is_no_terminal),
		TEST(filters_go_to_the_collector_whatever_is_in_them),
		TEST(programs_get_one_document),
		TEST(draws_the_tree_of_ten_lists),
		TEST(one_picture_of_top_needs_no_terminal),
		TEST(status_tells_whatever_it_is_told),
		TEST(each_way_to_be_refused_has_its_status_and_words),
		TEST(without_a_collector_it_says_where_it_looked),
		TEST(a_token_does_not_go_over_a_network_in_clear),
		TEST(a_token_that_others_can_read_is_not_used),
		TEST(a_certificate_that_is_not_trusted_is_said),
		TEST(usage_is_status_2_with_and_without_json),
		TEST(events_shows_the_last_ones),
		TEST(watch_goes_on_behind_the_last_event_after_a_break),
		TEST(watch_ends_well_by_a_signal),
		TEST(watch_says_what_it_is_refused_for),
		TEST(attach_tells_each_hop_and_then_the_device),
		TEST(quiet_attach_prints_the_device_alone),
		TEST(a_hop_that_fails_is_named_and_was_undone),
		TEST(who_interrupts_attach_is_told_that_it_goes_on),
		TEST(attach_does_not_wait_if_it_need_not),
		TEST(detach_finds_the_pair_and_prints_the_proof),
		TEST(detach_says_why_it_stays_attached),
		TEST(detach_asks_which_where_there_are_several),
		TEST(detach_and_attach_name_the_target),
		TEST(detach_of_a_job_takes_all_that_stand_and_tells_each),
		TEST(a_job_of_which_nothing_is_attached_is_an_error),
		TEST(export_create_sends_what_was_asked),
		TEST(export_delete_finds_it_by_its_name),
		TEST(export_delete_forgets_one_that_failed),
		TEST(what_a_deletion_waits_for_is_told),
		TEST(detach_of_what_never_was_attached_says_so),
		TEST(a_token_is_printed_once_or_goes_to_a_private_file),
		TEST(no_token_is_made_that_could_not_be_given),
		TEST(zones_are_made_changed_and_deleted),
		TEST(places_tell_who_says_so_and_who_contradicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
