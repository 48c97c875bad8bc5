/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/httpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/httpd.h"
#include "tests/unit/unit.h"

#include "tests/unit/core/certs.h"

#define PATIENCE_MS 20000
#define TOKEN "s3cret-token"

static struct loop *loop;
static struct httpd *httpd;
static struct httpc *httpc;
static char directory[64];
static struct httpd_stream *stream;
static unsigned int requests;
static unsigned int most_connections;

/* What a call came to. */
struct result {
	unsigned int count; /* of done */
	int code;
	unsigned int status;
	struct str body;
	struct str pieces;
	char error[300];
	int end_with;		   /* what on_data returns */
	struct httpc_call *cancel; /* on_data does that */
	bool free_in_done;
};

static struct result result;

static bool has_library;
static int64_t skew_ms;
static unsigned int trims;

void *__wrap_dlopen(const char *name, int flags);
void *__real_dlopen(const char *name, int flags);
int64_t __wrap_loop_now_ms(struct loop *of);
int64_t __real_loop_now_ms(struct loop *of);
void __wrap_trim_libraries(void);
void __real_trim_libraries(void);

void *__wrap_dlopen(const char *name, int flags)
{
	return has_library ? __real_dlopen(name, flags) : NULL;
}

int64_t __wrap_loop_now_ms(struct loop *of)
{
	return __real_loop_now_ms(of) + skew_ms;
}

void __wrap_trim_libraries(void)
{
	trims++;
	__real_trim_libraries();
}

/* --- the other side */

static void on_stream_gone(void *user, struct httpd_stream *gone)
{
	(void)user;
	assert_ptr_equal(gone, stream);
	stream = NULL;
}

static void on_request_gone(void *user, struct httpd_request *request)
{
	(void)user, (void)request;
}

static void echo(struct httpd_request *request)
{
	CLEANUP_STR struct str text = STR_NULL;
	const char *token = httpd_header(request, "Authorization");
	const char *type = httpd_header(request, "Content-Type");
	const char *test = httpd_header(request, "X-Test");
	const char *name = httpd_peer_name(request);

	str_addf(&text, "%s %s token=%s type=%s test=%s name=%s body=%s", httpd_method(request),
		 httpd_path(request), token ? token : "-", type ? type : "-", test ? test : "-",
		 name ? name : "-", httpd_body(request, NULL));
	httpd_reply(request, 200, "text/plain", str_get(&text), text.length, NULL);
}

static void on_request(void *data, struct httpd_request *request)
{
	static const char *const elsewhere[] = { "Location: /echo", NULL };
	const char *path = httpd_path(request);

	(void)data;
	requests++;
	if (httpd_connections(httpd) > most_connections)
		most_connections = httpd_connections(httpd);
	if (strcmp(path, "/moved") == 0) {
		httpd_reply(request, 301, "text/plain", "moved", 5, elsewhere);
	} else if (strcmp(path, "/no") == 0) {
		httpd_reply(request, 403, "application/json", "{\"no\":1}", 8, NULL);
	} else if (strcmp(path, "/never") == 0) {
		httpd_request_keep(request, NULL, on_request_gone);
	} else if (strcmp(path, "/big") == 0) {
		size_t length = HTTPC_BODY_MAX + 1;
		char *body = calloc(1, length);

		httpd_reply(request, 200, "text/plain", body, length, NULL);
		free(body);
	} else if (strcmp(path, "/stream") == 0) {
		stream = httpd_stream_open(request, "text/event-stream", on_stream_gone, NULL);
	} else {
		echo(request);
	}
}

static void start_server(struct httpd_config config)
{
	struct err err = ERR_NULL;

	config.address = "127.0.0.1";
	if (config.listen_fd == 0)
		config.listen_fd = -1;
	config.connections_max = 100;
	config.body_max = 8u << 20;
	if (httpd_new(loop, &config, on_request, NULL, &httpd, &err) < 0)
		fail_msg("%s", err.text);
}

static void start_client(struct httpc_config config)
{
	assert_int_equal(httpc_new(loop, &config, &httpc, NULL), 0);
}

static int set_up_loop(void **state)
{
	(void)state;
	memset(&result, 0, sizeof(result));
	requests = most_connections = 0;
	stream = NULL;
	httpd = NULL;
	httpc = NULL;
	has_library = true;
	skew_ms = 0;
	trims = 0;
	strcpy(directory, "/tmp/test-httpc-XXXXXX");
	assert_non_null(mkdtemp(directory));
	return loop_new(&loop, NULL);
}

