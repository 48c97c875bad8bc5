/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/sm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ENTRIES_MAX ((size_t)CONF_CONNECTIONS_MAX * 4)
#define STEADY_MS 10000 /* what was up for less did not really come up */
#define DOUBT_MS 5000	/* how long one of which nobody knows waits for probes to end */

struct entry {
	unsigned int id;
	struct conf_connection connection;
	unsigned int sources;
	enum sm_state state;
	char controller[INVENTORY_NAME_MAX];
	unsigned int attempts;
	int64_t next_ms;
	int code;
	char error[SM_ERROR_MAX];
	bool absent; /* to be gone */
	bool force;
	bool paused;	 /* is gone on purpose */
	bool running;	 /* an action of it is under way */
	bool doubtful;	 /* nobody knows whether its address answers */
	uint64_t turn;	 /* in the lane; 0 not there */
	int64_t lane_ms; /* since when */
	int64_t up_ms;	 /* when it came up */
};

struct sm {
	struct entry **entries;
	size_t count;
	size_t room;
	struct sm_config config;
	char hostnqn[NQN_MAX + 1];
	unsigned int last_id;
	unsigned int probes; /* that are under way */
	bool lane_busy;
	bool looked; /* at what is there */
	uint64_t turns;
	uint64_t random;
	uint64_t generation;
};

/* --- life */

void sm_configure(struct sm *sm, const struct sm_config *config)
{
	sm->config = *config;
	snprintf(sm->hostnqn, sizeof(sm->hostnqn), "%s", config->hostnqn);
	sm->config.hostnqn = sm->hostnqn;
}

int sm_new(const struct sm_config *config, struct sm **ret, struct err *err)
{
	struct sm *sm = calloc(1, sizeof(*sm));

	if (!sm)
		return err_nomem(err);
	sm_configure(sm, config);
	/* zero stays zero */
	sm->random = config->seed | 1;
	*ret = sm;
	return 0;
}

void sm_free(struct sm *sm)
{
	size_t i;

	if (!sm)
		return;
	for (i = 0; i < sm->count; i++)
		free(sm->entries[i]);
	free(sm->entries);
	free(sm);
}

/* xorshift64: nobody is to guess it, hosts are only not to march in step. */
static int64_t jitter(struct sm *sm, int64_t below)
{
	sm->random ^= sm->random << 13;
	sm->random ^= sm->random >> 7;
	sm->random ^= sm->random << 17;
	return below > 0 ? (int64_t)(sm->random % (uint64_t)below) : 0;
}

static struct entry *find_id(const struct sm *sm, unsigned int id)
{
	size_t i;

	for (i = 0; i < sm->count; i++)
		if (sm->entries[i]->id == id)
			return sm->entries[i];
	return NULL;
}

static struct entry *find_tid(const struct sm *sm, const struct tid *tid)
{
	size_t i;

	for (i = 0; i < sm->count; i++)
		if (tid_equal(&sm->entries[i]->connection.tid, tid))
			return sm->entries[i];
	return NULL;
}

/* An action of it may still be under way: its result will find nobody. */
static void forget(struct sm *sm, struct entry *entry)
{
	size_t i;

	for (i = 0; sm->entries[i] != entry; i++)
		;
	sm->entries[i] = sm->entries[--sm->count];
	sm->generation++;
	free(entry);
}

/* --- changes of one entry */

static void set_state(struct sm *sm, struct entry *entry, enum sm_state state)
{
	if (entry->state == state)
		return;
	entry->state = state;
	sm->generation++;
}

static void set_error(struct sm *sm, struct entry *entry, int code, const char *text)
{
	if (entry->code == code && strncmp(entry->error, text, SM_ERROR_MAX - 1) == 0)
		return;
	entry->code = code;
	snprintf(entry->error, sizeof(entry->error), "%s", text);
	sm->generation++;
}

static void set_controller(struct sm *sm, struct entry *entry, const char *name)
{
	if (strcmp(entry->controller, name) == 0)
		return;
	snprintf(entry->controller, sizeof(entry->controller), "%s", name);
	sm->generation++;
}

