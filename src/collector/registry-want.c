/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wanted of a source. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/registry-own.h"
#include "wire/wanted.h"

static size_t want_index(const struct registry_source *source, const char *intent)
{
	size_t i = 0;

	while (i < source->n_wants && strcmp(source->wants[i].intent, intent) != 0)
		i++;
	return i;
}

const char *registry_want_find(const struct registry_source *source, const char *intent)
{
	size_t i = want_index(source, intent);

	return i < source->n_wants ? source->wants[i].entry : NULL;
}

static void want_remove(struct registry_source *source, size_t index)
{
	free(source->wants[index].intent);
	free(source->wants[index].entry);
	source->n_wants--;
	memmove(&source->wants[index], &source->wants[index + 1],
		(source->n_wants - index) * sizeof(source->wants[0]));
}

int registry_want_put(struct registry_source *source, const char *intent, const char *entry,
		      struct err *err)
{
	struct registry_want want = { 0 };
	struct registry_want *wants;
	size_t i = want_index(source, intent);

	if (i < source->n_wants)
		return registry_set_text(&source->wants[i].entry, entry, err);
	if (source->n_wants >= WANTED_ENTRIES_MAX)
		return err_set(err, -E2BIG, "%s has %d intents already", source->node->name,
			       WANTED_ENTRIES_MAX);
	wants = reallocarray(source->wants, source->n_wants + 1, sizeof(*wants));
	if (!wants)
		return err_nomem(err);
	source->wants = wants;
	want.intent = strdup(intent);
	want.entry = strdup(entry);
	if (!want.intent || !want.entry) {
		free(want.intent);
		free(want.entry);
		return err_nomem(err);
	}
	source->wants[source->n_wants++] = want;
	return 0;
}

/* So that it is no number that there was before the node was deleted. */
static uint64_t next_generation(uint64_t generation)
{
	uint64_t now = (uint64_t)clock_wall_ms();

	return generation >= now ? generation + 1 : now;
}

static int want_changed(struct registry *registry, struct registry_source *source, struct err *err)
{
	int r;

	source->generation = next_generation(source->generation);
	r = registry_source_save(registry, source, err);
	if (r == 0 && registry->on_want)
		registry->on_want(registry->watcher, source);
	return r;
}

static int want_set(struct registry *registry, struct registry_source *source, const char *intent,
		    const char *entry, struct err *err)
{
	int r = registry_want_put(source, intent, entry, err);

	if (r == 0)
		r = store_want_put(registry->store, source->row, intent, entry, err);
	return r < 0 ? r : want_changed(registry, source, err);
}

int registry_want(struct registry *registry, const char *node_id, enum report_role role,
		  const char *intent, struct js *take_entry, struct err *err)
{
	CLEANUP_JS struct js *entry = take_entry;
	CLEANUP_FREE char *text = entry ? js_format(entry, JS_COMPACT) : NULL;
	struct registry_source *source = registry_source_find(registry, node_id, role);
	size_t index;
	int r;

	if (entry && !text)
		return err_nomem(err);
	if (!source && !entry)
		return 0;
	r = source ? 0 : registry_source_need(registry, node_id, "", role, &source, err);
	if (r < 0 || !source)
		return r;
	index = want_index(source, intent);
	if (index < source->n_wants ? text && strcmp(source->wants[index].entry, text) == 0 : !text)
		return 0;
	registry_touch(registry, source);
	if (text)
		return want_set(registry, source, intent, text, err);
	want_remove(source, index);
	r = store_want_delete(registry->store, source->row, intent, err);
	return r < 0 ? r : want_changed(registry, source, err);
}

void registry_wanted_format(const struct registry *registry, const struct registry_source *source,
			    enum report_role role, struct str *out)
{
	size_t i;

	str_addf(out,
		 "{\"version\":%d,\"collector\":\"%s\",\"role\":\"%s\",\"generation\":%" PRIu64
		 ",\"time\":%" PRId64 ",\"entries\":[",
		 REPORT_VERSION, store_id(registry->store), report_role_word(role),
		 source ? source->generation : 0, clock_wall_ms());
	for (i = 0; source && i < source->n_wants; i++) {
		str_add(out, i ? "," : "");
		str_add(out, source->wants[i].entry);
	}
	str_add(out, "]}");
}
