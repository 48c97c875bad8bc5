/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "collector/registry-own.h"

/* --- what waits to be written, in the order of its age */

static void dirty_append(struct registry *registry, struct registry_source *source)
{
	source->dirty = true;
	source->dirty_prev = registry->dirty_last;
	source->dirty_next = NULL;
	if (registry->dirty_last)
		registry->dirty_last->dirty_next = source;
	else
		registry->dirty_first = source;
	registry->dirty_last = source;
}

void registry_dirty_drop(struct registry *registry, struct registry_source *source)
{
	if (!source->dirty)
		return;
	if (source->dirty_prev)
		source->dirty_prev->dirty_next = source->dirty_next;
	else
		registry->dirty_first = source->dirty_next;
	if (source->dirty_next)
		source->dirty_next->dirty_prev = source->dirty_prev;
	else
		registry->dirty_last = source->dirty_prev;
	source->dirty = false;
	source->dirty_next = NULL;
	source->dirty_prev = NULL;
}

static void note_touched(struct registry *registry, struct registry_source *source)
{
	if (registry->n_touched == registry->touched_room) {
		size_t room = registry->touched_room ? 2 * registry->touched_room : 64;
		int64_t *touched = reallocarray(registry->touched, room, sizeof(int64_t));

		if (!touched) {
			registry->touched_lost = true;
			return;
		}
		registry->touched = touched;
		registry->touched_room = room;
	}
	source->touched = true;
	registry->touched[registry->n_touched++] = source->row;
}

void registry_touch(struct registry *registry, struct registry_source *source)
{
	if (!source->touched)
		note_touched(registry, source);
	if (source->dirty)
		return;
	source->dirty_event = store_event_newest(registry->store);
	source->dirty_ms = clock_monotonic_ms();
	dirty_append(registry, source);
}

bool registry_is_dirty(const struct registry *registry)
{
	return registry->dirty_first != NULL;
}

int64_t registry_horizon(const struct registry *registry)
{
	const struct registry_source *source;
	int64_t horizon = store_event_newest(registry->store);

	for (source = registry->dirty_first; source; source = source->dirty_next)
		if (source->dirty_event < horizon)
			horizon = source->dirty_event;
	return horizon;
}

/* --- write */

static int save_objects(struct registry *registry, struct registry_source *source, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < source->n_gone && r == 0; i++)
		r = store_object_delete(registry->store, source->row, source->gone[i]->kind,
					source->gone[i]->id, err);
	for (i = 0; i < source->n_objects && r == 0; i++) {
		struct registry_object *object = source->objects[i];

		if (!object->dirty)
			continue;
		r = store_object_put(registry->store, source->row, object->kind, object->id,
				     object->attrs, err);
		object->dirty = false;
	}
	return r;
}

int registry_source_save(struct registry *registry, struct registry_source *source, struct err *err)
{
	struct store_source stored = {
		.row = source->row,
		.node = source->node->id,
		.role = source->role,
		.name = source->node->name,
		.boot = source->boot,
		.seq = source->seq,
		.program = source->program,
		.address = source->address,
		.interval_ms = source->interval_ms,
		.heard_ms = source->heard_ms,
		.generation = source->generation,
		.event = store_event_newest(registry->store),
		.lost = source->lost,
	};
	int r;

	/* if the transaction fails, what is "written" here is not */
	registry_touch(registry, source);
	r = save_objects(registry, source, err);
	if (r == 0)
		r = store_source_put(registry->store, &stored, NULL, err);
	if (r < 0)
		return r;
	while (source->n_gone) {
		source->n_gone--;
		free(source->gone[source->n_gone]->counters);
		free(source->gone[source->n_gone]);
	}
	free(source->gone);
	source->gone = NULL;
	source->stored_event = stored.event;
	registry_dirty_drop(registry, source);
	return 0;
}

int registry_flush(struct registry *registry, int64_t now_ms, int64_t age_ms, size_t most,
		   struct err *err)
{
	struct registry_source *source;
	int r = 0;

	for (; (source = registry->dirty_first) && most && r == 0; most--) {
		if (now_ms - source->dirty_ms < age_ms)
			break;
		r = registry_source_save(registry, source, err);
	}
	return r;
}

/* --- read */

struct reader {
	struct registry *registry;
	int64_t after; /* replay begins there */
	bool heal;     /* only those that are touched */
	struct err *err;
};

static int read_texts(struct registry *registry, struct registry_source *source,
		      const struct store_source *stored, struct err *err)
{
	int r = registry_node_rename(registry, source->node, stored->name, err);

	if (r == 0)
		r = registry_set_text(&source->boot, stored->boot, err);
	if (r == 0)
		r = registry_set_text(&source->program, stored->program, err);
	if (r == 0)
		r = registry_set_text(&source->address, stored->address, err);
	return r;
}

static int read_source(void *data, const struct store_source *stored)
{
	struct reader *reader = data;
	struct registry *registry = reader->registry;
	struct registry_source *source = registry_source_by_row(registry, stored->row);
	int r = 0;

	if (stored->role < 0 || stored->role >= REGISTRY_ROLES)
		return 0;
	if (!source)
		r = registry_source_make(registry, stored->node, stored->name,
					 (enum report_role)stored->role, stored->row, &source,
					 reader->err);
	if (r == 0)
		r = read_texts(registry, source, stored, reader->err);
	if (r < 0)
		return r;
	source->seq = stored->seq;
	source->interval_ms = stored->interval_ms;
	source->heard_ms = stored->heard_ms;
	source->generation = stored->generation;
	source->stored_event = stored->event;
	source->lost = stored->lost != 0;
	source->touched = reader->heal;
	if (stored->event < reader->after)
		reader->after = stored->event;
	return 0;
}

