/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intent-export - exports that were asked for here.
 *
 * The target makes one all or nothing, so that after a failure nothing is asked of it any more;
 * only if it did not answer in time it is asked to take away what it may still make. It takes away
 * only what it made for the collector.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "collector/intent-own.h"
#include "nvmf/nqn.h"
#include "wire/wanted.h"

#define N_MEMBERS 4

static const char *const members[N_MEMBERS] = { "devices", "listeners", "hosts", "any_host" };

const char *intent_export_state(const struct intent *intent)
{
	static const char *const words[] = {
		[INTENT_EXPORT_CREATING] = "creating", [INTENT_EXPORT_ACTIVE] = "active",
		[INTENT_EXPORT_UNDOING] = "failed",    [INTENT_EXPORT_FAILED] = "failed",
		[INTENT_EXPORT_DELETING] = "deleting", [INTENT_EXPORT_DELETED] = "deleted",
	};

	return words[intent->phase];
}

static enum intent_want wants_of(const struct intent *intent)
{
	switch (intent->phase) {
	case INTENT_EXPORT_CREATING:
	case INTENT_EXPORT_ACTIVE:
		return INTENT_PRESENT;
	case INTENT_EXPORT_UNDOING:
	case INTENT_EXPORT_DELETING:
		return INTENT_ABSENT;
	default:
		return INTENT_NOTHING;
	}
}

/* --- the machine */

struct facts {
	struct intent_side target;
	bool is_there;
	bool is_late;
};

__attribute__((format(printf, 3, 4))) static void set_error(struct intent *intent, const char *hop,
							    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(intent->error, sizeof(intent->error), format, args);
	va_end(args);
	intent_tell_step(intent, hop, "failed", intent->error);
}

/* What was to be added could not be: it is as it was before. */
static bool end_extending(struct intent *intent)
{
	struct js *request =
		js_copy_without(intent->request, (const char *const[]){ "devices", NULL });

	js_set(request, "devices", js_ref(intent->before));
	js_free(intent->request);
	intent->request = request;
	js_free(intent->before);
	intent->before = NULL;
	intent->phase = INTENT_EXPORT_ACTIVE;
	return true;
}

static bool advance_creating(struct intent *intent, const struct facts *facts)
{
	char text[512];
	char span[CLOCK_TEXT_MAX];

	if (intent->before && facts->target.word == INTENT_FAILED) {
		set_error(intent, "create", "%s: %s", intent->target_name, facts->target.error);
		return end_extending(intent);
	}
	if (facts->target.word == INTENT_FAILED) {
		set_error(intent, "create", "%s: %s", intent->target_name, facts->target.error);
		intent->phase = INTENT_EXPORT_FAILED;
		return true;
	}
	if (facts->target.peer == INTENT_ONLINE && facts->target.word == INTENT_DONE &&
	    facts->is_there) {
		snprintf(text, sizeof(text), "%s exports it", intent->target_name);
		intent_tell_step(intent, "create", "done", text);
		js_free(intent->before);
		intent->before = NULL;
		intent->phase = INTENT_EXPORT_ACTIVE;
		return true;
	}
	if (!facts->is_late)
		return false;
	set_error(intent, "create", "%s has not made it within %s%s%s", intent->target_name,
		  clock_format_span(intent->timeout_ms, span),
		  facts->target.peer == INTENT_ONLINE ? "" : ": nothing is heard of its daemon",
		  facts->target.word == INTENT_WORKING ? "; it is still at it" : "");
	if (intent->before)
		return end_extending(intent);
	intent->phase = INTENT_EXPORT_UNDOING;
	return true;
}

static bool end_deleting(struct intent *intent, const char *why)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s", intent->target_name, why);
	intent_tell_step(intent, "delete", "done", text);
	intent->error[0] = '\0';
	intent->phase = INTENT_EXPORT_DELETED;
	return true;
}

