/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps in words: as a shell would do them, and as changes for a person. */
#include <string.h>

#include "target/plan.h"

static void add_path(const char *root, const char *path, struct str *text)
{
	struct str whole CLEANUP_STR = STR_NULL;

	str_addf(&whole, "%s%s%s", root, *path ? "/" : "", path);
	str_add_quoted(text, str_get(&whole));
}

/* May it stand after "echo -n" of any shell? */
static bool is_plain(const char *value)
{
	return *value && *value != '-' && !strpbrk(value, "\\\n");
}

static void add_write(const struct plan_action *act, struct str *text)
{
	if (act->source) {
		str_add(text, "tr -d '\\n' <");
		str_add_quoted(text, act->source);
	} else if (act->flags & PLAN_SECRET) {
		str_add(text, *act->value ? "tr -d '\\n' <KEYFILE" : "printf '\\0'");
	} else {
		str_add(text, is_plain(act->value) ? "echo -n " : "printf %s ");
		str_add_quoted(text, act->value);
	}
	str_add(text, " >");
}

void plan_format_shell(const struct plan_step *step, const char *root, struct str *text)
{
	const struct plan_action *act = &step->act;

	switch (act->op) {
	case PLAN_MKDIR:
		str_add(text, "mkdir ");
		break;
	case PLAN_RMDIR:
		str_add(text, "rmdir ");
		break;
	case PLAN_WRITE:
		add_write(act, text);
		break;
	case PLAN_SYMLINK:
		str_add(text, "ln -s ");
		add_path(root, act->value, text);
		str_add(text, " ");
		break;
	case PLAN_UNLINK:
		str_add(text, "rm ");
		break;
	case PLAN_CHMOD:
		str_addf(text, "chmod %04o ", (unsigned int)act->mode);
		break;
	}
	add_path(root, act->path, text);
	if (act->flags & PLAN_IF_UNUSED)
		str_add(text, " || true # if nothing else uses it");
	else if (act->flags & PLAN_IF_THERE)
		str_add(text, " || true # if this kernel has it");
	str_add(text, "\n");
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *old_value(const struct plan_step *step)
{
	return step->n_undo && step->undo[0].op == PLAN_WRITE ? step->undo[0].value : NULL;
}

static void add_write_change(const struct plan_step *step, struct str *text)
{
	const struct plan_action *act = &step->act;
	const char *name = last_part(act->path);
	const char *old = old_value(step);

	if (act->flags & PLAN_SECRET)
		str_addf(text, "~ %s of %s: %s\n", name, step->what,
			 *act->value ? "another key" : "no key");
	else if (strcmp(name, "enable") == 0)
		str_addf(text, "~ %s: %s\n", step->what,
			 strcmp(act->value, "1") == 0 ? "enabled" : "disabled");
	else if (old)
		str_addf(text, "~ %s of %s: \"%s\" becomes \"%s\"\n", name, step->what, old,
			 act->value);
	else
		str_addf(text, "~ %s of %s: \"%s\"\n", name, step->what, act->value);
}

static void add_link_change(const struct plan_step *step, struct str *text)
{
	const struct plan_action *act = &step->act;
	const char *name = last_part(act->path);
	bool is_port = strstr(act->path, "/allowed_hosts/") == NULL;

	str_add(text, act->op == PLAN_SYMLINK ? "+ " : "- ");
	if (is_port)
		str_addf(text, "%s serves %s\n", step->what, name);
	else
		str_addf(text, "%s allows %s\n", step->what, name);
}

void plan_format_change(const struct plan_step *step, struct str *text)
{
	if (step->is_detail)
		return;
	switch (step->act.op) {
	case PLAN_MKDIR:
		str_addf(text, "+ %s\n", step->what);
		break;
	case PLAN_RMDIR:
		str_addf(text, "- %s%s\n", step->what,
			 step->act.flags & PLAN_IF_UNUSED ? " (if nothing else uses it)" : "");
		break;
	case PLAN_WRITE:
		add_write_change(step, text);
		break;
	case PLAN_SYMLINK:
	case PLAN_UNLINK:
		add_link_change(step, text);
		break;
	case PLAN_CHMOD:
		break;
	}
}
