/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "core/modload.h"
#include "nvmf/nqn.h"

#define MESSAGES_SHOWN 5
#define RECORD_MAX 8192	       /* the kernel's own limit */
#define RECORDS_MAX (1u << 20) /* of text kept */

static void check_absent(const struct doctor_env *env, struct findings *report)
{
	if (modload_is_present(env->sys_fd, "nvmet"))
		findings_add(report, FINDING_FAIL, "kernel target",
			     "mount -t configfs configfs /sys/kernel/config",
			     "nvmet is in the kernel, but /sys/kernel/config/nvmet is not there: "
			     "configfs is not mounted, or this is a container");
	else
		findings_add(report, FINDING_FAIL, "kernel target",
			     "nvmet-sunfishctl restore, or modprobe nvmet",
			     "nvmet is not in the kernel: nothing is exported");
}

struct run {
	const struct doctor_env *env;
	const struct model_object *actual;
	struct claim *claim; /* NULL: it could not be read */
	struct findings *report;
};

static void check_ports(const struct run *run, const char *nqn)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(run->actual, MODEL_PORT, &i)))
		if (nqn ? model_has_link(port, nqn) : port->n_links > 0)
			doctor_check_port(run->env, port, run->report);
}

static void check_subsystem(const struct run *run, const char *nqn)
{
	const struct model_object *subsystem = model_find(run->actual, MODEL_SUBSYSTEM, nqn);

	if (doctor_check_model(run->actual, run->env->wanted, nqn, run->report) < 0 || !subsystem)
		return;
	doctor_check_drives(run->claim, subsystem, run->report);
	doctor_check_keys(run->env, run->actual, subsystem, run->report);
}

static void check_all(const struct run *run)
{
	const struct model_object *subsystem;
	size_t n = 0;
	size_t i;

	for (i = 0; (subsystem = model_next(run->actual, MODEL_SUBSYSTEM, &i)); n++)
		check_subsystem(run, subsystem->name);
	for (i = 0; (subsystem = model_next(run->env->wanted, MODEL_SUBSYSTEM, &i));) {
		if (subsystem->absent || model_find(run->actual, MODEL_SUBSYSTEM, subsystem->name))
			continue;
		check_subsystem(run, subsystem->name);
		n++;
	}
	if (n == 0)
		findings_add(run->report, FINDING_NOTE, "kernel target", "nvmet-sunfishctl create",
			     "nothing is exported");
}

static void check_target(struct run *run, const char *nqn)
{
	struct err err = ERR_NULL;
	int r = claim_new(run->env->sys_fd, &run->claim, &err);

	if (r == -ENOMEM)
		run->report->failed = true;
	else if (r < 0)
		findings_add(run->report, FINDING_NOTE, "drives", "",
			     "who else uses the drives is not known: %s", err.text);
	if (nqn)
		check_subsystem(run, nqn);
	else
		check_all(run);
	check_ports(run, nqn);
	claim_free(run->claim);
}

/* Each read() gives one record. */
static void check_messages(int kmsg_fd, struct findings *report)
{
	CLEANUP_STR struct str records = STR_NULL;
	char record[RECORD_MAX];
	ssize_t length = 0;

	while (length >= 0 || errno == EPIPE || errno == EINTR) {
		length = read(kmsg_fd, record, sizeof(record) - 1);
		if (length == 0 || records.length > RECORDS_MAX)
			break;
		if (length < 0)
			continue;
		record[length] = '\0';
		if (strstr(record, "nvmet"))
			str_add_n(&records, record, (size_t)length);
	}
	if (records.failed || doctor_check_kmsg(str_get(&records), MESSAGES_SHOWN, report) < 0)
		report->failed = true;
}

int doctor_run(const struct doctor_env *env, const struct model_object *actual, const char *nqn,
	       struct findings *ret, struct err *err)
{
	struct findings report = FINDINGS_NULL;
	struct run run = { .env = env, .actual = actual, .report = &report };

	if (!actual || env->nvmet_fd < 0)
		check_absent(env, &report);
	else
		check_target(&run, nqn);
	if (env->kmsg_fd >= 0)
		check_messages(env->kmsg_fd, &report);
	if (report.failed) {
		findings_deinit(&report);
		return err_nomem(err);
	}
	*ret = report;
	return 0;
}

/* --- kernel messages */

/* What is logged when all is well. */
static bool is_boring(const char *line, size_t length)
{
	static const char *const texts[] = { "adding nsid", "creating ", "Created ",
					     "enabling port" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (memmem(line, length, texts[i], strlen(texts[i])))
			return true;
	return false;
}

/* "6,339,5140900,-;nvmet: text": also nvmet_tcp and nvmet_rdma; lines that go on begin with ' '. */
static bool is_message(const char *line, size_t length)
{
	return *line != ' ' && memchr(line, ';', length) && memmem(line, length, "nvmet", 5) &&
	       !is_boring(line, length);
}

static const char *next_message(const char *at)
{
	for (; *at; at += *at == '\n') {
		size_t length = strcspn(at, "\n");

		if (is_message(at, length))
			return at;
		at += length;
	}
	return NULL;
}

static void add_message(struct str *text, const char *line)
{
	size_t length = strcspn(line, "\n");
	const char *message = memchr(line, ';', length);
	unsigned long long usec = 0;
	const char *comma = strchr(line, ',');

	comma = comma && comma < message ? strchr(comma + 1, ',') : NULL;
	if (comma && comma < message)
		usec = strtoull(comma + 1, NULL, 10);
	message++;
	str_addf(text, "%s[%llu.%03llu] %.*s", text->length ? "\n" : "", usec / 1000000,
		 usec / 1000 % 1000, (int)(length - (size_t)(message - line)), message);
}

/* "nvmet: connect by host H for subsystem S not allowed": what lets H in. A host may call itself
 * anything, also so that pasting the command does harm. */
static void add_cure(struct str *cure, const char *line)
{
	static const char begin[] = "connect by host ";
	const char *at = memmem(line, strcspn(line, "\n"), begin, sizeof(begin) - 1);
	char host[256];
	char subsystem[256];

	if (!at || sscanf(at, "connect by host %255s for subsystem %255s not allowed", host,
			  subsystem) != 2)
		return;
	if (nqn_check_host(host, NULL) < 0 || nqn_check(subsystem, NULL) < 0)
		return;
	str_deinit(cure);
	str_add(cure, "if that host should be allowed: nvmet-sunfishctl host add ");
	str_add_quoted(cure, subsystem);
	str_add(cure, " ");
	str_add_quoted(cure, host);
}

int doctor_check_kmsg(const char *kmsg, size_t max, struct findings *report)
{
	CLEANUP_STR struct str text = STR_NULL;
	CLEANUP_STR struct str cure = STR_NULL;
	const char *at;
	size_t n = 0;

	for (at = kmsg; (at = next_message(at)); at += strcspn(at, "\n"))
		n++;
	for (at = kmsg; (at = next_message(at)); at += strcspn(at, "\n"))
		if (n-- <= max) {
			add_message(&text, at);
			add_cure(&cure, at);
		}
	if (text.length)
		findings_add(report, FINDING_NOTE, "kernel log", str_get(&cure), "%s",
			     str_get(&text));
	return text.failed || cure.failed || report->failed ? -ENOMEM : 0;
}
