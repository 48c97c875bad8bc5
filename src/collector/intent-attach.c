/* SPDX-License-Identifier: BSD-3-Clause */
/* intent-attach - attachments: facts out of the registry for intent-plan, and requests for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/intent-own.h"
#include "collector/peek.h"
#include "nvmf/nqn.h"
#include "wire/wanted.h"

/* A lease that is over, but whose device is in use, is tried again. */
#define LEASE_AGAIN_MS 30000

static const char *text_of(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}

static const struct registry_source *source_of(const struct intents *intents, const char *node,
					       enum report_role role)
{
	return registry_source_find(intents->collector->registry, node, role);
}

/* --- facts of the target */

static void look_at_target(const struct registry_source *target, const struct intent *intent,
			   struct intent_facts *facts)
{
	char id[OBJECT_ID_MAX + 1];
	const struct registry_object *object;
	struct registry_object *const *sessions;
	size_t count = 0;
	size_t i;

	if (!target)
		return;
	object = registry_object_find(target, "subsystem", intent->nqn);
	if (object) {
		CLEANUP_JS struct js *attrs = registry_object_attrs(object);

		facts->any_host = js_is_true(js_get(attrs, "any_host"));
	}
	snprintf(id, sizeof(id), "%s/%s", intent->nqn, intent->hostnqn);
	facts->is_allowed = registry_object_find(target, "allowed", id) != NULL;
	sessions = registry_object_range(target, "session", &count);
	for (i = 0; i < count; i++) {
		CLEANUP_JS struct js *attrs = registry_object_attrs(sessions[i]);
		const char *nqn = text_of(attrs, "nqn");
		const char *hostnqn = text_of(attrs, "hostnqn");

		if (*nqn && strcmp(nqn, intent->nqn) != 0)
			continue;
		if (*nqn && strcmp(hostnqn, intent->hostnqn) == 0)
			facts->has_session = true;
		else if (!*hostnqn)
			facts->has_other_session = true;
	}
}

/* --- facts of the host. What is copied out of the registry lives as long as this. */

struct host_texts {
	char controller[64];
	char device[INTENT_DEVICE_MAX];
	char mounted[256];
};

static bool is_at(const struct js *controller, const struct intent *intent)
{
	const char *hostnqn = text_of(controller, "hostnqn");

	return strcmp(text_of(controller, "nqn"), intent->nqn) == 0 &&
	       strcmp(text_of(controller, "transport"), intent->at.transport) == 0 &&
	       strcmp(text_of(controller, "address"), intent->at.address) == 0 &&
	       strcmp(text_of(controller, "service"), intent->at.service) == 0 &&
	       (!*hostnqn || strcmp(hostnqn, intent->hostnqn) == 0);
}

/* A host with many attachments is looked at for each of them: only what is of @nqn is parsed.
 * Returns: NULL it is of another one. */
static struct js *attrs_of(const struct registry_object *object, const char *nqn)
{
	return peek_is(object->attrs, "nqn", nqn) ? registry_object_attrs(object) : NULL;
}

static void look_at_controllers(const struct registry_source *host, const struct intent *intent,
				struct host_texts *texts, struct intent_facts *facts)
{
	size_t count = 0;
	struct registry_object *const *objects = registry_object_range(host, "controller", &count);
	size_t i;

	for (i = 0; i < count && facts->controller != INTENT_LIVE; i++) {
		CLEANUP_JS struct js *attrs = attrs_of(objects[i], intent->nqn);

		if (!attrs || !is_at(attrs, intent))
			continue;
		snprintf(texts->controller, sizeof(texts->controller), "%s", objects[i]->id);
		facts->controller =
			strcmp(text_of(attrs, "state"), "live") == 0 ? INTENT_LIVE : INTENT_DEAD;
	}
}

static void look_at_devices(const struct registry_source *host, const struct intent *intent,
			    struct host_texts *texts)
{
	size_t count = 0;
	struct registry_object *const *objects = registry_object_range(host, "device", &count);
	size_t i;

