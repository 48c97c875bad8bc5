/* SPDX-License-Identifier: BSD-3-Clause */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/str.h"

#define MESSAGE_MAX 2048
#define FIELD_MAX 512
#define N_FIELDS 6

static struct {
	const char *program;
	int level;
	bool journal;
} log_to = { .level = LOG_INFO };

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
	log_to.journal = is_journal();
}

int log_wants(int priority)
{
	return priority <= log_to.level;
}

struct record {
	char message[MESSAGE_MAX];
	char priority[16];
	char identifier[64];
	char fields[N_FIELDS][FIELD_MAX];
	struct iovec parts[N_FIELDS + 3];
	int n;
};

static void add_part(struct record *record, char *text)
{
	record->parts[record->n++] = (struct iovec){ .iov_base = text, .iov_len = strlen(text) };
}

static void add_fields(struct record *record, const struct log_about *about)
{
	const struct {
		const char *name;
		const char *value;
	} fields[N_FIELDS] = {
		{ "SUNFISH_NODE", about->node },    { "NVME_NQN", about->nqn },
		{ "NVME_HOSTNQN", about->hostnqn }, { "NVME_DEVICE", about->device },
		{ "NVME_ADDRESS", about->address }, { "SUNFISH_INTENT", about->intent },
	};
	size_t i;

	for (i = 0; i < N_FIELDS; i++)
		if (fields[i].value) {
			snprintf(record->fields[i], FIELD_MAX, "%s=%s", fields[i].name,
				 fields[i].value);
			add_part(record, record->fields[i]);
		}
}

static int send_to_journal(int priority, const struct log_about *about, const char *text)
{
	struct record record = { .n = 0 };

	snprintf(record.message, sizeof(record.message), "MESSAGE=%s", text);
	snprintf(record.priority, sizeof(record.priority), "PRIORITY=%d", priority);
	add_part(&record, record.message);
	add_part(&record, record.priority);
	if (log_to.program) {
		snprintf(record.identifier, sizeof(record.identifier), "SYSLOG_IDENTIFIER=%s",
			 log_to.program);
		add_part(&record, record.identifier);
	}
	if (about)
		add_fields(&record, about);
	return sd_journal_sendv(record.parts, record.n);
}

static void print(char *text)
{
	char *at;

	/* one line is one message, whatever name from elsewhere is in it */
	str_clean(text);
	for (at = text; (at = strchr(at, '\n'));)
		*at = ' ';
	fprintf(stderr, "%s%s%s\n", log_to.program ? log_to.program : "",
		log_to.program ? ": " : "", text);
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
	if (!log_to.journal || send_to_journal(priority, about, text) < 0)
		print(text);
	errno = code;
}
