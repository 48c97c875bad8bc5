/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/ask.h"

#include "base/wait.h"
#include "collector/api.h"
#include "collector/intent.h"

/* --- a target blake14 with one subsystem, and a host blake15 */

#define HOSTNQN "nqn.host15"
#define TARGET(boot_seq, rest)                                                                      \
	"{\"version\":1,\"node\":\"id14\",\"name\":\"blake14\",\"role\":\"target\",\"boot\":\"t\"," \
	"\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":" boot_seq ",\"objects\":["  \
	"{\"kind\":\"subsystem\",\"id\":\"s\",\"nqn\":\"s\",\"any_host\":false},"                   \
	"{\"kind\":\"listener\",\"id\":\"1\",\"transport\":\"tcp\",\"address\":\"10.1.1.14\","      \
	"\"service\":\"4420\",\"subsystems\":[\"s\"]}" rest "]}}"
#define HOST(boot_seq, rest)                                                                       \
	"{\"version\":1,\"node\":\"id15\",\"name\":\"blake15\",\"role\":\"initiator\",\"boot\":"   \
	"\"h\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":" boot_seq            \
	",\"objects\":[{\"kind\":\"host\",\"id\":\"" HOSTNQN "\",\"hostnqn\":\"" HOSTNQN           \
	"\",\"default\":true}" rest "]}}"
#define WORD(state, absent, error)                                                                 \
	",{\"kind\":\"intent\",\"id\":\"a-1\",\"state\":\"" state "\",\"absent\":" absent          \
	",\"error\":\"" error "\"}"
#define ALLOWED                                                                                    \
	",{\"kind\":\"allowed\",\"id\":\"s/" HOSTNQN "\",\"nqn\":\"s\",\"hostnqn\":\"" HOSTNQN "\"}"
#define OTHER ",{\"kind\":\"session\",\"id\":\"s/x/1\",\"nqn\":\"s\",\"hostnqn\":\"x\"}"
#define LIVE                                                                                       \
	",{\"kind\":\"controller\",\"id\":\"nvme3\",\"nqn\":\"s\",\"transport\":\"tcp\","          \
	"\"address\":\"10.1.1.14\",\"service\":\"4420\",\"state\":\"live\"}"
#define DEVICE(mounts)                                                                             \
	",{\"kind\":\"device\",\"id\":\"nvme3n1\",\"nqn\":\"s\",\"device\":\"/dev/nvme3n1\","      \
	"\"mounts\":[" mounts "]}"

static void hears(struct harness *h, const char *text)
{
	struct report_answer answer;

	assert_int_equal(harness_send(h, text, &answer), 0);
}

/* --- requests */

static void attach(struct harness *h)
{
	CLEANUP_JS struct js *js =
		ask(h, "POST", "/attachments", "{\"subsystem\":\"s\",\"host\":\"blake15\"}", 202);

	assert_string_equal(js_text(js_get(js, "id")), "a-1");
}

static void is_now(struct harness *h, const char *state, const char *hop)
{
	CLEANUP_JS struct js *js = ask(h, "GET", "/attachments/a-1", NULL, 200);

	assert_string_equal(js_text(js_get(js, "state")), state);
	assert_string_equal(js_text(js_get(js, "hop")), hop);
}

static void error_is(struct harness *h, const char *part)
{
	CLEANUP_JS struct js *js = ask(h, "GET", "/attachments/a-1", NULL, 200);
	const char *error = js_text(js_get(js, "error"));

	if (!strstr(error, part))
		fail_msg("\"%s\" has no \"%s\"", error, part);
}

/* What is wanted of a helper for a-1: "", "present", "absent". */
static void wants(struct harness *h, const char *node, enum report_role role, const char *what)
{
	const struct registry_source *source =
		registry_source_find(h->collector.registry, node, role);
	CLEANUP_STR struct str text = STR_NULL;
	const char *now;

	registry_wanted_format(h->collector.registry, source, role, &text);
	now = !strstr(str_get(&text), "\"a-1\"")		  ? ""
	      : strstr(str_get(&text), "\"absent\":true") != NULL ? "absent"
								  : "present";
	assert_string_equal(now, what);
}