	for (i = 0; i < count; i++) {
		CLEANUP_JS struct js *attrs = attrs_of(objects[i], intent->nqn);
		const char *mounted = js_text(js_at(js_get(attrs, "mounts"), 0));

		if (!attrs)
			continue;
		if (!*texts->device)
			snprintf(texts->device, sizeof(texts->device), "%s",
				 text_of(attrs, "device"));
		if (mounted && !*texts->mounted)
			snprintf(texts->mounted, sizeof(texts->mounted), "%s", mounted);
	}
}

/* --- one step */

struct names {
	char listener[INTENT_LISTENER_MAX];
	char timeout[CLOCK_TEXT_MAX];
};

static struct intent_names name_all(const struct intent *intent, struct names *names)
{
	snprintf(names->listener, sizeof(names->listener), "%s %s:%s", intent->at.transport,
		 intent->at.address, intent->at.service);
	clock_format_span(intent->timeout_ms, names->timeout);
	return (struct intent_names){
		.subsystem = intent->nqn,
		.target = intent->target_name,
		.host = intent->host_name,
		.listener = names->listener,
		.timeout = names->timeout,
	};
}

static void take_over(const struct intents *intents, struct intent *intent,
		      const struct intent_out *out)
{
	size_t i;

	for (i = 0; i < out->n_steps; i++)
		intent_tell_step(intent, out->steps[i].hop, out->steps[i].state,
				 out->steps[i].text);
	if (out->has_moved)
		intent_begin_hop(intents, intent);
	if (intent->plan.phase == INTENT_ATTACHED || intent->plan.phase == INTENT_OVER)
		intent->due_ms = INT64_MAX;
}

static bool is_lease_over(const struct intents *intents, const struct intent *intent)
{
	return collector_now_ms(intents->collector) >= intent->lease_due_ms;
}

/* Its lease is over. What is attached all the same, since it is in use, is tried again. */
static bool expire(struct intents *intents, struct intent *intent, const struct intent_names *names)
{
	struct intent_out *out;
	char time[CLOCK_TEXT_MAX];
	char why[128];
	bool changed;

	if (!is_lease_over(intents, intent))
		return false;
	intent->lease_due_ms = collector_now_ms(intents->collector) + LEASE_AGAIN_MS;
	if (intent->plan.goal != INTENT_USE)
		return false;
	out = calloc(1, sizeof(*out));
	if (!out)
		return false;
	snprintf(why, sizeof(why), "the lease was over at %s",
		 clock_format(intent->expires_ms, time));
	intent_plan_detach(&intent->plan, false, why, names, out);
	take_over(intents, intent, out);
	changed = out->has_changed;
	free(out);
	return changed;
}

int intent_attach_step(struct intents *intents, struct intent *intent, bool *ret_changed,
		       struct err *err)
{
	const struct registry_source *target = source_of(intents, intent->target, REPORT_TARGET);
	const struct registry_source *host = source_of(intents, intent->host, REPORT_INITIATOR);
	struct intent_wants wants = intent_plan_wants(&intent->plan);
	CLEANUP_JS struct js *target_word = NULL;
	CLEANUP_JS struct js *host_word = NULL;
	struct host_texts texts = { .device = "" };
	struct names keep;
	const struct intent_names names = name_all(intent, &keep);
	struct intent_facts facts = { .controller_id = texts.controller,
				      .device = texts.device,
				      .mounted = texts.mounted };
	CLEANUP_FREE struct intent_out *out = calloc(1, sizeof(*out));

	if (!out)
		return err_nomem(err);
	if (expire(intents, intent, &names)) {
		*ret_changed = true;
		return 0;
	}
	if (intent_is_unsure(target) || intent_is_unsure(host)) {
		intent_stop_time(intents, intent);
		return 0;
	}
	facts.target = intent_hear(target, intent, wants.access, &target_word);
	facts.host = intent_hear(host, intent, wants.connection, &host_word);
	facts.is_late = intent_look_at_time(intents, intent);
	look_at_target(target, intent, &facts);
	if (host) {
		look_at_controllers(host, intent, &texts, &facts);
		look_at_devices(host, intent, &texts);
	}
	if (js_length(intent->steps) == 0)
		intent_plan_init(&intent->plan, &facts, &names, out);
	else
		intent_plan_advance(&intent->plan, &facts, &names, out);
	take_over(intents, intent, out);
	*ret_changed = out->has_changed;
	return 0;
}

