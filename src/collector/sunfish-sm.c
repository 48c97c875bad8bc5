/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/sunfish-sm.h"

#include <stdio.h>
#include <string.h>

/* After so many the rest waits for the heartbeat: what it never takes is not sent for ever. */
#define REPAIRS_MAX 3

void sunfish_sm_init(struct sunfish_sm *sm, const struct sunfish_sm_config *config,
		     const char *uuid, bool off)
{
	*sm = (struct sunfish_sm){ .config = *config };
	/* zero stays zero */
	sm->random = config->seed | 1;
	snprintf(sm->uuid, sizeof(sm->uuid), "%s", uuid);
	sm->state = SUNFISH_SEARCHING;
	if (off)
		sm->state = SUNFISH_OFF;
	else if (*sm->uuid)
		sm->state = SUNFISH_CHECKING;
}

/* xorshift64: agents are only not to march in step. */
static int64_t jitter(struct sunfish_sm *sm, int64_t below)
{
	sm->random ^= sm->random << 13;
	sm->random ^= sm->random >> 7;
	sm->random ^= sm->random << 17;
	return below > 0 ? (int64_t)(sm->random % (uint64_t)below) : 0;
}

static void go(struct sunfish_sm *sm, enum sunfish_state state)
{
	sm->state = state;
}

static void pause(struct sunfish_sm *sm, int64_t now)
{
	int64_t span = sm->config.retry_min_ms;
	unsigned int i;

	for (i = 0; i < sm->failures && span < sm->config.retry_max_ms; i++)
		span *= 2;
	if (span > sm->config.retry_max_ms)
		span = sm->config.retry_max_ms;
	sm->failures++;
	sm->next_ms = now + span / 2 + jitter(sm, span / 2 + 1);
}

static void fail(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer,
		 const char *what)
{
	const char *text = answer->text ? answer->text : "";

	if (answer->status < 0)
		snprintf(sm->error, sizeof(sm->error), "%s: not reached: %s", what, text);
	else if (answer->status == 0)
		snprintf(sm->error, sizeof(sm->error), "%s: no answer: %s", what, text);
	else
		snprintf(sm->error, sizeof(sm->error), "%s: %d %s", what, answer->status, text);
	pause(sm, now);
}

static void succeed(struct sunfish_sm *sm)
{
	sm->failures = 0;
	sm->next_ms = 0;
	*sm->error = '\0';
}

/* It does not know us any more: it was reset, or somebody took our source away. */
static void forget(struct sunfish_sm *sm)
{
	if (*sm->uuid)
		memcpy(sm->lost, sm->uuid, sizeof(sm->lost));
	*sm->uuid = '\0';
	sm->since_ms = 0;
	sm->doubt = false;
	sm->moved = false;
	sm->missing = 0;
	go(sm, SUNFISH_SEARCHING);
}

static void know(struct sunfish_sm *sm, int64_t now, const char *uuid, enum sunfish_state next)
{
	snprintf(sm->uuid, sizeof(sm->uuid), "%s", uuid);
	*sm->lost = '\0';
	sm->conflict = false;
	sm->repairs = 0;
	sm->since_ms = now;
	go(sm, next);
}

bool sunfish_sm_told(struct sunfish_sm *sm, int64_t now, const char *uuid)
{
	if (sm->state == SUNFISH_OFF || sm->state == SUNFISH_LEAVING || !*uuid ||
	    strlen(uuid) >= sizeof(sm->uuid))
		return false;
	sm->told = true;
	sm->heard_ms = now;
	succeed(sm);
	know(sm, now, uuid, SUNFISH_UPLOADING);
	return true;
}

/* --- answers */

static bool is_good(int status)
{
	return status >= 200 && status < 300;
}

static void done_search(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (sm->state != SUNFISH_SEARCHING)
		return;
	if (!is_good(answer->status)) {
		fail(sm, now, answer, "list of AggregationSources");
	} else if (answer->uuid) {
		succeed(sm);
		know(sm, now, answer->uuid, SUNFISH_UPLOADING);
		sm->moved = answer->moved;
	} else {
		go(sm, SUNFISH_REGISTERING);
	}
}

