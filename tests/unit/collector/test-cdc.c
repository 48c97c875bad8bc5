/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "collector/api.h"
#include "tests/unit/nvmf/disc-host.h"

#define A "nqn.2024-01.example:host-a"
#define B "nqn.2024-01.example:host-b"

/* --- a collector with a discovery controller, and what targets tell it */

static void free_port(char text[80])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	close(fd);
	snprintf(text, 80, "127.0.0.1:%u", ntohs(at.sin_port));
}

static void serve(struct harness *h)
{
	struct err err = ERR_NULL;
	int i;

	for (i = 0; i < 10; i++) {
		/* somebody else may take it meanwhile */
		free_port(h->collector.setup.cdc_listen[0]);
		h->collector.setup.n_cdc_listen = 1;
		if (cdc_new(&h->collector, &h->collector.cdc, &err) == 0)
			return;
	}
	fail_msg("%s", err.text);
}

#define LISTENER(id, address, subsystems)                                                          \
	"{\"kind\":\"listener\",\"id\":\"" id "\",\"port_id\":" id                                 \
	",\"transport\":\"tcp\",\"family\":\"ipv4\",\"address\":\"" address                        \
	"\",\"service\":\"4420\",\"subsystems\":[" subsystems "]}"
#define SUBSYSTEM(nqn, any)                                                                        \
	"{\"kind\":\"subsystem\",\"id\":\"" nqn "\",\"nqn\":\"" nqn "\",\"any_host\":" any "}"
#define ALLOWED(nqn, host)                                                                         \
	"{\"kind\":\"allowed\",\"id\":\"" nqn "/" host "\",\"nqn\":\"" nqn                         \
	"\",\"hostnqn\":\"" host "\"}"

/* What the target has from now on. */
static void report_of(struct harness *h, const char *node, const char *boot, const char *objects)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct report_answer answer;

	str_addf(
		&text,
		"{\"version\":1,\"node\":\"%s\",\"name\":\"%s\",\"role\":\"target\",\"boot\":\"%s\","
		"\"program\":\"p\",\"interval_ms\":10000,\"snapshot\":{\"seq\":0,\"objects\":[%s]}}",
		node, node, boot, objects);
	assert_int_equal(harness_send(h, str_get(&text), &answer), 0);
}

static void settle(struct harness *h)
{
	const int64_t until = clock_monotonic_ms() + 80;

	while (clock_monotonic_ms() < until)
		loop_step(h->loop, 5);
}

/* --- hosts */

static struct test_host *come(struct harness *h, const char *hostnqn)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct test_host *host;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_port = htons((uint16_t)atoi(strchr(h->collector.setup.cdc_listen[0], ':') + 1));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	host = test_host_new(h->loop, fd);
	test_host_hello(host, false, false);
	assert_int_equal(test_host_connect_as(host, NQN_DISCOVERY, hostnqn, 30000).status, 0);
	assert_int_equal(test_host_set(host, NVME_CC, 0x460061), 0);
	return host;
}

/* All that it sees but ourselves, as "NQN ADDRESS\n". Returns: the generation. */
static uint64_t look(struct test_host *host, struct str *ret)
{
	struct test_answer answer = test_host_log(host, 0, 16 * 1024, false);
	struct disc_header header;
	struct disc_record record;
	uint64_t i;

	assert_int_equal(answer.cqe.status, 0);
	disc_header_decode(answer.data, &header);
	assert_true(header.numrec >= 1 && header.numrec < 15);
	assert_int_equal(disc_record_decode(answer.data + 1024, &record, NULL), 0);
	assert_int_equal(record.subtype, NVME_SUBTYPE_CURRENT);
	assert_int_equal(record.eflags, NVME_EFLAG_EPCSD);
	assert_string_equal(record.traddr, "127.0.0.1");
	assert_string_not_equal(record.subnqn, NQN_DISCOVERY);
	for (i = 1; i < header.numrec; i++) {
		assert_int_equal(disc_record_decode(answer.data + 1024 * (i + 1), &record, NULL),
				 0);
		assert_int_equal(record.subtype, NVME_SUBTYPE_NVM);
		/* libnvme 1.3 takes any word about a secure channel as one for TLS */
		assert_int_equal(record.treq, 0);
		str_addf(ret, "%s %s\n", record.subnqn, record.traddr);
	}
	free(answer.data);
	return header.genctr;
}

static uint64_t assert_sees(struct test_host *host, const char *expected)
{
	CLEANUP_STR struct str text = STR_NULL;
	uint64_t generation = look(host, &text);

	assert_string_equal(str_get(&text), expected);
	return generation;
}

