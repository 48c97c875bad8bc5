/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A report that the collector refuses (HTTP 400, 413) would be refused for ever, with all that
 * waits behind it. What it refuses is found by sending less: events without the snapshot, half of
 * the events, at last one. If it refuses that one but takes a report without it, the event is set
 * aside in a file, and a note goes in its place: no number is missing. A collector that refuses an
 * empty report, too, is no judge of what is in others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "wire/agent-own.h"

#define ASIDE_BYTES_MAX (256u << 10)
#define HOLD_MS 60000 /* a snapshot that was refused */
#define WHY_MAX 400

bool agent_refused_is(const struct httpc_reply *reply)
{
	return reply->code == 0 && (reply->status == 400 || reply->status == 413);
}

bool agent_refused_holds(const struct agent *agent)
{
	return loop_now_ms(agent->loop) < agent->report.hold_ms;
}

/* --- the file */

/* For a person: nothing depends on it. The newest ones are kept. */
static void keep(const struct agent *agent, const char *text, size_t length)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_STR struct str line = STR_NULL;
	char when[CLOCK_TEXT_MAX];
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "%s.refused", report_role_word(agent->role));
	fd = openat(agent->spool_dirfd, name,
		    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if ((size_t)st.st_size + length > ASIDE_BYTES_MAX && ftruncate(fd, 0) < 0)
		return;
	str_addf(&line, "# %s: %s\n", clock_format(clock_wall_ms(), when), agent->report.aside_why);
	str_add_n(&line, text, length);
	str_add(&line, "\n");
	if (!line.failed && write(fd, str_get(&line), line.length) < 0)
		return;
}

static int keep_event(void *data, uint64_t seq, const char *text, size_t length)
{
	const struct agent *agent = data;

	/* of one that is suspected only that one */
	if (agent->report.suspect && seq > spool_acknowledged(agent->spool) + 1)
		return 1;
	keep(agent, text, length);
	return 0;
}

/* Returns: 0; -EIO they were damaged, and the spool began anew. */
static int keep_waiting(struct agent *agent)
{
	const uint64_t acknowledged = spool_acknowledged(agent->spool);
	const uint64_t waiting = spool_next(agent->spool) - 1 - acknowledged;
	int r = spool_each(agent->spool, acknowledged, keep_event, agent);

	if (r == -EIO)
		agent_spool_lost(agent, waiting, "the spool is damaged");
	return r;
}

/* --- the note */

static struct js *note_object(const char *text, size_t length)
{
	static const char *const kept[] = { "type", "kind", "id" };
	CLEANUP_JS struct js *event = NULL;
	struct js *object = js_object();
	size_t i;

	if (js_parse(text, length, &event, NULL) < 0)
		return object;
	/* what of it is sound by the rules of both sides */
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const char *value = js_text(js_get(event, kept[i]));
		char key[16];

		snprintf(key, sizeof(key), "event_%s", kept[i]);
		if (value && strlen(value) <= OBJECT_ID_MAX && str_is_utf8(value))
			js_set(object, key, js_string(value));
	}
	return object;
}

int agent_refused_note(struct agent *agent, const char *text, size_t length, char **ret)
{
	CLEANUP_JS struct js *object = note_object(text, length);
	CLEANUP_JS struct js *js = NULL;
	char cause[WHY_MAX + 64];
	const struct report_event event = {
		.seq = agent->report.aside,
		.time_ms = clock_wall_ms(),
		.type = "note",
		.kind = "gap",
		.id = "refused",
		.cause = cause,
		.object = object,
	};
	char *json;

	snprintf(cause, sizeof(cause), "the collector refuses this event: %.*s", WHY_MAX,
		 agent->report.aside_why);
	js = report_event_encode(&event);
	json = js_format(js, JS_COMPACT);
	if (!json)
		return -ENOMEM;
	*ret = json;
	return 0;
}

static int tell_event(void *data, uint64_t seq, const char *text, size_t length)
{
	struct agent *agent = data;
	CLEANUP_FREE char *note = NULL;
	CLEANUP_JS struct js *js = NULL;
	struct report_event event;

	(void)seq;
	if (agent_refused_note(agent, text, length, &note) == 0 &&
	    js_parse(note, strlen(note), &js, NULL) == 0 &&
	    report_event_decode(js, &event, NULL) == 0)
		agent->hooks.event(agent->hooks.data, &event);
	return 1;
}

static void set_aside(struct agent *agent)
{
	struct agent_report *report = &agent->report;

	if (keep_waiting(agent) == -EIO)
		return;
	report->aside = spool_acknowledged(agent->spool) + 1;
	report->suspect = false;
	/* what the event would have changed */
	report->snapshot = true;
	agent->refused++;
	if (agent->hooks.event)
		spool_each(agent->spool, report->aside - 1, tell_event, agent);
}

/* --- what comes next */

static int64_t without_snapshot(struct agent *agent)
{
	struct agent_report *report = &agent->report;

	/* only a snapshot begins a boot that it does not know: the events are given up */
	if (report->resync)
		keep_waiting(agent);
	report->part = report->resync ? AGENT_SNAPSHOT : AGENT_EVENTS;
	return 0;
}

static int64_t hold_snapshot(struct agent *agent)
{
	agent->report.hold_ms = loop_now_ms(agent->loop) + HOLD_MS;
	agent->report.part = AGENT_ALL;
	/* events that wait need not wait for it */
	return agent->report.resync ? -1 : 0;
}

static int64_t suspect(struct agent *agent)
{
	struct agent_report *report = &agent->report;

	/* it refuses the note, too */
	if (report->aside == spool_acknowledged(agent->spool) + 1)
		return -1;
	report->suspect = true;
	report->part = AGENT_NOTHING;
	return 0;
}

int64_t agent_refused_take(struct agent *agent, const struct err *why)
{
	struct agent_report *report = &agent->report;

	if (report->events || report->has_snapshot)
		memcpy(report->aside_why, why->text, sizeof(report->aside_why));
	if (report->events && report->has_snapshot)
		return without_snapshot(agent);
	if (report->has_snapshot)
		return hold_snapshot(agent);
	if (report->events == 1)
		return suspect(agent);
	report->suspect = false;
	report->part = report->events ? AGENT_EVENTS : AGENT_ALL;
	if (!report->events)
		return -1;
	report->events_max = report->events / 2;
	return 0;
}

void agent_refused_over(struct agent *agent)
{
	struct agent_report *report = &agent->report;

	if (report->suspect)
		set_aside(agent);
	else if (report->events && report->events_max < REPORT_EVENTS_MAX)
		report->events_max *= 2;
	if (report->has_snapshot)
		report->hold_ms = 0;
	report->part = AGENT_ALL;
}
