/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

struct track_entry *track_find(const struct track *track, const char *name)
{
	size_t i;

	for (i = 0; i < track->count; i++)
		if (strcmp(track->entries[i].name, name) == 0)
			return &track->entries[i];
	return NULL;
}

static void set_cause(struct track_entry *entry, const char *text)
{
	snprintf(entry->cause, sizeof(entry->cause), "%s", text);
}

static void tell(const struct track_hooks *hooks, enum track_change change,
		 const struct track_entry *entry)
{
	hooks->change(hooks->data, change, entry);
}

static bool is_live(const char *state)
{
	return strcmp(state, "live") == 0;
}

static bool is_going(const char *state)
{
	return strncmp(state, "deleting", 8) == 0 || strcmp(state, "dead") == 0;
}

/* --- a controller that is there */

static struct track_entry *add(struct track *track, const struct inventory_controller *c)
{
	struct track_entry *more =
		reallocarray(track->entries, track->count + 1, sizeof(*track->entries));
	struct track_entry *entry;

	if (!more)
		return NULL;
	track->entries = more;
	entry = &track->entries[track->count++];
	*entry = (struct track_entry){ .state_fd = -1, .reconnects = c->reconnects, .tid = c->tid };
	snprintf(entry->name, sizeof(entry->name), "%s", c->name);
	return entry;
}

static void come_back(struct track_entry *entry, int64_t now)
{
	char span[CLOCK_TEXT_MAX];

	entry->lost_for_ms = now - entry->lost_ms;
	/* known is that it was lost, if only for a moment */
	if (entry->lost_for_ms == 0)
		entry->lost_for_ms = 1;
	entry->lost_ms = 0;
	snprintf(entry->cause, sizeof(entry->cause), "back after %s",
		 clock_format_span(entry->lost_for_ms, span));
}

static enum track_change judge(struct track_entry *entry, const char *state, int64_t now,
			       const struct track_hooks *hooks)
{
	const char *hint;

	if (is_live(state) && entry->lost_ms) {
		come_back(entry, now);
		return TRACK_BACK;
	}
	if (is_live(state)) {
		entry->was_live = true;
		return TRACK_UP;
	}
	/* why it was lost explains the end, too; how it came back explains nothing */
	if (is_going(state) && !entry->lost_ms)
		set_cause(entry, "it is being disconnected");
	if (!entry->was_live || entry->lost_ms || is_going(state))
		return TRACK_STATE;
	hint = hooks->hint ? hooks->hint(hooks->data, entry->name) : "";
	entry->lost_ms = now;
	entry->losses++;
	set_cause(entry, *hint ? hint : "the connection was lost");
	return TRACK_LOST;
}

/* Live before and now, but the kernel has reconnected it. */
static bool has_flapped(const struct track_entry *entry, const struct inventory_controller *c)
{
	return is_live(entry->state) && is_live(c->state) && c->reconnects != INVENTORY_UNKNOWN &&
	       entry->reconnects != INVENTORY_UNKNOWN && c->reconnects > entry->reconnects;
}

static void flap(struct track_entry *entry, const struct track_hooks *hooks)
{
	entry->losses++;
	set_cause(entry, "lost and back between two looks");
	tell(hooks, TRACK_FLAP, entry);
}

static int see(struct track *track, const struct inventory_controller *c, int64_t now,
	       int64_t wall_ms, const struct track_hooks *hooks)
{
	struct track_entry *entry = track_find(track, c->name);
	bool is_new = !entry;
	enum track_change change;

	if (!entry)
		entry = add(track, c);
	if (!entry)
		return -ENOMEM;
	entry->seen = true;
	if (has_flapped(entry, c))
		flap(entry, hooks);
	entry->reconnects = c->reconnects;
	if (!is_new && strcmp(entry->state, c->state) == 0)
		return 0;
	change = judge(entry, c->state, now, hooks);
	/* what is live when it is first seen was connected before */
	if (change == TRACK_UP || change == TRACK_BACK) {
		entry->told_connected = is_new || entry->told_early;
		entry->told_early = false;
	}
	entry->since_wall_ms = wall_ms;
	snprintf(entry->state, sizeof(entry->state), "%s", c->state);
	tell(hooks, is_new ? TRACK_ADDED : change, entry);
	return 0;
}

/* --- and those that are not */

static void drop(struct track *track, size_t index)
{
	struct track_entry *entry = &track->entries[index];

	if (entry->state_fd >= 0)
		close(entry->state_fd);
	*entry = track->entries[--track->count];
}

static void go(struct track *track, size_t index, const struct track_hooks *hooks)
{
	struct track_entry gone = track->entries[index];
	const char *hint = hooks->hint ? hooks->hint(hooks->data, gone.name) : "";
	const char *otherwise = gone.lost_ms ? "the kernel gave it up" : "it was disconnected";

	set_cause(&gone, *hint ? hint : otherwise);
	drop(track, index);
	tell(hooks, TRACK_GONE, &gone);
}

int track_look(struct track *track, const struct inventory *inventory, int64_t now, int64_t wall_ms,
	       const struct track_hooks *hooks)
{
	size_t i;
	int r = 0;

	for (i = 0; i < track->count; i++)
		track->entries[i].seen = false;
	/* a number that is used again is another controller */
	for (i = 0; i < inventory->n_controllers; i++) {
		const struct inventory_controller *c = &inventory->controllers[i];
		struct track_entry *entry = track_find(track, c->name);

		if (entry && strcmp(entry->tid.nqn, c->tid.nqn) != 0)
			go(track, (size_t)(entry - track->entries), hooks);
	}
	for (i = 0; r == 0 && i < inventory->n_controllers; i++)
		r = see(track, &inventory->controllers[i], now, wall_ms, hooks);
	for (i = track->count; r == 0 && i-- > 0;)
		if (!track->entries[i].seen)
			go(track, i, hooks);
	return r;
}

void track_connected(struct track *track, const char *name, const struct track_hooks *hooks)
{
	struct track_entry *entry = track_find(track, name);

	if (entry && !is_live(entry->state))
		entry->told_early = true;
	if (!entry || !is_live(entry->state))
		return;
	/* the counter tells it exactly */
	if (entry->told_connected && entry->reconnects == INVENTORY_UNKNOWN)
		flap(entry, hooks);
	entry->told_connected = true;
}

void track_deinit(struct track *track)
{
	while (track->count)
		drop(track, track->count - 1);
	free(track->entries);
	*track = TRACK_NULL;
}