static bool has_event(struct test_host *host)
{
	struct pdu pdu;

	if (!test_host_receive(host, &pdu, 300))
		return false;
	assert_int_equal(pdu.type, PDU_RESPONSE);
	assert_int_equal(pdu.response.dw0, NVME_ASYNC_DISCOVERY);
	return true;
}

/* --- the API */

struct query {
	const char *host;
};

static const char *find_query(const void *data, const char *key)
{
	const struct query *query = data;

	return strcmp(key, "host") == 0 ? query->host : NULL;
}

static struct js *ask(struct harness *h, const char *path, const char *host)
{
	const struct auth_who who = { .name = "t", .right = AUTH_ADMIN };
	const struct query query = { host };
	struct api_request request = {
		.method = "GET",
		.path = path,
		.body = "",
		.who = &who,
		.address = "",
		.query = find_query,
		.query_data = &query,
	};
	struct api_answer answer = API_ANSWER_NULL;
	const struct api_route *route;
	struct js *js = NULL;

	assert_int_equal(api_find("GET", path, &route, &request.id, NULL), 0);
	api_call(&h->collector, route, &request, &answer);
	assert_int_equal(js_parse(str_get(&answer.body), answer.body.length, &js, NULL), 0);
	str_deinit(&answer.body);
	return js;
}

/* --- tests */

static void a_host_sees_what_it_may_connect_to_and_nothing_else(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(
		&h, "t1", "b",
		LISTENER("1", "192.0.2.1", "\"one\",\"two\"") "," LISTENER("2", "192.0.2.2", "\"two\",\"open\"") "," SUBSYSTEM(
			"one",
			"false") "," SUBSYSTEM("two",
					       "false") "," SUBSYSTEM("open",
								      "true") "," ALLOWED("one",
											  A) "," ALLOWED("two",
													 A) "," ALLOWED("two",
															B));
	a = come(&h, A);
	b = come(&h, B);
	assert_sees(a, "one 192.0.2.1\nopen 192.0.2.2\ntwo 192.0.2.1\ntwo 192.0.2.2\n");
	assert_sees(b, "open 192.0.2.2\ntwo 192.0.2.1\ntwo 192.0.2.2\n");
	test_host_free(a);
	test_host_free(b);
}

static void where_nobody_can_go_is_shown_to_nobody(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(&h, "t1", "b",
		  LISTENER("1", "0.0.0.0", "\"open\"") "," SUBSYSTEM("open", "true") "," SUBSYSTEM(
			  "nowhere", "true"));
	a = come(&h, A);
	assert_sees(a, "");
	test_host_free(a);
}

static void only_those_whose_view_changed_are_told(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;
	uint64_t before;
	uint64_t generation;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(&h, "t1", "b",
		  LISTENER("1", "192.0.2.1",
			   "\"one\"") "," SUBSYSTEM("one", "false") "," ALLOWED("one", B));
	a = come(&h, A);
	b = come(&h, B);
	before = assert_sees(a, "");
	generation = assert_sees(b, "one 192.0.2.1\n");
	test_host_want_events(a);
	test_host_want_events(b);
	report_of(&h, "t1", "b2",
		  LISTENER("1", "192.0.2.1", "\"one\"") "," SUBSYSTEM("one", "false") "," ALLOWED(
			  "one", A) "," ALLOWED("one", B));
	assert_true(has_event(a));
	assert_false(has_event(b));
	assert_true(assert_sees(a, "one 192.0.2.1\n") > before);
	assert_int_equal(assert_sees(b, "one 192.0.2.1\n"), generation);
	test_host_free(a);
	test_host_free(b);
}

static void what_comes_together_is_told_once(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h);
	a = come(&h, A);
	assert_sees(a, "");
	test_host_want_events(a);
	report_of(&h, "t1", "b",
		  LISTENER("1", "192.0.2.1", "\"one\"") "," SUBSYSTEM("one", "true"));
	report_of(&h, "t2", "b",
		  LISTENER("1", "192.0.2.2", "\"two\"") "," SUBSYSTEM("two", "true"));
	assert_true(has_event(a));
	test_host_want_events(a);
	assert_sees(a, "one 192.0.2.1\ntwo 192.0.2.2\n");
	assert_false(has_event(a));
	test_host_free(a);
}

static void silence_is_not_emptiness(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;

	(void)state;
	harness_start(&h);
	report_of(&h, "t1", "b",
		  LISTENER("1", "192.0.2.1", "\"one\"") "," SUBSYSTEM("one", "true"));
	harness_restart(&h);
	serve(&h);
	a = come(&h, A);
	assert_sees(a, "one 192.0.2.1\n");
	test_host_free(a);
}

