/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/loop.h"

#define LONG_MS 10000 /* what is waited for comes long before, on any machine */

/* What callbacks note: letters in the order they came. */
struct notes {
	struct loop *loop;
	struct loop_source *source;
	char text[64];
	size_t length;
	int fd;
	int status;
	pid_t pid;
};

static void note(struct notes *n, char c)
{
	if (n->length + 1 < sizeof(n->text))
		n->text[n->length++] = c;
}

static struct loop *make(void)
{
	struct loop *loop = NULL;

	assert_int_equal(loop_new(&loop, NULL), 0);
	return loop;
}

static void steps(struct notes *n, size_t length)
{
	const int64_t end = clock_monotonic_ms() + LONG_MS;

	while (n->length < length && clock_monotonic_ms() < end)
		assert_true(loop_step(n->loop, 100) >= 0);
}

static void quiet(struct notes *n)
{
	while (loop_step(n->loop, 0) > 0)
		;
}

/* --- descriptors */

static void on_read(void *data, int fd, uint32_t events)
{
	char c;

	if (events & EPOLLIN && read(fd, &c, 1) == 1)
		note(data, c);
	else if (events & EPOLLHUP)
		note(data, '!');
}

static void tells_that_a_descriptor_is_readable(void **state)
{
	struct notes n = { .loop = make() };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(loop_add_io(n.loop, fds[0], EPOLLIN, on_read, &n, &n.source, NULL), 0);
	assert_int_equal(loop_step(n.loop, 0), 0);
	assert_int_equal(write(fds[1], "ab", 2), 2);
	steps(&n, 2);
	assert_string_equal(n.text, "ab");
	loop_source_free(n.source);
	loop_free(n.loop);
	close(fds[0]);
	close(fds[1]);
}

static void of_a_descriptor_set_to_nothing_not_even_a_hangup_is_told(void **state)
{
	struct notes n = { .loop = make() };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(loop_add_io(n.loop, fds[0], EPOLLIN, on_read, &n, &n.source, NULL), 0);
	loop_io_set(n.source, 0);
	close(fds[1]);
	assert_int_equal(loop_step(n.loop, 0), 0);
	loop_io_set(n.source, EPOLLIN);
	steps(&n, 1);
	assert_string_equal(n.text, "!");
	loop_source_free(n.source);
	loop_free(n.loop);
	close(fds[0]);
}

static void a_descriptor_that_is_none_is_refused(void **state)
{
	struct notes n = { .loop = make() };
	struct loop_source *kept = (struct loop_source *)&n;
	struct err err = ERR_NULL;

	(void)state;
	n.source = kept;
	assert_int_equal(loop_add_io(n.loop, 9999, EPOLLIN, on_read, &n, &n.source, &err), -EBADF);
	assert_ptr_equal(n.source, kept);
	assert_non_null(strstr(err.text, "descriptor"));
	loop_free(n.loop);
}

/* --- timers */

static void on_timer(void *data)
{
	note(data, 't');
}

static void on_other_timer(void *data)
{
	note(data, 'o');
}

static void a_timer_fires_once_for_each_setting(void **state)
{
	struct notes n = { .loop = make() };

	(void)state;
	assert_int_equal(loop_add_timer(n.loop, on_timer, &n, &n.source, NULL), 0);
	assert_int_equal(loop_step(n.loop, 5), 0);
	loop_timer_set(n.source, 0, 0);
	steps(&n, 1);
	assert_int_equal(loop_step(n.loop, 5), 0);
	loop_timer_set(n.source, 1, 0);
	steps(&n, 2);
	assert_string_equal(n.text, "tt");
	loop_source_free(n.source);
	loop_free(n.loop);
}

static void a_timer_fires_not_before_its_time(void **state)
{
	struct notes n = { .loop = make() };
	int64_t start;

	(void)state;
	assert_int_equal(loop_add_timer(n.loop, on_timer, &n, &n.source, NULL), 0);
	loop_step(n.loop, 0);
	usleep(40000); /* the loop's clock is behind now */
	start = clock_monotonic_ms();
	loop_timer_set(n.source, 30, 1);
	steps(&n, 1);
	assert_in_range(clock_monotonic_ms() - start, 29, LONG_MS);
	assert_string_equal(n.text, "t");
	loop_source_free(n.source);
	loop_free(n.loop);
}

static void a_timer_that_was_stopped_does_not_fire(void **state)
{
	struct notes n = { .loop = make() };

	(void)state;
	assert_int_equal(loop_add_timer(n.loop, on_timer, &n, &n.source, NULL), 0);
	loop_timer_set(n.source, 1, 0);
	loop_timer_stop(n.source);
	assert_int_equal(loop_step(n.loop, 10), 0);
	loop_timer_set(n.source, INT64_MAX, INT64_MAX);
	assert_int_equal(loop_step(n.loop, 10), 0);
	assert_int_equal(n.length, 0);
	loop_source_free(n.source);
	loop_free(n.loop);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	struct notes n = { .loop = make() };
	struct loop_source *other;

	(void)state;
	assert_int_equal(loop_add_timer(n.loop, on_timer, &n, &n.source, NULL), 0);
	assert_int_equal(loop_add_timer(n.loop, on_other_timer, &n, &other, NULL), 0);
	loop_timer_set(n.source, 20, 0);
	loop_timer_set(other, 0, 0);
	steps(&n, 2);
	assert_string_equal(n.text, "ot");
	loop_source_free(n.source);
	loop_source_free(other);
	loop_free(n.loop);
}