static void wait_until(struct sm *sm, struct entry *entry, enum sm_state state, int64_t when)
{
	set_state(sm, entry, state);
	entry->next_ms = when;
	sm->generation++;
}

/* It will not change by itself soon. */
static bool is_refusal(int r)
{
	switch (r) {
	case -EACCES:
	case -EPERM:
	case -ENOENT:
	case -EINVAL:
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
	case -EADDRINUSE:
	case -EALREADY:
	case -ELIBACC:
		return true;
	default:
		return false;
	}
}

/* Doubles from the first to the longest; a quarter more or less. */
static int64_t pause_of(struct sm *sm, const struct entry *entry, int r)
{
	int64_t pause = sm->config.retry_min_ms;
	unsigned int i;

	for (i = 1; i < entry->attempts && pause < sm->config.retry_max_ms; i++)
		pause *= 2;
	if (pause > sm->config.retry_max_ms)
		pause = sm->config.retry_max_ms;
	if (is_refusal(r) && pause < sm->config.refused_ms)
		pause = sm->config.refused_ms;
	return pause - pause / 4 + jitter(sm, pause / 2);
}

static void fail(struct sm *sm, struct entry *entry, int64_t now, int r, const char *text)
{
	entry->attempts++;
	set_error(sm, entry, r, text);
	wait_until(sm, entry, SM_WAITING, now + pause_of(sm, entry, r));
}

/* --- what is wanted */

static struct entry *add_entry(struct sm *sm, struct err *err)
{
	struct entry *entry;

	if (sm->count >= ENTRIES_MAX) {
		err_set_text(err, -E2BIG, "more than %zu connections cannot be wanted",
			     ENTRIES_MAX);
		return NULL;
	}
	if (sm->count == sm->room) {
		size_t room = sm->room ? sm->room * 2 : 16;
		struct entry **more = realloc(sm->entries, room * sizeof(struct entry *));

		if (!more) {
			err_nomem(err);
			return NULL;
		}
		sm->entries = more;
		sm->room = room;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry) {
		err_nomem(err);
		return NULL;
	}
	entry->id = ++sm->last_id;
	sm->entries[sm->count++] = entry;
	return entry;
}

int sm_want(struct sm *sm, const struct conf_connection *connection, unsigned int source,
	    struct err *err)
{
	struct entry *entry = find_tid(sm, &connection->tid);

	if (!entry)
		entry = add_entry(sm, err);
	if (!entry)
		return err && err->code ? err->code : -ENOMEM;
	/* what a person configured is more than what somebody asked for */
	if (!(entry->sources & SM_CONF) || (source & SM_CONF))
		entry->connection = *connection;
	entry->sources |= source;
	entry->absent = false;
	entry->paused = false;
	if (entry->state == SM_DISCONNECTING && !entry->running)
		set_state(sm, entry, SM_DOWN);
	/* who asks anew does not want to wait */
	if (entry->state == SM_WAITING || entry->state == SM_EXCLUDED)
		entry->next_ms = 0;
	sm->generation++;
	return (int)entry->id;
}

bool sm_unwant(struct sm *sm, const struct tid *tid, unsigned int source)
{
	struct entry *entry = find_tid(sm, tid);

	if (!entry || !(entry->sources & source))
		return false;
	entry->sources &= ~source;
	sm->generation++;
	/* who is to be gone stays until it is */
	if (!entry->sources && !entry->absent)
		forget(sm, entry);
	return true;
}

int sm_disconnect(struct sm *sm, int64_t now, const struct tid *tid, bool force)
{
	struct entry *entry = find_tid(sm, tid);

	if (!entry)
		return -ENOENT;
	entry->absent = true;
	entry->force = force;
	entry->attempts = 0;
	entry->turn = 0;
	set_error(sm, entry, 0, "");
	if (!entry->running)
		wait_until(sm, entry, SM_DISCONNECTING, now);
	return (int)entry->id;
}

void sm_cancel_disconnect(struct sm *sm, unsigned int id)
{
	struct entry *entry = find_id(sm, id);

	if (!entry || !entry->absent)
		return;
	entry->absent = false;
	if (!entry->sources)
		forget(sm, entry);
	else if (!entry->running)
		set_state(sm, entry, SM_DOWN);
}

