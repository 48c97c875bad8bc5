/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "wire/wanted.h"

#define LISTENER "{\"transport\":\"rdma\",\"address\":\"10.101.46.14\",\"service\":\"4420\"}"
#define EXPORT                                                                                     \
	"{\"kind\":\"export\",\"intent\":\"e-7\",\"nqn\":\"blake14\",\"absent\":false,"            \
	"\"devices\":[\"/dev/nvme1n1\"],\"any_host\":false,\"hosts\":[\"host-1\"],"                \
	"\"listeners\":[" LISTENER "]}"
#define ACCESS                                                                                     \
	"{\"kind\":\"access\",\"intent\":\"a-9\",\"nqn\":\"blake14\",\"hostnqn\":\"host-1\","      \
	"\"absent\":true,\"force\":true}"
#define CONNECTION                                                                                 \
	"{\"kind\":\"connection\",\"intent\":\"a-9\",\"nqn\":\"blake14\",\"at\":" LISTENER ","     \
	"\"hostnqn\":\"\",\"absent\":false,\"force\":false}"

static struct js *document(const char *role, const char *entries)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct js *js = NULL;
	struct err err = ERR_NULL;

	str_addf(&text,
		 "{\"version\":1,\"collector\":\"c\",\"role\":\"%s\",\"generation\":43,"
		 "\"entries\":[%s]}",
		 role, entries);
	if (js_parse(str_get(&text), text.length, &js, &err) < 0)
		fail_msg("%s: %s", str_get(&text), err.text);
	return js;
}

static void assert_refused(const char *role, const char *entries, const char *because)
{
	CLEANUP_JS struct js *js = document(role, entries);
	struct wanted wanted = { .count = 77 };
	struct err err = ERR_NULL;

	if (wanted_decode(js, &wanted, &err) != -EINVAL)
		fail_msg("%s: was taken", entries);
	assert_int_equal(wanted.count, 77);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", entries, err.text, because);
}

static void reads_what_is_wanted_of_a_target(void **state)
{
	CLEANUP_JS struct js *js = document("target", EXPORT "," ACCESS);
	struct wanted wanted;
	struct wanted_entry entry;
	struct wanted_listener listener;

	(void)state;
	assert_int_equal(wanted_decode(js, &wanted, NULL), 0);
	assert_int_equal(wanted.role, REPORT_TARGET);
	assert_string_equal(wanted.collector, "c");
	assert_int_equal(wanted.generation, 43);
	assert_int_equal(wanted.count, 2);
	wanted_entry_at(&wanted, 0, &entry);
	assert_int_equal(entry.kind, WANTED_EXPORT);
	assert_string_equal(entry.intent, "e-7");
	assert_string_equal(entry.nqn, "blake14");
	assert_false(entry.absent || entry.force || entry.any_host);
	assert_string_equal(js_text(js_at(entry.devices, 0)), "/dev/nvme1n1");
	assert_string_equal(js_text(js_at(entry.hosts, 0)), "host-1");
	wanted_listener_at(entry.listeners, 0, &listener);
	assert_string_equal(listener.transport, "rdma");
	assert_string_equal(listener.address, "10.101.46.14");
	assert_string_equal(listener.service, "4420");
	wanted_entry_at(&wanted, 1, &entry);
	assert_int_equal(entry.kind, WANTED_ACCESS);
	assert_string_equal(entry.hostnqn, "host-1");
	assert_true(entry.absent && entry.force);
}

static void reads_what_is_wanted_of_an_initiator(void **state)
{
	CLEANUP_JS struct js *js = document("initiator", CONNECTION);
	struct wanted wanted;
	struct wanted_entry entry;

	(void)state;
	assert_int_equal(wanted_decode(js, &wanted, NULL), 0);
	assert_int_equal(wanted.role, REPORT_INITIATOR);
	wanted_entry_at(&wanted, 0, &entry);
	assert_int_equal(entry.kind, WANTED_CONNECTION);
	assert_string_equal(entry.at.address, "10.101.46.14");
	assert_string_equal(entry.hostnqn, "");
}

static void an_empty_document_is_one(void **state)
{
	CLEANUP_JS struct js *js = document("target", "");
	struct wanted wanted;

	(void)state;
	assert_int_equal(wanted_decode(js, &wanted, NULL), 0);
	assert_int_equal(wanted.count, 0);
}