/* --- put off */

struct two {
	struct notes notes;
	struct loop_source *post;
	int left;
};

static void on_post(void *data)
{
	struct two *t = data;

	note(&t->notes, 'p');
}

static void on_read_and_post(void *data, int fd, uint32_t events)
{
	struct two *t = data;

	on_read(&t->notes, fd, events);
	loop_post_set(t->post);
}

static void what_is_put_off_is_done_once_after_all_that_is_ready(void **state)
{
	struct two t = { .notes.loop = make() };
	struct loop_source *sources[3];
	int fds[3][2];
	size_t i;

	(void)state;
	assert_int_equal(loop_add_post(t.notes.loop, on_post, &t, &t.post, NULL), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(pipe2(fds[i], O_CLOEXEC), 0);
		assert_int_equal(write(fds[i][1], "aa", 2), 2);
		assert_int_equal(loop_add_io(t.notes.loop, fds[i][0], EPOLLIN, on_read_and_post, &t,
					     &sources[i], NULL),
				 0);
	}
	steps(&t.notes, 7);
	quiet(&t.notes);
	assert_string_equal(t.notes.text, "aaaaaap");
	loop_post_set(t.post);
	loop_post_set(t.post);
	quiet(&t.notes);
	assert_string_equal(t.notes.text, "aaaaaapp");
	for (i = 0; i < 3; i++) {
		loop_source_free(sources[i]);
		close(fds[i][0]);
		close(fds[i][1]);
	}
	loop_source_free(t.post);
	loop_free(t.notes.loop);
}

static void on_post_again(void *data)
{
	struct two *t = data;

	note(&t->notes, 'p');
	if (--t->left > 0)
		loop_post_set(t->post);
}

static void a_post_may_set_itself_again(void **state)
{
	struct two t = { .notes.loop = make(), .left = 3 };

	(void)state;
	assert_int_equal(loop_add_post(t.notes.loop, on_post_again, &t, &t.post, NULL), 0);
	assert_int_equal(loop_step(t.notes.loop, 0), 0);
	loop_post_set(t.post);
	quiet(&t.notes);
	assert_string_equal(t.notes.text, "ppp");
	loop_source_free(t.post);
	loop_free(t.notes.loop);
}

static void on_always(void *data, int fd, uint32_t events)
{
	(void)data, (void)fd, (void)events;
}

static void a_post_is_done_though_something_is_always_ready(void **state)
{
	struct two t = { .notes.loop = make() };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "a", 1), 1);
	assert_int_equal(
		loop_add_io(t.notes.loop, fds[0], EPOLLIN, on_always, NULL, &t.notes.source, NULL),
		0);
	assert_int_equal(loop_add_post(t.notes.loop, on_post, &t, &t.post, NULL), 0);
	loop_post_set(t.post);
	steps(&t.notes, 1);
	assert_string_equal(t.notes.text, "p");
	loop_source_free(t.post);
	loop_source_free(t.notes.source);
	loop_free(t.notes.loop);
	close(fds[0]);
	close(fds[1]);
}

/* --- signals and children */

static void on_signal(void *data, int signal)
{
	note(data, signal == SIGUSR1 ? 's' : '?');
}

static void a_signal_is_read_by_the_loop(void **state)
{
	struct notes n = { .loop = make() };

	(void)state;
	assert_int_equal(loop_add_signal(n.loop, SIGUSR1, on_signal, &n, &n.source, NULL), 0);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	steps(&n, 1);
	assert_string_equal(n.text, "s");
	loop_source_free(n.source);
	loop_free(n.loop);
}

static void on_child(void *data, pid_t pid, int status)
{
	struct notes *n = data;

	n->status = status;
	n->pid = pid;
	errno = 0;
	note(n, waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD ? 'c' : 'z');
	n->source = loop_source_free(n->source);
}

static int status_of(int signal, int code)
{
	struct notes n = { .loop = make() };
	pid_t pid = fork();

	if (pid == 0) {
		if (signal)
			kill(getpid(), signal);
		_exit(code);
	}
	assert_int_equal(loop_add_child(n.loop, pid, on_child, &n, &n.source, NULL), 0);
	steps(&n, 1);
	assert_string_equal(n.text, "c");
	assert_int_equal(n.pid, pid);
	loop_free(n.loop);
	return n.status;
}

