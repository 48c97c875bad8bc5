/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/log.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#define MESSAGE_MAX 2048
#define FIELD_MAX 512
#define N_FIELDS 6
#define JOURNAL "/run/systemd/journal/socket"

static struct {
	const char *program;
	int level;
	int journal_fd; /* -1: standard error is not the journal */
	unsigned long lost;
} log_to = { .level = LOG_INFO, .journal_fd = -1 };

/* Does standard error lead to the journal? Who redirected it has a variable that is not true. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char text[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return strcmp(stream, text) == 0;
}

void log_init(const char *program, int level)
{
	log_to.program = program;
	log_to.level = level;
	if (log_to.journal_fd >= 0)
		close(log_to.journal_fd);
	log_to.journal_fd =
		is_journal() ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
	log_to.lost = 0;
}

int log_wants(int priority)
{
	return priority <= log_to.level;
}

/* --- the journal: a datagram of fields, each "NAME=value" and a line break, or "NAME", a line
 * break, the length as 64 bits, little endian, and the value, if there are line breaks in it.
 * Source: systemd.io/JOURNAL_NATIVE_PROTOCOL */

static void add_field(struct str *record, const char *name, const char *value)
{
	uint64_t length = htole64(strlen(value));

	str_add(record, name);
	if (strchr(value, '\n')) {
		str_add(record, "\n");
		str_add_n(record, (const char *)&length, sizeof(length));
	} else {
		str_add(record, "=");
	}
	str_add(record, value);
	str_add(record, "\n");
}

static void add_about(struct str *record, const struct log_about *about)
{
	const struct {
		const char *name;
		const char *value;
	} fields[N_FIELDS] = {
		{ "SUNFISH_NODE", about->node },    { "NVME_NQN", about->nqn },
		{ "NVME_HOSTNQN", about->hostnqn }, { "NVME_DEVICE", about->device },
		{ "NVME_ADDRESS", about->address }, { "SUNFISH_INTENT", about->intent },
	};
	char value[FIELD_MAX];
	size_t i;

	for (i = 0; i < N_FIELDS; i++)
		if (fields[i].value) {
			snprintf(value, sizeof(value), "%s", fields[i].value);
			add_field(record, fields[i].name, value);
		}
}

/* Each time by the name of the socket: journald may have begun anew. Never waits for it. */
static int send_record(const struct str *record)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	struct iovec part = { .iov_base = record->text, .iov_len = record->length };
	const struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1
	};

	if (record->failed)
		return -ENOMEM;
	return sendmsg(log_to.journal_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int send_text(int priority, const struct log_about *about, const char *text)
{
	CLEANUP_STR struct str record = STR_NULL;
	char number[16];

	snprintf(number, sizeof(number), "%d", priority);
	add_field(&record, "MESSAGE", text);
	add_field(&record, "PRIORITY", number);
	if (log_to.program)
		add_field(&record, "SYSLOG_IDENTIFIER", log_to.program);
	if (about)
		add_about(&record, about);
	return send_record(&record);
}

/* A journal that stands still costs messages, never the loop its time. How many, it is told when it
 * takes messages again. */
static int send_to_journal(int priority, const struct log_about *about, const char *text)
{
	char lost[128];
	int r = 0;

	if (log_to.lost) {
		snprintf(lost, sizeof(lost),
			 "%lu messages were lost: the journal did not take them", log_to.lost);
		r = send_text(LOG_WARNING, NULL, lost);
		if (r == 0)
			log_to.lost = 0;
	}
	if (r == 0)
		r = send_text(priority, about, text);
	if (r != -EAGAIN && r != -ENOBUFS)
		return r;
	log_to.lost++;
	return 0;
}

static void print(char *text)
{
	CLEANUP_STR struct str line = STR_NULL;
	char *at;

	/* one line is one message, whatever name from elsewhere is in it */
	str_clean(text);
	for (at = text; (at = strchr(at, '\n'));)
		*at = ' ';
	str_addf(&line, "%s%s%s\n", log_to.program ? log_to.program : "",
		 log_to.program ? ": " : "", text);
	/* journald's stream must not be waited for either */
	if (send(STDERR_FILENO, str_get(&line), line.length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
	    errno == ENOTSOCK)
		fputs(str_get(&line), stderr);
}

void log_write(int priority, const struct log_about *about, const char *format, ...)
{
	const int code = errno; /* for %m */
	char text[MESSAGE_MAX - sizeof("MESSAGE=")];
	va_list args;

	if (!log_wants(priority))
		return;
	errno = code;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (log_to.journal_fd < 0 || send_to_journal(priority, about, text) < 0)
		print(text);
	errno = code;
}
