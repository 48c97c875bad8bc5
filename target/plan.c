/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In the four phases of the header: cut, remove, make, link.
 *
 * W is what is wanted of an object, A the actual one, NULL if it is not there.
 */
#include "target/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/plan-step.h"

static const struct model_object *counterpart(const struct plan_builder *b,
					      const struct model_object *w)
{
	const struct model_object *parent;

	if (!w->parent)
		return b->actual;
	parent = counterpart(b, w->parent);
	return parent ? model_find(parent, w->kind, w->name) : NULL;
}

static bool has_live_links(const struct model_object *object)
{
	return object && object->n_links > 0;
}

/* The kernel takes an empty text for a key only: others keep what they have. */
static bool says_nothing(enum model_kind kind, const struct model_attr *attr)
{
	const struct attr_info *info = attr_find(kind, attr->name);

	return !plan_has_content(attr->value) && !(info && info->secret);
}

/* Must this attribute be written to an object that is there? */
static bool differs(const struct model_object *a, const struct model_attr *attr)
{
	const char *now = model_text(a, attr->name);

	if (says_nothing(a->kind, attr))
		return false;
	if (!plan_has_content(now))
		return !attr_is_default(a->kind, attr->name, attr->value);
	return !attr_is_same(a->kind, attr->name, now, attr->value);
}

static bool is_write_when_off(enum model_kind kind, const char *name)
{
	const struct attr_info *info = attr_find(kind, name);

	return info && info->when == ATTR_DISABLED;
}

/* Sizes are a request that the kernel rounds when a port starts: it reads back as another. */
static bool is_rounded(const char *name)
{
	return strcmp(name, "param_inline_data_size") == 0 ||
	       strcmp(name, "param_max_queue_size") == 0;
}

/* The first attribute that can only be written while the object is off, and must be. */
static const struct model_attr *first_locked(const struct model_object *w,
					     const struct model_object *a)
{
	const struct model_attr *attr;
	size_t i = 0;

	while ((attr = plan_next_attr(w, &i))) {
		if (w->kind == MODEL_PORT && is_rounded(attr->name) && has_live_links(a))
			continue;
		if (is_write_when_off(w->kind, attr->name) && differs(a, attr))
			return attr;
	}
	return NULL;
}

/* Must all links of this port go and come back? */
static bool is_rewritten(const struct model_object *w, const struct model_object *a)
{
	return w && !w->absent && has_live_links(a) && first_locked(w, a);
}

/* --- checks before anything is planned */

static bool is_host_removed(const struct plan_builder *b, const char *nqn)
{
	const struct model_object *w = model_find(b->wanted, MODEL_HOST, nqn);

	return w && w->absent;
}

static int check_hosts(const struct plan_builder *b, const struct model_object *w,
		       const struct model_object *a, struct err *err)
{
	const char *any = model_get(w, "attr_allow_any_host");
	bool is_any = any ? strcmp(any, "1") == 0 : model_is_on(a, "attr_allow_any_host");
	size_t i;

	for (i = 0; i < w->n_links; i++)
		if (!w->links[i].absent && is_host_removed(b, w->links[i].name))
			return err_set(err, -EINVAL,
				       "%s is to allow %s, but that host is to be removed", w->name,
				       w->links[i].name);
	if (!is_any)
		return 0;
	for (i = 0; i < w->n_links; i++)
		if (!w->links[i].absent)
			return err_set(err, -EINVAL,
				       "any host may connect to %s, so a list of hosts has no "
				       "effect; allow either any host or the hosts of the list",
				       w->name);
	for (i = 0; a && !w->exact && i < a->n_links; i++)
		if (!model_has_absent_link(w, a->links[i].name))
			return err_set(err, -EINVAL,
				       "%s has a list of hosts (%s is on it); remove them before "
				       "any host may connect",
				       w->name, a->links[i].name);
	return 0;
}

/* Does the removal of its parent, of what is not mentioned, or its own mark make @a go? */
static bool is_removed(const struct model_object *w_parent, const struct model_object *a)
{
	const struct model_object *w = model_find(w_parent, a->kind, a->name);

	return w_parent->absent || (w ? w->absent : w_parent->exact);
}

/* A namespace that @w asks for or, if passthru is news, one that stays; NULL if there is none. */
static const struct model_object *namespace_beside(const struct model_object *w,
						   const struct model_object *a, bool is_news)
{
	const struct model_object *ns;
	size_t i = 0;

	while ((ns = model_next(w, MODEL_NAMESPACE, &i)))
		if (!ns->absent)
			return ns;
	for (i = 0; is_news && (ns = model_next(a, MODEL_NAMESPACE, &i));)
		if (!is_removed(w, ns))
			return ns;
	return NULL;
}