static void start_attached(struct harness *h)
{
	harness_start(h);
	hears(h, TARGET("1", ""));
	hears(h, HOST("1", ""));
	attach(h);
	hears(h, TARGET("2", ALLOWED WORD("done", "false", "")));
	hears(h, HOST("2", LIVE DEVICE("") WORD("done", "false", "")));
	is_now(h, "attached", "");
}

/* --- forward */

static void attach_goes_hop_by_hop_as_the_helpers_report(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	attach(&h);
	is_now(&h, "attaching", "allow");
	wants(&h, "id14", REPORT_TARGET, "present");
	wants(&h, "id15", REPORT_INITIATOR, "");
	hears(&h, TARGET("2", ALLOWED WORD("done", "false", "")));
	is_now(&h, "attaching", "connect");
	wants(&h, "id15", REPORT_INITIATOR, "present");
	hears(&h, HOST("2", LIVE WORD("working", "false", "")));
	is_now(&h, "attaching", "device");
	hears(&h, HOST("3", LIVE DEVICE("") WORD("done", "false", "")));
	is_now(&h, "attached", "");
}

static void the_word_done_without_the_kernel_agreeing_is_not_enough(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	attach(&h);
	hears(&h, TARGET("2", WORD("done", "false", "")));
	is_now(&h, "attaching", "allow");
}

static void a_failed_connect_is_undone_and_told(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	attach(&h);
	hears(&h, TARGET("2", ALLOWED WORD("done", "false", "")));
	hears(&h, HOST("2", WORD("failed", "false", "nobody listens at 10.1.1.14:4420")));
	wants(&h, "id15", REPORT_INITIATOR, "absent");
	hears(&h, HOST("3", WORD("done", "true", "")));
	wants(&h, "id14", REPORT_TARGET, "absent");
	is_now(&h, "attaching", "connect");
	hears(&h, TARGET("3", WORD("done", "true", "")));
	is_now(&h, "failed", "connect");
	error_is(&h, "nobody listens at 10.1.1.14:4420");
	wants(&h, "id14", REPORT_TARGET, "");
	wants(&h, "id15", REPORT_INITIATOR, "");
}

static void the_same_attach_again_is_the_same_attachment(void **state)
{
	HARNESS h;
	size_t n;

	(void)state;
	start_attached(&h);
	attach(&h);
	{
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments", NULL, 200);

		n = js_length(js_get(js, "items"));
	}
	assert_int_equal(n, 1);
}

static void who_is_not_there_is_named(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	js_free(ask(&h, "POST", "/attachments", "{\"subsystem\":\"t\",\"host\":\"blake15\"}", 404));
	js_free(ask(&h, "POST", "/attachments", "{\"subsystem\":\"s\",\"host\":\"blake16\"}", 404));
	js_free(ask(&h, "POST", "/attachments", "{\"subsystem\":\"s\",\"host\":\"blake14\"}", 404));
	js_free(ask(&h, "POST", "/attachments", "{\"subsystem\":\"s\"}", 400));
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"blake15\",\"listener\":{\"transport\":"
		    "\"rdma\",\"address\":\"10.1.1.14\"}}",
		    404));
	{
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments", NULL, 200);

		assert_int_equal(js_length(js_get(js, "items")), 0);
	}
}

/* --- back */

static void detach_is_done_only_when_both_sides_prove_it(void **state)
{
	HARNESS h;

	(void)state;
	start_attached(&h);
	js_free(ask(&h, "DELETE", "/attachments/a-1", NULL, 202));
	is_now(&h, "detaching", "");
	wants(&h, "id14", REPORT_TARGET, "present");
	wants(&h, "id15", REPORT_INITIATOR, "absent");
	/* the word is of the entry that it was to connect */
	hears(&h, HOST("3", LIVE DEVICE("") WORD("done", "false", "")));
	wants(&h, "id15", REPORT_INITIATOR, "absent");
	hears(&h, HOST("4", WORD("done", "true", "")));
	wants(&h, "id14", REPORT_TARGET, "absent");
	hears(&h, TARGET("3", ALLOWED WORD("done", "true", "")));
	is_now(&h, "detaching", "");
	hears(&h, TARGET("4", WORD("done", "true", "")));
	is_now(&h, "detached", "");
	wants(&h, "id14", REPORT_TARGET, "");
	wants(&h, "id15", REPORT_INITIATOR, "");
}