/* --- what is wanted */

static struct js *entry_of(const struct intent *intent, enum wanted_kind kind, bool absent)
{
	const struct wanted_entry entry = {
		.kind = kind,
		.intent = intent->id,
		.absent = absent,
		.force = absent && intent->plan.force,
		.nqn = intent->nqn,
		.hostnqn = kind == WANTED_CONNECTION && intent->is_default_hostnqn
				   ? ""
				   : intent->hostnqn,
		/* in whole seconds: a restart, which reckons it anew, is no news */
		.expires_ms =
			absent || !intent->lease_ms ? 0 : (intent->expires_ms + 999) / 1000 * 1000,
		.at = { intent->at.transport, intent->at.address, intent->at.service },
	};

	return wanted_entry_encode(&entry);
}

static int want(struct intents *intents, const struct intent *intent, enum wanted_kind kind,
		enum intent_want what, struct err *err)
{
	bool is_access = kind == WANTED_ACCESS;
	const char *node = is_access ? intent->target : intent->host;
	enum report_role role = is_access ? REPORT_TARGET : REPORT_INITIATOR;
	struct js *entry;

	/* of one that was removed nothing is wanted until it is back */
	if (!source_of(intents, node, role))
		return 0;
	entry = what == INTENT_NOTHING ? NULL : entry_of(intent, kind, what == INTENT_ABSENT);
	if (what != INTENT_NOTHING && !entry)
		return err_nomem(err);
	return registry_want(intents->collector->registry, node, role, intent->id, entry, err);
}

int intent_attach_wants(struct intents *intents, const struct intent *intent, struct err *err)
{
	struct intent_wants wants = intent_plan_wants(&intent->plan);
	int r = want(intents, intent, WANTED_ACCESS, wants.access, err);

	return r < 0 ? r : want(intents, intent, WANTED_CONNECTION, wants.connection, err);
}

/* --- documents */

static struct js *format_listener(const struct intent_listener *at)
{
	struct js *js = js_object();

	js_set(js, "transport", js_string(at->transport));
	js_set(js, "address", js_string(at->address));
	js_set(js, "service", js_string(at->service));
	return js;
}

void intent_attach_format(const struct intent *intent, struct js *js)
{
	js_set(js, "subsystem", js_string(intent->nqn));
	js_set(js, "target", js_string(intent->target_name));
	js_set(js, "host", js_string(intent->host_name));
	js_set(js, "hostnqn", js_string(intent->hostnqn));
	js_set(js, "listener", format_listener(&intent->at));
	js_set(js, "state", js_string(intent_plan_state(&intent->plan)));
	js_set(js, "hop", js_string(intent_plan_hop(&intent->plan)));
	js_set(js, "error", js_string(intent->plan.error));
	js_set(js, "device", js_string(intent->plan.device));
	js_set(js, "proof", js_string(intent->plan.proof));
	if (intent->lease_ms)
		js_set(js, "expires", js_int(intent->expires_ms));
	if (intent->job)
		js_set(js, "job", js_string(intent->job));
}

static int parse_listener(const struct js *js, struct intent_listener *ret, struct err *err)
{
	int n[3];

	n[0] = snprintf(ret->transport, sizeof(ret->transport), "%s", text_of(js, "transport"));
	n[1] = snprintf(ret->address, sizeof(ret->address), "%s", text_of(js, "address"));
	n[2] = snprintf(ret->service, sizeof(ret->service), "%s", text_of(js, "service"));
	if (n[0] < 1 || (size_t)n[0] >= sizeof(ret->transport) || n[1] < 1 ||
	    (size_t)n[1] >= sizeof(ret->address) || (size_t)n[2] >= sizeof(ret->service))
		return err_set(
			err, -EINVAL,
			"\"listener\" must have \"transport\", \"address\" and, if it is not "
			"the only one, \"service\"");
	return 0;
}

