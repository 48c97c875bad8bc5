/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/commit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* From outside, in one transaction: what it blocks the loop for is bounded. */
#define BATCH_MAX 1024
/* While the store is broken it is tried so often. */
#define RETRY_MS 1000

struct join {
	commit_write_fn write;
	commit_done_fn done;
	void *data;
	struct join *next;
};

struct joins {
	struct join *first;
	struct join **end;
};

struct commit {
	struct store *store;
	struct commit_hooks hooks;
	struct loop_source *post;
	struct loop_source *timer; /* what is left over by BATCH_MAX */
	struct joins waiting;
	struct joins inner; /* joined in a transaction */
	struct joins done;  /* written, not committed */
	bool running;
	int64_t retry_ms;
	struct commit_stats stats;
};

/* --- lists */

static void joins_init(struct joins *joins)
{
	joins->first = NULL;
	joins->end = &joins->first;
}

static void joins_append(struct joins *joins, struct join *join)
{
	join->next = NULL;
	*joins->end = join;
	joins->end = &join->next;
}

static struct join *joins_take(struct joins *joins)
{
	struct join *join = joins->first;

	if (!join)
		return NULL;
	joins->first = join->next;
	if (!joins->first)
		joins->end = &joins->first;
	return join;
}

static void tell(struct joins *joins, int code, const struct err *err)
{
	struct join *join;

	while ((join = joins_take(joins))) {
		if (join->done)
			join->done(join->data, code, err);
		free(join);
	}
}

/* --- a transaction */

static int write_one(struct commit *commit, struct join *join, struct err *err)
{
	int r;

	joins_append(&commit->done, join);
	r = join->write ? join->write(join->data, err) : 0;
	while (r == 0 && (join = joins_take(&commit->inner))) {
		joins_append(&commit->done, join);
		r = join->write ? join->write(join->data, err) : 0;
	}
	return r;
}

static int write_all(struct commit *commit, struct err *err)
{
	struct join *join;
	int count;
	int r = 0;

	for (count = 0; count < BATCH_MAX && r == 0; count++) {
		join = joins_take(&commit->waiting);
		if (!join)
			break;
		r = write_one(commit, join, err);
	}
	commit->stats.joined += (uint64_t)count;
	return r;
}

/* A transaction without anything in memory that depends on it: can it be written at all? */
static int probe(struct commit *commit, struct err *err)
{
	int r = store_begin(commit->store, err);

	if (r == 0)
		r = store_doc_put(commit->store, "probe", "{}", err);
	if (r == 0)
		return store_commit(commit->store, err);
	store_rollback(commit->store);
	return r;
}

static void broke(struct commit *commit, int code, const struct err *err)
{
	struct commit_stats *stats = &commit->stats;

	stats->failed++;
	if (!stats->broken)
		stats->broken_since_ms = clock_wall_ms();
	stats->broken = code;
	snprintf(stats->cause, sizeof(stats->cause), "%s", err->text);
	commit->retry_ms = clock_monotonic_ms() + RETRY_MS;
}

static int try(struct commit *commit, struct err *err)
{
	int r = store_begin(commit->store, err);

	if (r == 0)
		r = write_all(commit, err);
	if (r == 0)
		r = commit->hooks.before(commit->hooks.data, err);
	if (r == 0)
		r = store_commit(commit->store, err);
	if (r == 0)
		return 0;
	store_rollback(commit->store);
	commit->hooks.reload(commit->hooks.data, err);
	return r;
}

static void fail_all(struct commit *commit, int code, const struct err *err)
{
	struct join *join;

	while ((join = joins_take(&commit->inner)))
		joins_append(&commit->done, join);
	while ((join = joins_take(&commit->waiting)))
		joins_append(&commit->done, join);
	tell(&commit->done, code, err);
}

/* Returns: 0, it may be tried; the code that all fail with. */
static int check_broken(struct commit *commit, struct err *err)
{
	int r;

	if (!commit->stats.broken)
		return 0;
	if (clock_monotonic_ms() < commit->retry_ms)
		return err_set(err, commit->stats.broken, "%s", commit->stats.cause);
	r = probe(commit, err);
	if (r < 0)
		broke(commit, r, err);
	return r;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void account(struct commit *commit, uint64_t start)
{
	uint64_t took = now_us() - start;

	commit->stats.commits++;
	commit->stats.busy_us += took;
	if (took > commit->stats.max_us)
		commit->stats.max_us = took;
}

void commit_now(struct commit *commit)
{
	struct err err = ERR_NULL;
	uint64_t start = now_us();
	int r;

	if (!commit->waiting.first || commit->running)
		return;
	commit->running = true;
	r = check_broken(commit, &err);
	if (r == 0) {
		r = try(commit, &err);
		if (r < 0)
			broke(commit, r, &err);
	}
	commit->running = false;
	if (r < 0) {
		fail_all(commit, r, &err);
		return;
	}
	commit->stats.broken = 0;
	account(commit, start);
	commit->hooks.flush(commit->hooks.data);
	tell(&commit->done, 0, &err);
	if (commit->waiting.first)
		loop_timer_set(commit->timer, 0, 0);
}

static void on_post(void *data)
{
	commit_now(data);
}

/* --- life */

int commit_new(struct loop *loop, struct store *store, const struct commit_hooks *hooks,
	       struct commit **ret, struct err *err)
{
	struct commit *commit = calloc(1, sizeof(*commit));
	int r;

	if (!commit)
		return err_nomem(err);
	commit->store = store;
	commit->hooks = *hooks;
	joins_init(&commit->waiting);
	joins_init(&commit->inner);
	joins_init(&commit->done);
	r = loop_add_post(loop, on_post, commit, &commit->post, err);
	if (r == 0)
		r = loop_add_timer(loop, on_post, commit, &commit->timer, err);
	if (r < 0)
		commit_free(commit);
	else
		*ret = commit;
	return r;
}

void commit_free(struct commit *commit)
{
	struct err err = ERR_NULL;

	if (!commit)
		return;
	err_set_text(&err, -ECANCELED, "the collector ends");
	commit->running = true;
	fail_all(commit, -ECANCELED, &err);
	loop_source_free(commit->post);
	loop_source_free(commit->timer);
	free(commit);
}

int commit_join(struct commit *commit, commit_write_fn write, commit_done_fn done, void *data)
{
	struct join *join = malloc(sizeof(*join));

	if (!join)
		return -ENOMEM;
	*join = (struct join){ .write = write, .done = done, .data = data };
	joins_append(store_is_writing(commit->store) ? &commit->inner : &commit->waiting, join);
	if (!commit->running)
		loop_post_set(commit->post);
	return 0;
}

const struct commit_stats *commit_stats(const struct commit *commit)
{
	return &commit->stats;
}