static void a_mounted_device_stays_attached_unless_forced(void **state)
{
	HARNESS h;

	(void)state;
	start_attached(&h);
	js_free(ask(&h, "DELETE", "/attachments/a-1", NULL, 202));
	hears(&h, HOST("3", LIVE DEVICE("\"/scratch\"")
				    WORD("failed", "true", "it is mounted on /scratch")));
	is_now(&h, "attached", "");
	error_is(&h, "it is mounted on /scratch");
	wants(&h, "id15", REPORT_INITIATOR, "present");
	js_free(ask(&h, "DELETE", "/attachments/a-1?force=1", NULL, 202));
	is_now(&h, "detaching", "");
	wants(&h, "id15", REPORT_INITIATOR, "absent");
}

/* --- restarts */

static void a_restart_goes_on_where_it_was(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	attach(&h);
	hears(&h, TARGET("2", ALLOWED WORD("done", "false", "")));
	is_now(&h, "attaching", "connect");
	harness_restart(&h);
	is_now(&h, "attaching", "connect");
	wants(&h, "id15", REPORT_INITIATOR, "present");
	hears(&h, TARGET("3", ALLOWED WORD("done", "false", "")));
	hears(&h, HOST("2", LIVE DEVICE("") WORD("done", "false", "")));
	is_now(&h, "attached", "");
}

static void a_helper_that_was_not_heard_since_the_restart_proves_nothing(void **state)
{
	HARNESS h;

	(void)state;
	start_attached(&h);
	js_free(ask(&h, "DELETE", "/attachments/a-1", NULL, 202));
	harness_restart(&h);
	/* the host is not taken for lost, nor cut at the target */
	/* something happens, so that it is looked at */
	hears(&h, TARGET("3", ALLOWED WORD("done", "false", "") OTHER));
	is_now(&h, "detaching", "");
	wants(&h, "id14", REPORT_TARGET, "present");
}

static void a_lease_goes_on_over_a_restart(void **state)
{
	HARNESS h;
	int64_t deadline = wait_deadline(10000);
	int64_t expires;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"" HOSTNQN "\",\"lease_ms\":1500}", 202));
	{
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments/a-1", NULL, 200);

		expires = js_number(js_get(js, "expires"), 0);
	}
	harness_restart(&h);
	hears(&h, TARGET("2", ALLOWED WORD("done", "false", "")));
	{
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments/a-1", NULL, 200);

		assert_in_range(js_number(js_get(js, "expires"), 0), expires - 500, expires + 500);
	}
	while (wait_left(deadline) > 0) {
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments/a-1", NULL, 200);

		if (strcmp(js_text(js_get(js, "state")), "detaching") == 0)
			break;
		loop_step(h.loop, 100);
	}
	is_now(&h, "detaching", "");
}

static void a_lease_that_is_over_detaches(void **state)
{
	HARNESS h;
	int64_t deadline = wait_deadline(10000);

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"" HOSTNQN "\",\"lease_ms\":300}", 202));
	hears(&h, TARGET("2", ALLOWED WORD("done", "false", "")));
	hears(&h, HOST("2", LIVE DEVICE("") WORD("done", "false", "")));
	while (wait_left(deadline) > 0) {
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments/a-1", NULL, 200);

		if (strcmp(js_text(js_get(js, "state")), "detaching") == 0)
			break;
		loop_step(h.loop, 100);
	}
	is_now(&h, "detaching", "");
	wants(&h, "id15", REPORT_INITIATOR, "absent");
}

/* --- exports */

#define EXPORT                                                                                     \
	"{\"node\":\"blake14\",\"nqn\":\"new\",\"devices\":[\"/dev/nvme1n1\"],\"listeners\":"      \
	"[{\"transport\":\"tcp\",\"address\":\"10.1.1.14\",\"service\":\"4420\"}],\"hosts\":[]}"
#define EXPORT_WORD(state, absent, error)                                                          \
	",{\"kind\":\"intent\",\"id\":\"e-1\",\"state\":\"" state "\",\"absent\":" absent          \
	",\"error\":\"" error "\"}"