/* --- what is there */

static bool is_going(const struct inventory_controller *c)
{
	return strncmp(c->state, "deleting", 8) == 0 || strcmp(c->state, "dead") == 0;
}

static void is_gone(struct sm *sm, struct entry *entry, int64_t now)
{
	bool was_there = entry->state == SM_UP || entry->state == SM_LOST;

	set_controller(sm, entry, "");
	if (entry->running)
		return;
	if (entry->absent || entry->paused) {
		entry->absent = false;
		entry->paused = true;
		entry->next_ms = 0;
		set_state(sm, entry, SM_DOWN);
		if (!entry->sources)
			forget(sm, entry);
		return;
	}
	/* queued in the lane */
	if (entry->state == SM_CONNECTING && entry->turn)
		return;
	if (was_there && now - entry->up_ms < STEADY_MS) {
		fail(sm, entry, now, -ECONNRESET, "it was gone again at once");
	} else if (was_there || entry->state == SM_CONNECTING) {
		entry->attempts = 0;
		wait_until(sm, entry, SM_WAITING, now + jitter(sm, sm->config.retry_min_ms));
	} else if (entry->state == SM_DOWN) {
		wait_until(sm, entry, SM_WAITING, now);
	}
}

static void came_up(struct sm *sm, struct entry *entry, int64_t now)
{
	if (entry->state != SM_UP && entry->state != SM_LOST)
		entry->up_ms = now;
	entry->turn = 0;
	entry->next_ms = 0;
	set_error(sm, entry, 0, "");
	set_state(sm, entry, SM_UP);
}

static void is_there(struct sm *sm, struct entry *entry, int64_t now,
		     const struct inventory_controller *c)
{
	bool connected_once = entry->state == SM_UP || entry->state == SM_LOST || *c->subsystem;

	set_controller(sm, entry, c->name);
	if (entry->absent)
		return;
	/* it leads to what is wanted; who made it does not matter */
	entry->paused = false;
	if (strcmp(c->state, "live") == 0) {
		came_up(sm, entry, now);
		return;
	}
	/* its own result tells how that ends */
	if (entry->running && entry->state == SM_CONNECTING)
		return;
	if (connected_once || is_going(c) || !entry->running) {
		entry->turn = 0;
		entry->next_ms = 0;
		set_state(sm, entry, connected_once || is_going(c) ? SM_LOST : SM_CONNECTING);
	}
}

void sm_look(struct sm *sm, int64_t now, const struct inventory *inventory)
{
	size_t i = sm->count;

	sm->looked = true;
	/* backwards: an entry that is forgotten is replaced by the last one, which was seen */
	while (i-- > 0) {
		struct entry *entry = sm->entries[i];
		const struct inventory_controller *c =
			inventory_find_tid(inventory, &entry->connection.tid, sm->hostnqn);

		if (c)
			is_there(sm, entry, now, c);
		else
			is_gone(sm, entry, now);
	}
}

/* --- results */

static void enter_lane(struct sm *sm, struct entry *entry, int64_t now, bool doubtful)
{
	entry->doubtful = doubtful;
	entry->lane_ms = now;
	entry->turn = ++sm->turns;
	entry->next_ms = 0;
	set_state(sm, entry, SM_CONNECTING);
}

void sm_probed(struct sm *sm, int64_t now, unsigned int id, int r, const char *text)
{
	struct entry *entry = find_id(sm, id);

	if (sm->probes)
		sm->probes--;
	if (!entry)
		return;
	entry->running = false;
	if (entry->absent)
		wait_until(sm, entry, SM_DISCONNECTING, now);
	/* else somebody connected it meanwhile */
	if (entry->state != SM_PROBING)
		return;
	if (r == 0 || r == -EOPNOTSUPP)
		enter_lane(sm, entry, now, r != 0);
	else
		fail(sm, entry, now, r, text);
}

static void leave_action(struct sm *sm, const struct entry *entry)
{
	if (entry->state == SM_PROBING && sm->probes)
		sm->probes--;
	else if (entry->state == SM_CONNECTING)
		sm->lane_busy = false;
}

