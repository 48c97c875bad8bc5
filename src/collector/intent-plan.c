/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/intent-plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ADD_STEP_FORMAT __attribute__((format(printf, 4, 5)))

ADD_STEP_FORMAT static void add_step(struct intent_out *out, const char *hop, const char *state,
				     const char *format, ...)
{
	struct intent_step *step = &out->steps[out->n_steps];
	va_list args;

	out->has_changed = true;
	if (out->n_steps == INTENT_STEPS_MAX)
		return;
	out->n_steps++;
	step->hop = hop;
	step->state = state;
	va_start(args, format);
	vsnprintf(step->text, sizeof(step->text), format, args);
	va_end(args);
}

/* Say why it does not go on; once, as long as it is the same. */
__attribute__((format(printf, 3, 4))) static void set_error(struct intent_plan *plan,
							    struct intent_out *out,
							    const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, plan->error) == 0)
		return;
	memcpy(plan->error, text, sizeof(text));
	out->has_changed = true;
}

static void move(struct intent_plan *plan, enum intent_phase phase, struct intent_out *out)
{
	plan->phase = phase;
	out->has_changed = true;
	out->has_moved = true;
}

static const char *hop_word(enum intent_phase phase)
{
	static const char *const words[] = {
		[INTENT_ALLOW] = "allow", [INTENT_CONNECT] = "connect", [INTENT_DEVICE] = "device",
		[INTENT_ATTACHED] = "",	  [INTENT_DROP] = "disconnect", [INTENT_CUT] = "cut",
		[INTENT_OVER] = "",
	};

	return words[phase];
}

/* --- back */

static void begin_cut(struct intent_plan *plan, const struct intent_names *names,
		      struct intent_out *out)
{
	if (plan->phase != INTENT_CUT)
		move(plan, INTENT_CUT, out);
	if (plan->was_allowed && !plan->force)
		add_step(out, "cut", "working", "%s was allowed on %s before, and stays so",
			 names->host, names->target);
	else
		add_step(out, "cut", "working", "%s is asked to keep %s out", names->target,
			 names->host);
}

static void go_back(struct intent_plan *plan, enum intent_goal goal,
		    const struct intent_names *names, struct intent_out *out)
{
	plan->goal = goal;
	if (!plan->has_asked_host) {
		begin_cut(plan, names, out);
		return;
	}
	move(plan, INTENT_DROP, out);
	add_step(out, "disconnect", "working", "%s is asked to disconnect%s", names->host,
		 plan->force ? ", also if it is in use" : "");
}

__attribute__((format(printf, 4, 5))) static void fail(struct intent_plan *plan,
						       const struct intent_names *names,
						       struct intent_out *out, const char *format,
						       ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->error, sizeof(plan->error), format, args);
	va_end(args);
	plan->hop = plan->phase;
	add_step(out, hop_word(plan->phase), "failed", "%s", plan->error);
	go_back(plan, INTENT_UNDO, names, out);
}

/* What is known of a helper that did not do it in time. */
static void fail_late(struct intent_plan *plan, const struct intent_side *side, const char *name,
		      const char *otherwise, const struct intent_names *names,
		      struct intent_out *out)
{
	if (side->peer == INTENT_SILENT)
		fail(plan, names, out, "%s has never reported; is its daemon running?", name);
	else if (side->peer == INTENT_LOST)
		fail(plan, names, out, "%s is lost: nothing is heard of its daemon", name);
	else if (*side->error)
		fail(plan, names, out, "%s: %s (not done within %s)", name, side->error,
		     names->timeout);
	else if (side->word == INTENT_NO_WORD)
		fail(plan, names, out, "%s has not said anything about it within %s", name,
		     names->timeout);
	else
		fail(plan, names, out, "%s: %s within %s", name, otherwise, names->timeout);
}

/* --- forward */