#define NEW ",{\"kind\":\"subsystem\",\"id\":\"new\",\"nqn\":\"new\",\"any_host\":false}"

static void export_is(struct harness *h, const char *state)
{
	CLEANUP_JS struct js *js = ask(h, "GET", "/exports/e-1", NULL, 200);

	assert_string_equal(js_text(js_get(js, "state")), state);
}

static void an_export_is_made_and_deleted_by_what_the_target_reports(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	export_is(&h, "creating");
	hears(&h, TARGET("2", NEW EXPORT_WORD("done", "false", "")));
	export_is(&h, "active");
	harness_restart(&h);
	hears(&h, TARGET("3", NEW EXPORT_WORD("done", "false", "")));
	export_is(&h, "active");
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	export_is(&h, "deleting");
	hears(&h, TARGET("4", EXPORT_WORD("done", "true", "")));
	export_is(&h, "deleted");
}

static void a_refused_export_is_failed_and_not_deleted(void **state)
{
	HARNESS h;
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	hears(&h, TARGET("2", EXPORT_WORD("failed", "false", "the drive is mounted")));
	export_is(&h, "failed");
	registry_wanted_format(h.collector.registry,
			       registry_source_find(h.collector.registry, "id14", REPORT_TARGET),
			       REPORT_TARGET, &text);
	assert_null(strstr(str_get(&text), "e-1"));
}

/* "failed", and what the target was asked to make is there or not. */
static void an_export_that_failed_is_deleted_and_made_again(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	js_free(ask(&h, "POST", "/exports", EXPORT, 409));
	hears(&h, TARGET("2", EXPORT_WORD("failed", "false", "the drive is mounted")));
	export_is(&h, "failed");
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	export_is(&h, "deleted");
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	export_is(&h, "deleted");
	harness_restart(&h);
	export_is(&h, "deleted");
	hears(&h, TARGET("3", ""));
	{
		CLEANUP_JS struct js *js = ask(&h, "POST", "/exports", EXPORT, 202);

		assert_string_equal(js_text(js_get(js, "id")), "e-2");
	}
}

static void an_export_is_deleted_while_it_is_made_or_undone(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	export_is(&h, "deleting");
	/* a late word about its being made is not taken for the other */
	hears(&h, TARGET("2", NEW EXPORT_WORD("done", "false", "")));
	export_is(&h, "deleting");
	hears(&h, TARGET("3", EXPORT_WORD("done", "true", "")));
	export_is(&h, "deleted");
}

static void error_of_export(struct harness *h, const char *part)
{
	CLEANUP_JS struct js *js = ask(h, "GET", "/exports/e-1", NULL, 200);

	if (!strstr(js_text(js_get(js, "error")), part))
		fail_msg("\"%s\" has no \"%s\"", js_text(js_get(js, "error")), part);
}

#define QUICK_EXPORT                                                                               \
	"{\"node\":\"blake14\",\"nqn\":\"new\",\"devices\":[\"/dev/nvme1n1\"],\"listeners\":"      \
	"[{\"transport\":\"tcp\",\"address\":\"10.1.1.14\",\"service\":\"4420\"}],\"hosts\":[],"   \
	"\"timeout_ms\":100}"

static void run_until_export_is(struct harness *h, const char *state)
{
	int64_t deadline = wait_deadline(10000);
	bool is_so = false;

	while (!is_so && wait_left(deadline) > 0) {
		CLEANUP_JS struct js *js = ask(h, "GET", "/exports/e-1", NULL, 200);

		is_so = strcmp(js_text(js_get(js, "state")), state) == 0;
		if (!is_so)
			loop_step(h->loop, 100);
	}
	export_is(h, state);
}

static void one_that_came_too_late_is_undone_or_deleted(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", QUICK_EXPORT, 202));
	run_until_export_is(&h, "failed");
	error_of_export(&h, "has not made it within");
	/* it may still be made: another one is not asked for before that is undone */
	{
		CLEANUP_JS struct js *js = ask(&h, "POST", "/exports", EXPORT, 409);

		assert_non_null(strstr(js_text(js_get(js_get(js, "error"), "message")),
				       "is still being undone there (e-1)"));
	}
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	export_is(&h, "deleting");
	hears(&h, TARGET("2", NEW EXPORT_WORD("working", "true", "")));
	export_is(&h, "deleting");
	hears(&h, TARGET("3", EXPORT_WORD("done", "true", "")));
	export_is(&h, "deleted");
}

