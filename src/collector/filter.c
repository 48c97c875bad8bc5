/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/js.h"
#include "collector/peek.h"
#include "wire/object.h"

#define STALE "stale"

const char *filter_state_word(const struct registry_source *source)
{
	if (source->online)
		return "online";
	return source->lost ? "lost" : "unknown";
}

static bool is_called(const struct registry_node *node, const char *name)
{
	return strcmp(node->name, name) == 0 || strcmp(node->id, name) == 0;
}

static bool has_key(const struct registry_object *object, const char *key)
{
	size_t length;

	return peek_find(object->attrs, key, &length) != NULL;
}

/* --- hosts */

void filter_host_find(const struct registry *registry, const char *text, struct filter_host *ret)
{
	const struct registry_source *source;

	*ret = (struct filter_host){ .text = text };
	if (!text)
		return;
	ret->node = registry_node_find(registry, text);
	source = ret->node ? ret->node->sources[REPORT_INITIATOR] : NULL;
	if (source)
		ret->nqns = registry_object_range(source, "host", &ret->count);
}

bool filter_host_is(const struct filter_host *host, const char *hostnqn)
{
	size_t i;

	if (!host->node)
		return strcmp(host->text, hostnqn) == 0;
	for (i = 0; i < host->count; i++)
		if (strcmp(host->nqns[i]->id, hostnqn) == 0)
			return true;
	return false;
}

/* Does the subsystem let it in? */
static bool lets_in(const struct registry_source *source, const char *nqn,
		    const struct filter_host *host)
{
	const struct registry_object *subsystem = registry_object_find(source, "subsystem", nqn);
	size_t count = host->node ? host->count : 1;
	char id[OBJECT_ID_MAX + 1];
	size_t length;
	size_t i;
	const char *any_host = subsystem ? peek_find(subsystem->attrs, "any_host", &length) : NULL;

	if (any_host && *any_host == 't')
		return true;
	for (i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "%s/%s", nqn, host->node ? host->nqns[i]->id : host->text);
		if (registry_object_find(source, "allowed", id))
			return true;
	}
	return false;
}

/* --- what hangs together on a target */

void filter_begin(const struct registry *registry, const struct filter *asked,
		  struct filter_run *ret)
{
	*ret = (struct filter_run){ .asked = asked };
	filter_host_find(registry, asked->host, &ret->host);
}

void filter_end(struct filter_run *run)
{
	js_free(run->exported);
	run->exported = NULL;
}

/* By its wwid where it has one, else by a path. */
static void add_exported(struct js *exported, const struct registry_object *namespace)
{
	static const char *const keys[] = { "drive", "device" };
	CLEANUP_JS struct js *attrs = registry_object_attrs(namespace);
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *name = js_text(js_get(attrs, keys[i]));

		/* none is in two subsystems */
		if (name)
			js_set(exported, name, js_ref(js_get(attrs, "nqn")));
	}
}

/* Once for each target: it may have thousands of both. */
static void note_exported(struct filter_run *run, const struct registry_source *source)
{
	size_t count = 0;
	struct registry_object *const *objects = registry_object_range(source, "namespace", &count);
	size_t i;

	if (run->source == source)
		return;
	filter_end(run);
	run->source = source;
	run->exported = js_object();
	for (i = 0; i < count; i++)
		add_exported(run->exported, objects[i]);
}

/* The subsystem that has the drive; NULL: none. */
static const char *nqn_of_drive(struct filter_run *run, const struct registry_source *source,
				const struct registry_object *drive)
{
	static const char *const keys[] = { "path", "by_id" };
	CLEANUP_JS struct js *attrs = registry_object_attrs(drive);
	const char *nqn;
	size_t i;

	note_exported(run, source);
	nqn = js_text(js_get(run->exported, drive->id));
	for (i = 0; !nqn && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *name = js_text(js_get(attrs, keys[i]));

		nqn = name ? js_text(js_get(run->exported, name)) : NULL;
	}
	return nqn;
}

typedef bool (*nqn_fn)(const struct registry_source *source, const char *nqn, const void *data);

static bool is_nqn(const struct registry_source *source, const char *nqn, const void *data)
{
	(void)source;
	return strcmp(nqn, data) == 0;
}

static bool lets_host_in(const struct registry_source *source, const char *nqn, const void *data)
{
	return lets_in(source, nqn, data);
}

/* Is @fn true of one of the subsystems that it belongs to? */
static bool any_nqn(struct filter_run *run, const struct registry_source *source,
		    const struct registry_object *object, nqn_fn fn, const void *data)
{
	CLEANUP_JS struct js *attrs = registry_object_attrs(object);
	const struct js *list = js_get(attrs, "subsystems");
	const char *nqn = strcmp(object->kind, "drive") == 0 ? nqn_of_drive(run, source, object)
							     : js_text(js_get(attrs, "nqn"));
	size_t i;

	if (nqn && fn(source, nqn, data))
		return true;
	for (i = 0; i < js_length(list); i++)
		if (js_text(js_at(list, i)) && fn(source, js_text(js_at(list, i)), data))
			return true;
	return false;
}

/* --- nqn= */