static void refuses_a_head_that_is_none(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"{\"version\":2,\"collector\":\"c\",\"role\":\"target\",\"generation\":1,\"entries\":[]}",
		"{\"version\":1,\"collector\":\"\",\"role\":\"target\",\"generation\":1,\"entries\":[]}",
		"{\"version\":1,\"collector\":\"c\",\"role\":\"x\",\"generation\":1,\"entries\":[]}",
		"{\"version\":1,\"collector\":\"c\",\"role\":\"target\",\"generation\":-1,\"entries\":[]}",
		"{\"version\":1,\"collector\":\"c\",\"role\":\"target\",\"generation\":1,\"entries\":{}}",
		"{\"version\":1,\"collector\":\"c\",\"role\":\"target\",\"generation\":1}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_JS struct js *js = NULL;
		struct wanted wanted;

		assert_int_equal(js_parse(texts[i], strlen(texts[i]), &js, NULL), 0);
		assert_int_equal(wanted_decode(js, &wanted, NULL), -EINVAL);
	}
}

static void each_role_has_its_kinds(void **state)
{
	(void)state;
	assert_refused("target", CONNECTION, "export or access");
	assert_refused("initiator", EXPORT, "must be connection");
	assert_refused("initiator", ACCESS, "must be connection");
	assert_refused("target", "{\"kind\":\"x\"}", "entry 1: ");
	assert_refused("target", "7", "entry 1: ");
}

/* No mistake in a list becomes an empty list: that would widen access. */
static void an_export_says_who_may_connect(void **state)
{
	(void)state;
	assert_refused("target",
		       EXPORT ",{\"kind\":\"export\",\"intent\":\"e\",\"nqn\":\"a\",\"devices\":[],"
			      "\"hosts\":[],\"listeners\":[]}",
		       "entry 2: \"any_host\"");
	assert_refused("target",
		       "{\"kind\":\"export\",\"intent\":\"e\",\"nqn\":\"a\",\"devices\":[],"
		       "\"any_host\":false,\"listeners\":[]}",
		       "\"hosts\"");
	assert_refused("target",
		       "{\"kind\":\"export\",\"intent\":\"e\",\"nqn\":\"a\",\"devices\":[],"
		       "\"hosts\":[\"h\"],\"any_host\":true,\"listeners\":[]}",
		       "beside \"any_host\"");
	assert_refused("target",
		       "{\"kind\":\"export\",\"intent\":\"e\",\"nqn\":\"a\",\"devices\":[],"
		       "\"hosts\":[\"h\",7],\"any_host\":false,\"listeners\":[]}",
		       "hosts 2: ");
	assert_refused("target", "{\"kind\":\"access\",\"intent\":\"e\",\"nqn\":\"a\"}", "empty");
}

static void refuses_names_and_addresses_that_are_none(void **state)
{
	(void)state;
	assert_refused("target", "{\"kind\":\"access\",\"intent\":\"e\",\"hostnqn\":\"h\"}",
		       "is empty");
	assert_refused("target",
		       "{\"kind\":\"access\",\"intent\":\"e\",\"hostnqn\":\"h\",\"nqn\":\"../x\"}",
		       "\"/\"");
	assert_refused("target", "{\"kind\":\"access\",\"hostnqn\":\"h\",\"nqn\":\"x\"}",
		       "\"intent\"");
	assert_refused("target",
		       "{\"kind\":\"access\",\"intent\":\"e\",\"hostnqn\":\"h\",\"nqn\":\"x\","
		       "\"absent\":\"true\"}",
		       "\"absent\"");
	assert_refused("initiator",
		       "{\"kind\":\"connection\",\"intent\":\"e\",\"nqn\":\"x\",\"at\":"
		       "{\"transport\":\"loop\",\"address\":\"a\"}}",
		       "\"transport\"");
	assert_refused("initiator",
		       "{\"kind\":\"connection\",\"intent\":\"e\",\"nqn\":\"x\",\"at\":"
		       "{\"transport\":\"tcp\",\"address\":\"a\",\"service\":\"0\"}}",
		       "0");
	assert_refused("initiator",
		       "{\"kind\":\"connection\",\"intent\":\"e\",\"nqn\":\"x\",\"at\":"
		       "{\"transport\":\"tcp\",\"address\":\"1.2.3.4,x=y\"}}",
		       "1.2.3.4,x=y");
	assert_refused("target",
		       "{\"kind\":\"export\",\"intent\":\"e\",\"nqn\":\"a\",\"devices\":[\"sda\"],"
		       "\"hosts\":[],\"any_host\":false,\"listeners\":[]}",
		       "devices 1: ");
}