static int check_passthru(const struct model_object *w, const struct model_object *a,
			  struct err *err)
{
	const struct model_object *w_passthru = model_find(w, MODEL_PASSTHRU, "passthru");
	const struct model_object *a_passthru = model_find(a, MODEL_PASSTHRU, "passthru");
	const char *wish = model_get(w_passthru, "enable");
	bool was_on = model_is_on(a_passthru, "enable");
	const struct model_object *ns;
	bool is_on = was_on && !is_removed(w, a_passthru);

	if (wish && !w_passthru->absent)
		is_on = strcmp(wish, "1") == 0;
	ns = is_on ? namespace_beside(w, a, !was_on) : NULL;
	if (!ns)
		return 0;
	return err_set(err, -EINVAL,
		       "%s exports a whole controller (passthru), so it cannot have namespace %s "
		       "of its own; remove one or the other",
		       w->name, ns->name);
}

static int check_subsystem(const struct plan_builder *b, const struct model_object *w,
			   struct err *err)
{
	const struct model_object *a = counterpart(b, w);
	int r;

	if (w->absent)
		return 0;
	r = check_passthru(w, a, err);
	return r < 0 ? r : check_hosts(b, w, a, err);
}

static bool will_be_there(const struct plan_builder *b, enum model_kind kind, const char *name)
{
	const struct model_object *w = model_find(b->wanted, kind, name);

	return w ? !w->absent : model_find(b->actual, kind, name) != NULL;
}

static int check_port(const struct plan_builder *b, const struct model_object *w, struct err *err)
{
	const struct model_object *a = counterpart(b, w);
	size_t i;

	for (i = 0; !w->absent && i < w->n_links; i++)
		if (!w->links[i].absent && !will_be_there(b, MODEL_SUBSYSTEM, w->links[i].name))
			return err_set(err, -EINVAL,
				       "port %s is to serve %s, but there is no such subsystem",
				       w->name, w->links[i].name);
	if (is_rewritten(w, a) && !(b->flags & PLAN_MAY_REWRITE_PORT)) {
		const struct model_attr *attr = first_locked(w, a);

		return err_set(err, -EBUSY,
			       "port %s has %s \"%s\", not \"%s\", and is in use: a change cuts "
			       "all hosts of %s%s; use another address or port number",
			       w->name, attr->name, model_text(a, attr->name), attr->value,
			       a->links[0].name, a->n_links > 1 ? " and others" : "");
	}
	return 0;
}

static int check(const struct plan_builder *b, struct err *err)
{
	const struct model_object *w;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && (w = model_next(b->wanted, MODEL_SUBSYSTEM, &i));)
		r = check_subsystem(b, w, err);
	for (i = 0; r == 0 && (w = model_next(b->wanted, MODEL_PORT, &i));)
		r = check_port(b, w, err);
	return r;
}

/* --- cut and narrow */

static void cut_link(struct plan_builder *b, const struct model_object *a_port, const char *nqn)
{
	plan_add_unlink(b, a_port, nqn);
	plan_add_cut(b, a_port, nqn);
}

static bool is_subsystem_removed(const struct plan_builder *b, const char *nqn)
{
	const struct model_object *w = model_find(b->wanted, MODEL_SUBSYSTEM, nqn);

	return w && w->absent;
}

/* Does the wanted port alone make all or this link of the actual one go? */
static bool port_cuts(const struct model_object *w, const struct model_object *a, const char *nqn)
{
	if (!w)
		return false;
	return w->absent || is_rewritten(w, a) || model_has_absent_link(w, nqn) ||
	       (w->exact && !model_has_link(w, nqn));
}

static void cut_port(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	size_t i;

	if (!a)
		return;
	if (w->absent || w->exact || is_rewritten(w, a)) {
		for (i = 0; i < a->n_links; i++)
			if (port_cuts(w, a, a->links[i].name))
				cut_link(b, a, a->links[i].name);
		return;
	}
	for (i = 0; i < w->n_links; i++)
		if (w->links[i].absent && model_has_link(a, w->links[i].name))
			cut_link(b, a, w->links[i].name);
}

static void cut_removed_subsystem(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a;
	size_t i = 0;

	while ((a = model_next(b->actual, MODEL_PORT, &i)))
		if (model_has_link(a, w->name) &&
		    !port_cuts(model_find(b->wanted, MODEL_PORT, a->name), a, w->name))
			cut_link(b, a, w->name);
}