static void the_end_of_a_child_is_told_when_it_is_reaped(void **state)
{
	int status;

	(void)state;
	status = status_of(0, 7);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	status = status_of(SIGKILL, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_child_that_nobody_waits_for_is_reaped(void **state)
{
	struct notes n = { .loop = make() };
	pid_t pid = fork();
	const int64_t end = clock_monotonic_ms() + LONG_MS;

	(void)state;
	if (pid == 0)
		_exit(1);
	assert_int_equal(loop_reap_child(n.loop, pid), 0);
	while (kill(pid, 0) == 0 && clock_monotonic_ms() < end)
		loop_step(n.loop, 10);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	loop_free(n.loop);
}

/* --- the loop */

static void on_free_itself(void *data, int fd, uint32_t events)
{
	struct notes *n = data;

	(void)fd, (void)events;
	note(n, 'f');
	n->source = loop_source_free(n->source);
}

static void a_source_may_be_freed_in_its_own_callback(void **state)
{
	struct notes n = { .loop = make() };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "a", 1), 1);
	assert_int_equal(loop_add_io(n.loop, fds[0], EPOLLIN, on_free_itself, &n, &n.source, NULL),
			 0);
	steps(&n, 1);
	assert_int_equal(loop_step(n.loop, 0), 0);
	assert_string_equal(n.text, "f");
	assert_null(loop_source_free(NULL));
	loop_free(n.loop);
	close(fds[0]);
	close(fds[1]);
}

struct pair {
	struct loop_source *sources[2];
	int calls;
};

static void on_free_both(void *data, int fd, uint32_t events)
{
	struct pair *p = data;

	(void)fd, (void)events;
	p->calls++;
	p->sources[0] = loop_source_free(p->sources[0]);
	p->sources[1] = loop_source_free(p->sources[1]);
}

static void a_source_freed_by_another_is_not_called_any_more(void **state)
{
	struct loop *loop = make();
	struct pair p = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(loop_add_io(loop, fds[0], EPOLLOUT, on_free_both, &p, &p.sources[0], NULL),
			 0);
	assert_int_equal(loop_add_io(loop, fds[1], EPOLLOUT, on_free_both, &p, &p.sources[1], NULL),
			 0);
	while (loop_step(loop, 0) > 0)
		;
	assert_int_equal(p.calls, 1);
	loop_free(loop);
	close(fds[0]);
	close(fds[1]);
}

static void on_quit(void *data)
{
	loop_quit(data, 5);
}

static void runs_until_it_is_told_to_quit(void **state)
{
	CLEANUP_LOOP struct loop *loop = make();
	struct loop_source *timer;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(loop_add_timer(loop, on_quit, loop, &timer, NULL), 0);
	loop_timer_set(timer, 1, 0);
	assert_int_equal(loop_run(loop, &err), 5);
	loop_source_free(timer);
}

static void its_clock_stands_still_within_a_round(void **state)
{
	CLEANUP_LOOP struct loop *loop = make();
	int64_t before;

	(void)state;
	assert_in_range(clock_monotonic_ms() - loop_now_ms(loop), 0, LONG_MS);
	loop_step(loop, 0);
	before = loop_now_ms(loop);
	usleep(3000);
	assert_int_equal(loop_now_ms(loop), before);
	loop_step(loop, 0);
	assert_true(loop_now_ms(loop) > before);
}

static void the_watchdog_is_fed_where_systemd_asks_for_it(void **state)
{
	char directory[] = "/tmp/test-loop-XXXXXX";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct loop *loop = make();
	char text[32] = "";
	int i;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/notify", directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	setenv("NOTIFY_SOCKET", name.sun_path, 1);
	setenv("WATCHDOG_USEC", "40000", 1);
	loop_enable_watchdog(loop);
	for (i = 0; i < 100 && recv(fd, text, sizeof(text) - 1, 0) <= 0; i++)
		loop_step(loop, 20);
	assert_string_equal(text, "WATCHDOG=1");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	loop_free(loop);
	close(fd);
	unlink(name.sun_path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_that_a_descriptor_is_readable),
		cmocka_unit_test(of_a_descriptor_set_to_nothing_not_even_a_hangup_is_told),
		cmocka_unit_test(a_descriptor_that_is_none_is_refused),
		cmocka_unit_test(a_timer_fires_once_for_each_setting),
		cmocka_unit_test(a_timer_fires_not_before_its_time),
		cmocka_unit_test(a_timer_that_was_stopped_does_not_fire),
		cmocka_unit_test(timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(what_is_put_off_is_done_once_after_all_that_is_ready),
		cmocka_unit_test(a_post_may_set_itself_again),
		cmocka_unit_test(a_post_is_done_though_something_is_always_ready),
		cmocka_unit_test(a_signal_is_read_by_the_loop),
		cmocka_unit_test(the_end_of_a_child_is_told_when_it_is_reaped),
		cmocka_unit_test(a_child_that_nobody_waits_for_is_reaped),
		cmocka_unit_test(a_source_may_be_freed_in_its_own_callback),
		cmocka_unit_test(a_source_freed_by_another_is_not_called_any_more),
		cmocka_unit_test(runs_until_it_is_told_to_quit),
		cmocka_unit_test(its_clock_stands_still_within_a_round),
		cmocka_unit_test(the_watchdog_is_fed_where_systemd_asks_for_it),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