static int set_up(void **state)
{
	set_up_loop(state);
	start_server((struct httpd_config){ 0 });
	start_client((struct httpc_config){ .connect_timeout_ms = 5000 });
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	httpc_free(httpc);
	httpd_free(httpd);
	loop_free(loop);
	str_deinit(&result.body);
	str_deinit(&result.pieces);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

/* --- calls */

static void on_done(void *data, const struct httpc_reply *reply)
{
	struct result *r = data;

	r->count++;
	r->code = reply->code;
	r->status = reply->status;
	str_deinit(&r->body);
	r->body = STR_NULL;
	str_add_n(&r->body, reply->body, reply->length);
	snprintf(r->error, sizeof(r->error), "%s", reply->error);
	assert_int_equal(reply->body[reply->length], '\0');
	if (r->free_in_done) {
		httpc_free(httpc);
		httpc = NULL;
	}
}

static int on_data(void *data, const char *bytes, size_t length)
{
	struct result *r = data;

	str_add_n(&r->pieces, bytes, length);
	if (r->cancel)
		httpc_cancel(r->cancel);
	return r->end_with;
}

static bool run_until(bool (*is_so)(void))
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (!is_so()) {
		if (clock_monotonic_ms() > end)
			return false;
		assert_true(loop_step(loop, 20) >= 0);
	}
	return true;
}

static void run_for(int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end)
		assert_true(loop_step(loop, 10) >= 0);
}

static bool is_done(void)
{
	return result.count > 0;
}

static const char *url_of(const char *path)
{
	static char url[256];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", httpd_port(httpd), path);
	return url;
}

static struct httpc_call *begin(struct httpc_request request)
{
	struct httpc_call *call = NULL;
	struct err err = ERR_NULL;

	if (!request.method)
		request.method = "GET";
	result.count = 0;
	if (httpc_start(httpc, &request, on_done, &result, &call, &err) < 0)
		fail_msg("%s", err.text);
	assert_non_null(call);
	assert_int_equal(result.count, 0);
	return call;
}

static void gets(struct httpc_request request, unsigned int status, const char *body)
{
	begin(request);
	assert_true(run_until(is_done));
	if (result.code != 0)
		fail_msg("%s", result.error);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.status, status);
	assert_string_equal(str_get(&result.body), body);
	assert_string_equal(result.error, "");
}

static void fails(struct httpc_request request, int code, const char *words)
{
	begin(request);
	assert_true(run_until(is_done));
	assert_int_equal(result.code, code);
	if (!strstr(result.error, words))
		fail_msg("\"%s\" is not in: %s", words, result.error);
	if (strstr(result.error, TOKEN))
		fail_msg("the token is in: %s", result.error);
	assert_null(strchr(result.error, '\n'));
}

static void sends_and_gets_all_of_a_request(void **state)
{
	static const char *const headers[] = { "X-Test: yes", NULL };

	(void)state;
	gets((struct httpc_request){ .url = url_of("/a") }, 200,
	     "GET /a token=- type=- test=- name=- body=");
	gets((struct httpc_request){ .method = "POST",
				     .url = url_of("/b"),
				     .token = TOKEN,
				     .headers = headers,
				     .body = "{\"a\":1}",
				     .length = 7 },
	     200,
	     "POST /b token=Bearer " TOKEN " type=application/json test=yes name=- body={\"a\":1}");
	gets((struct httpc_request){ .method = "DELETE", .url = url_of("/c") }, 200,
	     "DELETE /c token=- type=- test=- name=- body=");
	gets((struct httpc_request){ .method = "POST", .url = url_of("/d") }, 200,
	     "POST /d token=- type=- test=- name=- body=");
}

static void one_connection_serves_calls_in_turn(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		gets((struct httpc_request){ .url = url_of("/a") }, 200,
		     "GET /a token=- type=- test=- name=- body=");
	assert_int_equal(requests, 10);
	assert_int_equal(most_connections, 1);
}

static bool are_five_done(void)
{
	return result.count == 5;
}

static void calls_go_on_beside_each_other(void **state)
{
	int i;

	(void)state;
	begin((struct httpc_request){ .url = url_of("/never") });
	for (i = 0; i < 5; i++)
		begin((struct httpc_request){ .url = url_of("/a") });
	assert_true(run_until(are_five_done));
}

