/* SPDX-License-Identifier: BSD-3-Clause */
/* This host as objects, for commands and the collector; what happens, in the journal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/log.h"
#include "initiator/daemon.h"
#include "initiator/owner.h"
#include "initiator/state.h"

/* --- the journal */

static void say(const struct track_entry *entry, int priority, const char *text)
{
	char what[TID_TEXT_MAX];
	const struct log_about about = {
		.nqn = entry->tid.nqn,
		.hostnqn = entry->tid.hostnqn,
		.device = entry->name,
		.address = entry->tid.traddr,
	};

	log_write(priority, &about, "%s, %s: %s", entry->name, tid_describe(&entry->tid, what),
		  text);
}

static void note_flap(struct daemon *daemon, const struct track_entry *entry)
{
	CLEANUP_JS struct js *object = js_object();

	js_set(object, "nqn", js_string(entry->tid.nqn));
	js_set(object, "state", js_string(entry->state));
	if (daemon->agent)
		agent_note(daemon->agent, "controller", entry->name, entry->cause, object);
}

void report_change(void *data, enum track_change change, const struct track_entry *entry)
{
	char text[TRACK_CAUSE_MAX + 64];

	switch (change) {
	case TRACK_LOST:
	case TRACK_FLAP:
		snprintf(text, sizeof(text), "lost: %s", entry->cause);
		say(entry, LOG_WARNING, text);
		if (change == TRACK_FLAP)
			note_flap(data, entry);
		break;
	case TRACK_UP:
		say(entry, LOG_NOTICE, "connected");
		break;
	case TRACK_BACK:
		say(entry, LOG_NOTICE, entry->cause);
		break;
	case TRACK_GONE:
		snprintf(text, sizeof(text), "gone: %s", entry->cause);
		say(entry, LOG_NOTICE, text);
		break;
	case TRACK_ADDED:
		say(entry, LOG_NOTICE, entry->state);
		break;
	default:
		say(entry, LOG_DEBUG, entry->state);
		break;
	}
}

/* --- objects */

static bool remember(void *data, const struct inventory_controller *controller,
		     struct state_memory *ret)
{
	struct daemon *daemon = data;
	const struct track_entry *entry = track_find(&daemon->track, controller->name);
	struct sm_view view;

	if (!entry)
		return false;
	owner_read(daemon->dirs.run_fd, controller->name, daemon->owner, NULL);
	*ret = (struct state_memory){
		.since_ms = entry->since_wall_ms,
		.lost_for_ms = entry->lost_for_ms,
		.cause = entry->cause,
		.owner = daemon->owner,
		.wanted = sm_find_controller(daemon->sm, controller->name, &view),
		.flaps = entry->losses,
	};
	return true;
}

static void set_text(struct js *js, const char *key, const char *text)
{
	if (*text)
		js_set(js, key, js_string(text));
}

/* One that failed before is still waiting for it while it is tried again: not each try is news. */
static enum sm_state shown_state(const struct sm_view *view)
{
	if (view->attempts && (view->state == SM_PROBING || view->state == SM_CONNECTING))
		return SM_WAITING;
	return view->state;
}

static int put_connection(const struct daemon *daemon, struct object_set *set,
			  const struct sm_view *view, struct err *err)
{
	const struct tid *tid = &view->connection->tid;
	struct js *attrs = js_object();
	struct js *counters = js_object();
	char id[TID_TEXT_MAX];

	set_text(attrs, "nqn", tid->nqn);
	set_text(attrs, "transport", tid->transport);
	set_text(attrs, "address", tid->traddr);
	set_text(attrs, "service", tid->trsvcid);
	set_text(attrs, "hostnqn", tid->hostnqn);
	js_set(attrs, "state", js_string(sm_state_word(shown_state(view))));
	set_text(attrs, "controller", view->controller);
	set_text(attrs, "error", view->error);
	set_text(attrs, "source", sm_source_word(view->sources));
	js_set(counters, "attempts", js_int(view->attempts));
	if (view->next_ms)
		js_set(counters, "next_ms",
		       js_int(clock_wall_ms() + view->next_ms - loop_now_ms(daemon->loop)));
	js_set(attrs, "counters", counters);
	tid_format(tid, id);
	/* an id has its bound; names of hosts are the last in it */
	if (strlen(id) > OBJECT_ID_MAX)
		id[OBJECT_ID_MAX] = '\0';
	return object_set_put(set, "connection", id, attrs, err);
}

