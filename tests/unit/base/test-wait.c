/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wait.h"

static void a_deadline_comes_nearer_and_ends_at_zero(void **state)
{
	int64_t deadline = wait_deadline(40);
	int left = wait_left(deadline);

	(void)state;
	assert_in_range(left, 1, 40);
	wait_sleep(10, deadline);
	assert_true(wait_left(deadline) < left);
	wait_sleep(10000, deadline);
	assert_int_equal(wait_left(deadline), 0);
	assert_int_equal(wait_left(deadline - 1000), 0);
}

static void returns_the_status_of_a_child_that_ends(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(7);
	assert_int_equal(wait_child(pid, wait_deadline(10000), &status), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void leaves_a_child_that_does_not_end_until_it_is_killed(void **state)
{
	int status = 1234;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(wait_child(pid, wait_deadline(20), &status), -ETIMEDOUT);
	assert_int_equal(status, 1234);
	assert_int_equal(kill(pid, 0), 0);
	wait_kill(pid);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void tells_of_a_process_that_is_no_child(void **state)
{
	int status;

	(void)state;
	assert_int_equal(wait_child(1, wait_deadline(1000), &status), -ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_comes_nearer_and_ends_at_zero),
		cmocka_unit_test(returns_the_status_of_a_child_that_ends),
		cmocka_unit_test(leaves_a_child_that_does_not_end_until_it_is_killed),
		cmocka_unit_test(tells_of_a_process_that_is_no_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