static void a_long_body_goes_both_ways(void **state)
{
	size_t length = 3u << 20;
	char *body = malloc(length + 1);

	(void)state;
	memset(body, 'x', length);
	body[length] = '\0';
	begin((struct httpc_request){
		.method = "POST", .url = url_of("/a"), .body = body, .length = length });
	free(body); /* it was copied */
	assert_true(run_until(is_done));
	assert_int_equal(result.status, 200);
	assert_true(result.body.length > length);
	assert_int_equal(str_get(&result.body)[result.body.length - 1], 'x');
}

static void an_answer_that_is_an_error_is_an_answer(void **state)
{
	(void)state;
	gets((struct httpc_request){ .url = url_of("/no") }, 403, "{\"no\":1}");
	/* also for a stream */
	gets((struct httpc_request){ .url = url_of("/no"), .on_data = on_data }, 403, "{\"no\":1}");
	assert_int_equal(result.pieces.length, 0);
}

static void follows_no_redirect(void **state)
{
	(void)state;
	gets((struct httpc_request){ .url = url_of("/moved") }, 301, "moved");
	assert_int_equal(requests, 1);
}

static void ignores_a_proxy_of_the_environment(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	gets((struct httpc_request){ .url = url_of("/a") }, 200,
	     "GET /a token=- type=- test=- name=- body=");
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

static void speaks_to_a_unix_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	start_server((struct httpd_config){ .listen_fd = fd });
	start_client((struct httpc_config){ .unix_socket = address.sun_path });
	gets((struct httpc_request){ .url = "http://localhost/a" }, 200,
	     "GET /a token=- type=- test=- name=- body=");
}

/* --- failures */

static void says_why_there_is_no_answer(void **state)
{
	int fd;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	char url[64];

	(void)state;
	/* a port where nobody listens */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	fails((struct httpc_request){ .url = url, .token = TOKEN }, -ECONNREFUSED,
	      "Connection refused");
	/* one that listens and says nothing */
	assert_int_equal(listen(fd, 5), 0);
	fails((struct httpc_request){ .url = url, .token = TOKEN, .timeout_ms = 50 }, -ETIMEDOUT,
	      "timed out");
	close(fd);
	fails((struct httpc_request){ .url = "file:///etc/passwd" }, -EINVAL, "file");
	fails((struct httpc_request){ .url = url_of("/never"), .timeout_ms = 50 }, -ETIMEDOUT,
	      "timed out");
}

