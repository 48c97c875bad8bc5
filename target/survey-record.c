/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon remembers: which drive each namespace was opened on, what is settled. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "target/survey.h"
#include "target/view.h"

/* The kernel's sequence number of the disk, also of a partition's; 0: there is no such device. A
 * kernel before 5.15 has none, so that its being there must do. */
static uint64_t read_seq(int sysfs_fd, const char *device)
{
	static const char *const places[] = { "diskseq", "../diskseq", "dev" };
	char path[128];
	char text[64];
	uint64_t seq;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "dev/block/%s/%s", device, places[i]);
		if (fs_read_at(sysfs_fd, path, text, sizeof(text)) < 0)
			continue;
		return str_parse_uint(text, INT64_MAX, &seq) == 0 ? seq : 1;
	}
	return 0;
}

static void format_device(const struct dev_info *dev, char text[32])
{
	snprintf(text, 32, "%u:%u", dev->major, dev->minor);
}

/* What was held and is enabled again has been opened anew. */
static const struct js *still_known(const struct js *known, bool is_enabled)
{
	return is_enabled && js_is_true(js_get(known, "held")) ? NULL : known;
}

static void compare(struct ctl *ctl, const struct js *known, struct survey_namespace *ns)
{
	const char *device = js_text(js_get(known, "device"));
	uint64_t seq = (uint64_t)js_number(js_get(known, "seq"), 0);
	int64_t size = js_number(js_get(known, "size"), 0);
	bool is_dead = device && seq && read_seq(ctl->sysfs_fd, device) != seq;

	ns->is_gone = ns->is_enabled && is_dead;
	ns->is_held = !ns->is_enabled && (is_dead || js_is_true(js_get(known, "held")));
	ns->has_grown = ns->is_enabled && !is_dead && ns->is_there && size > 0 && seq == ns->seq &&
			ns->dev.size_bytes != (uint64_t)size;
}

void survey_look_at_drive(struct ctl *ctl, const struct model_object *object,
			  const struct js *record, struct survey_namespace *ret)
{
	const char *path = view_device(object);
	char device[32];
	struct stat st;

	*ret = (struct survey_namespace){ .object = object };
	snprintf(ret->id, sizeof(ret->id), "%s/%s", object->parent->name, object->name);
	ret->is_enabled = model_is_on(object, "enable");
	if (object->kind == MODEL_PASSTHRU) {
		/* a controller is no block device: its node must do */
		ret->is_there = stat(path, &st) == 0;
		ret->is_gone = ret->is_enabled && !ret->is_there;
		return;
	}
	ret->is_there = dev_inspect(path, &ret->dev, NULL) == 0;
	if (ret->is_there && ret->dev.is_block) {
		format_device(&ret->dev, device);
		ret->seq = read_seq(ctl->sysfs_fd, device);
	}
	compare(ctl, still_known(js_get(record, ret->id), ret->is_enabled), ret);
}

/* --- the record of the next look */

static struct js *namespace_record(const struct survey_namespace *ns, const struct js *before)
{
	struct js *js;
	char device[32];

	/* as long as the drive is away, what it was is all that is known */
	if (before && (ns->is_gone || ns->is_held ||
		       (ns->is_enabled && js_number(js_get(before, "seq"), 0) != (int64_t)ns->seq &&
			js_text(js_get(before, "device"))))) {
		js = js_copy_without(before, (const char *const[]){ "held", NULL });
		js_set(js, "held", js_bool(ns->is_held));
		return js;
	}
	if (!ns->is_enabled || !ns->is_there)
		return NULL;
	js = js_object();
	js_set(js, "size", js_int((int64_t)ns->dev.size_bytes));
	if (!ns->seq)
		return js;
	format_device(&ns->dev, device);
	js_set(js, "device", js_string(device));
	js_set(js, "node", js_string(ns->dev.node));
	js_set(js, "seq", js_int((int64_t)ns->seq));
	js_set(js, "wwid", js_string(ns->dev.wwid));
	return js;
}

static struct js *namespaces_record(const struct survey *survey, const struct js *before)
{
	struct js *all = js_object();
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++) {
		const struct survey_namespace *ns = &survey->namespaces[i];
		struct js *js =
			namespace_record(ns, still_known(js_get(before, ns->id), ns->is_enabled));

		if (js)
			js_set(all, ns->id, js);
	}
	return all;
}

static struct js *exports_record(const struct survey *survey, const struct js *before)
{
	struct js *all = js_object();
	size_t i;

	for (i = 0; i < survey->list.count; i++) {
		const struct survey_export *export = &survey->exports[i];
		struct js *js;

		if (!export->item->nqn)
			continue;
		if ((export->code < 0 || export->is_unread) && js_get(before, export->item->nqn))
			js_set(all, export->item->nqn, js_ref(js_get(before, export->item->nqn)));
		if (export->code < 0 || export->is_unread ||
		    !(export->is_settled || export->verdict.is_right))
			continue;
		js = js_object();
		js_set(js, "file", js_string(export->digest));
		js_set(js, "waits", names_to_js(&export->verdict.waits));
		js_set(all, export->item->nqn, js);
	}
	return all;
}

static struct js *ports_record(const struct survey *survey)
{
	struct js *all = js_object();
	size_t i;

	for (i = 0; i < survey->n_listeners; i++) {
		const struct survey_listener *listener = &survey->listeners[i];
		struct js *js;

		if (!survey_has_no_address(listener) || !listener->port->n_links)
			continue;
		js = js_object();
		js_set(js, "lost", js_bool(true));
		js_set(all, listener->port->name, js);
	}
	return all;
}

static struct js *files_record(const struct survey *survey, const struct js *before)
{
	struct js *all = js_object();
	size_t i;

	for (i = 0; i < survey->list.count; i++) {
		const struct survey_export *export = &survey->exports[i];
		const char *nqn = export->item->nqn;

		if (!nqn || !export->item->is_admins)
			continue;
		if (!export->is_unread)
			js_set(all, nqn, js_string(export->digest));
		else if (js_get(before, nqn))
			js_set(all, nqn, js_ref(js_get(before, nqn)));
	}
	return all;
}

struct js *survey_record(const struct survey *survey, const struct js *before)
{
	struct js *record = js_object();

	js_set(record, "exports", exports_record(survey, js_get(before, "exports")));
	js_set(record, "namespaces", namespaces_record(survey, js_get(before, "namespaces")));
	js_set(record, "ports", ports_record(survey));
	js_set(record, "files", files_record(survey, js_get(before, "files")));
	return record;
}
