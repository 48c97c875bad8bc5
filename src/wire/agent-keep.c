/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the collector wanted last, in ROLE.wanted beside the spool: after a reboot without the
 * collector it still counts. A lease that is over while the collector is away counts as its end:
 * who was let in by it is not let in for longer because nobody can be asked. What was ended so
 * stays ended until the collector says something else of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "wire/agent-own.h"

#define FILE_VERSION 1
#define FILE_BYTES_MAX (64u << 20)
#define NAME_MAX_LENGTH 32
#define ASK_AGAIN_MS 1000 /* while the collector is there, it is its turn */

static const char *name_of(const struct agent *agent, char name[NAME_MAX_LENGTH])
{
	snprintf(name, NAME_MAX_LENGTH, "%s.wanted", report_role_word(agent->role));
	return name;
}

static void warn(const struct agent *agent, const char *what, const char *why)
{
	char text[ERR_TEXT_MAX];

	if (!agent->hooks.warn)
		return;
	snprintf(text, sizeof(text), "%s: %.500s", what, why);
	agent->hooks.warn(agent->hooks.data, text);
}

/* --- leases */

/* Returns: milliseconds that are left; -1: it has no lease. */
static int64_t left_of(const struct agent_keep *keep, const struct wanted *wanted,
		       const struct wanted_entry *entry, const struct term_moment *now)
{
	int64_t sent = wanted->time_ms ? wanted->time_ms : keep->received_ms;

	if (!entry->expires_ms || entry->absent)
		return -1;
	return term_left(entry->expires_ms - sent - keep->spent_ms, 0, &keep->noted, now);
}

static bool is_ended(const struct js *ended, const struct wanted_entry *entry)
{
	return !entry->absent && js_number(js_get(ended, entry->intent), 0) == entry->expires_ms &&
	       entry->expires_ms;
}

/* Those that are over now, if @may_end, and those that were. Returns: when to look again; -1 never.
 */
static int64_t look(struct agent *agent, bool may_end, bool *ret_changed)
{
	struct agent_keep *keep = &agent->keep;
	struct js *ended = js_object();
	struct term_moment now;
	struct wanted_entry entry;
	struct wanted wanted;
	int64_t next = -1;
	size_t i;

	*ret_changed = false;
	term_moment_now(&now);
	if (wanted_decode(keep->document, &wanted, NULL) < 0)
		wanted.count = 0;
	for (i = 0; i < wanted.count; i++) {
		bool was_ended;
		int64_t left;

		wanted_entry_at(&wanted, i, &entry);
		left = left_of(keep, &wanted, &entry, &now);
		was_ended = is_ended(keep->ended, &entry);
		if (was_ended || (left == 0 && may_end))
			js_set(ended, entry.intent, js_int(entry.expires_ms));
		else if (left >= 0 && (next < 0 || left < next))
			next = left;
		*ret_changed |= left == 0 && may_end && !was_ended;
	}
	js_free(keep->ended);
	keep->ended = ended;
	return next;
}

static struct js *end_entry(const struct js *js)
{
	static const char *const but[] = { "absent", "expires", NULL };
	struct js *copy = js_copy_without(js, but);

	js_set(copy, "absent", js_bool(true));
	return copy;
}

/* The document as it counts now. NULL: out of memory. */
static struct js *effective(const struct agent_keep *keep, const struct wanted *wanted)
{
	struct js *entries = js_array();
	struct wanted_entry entry;
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		const struct js *js = js_at(wanted->entries, i);

		wanted_entry_at(wanted, i, &entry);
		js_append(entries, is_ended(keep->ended, &entry) ? end_entry(js) : js_ref(js));
	}
	return wanted_encode(wanted->collector, wanted->role, wanted->generation, entries);
}

static void hand_out(struct agent *agent)
{
	CLEANUP_JS struct js *document = NULL;
	struct wanted wanted;

	if (!agent->hooks.wanted || wanted_decode(agent->keep.document, &wanted, NULL) < 0)
		return;
	document = effective(&agent->keep, &wanted);
	if (document && wanted_decode(document, &wanted, NULL) == 0)
		agent->hooks.wanted(agent->hooks.data, &wanted);
	else
		warn(agent, "what the collector wants is not done", "out of memory");
}

static void arm(struct agent *agent, int64_t ms)
{
	if (ms < 0)
		loop_timer_stop(agent->keep.timer);
	else
		loop_timer_set(agent->keep.timer, ms > ASK_AGAIN_MS ? ms : ASK_AGAIN_MS, 0);
}

