/* SPDX-License-Identifier: BSD-3-Clause */
/* What a wanted model does not say in so many words: what is to go, and what will be then. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/plan.h"

/* Will the port serve anything once @wanted is applied? */
static bool will_serve(const struct model_object *w, const struct model_object *a)
{
	size_t i;

	for (i = 0; i < w->n_links; i++)
		if (!w->links[i].absent)
			return true;
	for (i = 0; i < a->n_links; i++)
		if (!model_has_absent_link(w, a->links[i].name))
			return true;
	return false;
}

static int unlink_from_port(struct model_object *wanted, const struct model_object *a_port,
			    const char *nqn)
{
	struct model_object *w = model_add(wanted, MODEL_PORT, a_port->name);

	if (!w || model_link(w, nqn, true) < 0)
		return -ENOMEM;
	w->absent = w->absent || !will_serve(w, a_port);
	return 0;
}

static int serve_by_wanted_ports_only(struct model_object *wanted,
				      const struct model_object *actual, const char *nqn)
{
	const struct model_object *a;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (a = model_next(actual, MODEL_PORT, &i)))
		if (model_has_link(a, nqn) &&
		    !model_has_link(model_find(wanted, MODEL_PORT, a->name), nqn))
			r = unlink_from_port(wanted, a, nqn);
	return r;
}

int plan_make_exact(struct model_object *wanted, const struct model_object *actual)
{
	struct model_object *w;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (w = model_next(wanted, MODEL_SUBSYSTEM, &i))) {
		if (w->absent)
			continue;
		w->exact = true;
		r = serve_by_wanted_ports_only(wanted, actual, w->name);
	}
	return r;
}

int plan_remove_subsystem(struct model_object *wanted, const struct model_object *actual,
			  const char *nqn)
{
	const struct model_object *a = model_find(actual, MODEL_SUBSYSTEM, nqn);
	struct model_object *w = model_add(wanted, MODEL_SUBSYSTEM, nqn);
	const struct model_object *port;
	size_t i;
	int r = w ? 0 : -ENOMEM;

	if (r == 0)
		w->absent = true;
	for (i = 0; r == 0 && (port = model_next(actual, MODEL_PORT, &i));)
		if (model_has_link(port, nqn))
			r = unlink_from_port(wanted, port, nqn);
	for (i = 0; r == 0 && a && i < a->n_links; i++) {
		const char *name = a->links[i].name;
		struct model_object *host;

		/* somebody else asks for it */
		if (model_find(wanted, MODEL_HOST, name))
			continue;
		host = model_add(wanted, MODEL_HOST, name);
		r = host ? 0 : -ENOMEM;
		if (host)
			host->absent = true;
	}
	return r;
}

static int merge_links(struct model_object *a, const struct model_object *w)
{
	struct model_link *links = a->links;
	size_t i;
	size_t kept = 0;
	int r = 0;

	for (i = 0; i < a->n_links; i++) {
		if (model_has_absent_link(w, links[i].name) ||
		    (w->exact && !model_has_link(w, links[i].name)))
			free(links[i].name);
		else
			links[kept++] = links[i];
	}
	a->n_links = kept;
	for (i = 0; r == 0 && i < w->n_links; i++)
		if (!w->links[i].absent)
			r = model_link(a, w->links[i].name, false);
	return r;
}

/* The kernel then chooses the security that goes with the transport. */
static void forget_security(struct model_object *a, const struct model_object *w)
{
	const char *transport = model_text(w, "addr_trtype");

	if (a->kind == MODEL_PORT && *transport &&
	    strcmp(transport, model_text(a, "addr_trtype")) != 0)
		model_unset(a, "addr_tsas");
}

static int merge_attrs(struct model_object *a, const struct model_object *w)
{
	size_t i;
	int r = 0;

	forget_security(a, w);

	for (i = 0; r == 0 && i < w->n_attrs; i++) {
		const struct model_attr *attr = &w->attrs[i];

		/* empty means nothing but for a key */
		if (!*attr->value && !attr->secret && model_get(a, attr->name))
			continue;
		r = attr->secret ? model_set_secret(a, attr->name, attr->value)
				 : model_set(a, attr->name, attr->value);
	}
	return r;
}

static void forget_links_to(struct model_object *root, enum model_kind kind, const char *name);

/* What the kernel makes with the parent stays; passthru is then off. */
static int drop(struct model_object *child)
{
	if (child->kind == MODEL_PASSTHRU)
		return model_is_on(child, "enable") ? model_set(child, "enable", "0") : 0;
	if (child->kind == MODEL_ANA_GROUP && model_id(child) == 1)
		return 0;
	if (child->kind == MODEL_SUBSYSTEM)
		forget_links_to(child->parent, MODEL_PORT, child->name);
	/* hosts come last: others may allow them */
	if (child->kind != MODEL_HOST)
		model_free(child);
	return 0;
}

static int drop_unmentioned(struct model_object *a, const struct model_object *w)
{
	size_t i;
	int r = 0;

	for (i = a->n_children; r == 0 && a->parent && w->exact && i-- > 0;)
		if (!model_find(w, a->children[i]->kind, a->children[i]->name))
			r = drop(a->children[i]);
	return r;
}

static void forget_links_to(struct model_object *root, enum model_kind kind, const char *name)
{
	struct model_object *object;
	size_t i = 0;
	size_t j;

	while ((object = model_next(root, kind, &i)))
		for (j = 0; j < object->n_links; j++)
			if (strcmp(object->links[j].name, name) == 0) {
				free(object->links[j].name);
				memmove(object->links + j, object->links + j + 1,
					(--object->n_links - j) * sizeof(*object->links));
			}
}

static bool is_used(const struct model_object *root, const char *hostnqn)
{
	const struct model_object *object;
	size_t i = 0;

	while ((object = model_next(root, MODEL_SUBSYSTEM, &i)))
		if (model_has_link(object, hostnqn))
			return true;
	return false;
}

static int merge(struct model_object *a, const struct model_object *w)
{
	size_t i;
	int r = merge_attrs(a, w);

	if (r == 0)
		r = merge_links(a, w);
	if (r == 0)
		r = drop_unmentioned(a, w);
	for (i = 0; r == 0 && i < w->n_children; i++) {
		const struct model_object *child = w->children[i];
		struct model_object *mine;

		if (child->absent) {
			mine = model_find(a, child->kind, child->name);
			r = mine ? drop(mine) : 0;
			continue;
		}
		mine = model_add(a, child->kind, child->name);
		r = mine ? merge(mine, child) : -ENOMEM;
	}
	return r;
}

int plan_outcome(struct model_object *actual, const struct model_object *wanted)
{
	const struct model_object *w;
	size_t i = 0;
	int r = merge(actual, wanted);

	/* the kernel keeps a host that others still allow */
	while (r == 0 && (w = model_next(wanted, MODEL_HOST, &i)))
		if (w->absent && !is_used(actual, w->name))
			model_free(model_find(actual, MODEL_HOST, w->name));
	return r;
}
