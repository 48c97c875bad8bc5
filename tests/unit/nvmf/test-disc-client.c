/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "nvmf/disc-client.h"
#include "nvmf/disc-session.h"
#include "tests/unit/nvmf/disc-peer.h"

#define HOST_NQN "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555"

static struct {
	struct loop *loop;
	struct peer peer;
	struct disc_client *client;
	struct disc_client_params params;
	bool free_in_hook;
	/* what was told */
	int n_logs, n_same, n_lost, n_dims;
	struct disc_log *log;
	int r;
	char text[ERR_TEXT_MAX];
	uint16_t dim_status;
} t;

static void forget_client(void)
{
	disc_client_free(t.client);
	t.client = NULL;
}

static void on_log(void *data, struct disc_client *client, struct disc_log *log)
{
	(void)data;
	assert_int_equal(t.n_lost, 0);
	t.client = client;
	t.n_logs++;
	disc_log_unref(t.log);
	t.log = disc_log_ref(log);
	if (t.free_in_hook)
		forget_client();
}

static void on_same(void *data, struct disc_client *client)
{
	(void)data, (void)client;
	t.n_same++;
}

static void on_lost(void *data, struct disc_client *client, int r, const char *text)
{
	(void)data;
	t.client = client;
	t.n_lost++;
	t.r = r;
	snprintf(t.text, sizeof(t.text), "%s", text);
	if (t.free_in_hook)
		forget_client();
}

static void on_dim(void *data, uint16_t status)
{
	(void)data;
	t.n_dims++;
	t.dim_status = status;
}

static const struct disc_client_hooks hooks = { .log = on_log, .same = on_same, .lost = on_lost };

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	assert_int_equal(loop_new(&t.loop, NULL), 0);
	peer_open(&t.peer, t.loop);
	t.params = (struct disc_client_params){ .address = "127.0.0.1",
						.port = t.peer.port,
						.hostnqn = HOST_NQN,
						.hostid = { 1, 2, 3 },
						.kato_ms = 60000,
						.timeout_ms = 20000 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	disc_client_free(t.client);
	disc_log_unref(t.log);
	peer_close(&t.peer);
	assert_null(loop_swarm(t.loop));
	loop_free(t.loop);
	return 0;
}

static void start(void)
{
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, NULL), 0);
}

/* A round of both sides. */
static void step(void)
{
	loop_step(t.loop, 1);
	if (t.peer.listen_fd >= 0 || t.peer.fd >= 0)
		peer_pump(&t.peer);
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		int64_t _end = clock_monotonic_ms() + 20000;                                       \
		while (!(condition)) {                                                             \
			assert_true(clock_monotonic_ms() < _end);                                  \
			step();                                                                    \
		}                                                                                  \
	} while (0)

/* Start and see it come to its end. */
static void run(void)
{
	start();
	UNTIL(t.n_logs || t.n_lost);
	if (t.n_lost)
		print_message("%s\n", t.text);
}

static void is_lost(int r, const char *words)
{
	run();
	assert_int_equal(t.n_logs, 0);
	assert_int_equal(t.n_lost, 1);
	assert_int_equal(t.r, r);
	assert_non_null(strstr(t.text, words));
	assert_non_null(strstr(t.text, "127.0.0.1"));
	assert_int_equal(disc_client_look(t.client), -ENOTCONN);
}

static void log_is(uint64_t genctr, size_t n)
{
	uint8_t want[DISC_RECORD_BYTES];
	size_t i;

	assert_int_equal(t.n_lost, 0);
	assert_int_equal(t.log->genctr, genctr);
	assert_int_equal(t.log->n_records, n);
	for (i = 0; i < n; i++) {
		peer_record(genctr, (uint32_t)i, want);
		assert_memory_equal(disc_log_record(t.log, i), want, sizeof(want));
	}
}

/* --- what is read */

static void a_log_is_read_in_six_round_trips_and_goodbye_said(void **state)
{
	(void)state;
	run();
	log_is(7, 3);
	UNTIL(strstr(str_get(&t.peer.trace), "closed"));
	assert_string_equal(str_get(&t.peer.trace),
			    "icreq connect enable csts identify header records:0+3 header "
			    "shutdown closed");
	assert_int_equal(disc_client_info(t.client)->round_trips, 6);
	assert_int_equal(disc_client_info(t.client)->cntlid, 42);
	assert_string_equal(disc_client_info(t.client)->identify.model, "peer");
	assert_string_equal(t.peer.connect.hostnqn, HOST_NQN);
	assert_string_equal(t.peer.connect.subnqn, NQN_DISCOVERY);
	assert_int_equal(t.peer.connect.cntlid, 0xffff);
	assert_int_equal(t.peer.connect.hostid[2], 3);
	assert_int_equal(t.peer.kato, 0);
	assert_int_equal(disc_client_look(t.client), -ENOTCONN);
}