static void generations_never_go_back(void **state)
{
	static const char *const subsystems[] = { "\"one\"", "\"two\"", "\"one\"", "\"two\"" };
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;
	uint64_t last = 0;
	size_t i;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(&h, "t1", "b", LISTENER("1", "192.0.2.1", "") "," SUBSYSTEM("one", "true"));
	/* another host keeps a page alive that has been seen before */
	b = come(&h, B);
	for (i = 0; i < 4; i++) {
		CLEANUP_STR struct str text = STR_NULL;
		CLEANUP_STR struct str seen = STR_NULL;
		char boot[8];
		uint64_t generation;

		str_addf(&text,
			 LISTENER("1", "192.0.2.1",
				  "%s") "," SUBSYSTEM("one", "true") "," SUBSYSTEM("two", "true"),
			 subsystems[i]);
		snprintf(boot, sizeof(boot), "c%zu", i);
		report_of(&h, "t1", boot, str_get(&text));
		settle(&h);
		a = come(&h, A);
		generation = look(a, &seen);
		assert_true(generation > last);
		last = generation;
		test_host_free(a);
	}
	test_host_free(b);
	harness_restart(&h);
	serve(&h);
	a = come(&h, A);
	assert_true(assert_sees(a, "two 192.0.2.1\n") > last);
	test_host_free(a);
}

static void equal_views_are_one_page(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(&h, "t1", "b",
		  LISTENER("1", "192.0.2.1", "\"one\"") "," SUBSYSTEM("one", "true"));
	a = come(&h, A);
	b = come(&h, B);
	assert_int_equal(assert_sees(a, "one 192.0.2.1\n"), assert_sees(b, "one 192.0.2.1\n"));
	assert_int_equal(cdc_connections(h.collector.cdc), 2);
	test_host_free(a);
	test_host_free(b);
}

static void the_api_says_what_a_host_would_see_and_what_it_read(void **state)
{
	HARNESS h = { 0 };
	CLEANUP_JS struct js *view = NULL;
	CLEANUP_JS struct js *views = NULL;
	CLEANUP_JS struct js *audit = NULL;
	const struct js *item;
	struct test_host *a;
	uint64_t generation;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(&h, "t1", "b",
		  LISTENER("1", "192.0.2.1", "\"one\"") "," SUBSYSTEM("one", "false") "," ALLOWED(
			  "one", A) "," ALLOWED("one", B));
	a = come(&h, A);
	generation = assert_sees(a, "one 192.0.2.1\n");
	assert_sees(a, "one 192.0.2.1\n");
	view = ask(&h, "/views", B);
	item = js_at(js_get(view, "items"), 0);
	assert_string_equal(js_text(js_get(item, "nqn")), "one");
	assert_string_equal(js_text(js_get(item, "node")), "t1");
	assert_int_equal(js_number(js_get(view, "connected"), -1), 0);
	views = ask(&h, "/views", NULL);
	item = js_at(js_get(views, "items"), 0);
	assert_int_equal(js_length(js_get(views, "items")), 1);
	assert_string_equal(js_text(js_get(item, "host")), A);
	assert_int_equal(js_number(js_get(item, "connected"), -1), 1);
	assert_int_equal(js_number(js_get(item, "records"), -1), 1);
	assert_int_equal(js_number(js_get(item, "read_generation"), -1), generation);
	audit = ask(&h, "/audit", A);
	assert_int_equal(js_length(js_get(audit, "items")), 1);
	item = js_at(js_get(audit, "items"), 0);
	assert_int_equal(js_number(js_get(item, "times"), -1), 2);
	assert_int_equal(js_number(js_get(item, "generation"), -1), generation);
	assert_string_equal(js_text(js_get(item, "address")), "127.0.0.1");
	test_host_free(a);
}

static void without_a_discovery_controller_the_api_says_so(void **state)
{
	HARNESS h = { 0 };
	CLEANUP_JS struct js *answer = NULL;

	(void)state;
	harness_start(&h);
	assert_int_equal(cdc_new(&h.collector, &h.collector.cdc, NULL), 0);
	assert_null(h.collector.cdc);
	answer = ask(&h, "/views", A);
	assert_non_null(js_get(answer, "error"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_sees_what_it_may_connect_to_and_nothing_else),
		cmocka_unit_test(where_nobody_can_go_is_shown_to_nobody),
		cmocka_unit_test(only_those_whose_view_changed_are_told),
		cmocka_unit_test(what_comes_together_is_told_once),
		cmocka_unit_test(silence_is_not_emptiness),
		cmocka_unit_test(generations_never_go_back),
		cmocka_unit_test(equal_views_are_one_page),
		cmocka_unit_test(the_api_says_what_a_host_would_see_and_what_it_read),
		cmocka_unit_test(without_a_discovery_controller_the_api_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