/* Say why it does not go on; once, as long as it is the same. What failed before keeps its own
 * reason. */
__attribute__((format(printf, 2, 3))) static bool wait_for_target(struct intent *intent,
								  const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	if (intent->phase == INTENT_EXPORT_UNDOING)
		return false;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, intent->error) == 0)
		return false;
	memcpy(intent->error, text, sizeof(text));
	return true;
}

static bool advance_undoing(struct intent *intent, const struct facts *facts)
{
	bool is_gone = facts->target.word == INTENT_DONE && !facts->is_there;

	/* after "failed" another one's export of that name is there: nothing of ours is left */
	if (facts->target.peer != INTENT_SILENT && !is_gone && facts->target.word != INTENT_FAILED)
		return false;
	if (is_gone) {
		char text[512];

		snprintf(text, sizeof(text), "%s does not export it any more", intent->target_name);
		intent_tell_step(intent, "delete", "done", text);
	}
	intent->phase = INTENT_EXPORT_FAILED;
	return true;
}

static bool advance_deleting(struct intent *intent, const struct facts *facts)
{
	char span[CLOCK_TEXT_MAX];

	switch (facts->target.peer) {
	case INTENT_SILENT:
		return end_deleting(intent, "was removed from the collector: what it exports is "
					    "not known");
	case INTENT_LOST:
		return wait_for_target(intent,
				       "%s is lost: it is told to take it away when it is back",
				       intent->target_name);
	case INTENT_ONLINE:
		break;
	}
	if (facts->target.word == INTENT_DONE && !facts->is_there)
		return end_deleting(intent, "does not export it any more");
	if (facts->target.word == INTENT_FAILED && !facts->is_there)
		return end_deleting(intent, "does not export it");
	if (facts->target.word == INTENT_FAILED) {
		set_error(intent, "delete", "%s: %s", intent->target_name, facts->target.error);
		intent->phase = INTENT_EXPORT_ACTIVE;
		return true;
	}
	if (!facts->is_late)
		return false;
	return wait_for_target(intent, "%s has not taken it away within %s", intent->target_name,
			       clock_format_span(intent->timeout_ms, span));
}

static bool advance(struct intent *intent, const struct facts *facts)
{
	switch (intent->phase) {
	case INTENT_EXPORT_CREATING:
		return advance_creating(intent, facts);
	case INTENT_EXPORT_UNDOING:
		return advance_undoing(intent, facts);
	case INTENT_EXPORT_DELETING:
		return advance_deleting(intent, facts);
	default:
		return false;
	}
}

/* Of one that is extended the word may be the one before: the namespaces must be there. */
static bool has_devices(const struct registry_source *target, const struct intent *intent)
{
	size_t count = 0;
	struct registry_object *const *objects = registry_object_range(target, "namespace", &count);
	size_t n = 0;
	size_t i;

	if (!intent->before || intent->phase != INTENT_EXPORT_CREATING)
		return true;
	for (i = 0; i < count; i++)
		n += registry_object_is(objects[i], "nqn", intent->nqn);
	return n >= js_length(js_get(intent->request, "devices"));
}

int intent_export_step(struct intents *intents, struct intent *intent, bool *ret_changed,
		       struct err *err)
{
	const struct registry_source *target =
		registry_source_find(intents->collector->registry, intent->target, REPORT_TARGET);
	enum intent_export_phase before = intent->phase;
	CLEANUP_JS struct js *word = NULL;
	struct facts facts;

	(void)err;
	if (intent_is_unsure(target)) {
		intent_stop_time(intents, intent);
		return 0;
	}
	facts.target = intent_hear(target, intent, wants_of(intent), &word);
	facts.is_late = intent_look_at_time(intents, intent);
	facts.is_there = target && registry_object_find(target, "subsystem", intent->nqn) &&
			 has_devices(target, intent);
	*ret_changed = advance(intent, &facts);
	if (intent->phase != before)
		intent_begin_hop(intents, intent);
	if (intent->phase != INTENT_EXPORT_CREATING && intent->phase != INTENT_EXPORT_DELETING)
		intent->due_ms = INT64_MAX;
	return 0;
}

