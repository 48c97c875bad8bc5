/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/ask.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "collector/api.h"
#include "collector/cdc-own.h"
#include "collector/ddc-own.h"
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

#define TLS_LISTENER(id, address, tls, nqn)                                                        \
	"{\"kind\":\"listener\",\"id\":\"" id "\",\"port_id\":" id                                 \
	",\"transport\":\"tcp\",\"family\":\"ipv4\",\"address\":\"" address                        \
	"\",\"service\":\"4420\",\"tls\":\"" tls "\",\"subsystems\":[\"" nqn "\"]}"

static void a_listener_that_wants_tls_says_so(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_answer answer;
	struct disc_record record;

	(void)state;
	harness_start(&h);
	serve(&h);
	report_of(&h, "t1", "b",
		  TLS_LISTENER("1", "192.0.2.1", "required", "one") "," TLS_LISTENER(
			  "2", "192.0.2.2", "permitted",
			  "two") "," SUBSYSTEM("one", "true") "," SUBSYSTEM("two", "true"));
	a = come(&h, A);
	answer = test_host_log(a, 0, 4 * 1024, false);
	assert_int_equal(disc_record_decode(answer.data + 2048, &record, NULL), 0);
	assert_string_equal(record.subnqn, "one");
	assert_int_equal(record.treq, NVME_TREQ_REQUIRED);
	assert_int_equal(record.sectype, NVME_SECTYPE_TLS13);
	/* libnvme 1.3 would go by TLS here, and a host may have no key */
	assert_int_equal(disc_record_decode(answer.data + 3072, &record, NULL), 0);
	assert_string_equal(record.subnqn, "two");
	assert_int_equal(record.treq, 0);
	assert_int_equal(record.sectype, NVME_SECTYPE_NONE);
	free(answer.data);
	test_host_free(a);
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
	CLEANUP_STR struct str metrics = STR_NULL;
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
	view_metrics(&h.collector, &metrics);
	assert_non_null(strstr(str_get(&metrics), "sunfish_cdc_connections 2\n"));
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
	view = ask(&h, "GET", "/views?host=" B, NULL, 200);
	item = js_at(js_get(view, "items"), 0);
	assert_string_equal(js_text(js_get(item, "nqn")), "one");
	assert_string_equal(js_text(js_get(item, "node")), "t1");
	assert_int_equal(js_number(js_get(view, "connected"), -1), 0);
	views = ask(&h, "GET", "/views", NULL, 200);
	item = js_at(js_get(views, "items"), 0);
	assert_int_equal(js_length(js_get(views, "items")), 1);
	assert_string_equal(js_text(js_get(item, "host")), A);
	assert_int_equal(js_number(js_get(item, "connected"), -1), 1);
	assert_int_equal(js_number(js_get(item, "records"), -1), 1);
	assert_int_equal(js_number(js_get(item, "read_generation"), -1), generation);
	audit = ask(&h, "GET", "/audit?host=" A, NULL, 200);
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
	answer = ask(&h, "GET", "/views?host=" A, NULL, 404);
	assert_non_null(js_get(answer, "error"));
}

/* --- what only a discovery log has */

/* A controller that has "vol" at @address. */
static struct ddc *log_of(struct harness *h, const char *controller, const char *address,
			  const char *tenant)
{
	struct ddc *ddc = ddc_need(h->collector.ddcs, controller, "8009", DDC_CONF);
	struct disc_log *log = disc_log_new(1, NULL, 1);
	struct disc_record record = { .trtype = NVME_TRTYPE_TCP,
				      .adrfam = strchr(address, ':') ? NVME_ADRFAM_IPV6
								     : NVME_ADRFAM_IPV4,
				      .subtype = NVME_SUBTYPE_NVM,
				      .cntlid = NVME_CNTLID_DYNAMIC,
				      .trsvcid = "4420",
				      .subnqn = "vol" };

	snprintf(record.traddr, sizeof(record.traddr), "%s", address);
	assert_non_null(ddc);
	disc_record_encode(&record, log->bytes + DISC_HEADER_BYTES);
	ddc->tenant = tenant ? strdup(tenant) : NULL;
	ddc_set_log(ddc, log);
	ddc_set_state(ddc, DDC_UP, NULL);
	disc_log_unref(log);
	return ddc;
}

