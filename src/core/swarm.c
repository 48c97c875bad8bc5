/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/swarm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS_MAX 256 /* of one round; then other sources of the loop have their turn */
#define N_SLOTS 1024   /* 65 s; what is later goes round once more */
#define WORD_BITS 64

struct swarm {
	struct loop *loop;
	unsigned int count;
	bool busy; /* in a round: freed at the end of it */
	int epoll_fd;
	struct loop_source *io;
	struct loop_source *timer;
	int64_t now_ms; /* 0 between rounds */
	/* events of this round; those of who left meanwhile have no pointer any more */
	struct epoll_event events[EVENTS_MAX];
	int n_events;
	int at_event;
	/* the wheel */
	struct swarm_member *slots[N_SLOTS];
	uint64_t used[N_SLOTS / WORD_BITS];
	struct swarm_member *urgent;
	struct swarm_member *firing;
	uint32_t tick;	     /* up to here all have fired */
	uint32_t timer_tick; /* when the loop's timer comes */
	bool timer_set;
	uint8_t *buffer;
};

static uint32_t tick_of(int64_t ms)
{
	return (uint32_t)(ms / SWARM_TICK_MS);
}

/* Ticks count for eight years of uptime; differences also beyond. */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

int64_t swarm_now_ms(struct swarm *swarm)
{
	return swarm->now_ms ? swarm->now_ms : clock_monotonic_ms();
}

/* --- the wheel */

static void list_add(struct swarm_member **head, struct swarm_member *member)
{
	member->next = *head;
	if (member->next)
		member->next->link = &member->next;
	member->link = head;
	*head = member;
}

static void list_remove(struct swarm_member *member)
{
	*member->link = member->next;
	if (member->next)
		member->next->link = member->link;
	member->next = NULL;
	member->link = NULL;
}