static int put_connections(const struct daemon *daemon, struct object_set *set, struct err *err)
{
	struct sm_view view;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < sm_count(daemon->sm); i++) {
		sm_at(daemon->sm, i, &view);
		/* one that is only to be gone is nobody's wish */
		if (view.sources)
			r = put_connection(daemon, set, &view, err);
	}
	return r;
}

static int put_all(struct daemon *daemon, struct object_set *set, struct err *err)
{
	int r = state_put(set, daemon->inventory, &daemon->host, remember, daemon, err);

	if (r == 0)
		r = state_put_kernel(set, daemon->dirs.sysfs_fd, &daemon->options, err);
	if (r == 0)
		r = put_connections(daemon, set, err);
	return r < 0 ? r : intent_put(daemon, set, err);
}

static const char *cause_of(void *data, enum object_change change, const struct object *object)
{
	struct daemon *daemon = data;
	const char *cause = js_text(js_get(object->attrs, "cause"));
	const char *error = js_text(js_get(object->attrs, "error"));
	const char *hint;

	if (change == OBJECT_REMOVED && strcmp(object->kind, "controller") == 0) {
		hint = watch_hint(daemon, object->id);
		return *hint ? hint : "it is gone";
	}
	if (cause)
		return cause;
	return error ? error : "";
}

void report_state(struct daemon *daemon)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	struct err err = ERR_NULL;
	int r = set ? put_all(daemon, set, &err) : -ENOMEM;

	if (r == 0)
		r = agent_update_explained(daemon->agent, TAKE_PTR(set), cause_of, daemon);
	if (r < 0)
		log_error("this host cannot be described: %s", *err.text ? err.text : strerror(-r));
}

/* --- the agent */

static void on_event(void *data, const struct report_event *event)
{
	if (strcmp(event->kind, "gap") == 0)
		log_warning("%s", event->cause);
	serve_event(data, event);
}

static void on_warn(void *data, const char *text)
{
	(void)data;
	log_warning("%s", text);
}

static void on_trouble(void *data, bool is_over, const char *text)
{
	(void)data;
	log_write(is_over ? LOG_NOTICE : LOG_ERR, NULL, "%s", text);
}

int report_start(struct daemon *daemon, struct err *err)
{
	char spool[CONF_PATH_MAX];
	struct agent_conf *conf = &daemon->conf.collector;
	const struct agent_hooks hooks = {
		.wanted = intent_take,
		.event = on_event,
		.trouble = on_trouble,
		.warn = on_warn,
		.data = daemon,
	};
	struct agent_config config = {
		.program = daemon->paths.program,
		.role = REPORT_INITIATOR,
		.spool_dir = spool,
	};
	struct err why = ERR_NULL;
	int r = agent_conf_identify(daemon->dirs.etc_fd, conf, &why);

	if (r < 0 && *conf->url)
		return err_set(err, r, "%s", why.text);
	if (r < 0)
		snprintf(conf->node, sizeof(conf->node), "unknown");
	snprintf(spool, sizeof(spool), "%s/spool", daemon->paths.state);
	agent_conf_fill(conf, &config);
	return agent_new(daemon->loop, &config, &hooks, &daemon->agent, err);
}

void report_end(struct daemon *daemon)
{
	agent_free(daemon->agent);
	daemon->agent = NULL;
}
