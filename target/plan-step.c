/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/plan-step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void action_deinit(struct plan_action *act)
{
	if (act->value && (act->flags & PLAN_SECRET))
		explicit_bzero(act->value, strlen(act->value));
	free(act->path);
	free(act->value);
	free(act->source);
}

void plan_deinit(struct plan *plan)
{
	size_t i;
	size_t j;

	for (i = 0; i < plan->n_steps; i++) {
		struct plan_step *step = &plan->steps[i];

		action_deinit(&step->act);
		for (j = 0; j < step->n_undo; j++)
			action_deinit(&step->undo[j]);
		free(step->undo);
		free(step->what);
	}
	for (i = 0; i < plan->n_cuts; i++)
		free(plan->cuts[i].nqn);
	free(plan->steps);
	free(plan->cuts);
	*plan = PLAN_NULL;
}

/* Room for one more of @size bytes in an array that doubles. */
static void *grown(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? 2 * count : 1) * size);
}

static bool set_action(struct plan_builder *b, struct plan_action *act, const char *path,
		       const char *value)
{
	act->path = strdup(path);
	act->value = value ? strdup(value) : NULL;
	if (!act->path || (value && !act->value))
		b->failed = true;
	return !b->failed;
}

static struct plan_step *add_step(struct plan_builder *b, enum plan_op op,
				  const struct model_object *what, const char *path,
				  const char *value)
{
	struct plan *plan = b->plan;
	struct plan_step *steps;
	char text[MODEL_NAME_MAX];

	if (b->failed)
		return NULL;
	steps = grown(plan->steps, plan->n_steps, sizeof(*steps));
	if (!steps) {
		b->failed = true;
		return NULL;
	}
	plan->steps = steps;
	steps += plan->n_steps++;
	*steps = (struct plan_step){
		.act.op = op,
		.lane = b->lane,
		.what = strdup(model_describe(what, text, sizeof(text))),
	};
	if (!steps->what)
		b->failed = true;
	return set_action(b, &steps->act, path, value) ? steps : NULL;
}

static struct plan_action *add_undo(struct plan_builder *b, struct plan_step *step, enum plan_op op,
				    const char *path, const char *value)
{
	struct plan_action *undo;

	if (!step || b->failed)
		return NULL;
	undo = grown(step->undo, step->n_undo, sizeof(*undo));
	if (!undo) {
		b->failed = true;
		return NULL;
	}
	step->undo = undo;
	undo += step->n_undo++;
	*undo = (struct plan_action){ .op = op };
	return set_action(b, undo, path, value) ? undo : NULL;
}

/* Path of @what, with "/name" if there is one. */
static const char *path_of(struct plan_builder *b, const struct model_object *what,
			   const char *name, char path[MODEL_PATH_MAX])
{
	size_t length;

	if (model_path(what, path, MODEL_PATH_MAX) < 0)
		b->failed = true;
	length = strnlen(path, MODEL_PATH_MAX);
	if (name && (size_t)snprintf(path + length, MODEL_PATH_MAX - length, "%s%s",
				     length ? "/" : "", name) >= MODEL_PATH_MAX - length)
		b->failed = true;
	return path;
}

struct plan_step *plan_add_mkdir(struct plan_builder *b, const struct model_object *what)
{
	char path[MODEL_PATH_MAX];
	struct plan_step *step = add_step(b, PLAN_MKDIR, what, path_of(b, what, NULL, path), NULL);
	struct plan_action *undo = add_undo(b, step, PLAN_RMDIR, path, NULL);

	if (undo && (what->kind == MODEL_NAMESPACE || what->kind == MODEL_PORT))
		undo->flags = PLAN_CAN_HANG;
	return b->failed ? NULL : step;
}

