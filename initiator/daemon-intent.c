/* SPDX-License-Identifier: BSD-3-Clause */
/* What the collector wants: each intent as one connection that is to be there, or gone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "initiator/daemon.h"

#define INTENT_ID_MAX 128

struct intent {
	char id[INTENT_ID_MAX];
	struct conf_connection connection;
	bool absent;
	bool force;
	bool bad; /* it makes no sense: its error stays */
	bool in_document;
	const char *state; /* working, done, failed */
	char error[SM_ERROR_MAX];
};

struct intents {
	struct intent **items;
	size_t count;
};

int intent_start(struct daemon *daemon, struct err *err)
{
	daemon->intents = calloc(1, sizeof(*daemon->intents));
	return daemon->intents ? 0 : err_nomem(err);
}

void intent_end(struct daemon *daemon)
{
	size_t i;

	if (!daemon->intents)
		return;
	for (i = 0; i < daemon->intents->count; i++)
		free(daemon->intents->items[i]);
	free(daemon->intents->items);
	free(daemon->intents);
	daemon->intents = NULL;
}

static struct intent *find(const struct intents *intents, const char *id)
{
	size_t i;

	for (i = 0; i < intents->count; i++)
		if (strcmp(intents->items[i]->id, id) == 0)
			return intents->items[i];
	return NULL;
}

static struct intent *add(struct intents *intents, const char *id)
{
	struct intent **more =
		realloc(intents->items, (intents->count + 1) * sizeof(struct intent *));
	struct intent *intent = calloc(1, sizeof(*intent));

	if (more)
		intents->items = more;
	if (!more || !intent) {
		free(intent);
		return NULL;
	}
	snprintf(intent->id, sizeof(intent->id), "%s", id);
	intents->items[intents->count++] = intent;
	return intent;
}

static void fail(struct intent *intent, const char *text)
{
	intent->state = "failed";
	snprintf(intent->error, sizeof(intent->error), "%.*s", SM_ERROR_MAX - 1, text);
}

/* --- a document */

static bool is_other_than_ours(const struct sm_view *view)
{
	return view->sources & (SM_CONF | SM_COMMAND | SM_BOOT);
}

static void begin_present(struct daemon *daemon, struct intent *intent)
{
	struct err err = ERR_NULL;

	host_tuning_default(&intent->connection.tuning, &daemon->conf.defaults);
	if (sm_want(daemon->sm, &intent->connection, SM_COLLECTOR, &err) < 0)
		fail(intent, err.text);
}

static void begin_absent(struct daemon *daemon, struct intent *intent)
{
	const struct tid *tid = &intent->connection.tid;
	struct sm_view view;
	struct err err = ERR_NULL;
	bool known = sm_find(daemon->sm, tid, &view);
	const struct inventory_controller *c =
		inventory_find_tid(daemon->inventory, tid, daemon->host.hostnqn);

	if (known && is_other_than_ours(&view) && !intent->force) {
		sm_unwant(daemon->sm, tid, SM_COLLECTOR);
		fail(intent, view.sources & SM_CONF
				     ? "initiator.conf of this host wants this connection"
				     : "a person on this host asked for this connection");
		return;
	}
	/* nothing to be ended, and nobody tries */
	if (!c && !known)
		return;
	/* what is there and was not wanted becomes an entry, so that its end is followed */
	if (!known)
		sm_want(daemon->sm, &intent->connection, 0, &err);
	sm_disconnect(daemon->sm, loop_now_ms(daemon->loop), tid, intent->force);
	sm_unwant(daemon->sm, tid, SM_COLLECTOR);
}

static bool differs(const struct intent *intent, const struct tid *tid,
		    const struct wanted_entry *entry)
{
	return !intent->state || intent->absent != entry->absent || intent->force != entry->force ||
	       !tid_equal(&intent->connection.tid, tid);
}

static void take_entry(struct daemon *daemon, const struct wanted_entry *entry)
{
	const struct tid_parts parts = {
		.transport = entry->at.transport,
		.traddr = entry->at.address,
		.trsvcid = entry->at.service,
		.nqn = entry->nqn,
		.hostnqn = strcmp(entry->hostnqn, daemon->host.hostnqn) == 0 ? "" : entry->hostnqn,
	};
	struct intent *intent = find(daemon->intents, entry->intent);
	struct err err = ERR_NULL;
	struct tid tid = { .transport = "" };
	int r;

	if (!intent)
		intent = add(daemon->intents, entry->intent);
	if (!intent)
		return;
	intent->in_document = true;
	r = tid_make(&parts, &tid, &err);
	if (r == 0 && !differs(intent, &tid, entry))
		return;
	intent->connection = CONF_CONNECTION_NULL;
	intent->connection.tid = tid;
	intent->absent = entry->absent;
	intent->force = entry->force;
	intent->bad = r < 0;
	intent->state = "working";
	intent->error[0] = '\0';
	if (r < 0)
		fail(intent, err.text);
	else if (entry->absent)
		begin_absent(daemon, intent);
	else
		begin_present(daemon, intent);
}