static void on_timer(void *data)
{
	struct agent *agent = data;
	bool changed;

	arm(agent, look(agent, !agent->connected || *agent->poll.error, &changed));
	if (!changed)
		return;
	warn(agent, "the collector is away and a lease is over", "it is ended here");
	hand_out(agent);
}

/* --- the file */

static void store(const struct agent *agent)
{
	const struct agent_keep *keep = &agent->keep;
	CLEANUP_JS struct js *js = js_object();
	CLEANUP_FREE char *text = NULL;
	char name[NAME_MAX_LENGTH];
	int r;

	js_set(js, "version", js_int(FILE_VERSION));
	js_set(js, "url", js_string(agent->url));
	js_set(js, "received", js_int(keep->received_ms));
	js_set(js, "spent", js_int(keep->spent_ms));
	js_set(js, "moment", term_moment_encode(&keep->noted));
	js_set(js, "document", js_ref(keep->document));
	text = js_format(js, JS_COMPACT);
	r = text ? fs_replace_file(agent->spool_dirfd, name_of(agent, name), text, strlen(text),
				   0600)
		 : -ENOMEM;
	if (r < 0)
		warn(agent, "what the collector wants is forgotten at a restart without it",
		     strerror(-r));
}

void agent_keep_take(struct agent *agent, const struct js *document)
{
	struct agent_keep *keep = &agent->keep;
	bool changed;

	js_free(keep->document);
	keep->document = js_ref(document);
	keep->received_ms = clock_wall_ms();
	keep->spent_ms = 0;
	term_moment_now(&keep->noted);
	/* first it is kept: what is done for it may be found after a crash */
	store(agent);
	arm(agent, look(agent, false, &changed));
	hand_out(agent);
}

/* Returns: 0; -ENOENT there is none; -EINVAL it is damaged; other negative errno. */
static int load(struct agent *agent, struct err *err)
{
	struct agent_keep *keep = &agent->keep;
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_FREE char *text = NULL;
	char name[NAME_MAX_LENGTH];
	struct wanted wanted;
	size_t length;
	int r = fs_read_file(agent->spool_dirfd, name_of(agent, name), FILE_BYTES_MAX, &text,
			     &length);

	if (r < 0)
		return err_set(err, r, "%s", strerror(-r));
	r = js_parse(text, length, &js, err);
	if (r == 0 && js_number(js_get(js, "version"), 0) != FILE_VERSION)
		r = err_set(err, -EINVAL, "it is of another version");
	if (r == 0)
		r = wanted_decode(js_get(js, "document"), &wanted, err);
	if (r == 0 && wanted.role != agent->role)
		r = err_set(err, -EINVAL, "it is for another role");
	if (r == 0)
		r = agent_poll_remember(agent, &wanted);
	if (r < 0)
		return r;
	keep->document = js_ref(js_get(js, "document"));
	keep->received_ms = js_number(js_get(js, "received"), 0);
	keep->spent_ms = js_number(js_get(js, "spent"), 0);
	if (keep->spent_ms < 0 || keep->spent_ms > AGENT_KEEP_LONG_MS)
		keep->spent_ms = AGENT_KEEP_LONG_MS;
	term_moment_decode(js_get(js, "moment"), &keep->noted);
	return 0;
}

/* No row of restarts is to extend a lease: what has gone by is noted. */
static void note_time(struct agent *agent)
{
	struct agent_keep *keep = &agent->keep;
	struct term_moment now;

	term_moment_now(&now);
	keep->spent_ms += AGENT_KEEP_LONG_MS - term_left(AGENT_KEEP_LONG_MS, 0, &keep->noted, &now);
	keep->noted = now;
	store(agent);
}

bool agent_recall(struct agent *agent)
{
	struct err err = ERR_NULL;
	bool changed;
	int64_t next;
	int r;

	if (!agent->httpc || agent->keep.document)
		return false;
	r = load(agent, &err);
	if (r < 0) {
		if (r != -ENOENT)
			warn(agent, "what the collector wanted before cannot be read", err.text);
		return false;
	}
	next = look(agent, true, &changed);
	if (next >= 0 || changed)
		note_time(agent);
	arm(agent, next);
	hand_out(agent);
	return true;
}

/* --- */

int agent_keep_init(struct agent *agent, struct err *err)
{
	return loop_add_timer(agent->loop, on_timer, agent, &agent->keep.timer, err);
}

void agent_keep_deinit(struct agent *agent)
{
	loop_source_free(agent->keep.timer);
	js_free(agent->keep.document);
	js_free(agent->keep.ended);
}