struct plan_step *plan_add_write(struct plan_builder *b, const struct model_object *what,
				 const char *name, const char *value, unsigned int flags)
{
	const struct attr_info *info = attr_find(what->kind, name);
	char path[MODEL_PATH_MAX];
	char file_name[64];
	const char *source = NULL;
	struct plan_step *step = add_step(b, PLAN_WRITE, what, path_of(b, what, name, path), value);

	if (!step)
		return NULL;
	step->act.flags = flags;
	if (!info || !info->secret)
		return step;
	step->act.flags |= PLAN_SECRET;
	snprintf(file_name, sizeof(file_name), "%s_file", name);
	source = model_get(what, file_name);
	step->act.source = source ? strdup(source) : NULL;
	if (source && !step->act.source)
		b->failed = true;
	return step;
}

void plan_undo_write(struct plan_builder *b, struct plan_step *step,
		     const struct model_object *what, const char *name, const char *value,
		     unsigned int flags)
{
	const struct attr_info *info = attr_find(what->kind, name);
	char path[MODEL_PATH_MAX];
	struct plan_action *undo =
		add_undo(b, step, PLAN_WRITE, path_of(b, what, name, path), value);

	if (undo)
		undo->flags = flags | (info && info->secret ? PLAN_SECRET : 0);
}

struct plan_step *plan_add_chmod(struct plan_builder *b, const struct model_object *what,
				 const char *name, mode_t mode)
{
	char path[MODEL_PATH_MAX];
	struct plan_step *step = add_step(b, PLAN_CHMOD, what, path_of(b, what, name, path), NULL);

	if (!step)
		return NULL;
	step->act.mode = mode;
	step->act.flags = name ? PLAN_IF_THERE : 0;
	step->is_detail = true;
	return step;
}

/* The link's own path and what it points at. */
static void link_paths(struct plan_builder *b, const struct model_object *from, const char *to,
		       char path[MODEL_PATH_MAX], char target[MODEL_PATH_MAX])
{
	bool is_port = from->kind == MODEL_PORT;
	char name[MODEL_PATH_MAX];

	snprintf(name, sizeof(name), "%s/%s", is_port ? "subsystems" : "allowed_hosts", to);
	path_of(b, from, name, path);
	snprintf(target, MODEL_PATH_MAX, "%s/%s", is_port ? "subsystems" : "hosts", to);
}

static unsigned int unlink_flags(const struct model_object *from)
{
	return from->kind == MODEL_PORT ? PLAN_CAN_HANG : 0;
}

struct plan_step *plan_add_symlink(struct plan_builder *b, const struct model_object *from,
				   const char *to)
{
	char path[MODEL_PATH_MAX];
	char target[MODEL_PATH_MAX];
	struct plan_action *undo;
	struct plan_step *step;

	link_paths(b, from, to, path, target);
	step = add_step(b, PLAN_SYMLINK, from, path, target);
	undo = add_undo(b, step, PLAN_UNLINK, path, NULL);
	if (undo)
		undo->flags = unlink_flags(from);
	return b->failed ? NULL : step;
}

struct plan_step *plan_add_unlink(struct plan_builder *b, const struct model_object *from,
				  const char *to)
{
	char path[MODEL_PATH_MAX];
	char target[MODEL_PATH_MAX];
	struct plan_step *step;

	link_paths(b, from, to, path, target);
	step = add_step(b, PLAN_UNLINK, from, path, NULL);
	if (step)
		step->act.flags = unlink_flags(from);
	add_undo(b, step, PLAN_SYMLINK, path, target);
	return b->failed ? NULL : step;
}

bool plan_has_content(const char *value)
{
	return *value && strcmp(value, "(null)") != 0;
}

/* Write again what an object had, but whether it was on. */
static void undo_attrs(struct plan_builder *b, struct plan_step *step,
		       const struct model_object *what)
{
	const struct model_attr *attr;
	size_t i;

	for (i = 0; (attr = plan_next_attr(what, &i));)
		if (plan_has_content(attr->value) &&
		    !attr_is_default(what->kind, attr->name, attr->value))
			plan_undo_write(b, step, what, attr->name, attr->value, 0);
}

