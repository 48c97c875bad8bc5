/* SPDX-License-Identifier: BSD-3-Clause */
/* Real discovery controllers on loopback addresses, asked by the collector of a harness. */
#include "tests/unit/collector/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "collector/ddc.h"
#include "core/listener.h"
#include "nvmf/disc-server.h"

#define NQN1 "nqn.2026-01.org.site:one"
#define NQN2 "nqn.2026-01.org.site:two"
#define PATIENCE_MS 10000

/* --- a controller that says what it is told to say */

struct peer {
	struct disc_server *server;
	struct disc_log *log;
	struct disc_conn *conn; /* the newest */
	unsigned int connects;
	int refuse;
	uint16_t port;
};

static int peer_connect(void *data, struct disc_conn *conn, const struct disc_host *host,
			struct disc_log **ret_log)
{
	struct peer *peer = data;

	(void)host;
	peer->connects++;
	if (peer->refuse)
		return peer->refuse;
	peer->conn = conn;
	*ret_log = disc_log_ref(peer->log);
	return 0;
}

static void peer_gone(void *data, struct disc_conn *conn, enum disc_gone why, const char *text)
{
	struct peer *peer = data;

	(void)why, (void)text;
	if (peer->conn == conn)
		peer->conn = NULL;
}

static void peer_listen(struct peer *peer, struct loop *loop, const char *address)
{
	const struct disc_server_params params = { .nqn = "nqn.2026-01.org.site:dc",
						   .serial = "s",
						   .version = "1",
						   .cntlid_first = 1,
						   .cntlid_last = 1000,
						   .bounds = DISC_SERVER_BOUNDS };
	const struct disc_server_hooks hooks = { .connect = peer_connect,
						 .gone = peer_gone,
						 .data = peer };
	struct err err = ERR_NULL;
	int fd = -1;

	if (disc_server_new(loop, &params, &hooks, &peer->server, &err) < 0 ||
	    listener_bind(address, peer->port, &fd, &err) < 0)
		fail_msg("%s", err.text);
	if (!peer->port) {
		struct sockaddr_in at;
		socklen_t size = sizeof(at);

		assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
		peer->port = ntohs(at.sin_port);
	}
	assert_int_equal(disc_server_listen(peer->server, fd, &err), 0);
}

static void peer_stop(struct peer *peer)
{
	disc_server_free(peer->server);
	peer->server = NULL;
	peer->conn = NULL;
}

static void peer_end(struct peer *peer)
{
	peer_stop(peer);
	disc_log_unref(peer->log);
}
#define PEER __attribute__((cleanup(peer_end))) struct peer

struct line {
	uint8_t subtype;
	const char *nqn;
	const char *address;
	uint16_t port;
};

static void peer_say(struct peer *peer, uint64_t genctr, const struct line *lines, size_t n)
{
	struct disc_log *log = disc_log_new(genctr, NULL, n);
	size_t i;

	for (i = 0; i < n; i++) {
		struct disc_record record = { .trtype = NVME_TRTYPE_TCP,
					      .adrfam = NVME_ADRFAM_IPV4,
					      .subtype = lines[i].subtype,
					      .cntlid = NVME_CNTLID_DYNAMIC };

		snprintf(record.subnqn, sizeof(record.subnqn), "%s", lines[i].nqn);
		snprintf(record.traddr, sizeof(record.traddr), "%s", lines[i].address);
		snprintf(record.trsvcid, sizeof(record.trsvcid), "%u", lines[i].port);
		disc_record_encode(&record, log->bytes + DISC_HEADER_BYTES + i * DISC_RECORD_BYTES);
	}
	disc_log_unref(peer->log);
	peer->log = log;
	if (peer->conn)
		disc_conn_set_log(peer->conn, log);
}

static const struct line one[] = { { NVME_SUBTYPE_NVM, NQN1, "10.1.1.1", 4420 } };
static const struct line two[] = { { NVME_SUBTYPE_NVM, NQN1, "10.1.1.1", 4420 },
				   { NVME_SUBTYPE_NVM, NQN2, "10.1.1.1", 4420 } };

/* --- the collector */

static void configure(struct harness *h, const char *format, ...)
{
	char path[128];
	struct ddc_conf conf;
	struct err err = ERR_NULL;
	va_list args;
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", h->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
	ddc_conf_init(&conf);
	if (ddc_conf_load(path, &conf, &err) < 0 ||
	    ddc_configure(h->collector.ddcs, &conf, &err) < 0)
		fail_msg("%s", err.text);
	ddc_conf_deinit(&conf);
	unlink(path);
}