static void advance_allow(struct intent_plan *plan, const struct intent_facts *facts,
			  const struct intent_names *names, struct intent_out *out)
{
	if (facts->target.word == INTENT_FAILED) {
		fail(plan, names, out, "%s: %s", names->target, facts->target.error);
		return;
	}
	if (facts->target.peer == INTENT_ONLINE &&
	    (facts->any_host || (facts->is_allowed && facts->target.word == INTENT_DONE))) {
		if (facts->any_host)
			add_step(out, "allow", "done",
				 "%s lets any host use it already: that was not widened",
				 names->target);
		else
			add_step(out, "allow", "done", "%s lets %s in%s", names->target,
				 names->host, plan->was_allowed ? ", as it did before" : "");
		plan->has_asked_host = true;
		move(plan, INTENT_CONNECT, out);
		add_step(out, "connect", "working", "%s is asked to connect to %s", names->host,
			 names->listener);
		return;
	}
	if (facts->is_late)
		fail_late(plan, &facts->target, names->target, "it has not let the host in", names,
			  out);
}

static void advance_connect(struct intent_plan *plan, const struct intent_facts *facts,
			    const struct intent_names *names, struct intent_out *out)
{
	if (facts->host.word == INTENT_FAILED) {
		fail(plan, names, out, "%s: %s", names->host, facts->host.error);
		return;
	}
	if (facts->host.peer == INTENT_ONLINE && facts->controller == INTENT_LIVE) {
		add_step(out, "connect", "done", "%s is connected by %s", names->host,
			 facts->controller_id);
		move(plan, INTENT_DEVICE, out);
		return;
	}
	if (facts->is_late)
		fail_late(plan, &facts->host, names->host, "it has not connected", names, out);
}

static void advance_device(struct intent_plan *plan, const struct intent_facts *facts,
			   const struct intent_names *names, struct intent_out *out)
{
	if (facts->host.peer == INTENT_ONLINE && *facts->device) {
		snprintf(plan->device, sizeof(plan->device), "%s", facts->device);
		add_step(out, "device", "done", "it is %s on %s", plan->device, names->host);
		move(plan, INTENT_ATTACHED, out);
		return;
	}
	if (facts->host.word == INTENT_FAILED)
		fail(plan, names, out, "%s: %s", names->host, facts->host.error);
	else if (facts->is_late && facts->host.peer == INTENT_ONLINE)
		fail(plan, names, out,
		     "%s is connected, but no namespace of %s became a device there within %s: has "
		     "it an active one (sunfishctl namespaces --nqn %s)?",
		     names->host, names->subsystem, names->timeout, names->subsystem);
	else if (facts->is_late)
		fail_late(plan, &facts->host, names->host, "", names, out);
}

/* It may come back under another name after a reboot of the host. */
static void advance_attached(struct intent_plan *plan, const struct intent_facts *facts,
			     struct intent_out *out)
{
	if (facts->host.peer != INTENT_ONLINE || !*facts->device ||
	    strcmp(facts->device, plan->device) == 0)
		return;
	snprintf(plan->device, sizeof(plan->device), "%s", facts->device);
	out->has_changed = true;
}

/* --- back: disconnect, then cut */

static void stay_attached(struct intent_plan *plan, const struct intent_names *names,
			  struct intent_out *out, const char *why)
{
	snprintf(plan->error, sizeof(plan->error), "%s was not detached: %s", names->host, why);
	plan->goal = INTENT_USE;
	plan->force = false;
	add_step(out, "disconnect", "failed", "%s", why);
	move(plan, INTENT_ATTACHED, out);
}

static void refuse_drop(struct intent_plan *plan, const struct intent_names *names,
			struct intent_out *out, const char *why)
{
	/* what never was attached cannot stay so */
	if (plan->goal == INTENT_DETACH && *plan->device)
		stay_attached(plan, names, out, why);
	else
		set_error(plan, out, "it cannot be undone on %s yet: %s", names->host, why);
}

static void advance_drop_without_host(struct intent_plan *plan, const struct intent_facts *facts,
				      const struct intent_names *names, struct intent_out *out)
{
	char why[ERR_TEXT_MAX];

	/* silent to us is not silent to the target: a file system may be in use there */
	if (*facts->mounted && facts->has_session && !plan->force) {
		snprintf(why, sizeof(why),
			 "%s is lost, but still connected to %s, and it had it mounted on %s when "
			 "it was last heard of; unmount it, or use --force",
			 names->host, names->target, facts->mounted);
		refuse_drop(plan, names, out, why);
		return;
	}
	add_step(out, "disconnect", "failed", "%s is lost: it is cut at %s instead", names->host,
		 names->target);
	begin_cut(plan, names, out);
}