/* What came with its parent, goes with it and is made by it again. */
static void undo_built_in(struct plan_builder *b, struct plan_step *step,
			  const struct model_object *parent)
{
	const struct model_object *passthru = model_find(parent, MODEL_PASSTHRU, "passthru");
	const struct model_object *group = model_find_id(parent, MODEL_ANA_GROUP, 1);

	/* a step of its own has switched it off, and switches it on again */
	if (passthru)
		undo_attrs(b, step, passthru);
	if (group && strcmp(model_text(group, "ana_state"), "optimized") != 0)
		undo_attrs(b, step, group);
}

static void undo_modes(struct plan_builder *b, struct plan_step *step,
		       const struct model_object *host)
{
	static const char *const names[] = { NULL, "dhchap_key", "dhchap_ctrl_key" };
	char path[MODEL_PATH_MAX];
	struct plan_action *undo;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(b, host, names[i], path);
		undo = add_undo(b, step, PLAN_CHMOD, path, NULL);
		if (!undo)
			return;
		undo->mode = names[i] ? 0600 : 0700;
		undo->flags = PLAN_IF_THERE;
	}
}

struct plan_step *plan_add_rmdir(struct plan_builder *b, const struct model_object *what)
{
	char path[MODEL_PATH_MAX];
	struct plan_step *step = add_step(b, PLAN_RMDIR, what, path_of(b, what, NULL, path), NULL);

	if (!step)
		return NULL;
	if (what->kind == MODEL_NAMESPACE || what->kind == MODEL_PORT)
		step->act.flags = PLAN_CAN_HANG;
	if (what->kind == MODEL_HOST)
		step->act.flags = PLAN_IF_UNUSED;
	add_undo(b, step, PLAN_MKDIR, path, NULL);
	if (*model_text(what, "dhchap_key") || *model_text(what, "dhchap_ctrl_key"))
		undo_modes(b, step, what);
	undo_attrs(b, step, what);
	if (model_is_on(what, "enable"))
		plan_undo_write(b, step, what, "enable", "1", plan_switch_flags(what->kind));
	undo_built_in(b, step, what);
	return b->failed ? NULL : step;
}

void plan_add_cut(struct plan_builder *b, const struct model_object *port, const char *nqn)
{
	struct plan *plan = b->plan;
	struct plan_cut *cuts = grown(plan->cuts, plan->n_cuts, sizeof(*cuts));

	if (!cuts) {
		b->failed = true;
		return;
	}
	plan->cuts = cuts;
	cuts[plan->n_cuts] = (struct plan_cut){ .port_id = model_id(port), .nqn = strdup(nqn) };
	if (!cuts[plan->n_cuts++].nqn)
		b->failed = true;
}

static const struct model_attr *attr_named(const struct model_object *object, const char *name)
{
	size_t i;

	for (i = 0; i < object->n_attrs; i++)
		if (strcmp(object->attrs[i].name, name) == 0)
			return &object->attrs[i];
	return NULL;
}

/* Our own note of where a key comes from, which no kernel knows. */
static bool is_ours(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && strcmp(name + length - 5, "_file") == 0;
}

/* Index: first through the table of known ones, then through the object's own. */
const struct model_attr *plan_next_attr(const struct model_object *object, size_t *index)
{
	const size_t own = 1000;
	const struct attr_info *info;
	const struct model_attr *attr;

	for (; *index < own; (*index)++) {
		info = attr_at(object->kind, (unsigned int)*index);
		if (!info) {
			*index = own;
			break;
		}
		attr = info->when == ATTR_READ_ONLY ? NULL : attr_named(object, info->name);
		if (attr) {
			(*index)++;
			return attr;
		}
	}
	for (; *index - own < object->n_attrs; (*index)++) {
		attr = &object->attrs[*index - own];
		if (!attr_find(object->kind, attr->name) && !is_ours(attr->name)) {
			(*index)++;
			return attr;
		}
	}
	return NULL;
}

unsigned int plan_switch_flags(enum model_kind kind)
{
	switch (kind) {
	case MODEL_NAMESPACE:
	case MODEL_PASSTHRU:
		return PLAN_CAN_HANG | PLAN_READ_BACK;
	default:
		return 0;
	}
}