static void done_register(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	/* told: what was answered then says nothing more */
	if (sm->told || sm->state != SUNFISH_REGISTERING)
		return;
	if (is_good(answer->status)) {
		/* it did not tell us our UUID: it must be in the list */
		go(sm, SUNFISH_SEARCHING);
		pause(sm, now);
		return;
	}
	fail(sm, now, answer, "registration");
	if (answer->status == 409) {
		/* at once the first time; that it is in no list either is only known then */
		if (!sm->conflict)
			sm->next_ms = now;
		sm->conflict = true;
		go(sm, *sm->lost ? SUNFISH_REGISTERING : SUNFISH_SEARCHING);
	} else if (answer->status == 0) {
		go(sm, SUNFISH_SEARCHING);
	}
}

static void done_restore(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	char uuid[SUNFISH_UUID_MAX];

	if (sm->state != SUNFISH_REGISTERING)
		return;
	if (is_good(answer->status)) {
		memcpy(uuid, sm->lost, sizeof(uuid));
		succeed(sm);
		know(sm, now, uuid, SUNFISH_UPLOADING);
	} else {
		fail(sm, now, answer, "AggregationSource");
		sm->conflict = false;
		go(sm, SUNFISH_SEARCHING);
	}
}

static void done_upload(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (sm->state != SUNFISH_UPLOADING)
		return;
	if (answer->status == 400) {
		fail(sm, now, answer, "upload");
		forget(sm);
	} else if (is_good(answer->status)) {
		go(sm, SUNFISH_CHECKING);
	} else {
		fail(sm, now, answer, "upload");
		go(sm, SUNFISH_CHECKING);
	}
}

static void took(struct sunfish_sm *sm, int64_t now, size_t missing)
{
	if (missing < sm->missing)
		sm->repairs = 0;
	sm->missing = missing;
	if (!missing) {
		sm->repairs = 0;
		succeed(sm);
		go(sm, SUNFISH_UP);
	} else if (sm->repairs < REPAIRS_MAX) {
		sm->repairs++;
		/* at once the first time; then the pause of what failed, or one of its own */
		if (sm->repairs > 1)
			pause(sm, now);
		go(sm, SUNFISH_UPLOADING);
	} else {
		sm->repairs = 0;
		snprintf(sm->error, sizeof(sm->error), "%zu objects were not taken", missing);
		go(sm, SUNFISH_UP);
	}
}

static void done_look(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (sm->state == SUNFISH_OFF || sm->state == SUNFISH_LEAVING || !*sm->uuid)
		return;
	if (answer->status == 404) {
		fail(sm, now, answer, "our AggregationSource");
		sm->next_ms = now;
		forget(sm);
	} else if (!is_good(answer->status)) {
		fail(sm, now, answer, "our AggregationSource");
		sm->doubt = true;
	} else {
		if (!sm->since_ms)
			sm->since_ms = now;
		sm->doubt = false;
		sm->moved = answer->moved;
		sm->look_ms = now + sm->config.heartbeat_ms;
		if (sm->state != SUNFISH_UPLOADING)
			took(sm, now, answer->missing);
		else
			sm->failures = 0;
	}
}

static void done_tell(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (is_good(answer->status))
		return;
	fail(sm, now, answer, "event");
	if (answer->status == 400 && *sm->uuid && sm->state == SUNFISH_UP)
		forget(sm);
	else
		sm->doubt = true;
}

static void done_move(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (is_good(answer->status)) {
		sm->moved = false;
		succeed(sm);
		return;
	}
	fail(sm, now, answer, "new address");
	sm->doubt = true;
}

static void done_tidy(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (!is_good(answer->status))
		fail(sm, now, answer, "clean-up");
	/* whatever came of it: look, it may even be that our source is away */
	sm->doubt = true;
}

static void done_leave(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	if (sm->state != SUNFISH_LEAVING)
		return;
	if (!is_good(answer->status)) {
		fail(sm, now, answer, "signing off");
		return;
	}
	succeed(sm);
	*sm->uuid = *sm->lost = '\0';
	sm->since_ms = 0;
	sm->missing = 0;
	go(sm, SUNFISH_OFF);
}

void sunfish_sm_done(struct sunfish_sm *sm, int64_t now, const struct sunfish_answer *answer)
{
	static void (*const done[])(struct sunfish_sm *, int64_t, const struct sunfish_answer *) = {
		[SUNFISH_ACT_SEARCH] = done_search,   [SUNFISH_ACT_REGISTER] = done_register,
		[SUNFISH_ACT_RESTORE] = done_restore, [SUNFISH_ACT_UPLOAD] = done_upload,
		[SUNFISH_ACT_LOOK] = done_look,	      [SUNFISH_ACT_MOVE] = done_move,
		[SUNFISH_ACT_TELL] = done_tell,	      [SUNFISH_ACT_TIDY] = done_tidy,
		[SUNFISH_ACT_LEAVE] = done_leave,
	};

	if (!sm->running)
		return;
	sm->running = false;
	if (answer->status > 0)
		sm->heard_ms = now;
	done[sm->act](sm, now, answer);
}