static void advance_drop(struct intent_plan *plan, const struct intent_facts *facts,
			 const struct intent_names *names, struct intent_out *out)
{
	if (facts->host.peer != INTENT_ONLINE) {
		advance_drop_without_host(plan, facts, names, out);
		return;
	}
	if (facts->host.word == INTENT_FAILED && !plan->force) {
		refuse_drop(plan, names, out, facts->host.error);
		return;
	}
	if (facts->host.word == INTENT_DONE && facts->controller == INTENT_NONE) {
		plan->is_host_clean = true;
		add_step(out, "disconnect", "done", "%s has no controller of it any more",
			 names->host);
		begin_cut(plan, names, out);
		return;
	}
	if (!facts->is_late)
		return;
	if (plan->force) {
		add_step(out, "disconnect", "failed", "%s: %s; it is cut at %s instead",
			 names->host,
			 *facts->host.error ? facts->host.error : "it did not disconnect in time",
			 names->target);
		begin_cut(plan, names, out);
		return;
	}
	set_error(plan, out, "%s has not disconnected within %s%s%s", names->host, names->timeout,
		  *facts->host.error ? ": " : "", facts->host.error);
}

#define PROOF_CLEAN "no controller on the host"
#define PROOF_UNHEARD "the host is not heard, so what it has is not known"

static void finish(struct intent_plan *plan, const struct intent_facts *facts,
		   struct intent_out *out)
{
	const char *of_host = plan->is_host_clean     ? PROOF_CLEAN
			      : !plan->has_asked_host ? "the host was never asked to connect"
						      : PROOF_UNHEARD;
	const char *of_target = facts->target.peer == INTENT_SILENT
					? "the target was removed from the collector, so what it "
					  "has is not known"
				: facts->has_other_session
					? "no session on the target that is known to be its"
					: "no session on the target";
	const char *access = facts->target.peer == INTENT_SILENT ? ""
			     : facts->any_host	 ? "; but any host may connect to it"
			     : facts->is_allowed ? "; the host was allowed before, and still is"
						 : ", which no longer lets it in";

	snprintf(plan->proof, sizeof(plan->proof), "%s, %s%s", of_host, of_target, access);
	add_step(out, "cut", "done", "%s", plan->proof);
	if (plan->goal == INTENT_DETACH)
		plan->error[0] = '\0';
	move(plan, INTENT_OVER, out);
}

static void wait_for_cut(struct intent_plan *plan, const struct intent_facts *facts,
			 const struct intent_names *names, struct intent_out *out)
{
	/* why it failed is told first; that it is not undone yet stands in the steps */
	if (plan->goal == INTENT_UNDO)
		return;
	if (facts->target.peer != INTENT_ONLINE)
		set_error(plan, out,
			  "%s is lost: whether %s is cut there is not known until it is "
			  "back",
			  names->target, names->host);
	else if (facts->target.word == INTENT_FAILED)
		set_error(plan, out, "%s: %s", names->target, facts->target.error);
	else if (facts->is_late && facts->has_other_session && !plan->is_host_clean)
		set_error(plan, out,
			  "%s cannot tell whose connections it still has, and %s is not heard; "
			  "--force goes by its word",
			  names->target, names->host);
	else if (facts->is_late)
		set_error(plan, out, "%s still has %s within %s", names->target,
			  facts->has_session ? "a session of the host" : "the host allowed",
			  names->timeout);
}

static void advance_cut(struct intent_plan *plan, const struct intent_facts *facts,
			const struct intent_names *names, struct intent_out *out)
{
	bool leaves_access = plan->was_allowed && !plan->force;
	bool is_kept_out = leaves_access || facts->any_host || !facts->is_allowed;
	/* of a host that says it has no controller, such a session is not */
	bool is_unsure = facts->has_other_session && !plan->is_host_clean && plan->has_asked_host &&
			 !plan->force;

	/* one that was removed is asked for nothing any more */
	if (facts->target.peer == INTENT_SILENT ||
	    (facts->target.peer == INTENT_ONLINE && is_kept_out && !facts->has_session &&
	     !is_unsure && (leaves_access || facts->target.word == INTENT_DONE))) {
		finish(plan, facts, out);
		return;
	}
	wait_for_cut(plan, facts, names, out);
}