static void wheel_add(struct swarm *swarm, struct swarm_member *member)
{
	uint32_t slot = member->due_tick % N_SLOTS;

	list_add(&swarm->slots[slot], member);
	swarm->used[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
}

/* The next tick after the last one whose slot is not empty; those who left may have emptied it. */
static bool wheel_next(const struct swarm *swarm, uint32_t *ret_tick)
{
	uint32_t i;

	for (i = 1; i <= N_SLOTS;) {
		uint32_t slot = (swarm->tick + i) % N_SLOTS;
		uint64_t word = swarm->used[slot / WORD_BITS] >> slot % WORD_BITS;

		if (word) {
			*ret_tick = swarm->tick + i + (uint32_t)__builtin_ctzll(word);
			return true;
		}
		i += WORD_BITS - slot % WORD_BITS;
	}
	return false;
}

static void timer_at(struct swarm *swarm, uint32_t tick)
{
	int64_t now = swarm_now_ms(swarm);
	int64_t ms = (int64_t)(int32_t)(tick - tick_of(now)) * SWARM_TICK_MS - now % SWARM_TICK_MS;

	if (swarm->timer_set && !is_before(tick, swarm->timer_tick))
		return;
	swarm->timer_set = true;
	swarm->timer_tick = tick;
	loop_timer_set(swarm->timer, ms > 0 ? ms : 0, 0);
}

void swarm_timer_stop(struct swarm_member *member)
{
	if (member->link)
		list_remove(member);
}

void swarm_timer_set(struct swarm *swarm, struct swarm_member *member, int64_t ms)
{
	int64_t due = swarm_now_ms(swarm) + (ms > 0 ? ms : 0);

	swarm_timer_stop(member);
	if (ms <= 0) {
		list_add(&swarm->urgent, member);
		timer_at(swarm, swarm->tick);
		return;
	}
	/* a tick that has begun is over already */
	member->due_tick = tick_of(due) + 1;
	if (!is_before(swarm->tick, member->due_tick))
		member->due_tick = swarm->tick + 1;
	wheel_add(swarm, member);
	timer_at(swarm, member->due_tick);
}

/* Take over a whole list: members that leave find themselves in the new one. */
static void list_move(struct swarm_member **from, struct swarm_member **to)
{
	*to = *from;
	if (*to)
		(*to)->link = to;
	*from = NULL;
}

static void fire_list(struct swarm *swarm, struct swarm_member **list, bool all)
{
	list_move(list, &swarm->firing);
	while (swarm->firing) {
		struct swarm_member *member = swarm->firing;

		list_remove(member);
		if (all || !is_before(swarm->tick, member->due_tick))
			member->fn(member, 0);
		else
			wheel_add(swarm, member);
	}
}

static void fire_slots(struct swarm *swarm, uint32_t now)
{
	uint32_t next;

	while (wheel_next(swarm, &next) && !is_before(now, next)) {
		uint32_t slot = next % N_SLOTS;

		swarm->tick = next;
		swarm->used[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
		fire_list(swarm, &swarm->slots[slot], false);
	}
	swarm->tick = now;
}

/* --- rounds */

static void swarm_free(struct swarm *swarm)
{
	loop_set_swarm(swarm->loop, NULL);
	loop_source_free(swarm->io);
	loop_source_free(swarm->timer);
	if (swarm->epoll_fd >= 0)
		close(swarm->epoll_fd);
	free(swarm->buffer);
	free(swarm);
}

static void begin(struct swarm *swarm)
{
	swarm->busy = true;
	swarm->now_ms = clock_monotonic_ms();
}

static void end(struct swarm *swarm)
{
	swarm->busy = false;
	swarm->now_ms = 0;
	if (swarm->count == 0)
		swarm_free(swarm);
}

static void on_timer(void *data)
{
	struct swarm *swarm = data;
	uint32_t next;

	begin(swarm);
	swarm->timer_set = false;
	fire_list(swarm, &swarm->urgent, true);
	fire_slots(swarm, tick_of(swarm->now_ms));
	if (swarm->urgent)
		timer_at(swarm, swarm->tick);
	else if (wheel_next(swarm, &next))
		timer_at(swarm, next);
	end(swarm);
}

static void on_events(void *data, int fd, uint32_t events)
{
	struct swarm *swarm = data;
	int n = epoll_wait(fd, swarm->events, EVENTS_MAX, 0);

	(void)events;
	begin(swarm);
	swarm->n_events = n > 0 ? n : 0;
	for (swarm->at_event = 0; swarm->at_event < swarm->n_events; swarm->at_event++) {
		const struct epoll_event *event = &swarm->events[swarm->at_event];
		struct swarm_member *member = event->data.ptr;

		if (member)
			member->fn(member, event->events);
	}
	swarm->n_events = 0;
	end(swarm);
}

/* --- its users */

static int swarm_new(struct loop *loop, struct swarm **ret, struct err *err)
{
	struct swarm *swarm = calloc(1, sizeof(*swarm));
	int r = 0;

	if (!swarm)
		return err_nomem(err);
	swarm->loop = loop;
	swarm->tick = tick_of(clock_monotonic_ms());
	swarm->buffer = malloc(SWARM_BUFFER_BYTES);
	swarm->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (swarm->epoll_fd < 0)
		r = err_set(err, -errno, "cannot make an epoll descriptor: %s", strerror(errno));
	else if (!swarm->buffer)
		r = err_nomem(err);
	if (r == 0)
		r = loop_add_io(loop, swarm->epoll_fd, EPOLLIN, on_events, swarm, &swarm->io, err);
	if (r == 0)
		r = loop_add_timer(loop, on_timer, swarm, &swarm->timer, err);
	if (r < 0) {
		swarm_free(swarm);
		return r;
	}
	loop_set_swarm(loop, swarm);
	*ret = swarm;
	return 0;
}

int swarm_get(struct loop *loop, struct swarm **ret, struct err *err)
{
	struct swarm *swarm = loop_swarm(loop);
	int r = swarm ? 0 : swarm_new(loop, &swarm, err);

	if (r < 0)
		return r;
	swarm->count++;
	*ret = swarm;
	return 0;
}

void swarm_put(struct swarm *swarm)
{
	if (swarm && --swarm->count == 0 && !swarm->busy)
		swarm_free(swarm);
}

static int control(struct swarm *swarm, int op, struct swarm_member *member, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = member };

	return epoll_ctl(swarm->epoll_fd, op, member->fd, &event) < 0 ? -errno : 0;
}

int swarm_watch(struct swarm *swarm, struct swarm_member *member, int fd, uint32_t events,
		struct err *err)
{
	int r;

	member->fd = fd;
	r = control(swarm, EPOLL_CTL_ADD, member, events);
	if (r == 0)
		return 0;
	member->fd = -1;
	return err_set(err, r, "cannot watch a socket: %s", strerror(-r));
}

int swarm_change(struct swarm *swarm, struct swarm_member *member, uint32_t events)
{
	return control(swarm, EPOLL_CTL_MOD, member, events);
}

void swarm_forget(struct swarm *swarm, struct swarm_member *member)
{
	int i;

	if (member->fd < 0)
		return;
	control(swarm, EPOLL_CTL_DEL, member, 0);
	member->fd = -1;
	for (i = swarm->at_event + 1; i < swarm->n_events; i++)
		if (swarm->events[i].data.ptr == member)
			swarm->events[i].data.ptr = NULL;
}

uint8_t *swarm_buffer(struct swarm *swarm)
{
	return swarm->buffer;
}
