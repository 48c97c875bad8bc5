/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include <errno.h>

#include "base/clock.h"
#include "base/wait.h"

/* --- what happened, in its order */

static struct str story;
static int commit_fails; /* what the next store_commit returns */
static unsigned int begins;

int __real_store_commit(struct store *store, struct err *err);
int __wrap_store_commit(struct store *store, struct err *err);
int __wrap_store_commit(struct store *store, struct err *err)
{
	int r = commit_fails;

	if (r == 0) {
		str_add(&story, "commit ");
		return __real_store_commit(store, err);
	}
	commit_fails = 0;
	str_add(&story, "no-commit ");
	store_rollback(store);
	return err_set(err, r, "the disk is full");
}

int __real_store_begin(struct store *store, struct err *err);
int __wrap_store_begin(struct store *store, struct err *err);
int __wrap_store_begin(struct store *store, struct err *err)
{
	begins++;
	return __real_store_begin(store, err);
}

static int before(void *data, struct err *err)
{
	(void)data, (void)err;
	str_add(&story, "before ");
	return 0;
}

static void flush(void *data)
{
	(void)data;
	str_add(&story, "flush ");
}

static void reload(void *data, const struct err *err)
{
	assert_false(store_is_writing(data));
	str_addf(&story, "reload(%s) ", err->text);
}

struct stage {
	char dir[64];
	char path[128];
	struct loop *loop;
	struct store *store;
	struct commit *commit;
};

#define STAGE __attribute__((cleanup(stage_end))) struct stage

static void stage_begin(struct stage *s)
{
	struct commit_hooks hooks = { before, flush, reload, NULL };

	*s = (struct stage){ .dir = "/tmp/sunfish-test-XXXXXX" };
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/collector.db", s->dir);
	assert_int_equal(loop_new(&s->loop, NULL), 0);
	assert_int_equal(store_open(s->path, &s->store, NULL), 0);
	hooks.data = s->store;
	assert_int_equal(commit_new(s->loop, s->store, &hooks, &s->commit, NULL), 0);
	str_deinit(&story);
	story = STR_NULL;
	commit_fails = 0;
	begins = 0;
}

static void stage_end(struct stage *s)
{
	char path[160];

	commit_free(s->commit);
	store_close(s->store);
	loop_free(s->loop);
	unlink(s->path);
	snprintf(path, sizeof(path), "%s-wal", s->path);
	unlink(path);
	rmdir(s->dir);
	str_deinit(&story);
	story = STR_NULL;
}

/* One that joins: it writes a document of its name. */
struct one {
	struct stage *stage;
	const char *name;
	int fails;
	struct one *inner; /* joins from within it */
	struct one *next;  /* joins when it is done */
	int code;
};

static int write_one(void *data, struct err *err);

static void done_one(void *data, int code, const struct err *err)
{
	struct one *one = data;

	assert_false(store_is_writing(one->stage->store));
	one->code = code;
	str_addf(&story, "%s=%d ", one->name, code);
	if (code < 0)
		assert_true(*err->text);
	if (one->next)
		assert_int_equal(commit_join(one->stage->commit, write_one, done_one, one->next),
				 0);
}

static int write_one(void *data, struct err *err)
{
	struct one *one = data;

	assert_true(store_is_writing(one->stage->store));
	str_addf(&story, "%s ", one->name);
	if (one->inner)
		assert_int_equal(commit_join(one->stage->commit, write_one, done_one, one->inner),
				 0);
	if (one->fails)
		return err_set(err, one->fails, "%s cannot", one->name);
	return store_doc_put(one->stage->store, one->name, "{}", err);
}

static void join(struct one *one)
{
	assert_int_equal(commit_join(one->stage->commit, write_one, done_one, one), 0);
}

static int note_doc(void *data, const char *key, const char *text)
{
	(void)text;
	if (strcmp(key, "probe") != 0)
		str_addf(data, "%s ", key);
	return 0;
}

/* What a crash would leave. */
static void assert_stored(struct stage *s, const char *expected)
{
	CLEANUP_STR struct str keys = STR_NULL;

	store_close(s->store);
	assert_int_equal(store_open(s->path, &s->store, NULL), 0);
	assert_int_equal(store_doc_each(s->store, "", note_doc, &keys, NULL), 0);
	assert_string_equal(str_get(&keys), expected);
}

static void a_round_is_one_transaction_and_nobody_is_told_before_it_is_durable(void **state)
{
	STAGE s;
	struct one a = { &s, "a", 0, NULL, NULL, 1 };
	struct one b = { &s, "b", 0, NULL, NULL, 1 };

	(void)state;
	stage_begin(&s);
	join(&a);
	join(&b);
	assert_string_equal(str_get(&story), "");
	loop_step(s.loop, 1000);
	assert_string_equal(str_get(&story), "a b before commit flush a=0 b=0 ");
	assert_int_equal(commit_stats(s.commit)->commits, 1);
	assert_int_equal(commit_stats(s.commit)->joined, 2);
	assert_stored(&s, "a b ");
}

static void a_consequence_is_in_the_transaction_of_its_cause(void **state)
{
	STAGE s;
	struct one inner = { &s, "inner", 0, NULL, NULL, 1 };
	struct one outer = { &s, "outer", 0, &inner, NULL, 1 };
	struct one other = { &s, "other", 0, NULL, NULL, 1 };

	(void)state;
	stage_begin(&s);
	join(&outer);
	join(&other);
	commit_now(s.commit);
	assert_string_equal(str_get(&story), "outer inner other before commit flush outer=0 "
					     "inner=0 other=0 ");
}

