/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/swarm.h"

#define N 600

struct one {
	struct swarm_member member; /* first */
	int peer;
	int reads;
	int fires;
	int64_t fired_ms;
};

static struct {
	struct loop *loop;
	struct swarm *swarm;
	struct one all[N];
	int n; /* what came in all */
	int victim;
} t;

static void on_member(struct swarm_member *member, uint32_t events)
{
	struct one *one = (struct one *)member;
	char byte;

	t.n++;
	if (!events) {
		one->fires++;
		one->fired_ms = clock_monotonic_ms();
		return;
	}
	one->reads++;
	assert_int_equal(read(member->fd, &byte, 1), 1);
}

static void set_up(void)
{
	assert_int_equal(loop_new(&t.loop, NULL), 0);
	assert_int_equal(swarm_get(t.loop, &t.swarm, NULL), 0);
	t.n = 0;
	t.victim = -1;
}

static void tear_down(void)
{
	swarm_put(t.swarm);
	assert_null(loop_swarm(t.loop));
	loop_free(t.loop);
}

static void add(struct one *one, swarm_fn fn)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*one = (struct one){ .member = { .fn = fn, .fd = -1 }, .peer = ends[1] };
	assert_int_equal(swarm_watch(t.swarm, &one->member, ends[0], EPOLLIN, NULL), 0);
}

static void drop(struct one *one)
{
	int fd = one->member.fd;

	swarm_timer_stop(&one->member);
	if (fd < 0)
		return;
	swarm_forget(t.swarm, &one->member);
	close(fd);
	close(one->peer);
}

static void run_until(int n)
{
	while (t.n < n)
		assert_true(loop_step(t.loop, 5000) > 0);
}

static void many_that_are_ready_are_few_steps_of_the_loop(void **state)
{
	int steps = 0;
	int i;

	(void)state;
	set_up();
	for (i = 0; i < 400; i++) {
		add(&t.all[i], on_member);
		assert_int_equal(write(t.all[i].peer, "x", 1), 1);
	}
	for (; t.n < 400; steps++)
		assert_true(loop_step(t.loop, 5000) > 0);
	assert_true(steps <= 3);
	for (i = 0; i < 400; i++) {
		assert_int_equal(t.all[i].reads, 1);
		drop(&t.all[i]);
	}
	tear_down();
}

static void remove_the_others(struct swarm_member *member, uint32_t events)
{
	int i;

	(void)events;
	t.n++;
	for (i = 0; i < N; i++)
		if (&t.all[i].member != member)
			drop(&t.all[i]);
}

static void who_left_in_a_round_is_not_called_in_it(void **state)
{
	int i;

	(void)state;
	set_up();
	for (i = 0; i < N; i++) {
		if (i >= 20) {
			t.all[i] = (struct one){ .member = { .fd = -1 } };
			continue;
		}
		add(&t.all[i], remove_the_others);
		assert_int_equal(write(t.all[i].peer, "x", 1), 1);
		swarm_timer_set(t.swarm, &t.all[i].member, 1);
	}
	run_until(1);
	assert_int_equal(t.n, 1);
	for (i = 0; i < N; i++)
		drop(&t.all[i]);
	tear_down();
}

static void timers_fire_once_in_order_and_not_too_early(void **state)
{
	static const int ms[] = { 300, 1, 150, 0, 80 };
	int64_t begin;
	int i;

	(void)state;
	set_up();
	begin = clock_monotonic_ms();
	for (i = 0; i < 5; i++) {
		t.all[i] = (struct one){ .member = { .fn = on_member, .fd = -1 } };
		swarm_timer_set(t.swarm, &t.all[i].member, ms[i]);
	}
	assert_int_equal(t.n, 0);
	run_until(5);
	assert_int_equal(loop_step(t.loop, 100), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(t.all[i].fires, 1);
		assert_true(t.all[i].fired_ms - begin >= ms[i]);
	}
	assert_true(t.all[3].fired_ms <= t.all[1].fired_ms);
	assert_true(t.all[2].fired_ms <= t.all[0].fired_ms);
	tear_down();
}

static void a_timer_that_is_set_again_or_stopped_does_not_fire_before(void **state)
{
	int64_t begin;
	int i;

	(void)state;
	set_up();
	for (i = 0; i < 3; i++) {
		t.all[i] = (struct one){ .member = { .fn = on_member, .fd = -1 } };
		swarm_timer_set(t.swarm, &t.all[i].member, 10);
	}
	/* the wheel has 65 s: this one would be in a slot that comes before */
	swarm_timer_set(t.swarm, &t.all[0].member, INT64_C(1024) * SWARM_TICK_MS + 10);
	swarm_timer_stop(&t.all[1].member);
	begin = clock_monotonic_ms();
	swarm_timer_set(t.swarm, &t.all[2].member, 200);
	run_until(1);
	assert_true(clock_monotonic_ms() - begin >= 200);
	assert_int_equal(t.all[2].fires, 1);
	while (loop_step(t.loop, 200) > 0)
		;
	assert_int_equal(t.n, 1);
	swarm_timer_stop(&t.all[0].member);
	tear_down();
}

static void leave_for_good(struct swarm_member *member, uint32_t events)
{
	(void)events;
	t.n++;
	drop((struct one *)member);
	swarm_put(t.swarm);
	t.swarm = NULL;
}

static void the_last_one_may_leave_in_its_function(void **state)
{
	(void)state;
	set_up();
	add(&t.all[0], leave_for_good);
	assert_int_equal(write(t.all[0].peer, "x", 1), 1);
	run_until(1);
	assert_null(loop_swarm(t.loop));
	loop_free(t.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_that_are_ready_are_few_steps_of_the_loop),
		cmocka_unit_test(who_left_in_a_round_is_not_called_in_it),
		cmocka_unit_test(timers_fire_once_in_order_and_not_too_early),
		cmocka_unit_test(a_timer_that_is_set_again_or_stopped_does_not_fire_before),
		cmocka_unit_test(the_last_one_may_leave_in_its_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
