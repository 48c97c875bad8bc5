/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "initiator/state.h"
#include "initiator/view.h"
#include "wire/object.h"

static bool remember(void *data, const struct inventory_controller *controller,
		     struct state_memory *ret)
{
	const struct look *look = data;
	const struct look_controller *beside = look_beside(look, controller);

	*ret = (struct state_memory){
		.since_ms = beside->since_ms,
		.lost_for_ms = beside->lost_for_ms,
		.cause = beside->cause,
		.owner = beside->owner,
		.wanted = look_find_wanted(look, controller) != NULL,
	};
	return true;
}

struct choice {
	const struct look_target *targets;
	size_t n_targets;
};

static bool is_chosen(const struct choice *choice, enum look_meant kind,
		      const struct object *object)
{
	const char *nqn = js_text(js_get(object->attrs, "nqn"));
	size_t i;

	for (i = 0; i < choice->n_targets; i++)
		if (look_means(&choice->targets[i], kind, object->id, nqn ? nqn : ""))
			return true;
	return choice->n_targets == 0;
}

static struct js *all_of_kind(const struct object_set *set, const char *word, enum look_meant kind,
			      const struct choice *choice)
{
	static const char *const nothing[] = { NULL };
	struct js *array = js_array();
	size_t i;

	for (i = 0; i < object_set_count(set); i++) {
		struct object object = object_set_at(set, i);
		struct js *json;

		if (strcmp(object.kind, word) != 0 || !is_chosen(choice, kind, &object))
			continue;
		json = js_copy_without(object.attrs, nothing);
		js_set(json, "id", js_string(object.id));
		js_append(array, json);
	}
	return array;
}

int view_json_list(const struct look *look, const struct look_target *targets, size_t n_targets,
		   struct js *json, struct err *err)
{
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	struct choice choice = { targets, n_targets };
	int r = set ? state_put(set, look->inventory, &look->host, remember, (void *)look, err)
		    : err_nomem(err);

	if (r < 0)
		return r;
	js_set(json, "controllers", all_of_kind(set, "controller", LOOK_CONTROLLER, &choice));
	js_set(json, "devices", all_of_kind(set, "device", LOOK_DEVICE, &choice));
	return 0;
}

/* --- paths */

static struct js *node(const struct inventory_device *device)
{
	char path[INVENTORY_NAME_MAX + 8];

	snprintf(path, sizeof(path), "/dev/%s", device->name);
	return js_string(path);
}

static struct js *ways(const struct look *look, const struct inventory_controller *controller)
{
	struct js *array = js_array();
	size_t i;

	for (i = 0; controller && i < look->inventory->n_devices; i++) {
		const struct inventory_device *device = &look->inventory->devices[i];
		const struct inventory_path *way = paths_of_device(device, controller);
		struct js *json;

		if (!way)
			continue;
		json = js_object();
		js_set(json, "device", node(device));
		js_set(json, "ana_state", js_string(*way->ana_state ? way->ana_state : NULL));
		js_append(array, json);
	}
	return array;
}

static void set_wanted(struct js *json, const struct look_wanted *wanted)
{
	js_set(json, "wanted", js_bool(wanted != NULL));
	js_set(json, "source", js_string(wanted ? wanted->source : NULL));
	if (!wanted)
		return;
	if (*wanted->why)
		js_set(json, "error", js_string(wanted->why));
	if (wanted->next_ms)
		js_set(json, "next_ms", js_int(wanted->next_ms));
}

static struct js *path_json(const struct look *look, const struct paths_path *path)
{
	const struct inventory_controller *controller = path->controller;
	const struct tid *tid = controller ? &controller->tid : &path->wanted->tid;
	struct js *json = js_object();

	js_set(json, "transport", js_string(tid->transport));
	js_set(json, "address", js_string(tid->traddr));
	js_set(json, "service", js_string(tid->trsvcid));
	js_set(json, "controller", js_string(controller ? controller->name : NULL));
	js_set(json, "state",
	       js_string(controller		? controller->state
			 : *path->wanted->state ? path->wanted->state
						: "missing"));
	set_wanted(json, path->wanted);
	js_set(json, "devices", ways(look, controller));
	return json;
}

static struct js *device_json(const struct inventory_device *device)
{
	struct js *json = js_object();
	struct js *mounts = js_array();
	size_t i;

	for (i = 0; i < device->n_uses; i++)
		js_append(mounts, js_string(device->uses[i].text));
	js_set(json, "device", node(device));
	js_set(json, "nsid", js_int(device->nsid));
	js_set(json, "size_bytes", js_int((int64_t)device->size_bytes));
	js_set(json, "mounts", mounts);
	return json;
}

struct js *view_json_paths(const struct look *look, const struct paths_group *group)
{
	struct js *json = js_object();
	struct js *paths = js_array();
	struct js *devices = js_array();
	size_t i;

	for (i = 0; i < group->n_paths; i++)
		js_append(paths, path_json(look, &group->paths[i]));
	for (i = 0; i < look->inventory->n_devices; i++)
		if (strcmp(look->inventory->devices[i].nqn, group->nqn) == 0)
			js_append(devices, device_json(&look->inventory->devices[i]));
	js_set(json, "nqn", js_string(group->nqn));
	js_set(json, "subsystem", js_string(*group->subsystem ? group->subsystem : NULL));
	js_set(json, "iopolicy", js_string(*group->iopolicy ? group->iopolicy : NULL));
	js_set(json, "live", js_int((int64_t)group->n_live));
	js_set(json, "missing", js_int((int64_t)group->n_missing));
	js_set(json, "paths", paths);
	js_set(json, "devices", devices);
	return json;
}