static void narrow_access(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	const char *any = model_get(w, "attr_allow_any_host");
	struct plan_step *step;
	size_t i;

	if (!a)
		return;
	if (any && strcmp(any, "0") == 0 && model_is_on(a, "attr_allow_any_host")) {
		step = plan_add_write(b, w, "attr_allow_any_host", "0", 0);
		plan_undo_write(b, step, w, "attr_allow_any_host", "1", 0);
	}
	for (i = 0; i < a->n_links; i++)
		if (model_has_absent_link(w, a->links[i].name) ||
		    (w->exact && !model_has_link(w, a->links[i].name)))
			plan_add_unlink(b, a, a->links[i].name);
}

static void phase_cut(struct plan_builder *b)
{
	const struct model_object *w;
	size_t i;

	for (i = 0; (w = model_next(b->wanted, MODEL_PORT, &i));)
		cut_port(b, w);
	for (i = 0; (w = model_next(b->wanted, MODEL_SUBSYSTEM, &i));) {
		if (w->absent)
			cut_removed_subsystem(b, w);
		else
			narrow_access(b, w);
	}
}

/* --- remove */

static void remove_children(struct plan_builder *b, const struct model_object *w,
			    const struct model_object *a, enum model_kind kind)
{
	const struct model_object *child;
	size_t i = 0;

	while ((child = model_next(a, kind, &i))) {
		if (kind == MODEL_ANA_GROUP && model_id(child) == 1)
			continue;
		if (is_removed(w, child))
			plan_add_rmdir(b, child);
	}
}

static void switch_off(struct plan_builder *b, const struct model_object *a)
{
	unsigned int flags = plan_switch_flags(a->kind);
	struct plan_step *step = plan_add_write(b, a, "enable", "0", flags);

	plan_undo_write(b, step, a, "enable", "1", flags);
}

static void remove_subsystem(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	const struct model_object *passthru = model_find(a, MODEL_PASSTHRU, "passthru");
	struct plan_step *step;
	size_t i;

	if (!a)
		return;
	/* one lane for each: the kernel waits long for each namespace, but not for others' */
	b->lane = w->absent ? ++b->n_lanes : 0;
	remove_children(b, w, a, MODEL_NAMESPACE);
	if (passthru && model_is_on(passthru, "enable") && is_removed(w, passthru))
		switch_off(b, passthru);
	for (i = 0; w->absent && i < a->n_links; i++) {
		step = plan_add_unlink(b, a, a->links[i].name);
		if (step)
			step->is_detail = true;
	}
	if (w->absent)
		plan_add_rmdir(b, a);
	b->lane = 0;
}

static void remove_port(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);

	if (!a)
		return;
	remove_children(b, w, a, MODEL_REFERRAL);
	remove_children(b, w, a, MODEL_ANA_GROUP);
	if (w->absent)
		plan_add_rmdir(b, a);
}

static void phase_remove(struct plan_builder *b)
{
	const struct model_object *w;
	const struct model_object *a;
	size_t i;

	for (i = 0; (w = model_next(b->wanted, MODEL_SUBSYSTEM, &i));)
		remove_subsystem(b, w);
	for (i = 0; (w = model_next(b->wanted, MODEL_PORT, &i));)
		remove_port(b, w);
	for (i = 0; (w = model_next(b->wanted, MODEL_HOST, &i));) {
		a = counterpart(b, w);
		if (w->absent && a)
			plan_add_rmdir(b, a);
	}
}

/* --- make */

static bool is_cut(const struct plan *plan, const struct model_object *port, const char *nqn)
{
	size_t i;

	for (i = 0; i < plan->n_cuts; i++)
		if (plan->cuts[i].port_id == model_id(port) && strcmp(plan->cuts[i].nqn, nqn) == 0)
			return true;
	return false;
}

static void note_cuts(struct plan_builder *b, const struct model_object *a)
{
	const struct model_object *port;
	size_t i = 0;

	while (!b->failed && (port = model_next(b->actual, MODEL_PORT, &i)))
		if (model_has_link(port, a->name) && !is_cut(b->plan, port, a->name))
			plan_add_cut(b, port, a->name);
}

static bool cuts_hosts(const char *name)
{
	return strcmp(name, "attr_qid_max") == 0 || strcmp(name, "attr_tbkas") == 0;
}

/* The kernel resets the security of a port whose transport is written. */
static bool is_reset(const struct model_object *w, const struct model_object *a, const char *name)
{
	size_t i;

	for (i = 0; a && strcmp(name, "addr_tsas") == 0 && i < w->n_attrs; i++)
		if (strcmp(w->attrs[i].name, "addr_trtype") == 0)
			return differs(a, &w->attrs[i]);
	return false;
}

