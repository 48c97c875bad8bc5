/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan-step - the planner's own means to write down steps. Only plan*.c includes it.
 *
 * A failed allocation is remembered: add freely, look at `failed` once at the end.
 */
#pragma once

#include "target/attr.h"
#include "target/plan.h"

struct plan_builder {
	struct plan *plan;
	const struct model_object *wanted;
	const struct model_object *actual;
	unsigned int flags;
	unsigned int lane; /* of the steps that are added */
	unsigned int n_lanes;
	bool failed;
};

/* Each adds one step that concerns @what and returns it; NULL once something failed. */
struct plan_step *plan_add_mkdir(struct plan_builder *b, const struct model_object *what);
struct plan_step *plan_add_write(struct plan_builder *b, const struct model_object *what,
				 const char *name, const char *value, unsigned int flags);
struct plan_step *plan_add_symlink(struct plan_builder *b, const struct model_object *from,
				   const char *to);
struct plan_step *plan_add_unlink(struct plan_builder *b, const struct model_object *from,
				  const char *to);
struct plan_step *plan_add_chmod(struct plan_builder *b, const struct model_object *what,
				 const char *name, mode_t mode);

/* Remove @what, which is in the actual tree; undone by making it again with all its attributes. */
struct plan_step *plan_add_rmdir(struct plan_builder *b, const struct model_object *what);

/* Let @step be undone by writing @value. */
void plan_undo_write(struct plan_builder *b, struct plan_step *step,
		     const struct model_object *what, const char *name, const char *value,
		     unsigned int flags);

void plan_add_cut(struct plan_builder *b, const struct model_object *port, const char *nqn);

/*
 * The attributes of an object in the order in which they are written, unknown ones last; those
 * that are never written from a model (enable, our own *_file) are left out.
 * for (i = 0; (attr = plan_next_attr(object, &i));)
 */
const struct model_attr *plan_next_attr(const struct model_object *object, size_t *index);

/* Is there a value in what the kernel shows? It writes "(null)" for a path that was never set. */
bool plan_has_content(const char *value);

/* Flags with which an attribute of that kind is switched on or off. */
unsigned int plan_switch_flags(enum model_kind kind);