static void a_connection_that_breaks_is_told(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[64];
	char bytes[1024];
	int client;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	begin((struct httpc_request){ .url = url });
	run_for(20);
	client = accept(fd, NULL, NULL);
	run_for(20);
	assert_true(recv(client, bytes, sizeof(bytes), 0) > 0);
	assert_int_equal(send(client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", 44, 0),
			 44);
	close(client);
	assert_true(run_until(is_done));
	assert_int_equal(result.code, -ECONNRESET);
	/* and bytes that are no HTTP */
	begin((struct httpc_request){ .url = url });
	run_for(20);
	client = accept(fd, NULL, NULL);
	send(client, "\x01\x02garbage\r\n\r\n", 13, 0);
	close(client);
	assert_true(run_until(is_done));
	assert_true(result.code < 0);
	close(fd);
}

static void an_answer_over_the_bound_is_refused(void **state)
{
	(void)state;
	fails((struct httpc_request){ .url = url_of("/big") }, -EMSGSIZE, "too long");
	/* or less, if the caller says so */
	fails((struct httpc_request){ .url = url_of("/no"), .body_max = 7 }, -EMSGSIZE, "too long");
	begin((struct httpc_request){ .url = url_of("/no"), .body_max = 8 });
	assert_true(run_until(is_done));
	assert_int_equal(result.code, 0);
}

static void refuses_what_is_no_url_or_token(void **state)
{
	struct httpc_request request = { .method = "GET", .url = "head:8443:x/" };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(httpc_start(httpc, &request, on_done, &result, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "head:8443:x/"));
	request.url = url_of("/a");
	request.token = "one\r\nX-Two: 2";
	assert_int_equal(httpc_start(httpc, &request, on_done, &result, NULL, &err), -EINVAL);
	assert_null(strstr(err.text, "X-Two"));
	run_for(20);
	assert_int_equal(result.count, 0);
}

/* --- cancelling */

static void who_cancels_hears_no_more(void **state)
{
	struct httpc_call *call = begin((struct httpc_request){ .url = url_of("/a") });

	(void)state;
	httpc_cancel(call);
	run_for(50);
	assert_int_equal(result.count, 0);
	call = begin((struct httpc_request){ .url = url_of("/never") });
	run_for(50);
	assert_int_equal(requests, 1);
	httpc_cancel(call);
	run_for(20);
	assert_int_equal(result.count, 0);
	gets((struct httpc_request){ .url = url_of("/a") }, 200,
	     "GET /a token=- type=- test=- name=- body=");
}

static void is_freed_with_calls_under_way(void **state)
{
	(void)state;
	begin((struct httpc_request){ .url = url_of("/a") });
	begin((struct httpc_request){ .url = url_of("/never") });
	run_for(20);
	result.count = 0;
	begin((struct httpc_request){ .url = url_of("/never") });
	httpc_free(httpc);
	httpc = NULL;
	run_for(20);
	assert_int_equal(result.count, 0);
}

static void is_freed_from_within_done(void **state)
{
	(void)state;
	begin((struct httpc_request){ .url = url_of("/never") });
	result.free_in_done = true;
	begin((struct httpc_request){ .url = url_of("/a") });
	assert_true(run_until(is_done));
	assert_null(httpc);
	run_for(20);
	assert_int_equal(result.count, 1);
}

/* --- streams */

static bool is_streaming(void)
{
	return stream != NULL;
}

static bool has_piece(void)
{
	return strstr(str_get(&result.pieces), "two") != NULL;
}

static bool has_no_stream(void)
{
	return stream == NULL;
}

static void gets_a_stream_piece_by_piece(void **state)
{
	(void)state;
	begin((struct httpc_request){ .url = url_of("/stream"), .on_data = on_data });
	assert_true(run_until(is_streaming));
	httpd_stream_send(stream, "one ", 4);
	run_for(20);
	httpd_stream_send(stream, "two ", 4);
	assert_true(run_until(has_piece));
	assert_string_equal(str_get(&result.pieces), "one two ");
	assert_int_equal(result.count, 0);
	httpd_stream_close(stream);
	assert_true(run_until(is_done));
	assert_int_equal(result.code, 0);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.body.length, 0);
}

static void a_stream_can_be_ended_from_within(void **state)
{
	(void)state;
	result.end_with = 1;
	begin((struct httpc_request){ .url = url_of("/stream"), .on_data = on_data });
	assert_true(run_until(is_streaming));
	httpd_stream_send(stream, "two", 3);
	assert_true(run_until(is_done));
	assert_int_equal(result.code, -ECANCELED);
	assert_true(run_until(has_no_stream));
}

static void a_stream_can_be_cancelled_from_within(void **state)
{
	(void)state;
	result.cancel =
		begin((struct httpc_request){ .url = url_of("/stream"), .on_data = on_data });
	assert_true(run_until(is_streaming));
	httpd_stream_send(stream, "two", 3);
	assert_true(run_until(has_no_stream));
	assert_int_equal(result.count, 0);
}

/* --- TLS */

static struct certs_pair ca, server_pair, client_pair;

static const char *put(const char *name, const char *text, char path[128])
{
	snprintf(path, 128, "%s/%s", directory, name);
	assert_int_equal(fs_replace_file(-1, path, text, strlen(text), 0600), 0);
	return path;
}

static const char *https(const char *path)
{
	static char url[256];

	snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", httpd_port(httpd), path);
	return url;
}

static int set_up_tls(void **state)
{
	set_up_loop(state);
	certs_make(&ca, "CA", NULL, NULL);
	certs_make(&server_pair, "head", &ca, GNUTLS_KP_TLS_WWW_SERVER);
	certs_make(&client_pair, "blake14", &ca, GNUTLS_KP_TLS_WWW_CLIENT);
	start_server((struct httpd_config){ .certificate = server_pair.certificate_text,
					    .key = server_pair.key_text,
					    .client_ca = ca.certificate_text });
	return 0;
}

static int tear_down_tls(void **state)
{
	certs_free(&ca);
	certs_free(&server_pair);
	certs_free(&client_pair);
	return tear_down(state);
}