/* What is left of it, by all that was stored. */
static void parse_lease(const struct js *js, struct intent *intent)
{
	struct term_moment noted;
	struct term_moment now;
	int64_t mono = clock_monotonic_ms();
	int64_t left = js_number(js_get(js, "lease_left"), intent->lease_ms);

	term_moment_decode(js_get(js, "lease_noted"), &noted);
	term_moment_now(&now);
	left = term_left(left < intent->lease_ms ? left : intent->lease_ms, INTENT_GRACE_MS, &noted,
			 &now);
	intent->lease_due_ms = mono + left;
	intent->note_due_ms = mono;
	/* the clock may have been set meanwhile; of one that is over it is told when it was */
	if (left > 0 && intent->plan.goal == INTENT_USE)
		intent->expires_ms = now.wall_ms + left;
}

int intent_attach_parse(const struct js *js, struct intent *intent, struct err *err)
{
	int r = parse_listener(js_get(js, "listener"), &intent->at, err);

	if (r == 0)
		r = intent_set_text(&intent->nqn, text_of(js, "subsystem"), err);
	if (r == 0)
		r = intent_set_text(&intent->target_name, text_of(js, "target"), err);
	if (r == 0)
		r = intent_set_text(&intent->host, text_of(js, "host_id"), err);
	if (r == 0)
		r = intent_set_text(&intent->host_name, text_of(js, "host"), err);
	if (r == 0)
		r = intent_set_text(&intent->hostnqn, text_of(js, "hostnqn"), err);
	if (r == 0 && js_get(js, "job"))
		r = intent_set_text(&intent->job, text_of(js, "job"), err);
	if (r == 0)
		r = intent_plan_decode(js_get(js, "plan"), &intent->plan, err);
	if (r < 0)
		return r;
	intent->is_default_hostnqn = js_is_true(js_get(js, "default_hostnqn"));
	intent->lease_ms = js_number(js_get(js, "lease_ms"), 0);
	intent->expires_ms = js_number(js_get(js, "expires"), 0);
	if (intent->lease_ms)
		parse_lease(js, intent);
	return 0;
}

/* --- who is meant */

static int add_name(void *data, const struct registry_source *source,
		    const struct registry_object *object)
{
	struct str *names = data;

	(void)object;
	str_addf(names, "%s%s", names->length ? ", " : "", source->node->name);
	return 0;
}

static int find_first(void *data, const struct registry_source *source,
		      const struct registry_object *object)
{
	const struct registry_source **first = data;

	(void)object;
	if (*first)
		return 1;
	*first = source;
	return 0;
}

/* @name  of a node, or its id; NULL: there is only one */
static int find_target(const struct registry *registry, const char *nqn, const char *name,
		       const struct registry_source **ret, struct err *err)
{
	const struct registry_filter filter = {
		.node = name,
		.role = REPORT_TARGET,
		.kind = "subsystem",
		.id = nqn,
	};
	CLEANUP_STR struct str names = STR_NULL;

	*ret = NULL;
	if (registry_each(registry, &filter, find_first, (void *)ret) == 1) {
		registry_each(registry, &filter, add_name, &names);
		return err_set(err, -EEXIST,
			       "%s is on more than one target: %s; say which, such as: --target %s",
			       nqn, str_get(&names), (*ret)->node->name);
	}
	if (*ret)
		return 0;
	if (name)
		return err_set(err, -ENOENT,
			       "%s has no subsystem %s; see: sunfishctl subsystems --nqn %s", name,
			       nqn, nqn);
	return err_set(err, -ENOENT, "no target has a subsystem %s; see: sunfishctl subsystems",
		       nqn);
}

struct host_search {
	const struct registry_source *source;
	const struct registry_source *other; /* has that host NQN as well */
	char hostnqn[NQN_MAX + 1];
	bool is_default;
};

static int find_host_object(void *data, const struct registry_source *source,
			    const struct registry_object *object)
{
	struct host_search *search = data;
	CLEANUP_JS struct js *attrs = registry_object_attrs(object);

	if (search->source && search->source != source)
		search->other = source;
	if (search->source && (search->is_default || search->other))
		return 0;
	search->source = source;
	search->is_default = js_is_true(js_get(attrs, "default"));
	snprintf(search->hostnqn, sizeof(search->hostnqn), "%s", object->id);
	return 0;
}

