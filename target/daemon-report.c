/* SPDX-License-Identifier: BSD-3-Clause */
/* The collector: state and events go up by the agent, entries of what is wanted come down. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/log.h"
#include "target/ctl.h"
#include "target/daemon.h"
#include "target/intent.h"
#include "wire/agent-conf.h"

#define SPOOL_DIR STATEDIR "/nvmet-sunfishd"
#define NOT_LOOKED "it has not been looked at since the start of the daemon"

const struct object_set *daemon_state(const struct daemon *daemon)
{
	return daemon->agent ? agent_state(daemon->agent) : NULL;
}

/* --- up */

static void add_own(const struct daemon *daemon, struct object_set *state)
{
	size_t i;

	if (daemon->kernel)
		object_set_put(state, "kernel", "nvmet", js_ref(daemon->kernel), NULL);
	for (i = 0; i < js_length(daemon->intents); i++)
		object_set_put(state, "intent", js_key_at(daemon->intents, i),
			       js_ref(js_value_at(daemon->intents, i)), NULL);
}

static void try_again(struct daemon *daemon)
{
	size_t i;

	for (i = 0; i < js_length(daemon->intents); i++) {
		const struct js *intent = js_value_at(daemon->intents, i);
		const char *id = js_key_at(daemon->intents, i);
		const char *error = js_text(js_get(intent, "error"));

		/* one without an error is on its way */
		if (strcmp(js_text(js_get(intent, "state")), "working") == 0 && error)
			task_intent(daemon, id, js_ref(js_get(daemon->wants, id)));
	}
}

void daemon_report_state(struct daemon *daemon, struct object_set *take_state, const char *cause)
{
	if (!daemon->agent) {
		object_set_free(take_state);
		return;
	}
	add_own(daemon, take_state);
	if (agent_update(daemon->agent, take_state, cause) < 0)
		log_error("the state of the target cannot be told: out of memory");
	try_again(daemon);
}

static void tell_drift(const struct log_about *about, const struct report_event *event)
{
	const struct js *drift = js_get(event->object, "drift");
	size_t i;

	for (i = 0; strcmp(event->type, "removed") != 0 && i < js_length(drift); i++)
		log_write(LOG_WARNING, about, "%s: changed by others: %s", event->id,
			  js_text(js_at(drift, i)));
}

static void on_event(void *data, const struct report_event *event)
{
	const char *state = js_text(js_get(event->object, "state"));
	struct log_about about = {
		.nqn = js_text(js_get(event->object, "nqn")),
		.hostnqn = js_text(js_get(event->object, "hostnqn")),
		.device = js_text(js_get(event->object, "device")),
		.address = js_text(js_get(event->object, "address")),
		.intent = strcmp(event->kind, "intent") == 0 ? event->id : NULL,
	};
	CLEANUP_JS struct js *js = report_event_encode(event);

	log_write(strcmp(event->kind, "gap") == 0 ? LOG_WARNING : LOG_INFO, &about,
		  "%s %s %s%s%s (%s)", event->kind, event->id, event->type, state ? ": " : "",
		  state ? state : "", event->cause);
	tell_drift(&about, event);
	daemon_serve_event(data, js);
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

/* --- down */

static struct js *intent_new(const struct wanted_entry *entry, const char *state, const char *error)
{
	CLEANUP_STR struct str about = STR_NULL;
	struct js *js = js_object();

	intent_describe(entry, &about);
	js_set(js, "about", js_string(str_get(&about)));
	js_set(js, "absent", js_bool(entry->absent));
	js_set(js, "state", js_string(state));
	if (error)
		js_set(js, "error", js_string(error));
	return js;
}

static void publish(struct daemon *daemon, const char *cause)
{
	const struct object_set *now = daemon_state(daemon);
	struct object_set *state = now ? object_set_new() : NULL;
	size_t i;

	for (i = 0; state && i < object_set_count(now); i++) {
		struct object object = object_set_at(now, i);

		if (strcmp(object.kind, "intent") != 0)
			object_set_put(state, object.kind, object.id, js_ref(object.attrs), NULL);
	}
	if (!state)
		return;
	add_own(daemon, state);
	if (agent_update(daemon->agent, state, cause) < 0)
		log_error("the state of the target cannot be told: out of memory");
}

/* What stands in the document as before goes on, or stays as it ended. Leases are the agent's. */
static void take_entry(struct daemon *daemon, const struct js *entry_js,
		       const struct wanted_entry *entry, struct js *wants, struct js *intents)
{
	const struct js *before = js_get(daemon->wants, entry->intent);
	const struct js *intent = js_get(daemon->intents, entry->intent);

	js_set(wants, entry->intent, js_ref(entry_js));
	if (intent && before && js_is_equal(before, entry_js, "expires")) {
		js_set(intents, entry->intent, js_ref(intent));
		return;
	}
	/* what is stored comes back first, by itself: it is looked at after the first look */
	if (daemon->is_recalling) {
		js_set(intents, entry->intent, intent_new(entry, "working", NOT_LOOKED));
		return;
	}
	js_set(intents, entry->intent, intent_new(entry, "working", NULL));
	task_intent(daemon, entry->intent, js_ref(entry_js));
}

static void on_wanted(void *data, const struct wanted *wanted)
{
	struct daemon *daemon = data;
	struct js *wants = js_object();
	struct js *intents = js_object();
	struct js *owners = js_object();
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		struct wanted_entry entry;

		wanted_entry_at(wanted, i, &entry);
		take_entry(daemon, js_at(wanted->entries, i), &entry, wants, intents);
		if (entry.kind == WANTED_EXPORT && !entry.absent)
			js_set(owners, entry.nqn, js_string(entry.intent));
	}
	js_free(daemon->wants);
	js_free(daemon->intents);
	js_free(daemon->owners);
	daemon->wants = wants;
	daemon->intents = intents;
	daemon->owners = owners;
	/* not from within the agent's call */
	if (!daemon->is_recalling)
		daemon_look_soon(daemon, 0, true, "the collector wants something");
}