static void an_export_in_use_is_deleted_by_force_only(void **state)
{
	HARNESS h;
	CLEANUP_STR struct str text = STR_NULL;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	hears(&h,
	      TARGET("2", NEW EXPORT_WORD(
				  "done", "false",
				  "") ",{\"kind\":\"listener\",\"id\":\"2\",\"transport\":\"tcp\","
				      "\"address\":\"10.1.1.14\",\"service\":\"4421\","
				      "\"subsystems\":[\"new\"]}"));
	js_free(ask(&h, "POST", "/attachments", "{\"subsystem\":\"new\",\"host\":\"blake15\"}",
		    202));
	{
		CLEANUP_JS struct js *js = ask(&h, "DELETE", "/exports/e-1", NULL, 409);

		assert_non_null(strstr(js_text(js_get(js_get(js, "error"), "message")),
				       "new is attached to blake15 (a-2): detach it first"));
	}
	export_is(&h, "active");
	js_free(ask(&h, "DELETE", "/exports/e-1?force=1", NULL, 202));
	export_is(&h, "deleting");
	/* that it is by force outlives a restart */
	harness_restart(&h);
	hears(&h, TARGET("3", NEW EXPORT_WORD("working", "true", "")));
	registry_wanted_format(h.collector.registry,
			       registry_source_find(h.collector.registry, "id14", REPORT_TARGET),
			       REPORT_TARGET, &text);
	assert_non_null(strstr(str_get(&text), "\"force\":true"));
	{
		CLEANUP_JS struct js *js = ask(&h, "GET", "/exports/e-1", NULL, 200);

		assert_null(js_get(js, "force"));
	}
}

static void an_export_that_cannot_be_taken_away_stays_active_with_the_reason(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	hears(&h, TARGET("2", NEW EXPORT_WORD("done", "false", "")));
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	hears(&h, TARGET("3", NEW EXPORT_WORD("failed", "true", "1 hosts are connected")));
	export_is(&h, "active");
	error_of_export(&h, "1 hosts are connected");
	hears(&h, TARGET("4", NEW EXPORT_WORD("done", "false", "")));
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	/* it failed, but nothing is there: what was asked for is so */
	hears(&h, TARGET("5", EXPORT_WORD("failed", "true", "it was deleted meanwhile")));
	export_is(&h, "deleted");
}

/* --- nodes that are removed, and come back */

static void remove_node(struct harness *h, const char *path)
{
	js_free(ask(h, "DELETE", path, NULL, 200));
}

static void a_node_that_was_removed_holds_up_nothing(void **state)
{
	HARNESS h;

	(void)state;
	start_attached(&h);
	remove_node(&h, "/nodes/blake14");
	remove_node(&h, "/nodes/blake15");
	is_now(&h, "attached", "");
	js_free(ask(&h, "DELETE", "/attachments/a-1", NULL, 202));
	is_now(&h, "detached", "");
	/* and none of them is there again, because something is wanted of it */
	assert_int_equal(registry_node_count(h.collector.registry), 0);
}

static void an_export_of_a_node_that_was_removed_is_deleted_at_once(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	js_free(ask(&h, "POST", "/exports", EXPORT, 202));
	hears(&h, TARGET("2", NEW EXPORT_WORD("done", "false", "")));
	remove_node(&h, "/nodes/blake14");
	export_is(&h, "active");
	js_free(ask(&h, "DELETE", "/exports/e-1", NULL, 202));
	export_is(&h, "deleted");
	assert_int_equal(registry_node_count(h.collector.registry), 0);
}

static void a_node_that_is_there_again_is_told_what_is_wanted_of_it(void **state)
{
	HARNESS h;

	(void)state;
	start_attached(&h);
	remove_node(&h, "/nodes/blake14");
	hears(&h, TARGET("1", ALLOWED));
	wants(&h, "id14", REPORT_TARGET, "present");
	is_now(&h, "attached", "");
}

