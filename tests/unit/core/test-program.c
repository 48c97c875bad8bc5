/* SPDX-License-Identifier: BSD-3-Clause */
/* A daemon in a child of the test: its letters and words come through a pipe, in order. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/program.h"

#define LONG_MS 10000

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(99);
}

struct daemon_data {
	struct loop *loop;
	bool fails;
	bool waits; /* does not end at the first signal */
};

static int load(void *data, const char *config, struct err *err)
{
	(void)data;
	say("load:");
	say(config);
	say(" ");
	if (strcmp(config, "bad") == 0)
		return err_set(err, -EINVAL, "bad:3: no such key");
	return 0;
}

static int start(void *data, struct loop *loop, struct err *err)
{
	struct daemon_data *d = data;

	d->loop = loop;
	say(umask(077) == 077 ? "start " : "umask! ");
	return d->fails ? err_set(err, -EIO, "nothing works") : 0;
}

static void reload(void *data, const char *config)
{
	(void)data;
	say("reload:");
	say(config);
	say(" ");
}

static void stop(void *data)
{
	struct daemon_data *d = data;

	say("stop ");
	if (!d->waits)
		loop_quit(d->loop, PROGRAM_DONE);
}

static void end(void *data)
{
	(void)data;
	say("end");
}

static const struct program program = {
	.name = "testd",
	.version = "1.2",
	.help = "testd - a test\n",
	.config = "default",
	.load = load,
	.start = start,
	.reload = reload,
	.stop = stop,
	.end = end,
};

struct child {
	pid_t pid;
	int fd;
	char said[512];
};

static void run(struct child *c, const struct program *p, const struct daemon_data *data,
		const char *option, const char *value)
{
	char *argv[] = { "testd", (char *)option, (char *)value, NULL };
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*c = (struct child){ .fd = fds[0], .pid = fork() };
	if (c->pid == 0) {
		struct daemon_data copy = data ? *data : (struct daemon_data){ 0 };

		unsetenv("JOURNAL_STREAM");
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		optind = 1;
		exit(program_main(p, option ? value ? 3 : 2 : 1, argv, &copy));
	}
	close(fds[1]);
}

/* Read until @text was said, or to the end. */
static void hear(struct child *c, const char *text)
{
	size_t used = strlen(c->said);
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	while (!text || !strstr(c->said, text)) {
		ssize_t n = poll(&p, 1, LONG_MS) == 1
				    ? read(c->fd, c->said + used, sizeof(c->said) - used - 1)
				    : -1;

		if (n <= 0)
			break;
		used += (size_t)n;
		c->said[used] = '\0';
	}
	if (text && !strstr(c->said, text)) {
		kill(c->pid, SIGKILL);
		fail_msg("\"%s\" is not in: %s", text, c->said);
	}
}

static int status_of(struct child *c)
{
	int status = -1;

	hear(c, NULL);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void prints_its_version_and_help(void **state)
{
	struct child c;

	(void)state;
	run(&c, &program, NULL, "--version", NULL);
	assert_int_equal(status_of(&c), 0);
	assert_string_equal(c.said, "testd 1.2\n");
	run(&c, &program, NULL, "--help", NULL);
	assert_int_equal(status_of(&c), 0);
	assert_string_equal(c.said, "testd - a test\n");
}

static void refuses_what_it_does_not_know(void **state)
{
	struct child c;

	(void)state;
	run(&c, &program, NULL, "--nosuch", NULL);
	assert_int_equal(status_of(&c), PROGRAM_USAGE);
	assert_null(strstr(c.said, "load"));
	run(&c, &program, NULL, "word", NULL);
	assert_int_equal(status_of(&c), PROGRAM_USAGE);
	assert_non_null(strstr(c.said, "\"word\""));
}

static void a_configuration_is_checked_and_nothing_started(void **state)
{
	struct child c;

	(void)state;
	run(&c, &program, NULL, "--check-config", NULL);
	assert_int_equal(status_of(&c), 0);
	assert_string_equal(c.said, "load:default ");
	run(&c, &program, NULL, "--check-config", "--config=bad");
	assert_int_equal(status_of(&c), PROGRAM_FAILED);
	assert_string_equal(c.said, "load:bad testd: bad:3: no such key\n");
}

static void does_not_start_with_a_bad_configuration(void **state)
{
	struct child c;

	(void)state;
	run(&c, &program, NULL, "--config", "bad");
	assert_int_equal(status_of(&c), PROGRAM_FAILED);
	assert_null(strstr(c.said, "start"));
}

static void what_a_failed_start_made_is_released(void **state)
{
	const struct daemon_data data = { .fails = true };
	struct child c;

	(void)state;
	run(&c, &program, &data, NULL, NULL);
	assert_int_equal(status_of(&c), PROGRAM_FAILED);
	assert_string_equal(c.said, "load:default start endtestd: nothing works\n");
}

static void ends_in_order_at_sigterm(void **state)
{
	struct child c;

	(void)state;
	run(&c, &program, NULL, "--config", "mine");
	hear(&c, "start ");
	kill(c.pid, SIGTERM);
	assert_int_equal(status_of(&c), 0);
	assert_string_equal(c.said, "load:mine start testd: Terminated: ending\nstop end");
}

static void reads_its_configuration_again_at_sighup(void **state)
{
	struct child c;

	(void)state;
	run(&c, &program, NULL, "--config", "mine");
	hear(&c, "start ");
	kill(c.pid, SIGHUP);
	hear(&c, "reload:mine ");
	kill(c.pid, SIGINT);
	assert_int_equal(status_of(&c), 0);
}

static void a_second_signal_does_not_wait(void **state)
{
	const struct daemon_data data = { .waits = true };
	struct child c;

	(void)state;
	run(&c, &program, &data, NULL, NULL);
	hear(&c, "start ");
	kill(c.pid, SIGTERM);
	hear(&c, "stop ");
	kill(c.pid, SIGTERM);
	assert_int_equal(status_of(&c), 0);
	assert_non_null(strstr(c.said, "end"));
}

static void what_a_daemon_does_not_want_to_know_is_left_out(void **state)
{
	struct program plain = program;
	struct child c;

	(void)state;
	plain.reload = NULL;
	plain.stop = NULL;
	run(&c, &plain, NULL, NULL, NULL);
	hear(&c, "start ");
	kill(c.pid, SIGHUP);
	kill(c.pid, SIGPIPE);
	kill(c.pid, SIGTERM);
	assert_int_equal(status_of(&c), 0);
	assert_null(strstr(c.said, "reload"));
	assert_null(strstr(c.said, "stop"));
	assert_non_null(strstr(c.said, "end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_its_version_and_help),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(a_configuration_is_checked_and_nothing_started),
		cmocka_unit_test(does_not_start_with_a_bad_configuration),
		cmocka_unit_test(what_a_failed_start_made_is_released),
		cmocka_unit_test(ends_in_order_at_sigterm),
		cmocka_unit_test(reads_its_configuration_again_at_sighup),
		cmocka_unit_test(a_second_signal_does_not_wait),
		cmocka_unit_test(what_a_daemon_does_not_want_to_know_is_left_out),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
