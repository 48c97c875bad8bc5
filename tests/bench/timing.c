/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timing - how long two commands take, in turns, and how much memory.
 *
 *   timing ROUNDS [-- RESET...] -- A... -- B...
 *
 * Each round: A, RESET, B, RESET. Only A and B are timed, from the start of the process to its end.
 * With one command only, it is that one. Prints on one line the median of A and of B in
 * microseconds, A/B, and the most resident memory of A and of B in KiB; 0 where there is no B:
 *
 *   2310 1725 1.34 2804 1320
 *
 * Standard output of the commands is dropped. One that fails ends it with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 1000

struct series {
	char **argv; /* NULL: none */
	double us[MAX_ROUNDS];
	size_t count;
	long max_rss_kib;
};

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Run to the end; 0, or 1 after saying what is wrong. posix_spawn needs no copy of our memory. */
static int run(char **argv, const posix_spawn_file_actions_t *actions, struct rusage *usage)
{
	extern char **environ;
	int status = 0;
	pid_t pid;
	int r;

	r = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
	if (r) {
		fprintf(stderr, "timing: %s: %s\n", argv[0], strerror(r));
		return 1;
	}
	while (wait4(pid, &status, 0, usage) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fprintf(stderr, "timing: %s ended with status 0x%x\n", argv[0], (unsigned int)status);
	return 1;
}

static int measure(struct series *s, const posix_spawn_file_actions_t *actions)
{
	struct rusage usage;
	double start;

	if (!s->argv)
		return 0;
	start = now_us();
	if (run(s->argv, actions, &usage))
		return 1;
	s->us[s->count++] = now_us() - start;
	if (usage.ru_maxrss > s->max_rss_kib)
		s->max_rss_kib = usage.ru_maxrss;
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct series *s)
{
	if (!s->count)
		return 0;
	qsort(s->us, s->count, sizeof(s->us[0]), compare);
	return s->us[s->count / 2];
}

/* Cut argv at each "--" into up to three commands; returns how many. */
static size_t split(char **argv, char **commands[3])
{
	size_t n = 0;

	for (; *argv; argv++) {
		if (strcmp(*argv, "--") != 0)
			continue;
		*argv = NULL;
		if (n == 3 || !argv[1])
			return 0;
		commands[n++] = argv + 1;
	}
	return n;
}

static int run_rounds(long rounds, char **reset, struct series *a, struct series *b)
{
	posix_spawn_file_actions_t actions;
	struct rusage ignored;
	long i;
	int r = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (i = 0; i < rounds && !r; i++) {
		r = measure(a, &actions) || (reset && run(reset, &actions, &ignored)) ||
		    measure(b, &actions) || (b->argv && reset && run(reset, &actions, &ignored));
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int main(int argc, char **argv)
{
	static struct series a;
	static struct series b;
	char **commands[3] = { NULL };
	size_t n = split(argv, commands);
	long rounds = argc > 1 && argv[1] ? strtol(argv[1], NULL, 10) : 0;
	double us;
	double other;

	if (n == 0 || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: timing ROUNDS [-- RESET...] -- A... -- B...\n");
		return 2;
	}
	a.argv = commands[n == 3 ? 1 : 0];
	b.argv = commands[n == 3 ? 2 : 1];
	if (run_rounds(rounds, n == 3 ? commands[0] : NULL, &a, &b))
		return 1;
	us = median(&a);
	other = median(&b);
	printf("%.0f %.0f %.2f %ld %ld\n", us, other, other > 0 ? us / other : 0.0, a.max_rss_kib,
	       b.max_rss_kib);
	return 0;
}