void sunfish_sm_set_waiting(struct sunfish_sm *sm, bool waiting)
{
	sm->to_tell = waiting;
}

void sunfish_sm_doubt(struct sunfish_sm *sm)
{
	if (*sm->uuid)
		sm->doubt = true;
}

/* --- commands */

bool sunfish_sm_leave(struct sunfish_sm *sm, int64_t now)
{
	if (sm->state == SUNFISH_OFF || sm->state == SUNFISH_LEAVING)
		return false;
	go(sm, SUNFISH_LEAVING);
	sm->next_ms = now;
	sm->failures = 0;
	return true;
}

bool sunfish_sm_join(struct sunfish_sm *sm, int64_t now)
{
	if (sm->state != SUNFISH_OFF && sm->state != SUNFISH_LEAVING)
		return false;
	sm->next_ms = now;
	sm->failures = 0;
	go(sm, *sm->uuid ? SUNFISH_CHECKING : SUNFISH_SEARCHING);
	return true;
}

bool sunfish_sm_tidy(struct sunfish_sm *sm, int64_t now)
{
	(void)now;
	if (sm->state != SUNFISH_UP)
		return false;
	sm->to_tidy = true;
	return true;
}

/* --- what is next */

static enum sunfish_act next_registering(struct sunfish_sm *sm)
{
	if (sm->conflict && *sm->lost)
		return SUNFISH_ACT_RESTORE;
	sm->told = false;
	return SUNFISH_ACT_REGISTER;
}

static bool next_up(struct sunfish_sm *sm, int64_t now, enum sunfish_act *ret)
{
	if (sm->to_tidy) {
		sm->to_tidy = false;
		*ret = SUNFISH_ACT_TIDY;
	} else if (sm->to_tell) {
		*ret = SUNFISH_ACT_TELL;
	} else if (now >= sm->look_ms) {
		*ret = SUNFISH_ACT_LOOK;
	} else {
		return false;
	}
	return true;
}

static bool choose(struct sunfish_sm *sm, int64_t now, enum sunfish_act *ret)
{
	switch (sm->state) {
	case SUNFISH_OFF:
		return false;
	case SUNFISH_SEARCHING:
		*ret = SUNFISH_ACT_SEARCH;
		return true;
	case SUNFISH_REGISTERING:
		*ret = next_registering(sm);
		return true;
	case SUNFISH_LEAVING:
		*ret = SUNFISH_ACT_LEAVE;
		return true;
	case SUNFISH_UPLOADING:
	case SUNFISH_CHECKING:
	case SUNFISH_UP:
		break;
	}
	if (sm->doubt || (sm->state == SUNFISH_CHECKING && !sm->moved))
		*ret = SUNFISH_ACT_LOOK;
	else if (sm->moved)
		*ret = SUNFISH_ACT_MOVE;
	else if (sm->state == SUNFISH_UPLOADING)
		*ret = SUNFISH_ACT_UPLOAD;
	else
		return next_up(sm, now, ret);
	return true;
}

bool sunfish_sm_next(struct sunfish_sm *sm, int64_t now, enum sunfish_act *ret)
{
	if (sm->running || now < sm->next_ms || !choose(sm, now, &sm->act))
		return false;
	sm->running = true;
	*ret = sm->act;
	return true;
}

int64_t sunfish_sm_next_ms(const struct sunfish_sm *sm)
{
	if (sm->running || sm->state == SUNFISH_OFF)
		return INT64_MAX;
	if (sm->state == SUNFISH_UP && !sm->doubt && !sm->moved && !sm->to_tidy && !sm->to_tell)
		return sm->look_ms > sm->next_ms ? sm->look_ms : sm->next_ms;
	return sm->next_ms;
}

const char *sunfish_state_word(enum sunfish_state state)
{
	static const char *const words[] = {
		[SUNFISH_OFF] = "off",
		[SUNFISH_SEARCHING] = "searching",
		[SUNFISH_REGISTERING] = "registering",
		[SUNFISH_UPLOADING] = "uploading",
		[SUNFISH_CHECKING] = "checking",
		[SUNFISH_UP] = "up",
		[SUNFISH_LEAVING] = "signing off",
	};

	return words[state];
}