static void a_host_nqn_that_two_nodes_claim_is_nobodys(void **state)
{
	HARNESS h;
	CLEANUP_JS struct js *js = NULL;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	hears(&h, "{\"version\":1,\"node\":\"a\",\"name\":\"evil\",\"role\":\"initiator\","
		  "\"boot\":\"h\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":1,"
		  "\"objects\":[{\"kind\":\"host\",\"id\":\"" HOSTNQN "\",\"default\":true}]}}");
	js = ask(&h, "POST", "/attachments", "{\"subsystem\":\"s\",\"host\":\"" HOSTNQN "\"}", 409);
	assert_non_null(strstr(js_text(js_get(js_get(js, "error"), "message")),
			       "evil and blake15 both say that they are"));
	attach(&h);
}

/* --- the same again */

static void refused(struct harness *h, const char *body, const char *part)
{
	CLEANUP_JS struct js *js = ask(h, "POST", "/attachments", body, 409);
	const char *message = js_text(js_get(js_get(js, "error"), "message"));

	if (!strstr(message, part))
		fail_msg("\"%s\" has no \"%s\"", message, part);
}

static void attach_again_says_what_it_cannot_do(void **state)
{
	static const char plain[] = "{\"subsystem\":\"s\",\"host\":\"blake15\"}";
	HARNESS h;

	(void)state;
	start_attached(&h);
	refused(&h,
		"{\"subsystem\":\"s\",\"host\":\"blake15\",\"listener\":{\"transport\":\"tcp\","
		"\"address\":\"10.9.9.9\",\"service\":\"4420\"}}",
		"s is attached to blake15 already, by tcp 10.1.1.14:4420 (a-1)");
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"blake15\",\"job\":\"4712\"}", 202));
	{
		CLEANUP_JS struct js *js = ask(&h, "GET", "/attachments/a-1", NULL, 200);

		assert_string_equal(js_text(js_get(js, "job")), "4712");
	}
	js_free(ask(&h, "DELETE", "/attachments/a-1", NULL, 202));
	refused(&h, plain, "s blake15: is being detached (a-1)");
}

static void the_same_subsystem_goes_to_two_hosts_and_leaves_each_alone(void **state)
{
	static const char second[] =
		"{\"version\":1,\"node\":\"id16\",\"name\":\"blake16\",\"role\":\"initiator\","
		"\"boot\":\"h\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":1,"
		"\"objects\":[{\"kind\":\"host\",\"id\":\"nqn.host16\",\"hostnqn\":\"nqn.host16\","
		"\"default\":true}]}}";
	HARNESS h;

	(void)state;
	start_attached(&h);
	hears(&h, second);
	{
		CLEANUP_JS struct js *js = ask(&h, "POST", "/attachments",
					       "{\"subsystem\":\"s\",\"host\":\"blake16\"}", 202);

		assert_string_equal(js_text(js_get(js, "id")), "a-2");
	}
	is_now(&h, "attached", "");
	js_free(ask(&h, "DELETE", "/attachments/a-2", NULL, 202));
	is_now(&h, "attached", "");
	wants(&h, "id15", REPORT_INITIATOR, "present");
}

/* the same subsystem s as that of blake14 */
static void a_subsystem_of_two_targets_is_attached_from_the_one_that_is_named(void **state)
{
	static const char *const filters[] = {
		"/attachments?target=blake16", "/attachments?target=id16", "/attachments?job=7",
		"/attachments?target=blake14", "/attachments?job=8",
	};
	HARNESS h;
	size_t i;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, "{\"version\":1,\"node\":\"id16\",\"name\":\"blake16\",\"role\":\"target\","
		  "\"boot\":\"t\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":1,"
		  "\"objects\":[{\"kind\":\"subsystem\",\"id\":\"s\",\"nqn\":\"s\"},"
		  "{\"kind\":\"listener\",\"id\":\"1\",\"transport\":\"tcp\",\"address\":"
		  "\"10.1.1.16\",\"service\":\"4420\",\"subsystems\":[\"s\"]}]}}");
	hears(&h, HOST("1", ""));
	refused(&h, "{\"subsystem\":\"s\",\"host\":\"blake15\"}", "blake14, blake16");
	refused(&h, "{\"subsystem\":\"s\",\"host\":\"blake15\"}", "--target blake14");
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"blake15\",\"target\":\"x\"}", 404));
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"blake15\",\"target\":7}", 400));
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"blake15\",\"target\":\"blake16\","
		    "\"job\":\"7\"}",
		    202));
	wants(&h, "id16", REPORT_TARGET, "present");
	wants(&h, "id14", REPORT_TARGET, "");
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		CLEANUP_JS struct js *js = ask(&h, "GET", filters[i], NULL, 200);

		assert_int_equal(js_length(js_get(js, "items")), i < 3);
	}
}