void sm_excluded(struct sm *sm, int64_t now, unsigned int id, const char *why)
{
	struct entry *entry = find_id(sm, id);

	if (!entry || !entry->running)
		return;
	leave_action(sm, entry);
	entry->running = false;
	entry->turn = 0;
	set_error(sm, entry, -EPERM, why);
	wait_until(sm, entry, SM_EXCLUDED, now + SM_EXCLUDED_MS);
}

void sm_connected(struct sm *sm, int64_t now, unsigned int id, int r, const char *text)
{
	struct entry *entry = find_id(sm, id);

	sm->lane_busy = false;
	if (!entry)
		return;
	entry->running = false;
	entry->turn = 0;
	if (entry->absent) {
		wait_until(sm, entry, SM_DISCONNECTING, now);
		return;
	}
	if (entry->state == SM_UP || entry->state == SM_LOST)
		return;
	if (r == 0) {
		/* live comes with the next look */
		set_controller(sm, entry, text);
		set_state(sm, entry, SM_CONNECTING);
	} else {
		fail(sm, entry, now, r, text);
	}
}

void sm_disconnected(struct sm *sm, int64_t now, unsigned int id, int r, const char *text)
{
	struct entry *entry = find_id(sm, id);

	if (!entry)
		return;
	entry->running = false;
	if (!entry->absent) {
		/* it is wanted again by now */
		set_state(sm, entry, SM_DOWN);
		return;
	}
	if (r == 0 || r == -ENODEV) {
		/* whether it is gone says the next look */
		wait_until(sm, entry, SM_DISCONNECTING, now + sm->config.retry_min_ms);
		return;
	}
	entry->attempts++;
	set_error(sm, entry, r, text);
	wait_until(sm, entry, SM_DISCONNECTING, now + pause_of(sm, entry, 0));
}

void sm_is_late(struct sm *sm, unsigned int id, const char *text)
{
	struct entry *entry = find_id(sm, id);

	if (entry)
		set_error(sm, entry, -ETIMEDOUT, text);
}

void sm_poke(struct sm *sm, int64_t now)
{
	size_t i;

	for (i = 0; i < sm->count; i++) {
		struct entry *entry = sm->entries[i];
		int64_t soon = now + jitter(sm, sm->config.retry_min_ms);

		if (entry->state == SM_WAITING && !is_refusal(entry->code) && entry->next_ms > soon)
			wait_until(sm, entry, SM_WAITING, soon);
	}
}

/* --- what to do */

static void begin(struct sm *sm, struct entry *entry, enum sm_action_kind kind,
		  struct sm_action *ret)
{
	entry->running = true;
	entry->next_ms = 0;
	sm->generation++;
	*ret = (struct sm_action){
		.kind = kind,
		.id = entry->id,
		.connection = &entry->connection,
		.controller = entry->controller,
		.force = entry->force,
	};
}

static bool is_due(const struct entry *entry, int64_t now)
{
	return !entry->running && entry->next_ms <= now;
}

static bool begin_waiting(struct sm *sm, struct entry *entry, int64_t now, struct sm_action *ret)
{
	if (!is_due(entry, now))
		return false;
	if (entry->state == SM_DISCONNECTING && *entry->controller) {
		begin(sm, entry, SM_ACT_DISCONNECT, ret);
		return true;
	}
	if ((entry->state == SM_WAITING || entry->state == SM_EXCLUDED) &&
	    sm->probes < SM_PROBES_MAX) {
		sm->probes++;
		set_state(sm, entry, SM_PROBING);
		begin(sm, entry, SM_ACT_PROBE, ret);
		return true;
	}
	return false;
}

static bool goes_before(const struct entry *a, const struct entry *b)
{
	if (a->doubtful != b->doubtful)
		return b->doubtful;
	if (a->attempts != b->attempts)
		return a->attempts < b->attempts;
	return a->turn < b->turn;
}

static struct entry *first_in_lane(const struct sm *sm)
{
	struct entry *first = NULL;
	size_t i;