/* The proof without what was not known of the host. */
static void complete_proof(struct intent_plan *plan)
{
	char rest[INTENT_PROOF_MAX];

	if (strncmp(plan->proof, PROOF_UNHEARD, strlen(PROOF_UNHEARD)) != 0)
		return;
	memcpy(rest, plan->proof, sizeof(rest));
	snprintf(plan->proof, sizeof(plan->proof), "%s", PROOF_CLEAN);
	strncat(plan->proof, rest + strlen(PROOF_UNHEARD),
		sizeof(plan->proof) - strlen(plan->proof) - 1);
}

/* The host comes back some day, and is told then; one that was removed is not waited for. */
static void advance_over(struct intent_plan *plan, const struct intent_facts *facts,
			 const struct intent_names *names, struct intent_out *out)
{
	if (plan->is_host_clean || !plan->has_asked_host)
		return;
	if (facts->host.peer == INTENT_SILENT) {
		plan->is_host_clean = true;
		out->has_changed = true;
		return;
	}
	if (facts->host.peer != INTENT_ONLINE || facts->host.word != INTENT_DONE ||
	    facts->controller != INTENT_NONE)
		return;
	plan->is_host_clean = true;
	complete_proof(plan);
	add_step(out, "disconnect", "done", "%s is heard again, and has no controller of it",
		 names->host);
}

/* --- the machine */

void intent_plan_init(struct intent_plan *plan, const struct intent_facts *facts,
		      const struct intent_names *names, struct intent_out *out)
{
	*plan = (struct intent_plan){ .was_allowed = facts->is_allowed };
	move(plan, INTENT_ALLOW, out);
	add_step(out, "allow", "working", "%s is asked to let %s in", names->target, names->host);
}

void intent_plan_detach(struct intent_plan *plan, bool force, const char *why,
			const struct intent_names *names, struct intent_out *out)
{
	if (plan->phase == INTENT_OVER)
		return;
	if (force && !plan->force) {
		plan->force = true;
		out->has_changed = true;
	}
	if (plan->goal == INTENT_UNDO) {
		/* it is on its way back already */
		plan->goal = INTENT_DETACH;
		out->has_changed = true;
	}
	if (plan->goal != INTENT_USE)
		return;
	plan->error[0] = '\0';
	if (*why)
		add_step(out, "disconnect", "working", "%s", why);
	go_back(plan, INTENT_DETACH, names, out);
}

void intent_plan_advance(struct intent_plan *plan, const struct intent_facts *facts,
			 const struct intent_names *names, struct intent_out *out)
{
	switch (plan->phase) {
	case INTENT_ALLOW:
		advance_allow(plan, facts, names, out);
		return;
	case INTENT_CONNECT:
		advance_connect(plan, facts, names, out);
		return;
	case INTENT_DEVICE:
		advance_device(plan, facts, names, out);
		return;
	case INTENT_ATTACHED:
		advance_attached(plan, facts, out);
		return;
	case INTENT_DROP:
		advance_drop(plan, facts, names, out);
		return;
	case INTENT_CUT:
		advance_cut(plan, facts, names, out);
		return;
	case INTENT_OVER:
		advance_over(plan, facts, names, out);
		return;
	}
}

struct intent_wants intent_plan_wants(const struct intent_plan *plan)
{
	enum intent_want gone =
		plan->has_asked_host && !plan->is_host_clean ? INTENT_ABSENT : INTENT_NOTHING;

	switch (plan->phase) {
	case INTENT_ALLOW:
		return (struct intent_wants){ INTENT_PRESENT, INTENT_NOTHING };
	case INTENT_CONNECT:
	case INTENT_DEVICE:
	case INTENT_ATTACHED:
		return (struct intent_wants){ INTENT_PRESENT, INTENT_PRESENT };
	case INTENT_DROP:
		return (struct intent_wants){ INTENT_PRESENT, INTENT_ABSENT };
	case INTENT_CUT:
		return (struct intent_wants){ plan->was_allowed && !plan->force ? INTENT_NOTHING
										: INTENT_ABSENT,
					      gone };
	case INTENT_OVER:
		break;
	}
	return (struct intent_wants){ INTENT_NOTHING, gone };
}