static void speaks_tls_to_a_server_of_its_ca_only(void **state)
{
	char path[128];

	(void)state;
	start_client((struct httpc_config){ .ca_file = put("ca", ca.certificate_text, path) });
	gets((struct httpc_request){ .url = https("/a"), .token = TOKEN }, 200,
	     "GET /a token=Bearer " TOKEN " type=- test=- name=- body=");
	httpc_free(httpc);
	requests = 0;
	/* another CA */
	start_client(
		(struct httpc_config){ .ca_file = put("ca", client_pair.certificate_text, path) });
	fails((struct httpc_request){ .url = https("/a"), .token = TOKEN }, -EPROTO, "certificate");
	/* which may be because of the time here */
	assert_non_null(strstr(result.error, "; the clock here says 20"));
	httpc_free(httpc);
	/* and the system's */
	start_client((struct httpc_config){ 0 });
	fails((struct httpc_request){ .url = https("/a"), .token = TOKEN }, -EPROTO, "certificate");
	assert_int_equal(requests, 0);
}

static void shows_its_certificate(void **state)
{
	char paths[3][128];

	(void)state;
	start_client((struct httpc_config){
		.ca_file = put("ca", ca.certificate_text, paths[0]),
		.certificate_file = put("certificate", client_pair.certificate_text, paths[1]),
		.key_file = put("key", client_pair.key_text, paths[2]) });
	gets((struct httpc_request){ .url = https("/a") }, 200,
	     "GET /a token=- type=- test=- name=blake14 body=");
}

static void a_name_that_is_not_in_the_certificate_is_refused(void **state)
{
	char path[128];
	char url[64];

	(void)state;
	start_client((struct httpc_config){ .ca_file = put("ca", ca.certificate_text, path) });
	snprintf(url, sizeof(url), "https://localhost:%u/a", httpd_port(httpd));
	fails((struct httpc_request){ .url = url, .token = TOKEN }, -EPROTO, "match");
	assert_null(strstr(result.error, "the clock"));
	assert_int_equal(requests, 0);
}

static void without_libcurl_says_which_package_has_it(void **state)
{
	const struct httpc_config config = { 0 };
	struct err err = ERR_NULL;
	struct httpc *none = NULL;

	(void)state;
	has_library = false;
	assert_int_equal(httpc_new(loop, &config, &none, &err), -ELIBACC);
	assert_null(none);
	assert_non_null(strstr(err.text, "libcurl3-gnutls"));
}

static void what_connecting_needed_is_given_back_at_a_later_request(void **state)
{
	const struct httpc_request request = { .url = url_of("/a") };
	const char *answer = "GET /a token=- type=- test=- name=- body=";

	(void)state;
	httpc_free(httpc);
	start_client((struct httpc_config){ .connect_timeout_ms = 5000, .stays = true });
	gets(request, 200, answer);
	assert_int_equal(trims, 0);
	skew_ms = 60000;
	gets(request, 200, answer);
	assert_int_equal(trims, 1);
	gets(request, 200, answer);
	assert_int_equal(trims, 1);
	assert_int_equal(most_connections, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define TEST_TLS(function) cmocka_unit_test_setup_teardown(function, set_up_tls, tear_down_tls)
	const struct CMUnitTest tests[] = {
		TEST(sends_and_gets_all_of_a_request),
		TEST(one_connection_serves_calls_in_turn),
		TEST(without_libcurl_says_which_package_has_it),
		TEST(what_connecting_needed_is_given_back_at_a_later_request),
		TEST(calls_go_on_beside_each_other),
		TEST(a_long_body_goes_both_ways),
		TEST(an_answer_that_is_an_error_is_an_answer),
		TEST(follows_no_redirect),
		TEST(ignores_a_proxy_of_the_environment),
		cmocka_unit_test_setup_teardown(speaks_to_a_unix_socket, set_up_loop, tear_down),
		TEST(says_why_there_is_no_answer),
		TEST(a_connection_that_breaks_is_told),
		TEST(an_answer_over_the_bound_is_refused),
		TEST(refuses_what_is_no_url_or_token),
		TEST(who_cancels_hears_no_more),
		TEST(is_freed_with_calls_under_way),
		TEST(is_freed_from_within_done),
		TEST(gets_a_stream_piece_by_piece),
		TEST(a_stream_can_be_ended_from_within),
		TEST(a_stream_can_be_cancelled_from_within),
		TEST_TLS(speaks_tls_to_a_server_of_its_ca_only),
		TEST_TLS(shows_its_certificate),
		TEST_TLS(a_name_that_is_not_in_the_certificate_is_refused),
	};

	return cmocka_run_group_tests_name("httpc", tests, NULL, NULL);
}