static void write_attr(struct plan_builder *b, const struct model_object *w,
		       const struct model_object *a, const struct model_attr *attr)
{
	const char *now = model_get(a, attr->name);
	bool cuts = a && a->kind == MODEL_SUBSYSTEM && cuts_hosts(attr->name);
	struct plan_step *step =
		plan_add_write(b, w, attr->name, attr->value, cuts ? PLAN_CAN_HANG : 0);

	if (!step)
		return;
	step->is_detail = !a;
	if (now && strcmp(now, "(null)") != 0 && !is_reset(w, a, attr->name))
		plan_undo_write(b, step, w, attr->name, now, cuts ? PLAN_CAN_HANG : 0);
	if (now && strcmp(attr->name, "addr_trtype") == 0 &&
	    !attr_is_default(w->kind, "addr_tsas", model_text(a, "addr_tsas")))
		plan_undo_write(b, step, w, "addr_tsas", model_text(a, "addr_tsas"), 0);
	if (cuts)
		note_cuts(b, a);
}

static bool is_written(const struct model_object *w, const struct model_object *a,
		       const struct model_attr *attr)
{
	if (!a)
		return !attr_is_default(w->kind, attr->name, attr->value);
	if (w->kind == MODEL_PORT && is_rounded(attr->name) && has_live_links(a) &&
	    !is_rewritten(w, a))
		return false;
	/* narrowing was the first thing to do */
	if (strcmp(attr->name, "attr_allow_any_host") == 0 && strcmp(attr->value, "0") == 0)
		return false;
	return differs(a, attr) ||
	       (is_reset(w, a, attr->name) && !attr_is_default(a->kind, attr->name, attr->value));
}

/* Does it let somebody in who was not before? */
static bool is_widening(const struct model_object *w, const struct model_attr *attr)
{
	if (w->kind == MODEL_SUBSYSTEM)
		return strcmp(attr->name, "attr_allow_any_host") == 0;
	return w->kind == MODEL_HOST && !*attr->value;
}

/* The kernel refuses a lowest number over the highest, also for the moment between two writes. */
static const struct model_attr *first_to_write(const struct model_object *w,
					       const struct model_object *a)
{
	const char *low = model_text(w, "attr_cntlid_min");
	const char *high = model_text(a, "attr_cntlid_max");
	size_t i;

	if (!*low || !*high || strtol(low, NULL, 0) <= strtol(high, NULL, 0))
		return NULL;
	for (i = 0; i < w->n_attrs; i++)
		if (strcmp(w->attrs[i].name, "attr_cntlid_max") == 0)
			return &w->attrs[i];
	return NULL;
}

static void write_attrs(struct plan_builder *b, const struct model_object *w,
			const struct model_object *a)
{
	const struct model_attr *first = first_to_write(w, a);
	const struct model_attr *attr;
	size_t i = 0;

	if (first)
		write_attr(b, w, a, first);
	while ((attr = plan_next_attr(w, &i)))
		if (attr != first && !is_widening(w, attr) && is_written(w, a, attr))
			write_attr(b, w, a, attr);
}

static void widen_attrs(struct plan_builder *b, const struct model_object *w,
			const struct model_object *a)
{
	const struct model_attr *attr;
	size_t i = 0;

	while ((attr = plan_next_attr(w, &i)))
		if (is_widening(w, attr) && is_written(w, a, attr))
			write_attr(b, w, a, attr);
}

static void switch_on(struct plan_builder *b, const struct model_object *w, bool is_detail)
{
	unsigned int flags = plan_switch_flags(w->kind);
	struct plan_step *step = plan_add_write(b, w, "enable", "1", flags);

	plan_undo_write(b, step, w, "enable", "0", flags);
	if (step)
		step->is_detail = is_detail;
}

/* A namespace, passthru or referral: off while what needs that is written, then as wanted. */
static void make_switched(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	const char *wish = model_get(w, "enable");
	bool was_on = model_is_on(a, "enable");
	bool is_on = wish ? strcmp(wish, "1") == 0 : was_on;
	bool pauses = a && was_on && (!is_on || first_locked(w, a));

	if (!a && w->kind != MODEL_PASSTHRU)
		plan_add_mkdir(b, w);
	if (pauses)
		switch_off(b, a);
	write_attrs(b, w, a);
	if (is_on && (!was_on || pauses))
		switch_on(b, w, !a);
}

