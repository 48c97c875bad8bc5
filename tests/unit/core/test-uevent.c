/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With the kernel's own events, made by the uevent file of /dev/null: as root, outside of network
 * and user namespaces of one's own. Elsewhere they are skipped; tests/guest/t/uevent-storm runs
 * this program where none may be.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/uevent.h"

#define LONG_MS 10000
#define STORM 1600
/* Others may make events of this device, too: ours have this name. */
#define OURS "6f1c0d1e-6a3b-4c52-9c3e-3f2f1ab0c001"
#define SOURCE "/sys/class/mem/null/uevent"

int __real_udev_monitor_set_receive_buffer_size(struct udev_monitor *monitor, int size);
int __wrap_udev_monitor_set_receive_buffer_size(struct udev_monitor *monitor, int size);

static int buffer_size; /* 0: what is asked for */
static int buffer_result;

int __wrap_udev_monitor_set_receive_buffer_size(struct udev_monitor *monitor, int size)
{
	int r = __real_udev_monitor_set_receive_buffer_size(monitor,
							    buffer_size ? buffer_size : size);

	return buffer_result ? buffer_result : r;
}

struct world {
	struct loop *loop;
	struct uevent_monitor *monitor;
	unsigned int events;
	unsigned int gaps;
	unsigned int overruns;
	uint64_t last;
	bool is_ordered;
	bool is_right;
};

static void on_event(void *data, const struct uevent *e)
{
	struct world *w = data;
	const char *uuid = uevent_property(e, "SYNTH_UUID");

	if (!uuid || strcmp(uuid, OURS) != 0)
		return;
	w->events++;
	w->is_ordered = w->is_ordered && e->seqnum > w->last;
	w->last = e->seqnum;
	w->is_right = strcmp(e->action, "change") == 0 && strcmp(e->subsystem, "mem") == 0 &&
		      strcmp(e->devtype, "") == 0 && strcmp(e->sysname, "null") == 0 &&
		      strcmp(e->devnode, "/dev/null") == 0 &&
		      strcmp(e->syspath, "/sys/devices/virtual/mem/null") == 0 &&
		      !uevent_property(e, "NOSUCH");
}

static void on_gap(void *data, const char *why)
{
	struct world *w = data;

	w->gaps++;
	w->overruns += strstr(why, "no room") != NULL;
}

static bool make_events(unsigned int n)
{
	const char text[] = "change " OURS;
	int fd = open(SOURCE, O_WRONLY | O_CLOEXEC);
	bool made = fd >= 0;

	while (made && n-- > 0)
		made = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return made;
}

static int open_monitor(struct world *w, const char *const *subsystems)
{
	*w = (struct world){ .is_ordered = true };
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	return uevent_monitor_new(w->loop, UEVENT_KERNEL, subsystems, on_event, on_gap, w,
				  &w->monitor, NULL);
}

static void close_monitor(struct world *w)
{
	uevent_monitor_free(w->monitor);
	loop_free(w->loop);
}

static void wait_for(struct world *w, const unsigned int *count, unsigned int n)
{
	const int64_t until = clock_monotonic_ms() + LONG_MS;

	while (*count < n && clock_monotonic_ms() < until)
		assert_true(loop_step(w->loop, 100) >= 0);
}

static bool has_events;
static const char *const mem[] = { "block", "mem", NULL };
static const char *const nvme[] = { "nvme", NULL };

static int look_for_events(void **state)
{
	struct world w;

	(void)state;
	if (open_monitor(&w, mem) == 0 && make_events(1)) {
		const int64_t until = clock_monotonic_ms() + 500;

		while (!w.events && clock_monotonic_ms() < until)
			loop_step(w.loop, 50);
	}
	has_events = w.events == 1;
	close_monitor(&w);
	return 0;
}

