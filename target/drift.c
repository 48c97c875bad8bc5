/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/drift.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/addr.h"
#include "target/drive.h"
#include "target/plan.h"
#include "target/resolve.h"

const char *drift_key(const struct model_object *object, char key[DRIFT_KEY_MAX])
{
	char address[ADDR_TEXT_MAX] = "";

	switch (object->kind) {
	case MODEL_NAMESPACE:
		snprintf(key, DRIFT_KEY_MAX, "namespace %s", object->name);
		break;
	case MODEL_PORT:
		if (*model_text(object, "addr_traddr"))
			addr_format_parts(model_text(object, "addr_traddr"),
					  model_text(object, "addr_trsvcid"), address);
		snprintf(key, DRIFT_KEY_MAX, "%s%s%s", model_text(object, "addr_trtype"),
			 *address ? " " : "", address);
		break;
	default:
		snprintf(key, DRIFT_KEY_MAX, "%s", object->name);
	}
	return key;
}

void drift_lacks_deinit(struct drift_lacks *lacks)
{
	names_deinit(&lacks->keys);
	names_deinit(&lacks->whys);
}

void drift_lacks_add(struct drift_lacks *lacks, const char *key, const char *why)
{
	if (names_has(&lacks->keys, key))
		return;
	names_add(&lacks->keys, key);
	if (names_has(&lacks->whys, why))
		names_addf(&lacks->whys, "%s (%s)", why, key);
	else
		names_add(&lacks->whys, why);
}

static const char *find_why(const struct drift_lacks *lacks, const char *key)
{
	size_t i;

	for (i = 0; i < lacks->keys.count && i < lacks->whys.count; i++)
		if (strcmp(lacks->keys.items[i], key) == 0)
			return lacks->whys.items[i];
	return NULL;
}

void drift_verdict_deinit(struct drift_verdict *verdict)
{
	names_deinit(&verdict->waits);
	names_deinit(&verdict->waiting_for);
	names_deinit(&verdict->drift);
	model_free(verdict->todo);
	*verdict = DRIFT_VERDICT_NULL;
}

const char *drift_state_word(enum drift_state state)
{
	static const char *const words[] = { "active", "partly", "waiting" };

	return words[state];
}

/* --- the objects of an export that can be missing: namespaces or passthru, and listeners */

struct judge {
	const struct drift_case *c;
	const struct model_object *actual; /* the subsystem; NULL: there is none */
	struct drift_verdict *verdict;
	struct model_object *now;   /* wanted, without what is waited for */
	struct model_object *parts; /* what came back */
	unsigned int n_drives, n_drives_usable;
	unsigned int n_listeners, n_listeners_usable;
};

static bool is_drive(const struct model_object *object)
{
	return object->kind == MODEL_NAMESPACE || object->kind == MODEL_PASSTHRU;
}

/* The object in the kernel that is the wanted one; of a listener the port at its address. */
static const struct model_object *find_there(const struct judge *judge,
					     const struct model_object *wanted)
{
	const struct model_object *port;

	if (is_drive(wanted))
		return model_find(judge->actual, wanted->kind, wanted->name);
	port = resolve_find_port(judge->c->actual, model_text(wanted, "addr_trtype"),
				 model_text(wanted, "addr_traddr"),
				 model_text(wanted, "addr_trsvcid"));
	/* one that serves nobody does not listen either */
	return port && port->n_links ? port : NULL;
}

static bool is_in_place(const struct judge *judge, const struct model_object *wanted,
			const struct model_object *there)
{
	if (!there)
		return false;
	if (is_drive(wanted))
		return model_is_on(there, "enable");
	return model_has_link(there, judge->c->nqn);
}

/* Say of it in @now what is there already, so that it makes no difference. */
static void mirror(struct model_object *mine, const struct model_object *there)
{
	if (!there) {
		model_free(mine);
		return;
	}
	while (mine->kind != MODEL_PORT && mine->n_attrs)
		model_unset(mine, mine->attrs[0].name);
}

static struct model_object *find_mine(const struct judge *judge, struct model_object *root,
				      const struct model_object *wanted)
{
	struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, judge->c->nqn);

	return model_find(wanted->kind == MODEL_PORT ? root : subsystem, wanted->kind,
			  wanted->name);
}

static int add_part(struct judge *judge, const struct model_object *wanted)
{
	struct model_object *subsystem;

	if (!judge->parts)
		judge->parts = model_new();
	subsystem = judge->parts ? model_add(judge->parts, MODEL_SUBSYSTEM, judge->c->nqn) : NULL;
	if (!subsystem)
		return -ENOMEM;
	return model_copy(wanted->kind == MODEL_PORT ? judge->parts : subsystem, wanted) ? 0
											 : -ENOMEM;
}