static void time_does_not_run_while_a_helper_has_to_be_heard_first(void **state)
{
	HARNESS h;
	int64_t deadline;
	uint64_t before;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", ""));
	hears(&h, HOST("1", ""));
	js_free(ask(&h, "POST", "/attachments",
		    "{\"subsystem\":\"s\",\"host\":\"blake15\",\"timeout_ms\":200}", 202));
	harness_restart(&h);
	before = commit_stats(h.collector.commit)->commits;
	deadline = wait_deadline(1000);
	while (wait_left(deadline) > 0)
		loop_step(h.loop, wait_left(deadline));
	is_now(&h, "attaching", "allow");
	assert_in_range(commit_stats(h.collector.commit)->commits - before, 0, 12);
	hears(&h, HOST("1", ""));
	hears(&h, TARGET("2", ALLOWED WORD("done", "false", "")));
	is_now(&h, "attaching", "connect");
}

static void an_export_that_is_there_already_is_not_asked_for(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", NEW));
	js_free(ask(&h, "POST", "/exports", EXPORT, 409));
	js_free(ask(&h, "POST", "/exports", "{\"node\":\"blake99\",\"nqn\":\"x\",\"devices\":[]}",
		    404));
	js_free(ask(&h, "POST", "/exports", "{\"node\":\"blake14\",\"nqn\":\"x\",\"devices\":7}",
		    400));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_goes_hop_by_hop_as_the_helpers_report),
		cmocka_unit_test(the_word_done_without_the_kernel_agreeing_is_not_enough),
		cmocka_unit_test(a_failed_connect_is_undone_and_told),
		cmocka_unit_test(the_same_attach_again_is_the_same_attachment),
		cmocka_unit_test(who_is_not_there_is_named),
		cmocka_unit_test(detach_is_done_only_when_both_sides_prove_it),
		cmocka_unit_test(a_mounted_device_stays_attached_unless_forced),
		cmocka_unit_test(a_restart_goes_on_where_it_was),
		cmocka_unit_test(a_helper_that_was_not_heard_since_the_restart_proves_nothing),
		cmocka_unit_test(a_lease_goes_on_over_a_restart),
		cmocka_unit_test(a_lease_that_is_over_detaches),
		cmocka_unit_test(an_export_is_made_and_deleted_by_what_the_target_reports),
		cmocka_unit_test(a_refused_export_is_failed_and_not_deleted),
		cmocka_unit_test(an_export_that_failed_is_deleted_and_made_again),
		cmocka_unit_test(an_export_is_deleted_while_it_is_made_or_undone),
		cmocka_unit_test(one_that_came_too_late_is_undone_or_deleted),
		cmocka_unit_test(an_export_in_use_is_deleted_by_force_only),
		cmocka_unit_test(an_export_that_cannot_be_taken_away_stays_active_with_the_reason),
		cmocka_unit_test(a_node_that_was_removed_holds_up_nothing),
		cmocka_unit_test(an_export_of_a_node_that_was_removed_is_deleted_at_once),
		cmocka_unit_test(a_node_that_is_there_again_is_told_what_is_wanted_of_it),
		cmocka_unit_test(a_host_nqn_that_two_nodes_claim_is_nobodys),
		cmocka_unit_test(attach_again_says_what_it_cannot_do),
		cmocka_unit_test(the_same_subsystem_goes_to_two_hosts_and_leaves_each_alone),
		cmocka_unit_test(a_subsystem_of_two_targets_is_attached_from_the_one_that_is_named),
		cmocka_unit_test(time_does_not_run_while_a_helper_has_to_be_heard_first),
		cmocka_unit_test(an_export_that_is_there_already_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
