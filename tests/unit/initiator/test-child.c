/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wait.h"
#include "initiator/child.h"

#define LONG_MS 30000

static int add_one(void *data, struct err *err)
{
	(void)err;
	*(int *)data += 1;
	return 0;
}

static void the_child_writes_into_shared_memory(void **state)
{
	int *number = child_memory(sizeof(*number));

	(void)state;
	assert_non_null(number);
	assert_int_equal(*number, 0);
	assert_int_equal(child_run(add_one, number, -1, wait_deadline(LONG_MS), NULL), 0);
	assert_int_equal(*number, 1);
	child_memory_free(number, sizeof(*number));
	child_memory_free(NULL, 0);
}

static int refuse(void *data, struct err *err)
{
	(void)data;
	return err_set(err, -EACCES, "not you");
}

static void its_error_arrives_with_its_text(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(child_run(refuse, NULL, -1, wait_deadline(LONG_MS), &err), -EACCES);
	assert_string_equal(err.text, "not you");
	assert_int_equal(err.code, -EACCES);
	assert_int_equal(child_run(refuse, NULL, -1, wait_deadline(LONG_MS), NULL), -EACCES);
}

static int sleep_long(void *data, struct err *err)
{
	(void)err;
	*(pid_t *)data = getpid();
	pause();
	return 0;
}

static void one_that_hangs_is_left_to_itself(void **state)
{
	pid_t *pid = child_memory(sizeof(*pid));
	struct err err = ERR_NULL;
	int status;

	(void)state;
	assert_int_equal(child_run(sleep_long, pid, -1, wait_deadline(300), &err), -ETIMEDOUT);
	assert_string_equal(err.text, "");
	assert_true(*pid > 0);
	assert_int_equal(kill(*pid, 0), 0);
	kill(*pid, SIGKILL);
	assert_int_equal(waitpid(*pid, &status, 0), *pid);
	child_memory_free(pid, sizeof(*pid));
}

static int die(void *data, struct err *err)
{
	(void)data;
	(void)err;
	raise(SIGKILL);
	return 0;
}

static void one_that_dies_is_a_failure(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(child_run(die, NULL, -1, wait_deadline(LONG_MS), &err), -ECHILD);
	assert_non_null(strstr(err.text, "Killed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_child_writes_into_shared_memory),
		cmocka_unit_test(its_error_arrives_with_its_text),
		cmocka_unit_test(one_that_hangs_is_left_to_itself),
		cmocka_unit_test(one_that_dies_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