const char *intent_plan_state(const struct intent_plan *plan)
{
	if (plan->phase == INTENT_OVER)
		return plan->goal == INTENT_UNDO ? "failed" : "detached";
	if (plan->phase == INTENT_ATTACHED)
		return "attached";
	return plan->goal == INTENT_DETACH ? "detaching" : "attaching";
}

const char *intent_plan_hop(const struct intent_plan *plan)
{
	if (plan->goal == INTENT_UNDO)
		return hop_word(plan->hop);
	return plan->phase <= INTENT_DEVICE ? hop_word(plan->phase) : "";
}

bool intent_plan_is_done(const struct intent_plan *plan)
{
	struct intent_wants wants = intent_plan_wants(plan);

	return plan->phase == INTENT_OVER && wants.connection == INTENT_NOTHING;
}

/* --- store */

static const char *const phases[] = {
	[INTENT_ALLOW] = "allow", [INTENT_CONNECT] = "connect",	  [INTENT_DEVICE] = "device",
	[INTENT_DROP] = "drop",	  [INTENT_ATTACHED] = "attached", [INTENT_CUT] = "cut",
	[INTENT_OVER] = "over",
};
static const char *const goals[] = {
	[INTENT_USE] = "use",
	[INTENT_UNDO] = "undo",
	[INTENT_DETACH] = "detach",
};

static int find_word(const char *const *words, size_t count, const struct js *word)
{
	const char *text = js_text(word);
	size_t i;

	for (i = 0; text && i < count; i++)
		if (strcmp(words[i], text) == 0)
			return (int)i;
	return -1;
}

struct js *intent_plan_encode(const struct intent_plan *plan)
{
	struct js *js = js_object();

	js_set(js, "phase", js_string(phases[plan->phase]));
	js_set(js, "goal", js_string(goals[plan->goal]));
	js_set(js, "failed", js_string(phases[plan->hop]));
	js_set(js, "force", js_bool(plan->force));
	js_set(js, "was_allowed", js_bool(plan->was_allowed));
	js_set(js, "has_asked_host", js_bool(plan->has_asked_host));
	js_set(js, "is_host_clean", js_bool(plan->is_host_clean));
	js_set(js, "device", js_string(plan->device));
	js_set(js, "error", js_string(plan->error));
	js_set(js, "proof", js_string(plan->proof));
	return js;
}

static void copy_text(char *to, size_t size, const struct js *text)
{
	const char *from = js_text(text);

	snprintf(to, size, "%s", from ? from : "");
}

int intent_plan_decode(const struct js *js, struct intent_plan *ret, struct err *err)
{
	int phase = find_word(phases, sizeof(phases) / sizeof(phases[0]), js_get(js, "phase"));
	int failed = find_word(phases, sizeof(phases) / sizeof(phases[0]), js_get(js, "failed"));
	int goal = find_word(goals, sizeof(goals) / sizeof(goals[0]), js_get(js, "goal"));

	if (phase < 0 || goal < 0 || failed < 0)
		return err_set(err, -EINVAL, "this is no stored attachment: %s is not known",
			       phase < 0 ? "its phase" : "its goal");
	*ret = (struct intent_plan){
		.phase = (enum intent_phase)phase,
		.goal = (enum intent_goal)goal,
		.hop = (enum intent_phase)failed,
		.force = js_is_true(js_get(js, "force")),
		.was_allowed = js_is_true(js_get(js, "was_allowed")),
		.has_asked_host = js_is_true(js_get(js, "has_asked_host")),
		.is_host_clean = js_is_true(js_get(js, "is_host_clean")),
	};
	copy_text(ret->device, sizeof(ret->device), js_get(js, "device"));
	copy_text(ret->error, sizeof(ret->error), js_get(js, "error"));
	copy_text(ret->proof, sizeof(ret->proof), js_get(js, "proof"));
	return 0;
}