#define NAMED(name, port)                                                                          \
	"discovery = { timeout_seconds = 3; controllers = ({ name = \"" name                       \
	"\"; address = \"127.0.0.1\"; port = %u; }); };",                                          \
		port

/* Until GET @path has @part. */
static void becomes(struct harness *h, const char *path, const char *part)
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;

	for (;;) {
		CLEANUP_JS struct js *js = ask(h, "GET", path, NULL, 200);
		CLEANUP_FREE char *text = js_format(js, JS_COMPACT);

		if (strstr(text, part))
			return;
		if (clock_monotonic_ms() > end)
			fail_msg("%s: %s never has %s", path, text, part);
		loop_step(h->loop, 20);
	}
}

static void key_of(const struct peer *peer, char path[64])
{
	snprintf(path, 64, "/ddcs/tcp,127.0.0.1,%u", peer->port);
}

static size_t count_events(struct harness *h, const char *part)
{
	CLEANUP_STR struct str text = STR_NULL;
	const char *at;
	size_t n = 0;

	commit_now(h->collector.commit);
	store_event_each(h->collector.store, 0, INT64_MAX, harness_note_event, &text, NULL);
	for (at = strstr(str_get(&text), part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

/* --- */

static void a_named_controller_is_asked_and_its_log_is_there(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, one, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	key_of(&peer, path);
	becomes(&h, path, "\"state\":\"up\"");
	becomes(&h, path, "\"log\":[{\"nqn\":\"" NQN1 "\"");
	becomes(&h, "/ddcs?state=up&node=array", "\"sources\":[\"conf\"]");
	assert_int_equal(count_events(&h, "added ddc "), 1);
	/* the first log is no change */
	assert_int_equal(count_events(&h, " record "), 0);
}

static void a_change_is_told_at_once_record_by_record(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, one, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	key_of(&peer, path);
	becomes(&h, path, "\"state\":\"up\"");
	peer_say(&peer, 2, two, 2);
	becomes(&h, path, "\"records\":2");
	assert_int_equal(count_events(&h, "added record tcp,127.0.0.1,"), 1);
	peer_say(&peer, 3, &two[1], 1);
	becomes(&h, path, "\"records\":1");
	assert_int_equal(count_events(&h, "removed record tcp,127.0.0.1,"), 1);
	assert_int_equal(peer.connects, 1);
}

static void no_answer_is_not_an_empty_log(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, two, 2);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	key_of(&peer, path);
	becomes(&h, path, "\"state\":\"up\"");
	peer_stop(&peer);
	becomes(&h, path, "\"state\":\"lost\"");
	becomes(&h, path, "\"stale\":true");
	becomes(&h, path, "\"records\":2");
	assert_int_equal(count_events(&h, "removed record"), 0);
	/* and it is tried again */
	peer_listen(&peer, h.loop, "127.0.0.1");
	becomes(&h, path, "\"state\":\"up\"");
	becomes(&h, path, "\"stale\":false");
}

static void after_a_restart_all_is_there_and_stale_until_it_answers(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, two, 2);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	key_of(&peer, path);
	becomes(&h, path, "\"state\":\"up\"");
	commit_now(h.collector.commit);
	peer_stop(&peer);
	harness_restart(&h);
	becomes(&h, path, "\"state\":\"unknown\"");
	becomes(&h, path, "\"records\":2");
	becomes(&h, path, "\"stale\":true");
	/* meanwhile one of them went: that is told */
	peer_say(&peer, 2, two, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	becomes(&h, path, "\"state\":\"up\"");
	assert_int_equal(count_events(&h, "removed record"), 1);
	assert_int_equal(count_events(&h, "added ddc"), 1);
}

static void who_is_not_named_any_more_is_forgotten(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, one, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	key_of(&peer, path);
	becomes(&h, path, "\"state\":\"up\"");
	configure(&h, "discovery = { };");
	js_free(ask(&h, "GET", path, NULL, 404));
	commit_now(h.collector.commit);
	assert_int_equal(count_events(&h, "removed ddc"), 1);
	peer_stop(&peer); /* it is on the loop that ends */
	harness_restart(&h);
	becomes(&h, "/ddcs", "\"items\":[]");
}

static void referrals_are_followed_and_cycles_end(void **state)
{
	HARNESS h;
	PEER a = { 0 };
	PEER b = { 0 };
	struct line to_a = { NVME_SUBTYPE_REFERRAL, NQN_DISCOVERY, "127.0.0.1", 0 };
	struct line to_b = to_a;
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&a, 1, one, 1);
	peer_say(&b, 1, one, 1);
	peer_listen(&a, h.loop, "127.0.0.1");
	peer_listen(&b, h.loop, "127.0.0.1");
	to_a.port = a.port;
	to_b.port = b.port;
	peer_say(&a, 2, &to_b, 1);
	peer_say(&b, 2, &to_a, 1);
	configure(&h, NAMED("first", a.port));
	key_of(&b, path);
	becomes(&h, "/ddcs?state=up", "\"sources\":[\"referral\"]");
	becomes(&h, path, "\"state\":\"up\"");
	/* they refer to each other, and nobody else to any of them */
	configure(&h, "discovery = { };");
	becomes(&h, "/ddcs", "\"items\":[]");
}

static void a_listener_that_a_target_reports_is_asked_and_forgotten_with_it(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	struct report_answer answer;
	char text[1024];
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, one, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, "discovery = { };");
	snprintf(text, sizeof(text),
		 "{" SENDER("b")
			 SNAPSHOT("1", "{\"kind\":\"listener\",\"id\":\"1\",\"transport\":"
				       "\"tcp\",\"address\":\"127.0.0.1\",\"service\":\"%u\"}") "}",
		 peer.port);
	assert_int_equal(harness_send(&h, text, &answer), 0);
	key_of(&peer, path);
	becomes(&h, "/ddcs", "\"sources\":[\"report\"]");
	becomes(&h, path, "\"state\":\"up\"");
	becomes(&h, path, "\"name\":\"blake14\"");
	assert_int_equal(harness_send(&h, "{" SENDER("b") SNAPSHOT("2", "") "}", &answer), 0);
	becomes(&h, "/ddcs", "\"items\":[]");
}

