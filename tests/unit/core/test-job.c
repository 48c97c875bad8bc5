/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/job.h"

#define LONG_MS 10000

struct seen {
	struct loop *loop;
	struct job *job;
	pid_t pid;
	int dones;
	int lates;
	int status;
	char *result;
	size_t length;
	int fds[3];
};

static void on_done(void *data, int status, const char *result, size_t length)
{
	struct seen *s = data;

	s->dones++;
	s->status = status;
	s->length = length;
	s->result = memcpy(malloc(length + 1), result, length + 1);
	assert_int_equal(result[length], '\0');
	job_abandon(s->job); /* does nothing any more */
	s->job = NULL;
}

static void on_late(void *data)
{
	struct seen *s = data;

	s->lates++;
}

static int make(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));

	*state = s;
	return loop_new(&s->loop, NULL);
}

static int release(void **state)
{
	struct seen *s = *state;

	loop_free(s->loop);
	free(s->result);
	free(s);
	return 0;
}

static void start(struct seen *s, job_run_fn run, int64_t late_ms)
{
	assert_int_equal(job_start(s->loop, run, on_done, on_late, s, late_ms, &s->job, NULL), 0);
	s->pid = job_pid(s->job);
}

static void wait_done(struct seen *s)
{
	const int64_t end = clock_monotonic_ms() + LONG_MS;

	while (!s->dones && clock_monotonic_ms() < end)
		assert_true(loop_step(s->loop, 100) >= 0);
	assert_int_equal(s->dones, 1);
}