static int find_host(const struct registry *registry, const char *host, struct host_search *ret,
		     struct err *err)
{
	struct registry_filter filter = { .role = REPORT_INITIATOR, .kind = "host" };
	const struct registry_node *node = registry_node_find(registry, host);

	*ret = (struct host_search){ 0 };
	if (node)
		filter.node = node->id;
	else
		filter.id = host;
	registry_each(registry, &filter, find_host_object, ret);
	if (ret->other)
		return err_set(err, -EEXIST,
			       "%s and %s both say that they are %s: name the node that is meant",
			       ret->source->node->name, ret->other->node->name, host);
	if (ret->source)
		return 0;
	if (node && !node->sources[REPORT_INITIATOR])
		return err_set(err, -ENOENT,
			       "no nvme-sunfishd reports for %s: is it running there, with the "
			       "collector in /etc/sunfish/initiator.conf?",
			       host);
	if (node)
		return err_set(err, -ENOENT,
			       "%s has no host NQN: make one there by: nvme gen-hostnqn "
			       ">/etc/nvme/hostnqn",
			       host);
	return err_set(err, -ENOENT,
		       "there is no node and no host NQN %s; see: sunfishctl nodes, sunfishctl "
		       "hosts",
		       host);
}

/* --- which listener */

static bool has_text(const struct js *array, const char *text)
{
	size_t i;

	for (i = 0; i < js_length(array); i++)
		if (js_text(js_at(array, i)) && strcmp(js_text(js_at(array, i)), text) == 0)
			return true;
	return false;
}

