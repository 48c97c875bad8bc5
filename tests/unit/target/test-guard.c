/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/guard.h"

struct fixture {
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test-guard-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlinkat(f->fd, "hung", 0);
	close(f->fd);
	rmdir(f->path);
	free(f);
	return 0;
}

static pid_t a_dead_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static int print_and_end(void *data)
{
	printf("out\n");
	fflush(stdout);
	return *(int *)data;
}

static void nothing_is_guarded_when_nothing_hung(void **state)
{
	struct fixture *f = *state;

	assert_false(guard_is_needed(f->path));
	assert_false(guard_is_needed("/nonexistent"));
}

static void a_process_that_still_hangs_is_found_among_dead_ones(void **state)
{
	struct fixture *f = *state;

	guard_mark(f->fd, a_dead_process());
	guard_mark(f->fd, getpid());
	assert_true(guard_is_needed(f->path));
	assert_int_equal(faccessat(f->fd, "hung", F_OK, 0), 0);
}

static void the_note_goes_when_all_have_ended(void **state)
{
	struct fixture *f = *state;

	guard_mark(f->fd, a_dead_process());
	assert_false(guard_is_needed(f->path));
	assert_int_equal(faccessat(f->fd, "hung", F_OK, 0), -1);
}

static void what_the_verb_prints_and_returns_is_passed_on(void **state)
{
	int status = 3;
	int saved = dup(STDOUT_FILENO);
	char text[8] = "";
	int fds[2];
	int r;

	(void)state;
	fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDOUT_FILENO);
	r = guard_run(print_and_end, &status, 5);
	dup2(saved, STDOUT_FILENO);
	close(fds[1]);
	assert_int_equal(read(fds[0], text, sizeof(text) - 1), 4);
	close(fds[0]);
	close(saved);
	assert_int_equal(r, 3);
	assert_string_equal(text, "out\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_guarded_when_nothing_hung),
		TEST(a_process_that_still_hangs_is_found_among_dead_ones),
		TEST(the_note_goes_when_all_have_ended),
		TEST(what_the_verb_prints_and_returns_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