/* What is not mentioned any more is none of the collector's business. */
static void drop_unmentioned(struct daemon *daemon)
{
	struct intents *intents = daemon->intents;
	size_t i;

	for (i = intents->count; i-- > 0;) {
		struct intent *intent = intents->items[i];

		if (intent->in_document)
			continue;
		if (!intent->absent && !intent->bad)
			sm_unwant(daemon->sm, &intent->connection.tid, SM_COLLECTOR);
		intents->items[i] = intents->items[--intents->count];
		free(intent);
	}
}

void intent_forget(struct daemon *daemon)
{
	size_t i;

	for (i = 0; i < daemon->intents->count; i++)
		daemon->intents->items[i]->in_document = false;
	drop_unmentioned(daemon);
}

void intent_take(void *data, const struct wanted *wanted)
{
	struct daemon *daemon = data;
	struct wanted_entry entry;
	size_t i;

	log_info("the collector wants generation %llu: %zu entries",
		 (unsigned long long)wanted->generation, wanted->count);
	for (i = 0; i < daemon->intents->count; i++)
		daemon->intents->items[i]->in_document = false;
	/* first what is to go: an address may pass from one intent to another */
	for (i = 0; i < wanted->count; i++) {
		wanted_entry_at(wanted, i, &entry);
		if (entry.kind == WANTED_CONNECTION && entry.absent)
			take_entry(daemon, &entry);
	}
	for (i = 0; i < wanted->count; i++) {
		wanted_entry_at(wanted, i, &entry);
		if (entry.kind == WANTED_CONNECTION && !entry.absent)
			take_entry(daemon, &entry);
	}
	drop_unmentioned(daemon);
	/* not from within the agent, to which the state goes */
	watch_look_soon(daemon);
}

/* --- what became of it */

static bool is_final(int code)
{
	return code == -EACCES || code == -ENOENT || code == -EPERM || code == -EINVAL ||
	       code == -EOPNOTSUPP || code == -EPROTONOSUPPORT || code == -EADDRINUSE ||
	       code == -EBUSY;
}

static void judge(const struct daemon *daemon, struct intent *intent)
{
	const struct tid *tid = &intent->connection.tid;
	struct sm_view view = { .state = SM_DOWN, .error = "" };
	bool known = sm_find(daemon->sm, tid, &view);
	bool there = inventory_find_tid(daemon->inventory, tid, daemon->host.hostnqn);

	if (intent->bad)
		return;
	/* refused at once, because a person wants it */
	if (intent->absent && !view.absent && there)
		return;
	if (intent->absent ? !there : known && view.state == SM_UP) {
		intent->state = "done";
		intent->error[0] = '\0';
	} else if (known && is_final(view.code)) {
		fail(intent, view.error);
	} else {
		intent->state = "working";
		snprintf(intent->error, sizeof(intent->error), "%.*s", SM_ERROR_MAX - 1,
			 view.error);
	}
}

void intent_changed(struct daemon *daemon)
{
	size_t i;

	for (i = 0; i < daemon->intents->count; i++)
		judge(daemon, daemon->intents->items[i]);
}

static int put_one(const struct intent *intent, struct object_set *set, struct err *err)
{
	struct js *attrs = js_object();
	char what[TID_TEXT_MAX];
	char about[TID_TEXT_MAX + 32];

	tid_describe(&intent->connection.tid, what);
	snprintf(about, sizeof(about), "%s %s", intent->absent ? "disconnect" : "connect", what);
	js_set(attrs, "state", js_string(intent->state));
	js_set(attrs, "absent", js_bool(intent->absent));
	if (*intent->error)
		js_set(attrs, "error", js_string(intent->error));
	js_set(attrs, "about", js_string(about));
	return object_set_put(set, "intent", intent->id, attrs, err);
}

int intent_put(const struct daemon *daemon, struct object_set *set, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < daemon->intents->count; i++)
		r = put_one(daemon->intents->items[i], set, err);
	return r;
}