/* An array without a helper. */
static struct ddc *array_says(struct harness *h, const char *tenant)
{
	return log_of(h, "10.9.9.9", "10.9.9.9", tenant);
}

static void sees(struct test_host *host, const char *expected)
{
	CLEANUP_STR struct str text = STR_NULL;

	look(host, &text);
	assert_string_equal(str_get(&text), expected);
}

static void what_only_a_log_has_is_seen_by_hosts_of_a_zone_alone(void **state)
{
	HARNESS h;
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h);
	array_says(&h, NULL);
	settle(&h);
	a = come(&h, A);
	b = come(&h, B);
	sees(a, "");
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"z\",\"hosts\":[\"" A "\"],\"subsystems\":[\"vol\"]}", 201));
	settle(&h);
	sees(a, "vol 10.9.9.9\n");
	sees(b, "");
	test_host_free(a);
	test_host_free(b);
}

static void what_a_tenants_controller_says_is_seen_by_his_hosts_alone(void **state)
{
	HARNESS h;
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h);
	array_says(&h, "red");
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"z\",\"tenant\":\"red\",\"hosts\":[\"" A "\"]}", 201));
	/* a zone of nobody does not get over the fence */
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"y\",\"hosts\":[\"" B "\"],\"subsystems\":[\"vol\"]}", 201));
	settle(&h);
	a = come(&h, A);
	b = come(&h, B);
	sees(a, "vol 10.9.9.9\n");
	sees(b, "");
	test_host_free(a);
	test_host_free(b);
}

static void what_a_tenants_controller_has_is_fenced_whoever_else_says_it(void **state)
{
	HARNESS h;
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h);
	a = come(&h, A);
	b = come(&h, B);
	report_of(&h, "t1", "b", LISTENER("1", "10.9.9.9", "\"vol\"") "," SUBSYSTEM("vol", "true"));
	settle(&h);
	sees(a, "vol 10.9.9.9\n");
	/* no zone at all: nobody is of that tenant */
	array_says(&h, "red");
	cdc_mark(h.collector.cdc);
	cdc_flush(h.collector.cdc);
	settle(&h);
	sees(a, "");
	sees(b, "");
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"z\",\"tenant\":\"red\",\"hosts\":[\"" A "\"]}", 201));
	settle(&h);
	sees(a, "vol 10.9.9.9\n");
	sees(b, "");
	test_host_free(a);
	test_host_free(b);
}

static void an_address_that_is_spelled_another_way_is_behind_the_same_fence(void **state)
{
	HARNESS h;
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h);
	a = come(&h, A);
	report_of(&h, "t1", "b",
		  LISTENER("1", "FD00:0::9", "\"vol\"") "," SUBSYSTEM("vol", "true"));
	log_of(&h, "10.9.9.9", "fd00::9", "red");
	settle(&h);
	sees(a, "");
	test_host_free(a);
}

static void a_place_in_the_logs_of_two_tenants_is_for_both(void **state)
{
	HARNESS h;
	struct test_host *a;
	struct test_host *b;
	struct test_host *c;

	(void)state;
	harness_start(&h);
	serve(&h);
	log_of(&h, "10.9.9.9", "10.9.9.9", "red");
	log_of(&h, "10.9.9.8", "10.9.9.9", "blue");
	report_of(&h, "t1", "b", LISTENER("1", "10.9.9.9", "\"vol\"") "," SUBSYSTEM("vol", "true"));
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"r\",\"tenant\":\"red\",\"hosts\":[\"" A "\"]}", 201));
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"b\",\"tenant\":\"blue\",\"hosts\":[\"" B "\"]}", 201));
	settle(&h);
	a = come(&h, A);
	b = come(&h, B);
	c = come(&h, "nqn.2024-01.example:host-c");
	sees(a, "vol 10.9.9.9\n");
	sees(b, "vol 10.9.9.9\n");
	sees(c, "");
	test_host_free(a);
	test_host_free(b);
	test_host_free(c);
}