static void wait_gone(struct seen *s)
{
	const int64_t end = clock_monotonic_ms() + LONG_MS;

	while (kill(s->pid, 0) == 0 && clock_monotonic_ms() < end)
		loop_step(s->loop, 20);
	assert_int_equal(kill(s->pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* --- in the child */

static int say_hello(void *data, int fd)
{
	(void)data;
	return write(fd, "hello", 5) == 5 ? 3 : 99;
}

static int say_nothing(void *data, int fd)
{
	(void)data, (void)fd;
	return 0;
}

static int say_much(void *data, int fd)
{
	static char block[1 << 20];
	int i;

	(void)data;
	memset(block, 'x', sizeof(block));
	for (i = 0; i < 20; i++)
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return 1;
	return 0;
}

static int hang(void *data, int fd)
{
	(void)data, (void)fd;
	while (pause() < 0)
		;
	return 0;
}

static int take_a_while(void *data, int fd)
{
	(void)data;
	usleep(150000);
	return write(fd, "late", 4) == 4 ? 0 : 1;
}

static int leave_a_child(void *data, int fd)
{
	pid_t pid = fork();

	(void)data;
	if (pid == 0)
		for (;;)
			pause();
	return write(fd, &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1;
}

static int close_the_result(void *data, int fd)
{
	(void)data;
	close(fd);
	usleep(100000);
	return 4;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* One letter for each that is open: socket, pipe, directory. */
static int tell_what_is_open(void *data, int fd)
{
	const struct seen *s = data;
	const char *letters = "spd";
	size_t i;

	for (i = 0; i < 3; i++)
		if (is_open(s->fds[i]) && write(fd, &letters[i], 1) != 1)
			return 1;
	return 0;
}

static int tell_signals(void *data, int fd)
{
	struct sigaction action;
	sigset_t blocked;

	(void)data, (void)fd;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigaction(SIGPIPE, NULL, &action);
	return sigismember(&blocked, SIGCHLD) || sigismember(&blocked, SIGUSR2) ||
	       action.sa_handler != SIG_DFL;
}

/* --- tests */

static void what_the_child_wrote_and_its_status_come_back(void **state)
{
	struct seen *s = *state;

	start(s, say_hello, 0);
	wait_done(s);
	assert_true(WIFEXITED(s->status));
	assert_int_equal(WEXITSTATUS(s->status), 3);
	assert_string_equal(s->result, "hello");
	assert_int_equal(s->length, 5);
	assert_int_equal(s->lates, 0);
}

static void a_child_that_says_nothing_has_an_empty_result(void **state)
{
	struct seen *s = *state;

	start(s, say_nothing, LONG_MS);
	wait_done(s);
	assert_int_equal(s->status, 0);
	assert_string_equal(s->result, "");
	assert_int_equal(s->length, 0);
}

static void a_result_without_end_is_cut(void **state)
{
	struct seen *s = *state;

	start(s, say_much, 0);
	wait_done(s);
	assert_int_equal(s->status, 0);
	assert_int_equal(s->length, JOB_RESULT_MAX);
}

static void a_child_is_reported_late_once_and_goes_on(void **state)
{
	struct seen *s = *state;

	start(s, take_a_while, 20);
	wait_done(s);
	assert_int_equal(s->lates, 1);
	assert_int_equal(s->status, 0);
	assert_string_equal(s->result, "late");
}

static void a_child_that_was_killed_is_told_so(void **state)
{
	struct seen *s = *state;

	start(s, hang, 0);
	kill(s->pid, SIGTERM);
	wait_done(s);
	assert_true(WIFSIGNALED(s->status));
	assert_int_equal(WTERMSIG(s->status), SIGTERM);
}

static void an_abandoned_child_leaves_no_zombie_and_is_not_reported(void **state)
{
	struct seen *s = *state;

	start(s, hang, 20);
	job_abandon(s->job);
	wait_gone(s);
	while (loop_step(s->loop, 50) > 0)
		;
	assert_int_equal(s->dones, 0);
	assert_int_equal(s->lates, 0);
	job_abandon(NULL);
}

static void on_late_abandon(void *data)
{
	struct seen *s = data;

	s->lates++;
	job_abandon(s->job);
}

static void a_child_may_be_abandoned_when_it_is_late(void **state)
{
	struct seen *s = *state;

	assert_int_equal(job_start(s->loop, hang, on_done, on_late_abandon, s, 10, &s->job, NULL),
			 0);
	s->pid = job_pid(s->job);
	wait_gone(s);
	assert_int_equal(s->lates, 1);
	assert_int_equal(s->dones, 0);
}

static void the_end_does_not_wait_for_children_of_the_child(void **state)
{
	struct seen *s = *state;
	pid_t grandchild;

	start(s, leave_a_child, 0);
	wait_done(s);
	assert_int_equal(s->length, sizeof(grandchild));
	memcpy(&grandchild, s->result, sizeof(grandchild));
	kill(grandchild, SIGKILL);
}

static void a_child_that_closes_its_result_is_waited_for_asleep(void **state)
{
	struct seen *s = *state;
	int rounds = 0;

	start(s, close_the_result, 0);
	while (!s->dones && rounds++ < 100)
		loop_step(s->loop, 1000);
	assert_in_range(rounds, 1, 4);
	assert_int_equal(WEXITSTATUS(s->status), 4);
}

static void a_child_keeps_no_socket_and_no_pipe_but_directories(void **state)
{
	struct seen *s = *state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s->fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	s->fds[1] = fds[0];
	s->fds[2] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	start(s, tell_what_is_open, 0);
	wait_done(s);
	assert_string_equal(s->result, "d");
	assert_true(is_open(s->fds[0]));
	close(s->fds[0]);
	close(s->fds[2]);
	close(fds[0]);
	close(fds[1]);
}

static void a_child_keeps_what_was_marked_for_it(void **state)
{
	struct seen *s = *state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s->fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	s->fds[1] = fds[0];
	s->fds[2] = fds[1];
	assert_int_equal(fcntl(fds[1], F_SETFD, 0), 0);
	start(s, tell_what_is_open, 0);
	wait_done(s);
	assert_string_equal(s->result, "sd");
	close(s->fds[0]);
	close(fds[0]);
	close(fds[1]);
}

static void a_child_has_no_signals_blocked_or_ignored(void **state)
{
	struct seen *s = *state;
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start(s, tell_signals, 0);
	wait_done(s);
	assert_int_equal(s->status, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void many_run_beside_each_other(void **state)
{
	struct seen *s = *state;
	struct job *jobs[50];
	const int64_t end = clock_monotonic_ms() + LONG_MS;
	size_t i;

	for (i = 0; i < 50; i++)
		assert_int_equal(
			job_start(s->loop, say_nothing, on_done, NULL, s, 0, &jobs[i], NULL), 0);
	while (s->dones < 50 && clock_monotonic_ms() < end) {
		loop_step(s->loop, 100);
		free(s->result);
		s->result = NULL;
	}
	assert_int_equal(s->dones, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, make, release)
		TEST(what_the_child_wrote_and_its_status_come_back),
		TEST(a_child_that_says_nothing_has_an_empty_result),
		TEST(a_result_without_end_is_cut),
		TEST(a_child_is_reported_late_once_and_goes_on),
		TEST(a_child_that_was_killed_is_told_so),
		TEST(an_abandoned_child_leaves_no_zombie_and_is_not_reported),
		TEST(a_child_may_be_abandoned_when_it_is_late),
		TEST(the_end_does_not_wait_for_children_of_the_child),
		TEST(a_child_that_closes_its_result_is_waited_for_asleep),
		TEST(a_child_keeps_no_socket_and_no_pipe_but_directories),
		TEST(a_child_keeps_what_was_marked_for_it),
		TEST(a_child_has_no_signals_blocked_or_ignored),
		TEST(many_run_beside_each_other),
	};

	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