void daemon_report_intent(struct daemon *daemon, const char *id, const char *state,
			  const char *error)
{
	const struct js *before = js_get(daemon->intents, id);
	struct js *now;

	/* it may not be wanted any more */
	if (!before)
		return;
	now = js_copy_without(before, (const char *const[]){ "state", "error", NULL });
	js_set(now, "state", js_string(state));
	if (error)
		js_set(now, "error", js_string(error));
	js_set(daemon->intents, id, now);
	publish(daemon, error ? error : "as the collector wants it");
}

/* --- */

struct js *daemon_report_status(const struct daemon *daemon)
{
	struct agent_status status = { 0 };
	struct js *js;

	if (daemon->agent)
		agent_status(daemon->agent, &status);
	if (!status.configured)
		return NULL;
	js = js_object();
	js_set(js, "url", js_string(daemon->settings.collector.url));
	js_set(js, "connected", js_bool(status.connected));
	js_set(js, "since_ms", js_int(status.since_ms));
	js_set(js, "error", js_string(status.error));
	js_set(js, "events", js_int((int64_t)status.seq));
	js_set(js, "acknowledged", js_int((int64_t)status.acknowledged));
	js_set(js, "lost", js_int((int64_t)status.lost));
	js_set(js, "lost_why", js_string(status.lost_why));
	if (status.spool_trouble)
		js_set(js, "in_memory", js_string(strerror(-status.spool_trouble)));
	js_set(js, "refused", js_int((int64_t)status.refused));
	return js;
}

static int agent_begin(struct daemon *daemon, const struct agent_config *config, struct err *err)
{
	const struct agent_hooks hooks = {
		.wanted = on_wanted,
		.event = on_event,
		.trouble = on_trouble,
		.warn = on_warn,
		.data = daemon,
	};
	int r = agent_new(daemon->loop, config, &hooks, &daemon->agent, err);

	if (r < 0)
		return r;
	daemon->is_recalling = true;
	if (agent_recall(daemon->agent))
		log_info("until the collector speaks, what it wanted before counts: %zu entries",
			 js_length(daemon->wants));
	daemon->is_recalling = false;
	return 0;
}

static int begin_as_configured(struct daemon *daemon, struct err *err)
{
	struct agent_conf *conf = &daemon->settings.collector;
	CLEANUP_CLOSE int etc_fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct agent_config config = {
		.program = "nvmet-sunfishd " VERSION,
		.role = REPORT_TARGET,
		.spool_dir = SPOOL_DIR,
	};
	int r = agent_conf_identify(etc_fd, conf, err);

	if (r < 0 && !*conf->url) {
		memcpy(conf->node, "unknown", sizeof("unknown"));
		r = 0;
	}
	agent_conf_fill(conf, &config);
	return r < 0 ? r : agent_begin(daemon, &config, err);
}

static int begin_without(struct daemon *daemon, struct err *err)
{
	const struct agent_config config = {
		.program = "nvmet-sunfishd " VERSION,
		.role = REPORT_TARGET,
		.node = "unknown",
		.name = "unknown",
	};

	return agent_begin(daemon, &config, err);
}

/* A wrong configuration of the collector must not keep exports away. */
int daemon_report_begin(struct daemon *daemon, struct err *err)
{
	struct err why = ERR_NULL;
	int r = begin_as_configured(daemon, &why);

	if (r == 0)
		return 0;
	log_error("the collector gets no reports: %s", *why.text ? why.text : strerror(-r));
	return begin_without(daemon, err);
}

/* What the collector wanted is nobody's any more; it is left as it is. */
static void forget_wanted(struct daemon *daemon)
{
	js_free(daemon->intents);
	js_free(daemon->wants);
	js_free(daemon->owners);
	daemon->intents = NULL;
	daemon->wants = NULL;
	daemon->owners = NULL;
}

static void end_agent(struct daemon *daemon)
{
	agent_free(daemon->agent);
	daemon->agent = NULL;
}

void daemon_report_end(struct daemon *daemon)
{
	end_agent(daemon);
	forget_wanted(daemon);
}

/* What it wanted goes on: another one may be the same at another address. */
static void change_collector(struct daemon *daemon, const struct agent_conf *before)
{
	struct err err = ERR_NULL;

	end_agent(daemon);
	if (!*daemon->settings.collector.url)
		forget_wanted(daemon);
	if (begin_as_configured(daemon, &err) == 0) {
		log_notice(*daemon->settings.collector.url ? "the collector is %s from now on"
							   : "there is no collector from now on%s",
			   daemon->settings.collector.url);
		return;
	}
	log_error("the new collector cannot be used: %s; the old one stays", err.text);
	daemon->settings.collector = *before;
	if (daemon_report_begin(daemon, &err) < 0) {
		log_error("%s", err.text);
		loop_quit(daemon->loop, 1);
	}
}

void daemon_report_reload(struct daemon *daemon, const struct settings *settings)
{
	CLEANUP_CLOSE int etc_fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct agent_conf before = daemon->settings.collector;

	daemon->settings = *settings;
	if (agent_conf_identify(etc_fd, &daemon->settings.collector, NULL) == 0 &&
	    agent_conf_equal(&before, &daemon->settings.collector))
		return;
	change_collector(daemon, &before);
}