/* A bound that was lowered does not keep the collector from starting. */
static int allow_bounds(struct registry_source *source, int r)
{
	if (r != -E2BIG)
		return r;
	source->resync = true;
	return 0;
}

static int read_object(void *data, int64_t row, const char *kind, const char *id, const char *attrs)
{
	struct reader *reader = data;
	struct registry_source *source = registry_source_by_row(reader->registry, row);
	int r;

	if (!source)
		return 0;
	r = registry_object_load(reader->registry, source, kind, id, attrs, false, reader->err);
	return allow_bounds(source, r);
}

static int read_want(void *data, int64_t row, const char *intent, const char *entry)
{
	struct reader *reader = data;
	struct registry_source *source = registry_source_by_row(reader->registry, row);

	return source ? registry_want_put(source, intent, entry, reader->err) : 0;
}

/* Is this event about the state of a helper, and later than what was stored of it? */
static struct registry_source *source_of_event(const struct reader *reader,
					       const struct store_event *event)
{
	struct registry_source *source;

	if (event->role < 0 || event->role >= REGISTRY_ROLES || strcmp(event->kind, "node") == 0)
		return NULL;
	source = registry_source_find(reader->registry, event->node, (enum report_role)event->role);
	if (!source || event->id <= source->stored_event || (reader->heal && !source->touched))
		return NULL;
	return source;
}

static int replay(void *data, const struct store_event *event)
{
	struct reader *reader = data;
	struct registry *registry = reader->registry;
	struct registry_source *source = source_of_event(reader, event);
	int r = 0;

	if (!source)
		return 0;
	registry_touch(registry, source);
	source->dirty_event = source->stored_event;
	if (event->seq) {
		r = registry_set_text(&source->boot, event->boot, reader->err);
		source->seq = event->seq;
		source->heard_ms = event->received_ms;
	}
	if (r < 0)
		return r;
	if (strcmp(event->type, "removed") == 0)
		r = registry_object_remove(registry, source, event->kind, event->object_id,
					   reader->err);
	else if (strcmp(event->type, "note") != 0 && event->object)
		r = registry_object_load(registry, source, event->kind, event->object_id,
					 event->object, true, reader->err);
	return allow_bounds(source, r);
}

int registry_load(struct registry *registry, struct err *err)
{
	struct store *store = registry->store;
	struct reader reader = { .registry = registry,
				 .after = store_event_newest(store),
				 .err = err };
	size_t i;
	int r = store_source_each(store, 0, read_source, &reader, err);

	if (r == 0)
		r = store_object_each(store, 0, read_object, &reader, err);
	if (r == 0)
		r = store_want_each(store, 0, read_want, &reader, err);
	if (r == 0)
		r = store_event_each(store, reader.after, store_event_newest(store), replay,
				     &reader, err);
	for (i = 0; i < registry->rows.count; i++) {
		struct registry_source *source = registry->rows.at[i];

		source->since_ms = source->heard_ms;
	}
	registry_settle(registry);
	return r;
}

/* --- the end of a transaction */

void registry_settle(struct registry *registry)
{
	size_t i;

	for (i = 0; i < registry->n_touched; i++) {
		struct registry_source *source =
			registry_source_by_row(registry, registry->touched[i]);

		if (source)
			source->touched = false;
	}
	registry->n_touched = 0;
	registry->touched_lost = false;
}

static void forget(struct registry *registry, struct registry_source *source)
{
	registry_dirty_drop(registry, source);
	registry_source_clear(registry, source);
	source->seq = 0;
	source->touched = false;
}

static int read_again(struct reader *reader, int64_t row)
{
	struct registry *registry = reader->registry;
	struct registry_source *source = registry_source_by_row(registry, row);
	int r;

	if (source)
		forget(registry, source);
	r = store_source_each(registry->store, row, read_source, reader, reader->err);
	if (r < 0)
		return r;
	source = registry_source_by_row(registry, row);
	if (source && !source->touched) {
		/* it was made in that transaction: what is in the store marks itself */
		registry_source_drop(registry, source);
		return 0;
	}
	r = store_object_each(registry->store, row, read_object, reader, reader->err);
	if (r == 0)
		r = store_want_each(registry->store, row, read_want, reader, reader->err);
	return r;
}

static int touch_all(struct registry *registry, struct err *err)
{
	size_t i;

	for (i = 0; i < registry->rows.count; i++)
		note_touched(registry, registry->rows.at[i]);
	return registry->n_touched ? 0 : err_nomem(err);
}

int registry_heal(struct registry *registry, struct err *err)
{
	struct reader reader = { .registry = registry,
				 .after = store_event_newest(registry->store),
				 .heal = true,
				 .err = err };
	size_t count;
	size_t i;
	int r = registry->touched_lost ? touch_all(registry, err) : 0;

	count = registry->n_touched;
	for (i = 0; i < count && r == 0; i++)
		r = read_again(&reader, registry->touched[i]);
	if (r == 0)
		r = store_event_each(registry->store, reader.after,
				     store_event_newest(registry->store), replay, &reader, err);
	for (i = 0; r < 0 && i < registry->rows.count; i++) {
		struct registry_source *source = registry->rows.at[i];

		source->resync = true;
	}
	registry_settle(registry);
	return r;
}