static int judge_part(struct judge *judge, const struct model_object *wanted)
{
	const struct drift_case *c = judge->c;
	const struct model_object *there = find_there(judge, wanted);
	char key[DRIFT_KEY_MAX];
	const char *why = find_why(c->lacks, drift_key(wanted, key));
	bool remembered = c->is_settled && c->waits && names_has(c->waits, key);
	bool in_place = is_in_place(judge, wanted, there);
	int r = 0;

	*(is_drive(wanted) ? &judge->n_drives : &judge->n_listeners) += 1;
	if (why)
		names_addf(&judge->verdict->waiting_for, "%s", why);
	else
		*(is_drive(wanted) ? &judge->n_drives_usable : &judge->n_listeners_usable) += 1;
	if (!why && !(remembered && !in_place))
		return 0;
	names_add(&judge->verdict->waits, key);
	mirror(find_mine(judge, judge->now, wanted), in_place || is_drive(wanted) ? there : NULL);
	if (!why)
		r = add_part(judge, wanted);
	return r;
}

static bool can_be_missing(const struct model_object *object)
{
	return object->kind == MODEL_NAMESPACE
		       ? strcmp(model_text(object, "enable"), "0") != 0
		       : object->kind == MODEL_PASSTHRU && model_is_on(object, "enable");
}

static int judge_parts(struct judge *judge)
{
	const struct model_object *subsystem =
		model_find(judge->c->wanted, MODEL_SUBSYSTEM, judge->c->nqn);
	const struct model_object *port;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < subsystem->n_children; i++)
		if (can_be_missing(subsystem->children[i]))
			r = judge_part(judge, subsystem->children[i]);
	for (i = 0; r == 0 && (port = model_next(judge->c->wanted, MODEL_PORT, &i));)
		r = judge_part(judge, port);
	return r;
}

/* --- what differs */

static void add_write(const struct plan_step *step, struct names *drift)
{
	const struct plan_action *act = &step->act;
	const char *slash = strrchr(act->path, '/');
	const char *name = slash ? slash + 1 : act->path;
	const char *now =
		step->n_undo && step->undo[0].op == PLAN_WRITE ? step->undo[0].value : NULL;

	if (act->flags & PLAN_SECRET)
		names_addf(drift, "%s has another %s", step->what, name);
	else if (strcmp(name, "enable") == 0)
		names_addf(drift, "%s is %s", step->what,
			   strcmp(act->value, "1") == 0 ? "disabled" : "enabled");
	else
		names_addf(drift, "%s of %s is \"%s\" instead of \"%s\"", name, step->what,
			   now ? now : "", act->value);
}

static void add_difference(const struct plan_step *step, struct names *drift)
{
	const struct plan_action *act = &step->act;
	const char *slash = strrchr(act->path, '/');
	const char *verb = strstr(act->path, "/allowed_hosts/") ? "allow" : "serve";
	const char *name = slash ? slash + 1 : act->path;

	switch (act->op) {
	case PLAN_MKDIR:
		names_addf(drift, "%s is missing", step->what);
		break;
	case PLAN_RMDIR:
		/* whatever nobody needs any more after the rest was put right */
		if (!(act->flags & PLAN_IF_UNUSED))
			names_addf(drift, "%s is there", step->what);
		break;
	case PLAN_WRITE:
		add_write(step, drift);
		break;
	case PLAN_SYMLINK:
		names_addf(drift, "%s does not %s %s", step->what, verb, name);
		break;
	case PLAN_UNLINK:
		names_addf(drift, "%s %ss %s", step->what, verb, name);
		break;
	case PLAN_CHMOD:
		break;
	}
}