static void an_empty_log_is_a_log_and_takes_five(void **state)
{
	(void)state;
	t.peer.n_records = 0;
	run();
	log_is(7, 0);
	assert_int_equal(disc_client_info(t.client)->round_trips, 5);
}

static void long_logs_come_in_pieces_that_the_controller_takes(void **state)
{
	static const struct {
		uint32_t n;
		uint8_t mdts;
	} of[] = {
		{ 127, 0 }, { 128, 0 }, { 129, 0 }, { 3000, 0 }, { 300, 1 }, { 4, 2 }, { 5, 2 }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(*of); i++) {
		t.peer.n_records = of[i].n;
		t.peer.mdts = of[i].mdts;
		run();
		log_is(7, of[i].n);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void it_may_come_byte_by_byte_and_in_pieces(void **state)
{
	(void)state;
	t.peer.byte_by_byte = true;
	t.peer.piece = 1000;
	run();
	log_is(7, 3);
}

static void success_may_come_with_the_data(void **state)
{
	(void)state;
	t.peer.success = true;
	t.peer.n_records = 200;
	t.peer.piece = 4096;
	run();
	log_is(7, 200);
}

static void digests_are_done_if_they_are_asked_for(void **state)
{
	(void)state;
	t.params.hdgst = t.params.ddgst = true;
	t.peer.hdgst = t.peer.ddgst = true;
	t.peer.n_records = 130;
	run();
	log_is(7, 130);
	tear_down(NULL);
	set_up(NULL);
	t.params.hdgst = t.peer.hdgst = true;
	t.peer.byte_by_byte = true;
	run();
	log_is(7, 3);
}

static void a_controller_that_is_not_ready_is_asked_again(void **state)
{
	(void)state;
	t.peer.not_ready = 2;
	run();
	log_is(7, 3);
	assert_int_equal(disc_client_info(t.client)->round_trips, 8);
}

static void another_nqn_is_asked_for(void **state)
{
	(void)state;
	t.params.subnqn = "nqn.2026-01.org.example:cdc";
	run();
	assert_string_equal(t.peer.connect.subnqn, "nqn.2026-01.org.example:cdc");
}

/* --- one generation */

static void a_log_that_changes_while_it_is_read_is_read_again(void **state)
{
	(void)state;
	t.peer.n_records = 300;
	t.peer.changes = 4; /* three commands each time */
	run();
	log_is(11, 300);
}

static void one_that_never_rests_is_given_up(void **state)
{
	(void)state;
	t.peer.changes = 100;
	is_lost(-EAGAIN, "changed each");
	assert_int_equal(t.peer.n_looks, DISC_CLIENT_REREADS + 2);
}

static void one_that_became_shorter_is_read_as_it_is_now(void **state)
{
	(void)state;
	t.peer.mood = PEER_SHRINKS;
	run();
	log_is(8, 1);
}

static void a_last_header_counts_only_if_it_came_last(void **state)
{
	(void)state;
	t.peer.mood = PEER_REORDERS;
	t.peer.n_records = 1;
	run();
	log_is(8, 1);
}

static void lies_about_the_length_are_bounded(void **state)
{
	static const uint64_t lies[] = { DISC_RECORDS_MAX + 1, UINT64_C(1) << 54, UINT64_C(1) << 60,
					 UINT64_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		t.peer.said = lies[i];
		is_lost(-E2BIG, "records, over 65536");
		tear_down(NULL);
		set_up(NULL);
	}
	t.params.max_records = 2;
	is_lost(-E2BIG, "3 records, over 2");
}

static void records_of_another_format_are_refused(void **state)
{
	(void)state;
	t.peer.recfmt = 1;
	is_lost(-EBADMSG, "format 1");
}

/* --- staying */

static void stay(void)
{
	t.params.stay = true;
	run();
	assert_int_equal(t.n_logs, 1);
}

static void who_stays_arms_one_event_and_keeps_alive(void **state)
{
	(void)state;
	t.params.kato_ms = 1000;
	stay();
	assert_string_equal(str_get(&t.peer.trace), "icreq connect enable csts identify header "
						    "mask event records:0+3 header ");
	assert_int_equal(disc_client_info(t.client)->round_trips, 6);
	assert_int_equal(t.peer.kato, 1000);
	UNTIL(t.peer.n_keep_alives == 2);
	assert_int_equal(t.n_lost, 0);
	assert_int_equal(t.peer.n_events, 1);
}

static void an_event_leads_to_a_reading_and_is_armed_once_again(void **state)
{
	int i;

	(void)state;
	stay();
	for (i = 1; i <= 3; i++) {
		t.peer.genctr++;
		t.peer.n_records++;
		peer_event(&t.peer);
		UNTIL(t.n_logs == 1 + i);
		log_is(7 + (uint64_t)i, 3 + (size_t)i);
		UNTIL(t.peer.event_cid >= 0);
		assert_int_equal(t.peer.n_events, 1 + i);
	}
	/* an event without a change is no log, and nobody asked */
	peer_event(&t.peer);
	UNTIL(t.peer.event_cid >= 0);
	UNTIL(t.peer.n_looks == 9);
	assert_int_equal(t.n_logs, 4);
	assert_int_equal(t.n_same, 0);
}

static void an_event_while_the_log_is_read_is_not_lost(void **state)
{
	(void)state;
	t.params.stay = true;
	start();
	UNTIL(t.peer.event_cid >= 0);
	peer_event(&t.peer);
	UNTIL(t.n_logs == 1 && t.peer.n_events == 2);
	UNTIL(t.peer.n_looks == 3);
	assert_int_equal(t.n_logs, 1);
}

static void a_storm_of_events_is_slowed_down(void **state)
{
	int64_t end;
	unsigned int before;

	(void)state;
	stay();
	before = t.peer.n_looks;
	for (end = clock_monotonic_ms() + 300; clock_monotonic_ms() < end; step())
		if (t.peer.event_cid >= 0)
			peer_event(&t.peer);
	assert_true(t.peer.n_looks > before);
	assert_true(t.peer.n_looks - before <= 7);
	assert_int_equal(t.n_lost, 0);
}

static void a_look_is_one_round_trip(void **state)
{
	(void)state;
	stay();
	str_deinit(&t.peer.trace);
	assert_int_equal(disc_client_look(t.client), 0);
	assert_int_equal(disc_client_look(t.client), 0);
	assert_int_equal(t.n_same, 0);
	UNTIL(t.n_same);
	assert_string_equal(str_get(&t.peer.trace), "header ");
	t.peer.genctr = 3; /* also backwards: it was made anew */
	assert_int_equal(disc_client_look(t.client), 0);
	UNTIL(t.n_logs == 2);
	log_is(3, 3);
	assert_int_equal(t.n_same, 1);
}

static void one_without_events_is_still_read(void **state)
{
	(void)state;
	t.peer.event_status = NVME_SC_INVALID_FIELD | NVME_SC_DNR;
	stay();
	assert_int_equal(disc_client_info(t.client)->identify.oaes & NVME_OAES_DISCOVERY, 0);
	assert_int_equal(disc_client_look(t.client), 0);
	UNTIL(t.n_same);
	assert_int_equal(t.peer.n_events, 1);
}

static void a_silent_death_is_noticed_by_the_keep_alive(void **state)
{
	(void)state;
	t.params.kato_ms = 1000;
	t.params.timeout_ms = 300;
	stay();
	t.peer.mood = PEER_SILENT;
	UNTIL(t.n_lost);
	assert_int_equal(t.r, -ETIMEDOUT);
	assert_non_null(strstr(t.text, "does not answer Keep Alive within 300 ms"));
}

static void a_connection_that_ends_is_told_once(void **state)
{
	(void)state;
	stay();
	peer_hang_up(&t.peer);
	UNTIL(t.n_lost);
	assert_int_equal(t.r, -ECONNRESET);
	assert_non_null(strstr(t.text, "closed the connection"));
	assert_null(t.peer.fd >= 0 ? t.text : NULL);
	while (loop_step(t.loop, 100) > 0)
		;
	assert_int_equal(t.n_lost, 1);
	assert_int_equal(disc_client_look(t.client), -ENOTCONN);
}

/* --- registering */

static uint8_t *dim_data(uint32_t length)
{
	uint8_t *data = malloc(length);
	uint32_t i;

	for (i = 0; i < length; i++)
		data[i] = (uint8_t)(i % 251);
	return data;
}

static void a_registration_is_sent_in_the_capsule_or_when_asked_for(void **state)
{
	static const uint32_t lengths[] = { 2048, 8192, 8196, 40000 };
	size_t i;

	(void)state;
	t.params.ddgst = t.peer.ddgst = true;
	for (i = 0; i < 4; i++) {
		CLEANUP_FREE uint8_t *want = dim_data(lengths[i]);

		stay();
		assert_int_equal(disc_client_dim(t.client, 2, dim_data(lengths[i]), lengths[i],
						 on_dim, NULL),
				 0);
		assert_int_equal(disc_client_dim(t.client, 2, dim_data(4), 4, on_dim, NULL),
				 -EBUSY);
		UNTIL(t.n_dims);
		assert_int_equal(t.dim_status, lengths[i] <= 8192 ? NVME_SC_DISC_RESOURCES : 0);
		assert_int_equal(t.peer.dim_length, lengths[i]);
		assert_int_equal(t.peer.dim_got, lengths[i]);
		assert_memory_equal(t.peer.dim, want, lengths[i]);
		tear_down(NULL);
		set_up(NULL);
		t.params.ddgst = t.peer.ddgst = true;
	}
}

/* --- who does not let us in */

static void refusals_are_told_apart(void **state)
{
	static const struct {
		uint16_t status;
		uint32_t dw0;
		int r;
		const char *words;
	} of[] = {
		{ NVME_SC_CONNECT_BUSY, 0, -EBUSY, "try again later" },
		{ NVME_SC_CONNECT_HOST | NVME_SC_DNR, 0x10200, -EACCES, "allow the host's NQN" },
		{ NVME_SC_CONNECT_HOST, 0, -EBUSY, "does not let this host in" },
		{ NVME_SC_CONNECT_PARAM | NVME_SC_DNR, 0x10100, -ENOENT, "of that NQN" },
		{ NVME_SC_CONNECT_PARAM | NVME_SC_DNR, 0x10200, -EACCES, "this host's NQN" },
		{ NVME_SC_CONNECT_PARAM | NVME_SC_DNR, 0, -EACCES, "parameter" },
		{ NVME_SC_AUTH_REQUIRED | NVME_SC_DNR, 0, -EKEYREJECTED, "DH-HMAC-CHAP" },
		{ 0, NVME_CONNECT_AUTH_REQUIRED | 1, -EKEYREJECTED, "authentication" },
		{ 0, NVME_CONNECT_SECURE_CHANNEL | 1, -EKEYREJECTED, "TLS" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(*of); i++) {
		t.peer.connect_status = of[i].status;
		t.peer.connect_dw0 = of[i].dw0;
		is_lost(of[i].r, of[i].words);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void digests_that_it_does_not_do_are_told(void **state)
{
	(void)state;
	t.params.hdgst = true;
	is_lost(-EPROTO, "does not do header digests");
}

static void what_is_wrong_is_told(void **state)
{
	static const struct {
		enum peer_mood mood;
		int r;
		const char *words;
	} of[] = {
		{ PEER_CLOSES, -ECONNRESET, "requires TLS" },
		{ PEER_RESETS, -ECONNRESET, "instead of answering Get Log Page" },
		{ PEER_WRONG_CID, -EPROTO, "command 0x1f, which was not sent" },
		{ PEER_TWICE, -EPROTO, "0 of 20 bytes" },
		{ PEER_TOO_LONG, -EPROTO, "sends 24 bytes at 0" },
		{ PEER_TOO_SHORT, -EPROTO, "16 of 20 bytes" },
		{ PEER_GAP, -EPROTO, "bytes at 4" },
		{ PEER_UNASKED, -EPROTO, "waits for none" },
		{ PEER_TERM, -EPROTO, "too much data (status 5" },
		{ PEER_HUGE_PDU, -EPROTO, "over 131072" },
		{ PEER_NO_PDU, -EPROTO, "no PDU of type 0x48" },
		{ PEER_SSH, -EPROTO, "no PDU of type 0x53" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(*of); i++) {
		t.peer.mood = of[i].mood;
		t.free_in_hook = false;
		is_lost(of[i].r, of[i].words);
		tear_down(NULL);
		/* and while it is freed from within */
		set_up(NULL);
		t.peer.mood = of[i].mood;
		t.free_in_hook = true;
		start();
		UNTIL(t.n_lost);
		assert_null(t.client);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_wrong_digest_is_found_and_the_controller_told(void **state)
{
	(void)state;
	t.params.hdgst = t.params.ddgst = true;
	t.peer.hdgst = t.peer.ddgst = true;
	t.peer.mood = PEER_BAD_DIGEST;
	is_lost(-EPROTO, "data digest of C2HData");
	UNTIL(strstr(str_get(&t.peer.trace), "term:3:"));
}

static void who_is_silent_is_not_waited_for(void **state)
{
	(void)state;
	t.params.timeout_ms = 200;
	t.peer.mood = PEER_SILENT;
	is_lost(-ETIMEDOUT, "does not answer the first NVMe/TCP message within 200 ms");
	tear_down(NULL);
	set_up(NULL);
	t.params.timeout_ms = 200;
	t.peer.mood = PEER_FREEZES;
	is_lost(-ETIMEDOUT, "does not answer Get Log Page");
}

static void nobody_there_is_told_from_the_loop(void **state)
{
	(void)state;
	peer_close(&t.peer);
	t.peer.listen_fd = -1;
	is_lost(-ECONNREFUSED, "nobody listens");
	forget_client();
	t.n_lost = 0;
	t.params.address = "127.0.0.1";
	t.params.source = "127.0.0.2";
	is_lost(-ECONNREFUSED, "nobody listens");
	forget_client();
	/* fails at once */
	t.n_lost = 0;
	t.params.source = NULL;
	t.params.address = "255.255.255.255";
	start();
	assert_int_equal(t.n_lost, 0);
	UNTIL(t.n_lost);
	assert_true(t.r < 0);
}

/* --- the rest */

static void parameters_that_make_no_sense_are_refused(void **state)
{
	struct disc_client_params good = t.params;
	char long_nqn[300];
	struct err err = ERR_NULL;

	(void)state;
	memset(long_nqn, 'x', sizeof(long_nqn) - 1);
	long_nqn[sizeof(long_nqn) - 1] = '\0';
	t.params.address = "example.org";
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	t.params = good;
	t.params.port = "99999";
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	t.params = good;
	t.params.hostnqn = NULL;
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	t.params = good;
	t.params.subnqn = long_nqn;
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	t.params = good;
	t.params.stay = true;
	t.params.kato_ms = 999;
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	t.params = good;
	t.params.timeout_ms = 0;
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	t.params = good;
	t.params.source = "none";
	assert_int_equal(disc_client_start(t.loop, &t.params, &hooks, &t.client, &err), -EINVAL);
	assert_null(t.client);
}

static void who_is_freed_is_silent_and_says_goodbye(void **state)
{
	(void)state;
	start();
	forget_client();
	while (loop_step(t.loop, 50) > 0)
		;
	tear_down(NULL);
	set_up(NULL);
	t.params.stay = true;
	start();
	UNTIL(t.n_logs);
	forget_client();
	UNTIL(strstr(str_get(&t.peer.trace), "shutdown closed"));
	assert_int_equal(t.n_lost, 0);
}

static void a_log_may_be_the_end_of_its_client(void **state)
{
	(void)state;
	t.free_in_hook = true;
	run();
	assert_null(t.client);
	log_is(7, 3);
	tear_down(NULL);
	set_up(NULL);
	t.free_in_hook = t.params.stay = true;
	t.peer.byte_by_byte = true;
	run();
	assert_null(t.client);
	log_is(7, 3);
}

/* What goes over the wire until the first log, byte for byte but for the names. */
static void the_commands_are_as_real_controllers_want_them(void **state)
{
	static const uint8_t enable[] = { 0x7f, 0x40, 2, 0, 0, 0, 0, 0 };
	static const uint8_t look[] = { 0x02, 0x40, 5, 0 };
	const struct disc_session_setup setup = { .hostnqn = HOST_NQN,
						  .subnqn = NQN_DISCOVERY,
						  .stay = true,
						  .kato_ms = 120000,
						  .max_records = 8 };
	static const uint8_t icresp[PDU_IC_BYTES] = { 1, 0, 128, 0, 128, [13] = 0x10 };
	static const uint8_t connected[] = { 5, 0, 24, 0, 24, 0, 0, 0, 1, 0, 0, 0,
					     0, 0, 0,  0, 1,  0, 0, 0, 1, 0, 0, 0 };
	uint8_t csts[24] = { 5, 0, 24, 0, 24, 0, 0, 0, 1, [20] = 3 };
	struct disc_session s;
	struct disc_out out;
	unsigned int news;
	size_t need;

	(void)state;
	disc_out_init(&out);
	disc_session_init(&s, &setup);
	disc_session_begin(&s, &out);
	assert_int_equal(out.length, 128);
	assert_int_equal(out.bytes[0], PDU_ICREQ);
	out.length = 0;
	assert_int_equal(disc_session_take(&s, icresp, 128, &out, &need, &news, NULL), 128);
	assert_int_equal(out.length, 72 + 1024);
	assert_memory_equal(out.bytes, "\x04\x00\x48\x48\x48\x04\x00\x00\x7f\x40\x01\x00\x01", 13);
	/* SGL: 1,024 bytes in the capsule; queue size 31, 120 s */
	assert_memory_equal(out.bytes + 8 + 32,
			    "\x00\x04\0\0\0\0\0\x01\0\0\0\0\x1f\0\0\0\xc0\xd4\x01", 19);
	out.length = 0;
	assert_int_equal(disc_session_take(&s, connected, 24, &out, &need, &news, NULL), 24);
	assert_int_equal(out.length, 2 * 72);
	assert_memory_equal(out.bytes + 8, enable, sizeof(enable));
	assert_memory_equal(out.bytes + 8 + 44, "\x14\0\0\0\x01\0\x46\0", 8);
	assert_memory_equal(out.bytes + 80, "\x7f\x40\x03\0\x04", 5);
	assert_memory_equal(out.bytes + 80 + 44, "\x1c\0\0\0", 4);
	out.length = 0;
	assert_int_equal(disc_session_take(&s, csts, 24, &out, &need, &news, NULL), 24);
	assert_int_equal(out.length, 4 * 72);
	assert_memory_equal(out.bytes + 8, "\x06\x40\x04\0", 4);
	assert_int_equal(out.bytes[8 + 40], 1);
	assert_memory_equal(out.bytes + 80, look, sizeof(look));
	assert_memory_equal(out.bytes + 80 + 32, "\x14\0\0\0\0\0\0\x5a\x70\0\x04\0\0\0\0\0", 16);
	assert_memory_equal(out.bytes + 152, "\x09\x40\x06\0", 4);
	assert_memory_equal(out.bytes + 152 + 40, "\x0b\0\0\0\0\0\0\x80", 8);
	assert_memory_equal(out.bytes + 224, "\x0c\x40\x07\0", 4);
	disc_session_deinit(&s);
	disc_out_deinit(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_log_is_read_in_six_round_trips_and_goodbye_said),
		TEST(an_empty_log_is_a_log_and_takes_five),
		TEST(long_logs_come_in_pieces_that_the_controller_takes),
		TEST(it_may_come_byte_by_byte_and_in_pieces),
		TEST(success_may_come_with_the_data),
		TEST(digests_are_done_if_they_are_asked_for),
		TEST(a_controller_that_is_not_ready_is_asked_again),
		TEST(another_nqn_is_asked_for),
		TEST(a_log_that_changes_while_it_is_read_is_read_again),
		TEST(one_that_never_rests_is_given_up),
		TEST(one_that_became_shorter_is_read_as_it_is_now),
		TEST(a_last_header_counts_only_if_it_came_last),
		TEST(lies_about_the_length_are_bounded),
		TEST(records_of_another_format_are_refused),
		TEST(who_stays_arms_one_event_and_keeps_alive),
		TEST(an_event_leads_to_a_reading_and_is_armed_once_again),
		TEST(an_event_while_the_log_is_read_is_not_lost),
		TEST(a_storm_of_events_is_slowed_down),
		TEST(a_look_is_one_round_trip),
		TEST(one_without_events_is_still_read),
		TEST(a_silent_death_is_noticed_by_the_keep_alive),
		TEST(a_connection_that_ends_is_told_once),
		TEST(a_registration_is_sent_in_the_capsule_or_when_asked_for),
		TEST(refusals_are_told_apart),
		TEST(digests_that_it_does_not_do_are_told),
		TEST(what_is_wrong_is_told),
		TEST(a_wrong_digest_is_found_and_the_controller_told),
		TEST(who_is_silent_is_not_waited_for),
		TEST(nobody_there_is_told_from_the_loop),
		TEST(parameters_that_make_no_sense_are_refused),
		TEST(who_is_freed_is_silent_and_says_goodbye),
		TEST(a_log_may_be_the_end_of_its_client),
		TEST(the_commands_are_as_real_controllers_want_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