int intent_export_wants(struct intents *intents, const struct intent *intent, struct err *err)
{
	enum intent_want want = wants_of(intent);
	struct js *entry = NULL;

	/* of one that was removed nothing is wanted until it is back */
	if (!registry_source_find(intents->collector->registry, intent->target, REPORT_TARGET))
		return 0;
	if (want != INTENT_NOTHING) {
		const struct wanted_entry values = {
			.kind = WANTED_EXPORT,
			.intent = intent->id,
			.absent = want == INTENT_ABSENT,
			.force = want == INTENT_ABSENT && intent->force,
			.nqn = intent->nqn,
			.hostnqn = "",
			.any_host = js_is_true(js_get(intent->request, "any_host")),
			.devices = js_get(intent->request, "devices"),
			.hosts = js_get(intent->request, "hosts"),
			.listeners = js_get(intent->request, "listeners"),
			.at = { "", "", "" },
		};

		entry = wanted_entry_encode(&values);
		if (!entry)
			return err_nomem(err);
	}
	return registry_want(intents->collector->registry, intent->target, REPORT_TARGET,
			     intent->id, entry, err);
}

/* --- documents */

void intent_export_format(const struct intent *intent, struct js *js)
{
	size_t i;

	js_set(js, "node", js_string(intent->target_name));
	js_set(js, "nqn", js_string(intent->nqn));
	for (i = 0; i < N_MEMBERS; i++)
		if (js_get(intent->request, members[i]))
			js_set(js, members[i], js_ref(js_get(intent->request, members[i])));
	js_set(js, "state", js_string(intent_export_state(intent)));
	js_set(js, "error", js_string(intent->error));
	if (intent->before)
		js_set(js, "devices_before", js_ref(intent->before));
	/* of the two that look alike, for the store */
	js_set(js, "phase", js_int(intent->phase));
}

int intent_export_parse(const struct js *js, struct intent *intent, struct err *err)
{
	const char *nqn = js_text(js_get(js, "nqn"));
	const char *name = js_text(js_get(js, "node"));
	const char *error = js_text(js_get(js, "error"));
	int64_t phase = js_number(js_get(js, "phase"), -1);
	int r;

	if (!nqn || !name || phase < INTENT_EXPORT_CREATING || phase > INTENT_EXPORT_DELETED)
		return err_set(err, -EINVAL, "it has no nqn, node or known phase");
	r = intent_set_text(&intent->nqn, nqn, err);
	if (r == 0)
		r = intent_set_text(&intent->target_name, name, err);
	intent->phase = (enum intent_export_phase)phase;
	snprintf(intent->error, sizeof(intent->error), "%s", error ? error : "");
	intent->force = js_is_true(js_get(js, "force"));
	intent->request = js_ref(js);
	if (js_get(js, "devices_before"))
		intent->before = js_ref(js_get(js, "devices_before"));
	return r;
}

/* --- POST */

/* What is posted, complete. */
static struct js *take_request(const struct js *body)
{
	struct js *request = js_object();
	size_t i;

	for (i = 0; i < N_MEMBERS; i++) {
		const struct js *value = js_get(body, members[i]);
		bool is_list = strcmp(members[i], "any_host") != 0;

		js_set(request, members[i],
		       value	 ? js_ref(value)
		       : is_list ? js_array()
				 : js_bool(false));
	}
	return request;
}

