/* SPDX-License-Identifier: BSD-3-Clause */
/* The log, its lists, and streams of it over a real socket. */
#include "tests/unit/collector/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/wait.h"

#define PATIENCE_MS 20000

/* --- events */

struct adding {
	struct events *events;
	int count;
	const char *kind;
	size_t size; /* of the cause */
	bool fails;  /* the transaction */
};

static int write_events(void *data, struct err *err)
{
	const struct adding *adding = data;
	CLEANUP_FREE char *cause = calloc(1, adding->size + 1);
	int i;
	int r = 0;

	assert_non_null(cause);
	memset(cause, 'x', adding->size);
	for (i = 0; i < adding->count && r == 0; i++)
		r = events_add_own(adding->events, "note", adding->kind, "id", cause, NULL, err);
	return adding->fails ? -EIO : r;
}

static void add(struct harness *h, int count, const char *kind, size_t size, bool fails)
{
	struct adding adding = { h->collector.events, count, kind, size, fails };

	assert_int_equal(commit_join(h->collector.commit, write_events, NULL, &adding), 0);
	commit_now(h->collector.commit);
}

/* --- a server of nothing but the stream, and its clients */

struct server {
	struct harness h;
	struct httpd *httpd;
};

static void on_request(void *data, struct httpd_request *request)
{
	struct server *server = data;
	const char *last = httpd_header(request, "Last-Event-ID");
	const struct events_filter filter = { .after = last ? atoll(last) : -1,
					      .kind = httpd_query(request, "kind") };

	events_follow(server->h.collector.events, request, "eye", &filter);
}

static void server_begin_with(struct server *s, int64_t keep)
{
	const struct httpd_config config = {
		.address = "127.0.0.1", .listen_fd = -1, .connections_max = 16, .body_max = 1024
	};

	s->httpd = NULL;
	harness_start(&s->h);
	s->h.setup.events_keep = keep;
	harness_restart(&s->h);
	assert_int_equal(httpd_new(s->h.loop, &config, on_request, s, &s->httpd, NULL), 0);
}

static void server_begin(struct server *s)
{
	server_begin_with(s, 1000000);
}

static void server_end(struct server *s)
{
	events_forget_streams(s->h.collector.events);
	httpd_free(s->httpd);
	harness_stop(&s->h);
}

#define SERVER __attribute__((cleanup(server_end))) struct server

struct client {
	int fd;
	bool is_closed;
	struct str text; /* what is not taken yet */
	int64_t first, last;
	int64_t count;
	bool has_gap; /* ids are not one after the other */
};

static void client_open(struct server *s, struct client *c, const char *path, const char *header)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(httpd_port(s->httpd)),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	CLEANUP_STR struct str text = STR_NULL;
	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	str_addf(&text, "GET %s HTTP/1.0\r\nHost: h\r\n%s\r\n", path, header);
	assert_int_equal(send(c->fd, str_get(&text), text.length, MSG_NOSIGNAL),
			 (ssize_t)text.length);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void client_close(struct client *c)
{
	close(c->fd);
	str_deinit(&c->text);
}

static void take_ids(struct client *c)
{
	const char *at = str_get(&c->text);
	const char *next;
	struct str rest = STR_NULL;

	while ((next = strstr(at, "\nid: ")) && strchr(next + 1, '\n')) {
		int64_t id = atoll(next + 5);

		c->has_gap |= c->count && id != c->last + 1;
		if (!c->count++)
			c->first = id;
		c->last = id;
		at = next + 1;
	}
	str_add(&rest, at);
	str_deinit(&c->text);
	c->text = rest;
}

static void client_read(struct client *c)
{
	char buffer[65536];
	ssize_t n;

	while ((n = recv(c->fd, buffer, sizeof(buffer), 0)) > 0)
		str_add_n(&c->text, buffer, (size_t)n);
	c->is_closed = n == 0 || (n < 0 && errno != EAGAIN);
	if (c->text.length)
		take_ids(c);
}

/* Let the server work, and the client read, until it has seen that id. */
static void client_until(struct server *s, struct client *c, int64_t id)
{
	int64_t deadline = wait_deadline(PATIENCE_MS);

	while (c->last < id && wait_left(deadline) > 0) {
		loop_step(s->h.loop, 10);
		client_read(c);
	}
	assert_int_equal(c->last, id);
}

static void until_streams(struct server *s, size_t count)
{
	int64_t deadline = wait_deadline(PATIENCE_MS);

	while (events_stream_count(s->h.collector.events) != count && wait_left(deadline) > 0)
		loop_step(s->h.loop, 10);
	assert_int_equal(events_stream_count(s->h.collector.events), count);
}

/* --- */

static void a_stream_resumes_behind_its_id_without_a_gap_while_more_come(void **state)
{
	SERVER s;
	struct client c;
	int i;

	(void)state;
	server_begin(&s);
	add(&s.h, 9000, "old", 20, false);
	client_open(&s, &c, "/?", "Last-Event-ID: 100\r\n");
	for (i = 0; i < 50; i++) {
		loop_step(s.h.loop, 1);
		client_read(&c);
		add(&s.h, 20, "new", 20, false);
	}
	client_until(&s, &c, 10000);
	assert_int_equal(c.first, 101);
	assert_int_equal(c.count, 9900);
	assert_false(c.has_gap);
	/* it is with those that come */
	add(&s.h, 5, "new", 20, false);
	client_until(&s, &c, 10005);
	assert_false(c.has_gap);
	client_close(&c);
	until_streams(&s, 0);
}

