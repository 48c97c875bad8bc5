/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/ask.h"

#include "collector/ddc-own.h"
#include "collector/merge.h"
#include "nvmf/nvme-spec.h"

#define PORT "tcp,10.1.1.14,4420"
#define TARGET(seq, any_host, subsystems)                                                          \
	"{" SENDER("b") SNAPSHOT(                                                                  \
		seq, "{\"kind\":\"subsystem\",\"id\":\"s\",\"nqn\":\"s\",\"any_host\":" any_host   \
		     "},{\"kind\":\"listener\",\"id\":\"1\",\"transport\":\"tcp\",\"address\":"    \
		     "\"10.1.1.14\",\"service\":\"4420\",\"subsystems\":[" subsystems "]}") "}"
#define HOST                                                                                       \
	"{\"version\":1,\"node\":\"id15\",\"name\":\"blake15\",\"role\":\"initiator\",\"boot\":"   \
	"\"h\",\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":1,\"objects\":[{"     \
	"\"kind\":\"controller\",\"id\":\"nvme3\",\"nqn\":\"s\",\"transport\":\"tcp\","            \
	"\"address\":\"10.1.1.14\",\"service\":\"4420\",\"state\":\"live\",\"type\":\"io\"}]}}"

static void hears(struct harness *h, const char *text)
{
	struct report_answer answer;

	assert_int_equal(harness_send(h, text, &answer), 0);
}

/* A discovery controller at the port whose log has that subsystem there; NULL: an empty log. */
static struct ddc *log_has(struct harness *h, const char *nqn)
{
	struct ddc *ddc = ddc_need(h->collector.ddcs, "10.1.1.14", "4420", DDC_CONF);
	struct disc_log *log = disc_log_new(1, NULL, nqn ? 1 : 0);
	struct disc_record record = { .trtype = NVME_TRTYPE_TCP,
				      .adrfam = NVME_ADRFAM_IPV4,
				      .subtype = NVME_SUBTYPE_NVM,
				      .traddr = "10.1.1.14",
				      .trsvcid = "4420" };

	assert_non_null(ddc);
	if (nqn) {
		snprintf(record.subnqn, sizeof(record.subnqn), "%s", nqn);
		disc_record_encode(&record, log->bytes + DISC_HEADER_BYTES);
	}
	ddc_set_log(ddc, log);
	ddc_set_state(ddc, DDC_UP, NULL);
	disc_log_unref(log);
	return ddc;
}

static void is(struct harness *h, const char *path, const char *expected)
{
	CLEANUP_JS struct js *js = ask(h, "GET", path, NULL, 200);
	CLEANUP_FREE char *text = js_format(js_get(js, "items"), JS_COMPACT);

	assert_string_equal(text, expected);
}

#define SAID(by, name) "{\"by\":\"" by "\",\"name\":\"" name "\",\"stale\":false}"
#define PLACE(sources, contradiction)                                                              \
	"{\"nqn\":\"s\",\"port\":\"" PORT "\",\"sources\":[" sources                               \
	"],\"contradiction\":" contradiction "}"

static void one_place_said_by_three_is_one_with_three_sources(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "true", "\"s\""));
	hears(&h, HOST);
	log_has(&h, "s");
	is(&h, "/places",
	   "[" PLACE(SAID("target", "blake14") "," SAID("ddc", PORT) "," SAID("host", "blake15"),
		     "null") "]");
}

static void a_log_that_has_what_the_target_does_not_export_is_told(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "true", ""));
	log_has(&h, "s");
	is(&h, "/places?contradictions=1",
	   "[" PLACE(SAID("ddc", PORT), "\"the discovery log of " PORT " has it, the target "
					"blake14 does not export it\"") "]");
}

static void an_export_to_any_host_that_the_log_does_not_have_is_told(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "true", "\"s\""));
	log_has(&h, NULL);
	is(&h, "/places?contradictions=1",
	   "[" PLACE(SAID("target", "blake14"),
		     "\"blake14 exports it to any host, the discovery log of " PORT
		     " does not have it\"") "]");
}

static void an_export_to_some_hosts_need_not_be_in_the_log_that_we_see(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "false", "\"s\""));
	log_has(&h, NULL);
	is(&h, "/places?contradictions=1", "[]");
}

static void a_connection_to_what_is_not_exported_is_told(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "true", ""));
	hears(&h, HOST);
	is(&h, "/places",
	   "[" PLACE(SAID("host", "blake15"), "\"blake15 is connected to it, the target blake14 "
					      "does not export it\"") "]");
}

static void who_is_silent_contradicts_nobody(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "true", "\"s\""));
	ddc_set_state(log_has(&h, NULL), DDC_LOST, "no answer");
	is(&h, "/places?contradictions=1", "[]");
	/* after a restart nobody was heard yet */
	log_has(&h, "s");
	commit_now(h.collector.commit);
	harness_restart(&h);
	is(&h, "/places?contradictions=1", "[]");
	is(&h, "/places",
	   "[" PLACE("{\"by\":\"target\",\"name\":\"blake14\",\"stale\":true},{\"by\":\"ddc\","
		     "\"name\":\"" PORT "\",\"stale\":true}",
		     "null") "]");
}

static void places_are_found_by_each_filter(void **state)
{
	HARNESS h;

	(void)state;
	harness_start(&h);
	hears(&h, TARGET("1", "true", "\"s\""));
	is(&h, "/places?nqn=t", "[]");
	is(&h, "/places?port=tcp,10.1.1.15,4420", "[]");
	is(&h, "/places?node=blake15", "[]");
	is(&h, "/places?nqn=s&port=" PORT "&node=blake14",
	   "[" PLACE(SAID("target", "blake14"), "null") "]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_place_said_by_three_is_one_with_three_sources),
		cmocka_unit_test(a_log_that_has_what_the_target_does_not_export_is_told),
		cmocka_unit_test(an_export_to_any_host_that_the_log_does_not_have_is_told),
		cmocka_unit_test(an_export_to_some_hosts_need_not_be_in_the_log_that_we_see),
		cmocka_unit_test(a_connection_to_what_is_not_exported_is_told),
		cmocka_unit_test(who_is_silent_contradicts_nobody),
		cmocka_unit_test(places_are_found_by_each_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