/* It must make a sound entry: the same check as the helper's. */
static int check_entry(const struct js *request, const char *nqn, struct err *err)
{
	struct js *entries = js_array();
	struct js *entry = js_object();
	CLEANUP_JS struct js *document = NULL;
	struct wanted wanted;
	size_t i;

	js_set(entry, "kind", js_string("export"));
	js_set(entry, "intent", js_string("e-0"));
	js_set(entry, "nqn", js_string(nqn));
	js_set(entry, "absent", js_bool(false));
	for (i = 0; i < N_MEMBERS; i++)
		js_set(entry, members[i], js_ref(js_get(request, members[i])));
	js_append(entries, entry);
	document = wanted_encode("check", REPORT_TARGET, 1, entries);
	return document ? wanted_decode(document, &wanted, err) : err_nomem(err);
}

static int check_free(const struct intents *intents, const struct registry_source *target,
		      const char *nqn, struct err *err)
{
	size_t i;

	for (i = 0; i < intents->count; i++) {
		const struct intent *intent = intents->items[i];

		if (!intent->is_export || intent_is_over(intent) || strcmp(intent->nqn, nqn) != 0 ||
		    strcmp(intent->target, target->node->id) != 0)
			continue;
		if (intent->phase == INTENT_EXPORT_UNDOING)
			return err_set(err, -EBUSY,
				       "%s failed on %s before, and is still being undone there "
				       "(%s): wait until that is done",
				       nqn, intent->target_name, intent->id);
		return err_set(err, -EEXIST, "%s is %s on %s already (%s)", nqn,
			       intent_export_state(intent), intent->target_name, intent->id);
	}
	if (registry_object_find(target, "subsystem", nqn))
		return err_set(err, -EEXIST,
			       "%s exports %s already, but not for the collector: delete it there "
			       "first, or attach it as it is",
			       target->node->name, nqn);
	return 0;
}

static int find_target(const struct registry *registry, const char *name,
		       const struct registry_source **ret, struct err *err)
{
	const struct registry_node *node = registry_node_find(registry, name);

	if (!node)
		return err_set(err, -ENOENT, "there is no node %s; see: sunfishctl nodes", name);
	*ret = node->sources[REPORT_TARGET];
	if (!*ret)
		return err_set(err, -ENOENT,
			       "no nvmet-sunfishd reports for %s: is it running there, with the "
			       "collector in /etc/sunfish/target.conf?",
			       name);
	if (!(*ret)->online || (*ret)->resync)
		return err_set(
			err, -EAGAIN,
			"nvmet-sunfishd of %s is not heard of at the moment; see: sunfishctl "
			"nodes",
			name);
	return 0;
}

static int create(struct intents *intents, const struct registry_source *target, const char *nqn,
		  const struct js *body, const struct js *request, struct intent **ret,
		  struct err *err)
{
	struct intent *intent;
	char text[512];
	int r = check_free(intents, target, nqn, err);

	if (r < 0)
		return r;
	if (intents->count >= INTENT_STANDING_MAX)
		return err_set(err, -EAGAIN, "there are %d attachments and exports already",
			       INTENT_STANDING_MAX);
	intent = intent_add(intents, true);
	if (!intent)
		return err_nomem(err);
	intent->request = js_ref(request);
	r = intent_set_text(&intent->nqn, nqn, err);
	if (r == 0)
		r = intent_set_text(&intent->target, target->node->id, err);
	if (r == 0)
		r = intent_set_text(&intent->target_name, target->node->name, err);
	if (r == 0)
		r = intent_take_timeout(intent, body, err);
	if (r < 0) {
		intent_drop(intents, intent);
		return r;
	}
	intent_begin_hop(intents, intent);
	snprintf(text, sizeof(text), "%s is asked to export it", intent->target_name);
	intent_tell_step(intent, "create", "working", text);
	r = intent_touch(intents, intent, err);
	if (r < 0)
		intent_abort(intents, intent);
	else
		*ret = intent;
	return r;
}