/* A drive under another of its names is no difference. */
static int same_paths(const struct judge *judge, struct model_object *now)
{
	struct model_object *subsystem = model_find(now, MODEL_SUBSYSTEM, judge->c->nqn);
	struct model_object *ns;
	size_t i = 0;

	while ((ns = model_next(subsystem, MODEL_NAMESPACE, &i))) {
		const char *path = model_get(ns, "device_path");
		const char *there = model_get(model_find(judge->actual, MODEL_NAMESPACE, ns->name),
					      "device_path");

		if (path && there && drive_is_same(path, there) &&
		    model_set(ns, "device_path", there) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int find_differences(struct judge *judge, struct names *differences, struct err *err)
{
	CLEANUP_MODEL struct model_object *now = model_copy(NULL, judge->now);
	CLEANUP_PLAN struct plan plan = PLAN_NULL;
	size_t i;
	int r;

	if (!now || same_paths(judge, now) < 0 || resolve_loosen(now, judge->c->actual) < 0)
		return err_nomem(err);
	r = resolve_ports(now, judge->c->actual, err);
	if (r == 0 && plan_make_exact(now, judge->c->actual) < 0)
		return err_nomem(err);
	if (r == 0)
		r = plan_make(now, judge->c->actual, PLAN_MAY_REWRITE_PORT, &plan, err);
	for (i = 0; r == 0 && i < plan.n_steps; i++)
		if (!plan.steps[i].is_detail)
			add_difference(&plan.steps[i], differences);
	return r;
}

static bool has_nothing_usable(const struct judge *judge)
{
	return (judge->n_drives && !judge->n_drives_usable) ||
	       (judge->n_listeners && !judge->n_listeners_usable);
}

/* --- */

static void judge_unsettled(struct judge *judge, bool differs)
{
	struct drift_verdict *verdict = judge->verdict;

	verdict->is_right = judge->actual && !differs;
	/* nothing is made that nobody could use */
	if (!differs || (!judge->actual && has_nothing_usable(judge)))
		return;
	verdict->due = DRIFT_WHOLE;
	verdict->todo = TAKE_PTR(judge->now);
}

static void judge_settled(struct judge *judge, const struct names *differences)
{
	struct drift_verdict *verdict = judge->verdict;
	size_t i;

	verdict->is_right = true;
	if (!judge->actual)
		names_addf(&verdict->drift,
			   "%s was taken out of the kernel: nvmet-sunfishctl restore %s brings it "
			   "back, delete forgets it",
			   judge->c->nqn, judge->c->nqn);
	for (i = 0; judge->actual && i < differences->count; i++)
		names_add(&verdict->drift, differences->items[i]);
	if (verdict->drift.count && judge->c->repair &&
	    (judge->actual || !has_nothing_usable(judge))) {
		verdict->due = DRIFT_WHOLE;
		verdict->todo = TAKE_PTR(judge->now);
	} else if (judge->parts && judge->actual) {
		verdict->due = DRIFT_PARTS;
		verdict->todo = TAKE_PTR(judge->parts);
	}
}

static enum drift_state state_of(const struct judge *judge)
{
	if (!judge->actual || has_nothing_usable(judge))
		return DRIFT_WAITING;
	return judge->verdict->waits.count || !judge->verdict->is_right ? DRIFT_PARTLY
									: DRIFT_ACTIVE;
}

static int run(struct judge *judge, struct err *err)
{
	CLEANUP_NAMES struct names differences = NAMES_NULL;
	int r = judge->now ? judge_parts(judge) : -ENOMEM;

	if (r < 0)
		return err_nomem(err);
	r = find_differences(judge, &differences, err);
	if (r < 0)
		return r;
	if (judge->c->is_settled)
		judge_settled(judge, &differences);
	else
		judge_unsettled(judge, differences.count > 0);
	judge->verdict->state = state_of(judge);
	if (differences.failed || judge->verdict->waits.failed ||
	    judge->verdict->waiting_for.failed || judge->verdict->drift.failed)
		return err_nomem(err);
	return 0;
}

int drift_judge(const struct drift_case *c, struct drift_verdict *ret, struct err *err)
{
	CLEANUP_DRIFT_VERDICT struct drift_verdict verdict = DRIFT_VERDICT_NULL;
	struct judge judge = {
		.c = c,
		.actual = model_find(c->actual, MODEL_SUBSYSTEM, c->nqn),
		.verdict = &verdict,
		.now = model_copy(NULL, c->wanted),
	};
	int r = run(&judge, err);

	model_free(judge.now);
	model_free(judge.parts);
	if (r < 0)
		return r;
	*ret = verdict;
	verdict = DRIFT_VERDICT_NULL;
	return 0;
}

/* --- digest: FNV-1a of all texts */

static void add_text(uint64_t *hash, const char *text)
{
	do {
		*hash = (*hash ^ (unsigned char)*text) * 0x100000001b3u;
	} while (*text++);
}

static void add_object(uint64_t *hash, const struct model_object *object)
{
	size_t i;

	add_text(hash, object->name ? object->name : "");
	for (i = 0; i < object->n_attrs; i++) {
		add_text(hash, object->attrs[i].name);
		add_text(hash, object->attrs[i].secret ? "" : object->attrs[i].value);
	}
	for (i = 0; i < object->n_links; i++)
		add_text(hash, object->links[i].name);
	for (i = 0; i < object->n_children; i++)
		add_object(hash, object->children[i]);
}

void drift_digest(const struct model_object *wanted, char digest[DRIFT_DIGEST_MAX])
{
	uint64_t hash = 0xcbf29ce484222325u;

	add_object(&hash, wanted);
	snprintf(digest, DRIFT_DIGEST_MAX, "%016" PRIx64, hash);
}
