/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts and controllers register with the collector's discovery controller. */
#include "tests/unit/collector/ask.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "collector/cdc-own.h"
#include "collector/ddc-own.h"
#include "tests/unit/nvmf/dim-data.h"
#include "tests/unit/nvmf/disc-host.h"

#define A "nqn.2024-01.example:host-a"
#define B "nqn.2024-01.example:host-b"
#define ARRAY "nqn.2024-01.example:array"
#define PATIENCE_MS 10000

static void configure(struct harness *h, const char *text)
{
	char path[128];
	struct ddc_conf conf;
	struct err err = ERR_NULL;
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", h->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "discovery = { %s };", text);
	fclose(file);
	ddc_conf_init(&conf);
	if (ddc_conf_load(path, &conf, &err) < 0 ||
	    ddc_configure(h->collector.ddcs, &conf, &err) < 0)
		fail_msg("%s", err.text);
	ddc_conf_deinit(&conf);
	unlink(path);
	dim_apply(h->collector.dims);
}

static void serve(struct harness *h, const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	struct err err = ERR_NULL;
	int i;

	for (i = 0; i < 10; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		at.sin_port = 0;
		assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
		close(fd);
		snprintf(h->collector.setup.cdc_listen[0], 80, "127.0.0.1:%u", ntohs(at.sin_port));
		h->collector.setup.n_cdc_listen = 1;
		/* somebody else may take it meanwhile */
		if (cdc_new(&h->collector, &h->collector.cdc, &err) == 0)
			break;
	}
	if (!h->collector.cdc)
		fail_msg("%s", err.text);
	configure(h, text);
}

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

static void leave(struct harness *h, struct test_host *host)
{
	int i;

	test_host_free(host);
	for (i = 0; i < 5; i++)
		loop_step(h->loop, 5);
}

static uint16_t say(struct test_host *host, uint8_t tas, uint16_t entity, const char *eid,
		    uint8_t subtype, const char *address, const char *service)
{
	const struct nvme_sqe sqe = { .opcode = NVME_DISC_INFO_MGMT, .cdw = { tas } };
	uint8_t bytes[DIM_DATA_EXTENDED];
	const uint32_t length = dim_data(bytes, entity, eid, subtype, address, service);

	return test_host_answer(host, test_host_command(host, &sqe, bytes, length)).cqe.status &
	       NVME_SC_MASK;
}

static uint8_t dctype_of(struct test_host *host)
{
	const struct nvme_sqe sqe = { .opcode = NVME_IDENTIFY,
				      .sgl_length = NVME_IDENTIFY_BYTES,
				      .sgl_type = NVME_SGL_TRANSPORT,
				      .cdw = { 1 } };
	struct test_answer answer = test_host_ask(host, &sqe);
	struct nvme_identify identify;

	assert_int_equal(answer.n_data, NVME_IDENTIFY_BYTES);
	pdu_identify_decode(answer.data, &identify);
	free(answer.data);
	return identify.dctype;
}

static bool has(struct harness *h, const char *path, const char *part)
{
	CLEANUP_JS struct js *js = ask(h, "GET", path, NULL, 200);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

	return strstr(text, part);
}

static void becomes(struct harness *h, const char *path, const char *part)
{
	const int64_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (!has(h, path, part)) {
		if (clock_monotonic_ms() > end)
			fail_msg("%s never has %s", path, part);
		loop_step(h->loop, 20);
	}
}

#define EMPTY "\"items\":[]"

/* --- */

static void nobody_registers_where_it_is_off(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h, "");
	a = come(&h, A);
	assert_int_equal(dctype_of(a), 0);
	assert_int_equal(say(a, 0, 1, A, 0, "", ""), NVME_SC_FUNCTION_DISABLED);
	assert_true(has(&h, "/registrations", EMPTY));
	/* and from now on it is not */
	configure(&h, "registrations = \"open\";");
	assert_int_equal(dctype_of(a), NVME_DCTYPE_CDC);
	assert_int_equal(say(a, 0, 1, A, 0, "", ""), 0);
	assert_false(has(&h, "/registrations", EMPTY));
	configure(&h, "");
	assert_true(has(&h, "/registrations", EMPTY));
	test_host_free(a);
}

static void a_host_registers_and_deregisters_itself_alone(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"open\";");
	a = come(&h, A);
	assert_int_equal(say(a, 0, 1, B, 0, "", ""), NVME_SC_DISC_INFO_INVALID);
	assert_int_equal(say(a, 0, 1, A, 0, "", ""), 0);
	assert_int_equal(say(a, 0, 1, A, 0, "", ""), 0);
	assert_true(has(&h, "/registrations",
			"\"host\":\"" A "\",\"id\":\"" A "\",\"entity\":\"host\""
			",\"name\":\"blake15\""));
	assert_true(has(&h, "/registrations",
			"\"entries\":[{\"nqn\":\"" A "\",\"type\":\"host\",\"tra"
			"nsport\":\"tcp\",\"address\":\"127.0.0.1\",\"service\""
			":\"\"}],\"connected\":true"));
	assert_true(has(&h, "/registrations?host=" B, EMPTY));
	/* twice is one */
	assert_true(has(&h, "/events?kind=registration", "\"type\":\"added\""));
	assert_false(has(&h, "/events?kind=registration", "\"type\":\"changed\""));
	assert_int_equal(say(a, 1, 1, A, 0, "", ""), 0);
	assert_true(has(&h, "/registrations", EMPTY));
	assert_true(has(&h, "/events?kind=registration", "\"type\":\"removed\""));
	assert_int_equal(say(a, 1, 1, A, 0, "", ""), 0);
	test_host_free(a);
}