static bool is_wildcard(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* What the host's kernel can; an unknown list is no obstacle. */
static bool can_use(const struct registry_source *host, const char *transport)
{
	const struct registry_object *kernel = registry_object_find(host, "kernel", "nvme");
	CLEANUP_JS struct js *attrs = kernel ? registry_object_attrs(kernel) : NULL;
	const struct js *transports = js_get(attrs, "transports");

	return !js_length(transports) || has_text(transports, transport);
}

/* How good a listener is for that host: 0 it is none. */
static int worth(const struct registry_source *host, const struct js *listener,
		 const struct intent_listener *asked)
{
	const char *transport = text_of(listener, "transport");
	const char *address = text_of(listener, "address");

	if (asked)
		return strcmp(transport, asked->transport) == 0 &&
		       (is_wildcard(address) || strcmp(address, asked->address) == 0) &&
		       (!*asked->service ||
			strcmp(text_of(listener, "service"), asked->service) == 0);
	if (is_wildcard(address) || !can_use(host, transport))
		return 0;
	if (strcmp(transport, "rdma") == 0)
		return 3;
	return strcmp(transport, "tcp") == 0 ? 2 : 1;
}

static int refuse_listeners(const struct intent *intent, bool was_asked, const struct str *seen,
			    struct err *err)
{
	if (!seen->length)
		return err_set(err, -ENOENT,
			       "%s has no listener for %s: add one there, such as: "
			       "nvmet-sunfishctl listener add %s --tcp ADDR",
			       intent->target_name, intent->nqn, intent->nqn);
	if (was_asked)
		return err_set(err, -ENOENT, "%s does not listen there for %s, but at: %s",
			       intent->target_name, intent->nqn, seen->text);
	return err_set(err, -ENOENT,
		       "none of the listeners of %s can be used by %s, or all are wildcards: %s; "
		       "name one, such as: --tcp ADDR",
		       intent->nqn, intent->host_name, seen->text);
}

static int choose_listener(const struct registry_source *target, const struct registry_source *host,
			   const struct js *asked_js, struct intent *intent, struct err *err)
{
	CLEANUP_STR struct str seen = STR_NULL;
	struct intent_listener asked;
	struct registry_object *const *objects;
	size_t count = 0;
	size_t i;
	int best = 0;
	int r = asked_js ? parse_listener(asked_js, &asked, err) : 0;

	if (r < 0)
		return r;
	objects = registry_object_range(target, "listener", &count);
	for (i = 0; i < count; i++) {
		CLEANUP_JS struct js *attrs = registry_object_attrs(objects[i]);
		int value;

		if (!has_text(js_get(attrs, "subsystems"), intent->nqn))
			continue;
		str_addf(&seen, "%s%s %s:%s", seen.length ? ", " : "", text_of(attrs, "transport"),
			 text_of(attrs, "address"), text_of(attrs, "service"));
		value = worth(host, attrs, asked_js ? &asked : NULL);
		if (value <= best)
			continue;
		r = parse_listener(attrs, &intent->at, err);
		if (r < 0)
			return r;
		best = value;
		if (asked_js)
			memcpy(intent->at.address, asked.address, sizeof(asked.address));
	}
	return best ? 0 : refuse_listeners(intent, asked_js != NULL, &seen, err);
}

/* --- POST */

static struct intent *find_standing(const struct intents *intents, const char *target,
				    const char *nqn, const char *hostnqn)
{
	size_t i;

	for (i = 0; i < intents->count; i++) {
		struct intent *intent = intents->items[i];

		if (!intent->is_export && !intent_is_over(intent) &&
		    strcmp(intent->target, target) == 0 && strcmp(intent->nqn, nqn) == 0 &&
		    strcmp(intent->hostnqn, hostnqn) == 0)
			return intent;
	}
	return NULL;
}

static int take_lease(const struct intents *intents, struct intent *intent, const struct js *body,
		      struct err *err)
{
	const struct js *js = js_get(body, "lease_ms");
	int64_t ms = js_number(js, 0);
	const char *job = js_text(js_get(body, "job"));

	if (js && (js_type(js) != JS_INT || ms < 1 || ms > INTENT_LEASE_MAX_MS))
		return err_set(err, -EINVAL, "\"lease_ms\" must be from 1 to 10 years");
	if (js_get(body, "job") && (!job || strlen(job) > INTENT_JOB_MAX || !str_is_utf8(job)))
		return err_set(err, -EINVAL, "\"job\" must be a text of at most %d bytes",
			       INTENT_JOB_MAX);
	if (js) {
		intent->lease_ms = ms;
		intent->expires_ms = clock_wall_ms() + ms;
		intent->lease_due_ms = collector_now_ms(intents->collector) + ms;
	}
	return job ? intent_set_text(&intent->job, job, err) : 0;
}

/* Is it by the listener that is asked for, if one is? */
static int check_listener(const struct intent *intent, const struct js *asked_js, struct err *err)
{
	struct intent_listener asked = { .transport = "" };
	int r = asked_js ? parse_listener(asked_js, &asked, err) : 0;

	if (!asked_js || r < 0 ||
	    (strcmp(asked.transport, intent->at.transport) == 0 &&
	     strcmp(asked.address, intent->at.address) == 0 &&
	     (!*asked.service || strcmp(asked.service, intent->at.service) == 0)))
		return r;
	return err_set(err, -EEXIST,
		       "%s is attached to %s already, by %s %s:%s (%s): detach it first to have it "
		       "by another listener",
		       intent->nqn, intent->host_name, intent->at.transport, intent->at.address,
		       intent->at.service, intent->id);
}

static int refuse_again(const struct intent *intent, struct err *err)
{
	const char *what = intent->plan.phase == INTENT_OVER
				   ? "is detached, but the host is still to be told, and not heard"
			   : intent->plan.goal == INTENT_UNDO
				   ? "could not be attached before, and that is still being undone"
				   : "is being detached";

	return err_set(err, -EBUSY,
		       "%s %s: %s (%s); wait until that is done, see: sunfishctl "
		       "attachments --host %s",
		       intent->nqn, intent->host_name, what, intent->id, intent->host_name);
}

/* The same again: only its lease begins anew, or another job has it. */
static int attach_again(struct intents *intents, struct intent *intent, const struct js *body,
			struct err *err)
{
	int r;

	if (intent->plan.goal != INTENT_USE)
		return refuse_again(intent, err);
	r = check_listener(intent, js_get(body, "listener"), err);
	if (r < 0 || (!js_get(body, "lease_ms") && !js_get(body, "job")))
		return r;
	r = take_lease(intents, intent, body, err);
	if (r < 0)
		return r;
	intent_tell_step(intent, "lease", "done",
			 js_get(body, "lease_ms") ? "its lease begins anew" : "another job has it");
	return intent_touch(intents, intent, err);
}

static int fill(struct intents *intents, struct intent *intent,
		const struct registry_source *target, const struct host_search *host,
		const struct js *body, struct err *err)
{
	int r = intent_set_text(&intent->target, target->node->id, err);

	if (r == 0)
		r = intent_set_text(&intent->target_name, target->node->name, err);
	if (r == 0)
		r = intent_set_text(&intent->host, host->source->node->id, err);
	if (r == 0)
		r = intent_set_text(&intent->host_name, host->source->node->name, err);
	if (r == 0)
		r = intent_set_text(&intent->hostnqn, host->hostnqn, err);
	if (r == 0)
		r = intent_set_text(&intent->nqn, text_of(body, "subsystem"), err);
	intent->is_default_hostnqn = host->is_default;
	if (r == 0)
		r = choose_listener(target, host->source, js_get(body, "listener"), intent, err);
	if (r == 0)
		r = intent_take_timeout(intent, body, err);
	return r < 0 ? r : take_lease(intents, intent, body, err);
}

static int check_online(const struct registry_source *source, struct err *err)
{
	if (source->online && !source->resync)
		return 0;
	return err_set(err, -EAGAIN, "%s is not heard of at the moment (%s); see: sunfishctl nodes",
		       source->node->name, report_role_word(source->role));
}

static int attach_new(struct intents *intents, const struct registry_source *target,
		      const struct host_search *host, const struct js *body, struct intent **ret,
		      struct err *err)
{
	struct intent *intent;
	int r = check_online(target, err);

	if (r == 0)
		r = check_online(host->source, err);
	if (r < 0)
		return r;
	if (intents->count >= INTENT_STANDING_MAX)
		return err_set(err, -EAGAIN, "there are %d attachments and exports already",
			       INTENT_STANDING_MAX);
	intent = intent_add(intents, false);
	if (!intent)
		return err_nomem(err);
	r = fill(intents, intent, target, host, body, err);
	if (r < 0) {
		intent_drop(intents, intent);
		return r;
	}
	r = intent_step(intents, intent, err);
	if (r < 0)
		intent_abort(intents, intent);
	else
		*ret = intent;
	return r;
}

int intent_attach_post(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err)
{
	struct intents *intents = collector->intents;
	CLEANUP_JS struct js *body = NULL;
	const struct registry_source *target;
	struct host_search host;
	struct intent *intent = NULL;
	const char *nqn;
	int r = api_body(request, &body, err);

	if (r < 0)
		return r;
	nqn = js_text(js_get(body, "subsystem"));
	if (!nqn || !js_text(js_get(body, "host")) ||
	    (js_get(body, "target") && !js_text(js_get(body, "target"))))
		return err_set(err, -EINVAL,
			       "\"subsystem\", \"host\" and \"target\" must be texts");
	r = find_target(collector->registry, nqn, js_text(js_get(body, "target")), &target, err);
	if (r == 0)
		r = find_host(collector->registry, js_text(js_get(body, "host")), &host, err);
	if (r < 0)
		return r;
	intent = find_standing(intents, target->node->id, nqn, host.hostnqn);
	r = intent ? attach_again(intents, intent, body, err)
		   : attach_new(intents, target, &host, body, &intent, err);
	return r < 0 ? r : api_answer_js(answer, 202, intent_format(intent), err);
}

/* --- DELETE */

int intent_attach_delete(struct intents *intents, struct intent *intent, bool force,
			 struct err *err)
{
	CLEANUP_FREE struct intent_out *out = calloc(1, sizeof(*out));
	struct names keep;
	const struct intent_names names = name_all(intent, &keep);

	if (!out)
		return err_nomem(err);
	intent_plan_detach(&intent->plan, force, "an administrator detaches it", &names, out);
	take_over(intents, intent, out);
	return out->has_changed ? intent_touch(intents, intent, err) : 0;
}
