/* SPDX-License-Identifier: BSD-3-Clause */
/* rf - a collector that serves Redfish on a socket of loopback, and its clients, in one loop. */
#pragma once

#include "tests/unit/collector/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fs.h"
#include "collector/front.h"
#include "collector/redfish.h"
#include "collector/rf-account.h"
#include "collector/rf-events.h"
#include "collector/rf-session.h"

#define RF_PATIENCE_MS 30000
#define RF_JSON "Content-Type: application/json\r\n"

struct rf {
	struct harness h;
	struct rf_conf conf;
	char password[64];
	int dirfd;
};
#define RF __attribute__((cleanup(rf_stop))) struct rf

static inline void rf_run(struct rf *rf)
{
	struct collector *collector = &rf->h.collector;
	struct err err = ERR_NULL;

	if (redfish_new(collector, &rf->conf, &collector->redfish, &err) < 0 ||
	    accounts_need_admin(collector->redfish->accounts, rf->dirfd, &err) < 0 ||
	    front_new(collector, -1, &collector->front, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void rf_read_password(struct rf *rf)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;

	assert_int_equal(fs_read_file(rf->dirfd, ACCOUNT_FILE, 100, &text, &length), 0);
	snprintf(rf->password, sizeof(rf->password), "%.*s", (int)strcspn(text, "\n"), text);
}

static inline void rf_start(struct rf *rf)
{
	harness_start(&rf->h);
	rf_conf_init(&rf->conf);
	rf->h.collector.setup.port = 0;
	rf->dirfd = open(rf->h.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(rf->dirfd >= 0);
	rf_run(rf);
	rf_read_password(rf);
}

static inline void rf_restart(struct rf *rf)
{
	harness_restart(&rf->h);
	rf->h.collector.setup.port = 0;
	rf_run(rf);
}

static inline void rf_stop(struct rf *rf)
{
	unlinkat(rf->dirfd, ACCOUNT_FILE, 0);
	close(rf->dirfd);
	harness_stop(&rf->h);
}

/* --- clients */

static inline int rf_connect(struct rf *rf)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(front_port(rf->h.collector.front)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static inline void rf_write(struct rf *rf, int fd, const char *text, size_t length)
{
	int64_t until = clock_monotonic_ms() + RF_PATIENCE_MS;

	while (length) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* what the server said is seen by who reads */
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
		loop_step(rf->h.loop, 1);
		assert_true(clock_monotonic_ms() < until);
	}
}

/* What has come. Returns: false the server has closed it. */
static inline bool rf_read(int fd, struct str *text)
{
	char bytes[65536];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		str_add_n(text, bytes, (size_t)n);
	return n < 0 && errno == EAGAIN;
}

/* Until @word has come, or the end. */
static inline void rf_await(struct rf *rf, int fd, struct str *text, const char *word)
{
	int64_t until = clock_monotonic_ms() + RF_PATIENCE_MS;

	while (rf_read(fd, text) && !(word && strstr(str_get(text), word))) {
		loop_step(rf->h.loop, 10);
		if (clock_monotonic_ms() > until)
			fail_msg("no %s in: %s", word ? word : "end", str_get(text));
	}
}

struct rf_reply {
	unsigned int status;
	struct str text;
	const char *body;
};

static inline void rf_reply_drop(struct rf_reply *reply)
{
	str_deinit(&reply->text);
}
#define RF_REPLY __attribute__((cleanup(rf_reply_drop))) struct rf_reply

/* @headers  each with "\r\n"; "" none. @body  NULL none */
static inline struct rf_reply rf_ask(struct rf *rf, const char *method, const char *path,
				     const char *headers, const char *body)
{
	struct rf_reply reply = { .text = STR_NULL };
	CLEANUP_STR struct str request = STR_NULL;
	int fd = rf_connect(rf);

	str_addf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
		 path, headers);
	if (body)
		str_addf(&request, RF_JSON "Content-Length: %zu\r\n", strlen(body));
	str_addf(&request, "\r\n%s", body ? body : "");
	rf_write(rf, fd, request.text, request.length);
	rf_await(rf, fd, &reply.text, NULL);
	close(fd);
	if (sscanf(str_get(&reply.text), "HTTP/1.1 %u", &reply.status) != 1)
		fail_msg("%s %s: no answer: %s", method, path, str_get(&reply.text));
	reply.body = strstr(reply.text.text, "\r\n\r\n");
	reply.body = reply.body ? reply.body + 4 : "";
	return reply;
}

static inline void rf_base64(const char *text, char *ret)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const unsigned char *in = (const unsigned char *)text;
	size_t length = strlen(text);
	size_t i;

	for (i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned int bits = (unsigned int)in[i] << 16 |
				    (left > 1 ? (unsigned int)in[i + 1] << 8 : 0) |
				    (left > 2 ? (unsigned int)in[i + 2] : 0);

		*ret++ = digits[bits >> 18 & 63];
		*ret++ = digits[bits >> 12 & 63];
		*ret++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*ret++ = left > 2 ? digits[bits & 63] : '=';
	}
	*ret = '\0';
}

/* The header; of a buffer of its own for each of the last four. */
static inline const char *rf_basic(const char *name, const char *password)
{
	static char headers[4][512];
	static unsigned int next;
	char *header = headers[next++ % 4];
	char both[256];

	snprintf(both, sizeof(both), "%s:%s", name, password);
	strcpy(header, "Authorization: Basic ");
	rf_base64(both, header + strlen(header));
	strcat(header, "\r\n");
	return header;
}

static inline const char *rf_token(const char *token)
{
	static char header[256];

	snprintf(header, sizeof(header), "X-Auth-Token: %s\r\n", token);
	return header;
}

static inline void rf_expect(const struct rf_reply *reply, unsigned int status, const char *word)
{
	if (reply->status != status || (word && !strstr(reply->text.text, word)))
		fail_msg("not %u with %s: %s", status, word ? word : "", reply->text.text);
}

#define RF_PASSWORD "correct-horse-9"
#define RF_ADMIN_URI "/redfish/v1/AccountService/Accounts/admin"

/* The first password is changed; the header for the new one. */
static inline const char *rf_admin(struct rf *rf)
{
	RF_REPLY reply = rf_ask(rf, "PATCH", RF_ADMIN_URI, rf_basic("admin", rf->password),
				"{\"Password\":\"" RF_PASSWORD "\"}");

	rf_expect(&reply, 200, "\"PasswordChangeRequired\":false");
	return rf_basic("admin", RF_PASSWORD);
}

/* The token, in @ret. */
static inline void rf_log_in(struct rf *rf, const char *name, const char *password, char ret[80],
			     char ret_uri[256])
{
	char body[256];
	const char *at;

	snprintf(body, sizeof(body), "{\"UserName\":\"%s\",\"Password\":\"%s\"}", name, password);
	{
		RF_REPLY reply = rf_ask(rf, "POST", SESSIONS_URI, "", body);

		rf_expect(&reply, 201, "X-Auth-Token: ");
		at = strstr(reply.text.text, "X-Auth-Token: ");
		assert_int_equal(sscanf(at, "X-Auth-Token: %79[0-9a-f]", ret), 1);
		at = strstr(reply.text.text, "Location: ");
		assert_non_null(at);
		if (ret_uri)
			assert_int_equal(sscanf(at, "Location: %255s", ret_uri), 1);
	}
}