static void where_only_known_ones_may_a_stranger_is_refused(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"known\";");
	js_free(ask(&h, "POST", "/zones", "{\"name\":\"z\",\"hosts\":[\"" A "\"]}", 201));
	a = come(&h, A);
	b = come(&h, B);
	assert_int_equal(say(a, 0, 1, A, 0, "", ""), 0);
	assert_int_equal(say(b, 0, 1, B, 0, "", ""), NVME_SC_FUNCTION_DISABLED);
	assert_true(has(&h, "/registrations?host=" B, EMPTY));
	test_host_free(a);
	test_host_free(b);
}

static void a_controller_that_registers_is_asked_until_it_deregisters(void **state)
{
	HARNESS h = { 0 };
	struct test_host *array;
	char port[8];

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"open\"; timeout_seconds = 3;");
	snprintf(port, sizeof(port), "%s", strchr(h.collector.setup.cdc_listen[0], ':') + 1);
	array = come(&h, ARRAY);
	/* the collector itself is what answers there */
	assert_int_equal(say(array, 0, 2, ARRAY ":dc", NVME_SUBTYPE_CURRENT, "0.0.0.0", port), 0);
	becomes(&h, "/ddcs", "\"sources\":[\"registered\"]");
	becomes(&h, "/ddcs", "\"state\":\"up\"");
	assert_true(has(&h, "/ddcs", "\"address\":\"127.0.0.1\""));
	assert_int_equal(say(array, 1, 2, ARRAY ":dc", NVME_SUBTYPE_CURRENT, "0.0.0.0", port), 0);
	becomes(&h, "/ddcs", EMPTY);
	test_host_free(array);
}

static void a_stranger_sends_the_collector_nowhere_else(void **state)
{
	HARNESS h = { 0 };
	struct test_host *array;

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"open\";");
	array = come(&h, ARRAY);
	assert_int_equal(say(array, 0, 2, ARRAY ":dc", 3, "192.0.2.1", "8009"),
			 NVME_SC_DISC_INFO_INVALID);
	assert_int_equal(say(array, 0, 2, ARRAY ":dc", 3, "example.org", "8009"),
			 NVME_SC_DISC_INFO_INVALID);
	assert_true(has(&h, "/ddcs", EMPTY));
	test_host_free(array);
}

static void the_bounds_hold_for_a_host_and_on_the_whole(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"open\"; registrations_per_host = 2; registrations_max = 3;");
	a = come(&h, A);
	b = come(&h, B);
	assert_int_equal(say(a, 0, 2, A ":1", 2, "127.0.0.1", "1"), 0);
	assert_int_equal(say(a, 0, 2, A ":1", 2, "127.0.0.1", "2"), 0);
	assert_int_equal(say(a, 0, 2, A ":1", 2, "127.0.0.1", "3"), NVME_SC_DISC_RESOURCES);
	assert_int_equal(say(a, 0, 2, A ":2", 2, "127.0.0.1", "1"), NVME_SC_DISC_RESOURCES);
	assert_int_equal(say(b, 0, 2, B ":1", 2, "127.0.0.1", "1"), 0);
	assert_int_equal(say(b, 0, 2, B ":2", 2, "127.0.0.1", "1"), 0);
	leave(&h, b);
	b = come(&h, B "b");
	assert_int_equal(say(b, 0, 1, B "b", 0, "", ""), NVME_SC_DISC_RESOURCES);
	test_host_free(a);
	test_host_free(b);
}

static void who_has_gone_is_forgotten_after_a_while(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;
	struct test_host *b;

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"open\"; registration_seconds = 1;");
	a = come(&h, A);
	b = come(&h, B);
	assert_int_equal(say(a, 0, 1, A, 0, "", ""), 0);
	assert_int_equal(say(b, 0, 1, B, 0, "", ""), 0);
	leave(&h, b);
	usleep(1100000);
	configure(&h, "registrations = \"open\"; registration_seconds = 1;");
	becomes(&h, "/registrations?host=" B, EMPTY);
	assert_false(has(&h, "/registrations?host=" A, EMPTY));
	test_host_free(a);
}

static void what_was_registered_is_there_after_a_restart(void **state)
{
	HARNESS h = { 0 };
	struct test_host *a;

	(void)state;
	harness_start(&h);
	serve(&h, "registrations = \"open\";");
	a = come(&h, A);
	assert_int_equal(say(a, 0, 2, A ":dc", 3, "127.0.0.1", "9"), 0);
	commit_now(h.collector.commit);
	test_host_free(a);
	harness_restart(&h);
	configure(&h, "registrations = \"open\";");
	assert_true(has(&h, "/registrations",
			"\"type\":\"current\",\"transport\":\"tcp\",\"address\":"
			"\"127.0.0.1\",\"service\":\"9\"}],\"connected\":false"));
	assert_true(has(&h, "/ddcs", "\"sources\":[\"registered\"]"));
	/* and whoever turned it off meanwhile, has turned that off, too */
	configure(&h, "");
	becomes(&h, "/ddcs", EMPTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_registers_where_it_is_off),
		cmocka_unit_test(a_host_registers_and_deregisters_itself_alone),
		cmocka_unit_test(where_only_known_ones_may_a_stranger_is_refused),
		cmocka_unit_test(a_controller_that_registers_is_asked_until_it_deregisters),
		cmocka_unit_test(a_stranger_sends_the_collector_nowhere_else),
		cmocka_unit_test(the_bounds_hold_for_a_host_and_on_the_whole),
		cmocka_unit_test(who_has_gone_is_forgotten_after_a_while),
		cmocka_unit_test(what_was_registered_is_there_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