	for (i = 0; i < sm->count; i++) {
		struct entry *entry = sm->entries[i];

		if (entry->state != SM_CONNECTING || !entry->turn || entry->running)
			continue;
		if (!first || goes_before(entry, first))
			first = entry;
	}
	return first;
}

/* As long as an address may turn out to answer, one of which nobody knows waits a little. */
static int64_t may_go_at(const struct sm *sm, const struct entry *entry)
{
	return entry->doubtful && sm->probes ? entry->lane_ms + DOUBT_MS : 0;
}

bool sm_next(struct sm *sm, int64_t now, struct sm_action *ret)
{
	struct entry *first;
	size_t i;

	if (!sm->looked)
		return false;
	for (i = 0; i < sm->count; i++)
		if (begin_waiting(sm, sm->entries[i], now, ret))
			return true;
	first = sm->lane_busy ? NULL : first_in_lane(sm);
	if (!first || may_go_at(sm, first) > now)
		return false;
	sm->lane_busy = true;
	begin(sm, first, SM_ACT_CONNECT, ret);
	return true;
}

static bool is_waiting(const struct sm *sm, const struct entry *entry)
{
	if (entry->running)
		return false;
	if (entry->state == SM_DISCONNECTING)
		return *entry->controller;
	/* a probe that ends makes room */
	return (entry->state == SM_WAITING || entry->state == SM_EXCLUDED) &&
	       sm->probes < SM_PROBES_MAX;
}

int64_t sm_next_ms(const struct sm *sm)
{
	const struct entry *first = sm->lane_busy ? NULL : first_in_lane(sm);
	int64_t next = first ? may_go_at(sm, first) : INT64_MAX;
	size_t i;

	for (i = 0; i < sm->count; i++)
		if (is_waiting(sm, sm->entries[i]) && sm->entries[i]->next_ms < next)
			next = sm->entries[i]->next_ms;
	return sm->looked ? next : INT64_MAX;
}

/* --- to look at */

static void view(const struct entry *entry, struct sm_view *ret)
{
	*ret = (struct sm_view){
		.id = entry->id,
		.connection = &entry->connection,
		.state = entry->state,
		.sources = entry->sources,
		.controller = entry->controller,
		/* kept inside until it has been up for a while */
		.attempts = entry->state == SM_UP ? 0 : entry->attempts,
		.next_ms = entry->next_ms,
		.code = entry->code,
		.error = entry->error,
		.absent = entry->absent,
	};
}

size_t sm_count(const struct sm *sm)
{
	return sm->count;
}

void sm_at(const struct sm *sm, size_t index, struct sm_view *ret)
{
	view(sm->entries[index], ret);
}

bool sm_get(const struct sm *sm, unsigned int id, struct sm_view *ret)
{
	const struct entry *entry = find_id(sm, id);

	if (entry)
		view(entry, ret);
	return entry;
}

bool sm_find(const struct sm *sm, const struct tid *tid, struct sm_view *ret)
{
	const struct entry *entry = find_tid(sm, tid);

	if (entry)
		view(entry, ret);
	return entry;
}

bool sm_find_controller(const struct sm *sm, const char *controller, struct sm_view *ret)
{
	size_t i;

	for (i = 0; *controller && i < sm->count; i++) {
		if (strcmp(sm->entries[i]->controller, controller) == 0) {
			view(sm->entries[i], ret);
			return true;
		}
	}
	return false;
}

uint64_t sm_generation(const struct sm *sm)
{
	return sm->generation;
}

const char *sm_state_word(enum sm_state state)
{
	static const char *const words[] = {
		[SM_DOWN] = "down",
		[SM_WAITING] = "waiting",
		[SM_EXCLUDED] = "excluded",
		[SM_PROBING] = "probing",
		[SM_CONNECTING] = "connecting",
		[SM_UP] = "up",
		[SM_LOST] = "lost",
		[SM_DISCONNECTING] = "disconnecting",
	};

	return words[state];
}

const char *sm_source_word(unsigned int sources)
{
	if (sources & SM_CONF)
		return "conf";
	if (sources & SM_COMMAND)
		return "command";
	if (sources & SM_BOOT)
		return "boot";
	return sources & SM_COLLECTOR ? "collector" : "";
}