int intent_export_post(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err)
{
	CLEANUP_JS struct js *body = NULL;
	CLEANUP_JS struct js *asked = NULL;
	const struct registry_source *target = NULL;
	struct intent *intent = NULL;
	const char *nqn;
	const char *node;
	int r = api_body(request, &body, err);

	if (r < 0)
		return r;
	nqn = js_text(js_get(body, "nqn"));
	node = js_text(js_get(body, "node"));
	if (!nqn || !node)
		return err_set(err, -EINVAL, "\"nqn\" and \"node\" must be texts");
	r = nqn_check(nqn, err);
	if (r == -ENAMETOOLONG)
		r = -EINVAL;
	asked = take_request(body);
	if (r == 0)
		r = check_entry(asked, nqn, err);
	if (r == 0)
		r = find_target(collector->registry, node, &target, err);
	if (r == 0)
		r = create(collector->intents, target, nqn, body, asked, &intent, err);
	return r < 0 ? r : api_answer_js(answer, 202, intent_format(intent), err);
}

/* --- one more drive */

int intent_export_extend(struct intents *intents, struct intent *intent, const char *device,
			 struct err *err)
{
	const struct js *before = js_get(intent->request, "devices");
	struct js *devices = js_array();
	struct js *request;
	char text[512];
	size_t i;

	if (intent->phase != INTENT_EXPORT_ACTIVE) {
		js_free(devices);
		return err_set(err, -EBUSY, "%s is being changed (%s)", intent->nqn, intent->id);
	}
	for (i = 0; i < js_length(before); i++)
		js_append(devices, js_ref(js_at(before, i)));
	js_append(devices, js_string(device));
	request = js_copy_without(intent->request,
				  (const char *const[]){ "devices", "devices_before", NULL });
	js_set(request, "devices", devices);
	if (!request || !js_size(request)) {
		js_free(request);
		return err_nomem(err);
	}
	intent->before = js_ref(before);
	js_free(intent->request);
	intent->request = request;
	intent->error[0] = '\0';
	intent->phase = INTENT_EXPORT_CREATING;
	intent_begin_hop(intents, intent);
	snprintf(text, sizeof(text), "%s is asked to add %s", intent->target_name, device);
	intent_tell_step(intent, "create", "working", text);
	return intent_touch(intents, intent, err);
}

/* --- DELETE */

static int check_unused(const struct intents *intents, const struct intent *intent, struct err *err)
{
	size_t i;

	for (i = 0; i < intents->count; i++) {
		const struct intent *user = intents->items[i];

		if (!user->is_export && !intent_is_over(user) &&
		    strcmp(user->nqn, intent->nqn) == 0 &&
		    strcmp(user->target, intent->target) == 0)
			return err_set(err, -EBUSY,
				       "%s is attached to %s (%s): detach it first, or use --force",
				       intent->nqn, user->host_name, user->id);
	}
	return 0;
}

/* Of one that failed nothing is left on the target: it is forgotten. */
static int delete_failed(struct intents *intents, struct intent *intent, struct err *err)
{
	intent_tell_step(intent, "delete", "done", "it had failed: nothing of it was there");
	intent->phase = INTENT_EXPORT_DELETED;
	return intent_touch(intents, intent, err);
}

int intent_export_delete(struct intents *intents, struct intent *intent, bool force,
			 struct err *err)
{
	bool goes_on = intent->phase == INTENT_EXPORT_DELETING;
	char text[512];
	int r;

	if (intent->phase == INTENT_EXPORT_DELETED || (goes_on && (intent->force || !force)))
		return 0;
	if (intent->phase == INTENT_EXPORT_FAILED)
		return delete_failed(intents, intent, err);
	r = force ? 0 : check_unused(intents, intent, err);
	if (r < 0)
		return r;
	intent->force = force;
	intent->error[0] = '\0';
	intent->phase = INTENT_EXPORT_DELETING;
	intent_begin_hop(intents, intent);
	snprintf(text, sizeof(text), "%s is asked to take it away%s", intent->target_name,
		 force ? ", also if it is in use" : "");
	intent_tell_step(intent, "delete", "working", text);
	return intent_touch(intents, intent, err);
}