static void an_event_is_told_with_all_that_is_known_of_it(void **state)
{
	struct world w;
	uint64_t n_read = 0;
	uint64_t lost = 1;
	uint64_t gaps = 1;

	(void)state;
	if (!has_events)
		skip();
	assert_int_equal(open_monitor(&w, mem), 0);
	assert_true(make_events(1));
	wait_for(&w, &w.events, 1);
	assert_int_equal(w.events, 1);
	assert_true(w.is_right);
	uevent_monitor_counts(w.monitor, &n_read, &lost, &gaps);
	assert_in_range(n_read, 1, 1000);
	assert_int_equal(w.gaps, gaps);
	close_monitor(&w);
}

static void events_of_other_subsystems_are_dropped_but_counted(void **state)
{
	struct world w;
	uint64_t n_read = 0;
	uint64_t lost;
	uint64_t gaps;

	(void)state;
	if (!has_events)
		skip();
	assert_int_equal(open_monitor(&w, nvme), 0);
	assert_true(make_events(10));
	while (loop_step(w.loop, 50) > 0)
		;
	assert_int_equal(w.events, 0);
	uevent_monitor_counts(w.monitor, &n_read, &lost, &gaps);
	assert_in_range(n_read, 10, 1000);
	close_monitor(&w);
}

static void a_reader_that_stalled_gets_all_of_1600(void **state)
{
	struct world w;

	(void)state;
	if (!has_events)
		skip();
	assert_int_equal(open_monitor(&w, mem), 0);
	assert_true(make_events(STORM));
	wait_for(&w, &w.events, STORM);
	assert_int_equal(w.events, STORM);
	assert_true(w.is_ordered);
	assert_int_equal(w.overruns, 0);
	close_monitor(&w);
}

static void what_did_not_fit_is_a_gap_told_once(void **state)
{
	struct world w;
	uint64_t n_read = 0;
	uint64_t lost = 0;
	uint64_t gaps = 0;
	const int64_t until = clock_monotonic_ms() + LONG_MS;

	(void)state;
	if (!has_events)
		skip();
	buffer_size = 8192;
	assert_int_equal(open_monitor(&w, mem), 0);
	assert_true(make_events(1)); /* the first number is the one to count from */
	wait_for(&w, &w.events, 1);
	assert_true(make_events(STORM));
	wait_for(&w, &w.overruns, 1);
	assert_int_equal(w.overruns, 1);
	assert_in_range(w.events, 2, STORM - 1);
	/* the next one shows how many there were, and that it goes on */
	assert_true(make_events(1));
	while (w.events + lost < STORM + 2 && clock_monotonic_ms() < until) {
		loop_step(w.loop, 100);
		uevent_monitor_counts(w.monitor, &n_read, &lost, &gaps);
	}
	assert_in_range(w.events + lost, STORM + 2, STORM + 1000);
	assert_int_equal(w.overruns, 1);
	assert_int_equal(w.gaps, gaps);
	buffer_size = 0;
	close_monitor(&w);
}

static void without_the_right_to_a_large_buffer_it_works_with_a_warning(void **state)
{
	struct world w = { .is_ordered = true };
	struct err err = ERR_NULL;

	(void)state;
	buffer_result = -EPERM;
	assert_int_equal(loop_new(&w.loop, NULL), 0);
	assert_int_equal(uevent_monitor_new(w.loop, UEVENT_UDEV, mem, on_event, on_gap, &w,
					    &w.monitor, &err),
			 -EPERM);
	assert_non_null(strstr(err.text, "CAP_NET_ADMIN"));
	assert_non_null(w.monitor);
	buffer_result = 0;
	close_monitor(&w);
	uevent_monitor_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_told_with_all_that_is_known_of_it),
		cmocka_unit_test(events_of_other_subsystems_are_dropped_but_counted),
		cmocka_unit_test(a_reader_that_stalled_gets_all_of_1600),
		cmocka_unit_test(what_did_not_fit_is_a_gap_told_once),
		cmocka_unit_test(without_the_right_to_a_large_buffer_it_works_with_a_warning),
	};

	return cmocka_run_group_tests_name("uevent", tests, look_for_events, NULL);
}