static void who_refuses_for_good_is_lost_with_the_reason(void **state)
{
	HARNESS h;
	PEER peer = { .refuse = -EACCES };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, one, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h, NAMED("array", peer.port));
	key_of(&peer, path);
	becomes(&h, path, "\"state\":\"lost\"");
	becomes(&h, path, "\"cause\":\"");
}

static void a_controller_that_is_polled_is_not_kept_connected(void **state)
{
	HARNESS h;
	PEER peer = { 0 };
	char path[64];

	(void)state;
	harness_start(&h);
	peer_say(&peer, 1, one, 1);
	peer_listen(&peer, h.loop, "127.0.0.1");
	configure(&h,
		  "discovery = { controllers = ({ address = \"127.0.0.1\"; port = \"%u\"; "
		  "poll_seconds = 1; }); };",
		  peer.port);
	key_of(&peer, path);
	becomes(&h, path, "\"records\":1");
	peer_say(&peer, 2, two, 2);
	becomes(&h, path, "\"records\":2");
	assert_true(peer.connects >= 2);
	assert_int_equal(count_events(&h, "lost"), 0);
}

static void is_refused(const char *text, const char *part)
{
	struct setup setup;
	struct err err = ERR_NULL;

	setup_init(&setup, "/x");
	assert_int_equal(setup_parse(text, strlen(text), "f", &setup, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
}

static void a_bad_configuration_is_refused_with_place_and_cure(void **state)
{
	(void)state;
	is_refused("discovery = {\n colour = 1; };", "f:2: ");
	is_refused("discovery = { controllers = ({ name = \"x\"; }); };", "needs an address");
	is_refused("discovery = { controllers = ({ address = \"example.org\"; }); };", "numeric");
	is_refused("discovery = { controllers = ({ address = \"10.1.1.1\"; transport = \"rdma\"; "
		   "}); };",
		   "over tcp");
	is_refused("discovery = { controllers = ({ address = \"10.1.1.1\"; port = 0; }); };",
		   "port");
	is_refused("discovery = { controllers = ({ address = \"fd00::1\"; }, { address = "
		   "\"FD00:0::1\"; name = \"b\"; }); };",
		   "are both");
	is_refused("discovery = { keep_alive_seconds = 0; };", "keep_alive_seconds");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_named_controller_is_asked_and_its_log_is_there),
		cmocka_unit_test(a_change_is_told_at_once_record_by_record),
		cmocka_unit_test(no_answer_is_not_an_empty_log),
		cmocka_unit_test(after_a_restart_all_is_there_and_stale_until_it_answers),
		cmocka_unit_test(who_is_not_named_any_more_is_forgotten),
		cmocka_unit_test(referrals_are_followed_and_cycles_end),
		cmocka_unit_test(a_listener_that_a_target_reports_is_asked_and_forgotten_with_it),
		cmocka_unit_test(who_refuses_for_good_is_lost_with_the_reason),
		cmocka_unit_test(a_controller_that_is_polled_is_not_kept_connected),
		cmocka_unit_test(a_bad_configuration_is_refused_with_place_and_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