static void what_is_to_be_gone_needs_only_its_name(void **state)
{
	CLEANUP_JS struct js *js = document(
		"target", "{\"kind\":\"export\",\"intent\":\"e\",\"nqn\":\"a\",\"absent\":true}");
	struct wanted wanted;
	struct wanted_entry entry;

	(void)state;
	assert_int_equal(wanted_decode(js, &wanted, NULL), 0);
	wanted_entry_at(&wanted, 0, &entry);
	assert_true(entry.absent);
	assert_int_equal(js_length(entry.devices), 0);
}

/* One that was taken for none would never end. */
static void a_lease_is_a_time_or_refused(void **state)
{
	CLEANUP_JS struct js *js = document(
		"target",
		"{\"kind\":\"access\",\"intent\":\"e\",\"nqn\":\"a\",\"expires\":1795497774123,"
		"\"hostnqn\":\"nqn.2014-08.org.example:one\"}");
	CLEANUP_JS struct js *again = NULL;
	struct wanted wanted;
	struct wanted_entry entry;

	(void)state;
	assert_int_equal(wanted_decode(js, &wanted, NULL), 0);
	wanted_entry_at(&wanted, 0, &entry);
	assert_int_equal(entry.expires_ms, INT64_C(1795497774123));
	again = wanted_entry_encode(&entry);
	assert_int_equal(js_number(js_get(again, "expires"), 0), INT64_C(1795497774123));
	assert_refused("target",
		       "{\"kind\":\"access\",\"intent\":\"e\",\"nqn\":\"a\",\"expires\":\"soon\","
		       "\"hostnqn\":\"nqn.2014-08.org.example:one\"}",
		       "expires");
	assert_refused("target",
		       "{\"kind\":\"access\",\"intent\":\"e\",\"nqn\":\"a\",\"expires\":0,"
		       "\"hostnqn\":\"nqn.2014-08.org.example:one\"}",
		       "expires");
}

static void entries_are_encoded_as_they_are_read(void **state)
{
	static const char *const roles[] = { "target", "target", "initiator" };
	static const char *const texts[] = { EXPORT, ACCESS, CONNECTION };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		CLEANUP_JS struct js *js = document(roles[i], texts[i]);
		CLEANUP_JS struct js *again = NULL;
		CLEANUP_JS struct js *third = NULL;
		struct js *entries = js_array();
		struct wanted wanted;
		struct wanted_entry entry;

		assert_int_equal(wanted_decode(js, &wanted, NULL), 0);
		wanted_entry_at(&wanted, 0, &entry);
		js_append(entries, wanted_entry_encode(&entry));
		again = wanted_encode("c", wanted.role, 43, entries);
		assert_int_equal(wanted_decode(again, &wanted, NULL), 0);
		wanted_entry_at(&wanted, 0, &entry);
		third = wanted_entry_encode(&entry);
		assert_true(js_is_equal(js_at(js_get(again, "entries"), 0), third, NULL));
		/* "force" is left out where it is false */
		assert_true(js_is_equal(js_at(js_get(js, "entries"), 0), third, "force"));
	}
}

static void a_word_about_an_entry_says_about_which(void **state)
{
	struct wanted_entry entry = { .kind = WANTED_ACCESS, .intent = "a", .absent = true };
	CLEANUP_JS struct js *js = wanted_intent_encode(&entry, "failed", "it is mounted", "");

	(void)state;
	assert_true(js_is_true(js_get(js, "absent")));
	assert_string_equal(js_text(js_get(js, "state")), "failed");
	assert_string_equal(js_text(js_get(js, "error")), "it is mounted");
	assert_null(js_get(js, "about"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_wanted_of_a_target),
		cmocka_unit_test(reads_what_is_wanted_of_an_initiator),
		cmocka_unit_test(an_empty_document_is_one),
		cmocka_unit_test(refuses_a_head_that_is_none),
		cmocka_unit_test(each_role_has_its_kinds),
		cmocka_unit_test(an_export_says_who_may_connect),
		cmocka_unit_test(refuses_names_and_addresses_that_are_none),
		cmocka_unit_test(what_is_to_be_gone_needs_only_its_name),
		cmocka_unit_test(a_lease_is_a_time_or_refused),
		cmocka_unit_test(entries_are_encoded_as_they_are_read),
		cmocka_unit_test(a_word_about_an_entry_says_about_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