static void without_an_id_it_begins_now_and_gets_what_it_asks_for(void **state)
{
	SERVER s;
	struct client c;

	(void)state;
	server_begin(&s);
	add(&s.h, 10, "a", 0, false);
	client_open(&s, &c, "/?kind=a", "");
	until_streams(&s, 1);
	add(&s.h, 10, "b", 0, false);
	add(&s.h, 1, "a", 0, false);
	client_until(&s, &c, 21);
	assert_int_equal(c.count, 1);
	client_close(&c);
}

static void what_was_not_committed_is_told_to_nobody(void **state)
{
	SERVER s;
	struct client c;
	int64_t deadline;

	(void)state;
	server_begin(&s);
	add(&s.h, 1, "a", 0, false);
	client_open(&s, &c, "/?", "");
	until_streams(&s, 1);
	add(&s.h, 3, "lost", 0, true);
	assert_int_equal(store_event_newest(s.h.collector.store), 1);
	/* the store is tried again after a second; what comes has the ids that were free again */
	deadline = wait_deadline(PATIENCE_MS);
	while (store_event_newest(s.h.collector.store) == 1 && wait_left(deadline) > 0) {
		add(&s.h, 1, "kept", 0, false);
		loop_step(s.h.loop, 100);
	}
	client_until(&s, &c, store_event_newest(s.h.collector.store));
	assert_null(strstr(str_get(&c.text), "lost"));
	assert_int_equal(c.first, 2);
	client_close(&c);
}

static void a_reader_that_does_not_read_is_closed_and_holds_up_no_other(void **state)
{
	SERVER s;
	struct client slow;
	struct client quick;
	int i;

	(void)state;
	server_begin(&s);
	client_open(&s, &slow, "/?", "");
	client_open(&s, &quick, "/?", "");
	until_streams(&s, 2);
	for (i = 0; i < 600 && events_stream_count(s.h.collector.events) == 2; i++) {
		add(&s.h, 20, "big", 1000, false);
		client_until(&s, &quick, store_event_newest(s.h.collector.store));
	}
	until_streams(&s, 1);
	add(&s.h, 1, "last", 0, false);
	client_until(&s, &quick, store_event_newest(s.h.collector.store));
	assert_int_equal(quick.first, 1);
	assert_false(quick.has_gap);
	client_close(&slow);
	client_close(&quick);
}

static void who_resumes_behind_what_is_forgotten_begins_with_the_oldest(void **state)
{
	SERVER s;
	struct client c;
	int64_t oldest;
	int i;

	(void)state;
	server_begin_with(&s, 1000);
	for (i = 0; i < 30; i++)
		add(&s.h, 200, "a", 0, false);
	oldest = store_event_oldest(s.h.collector.store);
	assert_in_range(oldest, 2000, 5000);
	assert_in_range(store_event_newest(s.h.collector.store) - oldest, 999, 3000);
	client_open(&s, &c, "/?", "Last-Event-ID: 7\r\n");
	client_until(&s, &c, store_event_newest(s.h.collector.store));
	assert_int_equal(c.first, oldest);
	assert_false(c.has_gap);
	client_close(&c);
}

static void a_list_is_read_in_parts_until_it_is_newest(void **state)
{
	HARNESS h;
	int64_t after = 0;
	int64_t newest = -1;
	size_t count = 0;
	int rounds = 0;

	(void)state;
	harness_start(&h);
	add(&h, 100, "a", 0, false);
	add(&h, 100, "b", 0, false);
	while (after != newest && ++rounds < 50) {
		const struct events_filter filter = { .after = after, .kind = "a" };
		CLEANUP_STR struct str text = STR_NULL;
		CLEANUP_JS struct js *js = NULL;

		assert_int_equal(events_list(h.collector.events, &filter, 30, &text, NULL), 0);
		assert_int_equal(js_parse(str_get(&text), text.length, &js, NULL), 0);
		assert_true(js_length(js_get(js, "items")) <= 30);
		count += js_length(js_get(js, "items"));
		after = js_number(js_get(js, "after"), -1);
		newest = js_number(js_get(js, "newest"), -1);
	}
	assert_int_equal(count, 100);
	assert_int_equal(after, 200);
	assert_int_equal(rounds, 4);
}

static int be_told(void *data, const struct store_event *event, struct err *err)
{
	(void)err;
	*(int64_t *)data = event->id;
	return 0;
}

static void subscribers_are_told_in_the_transaction_and_are_few(void **state)
{
	HARNESS h;
	int64_t told = 0;
	int i;

	(void)state;
	harness_start(&h);
	/* some are the collector's own */
	for (i = 0; i < 5 && events_subscribe(h.collector.events, be_told, &told) == 0; i++)
		;
	assert_in_range(i, 1, 3);
	assert_int_equal(events_subscribe(h.collector.events, be_told, &told), -ENOSPC);
	add(&h, 2, "a", 0, true);
	assert_int_equal(told, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_resumes_behind_its_id_without_a_gap_while_more_come),
		cmocka_unit_test(without_an_id_it_begins_now_and_gets_what_it_asks_for),
		cmocka_unit_test(what_was_not_committed_is_told_to_nobody),
		cmocka_unit_test(a_reader_that_does_not_read_is_closed_and_holds_up_no_other),
		cmocka_unit_test(who_resumes_behind_what_is_forgotten_begins_with_the_oldest),
		cmocka_unit_test(a_list_is_read_in_parts_until_it_is_newest),
		cmocka_unit_test(subscribers_are_told_in_the_transaction_and_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