static void one_that_fails_fails_all_and_memory_is_read_again_first(void **state)
{
	STAGE s;
	struct one inner = { &s, "inner", 0, NULL, NULL, 1 };
	struct one good = { &s, "good", 0, &inner, NULL, 1 };
	struct one bad = { &s, "bad", -EIO, NULL, NULL, 1 };
	struct one never = { &s, "never", 0, NULL, NULL, 1 };

	(void)state;
	stage_begin(&s);
	join(&good);
	join(&bad);
	join(&never);
	commit_now(s.commit);
	assert_string_equal(str_get(&story), "good inner bad reload(bad cannot) good=-5 inner=-5 "
					     "bad=-5 never=-5 ");
	assert_int_equal(commit_stats(s.commit)->broken, -EIO);
	assert_string_equal(commit_stats(s.commit)->cause, "bad cannot");
	assert_stored(&s, "");
}

static void a_commit_that_fails_leaves_nothing_and_is_told_with_its_cause(void **state)
{
	STAGE s;
	struct one a = { &s, "a", 0, NULL, NULL, 1 };
	struct one b = { &s, "b", 0, NULL, NULL, 1 };

	(void)state;
	stage_begin(&s);
	commit_fails = -ENOSPC;
	join(&a);
	join(&b);
	commit_now(s.commit);
	assert_string_equal(str_get(&story),
			    "a b before no-commit reload(the disk is full) a=-28 b=-28 ");
	assert_int_equal(commit_stats(s.commit)->failed, 1);
	assert_int_equal(commit_stats(s.commit)->commits, 0);
	assert_stored(&s, "");
}

static void a_broken_store_is_not_tried_for_each_and_works_again_by_itself(void **state)
{
	STAGE s;
	struct one first = { &s, "first", 0, NULL, NULL, 1 };
	struct one soon = { &s, "soon", 0, NULL, NULL, 1 };
	struct one later = { &s, "later", 0, NULL, NULL, 1 };
	int64_t deadline = wait_deadline(10000);
	unsigned int tried;

	(void)state;
	stage_begin(&s);
	commit_fails = -ENOSPC;
	join(&first);
	commit_now(s.commit);
	tried = begins;
	join(&soon);
	commit_now(s.commit);
	assert_int_equal(soon.code, -ENOSPC);
	assert_int_equal(begins, tried);
	while (later.code != 0 && wait_left(deadline) > 0) {
		join(&later);
		commit_now(s.commit);
		usleep(100000);
	}
	assert_int_equal(later.code, 0);
	assert_int_equal(commit_stats(s.commit)->broken, 0);
	/* a probe, and then it */
	assert_in_range(begins - tried, 2, 3);
	assert_stored(&s, "later ");
}

static void what_joins_when_it_is_told_is_in_the_next_transaction(void **state)
{
	STAGE s;
	struct one second = { &s, "second", 0, NULL, NULL, 1 };
	struct one first = { &s, "first", 0, NULL, &second, 1 };

	(void)state;
	stage_begin(&s);
	join(&first);
	commit_now(s.commit);
	assert_string_equal(str_get(&story), "first before commit flush first=0 ");
	while (second.code)
		loop_step(s.loop, 1000);
	assert_string_equal(str_get(&story), "first before commit flush first=0 second before "
					     "commit flush second=0 ");
}

static int write_nothing(void *data, struct err *err)
{
	(void)err;
	++*(unsigned int *)data;
	return 0;
}

static void a_flood_is_parted_so_that_the_loop_is_not_held_up(void **state)
{
	STAGE s;
	unsigned int written = 0;
	unsigned int i;

	(void)state;
	stage_begin(&s);
	for (i = 0; i < 3000; i++)
		assert_int_equal(commit_join(s.commit, write_nothing, NULL, &written), 0);
	commit_now(s.commit);
	assert_in_range(written, 1, 1500);
	while (written < 3000)
		loop_step(s.loop, 1000);
	assert_in_range(commit_stats(s.commit)->commits, 2, 10);
}

static void what_waits_at_the_end_is_told_so(void **state)
{
	STAGE s;
	struct one a = { &s, "a", 0, NULL, NULL, 1 };

	(void)state;
	stage_begin(&s);
	join(&a);
	commit_free(s.commit);
	s.commit = NULL;
	assert_int_equal(a.code, -ECANCELED);
	assert_stored(&s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_round_is_one_transaction_and_nobody_is_told_before_it_is_durable),
		cmocka_unit_test(a_consequence_is_in_the_transaction_of_its_cause),
		cmocka_unit_test(one_that_fails_fails_all_and_memory_is_read_again_first),
		cmocka_unit_test(a_commit_that_fails_leaves_nothing_and_is_told_with_its_cause),
		cmocka_unit_test(a_broken_store_is_not_tried_for_each_and_works_again_by_itself),
		cmocka_unit_test(what_joins_when_it_is_told_is_in_the_next_transaction),
		cmocka_unit_test(a_flood_is_parted_so_that_the_loop_is_not_held_up),
		cmocka_unit_test(what_waits_at_the_end_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