static void make_children(struct plan_builder *b, const struct model_object *w,
			  enum model_kind kind)
{
	const struct model_object *child;
	size_t i = 0;

	while ((child = model_next(w, kind, &i)))
		if (!child->absent)
			make_switched(b, child);
}

static void make_host(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	bool has_key = *model_text(w, "dhchap_key") || *model_text(w, "dhchap_ctrl_key");

	if (w->absent)
		return;
	if (!a)
		plan_add_mkdir(b, w);
	/* closed before there is a secret: the kernel makes all of it readable for everybody */
	if (has_key && !*model_text(a, "dhchap_key") && !*model_text(a, "dhchap_ctrl_key")) {
		plan_add_chmod(b, w, NULL, 0700);
		plan_add_chmod(b, w, "dhchap_key", 0600);
		plan_add_chmod(b, w, "dhchap_ctrl_key", 0600);
	}
	write_attrs(b, w, a);
}

static void make_subsystem(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	size_t i;

	if (w->absent)
		return;
	if (!a)
		plan_add_mkdir(b, w);
	write_attrs(b, w, a);
	/* namespaces cannot be switched on before passthru is off */
	make_children(b, w, MODEL_PASSTHRU);
	make_children(b, w, MODEL_NAMESPACE);
	/* whoever is let in now does not see what has just gone or changed */
	widen_attrs(b, w, a);
	for (i = 0; i < w->n_links; i++)
		if (!w->links[i].absent && !model_has_link(a, w->links[i].name))
			plan_add_symlink(b, w, w->links[i].name);
}

static void make_ana_group(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);

	/* group 1 comes with its port */
	if (!a && model_id(w) != 1)
		plan_add_mkdir(b, w);
	if (!a && model_id(w) == 1 && strcmp(model_text(w, "ana_state"), "optimized") == 0)
		return;
	write_attrs(b, w, a);
}

static void make_port(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *group;
	const struct model_object *a = counterpart(b, w);
	size_t i = 0;

	if (w->absent)
		return;
	if (!a)
		plan_add_mkdir(b, w);
	write_attrs(b, w, a);
	while ((group = model_next(w, MODEL_ANA_GROUP, &i)))
		if (!group->absent)
			make_ana_group(b, group);
	make_children(b, w, MODEL_REFERRAL);
}

static void phase_make(struct plan_builder *b)
{
	const struct model_object *w;
	size_t i;

	write_attrs(b, b->wanted, b->actual);
	for (i = 0; (w = model_next(b->wanted, MODEL_HOST, &i));)
		make_host(b, w);
	for (i = 0; (w = model_next(b->wanted, MODEL_SUBSYSTEM, &i));)
		make_subsystem(b, w);
	for (i = 0; (w = model_next(b->wanted, MODEL_HOST, &i));)
		if (!w->absent)
			widen_attrs(b, w, counterpart(b, w));
	for (i = 0; (w = model_next(b->wanted, MODEL_PORT, &i));)
		make_port(b, w);
}

/* --- link */

static void link_port(struct plan_builder *b, const struct model_object *w)
{
	const struct model_object *a = counterpart(b, w);
	size_t i;

	if (w->absent)
		return;
	for (i = 0; i < w->n_links; i++)
		if (!w->links[i].absent &&
		    (!model_has_link(a, w->links[i].name) || is_rewritten(w, a)))
			plan_add_symlink(b, w, w->links[i].name);
	/* others' links, which went because the port had to change */
	for (i = 0; is_rewritten(w, a) && i < a->n_links; i++) {
		const char *nqn = a->links[i].name;

		if (!model_has_link(w, nqn) && !model_has_absent_link(w, nqn) && !w->exact &&
		    !is_subsystem_removed(b, nqn))
			plan_add_symlink(b, w, nqn);
	}
}

static void phase_link(struct plan_builder *b)
{
	const struct model_object *w;
	size_t i;

	for (i = 0; (w = model_next(b->wanted, MODEL_PORT, &i));)
		link_port(b, w);
}

int plan_make(const struct model_object *wanted, const struct model_object *actual,
	      unsigned int flags, struct plan *ret, struct err *err)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct plan_builder b = {
		.plan = &plan,
		.wanted = wanted,
		.actual = actual,
		.flags = flags,
	};
	int r = check(&b, err);

	if (r < 0)
		return r;
	phase_cut(&b);
	phase_remove(&b);
	phase_make(&b);
	phase_link(&b);
	if (b.failed)
		return err_nomem(err);
	*ret = plan;
	plan = PLAN_NULL;
	return 0;
}
