/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/lease.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/js.h"
#include "collector/collector.h"
#include "collector/view.h"

/* Leases that end within it end together. */
#define SLACK_MS 50
#define RETRY_MS 1000

struct lease {
	struct collector *collector;
	struct registry_source **heap; /* from 1; the first ends first */
	size_t count;
	size_t room;
	struct loop_source *timer;
	bool joined; /* to the next transaction */
};

/* --- a heap by due_ms; each source knows its place */

static void place(struct lease *lease, size_t index, struct registry_source *source)
{
	lease->heap[index] = source;
	source->lease_index = index;
}

static void sift_up(struct lease *lease, size_t index)
{
	struct registry_source *source = lease->heap[index];

	while (index > 1 && lease->heap[index / 2]->due_ms > source->due_ms) {
		place(lease, index, lease->heap[index / 2]);
		index /= 2;
	}
	place(lease, index, source);
}

static void sift_down(struct lease *lease, size_t index)
{
	struct registry_source *source = lease->heap[index];

	while (2 * index <= lease->count) {
		size_t child = 2 * index;

		if (child < lease->count &&
		    lease->heap[child + 1]->due_ms < lease->heap[child]->due_ms)
			child++;
		if (lease->heap[child]->due_ms >= source->due_ms)
			break;
		place(lease, index, lease->heap[child]);
		index = child;
	}
	place(lease, index, source);
}

static int heap_add(struct lease *lease, struct registry_source *source, struct err *err)
{
	if (lease->count + 1 >= lease->room) {
		size_t room = lease->room ? 2 * lease->room : 64;
		struct registry_source **heap =
			reallocarray(lease->heap, room, sizeof(struct registry_source *));

		if (!heap)
			return err_nomem(err);
		lease->heap = heap;
		lease->room = room;
	}
	place(lease, ++lease->count, source);
	sift_up(lease, lease->count);
	return 0;
}

void lease_forget(struct lease *lease, struct registry_source *source)
{
	size_t index = source->lease_index;
	struct registry_source *last;

	if (!index)
		return;
	last = lease->heap[lease->count--];
	source->lease_index = 0;
	if (last == source)
		return;
	place(lease, index, last);
	sift_up(lease, index);
	sift_down(lease, last->lease_index);
}

/* --- time */

static void set_timer(struct lease *lease)
{
	int64_t left;

	if (!lease->count) {
		loop_timer_stop(lease->timer);
		return;
	}
	left = lease->heap[1]->due_ms - collector_now_ms(lease->collector);
	loop_timer_set(lease->timer, left < 0 ? 0 : left, SLACK_MS);
}

int64_t lease_ms(const struct lease *lease, int64_t interval_ms)
{
	const struct setup *setup = &lease->collector->setup;
	int64_t ms = 3 * interval_ms;

	if (ms < 1000 * setup->lease_min_seconds)
		ms = 1000 * setup->lease_min_seconds;
	return ms > 1000 * setup->lease_max_seconds ? 1000 * setup->lease_max_seconds : ms;
}

int lease_renew(struct lease *lease, struct registry_source *source, int64_t ms, struct err *err)
{
	bool first;

	source->due_ms = collector_now_ms(lease->collector) + ms;
	if (!source->lease_index) {
		int r = heap_add(lease, source, err);

		if (r < 0)
			return r;
	} else {
		sift_down(lease, source->lease_index);
		sift_up(lease, source->lease_index);
	}
	/* the timer is early for those that were renewed: it is set again then */
	first = lease->heap[1] == source;
	if (first)
		set_timer(lease);
	return 0;
}

int lease_start(struct lease *lease, struct err *err)
{
	struct registry *registry = lease->collector->registry;
	size_t i;
	int role;
	int r = 0;

	for (i = 0; i < registry_node_count(registry); i++) {
		struct registry_node *node = registry_node_at(registry, i);

		for (role = 0; role < REGISTRY_ROLES && r == 0; role++) {
			struct registry_source *source = node->sources[role];

			if (source && *source->boot && !source->lost && !source->lease_index)
				r = lease_renew(lease, source, lease_ms(lease, source->interval_ms),
						err);
		}
	}
	return r;
}

/* --- the end of one */

static int lose(struct lease *lease, struct registry_source *source, struct err *err)
{
	struct collector *collector = lease->collector;
	char span[CLOCK_TEXT_MAX];
	char heard[CLOCK_TEXT_MAX];
	char cause[256];
	int64_t now = clock_wall_ms();
	int r;

	lease_forget(lease, source);
	registry_touch(collector->registry, source);
	source->online = false;
	source->lost = true;
	source->since_ms = now;
	snprintf(cause, sizeof(cause), "the helper of the %s was silent for %s, heard last at %s",
		 report_role_word(source->role),
		 clock_format_span(lease_ms(lease, source->interval_ms), span),
		 clock_format(source->heard_ms, heard));
	r = view_node_event(collector, source, "changed", cause, err);
	return r < 0 ? r : registry_source_save(collector->registry, source, err);
}

static int write_lost(void *data, struct err *err)
{
	struct lease *lease = data;
	int64_t now = collector_now_ms(lease->collector);
	int r = 0;

	while (r == 0 && lease->count && lease->heap[1]->due_ms <= now)
		r = lose(lease, lease->heap[1], err);
	return r;
}

static void done_lost(void *data, int code, const struct err *err)
{
	struct lease *lease = data;

	(void)err;
	lease->joined = false;
	if (code < 0)
		loop_timer_set(lease->timer, RETRY_MS, SLACK_MS);
	else
		set_timer(lease);
}

static void on_timer(void *data)
{
	struct lease *lease = data;

	if (lease->joined || !lease->count)
		return;
	if (lease->heap[1]->due_ms > collector_now_ms(lease->collector)) {
		set_timer(lease);
		return;
	}
	lease->joined = commit_join(lease->collector->commit, write_lost, done_lost, lease) == 0;
	if (!lease->joined)
		loop_timer_set(lease->timer, RETRY_MS, SLACK_MS);
}

/* --- life */

int lease_new(struct collector *collector, struct lease **ret, struct err *err)
{
	struct lease *lease = calloc(1, sizeof(*lease));
	int r;

	if (!lease)
		return err_nomem(err);
	lease->collector = collector;
	r = loop_add_timer(collector->loop, on_timer, lease, &lease->timer, err);
	if (r < 0)
		free(lease);
	else
		*ret = lease;
	return r;
}

void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	loop_source_free(lease->timer);
	free(lease->heap);
	free(lease);
}