static void what_a_log_said_stays_while_its_controller_is_lost(void **state)
{
	HARNESS h;
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h);
	js_free(ask(&h, "POST", "/zones",
		    "{\"name\":\"z\",\"hosts\":[\"" A "\"],\"ports\":[\"tcp,10.9.9.9,4420\"]}",
		    201));
	ddc_set_state(array_says(&h, NULL), DDC_LOST, "no answer");
	settle(&h);
	a = come(&h, A);
	sees(a, "vol 10.9.9.9\n");
	test_host_free(a);
}

/* --- what is made anew in parts is as if it was made at once */

#define N_HOSTS 4
static const char *const hosts[N_HOSTS] = { A, B, "nqn.2024-01.example:host-c",
					    "nqn.2024-01.example:host-d" };

static unsigned int any(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static void report_anything(struct harness *h, unsigned int round)
{
	static const char *const nqns[] = { "one", "two", "vol" };
	CLEANUP_STR struct str objects = STR_NULL;
	char node[4] = { 't', (char)('1' + any(3)), '\0' };
	char boot[16];
	unsigned int has = any(8);
	unsigned int i, k;

	snprintf(boot, sizeof(boot), "b%u", round);
	str_addf(
		&objects,
		"{\"kind\":\"listener\",\"id\":\"1\",\"port_id\":%u,\"transport\":\"tcp\",\"family\":"
		"\"ipv4\",\"address\":\"10.9.9.%u\",\"service\":\"4420\",\"subsystems\":[",
		any(2), 8 + any(2));
	for (i = k = 0; i < 3; i++)
		if (has & 1u << i)
			str_addf(&objects, "%s\"%s\"", k++ ? "," : "", nqns[i]);
	str_addf(&objects, "]}");
	for (i = 0; i < 3; i++) {
		bool is_open = any(4) == 0;

		str_addf(&objects,
			 ",{\"kind\":\"subsystem\",\"id\":\"%s\",\"nqn\":\"%s\",\"any_host\":%s}",
			 nqns[i], nqns[i], is_open ? "true" : "false");
		for (k = 0; k < N_HOSTS; k++)
			if (any(2))
				str_addf(&objects,
					 ",{\"kind\":\"allowed\",\"id\":\"%s/%s\",\"nqn\":\"%s\","
					 "\"hostnqn\":\"%s\"}",
					 nqns[i], hosts[k], nqns[i], hosts[k]);
	}
	report_of(h, node, boot, str_get(&objects));
}

static void log_anything(struct harness *h)
{
	static const char *const controllers[] = { "10.9.9.1", "10.9.9.2" };
	static const char *const tenants[] = { NULL, "red", "blue" };
	const char *controller = controllers[any(2)];
	struct ddc *ddc = ddc_need(h->collector.ddcs, controller, "8009", DDC_CONF);

	free(ddc->tenant);
	ddc->tenant = NULL;
	if (any(3))
		log_of(h, controller, any(2) ? "10.9.9.8" : "10.9.9.9", tenants[any(3)]);
	else
		ddc_set_log(ddc, NULL);
}

static void zone_anything(struct harness *h)
{
	CLEANUP_STR struct str text = STR_NULL;

	if (zone_count(h->collector.zones)) {
		js_free(ask(h, "DELETE", "/zones/z?force=1", NULL, 200));
		return;
	}
	str_addf(&text, "{\"name\":\"z\",%s\"hosts\":[\"%s\"],%s}",
		 any(2) ? "\"tenant\":\"red\"," : "", hosts[any(N_HOSTS)],
		 any(2) ? "\"subsystems\":[\"vol\"]" : "\"ports\":[\"tcp,10.9.9.9,4420\"]");
	js_free(ask(h, "POST", "/zones", str_get(&text), 201));
}

/* Each connection has the page that a new model makes. */
static void assert_as_if_made_at_once(struct harness *h, unsigned int round)
{
	struct cdc *cdc = h->collector.cdc;
	struct cdc_model *model = cdc_model_new(h->collector.zones);
	unsigned int i;

	assert_int_equal(cdc_model_mark_all(model, h->collector.registry, h->collector.ddcs), 0);
	assert_int_equal(cdc_model_update(model, h->collector.registry, h->collector.ddcs), 0);
	for (i = 0; i < N_HOSTS; i++) {
		const struct cdc_host *host = cdc_host_find(cdc, hosts[i]);
		const struct disc_log *log = disc_conn_log(host->conns->conn);
		CLEANUP_FREE struct cdc_place **seen = NULL;
		size_t count;
		size_t k;

		assert_int_equal(cdc_model_view(model, hosts[i], &seen, &count, NULL), 0);
		if (log->n_records != count + 1)
			fail_msg("round %u: %s has %zu records instead of %zu", round, hosts[i],
				 log->n_records - 1, count);
		for (k = 0; k < count; k++) {
			uint8_t bytes[DISC_RECORD_BYTES];
			struct disc_record record;

			cdc_place_record(seen[k], &record);
			disc_record_encode(&record, bytes);
			assert_memory_equal(disc_log_record(log, k + 1), bytes, sizeof(bytes));
		}
	}
	cdc_model_free(model);
}

static void after_any_changes_views_are_as_if_made_at_once(void **state)
{
	HARNESS h;
	struct test_host *at[N_HOSTS];
	unsigned int round;
	unsigned int i;

	(void)state;
	srand(1);
	harness_start(&h);
	serve(&h);
	for (i = 0; i < N_HOSTS; i++)
		at[i] = come(&h, hosts[i]);
	for (round = 0; round < 120; round++) {
		const unsigned int what = any(8);

		if (what == 0)
			zone_anything(&h);
		else if (what < 3)
			log_anything(&h);
		else
			report_anything(&h, round);
		if (any(3) == 0)
			continue;
		cdc_flush(h.collector.cdc);
		while (h.collector.cdc->is_due)
			loop_step(h.loop, 5);
		assert_as_if_made_at_once(&h, round);
	}
	for (i = 0; i < N_HOSTS; i++)
		test_host_free(at[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_sees_what_it_may_connect_to_and_nothing_else),
		cmocka_unit_test(a_listener_that_wants_tls_says_so),
		cmocka_unit_test(where_nobody_can_go_is_shown_to_nobody),
		cmocka_unit_test(only_those_whose_view_changed_are_told),
		cmocka_unit_test(what_comes_together_is_told_once),
		cmocka_unit_test(silence_is_not_emptiness),
		cmocka_unit_test(generations_never_go_back),
		cmocka_unit_test(equal_views_are_one_page),
		cmocka_unit_test(the_api_says_what_a_host_would_see_and_what_it_read),
		cmocka_unit_test(without_a_discovery_controller_the_api_says_so),
		cmocka_unit_test(what_only_a_log_has_is_seen_by_hosts_of_a_zone_alone),
		cmocka_unit_test(what_a_tenants_controller_says_is_seen_by_his_hosts_alone),
		cmocka_unit_test(what_a_tenants_controller_has_is_fenced_whoever_else_says_it),
		cmocka_unit_test(an_address_that_is_spelled_another_way_is_behind_the_same_fence),
		cmocka_unit_test(a_place_in_the_logs_of_two_tenants_is_for_both),
		cmocka_unit_test(after_any_changes_views_are_as_if_made_at_once),
		cmocka_unit_test(what_a_log_said_stays_while_its_controller_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