/* Of a helper on a host: is it connected to it, or does it want that? */
static bool uses(const struct registry_source *source, const char *nqn)
{
	static const char *const kinds[] = { "connection", "controller" };
	size_t kind;

	for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		size_t count = 0;
		struct registry_object *const *objects =
			registry_object_range(source, kinds[kind], &count);
		size_t i;

		for (i = 0; i < count; i++)
			if (registry_object_is(objects[i], "nqn", nqn))
				return true;
	}
	return false;
}

static bool fits_nqn(struct filter_run *run, const struct registry_source *source,
		     const struct registry_object *object, const char *nqn)
{
	if (registry_object_is(object, "nqn", nqn))
		return true;
	if (source->role == REPORT_INITIATOR)
		return strcmp(object->kind, "host") == 0 && uses(source, nqn);
	return !has_key(object, "nqn") && any_nqn(run, source, object, is_nqn, nqn);
}

/* --- host= */

/* Of an object without a host NQN: may it be that one's? Only a connection is known to have the
 * node's own one then. */
static bool is_of_nqn(const struct registry_source *source, const struct registry_object *object,
		      const char *hostnqn)
{
	const struct registry_object *host = registry_object_find(source, "host", hostnqn);
	const char *is_default;
	size_t length;

	if (!host || strcmp(object->kind, "connection") != 0)
		return host != NULL;
	is_default = peek_find(host->attrs, "default", &length);
	return is_default && *is_default == 't';
}

static bool fits_host_here(const struct registry_source *source,
			   const struct registry_object *object, const struct filter_host *host)
{
	if (host->node)
		return is_called(source->node, host->text);
	if (has_key(object, "hostnqn"))
		return registry_object_is(object, "hostnqn", host->text);
	return is_of_nqn(source, object, host->text);
}

static bool fits_host(struct filter_run *run, const struct registry_source *source,
		      const struct registry_object *object)
{
	const struct filter_host *host = &run->host;
	CLEANUP_JS struct js *attrs = NULL;
	const char *hostnqn;

	if (source->role == REPORT_INITIATOR)
		return fits_host_here(source, object, host);
	if (!has_key(object, "hostnqn"))
		/* of a session whose host is not known nothing follows */
		return strcmp(object->kind, "session") != 0 &&
		       any_nqn(run, source, object, lets_host_in, host);
	attrs = registry_object_attrs(object);
	hostnqn = js_text(js_get(attrs, "hostnqn"));
	return hostnqn && filter_host_is(host, hostnqn);
}

/* --- state= */

/* A device has the states of its paths. */
static bool has_path(const struct registry_object *object, const char *state)
{
	CLEANUP_JS struct js *attrs = NULL;
	const struct js *paths;
	size_t i;

	if (strcmp(object->kind, "device") != 0)
		return false;
	attrs = registry_object_attrs(object);
	paths = js_get(attrs, "paths");
	for (i = 0; i < js_length(paths); i++) {
		const char *word = js_text(js_get(js_at(paths, i), "state"));

		if (word && strcmp(word, state) == 0)
			return true;
	}
	return false;
}

static bool fits_state(const struct registry_source *source, const struct registry_object *object,
		       const char *state)
{
	if (strcmp(state, STALE) == 0)
		return !source->online;
	return registry_object_is(object, "state", state) || has_path(object, state);
}

bool filter_fits(struct filter_run *run, const struct registry_source *source,
		 const struct registry_object *object)
{
	const struct filter *asked = run->asked;

	return (!asked->state || fits_state(source, object, asked->state)) &&
	       (!asked->nqn || fits_nqn(run, source, object, asked->nqn)) &&
	       (!asked->host || fits_host(run, source, object));
}

/* --- nodes */

static bool node_has_state(const struct registry_node *node, const char *state)
{
	int role;

	for (role = 0; role < REGISTRY_ROLES; role++) {
		const struct registry_source *source = node->sources[role];

		if (source && (strcmp(filter_state_word(source), state) == 0 ||
			       (!source->online && strcmp(state, STALE) == 0)))
			return true;
	}
	return false;
}

static bool node_has_nqn(const struct registry_node *node, const char *nqn)
{
	const struct registry_source *target = node->sources[REPORT_TARGET];
	const struct registry_source *initiator = node->sources[REPORT_INITIATOR];

	return (target && registry_object_find(target, "subsystem", nqn)) ||
	       (initiator && uses(initiator, nqn));
}

static bool node_is_host(const struct registry_node *node, const struct filter_host *host)
{
	const struct registry_source *source = node->sources[REPORT_INITIATOR];

	if (!source)
		return false;
	return host->node ? is_called(node, host->text)
			  : registry_object_find(source, "host", host->text) != NULL;
}

bool filter_fits_node(const struct filter_run *run, const struct registry_node *node)
{
	const struct filter *asked = run->asked;

	return (!asked->node || is_called(node, asked->node)) &&
	       (!asked->id || strcmp(asked->id, node->id) == 0) &&
	       (asked->role < 0 || node->sources[asked->role]) &&
	       (!asked->state || node_has_state(node, asked->state)) &&
	       (!asked->nqn || node_has_nqn(node, asked->nqn)) &&
	       (!asked->host || node_is_host(node, &run->host));
}
